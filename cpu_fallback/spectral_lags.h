/* Autocorrelation, Lomb and Scargle's periodogram, periods.  A part of cpu_fallback/spectral.c. */

/* Registers of the columns of a run; lags side by side, so that all accumulators stay in registers.
 */
enum { FN(SPECTRAL_WIDE) = DC_SPECTRAL_ACF_COLUMNS / VEC_LANES };
#ifdef DC_VECTOR_AVX512
enum { FN(SPECTRAL_SIDE) = VEC_LANES };
#else
enum { FN(SPECTRAL_SIDE) = 2 };
#endif

/* A tree of single numbers. */
typedef struct FN(spectral_shrub) {
    T waiting[40];
    int top;
    dc_i64 leaves;
} FN(spectral_shrub);

static void FN(spectral_twig)(FN(spectral_shrub) * tree, T leaf)
{
    for (dc_i64 i = tree->leaves++; i & 1; i >>= 1)
        leaf = tree->waiting[--tree->top] + leaf;
    tree->waiting[tree->top++] = leaf;
}

static T FN(spectral_stem)(FN(spectral_shrub) * tree)
{
    T sum = tree->top ? tree->waiting[--tree->top] : 0;

    while (tree->top)
        sum = tree->waiting[--tree->top] + sum;
    return sum;
}

/* Term i: y[i] - first, times 1 or i - centre; 0 where `valid` is. */
static T FN(spectral_term)(const T *y, const T *valid, dc_i64 i, T first, int line, T centre)
{
    const T d = y[i] - first;

    if (valid && valid[i] == 0)
        return 0;
    return line ? d * ((T)i - centre) : d;
}

/* Leaves of VEC_LANES * LEAF terms y[i] - first, a lane for each. */
static void FN(spectral_leaves)(const T *y, T first, FN(spectral_shrub) * tree)
{
    const FN(loose) * p[VEC_LANES];
    FN(vec) z[DC_SPECTRAL_LEAF], column[DC_SPECTRAL_COLUMNS] = {{0}}, leaf;

    for (int l = 0; l < VEC_LANES; l++)
        p[l] = y + l * DC_SPECTRAL_LEAF;
    FN(spectral_load_rows)(p, DC_SPECTRAL_LEAF, z, 1, VEC_LANES * DC_SPECTRAL_LEAF);
    for (int i = 0; i < DC_SPECTRAL_LEAF; i++)
        column[i % DC_SPECTRAL_COLUMNS] += z[i] - FN(vset)(first);
    leaf = (column[0] + column[1]) + (column[2] + column[3]);
    for (int l = 0; l < VEC_LANES; l++)
        FN(spectral_twig)(tree, leaf[l]);
}

/* Sum of the terms of all i < n. */
static T FN(spectral_total)(const T *y, const T *valid, dc_i64 n, T first, int line, T centre)
{
    FN(spectral_shrub) tree = {.top = 0, .leaves = 0};
    dc_i64 at = 0;

    if (!valid && !line)
        for (; at + VEC_LANES * DC_SPECTRAL_LEAF <= n; at += VEC_LANES * DC_SPECTRAL_LEAF)
            FN(spectral_leaves)(y + at, first, &tree);
    for (; at < n; at += DC_SPECTRAL_LEAF) {
        const dc_i64 end = at + DC_SPECTRAL_LEAF < n ? at + DC_SPECTRAL_LEAF : n;
        T column[DC_SPECTRAL_COLUMNS] = {0};

        for (dc_i64 i = at; i < end; i++)
            column[(i - at) % DC_SPECTRAL_COLUMNS] +=
                FN(spectral_term)(y, valid, i, first, line, centre);
        FN(spectral_twig)(&tree, (column[0] + column[1]) + (column[2] + column[3]));
    }
    return FN(spectral_stem)(&tree);
}

/* Residuals of a whole series in y; how many of its values are numbers. */
static dc_i64 FN(spectral_residuals)(const dc_spectral_args *a, const T *value, T *y, T *valid)
{
    const T *const number = value + a->at_number;
    const dc_i64 n = a->n;
    dc_i64 count = n, first = 0;
    T mean, slope = 0;

    if (a->omit) {
        count = 0;
        for (dc_i64 i = n - 1; i >= 0; i--) {
            valid[i] = y[i] - y[i] == 0;
            first = valid[i] != 0 ? i : first;
            count += valid[i] != 0;
        }
    }
    if (a->detrend != DC_DETREND_NONE) {
        const T from = y[first], centre = number[DC_SPECTRAL_CENTRE];
        const T *const kept = a->omit ? valid : NULL;

        mean = FN(spectral_total)(y, kept, n, from, 0, centre) / (T)count;
        if (a->detrend == DC_DETREND_LINEAR)
            slope = FN(spectral_total)(y, kept, n, from, 1, centre) / number[DC_SPECTRAL_SQUARES];
        for (dc_i64 i = 0; i < n; i++)
            y[i] = a->detrend == DC_DETREND_LINEAR
                       ? SPECTRAL_FMA(-slope, (T)i - centre, (y[i] - from) - mean)
                       : (y[i] - from) - mean;
    }
    for (dc_i64 i = 0; a->omit && i < n; i++)
        y[i] = valid[i] != 0 ? y[i] : 0;
    return count;
}

/* Lanes s ... of a, then of b: what lies s elements behind a, where b follows it. */
#ifdef DC_VECTOR_AVX512
#if DC_BITS_OF(SFX) == 32
#define SPECTRAL_SHIFT(s)                                                                          \
    case s:                                                                                        \
        return (FN(vec))_mm512_alignr_epi32((__m512i)b, (__m512i)a, s);
#else
#define SPECTRAL_SHIFT(s)                                                                          \
    case s:                                                                                        \
        return (FN(vec))_mm512_alignr_epi64((__m512i)b, (__m512i)a, s);
#endif
DC_INLINE FN(vec) FN(spectral_shift)(FN(vec) a, FN(vec) b, int s)
{
    switch (s) {
        SPECTRAL_SHIFT(1)
        SPECTRAL_SHIFT(2)
        SPECTRAL_SHIFT(3)
        SPECTRAL_SHIFT(4)
        SPECTRAL_SHIFT(5)
        SPECTRAL_SHIFT(6)
        SPECTRAL_SHIFT(7)
#if DC_BITS_OF(SFX) == 32
        SPECTRAL_SHIFT(8)
        SPECTRAL_SHIFT(9)
        SPECTRAL_SHIFT(10)
        SPECTRAL_SHIFT(11)
        SPECTRAL_SHIFT(12)
        SPECTRAL_SHIFT(13)
        SPECTRAL_SHIFT(14)
        SPECTRAL_SHIFT(15)
#endif
    default:
        return a;
    }
}
#undef SPECTRAL_SHIFT
#endif

/* Products of COLUMNS values from y[i] on and those `lag` to `lag` + side - 1 behind. */
DC_INLINE void FN(spectral_block)(const T *y, dc_i64 i, dc_i64 lag, int side,
                                  FN(vec) sum[][FN(SPECTRAL_WIDE)])
{
#ifdef DC_VECTOR_AVX512
    FN(vec) a = FN(vloadu)(y + i + lag);

    for (int v = 0; v < FN(SPECTRAL_WIDE); v++) {
        const FN(vec) x = FN(vload)(y + i + v * VEC_LANES);
        const FN(vec) b = FN(vloadu)(y + i + (v + 1) * VEC_LANES + lag);

        _Pragma("GCC unroll 16") for (int s = 0; s < side; s++) sum[s][v] =
            FN(vfma)(x, FN(spectral_shift)(a, b, s), sum[s][v]);
        a = b;
    }
#else
    for (int v = 0; v < FN(SPECTRAL_WIDE); v++) {
        const FN(vec) x = FN(vload)(y + i + v * VEC_LANES);

        for (int s = 0; s < side; s++)
            sum[s][v] = FN(vfma)(x, FN(vloadu)(y + i + v * VEC_LANES + lag + s), sum[s][v]);
    }
#endif
}

/* Columns of lags lag ... lag + side - 1 of one run of i = at ... end - 1. */
DC_INLINE void FN(spectral_run)(const T *y, dc_i64 n, dc_i64 at, dc_i64 end, dc_i64 lag, int side,
                                FN(vec) sum[][FN(SPECTRAL_WIDE)])
{
    dc_i64 i = at;

    for (int s = 0; s < side; s++)
        for (int v = 0; v < FN(SPECTRAL_WIDE); v++)
            sum[s][v] = FN(vzero)();
    for (; i + DC_SPECTRAL_ACF_COLUMNS <= end && i + DC_SPECTRAL_ACF_COLUMNS + VEC_LANES + lag <= n;
         i += DC_SPECTRAL_ACF_COLUMNS)
        FN(spectral_block)(y, i, lag, side, sum);
    for (; i < end; i += DC_SPECTRAL_ACF_COLUMNS)
        for (int s = 0; s < side; s++)
            for (int v = 0; v < FN(SPECTRAL_WIDE); v++) {
                const dc_i64 from = i + v * VEC_LANES;
                dc_i64 some = (end < n - lag - s ? end : n - lag - s) - from;

                if (some <= 0)
                    continue;
                some = some < VEC_LANES ? some : VEC_LANES;
                /* the other columns keep even a sum of -0 */
                sum[s][v] =
                    FN(vsel)(FN(mfrom)((1u << some) - 1),
                             FN(vfma)(FN(vload_n)(y + from, (int)some),
                                      FN(vload_n)(y + from + lag + s, (int)some), sum[s][v]),
                             sum[s][v]);
            }
}

/* Columns to one number: c and c + 8 are added, then c + 4, c + 2, c + 1. */
static T FN(spectral_fold)(const FN(vec) * sum)
{
    FN(vec) x[FN(SPECTRAL_WIDE)];

    for (int v = 0; v < FN(SPECTRAL_WIDE); v++)
        x[v] = sum[v];
    for (int h = FN(SPECTRAL_WIDE) / 2; h > 0; h /= 2)
        for (int v = 0; v < h; v++)
            x[v] = x[v] + x[v + h];
    return FN(vspread)(x[0])[0];
}

static void FN(spectral_products)(const T *y, dc_i64 n, dc_i64 lags, T *r)
{
    for (dc_i64 lag = 0; lag <= lags; lag += FN(SPECTRAL_SIDE)) {
        FN(spectral_shrub) tree[FN(SPECTRAL_SIDE)];
        const int side =
            lags + 1 - lag < FN(SPECTRAL_SIDE) ? (int)(lags + 1 - lag) : FN(SPECTRAL_SIDE);

        memset(tree, 0, sizeof tree);
        for (dc_i64 at = 0; at < n - lag; at += DC_SPECTRAL_ACF_RUN) {
            const dc_i64 end = at + DC_SPECTRAL_ACF_RUN < n ? at + DC_SPECTRAL_ACF_RUN : n;
            FN(vec) sum[FN(SPECTRAL_SIDE)][FN(SPECTRAL_WIDE)];

            if (side == FN(SPECTRAL_SIDE))
                FN(spectral_run)(y, n, at, end, lag, FN(SPECTRAL_SIDE), sum);
            else
                FN(spectral_run)(y, n, at, end, lag, side, sum);
            for (int s = 0; s < side; s++)
                if (at < n - lag - s)
                    FN(spectral_twig)(&tree[s], FN(spectral_fold)(sum[s]));
        }
        for (int s = 0; s < side; s++)
            r[lag + s] = FN(spectral_stem)(&tree[s]);
    }
}

/* Pairs of values that are numbers, `lag` apart. */
static dc_i64 FN(spectral_pairs)(const T *valid, dc_i64 n, dc_i64 lag)
{
    dc_i64 count = 0;

    for (dc_i64 i = 0; i + lag < n; i++)
        count += valid[i] != 0 && valid[i + lag] != 0;
    return count;
}

/* Of one series; room: 3 n + lags + 1 values and a register's more. */
static void FN(spectral_lags)(const dc_spectral_args *a, const T *value, const FN(loose) * from,
                              FN(loose) * to, T *room)
{
    const dc_i64 n = a->n, wide = (n + VEC_LANES) / VEC_LANES * VEC_LANES;
    T *const y = room, *const valid = room + wide, *const r = valid + wide;
    dc_i64 count;
    T zero;

    if (a->src_step == 1)
        memcpy(y, (const void *)from, (size_t)n * sizeof *y);
    else
        for (dc_i64 i = 0; i < n; i++)
            y[i] = from[i * a->src_step];
    count = FN(spectral_residuals)(a, value, y, valid);
    FN(spectral_products)(y, n, a->lags, r);
    zero = a->adjusted ? r[0] / (T)count : r[0];
    for (dc_i64 k = 0; k <= a->lags; k++) {
        T x = r[k];

        if (a->adjusted)
            x = x / (T)(a->omit ? FN(spectral_pairs)(valid, n, k) : n - k);
        x = x / zero;
        to[k * a->dst_bin] = x == x ? x : SPECTRAL_QUIET;
    }
}

/* Sums of products of one series to autocorrelations. */
static void FN(spectral_ratios)(const dc_spectral_args *a, const T *r, FN(loose) * to)
{
    const T zero = a->adjusted ? r[0] / (T)a->n : r[0];

    for (dc_i64 k = 0; k <= a->lags; k++) {
        const T x = (a->adjusted ? r[k] / (T)(a->n - k) : r[k]) / zero;

        to[k * a->dst_bin] = x == x ? x : SPECTRAL_QUIET;
    }
}

/* ---- Lomb and Scargle ---------------------------------------------------------------------- */

/* Frequencies k ... k + n - 1 of one series. */
static void FN(spectral_times)(const dc_spectral_args *a, const T *value, const FN(loose) * y,
                               const FN(loose) * t, dc_i64 k, int n, FN(loose) * to)
{
    const FN(vec) w = FN(vload_n)(value + a->at_scale + k, n);
    FN(spectral_tree) tree[DC_SPECTRAL_WAVES];
    FN(vec) sum[DC_SPECTRAL_WAVES];

    for (int s = 0; s < DC_SPECTRAL_WAVES; s++)
        tree[s].top = 0, tree[s].leaves = 0;
    for (dc_i64 at = 0; at < a->n; at += DC_SPECTRAL_LEAF) {
        const dc_i64 end = at + DC_SPECTRAL_LEAF < a->n ? at + DC_SPECTRAL_LEAF : a->n;
        FN(vec) column[DC_SPECTRAL_WAVES][DC_SPECTRAL_COLUMNS] = {{{0}}};

        for (dc_i64 i = at; i < end; i++) {
            const T x = y[i * a->src_step];
            const int j = (int)(i - at) % DC_SPECTRAL_COLUMNS;
            FN(vec) c, s;

            if (x != x)
                continue;
            FN(spectral_wave)(w * t[i * a->other_step], &c, &s);
            column[0][j] += c * x;
            column[1][j] += s * x;
            column[2][j] += c * c;
            column[3][j] += s * s;
            column[4][j] += c * s;
            column[5][j] += FN(vset)(x * x);
        }
        for (int s = 0; s < DC_SPECTRAL_WAVES; s++)
            FN(spectral_leaf)
        (&tree[s], (column[s][0] + column[s][1]) + (column[s][2] + column[s][3]));
    }
    for (int s = 0; s < DC_SPECTRAL_WAVES; s++)
        sum[s] = FN(spectral_close)(&tree[s]);
    FN(spectral_scatter)
    (to + k * a->dst_bin, a->dst_bin, FN(spectral_lomb)(sum, a->adjusted), n);
}

/* ---- periods ------------------------------------------------------------------------------- */

static void FN(spectral_peaks)(const dc_spectral_args *a, const T *value, const T *powers,
                               const T *lags, dc_i64 series, FN(loose) * to)
{
    T out[3];

    FN(spectral_period)
    (powers + series * a->bins, lags + series * (a->lags + 1), a->bins, a->lags, a->nfft, out);
    /* the step of frequency: fs / nfft, so that a period in samples is one of nfft step */
    out[0] = out[0] / (value[a->at_number + DC_SPECTRAL_STEP] * (T)a->nfft);
    for (int i = 0; i < 3; i++)
        to[i * a->dst_bin] = out[i] == out[i] ? out[i] : SPECTRAL_QUIET;
}

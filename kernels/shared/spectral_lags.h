/* Autocorrelation, Lomb and Scargle's periodogram, periods.  OpenCL C alone, a template of T and
 * SFX, read after kernels/shared/spectral_stages.h. */

/* ---- autocorrelation ------------------------------------------------------------------------- */

/* Residuals of a series to y, 0 for what is left out. */
static inline void FN(spectral_residuals)(const dc_spectral_args *args, __global const T *table,
                                          __global const T *x, __global T *y, __global T *room,
                                          dc_u32 me, dc_u32 size)
{
    const dc_i64 n = args->n;
    const T centre = table[args->at_number + DC_SPECTRAL_CENTRE];
    dc_i64 count = n, first = 0;
    T a = 0, m, s;

    if (args->omit) {
        count = 0;
        for (dc_i64 i = n - 1; i >= 0; i--) {
            const T v = x[i * args->src_step];

            if (v - v == 0) {
                first = i;
                count++;
            }
        }
    }
    if (args->detrend != DC_DETREND_NONE)
        a = x[first * args->src_step];
    for (dc_i64 i = me; i < n; i += size) {
        const T v = x[i * args->src_step];

        y[i] = args->omit && !(v - v == 0) ? 0 : v - a;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    DC_CAT(far, FN(trend))(args, table, y, room, me, size, &m, &s);
    if (args->omit && args->detrend != DC_DETREND_NONE)
        m = DC_CAT(dc_div, SFX)(room[0], (T)count);
    for (dc_i64 i = me; args->detrend != DC_DETREND_NONE && i < n; i += size) {
        const T v = x[i * args->src_step];

        if (!(args->omit && !(v - v == 0)))
            y[i] = args->detrend == DC_DETREND_LINEAR ? fma(-s, (T)i - centre, y[i] - m) : y[i] - m;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
}

/* How many products of lag k have two values. */
static inline dc_i64 FN(spectral_products)(const dc_spectral_args *args, __global const T *x,
                                           dc_i64 k)
{
    dc_i64 count = 0;

    if (!args->omit)
        return args->n - k;
    for (dc_i64 i = 0; i + k < args->n; i++) {
        const T u = x[i * args->src_step], v = x[(i + k) * args->src_step];

        count += u - u == 0 && v - v == 0;
    }
    return count;
}

/* A column of a run of products of lag k. */
static inline T FN(spectral_column)(__global const T *y, dc_i64 n, dc_i64 k, dc_i64 first)
{
    const dc_i64 end =
        min(first / DC_SPECTRAL_ACF_RUN * DC_SPECTRAL_ACF_RUN + DC_SPECTRAL_ACF_RUN, n - k);
    T sum = 0;

    for (dc_i64 i = first; i < end; i += DC_SPECTRAL_ACF_COLUMNS)
        sum = fma(y[i], y[i + k], sum);
    return sum;
}

/* Runs, `apart` elements from each other, of n products: their sum, in place. */
static inline T FN(spectral_sum_of_runs)(__global T *run, dc_u32 apart, dc_i64 n)
{
    const dc_i64 runs = (n - 1) / DC_SPECTRAL_ACF_RUN + 1;

    for (dc_i64 step = 1; step < runs; step *= 2)
        for (dc_i64 i = 0; i + step < runs; i += 2 * step)
            run[i * apart] += run[(i + step) * apart];
    return run[0];
}

/* A group for each series.  part: elements of a group's scratch (y, r, room), of its room, series.
 */
static inline void FN(spectral_lags)(dc_spectral_args *args, const dc_launch *part,
                                     __global const T *src, __global T *dst,
                                     __global const T *table, __global uchar *scratch)
{
    __global T *const y = (__global T *)scratch + (dc_i64)get_group_id(0) * part->p[0];
    __global T *const r = y + args->n, *const room = r + args->lags + 1;
    const dc_u32 me = (dc_u32)get_local_id(0), size = (dc_u32)get_local_size(0);
    const dc_u32 runs = (dc_u32)((args->n - 1) / DC_SPECTRAL_ACF_RUN + 1);
    const dc_u32 each = runs * DC_SPECTRAL_ACF_COLUMNS, some = (dc_u32)(part->p[1] / each);

    args->half = 1;
    for (dc_i64 series = (dc_i64)get_group_id(0); series < part->p[2];
         series += (dc_i64)get_num_groups(0)) {
        dc_i64 other, to;
        __global const T *const x = src + spectral_series_at(args, series, &other, &to);
        T zero;

        FN(spectral_residuals)(args, table, x, y, room, me, size);
        for (dc_i64 lag = 0; lag <= args->lags; lag += some) {
            const dc_u32 here = (dc_u32)min((dc_i64)some, args->lags + 1 - lag);

            for (dc_u32 t = me; t < here * each; t += size) {
                const dc_u32 k = t / each, rest = t - k * each;

                room[t] = FN(spectral_column)(y, args->n, lag + k,
                                              (dc_i64)(rest / DC_SPECTRAL_ACF_COLUMNS) *
                                                      DC_SPECTRAL_ACF_RUN +
                                                  rest % DC_SPECTRAL_ACF_COLUMNS);
            }
            barrier(CLK_GLOBAL_MEM_FENCE);
            for (dc_u32 t = me; t < here * runs; t += size) {
                __global T *const c = room + t * DC_SPECTRAL_ACF_COLUMNS;

                for (int apart = DC_SPECTRAL_ACF_COLUMNS / 2; apart > 0; apart /= 2)
                    for (int i = 0; i < apart; i++)
                        c[i] += c[i + apart];
            }
            barrier(CLK_GLOBAL_MEM_FENCE);
            for (dc_u32 k = me; k < here; k += size)
                r[lag + k] = FN(spectral_sum_of_runs)(room + k * each, DC_SPECTRAL_ACF_COLUMNS,
                                                      args->n - lag - k);
            barrier(CLK_GLOBAL_MEM_FENCE);
        }
        zero = r[0];
        if (args->adjusted)
            zero = DC_CAT(dc_div, SFX)(zero, (T)FN(spectral_products)(args, x, 0));
        for (dc_i64 k = me; k <= args->lags; k += size) {
            T value = r[k];

            if (args->adjusted)
                value = DC_CAT(dc_div, SFX)(value, (T)FN(spectral_products)(args, x, k));
            dst[to + k * args->dst_bin] = FN(spectral_quiet)(DC_CAT(dc_div, SFX)(value, zero));
        }
        barrier(CLK_GLOBAL_MEM_FENCE);
    }
}

__kernel void FN(spectral_acf)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,
                               __global const T *table, __global const dc_i32 *places,
                               __global uchar *scratch, dc_spectral_args args, dc_launch part)
{
    FN(spectral_lags)(&args, &part, src + src_at, dst + dst_at, table, scratch);
}

__kernel void FN(spectral_lags_rows)(__global const T *src, dc_i64 src_at, __global const T *table,
                                     __global const dc_i32 *places, __global T *dst,
                                     __global uchar *scratch, dc_spectral_args args, dc_launch part)
{
    FN(spectral_lags)(&args, &part, src + src_at, dst, table, scratch);
}

/* ---- Lomb and Scargle ------------------------------------------------------------------------ */

enum { SPECTRAL_DEPTH = 40 }; /* leaves that wait for their neighbours */

/* Sums of leaves that wait, as kernels/shared/spectral.h has them. */
typedef struct FN(spectral_waves) {
    T waiting[SPECTRAL_DEPTH][DC_SPECTRAL_WAVES];
    int top;
} FN(spectral_waves);

/* The topmost is added to `sum` from the left. */
static inline void FN(spectral_meet)(FN(spectral_waves) * all, T *sum)
{
    all->top--;
    for (int i = 0; i < DC_SPECTRAL_WAVES; i++)
        sum[i] = all->waiting[all->top][i] + sum[i];
}

/* Sums of samples first ... end - 1. */
static inline void FN(spectral_wave_leaf)(const dc_spectral_args *args, __global const T *y,
                                          __global const T *t, T w, dc_i64 first, dc_i64 end,
                                          T *sum)
{
    T column[DC_SPECTRAL_COLUMNS][DC_SPECTRAL_WAVES];

    for (int j = 0; j < DC_SPECTRAL_COLUMNS; j++)
        for (int i = 0; i < DC_SPECTRAL_WAVES; i++)
            column[j][i] = 0;
    for (dc_i64 k = first; k < end; k += DC_SPECTRAL_COLUMNS)
        for (int j = 0; j < DC_SPECTRAL_COLUMNS; j++) {
            const T x = k + j < end ? y[(k + j) * args->src_step] : NAN;
            T c, s;

            if (x != x)
                continue;
            FN(spectral_wave)(w * t[(k + j) * args->other_step], &c, &s);
            column[j][0] += c * x;
            column[j][1] += s * x;
            column[j][2] += c * c;
            column[j][3] += s * s;
            column[j][4] += c * s;
            column[j][5] += x * x;
        }
    for (int i = 0; i < DC_SPECTRAL_WAVES; i++)
        sum[i] = (column[0][i] + column[1][i]) + (column[2][i] + column[3][i]);
}

/* A work-item for each frequency of each series. */
__kernel void FN(spectral_lombscargle)(__global const T *src, dc_i64 src_at,
                                       __global const T *other, dc_i64 other_at, __global T *dst,
                                       dc_i64 dst_at, __global const T *table,
                                       __global const dc_i32 *places, dc_spectral_args args,
                                       dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), series = index / args.bins,
                 k = index - series * args.bins;
    const T w = table[args.at_scale + k];
    T sum[DC_SPECTRAL_WAVES];
    FN(spectral_waves) all;
    dc_i64 skew, to;

    if (index >= part.p[0])
        return;
    src += src_at + spectral_series_at(&args, series, &skew, &to);
    all.top = 0;
    for (dc_i64 leaf = 0; leaf * DC_SPECTRAL_LEAF < args.n; leaf++) {
        const dc_i64 first = leaf * DC_SPECTRAL_LEAF;

        FN(spectral_wave_leaf)
        (&args, src, other + other_at, w, first, min(first + DC_SPECTRAL_LEAF, args.n), sum);
        for (dc_i64 i = leaf; i & 1; i >>= 1)
            FN(spectral_meet)(&all, sum);
        for (int i = 0; i < DC_SPECTRAL_WAVES; i++)
            all.waiting[all.top][i] = sum[i];
        all.top++;
    }
    for (int i = 0; i < DC_SPECTRAL_WAVES; i++)
        sum[i] = all.waiting[all.top - 1][i];
    all.top--;
    while (all.top > 0)
        FN(spectral_meet)(&all, sum);
    dst[dst_at + to + k * args.dst_bin] = FN(spectral_quiet)(FN(spectral_lomb)(sum, args.adjusted));
}

/* ---- periods --------------------------------------------------------------------------------- */

/* A work-item for each series. */
__kernel void FN(spectral_find_period)(__global T *dst, dc_i64 dst_at, __global const T *table,
                                       __global const dc_i32 *places, __global const T *powers,
                                       __global const T *lags, dc_spectral_args args,
                                       dc_launch part)
{
    const dc_i64 series = (dc_i64)get_global_id(0);
    const T step = table[args.at_number + DC_SPECTRAL_STEP];
    T out[3];
    dc_i64 other, to;

    if (series >= part.p[0])
        return;
    spectral_series_at(&args, series, &other, &to);
    FN(spectral_period)
    (powers + series * args.bins, lags + series * (args.lags + 1), args.bins, args.lags, args.nfft,
     out);
    out[0] = DC_CAT(dc_div, SFX)(out[0], step * (T)args.nfft); /* samples of nfft step a unit */
    for (int i = 0; i < 3; i++)
        dst[dst_at + to + i * args.dst_bin] = FN(spectral_quiet)(out[i]);
}

/* A work-item for each lag of each series. */
__kernel void FN(spectral_ratios)(__global T *dst, dc_i64 dst_at, __global const T *table,
                                  __global const dc_i32 *places, __global const T *sums,
                                  dc_spectral_args args, dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0), series = item / (args.lags + 1),
                 k = item % (args.lags + 1);
    dc_i64 other, to;
    T x, zero;

    if (item >= part.p[0])
        return;
    (void)spectral_series_at(&args, series, &other, &to);
    sums += series * args.nfft;
    zero = args.adjusted ? DC_CAT(dc_div, SFX)(sums[0], (T)args.n) : sums[0];
    x = args.adjusted ? DC_CAT(dc_div, SFX)(sums[k], (T)(args.n - k)) : sums[k];
    dst[dst_at + to + k * args.dst_bin] = FN(spectral_quiet)(DC_CAT(dc_div, SFX)(x, zero));
}

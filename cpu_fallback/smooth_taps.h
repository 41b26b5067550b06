/* Moving averages and Gaussian filters.  Included by cpu_fallback/smooth.c once per dtype, hence no
 * guard.
 *
 * A block is some rows of `width` neighbouring lines (or one line: width 1), laid end to end with
 * the rows that its windows reach, so that a tap is `width` values from the next. */

#ifndef DC_CPU_SMOOTH_TAPS_H
#define DC_CPU_SMOOTH_TAPS_H
/* Windows of so many taps are added from the values, longer ones from tables of blocks.  Gaussians
 * of up to SMOOTH_NEAR taps need no blocks of their own. */
enum { SMOOTH_DIRECT = 9, SMOOTH_NEAR = 129, SMOOTH_FEW = 32 };
/* Where tap k of the window of output i lies. */
enum {
    SMOOTH_FLAT = 0,  /* at base + i + k shift                                                  */
    SMOOTH_TABLE = 1, /* at table[k] + i                                                        */
    SMOOTH_FIRST = 2, /* the first register of a line: as FLAT, or beyond its beginning         */
    SMOOTH_LAST = 3,  /* the last one                                                           */
    SMOOTH_PART = 4   /* as FLAT, the first lanes alone                                         */
};
#endif

typedef struct FN(smooth_filter) {
    const dc_smooth_args *args;
    const T *weight;       /* GAUSSIAN */
    const FN(loose) * src; /* place 0 of the first line; lines are neighbours */
    FN(loose) * dst;
    dc_i64 width;              /* lines */
    int stream;                /* results go past the caches */
    T *rows, *sum;             /* a block, and results or sums of one */
    const FN(loose) * *places; /* of rows, for those that are filtered where they lie */
} FN(smooth_filter);

/* Where the taps of a run of windows lie. */
typedef struct FN(smooth_reach) {
    const T *weight; /* GAUSSIAN */
    dc_i64 left;     /* taps before the centre */
    const FN(loose) * base;
    dc_i64 shift;
    const FN(loose) *const *table;
    FN(vec)
    first, last, before, behind; /* ends of the line, and what its edges take their rest from */
    /* For d = 1 ... left: lanes of first and before at distance -d, of last and behind at d. */
    const FN(bits) * low, *high;
} FN(smooth_reach);

/* Lane i is lane place[i] of a, or place[i] - VEC_LANES of b. */
DC_INLINE FN(vec) FN(smooth_lookup)(FN(vec) a, FN(vec) b, FN(bits) place)
{
#ifdef DC_VECTOR_AVX512
    return (FN(vec))SMOOTH_PICK(_mm512_permutex2var_ps((__m512)a, (__m512i)place, (__m512)b),
                                _mm512_permutex2var_pd((__m512d)a, (__m512i)place, (__m512d)b));
#else
    T both[2 * VEC_LANES];

    FN(vstoreu)(both, a);
    FN(vstoreu)(both + VEC_LANES, b);
    for (int i = 0; i < VEC_LANES; i++)
        a[i] = both[place[i]];
    return a;
#endif
}

DC_INLINE FN(vec)
    FN(smooth_tap)(const FN(smooth_reach) * r, dc_i64 i, dc_i64 k, int where, int lanes)
{
    if (where == SMOOTH_TABLE)
        return FN(vloadu)(r->table[k] + i);
    if (where == SMOOTH_PART)
        return FN(vload_n)(r->base + i + k * r->shift, lanes);
    if (where == SMOOTH_FIRST && k < r->left)
        return FN(smooth_lookup)(r->first, r->before, r->low[r->left - k - 1]);
    if (where == SMOOTH_LAST && k > r->left)
        return FN(smooth_lookup)(r->last, r->behind, r->high[k - r->left - 1]);
    return FN(vloadu)(r->base + i + k * r->shift);
}

/* The sum of 2, 4, 8 taps. */
DC_INLINE FN(vec) FN(smooth_two)(const FN(smooth_reach) * r, dc_i64 i, int k, int where, int lanes)
{
    return FN(smooth_tap)(r, i, k, where, lanes) + FN(smooth_tap)(r, i, k + 1, where, lanes);
}

DC_INLINE FN(vec) FN(smooth_four)(const FN(smooth_reach) * r, dc_i64 i, int k, int where, int lanes)
{
    return FN(smooth_two)(r, i, k, where, lanes) + FN(smooth_two)(r, i, k + 2, where, lanes);
}

/* Windows of outputs i, i + 1, ...; 1 <= taps <= SMOOTH_DIRECT is known to the compiler. */
DC_INLINE FN(vec)
    FN(smooth_window)(const FN(smooth_reach) * r, dc_i64 i, int taps, int where, int lanes)
{
    const int two = taps & ~3, one = taps & ~1; /* where the blocks begin */
    FN(vec) sum = FN(vzero)();

    if (taps & 1)
        sum = FN(smooth_tap)(r, i, one, where, lanes);
    if (taps & 2)
        sum = taps & 1 ? FN(smooth_two)(r, i, two, where, lanes) + sum
                       : FN(smooth_two)(r, i, two, where, lanes);
    if (taps & 4)
        sum = taps & 3 ? FN(smooth_four)(r, i, 0, where, lanes) + sum
                       : FN(smooth_four)(r, i, 0, where, lanes);
    if (taps & 8) {
        const FN(vec) eight =
            FN(smooth_four)(r, i, 0, where, lanes) + FN(smooth_four)(r, i, 4, where, lanes);

        sum = taps & 7 ? eight + sum : eight;
    }
    sum = sum / FN(vset)((T)taps);
    return FN(vsel)(FN(visnan)(sum), FN(vquiet)(), sum);
}

DC_INLINE FN(vec) FN(smooth_gauss)(const FN(smooth_reach) * r, dc_i64 i, int where, int lanes)
{
    const dc_i64 left = r->left;
    FN(vec) y = FN(smooth_tap)(r, i, left, where, lanes) * FN(vset)(r->weight[0]);

    for (dc_i64 k = 1; k <= left; k++)
        y = y + (FN(smooth_tap)(r, i, left - k, where, lanes) +
                 FN(smooth_tap)(r, i, left + k, where, lanes)) *
                    FN(vset)(r->weight[k]);
    return FN(vsel)(FN(visnan)(y), FN(vquiet)(), y);
}

/* Four registers side by side: an addition waits for the one before. */
DC_INLINE void FN(smooth_gauss_four)(const FN(smooth_reach) * r, dc_i64 i, int where, FN(vec) * y)
{
    const dc_i64 left = r->left;

    for (int v = 0; v < 4; v++)
        y[v] = FN(smooth_tap)(r, i + v * VEC_LANES, left, where, 0) * FN(vset)(r->weight[0]);
    for (dc_i64 k = 1; k <= left; k++) {
        const FN(vec) weight = FN(vset)(r->weight[k]);

        for (int v = 0; v < 4; v++)
            y[v] = y[v] + (FN(smooth_tap)(r, i + v * VEC_LANES, left - k, where, 0) +
                           FN(smooth_tap)(r, i + v * VEC_LANES, left + k, where, 0)) *
                              weight;
    }
    for (int v = 0; v < 4; v++)
        y[v] = FN(vsel)(FN(visnan)(y[v]), FN(vquiet)(), y[v]);
}

/* Windows of outputs i ... i + 4 VEC_LANES - 1; taps 0: Gaussian. */
DC_INLINE void FN(smooth_four_of)(int taps, const FN(smooth_reach) * r, dc_i64 i, int where,
                                  FN(vec) * y)
{
    if (!taps)
        FN(smooth_gauss_four)(r, i, where, y);
    for (int v = 0; taps && v < 4; v++)
        y[v] = FN(smooth_window)(r, i + v * VEC_LANES, taps, where, 0);
}

DC_INLINE void FN(smooth_put)(FN(loose) * to, FN(vec) y, int stream)
{
    if (stream)
        FN(vstream)((T *)(void *)to, y);
    else
        FN(vstoreu)(to, y);
}

/* Four registers, made before any of them is stored: a load waits for an earlier store whose
 * address agrees with its own in the 12 low bits. */
DC_INLINE void FN(smooth_put_four)(FN(loose) * to, const FN(vec) * y, int stream)
{
    for (int v = 0; v < 4; v++)
        FN(smooth_put)(to + v * VEC_LANES, y[v], stream);
}

/* Outputs i ... count - 1; taps 0: Gaussian. */
DC_INLINE void FN(smooth_run)(int taps, const FN(smooth_reach) * r, int where, dc_i64 i,
                              dc_i64 count, FN(loose) * out, int stream)
{
    for (; i + 4 * VEC_LANES <= count; i += 4 * VEC_LANES) {
        FN(vec) y[4];

        FN(smooth_four_of)(taps, r, i, where, y);
        FN(smooth_put_four)(out + i, y, stream);
    }
    for (; i + VEC_LANES <= count; i += VEC_LANES)
        FN(smooth_put)
    (out + i, taps ? FN(smooth_window)(r, i, taps, where, 0) : FN(smooth_gauss)(r, i, where, 0),
     stream);
    if (i < count && where == SMOOTH_TABLE) {
        i = count - VEC_LANES;
        FN(vstoreu)
        (out + i,
         taps ? FN(smooth_window)(r, i, taps, where, 0) : FN(smooth_gauss)(r, i, where, 0));
    } else if (i < count) {
        const int lanes = (int)(count - i);

        FN(vstore_n)
        (out + i,
         taps ? FN(smooth_window)(r, i, taps, SMOOTH_PART, lanes)
              : FN(smooth_gauss)(r, i, SMOOTH_PART, lanes),
         lanes);
    }
}

#define SMOOTH_CASES(run) run(0) run(1) run(2) run(3) run(4) run(5) run(6) run(7) run(8) run(9)

/* The number of taps as the compiler may know it; 0: Gaussian. */
static int FN(smooth_known)(const dc_smooth_args *a)
{
    return a->kind == DC_SMOOTH_GAUSSIAN ? 0 : (int)a->window;
}

/* `count` windows whose taps lie `shift` apart from `from` on. */
static void FN(smooth_windows)(const FN(smooth_filter) * f, const FN(loose) * from, dc_i64 shift,
                               dc_i64 count, FN(loose) * out)
{
    const FN(smooth_reach)
        r = {.weight = f->weight, .left = f->args->left, .base = from, .shift = shift};
    const int stream = f->stream && (uintptr_t)out % DC_VECTOR_BYTES == 0;

    switch (FN(smooth_known)(f->args)) {
#define SMOOTH_RUN(taps)                                                                           \
    case taps:                                                                                     \
        FN(smooth_run)(taps, &r, SMOOTH_FLAT, 0, count, out, stream);                              \
        break;
        SMOOTH_CASES(SMOOTH_RUN)
#undef SMOOTH_RUN
    default:
        break;
    }
}

/* to[i] = a[i] + b[i], in ascending order: `to` may be `a`. */
static void FN(smooth_add)(FN(loose) * to, const FN(loose) * a, const FN(loose) * b, dc_i64 count)
{
    dc_i64 i = 0;

    for (; i + VEC_LANES <= count; i += VEC_LANES)
        FN(vstoreu)(to + i, FN(vloadu)(a + i) + FN(vloadu)(b + i));
    for (; i < count; i++)
        to[i] = a[i] + b[i];
}

/* Windows of any length over a block of f->rows: sums of 2, 4, 8, ... neighbours take the places
 * of the values. */
static void FN(smooth_climb)(const FN(smooth_filter) * f, dc_i64 shift, dc_i64 count)
{
    const dc_i64 window = f->args->window;
    const T taps = (T)window;
    dc_i64 at = window, left = count + (window - 1) * shift;
    int begun = 0;

    for (dc_i64 size = 1; size <= window; size *= 2) {
        if (window & size) {
            at -= size;
            if (begun)
                FN(smooth_add)(f->sum, f->rows + at * shift, f->sum, count);
            else
                memcpy(f->sum, f->rows + at * shift, (size_t)count * sizeof(T));
            begun = 1;
        }
        if (2 * size > window)
            break;
        left -= size * shift;
        FN(smooth_add)(f->rows, f->rows, f->rows + size * shift, left);
    }
    for (dc_i64 i = 0; i < count; i++)
        f->sum[i] = FN(smooth_quiet)(f->sum[i] / taps);
}

/* Rows first ... first + count - 1 of the source with what lies beyond its ends, to f->rows + at.
 */
static void FN(smooth_fill)(const FN(smooth_filter) * f, dc_i64 first, dc_i64 count, T *to)
{
    const dc_smooth_args *const a = f->args;
    const dc_i64 stride = a->group_src[0];
    const T value = SMOOTH_PICK(a->value32, a->value64);

    for (dc_i64 j = 0; j < count; j++) {
        const dc_i64 place = smooth_edge(first + j, a->n, a->edges);
        const FN(loose) * from;
        dc_i64 inside = 1; /* rows from here on that lie end to end in the source */

        if (place < 0) {
            for (dc_i64 i = 0; i < f->width; i++)
                to[j * f->width + i] = value;
            continue;
        }
        from = f->src + place * stride;
        if (f->width == 1 && stride == 1 && place == first + j)
            inside = a->n - place < count - j ? a->n - place : count - j;
        if (inside * f->width > 1)
            FN(smooth_copy)(to + j * f->width, from, inside * f->width);
        else
            to[j] = *from;
        j += inside - 1;
    }
}

/* Results of rows first ... first + count - 1, whose block lies at `rows`. */
static void FN(smooth_block)(const FN(smooth_filter) * f, dc_i64 first, dc_i64 count, const T *rows)
{
    const dc_smooth_args *const a = f->args;
    const dc_i64 stride = a->group_dst[0], width = f->width;
    const int direct = a->kind == DC_SMOOTH_GAUSSIAN || a->window <= SMOOTH_DIRECT;
    FN(loose) *const out = f->dst + first * stride;

    if (direct && (stride == width || count == 1)) {
        FN(smooth_windows)(f, rows, width, count * width, out);
        return;
    }
    if (direct)
        FN(smooth_windows)(f, rows, width, count * width, f->sum);
    else
        FN(smooth_climb)(f, width, count * width);
    if (stride == width) {
        memcpy((void *)out, f->sum, (size_t)(count * width) * sizeof(T));
        return;
    }
    for (dc_i64 j = 0; j < count; j++)
        for (dc_i64 i = 0; i < width; i++)
            out[j * stride + i] = f->sum[j * width + i];
}

/* Rows first ... end - 1, `most` of them at a time. */
static void FN(smooth_blocks)(const FN(smooth_filter) * f, dc_i64 first, dc_i64 end, dc_i64 most)
{
    const dc_smooth_args *const a = f->args;

    while (first < end) {
        const dc_i64 count = end - first < most ? end - first : most;

        FN(smooth_fill)(f, first - a->left, count + a->window - 1, f->rows);
        FN(smooth_block)(f, first, count, f->rows);
        first += count;
    }
}

/* Windows that a tap table serves. */
static int FN(smooth_is_near)(const dc_smooth_args *a)
{
    return a->window <= (a->kind == DC_SMOOTH_GAUSSIAN ? SMOOTH_NEAR : SMOOTH_DIRECT);
}

/* Outputs `at` ... `end` - 1 of `rows` rows, `apart` from each other; tap k of row j lies at
 * table[j + k]. */
DC_INLINE void FN(smooth_rows_run)(int taps, FN(smooth_reach) * r, dc_i64 rows, dc_i64 at,
                                   dc_i64 end, FN(loose) * out, dc_i64 apart, int stream)
{
    const FN(loose) *const *const table = r->table;

    for (dc_i64 j = 0; j < rows; j++, out += apart) {
        r->table = table + j;
        FN(smooth_run)
        (taps, r, SMOOTH_TABLE, at, end, out,
         stream && (uintptr_t)(out + at) % DC_VECTOR_BYTES == 0);
    }
    r->table = table;
}

/* Rows first ... end - 1 of a few hundred neighbouring lines, from the source itself.  Few rows go
 * through a few registers at a time: rows far apart are read fastest in runs of up to 512 bytes
 * (measured). */
static void FN(smooth_panel_rows)(const FN(smooth_filter) * f, dc_i64 first, dc_i64 end)
{
    const dc_smooth_args *const a = f->args;
    const FN(loose) **const table = f->places;
    const dc_i64 step = end - first <= SMOOTH_FEW ? 4 * VEC_LANES : f->width;
    FN(smooth_reach) r = {.weight = f->weight, .left = a->left, .table = table};

    for (dc_i64 i = 0; i < f->width; i++)
        f->rows[i] = SMOOTH_PICK(a->value32, a->value64);
    for (dc_i64 j = 0; j < end - first + a->window - 1; j++) {
        const dc_i64 place = smooth_edge(first - a->left + j, a->n, a->edges);

        table[j] = place < 0 ? f->rows : f->src + place * a->group_src[0];
    }
    for (dc_i64 at = 0; at < f->width; at += step) {
        /* what fills no register goes with the last one */
        const dc_i64 stop = f->width - at < step + VEC_LANES ? f->width : at + step;

        switch (FN(smooth_known)(a)) {
#define SMOOTH_RUN(taps)                                                                           \
    case taps:                                                                                     \
        FN(smooth_rows_run)                                                                        \
        (taps, &r, end - first, at, stop, f->dst + first * a->group_dst[0], a->group_dst[0],       \
         f->stream);                                                                               \
        break;
            SMOOTH_CASES(SMOOTH_RUN)
#undef SMOOTH_RUN
        default:
            break;
        }
        if (stop == f->width)
            break;
    }
}

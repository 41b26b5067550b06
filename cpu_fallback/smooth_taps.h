/* Moving averages and Gaussian filters.  Included by cpu_fallback/smooth.c once per dtype, hence no
 * guard.
 *
 * A block is some rows of `width` neighbouring lines (or one line: width 1), laid end to end with
 * the rows that its windows reach, so that a tap is `width` values from the next. */

#ifndef DC_CPU_SMOOTH_TAPS_H
#define DC_CPU_SMOOTH_TAPS_H
/* Windows of so many taps are added from the values, longer ones from tables of blocks.  Gaussians
 * of up to SMOOTH_NEAR taps need no blocks of their own. */
enum { SMOOTH_DIRECT = 9, SMOOTH_NEAR = 129 };
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
    dc_i64 width;  /* lines */
    dc_i64 next;   /* lines to the next panel, or 0 */
    int stream;    /* results go past the caches */
    T *rows, *sum; /* a block, and results or sums of one */
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

DC_INLINE void FN(smooth_put)(FN(loose) * to, FN(vec) y, int stream)
{
    if (stream)
        FN(vstream)((T *)(void *)to, y);
    else
        FN(vstoreu)(to, y);
}

/* Outputs 0 ... count - 1; taps 0: Gaussian. */
DC_INLINE void FN(smooth_run)(int taps, const FN(smooth_reach) * r, int where, dc_i64 count,
                              FN(loose) * out, int stream)
{
    dc_i64 i = 0;

    for (; !taps && i + 4 * VEC_LANES <= count; i += 4 * VEC_LANES) {
        FN(vec) y[4];

        FN(smooth_gauss_four)(r, i, where, y);
        for (int v = 0; v < 4; v++) {
            FN(smooth_put)(out + i + v * VEC_LANES, y[v], stream);
        }
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

/* Whether the lines can be filtered where they lie: the first and the last register apart, no tap
 * further than a register, room between the two where registers overlap. */
static int FN(smooth_is_line)(const dc_smooth_args *a)
{
    const dc_i64 least = (a->n % VEC_LANES ? 3 : 2) * VEC_LANES;

    return a->group_src[0] == 1 && a->group_dst[0] == 1 && a->left <= VEC_LANES && a->n >= least &&
           (a->kind == DC_SMOOTH_GAUSSIAN || a->window <= SMOOTH_DIRECT);
}

DC_INLINE void FN(smooth_line_run)(int taps, const FN(smooth_reach) * r, dc_i64 n, FN(loose) * out,
                                   int stream)
{
    const dc_i64 last = n - VEC_LANES;
    dc_i64 i = VEC_LANES;

    FN(smooth_put)
    (out,
     taps ? FN(smooth_window)(r, 0, taps, SMOOTH_FIRST, 0)
          : FN(smooth_gauss)(r, 0, SMOOTH_FIRST, 0),
     stream);
    for (; !taps && i + 4 * VEC_LANES <= last; i += 4 * VEC_LANES) {
        FN(vec) y[4];

        FN(smooth_gauss_four)(r, i, SMOOTH_FLAT, y);
        for (int v = 0; v < 4; v++)
            FN(smooth_put)(out + i + v * VEC_LANES, y[v], stream);
    }
    for (; i < last; i += VEC_LANES) {
        const int over = i + VEC_LANES > last; /* then its taps may not reach the end either */
        const dc_i64 at = over ? smooth_least(i, last - r->left) : i;

        FN(smooth_put)
        (out + at,
         taps ? FN(smooth_window)(r, at, taps, SMOOTH_FLAT, 0)
              : FN(smooth_gauss)(r, at, SMOOTH_FLAT, 0),
         stream && !over);
    }
    FN(smooth_put)
    (out + last,
     taps ? FN(smooth_window)(r, last, taps, SMOOTH_LAST, 0)
          : FN(smooth_gauss)(r, last, SMOOTH_LAST, 0),
     stream && n % VEC_LANES == 0);
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
        FN(smooth_run)(taps, &r, SMOOTH_FLAT, count, out, stream);                                 \
        break;
        SMOOTH_CASES(SMOOTH_RUN)
#undef SMOOTH_RUN
    default:
        break;
    }
}

/* The same for taps that lie anywhere. */
static void FN(smooth_rows)(const FN(smooth_filter) * f, const FN(loose) *const *table,
                            dc_i64 count, FN(loose) * out)
{
    const FN(smooth_reach) r = {.weight = f->weight, .left = f->args->left, .table = table};
    const int stream = f->stream && (uintptr_t)out % DC_VECTOR_BYTES == 0;

    switch (FN(smooth_known)(f->args)) {
#define SMOOTH_RUN(taps)                                                                           \
    case taps:                                                                                     \
        FN(smooth_run)(taps, &r, SMOOTH_TABLE, count, out, stream);                                \
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

/* Rows first ... end - 1 of a few hundred neighbouring lines, from the source itself; a width of
 * whole registers. */
static void FN(smooth_panel_rows)(const FN(smooth_filter) * f, dc_i64 first, dc_i64 end)
{
    const dc_smooth_args *const a = f->args;
    const FN(loose) * table[SMOOTH_NEAR];

    for (dc_i64 i = 0; i < f->width; i++)
        f->rows[i] = SMOOTH_PICK(a->value32, a->value64);
    for (dc_i64 i = first; i < end; i++) {
        dc_i64 ahead;

        for (dc_i64 k = 0; k < a->window; k++) {
            const dc_i64 place = smooth_edge(i - a->left + k, a->n, a->edges);

            table[k] = place < 0 ? f->rows : f->src + place * a->group_src[0];
        }
        ahead = i - a->left + a->window;
        ahead = ahead < a->n ? ahead * a->group_src[0]
                             : smooth_least(ahead - a->n, a->n - 1) * a->group_src[0] + f->next;
        if (f->stream)
            smooth_prefetch((const char *)(f->src + ahead), f->width * (dc_i64)sizeof(T));
        FN(smooth_rows)(f, table, f->width, f->dst + i * a->group_dst[0]);
    }
}

/* Lanes that taps beyond the ends of a line take their values from (smooth_reach). */
static void FN(smooth_places)(const dc_smooth_args *a, FN(bits) * low_place, FN(bits) * high_place)
{
    for (int d = 1; d <= a->left; d++)
        for (int i = 0; i < VEC_LANES; i++) {
            const int before = i - d, behind = i + d; /* behind: from the last register on */
            int low = before, high = behind;

            if (before < 0) {
                low = a->edges == DC_EDGES_REFLECT ? -1 - before : 0;
                low = a->edges == DC_EDGES_WRAP ? 2 * VEC_LANES + before : low;
                low = a->edges == DC_EDGES_CONSTANT ? VEC_LANES : low;
            }
            if (behind >= VEC_LANES) {
                high = a->edges == DC_EDGES_REFLECT ? 2 * VEC_LANES - 1 - behind : VEC_LANES - 1;
                high = a->edges == DC_EDGES_WRAP ? behind : high;
                high = a->edges == DC_EDGES_CONSTANT ? VEC_LANES : high;
            }
            low_place[d - 1][i] = low;
            high_place[d - 1][i] = high;
        }
}

/* Lines group ... last - 1 whose values lie end to end, from the source itself. */
static void FN(smooth_near_lines)(const FN(smooth_filter) * f, const T *src, T *dst, dc_i64 group,
                                  dc_i64 last)
{
    const dc_smooth_args *const a = f->args;
    FN(bits) *const low = (FN(bits) *)(void *)f->rows, *const high = low + VEC_LANES;
    FN(smooth_reach)
    r = {.weight = f->weight, .left = a->left, .shift = 1, .low = low, .high = high};

    FN(smooth_places)(a, low, high);
    r.before = r.behind = FN(vset)(SMOOTH_PICK(a->value32, a->value64));
    for (; group < last; group++) {
        dc_i64 to;
        const FN(loose) *const from = src + smooth_group_at(a, group, &to);
        const int stream = f->stream && (uintptr_t)(dst + to) % DC_VECTOR_BYTES == 0;

        r.base = from - a->left;
        r.first = FN(vloadu)(from);
        r.last = FN(vloadu)(from + a->n - VEC_LANES);
        if (a->edges == DC_EDGES_WRAP) {
            r.before = r.last;
            r.behind = r.first;
        }
        switch (FN(smooth_known)(a)) {
#define SMOOTH_RUN(taps)                                                                           \
    case taps:                                                                                     \
        FN(smooth_line_run)(taps, &r, a->n, dst + to, stream);                                     \
        break;
            SMOOTH_CASES(SMOOTH_RUN)
#undef SMOOTH_RUN
        default:
            break;
        }
    }
}

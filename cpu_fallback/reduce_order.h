/* Order statistics of panels.  Read once per dtype (T, SFX).
 *
 * Few rows are sorted as registers (Batcher's odd-even merges).  Of many a sample is sorted, and
 * one pass over the rows counts what lies below, at, above two values of it that should enclose the
 * rank and keeps the values between; where they do not, or are too many, the next pass has better
 * ones, at last the middle of what is possible, so that the number of passes is bounded.  Whatever
 * the way, the value at a rank is one. */

enum {
    ORDER_SORTED = 512,     /* rows sorted whole                          */
    ORDER_SAMPLE_BITS = 12, /* rows of a sample                           */
    ORDER_LIST_BITS = 16,   /* values kept for a result                   */
    ORDER_PANELS = 8,       /* that look at rows together */
    ORDER_PATIENCE = 6,     /* passes after which the middle is taken     */
    ORDER_FLUSH = 1 << 20   /* rows that 32-bit counters hold with ease   */
};

#if DC_BITS_OF(SFX) == 32
typedef dc_u32 FN(order_key_t);
#else
typedef dc_u64 FN(order_key_t);
#endif

/* Counters of 0 ... ORDER_FLUSH, a lane each. */
DC_INLINE FN(bits) FN(order_count)(FN(bits) c, FN(mask) m)
{
#ifdef DC_VECTOR_AVX512
#if DC_BITS_OF(SFX) == 32
    return (FN(bits))_mm512_mask_add_epi32((__m512i)c, m, (__m512i)c, _mm512_set1_epi32(1));
#else
    return (FN(bits))_mm512_mask_add_epi64((__m512i)c, m, (__m512i)c, _mm512_set1_epi64(1));
#endif
#else
    return c - m;
#endif
}

/* Bits in the order of values; x is not NaN and not -0. */
DC_INLINE FN(order_key_t) FN(order_key)(T x)
{
    const FN(order_key_t) sign = (FN(order_key_t))1 << (8 * sizeof(T) - 1);
    const FN(order_key_t) bits = FN(reduce_bits)(x);

    return bits & sign ? ~bits : bits | sign;
}

DC_INLINE T FN(order_value)(FN(order_key_t) key)
{
    const FN(order_key_t) sign = (FN(order_key_t))1 << (8 * sizeof(T) - 1);

    return FN(reduce_of_bits)(key & sign ? key ^ sign : ~key);
}

#include "cpu_fallback/reduce_sort.h"

/* ---- passes over many rows ------------------------------------------------------------------ */

/* What a pass finds for each lane. */
typedef struct FN(order_pass) {
    FN(vec) low, high;
    dc_i64 below_low[VEC_LANES], above_low[VEC_LANES]; /* values < low, > low */
    dc_i64 below_high[VEC_LANES], above_high[VEC_LANES];
    dc_i64 bad[VEC_LANES];
    FN(bits) counter[5];    /* of these five, not yet added to them         */
    dc_i64 kept[VEC_LANES]; /* values between, as many as there is room for */
    T *list[VEC_LANES];
    dc_i64 room;
} FN(order_pass);

static void FN(order_flush)(FN(order_pass) * o)
{
    dc_i64 *const to[] = {o->below_low, o->above_low, o->below_high, o->above_high, o->bad};

    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < VEC_LANES; j++)
            to[i][j] += (dc_i64)o->counter[i][j];
        o->counter[i] = (FN(bits)){0};
    }
}

static void FN(order_begin)(FN(order_pass) * o)
{
    memset(o->below_low, 0, sizeof o->below_low);
    memset(o->above_low, 0, sizeof o->above_low);
    memset(o->below_high, 0, sizeof o->below_high);
    memset(o->above_high, 0, sizeof o->above_high);
    memset(o->bad, 0, sizeof o->bad);
    memset(o->kept, 0, sizeof o->kept);
    memset(o->counter, 0, sizeof o->counter);
}

/* Rows at ... at + n - 1, a chunk at most. */
static void FN(order_look)(FN(rows_panel) * p, FN(order_pass) * o, dc_i64 at, int n)
{
    const FN(vec) low = o->low, high = o->high;
    FN(bits) bl = o->counter[0], al = o->counter[1], bh = o->counter[2], ah = o->counter[3];
    FN(bits) bad = o->counter[4];
    const FN(loose) * row;
    dc_i64 stride;

    (void)FN(rows_chunk)(p, at, n, &row, &stride);
    for (int i = 0; i < n; i++) {
        const FN(vec) x = FN(vloadu)(row + i * stride);
        const FN(mask) over = FN(vlt)(low, x), under = FN(vlt)(x, high);
        unsigned between = FN(mbits)(FN(mand)(over, under));

        __builtin_prefetch((const void *)(row + (i + ROWS_CHUNK) * stride));
        bl = FN(order_count)(bl, FN(vlt)(x, low));
        al = FN(order_count)(al, over);
        bh = FN(order_count)(bh, under);
        ah = FN(order_count)(ah, FN(vlt)(high, x));
        bad = FN(order_count)(bad, FN(visnan)(x));
        for (; between; between &= between - 1) {
            const int j = __builtin_ctz(between);

            if (o->kept[j] < o->room)
                o->list[j][o->kept[j]++] = row[i * stride + j] + 0;
        }
    }
    o->counter[0] = bl;
    o->counter[1] = al;
    o->counter[2] = bh;
    o->counter[3] = ah;
    o->counter[4] = bad;
}

/* A lane's search for the value at a rank: low_bound < it < high_bound in the order of keys, or
 * equal where nothing is known. */
typedef struct FN(order_search) {
    T least, most; /* what is known to enclose it, themselves excluded once `looked` */
    T value[2];    /* of the lower and the upper rank                               */
    dc_i64 rank[2];
    int found; /* 0 ... 2 */
    dc_reduce_place place;
} FN(order_search);

/* The value at rank `r` if the pass tells it. */
static int FN(order_tell)(const FN(order_pass) * o, int j, dc_i64 n, dc_i64 r, T *value)
{
    const dc_i64 upto_low = n - o->above_low[j], between = o->below_high[j] - upto_low;

    if (r >= o->below_low[j] && r < upto_low) {
        *value = o->low[j];
        return 1;
    }
    if (r >= o->below_high[j] && r < n - o->above_high[j]) {
        *value = o->high[j];
        return 1;
    }
    if (r < upto_low || r >= o->below_high[j] || between > o->kept[j])
        return 0;
    *value = FN(order_nth)(o->list[j], 0, between - 1, r - upto_low);
    return 1;
}

/* Enclose the rank closer: what the pass found, and then values of the list or the middle. */
static void FN(order_narrow)(FN(order_pass) * o, int j, dc_i64 n, FN(order_search) * s, int passes)
{
    const dc_i64 r = s->rank[s->found], upto_low = n - o->above_low[j];
    const dc_i64 between = o->below_high[j] - upto_low, kept = o->kept[j];
    T low, high;

    if (r < o->below_low[j])
        s->most = o->low[j];
    else if (r >= n - o->above_high[j])
        s->least = o->high[j];
    else
        s->least = o->low[j], s->most = o->high[j];
    low = s->least, high = s->most;
    if (passes >= ORDER_PATIENCE) {
        const FN(order_key_t) a = FN(order_key)(low), b = FN(order_key)(high);

        low = FN(order_value)(a + (b - a) / 2);
        high = FN(order_value)(a + (b - a) / 2 +
                               (a < b)); /* the next one, so that either end is met */
    } else if (r >= upto_low && r < o->below_high[j] && kept > 64) {
        /* too many between: as far apart as half the room, by what was kept */
        const dc_i64 at = (dc_i64)((double)(r - upto_low) / (double)between * (double)kept);
        const dc_i64 reach = (dc_i64)((double)kept / (double)between * (double)o->room / 4.0) + 16;

        if (at - reach >= 0)
            low = FN(order_nth)(o->list[j], 0, kept - 1, at - reach);
        if (at + reach < kept)
            high = FN(order_nth)(o->list[j], 0, kept - 1, at + reach);
    }
    o->low[j] = low + 0;
    o->high[j] = high + 0;
}

/* A panel on its way. */
typedef struct FN(order_panel) {
    FN(rows_panel) rows;
    FN(order_pass) pass;
    FN(order_search) search[VEC_LANES];
    T result[VEC_LANES];
    int open;
} FN(order_panel);

/* Panels side by side look at the same rows together: a row is brought from memory once. */
typedef struct FN(order_work) {
    FN(vec) buffer[ROWS_CHUNK];
    FN(vec) sample[1 << ORDER_SAMPLE_BITS];
    FN(order_panel) panel[ORDER_PANELS];
    T list[][VEC_LANES][1 << ORDER_LIST_BITS]; /* one for each panel */
} FN(order_work);

/* Rows of the sample: spread by a multiplicative hash, the same on every machine. */
static int FN(order_sample)(FN(rows_panel) * p, FN(vec) * sample)
{
    const dc_i64 rows = p->args->rows;
    dc_i64 step;
    int n = 1 << ORDER_SAMPLE_BITS;

    while (n > rows / 16 && n > ORDER_SORTED / 2)
        n /= 2;
    step = rows / n;

    for (int i = 0; i < n; i++) {
        const dc_u64 mix = ((dc_u64)i + 1) * 0x9e3779b97f4a7c15u;
        const dc_i64 at = i * step + (dc_i64)((mix >> 32) % (dc_u64)step);
        const dc_reduce_args *a = p->args;
        const dc_i64 off = dc_reduce_offset(at, a->row_ndim, a->row_shape, a->row_stride);
        T x[VEC_LANES];

        for (int j = 0; j < VEC_LANES; j++)
            x[j] = j < p->jobs ? p->first[j][off] : 0;
        sample[i] = FN(vloadu)(x);
    }
    return n;
}

/* The first guess: ranks of the sample around the quantile. */
static void FN(order_guess)(const FN(vec) * sample, const dc_i64 *valid, double q,
                            FN(order_pass) * o)
{
    for (int j = 0; j < VEC_LANES; j++) {
        const double m = (double)valid[j], at = q * (m - 1);
        const double reach = 3.5 * sqrt(m * q * (1 - q)) + 4;

        o->low[j] = at - reach < 0 ? -FN(reduce_infinity)() : sample[(dc_i64)(at - reach)][j];
        o->high[j] = at + reach > m - 1 ? FN(reduce_infinity)() : sample[(dc_i64)(at + reach)][j];
    }
}

DC_INLINE T FN(order_result)(const dc_reduce_args *a, dc_i64 n, dc_i64 bad,
                             const FN(order_search) * s)
{
    if (n < a->min_count || (a->propagate && bad))
        return FN(reduce_nan)();
    return FN(reduce_between)(s->value[0], s->value[1], &s->place, a->interpolation);
}

/* What a pass tells of lane j; 1: more is needed. */
static int FN(order_learn)(FN(order_panel) * panel, int j, int passes, double q)
{
    const dc_reduce_args *a = panel->rows.args;
    FN(order_pass) *const o = &panel->pass;
    FN(order_search) *const s = &panel->search[j];
    const dc_i64 n = a->rows - o->bad[j];

    if (passes == 0) {
        *s = (FN(order_search)){.least = -FN(reduce_infinity)(), .most = FN(reduce_infinity)()};
        s->place = dc_reduce_place_of(reduce_bits_f64(q), n > 0 ? n : 1, a->interpolation);
        s->rank[0] = s->place.lower;
        s->rank[1] = s->place.upper;
        if (n == 0 || n < a->min_count || (a->propagate && o->bad[j]))
            s->found = 2;
    }
    while (s->found < 2 && FN(order_tell)(o, j, n, s->rank[s->found], &s->value[s->found]))
        if (++s->found == 1) { /* the upper rank is at or above the lower */
            s->least = s->value[0];
            s->most = FN(reduce_infinity)();
        }
    panel->result[j] = FN(order_result)(a, n, o->bad[j], s);
    if (s->found < 2) {
        FN(order_narrow)(o, j, n, s, passes);
        return 1;
    }
    o->low[j] = FN(reduce_infinity)(); /* nothing more is kept */
    o->high[j] = -FN(reduce_infinity)();
    return 0;
}

/* One quantile of `count` panels of many rows. */
static void FN(order_select)(FN(order_work) * w, int count, double q)
{
    const dc_i64 rows = w->panel[0].rows.args->rows;
    dc_i64 valid[VEC_LANES];
    int open = 1;

    for (int g = 0; g < count; g++) {
        FN(order_panel) *const panel = &w->panel[g];

        FN(order_settle)(w->sample, FN(order_sample)(&panel->rows, w->sample), valid);
        FN(order_guess)(w->sample, valid, q, &panel->pass);
        panel->pass.room = 1 << ORDER_LIST_BITS;
        for (int j = 0; j < VEC_LANES; j++)
            panel->pass.list[j] = w->list[g][j];
        panel->open = 1;
    }
    for (int passes = 0; open; passes++) {
        for (int g = 0; g < count; g++)
            FN(order_begin)(&w->panel[g].pass);
        for (dc_i64 at = 0; at < rows; at += ROWS_CHUNK)
            for (int g = 0; g < count; g++) {
                const int n = rows - at < ROWS_CHUNK ? (int)(rows - at) : ROWS_CHUNK;

                if (w->panel[g].open)
                    FN(order_look)(&w->panel[g].rows, &w->panel[g].pass, at, n);
                if (at % ORDER_FLUSH == 0)
                    FN(order_flush)(&w->panel[g].pass);
            }
        open = 0;
        for (int g = 0; g < count; g++) {
            FN(order_panel) *const panel = &w->panel[g];
            int more = 0;

            FN(order_flush)(&panel->pass);
            for (int j = 0; panel->open && j < panel->rows.jobs; j++)
                more |= FN(order_learn)(panel, j, passes, q);
            panel->open = more;
            open |= more;
        }
    }
}

/* All quantiles of a panel of few rows. */
static void FN(order_few)(FN(rows_panel) * p, FN(order_work) * w, const dc_u64 *q, T *dst)
{
    const dc_reduce_args *a = p->args;
    dc_i64 valid[VEC_LANES];

    for (dc_i64 at = 0; at < a->rows;) {
        const FN(loose) * row;
        dc_i64 stride;
        const int n = FN(rows_chunk)(p, at, a->rows - at, &row, &stride);

        for (int i = 0; i < n; i++)
            w->sample[at + i] = FN(vloadu)(row + i * stride);
        at += n;
    }
    FN(order_settle)(w->sample, (int)a->rows, valid);
    for (dc_i64 i = 0; i < a->k; i++)
        for (int j = 0; j < p->jobs; j++) {
            const dc_i64 n = valid[j];
            FN(order_search)
            s = {.place = dc_reduce_place_of(q[i], n > 0 ? n : 1, a->interpolation)};

            if (n > 0) {
                s.value[0] = w->sample[s.place.lower][j];
                s.value[1] = w->sample[s.place.upper][j];
            }
            dst[p->dst[j] + i * a->list_dst] = FN(order_result)(a, n, a->rows - n, &s);
        }
}

enum { ORDER_TOGETHER }; /* tiling->part: panels of a tile */

static void FN(order_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_reduce_args *a = args;
    dc_i64 panels = (a->outs - 1) / VEC_LANES + 1, together = (panels - 1) / machine->threads + 1;
    dc_i64 scratch = (dc_i64)offsetof(FN(order_work), list);

    together = together < ORDER_PANELS ? together : ORDER_PANELS;
    if (a->rows > ORDER_SORTED)
        scratch += together * (dc_i64)sizeof(T) * VEC_LANES << ORDER_LIST_BITS;
    FN(rows_cut)(a, scratch, a->rows * a->outs, tiling);
    tiling->part[ORDER_TOGETHER] = together;
    tiling->tiles = (panels - 1) / together + 1;
}

static void FN(order_run)(void *const *operand, const void *args, const dc_tiling *tiling,
                          dc_i64 tile, void *scratch)
{
    const dc_reduce_args *a = args;
    const dc_i64 first = tile * tiling->part[ORDER_TOGETHER];
    FN(order_work) *const w = scratch;
    const dc_u64 *const q = operand[2];
    T *const dst = operand[1];
    int count = 0;

    for (; count < tiling->part[ORDER_TOGETHER]; count++) {
        FN(order_panel) *const panel = &w->panel[count];

        if ((first + count) * VEC_LANES >= a->outs)
            break;
        FN(rows_begin)(&panel->rows, a, operand[0], (first + count) * VEC_LANES, (T *)w->buffer);
        if (a->rows <= ORDER_SORTED)
            FN(order_few)(&panel->rows, w, q, dst);
    }
    for (dc_i64 i = 0; a->rows > ORDER_SORTED && i < a->k; i++) {
        FN(order_select)(w, count, reduce_of_bits_f64(q[i]));
        for (int g = 0; g < count; g++)
            for (int j = 0; j < w->panel[g].rows.jobs; j++)
                dst[w->panel[g].rows.dst[j] + i * a->list_dst] = w->panel[g].result[j];
    }
}

static void FN(reduce_median_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(order_plan)(args, machine, tiling);
}

static void FN(reduce_median)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    FN(order_run)(operand, args, tiling, tile, scratch);
}

static void FN(reduce_quantile_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(order_plan)(args, machine, tiling);
}

static void FN(reduce_quantile)(void *const *operand, const void *args, const dc_tiling *tiling,
                                dc_i64 tile, void *scratch)
{
    FN(order_run)(operand, args, tiling, tile, scratch);
}

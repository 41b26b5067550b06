/* The ends of the selection networks: missing rows at the entry, results at the exit.
 * Part of rolling_select_net.h.
 *
 * Missing values.  The k-th missing row becomes -inf when the running sum of q passes a whole
 * number at it, else +inf (Bresenham's line of slope q, from 1/2).  Let a window of W rows hold n
 * values and m = W - n pads, `low` of them -inf.  Then |low - m q| < 1, and |low - m / 2| <= 1/2
 * for q = 1/2. The wanted values have ranks floor(g) and ceil(g) in the padded window, where g =
 * low + q (n - 1), and with H = q (W - 1):  |g - H| < 1.  Hence floor(H) - 1 <= floor(g)   and
 * ceil(g) <= ceil(H + 1) <= floor(H) + 2 :  four candidates; q = 1/2: H - 1/2 <= g <= H + 1/2, so
 * two candidates for even W (H + 1/2 is whole) and three for odd W. Interpolations that take one
 * neighbour stay inside.  Rounding can bend this only where q (n - 1) is within an ulp of a whole
 * number; so quantiles check each rank against the candidates, and lanes that fail are done again
 * by rolling_select_rank.h.  Infinite values tie with the pads and change nothing.
 *
 * Where all wanted values are at one end of the window, whatever is missing, all pads are of the
 * other end, `low` is 0 or m, and no rank can be outside.
 *
 * The counts that go with the rows are linear: count[b] - count[a] is  low << 16 | m  of rows a ...
 * b - 1 (median: (m << 16) + d, d = low - (m - low) = -1, 0 or 1), whatever wrapped before. */

/* a > b and a == b of whole numbers. */
DC_INLINE FN(mask) FN(select_gt)(FN(bits) a, FN(bits) b)
{
#if defined(DC_VECTOR_AVX512) && DC_BITS_OF(SFX) == 32
    return _mm512_cmpgt_epi32_mask((__m512i)a, (__m512i)b);
#elif defined(DC_VECTOR_AVX512)
    return _mm512_cmpgt_epi64_mask((__m512i)a, (__m512i)b);
#else
    return (FN(mask))(a > b);
#endif
}

DC_INLINE FN(mask) FN(select_eq)(FN(bits) a, FN(bits) b)
{
#if defined(DC_VECTOR_AVX512) && DC_BITS_OF(SFX) == 32
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
#elif defined(DC_VECTOR_AVX512)
    return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
#else
    return (FN(mask))(a == b);
#endif
}

/* Bit b of whole numbers. */
DC_INLINE FN(mask) FN(select_bit)(FN(bits) a, int b)
{
#if defined(DC_VECTOR_AVX512) && DC_BITS_OF(SFX) == 32
    return _mm512_test_epi32_mask((__m512i)a, _mm512_set1_epi32(1 << b));
#elif defined(DC_VECTOR_AVX512)
    return _mm512_test_epi64_mask((__m512i)a, _mm512_set1_epi64(1 << b));
#else
    return (FN(mask))(-(a >> b & 1));
#endif
}

/* Lane by lane entry  `entry` mod SELECT_FEW  of a table. */
DC_INLINE FN(vec) FN(select_entry)(const FN(vec) table[2], FN(bits) entry)
{
#if defined(DC_VECTOR_AVX512) && DC_BITS_OF(SFX) == 32
    return (FN(vec))_mm512_permutex2var_ps((__m512)table[0], (__m512i)entry, (__m512)table[1]);
#elif defined(DC_VECTOR_AVX512)
    return (FN(vec))_mm512_permutex2var_pd((__m512d)table[0], (__m512i)entry, (__m512d)table[1]);
#else
    FN(vec) v;
    for (int i = 0; i < VEC_LANES; i++)
        v[i] = table[entry[i] / VEC_LANES % 2][entry[i] % VEC_LANES];
    return v;
#endif
}

DC_INLINE FN(bits) FN(select_all)(dc_i64 x)
{
    return (FN(bits)){0} + (SELECT_INT)x;
}

/* How missing rows are padded. */
enum {
    FN(SELECT_PAD_RATIO),  /* by the line of slope q: count low << 16 | m        */
    FN(SELECT_PAD_MEDIAN), /* by turns: count (m << 16) + d                      */
    FN(SELECT_PAD_END)     /* all of them by job->pad: count as job->pad_each has */
};

/* Pads the rows from where it stopped to `to`: rows of the panel, or where that is NULL `fill`. */
DC_INLINE void FN(select_pad_rows)(FN(select_job) * job, const FN(vec) * panel, FN(vec) fill,
                                   dc_i64 to, int how, int inf_is_value)
{
    const int median = how == FN(SELECT_PAD_MEDIAN), end = how == FN(SELECT_PAD_END);
    const SELECT_BITS one = (SELECT_BITS)1 << (8 * sizeof(T) - 1);
    const FN(ubits) slope = (FN(ubits)){0} + (SELECT_BITS)(job->want->q * (double)one);
    const FN(ubits) each = end ? job->pad_each : (FN(ubits)){0} + (SELECT_BITS)(median ? 65535 : 1);
    FN(ubits) line = job->pad_line, total = job->pad_count;
    FN(vec) *row = job->padded + job->window - 1;
    FN(ubits) *count = job->count + job->window - 1;
    dc_i64 r = job->pad_next;
    for (; r < to; r++) {
        const FN(vec) x = panel ? panel[r] : fill;
        const FN(mask) gone = FN(vismissing)(x, inf_is_value);
        count[r] = total;
        total = (FN(ubits))FN(vsel)(gone, (FN(vec))(total + each), (FN(vec))total);
        if (end) {
            row[r] = FN(vsel)(gone, job->pad, x);
            continue;
        }
        line = (FN(ubits))FN(vsel)(gone, (FN(vec))(line + slope), (FN(vec))line);
        /* the sum has passed a whole number where its sign bit is set */
        const FN(vec) pad = (FN(vec))((line & one) | (FN(ubits))FN(vinf)());
        const FN(ubits) low = line >> (8 * sizeof(T) - 1);
        line &= one - 1;
        row[r] = FN(vsel)(gone, pad, x);
        total += median ? low + low : low << 16;
    }
    count[r] = total;
    job->pad_next = r;
    job->pad_line = line;
    job->pad_count = total;
}

/* Pads rows first ... first + window + T - 2 of the panel (rows below 0 are missing, rows it does
 * not have are in nobody's use) and makes them the tile's.  Neighbouring tiles go on where this
 * ends. */
static void FN(select_pad)(FN(select_job) * job, const FN(vec) * panel, dc_i64 rows, dc_i64 first)
{
    const dc_i64 end = first + job->window + ((dc_i64)1 << job->levels) - 1;
    const dc_i64 above = pack_min(end, 0), inside = pack_min(end, rows);
    const int inf = job->inf_is_value;
    if (job->pad_next < first) {
        job->pad_next = first;
        job->pad_line = (FN(ubits)){0} + ((SELECT_BITS)1 << (8 * sizeof(T) - 2));
        job->pad_count = (FN(ubits)){0};
    }
#define SELECT_PAD_AS(how)                                                                         \
    FN(select_pad_rows)(job, NULL, FN(vquiet)(), above, how, inf);                                 \
    FN(select_pad_rows)(job, panel, FN(vzero)(), inside, how, inf);                                \
    FN(select_pad_rows)(job, NULL, FN(vzero)(), end, how, inf)
    if (!job->want->table) {
        SELECT_PAD_AS(FN(SELECT_PAD_MEDIAN));
    } else if (job->kind == FN(SELECT_TAIL)) {
        SELECT_PAD_AS(FN(SELECT_PAD_END));
    } else {
        SELECT_PAD_AS(FN(SELECT_PAD_RATIO));
    }
#undef SELECT_PAD_AS
    job->row = job->padded + job->window - 1 + first;
    job->missing = job->count + job->window - 1 + first;
}

/* What a leaf reads of its job: a copy, since its results might lie anywhere. */
typedef struct FN(select_view) {
    const FN(select_job) * job;
    const FN(ubits) * before, *after; /* counts at the oldest row and behind the newest */
    FN(vec) weight;
    FN(bits) spare;
    FN(vec) few_rank[2], few_weight[2];
    FN(mask) bad;    /* lanes that want the careful way               */
    FN(bits) spread; /* of the places of wanted ranks among 0 ... 3   */
} FN(select_view);

/* How result i comes from its candidates c[0], c[1], ...  `careful` does what is seldom needed; the
 * others report that it is. */

/* No row is missing and one rank is wanted. */
DC_INLINE FN(vec) FN(select_end_one)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    (void)view, (void)i, (void)careful;
    return c[0] + 0;
}

/* (lo + hi) / 2, or where the sum overflows, half of each. */
DC_INLINE FN(vec)
    FN(select_middle)(FN(select_view) * view, FN(vec) lo, FN(vec) hi, FN(mask) few, int careful)
{
    const FN(vec) half = FN(vset)((T)0.5), sum = lo + hi;
    const FN(mask) odd = FN(visnonfinite)(sum);
    FN(vec) r = sum * half + 0;
    if (careful) {
        r = FN(vsel)(odd, lo * half + hi * half + 0, r);
        few = FN(mor)(few, FN(visnan)(r));
    } else {
        view->bad = FN(mor)(view->bad, FN(mand)(odd, FN(mnot)(few)));
    }
    return FN(vsel)(few, FN(vquiet)(), r);
}

/* No row is missing: the mean of two. */
DC_INLINE FN(vec) FN(select_end_mean)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    (void)i;
    return FN(select_middle)(view, c[0], c[1], FN(mnone)(), careful);
}

/* No row is missing: between two.  This is never -0: were the product -0, lo would be +0; and it is
 * NaN only between infinities, which `careful` expects. */
DC_INLINE FN(vec) FN(select_end_line)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    (void)i;
    const FN(vec) r = c[0] + (c[1] - c[0]) * view->weight;
    return careful ? FN(vsel)(FN(visnan)(r), FN(vquiet)(), r) : r;
}

/* The sign of d from its count, and lanes with too few values. */
DC_INLINE FN(mask)
    FN(select_balance)(const FN(select_view) * view, int i, FN(mask) * lower, FN(mask) * upper)
{
    const FN(ubits) count = view->after[i] - view->before[i];
    const FN(bits) sign = (FN(bits))(count << (8 * sizeof(T) - 16));
    *lower = FN(select_gt)((FN(bits)){0}, sign);
    *upper = FN(select_gt)(sign, (FN(bits)){0});
    return FN(select_gt)((FN(bits))count, view->spare);
}

/* Median, rows are missing, even window: both candidates, or one of them. */
DC_INLINE FN(vec) FN(select_end_even)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    FN(mask) lower, upper;
    const FN(mask) few = FN(select_balance)(view, i, &lower, &upper);
    return FN(select_middle)(view, FN(vsel)(upper, c[1], c[0]), FN(vsel)(lower, c[0], c[1]), few,
                             careful);
}

/* Median, rows are missing, odd window: the middle candidate, or its mean with a neighbour. */
DC_INLINE FN(vec) FN(select_end_odd)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    FN(mask) lower, upper;
    const FN(mask) few = FN(select_balance)(view, i, &lower, &upper);
    return FN(select_middle)(view, FN(vsel)(lower, c[0], c[1]), FN(vsel)(upper, c[2], c[1]), few,
                             careful);
}

/* The lower rank among the candidates, less `low`, and the weight of the upper value, of windows
 * that miss so many rows; the weight is NaN where too few are left. */
DC_INLINE FN(bits)
    FN(select_ranks_missing)(const FN(select_job) * job, FN(bits) missing, FN(vec) * weight)
{
    const dc_rolling_rank *table = job->want->table;
    FN(bits) rank;
#if defined(DC_VECTOR_AVX512)
    const FN(bits) n = FN(select_all)(job->window - 1) - missing;
    const FN(bits) last = FN(select_all)(job->want->longest - 1);
#if DC_BITS_OF(SFX) == 32
    __m512i at = _mm512_min_epi32((__m512i)n, (__m512i)last);
    at = _mm512_slli_epi32(_mm512_max_epi32(at, _mm512_setzero_si512()), 2);
    rank = (FN(bits))_mm512_i32gather_epi32(at, &table->lower, 8);
    *weight = (FN(vec))_mm512_i32gather_ps(at, &table->frac32, 8);
#else
    __m512i at = _mm512_min_epi64((__m512i)n, (__m512i)last);
    at = _mm512_slli_epi64(_mm512_max_epi64(at, _mm512_setzero_si512()), 2);
    rank = (FN(bits))_mm512_i64gather_epi64(at, &table->lower, 8);
    *weight = (FN(vec))_mm512_i64gather_pd(at, &table->frac64, 8);
#endif
    _Static_assert(sizeof *table == 32, "the gathers count in steps of 8 bytes");
#else
    (void)table;
    for (int lane = 0; lane < VEC_LANES; lane++) {
        const FN(select_ranks) r = FN(select_ranks_of)(job->want, job->window - missing[lane]);
        rank[lane] = (SELECT_INT)r.lower;
        (*weight)[lane] = r.frac;
    }
#endif
    *weight = FN(vsel)(FN(select_gt)(missing, job->spare), FN(vquiet)(), *weight);
    return rank - (SELECT_INT)job->rank;
}

/* Quantile, rows are missing: where the lower value is among the candidates (bits), and the weight
 * of the upper one (NaN: too few values).  `careful`: the short tables do not serve. */
typedef struct FN(select_place) {
    FN(mask) bit0, bit1, between;
    FN(vec) weight;
} FN(select_place);

DC_INLINE FN(select_place) FN(select_place_of)(FN(select_view) * view, int i, int tail, int careful)
{
    const FN(ubits) count = view->after[i] - view->before[i];
    const FN(bits) missing = (FN(bits))count;
    FN(bits) at;
    FN(select_place) p;
    if (careful) {
        at = FN(select_ranks_missing)(view->job, missing & 65535, &p.weight);
    } else {
        at = (FN(bits))FN(select_entry)(view->few_rank, missing);
        p.weight = FN(select_entry)(view->few_weight, missing);
    }
    if (careful || !tail) /* short tables of a tail know */
        at += (FN(bits))(count >> 16);
    p.between = FN(vlt)(FN(vzero)(), p.weight);
    p.bit0 = FN(select_bit)(at, 0);
    p.bit1 = FN(select_bit)(at, 1);
    if (careful) {
        /* a bit beyond 0 ... 3 tells that a rank is outside */
        const FN(vec) upper = FN(vsel)(p.between, (FN(vec))(at + 1), (FN(vec))at);
        const FN(vec) both = (FN(vec))(at | (FN(bits))upper);
        view->spread |= (FN(bits))FN(vsel)(FN(visnan)(p.weight), FN(vzero)(), both);
    }
    return p;
}

DC_INLINE FN(vec) FN(select_lower)(FN(select_place) p, const FN(vec) * c)
{
    return FN(vsel)(p.bit1, FN(vsel)(p.bit0, c[3], c[2]), FN(vsel)(p.bit0, c[1], c[0]));
}

/* Nothing is above the last candidate. */
DC_INLINE FN(vec) FN(select_upper)(FN(select_place) p, const FN(vec) * c)
{
    return FN(vsel)(p.bit1, c[3], FN(vsel)(p.bit0, c[2], c[1]));
}

DC_INLINE FN(vec) FN(select_between)(FN(select_place) p, FN(vec) lo, FN(vec) hi)
{
    const FN(vec) r = lo + FN(vsel)(p.between, hi - lo, FN(vzero)()) * p.weight;
    return FN(vsel)(FN(visnan)(r), FN(vquiet)(), r);
}

DC_INLINE FN(vec) FN(select_end_any)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, 0, careful);
    return FN(select_between)(p, FN(select_lower)(p, c), FN(select_upper)(p, c));
}

/* The same, all pads at one end: of two, three, four candidates. */
DC_INLINE FN(vec)
    FN(select_end_tail2)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, 1, careful);
    return FN(select_between)(p, FN(vsel)(p.bit0, c[1], c[0]), c[1]);
}

DC_INLINE FN(vec)
    FN(select_end_tail3)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, 1, careful);
    const FN(vec) lo = FN(vsel)(p.bit1, c[2], FN(vsel)(p.bit0, c[1], c[0]));
    return FN(select_between)(p, lo, FN(vsel)(p.bit0, c[2], c[1]));
}

DC_INLINE FN(vec)
    FN(select_end_tail4)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, 1, careful);
    return FN(select_between)(p, FN(select_lower)(p, c), FN(select_upper)(p, c));
}

/* The same for the mean of both values. */
DC_INLINE FN(vec) FN(select_end_mid)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, 0, careful);
    const FN(vec) lo = FN(select_lower)(p, c);
    const FN(vec) hi = FN(vsel)(p.between, FN(select_upper)(p, c), lo);
    return FN(select_middle)(view, lo, hi, FN(visnan)(p.weight), 1);
}

/* Whether the short tables are too short for some window of outputs o ... o + n - 1. */
static inline int FN(select_long)(const FN(select_job) * job, int o, int n)
{
    const FN(ubits) count = job->missing[o + n - 1 + job->window] - job->missing[o];
    return FN(many)(FN(select_gt)((FN(bits))(count & 65535), FN(select_all)(job->few - 1)));
}

/* Outputs o, o + 1, ... */
DC_INLINE void FN(select_look)(FN(select_view) * view, const FN(select_job) * job, int o)
{
    view->job = job;
    view->before = job->missing + o;
    view->after = job->missing + o + job->window;
    view->weight = job->weight;
    view->spare = job->spare;
    for (int r = 0; r < 2; r++) {
        view->few_rank[r] = job->few_rank[r];
        view->few_weight[r] = job->few_weight[r];
    }
    view->bad = FN(mnone)();
    view->spread = (FN(bits)){0};
}

#define SELECT_PUT(i, kind, takes, careful)                                                        \
    FN(vstoreu)                                                                                    \
    (to + (i)*pitch, FN(select_end_##kind)(&view, i, found + (i) * (takes), careful));
#define SELECT_PUT_1(i, ...) SELECT_PUT(i, __VA_ARGS__)
#define SELECT_PUT_2(i, ...) SELECT_PUT_1(i, __VA_ARGS__) SELECT_PUT_1((i) + 1, __VA_ARGS__)
#define SELECT_PUT_4(i, ...) SELECT_PUT_2(i, __VA_ARGS__) SELECT_PUT_2((i) + 2, __VA_ARGS__)
#define SELECT_PUT_8(i, ...) SELECT_PUT_4(i, __VA_ARGS__) SELECT_PUT_4((i) + 4, __VA_ARGS__)

/* Results o ... o + outs - 1 from the list of their level, `takes` candidates each, which `network`
 * finds.  `again`: the careful function. */
#define SELECT_LEAF(name, again, outs, network, kind, takes, careful, before_it, after_it)         \
    static __attribute__((noinline)) void name(FN(select_job) * job, int o)                        \
    {                                                                                              \
        const FN(vec) *list = job->list[outs == 8 ? 3 : outs / 2];                                 \
        const FN(vec) *older = job->row - 1 + o, *newer = job->row + job->window + o;              \
        const FN(vec) *older4 = outs == 8 ? job->older[2] + o : older;                             \
        const FN(vec) *newer4 = outs == 8 ? job->newer[2] + o : newer;                             \
        const dc_i64 pitch = job->pitch;                                                           \
        FN(loose) *to = job->to + o * pitch;                                                       \
        FN(vec) found[outs * takes];                                                               \
        FN(select_view) view;                                                                      \
        before_it(again, outs);                                                                    \
        FN(select_look)(&view, job, o);                                                            \
        network(list, older, newer, older4, newer4, found);                                        \
        SELECT_PUT_##outs(0, kind, takes, careful);                                                \
        after_it(again);                                                                           \
    }
#define SELECT_NOTHING(...) (void)job
#define SELECT_AGAIN(again)                                                                        \
    if (FN(many)(view.bad))                                                                        \
    again(job, o)
#define SELECT_SHORT(again, outs)                                                                  \
    if (FN(select_long)(job, o, outs)) {                                                           \
        again(job, o);                                                                             \
        return;                                                                                    \
    }
#define SELECT_NOTE(again) job->outside |= view.spread & ~3
#define SELECT_PLAIN(outs, kind, takes, careful, ...)                                              \
    SELECT_LEAF(FN(select_leaf_##outs##_##kind##_##careful), FN(select_leaf_##outs##_##kind##_1),  \
                outs, FN(select_leaf_##outs##_##takes), kind, takes, careful, __VA_ARGS__)
#define SELECT_LEAVES(outs)                                                                        \
    SELECT_PLAIN(outs, one, 1, 0, SELECT_NOTHING, SELECT_NOTHING)                                  \
    SELECT_PLAIN(outs, mean, 2, 1, SELECT_NOTHING, SELECT_NOTHING)                                 \
    SELECT_PLAIN(outs, mean, 2, 0, SELECT_NOTHING, SELECT_AGAIN)                                   \
    SELECT_PLAIN(outs, line, 2, 1, SELECT_NOTHING, SELECT_NOTHING)                                 \
    SELECT_PLAIN(outs, line, 2, 0, SELECT_NOTHING, SELECT_NOTHING)                                 \
    SELECT_PLAIN(outs, even, 2, 1, SELECT_NOTHING, SELECT_NOTHING)                                 \
    SELECT_PLAIN(outs, even, 2, 0, SELECT_NOTHING, SELECT_AGAIN)                                   \
    SELECT_PLAIN(outs, odd, 3, 1, SELECT_NOTHING, SELECT_NOTHING)                                  \
    SELECT_PLAIN(outs, odd, 3, 0, SELECT_NOTHING, SELECT_AGAIN)                                    \
    SELECT_PLAIN(outs, any, 4, 1, SELECT_NOTHING, SELECT_NOTE)                                     \
    SELECT_PLAIN(outs, any, 4, 0, SELECT_SHORT, SELECT_NOTE)                                       \
    SELECT_PLAIN(outs, mid, 4, 1, SELECT_NOTHING, SELECT_NOTE)
SELECT_LEAVES(1)
SELECT_LEAVES(2)
SELECT_LEAVES(4)
SELECT_LEAVES(8)
#undef SELECT_LEAVES
#undef SELECT_PLAIN

static void FN(select_leaf)(FN(select_job) * job, int level, int o)
{
#define SELECT_ROW(kind, careful)                                                                  \
    {                                                                                              \
        FN(select_leaf_1_##kind##_##careful), FN(select_leaf_2_##kind##_##careful),                \
            FN(select_leaf_4_##kind##_##careful), FN(select_leaf_8_##kind##_##careful)             \
    }
    static void (*const leaf[][4])(FN(select_job) *, int) = {
        [FN(SELECT_ONE)] = SELECT_ROW(one, 0),   [FN(SELECT_MEAN)] = SELECT_ROW(mean, 0),
        [FN(SELECT_LINE)] = SELECT_ROW(line, 0), [FN(SELECT_WILD)] = SELECT_ROW(line, 1),
        [FN(SELECT_EVEN)] = SELECT_ROW(even, 0), [FN(SELECT_ODD)] = SELECT_ROW(odd, 0),
        [FN(SELECT_ANY)] = SELECT_ROW(any, 0),   [FN(SELECT_MID)] = SELECT_ROW(mid, 1)};
#undef SELECT_ROW
    FN(select_fetch)(job, o, 1 << level);
    leaf[job->kind][level](job, o);
}

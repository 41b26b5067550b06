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
 * The counts that go with the rows are linear: count[b] - count[a] is  m << 16 | low  of rows a ...
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

/* Lane by lane an entry (0 ... SELECT_FEW - 1) of a table. */
DC_INLINE FN(vec) FN(select_entry)(const FN(vec) * table, FN(bits) entry)
{
#if defined(DC_VECTOR_AVX512) && DC_BITS_OF(SFX) == 32
    return (FN(vec))_mm512_permutex2var_ps((__m512)table[0], (__m512i)entry, (__m512)table[1]);
#elif defined(DC_VECTOR_AVX512)
    const FN(vec) low =
        _mm512_permutex2var_pd((__m512d)table[0], (__m512i)entry, (__m512d)table[1]);
    const FN(vec) high =
        _mm512_permutex2var_pd((__m512d)table[2], (__m512i)entry, (__m512d)table[3]);
    return FN(vsel)(FN(select_gt)(entry, (FN(bits)){0} + 15), high, low);
#else
    FN(vec) v;
    for (int i = 0; i < VEC_LANES; i++)
        v[i] = table[entry[i] / VEC_LANES][entry[i] % VEC_LANES];
    return v;
#endif
}

DC_INLINE FN(bits) FN(select_all)(dc_i64 x)
{
    return (FN(bits)){0} + (SELECT_INT)x;
}

/* Pads rows first ... first + window + T - 2 of the panel (rows below 0 are missing, rows it does
 * not have are in nobody's use) and makes them the tile's.  Neighbouring tiles go on where this
 * ends. */
static void FN(select_pad)(FN(select_job) * job, const FN(vec) * panel, dc_i64 rows, dc_i64 first)
{
    const dc_i64 end = first + job->window + ((dc_i64)1 << job->levels) - 1;
    const SELECT_BITS one = (SELECT_BITS)1 << (8 * sizeof(T) - 1);
    const FN(vec) slope = (FN(vec))((FN(ubits)){0} + (SELECT_BITS)(job->want->q * (double)one));
    const FN(vec) low_count = (FN(vec))FN(select_all)(65537);
    const FN(vec) high_count = (FN(vec))FN(select_all)(job->want->table ? 65536 : 65535);
    const FN(vec) infinity = FN(vinf)();
    if (job->pad_next < first) {
        job->pad_next = first;
        job->pad_line = (FN(ubits)){0} + one / 2;
        job->pad_count = (FN(ubits)){0};
    }
    FN(ubits) line = job->pad_line, total = job->pad_count;
    FN(vec) *row = job->padded + job->window - 1;
    FN(ubits) *count = job->count + job->window - 1;
    for (dc_i64 r = job->pad_next; r < end; r++) {
        const FN(vec) x = r < 0 ? FN(vquiet)() : r < rows ? panel[r] : FN(vzero)();
        const FN(mask) gone = FN(visnan)(x);
        line += (FN(ubits))FN(vsel)(gone, slope, FN(vzero)());
        /* the sum reached a whole number where its sign bit is set */
        const FN(mask) low = FN(mand)(gone, FN(select_gt)((FN(bits)){0}, (FN(bits))line));
        line &= one - 1;
        row[r] = FN(vsel)(low, -infinity, FN(vsel)(gone, infinity, x));
        count[r] = total;
        total += (FN(ubits))FN(vsel)(low, low_count, FN(vsel)(gone, high_count, FN(vzero)()));
    }
    count[end] = total;
    job->pad_next = end;
    job->pad_line = line;
    job->pad_count = total;
    job->row = row + first;
    job->missing = count + first;
}

/* What a leaf reads of its job: a copy, since its results might lie anywhere. */
typedef struct FN(select_view) {
    const FN(select_job) * job;
    const FN(ubits) * before, *after; /* counts at the oldest row and behind the newest */
    FN(vec) weight;
    FN(bits) spare;
    FN(vec) few_rank[FN(SELECT_REGISTERS)], few_weight[FN(SELECT_REGISTERS)];
    FN(mask) bad;    /* lanes that want the careful way               */
    FN(bits) spread; /* of the places of wanted ranks among 0 ... 3   */
} FN(select_view);

/* How result i comes from its candidates c[0], c[1], ...  `careful` does what is seldom needed; the
 * others report that it is. */

/* No row is missing and one rank is wanted. */
DC_INLINE FN(vec) FN(select_end_one)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    (void)view, (void)i, (void)careful;
    return c[0];
}

/* (lo + hi) / 2, or where the sum overflows, half of each. */
DC_INLINE FN(vec)
    FN(select_middle)(FN(select_view) * view, FN(vec) lo, FN(vec) hi, FN(mask) few, int careful)
{
    const FN(vec) half = FN(vset)((T)0.5), sum = lo + hi;
    const FN(mask) odd = FN(visnonfinite)(sum);
    FN(vec) r = sum * half;
    if (careful) {
        r = FN(vsel)(odd, lo * half + hi * half, r);
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

/* No row is missing: between two. */
DC_INLINE FN(vec) FN(select_end_line)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    (void)i, (void)careful;
    const FN(vec) r = c[0] + (c[1] - c[0]) * view->weight;
    return FN(vsel)(FN(visnan)(r), FN(vquiet)(), r);
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
 * that miss so many rows. */
static __attribute__((noinline)) void FN(select_ranks_missing)(const FN(select_job) * job,
                                                               const FN(bits) * missing,
                                                               FN(bits) * rank, FN(vec) * weight)
{
    for (int lane = 0; lane < VEC_LANES; lane++) {
        const FN(select_ranks) r =
            FN(select_ranks_of)(job->want, job->window - (dc_i64)(*missing)[lane]);
        (*rank)[lane] = (SELECT_INT)(r.lower - job->rank);
        (*weight)[lane] = r.upper > r.lower ? r.frac : 0;
    }
}

/* Quantile, rows are missing: what was missed, where the lower value is among the candidates, and
 * the weight of the upper one.  `careful`: more rows are missing than the short tables know. */
typedef struct FN(select_place) {
    FN(mask) few, is1, above1, above2, between;
    FN(vec) weight;
} FN(select_place);

DC_INLINE FN(select_place)
    FN(select_place_of)(const FN(select_view) * view, int i, int careful, FN(bits) * spread)
{
    const FN(bits) zero = {0};
    const FN(ubits) count = view->after[i] - view->before[i];
    const FN(bits) missing = (FN(bits))(count >> 16);
    FN(bits) at;
    FN(select_place) p;
    if (careful) {
        FN(select_ranks_missing)(view->job, &missing, &at, &p.weight);
    } else {
        at = (FN(bits))FN(select_entry)(view->few_rank, missing);
        p.weight = FN(select_entry)(view->few_weight, missing);
    }
    at += (FN(bits))(count & 65535);
    p.few = FN(select_gt)((FN(bits))count, view->spare);
    p.between = FN(vlt)(FN(vzero)(), p.weight);
    p.is1 = FN(select_eq)(at, zero + 1);
    p.above1 = FN(select_gt)(at, zero + 1);
    p.above2 = FN(select_gt)(at, zero + 2);
    /* a bit beyond 0 ... 3 tells that a rank is outside */
    const FN(vec) next = (FN(vec))(at + 1), here = (FN(vec))at;
    const FN(bits) both = at | (FN(bits))FN(vsel)(p.between, next, here);
    *spread |= (FN(bits))FN(vsel)(p.few, FN(vzero)(), (FN(vec))both);
    return p;
}

DC_INLINE FN(vec) FN(select_lower)(FN(select_place) p, const FN(vec) * c)
{
    return FN(vsel)(p.above2, c[3], FN(vsel)(p.above1, c[2], FN(vsel)(p.is1, c[1], c[0])));
}

DC_INLINE FN(vec) FN(select_upper)(FN(select_place) p, const FN(vec) * c)
{
    return FN(vsel)(p.above1, c[3], FN(vsel)(p.is1, c[2], c[1]));
}

DC_INLINE FN(vec) FN(select_end_any)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, careful, &view->spread);
    const FN(vec) lo = FN(select_lower)(p, c), hi = FN(select_upper)(p, c);
    const FN(vec) r = FN(vsel)(p.between, lo + (hi - lo) * p.weight, lo);
    return FN(vsel)(FN(mor)(p.few, FN(visnan)(r)), FN(vquiet)(), r);
}

/* The same for the mean of both values. */
DC_INLINE FN(vec) FN(select_end_mid)(FN(select_view) * view, int i, const FN(vec) * c, int careful)
{
    const FN(select_place) p = FN(select_place_of)(view, i, careful, &view->spread);
    const FN(vec) lo = FN(select_lower)(p, c), hi = FN(select_upper)(p, c);
    return FN(select_middle)(view, lo, FN(vsel)(p.between, hi, lo), p.few, 1);
}

/* Whether the short tables are too short for some window of outputs o ... o + n - 1. */
static inline int FN(select_long)(const FN(select_job) * job, int o, int n)
{
    const FN(ubits) count = job->missing[o + n - 1 + job->window] - job->missing[o];
    return FN(many)(FN(select_gt)((FN(bits))(count >> 16), FN(select_all)(FN(SELECT_FEW) - 1)));
}

/* Outputs o, o + 1, ... */
DC_INLINE void FN(select_look)(FN(select_view) * view, const FN(select_job) * job, int o)
{
    view->job = job;
    view->before = job->missing + o;
    view->after = job->missing + o + job->window;
    view->weight = job->weight;
    view->spare = job->spare;
    for (int r = 0; r < FN(SELECT_REGISTERS); r++) {
        view->few_rank[r] = job->few_rank[r];
        view->few_weight[r] = job->few_weight[r];
    }
    view->bad = FN(mnone)();
    view->spread = (FN(bits)){0};
}

#define SELECT_PUT(i, kind, takes, careful)                                                        \
    FN(vstoreu)                                                                                    \
    (to + (i)*pitch, FN(select_end_##kind)(&view, i, found + (i) * (takes), careful) + 0);
#define SELECT_PUT_1(i, ...) SELECT_PUT(i, __VA_ARGS__)
#define SELECT_PUT_2(i, ...) SELECT_PUT_1(i, __VA_ARGS__) SELECT_PUT_1((i) + 1, __VA_ARGS__)
#define SELECT_PUT_4(i, ...) SELECT_PUT_2(i, __VA_ARGS__) SELECT_PUT_2((i) + 2, __VA_ARGS__)
#define SELECT_PUT_8(i, ...) SELECT_PUT_4(i, __VA_ARGS__) SELECT_PUT_4((i) + 4, __VA_ARGS__)

/* `outs` results from the list of their level. */
#define SELECT_LEAF(outs, kind, takes, careful, before_it, after_it)                               \
    static __attribute__((noinline)) void FN(select_leaf_##outs##_##kind##_##careful)(             \
        FN(select_job) * job, int o)                                                               \
    {                                                                                              \
        const FN(vec) *list = job->list[outs == 8 ? 3 : outs / 2];                                 \
        const FN(vec) *older = job->row - 1 + o, *newer = job->row + job->window + o;              \
        const FN(vec) *older4 = outs == 8 ? job->older[2] + o : older;                             \
        const FN(vec) *newer4 = outs == 8 ? job->newer[2] + o : newer;                             \
        const dc_i64 pitch = job->pitch;                                                           \
        FN(loose) *to = job->to + o * pitch;                                                       \
        FN(vec) found[outs * takes];                                                               \
        FN(select_view) view;                                                                      \
        before_it(outs, kind);                                                                     \
        FN(select_look)(&view, job, o);                                                            \
        FN(select_leaf_##outs##_##takes)(list, older, newer, older4, newer4, found);               \
        SELECT_PUT_##outs(0, kind, takes, careful);                                                \
        after_it(outs, kind);                                                                      \
    }
#define SELECT_NOTHING(outs, kind) (void)job
#define SELECT_AGAIN(outs, kind)                                                                   \
    if (FN(many)(view.bad))                                                                        \
    FN(select_leaf_##outs##_##kind##_1)(job, o)
#define SELECT_SHORT(outs, kind)                                                                   \
    if (FN(select_long)(job, o, outs)) {                                                           \
        FN(select_leaf_##outs##_##kind##_1)(job, o);                                               \
        return;                                                                                    \
    }
#define SELECT_NOTE(outs, kind) job->outside |= view.spread & ~3
#define SELECT_LEAVES(outs)                                                                        \
    SELECT_LEAF(outs, one, 1, 0, SELECT_NOTHING, SELECT_NOTHING)                                   \
    SELECT_LEAF(outs, mean, 2, 1, SELECT_NOTHING, SELECT_NOTHING)                                  \
    SELECT_LEAF(outs, mean, 2, 0, SELECT_NOTHING, SELECT_AGAIN)                                    \
    SELECT_LEAF(outs, line, 2, 0, SELECT_NOTHING, SELECT_NOTHING)                                  \
    SELECT_LEAF(outs, even, 2, 1, SELECT_NOTHING, SELECT_NOTHING)                                  \
    SELECT_LEAF(outs, even, 2, 0, SELECT_NOTHING, SELECT_AGAIN)                                    \
    SELECT_LEAF(outs, odd, 3, 1, SELECT_NOTHING, SELECT_NOTHING)                                   \
    SELECT_LEAF(outs, odd, 3, 0, SELECT_NOTHING, SELECT_AGAIN)                                     \
    SELECT_LEAF(outs, any, 4, 1, SELECT_NOTHING, SELECT_NOTE)                                      \
    SELECT_LEAF(outs, any, 4, 0, SELECT_SHORT, SELECT_NOTE)                                        \
    SELECT_LEAF(outs, mid, 4, 1, SELECT_NOTHING, SELECT_NOTE)
SELECT_LEAVES(1)
SELECT_LEAVES(2)
SELECT_LEAVES(4)
SELECT_LEAVES(8)
#undef SELECT_LEAVES
#undef SELECT_NOTE
#undef SELECT_SHORT
#undef SELECT_AGAIN
#undef SELECT_NOTHING
#undef SELECT_LEAF
#undef SELECT_PUT_8
#undef SELECT_PUT_4
#undef SELECT_PUT_2
#undef SELECT_PUT_1
#undef SELECT_PUT

static void FN(select_leaf)(FN(select_job) * job, int level, int o)
{
#define SELECT_ROW(kind, careful)                                                                  \
    {                                                                                              \
        FN(select_leaf_1_##kind##_##careful), FN(select_leaf_2_##kind##_##careful),                \
            FN(select_leaf_4_##kind##_##careful), FN(select_leaf_8_##kind##_##careful)             \
    }
    static void (*const leaf[][4])(FN(select_job) *, int) = {
        [FN(SELECT_ONE)] = SELECT_ROW(one, 0),   [FN(SELECT_MEAN)] = SELECT_ROW(mean, 0),
        [FN(SELECT_LINE)] = SELECT_ROW(line, 0), [FN(SELECT_EVEN)] = SELECT_ROW(even, 0),
        [FN(SELECT_ODD)] = SELECT_ROW(odd, 0),   [FN(SELECT_ANY)] = SELECT_ROW(any, 0),
        [FN(SELECT_MID)] = SELECT_ROW(mid, 1)};
#undef SELECT_ROW
    leaf[job->kind][level](job, o);
}

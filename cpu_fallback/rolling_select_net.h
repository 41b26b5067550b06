/* Rolling selection by networks, a register of series at a time (kernels/shared/rolling_select.h).
 * Included by cpu_fallback/rolling_select.h once per dtype, hence no guard.
 *
 * Missing values.  The k-th missing row of a tile becomes -inf when the running sum of q passes a
 * whole number at it, else +inf (Bresenham's line of slope q, from 1/2).  Let a window of W rows
 * hold n values and m = W - n pads, `low` of them -inf.  Then |low - m q| < 1, and |low - m / 2| <=
 * 1/2 for q = 1/2.  The wanted values have ranks floor(g) and ceil(g) in the padded window, where
 * g = low + q (n - 1), and with H = q (W - 1):  |g - H| < 1.  Hence
 *     floor(H) - 1 <= floor(g)   and   ceil(g) <= ceil(H + 1) <= floor(H) + 2 :  four candidates;
 *     q = 1/2: H - 1/2 <= g <= H + 1/2, so two candidates for even W (H + 1/2 is whole) and three
 *     for odd W.
 * Interpolations that take one neighbour stay inside.  Rounding can bend this only where q (n - 1)
 * is within an ulp of a whole number; so the epilogue checks each rank against the candidates, and
 * a tile that fails is done again by rolling_select_rank.h.  Infinite values tie with the pads and
 * change nothing. */

enum {
    FN(SELECT_LEVELS) = 12, /* tiles of at most 2^12 outputs                                    */
    FN(SELECT_SPLIT) = 16   /* bit of a counter where the low pads begin; both stay below 2^15 */
};

typedef struct FN(select_job) {
    const FN(select_want) * want;
    dc_i64 window;
    dc_i64 rank;    /* the lowest candidate in a window of `window` values; may be negative     */
    int levels;     /* a tile has T = 2^levels outputs, T <= window                             */
    int ranks;      /* candidates per output: 1 ... 4                                           */
    int extra;      /* candidates of a list beyond 2^level: 0, 1, 2 or 4, at least ranks - 1      */
    FN(vec) weight; /* of the upper value when no row is missing                                */
    FN(vec) * list[FN(SELECT_LEVELS) + 1]; /* candidates of the node being done, per level */
    FN(vec) * newer[FN(SELECT_LEVELS)]; /* sorted runs of 2^level rows                          */
    FN(vec) * older[FN(SELECT_LEVELS)];
    FN(vec) * core;   /* 2 T: the core and what sorts it                                       */
    FN(vec) * padded; /* window + T - 1 rows: missing rows replaced                            */
    FN(bits) * count; /* window + T: missing rows and low pads before a row of the tile          */
    const FN(vec) * row; /* rows of the tile                                                      */
    FN(vec) * result;    /* T                                                                     */
    int limit;           /* outputs in use: later ones may read rows that do not exist            */
    dc_i64 at;           /* row of the tile's first output, counted from a wanted one             */
    dc_i64 step;         /* rows between wanted outputs                                           */
    FN(bits) outside;    /* lanes where a wanted rank was not among the candidates                */
} FN(select_job);

#define SELECT_HALF(e)                                                                             \
    static __attribute__((noinline)) void FN(select_half_##e)(SELECT_P list, SELECT_P run,         \
                                                              SELECT_P out, int h)                 \
    {                                                                                              \
        FN(select_half)(list, run, out, h, e);                                                     \
    }
SELECT_HALF(0)
SELECT_HALF(1)
SELECT_HALF(2)
SELECT_HALF(4)
#undef SELECT_HALF

static __attribute__((noinline)) void FN(select_join)(SELECT_P a, SELECT_P b, SELECT_P out, int h)
{
    FN(select_merge)(a, b, out, h);
}

static __attribute__((noinline)) void FN(select_eight)(SELECT_P in, SELECT_P four, int half,
                                                       SELECT_P out)
{
    FN(select_sort8)(in, four, half, out);
}

/* Sorted runs of 4, 8, ... T / 2 rows at both ends of the tile. */
static void FN(select_runs)(FN(select_job) * job)
{
    const int t = 1 << job->levels;
    FN(vec) *newer = (FN(vec) *)job->row + job->window;
    FN(vec) *older = (FN(vec) *)job->row - 1;
    for (int i = 0; i + 8 < t; i += 8) {
        FN(select_eight)(newer + i, job->newer[2] + i, 0, job->newer[3] + i);
        FN(select_eight)(older + i + 8, job->older[2] + i + 12, 4, job->older[3] + i + 8);
    }
    FN(select_sort4)(newer + t - 8, job->newer[2] + t - 8);
    FN(select_sort4)(older + 4, job->older[2] + 4);
    for (int level = 4; level < job->levels; level++) {
        const int h = 1 << (level - 1);
        for (int i = 0; i + 2 * h < t; i += 2 * h) {
            SELECT_P from = job->newer[level - 1] + i;
            FN(select_join)(from, from + h, job->newer[level] + i, h);
            from = job->older[level - 1] + i + 2 * h;
            FN(select_join)(from, from + h, job->older[level] + i + 2 * h, h);
        }
    }
}

/* Sorts `n` rows into job->core, behind them +inf up to a power of two; returns where. */
static FN(vec) * FN(select_core)(FN(select_job) * job, const FN(vec) * rows, int n)
{
    FN(vec) *in = job->core;
    for (int i = 0; i < n; i++) {
        FN(vec) x = rows[i];
        if (n > 8) {
            in[i] = x;
            continue;
        }
        int j = i;
        for (; j > 0; j--) {
            in[j] = FN(vmax)(in[j - 1], x);
            x = FN(vmin)(in[j - 1], x);
        }
        in[0] = x;
    }
    if (n <= 8)
        return in;
    int size = 16;
    while (size < n)
        size *= 2;
    for (int i = n; i < size; i++)
        in[i] = FN(vinf)();
    FN(vec) *out = job->core + size, four[4];
    for (int i = 0; i < size; i += 8)
        FN(select_eight)(in + i, four, 0, out + i);
    for (int h = 8; h < size; h *= 2) {
        FN(vec) *swap = in;
        in = out;
        out = swap;
        for (int i = 0; i < size; i += 2 * h)
            FN(select_join)(in + i, in + i + h, out + i, h);
    }
    return out;
}

/* n candidates from rank `rank` on out of `size` sorted values. */
static void FN(select_window)(FN(vec) * out, int n, const FN(vec) * sorted, int size, dc_i64 rank)
{
    for (int i = 0; i < n; i++) {
        const dc_i64 r = rank + i;
        out[i] = r < 0 ? -FN(vinf)() : r >= size ? FN(vinf)() : sorted[r];
    }
}

/* The same with the sorted values and x: a core of one row meets a run. */
static void FN(select_insert)(FN(vec) * out, int n, const FN(vec) * sorted, int size, FN(vec) x,
                              dc_i64 rank)
{
    for (int i = 0; i < n; i++) {
        const dc_i64 r = rank + i;
        FN(vec) v = r < 0 ? -FN(vinf)() : FN(vinf)();
        if (r >= 0 && r <= size)
            v = r == 0 ? x : FN(vmax)(x, sorted[r - 1]);
        if (r >= 0 && r < size)
            v = FN(vmin)(v, sorted[r]);
        out[i] = v;
    }
}

/* The statistic from the values at both ranks, as select_interpolate, lane by lane. */
static inline FN(vec) FN(select_mix)(FN(vec) lo, FN(vec) hi, FN(vec) frac, int midpoint)
{
    FN(vec) r;
    if (midpoint) {
        const FN(vec) half = FN(vset)((T)0.5), sum = lo + hi;
        r = FN(vsel)(FN(visnonfinite)(sum), lo * half + hi * half, sum * half);
    } else {
        r = FN(vsel)(FN(vlt)(FN(vzero)(), frac), lo + (hi - lo) * frac, lo);
    }
    r += 0;
    return FN(vsel)(FN(visnan)(r), FN(vquiet)(), r);
}

/* Ranks of the n = window - missing values of each lane, and the weight of the upper one. */
static void FN(select_lookup)(const FN(select_job) * job, const FN(bits) * missing,
                              FN(bits) * lower, FN(bits) * upper, FN(vec) * frac)
{
    SELECT_INT m[VEC_LANES], low[VEC_LANES], high[VEC_LANES];
    T weight[VEC_LANES];
    memcpy(m, missing, sizeof m);
    for (int lane = 0; lane < VEC_LANES; lane++) {
        const FN(select_ranks) r = FN(select_ranks_of)(job->want, job->window - m[lane]);
        low[lane] = (SELECT_INT)r.lower;
        high[lane] = (SELECT_INT)r.upper;
        weight[lane] = r.frac;
    }
    memcpy(lower, low, sizeof low);
    memcpy(upper, high, sizeof high);
    memcpy(frac, weight, sizeof weight);
}

/* Results o ... o + n - 1 of a tile with missing rows, from their candidates. */
static void FN(select_results_missing)(FN(select_job) * job, const FN(vec) * found, int o, int n)
{
    const SELECT_INT rows = (SELECT_INT)((1 << FN(SELECT_SPLIT)) - 1);
    const SELECT_INT spare = (SELECT_INT)(job->window - job->want->min_periods);
    for (int i = 0; i < n; i++, found += job->ranks) {
        const FN(bits) count = job->count[o + i + job->window] - job->count[o + i];
        const FN(bits) missing = count & rows;
        const FN(bits) low = (count >> FN(SELECT_SPLIT)) - (SELECT_INT)job->rank;
        FN(bits) lower, upper;
        FN(vec) frac = FN(vzero)();
        if (!job->want->table) {
            const FN(bits) valid = (SELECT_INT)job->window - missing;
            lower = (valid - 1) >> 1;
            upper = valid >> 1;
        } else {
            FN(select_lookup)(job, &missing, &lower, &upper, &frac);
        }
        lower += low;
        upper += low;
        FN(bits) a = (FN(bits))found[0], b = a;
        for (int c = 1; c < job->ranks; c++) {
            const FN(bits) is_lower = (FN(bits))(lower == c), is_upper = (FN(bits))(upper == c);
            a = (a & ~is_lower) | ((FN(bits))found[c] & is_lower);
            b = (b & ~is_upper) | ((FN(bits))found[c] & is_upper);
        }
        const FN(bits) few = (FN(bits))(missing > spare);
        job->outside |= ~few & (FN(bits))((lower < 0) | (upper >= job->ranks));
        const FN(vec) mixed = FN(select_mix)((FN(vec))a, (FN(vec))b, frac, job->want->midpoint);
        job->result[o + i] = (FN(vec))(((FN(bits))mixed & ~few) | ((FN(bits))FN(vquiet)() & few));
    }
}

static void FN(select_results)(FN(select_job) * job, const FN(vec) * found, int o, int n)
{
    if (job->row == job->padded) {
        FN(select_results_missing)(job, found, o, n);
        return;
    }
    for (int i = 0; i < n; i++, found += job->ranks)
        job->result[o + i] =
            FN(select_mix)(found[0], found[job->ranks - 1], job->weight, job->want->midpoint);
}

#define SELECT_LEAVES(outs)                                                                        \
    static __attribute__((noinline)) void FN(select_leaf_##outs)(FN(select_job) * job, int o)      \
    {                                                                                              \
        FN(vec) found[outs * 4];                                                                   \
        const int level = outs == 8 ? 3 : outs / 2;                                                \
        const FN(vec) *list = job->list[level];                                                    \
        const FN(vec) *older = job->row - 1 + o, *newer = job->row + job->window + o;              \
        const FN(vec) *older4 = outs == 8 ? job->older[2] + o : older;                             \
        const FN(vec) *newer4 = outs == 8 ? job->newer[2] + o : newer;                             \
        if (job->ranks == 1)                                                                       \
            FN(select_leaf_##outs##_1)(list, older, newer, older4, newer4, found);                 \
        else if (job->ranks == 2)                                                                  \
            FN(select_leaf_##outs##_2)(list, older, newer, older4, newer4, found);                 \
        else if (job->ranks == 3)                                                                  \
            FN(select_leaf_##outs##_3)(list, older, newer, older4, newer4, found);                 \
        else                                                                                       \
            FN(select_leaf_##outs##_4)(list, older, newer, older4, newer4, found);                 \
        FN(select_results)(job, found, o, outs);                                                   \
    }
SELECT_LEAVES(1)
SELECT_LEAVES(2)
SELECT_LEAVES(4)
SELECT_LEAVES(8)
#undef SELECT_LEAVES

/* Whether none of the outputs o ... o + n - 1 is wanted. */
static inline int FN(select_idle)(const FN(select_job) * job, int o, int n)
{
    if (o >= job->limit)
        return 1;
    if (job->step <= n)
        return 0;
    const dc_i64 ahead = (job->at + o) % job->step;
    return ahead != 0 && job->step - ahead >= n;
}

/* Descends from the list of `level`, whose first output is o. */
static void FN(select_node)(FN(select_job) * job, int level, int o)
{
    static void (*const half[])(SELECT_P, SELECT_P, SELECT_P, int) = {
        FN(select_half_0), FN(select_half_1), FN(select_half_2), NULL, FN(select_half_4)};
    if (FN(select_idle)(job, o, 1 << level))
        return;
    if (level == 3) {
        FN(select_leaf_8)(job, o);
        return;
    }
    const int h = 1 << (level - 1);
    FN(vec) *list = job->list[level], *child = job->list[level - 1];
    half[job->extra](list, job->older[level - 1] + o + h, child, h);
    FN(select_node)(job, level - 1, o);
    half[job->extra](list, job->newer[level - 1] + o, child, h);
    FN(select_node)(job, level - 1, o + h);
}

/* All T results of the tile that begins at job->row. */
static void FN(select_tile)(FN(select_job) * job)
{
    const int levels = job->levels, t = 1 << levels;
    const int core = (int)(job->window - t + 1);
    if (levels >= 3)
        FN(select_runs)(job);
    if (core == 1 && levels > 3) {
        const int h = t / 2, n = h + job->extra;
        const FN(vec) x = job->row[t - 1];
        FN(vec) *child = job->list[levels - 1];
        FN(select_insert)(child, n, job->older[levels - 1] + h, h, x, job->rank + 1 - h);
        FN(select_node)(job, levels - 1, 0);
        FN(select_insert)(child, n, job->newer[levels - 1], h, x, job->rank + 1 - h);
        FN(select_node)(job, levels - 1, h);
        return;
    }
    const FN(vec) *sorted = FN(select_core)(job, job->row + t - 1, core);
    FN(select_window)(job->list[levels], t + job->extra, sorted, core, job->rank - t + 1);
    if (levels == 0)
        FN(select_leaf_1)(job, 0);
    else if (levels == 1)
        FN(select_leaf_2)(job, 0);
    else if (levels == 2)
        FN(select_leaf_4)(job, 0);
    else
        FN(select_node)(job, levels, 0);
}

/* log2 of the outputs per tile of windows that yield `outs` results in a row. */
static int FN(select_levels)(dc_i64 window, dc_i64 outs)
{
    int levels = 0;
    while (levels < FN(SELECT_LEVELS) && (dc_i64)2 << levels <= window &&
           (dc_i64)1 << levels < outs)
        levels++;
    return levels;
}

/* Scratch of a job in registers; with `memory`, hands it out. */
static dc_i64 FN(select_layout)(FN(select_job) * job, dc_i64 window, int levels, FN(vec) * memory)
{
    const dc_i64 t = (dc_i64)1 << levels;
    dc_i64 used = 0, core = 8;
#define SELECT_TAKE(field, n)                                                                      \
    do {                                                                                           \
        if (memory)                                                                                \
            job->field = (void *)(memory + used);                                                  \
        used += (n);                                                                               \
    } while (0)
    for (int level = 0; level <= levels; level++)
        SELECT_TAKE(list[level], ((dc_i64)1 << level) + 4);
    for (int level = 2; level < levels; level++) {
        SELECT_TAKE(newer[level], t);
        SELECT_TAKE(older[level], t);
    }
    SELECT_TAKE(result, t);
    while (core < window - t + 1)
        core *= 2;
    SELECT_TAKE(core, 2 * core);
    SELECT_TAKE(padded, window + t - 1);
    SELECT_TAKE(count, window + t);
#undef SELECT_TAKE
    return used;
}

/* Registers that suffice for a job of at most this window and so many levels. */
static dc_i64 FN(select_memory)(dc_i64 window, int levels)
{
    dc_i64 most = 0;
    for (; levels >= 0; levels--)
        most = pack_max(most, FN(select_layout)(NULL, window, levels, NULL));
    return most;
}

/* Which candidates: with missing rows more of them (see the top). */
static void FN(select_aim)(FN(select_job) * job, int missing)
{
    const FN(select_want) *want = job->want;
    if (!missing) {
        const FN(select_ranks) full = FN(select_ranks_of)(want, job->window);
        job->rank = full.lower;
        job->ranks = full.upper > full.lower ? 2 : 1;
        job->weight = FN(vset)(full.frac);
    } else if (!want->table) {
        job->rank = job->window / 2 - 1;
        job->ranks = job->window % 2 ? 3 : 2;
    } else {
        job->rank = (dc_i64)floor(want->q * (double)(job->window - 1)) - 1;
        job->ranks = 4;
    }
    job->extra = job->ranks == 4 ? 4 : job->ranks - 1;
}

/* Copies the tile whose oldest row is panel row `first`, replacing missing rows by pads. */
static void FN(select_pad)(FN(select_job) * job, const FN(vec) * panel, dc_i64 rows, dc_i64 first)
{
    const dc_i64 n = job->window + ((dc_i64)1 << job->levels) - 1;
    const FN(vec) slope = FN(vset)((T)(job->want->q));
    const FN(vec) one = FN(vset)(1), infinity = FN(vinf)();
    FN(vec) line = FN(vset)((T)0.5);
    FN(bits) count = {0};
    for (dc_i64 i = 0; i < n; i++) {
        const dc_i64 r = first + i;
        FN(vec) x = r < 0 ? FN(vquiet)() : r < rows ? panel[r] : FN(vzero)();
        const FN(mask) gone = FN(visnan)(x);
        line = FN(vsel)(gone, line + slope, line);
        const FN(mask) low = FN(mand)(gone, FN(mnot)(FN(vlt)(line, one)));
        line = FN(vsel)(low, line - one, line);
        x = FN(vsel)(gone, infinity, x);
        job->padded[i] = FN(vsel)(low, -infinity, x);
        job->count[i] = count;
        const FN(bits) row = (FN(bits))FN(vsel)(gone, (FN(vec))((FN(bits)){0} + 1), FN(vzero)());
        const FN(bits) pad = (FN(bits))FN(vsel)(
            low, (FN(vec))((FN(bits)){0} + ((SELECT_INT)1 << FN(SELECT_SPLIT))), FN(vzero)());
        count += row + pad;
    }
    job->count[n] = count;
    job->row = job->padded;
}

/* All results of a panel; returns the lanes whose results are not to be trusted. */
static unsigned FN(select_panel)(const FN(pack) * v, const FN(select_want) * want, const T *panel,
                                 FN(loose) * out, int missing, FN(vec) * memory)
{
    const dc_i64 span = (v->outs - 1) * v->step + 1; /* outputs in a row, wanted or not */
    FN(select_job) job;
    job.want = want;
    job.window = pack_min(v->window, v->rows);
    if (job.window < want->min_periods) {
        for (dc_i64 j = 0; j < v->outs; j++)
            FN(vstoreu)(out + j * v->out_pitch, FN(vquiet)());
        return 0;
    }
    job.step = v->step;
    job.levels = FN(select_levels)(job.window, span);
    FN(select_layout)(&job, job.window, job.levels, memory);
    job.outside = (FN(bits)){0};
    dc_i64 next = 0; /* result to put out */
    for (dc_i64 i = 0; i < span; i += (dc_i64)1 << job.levels) {
        const dc_i64 first = v->lead + i - job.window + 1;
        const int pad = missing || first < 0;
        job.at = i;
        job.limit = (int)pack_min(span - i, (dc_i64)1 << job.levels);
        if (FN(select_idle)(&job, 0, 1 << job.levels))
            continue;
        job.row = (const FN(vec) *)panel + first;
        FN(select_aim)(&job, pad);
        if (pad)
            FN(select_pad)(&job, (const FN(vec) *)panel, v->rows, first);
        FN(select_tile)(&job);
        for (; next < v->outs && next * v->step < i + job.limit; next++)
            FN(vstoreu)(out + next * v->out_pitch, job.result[next * v->step - i]);
    }
    unsigned lanes = 0;
    for (int lane = 0; lane < VEC_LANES; lane++)
        lanes |= (unsigned)(job.outside[lane] != 0) << lane;
    return lanes;
}

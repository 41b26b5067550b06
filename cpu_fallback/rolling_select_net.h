/* Rolling selection by networks, a register of series at a time (kernels/shared/rolling_select.h).
 * Included by cpu_fallback/rolling_select.h once per dtype, hence no guard.
 *
 * A panel is done in tiles of T = 2^levels neighbouring outputs.  Missing rows become -inf or +inf
 * and more ranks are kept as candidates, so that the network stays the same: rolling_select_ends.h.
 */

enum {
    FN(SELECT_LEVELS) = 12,        /* tiles of at most 2^12 outputs                      */
    FN(SELECT_EDGE) = 4,           /* values that are kept of windows whose end is wanted */
    FN(SELECT_FEW) = 2 * VEC_LANES /* missing rows that quantiles are best at            */
};

/* How results come from the candidates of an output. */
enum {
    FN(SELECT_ONE),  /* no row is missing, one rank                  */
    FN(SELECT_MEAN), /* no row is missing, the mean of two           */
    FN(SELECT_LINE), /* no row is missing, between two, all finite   */
    FN(SELECT_WILD), /* the same, infinities are values              */
    FN(SELECT_EVEN), /* rows are missing: median of an even window   */
    FN(SELECT_ODD),  /* rows are missing: median of an odd window    */
    FN(SELECT_ANY),  /* rows are missing: quantile                   */
    FN(SELECT_MID),  /* rows are missing: quantile, mean of two      */
    FN(SELECT_TAIL)  /* rows are missing: quantile, at an end        */
};

typedef SELECT_BITS FN(ubits) __attribute__((vector_size(DC_VECTOR_BYTES)));

typedef struct FN(select_job) FN(select_job);
struct FN(select_job) {
    const FN(select_want) * want;
    dc_i64 window;
    int levels; /* T <= window */
    /* the tile */
    dc_i64 at;        /* its first output, counted from a wanted one                           */
    dc_i64 step;      /* from one wanted output to the next                                    */
    int limit;        /* outputs in use: later ones may read rows that do not exist            */
    const char *next; /* what to fetch with it, and `next_pitch` from one output to the next   */
    dc_i64 next_pitch;
    const FN(vec) * row; /* its oldest row                                                        */
    FN(loose) * to;      /* where its results go, `pitch` elements apart                          */
    dc_i64 pitch;
    /* its candidates */
    int padded_last;  /* whether it has missing rows; -1: nothing is set up yet                   */
    int kind;         /* SELECT_ONE ...                                                           */
    dc_i64 rank;      /* the lowest candidate in a window of `window` values; may be negative     */
    int extra;        /* candidates of a list beyond 2^level: 0, 1, 2 or 4, at least one less
                         than those of an output                                                  */
    int cap;          /* lists and runs beyond this level hold no more values than 2^cap: the
                         outermost ones                                                           */
    int high;         /* the outermost ones are the highest                                       */
    FN(vec) * capped; /* the outermost values of a list of that level                            */
    void (*tile)(FN(select_job) *);      /* what does it: the whole network, or one of its ends  */
    void (*leaf)(FN(select_job) *, int); /* an end's 8 results from output o on                  */
    FN(vec) weight; /* of the upper value when no row is missing                                */
    FN(bits) spare; /* count of the most missing rows that leave enough values                  */
    int few;        /* less than so many missing rows are looked up in                          */
    FN(vec) few_rank[2], few_weight[2]; /* select_ranks_missing of 0, 1, ...                      */
    FN(bits) outside; /* not 0 where a wanted rank was not among the candidates                   */
    /* missing rows: see select_pad */
    int inf_is_value;
    dc_i64 pad_next; /* row where it goes on                                                      */
    FN(ubits) pad_line, pad_count;
    FN(vec) pad; /* SELECT_TAIL: what replaces missing rows, and what each of them counts         */
    FN(ubits) pad_each;
    const FN(ubits) * missing; /* counts of the tile's rows                                       */
    /* memory */
    FN(vec) * list[FN(SELECT_LEVELS) + 1]; /* candidates of the node being done, per level        */
    FN(vec) * newer[FN(SELECT_LEVELS)];    /* sorted runs of 2^level rows                         */
    FN(vec) * older[FN(SELECT_LEVELS)];
    FN(vec) * core;    /* the core and what sorts it                                              */
    FN(vec) * result;  /* T, where not all of them are wanted                                     */
    FN(vec) * padded;  /* rows 1 - window ... of the panel: missing rows replaced                 */
    FN(ubits) * count; /* and what is missing before each                                         */
};

/* Fetches what the next tile reads for as many outputs as o ... o + n - 1. */
static inline void FN(select_fetch)(const FN(select_job) * job, int o, int n)
{
    for (int i = o; job->next_pitch && i < o + n; i++)
        __builtin_prefetch(job->next + i * job->next_pitch, 0, 2);
}

#include "cpu_fallback/rolling_select_ends.h"

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

/* out = the n highest or lowest of a and b, n = 2^k >= 8 sorted values each: what one half-cleaner
 * leaves is bitonic. */
DC_INLINE void FN(select_outermost)(SELECT_P a, SELECT_P b, SELECT_P out, int n, int high)
{
#define SELECT_OUTER(i) (high ? FN(vmax)(a[i], b[n - 1 - (i)]) : FN(vmin)(a[i], b[n - 1 - (i)]))
    const int by4 = n == 16 || n == 128 || n == 1024, q = by4 ? n / 4 : n / 8;
    for (int i = 0; i < q; i++) {
        FN(vec) c = SELECT_OUTER(i), d = SELECT_OUTER(i + q);
        FN(vec) e = SELECT_OUTER(i + 2 * q), f = SELECT_OUTER(i + 3 * q);
        if (by4) {
            SELECT_CLEAN4(c, d, e, f);
        } else {
            FN(vec) g = SELECT_OUTER(i + 4 * q), h = SELECT_OUTER(i + 5 * q);
            FN(vec) j = SELECT_OUTER(i + 6 * q), k = SELECT_OUTER(i + 7 * q);
            SELECT_CLEAN8(c, d, e, f, g, h, j, k);
            out[i + 4 * q] = g;
            out[i + 5 * q] = h;
            out[i + 6 * q] = j;
            out[i + 7 * q] = k;
        }
        out[i] = c;
        out[i + q] = d;
        out[i + 2 * q] = e;
        out[i + 3 * q] = f;
    }
    FN(select_clean)(out, n, q);
#undef SELECT_OUTER
}

static __attribute__((noinline)) void FN(select_outer)(const FN(select_job) * job, SELECT_P a,
                                                       SELECT_P b, SELECT_P out)
{
    if (job->high)
        FN(select_outermost)(a, b, out, 1 << job->cap, 1);
    else
        FN(select_outermost)(a, b, out, 1 << job->cap, 0);
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
            SELECT_P from2 = job->older[level - 1] + i + 2 * h;
            SELECT_P to = job->newer[level] + i;
            SELECT_P to2 = job->older[level] + i + 2 * h;
            if (level > job->cap) {
                FN(select_outer)(job, from, from + h, to);
                FN(select_outer)(job, from2, from2 + h, to2);
            } else {
                FN(select_join)(from, from + h, to, h);
                FN(select_join)(from2, from2 + h, to2, h);
            }
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
    int i = 0;
    for (; i < n && rank + i < 0; i++)
        out[i] = -FN(vinf)();
    if (i < n && rank + i == 0)
        out[i++] = FN(vmin)(x, sorted[0]);
    for (; i < n && rank + i < size; i++)
        out[i] = FN(vmin)(FN(vmax)(x, sorted[rank + i - 1]), sorted[rank + i]);
    if (i < n && rank + i == size)
        out[i++] = FN(vmax)(x, sorted[size - 1]);
    for (; i < n; i++)
        out[i] = FN(vinf)();
}

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
        FN(select_leaf)(job, 3, o);
        return;
    }
    const int h = 1 << (level - 1);
    FN(vec) *list = job->list[level], *child = job->list[level - 1];
    if (level > job->cap) {
        child = level - 1 == job->cap ? job->capped : child;
        FN(select_outer)(job, list, job->older[level - 1] + o + h, child);
        FN(select_node)(job, level - 1, o);
        FN(select_outer)(job, list, job->newer[level - 1] + o, child);
        FN(select_node)(job, level - 1, o + h);
        return;
    }
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
    if (levels > job->cap) {
        const int kept = 1 << job->cap;
        const FN(vec) *rows = FN(select_core)(job, job->row + t - 1, core);
        FN(select_window)(job->list[levels], kept, rows, core, job->high ? core - kept : 0);
        FN(select_node)(job, levels, 0);
        return;
    }
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
    if (levels < 3)
        FN(select_leaf)(job, levels, 0);
    else
        FN(select_node)(job, levels, 0);
}

#define SELECT_END(name)            FN(select_low_##name)
#define SELECT_NEAR                 FN(vmin)
#define SELECT_FAR                  FN(vmax)
#define SELECT_NONE                 FN(vinf)()
#define SELECT_NTH(depth, takes, i) ((depth) - (takes) + (i))
#include "cpu_fallback/rolling_select_edge.h"

#define SELECT_END(name)            FN(select_high_##name)
#define SELECT_NEAR                 FN(vmax)
#define SELECT_FAR                  FN(vmin)
#define SELECT_NONE                 (-FN(vinf)())
#define SELECT_NTH(depth, takes, i) ((depth)-1 - (i))
#include "cpu_fallback/rolling_select_edge.h"

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

/* log2 of the outputs per tile of windows that yield `outs` results in a row. */
static int FN(select_levels)(dc_i64 window, dc_i64 outs)
{
    int levels = 0;
    while (levels < FN(SELECT_LEVELS) && (dc_i64)2 << levels <= window &&
           (dc_i64)1 << levels < outs)
        levels++;
    return levels;
}

/* Scratch of a job on a panel of so many rows, in registers; with `memory`, hands it out. */
static dc_i64 FN(select_layout)(FN(select_job) * job, dc_i64 window, dc_i64 rows, int levels,
                                FN(vec) * memory)
{
    const dc_i64 t = (dc_i64)1 << levels;
    dc_i64 used = 0, core = 8;
#define SELECT_TAKE(field, n)                                                                      \
    do {                                                                                           \
        if (memory)                                                                                \
            job->field = (void *)(memory + used);                                                  \
        used += (n);                                                                               \
    } while (0)
    for (int level = 0; level <= levels; level++) {
        SELECT_TAKE(capped, (dc_i64)1 << level); /* select_aim_cap: before a list, and behind it */
        SELECT_TAKE(list[level], ((dc_i64)2 << level) + 4);
    }
    for (int level = 2; level < levels; level++) {
        SELECT_TAKE(newer[level], t);
        SELECT_TAKE(older[level], t);
    }
    SELECT_TAKE(result, t);
    while (core < window - t + 1)
        core *= 2;
    SELECT_TAKE(core, 2 * core);
    SELECT_TAKE(padded, window + rows + t);
    SELECT_TAKE(count, window + rows + t);
#undef SELECT_TAKE
    return used;
}

/* Registers that suffice for a job of at most this window and so many levels, but for
 * SELECT_ROWS registers per panel row. */
enum { FN(SELECT_ROWS) = 2 };

static dc_i64 FN(select_memory)(dc_i64 window, int levels)
{
    dc_i64 most = 0;
    for (; levels >= 0; levels--)
        most = pack_max(most, FN(select_layout)(NULL, window, 0, levels, NULL));
    return most;
}

#include "cpu_fallback/rolling_select_aim.h"

/* A job for the panels of a tile. */
static void FN(select_start)(FN(select_job) * job, const FN(pack) * v, const FN(select_want) * want,
                             FN(vec) * memory)
{
    *job = (FN(select_job)){.want = want,
                            .window = pack_min(v->window, v->rows),
                            .step = v->step,
                            .padded_last = -1,
                            .inf_is_value = v->args->inf_is_value};
    job->levels = FN(select_levels)(job->window, (v->outs - 1) * v->step + 1);
    FN(select_layout)(job, job->window, v->rows, job->levels, memory);
    job->missing = job->count;
}

/* All results of a panel; returns the lanes whose results are not to be trusted. */
static unsigned FN(select_panel)(FN(select_job) * job, const FN(pack) * v, const T *panel,
                                 FN(loose) * out)
{
    const dc_i64 span = (v->outs - 1) * v->step + 1; /* outputs in a row, wanted or not */
    if (job->window < job->want->min_periods) {
        for (dc_i64 j = 0; j < v->outs; j++)
            FN(vstoreu)(out + j * v->out_pitch, FN(vquiet)());
        return 0;
    }
    job->outside = (FN(bits)){0};
    job->next_pitch = v->next_pitch;
    job->pad_next = -job->window;
    const int t = 1 << job->levels;
    dc_i64 next = 0; /* result to put out */
    for (dc_i64 i = 0; i < span; i += t) {
        const dc_i64 first = v->lead + i - job->window + 1;
        job->at = i;
        job->next = v->next + i * v->next_pitch;
        job->limit = (int)pack_min(span - i, t);
        if (FN(select_idle)(job, 0, t))
            continue;
        const int missing =
            first < v->clean_from || first + job->window + job->limit - 1 > v->clean_to;
        const int direct = job->step == 1 && job->limit == t;
        job->to = direct ? out + i * v->out_pitch : (FN(loose) *)job->result;
        job->pitch = direct ? v->out_pitch : VEC_LANES;
        job->row = (const FN(vec) *)panel + first;
        FN(select_aim)(job, missing);
        if (missing)
            FN(select_pad)(job, (const FN(vec) *)panel, v->rows, first);
        job->tile(job);
        for (; !direct && next < v->outs && next * v->step < i + job->limit; next++)
            FN(vstoreu)(out + next * v->out_pitch, job->result[next * v->step - i]);
        next = direct ? i + t : next;
    }
    unsigned lanes = 0;
    for (int lane = 0; lane < VEC_LANES; lane++)
        lanes |= (unsigned)(job->outside[lane] != 0) << lane;
    return lanes;
}

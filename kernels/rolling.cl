/* Rolling statistics on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * Two loop nests.  Counts, sums, moments and extremes climb the dyadic tree: in local memory, a group
 * for a tile, level by level, where the tile is a good deal longer than the window; else in scratch,
 * sixteenfold: a pass turns the aggregates of 16^p rows into those of 16^(p+1) rows and, for every
 * output, merges the blocks of the window that those levels hold.  The last pass writes the result.
 *
 * Order statistics sort tiles of rows and descend a tree over the ranks (rolling_order.h): in local
 * memory, a group for a tile, where a window fits there; else in scratch, a launch for each merge. */
#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"
#include "kernels/shared/rolling.h"

static inline float quiet_nan_f32(void)
{
    return as_float(0x7fc00000u);
}

#ifdef DC_FP64
static inline double quiet_nan_f64(void)
{
    return as_double(0x7ff8000000000000ul);
}
#endif

/* x - x is 0 for finite x alone. */
static inline int FN(is_valid)(T x, int inf_is_value)
{
    return inf_is_value ? x == x : x - x == 0;
}

/* A launch is a line of groups: `fast` positions in groups of 64 items for each `slow` position. */
typedef struct dc_place {
    dc_i64 fast, slow;
} dc_place;

static inline dc_place dc_place_of(dc_i64 fast)
{
    const dc_i64 size = (dc_i64)get_local_size(0), groups = (fast + size - 1) / size;
    const dc_i64 group = (dc_i64)get_group_id(0);
    dc_place at;
    at.slow = group / groups;
    at.fast = (group - at.slow * groups) * size + (dc_i64)get_local_id(0);
    return at;
}

/* What a launch covers: series series0 ... + nseries, outputs first ... + count. */
enum { DC_PASS_LAST = 1, DC_PASS_ROW_FAST = 2 };
typedef struct dc_chunk {
    dc_i64 pass, flags, series0, nseries, first, count;
    dc_i64 low;  /* first row that a window of the chunk needs         */
    dc_i64 rows; /* rows from `low` to the newest row of the last window */
    dc_i64 lead; /* newest row of the first window, from `low`           */
} dc_chunk;

static inline dc_chunk dc_chunk_of(const dc_rolling_args *args, const dc_launch *part)
{
    dc_chunk c;
    dc_i64 newest;

    c.pass = part->p[0] & 255;
    c.flags = part->p[0] >> 8 & 255;
    c.count = part->p[0] >> 16;
    c.series0 = part->p[1];
    c.nseries = part->p[2];
    c.first = part->p[3];
    newest = args->out_first + c.first * args->step + args->shift;
    c.low = args->expanding ? 0 : newest - args->window + 1;
    c.low = c.low < 0 ? 0 : c.low;
    c.lead = newest - c.low;
    c.rows = c.lead + (c.count - 1) * args->step + 1;
    return c;
}

/* The tile of a group: p[0] outputs of p[1] = 2^k neighbouring series.  All series of a block of
 * outputs first. */
static inline dc_chunk dc_tile_of(const dc_rolling_args *args, const dc_launch *part)
{
    const dc_i64 lanes = part->p[1], bunches = (args->series + lanes - 1) / lanes;
    const dc_i64 group = (dc_i64)get_group_id(0), block = group / bunches;
    dc_launch where;

    where.p[1] = (group - block * bunches) * lanes;
    where.p[2] = min(args->series - where.p[1], lanes);
    where.p[3] = block * part->p[0];
    where.p[0] = min(args->out_rows - where.p[3], part->p[0]) << 16;
    return dc_chunk_of(args, &where);
}

/* Element offset of value 0 of series s. */
static inline dc_i64 dc_series_offset(const dc_rolling_args *args, int of_dst, dc_i64 s)
{
    dc_i64 offset = 0;

    for (int d = args->ndim - 1; d > 0; d--) {
        const dc_i64 n = args->shape[d], rest = s / n;
        offset += (s - rest * n) * (of_dst ? args->dst_stride[d] : args->src_stride[d]);
        s = rest;
    }
    return offset + s * (of_dst ? args->dst_stride[0] : args->src_stride[0]);
}

/* ---- the dyadic tree ----------------------------------------------------------------------- */

/* Aggregate of a block of rows.  x: sum, extreme, or anchor; m, s: see rolling_scalar.h. */
typedef struct FN(state) {
    dc_u32 n;
    T x, m, s;
} FN(state);

static inline FN(state) FN(state_none)(void)
{
    FN(state) state;
    state.n = 0;
    state.x = state.m = state.s = 0;
    return state;
}

/* -0 is taken as +0 by extremes; a sum begins at +0 anyway. */
static inline FN(state) FN(state_leaf)(T x, int inf_is_value)
{
    FN(state) state = FN(state_none)();
    if (FN(is_valid)(x, inf_is_value)) {
        state.n = 1;
        state.x = x + 0;
    }
    return state;
}

/* x: the newest valid value, m: mean - x, s: squared deviations from the mean. */
static inline FN(state) FN(merge_moments)(FN(state) old, FN(state) new)
{
    const T n2 = (T)new.n, w = FN(dc_div)((T)old.n, (T)(old.n + new.n)), f = n2 * w;
    const T d = (new.x - old.x) + (new.m - old.m);
    FN(state) out;

    out.n = old.n + new.n;
    out.x = new.n ? new.x : old.x;
    out.m = !old.n ? new.m : !new.n ? old.m : new.m - d * w;
    out.s = !old.n ? new.s : !new.n ? old.s : (old.s + new.s) + (d * d) * f;
    return out;
}

static inline FN(state) FN(state_merge)(int kind, FN(state) old, FN(state) new)
{
    FN(state) out = new;

    if (kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD)
        return FN(merge_moments)(old, new);
    out.n = old.n + new.n;
    if (kind == DC_ROLLING_SUM || kind == DC_ROLLING_MEAN)
        out.x = old.x + new.x;
    else if (kind == DC_ROLLING_MIN)
        out.x = !old.n ? new.x : !new.n ? old.x : old.x < new.x ? old.x : new.x;
    else if (kind == DC_ROLLING_MAX)
        out.x = !old.n ? new.x : !new.n ? old.x : new.x < old.x ? old.x : new.x;
    return out;
}

/* Where the rows of one series lie: the input (pass 0) or planes of aggregates in scratch, x then m
 * then s then n, each `plane` elements. */
typedef struct FN(rows) {
    __global const T *data;
    __global const dc_u32 *count;
    dc_i64 base, stride, plane, rows;
    int inf_is_value;
} FN(rows);

static inline int dc_planes(int kind)
{
    return kind == DC_ROLLING_COUNT ? 0 : kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD ? 3 : 1;
}

static inline FN(state) FN(planes_load)(int kind, __global const T *data,
                                        __global const dc_u32 *count, dc_i64 plane, dc_i64 at)
{
    FN(state) state = FN(state_none)();

    state.n = count[at];
    if (dc_planes(kind) > 0)
        state.x = data[at];
    if (dc_planes(kind) > 1) {
        state.m = data[at + plane];
        state.s = data[at + 2 * plane];
    }
    return state;
}

static inline void FN(planes_store)(int kind, __global T *data, __global dc_u32 *count,
                                    dc_i64 plane, dc_i64 at, FN(state) state)
{
    count[at] = state.n;
    if (dc_planes(kind) > 0)
        data[at] = state.x;
    if (dc_planes(kind) > 1) {
        data[at + plane] = state.m;
        data[at + 2 * plane] = state.s;
    }
}

static inline FN(state) FN(tree1)(int kind, const FN(rows) *from, dc_i64 row)
{
    if (row < 0 || row >= from->rows)
        return FN(state_none)();
    if (!from->count)
        return FN(state_leaf)(from->data[from->base + row * from->stride], from->inf_is_value);
    return FN(planes_load)(kind, from->data, from->count, from->plane,
                           from->base + row * from->stride);
}

/* Blocks of 2, 4, 8, 16 units ending at `row`. */
static inline FN(state) FN(tree2)(int kind, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree1)(kind, from, row - unit);
    return FN(state_merge)(kind, old, FN(tree1)(kind, from, row));
}

static inline FN(state) FN(tree4)(int kind, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree2)(kind, from, row - 2 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree2)(kind, from, row, unit));
}

static inline FN(state) FN(tree8)(int kind, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree4)(kind, from, row - 4 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree4)(kind, from, row, unit));
}

static inline FN(state) FN(tree16)(int kind, const FN(rows) *from, dc_i64 row,
                                   dc_i64 unit)
{
    const FN(state) old = FN(tree8)(kind, from, row - 8 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree8)(kind, from, row, unit));
}

/* Blocks of the window that this pass's levels hold, newest (smallest) first, onto `acc`. */
static inline FN(state) FN(tree_blocks)(int kind, const FN(rows) *from, dc_i64 row,
                                        dc_i64 unit, dc_i64 bits, FN(state) acc)
{
    if (bits & 1) {
        acc = FN(state_merge)(kind, FN(tree1)(kind, from, row), acc);
        row -= unit;
    }
    if (bits & 2) {
        acc = FN(state_merge)(kind, FN(tree2)(kind, from, row, unit), acc);
        row -= 2 * unit;
    }
    if (bits & 4) {
        acc = FN(state_merge)(kind, FN(tree4)(kind, from, row, unit), acc);
        row -= 4 * unit;
    }
    if (bits & 8) {
        acc = FN(state_merge)(kind, FN(tree8)(kind, from, row, unit), acc);
        row -= 8 * unit;
    }
    if (bits & 16)
        acc = FN(state_merge)(kind, FN(tree16)(kind, from, row, unit), acc);
    return acc;
}

static inline T FN(state_value)(int kind, const dc_rolling_args *args, FN(state) state)
{
    const dc_i64 n = state.n;
    T value;

    if (n < args->min_periods)
        return FN(quiet_nan)();
    switch (kind) {
    case DC_ROLLING_COUNT:
        value = (T)state.n;
        break;
    case DC_ROLLING_MEAN:
        value = FN(dc_div)(state.x, (T)state.n);
        break;
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        if (n <= args->ddof)
            return FN(quiet_nan)();
        value = FN(dc_div)(state.s, (T)(n - args->ddof));
        if (kind == DC_ROLLING_STD)
            value = FN(dc_sqrt)(value);
        break;
    default:
        value = state.x;
        break;
    }
    return value == value ? value : FN(quiet_nan)();
}

/* One pass over a chunk; the first reads the input.  Scratch: acc, then two level buffers. */
static inline void FN(tree_pass)(int kind, __global const T *src, __global T *dst,
                                 __global uchar *scratch, const dc_rolling_args *args,
                                 const dc_launch *part)
{
    const dc_chunk c = dc_chunk_of(args, part);
    const int last = (c.flags & DC_PASS_LAST) != 0, row_fast = (c.flags & DC_PASS_ROW_FAST) != 0;
    const dc_i64 lines = last ? c.count : c.rows, planes = dc_planes(kind);
    const dc_i64 unit = (dc_i64)1 << (4 * c.pass);
    const dc_i64 acc_size = c.count * c.nseries, level_size = c.rows * c.nseries;
    const dc_i64 acc_bytes = (acc_size * (planes * (dc_i64)sizeof(T) + 4) + 7) & ~(dc_i64)7;
    const dc_i64 level_bytes = (level_size * (planes * (dc_i64)sizeof(T) + 4) + 7) & ~(dc_i64)7;
    const dc_place at = dc_place_of(row_fast ? lines : c.nseries);
    const dc_i64 s = row_fast ? at.slow : at.fast, line = row_fast ? at.fast : at.slow;
    __global T *acc_data = (__global T *)scratch;
    __global dc_u32 *acc_count = (__global dc_u32 *)(acc_data + planes * acc_size);
    FN(rows) from;
    dc_i64 row, k, w, acc_at;

    if (s >= c.nseries || line >= lines)
        return;
    if (c.pass == 0) {
        from.data = src + dc_series_offset(args, 0, c.series0 + s) + c.low * args->src_row_stride;
        from.count = 0;
        from.base = from.plane = 0;
        from.stride = args->src_row_stride;
        from.rows = args->rows - c.low;
    } else {
        from.data = (__global const T *)(scratch + acc_bytes + ((c.pass - 1) & 1) * level_bytes);
        from.count = (__global const dc_u32 *)(from.data + planes * level_size);
        from.base = row_fast ? s * c.rows : s;
        from.stride = row_fast ? 1 : c.nseries;
        from.plane = level_size;
        from.rows = c.rows;
    }
    from.inf_is_value = args->inf_is_value;
    if (last) {
        k = line;
        row = c.lead + k * args->step;
    } else {
        row = line;
        k = row < c.lead ? -1 : args->step == 1 ? row - c.lead : (row - c.lead) / args->step;
        if (k >= 0 && c.lead + k * args->step != row)
            k = -1;
    }
    if (k >= 0) {
        FN(state) acc = FN(state_none)();
        w = args->expanding ? args->out_first + (c.first + k) * args->step + 1 : args->window;
        acc_at = row_fast ? s * c.count + k : k * c.nseries + s;
        if (w & (unit - 1))
            acc = FN(planes_load)(kind, acc_data, acc_count, acc_size, acc_at);
        acc = FN(tree_blocks)(kind, &from, row - (w & (unit - 1)), unit,
                              w >> (4 * c.pass) & (last ? 31 : 15), acc);
        if (last)
            dst[dc_series_offset(args, 1, c.series0 + s) + (c.first + k) * args->dst_row_stride] =
                FN(state_value)(kind, args, acc);
        else if (w & (16 * unit - 1))
            FN(planes_store)(kind, acc_data, acc_count, acc_size, acc_at, acc);
    }
    if (!last) {
        __global T *to =
            (__global T *)(scratch + acc_bytes + (c.pass & 1) * level_bytes);
        FN(planes_store)(kind, to, (__global dc_u32 *)(to + planes * level_size), level_size,
                         row_fast ? s * c.rows + row : row * c.nseries + s,
                         FN(tree16)(kind, &from, row, unit));
    }
}

/* Planes of aggregates in local memory: x, m, s, then counts, `size` elements each. */
typedef struct FN(shelf) {
    __local T *data;
    __local dc_u32 *count;
    dc_u32 size;
} FN(shelf);

static inline FN(state) FN(shelf_get)(int kind, const FN(shelf) * shelf, dc_u32 at)
{
    FN(state) state = FN(state_none)();

    state.n = shelf->count[at];
    if (dc_planes(kind) > 0)
        state.x = shelf->data[at];
    if (dc_planes(kind) > 1) {
        state.m = shelf->data[at + shelf->size];
        state.s = shelf->data[at + 2 * shelf->size];
    }
    return state;
}

static inline void FN(shelf_put)(int kind, const FN(shelf) * shelf, dc_u32 at, FN(state) state)
{
    shelf->count[at] = state.n;
    if (dc_planes(kind) > 0)
        shelf->data[at] = state.x;
    if (dc_planes(kind) > 1) {
        shelf->data[at + shelf->size] = state.m;
        shelf->data[at + 2 * shelf->size] = state.s;
    }
}

enum { DC_TREE_EACH = 8 };

/* A group climbs the tree over a tile of p[2] rows of p[1] = 2^k neighbouring series, level by level,
 * and puts out p[0] windows of each.  An item owns at most DC_TREE_EACH elements. */
static inline void FN(tree_near)(int kind, __global const T *src, __global T *dst,
                                 __local uchar *memory, const dc_rolling_args *args,
                                 const dc_launch *part)
{
    const dc_u32 lanes = (dc_u32)part->p[1], me = (dc_u32)get_local_id(0);
    const dc_u32 items = (dc_u32)get_local_size(0), all = (dc_u32)part->p[2] * lanes;
    const dc_chunk c = dc_tile_of(args, part);
    const dc_u32 used = (dc_u32)c.rows * lanes, lead = (dc_u32)c.lead;
    const dc_u32 longest = (dc_u32)(args->expanding ? c.rows : args->window);
    FN(state) acc[DC_TREE_EACH];
    FN(shelf) from, to;

    from.size = to.size = all;
    from.data = (__local T *)memory;
    to.data = from.data + dc_planes(kind) * all;
    from.count = (__local dc_u32 *)(to.data + dc_planes(kind) * all);
    to.count = from.count + all;
    for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
        const dc_u32 e = me + j * items, lane = e & (lanes - 1), row = e / lanes;
        FN(state) leaf = FN(state_none)();
        acc[j] = leaf;
        if (e >= used)
            continue;
        if (lane < c.nseries && c.low + row < args->rows)
            leaf = FN(state_leaf)(src[dc_series_offset(args, 0, c.series0 + lane) +
                                      (c.low + row) * args->src_row_stride],
                                  args->inf_is_value);
        FN(shelf_put)(kind, &from, e, leaf);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_u32 size = 1;; size *= 2) {
        const int more = 2 * size <= longest;
        for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
            const dc_u32 e = me + j * items, row = e / lanes;
            const dc_u32 w = args->expanding ? row + 1 : (dc_u32)args->window;
            const dc_u32 back = w & (size - 1);
            FN(state) mine;
            if (e >= used)
                continue;
            mine = FN(shelf_get)(kind, &from, e);
            if ((w & size) && row >= lead && row >= back)
                acc[j] = FN(state_merge)(
                    kind, back ? FN(shelf_get)(kind, &from, e - back * lanes) : mine, acc[j]);
            if (more && row >= size)
                mine = FN(state_merge)(kind, FN(shelf_get)(kind, &from, e - size * lanes), mine);
            if (more)
                FN(shelf_put)(kind, &to, e, mine);
        }
        if (!more)
            break;
        barrier(CLK_LOCAL_MEM_FENCE);
        {
            const FN(shelf) swap = from;
            from = to;
            to = swap;
        }
    }
    for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
        const dc_u32 e = me + j * items, lane = e & (lanes - 1), row = e / lanes;
        const dc_i64 k = (dc_i64)row - c.lead;
        if (e < used && lane < c.nseries && k >= 0 && k % args->step == 0)
            dst[dc_series_offset(args, 1, c.series0 + lane) +
                (c.first + k / args->step) * args->dst_row_stride] =
                FN(state_value)(kind, args, acc[j]);
    }
}

/* Row kernels: <row> for windows that local memory holds, <row>_deep for others. */
#define DC_TREE_ROW(name, deep_name, kind)                                                         \
    __kernel void FN(name)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,   \
                           dc_rolling_args args, dc_launch part, __local uchar *memory)            \
    {                                                                                              \
        FN(tree_near)(kind, src + src_at, dst + dst_at, memory, &args, &part);                     \
    }                                                                                              \
    __kernel void FN(deep_name)(__global const T *src, dc_i64 src_at, __global T *dst,             \
                                dc_i64 dst_at, __global uchar *scratch, dc_rolling_args args,      \
                                dc_launch part)                                                    \
    {                                                                                              \
        FN(tree_pass)(kind, src + src_at, dst + dst_at, scratch, &args, &part);                    \
    }

DC_TREE_ROW(rolling_count, rolling_count_deep, DC_ROLLING_COUNT)
DC_TREE_ROW(rolling_sum, rolling_sum_deep, DC_ROLLING_SUM)
DC_TREE_ROW(rolling_mean, rolling_mean_deep, DC_ROLLING_MEAN)
DC_TREE_ROW(rolling_var, rolling_var_deep, DC_ROLLING_VAR)
DC_TREE_ROW(rolling_std, rolling_std_deep, DC_ROLLING_STD)
DC_TREE_ROW(rolling_min, rolling_min_deep, DC_ROLLING_MIN)
DC_TREE_ROW(rolling_max, rolling_max_deep, DC_ROLLING_MAX)

/* ---- order statistics ---------------------------------------------------------------------- */

#define ORDER_KEY_f32 dc_u32
#define ORDER_KEY_f64 dc_u64
#define ORDER_KEY     DC_CAT(ORDER_KEY, SFX)
#define ORDER_MISSING (~(ORDER_KEY)0)
enum { ORDER_LEAF_BITS = 4, ORDER_LEAF = 1 << ORDER_LEAF_BITS };

static inline dc_u32 order_bits_f32(float x)
{
    return as_uint(x);
}

static inline float order_float_f32(dc_u32 bits)
{
    return as_float(bits);
}

#ifdef DC_FP64
static inline dc_u64 order_bits_f64(double x)
{
    return as_ulong(x);
}

static inline double order_float_f64(dc_u64 bits)
{
    return as_double(bits);
}
#endif

static inline ORDER_KEY FN(order_key)(T x, int inf_is_value)
{
    const ORDER_KEY sign = (ORDER_KEY)1 << (8 * sizeof(T) - 1);
    const ORDER_KEY bits = FN(order_bits)(x + 0); /* -0 is +0 */

    if (!FN(is_valid)(x, inf_is_value))
        return ORDER_MISSING;
    return bits & sign ? ~bits : bits | sign;
}

static inline T FN(order_value)(ORDER_KEY key)
{
    const ORDER_KEY sign = (ORDER_KEY)1 << (8 * sizeof(T) - 1);
    return FN(order_float)(key & sign ? key ^ sign : ~key);
}

typedef struct FN(order_ranks) {
    dc_u32 lower, upper;
    T frac; /* weight of the upper value */
} FN(order_ranks);

#define ORDER_FRAC_f32(rank) (rank).frac32
#define ORDER_FRAC_f64(rank) (rank).frac64

/* The ranks wanted of n >= 1 values.  No table: the median. */
static inline FN(order_ranks) FN(order_ranks_of)(__global const dc_rolling_rank *table, dc_u32 n)
{
    FN(order_ranks) want;

    want.lower = (n - 1) / 2;
    want.upper = n / 2;
    want.frac = (T)0.5;
    if (table) {
        want.lower = (dc_u32)table[n - 1].lower;
        want.upper = (dc_u32)table[n - 1].upper;
        want.frac = DC_CAT(ORDER_FRAC, SFX)(table[n - 1]);
    }
    return want;
}

#include "kernels/shared/rolling_interpolate.h"

#define ORDER_SPACE __local
#define ORDER_INDEX ushort
#define ORDER(name) FN(near_##name)
#include "kernels/shared/rolling_order.h"
#undef ORDER_SPACE
#undef ORDER_INDEX
#undef ORDER

#define ORDER_SPACE __global
#define ORDER_INDEX dc_u32
#define ORDER(name) FN(far_##name)
#include "kernels/shared/rolling_order.h"
#undef ORDER_SPACE
#undef ORDER_INDEX
#undef ORDER

static inline dc_u32 order_rows(const dc_rolling_args *args, const dc_chunk *c)
{
    const dc_i64 rows = args->rows - c->low;
    return (dc_u32)(c->rows < rows ? c->rows : rows);
}

/* Levels of merges above the leaves. */
static inline int order_levels(dc_u32 n)
{
    return n > ORDER_LEAF ? 32 - ORDER_LEAF_BITS - (int)clz(n - 1) : 0;
}

static inline ORDER_KEY FN(order_load)(__global const T *src, const dc_rolling_args *args,
                                       const dc_chunk *c, dc_i64 s, dc_u32 i)
{
    return FN(order_key)(src[dc_series_offset(args, 0, c->series0 + s) +
                             (c->low + i) * args->src_row_stride],
                         args->inf_is_value);
}

/* A group does a tile of p[2] rows (p[3] levels), an equal share of its items for each series. */
static inline void FN(order_near)(__global const T *src, __global T *dst,
                                  __global const dc_rolling_rank *table,
                                  const dc_rolling_args *args, const dc_launch *part,
                                  __local uchar *memory)
{
    const dc_u32 lanes = (dc_u32)part->p[1], room = (dc_u32)part->p[2], all = lanes * room;
    const dc_u32 deepest = (dc_u32)part->p[3];
    const dc_u32 me = (dc_u32)get_local_id(0), size = (dc_u32)get_local_size(0);
    const dc_u32 share = size / lanes, lane = me / share, first = me - lane * share;
    const dc_chunk c = dc_tile_of(args, part);
    const dc_u32 n = order_rows(args, &c);
    const int levels = order_levels(n);
    /* Keys end in `sorted`; then the counts take the place of the others. */
    __local ORDER_KEY *sorted = (__local ORDER_KEY *)memory, *other = sorted + all;
    __local ORDER_KEY *key = (levels & 1 ? sorted : other), *to_key = (levels & 1 ? other : sorted);
    __local ushort *left = (__local ushort *)other;
    __local ushort *row = (__local ushort *)((__local uchar *)other +
                                             all * max(deepest * 2, (dc_u32)sizeof(T)));
    __local ushort *to_row = row + all, *spare = to_row + all, *by_value;

    for (dc_u32 i = me; i < lanes * n; i += size) {
        const dc_u32 l = i & (lanes - 1), r = i / lanes;
        key[l * room + r] = l < c.nseries ? FN(order_load)(src, args, &c, l, r) : ORDER_MISSING;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int level = -1; level < levels; level++) {
        __local ORDER_KEY *swap_key = key;
        __local ushort *swap = row;
        for (dc_u32 i = first; i < n; i += share)
            if (level < 0)
                FN(near_sort_leaf)(key + lane * room, to_key + lane * room, to_row + lane * room, n,
                                   i);
            else
                FN(near_sort)(key + lane * room, row + lane * room, to_key + lane * room,
                              to_row + lane * room, n, level, i);
        barrier(CLK_LOCAL_MEM_FENCE);
        key = to_key;
        to_key = swap_key;
        row = to_row;
        to_row = swap;
    }
    by_value = row;
    for (int level = -1; level < levels; level++) {
        __local ushort *next = level < 0 ? spare : row;
        for (dc_u32 i = first; i < n; i += share)
            if (level < 0)
                FN(near_climb_leaf)(row + lane * room, to_row + lane * room, n, i);
            else
                FN(near_climb)(row + lane * room, to_row + lane * room,
                               left + (lane * deepest + (dc_u32)level) * room, n, level, i);
        barrier(CLK_LOCAL_MEM_FENCE);
        row = to_row;
        to_row = next;
    }
    for (dc_u32 i = me; i < lanes * (dc_u32)c.count; i += size) {
        const dc_u32 l = i & (lanes - 1), k = i / lanes;
        FN(near_tile) tile;
        if (l >= c.nseries)
            continue;
        tile.key = sorted + l * room;
        tile.row = by_value + l * room;
        tile.left = left + l * deepest * room;
        tile.pitch = room;
        tile.n = n;
        tile.levels = levels;
        tile.valid = FN(near_keys_below)(tile.key, n, ORDER_MISSING, 0);
        dst[dc_series_offset(args, 1, c.series0 + l) + (c.first + k) * args->dst_row_stride] =
            FN(near_answer)(&tile, args, table, c.lead + k * args->step);
    }
}

/* A pass over a chunk, a work-item for each row, in the last for each output: 0 loads, 1 sorts
 * leaves, the next `levels` merge them; then the same by row; the last picks the outputs. */
static inline void FN(order_far)(__global const T *src, __global T *dst,
                                 __global const dc_rolling_rank *table, __global uchar *scratch,
                                 const dc_rolling_args *args, const dc_launch *part)
{
    const dc_chunk c = dc_chunk_of(args, part);
    const dc_u32 n = order_rows(args, &c);
    const int levels = order_levels(n), pass = (int)c.pass, pick = 2 * levels + 3;
    const dc_i64 size = (dc_i64)n * c.nseries;
    const dc_place at = dc_place_of(pass == pick ? c.count : n);
    /* Keys and rows of pass p <= levels + 1 go to the buffer p & 1; later rows alternate between the
     * other one and the third. */
    const int last = (levels + 1) & 1, turn = pass - levels - 2;
    __global ORDER_KEY *key = (__global ORDER_KEY *)scratch + at.slow * n;
    __global dc_u32 *row = (__global dc_u32 *)((__global ORDER_KEY *)scratch + 2 * size);
    __global dc_u32 *left = row + 3 * size + at.slow * n * levels;
    __global dc_u32 *spare[2];
    const dc_u32 i = (dc_u32)at.fast;

    if (at.slow >= c.nseries || at.fast >= (pass == pick ? c.count : (dc_i64)n))
        return;
    row += at.slow * n;
    spare[0] = row + (1 - last) * size;
    spare[1] = row + 2 * size;
    if (pass == 0)
        key[i] = FN(order_load)(src, args, &c, at.slow, i);
    else if (pass == 1)
        FN(far_sort_leaf)(key, key + size, row + size, n, i);
    else if (turn < 0)
        FN(far_sort)(key + (pass - 1 & 1) * size, row + (pass - 1 & 1) * size,
                     key + (pass & 1) * size, row + (pass & 1) * size, n, pass - 2, i);
    else if (turn == 0)
        FN(far_climb_leaf)(row + last * size, spare[0], n, i);
    else if (pass < pick)
        FN(far_climb)(spare[turn - 1 & 1], spare[turn & 1], left + (size_t)(turn - 1) * n, n,
                      turn - 1, i);
    else {
        FN(far_tile) tile;
        tile.key = key + last * size;
        tile.row = row + last * size;
        tile.left = left;
        tile.pitch = tile.n = n;
        tile.levels = levels;
        tile.valid = FN(far_keys_below)(tile.key, n, ORDER_MISSING, 0);
        dst[dc_series_offset(args, 1, c.series0 + at.slow) +
            (c.first + at.fast) * args->dst_row_stride] =
            FN(far_answer)(&tile, args, table, c.lead + at.fast * args->step);
    }
}

__kernel void FN(rolling_median)(__global const T *src, dc_i64 src_at, __global T *dst,
                                 dc_i64 dst_at, dc_rolling_args args, dc_launch part,
                                 __local uchar *memory)
{
    FN(order_near)(src + src_at, dst + dst_at, 0, &args, &part, memory);
}

__kernel void FN(rolling_median_deep)(__global const T *src, dc_i64 src_at, __global T *dst,
                                      dc_i64 dst_at, __global uchar *scratch, dc_rolling_args args,
                                      dc_launch part)
{
    FN(order_far)(src + src_at, dst + dst_at, 0, scratch, &args, &part);
}

__kernel void FN(rolling_quantile)(__global const T *src, dc_i64 src_at, __global T *dst,
                                   dc_i64 dst_at, __global const dc_rolling_rank *table,
                                   dc_rolling_args args, dc_launch part, __local uchar *memory)
{
    FN(order_near)(src + src_at, dst + dst_at, table, &args, &part, memory);
}

__kernel void FN(rolling_quantile_deep)(__global const T *src, dc_i64 src_at, __global T *dst,
                                        dc_i64 dst_at, __global const dc_rolling_rank *table,
                                        __global uchar *scratch, dc_rolling_args args,
                                        dc_launch part)
{
    FN(order_far)(src + src_at, dst + dst_at, table, scratch, &args, &part);
}

/* Rolling statistics on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * Two loop nests.  Sums, moments, extremes and counts climb the dyadic tree sixteenfold: a pass turns
 * the aggregates of 16^p rows into those of 16^(p+1) rows and, for every output, merges the blocks of
 * the window that those levels hold.  The last pass writes the result; a window below 32 rows is done
 * in one pass, straight from the input.  Order statistics sort tiles of rows and descend a wavelet
 * tree over the ranks (see "order" below).  No kernel uses local memory or a barrier: a work-item owns
 * its outputs, launches order the passes. */
#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/rolling.h"
#include "kernels/shared/rolling_scalar.h"

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

static inline FN(state) FN(state_leaf)(T x, int inf_is_value)
{
    FN(state) state = FN(state_none)();
    if (dc_rolling_valid(x, inf_is_value)) {
        state.n = 1;
        state.x = x;
    }
    return state;
}

static inline FN(state) FN(state_merge)(int kind, FN(state) old, FN(state) new)
{
    FN(state) out = new;

    out.n = old.n + new.n;
    switch (kind) {
    case DC_ROLLING_SUM:
    case DC_ROLLING_MEAN:
        out.x = old.x + new.x;
        break;
    case DC_ROLLING_MIN:
        out.x = !old.n ? new.x : !new.n ? old.x : old.x < new.x ? old.x : new.x;
        break;
    case DC_ROLLING_MAX:
        out.x = !old.n ? new.x : !new.n ? old.x : new.x < old.x ? old.x : new.x;
        break;
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        FN(merge_moments)(old.n, old.x, old.m, old.s, &out.n, &out.x, &out.m, &out.s);
        break;
    default:
        break;
    }
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

static inline FN(state) FN(tree1)(int kind, int first, const FN(rows) *from, dc_i64 row)
{
    if (row < 0 || row >= from->rows)
        return FN(state_none)();
    if (first)
        return FN(state_leaf)(from->data[from->base + row * from->stride], from->inf_is_value);
    return FN(planes_load)(kind, from->data, from->count, from->plane,
                           from->base + row * from->stride);
}

/* Blocks of 2, 4, 8, 16 units ending at `row`. */
static inline FN(state) FN(tree2)(int kind, int first, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree1)(kind, first, from, row - unit);
    return FN(state_merge)(kind, old, FN(tree1)(kind, first, from, row));
}

static inline FN(state) FN(tree4)(int kind, int first, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree2)(kind, first, from, row - 2 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree2)(kind, first, from, row, unit));
}

static inline FN(state) FN(tree8)(int kind, int first, const FN(rows) *from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree4)(kind, first, from, row - 4 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree4)(kind, first, from, row, unit));
}

static inline FN(state) FN(tree16)(int kind, int first, const FN(rows) *from, dc_i64 row,
                                   dc_i64 unit)
{
    const FN(state) old = FN(tree8)(kind, first, from, row - 8 * unit, unit);
    return FN(state_merge)(kind, old, FN(tree8)(kind, first, from, row, unit));
}

/* Blocks of the window that this pass's levels hold, newest (smallest) first, onto `acc`. */
static inline FN(state) FN(tree_blocks)(int kind, int first, const FN(rows) *from, dc_i64 row,
                                        dc_i64 unit, dc_i64 bits, FN(state) acc)
{
    if (bits & 1) {
        acc = FN(state_merge)(kind, FN(tree1)(kind, first, from, row), acc);
        row -= unit;
    }
    if (bits & 2) {
        acc = FN(state_merge)(kind, FN(tree2)(kind, first, from, row, unit), acc);
        row -= 2 * unit;
    }
    if (bits & 4) {
        acc = FN(state_merge)(kind, FN(tree4)(kind, first, from, row, unit), acc);
        row -= 4 * unit;
    }
    if (bits & 8) {
        acc = FN(state_merge)(kind, FN(tree8)(kind, first, from, row, unit), acc);
        row -= 8 * unit;
    }
    if (bits & 16)
        acc = FN(state_merge)(kind, FN(tree16)(kind, first, from, row, unit), acc);
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

/* One pass over a chunk.  `first` reads the input; `deep` has scratch: acc, then two level buffers. */
static inline void FN(tree_pass)(int kind, int first, int deep, __global const T *src,
                                 __global T *dst, __global uchar *scratch,
                                 const dc_rolling_args *args, const dc_launch *part)
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
    if (first) {
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
        if (deep && (w & (unit - 1)))
            acc = FN(planes_load)(kind, acc_data, acc_count, acc_size, acc_at);
        acc = FN(tree_blocks)(kind, first, &from, row - (w & (unit - 1)), unit,
                              w >> (4 * c.pass) & (last ? 31 : 15), acc);
        if (last)
            dst[dc_series_offset(args, 1, c.series0 + s) + (c.first + k) * args->dst_row_stride] =
                FN(state_value)(kind, args, acc);
        else if (deep && (w & (16 * unit - 1)))
            FN(planes_store)(kind, acc_data, acc_count, acc_size, acc_at, acc);
    }
    if (deep && !last) {
        __global T *to =
            (__global T *)(scratch + acc_bytes + (c.pass & 1) * level_bytes);
        FN(planes_store)(kind, to, (__global dc_u32 *)(to + planes * level_size), level_size,
                         row_fast ? s * c.rows + row : row * c.nseries + s,
                         FN(tree16)(kind, first, &from, row, unit));
    }
}

/* Row kernels: <row> for windows of one pass, <row>_deep for more. */
#define DC_TREE_ROW(name, deep_name, kind)                                                         \
    __kernel void FN(name)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,   \
                           dc_rolling_args args, dc_launch part)                                   \
    {                                                                                              \
        FN(tree_pass)(kind, 1, 0, src + src_at, dst + dst_at, 0, &args, &part);                    \
    }                                                                                              \
    __kernel void FN(deep_name)(__global const T *src, dc_i64 src_at, __global T *dst,             \
                                dc_i64 dst_at, __global uchar *scratch, dc_rolling_args args,      \
                                dc_launch part)                                                    \
    {                                                                                              \
        if ((part.p[0] & 255) == 0)                                                                \
            FN(tree_pass)(kind, 1, 1, src + src_at, dst + dst_at, scratch, &args, &part);          \
        else                                                                                       \
            FN(tree_pass)(kind, 0, 1, src + src_at, dst + dst_at, scratch, &args, &part);          \
    }

DC_TREE_ROW(rolling_count, rolling_count_deep, DC_ROLLING_COUNT)
DC_TREE_ROW(rolling_sum, rolling_sum_deep, DC_ROLLING_SUM)
DC_TREE_ROW(rolling_mean, rolling_mean_deep, DC_ROLLING_MEAN)
DC_TREE_ROW(rolling_var, rolling_var_deep, DC_ROLLING_VAR)
DC_TREE_ROW(rolling_std, rolling_std_deep, DC_ROLLING_STD)
DC_TREE_ROW(rolling_min, rolling_min_deep, DC_ROLLING_MIN)
DC_TREE_ROW(rolling_max, rolling_max_deep, DC_ROLLING_MAX)

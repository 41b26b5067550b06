/* Rolling statistics on a device.  Compiled once per dtype with T (float, double) and SFX (f32,
 * f64).
 *
 * Two loop nests.  Counts, sums, moments and extremes climb the dyadic tree: in local memory, a
 * group for a tile, level by level, where the tile is a good deal longer than the window; else in
 * scratch, sixteenfold: a pass turns the aggregates of 16^p rows into those of 16^(p+1) rows and,
 * for every output, merges the blocks of the window that those levels hold.  The last pass writes
 * the result.
 *
 * Order statistics sort tiles of rows and descend a tree over the ranks (rolling_order.h): in local
 * memory, a group for a tile, where a window fits there; else in scratch, a launch for each merge.
 */
#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"
#include "kernels/shared/rolling.h"
#include "kernels/shared/rolling_chunk.h"

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

#include "kernels/shared/rolling_tree.h"

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
    return FN(order_key)(
        src[dc_series_offset(args, 0, c->series0 + s) + (c->low + i) * args->src_row_stride],
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
    const dc_u32 share = size / lanes, first = me & (share - 1), own = me / share * room;
    const dc_chunk c = dc_tile_of(args, part);
    const dc_u32 n = order_rows(args, &c);
    const int levels = order_levels(n);
    FN(near_tile) tile;
    /* Keys end in `sorted`; then the counts take the place of the others. */
    __local ORDER_KEY *sorted = (__local ORDER_KEY *)memory, *other = sorted + all;
    __local ORDER_KEY *key = (levels & 1 ? sorted : other), *to_key = (levels & 1 ? other : sorted);
    __local ushort *left = (__local ushort *)other;
    __local ushort *row =
        (__local ushort *)((__local uchar *)other + all * max(deepest * 2, (dc_u32)sizeof(T)));
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
            FN(near_sort)(key + own, row + own, to_key + own, to_row + own, n, level, i);
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
            FN(near_climb)(row + own, to_row + own, left + own * deepest, room, n, level, i);
        barrier(CLK_LOCAL_MEM_FENCE);
        row = to_row;
        to_row = next;
    }
    tile.pitch = room;
    tile.n = n;
    tile.levels = levels;
    for (dc_u32 i = me; i < lanes * (dc_u32)c.count; i += size) {
        const dc_u32 l = i & (lanes - 1), k = i / lanes;
        if (l >= c.nseries)
            continue;
        tile.key = sorted + l * room;
        tile.row = by_value + l * room;
        tile.left = left + l * deepest * room;
        FN(near_pick)(&tile, dst, table, args, &c, l, k);
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
    /* Keys and rows of pass p <= levels + 1 go to the buffer p & 1; later rows alternate between
     * the other one and the third. */
    const int last = (levels + 1) & 1, turn = pass - levels - 2;
    const dc_i64 from = (pass + 1 & 1) * size, to = (pass & 1) * size;
    __global ORDER_KEY *key = (__global ORDER_KEY *)scratch + at.slow * n;
    __global dc_u32 *row = (__global dc_u32 *)((__global ORDER_KEY *)scratch + 2 * size);
    __global dc_u32 *left = row + 3 * size + at.slow * n * levels;
    __global dc_u32 *spare[2], *climbed;
    const dc_u32 i = (dc_u32)at.fast;

    if (at.slow >= c.nseries || at.fast >= (pass == pick ? c.count : (dc_i64)n))
        return;
    row += at.slow * n;
    spare[0] = row + (1 - last) * size;
    spare[1] = row + 2 * size;
    climbed = turn > 0 ? spare[turn - 1 & 1] : row + last * size;
    if (pass == 0)
        key[i] = FN(order_load)(src, args, &c, at.slow, i);
    else if (turn < 0)
        FN(far_sort)(key + from, row + from, key + to, row + to, n, pass - 2, i);
    else if (pass < pick)
        FN(far_climb)(climbed, spare[turn & 1], left, n, n, turn - 1, i);
    else {
        FN(far_tile) tile;
        tile.key = key + last * size;
        tile.row = row + last * size;
        tile.left = left;
        tile.pitch = tile.n = n;
        tile.levels = levels;
        FN(far_pick)(&tile, dst, table, args, &c, at.slow, at.fast);
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

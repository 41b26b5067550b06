/* Reductions on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * Folds: the 16 accumulators of a leaf are 16 work-items, several leaves are a group; their nodes
 * go to scratch, and a work-item merges those of a block or result.  Order statistics, histograms
 * and lists of the best: a group for each. */
#include "kernels/shared/reduce.h"
#include "kernels/shared/reduce_node.h"

/* ---- leaves --------------------------------------------------------------------------------- */

/* Which leaf of which result, and which accumulator, this work-item is. */
typedef struct reduce_place_of_item {
    dc_i64 leaf, out;
    int live, lane, step; /* step: from one accumulator of the leaf to the next, in local ids */
} reduce_place_of_item;

static inline reduce_place_of_item reduce_item(const dc_reduce_args *args, const dc_launch *part)
{
    const int units = (int)part->p[1], me = (int)get_local_id(0);
    const int unit = part->p[2] ? me / DC_REDUCE_LANES : me % units;
    const dc_i64 index = (dc_i64)get_group_id(0) * units + unit;
    reduce_place_of_item at;

    at.lane = part->p[2] ? me % DC_REDUCE_LANES : me / units;
    at.step = part->p[2] ? 1 : units;
    at.live = index < part->p[0];
    at.leaf = index / args->outs;
    at.out = index - at.leaf * args->outs;
    return at;
}

/* The sum of a value of each accumulator, by the contract's tree; everyone gets it. */
static inline T FN(reduce_tree)(__local T *memory, const reduce_place_of_item *at, T mine)
{
    const int me = (int)get_local_id(0);
    T sum;

    memory[me] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int h = DC_REDUCE_LANES / 2; h > 0; h /= 2) {
        if (at->lane < h)
            memory[me] = memory[me] + memory[me + h * at->step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    sum = memory[me - at->lane * at->step];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}

static inline FN(reduce_node) FN(reduce_leaf_sum)(int kind, int propagate, const T *x, int count,
                                                  const reduce_place_of_item *at, __local T *memory)
{
    FN(reduce_node) node = FN(reduce_none)(kind);
    T sum = 0, valid = 0, e = 0, q = 0, n;

    for (int i = 0; i < count; i++)
        if (propagate || x[i] == x[i]) {
            sum = sum + x[i];
            valid = valid + 1;
        }
    n = FN(reduce_tree)(memory, at, valid);
    node.n = (dc_i64)n;
    node.a = FN(reduce_tree)(memory, at, sum);
    if (!FN(reduce_is_moments)(kind))
        return node;
    node.a = n > 0 ? REDUCE_DIV(node.a, n) : (T)0;
    for (int i = 0; i < count; i++)
        if (propagate || x[i] == x[i]) {
            const T d = x[i] - node.a;

            e = e + d;
            q = q + d * d;
        }
    e = FN(reduce_tree)(memory, at, e);
    q = FN(reduce_tree)(memory, at, q);
    /* No branch: where leaves of a group had one, PoCL took a neighbour's. */
    node.m = n > 0 ? REDUCE_DIV(e, n) : (T)0;
    q = q - e * node.m;
    node.s = n > 0 && !(q < 0) ? q : (T)0;
    return node;
}

/* Kinds without an order of operations; of equal extremes the first row. */
static inline FN(reduce_node) FN(reduce_join)(int kind, FN(reduce_node) x, FN(reduce_node) y)
{
    FN(reduce_node) both = FN(reduce_merge)(kind, x, y);

    if (x.row >= 0 && y.row >= 0 && x.a == y.a)
        both.row = min(x.row, y.row);
    if (x.bad >= 0 && y.bad >= 0)
        both.bad = min(x.bad, y.bad);
    return both;
}

static inline FN(reduce_node)
    FN(reduce_leaf_any)(int kind, int propagate, const T *x, int count,
                        const reduce_place_of_item *at, __local uchar *memory)
{
    __local FN(reduce_node) *const all = (__local FN(reduce_node) *)memory;
    const int me = (int)get_local_id(0);
    FN(reduce_node) node = FN(reduce_none)(kind);

    for (int i = 0; i < count; i++)
        node = FN(reduce_join)(
            kind, node,
            FN(reduce_one)(kind, propagate, x[i],
                           at->leaf * DC_REDUCE_LEAF + i * DC_REDUCE_LANES + at->lane));
    all[me] = node;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 1; at->lane == 0 && i < DC_REDUCE_LANES; i++)
        node = FN(reduce_join)(kind, node, all[me + i * at->step]);
    return node;
}

static inline void FN(reduce_leaf)(int kind, __global const T *src, __global uchar *nodes,
                                   const dc_reduce_args *args, const dc_launch *part,
                                   __local uchar *memory)
{
    const reduce_place_of_item at = reduce_item(args, part);
    const dc_i64 first = at.leaf * DC_REDUCE_LEAF + at.lane;
    FN(reduce_node) node;
    T x[DC_REDUCE_LEAF / DC_REDUCE_LANES];
    int count = 0;

    if (at.live) {
        src += dc_reduce_offset(at.out, args->out_ndim, args->out_shape, args->out_src);
        for (int i = 0; i < DC_REDUCE_LEAF / DC_REDUCE_LANES; i++) {
            const dc_i64 row = first + i * DC_REDUCE_LANES;

            if (row >= args->rows)
                break;
            x[count++] =
                src[dc_reduce_offset(row, args->row_ndim, args->row_shape, args->row_stride)];
        }
    }
    if (kind == DC_REDUCE_SUM || kind == DC_REDUCE_MEAN || FN(reduce_is_moments)(kind))
        node = FN(reduce_leaf_sum)(kind, args->propagate, x, count, &at, (__local T *)memory);
    else
        node = FN(reduce_leaf_any)(kind, args->propagate, x, count, &at, memory);
    if (at.live && at.lane == 0)
        ((__global FN(reduce_node) *)nodes)[at.leaf * args->outs + at.out] = node;
}

/* ---- the tree ------------------------------------------------------------------------------- */

/* Nodes first ... first + count - 1 of a result, merged. */
static inline FN(reduce_node)
    FN(reduce_climb)(const dc_reduce_args *args, __global const uchar *nodes, dc_i64 out,
                     dc_i64 first, dc_i64 count)
{
    __global const FN(reduce_node) *const all = (__global const FN(reduce_node) *)nodes;
    FN(reduce_node) stack[48], node = FN(reduce_none)(args->kind);
    int have = 0;

    for (dc_i64 i = 0; i < count; i++) {
        int level = 0;

        node = all[(first + i) * args->outs + out];
        for (; i >> level & 1; level++)
            node = FN(reduce_merge)(args->kind, stack[level], node);
        stack[level] = node;
    }
    for (int level = 0; count >> level; level++)
        if (count >> level & 1) {
            node = have ? FN(reduce_merge)(args->kind, stack[level], node) : stack[level];
            have = 1;
        }
    return node;
}

static inline void FN(reduce_put)(__global uchar *dst, dc_i64 dst_at, const dc_reduce_args *args,
                                  dc_i64 out, const FN(reduce_node) * node)
{
    const int kind = args->kind;
    const dc_i64 at =
        dst_at + dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_dst);

    if (kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE)
        dst[at] = (uchar)FN(reduce_whole)(args, node, args->rows);
    else if (kind == DC_REDUCE_COUNT || kind == DC_REDUCE_ARGMIN || kind == DC_REDUCE_ARGMAX)
        ((__global dc_i64 *)dst)[at] = FN(reduce_whole)(args, node, args->rows);
    else
        for (int i = 0; i < args->k; i++)
            ((__global T *)dst)[at + i * args->list_dst] = FN(reduce_value)(args, node, i);
}

__kernel void FN(reduce_close)(__global const T *src, dc_i64 src_at, __global uchar *dst,
                               dc_i64 dst_at, __global uchar *scratch, dc_reduce_args args,
                               dc_launch part)
{
    const dc_i64 out = (dc_i64)get_global_id(0);
    FN(reduce_node) node;

    if (out >= part.p[0])
        return;
    node = FN(reduce_climb)(&args, scratch, out, 0, part.p[1]);
    FN(reduce_put)(dst, dst_at, &args, out, &node);
}

__kernel void FN(reduce_blocks_leaf)(__global const T *src, dc_i64 src_at, __global uchar *nodes,
                                     __global uchar *scratch, dc_reduce_args args, dc_launch part,
                                     __local uchar *memory)
{
    FN(reduce_leaf)(args.kind, src + src_at, scratch, &args, &part, memory);
}

__kernel void FN(reduce_blocks_close)(__global const T *src, dc_i64 src_at, __global uchar *nodes,
                                      __global uchar *scratch, dc_reduce_args args, dc_launch part)
{
    const dc_i64 job = (dc_i64)get_global_id(0), block = job / args.outs;
    const dc_i64 first = block << DC_REDUCE_BLOCK_BITS, left = part.p[1] - first;

    if (job >= part.p[0])
        return;
    ((__global FN(reduce_node) *)nodes)[job] =
        FN(reduce_climb)(&args, scratch, job - block * args.outs, first,
                         min(left, (dc_i64)1 << DC_REDUCE_BLOCK_BITS));
}

__kernel void FN(reduce_finish)(__global uchar *dst, dc_i64 dst_at, __global uchar *nodes,
                                dc_reduce_args args, dc_launch part)
{
    const dc_i64 out = (dc_i64)get_global_id(0);
    FN(reduce_node) node;

    if (out >= part.p[0])
        return;
    node = FN(reduce_climb)(&args, nodes, out, 0, args.blocks);
    FN(reduce_put)(dst, dst_at, &args, out, &node);
}

#define REDUCE_FOLD(name, kind)                                                                    \
    __kernel void FN(name)(__global const T *src, dc_i64 src_at, __global uchar *dst,              \
                           dc_i64 dst_at, __global uchar *scratch, dc_reduce_args args,            \
                           dc_launch part, __local uchar *memory)                                  \
    {                                                                                              \
        FN(reduce_leaf)(kind, src + src_at, scratch, &args, &part, memory);                        \
    }
REDUCE_FOLD(reduce_count, DC_REDUCE_COUNT)
REDUCE_FOLD(reduce_sum, DC_REDUCE_SUM)
REDUCE_FOLD(reduce_mean, DC_REDUCE_MEAN)
REDUCE_FOLD(reduce_var, DC_REDUCE_VAR)
REDUCE_FOLD(reduce_std, DC_REDUCE_STD)
REDUCE_FOLD(reduce_min, DC_REDUCE_MIN)
REDUCE_FOLD(reduce_max, DC_REDUCE_MAX)
REDUCE_FOLD(reduce_argmin, DC_REDUCE_ARGMIN)
REDUCE_FOLD(reduce_argmax, DC_REDUCE_ARGMAX)
REDUCE_FOLD(reduce_any_finite, DC_REDUCE_ANY_FINITE)
REDUCE_FOLD(reduce_all_finite, DC_REDUCE_ALL_FINITE)
REDUCE_FOLD(reduce_moments, DC_REDUCE_MOMENTS)
REDUCE_FOLD(reduce_extent, DC_REDUCE_EXTENT)

#include "kernels/shared/reduce_groups.h"

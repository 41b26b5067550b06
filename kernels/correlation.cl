/* Correlation on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * A work-item is a column of a block, or a pair of columns there; 16 x 16 pairs are a group, which
 * fetches the rows of their columns once. */
#include "kernels/shared/correlation_pair.h"

/* x is a value: neither NaN nor infinite. */
static inline int FN(correlation_is_value)(T x)
{
    return x - x == 0;
}

__kernel void FN(correlation_parts)(__global const T *src, dc_i64 src_at,
                                    __global FN(correlation_part) * part, dc_correlation_args args,
                                    dc_launch launch)
{
    const dc_i64 item = (dc_i64)get_global_id(0), block = item / args.cols;
    const dc_i64 column = item - block * args.cols;
    FN(correlation_part) it;
    T stack[DC_CORRELATION_LEAF_LEVELS];
    dc_i64 leaves;
    int top = 0;

    if (item >= launch.p[0])
        return;
    it.n = it.infinite = 0;
    it.none = 0;
    it.least = (T)INFINITY;
    it.largest = -(T)INFINITY;
    leaves = correlation_leaves(&args, block);
    src_at +=
        column * args.src_col + block * args.block_leaves * DC_CORRELATION_LEAF * args.src_row;
    for (dc_i64 l = 0; l < leaves; l++) {
        const int rows = correlation_rows(&args, block * args.block_leaves + l);
        T sum = 0;

        for (int r = 0; r < rows; r++, src_at += args.src_row) {
            const T x = src[src_at];

            if (FN(correlation_is_value)(x)) {
                sum = sum + x;
                it.n++;
                it.least = x < it.least ? x : it.least;
                it.largest = x > it.largest ? x : it.largest;
            } else if (x == x) {
                it.infinite++;
            }
        }
        stack[top++] = sum;
        for (dc_i64 full = l + 1; top > 1 && !(full & 1); full >>= 1, top--)
            stack[top - 2] += stack[top - 1];
    }
    for (; top > 1; top--)
        stack[top - 2] += stack[top - 1];
    it.sum = stack[0];
    part[item] = it;
}

__kernel void FN(correlation_columns)(__global const T *anchor,
                                      __global const FN(correlation_part) * part,
                                      __global FN(correlation_column) * column,
                                      dc_correlation_args args, dc_launch launch)
{
    const dc_i64 item = (dc_i64)get_global_id(0);

    if (item < launch.p[0])
        column[item] = FN(correlation_column_of)(&args, FN(correlation_whole)(&args, part, item),
                                                 anchor[args.given ? item : 0]);
}

/* The result of pair i <= j. */
static inline void FN(correlation_put)(const dc_correlation_args *args, __global T *dst,
                                       dc_i64 dst_at, __global T *dst2, dc_i64 dst2_at, dc_i64 i,
                                       dc_i64 j, FN(correlation_column) x, FN(correlation_column) y,
                                       const FN(correlation_node) * node)
{
    const dc_i64 at = dst_at + i * args->dst_i + j * args->dst_j;
    const dc_i64 mirrored = dst_at + j * args->dst_i + i * args->dst_j;

    if (args->kind == DC_CORRELATION_GRAM) {
        const FN(correlation_node) it = FN(correlation_sums)(node, x, y);

        dst[at] = dst[mirrored] = it.p;
        dst[at + args->dst_field] = it.s_i;
        dst[mirrored + args->dst_field] = it.s_j;
        dst[at + 2 * args->dst_field] = it.q_i;
        dst[mirrored + 2 * args->dst_field] = it.q_j;
        if (args->has_dst2) {
            __global dc_i64 *const count = (__global dc_i64 *)dst2 + dst2_at;

            count[i * args->dst2_i + j * args->dst2_j] = it.n;
            count[j * args->dst2_i + i * args->dst2_j] = it.n;
        }
        return;
    }
    dst[at] = dst[mirrored] = FN(correlation_result)(args, node, x, y, i == j);
    if (args->has_dst2 && i == j)
        dst2[dst2_at + i * args->dst2_i] = FN(correlation_mean)(x, node);
}

/* Adds x to a tree of nodes in private memory. */
static inline int FN(correlation_push)(FN(correlation_node) * stack, int top, dc_i64 leaf,
                                       FN(correlation_node) node)
{
    stack[top++] = node;
    for (dc_i64 full = leaf + 1; top > 1 && !(full & 1); full >>= 1, top--)
        FN(correlation_join)(&stack[top - 2], stack[top - 1]);
    return top;
}

/* Groups of DC_CORRELATION_SIDE^2 work-items: p[0] tiles along a side, p[1] groups of a block. */
enum { CORRELATION_SIDE = 16 };

__kernel void FN(correlation_pairs)(__global const T *src, dc_i64 src_at, __global T *dst,
                                    dc_i64 dst_at, __global T *dst2, dc_i64 dst2_at,
                                    __global const FN(correlation_column) * column,
                                    __global T *nodes, __global dc_i64 *counts,
                                    dc_correlation_args args, dc_launch launch)
{
    __local T values[2][CORRELATION_SIDE][CORRELATION_SIDE + 1];
    __local T there[2][CORRELATION_SIDE][CORRELATION_SIDE + 1];
    const int me = (int)get_local_id(0), a = me / CORRELATION_SIDE, b = me % CORRELATION_SIDE;
    const dc_i64 group = (dc_i64)get_group_id(0), block = group / launch.p[1];
    dc_i64 tile = group - block * launch.p[1], x = 0, i, j, row, end;
    FN(correlation_node) stack[DC_CORRELATION_LEAF_LEVELS], sum;
    FN(correlation_column) mine, other;
    int top = 0;

    for (; tile >= launch.p[0] - x; x++)
        tile -= launch.p[0] - x;
    i = x * CORRELATION_SIDE;
    j = (x + tile) * CORRELATION_SIDE;
    /* This work-item fetches column b of both tiles, in row a of each 16. */
    mine = column[i + b < args.cols ? i + b : 0];
    other = column[j + b < args.cols ? j + b : 0];
    row = block * args.block_leaves * DC_CORRELATION_LEAF;
    end = row + correlation_leaves(&args, block) * DC_CORRELATION_LEAF;
    sum.n = 0;
    sum.p = sum.s_i = sum.s_j = sum.q_i = sum.q_j = 0;
    for (; row < end; row += CORRELATION_SIDE) {
        for (int k = 0; k < 2; k++) {
            const FN(correlation_column) c = k ? other : mine;
            const dc_i64 col = (k ? j : i) + b;
            T v = 0, m = 0;

            if (col < args.cols && row + a < args.rows) {
                v = src[src_at + (row + a) * args.src_row + col * args.src_col];
                m = FN(correlation_is_value)(v) ? (T)1 : (T)0;
                v = v * c.scale;
                v = m > 0 ? v - c.shift : (T)0;
            }
            values[k][a][b] = v;
            there[k][a][b] = m;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int r = 0; r < CORRELATION_SIDE && row + r < args.rows; r++) {
            const T d_i = values[0][r][a], d_j = values[1][r][b];
            const T m_i = there[0][r][a], m_j = there[1][r][b];
            const T q_i = d_i * d_i, q_j = d_j * d_j;

            sum.n += m_i * m_j > 0 ? 1 : 0;
            sum.p = fma(d_i, d_j, sum.p);
            sum.s_i = fma(d_i, m_j, sum.s_i);
            sum.s_j = fma(m_i, d_j, sum.s_j);
            sum.q_i = fma(q_i, m_j, sum.q_i);
            sum.q_j = fma(m_i, q_j, sum.q_j);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((row / CORRELATION_SIDE + 1) % (DC_CORRELATION_LEAF / CORRELATION_SIDE) == 0) {
            top = FN(correlation_push)(stack, top,
                                       row / DC_CORRELATION_LEAF - block * args.block_leaves, sum);
            sum.n = 0;
            sum.p = sum.s_i = sum.s_j = sum.q_i = sum.q_j = 0;
        }
    }
    for (; top > 1; top--)
        FN(correlation_join)(&stack[top - 2], stack[top - 1]);
    i += a;
    j += b;
    if (i > j || j >= args.cols)
        return;
    sum = stack[0];
    if (i == j)
        sum.p = sum.q_i;
    if (args.blocks == 1) {
        FN(correlation_put)
        (&args, dst, dst_at, dst2, dst2_at, i, j, column[i], column[j], &sum);
        return;
    }
    {
        const dc_i64 all = args.cols * args.cols, at = i * args.cols + j, mir = j * args.cols + i;
        __global T *const to = nodes + block * DC_CORRELATION_FIELDS * all;

        to[at] = sum.p;
        to[all + at] = sum.s_i;
        to[all + mir] = sum.s_j;
        to[2 * all + at] = sum.q_i;
        to[2 * all + mir] = sum.q_j;
        counts[block * all + at] = sum.n;
    }
}

__kernel void FN(correlation_finish)(__global T *dst, dc_i64 dst_at, __global T *dst2,
                                     dc_i64 dst2_at, __global const FN(correlation_column) * column,
                                     __global const T *nodes, __global const dc_i64 *counts,
                                     dc_correlation_args args, dc_launch launch)
{
    const dc_i64 item = (dc_i64)get_global_id(0), i = item / args.cols, j = item - i * args.cols;
    FN(correlation_node) node;

    if (item >= launch.p[0] || i > j)
        return;
    node = FN(correlation_root)(&args, nodes, counts, i, j);
    FN(correlation_put)
    (&args, dst, dst_at, dst2, dst2_at, i, j, column[i], column[j], &node);
}

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

enum { CORRELATION_SIDE = 16, CORRELATION_LD = CORRELATION_SIDE + 1 };

/* 16 rows of the columns of a tile, `there` where they are values. */
typedef struct FN(correlation_tile) {
    T value[2][CORRELATION_SIDE][CORRELATION_LD];
    T there[2][CORRELATION_SIDE][CORRELATION_LD];
} FN(correlation_tile);

/* This work-item's share of rows `row` ...: column b of both sides, in row a. */
static inline void FN(correlation_fetch)(const dc_correlation_args *args, __global const T *src,
                                         __global const FN(correlation_column) * column,
                                         const dc_i64 *first, dc_i64 row, int a, int b,
                                         __local FN(correlation_tile) * tile)
{
    for (int k = 0; k < 2; k++) {
        T v = 0, m = 0;

        if (first[k] + b < args->cols && row + a < args->rows) {
            v = src[(row + a) * args->src_row + (first[k] + b) * args->src_col];
            m = FN(correlation_is_value)(v) ? (T)1 : (T)0;
            v = v * column[first[k] + b].scale;
            v = m > 0 ? v - column[first[k] + b].shift : (T)0;
        }
        tile->value[k][a][b] = v;
        tile->there[k][a][b] = m;
    }
}

/* Rows of the tile, ascending, for the pair of columns a and b. */
static inline void FN(correlation_rows_of)(__local const FN(correlation_tile) * tile, int rows,
                                           int a, int b, FN(correlation_node) * sum)
{
    for (int r = 0; r < rows; r++) {
        const T d_i = tile->value[0][r][a], d_j = tile->value[1][r][b];
        const T m_i = tile->there[0][r][a], m_j = tile->there[1][r][b];
        const T q_i = d_i * d_i, q_j = d_j * d_j;

        sum->n += m_i * m_j > 0 ? 1 : 0;
        sum->p = fma(d_i, d_j, sum->p);
        sum->s_i = fma(d_i, m_j, sum->s_i);
        sum->s_j = fma(m_i, d_j, sum->s_j);
        sum->q_i = fma(q_i, m_j, sum->q_i);
        sum->q_j = fma(m_i, q_j, sum->q_j);
    }
}

static inline FN(correlation_node) FN(correlation_nothing)(void)
{
    FN(correlation_node) none;

    none.n = 0;
    none.p = none.s_i = none.s_j = none.q_i = none.q_j = 0;
    return none;
}

/* The root of a block for a pair of columns: a, b of this group's tile. */
static inline FN(correlation_node)
    FN(correlation_block)(const dc_correlation_args *args, __global const T *src,
                          __global const FN(correlation_column) * column, dc_i64 block,
                          const dc_i64 *first, int a, int b, __local FN(correlation_tile) * tile)
{
    const dc_i64 leaf = block * args->block_leaves;
    const dc_i64 end = (leaf + correlation_leaves(args, block)) * DC_CORRELATION_LEAF;
    const dc_i64 rows = (end < args->rows ? end : args->rows) - leaf * DC_CORRELATION_LEAF;
    const dc_i64 parts = (rows + CORRELATION_SIDE - 1) / CORRELATION_SIDE;
    const int live = first[0] + a <= first[1] + b && first[1] + b < args->cols;
    FN(correlation_node) stack[DC_CORRELATION_LEAF_LEVELS], sum = FN(correlation_nothing)();
    int top = 0;

    for (dc_i64 part = 0; part < parts; part++) {
        const dc_i64 left = rows - part * CORRELATION_SIDE;

        FN(correlation_fetch)
        (args, src, column, first, leaf * DC_CORRELATION_LEAF + part * CORRELATION_SIDE, a, b,
         tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (live)
            FN(correlation_rows_of)
        (tile, (int)(left < CORRELATION_SIDE ? left : CORRELATION_SIDE), a, b, &sum);
        barrier(CLK_LOCAL_MEM_FENCE);
        if ((part + 1) % (DC_CORRELATION_LEAF / CORRELATION_SIDE) == 0) {
            top = FN(correlation_push)(stack, top, part / (DC_CORRELATION_LEAF / CORRELATION_SIDE),
                                       sum);
            sum = FN(correlation_nothing)();
        }
    }
    if (parts % (DC_CORRELATION_LEAF / CORRELATION_SIDE) != 0 || parts == 0)
        stack[top++] = sum;
    for (; top > 1; top--)
        FN(correlation_join)(&stack[top - 2], stack[top - 1]);
    return stack[0];
}

/* What the rows' kernels share.  p[0]: tiles along a side, p[1]: tiles of a block. */
static inline void FN(correlation_pairs)(__global const T *src, __global T *dst, dc_i64 dst_at,
                                         __global T *dst2, dc_i64 dst2_at,
                                         __global const FN(correlation_column) * column,
                                         __global T *nodes, __global dc_i64 *counts,
                                         const dc_correlation_args *args, const dc_launch *launch,
                                         __local FN(correlation_tile) * memory)
{
    const int me = (int)get_local_id(0), a = me / CORRELATION_SIDE, b = me % CORRELATION_SIDE;
    const dc_i64 group = (dc_i64)get_group_id(0), block = group / launch->p[1];
    dc_i64 tile = group - block * launch->p[1], x = 0, first[2], i, j;
    FN(correlation_node) sum;

    for (; tile >= launch->p[0] - x; x++)
        tile -= launch->p[0] - x;
    first[0] = x * CORRELATION_SIDE;
    first[1] = (x + tile) * CORRELATION_SIDE;
    sum = FN(correlation_block)(args, src, column, block, first, a, b, memory);
    i = first[0] + a;
    j = first[1] + b;
    if (i > j || j >= args->cols)
        return;
    if (i == j)
        sum.p = sum.q_i;
    if (args->blocks == 1) {
        FN(correlation_put)
        (args, dst, dst_at, dst2, dst2_at, i, j, column[i], column[j], &sum);
    } else {
        const dc_i64 all = args->cols * args->cols, at = i * args->cols + j;
        const dc_i64 mirrored = j * args->cols + i;
        __global T *const to = nodes + block * DC_CORRELATION_FIELDS * all;

        to[at] = sum.p;
        to[all + at] = sum.s_i;
        to[all + mirrored] = sum.s_j;
        to[2 * all + at] = sum.q_i;
        to[2 * all + mirrored] = sum.q_j;
        counts[block * all + at] = sum.n;
    }
}

#define CORRELATION_ROW(row)                                                                       \
    __kernel void FN(row)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,    \
                          __global T *dst2, dc_i64 dst2_at,                                        \
                          __global const FN(correlation_column) * column, __global T * nodes,      \
                          __global dc_i64 * counts, dc_correlation_args args, dc_launch launch)    \
    {                                                                                              \
        __local FN(correlation_tile) memory;                                                       \
                                                                                                   \
        FN(correlation_pairs)                                                                      \
        (src + src_at, dst, dst_at, dst2, dst2_at, column, nodes, counts, &args, &launch,          \
         &memory);                                                                                 \
    }

CORRELATION_ROW(correlation_covariance)
CORRELATION_ROW(correlation_pearson)
CORRELATION_ROW(correlation_spearman)
CORRELATION_ROW(correlation_gram)

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

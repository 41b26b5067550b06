/* Cubes rearranged on a device: one work-item for each element, in the order of dst; or tiles that
 * pass through local memory, so that reads and writes are both of neighbours.  Compiled once per
 * dtype with T and SFX. */
#include "kernels/shared/transform.h"

/* Where element i of the map lies in src and dst. */
static dc_i64 FN(transform_locate)(const dc_transform_args *a, dc_i64 i, dc_i64 *dst)
{
    dc_i64 from = a->src_first, to = a->dst_first;

    for (int d = a->ndim - 1; d >= 0; d--) {
        const dc_i64 outer = i / a->shape[d], place = i - outer * a->shape[d];
        dc_i64 turned = place;

        if (d == a->ndim - 1 && a->turn)
            turned += place < a->turn ? a->shape[d] - a->turn : -a->turn;
        from += turned * a->src[d];
        to += place * a->dst[d];
        i = outer;
    }
    *dst = to;
    return from;
}

/* The same for one more view of the map's shape. */
static dc_i64 FN(transform_along)(const dc_transform_args *a, const dc_i64 *stride, dc_i64 first,
                                  dc_i64 i)
{
    for (int d = a->ndim - 1; d >= 0; d--) {
        const dc_i64 outer = i / a->shape[d];

        first += (i - outer * a->shape[d]) * stride[d];
        i = outer;
    }
    return first;
}

#ifdef DC_MOVE

#define MOVE(row)                                                                                  \
    __kernel void FN(row)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,    \
                          dc_transform_args args, dc_launch part)                                  \
    {                                                                                              \
        dc_i64 from, to;                                                                           \
                                                                                                   \
        if ((dc_i64)get_global_id(0) >= part.p[0])                                                 \
            return;                                                                                \
        from = FN(transform_locate)(&args, (dc_i64)get_global_id(0), &to);                         \
        dst[dst_at + to] = src[src_at + from];                                                     \
    }

MOVE(transform_copy)
MOVE(transform_stack)
MOVE(transform_concatenate)
MOVE(transform_roll)
MOVE(transform_lag)

enum { TILE = 32, TILE_PITCH = TILE + 1, TILE_ITEMS = 256 };

/* A square of the last axis, along which dst is walked, and axis part.p[0], along which src is.
 * part.p[1], part.p[2]: squares along the two. */
__kernel __attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) void
FN(transform_tile)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,
                   dc_transform_args args, dc_launch part, __local T *tile)
{
    const int axis = (int)part.p[0], last = args.ndim - 1;
    const int x = (int)get_local_id(0) % TILE, y = (int)get_local_id(0) / TILE;
    dc_i64 rest = (dc_i64)get_group_id(0);
    const dc_i64 column = rest % part.p[1] * TILE, row = rest / part.p[1] % part.p[2] * TILE;

    src_at += args.src_first;
    dst_at += args.dst_first;
    rest /= part.p[1] * part.p[2];
    for (int d = last - 1; d >= 0; d--) {
        dc_i64 outer;

        if (d == axis)
            continue;
        outer = rest / args.shape[d];
        src_at += (rest - outer * args.shape[d]) * args.src[d];
        dst_at += (rest - outer * args.shape[d]) * args.dst[d];
        rest = outer;
    }
    for (int k = y; k < TILE; k += TILE_ITEMS / TILE) {
        const dc_i64 place = column + k;
        const dc_i64 turned = place + (place < args.turn ? args.shape[last] : 0) - args.turn;

        if (place < args.shape[last] && row + x < args.shape[axis])
            tile[k * TILE_PITCH + x] =
                src[src_at + turned * args.src[last] + (row + x) * args.src[axis]];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = y; k < TILE; k += TILE_ITEMS / TILE)
        if (column + x < args.shape[last] && row + k < args.shape[axis])
            dst[dst_at + (column + x) * args.dst[last] + (row + k) * args.dst[axis]] =
                tile[x * TILE_PITCH + k];
}

__kernel void FN(transform_gather)(__global const T *src, dc_i64 src_at, __global const long *index,
                                   dc_i64 index_at, __global T *dst, dc_i64 dst_at,
                                   dc_transform_gather_args args, dc_launch part)
{
    const dc_i64 i = (dc_i64)get_global_id(0);
    dc_i64 from, to, at;

    if (i >= part.p[0])
        return;
    from = FN(transform_locate)(&args.map, i, &to);
    at = FN(transform_along)(&args.map, args.index, args.index_first, i);
    dst[dst_at + to] = src[src_at + from + index[index_at + at] * args.step];
}

#else

#define VALUES DC_CAT(TRANSFORM_VALUES, SFX)
enum { TRANSFORM_VALUES_f32 = DC_RANDOM_VALUES_F32, TRANSFORM_VALUES_f64 = DC_RANDOM_VALUES_F64 };

__kernel void FN(transform_diff)(__global const T *src, dc_i64 src_at, __global T *dst,
                                 dc_i64 dst_at, dc_transform_diff_args args, dc_launch part)
{
    const dc_i64 i = (dc_i64)get_global_id(0);
    dc_i64 from, to, older;

    if (i >= part.p[0])
        return;
    from = FN(transform_locate)(&args.map, i, &to);
    older = FN(transform_along)(&args.map, args.older, args.older_first, i);
    dst[dst_at + to] = FN(transform_quiet)(src[src_at + from] - src[src_at + older]);
}

__kernel void FN(transform_affine)(__global const T *src, dc_i64 src_at, __global const T *scale,
                                   dc_i64 scale_at, __global const T *offset, dc_i64 offset_at,
                                   __global const T *low, dc_i64 low_at, __global const T *high,
                                   dc_i64 high_at, __global T *dst, dc_i64 dst_at,
                                   dc_transform_affine_args args, dc_launch part)
{
    const dc_i64 i = (dc_i64)get_global_id(0);
    dc_i64 from, to, by[DC_AFFINE_COEFFICIENTS];
    T x;

    if (i >= part.p[0])
        return;
    from = FN(transform_locate)(&args.map, i, &to);
    for (int k = 0; k < DC_AFFINE_COEFFICIENTS; k++)
        by[k] = FN(transform_along)(&args.map, args.by[k], args.by_first[k], i);
    x = src[src_at + from];
    if (args.has[DC_AFFINE_SCALE])
        x = x * scale[scale_at + by[DC_AFFINE_SCALE]];
    if (args.has[DC_AFFINE_OFFSET])
        x = x + offset[offset_at + by[DC_AFFINE_OFFSET]];
    if (args.has[DC_AFFINE_LOW]) {
        const T limit = low[low_at + by[DC_AFFINE_LOW]];
        x = x < limit ? limit : x;
    }
    if (args.has[DC_AFFINE_HIGH]) {
        const T limit = high[high_at + by[DC_AFFINE_HIGH]];
        x = x > limit ? limit : x;
    }
    dst[dst_at + to] = FN(transform_quiet)(x);
}

/* part.p[1]: a work-item has a block of the noise; else one element. */
__kernel void FN(transform_batch)(__global const T *src, dc_i64 src_at, __global T *dst,
                                  dc_i64 dst_at, __global T *noisy, dc_i64 noisy_at,
                                  dc_transform_batch_args args, dc_launch part)
{
    dc_i64 i = (dc_i64)get_global_id(0), end = i + 1, place;
    T e[VALUES];

    if (i >= part.p[0])
        return;
    if (part.p[1]) {
        const dc_i64 block = args.place_first / VALUES + i;

        end = (block + 1) * VALUES - args.place_first;
        end = end < args.map.count ? end : args.map.count;
        i = block * VALUES - args.place_first;
        i = i > 0 ? i : 0;
        place = args.place_first + i;
    } else {
        place = FN(transform_along)(&args.map, args.place, args.place_first, i);
    }
    FN(random_normal_block)(&args.random, (dc_u64)(place / VALUES), e);
    for (; i < end; i++, place++) {
        dc_i64 to;
        const dc_i64 from = FN(transform_locate)(&args.map, i, &to);
        const dc_i64 also = FN(transform_along)(&args.map, args.noisy, args.noisy_first, i);
        const T x = src[src_at + from];

        dst[dst_at + to] = x;
        noisy[noisy_at + also] = FN(transform_quiet)(x + e[place % VALUES]);
    }
}

#endif

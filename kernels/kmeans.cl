/* k-means on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * A work-item is a row, unless said otherwise; the 64 rows of a block lie beside each other, so
 * that neighbours read neighbours; shifts and masks stand for divisions by 64.  Sums are 64-bit
 * integers: their order does not show. */
#include "kernels/shared/kmeans.h"

#ifdef cl_khr_int64_base_atomics
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable
#endif

/* Devices without 64-bit atomics add the halves, the carry of the lower one with the upper. */
static inline void FN(kmeans_add)(__global dc_i64 *to, dc_i64 value)
{
    if (value == 0)
        return;
#ifdef cl_khr_int64_base_atomics
    (void)atom_add((volatile __global dc_i64 *)to, value);
#else
    volatile __global dc_u32 *half = (volatile __global dc_u32 *)to;
    const dc_u32 low = (dc_u32)value;
    const dc_u32 before = atomic_add(half, low);

    (void)atomic_add(half + 1, (dc_u32)((dc_u64)value >> 32) + (before + low < low ? 1u : 0u));
#endif
}

/* Squared distance; values of x lie 64 apart, those of c `step`. */
static inline T FN(kmeans_square)(__global const T *x, __global const T *c, dc_i64 step, dc_i64 d)
{
    T a = 0;

    for (dc_i64 t = 0; t < d; t++) {
        const T e = x[t * DC_KMEANS_BLOCK] - c[t * step];

        a = fma(e, e, a);
    }
    return a;
}

/* Where the values of a row begin. */
static inline dc_i64 FN(kmeans_place)(dc_i64 row, dc_i64 d)
{
    return (row >> 6) * d * DC_KMEANS_BLOCK + (row & 63);
}

/* A work-item is a packed value; part.p[0] of them. */
__kernel void FN(kmeans_pack)(__global const T *src, dc_i64 src_at, __global const T *shift,
                              dc_i64 shift_at, __global T *dst, dc_i64 dst_at, dc_kmeans_args args,
                              dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0);
    const dc_i64 column = item >> 6, block = column / args.d;
    const dc_i64 t = column - block * args.d, row = block * DC_KMEANS_BLOCK + (item & 63);
    T x = 0;

    if (item >= part.p[0])
        return;
    if (row < args.n) {
        x = src[src_at + row * args.row_stride + t * args.column_stride];
        if (args.shifted)
            x = x - shift[shift_at + t];
        x = FN(kmeans_quiet)(x * KMEANS_G(&args)[0] * KMEANS_G(&args)[1]);
    }
    dst[dst_at + item] = x;
}

/* A work-item is a lane of a column; it meets every part.p[1]-th block. */
__kernel void FN(kmeans_sums)(__global const T *src, dc_i64 src_at, __global dc_i64 *dst,
                              dc_i64 dst_at, __global const T *f, dc_kmeans_args args,
                              dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0), lane = item & 63;
    const dc_i64 column = item >> 6, first = column / args.d, t = column - first * args.d;
    dc_i64 hi = 0, lo = 0;

    if (item >= part.p[0])
        return;
    for (dc_i64 b = first; b < args.blocks; b += part.p[1]) {
        const T y = src[src_at + (b * args.d + t) * DC_KMEANS_BLOCK + lane] * f[t] * f[args.d + t];
        const dc_i64 q = FN(kmeans_count)(y);

        hi = kmeans_plus(hi, q);
        if (KMEANS_LIMBS == 2)
            lo = kmeans_plus(lo, FN(kmeans_rest)(y, q));
    }
    FN(kmeans_add)(dst + dst_at + t, hi);
    if (KMEANS_LIMBS == 2)
        FN(kmeans_add)(dst + dst_at + args.d + t, lo);
}

/* Before ASSIGN and PREDICT: -|c|^2 / 2.  A work-item is a centre.  It begins with the arguments of
 * both (what ASSIGN has more lies between). */
static inline void FN(kmeans_start)(__global const T *c, __global T *start, dc_i64 j, dc_i64 d)
{
    T h = 0;

    for (dc_i64 t = 0; t < d; t++)
        h = fma(c[j * d + t], c[j * d + t], h);
    start[j] = h * (T)-0.5;
}

/* The centre of the largest score. */
static inline dc_i32 FN(kmeans_label)(__global const T *x, __global const T *c,
                                      __global const T *start, dc_i64 d, dc_i64 k)
{
    T best = -INFINITY;
    dc_i32 label = 0;

    for (dc_i64 j = 0; j < k; j += 4) {
        const dc_i64 j1 = j + 1 < k ? j + 1 : j, j2 = j + 2 < k ? j + 2 : j;
        const dc_i64 j3 = j + 3 < k ? j + 3 : j;
        T s0 = start[j], s1 = start[j1], s2 = start[j2], s3 = start[j3];

        for (dc_i64 t = 0; t < d; t++) {
            const T v = x[t * DC_KMEANS_BLOCK];

            s0 = fma(v, c[j * d + t], s0);
            s1 = fma(v, c[j1 * d + t], s1);
            s2 = fma(v, c[j2 * d + t], s2);
            s3 = fma(v, c[j3 * d + t], s3);
        }
        /* A centre that stands in for one beyond the last is never larger than itself. */
        label = s0 > best ? (dc_i32)j : label;
        best = s0 > best ? s0 : best;
        label = s1 > best ? (dc_i32)j1 : label;
        best = s1 > best ? s1 : best;
        label = s2 > best ? (dc_i32)j2 : label;
        best = s2 > best ? s2 : best;
        label = s3 > best ? (dc_i32)j3 : label;
        best = s3 > best ? s3 : best;
    }
    return label;
}

/* part.p[1]: 0 makes the starts (a work-item is a centre), 1 the labels. */
__kernel void FN(kmeans_predict)(__global const T *src, dc_i64 src_at, __global const T *centers,
                                 dc_i64 centers_at, __global dc_i32 *dst, dc_i64 dst_at,
                                 __global uchar *scratch, dc_kmeans_args args, dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0);
    __global T *const start = (__global T *)scratch;

    if (item >= part.p[0])
        return;
    if (part.p[1] == 0)
        FN(kmeans_start)(centers + centers_at, start, item, args.d);
    else
        dst[dst_at + item] = FN(kmeans_label)(src + src_at + FN(kmeans_place)(item, args.d),
                                              centers + centers_at, start, args.d, args.k);
}

/* As PREDICT; the sums of both clusters follow a row whose label changed. */
__kernel void FN(kmeans_assign)(__global const T *src, dc_i64 src_at, __global const T *centers,
                                dc_i64 centers_at, __global const dc_i32 *old, dc_i64 old_at,
                                __global const T *weights, dc_i64 weights_at,
                                __global const dc_i64 *state, dc_i64 state_at, __global dc_i32 *dst,
                                dc_i64 dst_at, __global dc_i64 *sums, dc_i64 sums_at,
                                __global const T *f, __global uchar *scratch, dc_kmeans_args args,
                                dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0);
    const dc_i64 d = args.d, stride = KMEANS_STATE(&args, KMEANS_LIMBS);
    __global T *const start = (__global T *)scratch;
    __global const T *const x = src + src_at + FN(kmeans_place)(item, d);

    if (item >= part.p[0])
        return;
    if (part.p[1] == 0) {
        FN(kmeans_start)(centers + centers_at, start, item, d);
        return;
    }
    const dc_i32 was = old[old_at + item];
    const dc_i32 is = FN(kmeans_label)(x, centers + centers_at, start, d, args.k);
    const T w = args.weighted ? weights[weights_at + item] : (T)1;
    const dc_i64 weight = FN(kmeans_count)(w * KMEANS_G(&args)[2] * KMEANS_G(&args)[3]);
    const int leaves = was >= 0 && was < args.k;
    __global dc_i64 *const from = sums + sums_at + (leaves ? was : is) * stride;
    __global dc_i64 *const to = sums + sums_at + is * stride;

    dst[dst_at + item] = is;
    if (was == is)
        return;
    FN(kmeans_add)(sums + sums_at + args.k * stride, 1);
    FN(kmeans_add)(to, 1);
    FN(kmeans_add)(to + 1, weight);
    if (leaves) {
        FN(kmeans_add)(from, -1);
        FN(kmeans_add)(from + 1, -weight);
    }
    for (dc_i64 t = 0; t < d; t++) {
        const T v = x[t * DC_KMEANS_BLOCK] * w;
        const T y = v * f[t] * f[d + t];
        const dc_i64 hi = FN(kmeans_count)(y);
        const dc_i64 lo = KMEANS_LIMBS == 2 ? FN(kmeans_rest)(y, hi) : 0;

        FN(kmeans_add)(to + 2 + t, hi);
        if (KMEANS_LIMBS == 2)
            FN(kmeans_add)(to + 2 + d + t, lo);
        if (leaves) {
            FN(kmeans_add)(from + 2 + t, -hi);
            if (KMEANS_LIMBS == 2)
                FN(kmeans_add)(from + 2 + d + t, -lo);
        }
    }
}

/* A group is a block; each item makes its row's distances, then one of the sums of 8 candidates. */
__kernel void FN(kmeans_near)(__global const T *src, dc_i64 src_at, __global const T *centers,
                              dc_i64 centers_at, __global const T *weights, dc_i64 weights_at,
                              __global const T *closest, dc_i64 closest_at, __global T *dst,
                              dc_i64 dst_at, __global dc_i64 *sums, dc_i64 sums_at,
                              dc_kmeans_args args, dc_launch part, __local dc_i64 *counts)
{
    const dc_i64 block = (dc_i64)get_group_id(0), lane = (dc_i64)get_local_id(0);
    const dc_i64 row = block * DC_KMEANS_BLOCK + lane;
    const int is_row = row < args.n;
    __global const T *const x = src + src_at + FN(kmeans_place)(row, args.d);

    for (dc_i64 j = 0; j < args.k; j += 8) {
        const dc_i64 some = args.k - j < 8 ? args.k - j : 8;

        for (dc_i64 i = 0; i < some; i++) {
            dc_i64 q = 0;

            if (is_row) {
                const T far = closest[closest_at + row];
                const T a =
                    FN(kmeans_square)(x, centers + centers_at + (j + i) * args.d, 1, args.d);
                const T y = FN(kmeans_quiet)(far <= a || a != a ? far : a);

                dst[dst_at + (j + i) * args.n + row] = y;
                q = FN(kmeans_count)((args.weighted ? y * weights[weights_at + row] : y) *
                                     KMEANS_G(&args)[0] * KMEANS_G(&args)[1]);
            }
            counts[i * DC_KMEANS_BLOCK + lane] = q;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < some) {
            dc_i64 total = 0;

            for (int r = 0; r < DC_KMEANS_BLOCK; r++)
                total = kmeans_plus(total, counts[lane * DC_KMEANS_BLOCK + r]);
            sums[sums_at + (j + lane) * args.blocks + block] = total;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

__kernel void FN(kmeans_spread)(__global const T *src, dc_i64 src_at, __global const T *centers,
                                dc_i64 centers_at, __global const dc_i32 *labels, dc_i64 labels_at,
                                __global const T *weights, dc_i64 weights_at, __global T *dst,
                                dc_i64 dst_at, __global dc_i64 *sums, dc_i64 sums_at,
                                dc_kmeans_args args, dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0);

    if (item >= part.p[0])
        return;
    const dc_i64 j = labels[labels_at + item];
    if (j < 0 || j >= args.k) {
        dst[dst_at + item] = 0;
        return;
    }
    const T a = FN(kmeans_square)(src + src_at + FN(kmeans_place)(item, args.d),
                                  centers + centers_at + j * args.d, 1, args.d);
    const T y = FN(kmeans_quiet)(args.root ? FN(dc_sqrt)(a) : a);
    const T q = (args.weighted ? y * weights[weights_at + item] : y) * KMEANS_G(&args)[0] *
                KMEANS_G(&args)[1];
    const dc_i64 hi = FN(kmeans_count)(q);

    dst[dst_at + item] = y;
    FN(kmeans_add)(sums + sums_at + 2 * j, hi);
    FN(kmeans_add)(sums + sums_at + 2 * j + 1, FN(kmeans_rest)(q, hi));
}

/* A work-item is one distance. */
__kernel void FN(kmeans_transform)(__global const T *src, dc_i64 src_at, __global const T *centers,
                                   dc_i64 centers_at, __global T *dst, dc_i64 dst_at,
                                   dc_kmeans_args args, dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0), row = item / args.k, j = item - row * args.k;

    if (item >= part.p[0])
        return;
    dst[dst_at + item] = FN(kmeans_quiet)(
        FN(dc_sqrt)(FN(kmeans_square)(src + src_at + FN(kmeans_place)(row, args.d),
                                      centers + centers_at + j * args.d, 1, args.d)));
}

/* Sum of a row's distances to rows from ... end - 1, in runs. */
static inline T FN(kmeans_total)(__global const T *x, __global const T *all, dc_i64 d, dc_i64 from,
                                 dc_i64 end)
{
    T total = 0;

    while (from < end) {
        const dc_i64 stop = end - from < DC_KMEANS_RUN ? end : from + DC_KMEANS_RUN;
        T run = 0;

        for (; from < stop; from++)
            run += FN(dc_sqrt)(
                FN(kmeans_square)(x, all + FN(kmeans_place)(from, d), DC_KMEANS_BLOCK, d));
        total += run;
    }
    return total;
}

__kernel void FN(kmeans_silhouette)(__global const T *src, dc_i64 src_at,
                                    __global const dc_i64 *first, dc_i64 first_at, __global T *dst,
                                    dc_i64 dst_at, dc_kmeans_args args, dc_launch part)
{
    const dc_i64 item = (dc_i64)get_global_id(0);
    __global const T *const all = src + src_at;
    int others = 0, together = 0;
    T own = 0, other = 0, most, result = 0;

    if (item >= part.p[0])
        return;
    for (dc_i64 j = 0; j < args.k; j++) {
        const dc_i64 a = first[first_at + j], b = first[first_at + j + 1];
        const dc_i64 low = a < 0 ? 0 : a < args.n ? a : args.n;
        const dc_i64 high = b < low ? low : b < args.n ? b : args.n;
        T sum;

        if (low == high)
            continue;
        sum = FN(kmeans_total)(all + FN(kmeans_place)(item, args.d), all, args.d, low, high);
        if (item >= low && item < high) {
            together = high - low > 1;
            own = together ? FN(dc_div)(sum, (T)(high - low - 1)) : (T)0;
        } else {
            const T mean = FN(dc_div)(sum, (T)(high - low));

            other = !others || mean < other ? mean : other;
            others = 1;
        }
    }
    most = KMEANS_SILHOUETTE_VALUE(own, other);
    if (others && together && most != 0)
        result = FN(kmeans_quiet)(FN(dc_div)(other - own, most));
    dst[dst_at + item] = result;
}

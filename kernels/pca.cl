/* Pca on a device: one work-item for each row.  Compiled once per dtype with T (float, double) and
 * SFX (f32, f64).
 *
 * Scores lie in the launch's scratch as [component][row of the launch]; products take GROUP
 * components (or columns) at a time, whose sums stay in registers.  Places beyond the last one
 * compute the last one again and are not put out. */
#include "kernels/shared/pca.h"

#define GROUP 8

/* An operand and where its element 0 lies. */
#define IN(name)  __global const T *name, dc_i64 name##_at
#define OUT(name) __global T *name, dc_i64 name##_at

#define QUIET_f32 as_float(0x7fc00000u)
#define QUIET_f64 as_double(0x7ff8000000000000ul)

static T FN(quiet)(T y)
{
    return y == y ? y : FN(QUIET);
}

/* Element i of a vector of the model. */
static T FN(number)(const dc_pca_args *args, int which, __global const T *from, dc_i64 i, T fill)
{
    return args->absent >> which & 1 ? fill : from[i * args->stride[which]];
}

/* The model and a row of it, pointers at element 0. */
typedef struct FN(row) {
    __global const T *src, *mean, *scale, *components;
    __global T *scores; /* of this row, `pitch` apart */
    dc_i64 pitch;
} FN(row);

static T FN(standard)(const dc_pca_args *args, const FN(row) * r, dc_i64 j)
{
    const T x = r->src[j * args->stride[DC_PCA_SRC]];
    const T centred = x - FN(number)(args, DC_PCA_MEAN, r->mean, j, (T)0);

    if (args->missing == DC_PCA_MISSING_MEAN && x != x)
        return (T)0;
    return centred * FN(number)(args, DC_PCA_SCALE, r->scale, j, (T)1);
}

static dc_i64 least(dc_i64 a, dc_i64 b)
{
    return a < b ? a : b;
}

/* All scores of the row into the scratch. */
static void FN(project)(const dc_pca_args *args, const FN(row) * r)
{
    const dc_i64 far = args->row_stride[DC_PCA_COMPONENTS], near = args->stride[DC_PCA_COMPONENTS];

    for (dc_i64 first = 0; first < args->components; first += GROUP) {
        T sum[GROUP];

#pragma unroll
        for (int c = 0; c < GROUP; c++)
            sum[c] = 0;
        for (dc_i64 j = 0; j < args->columns; j++) {
            const T z = FN(standard)(args, r, j);

#pragma unroll
            for (int c = 0; c < GROUP; c++)
                sum[c] =
                    fma(z, r->components[least(first + c, args->components - 1) * far + j * near],
                        sum[c]);
        }
#pragma unroll
        for (int c = 0; c < GROUP; c++)
            if (first + c < args->components)
                r->scores[(first + c) * r->pitch] = sum[c];
    }
}

/* Columns first ... first + GROUP - 1 of the scores, times `weights` where there are any. */
static void FN(back)(const dc_pca_args *args, const FN(row) * r, __global const T *weights,
                     dc_i64 first, T *sum)
{
    const dc_i64 far = args->row_stride[DC_PCA_COMPONENTS], near = args->stride[DC_PCA_COMPONENTS];

#pragma unroll
    for (int c = 0; c < GROUP; c++)
        sum[c] = 0;
    for (dc_i64 a = 0; a < args->components; a++) {
        T t = r->scores[a * r->pitch];

        if (weights)
            t = t * FN(number)(args, DC_PCA_WEIGHTS, weights, a, (T)1);
#pragma unroll
        for (int c = 0; c < GROUP; c++)
            sum[c] =
                fma(t, r->components[a * far + least(first + c, args->columns - 1) * near], sum[c]);
    }
}

__kernel void FN(pca_monitor)(IN(src), IN(mean), IN(scale), IN(components), IN(weights),
                              IN(factors), OUT(dst), OUT(t2), OUT(spe), OUT(t2_parts),
                              OUT(spe_parts), __global uchar *scratch, dc_pca_args args,
                              dc_launch part)
{
    const dc_i64 me = (dc_i64)get_global_id(0), i = part.p[0] + me;
    const dc_i32 there = ~args.absent;
    const int parts = there >> DC_PCA_T2_PARTS & 1;
    const int residual = (there & (1 << DC_PCA_SPE | 1 << DC_PCA_SPE_PARTS)) != 0;
    FN(row) r;
    T sum = 0;

    if (me >= part.p[1])
        return;
    r.src = src + src_at + i * args.row_stride[DC_PCA_SRC];
    r.mean = mean + mean_at;
    r.scale = scale + scale_at;
    r.components = components + components_at;
    r.scores = (__global T *)scratch + me;
    r.pitch = part.p[1];
    FN(project)(&args, &r);
    for (dc_i64 a = 0; a < args.components; a++) {
        const T t = r.scores[a * r.pitch];

        sum = fma(t, t * FN(number)(&args, DC_PCA_WEIGHTS, weights + weights_at, a, (T)1), sum);
        if (there >> DC_PCA_DST & 1)
            dst[dst_at + i * args.row_stride[DC_PCA_DST] + a * args.stride[DC_PCA_DST]] =
                FN(quiet)(t * FN(number)(&args, DC_PCA_FACTORS, factors + factors_at, a, (T)1));
    }
    if (there >> DC_PCA_T2 & 1)
        t2[t2_at + i * args.stride[DC_PCA_T2]] = FN(quiet)(sum);
    sum = 0;
    for (dc_i64 first = 0; (residual || parts) && first < args.columns; first += GROUP) {
        T h[GROUP];

        if (residual)
            FN(back)(&args, &r, 0, first, h);
        for (int c = 0; residual && c < least(GROUP, args.columns - first); c++) {
            const T e = FN(standard)(&args, &r, first + c) - h[c];

            sum = fma(e, e, sum);
            if (there >> DC_PCA_SPE_PARTS & 1)
                spe_parts[spe_parts_at + i * args.row_stride[DC_PCA_SPE_PARTS] +
                          (first + c) * args.stride[DC_PCA_SPE_PARTS]] =
                    FN(quiet)(args.signed_residuals ? e : e * e);
        }
        if (parts)
            FN(back)(&args, &r, weights + weights_at, first, h);
        for (int c = 0; parts && c < least(GROUP, args.columns - first); c++)
            t2_parts[t2_parts_at + i * args.row_stride[DC_PCA_T2_PARTS] +
                     (first + c) * args.stride[DC_PCA_T2_PARTS]] =
                FN(quiet)(FN(standard)(&args, &r, first + c) * h[c]);
    }
    if (there >> DC_PCA_SPE & 1)
        spe[spe_at + i * args.stride[DC_PCA_SPE]] = FN(quiet)(sum);
}

__kernel void FN(pca_inverse)(IN(src), IN(mean), IN(scale), IN(components), IN(factors), OUT(dst),
                              __global uchar *scratch, dc_pca_args args, dc_launch part)
{
    const dc_i64 me = (dc_i64)get_global_id(0), i = part.p[0] + me;
    FN(row) r;

    if (me >= part.p[1])
        return;
    src += src_at + i * args.row_stride[DC_PCA_SRC];
    r.src = src;
    r.mean = mean + mean_at;
    r.scale = scale + scale_at;
    r.components = components + components_at;
    r.scores = (__global T *)scratch + me;
    r.pitch = part.p[1];
    for (dc_i64 a = 0; a < args.components; a++)
        r.scores[a * r.pitch] = (src[a * args.stride[DC_PCA_SRC]] - (T)0) *
                                FN(number)(&args, DC_PCA_FACTORS, factors + factors_at, a, (T)1);
    for (dc_i64 first = 0; first < args.columns; first += GROUP) {
        T h[GROUP];

        FN(back)(&args, &r, 0, first, h);
        for (int c = 0; c < least(GROUP, args.columns - first); c++) {
            const dc_i64 j = first + c;
            const T y = h[c] * FN(number)(&args, DC_PCA_SCALE, scale + scale_at, j, (T)1);

            dst[dst_at + i * args.row_stride[DC_PCA_DST] + j * args.stride[DC_PCA_DST]] =
                FN(quiet)(y + FN(number)(&args, DC_PCA_MEAN, mean + mean_at, j, (T)0));
        }
    }
}

/* Linear interpolation on a device: one work-item for each result.  Compiled once per dtype with T
 * (float, double) and SFX (f32, f64). */
#include "kernels/shared/regrid.h"

#define NOTHING DC_CAT(NOTHING, SFX)()

static float NOTHING_f32(void)
{
    return as_float(0x7fc00000u);
}

#ifdef DC_FP64
static double NOTHING_f64(void)
{
    return as_double(0x7ff8000000000000ul);
}
#endif

/* Digits of a result's place, the last axis running fastest; where it lies. */
static dc_i64 digits_of(const dc_regrid_args *args, dc_i64 index, dc_i64 *digit)
{
    dc_i64 to = 0;

    for (int d = args->ndim - 1; d >= 0; d--) {
        digit[d] = index % args->shape[d];
        index /= args->shape[d];
        to += digit[d] * args->dst_stride[d];
    }
    return to;
}

__kernel void FN(regrid_bilinear)(__global const T *src, dc_i64 src_at, __global T *dst,
                                  dc_i64 dst_at, __global const dc_i32 *lat,
                                  __global const T *lat_w, __global const dc_i32 *lon,
                                  __global const T *lon_w, dc_regrid_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0);
    dc_i64 digit[DC_REGRID_MAX_AXES];

    if (index >= part.p[0])
        return;
    dst += dst_at + digits_of(&args, index, digit);
    const int last = args.ndim - 1;
    const dc_i64 i = 2 * digit[last - 1], j = 2 * digit[last];

    if (args.empty || lat[i] < 0 || lon[j] < 0) {
        *dst = NOTHING;
        return;
    }
    src += src_at;
    for (int d = 0; d < last - 1; d++)
        src += digit[d] * args.src_stride[d];
    T x[4];
    const T u[2] = {lon_w[j], lon_w[j + 1]}, v[2] = {lat_w[i], lat_w[i + 1]};
    for (int k = 0; k < 4; k++)
        x[k] = src[lat[i + k / 2] * args.src_stride[last - 1] +
                   lon[j + k % 2] * args.src_stride[last]];
    *dst = FN(regrid_corners)(x, u, v, args.omit_nan);
}

__kernel void FN(regrid_resample)(__global const T *src, dc_i64 src_at, __global T *dst,
                                  dc_i64 dst_at, __global const dc_i32 *row,
                                  __global const T *row_w, dc_regrid_args args, dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0);
    dc_i64 digit[DC_REGRID_MAX_AXES];

    if (index >= part.p[0])
        return;
    dst += dst_at + digits_of(&args, index, digit);
    const dc_i64 i = 2 * digit[0];

    if (args.empty || row[i] < 0) {
        *dst = NOTHING;
        return;
    }
    src += src_at;
    for (int d = 1; d < args.ndim; d++)
        src += digit[d] * args.src_stride[d];
    *dst = FN(regrid_quiet)(FN(regrid_line)(src[row[i] * args.src_stride[0]],
                                            src[row[i + 1] * args.src_stride[0]], row_w[i],
                                            row_w[i + 1]));
}

/* Linear interpolation on grids: what the two compilers must agree on.
 *
 * Tables of the host say for every place of an interpolated axis of the output which two places of
 * the input it lies between (low, high; low = -1: outside) and with which weights (u, w), rounded
 * to the dtype.  Every operation below rounds once; a NaN becomes the one quiet NaN. line(a, b, u,
 * w) = w = 0 ? a : a u + b w RESAMPLE  y = line(x[low], x[high], u, w) BILINEAR  y = line(line(x00,
 * x01, u, w), line(x10, x11, u, w), U, W): along longitude, then along latitude (U, W).  Where that
 * is NaN and NaN is left out, of the corners 00, 01, 10, 11 that are none, in this order, with
 * weights q = U u, U w, W u, W w: y = (0 + x q + ...) / (0 + q + ...)
 */
#ifndef DC_SHARED_REGRID_H
#define DC_SHARED_REGRID_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum { DC_REGRID_MAX_AXES = 8 };

typedef struct dc_regrid_args {
    dc_i64 count;                     /* elements of the output                                   */
    dc_i64 shape[DC_REGRID_MAX_AXES]; /* of the output */
    dc_i64 src_stride[DC_REGRID_MAX_AXES];
    dc_i64 dst_stride[DC_REGRID_MAX_AXES];
    dc_i32 ndim; /* BILINEAR: the last two axes are interpolated; RESAMPLE: the first */
    dc_i32 kind; /* DC_REGRID_* */
    dc_i32 omit_nan;
    dc_i32 empty; /* the input has no elements */
} dc_regrid_args;

static inline float regrid_quiet_f32(float y)
{
    return y == y ? y : DC_FLOAT_OF_BITS(0x7fc00000u);
}

static inline float regrid_line_f32(float a, float b, float u, float w)
{
    return w == 0 ? a : a * u + b * w;
}

/* u: weights of longitude, v: of latitude. */
static inline float regrid_corners_f32(const float *x, const float *u, const float *v, int omit)
{
    float sum = 0, weights = 0;
    const float y = regrid_line_f32(regrid_line_f32(x[0], x[1], u[0], u[1]),
                                    regrid_line_f32(x[2], x[3], u[0], u[1]), v[0], v[1]);

    if (y == y || !omit)
        return regrid_quiet_f32(y);
    for (int k = 0; k < 4; k++)
        if (x[k] == x[k]) {
            const float q = v[k / 2] * u[k % 2];

            sum = sum + x[k] * q;
            weights = weights + q;
        }
    return regrid_quiet_f32(dc_div_f32(sum, weights));
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
static inline double regrid_quiet_f64(double y)
{
#ifdef __OPENCL_VERSION__
    return y == y ? y : as_double(0x7ff8000000000000ul);
#else
    return y == y ? y : __builtin_nan("");
#endif
}

static inline double regrid_line_f64(double a, double b, double u, double w)
{
    return w == 0 ? a : a * u + b * w;
}

static inline double regrid_corners_f64(const double *x, const double *u, const double *v, int omit)
{
    double sum = 0, weights = 0;
    const double y = regrid_line_f64(regrid_line_f64(x[0], x[1], u[0], u[1]),
                                     regrid_line_f64(x[2], x[3], u[0], u[1]), v[0], v[1]);

    if (y == y || !omit)
        return regrid_quiet_f64(y);
    for (int k = 0; k < 4; k++)
        if (x[k] == x[k]) {
            const double q = v[k / 2] * u[k % 2];

            sum = sum + x[k] * q;
            weights = weights + q;
        }
    return regrid_quiet_f64(dc_div_f64(sum, weights));
}
#endif

#endif

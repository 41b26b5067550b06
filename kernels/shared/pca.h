/* Pca: what the two compilers must agree on.
 *
 * The arrays are seen as `count` elements in row-major order over `shape`: element i lies at the
 * sum over d of (digit d of i) * stride[d], the last of the `ndim` axes running fastest.  The plan
 * has left out axes of one element and merged axes that lie end to end in both arrays.
 *
 * Order of operations (contract, DC_EXACT):  y = a * x + b,  the product rounded, then the sum;
 * a NaN becomes the one quiet NaN.
 */
#ifndef DC_SHARED_PCA_H
#define DC_SHARED_PCA_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"

enum { DC_PCA_MAX_AXES = 8 };

typedef struct dc_pca_args {
    dc_i64 count;
    dc_i64 shape[DC_PCA_MAX_AXES];
    dc_i64 src_stride[DC_PCA_MAX_AXES];
    dc_i64 dst_stride[DC_PCA_MAX_AXES];
    dc_f64 a64, b64; /* float32 kernels never read these */
    float a32, b32;
    dc_i32 ndim; /* >= 1 */
    dc_i32 kind; /* DC_PCA_* */
} dc_pca_args;

static inline float pca_quiet_f32(float y)
{
#ifdef __OPENCL_VERSION__
    return y == y ? y : as_float(0x7fc00000u);
#else
    return y == y ? y : __builtin_nanf("");
#endif
}

static inline float pca_value_f32(const dc_pca_args *args, float x)
{
    const float product = args->a32 * x;

    return pca_quiet_f32(product + args->b32);
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
static inline double pca_quiet_f64(double y)
{
#ifdef __OPENCL_VERSION__
    return y == y ? y : as_double(0x7ff8000000000000ul);
#else
    return y == y ? y : __builtin_nan("");
#endif
}

static inline double pca_value_f64(const dc_pca_args *args, double x)
{
    const double product = args->a64 * x;

    return pca_quiet_f64(product + args->b64);
}
#endif

#endif

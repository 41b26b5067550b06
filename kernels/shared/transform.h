/* Cubes rearranged: what the two compilers must agree on.
 *
 * A step is a loop over up to 8 axes, the fastest last, that takes each element of an output from
 * one place of an input: a map.  Places are sums of index times stride, in elements from the
 * operand's element 0.  The host leaves out axes of one element and merges axes that lie end to end
 * in every operand, so that there is always one axis at least.
 *
 * Contract, each operation rounded once, no fma but in the noise:
 *     move     the bits as they are
 *     gather   dst = src[place + index[place] * step]
 *     diff     dst = src[place] - src[older place]
 *     affine   x = src; x = x * scale; x = x + offset; x = x < low ? low : x; x = x > high ? high :
 * x; only what is there batch    dst = src, targets = src + e, e the value at (place + the
 * element's own) of the normal sequence of kernels/shared/random.h A NaN that was computed is
 * stored as the one quiet NaN: every NaN of diff, affine and targets. */
#ifndef DC_SHARED_TRANSFORM_H
#define DC_SHARED_TRANSFORM_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#ifndef DC_MOVE
#include "kernels/shared/random.h"
#endif

enum { DC_TRANSFORM_MAX_AXES = 8 };
/* Coefficients of affine, in the order of their operands. */
enum { DC_AFFINE_SCALE = 0, DC_AFFINE_OFFSET = 1, DC_AFFINE_LOW = 2, DC_AFFINE_HIGH = 3 };
enum { DC_AFFINE_COEFFICIENTS = 4 };

/* Operands: src, dst. */
typedef struct dc_transform_args {
    dc_i64 shape[DC_TRANSFORM_MAX_AXES];
    dc_i64 src[DC_TRANSFORM_MAX_AXES], dst[DC_TRANSFORM_MAX_AXES]; /* strides */
    dc_i64 src_first, dst_first;                                   /* places of the first element */
    dc_i64 turn;  /* the last axis is read from its place n - turn on, then from 0; < n       */
    dc_i64 count; /* elements of this step                                                    */
    dc_i64 total; /* elements that the whole call writes: what is worth bypassing the caches  */
    dc_i32 ndim;  /* >= 1 */
    dc_i32 spare;
} dc_transform_args;

/* Operands: src, index (int64), dst. */
typedef struct dc_transform_gather_args {
    dc_transform_args map;
    dc_i64 index[DC_TRANSFORM_MAX_AXES];
    dc_i64 index_first;
    dc_i64 step; /* of src along the gathered axis, whose stride in the map is 0 */
} dc_transform_gather_args;

/* Operands: src, dst. */
typedef struct dc_transform_diff_args {
    dc_transform_args map;
    dc_i64 older[DC_TRANSFORM_MAX_AXES];
    dc_i64 older_first;
} dc_transform_diff_args;

/* Operands: src, the four coefficients (src again where one is absent), dst. */
typedef struct dc_transform_affine_args {
    dc_transform_args map;
    dc_i64 by[DC_AFFINE_COEFFICIENTS][DC_TRANSFORM_MAX_AXES];
    dc_i64 by_first[DC_AFFINE_COEFFICIENTS];
    dc_i32 has[DC_AFFINE_COEFFICIENTS];
} dc_transform_affine_args;

#ifndef DC_MOVE
/* Operands: src, dst, targets (dst again where it is absent). */
typedef struct dc_transform_batch_args {
    dc_transform_args map;
    dc_i64 noisy[DC_TRANSFORM_MAX_AXES]; /* strides of targets */
    dc_i64 place[DC_TRANSFORM_MAX_AXES]; /* strides in the sequence of the noise */
    dc_i64 noisy_first, place_first;
    dc_i64 dense; /* 1: places follow each other in the order of the map */
    dc_random_args random;
} dc_transform_batch_args;

/* A computed value as it is stored. */
static inline float transform_quiet_f32(float x)
{
    return x == x ? x : DC_FLOAT_OF_BITS(0x7fc00000u);
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
static inline double transform_quiet_f64(double x)
{
    return x == x ? x : DC_DOUBLE_OF_BITS(0x7ff8000000000000u);
}
#endif
#endif

#endif

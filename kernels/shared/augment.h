/* Physics augmentation: what the two compilers must agree on.
 *
 * Axes: batch, variable, climate time, geological time, level, latitude, longitude.  Result
 * (b, v, t, g, l, la, lo), every operation rounding once:
 *     place   t' = (t - time_shift) mod T,  la' = flip ? last - la : la,
 *             lo' = (lo - lon_shift) mod n
 *     x(g)    the value at (b, v, t', g, l, la', lo')
 *     noise   i = offset + row-major number of that value;  x = x + z(i),  z(i) number i of the
 * normal numbers of random.h with mean 0 and the std of the variable's class; not where that is 0
 *     clamp   humidity:  x = x < 0 ? 0 : x,  x = x > 1 ? 1 : x
 *     smooth  m = mean of x(0), x(1), ... as in smooth.h (one leaf),  x = x keep + blend m
 *     scale   y = x scale;  a NaN becomes the one quiet NaN
 * and where nothing is applied the bits of the value itself.
 */
#ifndef DC_SHARED_AUGMENT_H
#define DC_SHARED_AUGMENT_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/random.h"

enum {
    DC_AUGMENT_AXES = 7,
    DC_AUGMENT_COLUMNS = 16,  /* as in smooth.h */
    DC_AUGMENT_PERIODS = 256, /* of a smoothed geological axis: one leaf */
    DC_AUGMENT_CLASSES = 3,   /* temperature, pressure, humidity */
    DC_AUGMENT_HUMIDITY = 2
};

typedef struct dc_augment_args {
    dc_i64 shape[DC_AUGMENT_AXES];
    dc_i64 src_stride[DC_AUGMENT_AXES];
    dc_i64 dst_stride[DC_AUGMENT_AXES];
    dc_i64 lon_shift, time_shift;      /* 0 ... elements - 1 */
    dc_u64 member[DC_AUGMENT_CLASSES]; /* bit v: variable v is of this class */
    dc_random_args random;             /* of the noise; its std is that of the class */
    dc_f64 std64[DC_AUGMENT_CLASSES], keep64, blend64, scale64; /* float32 never reads these */
    float std32[DC_AUGMENT_CLASSES], keep32, blend32, scale32;
    dc_i32 apply, flip, smooth;
} dc_augment_args;

/* The class of a variable; -1: none. */
static inline int augment_class(const dc_augment_args *a, dc_i64 v)
{
    for (int c = 0; c < DC_AUGMENT_CLASSES; c++)
        if (v < 63 && (a->member[c] >> v & 1))
            return c;
    return -1;
}

/* Where what lies at i comes from after a shift. */
static inline dc_i64 augment_rolled(dc_i64 i, dc_i64 shift, dc_i64 n)
{
    return i < shift ? i - shift + n : i - shift;
}

#endif

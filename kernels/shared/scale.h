/* Scaling: what the two compilers must agree on.
 *
 * Views.  Operands are x (the values), a, b, c (numbers stretched over them) and y (what is put
 * out).  Element i of `count` lies in each at the sum over d of (digit d of i) *
 * stride[operand][d], the digits of i taken row-major over `shape`.  The plan has put the axes in
 * the order of y's strides, left out axes of one element and merged what lies end to end in all. An
 * operand that the caller left out has its bit of `absent` set: it is value32[k] or value64[k]
 * everywhere.
 *
 *   FORWARD, BACKWARD, LINEAR: count, shape and stride speak of the series; row r of a series lies
 * r
 *   * row_stride[operand] further, from first[operand] on (BACKWARD is FORWARD on turned rows). The
 *   rows are cut into blocks of `block` rows; a cut changes no bit.
 *   COUNT: shape[0] ... shape[ndim - 1] speaks of the counts put out, the next `reduced` axes of
 * the values that each of them is the sum over.
 *
 * Order of operations (contract, DC_EXACT).  Every operation rounds once, F is fma; numbers are
 * rounded to the dtype first.  A result that is NaN is the one quiet NaN.
 *   APPLY       y = (x - a) / b, then  y < low ? low : y,  then  high < y ? high : y
 *   INVERSE     y = x b + a (product, then sum), then the same
 *   CLIP        x < a ? a : b < x ? b : x;  masking: NaN for the first two
 *   FILL        NaN -> a;  |x| above all finite: x, or a, or x > 0 ? c : b
 *   FORWARD     the nearest valid value before, at most `limit` rows away
 *   LINEAR      valid x0 at row r0, x1 at r1, none between, r0 < r < r1:
 *               slope = (x1 - x0) / (r1 - r0);  y = slope (r - r0) + x0  (product, then sum)
 *               with r - r0 and r1 - r0 rounded to the dtype;  before the first and after the last
 *               valid value: that value, or NaN
 *   POWER       kernels/shared/scale_power.h
 *   QUANTIZE    z = a held to least ... most (0 if NaN), rounded;  v = x / b, held to
 *               least - z ... most - z (0 if NaN), rounded half to even;  q = v + z
 *               float16: x / b rounded to nearest even
 *   DEQUANTIZE  y = (q - a) b;  float16: y = q b
 *   COUNT       exact
 */
#ifndef DC_SHARED_SCALE_H
#define DC_SHARED_SCALE_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

/* Eight, and one of one element where counts are put out. */
enum { DC_SCALE_MAX_AXES = 9 };

/* Operands, in the order of the step's. */
enum { DC_SCALE_X = 0, DC_SCALE_A, DC_SCALE_B, DC_SCALE_C, DC_SCALE_Y, DC_SCALE_OPERANDS };

typedef struct dc_scale_args {
    dc_i64 count;
    dc_i64 shape[DC_SCALE_MAX_AXES];
    dc_i64 stride[DC_SCALE_OPERANDS][DC_SCALE_MAX_AXES];
    dc_i64 values;                        /* COUNT: that each count is made of, 0: none */
    dc_i64 rows, block, blocks;           /* filling along an axis                             */
    dc_i64 limit;                         /* rows, >= 0                                        */
    dc_i64 first[DC_SCALE_OPERANDS];      /* element of row 0, from element 0 of the array     */
    dc_i64 row_stride[DC_SCALE_OPERANDS]; /* may be negative                                   */
    dc_f64 value64[3], low64, high64;     /* float32 never reads these                         */
    float value32[3], low32, high32;
    dc_i32 absent;        /* bits 1 << DC_SCALE_A ...                          */
    dc_i32 ndim, reduced; /* ndim >= 1                                         */
    dc_i32 kind, outside, inf, ends, function, inverse, count_what;
    dc_i32 format;      /* QUANTIZE, DEQUANTIZE, COUNT: dtype of the codes   */
    dc_i32 least, most; /* ... and their range                               */
} dc_scale_args;

#endif

/* Scaling, filling, bounding, power transforms and quantisation of tables and cubes, value by
 * value with parameters per column, channel or array. */
#ifndef DUALCUBE_SCALE_H
#define DUALCUBE_SCALE_H

#include <math.h>

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_scale().  Begin with DC_SCALE_PARAMS_INIT.
 *
 * a, b and c are arrays of the dtype in which the operation computes (float32, float64).  They are
 * stretched over the values as NumPy does: axes are matched from the last, and an axis of one
 * element serves all.  So for a table (rows, columns) an `a` of shape (columns) is one number per
 * column, (1) one for all, (rows, 1) one per row.  An array left empty (ndim 0, the default) stands
 * for the number a_value, b_value or c_value, rounded to the dtype.
 *
 *     kind        a          b         c      src            dst
 *     APPLY       centre     scale            real           as src
 *     INVERSE     centre     scale            real           as src
 *     CLIP        low        high             real           as src
 *     FILL        value      low       high   real           as src
 *     FORWARD, BACKWARD, LINEAR               real           as src
 *     POWER       lambda                      real           as src
 *     QUANTIZE    zero       scale            real           int8 uint8 int16 uint16 float16
 *     DEQUANTIZE  zero       scale            as QUANTIZE's  real
 *     COUNT       low, zero  high, scale      real           int64, see below
 */
typedef struct dc_scale_params {
    uint32_t struct_size;
    int32_t kind;       /* DC_SCALE_*; no default                                              */
    dc_array src;       /* input, 1 ... 8 axes                                                 */
    dc_array dst;       /* output, shape of src (COUNT: see below)                             */
    dc_array a, b, c;   /* see above; default: none                                            */
    double a_value;     /* default 0                                                           */
    double b_value;     /* default 1                                                           */
    double c_value;     /* default 1                                                           */
    double low, high;   /* APPLY, INVERSE: results are held between these, low <= high; default
                           -INFINITY, INFINITY                                                 */
    int64_t limit;      /* FORWARD, BACKWARD, LINEAR: rows from a valid value that are filled,
                           >= 0; default DC_DEFAULT: all                                       */
    int32_t axis;       /* FORWARD, BACKWARD, LINEAR: axis of the rows; default 0              */
    int32_t ends;       /* LINEAR: 1 (default): what lies before the first and after the last
                           valid value becomes that value; 0: stays missing                    */
    int32_t outside;    /* CLIP: DC_SCALE_OUTSIDE_*; default _CLIP                             */
    int32_t inf;        /* FILL, FORWARD, BACKWARD, LINEAR: DC_SCALE_INF_*, default _VALUE     */
    int32_t function;   /* POWER: DC_SCALE_LOG1P ...; default DC_SCALE_YEO_JOHNSON             */
    int32_t inverse;    /* POWER: 1: the inverse function; default 0                           */
    int32_t count_what; /* COUNT: DC_SCALE_COUNT_*; default _OUTSIDE                           */
    int32_t format;     /* COUNT of SATURATED: dtype of QUANTIZE's dst; default DC_I8          */
} dc_scale_params;

#define DC_SCALE_NO_ARRAY_                                                                         \
    {                                                                                              \
        NULL, NULL, 0, {0}, {0}, 0, 0                                                              \
    }
#define DC_SCALE_PARAMS_INIT                                                                       \
    {                                                                                              \
        sizeof(dc_scale_params), -1, DC_SCALE_NO_ARRAY_, DC_SCALE_NO_ARRAY_, DC_SCALE_NO_ARRAY_,   \
            DC_SCALE_NO_ARRAY_, DC_SCALE_NO_ARRAY_, 0.0, 1.0, 1.0, -HUGE_VAL, HUGE_VAL,            \
            DC_DEFAULT, 0, 1, DC_SCALE_OUTSIDE_CLIP, DC_SCALE_INF_VALUE, DC_SCALE_YEO_JOHNSON, 0,  \
            DC_SCALE_COUNT_OUTSIDE, DC_I8                                                          \
    }

/**
 * One of the kinds, value by value; NaN is missing and stays NaN unless it is filled.
 *
 * APPLY       y = (x - a) / b, then held between `low` and `high`.
 * INVERSE     y = x b + a, the product rounded, then the sum; held between `low` and `high`.
 * CLIP        x below a becomes a, above b becomes b; with DC_SCALE_OUTSIDE_MASK both become NaN.
 *             A bound that is NaN is none.
 * FILL        NaN becomes a.  An infinity is a value (DC_SCALE_INF_VALUE), or becomes a
 *             (_MISSING), or becomes c (+Inf) and b (-Inf) (_CLIP).
 * FORWARD     a missing value becomes the last valid one before it along `axis`, when that is at
 *             most `limit` rows away.  BACKWARD: the next valid one after it.  Infinities are
 *             values, or missing with DC_SCALE_INF_MISSING; what stays missing is NaN.
 * LINEAR      a missing value between valid ones x0 (k rows before) and x1 (m rows after x0)
 *             becomes ((x1 - x0) / m) k + x0; it is filled when x0 or x1 is at most `limit` rows
 *             away.  Beyond the first and the last valid value: see `ends`.
 * POWER       log(1 + x); square root; Box-Cox (x^lambda - 1) / lambda, log x for lambda 0;
 *             Yeo-Johnson; or the inverse.  NaN outside of the function's domain.  Within 2 ulp.
 * QUANTIZE    q = round(x / b) + a, half to even, held to the integers of dst; a is rounded and
 *             held to them, too; NaN becomes a.  float16: x / b rounded to nearest even.
 * DEQUANTIZE  (q - a) b, the difference exact; float16: q b.
 * COUNT       how many values are below a or above b (_OUTSIDE), are NaN (_MISSING), or would be
 *             held to the range of `format` by QUANTIZE (_SATURATED; finite values that become
 *             infinite in float16).  dst is int64 with as many axes as src, each of src's length or
 *             of 1; counts are summed over the axes of 1.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty input: empty
 * output; counts of nothing are 0.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_scale(dc_queue *queue, const dc_scale_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

/* Cubes rearranged: axes permuted, samples stacked, rolled, lagged, gathered; differences, scaling,
 * and batches with noise. */
#ifndef DUALCUBE_TRANSFORM_H
#define DUALCUBE_TRANSFORM_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_transform().  Begin with DC_TRANSFORM_PARAMS_INIT.
 *
 * What belongs to other kinds is ignored.  An optional array is absent while its ndim is 0. */
typedef struct dc_transform_params {
    uint32_t struct_size;
    int32_t kind;       /* DC_TRANSFORM_*; no default                                           */
    dc_array src;       /* input of every kind but STACK, CONCATENATE and BATCH, 1 ... 8 axes   */
    dc_array index;     /* GATHER: input, int64, 1 axis: places along `axis` of src             */
    dc_array scale;     /* AFFINE: optional inputs of 1 axis and src's dtype, with one element  */
    dc_array offset;    /*         for all or one for each place along `axis`                   */
    dc_array low, high; /*                                                                      */
    dc_arrays samples;  /* STACK, BATCH: at least one input of 1 ... 7 axes, of equal shapes;
                           CONCATENATE: equal but for `axis`, 1 ... 8 axes                      */
    dc_array dst;       /* output                                                               */
    dc_array targets;   /* BATCH: optional output of dst's shape, dst with noise                */
    dc_int64s axes;     /* COPY, STACK, BATCH: axis k of dst is axis axes.at[k] of src, or of the
                           stack, whose axis 0 counts the samples; count 0, the default: COPY and
                           STACK keep the order, BATCH exchanges axes 1 and 2 of the stack      */
    dc_int64s shift;    /* ROLL: places by which each axis of src is turned, any sign           */
    int32_t axis;       /* CONCATENATE, LAG, GATHER, DIFF, AFFINE: -ndim ... ndim - 1; default 0 */
    int32_t has_fill;   /* LAG: 1: `fill` is given; default 0                                   */
    uint64_t fill;      /* LAG: bits of what falls in, the lowest bytes of it; where it is not
                           given float32, float64 and float16 take NaN, others refuse          */
    int64_t periods;    /* LAG, DIFF: dst[t] looks at src[t - periods], any sign; default 1     */
    double noise_std;   /* BATCH: standard deviation of the noise, >= 0 and finite in the dtype;
                           default 0.005                                                        */
    uint64_t seed;      /* BATCH: names the noise; default 0                                    */
    int64_t place;      /* BATCH: place of dst's first element in the noise, >= 0; default 0.
                           place + elements of dst: at most 2^63 - 1                            */
} dc_transform_params;

#define DC_TRANSFORM_NO_ARRAY                                                                      \
    {                                                                                              \
        NULL, NULL, 0, {0}, {0}, 0, 0                                                              \
    }
#define DC_TRANSFORM_PARAMS_INIT                                                                   \
    {                                                                                              \
        sizeof(dc_transform_params), -1, DC_TRANSFORM_NO_ARRAY, DC_TRANSFORM_NO_ARRAY,             \
            DC_TRANSFORM_NO_ARRAY, DC_TRANSFORM_NO_ARRAY, DC_TRANSFORM_NO_ARRAY,                   \
            DC_TRANSFORM_NO_ARRAY, {NULL, 0}, DC_TRANSFORM_NO_ARRAY, DC_TRANSFORM_NO_ARRAY,        \
            {NULL, 0}, {NULL, 0}, 0, 0, 0, 1, 0.005, 0, 0                                          \
    }

/**
 * Rearrange, shift, difference, scale or batch cubes of 1 to 8 axes.
 *
 * COPY, STACK, CONCATENATE, ROLL, LAG and GATHER move the bits of elements of any dtype.  Strides
 * do the rest: an input with negative strides is flipped, one with zero strides broadcast, one
 * whose strides overlap is read as sliding windows.
 *
 *     COPY         dst has src's shape, permuted by `axes`
 *     STACK        the samples along a new axis, permuted by `axes`
 *     CONCATENATE  the samples one after the other along `axis`
 *     ROLL         dst[i] = src[(i - shift) mod n] along every axis
 *     LAG          dst[t] = src[t - periods] along `axis`, `fill` where there is no such place
 *     GATHER       dst[j] = src[index[j]] along `axis`
 *
 * The others compute in float32 or float64, every operation rounded once:
 *
 *     DIFF         dst[t] = src[t] - src[t - periods] along `axis`, NaN where there is no such
 * place AFFINE       x = src * scale, x = x + offset, x = x < low ? low : x, x = x > high ? high :
 * x; what is absent is left out.  NaN stays NaN and as a limit is none.  src with stride 0 along
 * `axis` is expanded along it by the factors `scale`. BATCH        dst is STACK, bit by bit;
 * targets[i] = dst[i] + e[i], e what dc_random() makes as DC_RANDOM_NORMAL of dst's shape and dtype
 * with mean 0, std noise_std, this seed and offset `place`.  With noise_std 0 targets has the bits
 * of dst.
 *
 * Computed NaNs are the one quiet NaN.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (outputs
 * untouched).
 * @class   EXACT; DIFF, AFFINE, BATCH in float32 on a device that flushes denormals: EXACT_IF.
 * Empty dst: nothing happens.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_transform(dc_queue *queue, const dc_transform_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

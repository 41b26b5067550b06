/* Smoothing along an axis; standardising over axes. */
#ifndef DUALCUBE_SMOOTH_H
#define DUALCUBE_SMOOTH_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_smooth().  Begin with DC_SMOOTH_PARAMS_INIT.
 *
 * What belongs to other kinds is ignored.  Infinities are values. */
typedef struct dc_smooth_params {
    uint32_t struct_size;
    int32_t kind;     /* DC_SMOOTH_*; no default                                                  */
    dc_array src;     /* input, 1 ... 8 axes, float32 or float64                                  */
    dc_array dst;     /* output, dtype and shape of src                                           */
    int32_t axis;     /* -ndim ... ndim - 1; default -1                                           */
    int32_t axes;     /* STANDARDIZE, MINMAX: bit d stands for axis d of src; default 0: `axis`   */
    double blend;     /* MEAN: share of the mean, 0 ... 1; default 0.1                            */
    int64_t window;   /* MOVING: taps, 1 ... 2^20; default 5                                      */
    double sigma;     /* GAUSSIAN: standard deviation in elements, > 0; default 1                 */
    double truncate;  /* GAUSSIAN: taps to floor(truncate sigma + 1/2) from the centre, at most
                         2^19; default 4                                                          */
    int32_t edges;    /* MOVING, GAUSSIAN: DC_EDGES_*; default DC_EDGES_REFLECT                   */
    int32_t omit_nan; /* MEAN, STANDARDIZE, MINMAX: 0 (default): a NaN makes its whole group NaN;
                         1: it is left out, and stays NaN alone                                   */
    double value;     /* DC_EDGES_CONSTANT: what lies beyond the ends; default 0                  */
    int32_t ddof;     /* STANDARDIZE: the divisor of the variance is n - ddof, >= 0; default 0    */
    int32_t reserved; /* 0 */
} dc_smooth_params;

#define DC_SMOOTH_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(dc_smooth_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                             \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, -1, 0, 0.1, 5, 1.0, 4.0, 0, 0, 0.0, 0, 0              \
    }

/**
 * Smooth or standardise src into dst, which has its shape.
 *
 * DC_SMOOTH_MEAN         x (1 - blend) + blend m, m the mean of the line along the axis.
 * DC_SMOOTH_MOVING       mean of `window` neighbours; an even window has one more before the centre
 *                        than behind it, as scipy.ndimage.uniform_filter1d has it.
 * DC_SMOOTH_GAUSSIAN     weights exp(-k^2 / (2 sigma^2)), their sum being 1, as
 *                        scipy.ndimage.gaussian_filter1d has it.
 * DC_SMOOTH_STANDARDIZE  (x - mean) / std over `axes`; 0 where std is 0 (a constant group gives 0
 *                        exactly); NaN where there are no more than ddof values.  mean and std by
 *                        two passes over sums by a fixed tree, both from the first value on, so
 * that a common offset takes nothing from them. DC_SMOOTH_MINMAX       (x - min) / (max - min) over
 * `axes`; 0 where they are equal.
 *
 * A NaN makes every result NaN whose window (MOVING, GAUSSIAN) or group it belongs to.  A moving
 * mean keeps no running sum: what has left the window leaves no trace.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty src: nothing
 * happens.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_smooth(dc_queue *queue, const dc_smooth_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

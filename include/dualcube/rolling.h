/* Rolling (moving, expanding) statistics along one axis. */
#ifndef DUALCUBE_ROLLING_H
#define DUALCUBE_ROLLING_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_rolling().  Begin with DC_ROLLING_PARAMS_INIT. */
typedef struct dc_rolling_params {
    uint32_t struct_size;
    int32_t kind;      /* DC_ROLLING_*; no default                                           */
    dc_array src;      /* input, 1 ... 8 axes, float32 or float64                             */
    dc_array dst;      /* output, dtype of src, shape of src but for `axis`                   */
    int32_t axis;      /* rolled axis, -ndim ... ndim - 1; default 0                          */
    int32_t center;    /* 1: row t is in the middle, (window - 1) / 2 rows after it; default 0 */
    int32_t expanding; /* 1: the window of row t is rows 0 ... t; `window` is ignored         */
    int32_t inf;       /* DC_INF_MISSING (default) or DC_INF_VALUE                            */
    int32_t interpolation; /* quantile: DC_QUANTILE_*, default linear                             */
    int32_t reserved;
    int64_t window;      /* rows, >= 1, may exceed the series; no default                       */
    int64_t min_periods; /* valid rows needed; default: window (expanding: 1).  0 ... window;
                            0 is taken as 1 except by count and sum                             */
    int64_t step;        /* every step-th row is put out, >= 1; default 1                       */
    int64_t ddof;        /* var, std: divisor n - ddof; default 1                               */
    int64_t row_first;   /* first row put out; default 0.  Rows before it are a halo            */
    int64_t row_last;    /* one past the last row put out; default: rows of src                 */
    double q;            /* quantile, 0 ... 1; default 0.5                                      */
} dc_rolling_params;

#define DC_ROLLING_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(dc_rolling_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                            \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, 0, 0, 0, DC_INF_MISSING, DC_QUANTILE_LINEAR, 0, 0,    \
            DC_DEFAULT, 1, 1, 0, DC_DEFAULT, 0.5                                                   \
    }

/**
 * Rolling statistic of `src` along `axis` into `dst`.
 *
 * Row t's window is the `window` rows ending at t (trailing) or the rows
 * t - window + 1 + (window - 1) / 2 ... t + (window - 1) / 2 (centred); rows outside the series
 * count as missing.  NaN is missing, and so is +-Inf unless `inf` says otherwise (pandas' rule).
 * Fewer than `min_periods` valid rows give NaN; var and std give NaN for n <= ddof; the sum of no
 * values is 0 when min_periods is 0; count is the number of valid rows. Output rows are row_first,
 * row_first + step, ... below row_last, so dst.shape[axis] must be max(0, ceil((row_last -
 * row_first) / step)).  Chunks: pass the rows with a halo of window - 1 rows before them and set
 * row_first to the halo's length; the bits are those of the one-shot run.
 *
 * Sums and moments follow the dyadic tree of kernels/shared/rolling.h: a value depends on nothing
 * but the contents of its window.  var is sum((x - mean)^2) / (n - ddof) by pairwise merges (Chan,
 * Golub, LeVeque 1979) anchored at data points; median of an even count is the mean of the two
 * middle values; quantiles follow pandas' five interpolations at h = q (n - 1).
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty input: empty
 * output.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_rolling(dc_queue *queue, const dc_rolling_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

/* Pca: elementwise arithmetic. */
#ifndef DUALCUBE_PCA_H
#define DUALCUBE_PCA_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_pca().  Begin with DC_PCA_PARAMS_INIT. */
typedef struct dc_pca_params {
    uint32_t struct_size;
    int32_t kind; /* DC_PCA_*; no default */
    dc_array src; /* input, 1 ... 8 axes, float32 or float64 */
    dc_array dst; /* output, dtype and shape of src */
    double a;     /* factor, finite; default 1 */
    double b;     /* offset, finite; default 0 */
} dc_pca_params;

#define DC_PCA_PARAMS_INIT                                                                         \
    {                                                                                              \
        sizeof(dc_pca_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                                \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, 1.0, 0.0                                              \
    }

/**
 * dst = a * src + b, elementwise.
 *
 * `a` and `b` are rounded to the dtype first; the product is rounded, then the sum.  A computed NaN
 * is the one quiet NaN.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty input: empty
 * output.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_pca(dc_queue *queue, const dc_pca_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

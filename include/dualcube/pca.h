/* Principal components: scores of rows against a fitted model, and back. */
#ifndef DUALCUBE_PCA_H
#define DUALCUBE_PCA_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_pca().  Begin with DC_PCA_PARAMS_INIT.  n rows, d columns, k components; every
 * array has the dtype of src; an array left out has no axes (ndim 0). */
typedef struct dc_pca_params {
    uint32_t struct_size;
    int32_t kind; /* DC_PCA_*; no default */

    dc_array src;               /* MONITOR: (n, d) rows; INVERSE: (n, k) scores                  */
    dc_array mean;              /* (d,); left out: 0                                            */
    dc_array scale;             /* (d,); MONITOR: 1 / unit of a column, INVERSE: the unit;
                                   left out: 1                                                  */
    dc_array components;        /* (k, d), k and d at least 1                                    */
    dc_array weights;           /* MONITOR: (k,) 1 / variance of a score; left out: 1            */
    dc_array component_scale;   /* (k,) factors of the scores; left out: 1                       */
    dc_array dst;               /* MONITOR: (n, k) scores, may be left out; INVERSE: (n, d) rows */
    dc_array t2;                /* MONITOR, may be left out: (n,)                                */
    dc_array spe;               /* MONITOR, may be left out: (n,)                                */
    dc_array t2_contributions;  /* MONITOR, may be left out: (n, d)                              */
    dc_array spe_contributions; /* MONITOR, may be left out: (n, d)                             */
    int32_t missing;            /* DC_PCA_MISSING_*; default NAN                                */
    int32_t signed_residuals;   /* 1: spe_contributions are the residuals, not their squares    */
} dc_pca_params;

#define DC_PCA_NO_ARRAY_                                                                           \
    {                                                                                              \
        NULL, NULL, 0, {0}, {0}, 0, 0                                                              \
    }
#define DC_PCA_PARAMS_INIT                                                                         \
    {                                                                                              \
        sizeof(dc_pca_params), -1, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_,           \
            DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_,                \
            DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, DC_PCA_NO_ARRAY_, 0, 0           \
    }

/**
 * Score rows against a model, in one pass.
 *
 * DC_PCA_MONITOR, for each row x, with W = components:
 *
 *     z = (x - mean) * scale          t = W z         e = z - W' t
 *     dst = t * component_scale       t2 = sum over a of t[a]^2 weights[a]      spe = sum of e[j]^2
 *     t2_contributions[j] = z[j] * sum over a of t[a] weights[a] W[a, j]
 *     spe_contributions[j] = e[j]^2, or e[j] with signed_residuals
 *
 * t2 is Hotelling's statistic, spe the squared prediction error Q, from the residual itself.  The
 * contributions of a row sum to its statistic (Westerhuis 2000, Miller 1998), but for rounding.
 * With scale left out, W the inverse of the Cholesky factor of a covariance and weights left out,
 * t2 is the squared Mahalanobis distance.  A NaN makes all outputs of its row NaN;
 * DC_PCA_MISSING_MEAN puts the column's mean in its place (z = 0).  Infinities are values.
 *
 * DC_PCA_INVERSE: dst = (W' (src * component_scale)) * scale + mean.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (outputs
 * untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF), order of operations in
 * kernels/shared/pca.h.  No rows: empty outputs.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_pca(dc_queue *queue, const dc_pca_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

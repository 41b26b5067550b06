/* Principal components: scores of rows against a fitted model, and back. */
#ifndef DUALCUBE_PCA_H
#define DUALCUBE_PCA_H

#include "dualcube/array.h"
#include "dualcube/model.h"
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

/** Parameters of dc_pca_fit().  Begin with DC_PCA_FIT_PARAMS_INIT. */
typedef struct dc_pca_fit_params {
    uint32_t struct_size;
    int32_t standardize; /* 1: columns are divided by their standard deviations (divisor n; 1 where
                            that is 0); default 0                                               */
    dc_array src;        /* (n, d) rows, float32 or float64, n >= 2, no NaN, no infinities      */
    int64_t components;  /* 1 ... min(n, d); default (DC_DEFAULT) min(n, d)                     */
    double fraction;     /* above 0 and below 1: as many components as explain so much of the
                            variance; default 0: `components` says                              */
    double confidence;   /* of the limits kept in the model, 0 < confidence < 1; default 0.95   */
} dc_pca_fit_params;

#define DC_PCA_FIT_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(dc_pca_fit_params), 0, DC_PCA_NO_ARRAY_, DC_DEFAULT, 0.0, 0.95                      \
    }

/**
 * Principal components of rows, from the eigenvectors of their covariance (divisor n - 1).
 *
 * Products of blocks of 512 rows about the first row are made by BLAS in the dtype of src and added
 * in float64; eigenvalues are LAPACK's, in float64.  The entry of largest magnitude of a component
 * is positive, the first of equals.  The model, of kind "pca", has these entries, arrays in the
 * dtype of src: "components" (k, d), "explained_variance", "explained_variance_ratio",
 * "singular_values" (k,), "mean" (d,), with standardize "scale" (d,), and the numbers
 * "n_components", "n_samples", "n_features_in", "noise_variance", "total_variance", "theta1",
 * "theta2", "theta3" (sums of powers of the variances left out), "confidence" and "limit_..."
 * (dc_pca_limits()).
 *
 * @param out  receives the model, to be freed with dc_model_free().
 * @return  DC_OK; DC_E_ARGUMENT with one sentence, *out is NULL then; DC_E_UNSUPPORTED or DC_E_IO
 * where the library has no BLAS module.
 * @class   NORMWISE: components and variances within n d u of the largest variance, u = 2^-24 or
 * 2^-53, and within what separates the variances.  Chunks give the bits of the whole for the same
 * number of threads on the same machine.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_pca_fit(dc_queue *queue, const dc_pca_fit_params *params, dc_model **out);

/** Rows that come in chunks, one after another. */
typedef struct dc_pca_state dc_pca_state;

/** An empty state; of params->src dtype and shape[1] are looked at.
 * @threads any; a state is used by one thread at a time.  @since 0.1 */
DC_API dc_status dc_pca_state_new(const dc_pca_fit_params *params, dc_pca_state **state);
/** NULL is fine.  @threads any  @since 0.1 */
DC_API void dc_pca_state_free(dc_pca_state *state);
/** Take in the next rows, (rows, d) of the state's dtype.  After an error the state is of no more
 * use but to be freed.  @threads one per state and queue.  @since 0.1 */
DC_API dc_status dc_pca_state_update(dc_pca_state *state, dc_queue *queue, const dc_array *chunk);
/** The model of the rows so far: what dc_pca_fit() makes of them all.  The state goes on.
 * @threads one per state and queue.  @since 0.1 */
DC_API dc_status dc_pca_state_result(const dc_pca_state *state, dc_queue *queue, dc_model **out);
/** Rows taken in.  @threads one per state.  @since 0.1 */
DC_API int64_t dc_pca_state_rows(const dc_pca_state *state);

/** Control limits at a confidence; rows above them are out of control. */
typedef struct dc_pca_limits {
    uint32_t struct_size;
    int32_t jackson;    /* 1: spe is spe_jackson, 0: it had to be spe_box                        */
    double t2;          /* t2_f                                                                */
    double t2_f;        /* new rows: k (n-1)(n+1) / (n (n-k)) F(k, n-k); NaN for n <= k         */
    double t2_beta;     /* rows of the fit: (n-1)^2 / n Beta(k/2, (n-k-1)/2); NaN for n <= k+1  */
    double t2_chi2;     /* many rows: chi2(k)                                                  */
    double spe;         /* Jackson and Mudholkar's, or Box's where h0 is not above 0           */
    double spe_jackson; /* theta1 (z root(2 theta2 h0^2) / theta1 + 1 + theta2 h0 (h0 - 1) /
                           theta1^2)^(1/h0), h0 = 1 - 2 theta1 theta3 / (3 theta2^2); else NaN  */
    double spe_box;     /* theta2 / theta1 chi2(theta1^2 / theta2); 0 where nothing is left out, NaN
                           where squares of variances overflow or vanish                       */
} dc_pca_limits;
#define DC_PCA_LIMITS_INIT                                                                         \
    {                                                                                              \
        sizeof(dc_pca_limits), 0, 0, 0, 0, 0, 0, 0, 0                                              \
    }

/** Limits of a model of kind "pca" at any confidence (Jackson and Mudholkar 1979, Box 1954, Tracy,
 * Young and Mason 1992).  @return DC_E_ARGUMENT with one sentence.  @class NORMWISE, 1e-9.
 * @threads any  @since 0.1 */
DC_API dc_status dc_pca_limits_at(const dc_model *model, double confidence, dc_pca_limits *limits);

/**
 * Fill the model's operands of a call of dc_pca(): kind, mean, scale, components, weights; for
 * `whiten` also component_scale (1 / root of the variance, or for INVERSE the root).  The caller
 * sets src and the outputs.  Variances below u times the largest, u = 2^-23 or 2^-52, count as that
 * much.
 * @param memory  room for the operands, which point into it; NULL to ask for `size`.
 * @return DC_E_ARGUMENT when the model is not of kind "pca", its entries do not agree, or `room` is
 * too small.  @class EXACT: the same numbers on every machine.  @threads any  @since 0.1
 */
DC_API dc_status dc_pca_from_model(const dc_model *model, int32_t kind, int32_t dtype,
                                   int32_t whiten, void *memory, size_t room, size_t *size,
                                   dc_pca_params *params);

/** Do the entries of a model of kind "pca" agree?  Shapes, finite numbers, components of length 1
 * and at right angles within 1e-6 (float32: 1e-4), variances from the largest down and not below 0.
 * @return DC_E_ARGUMENT with the first that does not.  @threads any  @since 0.1 */
DC_API dc_status dc_pca_check_model(const dc_model *model);

#ifdef __cplusplus
}
#endif
#endif

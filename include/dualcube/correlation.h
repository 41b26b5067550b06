/* Covariance and correlation matrices of the columns of a table, and a state of them that chunks
 * and workers merge. */
#ifndef DUALCUBE_CORRELATION_H
#define DUALCUBE_CORRELATION_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_correlation() and dc_correlation_state_new().  Begin with
 * DC_CORRELATION_PARAMS_INIT. */
typedef struct dc_correlation_params {
    uint32_t struct_size;
    int32_t kind;        /* DC_CORRELATION_*; no default                                          */
    dc_array src;        /* input, 2 axes (rows, columns), float32 or float64                     */
    dc_array dst;        /* output, dtype of src: (columns, columns); GRAM: (3, columns, columns) */
    dc_array dst2;       /* COVARIANCE: means of the columns, dtype of src, shape (columns); GRAM:
                            numbers of rows, int64, shape (columns, columns); or without axes (the
                            default): not wanted.  The other kinds have none                      */
    int32_t inf;         /* DC_INF_MISSING (default): +-Inf is missing; DC_INF_VALUE: it is a value,
                            and all results of its column are NaN                                 */
    int32_t reserved;    /* 0                                                                     */
    int64_t ddof;        /* COVARIANCE: divisor n - ddof; default 1                               */
    int64_t min_periods; /* rows with both values that a result needs, >= 0; default 1            */
    dc_doubles anchor;   /* COVARIANCE, PEARSON, GRAM: what is subtracted from each column before
                            products are made, finite, one number for each column; default none:
                            the columns' means, for GRAM zeros                                    */
} dc_correlation_params;

#define DC_CORRELATION_PARAMS_INIT                                                                 \
    {                                                                                              \
        sizeof(dc_correlation_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                        \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, {NULL, NULL, 0, {0}, {0}, 0, 0}, DC_INF_MISSING, 0,   \
            1, 1,                                                                                  \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

/**
 * A symmetric matrix with a result for every pair of columns i, j of `src`.
 *
 * NaN is missing (+-Inf too: `inf`).  Every pair is computed from the n rows where both columns
 * have a value, as pandas' DataFrame.cov() and .corr() do; n < min_periods gives NaN.  About
 * anchors a, with x the value of i and y that of j in those rows:
 *
 *     P = sum (x - a_i)(y - a_j)      S_ij = sum (x - a_i)      Q_ij = sum (x - a_i)^2
 *
 *     COVARIANCE  (P - S_ij S_ji / n) / (n - ddof); NaN for n <= ddof.  dst2: mean of each column's
 *                 own values, NaN of none
 *     PEARSON     (P - S_ij S_ji / n) / (root v_ij root v_ji),  v_ij = Q_ij - S_ij^2 / n,  kept
 *                 within -1 ... 1, and 1 on the diagonal; NaN where a v is 0
 *     SPEARMAN    PEARSON of the ranks of the common rows, equal values having their mean rank;
 *                 `anchor` is refused; at most 2^21 rows
 *     GRAM        dst: P, S, Q of every pair, about the anchors; dst2: n.  Sums of several calls
 *                 over 2^k leaves of 256 rows add up as the contract's tree does
 *
 * Without anchors given, columns are scaled by powers of two (which shows in no digit), so that
 * neither 1e300 nor 1e-300 overflows on the way; given anchors are taken as they are.
 *
 * Accuracy: with u = 2^-24 (float32) or 2^-53, the error of a covariance is some 16 u root(Q_ij
 * Q_ji) / n.  Anchors are means, so that for complete columns this is 16 u times the product of the
 * standard deviations, whatever the offset; where the common rows of a pair have means D standard
 * deviations away from their columns' it grows by 1 + D^2.  Where v_ij <= 128 u Q_ij it has no
 * digit left, and the column counts as constant: v = 0, covariance 0.
 *
 * The order of operations is that of kernels/shared/correlation.h; a pair of complete columns has
 * the same bits whatever the other columns hold.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (outputs
 * untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  No columns: nothing
 * happens; no rows: NaN (GRAM: 0).
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_correlation(dc_queue *queue, const dc_correlation_params *params,
                                dc_event **done);

/** Covariances or Pearson correlations of rows that come in chunks, in any order, on any worker. */
typedef struct dc_correlation_state dc_correlation_state;

/**
 * An empty state of COVARIANCE or PEARSON.  Of `params`, src gives the dtype and the number of
 * columns (src.shape[1]; src.shape[0] and src.data are not looked at); `anchor` must be given, near
 * the means; dst and dst2 are ignored.
 * @threads any; a state is used by one thread at a time.  @since 0.1
 */
DC_API dc_status dc_correlation_state_new(const dc_correlation_params *params,
                                          dc_correlation_state **state);

/** Free a state; NULL is fine.  @threads any  @since 0.1 */
DC_API void dc_correlation_state_free(dc_correlation_state *state);

/**
 * Take in rows first_row, first_row + 1, ... of the whole: `chunk` has the state's dtype and number
 * of columns, and lies where `queue` can read it; the call returns when it has been read.  A row
 * that the state has already is an error.  After an error the state is as before.
 * @threads one per state and queue.  @since 0.1
 */
DC_API dc_status dc_correlation_state_update(dc_correlation_state *state, dc_queue *queue,
                                             const dc_array *chunk, int64_t first_row);

/** Take in all rows of `from`, which stays as it is: same kind, dtype, columns and parameters, bit
 * by bit the same anchors, no common row.  @threads one per state.  @since 0.1 */
DC_API dc_status dc_correlation_state_merge(dc_correlation_state *state,
                                            const dc_correlation_state *from);

/**
 * The matrix of the rows taken in so far, with the bits that dc_correlation() has for them with the
 * same anchors; rows not taken in are as rows of NaN.  dst: host memory, (columns, columns); dst2:
 * means as of COVARIANCE, or NULL.
 * @threads one per state and queue.  @since 0.1
 */
DC_API dc_status dc_correlation_state_result(const dc_correlation_state *state, dc_queue *queue,
                                             const dc_array *dst, const dc_array *dst2);

/** Rows taken in.  @threads one per state.  @since 0.1 */
DC_API int64_t dc_correlation_state_rows(const dc_correlation_state *state);

#ifdef __cplusplus
}
#endif
#endif

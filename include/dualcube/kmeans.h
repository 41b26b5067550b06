/* k-means: the passes over the rows, and the fit made of them. */
#ifndef DUALCUBE_KMEANS_H
#define DUALCUBE_KMEANS_H

#include "dualcube/array.h"
#include "dualcube/kinds.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_kmeans().  Begin with DC_KMEANS_PARAMS_INIT.  n rows, d columns, k clusters, T
 * float32 or float64; all arrays but `src` of DC_KMEANS_PACK are row-major without gaps. */
typedef struct dc_kmeans_params {
    uint32_t struct_size;
    int32_t kind; /* DC_KMEANS_*; no default */
    dc_array src; /* PACK: (n, d) T, any strides; else what PACK made, (ceil(n / 64), d, 64) T */
    dc_array centers; /* (k, d) T; PACK: the shift (d) T, or none (0 axes) */
    dc_array labels;  /* ASSIGN: so far, SPREAD: labels; (n) int32, not in 0 ... k - 1: none */
    dc_array weights; /* (n) T of ASSIGN, NEAR, SPREAD; 0 axes: 1 for every row */
    dc_array closest; /* NEAR: closest squared distances so far, (n) T */
    dc_array state;   /* ASSIGN: (k + 1, 2 + limbs d) int64; SILHOUETTE: first rows (k + 1) int64 */
    dc_array dst;     /* see dc_kmeans() */
    dc_array sums;    /* ASSIGN, NEAR, SPREAD: int64, see dc_kmeans() */
    dc_int64s exponents; /* SUMS, ASSIGN: d whole numbers: quantum of column j is 2^-e[j] */
    int64_t rows;        /* n of all but PACK, <= 64 blocks, >= 0; default: all 64 of every block */
    int32_t exponent;    /* NEAR, SPREAD: quantum of the sums of distances is 2^-exponent */
    int32_t weight_exponent; /* ASSIGN: quantum of the sums of weights is 2^-weight_exponent */
    int32_t root;            /* SPREAD: distances, not their squares; default 0 */
    int32_t scale_exponent;  /* PACK: values are multiplied by 2^scale_exponent; default 0 */
} dc_kmeans_params;

#define DC_KMEANS_NO_ARRAY                                                                         \
    {                                                                                              \
        NULL, NULL, 0, {0}, {0}, 0, 0                                                              \
    }
#define DC_KMEANS_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(dc_kmeans_params), -1, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY,  \
            DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY,        \
            DC_KMEANS_NO_ARRAY, {NULL, 0}, DC_DEFAULT, 0, 0, 0, 0                                  \
    }

/**
 * One pass of k-means over packed rows.
 *
 *   PACK        dst (ceil(n / 64), d, 64) T = (src - shift) 2^scale_exponent; rows beyond n are 0
 *   SUMS        dst (limbs, d) int64: sums of the columns
 *   ASSIGN      dst (n) int32: the centre with the largest x.c - |c|^2 / 2, the first of equals;
 *               sums = state, and for every row whose label changed the row taken from its old
 *               cluster and given to the new one.  Row c of state and sums: rows, sum of weights,
 *               `limbs` sums of each column; row k: label changes so far, and zeros.
 *   PREDICT     dst (n) int32: as ASSIGN, labels alone
 *   NEAR        dst (k, n) T = min(closest, |x - c|^2) for each of k candidates; sums
 *               (k, ceil(n / 64)) int64 of each block
 *   SPREAD      dst (n) T = |x - c|^2 (root: its square root) for the centre of the row's label, 0
 *               without one; sums (k, 2) int64 of each cluster
 *   TRANSFORM   dst (n, k) T = |x - c|
 *   SILHOUETTE  dst (n) T: (b - a) / max(a, b) of Rousseeuw (1987), rows state[c] ... state[c + 1]
 *               being cluster c
 *
 * Sums are fixed point: a value v counts as rint(v 2^e) of int64, and as a second limb 2^-30 of it
 * (SUMS and ASSIGN of float64, and SPREAD) the rest; they are exact sums of what was rounded, in
 * any order.  Values that are no number, or beyond 2^62 quanta, count 0; the caller keeps the sums
 * below 2^63.  `limbs` is 1 for float32, 2 for float64.  A computed NaN is the one quiet NaN.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (nothing
 * written).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  No rows: sums of nothing.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_kmeans(dc_queue *queue, const dc_kmeans_params *params, dc_event **done);

/** Where the centres of a fit begin. */
enum { DC_KMEANS_PLUSPLUS = 0, DC_KMEANS_RANDOM = 1, DC_KMEANS_GIVEN = 2 };

/** Parameters of dc_kmeans_fit().  Begin with DC_KMEANS_FIT_PARAMS_INIT. */
typedef struct dc_kmeans_fit_params {
    uint32_t struct_size;
    int32_t clusters;   /* k, 1 ... n; no default */
    dc_array src;       /* (n, d) float32 or float64 on the host, any strides, finite */
    dc_array weights;   /* (n) of src's dtype, finite, >= 0; 0 axes: 1 for every row */
    dc_array start;     /* GIVEN: (k, d) centres of src's dtype */
    dc_array centers;   /* output (k, d) of src's dtype, row-major */
    dc_array labels;    /* output (n) int32, row-major */
    int32_t init;       /* DC_KMEANS_PLUSPLUS, _RANDOM, _GIVEN; default PLUSPLUS */
    int32_t runs;       /* starts tried, the least inertia wins, the first of equals; default 1 */
    int32_t max_iter;   /* iterations of a run, >= 1; default 300 */
    int32_t trials;     /* candidates of a step of PLUSPLUS; 0: 2 + ln k */
    double tol;         /* of the mean variance of the columns; default 1e-4 */
    uint64_t seed;      /* default 0 */
    int32_t start_only; /* 1: centres and labels as they begin, no iteration; default 0 */
    /* Results. */
    int32_t iterations, distinct; /* of the best run; clusters that have rows */
    double inertia;               /* weighted sum of squared distances to the own centre */
    int64_t *indices; /* NULL, or k: rows of src that PLUSPLUS or RANDOM chose in the best run */
    double *shift;    /* NULL, or d: what was subtracted from the columns, values of T; labels come
                         from rows packed with it and scale_exponent, and from centres treated alike */
    int32_t scale_exponent;
} dc_kmeans_fit_params;

#define DC_KMEANS_FIT_PARAMS_INIT                                                                  \
    {                                                                                              \
        sizeof(dc_kmeans_fit_params), 0, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY,                   \
            DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY, DC_KMEANS_NO_ARRAY, DC_KMEANS_PLUSPLUS, 1,     \
            300, 0, 1e-4, 0, 0, 0, 0, 0.0, NULL, NULL, 0                                           \
    }

/**
 * Lloyd's algorithm, with the stopping rules of scikit-learn: a run ends when no label changes,
 * when the sum of the squared shifts of the centres is at most tol times the mean variance of the
 * columns (then the labels are made once more), or after max_iter.  A cluster that loses its rows
 * takes the row farthest from its centre, the first of equals.  Greedy k-means++ after Arthur and
 * Vassilvitskii (2007).
 *
 * Sums are fixed point, one scale for each column: the same seed gives the same labels, centres and
 * inertia everywhere, and with GIVEN centres (and no cluster without rows) rows in another order
 * give the same centres to the bit.
 *
 * @return  DC_OK; DC_E_ARGUMENT with one sentence (a value that is not finite: its row and column);
 *          DC_E_MEMORY; DC_E_CANCELLED from the progress callback.  Outputs are written at the end.
 * @class   EXACT.  n >= k >= 1 and d >= 1 are required.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_kmeans_fit(dc_queue *queue, dc_kmeans_fit_params *params);

#ifdef __cplusplus
}
#endif
#endif

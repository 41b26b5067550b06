/* Reductions over any set of axes, and states of them that chunks and workers merge. */
#ifndef DUALCUBE_REDUCE_H
#define DUALCUBE_REDUCE_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_reduce() and dc_reduce_state_new().  Begin with DC_REDUCE_PARAMS_INIT.
 *
 * What belongs to other kinds is ignored. */
typedef struct dc_reduce_params {
    uint32_t struct_size;
    int32_t kind;  /* DC_REDUCE_*; no default                                                    */
    dc_array src;  /* input, 1 ... 8 axes, float32 or float64                                    */
    dc_array dst;  /* output: see dc_reduce()                                                    */
    dc_array dst2; /* TOP_K: indices, int64, shape of dst; or without axes (the default): not
                      wanted                                                                     */
    int32_t axes;  /* set of axes reduced: bit d is axis d of src; 0: none, every element is
                      reduced by itself; default 1, axis 0                                       */
    int32_t nan;   /* DC_NAN_OMIT (default): NaN is missing; DC_NAN_PROPAGATE: it is the result  */
    int32_t interpolation; /* QUANTILE: DC_QUANTILE_*, default linear                            */
    int32_t largest;       /* TOP_K: 1 (default) the largest values, 0 the smallest              */
    int64_t ddof;          /* VAR, STD, MOMENTS: divisor n - ddof; default 1                     */
    int64_t min_count;     /* valid values needed for a number; default 0 for SUM, else 1; not
                              looked at by COUNT, ARG*, *_FINITE, HISTOGRAM, TOP_K               */
    int64_t k;             /* TOP_K: how many, >= 1; default 1                                   */
    int64_t bins;     /* HISTOGRAM with equal bins: how many, >= 1; default 10                    */
    double low, high; /* ... from low to high, finite, low < high; no default unless edges are
                         given                                                                   */
    dc_doubles edges; /* HISTOGRAM: edges of the bins, two or more, finite, increasing; default
                         none: equal bins                                                        */
    dc_doubles q;     /* QUANTILE: one or more, each 0 ... 1; no default                         */
} dc_reduce_params;

#define DC_REDUCE_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(dc_reduce_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                             \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, {NULL, NULL, 0, {0}, {0}, 0, 0}, 1, DC_NAN_OMIT,      \
            DC_QUANTILE_LINEAR, 1, 1, DC_DEFAULT, 1, 10, 0.0, 0.0, {NULL, 0},                      \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

/**
 * Reduce `src` over the axes of `axes`.
 *
 * The values reduced for one result are numbered row-major over the reduced axes, in increasing
 * order of the axes: these are its rows.  `dst` has the remaining axes in order (none: one axis of
 * one element); kinds marked * put an axis of L results before them.  NaN is missing, or with
 * DC_NAN_PROPAGATE makes the result NaN; +-Inf are values.
 *
 *     COUNT        int64   number of values that are not NaN, whatever `nan` says
 *     SUM          dtype   0 of no values; +0 also of negative zeros
 *     MEAN         dtype   SUM / n
 *     VAR, STD     dtype   sum((x - mean)^2) / (n - ddof) and its root; NaN for n <= ddof
 *     MIN, MAX     dtype   -0 is returned as +0
 *     ARGMIN, ARGMAX  int64  row of the first smallest, largest; with DC_NAN_PROPAGATE of the
 *                          first NaN if there is one; -1 of no values
 *     ANY_FINITE, ALL_FINITE  uint8  1 or 0: is any, is every value finite?  0 and 1 of no rows
 *     MEDIAN       dtype   QUANTILE 0.5 with DC_QUANTILE_MIDPOINT
 *     QUANTILE *   dtype   L = q.count; position h = q (n - 1) among the n sorted values
 *     HISTOGRAM *  int64   L = bins, or edges.count - 1: values in [edge, next edge), the last bin
 *                          with both its edges; NaN and what lies outside is in none.  Equal bins
 *                          have the edges low + i ((high - low) / bins), rounded to the dtype;
 *                          given edges are compared with every value exactly
 *     TOP_K *      dtype   L = k: values in order, the best first, -0 as +0, equal ones by row;
 *                          dst2: their rows.  Where there are fewer than k: NaN and -1.  With
 *                          DC_NAN_PROPAGATE any NaN makes all NaN and -1
 *     MOMENTS *    dtype   L = 3: the number of values (rounded to the dtype), their mean by the
 *                          merges of VAR (nearer the true one than MEAN), VAR
 *     EXTENT *     dtype   L = 2: MIN, MAX
 *
 * Fewer than `min_count` values give NaN.  Sums and moments follow the leaves of 256 rows and the
 * binary tree of kernels/shared/reduce.h, moments by two passes over a leaf and merges anchored at
 * leaf means: never E[x^2] - E[x]^2.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (outputs
 * untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty dst: nothing
 * happens; no rows: the results of no values.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_reduce(dc_queue *queue, const dc_reduce_params *params, dc_event **done);

/** A reduction along axis 0 whose rows come in chunks, in any order, on any worker. */
typedef struct dc_reduce_state dc_reduce_state;

/**
 * An empty state of a kind: COUNT, SUM, MEAN, VAR, STD, MIN, MAX, ARGMIN, ARGMAX, ANY_FINITE,
 * ALL_FINITE, HISTOGRAM (edges or equal bins), TOP_K, MOMENTS or EXTENT.  Of `params`, src gives
 * the dtype and the shape of a row (src.shape[1 ...]; src.shape[0], src.data and axes are not
 * looked at); dst and dst2 are ignored.
 * @threads any; a state is used by one thread at a time.  @since 0.1
 */
DC_API dc_status dc_reduce_state_new(const dc_reduce_params *params, dc_reduce_state **state);

/** Free a state; NULL is fine.  @threads any  @since 0.1 */
DC_API void dc_reduce_state_free(dc_reduce_state *state);

/**
 * Take in rows first_row, first_row + 1, ... of the whole: `chunk` has the state's dtype and row
 * shape, and lies in host memory.  A row that the state has already is an error, and the state is
 * as before.  Host arithmetic of the calling thread, with the bits of dc_reduce().
 * @threads one per state.  @since 0.1
 */
DC_API dc_status dc_reduce_state_update(dc_reduce_state *state, const dc_array *chunk,
                                        int64_t first_row);

/** Take in all rows of `from`, which stays as it is: same kind, dtype, row shape and parameters,
 * no common row.  @threads one per state.  @since 0.1 */
DC_API dc_status dc_reduce_state_merge(dc_reduce_state *state, const dc_reduce_state *from);

/**
 * The result of the rows taken in so far, with the bits that dc_reduce() has for them along axis 0;
 * rows not taken in are as rows of NaN with DC_NAN_OMIT (ALL_FINITE looks at the rows taken in).
 * dst, dst2: host memory, shaped and typed as there.
 * @threads one per state.  @since 0.1
 */
DC_API dc_status dc_reduce_state_result(const dc_reduce_state *state, const dc_array *dst,
                                        const dc_array *dst2);

/** Rows taken in.  @threads one per state.  @since 0.1 */
DC_API int64_t dc_reduce_state_rows(const dc_reduce_state *state);

/**
 * The state as bytes: little-endian, versioned, with a checksum; equal on every machine.
 * @param size  receives the bytes needed; `bytes` may be NULL to ask.
 * @return DC_E_ARGUMENT when `room` is too small.
 * @threads one per state.  @since 0.1
 */
DC_API dc_status dc_reduce_state_save(const dc_reduce_state *state, void *bytes, size_t room,
                                      size_t *size);

/** A state from bytes that nobody need trust: DC_E_ARGUMENT says what is wrong with them.
 * @threads any  @since 0.1 */
DC_API dc_status dc_reduce_state_load(const void *bytes, size_t size, dc_reduce_state **state);

#ifdef __cplusplus
}
#endif
#endif

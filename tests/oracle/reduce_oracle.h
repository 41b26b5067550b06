/* Reductions in long double, value by value: nothing of the library's own arithmetic. */
#ifndef DCT_REDUCE_ORACLE_H
#define DCT_REDUCE_ORACLE_H

#include "dualcube/reduce.h"

/* The rows of one result, in order. */
typedef struct dct_rows {
    long double *value;
    int64_t count;
} dct_rows;

/* Gather the rows of result `out` (row-major over the axes that remain); `value` has room. */
void dct_reduce_rows(const dc_reduce_params *p, int64_t out, dct_rows *rows);
int64_t dct_reduce_outs(const dc_reduce_params *p);

/* Number i of the list of results (0 where there is none), NaN for NaN; `slack`: how far off a
 * result in p->src.dtype may be, 0 where it must be exact.  *index: TOP_K, its row. */
long double dct_reduce_value(const dc_reduce_params *p, const dct_rows *rows, int64_t i,
                             long double *slack, int64_t *index);

#endif

/* Rolling statistics by brute force in long double: every window gathered, sorted, summed anew.
 * Shares no code and no algorithm with the library. */
#ifndef DCT_ROLLING_ORACLE_H
#define DCT_ROLLING_ORACLE_H

#include <stdint.h>

#include "dualcube/rolling.h"

/* What is known of one output element. */
typedef struct dct_expected {
    long double value; /* NaN: missing                                                       */
    long double scale; /* sum of |x| over the window's valid values                          */
    int64_t valid;     /* number of them                                                     */
    int infinite;      /* how many are infinite                                              */
} dct_expected;

/* One series of `rows` values (float32 data widened); `p` gives the parameters, its arrays are not
 * looked at but for the dtype of src.  Returns the number of outputs written to `out`. */
int64_t dct_oracle_rolling(const dc_rolling_params *p, const double *x, int64_t rows,
                           dct_expected *out);

/* Is `got` right?  `allowed` receives the error that was allowed, `error` the error found.
 *   count, min, max, median, quantile: equal (the interpolation done in the dtype, as documented)
 *   sum:  (2 ceil(log2 n) + 2) u sum|x|,  u = half an ulp of 1;   mean: that / n + u |mean|
 *   var, std: `ulps` units in the last place of the two-pass result
 * Squares that the dtype cannot hold may be lost (denormal) or give an infinity (overflow). */
int dct_oracle_agrees(const dc_rolling_params *p, const dct_expected *expected, double got,
                      double ulps, long double *error, long double *allowed);

#endif

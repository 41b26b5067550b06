/* Rolling windows: what the two compilers must agree on.
 *
 * Series.  The arrays are seen as `series` independent series of `rows` values.  Series s of an
 * array starts at the element offset  sum over d of (digit d of s) * stride[d], digits taken
 * row-major over `shape` (the last of the `ndim` axes runs fastest); value r of it lies r *
 * row_stride elements further.  Adjacent axes that could be merged have been merged by the plan, so
 * that ndim is 1 and both strides are 1 for a dense row-major matrix rolled along axis 0, and the
 * axis whose stride is smallest comes last.
 *
 * Windows.  Output k (0 <= k < out_rows) belongs to row  t = out_first + k * step.  Its window is
 * the `window` rows that end at row e = t + shift (shift = 0 trailing, (window - 1) / 2 centred);
 * rows below 0 and rows >= `rows` are missing and keep their place.  With `expanding`, the window
 * of t is rows 0 ... t, shift is 0, and `window` is rows.  A window beyond the series has been cut
 * to the rows that its tree can meet, so that `min_periods` may exceed it.
 *
 * Order of operations (contract, DC_EXACT):
 *   agg_0(i) = element i;  agg_{k+1}(i) = merge(agg_k(i - 2^k), agg_k(i))   (older first)
 *   window = blocks of 2^k rows for the set bits k of W, the smallest block newest, merged from the
 *   newest to the oldest:  acc = merge(agg_k(e - off), acc); off += 2^k.   (W = t + 1 expanding)
 *   A missing value is the identity of the merge.
 *   Moments (var, std): a block has n valid values, a the newest of them, m their mean less a, s
 *   their squared deviations from the mean; a row has m = s = 0.  Of n1 older and n2 newer values:
 *     d = (a2 - a1) + (m2 - m1);  w = n1 / (n1 + n2);  f = n2 w;  q = d d
 *     n = n1 + n2;  a = a2;  m = m2 - d w;  s = (s1 + s2) + q f
 *   The merges that decide how exact a window is take more care (the errors of smaller blocks
 *   average out over the many of their kind).  With W the window's rows as the caller gave them,
 *   where  4 n > W, or 2 n > W if W > DC_CARE_LONG,  and always in expanding windows, s is rounded
 *   once, p = q f:
 *     z = (s1 + s2) + p;  s = z + ((s2 - (z - s1)) + p), but z if z is not finite
 *   and where also n <= DC_CARE_GAP_COUNT, d is taken with what it lost to rounding, nearly:
 *     u = a2 - a1;  v = m2 - m1;  d = u + v;  e = ((a2 - u) - a1) + (v - (d - u))
 *     q = d d + d (e + e);  m = m2 - (d + e) w;  f = (n1 n2) / (n1 + n2)
 *   A difference that overflows makes q NaN then.
 * Selections (min, max, median, quantile) are exact and need no order.
 */
#ifndef DC_SHARED_ROLLING_H
#define DC_SHARED_ROLLING_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"

enum { DC_ROLLING_MAX_AXES = 7 };

/* Care of a merge of moments: for the sum s; for the difference d as well. */
enum { DC_CARE_SUM = 1, DC_CARE_GAP = 2, DC_CARE_GAP_COUNT = 16, DC_CARE_LONG = 64 };

/* ... that makes a block of n values. */
static inline int dc_rolling_care(dc_i64 careful, dc_i64 n)
{
    if (n < careful)
        return 0;
    return n <= DC_CARE_GAP_COUNT ? DC_CARE_SUM | DC_CARE_GAP : DC_CARE_SUM;
}

typedef struct dc_rolling_args {
    dc_i64 rows, series;
    dc_i64 out_first, out_rows, step;
    dc_i64 window, shift;
    dc_i64 min_periods; /* >= 0; 0 only for count and sum                           */
    dc_i64 ddof;        /* var, std: n <= ddof gives NaN                            */
    dc_i64 careful;     /* var, std: values of a block from which merges take care; fits 31 bits */
    dc_i64 src_row_stride, dst_row_stride;
    dc_i64 shape[DC_ROLLING_MAX_AXES];
    dc_i64 src_stride[DC_ROLLING_MAX_AXES];
    dc_i64 dst_stride[DC_ROLLING_MAX_AXES];
    dc_f64 q;             /* quantile in [0, 1]; f32 kernels never read it            */
    dc_i32 ndim;          /* axes of `shape`, >= 1                                    */
    dc_i32 interpolation; /* DC_QUANTILE_*; median is q = 0.5, midpoint               */
    dc_i32 expanding;
    dc_i32 inf_is_value;
    dc_i32 has_table; /* quantile: operand 2 is the rank table                    */
    dc_i32 kind;      /* DC_ROLLING_*                                             */
} dc_rolling_args;

/* Quantile ranks come from a host-made table, so that float32 kernels need no fp64: entry n - 1
 * (n = number of valid values, 1 ... window) holds the lower rank, the upper rank and the weight
 * of the upper value.  The value is  lo + (hi - lo) * frac  in T where frac > 0, else lo;
 * interpolations other than linear have lower == upper and frac 0, midpoint and the even median
 * have frac 0.5 and use  lo * 0.5 + hi * 0.5  when lo + hi overflows, else (lo + hi) * 0.5. */
typedef struct dc_rolling_rank {
    dc_i64 lower, upper;
    dc_f64 frac64;
    float frac32;
    dc_i32 pad;
} dc_rolling_rank;

#endif

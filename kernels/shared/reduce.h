/* Reductions: what the two compilers must agree on.
 *
 * Arrays.  `outs` results, each of `rows` values.  Result o lies at the element offset  sum over d
 * of (digit d of o) * out_stride[d],  digits taken row-major over `out_shape` (the last axis, of
 * the smallest stride in src, runs fastest); its row r another  sum of (digit d of r) *
 * row_stride[d],  digits row-major over `row_shape`: the axes reduced, in the caller's order,
 * merged where they lie end to end.  Kinds with a list of k results put number i `i * list_dst`
 * further.
 *
 * Order of operations (contract, DC_EXACT):
 *   A leaf is the rows 256 L ... 256 L + 255 (DC_REDUCE_LEAF), and 16 accumulators, all +0, take
 *   them: row r goes to accumulator r mod 16, rows of one accumulator in increasing order.  Then
 *   accumulator i takes i + 8 (i < 8), i + 4 (i < 4), i + 2, i + 1:  acc[i] = acc[i] + acc[i + h].
 *   Missing values and rows that are not there add nothing; no accumulator is ever -0, so that
 *   adding +0 instead is the same.
 *   Leaves are merged by a binary tree over their numbers: node (0, L) is leaf L, node (k + 1, j)
 * is merge(node (k, 2 j), node (k, 2 j + 1)), older first; a node that is not there is the
 * identity. SUM:      node: the sum;  merge: sum1 + sum2. MEAN:     SUM / n. VAR, STD, MOMENTS:  of
 * a leaf with n > 0 valid values x and their SUM: a = SUM / n;  E = sum of (x - a);  Q = sum of (x
 * - a)(x - a), both as SUM is made; m = E / n;  s = Q - E m, and 0 where that is negative;  mean is
 * a + m. Of two nodes, B the one with more values (of as many: the older), S the other: d = (aS -
 * aB) + (mS - mB);  w = nS / n; a = aB;  m = mB + d w;  s = (s1 + s2) + (d d)(nB w);  n = n1 + n2
 *     A node without values is the identity.  Whole numbers are rounded to the dtype where they
 *     meet values.  variance = s / (n - ddof).
 *   DC_NAN_PROPAGATE: every row is valid, and NaN finds its way by arithmetic.
 * Counts, selections, histograms are exact and need no order.
 *
 * A quantile's position is  h = q (n - 1)  in double, rounded once; float32 kernels make it from
 * integers (dc_reduce_place).  Its value, of the values lo <= hi at the ranks below and above:
 *   lo where lo = hi or the weight is 0;  midpoint:  (lo + hi) / 2, or lo / 2 + hi / 2 where the
 * sum is not finite;  linear:  lo + (hi - lo) w, or lo (1 - w) + hi w where the difference is not
 *   finite.  Weights below 2^-64 are 0.
 */
#ifndef DC_SHARED_REDUCE_H
#define DC_SHARED_REDUCE_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum {
    DC_REDUCE_AXES = 8,
    DC_REDUCE_LANES = 16,     /* accumulators of a leaf                                       */
    DC_REDUCE_LEAF = 256,     /* rows                                                         */
    DC_REDUCE_BLOCK_BITS = 6, /* a block is 64 leaves: what one job reduces by itself         */
    DC_REDUCE_BLOCK = DC_REDUCE_LEAF << DC_REDUCE_BLOCK_BITS
};

/* Steps: rows to results; rows to the nodes of blocks; those to results. */
enum {
    DC_REDUCE_WHOLE = 0,
    DC_REDUCE_BLOCKS = 1,
    DC_REDUCE_FINISH = 2,
    DC_REDUCE_ZERO = 3, /* HISTOGRAM: 0 in every bin; then a job for each block counts */
    DC_REDUCE_BINS = 4
};

/* Bytes of a node of kernels/shared/reduce_node.h. */
enum { DC_REDUCE_NODE_f32 = 40, DC_REDUCE_NODE_f64 = 48 };

typedef struct dc_reduce_args {
    dc_i64 rows, outs;
    dc_i64 blocks; /* of DC_REDUCE_BLOCK rows each, the last may have fewer; >= 1     */
    dc_i64 k;      /* results in a list: quantiles, bins, values                       */
    dc_i64 min_count, ddof;
    dc_i64 row_shape[DC_REDUCE_AXES], row_stride[DC_REDUCE_AXES];
    dc_i64 out_shape[DC_REDUCE_AXES];
    dc_i64 out_src[DC_REDUCE_AXES], out_dst[DC_REDUCE_AXES], out_dst2[DC_REDUCE_AXES];
    dc_i64 list_dst, list_dst2;
    dc_f64 low, scale;         /* HISTOGRAM, equal bins: a guess is (x - low) scale; 0: none   */
    dc_i32 row_ndim, out_ndim; /* >= 1                                                 */
    dc_i32 kind;               /* DC_REDUCE_*                                          */
    dc_i32 step;               /* DC_REDUCE_WHOLE, ...                                 */
    dc_i32 propagate;          /* NaN is the result                                    */
    dc_i32 largest;            /* TOP_K                                                */
    dc_i32 interpolation;      /* DC_QUANTILE_*; the median is q = 0.5, midpoint       */
    dc_i32 has_dst2;
} dc_reduce_args;

/* Offset of place `at` (row-major) of a space of `ndim` axes. */
static inline dc_i64 dc_reduce_offset(dc_i64 at, dc_i32 ndim, const dc_i64 *shape,
                                      const dc_i64 *stride)
{
    dc_i64 offset = 0;

    for (dc_i32 d = ndim - 1; d > 0; d--) {
        const dc_i64 outer = at / shape[d];

        offset += (at - outer * shape[d]) * stride[d];
        at = outer;
    }
    return offset + at * stride[0];
}

/* Ranks and weight of a quantile among n values: the weight of `upper` is part * 2^-shift. */
typedef struct dc_reduce_place {
    dc_i64 lower, upper;
    dc_u64 part; /* below 2^53; 0: no weight, as also below 2^-64 */
    dc_i32 shift;
} dc_reduce_place;

static inline int dc_reduce_length(dc_u64 x)
{
    int n = 0;

    for (; x; x >>= 1)
        n++;
    return n;
}

/* q (n - 1) rounded as a double is, as whole + part 2^-shift; 0 <= q <= 1 by its bits, n <= 2^53.
 */
static inline void dc_reduce_position(dc_u64 q, dc_i64 n, dc_reduce_place *p)
{
    const dc_u64 low32 = 0xffffffffu, count = (dc_u64)(n - 1);
    const dc_u64 m = (q & 0xfffffffffffffu) | (q >> 52 ? (dc_u64)1 << 52 : 0);
    const dc_u64 a = (m & low32) * (count & low32), b = (m >> 32) * (count & low32);
    const dc_u64 c = (m & low32) * (count >> 32) + (a >> 32) + (b & low32);
    const dc_u64 lo = (a & low32) | c << 32, hi = (m >> 32) * (count >> 32) + (b >> 32) + (c >> 32);
    const int length = hi ? 64 + dc_reduce_length(hi) : dc_reduce_length(lo);
    int drop = length - 53, e = (q >> 52 ? (int)(q >> 52) : 1) - 1075;
    dc_u64 kept = lo, rest = 0, half_ = 1;

    if (drop > 0) { /* the bits dropped: at most 53 */
        kept = drop < 64 ? lo >> drop : 0;
        kept |= hi << (64 - drop);
        rest = lo & (((dc_u64)1 << drop) - 1);
        half_ = (dc_u64)1 << (drop - 1);
        if (rest > half_ || (rest == half_ && (kept & 1)))
            kept++;
        e += drop;
    }
    p->shift = e > 0 ? 0 : -e;
    p->lower = (dc_i64)(e > 0 ? kept << e : p->shift < 64 ? kept >> p->shift : 0);
    p->part = e > 0 ? 0 : p->shift < 64 ? kept & (((dc_u64)1 << p->shift) - 1) : kept;
}

/* Of n >= 1 values. */
static inline dc_reduce_place dc_reduce_place_of(dc_u64 q, dc_i64 n, int interpolation)
{
    dc_reduce_place p;
    dc_u64 half_;

    dc_reduce_position(q, n, &p);
    half_ = p.shift >= 1 && p.shift <= 63 ? (dc_u64)1 << (p.shift - 1) : ~(dc_u64)0;
    p.upper = p.lower + (p.part > 0 && p.lower < n - 1);
    if (interpolation == DC_QUANTILE_HIGHER ||
        (interpolation == DC_QUANTILE_NEAREST &&
         (p.part > half_ || (p.part == half_ && (p.lower & 1)))))
        p.lower = p.upper;
    if (interpolation == DC_QUANTILE_LOWER || interpolation == DC_QUANTILE_NEAREST)
        p.upper = p.lower;
    if (p.shift - dc_reduce_length(p.part) >= 64)
        p.part = 0;
    return p;
}

/* The one quiet NaN; 2^e, -126 <= e <= 0 (float64: -1022); the bits of a value and back. */
static inline float reduce_nan_f32(void)
{
    return DC_FLOAT_OF_BITS(0x7fc00000u);
}

static inline float reduce_power_f32(int e)
{
    return DC_FLOAT_OF_BITS((dc_u32)(127 + e) << 23);
}

static inline dc_u32 reduce_bits_f32(float x)
{
    return DC_BITS_OF_FLOAT(x);
}

static inline float reduce_of_bits_f32(dc_u32 bits)
{
    return DC_FLOAT_OF_BITS(bits);
}

#ifdef DC_DIVIDE_HAS_F64
static inline dc_u64 reduce_bits_f64(double x)
{
#ifdef __OPENCL_VERSION__
    return as_ulong(x);
#else
    dc_u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}

static inline double reduce_of_bits_f64(dc_u64 bits)
{
#ifdef __OPENCL_VERSION__
    return as_double(bits);
#else
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

static inline double reduce_nan_f64(void)
{
    return reduce_of_bits_f64((dc_u64)0x7ff8 << 48);
}

static inline double reduce_power_f64(int e)
{
    return reduce_of_bits_f64((dc_u64)(1023 + e) << 52);
}
#endif

#endif

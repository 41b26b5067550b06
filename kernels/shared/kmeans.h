/* k-means: what the two compilers must agree on.
 *
 * Packed rows: row r lies in block r / 64; value t of it at ((r / 64) d + t) 64 + r % 64.  Rows
 * beyond the last hold 0 and are no rows.
 *
 * Order of operations (contract, DC_EXACT); t runs 0 ... d - 1, fma is rounded once:
 *   PACK        (x - shift[t]) g1 g2, each operation rounded; g1 g2 = 2^scale_exponent; without a
 *               shift x g1 g2.
 *   score       h = 0; h = fma(c_t, c_t, h); s = -h / 2; s = fma(x_t, c_t, s).  Label: the first
 *               centre whose s is larger than all before it, the best before centre 0 being -inf;
 *               0 where there is none.
 *   distance    a = 0; e = x_t - c_t; a = fma(e, e, a).
 *   NEAR        closest <= a or a is NaN ? closest : a, then its quantum count, times the weight
 *               first (one rounding).
 *   SPREAD      a, or sqrt(a), then the count of it, times the weight first.
 *   TRANSFORM   sqrt(a).
 *   SILHOUETTE  cluster c holds rows first[c] ... first[c + 1] - 1, bounds clamped to 0 ... n and
 *               upwards.  Its rows in order, in runs of 96 from its first row: a run's sum starts
 *               at 0 and adds sqrt(distance) row by row; the total starts at 0 and adds run by run.
 *               own = total / (rows - 1) in the own cluster (0 where that is one row), other =
 *               least total / rows of the other clusters that have rows (first: as it is, then m <
 *               other ? m : other).  Result: 0 in a cluster of one row, without another cluster,
 *               or where max(own, other) is 0, else (other - own) / (own < other ? other : own); a
 *               row of no cluster: 0.
 *
 * Quantum count of v for exponent e: y = (v f1) f2 with f1 f2 = 2^e (kmeans_factors), hi = rint(y)
 * to even, 0 when |y| is not below 2^62; second limb: rint((y - hi) 2^30).  ASSIGN: v is x, or w x
 * rounded once.  Counts are added modulo 2^64.
 */
#ifndef DC_SHARED_KMEANS_H
#define DC_SHARED_KMEANS_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum { DC_KMEANS_RUN = 96, DC_KMEANS_HEAD = 2 };

/* Rows n, columns d, centres or candidates or clusters k.  Tables: f1[d], f2[d] of T. */
typedef struct dc_kmeans_args {
    dc_i64 n, d, k, blocks;
    dc_i64 row_stride, column_stride; /* PACK: of src, elements     */
    dc_f64 g64[4];                    /* g1, g2; of weights w1, w2  */
    float g32[4];
    dc_i32 kind;     /* DC_KMEANS_*                */
    dc_i32 weighted; /* weights are given          */
    dc_i32 shifted;  /* PACK: a shift is given     */
    dc_i32 root;     /* SPREAD                     */
} dc_kmeans_args;

static inline float kmeans_quiet_f32(float y)
{
    return y == y ? y : DC_FLOAT_OF_BITS(0x7fc00000u);
}

#ifdef __OPENCL_VERSION__
#define KMEANS_RINT_F32(y) convert_long_rte(y)
#define KMEANS_RINT_F64(y) convert_long_rte(y)
#elif defined(__SSE2__)
#include <emmintrin.h>
#define KMEANS_RINT_F32(y) ((dc_i64)_mm_cvtss_si64(_mm_set_ss(y)))
#define KMEANS_RINT_F64(y) ((dc_i64)_mm_cvtsd_si64(_mm_set_sd(y)))
#else
#define KMEANS_RINT_F32(y) ((dc_i64)rintf(y))
#define KMEANS_RINT_F64(y) ((dc_i64)rint(y))
#endif

/* Sums are modulo 2^64. */
static inline dc_i64 kmeans_plus(dc_i64 a, dc_i64 b)
{
    return (dc_i64)((dc_u64)a + (dc_u64)b);
}

/* y is already in quanta. */
static inline dc_i64 kmeans_count_f32(float y)
{
    return y > -0x1p62f && y < 0x1p62f ? KMEANS_RINT_F32(y) : 0;
}

static inline dc_i64 kmeans_rest_f32(float y, dc_i64 hi)
{
    return y > -0x1p62f && y < 0x1p62f ? KMEANS_RINT_F32((y - (float)hi) * 0x1p30f) : 0;
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
static inline double kmeans_quiet_f64(double y)
{
#ifdef __OPENCL_VERSION__
    return y == y ? y : as_double(0x7ff8000000000000ul);
#else
    return y == y ? y : __builtin_nan("");
#endif
}

static inline dc_i64 kmeans_count_f64(double y)
{
    return y > -0x1p62 && y < 0x1p62 ? KMEANS_RINT_F64(y) : 0;
}

static inline dc_i64 kmeans_rest_f64(double y, dc_i64 hi)
{
    return y > -0x1p62 && y < 0x1p62 ? KMEANS_RINT_F64((y - (double)hi) * 0x1p30) : 0;
}
#endif

/* T's own words for the two of them. */
#define KMEANS_G_f32(a)     ((a)->g32)
#define KMEANS_G_f64(a)     ((a)->g64)
#define KMEANS_LIMBS_f32    1
#define KMEANS_LIMBS_f64    2
#define KMEANS_G            FN(KMEANS_G)
#define KMEANS_LIMBS        FN(KMEANS_LIMBS)
#define KMEANS_STATE(a, lm) (DC_KMEANS_HEAD + (lm) * (a)->d)

/* Own and other mean distances into the silhouette. */
#define KMEANS_SILHOUETTE_VALUE(own, other) ((own) < (other) ? (other) : (own))

#endif

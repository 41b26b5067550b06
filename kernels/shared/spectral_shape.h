/* The shape of a spectrum.  A template that both compilers read once per dtype (T, SFX), after
 * spectral_fft.h, with these of the side's own beside its names:
 *   SPECTRAL_DIV(a, b), SPECTRAL_ROOT(a)   correctly rounded
 *   SPECTRAL_TRUTH                         what a comparison of values gives
 *   SPECTRAL_LESS(a, b), SPECTRAL_SAME(a, b), SPECTRAL_PICK_IF(truth, a, b)
 *   SPECTRAL_SPLIT(x, e)                   m, sqrt(1/2) <= m < sqrt(2), x = m 2^e for normal x > 0;
 *                                          *e is a value
 *   SPECTRAL_TWO_TO(e)                     2^e of a value e, whole, -64 <= e <= 0
 *
 * Order of operations (contract): that of the code below; every operation rounds once.  Bins are
 * g[k], k = 0 ... K - 1: scaled powers or their roots.  First pass, sums as
 * kernels/shared/spectral.h has them: G of g[k], M of k g[k]; the largest g and the lowest bin that
 * has it.  Second pass, sums of the terms that spectral_terms gives for every bin.  Then the
 * rolloff, then spectral_shape.
 *
 * Rolloff: target = rolloff G (a product); the leaves of G's sum are added in order to 0 until what
 * they make is no less than the target; the bins of that leaf are added in order to what was
 * before it, until that is no less; the bin reached, the leaf's last one if none is.  No leaf: K
 * - 1.
 */
#ifndef DC_SHARED_SPECTRAL_SHAPE_H
#define DC_SHARED_SPECTRAL_SHAPE_H

#include "kernels/shared/spectral.h"

/* Sums of the second pass. */
enum {
    DC_SPECTRAL_SUM_2 = 0,   /* p d^2, d = k - centroid   */
    DC_SPECTRAL_SUM_3 = 1,   /* p d^3                     */
    DC_SPECTRAL_SUM_4 = 2,   /* p d^4                     */
    DC_SPECTRAL_SUM_LN = 3,  /* ln q, q = max(p, 2^-46)   */
    DC_SPECTRAL_SUM_PLN = 4, /* p ln q                    */
    DC_SPECTRAL_SUM_Q = 5,   /* q                         */
    DC_SPECTRAL_SUM_K = 6,   /* p (k - (K - 1) / 2)       */
    DC_SPECTRAL_SUMS = 7
};

/* ln((1 + s) / (1 - s)) = 2 s + s^3 (2/3 + 2/5 s^2 + ...), |s| <= 0.1716; exp(r) = 1 + r + r^2 / 2!
 * +
 * ..., |r| <= 0.347: the highest power first. */
#define DC_SPECTRAL_LN_F32(FIRST, NEXT)                                                            \
    FIRST(0x1.745d18p-3f)                                                                          \
    NEXT(0x1.c71c72p-3f)                                                                           \
    NEXT(0x1.24924ap-2f)                                                                           \
    NEXT(0x1.99999ap-2f)                                                                           \
    NEXT(0x1.555556p-1f)
#define DC_SPECTRAL_LN_F64(FIRST, NEXT)                                                            \
    FIRST(0x1.642c8590b2164p-4)                                                                    \
    NEXT(0x1.8618618618618p-4)                                                                     \
    NEXT(0x1.af286bca1af28p-4)                                                                     \
    NEXT(0x1.e1e1e1e1e1e1ep-4)                                                                     \
    NEXT(0x1.1111111111111p-3)                                                                     \
    NEXT(0x1.3b13b13b13b14p-3)                                                                     \
    NEXT(0x1.745d1745d1746p-3)                                                                     \
    NEXT(0x1.c71c71c71c71cp-3)                                                                     \
    NEXT(0x1.2492492492492p-2)                                                                     \
    NEXT(0x1.999999999999ap-2)                                                                     \
    NEXT(0x1.5555555555555p-1)
#define DC_SPECTRAL_EXP_F32(FIRST, NEXT)                                                           \
    FIRST(0x1.a01a02p-13f)                                                                         \
    NEXT(0x1.6c16c2p-10f)                                                                          \
    NEXT(0x1.111112p-7f)                                                                           \
    NEXT(0x1.555556p-5f)                                                                           \
    NEXT(0x1.555556p-3f)                                                                           \
    NEXT(0.5f)                                                                                     \
    NEXT(1.0f)                                                                                     \
    NEXT(1.0f)
#define DC_SPECTRAL_EXP_F64(FIRST, NEXT)                                                           \
    FIRST(0x1.6124613a86d09p-33)                                                                   \
    NEXT(0x1.1eed8eff8d898p-29)                                                                    \
    NEXT(0x1.ae64567f544e4p-26)                                                                    \
    NEXT(0x1.27e4fb7789f5cp-22)                                                                    \
    NEXT(0x1.71de3a556c734p-19)                                                                    \
    NEXT(0x1.a01a01a01a01ap-16)                                                                    \
    NEXT(0x1.a01a01a01a01ap-13)                                                                    \
    NEXT(0x1.6c16c16c16c17p-10)                                                                    \
    NEXT(0x1.1111111111111p-7)                                                                     \
    NEXT(0x1.5555555555555p-5)                                                                     \
    NEXT(0x1.5555555555555p-3)                                                                     \
    NEXT(0.5)                                                                                      \
    NEXT(1.0)                                                                                      \
    NEXT(1.0)

/* ln 2; ln 2 = H + L, H short enough for exact multiples; what rounds to a whole number. */
#define SPECTRAL_LN2      SPECTRAL_PICK(0x1.62e43p-1f, 0x1.62e42fefa39efp-1)
#define SPECTRAL_LN2_HEAD SPECTRAL_PICK(0x1.62e4p-1f, 0x1.62e42fefa0000p-1)
#define SPECTRAL_LN2_TAIL SPECTRAL_PICK(0x1.7f7d1cp-20f, 0x1.cf79abc9e3b3ap-40)
#define SPECTRAL_PER_LN2  SPECTRAL_PICK(0x1.715476p+0f, 0x1.71547652b82fep+0)
#define SPECTRAL_WHOLE    SPECTRAL_PICK(0x1.8p+23f, 0x1.8p+52)
/* Totals below have no shape: their reciprocal might be infinite. */
#define SPECTRAL_LEAST SPECTRAL_PICK(0x1p-125f, 0x1p-1021)

#endif

#define SPECTRAL_K(x)     SPECTRAL_SPLAT(x)
#define SPECTRAL_FIRST(c) p = SPECTRAL_K(c);
#define SPECTRAL_NEXT(c)  p = SPECTRAL_F(p, z, SPECTRAL_K(c));

/* ln x, x normal and above 0; within 3 ulp. */
static inline SPECTRAL_VALUE FN(spectral_ln)(SPECTRAL_VALUE x)
{
    SPECTRAL_VALUE e, p;
    const SPECTRAL_VALUE f = SPECTRAL_SPLIT(x, &e) - SPECTRAL_K((T)1);
    const SPECTRAL_VALUE s = SPECTRAL_DIV(f, SPECTRAL_K((T)2) + f), z = s * s;

    SPECTRAL_PICK(DC_SPECTRAL_LN_F32, DC_SPECTRAL_LN_F64)
    (SPECTRAL_FIRST, SPECTRAL_NEXT) return SPECTRAL_F(e, SPECTRAL_K(SPECTRAL_LN2),
                                                      SPECTRAL_F(s * z, p, s + s));
}

/* exp x, -40 <= x <= 0; within 2 ulp. */
static inline SPECTRAL_VALUE FN(spectral_exp)(SPECTRAL_VALUE x)
{
    const SPECTRAL_VALUE whole = SPECTRAL_K(SPECTRAL_WHOLE);
    const SPECTRAL_VALUE e = (x * SPECTRAL_K(SPECTRAL_PER_LN2) + whole) - whole;
    SPECTRAL_VALUE z = SPECTRAL_F(e, SPECTRAL_K(-SPECTRAL_LN2_HEAD), x), p;

    z = SPECTRAL_F(e, SPECTRAL_K(-SPECTRAL_LN2_TAIL), z);
    SPECTRAL_PICK(DC_SPECTRAL_EXP_F32, DC_SPECTRAL_EXP_F64)
    (SPECTRAL_FIRST, SPECTRAL_NEXT) return p * SPECTRAL_TWO_TO(e);
}

/* What the first pass gives. */
typedef struct FN(spectral_first) {
    SPECTRAL_VALUE total, inverse, centroid; /* G; 1 / G; M / G in bins */
    SPECTRAL_VALUE peak, peak_bin;
} FN(spectral_first);

static inline void FN(spectral_begin)(FN(spectral_first) * it, SPECTRAL_VALUE total,
                                      SPECTRAL_VALUE moment)
{
    it->total = total;
    it->inverse = SPECTRAL_DIV(SPECTRAL_K((T)1), total);
    it->centroid = SPECTRAL_DIV(moment, total);
}

/* Terms of bin k, k and the middle as values; `logs`: with those that take logarithms. */
static inline void FN(spectral_terms)(const FN(spectral_first) * it, SPECTRAL_VALUE k,
                                      SPECTRAL_VALUE middle, SPECTRAL_VALUE g, int logs,
                                      SPECTRAL_VALUE *term)
{
    const SPECTRAL_VALUE p = g * it->inverse, d = k - it->centroid, d2 = d * d, pd2 = p * d2;

    term[DC_SPECTRAL_SUM_2] = pd2;
    term[DC_SPECTRAL_SUM_3] = pd2 * d;
    term[DC_SPECTRAL_SUM_4] = pd2 * d2;
    term[DC_SPECTRAL_SUM_K] = p * (k - middle);
    if (logs) {
        const SPECTRAL_VALUE least = SPECTRAL_K((T)0x1p-46f);
        const SPECTRAL_VALUE q = SPECTRAL_PICK_IF(SPECTRAL_LESS(p, least), least, p);
        const SPECTRAL_VALUE ln = FN(spectral_ln)(q);

        term[DC_SPECTRAL_SUM_LN] = ln;
        term[DC_SPECTRAL_SUM_PLN] = p * ln;
        term[DC_SPECTRAL_SUM_Q] = q;
    }
}

/* Feature number `which` (bit of DC_FEATURE_*). */
static inline SPECTRAL_VALUE FN(spectral_feature)(int which, const FN(spectral_first) * it,
                                                  const SPECTRAL_VALUE *sum,
                                                  SPECTRAL_VALUE rolloff_bin, SPECTRAL_VALUE step,
                                                  SPECTRAL_VALUE count, SPECTRAL_VALUE ln_count,
                                                  SPECTRAL_VALUE spread)
{
    const SPECTRAL_VALUE variance = sum[DC_SPECTRAL_SUM_2];

    switch (which) {
    case 0:
        return it->total;
    case 1:
        return it->centroid * step;
    case 2:
        return SPECTRAL_ROOT(variance) * step;
    case 3:
        return SPECTRAL_DIV(sum[DC_SPECTRAL_SUM_3], variance * SPECTRAL_ROOT(variance));
    case 4:
        return SPECTRAL_DIV(sum[DC_SPECTRAL_SUM_4], variance * variance);
    case 5:
        return rolloff_bin * step;
    case 6:
        return SPECTRAL_DIV(FN(spectral_exp)(SPECTRAL_DIV(sum[DC_SPECTRAL_SUM_LN], count)),
                            SPECTRAL_DIV(sum[DC_SPECTRAL_SUM_Q], count));
    case 7:
        return SPECTRAL_DIV(-sum[DC_SPECTRAL_SUM_PLN], ln_count);
    case 8:
        return (it->peak * it->inverse) * count;
    case 9:
        return SPECTRAL_DIV(SPECTRAL_DIV(sum[DC_SPECTRAL_SUM_K], spread), step);
    case 10:
        return it->peak_bin * step;
    default:
        return it->peak;
    }
}

/* The same where there is no power, a single line, or a total that is not finite: what is stored.
 */
static inline SPECTRAL_VALUE FN(spectral_shape)(int which, const FN(spectral_first) * it,
                                                const SPECTRAL_VALUE *sum,
                                                SPECTRAL_VALUE rolloff_bin, SPECTRAL_VALUE step,
                                                SPECTRAL_VALUE count, SPECTRAL_VALUE ln_count,
                                                SPECTRAL_VALUE spread)
{
    const SPECTRAL_VALUE zero = SPECTRAL_K((T)0), none = it->total - it->total;
    SPECTRAL_VALUE y =
        FN(spectral_feature)(which, it, sum, rolloff_bin, step, count, ln_count, spread);

    if (which == 3 || which == 4)
        y = SPECTRAL_PICK_IF(SPECTRAL_SAME(sum[DC_SPECTRAL_SUM_2], zero), zero, y);
    if (which != 0 && which != 11)
        y = SPECTRAL_PICK_IF(SPECTRAL_LESS(it->total, SPECTRAL_K(SPECTRAL_LEAST)),
                             which == 6 ? SPECTRAL_K((T)1) : zero, y);
    /* none: 0, or NaN where the total is infinite or NaN */
    return SPECTRAL_PICK_IF(SPECTRAL_SAME(none, zero), y, none);
}

#undef SPECTRAL_K
#undef SPECTRAL_FIRST
#undef SPECTRAL_NEXT

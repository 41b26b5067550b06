/* Lomb and Scargle's periodogram.  A template that both compilers read once per dtype (T, SFX),
 * after spectral_shape.h, with the same names of the side's own.
 *
 * Order of operations (contract): that of the code below; every operation rounds once.  For a
 * frequency w, sums over the samples i as kernels/shared/spectral.h has them (a NaN among y[i] is
 * no term: 0 in its place), c = cos(w t[i]), s = sin(w t[i]) as spectral_wave has them: y c, y s, c
 * c, s s, c s, and y y.  Then spectral_lomb. */
#ifndef DC_SHARED_SPECTRAL_TIMES_H
#define DC_SHARED_SPECTRAL_TIMES_H

#include "kernels/shared/spectral.h"

enum { DC_SPECTRAL_WAVES = 6 }; /* y c, y s, c c, s s, c s, y y */

/* sin r = r + r^3 S(r^2), cos r = 1 - r^2 / 2 + r^4 C(r^2), |r| <= 0.786: the highest power first.
 */
#define DC_SPECTRAL_SIN_F32(FIRST, NEXT)                                                           \
    FIRST(0x1.71de3ap-19f)                                                                         \
    NEXT(-0x1.a01a02p-13f)                                                                         \
    NEXT(0x1.111112p-7f)                                                                           \
    NEXT(-0x1.555556p-3f)
#define DC_SPECTRAL_COS_F32(FIRST, NEXT)                                                           \
    FIRST(-0x1.27e4fcp-22f)                                                                        \
    NEXT(0x1.a01a02p-16f)                                                                          \
    NEXT(-0x1.6c16c2p-10f)                                                                         \
    NEXT(0x1.555556p-5f)
#define DC_SPECTRAL_SIN_F64(FIRST, NEXT)                                                           \
    FIRST(0x1.952c77030ad4ap-49)                                                                   \
    NEXT(-0x1.ae7f3e733b81fp-41)                                                                   \
    NEXT(0x1.6124613a86d09p-33)                                                                    \
    NEXT(-0x1.ae64567f544e4p-26)                                                                   \
    NEXT(0x1.71de3a556c734p-19)                                                                    \
    NEXT(-0x1.a01a01a01a01ap-13)                                                                   \
    NEXT(0x1.1111111111111p-7)                                                                     \
    NEXT(-0x1.5555555555555p-3)
#define DC_SPECTRAL_COS_F64(FIRST, NEXT)                                                           \
    FIRST(0x1.ae7f3e733b81fp-45)                                                                   \
    NEXT(-0x1.93974a8c07c9dp-37)                                                                   \
    NEXT(0x1.1eed8eff8d898p-29)                                                                    \
    NEXT(-0x1.27e4fb7789f5cp-22)                                                                   \
    NEXT(0x1.a01a01a01a01ap-16)                                                                    \
    NEXT(-0x1.6c16c16c16c17p-10)                                                                   \
    NEXT(0x1.5555555555555p-5)

/* pi / 2 = H + M + L; 2 / pi */
#define SPECTRAL_QUARTER_HEAD SPECTRAL_PICK(0x1.921fb6p+0f, 0x1.921fb54442d18p+0)
#define SPECTRAL_QUARTER_MID  SPECTRAL_PICK(-0x1.777a5cp-25f, 0x1.1a62633145c07p-54)
#define SPECTRAL_QUARTER_TAIL SPECTRAL_PICK(-0x1.ee59dap-50f, -0x1.f1976b7ed8fbcp-110)
#define SPECTRAL_PER_QUARTER  SPECTRAL_PICK(0x1.45f306p-1f, 0x1.45f306dc9c883p-1)

#endif

#define SPECTRAL_K(x)     SPECTRAL_SPLAT(x)
#define SPECTRAL_FIRST(c) p = SPECTRAL_K(c);
#define SPECTRAL_NEXT(c)  p = SPECTRAL_F(p, z, SPECTRAL_K(c));

/* cos and sin of `phase`, |phase| < 2^22 (float32), 2^50. */
static inline void FN(spectral_wave)(SPECTRAL_VALUE phase, SPECTRAL_VALUE *c, SPECTRAL_VALUE *s)
{
    const SPECTRAL_VALUE whole = SPECTRAL_K(SPECTRAL_WHOLE), one = SPECTRAL_K((T)1);
    const SPECTRAL_VALUE n = (phase * SPECTRAL_K(SPECTRAL_PER_QUARTER) + whole) - whole;
    const SPECTRAL_VALUE turns = (n * SPECTRAL_K((T)0.25) + whole) - whole;
    const SPECTRAL_VALUE q = SPECTRAL_F(turns, SPECTRAL_K((T)-4), n); /* -2 ... 2 */
    SPECTRAL_VALUE r = SPECTRAL_F(n, SPECTRAL_K(-SPECTRAL_QUARTER_HEAD), phase), p, z, x, y;

    r = SPECTRAL_F(n, SPECTRAL_K(-SPECTRAL_QUARTER_MID), r);
    r = SPECTRAL_F(n, SPECTRAL_K(-SPECTRAL_QUARTER_TAIL), r);
    z = r * r;
    SPECTRAL_PICK(DC_SPECTRAL_SIN_F32, DC_SPECTRAL_SIN_F64)
    (SPECTRAL_FIRST, SPECTRAL_NEXT) y = SPECTRAL_F(r * z, p, r);
    SPECTRAL_PICK(DC_SPECTRAL_COS_F32, DC_SPECTRAL_COS_F64)
    (SPECTRAL_FIRST, SPECTRAL_NEXT) x =
        SPECTRAL_F(z * z, p, SPECTRAL_F(z, SPECTRAL_K((T)-0.5), one));
    /* odd quarters exchange them */
    *c = SPECTRAL_PICK_IF(SPECTRAL_SAME(q * q, one), y, x);
    *s = SPECTRAL_PICK_IF(SPECTRAL_SAME(q * q, one), x, y);
    *c = SPECTRAL_PICK_IF(
        SPECTRAL_LESS(SPECTRAL_K((T)0.5),
                      q * q - SPECTRAL_PICK_IF(SPECTRAL_SAME(q, -one), one, SPECTRAL_K((T)0))),
        -*c, *c);
    *s = SPECTRAL_PICK_IF(
        SPECTRAL_LESS(SPECTRAL_K((T)0.5),
                      q * q - SPECTRAL_PICK_IF(SPECTRAL_SAME(q, one), one, SPECTRAL_K((T)0))),
        -*s, *s);
}

/* Power from the sums; tau's cos and sin by half angles. */
static inline SPECTRAL_VALUE FN(spectral_lomb)(const SPECTRAL_VALUE *sum, int normalize)
{
    const SPECTRAL_VALUE zero = SPECTRAL_K((T)0), one = SPECTRAL_K((T)1);
    const SPECTRAL_VALUE half = SPECTRAL_K((T)0.5), two = SPECTRAL_K((T)2);
    const SPECTRAL_VALUE yc = sum[0], ys = sum[1], cc = sum[2], ss = sum[3], cs = sum[4];
    const SPECTRAL_VALUE sine = two * cs, cosine = cc - ss;
    const SPECTRAL_VALUE size = SPECTRAL_ROOT(SPECTRAL_F(sine, sine, cosine * cosine));
    const SPECTRAL_VALUE safe = SPECTRAL_PICK_IF(SPECTRAL_SAME(size, zero), one, size);
    /* 1 where there is no angle */
    const SPECTRAL_VALUE c2 =
        SPECTRAL_PICK_IF(SPECTRAL_SAME(size, zero), one, SPECTRAL_DIV(cosine, safe));
    const SPECTRAL_VALUE s2 = SPECTRAL_DIV(sine, safe);
    const SPECTRAL_VALUE a2 = SPECTRAL_PICK_IF(SPECTRAL_LESS(c2, zero), -c2, c2);
    const SPECTRAL_VALUE more = SPECTRAL_ROOT((one + a2) * half); /* >= sqrt(1/2) */
    const SPECTRAL_VALUE less = SPECTRAL_DIV(s2, two * more);
    const SPECTRAL_VALUE size2 = SPECTRAL_PICK_IF(SPECTRAL_LESS(less, zero), -less, less);
    const SPECTRAL_VALUE more2 = SPECTRAL_PICK_IF(SPECTRAL_LESS(s2, zero), -more, more);
    const SPECTRAL_VALUE c = SPECTRAL_PICK_IF(SPECTRAL_LESS(c2, zero), size2, more);
    const SPECTRAL_VALUE s = SPECTRAL_PICK_IF(SPECTRAL_LESS(c2, zero), more2, less);
    const SPECTRAL_VALUE u = SPECTRAL_F(c, yc, s * ys), v = SPECTRAL_F(c, ys, -(s * yc));
    const SPECTRAL_VALUE cross = two * ((c * s) * cs);
    const SPECTRAL_VALUE p = SPECTRAL_F(c * c, cc, SPECTRAL_F(s * s, ss, cross));
    const SPECTRAL_VALUE q = SPECTRAL_F(c * c, ss, SPECTRAL_F(s * s, cc, -cross));
    const SPECTRAL_VALUE y = half * (SPECTRAL_DIV(u * u, p) + SPECTRAL_DIV(v * v, q));

    return normalize ? SPECTRAL_DIV(two * y, sum[5]) : y;
}

#undef SPECTRAL_K
#undef SPECTRAL_FIRST
#undef SPECTRAL_NEXT

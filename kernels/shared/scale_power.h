/* Scaling: logarithms, exponentials and the power transforms made of them.  A template that both
 * compilers read once per dtype (T, SFX), after scale_value.h.
 *
 * Order of operations (contract): that of the code below; every operation rounds once, SCALE_FMA
 * alone is one rounding of two.  A pair (h, l) stands for h + l; errors of pairs are below 2^-62
 * (float32: 2^-33) of their value, so that what is made of them is within 2 ulp.
 *
 *   log(s + e)   s + e = 2^k (1 + f + f'), sqrt(1/2) <= 1 + f < sqrt(2)
 *   log(1 + x)   |x| < 1/4: f = x, k = 0;  else s + e = 1 + x
 *                z = (f + f') / (2 + f + f') as a pair,
 *                log = k ln 2 + 2 z + (2/3) z^3 + z^5 LOG(z^2), the first three as pairs
 *   exp(p + p')  k = p / ln 2 rounded half to even, r = p + p' - k ln 2 as a pair,
 *                exp = 2^k (1 + r + r^2 / 2 + r^3 EXP(r))
 *   Box-Cox      (exp(lambda log x) - 1) / lambda
 *   Yeo-Johnson  x >= 0: Box-Cox of 1 + x;  x < 0: minus Box-Cox of 1 - x with 2 - lambda
 * Polynomials are those below, by Horner's rule with F.
 */
#ifndef DC_SHARED_SCALE_POWER_H
#define DC_SHARED_SCALE_POWER_H

#include "kernels/shared/scale_value.h"

/* Coefficients, the highest power first: FIRST begins, NEXT is one step of Horner's rule.
 *   LOG  2/5 + 2/7 w + ...,  w <= 0.0295        EXP  1/3! + r/4! + ...,  |r| <= 0.347 */
#define DC_SCALE_LOG_F32(FIRST, NEXT)                                                              \
    FIRST(0x1.111112p-3f)                                                                          \
    NEXT(0x1.3b13b2p-3f)                                                                           \
    NEXT(0x1.745d18p-3f)                                                                           \
    NEXT(0x1.c71c72p-3f)                                                                           \
    NEXT(0x1.24924ap-2f)                                                                           \
    NEXT(0x1.99999ap-2f)
#define DC_SCALE_EXP_F32(FIRST, NEXT)                                                              \
    FIRST(0x1.27e4fcp-22f)                                                                         \
    NEXT(0x1.71de3ap-19f)                                                                          \
    NEXT(0x1.a01a02p-16f)                                                                          \
    NEXT(0x1.a01a02p-13f)                                                                          \
    NEXT(0x1.6c16c2p-10f)                                                                          \
    NEXT(0x1.111112p-7f)                                                                           \
    NEXT(0x1.555556p-5f)                                                                           \
    NEXT(0x1.555556p-3f)
#define DC_SCALE_LOG_F64(FIRST, NEXT)                                                              \
    FIRST(0x1.2f684bda12f68p-4)                                                                    \
    NEXT(0x1.47ae147ae147bp-4)                                                                     \
    NEXT(0x1.642c8590b2164p-4)                                                                     \
    NEXT(0x1.8618618618618p-4)                                                                     \
    NEXT(0x1.af286bca1af28p-4)                                                                     \
    NEXT(0x1.e1e1e1e1e1e1ep-4)                                                                     \
    NEXT(0x1.1111111111111p-3)                                                                     \
    NEXT(0x1.3b13b13b13b14p-3)                                                                     \
    NEXT(0x1.745d1745d1746p-3)                                                                     \
    NEXT(0x1.c71c71c71c71cp-3)                                                                     \
    NEXT(0x1.2492492492492p-2)                                                                     \
    NEXT(0x1.999999999999ap-2)
#define DC_SCALE_EXP_F64(FIRST, NEXT)                                                              \
    FIRST(0x1.ae7f3e733b81fp-41)                                                                   \
    NEXT(0x1.93974a8c07c9dp-37)                                                                    \
    NEXT(0x1.6124613a86d09p-33)                                                                    \
    NEXT(0x1.1eed8eff8d898p-29)                                                                    \
    NEXT(0x1.ae64567f544e4p-26)                                                                    \
    NEXT(0x1.27e4fb7789f5cp-22)                                                                    \
    NEXT(0x1.71de3a556c734p-19)                                                                    \
    NEXT(0x1.a01a01a01a01ap-16)                                                                    \
    NEXT(0x1.a01a01a01a01ap-13)                                                                    \
    NEXT(0x1.6c16c16c16c17p-10)                                                                    \
    NEXT(0x1.1111111111111p-7)                                                                     \
    NEXT(0x1.5555555555555p-5)                                                                     \
    NEXT(0x1.5555555555555p-3)

/* ln 2 = H + L, H short enough for exact multiples; 2/3 = H + L. */
#define SCALE_LN2           SCALE_PICK(0x1.62e4p-1f, 0x1.62e42fefa0000p-1)
#define SCALE_LN2_TAIL      SCALE_PICK(0x1.7f7d1cp-20f, 0x1.cf79abc9e3b3ap-40)
#define SCALE_PER_LN2       SCALE_PICK(0x1.715476p+0f, 0x1.71547652b82fep+0)
#define SCALE_2_THIRDS      SCALE_PICK(0x1.555556p-1f, 0x1.5555555555555p-1)
#define SCALE_2_THIRDS_TAIL SCALE_PICK(-0x1.555556p-26f, 0x1.5555555555555p-55)
/* sqrt(1/2), 1 and the fraction as bits; the least normal number and what lifts all others. */
#define SCALE_ROOT_HALF SCALE_PICK(0x3f3504f3u, 0x3fe6a09e667f3bcdu)
#define SCALE_ONE       SCALE_PICK(0x3f800000u, 0x3ff0000000000000u)
#define SCALE_FRACTION  SCALE_PICK(0x7fffffu, 0xfffffffffffffu)
#define SCALE_NORMAL    SCALE_PICK(0x1p-126f, 0x1p-1022)
#define SCALE_LIFT      SCALE_PICK(0x1p32f, 0x1p64)
#define SCALE_LIFT_BITS SCALE_PICK(32, 64)
/* exp of more is infinite, of less than minus it 0.  1 + x is 1 below TINY. */
#define SCALE_EXP_MOST SCALE_PICK(110.0f, 800.0)
#define SCALE_TINY     SCALE_PICK(0x1p-26f, 0x1p-55)

#define SCALE_FIRST(c) p = (c);
#define SCALE_NEXT(c)  p = SCALE_FMA(p, x, (c));

static inline T FN(scale_log_tail)(T x)
{
    T p;
    SCALE_PICK(DC_SCALE_LOG_F32, DC_SCALE_LOG_F64)(SCALE_FIRST, SCALE_NEXT) return p;
}

static inline T FN(scale_exp_tail)(T x)
{
    T p;
    SCALE_PICK(DC_SCALE_EXP_F32, DC_SCALE_EXP_F64)(SCALE_FIRST, SCALE_NEXT) return p;
}

/* 2^n, a normal number. */
static inline T FN(scale_two_to)(int n)
{
    return SCALE_OF_BITS((SCALE_UNSIGNED)(n + SCALE_PICK(127, 1023)) << SCALE_PICK(23, 52));
}

/* k ln 2 + log(1 + f + rest), |f| < 0.42, |rest| at most half an ulp of f. */
static inline T FN(scale_log_near)(T f, T rest, int k, T *low)
{
    const T d = f + 2, d_low = (f - (d - 2)) + rest, z = FN(dc_div)(f, d);
    const T z_low = FN(dc_div)(SCALE_FMA(-z, d_low, SCALE_FMA(-z, d, f)) + rest, d);
    const T w = z * z, w_low = SCALE_FMA(2 * z, z_low, SCALE_FMA(z, z, -w));
    const T c = w * z, c_low = SCALE_FMA(w_low, z, SCALE_FMA(w, z, -c)) + w * z_low;
    const T r = SCALE_2_THIRDS * c;
    const T r_low = SCALE_FMA(SCALE_2_THIRDS, c_low,
                              SCALE_FMA(SCALE_2_THIRDS_TAIL, c, SCALE_FMA(SCALE_2_THIRDS, c, -r)));
    const T tail = (c * w) * FN(scale_log_tail)(w);
    const T a = (T)k * SCALE_LN2, t = 2 * z, s1 = a + t, s2 = s1 + r;
    const T lost = (t - (s1 - a)) + (r - (s2 - s1));
    const T more = lost + (SCALE_FMA((T)k, SCALE_LN2_TAIL, 2 * z_low) + (r_low + tail));
    const T high = s2 + more;

    *low = more - (high - s2);
    return high;
}

/* log(s + e), s > 0 and finite, |e| at most half an ulp of s. */
static inline T FN(scale_log_pair)(T s, T e, T *low)
{
    const int lifted = s < SCALE_NORMAL;
    const T whole = lifted ? s * SCALE_LIFT : s;
    const SCALE_UNSIGNED bits = SCALE_BITS_OF(whole) + (SCALE_ONE - SCALE_ROOT_HALF);
    const int k =
        (int)(bits >> SCALE_PICK(23, 52)) - SCALE_PICK(127, 1023) - (lifted ? SCALE_LIFT_BITS : 0);
    const T m = SCALE_OF_BITS((bits & SCALE_FRACTION) + SCALE_ROOT_HALF);
    const T ratio = lifted ? 0 : FN(dc_div)(e, whole), rest = ratio * m;
    const T above = m - 1, f = above + rest;

    return FN(scale_log_near)(f, rest - (f - above), k, low);
}

/* log(1 + x + rest), |rest| at most half an ulp of x; NaN below -1, -Inf for 0. */
static inline T FN(scale_log1p_pair)(T x, T rest, T *low)
{
    const T sum = 1 + x, of_x = sum - 1;
    const T lost = ((1 - (sum - of_x)) + (x - of_x)) + rest;
    const T s = sum + lost, e = lost - (s - sum), quarter = SCALE_PICK(0.25f, 0.25);

    *low = 0;
    if (x < quarter && -x < quarter)
        return FN(scale_log_near)(x, rest, 0, low);
    if (x == SCALE_INF)
        return x;
    if (!(s > 0))
        return s == 0 ? -SCALE_INF : SCALE_NAN;
    return FN(scale_log_pair)(s, e, low);
}

/* (exp(p + p_low) - minus) / per, minus 0 or 1; only the quotient may overflow. */
static inline T FN(scale_exp_pair)(T p, T p_low, int minus, T per)
{
    T k, r, r_low, square, more, high, low, sum, lost, y;
    int n;

    if (p != p)
        return SCALE_NAN;
    if (p > SCALE_EXP_MOST)
        return FN(dc_div)(SCALE_INF, per);
    if (p < -SCALE_EXP_MOST)
        return minus ? FN(dc_div)(-1, per) : 0;
    k = FN(scale_rint)(p * SCALE_PER_LN2);
    n = (int)k;
    high = SCALE_FMA(-k, SCALE_LN2, p);
    low = SCALE_FMA(-k, SCALE_LN2_TAIL, p_low);
    r = high + low;
    r_low = low - (r - high);
    square = r * r;
    more = SCALE_FMA(r_low, r, r_low) +
           SCALE_FMA(square * r, FN(scale_exp_tail)(r), square * SCALE_PICK(0.5f, 0.5));
    high = r + more;
    low = more - (high - r);
    if (minus && n == 0)
        return FN(dc_div)(high, per);
    if (minus && n > -SCALE_PICK(30, 60) && n < SCALE_PICK(30, 60)) {
        const T power = FN(scale_two_to)(n), c = power - 1, term = power * high;
        T of_term;
        sum = c + term;
        of_term = sum - c;
        lost = (c - (sum - of_term)) + (term - of_term);
        return FN(dc_div)(sum + SCALE_FMA(power, low, lost), per);
    }
    sum = 1 + high;
    lost = high - (sum - 1);
    y = sum + (lost + low);
    if (minus && n < 0)
        return FN(dc_div)(-1, per);
    return FN(dc_div)(y, per) * FN(scale_two_to)(n / 2) * FN(scale_two_to)(n - n / 2);
}

/* (exp(lambda (l + l_low)) - 1) / lambda, lambda + more */
static inline T FN(scale_powered)(T l, T l_low, T lambda, T more)
{
    const T p = lambda * l;
    T p_low, y;

    if (lambda == 0 || (p < SCALE_TINY && -p < SCALE_TINY))
        return l;
    p_low = SCALE_FMA(lambda, l_low, SCALE_FMA(more, l, SCALE_FMA(lambda, l, -p)));
    y = FN(scale_exp_pair)(p, p_low, 1, lambda);
    return more == 0 || y - y != 0 ? y : SCALE_FMA(-y, FN(dc_div)(more, lambda), y);
}

/* The number whose power it is, less `minus`: (1 + lambda y)^(1 / lambda) - minus, lambda + more */
static inline T FN(scale_unpowered)(T y, T lambda, T more, int minus)
{
    const T q = lambda * y;
    T l, l_low, h;

    if (lambda == 0)
        return FN(scale_exp_pair)(y, 0, minus, 1);
    if (q < SCALE_TINY && -q < SCALE_TINY)
        return FN(scale_exp_pair)(y, SCALE_PICK(-0.5f, -0.5) * (q * y), minus, 1);
    l = FN(scale_log1p_pair)(q, SCALE_FMA(more, y, SCALE_FMA(lambda, y, -q)), &l_low);
    h = FN(dc_div)(l, lambda);
    l_low = SCALE_FMA(-h, lambda, l) + SCALE_FMA(-h, more, l_low);
    return FN(scale_exp_pair)(h, FN(dc_div)(l_low, lambda), minus, 1);
}

static inline T FN(scale_box_cox)(T x, T lambda)
{
    T l, l_low = 0;

    if (!(x >= 0))
        return SCALE_NAN;
    l = x == 0 ? -SCALE_INF : x;
    if (x > 0 && x < SCALE_INF)
        l = FN(scale_log_pair)(x, 0, &l_low);
    return FN(scale_powered)(l, l_low, lambda, 0);
}

/* 2 - lambda, and what rounding it lost. */
static inline T FN(scale_other)(T lambda, T *more)
{
    const T other = 2 - lambda;

    const T back = other - 2;

    *more = (2 - (other - back)) + (-lambda - back);
    return other;
}

static inline T FN(scale_yeo_johnson)(T x, T lambda)
{
    T l_low, more = 0;
    const T l = FN(scale_log1p_pair)(x < 0 ? -x : x, 0, &l_low);

    if (!(x < 0))
        return FN(scale_powered)(l, l_low, lambda, more);
    lambda = FN(scale_other)(lambda, &more);
    return -FN(scale_powered)(l, l_low, lambda, more);
}

static inline T FN(scale_yeo_johnson_back)(T y, T lambda)
{
    T more = 0;

    if (!(y < 0))
        return FN(scale_unpowered)(y, lambda, more, 1);
    lambda = FN(scale_other)(lambda, &more);
    return -FN(scale_unpowered)(-y, lambda, more, 1);
}

static inline T FN(scale_power_forward)(T x, T lambda, int function)
{
    T low;

    switch (function) {
    case DC_SCALE_LOG1P:
        return FN(scale_log1p_pair)(x, 0, &low);
    case DC_SCALE_SQRT:
        return FN(dc_sqrt)(x);
    case DC_SCALE_BOX_COX:
        return FN(scale_box_cox)(x, lambda);
    default:
        return FN(scale_yeo_johnson)(x, lambda);
    }
}

static inline T FN(scale_power_back)(T y, T lambda, int function)
{
    switch (function) {
    case DC_SCALE_LOG1P:
        return FN(scale_exp_pair)(y, 0, 1, 1);
    case DC_SCALE_SQRT:
        return y < 0 ? SCALE_NAN : y * y;
    case DC_SCALE_BOX_COX:
        return FN(scale_unpowered)(y, lambda, 0, 0);
    default:
        return FN(scale_yeo_johnson_back)(y, lambda);
    }
}

static inline T FN(scale_power_value)(T x, T lambda, int function, int inverse)
{
    if (x != x || lambda != lambda)
        return SCALE_NAN;
    return FN(scale_quiet)(inverse ? FN(scale_power_back)(x, lambda, function)
                                   : FN(scale_power_forward)(x, lambda, function));
}

#endif

#include "host/core/elementary.h"

#include <math.h>

/* Where the processor has fma, calls of it become instructions: same bits, a tenth of the time. */
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(__FMA__)
#define FUSED static __attribute__((target("fma")))
#endif

/* x = k ln 2 + r, |r| <= ln 2 / 2, the series of exp(r) to r^13 / 13!. */
double dc__exp(double x)
{
    double factor[14] = {1, 1}, k, r, sum;

    if (x < -708)
        return 0;
    k = rint(x * 0x1.71547652b82fep+0);
    r = fma(k, -0x1.62e42fefa39efp-1, x);
    r = fma(k, -0x1.abc9e3b39803fp-56, r);
    for (int i = 2; i < 14; ++i)
        factor[i] = factor[i - 1] * i; /* exact to 13! */
    sum = 1 / factor[13];
    for (int i = 12; i >= 0; --i)
        sum = fma(sum, r, 1 / factor[i]);
    for (int i = (int)k; i < 0; ++i) /* exact: the result is no denormal number */
        sum *= 0.5;
    return sum;
}

/* x = 2^e m, sqrt(1/2) <= m < sqrt(2), s = (m - 1) / (m + 1), ln m = 2 (s + s^3 / 3 + ...). */
double dc__ln(double x)
{
    double s, z, sum = 0;
    int e = 0;

    while (x >= 1.4142135623730951) {
        x *= 0.5;
        ++e;
    }
    while (x < 0.7071067811865476) {
        x *= 2;
        --e;
    }
    s = (x - 1) / (x + 1);
    z = s * s;
    for (int i = 25; i >= 3; i -= 2)
        sum = fma(sum, z, 1.0 / i);
    sum = fma(2 * s * z, sum, 2 * s);
    return fma(e, 0x1.62e42fefa39efp-1, fma(e, 0x1.abc9e3b39803fp-56, sum));
}

/* cos and sin of x + tail, |x| <= pi / 4: Taylor's series, the leading terms kept apart. */
INLINE void near_zero(double x, double tail, double *c, double *s)
{
    static const double odd[] = {-1.0 / 6,
                                 1.0 / 120,
                                 -1.0 / 5040,
                                 1.0 / 362880,
                                 -1.0 / 39916800,
                                 1.0 / 6227020800.0,
                                 -1.0 / 1307674368000.0,
                                 1.0 / 355687428096000.0};
    static const double even[] = {1.0 / 24,
                                  -1.0 / 720,
                                  1.0 / 40320,
                                  -1.0 / 3628800,
                                  1.0 / 479001600,
                                  -1.0 / 87178291200.0,
                                  1.0 / 20922789888000.0,
                                  -1.0 / 6402373705728000.0};
    const double z = x * x, half = 0.5 * z, head = 1 - half;
    double p = 0, q = 0;

    for (int i = 7; i >= 0; --i) {
        p = fma(p, z, odd[i]);
        q = fma(q, z, even[i]);
    }
    /* what the square and the first difference lost */
    *s = x + fma(x * z, p, fma(-half, tail, tail));
    *c = head + (((1 - head) - half) + fma(z * z, q, fma(-x, tail, -0.5 * fma(x, x, -z))));
}

/* cos and sin of turns + tail of a turn, |turns| <= 1/8. */
INLINE void small_turn(double turns, double tail, double *c, double *s)
{
    const double head = 0x1.921fb54442d18p+2, rest = 0x1.1a62633145c07p-52; /* 2 pi */
    const double x = turns * head;

    near_zero(x, fma(turns, head, -x) + fma(turns, rest, tail * head), c, s);
}

INLINE void turn(int64_t k, int64_t n, double *c, double *s)
{
    const int64_t quarter = (4 * k + n / 2) / n; /* nearest */
    const int64_t rest = 4 * k - quarter * n;    /* of 4 n to a turn; |rest| <= n / 2 */
    const double turns = (double)rest / (4.0 * (double)n);
    const double tail = fma(-turns, 4.0 * (double)n, (double)rest) / (4.0 * (double)n);
    double x, y;

    small_turn(turns, tail, &x, &y);
    switch (quarter & 3) {
    case 0:
        *c = x, *s = y;
        break;
    case 1:
        *c = -y, *s = x;
        break;
    case 2:
        *c = -x, *s = -y;
        break;
    default:
        *c = y, *s = -x;
    }
}

INLINE double cos_pi(double x)
{
    const double half = rint(2 * x); /* nearest half: quarters of a turn */
    const int64_t quarter = (int64_t)half & 3;
    double c, s;

    small_turn((x - half * 0.5) * 0.5, 0, &c, &s);
    return quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

#ifdef FUSED
FUSED void fused_turn(int64_t k, int64_t n, double *c, double *s)
{
    turn(k, n, c, s);
}

FUSED double fused_cos_pi(double x)
{
    return cos_pi(x);
}
#endif

void dc__turn(int64_t k, int64_t n, double *c, double *s)
{
#ifdef FUSED
    if (__builtin_cpu_supports("fma")) {
        fused_turn(k, n, c, s);
        return;
    }
#endif
    turn(k, n, c, s);
}

double dc__cos_pi(double x)
{
#ifdef FUSED
    if (__builtin_cpu_supports("fma"))
        return fused_cos_pi(x);
#endif
    return cos_pi(x);
}

double dc__bessel_i0(double x)
{
    const double z = 0.25 * x * x;
    double term = 1, sum = 1;

    for (int k = 1; k < 2000 && term > sum * 0x1p-60; ++k) {
        term *= z / ((double)k * k);
        sum += term;
    }
    return sum;
}

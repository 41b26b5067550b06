/* Correctly rounded division and square root, whatever the device's own are worth.  OpenCL C and C.
 *
 * dc_div_f32, dc_sqrt_f32, dc_div_f64, dc_sqrt_f64.  C and float64 devices round correctly by
 * themselves.  A device's float32 operations may be off by 2.5 and 3 ulp; the executor says which
 * way is right there:
 *   DC_DIV_NATIVE, DC_SQRT_NATIVE   the device's own
 *   DC_DIV_F64, DC_SQRT_F64         through double: 53 >= 2 * 24 + 2 bits, so that rounding twice
 *                                   is rounding once
 *   neither                         through integers
 */
#ifndef DC_SHARED_DIVIDE_H
#define DC_SHARED_DIVIDE_H

#include "kernels/shared/base.h"

#ifdef __OPENCL_VERSION__
#define DC_BITS_OF_FLOAT(x) as_uint(x)
#define DC_FLOAT_OF_BITS(b) as_float(b)
#define DC_ROOT(x)          sqrt(x)
#ifdef DC_FP64
#define DC_DIVIDE_HAS_F64
#endif
#else
#include <math.h>
#include <string.h>
static inline dc_u32 dc_bits_of_float(float x)
{
    dc_u32 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float dc_float_of_bits(dc_u32 bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
#define DC_BITS_OF_FLOAT(x) dc_bits_of_float(x)
#define DC_FLOAT_OF_BITS(b) dc_float_of_bits(b)
#define DC_ROOT(x)          sqrtf(x)
#define DC_DIVIDE_HAS_F64
#endif

/* sign | q * 2^e, rounded to nearest even; q has 26 bits, the last says whether there is more. */
static inline float dc_float_round(dc_u32 sign, dc_u32 q, int e)
{
    int drop = 2; /* bits below the 24 of a float */
    dc_u32 kept;

    /* Exponent of the last kept bit: -149 is the last of all. */
    if (e + drop < -149)
        drop = -149 - e;
    if (drop > 27)
        return DC_FLOAT_OF_BITS(sign);
    kept = q >> drop;
    e += drop;
    q &= ((dc_u32)1 << drop) - 1;
    if (q > (dc_u32)1 << (drop - 1) || (q == (dc_u32)1 << (drop - 1) && (kept & 1)))
        kept++;
    if (kept >> 24) { /* 2^24, even */
        kept >>= 1;
        e++;
    }
    if (e > 104)
        return DC_FLOAT_OF_BITS(sign | 0x7f800000u);
    /* Denormal: bit 23 is clear, and e is -149. */
    if (kept >> 23)
        kept += (dc_u32)(e + 149) << 23;
    return DC_FLOAT_OF_BITS(sign | kept);
}

/* |x| = m * 2^e with 2^23 <= m < 2^24, for finite x other than 0. */
static inline dc_u32 dc_float_split(dc_u32 bits, int *e)
{
    dc_u32 m = bits & 0x7fffffu;

    *e = (int)(bits >> 23 & 255) - 150;
    if (*e != -150)
        return m | 0x800000u;
    for (*e = -149; !(m >> 23); --*e)
        m <<= 1;
    return m;
}

static inline float dc_div_integer(float x, float y)
{
    const dc_u32 a = DC_BITS_OF_FLOAT(x), b = DC_BITS_OF_FLOAT(y);
    const dc_u32 ax = a & 0x7fffffffu, ay = b & 0x7fffffffu, sign = (a ^ b) & 0x80000000u;
    int ex, ey;
    dc_u64 m;
    dc_u32 n, q, more;

    /* NaN, infinities and zeros need no rounding. */
    if (ax - 1 >= 0x7f7fffffu || ay - 1 >= 0x7f7fffffu) {
        if (ax > 0x7f800000u || ay > 0x7f800000u || ax == ay)
            return DC_FLOAT_OF_BITS(0x7fc00000u);
        return DC_FLOAT_OF_BITS(sign | (ax == 0x7f800000u || ay == 0 ? 0x7f800000u : 0));
    }
    m = (dc_u64)dc_float_split(ax, &ex) << 25;
    n = dc_float_split(ay, &ey);
    q = (dc_u32)(m / n); /* 2^24 < q < 2^26 */
    more = m - (dc_u64)q * n != 0;
    return q >> 25 ? dc_float_round(sign, q | more, ex - ey - 25)
                   : dc_float_round(sign, q << 1 | more, ex - ey - 26);
}

static inline float dc_sqrt_integer(float x)
{
    const dc_u32 a = DC_BITS_OF_FLOAT(x);
    int e;
    dc_u64 m, r;

    if (a == 0 || a == 0x80000000u || a == 0x7f800000u)
        return x;
    if (a > 0x7f800000u)
        return DC_FLOAT_OF_BITS(0x7fc00000u);
    m = dc_float_split(a, &e);
    m <<= e & 1 ? 25 : 26; /* 2^48 <= m < 2^50, an even exponent */
    e -= e & 1 ? 25 : 26;
    r = (dc_u64)DC_ROOT((float)m); /* 2^24 <= r < 2^25, a few units off */
    while (r * r > m)
        r--;
    while ((r + 1) * (r + 1) <= m)
        r++;
    /* 25 bits and whether there is more: never a tie */
    return dc_float_round(0, (dc_u32)(r << 1 | (r * r != m)), e / 2 - 1);
}

static inline float dc_div_f32(float x, float y)
{
#if !defined(__OPENCL_VERSION__) || defined(DC_DIV_NATIVE)
    return x / y;
#elif defined(DC_DIV_F64) && defined(DC_FP64)
    return (float)((double)x / (double)y);
#else
    return dc_div_integer(x, y);
#endif
}

static inline float dc_sqrt_f32(float x)
{
#if !defined(__OPENCL_VERSION__) || defined(DC_SQRT_NATIVE)
    return DC_ROOT(x);
#elif defined(DC_SQRT_F64) && defined(DC_FP64)
    return (float)sqrt((double)x);
#else
    return dc_sqrt_integer(x);
#endif
}

#ifdef DC_DIVIDE_HAS_F64
static inline double dc_div_f64(double x, double y)
{
    return x / y;
}

static inline double dc_sqrt_f64(double x)
{
    return sqrt(x);
}
#endif

#endif

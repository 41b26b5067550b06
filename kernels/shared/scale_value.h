/* Scaling: one value.  A template that both compilers read once per dtype (T, SFX); the contract is
 * in scale.h. */
#ifndef DC_SHARED_SCALE_VALUE_H
#define DC_SHARED_SCALE_VALUE_H

#include "kernels/shared/scale.h"

#define SCALE_PICK_f32(f32, f64) f32
#define SCALE_PICK_f64(f32, f64) f64
#define SCALE_PICK(f32, f64)     DC_CAT(SCALE_PICK, SFX)(f32, f64)

#ifdef __OPENCL_VERSION__
#define SCALE_BITS_OF(x)   SCALE_PICK(as_uint(x), as_ulong(x))
#define SCALE_OF_BITS(b)   SCALE_PICK(as_float(b), as_double(b))
#define SCALE_FMA(a, b, c) fma(a, b, c)
#else
static inline dc_u64 scale_bits_of_double(double x)
{
    dc_u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double scale_double_of_bits(dc_u64 bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
#define SCALE_BITS_OF(x)   SCALE_PICK(dc_bits_of_float, scale_bits_of_double)(x)
#define SCALE_OF_BITS(b)   SCALE_PICK(dc_float_of_bits, scale_double_of_bits)(b)
#define SCALE_FMA(a, b, c) SCALE_PICK(fmaf, fma)(a, b, c)
#endif

/* An unsigned integer as wide as T. */
#define SCALE_UNSIGNED SCALE_PICK(dc_u32, dc_u64)
#define SCALE_NAN      SCALE_OF_BITS(SCALE_PICK(0x7fc00000u, 0x7ff8000000000000u))
#define SCALE_INF_BITS SCALE_PICK(0x7f800000u, 0x7ff0000000000000u)
#define SCALE_INF      SCALE_OF_BITS(SCALE_INF_BITS)
#define SCALE_ABS_BITS SCALE_PICK(0x7fffffffu, 0x7fffffffffffffffu)
#define SCALE_VALUE(args, k)                                                                       \
    SCALE_PICK((args)->value32[(k)-DC_SCALE_A], (args)->value64[(k)-DC_SCALE_A])
#define SCALE_LOW(args)  SCALE_PICK((args)->low32, (args)->low64)
#define SCALE_HIGH(args) SCALE_PICK((args)->high32, (args)->high64)

static inline T FN(scale_quiet)(T y)
{
    return y == y ? y : SCALE_NAN;
}

/* NaN, +Inf or -Inf by their bits. */
static inline int FN(scale_is_infinite)(T x)
{
    return (SCALE_BITS_OF(x) & SCALE_ABS_BITS) == SCALE_INF_BITS;
}

static inline int FN(scale_is_missing)(T x, int inf)
{
    return x != x || (inf == DC_SCALE_INF_MISSING && FN(scale_is_infinite)(x));
}

static inline T FN(scale_held)(T y, T low, T high)
{
    y = y < low ? low : y;
    return FN(scale_quiet)(high < y ? high : y);
}

static inline T FN(scale_apply_value)(T x, T a, T b, T low, T high)
{
    return FN(scale_held)(FN(dc_div)(x - a, b), low, high);
}

static inline T FN(scale_inverse_value)(T x, T a, T b, T low, T high)
{
    const T product = x * b;
    return FN(scale_held)(product + a, low, high);
}

static inline T FN(scale_clip_value)(T x, T a, T b, int outside)
{
    const int below = x < a, above = b < x;
    const T held = below ? a : above ? b : x;
    return (below || above) && outside == DC_SCALE_OUTSIDE_MASK ? SCALE_NAN : FN(scale_quiet)(held);
}

static inline T FN(scale_fill_value)(T x, T a, T b, T c, int inf)
{
    if (x != x)
        return FN(scale_quiet)(a);
    if (inf == DC_SCALE_INF_VALUE || !FN(scale_is_infinite)(x))
        return x;
    return FN(scale_quiet)(inf == DC_SCALE_INF_MISSING ? a : x > 0 ? c : b);
}

/* Row `at` rows after the valid x0, where x1 is valid `apart` rows after it. */
static inline T FN(scale_between)(T x0, T x1, dc_i64 at, dc_i64 apart)
{
    const T slope = FN(dc_div)(x1 - x0, (T)apart), product = slope * (T)at;
    return FN(scale_quiet)(product + x0);
}

/* ---- codes ------------------------------------------------------------------------------------
 */

/* Half to even, |x| < 2^21 (float32) or 2^51: adding lets go of the bits behind the point. */
static inline T FN(scale_rint)(T x)
{
    const T big = SCALE_PICK(0x1.8p23f, 0x1.8p52);
    const T y = x + big;
    return y - big;
}

/* Zero point as it is used. */
static inline T FN(scale_zero)(T a, dc_i32 least, dc_i32 most)
{
    const T low = (T)least, high = (T)most;
    a = a == a ? a : 0;
    a = a < low ? low : a;
    return FN(scale_rint)(high < a ? high : a);
}

/* x / b as QUANTIZE sees it before it is held; a finite number where it is NaN. */
static inline T FN(scale_ratio)(T x, T b)
{
    const T v = FN(dc_div)(x, b);
    return v == v ? v : 0;
}

static inline dc_i32 FN(scale_code)(T x, T a, T b, dc_i32 least, dc_i32 most)
{
    const T z = FN(scale_zero)(a, least, most), low = (T)least - z, high = (T)most - z;
    T v = FN(scale_ratio)(x, b);
    v = v < low ? low : v;
    v = high < v ? high : v;
    return (dc_i32)(FN(scale_rint)(v) + z);
}

/* Would it be held?  Half a code beyond the range still rounds into it (to even). */
static inline int FN(scale_saturates)(T x, T a, T b, dc_i32 least, dc_i32 most)
{
    const T z = FN(scale_zero)(a, least, most), low = (T)least - z, high = (T)most - z;
    T v = FN(scale_ratio)(x, b);
    v = v < low - 1 ? low - 1 : v;
    v = high + 1 < v ? high + 1 : v;
    v = FN(scale_rint)(v);
    return v < low || high < v;
}

/* Bits of the nearest float16, ties to even; NaN is the one quiet NaN of float16. */
static inline dc_u16 FN(scale_half)(T x)
{
    const SCALE_UNSIGNED bits = SCALE_BITS_OF(x), size = bits & SCALE_ABS_BITS;
    const int width = SCALE_PICK(23, 52);
    const dc_u32 sign = (dc_u32)(bits >> SCALE_PICK(16, 48)) & 0x8000u;
    const int e = (int)(size >> width) - SCALE_PICK(127, 1023); /* -14 ... 15: normal halves */
    int drop = width - 10;
    SCALE_UNSIGNED m = size & (((SCALE_UNSIGNED)1 << width) - 1), rest, tie;
    dc_u32 kept;

    if (size > SCALE_INF_BITS)
        return 0x7e00;
    if (e > 15)
        return (dc_u16)(sign | 0x7c00u);
    if (e < -25)
        return (dc_u16)sign; /* below half of the least half */
    m |= (SCALE_UNSIGNED)1 << width;
    drop += e < -14 ? -14 - e : 0;
    tie = (SCALE_UNSIGNED)1 << (drop - 1);
    rest = m & ((tie << 1) - 1);
    kept = (dc_u32)(m >> drop);
    kept += rest > tie || (rest == tie && (kept & 1)) ? 1u : 0u;
    /* The leading bit counts as one in the exponent; a carry goes there, too, up to infinity. */
    if (e >= -14)
        kept += (dc_u32)(e + 14) << 10;
    return (dc_u16)(sign | kept);
}

/* The value of a float16, exact. */
static inline T FN(scale_unhalf)(dc_u16 code)
{
    const dc_u32 e = code >> 10 & 31u, m = code & 0x3ffu;
    const SCALE_UNSIGNED sign = (SCALE_UNSIGNED)(code & 0x8000u) << SCALE_PICK(16, 48);
    T size;

    if (e == 31)
        return m ? SCALE_NAN : SCALE_OF_BITS(sign | SCALE_INF_BITS);
    if (e == 0)
        size = (T)m * SCALE_PICK(0x1p-24f, 0x1p-24);
    else
        size = SCALE_OF_BITS((SCALE_UNSIGNED)(e + SCALE_PICK(112, 1008)) << SCALE_PICK(23, 52) |
                             (SCALE_UNSIGNED)m << SCALE_PICK(13, 42));
    return SCALE_OF_BITS(SCALE_BITS_OF(size) | sign);
}

static inline int FN(scale_overflows)(T x, T b)
{
    const T v = FN(dc_div)(x, b);
    return x - x == 0 && (FN(scale_half)(v) & 0x7fffu) == 0x7c00u;
}

static inline T FN(scale_decoded)(T q, T a, T b)
{
    return FN(scale_quiet)((q - a) * b);
}

/* ---- counts -----------------------------------------------------------------------------------
 */

static inline int FN(scale_counted)(T x, T a, T b, int what, int format, dc_i32 least, dc_i32 most)
{
    if (what == DC_SCALE_COUNT_MISSING)
        return x != x;
    if (what == DC_SCALE_COUNT_OUTSIDE)
        return x < a || b < x;
    return format == DC_F16 ? FN(scale_overflows)(x, b) : FN(scale_saturates)(x, a, b, least, most);
}

#endif

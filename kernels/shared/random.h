/* Random numbers: what the two compilers must agree on.
 *
 * Element i of the output (row-major) is value offset + i of an endless sequence that the seed, the
 * row and the dtype name; it depends on nothing else, so that any cut of the work gives the same
 * bits.  Value v is made of block b = v / VALUES, VALUES = 4 (float32) or 2 (float64):
 *
 *     words w[0] ... w[3] = Philox4x32-10, counter (b mod 2^32, b / 2^32, DC_F32 or DC_F64, kind),
 *                           key (seed mod 2^32, seed / 2^32)
 *
 * so that rows and dtypes of one seed have nothing in common.  In float64, d[k] = w[2k] + 2^32
 * w[2k + 1].  Every operation below rounds once; F is fma.
 *
 * Uniform (contract, exact on every device):
 *     float32   u = (w[k] >> 8) 2^-24           float64   u = (d[k] >> 11) 2^-53
 *     x = u * span + low, the product rounded, then the sum;  x < top ? x : top
 * with low rounded to the dtype, span = high - low rounded, top the largest value below high (low
 * where the two are equal).
 *
 * Normal (contract): Box and Muller on pairs of words or draws, (a, b) = (w[0], w[1]), (w[2], w[3])
 * or (d[0], d[1]):
 *       float32   R = r std,  x = F(R, c, mean) and F(R, s, mean)
 *       float64   R = r std,  R' = F(r', std, F(r, std, -R)),
 *                 x = F(R, c, F(R', c, F(R, c', mean))) and with s, s'
 *     where what is primed was lost when the other was rounded.
 *     radius    r = sqrt(n), n = -2 ln u, u in (0, 1]
 *       float32   u 2^31 = (float)(a >> 1) + 0.5
 *       float64   u = (2 (a >> 12) + 1) 2^-53, exact
 *       u = m 2^e with sqrt(1/2) <= m < sqrt(2),  z = 2 - 2m, exact,  q = F(z, G(z), 1/4)
 *       float32   n = F(e, -2 ln 2, F(z z, q, z))
 *       float64   h = -e H exact,  t = h + z,  p = F(z z, q, F(e, -L, (h - t) + z)),
 *                 H + L = 2 ln 2,  n = t + p,  r' = (F(-r, r, n) + ((t - n) + p)) / (2 r)
 *     angle     B = b + 2^29 (float64: 2^61); its two upper bits are the quadrant, what is left
 *               gives y, |y| <= 1/2:
 *       float32   y = (float)(4 ((B mod 2^30) - 2^29)) 2^-32
 *       float64   y = ((B mod 2^62 >> 10) - 2^51) 2^-52, exact
 *       w = y y,  j = y F(w, S(w), p),  s = F(y, P, j),  s' = F(y, P, -s) + j,  P + p = pi / 2
 *       float32   c = F(w, C(w), 1)
 *       float64   g = F(w, K, 1),  i = F(w, C(w), F(F(y, y, -w), K, F(w, K, 1 - g))),
 *                 c = g + i,  c' = (g - c) + i
 *     odd quadrants exchange c and s; then c changes sign in quadrants 1 and 2, s in 2 and 3.
 * Polynomials are those below, by Horner's rule with fma.
 */
#ifndef DC_SHARED_RANDOM_H
#define DC_SHARED_RANDOM_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum { DC_RANDOM_MAX_AXES = 8, DC_RANDOM_VALUES_F32 = 4, DC_RANDOM_VALUES_F64 = 2 };

/* The output is seen as `count` elements in row-major order over `shape`: element i lies at the sum
 * over d of (digit d of i) * stride[d], the last of the `ndim` axes running fastest.  The plan has
 * left out axes of one element and merged axes that lie end to end. */
typedef struct dc_random_args {
    dc_i64 count;
    dc_i64 offset; /* >= 0, and offset + count < 2^63 */
    dc_u64 seed;
    dc_i64 shape[DC_RANDOM_MAX_AXES];
    dc_i64 stride[DC_RANDOM_MAX_AXES];
    dc_f64 add64, scale64, top64; /* low, span, top; or mean, std, 0.  float32 never reads these */
    float add32, scale32, top32;
    dc_i32 ndim; /* >= 1 */
    dc_i32 kind; /* DC_RANDOM_* */
    dc_i32 dtype;
} dc_random_args;

#define DC_PHILOX_M0 0xd2511f53u
#define DC_PHILOX_M1 0xcd9e8d57u
#define DC_PHILOX_W0 0x9e3779b9u
#define DC_PHILOX_W1 0xbb67ae85u
enum { DC_PHILOX_ROUNDS = 10 };

/* Polynomials as lists of coefficients, the highest power first: FIRST begins, NEXT is one step of
 * Horner's rule.
 *   LOG  G:  -2 ln(1 - z / 2) = z + z^2 (1/4 + z G(z)),  sqrt(1/2) <= 1 - z / 2 <= sqrt(2)
 *   SIN  S:  sin(pi y / 2) = y (pi / 2 + w S(w)),    w = y^2 <= 1/4
 *   COS  C:  cos(pi y / 2) = 1 + w C(w);  float64: 1 + w (K + C(w)), K = DC_RANDOM_COS_HEAD_F64
 * Errors, relative to the function: 2^-25, 2^-28, 2^-26; float64 2^-56, 2^-57, 2^-55. */
#define DC_RANDOM_LOG_F32(FIRST, NEXT)                                                             \
    FIRST(0x1.43b25ep-13f)                                                                         \
    NEXT(0x1.028162p-11f)                                                                          \
    NEXT(0x1.0a33f0p-10f)                                                                          \
    NEXT(0x1.231ce4p-9f)                                                                           \
    NEXT(0x1.54d03ep-8f)                                                                           \
    NEXT(0x1.999f14p-7f)                                                                           \
    NEXT(0x1.0000cep-5f)                                                                           \
    NEXT(0x1.555554p-4f)
#define DC_RANDOM_SIN_F32(FIRST, NEXT)                                                             \
    FIRST(0x1.4cb700p-13f)                                                                         \
    NEXT(-0x1.32ce1cp-8f)                                                                          \
    NEXT(0x1.466bc2p-4f)                                                                           \
    NEXT(-0x1.4abbcep-1f)
#define DC_RANDOM_COS_F32(FIRST, NEXT)                                                             \
    FIRST(0x1.db63e6p-11f)                                                                         \
    NEXT(-0x1.55cb96p-6f)                                                                          \
    NEXT(0x1.03c1eap-2f)                                                                           \
    NEXT(-0x1.3bd3ccp+0f)
#define DC_RANDOM_LOG_F64(FIRST, NEXT)                                                             \
    FIRST(0x1.9a9abd337d594p-27)                                                                   \
    NEXT(0x1.d031e1695fa0fp-25)                                                                    \
    NEXT(0x1.f622726139b50p-24)                                                                    \
    NEXT(0x1.b8106561c49d5p-23)                                                                    \
    NEXT(0x1.b7c4ec4fa6f46p-22)                                                                    \
    NEXT(0x1.de2b239b1ed44p-21)                                                                    \
    NEXT(0x1.009da02073165p-19)                                                                    \
    NEXT(0x1.1148d71f7565cp-18)                                                                    \
    NEXT(0x1.248bbb16fa5f9p-17)                                                                    \
    NEXT(0x1.3b10575caa7c2p-16)                                                                    \
    NEXT(0x1.555574ce0c2e4p-15)                                                                    \
    NEXT(0x1.745d343989cc1p-14)                                                                    \
    NEXT(0x1.999999970efeap-13)                                                                    \
    NEXT(0x1.c71c713ccb202p-12)                                                                    \
    NEXT(0x1.fffffffe03789p-11)                                                                    \
    NEXT(0x1.24924925376fcp-9)                                                                     \
    NEXT(0x1.5555555558074p-8)                                                                     \
    NEXT(0x1.9999999999010p-7)                                                                     \
    NEXT(0x1.fffffffffffe7p-6)                                                                     \
    NEXT(0x1.5555555555556p-4)
#define DC_RANDOM_SIN_F64(FIRST, NEXT)                                                             \
    FIRST(-0x1.6cc52bef4f944p-31)                                                                  \
    NEXT(0x1.e8f035ebfe7aep-25)                                                                    \
    NEXT(-0x1.e3074d253f118p-19)                                                                   \
    NEXT(0x1.50783486fa66fp-13)                                                                    \
    NEXT(-0x1.32d2cce62b870p-8)                                                                    \
    NEXT(0x1.466bc6775aae1p-4)                                                                     \
    NEXT(-0x1.4abbce625be53p-1)
#define DC_RANDOM_COS_F64(FIRST, NEXT)                                                             \
    FIRST(-0x1.b2f38468444a1p-28)                                                                  \
    NEXT(0x1.f9ce23426c0b4p-22)                                                                    \
    NEXT(-0x1.a6d1eef358ff6p-16)                                                                   \
    NEXT(0x1.e1f5068687c82p-11)                                                                    \
    NEXT(-0x1.55d3c7e3cb23ap-6)                                                                    \
    NEXT(0x1.03c1f081b5ac0p-2)                                                                     \
    NEXT(-0x1.66ec594ac0f8cp-54)

/* P + p = pi / 2; H + L = 2 ln 2, H short enough for exact multiples up to 2^13. */
#define DC_RANDOM_HALF_PI_F32      0x1.921fb6p+0f
#define DC_RANDOM_HALF_PI_TAIL_F32 -0x1.777a5cp-25f
#define DC_RANDOM_TWO_LN2_F32      0x1.62e430p+0f
#define DC_RANDOM_HALF_PI_F64      0x1.921fb54442d18p+0
#define DC_RANDOM_HALF_PI_TAIL_F64 0x1.1a62633145c07p-54
#define DC_RANDOM_COS_HEAD_F64     -0x1.3bd3cc9be45dep+0
#define DC_RANDOM_TWO_LN2_F64      0x1.62e42fefa0000p+0
#define DC_RANDOM_TWO_LN2_TAIL_F64 0x1.cf79abc9e3b3ap-39
/* sqrt(1/2), the lowest m, as bits. */
#define DC_RANDOM_ROOT_HALF_F32 0x3f3504f3u
#define DC_RANDOM_ROOT_HALF_F64 0x3fe6a09e667f3bcdu

static inline dc_u32 random_high(dc_u32 a, dc_u32 b)
{
    return (dc_u32)((dc_u64)a * b >> 32);
}

/* Philox4x32-10 of Salmon et al. (2011): w is the counter, and receives the block. */
static inline void random_philox(dc_u32 *w, dc_u32 k0, dc_u32 k1)
{
    for (int r = 0; r < DC_PHILOX_ROUNDS; r++) {
        const dc_u32 w0 = random_high(DC_PHILOX_M1, w[2]) ^ w[1] ^ k0, w1 = DC_PHILOX_M1 * w[2];

        w[2] = random_high(DC_PHILOX_M0, w[0]) ^ w[3] ^ k1;
        w[3] = DC_PHILOX_M0 * w[0];
        w[0] = w0;
        w[1] = w1;
        k0 += DC_PHILOX_W0;
        k1 += DC_PHILOX_W1;
    }
}

static inline void random_words(const dc_random_args *args, dc_u64 block, dc_u32 *w)
{
    w[0] = (dc_u32)block;
    w[1] = (dc_u32)(block >> 32);
    w[2] = (dc_u32)args->dtype;
    w[3] = (dc_u32)args->kind;
    random_philox(w, (dc_u32)args->seed, (dc_u32)(args->seed >> 32));
}

/* ---- one value after the other: the kernels, and what the mirror is tested against ------------
 */

#ifdef __OPENCL_VERSION__
#define DC_RANDOM_FMA_F32(a, b, c) fma(a, b, c)
#else
#define DC_RANDOM_FMA_F32(a, b, c) fmaf(a, b, c)
#endif
#define DC_RANDOM_FIRST(c)    p = (c);
#define DC_RANDOM_NEXT_F32(c) p = DC_RANDOM_FMA_F32(p, x, (c));
#define DC_RANDOM_NEXT_F64(c) p = fma(p, x, (c));

static inline float random_log_f32(float x)
{
    float p;
    DC_RANDOM_LOG_F32(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F32)
    return p;
}

static inline float random_sin_f32(float x)
{
    float p;
    DC_RANDOM_SIN_F32(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F32)
    return p;
}

static inline float random_cos_f32(float x)
{
    float p;
    DC_RANDOM_COS_F32(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F32)
    return p;
}

static inline float random_radius_f32(dc_u32 a)
{
    const float u = (float)(dc_i32)(a >> 1) + 0.5f; /* times 2^31 */
    const dc_u32 bits = DC_BITS_OF_FLOAT(u) + (0x3f800000u - DC_RANDOM_ROOT_HALF_F32);
    const float e = (float)((dc_i32)(bits >> 23) - (127 + 31)); /* <= 0 */
    const float m = DC_FLOAT_OF_BITS((bits & 0x7fffffu) + DC_RANDOM_ROOT_HALF_F32);
    const float z = 2.0f - 2.0f * m, q = DC_RANDOM_FMA_F32(z, random_log_f32(z), 0.25f);

    return dc_sqrt_f32(
        DC_RANDOM_FMA_F32(e, -DC_RANDOM_TWO_LN2_F32, DC_RANDOM_FMA_F32(z * z, q, z)));
}

/* cos, sin of the angle 2 pi b / 2^32 */
static inline void random_turn_f32(dc_u32 b, float *v)
{
    const dc_u32 turned = b + 0x20000000u;
    const float y = (float)(dc_i32)(b << 2) * 0x1p-32f, w = y * y; /* b << 2: its sign is free */
    const float tail = y * DC_RANDOM_FMA_F32(w, random_sin_f32(w), DC_RANDOM_HALF_PI_TAIL_F32);
    const float s = DC_RANDOM_FMA_F32(y, DC_RANDOM_HALF_PI_F32, tail);
    const float c = DC_RANDOM_FMA_F32(w, random_cos_f32(w), 1.0f);
    const dc_u32 odd = turned & 0x40000000u;
    const dc_u32 x0 = DC_BITS_OF_FLOAT(odd ? s : c) ^ ((turned + 0x40000000u) & 0x80000000u);
    const dc_u32 x1 = DC_BITS_OF_FLOAT(odd ? c : s) ^ (turned & 0x80000000u);

    v[0] = DC_FLOAT_OF_BITS(x0);
    v[1] = DC_FLOAT_OF_BITS(x1);
}

/* The DC_RANDOM_VALUES values of a block. */
static inline void random_uniform_block_f32(const dc_random_args *args, dc_u64 block, float *v)
{
    dc_u32 w[4];

    random_words(args, block, w);
    for (int k = 0; k < 4; k++) {
        const float product = (float)(dc_i32)(w[k] >> 8) * 0x1p-24f * args->scale32;
        const float x = product + args->add32;

        v[k] = x < args->top32 ? x : args->top32;
    }
}

static inline void random_normal_block_f32(const dc_random_args *args, dc_u64 block, float *v)
{
    dc_u32 w[4];

    random_words(args, block, w);
    for (int k = 0; k < 4; k += 2) {
        const float r = random_radius_f32(w[k]) * args->scale32;

        random_turn_f32(w[k + 1], v + k);
        v[k] = DC_RANDOM_FMA_F32(r, v[k], args->add32);
        v[k + 1] = DC_RANDOM_FMA_F32(r, v[k + 1], args->add32);
    }
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
#ifdef __OPENCL_VERSION__
#define DC_BITS_OF_DOUBLE(x) as_ulong(x)
#define DC_DOUBLE_OF_BITS(b) as_double(b)
#else
static inline dc_u64 dc_bits_of_double(double x)
{
    dc_u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double dc_double_of_bits(dc_u64 bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
#define DC_BITS_OF_DOUBLE(x) dc_bits_of_double(x)
#define DC_DOUBLE_OF_BITS(b) dc_double_of_bits(b)
#endif

static inline double random_log_f64(double x)
{
    double p;
    DC_RANDOM_LOG_F64(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F64)
    return p;
}

static inline double random_sin_f64(double x)
{
    double p;
    DC_RANDOM_SIN_F64(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F64)
    return p;
}

static inline double random_cos_f64(double x)
{
    double p;
    DC_RANDOM_COS_F64(DC_RANDOM_FIRST, DC_RANDOM_NEXT_F64)
    return p;
}

static inline double random_radius_f64(dc_u64 a, double *lost)
{
    const double u = DC_DOUBLE_OF_BITS(0x3ff0000000000000u | a >> 12) - (1.0 - 0x1p-53);
    const dc_u64 bits = DC_BITS_OF_DOUBLE(u) + (0x3ff0000000000000u - DC_RANDOM_ROOT_HALF_F64);
    const double e = (double)((dc_i32)(bits >> 52) - 1023); /* <= 0 */
    const double m = DC_DOUBLE_OF_BITS((bits & 0xfffffffffffffu) + DC_RANDOM_ROOT_HALF_F64);
    const double z = 2.0 - 2.0 * m, q = fma(z, random_log_f64(z), 0.25);
    const double h = e * -DC_RANDOM_TWO_LN2_F64, t = h + z;
    const double p = fma(z * z, q, fma(e, -DC_RANDOM_TWO_LN2_TAIL_F64, (h - t) + z));
    const double n = t + p, r = dc_sqrt_f64(n);

    *lost = dc_div_f64(fma(-r, r, n) + ((t - n) + p), 2.0 * r);
    return r;
}

static inline double random_signed_f64(double x, dc_u64 sign)
{
    return DC_DOUBLE_OF_BITS(DC_BITS_OF_DOUBLE(x) ^ (sign & 0x8000000000000000u));
}

/* cos, sin of the angle 2 pi b / 2^64, b's last 10 bits left out */
static inline void random_turn_f64(dc_u64 b, double *v, double *lost)
{
    const dc_u64 turned = b + 0x2000000000000000u, quarter = 0x4000000000000000u;
    const dc_i64 place = (dc_i64)((turned & (quarter - 1)) >> 10) - 0x8000000000000;
    const double y = (double)place * 0x1p-52, w = y * y;
    const double j = y * fma(w, random_sin_f64(w), DC_RANDOM_HALF_PI_TAIL_F64);
    const double s = fma(y, DC_RANDOM_HALF_PI_F64, j);
    const double s_lost = fma(y, DC_RANDOM_HALF_PI_F64, -s) + j;
    const double g = fma(w, DC_RANDOM_COS_HEAD_F64, 1.0);
    const double g_lost = fma(w, DC_RANDOM_COS_HEAD_F64, 1.0 - g);
    const double low = fma(fma(y, y, -w), DC_RANDOM_COS_HEAD_F64, g_lost);
    const double i = fma(w, random_cos_f64(w), low), c = g + i, c_lost = (g - c) + i;
    const int odd = (turned & quarter) != 0;

    v[0] = random_signed_f64(odd ? s : c, turned + quarter);
    v[1] = random_signed_f64(odd ? c : s, turned);
    lost[0] = random_signed_f64(odd ? s_lost : c_lost, turned + quarter);
    lost[1] = random_signed_f64(odd ? c_lost : s_lost, turned);
}

static inline void random_draws(const dc_random_args *args, dc_u64 block, dc_u64 *d)
{
    dc_u32 w[4];

    random_words(args, block, w);
    d[0] = w[0] | (dc_u64)w[1] << 32;
    d[1] = w[2] | (dc_u64)w[3] << 32;
}

static inline void random_uniform_block_f64(const dc_random_args *args, dc_u64 block, double *v)
{
    dc_u64 d[2];

    random_draws(args, block, d);
    for (int k = 0; k < 2; k++) {
        const double product = (double)(dc_i64)(d[k] >> 11) * 0x1p-53 * args->scale64;
        const double x = product + args->add64;

        v[k] = x < args->top64 ? x : args->top64;
    }
}

static inline void random_normal_block_f64(const dc_random_args *args, dc_u64 block, double *v)
{
    double r, scaled, rest, lost[2];
    dc_u64 d[2];

    random_draws(args, block, d);
    r = random_radius_f64(d[0], &rest);
    scaled = r * args->scale64;
    rest = fma(rest, args->scale64, fma(r, args->scale64, -scaled));
    random_turn_f64(d[1], v, lost);
    for (int k = 0; k < 2; k++)
        v[k] = fma(scaled, v[k], fma(rest, v[k], fma(scaled, lost[k], args->add64)));
}
#endif

#endif

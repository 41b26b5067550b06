/* CPU vectors: one name per operation, the same meaning on every instruction set.  CPU only.
 *
 * The first part is guarded.  The second is a template: it is read once per dtype with T (float,
 * double) and SFX (f32, f64) defined, and has no guard of its own beyond one per dtype.
 *
 * Names carry the dtype: FN(vec) is a register of VEC_LANES values of T, FN(mask) one truth value
 * per lane, FN(cvec) one exact counter per lane.  Memory may lie at any byte (FN(loose),
 * FN(vloadu)); only FN(vload), FN(vstore) and FN(vstream) need the alignment of a register.
 */
#ifndef DC_SHARED_VEC_H
#define DC_SHARED_VEC_H

#include "kernels/shared/base.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define DC_VECTOR_BYTES  64
#define DC_VECTOR_AVX512 1
#elif defined(__AVX2__)
#define DC_VECTOR_BYTES 32
#define DC_VECTOR_AVX2  1
#else
#define DC_VECTOR_BYTES 16
#endif

#define DC_INLINE static inline __attribute__((always_inline, unused))
/* A template's functions: not every row uses all of them. */
#define DC_UNUSED __attribute__((unused))

/* DC_BITS_OF(SFX) is 32 or 64 and can stand in an #if. */
#define DC_BITS_f32    32
#define DC_BITS_f64    64
#define DC_BITS_OF_(s) DC_BITS_##s
#define DC_BITS_OF(s)  DC_BITS_OF_(s)

#define VEC_LANES ((int)(DC_VECTOR_BYTES / sizeof(T)))

/* Orders non-temporal stores before whatever tells another thread that they are done. */
DC_INLINE void dc_vec_fence(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif

#if defined(T) && defined(SFX)
#if DC_BITS_OF(SFX) == 32 && !defined(DC_SHARED_VEC_F32)
#define DC_SHARED_VEC_F32
#define DC_VEC_TYPED 32
#elif DC_BITS_OF(SFX) == 64 && !defined(DC_SHARED_VEC_F64)
#define DC_SHARED_VEC_F64
#define DC_VEC_TYPED 64
#endif
#endif

#ifdef DC_VEC_TYPED

typedef T FN(vec) __attribute__((vector_size(DC_VECTOR_BYTES)));
typedef T FN(vecu) __attribute__((vector_size(DC_VECTOR_BYTES), aligned(1), may_alias));
typedef T FN(loose) __attribute__((aligned(1), may_alias));
#if DC_VEC_TYPED == 32
typedef dc_i32 FN(bits) __attribute__((vector_size(DC_VECTOR_BYTES)));
typedef dc_i32 FN(cvec) __attribute__((vector_size(DC_VECTOR_BYTES)));
#define VEC_PICK(ps, pd) ps
#define VEC_INF_BITS     0x7f800000
#define VEC_ABS_BITS     0x7fffffff
#define VEC_NAN_BITS     0x7fc00000
#else
typedef dc_i64 FN(bits) __attribute__((vector_size(DC_VECTOR_BYTES)));
typedef double FN(cvec) __attribute__((vector_size(DC_VECTOR_BYTES)));
#define VEC_PICK(ps, pd) pd
#define VEC_INF_BITS     0x7ff0000000000000
#define VEC_ABS_BITS     0x7fffffffffffffff
#define VEC_NAN_BITS     0x7ff8000000000000
#endif

#ifdef DC_VECTOR_AVX512
#if DC_VEC_TYPED == 32
typedef __mmask16 FN(mask);
#else
typedef __mmask8 FN(mask);
#endif
#else
typedef FN(bits) FN(mask); /* all ones or all zeros per lane */
#endif

DC_INLINE FN(vec) FN(vset)(T x)
{
#ifdef DC_VECTOR_AVX512
    return (FN(vec))VEC_PICK(_mm512_set1_ps(x), _mm512_set1_pd(x));
#else
    FN(vec) v;
    for (int i = 0; i < VEC_LANES; i++)
        v[i] = x;
    return v;
#endif
}

DC_INLINE FN(vec) FN(vzero)(void)
{
    return (FN(vec)){0};
}

DC_INLINE FN(vec) FN(vnegzero)(void)
{
    return FN(vset)((T)-0.0);
}

/* The library's one quiet NaN. */
DC_INLINE FN(vec) FN(vquiet)(void)
{
    return (FN(vec))((FN(bits)){0} + VEC_NAN_BITS);
}

DC_INLINE FN(vec) FN(vinf)(void)
{
    return (FN(vec))((FN(bits)){0} + VEC_INF_BITS);
}

DC_INLINE FN(vec) FN(vload)(const T *p)
{
    return *(const FN(vec) *)p;
}

DC_INLINE void FN(vstore)(T *p, FN(vec) v)
{
    *(FN(vec) *)p = v;
}

DC_INLINE FN(vec) FN(vloadu)(const FN(loose) * p)
{
    return *(const FN(vecu) *)p;
}

DC_INLINE void FN(vstoreu)(FN(loose) * p, FN(vec) v)
{
    *(FN(vecu) *)p = v;
}

/* The first n lanes (0 <= n <= VEC_LANES); the others become 0, and nothing beyond n is touched. */
DC_INLINE FN(vec) FN(vload_n)(const FN(loose) * p, int n)
{
#ifdef DC_VECTOR_AVX512
    FN(mask) k = (FN(mask))((1u << n) - 1u);
    return (FN(vec))VEC_PICK(_mm512_maskz_loadu_ps(k, (const void *)p),
                             _mm512_maskz_loadu_pd(k, (const void *)p));
#else
    FN(vec) v = {0};
    memcpy(&v, (const void *)p, (size_t)n * sizeof(T));
    return v;
#endif
}

DC_INLINE void FN(vstore_n)(FN(loose) * p, FN(vec) v, int n)
{
#ifdef DC_VECTOR_AVX512
    FN(mask) k = (FN(mask))((1u << n) - 1u);
    VEC_PICK(_mm512_mask_storeu_ps((void *)p, k, (__m512)v),
             _mm512_mask_storeu_pd((void *)p, k, (__m512d)v));
#else
    memcpy((void *)p, &v, (size_t)n * sizeof(T));
#endif
}

/* Half a register from each of two places, and back. */
DC_INLINE FN(vec) FN(vload_2)(const FN(loose) * low, const FN(loose) * high)
{
#ifdef DC_VECTOR_AVX512
    const __m512d v = _mm512_castpd256_pd512(_mm256_loadu_pd((const void *)low));
    return (FN(vec))_mm512_insertf64x4(v, _mm256_loadu_pd((const void *)high), 1);
#else
    FN(vec) v;
    memcpy(&v, (const void *)low, sizeof v / 2);
    memcpy((char *)&v + sizeof v / 2, (const void *)high, sizeof v / 2);
    return v;
#endif
}

DC_INLINE void FN(vstore_2)(FN(loose) * low, FN(loose) * high, FN(vec) v)
{
#ifdef DC_VECTOR_AVX512
    _mm256_storeu_pd((void *)low, _mm512_castpd512_pd256((__m512d)v));
    _mm256_storeu_pd((void *)high, _mm512_extractf64x4_pd((__m512d)v, 1));
#else
    memcpy((void *)low, &v, sizeof v / 2);
    memcpy((void *)high, (const char *)&v + sizeof v / 2, sizeof v / 2);
#endif
}

/* Store past the caches; p is aligned to DC_VECTOR_BYTES.  dc_vec_fence() before anyone reads. */
DC_INLINE void FN(vstream)(T *p, FN(vec) v)
{
#if defined(DC_VECTOR_AVX512)
    VEC_PICK(_mm512_stream_ps(p, (__m512)v), _mm512_stream_pd(p, (__m512d)v));
#elif defined(DC_VECTOR_AVX2)
    VEC_PICK(_mm256_stream_ps(p, (__m256)v), _mm256_stream_pd(p, (__m256d)v));
#elif defined(__SSE2__)
    VEC_PICK(_mm_stream_ps(p, (__m128)v), _mm_stream_pd(p, (__m128d)v));
#else
    FN(vstore)(p, v);
#endif
}

/* x < y ? x : y, so the second where they are equal or unordered. */
DC_INLINE FN(vec) FN(vmin)(FN(vec) x, FN(vec) y)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))VEC_PICK(_mm512_min_ps((__m512)x, (__m512)y),
                             _mm512_min_pd((__m512d)x, (__m512d)y));
#elif defined(DC_VECTOR_AVX2)
    return (FN(vec))VEC_PICK(_mm256_min_ps((__m256)x, (__m256)y),
                             _mm256_min_pd((__m256d)x, (__m256d)y));
#elif defined(__SSE2__)
    return (FN(vec))VEC_PICK(_mm_min_ps((__m128)x, (__m128)y), _mm_min_pd((__m128d)x, (__m128d)y));
#else
    FN(bits) m = x < y;
    return (FN(vec))(((FN(bits))x & m) | ((FN(bits))y & ~m));
#endif
}

/* x > y ? x : y, so the second where they are equal or unordered. */
DC_INLINE FN(vec) FN(vmax)(FN(vec) x, FN(vec) y)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))VEC_PICK(_mm512_max_ps((__m512)x, (__m512)y),
                             _mm512_max_pd((__m512d)x, (__m512d)y));
#elif defined(DC_VECTOR_AVX2)
    return (FN(vec))VEC_PICK(_mm256_max_ps((__m256)x, (__m256)y),
                             _mm256_max_pd((__m256d)x, (__m256d)y));
#elif defined(__SSE2__)
    return (FN(vec))VEC_PICK(_mm_max_ps((__m128)x, (__m128)y), _mm_max_pd((__m128d)x, (__m128d)y));
#else
    FN(bits) m = x > y;
    return (FN(vec))(((FN(bits))x & m) | ((FN(bits))y & ~m));
#endif
}

DC_INLINE FN(vec) FN(vsqrt)(FN(vec) x)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))VEC_PICK(_mm512_sqrt_ps((__m512)x), _mm512_sqrt_pd((__m512d)x));
#elif defined(DC_VECTOR_AVX2)
    return (FN(vec))VEC_PICK(_mm256_sqrt_ps((__m256)x), _mm256_sqrt_pd((__m256d)x));
#elif defined(__SSE2__)
    return (FN(vec))VEC_PICK(_mm_sqrt_ps((__m128)x), _mm_sqrt_pd((__m128d)x));
#else
    for (int i = 0; i < VEC_LANES; i++)
        x[i] = VEC_PICK(__builtin_sqrtf(x[i]), __builtin_sqrt(x[i]));
    return x;
#endif
}

/* a b + c, rounded once. */
DC_INLINE FN(vec) FN(vfma)(FN(vec) a, FN(vec) b, FN(vec) c)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))VEC_PICK(_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c),
                             _mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c));
#elif defined(DC_VECTOR_AVX2) && defined(__FMA__)
    return (FN(vec))VEC_PICK(_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c),
                             _mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c));
#else
    for (int i = 0; i < VEC_LANES; i++)
        a[i] = VEC_PICK(__builtin_fmaf, __builtin_fma)(a[i], b[i], c[i]);
    return a;
#endif
}

DC_INLINE FN(mask) FN(vlt)(FN(vec) a, FN(vec) b)
{
#ifdef DC_VECTOR_AVX512
    return VEC_PICK(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ),
                    _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ));
#else
    return (FN(mask))(a < b);
#endif
}

DC_INLINE FN(mask) FN(veq)(FN(vec) a, FN(vec) b)
{
#ifdef DC_VECTOR_AVX512
    return VEC_PICK(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ),
                    _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ));
#else
    return (FN(mask))(a == b);
#endif
}

DC_INLINE FN(mask) FN(visnan)(FN(vec) x)
{
#ifdef DC_VECTOR_AVX512
    return VEC_PICK(_mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q),
                    _mm512_cmp_pd_mask((__m512d)x, (__m512d)x, _CMP_UNORD_Q));
#else
    return (FN(mask))(x != x);
#endif
}

/* NaN, +Inf or -Inf. */
DC_INLINE FN(mask) FN(visnonfinite)(FN(vec) x)
{
#ifdef DC_VECTOR_AVX512
    return VEC_PICK(_mm512_fpclass_ps_mask((__m512)x, 0x99),
                    _mm512_fpclass_pd_mask((__m512d)x, 0x99));
#else
    /* x - x is 0 for finite x and NaN otherwise */
    FN(vec) d = x - x;
    return (FN(mask))(d != d);
#endif
}

/* A missing value: NaN, and with inf_is_value == 0 the infinities as well. */
DC_INLINE FN(mask) FN(vismissing)(FN(vec) x, int inf_is_value)
{
    return inf_is_value ? FN(visnan)(x) : FN(visnonfinite)(x);
}

/* m ? a : b per lane. */
DC_INLINE FN(vec) FN(vsel)(FN(mask) m, FN(vec) a, FN(vec) b)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))VEC_PICK(_mm512_mask_blend_ps(m, (__m512)b, (__m512)a),
                             _mm512_mask_blend_pd(m, (__m512d)b, (__m512d)a));
#elif defined(DC_VECTOR_AVX2)
    return (FN(vec))VEC_PICK(_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m),
                             _mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)m));
#else
    return (FN(vec))(((FN(bits))a & m) | ((FN(bits))b & ~m));
#endif
}

DC_INLINE FN(mask) FN(mnone)(void)
{
    return (FN(mask)){0};
}

DC_INLINE FN(mask) FN(mor)(FN(mask) a, FN(mask) b)
{
    return (FN(mask))(a | b);
}

DC_INLINE FN(mask) FN(mand)(FN(mask) a, FN(mask) b)
{
    return (FN(mask))(a & b);
}

DC_INLINE FN(mask) FN(mxor)(FN(mask) a, FN(mask) b)
{
    return (FN(mask))(a ^ b);
}

DC_INLINE FN(mask) FN(mnot)(FN(mask) a)
{
    return (FN(mask)) ~a;
}

/* Bit i is lane i. */
DC_INLINE unsigned FN(mbits)(FN(mask) m)
{
#if defined(DC_VECTOR_AVX512)
    return (unsigned)m;
#elif defined(DC_VECTOR_AVX2)
    return (unsigned)VEC_PICK(_mm256_movemask_ps((__m256)m), _mm256_movemask_pd((__m256d)m));
#elif defined(__SSE2__)
    return (unsigned)VEC_PICK(_mm_movemask_ps((__m128)m), _mm_movemask_pd((__m128d)m));
#else
    unsigned bits = 0;
    for (int i = 0; i < VEC_LANES; i++)
        bits |= (unsigned)(m[i] & 1) << i;
    return bits;
#endif
}

DC_INLINE int FN(many)(FN(mask) m)
{
    return FN(mbits)(m) != 0;
}

/* The mask whose lane i is bit i. */
DC_INLINE FN(mask) FN(mfrom)(unsigned bits)
{
#ifdef DC_VECTOR_AVX512
    return (FN(mask))bits;
#else
    FN(mask) m;
    for (int i = 0; i < VEC_LANES; i++)
        m[i] = -(((dc_i32)bits >> i) & 1);
    return m;
#endif
}

/* Counters: exact to 2^31 (f32) and 2^53 (f64). */
DC_INLINE FN(cvec) FN(czero)(void)
{
    return (FN(cvec)){0};
}

/* n in every lane; n at most 2^31 - 1 (f32), 2^53 (f64). */
DC_INLINE FN(cvec) FN(cset)(dc_i64 n)
{
#if DC_VEC_TYPED == 32
    return (FN(cvec)){0} + (dc_i32)n;
#else
    return FN(vset)((T)n);
#endif
}

/* c + 1 in the lanes of m. */
DC_INLINE FN(cvec) FN(cinc)(FN(cvec) c, FN(mask) m)
{
#if DC_VEC_TYPED == 32
#ifdef DC_VECTOR_AVX512
    return (FN(cvec))_mm512_mask_add_epi32((__m512i)c, m, (__m512i)c, _mm512_set1_epi32(1));
#else
    return c - m;
#endif
#else
    return c + (FN(cvec))FN(vsel)(m, FN(vset)(1), FN(vzero)());
#endif
}

/* The counter as T, rounded to nearest where T is too short. */
DC_INLINE FN(vec) FN(ctov)(FN(cvec) c)
{
#if DC_VEC_TYPED == 32
    return __builtin_convertvector(c, FN(vec));
#else
    return c;
#endif
}

/* c < n, n a whole number. */
DC_INLINE FN(mask) FN(clt)(FN(cvec) c, dc_i64 n)
{
#if DC_VEC_TYPED == 32
    dc_i32 k = n > 0x7fffffff ? 0x7fffffff : (dc_i32)n;
#ifdef DC_VECTOR_AVX512
    return _mm512_cmplt_epi32_mask((__m512i)c, _mm512_set1_epi32(k));
#else
    return (FN(mask))(c < (FN(cvec)){0} + k);
#endif
#else
    return FN(vlt)(c, FN(vset)((T)n));
#endif
}

#include "kernels/shared/vec_turn.h"

#undef DC_VEC_TYPED
#undef VEC_PICK
#undef VEC_INF_BITS
#undef VEC_ABS_BITS
#undef VEC_NAN_BITS
#endif

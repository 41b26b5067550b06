/* Lanes of T rounded to int64 and added up: the part of kernels/shared/vec.h that k-means needs.
 * Read once per dtype, after vec.h.  CPU only. */
#if defined(T) && defined(SFX)
#if DC_BITS_OF(SFX) == 32 && !defined(DC_SHARED_VEC_LONG_F32)
#define DC_SHARED_VEC_LONG_F32
#define DC_VEC_LONG_TYPED 32
#elif DC_BITS_OF(SFX) == 64 && !defined(DC_SHARED_VEC_LONG_F64)
#define DC_SHARED_VEC_LONG_F64
#define DC_VEC_LONG_TYPED 64
#endif
#endif

#ifdef DC_VEC_LONG_TYPED

/* As many int64 as a register of T has lanes; AVX-512 adds them in registers. */
typedef struct FN(vlong) {
#ifdef DC_VECTOR_AVX512
    __m512i at[DC_VEC_LONG_TYPED == 32 ? 2 : 1];
#else
    dc_i64 at[DC_VECTOR_BYTES * 8 / DC_VEC_LONG_TYPED];
#endif
} FN(vlong);

DC_INLINE FN(vlong) FN(vlong_zero)(void)
{
    FN(vlong) z;

    memset(&z, 0, sizeof z);
    return z;
}

/* Each lane to the nearest integer, to even; 0 where it is not below 2^62 in magnitude. */
DC_INLINE FN(vlong) FN(vlong_round)(FN(vec) y)
{
    FN(vlong) q;
#ifdef DC_VECTOR_AVX512
    const FN(mask) m = FN(mand)(FN(vlt)(y, FN(vset)((T)0x1p62)), FN(vlt)(FN(vset)((T)-0x1p62), y));
    const FN(vec) v = FN(vsel)(m, y, FN(vzero)());
#if DC_VEC_LONG_TYPED == 32
    q.at[0] = _mm512_cvtps_epi64(_mm512_castps512_ps256((__m512)v));
    q.at[1] = _mm512_cvtps_epi64(_mm512_extractf32x8_ps((__m512)v, 1));
#else
    q.at[0] = _mm512_cvtpd_epi64((__m512d)v);
#endif
#else
    for (int i = 0; i < VEC_LANES; i++)
        q.at[i] = FN(kmeans_count)(y[i]);
#endif
    return q;
}

/* What rounding to `q` left of y, times 2^30, rounded. */
DC_INLINE FN(vlong) FN(vlong_rest)(FN(vec) y, FN(vlong) q)
{
    FN(vlong) r;
#ifdef DC_VECTOR_AVX512
    const FN(mask) m = FN(mand)(FN(vlt)(y, FN(vset)((T)0x1p62)), FN(vlt)(FN(vset)((T)-0x1p62), y));
    FN(vec) v = FN(vsel)(m, y, FN(vzero)());
#if DC_VEC_LONG_TYPED == 32
    v -= (FN(vec))_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtepi64_ps(q.at[0])),
                                     _mm512_cvtepi64_ps(q.at[1]), 1);
#else
    v -= (FN(vec))_mm512_cvtepi64_pd(q.at[0]);
#endif
    r = FN(vlong_round)(v * FN(vset)((T)0x1p30));
#else
    for (int i = 0; i < VEC_LANES; i++)
        r.at[i] = FN(kmeans_rest)(y[i], q.at[i]);
#endif
    return r;
}

DC_INLINE FN(vlong) FN(vlong_add)(FN(vlong) a, FN(vlong) b)
{
#ifdef DC_VECTOR_AVX512
    for (int i = 0; i < (int)(sizeof a.at / sizeof *a.at); i++)
        a.at[i] = _mm512_add_epi64(a.at[i], b.at[i]);
#else
    for (int i = 0; i < VEC_LANES; i++)
        a.at[i] = (dc_i64)((dc_u64)a.at[i] + (dc_u64)b.at[i]);
#endif
    return a;
}

/* p[i] += a[i], or -= where `take`. */
DC_INLINE void FN(vlong_join)(dc_i64 *p, FN(vlong) a, int take)
{
#ifdef DC_VECTOR_AVX512
    for (int i = 0; i < (int)(sizeof a.at / sizeof *a.at); i++) {
        const __m512i old = _mm512_loadu_si512((const void *)(p + 8 * i));

        _mm512_storeu_si512((void *)(p + 8 * i),
                            take ? _mm512_sub_epi64(old, a.at[i]) : _mm512_add_epi64(old, a.at[i]));
    }
#else
    for (int i = 0; i < VEC_LANES; i++)
        p[i] = (dc_i64)(take ? (dc_u64)p[i] - (dc_u64)a.at[i] : (dc_u64)p[i] + (dc_u64)a.at[i]);
#endif
}

DC_INLINE dc_i64 FN(vlong_total)(FN(vlong) a)
{
#ifdef DC_VECTOR_AVX512
#if DC_VEC_LONG_TYPED == 32
    return (dc_i64)_mm512_reduce_add_epi64(_mm512_add_epi64(a.at[0], a.at[1]));
#else
    return (dc_i64)_mm512_reduce_add_epi64(a.at[0]);
#endif
#else
    dc_u64 total = 0;
    for (int i = 0; i < VEC_LANES; i++)
        total += (dc_u64)a.at[i];
    return (dc_i64)total;
#endif
}

#undef DC_VEC_LONG_TYPED
#endif

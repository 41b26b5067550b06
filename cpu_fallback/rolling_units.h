/* Operations on units of the processor that others leave idle, the same to the bit.  Included by
 * cpu_fallback/rolling.c once per dtype, hence no guard. */

#if DC_BITS_OF(SFX) == 32
#define UNITS_PICK(ps, pd) ps
#else
#define UNITS_PICK(ps, pd) pd
#endif

/* Sums and differences as products by one and a sum, rounded once: some processors have units for
 * additions and units for products.  Chains of additions are spread over both. */
DC_INLINE FN(vec) FN(vsum)(FN(vec) a, FN(vec) b)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))UNITS_PICK(_mm512_fmadd_ps((__m512)a, _mm512_set1_ps(1), (__m512)b),
                               _mm512_fmadd_pd((__m512d)a, _mm512_set1_pd(1), (__m512d)b));
#elif defined(DC_VECTOR_AVX2) && defined(__FMA__)
    return (FN(vec))UNITS_PICK(_mm256_fmadd_ps((__m256)a, _mm256_set1_ps(1), (__m256)b),
                               _mm256_fmadd_pd((__m256d)a, _mm256_set1_pd(1), (__m256d)b));
#else
    return a + b;
#endif
}

DC_INLINE FN(vec) FN(vless)(FN(vec) a, FN(vec) b)
{
#if defined(DC_VECTOR_AVX512)
    return (FN(vec))UNITS_PICK(_mm512_fmsub_ps((__m512)a, _mm512_set1_ps(1), (__m512)b),
                               _mm512_fmsub_pd((__m512d)a, _mm512_set1_pd(1), (__m512d)b));
#elif defined(DC_VECTOR_AVX2) && defined(__FMA__)
    return (FN(vec))UNITS_PICK(_mm256_fmsub_ps((__m256)a, _mm256_set1_ps(1), (__m256)b),
                               _mm256_fmsub_pd((__m256d)a, _mm256_set1_pd(1), (__m256d)b));
#else
    return a - b;
#endif
}

#ifdef DC_VECTOR_AVX512
/* Of x and y the one that z is not, where z is their minimum or maximum: one operation of logic,
 * while minima and maxima share the units of additions. */
DC_INLINE FN(vec) FN(vother)(FN(vec) x, FN(vec) y, FN(vec) z)
{
    return (FN(vec))_mm512_ternarylogic_epi64((__m512i)x, (__m512i)y, (__m512i)z, 0x96);
}
#endif

#undef UNITS_PICK

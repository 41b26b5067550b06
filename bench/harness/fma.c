/* Multiply-adds from registers: the most that an instruction set does. */
#include "bench/harness/bench.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Twelve independent sums hide the latency of two units with four cycles each, and more. */
#define SUMS 12

/* FN(rounds): SUMS multiply-adds of LANES values per round; returns what was computed, so that
 * nothing is left out.  Factors near 1 keep the values normal. */
#define BURST(FN, TARGET, V, T, LANES, SET, FMA)                                                   \
    TARGET static double FN(int64_t rounds)                                                        \
    {                                                                                              \
        const V factor = SET((T)0.999), term = SET((T)0.001);                                      \
        V sum[SUMS];                                                                               \
        T out[LANES];                                                                              \
        double total = 0;                                                                          \
        for (int k = 0; k < SUMS; ++k)                                                             \
            sum[k] = SET((T)(k + 1));                                                              \
        for (int64_t i = 0; i < rounds; ++i) {                                                     \
            _Pragma("GCC unroll 12") for (int k = 0; k < SUMS; ++k) sum[k] =                       \
                FMA(sum[k], factor, term);                                                         \
        }                                                                                          \
        for (int k = 0; k < SUMS; ++k) {                                                           \
            __builtin_memcpy(out, &sum[k], sizeof out);                                            \
            for (int l = 0; l < LANES; ++l)                                                        \
                total += (double)out[l];                                                           \
        }                                                                                          \
        return total;                                                                              \
    }

typedef float v4f __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));
#define SET4F(x)     ((v4f){x, x, x, x})
#define SET2D(x)     ((v2d){x, x})
#define TWO(a, b, c) ((a) * (b) + (c))
BURST(base_f32, , v4f, float, 4, SET4F, TWO)
BURST(base_f64, , v2d, double, 2, SET2D, TWO)

#if defined(__x86_64__)
#define AVX2   __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f")))
BURST(avx2_f32, AVX2, __m256, float, 8, _mm256_set1_ps, _mm256_fmadd_ps)
BURST(avx2_f64, AVX2, __m256d, double, 4, _mm256_set1_pd, _mm256_fmadd_pd)
BURST(avx512_f32, AVX512, __m512, float, 16, _mm512_set1_ps, _mm512_fmadd_ps)
BURST(avx512_f64, AVX512, __m512d, double, 8, _mm512_set1_pd, _mm512_fmadd_pd)
#else
#define avx2_f32   base_f32
#define avx2_f64   base_f64
#define avx512_f32 base_f32
#define avx512_f64 base_f64
#endif

double dcb_fma_burst(int32_t isa, int32_t dtype, int64_t rounds)
{
    static double (*const bursts[DC_ISA_COUNT][2])(int64_t) = {
        {base_f32, base_f64}, {avx2_f32, avx2_f64}, {avx512_f32, avx512_f64}};
    static const int lanes[DC_ISA_COUNT] = {4, 8, 16}; /* float32 */
    static volatile double sink;

    sink = bursts[isa][dtype == DC_F64](rounds);
    (void)sink;
    return 2.0 * SUMS * (double)rounds * lanes[isa] / (dtype == DC_F64 ? 2 : 1);
}

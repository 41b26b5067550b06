/* Philox blocks side by side: one counter in each 64-bit lane of a register.  CPU only. */
#ifndef DC_SHARED_RANDOM_WIDE_H
#define DC_SHARED_RANDOM_WIDE_H

#include "kernels/shared/random.h"
#include "kernels/shared/vec.h"

typedef dc_u64 random_wide __attribute__((vector_size(DC_VECTOR_BYTES)));
enum { RANDOM_WIDE = DC_VECTOR_BYTES / 8 };

/* Interleave the lanes of two registers, within each 16 bytes: the lower halves, the upper ones.
 * EVEN: the even 32-bit lanes of both. */
#if DC_VECTOR_BYTES == 64
#define RANDOM_LO_32   0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define RANDOM_HI_32   2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define RANDOM_EVEN_32 DC_SHUF_16_1_LO
#define RANDOM_LO_64   DC_SHUF_8_1_LO
#define RANDOM_HI_64   DC_SHUF_8_1_HI
#elif DC_VECTOR_BYTES == 32
#define RANDOM_LO_32   0, 8, 1, 9, 4, 12, 5, 13
#define RANDOM_HI_32   2, 10, 3, 11, 6, 14, 7, 15
#define RANDOM_EVEN_32 DC_SHUF_8_1_LO
#define RANDOM_LO_64   DC_SHUF_4_1_LO
#define RANDOM_HI_64   DC_SHUF_4_1_HI
#else
#define RANDOM_LO_32   0, 4, 1, 5
#define RANDOM_HI_32   2, 6, 3, 7
#define RANDOM_EVEN_32 DC_SHUF_4_1_LO
#define RANDOM_LO_64   DC_SHUF_2_1_LO
#define RANDOM_HI_64   DC_SHUF_2_1_HI
#endif

/* What all blocks of a tile share. */
typedef struct random_frame {
    dc_u64 k0[DC_PHILOX_ROUNDS], k1[DC_PHILOX_ROUNDS]; /* keys of the rounds, in the lower halves */
    dc_u64 dtype, kind;                                /* upper half of the counter               */
} random_frame;

DC_INLINE random_frame random_frame_of(const dc_random_args *args)
{
    random_frame f;
    dc_u32 k0 = (dc_u32)args->seed, k1 = (dc_u32)(args->seed >> 32);

    for (int r = 0; r < DC_PHILOX_ROUNDS; r++) {
        f.k0[r] = k0;
        f.k1[r] = k1;
        k0 += DC_PHILOX_W0;
        k1 += DC_PHILOX_W1;
    }
    f.dtype = (dc_u64)args->dtype;
    f.kind = (dc_u64)args->kind;
    return f;
}

/* Product of the lower halves. */
DC_INLINE random_wide random_multiply(random_wide a, dc_u32 b)
{
    const random_wide m = (random_wide){0} + b;
#if defined(DC_VECTOR_AVX512)
    return (random_wide)_mm512_mul_epu32((__m512i)a, (__m512i)m);
#elif defined(DC_VECTOR_AVX2)
    return (random_wide)_mm256_mul_epu32((__m256i)a, (__m256i)m);
#elif defined(__SSE2__)
    return (random_wide)_mm_mul_epu32((__m128i)a, (__m128i)m);
#else
    return (a & 0xffffffffu) * m;
#endif
}

DC_INLINE random_wide random_xor3(random_wide a, random_wide b, dc_u64 c)
{
#if defined(DC_VECTOR_AVX512)
    return (random_wide)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b,
                                                  _mm512_set1_epi64((long long)c), 0x96);
#else
    return a ^ b ^ c;
#endif
}

/* Block numbers first + lane's place, where a lane's place is what makes the values of a register
 * lie one after the other once they are interleaved: the lanes of each 16 bytes are `apart`. */
DC_INLINE random_wide random_blocks(dc_u64 first, int apart)
{
    random_wide block;

    for (int i = 0; i < RANDOM_WIDE; i++)
        block[i] = (dc_u64)((i & 1) * apart + i / 2);
    return block + first;
}

/* Words 0 to 3 of the blocks of `sets` registers, in the lower halves of the lanes; the upper ones
 * are undefined.  Sets go round by round: the steps of one wait for each other. */
DC_INLINE void random_wide_words(const random_frame *f, int sets, const random_wide *block,
                                 random_wide w[][4])
{
    for (int i = 0; i < sets; i++) {
        w[i][0] = block[i];
        w[i][1] = block[i] >> 32;
        w[i][2] = (random_wide){0} + f->dtype;
        w[i][3] = (random_wide){0} + f->kind;
    }
#pragma GCC unroll 10
    for (int r = 0; r < DC_PHILOX_ROUNDS; r++)
#pragma GCC unroll 4
        for (int i = 0; i < sets; i++) {
            const random_wide p0 = random_multiply(w[i][0], DC_PHILOX_M0);
            const random_wide p1 = random_multiply(w[i][2], DC_PHILOX_M1);

            w[i][0] = random_xor3(p1 >> 32, w[i][1], f->k0[r]);
            w[i][1] = p1;
            w[i][2] = random_xor3(p0 >> 32, w[i][3], f->k1[r]);
            w[i][3] = p0;
        }
}

#endif

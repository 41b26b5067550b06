/* Rearranged cubes: a block transposed in registers.  A template of T and SFX, part of
 * cpu_fallback/transform.c. */
#ifndef DC_CPU_TRANSFORM_BLOCK_H
#define DC_CPU_TRANSFORM_BLOCK_H

#include "cpu_fallback/transform_sink.h"

/* Elements of 4 and 8 bytes fill the registers of the instruction set, smaller ones 16 bytes: those
 * interleave whole registers in one instruction everywhere. */
#define BITS_u8           8
#define BITS_u16          16
#define BITS_u32          32
#define BITS_u64          64
#define BITS_f32          32
#define BITS_f64          64
#define BITS_OF_(sfx)     BITS_##sfx
#define BITS_OF(sfx)      BITS_OF_(sfx)
#define BLOCK_u8          16
#define BLOCK_u16         16
#define BLOCK_u32         DC_VECTOR_BYTES
#define BLOCK_u64         DC_VECTOR_BYTES
#define BLOCK_f32         DC_VECTOR_BYTES
#define BLOCK_f64         DC_VECTOR_BYTES
#define BLOCK_BYTES_(sfx) BLOCK_##sfx
#define BLOCK_BYTES(sfx)  BLOCK_BYTES_(sfx)
enum { BLOCK = BLOCK_BYTES(SFX) / (int)sizeof(T) };

typedef T FN(block) __attribute__((vector_size(BLOCK_BYTES(SFX))));
typedef T FN(blocku) __attribute__((vector_size(BLOCK_BYTES(SFX)), aligned(1), may_alias));

#define BLOCK_LO_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define BLOCK_HI_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define BLOCK_LO_8  0, 8, 1, 9, 2, 10, 3, 11
#define BLOCK_HI_8  4, 12, 5, 13, 6, 14, 7, 15
/* The other way round. */
#if BITS_OF(SFX) == 8 || (BITS_OF(SFX) == 32 && DC_VECTOR_BYTES == 64)
#define BLOCK_BACK 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#elif BITS_OF(SFX) == 16 || DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 8
#define BLOCK_BACK 7, 6, 5, 4, 3, 2, 1, 0
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 4
#define BLOCK_BACK 3, 2, 1, 0
#else
#define BLOCK_BACK 1, 0
#endif
/* Interleaving the first half of the registers with the second, as often as halving leads to 1,
 * transposes; from one list to the other. */
#define BLOCK_WEAVE(from, to, lanes)                                                               \
    for (int i = 0; i < (lanes) / 2; i++) {                                                        \
        to[2 * i] = __builtin_shufflevector(from[i], from[i + (lanes) / 2], BLOCK_LO_##lanes);     \
        to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + (lanes) / 2], BLOCK_HI_##lanes); \
    }

/* Stages of larger elements: registers i and i + apart, where i has no bit `apart`, become two that
 * interleave them: elements of the same 16 bytes, then groups of 16 bytes.  No stage needs a table
 * of places. */
#define BLOCK_STAGE(r, apart, low, high)                                                           \
    for (int i = 0; i < BLOCK; i++)                                                                \
        if (!(i & (apart))) {                                                                      \
            const FN(block) lo = __builtin_shufflevector(r[i], r[i + (apart)], low);               \
            r[i + (apart)] = __builtin_shufflevector(r[i], r[i + (apart)], high);                  \
            r[i] = lo;                                                                             \
        }
/* 4 groups of 16 bytes: lower and upper halves; then even and odd groups.  2 groups: even and odd.
 */
#define GROUPS_16_HALF_LO 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define GROUPS_16_HALF_HI 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define GROUPS_16_LO      0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define GROUPS_16_HI      4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#define GROUPS_8_HALF_LO  0, 1, 2, 3, 8, 9, 10, 11
#define GROUPS_8_HALF_HI  4, 5, 6, 7, 12, 13, 14, 15
#define GROUPS_8_LO       0, 1, 4, 5, 8, 9, 12, 13
#define GROUPS_8_HI       2, 3, 6, 7, 10, 11, 14, 15
#define GROUPS_4_LO       0, 1, 4, 5
#define GROUPS_4_HI       2, 3, 6, 7
#if DC_VECTOR_BYTES == 64
#define WEAVE_32_LO 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define WEAVE_32_HI 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define PAIRS_32_LO 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define PAIRS_32_HI 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define WEAVE_64_LO 0, 8, 2, 10, 4, 12, 6, 14
#define WEAVE_64_HI 1, 9, 3, 11, 5, 13, 7, 15
#elif DC_VECTOR_BYTES == 32
#define WEAVE_32_LO 0, 8, 1, 9, 4, 12, 5, 13
#define WEAVE_32_HI 2, 10, 3, 11, 6, 14, 7, 15
#define PAIRS_32_LO 0, 1, 8, 9, 4, 5, 12, 13
#define PAIRS_32_HI 2, 3, 10, 11, 6, 7, 14, 15
#define WEAVE_64_LO 0, 4, 2, 6
#define WEAVE_64_HI 1, 5, 3, 7
#else
#define WEAVE_32_LO 0, 4, 1, 5
#define WEAVE_32_HI 2, 6, 3, 7
#define PAIRS_32_LO 0, 1, 4, 5
#define PAIRS_32_HI 2, 3, 6, 7
#define WEAVE_64_LO 0, 2
#define WEAVE_64_HI 1, 3
#endif

/* Where register i is row of the result: stages leave two places of its number exchanged. */
DC_INLINE int FN(block_row)(int i)
{
#if BITS_OF(SFX) < 32
    return i;
#elif BITS_OF(SFX) == 32 && DC_VECTOR_BYTES == 64
    return (i & 5) << 1 | (i & 10) >> 1;
#elif BITS_OF(SFX) == 32
    return (i & 4) | (i & 1) << 1 | (i & 2) >> 1;
#elif DC_VECTOR_BYTES == 64
    return (i & 1) | (i & 2) << 1 | (i & 4) >> 1;
#else
    return i;
#endif
}

/* r[block_row^-1 (i)][c] = from[column[c] + i], i, c < BLOCK */
DC_INLINE void FN(block_registers)(const FN(any) * from, const dc_i64 *column, FN(block) * r)
{
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
        r[i] = *(const FN(blocku) *)(from + column[i]);
#if BITS_OF(SFX) == 8
    FN(block) s[BLOCK];
    BLOCK_WEAVE(r, s, 16)
    BLOCK_WEAVE(s, r, 16)
    BLOCK_WEAVE(r, s, 16)
    BLOCK_WEAVE(s, r, 16)
#elif BITS_OF(SFX) == 16
    FN(block) s[BLOCK];
    BLOCK_WEAVE(r, s, 8)
    BLOCK_WEAVE(s, r, 8)
    BLOCK_WEAVE(r, s, 8)
    for (int i = 0; i < BLOCK; i++)
        r[i] = s[i];
#elif BITS_OF(SFX) == 32
    BLOCK_STAGE(r, 1, WEAVE_32_LO, WEAVE_32_HI)
    BLOCK_STAGE(r, 2, PAIRS_32_LO, PAIRS_32_HI)
#if DC_VECTOR_BYTES == 64
    BLOCK_STAGE(r, 4, GROUPS_16_HALF_LO, GROUPS_16_HALF_HI)
    BLOCK_STAGE(r, 8, GROUPS_16_LO, GROUPS_16_HI)
#elif DC_VECTOR_BYTES == 32
    BLOCK_STAGE(r, 4, GROUPS_8_HALF_LO, GROUPS_8_HALF_HI)
#endif
#else
    BLOCK_STAGE(r, 1, WEAVE_64_LO, WEAVE_64_HI)
#if DC_VECTOR_BYTES == 64
    BLOCK_STAGE(r, 2, GROUPS_8_HALF_LO, GROUPS_8_HALF_HI)
    BLOCK_STAGE(r, 4, GROUPS_8_LO, GROUPS_8_HI)
#elif DC_VECTOR_BYTES == 32
    BLOCK_STAGE(r, 2, GROUPS_4_LO, GROUPS_4_HI)
#endif
#endif
}

/* out[r * pitch + c] = from[column[c] + r], r, c < BLOCK */
DC_INLINE void FN(block_transpose)(const FN(any) * from, const dc_i64 *column, FN(any) * out,
                                   dc_i64 pitch)
{
    FN(block) r[BLOCK];

    FN(block_registers)(from, column, r);
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
        *(FN(blocku) *)(out + FN(block_row)(i) * pitch) = r[i];
}

/* Past the caches; `to` is aligned. */
DC_INLINE void FN(block_stream)(FN(any) * to, FN(block) r)
{
#if DC_VECTOR_BYTES == 64 && BITS_OF(SFX) >= 32
    _mm512_stream_si512((void *)to, (__m512i)r);
#elif DC_VECTOR_BYTES == 32 && BITS_OF(SFX) >= 32
    _mm256_stream_si256((void *)to, (__m256i)r);
#elif defined(__SSE2__)
    _mm_stream_si128((void *)to, (__m128i)r);
#else
    *(FN(blocku) *)to = r;
#endif
}

/* out[row[r] + c] = from[column[c] + r], r, c < BLOCK */
DC_INLINE void FN(block_scatter)(const FN(any) * from, const dc_i64 *column, FN(any) * out,
                                 const dc_i64 *row, int bypass)
{
    FN(block) r[BLOCK];

    FN(block_registers)(from, column, r);
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++) {
        FN(any) *const to = out + row[FN(block_row)(i)];

        if (bypass)
            FN(block_stream)(to, r[i]);
        else
            *(FN(blocku) *)to = r[i];
    }
}

/* out[r * pitch + c] = from[column[c] + r * step] */
DC_INLINE void FN(block_loops)(const FN(any) * from, dc_i64 step, const dc_i64 *column,
                               dc_i64 columns, dc_i64 rows, FN(any) * out, dc_i64 pitch)
{
    for (dc_i64 c = 0; c < columns; c++) { /* what lies together is read together */
        const FN(any) *const at = from + column[c];

        for (dc_i64 r = 0; r < rows; r++)
            out[r * pitch + c] = at[r * step];
    }
}

static void FN(block_elements)(const FN(any) * from, dc_i64 step, const dc_i64 *column,
                               dc_i64 columns, dc_i64 rows, FN(any) * out, dc_i64 pitch)
{
    if (rows == 2 && step == 1)
        FN(block_loops)(from, 1, column, columns, 2, out, pitch);
    else if (rows == 3 && step == 1)
        FN(block_loops)(from, 1, column, columns, 3, out, pitch);
    else if (rows == 4 && step == 1)
        FN(block_loops)(from, 1, column, columns, 4, out, pitch);
    else
        FN(block_loops)(from, step, column, columns, rows, out, pitch);
}

/* The same in blocks. */
static void FN(block_tile)(const FN(any) * from, dc_i64 step, const dc_i64 *column, dc_i64 columns,
                           dc_i64 rows, FN(any) * out, dc_i64 pitch)
{
    const dc_i64 whole_columns = step == 1 ? columns / BLOCK * BLOCK : 0;
    const dc_i64 whole_rows = rows / BLOCK * BLOCK;

    if (whole_columns == 0 || whole_rows == 0) {
        FN(block_elements)(from, step, column, columns, rows, out, pitch);
        return;
    }
    for (dc_i64 c = 0; c < whole_columns; c += BLOCK)
        for (dc_i64 r = 0; r < whole_rows; r += BLOCK)
            FN(block_transpose)(from + r, column + c, out + r * pitch + c, pitch);
    FN(block_elements)
    (from, step, column + whole_columns, columns - whole_columns, whole_rows, out + whole_columns,
     pitch);
    FN(block_elements)
    (from + whole_rows, step, column, columns, rows - whole_rows, out + whole_rows * pitch, pitch);
}

DC_INLINE FN(block) FN(block_back)(const FN(any) * from)
{
    const FN(block) r = *(const FN(blocku) *)from;

    return __builtin_shufflevector(r, r, BLOCK_BACK);
}

/* out[i] = from[-i], i < n; past the caches only whole blocks of aligned memory, four loaded before
 * four are stored (transform_lines says why). */
DC_INLINE void FN(block_reverse)(const FN(any) * from, dc_i64 n, FN(any) * out, int bypass)
{
    enum { TURN = 4 };
    dc_i64 i = n;

    for (; i >= TURN * BLOCK; i -= TURN * BLOCK) { /* upwards in the source */
        FN(block) back[TURN];

        for (int k = 0; k < TURN; k++)
            back[k] = FN(block_back)(from - (i - 1) + k * BLOCK);
        for (int k = 0; k < TURN; k++) {
            FN(any) *const to = out + i - (k + 1) * BLOCK;

            if (bypass)
                FN(block_stream)(to, back[k]);
            else
                *(FN(blocku) *)to = back[k];
        }
    }
    for (; i >= BLOCK; i -= BLOCK)
        if (bypass)
            FN(block_stream)(out + i - BLOCK, FN(block_back)(from - (i - 1)));
        else
            *(FN(blocku) *)(out + i - BLOCK) = FN(block_back)(from - (i - 1));
    while (i-- > 0)
        out[i] = from[-i];
}

#endif

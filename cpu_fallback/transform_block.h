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

/* Stage h exchanges the h x h blocks off the diagonal of two registers. */
#define BLOCK_STAGE(r, lanes, h)                                                                   \
    for (int i = 0; i < (lanes); i++)                                                              \
        if (!(i & (h))) {                                                                          \
            const FN(block) lo =                                                                   \
                __builtin_shufflevector(r[i], r[i + (h)], DC_SHUF_##lanes##_##h##_LO);             \
            r[i + (h)] = __builtin_shufflevector(r[i], r[i + (h)], DC_SHUF_##lanes##_##h##_HI);    \
            r[i] = lo;                                                                             \
        }
#define BLOCK_LO_16   0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define BLOCK_HI_16   8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define BLOCK_LO_8    0, 8, 1, 9, 2, 10, 3, 11
#define BLOCK_HI_8    4, 12, 5, 13, 6, 14, 7, 15
#define BLOCK_BACK_16 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#define BLOCK_BACK_8  7, 6, 5, 4, 3, 2, 1, 0
/* Interleaving the first half of the registers with the second, as often as halving leads to 1,
 * transposes; from one list to the other. */
#define BLOCK_WEAVE(from, to, lanes)                                                               \
    for (int i = 0; i < (lanes) / 2; i++) {                                                        \
        to[2 * i] = __builtin_shufflevector(from[i], from[i + (lanes) / 2], BLOCK_LO_##lanes);     \
        to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + (lanes) / 2], BLOCK_HI_##lanes); \
    }

/* out[r * pitch + c] = from[column[c] + r], r, c < BLOCK */
DC_INLINE void FN(block_transpose)(const FN(any) * from, const dc_i64 *column, FN(any) * out,
                                   dc_i64 pitch)
{
    FN(block) r[BLOCK];

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
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 16
    BLOCK_STAGE(r, 16, 8)
    BLOCK_STAGE(r, 16, 4)
    BLOCK_STAGE(r, 16, 2)
    BLOCK_STAGE(r, 16, 1)
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 8
    BLOCK_STAGE(r, 8, 4)
    BLOCK_STAGE(r, 8, 2)
    BLOCK_STAGE(r, 8, 1)
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 4
    BLOCK_STAGE(r, 4, 2)
    BLOCK_STAGE(r, 4, 1)
#else
    BLOCK_STAGE(r, 2, 1)
#endif
#pragma GCC unroll 16
    for (int i = 0; i < BLOCK; i++)
        *(FN(blocku) *)(out + i * pitch) = r[i];
}

/* out[r * pitch + c] = from[column[c] + r * step] */
static void FN(block_elements)(const FN(any) * from, dc_i64 step, const dc_i64 *column,
                               dc_i64 columns, dc_i64 rows, FN(any) * out, dc_i64 pitch)
{
    if (columns < rows)
        for (dc_i64 c = 0; c < columns; c++)
            for (dc_i64 r = 0; r < rows; r++)
                out[r * pitch + c] = from[column[c] + r * step];
    else
        for (dc_i64 r = 0; r < rows; r++)
            for (dc_i64 c = 0; c < columns; c++)
                out[r * pitch + c] = from[column[c] + r * step];
}

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

/* out[i] = from[-i], i < n */
DC_INLINE void FN(block_reverse)(const FN(any) * from, dc_i64 n, FN(any) * out)
{
    dc_i64 i = 0;

    for (; i + BLOCK <= n; i += BLOCK) {
        const FN(block) r = *(const FN(blocku) *)(from - i - (BLOCK - 1));
#if BITS_OF(SFX) == 8
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, BLOCK_BACK_16);
#elif BITS_OF(SFX) == 16
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, BLOCK_BACK_8);
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 16
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, BLOCK_BACK_16);
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 8
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, BLOCK_BACK_8);
#elif DC_VECTOR_BYTES * 8 / BITS_OF(SFX) == 4
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, 3, 2, 1, 0);
#else
        *(FN(blocku) *)(out + i) = __builtin_shufflevector(r, r, 1, 0);
#endif
    }
    for (; i < n; i++)
        out[i] = from[-i];
}

#endif

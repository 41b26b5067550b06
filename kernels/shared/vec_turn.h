/* Lanes of registers exchanged: the part of kernels/shared/vec.h that it includes once per dtype.
 */
#ifndef DC_SHARED_VEC_TURN_H
#define DC_SHARED_VEC_TURN_H

/* Index lists of the transposes: stage h swaps the off-diagonal h x h blocks of two registers. */
#define DC_SHUF_2_1_LO  0, 2
#define DC_SHUF_2_1_HI  1, 3
#define DC_SHUF_4_1_LO  0, 4, 2, 6
#define DC_SHUF_4_1_HI  1, 5, 3, 7
#define DC_SHUF_4_2_LO  0, 1, 4, 5
#define DC_SHUF_4_2_HI  2, 3, 6, 7
#define DC_SHUF_8_1_LO  0, 8, 2, 10, 4, 12, 6, 14
#define DC_SHUF_8_1_HI  1, 9, 3, 11, 5, 13, 7, 15
#define DC_SHUF_8_2_LO  0, 1, 8, 9, 4, 5, 12, 13
#define DC_SHUF_8_2_HI  2, 3, 10, 11, 6, 7, 14, 15
#define DC_SHUF_8_4_LO  0, 1, 2, 3, 8, 9, 10, 11
#define DC_SHUF_8_4_HI  4, 5, 6, 7, 12, 13, 14, 15
#define DC_SHUF_16_1_LO 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define DC_SHUF_16_1_HI 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define DC_SHUF_16_2_LO 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define DC_SHUF_16_2_HI 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define DC_SHUF_16_4_LO 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define DC_SHUF_16_4_HI 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define DC_SHUF_16_8_LO 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define DC_SHUF_16_8_HI 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31

#define DC_SHUF_STAGE(r, lanes, h)                                                                 \
    for (int i = 0; i < (lanes); i++) {                                                            \
        if (!(i & (h))) {                                                                          \
            FN(vec) lo = __builtin_shufflevector(r[i], r[i + (h)], DC_SHUF_##lanes##_##h##_LO);    \
            r[i + (h)] = __builtin_shufflevector(r[i], r[i + (h)], DC_SHUF_##lanes##_##h##_HI);    \
            r[i] = lo;                                                                             \
        }                                                                                          \
    }

/* Index lists of exchanges: lanes i and i ^ h. */
#define DC_SWAP_2_1  1, 0
#define DC_SWAP_4_1  1, 0, 3, 2
#define DC_SWAP_4_2  2, 3, 0, 1
#define DC_SWAP_8_1  1, 0, 3, 2, 5, 4, 7, 6
#define DC_SWAP_8_2  2, 3, 0, 1, 6, 7, 4, 5
#define DC_SWAP_8_4  4, 5, 6, 7, 0, 1, 2, 3
#define DC_SWAP_16_1 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14
#define DC_SWAP_16_2 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13
#define DC_SWAP_16_4 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11
#define DC_SWAP_16_8 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7

#endif

/* VEC_LANES registers as a square matrix, transposed in place. */
DC_INLINE void FN(vtranspose)(FN(vec) * r)
{
#if DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 16
    DC_SHUF_STAGE(r, 16, 8)
    DC_SHUF_STAGE(r, 16, 4)
    DC_SHUF_STAGE(r, 16, 2)
    DC_SHUF_STAGE(r, 16, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 8
    DC_SHUF_STAGE(r, 8, 4)
    DC_SHUF_STAGE(r, 8, 2)
    DC_SHUF_STAGE(r, 8, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 4
    DC_SHUF_STAGE(r, 4, 2)
    DC_SHUF_STAGE(r, 4, 1)
#else
    DC_SHUF_STAGE(r, 2, 1)
#endif
}

/* Stage h of vtranspose, h < VEC_LANES a power of two: the older or the newer blocks of x and y.
 * Where both are x: lane i has lane i - (i & h) of x, or, `newer`, lane i + h - (i & h). */
#define DC_VEC_TURN(lanes, h)                                                                      \
    case h:                                                                                        \
        return newer ? __builtin_shufflevector(x, y, DC_SHUF_##lanes##_##h##_HI)                   \
                     : __builtin_shufflevector(x, y, DC_SHUF_##lanes##_##h##_LO);
DC_INLINE FN(vec) FN(vturn)(FN(vec) x, FN(vec) y, int h, int newer)
{
    switch (h) {
#if DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 16
        DC_VEC_TURN(16, 8)
        DC_VEC_TURN(16, 4)
        DC_VEC_TURN(16, 2)
        DC_VEC_TURN(16, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 8
        DC_VEC_TURN(8, 4)
        DC_VEC_TURN(8, 2)
        DC_VEC_TURN(8, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 4
        DC_VEC_TURN(4, 2)
        DC_VEC_TURN(4, 1)
#else
        DC_VEC_TURN(2, 1)
#endif
    default:
        return x;
    }
}
#undef DC_VEC_TURN

/* Lanes i and i ^ h exchanged. */
#define DC_VEC_SWAP(lanes, h)                                                                      \
    case h:                                                                                        \
        return __builtin_shufflevector(x, x, DC_SWAP_##lanes##_##h);
DC_INLINE FN(vec) FN(vswap)(FN(vec) x, int h)
{
    switch (h) {
#if DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 16
        DC_VEC_SWAP(16, 8)
        DC_VEC_SWAP(16, 4)
        DC_VEC_SWAP(16, 2)
        DC_VEC_SWAP(16, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 8
        DC_VEC_SWAP(8, 4)
        DC_VEC_SWAP(8, 2)
        DC_VEC_SWAP(8, 1)
#elif DC_VECTOR_BYTES * 8 / DC_VEC_TYPED == 4
        DC_VEC_SWAP(4, 2)
        DC_VEC_SWAP(4, 1)
#else
        DC_VEC_SWAP(2, 1)
#endif
    default:
        return x;
    }
}
#undef DC_VEC_SWAP

/* The sum of the lanes in every lane: i and i + VEC_LANES / 2, ..., i and i + 1 are added. */
DC_INLINE FN(vec) FN(vspread)(FN(vec) x)
{
    for (int h = VEC_LANES / 2; h > 0; h /= 2)
        x = x + FN(vswap)(x, h);
    return x;
}

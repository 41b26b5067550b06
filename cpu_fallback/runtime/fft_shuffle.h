/* Complex numbers, parts side by side in memory, to registers of parts and back.  A template of T
 * and SFX, read after kernels/shared/vec.h. */
#ifndef DC_CPU_FFT_SHUFFLE_H
#define DC_CPU_FFT_SHUFFLE_H
#define DC_FFT_EVEN_2  0, 2
#define DC_FFT_ODD_2   1, 3
#define DC_FFT_LOW_2   0, 2
#define DC_FFT_HIGH_2  1, 3
#define DC_FFT_BACK_2  1, 0
#define DC_FFT_EVEN_4  0, 2, 4, 6
#define DC_FFT_ODD_4   1, 3, 5, 7
#define DC_FFT_LOW_4   0, 4, 1, 5
#define DC_FFT_HIGH_4  2, 6, 3, 7
#define DC_FFT_BACK_4  3, 2, 1, 0
#define DC_FFT_EVEN_8  0, 2, 4, 6, 8, 10, 12, 14
#define DC_FFT_ODD_8   1, 3, 5, 7, 9, 11, 13, 15
#define DC_FFT_LOW_8   0, 8, 1, 9, 2, 10, 3, 11
#define DC_FFT_HIGH_8  4, 12, 5, 13, 6, 14, 7, 15
#define DC_FFT_BACK_8  7, 6, 5, 4, 3, 2, 1, 0
#define DC_FFT_EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define DC_FFT_ODD_16  1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define DC_FFT_LOW_16  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define DC_FFT_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define DC_FFT_BACK_16 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#endif

/* A macro's number of lanes must be one token. */
#if DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 16
#define DC_FFT_LIST(name) DC_FFT_##name##_16
#elif DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 8
#define DC_FFT_LIST(name) DC_FFT_##name##_8
#elif DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 4
#define DC_FFT_LIST(name) DC_FFT_##name##_4
#else
#define DC_FFT_LIST(name) DC_FFT_##name##_2
#endif

DC_INLINE int FN(fft_clamp)(dc_i64 n)
{
    return n < 0 ? 0 : n > VEC_LANES ? VEC_LANES : (int)n;
}

/* `count` complex numbers; the other lanes become 0. */
DC_INLINE void FN(fft_load)(const FN(loose) * p, int count, FN(vec) * re, FN(vec) * im)
{
    FN(vec) a, b;

    if (count == VEC_LANES) {
        a = FN(vloadu)(p);
        b = FN(vloadu)(p + VEC_LANES);
    } else {
        a = FN(vload_n)(p, FN(fft_clamp)(2 * count));
        b = 2 * count > VEC_LANES ? FN(vload_n)(p + VEC_LANES, FN(fft_clamp)(2 * count - VEC_LANES))
                                  : FN(vzero)();
    }
    *re = __builtin_shufflevector(a, b, DC_FFT_LIST(EVEN));
    *im = __builtin_shufflevector(a, b, DC_FFT_LIST(ODD));
}

DC_INLINE void FN(fft_store)(FN(loose) * p, int count, FN(vec) re, FN(vec) im)
{
    const FN(vec) a = __builtin_shufflevector(re, im, DC_FFT_LIST(LOW));
    const FN(vec) b = __builtin_shufflevector(re, im, DC_FFT_LIST(HIGH));

    if (count == VEC_LANES) {
        FN(vstoreu)(p, a);
        FN(vstoreu)(p + VEC_LANES, b);
    } else {
        FN(vstore_n)(p, a, FN(fft_clamp)(2 * count));
        if (2 * count > VEC_LANES)
            FN(vstore_n)(p + VEC_LANES, b, FN(fft_clamp)(2 * count - VEC_LANES));
    }
}

DC_INLINE FN(vec) FN(fft_reverse)(FN(vec) x)
{
    return __builtin_shufflevector(x, x, DC_FFT_LIST(BACK));
}

/* Complex numbers p[0], p[-1], ... (pairs of T); the other lanes become 0. */
DC_INLINE void FN(fft_load_back)(const FN(loose) * p, int count, FN(vec) * re, FN(vec) * im)
{
    if (count == VEC_LANES) {
        FN(fft_load)(p - 2 * (VEC_LANES - 1), count, re, im);
        *re = FN(fft_reverse)(*re);
        *im = FN(fft_reverse)(*im);
        return;
    }
    *re = *im = FN(vzero)();
    for (int l = 0; l < count; l++) {
        (*re)[l] = p[-2 * l];
        (*im)[l] = p[1 - 2 * l];
    }
}

DC_INLINE void FN(fft_store_back)(FN(loose) * p, int count, FN(vec) re, FN(vec) im)
{
    if (count == VEC_LANES)
        FN(fft_store)(p - 2 * (VEC_LANES - 1), count, FN(fft_reverse)(re), FN(fft_reverse)(im));
    else
        for (int l = 0; l < count; l++) {
            p[-2 * l] = re[l];
            p[1 - 2 * l] = im[l];
        }
}

#undef DC_FFT_LIST

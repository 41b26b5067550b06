/* Passes of a transform, one butterfly after the other.  CPU only.  A template of T, SFX and
 * SPECTRAL_VALUE, read after kernels/shared/spectral_fft.h.
 *
 * z holds `core` numbers as pairs of values; `turn` 1 exchanges real and imaginary parts, which
 * makes a transform backwards of one forwards. */
#define SPECTRAL_PASS(r)                                                                           \
    static inline __attribute__((always_inline)) void FN(spectral_pass##r)(                        \
        SPECTRAL_VALUE * z, dc_i64 core, dc_i64 span, const T *twiddle, int turn, int back)        \
    {                                                                                              \
        const dc_i64 q = span / (r);                                                               \
                                                                                                   \
        for (dc_i64 block = 0; block < core; block += span)                                        \
            for (dc_i64 j = 0; j < q; j++) {                                                       \
                SPECTRAL_VALUE *const zre = z + 2 * (block + j) + turn;                            \
                SPECTRAL_VALUE *const zim = z + 2 * (block + j) + 1 - turn;                        \
                const T *const t = twiddle + 2 * ((r)-1) * j;                                      \
                SPECTRAL_VALUE re[r], im[r];                                                       \
                                                                                                   \
                for (int k = 0; k < (r); k++) {                                                    \
                    re[k] = zre[2 * k * q];                                                        \
                    im[k] = zim[2 * k * q];                                                        \
                }                                                                                  \
                if (back && j)                                                                     \
                    for (int k = 1; k < (r); k++)                                                  \
                        FN(spectral_twist)                                                         \
                (&re[k], &im[k], SPECTRAL_SPLAT(t[2 * k - 2]), SPECTRAL_SPLAT(t[2 * k - 1]));      \
                FN(spectral_radix##r)(re, im);                                                     \
                if (!back && j)                                                                    \
                    for (int k = 1; k < (r); k++)                                                  \
                        FN(spectral_twist)                                                         \
                (&re[k], &im[k], SPECTRAL_SPLAT(t[2 * k - 2]), SPECTRAL_SPLAT(t[2 * k - 1]));      \
                for (int k = 0; k < (r); k++) {                                                    \
                    zre[2 * k * q] = re[k];                                                        \
                    zim[2 * k * q] = im[k];                                                        \
                }                                                                                  \
            }                                                                                      \
    }

SPECTRAL_PASS(2)
SPECTRAL_PASS(3)
SPECTRAL_PASS(4)
SPECTRAL_PASS(5)
SPECTRAL_PASS(7)
SPECTRAL_PASS(8)
#undef SPECTRAL_PASS

static inline __attribute__((always_inline)) void FN(spectral_pass)(SPECTRAL_VALUE *z, dc_i64 core,
                                                                    dc_i64 span, int radix,
                                                                    const T *twiddle, int turn,
                                                                    int back)
{
    switch (radix) {
    case 2:
        FN(spectral_pass2)(z, core, span, twiddle, turn, back);
        break;
    case 3:
        FN(spectral_pass3)(z, core, span, twiddle, turn, back);
        break;
    case 4:
        FN(spectral_pass4)(z, core, span, twiddle, turn, back);
        break;
    case 5:
        FN(spectral_pass5)(z, core, span, twiddle, turn, back);
        break;
    case 7:
        FN(spectral_pass7)(z, core, span, twiddle, turn, back);
        break;
    default:
        FN(spectral_pass8)(z, core, span, twiddle, turn, back);
    }
}

/* Natural order to places, the first `done` passes being done. */
static __attribute__((noinline)) void FN(spectral_forth)(const dc_spectral_args *a,
                                                         const T *twiddle, SPECTRAL_VALUE *z,
                                                         int turn, int done)
{
    dc_i64 span = a->core;

    for (int i = 0; i < a->passes; i++) {
        const int r = a->radix[i];

        if (i >= done)
            FN(spectral_pass)(z, a->core, span, r, twiddle, turn, 0);
        span /= r;
        twiddle += 2 * (r - 1) * span;
    }
}

/* Places to natural order, the same passes backwards. */
static __attribute__((noinline, unused)) void
FN(spectral_fro)(const dc_spectral_args *a, const T *twiddle, SPECTRAL_VALUE *z, int turn)
{
    dc_i64 span = 1;

    for (int i = 0; i < a->passes; i++)
        twiddle += 2 * (a->radix[i] - 1) * (a->core / span / a->radix[i]), span *= a->radix[i];
    span = 1;
    for (int i = a->passes - 1; i >= 0; i--) {
        const int r = a->radix[i];

        twiddle -= 2 * (r - 1) * span;
        span *= r;
        FN(spectral_pass)(z, a->core, span, r, twiddle, turn, 1);
    }
}

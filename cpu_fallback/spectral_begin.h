/* The first pass of a transform, which takes samples as they come: trend and weights on the way.
 * A part of cpu_fallback/spectral.c; the same operations as FN(spectral_samples) and the pass. */

/* What becomes of a sample. */
enum {
    FN(SPECTRAL_AS_IS),
    FN(SPECTRAL_WEIGHED),
    FN(SPECTRAL_LEVEL),        /* less the mean            */
    FN(SPECTRAL_LEVEL_WEIGHED) /* less the mean, weighed   */
};

/* Where samples are: register i is `apart` bytes behind register i - 1. */
typedef struct FN(spectral_source) {
    const char *at;
    dc_i64 apart;
    FN(vec) pivot, mean;
    const T *weight;
} FN(spectral_source);

DC_INLINE FN(vec) FN(spectral_sample)(const FN(spectral_source) * s, dc_i64 i, int how)
{
    FN(vec) x = FN(vloadu)((const FN(loose) *)(const void *)(s->at + i * s->apart));

    if (how >= FN(SPECTRAL_LEVEL))
        x = (x - s->pivot) - s->mean;
    if (how == FN(SPECTRAL_WEIGHED) || how == FN(SPECTRAL_LEVEL_WEIGHED))
        x = x * s->weight[i];
    return x;
}

#define SPECTRAL_FIRST_PASS(r)                                                                     \
    DC_INLINE void FN(spectral_first_pass##r)(const FN(spectral_source) * s, FN(vec) * z,          \
                                              dc_i64 core, const T *twiddle, int how)              \
    {                                                                                              \
        const dc_i64 q = core / (r);                                                               \
                                                                                                   \
        for (dc_i64 j = 0; j < q; j++) {                                                           \
            const T *const t = twiddle + 2 * ((r)-1) * j;                                          \
            FN(vec) re[r], im[r];                                                                  \
                                                                                                   \
            for (int k = 0; k < (r); k++) {                                                        \
                re[k] = FN(spectral_sample)(s, 2 * (j + k * q), how);                              \
                im[k] = FN(spectral_sample)(s, 2 * (j + k * q) + 1, how);                          \
            }                                                                                      \
            FN(spectral_radix##r)(re, im);                                                         \
            if (j)                                                                                 \
                for (int k = 1; k < (r); k++)                                                      \
                    FN(spectral_twist)                                                             \
            (&re[k], &im[k], FN(vset)(t[2 * k - 2]), FN(vset)(t[2 * k - 1]));                      \
            for (int k = 0; k < (r); k++) {                                                        \
                z[2 * (j + k * q)] = re[k];                                                        \
                z[2 * (j + k * q) + 1] = im[k];                                                    \
            }                                                                                      \
        }                                                                                          \
    }

SPECTRAL_FIRST_PASS(2)
SPECTRAL_FIRST_PASS(3)
SPECTRAL_FIRST_PASS(4)
SPECTRAL_FIRST_PASS(5)
SPECTRAL_FIRST_PASS(7)
SPECTRAL_FIRST_PASS(8)
#undef SPECTRAL_FIRST_PASS

DC_INLINE void FN(spectral_any_first)(const FN(spectral_source) * s, FN(vec) * z,
                                      const dc_spectral_args *a, const T *twiddle, int how)
{
    switch (a->radix[0]) {
    case 2:
        FN(spectral_first_pass2)(s, z, a->core, twiddle, how);
        break;
    case 3:
        FN(spectral_first_pass3)(s, z, a->core, twiddle, how);
        break;
    case 4:
        FN(spectral_first_pass4)(s, z, a->core, twiddle, how);
        break;
    case 5:
        FN(spectral_first_pass5)(s, z, a->core, twiddle, how);
        break;
    case 7:
        FN(spectral_first_pass7)(s, z, a->core, twiddle, how);
        break;
    default:
        FN(spectral_first_pass8)(s, z, a->core, twiddle, how);
    }
}

/* Windows without padding, of an even length that passes take. */
static int FN(spectral_is_plain)(const dc_spectral_args *a)
{
    return a->half && !a->bluestein && a->passes > 0 && a->length == a->nfft &&
           a->detrend != DC_DETREND_LINEAR;
}

static void FN(spectral_first_pass_of)(FN(spectral_lanes) * g, int which)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 step = which ? a->other_step : a->src_step, n = a->length;
    const T *const twiddle = g->value + a->at_twiddle;
    FN(spectral_source) s = {.weight = g->value + a->at_window};

    if (!g->far && g->count == VEC_LANES && FN(spectral_beside)(g, step)) {
        s.at = (const char *)(g->from[0] + g->start[0] * step);
        s.apart = step * (dc_i64)sizeof(T);
    } else {
        FN(spectral_load)(g, step, g->z, 1);
        s.at = (const char *)g->z;
        s.apart = DC_VECTOR_BYTES;
    }
    if (a->omit)
        for (dc_i64 i = 0; i < n; i++)
            g->bad =
                FN(mor)(g->bad, FN(visnonfinite)(FN(spectral_sample)(&s, i, FN(SPECTRAL_AS_IS))));
    if (a->detrend == DC_DETREND_NONE) {
        if (a->weighed)
            FN(spectral_any_first)(&s, g->z, a, twiddle, FN(SPECTRAL_WEIGHED));
        else
            FN(spectral_any_first)(&s, g->z, a, twiddle, FN(SPECTRAL_AS_IS));
        return;
    }
    s.pivot = FN(spectral_sample)(&s, 0, FN(SPECTRAL_AS_IS));
    SPECTRAL_SUM(s.mean, n, FN(spectral_sample)(&s, i, FN(SPECTRAL_AS_IS)) - s.pivot)
    s.mean = s.mean / FN(vset)(g->value[a->at_number + DC_SPECTRAL_LENGTH]);
    if (a->weighed)
        FN(spectral_any_first)(&s, g->z, a, twiddle, FN(SPECTRAL_LEVEL_WEIGHED));
    else
        FN(spectral_any_first)(&s, g->z, a, twiddle, FN(SPECTRAL_LEVEL));
}

/* Means and medians over windows, windows added.  A part of cpu_fallback/spectral.c. */

/* The first n lanes of v to to[0], to[step], ... */
static void FN(spectral_scatter)(FN(loose) * to, dc_i64 step, FN(vec) v, int n)
{
    v = FN(spectral_quiet)(v);
    if (step == 1)
        FN(vstore_n)(to, v, n);
    else
        for (int i = 0; i < n; i++)
            to[i * step] = v[i];
}

/* Sum over the chunks of a series of plane p from bin k on. */
static FN(vec) FN(spectral_chunks)(const dc_spectral_args *a, const T *sums, dc_i64 series, int p,
                                   dc_i64 k, int n)
{
    FN(vec) sum = FN(vzero)();

    for (dc_i64 c = 0; c < a->chunks; c++)
        sum += FN(vload_n)(sums + ((series * a->chunks + c) * a->planes + p) * a->bins + k, n);
    return sum;
}

/* Means of one series. */
static void FN(spectral_means)(const dc_spectral_args *a, const T *value, const T *sums,
                               dc_i64 series, FN(loose) * to)
{
    const T *const counts = sums + a->series * a->chunks * a->planes * a->bins;
    const T *const scale = value + a->at_scale;
    T count = 0;

    for (dc_i64 c = 0; c < a->chunks; c++)
        count += counts[series * a->chunks + c];
    for (dc_i64 k = 0; k < a->bins; k += VEC_LANES) {
        const int n = a->bins - k < VEC_LANES ? (int)(a->bins - k) : VEC_LANES;
        const FN(vec) by = FN(vload_n)(scale + k, n);
        FN(vec) mean[4];

        for (int p = 0; p < a->planes; p++)
            mean[p] = FN(spectral_chunks)(a, sums, series, p, k, n) / count;
        if (a->planes == 4) {
            const FN(vec) both = FN(spectral_power)(mean[2], mean[3]);

            FN(spectral_scatter)(to + k * a->dst_bin, a->dst_bin, both / (mean[0] * mean[1]), n);
            continue;
        }
        FN(spectral_scatter)(to + k * a->dst_bin, a->dst_bin, mean[0] * by, n);
        if (a->planes == 2)
            FN(spectral_scatter)
        (to + k * a->dst_bin + a->dst_part, a->dst_bin, mean[1] * by, n);
    }
}

/* ---- medians ------------------------------------------------------------------------------- */

/* n values of each lane in order: Batcher's merge exchange (Knuth 5.2.2 M). */
static void FN(spectral_order)(FN(vec) * v, dc_i64 n)
{
    for (dc_i64 p = 1; p < n; p *= 2)
        for (dc_i64 k = p; k >= 1; k /= 2)
            for (dc_i64 j = k % p; j + k < n; j += 2 * k)
                for (dc_i64 i = j; i < j + k && i + k < n; i++)
                    if (i / (2 * p) == (i + k) / (2 * p)) {
                        const FN(vec) low = FN(vmin)(v[i], v[i + k]);

                        v[i + k] = FN(vmax)(v[i], v[i + k]);
                        v[i] = low;
                    }
}

/* Medians of bins k ... k + n - 1 of one plane of one series; rows of `frames` values from `rows`
 * on.  v: room for frames registers. */
static FN(vec)
    FN(spectral_median)(const dc_spectral_args *a, const FN(loose) * rows, int n, FN(vec) * v)
{
    const FN(loose) * p[VEC_LANES];
    FN(mask) nan = FN(mnone)();

    for (int l = 0; l < VEC_LANES; l++)
        p[l] = rows + (l < n ? l : 0) * a->frames;
    FN(spectral_load_rows)(p, a->frames, v, 1, VEC_LANES * a->frames);
    for (dc_i64 i = 0; i < a->frames; i++) {
        nan = FN(mor)(nan, FN(visnan)(v[i]));
        v[i] = v[i] + 0;
    }
    FN(spectral_order)(v, a->frames);
    if (a->frames % 2 == 0)
        v[a->frames / 2] = (v[a->frames / 2 - 1] + v[a->frames / 2]) * (T)0.5;
    return FN(vsel)(nan, FN(vquiet)(), v[a->frames / 2]);
}

static void FN(spectral_medians)(const dc_spectral_args *a, const T *value, const T *powers,
                                 dc_i64 series, FN(loose) * to, FN(vec) * v)
{
    const T bias = value[a->at_number + DC_SPECTRAL_BIAS];

    for (int p = 0; p < a->planes; p++)
        for (dc_i64 k = 0; k < a->bins; k += VEC_LANES) {
            const int n = a->bins - k < VEC_LANES ? (int)(a->bins - k) : VEC_LANES;
            const T *const rows = powers + ((series * a->planes + p) * a->bins + k) * a->frames;

            FN(spectral_scatter)
            (to + k * a->dst_bin + p * a->dst_part, a->dst_bin,
             FN(spectral_median)(a, rows, n, v) / bias, n);
        }
}

/* ---- windows added ------------------------------------------------------------------------- */

/* Samples from ... end - 1 of a series; windows: its windows, dense. */
static void FN(spectral_overlap)(const dc_spectral_args *a, const T *value, const T *windows,
                                 FN(loose) * to, dc_i64 from, dc_i64 end)
{
    const T *const w = value + a->at_window;
    const FN(vec) least = FN(vset)(value[a->at_number + DC_SPECTRAL_NORM]);
    dc_i64 i = from;

    while (i < end) {
        const dc_i64 at = i + a->first; /* of the padded series */
        const dc_i64 oldest = at < a->length ? 0 : (at - a->length) / a->hop + 1;
        const dc_i64 newest = at / a->hop < a->frames ? at / a->hop : a->frames - 1;
        /* the next window begins, the oldest ends */
        const dc_i64 begins = (at / a->hop + 1) * a->hop, ends = oldest * a->hop + a->length;
        dc_i64 run = (begins < ends ? begins : ends) - at;
        FN(vec) sum = FN(vzero)(), norm = FN(vzero)();

        run = run < VEC_LANES ? run : VEC_LANES;
        run = run < end - i ? run : end - i;
        for (dc_i64 f = oldest; f <= newest; f++) {
            const FN(vec) y = FN(vload_n)(windows + f * a->nfft + at - f * a->hop, (int)run);
            const FN(vec) x = FN(vload_n)(w + at - f * a->hop, (int)run);

            sum = FN(vfma)(y, x, sum);
            norm = FN(vfma)(x, x, norm);
        }
        sum = FN(vsel)(FN(vlt)(least, norm), sum / norm, sum);
        FN(spectral_scatter)(to + i * a->dst_bin, a->dst_bin, sum, (int)run);
        i += run;
    }
}

/* The steps of autocorrelation, uneven times, periods.  A part of host/spectral.c. */

static dc_status add_lags_to(const wanted *w, const dc_spectral_args *args, int32_t scratch)
{
    dc_spectral_args a = *args;
    int32_t table[2], slot[4];

    a.stage = DC_SPECTRAL_LAGS;
    a.bins = 1;
    a.frames = 1;
    a.length = a.n;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->slot[0];
    slot[1] = a.to_scratch ? table[0] : w->out;
    slot[2] = a.to_scratch ? table[1] : table[0];
    slot[3] = a.to_scratch ? scratch : table[1];
    return add(w, DC_STEP_LAUNCH, slot, 1, !a.to_scratch, 2 + a.to_scratch, &a, a.series,
               a.lags + 1, NULL);
}

/* Many lags: the residuals' powers transformed back. */
static dc_status add_far_lags(const wanted *w)
{
    const int64_t size = (int64_t)dc_dtype_bytes(w->dtype);
    wanted far = *w;
    dc_spectral_args *const a = &far.a;
    int32_t table[2], slot[5], rows, bins, products;

    far.scaling = DC_SCALING_NONE;
    a->length = a->hop = a->n;
    a->frames = 1;
    for (a->nfft = (a->n + a->lags + 1) / 2 * 2; !is_smooth(a->nfft); a->nfft += 2)
        ;
    set_lengths(a);
    a->to = DC_SPECTRAL_TO_CROSS;
    a->to_scratch = 1;
    a->stage = DC_SPECTRAL_ROWS;
    DC_TRY(put_tables(&far, a, 0, table));
    slot[0] = w->slot[0];
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = rows = dc__plan_scratch(w->plan, a->series * a->nfft * size);
    DC_TRY(add(w, DC_STEP_LAUNCH, slot, 1, 0, 3, a, a->series, a->nfft, NULL));
    bins = dc__plan_scratch(w->plan, a->series * 2 * a->bins * size);
    DC_TRY(add_library(w, a, rows, bins, DC_FFT_R2C));
    a->stage = DC_SPECTRAL_BINS; /* |X|^2 and 0, of X and X */
    a->inputs = 2;
    a->dst_bin = 2;
    a->dst_part = 1;
    a->dst_frame = 0;
    for (int32_t d = a->naxes - 1, last = d; d >= 0; --d)
        a->dst_stride[d] = d == last ? 2 * a->bins : a->dst_stride[d + 1] * a->shape[d + 1];
    products = dc__plan_scratch(w->plan, a->series * 2 * a->bins * size);
    slot[0] = table[0];
    slot[1] = table[1];
    slot[2] = slot[3] = bins;
    slot[4] = products;
    DC_TRY(add(w, DC_STEP_LAUNCH, slot, 0, 0, 5, a, a->series, a->bins, NULL));
    DC_TRY(add_library(w, a, products, rows, DC_FFT_C2R));
    a->stage = DC_SPECTRAL_RATIOS;
    a->to_scratch = 0;
    a->dst_bin = w->a.dst_bin;
    memcpy(a->dst_stride, w->a.dst_stride, sizeof a->dst_stride);
    slot[0] = w->out;
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = rows;
    return add(w, DC_STEP_LAUNCH, slot, 0, 1, 3, a, a->series, a->lags + 1, NULL);
}

static dc_status add_lags(const wanted *w)
{
    if (w->a.lags > DC_SPECTRAL_FEW_LAGS && !w->a.omit)
        return add_far_lags(w);
    return add_lags_to(w, &w->a, -1);
}

static dc_status add_times(const wanted *w)
{
    dc_spectral_args a = w->a;
    int32_t table[2], slot[5];

    a.stage = DC_SPECTRAL_TIMES;
    a.bins = w->p->freqs.count;
    a.frames = 1;
    a.length = a.n;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->slot[0];
    slot[1] = w->slot[1];
    slot[2] = w->out;
    slot[3] = table[0];
    slot[4] = table[1];
    return add(w, DC_STEP_LAUNCH, slot, 2, 1, 2, &a, a.series, a.bins, NULL);
}

/* Powers [series][bins] of the series, padded, and its autocorrelation [series][lags + 1]; then
 * what both agree on. */
static dc_status add_peaks(const wanted *w)
{
    const int64_t size = (int64_t)dc_dtype_bytes(w->dtype);
    dc_spectral_args a = w->a;
    int32_t table[2], slot[5], powers, lags;

    a.to = DC_SPECTRAL_TO_POWER;
    a.to_scratch = 1;
    a.dst_bin = 1;
    a.dst_frame = 0;
    for (int32_t d = a.naxes - 1, last = d; d >= 0; --d)
        a.dst_stride[d] = d == last ? a.bins : a.dst_stride[d + 1] * a.shape[d + 1];
    powers = dc__plan_scratch(w->plan, a.series * a.bins * size);
    DC_TRY(add_windows(w, &a, powers));
    a.adjusted = 1;
    a.lags = a.n / 2;
    for (int32_t d = a.naxes - 1, last = d; d >= 0; --d)
        a.dst_stride[d] = d == last ? a.lags + 1 : a.dst_stride[d + 1] * a.shape[d + 1];
    lags = dc__plan_scratch(w->plan, a.series * (a.lags + 1) * size);
    DC_TRY(add_lags_to(w, &a, lags));
    memcpy(a.dst_stride, w->a.dst_stride, sizeof a.dst_stride);
    a.stage = DC_SPECTRAL_PEAKS;
    a.dst_bin = w->a.dst_bin;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->out;
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = powers;
    slot[4] = lags;
    return add(w, DC_STEP_LAUNCH, slot, 0, 1, 4, &a, a.series, 3, NULL);
}

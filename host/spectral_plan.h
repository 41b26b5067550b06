/* The steps of a call.  A part of host/spectral.c. */

/* What a call comes to. */
typedef struct wanted {
    const dc_op *op;
    const dc_spectral_params *p;
    dc_plan *plan;
    int32_t axis, dtype; /* of the series: axis of the array without tails            */
    int32_t window, detrend, scaling; /* defaults resolved */
    double param;
    int64_t along; /* elements of the axis of the result (inverse kinds: of src)   */
    int32_t tails; /* last axes of the array that has bins                          */
    int64_t tail[2];
    double *taps;         /* the window                                                    */
    double sum1, sum2;    /* of taps, of their squares                                     */
    int32_t slot[2], out; /* inputs, output                                                */
    dc_spectral_args a;
} wanted;

/* ---- tables -------------------------------------------------------------------------------- */

/* Factor of the power of an inner bin. */
static double power_scale(const wanted *w)
{
    if (w->scaling == DC_SCALING_DENSITY)
        return 1 / (w->p->fs * w->sum2);
    return w->scaling == DC_SCALING_SPECTRUM ? 1 / (w->sum1 * w->sum1) : 1;
}

/* Factor of complex bins. */
static double bin_scale(const wanted *w)
{
    if (w->scaling == DC_SCALING_DENSITY)
        return 1 / sqrt(w->p->fs * w->sum2);
    return w->scaling == DC_SCALING_SPECTRUM ? 1 / w->sum1 : 1;
}

static void put_scale(const wanted *w, dc_spectral_args *a, double *to)
{
    const int both = w->scaling != DC_SCALING_NONE && w->op->kind != DC_SPECTRAL_FEATURES;
    const double inner = power_scale(w);

    a->scaled = w->scaling != DC_SCALING_NONE;
    for (int64_t k = 0; k < a->bins; ++k)
        to[k] = both && k > 0 && 2 * k != a->nfft ? 2 * inner : inner;
    if (a->stage == DC_SPECTRAL_SERIES || a->to == DC_SPECTRAL_TO_BINS)
        to[0] = bin_scale(w);
    if (w->op->kind == DC_SPECTRAL_RFFT)
        to[0] = 1;
    if (w->op->kind == DC_SPECTRAL_IRFFT)
        to[0] = 1 / (double)a->nfft;
    if (w->op->kind == DC_SPECTRAL_ISTFT)
        to[0] = 1 / bin_scale(w) / (double)a->nfft;
}

/* Expected median of an exponential's `n` values, over its mean. */
static double median_bias(int64_t n)
{
    double sum = 1;

    for (int64_t i = 1; i <= (n - 1) / 2; ++i)
        sum += 1 / (2.0 * (double)i + 1) - 1 / (2.0 * (double)i);
    return sum;
}

static void put_numbers(const wanted *w, const dc_spectral_args *a, double *to)
{
    const double n = (double)a->length, bins = (double)a->bins;

    memset(to, 0, DC_SPECTRAL_TABLE_NUMBERS * sizeof *to);
    to[DC_SPECTRAL_LENGTH] = n;
    to[DC_SPECTRAL_SQUARES] = a->length > 1 ? n * (n * n - 1) / 12 : 1;
    to[DC_SPECTRAL_CENTRE] = 0.5 * (n - 1);
    to[DC_SPECTRAL_STEP] = w->p->fs / (double)a->nfft;
    to[DC_SPECTRAL_COUNT] = bins;
    to[DC_SPECTRAL_LN_COUNT] = a->bins > 1 ? dc__ln(bins) : 1;
    to[DC_SPECTRAL_MIDDLE] = 0.5 * (bins - 1);
    to[DC_SPECTRAL_SPREAD] = a->bins > 1 ? bins * (bins * bins - 1) / 12 : 1;
    to[DC_SPECTRAL_ROLLOFF] = w->p->rolloff;
    to[DC_SPECTRAL_BIAS] = median_bias(a->frames);
    to[DC_SPECTRAL_NORM] = 1e-10;
}

/* Bin k is in the band from `low` on, for the least such k. */
static int64_t first_bin(double low, int beyond, const wanted *w, const dc_spectral_args *a)
{
    int64_t k = 0;

    for (; k < a->bins; ++k) {
        const double f = (double)k * w->p->fs / (double)a->nfft;

        if (beyond ? f > low : f >= low)
            break;
    }
    return k;
}

static void put_list(const wanted *w, const dc_spectral_args *a, int32_t *to)
{
    if (a->to == DC_SPECTRAL_TO_BANDS)
        for (int64_t b = 0; b < w->p->bands.count / 2; ++b) {
            const double *const band = w->p->bands.at + 2 * b;

            to[2 * b] = (int32_t)first_bin(band[0], 0, w, a);
            to[2 * b + 1] = (int32_t)first_bin(band[1], w->p->closed, w, a);
        }
    else if (a->to == DC_SPECTRAL_TO_FEATURES)
        for (int32_t bit = 0, i = 0; bit < DC_SPECTRAL_NUMBERS; ++bit)
            if (w->p->features >> bit & 1)
                to[i++] = bit;
}

/* Both tables of a step, as slots; `forth`: with those of a transform. */
static dc_status put_tables(const wanted *w, dc_spectral_args *a, int forth, int32_t slot[2])
{
    const int64_t lists = a->to == DC_SPECTRAL_TO_BANDS ? 2 * (int64_t)a->list : a->list;
    tables t;

    lay_out(a, forth, lists, &t);
    t.value = dc__arena_alloc(w->plan->arena, (size_t)t.values * sizeof *t.value);
    t.whole = dc__arena_alloc(w->plan->arena, (size_t)(t.wholes + 1) * sizeof *t.whole);
    DC_REQUIRE(t.value && t.whole, DC_E_MEMORY, "%s: no memory for the tables", w->op->name);
    for (int64_t i = 0; i < a->at_scale; ++i)
        t.value[i] = a->weighed || a->stage == DC_SPECTRAL_OVERLAP ? w->taps[i] : 1;
    if (a->stage == DC_SPECTRAL_TIMES)
        memcpy(t.value + a->at_scale, w->p->freqs.at, (size_t)a->bins * sizeof *t.value);
    else
        put_scale(w, a, t.value + a->at_scale);
    put_numbers(w, a, t.value + a->at_number);
    put_list(w, a, t.whole + a->at_list);
    if (forth && !take_kept(a, &t)) {
        if (!put_transform(w->plan->arena, a, &t))
            return dc__fail(DC_E_MEMORY, "%s: no memory for the tables", w->op->name);
        keep_transform(a, &t);
    }
    slot[0] = table_of(w->plan, w->dtype, &t);
    t.whole[t.wholes] = 0;
    slot[1] = dc__plan_table(w->plan, t.whole, (t.wholes + 1) * (int64_t)sizeof *t.whole);
    return DC_OK;
}

/* ---- steps --------------------------------------------------------------------------------- */

static int is_long(const wanted *w, const dc_spectral_args *a)
{
    return a->nfft > (w->dtype == DC_F32 ? 8192 : 4096);
}

static dc_status add(const wanted *w, int32_t kind, const int32_t *slots, int32_t nin, int32_t nout,
                     int32_t naux, const dc_spectral_args *a, int64_t items, int64_t each,
                     dc_step **made)
{
    dc_step *const step = dc__plan_step(w->plan, kind, w->op, w->dtype, slots, nin, nout, naux, a,
                                        kind == DC_STEP_LAUNCH ? sizeof *a : 0);

    if (!step)
        return DC_E_MEMORY;
    step->space[0] = items;
    step->space[1] = each;
    if (made)
        *made = step;
    return DC_OK;
}

/* Dense rows of real numbers, one after the other, to rows of bins or back. */
static dc_status add_library(const wanted *w, const dc_spectral_args *a, int32_t from, int32_t to,
                             int direction)
{
    const int32_t slots[2] = {from, to};
    dc_step *step;

    DC_TRY(add(w, DC_STEP_FFT, slots, 1, 1, 0, a, 1, 1, &step));
    step->u.fft = (dc_fft_step){direction, a->nfft, a->series * a->frames};
    return DC_OK;
}

/* The series are the rows that the library's transform takes, one behind the other; its bins the
 * result's. */
static int rows_as_they_are(const wanted *w, const dc_spectral_args *a)
{
    return w->op->kind == DC_SPECTRAL_RFFT && a->length == a->nfft && !a->weighed &&
           a->detrend == DC_DETREND_NONE && a->src_step == 1 &&
           (a->naxes == 0 || (a->naxes == 1 && a->src_stride[0] == a->nfft));
}

static int bins_as_they_are(const wanted *w, const dc_spectral_args *a)
{
    return w->op->kind == DC_SPECTRAL_RFFT && a->dst_bin == 2 && a->dst_part == 1 &&
           (a->naxes == 0 || (a->naxes == 1 && a->dst_stride[0] == 2 * a->bins));
}

/* Windows to what `a->to` says: in one step, or with the library's transform between two.  scratch:
 * where results go when a->to_scratch. */
static dc_status add_windows(const wanted *w, const dc_spectral_args *args, int32_t scratch)
{
    const int64_t items = args->series * args->frames, size = (int64_t)dc_dtype_bytes(w->dtype);
    dc_spectral_args a = *args;
    int32_t slot[8], table[2], count = 0, rows, bins[2] = {-1, -1};

    a.stage = DC_SPECTRAL_WINDOWS;
    if (!is_long(w, &a)) {
        DC_TRY(put_tables(w, &a, 1, table));
        for (int32_t i = 0; i < a.inputs; ++i)
            slot[count++] = w->slot[i];
        if (!a.to_scratch)
            slot[count++] = w->out;
        slot[count++] = table[0];
        slot[count++] = table[1];
        if (a.to_scratch)
            slot[count++] = scratch;
        return add(w, DC_STEP_LAUNCH, slot, a.inputs, !a.to_scratch, 2 + a.to_scratch, &a, items,
                   a.bins, NULL);
    }
    if (rows_as_they_are(w, &a) && bins_as_they_are(w, &a))
        return add_library(w, &a, w->slot[0], w->out, DC_FFT_R2C);
    DC_TRY(put_tables(w, &a, 0, table));
    DC_REQUIRE(items <= INT64_MAX / 16 / a.nfft, DC_E_ARGUMENT, "%s: %lld windows of %lld samples",
               w->op->name, (long long)items, (long long)a.nfft);
    for (int32_t i = 0; i < a.inputs; ++i) {
        const int32_t slots[4] = {w->slot[i], table[0], table[1],
                                  rows = dc__plan_scratch(w->plan, items * a.nfft * size)};
        dc_spectral_args one = a;

        one.stage = DC_SPECTRAL_ROWS;
        if (i)
            memcpy(one.src_stride, a.other_stride, sizeof one.src_stride);
        if (i)
            one.src_step = a.other_step;
        DC_TRY(add(w, DC_STEP_LAUNCH, slots, 1, 0, 3, &one, items, a.nfft, NULL));
        bins[i] = dc__plan_scratch(w->plan, items * 2 * a.bins * size);
        DC_TRY(add_library(w, &a, rows, bins[i], DC_FFT_R2C));
    }
    a.stage = DC_SPECTRAL_BINS;
    if (!a.to_scratch)
        slot[count++] = w->out;
    slot[count++] = table[0];
    slot[count++] = table[1];
    for (int32_t i = 0; i < a.inputs; ++i)
        slot[count++] = bins[i];
    if (a.to_scratch)
        slot[count++] = scratch;
    return add(w, DC_STEP_LAUNCH, slot, 0, !a.to_scratch, 2 + a.inputs + a.to_scratch, &a, items,
               a.bins, NULL);
}

/* Sums of chunks, then their means. */
static dc_status add_means(const wanted *w)
{
    dc_spectral_args a = w->a;
    int32_t table[2], slot[4];
    int32_t sums;

    a.to = DC_SPECTRAL_TO_SUMS;
    a.to_scratch = 1;
    a.planes = w->op->kind == DC_SPECTRAL_WELCH ? 1 : w->op->kind == DC_SPECTRAL_CSD ? 2 : 4;
    a.chunks = (a.frames + DC_SPECTRAL_CHUNK - 1) / DC_SPECTRAL_CHUNK;
    sums = dc__plan_scratch(w->plan, a.series * a.chunks * (a.planes * a.bins + 1) *
                                         (int64_t)dc_dtype_bytes(w->dtype));
    DC_TRY(add_windows(w, &a, sums));
    a.stage = DC_SPECTRAL_MEANS;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->out;
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = sums;
    return add(w, DC_STEP_LAUNCH, slot, 0, 1, 3, &a, a.series, a.bins, NULL);
}

/* Powers of all windows, then their medians: scratch [series][planes][bins][windows]. */
static dc_status add_medians(const wanted *w)
{
    dc_spectral_args a = w->a;
    int32_t table[2], slot[4], powers;
    int64_t stride;

    a.planes = w->op->kind == DC_SPECTRAL_CSD ? 2 : 1;
    a.to = a.planes == 2 ? DC_SPECTRAL_TO_CROSS : DC_SPECTRAL_TO_POWER;
    a.to_scratch = 1;
    a.dst_frame = 1;
    a.dst_bin = a.frames;
    a.dst_part = a.frames * a.bins;
    stride = a.dst_part * a.planes;
    for (int32_t d = a.naxes - 1; d >= 0; --d) {
        a.dst_stride[d] = stride;
        stride *= a.shape[d];
    }
    powers = dc__plan_scratch(w->plan, stride * (int64_t)dc_dtype_bytes(w->dtype));
    DC_TRY(add_windows(w, &a, powers));
    a = w->a;
    a.planes = w->op->kind == DC_SPECTRAL_CSD ? 2 : 1;
    a.stage = DC_SPECTRAL_MEDIANS;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->out;
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = powers;
    return add(w, DC_STEP_LAUNCH, slot, 0, 1, 3, &a, a.series, a.bins * a.planes, NULL);
}

/* Bins to samples: to the caller's array, or windows [series][windows][nfft] to scratch. */
static dc_status add_series(const wanted *w, const dc_spectral_args *args, int32_t scratch)
{
    const int64_t items = args->series * args->frames, size = (int64_t)dc_dtype_bytes(w->dtype);
    dc_spectral_args a = *args;
    int32_t slot[4], table[2], bins, rows;

    a.stage = DC_SPECTRAL_SERIES;
    a.edge = w->p->src.shape[w->axis];
    DC_TRY(put_tables(w, &a, !is_long(w, &a), table));
    slot[0] = w->slot[0];
    slot[1] = a.to_scratch ? table[0] : w->out;
    slot[2] = a.to_scratch ? table[1] : table[0];
    slot[3] = a.to_scratch ? scratch : table[1];
    if (!is_long(w, &a))
        return add(w, DC_STEP_LAUNCH, slot, 1, !a.to_scratch, 2 + a.to_scratch, &a, items, a.nfft,
                   NULL);
    a.stage = DC_SPECTRAL_ROWS;
    bins = dc__plan_scratch(w->plan, items * 2 * a.bins * size);
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = bins;
    DC_TRY(add(w, DC_STEP_LAUNCH, slot, 1, 0, 3, &a, items, a.bins, NULL));
    rows = dc__plan_scratch(w->plan, items * a.nfft * size);
    DC_TRY(add_library(w, &a, bins, rows, DC_FFT_C2R));
    a.stage = DC_SPECTRAL_BINS;
    slot[0] = a.to_scratch ? table[0] : w->out;
    slot[1] = a.to_scratch ? table[1] : table[0];
    slot[2] = a.to_scratch ? rows : table[1];
    slot[3] = a.to_scratch ? scratch : rows;
    return add(w, DC_STEP_LAUNCH, slot, 0, !a.to_scratch, 3 + a.to_scratch, &a, items, a.nfft,
               NULL);
}

static dc_status add_overlap(const wanted *w)
{
    dc_spectral_args a = w->a;
    int32_t table[2], slot[4];
    const int64_t items = a.series * a.frames;
    const int32_t windows =
        dc__plan_scratch(w->plan, items * a.nfft * (int64_t)dc_dtype_bytes(w->dtype));
    int64_t stride = a.frames * a.nfft;

    a.to_scratch = 1;
    a.dst_bin = 1;
    a.dst_frame = a.nfft;
    for (int32_t d = a.naxes - 1; d >= 0; --d) {
        a.dst_stride[d] = stride;
        stride *= a.shape[d];
    }
    DC_TRY(add_series(w, &a, windows));
    a = w->a;
    a.stage = DC_SPECTRAL_OVERLAP;
    DC_TRY(put_tables(w, &a, 0, table));
    slot[0] = w->out;
    slot[1] = table[0];
    slot[2] = table[1];
    slot[3] = windows;
    return add(w, DC_STEP_LAUNCH, slot, 0, 1, 3, &a, a.series, a.n, NULL);
}

/* The first windows, shorter ones: window m - 1 of m samples, each a step with tables of its own.
 */
static dc_status add_short_heads(const wanted *w)
{
    const int64_t least = w->a.length / 2 > 1 ? w->a.length / 2 : 1;

    for (int64_t m = least; m < w->a.length && m <= w->a.n; ++m) {
        wanted head = *w;
        dc_array row = w->p->dst;

        head.a.length = head.a.nfft = m;
        head.a.frames = 1;
        head.a.heads = head.a.first = 0;
        head.taps = dc__arena_alloc(w->plan->arena, (size_t)m * sizeof *head.taps);
        DC_REQUIRE(head.taps, DC_E_MEMORY, "%s: no memory for the tables", w->op->name);
        put_window(w->p, w->window, w->param, m, head.taps);
        head.sum1 = head.sum2 = 0;
        for (int64_t i = 0; i < m; ++i) {
            head.sum1 += head.taps[i];
            head.sum2 += head.taps[i] * head.taps[i];
        }
        row.offset += (m - 1) * row.stride[w->axis];
        row.shape[w->axis] = 1;
        head.out = dc__plan_output(w->plan, &row);
        set_lengths(&head.a);
        DC_TRY(add_windows(&head, &head.a, -1));
    }
    return DC_OK;
}

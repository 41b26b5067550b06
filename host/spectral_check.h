/* What may be asked.  A part of host/spectral.c. */

static int is_inverse(int32_t kind)
{
    return kind == DC_SPECTRAL_IRFFT || kind == DC_SPECTRAL_ISTFT;
}

/* The whole series is one window. */
static int is_whole(int32_t kind)
{
    return kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_PERIODOGRAM ||
           kind == DC_SPECTRAL_FIND_PERIOD;
}

static int has_windows(int32_t kind)
{
    return !is_whole(kind) && kind != DC_SPECTRAL_IRFFT && kind != DC_SPECTRAL_ACF &&
           kind != DC_SPECTRAL_LOMBSCARGLE;
}

/* ---- scalars ------------------------------------------------------------------------------- */

static dc_status check_range(const dc_op *op, const char *name, int64_t value, int64_t least,
                             int64_t most)
{
    DC_REQUIRE(value >= least && value <= most, DC_E_ARGUMENT,
               "%s: %s is %lld, must be %lld to %lld", op->name, name, (long long)value,
               (long long)least, (long long)most);
    return DC_OK;
}

static dc_status check_choices(const dc_op *op, const dc_spectral_params *p)
{
    DC_TRY(check_range(op, "window", p->window, -1, DC_WINDOW_GAUSSIAN));
    DC_TRY(check_range(op, "detrend", p->detrend, -1, DC_DETREND_LINEAR));
    DC_TRY(check_range(op, "scaling", p->scaling, -1, DC_SCALING_NONE));
    DC_TRY(check_range(op, "average", p->average, 0, DC_AVERAGE_MEDIAN));
    DC_TRY(check_range(op, "boundary", p->boundary, 0, DC_BOUNDARY_CONSTANT));
    DC_TRY(check_range(op, "nan", p->nan, 0, DC_NAN_PROPAGATE));
    DC_TRY(check_range(op, "heads", p->heads, 0, DC_HEADS_SHORT));
    DC_TRY(check_range(op, "weight", p->weight, 0, DC_WEIGHT_MAGNITUDE));
    DC_TRY(check_range(op, "symmetric", p->symmetric, 0, 1));
    DC_TRY(check_range(op, "padded", p->padded, 0, 1));
    DC_TRY(check_range(op, "closed", p->closed, 0, 1));
    DC_TRY(check_range(op, "adjusted", p->adjusted, 0, 1));
    DC_TRY(check_range(op, "normalize", p->normalize, 0, 1));
    if (op->kind == DC_SPECTRAL_FEATURES)
        DC_TRY(check_range(op, "features", p->features, 1, DC_FEATURE_ALL));
    DC_REQUIRE(p->reserved == 0, DC_E_ARGUMENT, "%s: reserved is %d, must be 0", op->name,
               (int)p->reserved);
    DC_REQUIRE(p->nan != DC_NAN_OMIT || p->average != DC_AVERAGE_MEDIAN ||
                   (op->kind != DC_SPECTRAL_WELCH && op->kind != DC_SPECTRAL_CSD),
               DC_E_ARGUMENT, "%s: nan is omit, must be propagate for medians", op->name);
    DC_REQUIRE(isfinite(p->fs) && p->fs > 0, DC_E_ARGUMENT,
               "%s: fs is %g, must be finite and above 0", op->name, p->fs);
    DC_REQUIRE(p->rolloff >= 0 && p->rolloff <= 1, DC_E_ARGUMENT,
               "%s: rolloff is %g, must be 0 to 1", op->name, p->rolloff);
    return DC_OK;
}

static dc_status check_list(const dc_op *op, const dc_doubles *list, const char *name)
{
    DC_REQUIRE(list->count >= 0 && (list->count == 0 || list->at), DC_E_ARGUMENT,
               "%s: %s has count %lld and %s", op->name, name, (long long)list->count,
               list->at ? "a place" : "no place");
    for (int64_t i = 0; i < list->count; ++i)
        DC_REQUIRE(isfinite(list->at[i]), DC_E_ARGUMENT, "%s: %s[%lld] is %g, must be finite",
                   op->name, name, (long long)i, list->at[i]);
    return DC_OK;
}

static dc_status check_lists(const dc_op *op, const dc_spectral_params *p)
{
    const int bands = op->kind == DC_SPECTRAL_BANDS || op->kind == DC_SPECTRAL_ROLLING_BANDS;

    DC_TRY(check_list(op, &p->taps, "taps"));
    DC_TRY(check_list(op, &p->bands, "bands"));
    DC_TRY(check_list(op, &p->freqs, "freqs"));
    if (bands)
        DC_REQUIRE(p->bands.count >= 2 && p->bands.count % 2 == 0 && p->bands.count <= 1 << 20,
                   DC_E_ARGUMENT, "%s: bands has %lld numbers, must have 2 for each band, 2 to %d",
                   op->name, (long long)p->bands.count, 1 << 20);
    for (int64_t i = 0; bands && i < p->bands.count; i += 2)
        DC_REQUIRE(p->bands.at[i] >= 0 && p->bands.at[i] <= p->bands.at[i + 1], DC_E_ARGUMENT,
                   "%s: bands[%lld] is from %g to %g, must be from at least 0 to no less", op->name,
                   (long long)(i / 2), p->bands.at[i], p->bands.at[i + 1]);
    return DC_OK;
}

/* ---- defaults ------------------------------------------------------------------------------ */

static void set_defaults(wanted *w)
{
    const dc_spectral_params *const p = w->p;
    const int32_t kind = w->op->kind;
    const int plain = kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_PERIODOGRAM ||
                      kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_ROLLING_BANDS;
    const int sums = kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_ROLLING_BANDS ||
                     kind == DC_SPECTRAL_FEATURES;
    const int stft = kind == DC_SPECTRAL_STFT || kind == DC_SPECTRAL_ISTFT;

    w->window = p->window >= 0                    ? p->window
                : plain                           ? DC_WINDOW_BOXCAR
                : kind == DC_SPECTRAL_SPECTROGRAM ? DC_WINDOW_TUKEY
                                                  : DC_WINDOW_HANN;
    w->param = p->window_param;
    if (p->window < 0 && kind == DC_SPECTRAL_SPECTROGRAM)
        w->param = 0.25;
    w->detrend = p->detrend >= 0                    ? p->detrend
                 : kind == DC_SPECTRAL_RFFT || stft ? DC_DETREND_NONE
                 : kind == DC_SPECTRAL_FIND_PERIOD  ? DC_DETREND_LINEAR
                                                    : DC_DETREND_CONSTANT;
    w->scaling = p->scaling >= 0 ? p->scaling
                 : stft          ? DC_SCALING_SPECTRUM
                 : sums          ? DC_SCALING_NONE
                                 : DC_SCALING_DENSITY;
}

/* ---- lengths ------------------------------------------------------------------------------- */

static int64_t or_else(int64_t value, int64_t otherwise)
{
    return value == DC_DEFAULT ? otherwise : value;
}

static dc_status check_nfft(const wanted *w, int64_t nfft, int64_t least)
{
    return check_range(w->op, "nfft", nfft, least, INT64_C(1) << 30);
}

/* One window: the first nfft samples of the series. */
static dc_status set_whole(wanted *w)
{
    dc_spectral_args *const a = &w->a;
    int64_t twice = 2 * a->n;

    if (w->op->kind == DC_SPECTRAL_FIND_PERIOD)
        while (!is_smooth(twice))
            twice += 2;
    a->nfft = or_else(w->p->nfft, w->op->kind == DC_SPECTRAL_FIND_PERIOD ? twice : a->n);
    DC_TRY(check_nfft(w, a->nfft, w->op->kind == DC_SPECTRAL_FIND_PERIOD ? a->n : 1));
    a->length = a->n < a->nfft ? a->n : a->nfft;
    a->frames = 1;
    a->hop = a->length;
    return DC_OK;
}

static dc_status set_hop(wanted *w, int64_t most)
{
    dc_spectral_args *const a = &w->a;
    const int32_t kind = w->op->kind;
    int64_t overlap;

    a->length = or_else(w->p->nperseg, most < 256 ? most : 256);
    DC_TRY(check_range(w->op, "nperseg", a->length, 1, most));
    overlap = or_else(w->p->noverlap, kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_FEATURES ? 0
                                      : kind == DC_SPECTRAL_SPECTROGRAM ? a->length / 8
                                                                        : a->length / 2);
    DC_TRY(check_range(w->op, "noverlap", overlap, 0, a->length - 1));
    a->hop = a->length - overlap;
    a->nfft = or_else(w->p->nfft, a->length);
    return check_nfft(w, a->nfft, a->length);
}

static dc_status set_stft(wanted *w)
{
    dc_spectral_args *const a = &w->a;
    int64_t total, rest;

    a->pad = w->p->boundary;
    a->edge = a->pad ? a->length / 2 : 0;
    if (a->pad == DC_BOUNDARY_EVEN || a->pad == DC_BOUNDARY_ODD)
        DC_REQUIRE(a->edge < a->n, DC_E_ARGUMENT,
                   "%s: nperseg is %lld, half of it must be below the %lld samples that are "
                   "reflected",
                   w->op->name, (long long)a->length, (long long)a->n);
    a->first = -a->edge;
    total = a->n + 2 * a->edge;
    rest = (total - a->length) % a->hop;
    if (w->p->padded && rest)
        total += (a->hop - rest) % a->length;
    a->frames = (total - a->length) / a->hop + 1;
    return DC_OK;
}

/* n, length, hop, frames, first, nfft of what has windows. */
static dc_status set_windows(wanted *w)
{
    dc_spectral_args *const a = &w->a;

    if (w->op->kind == DC_SPECTRAL_ROLLING_BANDS) {
        DC_REQUIRE(w->p->nperseg != DC_DEFAULT, DC_E_ARGUMENT,
                   "%s: nperseg is not given, must be the samples of a window", w->op->name);
        DC_TRY(check_range(w->op, "nperseg", w->p->nperseg, 1, INT64_C(1) << 30));
        a->length = w->p->nperseg;
        a->hop = 1;
        a->first = 1 - a->length;
        a->frames = a->n;
        a->heads = a->length - 1 < a->n ? a->length - 1 : a->n;
        a->heads_zero = w->p->heads == DC_HEADS_SHORT;
        a->nfft = or_else(w->p->nfft, a->length);
        DC_REQUIRE(!a->heads_zero || (a->nfft == a->length && w->p->taps.count == 0), DC_E_ARGUMENT,
                   "%s: heads is 1 (short): nfft and taps must not be given", w->op->name);
        return check_nfft(w, a->nfft, a->length);
    }
    DC_TRY(set_hop(w, a->n));
    if (w->op->kind == DC_SPECTRAL_STFT)
        return set_stft(w);
    a->frames = (a->n - a->length) / a->hop + 1;
    return DC_OK;
}

static dc_status set_inverse(wanted *w)
{
    const dc_array *const src = &w->p->src;
    dc_spectral_args *const a = &w->a;
    const int64_t bins = src->shape[w->axis];

    a->frames = 1;
    a->nfft = or_else(w->p->nfft, bins > 1 ? 2 * (bins - 1) : 1);
    DC_TRY(check_nfft(w, a->nfft, 1));
    if (w->op->kind == DC_SPECTRAL_IRFFT) {
        a->length = a->n = a->nfft;
        a->bins = bins;
        return DC_OK;
    }
    a->frames = src->shape[src->ndim - 2];
    a->length = or_else(w->p->nperseg, a->nfft);
    DC_TRY(check_range(w->op, "nperseg", a->length, 1, a->nfft));
    DC_TRY(
        check_range(w->op, "noverlap", or_else(w->p->noverlap, a->length / 2), 0, a->length - 1));
    DC_REQUIRE(bins == a->nfft / 2 + 1, DC_E_ARGUMENT,
               "%s: src.shape[%d] is %lld, must be %lld bins for nfft %lld", w->op->name,
               (int)w->axis, (long long)bins, (long long)(a->nfft / 2 + 1), (long long)a->nfft);
    a->hop = a->length - or_else(w->p->noverlap, a->length / 2);
    a->edge = w->p->boundary ? a->length / 2 : 0;
    a->first = a->edge;
    a->n = a->frames > 0 ? (a->frames - 1) * a->hop + a->length - 2 * a->edge : 0;
    if (a->n < 0)
        a->n = 0;
    return DC_OK;
}

static dc_status set_acf(wanted *w)
{
    dc_spectral_args *const a = &w->a;
    /* what is added: whole where it is meant to be */
    const double ten = 10 * dc__ln((double)a->n) / dc__ln(10.0);
    const int64_t usual = ten + 1e-9 < (double)(a->n - 1) ? (int64_t)(ten + 1e-9) : a->n - 1;

    a->lags = or_else(w->p->lags, usual);
    a->frames = 1;
    a->nfft = a->length = 1;
    return check_range(w->op, "lags", a->lags, 0, a->n - 1);
}

static dc_status set_sizes(wanted *w)
{
    const int32_t kind = w->op->kind;

    if (is_inverse(kind))
        DC_TRY(set_inverse(w));
    else if (is_whole(kind))
        DC_TRY(set_whole(w));
    else if (has_windows(kind))
        DC_TRY(set_windows(w));
    else if (kind == DC_SPECTRAL_ACF)
        DC_TRY(set_acf(w));
    else
        w->a.nfft = w->a.length = w->a.frames = 1;
    DC_REQUIRE(w->p->taps.count == 0 || w->p->taps.count == w->a.length, DC_E_ARGUMENT,
               "%s: taps has %lld values, must have %lld as the window", w->op->name,
               (long long)w->p->taps.count, (long long)w->a.length);
    set_lengths(&w->a);
    return DC_OK;
}

/* ---- shapes -------------------------------------------------------------------------------- */

/* Elements of the axis of the result, and the axes behind the last. */
static void set_result(wanted *w)
{
    const dc_spectral_args *const a = &w->a;
    const int32_t kind = w->op->kind;

    w->along = a->bins;
    w->tails = 0;
    if (kind == DC_SPECTRAL_STFT || kind == DC_SPECTRAL_SPECTROGRAM)
        w->tail[w->tails++] = a->frames;
    if (kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_STFT || kind == DC_SPECTRAL_CSD)
        w->tail[w->tails++] = 2;
    if (kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_ROLLING_BANDS ||
        kind == DC_SPECTRAL_FEATURES) {
        w->along = a->frames;
        w->tail[w->tails++] = a->list;
    }
    if (kind == DC_SPECTRAL_ACF)
        w->along = a->lags + 1;
    if (kind == DC_SPECTRAL_LOMBSCARGLE)
        w->along = w->p->freqs.count;
    if (kind == DC_SPECTRAL_FIND_PERIOD)
        w->along = 3;
}

static dc_status check_axis(const wanted *w, const char *array, const char *of, int32_t d,
                            int64_t is, int64_t must)
{
    DC_REQUIRE(is == must, DC_E_ARGUMENT, "%s: %s.shape[%d] is %lld, must be %lld%s", w->op->name,
               array, (int)d, (long long)is, (long long)must, of);
    return DC_OK;
}

static dc_status check_result(const wanted *w)
{
    const dc_array *const src = &w->p->src, *const dst = &w->p->dst;

    DC_REQUIRE(dst->ndim == src->ndim + w->tails, DC_E_ARGUMENT,
               "%s: dst has %d axes, must have %d", w->op->name, (int)dst->ndim,
               (int)(src->ndim + w->tails));
    for (int32_t d = 0; d < src->ndim; ++d)
        DC_TRY(check_axis(w, "dst", d == w->axis ? "" : " as src", d, dst->shape[d],
                          d == w->axis ? w->along : src->shape[d]));
    for (int32_t i = 0; i < w->tails; ++i)
        DC_TRY(check_axis(w, "dst", "", src->ndim + i, dst->shape[src->ndim + i], w->tail[i]));
    return DC_OK;
}

static dc_status check_other(const wanted *w)
{
    const dc_array *const src = &w->p->src, *const other = &w->p->other;
    const int times = w->op->kind == DC_SPECTRAL_LOMBSCARGLE;

    if (!times && w->a.inputs != 2)
        return DC_OK;
    DC_TRY(dc__array_check(w->op, other, "other"));
    DC_REQUIRE(other->dtype == src->dtype, DC_E_ARGUMENT,
               "%s: other has dtype %s, must be %s as src", w->op->name,
               dc_dtype_name(other->dtype), dc_dtype_name(src->dtype));
    DC_REQUIRE(other->ndim == (times ? 1 : src->ndim), DC_E_ARGUMENT,
               "%s: other has %d axes, must have %d", w->op->name, (int)other->ndim,
               times ? 1 : (int)src->ndim);
    for (int32_t d = 0; d < other->ndim; ++d)
        DC_TRY(check_axis(w, "other", " as src", d, other->shape[d],
                          times ? src->shape[w->axis] : src->shape[d]));
    return DC_OK;
}

static dc_status check_overlap(const wanted *w)
{
    DC_TRY(dc__array_no_overlap(w->op, &w->p->dst, "dst", &w->p->src, "src"));
    if (w->op->kind == DC_SPECTRAL_LOMBSCARGLE || w->a.inputs == 2)
        return dc__array_no_overlap(w->op, &w->p->dst, "dst", &w->p->other, "other");
    return DC_OK;
}

/* src of an inverse: dst with bins on its axis, windows and 2 behind. */
static dc_status check_inverse(const wanted *w)
{
    const dc_array *const src = &w->p->src, *const dst = &w->p->dst;

    DC_TRY(check_axis(w, "src", "", src->ndim - 1, src->shape[src->ndim - 1], 2));
    for (int32_t d = 0; d < dst->ndim; ++d)
        DC_TRY(check_axis(w, "dst", d == w->axis ? "" : " as src", d, dst->shape[d],
                          d == w->axis ? w->a.n : src->shape[d]));
    return DC_OK;
}

static dc_status check_axes(wanted *w)
{
    const dc_array *const src = &w->p->src, *const dst = &w->p->dst;
    const int32_t kind = w->op->kind;
    const int32_t tails = kind == DC_SPECTRAL_IRFFT ? 1 : kind == DC_SPECTRAL_ISTFT ? 2 : 0;
    const int32_t ndim = src->ndim - tails;

    DC_REQUIRE(ndim >= 1, DC_E_ARGUMENT, "%s: src has %d axes, must have at least %d", w->op->name,
               (int)src->ndim, (int)tails + 1);
    DC_REQUIRE(w->p->axis >= -ndim && w->p->axis < ndim, DC_E_ARGUMENT,
               "%s: axis is %d, must be %d to %d for %d axes", w->op->name, (int)w->p->axis,
               (int)-ndim, (int)ndim - 1, (int)ndim);
    w->axis = w->p->axis < 0 ? w->p->axis + ndim : w->p->axis;
    DC_REQUIRE(dst->dtype == src->dtype, DC_E_ARGUMENT, "%s: dst has dtype %s, must be %s as src",
               w->op->name, dc_dtype_name(dst->dtype), dc_dtype_name(src->dtype));
    if (tails)
        DC_REQUIRE(dst->ndim == ndim, DC_E_ARGUMENT, "%s: dst has %d axes, must have %d",
                   w->op->name, (int)dst->ndim, (int)ndim);
    return DC_OK;
}

static dc_status check(wanted *w)
{
    const dc_spectral_params *const p = w->p;
    const dc_op *const op = w->op;
    dc_spectral_args *const a = &w->a;

    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(check_choices(op, p));
    DC_TRY(check_lists(op, p));
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    DC_TRY(check_axes(w));
    set_defaults(w);
    w->dtype = p->src.dtype;
    a->kind = op->kind;
    a->detrend = w->detrend;
    a->omit = p->nan == DC_NAN_OMIT;
    a->weight = p->weight;
    a->adjusted = op->kind == DC_SPECTRAL_LOMBSCARGLE ? p->normalize : p->adjusted;
    a->inputs = op->kind == DC_SPECTRAL_CSD || op->kind == DC_SPECTRAL_COHERENCE ? 2 : 1;
    a->list = (int32_t)(p->bands.count / 2);
    if (op->kind == DC_SPECTRAL_FEATURES)
        a->list = __builtin_popcount((unsigned)p->features);
    a->n = p->src.shape[w->axis];
    if (a->n == 0 || dc_array_elements(&p->src) == 0)
        return DC_OK;
    DC_TRY(set_sizes(w));
    if (is_inverse(op->kind)) {
        DC_TRY(check_inverse(w));
    } else {
        set_result(w);
        DC_TRY(check_result(w));
    }
    DC_TRY(check_other(w));
    return check_overlap(w);
}

/* The window, and the sums that scale spectra. */
static dc_status make_window(wanted *w)
{
    const double usual = w->window == DC_WINDOW_KAISER  ? 14
                         : w->window == DC_WINDOW_TUKEY ? 0.5
                                                        : (double)w->a.length / 6;

    if (w->param < 0)
        w->param = usual;
    DC_REQUIRE(isfinite(w->param) && (w->window != DC_WINDOW_GAUSSIAN || w->param > 0) &&
                   (w->window != DC_WINDOW_KAISER || w->param <= 700),
               DC_E_ARGUMENT,
               "%s: window_param is %g, must be finite, above 0 (gaussian), at most "
               "700 (kaiser)",
               w->op->name, w->param);
    w->taps = dc__arena_alloc(w->plan->arena, (size_t)w->a.length * sizeof *w->taps);
    DC_REQUIRE(w->taps, DC_E_MEMORY, "%s: no memory for the window", w->op->name);
    put_window(w->p, w->window, w->param, w->a.length, w->taps);
    for (int64_t i = 0; i < w->a.length; ++i) {
        w->a.weighed |= w->taps[i] != 1;
        w->sum1 += w->taps[i];
        w->sum2 += w->taps[i] * w->taps[i];
    }
    return DC_OK;
}

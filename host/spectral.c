/* Spectra: what the caller may ask, and the plan that answers it. */
#include "dualcube/spectral.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/axes.h"
#include "host/core/elementary.h"
#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/spectral.h"

#include "host/spectral_tables.h"

#include "host/spectral_kept.h"

#include "host/spectral_plan.h"

#include "host/spectral_steps.h"

#include "host/spectral_check.h"

extern const unsigned char dc__cl_spectral[];

/* ---- the plan ------------------------------------------------------------------------------ */

/* Axes beside that of the series, as few as possible; strides of source, other source, result. */
static void set_axes(wanted *w)
{
    const dc_spectral_params *const p = w->p;
    const int inverse = is_inverse(w->op->kind);
    const dc_array *const longest = inverse ? &p->dst : &p->src;
    dc_axes axes = {.ndim = 0, .views = 3};
    dc_spectral_args *const a = &w->a;

    for (int32_t d = 0; d < longest->ndim; ++d) {
        if (d == w->axis)
            continue;
        axes.shape[axes.ndim] = longest->shape[d];
        axes.stride[0][axes.ndim] = p->src.stride[d];
        axes.stride[1][axes.ndim] = w->a.inputs == 2 ? p->other.stride[d] : 0;
        axes.stride[2][axes.ndim++] = p->dst.stride[d];
    }
    dc__axes_squeeze(&axes);
    if (axes.ndim > 0)
        dc__axes_merge(&axes);
    a->naxes = axes.ndim;
    a->series = 1;
    for (int32_t d = 0; d < axes.ndim; ++d) {
        a->series *= a->shape[d] = axes.shape[d];
        a->src_stride[d] = axes.stride[0][d];
        a->other_stride[d] = axes.stride[1][d];
        a->dst_stride[d] = axes.stride[2][d];
    }
}

static void set_steps(wanted *w)
{
    const dc_array *const src = &w->p->src, *const dst = &w->p->dst;
    const int32_t kind = w->op->kind, bins = is_inverse(kind) ? dst->ndim : src->ndim;
    dc_spectral_args *const a = &w->a;

    a->src_step = src->stride[w->axis];
    a->other_step = a->inputs == 2                    ? w->p->other.stride[w->axis]
                    : kind == DC_SPECTRAL_LOMBSCARGLE ? w->p->other.stride[0]
                                                      : 0;
    a->dst_bin = dst->stride[w->axis];
    switch (kind) {
    case DC_SPECTRAL_RFFT:
    case DC_SPECTRAL_CSD:
        a->dst_part = dst->stride[bins];
        break;
    case DC_SPECTRAL_STFT:
        a->dst_part = dst->stride[bins + 1];
        a->dst_frame = dst->stride[bins];
        break;
    case DC_SPECTRAL_SPECTROGRAM:
        a->dst_frame = dst->stride[bins];
        break;
    case DC_SPECTRAL_BANDS:
    case DC_SPECTRAL_ROLLING_BANDS:
    case DC_SPECTRAL_FEATURES:
        a->dst_frame = dst->stride[w->axis];
        a->dst_bin = dst->stride[bins];
        break;
    case DC_SPECTRAL_IRFFT:
        a->src_part = src->stride[bins];
        break;
    case DC_SPECTRAL_ISTFT:
        a->src_frame = src->stride[bins];
        a->src_part = src->stride[bins + 1];
        break;
    default:
        break;
    }
}

static dc_status add_steps(wanted *w)
{
    static const int32_t to[] = {
        [DC_SPECTRAL_RFFT] = DC_SPECTRAL_TO_BINS,
        [DC_SPECTRAL_STFT] = DC_SPECTRAL_TO_BINS,
        [DC_SPECTRAL_PERIODOGRAM] = DC_SPECTRAL_TO_POWER,
        [DC_SPECTRAL_SPECTROGRAM] = DC_SPECTRAL_TO_POWER,
        [DC_SPECTRAL_BANDS] = DC_SPECTRAL_TO_BANDS,
        [DC_SPECTRAL_ROLLING_BANDS] = DC_SPECTRAL_TO_BANDS,
        [DC_SPECTRAL_FEATURES] = DC_SPECTRAL_TO_FEATURES,
    };
    const int32_t kind = w->op->kind;

    switch (kind) {
    case DC_SPECTRAL_IRFFT:
        return add_series(w, &w->a, -1);
    case DC_SPECTRAL_ISTFT:
        return add_overlap(w);
    case DC_SPECTRAL_WELCH:
    case DC_SPECTRAL_CSD:
        return w->p->average == DC_AVERAGE_MEDIAN ? add_medians(w) : add_means(w);
    case DC_SPECTRAL_COHERENCE:
        return add_means(w);
    case DC_SPECTRAL_ACF:
        return add_lags(w);
    case DC_SPECTRAL_LOMBSCARGLE:
        return add_times(w);
    case DC_SPECTRAL_FIND_PERIOD:
        return add_peaks(w);
    default:
        break;
    }
    w->a.to = to[kind];
    DC_TRY(add_windows(w, &w->a, -1));
    if (kind == DC_SPECTRAL_ROLLING_BANDS && w->p->heads == DC_HEADS_SHORT)
        return add_short_heads(w);
    return DC_OK;
}

/* Flops of the algorithm; 0.15 ns a sample for every pass on one thread, and what is read and
 * written. */
static void set_cost(const wanted *w)
{
    const double values = (double)w->a.series * (double)w->a.frames, n = (double)w->a.nfft;
    double logs = 1;

    for (int64_t m = w->a.nfft; m > 2; m /= 2)
        ++logs;
    w->plan->bytes = (double)(dc_array_elements(&w->p->src) + dc_array_elements(&w->p->dst)) *
                     (double)dc_dtype_bytes(w->dtype);
    w->plan->flops = 2.5 * values * n * logs;
    w->plan->cpu_ns = 0.05 * values * n * (1 + logs) * (double)dc_dtype_bytes(w->dtype) / 4;
    if (w->op->kind == DC_SPECTRAL_ACF) {
        w->plan->flops = 2.0 * (double)w->a.series * (double)w->a.n * (double)(w->a.lags + 1);
        w->plan->cpu_ns = w->plan->flops / 16;
    } else if (w->op->kind == DC_SPECTRAL_LOMBSCARGLE) {
        w->plan->flops = 40.0 * (double)w->a.series * (double)w->a.n * (double)w->p->freqs.count;
        w->plan->cpu_ns = w->plan->flops / 10;
    }
}

static dc_status spectral_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    wanted w = {.op = op, .p = params, .plan = plan};

    DC_TRY(check(&w));
    if (dc_array_elements(&w.p->src) == 0 || dc_array_elements(&w.p->dst) == 0)
        return DC_OK;
    set_axes(&w);
    set_steps(&w);
    DC_TRY(make_window(&w));
    w.slot[0] = dc__plan_input(plan, &w.p->src);
    if (w.a.inputs == 2 || op->kind == DC_SPECTRAL_LOMBSCARGLE)
        w.slot[1] = dc__plan_input(plan, &w.p->other);
    w.out = dc__plan_output(plan, &w.p->dst);
    DC_TRY(add_steps(&w));
    set_cost(&w);
    return DC_OK;
}

/* ---- parameters ---------------------------------------------------------------------------- */

#define AT(field) (int32_t) offsetof(dc_spectral_params, field)
#define CHOICE(field, def, names, help)                                                            \
    {                                                                                              \
#field, DC_PARAM_CHOICE, AT(field), def, 0, 0, 0, INFINITY, names, help                    \
    }
#define LENGTH(field, least, help)                                                                 \
    {                                                                                              \
#field, DC_PARAM_INT64, AT(field), 0, 0, 1, least, INFINITY, NULL, help                    \
    }
static const dc_param_info spectral_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, float32 or float64; complex input has a last axis of 2."},
    {"other", DC_PARAM_ARRAY_IN, AT(other), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Second series of cross spectra; times of lombscargle."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, dtype of src."},
    {"axis", DC_PARAM_INT32, AT(axis), -1, 0, 0, -DC_MAX_NDIM, DC_MAX_NDIM - 1, NULL,
     "Axis of the series."},
    {"window", DC_PARAM_INT32, AT(window), -1, 0, 0, -1, DC_WINDOW_GAUSSIAN, NULL,
     "0 boxcar, 1 hann, 2 hamming, 3 blackman, 4 blackmanharris, 5 flattop, 6 kaiser, 7 tukey, "
     "8 gaussian; -1: by operation."},
    {"window_param", DC_PARAM_DOUBLE, AT(window_param), -1, 0, 0, -1, INFINITY, NULL,
     "Of kaiser, tukey, gaussian; -1: 14, 0.5, nperseg / 6."},
    {"symmetric", DC_PARAM_BOOL, AT(symmetric), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Window for filters, not for spectra."},
    {"detrend", DC_PARAM_INT32, AT(detrend), -1, 0, 0, -1, DC_DETREND_LINEAR, NULL,
     "0 none, 1 constant, 2 linear; -1: by operation."},
    {"taps", DC_PARAM_DOUBLES, AT(taps), 0, 0, 0, -INFINITY, INFINITY, NULL, "The window itself."},
    {"fs", DC_PARAM_DOUBLE, AT(fs), 1, 0, 0, 0, INFINITY, NULL, "Samples in a unit of time."},
    LENGTH(nperseg, 1, "Samples of a window."),
    LENGTH(noverlap, 0, "Samples that neighbouring windows share."),
    LENGTH(nfft, 1, "Length of the transform."),
    {"scaling", DC_PARAM_INT32, AT(scaling), -1, 0, 0, -1, DC_SCALING_NONE, NULL,
     "0 density, 1 spectrum, 2 none; -1: by operation."},
    CHOICE(average, DC_AVERAGE_MEAN, "mean median", "How windows are combined."),
    CHOICE(boundary, DC_BOUNDARY_ZEROS, "none zeros even odd constant",
           "What lies beyond the ends (stft, istft)."),
    {"padded", DC_PARAM_BOOL, AT(padded), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "Zeros fill the last window (stft)."},
    CHOICE(nan, DC_NAN_PROPAGATE, "omit propagate", "What NaN and infinities do to means."),
    {"closed", DC_PARAM_BOOL, AT(closed), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Bands have their upper edge."},
    {"bands", DC_PARAM_DOUBLES, AT(bands), 0, 0, 0, 0, INFINITY, NULL,
     "Low, high of each band, in units of fs."},
    CHOICE(heads, DC_HEADS_NAN, "nan short", "Rows before the first whole window."),
    {"features", DC_PARAM_INT32, AT(features), DC_FEATURE_ALL, 0, 0, 1, DC_FEATURE_ALL, NULL,
     "Bits: total centroid bandwidth skewness kurtosis rolloff flatness entropy crest slope "
     "peak_frequency peak_power."},
    CHOICE(weight, DC_WEIGHT_POWER, "power magnitude", "What features weigh bins with."),
    {"adjusted", DC_PARAM_BOOL, AT(adjusted), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Autocorrelations are means over the products they have."},
    {"rolloff", DC_PARAM_DOUBLE, AT(rolloff), 0.85, 0, 0, 0, 1, NULL,
     "Share of the total below the rolloff."},
    LENGTH(lags, 0, "Lags 0 to lags."),
    {"freqs", DC_PARAM_DOUBLES, AT(freqs), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Angular frequencies (lombscargle)."},
    {"normalize", DC_PARAM_BOOL, AT(normalize), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Power between 0 and 1 (lombscargle)."},
};
#undef LENGTH
#undef CHOICE
#undef AT

static const dc_spectral_params spectral_init = DC_SPECTRAL_PARAMS_INIT;

const dc_family dc__spectral_family = {
    .name = "spectral",
    .call = "dc_spectral",
    .source = dc__cl_spectral,
    .params = spectral_params,
    .nparams = sizeof spectral_params / sizeof *spectral_params,
    .params_bytes = sizeof(dc_spectral_params),
    .params_init = &spectral_init,
    .plan = spectral_plan,
};

dc_status dc_spectral(dc_queue *queue, const dc_spectral_params *params, dc_event **done)
{
    dc_spectral_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__spectral_family, &whole, params));
    op = dc__op_of_kind(&dc__spectral_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_spectral: kind is %d, must be %d to %d (DC_SPECTRAL_*)",
               (int)whole.kind, DC_SPECTRAL_RFFT, DC_SPECTRAL_FIND_PERIOD);
    return dc__run(queue, op, &whole, done);
}

/* Transforms of windows by direct sums. */
#include "tests/oracle/spectral_oracle.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *room(int64_t n, size_t size)
{
    void *memory = calloc((size_t)(n > 0 ? n : 1), size);

    if (!memory)
        abort();
    return memory;
}

/* ---- the call ---------------------------------------------------------------------------------
 */

static int64_t either(int64_t given, int64_t otherwise)
{
    return given == DC_DEFAULT ? otherwise : given;
}

static void take_lengths(dct_spectral_call *c)
{
    const dc_spectral_params *p = c->p;
    const int32_t kind = p->kind;
    const int backwards = kind == DC_SPECTRAL_IRFFT || kind == DC_SPECTRAL_ISTFT;
    const int whole =
        kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_PERIODOGRAM || kind == DC_SPECTRAL_IRFFT;

    if (backwards) {
        c->nfft = either(p->nfft, 2 * (c->samples - 1));
        c->nperseg = kind == DC_SPECTRAL_IRFFT ? c->nfft : either(p->nperseg, c->nfft);
    } else {
        c->nperseg = either(p->nperseg, whole || c->samples < 256 ? c->samples : 256);
        c->nfft = either(p->nfft, c->nperseg);
    }
    if (kind == DC_SPECTRAL_RFFT && c->nfft < c->nperseg)
        c->nperseg = c->nfft;
    c->bins = c->nfft / 2 + 1;
    c->hop =
        c->nperseg - either(p->noverlap, kind == DC_SPECTRAL_SPECTROGRAM ? c->nperseg / 8
                                         : kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_FEATURES
                                             ? 0
                                             : c->nperseg / 2);
    if (whole)
        c->hop = c->nperseg;
    c->padded = c->samples;
    if (kind == DC_SPECTRAL_STFT && p->boundary != DC_BOUNDARY_NONE) {
        c->reach = c->nperseg / 2;
        c->padded += 2 * c->reach;
    }
    if (kind == DC_SPECTRAL_STFT && p->padded && (c->padded - c->nperseg) % c->hop)
        c->padded += c->hop - (c->padded - c->nperseg) % c->hop;
    c->frames = c->hop > 0 ? (c->padded - c->nperseg) / c->hop + 1 : 1;
    if (whole)
        c->frames = 1;
}

static void take_weights(dct_spectral_call *c)
{
    const dc_spectral_params *p = c->p;
    const int plain = p->kind == DC_SPECTRAL_RFFT || p->kind == DC_SPECTRAL_PERIODOGRAM ||
                      p->kind == DC_SPECTRAL_BANDS || p->kind == DC_SPECTRAL_ROLLING_BANDS;
    const int tapered = p->kind == DC_SPECTRAL_SPECTROGRAM;
    const int32_t window = p->window >= 0 ? p->window
                           : plain        ? DC_WINDOW_BOXCAR
                           : tapered      ? DC_WINDOW_TUKEY
                                          : DC_WINDOW_HANN;
    const int curved = window >= DC_WINDOW_BLACKMAN;
    long double param = (long double)p->window_param, size = 0;

    if (tapered && p->window < 0)
        param = 0.25L;
    else if (p->window_param < 0)
        param = window == DC_WINDOW_KAISER     ? 14
                : window == DC_WINDOW_GAUSSIAN ? (long double)c->nperseg / 6
                                               : 0.5L;
    c->weight = room(c->nperseg, sizeof *c->weight);
    dct_spectral_window(window, param, p->symmetric, c->nperseg, c->weight);
    for (int64_t i = 0; i < c->nperseg; ++i) {
        if (p->taps.count)
            c->weight[i] = (long double)p->taps.at[i];
        c->sum += c->weight[i];
        c->squares += c->weight[i] * c->weight[i];
        size += fabsl(c->weight[i]);
    }
    /* Weights are themselves off by some units of float64, as much as the largest. */
    c->weight_error = (curved && !p->taps.count ? 16 : 2) * 0x1p-53L;
    /* A sum of weights next to nothing has no digits in float64 either. */
    if (c->scaling == DC_SCALING_SPECTRUM)
        c->scale_error = 4 * 0x1p-53L * size / fabsl(c->sum);
    if (c->scaling == DC_SCALING_DENSITY && c->squares < 1e-25L)
        c->scale_error = (long double)INFINITY;
}

void dct_spectral_open(dct_spectral_call *c, const dc_spectral_params *p, int64_t samples)
{
    const int32_t kind = p->kind;

    memset(c, 0, sizeof *c);
    c->p = p;
    c->samples = samples;
    c->u = p->src.dtype == DC_F32 ? 0x1p-24L : 0x1p-53L;
    c->detrend = p->detrend >= 0                                        ? p->detrend
                 : kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_STFT ? DC_DETREND_NONE
                 : kind == DC_SPECTRAL_FIND_PERIOD                      ? DC_DETREND_LINEAR
                                                                        : DC_DETREND_CONSTANT;
    c->scaling = p->scaling >= 0                                         ? p->scaling
                 : kind == DC_SPECTRAL_STFT || kind == DC_SPECTRAL_ISTFT ? DC_SCALING_SPECTRUM
                 : kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_ROLLING_BANDS ||
                         kind == DC_SPECTRAL_FEATURES || kind == DC_SPECTRAL_RFFT
                     ? DC_SCALING_NONE
                     : DC_SCALING_DENSITY;
    take_lengths(c);
    take_weights(c);
    c->bound = dct_spectral_bound(c->nfft > 0 ? c->nfft : 1, c->u);
}

void dct_spectral_close(dct_spectral_call *c)
{
    free(c->weight);
    c->weight = NULL;
}

/* ---- one window -------------------------------------------------------------------------------
 */

long double dct_spectral_weigh(int32_t detrend, const long double *x, const long double *w,
                               int64_t n, long double *y)
{
    const long double centre = (long double)(n - 1) / 2;
    long double mean = 0, slope = 0, squares = 0, size = 0;

    for (int64_t i = 0; i < n; ++i) {
        const long double t = (long double)i - centre;

        mean += (x[i] - x[0]) / (long double)n;
        slope += (x[i] - x[0]) * t;
        squares += t * t;
    }
    slope = detrend == DC_DETREND_LINEAR && n > 1 ? slope / squares : 0;
    for (int64_t i = 0; i < n; ++i) {
        const long double t = (long double)i - centre, d = x[i] - x[0];
        const long double terms = fabsl(d) + fabsl(mean) + fabsl(slope * t);

        y[i] = (detrend == DC_DETREND_NONE ? x[i] : d - mean - slope * t) * w[i];
        size += detrend == DC_DETREND_NONE ? y[i] * y[i] : terms * terms * w[i] * w[i];
    }
    return sqrtl(size);
}

int dct_spectral_transform(const dct_spectral_call *c, const long double *x, dct_spectrum *s)
{
    long double *y = room(c->nperseg, sizeof *y), *one = room(c->nperseg, sizeof *one);

    for (int64_t i = 0; i < c->nperseg; ++i)
        one[i] = 1;
    s->error = c->weight_error * sqrtl((long double)c->nperseg) *
               dct_spectral_weigh(c->detrend, x, one, c->nperseg, y);
    s->error += c->bound * dct_spectral_weigh(c->detrend, x, c->weight, c->nperseg, y);
    free(one);
    for (int64_t k = 0; k < c->bins; ++k)
        dct_spectral_bin(y, c->nperseg, c->nfft, k, &s->re[k], &s->im[k]);
    free(y);
    for (int64_t i = 0; i < c->nperseg; ++i)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static long double scale_of(const dct_spectral_call *c)
{
    return c->scaling == DC_SCALING_NONE       ? 1
           : c->scaling == DC_SCALING_SPECTRUM ? 1 / (c->sum * c->sum)
                                               : 1 / ((long double)c->p->fs * c->squares);
}

static long double sides(const dct_spectral_call *c, int64_t k)
{
    const int both = c->scaling != DC_SCALING_NONE && c->p->kind != DC_SPECTRAL_FEATURES;

    return both && k > 0 && 2 * k != c->nfft ? 2 : 1;
}

dct_spectral_want dct_spectral_power(const dct_spectral_call *c, const dct_spectrum *s, int64_t k)
{
    const long double scale = scale_of(c) * sides(c, k), e = s->error;
    const long double square = s->re[k] * s->re[k] + s->im[k] * s->im[k];
    dct_spectral_want want = {square * scale,
                              scale * (2 * e * sqrtl(square) + e * e + 4 * c->u * square)};

    want.slack += c->scale_error * want.value;
    return want;
}

/* ---- windows of a series ----------------------------------------------------------------------
 */

/* Sample i of the series, as the boundary has it. */
static long double sample(const dct_spectral_call *c, const long double *x, int64_t i)
{
    const int64_t n = c->samples;

    if (i >= 0 && i < n)
        return x[i];
    if (i >= n + c->reach || c->p->boundary <= DC_BOUNDARY_ZEROS)
        return 0;
    if (c->p->boundary == DC_BOUNDARY_CONSTANT)
        return i < 0 ? x[0] : x[n - 1];
    if (c->p->boundary == DC_BOUNDARY_EVEN)
        return i < 0 ? x[-i] : x[2 * (n - 1) - i];
    return i < 0 ? 2 * x[0] - x[-i] : 2 * x[n - 1] - x[2 * (n - 1) - i];
}

/* Spectra of all windows; [frame]: is it finite? */
typedef struct frames {
    dct_spectrum *at;
    int *fine;
} frames;

static frames frames_of(const dct_spectral_call *c, const long double *x)
{
    frames f = {room(c->frames, sizeof *f.at), room(c->frames, sizeof *f.fine)};
    long double *window = room(c->nperseg, sizeof *window);

    for (int64_t i = 0; i < c->frames; ++i) {
        for (int64_t j = 0; j < c->nperseg; ++j)
            window[j] = sample(c, x, i * c->hop + j - c->reach);
        f.at[i].re = room(c->bins, sizeof(long double));
        f.at[i].im = room(c->bins, sizeof(long double));
        f.fine[i] = dct_spectral_transform(c, window, &f.at[i]);
    }
    free(window);
    return f;
}

static void frames_free(const dct_spectral_call *c, frames *f)
{
    for (int64_t i = 0; f->at && i < c->frames; ++i) {
        free(f->at[i].re);
        free(f->at[i].im);
    }
    free(f->at);
    free(f->fine);
}

static int by_value(const void *a, const void *b)
{
    const long double x = *(const long double *)a, y = *(const long double *)b;

    return (x > y) - (x < y);
}

/* 1 + sum of 1 / (2i + 1) - 1 / (2i), i = 1 ... (n - 1) / 2 */
static long double bias(int64_t n)
{
    long double sum = 1;

    for (int64_t i = 1; i <= (n - 1) / 2; ++i)
        sum += 1 / (2 * (long double)i + 1) - 1 / (2 * (long double)i);
    return sum;
}

/* Mean or median over the windows that count. */
static dct_spectral_want combined(const dct_spectral_call *c, dct_spectral_want *w, int64_t n)
{
    const int median = c->p->average == DC_AVERAGE_MEDIAN &&
                       (c->p->kind == DC_SPECTRAL_WELCH || c->p->kind == DC_SPECTRAL_CSD);
    const int omit = c->p->nan == DC_NAN_OMIT && !median;
    dct_spectral_want sum = {0, 0};
    long double most = 0, size = 0, *order = room(n, sizeof *order);
    int64_t count = 0;

    for (int64_t i = 0; i < n; ++i) {
        if (omit && isnan(w[i].value))
            continue;
        order[count++] = w[i].value;
        sum.value += w[i].value;
        size += fabsl(w[i].value);
        sum.slack += w[i].slack;
        most = fmaxl(most, w[i].slack);
    }
    if (median && count && !isnan(sum.value)) {
        qsort(order, (size_t)count, sizeof *order, by_value);
        sum.value = (order[(count - 1) / 2] + order[count / 2]) / 2 / bias(count);
        sum.slack = most / bias(count) + 4 * c->u * fabsl(sum.value);
    } else {
        sum.value = count ? sum.value / (long double)count : (long double)NAN;
        sum.slack = (sum.slack + 40 * c->u * size) / (long double)(count ? count : 1);
    }
    free(order);
    return sum;
}

/* Cross power of a window: re at 0, im at 1. */
static void cross(const dct_spectral_call *c, const dct_spectrum *x, const dct_spectrum *y,
                  int64_t k, dct_spectral_want *out)
{
    const long double scale = scale_of(c) * sides(c, k);
    const long double ax = hypotl(x->re[k], x->im[k]), ay = hypotl(y->re[k], y->im[k]);
    const long double slack = scale * (x->error * ay + y->error * ax + x->error * y->error +
                                       (6 * c->u + c->scale_error) * ax * ay);

    out[0] = (dct_spectral_want){scale * (x->re[k] * y->re[k] + x->im[k] * y->im[k]), slack};
    out[1] = (dct_spectral_want){scale * (x->re[k] * y->im[k] - x->im[k] * y->re[k]), slack};
}

static dct_spectral_want coherence(const dct_spectral_want *mean)
{
    const long double p = mean[0].value, q = mean[1].value;
    const long double e = hypotl(mean[2].slack, mean[3].slack);
    const long double size = hypotl(mean[2].value, mean[3].value);
    const long double rp = mean[0].slack / p, rq = mean[1].slack / q;
    dct_spectral_want want = {size * size / (p * q), 0};

    want.slack = (2 * size * e + e * e) / (p * q) + 2 * want.value * (rp + rq);
    if (isnan(p) || isnan(q))
        want.value = (long double)NAN;
    else if (!(rp < 0.25L && rq < 0.25L))
        want.slack = (long double)INFINITY;
    return want;
}

/* Bin k of WELCH, CSD or COHERENCE. */
static int64_t averaged(const dct_spectral_call *c, const frames *x, const frames *y, int64_t k,
                        dct_spectral_want *out)
{
    const int32_t kind = c->p->kind;
    dct_spectral_want *w = room(c->frames, sizeof *w), mean[4], both[2];

    for (int plane = 0; plane < 4; ++plane) {
        for (int64_t i = 0; i < c->frames; ++i) {
            const int fine = x->fine[i] && (!y->at || y->fine[i]);

            if (plane < 2 && (plane == 0 || y->at))
                w[i] = dct_spectral_power(c, plane ? &y->at[i] : &x->at[i], k);
            if (plane >= 2 && y->at) {
                cross(c, &x->at[i], &y->at[i], k, both);
                w[i] = both[plane - 2];
            }
            if (!fine)
                w[i].value = (long double)NAN;
        }
        mean[plane] = combined(c, w, c->frames);
    }
    free(w);
    out[0] = kind == DC_SPECTRAL_WELCH ? mean[0]
             : kind == DC_SPECTRAL_CSD ? mean[2]
                                       : coherence(mean);
    out[1] = mean[3];
    return kind == DC_SPECTRAL_CSD ? 2 : 1;
}

/* Sums of the bins of a band; a bin next to an edge may be in or out by a rounding. */
static dct_spectral_want band_sum(const dct_spectral_call *c, const dct_spectral_want *power,
                                  const double *band)
{
    const long double fs = (long double)c->p->fs, low = (long double)band[0],
                      high = (long double)band[1];
    dct_spectral_want sum = {0, 0};

    for (int64_t k = 0; k < c->bins; ++k) {
        const long double f = (long double)k * fs / (long double)c->nfft, near = 1e-15L * fs;

        if (k && (fabsl(f - low) < near || fabsl(f - high) < near))
            sum.slack += 2 * fabsl(power[k].value);
        if (f < low - (k ? near : 0) || f > high + near || (k == 0 && !(low <= 0)) ||
            (k == 0 && high <= 0 && !c->p->closed))
            continue;
        sum.value += power[k].value;
        sum.slack += power[k].slack + 2 * c->bound * power[k].value;
    }
    return sum;
}

/* The list of one window: bands or features. */
int64_t dct_spectral_list(const dct_spectral_call *c, const dct_spectrum *s, int fine,
                          dct_spectral_want *out)
{
    const int bands = c->p->kind != DC_SPECTRAL_FEATURES;
    dct_spectral_want *g = room(c->bins, sizeof *g), all[12];
    int64_t n = 0;

    for (int64_t k = 0; k < c->bins; ++k) {
        g[k] = dct_spectral_power(c, s, k);
        if (!bands && c->p->weight == DC_WEIGHT_MAGNITUDE) {
            const long double e = g[k].slack / (sqrtl(g[k].value) + sqrtl(g[k].slack) + LDBL_MIN);

            g[k].value = sqrtl(g[k].value);
            g[k].slack = 2 * e + 2 * c->u * g[k].value;
        }
    }
    if (bands)
        for (; n < c->p->bands.count / 2; ++n)
            out[n] = band_sum(c, g, c->p->bands.at + 2 * n);
    else
        dct_spectral_features(c, g, all);
    for (int bit = 0; !bands && bit < 12; ++bit)
        if (c->p->features >> bit & 1)
            out[n++] = all[bit];
    for (int64_t i = 0; !fine && i < n; ++i)
        if (!bands || !isfinite(out[i].value)) /* a band without bins is 0 all the same */
            out[i] = (dct_spectral_want){(long double)NAN, 0};
    free(g);
    return n;
}

/* Bin k of the windows apart: STFT, SPECTROGRAM, RFFT, PERIODOGRAM.  A sample that is no number
 * may leave out one part of a bin whose turns are quarters there. */
static int64_t apart(const dct_spectral_call *c, const frames *x, int64_t k, dct_spectral_want *out)
{
    const int complex = c->p->kind == DC_SPECTRAL_RFFT || c->p->kind == DC_SPECTRAL_STFT;
    const long double sign = c->scaling == DC_SCALING_SPECTRUM && c->sum < 0 ? -1 : 1;
    const long double root = c->p->kind == DC_SPECTRAL_STFT ? sqrtl(scale_of(c)) : 1;
    const dct_spectral_want unknown = {0, (long double)INFINITY}, missing = {(long double)NAN, 0};

    for (int64_t i = 0; i < c->frames; ++i) {
        const dct_spectrum *s = &x->at[i];
        const long double slack =
            root * (s->error + (2 * c->u + c->scale_error) * hypotl(s->re[k], s->im[k]));

        if (!complex) {
            out[i] = x->fine[i] ? dct_spectral_power(c, s, k) : missing;
            continue;
        }
        out[2 * i] = (dct_spectral_want){sign * root * s->re[k], slack};
        out[2 * i + 1] = (dct_spectral_want){sign * root * s->im[k], slack};
        if (!x->fine[i]) {
            out[2 * i] = k ? unknown : missing;
            out[2 * i + 1] = unknown;
        }
    }
    return c->frames * (complex ? 2 : 1);
}

int64_t dct_spectral_series(const dct_spectral_call *c, const long double *x, const long double *y,
                            dct_spectral_want *out)
{
    const int32_t kind = c->p->kind;
    const int lists = kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_FEATURES;
    int64_t n = 0;

    switch (kind) {
    case DC_SPECTRAL_IRFFT:
    case DC_SPECTRAL_ISTFT:
        return dct_spectral_backwards(c, x, out);
    case DC_SPECTRAL_ROLLING_BANDS:
        return dct_spectral_rolling(c, x, out);
    case DC_SPECTRAL_ACF:
        return dct_spectral_acf(c, x, out);
    case DC_SPECTRAL_LOMBSCARGLE:
        return dct_spectral_lombscargle(c, x, y, out);
    case DC_SPECTRAL_FIND_PERIOD:
        return -1;
    default:
        break;
    }
    frames fx = frames_of(c, x), fy = {NULL, NULL};
    if (y)
        fy = frames_of(c, y);
    for (int64_t i = 0; lists && i < c->frames; ++i)
        n += dct_spectral_list(c, &fx.at[i], fx.fine[i], out + n);
    for (int64_t k = 0; !lists && k < c->bins; ++k)
        n += kind == DC_SPECTRAL_WELCH || kind == DC_SPECTRAL_CSD || kind == DC_SPECTRAL_COHERENCE
                 ? averaged(c, &fx, &fy, k, out + n)
                 : apart(c, &fx, k, out + n);
    frames_free(c, &fx);
    frames_free(c, &fy);
    return n;
}

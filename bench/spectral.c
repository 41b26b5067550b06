/* Sizes of the spectral rows: series of `columns` samples along the last axis; the window is the
 * length of the transform.  Where the results are more than the samples, fewer series are taken,
 * and Lomb-Scargle is one series at `window` frequencies. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of the package, beyond it; windows of their own, long series of many windows. */
static const dcb_size sizes[] = {{50, 10000}, {4096, 1024}, {1000, 16384}, {0, 0}};
static const dcb_size quick_sizes[] = {{50, 10000}, {0, 0}};
static const int64_t windows[] = {64, 256, 1000, 0};
static const int64_t quick_windows[] = {256, 0};

static const double bands[] = {0.0, 0.05, 0.05, 0.15, 0.15, 0.5};
static double freqs[1 << 16];

/* The memory of an array in another shape. */
static dc_array as(const dc_array *memory, int32_t ndim, const int64_t *shape)
{
    return memory->buffer ? dc_array_device(memory->buffer, memory->dtype, ndim, shape)
                          : dc_array_host(memory->data, memory->dtype, ndim, shape);
}

/* Every window a series of its own. */
static void whole_params(const dcb_case *c, const dc_array *src, const dc_array *dst,
                         dc_spectral_params *p)
{
    const int64_t n = c->window, bins = n / 2 + 1, series = c->rows * c->columns / (2 * bins);
    const dc_array x = as(p->kind == DC_SPECTRAL_IRFFT ? dst : src, 2, (int64_t[]){series, n});
    const dc_array y =
        as(p->kind == DC_SPECTRAL_IRFFT ? src : dst, 3, (int64_t[]){series, bins, 2});

    p->src = p->kind == DC_SPECTRAL_IRFFT ? y : x;
    p->dst = p->kind == DC_SPECTRAL_IRFFT ? x : y;
    if (p->kind == DC_SPECTRAL_PERIODOGRAM)
        p->dst = as(dst, 2, (int64_t[]){series, bins});
    p->nfft = p->kind == DC_SPECTRAL_IRFFT ? n : DC_DEFAULT;
}

/* Bins behind each other, windows half over each other. */
static void stft_params(const dcb_case *c, const dc_array *src, const dc_array *dst,
                        dc_spectral_params *p)
{
    const int64_t n = c->window, bins = n / 2 + 1, hop = n - n / 2;
    const int inverse = p->kind == DC_SPECTRAL_ISTFT;
    const int64_t frames = (c->columns + n / 2 * 2 - n + hop - 1) / hop + 1;
    const int64_t samples = n + (frames - 1) * hop - n / 2 * 2;
    const int64_t most = c->rows * c->columns / (2 * bins * frames);
    const int64_t series = most > 1 ? most : 1;
    const dc_array x =
        as(inverse ? dst : src, 2, (int64_t[]){series, inverse ? samples : c->columns});
    const dc_array y = as(inverse ? src : dst, 4, (int64_t[]){series, bins, frames, 2});

    p->axis = 1;
    p->nfft = n;
    p->src = inverse ? y : x;
    p->dst = inverse ? x : y;
}

/* Powers, means and lists of windows. */
static void window_params(const dcb_case *c, const dc_array *src, const dc_array *dst,
                          dc_spectral_params *p)
{
    const int64_t n = c->window, bins = n / 2 + 1, t = c->columns;
    const int64_t half[] = {c->rows / 2 > 0 ? c->rows / 2 : 1, t};

    switch (p->kind) {
    case DC_SPECTRAL_SPECTROGRAM:
        p->dst = as(dst, 3, (int64_t[]){c->rows, bins, (t - n) / (n - n / 8) + 1});
        break;
    case DC_SPECTRAL_WELCH:
        p->dst = as(dst, 2, (int64_t[]){c->rows, bins});
        break;
    case DC_SPECTRAL_BANDS:
        p->dst = as(dst, 3, (int64_t[]){c->rows, t / n, 3});
        break;
    case DC_SPECTRAL_FEATURES:
        p->dst = as(dst, 3, (int64_t[]){c->rows, t / n, 12});
        break;
    case DC_SPECTRAL_ROLLING_BANDS:
        p->src = as(src, 2, (int64_t[]){c->rows / 3 > 0 ? c->rows / 3 : 1, t});
        p->dst = as(dst, 3, (int64_t[]){c->rows / 3 > 0 ? c->rows / 3 : 1, t, 3});
        break;
    default: /* CSD, COHERENCE: one half of the series against the other */
        p->src = p->other = as(src, 2, half);
        p->other.offset = half[0] * t * (c->rows > 1);
        p->dst = as(dst, p->kind == DC_SPECTRAL_CSD ? 3 : 2, (int64_t[]){half[0], bins, 2});
        break;
    }
}

static void spectral_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.bands = (dc_doubles){bands, 6};
    p.nperseg = c->window;
    switch (p.kind) {
    case DC_SPECTRAL_RFFT:
    case DC_SPECTRAL_IRFFT:
    case DC_SPECTRAL_PERIODOGRAM:
        whole_params(c, src, dst, &p);
        break;
    case DC_SPECTRAL_STFT:
    case DC_SPECTRAL_ISTFT:
        stft_params(c, src, dst, &p);
        break;
    case DC_SPECTRAL_ACF:
        p.lags = 40;
        p.dst = as(dst, 2, (int64_t[]){c->rows, 41});
        break;
    case DC_SPECTRAL_FIND_PERIOD:
        p.dst = as(dst, 2, (int64_t[]){c->rows, 3});
        break;
    case DC_SPECTRAL_LOMBSCARGLE: /* the second row as the times */
        for (int64_t i = 0; i < c->window && i < 1 << 16; ++i)
            freqs[i] = 3.0 * (double)(i + 1) / (double)c->window;
        p.freqs = (dc_doubles){freqs, c->window < 1 << 16 ? c->window : 1 << 16};
        p.other = as(src, 1, &c->columns);
        p.other.offset = c->rows > 1 ? c->columns : 0;
        p.src = as(src, 1, &c->columns);
        p.dst = as(dst, 1, &p.freqs.count);
        break;
    default:
        window_params(c, src, dst, &p);
        break;
    }
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_spectral = {"spectral", sizes,         quick_sizes,
                                 windows,    quick_windows, spectral_params};

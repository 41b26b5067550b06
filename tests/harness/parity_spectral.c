/* Cases of the spectral family. */
#include "tests/harness/parity_case.h"

#include <stddef.h>
#include <string.h>

enum { WALK = 512, LIST = 2100, BANDS = 5 };

/* What the params point to; one case at a time is drawn. */
static double taps[LIST], bands[2 * BANDS], freqs[LIST];

/* Shape of src and dst: `base` with the lengths of the axis, and what follows. */
typedef struct form {
    int64_t base[DC_MAX_NDIM];
    int32_t ndim, axis, src_more, dst_more;
    int64_t src_length, dst_length, src_tail[2], dst_tail[2];
} form;

static int windowed(int32_t kind)
{
    return kind == DC_SPECTRAL_STFT || kind == DC_SPECTRAL_SPECTROGRAM ||
           kind == DC_SPECTRAL_WELCH || kind == DC_SPECTRAL_CSD || kind == DC_SPECTRAL_COHERENCE ||
           kind == DC_SPECTRAL_BANDS || kind == DC_SPECTRAL_FEATURES;
}

/* Lengths of transforms: all from 1 to 512 in turn, so that a long run has them all; now and then
 * one above, with primes, neighbours of powers of two and the most that is promised to the bit. */
static int64_t draw_points(dct_case *c, int small)
{
    static const int64_t above[] = {513,  521,  600,  625,  640,  686,  729,  768,  840,  997,
                                    1000, 1009, 1021, 1023, 1024, 1025, 1155, 1331, 1536, 2000};
    static const int64_t most32[] = {2048, 2310, 3000, 4095, 4096, 4099, 6561, 7919, 8191, 8192};
    static const int64_t most64[] = {2048, 2053, 2310, 2401, 2500, 3000, 3125, 4001, 4093, 4096};
    static const int64_t tiny[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 21, 24};
    dct_rng *rng = &c->rng;
    if (small > 1)
        return dct_chance(rng, 80) ? tiny[dct_below(rng, 18)] : dct_range(rng, 1, 64);
    if (!small && dct_chance(rng, 1))
        return c->dtype == DC_F32 ? most32[dct_below(rng, 10)] : most64[dct_below(rng, 10)];
    if (dct_chance(rng, 4))
        return above[dct_below(rng, 20)];
    return small ? dct_range(rng, 1, dct_chance(rng, 70) ? 70 : WALK)
                 : 1 + c->number / dc_op_count() / 2 % WALK;
}

/* Windows are short, mostly. */
static int64_t draw_window(dct_case *c, int small)
{
    static const int64_t usual[] = {8, 12, 16, 24, 30, 32, 48, 50, 60, 64, 100, 128, 17, 37, 49};
    dct_rng *rng = &c->rng;
    if (small > 1)
        return dct_range(rng, 1, dct_chance(rng, 80) ? 12 : 24);
    if (dct_chance(rng, 40))
        return usual[dct_below(rng, 15)];
    if (dct_chance(rng, 40))
        return dct_range(rng, 1, 20);
    return dct_range(rng, 1, dct_chance(rng, 90) ? 130 : 600);
}

static void draw_taps(dct_rng *rng, dc_spectral_params *p, int64_t n)
{
    p->window = (int32_t)dct_range(rng, -1, DC_WINDOW_GAUSSIAN);
    p->symmetric = dct_chance(rng, 30);
    if (dct_chance(rng, 50))
        p->window_param = p->window == DC_WINDOW_TUKEY ? dct_unit(rng) : 0.5 + 9.0 * dct_unit(rng);
    if (!dct_chance(rng, 10) || n > LIST)
        return;
    for (int64_t i = 0; i < n; i++)
        taps[i] = i && dct_chance(rng, 10) ? 0.0 : dct_bell(rng);
    p->taps = (dc_doubles){taps, n};
}

static void draw_bands(dct_rng *rng, dc_spectral_params *p)
{
    p->bands = (dc_doubles){bands, 2 * dct_range(rng, 1, BANDS)};
    for (int64_t i = 0; i < p->bands.count; i += 2) {
        const double a = dct_unit(rng) * p->fs * 0.6, b = dct_unit(rng) * p->fs * 0.6;
        bands[i] = dct_chance(rng, 20) ? 0.0 : a < b ? a : b;
        bands[i + 1] = bands[i] < p->fs / 2 && dct_chance(rng, 20) ? p->fs / 2 : a < b ? b : a;
    }
}

static void draw_scalars(dct_rng *rng, dc_spectral_params *p)
{
    static const double rates[] = {1.0, 1.0, 0.1, 44100.0, 12.0, 3.7};
    p->fs = rates[dct_below(rng, 6)];
    p->detrend = (int32_t)dct_range(rng, -1, DC_DETREND_LINEAR);
    p->scaling = (int32_t)dct_range(rng, -1, DC_SCALING_NONE);
    p->average = dct_chance(rng, 30);
    p->boundary = (int32_t)dct_below(rng, 5);
    p->padded = dct_chance(rng, 70);
    p->nan = dct_chance(rng, 40);
    p->closed = dct_chance(rng, 30);
    p->heads = dct_chance(rng, 40);
    p->features = dct_chance(rng, 60) ? DC_FEATURE_ALL : (int32_t)dct_range(rng, 1, DC_FEATURE_ALL);
    p->weight = dct_chance(rng, 40);
    p->adjusted = dct_chance(rng, 40);
    p->rolloff = dct_chance(rng, 60) ? 0.85 : dct_unit(rng);
    p->normalize = dct_chance(rng, 50);
}

static int64_t bits(int32_t word)
{
    int64_t n = 0;
    for (; word; word &= word - 1)
        n++;
    return n;
}

/* Windows of `n` samples over a series that is drawn around them; returns how many there are. */
static int64_t draw_frames(dct_rng *rng, dc_spectral_params *p, int64_t n, int64_t *length,
                           int small)
{
    const int64_t fewer = dct_chance(rng, 50) ? n - 1 : n / 2;
    int64_t frames = dct_range(rng, 1, small > 1 ? 3 : dct_chance(rng, 90) ? 7 : 70);
    int64_t hop;
    if (n > 64 && frames > 7)
        frames = 7;
    p->nperseg = n;
    if (dct_chance(rng, 60))
        p->noverlap = dct_range(rng, 0, fewer);
    if (p->noverlap == DC_DEFAULT)
        hop = n - (p->kind == DC_SPECTRAL_SPECTROGRAM                                ? n / 8
                   : p->kind == DC_SPECTRAL_BANDS || p->kind == DC_SPECTRAL_FEATURES ? 0
                                                                                     : n / 2);
    else
        hop = n - p->noverlap;
    *length = n + (frames - 1) * hop + dct_below(rng, hop);
    if (p->kind == DC_SPECTRAL_STFT) {
        int64_t whole = *length + (p->boundary != DC_BOUNDARY_NONE ? n / 2 * 2 : 0);
        if (p->padded && (whole - n) % hop)
            whole += hop - (whole - n) % hop;
        frames = (whole - n) / hop + 1;
    }
    return frames;
}

static int64_t draw_nfft(dct_rng *rng, dc_spectral_params *p, int64_t n, int small)
{
    if (dct_chance(rng, 70))
        return n;
    p->nfft = n + dct_range(rng, 0, small > 1 ? 5 : dct_chance(rng, 70) ? 20 : n);
    return p->nfft;
}

static void draw_whole(dct_case *c, dc_spectral_params *p, form *f, int small)
{
    dct_rng *rng = &c->rng;
    int64_t n = draw_points(c, small);
    f->src_length = n;
    if (c->op.kind == DC_SPECTRAL_IRFFT) {
        f->src_length = n / 2 + 1;
        f->src_more = 1;
        f->src_tail[0] = 2;
        f->dst_length = n;
        if (n % 2 || dct_chance(rng, 50))
            p->nfft = n;
        if (p->nfft == n && dct_chance(rng, 15)) /* zeros behind the bins, or the first of them */
            f->src_length = dct_range(rng, 1, n / 2 + 5);
        return;
    }
    if (dct_chance(rng, 30)) { /* zeros behind the series; RFFT: its first samples */
        p->nfft = n;
        f->src_length = c->op.kind == DC_SPECTRAL_RFFT && dct_chance(rng, 40)
                            ? n + dct_range(rng, 1, 20)
                            : dct_range(rng, 1, n);
    }
    if (c->op.kind == DC_SPECTRAL_RFFT) {
        f->dst_more = 1;
        f->dst_tail[0] = 2;
    }
    if (f->src_length <= n)
        draw_taps(rng, p, f->src_length);
    f->dst_length = n / 2 + 1;
}

static void draw_windows(dct_case *c, dc_spectral_params *p, form *f, int small)
{
    dct_rng *rng = &c->rng;
    const int64_t n = draw_window(c, small);
    draw_taps(rng, p, n);
    if (p->average == DC_AVERAGE_MEDIAN &&
        (c->op.kind == DC_SPECTRAL_WELCH || c->op.kind == DC_SPECTRAL_CSD))
        p->nan = DC_NAN_PROPAGATE;
    const int64_t frames = draw_frames(rng, p, n, &f->src_length, small);
    const int64_t bins = draw_nfft(rng, p, n, small) / 2 + 1;
    f->dst_length = bins;
    switch (c->op.kind) {
    case DC_SPECTRAL_STFT:
        f->dst_more = 2;
        f->dst_tail[0] = frames;
        f->dst_tail[1] = 2;
        break;
    case DC_SPECTRAL_SPECTROGRAM:
        f->dst_more = 1;
        f->dst_tail[0] = frames;
        break;
    case DC_SPECTRAL_CSD:
        f->dst_more = 1;
        f->dst_tail[0] = 2;
        break;
    case DC_SPECTRAL_BANDS:
    case DC_SPECTRAL_FEATURES:
        f->dst_more = 1;
        f->dst_length = frames;
        f->dst_tail[0] = c->op.kind == DC_SPECTRAL_BANDS ? p->bands.count / 2 : bits(p->features);
        break;
    default:
        break;
    }
}

static void draw_istft(dct_case *c, dc_spectral_params *p, form *f, int small)
{
    dct_rng *rng = &c->rng;
    const int64_t n = draw_window(c, small), frames = dct_range(rng, 1, small > 1 ? 3 : 7);
    int64_t trimmed;
    draw_taps(rng, p, n);
    p->nperseg = n;
    p->nfft = n + (dct_chance(rng, 70) ? 0 : dct_range(rng, 0, 20));
    p->noverlap = dct_chance(rng, 40) ? n / 2 : dct_below(rng, n);
    f->dst_length = n + (frames - 1) * (n - p->noverlap);
    trimmed = f->dst_length - n / 2 * 2;
    if (trimmed < 1)
        p->boundary = DC_BOUNDARY_NONE;
    if (p->boundary != DC_BOUNDARY_NONE)
        f->dst_length = trimmed;
    f->src_length = p->nfft / 2 + 1;
    f->src_more = 2;
    f->src_tail[0] = frames;
    f->src_tail[1] = 2;
}

static void draw_others(dct_case *c, dc_spectral_params *p, form *f, int small)
{
    dct_rng *rng = &c->rng;
    switch (c->op.kind) {
    case DC_SPECTRAL_ROLLING_BANDS:
        p->nperseg = small > 1 || dct_chance(rng, 70) ? dct_range(rng, 1, small > 1 ? 9 : 40)
                                                      : dct_range(rng, 40, 130);
        draw_taps(rng, p, p->nperseg);
        if (p->heads == DC_HEADS_SHORT)
            p->taps.count = 0;
        else if (dct_chance(rng, 20))
            p->nfft = p->nperseg + dct_range(rng, 0, 9);
        f->src_length = f->dst_length = dct_range(rng, 1,
                                                  small > 1         ? 14
                                                  : p->nperseg > 40 ? 150
                                                                    : 90);
        f->dst_more = 1;
        f->dst_tail[0] = p->bands.count / 2;
        break;
    case DC_SPECTRAL_ACF:
        f->src_length = small > 1            ? dct_range(rng, 1, 40)
                        : dct_chance(rng, 4) ? dct_range(rng, 500, 2500)
                                             : dct_range(rng, 12, 300);
        p->lags = dct_range(rng, 0, f->src_length - 1);
        if (f->src_length > 300 && p->lags > 60)
            p->lags = 60;
        if (p->nan == DC_NAN_PROPAGATE && p->lags > 256)
            p->lags = 256; /* more are made of long transforms, with another class */
        f->dst_length = p->lags + 1;
        break;
    case DC_SPECTRAL_LOMBSCARGLE:
        f->src_length = dct_range(rng, 1, small > 1 ? 20 : 130);
        f->dst_length = dct_range(rng, 1, small > 1 ? 5 : 30);
        for (int64_t i = 0; i < f->dst_length; i++)
            freqs[i] = 0.01 + 3.0 * dct_unit(rng);
        p->freqs = (dc_doubles){freqs, f->dst_length};
        break;
    default: /* FIND_PERIOD */
        f->src_length = dct_range(rng, 4, small > 1 ? 24 : 260);
        f->dst_length = 3;
        break;
    }
}

/* Series beside each other, so that the larger of the two arrays has at most `most` elements. */
static void draw_series(dct_rng *rng, form *f, int64_t most)
{
    static const int64_t some[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 40};
    static const int32_t axes[] = {1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 5, 6};
    const int64_t src =
        f->src_length * (f->src_more ? 2 * (f->src_more > 1 ? f->src_tail[0] : 1) : 1);
    int64_t dst = f->dst_length;
    for (int32_t k = 0; k < f->dst_more; k++)
        dst *= f->dst_tail[k];
    int64_t left = most / (src > dst ? src : dst);
    f->ndim = axes[dct_below(rng, 13)];
    f->axis = (int32_t)dct_below(rng, f->ndim);
    for (int32_t d = 0; d < f->ndim; d++) {
        int64_t n = dct_chance(rng, 70) ? some[dct_below(rng, 16)] : dct_range(rng, 1, 24);
        if (most > 5000)
            n *= 8;
        while (n > left && n > 1)
            n /= 2;
        f->base[d] = d == f->axis ? 1 : n;
        left /= f->base[d];
    }
    if (f->ndim > 1 && dct_chance(rng, 2))
        f->base[(f->axis + 1) % f->ndim] = 0;
}

static void lay_out(dct_case *c, dc_array *array, const form *f, int output, int small)
{
    const int64_t *const tail = output ? f->dst_tail : f->src_tail;
    const int32_t more = output ? f->dst_more : f->src_more;
    int64_t shape[DC_MAX_NDIM];
    for (int32_t d = 0; d < f->ndim; d++)
        shape[d] = d != f->axis ? f->base[d] : output ? f->dst_length : f->src_length;
    for (int32_t k = 0; k < more; k++)
        shape[f->ndim + k] = tail[k];
    dct_layout(&c->rng, array, c->dtype, f->ndim + more, shape, !output);
    /* Rows one behind the other, as they mostly are.  No gaps for the emulator: see
     * parity_rolling.c. */
    if ((output && small > 1) || dct_chance(&c->rng, 30))
        *array = dc_array_host(NULL, c->dtype, f->ndim + more, shape);
}

static void describe(dct_case *c, const dc_spectral_params *p)
{
    char shape[160], to[160];
    dct_shape_text(&p->src, shape, sizeof shape);
    dct_shape_text(&p->dst, to, sizeof to);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, %s to %s, axis %d, window %d (%.17g, %d), taps %lld, detrend %d, fs %g, nperseg "
        "%lld, noverlap %lld, nfft %lld, scaling %d, average %d, boundary %d, padded %d, nan %d, "
        "closed %d, bands %lld, heads %d, features 0x%x, weight %d, adjusted %d, rolloff %.17g, "
        "lags %lld, freqs %lld, normalize %d, fill %d, NaN %d %%, misaligned %d, in, out",
        c->op.name, dc_dtype_name(c->dtype), shape, to, (int)p->axis, (int)p->window,
        p->window_param, (int)p->symmetric, (long long)p->taps.count, (int)p->detrend, p->fs,
        (long long)p->nperseg, (long long)p->noverlap, (long long)p->nfft, (int)p->scaling,
        (int)p->average, (int)p->boundary, (int)p->padded, (int)p->nan, (int)p->closed,
        (long long)p->bands.count / 2, (int)p->heads, (unsigned)p->features, (int)p->weight,
        (int)p->adjusted, p->rolloff, (long long)p->lags, (long long)p->freqs.count,
        (int)p->normalize, c->fill, c->nan_percent, c->misaligned);
    for (int32_t d = 0; d < p->src.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld",
                               (long long)p->src.stride[d]);
    for (int32_t d = 0; d < p->dst.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, "%s %lld", d ? "" : ",",
                               (long long)p->dst.stride[d]);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;
    form f;
    memset(&f, 0, sizeof f);
    p.kind = c->op.kind;
    draw_scalars(rng, &p);
    draw_bands(rng, &p);
    if (windowed(p.kind))
        draw_windows(c, &p, &f, small);
    else if (p.kind == DC_SPECTRAL_ISTFT)
        draw_istft(c, &p, &f, small);
    else if (p.kind == DC_SPECTRAL_RFFT || p.kind == DC_SPECTRAL_IRFFT ||
             p.kind == DC_SPECTRAL_PERIODOGRAM)
        draw_whole(c, &p, &f, small);
    else
        draw_others(c, &p, &f, small);
    /* Now and then enough of them for several threads. */
    const int dear = p.kind == DC_SPECTRAL_ROLLING_BANDS;
    int64_t most = dct_chance(rng, 90) ? (dear ? 400 : 1000) : (dear ? 1500 : 5000);
    if (!small && dct_chance(rng, 2))
        most = dear ? 10000 : 120000;
    if (small > 1)
        most = 120;
    draw_series(rng, &f, most);
    p.axis = f.src_more < 2 && dct_chance(rng, 50) ? f.axis - f.ndim : f.axis;
    lay_out(c, &p.src, &f, 0, small);
    lay_out(c, &p.dst, &f, 1, small);
    c->nin = c->nout = 1;
    if (p.kind == DC_SPECTRAL_CSD || p.kind == DC_SPECTRAL_COHERENCE) {
        lay_out(c, &p.other, &f, 0, small);
        c->nin = 2;
    }
    if (p.kind == DC_SPECTRAL_LOMBSCARGLE) {
        dct_layout(rng, &p.other, c->dtype, 1, &f.src_length, 1);
        c->nin = 2;
    }
    c->in_at[0] = (int32_t)offsetof(dc_spectral_params, src);
    c->in_at[1] = (int32_t)offsetof(dc_spectral_params, other);
    c->out_at[0] = (int32_t)offsetof(dc_spectral_params, dst);
    c->places = f.axis; /* of the chunks: see below */
    c->chunk_rows = 1;
    for (int32_t d = 0; d < f.ndim; d++)
        if (d != f.axis && f.base[d] > 1)
            c->chunk_rows = dct_range(rng, (f.base[d] + 7) / 8, f.base[d]);
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Series know nothing of each other: the last axis of several is cut. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_spectral_params p;
    memcpy(&p, whole, sizeof p);
    const int32_t more = p.kind == DC_SPECTRAL_ISTFT ? 2 : p.kind == DC_SPECTRAL_IRFFT;
    int32_t cut = -1;
    for (int32_t d = 0; d < p.src.ndim - more; d++)
        if (d != (int32_t)c->places && p.src.shape[d] > 1)
            cut = d;
    if (cut < 0)
        return -1;
    const int64_t rows = p.src.shape[cut];
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    dc_array *const arrays[] = {&p.src, &p.dst, &p.other};
    for (int i = 0; i < (p.other.ndim == p.src.ndim && c->nin == 2 && p.src.ndim > 1 ? 3 : 2);
         i++) {
        arrays[i]->offset += at * arrays[i]->stride[cut];
        arrays[i]->shape[cut] = next - at;
    }
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_spectral = {"spectral", draw, chunk};

/* Shape of a spectrum, autocorrelation, Lomb-Scargle, transforms backwards, windows at every row.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/spectral_oracle.h"

static const long double unknown = (long double)INFINITY, missing = (long double)NAN;

static void *room(int64_t n, size_t size)
{
    void *memory = calloc((size_t)(n > 0 ? n : 1), size);

    if (!memory)
        abort();
    return memory;
}

static long double most(long double x, long double y)
{
    return x > y ? x : y;
}

/* ---- features: errors to first order, from those of the bins ----------------------------------
 */

typedef struct shape {
    const dct_spectral_want *g;
    int64_t bins;
    long double step, total, error, r; /* error: of the total; r: of a sum, relative              */
    long double u;
} shape;

static long double share(const shape *s, int64_t k)
{
    return s->g[k].value / s->total;
}

static long double share_error(const shape *s, int64_t k)
{
    return (s->g[k].slack + s->g[k].value * s->error / s->total) / s->total +
           4 * s->u * share(s, k);
}

/* sum of |f - c|^n p, its error, and signed. */
static void moment(const shape *s, long double c, int n, long double *value, long double *size,
                   long double *error)
{
    *value = *size = *error = 0;
    for (int64_t k = 0; k < s->bins; ++k) {
        const long double d = powl((long double)k * s->step - c, n);

        *value += d * share(s, k);
        *size += fabsl(d) * share(s, k);
        *error += fabsl(d) * share_error(s, k);
    }
    *error += s->r * *size;
}

static void spread_of(const shape *s, dct_spectral_want *out)
{
    const long double top = (long double)s->bins * s->step;
    long double c, size, ec, b2, e2, m3, s3, e3, m4, s4, e4;

    moment(s, 0, 1, &c, &size, &ec);
    ec = s->r * c;
    for (int64_t k = 0; k < s->bins; ++k)
        ec += fabsl((long double)k * s->step - c) * s->g[k].slack / s->total;
    out[0] = (dct_spectral_want){c, ec};
    moment(s, c, 2, &b2, &size, &e2);
    e2 += ec * ec + 8 * s->u * top * sqrtl(b2);
    const long double b = sqrtl(b2);
    if (!(b2 > 8 * e2)) { /* next to nothing */
        out[1] = (dct_spectral_want){b, 2 * sqrtl(e2) + b};
        out[2] = out[3] = (dct_spectral_want){0, unknown};
        return;
    }
    out[1] = (dct_spectral_want){b, e2 / b + 4 * s->u * b};
    moment(s, c, 3, &m3, &s3, &e3);
    moment(s, c, 4, &m4, &s4, &e4);
    const long double relative = out[1].slack / b, shift = ec + 8 * s->u * top;
    e3 += 3 * b2 * shift;
    e4 += 4 * s3 * shift;
    out[2] = (dct_spectral_want){m3 / (b2 * b), e3 / (b2 * b) + 6 * s3 / (b2 * b) * relative};
    out[3] = (dct_spectral_want){m4 / (b2 * b2), e4 / (b2 * b2) + 8 * m4 / (b2 * b2) * relative};
}

static dct_spectral_want rolloff_of(const shape *s, long double part)
{
    const long double aim = part * s->total, near = s->error + 2 * s->r * s->total;
    long double sum = 0;
    int64_t first = -1, at = -1, last = -1;

    for (int64_t k = 0; k < s->bins; ++k) {
        sum += s->g[k].value;
        if (first < 0 && sum >= aim - near)
            first = k;
        if (at < 0 && sum >= aim)
            at = k;
        if (last < 0 && sum >= aim + near)
            last = k;
    }
    at = at < 0 ? s->bins - 1 : at;
    last = last < 0 ? s->bins - 1 : last;
    return (dct_spectral_want){(long double)at * s->step, (long double)(last - first) * s->step +
                                                              2 * s->u * (long double)at * s->step};
}

static void logarithms(const shape *s, dct_spectral_want *flatness, dct_spectral_want *entropy)
{
    const long double low = 0x1p-46L, n = (long double)s->bins;
    long double logs = 0, mean = 0, error = 0, sum = 0, wrong = 0;

    for (int64_t k = 0; k < s->bins; ++k) {
        const long double p = share(s, k), e = share_error(s, k), q = most(p, low);

        logs += logl(q) / n;
        mean += q / n;
        if (p + e > low)
            error += fminl(e / most(q - e, low), 32) / n;
        sum -= p > 0 ? p * logl(p) : 0;
        wrong += e * (1 + fabsl(logl(most(most(p, e), LDBL_MIN))));
    }
    flatness->value = expl(logs) / mean;
    flatness->slack = flatness->value * expm1l(error + 256 * s->u + s->r);
    const long double scale = s->bins > 1 ? logl(n) : 1;
    entropy->value = sum / scale;
    entropy->slack = (2 * wrong + (s->r + 64 * s->u) * (sum + 1)) / scale;
}

static void peaks(const shape *s, dct_spectral_want *frequency, dct_spectral_want *power,
                  dct_spectral_want *crest)
{
    int64_t at = 0;
    long double far = 0, wrong = 0;

    for (int64_t k = 1; k < s->bins; ++k)
        if (s->g[k].value > s->g[at].value)
            at = k;
    for (int64_t k = 0; k < s->bins; ++k)
        if (s->g[k].value + s->g[k].slack >= s->g[at].value - s->g[at].slack) {
            far = most(far, fabsl((long double)(k - at)));
            wrong = most(wrong, s->g[k].slack);
        }
    *frequency = (dct_spectral_want){(long double)at * s->step,
                                     (far + 2 * s->u * (long double)at) * s->step};
    *power = (dct_spectral_want){s->g[at].value, 2 * wrong};
    crest->value = share(s, at) * (long double)s->bins;
    crest->slack = (wrong / s->total + share(s, at) * s->error / s->total) * (long double)s->bins +
                   8 * s->u * crest->value;
}

static dct_spectral_want slope_of(const shape *s)
{
    const long double middle = (long double)(s->bins - 1) / 2;
    long double sum = 0, size = 0, squares = 0, error = 0;

    for (int64_t k = 0; k < s->bins; ++k) {
        const long double t = (long double)k - middle;

        sum += t * share(s, k);
        size += fabsl(t) * share(s, k);
        error += fabsl(t) * share_error(s, k);
        squares += t * t;
    }
    if (squares == 0) /* NOLINT: a single bin */
        return (dct_spectral_want){0, 0};
    return (dct_spectral_want){sum / (squares * s->step),
                               (error + (s->r + 8 * s->u) * size) / (squares * s->step)};
}

void dct_spectral_features(const dct_spectral_call *c, const dct_spectral_want *g,
                           dct_spectral_want *out)
{
    shape s = {g, c->bins, (long double)c->p->fs / (long double)c->nfft, 0, 0, 4 * c->bound, c->u};

    for (int64_t k = 0; k < s.bins; ++k) {
        s.total += g[k].value;
        s.error += g[k].slack;
    }
    s.error += s.r * s.total;
    for (int i = 0; i < 12; ++i)
        out[i] = (dct_spectral_want){i == 6, s.total > 0 ? unknown : 0};
    out[0] = (dct_spectral_want){s.total, s.error};
    out[11].slack = s.error;
    if (!(s.total > 8 * s.error) || s.total < (c->p->src.dtype == DC_F32 ? 1e-30L : 1e-290L))
        return;
    spread_of(&s, &out[1]);
    out[5] = rolloff_of(&s, (long double)c->p->rolloff);
    logarithms(&s, &out[6], &out[7]);
    out[9] = slope_of(&s);
    peaks(&s, &out[10], &out[11], &out[8]);
}

/* ---- autocorrelation --------------------------------------------------------------------------
 */

int64_t dct_spectral_acf(const dct_spectral_call *c, const long double *x, dct_spectral_want *out)
{
    const int64_t n = c->samples, lags = c->p->lags;
    const int omit = c->p->nan == DC_NAN_OMIT;
    long double *y = room(n, sizeof *y), *w = room(n, sizeof *w), *z = room(n, sizeof *z);
    long double size, first = 0, slack;
    int64_t valid = 0, at = 0;

    for (int64_t i = 0; i < n; ++i) {
        w[i] = 1;
        if (!omit || isfinite(x[i]))
            z[valid++] = x[i];
    }
    size = valid ? dct_spectral_weigh(c->detrend, z, w, valid, y) : 0;
    memcpy(z, y, (size_t)valid * sizeof *z);
    for (int64_t i = 0; i < n; ++i) {
        w[i] = !omit || isfinite(x[i]);
        y[i] = w[i] > 0 ? z[at++] : 0;
    }
    slack = 16 * c->u * size * size;
    for (int64_t k = 0; k <= lags; ++k) {
        long double sum = 0, pairs = 0;

        for (int64_t i = 0; i + k < n; ++i) {
            sum += y[i] * y[i + k];
            pairs += w[i] * w[i + k];
        }
        if (k == 0)
            first = sum;
        const long double factor = c->p->adjusted ? (long double)valid / pairs : 1;
        out[k].value = sum / first * factor;
        out[k].slack = (slack + slack * fabsl(sum / first)) / first * factor + 4 * c->u;
        if (isfinite(first) && (!(first > 8 * slack) || !(pairs > 0) ||
                                (omit && valid < n && c->detrend == DC_DETREND_LINEAR)))
            out[k].slack = unknown;
        if (k == 0 && isfinite(first) && isfinite(out[k].slack))
            out[k].slack = 2 * c->u;
        if (!isfinite(first))
            out[k].value = missing;
    }
    free(y);
    free(w);
    free(z);
    return lags + 1;
}

/* ---- Lomb-Scargle -----------------------------------------------------------------------------
 */

static dct_spectral_want lombscargle(const dct_spectral_call *c, const long double *x,
                                     const long double *times, long double f)
{
    long double xc = 0, xs = 0, cc = 0, ss = 0, cs = 0, squares = 0, phase = 0;
    int64_t valid = 0;

    for (int64_t i = 0; i < c->samples; ++i) {
        if (isnan(x[i]))
            continue;
        const long double co = cosl(f * times[i]), si = sinl(f * times[i]);

        ++valid;
        xc += x[i] * co;
        xs += x[i] * si;
        cc += co * co;
        ss += si * si;
        cs += co * si;
        squares += x[i] * x[i];
        phase = most(phase, fabsl(f * times[i]));
    }
    const long double tau = atan2l(2 * cs, cc - ss) / 2, ct = cosl(tau), st = sinl(tau);
    const long double one = ct * xc + st * xs, two = ct * xs - st * xc;
    const long double a = ct * ct * cc + 2 * ct * st * cs + st * st * ss;
    const long double b = ct * ct * ss - 2 * ct * st * cs + st * st * cc;
    const long double norm = c->p->normalize ? squares / 2 : 1;
    const long double lean = 16 * c->u * (4 + phase);
    dct_spectral_want want = {(one * one / a + two * two / b) / 2 / norm, 0};

    /* The weaker of the two waves may be next to nothing. */
    want.slack = lean * squares / most(fminl(a, b), 1e-30L) * (long double)valid / norm;
    if (!(fminl(a, b) > 1e-6L * (long double)valid) || !(squares > 0) || phase > 1e9L)
        want.slack = unknown;
    return want;
}

int64_t dct_spectral_lombscargle(const dct_spectral_call *c, const long double *x,
                                 const long double *times, dct_spectral_want *out)
{
    int fine = 1;

    for (int64_t i = 0; i < c->samples; ++i)
        if (!isnan(x[i]) && (!isfinite(x[i]) || !isfinite(times[i])))
            fine = 0;
    for (int64_t k = 0; k < c->p->freqs.count; ++k) {
        out[k] = lombscargle(c, x, times, (long double)c->p->freqs.at[k]);
        if (!fine)
            out[k] = (dct_spectral_want){missing, 0};
    }
    return c->p->freqs.count;
}

/* ---- backwards --------------------------------------------------------------------------------
 */

/* nfft samples of the first `given` bins x[k step], pairs; returns their error.  When a bin is not
 * finite all are NaN; where its real part is, samples 0 and nfft / 2 may be left out of it:
 * infinite. */
static long double inverse(const dct_spectral_call *c, const long double *x, int64_t given,
                           int64_t step, long double *y)
{
    const int64_t n = c->nfft;
    long double *re = room(n, sizeof *re), *im = room(n, sizeof *im), size = 0, turned, still;
    int fine = 1, real = 1;

    for (int64_t k = 0; k < c->bins && k < given; ++k) {
        const int edge = k == 0 || 2 * k == n;
        const long double sides = edge ? 1 : 2;

        re[k] = sides * x[k * step];
        im[k] = edge ? 0 : sides * x[k * step + 1];
        real &= isfinite(re[k]);
        fine &= isfinite(re[k]) && isfinite(im[k]);
        size += (re[k] * re[k] + im[k] * im[k]) / sides;
    }
    /* The sum of re cos - im sin: the real parts of two transforms, of re and of im. */
    for (int64_t i = 0; i < n; ++i) {
        long double dull;

        dct_spectral_bin(re, c->bins, n, i, &still, &dull);
        dct_spectral_bin(im, c->bins, n, i, &dull, &turned);
        y[i] = (still + turned) / (long double)n;
        if (!fine)
            y[i] = real && (i == 0 || 2 * i == n) ? unknown : missing;
    }
    free(re);
    free(im);
    return fine ? 2 * c->bound * sqrtl(size) / (long double)n : 0;
}

static int64_t whole_inverse(const dct_spectral_call *c, const long double *x,
                             dct_spectral_want *out)
{
    long double *y = room(c->nfft, sizeof *y);
    const long double error = inverse(c, x, c->samples, 2, y);

    for (int64_t i = 0; i < c->nfft; ++i)
        out[i] = (dct_spectral_want){y[i], error + 2 * c->u * fabsl(y[i])};
    free(y);
    return c->nfft;
}

/* What undoes the scaling of the windows' bins. */
static long double unscaled(const dct_spectral_call *c)
{
    return c->scaling == DC_SCALING_NONE       ? 1
           : c->scaling == DC_SCALING_SPECTRUM ? c->sum
                                               : sqrtl((long double)c->p->fs * c->squares);
}

/* x: pairs, bins by windows. */
static int64_t overlapped(const dct_spectral_call *c, const long double *x, int64_t frames,
                          dct_spectral_want *out)
{
    const int64_t all = c->nperseg + (frames - 1) * c->hop;
    const int64_t cut = c->p->boundary != DC_BOUNDARY_NONE ? c->nperseg / 2 : 0;
    const long double scale = unscaled(c);
    long double *y = room(c->nfft, sizeof *y), *norm = room(all, sizeof *norm);
    dct_spectral_want *sum = room(all, sizeof *sum);
    dct_spectral_want *lean = room(all, sizeof *lean); /* sums of |w|, |y|: errors of the weights */

    for (int64_t f = 0; f < frames; ++f) {
        const long double error = inverse(c, x + 2 * f, c->bins, 2 * frames, y);

        for (int64_t i = 0; i < c->nperseg; ++i) {
            const int64_t at = f * c->hop + i;
            const long double w = c->weight[i], v = y[i] * w * scale;

            sum[at].value += isnan(y[i]) ? missing : isinf(y[i]) ? 0 : v;
            sum[at].slack +=
                isinf(y[i]) ? unknown : fabsl(scale * w) * error + 16 * c->u * fabsl(v);
            norm[at] += w * w;
            lean[at].value += fabsl(w);
            lean[at].slack += fabsl(y[i] * scale);
        }
    }
    for (int64_t i = cut; i < all - cut; ++i) {
        const long double by = norm[i] > 1e-10L ? norm[i] : 1;

        const long double v = sum[i].value / by, off = c->weight_error;

        out[i - cut].value = v;
        out[i - cut].slack = (sum[i].slack + 16 * c->u * fabsl(sum[i].value)) / by +
                             off * (lean[i].slack + 2 * fabsl(v) * lean[i].value) / by;
        if (isinf(sum[i].slack) || (norm[i] > 0.9e-10L && norm[i] < 1.1e-10L))
            out[i - cut].slack = unknown;
    }
    free(y);
    free(norm);
    free(sum);
    free(lean);
    return all - 2 * cut;
}

int64_t dct_spectral_backwards(const dct_spectral_call *c, const long double *x,
                               dct_spectral_want *out)
{
    if (c->p->kind == DC_SPECTRAL_IRFFT)
        return whole_inverse(c, x, out);
    return overlapped(c, x, c->p->src.shape[c->p->src.ndim - 2], out);
}

/* ---- a window at every row --------------------------------------------------------------------
 */

/* The window of `n` samples that begins at x. */
static void ending(const dc_spectral_params *p, const long double *x, int64_t n,
                   dct_spectral_want *out)
{
    dct_spectral_call c;
    dct_spectrum s;

    dct_spectral_open(&c, p, n);
    s.re = room(c.bins, sizeof *s.re);
    s.im = room(c.bins, sizeof *s.im);
    const int fine = dct_spectral_transform(&c, x, &s);
    dct_spectral_list(&c, &s, fine, out);
    free(s.re);
    free(s.im);
    dct_spectral_close(&c);
}

int64_t dct_spectral_rolling(const dct_spectral_call *c, const long double *x,
                             dct_spectral_want *out)
{
    const int64_t list = c->p->bands.count / 2, whole = c->nperseg;

    for (int64_t t = 0; t < c->samples; ++t) {
        const int64_t n = t + 1 < whole ? t + 1 : whole;
        const int head = n < whole;
        dc_spectral_params p = *c->p;

        p.nperseg = n;
        if (p.window == DC_WINDOW_GAUSSIAN && p.window_param < 0)
            p.window_param = (double)whole / 6; /* of the parameter nperseg */
        for (int64_t i = 0; i < list; ++i)
            out[t * list + i] =
                (dct_spectral_want){p.heads == DC_HEADS_NAN ? missing : 0,
                                    p.heads != DC_HEADS_NAN && n >= whole / 2 ? unknown : 0};
        if (!head ||
            (p.heads != DC_HEADS_NAN && n >= whole / 2 && !p.taps.count && p.nfft == DC_DEFAULT))
            ending(&p, x + t + 1 - n, n, out + t * list);
    }
    return c->samples * list;
}

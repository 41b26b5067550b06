#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tools/dualcube/spectral.h"

static int64_t or_else(int64_t value, int64_t otherwise)
{
    return value == DC_DEFAULT ? otherwise : value;
}

static int within(const char *option, int64_t value, int64_t least, int64_t most, const char *what)
{
    if (value >= least && value <= most)
        return 0;
    return cli_fail(CLI_USAGE, "%s is %" PRId64 ", expected %" PRId64 " ... %" PRId64 "%s", option,
                    value, least, most, what);
}

static int read_axis(spectral_job *job)
{
    const int32_t ndim = job->src.ndim;

    if (job->axis < -ndim || job->axis >= ndim)
        return cli_fail(CLI_USAGE, "--axis is %" PRId64 ", expected %d ... %d: %s has %d ax%s",
                        job->axis, -(int)ndim, (int)ndim - 1, job->input, (int)ndim,
                        ndim == 1 ? "is" : "es");
    job->axis += job->axis < 0 ? ndim : 0;
    job->p.axis = (int32_t)job->axis;
    return 0;
}

/* Windows of a series of n samples, and the length of the transform; n > 0. */
static int read_frames(spectral_job *job, int64_t n)
{
    const spectral_verb *v = job->verb;
    dc_spectral_params *p = &job->p;
    int64_t hop, total = n;
    int code;

    if (!v->usual) { /* one window */
        job->nfft = or_else(p->nfft, n);
        job->frames = 1;
        return 0;
    }
    p->nperseg = or_else(p->nperseg, v->usual < n ? v->usual : n);
    p->noverlap = or_else(p->noverlap, v->share ? p->nperseg / v->share : 0);
    p->nfft = or_else(p->nfft, p->nperseg);
    code = within("--nperseg", p->nperseg, 1, n, ", the samples of a series");
    if (!code)
        code = within("--noverlap", p->noverlap, 0, p->nperseg - 1, ", less than --nperseg");
    if (!code)
        code = within("--nfft", p->nfft, p->nperseg, INT64_C(1) << 30, ", at least --nperseg");
    if (code)
        return code;
    hop = p->nperseg - p->noverlap;
    if (v->form == SPECTRAL_SPECTRA) {
        total += p->boundary != DC_BOUNDARY_NONE ? 2 * (p->nperseg / 2) : 0;
        if ((total - p->nperseg) % hop) /* zeros fill the last window */
            total += (hop - (total - p->nperseg) % hop) % p->nperseg;
    }
    job->frames = (total - p->nperseg) / hop + 1;
    job->nfft = p->nfft;
    return 0;
}

static int read_lags(spectral_job *job, int64_t n)
{
    const int64_t usual = (int64_t)(10 * log10((double)n));

    job->p.lags = or_else(job->p.lags, usual < n - 1 ? usual : n - 1);
    return within("--lags", job->p.lags, 0, n - 1, ", less than the samples of a series");
}

/* The axis of the result, and the axes behind the others. */
static int read_result(spectral_job *job, int64_t *along, int64_t *tail, int32_t *tails)
{
    const int64_t n = job->src.shape[job->axis];
    const int form = job->verb->form;
    const int64_t list = job->p.kind == DC_SPECTRAL_FEATURES
                             ? __builtin_popcount((unsigned)job->p.features)
                             : job->p.bands.count / 2;
    int code = 0;

    *tails = 0;
    *along = n;
    if (form == SPECTRAL_LAGS) {
        code = read_lags(job, n);
        *along = job->p.lags + 1;
    } else if (form == SPECTRAL_PERIOD) {
        *along = 3;
    } else if (form != SPECTRAL_ROWS) {
        code = read_frames(job, n);
        *along = form == SPECTRAL_FRAMES ? job->frames : job->nfft / 2 + 1;
    }
    if (form == SPECTRAL_TIMES || form == SPECTRAL_SPECTRA)
        tail[(*tails)++] = job->frames;
    if (form == SPECTRAL_PARTS || form == SPECTRAL_SPECTRA)
        tail[(*tails)++] = 2;
    if (form == SPECTRAL_FRAMES || form == SPECTRAL_ROWS)
        tail[(*tails)++] = list;
    return code;
}

/* Bytes of a block's input, output, and copy as float64. */
static double kept(const spectral_job *job)
{
    const double from = (double)npy_type_bytes(job->file.header.type);
    const double to = (double)npy_type_bytes(job->type);
    double in = 1, out = 1;

    for (int32_t d = 0; d < job->ndim; ++d) {
        const int cut = d < job->src.ndim && d != job->axis;

        in *= d < job->src.ndim ? (double)job->block[d] : 1;
        out *= (double)(cut ? job->block[d] : job->shape[d]);
    }
    return in * (from + (job->type != job->file.header.type ? to : 0)) + out * to;
}

/* Halve the axes that do not hold the series, the slowest first, until a block fits --memory. */
static void choose_block(spectral_job *job)
{
    memcpy(job->block, job->src.shape, sizeof job->block);
    for (int32_t d = 0; d < job->src.ndim; ++d)
        while (d != job->axis && job->block[d] > 1 && kept(job) > (double)job->memory)
            job->block[d] = (job->block[d] + 1) / 2;
}

int spectral_arrange(spectral_job *job)
{
    const npy_header *h = &job->file.header;
    int64_t along = 0, tail[2];
    int32_t tails = 0;
    int code;

    job->src = npy_array(&job->file);
    job->type = h->type == NPY_F32 ? NPY_F32 : NPY_F64;
    code = read_axis(job);
    if (!code && h->elements == 0)
        code = cli_fail(CLI_USAGE, "%s has no elements", job->input);
    if (!code)
        code = read_result(job, &along, tail, &tails);
    if (!code && job->src.ndim + tails > DC_MAX_NDIM)
        code = cli_fail(CLI_USAGE, "%s has %d axes, expected at most %d for %s", job->input,
                        (int)job->src.ndim, DC_MAX_NDIM - (int)tails, job->verb->name);
    if (code)
        return code;
    job->ndim = job->src.ndim + tails;
    memcpy(job->shape, job->src.shape, sizeof job->shape);
    job->shape[job->axis] = along;
    for (int32_t i = 0; i < tails; ++i)
        job->shape[job->src.ndim + i] = tail[i];
    choose_block(job);
    return 0;
}

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/transform.h"

enum { PAGE = 4096 };

static int is(const transform_job *job, const char *name)
{
    return !strcmp(job->verb->name, name);
}

/* --axes counted from 0; every one at most once. */
static int read_axes(transform_job *job)
{
    const int32_t ndim = job->file.header.ndim;
    int seen = 0;

    for (int k = 0; k < job->naxes; ++k) {
        const int64_t written = job->axes[k];

        if (written < -ndim || written >= ndim)
            return cli_fail(CLI_USAGE, "--axes has %" PRId64 ", expected %d ... %d: %s has %d ax%s",
                            written, -(int)ndim, (int)ndim - 1, job->input, (int)ndim,
                            ndim == 1 ? "is" : "es");
        job->axes[k] += written < 0 ? ndim : 0;
        if (seen & (1 << job->axes[k]))
            return cli_fail(CLI_USAGE, "--axes has axis %" PRId64 " twice", job->axes[k]);
        seen |= 1 << job->axes[k];
    }
    return 0;
}

/* Axis k of the output is axis axes[k] of the file; without --axes they are reversed. */
static int arrange_transpose(transform_job *job)
{
    const dc_array whole = job->src;

    if (job->naxes && job->naxes != whole.ndim)
        return cli_fail(CLI_USAGE, "--axes names %d axes, %s has %d", job->naxes, job->input,
                        (int)whole.ndim);
    for (int32_t k = 0; k < whole.ndim; ++k) {
        const int64_t from = job->naxes ? job->axes[k] : whole.ndim - 1 - k;

        job->src.shape[k] = whole.shape[from];
        job->src.stride[k] = whole.stride[from];
    }
    return 0;
}

static void arrange_flip(transform_job *job)
{
    for (int32_t d = 0; d < job->src.ndim; ++d) {
        int flipped = !job->naxes;

        for (int k = 0; k < job->naxes; ++k)
            flipped |= job->axes[k] == d;
        if (!flipped || job->src.shape[d] == 0)
            continue;
        job->src.offset += (job->src.shape[d] - 1) * job->src.stride[d];
        job->src.stride[d] = -job->src.stride[d];
    }
}

static int arrange_roll(transform_job *job)
{
    int64_t by[DC_MAX_NDIM] = {0};

    if (!job->nshift || job->nshift != (job->naxes ? job->naxes : 1))
        return cli_fail(CLI_USAGE,
                        "--shift has %d numbers, expected one for each of the %d axes of --axes",
                        job->nshift, job->naxes ? job->naxes : 1);
    if (!job->naxes)
        job->axes[0] = 0;
    for (int k = 0; k < job->nshift; ++k) {
        by[job->axes[k]] = job->shift[k];
        job->bound |= 1 << job->axes[k];
    }
    memcpy(job->shift, by, sizeof by);
    return 0;
}

/* One axis, or for standardize and minmax any. */
static int arrange_along(transform_job *job)
{
    const int many = is(job, "standardize") || is(job, "minmax");

    if (!job->naxes) {
        job->axes[0] = 0;
        job->naxes = 1;
    }
    if (job->naxes > 1 && !many)
        return cli_fail(CLI_USAGE, "--axes names %d axes, %s works along one", job->naxes,
                        job->verb->name);
    for (int k = 0; k < job->naxes; ++k)
        job->bound |= 1 << job->axes[k];
    job->smooth.axis = (int32_t)job->axes[0];
    job->smooth.axes = many ? job->bound : 0;
    return 0;
}

/* Bytes of the pages that a block of an array has a part in: axes that lie whole below the first
 * one that is cut make runs. */
static double touched(const transform_job *job, const int64_t *stride, int64_t size)
{
    double run = (double)size, runs = 1, all = (double)size;
    int cut = 0;

    for (int32_t left = (1 << job->src.ndim) - 1; left;) {
        int32_t low = -1;

        for (int32_t d = 0; d < job->src.ndim; ++d)
            if ((left & (1 << d)) && (low < 0 || llabs(stride[d]) < llabs(stride[low])))
                low = d;
        left &= ~(1 << low);
        *(cut ? &runs : &run) *= (double)job->block[low];
        all *= (double)job->shape[low];
        cut |= job->block[low] < job->shape[low];
    }
    run = (run < PAGE ? PAGE : run) * runs;
    return run < all ? run : all;
}

/* Bytes that a block keeps in memory: pages of both files, and integers as float64. */
static double kept(const transform_job *job)
{
    const int64_t from = (int64_t)npy_type_bytes(job->file.header.type);
    const int64_t to = (int64_t)npy_type_bytes(job->type);
    double bytes = touched(job, job->src.stride, from), n = 1;
    int64_t stride[DC_MAX_NDIM], step = 1;

    for (int32_t d = job->src.ndim - 1; d >= 0; --d) {
        stride[d] = step;
        step *= job->shape[d];
        n *= (double)job->block[d];
    }
    return bytes + touched(job, stride, to) + (job->type != job->file.header.type ? 8 * n : 0);
}

/* Halve the axis that saves most, until a block fits --memory. */
static void choose_block(transform_job *job)
{
    memcpy(job->block, job->shape, sizeof job->block);
    if (job->file.header.elements == 0)
        return;
    while (kept(job) > (double)job->memory) {
        int32_t best = -1;
        double least = 0;

        for (int32_t d = 0; d < job->src.ndim; ++d) {
            const int64_t whole = job->block[d];

            if ((job->bound & (1 << d)) || whole < 2)
                continue;
            job->block[d] = (whole + 1) / 2;
            if (best < 0 || kept(job) < least) {
                best = d;
                least = kept(job);
            }
            job->block[d] = whole;
        }
        if (best < 0)
            return;
        job->block[best] = (job->block[best] + 1) / 2;
    }
}

int transform_arrange(transform_job *job)
{
    const npy_header *h = &job->file.header;
    int code = read_axes(job);

    job->src = npy_array(&job->file);
    job->type = job->verb->moves || h->type == NPY_F32 || h->type == NPY_F64 ? h->type : NPY_F64;
    if (!code && is(job, "transpose"))
        code = arrange_transpose(job);
    else if (!code && is(job, "roll"))
        code = arrange_roll(job);
    else if (!code && is(job, "flip"))
        arrange_flip(job);
    else if (!code && !is(job, "affine"))
        code = arrange_along(job);
    memcpy(job->shape, job->src.shape, sizeof job->shape);
    choose_block(job);
    return code;
}

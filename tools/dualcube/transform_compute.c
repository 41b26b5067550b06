#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/dualcube/transform.h"
#include "tools/dualcube/ui.h"

/*
 * Input and output are mapped files: the library reads the one and writes the other.  A block's
 * pages are given back to the system when it is done, so that memory holds a block or two; the
 * system writes them when it likes.
 */
typedef struct work {
    transform_job *job;
    dc_array dst;
    void *converted; /* a block of integers as float64 */
    ui_progress progress;
    double done, all, now; /* elements: before this block, of all, of this block */
} work;

static int on_progress(int64_t done, int64_t total, void *user)
{
    work *w = user;
    const double part = total > 0 ? (double)done / (double)total : 0;

    ui_progress_show(&w->progress, (w->done + part * w->now) / w->all, w->job->verb->name);
    return cli_interrupted();
}

/* The part of an array that begins at `first` and has the extents of a block, or what is left. */
static dc_array block_of(const transform_job *job, dc_array array, const int64_t *first)
{
    for (int32_t d = 0; d < array.ndim; ++d) {
        const int64_t left = job->shape[d] - first[d];

        array.offset += first[d] * array.stride[d];
        array.shape[d] = left < job->block[d] ? left : job->block[d];
    }
    return array;
}

/* Numbers of the command line as arrays of one element in the dtype. */
typedef struct scalars {
    float narrow[5];
    double wide[5];
} scalars;

static dc_array scalar(const transform_job *job, scalars *s, int which, int32_t dtype)
{
    static const int64_t one[] = {1};
    dc_array absent;

    memset(&absent, 0, sizeof absent);
    if (!job->given[which])
        return absent;
    s->wide[which] = job->number[which];
    s->narrow[which] = (float)job->number[which];
    return dc_array_host(dtype == DC_F32 ? (const void *)&s->narrow[which]
                                         : (const void *)&s->wide[which],
                         dtype, 1, one);
}

/* The fill value of a lag as bits of the file's type. */
static uint64_t fill_bits(const transform_job *job)
{
    const double x = job->number[TRANSFORM_FILL];
    const float narrow = (float)x;
    uint64_t bits = 0;
    uint32_t narrow_bits;

    if (job->type == NPY_F64) {
        memcpy(&bits, &x, sizeof bits);
    } else if (job->type == NPY_F32) {
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        bits = narrow_bits;
    } else {
        bits = (uint64_t)(int64_t)x;
    }
    return bits;
}

static dc_status call_transform(const transform_job *job, dc_array src, dc_array dst)
{
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;
    scalars s;

    p.kind = job->op.kind;
    p.src = src;
    p.dst = dst;
    if (p.kind == DC_TRANSFORM_ROLL)
        p.shift = (dc_int64s){job->shift, src.ndim};
    p.axis = p.kind == DC_TRANSFORM_AFFINE ? 0 : (int32_t)job->axes[0];
    p.periods = job->periods;
    if (job->given[TRANSFORM_FILL]) {
        p.has_fill = 1;
        p.fill = fill_bits(job);
    }
    p.scale = scalar(job, &s, TRANSFORM_SCALE, src.dtype);
    p.offset = scalar(job, &s, TRANSFORM_OFFSET, src.dtype);
    p.low = scalar(job, &s, TRANSFORM_LOW, src.dtype);
    p.high = scalar(job, &s, TRANSFORM_HIGH, src.dtype);
    return dc_transform(job->session.queue, &p, NULL);
}

static dc_status call(const transform_job *job, dc_array src, dc_array dst)
{
    dc_smooth_params p = job->smooth;

    if (strcmp(job->op.family, "smooth") != 0)
        return call_transform(job, src, dst);
    p.kind = job->op.kind;
    p.src = src;
    p.dst = dst;
    return dc_smooth(job->session.queue, &p, NULL);
}

/* Pages that are done with. */
static void give_back(transform_job *job)
{
    (void)madvise(job->map, job->map_bytes, MADV_DONTNEED);
    (void)madvise(job->file.map, job->file.map_bytes, MADV_DONTNEED);
}

static int run_block(work *w, const int64_t *first)
{
    transform_job *job = w->job;
    const dc_array dst = block_of(job, w->dst, first);
    dc_array src = block_of(job, job->src, first);
    dc_status status;

    if (w->converted) {
        npy_convert(job->file.header.type, &src, w->converted);
        src = dc_array_host(w->converted, DC_F64, src.ndim, src.shape);
    }
    w->now = (double)dc_array_elements(&dst);
    status = call(job, src, dst);
    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    if (status != DC_OK)
        return cli_fail_status(status);
    job->run.struct_size = sizeof job->run;
    (void)dc_queue_last_run(job->session.queue, &job->run);
    ++job->calls;
    w->done += w->now;
    on_progress(0, 1, w);
    if (w->now < w->all)
        give_back(job);
    return 0;
}

/* The next block's first element, row-major; 0 after the last. */
static int next_block(const transform_job *job, int64_t *first)
{
    for (int32_t d = job->src.ndim - 1; d >= 0; --d) {
        first[d] += job->block[d];
        if (first[d] < job->shape[d])
            return 1;
        first[d] = 0;
    }
    return 0;
}

static int convert_room(work *w)
{
    const transform_job *job = w->job;
    int64_t n = 1;
    dc_status status;

    if (job->type == job->file.header.type)
        return 0;
    for (int32_t d = 0; d < job->src.ndim; ++d)
        n *= job->block[d];
    status = dc_host_alloc(job->session.context, (size_t)n * sizeof(double), &w->converted);
    return status == DC_OK ? 0 : cli_fail_status(status);
}

int transform_compute(transform_job *job)
{
    work w = {.job = job};
    int64_t first[DC_MAX_NDIM] = {0};
    int code;

    w.dst = dc_array_host(job->map + job->head, npy_dtype(job->type), job->src.ndim, job->shape);
    w.all = (double)job->file.header.elements;
    if (w.all == 0)
        return 0;
    code = convert_room(&w);
    ui_progress_begin(&w.progress);
    dc_queue_set_progress(job->session.queue, on_progress, &w);
    do
        code = code ? code : run_block(&w, first);
    while (!code && next_block(job, first));
    dc_queue_set_progress(job->session.queue, NULL, NULL);
    ui_progress_end(&w.progress);
    dc_host_free(job->session.context, w.converted);
    return code;
}

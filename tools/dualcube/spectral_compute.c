#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/dualcube/spectral.h"
#include "tools/dualcube/ui.h"

/*
 * Input and output are mapped files, blocks are of whole series.  A block's pages are given back to
 * the system when it is done.
 */
typedef struct work {
    spectral_job *job;
    dc_array dst;
    void *converted; /* a block of integers as float64 */
    ui_progress progress;
    double done, all, now; /* elements of the input: before this block, of all, of this block */
} work;

static int on_progress(int64_t done, int64_t total, void *user)
{
    work *w = user;
    const double part = total > 0 ? (double)done / (double)total : 0;

    ui_progress_show(&w->progress, (w->done + part * w->now) / w->all, w->job->verb->name);
    return cli_interrupted();
}

/* The part of an array that belongs to the block from `first` on; the series stay whole. */
static dc_array block_of(const spectral_job *job, dc_array array, const int64_t *first)
{
    for (int32_t d = 0; d < job->src.ndim; ++d) {
        const int64_t left = job->src.shape[d] - first[d];

        if (d == job->axis)
            continue;
        array.offset += first[d] * array.stride[d];
        array.shape[d] = left < job->block[d] ? left : job->block[d];
    }
    return array;
}

static int run_block(work *w, const int64_t *first)
{
    spectral_job *job = w->job;
    dc_spectral_params p = job->p;
    dc_status status;

    p.src = block_of(job, job->src, first);
    p.dst = block_of(job, w->dst, first);
    w->now = (double)dc_array_elements(&p.src);
    if (w->converted) {
        npy_convert(job->file.header.type, &p.src, w->converted);
        p.src = dc_array_host(w->converted, DC_F64, p.src.ndim, p.src.shape);
    }
    status = dc_spectral(job->session.queue, &p, NULL);
    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    if (status != DC_OK)
        return cli_fail_status(status);
    job->run.struct_size = sizeof job->run;
    (void)dc_queue_last_run(job->session.queue, &job->run);
    ++job->calls;
    w->done += w->now;
    on_progress(0, 1, w);
    if (w->now < w->all) {
        (void)madvise(job->map, job->map_bytes, MADV_DONTNEED);
        (void)madvise(job->file.map, job->file.map_bytes, MADV_DONTNEED);
    }
    return 0;
}

/* The next block's first element, row-major; 0 after the last. */
static int next_block(const spectral_job *job, int64_t *first)
{
    for (int32_t d = job->src.ndim - 1; d >= 0; --d) {
        first[d] += job->block[d];
        if (first[d] < job->src.shape[d])
            return 1;
        first[d] = 0;
    }
    return 0;
}

static int convert_room(work *w)
{
    const spectral_job *job = w->job;
    int64_t n = 1;
    dc_status status;

    if (job->type == job->file.header.type)
        return 0;
    for (int32_t d = 0; d < job->src.ndim; ++d)
        n *= job->block[d];
    status = dc_host_alloc(job->session.context, (size_t)n * sizeof(double), &w->converted);
    return status == DC_OK ? 0 : cli_fail_status(status);
}

int spectral_compute(spectral_job *job)
{
    work w = {.job = job};
    int64_t first[DC_MAX_NDIM] = {0};
    int code;

    w.dst = dc_array_host(job->map + job->head, npy_dtype(job->type), job->ndim, job->shape);
    w.all = (double)job->file.header.elements;
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

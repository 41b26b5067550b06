#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/features.h"
#include "tools/dualcube/ui.h"

/*
 * Rows are computed in chunks with a halo, one dense plane per statistic, then interleaved: the
 * library's bits do not depend on the chunking, and peak memory is that of a chunk.  A chunk holds
 * job->memory of planes, more where the window is long (a halo must not cost more than an eighth of
 * the work) up to CHUNK_MORE times that.
 */
enum { CHUNK_WINDOWS = 8, CHUNK_MORE = 16, BLOCK = 256 };

typedef struct work {
    features_job *job;
    outfile *out;
    dc_array whole;        /* the mapped input, unless it is converted chunk by chunk */
    int64_t size;          /* bytes of an output element */
    int64_t chunk;         /* output rows */
    int64_t before, after; /* rows a window reaches to either side */
    char *planes, *mixed;
    void *converted;
    ui_progress progress;
    int64_t done, calls; /* library calls */
    const char *label;
    char text[128];
} work;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int on_progress(int64_t done, int64_t total, void *user)
{
    work *w = user;
    double part = total > 0 ? (double)done / (double)total : 0;

    ui_progress_show(&w->progress, ((double)w->done + part) / (double)w->calls, w->text);
    return cli_interrupted();
}

static void set_reach(work *w)
{
    const dc_rolling_params *p = &w->job->feature[0].params;
    int64_t window = p->expanding ? w->job->rows : least(p->window, w->job->rows);
    /* A window that is longer than the series still reaches the row (window - 1) / 2 after it. */
    int64_t reach = p->expanding ? 0 : least((p->window - 1) / 2, w->job->rows);

    w->before = window > 0 ? window - 1 : 0;
    w->after = p->center ? reach : 0;
}

static int64_t chunk_rows(const work *w)
{
    const features_job *j = w->job;
    const dc_rolling_params *p = &j->feature[0].params;
    int64_t row = j->columns * j->count * w->size, rows;

    if (p->expanding || row == 0)
        return j->out_rows > 0 ? j->out_rows : 1;
    rows = j->memory / row;
    if (rows < CHUNK_WINDOWS * (w->before / p->step))
        rows = least(CHUNK_WINDOWS * (w->before / p->step), CHUNK_MORE * rows);
    rows = rows > 0 ? rows : 1;
    return least(rows, j->out_rows > 0 ? j->out_rows : 1);
}

/* The rows [first, last) of the input as the library takes them. */
static dc_array source_rows(work *w, int64_t first, int64_t last)
{
    int64_t shape[2] = {last - first, w->job->columns};
    dc_array array = w->whole;

    if (w->job->convert) {
        const int32_t dtype = w->job->type == NPY_F32 ? DC_F32 : DC_F64;

        npy_convert_rows(&w->job->file, w->job->axis, first, last, dtype, w->converted);
        return dc_array_host(w->converted, dtype, 2, shape);
    }
    array.offset += first * array.stride[0];
    array.shape[0] = last - first;
    return array;
}

static int64_t input_rows(const work *w, int64_t out_rows)
{
    return (out_rows - 1) * w->job->feature[0].params.step + 1 + w->before + w->after;
}

static int allocate(work *w)
{
    const features_job *j = w->job;
    int64_t plane = w->chunk * j->columns * w->size, converted = 0;
    void *planes = NULL, *mixed = NULL, *doubles = NULL;
    dc_status status;

    if (j->convert)
        converted = least(input_rows(w, w->chunk), j->rows) * j->columns * w->size;
    status = dc_host_alloc(j->session.context, (size_t)(plane * j->count), &planes);
    if (status == DC_OK)
        status = dc_host_alloc(j->session.context, (size_t)(plane * j->count), &mixed);
    if (status == DC_OK)
        status = dc_host_alloc(j->session.context, (size_t)converted, &doubles);
    w->planes = planes;
    w->mixed = mixed;
    w->converted = doubles;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

/* Element e of plane s goes to e * count + s; a block at a time, so that lines are written once. */
static void interleave(const work *w, int64_t elements)
{
    const int64_t count = w->job->count, plane = elements;

    for (int64_t first = 0; first < elements; first += BLOCK) {
        int64_t n = least(BLOCK, elements - first);

        for (int64_t s = 0; s < count; ++s)
            if (w->size == 4) {
                const uint32_t *src = (const uint32_t *)w->planes + s * plane + first;
                uint32_t *dst = (uint32_t *)w->mixed + first * count + s;

                for (int64_t i = 0; i < n; ++i)
                    dst[i * count] = src[i];
            } else {
                const uint64_t *src = (const uint64_t *)w->planes + s * plane + first;
                uint64_t *dst = (uint64_t *)w->mixed + first * count + s;

                for (int64_t i = 0; i < n; ++i)
                    dst[i * count] = src[i];
            }
    }
}

static void record(feature *f, dc_queue *queue, double seconds)
{
    dc_run_info run = {.struct_size = sizeof run};

    f->seconds += seconds;
    ++f->calls;
    if (dc_queue_last_run(queue, &run) != DC_OK)
        return;
    if (f->calls > 1 && strcmp(run.device, f->run.device))
        ++f->calls_elsewhere;
    f->fallbacks += run.fell_back;
    f->run = run;
}

static int run_one(work *w, feature *f, dc_array src, int64_t row_first, int64_t row_last,
                   char *plane, int64_t out_rows)
{
    dc_rolling_params p = f->params;
    double start = cli_now();
    dc_status status;
    int64_t shape[DC_MAX_NDIM];

    memcpy(shape, src.shape, sizeof shape);
    shape[0] = out_rows;
    p.src = src;
    p.dst = dc_array_host(plane, src.dtype, src.ndim, shape);
    p.row_first = row_first;
    p.row_last = row_last;
    snprintf(w->text, sizeof w->text, "%s", f->name);
    status = dc_op_call(w->job->session.queue, f->op.id, &p, NULL);
    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    if (status != DC_OK)
        return cli_fail_status(status);
    record(f, w->job->session.queue, cli_now() - start);
    ++w->done;
    on_progress(0, 1, w);
    return 0;
}

/* Output rows [first, last). */
static int run_chunk(work *w, int64_t first, int64_t last)
{
    features_job *j = w->job;
    const int64_t step = j->feature[0].params.step;
    const int64_t low = first * step, high = (last - 1) * step + 1;
    const int64_t start = low > w->before ? low - w->before : 0;
    const int64_t end = least(j->rows, high + w->after), elements = (last - first) * j->columns;
    dc_array src = source_rows(w, start, end);
    int code = 0;

    for (int s = 0; s < j->count && !code; ++s)
        code = run_one(w, &j->feature[s], src, low - start, high - start,
                       w->planes + s * elements * w->size, last - first);
    if (code)
        return code;
    if (j->count == 1)
        return outfile_write(w->out, w->planes, (size_t)(elements * w->size));
    interleave(w, elements);
    return outfile_write(w->out, w->mixed, (size_t)(elements * j->count * w->size));
}

int features_compute(features_job *job, outfile *out)
{
    work w = {.job = job, .out = out};
    int code;

    w.size = (int64_t)npy_type_bytes(job->type);
    if (!job->convert)
        w.whole = npy_view(&job->file, job->axis);
    set_reach(&w);
    w.chunk = chunk_rows(&w);
    w.calls = (job->out_rows + w.chunk - 1) / w.chunk * job->count;
    code = allocate(&w);
    ui_progress_begin(&w.progress);
    dc_queue_set_progress(job->session.queue, on_progress, &w);
    for (int64_t first = 0; first < job->out_rows && !code; first += w.chunk)
        code = run_chunk(&w, first, least(first + w.chunk, job->out_rows));
    dc_queue_set_progress(job->session.queue, NULL, NULL);
    ui_progress_end(&w.progress);
    dc_host_free(job->session.context, w.planes);
    dc_host_free(job->session.context, w.mixed);
    dc_host_free(job->session.context, w.converted);
    return code;
}

int features_check(features_job *job)
{
    for (int s = 0; s < job->count; ++s) {
        dc_rolling_params p = job->feature[s].params;
        int64_t shape[2] = {job->rows, job->columns};
        dc_status status;

        p.src = dc_array_host(NULL, job->type == NPY_F32 ? DC_F32 : DC_F64, 2, shape);
        shape[0] = job->out_rows;
        p.dst = dc_array_host(NULL, p.src.dtype, 2, shape);
        status = dc_op_explain(job->session.queue, job->feature[s].op.id, &p, NULL, NULL, 0);
        if (status != DC_OK)
            return cli_fail_status(status);
    }
    return 0;
}

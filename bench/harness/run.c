/* Cases crossed with runners, in turns: every round times every runner once, next to the floors of
 * the same arrays, so that a slow minute of the machine slows all alike. */
#include <stdlib.h>
#include <string.h>

#include "bench/harness/runners.h"

enum { MOST_SAMPLES = 32, PARAMS = 4096 };
#define SAMPLE_SECONDS 0.002 /* of calls in one sample */

static const dcb_family *const families[] = {
#define DCB_FAMILY(stem) &dcb_##stem,
#include "bench/families.inc"
#undef DCB_FAMILY
};

/* Bell-shaped noise on a level, from a counter: the same on every machine. */
static void fill(const dcb_bench *b, const dcb_case *c)
{
    uint64_t state = 1;

    for (int64_t i = 0; i < b->elements; ++i) {
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
        double value;

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        value = 20.0 + ((double)(z & 0xffff) + (double)(z >> 16 & 0xffff) +
                        (double)(z >> 32 & 0xffff) - 98302.5) /
                           32768.0;
        if ((double)(z >> 48) < 655.36 * c->missing)
            value = __builtin_nan("");
        if (c->dtype == DC_F32)
            ((float *)b->src)[i] = (float)value;
        else
            ((double *)b->src)[i] = value;
    }
}

static size_t case_bytes(const dcb_case *c)
{
    return (size_t)(c->rows * c->columns) * dc_dtype_bytes(c->dtype);
}

/* Arrays of a size and dtype, on the host and on every device. */
static int place(dcb_bench *b, const dcb_case *c)
{
    const size_t bytes = case_bytes(c);

    free(b->src);
    free(b->dst);
    b->src = b->dst = NULL;
    b->elements = c->rows * c->columns;
    if (posix_memalign(&b->src, 4096, bytes + 64) || posix_memalign(&b->dst, 4096, bytes + 64))
        return dcb_note(b, DCB_FAILED, "no memory for %lld x %lld", (long long)c->rows,
                        (long long)c->columns);
    fill(b, c);
    memset(b->dst, 0, bytes);
    for (int32_t k = 0; k < b->runners; ++k) {
        dcb_runner *r = &b->runner[k];

        dc_buffer_free(r->in);
        dc_buffer_free(r->out);
        r->in = r->out = NULL;
        if (r->resident && (dc_buffer_new(r->queue, bytes, &r->in) != DC_OK ||
                            dc_buffer_new(r->queue, bytes, &r->out) != DC_OK ||
                            dc_buffer_write(r->queue, r->in, 0, b->src, bytes) != DC_OK))
            return dcb_note(b, DCB_FAILED, "%s: %s", r->device, dc_last_error());
    }
    return 0;
}

static dc_status call(const dcb_bench *b, const dcb_runner *r, const dcb_family *family,
                      const dcb_case *c)
{
    _Alignas(64) unsigned char params[PARAMS];
    const int64_t shape[2] = {c->rows, c->columns};
    const dc_array src = r->resident ? dc_array_device(r->in, c->dtype, 2, shape)
                                     : dc_array_host(b->src, c->dtype, 2, shape);
    const dc_array dst = r->resident ? dc_array_device(r->out, c->dtype, 2, shape)
                                     : dc_array_host(b->dst, c->dtype, 2, shape);

    family->params(c, &src, &dst, params);
    return dc_op_call(r->queue, c->op.id, params, NULL);
}

/* Seconds of one call, or < 0 with a note. */
static double time_calls(const dcb_bench *b, const dcb_runner *r, const dcb_family *family,
                         const dcb_case *c, int32_t times)
{
    const double begin = dcb_now();
    dc_status status = DC_OK;

    for (int32_t k = 0; k < times && status == DC_OK; ++k)
        status = call(b, r, family, c);
    if (status == DC_OK)
        status = dc_queue_finish(r->queue);
    if (status == DC_OK)
        return (dcb_now() - begin) / times;
    return dcb_note(b, -1, "%s %s on %s: %s", c->op.name, c->dtype == DC_F32 ? "f32" : "f64",
                    r->device, dc_last_error());
}

/* A device's own floors: its link for host arrays; one pass that reads and writes every value (the
 * sum over a window of 1) where arrays are resident. */
static double time_pass(const dcb_bench *b, const dcb_runner *r, const dcb_case *c)
{
    dcb_case pass = *c;

    pass.window = 1;
    pass.missing = 0;
    if (dc_op_find("rolling_sum", &pass.op) != DC_OK)
        return dcb_note(b, -1, "%s", dc_last_error());
    return time_calls(b, r, &dcb_rolling, &pass, r->times);
}

static int time_device(dcb_bench *b, dcb_runner *r, const dcb_case *c)
{
    const size_t bytes = case_bytes(c);
    dcb_runner *other = r;
    double begin;

    if (r->resident) {
        r->pass[r->samples] = time_pass(b, r, c);
        return r->pass[r->samples] < 0 ? -1 : 0;
    }
    for (int32_t k = 0; k < b->runners; ++k)
        if (b->runner[k].resident && b->runner[k].queue == r->queue)
            other = &b->runner[k];
    begin = dcb_now();
    if (dc_buffer_write(r->queue, other->in, 0, b->src, bytes) != DC_OK ||
        dc_buffer_read(r->queue, other->in, 0, b->dst, bytes) != DC_OK)
        return dcb_note(b, -1, "%s: %s", r->device, dc_last_error());
    r->link[r->samples] = dcb_now() - begin;
    return 0;
}

/* The first call builds programs and touches pages; the second says how many make a sample. */
static void warm(const dcb_bench *b, dcb_runner *r, const dcb_family *family, const dcb_case *c,
                 int32_t *rounds)
{
    double time = time_calls(b, r, family, c, 1);

    r->times = 1;
    r->samples = 0;
    r->refused = time < 0;
    if (!r->refused)
        time = time_calls(b, r, family, c, 1);
    if (r->resident && !r->refused && time_pass(b, r, c) < 0) /* its program, too */
        r->refused = 1;
    r->times = time > 0 && time < SAMPLE_SECONDS ? (int32_t)(SAMPLE_SECONDS / time) + 1 : 1;
    if (time > 1 && *rounds > 1)
        *rounds = 1;
    else if (time > 0.25 && *rounds > 3)
        *rounds = 3;
}

static int round_of(dcb_bench *b, const dcb_family *family, const dcb_case *c)
{
    const size_t bytes = case_bytes(c);

    for (int32_t k = 0; k < b->machine.floors; ++k) {
        const int32_t times =
            (int32_t)(SAMPLE_SECONDS * b->machine.floor[k].copy_bytes / (2.0 * (double)bytes + 1)) +
            1;

        b->copy[k][b->copies] = dcb_copy_time(b->team[k], b->dst, b->src, bytes, times);
    }
    ++b->copies;
    for (int32_t k = 0; k < b->runners; ++k) {
        dcb_runner *r = &b->runner[k];

        if (r->refused)
            continue;
        r->sample[r->samples] = time_calls(b, r, family, c, r->times);
        if (r->sample[r->samples] < 0 || (r->kind == DC_DEVICE_OPENCL && time_device(b, r, c)))
            return DCB_FAILED;
        ++r->samples;
    }
    return 0;
}

static void set_floor(dcb_bench *b, const dcb_runner *r, dcb_record *record)
{
    double copied = 0, computed = 0, samples[MOST_SAMPLES];

    if (r->kind == DC_DEVICE_OPENCL) {
        memcpy(samples, r->resident ? r->pass : r->link, sizeof samples);
        record->floor = r->resident ? "device pass" : "device link";
        record->floor_seconds = dcb_time_of(samples, r->samples).median;
        return;
    }
    for (int32_t k = 0; k < b->machine.floors; ++k)
        if (b->machine.floor[k].threads == r->threads) {
            const double peak = b->machine.floor[k].fma[r->isa][record->c.dtype - DC_F32];

            memcpy(samples, b->copy[k], sizeof samples);
            copied = dcb_time_of(samples, b->copies).median;
            computed = peak > 0 ? record->flops / peak : 0;
        }
    record->floor = copied > computed ? "copy" : "fma";
    record->floor_seconds = copied > computed ? copied : computed;
}

static int tell(dcb_bench *b, const dcb_case *c)
{
    static const char *const isas[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};

    for (int32_t k = 0; k < b->runners; ++k) {
        dcb_runner *r = &b->runner[k];
        dc_run_info run = {.struct_size = sizeof run};
        dcb_record record = {.c = *c, .threads = r->threads, .resident = r->resident};

        if (r->refused || r->samples < 1)
            continue;
        if (dc_queue_last_run(r->queue, &run) != DC_OK)
            return dcb_note(b, DCB_FAILED, "%s", dc_last_error());
        snprintf(record.device, sizeof record.device, "%s", r->device);
        snprintf(record.name, sizeof record.name, "%s", r->name);
        snprintf(record.driver, sizeof record.driver, "%s", r->driver);
        snprintf(record.isa, sizeof record.isa, "%s", r->isa >= 0 ? isas[r->isa] : "");
        record.bytes = (double)(c->op.inputs + c->op.outputs) * (double)case_bytes(c);
        record.flops = run.flops;
        set_floor(b, r, &record); /* before the samples are sorted */
        record.time = dcb_time_of(r->sample, r->samples);
        if (b->listener->record(&record, b->listener->user))
            return DCB_FAILED;
    }
    return 0;
}

static int run_case(dcb_bench *b, const dcb_family *family, const dcb_case *c)
{
    int32_t rounds = b->options->rounds ? b->options->rounds : b->options->quick ? 3 : 5;
    int code = 0;

    b->copies = 0;
    rounds = rounds < MOST_SAMPLES ? rounds : MOST_SAMPLES;
    for (int32_t k = 0; k < b->runners; ++k)
        warm(b, &b->runner[k], family, c, &rounds);
    for (int32_t n = 0; n < rounds && !code; ++n)
        code = round_of(b, family, c);
    return code ? code : tell(b, c);
}

static int wanted_op(const dcb_options *o, const dcb_family *family, const dc_op_info *op)
{
    if (strcmp(op->family, family->name))
        return 0;
    for (int32_t k = 0; k < o->ops; ++k)
        if (!strcmp(o->op[k], op->name))
            return 1;
    return o->ops == 0;
}

static int wanted_dtype(const dcb_options *o, const dc_op_info *op, int32_t dtype)
{
    for (int32_t k = 0; k < o->dtypes; ++k)
        if (o->dtype[k] == dtype)
            return op->dtypes >> dtype & 1;
    return o->dtypes == 0 && (op->dtypes >> dtype & 1);
}

/* What a walk over the cases does: counts them, or runs them. */
typedef struct walk {
    dcb_bench *b;
    int count_only;
    int64_t done, total;
} walk;

static int visit(walk *w, const dcb_family *family, const dcb_case *c)
{
    const dcb_options *o = w->b->options;
    char text[128];

    if (w->count_only) {
        ++w->total;
        return 0;
    }
    snprintf(text, sizeof text, "%s %s %lld x %lld, window %lld", c->op.name,
             c->dtype == DC_F32 ? "f32" : "f64", (long long)c->rows, (long long)c->columns,
             (long long)c->window);
    if (o->progress && o->progress((double)w->done / (double)w->total, text, o->user))
        return DCB_STOPPED;
    ++w->done;
    return run_case(w->b, family, c);
}

static int walk_operations(walk *w, const dcb_family *family, dcb_case *c)
{
    const dcb_options *o = w->b->options;
    const int64_t *window = o->windows ? o->window
                            : o->quick ? family->quick_windows
                                       : family->windows;
    int code = 0;

    for (int32_t k = 0; k < dc_op_count() && !code; ++k) {
        c->op.struct_size = sizeof c->op;
        if (dc_op_get(k, &c->op) != DC_OK)
            return dcb_note(w->b, DCB_FAILED, "%s", dc_last_error());
        if (!wanted_op(o, family, &c->op) || !wanted_dtype(o, &c->op, c->dtype))
            continue;
        for (int32_t n = 0; (o->windows ? n < o->windows : window[n] > 0) && !code; ++n) {
            c->window = window[n];
            code = visit(w, family, c);
        }
    }
    return code;
}

static int walk_cases(walk *w, const dcb_family *family)
{
    const dcb_options *o = w->b->options;
    const dcb_size *size = o->sizes ? o->size : o->quick ? family->quick_sizes : family->sizes;
    int code = 0;

    for (int32_t n = 0; (o->sizes ? n < o->sizes : size[n].rows > 0) && !code; ++n)
        for (int32_t dtype = DC_F32; dtype <= DC_F64 && !code; ++dtype) {
            dcb_case c = {.dtype = dtype,
                          .rows = size[n].rows,
                          .columns = size[n].columns,
                          .missing = o->missing};

            if (o->dtypes == 1 && o->dtype[0] != dtype)
                continue;
            if (!w->count_only)
                code = place(w->b, &c);
            if (!code)
                code = walk_operations(w, family, &c);
        }
    return code;
}

int dcb_run(const dcb_options *options, const dcb_listener *listener)
{
    dcb_bench *b = calloc(1, sizeof *b);
    walk w = {.b = b, .count_only = 1};
    int code;

    if (!b)
        return DCB_FAILED;
    b->options = options;
    b->listener = listener;
    code = dcb_runners_open(b);
    for (int pass = 0; pass < 2 && !code; ++pass, w.count_only = 0)
        for (size_t f = 0; f < sizeof families / sizeof *families && !code; ++f)
            code = walk_cases(&w, families[f]);
    dcb_runners_close(b);
    free(b);
    return code;
}

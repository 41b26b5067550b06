/* The engine: draw a case, run it everywhere, compare. */
#include "tests/harness/parity.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/parity_compare.h"
#include "tests/harness/parity_engine.h"

/* An ulp bound for what a device that flushes denormals, or that rounds divide and square root
 * otherwise, may do to a float32 statistic. */
#define RELAXED_ULP 64.0

enum { REGION_BYTES = 24 << 20 };

/* Said by the signal handler when a case crashes. */
static char crash_line[DCT_LINE + 512];

static void on_crash(int number)
{
    const ssize_t ignored = write(STDERR_FILENO, crash_line, strlen(crash_line));
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void dct_fail(dct_engine *e, const dct_case *c, const dct_runner *r, const char *what)
{
    e->report->failures++;
    fprintf(e->log,
            "FAILED: %s: %s\n    case: %s\n    rerun: dualcube parity --seed %llu --case %lld",
            r->text, what, c->text, (unsigned long long)e->report->seed, (long long)c->number);
    if (e->options->small)
        fputs(e->options->small > 1 ? " --tiny" : " --small", e->log);
    fputc('\n', e->log);
    dct_report_cell(e->report, c, r->device)->failures++;
}

/* Lay out the memory of a case and fill its inputs.  -1: no memory. */
static int prepare(dct_engine *e, dct_case *c)
{
    for (int32_t i = 0; i < c->nin; i++) {
        dc_array *array = dct_case_in(c, c->params.bytes, i);
        if (!e->in[i].map && dct_region_new(&e->in[i], REGION_BYTES) != 0)
            return -1;
        if (dct_region_place(&e->in[i], array, c->at_end, c->misaligned) != 0)
            return -1;
        dct_fill(c, array, e->in[i].element0);
        if (dct_region_keep(&e->in[i]) != 0)
            return -1;
        if (c->read_only && dct_region_protect(&e->in[i], 1) != 0)
            return -1;
    }
    for (int32_t i = 0; i < c->nout; i++) {
        dc_array *array = dct_case_out(c, c->params.bytes, i);
        const size_t bytes = (size_t)dc_array_elements(array) * dc_dtype_bytes(array->dtype);
        if (!e->out[i].map && dct_region_new(&e->out[i], REGION_BYTES) != 0)
            return -1;
        if (bytes > REGION_BYTES || dct_region_place(&e->out[i], array, c->at_end, 0) != 0 ||
            dct_region_keep(&e->out[i]) != 0)
            return -1;
    }
    return 0;
}

static void describe_value(int32_t dtype, const unsigned char *at, char *text, size_t bytes)
{
    if (dtype == DC_F32) {
        float x;
        uint32_t bits;
        memcpy(&x, at, sizeof x);
        memcpy(&bits, at, sizeof bits);
        snprintf(text, bytes, "%.9g (0x%08lx)", (double)x, (unsigned long)bits);
    } else if (dtype != DC_F64) {
        uint64_t raw = 0;
        memcpy(&raw, at, dc_dtype_bytes(dtype));
        snprintf(text, bytes, "0x%llx (%s)", (unsigned long long)raw, dc_dtype_name(dtype));
    } else {
        double x;
        uint64_t bits;
        memcpy(&x, at, sizeof x);
        memcpy(&bits, at, sizeof bits);
        snprintf(text, bytes, "%.17g (0x%016llx)", x, (unsigned long long)bits);
    }
}

/* Memory that the call had no business with. */
static int memory_intact(dct_engine *e, const dct_case *c, const dct_runner *r)
{
    char text[160];
    for (int32_t i = 0; i < c->nin; i++)
        if (dct_region_changed(&e->in[i]) >= 0) {
            snprintf(text, sizeof text, "input %d was written", i);
            dct_fail(e, c, r, text);
            return 0;
        }
    for (int32_t i = 0; i < c->nout; i++)
        if (dct_region_changed(&e->out[i]) >= 0) {
            snprintf(text, sizeof text,
                     "a byte outside the elements of output %d was written (byte %lld of %zu)", i,
                     dct_region_changed(&e->out[i]), e->out[i].used_bytes);
            dct_fail(e, c, r, text);
            return 0;
        }
    return 1;
}

static void compare_output(dct_engine *e, const dct_case *c, const dct_runner *r, int32_t i,
                           int64_t n)
{
    dct_parity_cell *cell = dct_report_cell(e->report, c, r->device);
    const int32_t dtype = dct_case_out(c, (void *)(uintptr_t)c->params.bytes, i)->dtype;
    const size_t size = dc_dtype_bytes(dtype);
    const int32_t class = c->dtype == DC_F64 ? c->op.class_f64 : c->op.class_f32;
    const int keeps = r->kind == DC_DEVICE_CPU || (r->checks & DC_CHECK_DENORM);
    const int relaxed = !r->exact || (class == DC_CLASS_EXACT_IF && !keeps);
    const dct_difference d = dct_compare(dtype, e->expected[i], e->got, n, relaxed, RELAXED_ULP);
    cell->relaxed |= relaxed;
    cell->comparisons++;
    cell->elements += n;
    e->report->comparisons++;
    e->report->elements += n;
    if (d.worst_ulp > cell->worst_ulp)
        cell->worst_ulp = d.worst_ulp;
    if (d.count == 0)
        return;
    char want[64], got[64], text[320];
    describe_value(dtype, e->expected[i] + (size_t)d.first * size, want, sizeof want);
    describe_value(dtype, e->got + (size_t)d.first * size, got, sizeof got);
    snprintf(text, sizeof text,
             "%lld of %lld elements differ, first element %lld: %s, expected %s, worst %.3g ulp",
             (long long)d.count, (long long)n, (long long)d.first, got, want, d.worst_ulp);
    dct_fail(e, c, r, text);
}

/* Room for the dense copies of n elements. */
static int dense_room(dct_engine *e, size_t bytes)
{
    if (bytes <= e->dense_room)
        return 0;
    for (int32_t i = 0; i < DCT_MAX_ARRAYS + 1; i++) {
        unsigned char **at = i < DCT_MAX_ARRAYS ? &e->expected[i] : &e->got;
        unsigned char *grown = realloc(*at, bytes);
        if (!grown)
            return -1;
        *at = grown;
    }
    e->dense_room = bytes;
    return 0;
}

static void run_one(dct_engine *e, dct_case *c, const dct_family *family, int32_t which)
{
    const dct_runner *r = &e->runner[which];
    for (int32_t i = 0; i < c->nout; i++)
        dct_region_restore(&e->out[i]);
    snprintf(crash_line, sizeof crash_line,
             "FAILED: crashed on %s\n    case: %s\n    rerun: dualcube parity --seed %llu --case "
             "%lld\n",
             r->text, c->text, (unsigned long long)e->report->seed, (long long)c->number);
    const dc_status status = dct_execute(e, c, family, r);
    if (status == DC_E_UNSUPPORTED && which > 0) {
        snprintf(dct_report_cell(e->report, c, r->device)->reason, 256, "%s", dc_last_error());
        return;
    }
    if (status != DC_OK) {
        char text[DCT_LINE];
        snprintf(text, sizeof text, "the call was refused: %s", dc_last_error());
        dct_fail(e, c, r, text);
        return;
    }
    if (which > 0)
        dct_plant(e, c);
    if (!dct_ran_here(e, c, r))
        return;
    for (int32_t i = 0; i < c->nout; i++) {
        const dc_array *out = dct_case_out(c, c->params.bytes, i);
        const int64_t n = dc_array_elements(out);
        dct_region_gather(&e->out[i], out, which ? e->got : e->expected[i], 1);
        if (which)
            compare_output(e, c, r, i, n);
        else if (!c->keeps_nans && dct_foreign_nan(out->dtype, e->expected[i], n) >= 0)
            dct_fail(e, c, r, "a NaN that is not the one quiet NaN");
    }
    (void)memory_intact(e, c, r);
}

static int run_case(dct_engine *e, int64_t number)
{
    dct_case c;
    const dct_family *family;
    dct_case_draw(&c, &family, e->report->seed, number, e->options->small);
    if ((e->options->op && strcmp(e->options->op, c.op.name) != 0) ||
        (e->options->family && strcmp(e->options->family, c.op.family) != 0) ||
        (e->options->dtype && e->options->dtype != c.dtype) || !(c.op.dtypes & (1 << c.dtype)) ||
        c.nout < 1)
        return 0;
    if (e->options->verbose)
        fprintf(e->log, "case %lld: %s\n", (long long)number, c.text);
    if (prepare(e, &c) != 0)
        return fprintf(e->log, "parity: no memory for case %lld\n", (long long)number), 4;
    size_t bytes = 64;
    for (int32_t i = 0; i < c.nout; i++) {
        const dc_array *out = dct_case_out(&c, c.params.bytes, i);
        const size_t need = (size_t)dc_array_elements(out) * dc_dtype_bytes(out->dtype);
        bytes = need > bytes ? need : bytes;
    }
    if (dense_room(e, bytes) != 0)
        return fprintf(e->log, "parity: no memory for case %lld\n", (long long)number), 4;
    const int64_t before = e->report->failures;
    for (int32_t which = 0; which < e->nrunners; which++) {
        const dct_runner *r = &e->runner[which];
        if (r->mode == DCT_MODE_CHUNKED &&
            family->chunk(&c, c.params.bytes, 0, &(dct_case){0}) <= 0)
            continue;
        if (r->one_in > 1 && (number / dc_op_count()) % r->one_in != 0)
            continue;
        run_one(e, &c, family, which);
        if (which == 0 && e->report->failures > before)
            break;
    }
    for (int32_t i = 0; i < c.nin && c.read_only; i++)
        (void)dct_region_protect(&e->in[i], 0);
    e->report->cases++;
    return 0;
}

static int run_all(dct_engine *e)
{
    const dct_parity_options *o = e->options;
    const double begin = now();
    double said = begin;
    int status = 0;
    for (int64_t i = 0; i < o->cases && !status; i++) {
        status = run_case(e, o->first_case + i);
        const double t = now();
        e->report->seconds = t - begin;
        if (o->progress && t - said > 0.1) {
            said = t;
            if (o->progress(i, o->cases, o->progress_user)) {
                e->report->stopped = 1;
                break;
            }
        }
        if (o->seconds > 0.0 && t - begin >= o->seconds)
            break;
        if (o->max_failures > 0 && e->report->failures >= o->max_failures)
            break;
    }
    return status;
}

static void catch_faults(int on)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], on ? on_crash : SIG_DFL);
}

int dct_parity_run(const dct_parity_options *options, dct_parity_report *report, FILE *log)
{
    memset(report, 0, sizeof *report);
    report->seed = options->seed;
    dct_engine *e = calloc(1, sizeof *e);
    if (!e)
        return fputs("parity: no memory\n", log), 4;
    e->options = options;
    e->report = report;
    e->log = log;
    int status = dct_runners_open(e);
    if (options->catch_faults)
        catch_faults(1);
    if (!status)
        status = run_all(e);
    if (options->catch_faults)
        catch_faults(0);
    dct_runners_close(e);
    for (int32_t i = 0; i < DCT_MAX_ARRAYS; i++) {
        dct_region_free(&e->in[i]);
        dct_region_free(&e->out[i]);
        free(e->expected[i]);
    }
    free(e->got);
    free(e);
    return status ? status : report->failures > 0;
}

void dct_parity_report_free(dct_parity_report *report)
{
    free(report->cell);
    report->cell = NULL;
    report->ncells = report->room = 0;
}

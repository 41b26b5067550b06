/* Time of one call on a small array through the C API, without any language around it.
 *
 *     latency [calls]
 *
 * Prints one JSON object per line: operation, dtype, rows, columns, window, the queue's threads (0:
 * the machine's default), threads used, isa, calls, median, 5th and 95th percentile of the time of
 * a call in microseconds.  Host arrays, float64 and float32. */
#define _POSIX_C_SOURCE 200112L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dualcube/dualcube.h"

enum { ROWS = 1000, COLUMNS = 10, WINDOW = 16, CALLS = 2000, MOST_CALLS = 1000000, WARM = 50 };

static const struct {
    const char *name;
    int32_t kind;
} operations[] = {
    {"count", DC_ROLLING_COUNT}, {"sum", DC_ROLLING_SUM},       {"mean", DC_ROLLING_MEAN},
    {"var", DC_ROLLING_VAR},     {"std", DC_ROLLING_STD},       {"min", DC_ROLLING_MIN},
    {"max", DC_ROLLING_MAX},     {"median", DC_ROLLING_MEDIAN}, {"quantile", DC_ROLLING_QUANTILE},
};

typedef struct bench {
    double *samples;
    int calls;
    void *in, *out;
} bench;

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int failed(const char *what)
{
    fprintf(stderr, "latency: %s: %s\n", what, dc_last_error());
    return 1;
}

/* Uniform on 0 ... 1 from a linear congruence: the values only have to be unordered. */
static void fill(bench *b, int32_t dtype)
{
    uint64_t state = 20;

    for (int i = 0; i < ROWS * COLUMNS; ++i) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const double value = (double)(state >> 40) * 0x1p-24;
        if (dtype == DC_F64)
            ((double *)b->in)[i] = value;
        else
            ((float *)b->in)[i] = (float)value;
    }
}

static int measure(bench *b, dc_queue *queue, int32_t threads, size_t operation, int32_t dtype)
{
    static const char *const isas[] = {"baseline", "avx2", "avx512"};
    const int64_t shape[2] = {ROWS, COLUMNS};
    dc_rolling_params params = DC_ROLLING_PARAMS_INIT;
    dc_run_info info = {0};

    params.kind = operations[operation].kind;
    params.src = dc_array_host(b->in, dtype, 2, shape);
    params.dst = dc_array_host(b->out, dtype, 2, shape);
    params.window = WINDOW;
    params.q = 0.9;
    for (int i = -WARM; i < b->calls; ++i) {
        const double start = now_us();
        if (dc_rolling(queue, &params, NULL) != DC_OK)
            return failed(operations[operation].name);
        if (i >= 0)
            b->samples[i] = now_us() - start;
    }
    qsort(b->samples, (size_t)b->calls, sizeof *b->samples, by_value);
    info.struct_size = sizeof info;
    if (dc_queue_last_run(queue, &info) != DC_OK)
        return failed("dc_queue_last_run");
    printf("{\"record\": \"latency\", \"operation\": \"%s\", \"dtype\": \"%s\", \"rows\": %d, "
           "\"columns\": %d, \"window\": %d, \"queue_threads\": %d, \"threads\": %d, \"isa\": "
           "\"%s\", \"calls\": %d, "
           "\"median_us\": %.3f, \"p5_us\": %.3f, \"p95_us\": %.3f}\n",
           operations[operation].name, dtype == DC_F64 ? "float64" : "float32", ROWS, COLUMNS,
           WINDOW, (int)threads, (int)info.threads,
           info.isa >= 0 && info.isa < 3 ? isas[info.isa] : "?", b->calls, b->samples[b->calls / 2],
           b->samples[b->calls / 20], b->samples[b->calls - 1 - b->calls / 20]);
    return 0;
}

static int run(bench *b, dc_context *context)
{
    static const int32_t dtypes[] = {DC_F64, DC_F32};
    dc_device *cpu;
    int bad = 0;

    if (dc_device_find(context, "cpu", &cpu) != DC_OK)
        return failed("dc_device_find");
    for (int32_t threads = 1; threads >= 0 && !bad; --threads) { /* 0: the default */
        dc_queue_params params = DC_QUEUE_PARAMS_INIT;
        dc_queue *queue;

        params.threads = threads;
        if (dc_queue_new(context, cpu, &params, &queue) != DC_OK)
            return failed("dc_queue_new");
        for (size_t d = 0; d < 2 && !bad; ++d) {
            fill(b, dtypes[d]);
            for (size_t i = 0; i < sizeof operations / sizeof *operations && !bad; ++i)
                bad = measure(b, queue, threads, i, dtypes[d]);
        }
        dc_queue_free(queue);
    }
    return bad;
}

int main(int argc, char **argv)
{
    bench b = {NULL, CALLS, NULL, NULL};
    dc_context *context = NULL;
    int bad = 1;

    if (argc > 1)
        b.calls = atoi(argv[1]);
    if (argc > 2 || b.calls < 20 || b.calls > MOST_CALLS) {
        fprintf(stderr, "usage: latency [calls]\ncalls: 20 to %d, default %d\n", MOST_CALLS, CALLS);
        return 2;
    }
    b.samples = malloc((size_t)b.calls * sizeof *b.samples);
    b.in = malloc(ROWS * COLUMNS * sizeof(double));
    b.out = malloc(ROWS * COLUMNS * sizeof(double));
    if (!b.samples || !b.in || !b.out)
        fprintf(stderr, "latency: no memory\n");
    else if (dc_context_new(NULL, &context) != DC_OK)
        failed("dc_context_new");
    else
        bad = run(&b, context);
    dc_context_free(context);
    free(b.samples);
    free(b.in);
    free(b.out);
    return bad ? 4 : 0;
}

/* A host in C: rolling features of a table of sensors.
 *
 *     cc host.c $(pkg-config --cflags --libs dualcube) -o host && ./host
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <dualcube/dualcube.h>

enum { ROWS = 20000, SENSORS = 4, WINDOW = 64, FEATURES = 4 };

static const struct {
    const char *name;
    int32_t kind;
} features[FEATURES] = {
    {"median", DC_ROLLING_MEDIAN},
    {"mean", DC_ROLLING_MEAN},
    {"std", DC_ROLLING_STD},
    {"max", DC_ROLLING_MAX},
};

/* A daily wave for each sensor, some jitter, and now and then a missing value. */
static void fill(double *table)
{
    uint32_t state = 1;

    for (int i = 0; i < ROWS * SENSORS; ++i) {
        const int row = i / SENSORS, sensor = i % SENSORS;

        state = state * 1664525u + 1013904223u;
        table[i] = 20.0 + sensor + 5.0 * sin(row * 0.00436332) + (state >> 16) / 65536.0;
        if (state >> 24 == 0)
            table[i] = (double)NAN;
    }
}

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, dc_last_error());
    return 1;
}

/* One feature of every sensor; the record says where it was computed and why. */
static int compute(dc_queue *queue, int feature, const double *table, double *out)
{
    const int64_t shape[2] = {ROWS, SENSORS};
    dc_rolling_params params = DC_ROLLING_PARAMS_INIT;
    dc_run_info run = {0};

    params.kind = features[feature].kind;
    params.src = dc_array_host(table, DC_F64, 2, shape);
    params.dst = dc_array_host(out, DC_F64, 2, shape);
    params.window = WINDOW;
    params.min_periods = WINDOW / 2;
    if (dc_rolling(queue, &params, NULL) != DC_OK)
        return failed(features[feature].name);
    run.struct_size = sizeof run;
    if (dc_queue_last_run(queue, &run) != DC_OK)
        return failed("last run");
    printf("%-8s", features[feature].name);
    for (int sensor = 0; sensor < SENSORS; ++sensor)
        printf("%10.4f", out[(ROWS - 1) * SENSORS + sensor]);
    printf("   %s, %.3f ms: %s\n", run.device, run.measured_ms, run.reason);
    return 0;
}

int main(void)
{
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    double *table = malloc(sizeof *table * ROWS * SENSORS);
    double *out = malloc(sizeof *out * ROWS * SENSORS);
    int status = 1;

    if (table && out) {
        fill(table);
        /* No device named: every call runs where it is expected to end first. */
        if (dc_context_new(NULL, &context) != DC_OK ||
            dc_queue_new(context, NULL, NULL, &queue) != DC_OK)
            status = failed("dualcube");
        else
            status = 0;
        for (int i = 0; i < FEATURES && status == 0; ++i)
            status = compute(queue, i, table, out);
    }
    dc_queue_free(queue);
    dc_context_free(context);
    free(out);
    free(table);
    return status;
}

/* Models of kind "pca" whose entries lie: valid ones, with numbers, shapes and dtypes changed from
 * a fixed seed.  Every call must answer or refuse with a sentence; what the check accepts must give
 * operands that a call takes.  The sanitizers see the rest.
 *
 *     fuzz_pca_model [cases] [seed]     DUALCUBE_PLANT=1: nothing is changed, all must be refused
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { CASES = 20000, MOST = 4 };

typedef struct tally {
    int64_t accepted, refused, wrong;
} tally;

static dc_queue *queue;

static void must(dc_status status)
{
    if (status != DC_OK) {
        printf("fuzz_pca_model: %s\n", dc_last_error());
        exit(4);
    }
}

static double odd_number(dct_rng *rng)
{
    static const double odd[] = {0,      -0.0,   1,    -1,       2,         1e300, -1e300,
                                 1e-300, 5e-324, 1e16, INFINITY, -INFINITY, NAN,   0.5};

    return odd[dct_below(rng, sizeof odd / sizeof *odd)];
}

/* An array of the model; now and then of another shape, dtype or content. */
static void put(dct_rng *rng, dc_model *model, const char *name, int odd, int32_t ndim,
                int64_t rows, int64_t columns, const double *values)
{
    const int64_t n = ndim == 2 ? rows * columns : columns;
    double wide[MOST * MOST + 8] = {0};
    float narrow[MOST * MOST + 8];
    int64_t shape[2] = {rows, columns};
    int32_t dtype = dct_chance(rng, 30) ? DC_F32 : DC_F64;
    dc_array array;

    memcpy(wide, values, (size_t)n * sizeof *wide);
    if (odd && dct_chance(rng, 5))
        return; /* missing */
    if (odd && dct_chance(rng, 15))
        wide[dct_below(rng, n)] = odd_number(rng);
    if (odd && dct_chance(rng, 8))
        shape[dct_below(rng, 2)] += dct_range(rng, -1, 1);
    if (odd && dct_chance(rng, 4))
        ndim = 3 - ndim;
    shape[0] = shape[0] < 0 ? 0 : shape[0];
    if (odd && dct_chance(rng, 4))
        dtype = DC_I64;
    for (int i = 0; i < MOST * MOST + 8; ++i)
        narrow[i] = (float)wide[i];
    array = dc_array_host(dtype == DC_F32 ? (void *)narrow : (void *)wide, dtype, ndim,
                          shape + 2 - ndim);
    must(dc_model_set_array(model, name, &array));
}

static void draw(dct_rng *rng, int odd, dc_model *model)
{
    static const char *const numbers[] = {"n_samples", "theta1", "theta2", "theta3"};
    const int64_t d = dct_range(rng, 1, MOST), k = dct_range(rng, 1, d);
    double components[MOST * MOST] = {0}, variance[MOST], mean[MOST], scale[MOST];

    for (int64_t i = 0; i < MOST; ++i) {
        if (i < k)
            components[i * d + i] = 1;
        variance[i] = (double)(MOST - i);
        mean[i] = dct_bell(rng);
        scale[i] = 0.5 + dct_unit(rng);
    }
    put(rng, model, "components", odd, 2, k, d, components);
    put(rng, model, "explained_variance", odd, 1, 0, k, variance);
    put(rng, model, "mean", odd, 1, 0, d, mean);
    if (dct_chance(rng, 50))
        put(rng, model, "scale", odd, 1, 0, d, scale);
    for (int i = 0; i < 4; ++i)
        if (!odd || !dct_chance(rng, 3))
            must(dc_model_set_number(model, numbers[i],
                                     odd && dct_chance(rng, 10) ? odd_number(rng)
                                     : i == 0                   ? 50
                                                                : 1.0 / (1 + i)));
    if (odd && dct_chance(rng, 3))
        must(dc_model_set_text(model, "mean", "text"));
}

/* Scores of one row by the operands of the model: the call must be taken. */
static int scores(const dc_model *model, int32_t dtype)
{
    dc_pca_params p = DC_PCA_PARAMS_INIT;
    double row[MOST] = {0}, t2 = 0;
    size_t size = 0;
    void *memory;
    dc_status status = dc_pca_from_model(model, DC_PCA_MONITOR, dtype, 1, NULL, 0, &size, &p);

    if (status != DC_OK)
        return 0;
    memory = malloc(size);
    if (!memory)
        exit(4);
    status = dc_pca_from_model(model, DC_PCA_MONITOR, dtype, 1, memory, size, NULL, &p);
    if (status == DC_OK) {
        p.src = dc_array_host(row, dtype, 2, (int64_t[]){1, p.components.shape[1]});
        p.t2 = dc_array_host(&t2, dtype, 1, (int64_t[]){1});
        status = dc_pca(queue, &p, NULL);
    }
    free(memory);
    return status == DC_OK;
}

static void run_case(uint64_t seed, int64_t number, int planted, tally *t)
{
    dct_rng rng = dct_stream(seed, (uint64_t)number);
    const int odd = number % 8 != 0;
    dc_pca_limits limits = DC_PCA_LIMITS_INIT;
    const char *what = NULL;
    dc_model *model;
    dc_status status;

    must(dc_model_new("pca", &model));
    draw(&rng, odd && !planted, model);
    (void)dc_pca_limits_at(model, 0.99, &limits);
    (void)scores(model, DC_F32);
    status = dc_pca_check_model(model);
    if (status == DC_OK) {
        ++t->accepted;
        if (planted)
            what = "accepted";
        if (!scores(model, DC_F64) || !scores(model, DC_F32))
            what = "what was accepted does not score";
    } else {
        ++t->refused;
        if (status != DC_E_ARGUMENT || !*dc_last_error())
            what = "a refusal without a sentence";
        if (!odd)
            what = dc_last_error();
    }
    if (what) {
        ++t->wrong;
        printf("FAILED: case %" PRId64 " of seed %" PRIu64 ": %s\n", number, seed, what);
    }
    dc_model_free(model);
}

int main(int argc, char **argv)
{
    const int64_t cases = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const int planted = getenv("DUALCUBE_PLANT") != NULL;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    tally t = {0, 0, 0};
    dc_context *context;
    dc_device *cpu;

    must(dc_context_new(NULL, &context));
    must(dc_device_find(context, "cpu", &cpu));
    params.threads = 1;
    must(dc_queue_new(context, cpu, &params, &queue));
    for (int64_t k = 0; k < cases; ++k)
        run_case(seed, k, planted, &t);
    if (t.accepted < cases / 10 || t.refused < cases / 4) {
        ++t.wrong;
        printf("FAILED: too few accepted or refused\n");
    }
    printf("fuzz_pca_model: seed %" PRIu64 ", %" PRId64 " accepted, %" PRId64 " refused, %" PRId64
           " wrong\n",
           seed, t.accepted, t.refused, t.wrong);
    dc_queue_free(queue);
    dc_context_free(context);
    return t.wrong ? 1 : 0;
}

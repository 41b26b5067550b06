/* States of covariances: any cut of the rows, in any order, over any number of workers, gives the
 * bits of one pass; what overlaps or lies is refused. */
#include "tests/api/api.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/random.h"

enum { CASES = 60, ROWS = 3000, COLUMNS = 5, PARTS = 12, WORKERS = 4 };

typedef struct fixture {
    dc_context *context;
    dc_queue *queue;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    params.policy = DC_POLICY_CPU;
    assert_int_equal(dc_context_new(NULL, &f.context), DC_OK);
    assert_int_equal(dc_device_find(f.context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(f.context, cpu, &params, &f.queue), DC_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    dc_queue_free(f->queue);
    dc_context_free(f->context);
    return 0;
}

static void fine(dc_status status)
{
    if (status != DC_OK)
        fail_msg("%s", dc_last_error());
}

static void refused(dc_status status, const char *word)
{
    assert_int_equal(status, DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static double values[ROWS * COLUMNS];
static float narrow[ROWS * COLUMNS];
static const double anchors[COLUMNS] = {0.25, -1.0, 0.0, 7.5, 1e3};

static void fill(dct_rng *rng, int64_t rows)
{
    const int missing = dct_chance(rng, 50) ? 0 : 20, infinite = dct_chance(rng, 20);

    for (int64_t i = 0; i < rows * COLUMNS; i++) {
        values[i] = anchors[i % COLUMNS] + dct_bell(rng);
        if (dct_chance(rng, missing))
            values[i] = (double)NAN;
        if (infinite && dct_chance(rng, 1))
            values[i] = INFINITY;
        narrow[i] = (float)values[i];
    }
}

/* Rows in parts, each to one of some workers, whose states are merged at the end. */
static dc_correlation_state *by_parts(fixture *f, dct_rng *rng, const dc_correlation_params *p)
{
    dc_correlation_state *worker[WORKERS];
    int64_t cut[PARTS + 1] = {0}, parts = dct_range(rng, 1, PARTS);
    const int64_t rows = p->src.shape[0];

    for (int w = 0; w < WORKERS; w++)
        fine(dc_correlation_state_new(p, &worker[w]));
    for (int64_t i = 1; i < parts; i++)
        cut[i] =
            dct_chance(rng, 40) ? dct_below(rng, rows + 1) / 256 * 256 : dct_below(rng, rows + 1);
    cut[parts] = rows;
    for (int64_t i = 1; i < parts; i++) /* ascending */
        for (int64_t k = i; k > 1 && cut[k] < cut[k - 1]; k--) {
            const int64_t other = cut[k];

            cut[k] = cut[k - 1];
            cut[k - 1] = other;
        }
    for (int64_t done = 0, i = dct_below(rng, parts); done < parts; done++, i = (i + 1) % parts) {
        dc_array part = p->src;

        part.offset += cut[i] * part.stride[0];
        part.shape[0] = cut[i + 1] - cut[i];
        fine(dc_correlation_state_update(worker[dct_below(rng, WORKERS)], f->queue, &part, cut[i]));
    }
    for (int w = 1; w < WORKERS; w++) {
        fine(dc_correlation_state_merge(worker[0], worker[w]));
        dc_correlation_state_free(worker[w]);
    }
    return worker[0];
}

static void cuts_make_no_difference(void **state)
{
    fixture *const f = *state;
    static double want[COLUMNS * COLUMNS], got[COLUMNS * COLUMNS], mean[COLUMNS], means[COLUMNS];
    const int64_t square[2] = {COLUMNS, COLUMNS};
    dct_rng rng = dct_stream(61, 0);

    for (int round = 0; round < CASES; round++) {
        const int32_t dtype = round % 2 ? DC_F32 : DC_F64;
        const int64_t shape[2] = {dct_range(&rng, 1, dct_chance(&rng, 50) ? ROWS : 600), COLUMNS};
        dc_correlation_params p = DC_CORRELATION_PARAMS_INIT;
        dc_correlation_state *made;
        dc_array dst, dst2;

        fill(&rng, shape[0]);
        p.kind = dct_chance(&rng, 50) ? DC_CORRELATION_COVARIANCE : DC_CORRELATION_PEARSON;
        p.inf = dct_chance(&rng, 50);
        p.ddof = dct_range(&rng, 0, 2);
        p.min_periods = dct_range(&rng, 0, 5);
        p.anchor = (dc_doubles){anchors, COLUMNS};
        p.src = dc_array_host(dtype == DC_F32 ? (void *)narrow : (void *)values, dtype, 2, shape);
        p.dst = dc_array_host(want, dtype, 2, square);
        dst = dc_array_host(got, dtype, 2, square);
        dst2 = dc_array_host(means, dtype, 1, square);
        if (p.kind == DC_CORRELATION_COVARIANCE)
            p.dst2 = dc_array_host(mean, dtype, 1, square);
        fine(dc_correlation(f->queue, &p, NULL));
        made = by_parts(f, &rng, &p);
        assert_int_equal(dc_correlation_state_rows(made), shape[0]);
        memset(got, 1, sizeof got);
        fine(dc_correlation_state_result(made, f->queue, &dst, p.dst2.ndim ? &dst2 : NULL));
        assert_memory_equal(got, want, COLUMNS * COLUMNS * dc_dtype_bytes(dtype));
        if (p.dst2.ndim)
            assert_memory_equal(mean, means, COLUMNS * dc_dtype_bytes(dtype));
        dc_correlation_state_free(made);
    }
}

static dc_correlation_params usual(void)
{
    const int64_t shape[2] = {0, COLUMNS};
    dc_correlation_params p = DC_CORRELATION_PARAMS_INIT;

    p.kind = DC_CORRELATION_COVARIANCE;
    p.src = dc_array_host(values, DC_F64, 2, shape);
    p.anchor = (dc_doubles){anchors, COLUMNS};
    return p;
}

static void overlaps_are_refused(void **state)
{
    fixture *const f = *state;
    const int64_t shape[2] = {200, COLUMNS}, square[2] = {COLUMNS, COLUMNS};
    const dc_array part = dc_array_host(values, DC_F64, 2, shape);
    double before[COLUMNS * COLUMNS], after[COLUMNS * COLUMNS];
    const dc_array first = dc_array_host(before, DC_F64, 2, square);
    const dc_array second = dc_array_host(after, DC_F64, 2, square);
    dc_correlation_params p = usual();
    dc_correlation_state *a, *b;
    dct_rng rng = dct_stream(62, 0);

    fill(&rng, ROWS);
    fine(dc_correlation_state_new(&p, &a));
    fine(dc_correlation_state_new(&p, &b));
    fine(dc_correlation_state_update(a, f->queue, &part, 0));
    fine(dc_correlation_state_update(b, f->queue, &part, 200));
    fine(dc_correlation_state_result(a, f->queue, &first, NULL));
    refused(dc_correlation_state_update(a, f->queue, &part, 199), "overlap rows 0 ... 199");
    refused(dc_correlation_state_merge(a, a), "overlap");
    fine(dc_correlation_state_result(a, f->queue, &second, NULL));
    assert_memory_equal(before, after, sizeof before);
    fine(dc_correlation_state_merge(a, b));
    refused(dc_correlation_state_merge(a, b), "overlap");
    assert_int_equal(dc_correlation_state_rows(a), 400);
    dc_correlation_state_free(b);
    p.ddof = 0;
    fine(dc_correlation_state_new(&p, &b));
    refused(dc_correlation_state_merge(a, b), "differs");
    dc_correlation_state_free(a);
    dc_correlation_state_free(b);
    dc_correlation_state_free(NULL);
}

static void bad_calls(void **state)
{
    fixture *const f = *state;
    const int64_t shape[2] = {3, COLUMNS}, square[2] = {COLUMNS, COLUMNS};
    double out[COLUMNS * COLUMNS] = {0};
    const dc_array dst = dc_array_host(out, DC_F64, 2, square);
    const dc_array good = dc_array_host(values, DC_F64, 2, shape);
    dc_correlation_params p = usual();
    dc_correlation_state *s;
    dc_array part = good;

    p.kind = DC_CORRELATION_GRAM;
    refused(dc_correlation_state_new(&p, &s), "kind is 3");
    assert_null(s);
    p = usual();
    p.anchor.count = 0;
    refused(dc_correlation_state_new(&p, &s), "anchor must be given");
    p = usual();
    p.anchor.count = 2;
    refused(dc_correlation_state_new(&p, &s), "anchor has 2 numbers");
    p = usual();
    p.src.dtype = DC_I32;
    refused(dc_correlation_state_new(&p, &s), "dtype");
    p = usual();
    refused(dc_correlation_state_new(&p, NULL), "state is NULL");
    fine(dc_correlation_state_new(&p, &s));
    part.shape[1] = 4;
    refused(dc_correlation_state_update(s, f->queue, &part, 0), "chunk.shape[1] is 4, must be 5");
    refused(dc_correlation_state_update(s, f->queue, &good, -1), "first_row is -1");
    refused(dc_correlation_state_update(s, NULL, &good, 0), "queue is NULL");
    part = dc_array_host(narrow, DC_F32, 2, shape);
    refused(dc_correlation_state_update(s, f->queue, &part, 0), "chunk");
    assert_int_equal(dc_correlation_state_rows(s), 0);
    fine(dc_correlation_state_result(s, f->queue, &dst, NULL));
    assert_true(isnan(out[0]) && isnan(out[COLUMNS * COLUMNS - 1]));
    part = dst;
    part.shape[0] = 4;
    refused(dc_correlation_state_result(s, f->queue, &part, NULL), "dst.shape[0] is 4, must be 5");
    dc_correlation_state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_make_no_difference),
        cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(bad_calls),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

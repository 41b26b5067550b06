/* Kmeans on the baseline CPU against long double, and bad input.  tests/harness compares the
 * devices and the instruction sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { COUNT = 1000 };

static dc_context *context;
static dc_queue *queue;

static int open_library(void **state)
{
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    (void)state;
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(context, cpu, &params, &queue), DC_OK);
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static dc_kmeans_params scale_of(const void *src, void *dst, int32_t dtype, int64_t count)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;

    p.kind = DC_KMEANS_SCALE;
    p.src = dc_array_host(src, dtype, 1, &count);
    p.dst = dc_array_host(dst, dtype, 1, &count);
    return p;
}

/* Two roundings of half an ulp each: of the product and of the sum. */
static int agrees(long double a, long double b, long double x, long double got, long double ulp)
{
    const long double want = a * x + b;
    const long double allowed = (fabsl(a * x) + fabsl(want)) * ulp * 0.5000001L;

    return isnan(want) ? isnan(got) != 0 : fabsl(got - want) <= allowed;
}

static void against_long_double(void **state)
{
    static double x[COUNT], y[COUNT];
    static float x32[COUNT], y32[COUNT];
    dct_rng rng = dct_stream(31, 0);

    (void)state;
    for (int i = 0; i < COUNT; ++i) {
        x[i] = dct_chance(&rng, 5) ? (double)NAN : dct_bell(&rng) * 1e3;
        x32[i] = (float)x[i];
    }
    for (int round = 0; round < 20; ++round) {
        dc_kmeans_params p = scale_of(x, y, DC_F64, COUNT);
        dc_kmeans_params q = scale_of(x32, y32, DC_F32, COUNT);

        p.a = q.a = (double)(float)dct_bell(&rng);
        p.b = q.b = (double)(float)dct_bell(&rng);
        assert_int_equal(dc_kmeans(queue, &p, NULL), DC_OK);
        assert_int_equal(dc_kmeans(queue, &q, NULL), DC_OK);
        for (int i = 0; i < COUNT; ++i) {
            assert_true(agrees(p.a, p.b, x[i], y[i], DBL_EPSILON));
            assert_true(agrees(q.a, q.b, x32[i], y32[i], FLT_EPSILON));
        }
    }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    (void)state;
    assert_true(agrees(2, 1, 3, 7, DBL_EPSILON));
    assert_false(agrees(2, 1, 3, 7 + 16 * DBL_EPSILON, DBL_EPSILON));
    assert_false(agrees(2, 1, 3, (long double)NAN, DBL_EPSILON));
    assert_false(agrees(2, 1, (long double)NAN, 0, DBL_EPSILON));
}

static void refused(const dc_kmeans_params *p, const char *word)
{
    assert_int_equal(dc_kmeans(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    double x[4] = {1, 2, 3, 4}, y[4] = {9, 9, 9, 9};
    static const double untouched[4] = {9, 9, 9, 9};
    const dc_kmeans_params good = scale_of(x, y, DC_F64, 4);
    dc_kmeans_params p = good;

    (void)state;
    refused((p.kind = 7, &p), "kind is 7");
    p = good;
    refused((p.a = (double)NAN, &p), "a is");
    p = good;
    refused((p.b = (double)INFINITY, &p), "b is");
    p = good;
    refused((p.dst.shape[0] = 3, &p), "dst.shape[0] is 3, must be 4");
    p = good;
    refused((p.dst.dtype = DC_F32, &p), "dst has dtype");
    p = good;
    refused((p.src.data = NULL, &p), "src.data is NULL");
    p = good;
    refused((p.dst.data = x, &p), "overlaps");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    assert_memory_equal(y, untouched, sizeof y);
    p = good;
    p.src.shape[0] = p.dst.shape[0] = 0;
    assert_int_equal(dc_kmeans(queue, &p, NULL), DC_OK);
    assert_memory_equal(y, untouched, sizeof y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("kmeans", tests, open_library, close_library);
}

/* Reductions on the baseline CPU against long double, long series, corner cases and bad input.
 * tests/harness compares the devices and the instruction sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"
#include "tests/oracle/reduce_oracle.h"

enum { CASES = 600, MOST = 6000, LONG = 200000, ROOM = MOST * 48 };

static dc_context *context;
static dc_queue *queue;
static const double quantiles[] = {0.5, 0.0, 1.0, 0.1, 0.999};
static const double edges[] = {-1.5, -0.1, 0.1, 0.1, 2.0};

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

static int32_t result_dtype(const dc_reduce_params *p)
{
    if (p->kind == DC_REDUCE_ANY_FINITE || p->kind == DC_REDUCE_ALL_FINITE)
        return DC_U8;
    if (p->kind == DC_REDUCE_COUNT || p->kind == DC_REDUCE_ARGMIN || p->kind == DC_REDUCE_ARGMAX ||
        p->kind == DC_REDUCE_HISTOGRAM)
        return DC_I64;
    return p->src.dtype;
}

static int64_t list_of(const dc_reduce_params *p)
{
    switch (p->kind) {
    case DC_REDUCE_QUANTILE:
        return p->q.count;
    case DC_REDUCE_HISTOGRAM:
        return p->edges.count ? p->edges.count - 1 : p->bins;
    case DC_REDUCE_TOP_K:
        return p->k;
    default:
        return p->kind == DC_REDUCE_MOMENTS ? 3 : p->kind == DC_REDUCE_EXTENT ? 2 : 0;
    }
}

/* Dense results at `memory`, and rows of the best at `rows`. */
static void give_results(dc_reduce_params *p, void *memory, void *rows)
{
    int64_t shape[DC_MAX_NDIM];
    int32_t n = 0;

    if (list_of(p))
        shape[n++] = list_of(p);
    for (int32_t d = 0; d < p->src.ndim; ++d)
        if (!(p->axes >> d & 1))
            shape[n++] = p->src.shape[d];
    if (n == 0)
        shape[n++] = 1;
    p->dst = dc_array_host(memory, result_dtype(p), n, shape);
    memset(&p->dst2, 0, sizeof p->dst2);
    if (p->kind == DC_REDUCE_TOP_K && rows)
        p->dst2 = dc_array_host(rows, DC_I64, n, shape);
}

static long double result_at(const dc_array *dst, int64_t at)
{
    switch (dst->dtype) {
    case DC_F32:
        return ((const float *)dst->data)[at];
    case DC_F64:
        return ((const double *)dst->data)[at];
    case DC_U8:
        return ((const uint8_t *)dst->data)[at];
    default:
        return (long double)((const int64_t *)dst->data)[at];
    }
}

/* Every result against the oracle; `room` for the rows of one. */
static void compare(const dc_reduce_params *p, long double *room)
{
    const int64_t outs = dct_reduce_outs(p), list = list_of(p) ? list_of(p) : 1;
    dct_rows rows = {room, 0};

    for (int64_t o = 0; o < outs; ++o) {
        dct_reduce_rows(p, o, &rows);
        for (int64_t i = 0; i < list; ++i) {
            const long double got = result_at(&p->dst, i * outs + o);
            long double slack;
            int64_t row = -1;
            const long double want = dct_reduce_value(p, &rows, i, &slack, &row);

            if (isnan(want) ? !isnan(got) : !(got == want || fabsl(got - want) <= slack))
                fail_msg("kind %d, dtype %d, axes %d, nan %d, result %lld, number %lld of %lld "
                         "rows: %.21Lg, must be %.21Lg within %Lg",
                         (int)p->kind, (int)p->src.dtype, (int)p->axes, (int)p->nan, (long long)o,
                         (long long)i, (long long)rows.count, got, want, slack);
            if (got == 0 && p->dst.dtype <= DC_F64)
                assert_false(signbit(got));
            if (p->dst2.ndim)
                assert_int_equal(((const int64_t *)p->dst2.data)[i * outs + o], row);
        }
    }
}

static double draw_value(dct_rng *rng, int theme, int32_t dtype)
{
    switch (theme) {
    case 0:
        return dct_bell(rng);
    case 1:
        return (dtype == DC_F32 ? 1e4 : 1e12) + dct_bell(rng);
    case 2:
        return (double)dct_range(rng, -3, 3);
    case 3:
        return dct_chance(rng, 50) ? -0.0 : 0.0;
    case 4:
        return dct_bell(rng) + (dct_chance(rng, 1) ? 1e6 : 0);
    default:
        return 0.1;
    }
}

static void store(void *data, int32_t dtype, int64_t at, double x)
{
    if (dtype == DC_F32)
        ((float *)data)[at] = (float)x;
    else
        ((double *)data)[at] = x;
}

/* A view with any order of axes and signs over `data`, filled; may there be infinities? */
static int draw_input(dct_rng *rng, dc_reduce_params *p, void *data)
{
    static const int nans[] = {0, 0, 0, 5, 60, 100};
    static const int64_t first[] = {1, 2, 7, 16, 17, 40, 255, 256, 257, 600, 1000};
    const int theme = (int)dct_below(rng, 6), missing = nans[dct_below(rng, 6)];
    const int infinite = dct_chance(rng, 10) ? 3 : 0;
    const int32_t ndim = (int32_t)dct_range(rng, 1, 4),
                  dtype = dct_chance(rng, 50) ? DC_F32 : DC_F64;
    int64_t shape[4], left = MOST, n = 1, step = 1, low = 0;
    int32_t big = (int32_t)dct_below(rng, ndim);

    for (int32_t d = 0; d < ndim; ++d) {
        shape[d] = d == big ? first[dct_below(rng, 11)] : dct_range(rng, 1, 5);
        left /= shape[d];
        n *= shape[d];
    }
    p->src = dc_array_host(data, dtype, ndim, shape);
    if (dct_chance(rng, 30)) /* the first axis fastest */
        for (int32_t d = 0; d < ndim; ++d) {
            p->src.stride[d] = step;
            step *= shape[d];
        }
    for (int32_t d = 0; d < ndim; ++d)
        if (dct_chance(rng, 15)) {
            low += (shape[d] - 1) * p->src.stride[d];
            p->src.stride[d] = -p->src.stride[d];
        }
    p->src.offset = low;
    for (int64_t i = 0; i < n; ++i) {
        double x = draw_value(rng, theme, dtype);

        x = dct_chance(rng, infinite) ? (dct_chance(rng, 50) ? (double)INFINITY : -(double)INFINITY)
                                      : x;
        store(data, dtype, i, dct_chance(rng, missing) ? (double)NAN : x);
    }
    return infinite;
}

/* Infinite values make sums, moments and weights infinite or NaN: the oracle's slack says nothing
 * then. */
static int kind_weighs(int32_t kind)
{
    return kind == DC_REDUCE_SUM || kind == DC_REDUCE_MEAN || kind == DC_REDUCE_VAR ||
           kind == DC_REDUCE_STD || kind == DC_REDUCE_MOMENTS || kind == DC_REDUCE_QUANTILE ||
           kind == DC_REDUCE_MEDIAN;
}

static void against_long_double(void **state)
{
    double *data = malloc(sizeof(double) * MOST * 200), *out = malloc(ROOM * sizeof *out);
    long double *room = malloc(sizeof *room * MOST * 200);
    int64_t *index = malloc(ROOM * sizeof *index);

    (void)state;
    assert_true(data && out && room && index);
    for (int c = 0; c < CASES; ++c) {
        dct_rng rng = dct_stream(7, (uint64_t)c);
        dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
        const int infinite = draw_input(&rng, &p, data);

        for (p.kind = 0; p.kind <= DC_REDUCE_EXTENT; ++p.kind) {
            if (infinite && kind_weighs(p.kind))
                continue;
            p.axes = (int32_t)dct_range(&rng, 1, (1 << p.src.ndim) - 1);
            p.nan = dct_chance(&rng, 30);
            p.interpolation = (int32_t)dct_below(&rng, 5);
            p.ddof = dct_range(&rng, 0, 2);
            p.min_count = dct_chance(&rng, 70) ? DC_DEFAULT : dct_range(&rng, 0, 9);
            p.largest = dct_chance(&rng, 50);
            p.k = dct_range(&rng, 1, 9);
            p.bins = dct_range(&rng, 1, 9);
            p.low = -1.5;
            p.high = 2;
            p.edges = (dc_doubles){edges, dct_chance(&rng, 50) ? 5 : 0};
            p.q = (dc_doubles){quantiles, dct_range(&rng, 1, 5)};
            give_results(&p, out, index);
            if (dc_reduce(queue, &p, NULL) != DC_OK)
                fail_msg("%s", dc_last_error());
            compare(&p, room);
        }
    }
    free(data);
    free(out);
    free(room);
    free(index);
}

/* Long series with offsets: the tree keeps what two passes in long double have. */
static void long_series(void **state)
{
    static const int32_t kinds[] = {DC_REDUCE_SUM,    DC_REDUCE_MEAN,     DC_REDUCE_VAR,
                                    DC_REDUCE_STD,    DC_REDUCE_MOMENTS,  DC_REDUCE_MEDIAN,
                                    DC_REDUCE_ARGMIN, DC_REDUCE_QUANTILE, DC_REDUCE_TOP_K};
    static const double offsets[] = {0, 1e4, 1e8, 1e12};
    double *data = malloc(sizeof(double) * LONG), out[64];
    long double *room = malloc(sizeof *room * LONG);

    (void)state;
    assert_true(data && room);
    for (int c = 0; c < 8; ++c) {
        dct_rng rng = dct_stream(8, (uint64_t)c);
        dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
        const int32_t dtype = c & 1 ? DC_F64 : DC_F32;
        const double offset = dtype == DC_F32 && c > 3 ? 100.0 : offsets[c / 2];

        for (int64_t i = 0; i < LONG; ++i)
            store(data, dtype, i, offset + dct_bell(&rng));
        if (c == 7) /* a spike where a block begins */
            store(data, dtype, LONG / DC_MAX_NDIM, 1e9);
        p.src = dc_array_host(data, dtype, 1, (int64_t[]){LONG});
        p.q = (dc_doubles){quantiles, 5};
        p.k = 7;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
            p.kind = kinds[k];
            give_results(&p, out, NULL);
            if (dc_reduce(queue, &p, NULL) != DC_OK)
                fail_msg("%s", dc_last_error());
            compare(&p, room);
        }
    }
    free(data);
    free(room);
}

static void constants_have_no_variance(void **state)
{
    static const double values[] = {0.1, 1e300, -3e-310, 12345.678};
    double data[1000], out = 1;
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;

    (void)state;
    p.kind = DC_REDUCE_VAR;
    for (int v = 0; v < 4; ++v)
        for (int64_t n = 2; n < 1000; n += 83) {
            for (int64_t i = 0; i < n; ++i)
                data[i] = values[v];
            p.src = dc_array_host(data, DC_F64, 1, &n);
            give_results(&p, &out, NULL);
            assert_int_equal(dc_reduce(queue, &p, NULL), DC_OK);
            if (v != 1)
                assert_true(out == 0.0);
        }
}

static void nothing_to_reduce(void **state)
{
    static const double want[] = {0, 0, NAN, NAN, NAN, NAN, NAN, -1, -1,
                                  0, 1, NAN, NAN, 0,   NAN, 0,   NAN};
    double out[64];

    (void)state;
    for (int32_t kind = 0; kind <= DC_REDUCE_EXTENT; ++kind) {
        dc_reduce_params p = DC_REDUCE_PARAMS_INIT;

        p.kind = kind;
        p.src = dc_array_host(NULL, DC_F64, 2, (int64_t[]){0, 3});
        p.q = (dc_doubles){quantiles, 1};
        p.high = 1;
        give_results(&p, out, NULL);
        if (dc_reduce(queue, &p, NULL) != DC_OK)
            fail_msg("%s", dc_last_error());
        for (int64_t o = 0; o < 3; ++o) {
            const long double got = result_at(&p.dst, o);

            assert_true(isnan(want[kind]) ? isnan(got) : got == (long double)want[kind]);
        }
        p.src = dc_array_host(NULL, DC_F64, 2, (int64_t[]){3, 0}); /* no results */
        give_results(&p, out, NULL);
        assert_int_equal(dc_reduce(queue, &p, NULL), DC_OK);
    }
}

static void refuse(dc_reduce_params p, const char *word)
{
    if (dc_reduce(queue, &p, NULL) != DC_E_ARGUMENT)
        fail_msg("accepted: %s", word);
    if (!strstr(dc_last_error(), word))
        fail_msg("'%s' does not tell of %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    double data[6] = {1, 2, 3, 4, 5, 6}, out[64] = {42};
    int64_t rows[8];
    dc_reduce_params good = DC_REDUCE_PARAMS_INIT, p;

    (void)state;
    good.src = dc_array_host(data, DC_F64, 2, (int64_t[]){2, 3});
    good.kind = DC_REDUCE_QUANTILE;
    good.q = (dc_doubles){quantiles, 2};
    give_results(&good, out, NULL);
#define REFUSED(change, word)                                                                      \
    p = good;                                                                                      \
    change;                                                                                        \
    refuse(p, word)
    REFUSED(p.kind = 17, "kind is 17");
    REFUSED(p.axes = 4, "axes is 4");
    REFUSED(p.axes = -1, "axes is -1");
    REFUSED(p.nan = 2, "nan is 2");
    REFUSED(p.interpolation = 5, "interpolation is 5");
    REFUSED(p.largest = 2, "largest is 2");
    REFUSED(p.ddof = -1, "ddof is -1");
    REFUSED(p.min_count = -1, "min_count is -1");
    REFUSED(p.q.count = 0, "q has 0 values");
    REFUSED((p.q = (dc_doubles){edges, 1}), "q[0] is -1.5");
    REFUSED(p.dst.shape[0] = 3, "dst.shape[0] is 3");
    REFUSED(p.dst.ndim = 1, "dst has 1 axes");
    REFUSED(p.dst.dtype = DC_I64, "dst has dtype");
    REFUSED(p.src.dtype = DC_I32, "src has dtype");
    REFUSED(p.dst.data = data, "overlaps src");
    good.kind = DC_REDUCE_HISTOGRAM;
    give_results(&good, out, NULL);
    REFUSED(p.bins = 0, "bins is 0");
    REFUSED(p.high = 0, "high is 0");
    REFUSED(p.low = NAN, "low is");
    REFUSED((p.edges = (dc_doubles){quantiles, 2}), "edges[1] is 0");
    REFUSED((p.edges = (dc_doubles){quantiles, 1}), "edges has 1");
    good.kind = DC_REDUCE_TOP_K;
    give_results(&good, out, rows);
    REFUSED(p.k = 0, "k is 0");
    REFUSED(p.dst2.dtype = DC_F64, "dst2 has dtype");
    REFUSED(p.dst2.data = out, "dst2 overlaps dst");
#undef REFUSED
    assert_true(out[0] == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(long_series),
        cmocka_unit_test(constants_have_no_variance),
        cmocka_unit_test(nothing_to_reduce),
        cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, open_library, close_library);
}

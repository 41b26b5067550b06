/* Smoothing on the baseline CPU against long double, what it promises, and bad input.
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

enum { ROOM = 6000, AXES = 3 };

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

/* ---- the oracle: one result at a time, by its definition --------------------------------------
 */

static long double value(const dc_array *x, int64_t at)
{
    return x->dtype == DC_F32 ? (long double)((const float *)x->data)[at]
                              : (long double)((const double *)x->data)[at];
}

/* Element of row-major place i, digit d of it replaced by `digit`. */
static int64_t with_digit(const dc_array *x, int64_t i, int32_t d, int64_t digit)
{
    int64_t step = 1;

    for (int32_t k = x->ndim - 1; k > d; --k)
        step *= x->shape[k];
    return i + (digit - i / step % x->shape[d]) * step;
}

static int64_t digit_of(const dc_array *x, int64_t i, int32_t d)
{
    return (i - with_digit(x, i, d, 0)) / (x->shape[d] > 1 ? with_digit(x, 0, d, 1) : 1);
}

/* The value beyond the ends, step by step. */
static long double tap(const dc_smooth_params *p, int32_t d, int64_t i, int64_t place)
{
    const int64_t n = p->src.shape[d];

    while (place < 0 || place >= n) {
        if (p->edges == DC_EDGES_CONSTANT)
            return p->src.dtype == DC_F32 ? (long double)(float)p->value : (long double)p->value;
        if (p->edges == DC_EDGES_NEAREST)
            place = place < 0 ? 0 : n - 1;
        else if (p->edges == DC_EDGES_WRAP)
            place += place < 0 ? n : -n;
        else
            place = place < 0 ? -1 - place : 2 * n - 1 - place;
    }
    return value(&p->src, with_digit(&p->src, i, d, place));
}

/* *scale: what rounding is measured by. */
static long double filtered(const dc_smooth_params *p, int32_t d, int64_t i, long double *scale)
{
    const int64_t at = digit_of(&p->src, i, d);
    const int gaussian = p->kind == DC_SMOOTH_GAUSSIAN;
    const int64_t radius = (int64_t)floor(p->truncate * p->sigma + 0.5);
    const int64_t first = gaussian ? -radius : -(p->window / 2);
    const int64_t count = gaussian ? 2 * radius + 1 : p->window;
    long double sum = 0, weights = 0, size = 0;

    for (int64_t k = first; k < first + count; ++k) {
        const long double z = (long double)k / (long double)p->sigma;
        const long double w = gaussian ? expl(-z * z / 2) : 1, x = tap(p, d, i, at + k);

        sum += w * x;
        size += w * fabsl(x);
        weights += w;
    }
    *scale = size / weights;
    return sum / weights;
}

/* Does element j belong to the group of element i? */
static int same_group(const dc_array *x, int32_t axes, int64_t i, int64_t j)
{
    for (int32_t d = 0; d < x->ndim; ++d)
        if (!(axes >> d & 1) && digit_of(x, i, d) != digit_of(x, j, d))
            return 0;
    return 1;
}

/* Moments and extremes of the group of element i. */
typedef struct group {
    long double n, mean, std, low, high, size;
    int nan;
} group;

static group group_of(const dc_smooth_params *p, int32_t axes, int64_t i)
{
    const int64_t count = dc_array_elements(&p->src);
    group g = {.low = INFINITY, .high = -INFINITY};

    for (int64_t j = 0; j < count; ++j)
        if (same_group(&p->src, axes, i, j)) {
            const long double x = value(&p->src, j);

            if (isnan(x)) {
                g.nan = 1;
                continue;
            }
            g.n += 1;
            g.mean += x;
            g.size = fmaxl(g.size, fabsl(x));
            g.low = fminl(g.low, x);
            g.high = fmaxl(g.high, x);
        }
    g.mean /= g.n;
    for (int64_t j = 0; j < count; ++j)
        if (same_group(&p->src, axes, i, j) && !isnan(value(&p->src, j)))
            g.std += (value(&p->src, j) - g.mean) * (value(&p->src, j) - g.mean);
    g.std = g.n > p->ddof ? sqrtl(g.std / (g.n - p->ddof)) : (long double)NAN;
    if (g.nan && !p->omit_nan)
        g.mean = g.std = g.low = (long double)NAN;
    return g;
}

static long double expected(const dc_smooth_params *p, int32_t axes, int32_t d, int64_t i,
                            long double *scale)
{
    const long double x = value(&p->src, i);
    group g;

    if (p->kind == DC_SMOOTH_MOVING || p->kind == DC_SMOOTH_GAUSSIAN)
        return filtered(p, d, i, scale);
    g = group_of(p, axes, i);
    if (p->kind == DC_SMOOTH_MEAN) {
        *scale = g.size;
        return x * (1 - (long double)p->blend) + (long double)p->blend * g.mean;
    }
    if (p->kind == DC_SMOOTH_MINMAX) {
        *scale = 1;
        return g.high == g.low ? 0 * x : (x - g.low) / (g.high - g.low);
    }
    /* The mean is off by a few units of the values' size. */
    *scale = g.std == 0 ? 0 : fabsl(x - g.mean) / g.std + g.size / g.std;
    return g.std == 0 ? 0 * x : (x - g.mean) / g.std;
}

static int agrees(long double want, long double got, long double scale, int32_t dtype)
{
    const long double ulp = dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON;

    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return fabsl(want - got) <= 12 * ulp * (scale + fabsl(want));
}

/* ---- cases ------------------------------------------------------------------------------------
 */

typedef struct arrays {
    double x[ROOM], y[ROOM];
    float x32[ROOM], y32[ROOM];
} arrays;

static void fill(arrays *a, int64_t count, dct_rng *rng, int missing)
{
    const double offset = dct_chance(rng, 30) ? 100.0 : 0.0;

    for (int64_t i = 0; i < count; ++i) {
        a->x32[i] = (float)(dct_chance(rng, missing) ? (double)NAN : dct_bell(rng) + offset);
        a->x[i] = (double)a->x32[i];
    }
}

static dc_smooth_params params_of(const arrays *a, int32_t dtype, int32_t kind, int32_t ndim,
                                  const int64_t *shape)
{
    dc_smooth_params p = DC_SMOOTH_PARAMS_INIT;

    p.kind = kind;
    p.src = dc_array_host(dtype == DC_F32 ? (const void *)a->x32 : a->x, dtype, ndim, shape);
    p.dst = dc_array_host(dtype == DC_F32 ? (const void *)a->y32 : a->y, dtype, ndim, shape);
    return p;
}

static void smooth(const dc_smooth_params *p)
{
    if (dc_smooth(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

static void draw(dct_rng *rng, dc_smooth_params *p)
{
    static const double sigma[] = {0.4, 1.0, 2.5};

    p->window = dct_range(rng, 1, 40);
    p->sigma = sigma[dct_below(rng, 3)];
    p->edges = (int32_t)dct_below(rng, 4);
    p->value = 0.75;
    p->blend = 0.125 * (double)dct_below(rng, 9);
    p->ddof = (int32_t)dct_below(rng, 3);
    p->omit_nan = (int32_t)dct_below(rng, 2);
    p->axes = (int32_t)dct_below(rng, 1 << AXES);
    p->axis = (int32_t)dct_range(rng, -AXES, AXES - 1);
}

static void compare(const dc_smooth_params *p, dct_rng *rng, int64_t count)
{
    const int32_t d = p->axis < 0 ? p->axis + AXES : p->axis;
    const int several = p->kind == DC_SMOOTH_STANDARDIZE || p->kind == DC_SMOOTH_MINMAX;

    for (int n = 0; n < 12 && count > 0; ++n) {
        const int64_t i = n < 2 ? n * (count - 1) : dct_below(rng, count);
        long double scale, got = value(&p->dst, i);
        const long double want = expected(p, several && p->axes ? p->axes : 1 << d, d, i, &scale);

        if (!agrees(want, got, scale, p->src.dtype))
            fail_msg(
                "kind %d, %lld x %lld x %lld, axis %d, axes %d, window %lld, edges %d: element "
                "%lld is %.17Lg, expected %.17Lg",
                (int)p->kind, (long long)p->src.shape[0], (long long)p->src.shape[1],
                (long long)p->src.shape[2], (int)d, (int)p->axes, (long long)p->window,
                (int)p->edges, (long long)i, got, want);
    }
}

static void against_long_double(void **state)
{
    static arrays a;
    dct_rng rng = dct_stream(41, 0);

    (void)state;
    for (int n = 0; n < 500; ++n) {
        const int64_t shape[AXES] = {dct_range(&rng, 1, n % 50 ? 9 : 700), dct_range(&rng, 1, 8),
                                     dct_range(&rng, 1, n % 49 ? 60 : 700) / (n % 50 ? 1 : 70) + 1};
        const int64_t count = shape[0] * shape[1] * shape[2];

        if (count > ROOM)
            continue;
        fill(&a, count, &rng, n % 3 ? 0 : 10);
        for (int dtype = DC_F32; dtype <= DC_F64; ++dtype) {
            dc_smooth_params p = params_of(&a, dtype, n % 5, AXES, shape);

            draw(&rng, &p);
            smooth(&p);
            compare(&p, &rng, count);
        }
    }
}

/* ---- what is promised -------------------------------------------------------------------------
 */

/* Equal values give 0, whatever they are; an offset of 10^8 leaves z-scores as they are. */
static void constants_and_offsets(void **state)
{
    static arrays a;
    const int64_t n = 1000;
    dc_smooth_params p = params_of(&a, DC_F64, DC_SMOOTH_STANDARDIZE, 1, &n);
    double plain[1000];

    (void)state;
    for (int i = 0; i < n; ++i)
        a.x[i] = 0.1;
    smooth(&p);
    for (int i = 0; i < n; ++i)
        assert_true(a.y[i] == 0);
    for (int i = 0; i < n; ++i)
        a.x[i] = (double)(i * 37 % 101);
    smooth(&p);
    memcpy(plain, a.y, sizeof plain);
    for (int i = 0; i < n; ++i)
        a.x[i] += 0x1p40;
    smooth(&p);
    for (int i = 0; i < n; ++i)
        assert_true(fabs(a.y[i] - plain[i]) < 1e-13);
}

/* A spike that has left the window leaves no trace. */
static void no_trace(void **state)
{
    static arrays a;
    const int64_t n = 300;
    dc_smooth_params p = params_of(&a, DC_F64, DC_SMOOTH_MOVING, 1, &n);
    double before[300];

    (void)state;
    for (int i = 0; i < n; ++i)
        a.x[i] = (double)i;
    for (p.window = 3; p.window < 40; p.window += 12) {
        a.x[100] = 100;
        smooth(&p);
        memcpy(before, a.y, sizeof before);
        a.x[100] = 1e300;
        smooth(&p);
        for (int i = 0; i < n; ++i)
            if (i - p.window / 2 + p.window <= 100 || i - p.window / 2 > 100)
                assert_memory_equal(&a.y[i], &before[i], sizeof(double));
            else
                assert_true(a.y[i] > 1e290);
    }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    (void)state;
    assert_true(agrees(1, 1 + 20 * DBL_EPSILON, 1, DC_F64));
    assert_false(agrees(1, 1 + 40 * DBL_EPSILON, 1, DC_F64));
    assert_false(agrees(1, (long double)NAN, 1, DC_F64));
    assert_false(agrees((long double)NAN, 0, 1, DC_F32));
}

/* ---- bad input --------------------------------------------------------------------------------
 */

static void refused(const dc_smooth_params *p, const char *word)
{
    assert_int_equal(dc_smooth(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_scalars(const dc_smooth_params *good)
{
    dc_smooth_params p = *good;

    refused((p.window = 0, &p), "window is 0, must be 1 to 1048576");
    p = *good;
    refused((p.edges = 4, &p), "edges is 4, must be 0 to 3");
    p = *good;
    refused((p.axis = 1, &p), "axis is 1, must be -1 to 0 for 1 axes");
    p.kind = DC_SMOOTH_GAUSSIAN;
    p.axis = 0;
    refused((p.sigma = 0, &p), "sigma is 0, must be finite and above 0");
    refused((p.sigma = (double)NAN, &p), "sigma is");
    refused((p.sigma = 1e9, &p), "truncate * sigma is 4e+09, must be below");
    p.sigma = 1;
    refused((p.truncate = -1, &p), "truncate is -1");
    p.kind = DC_SMOOTH_MEAN;
    refused((p.blend = 1.5, &p), "blend is 1.5, must be 0 to 1");
    p.kind = DC_SMOOTH_STANDARDIZE;
    refused((p.ddof = -1, &p), "ddof is -1, must be at least 0");
    p.ddof = 0;
    refused((p.axes = 2, &p), "axes is 2, must be 0 to 1");
    refused((p.axes = 0, p.omit_nan = 2, &p), "omit_nan is 2");
}

static void bad_input(void **state)
{
    double x[4] = {1, 2, 3, 4}, y[4] = {9, 9, 9, 9};
    static const double untouched[4] = {9, 9, 9, 9};
    const int64_t n = 4;
    dc_smooth_params good = DC_SMOOTH_PARAMS_INIT, p;

    (void)state;
    good.kind = DC_SMOOTH_MOVING;
    good.src = dc_array_host(x, DC_F64, 1, &n);
    good.dst = dc_array_host(y, DC_F64, 1, &n);
    bad_scalars(&good);
    p = good;
    refused((p.kind = 7, &p), "kind is 7");
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
    smooth(&p);
    assert_memory_equal(y, untouched, sizeof y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(constants_and_offsets),
        cmocka_unit_test(no_trace),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("smooth", tests, open_library, close_library);
}

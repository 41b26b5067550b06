/* Interpolation on the baseline CPU against long double, and bad input.  tests/harness compares the
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

enum { MOST = 30, ROOM = 2 * MOST * MOST };

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

/* ---- the oracle: look at every cell ------------------------------------------------------------
 */

/* Share of each place of an axis in what lies at x; all 0: outside. */
static void shares(const double *from, int64_t n, double x, double period, double max_gap,
                   int nearest, long double *share)
{
    int64_t best = 0;

    memset(share, 0, MOST * sizeof *share);
    for (int turn = -200; turn <= 200; ++turn) {
        const long double at = (long double)x + (long double)turn * (long double)period;

        if (turn != 0 && period == 0)
            continue;
        for (int64_t i = 0; i < n; ++i)
            if (at == (long double)from[i]) {
                share[i] = 1;
                return;
            }
        for (int64_t i = 0; i < (period > 0 ? n : n - 1); ++i) {
            const int64_t next = (i + 1) % n, falls = n > 1 && from[1] < from[0];
            const long double a = from[i];
            const long double b =
                i + 1 < n ? (long double)from[next]
                          : (long double)from[0] + (falls ? -1 : 1) * (long double)period;
            const long double part = (at - a) / (b - a);

            if (part > 0 && part < 1 && fabsl(b - a) <= (long double)max_gap) {
                share[i] += 1 - part;
                share[next] += part;
                return;
            }
            if (part > 0 && part < 1)
                return;
        }
    }
    for (int64_t i = 1; i < n; ++i)
        if (fabs(from[i] - x) < fabs(from[best] - x))
            best = i;
    if (nearest && n > 0)
        share[best] = 1;
}

static long double value(const dc_array *a, int64_t i)
{
    return a->dtype == DC_F32 ? (long double)((const float *)a->data)[i]
                              : (long double)((const double *)a->data)[i];
}

static long double expected(const dc_regrid_params *p, int64_t i, int64_t j, int64_t map)
{
    const int64_t rows = p->src.shape[1], columns = p->src.shape[2];
    long double lat[MOST], lon[MOST], sum = 0, weights = 0;
    int missing = 0;

    shares(p->src_lat, rows, p->dst_lat[i], 0, INFINITY, p->outside, lat);
    shares(p->src_lon, columns, p->dst_lon[j], p->period, INFINITY, p->outside, lon);
    for (int64_t a = 0; a < rows; ++a)
        for (int64_t b = 0; b < columns; ++b) {
            const long double x = value(&p->src, (map * rows + a) * columns + b);

            if (lat[a] * lon[b] == 0)
                continue;
            if (isnan(x)) {
                missing = 1;
                continue;
            }
            sum += lat[a] * lon[b] * x;
            weights += lat[a] * lon[b];
        }
    return weights == 0 || (missing && !p->omit_nan) ? (long double)NAN : sum / weights;
}

static int agrees(long double want, long double got, int32_t dtype)
{
    const long double ulp = dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON;

    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return fabsl(want - got) <= 16 * ulp * (4 + fabsl(want));
}

/* ---- cases ------------------------------------------------------------------------------------
 */

typedef struct arrays {
    double x[ROOM], y[ROOM], from[2][MOST], to[2][MOST];
    float x32[ROOM], y32[ROOM];
    int64_t in[3], out[3];
} arrays;

static void draw_axis(dct_rng *rng, double *from, int64_t n, double *to, int64_t count, int falls)
{
    double at = dct_bell(rng);

    for (int64_t i = 0; i < n; ++i) {
        from[i] = falls ? -at : at;
        at += 0.25 + dct_unit(rng);
    }
    for (int64_t i = 0; i < count; ++i)
        to[i] = from[dct_below(rng, n)] + (dct_chance(rng, 30) ? 0 : dct_bell(rng));
}

static void draw(arrays *a, dct_rng *rng, int missing)
{
    a->in[0] = a->out[0] = 2;
    for (int d = 0; d < 2; ++d) {
        a->in[d + 1] = dct_range(rng, 1, MOST);
        a->out[d + 1] = dct_range(rng, 1, MOST);
        draw_axis(rng, a->from[d], a->in[d + 1], a->to[d], a->out[d + 1], dct_chance(rng, 50));
    }
    for (int64_t i = 0; i < 2 * a->in[1] * a->in[2]; ++i) {
        a->x32[i] = (float)(dct_chance(rng, missing) ? (double)NAN : dct_bell(rng));
        a->x[i] = (double)a->x32[i];
    }
}

static dc_regrid_params params_of(const arrays *a, int32_t dtype)
{
    dc_regrid_params p = DC_REGRID_PARAMS_INIT;

    p.kind = DC_REGRID_BILINEAR;
    p.src = dc_array_host(dtype == DC_F32 ? (const void *)a->x32 : a->x, dtype, 3, a->in);
    p.dst = dc_array_host(dtype == DC_F32 ? (const void *)a->y32 : a->y, dtype, 3, a->out);
    p.src_lat = a->from[0];
    p.src_lon = a->from[1];
    p.dst_lat = a->to[0];
    p.dst_lon = a->to[1];
    return p;
}

static void regrid(const dc_regrid_params *p)
{
    if (dc_regrid(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

static void maps(void **state)
{
    static arrays a;
    dct_rng rng = dct_stream(61, 0);

    (void)state;
    for (int n = 0; n < 300; ++n) {
        dc_regrid_params p;

        draw(&a, &rng, n % 3 ? 0 : 15);
        p = params_of(&a, n % 2 ? DC_F64 : DC_F32);
        p.outside = n / 2 % 2;
        p.omit_nan = n / 4 % 2;
        p.period = n % 5 ? 0 : 64;
        regrid(&p);
        for (int k = 0; k < 20; ++k) {
            const int64_t i = dct_below(&rng, a.out[1]), j = dct_below(&rng, a.out[2]), map = k % 2;
            const long double got = value(&p.dst, (map * a.out[1] + i) * a.out[2] + j);
            const long double want = expected(&p, i, j, map);

            if (!agrees(want, got, p.src.dtype))
                fail_msg("case %d: %.17Lg at (%lld, %lld), expected %.17Lg", n, got, (long long)i,
                         (long long)j, want);
        }
    }
}

static void rows(void **state)
{
    static arrays a;
    dct_rng rng = dct_stream(62, 0);

    (void)state;
    for (int n = 0; n < 300; ++n) {
        int64_t in[2], out[2];
        dc_regrid_params p = DC_REGRID_PARAMS_INIT;

        draw(&a, &rng, n % 3 ? 0 : 15);
        in[0] = a.in[1];
        out[0] = a.out[1];
        in[1] = out[1] = dct_range(&rng, 1, MOST);
        draw_axis(&rng, a.from[0], in[0], a.to[0], out[0], 0);
        p.kind = DC_REGRID_RESAMPLE;
        p.src = dc_array_host(a.x, DC_F64, 2, in);
        p.dst = dc_array_host(a.y, DC_F64, 2, out);
        for (int64_t i = 0; i < in[0] * in[1]; ++i)
            a.x[i] = dct_chance(&rng, n % 3 ? 0 : 15) ? (double)NAN : dct_bell(&rng);
        p.times = a.from[0];
        p.at = n % 4 ? a.to[0] : NULL;
        p.start = a.from[0][0] - 0.5;
        p.step = 0.5;
        p.max_gap = n % 2 ? DC_REGRID_NO_GAP : 0.75;
        regrid(&p);
        for (int64_t i = 0; i < out[0]; ++i) {
            const double x = p.at ? p.at[i] : p.start + (double)i * p.step;
            long double share[MOST], want = 0, all = 0;
            const int64_t column = i % in[1];

            shares(p.times, in[0], x, 0, p.max_gap, 0, share);
            for (int64_t k = 0; k < in[0]; ++k)
                if (share[k] != 0) {
                    want += share[k] * value(&p.src, k * in[1] + column);
                    all += share[k];
                }
            want = all == 0 ? (long double)NAN : want;
            assert_true(agrees(want, value(&p.dst, i * in[1] + column), DC_F64));
        }
    }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    (void)state;
    assert_true(agrees(1, 1 + 8 * DBL_EPSILON, DC_F64));
    assert_false(agrees(1, 1 + 100 * DBL_EPSILON, DC_F64));
    assert_false(agrees(1, (long double)NAN, DC_F64));
    assert_false(agrees((long double)NAN, 1, DC_F64));
}

/* ---- bad input --------------------------------------------------------------------------------
 */

static void refused(const dc_regrid_params *p, const char *word)
{
    assert_int_equal(dc_regrid(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_rows(void)
{
    static const double times[] = {0, 1, 1, 2}, good_times[] = {0, 1, 2, 3};
    static const double x[4] = {1, 2, 3, 4};
    double y[3] = {9, 9, 9};
    const int64_t n = 4, m = 3;
    dc_regrid_params p = DC_REGRID_PARAMS_INIT;

    p.kind = DC_REGRID_RESAMPLE;
    p.src = dc_array_host(x, DC_F64, 1, &n);
    p.dst = dc_array_host(y, DC_F64, 1, &m);
    refused(&p, "times is NULL");
    refused((p.times = times, &p), "times[2] is 1 after 1, must be greater");
    p.times = good_times;
    refused((p.max_gap = 0, &p), "max_gap is 0, must be above 0");
    p.max_gap = 1;
    refused((p.step = (double)NAN, &p), "step");
    p.at = (const double[]){0, (double)INFINITY, 1};
    refused(&p, "at[1] is inf, must be finite");
    assert_true(y[0] == 9 && y[1] == 9 && y[2] == 9);
}

static void bad_input(void **state)
{
    static arrays a;
    dct_rng rng = dct_stream(63, 0);
    dc_regrid_params good, p;

    (void)state;
    do
        draw(&a, &rng, 0);
    while (a.in[1] < 4 || a.in[2] < 4);
    good = params_of(&a, DC_F64);
    p = good;
    refused((p.kind = 7, &p), "kind is 7");
    p = good;
    refused((p.src_lat = NULL, &p), "src_lat is NULL");
    p = good;
    p.src_lat = (const double[MOST]){0, 1, 2, 1.5};
    refused(&p, "src_lat[3] is 1.5 after 2, must be greater, as before");
    p = good;
    refused((p.period = 0.5, &p), "period is 0.5, must be 0 or finite and above the span");
    p = good;
    refused((p.outside = 2, &p), "outside is 2");
    p = good;
    refused((p.dst.shape[0] = 3, &p), "dst.shape[0] is 3, must be 2");
    p = good;
    refused((p.src.ndim = 1, &p), "src has 1 axis");
    p = good;
    refused((p.dst.data = a.x, &p), "overlaps");
    bad_rows();
    p = good;
    p.dst.shape[1] = 0;
    regrid(&p);
    p = good;
    p.src.shape[1] = 0; /* nothing to interpolate between */
    regrid(&p);
    assert_true(isnan(a.y[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps),
        cmocka_unit_test(rows),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("regrid", tests, open_library, close_library);
}

/* Rolling statistics on the baseline CPU against the long-double oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"
#include "tests/oracle/npy.h"
#include "tests/oracle/published.h"
#include "tests/oracle/rolling_oracle.h"

enum { KINDS = 9, LONGEST = 30000 };

/* What var and std may be off from two passes in long double, units in the last place: on the named
 * public cases, on windows of an offset series and on those that a spike has left (what is
 * promised); on hard series of other kinds, the spike inside the window among them; and on anything
 * that random numbers and sensors come up with. */
#define NAMED_ULPS 4.0
#define HARD_ULPS  6.0
#define ANY_ULPS   8.0

static const char *const kind_name[KINDS] = {"count", "sum", "mean",   "var",     "std",
                                             "min",   "max", "median", "quantile"};

typedef struct bench {
    dc_context *context;
    dc_queue *queue;
    int64_t compared;
    double worst_ulp; /* of var and std against two passes */
} bench;

static bench state_;

static int open_library(void **state)
{
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    params.policy = DC_POLICY_CPU;
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    assert_int_equal(dc_context_new(NULL, &state_.context), DC_OK);
    assert_int_equal(dc_device_find(state_.context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(state_.context, cpu, &params, &state_.queue), DC_OK);
    *state = &state_;
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    printf("oracle: %lld values compared, var and std at most %.3g ulp from two passes\n",
           (long long)state_.compared, state_.worst_ulp);
    dc_queue_free(state_.queue);
    dc_context_free(state_.context);
    return 0;
}

static int64_t outputs(const dc_rolling_params *p, int64_t rows)
{
    const int64_t last = p->row_last == DC_DEFAULT ? rows : p->row_last;
    return last > p->row_first ? (last - p->row_first + p->step - 1) / p->step : 0;
}

/* Run one series; float32 values go in and come out rounded.  `out` is widened. */
static void run(dc_rolling_params *p, int32_t dtype, const double *x, int64_t rows, double *out)
{
    const int64_t count = outputs(p, rows);
    float *narrow = malloc(((size_t)(rows + count) + 1) * sizeof *narrow);
    assert_non_null(narrow);
    for (int64_t i = 0; i < rows; i++)
        narrow[i] = (float)x[i];
    p->src = dc_array_host(dtype == DC_F32 ? (const void *)narrow : x, dtype, 1, &rows);
    p->dst = dc_array_host(dtype == DC_F32 ? (void *)(narrow + rows) : out, dtype, 1, &count);
    const dc_status status = dc_rolling(state_.queue, p, NULL);
    if (status != DC_OK)
        fail_msg("%s", dc_last_error());
    for (int64_t i = 0; i < count && dtype == DC_F32; i++)
        out[i] = (double)narrow[rows + i];
    free(narrow);
}

/* How many units in the last place a spread is off. */
static void note_ulp(const dc_rolling_params *p, long double error, long double allowed,
                     double ulps)
{
    if ((p->kind != DC_ROLLING_VAR && p->kind != DC_ROLLING_STD) || allowed <= 0.0L)
        return;
    const double ulp = (double)(error / allowed) * ulps;
    if (ulp > state_.worst_ulp)
        state_.worst_ulp = ulp;
}

/* Compare one call with the oracle; the text of the first difference, or NULL. */
static const char *differs(dc_rolling_params *p, int32_t dtype, const double *x, int64_t rows,
                           double ulps)
{
    static char text[512];
    const int64_t count = outputs(p, rows);
    double *in = malloc(((size_t)rows + 1) * sizeof *in);
    double *got = malloc(((size_t)count + 1) * sizeof *got);
    dct_expected *want = malloc(((size_t)count + 1) * sizeof *want);
    assert_true(in && got && want);
    for (int64_t i = 0; i < rows; i++)
        in[i] = dtype == DC_F32 ? (double)(float)x[i] : x[i];
    run(p, dtype, in, rows, got);
    assert_int_equal(dct_oracle_rolling(p, in, rows, want), count);
    const char *found = NULL;
    for (int64_t i = 0; i < count && !found; i++) {
        long double error, allowed;
        state_.compared++;
        const int fine = dct_oracle_agrees(p, &want[i], got[i], ulps, &error, &allowed);
        note_ulp(p, error, allowed, ulps);
        if (fine)
            continue;
        snprintf(text, sizeof text,
                 "%s %s, window %lld, min_periods %lld, center %d, expanding %d, step %lld, ddof "
                 "%lld, q %.17g, interpolation %d, inf %d: output %lld of %lld is %.17g, expected "
                 "%.20Lg, off by %.3Lg, allowed %.3Lg",
                 kind_name[p->kind], dtype == DC_F32 ? "float32" : "float64", (long long)p->window,
                 (long long)p->min_periods, p->center, p->expanding, (long long)p->step,
                 (long long)p->ddof, p->q, p->interpolation, p->inf, (long long)i, (long long)count,
                 got[i], want[i].value, error, allowed);
        found = text;
    }
    free(in);
    free(got);
    free(want);
    return found;
}

static dc_rolling_params of_kind(int32_t kind, int64_t window)
{
    dc_rolling_params p = DC_ROLLING_PARAMS_INIT;
    p.kind = kind;
    p.window = window;
    return p;
}

/* Every row and dtype on every published input. */
static void published_inputs(void **state)
{
    (void)state;
    for (int i = 0; i < DCT_PUBLISHED_COUNT; i++) {
        const dct_published *c = &published[i];
        for (int32_t kind = 0; kind < KINDS; kind++)
            for (int32_t dtype = DC_F32; dtype <= DC_F64; dtype++) {
                dc_rolling_params p = of_kind(kind, c->window);
                p.min_periods = c->min_periods;
                p.center = c->center;
                p.ddof = c->ddof;
                const char *text = differs(&p, dtype, c->x, c->n, NAMED_ULPS);
                if (text)
                    fail_msg("%s: %s", c->name, text);
            }
    }
}

/* The oracle itself against the published results, so that it cannot be wrong together with us. */
static void published_results(void **state)
{
    (void)state;
    for (int i = 0; i < DCT_PUBLISHED_COUNT; i++) {
        const dct_published *c = &published[i];
        if (c->want_kind < 0)
            continue;
        dct_expected want[DCT_PUBLISHED_MAX];
        dc_rolling_params p = of_kind(c->want_kind, c->window);
        p.min_periods = c->min_periods;
        p.center = c->center;
        p.ddof = c->ddof;
        p.src.dtype = DC_F64;
        assert_int_equal(dct_oracle_rolling(&p, c->x, c->n, want), c->n);
        const double value = (double)want[c->want_row].value;
        if (!(fabs(value - c->want) <= 1e-3 * fabs(c->want)))
            fail_msg("%s: the oracle says %.17g, published is %.17g", c->name, value, c->want);
    }
}

/* A series that is hard for a variance. */
typedef double (*series_fn)(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype);

static double offset_1e12(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)i;
    (void)rows;
    /* float32 keeps 24 bits: an offset of 1e12 spreads is beyond it, 1e5 is not. */
    return (dtype == DC_F32 ? 1e5 : 1e12) + dct_bell(rng);
}

#define SPIKE_ROW(rows) ((rows) / 10)

static double spike_1e9(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)dtype;
    return i == SPIKE_ROW(rows) ? 1e9 : dct_bell(rng);
}

static double uniform_1e8(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)i;
    (void)rows;
    (void)dtype;
    return 1e8 + dct_unit(rng);
}

static double outliers_1e12(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)i;
    (void)rows;
    (void)dtype;
    return dct_bell(rng) * (dct_chance(rng, 1) ? 1e12 : 1.0);
}

static double ramp_e30(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)dtype;
    return (1.0 + 0.1 * dct_unit(rng)) * exp(30.0 - 60.0 * (double)i / (double)rows);
}

static double near_constant(dct_rng *rng, int64_t i, int64_t rows, int32_t dtype)
{
    (void)i;
    (void)rows;
    return 1013.25 * (1.0 + (double)dct_below(rng, 4) * (dtype == DC_F32 ? 0x1p-23 : 0x1p-52));
}

enum { PROMISED_NONE, PROMISED_ALL, PROMISED_AFTER_SPIKE };

static const struct {
    const char *name;
    series_fn value;
    int promised; /* windows that are promised NAMED_ULPS */
} hard[] = {{"offset of 1e12 spreads", offset_1e12, PROMISED_ALL},
            {"after a spike of 1e9", spike_1e9, PROMISED_AFTER_SPIKE},
            {"uniform + 1e8", uniform_1e8, PROMISED_ALL},
            {"1 % outliers of 1e12", outliers_1e12, PROMISED_NONE},
            {"ramp from e^30 to e^-30", ramp_e30, PROMISED_NONE},
            {"near-constant", near_constant, PROMISED_ALL}};

enum { HARD_ROWS = 1500, HARD_SEEDS = 3 };

static void hard_case(size_t s, const double *x, int32_t dtype, int32_t kind, int64_t window)
{
    dc_rolling_params p = of_kind(kind, window);
    p.min_periods = 2;
    const double ulps = hard[s].promised == PROMISED_ALL ? NAMED_ULPS : HARD_ULPS;
    const char *text = differs(&p, dtype, x, HARD_ROWS, ulps);
    p.row_first = SPIKE_ROW(HARD_ROWS) + window;
    if (!text && hard[s].promised == PROMISED_AFTER_SPIKE && p.row_first < HARD_ROWS)
        text = differs(&p, dtype, x, HARD_ROWS, NAMED_ULPS);
    if (text)
        fail_msg("%s: %s", hard[s].name, text);
}

/* var and std within a few ulp of two passes in long double, where running updates lose all digits.
 */
static void hard_series(void **state)
{
    (void)state;
    static const int64_t window[] = {2, 3, 5, 7, 16, 20, 29, 50, 100, 255, 256, 1000};
    static double x[HARD_ROWS];
    for (size_t s = 0; s < sizeof hard / sizeof *hard; s++)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; dtype++)
            for (uint64_t seed = 0; seed < HARD_SEEDS; seed++) {
                dct_rng rng = dct_stream(2024 + seed, s);
                for (int64_t i = 0; i < HARD_ROWS; i++)
                    x[i] = hard[s].value(&rng, i, HARD_ROWS, dtype);
                for (size_t w = 0; w < sizeof window / sizeof *window; w++)
                    for (int32_t kind = DC_ROLLING_SUM; kind <= DC_ROLLING_STD; kind++)
                        hard_case(s, x, dtype, kind, window[w]);
            }
}

/* pandas #60053, #55343, #48950: a result must not depend on where the series starts. */
static void start_does_not_matter(void **state)
{
    (void)state;
    enum { ROWS = 400, TAIL = 150 };
    static double x[ROWS], whole[ROWS], tail[ROWS];
    dct_rng rng = dct_stream(60053, 0);
    for (int i = 0; i < ROWS; i++)
        x[i] = spike_1e9(&rng, i, ROWS, DC_F64);
    for (int32_t kind = 0; kind < KINDS; kind++)
        for (int start = 1; start < ROWS - TAIL; start += 7) {
            dc_rolling_params p = of_kind(kind, 50), q = p;
            run(&p, DC_F64, x, ROWS, whole);
            run(&q, DC_F64, x + start, ROWS - start, tail);
            const size_t from = 49;
            assert_memory_equal(whole + start + from, tail + from,
                                ((size_t)(ROWS - start) - from) * sizeof *tail);
        }
}

static double any_value(dct_rng *rng, int64_t pattern)
{
    switch (pattern) {
    case 0:
        return (double)dct_range(rng, -3, 3);
    case 1:
        return dct_chance(rng, 30) ? -0.0 : dct_bell(rng);
    case 2:
        return 1e6 + dct_bell(rng);
    case 3:
        return dct_bell(rng) * (dct_chance(rng, 5) ? 1e9 : 1.0);
    default:
        return dct_bell(rng);
    }
}

static void draw(dct_rng *rng, dc_rolling_params *p, int64_t rows)
{
    static const double usual[] = {0.0, 0.1, 0.25, 1.0 / 3.0, 0.5, 0.75, 0.9, 1.0};
    *p = of_kind((int32_t)dct_below(rng, KINDS), dct_range(rng, 1, rows + 5));
    p->expanding = dct_chance(rng, 15);
    p->center = !p->expanding && dct_chance(rng, 30);
    const int64_t most = p->expanding ? rows : p->window;
    p->min_periods = dct_chance(rng, 30) ? DC_DEFAULT : dct_range(rng, 0, most < 9 ? most : 9);
    p->step = dct_chance(rng, 70) ? 1 : dct_range(rng, 1, 7);
    p->ddof = dct_range(rng, 0, 3);
    p->inf = dct_chance(rng, 30) ? DC_INF_VALUE : DC_INF_MISSING;
    p->interpolation = (int32_t)dct_below(rng, 5);
    p->q = dct_chance(rng, 60) ? usual[dct_below(rng, 8)] : dct_unit(rng);
    if (dct_chance(rng, 30)) {
        p->row_first = dct_range(rng, 0, rows);
        p->row_last = dct_range(rng, p->row_first, rows);
    }
}

static void random_cases(void **state)
{
    (void)state;
    static double x[400];
    const char *cases = getenv("DUALCUBE_TEST_ORACLE_CASES");
    const int64_t count = cases ? atoll(cases) : 6000;
    for (int64_t number = 0; number < count; number++) {
        dct_rng rng = dct_stream(77, (uint64_t)number);
        const int64_t rows =
            dct_chance(&rng, 80) ? dct_range(&rng, 0, 60) : dct_range(&rng, 60, 400);
        const int64_t pattern = dct_below(&rng, 5);
        const int missing = dct_chance(&rng, 50) ? (int)dct_range(&rng, 0, 60) : 0;
        const int infinite = dct_chance(&rng, 15) ? 5 : 0;
        for (int64_t i = 0; i < rows; i++)
            x[i] = dct_chance(&rng, missing) ? (double)NAN
                   : dct_chance(&rng, infinite)
                       ? (dct_chance(&rng, 50) ? 1.0 : -1.0) * (double)INFINITY
                       : any_value(&rng, pattern);
        dc_rolling_params p;
        draw(&rng, &p, rows);
        const char *text = differs(&p, dct_chance(&rng, 50) ? DC_F32 : DC_F64, x, rows, ANY_ULPS);
        if (text)
            fail_msg("case %lld, rows %lld: %s", (long long)number, (long long)rows, text);
    }
}

/* Quantiles whose ranks are 0 ... 40 away from an end of the window, on a rank and between two. */
static void ends_of_windows(void **state)
{
    (void)state;
    static double x[2 * 200 + 30];
    static const int64_t windows[] = {8, 9, 12, 16, 17, 24, 31, 32, 40, 64, 100, 200};
    static const int64_t distances[] = {0, 1, 2, 3, 4, 5, 9, 20, 40};
    int64_t number = 0;
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t d = 0; d < sizeof distances / sizeof *distances; d++)
            for (int variant = 0; variant < 16; variant++, number++) {
                dct_rng rng = dct_stream(78, (uint64_t)number);
                const int64_t window = windows[w], rows = 2 * window + 30;
                const double position = (double)distances[d] + (variant & 1 ? 0.4 : 0.0);
                const double from_low = fmin(position / (double)(window - 1), 1.0);
                for (int64_t i = 0; i < rows; i++)
                    x[i] = dct_chance(&rng, variant & 2 ? 15 : 0) ? (double)NAN
                           : dct_chance(&rng, variant & 4 ? 5 : 0)
                               ? (dct_chance(&rng, 50) ? 1.0 : -1.0) * (double)INFINITY
                               : any_value(&rng, number % 5);
                dc_rolling_params p = of_kind(DC_ROLLING_QUANTILE, window);
                p.q = variant & 8 ? 1.0 - from_low : from_low;
                p.min_periods = dct_range(&rng, 1, window);
                p.inf = dct_chance(&rng, 50) ? DC_INF_VALUE : DC_INF_MISSING;
                p.interpolation =
                    dct_chance(&rng, 60) ? DC_QUANTILE_LINEAR : (int32_t)dct_below(&rng, 5);
                const char *text = differs(&p, number % 2 ? DC_F32 : DC_F64, x, rows, ANY_ULPS);
                if (text)
                    fail_msg("case %lld: %s", (long long)number, text);
            }
}

/* The oracle comparison must be able to fail: one ulp, a sign of zero, a NaN, five ulp. */
static void planted_bugs_are_found(void **state)
{
    (void)state;
    static const double x[] = {3.0, 1.0, 2.0, 1e12, 1e12 + 1.0, 7.0};
    dct_expected want[6];
    long double error, allowed;
    for (int32_t kind = 0; kind < KINDS; kind++) {
        dc_rolling_params p = of_kind(kind, 3);
        p.src.dtype = DC_F64;
        assert_int_equal(dct_oracle_rolling(&p, x, 6, want), 6);
        const double right = (double)want[4].value;
        assert_true(dct_oracle_agrees(&p, &want[4], right, 4.0, &error, &allowed));
        assert_false(dct_oracle_agrees(&p, &want[4], (double)NAN, 4.0, &error, &allowed));
        assert_false(dct_oracle_agrees(&p, &want[0], right, 4.0, &error, &allowed));
        /* 20 ulp are beyond every bound; exact rows refuse a single one. */
        double wrong = right;
        for (int i = 0; i < (kind >= DC_ROLLING_MIN || kind == DC_ROLLING_COUNT ? 1 : 20); i++)
            wrong = nextafter(wrong, (double)INFINITY);
        assert_false(dct_oracle_agrees(&p, &want[4], wrong, 4.0, &error, &allowed));
    }
    static const double zero[] = {-0.0, 0.0, -0.0};
    dc_rolling_params p = of_kind(DC_ROLLING_MIN, 2);
    p.src.dtype = DC_F64;
    (void)dct_oracle_rolling(&p, zero, 3, want);
    assert_true(dct_oracle_agrees(&p, &want[1], 0.0, 4.0, &error, &allowed));
    assert_false(dct_oracle_agrees(&p, &want[1], -0.0, 4.0, &error, &allowed));
}

/* Columns of a measured table, thinned to what brute force can afford. */
static void measured(const char *file, int64_t columns, int64_t rows)
{
    static double x[LONGEST];
    static const int64_t window[] = {12, 288};
    char reason[512];
    dct_npy npy;
    if (dct_npy_open(file, &npy, reason, sizeof reason) != 0) {
        printf("skipped: %s: %s\n", file, reason);
        skip();
    }
    const int64_t stride = npy.elements / (rows * columns) > 0 ? columns : 1;
    for (int64_t c = 0; c < columns; c += 3) {
        const int64_t n = rows < 1500 ? rows : 1500;
        for (int64_t i = 0; i < n; i++)
            x[i] = dct_npy_at(&npy, (i + rows / 3 < rows ? i + rows / 3 : i) * stride + c);
        for (int32_t kind = 0; kind < KINDS; kind++)
            for (size_t w = 0; w < 2; w++) {
                dc_rolling_params p = of_kind(kind, window[w]);
                p.min_periods = window[w] / 2;
                p.q = 0.9;
                const char *text = differs(&p, npy.dtype, x, n, ANY_ULPS);
                if (text) {
                    dct_npy_close(&npy);
                    fail_msg("%s column %lld: %s", file, (long long)c, text);
                }
            }
    }
    dct_npy_close(&npy);
}

static void machine_temperature(void **state)
{
    (void)state;
    measured("machine_temperature.npy", 1, 22695);
}

static void aws_cloudwatch(void **state)
{
    (void)state;
    measured("aws_cloudwatch.npy", 13, 4032);
}

/* Winds and geopotential over the 36 fields of one grid point after another. */
static void era_interim(void **state)
{
    (void)state;
    measured("era_interim_uvz.npy", 1, 3 * 2 * 3 * 241 * 480);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_results),   cmocka_unit_test(published_inputs),
        cmocka_unit_test(hard_series),         cmocka_unit_test(start_does_not_matter),
        cmocka_unit_test(random_cases),        cmocka_unit_test(planted_bugs_are_found),
        cmocka_unit_test(machine_temperature), cmocka_unit_test(aws_cloudwatch),
        cmocka_unit_test(era_interim),         cmocka_unit_test(ends_of_windows),
    };
    return cmocka_run_group_tests_name("rolling oracle", tests, open_library, close_library);
}

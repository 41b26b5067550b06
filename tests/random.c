/* Random numbers: the generator's published answers, the maps in long double, any cut of a sequence
 * against the whole, the distributions, and bad input.  tests/harness compares the devices and the
 * instruction sets. */
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
#include "tests/oracle/random_oracle.h"

enum { COUNT = 20000, SAMPLES = 200000, LAGS = 5 };
/* Bounds of the normal maps (mean 0, std 1), in ulps; the worst of 24 million: 3.04 and 0.86. */
#define ULPS_F32 3.5L
#define ULPS_F64 1.0L

static dc_context *context;
static dc_queue *baseline, *best; /* one thread; the machine's */

static int open_library(void **state)
{
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    (void)state;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(context, cpu, &params, &best), DC_OK);
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    assert_int_equal(dc_queue_new(context, cpu, &params, &baseline), DC_OK);
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(baseline);
    dc_queue_free(best);
    dc_context_free(context);
    return 0;
}

static dc_random_params params_of(int32_t kind, int32_t dtype, void *dst, int64_t count)
{
    dc_random_params p = DC_RANDOM_PARAMS_INIT;

    p.kind = kind;
    p.dst = dc_array_host(dst, dtype, 1, &count);
    return p;
}

static void fill(dc_queue *queue, const dc_random_params *p)
{
    if (dc_random(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

/* ---- the oracle --------------------------------------------------------------------------------
 */

/* Random123's known answers: zeros, ones, the digits of pi. */
static void known_answers(void **state)
{
    static const uint32_t list[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };

    (void)state;
    for (int i = 0; i < 3; ++i) {
        uint32_t out[4];

        dct_philox(list[i], list[i] + 4, out);
        assert_memory_equal(out, list[i] + 6, sizeof out);
    }
}

static long double ulps(int32_t dtype, long double want, long double got)
{
    int e;

    (void)frexpl(want, &e);
    return fabsl(got - want) / ldexpl(1.0L, e - (dtype == DC_F32 ? 24 : 53));
}

static double element(const dc_random_params *p, int64_t i)
{
    return p->dst.dtype == DC_F32 ? (double)((const float *)p->dst.data)[i]
                                  : ((const double *)p->dst.data)[i];
}

static void against_long_double(void **state)
{
    static double room[COUNT];
    static const uint64_t seeds[] = {0, 1, UINT64_MAX, UINT64_C(0x123456789abcdef0)};
    static const int64_t offsets[] = {0, 3, (INT64_C(1) << 34) - 77, INT64_MAX - COUNT};

    (void)state;
    for (int n = 0; n < 16; ++n) {
        dc_random_params p = params_of(n & 1, n & 2 ? DC_F64 : DC_F32, room, COUNT);
        const long double allowed = p.dst.dtype == DC_F32 ? ULPS_F32 : ULPS_F64;

        p.seed = seeds[n / 4];
        p.offset = offsets[n / 4];
        fill(baseline, &p);
        for (int64_t i = 0; i < COUNT; ++i) {
            const long double want = dct_random_value(&p, (uint64_t)(p.offset + i));

            if (p.kind == DC_RANDOM_UNIFORM)
                assert_true((long double)element(&p, i) == want);
            else if (ulps(p.dst.dtype, want, (long double)element(&p, i)) > allowed)
                fail_msg("value %lld of %s: %.3Lf ulp", (long long)(p.offset + i),
                         p.dst.dtype == DC_F32 ? "float32" : "float64",
                         ulps(p.dst.dtype, want, (long double)element(&p, i)));
        }
    }
}

/* Scaled: two roundings of a uniform number and one of high - low; those of r std and the sum. */
static void scaled(void **state)
{
    static double room[COUNT];

    (void)state;
    for (int n = 0; n < 4; ++n) {
        dc_random_params p = params_of(n & 1, n & 2 ? DC_F64 : DC_F32, room, COUNT);
        const long double half = (p.dst.dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON) * 0.5L;

        p.seed = 9;
        p.low = p.mean = -0.75;
        p.high = 2.5;
        p.std = 0.125;
        fill(baseline, &p);
        for (int64_t i = 0; i < COUNT; ++i) {
            const long double x = dct_random_value(&p, (uint64_t)i),
                              got = (long double)element(&p, i);
            const long double want = n & 1 ? x * 0.125L - 0.75L : x * 3.25L - 0.75L;
            const long double room_left = n & 1 ? fabsl(x) * 0.5L + 1.0L : 5.0L;

            assert_true(fabsl(got - want) <= room_left * half * 2.0L);
            assert_true(n & 1 || (got >= -0.75L && got < 2.5L));
        }
    }
}

/* A short interval far from 0: sums round to its end, which must not come out. */
static void below_high(void **state)
{
    static float x[COUNT];
    dc_random_params p = params_of(DC_RANDOM_UNIFORM, DC_F32, x, COUNT);
    int ends = 0;

    (void)state;
    p.low = 16777214.0;
    p.high = 16777216.0;
    fill(best, &p);
    for (int i = 0; i < COUNT; ++i) {
        assert_true(x[i] == 16777214.0F || x[i] == 16777215.0F);
        ends += x[i] == 16777215.0F;
    }
    assert_true(ends > COUNT / 4);
    for (int sign = -1; sign <= 1; ++sign) { /* ends below, at and above 0 */
        p.high = sign;
        p.low = sign - 0x1p-23;
        fill(best, &p);
        for (int i = 0; i < COUNT; ++i)
            assert_true((double)x[i] >= p.low && (double)x[i] < p.high);
    }
    p.low = p.high = 3.5;
    fill(best, &p);
    for (int i = 0; i < COUNT; ++i)
        assert_true(x[i] == 3.5F);
}

/* The comparisons must be able to fail. */
static void planted_bug_is_found(void **state)
{
    static double x[4];
    dc_random_params p = params_of(DC_RANDOM_NORMAL, DC_F64, x, 4);

    (void)state;
    fill(best, &p);
    for (int i = 0; i < 4; ++i) {
        const long double want = dct_random_value(&p, (uint64_t)i);

        assert_true(ulps(DC_F64, want, (long double)x[i]) <= ULPS_F64);
        assert_true(ulps(DC_F64, want, (long double)(x[i] * (1 + 3 * DBL_EPSILON))) > ULPS_F64);
        assert_true(ulps(DC_F64, dct_random_value(&p, (uint64_t)i + 1), (long double)x[i]) >
                    ULPS_F64);
        p.seed = 1; /* of another sequence */
        assert_true(ulps(DC_F64, dct_random_value(&p, (uint64_t)i), (long double)x[i]) > ULPS_F64);
        p.seed = 0;
    }
}

/* ---- any cut is the whole ----------------------------------------------------------------------
 */

static void parts_are_the_whole(void **state)
{
    static double whole[COUNT], part[COUNT + 8];
    dct_rng rng = dct_stream(77, 0);

    (void)state;
    for (int n = 0; n < 40; ++n) {
        dc_random_params p = params_of(n & 1, n & 2 ? DC_F64 : DC_F32, whole, COUNT), q;
        const size_t size = dc_dtype_bytes(p.dst.dtype);
        char *const at = (char *)part + size * (size_t)dct_below(&rng, 8); /* any alignment */

        p.seed = dct_next(&rng);
        p.offset = dct_range(&rng, 0, 1000);
        fill(best, &p);
        q = p;
        for (int64_t done = 0, step; done < COUNT; done += step) {
            step = dct_range(&rng, 1, dct_chance(&rng, 50) ? 40 : 4000);
            step = step < COUNT - done ? step : COUNT - done;
            q.dst = dc_array_host(at + (size_t)done * size, p.dst.dtype, 1, &step);
            q.offset = p.offset + done;
            fill(n & 4 ? best : baseline, &q);
        }
        assert_memory_equal(at, whole, COUNT * size);
        at[size * COUNT - 1] ^= 1; /* planted */
        assert_memory_not_equal(at, whole, COUNT * size);
    }
}

/* Shapes and strides move the numbers, they do not change them; nothing else is touched. */
static void strides(void **state)
{
    static double whole[COUNT], room[COUNT * 2];
    const int64_t shape[3] = {20, 50, COUNT / 1000};
    static const int64_t stride[3][3] = {{1, 20, 1000}, {1000, -20, 1}, {2000, 40, 2}};

    (void)state;
    for (int n = 0; n < 12; ++n) {
        dc_random_params p = params_of(n & 1, n & 2 ? DC_F64 : DC_F32, whole, COUNT), q;
        const int64_t *const s = stride[n / 4];

        p.seed = 5;
        fill(best, &p);
        q = p;
        q.dst = dc_array_host(room, p.dst.dtype, 3, shape);
        memcpy(q.dst.stride, s, sizeof stride[0]);
        q.dst.offset = s[1] < 0 ? -49 * s[1] : 0;
        memset(room, 0x55, sizeof room);
        fill(best, &q);
        for (int64_t i = 0; i < COUNT; ++i) {
            const int64_t at = i / 1000 * s[0] + i / 20 % 50 * s[1] + i % 20 * s[2];

            assert_true(element(&q, q.dst.offset + at) == element(&p, i));
        }
        if (n >= 8) { /* every second element is a gap */
            double gap;

            memset(&gap, 0x55, sizeof gap);
            for (int64_t i = 0; i < COUNT && p.dst.dtype == DC_F64; ++i)
                assert_memory_equal(&room[2 * i + 1], &gap, sizeof gap);
        }
    }
}

/* ---- distributions -----------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Largest distance of the empirical distribution from the exact one, times sqrt(n). */
static double kolmogorov(const double *x, int normal)
{
    static double sorted[SAMPLES];
    double worst = 0;

    memcpy(sorted, x, sizeof sorted);
    qsort(sorted, SAMPLES, sizeof *sorted, ascending);
    for (int i = 0; i < SAMPLES; ++i) {
        const double p = normal ? 0.5 * erfc(-sorted[i] * sqrt(0.5)) : sorted[i];

        worst = fmax(worst, fmax(p - (double)i / SAMPLES, (double)(i + 1) / SAMPLES - p));
    }
    return worst * sqrt(SAMPLES);
}

/* Deviations of the first four moments, in their standard errors; x has mean 0 and variance 1. */
static double worst_moment(const double *x, int normal)
{
    static const double mean[2][4] = {{0, 1, 0, 1.8}, {0, 1, 0, 3}};
    static const double square[2][4] = {{1, 1.8, 27.0 / 7, 9}, {1, 3, 15, 105}};
    double sum[4] = {0}, worst = 0;

    for (int i = 0; i < SAMPLES; ++i)
        for (int k = 0; k < 4; ++k)
            sum[k] += pow(x[i], k + 1);
    for (int k = 0; k < 4; ++k) {
        const double m = mean[normal][k], error = sqrt((square[normal][k] - m * m) / SAMPLES);

        worst = fmax(worst, fabs(sum[k] / SAMPLES - m) / error);
    }
    return worst;
}

/* Largest autocorrelation at lags 1 ... 5, of the values and of their squares, times sqrt(n). */
static double worst_lag(const double *x)
{
    double worst = 0;

    for (int power = 1; power <= 2; ++power)
        for (int lag = 1; lag <= LAGS; ++lag) {
            const double centre = power == 2;
            double sum = 0, all = 0;

            for (int i = 0; i < SAMPLES; ++i) {
                const double v = pow(x[i], power) - centre;

                all += v * v;
                if (i >= lag)
                    sum += v * (pow(x[i - lag], power) - centre);
            }
            worst = fmax(worst, fabs(sum / all) * sqrt(SAMPLES));
        }
    return worst;
}

/* The limits are exceeded by one good sequence in some 10^4. */
static int looks_right(const double *x, int normal)
{
    static double standard[SAMPLES];

    for (int i = 0; i < SAMPLES; ++i)
        standard[i] = normal ? x[i] : (x[i] - 0.5) * sqrt(12.0);
    return kolmogorov(x, normal) < 2.2 && worst_moment(standard, normal) < 4.5 &&
           worst_lag(standard) < 4.5;
}

static void distributions(void **state)
{
    static double x[SAMPLES], bad[SAMPLES];
    static float narrow[SAMPLES];

    (void)state;
    for (int n = 0; n < 8; ++n) {
        const int normal = n & 1, single = n & 2;
        dc_random_params p = params_of(normal, single ? DC_F32 : DC_F64,
                                       single ? (void *)narrow : (void *)x, SAMPLES);

        p.seed = (uint64_t)n * UINT64_C(0x9E3779B97F4A7C15);
        fill(best, &p);
        for (int i = 0; i < SAMPLES && single; ++i)
            x[i] = (double)narrow[i];
        assert_true(looks_right(x, normal));
        for (int i = 0; i < SAMPLES; ++i) /* planted: a shift, a scale, a neighbour's share */
            bad[i] = x[i] + 0.02;
        assert_false(looks_right(bad, normal));
        for (int i = 0; i < SAMPLES; ++i)
            bad[i] = normal ? x[i] * 1.015 : x[i] * x[i];
        assert_false(looks_right(bad, normal));
        for (int i = 0; i < SAMPLES; ++i)
            bad[i] = i % 40 ? x[i] : x[(i + SAMPLES - 2) % SAMPLES];
        assert_false(looks_right(bad, normal));
    }
}

/* ---- bad input ---------------------------------------------------------------------------------
 */

static void refused(const dc_random_params *p, const char *word)
{
    assert_int_equal(dc_random(best, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_scale(const dc_random_params *good)
{
    dc_random_params p = *good;

    refused((p.std = -1, &p), "std is -1, must be at least 0");
    refused((p.std = (double)NAN, &p), "std is");
    refused((p.std = 1e300, &p), "std is 1e+300, must be finite in float32");
    refused((p.std = 1e38, &p), "|mean| + 16 std is");
    p = *good;
    refused((p.mean = (double)INFINITY, &p), "mean is inf");
    p = *good;
    p.kind = DC_RANDOM_UNIFORM;
    refused((p.low = 2, &p), "low is 2, must be at most high, which is 1");
    refused((p.low = (double)NAN, &p), "low is");
    p.low = 0;
    refused((p.high = (double)INFINITY, &p), "high is inf");
    p.low = -3e38;
    refused((p.high = 3e38, &p), "high - low is 6e+38, must be finite in float32");
}

static void bad_input(void **state)
{
    float y[4] = {9, 9, 9, 9};
    static const float untouched[4] = {9, 9, 9, 9};
    const dc_random_params good = params_of(DC_RANDOM_NORMAL, DC_F32, y, 4);
    dc_random_params p = good;

    (void)state;
    refused((p.kind = 7, &p), "kind is 7");
    refused((p.kind = -1, &p), "kind is -1");
    p = good;
    refused((p.offset = -1, &p), "offset is -1");
    refused((p.offset = INT64_MAX - 3, &p), "at most 2^63 - 1");
    p = good;
    refused((p.dst.dtype = 9, &p), "dst has dtype 9");
    p = good;
    refused((p.dst.shape[0] = -4, &p), "dst.shape[0] is -4");
    p = good;
    refused((p.dst.stride[0] = 0, &p), "share memory");
    p = good;
    refused((p.dst.ndim = 0, &p), "dst has 0 axes");
    p = good;
    refused((p.dst.data = NULL, &p), "dst.data is NULL");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    bad_scale(&good);
    assert_memory_equal(y, untouched, sizeof y);
    p = good;
    p.dst.shape[0] = 0;
    fill(best, &p);
    assert_memory_equal(y, untouched, sizeof y);
    p = good;
    p.low = 2; /* the other kind's */
    p.offset = INT64_MAX - 4;
    fill(best, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(scaled),
        cmocka_unit_test(below_high),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test(strides),
        cmocka_unit_test(distributions),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("random", tests, open_library, close_library);
}

/* Scaling on the baseline CPU against long double and brute force, and bad input.  tests/harness
 * compares the devices and the instruction sets. */
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
#include "tests/oracle/scale_oracle.h"

enum { ROWS = 400, COLUMNS = 7, COUNT = ROWS * COLUMNS };

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

static const int64_t table[2] = {ROWS, COLUMNS};

static dc_scale_params scale_of(int32_t kind, const void *src, int32_t from, void *dst, int32_t to)
{
    dc_scale_params p = DC_SCALE_PARAMS_INIT;

    p.kind = kind;
    p.src = dc_array_host(src, from, 2, table);
    p.dst = dc_array_host(dst, to, 2, table);
    return p;
}

static dc_array column_numbers(const void *data, int32_t dtype)
{
    const int64_t columns = COLUMNS;
    return dc_array_host(data, dtype, 1, &columns);
}

static void run(const dc_scale_params *p)
{
    if (dc_scale(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

static void draw(double *x, uint64_t seed, int missing, double spread)
{
    dct_rng rng = dct_stream(seed, 0);

    for (int i = 0; i < COUNT; ++i)
        x[i] = dct_chance(&rng, missing) ? (double)NAN : dct_bell(&rng) * spread;
}

static int same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Both operations of APPLY and INVERSE are correctly rounded, so C says what they are. */
static void apply_and_inverse(void **state)
{
    static double x[COUNT], y[COUNT];
    static float x32[COUNT], y32[COUNT];
    double centre[COLUMNS], scale[COLUMNS];
    float centre32[COLUMNS], scale32[COLUMNS];

    (void)state;
    draw(x, 1, 5, 1e3);
    for (int c = 0; c < COLUMNS; ++c) {
        centre[c] = centre32[c] = 0.3F * (float)c - 1;
        scale[c] = scale32[c] = 0.7F + (float)c;
    }
    for (int i = 0; i < COUNT; ++i)
        x32[i] = (float)x[i];
    for (int inverse = 0; inverse < 2; ++inverse) {
        const int32_t kind = inverse ? DC_SCALE_INVERSE : DC_SCALE_APPLY;
        dc_scale_params p = scale_of(kind, x, DC_F64, y, DC_F64);
        dc_scale_params q = scale_of(kind, x32, DC_F32, y32, DC_F32);

        p.a = column_numbers(centre, DC_F64);
        p.b = column_numbers(scale, DC_F64);
        q.a = column_numbers(centre32, DC_F32);
        q.b = column_numbers(scale32, DC_F32);
        q.low = -2;
        q.high = 2;
        run(&p);
        run(&q);
        for (int i = 0; i < COUNT; ++i) {
            const int c = i % COLUMNS;
            const double product = x[i] * scale[c];
            const float product32 = x32[i] * scale32[c];
            const double want = inverse ? product + centre[c] : (x[i] - centre[c]) / scale[c];
            float want32 = inverse ? product32 + centre32[c] : (x32[i] - centre32[c]) / scale32[c];

            want32 = want32 < -2 ? -2 : want32 > 2 ? 2 : want32;
            assert_true(same(y[i], want));
            assert_true(same((double)y32[i], (double)want32));
        }
    }
}

static void clip_and_count(void **state)
{
    static double x[COUNT], y[COUNT];
    const double low[COLUMNS] = {-1, -2, -0.5, 0, (double)NAN, -1, -1};
    const double high[COLUMNS] = {1, 2, 0.5, 0, 1, (double)NAN, (double)INFINITY};
    int64_t counts[COLUMNS], want[COLUMNS] = {0};
    dc_scale_params p = scale_of(DC_SCALE_CLIP, x, DC_F64, y, DC_F64);

    (void)state;
    draw(x, 2, 5, 1.0);
    p.a = column_numbers(low, DC_F64);
    p.b = column_numbers(high, DC_F64);
    for (p.outside = 0; p.outside < 2; ++p.outside) {
        run(&p);
        for (int i = 0; i < COUNT; ++i) {
            const int c = i % COLUMNS, below = x[i]<low[c], above = x[i]> high[c];
            const double held = below ? low[c] : above ? high[c] : x[i];

            want[c] += p.outside && (below || above);
            assert_true(same(y[i], p.outside && (below || above) ? (double)NAN : held));
        }
    }
    p.kind = DC_SCALE_COUNT;
    p.dst = dc_array_host(counts, DC_I64, 2, (int64_t[]){1, COLUMNS});
    run(&p);
    assert_memory_equal(counts, want, sizeof want);
    p.count_what = DC_SCALE_COUNT_MISSING;
    p.dst = dc_array_host(counts, DC_I64, 2, (int64_t[]){1, 1});
    run(&p);
    want[0] = 0;
    for (int i = 0; i < COUNT; ++i)
        want[0] += isnan(x[i]) != 0;
    assert_int_equal(counts[0], want[0]);
    p.src.shape[0] = 0;
    run(&p);
    assert_int_equal(counts[0], 0);
}

static void fill(void **state)
{
    static double x[COUNT], y[COUNT];
    const double value[COLUMNS] = {0, 1, 2, 3, 4, 5, 6};
    dc_scale_params p = scale_of(DC_SCALE_FILL, x, DC_F64, y, DC_F64);

    (void)state;
    draw(x, 3, 30, 1.0);
    for (int i = 0; i < COUNT; i += 11)
        x[i] = i % 2 ? (double)INFINITY : -(double)INFINITY;
    p.a = column_numbers(value, DC_F64);
    p.b_value = -9;
    p.c_value = 9;
    for (p.inf = DC_SCALE_INF_VALUE; p.inf <= DC_SCALE_INF_CLIP; ++p.inf) {
        run(&p);
        for (int i = 0; i < COUNT; ++i) {
            const double filled = value[i % COLUMNS], held = x[i] > 0 ? 9 : -9;
            const double of_inf = p.inf == DC_SCALE_INF_VALUE     ? x[i]
                                  : p.inf == DC_SCALE_INF_MISSING ? filled
                                                                  : held;

            assert_true(y[i] == (isnan(x[i]) ? filled : isinf(x[i]) ? of_inf : x[i]));
        }
    }
}

/* Every column by itself against a search for its neighbours. */
static void fill_along(void **state)
{
    static double x[COUNT], y[COUNT], column[ROWS], want[ROWS];
    static long double line[ROWS];

    (void)state;
    for (int round = 0; round < 24; ++round) {
        const int64_t limit = round % 4 - 1;
        dc_scale_params p = scale_of(DC_SCALE_FORWARD + round % 3, x, DC_F64, y, DC_F64);

        draw(x, 10 + (uint64_t)round, round < 12 ? 60 : 97, 1.0);
        p.limit = limit < 0 ? DC_DEFAULT : limit;
        p.ends = round % 2;
        run(&p);
        for (int c = 0; c < COLUMNS; ++c) {
            for (int r = 0; r < ROWS; ++r)
                column[r] = x[r * COLUMNS + c];
            if (p.kind == DC_SCALE_FORWARD)
                dct_scale_forward(column, want, ROWS, limit);
            else if (p.kind == DC_SCALE_BACKWARD)
                dct_scale_backward(column, want, ROWS, limit);
            else
                dct_scale_linear(column, line, ROWS, limit, p.ends);
            for (int r = 0; r < ROWS; ++r) {
                const double got = y[r * COLUMNS + c];

                if (p.kind != DC_SCALE_LINEAR)
                    assert_true(same(got, want[r]));
                else /* values are of the order of 1 */
                    assert_true(isnan(line[r]) ? isnan(got) != 0
                                               : fabsl(got - line[r]) < 8 * DBL_EPSILON);
            }
        }
    }
}

/* Largest distance from long double over many values and exponents. */
static long double worst_power(int narrow, int function, int inverse)
{
    static double x[COUNT], lambda[COUNT], y[COUNT];
    static float x32[COUNT], lambda32[COUNT], y32[COUNT];
    static const double usual[] = {0, 0.5, 1, 2, -1, 1e-3, 1e-9, 1e-20, 3, 1.999999, -0.3, 0.7};
    dct_rng rng = dct_stream(77, (uint64_t)(function * 4 + inverse * 2 + narrow));
    long double worst = 0;

    for (int round = 0; round < 20; ++round) {
        dc_scale_params p = narrow ? scale_of(DC_SCALE_POWER, x32, DC_F32, y32, DC_F32)
                                   : scale_of(DC_SCALE_POWER, x, DC_F64, y, DC_F64);

        for (int i = 0; i < COUNT; ++i) {
            const int size = (int)dct_range(&rng, -60, function == DC_SCALE_BOX_COX ? 60 : 20);

            x[i] = ldexp(dct_bell(&rng), inverse ? size / 8 : size);
            if (!inverse && function == DC_SCALE_BOX_COX)
                x[i] = fabs(x[i]);
            lambda[i] = dct_chance(&rng, 50) ? usual[dct_below(&rng, 12)] : 2 * dct_bell(&rng);
            x[i] = x32[i] = (float)x[i];
            lambda[i] = lambda32[i] = (float)lambda[i];
        }
        p.a = p.src;
        p.a.data = narrow ? (void *)lambda32 : (void *)lambda;
        p.function = function;
        p.inverse = inverse;
        run(&p);
        for (int i = 0; i < COUNT; ++i) {
            const long double got = narrow ? (long double)y32[i] : (long double)y[i];
            long double want = dct_scale_power(x[i], lambda[i], function, inverse);

            if (narrow) /* overflow to infinity is right, too */
                want = fabsl(want) > FLT_MAX ? copysignl((long double)INFINITY, want) : want;
            else
                want = fabsl(want) > DBL_MAX ? copysignl((long double)INFINITY, want) : want;
            const long double off = dct_scale_ulps(got, want, narrow ? 24 : 53);
            if (off > 2)
                print_message("function %d inverse %d narrow %d: x %.17g lambda %.17g got %.20Lg "
                              "want %.20Lg\n",
                              function, inverse, narrow, x[i], lambda[i], got, want);
            worst = off > worst ? off : worst;
        }
    }
    return worst;
}

static void power(void **state)
{
    (void)state;
    for (int k = 0; k < 16; ++k) {
        const long double worst = worst_power(k & 1, k >> 2, k >> 1 & 1);

        if (worst > 2)
            fail_msg("function %d, inverse %d, float%d: %.3Lg ulp", k >> 2, k >> 1 & 1,
                     k & 1 ? 32 : 64, worst);
    }
}

static void power_at_the_edges(void **state)
{
    const double inf = (double)INFINITY, nan = (double)NAN;
    const struct {
        int function, inverse;
        double x, lambda, want;
    } edge[] = {
        {DC_SCALE_LOG1P, 0, -1, 0, -inf},         {DC_SCALE_LOG1P, 0, -1.5, 0, nan},
        {DC_SCALE_LOG1P, 0, inf, 0, inf},         {DC_SCALE_LOG1P, 1, -inf, 0, -1},
        {DC_SCALE_SQRT, 0, -1, 0, nan},           {DC_SCALE_SQRT, 1, -1, 0, nan},
        {DC_SCALE_BOX_COX, 0, 0, 2, -0.5},        {DC_SCALE_BOX_COX, 0, 0, -1, -inf},
        {DC_SCALE_BOX_COX, 0, 0, 0, -inf},        {DC_SCALE_BOX_COX, 0, -1, 2, nan},
        {DC_SCALE_BOX_COX, 0, inf, 2, inf},       {DC_SCALE_BOX_COX, 0, inf, -2, 0.5},
        {DC_SCALE_BOX_COX, 1, -1, 2, nan},        {DC_SCALE_BOX_COX, 1, -0.5, 2, 0},
        {DC_SCALE_YEO_JOHNSON, 0, -inf, 1, -inf}, {DC_SCALE_YEO_JOHNSON, 0, 0, 0.3, 0},
        {DC_SCALE_YEO_JOHNSON, 0, nan, 1, nan},   {DC_SCALE_YEO_JOHNSON, 1, 5, 1, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof edge / sizeof *edge; ++i) {
        static double x[COUNT], y[COUNT];
        dc_scale_params p = scale_of(DC_SCALE_POWER, x, DC_F64, y, DC_F64);

        x[0] = edge[i].x;
        p.a_value = edge[i].lambda;
        p.function = edge[i].function;
        p.inverse = edge[i].inverse;
        run(&p);
        if (!same(y[0], edge[i].want))
            fail_msg("edge %zu: %.17g, expected %.17g", i, y[0], edge[i].want);
    }
}

static void quantize(void **state)
{
    static double x[COUNT], back[COUNT];
    static int16_t codes[COUNT];
    static const int32_t format[] = {DC_I8, DC_U8, DC_I16, DC_U16};
    static const int32_t least[] = {INT8_MIN, 0, INT16_MIN, 0};
    static const int32_t most[] = {INT8_MAX, UINT8_MAX, INT16_MAX, UINT16_MAX};
    dct_rng rng = dct_stream(5, 0);

    (void)state;
    for (int round = 0; round < 16; ++round) {
        const int f = round % 4, wide = f > 1;
        const double step = round < 8 ? 0.125 : 0.013, zero = f % 2 ? 100 : -3;
        dc_scale_params p = scale_of(DC_SCALE_QUANTIZE, x, DC_F64, codes, format[f]);
        int64_t held = 0, count;

        /* Ties are plenty when the step is a power of two. */
        for (int i = 0; i < COUNT; ++i)
            x[i] = i % 50 == 0
                       ? (double)NAN
                       : (double)dct_range(&rng, -4000, 4000) / 16 * (wide ? 128 : 1) * step;
        p.a_value = zero;
        p.b_value = step;
        run(&p);
        for (int i = 0; i < COUNT; ++i) {
            const int32_t got = f == 0   ? ((int8_t *)codes)[i]
                                : f == 1 ? ((uint8_t *)codes)[i]
                                : f == 2 ? codes[i]
                                         : (uint16_t)codes[i];

            assert_int_equal(got, dct_scale_code(x[i], zero, step, least[f], most[f]));
            held += dct_scale_code(x[i], zero, step, INT32_MIN, INT32_MAX) != got;
        }
        p.kind = DC_SCALE_COUNT;
        p.count_what = DC_SCALE_COUNT_SATURATED;
        p.format = format[f];
        p.dst = dc_array_host(&count, DC_I64, 2, (int64_t[]){1, 1});
        run(&p);
        assert_int_equal(count, held);
        p = scale_of(DC_SCALE_DEQUANTIZE, codes, format[f], back, DC_F64);
        p.a_value = zero;
        p.b_value = step;
        run(&p);
        for (int i = 0; i < COUNT; ++i)
            if (!isnan(x[i]) && x[i] / step + zero < most[f] && x[i] / step + zero > least[f])
                assert_true(fabs(back[i] - x[i]) <= step * 0.5000001);
    }
}

/* Every float16 survives; between two neighbours the nearer wins, the even one where none is. */
static void halves(void **state)
{
    enum { ALL = 65536 };
    static uint16_t codes[ALL], again[ALL];
    static double x[ALL];
    static float x32[ALL];
    const int64_t all = ALL;
    dc_scale_params p = DC_SCALE_PARAMS_INIT, q = DC_SCALE_PARAMS_INIT;

    (void)state;
    for (int i = 0; i < ALL; ++i)
        codes[i] = (uint16_t)i;
    p.kind = DC_SCALE_DEQUANTIZE;
    p.src = dc_array_host(codes, DC_F16, 1, &all);
    p.dst = dc_array_host(x, DC_F64, 1, &all);
    run(&p);
    q.kind = DC_SCALE_QUANTIZE;
    q.src = dc_array_host(x, DC_F64, 1, &all);
    q.dst = dc_array_host(again, DC_F16, 1, &all);
    run(&q);
    for (int i = 0; i < ALL; ++i) {
        assert_true(same(x[i], dct_scale_half((uint16_t)i)));
        assert_true(isnan(x[i]) ? again[i] == 0x7e00 : again[i] == i);
    }
    for (int part = 1; part < 4; ++part) { /* quarters of the way to the next */
        for (int i = 0; i < 0x7c00; ++i) {
            const double next = i == 0x7bff ? 65536.0 : dct_scale_half((uint16_t)(i + 1));
            x[i] = x[i + 0x8000] = dct_scale_half((uint16_t)i);
            x[i] += (next - x[i]) * part / 4;
            x32[i] = (float)x[i];
        }
        run(&q);
        for (int i = 0; i < 0x7c00; ++i)
            assert_int_equal(again[i], i + (part == 3 || (part == 2 && i % 2 == 1)));
        q.src = dc_array_host(x32, DC_F32, 1, &all);
        run(&q);
        for (int i = 0; i < 0x7c00; ++i)
            assert_int_equal(again[i], i + (part == 3 || (part == 2 && i % 2 == 1)));
        q.src = dc_array_host(x, DC_F64, 1, &all);
    }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    (void)state;
    assert_true(dct_scale_ulps(1, 1, 53) == 0);
    assert_true(dct_scale_ulps(1 + 3 * (long double)DBL_EPSILON, 1, 53) > 2);
    assert_true(dct_scale_ulps((long double)NAN, 1, 53) > 2);
    assert_true(dct_scale_ulps(1, (long double)INFINITY, 53) > 2);
}

static void refused(const dc_scale_params *p, const char *word)
{
    assert_int_equal(dc_scale(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    static double x[COUNT], y[COUNT];
    const dc_scale_params good = scale_of(DC_SCALE_APPLY, x, DC_F64, y, DC_F64);
    dc_scale_params p = good;

    (void)state;
    y[3] = 9;
    refused((p.kind = 11, &p), "kind is 11");
    p = good;
    refused((p.low = 3, p.high = 2, &p), "low is 3, must be at most high");
    p = good;
    refused((p.low = (double)NAN, &p), "low is");
    p = good;
    refused((p.dst.shape[0] = 3, &p), "dst.shape[0] is 3, must be 400");
    p = good;
    refused((p.dst.dtype = DC_F32, &p), "dst has dtype");
    p = good;
    refused((p.dst.data = x, &p), "overlaps");
    p = good;
    refused((p.a = p.dst, &p), "dst overlaps a");
    p = good;
    p.a = column_numbers(x, DC_F32);
    refused(&p, "a has dtype 1");
    p.a = column_numbers(x, DC_F64);
    refused((p.a.shape[0] = 6, &p), "a.shape[0] is 6, must be 1 or 7");
    p = good;
    refused((p.kind = DC_SCALE_LINEAR, p.axis = 2, &p), "axis is 2, must be -2 ... 1");
    refused((p.axis = 0, p.limit = -1, &p), "limit is -1");
    refused((p.limit = 0, p.inf = DC_SCALE_INF_CLIP, &p), "inf is 2, must be 0 ... 1");
    p = good;
    refused((p.kind = DC_SCALE_QUANTIZE, &p), "dst has dtype 2 (float64), expected uint8");
    p = good;
    refused((p.kind = DC_SCALE_DEQUANTIZE, &p), "src has dtype 2");
    p = good;
    refused((p.kind = DC_SCALE_COUNT, &p), "dst has dtype 2");
    refused((p.count_what = DC_SCALE_COUNT_SATURATED, p.format = DC_F32, &p), "format is 1");
    p = good;
    refused((p.kind = DC_SCALE_POWER, p.function = 4, &p), "function is 4");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    p = good;
    p.src.shape[0] = p.dst.shape[0] = 0;
    run(&p);
    assert_true(y[3] == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply_and_inverse),
        cmocka_unit_test(clip_and_count),
        cmocka_unit_test(fill),
        cmocka_unit_test(fill_along),
        cmocka_unit_test(power),
        cmocka_unit_test(power_at_the_edges),
        cmocka_unit_test(quantize),
        cmocka_unit_test(halves),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("scale", tests, open_library, close_library);
}

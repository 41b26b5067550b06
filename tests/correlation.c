/* Correlation on the baseline CPU against long double, and bad input.  tests/harness compares the
 * devices and the instruction sets. */
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

enum { ROWS = 5000, COLS = 37 };

static dc_context *context;
static dc_queue *queue;
static double table[ROWS * COLS];
static float table32[ROWS * COLS];

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

/* What the definition says of one pair, by two passes in long double. */
typedef struct pair {
    long double n, cov, r, spread; /* spread: root(Q_i Q_j) / n about the columns' means */
    long double c;                 /* covariance with ddof 0 */
} pair;

static int is_value(double x)
{
    return isfinite(x);
}

static long double mean_of(const double *x, int64_t rows, int64_t cols, int64_t j, int64_t other,
                           long double *n)
{
    long double sum = 0;

    *n = 0;
    for (int64_t r = 0; r < rows; ++r)
        if (is_value(x[r * cols + j]) && is_value(x[r * cols + other])) {
            sum += x[r * cols + j];
            *n += 1;
        }
    return *n > 0 ? sum / *n : 0;
}

static pair oracle(const double *x, int64_t rows, int64_t cols, int64_t i, int64_t j, int64_t ddof)
{
    long double n, p = 0, qi = 0, qj = 0, ai = 0, aj = 0, unused;
    const long double mi = mean_of(x, rows, cols, i, j, &n), mj = mean_of(x, rows, cols, j, i, &n);
    const long double ci = mean_of(x, rows, cols, i, i, &unused);
    const long double cj = mean_of(x, rows, cols, j, j, &unused);
    pair it = {n, NAN, NAN, 0, 0};

    for (int64_t r = 0; r < rows; ++r) {
        const long double u = x[r * cols + i], v = x[r * cols + j];

        if (!is_value((double)u) || !is_value((double)v))
            continue;
        p += (u - mi) * (v - mj);
        qi += (u - mi) * (u - mi);
        qj += (v - mj) * (v - mj);
        ai += (u - ci) * (u - ci);
        aj += (v - cj) * (v - cj);
    }
    if (n > ddof && n > 0)
        it.cov = p / (n - ddof);
    if (qi > 0 && qj > 0)
        it.r = i == j ? 1 : p / (sqrtl(qi) * sqrtl(qj));
    it.c = n > 0 ? p / n : 0;
    it.spread = n > 0 ? sqrtl(ai) * sqrtl(aj) / n : 0;
    return it;
}

/* Error of r: that of the covariance, and of both roots, in units of the deviations. */
static int agrees(const pair *want, int pearson, long double got, long double u, int64_t ddof)
{
    const long double value = pearson ? want->r : want->cov;
    long double allowed = 64 * u * want->spread * want->n / (want->n - (long double)ddof);

    if (isnan(value) || isnan(got))
        return isnan(value) && isnan(got);
    if (pearson) {
        allowed = 64 * u;
        if (want->c != 0)
            allowed *= 1 + fabsl(want->r) * want->spread / fabsl(want->c);
    }
    return fabsl(got - value) <= allowed;
}

static dc_correlation_params call_of(int32_t kind, const void *src, int64_t rows, int64_t cols,
                                     int32_t dtype, void *dst)
{
    const int64_t shape[2] = {rows, cols}, square[2] = {cols, cols};
    dc_correlation_params p = DC_CORRELATION_PARAMS_INIT;

    p.kind = kind;
    p.src = dc_array_host(src, dtype, 2, shape);
    p.dst = dc_array_host(dst, dtype, 2, square);
    return p;
}

/* Both kinds and dtypes against the definition. */
static void compare(int64_t rows, int64_t cols, int64_t ddof)
{
    static double got[COLS * COLS];
    static float got32[COLS * COLS];

    for (int64_t i = 0; i < rows * cols; ++i)
        table32[i] = (float)table[i];
    for (int kind = DC_CORRELATION_COVARIANCE; kind <= DC_CORRELATION_PEARSON; ++kind)
        for (int narrow = 0; narrow < 2; ++narrow) {
            dc_correlation_params p =
                call_of(kind, narrow ? (void *)table32 : (void *)table, rows, cols,
                        narrow ? DC_F32 : DC_F64, narrow ? (void *)got32 : (void *)got);

            p.ddof = ddof;
            for (int64_t i = 0; narrow && i < rows * cols; ++i)
                table[i] = table32[i];
            assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
            for (int64_t i = 0; i < cols; ++i)
                for (int64_t j = 0; j < cols; ++j) {
                    const pair want = oracle(table, rows, cols, i, j, ddof);
                    const double value = narrow ? got32[i * cols + j] : got[i * cols + j];

                    if (!agrees(&want, kind, value, narrow ? FLT_EPSILON / 2 : DBL_EPSILON / 2,
                                ddof))
                        fail_msg("kind %d f%d, %lld x %lld: [%lld, %lld] is %.17g, not %.17Lg",
                                 kind, narrow ? 32 : 64, (long long)rows, (long long)cols,
                                 (long long)i, (long long)j, value, kind ? want.r : want.cov);
                }
        }
}

static void fill(dct_rng *rng, int64_t rows, int64_t cols, int missing, double offset)
{
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t j = 0; j < cols; ++j) {
            const double common = j > 0 ? table[r * cols] - offset : 0;
            double *const x = &table[r * cols + j];

            *x = offset + dct_bell(rng) + (isfinite(common) ? common * (double)(j % 3) : 0);
            if (dct_chance(rng, missing))
                *x = dct_chance(rng, 70) ? (double)NAN : dct_chance(rng, 50) ? INFINITY : -INFINITY;
        }
}

static void against_long_double(void **state)
{
    static const int64_t rows[] = {1, 2, 3, 255, 256, 257, 700, 2049, ROWS};
    static const int64_t cols[] = {1, 2, 5, 8, 17, COLS};
    dct_rng rng = dct_stream(47, 0);

    (void)state;
    for (int i = 0; i < 9; ++i)
        for (int missing = 0; missing <= 60; missing += 20) {
            const int64_t n = rows[i], d = cols[dct_below(&rng, n > 2000 ? 3 : n > 600 ? 5 : 6)];

            fill(&rng, n, d, missing, 0.0);
            compare(n, d, dct_range(&rng, 0, 2));
        }
}

/* Offsets cost nothing: columns are taken about their means. */
static void offsets(void **state)
{
    dct_rng rng = dct_stream(48, 0);

    (void)state;
    fill(&rng, 500, 6, 0, 4096.0);
    compare(500, 6, 1);
    fill(&rng, 500, 6, 10, -512.0);
    compare(500, 6, 1);
}

static void degenerate(void **state)
{
    double x[6 * 5] = {0}, got[25] = {0}, means[5] = {0};
    const int64_t five = 5;
    dc_correlation_params p = call_of(DC_CORRELATION_PEARSON, x, 6, 5, DC_F64, got);

    (void)state;
    for (int r = 0; r < 6; ++r) {
        x[r * 5] = 0.1;                       /* constant               */
        x[r * 5 + 1] = (double)NAN;           /* no value               */
        x[r * 5 + 2] = r * 1e300;             /* squares overflow       */
        x[r * 5 + 3] = r * -1e-300;           /* squares are 0          */
        x[r * 5 + 4] = r < 3 ? 7.7 : 9.9 + r; /* constant with column 1 */
    }
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    for (int j = 0; j < 5; ++j) {
        assert_true(isnan(got[j]) && isnan(got[j * 5]));
        assert_true(isnan(got[5 + j]) && isnan(got[j * 5 + 1]));
    }
    assert_true(got[2 * 5 + 3] < -1 + 1e-14 && got[3 * 5 + 2] == got[2 * 5 + 3]);
    for (int j = 2; j < 5; ++j)
        assert_true(got[j * 5 + j] == 1.0);
    /* a column that is constant where the other has values */
    for (int r = 3; r < 6; ++r)
        x[r * 5 + 2] = (double)NAN;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_true(isnan(got[2 * 5 + 4]) && isnan(got[4 * 5 + 2]));
    p.kind = DC_CORRELATION_COVARIANCE;
    p.dst2 = dc_array_host(means, DC_F64, 1, &five);
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_true(got[0] == 0.0 && got[4] == 0.0 && means[0] == 0.1 && isnan(means[1]));
    assert_true(got[2 * 5 + 4] == 0.0 && isnan(got[6]));
    assert_true(fabs(means[2] - 1e300) < 1e285);
    p.min_periods = 4;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_true(isnan(got[2 * 5 + 4]) && got[0] == 0.0);
    p.src.shape[0] = 0;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_true(isnan(got[0]) && isnan(got[24]) && isnan(means[0]));
    x[7] = INFINITY;
    p = call_of(DC_CORRELATION_COVARIANCE, x, 6, 5, DC_F64, got);
    p.inf = DC_INF_VALUE;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_true(isnan(got[2]) && isnan(got[12]) && got[0] == 0.0);
}

/* A subset that is constant, at any value, has no variance and no correlation. */
static void constant_in_common_rows(void **state)
{
    enum { N = 2000 };
    double *const x = malloc(2 * N * sizeof *x), got[4];
    dct_rng rng = dct_stream(49, 0);

    (void)state;
    assert_non_null(x);
    for (int round = 0; round < 20; ++round) {
        const double value = dct_bell(&rng) * 3;

        for (int r = 0; r < N; ++r) {
            x[2 * r] = r < N / 2 ? value : dct_bell(&rng);
            x[2 * r + 1] = r < N / 2 ? dct_bell(&rng) : (double)NAN;
        }
        dc_correlation_params p = call_of(DC_CORRELATION_PEARSON, x, N, 2, DC_F64, got);
        assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
        assert_true(isnan(got[1]) && isnan(got[2]) && got[0] == 1.0 && got[3] == 1.0);
    }
    free(x);
}

/* Twice the mean rank of x's value in row r among the rows that both columns have. */
static long double rank_of(const double *x, int64_t rows, int64_t cols, int64_t j, int64_t other,
                           int64_t r)
{
    long double rank = 1;

    for (int64_t k = 0; k < rows; ++k)
        if (is_value(x[k * cols + j]) && is_value(x[k * cols + other]))
            rank += (x[k * cols + j] < x[r * cols + j] ? 2 : 0) +
                    (x[k * cols + j] == x[r * cols + j] ? 1 : 0);
    return rank;
}

/* Pearson's correlation of those ranks, by the definition. */
static void spearman(void **state)
{
    enum { N = 120, D = 4 };
    static double x[N * D], got[D * D], ranks[N * 2];
    static float x32[N * D], got32[D * D];
    dct_rng rng = dct_stream(51, 0);

    (void)state;
    for (int round = 0; round < 24; ++round) {
        const int64_t n = round < 4 ? round : dct_range(&rng, 4, N);

        fill(&rng, n, D, round % 3 * 20, 0.0);
        for (int64_t i = 0; i < n * D; ++i) {
            x[i] = round % 2 ? rint(4 * table[i]) / 4 : table[i];
            x32[i] = (float)x[i];
            x[i] = x32[i];
        }
        dc_correlation_params p = call_of(DC_CORRELATION_SPEARMAN, x, n, D, DC_F64, got);
        dc_correlation_params q = call_of(DC_CORRELATION_SPEARMAN, x32, n, D, DC_F32, got32);
        assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
        assert_int_equal(dc_correlation(queue, &q, NULL), DC_OK);
        for (int i = 0; i < D; ++i)
            for (int j = 0; j < D; ++j) {
                for (int64_t r = 0; r < n; ++r) {
                    const int both = is_value(x[r * D + i]) && is_value(x[r * D + j]);

                    ranks[2 * r] = both ? (double)rank_of(x, n, D, i, j, r) : (double)NAN;
                    ranks[2 * r + 1] = both ? (double)rank_of(x, n, D, j, i, r) : (double)NAN;
                }
                pair want = oracle(ranks, n, 2, 0, 1, 0);

                want.r = i == j && want.r > 0.5L ? 1 : want.r;
                assert_true(agrees(&want, 1, got[i * D + j], DBL_EPSILON, 0));
                assert_true(agrees(&want, 1, got32[i * D + j], FLT_EPSILON, 0));
            }
    }
}

/* Sums of GRAM, and covariances about given anchors, which are those sums'. */
static void gram(void **state)
{
    enum { N = 600, D = 5 };
    static double x[N * D], sums[3 * D * D], cov[D * D];
    static int64_t n[D * D];
    const int64_t cube[3] = {3, D, D}, square[2] = {D, D};
    const double anchor[D] = {0.5, -0.25, 0, 1, 2};
    dct_rng rng = dct_stream(50, 0);
    dc_correlation_params p = call_of(DC_CORRELATION_GRAM, x, N, D, DC_F64, cov), q;

    (void)state;
    fill(&rng, N, D, 10, 0.0);
    memcpy(x, table, sizeof x);
    q = p;
    p.dst = dc_array_host(sums, DC_F64, 3, cube);
    p.dst2 = dc_array_host(n, DC_I64, 2, square);
    p.anchor = q.anchor = (dc_doubles){anchor, D};
    q.kind = DC_CORRELATION_COVARIANCE;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_int_equal(dc_correlation(queue, &q, NULL), DC_OK);
    for (int i = 0; i < D; ++i)
        for (int j = 0; j < D; ++j) {
            long double sum[3] = {0}, count = 0, c;

            for (int r = 0; r < N; ++r)
                if (is_value(x[r * D + i]) && is_value(x[r * D + j])) {
                    const long double u = x[r * D + i] - anchor[i];

                    sum[0] += u * (x[r * D + j] - anchor[j]);
                    sum[1] += u;
                    sum[2] += u * u;
                    count++;
                }
            for (int f = 0; f < 3; ++f)
                assert_true(fabsl(sums[(f * D + i) * D + j] - sum[f]) < 1e-11L);
            assert_true((long double)n[i * D + j] == count);
            c = sum[0] - sum[1] * sums[(D + j) * D + i] / count;
            assert_true(fabsl(cov[i * D + j] - c / (count - 1)) < 1e-13L);
        }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    const pair it = {10, 2, 0.5L, 4, 2};

    (void)state;
    assert_true(agrees(&it, 0, 2, DBL_EPSILON, 1));
    assert_false(agrees(&it, 0, 2 + 1e-11L, DBL_EPSILON, 1));
    assert_false(agrees(&it, 0, (long double)NAN, DBL_EPSILON, 1));
    assert_false(agrees(&it, 1, 0.5L + 1e-12L, DBL_EPSILON, 1));
}

static void refused(const dc_correlation_params *p, const char *word)
{
    assert_int_equal(dc_correlation(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    double x[6] = {1, 2, 3, 4, 5, 6}, y[4] = {9, 9, 9, 9};
    static const double untouched[4] = {9, 9, 9, 9}, bad[2] = {1, INFINITY};
    const dc_correlation_params good = call_of(DC_CORRELATION_PEARSON, x, 3, 2, DC_F64, y);
    dc_correlation_params p = good;

    (void)state;
    refused((p.kind = 77, &p), "kind is 77");
    p = good;
    refused((p.inf = 2, &p), "inf is 2");
    p = good;
    refused((p.ddof = -1, &p), "ddof is -1");
    p = good;
    refused((p.min_periods = -3, &p), "min_periods is -3");
    p = good;
    refused((p.src.ndim = 1, &p), "src has 1 axes, must have 2");
    p = good;
    refused((p.dst.shape[0] = 3, &p), "dst.shape[0] is 3, must be 2");
    p = good;
    refused((p.dst.dtype = DC_F32, &p), "dst");
    p = good;
    refused((p.dst.data = x, &p), "overlap");
    p = good;
    refused((p.dst2 = p.dst, &p), "dst2 is for covariance");
    p = good;
    p.anchor = (dc_doubles){bad, 2};
    refused(&p, "anchor[1] is inf");
    p.kind = DC_CORRELATION_SPEARMAN;
    refused(&p, "ranks have none");
    p.kind = DC_CORRELATION_PEARSON;
    p.anchor.count = 1;
    refused(&p, "anchor has 1 numbers, must have 2");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    assert_memory_equal(y, untouched, sizeof y);
    p = good;
    p.src.shape[1] = p.dst.shape[0] = p.dst.shape[1] = 0;
    assert_int_equal(dc_correlation(queue, &p, NULL), DC_OK);
    assert_memory_equal(y, untouched, sizeof y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(offsets),
        cmocka_unit_test(degenerate),
        cmocka_unit_test(constant_in_common_rows),
        cmocka_unit_test(spearman),
        cmocka_unit_test(gram),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("correlation", tests, open_library, close_library);
}

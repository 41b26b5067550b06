/* k-means on the baseline CPU against sums and distances in long double, a plain Lloyd of its own,
 * and degenerate rows.  tests/api has bad input, tests/harness compares the devices and the
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

enum { ROWS = 150, COLUMNS = 7, CLUSTERS = 9, BLOCKS = 3, PACKED = BLOCKS * COLUMNS * 64 };

static dc_context *context;
static dc_queue *queue;

static dc_queue *open_threads(int32_t threads, int32_t isa)
{
    dc_device *cpu;
    dc_queue *made = NULL;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    params.isa = isa;
    params.threads = threads;
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(context, cpu, &params, &made), DC_OK);
    return made;
}

static int open_library(void **state)
{
    (void)state;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    queue = open_threads(1, DC_ISA_BASELINE);
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static dc_array dense(const void *data, int32_t dtype, int32_t ndim, int64_t a, int64_t b,
                      int64_t c)
{
    const int64_t shape[] = {a, b, c};
    return dc_array_host(data, dtype, ndim, shape);
}

static void must(dc_status status)
{
    if (status != DC_OK)
        fail_msg("%s", dc_last_error());
}

static void run(dc_kmeans_params *p, int32_t kind)
{
    p->kind = kind;
    p->rows = ROWS;
    must(dc_kmeans(queue, p, NULL));
}

/* ---- what the rows are, and the plain way ---------------------------------------------------- */

static double x[ROWS][COLUMNS], packed[PACKED], shift[COLUMNS], centers[CLUSTERS][COLUMNS];
static int32_t labels[ROWS];

static void draw_rows(uint64_t stream)
{
    dct_rng rng = dct_stream(77, stream);

    for (int j = 0; j < CLUSTERS; ++j)
        for (int t = 0; t < COLUMNS; ++t)
            centers[j][t] = 3 * dct_bell(&rng);
    for (int i = 0; i < ROWS; ++i)
        for (int t = 0; t < COLUMNS; ++t)
            x[i][t] = centers[i % CLUSTERS][t] + dct_bell(&rng);
    for (int t = 0; t < COLUMNS; ++t)
        shift[t] = dct_bell(&rng);
}

static long double square(const double *a, const double *b)
{
    long double sum = 0;

    for (int t = 0; t < COLUMNS; ++t)
        sum += ((long double)a[t] - b[t]) * ((long double)a[t] - b[t]);
    return sum;
}

static int close_to(long double got, long double want, long double ulps)
{
    return fabsl(got - want) <= ulps * DBL_EPSILON * (fabsl(want) + 1e-300L);
}

static int nearest(const double *row)
{
    int best = 0;

    for (int j = 1; j < CLUSTERS; ++j)
        if (square(row, centers[j]) < square(row, centers[best]))
            best = j;
    return best;
}

static dc_kmeans_params packed_rows(void)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;

    p.src = dense(packed, DC_F64, 3, BLOCKS, COLUMNS, 64);
    p.centers = dense(centers, DC_F64, 2, CLUSTERS, COLUMNS, 0);
    return p;
}

static void pack_rows(int shifted)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;

    p.kind = DC_KMEANS_PACK;
    p.src = dense(x, DC_F64, 2, ROWS, COLUMNS, 0);
    if (shifted)
        p.centers = dense(shift, DC_F64, 1, COLUMNS, 0, 0);
    p.dst = dense(packed, DC_F64, 3, BLOCKS, COLUMNS, 64);
    must(dc_kmeans(queue, &p, NULL));
}

/* ---- rows against long double ---------------------------------------------------------------- */

static void packs_and_sums(void **state)
{
    static const int64_t exponents[COLUMNS] = {20, 21, 22, 30, 40, 0, 45};
    int64_t sums[2][COLUMNS];
    dc_kmeans_params p;

    (void)state;
    draw_rows(1);
    pack_rows(1);
    for (int i = 0; i < BLOCKS * 64; ++i)
        for (int t = 0; t < COLUMNS; ++t) {
            const double want = i < ROWS ? x[i][t] - shift[t] : 0.0;
            assert_true(packed[(i / 64 * COLUMNS + t) * 64 + i % 64] == want);
        }
    p = packed_rows();
    p.exponents = (dc_int64s){exponents, COLUMNS};
    p.dst = dense(sums, DC_I64, 2, 2, COLUMNS, 0);
    run(&p, DC_KMEANS_SUMS);
    for (int t = 0; t < COLUMNS; ++t) {
        long double want = 0, got = (long double)sums[0][t] + ldexpl((long double)sums[1][t], -30);
        int64_t high = 0;
        for (int i = 0; i < ROWS; ++i) {
            want += x[i][t] - shift[t];
            high += (int64_t)rintl(ldexpl((long double)(x[i][t] - shift[t]), (int)exponents[t]));
        }
        assert_int_equal(sums[0][t], high);
        assert_true(fabsl(ldexpl(got, -(int)exponents[t]) - want) <=
                    ROWS * ldexpl(1, -(int)exponents[t] - 30));
    }
}

enum { ENTRY = 2 + 2 * COLUMNS };

/* What the sums must be with these labels. */
static void check_sums(int64_t (*sums)[ENTRY], const double *weights, const int64_t *exponents)
{
    for (int j = 0; j < CLUSTERS; ++j) {
        int64_t rows = 0, weight = 0;
        for (int i = 0; i < ROWS; ++i)
            if (labels[i] == j) {
                rows++;
                weight += (int64_t)rint(weights[i] * 1024);
            }
        assert_int_equal(sums[j][0], rows);
        assert_int_equal(sums[j][1], weight);
        for (int t = 0; t < COLUMNS; ++t) {
            int64_t high = 0;
            for (int i = 0; i < ROWS; ++i)
                if (labels[i] == j)
                    high += (int64_t)rint(ldexp(weights[i] * x[i][t], (int)exponents[t]));
            assert_int_equal(sums[j][2 + t], high);
        }
    }
}

static void assigns(void **state)
{
    static const int64_t exponents[COLUMNS] = {20, 21, 22, 30, 40, 0, 45};
    static int64_t before[CLUSTERS + 1][ENTRY], after[CLUSTERS + 1][ENTRY];
    static int32_t old[ROWS], alone[ROWS];
    static double weights[ROWS];
    dct_rng rng = dct_stream(78, 0);

    (void)state;
    draw_rows(2);
    pack_rows(0);
    memset(old, 0xff, sizeof old);
    memset(before, 0, sizeof before);
    for (int i = 0; i < ROWS; ++i)
        weights[i] = dct_unit(&rng);
    for (int round = 0; round < 3; ++round) { /* the sums follow what changed */
        dc_kmeans_params p = packed_rows();
        int64_t moved = 0;
        p.weights = dense(weights, DC_F64, 1, ROWS, 0, 0);
        p.labels = dense(old, DC_I32, 1, ROWS, 0, 0);
        p.state = dense(before, DC_I64, 2, CLUSTERS + 1, ENTRY, 0);
        p.sums = dense(after, DC_I64, 2, CLUSTERS + 1, ENTRY, 0);
        p.dst = dense(labels, DC_I32, 1, ROWS, 0, 0);
        p.exponents = (dc_int64s){exponents, COLUMNS};
        p.weight_exponent = 10;
        run(&p, DC_KMEANS_ASSIGN);
        p.dst = dense(alone, DC_I32, 1, ROWS, 0, 0);
        run(&p, DC_KMEANS_PREDICT);
        assert_memory_equal(labels, alone, sizeof labels);
        for (int i = 0; i < ROWS; ++i) {
            assert_int_equal(labels[i], nearest(x[i]));
            moved += labels[i] != old[i];
        }
        check_sums(after, weights, exponents);
        assert_int_equal(after[CLUSTERS][0] - before[CLUSTERS][0], moved);
        memcpy(before, after, sizeof before);
        memcpy(old, labels, sizeof old);
        for (int j = 0; j < CLUSTERS; ++j)
            centers[j][j % COLUMNS] += 1.5;
    }
}

static void distances(void **state)
{
    static double far[ROWS][CLUSTERS], own[ROWS], closest[ROWS], near[CLUSTERS][ROWS];
    int64_t sums[CLUSTERS][2], blocks[CLUSTERS][BLOCKS];
    dc_kmeans_params p;

    (void)state;
    draw_rows(3);
    pack_rows(0);
    p = packed_rows();
    p.dst = dense(far, DC_F64, 2, ROWS, CLUSTERS, 0);
    run(&p, DC_KMEANS_TRANSFORM);
    for (int i = 0; i < ROWS; ++i) {
        labels[i] = i % 11 == 0 ? -1 : i % CLUSTERS;
        closest[i] = i % 5 ? 20.0 : (double)INFINITY;
    }
    p.labels = dense(labels, DC_I32, 1, ROWS, 0, 0);
    p.dst = dense(own, DC_F64, 1, ROWS, 0, 0);
    p.sums = dense(sums, DC_I64, 2, CLUSTERS, 2, 0);
    p.exponent = 40;
    run(&p, DC_KMEANS_SPREAD);
    p.closest = dense(closest, DC_F64, 1, ROWS, 0, 0);
    p.dst = dense(near, DC_F64, 2, CLUSTERS, ROWS, 0);
    p.sums = dense(blocks, DC_I64, 2, CLUSTERS, BLOCKS, 0);
    run(&p, DC_KMEANS_NEAR);
    for (int j = 0; j < CLUSTERS; ++j) {
        long double total = 0, got = (long double)sums[j][0] + ldexpl((long double)sums[j][1], -30);
        int64_t block[BLOCKS] = {0};
        for (int i = 0; i < ROWS; ++i) {
            const long double a = square(x[i], centers[j]);
            assert_true(close_to(far[i][j], sqrtl(a), 8));
            assert_true(close_to(near[j][i], a < closest[i] ? a : closest[i], 16));
            block[i / 64] += (int64_t)rint(ldexp(near[j][i], 40));
            if (labels[i] == j) {
                assert_true(close_to(own[i], a, 16));
                total += own[i];
            }
        }
        assert_true(fabsl(ldexpl(got, -40) - total) <= ROWS * 0x1p-70L);
        assert_memory_equal(block, blocks[j], sizeof block);
    }
}

static void silhouettes(void **state)
{
    static const int64_t first[] = {0, 20, 20, 21, 130, ROWS};
    static double s[ROWS];
    dc_kmeans_params p;

    (void)state;
    draw_rows(4);
    pack_rows(0);
    p = packed_rows();
    p.state = dense(first, DC_I64, 1, 6, 0, 0);
    p.dst = dense(s, DC_F64, 1, ROWS, 0, 0);
    run(&p, DC_KMEANS_SILHOUETTE);
    for (int i = 0; i < ROWS; ++i) {
        long double own = 0, other = INFINITY, want;
        int single = 0;
        for (int c = 0; c < 5; ++c) {
            long double sum = 0;
            const int64_t rows = first[c + 1] - first[c];
            for (int64_t r = first[c]; r < first[c + 1]; ++r)
                sum += sqrtl(square(x[i], x[r]));
            if (i >= first[c] && i < first[c + 1]) {
                single = rows == 1;
                own = single ? 0 : sum / (rows - 1);
            } else if (rows > 0 && sum / rows < other) {
                other = sum / rows;
            }
        }
        want = single ? 0 : (other - own) / fmaxl(own, other);
        assert_true(fabsl(s[i] - want) < 1e-13L);
    }
}

/* ---- the fit --------------------------------------------------------------------------------- */

static dc_kmeans_fit_params fit_of(const void *rows, int32_t dtype, int64_t n, int64_t d, int32_t k,
                                   void *to, int32_t *to_labels)
{
    dc_kmeans_fit_params p = DC_KMEANS_FIT_PARAMS_INIT;

    p.clusters = k;
    p.src = dense(rows, dtype, 2, n, d, 0);
    p.centers = dense(to, dtype, 2, k, d, 0);
    p.labels = dense(to_labels, DC_I32, 1, n, 0, 0);
    return p;
}

/* Lloyd as a textbook has it, from the rows' own centres until no label changes. */
static int plain_lloyd(int32_t *to)
{
    int changed = 1, rounds = 0;

    for (; changed; ++rounds) {
        changed = 0;
        for (int i = 0; i < ROWS; ++i) {
            const int32_t j = nearest(x[i]);
            changed += rounds == 0 || to[i] != j;
            to[i] = j;
        }
        for (int j = 0; j < CLUSTERS; ++j)
            for (int t = 0; t < COLUMNS; ++t) {
                long double sum = 0, rows = 0;
                for (int i = 0; i < ROWS; ++i)
                    if (to[i] == j) {
                        sum += x[i][t];
                        rows += 1;
                    }
                if (rows > 0)
                    centers[j][t] = (double)(sum / rows);
            }
    }
    return rounds;
}

static void fits_like_the_textbook(void **state)
{
    static double found[CLUSTERS][COLUMNS], start[CLUSTERS][COLUMNS];
    int32_t want[ROWS];

    (void)state;
    for (uint64_t round = 0; round < 5; ++round) {
        dc_kmeans_fit_params p;
        long double inertia = 0;
        draw_rows(10 + round);
        memcpy(start, x, sizeof start);
        p = fit_of(x, DC_F64, ROWS, COLUMNS, CLUSTERS, found, labels);
        p.init = DC_KMEANS_GIVEN;
        p.start = dense(start, DC_F64, 2, CLUSTERS, COLUMNS, 0);
        p.tol = 0;
        must(dc_kmeans_fit(queue, &p));
        memcpy(centers, start, sizeof centers);
        assert_int_equal(p.iterations, plain_lloyd(want));
        assert_memory_equal(labels, want, sizeof want);
        assert_int_equal(p.distinct, CLUSTERS);
        for (int j = 0; j < CLUSTERS; ++j)
            for (int t = 0; t < COLUMNS; ++t)
                assert_true(fabs(found[j][t] - centers[j][t]) < 1e-14);
        for (int i = 0; i < ROWS; ++i)
            inertia += square(x[i], centers[want[i]]);
        assert_true(close_to(p.inertia, inertia, 64));
    }
}

/* Threads, instruction sets and the order of the rows do not show. */
static void same_bits(void **state)
{
    static double found[CLUSTERS][COLUMNS], again[CLUSTERS][COLUMNS], turned[ROWS][COLUMNS];
    int32_t more[ROWS];
    dc_kmeans_fit_params p, q;

    (void)state;
    draw_rows(20);
    for (int32_t init = 0; init < 2; ++init) {
        p = fit_of(x, DC_F64, ROWS, COLUMNS, CLUSTERS, found, labels);
        p.init = init;
        p.runs = 2;
        p.seed = 5;
        must(dc_kmeans_fit(queue, &p));
        for (int32_t threads = 1; threads <= 3; ++threads) {
            dc_queue *const other = open_threads(threads, -1);
            q = fit_of(x, DC_F64, ROWS, COLUMNS, CLUSTERS, again, more);
            q.init = init;
            q.runs = 2;
            q.seed = 5;
            must(dc_kmeans_fit(other, &q));
            dc_queue_free(other);
            assert_memory_equal(found, again, sizeof found);
            assert_memory_equal(labels, more, sizeof more);
            assert_true(p.inertia == q.inertia && p.iterations == q.iterations);
        }
    }
    for (int i = 0; i < ROWS; ++i)
        memcpy(turned[i], x[ROWS - 1 - i], sizeof turned[i]);
    p = fit_of(x, DC_F64, ROWS, COLUMNS, CLUSTERS, found, labels);
    q = fit_of(turned, DC_F64, ROWS, COLUMNS, CLUSTERS, again, more);
    p.init = q.init = DC_KMEANS_GIVEN;
    p.start = q.start = dense(centers, DC_F64, 2, CLUSTERS, COLUMNS, 0);
    must(dc_kmeans_fit(queue, &p));
    must(dc_kmeans_fit(queue, &q));
    assert_memory_equal(found, again, sizeof found);
    assert_true(p.inertia == q.inertia);
    for (int i = 0; i < ROWS; ++i)
        assert_int_equal(labels[i], more[ROWS - 1 - i]);
}

/* Duplicates, one row, huge and tiny values, as many clusters as rows. */
static void degenerate(void **state)
{
    static const double scale[] = {1.0, 1e300, 1e-300, 1e150};
    double rows[6][2], found[6][2];
    int32_t is[6];
    dc_kmeans_fit_params p;

    (void)state;
    for (int s = 0; s < 4; ++s) {
        for (int i = 0; i < 6; ++i) {
            rows[i][0] = (i < 3 ? 1.0 : -1.0) * scale[s];
            rows[i][1] = 7 * scale[s];
        }
        p = fit_of(rows, DC_F64, 6, 2, 2, found, is);
        must(dc_kmeans_fit(queue, &p));
        assert_int_equal(p.distinct, 2);
        assert_true(p.inertia == 0 && is[0] == is[2] && is[0] != is[3] && is[3] == is[5]);
        assert_true(found[is[0]][0] == scale[s] && found[is[0]][1] == 7 * scale[s]);
        p = fit_of(rows, DC_F64, 6, 2, 4, found, is);
        must(dc_kmeans_fit(queue, &p));
        assert_int_equal(p.distinct, 2);
    }
    for (int i = 0; i < 6; ++i)
        rows[i][0] = i * i;
    p = fit_of(rows, DC_F64, 6, 2, 6, found, is);
    must(dc_kmeans_fit(queue, &p));
    assert_true(p.distinct == 6 && p.inertia == 0);
    p = fit_of(rows, DC_F64, 1, 2, 1, found, is);
    must(dc_kmeans_fit(queue, &p));
    assert_true(p.inertia == 0 && found[0][0] == rows[0][0] && found[0][1] == rows[0][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_and_sums),
        cmocka_unit_test(assigns),
        cmocka_unit_test(distances),
        cmocka_unit_test(silhouettes),
        cmocka_unit_test(fits_like_the_textbook),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(degenerate),
    };
    return cmocka_run_group_tests_name("kmeans", tests, open_library, close_library);
}

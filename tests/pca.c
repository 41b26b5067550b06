/* Pca on the baseline CPU against long double, and bad input.  tests/harness compares the devices
 * and the instruction sets. */
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

enum { N = 37, D = 19, K = 7, CELLS = N * D };

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

/* One call's memory, in both dtypes. */
typedef struct data {
    double x[CELLS], mean[D], scale[D], w[K * D], weight[K], factor[K];
    double scores[N * K], t2[N], spe[N], t2_parts[CELLS], spe_parts[CELLS];
    float x32[CELLS], mean32[D], scale32[D], w32[K * D], weight32[K], factor32[K];
    float scores32[N * K], t232[N], spe32[N], t2_parts32[CELLS], spe_parts32[CELLS];
} data;

static data g;

static void draw(uint64_t seed)
{
    dct_rng rng = dct_stream(seed, 0);
    double *const all[] = {g.x, g.mean, g.scale, g.w, g.weight, g.factor};
    float *const all32[] = {g.x32, g.mean32, g.scale32, g.w32, g.weight32, g.factor32};
    const int count[] = {CELLS, D, D, K * D, K, K};

    for (int a = 0; a < 6; ++a)
        for (int i = 0; i < count[a]; ++i) {
            const double unit = a == 2 || a == 4 || a == 5 ? 0.5 + dct_unit(&rng) : dct_bell(&rng);

            all32[a][i] = (float)unit;
            all[a][i] = (double)all32[a][i]; /* both dtypes hold the same numbers */
        }
    for (int i = 0; i < D; i += 5) /* duplicates and a constant column */
        g.x[3 * D + i] = g.x32[3 * D + i] = 0.25F;
}

static dc_array at(const void *memory, int32_t dtype, int64_t rows, int64_t columns)
{
    const int64_t shape[] = {rows, columns};

    return dc_array_host(memory, dtype, columns ? 2 : 1, shape);
}

static dc_pca_params monitor(int32_t dtype)
{
    const int f32 = dtype == DC_F32;
    dc_pca_params p = DC_PCA_PARAMS_INIT;

    p.kind = DC_PCA_MONITOR;
#define AT(name) (f32 ? (void *)g.name##32 : (void *)g.name)
    p.src = at(AT(x), dtype, N, D);
    p.mean = at(AT(mean), dtype, D, 0);
    p.scale = at(AT(scale), dtype, D, 0);
    p.components = at(AT(w), dtype, K, D);
    p.weights = at(AT(weight), dtype, K, 0);
    p.component_scale = at(AT(factor), dtype, K, 0);
    p.dst = at(AT(scores), dtype, N, K);
    p.t2 = at(AT(t2), dtype, N, 0);
    p.spe = at(AT(spe), dtype, N, 0);
    p.t2_contributions = at(AT(t2_parts), dtype, N, D);
    p.spe_contributions = at(AT(spe_parts), dtype, N, D);
    return p;
}

/* What a row should give, and how far rounding may lie from it: sums of magnitudes. */
typedef struct truth {
    long double t[K], t2, spe, t2_part[D], e[D];
    long double scale_t[K], scale_t2, scale_e[D], scale_v[D];
} truth;

static void work_out(const double *x, int centred, truth *r)
{
    long double z[D], h[D], ah[D], v[D], av[D];

    memset(r, 0, sizeof *r);
    for (int j = 0; j < D; ++j) {
        h[j] = ah[j] = v[j] = av[j] = 0;
        z[j] = ((long double)x[j] - g.mean[j]) * g.scale[j];
        if (isnan(x[j]) && centred)
            z[j] = 0;
    }
    for (int a = 0; a < K; ++a) {
        for (int j = 0; j < D; ++j) {
            r->t[a] += z[j] * g.w[a * D + j];
            r->scale_t[a] += fabsl(z[j] * g.w[a * D + j]);
        }
        r->t2 += r->t[a] * r->t[a] * g.weight[a];
        r->scale_t2 += r->scale_t[a] * r->scale_t[a] * g.weight[a];
        for (int j = 0; j < D; ++j) {
            h[j] += r->t[a] * g.w[a * D + j];
            ah[j] += r->scale_t[a] * fabsl((long double)g.w[a * D + j]);
            v[j] += r->t[a] * g.weight[a] * g.w[a * D + j];
            av[j] += r->scale_t[a] * g.weight[a] * fabsl((long double)g.w[a * D + j]);
        }
    }
    for (int j = 0; j < D; ++j) {
        r->e[j] = z[j] - h[j];
        r->scale_e[j] = fabsl(z[j]) + ah[j];
        r->spe += r->e[j] * r->e[j];
        r->t2_part[j] = z[j] * v[j];
        r->scale_v[j] = fabsl(z[j]) * av[j];
    }
}

/* Every operation rounds once; D + K + 8 of them follow one another at most. */
static int agrees(long double want, long double got, long double magnitude, long double ulp)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return fabsl(want - got) <= (D + K + 8) * ulp * magnitude + ulp * fabsl(want);
}

static long double value(const void *memory, int32_t dtype, int i)
{
    return dtype == DC_F32 ? (long double)((const float *)memory)[i]
                           : (long double)((const double *)memory)[i];
}

static void check_row(const dc_pca_params *p, int i)
{
    const int32_t dtype = p->src.dtype;
    const long double ulp = dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON;
    long double scale_spe = 0;
    truth r;

    work_out(g.x + (size_t)i * D, p->missing == DC_PCA_MISSING_MEAN, &r);
    for (int a = 0; a < K; ++a)
        assert_true(agrees(r.t[a] * g.factor[a], value(p->dst.data, dtype, i * K + a),
                           r.scale_t[a] * 2, ulp));
    assert_true(agrees(r.t2, value(p->t2.data, dtype, i), 2 * r.scale_t2, ulp));
    for (int j = 0; j < D; ++j) {
        const long double e = value(p->spe_contributions.data, dtype, i * D + j);
        const long double want = p->signed_residuals ? r.e[j] : r.e[j] * r.e[j];
        const long double magnitude = p->signed_residuals
                                          ? 2 * r.scale_e[j]
                                          : 4 * r.scale_e[j] * fabsl(r.e[j]) +
                                                (D + K) * ulp * r.scale_e[j] * r.scale_e[j] * 4;

        scale_spe += r.scale_e[j] * r.scale_e[j];
        assert_true(agrees(want, e, magnitude, ulp));
        assert_true(agrees(r.t2_part[j], value(p->t2_contributions.data, dtype, i * D + j),
                           3 * r.scale_v[j], ulp));
    }
    assert_true(agrees(r.spe, value(p->spe.data, dtype, i), 2 * scale_spe, ulp));
}

/* Contributions sum to their statistics. */
static void check_sums(const dc_pca_params *p, int i)
{
    long double t2 = 0, spe = 0, magnitude = 0;

    for (int j = 0; j < D; ++j) {
        t2 += g.t2_parts[i * D + j];
        magnitude += fabsl((long double)g.t2_parts[i * D + j]);
        spe += g.spe_parts[i * D + j];
    }
    assert_true(agrees(t2, g.t2[i], magnitude * 4, DBL_EPSILON));
    if (!p->signed_residuals)
        assert_true(agrees(spe, g.spe[i], 2 * fabsl(spe), DBL_EPSILON));
}

static void scores_against_long_double(void **state)
{
    (void)state;
    for (int round = 0; round < 12; ++round) {
        draw((uint64_t)round + 100);
        if (round & 1) /* a missing value: rows beside it are what they were */
            g.x[5 * D + 3] = (double)(g.x32[5 * D + 3] = (float)NAN);
        for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
            dc_pca_params p = monitor(dtype);

            p.missing = round / 2 % 2;
            p.signed_residuals = round / 4 % 2;
            assert_int_equal(dc_pca(queue, &p, NULL), DC_OK);
            for (int i = 0; i < N; ++i)
                check_row(&p, i);
            for (int i = 0; i < N && dtype == DC_F64; ++i)
                check_sums(&p, i);
        }
    }
}

/* Rows of scores become rows again; a NaN stays in its row. */
static void inverse_against_long_double(void **state)
{
    (void)state;
    draw(7);
    for (int i = 0; i < N * K; ++i)
        g.scores[i] = (double)(g.scores32[i] = g.x32[i]);
    g.scores[3 * K] = (double)(g.scores32[3 * K] = (float)NAN);
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
        const int f32 = dtype == DC_F32;
        const long double ulp = f32 ? FLT_EPSILON : DBL_EPSILON;
        dc_pca_params p = monitor(dtype);

        p.kind = DC_PCA_INVERSE;
        p.src = p.dst;
        p.dst = p.spe_contributions;
        assert_int_equal(dc_pca(queue, &p, NULL), DC_OK);
        for (int i = 0; i < CELLS; ++i) {
            long double h = 0, magnitude = 0;

            for (int a = 0; a < K; ++a) {
                const long double part =
                    (long double)g.scores[i / D * K + a] * g.factor[a] * g.w[a * D + i % D];
                h += part;
                magnitude += fabsl(part);
            }
            assert_true(agrees(h * g.scale[i % D] + g.mean[i % D], value(p.dst.data, dtype, i),
                               magnitude * g.scale[i % D] + fabsl((long double)g.mean[i % D]),
                               ulp));
        }
    }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    dc_pca_params p = monitor(DC_F64);
    truth r;

    (void)state;
    draw(1);
    assert_int_equal(dc_pca(queue, &p, NULL), DC_OK);
    work_out(g.x, 0, &r);
    assert_true(agrees(r.t2, g.t2[0], 2 * r.scale_t2, DBL_EPSILON));
    assert_false(agrees(r.t2 * (1 + 1e-12L), g.t2[0], 2 * r.scale_t2, DBL_EPSILON));
    assert_false(agrees(r.t2, (long double)NAN, 2 * r.scale_t2, DBL_EPSILON));
}

static void refused(const dc_pca_params *p, const char *word)
{
    assert_int_equal(dc_pca(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    static const dc_array none;
    const dc_pca_params good = monitor(DC_F64);
    dc_pca_params p = good;

    (void)state;
    for (int i = 0; i < N; ++i)
        g.t2[i] = 9;
    refused((p.kind = 7, &p), "kind is 7");
    p = good;
    refused((p.missing = 3, &p), "missing is 3, must be 0 ... 1");
    p = good;
    refused((p.src.shape[1] = 3, &p), "src.shape[1] is 3, must be 19");
    p = good;
    refused((p.src.ndim = 1, &p), "src has 1 axes, must have 2");
    p = good;
    refused((p.mean.shape[0] = 3, &p), "mean.shape[0] is 3, must be 19");
    p = good;
    refused((p.weights = p.components, &p), "weights has 2 axes, must have 1");
    p = good;
    refused((p.components.shape[0] = 0, &p), "components.shape[0] is 0");
    p = good;
    refused((p.t2.shape[0] = 3, &p), "t2.shape[0] is 3, must be 37, the number of rows of src");
    p = good;
    refused((p.t2.dtype = DC_F32, &p), "t2 has dtype");
    p = good;
    refused((p.src.data = NULL, &p), "src.data is NULL");
    p = good;
    refused((p.spe.data = g.x, &p), "overlaps");
    p = good;
    refused((p.spe.data = p.t2.data, &p), "overlaps");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    p = good;
    p.dst = p.t2 = p.spe = p.t2_contributions = p.spe_contributions = none;
    refused(&p, "no output is given");
    p = good;
    p.kind = DC_PCA_INVERSE;
    p.src = good.dst;
    refused((p.dst = none, &p), "no output is given");
    for (int i = 0; i < N; ++i)
        assert_true(g.t2[i] == 9);
    p = good;
    p.src.shape[0] = p.dst.shape[0] = p.t2.shape[0] = p.spe.shape[0] = 0;
    p.t2_contributions.shape[0] = p.spe_contributions.shape[0] = 0;
    assert_int_equal(dc_pca(queue, &p, NULL), DC_OK);
    assert_true(g.t2[0] == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_against_long_double),
        cmocka_unit_test(inverse_against_long_double),
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("pca", tests, open_library, close_library);
}

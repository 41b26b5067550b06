/* dc_pca_fit(), states, limits and operands of models: known answers, chunks, bad input. */
#include "tests/api/api.h"

#include "tests/harness/random.h"

enum { N = 700, D = 6, K = 3 };

static dc_context *context;
static dc_queue *queue;
static double x[N * D], t2[N], spe[N];
static float x32[N * D], t232[N];
static int has_blas;

static int open_library(void **state)
{
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    dct_rng rng = dct_stream(11, 0);
    dc_device *cpu;

    (void)state;
    for (int i = 0; i < N * D; ++i) {
        x[i] = dct_bell(&rng) * (1 + i % D) + 10 * (i % D);
        x[i] += i % D == 1 ? x[i - 1] : 0;
        x32[i] = (float)x[i];
    }
    expect_ok(dc_context_new(NULL, &context));
    expect_ok(dc_device_find(context, "cpu", &cpu));
    params.threads = 1;
    expect_ok(dc_queue_new(context, cpu, &params, &queue));
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static dc_pca_fit_params good(int32_t dtype)
{
    dc_pca_fit_params p = DC_PCA_FIT_PARAMS_INIT;

    p.src = dc_array_host(dtype == DC_F32 ? (void *)x32 : (void *)x, dtype, 2, (int64_t[]){N, D});
    p.components = K;
    return p;
}

/* 1 with a model; 0 where the library has no BLAS, which it must say. */
static int fit(const dc_pca_fit_params *p, dc_model **model)
{
    const dc_status status = dc_pca_fit(queue, p, model);

    if (status == DC_OK)
        return has_blas = 1;
    assert_false(has_blas);
    assert_null(*model);
    assert_true(status == DC_E_UNSUPPORTED || status == DC_E_IO);
    assert_non_null(strstr(dc_last_error(), "libdualcube-blas.so"));
    return 0;
}

static const double *doubles(const dc_model *model, const char *name, int64_t count)
{
    dc_model_entry e = {.struct_size = sizeof e};

    expect_ok(dc_model_find(model, name, DC_MODEL_ARRAY, &e));
    assert_int_equal(e.array.dtype, DC_F64);
    assert_int_equal(dc_array_elements(&e.array), count);
    return e.array.data;
}

/* Jacobi's rotations: eigenvalues of the symmetric a on its diagonal, eigenvectors in rows of v. */
static void jacobi(long double a[D][D], long double v[D][D])
{
    for (int i = 0; i < D; ++i)
        for (int j = 0; j < D; ++j)
            v[i][j] = i == j;
    for (int turn = 0; turn < 60; ++turn)
        for (int p = 0; p < D; ++p)
            for (int q = p + 1; q < D; ++q) {
                const long double angle =
                    a[p][q] == 0 ? 0 : 0.5L * atan2l(2 * a[p][q], a[q][q] - a[p][p]);
                const long double c = cosl(angle), s = sinl(angle);

                for (int i = 0; i < D; ++i) {
                    const long double ip = a[i][p], iq = a[i][q];
                    a[i][p] = c * ip - s * iq;
                    a[i][q] = s * ip + c * iq;
                }
                for (int i = 0; i < D; ++i) {
                    const long double pi = a[p][i], qi = a[q][i], vp = v[p][i], vq = v[q][i];
                    a[p][i] = c * pi - s * qi;
                    a[q][i] = s * pi + c * qi;
                    v[p][i] = c * vp - s * vq;
                    v[q][i] = s * vp + c * vq;
                }
            }
}

/* Covariance in long double; its eigenvalues from the largest down, eigenvectors with our sign. */
static void truth(long double values[D], long double vectors[D][D], long double mean[D])
{
    long double a[D][D] = {{0}}, v[D][D];

    memset(mean, 0, D * sizeof *mean);
    for (int i = 0; i < N * D; ++i)
        mean[i % D] += x[i] / (long double)N;
    for (int r = 0; r < N; ++r)
        for (int i = 0; i < D; ++i)
            for (int j = 0; j < D; ++j)
                a[i][j] += (x[r * D + i] - mean[i]) * (x[r * D + j] - mean[j]) / (N - 1);
    jacobi(a, v);
    for (int k = 0; k < D; ++k) {
        int best = -1, large = 0;

        for (int i = 0; i < D; ++i)
            if (!isnan(a[i][i]) && (best < 0 || a[i][i] > a[best][best]))
                best = i;
        values[k] = a[best][best];
        for (int j = 0; j < D; ++j)
            large = fabsl(v[best][j]) > fabsl(v[best][large]) ? j : large;
        for (int j = 0; j < D; ++j)
            vectors[k][j] = v[best][large] < 0 ? -v[best][j] : v[best][j];
        a[best][best] = (long double)NAN; /* taken */
    }
}

static void fit_against_jacobi(void **state)
{
    const dc_pca_fit_params p = good(DC_F64);
    long double values[D], vectors[D][D], mean[D], total = 0;
    dc_model *model = NULL;

    (void)state;
    if (!fit(&p, &model))
        skip();
    truth(values, vectors, mean);
    for (int i = 0; i < D; ++i)
        total += values[i];
    for (int k = 0; k < K; ++k) {
        const double v = doubles(model, "explained_variance", K)[k];

        assert_true(fabsl(v - values[k]) < 1e-12L * values[0]);
        assert_true(fabsl(doubles(model, "explained_variance_ratio", K)[k] - v / total) < 1e-14L);
        assert_true(fabsl(doubles(model, "singular_values", K)[k] - sqrtl(v * (N - 1))) < 1e-9L);
        for (int j = 0; j < D; ++j)
            assert_true(fabsl(doubles(model, "components", K * D)[k * D + j] - vectors[k][j]) <
                        1e-11L);
    }
    for (int j = 0; j < D; ++j)
        assert_true(fabsl(doubles(model, "mean", D)[j] - mean[j]) < 1e-12L * (1 + fabsl(mean[j])));
    expect_ok(dc_pca_check_model(model));
    dc_model_free(model);
}

static void *bytes_of(const dc_model *model, size_t *size)
{
    void *bytes;

    expect_ok(dc_model_save_bytes(model, NULL, 0, size));
    bytes = malloc(*size);
    assert_non_null(bytes);
    expect_ok(dc_model_save_bytes(model, bytes, *size, size));
    return bytes;
}

/* Any chunks, and the model on the way: the bits of the whole. */
static void chunks_have_the_bits_of_the_whole(void **state)
{
    static const int64_t cuts[] = {0, 1, 2, 255, 256, 511, 512, 513, 699, 700};

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
        const dc_pca_fit_params p = good(dtype);
        dc_model *whole = NULL, *model = NULL;
        dc_pca_state *s = NULL;
        size_t size, other;
        void *a, *b;

        if (!fit(&p, &whole))
            skip();
        expect_ok(dc_pca_state_new(&p, &s));
        for (int i = 0; i + 1 < (int)(sizeof cuts / sizeof *cuts); ++i) {
            dc_array part = p.src;

            part.offset = cuts[i] * D;
            part.shape[0] = cuts[i + 1] - cuts[i];
            expect_ok(dc_pca_state_update(s, queue, &part));
            assert_int_equal(dc_pca_state_rows(s), cuts[i + 1]);
            if (cuts[i + 1] > K) {
                dc_model_free(model);
                expect_ok(dc_pca_state_result(s, queue, &model));
            }
        }
        a = bytes_of(whole, &size);
        b = bytes_of(model, &other);
        assert_int_equal(size, other);
        assert_memory_equal(a, b, size);
        free(a);
        free(b);
        dc_pca_state_free(s);
        dc_model_free(model);
        dc_model_free(whole);
    }
}

/* A saved model scores with the same bits. */
static void a_model_scores(void **state)
{
    const dc_pca_fit_params p = good(DC_F64);
    dc_pca_params call = DC_PCA_PARAMS_INIT;
    dc_model *model = NULL, *read = NULL;
    double memory[256], again[N];
    size_t size = 0;
    void *bytes;

    (void)state;
    if (!fit(&p, &model))
        skip();
    for (int turn = 0; turn < 2; ++turn) {
        expect_ok(dc_pca_from_model(turn ? read : model, DC_PCA_MONITOR, DC_F64, 0, NULL, 0, &size,
                                    &call));
        assert_true(size <= sizeof memory);
        expect_ok(dc_pca_from_model(turn ? read : model, DC_PCA_MONITOR, DC_F64, 0, memory, size,
                                    NULL, &call));
        call.src = p.src;
        call.t2 = dc_array_host(turn ? again : t2, DC_F64, 1, (int64_t[]){N});
        call.spe = dc_array_host(spe, DC_F64, 1, (int64_t[]){N});
        expect_ok(dc_pca(queue, &call, NULL));
        if (turn)
            break;
        bytes = bytes_of(model, &size);
        expect_ok(dc_model_load_bytes(bytes, size, &read));
        free(bytes);
        call = (dc_pca_params)DC_PCA_PARAMS_INIT;
    }
    assert_memory_equal(t2, again, sizeof t2);
    /* In float32 with the rounded model. */
    call = (dc_pca_params)DC_PCA_PARAMS_INIT;
    expect_ok(
        dc_pca_from_model(read, DC_PCA_MONITOR, DC_F32, 1, memory, sizeof memory, NULL, &call));
    assert_int_equal(call.component_scale.shape[0], K);
    call.src = dc_array_host(x32, DC_F32, 2, (int64_t[]){N, D});
    call.t2 = dc_array_host(t232, DC_F32, 1, (int64_t[]){N});
    expect_ok(dc_pca(queue, &call, NULL));
    for (int i = 0; i < N; ++i)
        assert_true(fabs((double)t232[i] - t2[i]) < 1e-3 * (1 + t2[i]));
    expect_error(dc_pca_from_model(model, DC_PCA_MONITOR, DC_F64, 0, memory, 8, &size, &call),
                 DC_E_ARGUMENT, "room is 8 bytes", NULL);
    expect_error(dc_pca_from_model(model, 9, DC_F64, 0, NULL, 0, &size, &call), DC_E_ARGUMENT,
                 "kind is 9", NULL);
    expect_error(dc_pca_from_model(model, 0, DC_I8, 0, NULL, 0, &size, &call), DC_E_ARGUMENT,
                 "dtype is", NULL);
    dc_model_free(model);
    dc_model_free(read);
}

/* The numbers of statistical tables (F, beta, chi squared, normal), to 1e-9. */
static void limits_of_a_model(void **state)
{
    static const double components[4] = {1, 0, 0, 1}, variance[2] = {2, 1}, mean[2] = {0, 0};
    dc_pca_limits l = DC_PCA_LIMITS_INIT;
    dc_array array = dc_array_host(components, DC_F64, 2, (int64_t[]){2, 2});
    dc_model *model = NULL;

    (void)state;
    expect_ok(dc_model_new("pca", &model));
    expect_error(dc_pca_limits_at(model, 0.95, &l), DC_E_ARGUMENT, "components", NULL);
    expect_ok(dc_model_set_array(model, "components", &array));
    array = dc_array_host(variance, DC_F64, 1, (int64_t[]){2});
    expect_ok(dc_model_set_array(model, "explained_variance", &array));
    array.data = (void *)(uintptr_t)mean;
    expect_ok(dc_model_set_array(model, "mean", &array));
    expect_ok(dc_model_set_number(model, "n_samples", 12));
    expect_ok(dc_model_set_number(model, "theta1", 3));
    expect_ok(dc_model_set_number(model, "theta2", 5));
    expect_error(dc_pca_limits_at(model, 0.95, &l), DC_E_ARGUMENT, "theta3", NULL);
    expect_ok(dc_model_set_number(model, "theta3", 9));
    expect_ok(dc_pca_limits_at(model, 0.95, &l));
    /* F(0.95; 2, 10) = 4.102821015, chi2(0.95; 2) = -2 ln 0.05, Beta(1, 4.5): 1 - 0.05^(1/4.5) */
    assert_true(fabs(l.t2_f - 2 * 11.0 * 13 / (12 * 10) * 4.10282101513040) < 1e-9);
    assert_true(fabs(l.t2_chi2 + 2 * log(0.05)) < 1e-9);
    assert_true(fabs(l.t2_beta - 121.0 / 12 * (1 - pow(0.05, 1 / 4.5))) < 1e-9);
    /* theta1 (1 + ...)^(1/h0) with h0 = 1 - 2 * 3 * 9 / (3 * 25) = 0.28, z = 1.6448536269514722 */
    assert_true(fabs(l.spe_jackson - 3 * pow(1.6448536269514722 * sqrt(2 * 5 * 0.0784) / 3 + 1 +
                                                 5 * 0.28 * -0.72 / 9,
                                             1 / 0.28)) < 1e-9);
    assert_int_equal(l.jackson, 1);
    expect_ok(dc_model_set_number(model, "theta3", 100)); /* h0 below 0 */
    expect_ok(dc_pca_limits_at(model, 0.95, &l));
    assert_true(isnan(l.spe_jackson) && l.jackson == 0 && l.spe == l.spe_box && l.spe_box > 0);
    expect_error(dc_pca_limits_at(model, 1, &l), DC_E_ARGUMENT, "confidence is 1", NULL);
    l.struct_size = 4;
    expect_error(dc_pca_limits_at(model, 0.5, &l), DC_E_ARGUMENT, "struct_size", NULL);
    expect_ok(dc_pca_check_model(model));
    array.data = (void *)(uintptr_t)components; /* 1, 0: falls to 0, which is fine; then it rises */
    expect_ok(dc_model_set_array(model, "explained_variance", &array));
    expect_ok(dc_pca_check_model(model));
    array.data = (void *)(uintptr_t)(components + 2);
    expect_ok(dc_model_set_array(model, "explained_variance", &array));
    expect_error(dc_pca_check_model(model), DC_E_ARGUMENT, "must not rise", NULL);
    dc_model_free(model);
}

static void bad_fits(void **state)
{
    dc_pca_fit_params p = good(DC_F64);
    dc_model *model = NULL;

    (void)state;
    expect_error(dc_pca_fit(NULL, &p, &model), DC_E_ARGUMENT, "queue is NULL", NULL);
    expect_error(dc_pca_fit(queue, NULL, &model), DC_E_ARGUMENT, "params is NULL", NULL);
    expect_error(dc_pca_fit(queue, &p, NULL), DC_E_ARGUMENT, "out is NULL", NULL);
    p.components = D + 1;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "components is 7", "1 ... 6", NULL);
    p = good(DC_F64);
    p.fraction = 1;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "fraction is 1", NULL);
    p = good(DC_F64);
    p.confidence = 0;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "confidence is 0", NULL);
    p = good(DC_F64);
    p.src.dtype = DC_I32;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "src has dtype", NULL);
    p = good(DC_F64);
    p.src.ndim = 1;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "src has 1 axes", NULL);
    p = good(DC_F64);
    p.struct_size = 8;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "struct_size is 8", NULL);
    p = good(DC_F64);
    for (int64_t rows = 0; rows < 2; ++rows) {
        p.src.shape[0] = rows;
        expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "must have at least 2", NULL);
    }
    p.src.shape[0] = 2;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "components is 3", "1 ... 2", NULL);
    p.src.data = NULL;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "NULL", NULL);
    assert_null(model);
    p = good(DC_F64);
    if (!fit(&p, &model))
        skip();
    dc_model_free(model);
    x[5 * D + 2] = (double)NAN;
    expect_error(dc_pca_fit(queue, &p, &model), DC_E_ARGUMENT, "column 2 of src contains NaN",
                 NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit_against_jacobi), cmocka_unit_test(chunks_have_the_bits_of_the_whole),
        cmocka_unit_test(a_model_scores),     cmocka_unit_test(limits_of_a_model),
        cmocka_unit_test(bad_fits),
    };
    return cmocka_run_group_tests_name("api: pca", tests, open_library, close_library);
}

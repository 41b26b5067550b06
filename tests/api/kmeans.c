/* Bad input of dc_kmeans() and dc_kmeans_fit(): one sentence naming argument, value and limit,
 * outputs untouched. */
#include "tests/api/api.h"

enum { N = 70, D = 3, K = 2, B = 2 };

static dc_context *context;
static dc_queue *queue;

static double rows[N][D], packed[B * D * 64], centers[K][D], weights[N], far[N * K];
static int32_t labels[N], labels_out[N];
static int64_t state[K + 1][2 + 2 * D], sums[K + 1][2 + 2 * D];
static const int64_t exponents[D] = {10, 10, 10};

static dc_array dense(const void *data, int32_t dtype, int32_t ndim, int64_t a, int64_t b,
                      int64_t c)
{
    const int64_t shape[] = {a, b, c};
    return dc_array_host(data, dtype, ndim, shape);
}

static dc_kmeans_params good(int32_t kind)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;

    p.kind = kind;
    p.src = dense(packed, DC_F64, 3, B, D, 64);
    p.centers = dense(centers, DC_F64, 2, K, D, 0);
    p.rows = N;
    if (kind == DC_KMEANS_PACK) {
        p.src = dense(rows, DC_F64, 2, N, D, 0);
        p.centers = dense(centers, DC_F64, 1, D, 0, 0);
        p.dst = dense(packed, DC_F64, 3, B, D, 64);
    } else if (kind == DC_KMEANS_ASSIGN) {
        p.labels = dense(labels, DC_I32, 1, N, 0, 0);
        p.weights = dense(weights, DC_F64, 1, N, 0, 0);
        p.state = dense(state, DC_I64, 2, K + 1, 2 + 2 * D, 0);
        p.sums = dense(sums, DC_I64, 2, K + 1, 2 + 2 * D, 0);
        p.dst = dense(labels_out, DC_I32, 1, N, 0, 0);
        p.exponents = (dc_int64s){exponents, D};
    } else if (kind == DC_KMEANS_TRANSFORM) {
        p.dst = dense(far, DC_F64, 2, N, K, 0);
    } else if (kind == DC_KMEANS_SILHOUETTE) {
        p.state = dense(state, DC_I64, 1, K + 1, 0, 0);
        p.dst = dense(far, DC_F64, 1, N, 0, 0);
    }
    return p;
}

static void refuse(dc_kmeans_params p, const char *one, const char *two)
{
    expect_error(dc_kmeans(queue, &p, NULL), DC_E_ARGUMENT, "kmeans", one, two, NULL);
}

#define REFUSE(kind, change, one, two)                                                             \
    do {                                                                                           \
        dc_kmeans_params p = good(kind);                                                           \
        change;                                                                                    \
        refuse(p, one, two);                                                                       \
    } while (0)

static void bad_passes(void **unused)
{
    static const int32_t kinds[] = {DC_KMEANS_PACK, DC_KMEANS_ASSIGN, DC_KMEANS_TRANSFORM,
                                    DC_KMEANS_SILHOUETTE};

    (void)unused;
    for (int i = 0; i < 4; ++i) {
        const dc_kmeans_params p = good(kinds[i]);
        expect_ok(dc_kmeans(queue, &p, NULL));
    }
    memset(labels_out, 7, sizeof labels_out);
    memset(sums, 7, sizeof sums);
    REFUSE(DC_KMEANS_PACK, p.kind = 8, "kind is 8", "0 to 7");
    REFUSE(DC_KMEANS_PACK, p.src.ndim = 3, "src has 3 axes", "2");
    REFUSE(DC_KMEANS_PACK, p.src.dtype = DC_I32, "src has dtype", "float32");
    REFUSE(DC_KMEANS_PACK, p.centers.shape[0] = 2, "centers.shape[0] is 2", "3");
    REFUSE(DC_KMEANS_PACK, p.dst.shape[0] = 1, "dst.shape[0] is 1", "2");
    REFUSE(DC_KMEANS_PACK, p.dst.data = rows, "overlaps", "src");
    REFUSE(DC_KMEANS_PACK, p.scale_exponent = 3000, "scale_exponent is 3000", "2000");
    REFUSE(DC_KMEANS_ASSIGN, p.src.shape[2] = 32, "src has", "64");
    REFUSE(DC_KMEANS_ASSIGN, p.rows = 200, "rows is 200", "2 blocks");
    REFUSE(DC_KMEANS_ASSIGN, p.rows = 64, "rows is 64", "2 blocks");
    REFUSE(DC_KMEANS_ASSIGN, p.rows = -1, "rows is -1", "blocks");
    REFUSE(DC_KMEANS_ASSIGN, p.centers.shape[0] = 0, "centers.shape[0] is 0", "1 to");
    REFUSE(DC_KMEANS_ASSIGN, p.centers.dtype = DC_F32, "centers has dtype", "float64");
    REFUSE(DC_KMEANS_ASSIGN, p.centers.stride[0] = 4, "centers has gaps", "row-major");
    REFUSE(DC_KMEANS_ASSIGN, p.labels.dtype = DC_I64, "labels has dtype", "int32");
    REFUSE(DC_KMEANS_ASSIGN, p.weights.shape[0] = 5, "weights.shape[0] is 5", "70");
    REFUSE(DC_KMEANS_ASSIGN, p.state.shape[1] = 5, "state.shape[1] is 5", "8");
    REFUSE(DC_KMEANS_ASSIGN, p.sums.shape[0] = 2, "sums.shape[0] is 2", "3");
    REFUSE(DC_KMEANS_ASSIGN, p.sums.data = state, "sums overlaps", "state");
    REFUSE(DC_KMEANS_ASSIGN, p.exponents.count = 2, "exponents has 2", "3");
    REFUSE(DC_KMEANS_ASSIGN, p.weight_exponent = -3000, "weight_exponent is -3000", "2000");
    REFUSE(DC_KMEANS_ASSIGN, p.exponent = 2001, "exponent is 2001", "2000");
    REFUSE(DC_KMEANS_TRANSFORM, p.dst.ndim = 1, "dst has 1 axes", "2");
    REFUSE(DC_KMEANS_SILHOUETTE, p.state.shape[0] = 1, "state has", "at least 2");
    REFUSE(DC_KMEANS_TRANSFORM, p.struct_size = 3, "struct_size", "3");
    for (size_t i = 0; i < sizeof labels_out; ++i)
        assert_int_equal(((const unsigned char *)labels_out)[i], 7);
    for (size_t i = 0; i < sizeof sums; ++i)
        assert_int_equal(((const unsigned char *)sums)[i], 7);
}

/* No rows: the sums are those of before, or of nothing. */
static void no_rows(void **unused)
{
    dc_kmeans_params p = good(DC_KMEANS_ASSIGN);

    (void)unused;
    p.rows = 0;
    p.src.shape[0] = p.labels.shape[0] = p.weights.shape[0] = p.dst.shape[0] = 0;
    state[1][2] = 42;
    expect_ok(dc_kmeans(queue, &p, NULL));
    assert_memory_equal(state, sums, sizeof sums);
    memset(state, 0, sizeof state);
}

static dc_kmeans_fit_params good_fit(void)
{
    dc_kmeans_fit_params p = DC_KMEANS_FIT_PARAMS_INIT;

    p.clusters = K;
    p.src = dense(rows, DC_F64, 2, N, D, 0);
    p.weights = dense(weights, DC_F64, 1, N, 0, 0);
    p.start = dense(far, DC_F64, 2, K, D, 0);
    p.centers = dense(centers, DC_F64, 2, K, D, 0);
    p.labels = dense(labels_out, DC_I32, 1, N, 0, 0);
    return p;
}

static void refuse_fit(dc_kmeans_fit_params p, const char *one, const char *two)
{
    expect_error(dc_kmeans_fit(queue, &p), DC_E_ARGUMENT, "kmeans", one, two, NULL);
    assert_true(p.inertia == 0 && p.iterations == 0);
}

#define REFUSE_FIT(change, one, two)                                                               \
    do {                                                                                           \
        dc_kmeans_fit_params p = good_fit();                                                       \
        change;                                                                                    \
        refuse_fit(p, one, two);                                                                   \
    } while (0)

static void bad_fits(void **unused)
{
    (void)unused;
    for (int i = 0; i < N; ++i)
        weights[i] = rows[i][0] = i + 1;
    memset(labels_out, 7, sizeof labels_out);
    REFUSE_FIT(p.clusters = 71, "clusters is 71", "70");
    REFUSE_FIT(p.clusters = 0, "clusters is 0", "1");
    REFUSE_FIT(p.tol = -1, "tol is -1", "0");
    REFUSE_FIT(p.tol = (double)NAN, "tol is", "finite");
    REFUSE_FIT(p.init = 3, "init is 3", "2");
    REFUSE_FIT(p.runs = 0, "runs is 0", "1");
    REFUSE_FIT(p.max_iter = 0, "max_iter is 0", "1");
    REFUSE_FIT(p.trials = -1, "trials is -1", "0");
    REFUSE_FIT(p.src.ndim = 1, "src has 1 axes", "2");
    REFUSE_FIT(p.src.shape[0] = 0, "src has", "a row");
    REFUSE_FIT((p.init = DC_KMEANS_GIVEN, p.start.shape[0] = 1), "start has", "(2, 3)");
    REFUSE_FIT((p.init = DC_KMEANS_GIVEN, p.start.dtype = DC_F32), "start has dtype", "float64");
    REFUSE_FIT(p.centers.shape[0] = 3, "centers.shape[0] is 3", "2");
    REFUSE_FIT(p.labels.dtype = DC_I64, "labels has dtype", "int32");
    REFUSE_FIT(p.weights.shape[0] = 4, "weights has", "70");
    REFUSE_FIT(p.centers.data = rows, "overlaps", "src");
    REFUSE_FIT(p.struct_size = 8, "struct_size is 8", "must be");
    weights[1] = -1;
    REFUSE_FIT((void)p, "weights has -1", "at least 0");
    weights[1] = (double)INFINITY;
    REFUSE_FIT((void)p, "weights contains", "row 1");
    memset(weights, 0, sizeof weights);
    REFUSE_FIT((void)p, "every weight is zero", "above 0");
    rows[2][1] = (double)NAN;
    REFUSE_FIT(p.weights.ndim = 0, "src contains NaN", "row 2, column 1 is nan");
    rows[2][1] = 0;
    far[4] = (double)INFINITY;
    REFUSE_FIT((p.weights.ndim = 0, p.init = DC_KMEANS_GIVEN), "start contains",
               "row 1, column 1 is inf");
    for (size_t i = 0; i < sizeof labels_out; ++i)
        assert_int_equal(((const unsigned char *)labels_out)[i], 7);
}

static int open_all(void **unused)
{
    (void)unused;
    context = cpu_context();
    queue = open_queue(context, "cpu", -1, 1);
    return 0;
}

static int close_all(void **unused)
{
    (void)unused;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_passes),
        cmocka_unit_test(no_rows),
        cmocka_unit_test(bad_fits),
    };
    return cmocka_run_group_tests_name("api_kmeans", tests, open_all, close_all);
}

/* The core carries what later families need: one private call with every kind of step, on the CPU
 * and on every OpenCL device, from host memory and from device memory, with a saved model and a
 * mergeable state; and the two library steps on their own against direct sums in long double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dualcube/dualcube.h"
#include "tests/core/probe/family.h"

enum { ROWS = 9, N = 30, BINS = N / 2 + 1, SCORES = 5, MOST_DEVICES = 8 };

static dc_context *context;
static dc_queue *queues[MOST_DEVICES];
static int nqueues; /* the CPU first, then every usable OpenCL device */
static double inputs[PROBE_INPUTS][ROWS * N];
static float narrow[PROBE_INPUTS][ROWS * N];
static probe_model model;

static void must(dc_status status)
{
    if (status != DC_OK)
        print_error("%s: %s\n", dc_status_name(status), dc_last_error());
    assert_int_equal(status, DC_OK);
}

static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53 - 0.5;
}

static int open_all(void **state)
{
    uint64_t seed = 11;
    const int32_t n = dc_context_new(NULL, &context) == DC_OK ? dc_device_count(context) : 0;

    (void)state;
    if (n == 0 || dc__family_register(probe_family()) != DC_OK)
        return -1;
    for (int32_t i = 0; i < n && nqueues < MOST_DEVICES; ++i) {
        dc_device *device;
        dc_device_info info = {.struct_size = sizeof info};
        dc_queue_params how = DC_QUEUE_PARAMS_INIT;
        if (dc_device_at(context, i, &device) != DC_OK || dc_device_check(device, &info) != DC_OK ||
            !info.usable || !info.fp64)
            continue;
        if (info.kind == DC_DEVICE_OPENCL) /* a fallback must not pass for the device */
            how.policy = DC_POLICY_DEVICE_OR_FAIL;
        if (dc_queue_new(context, device, &how, &queues[nqueues]) != DC_OK)
            return -1;
        ++nqueues;
    }
    for (int i = 0; i < PROBE_INPUTS; ++i)
        for (int k = 0; k < ROWS * N; ++k) {
            inputs[i][k] = (float)(100.0 * noise(&seed));
            narrow[i][k] = (float)inputs[i][k];
        }
    model = (probe_model){.bins = BINS, .outputs = SCORES};
    model.projection = malloc(sizeof(double) * BINS * SCORES);
    for (int i = 0; i < PROBE_INPUTS; ++i)
        model.weight[i] = (float)noise(&seed);
    for (int i = 0; i < BINS * SCORES; ++i)
        model.projection[i] = (float)noise(&seed);
    return model.projection ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < nqueues; ++i)
        dc_queue_free(queues[i]);
    dc_context_free(context);
    probe_model_free(&model);
    return 0;
}

/* ---- one digest, rows first ... last - 1 ---- */

typedef struct digest {
    union {
        float f32[ROWS * N];
        double f64[ROWS * N];
    } mixed;
    union {
        float f32[ROWS * SCORES];
        double f64[ROWS * SCORES];
    } scores;
    double state[PROBE_STATE];
} digest;

static probe_params digest_params(int32_t dtype, int first, int last, const probe_model *m,
                                  digest *out)
{
    const int64_t shape[] = {last - first, N}, scores[] = {last - first, SCORES},
                  four[] = {PROBE_STATE};
    probe_params p = probe_params_init();

    for (int i = 0; i < PROBE_INPUTS; ++i)
        p.in[i] = dtype == DC_F64 ? dc_array_host(inputs[i] + first * N, dtype, 2, shape)
                                  : dc_array_host(narrow[i] + first * N, dtype, 2, shape);
    memset(out, 0x5a, sizeof *out);
    p.out[0] = dc_array_host(&out->mixed, dtype, 2, shape);
    p.out[1] = dc_array_host(&out->scores, dtype, 2, scores);
    p.out[2] = dc_array_host(out->state, DC_F64, 1, four);
    p.model = m;
    return p;
}

static void run_host(dc_queue *queue, int32_t dtype, int first, int last, const probe_model *m,
                     digest *out)
{
    const probe_params p = digest_params(dtype, first, last, m, out);

    must(dc_op_call(queue, PROBE_DIGEST, &p, NULL));
}

static dc_buffer *upload(dc_queue *queue, const dc_array *array, dc_array *device)
{
    const size_t bytes = (size_t)dc_array_elements(array) * dc_dtype_bytes(array->dtype);
    dc_buffer *buffer;

    must(dc_buffer_new(queue, bytes + 64, &buffer));
    *device = dc_array_device(buffer, array->dtype, array->ndim, array->shape);
    device->offset = 3; /* not at the buffer's start */
    must(dc_buffer_write(queue, buffer, 3 * dc_dtype_bytes(array->dtype), array->data, bytes));
    return buffer;
}

static void run_resident(dc_queue *queue, int32_t dtype, const probe_model *m, digest *out)
{
    const probe_params host = digest_params(dtype, 0, ROWS, m, out);
    probe_params p = host;
    dc_buffer *in[PROBE_INPUTS], *result[PROBE_OUTPUTS];
    dc_run_info info = {.struct_size = sizeof info};
    dc_event *done;

    for (int i = 0; i < PROBE_INPUTS; ++i)
        in[i] = upload(queue, &host.in[i], &p.in[i]);
    for (int i = 0; i < PROBE_OUTPUTS; ++i)
        result[i] = upload(queue, &host.out[i], &p.out[i]);
    must(dc_op_call(queue, PROBE_DIGEST, &p, &done));
    must(dc_event_wait(done));
    dc_event_free(done);
    must(dc_queue_last_run(queue, &info));
    assert_int_equal(info.steps, 6);
    for (int i = 0; i < PROBE_OUTPUTS; ++i) {
        const size_t width = dc_dtype_bytes(p.out[i].dtype);
        must(dc_buffer_read(queue, result[i], 3 * width, host.out[i].data,
                            (size_t)dc_array_elements(&host.out[i]) * width));
        dc_buffer_free(result[i]);
    }
    for (int i = 0; i < PROBE_INPUTS; ++i)
        dc_buffer_free(in[i]);
}

/* |rfft(mixed)|^2 projection, directly. */
static long double reference_score(const digest *d, int32_t dtype, int row, int column,
                                   long double *scale)
{
    long double sum = 0;

    *scale = 0;
    for (int k = 0; k < BINS; ++k) {
        long double complex x = 0;
        for (int t = 0; t < N; ++t) {
            const long double v = dtype == DC_F64 ? d->mixed.f64[row * N + t]
                                                  : (long double)d->mixed.f32[row * N + t];
            x += v * cexpl(-2 * acosl(-1) * I * (k * t % N) / N);
        }
        const long double power = creall(x * conjl(x));
        sum += power * model.projection[k * SCORES + column];
        *scale += power * fabsl((long double)model.projection[k * SCORES + column]);
    }
    return sum;
}

static void check_digest(const digest *d, const digest *expected, int32_t dtype)
{
    const size_t width = dtype == DC_F64 ? 8 : 4;
    const long double eps = dtype == DC_F64 ? DBL_EPSILON : FLT_EPSILON;

    assert_memory_equal(&d->mixed, &expected->mixed, ROWS * N * width);
    assert_memory_equal(d->state, expected->state, sizeof d->state);
    for (int r = 0; r < ROWS; ++r)
        for (int c = 0; c < SCORES; ++c) {
            long double scale;
            const long double want = reference_score(d, dtype, r, c, &scale);
            const long double got = dtype == DC_F64 ? d->scores.f64[r * SCORES + c]
                                                    : (long double)d->scores.f32[r * SCORES + c];
            /* powers carry twice the transform's 8 eps, the product of BINS terms its own */
            assert_true(fabsl(got - want) <= (16 + BINS) * eps * scale);
        }
}

static void digest_everywhere(void **unused)
{
    const int32_t dtypes[] = {DC_F32, DC_F64};

    (void)unused;
    assert_true(nqueues >= 1);
    for (int k = 0; k < 2; ++k) {
        static digest expected, d;
        run_host(queues[0], dtypes[k], 0, ROWS, &model, &expected);
        for (int q = 0; q < nqueues; ++q) {
            run_host(queues[q], dtypes[k], 0, ROWS, &model, &d);
            check_digest(&d, &expected, dtypes[k]);
            run_resident(queues[q], dtypes[k], &model, &d);
            check_digest(&d, &expected, dtypes[k]);
        }
    }
}

/* Column-major, negative and broadcast inputs and a strided output: the plan's strides decide. */
static void digest_strided(void **unused)
{
    static digest plain, d;
    static double turned[N * ROWS], backward[ROWS * N], wide[ROWS * 2 * N];

    (void)unused;
    run_host(queues[0], DC_F64, 0, ROWS, &model, &plain);
    for (int r = 0; r < ROWS; ++r)
        for (int t = 0; t < N; ++t) {
            turned[t * ROWS + r] = inputs[1][r * N + t];
            backward[r * N + N - 1 - t] = inputs[2][r * N + t];
        }
    for (int q = 0; q < nqueues; ++q) {
        probe_params p = digest_params(DC_F64, 0, ROWS, &model, &d);
        p.in[1].data = turned;
        p.in[1].stride[0] = 1;
        p.in[1].stride[1] = ROWS;
        p.in[2].data = backward;
        p.in[2].offset = N - 1;
        p.in[2].stride[1] = -1;
        p.out[0].data = wide;
        p.out[0].stride[0] = 2 * N;
        p.out[0].stride[1] = 2;
        for (int i = 0; i < ROWS * 2 * N; ++i)
            wide[i] = -7.0;
        must(dc_op_call(queues[q], PROBE_DIGEST, &p, NULL));
        for (int i = 0; i < ROWS * N; ++i) {
            assert_true(wide[2 * i] == plain.mixed.f64[i]);
            assert_true(wide[2 * i + 1] == -7.0); /* gaps of an output stay as they were */
        }
        assert_memory_equal(d.state, plain.state, sizeof d.state);
    }
}

static void state_merges_in_any_order(void **unused)
{
    static const int cut[] = {0, 2, 3, ROWS};
    static const int order[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {2, 1, 0}};
    static digest whole, part[3];

    (void)unused;
    run_host(queues[0], DC_F64, 0, ROWS, &model, &whole);
    for (int i = 0; i < 3; ++i)
        run_host(queues[i % nqueues], DC_F64, cut[i], cut[i + 1], &model, &part[i]);
    for (size_t o = 0; o < sizeof order / sizeof *order; ++o) {
        double state[PROBE_STATE] = {0};
        for (int i = 0; i < 3; ++i)
            probe_state_merge(state, part[order[o][i]].state);
        assert_memory_equal(state, whole.state, sizeof state);
    }
}

static void saved_model_gives_the_same_bits(void **unused)
{
    static digest before, after;
    char path[] = "/tmp/dualcube-probe-XXXXXX";
    probe_model loaded;
    const int fd = mkstemp(path);
    FILE *file;

    (void)unused;
    assert_true(fd >= 0);
    close(fd);
    must(probe_model_save(&model, path));
    must(probe_model_load(&loaded, path));
    for (int q = 0; q < nqueues; ++q) {
        run_host(queues[q], DC_F32, 0, ROWS, &model, &before);
        run_host(queues[q], DC_F32, 0, ROWS, &loaded, &after);
        assert_memory_equal(&before, &after, sizeof before);
    }
    probe_model_free(&loaded);
    file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 100, SEEK_SET);
    fputc(0x77, file);
    fclose(file);
    assert_int_equal(probe_model_load(&loaded, path), DC_E_IO);
    assert_non_null(strstr(dc_last_error(), "damaged"));
    unlink(path);
}

/* A failing host function: the text is the function's, nothing is left behind, the next call runs.
 */
static void host_step_may_fail(void **unused)
{
    static digest d, good;

    (void)unused;
    for (int q = 0; q < nqueues; ++q) {
        const double kept = inputs[0][5];
        const probe_params p = digest_params(DC_F64, 0, ROWS, &model, &d);
        inputs[0][5] = 1e30;
        assert_int_equal(dc_op_call(queues[q], PROBE_DIGEST, &p, NULL), DC_E_ARGUMENT);
        assert_non_null(strstr(dc_last_error(), "the limit is 1e6"));
        inputs[0][5] = kept;
        run_host(queues[q], DC_F64, 0, ROWS, &model, &good);
        check_digest(&good, &good, DC_F64);
    }
}

static void bad_calls_say_why(void **unused)
{
    static digest d;
    probe_params p = digest_params(DC_F64, 0, ROWS, &model, &d);
    const double untouched = d.state[0];

    (void)unused;
    assert_int_equal(dc_op_call(queues[0], PROBE_MIX, &p, NULL), DC_E_UNSUPPORTED);
    p.in[39].dtype = DC_F32;
    assert_int_equal(dc_op_call(queues[0], PROBE_DIGEST, &p, NULL), DC_E_ARGUMENT);
    p.in[39].dtype = DC_F64;
    p.out[0].data = inputs[39];
    assert_int_equal(dc_op_call(queues[0], PROBE_DIGEST, &p, NULL), DC_E_ARGUMENT);
    p.struct_size = 12;
    assert_int_equal(dc_op_call(queues[0], PROBE_DIGEST, &p, NULL), DC_E_ARGUMENT);
    assert_memory_equal(&d.state[0], &untouched, sizeof untouched);
}

/* ---- the FFT step ---- */

enum { MOST_N = 128, BATCH = 3 };

static double value(const void *data, int32_t dtype, int64_t i)
{
    return dtype == DC_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void put(void *data, int32_t dtype, int64_t i, double x)
{
    if (dtype == DC_F64)
        ((double *)data)[i] = x;
    else
        ((float *)data)[i] = (float)x;
}

static void call_fft(dc_queue *queue, int32_t dtype, int direction, int n, const void *in,
                     void *out)
{
    const int64_t half = 2 * (n / 2 + 1), real_shape[] = {BATCH, n}, half_shape[] = {BATCH, half};
    const int forward = direction == DC_FFT_R2C;
    probe_params p = probe_params_init();

    p.in[0] = dc_array_host(in, dtype, 2, forward ? real_shape : half_shape);
    p.out[0] = dc_array_host(out, dtype, 2, forward ? half_shape : real_shape);
    p.fft = (dc_fft_step){direction, n, BATCH};
    must(dc_op_call(queue, PROBE_FFT, &p, NULL));
}

/* Relative L2 distance of a row's half spectrum from the direct transform. */
static double spectrum_error(int32_t dtype, int n, const void *series, const void *spectrum)
{
    long double error = 0, norm = 0;

    for (int k = 0; k <= n / 2; ++k) {
        long double complex x = 0;
        for (int t = 0; t < n; ++t)
            x += value(series, dtype, t) * cexpl(-2 * acosl(-1) * I * (k * t % n) / n);
        norm += creall(x * conjl(x));
        x -= value(spectrum, dtype, 2 * k) + I * value(spectrum, dtype, 2 * k + 1);
        error += creall(x * conjl(x));
    }
    return (double)sqrtl(error / norm);
}

static void check_fft(dc_queue *queue, int32_t dtype, int n)
{
    static _Alignas(8) char series[8 * BATCH * MOST_N], back[8 * BATCH * MOST_N];
    static _Alignas(8) char spectrum[16 * BATCH * MOST_N], alone[16 * BATCH * MOST_N];
    const double bound = 8 * (dtype == DC_F64 ? DBL_EPSILON : (double)FLT_EPSILON);
    const size_t width = dc_dtype_bytes(dtype), row = width * (size_t)n,
                 half = 2 * width * (size_t)(n / 2 + 1);
    uint64_t seed = (uint64_t)n;

    for (int i = 0; i < BATCH * n; ++i)
        put(series, dtype, i, noise(&seed));
    call_fft(queue, dtype, DC_FFT_R2C, n, series, spectrum);
    for (int r = 0; r < BATCH; ++r)
        assert_true(spectrum_error(dtype, n, series + (size_t)r * row,
                                   spectrum + (size_t)r * half) <= bound);
    call_fft(queue, dtype, DC_FFT_C2R, n, spectrum, back);
    for (int i = 0; i < BATCH * n; ++i) /* unscaled both ways */
        assert_true(fabs(value(back, dtype, i) / n - value(series, dtype, i)) <= 2 * bound);
    for (int t = 0; t < n; ++t) /* a poisoned row leaves its neighbours' bits alone */
        put(series, dtype, n + t, (double)NAN);
    call_fft(queue, dtype, DC_FFT_R2C, n, series, alone);
    assert_memory_equal(alone, spectrum, half);
    assert_memory_equal(alone + 2 * half, spectrum + 2 * half, half);
    assert_true(isnan(value(alone + half, dtype, 0)));
}

static void fft_steps(void **unused)
{
    static const int on_cpu[] = {1, 2, 3, 4, 5, 12, 31, 60, 97, 121, 128},
                     elsewhere[] = {1, 12, 97};

    (void)unused;
    for (size_t i = 0; i < sizeof on_cpu / sizeof *on_cpu; ++i) {
        check_fft(queues[0], DC_F32, on_cpu[i]);
        check_fft(queues[0], DC_F64, on_cpu[i]);
    }
    for (int q = 1; q < nqueues; ++q)
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; ++i) {
            check_fft(queues[q], DC_F32, elsewhere[i]);
            check_fft(queues[q], DC_F64, elsewhere[i]);
        }
}

/* ---- the GEMM step ---- */

static void check_gemm(dc_queue *queue, int32_t dtype, const dc_gemm_step *g)
{
    static _Alignas(8) char a[8 * 400], b[8 * 400], c[8 * 400], out[8 * 400];
    const int64_t a_rows = g->transpose_a ? g->k : g->m, b_rows = g->transpose_b ? g->n : g->k,
                  a_shape[] = {a_rows, g->lda}, b_shape[] = {b_rows, g->ldb},
                  c_shape[] = {g->m, g->ldc};
    const double eps = dtype == DC_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    probe_params p = probe_params_init();
    uint64_t seed = 5;

    for (int i = 0; i < 400; ++i) {
        put(a, dtype, i, noise(&seed));
        put(b, dtype, i, noise(&seed));
        put(c, dtype, i, g->beta == 0 ? (double)NAN : noise(&seed));
    }
    p.in[0] = dc_array_host(a, dtype, 2, a_shape);
    p.in[1] = dc_array_host(b, dtype, 2, b_shape);
    p.in[2] = dc_array_host(c, dtype, 2, c_shape);
    p.out[0] = dc_array_host(out, dtype, 2, c_shape);
    p.gemm = *g;
    must(dc_op_call(queue, PROBE_GEMM, &p, NULL));
    for (int64_t i = 0; i < g->m; ++i)
        for (int64_t j = 0; j < g->n; ++j) {
            long double sum = 0, scale = 1;
            for (int64_t k = 0; k < g->k; ++k) {
                const long double x =
                    (long double)value(a, dtype, g->transpose_a ? k * g->lda + i : i * g->lda + k) *
                    value(b, dtype, g->transpose_b ? j * g->ldb + k : k * g->ldb + j);
                sum += x;
                scale += fabsl(x);
            }
            sum *= g->alpha;
            if (g->beta != 0)
                sum += (long double)g->beta * value(c, dtype, i * g->ldc + j);
            assert_true(fabsl(value(out, dtype, i * g->ldc + j) - sum) <= (g->k + 4) * eps * scale);
        }
}

static void gemm_steps(void **unused)
{
    static const dc_gemm_step cases[] = {
        {0, 0, 7, 5, 11, 12, 6, 9, 1.0, 0.0},  {1, 0, 7, 5, 11, 8, 6, 9, 0.5, 1.0},
        {0, 1, 7, 5, 11, 11, 13, 5, 1.0, 2.0}, {1, 1, 3, 4, 2, 3, 2, 4, -1.0, 0.0},
        {0, 0, 1, 1, 1, 1, 1, 1, 1.0, 0.0},    {0, 0, 4, 3, 0, 1, 3, 3, 1.0, 0.0},
        {0, 0, 4, 3, 0, 1, 3, 3, 1.0, 2.0}};

    (void)unused;
    for (int q = 0; q < nqueues; ++q)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
            check_gemm(queues[q], DC_F32, &cases[i]);
            check_gemm(queues[q], DC_F64, &cases[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_everywhere),
        cmocka_unit_test(digest_strided),
        cmocka_unit_test(state_merges_in_any_order),
        cmocka_unit_test(saved_model_gives_the_same_bits),
        cmocka_unit_test(host_step_may_fail),
        cmocka_unit_test(bad_calls_say_why),
        cmocka_unit_test(fft_steps),
        cmocka_unit_test(gemm_steps),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

/* OpenCL devices through the API: discovery, policies, residence, chains, pools, progress. */
#include "tests/api/api.h"

enum { ROWS = 900, COLUMNS = 7 };

static dc_context *context;
static dc_queue *cpu, *queue;
static double *in, *out, *want;
static const int64_t shape[] = {ROWS, COLUMNS};
static const size_t bytes = sizeof(double) * ROWS * COLUMNS;

static dc_array host(double *data)
{
    return dc_array_host(data, DC_F64, 2, shape);
}

static dc_rolling_params call(int32_t kind, dc_array src, dc_array dst)
{
    dc_rolling_params p = rolling_of(kind, 21, src, dst);
    p.min_periods = 5;
    p.q = 0.35;
    return p;
}

/* The CPU's answer, in `want`. */
static void answer(int32_t kind)
{
    const dc_rolling_params p = call(kind, host(in), host(want));
    expect_ok(dc_rolling(cpu, &p, NULL));
}

static int open_all(void **state)
{
    dc_device *device;
    (void)state;
    expect_ok(dc_context_new(NULL, &context));
    in = table_of(ROWS, COLUMNS);
    out = malloc(bytes);
    want = malloc(bytes);
    if (!out || !want)
        return -1;
    cpu = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    if (dc_device_find(context, "opencl", &device) == DC_OK)
        queue = open_queue(context, "opencl", DC_POLICY_DEVICE_OR_FAIL, 1);
    else
        printf("skipped: %s\n", dc_last_error());
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_queue_free(cpu);
    dc_context_free(context);
    free(in);
    free(out);
    free(want);
    return 0;
}

static void needs_a_device(void)
{
    if (!queue)
        skip();
}

static void a_device_is_described(void **state)
{
    (void)state;
    needs_a_device();
    dc_device *device, *again;
    dc_device_info info = {.struct_size = sizeof info};
    expect_ok(dc_device_find(context, "opencl", &device));
    expect_ok(dc_device_get_info(device, &info));
    assert_int_equal(info.kind, DC_DEVICE_OPENCL);
    assert_true(info.usable && info.index >= 1 && *info.name && *info.platform && *info.driver);
    assert_true(info.compute_units >= 1 && info.max_group >= 1);
    assert_true(info.global_bytes > 0 && info.max_alloc_bytes > 0 && info.local_bytes > 0);
    assert_memory_equal(info.id, "opencl:", 7);
    expect_ok(dc_device_find(context, info.id, &again));
    assert_ptr_equal(device, again);
    expect_ok(dc_device_at(context, info.index, &again));
    assert_ptr_equal(device, again);
    expect_ok(dc_device_check(device, &info));
    assert_true((info.checks & DC_CHECK_RAN) && (info.checks & DC_CHECK_CONTRACT_OFF));
    assert_true((info.checks & DC_CHECK_INT64) && (info.checks & DC_CHECK_BARRIER));
    assert_int_equal(!!(info.checks & DC_CHECK_FP64), info.fp64);
}

/* Every row, from host memory: the CPU's bits, and the record of what crossed the link. */
static void host_memory(void **state)
{
    (void)state;
    needs_a_device();
    for (int32_t kind = DC_ROLLING_COUNT; kind <= DC_ROLLING_QUANTILE; kind++) {
        const dc_rolling_params p = call(kind, host(in), host(out));
        const dc_counters before = counters_of(context);
        answer(kind);
        memset(out, 0, bytes);
        expect_ok(dc_rolling(queue, &p, NULL));
        assert_memory_equal(out, want, bytes);
        const dc_counters after = counters_of(context);
        const dc_run_info info = last_run(queue);
        assert_int_equal(info.device_kind, DC_DEVICE_OPENCL);
        assert_int_equal(info.isa, -1);
        assert_true(info.estimated_device_ms > 0.0 && info.measured_ms > 0.0);
        assert_int_equal(info.host_bytes_in, bytes);
        assert_int_equal(info.host_bytes_out, bytes);
        assert_true(after.calls_device == before.calls_device + 1);
        assert_true(after.launches > before.launches);
        assert_true(after.bytes_to_device >= before.bytes_to_device + (int64_t)bytes);
        assert_true(after.bytes_to_host >= before.bytes_to_host + (int64_t)bytes);
    }
}

/* A call from columns of a matrix into others of it: nothing between them changes.  Columns that
 * meet are refused. */
static void columns_of_one_matrix(dc_queue *on)
{
    enum { N = 50, WIDE = 9 };
    double matrix[N][WIDE], before[N][WIDE];
    dc_rolling_params p = call(DC_ROLLING_MAX, host(in), host(out));
    for (int i = 0; i < N; i++)
        for (int k = 0; k < WIDE; k++)
            before[i][k] = matrix[i][k] = (i * 37 + k * 11) % 50;
    p.window = p.min_periods = 2;
    p.src = p.dst = dc_array_host(matrix, DC_F64, 2, (const int64_t[]){N, 3});
    p.src.stride[0] = p.dst.stride[0] = WIDE;
    p.src.offset = 5; /* columns 5 ... 7, backwards the second time */
    p.dst.offset = 1; /* columns 1 ... 3 */
    for (int backwards = 0; backwards < 2; backwards++) {
        expect_ok(dc_rolling(on, &p, NULL));
        for (int i = 1; i < N; i++)
            for (int k = 0; k < WIDE; k++) {
                const int from = backwards ? 8 - k : k + 4;
                const double want_ =
                    k < 1 || k > 3 ? before[i][k] : fmax(before[i - 1][from], before[i][from]);
                assert_true(matrix[i][k] == want_);
            }
        p.src.offset = 7;
        p.src.stride[1] = -1;
    }
    p.src.offset = 5; /* columns 3 ... 5 */
    memcpy(matrix, before, sizeof matrix);
    expect_error(dc_rolling(on, &p, NULL), DC_E_ARGUMENT, "dst overlaps src", NULL);
    p.src.offset = 8; /* columns 8, 0, 1 of two rows: each in a period of its own, but they meet */
    p.src.stride[1] = 1;
    expect_error(dc_rolling(on, &p, NULL), DC_E_ARGUMENT, "dst overlaps src", NULL);
    assert_memory_equal(matrix, before, sizeof matrix);
}

static void between_columns(void **state)
{
    (void)state;
    columns_of_one_matrix(cpu);
    needs_a_device();
    columns_of_one_matrix(queue);
}

/* A chain of three calls on the device: no byte crosses the link between them. */
static void a_resident_chain(void **state)
{
    (void)state;
    needs_a_device();
    static const int32_t kind[] = {DC_ROLLING_MAX, DC_ROLLING_MEAN, DC_ROLLING_STD};
    dc_buffer *buffer[4];
    dc_event *event[3];
    for (int i = 0; i < 4; i++) {
        expect_ok(dc_buffer_new(queue, bytes, &buffer[i]));
        assert_null(dc_buffer_host(buffer[i]));
        assert_int_equal(dc_buffer_bytes(buffer[i]), bytes);
    }
    expect_ok(dc_buffer_write(queue, buffer[0], 0, in, bytes));
    /* Once to build and to place the constant tables, then counted. */
    dc_counters before = counters_of(context);
    for (int round = 0; round < 2; round++) {
        before = counters_of(context);
        for (int i = 0; i < 3; i++) {
            const dc_rolling_params p = call(kind[i], dc_array_device(buffer[i], DC_F64, 2, shape),
                                             dc_array_device(buffer[i + 1], DC_F64, 2, shape));
            expect_ok(dc_rolling(queue, &p, &event[i]));
            assert_int_equal(last_run(queue).host_bytes_in, 0);
            assert_int_equal(last_run(queue).host_bytes_out, 0);
        }
        for (int i = 2; i >= 0; i--) {
            expect_ok(dc_event_wait(event[i]));
            dc_event_free(event[i]);
        }
    }
    const dc_counters after = counters_of(context);
    assert_int_equal(after.bytes_to_device, before.bytes_to_device);
    assert_int_equal(after.bytes_to_host, before.bytes_to_host);
    expect_ok(dc_buffer_read(queue, buffer[3], 0, out, bytes));
    double *step[] = {in, want, malloc(bytes), malloc(bytes)};
    assert_true(step[2] && step[3]);
    for (int i = 0; i < 3; i++) {
        const dc_rolling_params p = call(kind[i], host(step[i]), host(step[i + 1]));
        expect_ok(dc_rolling(cpu, &p, NULL));
    }
    assert_memory_equal(out, step[3], bytes);
    free(step[2]);
    free(step[3]);
    for (int i = 0; i < 4; i++)
        dc_buffer_free(buffer[i]);
}

/* Inputs here and outputs there, and views into the middle of a buffer. */
static void mixed_residence(void **state)
{
    (void)state;
    needs_a_device();
    dc_buffer *buffer;
    answer(DC_ROLLING_SUM);
    expect_ok(dc_buffer_new(queue, 2 * bytes + 64, &buffer));
    dc_array there = dc_array_device(buffer, DC_F64, 2, shape);
    there.offset = 8;
    dc_rolling_params p = call(DC_ROLLING_SUM, host(in), there);
    expect_ok(dc_rolling(queue, &p, NULL));
    expect_ok(dc_buffer_read(queue, buffer, 64, out, bytes));
    assert_memory_equal(out, want, bytes);
    /* Rows backwards, from the end of the buffer's second half. */
    expect_ok(dc_buffer_write(queue, buffer, 64 + bytes, in, bytes));
    p = call(DC_ROLLING_SUM, there, host(out));
    p.src.offset = 8 + 2 * ROWS * COLUMNS - COLUMNS;
    p.src.stride[0] = -COLUMNS;
    expect_ok(dc_rolling(queue, &p, NULL));
    p.src = host(in);
    p.src.offset = (ROWS - 1) * COLUMNS;
    p.src.stride[0] = -COLUMNS;
    p.dst = host(want);
    expect_ok(dc_rolling(cpu, &p, NULL));
    assert_memory_equal(out, want, bytes);
    dc_buffer_free(buffer);
}

static void wrong_residence(void **state)
{
    (void)state;
    needs_a_device();
    dc_buffer *buffer, *stranger;
    dc_context *other;
    expect_ok(dc_buffer_new(queue, bytes, &buffer));
    dc_rolling_params p =
        call(DC_ROLLING_SUM, dc_array_device(buffer, DC_F64, 2, shape), host(out));
    memset(out, 0x44, bytes);
    expect_error(dc_rolling(cpu, &p, NULL), DC_E_ARGUMENT, "opencl:", "CPU", NULL);
    expect_ok(dc_context_new(NULL, &other));
    dc_queue *others = open_queue(other, "opencl", -1, 1);
    expect_ok(dc_buffer_new(others, bytes, &stranger));
    p.src.buffer = stranger;
    expect_error(dc_rolling(queue, &p, NULL), DC_E_ARGUMENT, "another context", NULL);
    p.src = dc_array_device(buffer, DC_F64, 2, shape);
    p.dst = p.src;
    expect_error(dc_rolling(queue, &p, NULL), DC_E_ARGUMENT, "overlaps", NULL);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(((unsigned char *)out)[i], 0x44);
    dc_buffer_free(stranger);
    dc_queue_free(others);
    dc_context_free(other);
    dc_buffer_free(buffer);
}

/* Buffers may be freed and queues closed while calls are under way. */
static void early_goodbyes(void **state)
{
    (void)state;
    needs_a_device();
    dc_event *event[20];
    for (int i = 0; i < 20; i++) {
        dc_queue *own = open_queue(context, "opencl", -1, 1);
        dc_buffer *a, *b;
        expect_ok(dc_buffer_new(own, bytes, &a));
        expect_ok(dc_buffer_new(own, bytes, &b));
        expect_ok(dc_buffer_write(own, a, 0, in, bytes));
        const dc_rolling_params p = call(DC_ROLLING_MEDIAN, dc_array_device(a, DC_F64, 2, shape),
                                         dc_array_device(b, DC_F64, 2, shape));
        expect_ok(dc_rolling(own, &p, &event[i]));
        dc_buffer_free(a);
        dc_buffer_free(b);
        dc_queue_free(own);
    }
    for (int i = 0; i < 20; i++) {
        expect_ok(dc_event_wait(event[i]));
        dc_event_free(event[i]);
    }
    expect_ok(dc_queue_finish(queue));
    assert_int_equal(stats_of(context, DC_POOL_DEVICE).in_use_bytes, 0);
}

static void policies(void **state)
{
    (void)state;
    needs_a_device();
    const dc_rolling_params p = call(DC_ROLLING_MEAN, host(in), host(out));
    dc_op_info op = {.struct_size = sizeof op};
    dc_run_info info = {.struct_size = sizeof info};
    char text[4096];
    static const struct {
        int32_t policy, kind;
    } expected[] = {{DC_POLICY_CPU, DC_DEVICE_CPU},
                    {DC_POLICY_DEVICE, DC_DEVICE_OPENCL},
                    {DC_POLICY_DEVICE_OR_FAIL, DC_DEVICE_OPENCL}};
    answer(DC_ROLLING_MEAN);
    for (int i = 0; i < 3; i++) {
        dc_queue *own = open_queue(context, NULL, expected[i].policy, 1);
        memset(out, 0, bytes);
        expect_ok(dc_rolling(own, &p, NULL));
        info = last_run(own);
        assert_int_equal(info.device_kind, expected[i].kind);
        assert_true(!info.fell_back && strstr(info.reason, "policy"));
        assert_memory_equal(out, want, bytes);
        dc_queue_free(own);
    }
    /* The cheaper one: both estimates are there, and the reason compares them. */
    dc_queue *automatic = open_queue(context, NULL, DC_POLICY_AUTO, 1);
    expect_ok(dc_op_find("rolling_median", &op));
    const int64_t large[] = {4000000, 64};
    dc_rolling_params big = rolling_of(op.kind, 4096, dc_array_host(NULL, DC_F32, 2, large),
                                       dc_array_host(NULL, DC_F32, 2, large));
    expect_ok(dc_op_explain(automatic, op.id, &big, &info, text, sizeof text));
    assert_true(info.estimated_cpu_ms > 0.0 && info.estimated_device_ms > 0.0);
    const int faster = info.estimated_device_ms < info.estimated_cpu_ms;
    assert_int_equal(info.device_kind, faster ? DC_DEVICE_OPENCL : DC_DEVICE_CPU);
    assert_non_null(strstr(info.reason, "against"));
    assert_non_null(strstr(text, info.reason));
    dc_queue_free(automatic);
}

/* Data on a device are computed there, whatever the cost model says. */
static void data_decide(void **state)
{
    (void)state;
    needs_a_device();
    dc_queue *automatic = open_queue(context, NULL, DC_POLICY_AUTO, 1);
    dc_buffer *buffer;
    answer(DC_ROLLING_MIN);
    expect_ok(dc_buffer_new(queue, bytes, &buffer));
    expect_ok(dc_buffer_write(queue, buffer, 0, in, bytes));
    const dc_rolling_params p =
        call(DC_ROLLING_MIN, dc_array_device(buffer, DC_F64, 2, shape), host(out));
    expect_ok(dc_rolling(automatic, &p, NULL));
    assert_int_equal(last_run(automatic).device_kind, DC_DEVICE_OPENCL);
    assert_non_null(strstr(last_run(automatic).reason, "data"));
    assert_memory_equal(out, want, bytes);
    dc_buffer_free(buffer);
    dc_queue_free(automatic);
}

/* A cap on device memory: an error where the device must, the CPU where it may. */
static void device_memory_has_a_cap(void **state)
{
    (void)state;
    needs_a_device();
    dc_context *own;
    dc_buffer *buffer = NULL;
    const dc_rolling_params p = call(DC_ROLLING_MAX, host(in), host(out));
    expect_ok(dc_context_new(NULL, &own));
    dc_queue *strict = open_queue(own, NULL, DC_POLICY_DEVICE_OR_FAIL, 1);
    dc_queue *lenient = open_queue(own, NULL, DC_POLICY_DEVICE, 1);
    expect_ok(dc_rolling(strict, &p, NULL));
    expect_ok(dc_pool_trim(own, DC_POOL_DEVICE));
    assert_int_equal(stats_of(own, DC_POOL_DEVICE).cached_bytes, 0);
    expect_ok(dc_pool_set_cap(own, DC_POOL_DEVICE, 4096));
    expect_error(dc_buffer_new(strict, 100000, &buffer), DC_E_MEMORY, "device pool", "cap of 4096",
                 NULL);
    assert_null(buffer);
    memset(out, 0x22, bytes);
    expect_error(dc_rolling(strict, &p, NULL), DC_E_MEMORY, "cap of 4096", NULL);
    assert_int_equal(((unsigned char *)out)[0], 0x22);
    answer(DC_ROLLING_MAX);
    expect_ok(dc_rolling(lenient, &p, NULL));
    assert_memory_equal(out, want, bytes);
    assert_int_equal(last_run(lenient).fell_back, 1);
    assert_int_equal(last_run(lenient).device_kind, DC_DEVICE_CPU);
    assert_int_equal(counters_of(own).fallbacks, 1);
    expect_ok(dc_pool_set_cap(own, DC_POOL_DEVICE, 0));
    expect_ok(dc_rolling(strict, &p, NULL));
    dc_queue_free(strict);
    dc_queue_free(lenient);
    dc_context_free(own);
}

static int stop(int64_t done, int64_t total, void *user)
{
    ++*(int *)user;
    return done > total; /* never, unless the numbers are wrong */
}

static int stop_now(int64_t done, int64_t total, void *user)
{
    (void)done;
    (void)total;
    ++*(int *)user;
    return 1;
}

static void progress_and_cancel(void **state)
{
    (void)state;
    needs_a_device();
    int calls = 0;
    dc_queue *own = open_queue(context, "opencl", DC_POLICY_DEVICE_OR_FAIL, 1);
    const dc_rolling_params p = call(DC_ROLLING_QUANTILE, host(in), host(out));
    expect_ok(dc_queue_set_progress(own, stop, &calls));
    expect_ok(dc_rolling(own, &p, NULL));
    assert_true(calls >= 1);
    calls = 0;
    expect_ok(dc_queue_set_progress(own, stop_now, &calls));
    expect_error(dc_rolling(own, &p, NULL), DC_E_CANCELLED, "cancelled", NULL);
    assert_int_equal(calls, 1);
    expect_ok(dc_queue_set_progress(own, NULL, NULL));
    answer(DC_ROLLING_QUANTILE);
    expect_ok(dc_rolling(own, &p, NULL));
    assert_memory_equal(out, want, bytes);
    dc_queue_free(own);
}

static void empty_calls_start_nothing(void **state)
{
    (void)state;
    needs_a_device();
    const int64_t none[] = {0, COLUMNS};
    const dc_counters before = counters_of(context);
    dc_event *event;
    const dc_rolling_params p = call(DC_ROLLING_MEAN, dc_array_host(NULL, DC_F64, 2, none),
                                     dc_array_host(NULL, DC_F64, 2, none));
    expect_ok(dc_rolling(queue, &p, &event));
    assert_non_null(event);
    expect_ok(dc_event_wait(event));
    dc_event_free(event);
    assert_int_equal(counters_of(context).launches, before.launches);
}

static void a_trace_shows_the_device(void **state)
{
    (void)state;
    needs_a_device();
    char path[] = "/tmp/dualcube-device-XXXXXX", *text = calloc(1, 1 << 18);
    dc_context *own;
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && text);
    expect_ok(dc_context_new(NULL, &own));
    expect_ok(dc_trace_start(own));
    dc_queue *fresh = open_queue(own, "opencl", -1, 1);
    const dc_rolling_params p = call(DC_ROLLING_MEAN, host(in), host(out));
    expect_ok(dc_rolling(fresh, &p, NULL));
    dc_queue_free(fresh);
    expect_ok(dc_trace_stop(own, path));
    FILE *file = fopen(path, "r");
    assert_true(file && fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\"rolling_mean\""));
    assert_non_null(strstr(text, "opencl:"));
    assert_non_null(strstr(text, "build"));
    remove(path);
    free(text);
    dc_context_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_described),
        cmocka_unit_test(host_memory),
        cmocka_unit_test(between_columns),
        cmocka_unit_test(a_resident_chain),
        cmocka_unit_test(mixed_residence),
        cmocka_unit_test(wrong_residence),
        cmocka_unit_test(early_goodbyes),
        cmocka_unit_test(policies),
        cmocka_unit_test(data_decide),
        cmocka_unit_test(device_memory_has_a_cap),
        cmocka_unit_test(progress_and_cancel),
        cmocka_unit_test(empty_calls_start_nothing),
        cmocka_unit_test(a_trace_shows_the_device),
    };
    return cmocka_run_group_tests_name("devices", tests, open_all, close_all);
}

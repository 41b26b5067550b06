/* Every OpenCL call that a session makes is made to fail once: a clean error or the CPU's bits,
 * nothing half-written, no leak, and the same handles work on the next try. */
#include "tests/api/api.h"

#include <dlfcn.h>

#include "tests/fault/layer.h"

enum { ROWS = 70, COLUMNS = 3, KINDS = 9, MOST_CALLS = 5000 };

/* What drivers say when they are out of something. */
enum { OUT_OF_RESOURCES = -5, OUT_OF_HOST_MEMORY = -6, NO_ALLOCATION = -4 };

static dct_fault_arm_fn arm;
static dct_fault_calls_fn calls;
static dct_fault_hit_fn hit;
static dct_fault_live_fn live;

/* Every step-th call fails; more than 1 for builds that are slow (DUALCUBE_TEST_FAULT_STEP). */
static int64_t fault_step = 1;

static const int64_t shape[] = {ROWS, COLUMNS};
static double in64[ROWS * COLUMNS];
static float in32[ROWS * COLUMNS];
static unsigned char want[2][KINDS][ROWS * COLUMNS * sizeof(double)];

static size_t bytes_of(int32_t dtype)
{
    return (size_t)ROWS * COLUMNS * dc_dtype_bytes(dtype);
}

static dc_array input(int32_t dtype)
{
    return dc_array_host(dtype == DC_F32 ? (void *)in32 : (void *)in64, dtype, 2, shape);
}

static dc_rolling_params call_of(int32_t kind, int32_t dtype, dc_array src, dc_array dst)
{
    dc_rolling_params p = rolling_of(kind, 12, src, dst);
    (void)dtype;
    p.min_periods = 3;
    p.q = 0.9;
    return p;
}

/* One user's handles, opened as far as it went. */
typedef struct session {
    dc_context *context;
    dc_queue *queue;
    int32_t policy;
    dc_buffer *buffer[2];
} session;

static void close_session(session *s)
{
    dc_buffer_free(s->buffer[0]);
    dc_buffer_free(s->buffer[1]);
    dc_queue_free(s->queue);
    dc_context_free(s->context);
    memset(s, 0, sizeof *s);
}

static dc_status open_session(session *s)
{
    dc_context_params context = DC_CONTEXT_PARAMS_INIT;
    dc_queue_params queue = DC_QUEUE_PARAMS_INIT;
    dc_device *device = NULL;
    dc_status status = DC_OK;
    context.cache_dir = "";
    queue.policy = s->policy;
    if (!s->context)
        status = dc_context_new(&context, &s->context);
    if (status == DC_OK && s->policy == DC_POLICY_DEVICE_OR_FAIL)
        status = dc_device_find(s->context, "opencl", &device);
    if (status == DC_OK && !s->queue)
        status = dc_queue_new(s->context, device, &queue, &s->queue);
    return status;
}

/* Host memory to host memory.  A failure leaves the output as it was. */
static dc_status host_call(session *s, int32_t kind, int32_t dtype)
{
    unsigned char out[sizeof want[0][0]];
    memset(out, 0xC3, sizeof out);
    const dc_rolling_params p =
        call_of(kind, dtype, input(dtype), dc_array_host(out, dtype, 2, shape));
    const dc_status status = dc_rolling(s->queue, &p, NULL);
    if (status == DC_OK && memcmp(out, want[dtype - DC_F32][kind], bytes_of(dtype)) != 0)
        fail_msg("kind %d: success with other bits after a failed %s", kind, hit());
    for (size_t i = 0; status != DC_OK && i < bytes_of(dtype); i++)
        if (out[i] != 0xC3)
            fail_msg("kind %d: a failed %s left a half-written output", kind, hit());
    return status;
}

/* The same from buffer to buffer, with an event. */
static dc_status buffer_call(session *s, int32_t kind, int32_t dtype)
{
    unsigned char out[sizeof want[0][0]];
    dc_event *done = NULL;
    dc_status status = DC_OK;
    for (int i = 0; i < 2 && status == DC_OK; i++)
        if (!s->buffer[i])
            status = dc_buffer_new(s->queue, bytes_of(DC_F64), &s->buffer[i]);
    const dc_array src = dc_array_device(s->buffer[0], dtype, 2, shape);
    const dc_array dst = dc_array_device(s->buffer[1], dtype, 2, shape);
    const dc_rolling_params p = call_of(kind, dtype, src, dst);
    if (status == DC_OK)
        status = dc_buffer_write(s->queue, s->buffer[0], 0,
                                 dtype == DC_F32 ? (void *)in32 : (void *)in64, bytes_of(dtype));
    if (status == DC_OK)
        status = dc_rolling(s->queue, &p, &done);
    if (status == DC_OK)
        status = dc_event_wait(done);
    dc_event_free(done);
    if (status == DC_OK)
        status = dc_buffer_read(s->queue, s->buffer[1], 0, out, bytes_of(dtype));
    if (status == DC_OK)
        status = dc_queue_finish(s->queue);
    if (status == DC_OK && memcmp(out, want[dtype - DC_F32][kind], bytes_of(dtype)) != 0)
        fail_msg("kind %d: success with other bits after a failed %s", kind, hit());
    return status;
}

/* The error names the call that failed; questions about a device may be answered otherwise. */
static void says_why(dc_status status)
{
    const char *text = dc_last_error();
    if (status != DC_E_DEVICE && status != DC_E_MEMORY && status != DC_E_UNSUPPORTED)
        fail_msg("a failed %s gave %s: %s", hit(), dc_status_name(status), text);
    if (!*text || strchr(text, '\n') ||
        (strncmp(hit(), "clGet", 5) != 0 && !strstr(text, hit()) && !strstr(text, "CL_")))
        fail_msg("a failed %s is explained by \"%s\"", hit(), text);
}

static int64_t before[DCT_LIVE_COUNT]; /* what a test that failed has left */

static int remember_the_living(void **state)
{
    (void)state;
    for (int32_t kind = 0; kind < DCT_LIVE_COUNT; kind++)
        before[kind] = live(kind);
    return 0;
}

static void nothing_lives(const char *after)
{
    static const char *const name[] = {"contexts", "queues",  "buffers",
                                       "programs", "kernels", "events"};
    for (int32_t kind = 0; kind < DCT_LIVE_COUNT; kind++)
        if (live(kind) != before[kind])
            fail_msg("after a failed %s: %lld %s are alive", after,
                     (long long)(live(kind) - before[kind]), name[kind]);
}

/* From nothing to results, every call failed once; `first` and `step` share the sweep out. */
static int64_t cold_sweep(int32_t policy, int32_t code, int64_t first, int64_t step)
{
    int64_t swept = 0;
    for (int64_t k = first; k < MOST_CALLS; k += step) {
        session s = {NULL, NULL, policy, {NULL, NULL}};
        arm(k, code, 0);
        dc_status status = open_session(&s);
        if (status == DC_OK)
            status = host_call(&s, DC_ROLLING_QUANTILE, DC_F64);
        if (status == DC_OK && policy == DC_POLICY_DEVICE_OR_FAIL)
            status = buffer_call(&s, DC_ROLLING_QUANTILE, DC_F64);
        char name[64];
        snprintf(name, sizeof name, "%s", hit());
        if (status != DC_OK && policy == DC_POLICY_DEVICE && s.queue)
            fail_msg("a failed %s was not computed on the CPU: %s", name, dc_last_error());
        if (status != DC_OK)
            says_why(status);
        arm(0, 0, 0);
        if (s.queue)
            (void)dc_queue_finish(s.queue); /* takes note of what failed late */
        if (strcmp(name, "clGetDeviceInfo") == 0 || strcmp(name, "clGetPlatformInfo") == 0) {
            close_session(&s); /* a device that has been described is not asked again */
            s.policy = policy;
        }
        expect_ok(open_session(&s));
        expect_ok(host_call(&s, DC_ROLLING_QUANTILE, DC_F64));
        if (policy == DC_POLICY_DEVICE_OR_FAIL)
            expect_ok(buffer_call(&s, DC_ROLLING_QUANTILE, DC_F64));
        close_session(&s);
        nothing_lives(name);
        if (!*name)
            return swept;
        swept++;
    }
    fail_msg("the sweep has no end");
    return 0;
}

static void a_cold_session(void **state)
{
    (void)state;
    const int64_t n = cold_sweep(DC_POLICY_DEVICE_OR_FAIL, OUT_OF_RESOURCES, 1, fault_step);
    printf("fault: %lld calls of a cold session failed one by one\n", (long long)n);
    assert_true(n * fault_step > 40);
}

static void a_cold_session_falls_back(void **state)
{
    (void)state;
    /* Every third call: the paths are those of the sweep above, the decision is another. */
    assert_true(cold_sweep(DC_POLICY_DEVICE, OUT_OF_HOST_MEMORY, 2, 3 * fault_step) * fault_step >
                10);
}

/* Every row and dtype on an open queue. */
static void every_row(int32_t code, int32_t late, dc_status (*run)(session *, int32_t, int32_t))
{
    session s = {NULL, NULL, DC_POLICY_DEVICE_OR_FAIL, {NULL, NULL}};
    int64_t swept = 0, failed = 0;
    arm(0, 0, 0);
    expect_ok(open_session(&s));
    for (int32_t kind = 0; kind < KINDS; kind++)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; dtype++) {
            expect_ok(run(&s, kind, dtype));
            for (int64_t k = 1 + kind % fault_step; k < MOST_CALLS; k += fault_step) {
                arm(k, code, late);
                const dc_status status = run(&s, kind, dtype);
                if (status != DC_OK)
                    says_why(status);
                failed += status != DC_OK;
                const int over = !*hit();
                arm(0, 0, 0);
                (void)dc_queue_finish(s.queue); /* takes note of what failed late */
                expect_ok(run(&s, kind, dtype));
                if (over)
                    break;
                swept++;
            }
        }
    close_session(&s);
    nothing_lives("call");
    printf("fault: %lld calls of open queues failed one by one, %lld of them made a call fail\n",
           (long long)swept, (long long)failed);
    assert_true(swept * fault_step >= KINDS * 2 * 4 && failed * fault_step >= KINDS * 2);
}

static void every_row_from_host_memory(void **state)
{
    (void)state;
    every_row(OUT_OF_RESOURCES, 0, host_call);
}

static void every_row_from_buffers(void **state)
{
    (void)state;
    every_row(NO_ALLOCATION, 0, buffer_call);
}

static void commands_that_fail_while_they_run(void **state)
{
    (void)state;
    every_row(OUT_OF_RESOURCES, 1, buffer_call);
}

/* A failed call on a device that may fall back is counted, logged once per operation, recorded. */
static void lines(int32_t level, const char *text, void *user)
{
    (void)level;
    *(int *)user += strstr(text, "computed on the CPU") != NULL;
}

static void a_fallback_is_said_aloud(void **state)
{
    (void)state;
    session s = {NULL, NULL, DC_POLICY_DEVICE, {NULL, NULL}};
    int logged = 0;
    arm(0, 0, 0);
    expect_ok(open_session(&s));
    dc_context_set_log(s.context, lines, &logged);
    expect_ok(host_call(&s, DC_ROLLING_MEAN, DC_F32));
    assert_int_equal(last_run(s.queue).device_kind, DC_DEVICE_OPENCL);
    assert_int_equal(last_run(s.queue).fell_back, 0);
    int64_t k = 1;
    for (; k < 60 && last_run(s.queue).fell_back == 0; k++) {
        arm(k, OUT_OF_RESOURCES, 0);
        expect_ok(host_call(&s, DC_ROLLING_MEAN, DC_F32));
    }
    arm(0, 0, 0);
    const dc_run_info info = last_run(s.queue);
    assert_true(info.fell_back == 1 && info.device_kind == DC_DEVICE_CPU);
    assert_non_null(strstr(info.reason, "failed"));
    assert_int_equal(counters_of(s.context).fallbacks, 1);
    assert_int_equal(logged, 1);
    close_session(&s);
    nothing_lives("fallback");
}

static int load(void **state)
{
    const char *step = getenv("DUALCUBE_TEST_FAULT_STEP");
    (void)state;
    fault_step = step && atoi(step) > 0 ? atoi(step) : 1;
    void *layer = dlopen(DCT_LAYER, RTLD_NOW | RTLD_LOCAL);
    if (!layer) {
        print_error("%s\n", dlerror());
        return -1;
    }
    *(void **)&arm = dlsym(layer, "dct_fault_arm");
    *(void **)&calls = dlsym(layer, "dct_fault_calls");
    *(void **)&hit = dlsym(layer, "dct_fault_hit");
    *(void **)&live = dlsym(layer, "dct_fault_live");
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        in64[i] = i % 11 == 3 ? (double)NAN : (double)(i * 37 % 101) / 7.0;
        in32[i] = (float)in64[i];
    }
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    for (int32_t dtype = DC_F32; dtype <= DC_F64; dtype++)
        for (int32_t kind = 0; kind < KINDS; kind++) {
            const dc_rolling_params p =
                call_of(kind, dtype, input(dtype),
                        dc_array_host(want[dtype - DC_F32][kind], dtype, 2, shape));
            expect_ok(dc_rolling(queue, &p, NULL));
        }
    dc_queue_free(queue);
    dc_context_free(context);
    return arm && calls && hit && live ? 0 : -1;
}

/* The layer is in place: without it every sweep would be empty. */
static void the_layer_is_loaded(void **state)
{
    (void)state;
    session s = {NULL, NULL, DC_POLICY_DEVICE_OR_FAIL, {NULL, NULL}};
    arm(0, 0, 0);
    expect_ok(open_session(&s));
    expect_ok(host_call(&s, DC_ROLLING_MEAN, DC_F64));
    assert_true(calls() > 20);
    assert_true(live(DCT_LIVE_CONTEXTS) == 1 && live(DCT_LIVE_QUEUES) >= 1);
    close_session(&s);
    nothing_lives("nothing");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, remember_the_living)
    const struct CMUnitTest tests[] = {
        TEST(the_layer_is_loaded),       TEST(a_cold_session),
        TEST(a_cold_session_falls_back), TEST(every_row_from_host_memory),
        TEST(every_row_from_buffers),    TEST(commands_that_fail_while_they_run),
        TEST(a_fallback_is_said_aloud),
    };
    setenv("OPENCL_LAYERS", DCT_LAYER, 1); /* before anything calls OpenCL */
    return cmocka_run_group_tests_name("fault", tests, load, NULL);
}

/* Queues: options, environment, records, events, progress, cancellation, threads, float modes. */
#include "tests/api/api.h"

#include <fenv.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

enum { ROWS = 40000, COLUMNS = 6 };

static dc_context *context;
static double *in, *out, *want;
static const int64_t shape[] = {ROWS, COLUMNS};
static const size_t bytes = sizeof(double) * ROWS * COLUMNS;

static dc_rolling_params call(int32_t kind, double *to)
{
    return rolling_of(kind, 100, dc_array_host(in, DC_F64, 2, shape),
                      dc_array_host(to, DC_F64, 2, shape));
}

static int open_all(void **state)
{
    (void)state;
    context = cpu_context();
    in = table_of(ROWS, COLUMNS);
    out = malloc(bytes);
    want = malloc(bytes);
    return out && want ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    free(in);
    free(out);
    free(want);
    dc_context_free(context);
    return 0;
}

static void options_are_checked(void **state)
{
    (void)state;
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dc_queue *queue = (dc_queue *)&p;
    dc_context *stranger = cpu_context();
    dc_device *device;
    expect_error(dc_queue_new(NULL, NULL, &p, &queue), DC_E_ARGUMENT, "context is NULL", NULL);
    expect_error(dc_queue_new(context, NULL, &p, NULL), DC_E_ARGUMENT, "out is NULL", NULL);
    p.struct_size = 12;
    expect_error(dc_queue_new(context, NULL, &p, &queue), DC_E_ARGUMENT, "struct_size is 12", NULL);
    assert_null(queue);
    p.struct_size = sizeof p;
    p.threads = -1;
    expect_error(dc_queue_new(context, NULL, &p, &queue), DC_E_ARGUMENT, "threads is -1", "4096",
                 NULL);
    p.threads = 5000;
    expect_error(dc_queue_new(context, NULL, &p, &queue), DC_E_ARGUMENT, "threads is 5000", NULL);
    p.threads = 1;
    p.policy = 4;
    expect_error(dc_queue_new(context, NULL, &p, &queue), DC_E_ARGUMENT, "policy is 4", "0 to 3",
                 NULL);
    p.policy = DC_POLICY_CPU;
    p.isa = DC_ISA_COUNT;
    expect_error(dc_queue_new(context, NULL, &p, &queue), DC_E_UNSUPPORTED, "instruction set",
                 NULL);
    p.isa = DC_ISA_BASELINE;
    expect_ok(dc_device_find(stranger, "cpu", &device));
    expect_error(dc_queue_new(context, device, &p, &queue), DC_E_ARGUMENT, "another context", NULL);
    assert_null(queue);
    dc_context_free(stranger);
}

static dc_status with_variable(const char *name, const char *value, dc_queue **queue)
{
    setenv(name, value, 1);
    const dc_status status = dc_queue_new(context, NULL, NULL, queue);
    unsetenv(name);
    return status;
}

static void the_environment_sets_defaults(void **state)
{
    (void)state;
    dc_queue *queue;
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dc_rolling_params c = call(DC_ROLLING_MEAN, out);
    expect_error(with_variable("DUALCUBE_THREADS", "many", &queue), DC_E_ARGUMENT,
                 "DUALCUBE_THREADS", "\"many\"", "1 to 4096", NULL);
    expect_error(with_variable("DUALCUBE_THREADS", "0", &queue), DC_E_ARGUMENT, "\"0\"", NULL);
    expect_error(with_variable("DUALCUBE_CPU_ISA", "mmx", &queue), DC_E_ARGUMENT,
                 "DUALCUBE_CPU_ISA", "\"mmx\"", "avx512", NULL);
    expect_error(with_variable("DUALCUBE_FALLBACK", "never", &queue), DC_E_ARGUMENT,
                 "DUALCUBE_FALLBACK", "\"never\"", "device-or-fail", NULL);
    expect_error(with_variable("DUALCUBE_DEVICE", "tpu", &queue), DC_E_ARGUMENT, "\"tpu\"", NULL);
    expect_ok(with_variable("DUALCUBE_CPU_ISA", "baseline", &queue));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(last_run(queue).isa, DC_ISA_BASELINE);
    dc_queue_free(queue);
    expect_ok(with_variable("DUALCUBE_DEVICE", "cpu", &queue));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_string_equal(last_run(queue).device, "cpu");
    dc_queue_free(queue);
    expect_ok(with_variable("DUALCUBE_FALLBACK", "device-or-fail", &queue));
    expect_error(dc_rolling(queue, &c, NULL), DC_E_UNSUPPORTED, "opencl", NULL);
    dc_queue_free(queue);
    /* The API wins over the environment. */
    setenv("DUALCUBE_THREADS", "3", 1);
    setenv("DUALCUBE_FALLBACK", "device-or-fail", 1);
    p.threads = 1;
    p.policy = DC_POLICY_CPU;
    expect_ok(dc_queue_new(context, NULL, &p, &queue));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(last_run(queue).threads, 1);
    dc_queue_free(queue);
    unsetenv("DUALCUBE_FALLBACK");
    expect_ok(dc_queue_new(context, NULL, NULL, &queue));
    unsetenv("DUALCUBE_THREADS");
    c = call(DC_ROLLING_MEDIAN, out);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_in_range(last_run(queue).threads, 1, 3);
    dc_queue_free(queue);
}

static void the_record_says_what_ran(void **state)
{
    (void)state;
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_run_info info = {.struct_size = 4};
    dc_rolling_params c = call(DC_ROLLING_STD, out);
    const dc_counters before = counters_of(context);
    expect_error(dc_queue_last_run(queue, &info), DC_E_ARGUMENT, "struct_size is 4", NULL);
    expect_error(dc_queue_last_run(queue, NULL), DC_E_ARGUMENT, "info is NULL", NULL);
    info = last_run(queue);
    assert_string_equal(info.operation, "");
    expect_ok(dc_rolling(queue, &c, NULL));
    info = last_run(queue);
    assert_string_equal(info.operation, "rolling_std");
    assert_string_equal(info.device, "cpu");
    assert_int_equal(info.device_kind, DC_DEVICE_CPU);
    assert_true(info.isa >= DC_ISA_BASELINE && info.threads == 1 && !info.fell_back);
    assert_true(info.steps >= 1 && info.measured_ms > 0.0 && info.estimated_cpu_ms > 0.0);
    assert_true(info.estimated_device_ms < 0.0 && *info.reason);
    assert_true(info.bytes >= 2.0 * (double)bytes * 0.99 && info.flops > 0.0);
    assert_int_equal(counters_of(context).calls_cpu, before.calls_cpu + 1);
    /* A refused call leaves the record alone. */
    c.window = 0;
    assert_int_equal(dc_rolling(queue, &c, NULL), DC_E_ARGUMENT);
    assert_string_equal(last_run(queue).operation, "rolling_std");
    assert_int_equal(counters_of(context).calls_cpu, before.calls_cpu + 1);
    dc_queue_free(queue);
}

static void policies_without_a_device(void **state)
{
    (void)state;
    dc_rolling_params c = call(DC_ROLLING_MEAN, out);
    dc_queue *queue = open_queue(context, NULL, DC_POLICY_AUTO, 1);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_string_equal(last_run(queue).device, "cpu");
    assert_int_equal(last_run(queue).fell_back, 0);
    dc_queue_free(queue);
    queue = open_queue(context, NULL, DC_POLICY_DEVICE, 1);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_string_equal(last_run(queue).device, "cpu");
    assert_int_equal(last_run(queue).fell_back, 1);
    assert_non_null(strstr(last_run(queue).reason, "CPU instead of a device"));
    dc_queue_free(queue);
    queue = open_queue(context, NULL, DC_POLICY_DEVICE_OR_FAIL, 1);
    memset(out, 0x11, bytes);
    expect_error(dc_rolling(queue, &c, NULL), DC_E_UNSUPPORTED, "opencl", NULL);
    assert_int_equal(((unsigned char *)out)[bytes - 1], 0x11);
    dc_queue_free(queue);
}

typedef struct watch {
    int calls, stop_at;
    int64_t last, total;
} watch;

static int watcher(int64_t done, int64_t total, void *user)
{
    watch *w = user;
    w->calls++;
    if (done < w->last || done > total || total < 1 || (w->total && w->total != total))
        w->stop_at = -1000; /* seen below */
    w->last = done;
    w->total = total;
    return w->stop_at == w->calls;
}

static void progress_grows_and_ends(void **state)
{
    (void)state;
    watch w = {0, 0, 0, 0};
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_rolling_params c = call(DC_ROLLING_MEDIAN, out);
    expect_ok(dc_queue_set_progress(queue, watcher, &w));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_true(w.calls >= 1 && w.stop_at == 0);
    assert_int_equal(w.last, w.total);
    const int calls = w.calls;
    expect_ok(dc_queue_set_progress(queue, NULL, NULL));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(w.calls, calls);
    expect_error(dc_queue_set_progress(NULL, watcher, &w), DC_E_ARGUMENT, "queue is NULL", NULL);
    dc_queue_free(queue);
}

static void a_call_can_be_cancelled(void **state)
{
    (void)state;
    watch w = {0, 1, 0, 0};
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dc_queue *queue;
    dc_event *event = (dc_event *)&w;
    p.policy = DC_POLICY_CPU;
    p.threads = 1;
    p.progress = watcher;
    p.progress_user = &w;
    expect_ok(dc_queue_new(context, NULL, &p, &queue));
    dc_rolling_params c = call(DC_ROLLING_MEDIAN, out);
    expect_error(dc_rolling(queue, &c, &event), DC_E_CANCELLED, "rolling_median", "cancelled",
                 NULL);
    assert_null(event);
    assert_int_equal(w.calls, 1);
    /* The queue goes on. */
    expect_ok(dc_rolling(queue, &c, NULL));
    dc_queue_free(queue);
}

static void events_of_complete_calls(void **state)
{
    (void)state;
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_rolling_params c = call(DC_ROLLING_SUM, out);
    dc_event *event = NULL;
    expect_ok(dc_rolling(queue, &c, &event));
    assert_non_null(event);
    expect_ok(dc_queue_finish(queue));
    dc_queue_free(queue); /* the event outlives its queue */
    expect_ok(dc_event_wait(event));
    dc_event_free(event);
    expect_error(dc_event_wait(NULL), DC_E_ARGUMENT, "event is NULL", NULL);
    expect_error(dc_queue_finish(NULL), DC_E_ARGUMENT, "queue is NULL", NULL);
}

/* A call under the float modes of a careless host, which it must find again afterwards. */
static void call_in_odd_modes(dc_queue *queue, const dc_rolling_params *c)
{
    assert_int_equal(fesetround(FE_UPWARD), 0);
#if defined(__SSE2__)
    const unsigned int flush = _mm_getcsr() | 0x8040u; /* FTZ and DAZ */
    _mm_setcsr(flush);
#endif
    const dc_status status = dc_rolling(queue, c, NULL);
    const int rounding = fegetround();
#if defined(__SSE2__)
    const unsigned int after = _mm_getcsr();
    _mm_setcsr(0x1f80u);
    assert_int_equal(after & ~0x3fu, flush & ~0x3fu); /* but for the sticky flags */
#endif
    fesetround(FE_TONEAREST);
    expect_ok(status);
    assert_int_equal(rounding, FE_UPWARD);
}

/* The same bits whatever rounding, denormal mode and traps the host has set. */
static void the_hosts_float_modes_do_not_matter(void **state)
{
    (void)state;
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 2);
    for (int64_t i = 0; i < ROWS; i++)
        in[i * COLUMNS] *= 1e-310;
    for (int32_t kind = DC_ROLLING_COUNT; kind <= DC_ROLLING_QUANTILE; kind++) {
        dc_rolling_params c = call(kind, want);
        c.min_periods = 1;
        c.q = 0.9;
        expect_ok(dc_rolling(queue, &c, NULL));
        c.dst.data = out;
        call_in_odd_modes(queue, &c);
        if (memcmp(out, want, bytes) != 0)
            fail_msg("kind %d: the caller's float modes show in the bits", kind);
    }
    dc_queue_free(queue);
}

/* Many threads where there is much to do: the same bits, and really several threads. */
static void threads_give_the_same_bits(void **state)
{
    (void)state;
    dc_queue *one = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    for (int32_t kind = DC_ROLLING_COUNT; kind <= DC_ROLLING_QUANTILE; kind++) {
        dc_rolling_params c = call(kind, want);
        expect_ok(dc_rolling(one, &c, NULL));
        for (int32_t threads = 2; threads <= 7; threads += 5) {
            dc_queue *many = open_queue(context, "cpu", DC_POLICY_CPU, threads);
            memset(out, 0, bytes);
            c = call(kind, out);
            expect_ok(dc_rolling(many, &c, NULL));
            assert_memory_equal(out, want, bytes);
            assert_in_range(last_run(many).threads, 1, threads);
            dc_queue_free(many);
        }
    }
    dc_queue_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(the_environment_sets_defaults),
        cmocka_unit_test(the_record_says_what_ran),
        cmocka_unit_test(policies_without_a_device),
        cmocka_unit_test(progress_grows_and_ends),
        cmocka_unit_test(a_call_can_be_cancelled),
        cmocka_unit_test(events_of_complete_calls),
        cmocka_unit_test(threads_give_the_same_bits),
        cmocka_unit_test(the_hosts_float_modes_do_not_matter),
    };
    return cmocka_run_group_tests_name("queues", tests, open_all, close_all);
}

/* One context, many threads, each with queues of its own: the job for the thread sanitizer. */
#include "tests/api/api.h"

#include <pthread.h>

enum { THREADS = 16, ROWS = 400, COLUMNS = 5, ROUNDS = 6 };

static const int64_t shape[] = {ROWS, COLUMNS};
static const size_t bytes = sizeof(double) * ROWS * COLUMNS;
static double *in, *want[9];
static dc_context *context;
static const char *device_name;
static pthread_barrier_t together;

typedef struct worker {
    pthread_t thread;
    int number;
    char failed[256];
} worker;

static int say(worker *w, const char *what)
{
    snprintf(w->failed, sizeof w->failed, "thread %d: %.100s: %.120s", w->number, what,
             dc_last_error());
    return -1;
}

static int compute(worker *w, dc_queue *queue, double *out)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int32_t kind = DC_ROLLING_COUNT; kind <= DC_ROLLING_QUANTILE; kind++) {
            dc_rolling_params p = rolling_of(kind, 17, dc_array_host(in, DC_F64, 2, shape),
                                             dc_array_host(out, DC_F64, 2, shape));
            p.min_periods = 4;
            p.q = 0.7;
            if (dc_rolling(queue, &p, NULL) != DC_OK)
                return say(w, "dc_rolling");
            if (memcmp(out, want[kind], bytes) != 0)
                return say(w, "other bits");
        }
    return 0;
}

/* Everything a thread may do with a context that others use. */
static int look_around(worker *w, dc_device *device)
{
    dc_device_info info = {.struct_size = sizeof info};
    dc_counters counters = {.struct_size = sizeof counters};
    dc_pool_stats stats = {.struct_size = sizeof stats};
    dc_topology topology = {.struct_size = sizeof topology};
    void *memory;
    if (dc_device_check(device, &info) != DC_OK || !(info.checks & DC_CHECK_RAN))
        return say(w, "dc_device_check");
    if (dc_context_get_counters(context, &counters) != DC_OK ||
        dc_pool_get_stats(context, DC_POOL_HOST, &stats) != DC_OK ||
        dc_topology_get(&topology) != DC_OK || !*dc_topology_text())
        return say(w, "reading");
    if (dc_host_alloc(context, 10000, &memory) != DC_OK)
        return say(w, "dc_host_alloc");
    dc_host_free(context, memory);
    return dc_pool_trim(context, DC_POOL_HOST) == DC_OK ? 0 : say(w, "dc_pool_trim");
}

static void *work(void *user)
{
    worker *w = user;
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dc_device *device = NULL;
    dc_queue *queue = NULL;
    double *out = malloc(bytes);
    p.threads = 1 + w->number % 2;
    pthread_barrier_wait(&together);
    if (!out || dc_device_find(context, device_name, &device) != DC_OK ||
        dc_queue_new(context, device, &p, &queue) != DC_OK)
        (void)say(w, "open");
    else if (compute(w, queue, out) == 0)
        (void)look_around(w, device);
    dc_queue_free(queue);
    free(out);
    return NULL;
}

static void run_all_threads(void)
{
    static worker w[THREADS];
    assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
    memset(w, 0, sizeof w);
    for (int i = 0; i < THREADS; i++) {
        w[i].number = i;
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(w[i].thread, NULL);
    pthread_barrier_destroy(&together);
    for (int i = 0; i < THREADS; i++)
        if (*w[i].failed)
            fail_msg("%s", w[i].failed);
}

static void on_the_cpu(void **state)
{
    (void)state;
    device_name = "cpu";
    context = cpu_context();
    run_all_threads();
    dc_context_free(context);
}

/* Device discovery, opening, the self-check and the builds of a cold start, all at once. */
static void on_a_device(void **state)
{
    (void)state;
    dc_device *device;
    char cache[] = "/tmp/dualcube-threads-XXXXXX", command[64];
    dc_context_params p = DC_CONTEXT_PARAMS_INIT;
    assert_non_null(mkdtemp(cache));
    p.cache_dir = cache;
    device_name = "opencl";
    expect_ok(dc_context_new(NULL, &context));
    const int found = dc_device_find(context, "opencl", &device) == DC_OK;
    dc_context_free(context);
    if (found) {
        expect_ok(dc_context_new(&p, &context));
        run_all_threads();
        assert_int_equal(counters_of(context).calls_device, THREADS * ROUNDS * 9);
        assert_in_range(counters_of(context).programs, 1, 24);
        dc_context_free(context);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    assert_int_equal(system(command), 0);
    if (!found) {
        printf("skipped: %s\n", dc_last_error());
        skip();
    }
}

static int begin(void **state)
{
    (void)state;
    in = table_of(ROWS, COLUMNS);
    context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    for (int32_t kind = 0; kind < 9; kind++) {
        want[kind] = malloc(bytes);
        if (!want[kind])
            return -1;
        dc_rolling_params p = rolling_of(kind, 17, dc_array_host(in, DC_F64, 2, shape),
                                         dc_array_host(want[kind], DC_F64, 2, shape));
        p.min_periods = 4;
        p.q = 0.7;
        expect_ok(dc_rolling(queue, &p, NULL));
    }
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++)
        free(want[i]);
    free(in);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_cpu),
        cmocka_unit_test(on_a_device),
    };
    return cmocka_run_group_tests_name("threads", tests, begin, end);
}

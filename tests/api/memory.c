/* Pools and buffers of the CPU: alignment, classes, cap, trim, statistics, copies. */
#include "tests/api/api.h"

#include <pthread.h>

static void blocks_are_aligned(void **state)
{
    (void)state;
    static const size_t bytes[] = {0, 1, 7, 63, 64, 65, 255, 4096, 4097, 1000003, 5 << 20};
    enum { N = sizeof bytes / sizeof *bytes };
    dc_context *context = cpu_context();
    void *block[N];
    for (int i = 0; i < N; i++) {
        expect_ok(dc_host_alloc(context, bytes[i], &block[i]));
        assert_int_equal((uintptr_t)block[i] % 64, 0);
        memset(block[i], i, bytes[i]);
    }
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < bytes[i]; k += bytes[i] / 50 + 1)
            assert_int_equal(((unsigned char *)block[i])[k], i);
        dc_host_free(context, block[i]);
    }
    assert_int_equal(stats_of(context, DC_POOL_HOST).in_use_bytes, 0);
    dc_context_free(context);
}

static void a_block_comes_back(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    void *first, *second;
    expect_ok(dc_host_alloc(context, 100000, &first));
    const dc_pool_stats used = stats_of(context, DC_POOL_HOST);
    dc_host_free(context, first);
    const dc_pool_stats idle = stats_of(context, DC_POOL_HOST);
    assert_true(used.in_use_bytes >= 100000 && idle.in_use_bytes == 0);
    assert_int_equal(idle.cached_bytes, used.in_use_bytes);
    /* A size class wastes at most a quarter, and the header that the pool needs. */
    assert_true(used.in_use_bytes <= 125000 + 512);
    expect_ok(dc_host_alloc(context, 99000, &second));
    const dc_pool_stats again = stats_of(context, DC_POOL_HOST);
    assert_int_equal(again.hits, used.hits + 1);
    assert_int_equal(again.cached_bytes, 0);
    assert_int_equal(again.peak_bytes, used.peak_bytes);
    dc_host_free(context, second);
    expect_ok(dc_pool_trim(context, DC_POOL_HOST));
    assert_int_equal(stats_of(context, DC_POOL_HOST).cached_bytes, 0);
    dc_context_free(context);
}

static void the_cap_holds(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    void *first, *second = &first;
    expect_ok(dc_pool_set_cap(context, DC_POOL_HOST, 1 << 20));
    assert_int_equal(stats_of(context, DC_POOL_HOST).cap_bytes, 1 << 20);
    expect_ok(dc_host_alloc(context, 600000, &first));
    expect_error(dc_host_alloc(context, 600000, &second), DC_E_MEMORY, "host pool",
                 "cap of 1048576", NULL);
    assert_null(second);
    assert_int_equal(stats_of(context, DC_POOL_HOST).failures, 1);
    /* An idle block makes room for another class. */
    dc_host_free(context, first);
    expect_ok(dc_host_alloc(context, 900000, &second));
    const dc_pool_stats stats = stats_of(context, DC_POOL_HOST);
    assert_true(stats.in_use_bytes + stats.cached_bytes <= 1 << 20);
    dc_host_free(context, second);
    expect_ok(dc_pool_set_cap(context, DC_POOL_HOST, 0));
    expect_ok(dc_host_alloc(context, 3 << 20, &first));
    dc_host_free(context, first);
    /* A cap below what is idle gives the rest back at once. */
    expect_ok(dc_pool_set_cap(context, DC_POOL_HOST, 1000));
    assert_int_equal(stats_of(context, DC_POOL_HOST).cached_bytes, 0);
    dc_context_free(context);
}

/* Under a cap that leaves no room for the call's own memory the call fails and says so. */
static void a_call_under_a_cap(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    enum { N = 20000 };
    const int64_t shape[] = {N};
    double *in = table_of(N, 1), *out = malloc(N * sizeof *out);
    dc_buffer *buffer = NULL;
    assert_non_null(out);
    memset(out, 0x33, N * sizeof *out);
    dc_rolling_params p = rolling_of(DC_ROLLING_MEDIAN, 64, dc_array_host(in, DC_F64, 1, shape),
                                     dc_array_host(out, DC_F64, 1, shape));
    expect_ok(dc_pool_set_cap(context, DC_POOL_HOST, 256));
    expect_error(dc_buffer_new(queue, 100000, &buffer), DC_E_MEMORY, "cap of 256", NULL);
    assert_null(buffer);
    const dc_status status = dc_rolling(queue, &p, NULL);
    if (status != DC_OK) { /* a mirror without scratch needs none */
        expect_error(status, DC_E_MEMORY, "rolling_median", "cap of 256", NULL);
        for (size_t i = 0; i < N * sizeof *out; i++)
            assert_int_equal(((unsigned char *)out)[i], 0x33);
    }
    expect_ok(dc_pool_set_cap(context, DC_POOL_HOST, 0));
    expect_ok(dc_rolling(queue, &p, NULL));
    free(in);
    free(out);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void pool_refusals(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_pool_stats stats = {.struct_size = 4};
    void *memory;
    expect_error(dc_pool_get_stats(context, DC_POOL_HOST, &stats), DC_E_ARGUMENT,
                 "struct_size is 4", NULL);
    stats.struct_size = sizeof stats;
    expect_error(dc_pool_get_stats(context, 3, &stats), DC_E_ARGUMENT, "pool is 3", "0 to 2", NULL);
    expect_error(dc_pool_get_stats(context, DC_POOL_HOST, NULL), DC_E_ARGUMENT, "stats", NULL);
    stats.struct_size = sizeof stats;
    expect_error(dc_pool_get_stats(NULL, DC_POOL_HOST, &stats), DC_E_ARGUMENT, "context", NULL);
    expect_error(dc_pool_set_cap(context, DC_POOL_HOST, -1), DC_E_ARGUMENT, "bytes is -1", NULL);
    expect_error(dc_pool_set_cap(context, -1, 0), DC_E_ARGUMENT, "pool is -1", NULL);
    expect_error(dc_pool_trim(context, 7), DC_E_ARGUMENT, "pool is 7", NULL);
    expect_error(dc_host_alloc(context, SIZE_MAX, &memory), DC_E_MEMORY, "dc_host_alloc", NULL);
    expect_error(dc_host_alloc(context, 8, NULL), DC_E_ARGUMENT, "out", NULL);
    expect_error(dc_host_alloc(NULL, 8, &memory), DC_E_ARGUMENT, "context", NULL);
    expect_error(dc_host_alloc(context, (size_t)1 << 60, &memory), DC_E_MEMORY, "bytes", NULL);
    dc_context_free(context);
}

static void buffers_copy(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_buffer *buffer, *empty;
    unsigned char in[300], out[300];
    for (int i = 0; i < 300; i++)
        in[i] = (unsigned char)(i * 7);
    expect_ok(dc_buffer_new(queue, sizeof in, &buffer));
    assert_int_equal(dc_buffer_bytes(buffer), sizeof in);
    assert_non_null(dc_buffer_host(buffer));
    assert_int_equal((uintptr_t)dc_buffer_host(buffer) % 64, 0);
    expect_ok(dc_buffer_write(queue, buffer, 0, in, sizeof in));
    expect_ok(dc_buffer_read(queue, buffer, 100, out, 50));
    assert_memory_equal(out, in + 100, 50);
    expect_ok(dc_buffer_write(queue, buffer, 299, in, 1));
    expect_ok(dc_buffer_read(queue, buffer, 0, out, sizeof out));
    assert_memory_equal(out, in, 299);
    assert_int_equal(out[299], in[0]);
    expect_ok(dc_buffer_new(queue, 0, &empty));
    assert_int_equal(dc_buffer_bytes(empty), 0);
    expect_ok(dc_buffer_write(queue, empty, 0, in, 0));
    expect_ok(dc_buffer_read(queue, empty, 0, NULL, 0));
    assert_int_equal(dc_buffer_bytes(NULL), 0);
    assert_null(dc_buffer_host(NULL));
    dc_buffer_free(empty);
    dc_buffer_free(buffer);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void copies_out_of_range(void **state)
{
    (void)state;
    dc_context *context = cpu_context(), *stranger = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_queue *other = open_queue(stranger, "cpu", DC_POLICY_CPU, 1);
    dc_buffer *buffer;
    char bytes[64], before[64];
    memset(bytes, 1, sizeof bytes);
    expect_ok(dc_buffer_new(queue, 64, &buffer));
    expect_ok(dc_buffer_write(queue, buffer, 0, bytes, 64));
    memset(bytes, 2, sizeof bytes);
    memcpy(before, bytes, sizeof bytes);
    expect_error(dc_buffer_write(queue, buffer, 1, bytes, 64), DC_E_ARGUMENT, "dc_buffer_write",
                 "1 ... 65", "64", NULL);
    expect_error(dc_buffer_read(queue, buffer, 65, bytes, 0), DC_E_ARGUMENT, "65", NULL);
    expect_error(dc_buffer_read(queue, buffer, SIZE_MAX, bytes, 2), DC_E_ARGUMENT, "64", NULL);
    expect_error(dc_buffer_read(queue, buffer, 0, NULL, 8), DC_E_ARGUMENT, "NULL", NULL);
    expect_error(dc_buffer_read(queue, NULL, 0, bytes, 8), DC_E_ARGUMENT, "buffer is NULL", NULL);
    expect_error(dc_buffer_read(NULL, buffer, 0, bytes, 8), DC_E_ARGUMENT, "queue is NULL", NULL);
    expect_error(dc_buffer_read(other, buffer, 0, bytes, 8), DC_E_ARGUMENT, "another context",
                 NULL);
    expect_error(dc_buffer_new(queue, 8, NULL), DC_E_ARGUMENT, "out is NULL", NULL);
    assert_memory_equal(bytes, before, sizeof bytes);
    expect_ok(dc_buffer_read(queue, buffer, 0, bytes, 64));
    assert_int_equal(bytes[0] + bytes[63], 2);
    dc_buffer_free(buffer);
    dc_queue_free(queue);
    dc_queue_free(other);
    dc_context_free(context);
    dc_context_free(stranger);
}

/* A chain over CPU buffers: rolling mean of a rolling maximum, against the same from host memory.
 */
static void chains_over_buffers(void **state)
{
    (void)state;
    enum { ROWS = 500, COLUMNS = 3 };
    const int64_t shape[] = {ROWS, COLUMNS};
    const size_t bytes = sizeof(double) * ROWS * COLUMNS;
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    double *x = table_of(ROWS, COLUMNS), *middle = malloc(bytes), *want = malloc(bytes),
           *got = malloc(bytes);
    dc_buffer *buffer[3];
    dc_array a[3];
    dc_event *done;
    for (int i = 0; i < 3; i++) {
        expect_ok(dc_buffer_new(queue, bytes, &buffer[i]));
        a[i] = dc_array_device(buffer[i], DC_F64, 2, shape);
    }
    expect_ok(dc_buffer_write(queue, buffer[0], 0, x, bytes));
    dc_rolling_params max = rolling_of(DC_ROLLING_MAX, 5, a[0], a[1]);
    dc_rolling_params mean = rolling_of(DC_ROLLING_MEAN, 9, a[1], a[2]);
    max.min_periods = mean.min_periods = 1;
    expect_ok(dc_rolling(queue, &max, NULL));
    expect_ok(dc_rolling(queue, &mean, &done));
    assert_non_null(done);
    expect_ok(dc_event_wait(done));
    expect_ok(dc_event_wait(done));
    dc_event_free(done);
    expect_ok(dc_queue_finish(queue));
    expect_ok(dc_buffer_read(queue, buffer[2], 0, got, bytes));
    max.src = dc_array_host(x, DC_F64, 2, shape);
    max.dst = mean.src = dc_array_host(middle, DC_F64, 2, shape);
    mean.dst = dc_array_host(want, DC_F64, 2, shape);
    expect_ok(dc_rolling(queue, &max, NULL));
    expect_ok(dc_rolling(queue, &mean, NULL));
    assert_memory_equal(want, got, bytes);
    for (int i = 0; i < 3; i++)
        dc_buffer_free(buffer[i]);
    free(x);
    free(middle);
    free(want);
    free(got);
    dc_queue_free(queue);
    dc_context_free(context);
}

enum { THREADS = 8, ROUNDS = 400 };

static void *take_and_give(void *user)
{
    dc_context *context = user;
    for (int i = 0; i < ROUNDS; i++) {
        void *memory;
        if (dc_host_alloc(context, (size_t)(i % 37) * 997, &memory) != DC_OK)
            return user;
        memset(memory, i, (size_t)(i % 37) * 997);
        dc_host_free(context, memory);
    }
    return NULL;
}

static void pools_serve_many_threads(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, context), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    const dc_pool_stats stats = stats_of(context, DC_POOL_HOST);
    assert_int_equal(stats.in_use_bytes, 0);
    assert_int_equal(stats.requests, THREADS * ROUNDS);
    assert_int_equal(stats.failures, 0);
    dc_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned),
        cmocka_unit_test(a_block_comes_back),
        cmocka_unit_test(the_cap_holds),
        cmocka_unit_test(a_call_under_a_cap),
        cmocka_unit_test(pool_refusals),
        cmocka_unit_test(buffers_copy),
        cmocka_unit_test(copies_out_of_range),
        cmocka_unit_test(chains_over_buffers),
        cmocka_unit_test(pools_serve_many_threads),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}

/* Calls of the OpenCL executor: host arrays of every shape, device arrays, chains, events, memory,
 * failures.  Everything runs twice: as the device is, and used like a card with its own memory. */
#include "tests/core/opencl/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 61, COLUMNS = 23, LARGE_ROWS = 3000, LARGE_COLUMNS = 500 };
static const int64_t shape[] = {ROWS, COLUMNS};
static const int64_t large[] = {LARGE_ROWS, LARGE_COLUMNS};

static clt_session s;
static double *in, *out; /* room for the large shape */

static int open_as(const char *as)
{
    setenv("DUALCUBE_OPENCL_AS", as, 1);
    in = malloc(sizeof *in * LARGE_ROWS * LARGE_COLUMNS);
    out = malloc(sizeof *out * LARGE_ROWS * LARGE_COLUMNS);
    if (!in || !out)
        return -1;
    clt_fill(in, (int64_t)LARGE_ROWS * LARGE_COLUMNS);
    if (!clt_open(&s, ""))
        print_message("no OpenCL device: nothing is tested\n");
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_as("");
}

static int open_like_a_card(void **state)
{
    (void)state;
    return open_as("gpu");
}

static int close_all(void **state)
{
    (void)state;
    clt_close(&s);
    free(in);
    free(out);
    return 0;
}

#define NEED_DEVICE()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!s.context)                                                                            \
            skip();                                                                                \
    } while (0)

static void dense_host_arrays(void **state)
{
    NEED_DEVICE();
    dc_run_info run = {.struct_size = sizeof run};
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_poison(out, sizeof *out * (ROWS * COLUMNS + 8));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    assert_true(clt_is_poison(out + ROWS * COLUMNS, 8 * sizeof *out));
    clt_must(dc_queue_last_run(s.queue, &run));
    assert_int_equal(run.device_kind, DC_DEVICE_OPENCL);
    assert_int_equal(run.fell_back, 0);
    assert_true(run.measured_ms > 0);
    assert_int_equal(run.host_bytes_out, ROWS * COLUMNS * 8);
}

static void large_host_arrays(void **state)
{
    NEED_DEVICE();
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, large), dc_array_host(out, DC_F64, 2, large));
    clt_poison(out, sizeof *out * LARGE_ROWS * LARGE_COLUMNS);
    for (int i = 0; i < 2; ++i)
        clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, LARGE_ROWS, LARGE_COLUMNS, p.factor);
}

/* float32 views with gaps and negative strides over an odd address; nothing between is written. */
static void strided_host_arrays(void **state)
{
    NEED_DEVICE();
    enum { R = 37, C = 11, ROW = 3 * C + 5, BYTES = 4 * ROW * R + 64 };
    unsigned char *src = calloc(1, BYTES), *dst = malloc(BYTES), *want = malloc(BYTES);
    const int64_t view[] = {R, C};
    assert_non_null(src && dst && want ? src : NULL);
    for (int odd = 0; odd < 4; ++odd)
        for (int signs = 0; signs < 4; ++signs) {
            dc_array a = dc_array_host(src + odd, DC_F32, 2, view);
            dc_array b = dc_array_host(dst + (odd + 1) % 4, DC_F32, 2, view);
            a.stride[0] = b.stride[0] = signs & 1 ? -ROW : ROW;
            a.stride[1] = signs & 2 ? -3 : 3;
            b.stride[1] = signs & 2 ? 3 : -2;
            a.offset = (signs & 1 ? (R - 1) * ROW : 0) + (signs & 2 ? 3 * (C - 1) : 0);
            b.offset = (signs & 1 ? (R - 1) * ROW : 0) + (signs & 2 ? 0 : 2 * (C - 1));
            for (int64_t r = 0; r < R; ++r)
                for (int64_t c = 0; c < C; ++c) {
                    const float x = (float)in[r * C + c];
                    memcpy(src + odd + 4 * (a.offset + r * a.stride[0] + c * a.stride[1]), &x, 4);
                }
            clt_poison(dst, BYTES);
            clt_poison(want, BYTES);
            for (int64_t r = 0; r < R; ++r)
                for (int64_t c = 0; c < C; ++c) {
                    const float y = (float)clt_expected(DC_F32, (float)in[r * C + c], 3, c);
                    memcpy(want + (odd + 1) % 4 +
                               4 * (b.offset + r * b.stride[0] + c * b.stride[1]),
                           &y, 4);
                }
            clt_params p = clt_call(a, b);
            clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
            assert_memory_equal(dst, want, BYTES);
        }
    free(src);
    free(dst);
    free(want);
}

static void broadcast_read_only_input(void **state)
{
    NEED_DEVICE();
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    double *x = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    double repeated[ROWS * COLUMNS];
    assert_ptr_not_equal(x, MAP_FAILED);
    memcpy(x, in, COLUMNS * sizeof *x);
    assert_int_equal(mprotect(x, page, PROT_READ), 0);
    clt_params p =
        clt_call(dc_array_host(x, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    p.src.stride[0] = 0;
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        repeated[i] = x[i % COLUMNS];
    clt_check(repeated, out, ROWS, COLUMNS, p.factor);
    munmap(x, page);
}

static void empty_arrays(void **state)
{
    NEED_DEVICE();
    const int64_t none[] = {0, COLUMNS};
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, none), dc_array_host(out, DC_F64, 2, none));
    clt_poison(out, 64);
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    assert_true(clt_is_poison(out, 64));
}

/* Eleven calls from buffer to buffer: not a byte crosses, the table travels once. */
static void chain_on_the_device(void **state)
{
    NEED_DEVICE();
    const size_t bytes = sizeof *in * ROWS * COLUMNS;
    dc_buffer *buffer[2];
    dc_event *event = NULL;
    double x[ROWS * COLUMNS];
    for (int i = 0; i < 2; ++i)
        clt_must(dc_buffer_new(s.queue, bytes + 64, &buffer[i]));
    memcpy(x, in, bytes);
    clt_must(dc_buffer_write(s.queue, buffer[0], 16, in, bytes));
    clt_params p = clt_call(dc_array_device(buffer[0], DC_F64, 2, shape),
                            dc_array_device(buffer[1], DC_F64, 2, shape));
    p.src.offset = 2;
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_must(dc_queue_finish(s.queue));
    const dc_counters before = clt_counters(&s);
    for (int i = 0; i < 10; ++i) {
        const dc_array again = p.src;
        p.src = p.dst;
        p.dst = again;
        clt_must(dc_op_call(s.queue, CLT_AXPY, &p, i == 9 ? &event : NULL));
    }
    clt_must(dc_event_wait(event));
    clt_must(dc_event_wait(event)); /* once more is fine */
    dc_event_free(event);
    clt_must(dc_queue_finish(s.queue));
    const dc_counters after = clt_counters(&s);
    assert_int_equal(after.bytes_to_device, before.bytes_to_device);
    assert_int_equal(after.bytes_to_host, before.bytes_to_host);
    assert_int_equal(after.launches, before.launches + 10);
    assert_int_equal(after.calls_device, before.calls_device + 10);
    for (int i = 0; i < 11; ++i)
        for (int k = 0; k < ROWS * COLUMNS; ++k)
            x[k] = clt_expected(DC_F64, x[k], p.factor, k % COLUMNS);
    clt_must(dc_buffer_read(s.queue, buffer[1], 0, out, bytes));
    assert_memory_equal(out, x, bytes);
    assert_int_equal(dc_buffer_read(s.queue, buffer[1], 8, out, dc_buffer_bytes(buffer[1])),
                     DC_E_ARGUMENT);
    for (int i = 0; i < 2; ++i)
        dc_buffer_free(buffer[i]);
}

/* Buffers freed and the event dropped while the call may still run. */
static void freed_in_flight(void **state)
{
    NEED_DEVICE();
    const size_t bytes = sizeof *in * LARGE_ROWS * LARGE_COLUMNS;
    for (int round = 0; round < 4; ++round) {
        dc_buffer *a, *b;
        dc_event *event = NULL;
        clt_must(dc_buffer_new(s.queue, bytes, &a));
        clt_must(dc_buffer_new(s.queue, bytes, &b));
        clt_must(dc_buffer_write(s.queue, a, 0, in, bytes));
        clt_params p =
            clt_call(dc_array_device(a, DC_F64, 2, large), dc_array_device(b, DC_F64, 2, large));
        p.steps = 3;
        clt_must(dc_op_call(s.queue, CLT_AXPY, &p, &event));
        if (round & 1)
            dc_event_free(event);
        dc_buffer_free(a);
        clt_must(dc_buffer_read(s.queue, b, 0, out, bytes));
        clt_check(in, out, LARGE_ROWS, LARGE_COLUMNS, p.factor);
        dc_buffer_free(b);
        if (!(round & 1)) {
            clt_must(dc_event_wait(event));
            dc_event_free(event);
        }
    }
    clt_must(dc_queue_finish(s.queue));
    assert_int_equal(clt_pool(&s, DC_POOL_DEVICE).in_use_bytes, 0);
}

static void pools_count_cap_and_trim(void **state)
{
    NEED_DEVICE();
    const size_t bytes = sizeof *in * ROWS * COLUMNS;
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    const dc_pool_stats before = clt_pool(&s, DC_POOL_DEVICE);
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    const dc_pool_stats after = clt_pool(&s, DC_POOL_DEVICE);
    assert_true(after.requests > before.requests);
    assert_int_equal(after.hits - before.hits, after.requests - before.requests);
    assert_int_equal(after.in_use_bytes, 0);
    assert_true(after.cached_bytes > 0);
    clt_must(dc_pool_trim(s.context, DC_POOL_DEVICE));
    clt_must(dc_pool_trim(s.context, DC_POOL_PINNED));
    assert_int_equal(clt_pool(&s, DC_POOL_DEVICE).cached_bytes, 0);
    assert_int_equal(clt_pool(&s, DC_POOL_PINNED).cached_bytes, 0);

    clt_must(dc_pool_set_cap(s.context, DC_POOL_DEVICE, (int64_t)bytes / 2));
    clt_poison(out, bytes);
    assert_int_equal(dc_op_call(s.queue, CLT_AXPY, &p, NULL), DC_E_MEMORY);
    assert_non_null(strstr(dc_last_error(), "cap"));
    assert_true(clt_is_poison(out, bytes));
    dc_buffer *buffer = NULL;
    assert_int_equal(dc_buffer_new(s.queue, bytes, &buffer), DC_E_MEMORY);
    assert_null(buffer);
    assert_true(clt_pool(&s, DC_POOL_DEVICE).failures >= 2);
    clt_must(dc_pool_set_cap(s.context, DC_POOL_DEVICE, 0));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
}

/* Ten calls in flight hold more than the cap together, but never need it at once. */
static void calls_in_flight_give_way(void **state)
{
    NEED_DEVICE();
    const size_t bytes = sizeof *in * LARGE_ROWS * LARGE_COLUMNS;
    dc_buffer *to;
    clt_must(dc_queue_finish(s.queue));
    clt_must(dc_pool_trim(s.context, DC_POOL_DEVICE));
    clt_must(dc_buffer_new(s.queue, bytes, &to));
    clt_must(dc_pool_set_cap(s.context, DC_POOL_DEVICE, 4 * (int64_t)bytes));
    for (int i = 0; i < 10; ++i) {
        clt_params p = clt_call(dc_array_host((char *)in + 1, DC_F64, 2, large),
                                dc_array_device(to, DC_F64, 2, large));
        p.src.shape[0] = p.dst.shape[0] = LARGE_ROWS - 1;
        clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    }
    clt_must(dc_queue_finish(s.queue));
    clt_must(dc_pool_set_cap(s.context, DC_POOL_DEVICE, 0));
    dc_buffer_free(to);
}

typedef struct progress {
    int told, cancel_at;
    int64_t last, total;
} progress;

static int on_progress(int64_t done, int64_t total, void *user)
{
    progress *p = user;
    assert_true(done > p->last && done <= total);
    p->last = done;
    p->total = total;
    return ++p->told == p->cancel_at;
}

static void progress_and_cancel(void **state)
{
    NEED_DEVICE();
    const size_t bytes = sizeof *in * ROWS * COLUMNS;
    progress told = {0, 0, 0, 0};
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    p.steps = 5;
    clt_must(dc_queue_set_progress(s.queue, on_progress, &told));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    assert_int_equal(told.told, 5);
    assert_int_equal(told.last, told.total);
    clt_poison(out, bytes);
    told = (progress){0, 3, 0, 0};
    assert_int_equal(dc_op_call(s.queue, CLT_AXPY, &p, NULL), DC_E_CANCELLED);
    assert_int_equal(told.told, 3);
    assert_true(clt_is_poison(out, bytes));
    clt_must(dc_queue_set_progress(s.queue, NULL, NULL));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
}

static void refusals_say_why(void **state)
{
    NEED_DEVICE();
    const int64_t huge[] = {INT64_C(1) << 40, COLUMNS};
    dc_run_info run = {.struct_size = sizeof run};
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_poison(out, 64);
    assert_int_equal(dc_op_call(s.queue, CLT_MISSING, &p, NULL), DC_E_DEVICE);
    assert_non_null(strstr(dc_last_error(), "clt_missing_f64"));
    assert_non_null(strstr(dc_last_error(), "CL_INVALID_KERNEL_NAME"));
    assert_true(clt_is_poison(out, 64));
    p.src = dc_array_host(in, DC_F64, 2, huge);
    p.src.stride[0] = 0; /* a small input; the output is too large */
    p.dst = dc_array_host(out, DC_F64, 2, huge);
    assert_int_equal(dc_op_explain(s.queue, CLT_AXPY, &p, &run, NULL, 0), DC_E_UNSUPPORTED);
    assert_non_null(strstr(dc_last_error(), "in one piece"));
}

static void forked_child_is_refused(void **state)
{
    NEED_DEVICE();
    int status = 0;
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    const pid_t child = fork();
    if (child == 0)
        _exit(dc_op_call(s.queue, CLT_AXPY, &p, NULL) == DC_E_FORKED ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void trace_shows_kernels(void **state)
{
    NEED_DEVICE();
    char path[] = "/tmp/dct-trace-XXXXXX", text[65536] = "";
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    clt_must(dc_trace_start(s.context));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_must(dc_trace_stop(s.context, path));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    assert_non_null(strstr(text, "clt_axpy_f64"));
    assert_non_null(strstr(text, "opencl:"));
}

static void self_check_found_out(void **state)
{
    NEED_DEVICE();
    dc_device_info info = {.struct_size = sizeof info};
    clt_must(dc_device_check(s.device, &info));
    assert_true(info.checks & DC_CHECK_RAN);
    assert_true(info.checks & DC_CHECK_INT64);
    print_message("  %s: checks %#x, exact %d\n", info.name, (unsigned)info.checks, info.exact);
}

#define TESTS                                                                                      \
    {                                                                                              \
        cmocka_unit_test(dense_host_arrays), cmocka_unit_test(large_host_arrays),                  \
            cmocka_unit_test(strided_host_arrays), cmocka_unit_test(broadcast_read_only_input),    \
            cmocka_unit_test(empty_arrays), cmocka_unit_test(chain_on_the_device),                 \
            cmocka_unit_test(freed_in_flight), cmocka_unit_test(pools_count_cap_and_trim),         \
            cmocka_unit_test(calls_in_flight_give_way), cmocka_unit_test(progress_and_cancel),     \
            cmocka_unit_test(refusals_say_why), cmocka_unit_test(forked_child_is_refused),         \
            cmocka_unit_test(trace_shows_kernels), cmocka_unit_test(self_check_found_out)          \
    }

int main(void)
{
    const struct CMUnitTest as_it_is[] = TESTS, like_a_card[] = TESTS;
    const int first = cmocka_run_group_tests(as_it_is, open_plain, close_all);
    return first + cmocka_run_group_tests(like_a_card, open_like_a_card, close_all);
}

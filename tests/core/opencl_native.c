/* A host with an OpenCL context and queue of its own: no copy, no other queue, its memory objects.
 */
#include "tests/core/opencl/fixture.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 40, COLUMNS = 9, MOST = 16 };
static const int64_t shape[] = {ROWS, COLUMNS};
static const size_t bytes = sizeof(double) * ROWS * COLUMNS;

static cl_platform_id platform;
static cl_device_id device;
static cl_context host_context;
static cl_command_queue host_queue;
static double in[ROWS * COLUMNS], out[ROWS * COLUMNS];

static int open_host(void **state)
{
    cl_uint n = 0;
    cl_int code = CL_SUCCESS;
    (void)state;
    clt_must(dc__family_register(clt_family()));
    clt_fill(in, ROWS * COLUMNS);
    if (clGetPlatformIDs(1, &platform, &n) != CL_SUCCESS || n == 0 ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, &n) != CL_SUCCESS || n == 0)
        return 0;
    host_context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    if (code != CL_SUCCESS)
        return -1;
    host_queue = clCreateCommandQueue(host_context, device, 0, &code);
    return code == CL_SUCCESS ? 0 : -1;
}

static int close_host(void **state)
{
    (void)state;
    if (host_queue)
        clReleaseCommandQueue(host_queue);
    if (host_context)
        clReleaseContext(host_context);
    return 0;
}

static cl_uint references(void)
{
    cl_uint of_context = 0, of_queue = 0;
    assert_int_equal(clGetContextInfo(host_context, CL_CONTEXT_REFERENCE_COUNT, sizeof of_context,
                                      &of_context, NULL),
                     CL_SUCCESS);
    assert_int_equal(clGetCommandQueueInfo(host_queue, CL_QUEUE_REFERENCE_COUNT, sizeof of_queue,
                                           &of_queue, NULL),
                     CL_SUCCESS);
    return 1000 * of_context + of_queue;
}

/* The driver's own threads may drop theirs a moment later. */
static void expect_references(cl_uint count)
{
    const struct timespec nap = {0, 1000000};
    for (int i = 0; i < 2000 && references() != count; ++i)
        nanosleep(&nap, NULL);
    assert_int_equal(references(), count);
}

#define NEED_DEVICE()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!host_queue)                                                                           \
            skip();                                                                                \
    } while (0)

/* The host's own write, our call, the host's own read, all on its queue without a wait between. */
static void host_memory_objects(void **state)
{
    NEED_DEVICE();
    const cl_uint before = references();
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    dc_buffer *buffer[2];
    cl_mem mem[2];
    cl_int code = CL_SUCCESS;
    clt_must(dc_context_from_cl(host_context, host_queue, &context, &queue));
    for (int i = 0; i < 2; ++i) {
        mem[i] = clCreateBuffer(host_context, CL_MEM_READ_WRITE, bytes + 24, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        clt_must(dc_buffer_from_cl(queue, mem[i], &buffer[i]));
        assert_int_equal(dc_buffer_bytes(buffer[i]), bytes + 24);
    }
    assert_int_equal(
        clEnqueueWriteBuffer(host_queue, mem[0], CL_FALSE, 24, bytes, in, 0, NULL, NULL),
        CL_SUCCESS);
    clt_params p = clt_call(dc_array_device(buffer[0], DC_F64, 2, shape),
                            dc_array_device(buffer[1], DC_F64, 2, shape));
    p.src.offset = 3;
    clt_must(dc_op_call(queue, CLT_AXPY, &p, NULL));
    clt_poison(out, bytes);
    assert_int_equal(clEnqueueReadBuffer(host_queue, mem[1], CL_TRUE, 0, bytes, out, 0, NULL, NULL),
                     CL_SUCCESS);
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    dc_counters counters = {.struct_size = sizeof counters};
    clt_must(dc_context_get_counters(context, &counters));
    assert_int_equal(counters.bytes_to_host, 0);
    assert_int_equal(counters.bytes_to_device, COLUMNS * sizeof(double)); /* the table */
    for (int i = 0; i < 2; ++i) {
        dc_buffer_free(buffer[i]);
        clReleaseMemObject(mem[i]);
    }
    dc_queue_free(queue);
    dc_context_free(context);
    expect_references(before);
}

static void host_arrays_and_own_buffers(void **state)
{
    NEED_DEVICE();
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    dc_buffer *buffer = NULL;
    dc_device *found = NULL;
    dc_device_info info = {.struct_size = sizeof info};
    clt_must(dc_context_from_cl(host_context, host_queue, &context, &queue));
    assert_int_equal(dc_device_count(context), 2);
    clt_must(dc_device_find(context, "opencl:0", &found));
    clt_must(dc_device_check(found, &info));
    assert_string_equal(info.id, "opencl:0");
    assert_true(info.checks & DC_CHECK_RAN);
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_poison(out, bytes);
    clt_must(dc_op_call(queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    clt_must(dc_buffer_new(queue, bytes, &buffer));
    p.dst = dc_array_device(buffer, DC_F64, 2, shape);
    clt_must(dc_op_call(queue, CLT_AXPY, &p, NULL));
    clt_poison(out, bytes);
    clt_must(dc_buffer_read(queue, buffer, 0, out, bytes));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    dc_buffer_free(buffer);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void what_is_refused(void **state)
{
    NEED_DEVICE();
    const cl_uint before = references();
    cl_int code = CL_SUCCESS;
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    cl_context other = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(dc_context_from_cl(other, host_queue, &context, &queue), DC_E_ARGUMENT);
    assert_non_null(strstr(dc_last_error(), "another cl_context"));
    assert_null(context);
    assert_null(queue);
    cl_command_queue unordered =
        clCreateCommandQueue(host_context, device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    if (code == CL_SUCCESS) {
        assert_int_equal(dc_context_from_cl(host_context, unordered, &context, &queue),
                         DC_E_ARGUMENT);
        assert_non_null(strstr(dc_last_error(), "in order"));
        clReleaseCommandQueue(unordered);
    }
    assert_int_equal(dc_context_from_cl(NULL, host_queue, &context, &queue), DC_E_ARGUMENT);
    clt_must(dc_context_from_cl(host_context, host_queue, &context, &queue));
    dc_buffer *buffer = NULL;
    cl_mem foreign = clCreateBuffer(other, CL_MEM_READ_WRITE, 64, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(dc_buffer_from_cl(queue, foreign, &buffer), DC_E_ARGUMENT);
    assert_non_null(strstr(dc_last_error(), "another cl_context"));
    assert_null(buffer);
    clReleaseMemObject(foreign);
    dc_queue_free(queue);
    dc_context_free(context);
    clReleaseContext(other);
    expect_references(before);
}

/* The host frees its handles first: ours keep them. */
static void outlives_the_hosts_handles(void **state)
{
    NEED_DEVICE();
    cl_int code = CL_SUCCESS;
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    cl_context mine = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    cl_command_queue mine_too = clCreateCommandQueue(mine, device, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    clt_must(dc_context_from_cl(mine, mine_too, &context, &queue));
    clReleaseCommandQueue(mine_too);
    clReleaseContext(mine);
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_poison(out, bytes);
    clt_must(dc_op_call(queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    dc_queue_free(queue);
    dc_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_memory_objects),
        cmocka_unit_test(host_arrays_and_own_buffers),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(outlives_the_hosts_handles),
    };
    setenv("DUALCUBE_FALLBACK", "device-or-fail", 1);
    return cmocka_run_group_tests(tests, open_host, close_host);
}

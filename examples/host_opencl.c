/* A host in C that has an OpenCL context, a queue and data on a device already: dualcube computes
 * on them where they are.  Nothing is copied between the host's kernels and dualcube's.
 *
 *     cc host_opencl.c $(pkg-config --cflags --libs dualcube) -lOpenCL -o host_opencl
 *
 * The same rolling mean is then computed by the CPU and compared bit by bit.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dualcube/dualcube.h>

enum { ROWS = 4096, COLUMNS = 8, VALUES = ROWS * COLUMNS, WINDOW = 48, SKIPPED = 77 };

static const int64_t shape[2] = {ROWS, COLUMNS};

typedef struct host {
    cl_context context;
    cl_command_queue queue;
    cl_mem src, dst;
} host;

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

/* The first device of the first platform that has one. */
static cl_device_id find_device(void)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;
    cl_device_id device = NULL;

    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
        return NULL;
    for (cl_uint i = 0; i < count && i < 16 && !device; ++i)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL) != CL_SUCCESS)
            device = NULL;
    return device;
}

/* What such a host has before it meets dualcube: a context, an in-order queue, data on the device.
 */
static int host_open(host *h, cl_device_id device, const float *table)
{
    cl_int error[4];

    h->context = clCreateContext(NULL, 1, &device, NULL, NULL, &error[0]);
    if (error[0] != CL_SUCCESS)
        return failed("host", "clCreateContext");
    h->queue = clCreateCommandQueue(h->context, device, 0, &error[1]);
    h->src = clCreateBuffer(h->context, CL_MEM_READ_ONLY, VALUES * sizeof *table, NULL, &error[2]);
    h->dst = clCreateBuffer(h->context, CL_MEM_READ_WRITE, VALUES * sizeof *table, NULL, &error[3]);
    if (error[1] != CL_SUCCESS || error[2] != CL_SUCCESS || error[3] != CL_SUCCESS)
        return failed("host", "a queue or a buffer cannot be had");
    if (clEnqueueWriteBuffer(h->queue, h->src, CL_TRUE, 0, VALUES * sizeof *table, table, 0, NULL,
                             NULL) != CL_SUCCESS)
        return failed("host", "clEnqueueWriteBuffer");
    return 0;
}

static void host_close(host *h)
{
    if (h->dst)
        clReleaseMemObject(h->dst);
    if (h->src)
        clReleaseMemObject(h->src);
    if (h->queue)
        clReleaseCommandQueue(h->queue);
    if (h->context)
        clReleaseContext(h->context);
}

static dc_status mean(dc_queue *queue, const dc_array *src, const dc_array *dst)
{
    dc_rolling_params params = DC_ROLLING_PARAMS_INIT;

    params.kind = DC_ROLLING_MEAN;
    params.src = *src;
    params.dst = *dst;
    params.window = WINDOW;
    params.min_periods = 1;
    return dc_rolling(queue, &params, NULL);
}

/* On the host's own queue and memory; the result is read by the host's own command, which the
 * in-order queue runs after dualcube's. */
static int compute_on_device(host *h, float *out)
{
    dc_context *context = NULL;
    dc_queue *queue = NULL;
    dc_buffer *src = NULL, *dst = NULL;
    dc_run_info run = {0};
    int status = 1;

    run.struct_size = sizeof run;
    if (dc_context_from_cl(h->context, h->queue, &context, &queue) == DC_OK &&
        dc_buffer_from_cl(queue, h->src, &src) == DC_OK &&
        dc_buffer_from_cl(queue, h->dst, &dst) == DC_OK) {
        const dc_array in = dc_array_device(src, DC_F32, 2, shape);
        const dc_array result = dc_array_device(dst, DC_F32, 2, shape);

        if (mean(queue, &in, &result) == DC_OK && dc_queue_last_run(queue, &run) == DC_OK)
            status = 0;
    }
    if (status != 0)
        failed("dualcube", dc_last_error());
    else if (clEnqueueReadBuffer(h->queue, h->dst, CL_TRUE, 0, VALUES * sizeof *out, out, 0, NULL,
                                 NULL) != CL_SUCCESS)
        status = failed("host", "clEnqueueReadBuffer");
    else
        printf("device: %s, %lld bytes in, %lld bytes out\n", run.device,
               (long long)run.host_bytes_in, (long long)run.host_bytes_out);
    dc_buffer_free(dst);
    dc_buffer_free(src);
    dc_queue_free(queue);
    dc_context_free(context);
    if (status == 0 && run.device_kind != DC_DEVICE_OPENCL)
        return failed("dualcube", run.reason);
    return status;
}

static int compute_on_cpu(const float *table, float *out)
{
    dc_context *context = NULL;
    dc_device *cpu = NULL;
    dc_queue *queue = NULL;
    const dc_array src = dc_array_host(table, DC_F32, 2, shape);
    const dc_array dst = dc_array_host(out, DC_F32, 2, shape);
    int status = 0;

    if (dc_context_new(NULL, &context) != DC_OK || dc_device_find(context, "cpu", &cpu) != DC_OK ||
        dc_queue_new(context, cpu, NULL, &queue) != DC_OK || mean(queue, &src, &dst) != DC_OK)
        status = failed("dualcube", dc_last_error());
    dc_queue_free(queue);
    dc_context_free(context);
    return status;
}

int main(void)
{
    static float table[VALUES], device_out[VALUES], cpu_out[VALUES];
    const cl_device_id device = find_device();
    uint32_t state = 7;
    host h = {0};
    int status;

    if (!device) {
        printf("skipped: this machine has no OpenCL device\n");
        return SKIPPED;
    }
    for (int i = 0; i < VALUES; ++i) {
        state = state * 1664525u + 1013904223u;
        table[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
    }
    status = host_open(&h, device, table);
    if (status == 0)
        status = compute_on_device(&h, device_out);
    if (status == 0)
        status = compute_on_cpu(table, cpu_out);
    if (status == 0 && memcmp(device_out, cpu_out, sizeof cpu_out) != 0)
        status = failed("dualcube", "the device and the CPU differ");
    if (status == 0)
        printf("%d values: the device and the CPU have the same bits\n", VALUES);
    host_close(&h);
    return status;
}

/* Kernels with one defect each, for the emulator that must report it: a race in global memory, one
 * in local memory, a read of memory that nobody has written, a read beyond a buffer; and one that
 * is in order. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const text =
    "kernel void in_order(global float *x, local float *l) {"
    "  const int i = get_local_id(0);"
    "  l[i] = i; barrier(CLK_LOCAL_MEM_FENCE); x[get_global_id(0)] = l[(i + 1) % 8]; }\n"
    "kernel void race(global float *x, local float *l) {"
    "  l[0] = 0; x[0] = get_global_id(0); }\n"
    "kernel void local_race(global float *x, local float *l) {"
    "  const int i = get_local_id(0);"
    "  l[i] = i; x[get_global_id(0)] = l[(i + 1) % 8]; }\n"
    "kernel void uninitialised(global float *x, local float *l) {"
    "  const int i = get_local_id(0);"
    "  if (l[i] > 1) x[get_global_id(0)] = 1; else x[get_global_id(0)] = 2; }\n"
    "kernel void beyond(global float *x, local float *l) {"
    "  const int i = get_local_id(0);"
    "  l[i] = i; x[get_global_id(0)] = l[i] + x[get_global_id(0) + 100]; }\n";

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            return fprintf(stderr, "%s failed\n", #call), 2;                                       \
    } while (0)

int main(int argc, char **argv)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int error;
    const size_t items = 32, group = 8;
    const float start[32] = {0};
    char *source = strdup(text);
    const char *list[] = {source};
    MUST(argc != 2 || !source);
    MUST(clGetPlatformIDs(1, &platform, NULL));
    MUST(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL));
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    MUST(error);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &error);
    MUST(error);
    cl_program program = clCreateProgramWithSource(context, 1, list, NULL, &error);
    MUST(error);
    MUST(clBuildProgram(program, 1, &device, "-cl-std=CL1.2", NULL, NULL));
    cl_kernel kernel = clCreateKernel(program, argv[1], &error);
    MUST(error);
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, sizeof start,
                                   (void *)(size_t)start, &error);
    MUST(error);
    MUST(clSetKernelArg(kernel, 0, sizeof memory, &memory));
    MUST(clSetKernelArg(kernel, 1, group * sizeof(float), NULL));
    MUST(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &group, 0, NULL, NULL));
    MUST(clFinish(queue));
    clReleaseMemObject(memory);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    free(source);
    return 0;
}

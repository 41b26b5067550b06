/* An OpenCL layer that makes one chosen call fail and counts what is alive.  Loaded by the ICD
 * loader through OPENCL_LAYERS; steered through the doors of layer.h.  Releases are counted and
 * never refused: a driver that refuses them leaks whatever we do. */
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>

#include <stdatomic.h>
#include <string.h>

#include "tests/fault/layer.h"

#define DOOR __attribute__((visibility("default")))

static const struct _cl_icd_dispatch *next;
static struct _cl_icd_dispatch table;
static atomic_llong calls, nth, live[DCT_LIVE_COUNT];
static atomic_int code, late;
static _Atomic(const char *) hit_name = "";

DOOR void dct_fault_arm(int64_t number, int32_t error, int32_t when);
DOOR int64_t dct_fault_calls(void);
DOOR const char *dct_fault_hit(void);
DOOR int64_t dct_fault_live(int32_t kind);

void dct_fault_arm(int64_t number, int32_t error, int32_t when)
{
    atomic_store(&nth, number);
    atomic_store(&code, error);
    atomic_store(&late, when);
    atomic_store(&hit_name, "");
    atomic_store(&calls, 0);
}

int64_t dct_fault_calls(void)
{
    return atomic_load(&calls);
}

const char *dct_fault_hit(void)
{
    return atomic_load(&hit_name);
}

int64_t dct_fault_live(int32_t kind)
{
    return atomic_load(&live[kind]);
}

/* Is this the call that fails? */
static int hit(const char *name)
{
    const long long number = atomic_fetch_add(&calls, 1) + 1;
    if (number != atomic_load(&nth))
        return 0;
    atomic_store(&hit_name, name);
    return 1;
}

static cl_int made(cl_int status, int kind)
{
    if (status == CL_SUCCESS)
        atomic_fetch_add(&live[kind], 1);
    return status;
}

/* A call that returns a status. */
#define STATUS(name, params, args)                                                                 \
    static cl_int CL_API_CALL fault_##name params                                                  \
    {                                                                                              \
        return hit(#name) ? atomic_load(&code) : next->name args;                                  \
    }
STATUS(clGetPlatformInfo, (cl_platform_id a, cl_platform_info b, size_t c, void *d, size_t *e),
       (a, b, c, d, e))
STATUS(clGetDeviceIDs, (cl_platform_id a, cl_device_type b, cl_uint c, cl_device_id *d, cl_uint *e),
       (a, b, c, d, e))
STATUS(clGetDeviceInfo, (cl_device_id a, cl_device_info b, size_t c, void *d, size_t *e),
       (a, b, c, d, e))
STATUS(clGetCommandQueueInfo,
       (cl_command_queue a, cl_command_queue_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))
STATUS(clGetMemObjectInfo, (cl_mem a, cl_mem_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))
STATUS(clGetProgramInfo, (cl_program a, cl_program_info b, size_t c, void *d, size_t *e),
       (a, b, c, d, e))
STATUS(clGetProgramBuildInfo,
       (cl_program a, cl_device_id b, cl_program_build_info c, size_t d, void *e, size_t *f),
       (a, b, c, d, e, f))
STATUS(clGetKernelWorkGroupInfo,
       (cl_kernel a, cl_device_id b, cl_kernel_work_group_info c, size_t d, void *e, size_t *f),
       (a, b, c, d, e, f))
STATUS(clGetEventProfilingInfo, (cl_event a, cl_profiling_info b, size_t c, void *d, size_t *e),
       (a, b, c, d, e))
STATUS(clBuildProgram,
       (cl_program a, cl_uint b, const cl_device_id *c, const char *d,
        void(CL_CALLBACK *e)(cl_program, void *), void *f),
       (a, b, c, d, e, f))
STATUS(clSetKernelArg, (cl_kernel a, cl_uint b, size_t c, const void *d), (a, b, c, d))
STATUS(clWaitForEvents, (cl_uint a, const cl_event *b), (a, b))
STATUS(clFlush, (cl_command_queue a), (a))
STATUS(clFinish, (cl_command_queue a), (a))

static cl_int CL_API_CALL fault_clGetEventInfo(cl_event a, cl_event_info b, size_t c, void *d,
                                               size_t *e)
{
    if (!hit("clGetEventInfo"))
        return next->clGetEventInfo(a, b, c, d, e);
    const cl_int error = atomic_load(&code);
    if (!atomic_load(&late) || b != CL_EVENT_COMMAND_EXECUTION_STATUS || c < sizeof error)
        return error;
    memcpy(d, &error, sizeof error); /* the command failed while it ran */
    return CL_SUCCESS;
}

/* A call that returns an object; `e` is where its error goes. */
#define OBJECT(type, name, kind, params, args)                                                     \
    static type CL_API_CALL fault_##name params                                                    \
    {                                                                                              \
        if (hit(#name)) {                                                                          \
            if (e)                                                                                 \
                *e = atomic_load(&code);                                                           \
            return NULL;                                                                           \
        }                                                                                          \
        const type object = next->name args;                                                       \
        (void)made(object ? CL_SUCCESS : CL_INVALID_VALUE, kind);                                  \
        return object;                                                                             \
    }
OBJECT(cl_context, clCreateContext, DCT_LIVE_CONTEXTS,
       (const cl_context_properties *a, cl_uint b, const cl_device_id *c,
        void(CL_CALLBACK *d)(const char *, const void *, size_t, void *), void *f, cl_int *e),
       (a, b, c, d, f, e))
OBJECT(cl_command_queue, clCreateCommandQueue, DCT_LIVE_QUEUES,
       (cl_context a, cl_device_id b, cl_command_queue_properties c, cl_int *e), (a, b, c, e))
OBJECT(cl_mem, clCreateBuffer, DCT_LIVE_BUFFERS,
       (cl_context a, cl_mem_flags b, size_t c, void *d, cl_int *e), (a, b, c, d, e))
OBJECT(cl_program, clCreateProgramWithSource, DCT_LIVE_PROGRAMS,
       (cl_context a, cl_uint b, const char **c, const size_t *d, cl_int *e), (a, b, c, d, e))
OBJECT(cl_program, clCreateProgramWithBinary, DCT_LIVE_PROGRAMS,
       (cl_context a, cl_uint b, const cl_device_id *c, const size_t *d, const unsigned char **f,
        cl_int *g, cl_int *e),
       (a, b, c, d, f, g, e))
OBJECT(cl_kernel, clCreateKernel, DCT_LIVE_KERNELS, (cl_program a, const char *b, cl_int *e),
       (a, b, e))

/* Commands; `o` receives an event. */
#define COMMAND(name, params, args)                                                                \
    static cl_int CL_API_CALL fault_##name params                                                  \
    {                                                                                              \
        if (hit(#name))                                                                            \
            return atomic_load(&code);                                                             \
        const cl_int status = next->name args;                                                     \
        return o ? made(status, DCT_LIVE_EVENTS) : status;                                         \
    }
COMMAND(clEnqueueReadBuffer,
        (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, void *f, cl_uint n,
         const cl_event *w, cl_event *o),
        (a, b, c, d, e, f, n, w, o))
COMMAND(clEnqueueWriteBuffer,
        (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, const void *f, cl_uint n,
         const cl_event *w, cl_event *o),
        (a, b, c, d, e, f, n, w, o))
COMMAND(clEnqueueCopyBuffer,
        (cl_command_queue a, cl_mem b, cl_mem c, size_t d, size_t e, size_t f, cl_uint n,
         const cl_event *w, cl_event *o),
        (a, b, c, d, e, f, n, w, o))
COMMAND(clEnqueueFillBuffer,
        (cl_command_queue a, cl_mem b, const void *c, size_t d, size_t e, size_t f, cl_uint n,
         const cl_event *w, cl_event *o),
        (a, b, c, d, e, f, n, w, o))
COMMAND(clEnqueueUnmapMemObject,
        (cl_command_queue a, cl_mem b, void *c, cl_uint n, const cl_event *w, cl_event *o),
        (a, b, c, n, w, o))
COMMAND(clEnqueueNDRangeKernel,
        (cl_command_queue a, cl_kernel b, cl_uint c, const size_t *d, const size_t *e,
         const size_t *f, cl_uint n, const cl_event *w, cl_event *o),
        (a, b, c, d, e, f, n, w, o))
COMMAND(clEnqueueMarkerWithWaitList,
        (cl_command_queue a, cl_uint n, const cl_event *w, cl_event *o), (a, n, w, o))

static void *CL_API_CALL fault_clEnqueueMapBuffer(cl_command_queue a, cl_mem b, cl_bool c,
                                                  cl_map_flags d, size_t f, size_t g, cl_uint n,
                                                  const cl_event *w, cl_event *o, cl_int *e)
{
    if (hit("clEnqueueMapBuffer")) {
        if (e)
            *e = atomic_load(&code);
        return NULL;
    }
    void *address = next->clEnqueueMapBuffer(a, b, c, d, f, g, n, w, o, e);
    if (address && o)
        (void)made(CL_SUCCESS, DCT_LIVE_EVENTS);
    return address;
}

#define KEEP(what, type, kind)                                                                     \
    static cl_int CL_API_CALL fault_clRetain##what(type object)                                    \
    {                                                                                              \
        return hit("clRetain" #what) ? atomic_load(&code)                                          \
                                     : made(next->clRetain##what(object), kind);                   \
    }                                                                                              \
    static cl_int CL_API_CALL fault_clRelease##what(type object)                                   \
    {                                                                                              \
        atomic_fetch_sub(&live[kind], 1);                                                          \
        return next->clRelease##what(object);                                                      \
    }
KEEP(Context, cl_context, DCT_LIVE_CONTEXTS)
KEEP(CommandQueue, cl_command_queue, DCT_LIVE_QUEUES)
KEEP(MemObject, cl_mem, DCT_LIVE_BUFFERS)
KEEP(Program, cl_program, DCT_LIVE_PROGRAMS)
KEEP(Kernel, cl_kernel, DCT_LIVE_KERNELS)
KEEP(Event, cl_event, DCT_LIVE_EVENTS)

static void fill_table(void)
{
#define USE(name) table.name = fault_##name
    USE(clGetPlatformInfo);
    USE(clGetDeviceIDs);
    USE(clGetDeviceInfo);
    USE(clGetCommandQueueInfo);
    USE(clGetMemObjectInfo);
    USE(clGetProgramInfo);
    USE(clGetProgramBuildInfo);
    USE(clGetKernelWorkGroupInfo);
    USE(clGetEventProfilingInfo);
    USE(clGetEventInfo);
    USE(clBuildProgram);
    USE(clSetKernelArg);
    USE(clWaitForEvents);
    USE(clFlush);
    USE(clFinish);
    USE(clCreateContext);
    USE(clCreateCommandQueue);
    USE(clCreateBuffer);
    USE(clCreateProgramWithSource);
    USE(clCreateProgramWithBinary);
    USE(clCreateKernel);
    USE(clEnqueueReadBuffer);
    USE(clEnqueueWriteBuffer);
    USE(clEnqueueCopyBuffer);
    USE(clEnqueueFillBuffer);
    USE(clEnqueueMapBuffer);
    USE(clEnqueueUnmapMemObject);
    USE(clEnqueueNDRangeKernel);
    USE(clEnqueueMarkerWithWaitList);
#define USE_KEEP(what)                                                                             \
    USE(clRetain##what);                                                                           \
    USE(clRelease##what)
    USE_KEEP(Context);
    USE_KEEP(CommandQueue);
    USE_KEEP(MemObject);
    USE_KEEP(Program);
    USE_KEEP(Kernel);
    USE_KEEP(Event);
}

DOOR cl_int CL_API_CALL clGetLayerInfo(cl_layer_info param, size_t bytes, void *value,
                                       size_t *needed)
{
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (param != CL_LAYER_API_VERSION || (value && bytes < sizeof version))
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, &version, sizeof version);
    if (needed)
        *needed = sizeof version;
    return CL_SUCCESS;
}

DOOR cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                    cl_uint *entries_out,
                                    const struct _cl_icd_dispatch **layer_dispatch)
{
    if (!target || !entries_out || !layer_dispatch || entries < sizeof table / sizeof(void *))
        return CL_INVALID_VALUE;
    next = target;
    table = *target;
    fill_table();
    *entries_out = sizeof table / sizeof(void *);
    *layer_dispatch = &table;
    return CL_SUCCESS;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

static int has_timestamps(cl_command_queue queue)
{
    cl_command_queue_properties properties = 0;
    return clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties,
                                 NULL) == CL_SUCCESS &&
           (properties & CL_QUEUE_PROFILING_ENABLE) != 0;
}

dc_status dc__cl_queue_new(dc_cl_device *device, dc_cl_queue **out)
{
    cl_int code = CL_SUCCESS;
    dc_cl_queue *queue = calloc(1, sizeof *queue);
    DC_REQUIRE(queue != NULL, DC_E_MEMORY, "OpenCL queue: out of host memory");
    queue->device = device;
    queue->native = device->native;
    if (device->native) {
        queue->cl = device->utility;
        code = clRetainCommandQueue(queue->cl);
    } else {
        queue->cl = clCreateCommandQueue(device->cl, device->id, 0, &code);
    }
    if (code != CL_SUCCESS) {
        free(queue);
        return dc__cl_failed(device->native ? "clRetainCommandQueue" : "clCreateCommandQueue",
                             code);
    }
    queue->profiling = device->native && has_timestamps(queue->cl);
    *out = queue;
    return DC_OK;
}

/* Timestamps cost time on some drivers, so an own queue gets them when a trace is first seen; a
 * host's queue is left as it is. */
void dc__cl_queue_profile(dc_cl_queue *queue)
{
    dc_cl_device *device = queue->device;
    cl_int code = CL_SUCCESS;
    if (queue->profiling || queue->native || !dc__trace_on(dc__context_trace(device->context)))
        return;
    if (dc__cl_drain(queue) != CL_SUCCESS)
        return;
    cl_command_queue made =
        clCreateCommandQueue(device->cl, device->id, CL_QUEUE_PROFILING_ENABLE, &code);
    if (code != CL_SUCCESS)
        return; /* a trace without the device's own times */
    clReleaseCommandQueue(queue->cl);
    queue->cl = made;
    queue->profiling = 1;
}

cl_int dc__cl_drain(dc_cl_queue *queue)
{
    cl_int code = clFinish(queue->cl);
    if (code != CL_SUCCESS)
        code = clFinish(queue->cl);
    return code;
}

dc_status dc__cl_complete(dc_cl_queue *queue, const dc_cl_call *call)
{
    const cl_int code = dc__cl_drain(queue);
    /* A failed command explains more than the queue's failure that follows from it. */
    DC_TRY(dc__cl_call_outcome(call));
    DC_CL_TRY("clFinish", code);
    return DC_OK;
}

dc_status dc__cl_finish(dc_cl_queue *queue)
{
    const cl_int code = dc__cl_drain(queue);
    dc__cl_reap(queue, 1); /* their failures are their events' */
    DC_CL_TRY("clFinish", code);
    return DC_OK;
}

void dc__cl_queue_free(dc_cl_queue *queue)
{
    if (queue == NULL)
        return;
    (void)dc__cl_finish(queue);
    dc__cl_kernels_free(queue);
    clReleaseCommandQueue(queue->cl);
    dc__arena_free(&queue->arena);
    free(queue);
}

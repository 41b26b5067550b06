/* One step of a plan into commands. */
#include "host/opencl/opencl.h"

static size_t group_of(const dc_cl_launch *launch)
{
    return launch->local[0] * launch->local[1] * launch->local[2];
}

/* What the family's cut asks for, against what the device has. */
static dc_status check_launch(const dc_cl_device *device, const dc_step *step,
                              const dc_cl_launch *launch)
{
    const char *name = step->op->name;
    DC_REQUIRE(group_of(launch) > 0 && group_of(launch) <= (size_t)device->caps.max_group,
               DC_E_UNSUPPORTED, "%s: a group of %zu work-items; %s takes 1 to %lld", name,
               group_of(launch), device->info.id, (long long)device->caps.max_group);
    DC_REQUIRE(launch->local_bytes >= 0 && launch->local_bytes <= device->caps.local_bytes,
               DC_E_UNSUPPORTED, "%s: needs %lld bytes of local memory; %s has %lld", name,
               (long long)launch->local_bytes, device->info.id,
               (long long)device->caps.local_bytes);
    for (int d = 0; d < 3; ++d)
        DC_REQUIRE(launch->global[d] > 0 && launch->global[d] % launch->local[d] == 0,
                   DC_E_UNSUPPORTED,
                   "%s: %zu work-items along axis %d are no multiple of the group's %zu", name,
                   launch->global[d], d, launch->local[d]);
    return DC_OK;
}

dc_status dc__cl_cut_step(const dc_cl_device *device, const dc_step *step, dc_arena *arena,
                          dc_cl_geometry *geometry)
{
    *geometry = (dc_cl_geometry){0};
    DC_TRY(dc__cl_cut(step->op->family->name)(step, &device->caps, arena, geometry));
    for (int32_t i = 0; i < geometry->nlaunches; ++i)
        DC_TRY(check_launch(device, step, &geometry->launch[i]));
    DC_REQUIRE(geometry->scratch_bytes <= device->info.max_alloc_bytes, DC_E_UNSUPPORTED,
               "%s: needs %lld bytes of scratch; %s gives %lld in one piece", step->op->name,
               (long long)geometry->scratch_bytes, device->info.id,
               (long long)device->info.max_alloc_bytes);
    return DC_OK;
}

/* Arguments in order; the first refusal is kept. */
typedef struct arguments {
    cl_kernel kernel;
    cl_uint count;
    cl_int code;
} arguments;

static void put(arguments *a, size_t bytes, const void *value)
{
    const cl_int code = clSetKernelArg(a->kernel, a->count++, bytes, value);
    if (a->code == CL_SUCCESS)
        a->code = code;
}

static dc_status set_arguments(const dc_cl_call *call, const dc_step *step, dc_cl_kernel *kernel,
                               const dc_cl_launch *launch, const cl_mem *scratch)
{
    const int32_t arrays = step->nin + step->nout;
    arguments a = {kernel->cl, 0, CL_SUCCESS};
    for (int32_t i = 0; i < arrays + step->naux; ++i) {
        const dc_cl_operand *operand = &call->operand[step->slot[i]];
        const dc_slot *slot = &call->request->plan->slot[step->slot[i]];
        /* Scratch and tables begin at element 0. */
        const int32_t dtype = slot->kind <= DC_SLOT_OUTPUT ? slot->array.dtype : step->dtype;
        const cl_long first = operand->first / (cl_long)dc_dtype_bytes(dtype);
        put(&a, sizeof operand->mem, &operand->mem);
        if (i < arrays)
            put(&a, sizeof first, &first);
    }
    if (*scratch)
        put(&a, sizeof *scratch, scratch);
    put(&a, step->args_bytes, step->args);
    put(&a, sizeof launch->part, &launch->part);
    if (launch->local_bytes > 0)
        put(&a, (size_t)launch->local_bytes, NULL);
    if (a.code != CL_SUCCESS)
        return dc__fail(DC_E_DEVICE, "kernel %s: clSetKernelArg -> %s (%d)", kernel->name,
                        dc__cl_name(a.code), (int)a.code);
    return DC_OK;
}

static dc_status enqueue(dc_cl_queue *queue, dc_cl_call *call, dc_cl_kernel *kernel,
                         const dc_cl_launch *launch)
{
    const dc_cl_device *device = queue->device;
    cl_event *event;
    DC_REQUIRE(group_of(launch) <= kernel->max_group, DC_E_UNSUPPORTED,
               "kernel %s: a group of %zu work-items; it runs with at most %zu on %s", kernel->name,
               group_of(launch), kernel->max_group, device->info.id);
    /* Some drivers die of too much local memory instead of refusing it. */
    DC_REQUIRE((cl_ulong)launch->local_bytes + kernel->local_bytes <=
                   (cl_ulong)device->caps.local_bytes,
               DC_E_UNSUPPORTED, "kernel %s: needs %lld bytes of local memory; %s has %lld",
               kernel->name, (long long)launch->local_bytes + (long long)kernel->local_bytes,
               device->info.id, (long long)device->caps.local_bytes);
    if ((event = dc__cl_call_event(call, kernel->name)) == NULL)
        return DC_E_MEMORY;
    const cl_int code = clEnqueueNDRangeKernel(queue->cl, kernel->cl, 3, NULL, launch->global,
                                               launch->local, 0, NULL, event);
    if (code != CL_SUCCESS)
        return dc__fail(dc__cl_failed("clEnqueueNDRangeKernel", code),
                        "kernel %s: clEnqueueNDRangeKernel -> %s (%d)", kernel->name,
                        dc__cl_name(code), (int)code);
    call->started = 1;
    DC_COUNT(device->context, launches, 1);
    return DC_OK;
}

/* With a callback at most two launches are ahead of what it is told. */
static dc_status follow(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step, int32_t launch,
                        int32_t launches)
{
    const dc_exec_call *request = call->request;
    const int64_t index = step - request->plan->step;
    const int last = launch + 1 == launches;
    const int32_t behind = last ? 1 : 2;
    if (request->progress == NULL || call->nspans < behind)
        return DC_OK;
    const cl_event *event = &call->span[call->nspans - behind].event;
    (void)clFlush(queue->cl);
    if (*event)
        DC_CL_TRY("clWaitForEvents", clWaitForEvents(1, event));
    return dc__cl_call_progress(call, index * DC_CL_UNITS_PER_STEP +
                                          (int64_t)DC_CL_UNITS_PER_STEP * (launch + 1) / launches);
}

static dc_status run_launches(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step)
{
    dc_cl_geometry geometry;
    cl_mem scratch = NULL;
    dc__arena_reset(&queue->arena);
    DC_TRY(dc__cl_cut_step(queue->device, step, &queue->arena, &geometry));
    if (geometry.scratch_bytes > 0 && geometry.nlaunches > 0)
        DC_TRY(dc__cl_call_block(call, (size_t)geometry.scratch_bytes, &scratch));
    for (int32_t i = 0; i < geometry.nlaunches; ++i) {
        const dc_cl_launch *launch = &geometry.launch[i];
        dc_cl_kernel *kernel = NULL;
        DC_TRY(dc__cl_kernel_get(queue, step->op->family, step->dtype, launch->kernel, &kernel));
        DC_TRY(set_arguments(call, step, kernel, launch, &scratch));
        DC_TRY(enqueue(queue, call, kernel, launch));
        DC_TRY(follow(queue, call, step, i, geometry.nlaunches));
    }
    return DC_OK;
}

static dc_status run_copy(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step)
{
    const dc_cl_operand *from = &call->operand[step->slot[0]], *to = &call->operand[step->slot[1]];
    const dc_copy_step *copy = &step->u.copy;
    if (copy->bytes == 0)
        return DC_OK;
    cl_event *event = dc__cl_call_event(call, "clEnqueueCopyBuffer");
    if (event == NULL)
        return DC_E_MEMORY;
    DC_CL_TRY("clEnqueueCopyBuffer", clEnqueueCopyBuffer(queue->cl, from->mem, to->mem,
                                                         (size_t)(from->first + copy->src_offset),
                                                         (size_t)(to->first + copy->dst_offset),
                                                         (size_t)copy->bytes, 0, NULL, event));
    DC_COUNT(queue->device->context, copies, 1);
    return DC_OK;
}

/* The libraries hand out no events: one behind their commands stands for all. */
static dc_status mark(dc_cl_queue *queue, dc_cl_call *call, const char *name)
{
    cl_event *event = dc__cl_call_event(call, name);
    if (event == NULL)
        return DC_E_MEMORY;
    DC_CL_TRY("clEnqueueMarkerWithWaitList",
              clEnqueueMarkerWithWaitList(queue->cl, 0, NULL, event));
    DC_COUNT(queue->device->context, launches, 1);
    return DC_OK;
}

static dc_status run_library(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step)
{
    const dc_cl_operand *o[3] = {NULL, NULL, NULL};
    const int fft = step->kind == DC_STEP_FFT;
    for (int32_t i = 0; i < (fft ? 2 : 3); ++i)
        o[i] = &call->operand[step->slot[i]];
    DC_REQUIRE(fft ? dc__cl_fft != NULL : dc__cl_gemm != NULL, DC_E_UNSUPPORTED,
               "%s: this build has no %s", step->op->name, fft ? "VkFFT" : "CLBlast");
    call->started = 1; /* whatever they queue before they fail */
    if (fft)
        DC_TRY(dc__cl_fft(queue, step, o[0]->mem, (size_t)o[0]->first, o[1]->mem,
                          (size_t)o[1]->first));
    else
        DC_TRY(dc__cl_gemm(queue, step, o[0]->mem, (size_t)o[0]->first, o[1]->mem,
                           (size_t)o[1]->first, o[2]->mem, (size_t)o[2]->first));
    return mark(queue, call, fft ? "FFT" : "GEMM");
}

dc_status dc__cl_step_run(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step)
{
    switch (step->kind) {
    case DC_STEP_LAUNCH:
        return run_launches(queue, call, step); /* tells the progress itself */
    case DC_STEP_COPY:
        DC_TRY(run_copy(queue, call, step));
        break;
    case DC_STEP_FFT:
    case DC_STEP_GEMM:
        DC_TRY(run_library(queue, call, step));
        break;
    case DC_STEP_HOST:
        DC_TRY(dc__cl_host_step(queue, call, step));
        break;
    default:
        return dc__fail(DC_E_UNSUPPORTED, "%s: step kind %d is unknown", step->op->name,
                        (int)step->kind);
    }
    return follow(queue, call, step, 0, 1);
}

/* One call: can it run here, and running it. */
#include "host/opencl/opencl.h"

/* Bytes of device memory that a slot asks for. */
static int64_t slot_bytes(const dc_slot *slot)
{
    if (slot->kind == DC_SLOT_SCRATCH || slot->kind == DC_SLOT_TABLE)
        return slot->bytes;
    return slot->array.buffer ? 0 : slot->high_bytes - slot->low_bytes;
}

static dc_status memory_suffices(const dc_cl_device *device, const dc_plan *plan)
{
    const dc_device_info *info = &device->info;
    int64_t sum = 0;
    for (int32_t i = 0; i < plan->nslots; ++i) {
        const int64_t bytes = slot_bytes(&plan->slot[i]);
        DC_REQUIRE(bytes <= info->max_alloc_bytes, DC_E_UNSUPPORTED,
                   "%s: an array of %lld bytes; %s gives at most %lld in one piece", plan->op->name,
                   (long long)bytes, info->id, (long long)info->max_alloc_bytes);
        DC_REQUIRE(!__builtin_add_overflow(sum, bytes, &sum) && sum <= info->global_bytes,
                   DC_E_UNSUPPORTED, "%s: needs more than the %lld bytes of memory of %s",
                   plan->op->name, (long long)info->global_bytes, info->id);
    }
    return DC_OK;
}

static dc_status library_supports(dc_cl_device *device, const dc_step *step)
{
    const int fft = step->kind == DC_STEP_FFT;
    DC_REQUIRE(fft ? dc__cl_fft != NULL : dc__cl_gemm != NULL, DC_E_UNSUPPORTED,
               "%s: this build has no %s", step->op->name, fft ? "VkFFT" : "CLBlast");
    if (fft && dc__cl_fft_supports)
        return dc__cl_fft_supports(device, step);
    if (!fft && dc__cl_gemm_supports)
        return dc__cl_gemm_supports(device, step);
    return DC_OK;
}

static dc_status step_supports(dc_cl_device *device, const dc_step *step, dc_arena *arena)
{
    dc_cl_geometry geometry;
    DC_REQUIRE(step->dtype != DC_F64 || device->info.fp64 || step->kind == DC_STEP_HOST ||
                   step->kind == DC_STEP_COPY,
               DC_E_UNSUPPORTED, "%s: %s (%s) has no float64", step->op->name, device->info.id,
               device->info.name);
    if (step->kind == DC_STEP_FFT || step->kind == DC_STEP_GEMM)
        return library_supports(device, step);
    if (step->kind != DC_STEP_LAUNCH)
        return DC_OK;
    DC_REQUIRE(step->op->family->source != NULL, DC_E_UNSUPPORTED, "%s: has no OpenCL kernel",
               step->op->name);
    return dc__cl_cut_step(device, step, arena, &geometry);
}

dc_status dc__cl_supports(void *handle, const dc_plan *plan)
{
    dc_cl_device *device = handle;
    dc_arena arena = {NULL, NULL};
    dc_status status = memory_suffices(device, plan);
    for (int32_t i = 0; status == DC_OK && i < plan->nsteps; ++i) {
        status = step_supports(device, &plan->step[i], &arena);
        dc__arena_reset(&arena);
    }
    dc__arena_free(&arena);
    return status;
}

static int outputs_in_host_memory(const dc_cl_call *call)
{
    for (int32_t i = 0; i < call->noperands; ++i)
        if (call->operand[i].host)
            return 1;
    return 0;
}

static dc_status run_steps(dc_cl_queue *queue, dc_cl_call *call)
{
    const dc_plan *plan = call->request->plan;
    DC_TRY(dc__cl_bind(queue, call));
    for (int32_t i = 0; i < plan->nsteps; ++i)
        DC_TRY(dc__cl_step_run(queue, call, &plan->step[i]));
    if (call->request->want_event && !outputs_in_host_memory(call))
        return DC_OK;
    DC_TRY(dc__cl_complete(queue, call));
    dc__cl_reap(queue, 1);
    DC_TRY(dc__cl_call_inputs(call));
    return dc__cl_outputs(queue, call);
}

dc_status dc__cl_run(void *handle, const dc_exec_call *request, void **event)
{
    dc_cl_queue *queue = handle;
    dc_cl_device *device = queue->device;
    if (event)
        *event = NULL;
    DC_REQUIRE(!dc__context_forked(device->context), DC_E_FORKED,
               "%s: the queue was opened before fork()", request->plan->op->name);
    dc__cl_reap(queue, 0);
    dc__cl_queue_profile(queue);
    dc_cl_call *call = dc__cl_call_new(queue, request);
    DC_REQUIRE(call != NULL, DC_E_MEMORY, "%s: out of host memory", request->plan->op->name);
    const dc_status status = run_steps(queue, call);
    const int complete = outputs_in_host_memory(call) || !request->want_event;
    call->request = NULL;
    if (status == DC_OK && !complete) {
        dc__cl_call_submit(queue, call);
        *event = call;
        return DC_OK;
    }
    /* Nothing of a failed call may still be running when its memory is given back. */
    if (status != DC_OK) {
        (void)dc__cl_drain(queue);
        dc__cl_reap(queue, 1);
    }
    dc__cl_call_close(call, status);
    return status;
}

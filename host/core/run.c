#include "host/core/run.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/context.h"

enum { PARAMS_ROOM = 16384, PLAN_TEXT = 4096 };

/* Buffers of the CPU are host memory to every executor. */
static void unwrap_cpu_buffers(dc_plan *plan)
{
    for (int32_t i = 0; i < plan->nslots; ++i) {
        dc_slot *slot = &plan->slot[i];

        if (slot->kind <= DC_SLOT_OUTPUT && slot->array.buffer &&
            slot->array.buffer->backend == &dc__backend_cpu) {
            slot->array.data = slot->array.buffer->backend->memory_host(slot->array.buffer->memory);
            slot->array.buffer = NULL;
        }
    }
}

static int outputs_on_host(const dc_plan *plan)
{
    for (int32_t i = 0; i < plan->nslots; ++i)
        if (plan->slot[i].kind <= DC_SLOT_OUTPUT && plan->slot[i].array.buffer)
            return 0;
    return 1;
}

static dc_status run_on(dc_queue *queue, dc_device *device, const dc_plan *plan, dc_run_info *info,
                        void **event)
{
    const dc_exec_call call = {plan, queue->progress, queue->progress_user, info, event != NULL};
    void *exec;

    DC_TRY(dc__queue_exec(queue, device, &exec));
    DC_REQUIRE(device->info.kind == DC_DEVICE_CPU || queue->exec_device == device, DC_E_UNSUPPORTED,
               "%s: the queue already works on %s, not on %s", plan->op->name,
               queue->exec_device->info.id, device->info.id);
    return device->backend->run(exec, &call, event);
}

/* Run on `device`; a device's failure on host data is computed on the CPU where the policy allows.
 */
static dc_status run_or_fall_back(dc_queue *queue, dc_device *device, const dc_plan *plan,
                                  dc_run_info *info, void **event, const dc_backend **backend)
{
    dc_device *const cpu = &queue->context->device[0];
    dc_status status = run_on(queue, device, plan, info, event);

    *backend = device->backend;
    if (status == DC_OK || device == cpu || status == DC_E_CANCELLED || status == DC_E_ARGUMENT ||
        queue->policy == DC_POLICY_DEVICE_OR_FAIL || !outputs_on_host(plan))
        return status;
    dc__log(queue->context, 1, "%s failed on %s and was computed on the CPU: %s", plan->op->name,
            device->info.id, dc_last_error());
    snprintf(info->reason, sizeof info->reason, "CPU: %s failed: %.200s", device->info.id,
             dc_last_error());
    snprintf(info->device, sizeof info->device, "%s", cpu->info.id);
    info->device_kind = DC_DEVICE_CPU;
    info->fell_back = 1;
    *event = NULL;
    *backend = cpu->backend;
    return run_on(queue, cpu, plan, info, event);
}

/* Give the call's completion to the caller and keep it with the plan's memory. */
static dc_status hand_out(dc_queue *queue, const dc_backend *backend, void *event,
                          dc_flight *flight, double begin_us, dc_event **done)
{
    dc_event *made;

    dc_event_free(queue->last_event);
    queue->last_event = NULL;
    if (!event && !done)
        return DC_OK;
    made = dc__event_new(backend, event);
    if (!made) {
        if (event) {
            (void)backend->event_wait(event);
            backend->event_free(event);
        }
        return dc__fail(DC_E_MEMORY, "no memory for an event; the call itself is complete");
    }
    if (event && done)
        dc__event_retain(made);
    made->begin_us = begin_us;
    if (event) {
        flight->pending = made;
        dc__event_retain(made);
        queue->last_event = made;
    }
    if (done)
        *done = made;
    return DC_OK;
}

static void record(dc_queue *queue, const dc_plan *plan, dc_run_info *info, double begin_us)
{
    dc_context *context = queue->context;
    const double end_us = dc__trace_now();

    info->measured_ms = (end_us - begin_us) * 1e-3;
    queue->last = *info;
    if (info->device_kind == DC_DEVICE_CPU)
        DC_COUNT(context, calls_cpu, 1);
    else
        DC_COUNT(context, calls_device, 1);
    if (info->fell_back)
        DC_COUNT(context, fallbacks, 1);
    dc__trace_span(context->trace, "api", plan->op->name, begin_us, end_us, info->reason);
}

void dc__text_copy(char *to, size_t room, const char *from)
{
    const size_t bytes = strnlen(from, room - 1);

    memcpy(to, from, bytes);
    to[bytes] = 0;
}

static void info_begin(dc_run_info *info, const dc_plan *plan)
{
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    info->isa = -1;
    info->steps = plan->nsteps;
    info->bytes = plan->bytes;
    info->flops = plan->flops;
    dc__text_copy(info->operation, sizeof info->operation, plan->op->name);
}

/* Constants that a plan computes (ranks) show in the bits: the caller's rounding and denormal modes
 * must not. */
static dc_status plan_with_defaults(const dc_op *op, const void *params, dc_plan *plan)
{
    dc_status status;
#if defined(__SSE2_MATH__) /* the x87 unit, which takes long to set, computes no plan */
    const unsigned int callers = __builtin_ia32_stmxcsr();

    __builtin_ia32_ldmxcsr(0x1f80u);
    status = op->family->plan(op, params, plan);
    __builtin_ia32_ldmxcsr(callers);
#else
    fenv_t callers;

    (void)fegetenv(&callers);
    (void)fesetenv(FE_DFL_ENV);
    status = op->family->plan(op, params, plan);
    (void)fesetenv(&callers);
#endif
    return status;
}

static void log_plan(dc_context *context, const dc_plan *plan)
{
    char text[PLAN_TEXT];

    if (!context->trace_plans || !context->log)
        return;
    dc__plan_text(plan, text, sizeof text);
    dc__log(context, 2, "%s", text);
}

dc_status dc__run(dc_queue *queue, const dc_op *op, const void *params, dc_event **done)
{
    const double begin_us = dc__trace_now();
    const dc_backend *backend = NULL;
    dc_flight *flight;
    dc_device *device;
    dc_run_info info;
    void *event = NULL;
    dc_plan plan;

    if (done)
        *done = NULL;
    DC_REQUIRE(queue, DC_E_ARGUMENT, "%s: queue is NULL", op->name);
    flight = dc__queue_flight(queue);
    dc__plan_begin(&plan, &flight->arena, op);
    DC_TRY(plan_with_defaults(op, params, &plan));
    unwrap_cpu_buffers(&plan);
    log_plan(queue->context, &plan);
    info_begin(&info, &plan);
    DC_TRY(dc__route(queue, &plan, &info, &device));
    if (plan.nsteps > 0) /* empty input: nothing to do, the record says where it would have run */
        DC_TRY(run_or_fall_back(queue, device, &plan, &info, &event, &backend));
    record(queue, &plan, &info, begin_us);
    return hand_out(queue, backend, event, flight, begin_us, done);
}

/* Whole params of an operation by id. */
static dc_status params_of(int32_t op_id, const void *params, void *whole, const dc_op **op)
{
    *op = dc__op_by_id(op_id);
    DC_REQUIRE(*op, DC_E_ARGUMENT, "dc_op_call: there is no operation with id %d", (int)op_id);
    DC_REQUIRE((*op)->family->params_bytes <= PARAMS_ROOM, DC_E_UNSUPPORTED,
               "%s: its params have %u bytes, %d are possible", (*op)->name,
               (*op)->family->params_bytes, PARAMS_ROOM);
    return dc__params_read((*op)->family, whole, params);
}

dc_status dc_op_call(dc_queue *queue, int32_t op_id, const void *params, dc_event **done)
{
    _Alignas(64) unsigned char whole[PARAMS_ROOM];
    const dc_op *op;

    if (done)
        *done = NULL;
    DC_TRY(params_of(op_id, params, whole, &op));
    return dc__run(queue, op, whole, done);
}

/* Arrays without data get addresses far apart, so that a call can be explained before there is any
 * data: nothing is read or written. */
static void give_addresses(const dc_op *op, unsigned char *whole)
{
    for (int32_t i = 0; i < op->family->nparams; ++i) {
        const dc_param_info *param = &op->family->params[i];
        dc_array array;

        if (param->type != DC_PARAM_ARRAY_IN && param->type != DC_PARAM_ARRAY_OUT)
            continue;
        memcpy(&array, whole + param->offset, sizeof array);
        if (!array.buffer && !array.data)
            array.data = (void *)((uintptr_t)(i + 1) << 48);
        memcpy(whole + param->offset, &array, sizeof array);
    }
}

dc_status dc_op_explain(dc_queue *queue, int32_t op_id, const void *params, dc_run_info *info,
                        char *text, size_t text_bytes)
{
    _Alignas(64) unsigned char whole[PARAMS_ROOM];
    dc_run_info found;
    dc_flight *flight;
    dc_device *device;
    dc_plan plan;
    size_t used;
    const dc_op *op;

    DC_REQUIRE(queue, DC_E_ARGUMENT, "dc_op_explain: queue is NULL");
    DC_REQUIRE(!info || info->struct_size == sizeof *info, DC_E_ARGUMENT,
               "dc_op_explain: info.struct_size is %u, expected %zu", info->struct_size,
               sizeof *info);
    if (text && text_bytes)
        text[0] = 0;
    DC_TRY(params_of(op_id, params, whole, &op));
    give_addresses(op, whole);
    flight = dc__queue_flight(queue);
    dc__plan_begin(&plan, &flight->arena, op);
    DC_TRY(plan_with_defaults(op, whole, &plan));
    info_begin(&found, &plan);
    DC_TRY(dc__route(queue, &plan, &found, &device));
    if (info)
        *info = found;
    if (text && text_bytes) {
        used = dc__plan_text(&plan, text, text_bytes) - 1;
        if (used < text_bytes)
            snprintf(text + used, text_bytes - used,
                     "  estimated: CPU %.4g ms with %d thread%s%s\n  chosen: %s (%s)\n",
                     found.estimated_cpu_ms, (int)queue->threads, queue->threads == 1 ? "" : "s",
                     found.estimated_device_ms < 0 ? "" : ", device see reason", found.device,
                     found.reason);
    }
    return DC_OK;
}

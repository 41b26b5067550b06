/* Calls and their fate.
 *
 * A call is settled once: by its queue's thread (reap, finish) or by whoever waits for its event,
 * under the device's mutex.  Settling reads the status of all its commands, takes it off its queue
 * and gives its memory back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

static const double report_us = 50000.0;

dc_cl_call *dc__cl_call_new(dc_cl_queue *queue, const dc_exec_call *request)
{
    dc_cl_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->references = 1;
    call->device = queue->device;
    call->queue = queue;
    call->request = request;
    call->progress_us = dc__trace_now();
    return call;
}

void dc__cl_call_free_memory(dc_cl_call *call)
{
    for (int32_t i = 0; i < call->noperands; ++i) {
        dc_cl_operand *operand = &call->operand[i];
        if (operand->window)
            clReleaseMemObject(operand->window);
        if (operand->table)
            dc__cl_table_put(call->device, operand->table);
        if (operand->buffer)
            dc__buffer_release(operand->buffer);
    }
    call->noperands = 0;
    for (int32_t i = 0; i < call->nblocks; ++i)
        dc__cl_memory_free(call->device, call->block[i]);
    call->nblocks = 0;
    dc__cl_staging_free(call->device, &call->staging);
}

void dc__cl_call_release(dc_cl_call *call)
{
    if (__atomic_sub_fetch(&call->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (int32_t i = 0; i < call->nspans; ++i)
        if (call->span[i].event)
            clReleaseEvent(call->span[i].event);
    free(call->span);
    free(call->block);
    free(call->operand);
    free(call);
}

cl_event *dc__cl_call_event(dc_cl_call *call, const char *name)
{
    if (call->nspans == call->span_room) {
        const int32_t room = call->span_room ? 2 * call->span_room : 8;
        dc_cl_span *grown = realloc(call->span, (size_t)room * sizeof *grown);
        if (grown == NULL) {
            (void)dc__fail(DC_E_MEMORY, "%s: out of host memory", name);
            return NULL;
        }
        call->span = grown;
        call->span_room = room;
    }
    dc_cl_span *span = &call->span[call->nspans++];
    span->event = NULL;
    snprintf(span->name, sizeof span->name, "%s", name);
    span->queued_us = dc__trace_now();
    return &span->event;
}

static dc_status poison(dc_cl_call *call, const dc_cl_memory *memory)
{
    static const cl_uint ones = UINT32_MAX;
    cl_event *event = dc__cl_call_event(call, "clEnqueueFillBuffer");
    if (event == NULL)
        return DC_E_MEMORY;
    DC_CL_TRY("clEnqueueFillBuffer",
              clEnqueueFillBuffer(call->queue->cl, memory->mem, &ones, sizeof ones, 0,
                                  memory->bytes / sizeof ones * sizeof ones, 0, NULL, event));
    return DC_OK;
}

dc_status dc__cl_call_block(dc_cl_call *call, size_t bytes, cl_mem *mem)
{
    dc_cl_memory *made = NULL;
    if (call->nblocks == call->block_room) {
        const int32_t room = call->block_room ? 2 * call->block_room : 4;
        dc_cl_memory **grown = realloc(call->block, (size_t)room * sizeof(dc_cl_memory *));
        DC_REQUIRE(grown != NULL, DC_E_MEMORY, "device memory: out of host memory");
        call->block = grown;
        call->block_room = room;
    }
    dc_status status = dc__cl_memory_new(call->device, bytes, &made);
    if (status == DC_E_MEMORY && call->queue) {
        /* Calls in flight hold memory that this one may have when they are complete. */
        (void)dc__cl_drain(call->queue);
        dc__cl_reap(call->queue, 1);
        status = dc__cl_memory_new(call->device, bytes, &made);
    }
    DC_TRY(status);
    call->block[call->nblocks++] = made;
    *mem = made->mem;
    return call->device->poison ? poison(call, made) : DC_OK;
}

dc_status dc__cl_call_progress(dc_cl_call *call, int64_t done)
{
    const dc_exec_call *request = call->request;
    const double now = dc__trace_now();
    if (done % DC_CL_UNITS_PER_STEP != 0 && now - call->progress_us < report_us)
        return DC_OK;
    call->progress_us = now;
    DC_REQUIRE(request->progress(done, (int64_t)request->plan->nsteps * DC_CL_UNITS_PER_STEP,
                                 request->progress_user) == 0,
               DC_E_CANCELLED, "%s: cancelled by the progress callback", request->plan->op->name);
    return DC_OK;
}

/* A question asked twice: its failure says nothing about the command. */
static cl_int state_of(cl_event event, cl_int *state)
{
    cl_int code =
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state, state, NULL);
    if (code != CL_SUCCESS)
        code = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state, state, NULL);
    return code;
}

dc_status dc__cl_call_outcome(const dc_cl_call *call)
{
    for (int32_t i = 0; i < call->nspans; ++i) {
        const dc_cl_span *span = &call->span[i];
        cl_int state = CL_COMPLETE;
        if (span->event == NULL)
            continue;
        DC_CL_TRY("clGetEventInfo", state_of(span->event, &state));
        if (state < 0)
            return dc__cl_failed(span->name, state);
    }
    return DC_OK;
}

/* The device's own times, placed on the host's clock by the moment the command was queued. */
static void trace_spans(const dc_cl_call *call)
{
    dc_trace *trace = dc__context_trace(call->device->context);
    if (!dc__trace_on(trace))
        return;
    for (int32_t i = 0; i < call->nspans; ++i) {
        const dc_cl_span *span = &call->span[i];
        cl_ulong at[3] = {0, 0, 0};
        static const cl_profiling_info what[3] = {
            CL_PROFILING_COMMAND_QUEUED, CL_PROFILING_COMMAND_START, CL_PROFILING_COMMAND_END};
        int known = span->event != NULL;
        for (int k = 0; known && k < 3; ++k)
            known = clGetEventProfilingInfo(span->event, what[k], sizeof at[k], &at[k], NULL) ==
                    CL_SUCCESS;
        if (known && at[0] <= at[1] && at[1] <= at[2])
            dc__trace_span(trace, call->device->info.id, span->name,
                           span->queued_us + (double)(at[1] - at[0]) * 1e-3,
                           span->queued_us + (double)(at[2] - at[0]) * 1e-3, "");
    }
}

static void unlink_call(dc_cl_queue *queue, dc_cl_call *call)
{
    dc_cl_call *before = NULL;
    for (dc_cl_call *at = queue->first; at && at != call; at = at->next)
        before = at;
    if (before)
        before->next = call->next;
    else
        queue->first = call->next;
    if (queue->last == call)
        queue->last = before;
    call->next = NULL;
}

/* The memory of an operand in a buffer, NULL: it is not in one. */
static dc_cl_memory *memory_of(const dc_cl_operand *operand)
{
    return operand->buffer ? operand->buffer->memory : NULL;
}

/* What the call's end means for the buffers that it read and wrote; its status.  Under the mutex,
 * calls of a queue in their order. */
static dc_status judge(dc_cl_call *call, dc_status status)
{
    char why[sizeof call->text] = "";
    if (status != DC_OK)
        snprintf(why, sizeof why, "%s", dc_last_error());
    for (int32_t i = 0; status == DC_OK && i < call->noperands; ++i) {
        const dc_cl_memory *memory = memory_of(&call->operand[i]);
        if (memory && call->operand[i].kind == DC_SLOT_INPUT && memory->failed != DC_OK) {
            status = memory->failed;
            snprintf(why, sizeof why, "an input was to come from a call that failed: %.*s",
                     (int)sizeof why - 48, memory->why);
        }
    }
    for (int32_t i = 0; i < call->noperands; ++i) {
        dc_cl_memory *memory = memory_of(&call->operand[i]);
        if (!memory || call->operand[i].kind != DC_SLOT_OUTPUT || !call->started)
            continue;
        memory->failed = status;
        snprintf(memory->why, sizeof memory->why, "%s", why);
    }
    snprintf(call->text, sizeof call->text, "%s", why);
    call->status = status;
    call->settled = 1;
    return status;
}

dc_status dc__cl_memory_good(dc_cl_device *device, const dc_cl_memory *memory)
{
    char why[sizeof memory->why];
    pthread_mutex_lock(&device->mutex);
    const dc_status failed = memory->failed;
    memcpy(why, memory->why, sizeof why);
    pthread_mutex_unlock(&device->mutex);
    return failed == DC_OK
               ? DC_OK
               : dc__fail(failed, "the data were to come from a call that failed: %s", why);
}

dc_status dc__cl_call_inputs(const dc_cl_call *call)
{
    for (int32_t i = 0; i < call->noperands; ++i)
        if (call->operand[i].kind == DC_SLOT_INPUT && call->operand[i].buffer)
            DC_TRY(dc__cl_memory_good(call->device, memory_of(&call->operand[i])));
    return DC_OK;
}

/* The call's commands are complete, as are those of all calls before it. */
static void settle(dc_cl_call *call)
{
    const dc_status status = dc__cl_call_outcome(call);
    pthread_mutex_lock(&call->device->mutex);
    if (call->settled) {
        pthread_mutex_unlock(&call->device->mutex);
        return;
    }
    (void)judge(call, status);
    unlink_call(call->queue, call);
    call->queue = NULL;
    pthread_mutex_unlock(&call->device->mutex);
    trace_spans(call);
    dc__cl_call_free_memory(call);
    dc__cl_call_release(call); /* the queue's reference */
}

void dc__cl_call_close(dc_cl_call *call, dc_status status)
{
    pthread_mutex_lock(&call->device->mutex);
    (void)judge(call, status);
    pthread_mutex_unlock(&call->device->mutex);
    trace_spans(call);
    dc__cl_call_free_memory(call);
    dc__cl_call_release(call);
}

void dc__cl_call_submit(dc_cl_queue *queue, dc_cl_call *call)
{
    (void)__atomic_add_fetch(&call->references, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&queue->device->mutex);
    if (queue->last)
        queue->last->next = call;
    else
        queue->first = call;
    queue->last = call;
    pthread_mutex_unlock(&queue->device->mutex);
    (void)clFlush(queue->cl);
}

/* The queue is in order: the last command answers for those before it. */
static cl_event last_event(const dc_cl_call *call)
{
    for (int32_t i = call->nspans; i > 0; --i)
        if (call->span[i - 1].event)
            return call->span[i - 1].event;
    return NULL;
}

static int is_complete(const dc_cl_call *call)
{
    cl_int state = CL_QUEUED;
    const cl_event event = last_event(call);
    return event == NULL || (state_of(event, &state) == CL_SUCCESS && state <= CL_COMPLETE);
}

/* The oldest call of a queue, with a reference. */
static dc_cl_call *oldest(dc_cl_device *device, dc_cl_queue *queue)
{
    pthread_mutex_lock(&device->mutex);
    dc_cl_call *call = queue->first;
    if (call)
        (void)__atomic_add_fetch(&call->references, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&device->mutex);
    return call;
}

void dc__cl_reap(dc_cl_queue *queue, int all)
{
    for (;;) {
        dc_cl_call *call = oldest(queue->device, queue);
        if (call == NULL)
            return;
        const int done = all || is_complete(call);
        if (done)
            settle(call);
        dc__cl_call_release(call);
        if (!done)
            return;
    }
}

/* Settle a complete call after those before it, whose failure may be its own.  The queue lives as
 * long as it holds an unsettled call. */
static void settle_in_order(dc_cl_call *call)
{
    for (int settled = 0; !settled;) {
        dc_cl_call *first = NULL;
        pthread_mutex_lock(&call->device->mutex);
        settled = call->settled;
        if (!settled) {
            first = call->queue->first;
            (void)__atomic_add_fetch(&first->references, 1, __ATOMIC_RELAXED);
        }
        pthread_mutex_unlock(&call->device->mutex);
        if (first) {
            settle(first);
            dc__cl_call_release(first);
        }
    }
}

dc_status dc__cl_event_wait(void *handle)
{
    dc_cl_call *call = handle;
    DC_REQUIRE(!dc__context_forked(call->device->context), DC_E_FORKED,
               "dc_event_wait: the call was made before fork()");
    pthread_mutex_lock(&call->device->mutex);
    const int settled = call->settled;
    pthread_mutex_unlock(&call->device->mutex);
    if (!settled) {
        const cl_event event = last_event(call);
        cl_int code = event ? clWaitForEvents(1, &event) : CL_SUCCESS;
        if (code != CL_SUCCESS && !is_complete(call))
            code = clWaitForEvents(1, &event);
        /* A failed command ends the wait with an error; its own status says which. */
        if (code != CL_SUCCESS && !is_complete(call))
            return dc__cl_failed("clWaitForEvents", code);
        settle_in_order(call);
    }
    pthread_mutex_lock(&call->device->mutex);
    const dc_status status = call->status;
    pthread_mutex_unlock(&call->device->mutex);
    return status == DC_OK ? DC_OK : dc__fail(status, "%s", call->text);
}

void dc__cl_event_free(void *handle)
{
    dc_cl_call *call = handle;
    /* In a child made by fork() the driver's locks may be held for ever. */
    if (!dc__context_forked(call->device->context))
        dc__cl_call_release(call);
}

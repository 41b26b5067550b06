/* Queues and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/context.h"
#include "host/core/cpu.h"
#include "host/core/run.h"

/* A positive number from the environment, 0 when unset; -1 with the error text when malformed. */
static int32_t environment_number(const char *name)
{
    const char *text = secure_getenv(name);
    char *end;
    long value;

    if (!text || !*text)
        return 0;
    value = strtol(text, &end, 10);
    if (*end || value < 1 || value > 4096) {
        dc__fail(DC_E_ARGUMENT, "%s is \"%.40s\", a number from 1 to 4096 is needed", name, text);
        return -1;
    }
    return (int32_t)value;
}

static dc_status resolve_isa(dc_queue *queue, int32_t isa)
{
    const char *text = secure_getenv("DUALCUBE_CPU_ISA");

    if (isa < 0 && text && *text) {
        isa = dc__isa_from_name(text);
        DC_REQUIRE(isa >= 0, DC_E_ARGUMENT,
                   "DUALCUBE_CPU_ISA is \"%.40s\", one of baseline, avx2, avx512 is needed", text);
    }
    if (isa < 0)
        for (isa = DC_ISA_COUNT - 1; isa > 0 && !dc__cpu_isa_usable(isa); --isa)
            ;
    DC_REQUIRE(isa < DC_ISA_COUNT && dc__cpu_isa_usable(isa), DC_E_UNSUPPORTED,
               "dc_queue_new: instruction set %s is not usable on this machine or in this build",
               isa < DC_ISA_COUNT ? dc__isa_name(isa) : "?");
    queue->isa = isa;
    return DC_OK;
}

static dc_status resolve_policy(dc_queue *queue, int32_t policy)
{
    const char *text = secure_getenv("DUALCUBE_FALLBACK");

    if (policy < 0 && text && *text) {
        static const char *const names[] = {"auto", "cpu", "device", "device-or-fail"};
        for (int32_t i = 0; i < 4; ++i)
            if (strcmp(text, names[i]) == 0)
                policy = i;
        DC_REQUIRE(policy >= 0, DC_E_ARGUMENT,
                   "DUALCUBE_FALLBACK is \"%.40s\", one of auto, cpu, device, device-or-fail is "
                   "needed",
                   text);
    }
    DC_REQUIRE(policy <= DC_POLICY_DEVICE_OR_FAIL, DC_E_ARGUMENT,
               "dc_queue_new: policy is %d, 0 to %d are possible", (int)policy,
               DC_POLICY_DEVICE_OR_FAIL);
    queue->policy = policy < 0 ? DC_POLICY_AUTO : policy;
    return DC_OK;
}

/* DUALCUBE_DEVICE applies to queues that leave device and policy open. */
static dc_status resolve_device(dc_queue *queue, dc_device *device, int32_t policy)
{
    const char *text = secure_getenv("DUALCUBE_DEVICE");

    if (!device && policy < 0 && text && *text && strcmp(text, "auto") != 0)
        DC_TRY(dc_device_find(queue->context, text, &device));
    DC_REQUIRE(!device || device->context == queue->context, DC_E_ARGUMENT,
               "dc_queue_new: device belongs to another context");
    DC_REQUIRE(!device || device->info.usable, DC_E_UNSUPPORTED, "device %s: %s", device->info.id,
               device->info.error);
    queue->device = device;
    return DC_OK;
}

dc_status dc_queue_new(dc_context *context, dc_device *device, const dc_queue_params *params,
                       dc_queue **out)
{
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dc_queue *queue;
    dc_status status;
    int32_t threads;

    DC_REQUIRE(context && out, DC_E_ARGUMENT, "dc_queue_new: %s is NULL",
               context ? "out" : "context");
    *out = NULL;
    if (params) {
        DC_REQUIRE(params->struct_size == sizeof p, DC_E_ARGUMENT,
                   "dc_queue_new: params.struct_size is %u, expected %zu", params->struct_size,
                   sizeof p);
        p = *params;
    }
    DC_REQUIRE(p.threads >= 0 && p.threads <= 4096, DC_E_ARGUMENT,
               "dc_queue_new: threads is %d, 0 to 4096 are possible", p.threads);
    threads = p.threads ? p.threads : environment_number("DUALCUBE_THREADS");
    if (threads < 0)
        return DC_E_ARGUMENT;
    queue = calloc(1, sizeof *queue);
    DC_REQUIRE(queue, DC_E_MEMORY, "dc_queue_new: no memory");
    queue->context = context;
    queue->threads = threads ? threads : context->device[0].info.compute_units;
    queue->progress = p.progress;
    queue->progress_user = p.progress_user;
    queue->last.struct_size = sizeof queue->last;
    status = resolve_device(queue, device, p.policy);
    if (status == DC_OK)
        status = resolve_policy(queue, p.policy);
    if (status == DC_OK)
        status = resolve_isa(queue, p.isa);
    if (status != DC_OK) {
        free(queue);
        return status;
    }
    *out = queue;
    return DC_OK;
}

dc_status dc__queue_exec(dc_queue *queue, dc_device *device, void **exec)
{
    const dc_exec_params params = {queue->threads, queue->isa, queue->context->cache_dir};
    const int cpu = device->info.kind == DC_DEVICE_CPU;
    void *handle;

    DC_TRY(dc__device_open(device, &handle));
    if (cpu) {
        if (!queue->cpu_exec)
            DC_TRY(device->backend->queue_new(handle, &params, &queue->cpu_exec));
        *exec = queue->cpu_exec;
        return DC_OK;
    }
    if (!queue->device_exec) {
        DC_TRY(device->backend->queue_new(handle, &params, &queue->device_exec));
        queue->exec_device = device;
    }
    *exec = queue->device_exec;
    return DC_OK;
}

static dc_status event_settle(dc_event *event, int tell);

/* A failure that the caller has not heard of from its event waits for dc_queue_finish(). */
static void flight_end(dc_queue *queue, dc_flight *flight)
{
    dc_event *event = flight->pending;
    dc_status status;

    if (!event)
        return;
    status = event_settle(event, 0);
    if (status != DC_OK && queue->late == DC_OK &&
        !__atomic_load_n(&event->told, __ATOMIC_RELAXED)) {
        queue->late = status;
        snprintf(queue->late_text, sizeof queue->late_text, "%s", event->text);
    }
    dc_event_free(event);
    flight->pending = NULL;
}

dc_flight *dc__queue_flight(dc_queue *queue)
{
    dc_flight *flight = &queue->flight[queue->next_flight];

    queue->next_flight = (queue->next_flight + 1) % DC_CALLS_IN_FLIGHT;
    flight_end(queue, flight);
    dc__arena_reset(&flight->arena);
    return flight;
}

dc_status dc_queue_finish(dc_queue *queue)
{
    dc_status status = DC_OK;

    DC_REQUIRE(queue, DC_E_ARGUMENT, "dc_queue_finish: queue is NULL");
    if (queue->device_exec) {
        DC_REQUIRE(!dc__context_forked(queue->context), DC_E_FORKED,
                   "dc_queue_finish: the queue was opened before fork()");
        status = queue->exec_device->backend->finish(queue->device_exec);
        for (int i = 0; i < DC_CALLS_IN_FLIGHT; ++i) /* the oldest first */
            flight_end(queue, &queue->flight[(queue->next_flight + i) % DC_CALLS_IN_FLIGHT]);
    }
    if (queue->late != DC_OK) { /* told once */
        status = dc__fail(queue->late, "%s", queue->late_text);
        queue->late = DC_OK;
    }
    return status;
}

void dc_queue_free(dc_queue *queue)
{
    if (!queue)
        return;
    if (!dc__context_forked(queue->context)) {
        (void)dc_queue_finish(queue);
        for (int i = 0; i < DC_CALLS_IN_FLIGHT; ++i)
            flight_end(queue, &queue->flight[i]);
        if (queue->device_exec)
            queue->exec_device->backend->queue_free(queue->device_exec);
    }
    dc_event_free(queue->last_event);
    if (queue->cpu_exec)
        dc__backend_cpu.queue_free(queue->cpu_exec);
    for (int i = 0; i < DC_CALLS_IN_FLIGHT; ++i)
        dc__arena_free(&queue->flight[i].arena);
    free(queue);
}

dc_status dc_queue_set_progress(dc_queue *queue, dc_progress_fn progress, void *user)
{
    DC_REQUIRE(queue, DC_E_ARGUMENT, "dc_queue_set_progress: queue is NULL");
    queue->progress = progress;
    queue->progress_user = user;
    return DC_OK;
}

dc_status dc_queue_last_run(dc_queue *queue, dc_run_info *info)
{
    dc_event *event;

    DC_REQUIRE(queue && info, DC_E_ARGUMENT, "dc_queue_last_run: %s is NULL",
               queue ? "info" : "queue");
    DC_REQUIRE(info->struct_size == sizeof *info, DC_E_ARGUMENT,
               "dc_queue_last_run: struct_size is %u, expected %zu", info->struct_size,
               sizeof *info);
    event = queue->last_event;
    if (event) { /* the time of a call in flight is known once its event was waited for */
        pthread_mutex_lock(&event->lock);
        if (!event->backend)
            queue->last.measured_ms = event->measured_ms;
        pthread_mutex_unlock(&event->lock);
    }
    *info = queue->last;
    return DC_OK;
}

dc_event *dc__event_new(const dc_backend *backend, void *event)
{
    dc_event *made = calloc(1, sizeof *made);

    if (!made)
        return NULL;
    pthread_mutex_init(&made->lock, NULL);
    made->backend = event ? backend : NULL;
    made->event = event;
    made->references = 1;
    return made;
}

void dc__event_retain(dc_event *event)
{
    (void)__atomic_add_fetch(&event->references, 1, __ATOMIC_RELAXED);
}

static dc_status event_settle(dc_event *event, int tell)
{
    dc_status status;

    pthread_mutex_lock(&event->lock);
    if (event->backend) {
        event->status = event->backend->event_wait(event->event);
        if (event->status != DC_OK)
            snprintf(event->text, sizeof event->text, "%s", dc_last_error());
        event->backend->event_free(event->event);
        event->backend = NULL;
        event->measured_ms = (dc__trace_now() - event->begin_us) * 1e-3;
    }
    status = event->status;
    if (tell)
        __atomic_store_n(&event->told, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&event->lock);
    return status;
}

dc_status dc_event_wait(dc_event *event)
{
    dc_status status;

    DC_REQUIRE(event, DC_E_ARGUMENT, "dc_event_wait: event is NULL");
    status = event_settle(event, 1);
    return status == DC_OK ? DC_OK : dc__fail(status, "%s", event->text);
}

void dc_event_free(dc_event *event)
{
    if (!event || __atomic_sub_fetch(&event->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (event->backend)
        event->backend->event_free(event->event);
    pthread_mutex_destroy(&event->lock);
    free(event);
}

dc_context *dc__queue_context(const dc_queue *queue, int *on_device)
{
    *on_device = queue->device && queue->device->info.kind != DC_DEVICE_CPU;
    return queue->context;
}

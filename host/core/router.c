/* Which device runs a call: by where the data is, by policy, by the cost model.
 *
 * First cost model, in milliseconds:
 *   CPU     the family's own estimate for one thread (or bytes and flops over the speeds below),
 *           divided by the threads it can use;
 *   device  bytes that must cross the link / LINK + bytes / DEVICE_BYTES + flops / DEVICE_FLOPS
 *           + steps * LAUNCH + SYNC.
 * The speeds are those of a mid-range card on PCIe 4; they only have to rank, and a device is not
 * even looked for while the CPU needs less than PROBE_MS.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/core/context.h"
#include "host/core/run.h"

#define CPU_BYTES_PER_MS    8e6  /* one thread, streaming               */
#define CPU_FLOPS_PER_MS    4e6  /* one thread, rolled loops            */
#define LINK_BYTES_PER_MS   12e6 /* pinned copies                       */
#define DEVICE_BYTES_PER_MS 4e8  /* device memory                       */
#define DEVICE_FLOPS_PER_MS 2e9  /* sustained, float32                  */
#define DEVICE_F64_FACTOR   8.0  /* float64 is that much slower         */
#define LAUNCH_MS           0.03
#define SYNC_MS             0.1
#define PROBE_MS            50.0

static double cpu_ms(const dc_queue *queue, const dc_plan *plan)
{
    const double threads = queue->threads > 1 ? queue->threads : 1;
    double ms = plan->cpu_ns * 1e-6;

    if (ms <= 0) {
        const double bytes = plan->bytes / CPU_BYTES_PER_MS, flops = plan->flops / CPU_FLOPS_PER_MS;
        ms = bytes > flops ? bytes : flops;
    }
    return ms < 0.1 ? ms : ms / threads;
}

static double device_ms(const dc_device *device, const dc_plan *plan, double cpu)
{
    double link = 0, flops = plan->flops / DEVICE_FLOPS_PER_MS;
    int doubles = 0;

    for (int32_t i = 0; i < plan->nslots; ++i) {
        const dc_slot *slot = &plan->slot[i];
        if (slot->kind <= DC_SLOT_OUTPUT && !slot->array.buffer)
            link += (double)(slot->high_bytes - slot->low_bytes);
        doubles |= slot->kind <= DC_SLOT_OUTPUT && slot->array.dtype == DC_F64;
    }
    if (doubles)
        flops *= DEVICE_F64_FACTOR;
    if (device->info.is_cpu) /* the same cores through a generic compiler, and a copy each way */
        return 2 * cpu + link / CPU_BYTES_PER_MS + plan->nsteps * LAUNCH_MS + SYNC_MS;
    return link / LINK_BYTES_PER_MS + plan->bytes / DEVICE_BYTES_PER_MS + flops +
           plan->nsteps * LAUNCH_MS + SYNC_MS;
}

/* Device that holds the plan's buffers: *at is NULL when all data are on the host. */
static dc_status data_location(dc_queue *queue, const dc_plan *plan, dc_device **at)
{
    *at = NULL;
    for (int32_t i = 0; i < plan->nslots; ++i) {
        const dc_buffer *buffer = plan->slot[i].array.buffer;
        dc_device *device;

        if (plan->slot[i].kind > DC_SLOT_OUTPUT || !buffer || buffer->backend == &dc__backend_cpu)
            continue;
        DC_REQUIRE(buffer->context == queue->context, DC_E_ARGUMENT,
                   "%s: an array's buffer belongs to another context", plan->op->name);
        device = dc__device_of(queue->context, buffer);
        DC_REQUIRE(device && (!*at || *at == device), DC_E_ARGUMENT,
                   "%s: the arrays lie on different devices", plan->op->name);
        *at = device;
    }
    return DC_OK;
}

/* Can the device run the plan?  Else the error text says why not. */
static dc_status device_supports(dc_device *device, const dc_plan *plan)
{
    void *handle;

    for (int32_t i = 0; i < plan->nsteps; ++i)
        DC_REQUIRE(plan->step[i].dtype != DC_F64 || device->info.fp64 || plan->step[i].kind > 1,
                   DC_E_UNSUPPORTED, "%s: %s (%s) has no float64", plan->op->name, device->info.id,
                   device->info.name);
    DC_TRY(dc__device_open(device, &handle));
    return device->backend->supports(handle, plan);
}

static dc_status choose(dc_device *device, dc_run_info *info, dc_device **out, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
static dc_status choose(dc_device *device, dc_run_info *info, dc_device **out, const char *format,
                        ...)
{
    va_list list;

    info->device_kind = device->info.kind;
    snprintf(info->device, sizeof info->device, "%s", device->info.id);
    va_start(list, format);
    vsnprintf(info->reason, sizeof info->reason, format, list);
    va_end(list);
    *out = device;
    return DC_OK;
}

/* The same without a format, which small calls would feel. */
static dc_status choose_plain(dc_device *device, dc_run_info *info, dc_device **out,
                              const char *reason)
{
    info->device_kind = device->info.kind;
    dc__text_copy(info->device, sizeof info->device, device->info.id);
    dc__text_copy(info->reason, sizeof info->reason, reason);
    *out = device;
    return DC_OK;
}

static dc_status route_auto(dc_queue *queue, const dc_plan *plan, dc_run_info *info,
                            dc_device **out)
{
    dc_device *const cpu = &queue->context->device[0];
    dc_device *device;

    if (info->estimated_cpu_ms < PROBE_MS && !queue->context->discovered)
        return choose(cpu, info, out,
                      "CPU: an estimated %.3g ms are too little to look for a device",
                      info->estimated_cpu_ms);
    device = dc__first_accelerator(queue->context);
    if (!device || device_supports(device, plan) != DC_OK)
        return choose(cpu, info, out, "CPU: %.240s", dc_last_error());
    info->estimated_device_ms = device_ms(device, plan, info->estimated_cpu_ms);
    if (info->estimated_device_ms < info->estimated_cpu_ms)
        return choose(device, info, out, "%s: an estimated %.3g ms against %.3g ms on the CPU",
                      device->info.id, info->estimated_device_ms, info->estimated_cpu_ms);
    return choose(cpu, info, out, "CPU: an estimated %.3g ms against %.3g ms on %s%s",
                  info->estimated_cpu_ms, info->estimated_device_ms, device->info.id,
                  device->info.is_cpu ? ", which is this CPU" : "");
}

/* The queue works on the CPU only. */
static dc_status route_cpu(dc_queue *queue, const dc_plan *plan, dc_device *at, dc_run_info *info,
                           dc_device **out)
{
    DC_REQUIRE(!at, DC_E_ARGUMENT, "%s: an array lies on %s, the queue works on the CPU",
               plan->op->name, at->info.id);
    return choose_plain(&queue->context->device[0], info, out,
                        queue->device ? "CPU: the queue's device" : "CPU: by policy");
}

/* A device is wanted: by the queue, by policy or because the data are there. */
static dc_status route_device(dc_queue *queue, const dc_plan *plan, dc_device *at,
                              dc_run_info *info, dc_device **out)
{
    dc_device *device = at              ? at
                        : queue->device ? queue->device
                                        : dc__first_accelerator(queue->context);
    const dc_status status = device ? device_supports(device, plan) : DC_E_UNSUPPORTED;

    if (status == DC_OK) {
        info->estimated_device_ms = device_ms(device, plan, info->estimated_cpu_ms);
        return choose(device, info, out, "%s",
                      at              ? "the data are on this device"
                      : queue->device ? "the queue's device"
                                      : "a device, by policy");
    }
    if (queue->policy == DC_POLICY_DEVICE_OR_FAIL || at)
        return status; /* data on a device cannot be computed elsewhere */
    info->fell_back = 1;
    return choose(&queue->context->device[0], info, out, "CPU instead of a device: %.220s",
                  dc_last_error());
}

dc_status dc__route(dc_queue *queue, const dc_plan *plan, dc_run_info *info, dc_device **out)
{
    dc_device *const cpu = &queue->context->device[0];
    dc_device *at;

    info->estimated_cpu_ms = cpu_ms(queue, plan);
    info->estimated_device_ms = -1;
    DC_TRY(data_location(queue, plan, &at));
    if (dc__context_forked(queue->context)) {
        DC_REQUIRE(!at && (!queue->device || queue->device == cpu) &&
                       queue->policy != DC_POLICY_DEVICE_OR_FAIL,
                   DC_E_FORKED, "%s: devices cannot be used in a child made by fork()",
                   plan->op->name);
        return choose(cpu, info, out, "CPU, one thread: this process was made by fork()");
    }
    if (queue->device == cpu || (!queue->device && queue->policy == DC_POLICY_CPU))
        return route_cpu(queue, plan, at, info, out);
    DC_REQUIRE(!at || !queue->device || at == queue->device, DC_E_ARGUMENT,
               "%s: an array lies on %s, the queue works on %s", plan->op->name, at->info.id,
               queue->device->info.id);
    if (!at && !queue->device && queue->policy == DC_POLICY_AUTO)
        return route_auto(queue, plan, info, out);
    return route_device(queue, plan, at, info, out);
}

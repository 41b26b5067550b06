#include "bench/harness/runners.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const isas[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};

int dcb_note(const dcb_bench *b, int code, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    b->listener->note(text, b->listener->user);
    return code;
}

static int wanted_device(const dcb_options *o, const char *id)
{
    for (int32_t k = 0; k < o->devices; ++k)
        if (!strcmp(o->device[k], id) ||
            (!strcmp(o->device[k], "opencl") && !strncmp(id, "opencl", 6)))
            return 1;
    return o->devices == 0;
}

static int wanted_isa(const dcb_options *o, int32_t isa)
{
    for (int32_t k = 0; k < o->isas; ++k)
        if (o->isa[k] == isa)
            return 1;
    return o->isas == 0;
}

static dcb_runner *add(dcb_bench *b, const dc_device_info *info)
{
    dcb_runner *r;

    if (b->runners == DCB_RUNNERS)
        return NULL;
    r = &b->runner[b->runners++];
    r->kind = info->kind;
    r->isa = -1;
    snprintf(r->device, sizeof r->device, "%s", info->id);
    snprintf(r->name, sizeof r->name, "%s", info->name);
    snprintf(r->driver, sizeof r->driver, "%s", info->driver);
    return r;
}

static int add_cpu(dcb_bench *b, dc_device *device, const dc_device_info *info, int32_t isa)
{
    for (int32_t k = 0; k < b->machine.floors; ++k) {
        dc_queue_params p = DC_QUEUE_PARAMS_INIT;
        dcb_runner *r = add(b, info);

        if (!r)
            return dcb_note(b, DCB_FAILED, "more than %d ways to run", DCB_RUNNERS);
        p.policy = DC_POLICY_CPU;
        p.isa = r->isa = isa;
        p.threads = r->threads = b->machine.floor[k].threads;
        r->owns = 1;
        if (dc_queue_new(b->context, device, &p, &r->queue) != DC_OK)
            return dcb_note(b, DCB_FAILED, "%s %s: %s", info->id, isas[isa], dc_last_error());
    }
    return 0;
}

static int add_opencl(dcb_bench *b, dc_device *device, const dc_device_info *info)
{
    dc_queue_params p = DC_QUEUE_PARAMS_INIT;
    dcb_runner *host = add(b, info), *resident = add(b, info);

    if (!host || !resident)
        return dcb_note(b, DCB_FAILED, "more than %d ways to run", DCB_RUNNERS);
    p.policy = DC_POLICY_DEVICE_OR_FAIL;
    host->owns = resident->resident = 1;
    if (dc_queue_new(b->context, device, &p, &host->queue) != DC_OK)
        return dcb_note(b, DCB_FAILED, "%s: %s", info->id, dc_last_error());
    resident->queue = host->queue;
    return 0;
}

static int open_devices(dcb_bench *b)
{
    const dcb_options *o = b->options;
    const int only_cpu = o->devices == 1 && !strcmp(o->device[0], "cpu");
    const int32_t count = only_cpu ? 1 : dc_device_count(b->context);

    for (int32_t k = 0; k < count; ++k) {
        dc_device_info info = {.struct_size = sizeof info};
        dc_device *device;
        int code = 0;

        if (dc_device_at(b->context, k, &device) != DC_OK ||
            dc_device_get_info(device, &info) != DC_OK)
            return dcb_note(b, DCB_FAILED, "device %d: %s", (int)k, dc_last_error());
        if (!wanted_device(o, info.id))
            continue;
        if (!info.usable)
            dcb_note(b, 0, "%s left out: %s", info.id, info.error);
        else if (info.kind == DC_DEVICE_OPENCL)
            code = add_opencl(b, device, &info);
        for (int32_t isa = 0; info.kind == DC_DEVICE_CPU && isa <= info.isa && !code; ++isa)
            if (wanted_isa(o, isa))
                code = add_cpu(b, device, &info, isa);
        if (code)
            return code;
    }
    return b->runners ? 0 : dcb_note(b, DCB_NO_DEVICE, "no device or instruction set fits");
}

/* One thread and all of them, unless other counts were asked for. */
static int measure_floors(dcb_bench *b)
{
    const dcb_options *o = b->options;
    dc_device_info info = {.struct_size = sizeof info};
    dc_device *cpu;
    dc_topology *t = &b->machine.topology;
    int32_t counts[DCB_LIST] = {1}, n = o->thread_counts;

    t->struct_size = sizeof *t;
    if (dc_topology_get(t) != DC_OK || dc_device_at(b->context, 0, &cpu) != DC_OK ||
        dc_device_get_info(cpu, &info) != DC_OK)
        return dcb_note(b, DCB_FAILED, "%s", dc_last_error());
    memcpy(counts, n ? o->threads : counts, (n ? (size_t)n : 1) * sizeof *counts);
    if (!n) {
        n = t->threads > 1 ? 2 : 1;
        counts[n - 1] = t->threads;
    }
    for (int32_t k = 0; k < n; ++k) {
        if (o->progress && o->progress(0, "floors of the machine", o->user))
            return DCB_STOPPED;
        b->team[k] = dcb_team_new(counts[k]);
        if (!b->team[k] ||
            dcb_floor_measure(counts[k], info.isa, o->quick ? 0.1 : 0.4, &b->machine.floor[k]))
            return dcb_note(b, DCB_FAILED, "no memory for %d threads", (int)counts[k]);
        ++b->machine.floors;
    }
    return 0;
}

int dcb_runners_open(dcb_bench *b)
{
    int code;

    if (dc_context_new(NULL, &b->context) != DC_OK)
        return dcb_note(b, DCB_FAILED, "%s", dc_last_error());
    code = measure_floors(b);
    if (!code)
        code = open_devices(b);
    if (!code && b->listener->machine(&b->machine, b->listener->user))
        code = DCB_FAILED;
    return code;
}

void dcb_runners_close(dcb_bench *b)
{
    for (int32_t k = 0; k < b->runners; ++k) {
        dc_buffer_free(b->runner[k].in);
        dc_buffer_free(b->runner[k].out);
    }
    for (int32_t k = 0; k < b->runners; ++k)
        if (b->runner[k].owns)
            dc_queue_free(b->runner[k].queue);
    for (int32_t k = 0; k < DCB_LIST; ++k)
        dcb_team_free(b->team[k]);
    free(b->src);
    free(b->dst);
    dc_context_free(b->context);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/context.h"
#include "host/core/discovery.h"

int32_t dc_device_count(dc_context *context)
{
    if (!context)
        return 0;
    dc__context_discover(context);
    return context->ndevices;
}

dc_status dc_device_at(dc_context *context, int32_t index, dc_device **out)
{
    DC_REQUIRE(context && out, DC_E_ARGUMENT, "dc_device_at: %s is NULL",
               context ? "out" : "context");
    if (index != 0)
        dc__context_discover(context);
    DC_REQUIRE(index >= 0 && index < context->ndevices, DC_E_ARGUMENT,
               "dc_device_at: index is %d, there are %d devices", (int)index,
               (int)context->ndevices);
    *out = &context->device[index];
    return DC_OK;
}

static dc_status find_opencl(dc_context *context, int32_t number, dc_device **out)
{
    int32_t seen = 0;

    dc__context_discover(context);
    for (int32_t i = 1; i < context->ndevices; ++i) {
        dc_device *device = &context->device[i];

        if (number < 0 ? !device->info.usable : seen++ != number)
            continue;
        DC_REQUIRE(device->info.usable, DC_E_UNSUPPORTED, "device %s: %s", device->info.id,
                   device->info.error);
        *out = device;
        return DC_OK;
    }
    if (number >= 0)
        return dc__fail(DC_E_UNSUPPORTED, "device opencl:%d: %s%s%d OpenCL devices are listed",
                        (int)number, context->discovery_note, *context->discovery_note ? "; " : "",
                        (int)context->ndevices - 1);
    return dc__fail(DC_E_UNSUPPORTED, "device opencl: %s",
                    *context->discovery_note ? context->discovery_note
                                             : "no listed OpenCL device is usable");
}

dc_status dc_device_find(dc_context *context, const char *name, dc_device **out)
{
    DC_REQUIRE(context && name && out, DC_E_ARGUMENT, "dc_device_find: an argument is NULL");
    if (strcmp(name, "cpu") == 0)
        return dc_device_at(context, 0, out);
    if (strncmp(name, "opencl", 6) == 0 && (name[6] == 0 || name[6] == ':')) {
        long number = -1;

        if (name[6] == ':') {
            char *end;
            number = strtol(name + 7, &end, 10);
            if (end == name + 7 || *end || number < 0 || number >= DC_MAX_DEVICES)
                return dc__fail(DC_E_ARGUMENT,
                                "dc_device_find: \"%.40s\" does not end in a number 0 ... %d", name,
                                DC_MAX_DEVICES - 1);
        }
        return find_opencl(context, (int32_t)number, out);
    }
    return dc__fail(DC_E_ARGUMENT,
                    "dc_device_find: \"%.40s\" is none of \"cpu\", \"opencl\", \"opencl:N\"", name);
}

static dc_status copy_info(const dc_device_info *from, dc_device_info *to)
{
    const uint32_t size = to->struct_size;

    DC_REQUIRE(size >= sizeof(uint32_t) && size <= sizeof *from, DC_E_ARGUMENT,
               "dc_device_get_info: info.struct_size is %u, expected %zu", size, sizeof *from);
    memcpy(to, from, size);
    to->struct_size = size;
    return DC_OK;
}

dc_status dc_device_get_info(dc_device *device, dc_device_info *info)
{
    DC_REQUIRE(device && info, DC_E_ARGUMENT, "dc_device_get_info: %s is NULL",
               device ? "info" : "device");
    return copy_info(&device->info, info);
}

/* Open under the context's lock. */
static dc_status open_locked(dc_device *device)
{
    if (device->handle)
        return DC_OK;
    DC_REQUIRE(device->backend, DC_E_UNSUPPORTED, "device %s: %s", device->info.id,
               device->info.error);
    return device->backend->open(device->context, &device->info, &device->handle);
}

dc_status dc__device_open(dc_device *device, void **handle)
{
    dc_status status;

    DC_REQUIRE(device->info.kind == DC_DEVICE_CPU || !dc__context_forked(device->context),
               DC_E_FORKED, "device %s: it was opened before fork() and is of no use in the child",
               device->info.id);
    if (device->info.kind == DC_DEVICE_CPU && dc__context_forked(device->context)) {
        *handle = device->handle; /* no lock: another thread may have held it at the fork */
        return device->handle ? DC_OK
                              : device->backend->open(device->context, &device->info, handle);
    }
    pthread_mutex_lock(&device->context->lock);
    status = open_locked(device);
    *handle = device->handle;
    pthread_mutex_unlock(&device->context->lock);
    return status;
}

dc_status dc_device_check(dc_device *device, dc_device_info *info)
{
    dc_status status = DC_OK;
    void *handle;

    DC_REQUIRE(device && info, DC_E_ARGUMENT, "dc_device_check: %s is NULL",
               device ? "info" : "device");
    DC_TRY(dc__device_open(device, &handle));
    pthread_mutex_lock(&device->context->lock);
    if (!device->checked) {
        status = device->backend->check(handle, &device->info);
        device->checked = status == DC_OK;
    }
    pthread_mutex_unlock(&device->context->lock);
    DC_TRY(status);
    return copy_info(&device->info, info);
}

dc_device *dc__first_accelerator(dc_context *context)
{
    dc_device *device = NULL;

    return find_opencl(context, -1, &device) == DC_OK ? device : NULL;
}

dc_device *dc__device_of(dc_context *context, const dc_buffer *buffer)
{
    for (int32_t i = 0; i < context->ndevices; ++i)
        if (context->device[i].handle == buffer->device &&
            context->device[i].backend == buffer->backend)
            return &context->device[i];
    return NULL;
}

dc_status dc_context_from_cl(struct _cl_context *cl_context, struct _cl_command_queue *cl_queue,
                             dc_context **context, dc_queue **queue)
{
    const dc_backend *backend;
    dc_device *device;
    dc_status status;

    DC_REQUIRE(cl_context && cl_queue && context && queue, DC_E_ARGUMENT,
               "dc_context_from_cl: an argument is NULL");
    *context = NULL;
    *queue = NULL;
    DC_TRY(dc_context_new(NULL, context));
    device = &(*context)->device[1];
    (*context)->discovered = 1; /* this context has the host's device and the CPU, no others */
    status = dc__discovered_backend((*context)->module_path, &backend);
    if (status == DC_OK) {
        device->context = *context;
        status =
            backend->open_native(*context, cl_context, cl_queue, &device->info, &device->handle);
    }
    if (status == DC_OK) {
        device->backend = backend;
        device->info.index = 1;
        device->info.kind = DC_DEVICE_OPENCL;
        device->info.usable = 1;
        snprintf(device->info.id, sizeof device->info.id, "opencl:0");
        (*context)->ndevices = 2;
        status = dc_queue_new(*context, device, NULL, queue);
    }
    if (status != DC_OK) {
        dc_context_free(*context);
        *context = NULL;
    }
    return status;
}

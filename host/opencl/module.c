#include "host/opencl/opencl.h"

static void close_device(void *device)
{
    dc__cl_close(device);
}

static dc_status check(void *device, dc_device_info *info)
{
    dc_cl_device *dev = device;
    DC_TRY(dc__cl_check(dev));
    info->checks = dev->info.checks;
    info->exact = dev->info.exact;
    return DC_OK;
}

static dc_status queue_new(void *device, const dc_exec_params *params, void **queue)
{
    (void)params; /* threads and isa are the CPU's; the cache directory is the context's */
    dc_cl_queue *made = NULL;
    DC_TRY(dc__cl_queue_new(device, &made));
    *queue = made;
    return DC_OK;
}

static void queue_free(void *queue)
{
    dc__cl_queue_free(queue);
}

static dc_status finish(void *queue)
{
    return dc__cl_finish(queue);
}

static dc_status memory_new(void *device, size_t bytes, void **memory)
{
    dc_cl_memory *made = NULL;
    DC_TRY(dc__cl_memory_new(device, bytes, &made));
    *memory = made;
    return DC_OK;
}

static dc_status memory_wrap(void *device, void *native, size_t *bytes, void **memory)
{
    dc_cl_memory *made = NULL;
    DC_TRY(dc__cl_memory_wrap(device, native, bytes, &made));
    *memory = made;
    return DC_OK;
}

static void memory_free(void *device, void *memory)
{
    dc__cl_memory_free(device, memory);
}

/* Both block: the host may reuse its memory at once, and the calls queued before are complete. */
static dc_status move(dc_cl_queue *queue, dc_cl_call *call, dc_cl_memory *memory, size_t offset,
                      const void *src, void *dst, size_t n)
{
    if (src) {
        DC_TRY(dc__cl_upload(queue, call, memory->mem, offset, src, n));
        DC_TRY(dc__cl_complete(queue, call));
        dc__cl_reap(queue, 1); /* what failed before has been written over */
        dc__cl_memory_renewed(call->device, memory);
        return DC_OK;
    }
    DC_TRY(dc__cl_complete(queue, call));
    dc__cl_reap(queue, 1);
    DC_TRY(dc__cl_memory_good(call->device, memory));
    return dc__cl_download(queue, call, memory->mem, offset, dst, n);
}

static dc_status transfer(dc_cl_queue *queue, dc_cl_memory *memory, size_t offset, const void *src,
                          void *dst, size_t n)
{
    DC_REQUIRE(offset <= memory->bytes && n <= memory->bytes - offset, DC_E_ARGUMENT,
               "bytes %zu ... %zu lie outside the buffer of %zu bytes", offset, offset + n,
               memory->bytes);
    dc_cl_call *call = dc__cl_call_new(queue, NULL);
    DC_REQUIRE(call != NULL, DC_E_MEMORY, "out of host memory");
    const dc_status status = move(queue, call, memory, offset, src, dst, n);
    if (status != DC_OK)
        (void)dc__cl_drain(queue);
    dc__cl_call_close(call, status);
    dc__cl_reap(queue, 0);
    return status;
}

static dc_status memory_write(void *queue, void *memory, size_t offset, const void *src, size_t n)
{
    return transfer(queue, memory, offset, src, NULL, n);
}

static dc_status memory_read(void *queue, void *memory, size_t offset, void *dst, size_t n)
{
    return transfer(queue, memory, offset, NULL, dst, n);
}

static void *memory_host(void *memory)
{
    (void)memory;
    return NULL;
}

static dc_pool *pool(void *device, int32_t which)
{
    dc_cl_device *dev = device;
    return which == DC_POOL_PINNED   ? dev->pinned_pool
           : which == DC_POOL_DEVICE ? dev->device_pool
                                     : NULL;
}

const dc_backend dc__backend_opencl = {
    .abi = DC_BACKEND_ABI,
    .name = "opencl",
    .probe = dc__cl_probe,
    .open = dc__cl_open,
    .open_native = dc__cl_open_native,
    .close = close_device,
    .check = check,
    .queue_new = queue_new,
    .queue_free = queue_free,
    .finish = finish,
    .supports = dc__cl_supports,
    .run = dc__cl_run,
    .event_wait = dc__cl_event_wait,
    .event_free = dc__cl_event_free,
    .memory_new = memory_new,
    .memory_wrap = memory_wrap,
    .memory_free = memory_free,
    .memory_write = memory_write,
    .memory_read = memory_read,
    .memory_host = memory_host,
    .pool = pool,
};

/* The ICD loader reads its list of drivers at its first call, once per process: that call is made
 * here, while the core has the broken drivers masked (host/core/discovery.h). */
DC_MODULE const dc_backend *dc_module_backend(void);
DC_MODULE const dc_backend *dc_module_backend(void)
{
    cl_uint n = 0;
    (void)clGetPlatformIDs(0, NULL, &n);
    return &dc__backend_opencl;
}

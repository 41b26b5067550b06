#include <stdlib.h>

#include "host/opencl/opencl.h"

/* Zero-byte requests get a real block: OpenCL has no empty buffers. */
enum { LEAST_BYTES = 64 };

static dc_status too_large(const dc_cl_device *device, size_t bytes)
{
    return dc__fail(DC_E_MEMORY,
                    "device memory: %zu bytes are more than %s gives in one piece (%lld)", bytes,
                    device->info.id, (long long)device->info.max_alloc_bytes);
}

/* Size classes round up, perhaps beyond the driver's limit: callers have checked the request
 * itself, so a block of exactly the limit serves every request of such a class. */
static size_t within_limit(const dc_cl_device *device, size_t bytes)
{
    const size_t limit = (size_t)device->info.max_alloc_bytes;
    return bytes > limit ? limit : bytes;
}

static void *device_new(void *user, size_t bytes)
{
    dc_cl_device *device = user;
    const size_t real = within_limit(device, bytes);
    const int64_t taken = __atomic_add_fetch(&device->allocated, (int64_t)real, __ATOMIC_RELAXED);
    cl_int code = CL_SUCCESS;
    dc_cl_memory *memory = NULL;
    /* Many drivers promise memory that they do not have and fail at first use. */
    if (taken > device->info.global_bytes)
        (void)dc__fail(DC_E_MEMORY,
                       "device memory: %zu bytes more would exceed the %lld bytes of %s", real,
                       (long long)device->info.global_bytes, device->info.id);
    else if ((memory = calloc(1, sizeof *memory)) == NULL)
        (void)dc__fail(DC_E_MEMORY, "device memory: out of host memory");
    else
        memory->mem = clCreateBuffer(device->cl, CL_MEM_READ_WRITE, real, NULL, &code);
    if (memory && memory->mem) {
        memory->bytes = real;
        return memory;
    }
    if (memory)
        (void)dc__fail(DC_E_MEMORY, "device memory: %zu bytes on %s: clCreateBuffer -> %s (%d)",
                       real, device->info.id, dc__cl_name(code), (int)code);
    free(memory);
    (void)__atomic_sub_fetch(&device->allocated, (int64_t)real, __ATOMIC_RELAXED);
    return NULL;
}

static void device_free(void *user, void *block, size_t bytes)
{
    dc_cl_device *device = user;
    dc_cl_memory *memory = block;
    (void)bytes;
    clReleaseMemObject(memory->mem);
    (void)__atomic_sub_fetch(&device->allocated, (int64_t)memory->bytes, __ATOMIC_RELAXED);
    free(memory);
}

/* Host memory of the driver, mapped for its whole life: copies from and to it run by DMA. */
static void *pinned_new(void *user, size_t bytes)
{
    dc_cl_device *device = user;
    cl_int code = CL_SUCCESS;
    const char *call = "clCreateBuffer";
    dc_cl_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        (void)dc__fail(DC_E_MEMORY, "pinned memory: out of host memory");
        return NULL;
    }
    memory->mem = clCreateBuffer(device->cl, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                 within_limit(device, bytes), NULL, &code);
    if (memory->mem) {
        call = "clEnqueueMapBuffer";
        memory->bytes = within_limit(device, bytes);
        memory->host =
            clEnqueueMapBuffer(device->utility, memory->mem, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                               memory->bytes, 0, NULL, NULL, &code);
        if (memory->host)
            return memory;
        clReleaseMemObject(memory->mem);
    }
    free(memory);
    (void)dc__fail(DC_E_MEMORY, "pinned memory: %zu bytes: %s -> %s (%d)", bytes, call,
                   dc__cl_name(code), (int)code);
    return NULL;
}

static void pinned_free(void *user, void *block, size_t bytes)
{
    dc_cl_device *device = user;
    dc_cl_memory *memory = block;
    cl_event done = NULL;
    (void)bytes;
    if (clEnqueueUnmapMemObject(device->utility, memory->mem, memory->host, 0, NULL, &done) ==
        CL_SUCCESS) {
        (void)clWaitForEvents(1, &done);
        clReleaseEvent(done);
    }
    clReleaseMemObject(memory->mem);
    free(memory);
}

dc_status dc__cl_pools_new(dc_cl_device *device)
{
    const dc_pool_source on_device = {device_new, device_free, device, "device"};
    const dc_pool_source pinned = {pinned_new, pinned_free, device, "pinned"};
    DC_TRY(dc__pool_new(&on_device, &device->device_pool));
    return dc__pool_new(&pinned, &device->pinned_pool);
}

void dc__cl_pools_free(dc_cl_device *device)
{
    if (device->device_pool)
        dc__pool_free(device->device_pool);
    if (device->pinned_pool)
        dc__pool_free(device->pinned_pool);
}

static dc_status get(dc_cl_device *device, dc_pool *pool, size_t bytes, dc_cl_memory **memory)
{
    void *block = NULL;
    size_t granted = 0;
    if (bytes > (size_t)device->info.max_alloc_bytes)
        return too_large(device, bytes);
    DC_TRY(dc__pool_get(pool, bytes < LEAST_BYTES ? LEAST_BYTES : bytes, &block, &granted));
    *memory = block;
    (*memory)->granted = granted;
    (*memory)->failed = DC_OK;
    return DC_OK;
}

void dc__cl_memory_renewed(dc_cl_device *device, dc_cl_memory *memory)
{
    pthread_mutex_lock(&device->mutex);
    memory->failed = DC_OK;
    pthread_mutex_unlock(&device->mutex);
}

dc_status dc__cl_memory_new(dc_cl_device *device, size_t bytes, dc_cl_memory **memory)
{
    return get(device, device->device_pool, bytes, memory);
}

dc_status dc__cl_pinned_new(dc_cl_device *device, size_t bytes, dc_cl_memory **memory)
{
    return get(device, device->pinned_pool, bytes, memory);
}

void dc__cl_pinned_free(dc_cl_device *device, dc_cl_memory *memory)
{
    if (memory)
        dc__pool_put(device->pinned_pool, memory, memory->granted);
}

dc_status dc__cl_memory_wrap(dc_cl_device *device, cl_mem mem, size_t *bytes, dc_cl_memory **memory)
{
    cl_context owner = NULL;
    cl_mem_object_type type = 0;
    DC_CL_TRY("clGetMemObjectInfo",
              clGetMemObjectInfo(mem, CL_MEM_CONTEXT, sizeof owner, &owner, NULL));
    DC_REQUIRE(owner == device->cl, DC_E_ARGUMENT,
               "dc_buffer_from_cl: mem belongs to another cl_context than the queue");
    DC_CL_TRY("clGetMemObjectInfo", clGetMemObjectInfo(mem, CL_MEM_TYPE, sizeof type, &type, NULL));
    DC_REQUIRE(type == CL_MEM_OBJECT_BUFFER, DC_E_ARGUMENT,
               "dc_buffer_from_cl: mem is an image, a buffer is needed");
    DC_CL_TRY("clGetMemObjectInfo",
              clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof *bytes, bytes, NULL));
    dc_cl_memory *made = calloc(1, sizeof *made);
    DC_REQUIRE(made != NULL, DC_E_MEMORY, "dc_buffer_from_cl: out of host memory");
    const cl_int code = clRetainMemObject(mem);
    if (code != CL_SUCCESS) {
        free(made);
        return dc__cl_failed("clRetainMemObject", code);
    }
    made->mem = mem;
    made->bytes = *bytes;
    made->wrapped = 1;
    *memory = made;
    return DC_OK;
}

void dc__cl_memory_free(dc_cl_device *device, dc_cl_memory *memory)
{
    if (memory == NULL)
        return;
    if (memory->wrapped) {
        clReleaseMemObject(memory->mem);
        free(memory);
    } else {
        dc__pool_put(device->device_pool, memory, memory->granted);
    }
}

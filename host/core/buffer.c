/* Buffers and the pools behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/context.h"

/* Where a queue's buffers live: its device; automatic: the device when there is a usable one. */
static dc_device *buffer_device(dc_queue *queue)
{
    if (queue->device)
        return queue->device;
    if (queue->policy != DC_POLICY_CPU) {
        dc_device *device = dc__first_accelerator(queue->context);
        if (device && !device->info.is_cpu)
            return device;
        if (device && queue->policy != DC_POLICY_AUTO)
            return device;
    }
    return &queue->context->device[0];
}

static dc_status buffer_wrap(dc_device *device, void *handle, void *memory, size_t bytes,
                             dc_buffer **out)
{
    dc_buffer *buffer = malloc(sizeof *buffer);

    if (!buffer) {
        device->backend->memory_free(handle, memory);
        return dc__fail(DC_E_MEMORY, "dc_buffer_new: no memory");
    }
    *buffer = (dc_buffer){device->context, device->backend, handle, memory, bytes, 1};
    *out = buffer;
    return DC_OK;
}

dc_status dc_buffer_new(dc_queue *queue, size_t bytes, dc_buffer **out)
{
    dc_device *device;
    void *handle, *memory;

    DC_REQUIRE(queue && out, DC_E_ARGUMENT, "dc_buffer_new: %s is NULL", queue ? "out" : "queue");
    *out = NULL;
    device = buffer_device(queue);
    DC_TRY(dc__device_open(device, &handle));
    DC_TRY(device->backend->memory_new(handle, bytes, &memory));
    return buffer_wrap(device, handle, memory, bytes, out);
}

dc_status dc_buffer_from_cl(dc_queue *queue, struct _cl_mem *mem, dc_buffer **out)
{
    dc_device *device;
    void *handle, *memory;
    size_t bytes = 0;

    DC_REQUIRE(queue && mem && out, DC_E_ARGUMENT, "dc_buffer_from_cl: an argument is NULL");
    *out = NULL;
    device = queue->device;
    DC_REQUIRE(device && device->backend->memory_wrap, DC_E_ARGUMENT,
               "dc_buffer_from_cl: the queue was not made by dc_context_from_cl()");
    DC_TRY(dc__device_open(device, &handle));
    DC_TRY(device->backend->memory_wrap(handle, mem, &bytes, &memory));
    return buffer_wrap(device, handle, memory, bytes, out);
}

void dc__buffer_retain(dc_buffer *buffer)
{
    (void)__atomic_add_fetch(&buffer->references, 1, __ATOMIC_RELAXED);
}

void dc__buffer_release(dc_buffer *buffer)
{
    if (__atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (buffer->backend == &dc__backend_cpu || !dc__context_forked(buffer->context))
        buffer->backend->memory_free(buffer->device, buffer->memory);
    free(buffer);
}

void dc_buffer_free(dc_buffer *buffer)
{
    if (buffer)
        dc__buffer_release(buffer);
}

size_t dc_buffer_bytes(const dc_buffer *buffer)
{
    return buffer ? buffer->bytes : 0;
}

void *dc_buffer_host(dc_buffer *buffer)
{
    return buffer ? buffer->backend->memory_host(buffer->memory) : NULL;
}

/* The executor queue that moves data of this buffer. */
static dc_status transfer_queue(dc_queue *queue, const dc_buffer *buffer, const char *call,
                                size_t offset, size_t bytes, const void *host, void **exec)
{
    dc_device *device;

    DC_REQUIRE(queue && buffer, DC_E_ARGUMENT, "%s: %s is NULL", call, queue ? "buffer" : "queue");
    DC_REQUIRE(host || bytes == 0, DC_E_ARGUMENT, "%s: the host address is NULL", call);
    DC_REQUIRE(offset <= buffer->bytes && bytes <= buffer->bytes - offset, DC_E_ARGUMENT,
               "%s: bytes %zu ... %zu lie beyond the buffer's %zu", call, offset, offset + bytes,
               buffer->bytes);
    DC_REQUIRE(buffer->context == queue->context, DC_E_ARGUMENT,
               "%s: the buffer belongs to another context", call);
    device = dc__device_of(queue->context, buffer);
    DC_REQUIRE(device, DC_E_ARGUMENT, "%s: the buffer's device is unknown", call);
    DC_TRY(dc__queue_exec(queue, device, exec));
    DC_REQUIRE(device->info.kind == DC_DEVICE_CPU || queue->exec_device == device, DC_E_ARGUMENT,
               "%s: the buffer is on %s, the queue works on %s", call, device->info.id,
               queue->exec_device->info.id);
    return DC_OK;
}

dc_status dc_buffer_write(dc_queue *queue, dc_buffer *dst, size_t offset, const void *src,
                          size_t bytes)
{
    void *exec;

    DC_TRY(transfer_queue(queue, dst, "dc_buffer_write", offset, bytes, src, &exec));
    if (!bytes)
        return DC_OK;
    return dst->backend->memory_write(exec, dst->memory, offset, src, bytes);
}

dc_status dc_buffer_read(dc_queue *queue, const dc_buffer *src, size_t offset, void *dst,
                         size_t bytes)
{
    void *exec;

    DC_TRY(transfer_queue(queue, src, "dc_buffer_read", offset, bytes, dst, &exec));
    if (!bytes)
        return DC_OK;
    return src->backend->memory_read(exec, src->memory, offset, dst, bytes);
}

/* Apply `use` to every pool of the kind. */
static dc_status each_pool(dc_context *context, int32_t which, const char *call,
                           void (*use)(dc_pool *pool, void *data), void *data)
{
    DC_REQUIRE(context, DC_E_ARGUMENT, "%s: context is NULL", call);
    DC_REQUIRE(which >= 0 && which < DC_POOL_COUNT, DC_E_ARGUMENT,
               "%s: pool is %d, 0 to %d are possible", call, (int)which, DC_POOL_COUNT - 1);
    if (which == DC_POOL_HOST) {
        use(context->host_pool, data);
        return DC_OK;
    }
    DC_REQUIRE(!dc__context_forked(context), DC_E_FORKED,
               "%s: the device pools belong to the process that forked", call);
    pthread_mutex_lock(&context->lock);
    for (int32_t i = 1; i < context->ndevices; ++i) {
        dc_device *device = &context->device[i];
        dc_pool *pool = device->handle ? device->backend->pool(device->handle, which) : NULL;
        if (pool)
            use(pool, data);
    }
    pthread_mutex_unlock(&context->lock);
    return DC_OK;
}

static void use_stats(dc_pool *pool, void *data)
{
    dc_pool_stats one = {.struct_size = sizeof one}, *sum = data;

    dc__pool_stats(pool, &one);
    sum->in_use_bytes += one.in_use_bytes;
    sum->cached_bytes += one.cached_bytes;
    sum->peak_bytes += one.peak_bytes;
    sum->cap_bytes += one.cap_bytes;
    sum->requests += one.requests;
    sum->hits += one.hits;
    sum->failures += one.failures;
}

static void use_cap(dc_pool *pool, void *data)
{
    dc__pool_cap(pool, *(int64_t *)data);
}

static void use_trim(dc_pool *pool, void *data)
{
    (void)data;
    dc__pool_trim(pool);
}

dc_status dc_pool_get_stats(dc_context *context, int32_t pool, dc_pool_stats *stats)
{
    DC_REQUIRE(stats, DC_E_ARGUMENT, "dc_pool_get_stats: stats is NULL");
    DC_REQUIRE(stats->struct_size == sizeof *stats, DC_E_ARGUMENT,
               "dc_pool_get_stats: struct_size is %u, expected %zu", stats->struct_size,
               sizeof *stats);
    *stats = (dc_pool_stats){.struct_size = sizeof *stats, .pool = pool};
    return each_pool(context, pool, "dc_pool_get_stats", use_stats, stats);
}

dc_status dc_pool_set_cap(dc_context *context, int32_t pool, int64_t bytes)
{
    DC_REQUIRE(bytes >= 0, DC_E_ARGUMENT, "dc_pool_set_cap: bytes is %lld, negative",
               (long long)bytes);
    return each_pool(context, pool, "dc_pool_set_cap", use_cap, &bytes);
}

dc_status dc_pool_trim(dc_context *context, int32_t pool)
{
    return each_pool(context, pool, "dc_pool_trim", use_trim, NULL);
}

/* A host block carries its head in the 64 bytes before it.  Large blocks begin in the middle of a
 * page: other allocators begin theirs a few bytes into one, and a load whose address agrees with
 * that of an earlier store in its 12 lowest bits waits for the store (measured: copies from NumPy's
 * arrays into blocks 64 bytes into a page ran at half the speed). */
enum { HOST_HEADER = 64, HOST_LARGE = 1 << 18, HOST_LARGE_HEADER = 2048 };

typedef struct host_head {
    size_t granted, before; /* before: bytes from the pool's address to the block */
} host_head;

_Static_assert(sizeof(host_head) <= HOST_HEADER, "it lies before the block");

dc_status dc_host_alloc(dc_context *context, size_t bytes, void **out)
{
    host_head head = {0, bytes < HOST_LARGE ? HOST_HEADER : HOST_LARGE_HEADER};
    void *memory;

    DC_REQUIRE(context && out, DC_E_ARGUMENT, "dc_host_alloc: %s is NULL",
               context ? "out" : "context");
    *out = NULL;
    DC_REQUIRE(bytes <= SIZE_MAX / 4, DC_E_MEMORY, "dc_host_alloc: %zu bytes are too many", bytes);
    DC_TRY(dc__pool_get(context->host_pool, bytes + head.before, &memory, &head.granted));
    *out = (char *)memory + head.before;
    memcpy((char *)*out - HOST_HEADER, &head, sizeof head);
    return DC_OK;
}

void dc_host_free(dc_context *context, void *memory)
{
    host_head head;

    if (!context || !memory)
        return;
    memcpy(&head, (char *)memory - HOST_HEADER, sizeof head);
    dc__pool_put(context->host_pool, (char *)memory - head.before, head.granted);
}

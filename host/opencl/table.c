/* Constant tables that stay on the device: twiddles, windows, ranks. */
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

static const int64_t most_bytes = INT64_C(64) << 20;

static void destroy(dc_cl_table *table)
{
    if (table->mem)
        clReleaseMemObject(table->mem);
    free(table->data);
    free(table);
}

static dc_status create(dc_cl_device *device, const dc_slot *slot, dc_cl_table **out)
{
    const size_t bytes = (size_t)slot->bytes;
    DC_REQUIRE(slot->bytes <= device->info.max_alloc_bytes, DC_E_MEMORY,
               "table of %lld bytes: %s gives at most %lld in one piece", (long long)slot->bytes,
               device->info.id, (long long)device->info.max_alloc_bytes);
    dc_cl_table *table = calloc(1, sizeof *table);
    void *data = malloc(bytes);
    if (table == NULL || data == NULL) {
        free(table);
        free(data);
        return dc__fail(DC_E_MEMORY, "table of %zu bytes: out of host memory", bytes);
    }
    memcpy(data, slot->data, bytes);
    table->key = slot->key;
    table->bytes = slot->bytes;
    table->data = data;
    cl_int code = CL_SUCCESS;
    table->mem =
        clCreateBuffer(device->cl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, bytes, data, &code);
    if (table->mem == NULL) {
        destroy(table);
        return dc__cl_failed("table: clCreateBuffer", code);
    }
    DC_COUNT(device->context, bytes_to_device, bytes);
    *out = table;
    return DC_OK;
}

/* Drop what nobody uses, oldest first, until the rest fits.  Under the mutex. */
static void evict(dc_cl_device *device)
{
    while (device->table_bytes > most_bytes) {
        dc_cl_table **oldest = NULL;
        for (dc_cl_table **at = &device->tables; *at; at = &(*at)->next)
            if ((*at)->references == 0 && (oldest == NULL || (*at)->used < (*oldest)->used))
                oldest = at;
        if (oldest == NULL)
            return;
        dc_cl_table *table = *oldest;
        *oldest = table->next;
        device->table_bytes -= table->bytes;
        destroy(table);
    }
}

dc_status dc__cl_table_get(dc_cl_device *device, const dc_slot *slot, dc_cl_table **out)
{
    dc_status status = DC_OK;
    pthread_mutex_lock(&device->mutex);
    dc_cl_table *table = device->tables;
    while (table && (table->key != slot->key || table->bytes != slot->bytes ||
                     memcmp(table->data, slot->data, (size_t)slot->bytes) != 0))
        table = table->next;
    if (table == NULL) {
        status = create(device, slot, &table);
        if (status == DC_OK) {
            table->next = device->tables;
            device->tables = table;
            device->table_bytes += table->bytes;
        }
    }
    if (status == DC_OK) {
        ++table->references;
        table->used = ++device->table_clock;
        evict(device);
    }
    pthread_mutex_unlock(&device->mutex);
    *out = table;
    return status;
}

void dc__cl_table_put(dc_cl_device *device, dc_cl_table *table)
{
    pthread_mutex_lock(&device->mutex);
    --table->references;
    evict(device);
    pthread_mutex_unlock(&device->mutex);
}

void dc__cl_tables_free(dc_cl_device *device)
{
    while (device->tables) {
        dc_cl_table *table = device->tables;
        device->tables = table->next;
        destroy(table);
    }
}

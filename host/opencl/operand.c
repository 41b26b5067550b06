/* Slots of a plan into device memory. */
#include <stdlib.h>

#include "host/opencl/opencl.h"

/* Below this an own copy costs less than a memory object. */
enum { WINDOW_BYTES = 1 << 16, PAGE_BYTES = 4096 };

static dc_status own_block(dc_cl_call *call, size_t bytes, dc_cl_operand *operand)
{
    return dc__cl_call_block(call, bytes, &operand->mem);
}

/* A memory object on the caller's own bytes; mem stays NULL where that is not possible.  The ends
 * are rounded to the device's alignment, which stays inside the same pages. */
static void window(dc_cl_device *device, const dc_slot *slot, char *low, size_t bytes,
                   dc_cl_operand *operand)
{
    const size_t align = device->base_align;
    const size_t before = (uintptr_t)low % align;
    const size_t whole = (before + bytes + align - 1) / align * align;
    cl_int code = CL_SUCCESS;
    if (!device->zero_copy || bytes < WINDOW_BYTES || align > PAGE_BYTES ||
        (uintptr_t)low % dc_dtype_bytes(slot->array.dtype) != 0)
        return;
    cl_mem mem = clCreateBuffer(device->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, whole,
                                low - before, &code);
    if (code != CL_SUCCESS)
        return;
    operand->mem = operand->window = mem;
    operand->first = (int64_t)before - slot->low_bytes;
}

/* Host arrays: their extent, element 0 lying -low_bytes from its start. */
static dc_status bind_host(dc_cl_queue *queue, dc_cl_call *call, const dc_slot *slot,
                           dc_cl_operand *operand)
{
    const size_t bytes = (size_t)(slot->high_bytes - slot->low_bytes);
    operand->first = -slot->low_bytes;
    if (bytes == 0)
        return own_block(call, 0, operand);
    char *low = (char *)dc__array_host_address(&slot->array) + slot->low_bytes;
    if (slot->kind == DC_SLOT_INPUT) {
        window(call->device, slot, low, bytes, operand);
        if (operand->mem)
            return DC_OK;
        DC_TRY(own_block(call, bytes, operand));
        return dc__cl_upload(queue, call, operand->mem, 0, low, bytes);
    }
    operand->host = low;
    return own_block(call, bytes, operand);
}

static dc_status bind_buffer(dc_cl_call *call, const dc_slot *slot, dc_cl_operand *operand)
{
    dc_buffer *buffer = slot->array.buffer;
    const dc_cl_memory *memory = buffer->memory;
    DC_REQUIRE(buffer->backend == &dc__backend_opencl && buffer->device == call->device,
               DC_E_ARGUMENT, "%s: an array lies on another device than %s",
               call->request->plan->op->name, call->device->info.id);
    dc__buffer_retain(buffer);
    operand->buffer = buffer;
    operand->mem = memory->mem;
    operand->first = slot->array.offset * (int64_t)dc_dtype_bytes(slot->array.dtype);
    return DC_OK;
}

static dc_status bind_table(dc_cl_queue *queue, dc_cl_call *call, const dc_slot *slot,
                            dc_cl_operand *operand)
{
    if (slot->key != 0 && slot->bytes > 0) {
        DC_TRY(dc__cl_table_get(call->device, slot, &operand->table));
        operand->mem = operand->table->mem;
        return DC_OK;
    }
    DC_TRY(own_block(call, (size_t)slot->bytes, operand));
    return dc__cl_upload(queue, call, operand->mem, 0, slot->data, (size_t)slot->bytes);
}

dc_status dc__cl_bind(dc_cl_queue *queue, dc_cl_call *call)
{
    const dc_plan *plan = call->request->plan;
    call->operand = calloc((size_t)plan->nslots + 1, sizeof *call->operand);
    DC_REQUIRE(call->operand != NULL, DC_E_MEMORY, "%s: out of host memory", plan->op->name);
    for (int32_t i = 0; i < plan->nslots; ++i) {
        const dc_slot *slot = &plan->slot[i];
        dc_cl_operand *operand = &call->operand[call->noperands++];
        operand->kind = slot->kind;
        if (slot->kind == DC_SLOT_SCRATCH)
            DC_TRY(own_block(call, (size_t)slot->bytes, operand));
        else if (slot->kind == DC_SLOT_TABLE)
            DC_TRY(bind_table(queue, call, slot, operand));
        else if (slot->array.buffer)
            DC_TRY(bind_buffer(call, slot, operand));
        else
            DC_TRY(bind_host(queue, call, slot, operand));
    }
    return DC_OK;
}

/* A step that computes on the host: its operands come to host memory, and what it wrote goes back.
 */
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

enum { ALIGN = 64 };

typedef struct guest {
    const dc_slot *slot;
    const dc_cl_operand *operand;
    void *copy;          /* own memory, NULL: the caller's or the plan's is used */
    size_t bytes, start; /* of the copy; where it lies in operand->mem */
    int written;
} guest;

/* Extent of a slot's memory in bytes around element 0. */
static size_t extent(const dc_slot *slot, int64_t *low)
{
    const int array = slot->kind == DC_SLOT_INPUT || slot->kind == DC_SLOT_OUTPUT;
    *low = array ? slot->low_bytes : 0;
    return (size_t)(array ? slot->high_bytes - slot->low_bytes : slot->bytes);
}

/* Address of element 0 in host memory. */
static dc_status invite(dc_cl_queue *queue, dc_cl_call *call, guest *g, void **address)
{
    const dc_slot *slot = g->slot;
    int64_t low = 0;
    if (slot->kind == DC_SLOT_TABLE) {
        memcpy(address, &slot->data, sizeof *address); /* tables are only read */
        return DC_OK;
    }
    if (slot->kind == DC_SLOT_INPUT && slot->array.buffer == NULL) {
        *address = dc__array_host_address(&slot->array);
        return DC_OK;
    }
    g->bytes = extent(slot, &low);
    g->start = (size_t)(g->operand->first + low);
    if (posix_memalign(&g->copy, ALIGN, g->bytes + ALIGN) != 0)
        g->copy = NULL;
    DC_REQUIRE(g->copy != NULL, DC_E_MEMORY, "%s: out of host memory (%zu bytes)",
               call->request->plan->op->name, g->bytes);
    /* What is only partly written must keep the rest, so outputs come too. */
    DC_TRY(dc__cl_download(queue, call, g->operand->mem, g->start, g->copy, g->bytes));
    *address = (char *)g->copy - low;
    return DC_OK;
}

static dc_status run(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step, guest *list,
                     void **address)
{
    const int32_t n = step->nin + step->nout + step->naux;
    const double begin = dc__trace_now();
    DC_TRY(dc__cl_complete(queue, call));
    for (int32_t i = 0; i < n; ++i) {
        list[i].slot = &call->request->plan->slot[step->slot[i]];
        list[i].operand = &call->operand[step->slot[i]];
        list[i].written = i >= step->nin;
        DC_TRY(invite(queue, call, &list[i], &address[i]));
    }
    DC_TRY(step->u.host(address, step->args));
    dc__trace_span(dc__context_trace(queue->device->context), "cpu", step->op->name, begin,
                   dc__trace_now(), "host step");
    for (int32_t i = 0; i < n; ++i)
        if (list[i].copy && list[i].written) {
            call->started = 1;
            DC_TRY(dc__cl_upload(queue, call, list[i].operand->mem, list[i].start, list[i].copy,
                                 list[i].bytes));
        }
    return DC_OK;
}

dc_status dc__cl_host_step(dc_cl_queue *queue, dc_cl_call *call, const dc_step *step)
{
    const size_t n = (size_t)(step->nin + step->nout + step->naux);
    guest *list = calloc(n + 1, sizeof *list);
    void **address = calloc(n + 1, sizeof(void *));
    dc_status status = DC_E_MEMORY;
    if (list && address)
        status = run(queue, call, step, list, address);
    else
        (void)dc__fail(DC_E_MEMORY, "%s: out of host memory", step->op->name);
    /* Commands may still read the copies. */
    if (status == DC_OK)
        status = dc__cl_complete(queue, call);
    else
        (void)dc__cl_drain(queue);
    for (size_t i = 0; list && i < n; ++i)
        free(list[i].copy);
    free(address);
    free(list);
    return status;
}

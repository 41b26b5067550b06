/* Results into the caller's memory: only the view's own elements, and nothing at all before every
 * byte of every output has left the device, so that a failure changes nothing.  (An output beyond
 * WHOLE_BYTES on a device with its own memory travels through two pieces: what fails there, after
 * all computation was found good, is the loss of the device itself.) */
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

static const size_t whole_bytes = (size_t)256 << 20;

/* Elements of a view as runs of bytes, in the order of their addresses.  No two share memory, so
 * that sorting the axes by stride orders the runs. */
typedef struct runs {
    int64_t shape[DC_MAX_NDIM], stride[DC_MAX_NDIM], index[DC_MAX_NDIM]; /* largest stride first */
    int32_t ndim;
    size_t run, at; /* bytes of a run; where it begins, from the view's lowest byte */
    int done;
    char *dst; /* the view's lowest byte */
} runs;

static void runs_begin(runs *r, const dc_array *array, char *dst)
{
    const int64_t size = (int64_t)dc_dtype_bytes(array->dtype);
    memset(r, 0, sizeof *r);
    r->dst = dst;
    for (int32_t d = 0; d < array->ndim; ++d) {
        const int64_t stride = size * (array->stride[d] < 0 ? -array->stride[d] : array->stride[d]);
        int32_t i = r->ndim;
        if (array->shape[d] == 1)
            continue;
        for (; i > 0 && r->stride[i - 1] < stride; --i) {
            r->stride[i] = r->stride[i - 1];
            r->shape[i] = r->shape[i - 1];
        }
        r->stride[i] = stride;
        r->shape[i] = array->shape[d];
        ++r->ndim;
    }
    int64_t run = size;
    while (r->ndim > 0 && r->stride[r->ndim - 1] == run)
        run *= r->shape[--r->ndim];
    r->run = (size_t)run;
}

static void runs_next(runs *r)
{
    int32_t d = r->ndim - 1;
    for (; d >= 0; --d) {
        r->at += (size_t)r->stride[d];
        if (++r->index[d] < r->shape[d])
            return;
        r->at -= (size_t)(r->stride[d] * r->shape[d]);
        r->index[d] = 0;
    }
    r->done = 1;
}

/* Bytes at ... at + bytes of the view's extent have come; earlier ones came before. */
static void scatter(void *user, const void *src, size_t at, size_t bytes)
{
    runs *r = user;
    while (!r->done && r->at < at + bytes) {
        const size_t from = r->at > at ? r->at : at;
        const size_t end = r->at + r->run < at + bytes ? r->at + r->run : at + bytes;
        if (end > from)
            memcpy(r->dst + from, (const char *)src + (from - at), end - from);
        if (r->at + r->run > at + bytes)
            return; /* the rest of the run comes with the next piece */
        runs_next(r);
    }
}

/* One output on its way. */
typedef struct parcel {
    const dc_slot *slot;
    const dc_cl_operand *operand;
    size_t bytes;
    dc_cl_memory *pinned;
    void *mapped; /* or NULL and no pinned block: to be streamed */
} parcel;

/* A device in the host's memory shows its result; others send it. */
static dc_status fetch(dc_cl_queue *queue, dc_cl_call *call, parcel *p)
{
    dc_cl_device *device = call->device;
    if (device->direct) {
        cl_event *event = dc__cl_call_event(call, "clEnqueueMapBuffer");
        cl_int code = CL_SUCCESS;
        if (event == NULL)
            return DC_E_MEMORY;
        p->mapped = clEnqueueMapBuffer(queue->cl, p->operand->mem, CL_FALSE, CL_MAP_READ, 0,
                                       p->bytes, 0, NULL, event, &code);
        DC_CL_TRY("clEnqueueMapBuffer", code);
        call->request->info->host_bytes_out += (int64_t)p->bytes;
        DC_COUNT(device->context, copies, 1);
        DC_COUNT(device->context, bytes_to_host, p->bytes);
        return DC_OK;
    }
    if (p->bytes > whole_bytes || dc__cl_pinned_new(device, p->bytes, &p->pinned) != DC_OK)
        return DC_OK;
    return dc__cl_read(queue, call, p->operand->mem, 0, p->pinned->host, p->bytes);
}

static dc_status hand_over(dc_cl_queue *queue, dc_cl_call *call, const parcel *p)
{
    runs r;
    runs_begin(&r, &p->slot->array, p->operand->host);
    if (!p->mapped && !p->pinned)
        return dc__cl_stream(queue, call, p->operand->mem, 0, p->bytes, scatter, &r);
    scatter(&r, p->mapped ? p->mapped : p->pinned->host, 0, p->bytes);
    return DC_OK;
}

static void parcel_free(dc_cl_queue *queue, dc_cl_call *call, parcel *p)
{
    if (p->mapped)
        (void)clEnqueueUnmapMemObject(queue->cl, p->operand->mem, p->mapped, 0, NULL, NULL);
    dc__cl_pinned_free(call->device, p->pinned);
}

dc_status dc__cl_outputs(dc_cl_queue *queue, dc_cl_call *call)
{
    const dc_plan *plan = call->request->plan;
    int32_t n = 0;
    parcel *list = calloc((size_t)plan->nslots + 1, sizeof *list);
    dc_status status = DC_OK;
    DC_REQUIRE(list != NULL, DC_E_MEMORY, "%s: out of host memory", plan->op->name);
    for (int32_t i = 0; i < plan->nslots && status == DC_OK; ++i) {
        const dc_slot *slot = &plan->slot[i];
        if (slot->kind != DC_SLOT_OUTPUT || call->operand[i].host == NULL)
            continue;
        list[n] = (parcel){.slot = slot,
                           .operand = &call->operand[i],
                           .bytes = (size_t)(slot->high_bytes - slot->low_bytes)};
        status = fetch(queue, call, &list[n++]);
    }
    const dc_status arrived = dc__cl_complete(queue, call);
    if (status == DC_OK)
        status = arrived;
    for (int streamed = 1; streamed >= 0; --streamed) /* what can still fail goes first */
        for (int32_t i = 0; i < n && status == DC_OK; ++i)
            if (streamed == (!list[i].mapped && !list[i].pinned))
                status = hand_over(queue, call, &list[i]);
    for (int32_t i = 0; i < n; ++i)
        parcel_free(queue, call, &list[i]);
    if (call->device->direct) /* the blocks return to the pool: none may be mapped any more */
        (void)dc__cl_drain(queue);
    free(list);
    return status;
}

/* Host memory to and from the device through two pinned pieces: one is filled or emptied while the
 * other travels.  A device that works in the host's memory (`direct`) needs no pieces. */
#include <string.h>

#include "host/opencl/opencl.h"

enum { PIECE_BYTES = 4 << 20, PIECE_LEAST = 1 << 16, PIECE_ALIGN = 64 };

static size_t aligned(size_t bytes)
{
    return (bytes + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1);
}

/* Room in a piece that no command is using: at most `want` bytes, at least one. */
static dc_status reserve(dc_cl_call *call, size_t want, dc_cl_piece **out, size_t *room)
{
    dc_cl_staging *staging = &call->staging;
    dc_cl_piece *piece = &staging->piece[staging->current];
    if (piece->block && piece->used >= piece->block->bytes) {
        staging->current ^= 1;
        piece = &staging->piece[staging->current];
        if (piece->last)
            DC_CL_TRY("clWaitForEvents", clWaitForEvents(1, &piece->last));
        piece->last = NULL;
        piece->used = 0;
    }
    if (piece->block == NULL) { /* small inputs share one, each in one command */
        const size_t bytes = want < PIECE_LEAST ? PIECE_LEAST : want;

        DC_TRY(dc__cl_pinned_new(call->device, bytes < PIECE_BYTES ? bytes : PIECE_BYTES,
                                 &piece->block));
    }
    *room = piece->block->bytes - piece->used;
    if (*room > want)
        *room = want;
    *out = piece;
    return DC_OK;
}

static dc_status enqueue_write(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                               const void *src, size_t bytes)
{
    cl_event *event = dc__cl_call_event(call, "clEnqueueWriteBuffer");
    if (event == NULL)
        return DC_E_MEMORY;
    DC_CL_TRY("clEnqueueWriteBuffer",
              clEnqueueWriteBuffer(queue->cl, mem, CL_FALSE, offset, bytes, src, 0, NULL, event));
    DC_COUNT(call->device->context, copies, 1);
    DC_COUNT(call->device->context, bytes_to_device, bytes);
    return DC_OK;
}

dc_status dc__cl_upload(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                        const void *src, size_t bytes)
{
    const char *from = src;
    if (call->request)
        call->request->info->host_bytes_in += (int64_t)bytes;
    if (bytes > 0 && call->device->direct)
        return enqueue_write(queue, call, mem, offset, src, bytes);
    while (bytes > 0) {
        dc_cl_piece *piece = NULL;
        size_t room = 0;
        DC_TRY(reserve(call, bytes, &piece, &room));
        char *pinned = (char *)piece->block->host + piece->used;
        memcpy(pinned, from, room);
        DC_TRY(enqueue_write(queue, call, mem, offset, pinned, room));
        piece->last = call->span[call->nspans - 1].event;
        piece->used += aligned(room);
        from += room;
        offset += room;
        bytes -= room;
    }
    return DC_OK;
}

dc_status dc__cl_read(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset, void *dst,
                      size_t bytes)
{
    cl_event *event = dc__cl_call_event(call, "clEnqueueReadBuffer");
    if (event == NULL)
        return DC_E_MEMORY;
    DC_CL_TRY("clEnqueueReadBuffer",
              clEnqueueReadBuffer(queue->cl, mem, CL_FALSE, offset, bytes, dst, 0, NULL, event));
    DC_COUNT(call->device->context, copies, 1);
    DC_COUNT(call->device->context, bytes_to_host, bytes);
    if (call->request)
        call->request->info->host_bytes_out += (int64_t)bytes;
    (void)clFlush(queue->cl);
    return DC_OK;
}

/* What has arrived in a piece goes where it belongs. */
typedef struct arrival {
    dc_cl_piece *piece;
    size_t at, bytes; /* from the start of the download */
} arrival;

static dc_status deliver(arrival *a, dc_cl_take take, void *user)
{
    if (a->bytes == 0)
        return DC_OK;
    DC_CL_TRY("clWaitForEvents", clWaitForEvents(1, &a->piece->last));
    take(user, a->piece->block->host, a->at, a->bytes);
    a->bytes = 0;
    return DC_OK;
}

dc_status dc__cl_stream(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                        size_t bytes, dc_cl_take take, void *user)
{
    dc_cl_staging *staging = &call->staging;
    arrival arrived[2] = {{&staging->piece[0], 0, 0}, {&staging->piece[1], 0, 0}};
    int current = 0;
    for (size_t at = 0; at < bytes; current ^= 1) {
        arrival *a = &arrived[current];
        DC_TRY(deliver(a, take, user));
        if (a->piece->block == NULL)
            DC_TRY(dc__cl_pinned_new(call->device, PIECE_BYTES, &a->piece->block));
        a->at = at;
        a->bytes = bytes - at < a->piece->block->bytes ? bytes - at : a->piece->block->bytes;
        DC_TRY(dc__cl_read(queue, call, mem, offset + at, a->piece->block->host, a->bytes));
        a->piece->last = call->span[call->nspans - 1].event;
        at += a->bytes;
    }
    DC_TRY(deliver(&arrived[current], take, user));
    return deliver(&arrived[current ^ 1], take, user);
}

static void take_bytes(void *dst, const void *src, size_t at, size_t bytes)
{
    memcpy((char *)dst + at, src, bytes);
}

dc_status dc__cl_download(dc_cl_queue *queue, dc_cl_call *call, cl_mem mem, size_t offset,
                          void *dst, size_t bytes)
{
    if (bytes == 0)
        return DC_OK;
    if (!call->device->direct)
        return dc__cl_stream(queue, call, mem, offset, bytes, take_bytes, dst);
    DC_TRY(dc__cl_read(queue, call, mem, offset, dst, bytes));
    return dc__cl_complete(queue, call);
}

void dc__cl_staging_free(dc_cl_device *device, dc_cl_staging *staging)
{
    for (int i = 0; i < 2; ++i) {
        dc__cl_pinned_free(device, staging->piece[i].block);
        memset(&staging->piece[i], 0, sizeof staging->piece[i]);
    }
}

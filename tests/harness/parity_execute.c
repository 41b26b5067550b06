/* One case on one runner: from host memory, in chunks, or from buffers. */
#include <math.h>
#include <string.h>

#include "tests/harness/parity_engine.h"

/* Device arrays of one call in buffers. */
typedef struct buffers {
    dc_buffer *in[DCT_MAX_ARRAYS], *out[DCT_MAX_ARRAYS];
} buffers;

static void buffers_free(buffers *b)
{
    for (int32_t i = 0; i < DCT_MAX_ARRAYS; i++) {
        dc_buffer_free(b->in[i]);
        dc_buffer_free(b->out[i]);
    }
}

/* Bytes at the start of the used part that a buffer leaves out: its elements are aligned. */
static size_t skipped(const dct_region *region, const dc_array *array)
{
    return (size_t)(region->element0 - region->used) % dc_dtype_bytes(array->dtype);
}

/* The used part of a region goes to a buffer, the view follows it. */
static dc_status upload(dc_queue *queue, const dct_region *region, dc_array *array, dc_buffer **out)
{
    const size_t skip = skipped(region, array), bytes = region->used_bytes - skip;
    dc_status status = dc_buffer_new(queue, bytes, out);
    if (status == DC_OK)
        status = dc_buffer_write(queue, *out, 0, region->used + skip, bytes);
    array->buffer = *out;
    array->data = NULL;
    array->offset =
        (region->element0 - region->used - (int64_t)skip) / (int64_t)dc_dtype_bytes(array->dtype);
    return status;
}

static dc_status run_buffers(dct_engine *e, dct_case *c, const dct_runner *r)
{
    buffers b = {{NULL}, {NULL}};
    dct_case copy = *c;
    dc_status status = DC_OK;
    for (int32_t i = 0; i < c->nin && status == DC_OK; i++)
        status = upload(r->queue, &e->in[i], dct_case_in(c, copy.params.bytes, i), &b.in[i]);
    for (int32_t i = 0; i < c->nout && status == DC_OK; i++)
        status = upload(r->queue, &e->out[i], dct_case_out(c, copy.params.bytes, i), &b.out[i]);
    dc_event *event = NULL;
    if (status == DC_OK)
        status = dct_case_call(c, r->queue, copy.params.bytes, &event);
    if (status == DC_OK)
        status = dc_event_wait(event);
    dc_event_free(event);
    for (int32_t i = 0; i < c->nout && status == DC_OK; i++) {
        const size_t skip = skipped(&e->out[i], dct_case_out(c, c->params.bytes, i));
        status = dc_buffer_read(r->queue, b.out[i], 0, e->out[i].used + skip,
                                e->out[i].used_bytes - skip);
    }
    buffers_free(&b);
    return status;
}

static dc_status run_chunks(dct_case *c, const dct_family *family, const dct_runner *r)
{
    dct_case part = *c;
    for (int64_t at = 0;;) {
        at = family->chunk(c, c->params.bytes, at, part.params.bytes);
        if (at <= 0)
            return DC_OK;
        const dc_status status = dct_case_call(c, r->queue, part.params.bytes, NULL);
        if (status != DC_OK)
            return status;
    }
}

/* Did it run where it was asked to?  Else the comparison says nothing. */
int dct_ran_here(dct_engine *e, const dct_case *c, const dct_runner *r)
{
    dc_run_info info = {.struct_size = sizeof info};
    char text[512];
    if (dc_queue_last_run(r->queue, &info) != DC_OK)
        return 1;
    if (e->options->plant == DCT_PLANT_ELSEWHERE && r->kind == DC_DEVICE_CPU)
        info.isa++;
    /* An empty call has no steps, so no instruction set ran. */
    const int isa_right = r->kind != DC_DEVICE_CPU || info.steps == 0 || info.isa == r->isa;
    if (info.device_kind != r->kind || !isa_right) {
        snprintf(text, sizeof text, "the call ran on %s, isa %d: %s", info.device, info.isa,
                 info.reason);
        dct_fail(e, c, r, text);
        return 0;
    }
    if (r->kind == DC_DEVICE_CPU)
        e->report->threaded += info.threads > 1;
    else
        e->report->on_devices++;
    return 1;
}

static int holds_nan(int32_t dtype, const unsigned char *at)
{
    float narrow;
    double wide;
    if (dtype == DC_F32) {
        memcpy(&narrow, at, sizeof narrow);
        return isnan(narrow);
    }
    if (dtype != DC_F64)
        return 0;
    memcpy(&wide, at, sizeof wide);
    return isnan(wide);
}

/* Planted defects, in the memory where a real one would be. */
void dct_plant(dct_engine *e, dct_case *c)
{
    const dc_array *out = dct_case_out(c, c->params.bytes, 0);
    const int64_t n = dc_array_elements(out);
    const size_t size = dc_dtype_bytes(out->dtype);
    const int what = e->options->plant;
    if (what == DCT_PLANT_GAP)
        e->out[0].used[c->at_end ? 0 : e->out[0].used_bytes - 1] ^= 1;
    if (what == DCT_PLANT_INPUT && !c->read_only && c->nin > 0)
        e->in[0].used[e->in[0].used_bytes / 2] ^= 1;
    if (n == 0 || what < DCT_PLANT_BIT || what > DCT_PLANT_MINUS_ZERO)
        return;
    dct_walk walk;
    for (dct_walk_begin(&walk, out); walk.left > 0; dct_walk_step(&walk, out)) {
        unsigned char *at = e->out[0].element0 + walk.at * (int64_t)size;
        static const unsigned char zero[8] = {0};
        const int is_nan = holds_nan(out->dtype, at);
        if (what == DCT_PLANT_BIT || (what == DCT_PLANT_NAN_PAYLOAD && is_nan)) {
            at[0] ^= 1; /* little-endian: the lowest bit */
            return;
        }
        if (what == DCT_PLANT_MINUS_ZERO && memcmp(at, zero, size) == 0) {
            at[size - 1] ^= 0x80;
            return;
        }
    }
}

dc_status dct_execute(dct_engine *e, dct_case *c, const dct_family *family, const dct_runner *r)
{
    if (r->mode == DCT_MODE_BUFFER)
        return run_buffers(e, c, r);
    if (r->mode == DCT_MODE_CHUNKED)
        return run_chunks(c, family, r);
    return dct_case_call(c, r->queue, c->params.bytes, NULL);
}

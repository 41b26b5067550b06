/* Cases of the transform family. */
#include "tests/harness/parity_case.h"

#include <stddef.h>
#include <string.h>

enum { INTS_AT = 2560, SAMPLES_MOST = 4 }; /* lists of int64 lie behind the params struct */
#define IN(field) c->in_at[c->nin++] = (int32_t)offsetof(dc_transform_params, field)

static int64_t *list_of(dct_case *c, dc_int64s *list, int64_t count)
{
    int64_t *const at = (int64_t *)(void *)(c->params.bytes + INTS_AT);
    list->at = at;
    list->count = count;
    return at;
}

static void draw_axes(dct_case *c, dc_transform_params *p, int32_t ndim, int64_t *axes)
{
    for (int32_t d = 0; d < ndim; d++)
        axes[d] = d;
    for (int32_t d = ndim - 1; d > 0; d--) {
        const int64_t other = dct_below(&c->rng, d + 1), keep = axes[d];
        axes[d] = axes[other];
        axes[other] = keep;
    }
    memcpy(list_of(c, &p->axes, ndim), axes, (size_t)ndim * sizeof *axes);
}

/* Outputs without gaps for emulators: see parity_rolling.c. */
static void lay_out(dct_case *c, dc_array *array, int32_t ndim, const int64_t *shape, int small)
{
    dct_layout(&c->rng, array, c->dtype, ndim, shape, 0);
    if (small > 1)
        *array = dc_array_host(NULL, c->dtype, ndim, shape);
}

static void draw_copy(dct_case *c, dc_transform_params *p, int32_t ndim, const int64_t *shape,
                      int small)
{
    int64_t axes[DC_MAX_NDIM], from[DC_MAX_NDIM];
    draw_axes(c, p, ndim, axes);
    for (int32_t d = 0; d < ndim; d++)
        from[axes[d]] = shape[d];
    IN(src);
    dct_layout(&c->rng, &p->src, c->dtype, ndim, from, 1);
    lay_out(c, &p->dst, ndim, shape, small);
}

/* Sliding windows: the strides of src overlap. */
static void draw_windows(dct_case *c, dc_transform_params *p, int small)
{
    const int64_t shape[2] = {dct_range(&c->rng, 1, 20), dct_range(&c->rng, 1, 20)};
    IN(src);
    p->src = dc_array_host(NULL, c->dtype, 2, shape);
    p->src.stride[0] = dct_range(&c->rng, 1, 3);
    p->src.stride[1] = dct_range(&c->rng, 1, 2);
    lay_out(c, &p->dst, 2, shape, small);
}

/* STACK, BATCH: the samples' layouts differ. */
static void draw_stack(dct_case *c, dc_transform_params *p, int32_t ndim, const int64_t *shape,
                       int small)
{
    const int32_t inner = ndim < DC_MAX_NDIM ? ndim : ndim - 1;
    const int64_t count = dct_range(&c->rng, 1, SAMPLES_MOST);
    int64_t axes[DC_MAX_NDIM], stacked[DC_MAX_NDIM], out[DC_MAX_NDIM];
    draw_axes(c, p, inner + 1, axes);
    if (dct_chance(&c->rng, 40)) { /* as it is by default */
        p->axes.count = 0;
        for (int32_t d = 0; d <= inner; d++)
            axes[d] = d;
        if (p->kind == DC_TRANSFORM_BATCH && inner > 1) {
            axes[1] = 2;
            axes[2] = 1;
        }
    }
    stacked[0] = count;
    memcpy(stacked + 1, shape, (size_t)inner * sizeof *shape);
    for (int32_t d = 0; d <= inner; d++)
        out[d] = stacked[axes[d]];
    dct_case_list(c, (int32_t)offsetof(dc_transform_params, samples), (int32_t)count);
    for (int64_t i = 0; i < count; i++)
        dct_layout(&c->rng, dct_case_in(c, c->params.bytes, (int32_t)i), c->dtype, inner, shape, 1);
    memcpy(&p->samples, c->params.bytes + offsetof(dc_transform_params, samples),
           sizeof p->samples);
    lay_out(c, &p->dst, inner + 1, out, small);
    if (p->kind != DC_TRANSFORM_BATCH)
        return;
    c->keeps_nans = 1; /* dst has the samples' */
    p->seed = dct_next(&c->rng);
    p->place = dct_chance(&c->rng, 50) ? 0 : dct_range(&c->rng, 0, 1 << 20);
    if (dct_chance(&c->rng, 50))
        p->noise_std = dct_chance(&c->rng, 30) ? 0.0 : dct_unit(&c->rng) * 3.0;
    c->nout = 1;
    if (dct_chance(&c->rng, 15))
        return;
    c->nout = 2;
    lay_out(c, &p->targets, inner + 1, out, small);
}

static void draw_concatenate(dct_case *c, dc_transform_params *p, int32_t ndim, int64_t *shape,
                             int small)
{
    const int64_t count = dct_range(&c->rng, 1, SAMPLES_MOST);
    int64_t whole[DC_MAX_NDIM];
    p->axis = (int32_t)dct_range(&c->rng, -ndim, ndim - 1);
    const int32_t axis = p->axis < 0 ? p->axis + ndim : p->axis;
    memcpy(whole, shape, sizeof whole);
    whole[axis] = 0;
    dct_case_list(c, (int32_t)offsetof(dc_transform_params, samples), (int32_t)count);
    for (int64_t i = 0; i < count; i++) {
        shape[axis] = dct_range(&c->rng, 0, 9);
        whole[axis] += shape[axis];
        dct_layout(&c->rng, dct_case_in(c, c->params.bytes, (int32_t)i), c->dtype, ndim, shape, 1);
    }
    memcpy(&p->samples, c->params.bytes + offsetof(dc_transform_params, samples),
           sizeof p->samples);
    lay_out(c, &p->dst, ndim, whole, small);
}

static void draw_shifted(dct_case *c, dc_transform_params *p, int32_t ndim, const int64_t *shape,
                         int small)
{
    IN(src);
    dct_layout(&c->rng, &p->src, c->dtype, ndim, shape, 1);
    lay_out(c, &p->dst, ndim, shape, small);
    p->axis = (int32_t)dct_range(&c->rng, -ndim, ndim - 1);
    p->periods =
        dct_chance(&c->rng, 60) ? dct_range(&c->rng, -3, 5) : dct_range(&c->rng, -300, 300);
    p->has_fill = (c->dtype != DC_F32 && c->dtype != DC_F64) || dct_chance(&c->rng, 50);
    p->fill = dct_next(&c->rng);
    if (p->kind != DC_TRANSFORM_ROLL)
        return;
    int64_t *const shift = list_of(c, &p->shift, ndim);
    for (int32_t d = 0; d < ndim; d++)
        shift[d] = dct_chance(&c->rng, 50) ? 0 : dct_range(&c->rng, -40, 40);
}

static void draw_gather(dct_case *c, dc_transform_params *p, int32_t ndim, int64_t *shape,
                        int small)
{
    p->axis = (int32_t)dct_range(&c->rng, -ndim, ndim - 1);
    const int32_t axis = p->axis < 0 ? p->axis + ndim : p->axis;
    const int64_t count = dct_range(&c->rng, 0, 40);
    if (shape[axis] == 0)
        shape[axis] = 1;
    c->places = shape[axis];
    IN(src);
    IN(index);
    dct_layout(&c->rng, &p->src, c->dtype, ndim, shape, 1);
    dct_layout(&c->rng, &p->index, DC_I64, 1, &count, 1);
    shape[axis] = count;
    lay_out(c, &p->dst, ndim, shape, small);
}

static void draw_affine(dct_case *c, dc_transform_params *p, int32_t ndim, const int64_t *shape,
                        int small)
{
    static const size_t at[] = {
        offsetof(dc_transform_params, scale), offsetof(dc_transform_params, offset),
        offsetof(dc_transform_params, low), offsetof(dc_transform_params, high)};
    dc_array *const by[] = {&p->scale, &p->offset, &p->low, &p->high};
    p->axis = (int32_t)dct_range(&c->rng, -ndim, ndim - 1);
    const int32_t axis = p->axis < 0 ? p->axis + ndim : p->axis;
    IN(src);
    dct_layout(&c->rng, &p->src, c->dtype, ndim, shape, 1);
    lay_out(c, &p->dst, ndim, shape, small);
    for (int32_t k = 0; k < 4; k++) {
        const int64_t n = dct_chance(&c->rng, 30) ? 1 : shape[axis];
        if (dct_chance(&c->rng, 30))
            continue;
        dct_layout(&c->rng, by[k], c->dtype, 1, &n, 1);
        c->in_at[c->nin++] = (int32_t)at[k];
    }
}

static void describe(dct_case *c, const dc_transform_params *p)
{
    char shape[160];
    dct_shape_text(&p->dst, shape, sizeof shape);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, dst %s, samples %lld, axis %d, periods %lld, std %.17g, seed %llu, place %lld, "
        "fill %d, NaN %d %%, misaligned %d",
        c->op.name, dc_dtype_name(c->dtype), shape, (long long)p->samples.count, (int)p->axis,
        (long long)p->periods, p->noise_std, (unsigned long long)p->seed, (long long)p->place,
        c->fill, c->nan_percent, c->misaligned);
    const dc_int64s *const list = p->kind == DC_TRANSFORM_ROLL ? &p->shift : &p->axes;
    for (int64_t d = 0; d < list->count && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, "%s%lld", d ? "," : ", list ",
                               (long long)list->at[d]);
    for (int32_t d = 0; d < p->src.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, "%s%lld", d ? " " : ", src by ",
                               (long long)p->src.stride[d]);
    for (int32_t d = 0; d < p->dst.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, "%s%lld", d ? " " : ", dst by ",
                               (long long)p->dst.stride[d]);
}

static void draw(dct_case *c, int small)
{
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM], most = dct_chance(&c->rng, 80) ? 300 : 3000;
    int32_t row_axis;
    if (!small && dct_chance(&c->rng, 3))
        most = 60000;
    if (small > 1)
        most = 60;
    const int32_t ndim = dct_shape(&c->rng, shape, &row_axis, most);
    p.kind = c->op.kind;
    c->nin = 0;
    c->nout = 1;
    c->out_at[0] = (int32_t)offsetof(dc_transform_params, dst);
    c->out_at[1] = (int32_t)offsetof(dc_transform_params, targets);
    if (p.kind == DC_TRANSFORM_COPY && dct_chance(&c->rng, 10))
        draw_windows(c, &p, small);
    else if (p.kind == DC_TRANSFORM_COPY)
        draw_copy(c, &p, ndim, shape, small);
    else if (p.kind == DC_TRANSFORM_STACK || p.kind == DC_TRANSFORM_BATCH)
        draw_stack(c, &p, ndim, shape, small);
    else if (p.kind == DC_TRANSFORM_CONCATENATE)
        draw_concatenate(c, &p, ndim, shape, small);
    else if (p.kind == DC_TRANSFORM_GATHER)
        draw_gather(c, &p, ndim, shape, small);
    else if (p.kind == DC_TRANSFORM_AFFINE)
        draw_affine(c, &p, ndim, shape, small);
    else
        draw_shifted(c, &p, ndim, shape, small);
    c->chunk_rows =
        p.dst.shape[0] > 0 ? dct_range(&c->rng, (p.dst.shape[0] + 7) / 8, p.dst.shape[0]) : 1;
    memcpy(c->params.bytes, &p, sizeof p);
    describe(c, &p);
}

/* Places at ... next - 1 along the first axis. */
static void cut(dc_array *array, int64_t at, int64_t next)
{
    array->offset += at * array->stride[0];
    array->shape[0] = next - at;
}

/* Copies that keep axis 0, and batches sample by sample. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_transform_params p;
    memcpy(&p, whole, sizeof p);
    const int32_t axis = p.axis < 0 ? p.axis + p.dst.ndim : p.axis;
    const int64_t rows = p.dst.shape[0];
    const int batches = p.kind == DC_TRANSFORM_STACK || p.kind == DC_TRANSFORM_BATCH;
    const int copies = p.kind == DC_TRANSFORM_COPY || batches;
    if (copies ? p.axes.count > 0 && p.axes.at[0] != 0
               : p.kind == DC_TRANSFORM_ROLL || p.kind == DC_TRANSFORM_CONCATENATE || axis == 0)
        return -1;
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    const int64_t inner = dc_array_elements(&p.dst) / rows;
    memcpy(part, whole, DCT_PARAMS_BYTES);
    if (batches) {
        dc_array *const first = dct_case_in(c, part, 0);
        memmove(first, first + at, (size_t)(next - at) * sizeof *first);
        p.samples.count = next - at;
        p.place += at * inner;
        if (p.targets.ndim)
            cut(&p.targets, at, next);
    } else {
        cut(&p.src, at, next);
    }
    cut(&p.dst, at, next);
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_transform = {"transform", draw, chunk};

/* Cases of the scale family. */
#include "tests/harness/parity_case.h"

#include <stddef.h>
#include <string.h>

static const int32_t formats[] = {DC_I8, DC_U8, DC_I16, DC_U16, DC_F16};
enum { FORMATS = sizeof formats / sizeof *formats };

static int along(int32_t kind)
{
    return kind == DC_SCALE_FORWARD || kind == DC_SCALE_BACKWARD || kind == DC_SCALE_LINEAR;
}

/* A number for every value, for every place along some axes, or one for all; sometimes none. */
static void draw_number(dct_case *c, const dc_array *src, dc_array *number, int32_t offset)
{
    int64_t shape[DC_MAX_NDIM];
    if (dct_chance(&c->rng, 20))
        return;
    const int table = dct_chance(&c->rng, 50);
    const int32_t ndim = table ? 1 : (int32_t)dct_range(&c->rng, 1, src->ndim);
    for (int32_t d = 0; d < ndim; d++) {
        shape[d] = src->shape[src->ndim - ndim + d];
        if (!table && dct_chance(&c->rng, 40))
            shape[d] = 1;
    }
    dct_layout(&c->rng, number, c->dtype, ndim, shape, 1);
    c->in_at[c->nin++] = offset;
}

static void draw_scalars(dct_case *c, dc_scale_params *p)
{
    dct_rng *rng = &c->rng;
    static const double usual[] = {0.0, 1.0, 2.0, -1.0, 0.5, 1e-3, 1e20, 0x1p-140, 100.0};
    const int64_t n = (int64_t)(sizeof usual / sizeof *usual);
    p->a_value = usual[dct_below(rng, n)];
    p->b_value = usual[dct_below(rng, n)];
    p->c_value = dct_bell(rng);
    if (dct_chance(rng, 40)) {
        p->low = -dct_unit(rng);
        p->high = dct_unit(rng) * 3.0;
    }
    if (dct_chance(rng, 50))
        p->limit = dct_range(rng, 0, 9);
    p->ends = dct_chance(rng, 60);
    p->outside = dct_chance(rng, 50);
    p->inf = (int32_t)dct_below(rng, p->kind == DC_SCALE_FILL ? 3 : 2);
    p->function = (int32_t)dct_below(rng, 4);
    p->inverse = dct_chance(rng, 40);
    p->count_what = (int32_t)dct_below(rng, 3);
    p->format = formats[dct_below(rng, FORMATS)];
}

static void describe(dct_case *c, const dc_scale_params *p)
{
    char shape[160], a[160] = "", b[160] = "", to[160];
    dct_shape_text(&p->src, shape, sizeof shape);
    dct_shape_text(&p->a, a, sizeof a);
    dct_shape_text(&p->b, b, sizeof b);
    dct_shape_text(&p->dst, to, sizeof to);
    snprintf(c->text, sizeof c->text,
             "%s %s, src %s %s, dst %s %s, a [%s] %.17g, b [%s] %.17g, c %.17g, low %.17g, high "
             "%.17g, limit %lld, axis %d, ends %d, outside %d, inf %d, function %d, inverse %d, "
             "count %d, format %d, fill %d, NaN %d %%, misaligned %d",
             c->op.name, dc_dtype_name(c->dtype), dc_dtype_name(p->src.dtype), shape,
             dc_dtype_name(p->dst.dtype), to, a, p->a_value, b, p->b_value, p->c_value, p->low,
             p->high, (long long)p->limit, p->axis, p->ends, p->outside, p->inf, p->function,
             p->inverse, p->count_what, p->format, c->fill, c->nan_percent, c->misaligned);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_scale_params p = DC_SCALE_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM], most = dct_chance(rng, 90) ? 600 : 6000;
    int32_t row_axis;
    if (!small && dct_chance(rng, 2))
        most = 80000;
    if (small > 1)
        most = 100;
    const int32_t ndim = dct_shape(rng, shape, &row_axis, most);
    p.kind = c->op.kind;
    draw_scalars(c, &p);
    p.axis = dct_chance(rng, 50) ? row_axis : row_axis - ndim;
    const int32_t code = formats[dct_below(rng, FORMATS)];
    dct_layout(rng, &p.src, p.kind == DC_SCALE_DEQUANTIZE ? code : c->dtype, ndim, shape, 1);
    c->nin = 1; /* src; the others as they are drawn */
    if (!along(p.kind)) {
        draw_number(c, &p.src, &p.a, (int32_t)offsetof(dc_scale_params, a));
        draw_number(c, &p.src, &p.b, (int32_t)offsetof(dc_scale_params, b));
        draw_number(c, &p.src, &p.c, (int32_t)offsetof(dc_scale_params, c));
    }
    for (int32_t d = 0; p.kind == DC_SCALE_COUNT && d < ndim; d++)
        if (dct_chance(rng, 60))
            shape[d] = 1;
    const int32_t to = p.kind == DC_SCALE_QUANTIZE ? code
                       : p.kind == DC_SCALE_COUNT  ? DC_I64
                                                   : c->dtype;
    dct_layout(rng, &p.dst, to, ndim, shape, 0);
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1)
        p.dst = dc_array_host(NULL, to, ndim, shape);
    c->chunk_rows = shape[0] > 0 ? dct_range(rng, (shape[0] + 7) / 8, shape[0]) : 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* A number that goes along axis 0 goes along with the chunk. */
static void chunk_number(dc_array *number, const dc_array *src, int64_t at, int64_t rows)
{
    if (number->ndim != src->ndim || number->shape[0] == 1)
        return;
    number->offset += at * number->stride[0];
    number->shape[0] = rows;
}

static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_scale_params p;
    memcpy(&p, whole, sizeof p);
    const int64_t rows = p.src.shape[0];
    const int32_t axis = p.axis < 0 ? p.axis + p.src.ndim : p.axis;
    if (p.dst.shape[0] != rows || (along(p.kind) && axis == 0))
        return -1;
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    chunk_number(&p.a, &p.src, at, next - at);
    chunk_number(&p.b, &p.src, at, next - at);
    chunk_number(&p.c, &p.src, at, next - at);
    p.src.offset += at * p.src.stride[0];
    p.dst.offset += at * p.dst.stride[0];
    p.src.shape[0] = p.dst.shape[0] = next - at;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_scale = {"scale", draw, chunk};

/* Cases of the smooth family. */
#include "tests/harness/parity_case.h"

#include <string.h>

static void describe(dct_case *c, const dc_smooth_params *p)
{
    char shape[160];
    dct_shape_text(&p->src, shape, sizeof shape);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s, axis %d, axes %d, blend %.17g, window %lld, sigma %.17g, truncate %.17g, "
        "edges %d, omit_nan %d, value %.17g, ddof %d, fill %d, NaN %d %%, misaligned %d, in, out",
        c->op.name, c->dtype == DC_F32 ? "float32" : "float64", shape, (int)p->axis, (int)p->axes,
        p->blend, (long long)p->window, p->sigma, p->truncate, (int)p->edges, (int)p->omit_nan,
        p->value, (int)p->ddof, c->fill, c->nan_percent, c->misaligned);
    for (int32_t d = 0; d < p->src.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld %lld",
                               (long long)p->src.stride[d], (long long)p->dst.stride[d]);
}

static int64_t draw_window(dct_rng *rng, int64_t n)
{
    switch (dct_below(rng, 8)) {
    case 0:
        return dct_range(rng, 10, 70);
    case 1:
        return dct_range(rng, 1, 2 * n + 3);
    case 2:
        return dct_chance(rng, 10) ? dct_range(rng, 1, 5000) : dct_range(rng, 1, 300);
    default:
        return dct_range(rng, 1, 10);
    }
}

static void draw_scalars(dct_rng *rng, dc_smooth_params *p, int64_t n)
{
    static const double blend[] = {0.0, 0.1, 0.5, 1.0};
    static const double sigma[] = {1.0, 2.0, 0.3, 1e-300, 5.5, 0.1};
    p->blend = dct_chance(rng, 60) ? blend[dct_below(rng, 4)] : dct_unit(rng);
    p->window = draw_window(rng, n);
    p->sigma = sigma[dct_below(rng, 6)];
    p->truncate = dct_chance(rng, 60) ? 4.0 : dct_unit(rng) * 6.0;
    p->edges = (int32_t)dct_below(rng, 4);
    p->omit_nan = (int32_t)dct_below(rng, 2);
    p->value = dct_chance(rng, 50) ? 0.0 : dct_bell(rng);
    p->ddof = dct_chance(rng, 70) ? 0 : (int32_t)dct_below(rng, 4);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_smooth_params p = DC_SMOOTH_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM], most = dct_chance(rng, 85) ? 600 : 5000;
    int32_t row_axis;
    if (!small && dct_chance(rng, 2))
        most = 60000;
    if (small > 1)
        most = 100;
    const int32_t ndim = dct_shape(rng, shape, &row_axis, most);
    p.kind = c->op.kind;
    p.axis = row_axis - (dct_chance(rng, 30) ? ndim : 0);
    if (dct_chance(rng, 60))
        p.axes = (int32_t)dct_below(rng, INT64_C(1) << ndim);
    draw_scalars(rng, &p, shape[row_axis]);
    dct_layout(rng, &p.src, c->dtype, ndim, shape, 1);
    dct_layout(rng, &p.dst, c->dtype, ndim, shape, 0);
    /* Neighbouring lines in both arrays: panels. */
    if (dct_chance(rng, 40)) {
        p.src = dc_array_host(NULL, c->dtype, ndim, shape);
        p.dst = dc_array_host(NULL, c->dtype, ndim, shape);
    }
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1)
        p.dst = dc_array_host(NULL, c->dtype, ndim, shape);
    c->chunk_rows = shape[0] > 0 ? dct_range(rng, (shape[0] + 7) / 8, shape[0]) : 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Groups know nothing of each other: axis 0 can be cut where no group has it. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_smooth_params p;
    memcpy(&p, whole, sizeof p);
    const int several = p.kind == DC_SMOOTH_STANDARDIZE || p.kind == DC_SMOOTH_MINMAX;
    const int32_t axis = p.axis < 0 ? p.axis + p.src.ndim : p.axis;
    const int32_t axes = several && p.axes ? p.axes : 1 << axis;
    if (axes & 1)
        return -1;
    const int64_t rows = p.src.shape[0];
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    p.src.offset += at * p.src.stride[0];
    p.dst.offset += at * p.dst.stride[0];
    p.src.shape[0] = p.dst.shape[0] = next - at;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_smooth = {"smooth", draw, chunk};

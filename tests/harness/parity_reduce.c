/* Cases of the reduce family. */
#include "tests/harness/parity_case.h"

#include <string.h>

static const double quantiles[][4] = {{0.5}, {0.25, 0.5, 0.75}, {0.0, 1.0, 0.1, 0.9}, {0.3, 0.3}};
static const int64_t quantile_counts[] = {1, 3, 4, 2};
static const double edges[][5] = {
    {-1.0, 1.0}, {-3.0, -0.5, 0.1, 0.1, 2.0}, {-1e30, 0.0, 1e-3, 1e30}};
static const int64_t edge_counts[] = {2, 5, 4};

static int32_t result_dtype(const dct_case *c)
{
    switch (c->op.kind) {
    case DC_REDUCE_ANY_FINITE:
    case DC_REDUCE_ALL_FINITE:
        return DC_U8;
    case DC_REDUCE_COUNT:
    case DC_REDUCE_ARGMIN:
    case DC_REDUCE_ARGMAX:
    case DC_REDUCE_HISTOGRAM:
        return DC_I64;
    default:
        return c->dtype;
    }
}

/* Results in a list, with the parameters that make it; 0: none. */
static int64_t draw_list(dct_case *c, dc_reduce_params *p, int64_t most)
{
    dct_rng *rng = &c->rng;
    int64_t i;

    switch (c->op.kind) {
    case DC_REDUCE_QUANTILE:
        i = dct_below(rng, 4);
        p->q = (dc_doubles){quantiles[i], quantile_counts[i]};
        return p->q.count;
    case DC_REDUCE_HISTOGRAM:
        p->bins = dct_range(rng, 1, most > 600 ? 6 : 40);
        p->low = dct_chance(rng, 50) ? -3.0 : 0.0;
        p->high = dct_chance(rng, 50) ? 3.0 : 1000.0;
        if (dct_chance(rng, 60))
            return p->bins;
        i = dct_below(rng, 3);
        p->edges = (dc_doubles){edges[i], edge_counts[i]};
        return p->edges.count - 1;
    case DC_REDUCE_TOP_K:
        p->k = most > 600 || dct_chance(rng, 80) ? dct_range(rng, 1, 5) : dct_range(rng, 1, 40);
        p->largest = dct_chance(rng, 50);
        return p->k;
    case DC_REDUCE_MOMENTS:
        return 3;
    case DC_REDUCE_EXTENT:
        return 2;
    default:
        return 0;
    }
}

static void describe(dct_case *c, const dc_reduce_params *p)
{
    char shape[160];
    dct_shape_text(&p->src, shape, sizeof shape);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s, axes 0x%x, nan %d, interpolation %d, largest %d, ddof %lld, min_count "
        "%lld, k %lld, bins %lld, low %g, high %g, edges %lld, q %lld, fill %d, nan %d%%, in",
        c->op.name, dc_dtype_name(c->dtype), shape, (unsigned)p->axes, (int)p->nan,
        (int)p->interpolation, (int)p->largest, (long long)p->ddof, (long long)p->min_count,
        (long long)p->k, (long long)p->bins, p->low, p->high, (long long)p->edges.count,
        (long long)p->q.count, (int)c->fill, (int)c->nan_percent);
    for (int32_t d = 0; d < p->src.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld",
                               (long long)p->src.stride[d]);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM + 1], result[DC_MAX_NDIM + 1],
        most = dct_chance(rng, 70) ? 600 : 6000;
    int32_t row_axis, ndim, n = 0;

    if (!small && dct_chance(rng, 4)) /* more than a block */
        most = 70000;
    if (small > 1)
        most = 100;
    ndim = dct_shape(rng, shape, &row_axis, most);
    if (!small && dct_chance(rng, 4)) { /* more rows than are sorted whole, few results */
        ndim = 2;
        row_axis = (int32_t)dct_below(rng, 2);
        shape[row_axis] = dct_range(rng, 500, 40000);
        shape[1 - row_axis] = dct_range(rng, 1, 3);
        most = 100000;
    }
    p.kind = c->op.kind;
    p.axes = dct_chance(rng, 60)   ? 1 << row_axis
             : dct_chance(rng, 30) ? (1 << ndim) - 1
                                   : (int32_t)dct_below(rng, 1 << ndim);
    p.nan = dct_chance(rng, 30);
    p.interpolation = (int32_t)dct_below(rng, 5);
    p.ddof = dct_chance(rng, 70) ? 1 : dct_range(rng, 0, 3);
    p.min_count = dct_chance(rng, 70) ? DC_DEFAULT : dct_range(rng, 0, 4);
    const int64_t list = draw_list(c, &p, most);
    if (list && ndim == DC_MAX_NDIM && p.axes == 0)
        p.axes = 1 << row_axis;
    if (list)
        result[n++] = list;
    for (int32_t d = 0; d < ndim; d++)
        if (!(p.axes >> d & 1))
            result[n++] = shape[d];
    if (n == 0)
        result[n++] = 1;
    dct_layout(rng, &p.src, c->dtype, ndim, shape, 1);
    dct_layout(rng, &p.dst, result_dtype(c), n, result, 0);
    c->nout = 1;
    if (c->op.kind == DC_REDUCE_TOP_K && dct_chance(rng, 70)) {
        dct_layout(rng, &p.dst2, DC_I64, n, result, 0);
        c->nout = 2;
    }
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1) {
        p.src = dc_array_host(NULL, c->dtype, ndim, shape);
        p.dst = dc_array_host(NULL, p.dst.dtype, n, result);
        if (c->nout == 2)
            p.dst2 = dc_array_host(NULL, DC_I64, n, result);
    }
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Rows of the first axis that is kept are results of their own. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_reduce_params p;
    memcpy(&p, whole, sizeof p);
    const int32_t list = c->op.kind == DC_REDUCE_QUANTILE || c->op.kind == DC_REDUCE_HISTOGRAM ||
                         c->op.kind == DC_REDUCE_TOP_K || c->op.kind == DC_REDUCE_MOMENTS ||
                         c->op.kind == DC_REDUCE_EXTENT;
    int32_t d = 0;
    while (d < p.src.ndim && (p.axes >> d & 1))
        d++;
    if (d == p.src.ndim)
        return -1;
    const int64_t rows = p.src.shape[d], step = (rows + 2) / 3;
    if (at >= rows)
        return 0;
    const int64_t next = at + step < rows ? at + step : rows;
    dc_array *const arrays[] = {&p.src, &p.dst, &p.dst2};
    for (int i = 0; i < 3; i++) {
        const int32_t axis = i == 0 ? d : list;
        if (arrays[i]->ndim == 0)
            continue;
        arrays[i]->offset += at * arrays[i]->stride[axis];
        arrays[i]->shape[axis] = next - at;
    }
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_reduce = {"reduce", draw, chunk};

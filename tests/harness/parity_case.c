/* Shapes, layouts and the choice of row: shared by all families. */
#include "tests/harness/parity_case.h"

#include <stdlib.h>
#include <string.h>

dc_array *dct_case_in(const dct_case *c, void *params, int32_t i)
{
    return (dc_array *)(void *)((unsigned char *)params + c->in_at[i]);
}

dc_array *dct_case_out(const dct_case *c, void *params, int32_t i)
{
    return (dc_array *)(void *)((unsigned char *)params + c->out_at[i]);
}

/* Axis lengths around the widths of vectors (4, 8, 16 lanes), tiles and blocks. */
static int64_t edge_length(dct_rng *rng, int64_t most)
{
    static const int64_t edge[] = {1,   1,   2,   3,   4,   5,   7,   8,    9,    15,
                                   16,  17,  31,  32,  33,  63,  64,  65,   127,  128,
                                   129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025};
    const int64_t nedges = (int64_t)(sizeof edge / sizeof *edge);
    int64_t length = dct_chance(rng, 60) ? edge[dct_below(rng, nedges)] : dct_range(rng, 1, 300);
    while (length > most)
        length = length / 2;
    return length > 0 ? length : 1;
}

int32_t dct_shape(dct_rng *rng, int64_t *shape, int32_t *row_axis, int64_t most)
{
    static const int32_t axes[] = {1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8};
    const int32_t ndim = axes[dct_below(rng, (int64_t)(sizeof axes / sizeof *axes))];
    *row_axis = (int32_t)dct_below(rng, ndim);
    /* The rolled axis takes its share first, so that windows have something to roll over. */
    int64_t left = most;
    shape[*row_axis] = edge_length(rng, left);
    left /= shape[*row_axis];
    for (int32_t d = 0; d < ndim; d++) {
        if (d == *row_axis)
            continue;
        shape[d] = edge_length(rng, ndim > 3 && left > 6 ? 6 : left);
        left /= shape[d];
    }
    if (dct_chance(rng, 3))
        shape[dct_below(rng, ndim)] = 0;
    return ndim;
}

void dct_extent(const dc_array *array, int64_t *low, int64_t *high)
{
    *low = *high = 0;
    for (int32_t d = 0; d < array->ndim; d++) {
        if (array->shape[d] == 0) {
            *low = *high = 0;
            return;
        }
        const int64_t reach = (array->shape[d] - 1) * array->stride[d];
        if (reach < 0)
            *low += reach;
        else
            *high += reach;
    }
    *high += 1;
}

/* Order of the axes from the fastest to the slowest: C, Fortran or any. */
static void axis_order(dct_rng *rng, int32_t ndim, int32_t *order)
{
    const int64_t kind = dct_below(rng, 10);
    for (int32_t d = 0; d < ndim; d++)
        order[d] = kind < 5 ? ndim - 1 - d : d;
    if (kind < 8)
        return;
    for (int32_t d = ndim - 1; d > 0; d--) {
        const int32_t other = (int32_t)dct_below(rng, d + 1), keep = order[d];
        order[d] = order[other];
        order[other] = keep;
    }
}

void dct_layout(dct_rng *rng, dc_array *array, int32_t dtype, int32_t ndim, const int64_t *shape,
                int broadcast)
{
    memset(array, 0, sizeof *array);
    array->dtype = dtype;
    array->ndim = ndim;
    int32_t order[DC_MAX_NDIM];
    axis_order(rng, ndim, order);
    const int gaps = dct_chance(rng, 25), negative = dct_chance(rng, 20);
    int64_t span = 1;
    for (int32_t k = 0; k < ndim; k++) {
        const int32_t d = order[k];
        array->shape[d] = shape[d];
        if (broadcast && dct_chance(rng, 4)) {
            array->stride[d] = 0;
            continue;
        }
        if (gaps && span < (1 << 19) && dct_chance(rng, 50))
            span = span * dct_range(rng, 1, 2) + dct_range(rng, 0, 3);
        array->stride[d] = negative && dct_chance(rng, 50) ? -span : span;
        span *= shape[d] > 0 ? shape[d] : 1;
    }
}

void dct_shape_text(const dc_array *array, char *text, size_t bytes)
{
    size_t at = 0;
    for (int32_t d = 0; d < array->ndim && at < bytes; d++)
        at += (size_t)snprintf(text + at, bytes - at, "%s%lld", d ? " x " : "",
                               (long long)array->shape[d]);
}

int32_t dct_dtypes(const dc_op_info *op, int32_t dtype[DCT_MAX_DTYPES])
{
    static const int32_t tried[DCT_MAX_DTYPES] = {DC_F32, DC_F64, DC_U8, DC_I16};
    int32_t n = 0;
    for (int32_t i = 0; i < DCT_MAX_DTYPES; i++)
        if (op->dtypes & (1 << tried[i]))
            dtype[n++] = tried[i];
    return n;
}

enum { LIST_AT = DCT_PARAMS_BYTES - DCT_MAX_ARRAYS * (int)sizeof(dc_array) };

void dct_case_list(dct_case *c, int32_t at, int32_t count)
{
    const dc_arrays list = {NULL, count};
    c->list_at = at;
    memcpy(c->params.bytes + at, &list, sizeof list);
    for (int32_t i = 0; i < count && c->nin < DCT_MAX_ARRAYS; i++)
        c->in_at[c->nin++] = LIST_AT + i * (int32_t)sizeof(dc_array);
}

dc_status dct_case_call(const dct_case *c, dc_queue *queue, void *params, dc_event **event)
{
    const dc_array *const first = (const dc_array *)(void *)((unsigned char *)params + LIST_AT);
    if (c->list_at)
        memcpy((unsigned char *)params + c->list_at, &first, sizeof(const dc_array *));
    return dc_op_call(queue, c->op.id, params, event);
}

/* Where the arrays lie in the params, from the parameter table. */
static void find_arrays(dct_case *c)
{
    for (int32_t i = 0; i < c->op.nparams; i++) {
        const dc_param_info *p = &c->op.params[i];
        if (p->type == DC_PARAM_ARRAY_IN && c->nin < DCT_MAX_ARRAYS)
            c->in_at[c->nin++] = p->offset;
        if (p->type == DC_PARAM_ARRAY_OUT && c->nout < DCT_MAX_ARRAYS)
            c->out_at[c->nout++] = p->offset;
    }
}

static const dct_family *family_of(const char *name)
{
    static const dct_family *const known[] = {
        &dct_family_rolling,   &dct_family_random,      &dct_family_reduce,  &dct_family_scale,
        &dct_family_transform, &dct_family_smooth,      &dct_family_augment, &dct_family_regrid,
        &dct_family_spectral,  &dct_family_correlation, &dct_family_kmeans,  &dct_family_pca,
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    return &dct_family_any;
}

void dct_case_draw_op(dct_case *c, const dct_family **family, const dc_op_info *op, int32_t dtype,
                      uint64_t seed, int64_t number, int small)
{
    memset(c, 0, sizeof *c);
    c->number = number;
    c->rng = dct_stream(seed, (uint64_t)number);
    c->op = *op;
    c->dtype = dtype;
    find_arrays(c);
    c->fill = (int32_t)dct_below(&c->rng, DCT_FILL_COUNT);
    static const int32_t nan[] = {0, 0, 0, 0, 5, 5, 30, 90, 100};
    static const int32_t inf[] = {0, 0, 0, 0, 0, 0, 2, 20};
    c->nan_percent = nan[dct_below(&c->rng, (int64_t)(sizeof nan / sizeof *nan))];
    c->inf_percent = inf[dct_below(&c->rng, (int64_t)(sizeof inf / sizeof *inf))];
    c->read_only = dct_chance(&c->rng, 25);
    c->at_end = dct_chance(&c->rng, 50);
    const int64_t size = (int64_t)dc_dtype_bytes(c->dtype);
    c->misaligned =
        dct_chance(&c->rng, 25) && size > 1 ? (int32_t)dct_range(&c->rng, 1, size - 1) : 0;
    c->keeps_nans = (op->dtypes & (1 << DC_U8)) != 0;
    *family = family_of(c->op.family);
    (*family)->draw(c, small);
}

void dct_case_draw(dct_case *c, const dct_family **family, uint64_t seed, int64_t number, int small)
{
    dc_op_info op = {.struct_size = sizeof op};
    const int32_t rows = dc_op_count();
    if (rows > 0 && dc_op_get((int32_t)(number % rows), &op) == DC_OK) {
        int32_t dtype[DCT_MAX_DTYPES];
        const int32_t n = dct_dtypes(&op, dtype);
        dct_case_draw_op(c, family, &op, dtype[(number / rows) % n], seed, number, small);
        return;
    }
    memset(c, 0, sizeof *c);
    *family = &dct_family_any;
}

/* Cases of a family that has none of its own yet: every parameter within the limits of the table,
 * outputs of the shape of the first input. */
#include "tests/harness/parity_case.h"

#include <math.h>
#include <string.h>

static int32_t choices(const char *names)
{
    int32_t n = 1;
    for (; names && *names; names++)
        n += *names == ' ';
    return n;
}

/* A number within the limits, near the default where there is no limit. */
static double draw_number(dct_rng *rng, const dc_param_info *p)
{
    if (!p->required && dct_chance(rng, 40))
        return p->default_value;
    const double low = isfinite(p->low) ? p->low : -8.0;
    const double high = isfinite(p->high) ? p->high : low + 16.0;
    const double top = high - low > 64.0 ? low + 64.0 : high;
    return dct_chance(rng, 30) ? low : low + (top - low) * dct_unit(rng);
}

static void put(dct_case *c, const dc_param_info *p)
{
    unsigned char *at = c->params.bytes + p->offset;
    const double x = draw_number(&c->rng, p);
    const int32_t narrow = p->type == DC_PARAM_CHOICE
                               ? (int32_t)dct_below(&c->rng, choices(p->choices))
                           : p->type == DC_PARAM_BOOL ? (int32_t)dct_below(&c->rng, 2)
                                                      : (int32_t)floor(x);
    const int64_t wide = p->data_default ? DC_DEFAULT : (int64_t)floor(x);
    switch (p->type) {
    case DC_PARAM_INT32:
    case DC_PARAM_CHOICE:
    case DC_PARAM_BOOL:
        memcpy(at, &narrow, sizeof narrow);
        break;
    case DC_PARAM_INT64:
        memcpy(at, &wide, sizeof wide);
        break;
    case DC_PARAM_DOUBLE:
        memcpy(at, &x, sizeof x);
        break;
    default:
        break;
    }
}

/* Outputs without gaps for emulators: see parity_rolling.c. */
static void put_array(dct_case *c, const dc_param_info *p, int32_t ndim, const int64_t *shape,
                      int small)
{
    dc_array array;
    dct_layout(&c->rng, &array, c->dtype, ndim, shape, p->type == DC_PARAM_ARRAY_IN);
    if (small > 1 && p->type == DC_PARAM_ARRAY_OUT)
        array = dc_array_host(NULL, c->dtype, ndim, shape);
    memcpy(c->params.bytes + p->offset, &array, sizeof array);
}

static void draw(dct_case *c, int small)
{
    int64_t shape[DC_MAX_NDIM];
    int32_t row_axis;
    const uint32_t bytes = (uint32_t)c->op.params_bytes;
    const int64_t most = small > 1 ? 100 : dct_chance(&c->rng, 2) && !small ? 60000 : 600;
    const int32_t ndim = dct_shape(&c->rng, shape, &row_axis, most);
    memcpy(c->params.bytes, &bytes, sizeof bytes);
    memcpy(c->params.bytes + sizeof bytes, &c->op.kind, sizeof c->op.kind);
    for (int32_t i = 0; i < c->op.nparams; i++) {
        const dc_param_info *p = &c->op.params[i];
        if (p->type == DC_PARAM_ARRAY_IN || p->type == DC_PARAM_ARRAY_OUT)
            put_array(c, p, ndim, shape, small);
        else if (strcmp(p->name, "kind") == 0)
            memcpy(c->params.bytes + p->offset, &c->op.kind, sizeof c->op.kind);
        else
            put(c, p);
    }
    char text[160] = "";
    if (c->nin > 0)
        dct_shape_text(dct_case_in(c, c->params.bytes, 0), text, sizeof text);
    snprintf(c->text, sizeof c->text, "%s %s, shape %s, fill %d, NaN %d %%, misaligned %d",
             c->op.name, dc_dtype_name(c->dtype), text, c->fill, c->nan_percent, c->misaligned);
}

static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    (void)c;
    (void)whole;
    (void)at;
    (void)part;
    return -1;
}

const dct_family dct_family_any = {NULL, draw, chunk};

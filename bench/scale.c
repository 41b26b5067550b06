/* Sizes of the scale rows; they have no window.  Numbers are per column, of the first rows of the
 * input, but for the codes. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{10000, 5}, {10000, 50}, {1000000, 8}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

/* Row `row` of the input as an array of its own. */
static dc_array numbers(const dc_array *src, int64_t row)
{
    dc_array array = *src;

    array.offset += row * src->stride[0];
    array.ndim = 1;
    array.shape[0] = src->shape[1];
    array.stride[0] = src->stride[1];
    return array;
}

static void scale_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_scale_params p = DC_SCALE_PARAMS_INIT;
    const int codes = c->op.kind == DC_SCALE_QUANTIZE || c->op.kind == DC_SCALE_DEQUANTIZE;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.a_value = 0.25;
    p.b_value = codes ? 0.125 : 1.5;
    if (!codes) {
        p.a = numbers(src, 0);
        p.b = numbers(src, 1);
    }
    if (c->op.kind == DC_SCALE_QUANTIZE)
        p.dst.dtype = DC_I8;
    if (c->op.kind == DC_SCALE_DEQUANTIZE)
        p.src.dtype = DC_I8;
    if (c->op.kind == DC_SCALE_COUNT) { /* by column */
        p.dst.dtype = DC_I64;
        p.dst.shape[0] = 1;
    }
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_scale = {"scale", sizes, quick_sizes, no_window, no_window, scale_params};

/* Sizes of the correlation rows; they have no window. */
#include <string.h>

#include "bench/harness/bench.h"

/* Few columns, then so many that the products are all that counts. */
static const dcb_size sizes[] = {{10000, 5}, {10000, 50}, {100000, 100}, {100000, 200}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

/* The bench gives src and dst of one shape: results go into rows 0 ... columns - 1 of dst, or the
 * three of GRAM end to end. */
static void correlation_params(const dcb_case *c, const dc_array *src, const dc_array *dst,
                               void *out)
{
    const int64_t d = src->shape[1], gram = c->op.kind == DC_CORRELATION_GRAM;
    dc_correlation_params p = DC_CORRELATION_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.dst.ndim = gram ? 3 : 2;
    p.dst.shape[0] = gram ? 3 : d;
    p.dst.shape[1] = p.dst.shape[2] = d;
    p.dst.stride[p.dst.ndim - 1] = 1;
    p.dst.stride[p.dst.ndim - 2] = d;
    if (gram)
        p.dst.stride[0] = d * d;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_correlation = {"correlation", sizes,     quick_sizes,
                                    no_window,     no_window, correlation_params};

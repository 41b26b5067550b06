/* Sizes of the reductions along axis 0; they have no window, and the floor is a read. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{10000, 5}, {10000, 50}, {1000000, 8}, {1000000, 50}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static const double half_[] = {0.5};

/* The memory of dst as a row of results, or a list of rows. */
static dc_array result_of(const dcb_case *c, const dc_array *dst)
{
    static const int32_t wholes[] = {DC_REDUCE_COUNT, DC_REDUCE_ARGMIN, DC_REDUCE_ARGMAX,
                                     DC_REDUCE_HISTOGRAM};
    const int32_t kind = c->op.kind;
    const int64_t list = kind == DC_REDUCE_HISTOGRAM  ? 10
                         : kind == DC_REDUCE_MOMENTS  ? 3
                         : kind == DC_REDUCE_EXTENT   ? 2
                         : kind == DC_REDUCE_QUANTILE ? 1
                         : kind == DC_REDUCE_TOP_K    ? 1
                                                      : 0;
    const int64_t shape[] = {list, c->columns};
    const int32_t ndim = list ? 2 : 1;
    int32_t dtype = c->dtype;

    if (kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE)
        dtype = DC_U8;
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; ++i)
        dtype = kind == wholes[i] ? DC_I64 : dtype;
    return dst->buffer ? dc_array_device(dst->buffer, dtype, ndim, shape + 2 - ndim)
                       : dc_array_host(dst->data, dtype, ndim, shape + 2 - ndim);
}

static void reduce_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = result_of(c, dst);
    p.low = -4.0;
    p.high = 4.0;
    p.q = (dc_doubles){half_, 1};
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_reduce = {"reduce", sizes, quick_sizes, no_window, no_window, reduce_params};

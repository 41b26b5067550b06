/* Sizes of the augment row: rows cubes' worth of maps of 32 x 64, four geological periods; every
 * variable a temperature, everything applied. */
#include <string.h>

#include "bench/harness/bench.h"

enum { MAP = 32 * 64, PERIODS = 4 };

static const dcb_size sizes[] = {{40, 8192}, {2880, 8192}, {0, 0}};
static const dcb_size quick_sizes[] = {{40, 8192}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static void augment_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_augment_params p = DC_AUGMENT_PARAMS_INIT;
    const int64_t shape[7] = {c->rows, 1, 1, PERIODS, c->columns / MAP / PERIODS, 32, 64};
    const dc_array like = dc_array_host(NULL, c->dtype, 7, shape);

    p.src = *src;
    p.dst = *dst;
    p.src.ndim = p.dst.ndim = 7;
    memcpy(p.src.shape, like.shape, sizeof like.shape);
    memcpy(p.src.stride, like.stride, sizeof like.stride);
    memcpy(p.dst.shape, like.shape, sizeof like.shape);
    memcpy(p.dst.stride, like.stride, sizeof like.stride);
    p.temperature = 1;
    p.draws = (dc_augment_draws){1, 1, 1, 0, 5, 0, 0.05, 1.01};
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_augment = {"augment", sizes,     quick_sizes,
                                no_window, no_window, augment_params};

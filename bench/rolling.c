/* Sizes and windows of the rolling rows. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{10000, 50}, {50000, 100}, {1000000, 8}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t windows[] = {16, 256, 4096, 0};
static const int64_t quick_windows[] = {16, 256, 0};

static void rolling_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_rolling_params p = DC_ROLLING_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.window = c->window;
    p.q = 0.9;
    /* With missing values a full window is rare: half of it is asked for, as a person would. */
    if (c->missing > 0)
        p.min_periods = (c->window + 1) / 2;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_rolling = {"rolling", sizes,         quick_sizes,
                                windows,   quick_windows, rolling_params};

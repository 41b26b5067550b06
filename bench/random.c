/* Sizes of the random rows; they have no window, and nothing to read: the floor, a copy, moves
 * twice their bytes. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{10000, 5}, {10000, 50}, {1000000, 8}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static void random_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_random_params p = DC_RANDOM_PARAMS_INIT;

    (void)src;
    p.kind = c->op.kind;
    p.dst = *dst;
    p.seed = 1;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_random = {"random", sizes, quick_sizes, no_window, no_window, random_params};

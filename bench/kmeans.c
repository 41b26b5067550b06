/* Sizes of the kmeans rows; they have no window. */
#include <string.h>

#include "bench/harness/bench.h"

static const dcb_size sizes[] = {{10000, 50}, {200000, 64}, {1000000, 16}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static void kmeans_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_kmeans = {"kmeans", sizes, quick_sizes, no_window, no_window, kmeans_params};

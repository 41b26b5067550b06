/* Sizes of the pca rows; they have no window. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{10000, 5}, {10000, 50}, {1000000, 8}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static void pca_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_pca_params p = DC_PCA_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.a = 1.5;
    p.b = -0.25;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_pca = {"pca", sizes, quick_sizes, no_window, no_window, pca_params};

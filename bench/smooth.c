/* Sizes of the smooth rows: the last axis of rows x columns; the window is that of moving means and
 * six standard deviations of Gaussians. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both; slabs of 8 KiB, lines of 256
 * bytes. */
static const dcb_size sizes[] = {{10000, 50}, {11520, 2048}, {368640, 64}, {0, 0}};
static const dcb_size quick_sizes[] = {{11520, 2048}, {0, 0}};
static const int64_t windows[] = {5, 25, 0};
static const int64_t quick_windows[] = {5, 0};

static void smooth_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_smooth_params p = DC_SMOOTH_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    p.window = c->window;
    p.sigma = (double)c->window / 6;
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_smooth = {"smooth", sizes, quick_sizes, windows, quick_windows, smooth_params};

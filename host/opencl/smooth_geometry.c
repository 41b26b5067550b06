/* How smoothing is cut: filters by results, means and extremes by groups. */
#include <string.h>

#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/smooth.h"

enum { GROUP = 256, GROUP_FILTER = 64, LEAVES_MOST = 16, NUMBERS = 3 };

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* A power of two, at most `most`. */
static int64_t team(const dc_cl_caps *caps, int64_t most)
{
    while (most > 1 && most > caps->max_group)
        most /= 2;
    return most;
}

/* Work-items for 16 columns of some leaves of some groups (kernels/smooth.cl). */
static void cut_groups(const dc_smooth_args *a, int64_t size, dc_cl_launch *launch)
{
    const int64_t lead = a->src_stride[a->naxes - 1], along = a->group_src[a->group_axes - 1];
    const int line_fast = a->shape[a->naxes - 1] > 1 && magnitude(lead) < magnitude(along);
    int64_t leaves = 1;

    while (leaves * DC_SMOOTH_LEAF < a->n && leaves < LEAVES_MOST &&
           2 * leaves * DC_SMOOTH_COLUMNS <= size && !line_fast)
        leaves *= 2;
    launch->part.p[0] = size / DC_SMOOTH_COLUMNS / leaves;
    launch->part.p[1] = leaves;
    launch->part.p[2] = line_fast;
}

dc_status dc__cl_cut_smooth(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                            dc_cl_geometry *geometry)
{
    const dc_smooth_args *const a = step->args;
    const int filter = a->kind == DC_SMOOTH_MOVING || a->kind == DC_SMOOTH_GAUSSIAN;
    const int64_t size = team(caps, filter ? GROUP_FILTER : GROUP);
    int64_t teams;
    dc_cl_launch *launch;

    memset(geometry, 0, sizeof *geometry);
    DC_REQUIRE(filter || size >= DC_SMOOTH_COLUMNS, DC_E_UNSUPPORTED,
               "%s: needs groups of %d work-items, the device has %lld", step->op->name,
               DC_SMOOTH_COLUMNS, (long long)caps->max_group);
    geometry->launch = dc__arena_alloc(arena, sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    geometry->nlaunches = 1;
    launch = geometry->launch;
    *launch = (dc_cl_launch){.kernel = step->op->name, .local = {(size_t)size, 1, 1}};
    if (filter) {
        launch->part.p[0] = a->groups * a->n;
        teams = (a->groups * a->n + size - 1) / size;
    } else {
        cut_groups(a, size, launch);
        teams = (a->groups + launch->part.p[0] - 1) / launch->part.p[0];
        launch->local_bytes = size * NUMBERS * (int64_t)sizeof(dc_i64);
    }
    launch->global[0] = (size_t)(teams * size);
    launch->global[1] = launch->global[2] = 1;
    return DC_OK;
}

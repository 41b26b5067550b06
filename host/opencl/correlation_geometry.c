/* How correlations are cut for a device: see kernels/correlation.cl. */
#include <string.h>

#include "dualcube/kinds.h"
#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/correlation.h"

enum { GROUP = 64, SIDE = 16 };

static dc_status add(const dc_step *step, dc_cl_geometry *geometry, const char *kernel,
                     int64_t groups, int64_t size, dc_launch part)
{
    int64_t items;

    DC_REQUIRE(!__builtin_mul_overflow(groups, size, &items), DC_E_UNSUPPORTED,
               "%s: %lld groups of %lld work-items are too many for one launch", step->op->name,
               (long long)groups, (long long)size);
    geometry->launch[geometry->nlaunches++] = (dc_cl_launch){
        .kernel = kernel,
        .global = {(size_t)items, 1, 1},
        .local = {(size_t)size, 1, 1},
        .part = part,
    };
    return DC_OK;
}

static dc_status cut_pairs(const dc_step *step, const dc_cl_caps *caps, dc_cl_geometry *geometry)
{
    const dc_correlation_args *const a = step->args;
    const int64_t side = (a->cols - 1) / SIDE + 1, tiles = side * (side + 1) / 2;
    int64_t groups;

    DC_REQUIRE(caps->max_group >= SIDE * SIDE, DC_E_UNSUPPORTED,
               "%s: groups of %d work-items; the device has %lld", step->op->name, SIDE * SIDE,
               (long long)caps->max_group);
    DC_REQUIRE(!__builtin_mul_overflow(tiles, a->blocks, &groups), DC_E_UNSUPPORTED,
               "%s: more than 2^63 groups", step->op->name);
    return add(step, geometry, step->op->name, groups, SIDE * SIDE,
               (dc_launch){{side, tiles, 0, 0}});
}

dc_status dc__cl_cut_correlation(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                                 dc_cl_geometry *geometry)
{
    static const char *const kernels[] = {
        [DC_CORRELATION_PARTS] = "correlation_parts",
        [DC_CORRELATION_COLUMNS] = "correlation_columns",
        [DC_CORRELATION_FINISH] = "correlation_finish",
    };
    const dc_correlation_args *const a = step->args;
    const int64_t size = caps->max_group < GROUP ? caps->max_group : GROUP;
    const int64_t items = step->space[0];

    memset(geometry, 0, sizeof *geometry);
    geometry->launch = dc__arena_alloc(arena, sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    if (a->stage == DC_CORRELATION_PAIRS)
        return cut_pairs(step, caps, geometry);
    return add(step, geometry, kernels[a->stage], (items - 1) / size + 1, size,
               (dc_launch){{items, 0, 0, 0}});
}

/* How k-means is cut for a device: see kernels/kmeans.cl. */
#include <string.h>

#include "dualcube/kinds.h"
#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/kmeans.h"

enum { GROUP = 64, CANDIDATES = 8 };

static dc_status add(const dc_step *step, const dc_cl_caps *caps, dc_cl_geometry *geometry,
                     int64_t items, int64_t second)
{
    const int64_t group = caps->max_group < GROUP ? caps->max_group : GROUP;
    int64_t whole;

    DC_REQUIRE(!__builtin_add_overflow(items, group - 1, &whole), DC_E_UNSUPPORTED,
               "%s: an index space beyond 2^63", step->op->name);
    geometry->launch[geometry->nlaunches++] = (dc_cl_launch){
        .kernel = step->op->name,
        .global = {(size_t)(whole / group * group), 1, 1},
        .local = {(size_t)group, 1, 1},
        .part = {{items, second, 0, 0}},
    };
    return DC_OK;
}

dc_status dc__cl_cut_kmeans(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                            dc_cl_geometry *geometry)
{
    const dc_kmeans_args *const a = step->args;
    const int64_t values = a->blocks * a->d * DC_KMEANS_BLOCK;
    int64_t pieces, items;

    memset(geometry, 0, sizeof *geometry);
    geometry->launch = dc__arena_alloc(arena, 2 * sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    switch (a->kind) {
    case DC_KMEANS_PACK:
        return add(step, caps, geometry, values, 0);
    case DC_KMEANS_SUMS:
        pieces = a->blocks < 64 ? a->blocks : 64;
        return add(step, caps, geometry, pieces * a->d * DC_KMEANS_BLOCK, pieces);
    case DC_KMEANS_ASSIGN:
    case DC_KMEANS_PREDICT:
        geometry->scratch_bytes = a->k * (step->dtype == DC_F32 ? 4 : 8);
        DC_TRY(add(step, caps, geometry, a->k, 0));
        return add(step, caps, geometry, a->n, 1);
    case DC_KMEANS_NEAR:
        DC_REQUIRE(caps->max_group >= DC_KMEANS_BLOCK, DC_E_UNSUPPORTED,
                   "%s: groups of %d work-items; the device has %lld", step->op->name,
                   DC_KMEANS_BLOCK, (long long)caps->max_group);
        DC_TRY(add(step, caps, geometry, a->blocks * DC_KMEANS_BLOCK, 0));
        geometry->launch[0].local_bytes = (int64_t)CANDIDATES * DC_KMEANS_BLOCK * 8;
        return DC_OK;
    case DC_KMEANS_TRANSFORM:
        DC_REQUIRE(!__builtin_mul_overflow(a->n, a->k, &items), DC_E_UNSUPPORTED,
                   "%s: an index space beyond 2^63", step->op->name);
        return add(step, caps, geometry, items, 0);
    default:
        return add(step, caps, geometry, a->n, 0);
    }
}

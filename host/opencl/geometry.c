#include <string.h>

#include "host/core/registry.h"
#include "host/opencl/geometry.h"

enum { GENERIC_GROUP = 64 };

static dc_status generic(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                         dc_cl_geometry *geometry)
{
    const int64_t group = caps->max_group < GENERIC_GROUP ? caps->max_group : GENERIC_GROUP;
    int64_t count = 1;
    for (int d = 0; d < 3; ++d)
        DC_REQUIRE(!__builtin_mul_overflow(count, step->space[d], &count) &&
                       count <= INT64_MAX - group,
                   DC_E_UNSUPPORTED, "%s: its index space is larger than 2^63", step->op->name);
    memset(geometry, 0, sizeof *geometry);
    if (count <= 0)
        return DC_OK;
    geometry->launch = dc__arena_alloc(arena, sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    geometry->nlaunches = 1;
    geometry->launch[0] = (dc_cl_launch){
        .kernel = step->op->name,
        .global = {(size_t)((count + group - 1) / group * group), 1, 1},
        .local = {(size_t)group, 1, 1},
        .part = {{count, 0, 0, 0}},
    };
    return DC_OK;
}

static const struct {
    const char *stem;
    dc_cl_cut cut;
} cuts[] = {
#define DC_FAMILY(stem) {#stem, dc__cl_cut_##stem},
#include "host/core/families.def"
#undef DC_FAMILY
};

dc_cl_cut dc__cl_cut(const char *family)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; ++i)
        if (cuts[i].cut && strcmp(cuts[i].stem, family) == 0)
            return cuts[i].cut;
    return generic;
}

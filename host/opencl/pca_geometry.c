/* How scoring is cut: a work-item for each row, in launches whose scores fit the scratch. */
#include <string.h>

#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/pca.h"

enum { GROUP = 64, LARGEST = 1 << 30 }; /* rows of a launch at most */

dc_status dc__cl_cut_pca(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                         dc_cl_geometry *geometry)
{
    const dc_pca_args *const a = step->args;
    const int64_t group = caps->max_group < GROUP ? caps->max_group : GROUP;
    const int64_t each = a->components * (step->dtype == DC_F64 ? 8 : 4);
    int64_t most = caps->scratch_limit_bytes / each;

    memset(geometry, 0, sizeof *geometry);
    DC_REQUIRE(most > 0, DC_E_UNSUPPORTED,
               "%s: the scores of a row take %lld bytes, the device grants %lld", step->op->name,
               (long long)each, (long long)caps->scratch_limit_bytes);
    most = most > LARGEST ? LARGEST : most;
    most = most > a->rows ? a->rows : most;
    geometry->nlaunches = (int32_t)((a->rows + most - 1) / most);
    geometry->launch =
        dc__arena_alloc(arena, (size_t)geometry->nlaunches * sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    geometry->scratch_bytes = most * each;
    for (int32_t i = 0; i < geometry->nlaunches; ++i) {
        const int64_t first = i * most, rows = a->rows - first < most ? a->rows - first : most;
        dc_cl_launch *const launch = &geometry->launch[i];

        *launch = (dc_cl_launch){.kernel = step->op->name, .local = {(size_t)group, 1, 1}};
        launch->part.p[0] = first;
        launch->part.p[1] = rows;
        launch->global[0] = (size_t)((rows + group - 1) / group * group);
        launch->global[1] = launch->global[2] = 1;
    }
    return DC_OK;
}

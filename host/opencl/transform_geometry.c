/* How transform steps are cut for a device: see kernels/transform.cl. */
#include <string.h>

#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/transform.h"

/* TILE, TILE_ITEMS of the kernel; below LEAST places along an axis a square is mostly empty. */
enum { GROUP = 128, TILE = 32, TILE_ITEMS = 256, LEAST = 8 };

static int64_t div_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* The axis along which src is walked where dst is not, or -1. */
static int32_t tile_axis(const dc_transform_args *a)
{
    const int32_t last = a->ndim - 1;

    if (a->src[last] == 1 || a->src[last] == 0 || a->src[last] == -1 || a->shape[last] < LEAST)
        return -1;
    for (int32_t d = 0; d < last; ++d)
        if ((a->src[d] == 1 || a->src[d] == -1) && a->shape[d] >= LEAST)
            return d;
    return -1;
}

/* Work-items of a step: elements, or blocks of noise. */
static int64_t items_of(const dc_step *step, dc_launch *part)
{
    const dc_transform_args *a = step->args;
    const dc_transform_batch_args *b = step->args;
    const int64_t values = step->dtype == DC_F32 ? DC_RANDOM_VALUES_F32 : DC_RANDOM_VALUES_F64;

    if (step->op->kind != DC_TRANSFORM_BATCH || step->nout != 2 || !b->dense)
        return a->count;
    part->p[1] = 1;
    return (b->place_first + a->count - 1) / values - b->place_first / values + 1;
}

dc_status dc__cl_cut_transform(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                               dc_cl_geometry *geometry)
{
    const dc_transform_args *a = step->args;
    const int moves = step->dtype != DC_F32 && step->dtype != DC_F64;
    const int64_t size = (int64_t)dc_dtype_bytes(step->dtype);
    const int32_t axis =
        moves && step->nin == 1 && caps->max_group >= TILE_ITEMS ? tile_axis(a) : -1;
    int64_t group = caps->max_group < GROUP ? caps->max_group : GROUP, items;
    dc_launch part = {{0, 0, 0, 0}};
    dc_cl_launch *launch = dc__arena_alloc(arena, sizeof *launch);

    DC_REQUIRE(launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    memset(launch, 0, sizeof *launch);
    launch->kernel = step->op->name;
    items = items_of(step, &part);
    part.p[0] = items;
    if (axis >= 0) {
        launch->kernel = "transform_tile";
        launch->local_bytes = (int64_t)TILE * (TILE + 1) * size;
        part.p[0] = axis;
        part.p[1] = div_up(a->shape[a->ndim - 1], TILE);
        part.p[2] = div_up(a->shape[axis], TILE);
        group = TILE_ITEMS;
        items = part.p[1] * part.p[2];
        for (int32_t d = 0; d < a->ndim - 1; ++d)
            items *= d == axis ? 1 : a->shape[d]; /* at most the elements */
        DC_REQUIRE(!__builtin_mul_overflow(items, group, &items), DC_E_UNSUPPORTED,
                   "%s: its index space is larger than 2^63", step->op->name);
    }
    DC_REQUIRE(items <= INT64_MAX - group, DC_E_UNSUPPORTED,
               "%s: its index space is larger than 2^63", step->op->name);
    launch->global[0] = (size_t)(div_up(items, group) * group);
    launch->local[0] = (size_t)group;
    launch->global[1] = launch->global[2] = launch->local[1] = launch->local[2] = 1;
    launch->part = part;
    geometry->launch = launch;
    geometry->nlaunches = 1;
    return DC_OK;
}

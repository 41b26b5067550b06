/* How reductions are cut for a device: see kernels/reduce.cl. */
#include <string.h>

#include "dualcube/kinds.h"
#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/reduce.h"

enum {
    GROUP = 64,                             /* items that need no others                         */
    GROUP_SHARED = 64,                      /* items that take a result together                 */
    UNITS = 16,                             /* leaves of a group                                 */
    SELECT_BYTES = 4 * 256 + 3 * 4 + 8 + 4, /* reduce_shared of kernels/shared/reduce_groups.h */
    BEST_BYTES = 16
};

typedef struct cutter {
    const dc_step *step;
    const dc_reduce_args *args;
    const dc_cl_caps *caps;
    dc_cl_geometry *geometry;
} cutter;

static int64_t fits(const cutter *c, int64_t wanted)
{
    while (wanted > 1 && wanted > c->caps->max_group)
        wanted /= 2;
    return wanted;
}

static dc_status add(cutter *c, const char *kernel, int64_t groups, int64_t size,
                     int64_t local_bytes, dc_launch part)
{
    int64_t items;

    DC_REQUIRE(!__builtin_mul_overflow(groups, size, &items), DC_E_UNSUPPORTED,
               "%s: %lld groups of %lld work-items are too many for one launch", c->step->op->name,
               (long long)groups, (long long)size);
    c->geometry->launch[c->geometry->nlaunches++] = (dc_cl_launch){
        .kernel = kernel,
        .global = {(size_t)items, 1, 1},
        .local = {(size_t)size, 1, 1},
        .local_bytes = local_bytes,
        .part = part,
    };
    return DC_OK;
}

static dc_status add_items(cutter *c, const char *kernel, int64_t items, int64_t second)
{
    const int64_t size = fits(c, GROUP);

    return add(c, kernel, (items - 1) / size + 1, size, 0, (dc_launch){{items, second, 0, 0}});
}

/* Leaves, and what merges their nodes. */
static dc_status cut_fold(cutter *c)
{
    const dc_reduce_args *a = c->args;
    const int64_t node = c->step->dtype == DC_F32 ? DC_REDUCE_NODE_f32 : DC_REDUCE_NODE_f64;
    const int64_t leaves = a->rows > 0 ? (a->rows - 1) / DC_REDUCE_LEAF + 1 : 0;
    const int whole = a->step == DC_REDUCE_WHOLE;
    const int row_fast = a->row_stride[a->row_ndim - 1] == 1;
    int64_t units = UNITS, all;

    if (a->step == DC_REDUCE_FINISH)
        return add_items(c, "reduce_finish", a->outs, 0);
    while (units > 1 && (units * DC_REDUCE_LANES > c->caps->max_group ||
                         units * DC_REDUCE_LANES * node > c->caps->local_bytes))
        units /= 2;
    DC_REQUIRE(units * DC_REDUCE_LANES <= c->caps->max_group, DC_E_UNSUPPORTED,
               "%s: groups of %d work-items; the device has %lld", c->step->op->name,
               DC_REDUCE_LANES, (long long)c->caps->max_group);
    DC_REQUIRE(!__builtin_mul_overflow(leaves, a->outs, &all) &&
                   !__builtin_mul_overflow(all, node, &c->geometry->scratch_bytes),
               DC_E_UNSUPPORTED, "%s: more than 2^63 bytes of scratch", c->step->op->name);
    if (c->geometry->scratch_bytes == 0)
        c->geometry->scratch_bytes = node; /* no rows: a kernel's argument all the same */
    if (all > 0)
        DC_TRY(add(c, whole ? c->step->op->name : "reduce_blocks_leaf", (all - 1) / units + 1,
                   units * DC_REDUCE_LANES, units * DC_REDUCE_LANES * node,
                   (dc_launch){{all, units, row_fast, 0}}));
    if (whole)
        return add_items(c, "reduce_close", a->outs, leaves);
    return add_items(c, "reduce_blocks_close", a->outs * a->blocks, leaves);
}

/* No more items than rows. */
static int64_t shared_size(int64_t rows)
{
    int64_t size = 1;

    while (size < rows && size < GROUP_SHARED)
        size *= 2;
    return size;
}

static dc_status cut_groups(cutter *c)
{
    const dc_reduce_args *a = c->args;
    const int64_t size = fits(c, shared_size(a->rows)), bins = a->k * 4;
    const int own = bins <= c->caps->local_bytes / 2 && a->k <= DC_REDUCE_BLOCK;
    int64_t groups;

    DC_REQUIRE(a->rows < UINT32_MAX, DC_E_UNSUPPORTED,
               "%s: %lld rows; a device takes fewer than %lld", c->step->op->name,
               (long long)a->rows, (long long)UINT32_MAX);
    DC_REQUIRE(!__builtin_mul_overflow(
                   a->outs,
                   a->kind == DC_REDUCE_HISTOGRAM && a->step == DC_REDUCE_BINS ? a->blocks : a->k,
                   &groups),
               DC_E_UNSUPPORTED, "%s: an index space beyond 2^63", c->step->op->name);
    if (a->kind == DC_REDUCE_TOP_K)
        return add(c, a->has_dst2 ? "reduce_top_k" : "reduce_top_k_values", a->outs, size,
                   size * BEST_BYTES, (dc_launch){{0}});
    if (a->kind != DC_REDUCE_HISTOGRAM)
        return add(c, c->step->op->name, groups, size, SELECT_BYTES + size * 8, (dc_launch){{0}});
    if (a->step == DC_REDUCE_ZERO)
        return add_items(c, "reduce_histogram_zero", groups, 0);
    return add(c, "reduce_histogram", groups, size, own ? bins : 4, (dc_launch){{0, own, 0, 0}});
}

dc_status dc__cl_cut_reduce(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                            dc_cl_geometry *geometry)
{
    const dc_reduce_args *a = step->args;
    cutter c = {step, a, caps, geometry};

    memset(geometry, 0, sizeof *geometry);
    if (a->outs <= 0)
        return DC_OK;
    geometry->launch = dc__arena_alloc(arena, 2 * sizeof *geometry->launch);
    DC_REQUIRE(geometry->launch, DC_E_MEMORY, "%s: out of host memory", step->op->name);
    if (a->kind == DC_REDUCE_MEDIAN || a->kind == DC_REDUCE_QUANTILE ||
        a->kind == DC_REDUCE_HISTOGRAM || a->kind == DC_REDUCE_TOP_K)
        return cut_groups(&c);
    return cut_fold(&c);
}

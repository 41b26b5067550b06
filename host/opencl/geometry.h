/* How the OpenCL executor cuts a LAUNCH step: which kernels, in what sizes, with how much scratch.
 *
 * Kernel arguments, in this order:
 *   for each of the step's nin inputs and nout outputs:  __global T *, dc_i64 (element offset of
 *     element 0 from the start of the memory object);
 *   for each of its naux slots (tables, scratch):  __global pointer;
 *   the geometry's own scratch:  __global uchar *   (only when scratch_bytes > 0);
 *   the family's args struct, by value;
 *   dc_launch (kernels/shared/base.h), by value: `part` of this launch;
 *   a __local pointer of local_bytes (only when local_bytes > 0).
 */
#ifndef DC_OPENCL_GEOMETRY_H
#define DC_OPENCL_GEOMETRY_H

#include "host/core/plan.h"
#include "kernels/shared/base.h"

/* What a cut may depend on; none of it may change a bit of the result. */
typedef struct dc_cl_caps {
    int64_t local_bytes, max_group, scratch_limit_bytes; /* largest scratch that may be asked for */
    int32_t compute_units;
    int32_t is_cpu; /* PoCL and its like: few large groups, work-items are a loop            */
} dc_cl_caps;

typedef struct dc_cl_launch {
    const char *kernel;         /* name without the dtype suffix: "rolling_mean" */
    size_t global[3], local[3]; /* global is a multiple of local; unused axes 1 */
    int64_t local_bytes;
    dc_launch part;
} dc_cl_launch;

typedef struct dc_cl_geometry {
    dc_cl_launch *launch; /* run in order; from `arena` */
    int32_t nlaunches;
    int64_t scratch_bytes;
} dc_cl_geometry;

/* A family's cut.  DC_E_UNSUPPORTED with a reason when the step cannot run on such a device. */
typedef dc_status (*dc_cl_cut)(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                               dc_cl_geometry *geometry);

/* The cut of a family is the function dc__cl_cut_<stem> (host/opencl/<stem>_geometry.c).  Families
 * without one get one work-item per element of step->space (get_global_id(0) = flat index, padded
 * to a multiple of the group: part.p[0] holds the element count), groups of 64. */
#define DC_FAMILY(stem)                                                                            \
    __attribute__((weak)) dc_status dc__cl_cut_##stem(const dc_step *step, const dc_cl_caps *caps, \
                                                      dc_arena *arena, dc_cl_geometry *geometry);
#include "host/core/families.def"
#undef DC_FAMILY
dc_cl_cut dc__cl_cut(const char *family);

#endif

/* The registry: families and their rows. */
#ifndef DC_CORE_REGISTRY_H
#define DC_CORE_REGISTRY_H

#include "dualcube/introspect.h"
#include "host/core/plan.h"
#include "kernels/shared/mirror.h"

/* One operation.  Holds only what cannot be derived: kernel and mirror are named <name>_<dtype>. */
typedef struct dc_op {
    int32_t id, kind;
    const char *name;
    const struct dc_family *family;
    int32_t inputs, outputs;
    int32_t dtypes; /* of its arrays: bits 1 << DC_F32, ...; DC_MASK_REAL, DC_MASK_ANY */
    int32_t class_f32, class_f64;
    const char *help;
} dc_op;

/* What a family provides, once. */
typedef struct dc_family {
    const char *name;            /* the stem, "rolling" */
    const char *call;            /* "dc_rolling" */
    const unsigned char *source; /* kernels/<stem>.cl with its includes, ends in a 0 byte */
    const dc_op *ops; /* rows of a family registered at run time; built-in rows are in ops.def */
    int32_t nops;
    const dc_param_info *params;
    int32_t nparams;
    uint32_t params_bytes;
    uint32_t params_first_bytes; /* size in the first release that had it; 0: as now */
    const void *params_init;     /* the initialiser: what a shorter (older) struct lacks */
    /* Validate `params` (already whole) and append to the empty plan.  Device-free. */
    dc_status (*plan)(const dc_op *op, const void *params, dc_plan *plan);
    /* The mirror of a row, or NULL for the built-in tables (cpu_fallback/runtime).  `isa` DC_ISA_*.
     */
    const dc_mirror *(*mirror)(const dc_op *op, int32_t dtype, int32_t isa);
} dc_family;

/* Built-in rows come first and in ops.def's order; then families registered at run time. */
DC_MODULE int32_t dc__op_count(void);
DC_MODULE const dc_op *dc__op_at(int32_t index);
DC_MODULE const dc_op *dc__op_by_id(int32_t id);
DC_MODULE const dc_op *dc__op_of_kind(const dc_family *family, int32_t kind);

/* Register a private family (tests, extensions): ids >= 10000, not yet taken.  The struct must stay
 * valid for the process's life.  Not thread-safe against calls in flight. */
DC_MODULE dc_status dc__family_register(const dc_family *family);

/* Copy the caller's params over the defaults by struct_size; refuse a stale or lying size. */
DC_MODULE dc_status dc__params_read(const dc_family *family, void *whole, const void *params);

#define DC_FAMILY(stem) extern const dc_family dc__##stem##_family;
#include "host/core/families.def"
#undef DC_FAMILY

#endif

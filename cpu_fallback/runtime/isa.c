/* Built once per instruction set with -DDC_ISA=<name>.  Everything pulled in below is static, so
 * that no copy of a helper built for a wide instruction set can reach another object: the table is
 * the only exported symbol. */
#include "cpu_fallback/runtime/cpu_table.h"
#include "dualcube/introspect.h"

#define T   float
#define SFX f32
#include "cpu_fallback/runtime/families.inc"
#undef T
#undef SFX

#define T   double
#define SFX f64
#include "cpu_fallback/runtime/families.inc"
#undef T
#undef SFX

#define DC_STRING_(a) #a
#define DC_STRING(a)  DC_STRING_(a)

const dc_cpu_table DC_CAT(dc__cpu_table, DC_ISA) = {
    .isa = DC_STRING(DC_ISA),
#define DC_OP(id, name, family, kind, in, out, class_f32, class_f64, help)                         \
    .row[DC_F32][id] = {name##_plan_f32, name##_f32},                                              \
    .row[DC_F64][id] = {name##_plan_f64, name##_f64},
#include "host/core/ops.def"
#undef DC_OP
};

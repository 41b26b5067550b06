/* One family's mirrors for one type, built with -DDC_ISA=<name> -DDC_STEM=<family> -DSFX=<type>
 * -DDC_OWN_<family>=~,1 and -DDC_MIRROR_<type>.  Everything pulled in below is static, so that no
 * copy of a helper built for a wide instruction set can reach another object: the list of rows is
 * the only exported symbol. */
#include "cpu_fallback/runtime/cpu_table.h"
#include "dualcube/introspect.h"

#if defined(DC_MIRROR_f32)
#define T float
#elif defined(DC_MIRROR_f64)
#define T double
#elif defined(DC_MIRROR_u8)
#define T dc_u8
#elif defined(DC_MIRROR_u16)
#define T dc_u16
#elif defined(DC_MIRROR_u32)
#define T dc_u32
#elif defined(DC_MIRROR_u64)
#define T dc_u64
#endif
#if !defined(DC_MIRROR_f32) && !defined(DC_MIRROR_f64)
#define DC_MOVE
#endif
#include DC_MIRROR_FILE /* NOLINT(bugprone-suspicious-include): that is what this file is for */

/* ROWS_1(row) is the row, ROWS_0(row) nothing; DC_OWN_<family> is `~, 1` for this family alone, so
 * that the second of (DC_OWN_<family>, 0) says whether a row is its. */
#define ROWS_0(id, name)
#define ROWS_1(id, name)        {id, {FN(name##_plan), FN(name)}},
#define SECOND(a, b, ...)       b
#define OWNED(...)              SECOND(__VA_ARGS__, 0)
#define ROWS_IF(own, id, name)  ROWS_IF_(own, id, name)
#define ROWS_IF_(own, id, name) ROWS_##own(id, name)

#define ROWS_NAME_(stem, sfx, isa) dc__rows_##stem##_##sfx##_##isa
#define ROWS_NAME(stem, sfx, isa)  ROWS_NAME_(stem, sfx, isa)

extern const dc_cpu_row ROWS_NAME(DC_STEM, SFX, DC_ISA)[];
const dc_cpu_row ROWS_NAME(DC_STEM, SFX, DC_ISA)[] = {
#ifdef DC_MOVE
#define ROW_COMPUTES(id, name, family)
#define ROW_MOVES(id, name, family) ROWS_IF(OWNED(DC_OWN_##family, 0), id, name)
#else
#define ROW_COMPUTES(id, name, family) ROWS_IF(OWNED(DC_OWN_##family, 0), id, name)
#define ROW_MOVES(id, name, family)
#endif
#undef DC_MOVE
#define DC_OP(id, name, family, kind, in, out, class_f32, class_f64, help)                         \
    ROW_COMPUTES(id, name, family)
#define DC_MOVE(id, name, family, kind, in, out, help) ROW_MOVES(id, name, family)
#include "host/core/ops.def"
#undef DC_OP
#undef DC_MOVE
    {0, {0, 0}}};

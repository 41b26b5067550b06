/* Rolling statistics: the CPU mirror.  Included by runtime/isa.c, once per dtype (T, SFX).
 *
 * Rows run on panels (rolling_pack.h), registers of series side by side.  Count, sum and mean are
 * in rolling_sums.h, on the tree of rolling_tree.h; min and max in rolling_extremes.h, on the
 * blocks of rolling_herk.h and where possible without panels; var and std in rolling_moments.h, on
 * the trees of rolling_climb.h and rolling_merge.h; the expanding forms of all these in
 * rolling_expand.h; median and quantile in rolling_select.h. */
#include "dualcube/kinds.h"
#include "kernels/shared/mirror.h"
#include "kernels/shared/vec.h"

#include "cpu_fallback/rolling_pack.h"

#include "cpu_fallback/rolling_units.h"

#include "cpu_fallback/rolling_merge.h"
#include "cpu_fallback/rolling_values.h"

#include "cpu_fallback/rolling_climb.h"
#include "cpu_fallback/rolling_expand.h"
#include "cpu_fallback/rolling_tree.h"

#include "cpu_fallback/rolling_herk.h"

#include "cpu_fallback/rolling_moments.h"
#include "cpu_fallback/rolling_sums.h"

#include "cpu_fallback/rolling_extremes.h"

#include "cpu_fallback/rolling_select.h"

#define ROLLING_ROW(run, plan, group, kind)                                                        \
    static void run(void *const *operand, const void *args, const dc_tiling *tiling, dc_i64 tile,  \
                    void *scratch)                                                                 \
    {                                                                                              \
        FN(group##_run)(operand, args, tiling, tile, scratch, kind);                               \
    }                                                                                              \
    static void plan(const void *args, const dc_machine *machine, dc_tiling *tiling)               \
    {                                                                                              \
        FN(group##_plan)(args, machine, tiling);                                                   \
    }
ROLLING_ROW(FN(rolling_count), FN(rolling_count_plan), sums, DC_ROLLING_COUNT)
ROLLING_ROW(FN(rolling_sum), FN(rolling_sum_plan), sums, DC_ROLLING_SUM)
ROLLING_ROW(FN(rolling_mean), FN(rolling_mean_plan), sums, DC_ROLLING_MEAN)
ROLLING_ROW(FN(rolling_min), FN(rolling_min_plan), extremes, DC_ROLLING_MIN)
ROLLING_ROW(FN(rolling_max), FN(rolling_max_plan), extremes, DC_ROLLING_MAX)
ROLLING_ROW(FN(rolling_var), FN(rolling_var_plan), moments, DC_ROLLING_VAR)
ROLLING_ROW(FN(rolling_std), FN(rolling_std_plan), moments, DC_ROLLING_STD)
#undef ROLLING_ROW

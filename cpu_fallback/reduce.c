/* Reductions: the CPU mirror.  One object per dtype (T, SFX) and instruction set.
 *
 * Folds (counts, sums, moments, extremes) run on panels of jobs (reduce_panel.h): reduce_cols.h and
 * reduce_runs.h read leaves, reduce_fold.h makes and merges nodes, reduce_few.h does both for few
 * rows, reduce_tiles.h cuts.  Order statistics are in
 * reduce_order.h, histograms in reduce_bins.h, lists of the best in reduce_top.h. */
#include <stddef.h>
#include <string.h>

#include "dualcube/kinds.h"
#include "kernels/shared/mirror.h"
#include "kernels/shared/reduce_node.h"
#include "kernels/shared/vec.h"

#include "cpu_fallback/reduce_panel.h"

#include "cpu_fallback/reduce_cols.h"
#include "cpu_fallback/reduce_runs.h"

#include "cpu_fallback/reduce_fold.h"

#include "cpu_fallback/reduce_put.h"

#include "cpu_fallback/reduce_few.h"
#include "cpu_fallback/reduce_tiles.h"

#define REDUCE_FOLD(name, kind)                                                                    \
    static void FN(name)(void *const *operand, const void *args, const dc_tiling *tiling,          \
                         dc_i64 tile, void *scratch)                                               \
    {                                                                                              \
        FN(fold_run)(operand, args, tiling, tile, scratch, kind);                                  \
    }                                                                                              \
    static void FN(name##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)    \
    {                                                                                              \
        FN(fold_plan)(args, machine, tiling);                                                      \
    }
REDUCE_FOLD(reduce_count, DC_REDUCE_COUNT)
REDUCE_FOLD(reduce_sum, DC_REDUCE_SUM)
REDUCE_FOLD(reduce_mean, DC_REDUCE_MEAN)
REDUCE_FOLD(reduce_var, DC_REDUCE_VAR)
REDUCE_FOLD(reduce_std, DC_REDUCE_STD)
REDUCE_FOLD(reduce_min, DC_REDUCE_MIN)
REDUCE_FOLD(reduce_max, DC_REDUCE_MAX)
REDUCE_FOLD(reduce_argmin, DC_REDUCE_ARGMIN)
REDUCE_FOLD(reduce_argmax, DC_REDUCE_ARGMAX)
REDUCE_FOLD(reduce_any_finite, DC_REDUCE_ANY_FINITE)
REDUCE_FOLD(reduce_all_finite, DC_REDUCE_ALL_FINITE)
REDUCE_FOLD(reduce_moments, DC_REDUCE_MOMENTS)
REDUCE_FOLD(reduce_extent, DC_REDUCE_EXTENT)
#undef REDUCE_FOLD

#include "cpu_fallback/reduce_rows.h"

#include "cpu_fallback/reduce_bins.h"
#include "cpu_fallback/reduce_order.h"
#include "cpu_fallback/reduce_top.h"

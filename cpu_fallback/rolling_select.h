/* Rolling median and quantile: exact selections, so every path gives the same bits.
 * Included by cpu_fallback/rolling.c once per dtype (T, SFX), hence no guard.
 *
 * Windows up to some thousand rows go through selection networks (rolling_select_net.h), all lanes
 * of a panel at once; expanding and longer windows are done series by series over ranks
 * (rolling_select_rank.h). */
#include <math.h>
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/rolling.h"
#include "kernels/shared/vec.h"

#include "cpu_fallback/rolling_pack.h"

#ifndef DC_ROLLING_SELECT_H
#define DC_ROLLING_SELECT_H
#define SELECT_V              FN(vec)
#define SELECT_P              FN(vec) *
#define SELECT_IN             const FN(vec) *
#define SELECT_OUT            FN(vec) *
#define SELECT_STRIDE         1
#define SELECT_LOAD(p, i)     (p)[i]
#define SELECT_STORE(p, i, v) (p)[i] = (v)
#define SELECT_MIN            FN(vmin)
#define SELECT_MAX            FN(vmax)
#define SELECT_HIGHEST        FN(vinf)()
#define SELECT_INLINE         DC_INLINE
#define SELECT_BITS_f32       dc_u32
#define SELECT_BITS_f64       dc_u64
#define SELECT_BITS           DC_CAT(SELECT_BITS, SFX)
#define SELECT_INT_f32        dc_i32
#define SELECT_INT_f64        dc_i64
#define SELECT_INT            DC_CAT(SELECT_INT, SFX)
#define SELECT_FRAC_f32(rank) (rank)->frac32
#define SELECT_FRAC_f64(rank) (rank)->frac64
#define SELECT_FRAC(rank)     DC_CAT(SELECT_FRAC, SFX)(rank)
/* The farther of two values whose nearer is known. */
#ifdef DC_VECTOR_AVX512
#define SELECT_UPPER                  FN(vother)
#define SELECT_LOWER                  FN(vother)
#define SELECT_OTHER(far, x, y, near) FN(vother)(x, y, near)
#else
#define SELECT_OTHER(far, x, y, near) far(x, y)
#endif
#endif

/* What is selected, as every path needs it. */
typedef struct FN(select_want) {
    const dc_rolling_rank *table; /* ranks of n valid values: entry n - 1; NULL: median */
    dc_i64 longest;               /* entries of the table                               */
    dc_i64 min_periods;           /* >= 1                                               */
    double q;
    int midpoint; /* interpolation is the mean of both values */
} FN(select_want);

typedef struct FN(select_ranks) {
    dc_i64 lower, upper;
    T frac; /* weight of the upper value */
} FN(select_ranks);

/* The ranks wanted of n valid values; lanes in nobody's use may ask for any n. */
static inline FN(select_ranks) FN(select_ranks_of)(const FN(select_want) * want, dc_i64 n)
{
    if (!want->table)
        return (FN(select_ranks)){(n - 1) / 2, n / 2, (T)0.5};
    const dc_rolling_rank *rank = want->table + pack_min(pack_max(n, 1), want->longest) - 1;
    return (FN(select_ranks)){rank->lower, rank->upper, SELECT_FRAC(rank)};
}

#include "kernels/shared/rolling_interpolate.h"

#include "kernels/shared/rolling_select.h"

#include "kernels/shared/rolling_select_leaf.h"

#include "cpu_fallback/rolling_select_rank.h"

#include "cpu_fallback/rolling_select_net.h"

/* Rows; longer windows are faster by ranks, which no lane speeds up. */
enum { FN(SELECT_LONGEST) = VEC_LANES < 6 ? 2000 * VEC_LANES : 12000 };

/* A bound of the rows of a window that lie inside its panel. */
static dc_i64 FN(select_inside)(const dc_rolling_args *a)
{
    dc_i64 window, shift;
    pack_shorten(a, &window, &shift);
    return pack_min(window, a->rows + shift);
}

static int FN(select_by_rank)(const dc_rolling_args *a)
{
    return a->expanding || FN(select_inside)(a) > FN(SELECT_LONGEST);
}

static void FN(select_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_rolling_args *a = args;
    const dc_i64 window = FN(select_inside)(a), step = pack_min(a->step, window);
    /* by rank: all rows of one lane after another; a network's lanes may need it, too */
    pack_wish wish = {.scratch_rows = pack_div_up(FN(RANK_BYTES), DC_VECTOR_BYTES),
                      .scratch_fixed = FN(rank_scratch)(0)};
    if (FN(select_by_rank)(a)) {
        wish.block = pack_max(4 * window, 4096) / step + 1;
        wish.row_ns = 60.0 * VEC_LANES;
    } else {
        const int levels = FN(select_levels)(window, a->out_rows * step);
        wish.block = pack_max(pack_max((dc_i64)2 << levels, 512) / step, 1);
        wish.scratch_rows += FN(SELECT_ROWS);
        wish.scratch_fixed += DC_VECTOR_BYTES * FN(select_memory)(window, levels);
        wish.row_ns = 3 + 0.4 * levels * levels;
    }
    FN(pack_plan)(a, machine, &wish, tiling);
}

static void FN(select_run)(void *const *operand, const dc_rolling_args *a, const dc_tiling *tiling,
                           dc_i64 tile, void *scratch, const FN(select_want) * want)
{
    FN(pack) v;
    FN(pack_open)(&v, operand, a, tiling, tile, scratch);
    const int by_rank = FN(select_by_rank)(a);
    FN(select_job) job;
    if (!by_rank)
        FN(select_start)(&job, &v, want, (FN(vec) *)v.spare);
    v.raw = 1;
    for (dc_i64 p = 0; p < v.panels; p++) {
        int missing;
        T *in = FN(pack_in)(&v, p, &missing);
        FN(loose) *out = FN(pack_out)(&v, p);
        unsigned lanes = ~0u;
        if (!by_rank)
            lanes = FN(select_panel)(&job, &v, in, out);
        for (int lane = 0; lane < v.lanes; lane++)
            if (lanes >> lane & 1)
                FN(rank_lane)(&v, want, in + lane, out + lane, v.spare);
        FN(pack_put)(&v, p);
    }
    FN(pack_close)(&v);
}

static void FN(rolling_median_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(select_plan)(args, machine, tiling);
}

static void FN(rolling_quantile_plan)(const void *args, const dc_machine *machine,
                                      dc_tiling *tiling)
{
    FN(select_plan)(args, machine, tiling);
}

static void FN(rolling_median)(void *const *operand, const void *args, const dc_tiling *tiling,
                               dc_i64 tile, void *scratch)
{
    const dc_rolling_args *a = args;
    const FN(select_want) want = {NULL, 0, pack_max(a->min_periods, 1), 0.5, 1};
    FN(select_run)(operand, a, tiling, tile, scratch, &want);
}

static void FN(rolling_quantile)(void *const *operand, const void *args, const dc_tiling *tiling,
                                 dc_i64 tile, void *scratch)
{
    const dc_rolling_args *a = args;
    const int midpoint = a->interpolation == DC_QUANTILE_MIDPOINT;
    const FN(select_want) want = {operand[2], pack_min(a->window, a->rows),
                                  pack_max(a->min_periods, 1), a->q, midpoint};
    FN(select_run)(operand, a, tiling, tile, scratch, &want);
}

/* Correlation: the CPU mirror.  Included by runtime/isa.c, once per dtype (T, SFX).
 *
 * A tile is a panel of columns in a block of leaves, or a pair of panels there. */
#include <string.h>

#include "kernels/shared/correlation_pair.h"
#include "kernels/shared/mirror.h"
#include "kernels/shared/vec.h"

#include "cpu_fallback/correlation_pack.h"

#include "cpu_fallback/correlation_gram.h"

#include "cpu_fallback/correlation_tile.h"

#include "cpu_fallback/correlation_columns.h"

/* Of a tiling's parts. */
enum { FN(CORR_WIDTH) = 0, FN(CORR_PANELS) = 1 };

static void FN(correlation_cut)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_correlation_args *const a = args;
    const dc_i64 most = FN(CORR_MOST);
    dc_i64 width = most, panels, pairs;

    memset(tiling, 0, sizeof *tiling);
    panels = (a->cols - 1) / width + 1;
    /* Panels alike, and some tiles for every thread. */
    if (panels > 1 || machine->threads == 1 || a->cols < 16)
        width = (a->cols - 1) / panels + 1;
    width = (width + 3) / 4 * 4;
    width = width < most ? width : most;
    panels = (a->cols - 1) / width + 1;
    pairs = panels * (panels + 1) / 2;
    tiling->part[FN(CORR_WIDTH)] = width;
    tiling->part[FN(CORR_PANELS)] = panels;
    switch (a->stage) {
    case DC_CORRELATION_PARTS:
        tiling->tiles = a->blocks * panels;
        tiling->scratch_bytes = FN(corr_parts_bytes)(a);
        tiling->work = a->rows * a->cols / 2 + 1;
        break;
    case DC_CORRELATION_COLUMNS:
        tiling->tiles = 1;
        tiling->work = a->cols * a->blocks * 8 + 1;
        break;
    case DC_CORRELATION_PAIRS:
        tiling->tiles = a->blocks * pairs;
        tiling->scratch_bytes = FN(corr_tile_bytes)(a);
        tiling->work = (dc_i64)((double)a->rows * (double)a->cols * (double)(a->cols + 8) *
                                (double)sizeof(T) * 0.004) +
                       1;
        break;
    default:
        tiling->tiles = a->cols;
        tiling->work = a->cols * a->cols * (4 + 4 * a->blocks) + 1;
    }
}

static void FN(correlation_run)(void *const *operand, const void *args, const dc_tiling *tiling,
                                dc_i64 tile, void *scratch)
{
    const dc_correlation_args *const a = args;
    const dc_i64 width = tiling->part[FN(CORR_WIDTH)], panels = tiling->part[FN(CORR_PANELS)];

    switch (a->stage) {
    case DC_CORRELATION_PARTS:
        FN(corr_parts)(operand, a, tile / panels, tile % panels * width, width, scratch);
        break;
    case DC_CORRELATION_COLUMNS:
        FN(corr_columns)(operand, a);
        break;
    case DC_CORRELATION_PAIRS:
        FN(corr_pairs)(operand, a, tile, width, panels, scratch);
        break;
    default:
        FN(corr_finish)(operand, a, tile);
    }
}

#define CORR_ROW(row)                                                                              \
    static void FN(row##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)     \
    {                                                                                              \
        FN(correlation_cut)(args, machine, tiling);                                                \
    }                                                                                              \
    static void FN(row)(void *const *operand, const void *args, const dc_tiling *tiling,           \
                        dc_i64 tile, void *scratch)                                                \
    {                                                                                              \
        FN(correlation_run)(operand, args, tiling, tile, scratch);                                 \
    }

CORR_ROW(correlation_covariance)
CORR_ROW(correlation_pearson)
CORR_ROW(correlation_spearman)
CORR_ROW(correlation_gram)
#undef CORR_ROW

/* Panels: how the rolling mirrors bring series into registers and results back.
 *
 * A panel is a block of rows of VEC_LANES lanes, laid out [row][lane] and 64-byte aligned, so that
 * all arithmetic runs along the lanes whatever the strides of the arrays.  A lane is a series, or,
 * when there are too few series to fill a register, one of VEC_LANES time chunks of one series:
 * since a window's value depends on the window alone, the bits are the same.
 *
 * A tile is one block of outputs of a bunch of panels.  Use:
 *
 *     FN(pack_open)(&v, operand, args, tiling, tile, scratch);
 *     for (dc_i64 p = 0; p < v.panels; p++) {
 *         int missing;
 *         T *in = FN(pack_in)(&v, p, &missing);     n rows; a missing value is a NaN
 *         FN(loose) *out = FN(pack_out)(&v, p);     write rows 0 ... outs - 1, out_pitch apart,
 *         ...                                       with FN(vstoreu)
 *         FN(pack_put)(&v, p);
 *     }
 *     FN(pack_close)(&v);
 *
 * Output j (0 <= j < outs) of the tile has its newest row at panel row  lead + j * step, and its
 * window is the `window` panel rows that end there; rows before panel row 0 are missing.  `window`
 * and `step` of the view may differ from those of the arguments (see shorten, and steps beyond the
 * window), but give the same tree.  The panel is scratch: it may be overwritten.
 */
#ifndef DC_ROLLING_PACK_H
#define DC_ROLLING_PACK_H

#include "kernels/shared/mirror.h"
#include "kernels/shared/rolling.h"
#include "kernels/shared/vec.h"

/* dc_tiling.part; the last two are the statistic's own. */
enum {
    PACK_TIME,   /* 1: lanes are time chunks of one series                       */
    PACK_CHUNK,  /* outputs per lane                                            */
    PACK_BLOCK,  /* outputs per lane and tile                                   */
    PACK_BUNCH,  /* panels per tile                                             */
    PACK_STREAM, /* 1: results bypass the caches                                */
    PACK_IN,     /* scratch bytes of the input panels                           */
    PACK_USER,
    PACK_USER_2
};

enum { PACK_MAX_LANES = DC_VECTOR_BYTES / 4, PACK_MAX_PLANES = 64, PACK_MAX_FLAT = 32 };
enum {
    PACK_FEW_ROWS = 192, /* of a tile of many panels                                         */
    PACK_STAGE = 16384   /* bytes where results gather that bypass the caches; >= one row */
};

/* What a statistic wants to know and to say before the step is cut. */
typedef struct pack_wish {
    dc_i64 block;         /* outputs per lane and tile that suit the algorithm   */
    dc_i64 scratch_rows;  /* further scratch, in panel rows per panel row        */
    dc_i64 scratch_fixed; /* and in bytes                                        */
    double row_ns;        /* estimated nanoseconds per panel row                 */
    int streaming;        /* expanding: blocks are visited in order (pack_seek)  */
} pack_wish;

DC_UNUSED static dc_i64 pack_div_up(dc_i64 a, dc_i64 b)
{
    return a / b + (a % b != 0);
}

DC_UNUSED static dc_i64 pack_min(dc_i64 a, dc_i64 b)
{
    return a < b ? a : b;
}

DC_UNUSED static dc_i64 pack_max(dc_i64 a, dc_i64 b)
{
    return a > b ? a : b;
}

/* The window and shift that put the same tree over the rows that exist.  A centred window far
 * longer than the series sees it at offsets  shift - rows + 1 ... shift + rows - 1  from its newest
 * row. With 2^J >= 2 rows and all offsets at or beyond 2^J, only blocks of 2^J rows or more reach
 * the series, their borders lie at  W mod 2^J + a multiple of 2^J, and at most one of those falls
 * inside: the order of merges is that of one block of 2^(J+1) rows entered at the same remainder.
 */
DC_UNUSED static void pack_shorten(const dc_rolling_args *a, dc_i64 *window, dc_i64 *shift)
{
    *window = a->window;
    *shift = a->shift;
    dc_i64 unit = 2;
    while (unit < 2 * a->rows && unit < ((dc_i64)1 << 60))
        unit *= 2;
    if (a->expanding || a->shift - a->rows + 1 < unit)
        return;
    dc_i64 offset = (a->shift - a->rows + 1 - a->window % unit) % unit;
    *shift = (offset < 0 ? offset + unit : offset) + a->rows - 1;
    *window = 2 * unit;
}

/* Whether the lanes of a panel lie side by side. */
DC_UNUSED static int pack_together(const dc_rolling_args *a, const dc_i64 *stride, int time,
                                   dc_i64 inner)
{
    return !time && stride[a->ndim - 1] == 1 && (a->ndim == 1 || inner != a->series);
}

/* Whether the values of one row of the last axis lie side by side, without a gap between rows. */
DC_UNUSED static int pack_flat(const dc_rolling_args *a, const dc_i64 *stride, dc_i64 row_stride)
{
    dc_i64 last = a->shape[a->ndim - 1];
    return last <= PACK_MAX_FLAT && row_stride == last && (stride[a->ndim - 1] == 1 || last == 1);
}

/* Panel rows of a tile of `outs` outputs, whose first window ends at row `newest` of the series. */
DC_UNUSED static dc_i64 pack_lead(const dc_rolling_args *a, dc_i64 window, dc_i64 newest, int time)
{
    if (a->expanding)
        return newest;
    return time ? window - 1 : pack_min(window - 1, pack_max(newest, 0));
}

#endif

#if DC_BITS_OF(SFX) == 32 && !defined(DC_ROLLING_PACK_F32)
#define DC_ROLLING_PACK_F32
#define DC_PACK_TYPED
#elif DC_BITS_OF(SFX) == 64 && !defined(DC_ROLLING_PACK_F64)
#define DC_ROLLING_PACK_F64
#define DC_PACK_TYPED
#endif
#ifdef DC_PACK_TYPED
#undef DC_PACK_TYPED

#include "kernels/shared/vec.h"

typedef struct FN(pack) {
    const dc_rolling_args *args;
    dc_i64 panels; /* of this tile                                              */
    dc_i64 outs;   /* outputs per lane                                          */
    dc_i64 rows;   /* n: rows of a panel                                        */
    dc_i64 lead;   /* panel row of output 0                                     */
    dc_i64 step;   /* panel rows between outputs                                */
    dc_i64 window;
    dc_i64 out_pitch;  /* set by pack_out                                           */
    dc_i64 clean_from; /* set by pack_in: rows clean_from ... clean_to - 1 surely   */
    dc_i64 clean_to;   /* hold no missing value                                     */
    int holes;         /* set by pack_in: a value of the series may be missing      */
    T *spare;          /* the statistic's own scratch                               */
    const char *next;  /* set by pack_in: what the next tile will read; prefetch next + r *     */
    dc_i64 next_pitch; /* next_pitch with panel row r (nothing worth it: next_pitch is 0)       */
    int raw;           /* set before pack_in: infinities that are missing may stay  */
    /* the rest is private */
    const FN(loose) * src;
    FN(loose) * dst;
    dc_i64 time, chunk, block, stream;
    dc_i64 panel_first; /* first panel of the tile                                   */
    dc_i64 out_first;   /* first output of lane 0                                    */
    dc_i64 shift;
    dc_i64 planes, out_planes;      /* panels that are loaded, stored together  */
    int src_flat, dst_flat;         /* time: series are interleaved             */
    int src_together, dst_together; /* lanes of all panels of the tile lie side by side */
    T *in, *out, *stage;
    int missing[PACK_MAX_PLANES];
    dc_i64 clean[PACK_MAX_PLANES][2];       /* clean_from, clean_to of each plane             */
    const FN(loose) * from[PACK_MAX_LANES]; /* series of each lane                      */
    FN(loose) * to[PACK_MAX_LANES];
    dc_i64 lane_out[PACK_MAX_LANES];  /* first output of each lane                */
    dc_i64 lane_outs[PACK_MAX_LANES]; /* outputs of each lane in this tile        */
    int lanes;                        /* used lanes of the current panel          */
} FN(pack);

#include "cpu_fallback/rolling_pack_plan.h"

#include "cpu_fallback/rolling_pack_io.h"

#endif

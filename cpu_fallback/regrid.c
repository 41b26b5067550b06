/* Linear interpolation on grids: the CPU mirror.  Compiled for each type (T, SFX).
 *
 * A tile is some rows of the output along its last axis. */
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/regrid.h"
#include "kernels/shared/vec.h"

#ifndef DC_CPU_REGRID_C
#define DC_CPU_REGRID_C
enum { REGRID_TILE = 1 << 14 }; /* results of a tile, about */
enum { REGRID_ROWS };           /* tiling->part             */
#endif

static void FN(regrid_cut)(const dc_regrid_args *a, dc_i64 cost, dc_tiling *tiling)
{
    const dc_i64 n = a->shape[a->ndim - 1], rows = a->count / n;

    memset(tiling, 0, sizeof *tiling);
    tiling->part[REGRID_ROWS] = n < REGRID_TILE ? REGRID_TILE / n : 1;
    tiling->tiles = (rows + tiling->part[REGRID_ROWS] - 1) / tiling->part[REGRID_ROWS];
    tiling->work = a->count * cost / 4 + 1; /* quarters of a nanosecond for a result */
}

/* Digits of the row's place before the last axis, and where it begins. */
static dc_i64 FN(regrid_row)(const dc_regrid_args *a, dc_i64 row, dc_i64 *digit)
{
    dc_i64 to = 0;

    for (int d = a->ndim - 2; d >= 0; d--) {
        digit[d] = row % a->shape[d];
        row /= a->shape[d];
        to += digit[d] * a->dst_stride[d];
    }
    return to;
}

static void FN(regrid_nothing)(const dc_regrid_args *a, FN(loose) * to)
{
    const dc_i64 step = a->dst_stride[a->ndim - 1];

    for (dc_i64 j = 0; j < a->shape[a->ndim - 1]; j++)
        to[j * step] = FN(regrid_quiet)((T)NAN);
}

/* ---- maps ---------------------------------------------------------------------------------- */

static void FN(regrid_bilinear_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    (void)machine;
    FN(regrid_cut)(args, 16, tiling);
}

/* A row of results between two rows of the source. */
static void FN(regrid_map_row)(const dc_regrid_args *a, const FN(loose) * low,
                               const FN(loose) * high, const T *v, const dc_i32 *lon,
                               const T *lon_w, FN(loose) * to)
{
    const int last = a->ndim - 1;
    const dc_i64 from_step = a->src_stride[last], to_step = a->dst_stride[last];

    for (dc_i64 j = 0; j < a->shape[last]; j++) {
        const dc_i64 left = lon[2 * j] * from_step, right = lon[2 * j + 1] * from_step;

        if (lon[2 * j] < 0) {
            to[j * to_step] = FN(regrid_quiet)((T)NAN);
        } else {
            const T x[4] = {low[left], low[right], high[left], high[right]};

            to[j * to_step] = FN(regrid_corners)(x, lon_w + 2 * j, v, a->omit_nan);
        }
    }
}

static void FN(regrid_bilinear)(void *const *operand, const void *args, const dc_tiling *tiling,
                                dc_i64 tile, void *scratch)
{
    const dc_regrid_args a = *(const dc_regrid_args *)args; /* no store can change it */
    const dc_i32 *const lat = operand[2], *const lon = operand[4];
    const T *const lat_w = operand[3], *const lon_w = operand[5];
    const dc_i64 rows = a.count / a.shape[a.ndim - 1];
    const int along = a.ndim - 2;
    dc_i64 row = tile * tiling->part[REGRID_ROWS], end = row + tiling->part[REGRID_ROWS];
    dc_i64 digit[DC_REGRID_MAX_AXES];

    (void)scratch;
    for (end = end < rows ? end : rows; row < end; row++) {
        FN(loose) *const to = (T *)operand[1] + FN(regrid_row)(&a, row, digit);
        const dc_i64 i = 2 * digit[along];
        dc_i64 from = 0;

        if (a.empty || lat[i] < 0) {
            FN(regrid_nothing)(&a, to);
            continue;
        }
        for (int d = 0; d < along; d++)
            from += digit[d] * a.src_stride[d];
        FN(regrid_map_row)
        (&a, (const T *)operand[0] + from + lat[i] * a.src_stride[along],
         (const T *)operand[0] + from + lat[i + 1] * a.src_stride[along], lat_w + i, lon, lon_w,
         to);
    }
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void FN(regrid_resample_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    (void)machine;
    FN(regrid_cut)(args, 2, tiling);
}

/* A row of results between two rows whose values lie end to end, as the results do. */
static void FN(regrid_lines)(const FN(loose) * low, const FN(loose) * high, T u, T w, dc_i64 count,
                             FN(loose) * to)
{
    const FN(vec) us = FN(vset)(u), ws = FN(vset)(w);
    dc_i64 i = 0;

    for (; i + VEC_LANES <= count; i += VEC_LANES) {
        const FN(vec) a = FN(vloadu)(low + i);
        const FN(vec) y = w == 0 ? a : a * us + FN(vloadu)(high + i) * ws;

        FN(vstoreu)(to + i, FN(vsel)(FN(visnan)(y), FN(vquiet)(), y));
    }
    for (; i < count; i++)
        to[i] = FN(regrid_quiet)(FN(regrid_line)(low[i], high[i], u, w));
}

/* A row of the last axis; with one axis alone every result has weights of its own. */
static void FN(regrid_resample_row)(void *const *operand, const dc_regrid_args *a,
                                    const dc_i64 *digit, FN(loose) * to)
{
    const dc_i32 *const place = operand[2];
    const T *const weight = operand[3], *const src = operand[0];
    const int last = a->ndim - 1;
    const dc_i64 n = a->shape[last], step = last ? a->src_stride[last] : 0;
    const dc_i64 to_step = a->dst_stride[last];
    dc_i64 from = 0;

    for (int d = 1; d < last; d++)
        from += digit[d] * a->src_stride[d];
    if (a->empty || (last && place[2 * digit[0]] < 0)) {
        FN(regrid_nothing)(a, to);
        return;
    }
    if (last && step == 1 && to_step == 1) {
        const dc_i64 i = 2 * digit[0];

        FN(regrid_lines)
        (src + from + place[i] * a->src_stride[0], src + from + place[i + 1] * a->src_stride[0],
         weight[i], weight[i + 1], n, to);
        return;
    }
    for (dc_i64 j = 0; j < n; j++) {
        const dc_i64 i = 2 * (last ? digit[0] : j);
        const FN(loose) *const at = src + from + j * step;
        T y = (T)NAN;

        if (place[i] >= 0)
            y = FN(regrid_line)(at[place[i] * a->src_stride[0]],
                                at[place[i + 1] * a->src_stride[0]], weight[i], weight[i + 1]);
        to[j * to_step] = FN(regrid_quiet)(y);
    }
}

static void FN(regrid_resample)(void *const *operand, const void *args, const dc_tiling *tiling,
                                dc_i64 tile, void *scratch)
{
    const dc_regrid_args a = *(const dc_regrid_args *)args;
    const dc_i64 rows = a.count / a.shape[a.ndim - 1];
    dc_i64 row = tile * tiling->part[REGRID_ROWS], end = row + tiling->part[REGRID_ROWS];
    dc_i64 digit[DC_REGRID_MAX_AXES];

    (void)scratch;
    for (end = end < rows ? end : rows; row < end; row++) {
        FN(loose) *const to = (T *)operand[1] + FN(regrid_row)(&a, row, digit);

        FN(regrid_resample_row)(operand, &a, digit, to);
    }
}

/* Scaling on the CPU: missing values filled along an axis.  A tile is a block of rows of some
 * series side by side; what it must know of the rows before and after it, it looks for itself. */
#ifndef DC_CPU_SCALE_ALONG_H
#define DC_CPU_SCALE_ALONG_H

#include "kernels/shared/mirror.h"
#include "kernels/shared/scale_value.h"
#include "kernels/shared/vec.h"

enum { SCALE_PANEL = 64 }; /* series side by side */

typedef struct FN(scale_panel) {
    const dc_scale_args *args;
    const FN(loose) * x; /* row 0 of the first series  */
    FN(loose) * y;
    dc_i64 series, from, end;            /* series; rows of the block  */
    dc_i64 x_next, y_next, x_row, y_row; /* elements                   */
} FN(scale_panel);

/* The nearest row with a valid value of series j, from `row` on in steps of `step`, looking at
 * `most` rows at the most; -1: none. */
static dc_i64 FN(scale_nearest)(const FN(scale_panel) * p, dc_i64 j, dc_i64 row, int step,
                                dc_i64 most)
{
    const FN(loose) *const x = p->x + j * p->x_next;

    for (dc_i64 n = 0; n < most && row >= 0 && row < p->args->rows; n++, row += step)
        if (!FN(scale_is_missing)(x[row * p->x_row], p->args->inf))
            return row;
    return -1;
}

DC_INLINE void FN(scale_carry_rows)(const FN(scale_panel) * p, T *last, dc_i64 *gap, dc_i64 x_next,
                                    dc_i64 y_next)
{
    const dc_i64 limit = p->args->limit, series = p->series;
    const int inf = p->args->inf;

    for (dc_i64 r = p->from; r < p->end; r++) {
        const FN(loose) *const x = p->x + r * p->x_row;
        FN(loose) *const y = p->y + r * p->y_row;

        for (dc_i64 j = 0; j < series; j++) {
            const T here = x[j * x_next];
            const int missing = FN(scale_is_missing)(here, inf);

            gap[j] = missing ? gap[j] + 1 : 0;
            last[j] = missing ? last[j] : here;
            y[j * y_next] = gap[j] <= limit ? last[j] : SCALE_NAN;
        }
    }
}

static void FN(scale_carry)(const FN(scale_panel) * p)
{
    T last[SCALE_PANEL];
    dc_i64 gap[SCALE_PANEL];

    for (dc_i64 j = 0; j < p->series; j++) {
        const dc_i64 row = FN(scale_nearest)(p, j, p->from - 1, -1, p->args->limit);

        last[j] = row >= 0 ? p->x[j * p->x_next + row * p->x_row] : SCALE_NAN;
        gap[j] = row >= 0 ? p->from - 1 - row : 0;
    }
    if (p->x_next == 1 && p->y_next == 1)
        FN(scale_carry_rows)(p, last, gap, 1, 1);
    else
        FN(scale_carry_rows)(p, last, gap, p->x_next, p->y_next);
}

/* The missing rows of series j between the valid rows `before` and `after` (-1: there is none), as
 * far as they lie in the block. */
static void FN(scale_gap)(const FN(scale_panel) * p, dc_i64 j, dc_i64 before, dc_i64 after)
{
    const dc_scale_args *a = p->args;
    const FN(loose) *const x = p->x + j * p->x_next;
    FN(loose) *const y = p->y + j * p->y_next;
    const dc_i64 from = before + 1 > p->from ? before + 1 : p->from;
    const dc_i64 end = after >= 0 && after < p->end ? after : p->end;
    const T x0 = before >= 0 ? x[before * p->x_row] : 0, x1 = after >= 0 ? x[after * p->x_row] : 0;

    for (dc_i64 r = from; r < end; r++) {
        T value;

        if ((before < 0 || r - before > a->limit) && (after < 0 || after - r > a->limit))
            value = SCALE_NAN;
        else if (before >= 0 && after >= 0)
            value = FN(scale_between)(x0, x1, r - before, after - before);
        else
            value = !a->ends ? SCALE_NAN : before >= 0 ? x0 : x1;
        y[r * p->y_row] = value;
    }
}

static void FN(scale_between_rows)(const FN(scale_panel) * p)
{
    dc_i64 before[SCALE_PANEL];

    for (dc_i64 j = 0; j < p->series; j++)
        before[j] = FN(scale_nearest)(p, j, p->from - 1, -1, p->args->rows);
    for (dc_i64 r = p->from; r < p->end; r++) {
        const FN(loose) *const x = p->x + r * p->x_row;
        FN(loose) *const y = p->y + r * p->y_row;

        for (dc_i64 j = 0; j < p->series; j++) {
            const T here = x[j * p->x_next];

            if (FN(scale_is_missing)(here, p->args->inf))
                continue;
            if (before[j] < r - 1 && r > p->from)
                FN(scale_gap)(p, j, before[j], r);
            y[j * p->y_next] = here;
            before[j] = r;
        }
    }
    for (dc_i64 j = 0; j < p->series; j++)
        if (before[j] < p->end - 1)
            FN(scale_gap)(p, j, before[j], FN(scale_nearest)(p, j, p->end, 1, p->args->rows));
}

/* part: panels of a line of series, panels, rows of a block */
static void FN(scale_along_cut)(const dc_scale_args *a, const dc_machine *machine,
                                dc_tiling *tiling)
{
    const dc_i64 line = a->shape[a->ndim - 1];
    dc_i64 blocks;

    memset(tiling, 0, sizeof *tiling);
    tiling->part[0] = (line + SCALE_PANEL - 1) / SCALE_PANEL;
    tiling->part[1] = tiling->part[0] * (a->count / line);
    /* A series without a valid value is looked through once by each of its blocks. */
    blocks = tiling->part[1] < 4 * machine->threads ? 4 * machine->threads / tiling->part[1] : 1;
    blocks = blocks < a->blocks ? blocks : a->blocks;
    tiling->part[2] = (a->rows + blocks - 1) / blocks;
    tiling->tiles = tiling->part[1] * ((a->rows + tiling->part[2] - 1) / tiling->part[2]);
    tiling->work = a->count * a->rows * 2 + 1;
}

static void FN(scale_along)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile)
{
    const dc_scale_args a = *(const dc_scale_args *)args; /* no store can change it */
    const int last = a.ndim - 1;
    const dc_i64 panel = tile % tiling->part[1], first = panel % tiling->part[0] * SCALE_PANEL;
    const dc_i64 left = a.shape[last] - first;
    dc_i64 x = a.first[DC_SCALE_X] + first * a.stride[DC_SCALE_X][last];
    dc_i64 y = a.first[DC_SCALE_Y] + first * a.stride[DC_SCALE_Y][last];
    dc_i64 line = panel / tiling->part[0];
    FN(scale_panel) p = {.args = &a, .series = left < SCALE_PANEL ? left : SCALE_PANEL};

    for (int d = last - 1; d >= 0; d--) {
        const dc_i64 next = line / a.shape[d], digit = line - next * a.shape[d];

        x += digit * a.stride[DC_SCALE_X][d];
        y += digit * a.stride[DC_SCALE_Y][d];
        line = next;
    }
    p.x = (const FN(loose) *)operand[DC_SCALE_X] + x;
    p.y = (FN(loose) *)operand[DC_SCALE_Y] + y;
    p.x_next = a.stride[DC_SCALE_X][last];
    p.y_next = a.stride[DC_SCALE_Y][last];
    p.x_row = a.row_stride[DC_SCALE_X];
    p.y_row = a.row_stride[DC_SCALE_Y];
    p.from = tile / tiling->part[1] * tiling->part[2];
    p.end = a.rows - p.from < tiling->part[2] ? a.rows : p.from + tiling->part[2];
    if (a.kind == DC_SCALE_LINEAR)
        FN(scale_between_rows)(&p);
    else
        FN(scale_carry)(&p);
}

#define SCALE_ALONG_ROW(run, plan)                                                                 \
    static void run(void *const *operand, const void *args, const dc_tiling *tiling, dc_i64 tile,  \
                    void *scratch)                                                                 \
    {                                                                                              \
        (void)scratch;                                                                             \
        FN(scale_along)(operand, args, tiling, tile);                                              \
    }                                                                                              \
    static void plan(const void *args, const dc_machine *machine, dc_tiling *tiling)               \
    {                                                                                              \
        FN(scale_along_cut)(args, machine, tiling);                                                \
    }
SCALE_ALONG_ROW(FN(scale_forward), FN(scale_forward_plan))
SCALE_ALONG_ROW(FN(scale_backward), FN(scale_backward_plan))
SCALE_ALONG_ROW(FN(scale_linear), FN(scale_linear_plan))
#undef SCALE_ALONG_ROW

#endif

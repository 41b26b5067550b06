/* Rearranged cubes, row by row of the last axis.  A template of T and SFX, part of
 * cpu_fallback/transform.c.
 *
 * A tile is a few rows, or a piece of a long one.  A filler makes part of a row; rows that follow
 * each other in the output are made side by side in the sink. */
#ifndef DC_CPU_TRANSFORM_ROWS_H
#define DC_CPU_TRANSFORM_ROWS_H

#include "cpu_fallback/transform_sink.h"

enum { ROWS_TILE_BYTES = 1 << 17, ROWS_LONG_BYTES = 4096 };
/* Views of a step: dst, src and what a row needs besides; a batch has its noise there. */
enum { VIEW_DST = 0, VIEW_SRC = 1, VIEW_MORE = 2, VIEWS = 6, VIEW_NOISY = 2, VIEW_PLACE = 3 };

typedef struct transform_views {
    const dc_i64 *stride[VIEWS];
    dc_i64 first[VIEWS];
    dc_i32 count, paired; /* paired: VIEW_NOISY and VIEW_PLACE are there */
} transform_views;

/* A row: its index along the axes before the last, and where it begins in each view. */
typedef struct transform_cursor {
    dc_i64 index[DC_TRANSFORM_MAX_AXES];
    dc_i64 at[VIEWS];
} transform_cursor;

DC_INLINE void transform_seek(const dc_transform_args *a, const transform_views *views, dc_i64 row,
                              transform_cursor *c)
{
    for (int v = 0; v < views->count; v++)
        c->at[v] = views->first[v];
    for (dc_i32 d = a->ndim - 2; d >= 0; d--) {
        const dc_i64 outer = row / a->shape[d];

        c->index[d] = row - outer * a->shape[d];
        for (int v = 0; v < views->count; v++)
            c->at[v] += c->index[d] * views->stride[v][d];
        row = outer;
    }
}

DC_INLINE void transform_next(const dc_transform_args *a, const transform_views *views,
                              transform_cursor *c)
{
    for (dc_i32 d = a->ndim - 2; d >= 0; d--) {
        for (int v = 0; v < views->count; v++)
            c->at[v] += views->stride[v][d];
        if (++c->index[d] < a->shape[d])
            return;
        c->index[d] = 0;
        for (int v = 0; v < views->count; v++)
            c->at[v] -= a->shape[d] * views->stride[v][d];
    }
}

/* The same `rows` further along the axis before the last, not beyond its end. */
DC_INLINE void transform_advance(const dc_transform_args *a, const transform_views *views,
                                 transform_cursor *c, dc_i64 rows)
{
    const dc_i32 d = a->ndim - 2;

    if (d < 0)
        return;
    for (int v = 0; v < views->count; v++)
        c->at[v] += (rows - 1) * views->stride[v][d];
    c->index[d] += rows - 1;
    transform_next(a, views, c);
}

/* Place i of a row in dst and its companions. */
DC_INLINE transform_spot transform_spot_of(const dc_transform_args *a, const transform_views *views,
                                           const transform_cursor *c, dc_i64 i)
{
    const dc_i32 last = a->ndim - 1;
    transform_spot spot = {c->at[VIEW_DST] + i * a->dst[last], 0, 0};

    if (views->paired) {
        spot.noisy = c->at[VIEW_NOISY] + i * views->stride[VIEW_NOISY][last];
        spot.place = c->at[VIEW_PLACE] + i * views->stride[VIEW_PLACE][last];
    }
    return spot;
}

static void transform_rows_plan(const dc_transform_args *a, dc_i64 size, dc_tiling *tiling)
{
    const dc_i64 n = a->shape[a->ndim - 1], rows = a->count / n, most = ROWS_TILE_BYTES / size;

    tiling->part[1] = n > most ? (n + most - 1) / most : 1; /* pieces of a row */
    tiling->part[2] = n > most ? most : n;                  /* elements of a piece */
    tiling->part[3] = n > most ? 1 : (most + n - 1) / n;    /* rows of a tile */
    tiling->tiles = tiling->part[1] * ((rows + tiling->part[3] - 1) / tiling->part[3]);
    tiling->scratch_bytes = SINK_BYTES + 2 * LINE;
}

/* Places i ... i + n - 1 of the row to out. */
typedef void (*FN(filler))(const void *work, const transform_cursor *row, dc_i64 i, dc_i64 n,
                           FN(any) * out);

/* Whether the row after this one follows it in every output. */
DC_INLINE int transform_rows_follow(const dc_transform_args *a, const transform_views *views)
{
    const dc_i32 last = a->ndim - 1;
    const dc_i64 n = a->shape[last];

    if (last < 1 || a->dst[last - 1] != n * a->dst[last])
        return 0;
    return !views->paired ||
           (views->stride[VIEW_NOISY][last - 1] == n * views->stride[VIEW_NOISY][last] &&
            views->stride[VIEW_PLACE][last - 1] == n * views->stride[VIEW_PLACE][last]);
}

DC_INLINE void FN(rows_run)(FN(filler) fill, const void *work, const dc_transform_args *a,
                            const transform_views *views, FN(sink) * sink, const dc_tiling *tiling,
                            dc_i64 tile)
{
    const dc_i64 n = a->shape[a->ndim - 1], rows = a->count / n, pieces = tiling->part[1];
    const dc_i64 begin = tile % pieces * tiling->part[2];
    const dc_i64 end = begin + tiling->part[2] < n ? begin + tiling->part[2] : n;
    const int follow = pieces == 1 && transform_rows_follow(a, views);
    dc_i64 row = tile / pieces * tiling->part[3], left = rows - row;
    transform_cursor c;

    left = left < tiling->part[3] ? left : tiling->part[3];
    transform_seek(a, views, row, &c);
    while (left > 0) {
        dc_i64 side = 1; /* rows side by side */

        if (follow && n <= SINK_MOST) {
            side = SINK_MOST / n < left ? SINK_MOST / n : left;
            if (side > a->shape[a->ndim - 2] - c.index[a->ndim - 2])
                side = a->shape[a->ndim - 2] - c.index[a->ndim - 2];
        }
        left -= side;
        if (side > 1) {
            const transform_spot spot = transform_spot_of(a, views, &c, 0);
            FN(any) *const out = FN(sink_reserve)(sink, side * n, &spot);

            for (dc_i64 j = 0; j < side; j++) {
                fill(work, &c, 0, n, out + j * n);
                transform_next(a, views, &c);
            }
            continue;
        }
        for (dc_i64 i = begin, part; i < end; i += part) {
            const transform_spot spot = transform_spot_of(a, views, &c, i);

            part = end - i < SINK_MOST ? end - i : SINK_MOST;
            fill(work, &c, i, part, FN(sink_reserve)(sink, part, &spot));
        }
        transform_next(a, views, &c);
    }
    FN(sink_flush)(sink);
}

#endif

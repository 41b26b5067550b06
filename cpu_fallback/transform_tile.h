/* Rearranged cubes whose source runs along another axis than the output.  A template of T and SFX,
 * part of cpu_fallback/transform.c.
 *
 * Two groups of axes: columns are the axes along which the output runs, rows those along which the
 * source does, so that
 *
 *     dst[row place + column] = src[column place + row]
 *
 * A tile takes `columns` of them by `rows` through a stage in the cache, so that whole lines are
 * read and whole lines are written.  What is left of the axes is outer to both. */
#ifndef DC_CPU_TRANSFORM_TILE_H
#define DC_CPU_TRANSFORM_TILE_H

#include "cpu_fallback/transform_block.h"
#include "cpu_fallback/transform_rows.h"

enum { TILE_COLUMN_BYTES = 1024, TILE_ROW_BYTES = 256, TILE_BYTES = 1 << 16, TILE_COLUMNS = 1024 };

/* Kept in tiling->part from 1 on. */
typedef struct transform_cut {
    dc_i64 column_axes;   /* the last ones */
    dc_i64 row_axes;      /* 4 bits each, the fastest lowest: axis + 1 */
    dc_i64 columns, rows; /* of both groups */
    dc_i64 tile_columns, tile_rows;
    dc_i64 outers; /* outer places of a call */
} transform_cut;

DC_INLINE dc_i64 transform_size(dc_i64 x)
{
    return x < 0 ? -x : x;
}

/* The axis along which src has the smallest stride that is not 0; the last one where src runs along
 * it, too. */
static dc_i32 transform_row_axis(const dc_transform_args *a)
{
    dc_i32 best = a->ndim - 1;

    for (dc_i32 d = a->ndim - 2; d >= 0; d--)
        if (a->src[d] && a->src[best] && transform_size(a->src[d]) < transform_size(a->src[best]))
            best = d;
    return best;
}

DC_INLINE int transform_in_rows(const transform_cut *cut, dc_i32 axis)
{
    for (dc_i64 list = cut->row_axes; list; list >>= 4)
        if ((list & 15) == axis + 1)
            return 1;
    return 0;
}

/* Whether the axis before the columns continues them in every output. */
static int transform_column_grows(const dc_transform_args *a, const transform_views *views,
                                  const transform_cut *cut)
{
    const dc_i32 d = a->ndim - 1 - (dc_i32)cut->column_axes;

    if (d < 0 || transform_in_rows(cut, d) || a->dst[d] != a->dst[d + 1] * a->shape[d + 1])
        return 0;
    return !views->paired ||
           (views->stride[VIEW_NOISY][d] == views->stride[VIEW_NOISY][d + 1] * a->shape[d + 1] &&
            views->stride[VIEW_PLACE][d] == views->stride[VIEW_PLACE][d + 1] * a->shape[d + 1]);
}

/* The axis that continues the rows in src, or -1. */
static dc_i32 transform_row_grows(const dc_transform_args *a, const transform_cut *cut, dc_i32 last)
{
    for (dc_i32 d = 0; d < a->ndim - (dc_i32)cut->column_axes; d++)
        if (!transform_in_rows(cut, d) &&
            transform_size(a->src[d]) == transform_size(a->src[last]) * a->shape[last])
            return d;
    return -1;
}

static void transform_tile_plan(const dc_transform_args *a, const transform_views *views,
                                dc_i32 axis, dc_i64 size, dc_tiling *tiling)
{
    const dc_i64 want_columns = TILE_COLUMN_BYTES / size, want_rows = TILE_ROW_BYTES / size;
    transform_cut cut = {1, axis + 1, a->shape[a->ndim - 1], a->shape[axis], 0, 0, 1};
    dc_i32 last = axis, shift = 4;
    dc_i64 outer;

    for (int grown = 1; grown;) {
        grown = 0;
        if (cut.columns < want_columns && transform_column_grows(a, views, &cut)) {
            cut.columns *= a->shape[a->ndim - 1 - cut.column_axes++];
            grown = 1;
        }
        if (cut.rows < want_rows) {
            const dc_i32 next = transform_row_grows(a, &cut, last);

            if (next >= 0) {
                cut.row_axes |= (dc_i64)(next + 1) << shift;
                shift += 4;
                cut.rows *= a->shape[next];
                last = next;
                grown = 1;
            }
        }
    }
    outer = a->count / (cut.columns * cut.rows);
    /* A narrow tile may be long; one that the sink takes whole is best. */
    cut.tile_columns = cut.rows < want_rows ? TILE_COLUMNS : want_columns;
    cut.tile_columns = cut.tile_columns < cut.columns ? cut.tile_columns : cut.columns;
    cut.tile_rows = SINK_MOST / cut.tile_columns / BLOCK * BLOCK;
    cut.tile_rows =
        cut.tile_rows > want_rows && cut.columns < want_columns ? cut.tile_rows : want_rows;
    cut.tile_rows = cut.tile_rows < cut.rows ? cut.tile_rows : cut.rows;
    if (cut.tile_columns == cut.columns && cut.tile_rows == cut.rows)
        cut.outers = TILE_BYTES / size / (cut.columns * cut.rows) + 1;
    memcpy(tiling->part + 1, &cut, sizeof cut);
    tiling->tiles = (cut.columns + cut.tile_columns - 1) / cut.tile_columns *
                    ((cut.rows + cut.tile_rows - 1) / cut.tile_rows) *
                    ((outer + cut.outers - 1) / cut.outers);
    tiling->scratch_bytes = SINK_BYTES + 2 * LINE + cut.tile_columns * (dc_i64)sizeof(dc_i64) +
                            (cut.tile_columns + 2 * LINE) * cut.tile_rows * size + 2 * LINE;
}

/* Where columns first ... lie in src. */
static void transform_columns(const dc_transform_args *a, const transform_cut *cut, dc_i64 first,
                              dc_i64 count, dc_i64 *column)
{
    const dc_i32 last = a->ndim - 1, low = a->ndim - (dc_i32)cut->column_axes;

    for (dc_i64 c = 0; c < count; c++) {
        dc_i64 rest = first + c;

        column[c] = 0;
        for (dc_i32 d = last; d >= low; d--) {
            const dc_i64 outer = rest / a->shape[d];
            dc_i64 place = rest - outer * a->shape[d];

            if (d == last)
                place += (place < a->turn ? a->shape[d] : 0) - a->turn;
            column[c] += place * a->src[d];
            rest = outer;
        }
    }
}

/* Row `row` in dst and its companions, from the first row; rows ascend in src. */
static transform_spot transform_row_spot(const dc_transform_args *a, const transform_views *views,
                                         const transform_cut *cut, dc_i64 row)
{
    transform_spot spot = {0, 0, 0};

    for (dc_i64 list = cut->row_axes; list; list >>= 4) {
        const dc_i32 d = (dc_i32)(list & 15) - 1;
        const dc_i64 outer = row / a->shape[d];
        dc_i64 place = row - outer * a->shape[d];

        if (a->src[d] < 0)
            place = a->shape[d] - 1 - place;
        spot.dst += place * a->dst[d];
        if (views->paired) {
            spot.noisy += place * views->stride[VIEW_NOISY][d];
            spot.place += place * views->stride[VIEW_PLACE][d];
        }
        row = outer;
    }
    return spot;
}

/* The outer axes alone, as a map of their own with one more axis that is never walked. */
static void transform_outer(const dc_transform_args *a, const transform_views *views,
                            const transform_cut *cut, dc_transform_args *map,
                            dc_i64 stride[VIEWS][DC_TRANSFORM_MAX_AXES], transform_views *outer)
{
    dc_i32 n = 0;

    *outer = *views;
    for (dc_i32 d = 0; d < a->ndim - (dc_i32)cut->column_axes; d++) {
        if (transform_in_rows(cut, d)) {
            if (a->src[d] < 0) /* rows are counted from the other end of src */
                outer->first[VIEW_SRC] += a->src[d] * (a->shape[d] - 1);
            continue;
        }
        map->shape[n] = a->shape[d];
        for (int v = 0; v < views->count; v++)
            stride[v][n] = views->stride[v][d];
        n++;
    }
    map->shape[n] = 1;
    map->ndim = n + 1;
    for (int v = 0; v < views->count; v++)
        outer->stride[v] = stride[v];
}

/* The tile's rows from the stage to their places. */
DC_INLINE void FN(tile_emit)(const dc_transform_args *a, const transform_views *views,
                             const transform_cut *cut, FN(sink) * sink, const transform_spot *base,
                             dc_i64 row, dc_i64 rows, const FN(any) * stage, dc_i64 pitch,
                             dc_i64 columns)
{
    const int small = columns * (dc_i64)sizeof(T) < 4 * LINE;

    for (dc_i64 r = 0; r < rows; r++) {
        transform_spot spot = transform_row_spot(a, views, cut, row + r);

        spot.dst += base->dst;
        spot.noisy += base->noisy;
        spot.place += base->place;
        if (small)
            memcpy((void *)FN(sink_reserve)(sink, columns, &spot),
                   (const void *)(stage + r * pitch), (size_t)columns * sizeof(T));
        else
            FN(put)(&sink->out, &spot, stage + r * pitch, columns);
    }
}

static void FN(tile_run)(const FN(any) * src, const dc_transform_args *a,
                         const transform_views *views, FN(sink) * sink, const dc_tiling *tiling,
                         dc_i64 tile, void *scratch)
{
    dc_i64 stride[VIEWS][DC_TRANSFORM_MAX_AXES];
    transform_cut cut;
    transform_views outer;
    transform_cursor c;
    dc_transform_args map;

    memcpy(&cut, tiling->part + 1, sizeof cut);
    transform_outer(a, views, &cut, &map, stride, &outer);
    const dc_i32 last = a->ndim - 1, axis = (dc_i32)(cut.row_axes & 15) - 1;
    const dc_i64 wide = (cut.columns + cut.tile_columns - 1) / cut.tile_columns;
    const dc_i64 high = (cut.rows + cut.tile_rows - 1) / cut.tile_rows;
    const dc_i64 column = tile % wide * cut.tile_columns, row = tile / wide % high * cut.tile_rows;
    const dc_i64 outers = a->count / (cut.columns * cut.rows);
    const dc_i64 first = tile / wide / high * cut.outers;
    const dc_i64 end = first + cut.outers < outers ? first + cut.outers : outers;
    const dc_i64 columns =
        cut.columns - column < cut.tile_columns ? cut.columns - column : cut.tile_columns;
    const dc_i64 rows = cut.rows - row < cut.tile_rows ? cut.rows - row : cut.tile_rows;
    const dc_i64 step = transform_size(a->src[axis]);
    dc_i64 *const place = (dc_i64 *)((char *)scratch + SINK_BYTES + LINE);
    T *const room = (T *)(((uintptr_t)(place + cut.tile_columns) + LINE - 1) & -(uintptr_t)LINE);
    /* Rows that follow each other in the output are made in its order. */
    const int packed =
        cut.row_axes < 16 && a->src[axis] > 0 && columns == cut.columns &&
        a->dst[axis] == columns * a->dst[last] && rows * columns <= SINK_MOST &&
        (!views->paired ||
         (views->stride[VIEW_PLACE][axis] == columns * views->stride[VIEW_PLACE][last] &&
          views->stride[VIEW_NOISY][axis] == columns * views->stride[VIEW_NOISY][last]));
    const dc_i64 pitch = packed ? columns : (columns + 15) / 16 * 16 + LINE / (dc_i64)sizeof(T);

    transform_columns(a, &cut, column, columns, place);
    transform_seek(&map, &outer, first, &c);
    for (dc_i64 i = first; i < end; i++, transform_next(&map, &outer, &c)) {
        const FN(any) *const from = src + c.at[VIEW_SRC] + row * step;
        transform_spot spot = {c.at[VIEW_DST] + column * a->dst[last], 0, 0};

        if (views->paired) {
            spot.noisy = c.at[VIEW_NOISY] + column * views->stride[VIEW_NOISY][last];
            spot.place = c.at[VIEW_PLACE] + column * views->stride[VIEW_PLACE][last];
        }
        if (packed) {
            spot.dst += row * a->dst[axis];
            if (views->paired) {
                spot.noisy += row * views->stride[VIEW_NOISY][axis];
                spot.place += row * views->stride[VIEW_PLACE][axis];
            }
            FN(block_tile)
            (from, step, place, columns, rows, FN(sink_reserve)(sink, rows * columns, &spot),
             pitch);
        } else {
            FN(block_tile)(from, step, place, columns, rows, room, pitch);
            FN(tile_emit)(a, views, &cut, sink, &spot, row, rows, room, pitch, columns);
        }
    }
    FN(sink_flush)(sink);
}

#endif

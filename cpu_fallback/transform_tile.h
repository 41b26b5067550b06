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

/* Tiles with a stage; without one more is read at a time, as long as whole lines are written. */
enum { TILE_COLUMN_BYTES = 1024, TILE_ROW_BYTES = 1024, TILE_COLUMNS = 1024 };
enum { LONG_COLUMN_BYTES = 256, LONG_ROW_BYTES = 4096, TILE_BYTES = 1 << 16 };

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

/* Whether every row of every block of the step begins at the same place of a line. */
static int transform_lines_agree(const dc_transform_args *a, const transform_cut *cut, dc_i64 size)
{
    for (dc_i32 d = 0; d < a->ndim - (dc_i32)cut->column_axes; d++)
        if (a->dst[d] * size % LINE)
            return 0;
    return 1;
}

static void transform_tile_plan(const dc_transform_args *a, const transform_views *views,
                                dc_i32 axis, dc_i64 size, dc_tiling *tiling)
{
    dc_i64 want_columns = TILE_COLUMN_BYTES / size, want_rows = TILE_ROW_BYTES / size;
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
    if (!views->paired && cut.rows >= LONG_ROW_BYTES / size &&
        transform_lines_agree(a, &cut, size)) { /* without a stage: read more at a time */
        want_columns = LONG_COLUMN_BYTES / size;
        want_rows = LONG_ROW_BYTES / size;
    }
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
    /* A tile may have some columns and rows more, up to where a line ends. */
    tiling->scratch_bytes = SINK_BYTES + 2 * LINE +
                            (cut.tile_columns + cut.tile_rows + 2 * LINE) * (dc_i64)sizeof(dc_i64) +
                            (cut.tile_columns + 3 * LINE) * (cut.tile_rows + LINE) * size +
                            2 * LINE;
}

/* Where columns first ... lie in src. */
static void transform_columns(const dc_transform_args *a, const transform_cut *cut, dc_i64 first,
                              dc_i64 count, dc_i64 *column)
{
    const dc_i32 last = a->ndim - 1, low = a->ndim - (dc_i32)cut->column_axes;

    const dc_i64 n = a->shape[last], step = a->src[last];

    for (dc_i64 c = 0; c < count;) { /* a run of the last axis */
        dc_i64 rest = (first + c) / n, place = (first + c) % n, base = 0;
        const dc_i64 end = count - c < n - place ? count : c + n - place;

        for (dc_i32 d = last - 1; d >= low; d--) {
            const dc_i64 outer = rest / a->shape[d];

            base += (rest - outer * a->shape[d]) * a->src[d];
            rest = outer;
        }
        for (; c < end; c++, place++)
            column[c] = base + (place + (place < a->turn ? n : 0) - a->turn) * step;
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

/* A tile at work. */
typedef struct FN(tile) {
    const dc_transform_args *a;
    const transform_views *views;
    transform_cut cut;
    dc_i64 column, columns, row, rows; /* the tile's */
    dc_i64 skew;                       /* rows before the first whole line of src */
    dc_i64 step;                       /* of src along a row */
    dc_i64 *places, *targets;          /* of the columns in src, of the rows in dst */
    FN(any) * stage;
    int packed; /* its rows follow each other in every output */
    dc_i64 low; /* of the places, where the source of the tile lies in one piece; else -1 */
    int direct; /* it needs no stage: blocks go from registers to their place */
} FN(tile);

/* Columns before the first whole line of dst, and columns of a step from there on. */
DC_INLINE dc_i64 FN(tile_head)(const FN(sink) * sink, dc_i64 at)
{
    const dc_i64 line = LINE / (dc_i64)sizeof(T), head = FN(line_head)(&sink->out, at);

    return head ? line - head : 0;
}

/* Rows before the first whole line of src, where lines of all columns begin at the same rows: a
 * block that reads whole lines reads none twice.  Rows lie end to end from `low` on. */
static dc_i64 FN(tile_skew)(const dc_transform_args *a, const transform_cut *cut,
                            const FN(any) * low)
{
    const dc_i64 size = (dc_i64)sizeof(T), line = LINE / size;
    const dc_i64 place = (dc_i64)((uintptr_t)low % LINE);

    if (place % size || cut->rows < 8 * line)
        return 0;
    for (dc_i32 d = 0; d < a->ndim; d++)
        if (!transform_in_rows(cut, d) && a->src[d] * size % LINE)
            return 0;
    return (line - place / size) % line;
}

/* The lowest place, where columns of whole rows lie side by side in any order: the source is then
 * read from one end to the other, which is what fetches it best. */
static dc_i64 FN(tile_low)(const FN(tile) * t)
{
    dc_i64 low = t->places[0], high = low;

    if (t->rows != t->cut.rows || t->step != 1 || t->cut.outers == 1)
        return -1;
    for (dc_i64 c = 1; c < t->columns; c++) {
        low = t->places[c] < low ? t->places[c] : low;
        high = t->places[c] > high ? t->places[c] : high;
    }
    return low >= 0 && high - low == (t->columns - 1) * t->rows ? low : -1;
}

/* Where its rows begin in dst; one axis of rows needs no division. */
static void FN(tile_targets)(FN(tile) * t)
{
    const dc_i32 axis = (dc_i32)(t->cut.row_axes & 15) - 1;
    const dc_i64 pitch = t->a->src[axis] < 0 ? -t->a->dst[axis] : t->a->dst[axis];

    for (dc_i64 r = 0; r < t->rows; r++)
        t->targets[r] = r > 0 && t->cut.row_axes < 16
                            ? t->targets[r - 1] + pitch
                            : transform_row_spot(t->a, t->views, &t->cut, t->row + r).dst;
}

static void FN(tile_open)(FN(tile) * t, const dc_transform_args *a, const transform_views *views,
                          const FN(sink) * sink, const FN(any) * low, dc_i64 tile, void *scratch)
{
    transform_cut *const cut = &t->cut;

    t->a = a;
    t->views = views;
    const dc_i32 last = a->ndim - 1, axis = (dc_i32)(cut->row_axes & 15) - 1;
    const dc_i64 wide = (cut->columns + cut->tile_columns - 1) / cut->tile_columns;
    const dc_i64 high = (cut->rows + cut->tile_rows - 1) / cut->tile_rows;
    const dc_i64 line = LINE / (dc_i64)sizeof(T);

    dc_i64 head = 0; /* tiles but the first begin where lines do */

    t->step = transform_size(a->src[axis]);

    if (sink->out.bypass && transform_lines_agree(a, cut, (dc_i64)sizeof(T)))
        head = FN(tile_head)(sink, views->first[VIEW_DST]);
    t->column = tile % wide * cut->tile_columns + (tile % wide ? head : 0);
    t->skew = t->step == 1 && sink->out.bypass && !views->paired ? FN(tile_skew)(a, cut, low) : 0;
    t->row = tile / wide % high * cut->tile_rows + (tile / wide % high ? t->skew : 0);
    t->columns = cut->tile_columns + (tile % wide ? 0 : head);
    if (t->columns > cut->columns - t->column)
        t->columns = cut->columns - t->column;
    if (t->columns <= 0) {
        t->columns = 0;
        return;
    }
    t->rows = cut->tile_rows + (t->row ? 0 : t->skew);
    if (t->rows > cut->rows - t->row)
        t->rows = cut->rows - t->row;
    if (t->rows <= 0) {
        t->columns = 0;
        return;
    }
    t->places = (dc_i64 *)((char *)scratch + SINK_BYTES + LINE);
    t->targets = t->places + cut->tile_columns + LINE;
    t->stage =
        (T *)(((uintptr_t)(t->targets + cut->tile_rows + LINE) + LINE - 1) & -(uintptr_t)LINE);
    t->packed = cut->row_axes < 16 && a->src[axis] > 0 && t->columns == cut->columns &&
                a->dst[axis] == t->columns * a->dst[last] && t->rows * t->columns <= SINK_MOST &&
                (!views->paired ||
                 (views->stride[VIEW_PLACE][axis] == t->columns * views->stride[VIEW_PLACE][last] &&
                  views->stride[VIEW_NOISY][axis] == t->columns * views->stride[VIEW_NOISY][last]));
    t->direct = t->step == 1 && sink->out.step == 1 && !views->paired && t->rows >= BLOCK &&
                t->columns >= line;
    if (t->direct && sink->out.bypass)
        t->direct = transform_lines_agree(a, cut, (dc_i64)sizeof(T)) &&
                    (uintptr_t)sink->out.dst % sizeof(T) == 0 &&
                    (head == 0 || t->columns >= 4 * line);
    transform_columns(a, cut, t->column, t->columns, t->places);
    t->low = t->packed || t->direct ? FN(tile_low)(t) : -1;
    if (t->direct)
        FN(tile_targets)(t);
}

/* Rows and columns that fill no block. */
static void FN(tile_edges)(const FN(tile) * t, const FN(any) * from, FN(any) * to, dc_i64 row,
                           dc_i64 rows, dc_i64 column, dc_i64 columns)
{
    for (dc_i64 r = row; r < row + rows; r++)
        for (dc_i64 c = column; c < column + columns; c++)
            to[t->targets[r] + c] = from[t->places[c] + r];
}

/* A line of each row of a block, where registers are shorter: a line that is written in parts past
 * the caches costs as many as it has. */
DC_INLINE void FN(tile_lines)(const FN(any) * from, const dc_i64 *column, FN(any) * to,
                              const dc_i64 *row)
{
    enum { LINE_COLUMNS = LINE / (int)sizeof(T) };
    _Alignas(LINE) T line[BLOCK * LINE_COLUMNS];

    for (int c = 0; c < LINE_COLUMNS; c += BLOCK)
        FN(block_transpose)(from, column + c, line + c, LINE_COLUMNS);
    for (int r = 0; r < BLOCK; r++)
        transform_line((void *)(to + row[r]), line + r * LINE_COLUMNS);
}

/* `to`: the first column of row 0 of the rows. */
static void FN(tile_direct)(const FN(tile) * t, const FN(any) * from, FN(any) * to, dc_i64 head,
                            int bypass)
{
    const dc_i64 line = LINE / (dc_i64)sizeof(T), skew = t->row ? 0 : t->skew;
    const dc_i64 rows = skew + (t->rows - skew) / BLOCK * BLOCK;
    const dc_i64 whole = (t->columns - head) / line, end = head + whole * line;

    for (dc_i64 c = head; c < end; c += line) /* along the source */
        for (dc_i64 r = skew; r < rows; r += BLOCK)
            if (bypass && BLOCK < line)
                FN(tile_lines)(from + r, t->places + c, to + c, t->targets + r);
            else
                for (dc_i64 k = c; k < c + line; k += BLOCK)
                    FN(block_scatter)(from + r, t->places + k, to + k, t->targets + r, bypass);
    FN(tile_edges)(t, from, to, 0, skew, 0, t->columns);
    FN(tile_edges)(t, from, to, skew, rows - skew, 0, head);
    FN(tile_edges)(t, from, to, skew, rows - skew, end, t->columns - end);
    FN(tile_edges)(t, from, to, rows, t->rows - rows, 0, t->columns);
}

/* Through the stage; short rows through the sink, too. */
static void FN(tile_staged)(const FN(tile) * t, const FN(any) * from, FN(sink) * sink,
                            const transform_spot *base)
{
    const dc_i64 pitch = (t->columns + 15) / 16 * 16 + LINE / (dc_i64)sizeof(T);
    const int small = t->columns * (dc_i64)sizeof(T) < 4 * LINE;

    FN(block_tile)(from, t->step, t->places, t->columns, t->rows, t->stage, pitch);
    for (dc_i64 r = 0; r < t->rows; r++) {
        const FN(any) *const row = t->stage + r * pitch;
        transform_spot spot = transform_row_spot(t->a, t->views, &t->cut, t->row + r);

        spot.dst += base->dst;
        spot.noisy += base->noisy;
        spot.place += base->place;
        if (small)
            memcpy((void *)FN(sink_reserve)(sink, t->columns, &spot), (const void *)row,
                   (size_t)t->columns * sizeof(T));
        else
            FN(put)(&sink->out, &spot, row, t->columns);
    }
}

static void FN(tile_run)(const FN(any) * src, const dc_transform_args *a,
                         const transform_views *views, FN(sink) * sink, const dc_tiling *tiling,
                         dc_i64 tile, void *scratch)
{
    dc_i64 stride[VIEWS][DC_TRANSFORM_MAX_AXES];
    transform_views outer;
    transform_cursor c;
    dc_transform_args map;
    FN(tile) t;

    memcpy(&t.cut, tiling->part + 1, sizeof t.cut);
    transform_outer(a, views, &t.cut, &map, stride, &outer);
    FN(tile_open)(&t, a, views, sink, src + outer.first[VIEW_SRC], tile, scratch);
    if (t.columns == 0)
        return;
    const dc_i32 last = a->ndim - 1;
    const dc_i64 wide = (t.cut.columns + t.cut.tile_columns - 1) / t.cut.tile_columns;
    const dc_i64 high = (t.cut.rows + t.cut.tile_rows - 1) / t.cut.tile_rows;
    const dc_i64 outers = a->count / (t.cut.columns * t.cut.rows);
    const dc_i64 first = tile / wide / high * t.cut.outers;
    const dc_i64 end = first + t.cut.outers < outers ? first + t.cut.outers : outers;

    transform_seek(&map, &outer, first, &c);
    for (dc_i64 i = first; i < end; i++, transform_next(&map, &outer, &c)) {
        const FN(any) *from = src + c.at[VIEW_SRC] + t.row * t.step;
        transform_spot spot = {c.at[VIEW_DST] + t.column * a->dst[last], 0, 0};

        if (t.low >= 0) {
            transform_near((char *)t.stage, (const char *)(from + t.low),
                           (size_t)(t.columns * t.rows) * sizeof(T));
            from = t.stage - t.low;
        }
        if (t.direct) {
            FN(tile_direct)
            (&t, from, sink->out.dst + spot.dst, FN(tile_head)(sink, spot.dst), sink->out.bypass);
            continue;
        }
        if (views->paired) {
            spot.noisy = c.at[VIEW_NOISY] + t.column * views->stride[VIEW_NOISY][last];
            spot.place = c.at[VIEW_PLACE] + t.column * views->stride[VIEW_PLACE][last];
        }
        if (!t.packed) {
            FN(tile_staged)(&t, from, sink, &spot);
            continue;
        }
        const transform_spot row = transform_row_spot(a, views, &t.cut, t.row);

        spot.dst += row.dst;
        spot.noisy += row.noisy;
        spot.place += row.place;
        FN(block_tile)
        (from, t.step, t.places, t.columns, t.rows,
         FN(sink_reserve)(sink, t.rows * t.columns, &spot), t.columns);
    }
    FN(sink_flush)(sink);
}

#endif

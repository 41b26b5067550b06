/* Rearranged cubes: the CPU mirror.  Compiled once per dtype (T, SFX): unsigned integers for what
 * moves bits (DC_MOVE), float and double for what computes.
 *
 * Where source and output run along the same axis, work goes row by row (transform_rows.h), else in
 * tiles that are transposed (transform_tile.h).  Results go through a sink (transform_sink.h). */
#include "cpu_fallback/transform_tile.h"

enum { MODE_ROWS = 0, MODE_TILES = 1, MODE_LONG = 2 };

/* Outputs of `results` views are worth bypassing the caches when they cannot stay there. */
static void transform_bypass(const dc_transform_args *a, const dc_machine *machine, dc_i64 results,
                             dc_tiling *tiling)
{
    const dc_i64 bytes = a->total * results * (dc_i64)sizeof(T);

    if (bytes > machine->l3_bytes / 2)
        tiling->part[0] |= 16;
}

static transform_views transform_views_of(const dc_transform_args *a)
{
    transform_views views = {{a->dst, a->src}, {a->dst_first, a->src_first}, 2, 0};
    return views;
}

static void FN(sink_open)(FN(sink) * s, const dc_transform_args *a, const dc_tiling *tiling,
                          void *dst, void *scratch)
{
    s->out.dst = dst;
    s->out.step = a->dst[a->ndim - 1];
    s->out.bypass = (tiling->part[0] & 16) && s->out.step == 1;
    s->out.paired = 0;
    s->buffer = scratch;
    s->head = s->fill = 0;
}

/* ---- rows of bits ------------------------------------------------------------------------------
 */

typedef struct FN(copying) {
    const FN(any) * src;
    dc_i64 step, turn, n; /* of the last axis */
} FN(copying);

/* n elements from `from` on, `step` apart. */
DC_INLINE void FN(copy_part)(const FN(any) * from, dc_i64 step, dc_i64 n, FN(any) * out)
{
    if (step == 1) {
        if (n * (dc_i64)sizeof(T) < ROWS_LONG_BYTES)
            transform_near((char *)out, (const char *)from, (size_t)n * sizeof(T));
        else
            memcpy((void *)out, (const void *)from, (size_t)n * sizeof(T));
    } else if (step == -1) {
        FN(block_reverse)(from, n, out, 0);
    } else {
        for (dc_i64 i = 0; i < n; i++)
            out[i] = from[i * step];
    }
}

DC_INLINE void FN(copy_fill)(const void *work, const transform_cursor *row, dc_i64 i, dc_i64 n,
                             FN(any) * out)
{
    const FN(copying) *const w = work;
    const FN(any) *const from = w->src + row->at[VIEW_SRC];

    if (i < w->turn) {
        const dc_i64 part = w->turn - i < n ? w->turn - i : n;

        FN(copy_part)(from + (w->n - w->turn + i) * w->step, w->step, part, out);
        i += part;
        n -= part;
        out += part;
    }
    if (n > 0)
        FN(copy_part)(from + (i - w->turn) * w->step, w->step, n, out);
}

/* A row of whole lines past the caches; only rows that are not turned are reversed. */
DC_INLINE void FN(copy_lines)(const FN(copying) * w, const FN(any) * from, FN(any) * out)
{
    const dc_i64 line = LINE / (dc_i64)sizeof(T), turn = w->turn;
    dc_i64 at = (turn + line - 1) / line * line;

    if (w->step < 0) {
        FN(block_reverse)(from, w->n, out, 1);
        return;
    }
    transform_lines((void *)(out + at), (const void *)(from + at - turn),
                    (size_t)((w->n - at) / line));
    at = turn / line * line;
    transform_lines((void *)out, (const void *)(from + w->n - turn), (size_t)(turn / line));
    if (at < turn) { /* where the row turns */
        T part[LINE / sizeof(T)];

        for (dc_i64 i = 0; i < line; i++)
            part[i] = from[at + i < turn ? w->n - turn + at + i : at + i - turn];
        transform_line((void *)(out + at), part);
    }
}

/* `rows` whole rows, `next` apart in src and `apart` in out; past the caches where out is dst.  The
 * source is read upwards, which is what fetches it best. */
DC_INLINE void FN(copy_panel)(const FN(copying) * w, const FN(any) * from, dc_i64 next, dc_i64 rows,
                              FN(any) * out, dc_i64 apart, int bypass)
{
    if (next < 0) {
        from += (rows - 1) * next;
        out += (rows - 1) * apart;
        next = -next;
        apart = -apart;
    }
    for (dc_i64 j = 0; j < rows; j++, from += next, out += apart) {
        if (bypass) {
            FN(copy_lines)(w, from, out);
            continue;
        }
        FN(copy_part)(from, w->step, w->n - w->turn, out + w->turn);
        if (w->turn)
            FN(copy_part)(from + (w->n - w->turn) * w->step, w->step, w->turn, out);
    }
}

/* Whether rows are whole lines of dst. */
static int FN(copy_of_lines)(const FN(copying) * w, const dc_transform_args *a,
                             const FN(sink) * sink)
{
    if (!sink->out.bypass || sink->out.paired ||
        !(w->step == 1 || (w->step == -1 && w->turn == 0)) || w->n * (dc_i64)sizeof(T) % LINE ||
        (uintptr_t)(sink->out.dst + a->dst_first) % LINE)
        return 0;
    for (dc_i32 d = 0; d < a->ndim - 1; d++)
        if (a->dst[d] * (dc_i64)sizeof(T) % LINE)
            return 0;
    return 1;
}

/* Rows that the sink takes whole, those along the axis before the last side by side. */
static void FN(copy_rows)(const FN(copying) * w, const dc_transform_args *a,
                          const transform_views *views, FN(sink) * sink, const dc_tiling *tiling,
                          dc_i64 tile)
{
    const dc_i32 d = a->ndim - 2;
    const dc_i64 panel = d < 0 ? 1 : a->shape[d], next = d < 0 ? 0 : a->src[d];
    const dc_i64 rows = a->count / w->n;
    const int lines = FN(copy_of_lines)(w, a, sink), follow = transform_rows_follow(a, views);
    const dc_i64 row = tile * tiling->part[3];
    dc_i64 left = rows - row;
    transform_cursor c;

    left = left < tiling->part[3] ? left : tiling->part[3];
    transform_seek(a, views, row, &c);
    for (dc_i64 side; left > 0; left -= side) {
        const FN(any) *const from = w->src + c.at[VIEW_SRC];

        side = d < 0 ? 1 : panel - c.index[d];
        side = side < left ? side : left;
        if (!lines)
            side = !follow ? 1 : side < SINK_MOST / w->n ? side : SINK_MOST / w->n;
        if (lines) {
            FN(copy_panel)
            (w, from, next, side, sink->out.dst + c.at[VIEW_DST], d < 0 ? 0 : a->dst[d], 1);
        } else {
            const transform_spot spot = transform_spot_of(a, views, &c, 0);

            FN(copy_panel)
            (w, from, next, side, FN(sink_reserve)(sink, side * w->n, &spot), w->n, 0);
        }
        transform_advance(a, views, &c, side);
    }
    FN(sink_flush)(sink);
}

/* Pieces of long rows go from the source to their place. */
static void FN(copy_long)(const FN(copying) * w, const dc_transform_args *a,
                          const transform_views *views, const FN(outlet) * out,
                          const dc_tiling *tiling, dc_i64 tile)
{
    const dc_i64 pieces = tiling->part[1], begin = tile % pieces * tiling->part[2];
    const dc_i64 end = begin + tiling->part[2] < w->n ? begin + tiling->part[2] : w->n;
    const dc_i64 rows = a->count / w->n;
    dc_i64 row = tile / pieces * tiling->part[3], left = rows - row;
    transform_cursor c;

    left = left < tiling->part[3] ? left : tiling->part[3];
    transform_seek(a, views, row, &c);
    for (; left > 0; left--, transform_next(a, views, &c))
        for (dc_i64 i = begin; i < end;) {
            const int turned = i < w->turn;
            const dc_i64 stop = turned && w->turn < end ? w->turn : end;
            const transform_spot spot = transform_spot_of(a, views, &c, i);
            const dc_i64 from = i - w->turn + (turned ? w->n : 0);

            FN(put)(out, &spot, w->src + c.at[VIEW_SRC] + from, stop - i);
            i = stop;
        }
}

/* How a step that moves is cut. */
static void transform_move_plan(const dc_transform_args *a, const transform_views *views,
                                const dc_machine *machine, dc_i64 results, dc_tiling *tiling)
{
    const dc_i32 axis = transform_row_axis(a), last = a->ndim - 1;
    const dc_i64 size = (dc_i64)sizeof(T);

    memset(tiling, 0, sizeof *tiling);
    if (axis == last) {
        transform_rows_plan(a, size, tiling);
        if (a->src[last] == 1 && a->shape[last] * size >= ROWS_LONG_BYTES)
            tiling->part[0] = MODE_LONG;
    } else {
        transform_tile_plan(a, views, axis, size, tiling);
        tiling->part[0] = MODE_TILES;
    }
    tiling->work = a->count * size * results / 8 + 1; /* 8 bytes in a nanosecond */
    transform_bypass(a, machine, results, tiling);
}

DC_INLINE void FN(move_run)(const FN(any) * src, const dc_transform_args *a,
                            const transform_views *views, FN(sink) * sink, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_i32 last = a->ndim - 1;
    const FN(copying) work = {src, a->src[last], a->turn, a->shape[last]};
    const int mode = (int)(tiling->part[0] & 15);

    if (mode == MODE_TILES)
        FN(tile_run)(src, a, views, sink, tiling, tile, scratch);
    else if (mode == MODE_LONG)
        FN(copy_long)(&work, a, views, &sink->out, tiling, tile);
    else if (tiling->part[1] == 1 && work.n <= SINK_MOST)
        FN(copy_rows)(&work, a, views, sink, tiling, tile);
    else
        FN(rows_run)(FN(copy_fill), &work, a, views, sink, tiling, tile);
    if (sink->out.bypass)
        dc_vec_fence();
}

#ifdef DC_MOVE

static void FN(transform_copy_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const transform_views views = transform_views_of(args);

    transform_move_plan(args, &views, machine, 1, tiling);
}

static void FN(transform_copy)(void *const *operand, const void *args, const dc_tiling *tiling,
                               dc_i64 tile, void *scratch)
{
    const dc_transform_args *const a = args;
    const transform_views views = transform_views_of(a);
    FN(sink) sink;

    FN(sink_open)(&sink, a, tiling, operand[1], scratch);
    FN(move_run)(operand[0], a, &views, &sink, tiling, tile, scratch);
}

#define MOVE(row)                                                                                  \
    static void FN(row##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)     \
    {                                                                                              \
        FN(transform_copy_plan)(args, machine, tiling);                                            \
    }                                                                                              \
    static void FN(row)(void *const *operand, const void *args, const dc_tiling *tiling,           \
                        dc_i64 tile, void *scratch)                                                \
    {                                                                                              \
        FN(transform_copy)(operand, args, tiling, tile, scratch);                                  \
    }
MOVE(transform_stack)
MOVE(transform_concatenate)
MOVE(transform_roll)
MOVE(transform_lag)

/* ---- gather ------------------------------------------------------------------------------------
 */

typedef dc_i64 transform_index __attribute__((aligned(1), may_alias));

typedef struct FN(gathering) {
    const FN(any) * src;
    const transform_index *index;
    dc_i64 step, index_step, apart; /* of src and index along the last axis; apart: gathered axis */
} FN(gathering);

DC_INLINE void FN(gather_fill)(const void *work, const transform_cursor *row, dc_i64 i, dc_i64 n,
                               FN(any) * out)
{
    const FN(gathering) *const w = work;
    const FN(any) *from = w->src + row->at[VIEW_SRC] + i * w->step;
    const transform_index *const index = w->index + row->at[VIEW_MORE] + i * w->index_step;

    if (w->index_step == 0) {
        FN(copy_part)(from + *index * w->apart, w->step, n, out);
        return;
    }
    for (dc_i64 k = 0; k < n; k++)
        out[k] = from[k * w->step + index[k * w->index_step] * w->apart];
}

static void FN(transform_gather_plan)(const void *args, const dc_machine *machine,
                                      dc_tiling *tiling)
{
    const dc_transform_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    transform_rows_plan(a, (dc_i64)sizeof(T), tiling);
    tiling->work = a->count * (dc_i64)sizeof(T) / 4 + 1;
    transform_bypass(a, machine, 1, tiling);
}

static void FN(transform_gather)(void *const *operand, const void *args, const dc_tiling *tiling,
                                 dc_i64 tile, void *scratch)
{
    const dc_transform_gather_args *const g = args;
    const dc_i32 last = g->map.ndim - 1;
    const FN(gathering) work = {operand[0], operand[1], g->map.src[last], g->index[last], g->step};
    transform_views views = transform_views_of(&g->map);
    FN(sink) sink;

    views.stride[VIEW_MORE] = g->index;
    views.first[VIEW_MORE] = g->index_first;
    views.count = 3;
    FN(sink_open)(&sink, &g->map, tiling, operand[2], scratch);
    FN(rows_run)(FN(gather_fill), &work, &g->map, &views, &sink, tiling, tile);
    if (sink.out.bypass)
        dc_vec_fence();
}

#else
#include "cpu_fallback/transform_compute.h"
#endif

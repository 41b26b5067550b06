/* Smoothing and standardising: the CPU mirror.  Compiled for each type (T, SFX).
 *
 * Where neighbouring groups lie end to end in both arrays, and their values do not, a tile is a
 * panel of them, a lane for each; else it is some groups, one after the other.  Long lines of a
 * filter are cut along their axis as well. */
#include <math.h>
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/smooth.h"
#include "kernels/shared/vec.h"

#if DC_BITS_OF(SFX) == 32
#define SMOOTH_PICK(f32, f64) f32
#else
#define SMOOTH_PICK(f32, f64) f64
#endif

#ifndef DC_CPU_SMOOTH_C
#define DC_CPU_SMOOTH_C
/* tiling->part */
enum {
    SMOOTH_WIDTH,  /* groups of a panel; 0: no panels                          */
    SMOOTH_GROUPS, /* no panels: groups of a tile                              */
    SMOOTH_ROWS,   /* filters: places along the axis that a tile has           */
    SMOOTH_MOST,   /* filters: of those, places of a block                     */
    SMOOTH_NEARBY, /* filters: nothing is laid out anew                        */
    SMOOTH_STREAM, /* results go past the caches                               */
    SMOOTH_ROOM    /* elements of the block (filters), of the tables (panels)  */
};
enum {
    SMOOTH_TILE = 1 << 15, /* values of a tile, about                        */
    SMOOTH_PANEL_BYTES = 1 << 14,
    SMOOTH_LONGEST_PANEL = 1 << 12 /* taps up to which filters work on panels    */
};

static inline dc_i64 smooth_least(dc_i64 a, dc_i64 b)
{
    return a < b ? a : b;
}

/* Bring `bytes` bytes near, all at once: better than between stores past the caches. */
static inline void smooth_prefetch(const char *from, dc_i64 bytes)
{
    for (dc_i64 at = 0; at < bytes; at += 64)
        __builtin_prefetch(from + at, 0, 2);
}

static inline dc_i64 smooth_div_up(dc_i64 a, dc_i64 b)
{
    return (a + b - 1) / b;
}
#endif

static void FN(smooth_copy)(T *to, const FN(loose) * from, dc_i64 count)
{
    dc_i64 i = 0;

    for (; i + VEC_LANES <= count; i += VEC_LANES)
        FN(vstoreu)(to + i, FN(vloadu)(from + i));
    for (; i < count; i++)
        to[i] = from[i];
}

#include "cpu_fallback/smooth_groups.h"
#include "cpu_fallback/smooth_panels.h"
#include "cpu_fallback/smooth_taps.h"

#include "cpu_fallback/smooth_lines.h"

/* ---- cuts ---------------------------------------------------------------------------------- */

/* Groups side by side, in panels of `most` values each; 0: they are not. */
static dc_i64 FN(smooth_width)(const dc_smooth_args *a, dc_i64 most)
{
    const dc_i32 last = a->naxes - 1;
    dc_i64 width;

    if (a->shape[last] < VEC_LANES || a->src_stride[last] != 1 || a->dst_stride[last] != 1 ||
        a->n >= INT32_MAX)
        return 0;
    width = most / VEC_LANES * VEC_LANES;
    width = width < 4 * VEC_LANES ? 4 * VEC_LANES : width > 1024 ? 1024 : width;
    return smooth_least(width, smooth_div_up(a->shape[last], VEC_LANES) * VEC_LANES);
}

static void FN(smooth_begin)(const dc_smooth_args *a, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_i64 bytes = a->n * a->groups * (dc_i64)sizeof(T);

    memset(tiling, 0, sizeof *tiling);
    /* Beyond what the last cache could keep for the reader. */
    tiling->part[SMOOTH_STREAM] = bytes > machine->l3_bytes / 4;
    tiling->work = bytes / 8 + 1; /* some 16 bytes in a nanosecond, in and out */
}

static void FN(smooth_cut_groups)(const dc_smooth_args *a, const dc_machine *machine,
                                  dc_tiling *tiling)
{
    const dc_i64 size = (dc_i64)sizeof(T), lead = a->shape[a->naxes - 1];
    /* Values and the columns of a leaf. */
    const dc_i64 rows = a->n > DC_SMOOTH_COLUMNS ? a->n + DC_SMOOTH_COLUMNS : a->n;
    const dc_i64 width = FN(smooth_width)(a, SMOOTH_PANEL_BYTES / size / rows);

    FN(smooth_begin)(a, machine, tiling);
    tiling->part[SMOOTH_WIDTH] = width;
    if (width) {
        dc_i64 nodes = 2;

        for (dc_i64 leaves = a->n / DC_SMOOTH_LEAF; leaves > 0; leaves /= 2)
            nodes++;
        tiling->part[SMOOTH_ROOM] = width;
        tiling->tiles = a->groups / lead * smooth_div_up(lead, width);
        tiling->scratch_bytes = (4 + nodes * DC_SMOOTH_COLUMNS) * width * size;
        return;
    }
    tiling->part[SMOOTH_GROUPS] = a->n < SMOOTH_TILE ? SMOOTH_TILE / a->n : 1;
    tiling->tiles = smooth_div_up(a->groups, tiling->part[SMOOTH_GROUPS]);
    tiling->scratch_bytes = 2 * SMOOTH_CHUNK * size;
}

/* Panels of a filter; the last one is wider than the others where they leave a rest. */
static dc_i64 smooth_panels(const dc_smooth_args *a, dc_i64 width)
{
    return a->shape[a->naxes - 1] / width;
}

static void FN(smooth_cut_filter)(const dc_smooth_args *a, const dc_machine *machine,
                                  dc_tiling *tiling)
{
    const dc_i64 size = (dc_i64)sizeof(T), lead = a->shape[a->naxes - 1], taps = a->window;
    dc_i64 *const part = tiling->part;
    dc_i64 width = 0, blocks;

    FN(smooth_begin)(a, machine, tiling);
    part[SMOOTH_NEARBY] = FN(smooth_is_line)(a);
    if (taps <= SMOOTH_LONGEST_PANEL && !(a->group_src[0] == 1 && a->group_dst[0] == 1))
        width = smooth_least(FN(smooth_width)(a, 2 * SMOOTH_PANEL_BYTES / size / taps), lead);
    if (width)
        part[SMOOTH_NEARBY] = FN(smooth_is_near)(a);
    part[SMOOTH_WIDTH] = width;
    part[SMOOTH_MOST] = smooth_least(a->n, width         ? (taps > 16 ? taps : 16)
                                           : taps > 2048 ? taps
                                                         : 2048);
    blocks = SMOOTH_TILE / (part[SMOOTH_MOST] * (width ? width : 1)) + 1;
    part[SMOOTH_ROWS] = part[SMOOTH_MOST] * (width ? 4 * blocks : blocks);
    if (part[SMOOTH_NEARBY] && !width)
        part[SMOOTH_ROWS] = a->n;
    part[SMOOTH_ROOM] = width ? 2 * width * (part[SMOOTH_MOST] + taps) : part[SMOOTH_MOST] + taps;
    if (part[SMOOTH_NEARBY] && !width) /* tables of places */
        part[SMOOTH_ROOM] = 2 * VEC_LANES * VEC_LANES;
    tiling->scratch_bytes = 2 * (part[SMOOTH_ROOM] + VEC_LANES) * size;
    if (part[SMOOTH_NEARBY] && width) /* and tables of rows */
        tiling->scratch_bytes += (part[SMOOTH_ROWS] + taps) * (dc_i64)sizeof(T *);
    if (width) {
        tiling->tiles = a->groups / lead * smooth_panels(a, width);
    } else {
        part[SMOOTH_GROUPS] = a->n < SMOOTH_TILE ? SMOOTH_TILE / a->n : 1;
        tiling->tiles = smooth_div_up(a->groups, part[SMOOTH_GROUPS]);
    }
    tiling->tiles *= smooth_div_up(a->n, part[SMOOTH_ROWS]);
    if (a->kind == DC_SMOOTH_GAUSSIAN)
        tiling->work *= 1 + taps / 8;
}

/* ---- tiles --------------------------------------------------------------------------------- */

/* Elements from the first of the arrays to the panel, and how many groups it has. */
static dc_i64 FN(smooth_panel_at)(const dc_smooth_args *a, dc_i64 width, dc_i64 tile, dc_i64 *dst,
                                  dc_i64 *groups)
{
    const dc_i64 lead = a->shape[a->naxes - 1], panels = smooth_div_up(lead, width);
    const dc_i64 from = tile % panels * width;

    *groups = smooth_least(width, lead - from);
    return smooth_group_at(a, tile / panels * lead + from, dst);
}

DC_INLINE void FN(smooth_panel_tile)(int kind, void *const *operand, const dc_smooth_args *a,
                                     const dc_tiling *tiling, dc_i64 tile, T *scratch)
{
    const dc_i64 room = tiling->part[SMOOTH_ROOM];
    dc_i64 to, groups;
    const dc_i64 from = FN(smooth_panel_at)(a, tiling->part[SMOOTH_WIDTH], tile, &to, &groups);
    const FN(smooth_panel) panel = {a,
                                    (const T *)operand[0] + from,
                                    (T *)operand[1] + to,
                                    groups,
                                    room,
                                    (int)tiling->part[SMOOTH_STREAM],
                                    scratch,
                                    scratch + room,
                                    scratch + 2 * room,
                                    scratch + 3 * room,
                                    scratch + 4 * room};

    if (kind == DC_SMOOTH_MEAN)
        FN(smooth_panel_mean)(&panel);
    else if (kind == DC_SMOOTH_STANDARDIZE)
        FN(smooth_panel_standardize)(&panel);
    else
        FN(smooth_panel_minmax)(&panel);
    FN(smooth_panel_write)(&panel, kind);
}

DC_INLINE void FN(smooth_groups_tile)(int kind, void *const *operand, const dc_smooth_args *a,
                                      const dc_tiling *tiling, dc_i64 tile, T *scratch)
{
    const dc_i64 each = tiling->part[SMOOTH_GROUPS], first = tile * each;
    const dc_i64 end = smooth_least(first + each, a->groups);
    FN(smooth_line) line = {.args = a, .in = scratch, .out = scratch + SMOOTH_CHUNK};
    dc_i64 to, from = smooth_group_at(a, first, &to);

    line.src_run = a->group_axes == 1 && (a->group_src[0] == 1 || a->n == 1);
    line.dst_run = a->group_axes == 1 && (a->group_dst[0] == 1 || a->n == 1);
    line.stream = (int)tiling->part[SMOOTH_STREAM];
    for (dc_i64 group = first; group < end; group++) {
        line.src = (const T *)operand[0] + from;
        line.dst = (T *)operand[1] + to;
        from = smooth_group_at(a, group + 1 < a->groups ? group + 1 : group, &to);
        line.ahead = line.src_run && line.stream && a->n <= DC_SMOOTH_LEAF
                         ? (const char *)((const T *)operand[0] + from)
                         : NULL;
        if (kind == DC_SMOOTH_MEAN)
            FN(smooth_group_mean)(&line);
        else if (kind == DC_SMOOTH_STANDARDIZE)
            FN(smooth_group_standardize)(&line);
        else
            FN(smooth_group_minmax)(&line);
    }
}

DC_INLINE void FN(smooth_groups)(int kind, void *const *operand, const void *args,
                                 const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_smooth_args a = *(const dc_smooth_args *)args; /* no store can change it */

    if (tiling->part[SMOOTH_WIDTH])
        FN(smooth_panel_tile)(kind, operand, &a, tiling, tile, scratch);
    else
        FN(smooth_groups_tile)(kind, operand, &a, tiling, tile, scratch);
    if (tiling->part[SMOOTH_STREAM])
        dc_vec_fence();
}

/* Rows first ... end - 1 of a panel. */
static void FN(smooth_filter_panel)(FN(smooth_filter) * f, void *const *operand, const dc_i64 *part,
                                    dc_i64 which, dc_i64 first, dc_i64 end)
{
    const dc_smooth_args *const a = f->args;
    const dc_i64 width = part[SMOOTH_WIDTH], panels = smooth_panels(a, width);
    const dc_i64 lead = a->shape[a->naxes - 1], at = which % panels * width;
    dc_i64 to;
    const dc_i64 from = smooth_group_at(a, which / panels * lead + at, &to);

    f->width = which % panels == panels - 1 ? lead - at : width;
    f->src = (const T *)operand[0] + from;
    f->dst = (T *)operand[1] + to;
    if (part[SMOOTH_NEARBY])
        FN(smooth_panel_rows)(f, first, end);
    else
        FN(smooth_blocks)(f, first, end, part[SMOOTH_MOST]);
}

static void FN(smooth_filter_tile)(void *const *operand, const void *args, const dc_tiling *tiling,
                                   dc_i64 tile, T *scratch)
{
    const dc_smooth_args a = *(const dc_smooth_args *)args;
    const dc_i64 *const part = tiling->part;
    const dc_i64 cuts = smooth_div_up(a.n, part[SMOOTH_ROWS]), which = tile / cuts;
    const dc_i64 first = tile % cuts * part[SMOOTH_ROWS];
    const dc_i64 end = smooth_least(first + part[SMOOTH_ROWS], a.n);
    const dc_i64 group = which * part[SMOOTH_GROUPS];
    const dc_i64 last = smooth_least(group + part[SMOOTH_GROUPS], a.groups);
    FN(smooth_filter) f = {.args = &a, .width = 1, .stream = (int)part[SMOOTH_STREAM]};

    f.weight = a.kind == DC_SMOOTH_GAUSSIAN ? operand[2] : NULL;
    f.rows = scratch;
    f.sum = scratch + part[SMOOTH_ROOM] + VEC_LANES;
    f.places = (const FN(loose) **)(void *)(scratch + 2 * (part[SMOOTH_ROOM] + VEC_LANES));
    if (part[SMOOTH_WIDTH]) {
        FN(smooth_filter_panel)(&f, operand, part, which, first, end);
    } else if (part[SMOOTH_NEARBY]) {
        FN(smooth_near_lines)(&f, operand[0], operand[1], group, last);
    } else {
        for (dc_i64 g = group; g < last; g++) {
            dc_i64 to;

            f.src = (const T *)operand[0] + smooth_group_at(&a, g, &to);
            f.dst = (T *)operand[1] + to;
            FN(smooth_blocks)(&f, first, end, part[SMOOTH_MOST]);
        }
    }
    if (f.stream)
        dc_vec_fence();
}

/* ---- rows ---------------------------------------------------------------------------------- */

#define SMOOTH_GROUP_ROW(row, kind)                                                                \
    static void FN(row##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)     \
    {                                                                                              \
        FN(smooth_cut_groups)(args, machine, tiling);                                              \
    }                                                                                              \
    static void FN(row)(void *const *operand, const void *args, const dc_tiling *tiling,           \
                        dc_i64 tile, void *scratch)                                                \
    {                                                                                              \
        FN(smooth_groups)(kind, operand, args, tiling, tile, scratch);                             \
    }

#define SMOOTH_FILTER_ROW(row)                                                                     \
    static void FN(row##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)     \
    {                                                                                              \
        FN(smooth_cut_filter)(args, machine, tiling);                                              \
    }                                                                                              \
    static void FN(row)(void *const *operand, const void *args, const dc_tiling *tiling,           \
                        dc_i64 tile, void *scratch)                                                \
    {                                                                                              \
        FN(smooth_filter_tile)(operand, args, tiling, tile, scratch);                              \
    }

SMOOTH_GROUP_ROW(smooth_mean, DC_SMOOTH_MEAN)
SMOOTH_GROUP_ROW(smooth_standardize, DC_SMOOTH_STANDARDIZE)
SMOOTH_GROUP_ROW(smooth_minmax, DC_SMOOTH_MINMAX)
SMOOTH_FILTER_ROW(smooth_moving)
SMOOTH_FILTER_ROW(smooth_gaussian)

#undef SMOOTH_GROUP_ROW
#undef SMOOTH_FILTER_ROW
#undef SMOOTH_VECS
#undef SMOOTH_BATCH
#undef SMOOTH_PICK

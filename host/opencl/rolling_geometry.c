/* How rolling steps are cut for a device: see kernels/rolling.cl. */
#include <string.h>

#include "dualcube/kinds.h"
#include "host/core/registry.h"
#include "host/opencl/geometry.h"
#include "kernels/shared/rolling.h"

/* dc_launch.p[0] of chunks: pass, flags << 8, outputs << 16; p[1], p[2]: first series and their
 * number; p[3]: first output. */
enum { PASS_LAST = 1, PASS_ROW_FAST = 2 };

enum {
    GROUP = 64, /* work-items; of groups that a barrier joins:                  */
    GROUP_TREE = 256,
    GROUP_ORDER = 128,
    GROUP_ORDER_CPU = 64, /* where a group is a loop                                      */
    DIGIT = 4,            /* levels of the tree that a pass climbs                          */
    NEAR_MIN_ROOM = 32,   /* rows of a tile in local memory                                 */
    NEAR_MAX_ROOM = 4096, /* 2^12; row numbers have 16 bits                                 */
    ORDER_LEAF = 16,      /* rows: as in kernels/rolling.cl                                 */
    SECTOR = 32,          /* bytes that memory gives at a time                              */
    TREE_EACH = 8         /* elements of an item: DC_TREE_EACH of kernels/rolling.cl        */
};

/* Scratch that a chunk should not exceed without need: what caches of big cards hold. */
static const int64_t comfortable_bytes = (int64_t)64 << 20;

/* One step being cut. */
typedef struct cutter {
    const dc_step *step;
    const dc_rolling_args *args;
    const dc_cl_caps *caps;
    dc_arena *arena;
    dc_cl_geometry *geometry;
    int64_t room;       /* launches that geometry->launch holds                              */
    int64_t item_bytes; /* of a value                                                        */
    int row_fast;       /* neighbouring items are neighbouring rows, else series             */
} cutter;

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t div_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static int64_t group_size(const cutter *c, int64_t wanted)
{
    int64_t size = 1;
    while (2 * size <= wanted && 2 * size <= c->caps->max_group)
        size *= 2;
    return size;
}

static int levels_of(int64_t n)
{
    return n > 1 ? 64 - __builtin_clzll((unsigned long long)n - 1) : 0;
}

/* Rows of a chunk of `count` outputs from `first` on, as dc_chunk_of in kernels/rolling.cl has it.
 */
static int64_t chunk_rows(const dc_rolling_args *a, int64_t first, int64_t count)
{
    const int64_t newest = a->out_first + first * a->step + a->shift;
    const int64_t low = a->expanding ? 0 : max64(newest - a->window + 1, 0);
    return newest - low + (count - 1) * a->step + 1;
}

/* `groups` groups in a line; a flat index must fit into size_t. */
static dc_status add_launch(cutter *c, const char *kernel, int64_t groups, int64_t size,
                            int64_t local_bytes, dc_launch part)
{
    dc_cl_geometry *g = c->geometry;
    int64_t items;

    DC_REQUIRE(!__builtin_mul_overflow(groups, size, &items), DC_E_UNSUPPORTED,
               "%s: %lld groups of %lld work-items are too many for one launch", c->step->op->name,
               (long long)groups, (long long)size);
    if (g->nlaunches == c->room) {
        const int64_t room = c->room ? 4 * c->room : 4;
        dc_cl_launch *grown = dc__arena_alloc(c->arena, (size_t)room * sizeof *grown);
        DC_REQUIRE(grown, DC_E_MEMORY, "%s: out of host memory", c->step->op->name);
        if (g->nlaunches)
            memcpy(grown, g->launch, (size_t)g->nlaunches * sizeof *grown);
        g->launch = grown;
        c->room = room;
    }
    g->launch[g->nlaunches++] = (dc_cl_launch){
        .kernel = kernel,
        .global = {(size_t)items, 1, 1},
        .local = {(size_t)size, 1, 1},
        .local_bytes = local_bytes,
        .part = part,
    };
    return DC_OK;
}

/* A launch of `fast` positions for each of `slow`. */
static dc_status add_pass(cutter *c, const char *kernel, int64_t fast, int64_t slow, dc_launch part)
{
    const int64_t size = group_size(c, GROUP);
    int64_t groups;

    DC_REQUIRE(!__builtin_mul_overflow(div_up(fast, size), slow, &groups), DC_E_UNSUPPORTED,
               "%s: an index space beyond 2^63", c->step->op->name);
    return add_launch(c, kernel, groups, size, 0, part);
}

/* Outputs and series of a chunk. */
typedef struct chunk_size {
    int64_t count, series;
} chunk_size;

/* Scratch of a chunk, or -1 when no number can hold it. */
typedef int64_t (*chunk_bytes)(const cutter *c, int64_t rows, int64_t count, int64_t series);

static int64_t bytes_of(const cutter *c, chunk_bytes bytes, int64_t first, chunk_size size)
{
    const int64_t rows = chunk_rows(c->args, first, size.count);
    /* 2^8 bytes a row and more would not fit either */
    if (rows > INT64_MAX / 512 / size.series)
        return -1;
    return bytes(c, rows, size.count, size.series);
}

/* The most expensive chunk of a size begins where the windows are complete: at the end. */
static int chunk_fits(const cutter *c, chunk_bytes bytes, chunk_size size, int64_t limit)
{
    const int64_t need = bytes_of(c, bytes, c->args->out_rows - size.count, size);
    return need >= 0 && need <= limit;
}

/* Fewer series first (in whole groups), then fewer outputs, as long as the rows that chunks share
 * stay a small part. */
static int choose_chunk(const cutter *c, chunk_bytes bytes, int64_t limit, int64_t least_count,
                        chunk_size *size)
{
    const dc_rolling_args *a = c->args;
    const int64_t least_series = min64(a->series, c->row_fast ? 1 : GROUP);

    *size = (chunk_size){a->out_rows, a->series};
    while (size->series > least_series && !chunk_fits(c, bytes, *size, limit))
        size->series = max64(size->series / 2 / GROUP * GROUP, least_series);
    while (size->count > least_count && !a->expanding && !chunk_fits(c, bytes, *size, limit))
        size->count = max64(size->count / 2, least_count);
    while (size->series > 1 && !chunk_fits(c, bytes, *size, limit))
        size->series /= 2;
    return chunk_fits(c, bytes, *size, limit);
}

/* Passes over one chunk. */
typedef dc_status (*chunk_add)(cutter *c, dc_launch part, int64_t rows, int64_t count,
                               int64_t series);

static dc_status add_chunks(cutter *c, chunk_bytes bytes, chunk_add add)
{
    const dc_rolling_args *a = c->args;
    const int64_t limit = c->caps->scratch_limit_bytes;
    const int64_t calm = div_up(4 * min64(a->window, a->rows), a->step);
    chunk_size size;

    if (!choose_chunk(c, bytes, min64(limit, comfortable_bytes), min64(calm, a->out_rows), &size) &&
        !choose_chunk(c, bytes, limit, 1, &size))
        return dc__fail(DC_E_UNSUPPORTED,
                        "%s: a window of %lld rows needs more than the %lld bytes of scratch that "
                        "the device gives",
                        c->step->op->name, (long long)min64(a->window, a->rows), (long long)limit);
    for (int64_t s = 0; s < a->series; s += size.series) {
        const int64_t series = min64(size.series, a->series - s);
        for (int64_t k = 0; k < a->out_rows; k += size.count) {
            const int64_t count = min64(size.count, a->out_rows - k);
            const int64_t need = bytes_of(c, bytes, k, (chunk_size){count, series});
            c->geometry->scratch_bytes = max64(c->geometry->scratch_bytes, need);
            DC_TRY(add(c, (dc_launch){{count << 16, s, series, k}}, chunk_rows(a, k, count), count,
                       series));
        }
    }
    return DC_OK;
}

/* ---- the tree ------------------------------------------------------------------------------ */

static int64_t tree_planes(int32_t kind)
{
    return kind == DC_ROLLING_COUNT ? 0 : kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD ? 3 : 1;
}

/* Two levels of aggregates and the windows so far. */
static int64_t tree_bytes(const cutter *c, int64_t rows, int64_t count, int64_t series)
{
    const int64_t each = tree_planes(c->args->kind) * c->item_bytes + 4;
    return (count * series * each + 7) / 8 * 8 + 2 * ((rows * series * each + 7) / 8 * 8);
}

static const char *tree_kernel(int32_t kind, int deep)
{
    static const char *const name[][2] = {
        [DC_ROLLING_COUNT] = {"rolling_count", "rolling_count_deep"},
        [DC_ROLLING_SUM] = {"rolling_sum", "rolling_sum_deep"},
        [DC_ROLLING_MEAN] = {"rolling_mean", "rolling_mean_deep"},
        [DC_ROLLING_VAR] = {"rolling_var", "rolling_var_deep"},
        [DC_ROLLING_STD] = {"rolling_std", "rolling_std_deep"},
        [DC_ROLLING_MIN] = {"rolling_min", "rolling_min_deep"},
        [DC_ROLLING_MAX] = {"rolling_max", "rolling_max_deep"},
        [DC_ROLLING_MEDIAN] = {"rolling_median", "rolling_median_deep"},
        [DC_ROLLING_QUANTILE] = {"rolling_quantile", "rolling_quantile_deep"},
    };
    return name[kind][deep];
}

/* The longest window of the step: 2^bits > it. */
static int tree_bits(const dc_rolling_args *a)
{
    const int64_t longest =
        a->expanding ? a->out_first + (a->out_rows - 1) * a->step + 1 : a->window;
    return 64 - __builtin_clzll((unsigned long long)longest);
}

/* The last pass takes five bits of the window, the others four. */
static int tree_passes(const dc_rolling_args *a)
{
    const int bits = tree_bits(a);
    return bits <= DIGIT + 1 ? 1 : (bits - 1 + DIGIT - 1) / DIGIT;
}

static dc_status add_tree(cutter *c, dc_launch part, int64_t rows, int64_t count, int64_t series)
{
    const int passes = tree_passes(c->args);

    for (int pass = 0; pass < passes; ++pass) {
        const int last = pass + 1 == passes;
        const int64_t lines = last ? count : rows;
        dc_launch p = part;
        p.p[0] |= pass | ((last ? PASS_LAST : 0) | (c->row_fast ? PASS_ROW_FAST : 0)) << 8;
        DC_TRY(add_pass(c, tree_kernel(c->args->kind, 1), c->row_fast ? lines : series,
                        c->row_fast ? series : lines, p));
    }
    return DC_OK;
}

/* Local memory per element of a tile: two levels. */
static int64_t tile_bytes(const cutter *c)
{
    return 2 * (tree_planes(c->args->kind) * c->item_bytes + 4);
}

/* Outputs of a tile of at most `room` rows; 0: none. */
static int64_t tile_count(const dc_rolling_args *a, int64_t room)
{
    if (chunk_rows(a, 0, a->out_rows) <= room)
        return a->out_rows;
    return a->expanding || a->window > room ? 0 : (room - a->window) / a->step + 1;
}

static dc_status add_tiles(cutter *c, int64_t size, int64_t count, int64_t lanes, int64_t room,
                           int levels, int64_t local_bytes)
{
    const dc_rolling_args *a = c->args;
    int64_t groups;

    DC_REQUIRE(
        !__builtin_mul_overflow(div_up(a->series, lanes), div_up(a->out_rows, count), &groups),
        DC_E_UNSUPPORTED, "%s: an index space beyond 2^63", c->step->op->name);
    return add_launch(c, tree_kernel(a->kind, 0), groups, size, local_bytes,
                      (dc_launch){{count, lanes, room, levels}});
}

/* As many series side by side as fill a sector of memory and leave tiles of four windows.  A tile
 * that holds all rows will do, and one with a quarter of its rows for outputs still beats the
 * passes. */
static dc_status cut_tree(cutter *c)
{
    const dc_rolling_args *a = c->args;
    const int64_t rows = chunk_rows(a, 0, a->out_rows);
    const int64_t size = group_size(c, GROUP_TREE);
    int64_t all = size * TREE_EACH, lanes = 1, room;

    while (all * tile_bytes(c) > c->caps->local_bytes)
        all /= 2;
    while (!c->row_fast && lanes < SECTOR / c->item_bytes && lanes < a->series &&
           all / (2 * lanes) >= min64(4 * a->window, rows))
        lanes *= 2;
    room = all / lanes;
    if (rows > room && (a->expanding || 4 * a->window > 3 * room))
        return add_chunks(c, tree_bytes, add_tree);
    return add_tiles(c, size, min64(tile_count(a, room), a->out_rows), lanes, room, 0,
                     all * tile_bytes(c));
}

/* ---- order statistics ---------------------------------------------------------------------- */

/* Levels of merges above leaves of 16 rows. */
static int order_levels(int64_t n)
{
    return n > ORDER_LEAF ? levels_of(n) - levels_of(ORDER_LEAF) : 0;
}

/* Local memory per series of a tile of `room` rows: keys, three lists of row numbers, and the
 * counts of all levels, which take the place of the keys' other buffer. */
static int64_t near_bytes(const cutter *c, int64_t room)
{
    return room * (c->item_bytes + 3 * 2 + max64(c->item_bytes, 2 * order_levels(room)));
}

/* As tile_count, but rows past the end take no room. */
static int64_t near_count(const dc_rolling_args *a, int64_t room)
{
    return a->rows <= room ? a->out_rows : tile_count(a, room);
}

/* Rows of tiles: four windows if there is room.  0: so few outputs would share one that merges in
 * scratch are better. */
static int64_t near_room(const cutter *c)
{
    const dc_rolling_args *a = c->args;
    const int64_t enough = min64(4 * min64(a->window, a->rows), a->rows);
    int64_t room = NEAR_MIN_ROOM;

    while (room < NEAR_MAX_ROOM && near_bytes(c, 2 * room) <= c->caps->local_bytes &&
           (room < enough || near_count(a, room) == 0))
        room *= 2;
    if (near_bytes(c, room) > c->caps->local_bytes ||
        near_count(a, room) < min64(a->out_rows, div_up(room, 8 * a->step)))
        return 0;
    return room;
}

static dc_status cut_near(cutter *c, int64_t room)
{
    const dc_rolling_args *a = c->args;
    const int64_t size = group_size(c, c->caps->is_cpu ? GROUP_ORDER_CPU : GROUP_ORDER);
    const int64_t count = min64(near_count(a, room), a->out_rows);
    int64_t lanes = 1;

    while (!c->row_fast && lanes < SECTOR / c->item_bytes && 2 * lanes <= size &&
           lanes < a->series && 2 * lanes * near_bytes(c, room) <= c->caps->local_bytes)
        lanes *= 2;
    return add_tiles(c, size, count, lanes, room, order_levels(room), lanes * near_bytes(c, room));
}

/* Two lists of keys, three of row numbers, and the counts of all levels. */
static int64_t far_bytes(const cutter *c, int64_t rows, int64_t count, int64_t series)
{
    const int64_t n = min64(rows, c->args->rows);
    (void)count;
    if (n > UINT32_MAX / 2)
        return -1;
    return series * n * (2 * c->item_bytes + 3 * 4 + 4 * order_levels(n));
}

static dc_status add_far(cutter *c, dc_launch part, int64_t rows, int64_t count, int64_t series)
{
    const dc_rolling_args *a = c->args;
    const char *kernel = tree_kernel(a->kind, 1);
    const int64_t newest = a->out_first + part.p[3] * a->step + a->shift;
    const int64_t low = a->expanding ? 0 : max64(newest - a->window + 1, 0);
    const int64_t n = min64(rows, a->rows - low);
    const int passes = 2 * order_levels(n) + 4;

    for (int pass = 0; pass < passes; ++pass) {
        dc_launch p = part;
        p.p[0] |= pass;
        DC_TRY(add_pass(c, kernel, pass + 1 == passes ? count : n, series, p));
    }
    return DC_OK;
}

static dc_status cut_order(cutter *c)
{
    const int64_t room = near_room(c);
    return room ? cut_near(c, room) : add_chunks(c, far_bytes, add_far);
}

static int64_t reach(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

dc_status dc__cl_cut_rolling(const dc_step *step, const dc_cl_caps *caps, dc_arena *arena,
                             dc_cl_geometry *geometry)
{
    const dc_rolling_args *a = step->args;
    const int64_t beside = reach(a->src_stride[a->ndim - 1]);
    cutter c = {step, a, caps, arena, geometry, 0, step->dtype == DC_F64 ? 8 : 4, 0};

    memset(geometry, 0, sizeof *geometry);
    /* Counts of rows are 32 bits wide on the device, and a chunk's outputs have 47. */
    DC_REQUIRE(a->rows <= UINT32_MAX && a->out_rows < (int64_t)1 << 47, DC_E_UNSUPPORTED,
               "%s: series of %lld rows; a device takes at most %lld", step->op->name,
               (long long)a->rows, (long long)UINT32_MAX);
    if (a->out_rows <= 0 || a->series <= 0)
        return DC_OK;
    c.row_fast = reach(a->src_row_stride) < beside || a->series < GROUP / 4;
    return a->kind == DC_ROLLING_MEDIAN || a->kind == DC_ROLLING_QUANTILE ? cut_order(&c)
                                                                          : cut_tree(&c);
}

/* The dyadic tree of kernels/shared/rolling.h over the windows of a step.  OpenCL C.
 *
 * A template: the includer defines T and SFX and has read rolling.h and divide.h.  No guard. */

/* Aggregate of a block of rows.  x: sum, extreme, or anchor; m, s: see rolling.h. */
typedef struct FN(state) {
    dc_u32 n;
    T x, m, s;
} FN(state);

static inline FN(state) FN(state_none)(void)
{
    FN(state) state;
    state.n = 0;
    state.x = state.m = state.s = 0;
    return state;
}

/* -0 is taken as +0 by extremes; a sum begins at +0 anyway. */
static inline FN(state) FN(state_leaf)(T x, int inf_is_value)
{
    FN(state) state = FN(state_none)();
    if (FN(is_valid)(x, inf_is_value)) {
        state.n = 1;
        state.x = x + 0;
    }
    return state;
}

/* x: the newest valid value, m: mean - x, s: squared deviations from the mean. */
static inline FN(state) FN(merge_moments)(FN(state) old, FN(state) new, dc_i64 careful)
{
    const int care = dc_rolling_care(careful, (dc_i64)old.n + new.n);
    const T n = (T)(old.n + new.n), w = FN(dc_div)((T)old.n, n);
    const T u = new.x - old.x, v = new.m - old.m;
    T f = (T) new.n *w, d = u + v, q = d *d, p, z;
    FN(state) out;

    if (care & DC_CARE_GAP) {
        const T e = ((new.x - u) - old.x) + (v - (d - u));
        f = FN(dc_div)((T)old.n * (T) new.n, n);
        q = q + d * (e + e);
        d = d + e;
    }
    p = q * f;
    z = (old.s + new.s) + p;
    if ((care & DC_CARE_SUM) && z < INFINITY)
        z = z + ((new.s - (z - old.s)) + p);
    out.n = old.n + new.n;
    out.x = new.n ? new.x : old.x;
    out.m = !old.n ? new.m : !new.n ? old.m : new.m - d *w;
    out.s = !old.n ? new.s : !new.n ? old.s : z;
    return out;
}

static inline FN(state) FN(state_merge)(int kind, dc_i64 careful, FN(state) old, FN(state) new)
{
    FN(state) out = new;

    if (kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD)
        return FN(merge_moments)(old, new, careful);
    out.n = old.n + new.n;
    if (kind == DC_ROLLING_SUM || kind == DC_ROLLING_MEAN)
        out.x = old.x + new.x;
    else if (kind == DC_ROLLING_MIN)
        out.x = !old.n ? new.x : !new.n ? old.x : old.x < new.x ? old.x : new.x;
    else if (kind == DC_ROLLING_MAX)
        out.x = !old.n ? new.x : !new.n ? old.x : new.x < old.x ? old.x : new.x;
    return out;
}

/* Where the rows of one series lie: the input (pass 0) or planes of aggregates in scratch, x then m
 * then s then n, each `plane` elements. */
typedef struct FN(rows) {
    __global const T *data;
    __global const dc_u32 *count;
    dc_i64 base, stride, plane, rows;
    dc_i64 careful; /* of the arguments */
    int inf_is_value;
} FN(rows);

static inline int dc_planes(int kind)
{
    return kind == DC_ROLLING_COUNT ? 0 : kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD ? 3 : 1;
}

static inline FN(state) FN(planes_load)(int kind, __global const T *data,
                                        __global const dc_u32 *count, dc_i64 plane, dc_i64 at)
{
    FN(state) state = FN(state_none)();

    state.n = count[at];
    if (dc_planes(kind) > 0)
        state.x = data[at];
    if (dc_planes(kind) > 1) {
        state.m = data[at + plane];
        state.s = data[at + 2 * plane];
    }
    return state;
}

static inline void FN(planes_store)(int kind, __global T *data, __global dc_u32 *count,
                                    dc_i64 plane, dc_i64 at, FN(state) state)
{
    count[at] = state.n;
    if (dc_planes(kind) > 0)
        data[at] = state.x;
    if (dc_planes(kind) > 1) {
        data[at + plane] = state.m;
        data[at + 2 * plane] = state.s;
    }
}

static inline FN(state) FN(tree1)(int kind, const FN(rows) * from, dc_i64 row)
{
    if (row < 0 || row >= from->rows)
        return FN(state_none)();
    if (!from->count)
        return FN(state_leaf)(from->data[from->base + row * from->stride], from->inf_is_value);
    return FN(planes_load)(kind, from->data, from->count, from->plane,
                           from->base + row * from->stride);
}

/* Blocks of 2, 4, 8, 16 units ending at `row`. */
static inline FN(state) FN(tree2)(int kind, const FN(rows) * from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree1)(kind, from, row - unit);
    return FN(state_merge)(kind, from->careful, old, FN(tree1)(kind, from, row));
}

static inline FN(state) FN(tree4)(int kind, const FN(rows) * from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree2)(kind, from, row - 2 * unit, unit);
    return FN(state_merge)(kind, from->careful, old, FN(tree2)(kind, from, row, unit));
}

static inline FN(state) FN(tree8)(int kind, const FN(rows) * from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree4)(kind, from, row - 4 * unit, unit);
    return FN(state_merge)(kind, from->careful, old, FN(tree4)(kind, from, row, unit));
}

static inline FN(state) FN(tree16)(int kind, const FN(rows) * from, dc_i64 row, dc_i64 unit)
{
    const FN(state) old = FN(tree8)(kind, from, row - 8 * unit, unit);
    return FN(state_merge)(kind, from->careful, old, FN(tree8)(kind, from, row, unit));
}

/* Blocks of the window ending at `row` that this pass's levels hold, newest (smallest) first, onto
 * `acc`, which holds the `newer` rows after them. */
static inline FN(state) FN(tree_blocks)(int kind, const FN(rows) * from, dc_i64 row, dc_i64 unit,
                                        dc_i64 newer, dc_i64 bits, FN(state) acc)
{
    row -= newer;
    if (bits & 1) {
        acc = FN(state_merge)(kind, from->careful, FN(tree1)(kind, from, row), acc);
        row -= unit;
    }
    if (bits & 2) {
        acc = FN(state_merge)(kind, from->careful, FN(tree2)(kind, from, row, unit), acc);
        row -= 2 * unit;
    }
    if (bits & 4) {
        acc = FN(state_merge)(kind, from->careful, FN(tree4)(kind, from, row, unit), acc);
        row -= 4 * unit;
    }
    if (bits & 8) {
        acc = FN(state_merge)(kind, from->careful, FN(tree8)(kind, from, row, unit), acc);
        row -= 8 * unit;
    }
    if (bits & 16)
        acc = FN(state_merge)(kind, from->careful, FN(tree16)(kind, from, row, unit), acc);
    return acc;
}

static inline T FN(state_value)(int kind, const dc_rolling_args *args, FN(state) state)
{
    const dc_i64 n = state.n;
    T value;

    if (n < args->min_periods)
        return FN(quiet_nan)();
    switch (kind) {
    case DC_ROLLING_COUNT:
        value = (T)state.n;
        break;
    case DC_ROLLING_MEAN:
        value = FN(dc_div)(state.x, (T)state.n);
        break;
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        if (n <= args->ddof)
            return FN(quiet_nan)();
        value = FN(dc_div)(state.s, (T)(n - args->ddof));
        if (kind == DC_ROLLING_STD)
            value = FN(dc_sqrt)(value);
        break;
    default:
        value = state.x;
        break;
    }
    return value == value ? value : FN(quiet_nan)();
}

/* What a pass reads of series s: the input, or the level that the pass before wrote. */
static inline FN(rows)
    FN(pass_rows)(__global const T *src, __global const uchar *levels, dc_i64 level_bytes,
                  const dc_rolling_args *args, const dc_chunk *c, dc_i64 s, dc_i64 planes)
{
    const int row_fast = (c->flags & DC_PASS_ROW_FAST) != 0;
    FN(rows) from;

    from.inf_is_value = args->inf_is_value;
    from.careful = args->careful;
    if (c->pass == 0) {
        from.data = src + dc_series_offset(args, 0, c->series0 + s) + c->low * args->src_row_stride;
        from.count = 0;
        from.base = from.plane = 0;
        from.stride = args->src_row_stride;
        from.rows = args->rows - c->low;
        return from;
    }
    from.plane = c->rows * c->nseries;
    from.data = (__global const T *)(levels + ((c->pass - 1) & 1) * level_bytes);
    from.count = (__global const dc_u32 *)(from.data + planes * from.plane);
    from.base = row_fast ? s * c->rows : s;
    from.stride = row_fast ? 1 : c->nseries;
    from.rows = c->rows;
    return from;
}

/* One pass over a chunk; the first reads the input.  Scratch: acc, then two level buffers. */
static inline void FN(tree_pass)(int kind, __global const T *src, __global T *dst,
                                 __global uchar *scratch, const dc_rolling_args *args,
                                 const dc_launch *part)
{
    const dc_chunk c = dc_chunk_of(args, part);
    const int last = (c.flags & DC_PASS_LAST) != 0, row_fast = (c.flags & DC_PASS_ROW_FAST) != 0;
    const dc_i64 lines = last ? c.count : c.rows, planes = dc_planes(kind);
    const dc_i64 unit = (dc_i64)1 << (4 * c.pass);
    const dc_i64 acc_size = c.count * c.nseries, level_size = c.rows * c.nseries;
    const dc_i64 acc_bytes = (acc_size * (planes * (dc_i64)sizeof(T) + 4) + 7) & ~(dc_i64)7;
    const dc_i64 level_bytes = (level_size * (planes * (dc_i64)sizeof(T) + 4) + 7) & ~(dc_i64)7;
    const dc_place at = dc_place_of(row_fast ? lines : c.nseries);
    const dc_i64 s = row_fast ? at.slow : at.fast, line = row_fast ? at.fast : at.slow;
    __global T *acc_data = (__global T *)scratch;
    __global dc_u32 *acc_count = (__global dc_u32 *)(acc_data + planes * acc_size);
    FN(rows) from;
    dc_i64 row, k, w, acc_at;

    if (s >= c.nseries || line >= lines)
        return;
    from = FN(pass_rows)(src, scratch + acc_bytes, level_bytes, args, &c, s, planes);
    if (last) {
        k = line;
        row = c.lead + k * args->step;
    } else {
        row = line;
        k = row < c.lead ? -1 : args->step == 1 ? row - c.lead : (row - c.lead) / args->step;
        if (k >= 0 && c.lead + k * args->step != row)
            k = -1;
    }
    if (k >= 0) {
        FN(state) acc = FN(state_none)();
        w = args->expanding ? args->out_first + (c.first + k) * args->step + 1 : args->window;
        acc_at = row_fast ? s * c.count + k : k * c.nseries + s;
        if (w & (unit - 1))
            acc = FN(planes_load)(kind, acc_data, acc_count, acc_size, acc_at);
        acc = FN(tree_blocks)(kind, &from, row, unit, w & (unit - 1),
                              w >> (4 * c.pass) & (last ? 31 : 15), acc);
        if (last)
            dst[dc_series_offset(args, 1, c.series0 + s) + (c.first + k) * args->dst_row_stride] =
                FN(state_value)(kind, args, acc);
        else if (w & (16 * unit - 1))
            FN(planes_store)(kind, acc_data, acc_count, acc_size, acc_at, acc);
    }
    if (!last) {
        __global T *to = (__global T *)(scratch + acc_bytes + (c.pass & 1) * level_bytes);
        FN(planes_store)
        (kind, to, (__global dc_u32 *)(to + planes * level_size), level_size,
         row_fast ? s * c.rows + row : row * c.nseries + s, FN(tree16)(kind, &from, row, unit));
    }
}

/* Planes of aggregates in local memory: x, m, s, then counts, `size` elements each. */
typedef struct FN(shelf) {
    __local T *data;
    __local dc_u32 *count;
    dc_u32 size;
} FN(shelf);

static inline FN(state) FN(shelf_get)(int kind, const FN(shelf) * shelf, dc_u32 at)
{
    FN(state) state = FN(state_none)();

    state.n = shelf->count[at];
    if (dc_planes(kind) > 0)
        state.x = shelf->data[at];
    if (dc_planes(kind) > 1) {
        state.m = shelf->data[at + shelf->size];
        state.s = shelf->data[at + 2 * shelf->size];
    }
    return state;
}

static inline void FN(shelf_put)(int kind, const FN(shelf) * shelf, dc_u32 at, FN(state) state)
{
    shelf->count[at] = state.n;
    if (dc_planes(kind) > 0)
        shelf->data[at] = state.x;
    if (dc_planes(kind) > 1) {
        shelf->data[at + shelf->size] = state.m;
        shelf->data[at + 2 * shelf->size] = state.s;
    }
}

/* Row `row` of the tile, series `lane` of it. */
static inline FN(state) FN(tile_leaf)(__global const T *src, const dc_rolling_args *args,
                                      const dc_chunk *c, dc_u32 lane, dc_u32 row)
{
    if (lane >= c->nseries || c->low + row >= args->rows)
        return FN(state_none)();
    return FN(state_leaf)(
        src[dc_series_offset(args, 0, c->series0 + lane) + (c->low + row) * args->src_row_stride],
        args->inf_is_value);
}

enum { DC_TREE_EACH = 8 };

/* A group climbs the tree over a tile of p[2] rows of p[1] = 2^k neighbouring series, level by
 * level, and puts out p[0] windows of each.  An item owns at most DC_TREE_EACH elements. */
static inline void FN(tree_near)(int kind, __global const T *src, __global T *dst,
                                 __local uchar *memory, const dc_rolling_args *args,
                                 const dc_launch *part)
{
    const dc_u32 lanes = (dc_u32)part->p[1], me = (dc_u32)get_local_id(0);
    const dc_u32 items = (dc_u32)get_local_size(0), all = (dc_u32)part->p[2] * lanes;
    const dc_chunk c = dc_tile_of(args, part);
    const dc_u32 used = (dc_u32)c.rows * lanes, lead = (dc_u32)c.lead;
    const dc_u32 longest = (dc_u32)(args->expanding ? c.rows : args->window);
    FN(state) acc[DC_TREE_EACH];
    FN(shelf) from, to;

    from.size = to.size = all;
    from.data = (__local T *)memory;
    to.data = from.data + dc_planes(kind) * all;
    from.count = (__local dc_u32 *)(to.data + dc_planes(kind) * all);
    to.count = from.count + all;
    for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
        const dc_u32 e = me + j * items;
        acc[j] = FN(state_none)();
        if (e < used)
            FN(shelf_put)(kind, &from, e, FN(tile_leaf)(src, args, &c, e & (lanes - 1), e / lanes));
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_u32 size = 1;; size *= 2) {
        const int more = 2 * size <= longest;
        for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
            const dc_u32 e = me + j * items, row = e / lanes;
            const dc_u32 w = args->expanding ? row + 1 : (dc_u32)args->window;
            const dc_u32 back = w & (size - 1);
            FN(state) mine;
            if (e >= used)
                continue;
            mine = FN(shelf_get)(kind, &from, e);
            if ((w & size) && row >= lead && row >= back)
                acc[j] = FN(state_merge)(kind, args->careful,
                                         back ? FN(shelf_get)(kind, &from, e - back * lanes) : mine,
                                         acc[j]);
            if (more && row >= size)
                mine = FN(state_merge)(kind, args->careful,
                                       FN(shelf_get)(kind, &from, e - size * lanes), mine);
            if (more)
                FN(shelf_put)(kind, &to, e, mine);
        }
        if (!more)
            break;
        barrier(CLK_LOCAL_MEM_FENCE);
        {
            const FN(shelf) swap = from;
            from = to;
            to = swap;
        }
    }
    for (dc_u32 j = 0; j < DC_TREE_EACH; j++) {
        const dc_u32 e = me + j * items, lane = e & (lanes - 1), row = e / lanes;
        const dc_i64 k = (dc_i64)row - c.lead;
        if (e < used && lane < c.nseries && k >= 0 && k % args->step == 0)
            dst[dc_series_offset(args, 1, c.series0 + lane) +
                (c.first + k / args->step) * args->dst_row_stride] =
                FN(state_value)(kind, args, acc[j]);
    }
}

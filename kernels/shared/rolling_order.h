/* Order statistics of all windows over one tile of rows.  OpenCL C.
 *
 * The n rows of a tile are sorted by value: leaves of 16 by counting, then by merges of runs of
 * 16 * 2^j.  The sorted rows are sorted again, leaf by leaf and run by run, by row number: node i
 * of level j holds the ranks  i 2^(j+5) ...  in the order of rows, and left[j] tells for each of
 * them how many, up to and with it, belong to the lower half of those ranks.  A window is the range
 * [a, b) of the top node; the counts say how many of its values the lower half has, and which range
 * they are there: every level yields one bit of the rank, among all values of the tile, of the k-th
 * value of the window.  In the leaf that it leads to, the values whose rows lie in the window are
 * counted.
 *
 * Values are keys: unsigned integers in the order of the values, ~0 for a missing one.
 *
 * A template: the includer defines ORDER_SPACE (address space), ORDER_INDEX (unsigned integer that
 * can count to n), ORDER(name), and per dtype T, SFX and ORDER_KEY. */

/* How many of n ascending keys are below `key`; or_equal: not above it. */
static inline dc_u32 ORDER(keys_below)(ORDER_SPACE const ORDER_KEY *keys, dc_u32 n, ORDER_KEY key,
                                       int or_equal)
{
    dc_u32 low = 0;

    while (n > 0) {
        const dc_u32 half_ = n / 2;
        const ORDER_KEY x = keys[low + half_];
        if (x < key || (or_equal && x == key)) {
            low += half_ + 1;
            n -= half_ + 1;
        } else {
            n = half_;
        }
    }
    return low;
}

/* How many of n ascending row numbers are below `row`. */
static inline dc_u32 ORDER(rows_below)(ORDER_SPACE const ORDER_INDEX *rows, dc_u32 n, dc_u32 row)
{
    dc_u32 low = 0;

    while (n > 0) {
        const dc_u32 half_ = n / 2;
        if (rows[low + half_] < row) {
            low += half_ + 1;
            n -= half_ + 1;
        } else {
            n = half_;
        }
    }
    return low;
}

/* Where element i of n, in runs of 16 * 2^level, stands, and the run that it is merged with. */
typedef struct ORDER(place) {
    dc_u32 base; /* of the merged run               */
    dc_u32 mine; /* place of the element in its run */
    dc_u32 other, other_size;
    int upper; /* is its run the second?          */
} ORDER(place);

static inline ORDER(place) ORDER(place_of)(dc_u32 n, int level, dc_u32 i)
{
    const int bits = level + ORDER_LEAF_BITS;
    const dc_u32 size = (dc_u32)1 << bits;
    ORDER(place) at;

    at.base = i >> bits >> 1 << bits << 1;
    at.upper = i - at.base >= size;
    at.mine = i - at.base - (at.upper ? size : 0);
    at.other = at.upper ? at.base : at.base + size;
    at.other_size = at.other >= n ? 0 : n - at.other < size ? n - at.other : size;
    return at;
}

/* Element i of n goes where its leaf, sorted, has it: by value ... */
static inline void ORDER(sort_leaf)(ORDER_SPACE const ORDER_KEY *key, ORDER_SPACE ORDER_KEY *to_key,
                                    ORDER_SPACE ORDER_INDEX *to_row, dc_u32 n, dc_u32 i)
{
    const dc_u32 base = i & ~(dc_u32)(ORDER_LEAF - 1), end = min(base + ORDER_LEAF, n);
    const ORDER_KEY mine = key[i];
    dc_u32 to = base;

    for (dc_u32 j = base; j < end; j++) {
        const ORDER_KEY x = key[j];
        to += x < mine || (x == mine && j < i);
    }
    to_key[to] = mine;
    to_row[to] = (ORDER_INDEX)i;
}

/* ... and by row. */
static inline void ORDER(climb_leaf)(ORDER_SPACE const ORDER_INDEX *row,
                                     ORDER_SPACE ORDER_INDEX *to_row, dc_u32 n, dc_u32 i)
{
    const dc_u32 base = i & ~(dc_u32)(ORDER_LEAF - 1), end = min(base + ORDER_LEAF, n);
    const ORDER_INDEX mine = row[i];
    dc_u32 to = base;

    for (dc_u32 j = base; j < end; j++)
        to += row[j] < mine;
    to_row[to] = mine;
}

/* Element i goes where its run, merged with the next, has it: by value ...  Level -1: leaves. */
static inline void ORDER(sort)(ORDER_SPACE const ORDER_KEY *key, ORDER_SPACE const ORDER_INDEX *row,
                               ORDER_SPACE ORDER_KEY *to_key, ORDER_SPACE ORDER_INDEX *to_row,
                               dc_u32 n, int level, dc_u32 i)
{
    ORDER(place) at;
    ORDER_KEY mine;
    dc_u32 to;

    if (level < 0) {
        ORDER(sort_leaf)(key, to_key, to_row, n, i);
        return;
    }
    at = ORDER(place_of)(n, level, i);
    mine = key[i];
    to = at.base + at.mine + ORDER(keys_below)(key + at.other, at.other_size, mine, at.upper);
    to_key[to] = mine;
    to_row[to] = row[i];
}

/* ... and by row; left: levels * pitch. */
static inline void ORDER(climb)(ORDER_SPACE const ORDER_INDEX *row, ORDER_SPACE ORDER_INDEX *to_row,
                                ORDER_SPACE ORDER_INDEX *left, dc_u32 pitch, dc_u32 n, int level,
                                dc_u32 i)
{
    ORDER(place) at;
    dc_u32 others, to;

    if (level < 0) {
        ORDER(climb_leaf)(row, to_row, n, i);
        return;
    }
    at = ORDER(place_of)(n, level, i);
    others = ORDER(rows_below)(row + at.other, at.other_size, row[i]);
    to = at.base + at.mine + others;
    to_row[to] = row[i];
    left[(size_t)level * pitch + to] = (ORDER_INDEX)(at.upper ? others : at.mine + 1);
}

/* A finished tile. */
typedef struct ORDER(tile) {
    ORDER_SPACE const ORDER_KEY *key;    /* n, ascending         */
    ORDER_SPACE const ORDER_INDEX *row;  /* n: the rows of these */
    ORDER_SPACE const ORDER_INDEX *left; /* levels * pitch       */
    dc_u32 n, pitch;
    int levels;
    dc_u32 valid; /* values that are not missing; set by pick */
} ORDER(tile);

/* The k-th value (from 0) of the rows [a, b), which hold more than k values.  *next: the one after
 * it, if the leaf has it; else as it was. */
static inline ORDER_KEY ORDER(select)(const ORDER(tile) * tile, dc_u32 a, dc_u32 b, dc_u32 k,
                                      ORDER_KEY *next)
{
    dc_u32 base = 0, first = a, last = b, i;
    ORDER_KEY found;

    for (int level = tile->levels - 1; level >= 0; level--) {
        ORDER_SPACE const ORDER_INDEX *left = tile->left + (size_t)level * tile->pitch + base;
        const dc_u32 before = first > 0 ? left[first - 1] : 0, upto = left[last - 1];
        if (k < upto - before) {
            first = before;
            last = upto;
        } else {
            k -= upto - before;
            first -= before;
            last -= upto;
            base += (dc_u32)ORDER_LEAF << level;
        }
    }
    for (i = base;; i++) {
        const dc_u32 row = tile->row[i];
        if (row < a || row >= b)
            continue;
        if (k == 0)
            break;
        k--;
    }
    found = tile->key[i];
    last = min(base + ORDER_LEAF, tile->n);
    for (i++; i < last; i++) {
        const dc_u32 row = tile->row[i];
        if (row >= a && row < b) {
            *next = tile->key[i];
            break;
        }
    }
    return found;
}

/* How many of the rows [a, b) are not missing. */
static inline dc_u32 ORDER(valid_in)(const ORDER(tile) * tile, dc_u32 a, dc_u32 b)
{
    dc_u32 base = 0, count = 0, first = a, last = b;

    if (tile->valid == tile->n)
        return b - a;
    for (int level = tile->levels - 1; level >= 0 && last > first; level--) {
        ORDER_SPACE const ORDER_INDEX *left = tile->left + (size_t)level * tile->pitch + base;
        const dc_u32 before = first > 0 ? left[first - 1] : 0, upto = left[last - 1];
        const dc_u32 middle = base + ((dc_u32)ORDER_LEAF << level);
        if (tile->valid < middle) {
            first = before;
            last = upto;
        } else {
            count += upto - before;
            first -= before;
            last -= upto;
            base = middle;
        }
    }
    if (last > first)
        for (dc_u32 i = base; i < tile->valid; i++)
            count += tile->row[i] >= a && tile->row[i] < b;
    return count;
}

/* The statistic of the window that ends at row `newest` of the tile (it may lie outside). */
static inline T ORDER(answer)(const ORDER(tile) * tile, const dc_rolling_args *args,
                              __global const dc_rolling_rank *table, dc_i64 newest)
{
    const dc_i64 oldest = newest - args->window + 1;
    const dc_i64 n = tile->n;
    const dc_u32 a = (dc_u32)(oldest < 0 ? 0 : oldest < n ? oldest : n);
    const dc_u32 b = (dc_u32)(newest < n ? newest + 1 : n);
    const dc_u32 count = a < b ? ORDER(valid_in)(tile, a, b) : 0;
    FN(order_ranks) want;
    ORDER_KEY lo, hi = ORDER_MISSING, after;
    T value;

    if (count == 0 || (dc_i64)count < args->min_periods)
        return FN(quiet_nan)();
    want = FN(order_ranks_of)(table, count);
    lo = ORDER(select)(tile, a, b, want.lower, &hi);
    if (want.upper == want.lower)
        hi = lo;
    else if (hi == ORDER_MISSING)
        hi = ORDER(select)(tile, a, b, want.upper, &after);
    value = FN(rolling_interpolate)(FN(order_value)(lo), FN(order_value)(hi), want.frac,
                                    args->interpolation == DC_QUANTILE_MIDPOINT);
    return value == value ? value : FN(quiet_nan)();
}

/* Output k of series s of a chunk. */
static inline void ORDER(pick)(ORDER(tile) * tile, __global T *dst,
                               __global const dc_rolling_rank *table, const dc_rolling_args *args,
                               const dc_chunk *c, dc_i64 s, dc_i64 k)
{
    tile->valid = ORDER(keys_below)(tile->key, tile->n, ORDER_MISSING, 0);
    dst[dc_series_offset(args, 1, c->series0 + s) + (c->first + k) * args->dst_row_stride] =
        ORDER(answer)(tile, args, table, c->lead + k * args->step);
}

/* Order statistics of all windows over one tile of rows.  OpenCL C.
 *
 * The n rows of a tile are sorted by value, by merges of runs of 2^j.  The sorted rows are then
 * merged again, run by run, by row number: node i of level j holds the ranks  i 2^(j+1) ...  in the
 * order of rows, and left[j] tells for each of them how many, up to and with it, belong to the lower
 * half of those ranks.  A window is the range [a, b) of the top node; the counts say how many of its
 * values the lower half has, and which range they are there: so every level yields one bit of the
 * rank, among all values of the tile, of the k-th value of the window.
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

/* Where element i of n, in runs of 2^level, stands, and the run that it is merged with. */
typedef struct ORDER(place) {
    dc_u32 base; /* of the merged run               */
    dc_u32 mine; /* place of the element in its run */
    dc_u32 other, other_size;
    int upper; /* is its run the second?          */
} ORDER(place);

static inline ORDER(place) ORDER(place_of)(dc_u32 n, int level, dc_u32 i)
{
    const dc_u32 size = (dc_u32)1 << level;
    ORDER(place) at;

    at.base = i >> level >> 1 << level << 1;
    at.upper = i - at.base >= size;
    at.mine = i - at.base - (at.upper ? size : 0);
    at.other = at.upper ? at.base : at.base + size;
    at.other_size = at.other >= n ? 0 : n - at.other < size ? n - at.other : size;
    return at;
}

/* Element i goes where its run, merged with the next, has it: by value ... */
static inline void ORDER(sort)(ORDER_SPACE const ORDER_KEY *key, ORDER_SPACE const ORDER_INDEX *row,
                               ORDER_SPACE ORDER_KEY *to_key, ORDER_SPACE ORDER_INDEX *to_row,
                               dc_u32 n, int level, dc_u32 i)
{
    const ORDER(place) at = ORDER(place_of)(n, level, i);
    const dc_u32 to = at.base + at.mine +
                      ORDER(keys_below)(key + at.other, at.other_size, key[i], at.upper);

    to_key[to] = key[i];
    to_row[to] = row[i];
}

/* ... and by row. */
static inline void ORDER(climb)(ORDER_SPACE const ORDER_INDEX *row, ORDER_SPACE ORDER_INDEX *to_row,
                                ORDER_SPACE ORDER_INDEX *left, dc_u32 n, int level, dc_u32 i)
{
    const ORDER(place) at = ORDER(place_of)(n, level, i);
    const dc_u32 others = ORDER(rows_below)(row + at.other, at.other_size, row[i]);
    const dc_u32 to = at.base + at.mine + others;

    to_row[to] = row[i];
    left[to] = (ORDER_INDEX)(at.upper ? others : at.mine + 1);
}

/* A finished tile. */
typedef struct ORDER(tile) {
    ORDER_SPACE const ORDER_KEY *key;    /* n, ascending */
    ORDER_SPACE const ORDER_INDEX *left; /* levels * n   */
    dc_u32 n;
    int levels;
    dc_u32 valid; /* values that are not missing */
} ORDER(tile);

/* The k-th value (from 0) of the rows [a, b), which hold more than k values. */
static inline T ORDER(select)(const ORDER(tile) * tile, dc_u32 a, dc_u32 b, dc_u32 k)
{
    dc_u32 base = 0;

    for (int level = tile->levels - 1; level >= 0; level--) {
        ORDER_SPACE const ORDER_INDEX *left = tile->left + (size_t)level * tile->n + base;
        const dc_u32 before = a > 0 ? left[a - 1] : 0, upto = left[b - 1];
        if (k < upto - before) {
            a = before;
            b = upto;
        } else {
            k -= upto - before;
            a -= before;
            b -= upto;
            base += (dc_u32)1 << level;
        }
    }
    return FN(order_value)(tile->key[base]);
}

/* How many of the rows [a, b) are not missing. */
static inline dc_u32 ORDER(valid_in)(const ORDER(tile) * tile, dc_u32 a, dc_u32 b)
{
    dc_u32 base = 0, count = 0;

    if (tile->valid == tile->n)
        return b - a;
    for (int level = tile->levels - 1; level >= 0 && b > a; level--) {
        ORDER_SPACE const ORDER_INDEX *left = tile->left + (size_t)level * tile->n + base;
        const dc_u32 before = a > 0 ? left[a - 1] : 0, upto = left[b - 1];
        if (tile->valid < base + ((dc_u32)1 << level)) {
            a = before;
            b = upto;
        } else {
            count += upto - before;
            a -= before;
            b -= upto;
            base += (dc_u32)1 << level;
        }
    }
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
    T lo, hi;

    if (count == 0 || (dc_i64)count < args->min_periods)
        return FN(quiet_nan)();
    want = FN(order_ranks_of)(table, count);
    lo = ORDER(select)(tile, a, b, want.lower);
    hi = want.upper > want.lower ? ORDER(select)(tile, a, b, want.upper) : lo;
    lo = FN(rolling_interpolate)(lo, hi, want.frac,
                                 args->interpolation == DC_QUANTILE_MIDPOINT);
    return lo == lo ? lo : FN(quiet_nan)();
}

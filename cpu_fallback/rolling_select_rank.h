/* Rolling selection by ranks: exact for every window, any missing values, expanding or not.
 * Included by cpu_fallback/rolling_select.h once per dtype, hence no guard.
 *
 * The rows that a block of outputs can see are sorted once; from then on a row is its rank.  The
 * window is a set of bits over the ranks, with a cursor at the lower wanted value: a row that
 * enters or leaves flips one bit, and the cursor follows by the few set bits that the wanted rank
 * moved.
 */

typedef struct FN(rank_item) {
    dc_u64 key; /* order of the value as an unsigned integer */
    dc_u64 row;
} FN(rank_item);

/* A sorted block of rows and the window over it. */
typedef struct FN(rank_window) {
    FN(rank_item) * items, *spare;
    dc_u32 *rank;  /* of a row of the block, or UINT32_MAX: missing */
    dc_u64 *bits;  /* one per rank: is it in the window?            */
    dc_i64 valid;  /* set bits                                      */
    dc_i64 cursor; /* a rank                                        */
    dc_i64 below;  /* set bits below the cursor                     */
} FN(rank_window);

static inline dc_u64 FN(rank_key)(T x)
{
    SELECT_BITS bits;
    memcpy(&bits, &x, sizeof bits);
    const SELECT_BITS sign = (SELECT_BITS)1 << (8 * sizeof bits - 1);
    return bits & sign ? (SELECT_BITS)~bits : (SELECT_BITS)(bits | sign);
}

static inline T FN(rank_value)(dc_u64 key)
{
    const SELECT_BITS sign = (SELECT_BITS)1 << (8 * sizeof(SELECT_BITS) - 1);
    SELECT_BITS bits = (SELECT_BITS)key;
    bits = bits & sign ? bits ^ sign : (SELECT_BITS)~bits;
    T x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void FN(rank_sort_few)(FN(rank_item) * items, dc_i64 n)
{
    for (dc_i64 i = 1; i < n; i++) {
        const FN(rank_item) item = items[i];
        dc_i64 j = i;
        for (; j > 0 && items[j - 1].key > item.key; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

/* Stable radix sort, least significant byte first; returns where the sorted items are. */
static FN(rank_item) * FN(rank_sort)(FN(rank_item) * items, FN(rank_item) * spare, dc_i64 n)
{
    enum { FEW = 48 };
    if (n <= FEW) {
        FN(rank_sort_few)(items, n);
        return items;
    }
    dc_u32 count[sizeof(T)][256];
    memset(count, 0, sizeof count);
    for (dc_i64 i = 0; i < n; i++)
        for (int b = 0; b < (int)sizeof(T); b++)
            count[b][items[i].key >> (8 * b) & 255]++;
    for (int b = 0; b < (int)sizeof(T); b++) {
        if (count[b][items[0].key >> (8 * b) & 255] == (dc_u32)n)
            continue;
        dc_u32 start = 0;
        for (int d = 0; d < 256; d++) {
            const dc_u32 c = count[b][d];
            count[b][d] = start;
            start += c;
        }
        for (dc_i64 i = 0; i < n; i++)
            spare[count[b][items[i].key >> (8 * b) & 255]++] = items[i];
        FN(rank_item) *swap = items;
        items = spare;
        spare = swap;
    }
    return items;
}

static inline dc_i64 FN(rank_next)(const dc_u64 *bits, dc_i64 from)
{
    dc_i64 word = from >> 6;
    dc_u64 w = bits[word] & (~(dc_u64)0 << (from & 63));
    while (w == 0)
        w = bits[++word];
    return word * 64 + __builtin_ctzll(w);
}

static inline dc_i64 FN(rank_previous)(const dc_u64 *bits, dc_i64 from)
{
    dc_i64 word = from >> 6;
    dc_u64 w = bits[word] & (~(dc_u64)0 >> (63 - (from & 63)));
    while (w == 0)
        w = bits[--word];
    return word * 64 + 63 - __builtin_clzll(w);
}

static inline void FN(rank_flip)(FN(rank_window) * w, dc_i64 row, int enters)
{
    const dc_u32 r = w->rank[row];
    if (r == UINT32_MAX)
        return;
    w->bits[r >> 6] ^= (dc_u64)1 << (r & 63);
    const int step = enters ? 1 : -1;
    w->valid += step;
    w->below += r < w->cursor ? step : 0;
}

/* Moves the cursor to the set bit that has `lower` set bits below it (0 <= lower < valid). */
static inline void FN(rank_seek)(FN(rank_window) * w, dc_i64 lower)
{
    while (w->below > lower) {
        w->cursor = FN(rank_previous)(w->bits, w->cursor - 1);
        w->below--;
    }
    w->cursor = FN(rank_next)(w->bits, w->cursor);
    while (w->below < lower) {
        w->cursor = FN(rank_next)(w->bits, w->cursor + 1);
        w->below++;
    }
}

/* Fills the window's memory with the sorted rows of one lane. */
static void FN(rank_load)(FN(rank_window) * w, const T *src, dc_i64 n, int inf_is_value,
                          void *scratch)
{
    w->items = scratch;
    w->spare = w->items + n;
    w->bits = (dc_u64 *)(w->spare + n);
    w->rank = (dc_u32 *)(w->bits + n / 64 + 1);
    dc_i64 valid = 0;
    for (dc_i64 i = 0; i < n; i++) {
        const T x = src[i * VEC_LANES];
        w->rank[i] = UINT32_MAX;
        if (inf_is_value ? x != x : !(x - x == 0))
            continue;
        w->items[valid].key = FN(rank_key)(x + 0);
        w->items[valid++].row = (dc_u64)i;
    }
    w->items = FN(rank_sort)(w->items, w->spare, valid);
    for (dc_i64 i = 0; i < valid; i++)
        w->rank[w->items[i].row] = (dc_u32)i;
    memset(w->bits, 0, (size_t)(n / 64 + 1) * sizeof *w->bits);
    w->valid = w->below = w->cursor = 0;
}

enum { FN(RANK_BYTES) = 2 * (int)sizeof(FN(rank_item)) + 5 }; /* per row: items, rank, bit */

static dc_i64 FN(rank_scratch)(dc_i64 rows)
{
    return rows * FN(RANK_BYTES) + 128;
}

/* Results of one lane of a panel of n rows: src and dst begin at the lane. */
static void FN(rank_lane)(const FN(pack) * v, const FN(select_want) * want, const T *src,
                          FN(loose) * dst, void *scratch)
{
    FN(rank_window) w;
    FN(rank_load)(&w, src, v->rows, v->args->inf_is_value, scratch);
    dc_i64 oldest = 0, next = 0; /* the window is panel rows oldest ... next - 1 */
    for (dc_i64 j = 0; j < v->outs; j++) {
        const dc_i64 newest = v->lead + j * v->step;
        const dc_i64 begin = v->args->expanding ? 0 : newest - v->window + 1;
        for (; next <= newest && next < v->rows; next++)
            FN(rank_flip)(&w, next, 1);
        for (; oldest < begin && oldest < next; oldest++)
            FN(rank_flip)(&w, oldest, 0);
        T result = (T)NAN;
        if (w.valid >= want->min_periods) {
            const FN(select_ranks) r = FN(select_ranks_of)(want, w.valid);
            FN(rank_seek)(&w, r.lower);
            const dc_i64 upper = r.upper > r.lower ? FN(rank_next)(w.bits, w.cursor + 1) : w.cursor;
            result =
                FN(rolling_interpolate)(FN(rank_value)(w.items[w.cursor].key),
                                        FN(rank_value)(w.items[upper].key), r.frac, want->midpoint);
        }
        dst[j * v->out_pitch] = result == result ? result : (T)NAN;
    }
}

/* Reductions for which a group of work-items takes a result: order statistics by digits of their
 * keys, histograms, lists of the best.  OpenCL C alone, a template of T and SFX. */

#define REDUCE_KEY_f32 dc_u32
#define REDUCE_KEY_f64 dc_u64
#define REDUCE_KEY     DC_CAT(REDUCE_KEY, SFX)

/* Bits in the order of values; x is not NaN. */
static inline REDUCE_KEY FN(reduce_key)(T x)
{
    const REDUCE_KEY sign = (REDUCE_KEY)1 << (8 * sizeof(T) - 1);
    const REDUCE_KEY bits = FN(reduce_bits)(x + 0); /* -0 is +0 */

    return bits & sign ? ~bits : bits | sign;
}

static inline T FN(reduce_of_key)(REDUCE_KEY key)
{
    const REDUCE_KEY sign = (REDUCE_KEY)1 << (8 * sizeof(T) - 1);

    return FN(reduce_of_bits)(key & sign ? key ^ sign : ~key);
}

static inline T FN(reduce_row)(__global const T *src, const dc_reduce_args *args, dc_i64 row)
{
    return src[dc_reduce_offset(row, args->row_ndim, args->row_shape, args->row_stride)];
}

/* ---- order statistics ----------------------------------------------------------------------- */

enum { REDUCE_DIGIT = 8, REDUCE_DIGITS = 256 };

/* What a group shares. */
typedef struct FN(reduce_shared) {
    dc_u32 count[REDUCE_DIGITS];
    dc_u32 valid, rank, same; /* `same`: values with the key found */
    REDUCE_KEY key;
} FN(reduce_shared);

/* The key at s->rank among the values that are not NaN: into s->key, with s->rank its place among
 * those equal to it. */
static inline void FN(reduce_select)(__global const T *src, const dc_reduce_args *args,
                                     __local FN(reduce_shared) * s)
{
    const dc_i64 me = (dc_i64)get_local_id(0), size = (dc_i64)get_local_size(0);

    for (int shift = 8 * (int)sizeof(T) - REDUCE_DIGIT; shift >= 0; shift -= REDUCE_DIGIT) {
        const REDUCE_KEY prefix = s->key;
        const int top = shift + REDUCE_DIGIT == 8 * (int)sizeof(T);

        for (dc_i64 i = me; i < REDUCE_DIGITS; i += size)
            s->count[i] = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (dc_i64 row = me; row < args->rows; row += size) {
            const T x = FN(reduce_row)(src, args, row);
            const REDUCE_KEY key = FN(reduce_key)(x);

            if (x == x && (top || (key ^ prefix) >> (shift + REDUCE_DIGIT) == 0))
                atomic_inc(&s->count[key >> shift & (REDUCE_DIGITS - 1)]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (me == 0) {
            int digit = 0;

            for (; digit < REDUCE_DIGITS - 1 && s->rank >= s->count[digit]; digit++)
                s->rank -= s->count[digit];
            s->same = s->count[digit];
            s->key |= (REDUCE_KEY)digit << shift;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* The least key above s->key; the group's other keys lie in `keys`. */
static inline REDUCE_KEY FN(reduce_next)(__global const T *src, const dc_reduce_args *args,
                                         __local const FN(reduce_shared) * s,
                                         __local REDUCE_KEY *keys)
{
    const dc_i64 me = (dc_i64)get_local_id(0), size = (dc_i64)get_local_size(0);
    REDUCE_KEY least = ~(REDUCE_KEY)0;

    for (dc_i64 row = me; row < args->rows; row += size) {
        const T x = FN(reduce_row)(src, args, row);
        const REDUCE_KEY key = FN(reduce_key)(x);

        if (x == x && key > s->key)
            least = min(least, key);
    }
    keys[me] = least;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_i64 i = 0; i < size; i++)
        least = min(least, keys[i]);
    return least;
}

static inline void FN(reduce_order)(__global const T *src, __global T *dst,
                                    __global const dc_u64 *q, const dc_reduce_args *args,
                                    const dc_launch *part, __local uchar *memory)
{
    __local FN(reduce_shared) *const s = (__local FN(reduce_shared) *)memory;
    __local REDUCE_KEY *const keys = (__local REDUCE_KEY *)(s + 1);
    const dc_i64 index = (dc_i64)get_group_id(0), out = index / args->k, i = index - out * args->k;
    const dc_i64 me = (dc_i64)get_local_id(0), size = (dc_i64)get_local_size(0);
    T result = FN(reduce_nan)();
    dc_u32 valid = 0, rows = (dc_u32)args->rows;
    dc_reduce_place place;

    src += dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_src);
    dst += dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_dst);
    if (me == 0)
        s->valid = s->rank = s->same = s->key = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_i64 row = me; row < args->rows; row += size) {
        const T x = FN(reduce_row)(src, args, row);
        valid += x == x;
    }
    atomic_add(&s->valid, valid);
    barrier(CLK_LOCAL_MEM_FENCE);
    valid = s->valid;
    if (valid > 0 && valid >= args->min_count && !(args->propagate && valid < rows)) {
        T lo, hi;

        place = dc_reduce_place_of(q[i], valid, args->interpolation);
        if (me == 0)
            s->rank = (dc_u32)place.lower;
        barrier(CLK_LOCAL_MEM_FENCE);
        FN(reduce_select)(src, args, s);
        lo = hi = FN(reduce_of_key)(s->key);
        if (place.upper > place.lower && s->rank + 1 >= s->same)
            hi = FN(reduce_of_key)(FN(reduce_next)(src, args, s, keys));
        result = FN(reduce_between)(lo, hi, &place, args->interpolation);
    }
    if (me == 0)
        dst[i * args->list_dst] = result;
}

__kernel void FN(reduce_median)(__global const T *src, dc_i64 src_at, __global T *dst,
                                dc_i64 dst_at, __global const dc_u64 *q, dc_reduce_args args,
                                dc_launch part, __local uchar *memory)
{
    FN(reduce_order)(src + src_at, dst + dst_at, q, &args, &part, memory);
}

__kernel void FN(reduce_quantile)(__global const T *src, dc_i64 src_at, __global T *dst,
                                  dc_i64 dst_at, __global const dc_u64 *q, dc_reduce_args args,
                                  dc_launch part, __local uchar *memory)
{
    FN(reduce_order)(src + src_at, dst + dst_at, q, &args, &part, memory);
}

/* ---- histograms ----------------------------------------------------------------------------- */

__kernel void FN(reduce_histogram_zero)(__global const T *src, dc_i64 src_at, __global dc_i64 *dst,
                                        dc_i64 dst_at, __global const T *edge, dc_reduce_args args,
                                        dc_launch part)
{
    const dc_i64 index = (dc_i64)get_global_id(0), out = index / args.k;

    if (index >= part.p[0])
        return;
    dst[dst_at + dc_reduce_offset(out, args.out_ndim, args.out_shape, args.out_dst) +
        (index - out * args.k) * args.list_dst] = 0;
}

/* The last bin that begins at or below x, -1: none. */
static inline dc_i64 FN(reduce_bin)(__global const T *edge, dc_i64 k, T x)
{
    dc_i64 low = 0, high = k - 1;

    if (!(x >= edge[0] && x <= edge[k]))
        return -1;
    while (low < high) {
        const dc_i64 middle = (low + high + 1) / 2;

        if (x >= edge[middle])
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* A whole number of 64 bits in two halves, the lower first: the carry of one is the other's. */
static inline void reduce_add(__global dc_i64 *to, dc_u32 n)
{
    volatile __global dc_u32 *const half_ = (volatile __global dc_u32 *)to;
    const dc_u32 old = atomic_add(half_, n);

    if (old + n < old)
        atomic_inc(half_ + 1);
}

/* A group for each block of each result; p[1]: local memory has a counter for every bin. */
__kernel void FN(reduce_histogram)(__global const T *src, dc_i64 src_at, __global dc_i64 *dst,
                                   dc_i64 dst_at, __global const T *edge, dc_reduce_args args,
                                   dc_launch part, __local uchar *memory)
{
    __local dc_u32 *const own = (__local dc_u32 *)memory;
    const dc_i64 me = (dc_i64)get_local_id(0), size = (dc_i64)get_local_size(0);
    const dc_i64 block = (dc_i64)get_group_id(0) / args.outs;
    const dc_i64 out = (dc_i64)get_group_id(0) - block * args.outs;
    const dc_i64 end = min((block + 1) * DC_REDUCE_BLOCK, args.rows);

    src += src_at + dc_reduce_offset(out, args.out_ndim, args.out_shape, args.out_src);
    dst += dst_at + dc_reduce_offset(out, args.out_ndim, args.out_shape, args.out_dst);
    for (dc_i64 i = me; part.p[1] && i < args.k; i += size)
        own[i] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_i64 row = block * DC_REDUCE_BLOCK + me; row < end; row += size) {
        const dc_i64 bin = FN(reduce_bin)(edge, args.k, FN(reduce_row)(src, &args, row));

        if (bin >= 0 && part.p[1])
            atomic_inc(&own[bin]);
        else if (bin >= 0)
            reduce_add(dst + bin * args.list_dst, 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (dc_i64 i = me; part.p[1] && i < args.k; i += size)
        if (own[i])
            reduce_add(dst + i * args.list_dst, own[i]);
}

/* ---- lists of the best ---------------------------------------------------------------------- */

typedef struct FN(reduce_best) {
    T key; /* the larger the better */
    dc_i64 row;
} FN(reduce_best);

static inline int FN(reduce_beats)(FN(reduce_best) x, FN(reduce_best) y)
{
    return y.row < 0 || (x.row >= 0 && (x.key > y.key || (x.key == y.key && x.row < y.row)));
}

/* One after the other, each the best of those behind the one before.  rows: NULL: not wanted. */
static inline void FN(reduce_top)(__global const T *src, __global T *dst, __global dc_i64 *rows,
                                  const dc_reduce_args *args, __local uchar *memory)
{
    __local FN(reduce_best) *const all = (__local FN(reduce_best) *)memory;
    const dc_i64 me = (dc_i64)get_local_id(0), size = (dc_i64)get_local_size(0);
    const dc_i64 out = (dc_i64)get_group_id(0);
    const T sign = args->largest ? 1 : -1;
    FN(reduce_best) last = {0, -1};
    int none = 0;

    src += dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_src);
    dst += dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_dst);
    if (rows)
        rows += dc_reduce_offset(out, args->out_ndim, args->out_shape, args->out_dst2);
    for (dc_i64 i = 0; i < args->k; i++) {
        FN(reduce_best) best = {0, -1};
        int bad = 0;

        for (dc_i64 row = me; !none && row < args->rows; row += size) {
            const T x = FN(reduce_row)(src, args, row);
            const FN(reduce_best) item = {x * sign + 0, row};

            bad |= x != x;
            if (x == x && (last.row < 0 || FN(reduce_beats)(last, item)) && !(last.row == row) &&
                FN(reduce_beats)(item, best))
                best = item;
        }
        if (bad && args->propagate)
            best.row = -2;
        all[me] = best;
        barrier(CLK_LOCAL_MEM_FENCE);
        best.row = -1;
        for (dc_i64 j = 0; j < size; j++) {
            none |= all[j].row == -2;
            if (all[j].row >= 0 && FN(reduce_beats)(all[j], best))
                best = all[j];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        none |= best.row < 0;
        if (me == 0) {
            dst[i * args->list_dst] = none ? FN(reduce_nan)() : best.key * sign + 0;
            if (rows)
                rows[i * args->list_dst2] = none ? -1 : best.row;
        }
        last = best;
    }
}

__kernel void FN(reduce_top_k)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,
                               __global dc_i64 *rows, dc_i64 rows_at, dc_reduce_args args,
                               dc_launch part, __local uchar *memory)
{
    FN(reduce_top)(src + src_at, dst + dst_at, rows + rows_at, &args, memory);
}

__kernel void FN(reduce_top_k_values)(__global const T *src, dc_i64 src_at, __global T *dst,
                                      dc_i64 dst_at, dc_reduce_args args, dc_launch part,
                                      __local uchar *memory)
{
    FN(reduce_top)(src + src_at, dst + dst_at, 0, &args, memory);
}

/* What a state of a reduction does to the values of its columns: a template of T (float, double)
 * and SFX (f32, f64), included once per dtype. */
#include "kernels/shared/reduce_node.h"

/* A column's best values, the best first. */
typedef struct FN(state_item) {
    T key; /* the larger the better */
    int64_t row;
} FN(state_item);

/* One leaf of a column by the contract of kernels/shared/reduce.h: row r is x[r * step] where bit r
 * of `mask` is set. */
static FN(reduce_node)
    FN(state_leaf)(int kind, int propagate, const T *x, int64_t step, const uint64_t *mask)
{
    FN(reduce_node) node = FN(reduce_none)(kind);
    T sum[DC_REDUCE_LANES] = {0}, e[DC_REDUCE_LANES] = {0}, q[DC_REDUCE_LANES] = {0};

    for (int r = 0; r < DC_REDUCE_LEAF; ++r)
        if ((mask[r / 64] >> (r % 64) & 1) && (propagate || x[r * step] == x[r * step])) {
            sum[r % DC_REDUCE_LANES] += x[r * step];
            node.n++;
        }
    for (int h = DC_REDUCE_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; ++i)
            sum[i] += sum[i + h];
    node.a = sum[0];
    if (!FN(reduce_is_moments)(kind))
        return node;
    node.a = node.n > 0 ? node.a / (T)node.n : 0;
    for (int r = 0; r < DC_REDUCE_LEAF; ++r)
        if ((mask[r / 64] >> (r % 64) & 1) && (propagate || x[r * step] == x[r * step])) {
            const T d = x[r * step] - node.a;

            e[r % DC_REDUCE_LANES] += d;
            q[r % DC_REDUCE_LANES] += d * d;
        }
    for (int h = DC_REDUCE_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; ++i) {
            e[i] += e[i + h];
            q[i] += q[i + h];
        }
    if (node.n > 0) {
        node.m = e[0] / (T)node.n;
        node.s = q[0] - e[0] * node.m;
        node.s = node.s < 0 ? 0 : node.s;
    }
    return node;
}

/* Kinds without an order of operations, in any order. */
static FN(reduce_node) FN(state_join)(int kind, FN(reduce_node) x, FN(reduce_node) y)
{
    FN(reduce_node) both = FN(reduce_merge)(kind, x, y);

    if (x.row >= 0 && y.row >= 0 && x.a == y.a)
        both.row = x.row < y.row ? x.row : y.row;
    if (x.bad >= 0 && y.bad >= 0)
        both.bad = x.bad < y.bad ? x.bad : y.bad;
    return both;
}

static int FN(state_beats)(FN(state_item) x, FN(state_item) y)
{
    return x.key > y.key || (x.key == y.key && x.row < y.row);
}

/* Into a list of at most `room`; how many there are now. */
static int64_t FN(state_take)(FN(state_item) * list, int64_t count, int64_t room,
                              FN(state_item) item)
{
    int64_t at = count;

    if (count == room && !FN(state_beats)(item, list[count - 1]))
        return count;
    while (at > 0 && FN(state_beats)(item, list[at - 1]))
        at--;
    if (count < room)
        count++;
    memmove(list + at + 1, list + at, (size_t)(count - 1 - at) * sizeof *list);
    list[at] = item;
    return count;
}

/* Row `row` of a column with the value x, into what the kind keeps. */
static void FN(state_value)(dc_reduce_state *s, int64_t o, T x, int64_t row)
{
    const T sign = s->p.largest ? 1 : -1;

    if (s->p.kind == DC_REDUCE_TOP_K) {
        FN(state_item) *const list = (FN(state_item) *)s->items + o * s->p.k;

        if (x != x)
            s->bad[o] = s->bad[o] < 0 || row < s->bad[o] ? row : s->bad[o];
        else
            s->count[o] =
                FN(state_take)(list, s->count[o], s->p.k, (FN(state_item)){x * sign + 0, row});
    } else if (s->p.kind == DC_REDUCE_HISTOGRAM) {
        const T *const edge = s->edge;
        int64_t low = 0, high = s->list - 1;

        if (!(x >= edge[0] && x <= edge[s->list]))
            return;
        while (low < high) { /* the last bin that begins at or below x */
            const int64_t middle = (low + high + 1) / 2;

            if (x >= edge[middle])
                low = middle;
            else
                high = middle - 1;
        }
        s->count[low * s->outs + o]++;
    } else {
        FN(reduce_node) *const node = (FN(reduce_node) *)s->node + o;

        *node =
            FN(state_join)(s->p.kind, *node, FN(reduce_one)(s->p.kind, s->args.propagate, x, row));
    }
}

/* Everything that the columns of `from` keep. */
static void FN(state_merge)(dc_reduce_state *s, const dc_reduce_state *from)
{
    for (int64_t o = 0; o < s->outs; ++o) {
        if (s->p.kind == DC_REDUCE_TOP_K) {
            const FN(state_item) *const other = (const FN(state_item) *)from->items + o * s->p.k;
            FN(state_item) *const list = (FN(state_item) *)s->items + o * s->p.k;

            for (int64_t i = 0; i < from->count[o]; ++i)
                s->count[o] = FN(state_take)(list, s->count[o], s->p.k, other[i]);
            if (s->bad[o] < 0 || (from->bad[o] >= 0 && from->bad[o] < s->bad[o]))
                s->bad[o] = from->bad[o];
        } else if (s->p.kind == DC_REDUCE_HISTOGRAM) {
            for (int64_t i = 0; i < s->list; ++i)
                s->count[i * s->outs + o] += from->count[i * s->outs + o];
        } else {
            FN(reduce_node) *const node = (FN(reduce_node) *)s->node;

            node[o] = FN(state_join)(s->p.kind, node[o], ((const FN(reduce_node) *)from->node)[o]);
        }
    }
}

/* Of two neighbours of the tree, into the older. */
static void FN(state_pair)(const dc_reduce_state *s, void *old, const void *new_)
{
    FN(reduce_node) *const node = old;

    for (int64_t o = 0; o < s->outs; ++o)
        node[o] = FN(reduce_merge)(s->p.kind, node[o], ((const FN(reduce_node) *)new_)[o]);
}

/* The values of a leaf's rows, to its nodes. */
static void FN(state_close)(const dc_reduce_state *s, const void *raw, const uint64_t *mask,
                            void *nodes)
{
    for (int64_t o = 0; o < s->outs; ++o)
        ((FN(reduce_node) *)nodes)[o] =
            FN(state_leaf)(s->p.kind, s->args.propagate, (const T *)raw + o, s->outs, mask);
}

static void FN(state_none)(const dc_reduce_state *s, void *nodes)
{
    for (int64_t o = 0; o < s->outs; ++o)
        ((FN(reduce_node) *)nodes)[o] = FN(reduce_none)(s->p.kind);
}

/* The result of column o from `nodes`, at place `at` of dst and dst2. */
static void FN(state_put)(const dc_reduce_state *s, const void *nodes, int64_t o,
                          const dc_array *dst, int64_t at, const dc_array *dst2, int64_t at2)
{
    const FN(reduce_node) *const node = (const FN(reduce_node) *)nodes + o;
    char *const to = dc__array_host_address(dst);
    const int64_t step = s->list ? dst->stride[0] : 0;

    if (s->p.kind == DC_REDUCE_HISTOGRAM) {
        for (int64_t i = 0; i < s->list; ++i)
            ((int64_t *)(void *)to)[at + i * step] = s->count[i * s->outs + o];
    } else if (s->p.kind == DC_REDUCE_TOP_K) {
        const FN(state_item) *const list = (const FN(state_item) *)s->items + o * s->p.k;
        const int64_t count = s->args.propagate && s->bad[o] >= 0 ? 0 : s->count[o];

        for (int64_t i = 0; i < s->p.k; ++i) {
            ((T *)(void *)to)[at + i * step] = i >= count     ? FN(reduce_nan)()
                                               : s->p.largest ? list[i].key
                                                              : -list[i].key + 0;
            if (dst2->ndim)
                ((int64_t *)dc__array_host_address(dst2))[at2 + i * dst2->stride[0]] =
                    i < count ? list[i].row : -1;
        }
    } else if (dst->dtype == DC_U8) {
        to[at] = (char)FN(reduce_whole)(&s->args, node, s->rows);
    } else if (dst->dtype == DC_I64) {
        ((int64_t *)(void *)to)[at] = FN(reduce_whole)(&s->args, node, s->rows);
    } else {
        for (int i = 0; i < (s->list ? (int)s->list : 1); ++i)
            ((T *)(void *)to)[at + i * step] = FN(reduce_value)(&s->args, node, i);
    }
}

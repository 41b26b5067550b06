/* States of reductions: rows come in chunks, in any order; the tree of kernels/shared/reduce.h is
 * built where its leaves are complete, so that the result has the bits of one pass. */
#include <fenv.h>

enum { STATE_RAW = -1, STATE_LEAF_BITS = 8, STATE_ROW_BITS = 62 };

/* A node of the tree that is complete while its neighbour is not (level >= 0), or the values of a
 * leaf some of whose rows are there. */
typedef struct state_piece {
    int64_t index; /* leaf of a raw piece, node of its level */
    int32_t level; /* STATE_RAW: values                      */
    uint64_t mask[DC_REDUCE_LEAF / 64];
    void *data; /* outs nodes, or DC_REDUCE_LEAF rows of outs values */
} state_piece;

typedef struct state_span {
    int64_t first, end;
} state_span;

struct dc_reduce_state {
    dc_reduce_params p; /* its lists are the state's own */
    dc_reduce_args args;
    const dc_op *op;
    int64_t outs, list, rows;
    size_t value_bytes, node_bytes, item_bytes;
    state_span *span; /* rows taken in: ascending, apart from each other */
    int64_t spans, span_room;
    state_piece *piece; /* sums and moments: ascending */
    int64_t pieces, piece_room;
    void *node,
        *items; /* outs nodes, of sums and moments to work in; outs lists of k of the best */
    int64_t *count, *bad;
    void *edge; /* list + 1 edges of the dtype */
    double *edges;
    dc_arena arena;
};

#define T   float
#define SFX f32
#include "host/reduce_columns.h"
#undef T
#undef SFX
#define T   double
#define SFX f64
#include "host/reduce_columns.h"
#undef T
#undef SFX

/* A function of the columns for the state's dtype. */
#define STATE(s, name) ((s)->p.src.dtype == DC_F32 ? name##_f32 : name##_f64)

static int kind_climbs(int32_t kind)
{
    return kind == DC_REDUCE_SUM || kind == DC_REDUCE_MEAN || kind == DC_REDUCE_VAR ||
           kind == DC_REDUCE_STD || kind == DC_REDUCE_MOMENTS;
}

/* ---- new, free ------------------------------------------------------------------------------- */

void dc_reduce_state_free(dc_reduce_state *s)
{
    if (!s)
        return;
    for (int64_t i = 0; i < s->pieces; ++i)
        free(s->piece[i].data);
    free(s->span);
    free(s->piece);
    free(s->node);
    free(s->items);
    free(s->count);
    free(s->bad);
    free(s->edges);
    dc__arena_free(&s->arena);
    free(s);
}

/* `count` times `bytes`, never 0; NULL also where that is more than there can be. */
static void *state_alloc(int64_t count, size_t bytes)
{
    size_t all;

    if (__builtin_mul_overflow((size_t)count, bytes, &all) || all > SIZE_MAX / 4)
        return NULL;
    return calloc(all + 1, 1);
}

static dc_status state_check(const dc_op *op, const dc_reduce_params *p)
{
    DC_REQUIRE(p->kind != DC_REDUCE_MEDIAN && p->kind != DC_REDUCE_QUANTILE, DC_E_ARGUMENT,
               "dc_reduce_state: kind is %d, quantiles have no state", (int)p->kind);
    DC_REQUIRE(p->src.ndim >= 1 && p->src.ndim <= DC_MAX_NDIM, DC_E_ARGUMENT,
               "dc_reduce_state: src has %d axes, 1 to %d are possible", (int)p->src.ndim,
               DC_MAX_NDIM);
    DC_REQUIRE(p->src.dtype == DC_F32 || p->src.dtype == DC_F64, DC_E_ARGUMENT,
               "dc_reduce_state: src has dtype %d, must be float32 or float64", (int)p->src.dtype);
    return check_scalars(op, p);
}

/* Columns, and what they keep. */
static dc_status state_columns(dc_reduce_state *s)
{
    const int32_t kind = s->p.kind;

    s->outs = 1;
    for (int32_t d = 1; d < s->p.src.ndim; ++d)
        DC_REQUIRE(s->p.src.shape[d] >= 0 &&
                       !__builtin_mul_overflow(s->outs, s->p.src.shape[d], &s->outs),
                   DC_E_ARGUMENT, "dc_reduce_state: src.shape[%d] is %lld", (int)d,
                   (long long)s->p.src.shape[d]);
    if (kind == DC_REDUCE_TOP_K) {
        int64_t items;

        DC_REQUIRE(!__builtin_mul_overflow(s->outs, s->p.k, &items), DC_E_ARGUMENT,
                   "dc_reduce_state: k is %lld, too many for %lld columns", (long long)s->p.k,
                   (long long)s->outs);
        s->items = state_alloc(items, s->item_bytes);
        s->bad = state_alloc(s->outs, sizeof *s->bad);
        s->count = state_alloc(s->outs, sizeof *s->count);
        for (int64_t o = 0; s->bad && o < s->outs; ++o)
            s->bad[o] = -1;
        return s->items && s->bad && s->count ? DC_OK : DC_E_MEMORY;
    }
    if (kind == DC_REDUCE_HISTOGRAM) {
        int64_t bins;

        DC_REQUIRE(!__builtin_mul_overflow(s->outs, s->list, &bins), DC_E_ARGUMENT,
                   "dc_reduce_state: %lld bins are too many for %lld columns", (long long)s->list,
                   (long long)s->outs);
        s->count = state_alloc(bins, sizeof *s->count);
        s->edge = edge_table(&s->p, s->list, &s->arena, s->value_bytes);
        return s->count && s->edge ? DC_OK : DC_E_MEMORY;
    }
    s->node = state_alloc(s->outs, s->node_bytes); /* of sums, while a result is made */
    if (!s->node)
        return DC_E_MEMORY;
    STATE(s, state_none)(s, s->node);
    return DC_OK;
}

static dc_status state_new(const dc_reduce_params *p, dc_reduce_state **out)
{
    const dc_op *op = dc__op_of_kind(&dc__reduce_family, p->kind);
    const int narrow = p->src.dtype == DC_F32;
    dc_reduce_state *s;
    dc_status status;

    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_reduce_state: kind is %d, must be %d ... %d (DC_REDUCE_*)",
               (int)p->kind, DC_REDUCE_COUNT, DC_REDUCE_EXTENT);
    DC_TRY(state_check(op, p));
    s = calloc(1, sizeof *s);
    DC_REQUIRE(s, DC_E_MEMORY, "dc_reduce_state: no memory");
    s->p = *p;
    s->op = op;
    s->p.q = (dc_doubles){NULL, 0};
    s->p.axes = 1;
    s->list = list_length(p->kind, p);
    s->value_bytes = dc_dtype_bytes(p->src.dtype);
    s->node_bytes = narrow ? sizeof(reduce_node_f32) : sizeof(reduce_node_f64);
    s->item_bytes = narrow ? sizeof(state_item_f32) : sizeof(state_item_f64);
    s->args.kind = p->kind;
    s->args.propagate = p->nan == DC_NAN_PROPAGATE;
    s->args.ddof = p->ddof;
    s->args.min_count = least_count(p, p->kind);
    if (p->edges.count) {
        s->edges = state_alloc(p->edges.count, sizeof(double));
        if (s->edges)
            memcpy(s->edges, p->edges.at, (size_t)p->edges.count * sizeof(double));
        s->p.edges.at = s->edges;
    }
    status = p->edges.count && !s->edges ? DC_E_MEMORY : state_columns(s);
    if (status != DC_OK) {
        dc_reduce_state_free(s);
        return status == DC_E_MEMORY ? dc__fail(status, "dc_reduce_state: no memory") : status;
    }
    *out = s;
    return DC_OK;
}

dc_status dc_reduce_state_new(const dc_reduce_params *params, dc_reduce_state **state)
{
    dc_reduce_params whole;

    DC_REQUIRE(state, DC_E_ARGUMENT, "dc_reduce_state_new: state is NULL");
    *state = NULL;
    DC_TRY(dc__params_read(&dc__reduce_family, &whole, params));
    return state_new(&whole, state);
}

int64_t dc_reduce_state_rows(const dc_reduce_state *state)
{
    return state ? state->rows : 0;
}

/* ---- rows taken in --------------------------------------------------------------------------- */

/* Where a span goes; spans[at] is the first that ends at or behind `first`. */
static int64_t span_place(const dc_reduce_state *s, int64_t first)
{
    int64_t at = 0;

    while (at < s->spans && s->span[at].end < first)
        at++;
    return at;
}

static dc_status span_free(const dc_reduce_state *s, const char *call, int64_t first, int64_t end)
{
    for (int64_t at = span_place(s, first); at < s->spans && s->span[at].first < end; ++at)
        DC_REQUIRE(s->span[at].end <= first, DC_E_ARGUMENT,
                   "%s: rows %lld ... %lld overlap rows %lld ... %lld, which the state has", call,
                   (long long)first, (long long)end - 1, (long long)s->span[at].first,
                   (long long)s->span[at].end - 1);
    return DC_OK;
}

/* There is room. */
static void span_add(dc_reduce_state *s, int64_t first, int64_t end)
{
    int64_t at = span_place(s, first), until = at;

    s->rows += end - first;
    while (until < s->spans && s->span[until].first <= end) {
        first = s->span[until].first < first ? s->span[until].first : first;
        end = s->span[until].end > end ? s->span[until].end : end;
        until++;
    }
    memmove(s->span + at + 1, s->span + until, (size_t)(s->spans - until) * sizeof *s->span);
    s->spans += 1 - (until - at);
    s->span[at] = (state_span){first, end};
}

static int state_grow(void *list, int64_t *room, int64_t need, size_t bytes)
{
    void *grown;

    if (need <= *room)
        return 1;
    need = need < 2 * *room ? 2 * *room : need;
    grown = realloc(*(void **)list, (size_t)need * bytes);
    if (!grown)
        return 0;
    *(void **)list = grown;
    *room = need;
    return 1;
}

static int state_room(dc_reduce_state *s, int64_t spans, int64_t pieces)
{
    return state_grow(&s->span, &s->span_room, s->spans + spans, sizeof *s->span) &&
           state_grow(&s->piece, &s->piece_room, s->pieces + pieces, sizeof *s->piece);
}

/* ---- pieces of the tree ---------------------------------------------------------------------- */

static int64_t piece_first(const state_piece *piece)
{
    return piece->index << (STATE_LEAF_BITS + (piece->level < 0 ? 0 : piece->level));
}

static int64_t piece_place(const dc_reduce_state *s, int64_t first)
{
    int64_t low = 0, high = s->pieces;

    while (low < high) {
        const int64_t middle = (low + high) / 2;

        if (piece_first(&s->piece[middle]) < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void piece_drop(dc_reduce_state *s, int64_t at)
{
    free(s->piece[at].data);
    s->pieces--;
    memmove(s->piece + at, s->piece + at + 1, (size_t)(s->pieces - at) * sizeof *s->piece);
}

/* A leaf that has all its rows becomes a node; nodes that are neighbours become one. */
static void piece_settle(dc_reduce_state *s, int64_t at)
{
    state_piece *piece = &s->piece[at];
    int full = piece->level == STATE_RAW;

    for (int i = 0; i < DC_REDUCE_LEAF / 64; ++i)
        full &= piece->mask[i] == UINT64_MAX;
    if (full) {
        void *raw = piece->data;

        /* values of a leaf take more room than its nodes */
        STATE(s, state_close)(s, raw, piece->mask, s->node);
        memcpy(raw, s->node, (size_t)s->outs * s->node_bytes);
        piece->level = 0;
    }
    while (piece->level >= 0) {
        const int64_t other = piece->index & 1 ? at - 1 : at + 1;
        const int64_t old = at < other ? at : other;

        if (other < 0 || other >= s->pieces || s->piece[other].level != piece->level ||
            s->piece[other].index != (piece->index ^ 1))
            return;
        STATE(s, state_pair)(s, s->piece[old].data, s->piece[old + 1].data);
        piece_drop(s, old + 1);
        at = old;
        piece = &s->piece[at];
        piece->index >>= 1;
        piece->level++;
    }
}

/* Take over a piece whose rows the state does not have.  There is room. */
static void piece_add(dc_reduce_state *s, state_piece piece)
{
    const int64_t at = piece_place(s, piece_first(&piece));

    if (at < s->pieces && piece.level == STATE_RAW && s->piece[at].level == STATE_RAW &&
        s->piece[at].index == piece.index) {
        const size_t row = (size_t)s->outs * s->value_bytes;

        for (int r = 0; r < DC_REDUCE_LEAF; ++r)
            if (piece.mask[r / 64] >> (r % 64) & 1)
                memcpy((char *)s->piece[at].data + (size_t)r * row,
                       (char *)piece.data + (size_t)r * row, row);
        for (int i = 0; i < DC_REDUCE_LEAF / 64; ++i)
            s->piece[at].mask[i] |= piece.mask[i];
        free(piece.data);
    } else {
        memmove(s->piece + at + 1, s->piece + at, (size_t)(s->pieces - at) * sizeof *s->piece);
        s->piece[at] = piece;
        s->pieces++;
    }
    piece_settle(s, at);
}

#include "host/reduce_chunk.h"

#include "host/reduce_bytes.h"

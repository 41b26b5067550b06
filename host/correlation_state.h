/* States of covariances: rows come in chunks, in any order; nodes of the tree of
 * kernels/shared/correlation.h are made where its leaves are complete, so that the result has the
 * bits of one pass.  Part of host/correlation.c.
 *
 * A node of the tree is what GRAM gives for its rows: counts, then P, S, Q. */

#include <fenv.h>

enum { STATE_RAW = -1, STATE_LEAF_BITS = 8, STATE_ROW_BITS = 62 };

typedef struct state_piece {
    int64_t index; /* leaf of a raw piece, node of its level */
    int32_t level; /* STATE_RAW: values                      */
    uint64_t mask[DC_CORRELATION_LEAF / 64];
    void *data; /* a node, or DC_CORRELATION_LEAF rows of values; rows that lack are NaN */
} state_piece;

typedef struct state_span {
    int64_t first, end;
} state_span;

struct dc_correlation_state {
    dc_correlation_params p; /* its anchors are the state's own */
    const dc_op *op, *gram;
    double *anchor;
    int64_t cols, rows;
    size_t value_bytes, node_bytes;
    state_span *span; /* rows taken in: ascending, apart from each other */
    int64_t spans, span_room;
    state_piece *piece; /* ascending */
    int64_t pieces, piece_room;
};

void dc_correlation_state_free(dc_correlation_state *s)
{
    if (!s)
        return;
    for (int64_t i = 0; i < s->pieces; ++i)
        free(s->piece[i].data);
    free(s->span);
    free(s->piece);
    free(s->anchor);
    free(s);
}

int64_t dc_correlation_state_rows(const dc_correlation_state *state)
{
    return state ? state->rows : 0;
}

static dc_status state_check(const dc_correlation_params *p, const dc_op *op)
{
    DC_REQUIRE(p->kind == DC_CORRELATION_COVARIANCE || p->kind == DC_CORRELATION_PEARSON,
               DC_E_ARGUMENT,
               "dc_correlation_state: kind is %d, must be %d (covariance) or %d "
               "(pearson)",
               (int)p->kind, DC_CORRELATION_COVARIANCE, DC_CORRELATION_PEARSON);
    DC_REQUIRE(p->src.dtype == DC_F32 || p->src.dtype == DC_F64, DC_E_ARGUMENT,
               "dc_correlation_state: src has dtype %d, must be float32 or float64",
               (int)p->src.dtype);
    DC_REQUIRE(p->src.ndim == 2, DC_E_ARGUMENT,
               "dc_correlation_state: src has %d axes, must have 2", (int)p->src.ndim);
    DC_REQUIRE(p->src.shape[1] > 0 && p->src.shape[1] <= 1 << 20, DC_E_ARGUMENT,
               "dc_correlation_state: src.shape[1] is %lld, must be 1 ... 2^20",
               (long long)p->src.shape[1]);
    DC_REQUIRE(p->anchor.count > 0, DC_E_ARGUMENT,
               "dc_correlation_state: anchor must be given, one number for each column");
    DC_TRY(check_scalars(op, p));
    return check_anchor(op, p);
}

dc_status dc_correlation_state_new(const dc_correlation_params *params,
                                   dc_correlation_state **state)
{
    dc_correlation_params p;
    dc_correlation_state *s;
    const dc_op *op;

    DC_REQUIRE(state, DC_E_ARGUMENT, "dc_correlation_state_new: state is NULL");
    *state = NULL;
    DC_TRY(dc__params_read(&dc__correlation_family, &p, params));
    op = dc__op_of_kind(&dc__correlation_family, p.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_correlation_state: kind is %d, must be 0 or 1", (int)p.kind);
    DC_TRY(state_check(&p, op));
    s = calloc(1, sizeof *s);
    DC_REQUIRE(s, DC_E_MEMORY, "dc_correlation_state: no memory");
    s->p = p;
    s->op = op;
    s->gram = dc__op_of_kind(&dc__correlation_family, DC_CORRELATION_GRAM);
    s->cols = p.src.shape[1];
    s->value_bytes = dc_dtype_bytes(p.src.dtype);
    s->node_bytes = (size_t)(s->cols * s->cols) * (8 + DC_CORRELATION_FIELDS * s->value_bytes);
    s->anchor = malloc((size_t)s->cols * sizeof *s->anchor);
    if (!s->anchor) {
        free(s);
        return dc__fail(DC_E_MEMORY, "dc_correlation_state: no memory");
    }
    memcpy(s->anchor, p.anchor.at, (size_t)s->cols * sizeof *s->anchor);
    s->p.anchor.at = s->anchor;
    *state = s;
    return DC_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* The node of the rows of `chunk`, a whole node of the tree. */
static dc_status node_of(const dc_correlation_state *s, dc_queue *queue, const dc_array *chunk,
                         void *node)
{
    const int64_t cube[3] = {DC_CORRELATION_FIELDS, s->cols, s->cols};
    dc_correlation_params p = s->p;

    p.kind = DC_CORRELATION_GRAM;
    p.src = *chunk;
    p.dst2 = dc_array_host(node, DC_I64, 2, cube + 1);
    p.dst = dc_array_host((char *)node + 8 * s->cols * s->cols, s->p.src.dtype, 3, cube);
    return dc_correlation(queue, &p, NULL);
}

/* to += from, in the default rounding and denormal modes, whatever the caller's. */
static void node_add(const dc_correlation_state *s, void *to, const void *from)
{
    fenv_t callers;
    const int64_t pairs = s->cols * s->cols, n = DC_CORRELATION_FIELDS * pairs;

    (void)fegetenv(&callers);
    (void)fesetenv(FE_DFL_ENV);
    for (int64_t i = 0; i < pairs; ++i)
        ((int64_t *)to)[i] += ((const int64_t *)from)[i];
    if (s->value_bytes == sizeof(float)) {
        float *const x = (float *)((int64_t *)to + pairs);
        const float *const y = (const float *)((const int64_t *)from + pairs);

        for (int64_t i = 0; i < n; ++i)
            x[i] += y[i];
    } else {
        double *const x = (double *)((int64_t *)to + pairs);
        const double *const y = (const double *)((const int64_t *)from + pairs);

        for (int64_t i = 0; i < n; ++i)
            x[i] += y[i];
    }
    (void)fesetenv(&callers);
}

/* ---- rows taken in --------------------------------------------------------------------------- */

static int64_t span_place(const dc_correlation_state *s, int64_t first)
{
    int64_t at = 0;

    while (at < s->spans && s->span[at].end < first)
        at++;
    return at;
}

static dc_status span_free(const dc_correlation_state *s, const char *call, int64_t first,
                           int64_t end)
{
    for (int64_t at = span_place(s, first); at < s->spans && s->span[at].first < end; ++at)
        DC_REQUIRE(s->span[at].end <= first, DC_E_ARGUMENT,
                   "%s: rows %lld ... %lld overlap rows %lld ... %lld, which the state has", call,
                   (long long)first, (long long)end - 1, (long long)s->span[at].first,
                   (long long)s->span[at].end - 1);
    return DC_OK;
}

/* There is room. */
static void span_add(dc_correlation_state *s, int64_t first, int64_t end)
{
    const int64_t at = span_place(s, first);
    int64_t until = at;

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

static int state_grow(void **list, int64_t *room, int64_t need, size_t bytes)
{
    void *grown;

    if (need <= *room)
        return 1;
    need = need < 2 * *room ? 2 * *room : need;
    grown = realloc(*list, (size_t)need * bytes);
    if (!grown)
        return 0;
    *list = grown;
    *room = need;
    return 1;
}

static int state_room(dc_correlation_state *s, int64_t spans, int64_t pieces)
{
    void *span = s->span, *piece = s->piece;
    const int fits = state_grow(&span, &s->span_room, s->spans + spans, sizeof *s->span) &&
                     state_grow(&piece, &s->piece_room, s->pieces + pieces, sizeof *s->piece);

    s->span = span;
    s->piece = piece;
    return fits;
}

/* ---- pieces of the tree ---------------------------------------------------------------------- */

static int64_t piece_first(const state_piece *piece)
{
    return piece->index << (STATE_LEAF_BITS + (piece->level < 0 ? 0 : piece->level));
}

static int64_t piece_place(const dc_correlation_state *s, int64_t first)
{
    int64_t at = 0;

    while (at < s->pieces && piece_first(&s->piece[at]) < first)
        at++;
    return at;
}

static size_t raw_bytes(const dc_correlation_state *s)
{
    return DC_CORRELATION_LEAF * (size_t)s->cols * s->value_bytes;
}

static int piece_full(const state_piece *piece)
{
    int full = piece->level == STATE_RAW;

    for (int i = 0; i < DC_CORRELATION_LEAF / 64; ++i)
        full &= piece->mask[i] == UINT64_MAX;
    return full;
}

/* A leaf's values as an array. */
static dc_array raw_array(const dc_correlation_state *s, const void *data)
{
    const int64_t shape[2] = {DC_CORRELATION_LEAF, s->cols};

    return dc_array_host(data, s->p.src.dtype, 2, shape);
}

/* Nodes that are neighbours become one. */
static void piece_settle(dc_correlation_state *s, int64_t at)
{
    while (s->piece[at].level >= 0) {
        state_piece *const piece = &s->piece[at];
        const int64_t other = piece->index & 1 ? at - 1 : at + 1, old = at < other ? at : other;

        if (other < 0 || other >= s->pieces || s->piece[other].level != piece->level ||
            s->piece[other].index != (piece->index ^ 1))
            return;
        node_add(s, s->piece[old].data, s->piece[old + 1].data);
        free(s->piece[old + 1].data);
        s->pieces--;
        memmove(s->piece + old + 1, s->piece + old + 2,
                (size_t)(s->pieces - old - 1) * sizeof *s->piece);
        at = old;
        s->piece[at].index >>= 1;
        s->piece[at].level++;
    }
}

/* The rows that the state has of a leaf, of which `piece` has others, perhaps all that lacked; -1:
 * none. */
static int64_t piece_partner(const dc_correlation_state *s, const state_piece *piece)
{
    const int64_t at = piece_place(s, piece_first(piece));

    return at < s->pieces && piece->level <= 0 && s->piece[at].level == STATE_RAW &&
                   s->piece[at].index == piece->index
               ? at
               : -1;
}

/* Take over a piece whose rows the state does not have; leaves have been joined already.  There is
 * room. */
static void piece_add(dc_correlation_state *s, state_piece piece)
{
    const int64_t at = piece_place(s, piece_first(&piece)), partner = piece_partner(s, &piece);

    if (partner >= 0) {
        free(s->piece[partner].data);
        s->piece[partner] = piece;
    } else {
        memmove(s->piece + at + 1, s->piece + at, (size_t)(s->pieces - at) * sizeof *s->piece);
        s->piece[at] = piece;
        s->pieces++;
    }
    piece_settle(s, partner >= 0 ? partner : at);
}

#include "host/correlation_chunk.h"

/* States of covariances: chunks in, states together, results out.  Part of
 * host/correlation_state.h. */

/* Pieces being made, before the state takes them. */
typedef struct piece_list {
    state_piece *piece;
    int64_t count, room;
} piece_list;

static void list_free(piece_list *list)
{
    for (int64_t i = 0; i < list->count; ++i)
        free(list->piece[i].data);
    free(list->piece);
}

/* One more piece with memory of its own; NULL: no memory. */
static state_piece *list_add(piece_list *list, int64_t index, int32_t level, size_t bytes)
{
    void *pieces = list->piece, *data = malloc(bytes + 1);
    const int fits = data && state_grow(&pieces, &list->room, list->count + 1, sizeof(state_piece));

    list->piece = pieces;
    if (!fits) {
        free(data);
        return NULL;
    }
    memset(&list->piece[list->count], 0, sizeof(state_piece));
    list->piece[list->count].index = index;
    list->piece[list->count].level = level;
    list->piece[list->count].data = data;
    return &list->piece[list->count++];
}

static dc_status no_memory(const char *call)
{
    return dc__fail(DC_E_MEMORY, "%s: no memory", call);
}

/* Rows of a leaf that lack are NaN. */
static void raw_clear(const dc_correlation_state *s, void *data)
{
    const int64_t n = DC_CORRELATION_LEAF * s->cols;

    for (int64_t i = 0; i < n; ++i)
        if (s->value_bytes == sizeof(float))
            ((float *)data)[i] = correlation_nan_f32();
        else
            ((double *)data)[i] = correlation_nan_f64();
}

/* Rows of a leaf that `from` has. */
static void raw_copy(const dc_correlation_state *s, state_piece *to, const state_piece *from)
{
    const size_t row = (size_t)s->cols * s->value_bytes;

    for (int r = 0; r < DC_CORRELATION_LEAF; ++r)
        if (from->mask[r / 64] >> (r % 64) & 1)
            memcpy((char *)to->data + (size_t)r * row, (const char *)from->data + (size_t)r * row,
                   row);
    for (int i = 0; i < DC_CORRELATION_LEAF / 64; ++i)
        to->mask[i] |= from->mask[i];
}

/* A leaf of which `rows` rows from `skip` on come from the chunk's row `at`; with what the state
 * has of it. */
static dc_status list_raw(const dc_correlation_state *s, dc_queue *queue, piece_list *list,
                          const dc_array *chunk, int64_t at, int64_t leaf, int64_t skip,
                          int64_t rows)
{
    state_piece *const piece = list_add(list, leaf, STATE_RAW, raw_bytes(s));
    const size_t size = s->value_bytes;
    int64_t partner;
    void *node;

    if (!piece)
        return no_memory("dc_correlation_state_update");
    raw_clear(s, piece->data);
    for (int64_t r = 0; r < rows; ++r) {
        const char *const base = dc__array_host_address(chunk);
        char *const to = (char *)piece->data + (size_t)((skip + r) * s->cols) * size;

        piece->mask[(skip + r) / 64] |= (uint64_t)1 << ((skip + r) % 64);
        for (int64_t j = 0; j < s->cols; ++j)
            memcpy(to + (size_t)j * size,
                   base + ((at + r) * chunk->stride[0] + j * chunk->stride[1]) * (int64_t)size,
                   size);
    }
    partner = piece_partner(s, piece);
    if (partner >= 0)
        raw_copy(s, piece, &s->piece[partner]);
    if (!piece_full(piece))
        return DC_OK;
    node = malloc(s->node_bytes);
    if (!node)
        return no_memory("dc_correlation_state_update");
    const dc_array whole = raw_array(s, piece->data);
    const dc_status status = node_of(s, queue, &whole, node);

    if (status != DC_OK) {
        free(node);
        return status;
    }
    free(piece->data);
    piece->data = node;
    piece->level = 0;
    return DC_OK;
}

/* The pieces of a chunk: leaves of which it has a part, and the largest whole nodes between. */
static dc_status chunk_pieces(const dc_correlation_state *s, dc_queue *queue, piece_list *list,
                              const dc_array *chunk, int64_t first_row)
{
    const int64_t end = first_row + chunk->shape[0];

    for (int64_t at = first_row; at < end;) {
        const int64_t leaf = at >> STATE_LEAF_BITS, skip = at & (DC_CORRELATION_LEAF - 1);
        int64_t rows = DC_CORRELATION_LEAF - skip;
        int32_t level = 0;

        if (skip > 0 || end - at < rows) {
            rows = end - at < rows ? end - at : rows;
            DC_TRY(list_raw(s, queue, list, chunk, at - first_row, leaf, skip, rows));
        } else {
            state_piece *piece;
            dc_array part = *chunk;

            while (!(leaf >> level & 1) && end - at >= 2 * rows) {
                rows *= 2;
                level++;
            }
            piece = list_add(list, leaf >> level, level, s->node_bytes);
            if (!piece)
                return no_memory("dc_correlation_state_update");
            part.offset += (at - first_row) * part.stride[0];
            part.shape[0] = rows;
            DC_TRY(node_of(s, queue, &part, piece->data));
        }
        at += rows;
    }
    return DC_OK;
}

static dc_status chunk_check(const dc_correlation_state *s, const dc_array *chunk,
                             int64_t first_row)
{
    static const char *const call = "dc_correlation_state_update";

    DC_TRY(dc__array_check_dtype(s->op, chunk, "chunk", 1 << s->p.src.dtype));
    DC_REQUIRE(chunk->ndim == 2, DC_E_ARGUMENT, "%s: chunk has %d axes, must have 2", call,
               (int)chunk->ndim);
    DC_REQUIRE(chunk->shape[1] == s->cols, DC_E_ARGUMENT,
               "%s: chunk.shape[1] is %lld, must be %lld", call, (long long)chunk->shape[1],
               (long long)s->cols);
    DC_REQUIRE(first_row >= 0 && first_row <= ((int64_t)1 << STATE_ROW_BITS) - chunk->shape[0],
               DC_E_ARGUMENT, "%s: first_row is %lld, rows must be 0 ... 2^62 - 1", call,
               (long long)first_row);
    DC_REQUIRE(!chunk->buffer || chunk->buffer->backend == &dc__backend_cpu, DC_E_ARGUMENT,
               "%s: chunk lies in device memory, must lie in host memory", call);
    return chunk->shape[0] ? span_free(s, call, first_row, first_row + chunk->shape[0]) : DC_OK;
}

dc_status dc_correlation_state_update(dc_correlation_state *s, dc_queue *queue,
                                      const dc_array *chunk, int64_t first_row)
{
    piece_list list = {NULL, 0, 0};
    dc_status status;

    DC_REQUIRE(s && queue && chunk, DC_E_ARGUMENT, "dc_correlation_state_update: %s is NULL",
               !s      ? "state"
               : queue ? "chunk"
                       : "queue");
    DC_TRY(chunk_check(s, chunk, first_row));
    if (chunk->shape[0] == 0)
        return DC_OK;
    status = chunk_pieces(s, queue, &list, chunk, first_row);
    if (status == DC_OK && !state_room(s, 1, list.count))
        status = no_memory("dc_correlation_state_update");
    if (status == DC_OK) {
        for (int64_t i = 0; i < list.count; ++i)
            piece_add(s, list.piece[i]);
        list.count = 0; /* they are the state's now */
        span_add(s, first_row, first_row + chunk->shape[0]);
    }
    list_free(&list);
    return status;
}

/* ---- merge ----------------------------------------------------------------------------------- */

static int state_alike(const dc_correlation_state *a, const dc_correlation_state *b)
{
    return a->p.kind == b->p.kind && a->p.src.dtype == b->p.src.dtype && a->cols == b->cols &&
           a->p.inf == b->p.inf && a->p.ddof == b->p.ddof && a->p.min_periods == b->p.min_periods &&
           memcmp(a->anchor, b->anchor, (size_t)a->cols * sizeof *a->anchor) == 0;
}

/* Copies of the pieces of `from`; a leaf of which `s` has rows gets them, too.  A leaf that is then
 * full stays raw until a result is asked for: its sums need a queue. */
static dc_status merge_pieces(const dc_correlation_state *s, const dc_correlation_state *from,
                              piece_list *list)
{
    for (int64_t i = 0; i < from->pieces; ++i) {
        const state_piece *const piece = &from->piece[i];
        const size_t bytes = piece->level < 0 ? raw_bytes(from) : from->node_bytes;
        state_piece *const copy = list_add(list, piece->index, piece->level, bytes);
        int64_t partner;

        if (!copy)
            return no_memory("dc_correlation_state_merge");
        memcpy(copy->data, piece->data, bytes);
        memcpy(copy->mask, piece->mask, sizeof copy->mask);
        partner = piece_partner(s, piece);
        if (partner >= 0)
            raw_copy(s, copy, &s->piece[partner]);
    }
    return DC_OK;
}

dc_status dc_correlation_state_merge(dc_correlation_state *s, const dc_correlation_state *from)
{
    piece_list list = {NULL, 0, 0};
    dc_status status;

    DC_REQUIRE(s && from, DC_E_ARGUMENT, "dc_correlation_state_merge: %s is NULL",
               s ? "from" : "state");
    DC_REQUIRE(state_alike(s, from), DC_E_ARGUMENT,
               "dc_correlation_state_merge: from differs from state in kind, dtype, columns, "
               "parameters or anchors");
    for (int64_t i = 0; i < from->spans; ++i)
        DC_TRY(span_free(s, "dc_correlation_state_merge", from->span[i].first, from->span[i].end));
    status = merge_pieces(s, from, &list);
    if (status == DC_OK && !state_room(s, from->spans, list.count))
        status = no_memory("dc_correlation_state_merge");
    if (status == DC_OK) {
        for (int64_t i = 0; i < list.count; ++i)
            piece_add(s, list.piece[i]);
        list.count = 0;
        for (int64_t i = 0; i < from->spans; ++i)
            span_add(s, from->span[i].first, from->span[i].end);
    }
    list_free(&list);
    return status;
}

/* ---- result ---------------------------------------------------------------------------------- */

/* Nodes of pieces first ... end - 1, which lie in node `index` of `level`, added up into `room`, a
 * node of its own for each level.  NULL where there are none; *status is not DC_OK after a failure.
 */
static void *state_climb(const dc_correlation_state *s, dc_queue *queue, int64_t first, int64_t end,
                         int level, int64_t index, piece_list *room, dc_status *status)
{
    int64_t middle = first;
    void *old, *young;

    if (first == end || *status != DC_OK)
        return NULL;
    if (end - first == 1) {
        const state_piece *const piece = &s->piece[first];
        state_piece *const node = list_add(room, 0, 0, s->node_bytes);

        if (!node) {
            *status = no_memory("dc_correlation_state_result");
            return NULL;
        }
        if (piece->level == STATE_RAW) {
            const dc_array raw = raw_array(s, piece->data);

            *status = node_of(s, queue, &raw, node->data);
        } else {
            memcpy(node->data, piece->data, s->node_bytes);
        }
        return node->data;
    }
    while (middle < end && piece_first(&s->piece[middle]) < (2 * index + 1)
                                                                << (STATE_LEAF_BITS + level - 1))
        middle++;
    old = state_climb(s, queue, first, middle, level - 1, 2 * index, room, status);
    young = state_climb(s, queue, middle, end, level - 1, 2 * index + 1, room, status);
    if (*status != DC_OK || !old || !young)
        return old ? old : young;
    node_add(s, old, young);
    free(young); /* the last of the list */
    room->count--;
    return old;
}

#define T   float
#define SFX f32
#include "host/correlation_close.h"
#undef T
#undef SFX
#define T   double
#define SFX f64
#include "host/correlation_close.h"
#undef T
#undef SFX

dc_status dc_correlation_state_result(const dc_correlation_state *s, dc_queue *queue,
                                      const dc_array *dst, const dc_array *dst2)
{
    enum { TOP = STATE_ROW_BITS - STATE_LEAF_BITS };
    piece_list room = {NULL, 0, 0};
    dc_status status = DC_OK;
    dc_correlation_params p;
    void *node;

    DC_REQUIRE(s && queue && dst, DC_E_ARGUMENT, "dc_correlation_state_result: %s is NULL",
               !s      ? "state"
               : queue ? "dst"
                       : "queue");
    p = s->p;
    p.dst = *dst;
    p.dst2 = dst2 ? *dst2 : p.dst2;
    if (!dst2)
        p.dst2.ndim = 0;
    DC_TRY(check_outputs(s->op, &p));
    DC_REQUIRE((!dst->buffer || dst->buffer->backend == &dc__backend_cpu) &&
                   (!dst2 || !dst2->buffer || dst2->buffer->backend == &dc__backend_cpu),
               DC_E_ARGUMENT,
               "dc_correlation_state_result: dst lies in device memory, must lie in host memory");
    node = state_climb(s, queue, 0, s->pieces, TOP, 0, &room, &status);
    if (status == DC_OK) {
        dc_correlation_args args;
        fenv_t callers;

        (void)fegetenv(&callers);
        (void)fesetenv(FE_DFL_ENV);
        p.src.shape[0] = 0;
        fill_args(s->op, &p, &args);
        if (s->p.src.dtype == DC_F32)
            state_close_f32(s, &args, node, &p);
        else
            state_close_f64(s, &args, node, &p);
        (void)fesetenv(&callers);
    }
    list_free(&room);
    return status;
}

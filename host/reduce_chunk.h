/* States of reductions: chunks in, states together, results out.  Part of host/reduce_state.h. */

/* Arithmetic in the default rounding and denormal modes, whatever the caller's. */
static void state_enter(fenv_t *callers)
{
    (void)fegetenv(callers);
    (void)fesetenv(FE_DFL_ENV);
}

static void state_leave(const fenv_t *callers)
{
    (void)fesetenv(callers);
}

static dc_status chunk_check(const dc_reduce_state *s, const dc_array *chunk, int64_t first_row)
{
    static const char *const call = "dc_reduce_state_update";
    const dc_array *const like = &s->p.src;

    DC_TRY(dc__array_check_dtype(s->op, chunk, "chunk", 1 << like->dtype));
    DC_REQUIRE(chunk->ndim == like->ndim, DC_E_ARGUMENT, "%s: chunk has %d axes, must have %d",
               call, (int)chunk->ndim, (int)like->ndim);
    for (int32_t d = 1; d < like->ndim; ++d)
        DC_REQUIRE(chunk->shape[d] == like->shape[d], DC_E_ARGUMENT,
                   "%s: chunk.shape[%d] is %lld, must be %lld", call, (int)d,
                   (long long)chunk->shape[d], (long long)like->shape[d]);
    DC_REQUIRE(first_row >= 0 && first_row <= ((int64_t)1 << STATE_ROW_BITS) - chunk->shape[0],
               DC_E_ARGUMENT, "%s: first_row is %lld, rows must be 0 ... 2^62 - 1", call,
               (long long)first_row);
    DC_REQUIRE(!chunk->buffer || chunk->buffer->backend == &dc__backend_cpu, DC_E_ARGUMENT,
               "%s: chunk lies in device memory, must lie in host memory", call);
    return chunk->shape[0] ? span_free(s, call, first_row, first_row + chunk->shape[0]) : DC_OK;
}

/* Visit the columns of a row in order: the offset of each from element 0. */
typedef struct column_walk {
    const dc_array *array;
    int64_t index[DC_MAX_NDIM], at;
    int32_t axis; /* the first that columns have */
} column_walk;

static void column_next(column_walk *w)
{
    for (int32_t d = w->array->ndim - 1; d >= w->axis; --d) {
        w->at += w->array->stride[d];
        if (++w->index[d] < w->array->shape[d])
            return;
        w->at -= w->array->stride[d] * w->array->shape[d];
        w->index[d] = 0;
    }
}

/* Rows of a chunk end to end. */
static void chunk_rows(const dc_reduce_state *s, const dc_array *chunk, int64_t row, int64_t rows,
                       char *to)
{
    const char *const base = dc__array_host_address(chunk);
    const size_t size = s->value_bytes;
    column_walk w = {chunk, {0}, 0, 1};

    if (s->outs == 0)
        return;
    for (int64_t r = 0; r < rows; ++r) {
        const int64_t first = (row + r) * chunk->stride[0];

        for (int64_t o = 0; o < s->outs; ++o, column_next(&w))
            memcpy(to + (size_t)(r * s->outs + o) * size, base + (first + w.at) * (int64_t)size,
                   size);
    }
}

/* The leaves of a chunk into a state of their own, which begins empty. */
static int chunk_climb(dc_reduce_state *fresh, const dc_array *chunk, int64_t first_row)
{
    const int64_t end = first_row + chunk->shape[0];
    const size_t row = (size_t)fresh->outs * fresh->value_bytes;

    for (int64_t at = first_row; at < end;) {
        const int64_t leaf = at >> STATE_LEAF_BITS, skip = at & (DC_REDUCE_LEAF - 1);
        const int64_t n = end - at < DC_REDUCE_LEAF - skip ? end - at : DC_REDUCE_LEAF - skip;
        state_piece piece = {.index = leaf, .level = STATE_RAW};

        piece.data = state_alloc(fresh->outs, DC_REDUCE_LEAF * fresh->value_bytes);
        if (!piece.data || !state_room(fresh, 0, 1)) {
            free(piece.data);
            return 0;
        }
        for (int64_t r = skip; r < skip + n; ++r)
            piece.mask[r / 64] |= (uint64_t)1 << (r % 64);
        chunk_rows(fresh, chunk, at - first_row, n, (char *)piece.data + (size_t)skip * row);
        piece_add(fresh, piece);
        at += n;
    }
    return 1;
}

static void chunk_values(dc_reduce_state *s, const dc_array *chunk, int64_t first_row)
{
    const char *const base = dc__array_host_address(chunk);
    column_walk w = {chunk, {0}, 0, 1};

    for (int64_t r = 0; s->outs && r < chunk->shape[0]; ++r)
        for (int64_t o = 0; o < s->outs; ++o, column_next(&w)) {
            const int64_t at = (r * chunk->stride[0] + w.at) * (int64_t)s->value_bytes;

            if (s->p.src.dtype == DC_F32) {
                float x;
                memcpy(&x, base + at, sizeof x);
                state_value_f32(s, o, x, first_row + r);
            } else {
                double x;
                memcpy(&x, base + at, sizeof x);
                state_value_f64(s, o, x, first_row + r);
            }
        }
}

dc_status dc_reduce_state_update(dc_reduce_state *s, const dc_array *chunk, int64_t first_row)
{
    dc_reduce_state *fresh = NULL;
    fenv_t callers;
    int fits = 1;

    DC_REQUIRE(s && chunk, DC_E_ARGUMENT, "dc_reduce_state_update: %s is NULL",
               s ? "chunk" : "state");
    DC_TRY(chunk_check(s, chunk, first_row));
    if (chunk->shape[0] == 0)
        return DC_OK;
    state_enter(&callers);
    if (!kind_climbs(s->p.kind)) {
        fits = state_room(s, 1, 0);
        if (fits)
            chunk_values(s, chunk, first_row);
    } else {
        fits = state_new(&s->p, &fresh) == DC_OK && chunk_climb(fresh, chunk, first_row) &&
               state_room(s, 1, fresh->pieces);
        for (int64_t i = 0; fits && i < fresh->pieces; ++i)
            piece_add(s, fresh->piece[i]);
        if (fits)
            fresh->pieces = 0; /* they are the state's now */
    }
    state_leave(&callers);
    dc_reduce_state_free(fresh);
    DC_REQUIRE(fits, DC_E_MEMORY, "dc_reduce_state_update: no memory for %lld rows",
               (long long)chunk->shape[0]);
    span_add(s, first_row, first_row + chunk->shape[0]);
    return DC_OK;
}

/* ---- merge ----------------------------------------------------------------------------------- */

static int state_alike(const dc_reduce_state *a, const dc_reduce_state *b)
{
    int alike = a->p.kind == b->p.kind && a->p.src.dtype == b->p.src.dtype &&
                a->p.src.ndim == b->p.src.ndim && a->p.nan == b->p.nan && a->list == b->list &&
                a->args.ddof == b->args.ddof && a->args.min_count == b->args.min_count &&
                a->p.largest == b->p.largest && a->p.edges.count == b->p.edges.count;

    for (int32_t d = 1; alike && d < a->p.src.ndim; ++d)
        alike = a->p.src.shape[d] == b->p.src.shape[d];
    return alike && (a->p.kind != DC_REDUCE_HISTOGRAM ||
                     memcmp(a->edge, b->edge, ((size_t)a->list + 1) * a->value_bytes) == 0);
}

/* Copies of the pieces of `from`; NULL: no memory. */
static state_piece *pieces_copy(const dc_reduce_state *from)
{
    state_piece *copy = state_alloc(from->pieces, sizeof *copy);

    for (int64_t i = 0; copy && i < from->pieces; ++i) {
        const size_t raw = DC_REDUCE_LEAF * from->value_bytes;

        copy[i] = from->piece[i];
        copy[i].data = state_alloc(from->outs, raw);
        if (!copy[i].data) {
            while (i-- > 0)
                free(copy[i].data);
            free(copy);
            return NULL;
        }
        memcpy(copy[i].data, from->piece[i].data,
               (size_t)from->outs * (copy[i].level < 0 ? raw : from->node_bytes));
    }
    return copy;
}

dc_status dc_reduce_state_merge(dc_reduce_state *s, const dc_reduce_state *from)
{
    state_piece *copy = NULL;
    fenv_t callers;

    DC_REQUIRE(s && from, DC_E_ARGUMENT, "dc_reduce_state_merge: %s is NULL", s ? "from" : "state");
    DC_REQUIRE(
        state_alike(s, from), DC_E_ARGUMENT,
        "dc_reduce_state_merge: from differs from state in kind, dtype, shape or parameters");
    for (int64_t i = 0; i < from->spans; ++i)
        DC_TRY(span_free(s, "dc_reduce_state_merge", from->span[i].first, from->span[i].end));
    DC_REQUIRE(state_room(s, from->spans, from->pieces) && (copy = pieces_copy(from)) != NULL,
               DC_E_MEMORY, "dc_reduce_state_merge: no memory");
    state_enter(&callers);
    if (!kind_climbs(s->p.kind))
        STATE(s, state_merge)(s, from);
    for (int64_t i = 0; i < from->pieces; ++i)
        piece_add(s, copy[i]);
    state_leave(&callers);
    free(copy);
    for (int64_t i = 0; i < from->spans; ++i)
        span_add(s, from->span[i].first, from->span[i].end);
    return DC_OK;
}

/* ---- result ---------------------------------------------------------------------------------- */

/* Nodes of pieces first ... end - 1, which lie in node `index` of `level`, merged; `room` for two
 * sets of nodes on each level below.  NULL: there are none. */
static void *state_climb(const dc_reduce_state *s, int64_t first, int64_t end, int level,
                         int64_t index, char *room)
{
    const size_t bytes = (size_t)s->outs * s->node_bytes;
    int64_t middle = first;
    void *old, *new_;

    if (first == end)
        return NULL;
    if (end - first == 1) {
        const state_piece *piece = &s->piece[first];

        if (piece->level == STATE_RAW)
            STATE(s, state_close)(s, piece->data, piece->mask, room);
        else
            memcpy(room, piece->data, bytes);
        return room;
    }
    while (middle < end && piece_first(&s->piece[middle]) < (2 * index + 1)
                                                                << (STATE_LEAF_BITS + level - 1))
        middle++;
    old = state_climb(s, first, middle, level - 1, 2 * index, room);
    new_ = state_climb(s, middle, end, level - 1, 2 * index + 1, old ? room + bytes : room);
    if (old && new_)
        STATE(s, state_pair)(s, old, new_);
    return old ? old : new_;
}

static dc_status result_check(const dc_reduce_state *s, const dc_array *dst, const dc_array *dst2)
{
    int64_t shape[DC_MAX_NDIM + 1];
    dc_reduce_params p = s->p;
    int32_t ndim;

    memset(p.src.stride, 0, sizeof p.src.stride);
    p.src.data = NULL;
    p.src.shape[0] = 0; /* nothing that a result could overlap */
    DC_TRY(shape_of(s->op, &p, shape, &ndim));
    DC_TRY(check_dst(s->op, &p, dst, "dst", dst_dtype(s->p.kind, p.src.dtype), shape, ndim));
    DC_REQUIRE(!dst->buffer || dst->buffer->backend == &dc__backend_cpu, DC_E_ARGUMENT,
               "dc_reduce_state_result: dst lies in device memory, must lie in host memory");
    if (dst2->ndim == 0)
        return DC_OK;
    DC_REQUIRE(s->p.kind == DC_REDUCE_TOP_K, DC_E_ARGUMENT,
               "dc_reduce_state_result: dst2 is for TOP_K alone");
    DC_TRY(check_dst(s->op, &p, dst2, "dst2", DC_I64, shape, ndim));
    DC_REQUIRE(!dst2->buffer || dst2->buffer->backend == &dc__backend_cpu, DC_E_ARGUMENT,
               "dc_reduce_state_result: dst2 lies in device memory, must lie in host memory");
    return dc__array_no_overlap(s->op, dst2, "dst2", dst, "dst");
}

dc_status dc_reduce_state_result(const dc_reduce_state *s, const dc_array *dst,
                                 const dc_array *dst2)
{
    enum { TOP = STATE_ROW_BITS - STATE_LEAF_BITS };
    static const dc_array none;
    const int32_t axis = s && s->list ? 1 : 0;
    char *room = NULL;
    void *nodes;
    fenv_t callers;

    DC_REQUIRE(s && dst, DC_E_ARGUMENT, "dc_reduce_state_result: %s is NULL", s ? "dst" : "state");
    dst2 = dst2 ? dst2 : &none;
    DC_TRY(result_check(s, dst, dst2));
    if (kind_climbs(s->p.kind)) {
        room = state_alloc(s->outs, (size_t)(TOP + 2) * s->node_bytes);
        DC_REQUIRE(room, DC_E_MEMORY, "dc_reduce_state_result: no memory");
    }
    state_enter(&callers);
    nodes = s->node;
    if (room) {
        nodes = state_climb(s, 0, s->pieces, TOP, 0, room);
        if (!nodes) {
            nodes = room;
            STATE(s, state_none)(s, nodes);
        }
    }
    column_walk to = {dst, {0}, 0, axis}, to2 = {dst2, {0}, 0, axis};
    for (int64_t o = 0; o < s->outs; ++o, column_next(&to), column_next(&to2))
        STATE(s, state_put)(s, nodes, o, dst, to.at, dst2, to2.at);
    state_leave(&callers);
    free(room);
    return DC_OK;
}

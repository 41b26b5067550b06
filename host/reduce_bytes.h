/* States of reductions as bytes, and back from bytes that nobody need trust.  Part of
 * host/reduce_state.h.
 *
 * All numbers are little-endian.  A header of 24 bytes: "DCREDUCE"; version, 32 bits; CRC-32 of
 * what follows the header, 32 bits; length of the whole, 64 bits.  Then the parameters, the spans
 * of rows taken in, and what the kind keeps. */

enum { BYTES_VERSION = 1, BYTES_HEADER = 24 };
static const char bytes_magic[8] = {'D', 'C', 'R', 'E', 'D', 'U', 'C', 'E'};

/* Bytes being written (`put`: counted, and stored where there is room) or read. */
typedef struct byte_run {
    unsigned char *to;
    const unsigned char *from;
    size_t at, end;
    int short_; /* reading went past the end */
} byte_run;

static void put(byte_run *run, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i, ++run->at)
        if (run->to && run->at < run->end)
            run->to[run->at] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(byte_run *run, int bytes)
{
    uint64_t value = 0;

    if (run->end - run->at < (size_t)bytes) {
        run->short_ = 1;
        run->at = run->end;
        return 0;
    }
    for (int i = 0; i < bytes; ++i)
        value |= (uint64_t)run->from[run->at++] << (8 * i);
    return value;
}

static void put_double(byte_run *run, double x)
{
    put(run, reduce_bits_f64(x), 8);
}

static double get_double(byte_run *run)
{
    return reduce_of_bits_f64(get(run, 8));
}

static uint32_t crc32_of(const unsigned char *data, size_t bytes)
{
    uint32_t table[256], crc = UINT32_MAX;

    for (uint32_t i = 0; i < 256; ++i) {
        table[i] = i;
        for (int bit = 0; bit < 8; ++bit)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < bytes; ++i)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
    return ~crc;
}

/* A value of the state's dtype by its bits. */
static void put_value(byte_run *run, const dc_reduce_state *s, const void *at)
{
    uint64_t wide = 0;
    uint32_t narrow;

    if (s->value_bytes == sizeof narrow) {
        memcpy(&narrow, at, sizeof narrow);
        wide = narrow;
    } else {
        memcpy(&wide, at, sizeof wide);
    }
    put(run, wide, (int)s->value_bytes);
}

static void get_value(byte_run *run, const dc_reduce_state *s, void *at)
{
    const uint64_t wide = get(run, (int)s->value_bytes);
    const uint32_t narrow = (uint32_t)wide;

    if (s->value_bytes == sizeof narrow)
        memcpy(at, &narrow, sizeof narrow);
    else
        memcpy(at, &wide, sizeof wide);
}

/* Both layouts of a node begin with the same three numbers, and then come three values. */
enum { NODE_VALUES = 3 * 8, NODE_BYTES = 3 * 8 };

static void put_node(byte_run *run, const dc_reduce_state *s, const void *node)
{
    for (int i = 0; i < 3; ++i) {
        int64_t n;

        memcpy(&n, (const char *)node + 8 * i, sizeof n);
        put(run, (uint64_t)n, 8);
    }
    for (int i = 0; i < 3; ++i)
        put_value(run, s, (const char *)node + NODE_VALUES + (size_t)i * s->value_bytes);
}

/* Numbers that no row can have are refused. */
static int get_node(byte_run *run, const dc_reduce_state *s, void *node)
{
    int fine = 1;

    for (int i = 0; i < 3; ++i) {
        const int64_t n = (int64_t)get(run, 8);

        fine &= i == 0 ? n >= 0 && n <= s->rows : n >= -1 && n < (int64_t)1 << STATE_ROW_BITS;
        memcpy((char *)node + 8 * i, &n, sizeof n);
    }
    for (int i = 0; i < 3; ++i)
        get_value(run, s, (char *)node + NODE_VALUES + (size_t)i * s->value_bytes);
    return fine && !run->short_;
}

/* ---- save ------------------------------------------------------------------------------------ */

static void put_params(byte_run *run, const dc_reduce_state *s)
{
    const dc_reduce_params *p = &s->p;

    put(run, (uint64_t)p->kind, 4);
    put(run, (uint64_t)p->src.dtype, 4);
    put(run, (uint64_t)p->nan, 4);
    put(run, (uint64_t)p->largest, 4);
    put(run, (uint64_t)p->ddof, 8);
    put(run, (uint64_t)p->min_count, 8);
    put(run, (uint64_t)p->k, 8);
    put(run, (uint64_t)p->bins, 8);
    put_double(run, p->low);
    put_double(run, p->high);
    put(run, (uint64_t)p->edges.count, 8);
    for (int64_t i = 0; i < p->edges.count; ++i)
        put_double(run, p->edges.at[i]);
    put(run, (uint64_t)p->src.ndim, 4);
    for (int32_t d = 1; d < p->src.ndim; ++d)
        put(run, (uint64_t)p->src.shape[d], 8);
}

static void put_piece(byte_run *run, const dc_reduce_state *s, const state_piece *piece)
{
    const char *data = piece->data;

    put(run, (uint64_t)piece->index, 8);
    put(run, (uint64_t)(int64_t)piece->level, 8);
    for (int64_t o = 0; piece->level >= 0 && o < s->outs; ++o)
        put_node(run, s, data + (size_t)o * s->node_bytes);
    if (piece->level >= 0)
        return;
    for (int i = 0; i < DC_REDUCE_LEAF / 64; ++i)
        put(run, piece->mask[i], 8);
    for (int64_t r = 0; r < DC_REDUCE_LEAF; ++r)
        for (int64_t o = 0; (piece->mask[r / 64] >> (r % 64) & 1) && o < s->outs; ++o)
            put_value(run, s, data + (size_t)(r * s->outs + o) * s->value_bytes);
}

static void put_columns(byte_run *run, const dc_reduce_state *s)
{
    const int64_t items = s->p.kind == DC_REDUCE_TOP_K ? s->outs : 0;

    for (int64_t i = 0; s->p.kind == DC_REDUCE_HISTOGRAM && i < s->outs * s->list; ++i)
        put(run, (uint64_t)s->count[i], 8);
    for (int64_t o = 0; o < items; ++o) {
        put(run, (uint64_t)s->count[o], 8);
        put(run, (uint64_t)s->bad[o], 8);
        for (int64_t i = 0; i < s->count[o]; ++i) {
            const char *item = (const char *)s->items + (size_t)(o * s->p.k + i) * s->item_bytes;
            int64_t row;

            memcpy(&row, item + 8, sizeof row);
            put_value(run, s, item);
            put(run, (uint64_t)row, 8);
        }
    }
    for (int64_t o = 0; s->p.kind != DC_REDUCE_HISTOGRAM && !items && o < s->outs; ++o)
        put_node(run, s, (const char *)s->node + (size_t)o * s->node_bytes);
}

dc_status dc_reduce_state_save(const dc_reduce_state *s, void *bytes, size_t room, size_t *size)
{
    byte_run run = {bytes, NULL, BYTES_HEADER, bytes ? room : 0, 0};
    byte_run head = {bytes, NULL, 0, room, 0};

    DC_REQUIRE(s && size, DC_E_ARGUMENT, "dc_reduce_state_save: %s is NULL", s ? "size" : "state");
    put_params(&run, s);
    put(&run, (uint64_t)s->spans, 8);
    for (int64_t i = 0; i < s->spans; ++i) {
        put(&run, (uint64_t)s->span[i].first, 8);
        put(&run, (uint64_t)s->span[i].end, 8);
    }
    if (kind_climbs(s->p.kind)) {
        put(&run, (uint64_t)s->pieces, 8);
        for (int64_t i = 0; i < s->pieces; ++i)
            put_piece(&run, s, &s->piece[i]);
    } else {
        put_columns(&run, s);
    }
    *size = run.at;
    if (!bytes)
        return DC_OK;
    DC_REQUIRE(run.at <= room, DC_E_ARGUMENT,
               "dc_reduce_state_save: room is %zu bytes, the state needs %zu", room, run.at);
    memcpy(bytes, bytes_magic, sizeof bytes_magic);
    head.at = sizeof bytes_magic;
    put(&head, BYTES_VERSION, 4);
    put(&head, crc32_of((unsigned char *)bytes + BYTES_HEADER, run.at - BYTES_HEADER), 4);
    put(&head, run.at, 8);
    return DC_OK;
}

/* ---- load ------------------------------------------------------------------------------------ */

#define LOAD_REQUIRE(condition, what)                                                              \
    DC_REQUIRE(condition, DC_E_ARGUMENT, "dc_reduce_state_load: %s", what)

/* *edges: memory for the edges, the caller's to free. */
static dc_status get_params(byte_run *run, dc_reduce_params *p, double **edges)
{
    int64_t outs = 1;

    p->kind = (int32_t)get(run, 4);
    p->src.dtype = (int32_t)get(run, 4);
    p->nan = (int32_t)get(run, 4);
    p->largest = (int32_t)get(run, 4);
    p->ddof = (int64_t)get(run, 8);
    p->min_count = (int64_t)get(run, 8);
    p->k = (int64_t)get(run, 8);
    p->bins = (int64_t)get(run, 8);
    p->low = get_double(run);
    p->high = get_double(run);
    p->edges.count = (int64_t)get(run, 8);
    LOAD_REQUIRE(p->edges.count >= 0 && (uint64_t)p->edges.count <= (run->end - run->at) / 8,
                 "more edges than bytes");
    *edges = state_alloc(p->edges.count, sizeof(double));
    DC_REQUIRE(*edges, DC_E_MEMORY, "dc_reduce_state_load: no memory");
    for (int64_t i = 0; i < p->edges.count; ++i)
        (*edges)[i] = get_double(run);
    p->edges.at = *edges;
    p->src.ndim = (int32_t)get(run, 4);
    LOAD_REQUIRE(p->src.ndim >= 1 && p->src.ndim <= DC_MAX_NDIM,
                 "a number of axes outside 1 ... 8");
    for (int32_t d = 1; d < p->src.ndim; ++d) {
        p->src.shape[d] = (int64_t)get(run, 8);
        LOAD_REQUIRE(p->src.shape[d] >= 0 && !__builtin_mul_overflow(outs, p->src.shape[d], &outs),
                     "a shape that overflows");
    }
    LOAD_REQUIRE(!run->short_, "the bytes end early");
    return DC_OK;
}

/* Memory is asked for by what the bytes can hold, not by what they claim. */
static dc_status params_fit(const byte_run *run, const dc_reduce_params *p)
{
    const uint64_t left = run->end - run->at;
    int64_t need = 1, list = list_length(p->kind, p);

    for (int32_t d = 1; d < p->src.ndim; ++d)
        need *= p->src.shape[d];
    if (kind_climbs(p->kind)) /* an empty state has no columns among its bytes */
        LOAD_REQUIRE((uint64_t)need <= left + (1 << 20), "more columns than bytes");
    else
        LOAD_REQUIRE((uint64_t)need <= left / 16 + 1, "more columns than bytes");
    if (p->kind == DC_REDUCE_HISTOGRAM)
        LOAD_REQUIRE(list > 0 && !__builtin_mul_overflow(need, list, &need) &&
                         (uint64_t)need <= left / 8 + 1,
                     "more bins than bytes");
    if (p->kind == DC_REDUCE_TOP_K)
        LOAD_REQUIRE(p->k > 0 && !__builtin_mul_overflow(need, p->k, &need) && need <= 1 << 28,
                     "lists too long for a state");
    return DC_OK;
}

static dc_status get_spans(byte_run *run, dc_reduce_state *s)
{
    const int64_t n = (int64_t)get(run, 8);
    int64_t end = -1;

    LOAD_REQUIRE(n >= 0 && (uint64_t)n <= (run->end - run->at) / 16, "more spans than bytes");
    DC_REQUIRE(state_room(s, n, 0), DC_E_MEMORY, "dc_reduce_state_load: no memory");
    for (int64_t i = 0; i < n; ++i) {
        state_span span;

        span.first = (int64_t)get(run, 8);
        span.end = (int64_t)get(run, 8);

        LOAD_REQUIRE(span.first > end && span.first < span.end && span.first >= 0 &&
                         span.end <= (int64_t)1 << STATE_ROW_BITS,
                     "spans of rows that do not ascend");
        s->span[s->spans++] = span;
        s->rows += span.end - span.first;
        end = span.end;
    }
    return DC_OK;
}

/* Are rows first ... end - 1 among those taken in? */
static int span_holds(const dc_reduce_state *s, int64_t first, int64_t end)
{
    for (int64_t i = 0; i < s->spans; ++i)
        if (first >= s->span[i].first && end <= s->span[i].end)
            return 1;
    return 0;
}

/* The rows of a leaf that have come; -1: some are not among those taken in. */
static int64_t mask_rows(const dc_reduce_state *s, const state_piece *piece)
{
    int64_t rows = 0;

    for (int r = 0; r < DC_REDUCE_LEAF; ++r)
        if (piece->mask[r / 64] >> (r % 64) & 1) {
            const int64_t row = (piece->index << STATE_LEAF_BITS) + r;

            if (!span_holds(s, row, row + 1))
                return -1;
            rows++;
        }
    return rows;
}

/* *rows: how many it stands for. */
static dc_status get_piece(byte_run *run, dc_reduce_state *s, int64_t behind, int64_t *rows)
{
    const size_t size = s->value_bytes;
    const int64_t index = (int64_t)get(run, 8);
    const int64_t level = (int64_t)get(run, 8);
    const int bits = STATE_LEAF_BITS + (level > 0 && level < STATE_ROW_BITS ? (int)level : 0);
    state_piece piece = {.index = index, .level = (int32_t)level};
    int fine = 1;

    *rows = 0;
    LOAD_REQUIRE(level >= STATE_RAW && level < STATE_ROW_BITS, "a piece beyond the tree");
    LOAD_REQUIRE(piece.level >= STATE_RAW && bits < STATE_ROW_BITS && piece.index >= 0 &&
                     piece.index < (int64_t)1 << (STATE_ROW_BITS - bits) &&
                     piece.index << bits >= behind,
                 "pieces of the tree that do not ascend");
    for (int i = 0; piece.level < 0 && i < DC_REDUCE_LEAF / 64; ++i)
        piece.mask[i] = get(run, 8);
    *rows = piece.level < 0 ? mask_rows(s, &piece) : (int64_t)1 << bits;
    LOAD_REQUIRE(
        *rows > 0 && *rows < (piece.level < 0 ? DC_REDUCE_LEAF : INT64_MAX) &&
            (piece.level < 0 || span_holds(s, piece.index << bits, (piece.index + 1) << bits)),
        "a piece of the tree whose rows were not taken in");
    LOAD_REQUIRE((run->end - run->at) / (piece.level < 0 ? size : NODE_BYTES + 3 * size) >=
                     (uint64_t)s->outs,
                 "the bytes end early");
    piece.data = state_alloc(s->outs, DC_REDUCE_LEAF * size);
    if (!piece.data || !state_room(s, 0, 1)) {
        free(piece.data);
        return dc__fail(DC_E_MEMORY, "dc_reduce_state_load: no memory");
    }
    s->piece[s->pieces++] = piece;
    for (int64_t o = 0; piece.level >= 0 && o < s->outs; ++o)
        fine &= get_node(run, s, (char *)piece.data + (size_t)o * s->node_bytes);
    for (int64_t r = 0; piece.level < 0 && r < DC_REDUCE_LEAF; ++r)
        for (int64_t o = 0; (piece.mask[r / 64] >> (r % 64) & 1) && o < s->outs; ++o)
            get_value(run, s, (char *)piece.data + (size_t)(r * s->outs + o) * size);
    LOAD_REQUIRE(fine && !run->short_, "a node with numbers that cannot be");
    return DC_OK;
}

static dc_status get_pieces(byte_run *run, dc_reduce_state *s)
{
    const int64_t n = (int64_t)get(run, 8);
    int64_t behind = 0, all = 0, rows = 0;

    LOAD_REQUIRE(n >= 0 && (uint64_t)n <= (run->end - run->at) / 16, "more pieces than bytes");
    for (int64_t i = 0; i < n; ++i) {
        const state_piece *last;

        DC_TRY(get_piece(run, s, behind, &rows));
        last = &s->piece[s->pieces - 1];
        behind = (last->index + 1) << (STATE_LEAF_BITS + (last->level > 0 ? last->level : 0));
        all += rows;
    }
    LOAD_REQUIRE(all == s->rows, "pieces of the tree that lack rows");
    return DC_OK;
}

static dc_status get_items(byte_run *run, dc_reduce_state *s, int64_t o)
{
    const int64_t n = (int64_t)get(run, 8);
    const int64_t bad = (int64_t)get(run, 8);
    int64_t last = -1;

    LOAD_REQUIRE(n >= 0 && n <= s->p.k && n <= s->rows && bad >= -1 &&
                     bad < (int64_t)1 << STATE_ROW_BITS,
                 "a list longer than k or its rows");
    s->count[o] = n;
    s->bad[o] = bad;
    for (int64_t i = 0; i < n; ++i) {
        char *const item = (char *)s->items + (size_t)(o * s->p.k + i) * s->item_bytes;
        int64_t row;

        get_value(run, s, item);
        row = (int64_t)get(run, 8);
        memcpy(item + 8, &row, sizeof row);
        LOAD_REQUIRE(!run->short_ && row >= 0 && row != last && span_holds(s, row, row + 1),
                     "a list with a row that was not taken in");
        last = row;
    }
    for (int64_t i = 1; i < n; ++i) {
        const int64_t at = o * s->p.k + i;
        const int ascends = s->p.src.dtype == DC_F32
                                ? state_beats_f32(((state_item_f32 *)s->items)[at - 1],
                                                  ((state_item_f32 *)s->items)[at])
                                : state_beats_f64(((state_item_f64 *)s->items)[at - 1],
                                                  ((state_item_f64 *)s->items)[at]);
        LOAD_REQUIRE(ascends, "a list out of order");
    }
    return DC_OK;
}

static dc_status get_columns(byte_run *run, dc_reduce_state *s)
{
    int fine = 1;

    for (int64_t i = 0; s->p.kind == DC_REDUCE_HISTOGRAM && i < s->outs * s->list; ++i) {
        s->count[i] = (int64_t)get(run, 8);
        fine &= s->count[i] >= 0 && s->count[i] <= s->rows;
    }
    for (int64_t o = 0; s->p.kind == DC_REDUCE_TOP_K && o < s->outs; ++o)
        DC_TRY(get_items(run, s, o));
    for (int64_t o = 0;
         s->p.kind != DC_REDUCE_HISTOGRAM && s->p.kind != DC_REDUCE_TOP_K && o < s->outs; ++o)
        fine &= get_node(run, s, (char *)s->node + (size_t)o * s->node_bytes);
    LOAD_REQUIRE(fine && !run->short_, "counts that cannot be");
    return DC_OK;
}

static dc_status load_state(byte_run *run, dc_reduce_state **out, double **edges)
{
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;

    DC_TRY(get_params(run, &p, edges));
    DC_TRY(params_fit(run, &p));
    DC_TRY(state_new(&p, out));
    DC_TRY(get_spans(run, *out));
    DC_TRY(kind_climbs(p.kind) ? get_pieces(run, *out) : get_columns(run, *out));
    LOAD_REQUIRE(!run->short_, "the bytes end early");
    LOAD_REQUIRE(run->at == run->end, "bytes are left over");
    return DC_OK;
}

dc_status dc_reduce_state_load(const void *bytes, size_t size, dc_reduce_state **state)
{
    byte_run run = {NULL, bytes, 8, size, 0};
    dc_reduce_state *made = NULL;
    double *edges = NULL;
    uint64_t version, crc;
    dc_status status;

    DC_REQUIRE(state, DC_E_ARGUMENT, "dc_reduce_state_load: state is NULL");
    *state = NULL;
    LOAD_REQUIRE(bytes && size >= BYTES_HEADER && memcmp(bytes, bytes_magic, 8) == 0,
                 "these are not the bytes of a state");
    version = get(&run, 4);
    DC_REQUIRE(version == BYTES_VERSION, DC_E_ARGUMENT,
               "dc_reduce_state_load: version is %llu, this library reads %d",
               (unsigned long long)version, BYTES_VERSION);
    crc = get(&run, 4);
    LOAD_REQUIRE(get(&run, 8) == size, "the length is not that of the state");
    LOAD_REQUIRE(crc == crc32_of(run.from + BYTES_HEADER, size - BYTES_HEADER),
                 "the checksum does not match, the bytes are damaged");
    status = load_state(&run, &made, &edges);
    free(edges);
    if (status != DC_OK) {
        dc_reduce_state_free(made);
        return status;
    }
    *state = made;
    return DC_OK;
}
#undef LOAD_REQUIRE

/* A pair of panels in a block: its leaves as a tree, and what becomes of the root.  Part of
 * cpu_fallback/correlation.c. */

enum {
    FN(CORR_MATRIX) = (FN(CORR_MOST) + 8) * FN(CORR_MOST), /* P of complete columns */
    FN(CORR_NODE) = FN(CORR_MATRIX) + 4 * FN(CORR_LD),     /* ... S and Q of both panels */
    FN(CORR_FIELD) = (FN(CORR_HALF) + 2) * FN(CORR_HALF),
    FN(CORR_NODE_HOLES) = 5 * FN(CORR_FIELD)
};

/* Operands of the stages that make pairs. */
typedef struct FN(corr_pairs_to) {
    const dc_correlation_args *args;
    char *dst, *dst2;
    const FN(correlation_column) * column;
    T *node;
    dc_i64 *count;
} FN(corr_pairs_to);

static FN(corr_pairs_to) FN(corr_operands)(void *const *operand, const dc_correlation_args *args)
{
    FN(corr_pairs_to) to = {.args = args};

    to.dst = operand[0];
    to.dst2 = operand[1];
    to.column = operand[2];
    to.node = operand[3];
    to.count = operand[4];
    return to;
}

static void FN(corr_store)(char *to, dc_i64 at, T value)
{
    memcpy(to + at * (dc_i64)sizeof(T), &value, sizeof value);
}

/* The result of pair i <= j. */
static void FN(corr_put)(const FN(corr_pairs_to) * to, dc_i64 i, dc_i64 j,
                         const FN(correlation_node) * node)
{
    const dc_correlation_args *const a = to->args;
    const dc_i64 at = i * a->dst_i + j * a->dst_j, mirrored = j * a->dst_i + i * a->dst_j;

    if (a->kind == DC_CORRELATION_GRAM) {
        FN(correlation_node) it = FN(correlation_sums)(node, to->column[i], to->column[j]);

        FN(corr_store)(to->dst, at, it.p);
        FN(corr_store)(to->dst, mirrored, it.p);
        FN(corr_store)(to->dst, at + a->dst_field, it.s_i);
        FN(corr_store)(to->dst, mirrored + a->dst_field, it.s_j);
        FN(corr_store)(to->dst, at + 2 * a->dst_field, it.q_i);
        FN(corr_store)(to->dst, mirrored + 2 * a->dst_field, it.q_j);
        if (a->has_dst2) {
            memcpy(to->dst2 + (i * a->dst2_i + j * a->dst2_j) * 8, &it.n, 8);
            memcpy(to->dst2 + (j * a->dst2_i + i * a->dst2_j) * 8, &it.n, 8);
        }
        return;
    }
    const T value = FN(correlation_result)(a, node, to->column[i], to->column[j], i == j);

    FN(corr_store)(to->dst, at, value);
    FN(corr_store)(to->dst, mirrored, value);
    if (a->has_dst2 && i == j)
        FN(corr_store)(to->dst2, i * a->dst2_i, FN(correlation_mean)(to->column[i], node));
}

/* Pair i <= j of a block to the nodes, or to the results where there is one block. */
static void FN(corr_emit)(const FN(corr_pairs_to) * to, dc_i64 block, dc_i64 i, dc_i64 j,
                          const FN(correlation_node) * node)
{
    const dc_i64 cols = to->args->cols, pairs = cols * cols;
    T *const at = to->node + block * DC_CORRELATION_FIELDS * pairs;

    if (to->args->blocks == 1) {
        FN(corr_put)(to, i, j, node);
        return;
    }
    at[i * cols + j] = node->p;
    at[pairs + i * cols + j] = node->s_i;
    at[pairs + j * cols + i] = node->s_j;
    at[2 * pairs + i * cols + j] = node->q_i;
    at[2 * pairs + j * cols + i] = node->q_j;
    to->count[block * pairs + i * cols + j] = node->n;
}

/* to += from, columns first ... end - 1 of `rows` rows; where `same`, from the diagonal on. */
static void FN(corr_add)(T *to, const T *from, dc_i64 rows, dc_i64 end, dc_i64 ld, int same)
{
    for (dc_i64 i = 0; i < rows; i++)
        for (dc_i64 j = same ? i / VEC_LANES * VEC_LANES : 0; j < end; j += VEC_LANES)
            FN(vstoreu)
    (to + i * ld + j, FN(vloadu)(to + i * ld + j) + FN(vloadu)(from + i * ld + j));
}

/* Scratch of a tile: panels, then nodes.  Both kinds of columns use the same bytes. */
typedef struct FN(corr_room) {
    FN(corr_panel) x, y;
    T *node;
    dc_i64 *count;
} FN(corr_room);

static dc_i64 FN(corr_levels)(const dc_correlation_args *a)
{
    dc_i64 levels = 2;

    for (dc_i64 n = a->leaves < a->block_leaves ? a->leaves : a->block_leaves; n > 1;
         n = (n + 1) / 2)
        levels++;
    return levels;
}

enum {
    FN(CORR_ROOM) = (int)((sizeof(FN(corr_room)) + 63) / 64 * 64),
    /* panels do not begin alike in a page */
    FN(CORR_PANEL) = DC_CORRELATION_LEAF * FN(CORR_LD) + 1088 / (int)sizeof(T),
    FN(CORR_PANEL_HALF) = DC_CORRELATION_LEAF * FN(CORR_LD_HALF) + 1088 / (int)sizeof(T),
    FN(CORR_COUNTS) = 8 * FN(CORR_HALF) * (FN(CORR_HALF) + 2 * FN(CORR_WORDS)) /* bytes */
};

static dc_i64 FN(corr_tile_bytes)(const dc_correlation_args *a)
{
    const dc_i64 size = (dc_i64)sizeof(T), levels = FN(corr_levels)(a);
    const dc_i64 complete = (2 * FN(CORR_PANEL) + levels * FN(CORR_NODE)) * size;
    const dc_i64 holes =
        (6 * FN(CORR_PANEL_HALF) + levels * FN(CORR_NODE_HOLES)) * size + FN(CORR_COUNTS);

    return FN(CORR_ROOM) + (complete > holes ? complete : holes);
}

/* Leaves `leaf` ... of a block, complete columns: the root is in room->node. */
static void FN(corr_block_complete)(FN(corr_room) * room, const FN(corr_source) * src,
                                    const dc_correlation_args *a, dc_i64 block, int same)
{
    const dc_i64 first = block * a->block_leaves, leaves = correlation_leaves(a, block);
    const dc_i64 end = (room->y.width + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
    dc_i64 top = 0;

    for (dc_i64 l = 0; l < leaves || top > 1;) {
        dc_i64 full = l < leaves ? 0 : 1;

        if (l < leaves) {
            const dc_i64 row = (first + l) * DC_CORRELATION_LEAF;
            const dc_i64 rows = correlation_rows(a, first + l);
            T *const node = room->node + top++ * FN(CORR_NODE);

            room->x.s = node + FN(CORR_MATRIX);
            room->x.square = room->x.s + FN(CORR_LD);
            room->y.s = room->x.s + 2 * FN(CORR_LD);
            room->y.square = room->x.s + 3 * FN(CORR_LD);
            FN(corr_pack)(&room->x, src, row, rows);
            if (!same)
                FN(corr_pack)(&room->y, src, row, rows);
            FN(corr_leaf_complete)
            (&room->x, same ? &room->x : &room->y, same, rows, node, FN(CORR_MOST));
            l++;
            full = __builtin_ctzll((dc_u64)l);
        }
        for (; full > 0 && top > 1; full--, top--) {
            T *const to = room->node + (top - 2) * FN(CORR_NODE), *const from = to + FN(CORR_NODE);

            FN(corr_add)(to, from, room->x.width, end, FN(CORR_MOST), same);
            FN(corr_add)
            (to + FN(CORR_MATRIX), from + FN(CORR_MATRIX), same ? 2 : 4,
             (same ? room->x.width : (room->x.width > end ? room->x.width : end)), FN(CORR_LD), 0);
        }
    }
}

static void FN(corr_block_holes)(FN(corr_room) * room, const FN(corr_source) * src,
                                 const dc_correlation_args *a, dc_i64 block, int same)
{
    const dc_i64 first = block * a->block_leaves, leaves = correlation_leaves(a, block);
    const dc_i64 end = (room->y.width + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
    dc_i64 top = 0;

    memset(room->count, 0, sizeof(dc_i64) * FN(CORR_HALF) * FN(CORR_HALF));
    for (dc_i64 l = 0; l < leaves || top > 1;) {
        dc_i64 full = l < leaves ? 0 : 1;

        if (l < leaves) {
            const dc_i64 row = (first + l) * DC_CORRELATION_LEAF;
            const dc_i64 rows = correlation_rows(a, first + l);
            T *const node = room->node + top++ * FN(CORR_NODE_HOLES);
            const FN(corr_panel) *const y = same ? &room->x : &room->y;

            FN(corr_pack)(&room->x, src, row, rows);
            if (!same)
                FN(corr_pack)(&room->y, src, row, rows);
            FN(corr_leaf_holes)(&room->x, y, same, rows, node, FN(CORR_HALF), FN(CORR_FIELD));
            FN(corr_leaf_count)(&room->x, y, same, room->count, FN(CORR_HALF));
            l++;
            full = __builtin_ctzll((dc_u64)l);
        }
        for (; full > 0 && top > 1; full--, top--) {
            T *const to = room->node + (top - 2) * FN(CORR_NODE_HOLES);

            for (int f = 0; f < 5; f++)
                FN(corr_add)
            (to + f * FN(CORR_FIELD), to + FN(CORR_NODE_HOLES) + f * FN(CORR_FIELD), room->x.width,
             end, FN(CORR_HALF), same);
        }
    }
}

/* Columns x, x + xw and y, y + yw, all complete. */
static void FN(corr_pair_complete)(const FN(corr_pairs_to) * to, const FN(corr_source) * src,
                                   dc_i64 block, const dc_i64 at[4], FN(corr_room) * room)
{
    const int same = at[0] == at[2];
    const dc_i64 most = to->args->block_leaves * DC_CORRELATION_LEAF;
    T *const memory = (T *)(void *)((char *)room + FN(CORR_ROOM));
    dc_i64 rows = to->args->rows;

    room->x.d = memory;
    room->y.d = memory + FN(CORR_PANEL);
    room->x.m = room->y.m = room->x.q = room->y.q = NULL;
    room->node = memory + 2 * FN(CORR_PANEL);
    FN(corr_panel_open)(&room->x, to->column, at[0], at[1], FN(CORR_LD));
    FN(corr_panel_open)(&room->y, to->column, at[2], at[3], FN(CORR_LD));
    FN(corr_block_complete)(room, src, to->args, block, same);
    rows -= block * to->args->block_leaves * DC_CORRELATION_LEAF;
    rows = rows < most ? rows : most;
    for (dc_i64 i = 0; i < at[1]; i++)
        for (dc_i64 j = same ? i : 0; j < at[3]; j++) {
            const T *const x = room->node + FN(CORR_MATRIX), *const y =
                                                                 same ? x : x + 2 * FN(CORR_LD);
            const FN(correlation_node)
                node = {to->column[at[0] + i].n < 0 || to->column[at[2] + j].n < 0 ? 0 : rows,
                        same && i == j ? x[FN(CORR_LD) + i] : room->node[i * FN(CORR_MOST) + j],
                        x[i],
                        y[j],
                        x[FN(CORR_LD) + i],
                        y[FN(CORR_LD) + j]};

            FN(corr_emit)(to, block, at[0] + i, at[2] + j, &node);
        }
}

static void FN(corr_pair_holes)(const FN(corr_pairs_to) * to, const FN(corr_source) * src,
                                dc_i64 block, const dc_i64 at[4], FN(corr_room) * room)
{
    const int same = at[0] == at[2];
    T *memory = (T *)(void *)((char *)room + FN(CORR_ROOM));
    FN(corr_panel) *const panel[2] = {&room->x, &room->y};

    room->count = (dc_i64 *)(void *)memory;
    memory = (T *)(void *)((char *)memory + FN(CORR_COUNTS));
    for (int k = 0; k < 2; k++) {
        panel[k]->word =
            (dc_u64 *)(room->count + FN(CORR_HALF) * (FN(CORR_HALF) + k * FN(CORR_WORDS)));
        panel[k]->d = memory;
        panel[k]->m = memory + FN(CORR_PANEL_HALF);
        panel[k]->q = memory + 2 * FN(CORR_PANEL_HALF);
        memory += 3 * FN(CORR_PANEL_HALF);
        FN(corr_panel_open)(panel[k], to->column, at[2 * k], at[2 * k + 1], FN(CORR_LD_HALF));
    }
    room->node = memory;
    FN(corr_block_holes)(room, src, to->args, block, same);
    for (dc_i64 i = 0; i < at[1]; i++)
        for (dc_i64 j = same ? i : 0; j < at[3]; j++) {
            const T *const x = room->node + i * FN(CORR_HALF) + j;
            FN(correlation_node)
            node = {room->count[i * FN(CORR_HALF) + j],
                    x[0],
                    x[FN(CORR_FIELD)],
                    x[2 * FN(CORR_FIELD)],
                    x[3 * FN(CORR_FIELD)],
                    x[4 * FN(CORR_FIELD)]};

            node.p = same && i == j ? node.q_i : node.p;
            FN(corr_emit)(to, block, at[0] + i, at[2] + j, &node);
        }
}

/* Panels with missing values are taken in smaller ones. */
static void FN(corr_pair)(const FN(corr_pairs_to) * to, const FN(corr_source) * src, dc_i64 block,
                          const dc_i64 at[4], FN(corr_room) * room)
{
    if (FN(corr_complete)(to->args, to->column, at[0], at[1]) &&
        FN(corr_complete)(to->args, to->column, at[2], at[3])) {
        FN(corr_pair_complete)(to, src, block, at, room);
        return;
    }
    for (dc_i64 x = 0; x < at[1]; x += FN(CORR_HALF))
        for (dc_i64 y = at[0] == at[2] ? x : 0; y < at[3]; y += FN(CORR_HALF)) {
            const dc_i64 xw = at[1] - x < FN(CORR_HALF) ? at[1] - x : FN(CORR_HALF);
            const dc_i64 yw = at[3] - y < FN(CORR_HALF) ? at[3] - y : FN(CORR_HALF);
            const dc_i64 part[4] = {at[0] + x, xw, at[2] + y, yw};

            FN(corr_pair_holes)(to, src, block, part, room);
        }
}

static void FN(corr_pairs)(void *const *operand, const dc_correlation_args *a, dc_i64 tile,
                           dc_i64 width, dc_i64 panels, void *scratch)
{
    const dc_i64 size = (dc_i64)sizeof(T);
    const FN(corr_source) src = {operand[0], a->src_row * size, a->src_col * size};
    const FN(corr_pairs_to) to = FN(corr_operands)(operand + 1, a);
    dc_i64 pair = tile % (panels * (panels + 1) / 2), x = 0, at[4];

    for (; pair >= panels - x; x++)
        pair -= panels - x;
    at[0] = x * width;
    at[2] = (x + pair) * width;
    at[1] = a->cols - at[0] < width ? a->cols - at[0] : width;
    at[3] = a->cols - at[2] < width ? a->cols - at[2] : width;
    FN(corr_pair)(&to, &src, tile / (panels * (panels + 1) / 2), at, scratch);
}

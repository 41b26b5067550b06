/* Folds cut into tiles.  Read once per dtype (T, SFX). */

static void FN(fold_keep_nodes)(const FN(fold_panel) * p, int kind, FN(reduce_node) * to)
{
    for (int j = 0; j < p->jobs; j++) {
        to[j] = FN(fold_node_of)(p, j);
        if (!FN(fold_args)(kind)) {
            to[j].row = -1;
            to[j].bad = p->args->propagate && FN(fold_least)(kind) + FN(fold_most)(kind) > 0 &&
                                p->work->node[j / VEC_LANES].s[j % VEC_LANES] > 0
                            ? 0
                            : -1;
        }
    }
}

/* How panels lie: tiling->part. */
enum { FOLD_PER_TILE, FOLD_WIDTH, FOLD_COLS, FOLD_PANELS, FOLD_CHUNKS, FOLD_STREAM, FOLD_BITS };

/* Results side by side in memory, and rows not: a row of them is loaded as it lies. */
static int FN(fold_in_cols)(const dc_reduce_args *a)
{
    const dc_i64 columns = a->out_shape[a->out_ndim - 1];

    return a->out_src[a->out_ndim - 1] == 1 && columns > 1 && columns >= VEC_LANES / 4 &&
           !(a->row_stride[a->row_ndim - 1] == 1 && a->rows > 1);
}

/* Is a result made of so few rows that all of them fit into registers? */
static int FN(fold_is_few)(const dc_reduce_args *a)
{
    return a->rows <= DC_REDUCE_LANES && !fold_wholes(a->kind);
}

/* ROWS: leaves of a job side by side in lanes, as a power of two. */
static int FN(fold_bits)(const dc_reduce_args *a)
{
    const dc_i64 rows = a->rows < DC_REDUCE_BLOCK ? a->rows : DC_REDUCE_BLOCK;
    int bits = 0;

    while (1 << bits < VEC_LANES && DC_REDUCE_LEAF << bits < rows)
        bits++;
    return bits;
}

static void FN(fold_cut)(const dc_reduce_args *a, const dc_machine *machine, dc_tiling *tiling)
{
    enum { TILE_BYTES = 1 << 19, FEW_STRIPS = 256 };
    const dc_i64 columns = a->out_shape[a->out_ndim - 1];
    const dc_i64 most = (FN(fold_is_few)(a) ? FEW_STRIPS : FOLD_STRIPS) * VEC_LANES;
    const dc_i64 rows = a->rows < DC_REDUCE_BLOCK ? a->rows + 1 : DC_REDUCE_BLOCK;
    const dc_i64 jobs = VEC_LANES >> FN(fold_bits)(a);
    dc_i64 width = jobs, chunks = 1, panels = (a->outs * a->blocks - 1) / jobs + 1, per;

    memset(tiling, 0, sizeof *tiling);
    /* results that no cache would keep */
    tiling->part[FOLD_STREAM] = a->outs > machine->l3_bytes / (dc_i64)sizeof(T);
    tiling->part[FOLD_COLS] = FN(fold_in_cols)(a);
    if (tiling->part[FOLD_COLS]) {
        width = columns < most ? columns : most;
        chunks = (columns - 1) / width + 1;
        panels = a->blocks * (a->outs / columns) * chunks;
    }
    per = TILE_BYTES / (rows * width * (dc_i64)sizeof(T)) + 1;
    tiling->part[FOLD_PER_TILE] = per;
    tiling->part[FOLD_WIDTH] = width;
    tiling->part[FOLD_PANELS] = panels;
    tiling->part[FOLD_CHUNKS] = chunks;
    tiling->part[FOLD_BITS] = FN(fold_bits)(a);
    tiling->tiles = (panels - 1) / per + 1;
    tiling->scratch_bytes = sizeof(FN(fold_work));
    tiling->work = (a->rows + 1) * a->outs / 16 * (dc_i64)sizeof(T) / 2 + 1;
}

/* COLS: a chunk of a line of results in a block. */
static void FN(fold_cols)(FN(fold_panel) * p, int kind, const T *src, void *dst, void *nodes,
                          const dc_tiling *t, dc_i64 index)
{
    const dc_reduce_args *a = p->args;
    const dc_i64 columns = a->out_shape[a->out_ndim - 1], lines = a->outs / columns;
    const dc_i64 chunk = index % t->part[FOLD_CHUNKS] * t->part[FOLD_WIDTH];
    const dc_i64 line = index / t->part[FOLD_CHUNKS] % lines;
    const dc_i64 block = index / t->part[FOLD_CHUNKS] / lines, out = line * columns + chunk;
    const fold_walk w = fold_walk_at(a, out);
    const dc_i64 left = a->rows - block * DC_REDUCE_BLOCK, width = t->part[FOLD_WIDTH];
    const fold_target target = {dst, &w.dst, a->out_dst[a->out_ndim - 1], 1,
                                (int)t->part[FOLD_STREAM]};

    p->jobs = (int)(columns - chunk < width ? columns - chunk : width);
    p->strips = (p->jobs - 1) / VEC_LANES + 1;
    p->rows = left < DC_REDUCE_BLOCK ? left : DC_REDUCE_BLOCK;
    p->first[0] = src + w.src;
    p->from[0] = block * DC_REDUCE_BLOCK;
    if (a->step == DC_REDUCE_BLOCKS) {
        FN(fold_panel_run)(p, kind);
        FN(fold_keep_nodes)(p, kind, (FN(reduce_node) *)nodes + block * a->outs + out);
    } else if (!fold_wholes(kind) && FN(fold_is_few)(a)) {
        FN(few_run)(p, kind, &target);
    } else {
        FN(fold_panel_run)(p, kind);
        FN(fold_put)(p, kind, &target);
    }
}

/* ROWS: the panel's jobs, and where their results go. */
static void FN(fold_jobs)(FN(fold_panel) * p, const T *src, dc_i64 first, fold_walk *w, dc_i64 *at)
{
    const dc_reduce_args *a = p->args;

    p->rows = 0;
    for (int j = 0; j < p->jobs; j++) {
        const dc_i64 from = a->blocks > 1 ? (first + j) / a->outs * DC_REDUCE_BLOCK : 0;
        const dc_i64 rest = a->rows - from;

        p->first[j] = src + w->src;
        p->from[j] = from;
        p->lengths[j] = rest < DC_REDUCE_BLOCK ? rest : DC_REDUCE_BLOCK;
        p->rows = p->rows < p->lengths[j] ? p->lengths[j] : p->rows;
        at[j] = w->dst;
        fold_walk_on(w);
    }
}

/* ROWS: a panel of jobs in a row, blocks of all results one after the other. */
static void FN(fold_rows)(FN(fold_panel) * p, int kind, const T *src, void *dst, void *nodes,
                          dc_i64 index, dc_i64 stream, fold_walk *w)
{
    const dc_reduce_args *a = p->args;
    const int jobs = VEC_LANES >> p->bits;
    const dc_i64 first = index * jobs, left = a->outs * a->blocks - first;
    dc_i64 at[VEC_LANES];

    p->jobs = (int)(left < jobs ? left : jobs);
    p->strips = 1;
    p->even = !FN(fold_args)(kind) && a->out_ndim == 1 && a->blocks == 1;
    p->step = 0;
    if (p->even) {
        p->apart = a->out_src[0];
        p->first[0] = src + first * p->apart;
        p->from[0] = 0;
        p->rows = a->rows;
        at[0] = first * a->out_dst[0];
    } else {
        FN(fold_jobs)(p, src, first, w, at);
    }
    FN(fold_panel_run)(p, kind);
    if (a->step == DC_REDUCE_BLOCKS)
        FN(fold_keep_nodes)(p, kind, (FN(reduce_node) *)nodes + first);
    else
        FN(fold_put)(p, kind, &(fold_target){dst, at, a->out_dst[0], p->even, (int)stream});
}

/* The nodes of a result's blocks, merged as leaves are. */
static void FN(fold_finish)(const dc_reduce_args *a, int kind, void *dst,
                            const FN(reduce_node) * nodes, dc_i64 out, dc_i64 at)
{
    FN(reduce_node) stack[64], node = FN(reduce_none)(kind);
    int have = 0;

    for (dc_i64 b = 0; b < a->blocks; b++) {
        int level = 0;

        node = nodes[b * a->outs + out];
        for (; b >> level & 1; level++)
            node = FN(reduce_merge)(kind, stack[level], node);
        stack[level] = node;
    }
    for (int level = 0; a->blocks >> level; level++)
        if (a->blocks >> level & 1) {
            node = have ? FN(reduce_merge)(kind, stack[level], node) : stack[level];
            have = 1;
        }
    if (fold_wholes(kind)) {
        FN(fold_put_whole)(a, kind, dst, at, &node);
        return;
    }
    for (int i = 0; i < fold_list(kind); i++)
        ((T *)dst)[at + i * a->list_dst] = FN(reduce_value)(a, &node, i);
}

enum { FOLD_FINISHED = 64 }; /* results of a tile */

static void FN(fold_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_reduce_args *a = args;

    if (a->step != DC_REDUCE_FINISH) {
        FN(fold_cut)(a, machine, tiling);
        return;
    }
    memset(tiling, 0, sizeof *tiling);
    tiling->tiles = (a->outs - 1) / FOLD_FINISHED + 1;
    tiling->work = a->outs * a->blocks * 10;
}

static void FN(fold_run)(void *const *operand, const void *args, const dc_tiling *tiling,
                         dc_i64 tile, void *scratch, int kind)
{
    const dc_reduce_args *a = args;
    const dc_i64 per = a->step == DC_REDUCE_FINISH ? FOLD_FINISHED : tiling->part[FOLD_PER_TILE];
    const dc_i64 all = a->step == DC_REDUCE_FINISH ? a->outs : tiling->part[FOLD_PANELS];
    const dc_i64 end = (tile + 1) * per < all ? (tile + 1) * per : all;
    FN(fold_panel) p = {.args = a, .work = scratch, .cols = (int)tiling->part[FOLD_COLS]};
    fold_walk w;

    if (a->step == DC_REDUCE_FINISH) {
        w = fold_walk_at(a, tile * per);
        for (dc_i64 out = tile * per; out < end; out++, fold_walk_on(&w))
            FN(fold_finish)(a, kind, operand[0], operand[1], out, w.dst);
        return;
    }
    if (p.cols) {
        for (dc_i64 i = tile * per; i < end; i++)
            FN(fold_cols)(&p, kind, operand[0], operand[1], operand[1], tiling, i);
        dc_vec_fence();
        return;
    }
    p.bits = (int)tiling->part[FOLD_BITS];
    w = fold_walk_at(a, tile * per * (VEC_LANES >> p.bits) % a->outs);
    for (dc_i64 i = tile * per; i < end; i++)
        FN(fold_rows)
    (&p, kind, operand[0], operand[1], operand[1], i, tiling->part[FOLD_STREAM], &w);
    dc_vec_fence();
}

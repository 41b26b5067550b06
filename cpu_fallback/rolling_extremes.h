/* Rolling min and max.  Included by cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * Where the series of both arrays lie side by side, the blocks of rolling_herk.h are walked on the
 * arrays themselves: a tile is a run of rows of a bunch of registers, its halo is read once.
 * Results that bypass the caches gather in a stage of some rows, from which whole aligned registers
 * are written.  Everything else (few series, steps, other strides) goes through panels. */

#ifndef DC_ROLLING_EXTREMES_H
#define DC_ROLLING_EXTREMES_H

/* dc_tiling.part of a tile on the arrays; PACK_USER tells. */
enum { EXTREMES_BLOCK, EXTREMES_BUNCH, EXTREMES_STREAM, EXTREMES_AHEAD, EXTREMES_FAR };

enum {
    EXTREMES_COLLIDE = 2048, /* rows so many bytes apart, or multiples, share lines of the caches */
    EXTREMES_HALO = 16,      /* times the window: rows of a tile, at least                   */
    EXTREMES_BYTES = 4 << 20, /* of a tile, at least where there are so many                  */
    EXTREMES_FLUSH = 2048     /* bytes in the stage that are worth writing                    */
};

#endif

/* Where results go.  With a stage: `fill` values are in it, the first of which belongs to `line`,
 * an aligned address; the first `skip` of them are none. */
typedef struct FN(extremes_sink) {
    FN(loose) * line;
    T *stage;
    dc_i64 fill, skip;
} FN(extremes_sink);

/* Whether to walk on the arrays. */
static int FN(extremes_direct)(const dc_rolling_args *a)
{
    const dc_i64 inner = FN(pack_inner)(a);
    if (a->src_row_stride * (dc_i64)sizeof(T) % EXTREMES_COLLIDE == 0 ||
        a->dst_row_stride * (dc_i64)sizeof(T) % EXTREMES_COLLIDE == 0)
        return 0;
#ifdef DC_VECTOR_AVX512
    const dc_i64 least = VEC_LANES / 2;
#else
    const dc_i64 least = VEC_LANES; /* less than a register is a copy here */
#endif
    return !a->expanding && a->step == 1 && inner >= least &&
           pack_together(a, a->src_stride, 0, inner) && pack_together(a, a->dst_stride, 0, inner);
}

/* Registers of all lanes of a bunch that has `width` of them. */
static void FN(extremes_lanes)(FN(herk) * h, dc_i64 width)
{
    h->registers = (int)pack_div_up(width, VEC_LANES);
    h->last_column = pack_max(width - VEC_LANES, 0);
    h->lanes = (int)pack_min(width, VEC_LANES);
    h->shape = width < VEC_LANES ? HERK_SOME : HERK_FULL;
}

static dc_i64 FN(extremes_stage)(const FN(herk) * h)
{
    return h->block * (h->registers + 1) + EXTREMES_FLUSH / DC_VECTOR_BYTES + 2;
}

static void FN(extremes_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_rolling_args *a = args;
    if (!FN(extremes_direct)(a) || a->series <= 0 || a->out_rows <= 0 || a->rows <= 0) {
        FN(sums_plan)(args, machine, tiling);
        return;
    }
    const dc_i64 inner = FN(pack_inner)(a), per = pack_div_up(inner, VEC_LANES);
    const dc_i64 bunch = pack_div_up(per, pack_div_up(per, PACK_MAX_PLANES));
    const dc_i64 groups = a->series / inner * pack_div_up(per, bunch);
    const dc_i64 bytes = a->series * a->out_rows * (dc_i64)sizeof(T);
    dc_i64 window, shift;
    pack_shorten(a, &window, &shift);
    FN(herk) h = FN(herk_of)(a, window);
    FN(extremes_lanes)(&h, pack_min(bunch * VEC_LANES, inner));
    const dc_i64 panels = a->series / inner * per;
    const dc_i64 row = pack_min(a->src_row_stride < 0 ? -a->src_row_stride : a->src_row_stride,
                                DC_VECTOR_BYTES * 1024) *
                       (dc_i64)sizeof(T); /* bytes */
    const double work = 2.0 * (double)panels * (double)(a->out_rows + window);
    dc_i64 block = pack_max(EXTREMES_HALO * pack_min(window, a->rows),
                            EXTREMES_BYTES / (bunch * DC_VECTOR_BYTES));
    memset(tiling, 0, sizeof *tiling);
    if (machine->threads > 1 && work > 1e5) {
        const dc_i64 each = pack_div_up(a->out_rows, pack_div_up(machine->threads * 3, groups));
        block = pack_min(block, pack_max(each, pack_max(window, 64)));
    }
    block = pack_div_up(a->out_rows, pack_div_up(a->out_rows, block));
    tiling->tiles = groups * pack_div_up(a->out_rows, block);
    tiling->part[EXTREMES_BLOCK] = block;
    tiling->part[EXTREMES_BUNCH] = bunch;
    tiling->part[EXTREMES_STREAM] = bytes > machine->l3_bytes / 2;
    tiling->part[EXTREMES_AHEAD] = 2 * a->rows * row > machine->l2_bytes
                                       ? pack_max(h.block, HERK_AHEAD / pack_max(row, 1))
                                       : 0;
    tiling->part[EXTREMES_FAR] = 4 * window * row > machine->l2_bytes;
    tiling->part[PACK_USER] = 1;
    tiling->work = work < 9e18 ? (dc_i64)work : (dc_i64)9e18;
    tiling->scratch_bytes = (FN(herk_scratch)(&h) + 2 * FN(extremes_stage)(&h)) * DC_VECTOR_BYTES;
}

static void FN(extremes_sink_open)(FN(extremes_sink) * s, FN(loose) * to, T *stage)
{
    s->stage = stage;
    s->skip = (dc_i64)((uintptr_t)to % DC_VECTOR_BYTES / sizeof(T));
    s->fill = s->skip;
    s->line = to - s->skip;
}

/* Writes the stage, except for a last part of a register unless that is `all`. */
static void FN(extremes_flush)(FN(extremes_sink) * s, int all)
{
    dc_i64 i = 0;
    if (!all && s->fill * (dc_i64)sizeof(T) < EXTREMES_FLUSH)
        return;
    if (s->skip && s->fill >= VEC_LANES)
        for (i = VEC_LANES; s->skip < VEC_LANES; s->skip++)
            s->line[s->skip] = s->stage[s->skip];
    for (; i + VEC_LANES <= s->fill; i += VEC_LANES)
        FN(vstream)((T *)(void *)(s->line + i), FN(vload)(s->stage + i));
    s->skip = i ? 0 : s->skip;
    for (dc_i64 j = i + s->skip; all && j < s->fill; j++)
        s->line[j] = s->stage[j];
    FN(vstore)(s->stage, FN(vload)(s->stage + i));
    s->line += i;
    s->fill -= i;
}

/* Results by way of the stage, one run of values. */
static void FN(extremes_run_on)(FN(herk) * h, FN(loose) * to, dc_i64 first, dc_i64 outs, T *scratch)
{
    const FN(herk_walk) walk = FN(herk_walk_of)(h);
    const dc_i64 width = h->last_column + h->lanes;
    const int halves = h->shape == HERK_HALVES;
    FN(extremes_sink) sink[2];
    for (int i = 0; i <= halves; i++)
        FN(extremes_sink_open)
    (&sink[i], to + i * h->out_half, scratch + i * FN(extremes_stage)(h) * VEC_LANES);
    for (dc_i64 done = 0; done < outs; done += h->block) {
        const dc_i64 some = pack_min(h->block, outs - done);
        if (halves)
            h->out_half = sink[1].stage + sink[1].fill - (sink[0].stage + sink[0].fill);
        walk(h, first + done, some, sink[0].stage + sink[0].fill, width);
        for (int i = 0; i <= halves; i++) {
            sink[i].fill += some * width;
            FN(extremes_flush)(&sink[i], done + some == outs);
        }
    }
}

/* The same row by row, where there are gaps between the rows of the array. */
static void FN(extremes_run_rows)(FN(herk) * h, FN(loose) * to, dc_i64 pitch, dc_i64 first,
                                  dc_i64 outs, T *scratch)
{
    const FN(herk_walk) walk = FN(herk_walk_of)(h);
    const dc_i64 width = h->last_column + h->lanes, apart = (h->registers + 1) * VEC_LANES;
    for (dc_i64 done = 0; done < outs; done += h->block) {
        const dc_i64 some = pack_min(h->block, outs - done);
        walk(h, first + done, some, scratch, apart);
        for (dc_i64 i = 0; i < some; i++, to += pitch)
            FN(pack_stream_run)(to, scratch + i * apart, width);
    }
}

/* Windows that end at rows first ... first + outs - 1; their results at `to`, `pitch` apart. */
static void FN(extremes_rows)(FN(herk) * h, FN(loose) * to, dc_i64 pitch, dc_i64 first, dc_i64 outs,
                              int stream, T *scratch)
{
    const FN(herk_walk) walk = FN(herk_walk_of)(h);
    const dc_i64 width = h->last_column + h->lanes;
    FN(herk_open)(h, first, scratch + 2 * FN(extremes_stage)(h) * VEC_LANES);
    if (!stream || (uintptr_t)to % sizeof(T) != 0)
        for (dc_i64 done = 0; done < outs; done += h->block)
            walk(h, first + done, pack_min(h->block, outs - done), to + done * pitch, pitch);
    else if (pitch == width)
        FN(extremes_run_on)(h, to, first, outs, scratch);
    else
        FN(extremes_run_rows)(h, to, pitch, first, outs, scratch);
}

/* Rows of half a register: where no window leaves the series, two runs of them side by side. */
static void FN(extremes_halves)(FN(herk) * h, FN(loose) * to, dc_i64 pitch, dc_i64 first,
                                dc_i64 outs, int stream, T *scratch)
{
    const dc_i64 head = pack_min(pack_max(h->window - first, 0), outs);
    const dc_i64 inside = pack_min(pack_max(h->rows - first, head), outs) - head;
    const dc_i64 each = pack_div_up(inside, 2);
    if (each < 2 * h->window || each < 16 * h->block || (stream && pitch != h->lanes)) {
        FN(extremes_rows)(h, to, pitch, first, outs, stream, scratch);
        return;
    }
    FN(extremes_rows)(h, to, pitch, first, head, stream, scratch);
    h->shape = HERK_HALVES;
    h->src_half = (inside - each) * h->pitch; /* of an odd number, both have the middle row */
    h->out_half = (inside - each) * pitch;
    FN(extremes_rows)(h, to + head * pitch, pitch, first + head, each, stream, scratch);
    h->shape = HERK_SOME;
    FN(extremes_rows)
    (h, to + (head + inside) * pitch, pitch, first + head + inside, outs - head - inside, stream,
     scratch);
}

static void FN(extremes_tile)(void *const *operand, const dc_rolling_args *a,
                              const dc_tiling *tiling, dc_i64 tile, T *scratch)
{
    const dc_i64 inner = FN(pack_inner)(a), lanes = tiling->part[EXTREMES_BUNCH] * VEC_LANES;
    const dc_i64 block = tiling->part[EXTREMES_BLOCK], pitch = a->dst_row_stride;
    const dc_i64 blocks = pack_div_up(a->out_rows, block), bunches = pack_div_up(inner, lanes);
    const dc_i64 group = tile / blocks, out = tile % blocks * block;
    const dc_i64 column = group % bunches * lanes, series = group / bunches * inner + column;
    const dc_i64 outs = pack_min(block, a->out_rows - out);
    const int stream = (int)tiling->part[EXTREMES_STREAM];
    dc_i64 window, shift;
    pack_shorten(a, &window, &shift);
    FN(herk) h = FN(herk_of)(a, window);
    FN(extremes_lanes)(&h, pack_min(lanes, inner - column));
    h.ahead = tiling->part[EXTREMES_AHEAD] * h.pitch;
    h.far = (int)tiling->part[EXTREMES_FAR];
    h.src = (const FN(loose) *)operand[0] + FN(pack_offset)(a, a->src_stride, series);
    FN(loose) *to =
        (FN(loose) *)operand[1] + FN(pack_offset)(a, a->dst_stride, series) + out * pitch;
    const dc_i64 first = a->out_first + out + shift;
    if (2 * h.lanes == VEC_LANES)
        FN(extremes_halves)(&h, to, pitch, first, outs, stream, scratch);
    else
        FN(extremes_rows)(&h, to, pitch, first, outs, stream, scratch);
    if (stream)
        dc_vec_fence();
}

static void FN(extremes_run)(void *const *operand, const dc_rolling_args *a,
                             const dc_tiling *tiling, dc_i64 tile, void *scratch, int kind)
{
    if (tiling->part[PACK_USER])
        FN(extremes_tile)(operand, a, tiling, tile, scratch);
    else
        FN(sums_run)(operand, a, tiling, tile, scratch, kind);
}

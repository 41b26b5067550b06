/* How a rolling step is cut into tiles, and where a tile's lanes lie.  Part of rolling_pack.h. */

/* Panels when lanes are series.  They stay inside the last axis where that makes rows of lanes
 * contiguous on either side; else they run over all series. */
static dc_i64 FN(pack_inner)(const dc_rolling_args *a)
{
    dc_i64 last = a->shape[a->ndim - 1];
    int contiguous = a->src_stride[a->ndim - 1] == 1 || a->dst_stride[a->ndim - 1] == 1;
    return a->ndim == 1 || (contiguous && 2 * last >= VEC_LANES) ? last : a->series;
}

/* Cost of packing one register of values, in additions of one. */
static double FN(pack_price)(const dc_rolling_args *a, int time)
{
    double price = 0;
    int src_lanes = pack_together(a, a->src_stride, time, FN(pack_inner)(a));
    int dst_lanes = pack_together(a, a->dst_stride, time, FN(pack_inner)(a));
    int src_flat = time && pack_flat(a, a->src_stride, a->src_row_stride);
    int dst_flat = time && pack_flat(a, a->dst_stride, a->dst_row_stride);
    price += src_lanes ? 4 : src_flat || a->src_row_stride == 1 ? 8 : 5.0 * VEC_LANES;
    price += dst_lanes ? 4 : dst_flat || a->dst_row_stride == 1 ? 8 : 5.0 * VEC_LANES;
    return price;
}

/* Panel rows that one lane walks through to put out `outs` values in blocks of `block`. */
static double FN(pack_walk)(dc_i64 outs, dc_i64 block, dc_i64 step, dc_i64 lead)
{
    return (double)outs * (double)step + (double)pack_div_up(outs, block) * (double)lead;
}

/* How many panels and outputs a tile has, when lanes lie side by side.  Beyond the caches, whole
 * rows of the arrays make the best of the memory: they are few, but the halo has to pay.  Inside,
 * tiles stay within the second-level cache.  Long windows take one panel through the third. */
static void FN(pack_shape)(const dc_machine *machine, dc_i64 per, dc_i64 halo, dc_i64 step,
                           int stream, dc_i64 *bunch, dc_i64 *block)
{
    const dc_i64 lines = machine->l2_bytes / 2 / DC_VECTOR_BYTES; /* registers */
    dc_i64 most = pack_max(lines / ((step + 1) * *block + halo), 1);
    if (4 * halo > lines) {
        const dc_i64 far = machine->l3_bytes / 8 / DC_VECTOR_BYTES;
        *block = pack_max(*block, pack_min((stream ? 3 : 8) * halo, far) / step);
        most = stream ? far / (4 * halo) : 1;
    } else if (stream) {
        most = 4 * lines / (4 * halo + step);
    }
    most = pack_min(most, PACK_MAX_PLANES);
    *bunch = pack_div_up(per, pack_div_up(per, pack_max(most, 1)));
    if (stream && *bunch > 1 && 4 * halo <= lines)
        *block = pack_min(*block, pack_max((lines / *bunch - halo) / (step + 1),
                                           3 * halo / step + PACK_FEW_ROWS));
}

/* A step as it is being cut. */
typedef struct FN(pack_cut) {
    dc_i64 window, step, lead; /* as the tiles will see them: at most lead rows before output 0 */
    dc_i64 inner, panels, chunk, block, bunch;
    int time, flat, stream, src_together, dst_together;
    double work; /* nanoseconds */
} FN(pack_cut);

/* Lanes are series, or time chunks of a series: whichever takes less. */
static void FN(pack_choose)(const dc_rolling_args *a, const pack_wish *wish, FN(pack_cut) * c)
{
    const dc_i64 lanes = VEC_LANES;
    const double compute = wish->row_ns * 4; /* about 4 additions of a register per nanosecond */
    dc_i64 shift, chunk = pack_div_up(pack_div_up(a->out_rows, lanes), lanes) * lanes;
    pack_shorten(a, &c->window, &shift);
    c->step = a->step > c->window && a->out_rows > 1 ? c->window : a->step;
    const dc_i64 newest = a->out_first + (a->out_rows - 1) * a->step + shift;
    c->lead = pack_min(c->window - 1, pack_max(newest, 0));
    c->inner = FN(pack_inner)(a);
    c->panels = a->series / c->inner * pack_div_up(c->inner, lanes);
    c->block = pack_max(a->expanding && !wish->streaming ? a->out_rows : wish->block, 1);

    const double by_series = (double)c->panels * (compute + FN(pack_price)(a, 0)) *
                             FN(pack_walk)(a->out_rows, c->block, c->step, c->lead);
    const double by_time = (double)a->series * (compute + FN(pack_price)(a, 1)) *
                           FN(pack_walk)(chunk, c->block, c->step, c->window - 1);
    c->time = !a->expanding && a->out_rows >= 2 * lanes && c->window - 1 <= chunk * c->step &&
              by_time < by_series;
    c->flat = c->time && (pack_flat(a, a->src_stride, a->src_row_stride) ||
                          pack_flat(a, a->dst_stride, a->dst_row_stride));
    c->chunk = c->time ? chunk : a->out_rows;
    if (c->time) {
        c->panels = a->series;
        c->lead = c->window - 1;
    }
    c->block = pack_min(c->block, c->chunk);
    c->src_together = pack_together(a, a->src_stride, c->time, c->inner);
    c->dst_together = pack_together(a, a->dst_stride, c->time, c->inner);
    c->work = (double)c->panels * FN(pack_walk)(c->chunk, c->block, c->step, c->lead) *
                  (wish->row_ns + FN(pack_price)(a, c->time) / 8) +
              200;
}

/* Outputs and panels of a tile. */
static void FN(pack_size)(const dc_rolling_args *a, const dc_machine *machine, FN(pack_cut) * c)
{
    const dc_i64 lanes = VEC_LANES, step = c->step;
    const dc_i64 bytes = a->series * a->out_rows * (dc_i64)sizeof(T);
    dc_i64 block = c->block;
    c->bunch = 1;
    c->stream = (c->dst_together || c->flat || a->dst_row_stride == 1) && !a->expanding &&
                bytes > machine->l3_bytes / 2;
    if (c->flat) {
        c->bunch = a->shape[a->ndim - 1];
        const dc_i64 fit = machine->l2_bytes / 2 / (DC_VECTOR_BYTES * c->bunch) - c->lead;
        block = pack_min(block, pack_max(fit / (step + 1), 3 * c->lead / step + PACK_FEW_ROWS));
    } else if (!a->expanding && (c->src_together || c->dst_together)) {
        FN(pack_shape)
        (machine, pack_div_up(c->inner, lanes), c->lead, step, c->stream, &c->bunch, &block);
        block = pack_min(block, c->chunk);
    }
    if (machine->threads > 1 && c->work > 1e5 && !a->expanding) {
        const dc_i64 groups = pack_div_up(c->panels, c->bunch);
        const dc_i64 each = pack_div_up(c->chunk, pack_div_up(machine->threads * 3, groups));
        block = pack_min(block, pack_max(each, pack_max(c->window / step, 64)));
    }
    block = pack_div_up(c->chunk, pack_div_up(c->chunk, block));
    c->block = pack_min(pack_div_up(block, lanes) * lanes, c->chunk);
}

DC_UNUSED static void FN(pack_plan)(const dc_rolling_args *a, const dc_machine *machine,
                                    const pack_wish *wish, dc_tiling *tiling)
{
    FN(pack_cut) c;
    memset(tiling, 0, sizeof *tiling);
    if (a->series <= 0 || a->out_rows <= 0 || a->rows <= 0)
        return;
    FN(pack_choose)(a, wish, &c);
    FN(pack_size)(a, machine, &c);
    dc_i64 rows = c.lead + (c.block - 1) * c.step + 1, blocks = pack_div_up(c.chunk, c.block);
    const dc_i64 per = c.time ? c.panels : pack_div_up(c.inner, VEC_LANES);
    if (a->expanding && wish->streaming) {
        rows = pack_max(a->out_first, c.step - 1) + (c.block - 1) * c.step + 1;
        blocks = 1;
    }
    const dc_i64 in = (c.flat || c.src_together ? c.bunch : 1) * rows * DC_VECTOR_BYTES;
    const dc_i64 out = (c.flat || c.dst_together ? c.bunch : 1) * c.block * DC_VECTOR_BYTES;
    tiling->tiles = c.panels / per * pack_div_up(per, c.bunch) * blocks;
    tiling->part[PACK_TIME] = c.time;
    tiling->part[PACK_CHUNK] = c.chunk;
    tiling->part[PACK_BLOCK] = c.block;
    tiling->part[PACK_BUNCH] = c.bunch;
    tiling->part[PACK_STREAM] = c.stream;
    tiling->part[PACK_IN] = in;
    tiling->work = c.work < 9e18 ? (dc_i64)c.work : (dc_i64)9e18;
    tiling->scratch_bytes = pack_div_up(in + out, 64) * 64 + (c.stream ? PACK_STAGE : 0) +
                            wish->scratch_rows * rows * DC_VECTOR_BYTES + wish->scratch_fixed + 64;
}

/* Element offset of series s. */
static dc_i64 FN(pack_offset)(const dc_rolling_args *a, const dc_i64 *stride, dc_i64 s)
{
    if (a->ndim == 1)
        return s * stride[0];
    dc_i64 offset = 0;
    for (int d = a->ndim - 1; d >= 0; d--) {
        offset += s % a->shape[d] * stride[d];
        s /= a->shape[d];
    }
    return offset;
}

DC_UNUSED static void FN(pack_open)(FN(pack) * v, void *const *operand, const dc_rolling_args *a,
                                    const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *part = tiling->part;
    dc_i64 inner = FN(pack_inner)(a);
    /* an expanding tile is whole panels */
    dc_i64 blocks = a->expanding ? 1 : pack_div_up(part[PACK_CHUNK], part[PACK_BLOCK]);
    dc_i64 first = tile % blocks * part[PACK_BLOCK];
    v->args = a;
    v->raw = 0;
    v->src = operand[0];
    v->dst = operand[1];
    v->time = part[PACK_TIME];
    v->chunk = part[PACK_CHUNK];
    v->stream = part[PACK_STREAM];
    dc_i64 per = v->time ? a->series : pack_div_up(inner, VEC_LANES); /* panels of an inner axis */
    dc_i64 bunches = pack_div_up(per, part[PACK_BUNCH]), group = tile / blocks;
    dc_i64 skip = group % bunches * part[PACK_BUNCH];
    v->panel_first = group / bunches * per + skip;
    v->panels = pack_min(part[PACK_BUNCH], per - skip);
    v->out_first = first;
    v->block = part[PACK_BLOCK];
    v->outs = pack_min(pack_min(v->block, v->chunk - first), a->out_rows - first);
    pack_shorten(a, &v->window, &v->shift);
    v->step = a->step > v->window && a->out_rows > 1 ? v->window : a->step;
    dc_i64 newest = a->out_first + first * a->step + v->shift;
    v->lead = pack_lead(a, v->window, newest, (int)v->time);
    if (v->step != a->step)
        v->lead = v->window - 1;
    v->rows = v->lead + (v->outs - 1) * v->step + 1;
    v->src_flat = v->time && pack_flat(a, a->src_stride, a->src_row_stride);
    v->dst_flat = v->time && pack_flat(a, a->dst_stride, a->dst_row_stride);
    v->src_together = pack_together(a, a->src_stride, (int)v->time, inner);
    v->dst_together = pack_together(a, a->dst_stride, (int)v->time, inner);
    int flat = v->src_flat || v->dst_flat;
    v->planes = flat || v->src_together ? part[PACK_BUNCH] : 1;
    v->out_planes = flat || v->dst_together ? part[PACK_BUNCH] : 1;
    v->in = scratch;
    v->out = v->in + part[PACK_IN] / (dc_i64)sizeof(T);
    char *end = (char *)v->out + v->out_planes * part[PACK_BLOCK] * DC_VECTOR_BYTES;
    end = (char *)scratch + pack_div_up(end - (char *)scratch, 64) * 64;
    v->stage = (T *)end;
    v->spare = (T *)(v->stream ? end + PACK_STAGE : end);
}

/* Fills in the lanes of panel p of the tile. */
static void FN(pack_lanes)(FN(pack) * v, dc_i64 p)
{
    const dc_rolling_args *a = v->args;
    dc_i64 panel = v->panel_first + p, inner = FN(pack_inner)(a);
    dc_i64 per = pack_div_up(inner, VEC_LANES);
    dc_i64 series = v->time ? panel : panel / per * inner + panel % per * VEC_LANES;
    dc_i64 left = v->time ? VEC_LANES : inner - panel % per * VEC_LANES;
    v->lanes = (int)pack_min(left, VEC_LANES);
    for (int l = 0; l < VEC_LANES; l++) {
        dc_i64 s = v->time ? series : series + (l < v->lanes ? l : 0);
        dc_i64 k = v->out_first + (v->time ? l * v->chunk : 0);
        dc_i64 outs = l < v->lanes ? pack_min(v->outs, a->out_rows - k) : 0;
        v->lane_out[l] = k;
        v->lane_outs[l] = pack_max(outs, 0);
        v->from[l] = v->src + FN(pack_offset)(a, a->src_stride, s);
        v->to[l] = v->dst + FN(pack_offset)(a, a->dst_stride, s);
    }
}

DC_UNUSED static dc_i64 FN(pack_blocks)(const FN(pack) * v)
{
    return pack_div_up(v->args->out_rows, v->block);
}

/* Streaming, expanding: the next block. */
DC_UNUSED static void FN(pack_seek)(FN(pack) * v, dc_i64 b)
{
    const dc_rolling_args *a = v->args;
    v->out_first = b * v->block;
    v->outs = pack_min(v->block, a->out_rows - v->out_first);
    v->lead = b == 0 ? a->out_first : a->step - 1;
    v->rows = v->lead + (v->outs - 1) * a->step + 1;
}

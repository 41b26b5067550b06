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
    int src_lanes = !time && a->src_stride[a->ndim - 1] == 1 && FN(pack_inner)(a) != a->series;
    int dst_lanes = !time && a->dst_stride[a->ndim - 1] == 1 && FN(pack_inner)(a) != a->series;
    src_lanes |= !time && a->ndim == 1 && a->src_stride[0] == 1;
    dst_lanes |= !time && a->ndim == 1 && a->dst_stride[0] == 1;
    int src_flat = time && pack_flat(a, a->src_stride, a->src_row_stride);
    int dst_flat = time && pack_flat(a, a->dst_stride, a->dst_row_stride);
    price += src_lanes ? 4 : src_flat || a->src_row_stride == 1 ? 8 : 2.0 * VEC_LANES;
    price += dst_lanes ? 4 : dst_flat || a->dst_row_stride == 1 ? 8 : 2.0 * VEC_LANES;
    return price;
}

/* Panel rows that one lane walks through to put out `outs` values in blocks of `block`. */
static double FN(pack_walk)(dc_i64 outs, dc_i64 block, dc_i64 step, dc_i64 lead)
{
    return (double)outs * (double)step + (double)pack_div_up(outs, block) * (double)lead;
}

DC_UNUSED static void FN(pack_plan)(const dc_rolling_args *a, const dc_machine *machine,
                                    const pack_wish *wish, dc_tiling *tiling)
{
    memset(tiling, 0, sizeof *tiling);
    if (a->series <= 0 || a->out_rows <= 0 || a->rows <= 0)
        return;
    dc_i64 window, shift;
    pack_shorten(a, &window, &shift);
    dc_i64 step = a->step > window && a->out_rows > 1 ? window : a->step;
    dc_i64 newest = a->out_first + (a->out_rows - 1) * a->step + shift;
    dc_i64 lead = pack_min(window - 1, pack_max(newest, 0));
    dc_i64 lanes = VEC_LANES, last = a->shape[a->ndim - 1], inner = FN(pack_inner)(a);
    dc_i64 panels = a->series / inner * pack_div_up(inner, lanes);
    dc_i64 chunk = pack_div_up(pack_div_up(a->out_rows, lanes), lanes) * lanes;
    dc_i64 wanted = pack_max(a->expanding && !wish->streaming ? a->out_rows : wish->block, 1);

    double compute = wish->row_ns * 4; /* about 4 additions of a register per nanosecond */
    double by_series = (double)panels * (compute + FN(pack_price)(a, 0)) *
                       FN(pack_walk)(a->out_rows, wanted, step, lead);
    double by_time = (double)a->series * (compute + FN(pack_price)(a, 1)) *
                     FN(pack_walk)(chunk, wanted, step, window - 1);
    int time = !a->expanding && a->out_rows >= 2 * lanes && window - 1 <= chunk * step &&
               by_time < by_series;
    int flat = time && (pack_flat(a, a->src_stride, a->src_row_stride) ||
                        pack_flat(a, a->dst_stride, a->dst_row_stride));
    if (time)
        panels = a->series;
    else
        chunk = a->out_rows;

    double rows = (double)panels * FN(pack_walk)(chunk, pack_min(wanted, chunk), step, lead);
    double work = rows * (wish->row_ns + FN(pack_price)(a, time) / 8) + 200;
    dc_i64 block = pack_min(wanted, chunk), bunch = 1;
    dc_i64 row_bytes = 2 * step * DC_VECTOR_BYTES;
    if (flat) {
        bunch = last;
        dc_i64 fit = machine->l2_bytes / 2 / (row_bytes * last);
        block = pack_min(block, pack_max(pack_max(fit, 4 * window / step), 64));
    } else if (!time && !a->expanding) {
        bunch = pack_max(1, pack_min(panels, machine->l2_bytes / 2 / (row_bytes * block + 1)));
        bunch = pack_div_up(panels, pack_div_up(panels, bunch));
    }
    if (machine->threads > 1 && work > 1e5 && !a->expanding) {
        dc_i64 groups = pack_div_up(panels, bunch);
        dc_i64 each = pack_div_up(chunk, pack_div_up((dc_i64)machine->threads * 3, groups));
        block = pack_min(block, pack_max(each, pack_max(window / step, 64)));
    }
    block = pack_div_up(chunk, pack_div_up(chunk, block));
    block = pack_min(pack_div_up(block, lanes) * lanes, chunk);

    dc_i64 planes = flat ? last : 1;
    dc_i64 panel_rows = (time ? window - 1 : lead) + (block - 1) * step + 1;
    if (a->expanding && wish->streaming)
        panel_rows = pack_max(a->out_first, step - 1) + (block - 1) * step + 1;
    dc_i64 bytes = a->series * a->out_rows * (dc_i64)sizeof(T);
    int stream = !time && !a->expanding && a->ndim == 1 && a->dst_stride[0] == 1 &&
                 bytes > machine->l3_bytes / 2;
    dc_i64 stage = stream ? pack_div_up(block * bunch * DC_VECTOR_BYTES, 64) * 64 + 64 : 0;
    dc_i64 in = planes * panel_rows * DC_VECTOR_BYTES;
    tiling->tiles = pack_div_up(panels, bunch) * pack_div_up(chunk, block);
    if (a->expanding && wish->streaming)
        tiling->tiles = pack_div_up(panels, bunch);
    tiling->part[PACK_TIME] = time;
    tiling->part[PACK_CHUNK] = chunk;
    tiling->part[PACK_BLOCK] = block;
    tiling->part[PACK_BUNCH] = bunch;
    tiling->part[PACK_STREAM] = stream;
    tiling->part[PACK_IN] = in;
    tiling->work = work < 9e18 ? (dc_i64)work : (dc_i64)9e18;
    tiling->scratch_bytes = pack_div_up(in + planes * block * DC_VECTOR_BYTES, 64) * 64 + stage +
                            wish->scratch_rows * panel_rows * DC_VECTOR_BYTES +
                            wish->scratch_fixed + 64;
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
    dc_i64 last = a->shape[a->ndim - 1], inner = FN(pack_inner)(a);
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
    v->panel_first = tile / blocks * part[PACK_BUNCH];
    dc_i64 all = v->time ? a->series : a->series / inner * pack_div_up(inner, VEC_LANES);
    v->panels = pack_min(part[PACK_BUNCH], all - v->panel_first);
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
    v->planes = v->src_flat || v->dst_flat ? last : 1;
    v->in = scratch;
    v->out = v->in + part[PACK_IN] / (dc_i64)sizeof(T);
    char *end = (char *)v->out + v->planes * part[PACK_BLOCK] * DC_VECTOR_BYTES;
    end = (char *)scratch + pack_div_up(end - (char *)scratch, 64) * 64;
    v->stage = (T *)end;
    dc_i64 stage = part[PACK_BLOCK] * part[PACK_BUNCH] * DC_VECTOR_BYTES;
    v->spare = (T *)(v->stream ? end + pack_div_up(stage, 64) * 64 + 64 : end);
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

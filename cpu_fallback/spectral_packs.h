/* Windows that overlap, of series that lie side by side: the series of a block are laid out as
 * rows, so that every lane is a window, whatever their number.  A part of cpu_fallback/spectral.c.
 */

/* Samples from ... end - 1 of `count` series to rows `apart` elements from each other. */
static void FN(spectral_lay_rows)(const FN(loose) *const *series, int count, dc_i64 step,
                                  dc_i64 from, dc_i64 end, T *rows, dc_i64 apart)
{
    dc_i64 i = from;
    int beside = 1;

    for (int l = 1; l < count; l++)
        beside &= series[l] == series[0] + l;
    for (; beside && i + VEC_LANES <= end; i += VEC_LANES) {
        FN(vec) r[VEC_LANES];

        for (int k = 0; k < VEC_LANES; k++)
            r[k] = count == VEC_LANES ? FN(vloadu)(series[0] + (i + k) * step)
                                      : FN(vload_n)(series[0] + (i + k) * step, count);
        FN(vtranspose)(r);
        for (int l = 0; l < VEC_LANES; l++)
            if (l < count)
                FN(vstoreu)(rows + l * apart + i - from, r[l]);
    }
    for (; i < end; i++)
        for (int l = 0; l < count; l++)
            rows[l * apart + i - from] = series[l][i * step];
}

/* Windows f ... f + VEC_LANES - 1 (before `end`) of one series, its row beginning at sample
 * `first`. */
static void FN(spectral_packed_group)(FN(spectral_lanes) * g, void *const *operand,
                                      const FN(spectral_cursor) * series, const T *row,
                                      dc_i64 first, dc_i64 f, dc_i64 end)
{
    FN(spectral_cursor) at = *series;

    g->far = 0;
    g->count = 0;
    for (; f < end; f++) {
        at.f = f;
        FN(spectral_place_lane)(g, operand, g->count, &at);
        g->from[g->count] = row - first;
        if (f < g->a->heads)
            FN(spectral_heads)(g, g->count);
        else
            g->count++;
    }
    if (g->count == 0)
        return;
    g->far = 0;
    FN(spectral_fill_up)(g);
    FN(spectral_group)(g);
}

static void FN(spectral_packs_tile)(void *const *operand, const dc_spectral_args *a,
                                    const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *const part = tiling->part;
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1, apart = part[SPECTRAL_RUN];
    const dc_i64 f = tile % part[SPECTRAL_EACH] * part[SPECTRAL_PACK];
    const dc_i64 end = f + part[SPECTRAL_PACK] < a->frames ? f + part[SPECTRAL_PACK] : a->frames;
    const dc_i64 block = tile / part[SPECTRAL_EACH] % part[SPECTRAL_GROUPS] * VEC_LANES;
    const dc_i64 outer = tile / part[SPECTRAL_EACH] / part[SPECTRAL_GROUPS] * lead;
    const int count = lead - block < VEC_LANES ? (int)(lead - block) : VEC_LANES;
    const dc_i64 low = a->first + f * a->hop, high = a->first + (end - 1) * a->hop + a->length;
    const dc_i64 first = low > 0 ? low : 0;
    dc_spectral_args dense = *a; /* rows are dense */
    FN(spectral_lanes) g = FN(spectral_lay)(a, operand, scratch);
    T *const rows = (T *)(void *)(g.z + FN(spectral_room)(a));
    FN(spectral_cursor) at[VEC_LANES];
    const FN(loose) * series[VEC_LANES] = {NULL};

    dense.src_step = 1;
    g.a = &dense;
    for (int l = 0; l < count; l++) {
        FN(spectral_seek)(a, outer + block + l, 0, &at[l]);
        series[l] = (const T *)operand[0] + at[l].from;
    }
    FN(spectral_lay_rows)
    (series, count, a->src_step, first, high < a->n ? high : a->n, rows, apart);
    for (dc_i64 from = f; from < end; from += VEC_LANES)
        for (int l = 0; l < count; l++)
            FN(spectral_packed_group)
    (&g, operand, &at[l], rows + l * apart, first, from,
     from + VEC_LANES < end ? from + VEC_LANES : end);
}

/* Groups of windows put together, and what tiles of them do.  A part of cpu_fallback/spectral.c. */

/* ---- tiles --------------------------------------------------------------------------------- */

/* What every group has, and its room. */
static FN(spectral_lanes)
    FN(spectral_lay)(const dc_spectral_args *a, void *const *operand, void *scratch)
{
    const int tables = a->stage == DC_SPECTRAL_BINS   ? !a->to_scratch
                       : a->stage == DC_SPECTRAL_ROWS ? 1
                                                      : a->inputs + !a->to_scratch;
    const dc_i64 given = a->stage == DC_SPECTRAL_SERIES && a->edge > a->bins ? a->edge : a->bins;
    FN(spectral_lanes) g = {.a = a, .value = operand[tables], .whole = operand[tables + 1]};

    g.z = scratch;
    g.x[0] = g.z + 2 * (a->core > a->nfft ? a->core : a->nfft);
    g.x[1] = g.x[0] + 2 * given + 2;
    g.sum = g.x[1] + 2 * given + 2;
    g.q = g.sum + a->bins / DC_SPECTRAL_LEAF + 2 + DC_SPECTRAL_NUMBERS + a->list;
    g.rows = g.z + FN(spectral_room)(a) - a->length;
    g.bad = FN(mnone)();
    return g;
}

/* Where window f of series s lies; the series' place among those of the last axis. */
typedef struct FN(spectral_cursor) {
    dc_i64 s, f, digit;
    dc_i64 from, other, to; /* elements: sample 0 of the series, result of its window 0 */
} FN(spectral_cursor);

static void FN(spectral_seek)(const dc_spectral_args *a, dc_i64 s, dc_i64 f,
                              FN(spectral_cursor) * at)
{
    at->s = s;
    at->f = f;
    at->digit = a->naxes ? s % a->shape[a->naxes - 1] : 0;
    at->from = spectral_series_at(a, s, &at->other, &at->to);
}

/* The next series, its window f. */
DC_INLINE void FN(spectral_next_series)(const dc_spectral_args *a, dc_i64 f,
                                        FN(spectral_cursor) * at)
{
    const int last = a->naxes - 1;

    if (last < 0 || at->digit + 1 == a->shape[last]) {
        FN(spectral_seek)(a, at->s + 1, f, at);
        return;
    }
    at->s++;
    at->digit++;
    at->f = f;
    at->from += a->src_stride[last];
    at->other += a->other_stride[last];
    at->to += a->dst_stride[last];
}

/* Lane l is the window that `at` stands at.  operand: as the stage has it. */
static void FN(spectral_place_lane)(FN(spectral_lanes) * g, void *const *operand, int l,
                                    const FN(spectral_cursor) * at)
{
    const dc_spectral_args *const a = g->a;
    const int results = a->stage == DC_SPECTRAL_BINS ? (a->to_scratch ? 2 + a->inputs : 0)
                                                     : (a->to_scratch ? a->inputs + 2 : a->inputs);

    g->to[l] = (T *)operand[results] + at->to + at->f * a->dst_frame;
    if (a->stage == DC_SPECTRAL_BINS) {
        const dc_i64 row = (at->s * a->frames + at->f) * g->row;
        const int rows = a->to_scratch ? 2 : 3;

        g->from[l] = (const T *)operand[rows] + row;
        g->other[l] = a->inputs == 2 ? (const T *)operand[rows + 1] + row : g->from[l];
        return;
    }
    g->from[l] = (const T *)operand[0] + at->from;
    g->other[l] = a->inputs == 2 ? (const T *)operand[1] + at->other : g->from[l];
    if (a->stage == DC_SPECTRAL_SERIES || (a->stage == DC_SPECTRAL_ROWS && a->src_part)) {
        g->from[l] += at->f * a->src_frame;
        return;
    }
    g->start[l] = a->first + at->f * a->hop;
    g->far |= g->start[l] < 0 || g->start[l] + a->length > a->n;
}

/* Lanes from `count` on repeat the first. */
static void FN(spectral_fill_up)(FN(spectral_lanes) * g)
{
    for (int l = g->count; l < VEC_LANES; l++) {
        g->from[l] = g->from[0];
        g->other[l] = g->other[0];
        g->start[l] = g->start[0];
        g->to[l] = g->to[0];
    }
}

/* Lane l is a window that is not looked at. */
static void FN(spectral_heads)(const FN(spectral_lanes) * g, int l)
{
    const dc_spectral_args *const a = g->a;

    for (dc_i64 k = 0; k < a->list; k++)
        g->to[l][k * a->dst_bin] = a->heads_zero ? 0 : SPECTRAL_QUIET;
}

/* One window as a dense row; or its bins. */
static void FN(spectral_to_rows)(FN(spectral_lanes) * g, T *rows, const dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;
    const dc_i64 n = inverse ? 2 * a->bins : a->nfft;

    for (int l = 0; l < VEC_LANES; l++)
        g->to[l] = rows + item[l] * n;
    if (!inverse) {
        FN(spectral_samples)(g, 0, g->z, 1);
        FN(spectral_put_rows)(g, g->z, n);
        return;
    }
    FN(spectral_load_bins)(g);
    for (dc_i64 k = a->edge; k < a->bins; k++)
        g->x[0][2 * k] = g->x[0][2 * k + 1] = FN(vzero)();
    FN(spectral_put_rows)(g, g->x[0], n);
}

/* What a group of windows comes to. */
static void FN(spectral_run_group)(FN(spectral_lanes) * g, void *const *operand, const dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;

    if (a->stage == DC_SPECTRAL_ROWS) {
        FN(spectral_to_rows)(g, operand[3], item);
    } else if (a->stage == DC_SPECTRAL_SERIES) {
        FN(spectral_series_of)(g);
        FN(spectral_put)(g, g->q, 1, a->nfft, a->dst_bin);
    } else if (inverse) {
        const T scale = g->value[a->at_scale];

        FN(spectral_load_rows)(g->from, a->nfft, g->q, 1, VEC_LANES * g->row);
        for (dc_i64 i = 0; i < a->nfft; i++)
            g->q[i] = g->q[i] * scale;
        FN(spectral_put)(g, g->q, 1, a->nfft, a->dst_bin);
    } else {
        FN(spectral_group)(g);
    }
}

/* Windows from number `at` of the tile's order on, at most as many as there are lanes, before
 * `end`: in lanes, and their numbers. */
static void FN(spectral_gather)(FN(spectral_lanes) * g, void *const *operand,
                                const dc_tiling *tiling, dc_i64 at, dc_i64 end, dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int fast = (int)tiling->part[SPECTRAL_SERIES_FAST];
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    /* the last axis (or all) runs fastest, then windows, then the other axes */
    const dc_i64 side = tiling->part[SPECTRAL_RUN] == a->series ? a->series : lead;
    FN(spectral_cursor) cursor;

    if (fast)
        FN(spectral_seek)
    (a, at / (side * a->frames) * side + at % side, at / side % a->frames, &cursor);
    else FN(spectral_seek)(a, at / a->frames, at % a->frames, &cursor);
    g->far = 0;
    g->count = 0;
    for (int l = 0; l < VEC_LANES && at + l < end; l++) {
        if (cursor.f < a->heads) {
            FN(spectral_place_lane)(g, operand, g->count, &cursor);
            FN(spectral_heads)(g, g->count);
        } else {
            item[g->count] = cursor.s * a->frames + cursor.f;
            FN(spectral_place_lane)(g, operand, g->count++, &cursor);
        }
        if (fast || cursor.f + 1 == a->frames)
            FN(spectral_next_series)(a, fast ? cursor.f : 0, &cursor);
        else
            cursor.f++;
    }
    for (int l = g->count; l < VEC_LANES; l++)
        item[l] = item[0];
    FN(spectral_fill_up)(g);
}

static void FN(spectral_windows_tile)(void *const *operand, const dc_spectral_args *a,
                                      const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *const part = tiling->part;
    const dc_i64 run = part[SPECTRAL_RUN], groups = part[SPECTRAL_GROUPS];
    const dc_i64 all = a->series * a->frames / run * groups;
    const dc_i64 last = (tile + 1) * part[SPECTRAL_EACH];
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;
    FN(spectral_lanes) g = FN(spectral_lay)(a, operand, scratch);

    g.row = inverse ? a->nfft : 2 * a->bins;
    for (dc_i64 i = tile * part[SPECTRAL_EACH]; i < last && i < all; i++) {
        const dc_i64 at = i / groups * run + i % groups * VEC_LANES;
        dc_i64 item[VEC_LANES] = {0};

        FN(spectral_gather)(&g, operand, tiling, at, (i / groups + 1) * run, item);
        if (g.count)
            FN(spectral_run_group)(&g, operand, item);
    }
}

/* ---- sums of chunks ------------------------------------------------------------------------ */

static T *FN(spectral_sums)(const dc_spectral_args *a, void *const *operand)
{
    return operand[2 + a->inputs]; /* WINDOWS: inputs, tables; BINS: tables, rows */
}

/* A lane for each series of a group, a window after the other. */
static void FN(spectral_sum_series)(FN(spectral_lanes) * g, void *const *operand,
                                    const dc_i64 *series, dc_i64 chunk)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 end = (chunk + 1) * DC_SPECTRAL_CHUNK, n = a->planes * a->bins;
    T *const sums = FN(spectral_sums)(a, operand);
    T *const counts = sums + a->series * a->chunks * n;
    FN(vec) *const sum = g->q + n;
    FN(cvec) count = FN(czero)();
    FN(spectral_cursor) at[VEC_LANES];
    FN(vec) number;

    for (int l = 0; l < g->count; l++)
        FN(spectral_seek)(a, series[l], 0, &at[l]);
    for (dc_i64 k = 0; k < n; k++)
        sum[k] = FN(vzero)();
    for (dc_i64 f = chunk * DC_SPECTRAL_CHUNK; f < end && f < a->frames; f++) {
        g->far = 0;
        g->bad = FN(mnone)();
        for (int l = 0; l < g->count; l++) {
            at[l].f = f;
            FN(spectral_place_lane)(g, operand, l, &at[l]);
        }
        FN(spectral_fill_up)(g);
        FN(spectral_planes)(g, a->planes);
        FN(spectral_add)(g, sum, n);
        count = FN(cinc)(count, FN(mnot)(g->bad));
    }
    number = FN(ctov)(count);
    for (int l = 0; l < VEC_LANES; l++)
        g->to[l] = sums + (series[l < g->count ? l : 0] * a->chunks + chunk) * n;
    for (int l = 0; l < g->count; l++)
        counts[series[l] * a->chunks + chunk] = number[l];
    FN(spectral_put_rows)(g, sum, n);
}

/* A lane for each window of a chunk of one series. */
static void FN(spectral_sum_windows)(FN(spectral_lanes) * g, void *const *operand, dc_i64 series,
                                     dc_i64 chunk)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 first = chunk * DC_SPECTRAL_CHUNK, n = a->planes * a->bins;
    const dc_i64 end =
        first + DC_SPECTRAL_CHUNK < a->frames ? first + DC_SPECTRAL_CHUNK : a->frames;
    T *const sums = FN(spectral_sums)(a, operand);
    T *const to = sums + (series * a->chunks + chunk) * n;
    FN(spectral_cursor) at;
    T count = 0;

    FN(spectral_seek)(a, series, 0, &at);
    memset(to, 0, (size_t)n * sizeof *to);
    for (dc_i64 f = first; f < end; f += VEC_LANES) {
        g->far = 0;
        g->bad = FN(mnone)();
        g->count = end - f < VEC_LANES ? (int)(end - f) : VEC_LANES;
        for (int l = 0; l < g->count; l++) {
            at.f = f + l;
            FN(spectral_place_lane)(g, operand, l, &at);
        }
        FN(spectral_fill_up)(g);
        FN(spectral_planes)(g, a->planes);
        FN(spectral_add_windows)(g, to, n);
        for (int l = 0; l < g->count; l++)
            count += (T) !(a->omit && (FN(mbits)(g->bad) >> l & 1));
    }
    sums[a->series * a->chunks * n + series * a->chunks + chunk] = count;
}

static void FN(spectral_sums_tile)(void *const *operand, const dc_spectral_args *a,
                                   const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *const part = tiling->part;
    const dc_i64 chunk = tile % a->chunks, group = tile / a->chunks;
    FN(spectral_lanes) g = FN(spectral_lay)(a, operand, scratch);
    dc_i64 series[VEC_LANES] = {0}, first, end;

    g.row = 2 * a->bins;
    if (!part[SPECTRAL_SERIES_FAST]) {
        FN(spectral_sum_windows)(&g, operand, group, chunk);
        return;
    }
    first = group / part[SPECTRAL_GROUPS] * part[SPECTRAL_RUN] +
            group % part[SPECTRAL_GROUPS] * VEC_LANES;
    end = (group / part[SPECTRAL_GROUPS] + 1) * part[SPECTRAL_RUN];
    g.count = end - first < VEC_LANES ? (int)(end - first) : VEC_LANES;
    for (int l = 0; l < g.count; l++)
        series[l] = first + l;
    FN(spectral_sum_series)(&g, operand, series, chunk);
}

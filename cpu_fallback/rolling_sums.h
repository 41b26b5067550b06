/* Rolling count, sum and mean, and the panels of min and max.  Included by cpu_fallback/rolling.c
 * once per dtype, hence no guard.
 *
 * Counts are exact integers: the difference of two running counts.  Sums climb the tree of
 * rolling_tree.h, with a missing value as the identity; results that depend on how many values are
 * valid (rows next to the start of the series, missing values) are finished row by row.  Minima
 * walk the blocks of rolling_herk.h. */

#ifndef DC_ROLLING_SUMS_H
#define DC_ROLLING_SUMS_H
/* Scratch behind v->spare, in registers per panel row. */
enum { SUMS_ACC, SUMS_COUNT, SUMS_ALL, SUMS_SCRATCH };
enum {
    SUMS_COLLIDE = 2048, /* rows so many bytes apart, or multiples, share lines of the caches   */
    SUMS_AHEAD = 24      /* rows to prefetch ahead                                              */
};
#endif

static T *FN(sums_spare)(const FN(pack) * v, int which)
{
    return v->spare + which * v->rows * VEC_LANES + (which > SUMS_COUNT ? VEC_LANES : 0);
}

/* Outputs that have to be looked at one by one: those before the window is full, or all. */
static dc_i64 FN(sums_special)(const FN(pack) * v, int all)
{
    if (all)
        return v->outs;
    const dc_i64 partial = v->window - 1 - v->lead;
    return partial <= 0 ? 0 : pack_min(v->outs, pack_div_up(partial, v->step));
}

static void FN(sums_epilogue)(const FN(pack) * v, int kind, const FN(cvec) * before, const T *from,
                              FN(loose) * out, int lanes, dc_i64 outs)
{
    for (dc_i64 j = 0; j < outs; j++) {
        const dc_i64 e = v->lead + j * v->step;
        FN(vec) x = FN(vzero)();
        if (from)
            x = FN(vload)(from + e * VEC_LANES);
        else if (kind != DC_ROLLING_COUNT)
            x = FN(values_load)(out + j * v->out_pitch, lanes);
        x = FN(values_result)(v->args, kind, x, FN(values_in)(v, before, e));
        FN(values_store)(out + j * v->out_pitch, x, lanes);
    }
}

static void FN(count_panel)(const FN(pack) * v, T *in, FN(loose) * out, int missing)
{
    FN(cvec) *before = missing ? (FN(cvec) *)FN(sums_spare)(v, SUMS_COUNT) : NULL;
    if (missing)
        FN(values_count)
    (in, VEC_LANES, VEC_LANES, v->rows, v->args->inf_is_value, in, before);
    FN(sums_epilogue)(v, DC_ROLLING_COUNT, before, NULL, out, VEC_LANES, v->outs);
}

/* Lets the tree finish the means of full windows. */
static void FN(sums_mean)(FN(tree) * t)
{
    const dc_i64 w = t->window;
    if ((w & (w - 1)) == 0 && w <= 1 << 20)
        t->times = 1 / (T)w;
    else
        t->over = (T)w;
}

static FN(tree) FN(sums_tree)(const FN(pack) * v, T *rows, FN(loose) * out, int lanes)
{
    return (FN(tree)){.src = rows,
                      .src_pitch = VEC_LANES,
                      .rows = rows,
                      .acc = FN(sums_spare)(v, SUMS_ACC),
                      .n = v->rows,
                      .lead = v->lead,
                      .next = v->next,
                      .next_pitch = v->next_pitch,
                      .times = 1,
                      .window = v->window,
                      .lanes = lanes,
                      .out = out,
                      .out_pitch = v->out_pitch};
}

/* Whether results have to be looked at one by one even where no value is missing.  A window cut to
 * the series by the plan may be below min_periods for good. */
static int FN(sums_row_by_row)(const FN(pack) * v, int kind)
{
    const int partial = v->lead < v->window - 1;
    return v->args->min_periods > v->window ||
           (partial && kind == DC_ROLLING_MEAN && v->args->min_periods < v->window);
}

static void FN(sums_panel)(const FN(pack) * v, int kind, T *in, FN(loose) * out, int missing)
{
    FN(cvec) *before = missing ? (FN(cvec) *)FN(sums_spare)(v, SUMS_COUNT) : NULL;
    FN(tree) t = FN(sums_tree)(v, in, out, VEC_LANES);
    const int row_by_row = missing || FN(sums_row_by_row)(v, kind);
    T *all = NULL;
    if (missing)
        FN(values_count)
    (in, VEC_LANES, VEC_LANES, v->rows, v->args->inf_is_value, in, before);
    if (v->step != 1) {
        all = FN(sums_spare)(v, SUMS_ALL);
        t.out = all + v->lead * VEC_LANES;
        t.out_pitch = VEC_LANES;
    }
    if (kind == DC_ROLLING_MEAN && !row_by_row)
        FN(sums_mean)(&t);
    const int finite = FN(tree_run)(&t);
    const dc_i64 special = FN(sums_special)(v, row_by_row);
    FN(sums_epilogue)(v, kind, before, all, out, VEC_LANES, special);
    for (dc_i64 j = special; (all || !finite) && j < v->outs; j++) {
        FN(loose) *to = out + j * v->out_pitch;
        FN(vstoreu)
        (to, FN(values_quiet)(all ? FN(vload)(t.out + j * v->step * VEC_LANES) : FN(vloadu)(to)));
    }
}

/* Lanes of the tile, if it can be computed on the arrays themselves; else 0. */
static dc_i64 FN(sums_direct)(FN(pack) * v, int kind)
{
    const dc_rolling_args *a = v->args;
    const dc_i64 first = a->out_first + v->out_first + v->shift - v->lead;
#ifdef DC_VECTOR_AVX512
    const dc_i64 least = VEC_LANES / 2;
#else
    const dc_i64 least = VEC_LANES;
#endif
    if (kind == DC_ROLLING_COUNT || a->expanding || a->step != 1 || v->stream || !v->src_together ||
        !v->dst_together || first < 0 || first + v->rows > a->rows ||
        FN(sums_row_by_row)(v, kind) || a->src_row_stride * (dc_i64)sizeof(T) % SUMS_COLLIDE == 0)
        return 0;
    FN(pack_lanes)(v, v->panels - 1);
    const dc_i64 width = (v->panels - 1) * VEC_LANES + v->lanes;
    FN(pack_lanes)(v, 0);
    return width < least ? 0 : width;
}

/* The tile without panels: the last register overlaps the one before where lanes do not fill it;
 * where there is none before, it is read and written in part.
 * A result that is not finite has met a missing value, or a sum too large: from then on the rows
 * are copied and counted as they are read. */
static void FN(sums_arrays)(FN(pack) * v, int kind, dc_i64 width)
{
    const dc_rolling_args *a = v->args;
    const dc_i64 pitch = a->src_row_stride;
    const dc_i64 first = a->out_first + v->out_first + v->shift - v->lead;
    FN(cvec) *before = (FN(cvec) *)FN(sums_spare)(v, SUMS_COUNT);
    const int lanes = (int)pack_min(width, VEC_LANES);
    int row_by_row = FN(sums_row_by_row)(v, kind);
    v->out_pitch = a->dst_row_stride;
    v->next_pitch = pitch * (dc_i64)sizeof(T);
    for (dc_i64 p = 0; p < v->panels; p++) {
        const dc_i64 column = pack_min(p * VEC_LANES, width - lanes);
        const FN(loose) *from = v->from[0] + first * pitch + column;
        FN(loose) *out = v->to[0] + v->out_first * v->out_pitch + column;
        v->next = (const char *)((uintptr_t)from + (uintptr_t)(SUMS_AHEAD * v->next_pitch));
        if (!row_by_row) {
            FN(tree) t = FN(sums_tree)(v, v->in, out, lanes);
            t.src = from;
            t.src_pitch = pitch;
            t.eager = 1;
            if (kind == DC_ROLLING_MEAN)
                FN(sums_mean)(&t);
            row_by_row = !FN(tree_run)(&t);
        }
        if (row_by_row) {
            FN(tree) t = FN(sums_tree)(v, v->in, out, lanes);
            FN(values_count)(from, pitch, lanes, v->rows, a->inf_is_value, v->in, before);
            t.next_pitch = 0;
            (void)FN(tree_run)(&t);
        }
        FN(sums_epilogue)
        (v, kind, row_by_row ? before : NULL, NULL, out, lanes, FN(sums_special)(v, row_by_row));
    }
}

static void FN(sums_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_rolling_args *a = args;
    pack_wish wish = {0};
    wish.block = pack_max(4 * pack_min(a->window, a->rows), 1024) / a->step + 1;
    wish.scratch_rows = SUMS_SCRATCH;
    wish.scratch_fixed = 2 * DC_VECTOR_BYTES + FN(expand_scratch)();
    if (a->kind == DC_ROLLING_MIN || a->kind == DC_ROLLING_MAX) {
        dc_i64 window, shift;
        pack_shorten(a, &window, &shift);
        const FN(herk) h = FN(herk_of)(a, window);
        wish.scratch_fixed += FN(herk_scratch)(&h) * DC_VECTOR_BYTES;
    }
    wish.row_ns = 2;
    wish.streaming = 1;
    if (a->expanding)
        wish.block = 256;
    FN(pack_plan)(a, machine, &wish, tiling);
}

static void FN(sums_run)(void *const *operand, const dc_rolling_args *a, const dc_tiling *tiling,
                         dc_i64 tile, void *scratch, int kind)
{
    const int extreme = kind == DC_ROLLING_MIN || kind == DC_ROLLING_MAX;
    FN(pack) v;
    FN(pack_open)(&v, operand, a, tiling, tile, scratch);
    const dc_i64 width = FN(sums_direct)(&v, kind);
    if (width && !extreme) {
        FN(sums_arrays)(&v, kind, width);
        return;
    }
    for (dc_i64 p = 0; p < v.panels; p++) {
        int missing;
        if (a->expanding) {
            FN(expand_panel)(&v, p, kind);
            continue;
        }
        v.raw = 1;
        T *in = FN(pack_in)(&v, p, &missing);
        FN(loose) *out = FN(pack_out)(&v, p);
        if (kind == DC_ROLLING_COUNT)
            FN(count_panel)(&v, in, out, missing);
        else if (extreme)
            FN(herk_panel)(&v, in, out, v.spare);
        else
            FN(sums_panel)(&v, kind, in, out, missing);
        FN(pack_put)(&v, p);
    }
    FN(pack_close)(&v);
}

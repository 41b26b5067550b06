/* Histograms: a job for each panel of results and block of rows counts for itself and then adds
 * whole numbers, whose order is nobody's business.  Read once per dtype (T, SFX). */

enum { BINS_OWN = 1 << 12 }; /* bins that a job keeps by itself, for every lane */

typedef struct FN(bins_work) {
    T buffer[ROWS_CHUNK * VEC_LANES];
    dc_u32 own[VEC_LANES][BINS_OWN];
} FN(bins_work);

/* Bin of x, -1: none.  edge[i] is the least value of bin i, edge[k] the largest of the last. */
DC_INLINE dc_i64 FN(bins_of)(const dc_reduce_args *a, const T *edge, T x)
{
    dc_i64 low = 0, high = a->k - 1;

    if (!(x >= edge[0] && x <= edge[a->k]))
        return -1;
    if (a->scale > 0) { /* near; the edges decide */
        const double guess = ((double)x - a->low) * a->scale;

        low = guess < 0 ? 0 : guess < (double)high ? (dc_i64)guess : high;
        while (low > 0 && x < edge[low])
            low--;
        while (low < high && x >= edge[low + 1])
            low++;
        return low;
    }
    while (low < high) { /* the last bin that begins at or below x */
        const dc_i64 middle = (low + high + 1) / 2;

        if (x >= edge[middle])
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void FN(bins_count)(FN(rows_panel) * p, const T *edge, dc_i64 *dst, dc_i64 at, dc_i64 end,
                           FN(bins_work) * w)
{
    const dc_reduce_args *a = p->args;
    const int own = a->k <= BINS_OWN;

    if (own)
        for (int j = 0; j < p->jobs; j++)
            memset(w->own[j], 0, (size_t)a->k * sizeof w->own[j][0]);
    while (at < end) {
        const FN(loose) * row;
        dc_i64 stride;
        const int n = FN(rows_chunk)(p, at, end - at, &row, &stride);

        for (int i = 0; i < n; i++)
            for (int j = 0; j < p->jobs; j++) {
                const dc_i64 bin = FN(bins_of)(a, edge, row[i * stride + j]);

                if (bin >= 0 && own)
                    w->own[j][bin]++;
                else if (bin >= 0)
                    __atomic_fetch_add(&dst[p->dst[j] + bin * a->list_dst], 1, __ATOMIC_RELAXED);
            }
        at += n;
    }
    for (int j = 0; own && j < p->jobs; j++)
        for (dc_i64 bin = 0; bin < a->k; bin++)
            if (w->own[j][bin])
                __atomic_fetch_add(&dst[p->dst[j] + bin * a->list_dst], w->own[j][bin],
                                   __ATOMIC_RELAXED);
}

static void FN(reduce_histogram_plan)(const void *args, const dc_machine *machine,
                                      dc_tiling *tiling)
{
    const dc_reduce_args *a = args;

    (void)machine;
    FN(rows_cut)(a, sizeof(FN(bins_work)), (a->rows + a->k) * a->outs, tiling);
    if (a->step == DC_REDUCE_BINS)
        tiling->tiles *= a->blocks;
}

static void FN(reduce_histogram)(void *const *operand, const void *args, const dc_tiling *tiling,
                                 dc_i64 tile, void *scratch)
{
    const dc_reduce_args *a = args;
    const dc_i64 panels = (a->outs - 1) / VEC_LANES + 1, block = tile / panels;
    const dc_i64 from = block * DC_REDUCE_BLOCK, end = from + DC_REDUCE_BLOCK;
    FN(bins_work) *const w = scratch;
    dc_i64 *const dst = operand[1];
    FN(rows_panel) p;

    (void)tiling;
    FN(rows_begin)(&p, a, operand[0], tile % panels * VEC_LANES, w->buffer);
    if (a->step == DC_REDUCE_BINS) {
        FN(bins_count)(&p, operand[2], dst, from, end < a->rows ? end : a->rows, w);
        return;
    }
    for (int j = 0; j < p.jobs; j++)
        for (dc_i64 bin = 0; bin < a->k; bin++)
            dst[p.dst[j] + bin * a->list_dst] = 0;
}

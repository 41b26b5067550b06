/* Results side by side, row by row, however they lie: for order statistics, histograms and lists of
 * the best.  Read once per dtype (T, SFX). */

enum { ROWS_CHUNK = 256, ROWS_CHUNK_DIRECT = 1 << 16 };

/* VEC_LANES results, the first `jobs` of them real. */
typedef struct FN(rows_panel) {
    const dc_reduce_args *args;
    int jobs;
    int beside; /* they lie side by side in memory */
    const FN(loose) * first[VEC_LANES];
    dc_i64 dst[VEC_LANES], dst2[VEC_LANES];
    T *buffer; /* ROWS_CHUNK registers */
    dc_i64 off[ROWS_CHUNK];
} FN(rows_panel);

/* Results out ... out + VEC_LANES - 1. */
static void FN(rows_begin)(FN(rows_panel) * p, const dc_reduce_args *a, const T *src, dc_i64 out,
                           T *buffer)
{
    fold_walk w = fold_walk_at(a, out);

    p->args = a;
    p->buffer = buffer;
    p->jobs = (int)(a->outs - out < VEC_LANES ? a->outs - out : VEC_LANES);
    p->beside = 1;
    for (int j = 0; j < p->jobs; j++) {
        p->first[j] = src + w.src;
        p->dst[j] = w.dst;
        p->dst2[j] = dc_reduce_offset(out + j, a->out_ndim, a->out_shape, a->out_dst2);
        p->beside &= p->first[j] == p->first[0] + j;
        fold_walk_on(&w);
    }
}

/* Rows at ... of one result that runs end to end: registers turned. */
static void FN(rows_turn)(const FN(rows_panel) * p, dc_i64 at, int n)
{
    int i = 0;

    for (; i + VEC_LANES <= n; i += VEC_LANES) {
        FN(vec) r[VEC_LANES];

        for (int j = 0; j < VEC_LANES; j++)
            r[j] = j < p->jobs ? FN(vloadu)(p->first[j] + at + i) : FN(vzero)();
        FN(vtranspose)(r);
        for (int j = 0; j < VEC_LANES; j++)
            FN(vstore)(p->buffer + (i + j) * VEC_LANES, r[j]);
    }
    for (; i < n; i++)
        for (int j = 0; j < VEC_LANES; j++)
            p->buffer[i * VEC_LANES + j] = j < p->jobs ? p->first[j][at + i] : 0;
}

/* Rows from `at` on, at most `left`: how many; *row, *stride: where register i lies. */
static int FN(rows_chunk)(FN(rows_panel) * p, dc_i64 at, dc_i64 left, const FN(loose) * *row,
                          dc_i64 *stride)
{
    const dc_reduce_args *a = p->args;
    int n = (int)(left < ROWS_CHUNK ? left : ROWS_CHUNK);

    if (p->beside && p->jobs == VEC_LANES && a->row_ndim == 1) {
        *row = p->first[0] + at * a->row_stride[0];
        *stride = a->row_stride[0];
        return (int)(left < ROWS_CHUNK_DIRECT ? left : ROWS_CHUNK_DIRECT);
    }
    *row = p->buffer;
    *stride = VEC_LANES;
    if (a->row_ndim == 1 && a->row_stride[0] == 1) {
        FN(rows_turn)(p, at, n);
        return n;
    }
    FN(fold_offsets)(a, at, n, p->off);
    for (int i = 0; i < n; i++) {
        T *const to = p->buffer + i * VEC_LANES;

        if (p->beside) {
            FN(vstore)(to, FN(vload_n)(p->first[0] + p->off[i], p->jobs));
            continue;
        }
        for (int j = 0; j < VEC_LANES; j++)
            to[j] = j < p->jobs ? p->first[j][p->off[i]] : 0;
    }
    return n;
}

static void FN(rows_cut)(const dc_reduce_args *a, dc_i64 scratch, dc_i64 work, dc_tiling *tiling)
{
    memset(tiling, 0, sizeof *tiling);
    tiling->tiles = (a->outs - 1) / VEC_LANES + 1;
    tiling->scratch_bytes = scratch;
    tiling->work = work;
}

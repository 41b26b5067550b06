/* SILHOUETTE.  Part of cpu_fallback/kmeans.c.
 *
 * A tile is a block of rows; they meet every row in order, six at a time. */

static void FN(kmeans_silhouette_plan)(const void *args, const dc_machine *machine,
                                       dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    (void)machine;
    memset(tiling, 0, sizeof *tiling);
    tiling->part[0] = 1;
    tiling->tiles = a->blocks;
    tiling->work =
        (dc_i64)(FN(km_block_ns)(a) * 1.5 / (double)(a->k + 4) * (double)a->n * (double)a->blocks) +
        1;
}

/* `some` rows from row `from` on into the run's sums. */
DC_INLINE void FN(km_meet)(const FN(km_in) * x, const FN(km_in) * all, dc_i64 d, dc_i64 from,
                           const int some, FN(vec) * run)
{
    const FN(km_in) * c[6];
    FN(vec) s[6][KM_VECTORS];

#pragma GCC unroll 6
    for (int i = 0; i < some; i++)
        c[i] = all + (from + i) / KM_BLOCK * d * KM_BLOCK + (from + i) % KM_BLOCK;
    FN(km_squares)(x, c, KM_BLOCK, d, some, s);
#pragma GCC unroll 6
    for (int i = 0; i < some; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++)
            run[v] += FN(vsqrt)(s[i][v]);
    }
}

/* Sums of the distances of KM_ROWS rows to the rows from ... end - 1. */
static void FN(km_total)(const FN(km_in) * x, const FN(km_in) * all, dc_i64 d, dc_i64 from,
                         dc_i64 end, FN(vec) * total)
{
    for (int v = 0; v < KM_VECTORS; v++)
        total[v] = FN(vzero)();
    while (from < end) {
        const dc_i64 stop = end - from < DC_KMEANS_RUN ? end : from + DC_KMEANS_RUN;
        FN(vec) run[KM_VECTORS];

        for (int v = 0; v < KM_VECTORS; v++)
            run[v] = FN(vzero)();
        for (; from + 6 <= stop; from += 6)
            FN(km_meet)(x, all, d, from, 6, run);
        for (; from < stop; from++)
            FN(km_meet)(x, all, d, from, 1, run);
        for (int v = 0; v < KM_VECTORS; v++)
            total[v] += run[v];
    }
}

/* Means of one row as the clusters pass. */
typedef struct FN(km_means) {
    T own, other;
    dc_i32 others;   /* 1: another cluster has rows */
    dc_i32 together; /* 1: in a cluster, with other rows */
} FN(km_means);

DC_INLINE T FN(km_silhouette)(const FN(km_means) * m)
{
    const T most = KMEANS_SILHOUETTE_VALUE(m->own, m->other);

    if (!m->others || !m->together || most == 0)
        return 0;
    return FN(kmeans_quiet)((m->other - m->own) / most);
}

/* Operands: packed, first rows, silhouettes. */
static void FN(kmeans_silhouette)(void *const *operand, const void *args, const dc_tiling *tiling,
                                  dc_i64 tile, void *scratch)
{
    typedef dc_i64 loose_first __attribute__((aligned(1), may_alias));
    const dc_kmeans_args *const a = args;
    const FN(km_in) *const all = operand[0];
    const loose_first *const first = operand[1];
    const dc_i64 rows = FN(km_rows)(a, tile);

    (void)tiling;
    (void)scratch;
    for (dc_i64 r = 0; r < rows; r += KM_ROWS) {
        FN(km_means) m[KM_ROWS];
        FN(vec) total[KM_VECTORS];

        memset(m, 0, sizeof m);
        for (dc_i64 j = 0; j < a->k; j++) {
            const dc_i64 low = first[j] < 0 ? 0 : first[j] < a->n ? first[j] : a->n;
            const dc_i64 high = first[j + 1] < low    ? low
                                : first[j + 1] < a->n ? first[j + 1]
                                                      : a->n;

            if (low == high)
                continue;
            FN(km_total)(all + tile * a->d * KM_BLOCK + r, all, a->d, low, high, total);
            for (int l = 0; l < KM_ROWS && r + l < rows; l++) {
                const dc_i64 row = tile * KM_BLOCK + r + l;
                const T sum = total[l / VEC_LANES][l % VEC_LANES];

                if (row >= low && row < high) {
                    m[l].together = high - low > 1;
                    m[l].own = m[l].together ? sum / (T)(high - low - 1) : (T)0;
                } else {
                    const T mean = sum / (T)(high - low);

                    m[l].other = !m[l].others || mean < m[l].other ? mean : m[l].other;
                    m[l].others = 1;
                }
            }
        }
        for (int l = 0; l < KM_ROWS && r + l < rows; l++)
            ((T *)operand[2])[tile * KM_BLOCK + r + l] = FN(km_silhouette)(&m[l]);
    }
}

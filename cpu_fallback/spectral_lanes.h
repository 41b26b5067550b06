/* Lanes: windows side by side, their samples loaded, their trends removed.  A part of
 * cpu_fallback/spectral.c. */

/* Windows of a group, a lane for each. */
typedef struct FN(spectral_lanes) {
    const dc_spectral_args *a;
    const T *value; /* tables */
    const dc_i32 *whole;
    int count; /* lanes in use; the others repeat the first */
    int far;   /* a window reaches beyond the series        */
    const FN(loose) * from[VEC_LANES], *other[VEC_LANES]; /* sample 0 of the series */
    dc_i64 start[VEC_LANES];                              /* of the window: its sample   */
    FN(loose) * to[VEC_LANES];
    dc_i64 row;         /* BINS: elements of a row                          */
    FN(mask) bad;       /* lanes that hold what is no number                */
    FN(vec) * z;        /* core numbers                                     */
    FN(vec) * x[2], *q; /* bins of either series; planes of powers    */
    FN(vec) * sum;      /* sums of leaves                             */
    FN(vec) * rows;     /* windows beyond the series                  */
} FN(spectral_lanes);

/* ---- sums ---------------------------------------------------------------------------------- */

/* Sums of leaves waiting for their partners. */
typedef struct FN(spectral_tree) {
    FN(vec) waiting[40];
    int top;
    dc_i64 leaves;
} FN(spectral_tree);

DC_INLINE void FN(spectral_leaf)(FN(spectral_tree) * tree, FN(vec) leaf)
{
    for (dc_i64 i = tree->leaves++; i & 1; i >>= 1)
        leaf = tree->waiting[--tree->top] + leaf;
    tree->waiting[tree->top++] = leaf;
}

DC_INLINE FN(vec) FN(spectral_close)(FN(spectral_tree) * tree)
{
    FN(vec) sum = tree->top ? tree->waiting[--tree->top] : FN(vzero)();

    while (tree->top)
        sum = tree->waiting[--tree->top] + sum;
    return sum;
}

/* Sum over i < n of `term`, an expression of i. */
#define SPECTRAL_SUM(result, n, term)                                                              \
    {                                                                                              \
        FN(spectral_tree) tree;                                                                    \
        tree.top = 0;                                                                              \
        tree.leaves = 0;                                                                           \
        for (dc_i64 first = 0; first < (n); first += DC_SPECTRAL_LEAF) {                           \
            FN(vec) column[DC_SPECTRAL_COLUMNS] = {{0}};                                           \
            if (first + DC_SPECTRAL_LEAF <= (n)) {                                                 \
                _Pragma("GCC unroll 8") for (int j = 0; j < DC_SPECTRAL_LEAF; j++)                 \
                {                                                                                  \
                    const dc_i64 i = first + j;                                                    \
                    column[j % DC_SPECTRAL_COLUMNS] += (term);                                     \
                }                                                                                  \
            } else {                                                                               \
                for (dc_i64 i = first; i < (n); i++)                                               \
                    column[(i - first) % DC_SPECTRAL_COLUMNS] += (term);                           \
            }                                                                                      \
            FN(spectral_leaf)(&tree, (column[0] + column[1]) + (column[2] + column[3]));           \
        }                                                                                          \
        (result) = FN(spectral_close)(&tree);                                                      \
    }

/* ---- loading ------------------------------------------------------------------------------- */

/* Lanes are neighbours in memory. */
DC_INLINE int FN(spectral_beside)(const FN(spectral_lanes) * g, dc_i64 step)
{
    for (int l = 1; l < g->count; l++)
        if (g->from[l] + g->start[l] * step != g->from[0] + g->start[0] * step + l)
            return 0;
    return 1;
}

/* Rows so far apart that their lines meet in the same sets of the caches: they are read and written
 * some lines at a time. */
DC_INLINE int FN(spectral_collide)(dc_i64 bytes)
{
    const dc_i64 rest = bytes & 4095;

    return bytes != 0 && (rest < 192 || rest > 4096 - 192);
}

/* Registers of a row that are read or written at a time, and where the next row begins. */
enum { FN(SPECTRAL_PIECE) = 8, FN(SPECTRAL_PIECE_ROW) = 9 * VEC_LANES };

/* n <= PIECE registers of every row, to a square of rows and from there to z. */
static void FN(spectral_load_piece)(const FN(loose) *const *p, dc_i64 n, FN(vec) * z, int every,
                                    dc_i64 ahead)
{
    T piece[VEC_LANES * FN(SPECTRAL_PIECE_ROW)] __attribute__((aligned(DC_VECTOR_BYTES)));

    for (int l = 0; l < VEC_LANES; l++)
        for (dc_i64 k = 0; k < n; k++) {
            __builtin_prefetch((const char *)(p[l] + k * VEC_LANES) + ahead, 0, 2);
            FN(vstore)
            (piece + l * FN(SPECTRAL_PIECE_ROW) + k * VEC_LANES, FN(vloadu)(p[l] + k * VEC_LANES));
        }
    for (dc_i64 k = 0; k < n; k++) {
        FN(vec) r[VEC_LANES];

        for (int l = 0; l < VEC_LANES; l++)
            r[l] = FN(vload)(piece + l * FN(SPECTRAL_PIECE_ROW) + k * VEC_LANES);
        FN(vtranspose)(r);
        for (int l = 0; l < VEC_LANES; l++)
            z[(k * VEC_LANES + l) * every] = r[l];
    }
}

/* Rows p[l][0 ... n - 1] to z[0], z[every], ...; what lies `ahead` of them is fetched. */
static void FN(spectral_load_rows)(const FN(loose) *const *p, dc_i64 n, FN(vec) * z, int every,
                                   dc_i64 ahead)
{
    const dc_i64 bytes = ahead * (dc_i64)sizeof(T);
    dc_i64 i = 0;

    if (FN(spectral_collide)((const char *)p[1] - (const char *)p[0]))
        for (; i + VEC_LANES <= n;) {
            const FN(loose) * q[VEC_LANES];
            const dc_i64 most = (n - i) / VEC_LANES;
            const dc_i64 some = most < FN(SPECTRAL_PIECE) ? most : FN(SPECTRAL_PIECE);

            for (int l = 0; l < VEC_LANES; l++)
                q[l] = p[l] + i;
            FN(spectral_load_piece)(q, some, z + i * every, every, bytes);
            i += some * VEC_LANES;
        }
    for (; i < n; i += VEC_LANES) {
        const int some = n - i < VEC_LANES ? (int)(n - i) : VEC_LANES;
        FN(vec) r[VEC_LANES];

        for (int l = 0; l < VEC_LANES; l++) {
            __builtin_prefetch((const char *)(p[l] + i) + bytes, 0, 2);
            r[l] = some == VEC_LANES ? FN(vloadu)(p[l] + i) : FN(vload_n)(p[l] + i, some);
        }
        FN(vtranspose)(r);
        for (int l = 0; l < some; l++)
            z[(i + l) * every] = r[l];
    }
}

/* A window that reaches beyond the series, as a dense row. */
static void FN(spectral_far_row)(const dc_spectral_args *a, const FN(loose) * from, dc_i64 start,
                                 dc_i64 step, T *row)
{
    for (dc_i64 i = 0; i < a->length; i++) {
        int mirror;
        const dc_i64 at = spectral_place(a, start + i, &mirror);
        const T x = at < 0 ? 0 : from[at * step];

        row[i] = mirror ? 2 * from[mirror == 1 ? 0 : (a->n - 1) * step] - x : x;
    }
}

/* Windows some of which reach beyond: rows of all of them, in the room of bins. */
static void FN(spectral_load_far)(const FN(spectral_lanes) * g, dc_i64 step, FN(vec) * z, int every)
{
    const dc_spectral_args *const a = g->a;
    const FN(loose) * p[VEC_LANES];

    for (int l = 0; l < VEC_LANES; l++) {
        T *const row = (T *)g->rows + l * a->length;

        p[l] = row;
        if (l >= g->count)
            p[l] = p[0];
        else if (step == 1 && g->start[l] >= 0 && g->start[l] + a->length <= a->n)
            p[l] = g->from[l] + g->start[l];
        else
            FN(spectral_far_row)(a, g->from[l], g->start[l], step, row);
    }
    FN(spectral_load_rows)(p, a->length, z, every, 0);
}

/* The window's samples as z[0], z[every], ... */
static void FN(spectral_load)(const FN(spectral_lanes) * g, dc_i64 step, FN(vec) * z, int every)
{
    const dc_i64 n = g->a->length;
    const FN(loose) * p[VEC_LANES];

    if (g->far) {
        FN(spectral_load_far)(g, step, z, every);
        return;
    }
    for (int l = 0; l < VEC_LANES; l++)
        p[l] = g->from[l] + g->start[l] * step;
    if (FN(spectral_beside)(g, step)) {
        if (g->count == VEC_LANES)
            for (dc_i64 i = 0; i < n; i++)
                z[i * every] = FN(vloadu)(p[0] + i * step);
        else
            for (dc_i64 i = 0; i < n; i++)
                z[i * every] = FN(vload_n)(p[0] + i * step, g->count);
    } else if (step == 1) {
        FN(spectral_load_rows)(p, n, z, every, VEC_LANES * (p[1] - p[0]));
    } else {
        for (dc_i64 i = 0; i < n; i++)
            for (int l = 0; l < VEC_LANES; l++)
                z[i * every][l] = p[l][i * step];
    }
}

/* ---- trends -------------------------------------------------------------------------------- */

static void FN(spectral_trend)(FN(spectral_lanes) * g, FN(vec) * z, int every)
{
    const dc_spectral_args *const a = g->a;
    const T *const number = g->value + a->at_number, *const w = g->value + a->at_window;
    const FN(vec) pivot = z[0], length = FN(vset)(number[DC_SPECTRAL_LENGTH]);
    const FN(vec) centre = FN(vset)(number[DC_SPECTRAL_CENTRE]);
    const dc_i64 n = a->length;
    FN(vec) mean, slope = FN(vzero)();

    SPECTRAL_SUM(mean, n, z[i * every] - pivot)
    mean = mean / length;
    if (a->detrend == DC_DETREND_LINEAR) {
        SPECTRAL_SUM(slope, n, (z[i * every] - pivot) * (FN(vset)((T)i) - centre))
        slope = slope / number[DC_SPECTRAL_SQUARES];
        for (dc_i64 i = 0; i < n; i++) {
            const FN(vec) c = FN(vset)((T)i) - centre;

            z[i * every] = FN(vfma)(-slope, c, (z[i * every] - pivot) - mean) * w[i];
        }
    } else if (a->weighed) {
        for (dc_i64 i = 0; i < n; i++)
            z[i * every] = ((z[i * every] - pivot) - mean) * w[i];
    } else {
        for (dc_i64 i = 0; i < n; i++)
            z[i * every] = (z[i * every] - pivot) - mean;
    }
}

/* y of a window, zeros up to nfft: z[0], z[every], ... */
static void FN(spectral_samples)(FN(spectral_lanes) * g, int which, FN(vec) * z, int every)
{
    const dc_spectral_args *const a = g->a;
    const T *const w = g->value + a->at_window;

    FN(spectral_load)(g, which ? a->other_step : a->src_step, z, every);
    if (a->omit)
        for (dc_i64 i = 0; i < a->length; i++)
            g->bad = FN(mor)(g->bad, FN(visnonfinite)(z[i * every]));
    if (a->detrend != DC_DETREND_NONE)
        FN(spectral_trend)(g, z, every);
    else if (a->weighed)
        for (dc_i64 i = 0; i < a->length; i++)
            z[i * every] = z[i * every] * w[i];
    for (dc_i64 i = a->length; i < a->nfft; i++)
        z[i * every] = FN(vzero)();
}

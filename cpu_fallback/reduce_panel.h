/* Panels of a fold: leaves side by side in the lanes of registers.  Read once per dtype (T, SFX).
 *
 * A job is one result's rows of one block.  Where results lie side by side in memory (COLS) a panel
 * is up to FOLD_STRIPS registers of jobs, and a row is loaded as it lies.  Else (ROWS) the lanes of
 * a panel are leaves in the order in which they lie: 1 << `bits` lanes take neighbouring leaves
 * of one job, the next ones those of the next job, so that memory is read
 * from front to back.  Either way what follows sees registers of nodes. */

enum { FN(FOLD_STRIPS) = 8, FN(FOLD_LEVELS) = DC_REDUCE_BLOCK_BITS + 1 };
#define FOLD_STRIPS    FN(FOLD_STRIPS)
#define FOLD_REGISTERS (DC_REDUCE_LANES / VEC_LANES) /* of one leaf's accumulators */

/* Registers of nodes: n is a whole number, exact in T.  MIN, MAX, EXTENT: s counts NaN. */
typedef struct FN(fold_node) {
    FN(vec) n, a, m, s;
} FN(fold_node);

/* What one thread works with: lies in its scratch. */
typedef struct FN(fold_work) {
    FN(vec) e, q; /* sums of deviations from the anchor, and of their squares */
    FN(vec) acc[DC_REDUCE_LANES][FOLD_STRIPS]; /* COLS                          */
    FN(fold_node) stack[FN(FOLD_LEVELS)][FOLD_STRIPS];
    FN(fold_node) node[FOLD_STRIPS];
    T best[VEC_LANES];                                                 /* ROWS: ARG* */
    dc_i64 row[FOLD_STRIPS * VEC_LANES], bad[FOLD_STRIPS * VEC_LANES]; /* ARG* */
    dc_i64 off[DC_REDUCE_LEAF];
    T gathered[VEC_LANES][DC_REDUCE_LEAF];
} FN(fold_work);

typedef struct FN(fold_panel) {
    const dc_reduce_args *args;
    FN(fold_work) * work;
    int cols, strips, jobs; /* how many jobs are real, over all strips */
    int bits;               /* ROWS: a job has 1 << bits lanes         */
    dc_i64 rows;            /* of the longest job                      */
    /* The leaves at hand. */
    const FN(loose) * base;            /* COLS: column 0                                 */
    int count;                         /* COLS: rows                                     */
    const FN(loose) * lane[VEC_LANES]; /* ROWS: values end to end             */
    int counts[VEC_LANES];
    dc_i64 step; /* ROWS: not 0 where every lane has counts[0] values, lane j at lane[0] + j step */
    /* Where jobs begin. */
    const FN(loose) * first[VEC_LANES]; /* ROWS; COLS: first[0]               */
    dc_i64 from[VEC_LANES];             /* first row                          */
    dc_i64 lengths[VEC_LANES];          /* rows                               */
    int even; /* ROWS: all of them have `rows`, and begin `apart` after each other: first[0]
                 alone is set                                           */
    dc_i64 apart;
} FN(fold_panel);

/* Offsets of rows at ... at + n - 1. */
static void FN(fold_offsets)(const dc_reduce_args *a, dc_i64 at, int n, dc_i64 *off)
{
    const dc_i32 last = a->row_ndim - 1;
    const dc_i64 length = a->row_shape[last], stride = a->row_stride[last];

    for (int i = 0; i < n;) {
        const dc_i64 digit = (at + i) % length;
        const dc_i64 base = dc_reduce_offset(at + i, a->row_ndim, a->row_shape, a->row_stride);
        const int left = n - i < length - digit ? n - i : (int)(length - digit);

        for (int k = 0; k < left; k++)
            off[i + k] = base + k * stride;
        i += left;
    }
}

/* COLS: leaf `l` of every job. */
static void FN(fold_leaf_cols)(FN(fold_panel) * p, dc_i64 l)
{
    const dc_reduce_args *a = p->args;
    const dc_i64 at = l * DC_REDUCE_LEAF, left = p->rows - at;

    p->count = (int)(left < DC_REDUCE_LEAF ? left : DC_REDUCE_LEAF);
    p->base = p->first[0];
    if (a->row_ndim > 1) {
        FN(fold_offsets)(a, p->from[0] + at, p->count, p->work->off);
        return;
    }
    p->base += (p->from[0] + at) * a->row_stride[0];
    for (int i = 0; l == 0 && i < p->count; i++) /* later leaves have no more rows */
        p->work->off[i] = i * a->row_stride[0];
}

DC_INLINE int FN(fold_dense)(const dc_reduce_args *a)
{
    return a->row_ndim == 1 && a->row_stride[0] == 1;
}

/* ROWS: are the leaves of a batch whole and evenly spaced?  Then lane[0], counts[0] and step are
 * all there is to say: short rows are a matter of such overhead. */
DC_INLINE int FN(fold_leaf_even)(FN(fold_panel) * p, dc_i64 batch)
{
    const int lone = p->jobs == 1 && p->bits > 0;
    const dc_i64 span = (dc_i64)DC_REDUCE_LEAF << p->bits;

    p->step = 0;
    if (!FN(fold_dense)(p->args))
        return 0;
    if (lone && VEC_LANES == 1 << p->bits && (batch + 1) * span <= p->rows) {
        p->lane[0] = p->first[0] + p->from[0] + batch * span;
        p->counts[0] = DC_REDUCE_LEAF;
        p->step = DC_REDUCE_LEAF;
    } else if (p->even && p->jobs == VEC_LANES) {
        p->lane[0] = p->first[0];
        p->counts[0] = (int)p->rows;
        p->step = p->apart;
    } else if (p->even && p->jobs == VEC_LANES >> p->bits && p->rows == span && p->apart == span) {
        p->lane[0] = p->first[0];
        p->counts[0] = DC_REDUCE_LEAF;
        p->step = DC_REDUCE_LEAF;
    }
    return p->step != 0;
}

/* ROWS: batch `batch` of leaves of every job. */
static void FN(fold_leaf_rows)(FN(fold_panel) * p, dc_i64 batch)
{
    for (int lane = 0; lane < VEC_LANES; lane++) {
        const int j = lane >> p->bits;
        const FN(loose) *const first = p->even ? p->first[0] + j * p->apart : p->first[j];
        const dc_i64 from = p->even ? 0 : p->from[j], length = p->even ? p->rows : p->lengths[j];
        const dc_i64 at = ((batch - j) * (1 << p->bits) + lane) * DC_REDUCE_LEAF;
        const dc_i64 left = j < p->jobs ? length - at : 0;

        p->counts[lane] = (int)(left < 0 ? 0 : left < DC_REDUCE_LEAF ? left : DC_REDUCE_LEAF);
        p->lane[lane] = p->work->gathered[lane];
        if (p->counts[lane] == 0)
            continue;
        if (FN(fold_dense)(p->args)) {
            p->lane[lane] = first + from + at;
            continue;
        }
        FN(fold_offsets)(p->args, from + at, p->counts[lane], p->work->off);
        for (int i = 0; i < p->counts[lane]; i++)
            p->work->gathered[lane][i] = first[p->work->off[i]];
    }
}

/* ROWS: the values of a lane, and how many they are. */
DC_INLINE const FN(loose) * FN(fold_lane)(const FN(fold_panel) * p, int lane)
{
    return p->step ? p->lane[0] + lane * p->step : p->lane[lane];
}

DC_INLINE int FN(fold_lane_count)(const FN(fold_panel) * p, int lane)
{
    return p->counts[p->step ? 0 : lane];
}

DC_INLINE FN(vec) FN(fold_keep)(FN(mask) missing, FN(vec) x)
{
    return FN(vsel)(missing, FN(vzero)(), x);
}

/* 1 / n for whole numbers n >= 0 that are powers of two; where n is 0, anything finite. */
DC_INLINE FN(vec) FN(fold_inverse)(FN(vec) n)
{
    const FN(bits) one = (FN(bits))FN(vset)(1);

    return (FN(vec))(one + one - ((FN(bits))n & (FN(bits))FN(vinf)()));
}

/* Are all lanes of n, whole numbers, powers of two or 0? */
DC_INLINE int FN(fold_powers)(FN(vec) n)
{
    const FN(bits) power = (FN(bits))FN(vinf)() | (FN(bits))FN(vnegzero)();
    const FN(bits) digits = ((FN(bits))n & ~power) | (FN(bits))FN(vset)(1);

    return !FN(many)(FN(vlt)(FN(vset)(1), (FN(vec))digits));
}

/* x / n for whole numbers n; where n is not positive, anything.  Leaves are mostly full and their
 * lengths powers of two: then x (1 / n) has the same bits, and takes a third of the time. */
DC_INLINE FN(vec) FN(fold_share)(FN(vec) x, FN(vec) n)
{
    return FN(fold_powers)(n) ? x * FN(fold_inverse)(n) : x / n;
}

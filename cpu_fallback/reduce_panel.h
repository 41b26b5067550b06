/* Panels of a fold: jobs side by side in the lanes of registers.  Read once per dtype (T, SFX).
 *
 * A job is one result's rows of one block.  Where results lie side by side in memory (COLS) a panel
 * is up to FOLD_STRIPS registers of them, and a row is loaded as it lies.  Else (ROWS) a panel is
 * VEC_LANES jobs, each of which takes its rows 16 at a time, end to end in memory or gathered; the
 * registers of 16 accumulators are turned so that lanes are jobs.  Either way what follows sees
 * registers of jobs. */

enum { FN(FOLD_STRIPS) = 8, FN(FOLD_LEVELS) = DC_REDUCE_BLOCK_BITS + 1 };
#define FOLD_STRIPS    FN(FOLD_STRIPS)
#define FOLD_REGISTERS (DC_REDUCE_LANES / VEC_LANES) /* of one job's accumulators */

/* Registers of nodes: n is a whole number, exact in T.  MIN, MAX, EXTENT: s counts NaN. */
typedef struct FN(fold_node) {
    FN(vec) n, a, m, s;
} FN(fold_node);

/* What one thread works with: lies in its scratch. */
typedef struct FN(fold_work) {
    FN(vec) acc[2][DC_REDUCE_LANES * FOLD_STRIPS];
    FN(fold_node) stack[FN(FOLD_LEVELS)][FOLD_STRIPS];
    FN(fold_node) node[FOLD_STRIPS];
    dc_i64 row[FOLD_STRIPS * VEC_LANES], bad[FOLD_STRIPS * VEC_LANES]; /* ARG* */
    dc_i64 off[DC_REDUCE_LEAF];
    T gathered[VEC_LANES][DC_REDUCE_LEAF];
} FN(fold_work);

typedef struct FN(fold_panel) {
    const dc_reduce_args *args;
    FN(fold_work) * work;
    int cols, strips, jobs; /* jobs: how many lanes are real, over all strips */
    dc_i64 rows;            /* of the longest job                             */
    /* The leaf at hand. */
    const FN(loose) * base;            /* COLS: column 0                                 */
    int count;                         /* COLS: rows                                     */
    const FN(loose) * lane[VEC_LANES]; /* ROWS: values end to end             */
    int counts[VEC_LANES];
    int masked; /* the leaf has missing values                               */
    /* Where jobs begin. */
    const FN(loose) * first[VEC_LANES]; /* ROWS; COLS: first[0]               */
    dc_i64 from[VEC_LANES];             /* first row                          */
    dc_i64 lengths[VEC_LANES];          /* rows                               */
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

/* Leaf `l` of every job. */
static void FN(fold_leaf)(FN(fold_panel) * p, dc_i64 l)
{
    const dc_reduce_args *a = p->args;
    const dc_i64 at = l * DC_REDUCE_LEAF;
    const int dense = a->row_ndim == 1 && a->row_stride[0] == 1;

    if (p->cols) {
        const dc_i64 left = p->rows - at;

        p->count = (int)(left < DC_REDUCE_LEAF ? left : DC_REDUCE_LEAF);
        p->base = p->first[0];
        if (a->row_ndim > 1) {
            FN(fold_offsets)(a, p->from[0] + at, p->count, p->work->off);
            return;
        }
        p->base += (p->from[0] + at) * a->row_stride[0];
        for (int i = 0; l == 0 && i < p->count; i++) /* later leaves have no more rows */
            p->work->off[i] = i * a->row_stride[0];
        return;
    }
    for (int j = 0; j < VEC_LANES; j++) {
        const dc_i64 left = j < p->jobs ? p->lengths[j] - at : 0;

        p->counts[j] = (int)(left < 0 ? 0 : left < DC_REDUCE_LEAF ? left : DC_REDUCE_LEAF);
        p->lane[j] = p->work->gathered[j];
        if (p->counts[j] == 0)
            continue;
        if (dense) {
            p->lane[j] = p->first[j] + p->from[j] + at;
            continue;
        }
        FN(fold_offsets)(a, p->from[j] + at, p->counts[j], p->work->off);
        for (int i = 0; i < p->counts[j]; i++)
            p->work->gathered[j][i] = p->first[j][p->work->off[i]];
    }
}

/* ---- COLS: rows one by one, accumulators by row mod 16 in the cache ------------------------- */

/* Registers of row r; the last one may be partly there. */
#define FOLD_EACH(p, r, x, s, ...)                                                                 \
    do {                                                                                           \
        const FN(loose) *const at_ = (p)->base + (p)->work->off[r];                                \
        const int tail_ = (p)->jobs % VEC_LANES, full_ = (p)->jobs / VEC_LANES;                    \
        int s = 0;                                                                                 \
        for (; s < full_; s++) {                                                                   \
            const FN(vec) x = FN(vloadu)(at_ + s * VEC_LANES);                                     \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (tail_) {                                                                               \
            const FN(vec) x = FN(vload_n)(at_ + s * VEC_LANES, tail_);                             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

DC_INLINE FN(vec) FN(fold_keep)(FN(mask) missing, FN(vec) x)
{
    return FN(vsel)(missing, FN(vzero)(), x);
}

/* Accumulators to the first one. */
DC_INLINE void FN(cols_tree)(FN(fold_panel) * p, FN(vec) * acc)
{
    const int lanes = p->count < DC_REDUCE_LANES ? p->count : DC_REDUCE_LANES;

    for (int h = DC_REDUCE_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h && i + h < lanes; i++)
            for (int s = 0; s < p->strips; s++)
                acc[i * FOLD_STRIPS + s] += acc[(i + h) * FOLD_STRIPS + s];
}

DC_INLINE void FN(cols_sum)(FN(fold_panel) * p, int masked)
{
    FN(vec) *const acc = p->work->acc[0];
    FN(fold_node) *const node = p->work->node;

    for (int s = 0; s < p->strips; s++)
        node[s].n = masked ? FN(vzero)() : FN(vset)((T)p->count);
    for (int r = 0; r < p->count; r++) {
        FN(vec) *const to = acc + (r & (DC_REDUCE_LANES - 1)) * FOLD_STRIPS;
        const int begins = r < DC_REDUCE_LANES;

        FOLD_EACH(p, r, x, s, {
            FN(vec) y = x;
            if (masked) {
                const FN(mask) missing = FN(visnan)(x);
                y = FN(fold_keep)(missing, x);
                node[s].n += FN(fold_keep)(missing, FN(vset)(1));
            }
            to[s] = (begins ? FN(vzero)() : to[s]) + y;
        });
    }
    FN(cols_tree)(p, acc);
    for (int s = 0; s < p->strips; s++)
        node[s].a = acc[s];
}

/* Sums of x - a and of their squares into acc[0], acc[1]. */
DC_INLINE void FN(cols_deviations)(FN(fold_panel) * p, int masked)
{
    FN(vec) *const e = p->work->acc[0], *const q = p->work->acc[1];
    FN(fold_node) *const node = p->work->node;

    for (int r = 0; r < p->count; r++) {
        const int lane = (r & (DC_REDUCE_LANES - 1)) * FOLD_STRIPS;
        const int begins = r < DC_REDUCE_LANES;

        FOLD_EACH(p, r, x, s, {
            FN(vec) d = x - node[s].a;
            if (masked)
                d = FN(fold_keep)(FN(visnan)(x), d);
            e[lane + s] = (begins ? FN(vzero)() : e[lane + s]) + d;
            q[lane + s] = (begins ? FN(vzero)() : q[lane + s]) + d * d;
        });
    }
    FN(cols_tree)(p, e);
    FN(cols_tree)(p, q);
}

DC_INLINE void FN(cols_count)(FN(fold_panel) * p, int finite)
{
    FN(fold_node) *const node = p->work->node;

    for (int s = 0; s < p->strips; s++)
        node[s].n = FN(vzero)();
    for (int r = 0; r < p->count; r++)
        FOLD_EACH(p, r, x, s, {
            const FN(mask) missing = finite ? FN(visnonfinite)(x) : FN(visnan)(x);
            node[s].n += FN(fold_keep)(missing, FN(vset)(1));
        });
}

/* Least into a, largest into m (or a, without the least). */
DC_INLINE void FN(cols_extremes)(FN(fold_panel) * p, int least, int most)
{
    FN(fold_node) *const node = p->work->node;

    for (int s = 0; s < p->strips; s++) {
        node[s].a = least ? FN(vinf)() : -FN(vinf)();
        node[s].m = -FN(vinf)();
        node[s].n = FN(vset)((T)p->count);
        node[s].s = FN(vzero)();
    }
    for (int r = 0; r < p->count; r++)
        FOLD_EACH(p, r, x, s, {
            if (least)
                node[s].a = FN(vmin)(x, node[s].a);
            if (least && most)
                node[s].m = FN(vmax)(x, node[s].m);
            else if (most)
                node[s].a = FN(vmax)(x, node[s].a);
        });
}

/* ---- ROWS: one job after the other, 16 rows at a time --------------------------------------- */

/* Lanes k VEC_LANES ... of the accumulators that `left` rows reach. */
DC_INLINE int FN(rows_reach)(int left, int k)
{
    const int n = left - k * VEC_LANES;

    return n < 0 ? 0 : n < VEC_LANES ? n : VEC_LANES;
}

/* Visit the registers of n values; `there` tells the lanes of the last ones. */
#define FOLD_RUN(x, n, v, k, i, ...)                                                               \
    do {                                                                                           \
        int i = 0;                                                                                 \
        for (; i + DC_REDUCE_LANES <= (n); i += DC_REDUCE_LANES)                                   \
            for (int k = 0; k < FOLD_REGISTERS; k++) {                                             \
                const FN(vec) v = FN(vloadu)((x) + i + k * VEC_LANES);                             \
                const int part_ = 0;                                                               \
                const FN(mask) there_ = FN(mnone)();                                               \
                (void)there_;                                                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        for (int k = 0; i < (n) && k < FOLD_REGISTERS; k++) {                                      \
            const int reach_ = FN(rows_reach)((n)-i, k);                                           \
            const FN(vec) v = FN(vload_n)((x) + i + k * VEC_LANES, reach_);                        \
            const int part_ = 1;                                                                   \
            const FN(mask) there_ = FN(mfrom)((1u << reach_) - 1u);                                \
            (void)there_;                                                                          \
            if (reach_ > 0) {                                                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Accumulators i and i + h of one job, down to one register. */
DC_INLINE FN(vec) FN(rows_join)(FN(vec) * acc)
{
    for (int h = FOLD_REGISTERS / 2; h > 0; h /= 2)
        for (int k = 0; k < h; k++)
            acc[k] += acc[k + h];
    return acc[0];
}

/* Those registers of every job, to one register of jobs. */
DC_INLINE FN(vec) FN(rows_tree)(FN(vec) * job)
{
    FN(vtranspose)(job);
    for (int h = VEC_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            job[i] += job[i + h];
    return job[0];
}

DC_INLINE int FN(rows_nans)(const FN(loose) * x, int n, int finite)
{
    int bad = 0;

    FOLD_RUN(x, n, v, k, i, {
        (void)part_;
        bad += __builtin_popcount(FN(mbits)(finite ? FN(visnonfinite)(v) : FN(visnan)(v)));
    });
    return bad;
}

/* Valid values of every job. */
DC_INLINE FN(vec) FN(rows_count)(const FN(fold_panel) * p, int finite)
{
    T n[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++)
        n[j] = (T)(p->counts[j] - FN(rows_nans)(p->lane[j], p->counts[j], finite));
    return FN(vloadu)(n);
}

DC_INLINE FN(vec) FN(rows_counts)(const FN(fold_panel) * p)
{
    T n[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++)
        n[j] = (T)p->counts[j];
    return FN(vloadu)(n);
}

DC_INLINE void FN(rows_sum)(FN(fold_panel) * p, int masked)
{
    FN(vec) job[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++) {
        FN(vec) acc[FOLD_REGISTERS];

        for (int k = 0; k < FOLD_REGISTERS; k++)
            acc[k] = FN(vzero)();
        FOLD_RUN(p->lane[j], p->counts[j], v, k, i, {
            (void)part_;
            acc[k] += masked ? FN(fold_keep)(FN(visnan)(v), v) : v;
        });
        job[j] = FN(rows_join)(acc);
    }
    p->work->node[0].a = FN(rows_tree)(job);
    p->work->node[0].n = masked ? FN(rows_count)(p, 0) : FN(rows_counts)(p);
}

DC_INLINE void FN(rows_deviations)(FN(fold_panel) * p, int masked)
{
    FN(vec) e[VEC_LANES], q[VEC_LANES];
    T anchor[VEC_LANES];

    FN(vstoreu)(anchor, p->work->node[0].a);
    for (int j = 0; j < VEC_LANES; j++) {
        const FN(vec) a = FN(vset)(anchor[j]);
        FN(vec) acc[FOLD_REGISTERS], squares[FOLD_REGISTERS];

        for (int k = 0; k < FOLD_REGISTERS; k++)
            acc[k] = squares[k] = FN(vzero)();
        FOLD_RUN(p->lane[j], p->counts[j], v, k, i, {
            FN(vec) d = v - a;
            if (masked)
                d = FN(fold_keep)(FN(visnan)(v), d);
            if (part_)
                d = FN(vsel)(there_, d, FN(vzero)());
            acc[k] += d;
            squares[k] += d * d;
        });
        e[j] = FN(rows_join)(acc);
        q[j] = FN(rows_join)(squares);
    }
    p->work->acc[0][0] = FN(rows_tree)(e);
    p->work->acc[1][0] = FN(rows_tree)(q);
}

DC_INLINE FN(vec) FN(rows_extreme)(const FN(fold_panel) * p, int most)
{
    const FN(vec) none = most ? -FN(vinf)() : FN(vinf)();
    FN(vec) job[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++) {
        FN(vec) best[2] = {none, none};

        FOLD_RUN(p->lane[j], p->counts[j], v, k, i, {
            const FN(vec) x = part_ ? FN(vsel)(there_, v, none) : v;
            FN(vec) *const to = &best[(i / DC_REDUCE_LANES + k) & 1];
            *to = most ? FN(vmax)(x, *to) : FN(vmin)(x, *to);
        });
        job[j] = most ? FN(vmax)(best[0], best[1]) : FN(vmin)(best[0], best[1]);
    }
    FN(vtranspose)(job);
    for (int h = VEC_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            job[i] = most ? FN(vmax)(job[i], job[i + h]) : FN(vmin)(job[i], job[i + h]);
    return job[0];
}

DC_INLINE void FN(rows_extremes)(FN(fold_panel) * p, int least, int most)
{
    FN(fold_node) *const node = p->work->node;

    node->n = FN(rows_counts)(p);
    node->s = node->m = FN(vzero)();
    node->a = FN(rows_extreme)(p, !least);
    if (least && most)
        node->m = FN(rows_extreme)(p, 1);
}

/* Panels of a fold: jobs side by side in the lanes of registers.  Read once per dtype (T, SFX).
 *
 * A job is one result's rows of one block.  Where results lie side by side in memory (COLS) a panel
 * is up to FOLD_STRIPS registers of them, and a row is loaded as it lies.  Else (ROWS) a panel is
 * VEC_LANES jobs, each of which takes its rows 16 at a time, end to end in memory or gathered; the
 * registers of 16 accumulators are turned so that lanes are jobs.  Either way what follows sees
 * registers of jobs. */

enum { FN(FOLD_STRIPS) = 8, FN(FOLD_LEVELS) = DC_REDUCE_BLOCK_BITS + 1 };
#define FOLD_STRIPS    FN(FOLD_STRIPS)
#define FOLD_AHEAD     ((int)(1024 / sizeof(T)))     /* fetched before they are looked at */
#define FOLD_REGISTERS (DC_REDUCE_LANES / VEC_LANES) /* of one job's accumulators */

/* Registers of nodes: n is a whole number, exact in T.  MIN, MAX, EXTENT: s counts NaN. */
typedef struct FN(fold_node) {
    FN(vec) n, a, m, s;
} FN(fold_node);

/* What one thread works with: lies in its scratch. */
typedef struct FN(fold_work) {
    FN(vec) e, q; /* sums of deviations from the anchor, and of their squares */
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

/* ---- COLS: one register of columns after the other ------------------------------------------ */

/* Row r of strip s; tail: columns of a strip that is partly there. */
DC_INLINE FN(vec) FN(cols_row)(const FN(fold_panel) * p, int s, int r, int tail)
{
    const FN(loose) *const at = p->base + p->work->off[r] + s * VEC_LANES;

    return tail ? FN(vload_n)(at, tail) : FN(vloadu)(at);
}

DC_INLINE FN(vec) FN(fold_keep)(FN(mask) missing, FN(vec) x)
{
    return FN(vsel)(missing, FN(vzero)(), x);
}

/* The rows of a leaf are fetched in the order in which they lie, before the first strip. */
DC_INLINE void FN(cols_fetch)(const FN(fold_panel) * p)
{
    for (int r = 0; p->strips > 1 && r < p->count; r++)
        for (int s = 0; s < p->strips; s++)
            __builtin_prefetch((const void *)(p->base + p->work->off[r] + s * VEC_LANES));
}

/* 16 accumulators, as far as `rows` rows reach, to one. */
DC_INLINE FN(vec) FN(cols_tree)(FN(vec) * acc, int rows)
{
    if (rows > 8)
        for (int i = 0; i < 8; i++)
            acc[i] += acc[i + 8];
    if (rows > 4)
        for (int i = 0; i < 4; i++)
            acc[i] += acc[i + 4];
    if (rows > 2)
        for (int i = 0; i < 2; i++)
            acc[i] += acc[i + 2];
    return rows > 1 ? acc[0] + acc[1] : acc[0];
}

/* Visit x, row r + l of strip s, of all rows of the leaf in turn, l = r mod `lanes` ...: whole
 * turns first, whose loops the compiler unrolls, so that what they add up in stays in registers. */
#define COLS_EACH(p, s, tail, first, turn, lanes, x, l, ...)                                       \
    do {                                                                                           \
        int r_ = (first);                                                                          \
        for (; r_ + (lanes) <= (p)->count; r_ += (turn))                                           \
            for (int l = 0; l < (lanes); l++) {                                                    \
                FN(vec) x = FN(cols_row)(p, s, r_ + l, tail);                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        for (int l = 0; l < (lanes); l++)                                                          \
            if (r_ + l < (p)->count) {                                                             \
                FN(vec) x = FN(cols_row)(p, s, r_ + l, tail);                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
    } while (0)

DC_INLINE void FN(cols_sum)(FN(fold_panel) * p, int s, int masked, int tail)
{
    FN(vec) acc[DC_REDUCE_LANES], n = FN(vzero)();

    for (int l = 0; l < DC_REDUCE_LANES; l++)
        acc[l] = FN(vzero)();
    COLS_EACH(p, s, tail, 0, DC_REDUCE_LANES, DC_REDUCE_LANES, x, l, {
        if (masked) {
            const FN(mask) missing = FN(visnan)(x);
            x = FN(fold_keep)(missing, x);
            n += FN(fold_keep)(missing, FN(vset)(1));
        }
        acc[l] += x;
    });
    p->work->node[s].n = masked ? n : FN(vset)((T)p->count);
    p->work->node[s].a = FN(cols_tree)(acc, p->count);
}

/* Sums of x - a and of their squares: accumulators h ... h + 7. */
DC_INLINE void FN(cols_half)(const FN(fold_panel) * p, int s, int masked, int tail, int h,
                             FN(vec) * to_e, FN(vec) * to_q)
{
    enum { HALF = DC_REDUCE_LANES / 2 };
    const FN(vec) a = p->work->node[s].a;
    FN(vec) e[HALF], q[HALF];

    for (int l = 0; l < HALF; l++)
        e[l] = q[l] = FN(vzero)();
    COLS_EACH(p, s, tail, h, DC_REDUCE_LANES, HALF, x, l, {
        FN(vec) d = x - a;
        if (masked)
            d = FN(fold_keep)(FN(visnan)(x), d);
        e[l] += d;
        q[l] += d * d;
    });
    for (int l = 0; l < HALF; l++) {
        to_e[l] = e[l];
        to_q[l] = q[l];
    }
}

DC_INLINE void FN(cols_deviations)(FN(fold_panel) * p, int s, int masked, int tail)
{
    enum { HALF = DC_REDUCE_LANES / 2 };
    FN(vec) e[DC_REDUCE_LANES], q[DC_REDUCE_LANES];

    FN(cols_half)(p, s, masked, tail, 0, e, q);
    if (p->count > HALF)
        FN(cols_half)(p, s, masked, tail, HALF, e + HALF, q + HALF);
    p->work->e = FN(cols_tree)(e, p->count);
    p->work->q = FN(cols_tree)(q, p->count);
}

/* Both passes over a few rows that stay in registers: `rows` is a constant where this is called. */
DC_INLINE void FN(cols_few)(FN(fold_panel) * p, int s, int rows)
{
    enum { MOST = DC_REDUCE_LANES / 2 };
    FN(vec) x[MOST], e[MOST], q[MOST];

    for (int l = 0; l < rows; l++) {
        x[l] = FN(cols_row)(p, s, l, 0);
        e[l] = x[l] + FN(vzero)(); /* no -0 */
    }
    for (int h = MOST / 2; h > 0; h /= 2)
        for (int l = 0; l < h && l + h < rows; l++)
            e[l] += e[l + h];
    p->work->node[s].n = FN(vset)((T)rows);
    p->work->node[s].a = e[0] / FN(vset)((T)rows);
    for (int l = 0; l < rows; l++) {
        const FN(vec) d = x[l] - p->work->node[s].a;

        e[l] = d + FN(vzero)();
        q[l] = d * d;
    }
    for (int h = MOST / 2; h > 0; h /= 2)
        for (int l = 0; l < h && l + h < rows; l++) {
            e[l] += e[l + h];
            q[l] += q[l + h];
        }
    p->work->e = e[0];
    p->work->q = q[0];
}

DC_INLINE FN(vec) FN(cols_count)(const FN(fold_panel) * p, int s, int finite, int tail)
{
    FN(vec) n[4] = {FN(vzero)(), FN(vzero)(), FN(vzero)(), FN(vzero)()};

    COLS_EACH(p, s, tail, 0, 4, 4, x, l, {
        n[l] += FN(fold_keep)(finite ? FN(visnonfinite)(x) : FN(visnan)(x), FN(vset)(1));
    });
    return (n[0] + n[1]) + (n[2] + n[3]);
}

DC_INLINE FN(vec) FN(cols_extreme)(const FN(fold_panel) * p, int s, int most, int tail)
{
    const FN(vec) none = most ? -FN(vinf)() : FN(vinf)();
    FN(vec) best[4] = {none, none, none, none};

    COLS_EACH(p, s, tail, 0, 4, 4, x, l,
              { best[l] = most ? FN(vmax)(x, best[l]) : FN(vmin)(x, best[l]); });
    for (int l = 1; l < 4; l++)
        best[0] = most ? FN(vmax)(best[l], best[0]) : FN(vmin)(best[l], best[0]);
    return best[0];
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
                __builtin_prefetch((const void *)((x) + i + k * VEC_LANES + FOLD_AHEAD));          \
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
    p->work->e = FN(rows_tree)(e);
    p->work->q = FN(rows_tree)(q);
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

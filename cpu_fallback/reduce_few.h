/* Jobs side by side that have few rows: one for every accumulator of a leaf, all of them in
 * registers, and results go out as they are made.  Nothing else is stored between two results:
 * those that bypass the caches would hold it up.  Read once per dtype (T, SFX). */

/* Rows come in registers: `rows`, a constant of 2, 8 or 16, of which the first `count` are
 * there; the others are 0. */
typedef struct FN(few) {
    FN(vec) x[DC_REDUCE_LANES];
    int rows, count;
} FN(few);

DC_INLINE FN(few) FN(few_load)(const FN(fold_panel) * p, int s, int tail, int rows, int count)
{
    FN(few) f;

    f.rows = rows;
    f.count = count;
    for (int r = 0; r < rows; r++)
        f.x[r] = r < count ? FN(cols_row)(p, s, r, tail) : FN(vzero)();
    return f;
}

/* Accumulators begin with their rows: -0 goes last. */
DC_INLINE FN(vec) FN(few_tree)(FN(vec) * acc, int most)
{
    for (int h = most / 2; h > 0; h /= 2)
        for (int l = 0; l < h; l++)
            acc[l] += acc[l + h];
    return acc[0] + FN(vzero)();
}

/* The sum and the number of values; masked: NaN are missing. */
DC_INLINE void FN(few_sum)(const FN(few) * f, int masked, FN(fold_node) * node)
{
    FN(vec) acc[DC_REDUCE_LANES], n = FN(vzero)();

    for (int r = 0; r < f->rows; r++) {
        const FN(mask) missing = FN(visnan)(f->x[r]);

        acc[r] = masked ? FN(fold_keep)(missing, f->x[r]) : f->x[r];
        if (masked && r < f->count)
            n += FN(fold_keep)(missing, FN(vset)(1));
    }
    node->n = masked ? n : FN(vset)((T)f->count);
    node->a = FN(few_tree)(acc, f->rows);
}

/* Sums of deviations from the anchor, and of their squares, close the node. */
DC_INLINE void FN(few_deviations)(const FN(few) * f, int masked, FN(fold_node) * node)
{
    FN(vec) e[DC_REDUCE_LANES], q[DC_REDUCE_LANES];

    for (int r = 0; r < f->rows; r++) {
        FN(vec) d = r < f->count ? f->x[r] - node->a : FN(vzero)();

        if (masked)
            d = FN(fold_keep)(FN(visnan)(f->x[r]), d);
        e[r] = d;
        q[r] = d * d;
    }
    FN(leaf_close)(FN(few_tree)(e, f->rows), FN(few_tree)(q, f->rows), node);
}

DC_INLINE FN(vec) FN(few_extreme)(const FN(few) * f, int most)
{
    FN(vec) best = most ? -FN(vinf)() : FN(vinf)();

    for (int r = 0; r < f->rows; r++)
        if (r < f->count)
            best = most ? FN(vmax)(f->x[r], best) : FN(vmin)(f->x[r], best);
    return best;
}

DC_INLINE FN(vec) FN(few_count)(const FN(few) * f, int finite)
{
    FN(vec) n = FN(vzero)();

    for (int r = 0; r < f->rows; r++)
        if (r < f->count)
            n += FN(fold_keep)(finite ? FN(visnonfinite)(f->x[r]) : FN(visnan)(f->x[r]),
                               FN(vset)(1));
    return n;
}

/* The nodes of the rows' jobs, in registers. */
DC_INLINE FN(fold_node) FN(few_node)(const FN(few) * f, const FN(fold_rule) * rule, int kind)
{
    FN(fold_node) node = {FN(vset)((T)f->count), FN(vzero)(), FN(vzero)(), FN(vzero)()};

    if (FN(fold_sums)(kind) || FN(reduce_is_moments)(kind)) {
        int masked = 0;

        FN(few_sum)(f, 0, &node);
        if (!rule->propagate && FN(many)(FN(visnan)(node.a))) {
            masked = 1; /* or infinities of either sign: then this changes nothing */
            FN(few_sum)(f, 1, &node);
        }
        if (!FN(reduce_is_moments)(kind))
            return node;
        FN(leaf_anchor)(&node);
        if (masked)
            FN(few_deviations)(f, 1, &node);
        else
            FN(few_deviations)(f, 0, &node);
    } else if (FN(fold_least)(kind) || FN(fold_most)(kind)) {
        const int least = FN(fold_least)(kind);

        node.a = FN(few_extreme)(f, !least);
        if (kind == DC_REDUCE_EXTENT)
            node.m = FN(few_extreme)(f, 1);
        if (FN(leaf_counts)(rule, &node, least)) {
            const FN(vec) all = node.n;

            node.n = FN(few_count)(f, 0);
            node.s = all - node.n;
        }
    } else {
        node.n = FN(few_count)(f, kind != DC_REDUCE_COUNT);
    }
    return node;
}

/* x / n where n is the same in all lanes; share: 1 / n where n is a power of two, else 0. */
DC_INLINE FN(vec) FN(few_share)(FN(vec) x, T n, T share)
{
    return share != 0 ? x * FN(vset)(share) : x / FN(vset)(n);
}

/* The values of sums and moments of rows without NaN (or where NaN is the result), without asking
 * lane by lane what is missing: 0 where that must be asked. */
DC_INLINE int FN(few_plain)(const FN(few) * f, const FN(fold_rule) * rule, int kind,
                            const T *shares, FN(vec) * value)
{
    const T n = (T)f->count, left = (T)(f->count - rule->freedom);
    FN(vec) acc[DC_REDUCE_LANES], q[DC_REDUCE_LANES], a, m;

    for (int r = 0; r < f->rows; r++)
        acc[r] = f->x[r];
    a = FN(few_tree)(acc, f->rows);
    if (!rule->propagate && FN(many)(FN(visnan)(a)))
        return 0;
    if (!FN(reduce_is_moments)(kind)) {
        value[0] = kind == DC_REDUCE_MEAN ? FN(few_share)(a, n, shares[0]) : a;
        return 1;
    }
    a = FN(few_share)(a, n, shares[0]);
    for (int r = 0; r < f->rows; r++) {
        acc[r] = r < f->count ? f->x[r] - a : FN(vzero)();
        q[r] = acc[r] * acc[r];
    }
    acc[0] = FN(few_tree)(acc, f->rows);
    m = FN(few_share)(acc[0], n, shares[0]);
    q[0] = FN(few_tree)(q, f->rows) - acc[0] * m;
    q[0] = FN(few_share)(FN(vmax)(FN(vzero)(), q[0]), left, shares[1]);
    value[0] = kind == DC_REDUCE_MOMENTS ? FN(vset)(n)
               : kind == DC_REDUCE_STD   ? FN(vsqrt)(q[0])
                                         : q[0];
    value[1] = a + m;
    value[2] = q[0];
    return 1;
}

/* The same for extremes of rows of which some is a value. */
DC_INLINE int FN(few_extremes)(const FN(few) * f, const FN(fold_rule) * rule, int kind,
                               FN(vec) * value)
{
    const int least = FN(fold_least)(kind);

    value[0] = FN(few_extreme)(f, !least);
    if (kind == DC_REDUCE_EXTENT)
        value[1] = FN(few_extreme)(f, 1);
    return !rule->propagate && !rule->counts &&
           !FN(many)(FN(veq)(value[0], least ? FN(vinf)() : -FN(vinf)()));
}

/* 1 / n where that is exact. */
DC_INLINE T FN(few_exact)(int n)
{
    return n > 0 && (n & (n - 1)) == 0 ? 1 / (T)n : 0;
}

/* A load waits for an earlier store whose address has the same 12 low bits: the way to go is the
 * one on which loads lead away from results. */
static int FN(few_backwards)(const FN(fold_panel) * p, const T *to)
{
    enum { PAGE = 4096, NEAR = 768 }; /* NEAR: what is under way at a time */
    const size_t apart = (size_t)to - (size_t)(p->base + p->work->off[0]);

    return apart % PAGE > 0 && apart % PAGE < NEAR;
}

/* The values of strip s by way of nodes: where something may be missing. */
static void FN(few_values)(const FN(fold_panel) * p, const FN(fold_rule) * rule, int kind, int s,
                           FN(vec) * value)
{
    const int tail = p->jobs - s * VEC_LANES < VEC_LANES ? p->jobs - s * VEC_LANES : 0;
    const FN(few) f = FN(few_load)(p, s, tail, DC_REDUCE_LANES, p->count);
    const FN(fold_node) node = FN(few_node)(&f, rule, kind);

    for (int i = 0; i < fold_list(kind); i++)
        value[i] = FN(fold_value)(rule, kind, &node, i);
}

/* Whole strips, whose results lie side by side from `to` on; past the caches where `stream`. */
DC_INLINE void FN(few_strips)(const FN(fold_panel) * p, const FN(fold_rule) * rule, int kind, T *to,
                              int stream, int rows, int count)
{
    const int strips = p->jobs / VEC_LANES, back = FN(few_backwards)(p, to);
    const int sums = FN(fold_sums)(kind) || FN(reduce_is_moments)(kind);
    const int plain = !sums || rule->plain <= count;
    const T shares[2] = {FN(few_exact)(count), FN(few_exact)(count - rule->freedom)};
    const dc_i64 list = p->args->list_dst;

    for (int turn = 0; turn < strips; turn++) {
        const int s = back ? strips - 1 - turn : turn;
        const FN(few) f = FN(few_load)(p, s, 0, rows, count);
        FN(vec) value[3];

        if (!plain || !(sums ? FN(few_plain)(&f, rule, kind, shares, value)
                             : FN(few_extremes)(&f, rule, kind, value)))
            FN(few_values)(p, rule, kind, s, value);
        for (int i = 0; i < fold_list(kind); i++) {
            const FN(vec) x = value[i] + FN(vzero)(); /* -0 is +0 */
            const FN(vec) y = FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);

            if (stream)
                FN(vstream)(to + s * VEC_LANES + i * list, y);
            else
                FN(vstoreu)(to + s * VEC_LANES + i * list, y);
        }
    }
}

/* Any strip, anywhere. */
static void FN(few_strip)(const FN(fold_panel) * p, const FN(fold_rule) * rule, int kind,
                          const fold_target *t, int s)
{
    FN(vec) value[3];

    FN(few_values)(p, rule, kind, s, value);
    for (int i = 0; i < fold_list(kind); i++)
        FN(fold_put_strip)(p, t, s, i, value[i]);
}

typedef void (*FN(few_runner))(const FN(fold_panel) * p, const FN(fold_rule) * rule, T *to,
                               int stream);

/* Kinds that go this way. */
#define FEW_KINDS(of) of(SUM) of(MEAN) of(VAR) of(STD) of(MOMENTS) of(MIN) of(MAX) of(EXTENT)

/* Whole strips of a kind: some numbers of rows are constants. */
#define FEW_KIND(kind)                                                                             \
    static void FN(few_##kind)(const FN(fold_panel) * p, const FN(fold_rule) * rule, T * to,       \
                               int stream)                                                         \
    {                                                                                              \
        if (p->count == 2)                                                                         \
            FN(few_strips)(p, rule, DC_REDUCE_##kind, to, stream, 2, 2);                           \
        else if (p->count == 8)                                                                    \
            FN(few_strips)(p, rule, DC_REDUCE_##kind, to, stream, 8, 8);                           \
        else if (p->count < 8)                                                                     \
            FN(few_strips)(p, rule, DC_REDUCE_##kind, to, stream, 8, p->count);                    \
        else                                                                                       \
            FN(few_strips)(p, rule, DC_REDUCE_##kind, to, stream, DC_REDUCE_LANES, p->count);      \
    }
FEW_KINDS(FEW_KIND)
#undef FEW_KIND

/* NULL: none. */
static FN(few_runner) FN(few_runner_of)(int kind)
{
    switch (kind) {
#define FEW_CASE(kind)                                                                             \
    case DC_REDUCE_##kind:                                                                         \
        return FN(few_##kind);
        FEW_KINDS(FEW_CASE)
#undef FEW_CASE
    default:
        return NULL;
    }
}
#undef FEW_KINDS

/* COLS of at most 16 rows, all in one leaf. */
static void FN(few_run)(FN(fold_panel) * p, int kind, const fold_target *t)
{
    const FN(fold_rule) rule = FN(fold_rule_of)(p->args);
    const FN(few_runner) run = t->step == 1 ? FN(few_runner_of)(kind) : NULL;
    T *const to = (T *)t->dst + t->at[0];
    const size_t apart = (size_t)to | (size_t)p->args->list_dst * sizeof(T) * (fold_list(kind) > 1);
    int s = 0;

    FN(fold_leaf_cols)(p, 0);
    if (run) {
        run(p, &rule, to, t->stream && apart % DC_VECTOR_BYTES == 0);
        s = p->jobs / VEC_LANES;
    }
    for (; s < p->strips; s++)
        FN(few_strip)(p, &rule, kind, t, s);
}

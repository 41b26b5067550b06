/* Folds: counts, sums, moments, extremes and their rows, over panels of jobs (reduce_panel.h).
 * Read once per dtype (T, SFX). */

_Static_assert(sizeof(FN(reduce_node)) == DC_CAT(DC_REDUCE_NODE, SFX), "the plan's nodes");

DC_INLINE int FN(fold_sums)(int kind)
{
    return kind == DC_REDUCE_SUM || kind == DC_REDUCE_MEAN;
}

DC_INLINE int FN(fold_args)(int kind)
{
    return kind == DC_REDUCE_ARGMIN || kind == DC_REDUCE_ARGMAX;
}

/* Kinds that select: least, largest. */
DC_INLINE int FN(fold_least)(int kind)
{
    return FN(reduce_is_least)(kind);
}

DC_INLINE int FN(fold_most)(int kind)
{
    return FN(reduce_is_most)(kind) || kind == DC_REDUCE_EXTENT;
}

/* What the values of all results are made with. */
typedef struct FN(fold_rule) {
    FN(vec) least; /* values that a result takes */
    FN(vec) ddof;
    int propagate, counts; /* counts: of more than one value */
    int freedom;           /* ddof                           */
    int plain;             /* rows that are enough where none is missing */
} FN(fold_rule);

/* A whole number that lanes, at most DC_REDUCE_BLOCK, can be compared with. */
DC_INLINE FN(vec) FN(fold_limit)(dc_i64 n)
{
    return FN(vset)((T)(n < 1 << 20 ? n : 1 << 20));
}

DC_INLINE FN(fold_rule) FN(fold_rule_of)(const dc_reduce_args *a)
{
    const dc_i64 enough = a->min_count > a->ddof + 1 ? a->min_count : a->ddof + 1;
    FN(fold_rule) rule;

    rule.least = FN(fold_limit)(a->min_count);
    rule.ddof = FN(fold_limit)(a->ddof);
    rule.propagate = a->propagate;
    rule.counts = a->min_count > 1;
    rule.plain = enough < DC_REDUCE_BLOCK ? (int)enough : DC_REDUCE_BLOCK;
    rule.freedom = a->ddof < rule.plain ? (int)a->ddof : 0;
    return rule;
}

/* ---- a leaf --------------------------------------------------------------------------------- */

static void FN(leaf_sum)(FN(fold_panel) * p, int masked)
{
    if (p->cols)
        FN(cols_sum)(p, masked);
    else
        FN(rows_sum)(p, masked);
}

/* Sums; are some values missing? */
static int FN(leaf_sums)(FN(fold_panel) * p)
{
    FN(mask) bad = FN(mnone)();

    FN(leaf_sum)(p, 0);
    for (int s = 0; s < p->strips; s++)
        bad = FN(mor)(bad, FN(visnan)(p->work->node[s].a));
    if (p->args->propagate || !FN(many)(bad))
        return 0;
    FN(leaf_sum)(p, 1); /* or infinities of either sign: then this changes nothing */
    return 1;
}

/* The sum becomes the anchor. */
DC_INLINE void FN(leaf_anchor)(FN(fold_node) * node)
{
    const FN(mask) some = FN(vlt)(FN(vzero)(), node->n);

    node->a = FN(vsel)(some, FN(fold_share)(node->a, node->n), FN(vzero)());
}

/* Sums of deviations from the anchor and of their squares become the mean and the squares. */
DC_INLINE void FN(leaf_close)(FN(vec) e, FN(vec) q, FN(fold_node) * node)
{
    const FN(mask) some = FN(vlt)(FN(vzero)(), node->n);
    const FN(vec) m = FN(fold_share)(e, node->n), squares = q - e * m;
    const FN(mask) negative = FN(vlt)(squares, FN(vzero)());

    node->m = FN(vsel)(some, m, FN(vzero)());
    node->s = FN(vsel)(some, FN(vsel)(negative, FN(vzero)(), squares), FN(vzero)());
}

static void FN(leaf_moments)(FN(fold_panel) * p)
{
    int masked;

    if (!p->cols) {
        FN(rows_moments)(p);
        FN(leaf_close)(p->work->e, p->work->q, &p->work->node[0]);
        return;
    }
    masked = FN(leaf_sums)(p);
    for (int s = 0; s < p->strips; s++) {
        FN(fold_node) *const node = &p->work->node[s];

        FN(leaf_anchor)(node);
        FN(cols_deviations)(p, s, masked);
        FN(leaf_close)(p->work->e, p->work->q, node);
    }
}

static void FN(leaf_count)(FN(fold_panel) * p, int finite)
{
    if (p->cols)
        FN(cols_count)(p, finite);
    else
        p->work->node[0].n = FN(rows_count)(p, finite);
}

/* Values are counted where their number matters, or where there may be none. */
DC_INLINE int FN(leaf_counts)(const FN(fold_rule) * rule, const FN(fold_node) * node, int least)
{
    const FN(mask) none = FN(veq)(node->a, least ? FN(vinf)() : -FN(vinf)());

    return rule->propagate || rule->counts ||
           FN(many)(FN(mand)(none, FN(vlt)(FN(vzero)(), node->n)));
}

static void FN(leaf_extreme)(FN(fold_panel) * p, int most, int second)
{
    if (p->cols)
        FN(cols_extreme)(p, most, second);
    else
        *(second ? &p->work->node[0].m : &p->work->node[0].a) = FN(rows_extreme)(p, most);
}

static void FN(leaf_extremes)(FN(fold_panel) * p, int kind)
{
    const int least = FN(fold_least)(kind);
    const FN(vec) all = p->cols ? FN(vset)((T)p->count) : FN(rows_counts)(p);
    const FN(fold_rule) rule = FN(fold_rule_of)(p->args);
    FN(fold_node) *const node = p->work->node;
    int counts = 0;

    FN(leaf_extreme)(p, !least, 0);
    if (kind == DC_REDUCE_EXTENT)
        FN(leaf_extreme)(p, 1, 1);
    for (int s = 0; s < p->strips; s++) {
        if (kind != DC_REDUCE_EXTENT)
            node[s].m = FN(vzero)();
        node[s].n = all;
        node[s].s = FN(vzero)();
        counts |= FN(leaf_counts)(&rule, &node[s], least);
    }
    if (!counts)
        return;
    FN(leaf_count)(p, 0);
    for (int s = 0; s < p->strips; s++)
        node[s].s = all - node[s].n;
}

/* The leaves at hand into work->node. */
static void FN(leaf_run)(FN(fold_panel) * p, int kind)
{
    if (FN(fold_sums)(kind))
        (void)FN(leaf_sums)(p);
    else if (FN(reduce_is_moments)(kind))
        FN(leaf_moments)(p);
    else if (FN(fold_least)(kind) || FN(fold_most)(kind))
        FN(leaf_extremes)(p, kind);
    else
        FN(leaf_count)(p, kind != DC_REDUCE_COUNT);
}

/* ---- merges --------------------------------------------------------------------------------- */

/* As reduce_merge_moments of kernels/shared/reduce_node.h, lane by lane. */
DC_INLINE FN(fold_node) FN(fold_moments)(FN(fold_node) old, FN(fold_node) new)
{
    const FN(mask) newer = FN(vlt)(old.n, new.n);
    const FN(vec) big_n = FN(vsel)(newer, new.n, old.n), small_n = FN(vsel)(newer, old.n, new.n);
    const FN(vec) big_a = FN(vsel)(newer, new.a, old.a), small_a = FN(vsel)(newer, old.a, new.a);
    const FN(vec) big_m = FN(vsel)(newer, new.m, old.m), small_m = FN(vsel)(newer, old.m, new.m);
    const FN(vec) big_s = FN(vsel)(newer, new.s, old.s), n = old.n + new.n;
    const FN(vec) d = (small_a - big_a) + (small_m - big_m), w = FN(fold_share)(small_n, n);
    const FN(mask) some = FN(vlt)(FN(vzero)(), small_n);
    FN(fold_node) both;

    both.n = n;
    both.a = big_a;
    both.m = FN(vsel)(some, big_m + d * w, big_m);
    both.s = FN(vsel)(some, (old.s + new.s) + (d * d) * (big_n * w), big_s);
    return both;
}

static FN(fold_node) FN(fold_merge)(int kind, FN(fold_node) old, FN(fold_node) new)
{
    FN(fold_node) both = old;

    if (FN(reduce_is_moments)(kind))
        return FN(fold_moments)(old, new);
    both.n = old.n + new.n;
    if (FN(fold_sums)(kind))
        both.a = old.a + new.a;
    if (FN(fold_least)(kind) || FN(fold_most)(kind)) {
        both.a = FN(fold_least)(kind) ? FN(vmin)(new.a, old.a) : FN(vmax)(new.a, old.a);
        both.m = FN(vmax)(new.m, old.m);
        both.s = old.s + new.s;
    }
    return both;
}

DC_INLINE FN(fold_node) FN(fold_lanes)(const FN(fold_node) * x, int h, int newer)
{
    return (FN(fold_node)){FN(vturn)(x->n, x->n, h, newer), FN(vturn)(x->a, x->a, h, newer),
                           FN(vturn)(x->m, x->m, h, newer), FN(vturn)(x->s, x->s, h, newer)};
}

/* ROWS: the leaves of a job, 1 << bits lanes, become one node in all of these lanes.  Leaves that
 * are not there are the identity. */
static void FN(fold_group)(FN(fold_panel) * p, int kind)
{
    FN(fold_node) *const node = &p->work->node[0];

    for (int h = 1; h < VEC_LANES && h < 1 << p->bits; h *= 2)
        *node = FN(fold_merge)(kind, FN(fold_lanes)(node, h, 0), FN(fold_lanes)(node, h, 1));
}

/* Lane j of a node is job j's. */
static void FN(fold_ungroup)(FN(fold_panel) * p)
{
    FN(fold_node) *const node = &p->work->node[0];

    for (int j = 1; p->bits > 0 && j < p->jobs; j++) {
        node->n[j] = node->n[j << p->bits];
        node->a[j] = node->a[j << p->bits];
        node->m[j] = node->m[j << p->bits];
        node->s[j] = node->s[j << p->bits];
    }
}

/* Leaf `l` joins the nodes before it: a binary counter. */
static void FN(fold_push)(FN(fold_panel) * p, int kind, dc_i64 l)
{
    FN(fold_work) *const w = p->work;
    int level = 0;

    for (; l >> level & 1; level++)
        for (int s = 0; s < p->strips; s++)
            w->node[s] = FN(fold_merge)(kind, w->stack[level][s], w->node[s]);
    for (int s = 0; s < p->strips; s++)
        w->stack[level][s] = w->node[s];
}

/* What is left of `leaves` leaves, the newest first. */
static void FN(fold_close)(FN(fold_panel) * p, int kind, dc_i64 leaves)
{
    FN(fold_work) *const w = p->work;
    int have = 0;

    for (int level = 0; leaves >> level; level++) {
        if (!(leaves >> level & 1))
            continue;
        for (int s = 0; s < p->strips; s++)
            w->node[s] =
                have ? FN(fold_merge)(kind, w->stack[level][s], w->node[s]) : w->stack[level][s];
        have = 1;
    }
}

/* ---- rows of extremes ----------------------------------------------------------------------- */

/* The first row of a leaf that is `best`, or NaN: its number, which is there. */
static int FN(fold_find)(const FN(fold_panel) * p, int lane, T best, int nans)
{
    const int n = p->cols ? p->count : p->counts[lane];

    for (int r = 0; r < n; r++) {
        const T x = p->cols ? p->base[p->work->off[r] + lane] : p->lane[lane][r];

        if (nans ? x != x : x == best)
            return r;
    }
    return -1;
}

/* A leaf whose first row is `from` and whose best is `now`; `better`: than what job j has. */
static void FN(fold_improve)(FN(fold_panel) * p, int lane, int j, dc_i64 from, T now, int better,
                             int nans)
{
    FN(fold_work) *const w = p->work;

    if (better || w->row[j] < 0) {
        const int r = FN(fold_find)(p, lane, now, 0);

        w->row[j] = r < 0 ? w->row[j] : from + r;
    }
    if (nans && p->args->propagate && w->bad[j] < 0)
        w->bad[j] = from + FN(fold_find)(p, lane, now, 1);
}

/* COLS: leaf `l`; stack[0] holds the best so far. */
static void FN(fold_seek_cols)(FN(fold_panel) * p, int kind, dc_i64 l)
{
    FN(fold_work) *const w = p->work;

    for (int s = 0; s < p->strips; s++) {
        const FN(vec) now = w->node[s].a, then = w->stack[0][s].a;
        const FN(mask) better = kind == DC_REDUCE_ARGMIN ? FN(vlt)(now, then) : FN(vlt)(then, now);
        const FN(mask) bad = FN(vlt)(FN(vzero)(), w->node[s].s);
        const FN(mask) none = FN(veq)(then, kind == DC_REDUCE_ARGMIN ? FN(vinf)() : -FN(vinf)());
        unsigned look = FN(mbits)(FN(mor)(FN(mor)(better, none), bad));

        for (; look; look &= look - 1) {
            const int i = __builtin_ctz(look), j = s * VEC_LANES + i;

            if (j >= p->jobs)
                break;
            FN(fold_improve)
            (p, j, j, p->from[0] + l * DC_REDUCE_LEAF, now[i], (int)(FN(mbits)(better) >> i & 1),
             (int)(FN(mbits)(bad) >> i & 1));
        }
        w->stack[0][s] = FN(fold_merge)(kind, w->stack[0][s], w->node[s]);
    }
}

/* ROWS: the leaves of batch `l`, oldest first; best[] holds the best so far. */
static void FN(fold_seek_rows)(FN(fold_panel) * p, int kind, dc_i64 l)
{
    FN(fold_work) *const w = p->work;

    for (int lane = 0; lane < p->jobs << p->bits; lane++) {
        const int j = lane >> p->bits;
        const T now = w->node[0].a[lane];
        const int better = kind == DC_REDUCE_ARGMIN ? now < w->best[j] : w->best[j] < now;

        if (p->counts[lane] == 0)
            continue;
        FN(fold_improve)
        (p, lane, j, p->from[j] + ((l - j) * (1 << p->bits) + lane) * DC_REDUCE_LEAF, now, better,
         w->node[0].s[lane] > 0);
        w->best[j] = better ? now : w->best[j];
    }
    FN(fold_group)(p, kind);
    w->stack[0][0] = FN(fold_merge)(kind, w->stack[0][0], w->node[0]);
}

/* ---- a panel -------------------------------------------------------------------------------- */

static void FN(fold_identity)(FN(fold_panel) * p, int kind)
{
    const FN(reduce_node) none = FN(reduce_none)(kind);

    for (int s = 0; s < p->strips; s++) {
        FN(fold_node) *const node = &p->work->stack[0][s];

        node->n = node->s = FN(vzero)();
        node->a = FN(vset)(none.a);
        node->m = FN(vset)(none.m);
        p->work->node[s] = *node;
    }
    for (int j = 0; j < p->jobs; j++)
        p->work->row[j] = p->work->bad[j] = -1;
    FN(vstoreu)(p->work->best, FN(vset)(none.a));
}

/* The nodes of the panel's jobs into work->node (and row, bad). */
static void FN(fold_panel_run)(FN(fold_panel) * p, int kind)
{
    const dc_i64 span = (dc_i64)DC_REDUCE_LEAF << (p->cols ? 0 : p->bits);
    const dc_i64 batches = (p->rows + span - 1) / span;
    const int ordered = FN(fold_sums)(kind) || FN(reduce_is_moments)(kind);
    FN(fold_work) *const w = p->work;

    if (batches != 1 || FN(fold_args)(kind))
        FN(fold_identity)(p, kind);
    for (dc_i64 l = 0; l < batches; l++) {
        if (p->cols)
            FN(fold_leaf_cols)(p, l);
        else if (FN(fold_args)(kind) || !FN(fold_leaf_even)(p, l))
            FN(fold_leaf_rows)(p, l);
        FN(leaf_run)(p, kind);
        if (FN(fold_args)(kind)) {
            if (p->cols)
                FN(fold_seek_cols)(p, kind, l);
            else
                FN(fold_seek_rows)(p, kind, l);
            continue;
        }
        if (!p->cols)
            FN(fold_group)(p, kind);
        if (batches == 1)
            break; /* it is the node */
        if (ordered)
            FN(fold_push)(p, kind, l);
        for (int s = 0; !ordered && s < p->strips; s++)
            w->stack[0][s] = FN(fold_merge)(kind, w->stack[0][s], w->node[s]);
    }
    if (ordered && batches != 1)
        FN(fold_close)(p, kind, batches);
    else if (batches != 1 || FN(fold_args)(kind))
        for (int s = 0; s < p->strips; s++)
            w->node[s] = w->stack[0][s];
    if (!p->cols)
        FN(fold_ungroup)(p);
}

/* ---- results -------------------------------------------------------------------------------- */

/* As reduce_value of kernels/shared/reduce_node.h, lane by lane. */
static FN(vec)
    FN(fold_value)(const FN(fold_rule) * rule, int kind, const FN(fold_node) * node, int i)
{
    FN(mask) none = FN(vlt)(node->n, rule->least);
    FN(vec) x = node->a;

    if (kind == DC_REDUCE_MOMENTS && i == 0)
        return node->n;
    if (kind == DC_REDUCE_MEAN) {
        none = FN(mor)(none, FN(mnot)(FN(vlt)(FN(vzero)(), node->n)));
        x = FN(fold_share)(node->a, node->n);
    } else if (kind == DC_REDUCE_MOMENTS && i == 1) {
        x = node->a + node->m;
    } else if (FN(reduce_is_moments)(kind)) {
        x = FN(fold_share)(node->s, node->n - rule->ddof);
        none = FN(mor)(none, FN(mnot)(FN(vlt)(rule->ddof, node->n)));
    } else if (kind == DC_REDUCE_EXTENT && i == 1) {
        x = node->m;
    }
    if (kind == DC_REDUCE_STD)
        x = FN(vsqrt)(x);
    if (rule->propagate && (FN(fold_least)(kind) || FN(fold_most)(kind)))
        none = FN(mor)(none, FN(vlt)(FN(vzero)(), node->s));
    x += FN(vzero)(); /* -0 is +0 */
    return FN(vsel)(FN(mor)(none, FN(visnan)(x)), FN(vquiet)(), x);
}

static FN(reduce_node) FN(fold_node_of)(const FN(fold_panel) * p, int j)
{
    const FN(fold_node) *const from = &p->work->node[j / VEC_LANES];
    FN(reduce_node) node;

    node.n = (dc_i64)from->n[j % VEC_LANES];
    node.row = p->work->row[j];
    node.bad = p->work->bad[j];
    node.a = from->a[j % VEC_LANES];
    node.m = from->m[j % VEC_LANES];
    node.s = from->s[j % VEC_LANES];
    return node;
}

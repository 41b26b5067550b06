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

/* ---- a leaf --------------------------------------------------------------------------------- */

/* Columns of strip s that are there, 0: all. */
DC_INLINE int FN(leaf_tail)(const FN(fold_panel) * p, int s)
{
    return s == p->strips - 1 ? p->jobs % VEC_LANES : 0;
}

/* A function of a strip, compiled for whole strips and for others. */
#define LEAF_STRIP(call, p, s, ...)                                                                \
    (FN(leaf_tail)(p, s) ? call(p, s, __VA_ARGS__, FN(leaf_tail)(p, s))                            \
                         : call(p, s, __VA_ARGS__, 0))

DC_INLINE void FN(leaf_sum)(FN(fold_panel) * p, int s, int masked)
{
    if (!p->cols)
        FN(rows_sum)(p, masked);
    else if (masked)
        LEAF_STRIP(FN(cols_sum), p, s, 1);
    else
        LEAF_STRIP(FN(cols_sum), p, s, 0);
}

/* Sums; are some values missing? */
DC_INLINE int FN(leaf_sums)(FN(fold_panel) * p, int s)
{
    FN(leaf_sum)(p, s, 0);
    if (p->args->propagate || !FN(many)(FN(visnan)(p->work->node[s].a)))
        return 0;
    FN(leaf_sum)(p, s, 1); /* or infinities of either sign: then this changes nothing */
    return 1;
}

DC_INLINE void FN(leaf_deviations)(FN(fold_panel) * p, int s, int masked)
{
    if (!p->cols)
        FN(rows_deviations)(p, masked);
    else if (masked)
        LEAF_STRIP(FN(cols_deviations), p, s, 1);
    else
        LEAF_STRIP(FN(cols_deviations), p, s, 0);
}

/* Leaves of a few whole rows without missing values; 0: not such a one. */
DC_INLINE int FN(leaf_few)(FN(fold_panel) * p, int s)
{
    if (!p->cols || FN(leaf_tail)(p, s) || p->count > DC_REDUCE_LANES / 2)
        return 0;
    switch (p->count) {
    case 2:
        FN(cols_few)(p, s, 2);
        break;
    case 4:
        FN(cols_few)(p, s, 4);
        break;
    case 6:
        FN(cols_few)(p, s, 6);
        break;
    case 8:
        FN(cols_few)(p, s, 8);
        break;
    default:
        return 0;
    }
    return p->args->propagate || !FN(many)(FN(visnan)(p->work->node[s].a));
}

DC_INLINE void FN(leaf_moments)(FN(fold_panel) * p, int s)
{
    FN(fold_node) *const node = &p->work->node[s];
    FN(vec) n, m, squares;
    FN(mask) some;

    if (FN(leaf_few)(p, s)) {
        n = node->n;
        some = FN(vlt)(FN(vzero)(), n);
    } else {
        const int masked = FN(leaf_sums)(p, s);

        n = node->n;
        some = FN(vlt)(FN(vzero)(), n);
        node->a = FN(vsel)(some, node->a / n, FN(vzero)());
        if (masked)
            FN(leaf_deviations)(p, s, 1);
        else
            FN(leaf_deviations)(p, s, 0);
    }
    m = p->work->e / n;
    squares = p->work->q - p->work->e * m;
    squares = FN(vsel)(FN(vlt)(squares, FN(vzero)()), FN(vzero)(), squares);
    node->m = FN(vsel)(some, m, FN(vzero)());
    node->s = FN(vsel)(some, squares, FN(vzero)());
}

DC_INLINE FN(vec) FN(leaf_count)(const FN(fold_panel) * p, int s, int finite)
{
    return p->cols ? LEAF_STRIP(FN(cols_count), p, s, finite) : FN(rows_count)(p, finite);
}

DC_INLINE FN(vec) FN(leaf_extreme)(const FN(fold_panel) * p, int s, int most)
{
    return p->cols ? LEAF_STRIP(FN(cols_extreme), p, s, most) : FN(rows_extreme)(p, most);
}

/* Values are counted where their number matters, or where there may be none. */
DC_INLINE void FN(leaf_extremes)(FN(fold_panel) * p, int kind, int s)
{
    const int least = FN(fold_least)(kind), most = FN(fold_most)(kind);
    FN(fold_node) *const node = &p->work->node[s];
    const FN(vec) all = p->cols ? FN(vset)((T)p->count) : FN(rows_counts)(p);

    node->a = FN(leaf_extreme)(p, s, !least);
    node->m = least && most ? FN(leaf_extreme)(p, s, 1) : FN(vzero)();
    node->n = all;
    node->s = FN(vzero)();
    if (p->args->propagate || p->args->min_count > 1 ||
        FN(many)(FN(veq)(node->a, least ? FN(vinf)() : -FN(vinf)()))) {
        node->n = FN(leaf_count)(p, s, 0);
        node->s = all - node->n;
    }
}

/* Strip s of the leaf into work->node[s]. */
DC_INLINE void FN(leaf_strip)(FN(fold_panel) * p, int kind, int s)
{
    if (FN(fold_sums)(kind))
        (void)FN(leaf_sums)(p, s);
    else if (FN(reduce_is_moments)(kind))
        FN(leaf_moments)(p, s);
    else if (FN(fold_least)(kind) || FN(fold_most)(kind))
        FN(leaf_extremes)(p, kind, s);
    else
        p->work->node[s].n = FN(leaf_count)(p, s, kind != DC_REDUCE_COUNT);
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
    const FN(vec) d = (small_a - big_a) + (small_m - big_m), w = small_n / n;
    const FN(mask) some = FN(vlt)(FN(vzero)(), small_n);
    FN(fold_node) both;

    both.n = n;
    both.a = big_a;
    both.m = FN(vsel)(some, big_m + d * w, big_m);
    both.s = FN(vsel)(some, (old.s + new.s) + (d * d) * (big_n * w), big_s);
    return both;
}

DC_INLINE FN(fold_node) FN(fold_merge)(int kind, FN(fold_node) old, FN(fold_node) new)
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

/* Leaf `l` joins the nodes before it: a binary counter. */
DC_INLINE void FN(fold_push)(FN(fold_panel) * p, int kind, dc_i64 l)
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
DC_INLINE void FN(fold_close)(FN(fold_panel) * p, int kind, dc_i64 leaves)
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

DC_INLINE T FN(fold_at)(const FN(fold_panel) * p, int j, int r)
{
    return p->cols ? p->base[p->work->off[r] + j] : p->lane[j][r];
}

/* Where leaf `l` improves on what job j has, the first row that does. */
static void FN(fold_find)(FN(fold_panel) * p, dc_i64 l, int j, T best, int nans)
{
    const int n = p->cols ? p->count : p->counts[j];
    dc_i64 *const found = nans ? p->work->bad : p->work->row;

    for (int r = 0; r < n; r++) {
        const T x = FN(fold_at)(p, j, r);

        if (nans ? x != x : x == best) {
            found[j] = p->from[p->cols ? 0 : j] + l * DC_REDUCE_LEAF + r;
            return;
        }
    }
}

/* stack[0] holds the best so far. */
DC_INLINE void FN(fold_seek)(FN(fold_panel) * p, int kind, dc_i64 l)
{
    FN(fold_work) *const w = p->work;

    for (int s = 0; s < p->strips; s++) {
        const FN(vec) now = w->node[s].a, then = w->stack[0][s].a;
        const FN(mask) better = kind == DC_REDUCE_ARGMIN ? FN(vlt)(now, then) : FN(vlt)(then, now);
        const FN(mask) bad = FN(vlt)(FN(vzero)(), w->node[s].s);
        const FN(mask) none = FN(veq)(then, kind == DC_REDUCE_ARGMIN ? FN(vinf)() : -FN(vinf)());
        unsigned look = FN(mbits)(FN(mor)(FN(mor)(better, none), bad));
        T best[VEC_LANES];

        FN(vstoreu)(best, now);
        for (; look; look &= look - 1) {
            const int i = __builtin_ctz(look), j = s * VEC_LANES + i;

            if (j >= p->jobs)
                break;
            if ((FN(mbits)(better) >> i & 1) || w->row[j] < 0)
                FN(fold_find)(p, l, j, best[i], 0);
            if (p->args->propagate && (FN(mbits)(bad) >> i & 1) && w->bad[j] < 0)
                FN(fold_find)(p, l, j, best[i], 1);
        }
        w->stack[0][s] = FN(fold_merge)(kind, w->stack[0][s], w->node[s]);
    }
}

/* ---- a panel -------------------------------------------------------------------------------- */

DC_INLINE void FN(fold_identity)(FN(fold_panel) * p, int kind)
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
}

/* The nodes of the panel's jobs into work->node (and row, bad). */
DC_INLINE void FN(fold_panel_run)(FN(fold_panel) * p, int kind)
{
    const dc_i64 leaves = (p->rows + DC_REDUCE_LEAF - 1) / DC_REDUCE_LEAF;
    FN(fold_work) *const w = p->work;

    if (leaves != 1 || FN(fold_args)(kind))
        FN(fold_identity)(p, kind);
    for (dc_i64 l = 0; l < leaves; l++) {
        FN(fold_leaf)(p, l);
        if (p->cols && p->count > DC_REDUCE_LANES)
            FN(cols_fetch)(p);
        for (int s = 0; s < p->strips; s++)
            FN(leaf_strip)(p, kind, s);
        if (FN(fold_args)(kind)) {
            FN(fold_seek)(p, kind, l);
        } else if (leaves == 1) {
            return; /* it is the node */
        } else if (FN(fold_sums)(kind) || FN(reduce_is_moments)(kind)) {
            FN(fold_push)(p, kind, l);
        } else { /* no order */
            for (int s = 0; s < p->strips; s++)
                w->stack[0][s] = FN(fold_merge)(kind, w->stack[0][s], w->node[s]);
        }
    }
    if (FN(fold_sums)(kind) || FN(reduce_is_moments)(kind))
        FN(fold_close)(p, kind, leaves);
    else
        for (int s = 0; s < p->strips; s++)
            w->node[s] = w->stack[0][s];
}

/* ---- results -------------------------------------------------------------------------------- */

/* A whole number that lanes, at most DC_REDUCE_BLOCK, can be compared with. */
DC_INLINE FN(vec) FN(fold_limit)(dc_i64 n)
{
    return FN(vset)((T)(n < 1 << 20 ? n : 1 << 20));
}

/* As reduce_value of kernels/shared/reduce_node.h, lane by lane. */
DC_INLINE FN(vec)
    FN(fold_value)(const dc_reduce_args *a, int kind, const FN(fold_node) * node, int i)
{
    FN(mask) none = FN(vlt)(node->n, FN(fold_limit)(a->min_count));
    FN(vec) x = node->a;

    if (kind == DC_REDUCE_MOMENTS && i == 0)
        return node->n;
    if (kind == DC_REDUCE_MEAN)
        x = node->a / node->n;
    else if (kind == DC_REDUCE_MOMENTS && i == 1)
        x = node->a + node->m;
    else if (FN(reduce_is_moments)(kind)) {
        const FN(vec) ddof = FN(fold_limit)(a->ddof);

        x = node->s / (node->n - ddof);
        none = FN(mor)(none, FN(mnot)(FN(vlt)(ddof, node->n)));
    } else if (kind == DC_REDUCE_EXTENT && i == 1) {
        x = node->m;
    }
    if (kind == DC_REDUCE_STD)
        x = FN(vsqrt)(x);
    if (a->propagate && (FN(fold_least)(kind) || FN(fold_most)(kind)))
        none = FN(mor)(none, FN(vlt)(FN(vzero)(), node->s));
    x += FN(vzero)(); /* -0 is +0 */
    return FN(vsel)(FN(mor)(none, FN(visnan)(x)), FN(vquiet)(), x);
}

DC_INLINE FN(reduce_node) FN(fold_node_of)(const FN(fold_panel) * p, int j)
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

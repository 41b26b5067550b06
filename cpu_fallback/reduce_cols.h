/* Leaves of many rows, jobs side by side: COLS of reduce_panel.h.  A row is read across all strips
 * before the next, accumulators lie in the first cache: measured, runs of 512 bytes are read at
 * the machine's speed however far apart they lie, longer ones and fetches by hand are not.  Read
 * once per dtype (T, SFX). */

/* Columns of strip s that are there, 0: all. */
DC_INLINE int FN(cols_tail)(const FN(fold_panel) * p, int s)
{
    return s == p->strips - 1 ? p->jobs % VEC_LANES : 0;
}

/* Row r of strip s; tail: columns of a strip that is partly there. */
DC_INLINE FN(vec) FN(cols_row)(const FN(fold_panel) * p, int s, int r, int tail)
{
    const FN(loose) *const at = p->base + p->work->off[r] + s * VEC_LANES;

    return tail ? FN(vload_n)(at, tail) : FN(vloadu)(at);
}

/* Visit x, row r of strip s, first <= r < end, for all strips s: rows one after the other.
 * Whole panels have a loop of their own, which the compiler unrolls. */
#define COLS_EACH(p, first, end, r, s, x, ...)                                                     \
    do {                                                                                           \
        const int tail_ = (p)->jobs % VEC_LANES, whole_ = (p)->strips - (tail_ > 0);               \
        for (int r = (first); r < (end) && r < (p)->count; r++) {                                  \
            const FN(loose) *const at_ = (p)->base + (p)->work->off[r];                            \
            if (whole_ == FOLD_STRIPS) {                                                           \
                for (int s = 0; s < FOLD_STRIPS; s++) {                                            \
                    const FN(vec) x = FN(vloadu)(at_ + s * VEC_LANES);                             \
                    __VA_ARGS__                                                                    \
                }                                                                                  \
                continue;                                                                          \
            }                                                                                      \
            for (int s = 0; s < whole_; s++) {                                                     \
                const FN(vec) x = FN(vloadu)(at_ + s * VEC_LANES);                                 \
                __VA_ARGS__                                                                        \
            }                                                                                      \
            if (tail_) {                                                                           \
                const int s = whole_;                                                              \
                const FN(vec) x = FN(vload_n)(at_ + s * VEC_LANES, tail_);                         \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Accumulators, a power of two, to one. */
DC_INLINE FN(vec) FN(cols_join)(FN(vec) * acc, int all)
{
    for (int h = all / 2; h > 0; h /= 2)
        for (int l = 0; l < h; l++)
            acc[l] += acc[l + h];
    return acc[0];
}

/* 16 accumulators of strip s, as far as the leaf's rows reach, to one; each began with its first
 * row, so that -0 may be left: adding 0 last is as good as adding it first. */
DC_INLINE FN(vec) FN(cols_tree)(FN(fold_panel) * p, int s)
{
    FN(vec)(*const acc)[FOLD_STRIPS] = p->work->acc;
    const int rows = p->count;

    if (rows >= DC_REDUCE_LANES) {
        FN(vec) all[DC_REDUCE_LANES];

        for (int l = 0; l < DC_REDUCE_LANES; l++)
            all[l] = acc[l][s];
        return FN(cols_join)(all, DC_REDUCE_LANES) + FN(vzero)();
    }
    for (int h = DC_REDUCE_LANES / 2; h > 0; h /= 2)
        for (int l = 0; l < h && l + h < rows; l++)
            acc[l][s] += acc[l + h][s];
    return acc[0][s] + FN(vzero)();
}

/* Sums and numbers of values into node[s].a and .n. */
static void FN(cols_sum)(FN(fold_panel) * p, int masked)
{
    FN(fold_node) *const node = p->work->node;
    FN(vec)(*const acc)[FOLD_STRIPS] = p->work->acc;

    for (int s = 0; s < p->strips; s++)
        node[s].n = masked ? FN(vzero)() : FN(vset)((T)p->count);
    if (masked) {
        COLS_EACH(p, 0, DC_REDUCE_LANES, r, s, x, {
            const FN(mask) missing = FN(visnan)(x);

            node[s].n += FN(fold_keep)(missing, FN(vset)(1));
            acc[r][s] = FN(fold_keep)(missing, x);
        });
        COLS_EACH(p, DC_REDUCE_LANES, DC_REDUCE_LEAF, r, s, x, {
            const FN(mask) missing = FN(visnan)(x);

            node[s].n += FN(fold_keep)(missing, FN(vset)(1));
            acc[r % DC_REDUCE_LANES][s] += FN(fold_keep)(missing, x);
        });
    } else {
        COLS_EACH(p, 0, DC_REDUCE_LANES, r, s, x, { acc[r][s] = x; });
        COLS_EACH(p, DC_REDUCE_LANES, DC_REDUCE_LEAF, r, s, x,
                  { acc[r % DC_REDUCE_LANES][s] += x; });
    }
    for (int s = 0; s < p->strips; s++)
        node[s].a = FN(cols_tree)(p, s);
}

/* Values, or finite ones, into node[s].n. */
static void FN(cols_count)(FN(fold_panel) * p, int finite)
{
    FN(fold_node) *const node = p->work->node;

    for (int s = 0; s < p->strips; s++)
        node[s].n = FN(vzero)();
    if (finite)
        COLS_EACH(p, 0, DC_REDUCE_LEAF, r, s, x,
                  { node[s].n += FN(fold_keep)(FN(visnonfinite)(x), FN(vset)(1)); });
    else
        COLS_EACH(p, 0, DC_REDUCE_LEAF, r, s, x,
                  { node[s].n += FN(fold_keep)(FN(visnan)(x), FN(vset)(1)); });
}

/* Least or largest values into node[s].a, or .m: no order. */
DC_INLINE void FN(cols_extreme_of)(FN(fold_panel) * p, int most, int second)
{
    enum { CHAINS = 4 };
    const FN(vec) none = most ? -FN(vinf)() : FN(vinf)();
    FN(vec)(*const acc)[FOLD_STRIPS] = p->work->acc;

    for (int l = 0; l < CHAINS; l++)
        for (int s = 0; s < p->strips; s++)
            acc[l][s] = none;
    COLS_EACH(p, 0, DC_REDUCE_LEAF, r, s, x, {
        FN(vec) *const best = &acc[r % CHAINS][s];

        *best = most ? FN(vmax)(x, *best) : FN(vmin)(x, *best);
    });
    for (int s = 0; s < p->strips; s++) {
        FN(vec) best = acc[0][s];

        for (int l = 1; l < CHAINS; l++)
            best = most ? FN(vmax)(acc[l][s], best) : FN(vmin)(acc[l][s], best);
        *(second ? &p->work->node[s].m : &p->work->node[s].a) = best;
    }
}

static void FN(cols_extreme)(FN(fold_panel) * p, int most, int second)
{
    if (most)
        FN(cols_extreme_of)(p, 1, second);
    else
        FN(cols_extreme_of)(p, 0, second);
}

DC_INLINE void FN(cols_deviate)(const FN(fold_panel) * p, int s, int r, int masked, int tail,
                                FN(vec) a, FN(vec) * e, FN(vec) * q)
{
    const FN(vec) x = FN(cols_row)(p, s, r, tail);
    FN(vec) d = x - a;

    if (masked)
        d = FN(fold_keep)(FN(visnan)(x), d);
    *e += d;
    *q += d * d;
}

/* Sums of x - a and of their squares: accumulators h ... h + 7 of strip s, whose rows are in a
 * cache by now. */
DC_INLINE void FN(cols_half)(const FN(fold_panel) * p, int s, int masked, int tail, int h,
                             FN(vec) * e, FN(vec) * q)
{
    enum { HALF = DC_REDUCE_LANES / 2 };
    const FN(vec) a = p->work->node[s].a;
    int r = h;

    for (int l = 0; l < HALF; l++)
        e[l] = q[l] = FN(vzero)();
    /* Whole turns first, whose loop the compiler unrolls: the sums stay in registers. */
    for (; r + HALF <= p->count; r += DC_REDUCE_LANES)
        for (int l = 0; l < HALF; l++)
            FN(cols_deviate)(p, s, r + l, masked, tail, a, &e[l], &q[l]);
    for (int l = 0; l < HALF; l++)
        if (r + l < p->count)
            FN(cols_deviate)(p, s, r + l, masked, tail, a, &e[l], &q[l]);
}

/* work->e and ->q of strip s. */
DC_INLINE void FN(cols_deviations_of)(FN(fold_panel) * p, int s, int masked, int tail)
{
    enum { HALF = DC_REDUCE_LANES / 2 };
    FN(vec) e[HALF], q[HALF];

    FN(cols_half)(p, s, masked, tail, 0, e, q);
    if (p->count > HALF) {
        FN(vec) later_e[HALF], later_q[HALF];

        FN(cols_half)(p, s, masked, tail, HALF, later_e, later_q);
        for (int l = 0; l < HALF; l++) {
            e[l] += later_e[l];
            q[l] += later_q[l];
        }
    }
    p->work->e = FN(cols_join)(e, HALF);
    p->work->q = FN(cols_join)(q, HALF);
}

static void FN(cols_deviations)(FN(fold_panel) * p, int s, int masked)
{
    const int tail = FN(cols_tail)(p, s);

    if (masked || tail)
        FN(cols_deviations_of)(p, s, masked, tail);
    else
        FN(cols_deviations_of)(p, s, 0, 0);
}

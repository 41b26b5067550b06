/* Leaves whose rows lie end to end, in memory or gathered: ROWS of reduce_panel.h.  One lane after
 * the other, 16 rows at a time; then the registers of 16 accumulators are turned.
 * Read once per dtype (T, SFX). */

/* Lanes k VEC_LANES ... of the accumulators that `left` rows reach. */
DC_INLINE int FN(rows_reach)(int left, int k)
{
    const int n = left - k * VEC_LANES;

    return n < 0 ? 0 : n < VEC_LANES ? n : VEC_LANES;
}

/* Passes that read whole leaves once fetch this far ahead, into the second cache.  Into the first
 * one, further ahead, or where a second pass follows, it costs more than it brings (measured). */
#define RUNS_AHEAD (2048 / (int)sizeof(T))

/* Visit the registers of n values; `ahead`: fetch what follows; `there` tells the
 * lanes of the last ones. */
#define FOLD_RUN(ahead, x, n, v, k, i, ...)                                                        \
    do {                                                                                           \
        const FN(loose) *const x_ = (x);                                                           \
        const int n_ = (n);                                                                        \
        int i = 0;                                                                                 \
        for (; i + DC_REDUCE_LANES <= n_; i += DC_REDUCE_LANES)                                    \
            for (int k = 0; k < FOLD_REGISTERS; k++) {                                             \
                const FN(vec) v = FN(vloadu)(x_ + i + k * VEC_LANES);                              \
                const int part_ = 0;                                                               \
                if (ahead)                                                                         \
                    __builtin_prefetch((const void *)(x_ + i + k * VEC_LANES + RUNS_AHEAD), 0, 2); \
                const FN(mask) there_ = FN(mnone)();                                               \
                (void)there_;                                                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        for (int k = 0; i < n_ && k < FOLD_REGISTERS; k++) {                                       \
            const int reach_ = FN(rows_reach)(n_ - i, k);                                          \
            const FN(vec) v = FN(vload_n)(x_ + i + k * VEC_LANES, reach_);                         \
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

/* Those registers of every lane, to one register of lanes: turned, and added at every stage. */
DC_INLINE FN(vec) FN(rows_tree)(FN(vec) * lane)
{
    for (int h = VEC_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            lane[i] = FN(vturn)(lane[i], lane[i + h], h, 0) + FN(vturn)(lane[i], lane[i + h], h, 1);
    return lane[0];
}

DC_INLINE int FN(rows_nans)(const FN(loose) * x, int n, int finite)
{
    int bad = 0;

    FOLD_RUN(0, x, n, v, k, i, {
        (void)part_;
        bad += __builtin_popcount(FN(mbits)(finite ? FN(visnonfinite)(v) : FN(visnan)(v)));
    });
    return bad;
}

/* Valid values of every lane. */
static FN(vec) FN(rows_count)(const FN(fold_panel) * p, int finite)
{
    T n[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++)
        n[j] = (T)(FN(fold_lane_count)(p, j) -
                   FN(rows_nans)(FN(fold_lane)(p, j), FN(fold_lane_count)(p, j), finite));
    return FN(vloadu)(n);
}

DC_INLINE FN(vec) FN(rows_counts)(const FN(fold_panel) * p)
{
    T n[VEC_LANES];

    if (p->step)
        return FN(vset)((T)p->counts[0]);
    for (int j = 0; j < VEC_LANES; j++)
        n[j] = (T)p->counts[j];
    return FN(vloadu)(n);
}

/* Where lanes lie: in registers, where a panel lies in memory. */
typedef struct FN(rows_lanes) {
    const FN(fold_panel) * panel;
    const FN(loose) * first;
    dc_i64 step;
    int count;
} FN(rows_lanes);

DC_INLINE FN(rows_lanes) FN(rows_lanes_of)(const FN(fold_panel) * p)
{
    return (FN(rows_lanes)){p, p->lane[0], p->step, p->counts[0]};
}

DC_INLINE const FN(loose) * FN(rows_at)(const FN(rows_lanes) * r, int lane)
{
    return r->step ? r->first + lane * r->step : r->panel->lane[lane];
}

DC_INLINE int FN(rows_in)(const FN(rows_lanes) * r, int lane)
{
    return r->step ? r->count : r->panel->counts[lane];
}

/* The accumulators of n values, joined to one register. */
DC_INLINE FN(vec) FN(rows_add)(const FN(loose) * x, int n, int masked, int ahead)
{
    FN(vec) acc[FOLD_REGISTERS];

    for (int k = 0; k < FOLD_REGISTERS; k++)
        acc[k] = FN(vzero)();
    FOLD_RUN(ahead, x, n, v, k, i, {
        (void)part_;
        acc[k] += masked ? FN(fold_keep)(FN(visnan)(v), v) : v;
    });
    return FN(rows_join)(acc);
}

DC_INLINE void FN(rows_sum_of)(FN(fold_panel) * p, int masked, int ahead)
{
    const FN(rows_lanes) r = FN(rows_lanes_of)(p);
    FN(vec) lane[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++)
        lane[j] = FN(rows_add)(FN(rows_at)(&r, j), FN(rows_in)(&r, j), masked, ahead);
    p->work->node[0].a = FN(rows_tree)(lane);
    p->work->node[0].n = masked ? FN(rows_count)(p, 0) : FN(rows_counts)(p);
}

static void FN(rows_sum)(FN(fold_panel) * p, int masked)
{
    if (masked)
        FN(rows_sum_of)(p, 1, 0);
    else if (FN(fold_lane_count)(p, 0) == DC_REDUCE_LEAF)
        FN(rows_sum_of)(p, 0, 1);
    else
        FN(rows_sum_of)(p, 0, 0);
}

/* Sums of deviations of n values from a, and of their squares. */
DC_INLINE void FN(rows_deviate)(const FN(loose) * x, int n, int masked, FN(vec) a, FN(vec) * e,
                                FN(vec) * q)
{
    FN(vec) acc[FOLD_REGISTERS], squares[FOLD_REGISTERS];

    for (int k = 0; k < FOLD_REGISTERS; k++)
        acc[k] = squares[k] = FN(vzero)();
    FOLD_RUN(0, x, n, v, k, i, {
        FN(vec) d = v - a;
        if (masked)
            d = FN(fold_keep)(FN(visnan)(v), d);
        if (part_)
            d = FN(vsel)(there_, d, FN(vzero)());
        acc[k] += d;
        squares[k] += d * d;
    });
    *e = FN(rows_join)(acc);
    *q = FN(rows_join)(squares);
}

/* Anchors into node[0].a, sums of deviations into work->e and ->q: lane after lane, both passes of
 * one while it is in the first cache.  Are there NaN that should not count? */
DC_INLINE int FN(rows_moments_of)(FN(fold_panel) * p, int masked)
{
    const FN(vec) all = masked ? FN(rows_count)(p, 0) : FN(rows_counts)(p);
    const FN(rows_lanes) r = FN(rows_lanes_of)(p);
    const int even = FN(fold_powers)(all);
    FN(vec) e[VEC_LANES], q[VEC_LANES];
    T anchor[VEC_LANES], n[VEC_LANES];

    FN(vstoreu)(n, even ? FN(fold_inverse)(all) : all);
    for (int j = 0; j < VEC_LANES; j++) {
        const FN(vec) sum =
            FN(vspread)(FN(rows_add)(FN(rows_at)(&r, j), FN(rows_in)(&r, j), masked, 0)),
                      by = FN(vset)(n[j]);
        const FN(vec) a = even ? sum * by : n[j] > 0 ? sum / by : FN(vzero)();

        anchor[j] = a[0];
        FN(rows_deviate)(FN(rows_at)(&r, j), FN(rows_in)(&r, j), masked, a, &e[j], &q[j]);
    }
    p->work->node[0].n = all;
    p->work->node[0].a = FN(vloadu)(anchor);
    p->work->e = FN(rows_tree)(e);
    p->work->q = FN(rows_tree)(q);
    return !masked && !p->args->propagate && FN(many)(FN(visnan)(p->work->node[0].a));
}

static void FN(rows_moments)(FN(fold_panel) * p)
{
    if (FN(rows_moments_of)(p, 0))
        (void)FN(rows_moments_of)(p, 1);
}

DC_INLINE FN(vec) FN(rows_extreme_of)(const FN(fold_panel) * p, int most)
{
    const FN(vec) none = most ? -FN(vinf)() : FN(vinf)();
    const FN(rows_lanes) r = FN(rows_lanes_of)(p);
    FN(vec) lane[VEC_LANES];

    for (int j = 0; j < VEC_LANES; j++) {
        FN(vec) best[FOLD_REGISTERS];

        for (int k = 0; k < FOLD_REGISTERS; k++)
            best[k] = none;
        FOLD_RUN(1, FN(rows_at)(&r, j), FN(rows_in)(&r, j), v, k, i, {
            const FN(vec) x = part_ ? FN(vsel)(there_, v, none) : v;
            best[k] = most ? FN(vmax)(x, best[k]) : FN(vmin)(x, best[k]);
        });
        for (int k = 1; k < FOLD_REGISTERS; k++)
            best[0] = most ? FN(vmax)(best[k], best[0]) : FN(vmin)(best[k], best[0]);
        lane[j] = best[0];
    }
    for (int h = VEC_LANES / 2; h > 0; h /= 2)
        for (int i = 0; i < h; i++) {
            const FN(vec) x = FN(vturn)(lane[i], lane[i + h], h, 0);
            const FN(vec) y = FN(vturn)(lane[i], lane[i + h], h, 1);

            lane[i] = most ? FN(vmax)(x, y) : FN(vmin)(x, y);
        }
    return lane[0];
}

static FN(vec) FN(rows_extreme)(const FN(fold_panel) * p, int most)
{
    return most ? FN(rows_extreme_of)(p, 1) : FN(rows_extreme_of)(p, 0);
}

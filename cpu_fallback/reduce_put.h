/* Results of folds put where they belong.  Read once per dtype (T, SFX). */

/* A place in the space of results that moves on one by one. */
typedef struct fold_walk {
    const dc_reduce_args *args;
    dc_i64 digit[DC_REDUCE_AXES], src, dst;
} fold_walk;

static fold_walk fold_walk_at(const dc_reduce_args *a, dc_i64 out)
{
    fold_walk w = {a, {0}, 0, 0};

    for (dc_i32 d = a->out_ndim - 1; d >= 0; d--) {
        const dc_i64 outer = out / a->out_shape[d];

        w.digit[d] = out - outer * a->out_shape[d];
        w.src += w.digit[d] * a->out_src[d];
        w.dst += w.digit[d] * a->out_dst[d];
        out = outer;
    }
    return w;
}

/* After the last result comes the first. */
static inline void fold_walk_on(fold_walk *w)
{
    const dc_reduce_args *a = w->args;

    for (dc_i32 d = a->out_ndim - 1; d >= 0; d--) {
        w->src += a->out_src[d];
        w->dst += a->out_dst[d];
        if (++w->digit[d] < a->out_shape[d])
            return;
        w->src -= a->out_src[d] * a->out_shape[d];
        w->dst -= a->out_dst[d] * a->out_shape[d];
        w->digit[d] = 0;
    }
}

DC_INLINE int fold_list(int kind)
{
    return kind == DC_REDUCE_MOMENTS ? 3 : kind == DC_REDUCE_EXTENT ? 2 : 1;
}

DC_INLINE int fold_wholes(int kind)
{
    return kind == DC_REDUCE_COUNT || kind == DC_REDUCE_ARGMIN || kind == DC_REDUCE_ARGMAX ||
           kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE;
}

static void FN(fold_put_whole)(const dc_reduce_args *a, int kind, void *dst, dc_i64 at,
                               const FN(reduce_node) * node)
{
    const dc_i64 value = FN(reduce_whole)(a, node, a->rows);

    if (kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE)
        ((dc_u8 *)dst)[at] = (dc_u8)value;
    else
        ((dc_i64 *)dst)[at] = value;
}

/* Where a panel's results go: job j at at[j], or at at[0] + j step where `even`. */
typedef struct fold_target {
    void *dst;
    const dc_i64 *at;
    dc_i64 step;
    int even, stream; /* stream: past the caches, where the place allows it */
} fold_target;

DC_INLINE dc_i64 fold_place(const fold_target *t, int j)
{
    return t->even ? t->at[0] + j * t->step : t->at[j];
}

/* Number i of the results of strip s. */
static void FN(fold_put_strip)(const FN(fold_panel) * p, const fold_target *t, int s, int i,
                               FN(vec) x)
{
    const int j = s * VEC_LANES, n = p->jobs - j < VEC_LANES ? p->jobs - j : VEC_LANES;
    T *const to = (T *)t->dst + i * p->args->list_dst, *const first = to + fold_place(t, j);
    int dense = t->even && t->step == 1;

    if (!t->even)
        for (dense = 1; dense < n && t->at[j + dense] == t->at[j] + dense;)
            dense++;
    if (n == VEC_LANES && dense >= (t->even ? 1 : n)) {
        if (t->stream && (size_t)first % DC_VECTOR_BYTES == 0)
            FN(vstream)(first, x);
        else
            FN(vstoreu)(first, x);
        return;
    }
    for (int k = 0; k < n; k++)
        to[fold_place(t, j + k)] = x[k];
}

/* Results of a panel. */
static void FN(fold_put)(const FN(fold_panel) * p, int kind, const fold_target *t)
{
    const dc_reduce_args *a = p->args;
    const FN(fold_rule) rule = FN(fold_rule_of)(a);

    if (fold_wholes(kind)) {
        for (int j = 0; j < p->jobs; j++) {
            const FN(reduce_node) node = FN(fold_node_of)(p, j);

            FN(fold_put_whole)(a, kind, t->dst, fold_place(t, j), &node);
        }
        return;
    }
    for (int i = 0; i < fold_list(kind); i++)
        for (int s = 0; s < p->strips; s++)
            FN(fold_put_strip)(p, t, s, i, FN(fold_value)(&rule, kind, &p->work->node[s], i));
}

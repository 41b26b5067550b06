/* Means, moments and extremes of groups that lie side by side: a lane for each.  Included by
 * cpu_fallback/smooth.c once per dtype, hence no guard.
 *
 * A panel is a few hundred neighbouring groups.  Its tables have room for whole
 * registers; what lies beyond the last group is 0 and never stored. */

typedef struct FN(smooth_panel) {
    const dc_smooth_args *args;
    const FN(loose) * src; /* value 0 of the first group */
    FN(loose) * dst;
    dc_i64 groups, room; /* groups of this panel; elements of a table, whole registers */
    int stream;
    T *a, *p, *q, *count, *tree; /* tables; tree: DC_SMOOTH_COLUMNS tables for each waiting node */
} FN(smooth_panel);

/* Elements from value 0 of a group to value j, in the source; *dst: in the output. */
DC_INLINE dc_i64 FN(smooth_apart)(const FN(smooth_panel) * panel, dc_i64 j, dc_i64 *dst)
{
    const dc_smooth_args *const a = panel->args;

    if (a->group_axes > 1)
        return smooth_value_at(a, j, dst);
    *dst = j * a->group_dst[0];
    return j * a->group_src[0];
}

/* Registers of a row, 0 beyond the last group. */
DC_INLINE FN(vec) FN(smooth_row)(const FN(smooth_panel) * panel, dc_i64 j, dc_i64 at)
{
    dc_i64 to;
    const FN(loose) *const from = panel->src + FN(smooth_apart)(panel, j, &to) + at;
    const dc_i64 left = panel->groups - at;

    return left >= VEC_LANES ? FN(vloadu)(from) : FN(vload_n)(from, (int)left);
}

/* Up to DC_SMOOTH_COLUMNS values: a leaf that has one value in each column. */
DC_INLINE void FN(smooth_panel_short)(const FN(smooth_panel) * panel, int pass, int omit, T *sum)
{
    const int n = (int)panel->args->n;

    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        const FN(vec) a = FN(vload)(panel->a + at), p = FN(vload)(panel->p + at);
        FN(vec) column[DC_SMOOTH_COLUMNS];

        for (int c = 0; c < n; c++)
            column[c] =
                FN(vzero)() + FN(smooth_pass_lanes)(pass, omit, FN(smooth_row)(panel, c, at), a, p);
        for (int half = DC_SMOOTH_COLUMNS / 2; half > 0; half /= 2)
            for (int c = 0; c < half && c + half < n; c++)
                column[c] = column[c] + column[c + half];
        FN(vstore)(sum + at, column[0]);
    }
}

/* Columns of the leaf that begins at row `first`. */
DC_INLINE void FN(smooth_panel_leaf)(const FN(smooth_panel) * panel, int pass, int omit,
                                     dc_i64 first, T *leaf)
{
    const dc_i64 left = panel->args->n - first,
                 rows = left < DC_SMOOTH_LEAF ? left : DC_SMOOTH_LEAF;

    memset(leaf, 0, (size_t)(DC_SMOOTH_COLUMNS * panel->room) * sizeof(T));
    for (dc_i64 j = 0; j < rows; j++) {
        T *const column = leaf + j % DC_SMOOTH_COLUMNS * panel->room;

        for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
            const FN(vec) x = FN(smooth_row)(panel, first + j, at);
            const FN(vec) v = FN(smooth_pass_lanes)(pass, omit, x, FN(vload)(panel->a + at),
                                                    FN(vload)(panel->p + at));

            FN(vstore)(column + at, FN(vload)(column + at) + v);
        }
    }
}

static void FN(smooth_tables_add)(T *to, const T *from, dc_i64 count)
{
    for (dc_i64 i = 0; i < count; i += VEC_LANES)
        FN(vstore)(to + i, FN(vload)(to + i) + FN(vload)(from + i));
}

DC_INLINE void FN(smooth_panel_pass)(const FN(smooth_panel) * panel, int pass, int omit, T *sum)
{
    const dc_i64 node = DC_SMOOTH_COLUMNS * panel->room;
    dc_i64 leaf = 0;
    int top = 0;

    if (panel->args->n <= DC_SMOOTH_COLUMNS) {
        FN(smooth_panel_short)(panel, pass, omit, sum);
        return;
    }
    for (dc_i64 first = 0; first < panel->args->n; first += DC_SMOOTH_LEAF, leaf++) {
        FN(smooth_panel_leaf)(panel, pass, omit, first, panel->tree + top * node);
        for (dc_i64 i = leaf; i & 1; i >>= 1, top--)
            FN(smooth_tables_add)
        (panel->tree + (top - 1) * node, panel->tree + top * node, node);
        top++;
    }
    for (; top > 1; top--)
        FN(smooth_tables_add)
    (panel->tree + (top - 2) * node, panel->tree + (top - 1) * node, node);
    for (dc_i64 half = node / 2; half >= panel->room; half /= 2)
        FN(smooth_tables_add)(panel->tree, panel->tree + half, half);
    memcpy(sum, panel->tree, (size_t)panel->room * sizeof(T));
}

static void FN(smooth_panel_sum)(const FN(smooth_panel) * panel, int pass, T *sum)
{
    const int omit = panel->args->omit_nan;

    if (pass == DC_SMOOTH_PASS_VALUE && !omit)
        FN(smooth_panel_pass)(panel, DC_SMOOTH_PASS_VALUE, 0, sum);
    else if (pass == DC_SMOOTH_PASS_SHIFT && !omit)
        FN(smooth_panel_pass)(panel, DC_SMOOTH_PASS_SHIFT, 0, sum);
    else if (!omit)
        FN(smooth_panel_pass)(panel, DC_SMOOTH_PASS_SQUARE, 0, sum);
    else
        FN(smooth_panel_pass)(panel, pass, 1, sum);
}

/* How many values of each group are no NaN, as a number (fewer than 2^31); a: the first of them. */
static void FN(smooth_panel_count)(const FN(smooth_panel) * panel)
{
    const dc_i64 n = panel->args->n;

    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        FN(vec) first = FN(smooth_row)(panel, 0, at);
        FN(cvec) count = FN(cset)(n);

        if (panel->args->omit_nan) {
            count = FN(czero)();
            for (dc_i64 j = 0; j < n; j++) {
                const FN(vec) x = FN(smooth_row)(panel, j, at);

                count = FN(cinc)(count, FN(mnot)(FN(visnan)(x)));
                first = FN(vsel)(FN(visnan)(first), x, first);
            }
        }
        FN(vstore)(panel->a + at, first);
        FN(vstore)(panel->p + at, FN(vzero)());
        *(FN(cvec) *)(void *)(panel->count + at) = count;
    }
}

DC_INLINE FN(vec) FN(smooth_counted)(const FN(smooth_panel) * panel, dc_i64 at)
{
    return FN(ctov)(*(FN(cvec) *)(void *)(panel->count + at));
}

static void FN(smooth_panel_mean)(const FN(smooth_panel) * panel)
{
    const dc_smooth_args *const a = panel->args;

    FN(smooth_panel_count)(panel);
    FN(smooth_panel_sum)(panel, DC_SMOOTH_PASS_VALUE, panel->q);
    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        const FN(vec) mean = FN(vload)(panel->q + at) / FN(smooth_counted)(panel, at);

        FN(vstore)(panel->p + at, FN(vset)(SMOOTH_PICK(a->keep32, a->keep64)));
        FN(vstore)(panel->q + at, FN(vset)(SMOOTH_PICK(a->blend32, a->blend64)) * mean);
    }
}

static void FN(smooth_panel_standardize)(const FN(smooth_panel) * panel)
{
    const dc_i64 ddof = panel->args->ddof;

    FN(smooth_panel_count)(panel);
    FN(smooth_panel_sum)(panel, DC_SMOOTH_PASS_SHIFT, panel->q);
    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        const FN(vec) mean = FN(vload)(panel->q + at) / FN(smooth_counted)(panel, at);

        FN(vstore)(panel->p + at, mean);
    }
    FN(smooth_panel_sum)(panel, DC_SMOOTH_PASS_SQUARE, panel->q);
    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        const FN(cvec) count = *(FN(cvec) *)(void *)(panel->count + at);
        const FN(vec) s = FN(vsqrt)(FN(vload)(panel->q + at) / FN(ctov)(count - FN(cset)(ddof)));
        const FN(vec) r = FN(vsel)(FN(veq)(s, FN(vzero)()), FN(vzero)(), 1 / s);

        FN(vstore)(panel->q + at, FN(vsel)(FN(clt)(count, ddof + 1), FN(vquiet)(), r));
    }
}

static void FN(smooth_panel_minmax)(const FN(smooth_panel) * panel)
{
    const FN(vec) one = FN(vset)(1), zero = FN(vzero)();

    for (dc_i64 at = 0; at < panel->groups; at += VEC_LANES) {
        FN(vec) lo = FN(vinf)(), hi = -FN(vinf)(), range;
        FN(mask) nan = FN(mnone)();

        for (dc_i64 j = 0; j < panel->args->n; j++) {
            const FN(vec) x = FN(smooth_row)(panel, j, at);

            lo = FN(vmin)(x, lo);
            hi = FN(vmax)(x, hi);
            nan = FN(mor)(nan, FN(visnan)(x));
        }
        if (!panel->args->omit_nan)
            lo = FN(vsel)(nan, FN(vquiet)(), lo);
        lo = lo + zero; /* -0 becomes +0 */
        hi = hi + zero;
        range = hi - lo;
        FN(vstore)(panel->a + at, zero);
        FN(vstore)(panel->p + at, lo);
        FN(vstore)(panel->q + at, FN(vsel)(FN(veq)(range, zero), one, range));
    }
}

DC_INLINE void FN(smooth_panel_write)(const FN(smooth_panel) * panel, int kind)
{
    const dc_smooth_args *const a = panel->args;

    for (dc_i64 j = 0; j < a->n; j++) {
        dc_i64 to;
        const FN(loose) *const from = panel->src + FN(smooth_apart)(panel, j, &to);

        FN(smooth_results)
        (kind, 1, from, panel->dst + to, panel->groups, panel->a, panel->p, panel->q,
         panel->stream ? (const char *)(from + panel->room) : NULL, panel->stream);
    }
}

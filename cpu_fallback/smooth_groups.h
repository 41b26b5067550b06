/* Means, moments and extremes of groups whose values are walked one group at a time: the columns
 * of a leaf lie in the lanes of registers.  Included by cpu_fallback/smooth.c once per dtype, hence
 * no guard. */

#define SMOOTH_VECS (DC_SMOOTH_COLUMNS / VEC_LANES) /* registers of the columns */
/* Leaves side by side: an addition waits for the one before; more than two are read slower. */
#define SMOOTH_BATCH (SMOOTH_VECS >= 2 ? 1 : 2)
#ifndef DC_CPU_SMOOTH_GROUPS_H
#define DC_CPU_SMOOTH_GROUPS_H
enum { SMOOTH_CHUNK = 4 * DC_SMOOTH_LEAF }; /* values looked at together */
#endif

/* One group. */
typedef struct FN(smooth_line) {
    const dc_smooth_args *args;
    const FN(loose) * src; /* value 0 */
    FN(loose) * dst;
    const char
        *ahead; /* the next group, where it is short: to be brought near meanwhile; or NULL */
    int src_run, dst_run; /* the values lie end to end */
    int stream;           /* results go past the caches */
    T *in, *out;          /* room for SMOOTH_CHUNK values each */
} FN(smooth_line);

/* Columns of the leaves of a group, waiting for their neighbours. */
typedef struct FN(smooth_tree) {
    FN(vec) node[DC_SMOOTH_DEPTH][SMOOTH_VECS];
    dc_i64 leaves;
    int top;
} FN(smooth_tree);

static void FN(smooth_push)(FN(smooth_tree) * tree, const FN(vec) * leaf)
{
    FN(vec) sum[SMOOTH_VECS];

    for (int r = 0; r < SMOOTH_VECS; r++)
        sum[r] = leaf[r];
    for (dc_i64 i = tree->leaves++; i & 1; i >>= 1) {
        --tree->top;
        for (int r = 0; r < SMOOTH_VECS; r++)
            sum[r] = tree->node[tree->top][r] + sum[r];
    }
    for (int r = 0; r < SMOOTH_VECS; r++)
        tree->node[tree->top][r] = sum[r];
    tree->top++;
}

static T FN(smooth_fold)(FN(smooth_tree) * tree)
{
    while (tree->top > 1) {
        --tree->top;
        for (int r = 0; r < SMOOTH_VECS; r++)
            tree->node[tree->top - 1][r] += tree->node[tree->top][r];
    }
    for (int half = SMOOTH_VECS / 2; half > 0; half /= 2)
        for (int r = 0; r < half; r++)
            tree->node[0][r] += tree->node[0][r + half];
    return FN(vspread)(tree->node[0][0])[0];
}

DC_INLINE FN(vec) FN(smooth_pass_lanes)(int pass, int omit, FN(vec) x, FN(vec) a, FN(vec) p)
{
    const FN(vec) d = x - a, e = d - p;
    const FN(vec) v = pass == DC_SMOOTH_PASS_VALUE ? x : pass == DC_SMOOTH_PASS_SHIFT ? d : e * e;

    return omit ? FN(vsel)(FN(visnan)(x), FN(vzero)(), v) : v;
}

/* `leaves` whole leaves end to end. */
DC_INLINE void FN(smooth_leaves)(FN(smooth_tree) * tree, int pass, int omit, const FN(loose) * x,
                                 FN(vec) a, FN(vec) p, int leaves)
{
    FN(vec) sum[SMOOTH_BATCH][SMOOTH_VECS] = {{{0}}};

    for (int k = 0; k < DC_SMOOTH_LEAF; k += DC_SMOOTH_COLUMNS)
        for (int b = 0; b < leaves; b++)
            for (int r = 0; r < SMOOTH_VECS; r++)
                sum[b][r] += FN(smooth_pass_lanes)(
                    pass, omit, FN(vloadu)(x + b * DC_SMOOTH_LEAF + k + r * VEC_LANES), a, p);
    for (int b = 0; b < leaves; b++)
        FN(smooth_push)(tree, sum[b]);
}

/* A last leaf of count < DC_SMOOTH_LEAF values. */
DC_INLINE void FN(smooth_last_leaf)(FN(smooth_tree) * tree, int pass, int omit, const FN(loose) * x,
                                    FN(vec) a, FN(vec) p, int count)
{
    FN(vec) sum[SMOOTH_VECS] = {{0}};

    for (int k = 0; k < count; k += DC_SMOOTH_COLUMNS)
        for (int r = 0; r < SMOOTH_VECS; r++) {
            const int left = count - k - r * VEC_LANES;

            if (left >= VEC_LANES) {
                sum[r] +=
                    FN(smooth_pass_lanes)(pass, omit, FN(vloadu)(x + k + r * VEC_LANES), a, p);
            } else if (left > 0) {
                const FN(vec) v = FN(vload_n)(x + k + r * VEC_LANES, left);
                const FN(vec) more = sum[r] + FN(smooth_pass_lanes)(pass, omit, v, a, p);

                sum[r] = FN(vsel)(FN(mfrom)((1u << left) - 1), more, sum[r]);
            }
        }
    FN(smooth_push)(tree, sum);
}

DC_INLINE void FN(smooth_sum_chunk)(FN(smooth_tree) * tree, int pass, int omit, const FN(loose) * x,
                                    T a, T p, dc_i64 count)
{
    const FN(vec) first = FN(vset)(a), lanes = FN(vset)(p);
    dc_i64 i = 0;

    for (; i + SMOOTH_BATCH * DC_SMOOTH_LEAF <= count; i += SMOOTH_BATCH * DC_SMOOTH_LEAF)
        FN(smooth_leaves)(tree, pass, omit, x + i, first, lanes, SMOOTH_BATCH);
    for (; i + DC_SMOOTH_LEAF <= count; i += DC_SMOOTH_LEAF)
        FN(smooth_leaves)(tree, pass, omit, x + i, first, lanes, 1);
    if (i < count)
        FN(smooth_last_leaf)(tree, pass, omit, x + i, first, lanes, (int)(count - i));
}

/* Values j ... j + count - 1, end to end. */
static const FN(loose) * FN(smooth_values)(const FN(smooth_line) * line, dc_i64 j, dc_i64 count)
{
    const dc_smooth_args *const a = line->args;
    const dc_i32 last = a->group_axes - 1;

    if (line->src_run)
        return line->src + j;
    for (dc_i64 done = 0; done < count;) {
        dc_i64 other, left = a->group_shape[last] - (j + done) % a->group_shape[last];
        const FN(loose) *const from = line->src + smooth_value_at(a, j + done, &other);

        left = left < count - done ? left : count - done;
        for (dc_i64 i = 0; i < left; i++)
            line->in[done + i] = from[i * a->group_src[last]];
        done += left;
    }
    return line->in;
}

static void FN(smooth_scatter)(const FN(smooth_line) * line, dc_i64 j, dc_i64 count)
{
    const dc_smooth_args *const a = line->args;
    const dc_i32 last = a->group_axes - 1;

    for (dc_i64 done = 0; done < count;) {
        dc_i64 to, left = a->group_shape[last] - (j + done) % a->group_shape[last];

        (void)smooth_value_at(a, j + done, &to);
        left = left < count - done ? left : count - done;
        for (dc_i64 i = 0; i < left; i++)
            line->dst[to + i * a->group_dst[last]] = line->out[done + i];
        done += left;
    }
}

DC_INLINE T FN(smooth_sum_pass)(const FN(smooth_line) * line, int pass, int omit, T a, T p)
{
    FN(smooth_tree) tree;

    tree.leaves = tree.top = 0;
    for (dc_i64 j = 0; j < line->args->n; j += SMOOTH_CHUNK) {
        const dc_i64 left = line->args->n - j, count = left < SMOOTH_CHUNK ? left : SMOOTH_CHUNK;

        FN(smooth_sum_chunk)(&tree, pass, omit, FN(smooth_values)(line, j, count), a, p, count);
    }
    return FN(smooth_fold)(&tree);
}

static T FN(smooth_sum)(const FN(smooth_line) * line, int pass, T a, T p)
{
    const int omit = line->args->omit_nan;

    if (pass == DC_SMOOTH_PASS_VALUE)
        return omit ? FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_VALUE, 1, a, p)
                    : FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_VALUE, 0, a, p);
    if (pass == DC_SMOOTH_PASS_SHIFT)
        return omit ? FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_SHIFT, 1, a, p)
                    : FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_SHIFT, 0, a, p);
    return omit ? FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_SQUARE, 1, a, p)
                : FN(smooth_sum_pass)(line, DC_SMOOTH_PASS_SQUARE, 0, a, p);
}

/* How many values are no NaN; *first: the first of them (n of them: value 0). */
static dc_i64 FN(smooth_count)(const FN(smooth_line) * line, T *first)
{
    const dc_i64 n = line->args->n;
    dc_i64 valid = 0;

    *first = line->src[0];
    if (!line->args->omit_nan)
        return n;
    for (dc_i64 j = 0; j < n; j += SMOOTH_CHUNK) {
        const dc_i64 left = n - j, count = left < SMOOTH_CHUNK ? left : SMOOTH_CHUNK;
        const FN(loose) *const x = FN(smooth_values)(line, j, count);

        for (dc_i64 i = 0; i < count; i++) {
            if (x[i] != x[i])
                continue;
            if (valid++ == 0)
                *first = x[i];
        }
    }
    return valid;
}

/* Smallest and largest of the values that are no NaN; 1 if there is a NaN. */
static int FN(smooth_extremes)(const FN(smooth_line) * line, T *low, T *high)
{
    FN(vec) lo = FN(vinf)(), hi = -FN(vinf)();
    FN(mask) nan = FN(mnone)();
    T lane_lo[VEC_LANES], lane_hi[VEC_LANES];

    for (dc_i64 j = 0; j < line->args->n; j += SMOOTH_CHUNK) {
        const dc_i64 left = line->args->n - j, count = left < SMOOTH_CHUNK ? left : SMOOTH_CHUNK;
        const FN(loose) *const from = FN(smooth_values)(line, j, count);

        for (dc_i64 i = 0; i < count; i += VEC_LANES) {
            const int lanes = count - i < VEC_LANES ? (int)(count - i) : VEC_LANES;
            FN(vec) x = lanes < VEC_LANES ? FN(vset)(from[i]) : FN(vloadu)(from + i);

            if (lanes < VEC_LANES)
                x = FN(vsel)(FN(mfrom)((1u << lanes) - 1), FN(vload_n)(from + i, lanes), x);
            lo = FN(vmin)(x, lo);
            hi = FN(vmax)(x, hi);
            nan = FN(mor)(nan, FN(visnan)(x));
        }
    }
    FN(vstoreu)(lane_lo, lo);
    FN(vstoreu)(lane_hi, hi);
    *low = lane_lo[0];
    *high = lane_hi[0];
    for (int i = 1; i < VEC_LANES; i++) {
        *low = lane_lo[i] < *low ? lane_lo[i] : *low;
        *high = lane_hi[i] > *high ? lane_hi[i] : *high;
    }
    return FN(many)(nan);
}

DC_INLINE FN(vec) FN(smooth_result_lanes)(int kind, FN(vec) x, FN(vec) a, FN(vec) p, FN(vec) q)
{
    FN(vec) y;

    if (kind == DC_SMOOTH_MEAN)
        y = x * p + q;
    else if (kind == DC_SMOOTH_STANDARDIZE)
        y = ((x - a) - p) * q;
    else
        y = (x - p) / q;
    return FN(vsel)(FN(visnan)(y), FN(vquiet)(), y);
}

/* Results of `count` values end to end.  `each`: p and q are arrays, else single numbers.  What
 * lies at `ahead` is brought near meanwhile. */
DC_INLINE void FN(smooth_results)(int kind, int each, const FN(loose) * x, FN(loose) * out,
                                  dc_i64 count, const FN(loose) * a, const FN(loose) * p,
                                  const FN(loose) * q, const char *ahead, int stream)
{
    const FN(vec) one_a = FN(vset)(*a), one_p = FN(vset)(*p), one_q = FN(vset)(*q);
    dc_i64 i = 0;

    if (ahead)
        smooth_prefetch(ahead, count * (dc_i64)sizeof(T));

    if (stream && (uintptr_t)out % sizeof(T) == 0)
        for (; i < count && (uintptr_t)(out + i) % DC_VECTOR_BYTES != 0; i++)
            out[i] =
                FN(smooth_result)(kind, x[i], each ? a[i] : *a, each ? p[i] : *p, each ? q[i] : *q);
    else
        stream = 0;
    while (i + VEC_LANES <= count) {
        /* some registers before any is stored: see smooth_put_four */
        const int turn = i + 4 * VEC_LANES <= count ? 4 : 1;
        FN(vec) y[4];

        for (int v = 0; v < turn; v++) {
            const dc_i64 at = i + v * VEC_LANES;

            y[v] = FN(smooth_result_lanes)(
                kind, FN(vloadu)(x + at), each ? FN(vloadu)(a + at) : one_a,
                each ? FN(vloadu)(p + at) : one_p, each ? FN(vloadu)(q + at) : one_q);
        }
        for (int v = 0; v < turn; v++, i += VEC_LANES) {
            if (stream)
                FN(vstream)((T *)(void *)(out + i), y[v]);
            else
                FN(vstoreu)(out + i, y[v]);
        }
    }
    for (; i < count; i++)
        out[i] =
            FN(smooth_result)(kind, x[i], each ? a[i] : *a, each ? p[i] : *p, each ? q[i] : *q);
}

DC_INLINE void FN(smooth_write)(const FN(smooth_line) * line, int kind, T a, T p, T q)
{
    for (dc_i64 j = 0; j < line->args->n; j += SMOOTH_CHUNK) {
        const dc_i64 left = line->args->n - j, count = left < SMOOTH_CHUNK ? left : SMOOTH_CHUNK;
        const FN(loose) *const x = FN(smooth_values)(line, j, count);

        FN(smooth_results)
        (kind, 0, x, line->dst_run ? line->dst + j : line->out, count, &a, &p, &q,
         line->ahead ? line->ahead + j * (dc_i64)sizeof(T) : NULL, line->stream && line->dst_run);
        if (!line->dst_run)
            FN(smooth_scatter)(line, j, count);
    }
}

static void FN(smooth_group_mean)(const FN(smooth_line) * line)
{
    T first;
    const dc_i64 n = FN(smooth_count)(line, &first);
    const T sum = FN(smooth_sum)(line, DC_SMOOTH_PASS_VALUE, 0, 0);
    const T mean = sum / (T)n;

    FN(smooth_write)
    (line, DC_SMOOTH_MEAN, 0, SMOOTH_PICK(line->args->keep32, line->args->keep64),
     SMOOTH_PICK(line->args->blend32, line->args->blend64) * mean);
}

static void FN(smooth_group_standardize)(const FN(smooth_line) * line)
{
    T first, mean, squares;
    const dc_i64 n = FN(smooth_count)(line, &first);

    mean = FN(smooth_sum)(line, DC_SMOOTH_PASS_SHIFT, first, 0) / (T)n;
    squares = FN(smooth_sum)(line, DC_SMOOTH_PASS_SQUARE, first, mean);
    FN(smooth_write)
    (line, DC_SMOOTH_STANDARDIZE, first, mean, FN(smooth_scale)(squares, n, line->args->ddof));
}

static void FN(smooth_group_minmax)(const FN(smooth_line) * line)
{
    T low, high, range;

    if (FN(smooth_extremes)(line, &low, &high) && !line->args->omit_nan)
        low = FN(smooth_quiet)((T)NAN);
    low = low + 0; /* -0 becomes +0 */
    high = high + 0;
    range = high - low;
    FN(smooth_write)(line, DC_SMOOTH_MINMAX, 0, low, range == 0 ? 1 : range);
}

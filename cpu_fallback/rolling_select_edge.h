/* Selection at an end of the windows: the wanted ranks are among the SELECT_EDGE lowest, or
 * highest. Included by rolling_select_net.h twice per dtype, hence no guard.
 *
 * The tile is that of the whole network (kernels/shared/rolling_select.h): outputs share a core,
 * and each half of them adds a run of rows.  But a list holds no more than the SELECT_EDGE
 * outermost of its rows, and of a run no others can matter, so that adding one costs the same at
 * every level.
 *
 * The includer defines SELECT_END(name), SELECT_NEAR and SELECT_FAR (of two values, the one nearer
 * the end and the other one), SELECT_NONE (behind every value) and SELECT_NTH(depth, takes, i): how
 * far from the end the i-th lowest of `takes` neighbours is, the farthest of which is the depth-th.
 */

/* The outermost values, a first. */
typedef struct SELECT_END(few) {
    FN(vec) a, b, c, d;
} SELECT_END(few);

DC_INLINE SELECT_END(few) SELECT_END(load)(const FN(vec) * from)
{
    return (SELECT_END(few)){from[0], from[1], from[2], from[3]};
}

DC_INLINE void SELECT_END(store)(FN(vec) * to, SELECT_END(few) x)
{
    to[0] = x.a;
    to[1] = x.b;
    to[2] = x.c;
    to[3] = x.d;
}

/* x and one more value. */
DC_INLINE SELECT_END(few) SELECT_END(insert)(SELECT_END(few) x, FN(vec) y)
{
    return (SELECT_END(few)){SELECT_NEAR(x.a, y), SELECT_FAR(x.a, SELECT_NEAR(x.b, y)),
                             SELECT_FAR(x.b, SELECT_NEAR(x.c, y)),
                             SELECT_FAR(x.c, SELECT_NEAR(x.d, y))};
}

/* x and two more values: Batcher's odd-even merge without what lies behind. */
DC_INLINE SELECT_END(few) SELECT_END(insert2)(SELECT_END(few) x, FN(vec) y, FN(vec) z)
{
    const FN(vec) near = SELECT_NEAR(y, z), far = SELECT_OTHER(SELECT_FAR, y, z, near);
    const FN(vec) rest = SELECT_FAR(x.a, near);
    const FN(vec) even = SELECT_NEAR(rest, x.c), odd = SELECT_NEAR(x.b, far);
    const FN(vec) second = SELECT_NEAR(odd, even);
    return (SELECT_END(few)){
        SELECT_NEAR(x.a, near), second, SELECT_OTHER(SELECT_FAR, odd, even, second),
        SELECT_NEAR(SELECT_OTHER(SELECT_FAR, rest, x.c, even),
                    SELECT_NEAR(SELECT_OTHER(SELECT_FAR, x.b, far, odd), x.d))};
}

/* The outermost of both. */
DC_INLINE SELECT_END(few) SELECT_END(join)(SELECT_END(few) x, SELECT_END(few) y)
{
    const FN(vec) first = SELECT_NEAR(x.a, y.a), rest = SELECT_OTHER(SELECT_FAR, x.a, y.a, first);
    const FN(vec) third = SELECT_NEAR(x.c, y.c), even = SELECT_NEAR(rest, third);
    const FN(vec) odd = SELECT_NEAR(x.b, y.b), second = SELECT_NEAR(odd, even);
    return (SELECT_END(few)){
        first, second, SELECT_OTHER(SELECT_FAR, odd, even, second),
        SELECT_NEAR(SELECT_OTHER(SELECT_FAR, rest, third, even),
                    SELECT_NEAR(SELECT_OTHER(SELECT_FAR, x.b, y.b, odd), SELECT_NEAR(x.d, y.d)))};
}

/* Four rows, sorted. */
DC_INLINE SELECT_END(few) SELECT_END(sort)(const FN(vec) * rows)
{
    const FN(vec) a = SELECT_NEAR(rows[0], rows[1]),
                  b = SELECT_OTHER(SELECT_FAR, rows[0], rows[1], a);
    const FN(vec) c = SELECT_NEAR(rows[2], rows[3]),
                  d = SELECT_OTHER(SELECT_FAR, rows[2], rows[3], c);
    const FN(vec) first = SELECT_NEAR(a, c), e = SELECT_OTHER(SELECT_FAR, a, c, first);
    const FN(vec) f = SELECT_NEAR(b, d), second = SELECT_NEAR(e, f);
    return (SELECT_END(few)){first, second, SELECT_OTHER(SELECT_FAR, e, f, second),
                             SELECT_OTHER(SELECT_FAR, b, d, f)};
}

/* Eight outputs: `takes` values of each into out.  Arguments as in rolling_select_leaf.h. */
DC_INLINE void SELECT_END(eight)(const FN(vec) * list, const FN(vec) * older, const FN(vec) * newer,
                                 const FN(vec) * older4, const FN(vec) * newer4, FN(vec) * out,
                                 int takes, int depth)
{
    SELECT_END(few) half, pair, one;
#define SELECT_ONE_OUT(i, row)                                                                     \
    one = SELECT_END(insert)(pair, row);                                                           \
    {                                                                                              \
        const FN(vec) sorted[] = {one.a, one.b, one.c, one.d};                                     \
        for (int n = 0; n < takes; n++)                                                            \
            out[(i)*takes + n] = sorted[SELECT_NTH(depth, takes, n)];                              \
    }
#define SELECT_FOUR_OUT(i)                                                                         \
    pair = SELECT_END(insert2)(half, older[(i) + 2], older[(i) + 3]);                              \
    SELECT_ONE_OUT(i, older[(i) + 1])                                                              \
    SELECT_ONE_OUT((i) + 1, newer[i])                                                              \
    pair = SELECT_END(insert2)(half, newer[i], newer[(i) + 1]);                                    \
    SELECT_ONE_OUT((i) + 2, older[(i) + 3])                                                        \
    SELECT_ONE_OUT((i) + 3, newer[(i) + 2])
    half = SELECT_END(join)(SELECT_END(load)(list), SELECT_END(load)(older4 + 4));
    SELECT_FOUR_OUT(0)
    half = SELECT_END(join)(SELECT_END(load)(list), SELECT_END(load)(newer4));
    SELECT_FOUR_OUT(4)
#undef SELECT_FOUR_OUT
#undef SELECT_ONE_OUT
}

#define SELECT_END_LEAF(kind, takes, depth, careful, ...)                                          \
    SELECT_LEAF(SELECT_END(leaf_##kind##_##depth##_##careful),                                     \
                SELECT_END(leaf_##kind##_##depth##_1), 8, SELECT_END(eight_##takes##_##depth),     \
                kind, takes, careful, __VA_ARGS__)
#define SELECT_END_EIGHT(takes, depth)                                                             \
    DC_INLINE void SELECT_END(eight_##takes##_##depth)(                                            \
        const FN(vec) * list, const FN(vec) * older, const FN(vec) * newer,                        \
        const FN(vec) * older4, const FN(vec) * newer4, FN(vec) * out)                             \
    {                                                                                              \
        SELECT_END(eight)(list, older, newer, older4, newer4, out, takes, depth);                  \
    }
SELECT_END_EIGHT(1, 1)
SELECT_END_EIGHT(1, 2)
SELECT_END_EIGHT(1, 3)
SELECT_END_EIGHT(1, 4)
SELECT_END_EIGHT(2, 2)
SELECT_END_EIGHT(2, 3)
SELECT_END_EIGHT(2, 4)
SELECT_END_EIGHT(3, 3)
SELECT_END_EIGHT(4, 4)
SELECT_END_LEAF(one, 1, 1, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(one, 1, 2, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(one, 1, 3, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(one, 1, 4, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 2, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 2, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 3, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 3, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 4, 0, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(line, 2, 4, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(tail2, 2, 2, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(tail2, 2, 2, 0, SELECT_SHORT, SELECT_NOTHING)
SELECT_END_LEAF(tail3, 3, 3, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(tail3, 3, 3, 0, SELECT_SHORT, SELECT_NOTHING)
SELECT_END_LEAF(tail4, 4, 4, 1, SELECT_NOTHING, SELECT_NOTHING)
SELECT_END_LEAF(tail4, 4, 4, 0, SELECT_SHORT, SELECT_NOTHING)
#undef SELECT_END_EIGHT
#undef SELECT_END_LEAF

/* Runs of 4, 8, ... T / 2 rows at both ends of the tile. */
static void SELECT_END(runs)(FN(select_job) * job)
{
    const int t = 1 << job->levels;
    const FN(vec) *newer = job->row + job->window, *older = job->row - 1;
    for (int i = 0; i + 4 < t; i += 4) {
        SELECT_END(store)(job->newer[2] + i, SELECT_END(sort)(newer + i));
        SELECT_END(store)(job->older[2] + i + 4, SELECT_END(sort)(older + i + 4));
    }
    for (int level = 3; level < job->levels; level++) {
        const int h = 1 << (level - 1);
        for (int i = 0; i + 2 * h < t; i += 2 * h) {
            const FN(vec) *from = job->newer[level - 1] + i;
            FN(vec) *to = job->newer[level] + i;
            SELECT_END(store)
            (to, SELECT_END(join)(SELECT_END(load)(from), SELECT_END(load)(from + h)));
            from = job->older[level - 1] + i + 2 * h;
            to = job->older[level] + i + 2 * h;
            SELECT_END(store)
            (to, SELECT_END(join)(SELECT_END(load)(from), SELECT_END(load)(from + h)));
        }
    }
}

/* Descends from the list of `level`, whose first output is o. */
static void SELECT_END(node)(FN(select_job) * job, int level, int o)
{
    if (FN(select_idle)(job, o, 1 << level))
        return;
    if (level == 3) {
        FN(select_fetch)(job, o, 8);
        job->leaf(job, o);
        return;
    }
    const int h = 1 << (level - 1);
    const SELECT_END(few) list = SELECT_END(load)(job->list[level]);
    FN(vec) *child = job->list[level - 1];
    SELECT_END(store)
    (child, SELECT_END(join)(list, SELECT_END(load)(job->older[level - 1] + o + h)));
    SELECT_END(node)(job, level - 1, o);
    SELECT_END(store)(child, SELECT_END(join)(list, SELECT_END(load)(job->newer[level - 1] + o)));
    SELECT_END(node)(job, level - 1, o + h);
}

/* All T results of the tile that begins at job->row. */
static void SELECT_END(tile)(FN(select_job) * job)
{
    const dc_i64 t = (dc_i64)1 << job->levels;
    SELECT_END(few) core = {SELECT_NONE, SELECT_NONE, SELECT_NONE, SELECT_NONE};
    SELECT_END(runs)(job);
    for (dc_i64 i = t - 1; i < job->window; i++)
        core = SELECT_END(insert)(core, job->row[i]);
    SELECT_END(store)(job->list[job->levels], core);
    SELECT_END(node)(job, job->levels, 0);
}

/* Candidates of job->kind, the farthest of which is the depth-th. */
static void SELECT_END(aim)(FN(select_job) * job, dc_i64 depth)
{
    static void (*const one[])(FN(select_job) *,
                               int) = {SELECT_END(leaf_one_1_0), SELECT_END(leaf_one_2_0),
                                       SELECT_END(leaf_one_3_0), SELECT_END(leaf_one_4_0)};
    static void (*const line[][2])(FN(select_job) *,
                                   int) = {{SELECT_END(leaf_line_2_0), SELECT_END(leaf_line_2_1)},
                                           {SELECT_END(leaf_line_3_0), SELECT_END(leaf_line_3_1)},
                                           {SELECT_END(leaf_line_4_0), SELECT_END(leaf_line_4_1)}};
    static void (*const tail[])(FN(select_job) *, int) = {
        SELECT_END(leaf_tail2_2_0), SELECT_END(leaf_tail3_3_0), SELECT_END(leaf_tail4_4_0)};
    job->tile = SELECT_END(tile);
    job->leaf = job->kind == FN(SELECT_ONE)    ? one[depth - 1]
                : job->kind == FN(SELECT_TAIL) ? tail[depth - 2]
                                               : line[depth - 2][job->kind == FN(SELECT_WILD)];
}
#undef SELECT_END
#undef SELECT_NEAR
#undef SELECT_FAR
#undef SELECT_NONE
#undef SELECT_NTH

/* Transforms by groups of work-items.  OpenCL C alone, a template of T and SFX that is read once
 * for each place where a group keeps its numbers: SPACE (__local, __global), NEAR(name), PLACE(i):
 * where number i of a line lies, FENCE of a barrier.
 *
 * A group has `lines`, a transform each, of `lanes` work-items.  A line's memory: its numbers, then
 * `room` for sums.
 *
 * No barrier stands in a branch, only in loops that may have no rounds: compilers that make loops
 * of work-items double what follows such a branch.  They also double loops for every condition that
 * does not change within; limits that make conditions of the index stand in their place. */

/* Slot of sample i, in elements. */
static inline dc_u32 NEAR(slot)(const dc_spectral_args *args, dc_u32 i)
{
    return args->half ? 2 * PLACE(i >> 1) + (i & 1) : 2 * PLACE(i);
}

/* Sums of `tasks` columns each, `sums` of them one after the other, become the first of them.  The
 * columns of a leaf lie side by side, so that they are the lowest levels of the same tree. */
static inline void NEAR(tree)(SPACE T *room, dc_u32 tasks, dc_u32 sums, dc_u32 lane, dc_u32 lanes)
{
    for (dc_u32 step = 1; step < tasks; step *= 4) {
        const dc_u32 nodes = (tasks - 1) / (4 * step) + 1;

        barrier(FENCE);
        for (dc_u32 t = lane; t < nodes * sums; t += lanes) {
            const dc_u32 sum = t / nodes, at = (t - sum * nodes) * 4 * step;
            SPACE T *const it = room + sum * tasks + at;
            T x = it[0];

            if (at + step < tasks)
                x += it[step];
            if (at + 2 * step < tasks) {
                T y = it[2 * step];

                if (at + 3 * step < tasks)
                    y += it[3 * step];
                x += y;
            }
            it[0] = x;
        }
    }
    barrier(FENCE);
}

/* ---- a window into a line ------------------------------------------------------------------- */

/* `some` samples, all or none, less the first (trends) or as they are, zeros behind them; x is
 * sample 0 of the series.  Whether all are finite. */
static inline int NEAR(load)(const dc_spectral_args *args, __global const T *x, dc_i64 step,
                             dc_i64 first, dc_u32 some, SPACE T *line, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 length = (dc_u32)args->length;
    const dc_u32 inside = first >= 0 && first + args->length <= args->n ? some : 0;
    const T a = args->detrend == DC_DETREND_NONE || some == 0
                    ? 0
                    : FN(spectral_sample)(args, x, step, first);
    __global const T *p = x + (first + lane) * step;
    const dc_i64 next = step * (dc_i64)lanes;
    dc_u32 i = lane;
    int finite = 1;

    for (; i < inside; i += lanes, p += next) {
        const T v = *p;

        finite &= v - v == 0;
        line[NEAR(slot)(args, i)] = v - a;
    }
    for (; i < length; i += lanes) {
        const T v = i < some ? FN(spectral_sample)(args, x, step, first + i) : 0;

        finite &= v - v == 0;
        line[NEAR(slot)(args, i)] = v - a;
    }
    return finite;
}

/* m and s of the trend, in all work-items of the line; 0 without one. */
static inline void NEAR(trend)(const dc_spectral_args *args, __global const T *table,
                               const SPACE T *line, SPACE T *room, dc_u32 lane, dc_u32 lanes, T *m,
                               T *s)
{
    const dc_u32 length = (dc_u32)args->length;
    const dc_u32 tasks = args->detrend == DC_DETREND_NONE ? 0 : spectral_tasks(args->length);
    const int linear = args->detrend == DC_DETREND_LINEAR;
    __global const T *const number = table + args->at_number;
    const T centre = number[DC_SPECTRAL_CENTRE];

    for (dc_u32 t = lane; t < tasks; t += lanes) {
        const dc_u32 first = spectral_task(t), end = min(first + DC_SPECTRAL_LEAF, length);
        const dc_u32 again = linear ? end : 0; /* products */
        T sum = 0, product = 0;

        for (dc_u32 i = first; i < end; i += DC_SPECTRAL_COLUMNS)
            sum += line[NEAR(slot)(args, i)];
        for (dc_u32 i = first; i < again; i += DC_SPECTRAL_COLUMNS)
            product += line[NEAR(slot)(args, i)] * ((T)i - centre);
        room[linear ? tasks + t : t] = product; /* replaced where there is none */
        room[t] = sum;
    }
    NEAR(tree)(room, tasks, linear ? 2 : 1, lane, lanes);
    *m = *s = 0;
    if (tasks > 0)
        *m = DC_CAT(dc_div, SFX)(room[0], number[DC_SPECTRAL_LENGTH]);
    if (linear)
        *s = DC_CAT(dc_div, SFX)(room[tasks], number[DC_SPECTRAL_SQUARES]);
}

/* Samples to the numbers that are transformed. */
static inline void NEAR(weigh)(const dc_spectral_args *args, __global const T *table, SPACE T *line,
                               SPACE T *room, dc_u32 lane, dc_u32 lanes)
{
    SPACE PAIR *const z = (SPACE PAIR *)line;
    const dc_u32 length = (dc_u32)args->length, core = (dc_u32)args->core;
    __global const T *const w = table + args->at_window;
    const T centre = table[args->at_number + DC_SPECTRAL_CENTRE];
    const int linear = args->detrend == DC_DETREND_LINEAR;
    const dc_u32 both = args->half ? 1 : 0, second = args->half ? length : 0;
    const dc_u32 chirps = args->bluestein ? (dc_u32)args->points : 0;
    T m, s;

    barrier(FENCE);
    NEAR(trend)(args, table, line, room, lane, lanes, &m, &s);
    for (dc_u32 p = lane; p < core; p += lanes) {
        const dc_u32 i = p << both, next = i + 1 < second ? i + 1 : 0;
        const PAIR d = z[PLACE(p)];
        PAIR y = (PAIR)(0, 0);

        if (i < length)
            y.x = FN(spectral_weigh)(linear, d.x, (T)i - centre, m, s, w[i]);
        if (next > 0)
            y.y = FN(spectral_weigh)(linear, d.y, (T)next - centre, m, s, w[next]);
        if (p < chirps)
            y = FN(spectral_times)(y, vload2(p, table + args->at_chirp));
        z[PLACE(p)] = y;
    }
}

/* ---- the transform -------------------------------------------------------------------------- */

/* Butterflies 0 ... all - 1.  magic: 2^32 / q, rounded up, so that b / q is the whole part of b
 * magic / 2^32 where b q < 2^32.  Those beyond `early` of their block are twisted before, those
 * beyond `late` behind: 0, or all of them. */
#define GROUP_PASS(r)                                                                              \
    static inline void NEAR(pass##r)(SPACE PAIR * z, __global const T *twiddle, dc_u32 all,        \
                                     dc_u32 q, dc_u64 magic, dc_u32 early, dc_u32 late,            \
                                     dc_u32 lane, dc_u32 lanes)                                    \
    {                                                                                              \
        for (dc_u32 b = lane; b < all; b += lanes) {                                               \
            const dc_u32 block = (dc_u32)((b * magic) >> 32), j = b - block * q;                   \
            const dc_u32 first = block * q * (r) + j;                                              \
            __global const T *const t = twiddle + 2 * ((r)-1) * j;                                 \
            T re[r], im[r];                                                                        \
                                                                                                   \
            for (int k = 0; k < (r); k++) {                                                        \
                const PAIR y = z[PLACE(first + k * q)];                                            \
                                                                                                   \
                re[k] = y.x;                                                                       \
                im[k] = y.y;                                                                       \
            }                                                                                      \
            if (j > early)                                                                         \
                for (int k = 1; k < (r); k++)                                                      \
                    FN(spectral_twist)(&re[k], &im[k], t[2 * k - 2], t[2 * k - 1]);                \
            FN(spectral_radix##r)(re, im);                                                         \
            if (j > late)                                                                          \
                for (int k = 1; k < (r); k++)                                                      \
                    FN(spectral_twist)(&re[k], &im[k], t[2 * k - 2], t[2 * k - 1]);                \
            for (int k = 0; k < (r); k++)                                                          \
                z[PLACE(first + k * q)] = (PAIR)(re[k], im[k]);                                    \
        }                                                                                          \
    }

GROUP_PASS(2)
GROUP_PASS(3)
GROUP_PASS(4)
GROUP_PASS(5)
GROUP_PASS(7)
GROUP_PASS(8)
#undef GROUP_PASS

/* Natural order to places, or the same passes from the last to the first.  A barrier before and
 * after each. */
static inline void NEAR(passes)(const dc_spectral_args *args, __global const T *table,
                                SPACE T *line, int back, dc_u32 lane, dc_u32 lanes)
{
    SPACE PAIR *const z = (SPACE PAIR *)line;
    const dc_u32 core = (dc_u32)args->core;
    dc_u32 q = back ? 1 : core;

    barrier(FENCE);
    for (int i = 0; i < args->passes; i++) {
        const int r = args->radix[back ? args->passes - 1 - i : i];
        dc_u32 span = back ? q * r : q;

        q = span / r;
        const dc_u64 magic = (dc_u64)(0xffffffffu / q) + 1;
        const dc_u32 early = back ? 0 : core, late = back ? core : 0;
        const dc_u32 all = core / r;
        __global const T *const twiddle = table + args->at_twiddle + 2 * (core - span);

        switch (r) {
        case 2:
            NEAR(pass2)(z, twiddle, all, q, magic, early, late, lane, lanes);
            break;
        case 3:
            NEAR(pass3)(z, twiddle, all, q, magic, early, late, lane, lanes);
            break;
        case 4:
            NEAR(pass4)(z, twiddle, all, q, magic, early, late, lane, lanes);
            break;
        case 5:
            NEAR(pass5)(z, twiddle, all, q, magic, early, late, lane, lanes);
            break;
        case 7:
            NEAR(pass7)(z, twiddle, all, q, magic, early, late, lane, lanes);
            break;
        default:
            NEAR(pass8)(z, twiddle, all, q, magic, early, late, lane, lanes);
        }
        barrier(FENCE);
        if (back)
            q = span;
    }
}

/* Weighed numbers to element k at places[k]. */
static inline void NEAR(transform)(const dc_spectral_args *args, __global const T *table,
                                   SPACE T *line, dc_u32 lane, dc_u32 lanes)
{
    SPACE PAIR *const z = (SPACE PAIR *)line;
    const dc_u32 core = (dc_u32)args->core, points = (dc_u32)args->points;
    const int rounds = args->bluestein ? 2 : 1; /* one place in the code for all passes */

    for (int round = 0; round < rounds; round++) {
        const dc_u32 some = rounds == 1 ? 0 : round == 0 ? core : points;
        __global const T *const factor = table + (round == 0 ? args->at_kernel : args->at_chirp);

        NEAR(passes)(args, table, line, round, lane, lanes);
        for (dc_u32 p = lane; p < some; p += lanes) {
            const PAIR y = z[PLACE(p)], by = vload2(p, factor);

            z[PLACE(p)] = round == 0 ? FN(spectral_times)(y, by).yx : FN(spectral_times)(y.yx, by);
        }
        barrier(FENCE);
    }
}

/* Bins of a task: bin k in x and, even nfft, bin points - k in y; whether there are two. */
static inline int NEAR(bins)(const dc_spectral_args *args, __global const T *table,
                             __global const dc_i32 *place, const SPACE T *line, dc_u32 k, PAIR *x,
                             PAIR *y)
{
    const SPACE PAIR *const z = (const SPACE PAIR *)line;
    const dc_u32 points = (dc_u32)args->points, mate = args->half && k > 0 ? points - k : k;
    const PAIR a = z[PLACE((dc_u32)place[k])], b = z[PLACE((dc_u32)place[mate])];
    const PAIR turn = vload2(args->half ? k : 0, table + (args->half ? args->at_post : 0));
    T are = a.x, aim = a.y, bre = b.x, bim = b.y;

    FN(spectral_unpack)(&are, &aim, &bre, &bim, turn.x, turn.y);
    are = k == 0 ? a.x + a.y : are;
    aim = k == 0 ? 0 : aim;
    bre = k == 0 ? a.x - a.y : bre;
    bim = k == 0 ? 0 : bim;
    *x = (PAIR)(args->half ? are : a.x, args->half ? aim : a.y);
    *y = (PAIR)(bre, bim);
    return (2 * k ^ points) * (dc_u32)args->half != 0;
}

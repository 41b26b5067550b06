/* Rolling var and std.  Included by cpu_fallback/rolling.c once per dtype, hence no guard. */

#ifndef DC_ROLLING_MOMENTS_H
#define DC_ROLLING_MOMENTS_H
/* Scratch behind v->spare, in registers per panel row. */
enum { MOMENTS_M, MOMENTS_S, MOMENTS_ACC_M, MOMENTS_ACC_S, MOMENTS_COUNT, MOMENTS_SCRATCH };
#endif

/* A span of outputs: the windows that end at rows lead ... n - 1 of a part of a panel. */
typedef struct FN(span) {
    T *rows;                         /* n registers; becomes the newest valid value per row */
    FN(vec) * m, *s, *acc_m, *acc_s; /* n registers each                                  */
    FN(cvec) * before;               /* n + 1                                               */
    dc_i64 n, lead, window;
    dc_i64 careful; /* of the arguments                    */
    /* of the pass */
    dc_i64 unit, back; /* rows of a unit, rows that the lower digits of the window cover */
} FN(span);

/* Counts, and the newest valid value in place of missing ones. */
static void FN(moments_fill)(FN(span) * t)
{
    FN(cvec) count = FN(czero)();
    FN(vec) newest = FN(vzero)();
    for (dc_i64 r = 0; r < t->n; r++) {
        const FN(vec) x = FN(vload)(t->rows + r * VEC_LANES);
        const FN(mask) gone = FN(visnan)(x);
        t->before[r] = count;
        count = FN(cinc)(count, FN(mnot)(gone));
        newest = FN(vsel)(gone, newest, x);
        FN(vstore)(t->rows + r * VEC_LANES, newest);
    }
    t->before[t->n] = count;
}

/* Two single rows, either of which may be missing. */
DC_INLINE FN(moments) FN(moments_two)(FN(moments) older, FN(moments) newer, dc_i64 careful)
{
    const FN(vec) zero = FN(vzero)(), half = FN(vset)((T)0.5);
    const FN(gap) gap = careful <= 2 ? FN(gap_near_rows)(older.a, newer.a)
                                     : FN(gap_plain)(older.a, zero, newer.a, zero);
    const FN(cvec) n = older.n + newer.n;
    const FN(mask) few = FN(clt)(n, 2);
    return (FN(moments)){newer.a, FN(vsel)(few, zero, zero - gap.d * half),
                         FN(vsel)(few, zero, gap.q * half), n};
}

/* The residue class of row i: aggregates of a unit become those of 4; the base-4 digit of the
 * window goes onto acc. */
DC_INLINE void FN(moments_walk)(const FN(span) * t, int leaves, int digit, dc_i64 i)
{
    const FN(moments) none = FN(moments_none)();
    const dc_i64 unit = t->unit, back = t->back, careful = t->careful;
    FN(moments) one1 = none, two1 = none, two2 = none; /* one, two rows of the walk ago   */
    FN(cvec) p1 = none.n;                              /* valid values up to the last row */
    for (; i < t->n; i += unit) {
        const FN(cvec) p = t->before[i + 1];
        FN(moments) one = {FN(vload)(t->rows + i * VEC_LANES), none.m, none.s, p - p1}, acc;
        if (!leaves) {
            one.m = t->m[i];
            one.s = t->s[i];
        }
        const FN(moments) two = leaves ? FN(moments_two)(one1, one, careful)
                                       : FN(moments_merge)(one1, one, 2 * unit, careful);
        const FN(moments) four = FN(moments_merge)(two2, two, 4 * unit, careful);
        const dc_i64 e = i + back;
        if (digit != 4) {
            t->m[i] = four.m;
            t->s[i] = four.s;
        }
        if (digit && e >= t->lead && e < t->n) {
            int empty = back == 0;
            if (!empty)
                acc = (FN(moments)){FN(vload)(t->rows + e * VEC_LANES), t->acc_m[e], t->acc_s[e],
                                    t->before[e + 1] - t->before[pack_max(e + 1 - back, 0)]};
            if (digit & 1) {
                acc = empty ? one : FN(moments_merge)(one, acc, unit + back, careful);
                empty = 0;
            }
            if (digit & 2) {
                const FN(moments) block = digit & 1 ? two1 : two;
                acc = empty ? block : FN(moments_merge)(block, acc, 3 * unit + back, careful);
            }
            if (digit & 4)
                acc = empty ? four : FN(moments_merge)(four, acc, 4 * unit + back, careful);
            t->acc_m[e] = acc.m;
            t->acc_s[e] = acc.s;
        }
        one1 = one;
        two2 = two1;
        two1 = two;
        p1 = p;
    }
}

#define MOMENTS_PASS(leaves, digit)                                                                \
    static void FN(moments_##leaves##_##digit)(const FN(span) * t)                                 \
    {                                                                                              \
        for (dc_i64 i = 0; i < pack_min(t->unit, t->n); i++)                                       \
            FN(moments_walk)(t, leaves, digit, i);                                                 \
    }
MOMENTS_PASS(0, 0)
MOMENTS_PASS(0, 1)
MOMENTS_PASS(0, 2)
MOMENTS_PASS(0, 3)
MOMENTS_PASS(0, 4)
MOMENTS_PASS(1, 0)
MOMENTS_PASS(1, 1)
MOMENTS_PASS(1, 2)
MOMENTS_PASS(1, 3)
MOMENTS_PASS(1, 4)
#undef MOMENTS_PASS

/* Squared deviations per window, with missing values: two levels per pass, into acc_s. */
static void FN(moments_general)(FN(span) * t)
{
    static void (*const pass[2][5])(const FN(span) *) = {
        {FN(moments_0_0), FN(moments_0_1), FN(moments_0_2), FN(moments_0_3), FN(moments_0_4)},
        {FN(moments_1_0), FN(moments_1_1), FN(moments_1_2), FN(moments_1_3), FN(moments_1_4)}};
    dc_i64 digits = t->window;
    FN(moments_fill)(t);
    t->back = 0;
    for (t->unit = 1;; t->unit *= 4) {
        const int digit = digits <= 4 ? (int)digits : (int)(digits % 4);
        pass[t->unit == 1][digit](t);
        if (digits <= 4)
            return;
        t->back += digit * t->unit;
        digits /= 4;
    }
}

/* Scratch plane `which` of a panel. */
static FN(vec) * FN(moments_plane)(const FN(pack) * v, int which)
{
    return (FN(vec) *)v->spare + which * v->rows;
}

/* Outputs from ... to - 1 of the panel, whatever is missing. */
static void FN(moments_some)(const FN(pack) * v, int kind, T *in, FN(loose) * out, dc_i64 from,
                             dc_i64 to)
{
    if (from >= to)
        return;
    const dc_i64 low = pack_max(v->lead + from * v->step - v->window + 1, 0);
    FN(span) t = {.rows = in + low * VEC_LANES, .window = v->window, .careful = v->args->careful};
    t.lead = v->lead + from * v->step - low;
    t.n = v->lead + (to - 1) * v->step - low + 1;
    t.m = FN(moments_plane)(v, MOMENTS_M);
    t.s = FN(moments_plane)(v, MOMENTS_S);
    t.acc_m = FN(moments_plane)(v, MOMENTS_ACC_M);
    t.acc_s = FN(moments_plane)(v, MOMENTS_ACC_S);
    t.before = (FN(cvec) *)FN(moments_plane)(v, MOMENTS_COUNT);
    FN(moments_general)(&t);
    for (dc_i64 j = from, e = t.lead; j < to; j++, e += v->step) {
        const FN(cvec) n = t.before[e + 1] - t.before[pack_max(e + 1 - v->window, 0)];
        FN(vstoreu)(out + j * v->out_pitch, FN(values_result)(v->args, kind, t.acc_s[e], n));
    }
}

/* Outputs from ... to - 1, whose windows are full. */
static void FN(moments_full)(const FN(pack) * v, int kind, const T *in, FN(loose) * out,
                             dc_i64 from, dc_i64 to)
{
    if (from >= to)
        return;
    const dc_i64 low = v->lead + from * v->step - v->window + 1;
    if (v->window <= v->args->ddof || v->window < v->args->min_periods) {
        for (dc_i64 j = from; j < to; j++)
            FN(vstoreu)(out + j * v->out_pitch, FN(vquiet)());
        return;
    }
    FN(climb)
    t = {.rows = in + low * VEC_LANES,
         .lead = v->window - 1,
         .window = v->window,
         .careful = v->args->careful,
         .next = v->next,
         .next_pitch = v->next_pitch};
    T *all = (T *)FN(moments_plane)(v, MOMENTS_COUNT);
    t.n = v->window + (to - 1 - from) * v->step;
    t.m = (T *)FN(moments_plane)(v, MOMENTS_M);
    t.s = (T *)FN(moments_plane)(v, MOMENTS_S);
    t.acc_m = (T *)FN(moments_plane)(v, MOMENTS_ACC_M);
    t.acc_s = (T *)FN(moments_plane)(v, MOMENTS_ACC_S);
    t.over = (T)(v->window - v->args->ddof);
    t.root = kind == DC_ROLLING_STD;
    t.out = v->step == 1 ? out + from * v->out_pitch : all;
    t.out_pitch = v->step == 1 ? v->out_pitch : VEC_LANES;
    FN(climb_run)(&t);
    for (dc_i64 j = from; v->step != 1 && j < to; j++)
        FN(vstoreu)(out + j * v->out_pitch, FN(vload)(all + (j - from) * v->step * VEC_LANES));
}

/* How many outputs at the start have windows of fewer rows than min_periods: NaN. */
static dc_i64 FN(moments_early)(const FN(pack) * v, FN(loose) * out)
{
    const dc_i64 rows = v->args->min_periods - 1 - v->lead;
    const dc_i64 early = rows <= 0 ? 0 : pack_min(pack_div_up(rows, v->step), v->outs);
    for (dc_i64 j = 0; j < early; j++)
        FN(vstoreu)(out + j * v->out_pitch, FN(vquiet)());
    return early;
}

static void FN(moments_panel)(const FN(pack) * v, int kind, T *in, FN(loose) * out)
{
    /* Rows outside the series are NaN and make NaN of their windows, as it should be. */
    if (!v->holes && v->lead >= v->window - 1 && v->args->min_periods >= v->window) {
        FN(moments_full)(v, kind, in, out, 0, v->outs);
        return;
    }
    /* Outputs whose windows surely miss nothing: the oldest row is at or after clean_from, the
     * newest before clean_to. */
    const dc_i64 oldest = v->clean_from + v->window - 1 - v->lead, newest = v->clean_to - v->lead;
    const dc_i64 from = oldest <= 0 ? 0 : pack_min(pack_div_up(oldest, v->step), v->outs);
    const dc_i64 to = newest <= 0 ? 0 : pack_min(pack_div_up(newest, v->step), v->outs);
    const dc_i64 early = FN(moments_early)(v, out);
    if (from >= to) {
        FN(moments_some)(v, kind, in, out, early, v->outs);
        return;
    }
    FN(moments_some)(v, kind, in, out, early, from);
    FN(moments_some)(v, kind, in, out, to, v->outs);
    FN(moments_full)(v, kind, in, out, from, to);
}

static void FN(moments_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_rolling_args *a = args;
    pack_wish wish = {0};
    wish.block = pack_max(8 * pack_min(a->window, a->rows), 1024) / a->step + 1;
    wish.scratch_rows = MOMENTS_SCRATCH;
    wish.scratch_fixed = 2 * DC_VECTOR_BYTES + FN(expand_scratch)();
    wish.row_ns = 6;
    wish.streaming = 1;
    if (a->expanding)
        wish.block = 256;
    FN(pack_plan)(a, machine, &wish, tiling);
}

static void FN(moments_run)(void *const *operand, const dc_rolling_args *a, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch, int kind)
{
    FN(pack) v;
    FN(pack_open)(&v, operand, a, tiling, tile, scratch);
    for (dc_i64 p = 0; p < v.panels; p++) {
        int missing;
        if (a->expanding) {
            FN(expand_panel)(&v, p, kind);
            continue;
        }
        T *in = FN(pack_in)(&v, p, &missing);
        FN(loose) *out = FN(pack_out)(&v, p);
        FN(moments_panel)(&v, kind, in, out);
        FN(pack_put)(&v, p);
    }
    FN(pack_close)(&v);
}

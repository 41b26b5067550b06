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
        t->m[r] = t->s[r] = FN(vzero)();
    }
    t->before[t->n] = count;
}

/* The block of `size` rows that ends at row r (below 0: empty). */
DC_INLINE FN(moments) FN(moments_block)(const FN(span) * t, dc_i64 r, dc_i64 size)
{
    if (r < 0)
        return FN(moments_none)();
    return (FN(moments)){FN(vload)(t->rows + r * VEC_LANES), t->m[r], t->s[r],
                         t->before[r + 1] - t->before[pack_max(r + 1 - size, 0)]};
}

/* Squared deviations per window, with missing values: level by level, into acc_s. */
static void FN(moments_general)(FN(span) * t)
{
    dc_i64 back = 0;
    FN(moments_fill)(t);
    for (dc_i64 size = 1;; size *= 2) {
        if (t->window & size) {
            for (dc_i64 e = t->lead; e < t->n; e++) {
                FN(moments) acc = FN(moments_block)(t, e - back, size);
                if (back) {
                    const FN(moments)
                        newer = {FN(vload)(t->rows + e * VEC_LANES), t->acc_m[e], t->acc_s[e],
                                 t->before[e + 1] - t->before[pack_max(e + 1 - back, 0)]};
                    acc = FN(moments_merge)(acc, newer);
                }
                t->acc_m[e] = acc.m;
                t->acc_s[e] = acc.s;
            }
            back += size;
        }
        if (back == t->window)
            return;
        for (dc_i64 r = t->n - 1; r >= size; r--) {
            const FN(moments) out = FN(moments_merge)(FN(moments_block)(t, r - size, size),
                                                      FN(moments_block)(t, r, size));
            t->m[r] = out.m;
            t->s[r] = out.s;
        }
    }
}

static void FN(moments_panel)(const FN(pack) * v, int kind, T *in, FN(loose) * out, int missing)
{
    const dc_i64 n = v->rows;
    FN(vec) *spare = (FN(vec) *)v->spare;
    FN(span) t = {.rows = in, .n = n, .lead = v->lead, .window = v->window};
    (void)missing;
    t.m = spare + MOMENTS_M * n;
    t.s = spare + MOMENTS_S * n;
    t.acc_m = spare + MOMENTS_ACC_M * n;
    t.acc_s = spare + MOMENTS_ACC_S * n;
    t.before = (FN(cvec) *)(spare + MOMENTS_COUNT * n);
    FN(moments_general)(&t);
    for (dc_i64 j = 0; j < v->outs; j++) {
        const dc_i64 e = v->lead + j * v->step;
        const FN(vec) x =
            FN(values_result)(v->args, kind, t.acc_s[e], FN(values_in)(v, t.before, e));
        FN(vstoreu)(out + j * v->out_pitch, x);
    }
}

static void FN(moments_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_rolling_args *a = args;
    pack_wish wish = {0};
    wish.block = pack_max(4 * pack_min(a->window, a->rows), 1024) / a->step + 1;
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
        FN(moments_panel)(&v, kind, in, out, missing);
        FN(pack_put)(&v, p);
    }
    FN(pack_close)(&v);
}

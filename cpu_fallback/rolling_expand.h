/* Expanding windows.  Included by cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * The tree of t + 1 rows is that of a binary counter: one complete block per set bit of t + 1, and
 * a row that arrives merges as many blocks as the counter carries.  The blocks of a panel lane are
 * kept from one block of outputs to the next, so the outputs of a panel are done in order. */

typedef struct FN(expand) {
    FN(moments) level[64]; /* the complete block of 2^k rows where bit k of `rows` is set */
    dc_i64 rows;
    FN(vec) extreme;
    FN(cvec) count;
    FN(vec) newest; /* valid value */
} FN(expand);

static dc_i64 FN(expand_scratch)(void)
{
    return (dc_i64)sizeof(FN(expand)) + 64;
}

/* The next row of a sum or of moments. */
static void FN(expand_add)(FN(expand) * s, int moments, FN(moments) block)
{
    int k = 0;
    for (; s->rows >> k & 1; k++)
        if (moments)
            block = FN(moments_merge)(s->level[k], block, 1, 0);
        else
            block.m = s->level[k].m + block.m;
    s->level[k] = block;
    s->rows++;
}

static FN(vec) FN(expand_all)(const FN(expand) * s, int moments)
{
    FN(moments) acc = FN(moments_none)();
    dc_i64 newer = 0; /* rows in acc */
    for (dc_u64 bits = (dc_u64)s->rows; bits; bits &= bits - 1) {
        const int k = __builtin_ctzll(bits);
        if (!moments)
            acc.m = s->level[k].m + acc.m;
        else
            acc = newer ? FN(moments_merge)(s->level[k], acc, 1, 0) : s->level[k];
        newer += (dc_i64)1 << k;
    }
    return moments ? acc.s : acc.m;
}

static void FN(expand_row)(FN(expand) * s, int kind, FN(vec) x)
{
    const FN(mask) gone = FN(visnan)(x), valid = FN(mnot)(gone);
    FN(moments) block = FN(moments_none)();
    s->count = FN(cinc)(s->count, valid);
    switch (kind) {
    case DC_ROLLING_MIN:
        s->extreme = FN(vmin)(s->extreme, FN(vsel)(gone, FN(vinf)(), x));
        break;
    case DC_ROLLING_MAX:
        s->extreme = FN(vmax)(s->extreme, FN(vsel)(gone, -FN(vinf)(), x));
        break;
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        block.n = FN(cinc)(FN(czero)(), valid);
        s->newest = block.a = FN(vsel)(gone, s->newest, x);
        FN(expand_add)(s, 1, block);
        break;
    case DC_ROLLING_COUNT:
        break;
    default:
        block.m = FN(vsel)(gone, FN(vzero)(), x);
        FN(expand_add)(s, 0, block);
        break;
    }
}

static FN(vec) FN(expand_value)(const FN(expand) * s, const dc_rolling_args *a, int kind)
{
    const int moments = kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD;
    FN(vec) x = FN(vzero)();
    if (kind == DC_ROLLING_MIN || kind == DC_ROLLING_MAX)
        x = s->extreme + FN(vzero)();
    else if (kind != DC_ROLLING_COUNT)
        x = FN(expand_all)(s, moments);
    return FN(values_result)(a, kind, x, s->count);
}

/* All outputs of panel p. */
static void FN(expand_panel)(FN(pack) * v, dc_i64 p, int kind)
{
    FN(expand) *s = (FN(expand) *)v->spare;
    s->rows = 0;
    s->count = FN(czero)();
    s->newest = FN(vzero)();
    s->extreme = kind == DC_ROLLING_MIN ? FN(vinf)() : -FN(vinf)();
    for (dc_i64 b = 0; b < FN(pack_blocks)(v); b++) {
        int missing;
        dc_i64 row = 0;
        FN(pack_seek)(v, b);
        const T *in = FN(pack_in)(v, p, &missing);
        FN(loose) *out = FN(pack_out)(v, p);
        for (dc_i64 j = 0; j < v->outs; j++) {
            for (; row <= v->lead + j * v->step; row++)
                FN(expand_row)(s, kind, FN(vload)(in + row * VEC_LANES));
            FN(vstoreu)(out + j * v->out_pitch, FN(expand_value)(s, v->args, kind));
        }
        FN(pack_put)(v, p);
    }
}

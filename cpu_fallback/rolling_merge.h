/* Moments of a block of rows and their merge.  Included by cpu_fallback/rolling.c once per dtype,
 * hence no guard. */

/* n valid values, a: the newest of them, m: their mean less a, s: their squared deviations from the
 * mean.  n = 0: m = s = 0, a is finite but means nothing. */
typedef struct FN(moments) {
    FN(vec) a, m, s;
    FN(cvec) n;
} FN(moments);

DC_INLINE FN(moments) FN(moments_none)(void)
{
    return (FN(moments)){FN(vzero)(), FN(vzero)(), FN(vzero)(), FN(czero)()};
}

/* Any counts.  `fill` is the newest valid value also where a block is empty, as far as one is
 * known, so that the anchor of the whole is always the newer block's. */
DC_INLINE FN(moments) FN(moments_merge)(FN(moments) older, FN(moments) newer)
{
    const FN(vec) n1 = FN(ctov)(older.n), n2 = FN(ctov)(newer.n);
    const FN(cvec) n = older.n + newer.n;
    const FN(vec) w = n1 / FN(ctov)(n), f = n2 * w;
    const FN(vec) d = (newer.a - older.a) + (newer.m - older.m);
    const FN(mask) no1 = FN(clt)(older.n, 1), no2 = FN(clt)(newer.n, 1);
    FN(moments) out;
    out.n = n;
    out.a = newer.a;
    out.m = newer.m - d * w;
    out.s = (older.s + newer.s) + (d * d) * f;
    out.m = FN(vsel)(no1, newer.m, FN(vsel)(no2, older.m, out.m));
    out.s = FN(vsel)(no1, newer.s, FN(vsel)(no2, older.s, out.s));
    return out;
}

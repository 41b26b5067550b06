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
    /* Both hold values, so that w and f are positive: else w or f is 0 or NaN.  An empty block has
     * m = s = 0, so that the sums are the other block's. */
    const FN(mask) both = FN(vlt)(FN(vzero)(), f);
    FN(moments) out;
    out.n = n;
    out.a = newer.a;
    out.m = FN(vsel)(both, newer.m - d * w, older.m + newer.m);
    out.s = (older.s + newer.s) + FN(vsel)(both, (d * d) * f, FN(vzero)());
    return out;
}

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

/* Of two blocks: the difference d that moves the mean, and its square q. */
typedef struct FN(gap) {
    FN(vec) d, q;
} FN(gap);

DC_INLINE FN(gap) FN(gap_plain)(FN(vec) a1, FN(vec) m1, FN(vec) a2, FN(vec) m2)
{
    const FN(vec) d = (a2 - a1) + (m2 - m1);
    return (FN(gap)){d, d * d};
}

/* With care for d; and that between single rows. */
DC_INLINE FN(gap) FN(gap_near)(FN(vec) a1, FN(vec) m1, FN(vec) a2, FN(vec) m2)
{
    const FN(vec) u = a2 - a1, v = m2 - m1, d = u + v;
    const FN(vec) e = FN(vsum)(FN(vless)(FN(vless)(a2, u), a1), v - (d - u));
    return (FN(gap)){d + e, d * d + d * (e * 2)};
}

DC_INLINE FN(gap) FN(gap_near_rows)(FN(vec) a1, FN(vec) a2)
{
    const FN(vec) d = a2 - a1, e = (a2 - d) - a1;
    return (FN(gap)){d + e, d * d + d * (e + e)};
}

/* What z = (s1 + s2) + p lost to rounding, nearly. */
DC_INLINE FN(vec) FN(merge_lost)(FN(vec) s1, FN(vec) s2, FN(vec) p, FN(vec) z)
{
    const FN(vec) lost = (s2 - FN(vless)(z, s1)) + p;
    return FN(vsel)(FN(vlt)(z, FN(vinf)()), lost, FN(vzero)());
}

/* s1 + s2 + p of a merge with care (DC_CARE_*), or without. */
DC_INLINE FN(vec) FN(merge_sum)(FN(vec) s1, FN(vec) s2, FN(vec) p, int care)
{
    const FN(vec) z = FN(vsum)(s1, s2) + p;
    return care & DC_CARE_SUM ? FN(vsum)(z, FN(merge_lost)(s1, s2, p, z)) : z;
}

/* Any counts, in blocks of `rows` rows together.  The older's `a` is the newest valid value also
 * where a block is empty, as far as one is known, so that the anchor of the whole is always the
 * newer block's. */
DC_INLINE FN(moments)
    FN(moments_merge)(FN(moments) older, FN(moments) newer, dc_i64 rows, dc_i64 careful)
{
    const FN(vec) n1 = FN(ctov)(older.n), n2 = FN(ctov)(newer.n), zero = FN(vzero)();
    const FN(cvec) n = older.n + newer.n;
    const FN(vec) w = n1 / FN(ctov)(n);
    FN(vec) f = n2 * w;
    FN(gap) gap = FN(gap_plain)(older.a, older.m, newer.a, newer.m);
    if (rows >= careful && careful <= DC_CARE_GAP_COUNT) {
        const FN(gap) near = FN(gap_near)(older.a, older.m, newer.a, newer.m);
        const FN(mask) far =
            FN(mor)(FN(clt)(n, careful), FN(mnot)(FN(clt)(n, DC_CARE_GAP_COUNT + 1)));
        f = FN(vsel)(far, f, (n1 * n2) / FN(ctov)(n));
        gap.d = FN(vsel)(far, gap.d, near.d);
        gap.q = FN(vsel)(far, gap.q, near.q);
    }
    /* Both hold values, so that w and f are positive: else w or f is 0 or NaN.  An empty block has
     * m = s = 0, so that the sums are the other block's. */
    const FN(mask) both = FN(vlt)(zero, f);
    const FN(vec) p = FN(vsel)(both, gap.q * f, zero);
    FN(moments) out;
    out.n = n;
    out.a = newer.a;
    out.m = FN(vsel)(both, newer.m - gap.d * w, older.m + newer.m);
    out.s = (older.s + newer.s) + p;
    if (rows >= careful) {
        const FN(vec) lost = FN(merge_lost)(older.s, newer.s, p, out.s);
        out.s = out.s + FN(vsel)(FN(clt)(n, careful), zero, lost);
    }
    return out;
}

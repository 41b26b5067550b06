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

/* d and the square of kernels/shared/rolling.h between two blocks; the first two forms are for
 * blocks of which one is a single row, or both are. */
typedef struct FN(gap) {
    FN(vec) d, q;
} FN(gap);

/* a + b - s, exactly, where s is that sum rounded. */
DC_INLINE FN(vec) FN(gap_lost)(FN(vec) a, FN(vec) b, FN(vec) s)
{
    const FN(vec) bb = s - a;
    return (a - (s - bb)) + (b - bb);
}

DC_INLINE FN(gap) FN(gap_rows)(FN(vec) a1, FN(vec) a2)
{
    const FN(vec) d = a2 - a1, e = FN(gap_lost)(a2, -a1, d);
    return (FN(gap)){d, d * d + d * (e + e)};
}

DC_INLINE FN(gap) FN(gap_row)(FN(vec) a1, FN(vec) m1, FN(vec) a2, FN(vec) m2)
{
    const FN(vec) u = a2 - a1, v = m2 - m1, d = u + v;
    const FN(vec) e = FN(gap_lost)(a2, -a1, u) + FN(gap_lost)(u, v, d);
    return (FN(gap)){d, d * d + d * (e + e)};
}

DC_INLINE FN(gap) FN(gap_blocks)(FN(vec) a1, FN(vec) m1, FN(vec) a2, FN(vec) m2)
{
    const FN(vec) d = (a2 - a1) + (m2 - m1);
    return (FN(gap)){d, d * d};
}

/* Any counts; `row`: a block is a single row, whether it holds a value or not.  `fill` is the
 * newest valid value also where a block is empty, as far as one is known, so that the anchor of the
 * whole is always the newer block's. */
DC_INLINE FN(moments) FN(moments_merge)(FN(moments) older, FN(moments) newer, int row)
{
    const FN(vec) n1 = FN(ctov)(older.n), n2 = FN(ctov)(newer.n);
    const FN(cvec) n = older.n + newer.n;
    const FN(vec) w = n1 / FN(ctov)(n), f = n2 * w;
    const FN(gap) gap = row ? FN(gap_row)(older.a, older.m, newer.a, newer.m)
                            : FN(gap_blocks)(older.a, older.m, newer.a, newer.m);
    /* Both hold values, so that w and f are positive: else w or f is 0 or NaN.  An empty block has
     * m = s = 0, so that the sums are the other block's. */
    const FN(mask) both = FN(vlt)(FN(vzero)(), f);
    FN(moments) out;
    out.n = n;
    out.a = newer.a;
    out.m = FN(vsel)(both, newer.m - gap.d * w, older.m + newer.m);
    out.s = (older.s + newer.s) + FN(vsel)(both, gap.q * f, FN(vzero)());
    return out;
}

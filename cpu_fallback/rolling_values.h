/* What sums, moments and extremes share: counts of valid values, results that depend on them.
 * Included by cpu_fallback/rolling.c once per dtype, hence no guard. */

/* A register of an array: its first lanes, where registers can be read and written in part. */
DC_INLINE FN(vec) FN(values_load)(const FN(loose) * p, int lanes)
{
#ifdef DC_VECTOR_AVX512
    if (lanes < VEC_LANES)
        return FN(vload_n)(p, lanes);
#else
    (void)lanes;
#endif
    return FN(vloadu)(p);
}

DC_INLINE void FN(values_store)(FN(loose) * p, FN(vec) x, int lanes)
{
#ifdef DC_VECTOR_AVX512
    if (lanes < VEC_LANES) {
        FN(vstore_n)(p, x, lanes);
        return;
    }
#else
    (void)lanes;
#endif
    FN(vstoreu)(p, x);
}

/* Rows of a panel or an array become panel rows with 0 where a value is missing, and the valid
 * values before each row are counted (n + 1 entries).  In place, if the panel is `from` itself. */
static void FN(values_count)(const FN(loose) * from, dc_i64 pitch, int lanes, dc_i64 n,
                             int inf_is_value, T *to, FN(cvec) * before)
{
    FN(cvec) count = FN(czero)();
    for (dc_i64 r = 0; r < n; r++) {
        const FN(vec) x = FN(values_load)(from + r * pitch, lanes);
        const FN(mask) gone = FN(vismissing)(x, inf_is_value);
        before[r] = count;
        count = FN(cinc)(count, FN(mnot)(gone));
        FN(vstore)(to + r * VEC_LANES, FN(vsel)(gone, FN(vzero)(), x));
    }
    before[n] = count;
}

/* Valid values of the window that ends at panel row e; before == NULL: no value is missing. */
DC_INLINE FN(cvec) FN(values_in)(const FN(pack) * v, const FN(cvec) * before, dc_i64 e)
{
    const dc_i64 begin = pack_max(e - v->window + 1, 0);
    if (!before)
        return FN(cset)(e - begin + 1);
    return before[e + 1] - before[begin];
}

DC_INLINE FN(vec) FN(values_quiet)(FN(vec) x)
{
    return FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);
}

/* The statistic from an aggregate (of a sum, an extreme, or squared deviations) of n values. */
DC_INLINE FN(vec) FN(values_result)(const dc_rolling_args *a, int kind, FN(vec) x, FN(cvec) n)
{
    FN(mask) few = FN(clt)(n, a->min_periods);
    if (kind == DC_ROLLING_COUNT)
        x = FN(ctov)(n);
    if (kind == DC_ROLLING_MEAN)
        x = x / FN(ctov)(n);
    if (kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD) {
        const dc_i64 ddof = pack_min(a->ddof, 0x7ffffffe); /* more than any n */
        few = FN(mor)(few, FN(clt)(n, ddof + 1));
        x = x / FN(ctov)(n - FN(cset)(ddof));
        if (kind == DC_ROLLING_STD)
            x = FN(vsqrt)(x);
    }
    return FN(values_quiet)(FN(vsel)(few, FN(vquiet)(), x));
}

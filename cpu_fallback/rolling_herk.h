/* Minima of long windows over a panel: van Herk, Gil and Werman.  Included by
 * cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * The panel is cut into blocks of W rows, the first of which ends before row `lead`.  A window that
 * ends inside a block is the block's prefix up to there and a suffix of the block before it.  So a
 * walk forward keeps the running minimum of a block and merges it with the stored suffix, and a
 * walk back then turns the block, still in the cache, into its suffix minima: three merges per row
 * whatever the window.  A minimum is one of its values whatever the order of merges, hence the bits
 * are those of the tree; a zero loses its sign in tree_result.
 *
 * Rows before the panel are the identity.  The panel holds no NaN. */

/* Rows first ... end - 1 become the minima of themselves to end - 1, with the sign applied. */
static void FN(herk_back)(T *rows, dc_i64 first, dc_i64 end, T times)
{
    const FN(vec) sign = FN(vset)(times);
    FN(vec) least = FN(vinf)();
    for (dc_i64 r = end - 1; r >= first; r--) {
        least = FN(vmin)(least, FN(vload)(rows + r * VEC_LANES) * sign);
        FN(vstore)(rows + r * VEC_LANES, least);
    }
}

/* Windows that end at rows first ... end - 1 of a block, whose minimum up to there is `least`; what
 * lies before the block is at from, from + pitch, ... */
DC_INLINE FN(vec) FN(herk_ahead)(const FN(tree) * t, dc_i64 first, dc_i64 end, const T *from,
                                 dc_i64 pitch, FN(vec) least)
{
    /* Copies: a result may be stored at any address, also, as far as a compiler sees, in *t. */
    const T *row = t->rows + first * VEC_LANES;
    const FN(vec) sign = FN(vset)(t->sign);
    const T out_sign = t->sign;
    FN(loose) *out = t->out + (first - t->lead) * t->out_pitch;
    const dc_i64 out_pitch = t->out_pitch, next_pitch = t->next_pitch;
    const char *next =
        (const char *)((uintptr_t)t->next + (uintptr_t)((first - t->lead) * next_pitch));
    for (dc_i64 e = first; e < end; e++) {
        least = FN(vmin)(least, FN(vload)(row) * sign);
        __builtin_prefetch(next, 0, 2);
        FN(vstoreu)
        (out, FN(tree_result)(TREE_MIN, out_sign, 1, 0, FN(vmin)(FN(vload)(from), least)));
        row += VEC_LANES;
        from += pitch;
        out += out_pitch;
        next = (const char *)((uintptr_t)next + (uintptr_t)next_pitch);
    }
    return least;
}

/* All windows that end at rows lead ... n - 1 of the panel, which is overwritten. */
static void FN(herk_run)(const FN(tree) * t)
{
    const FN(vec) none = FN(vinf)();
    const dc_i64 n = t->n, w = t->window;
    T *const rows = t->rows;
    FN(herk_back)(rows, pack_max(t->lead - (w - 1), 0), t->lead, t->sign);
    for (dc_i64 first = t->lead; first < n;) {
        const int full = w <= n - first;
        const dc_i64 end = full ? first + w : n;
        /* windows that begin before the panel, those with a suffix, the block itself */
        const dc_i64 cut = pack_min(pack_max(w - 1, first), end);
        const dc_i64 whole = pack_max(full ? end - 1 : end, cut);
        const T *before = first > 0 ? rows : (const T *)&none;
        FN(vec) least = FN(herk_ahead)(t, first, cut, before, 0, none);
        if (cut < whole)
            least =
                FN(herk_ahead)(t, cut, whole, rows + (cut - (w - 1)) * VEC_LANES, VEC_LANES, least);
        FN(herk_ahead)(t, whole, end, (const T *)&none, 0, least);
        if (end < n)
            FN(herk_back)(rows, first, end, t->sign);
        first = end;
    }
}

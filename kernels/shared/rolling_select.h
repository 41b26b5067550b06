/* Selection networks for rolling windows: passes over memory, legal in C and in OpenCL C.
 *
 * T = 2^J neighbouring outputs share the window - T + 1 rows that all of them see, their core. With
 * e + 1 wanted ranks  r ... r + e  per output, only the ranks  r - (T - 1) ... r + e  of the core
 * can still be wanted: the list of 2^J + e candidates (ranks below 0 are -inf, ranks above the
 * core's size are +inf, so that the shape is the same for every window and rank).  With h = T / 2,
 * the first h outputs also see the h rows at the old end and the last h outputs those at the new
 * end.  A half merges the list with its sorted h rows and keeps the ranks that can still be wanted:
 * it drops the h lowest and the h highest, and 2^(J-1) + e candidates remain.  Leaves end the
 * descent (rolling_select_leaf.h).  Nothing depends on the data but the order of the values.
 *
 * The includer defines SELECT_V (a value), SELECT_P (pointer to values), SELECT_LOAD(pointer,
 * index), SELECT_STORE(pointer, index, value), SELECT_STRIDE (pointer steps from one value to the
 * next), SELECT_MIN, SELECT_MAX, SELECT_INLINE, SELECT_HIGHEST (+inf as a SELECT_V), T and SFX.  On
 * the CPU a value is a vector of series, on a device one number.  Included once per dtype, hence no
 * guard. */

/* The upper of two values whose lower is known, and the other way round. */
#ifndef SELECT_UPPER
#define SELECT_UPPER(a, b, lower) SELECT_MAX(a, b)
#define SELECT_LOWER(a, b, upper) SELECT_MIN(a, b)
#endif

#define SELECT_SORT2(a, b)                                                                         \
    do {                                                                                           \
        const SELECT_V low_ = SELECT_MIN(a, b);                                                    \
        b = SELECT_UPPER(a, b, low_);                                                              \
        a = low_;                                                                                  \
    } while (0)

/* Sorts a bitonic sequence of four, eight. */
#define SELECT_CLEAN4(a, b, c, d)                                                                  \
    do {                                                                                           \
        SELECT_SORT2(a, c);                                                                        \
        SELECT_SORT2(b, d);                                                                        \
        SELECT_SORT2(a, b);                                                                        \
        SELECT_SORT2(c, d);                                                                        \
    } while (0)

#define SELECT_CLEAN8(a, b, c, d, e, f, g, h)                                                      \
    do {                                                                                           \
        SELECT_SORT2(a, e);                                                                        \
        SELECT_SORT2(b, f);                                                                        \
        SELECT_SORT2(c, g);                                                                        \
        SELECT_SORT2(d, h);                                                                        \
        SELECT_CLEAN4(a, b, c, d);                                                                 \
        SELECT_CLEAN4(e, f, g, h);                                                                 \
    } while (0)

/* Sorts four. */
#define SELECT_ORDER4(a, b, c, d)                                                                  \
    do {                                                                                           \
        SELECT_SORT2(a, b);                                                                        \
        SELECT_SORT2(c, d);                                                                        \
        SELECT_SORT2(a, c);                                                                        \
        SELECT_SORT2(b, d);                                                                        \
        SELECT_SORT2(b, c);                                                                        \
    } while (0)

SELECT_INLINE void FN(select_sort4)(SELECT_P in, SELECT_P out)
{
    SELECT_V a = SELECT_LOAD(in, 0), b = SELECT_LOAD(in, 1);
    SELECT_V c = SELECT_LOAD(in, 2), d = SELECT_LOAD(in, 3);
    SELECT_ORDER4(a, b, c, d);
    SELECT_STORE(out, 0, a);
    SELECT_STORE(out, 1, b);
    SELECT_STORE(out, 2, c);
    SELECT_STORE(out, 3, d);
}

/* Sorts eight; the sorted half that begins at `half` (0 or 4) also goes to `four`. */
SELECT_INLINE void FN(select_sort8)(SELECT_P in, SELECT_P four, int half, SELECT_P out)
{
    SELECT_V a = SELECT_LOAD(in, 0), b = SELECT_LOAD(in, 1);
    SELECT_V c = SELECT_LOAD(in, 2), d = SELECT_LOAD(in, 3);
    SELECT_V e = SELECT_LOAD(in, 4), f = SELECT_LOAD(in, 5);
    SELECT_V g = SELECT_LOAD(in, 6), h = SELECT_LOAD(in, 7);
    SELECT_ORDER4(a, b, c, d);
    SELECT_ORDER4(e, f, g, h);
    SELECT_STORE(four, 0, half ? e : a);
    SELECT_STORE(four, 1, half ? f : b);
    SELECT_STORE(four, 2, half ? g : c);
    SELECT_STORE(four, 3, half ? h : d);
    /* Batcher's odd-even merge of 4 and 4. */
    SELECT_SORT2(a, e);
    SELECT_SORT2(b, f);
    SELECT_SORT2(c, g);
    SELECT_SORT2(d, h);
    SELECT_SORT2(c, e);
    SELECT_SORT2(d, f);
    SELECT_SORT2(b, c);
    SELECT_SORT2(d, e);
    SELECT_SORT2(f, g);
    SELECT_STORE(out, 0, a);
    SELECT_STORE(out, 1, b);
    SELECT_STORE(out, 2, c);
    SELECT_STORE(out, 3, d);
    SELECT_STORE(out, 4, e);
    SELECT_STORE(out, 5, f);
    SELECT_STORE(out, 6, g);
    SELECT_STORE(out, 7, h);
}

/* Two stages of a bitonic sort, at distances m / 2 and m / 4, in each block of m of p[0 ... n). */
SELECT_INLINE void FN(select_clean4)(SELECT_P p, int n, int m)
{
    const int q = m / 4;
    for (int base = 0; base < n; base += m)
        for (int i = base; i < base + q; i++) {
            SELECT_V a = SELECT_LOAD(p, i), b = SELECT_LOAD(p, i + q);
            SELECT_V c = SELECT_LOAD(p, i + 2 * q), d = SELECT_LOAD(p, i + 3 * q);
            SELECT_CLEAN4(a, b, c, d);
            SELECT_STORE(p, i, a);
            SELECT_STORE(p, i + q, b);
            SELECT_STORE(p, i + 2 * q, c);
            SELECT_STORE(p, i + 3 * q, d);
        }
}

/* Three stages, at distances m / 2, m / 4 and m / 8. */
SELECT_INLINE void FN(select_clean8)(SELECT_P p, int n, int m)
{
    const int q = m / 8;
    for (int base = 0; base < n; base += m)
        for (int i = base; i < base + q; i++) {
            SELECT_V a = SELECT_LOAD(p, i), b = SELECT_LOAD(p, i + q);
            SELECT_V c = SELECT_LOAD(p, i + 2 * q), d = SELECT_LOAD(p, i + 3 * q);
            SELECT_V e = SELECT_LOAD(p, i + 4 * q), f = SELECT_LOAD(p, i + 5 * q);
            SELECT_V g = SELECT_LOAD(p, i + 6 * q), h = SELECT_LOAD(p, i + 7 * q);
            SELECT_CLEAN8(a, b, c, d, e, f, g, h);
            SELECT_STORE(p, i, a);
            SELECT_STORE(p, i + q, b);
            SELECT_STORE(p, i + 2 * q, c);
            SELECT_STORE(p, i + 3 * q, d);
            SELECT_STORE(p, i + 4 * q, e);
            SELECT_STORE(p, i + 5 * q, f);
            SELECT_STORE(p, i + 6 * q, g);
            SELECT_STORE(p, i + 7 * q, h);
        }
}

/* Sorts each bitonic block of m = 2^k values of p[0 ... n): all stages from distance m / 2 down. */
SELECT_INLINE void FN(select_clean)(SELECT_P p, int n, int m)
{
    while (m >= 8 && m != 16) {
        FN(select_clean8)(p, n, m);
        m /= 8;
    }
    for (; m >= 4; m /= 4)
        FN(select_clean4)(p, n, m);
    if (m == 2)
        for (int i = 0; i < n; i += 2) {
            SELECT_V a = SELECT_LOAD(p, i), b = SELECT_LOAD(p, i + 1);
            SELECT_SORT2(a, b);
            SELECT_STORE(p, i, a);
            SELECT_STORE(p, i + 1, b);
        }
}

/* Merges the sorted a and b, h = 2^k >= 8 values each, into out (which overlaps neither). */
SELECT_INLINE void FN(select_merge)(SELECT_P a, SELECT_P b, SELECT_P out, int h)
{
    const int q = h / 4;
    for (int i = 0; i < q; i++) {
        SELECT_V a0 = SELECT_LOAD(a, i), b0 = SELECT_LOAD(b, h - 1 - i);
        SELECT_V a1 = SELECT_LOAD(a, i + q), b1 = SELECT_LOAD(b, h - 1 - i - q);
        SELECT_V a2 = SELECT_LOAD(a, i + 2 * q), b2 = SELECT_LOAD(b, h - 1 - i - 2 * q);
        SELECT_V a3 = SELECT_LOAD(a, i + 3 * q), b3 = SELECT_LOAD(b, h - 1 - i - 3 * q);
        SELECT_CLEAN8(a0, a1, a2, a3, b0, b1, b2, b3);
        SELECT_STORE(out, i, a0);
        SELECT_STORE(out, i + q, a1);
        SELECT_STORE(out, i + 2 * q, a2);
        SELECT_STORE(out, i + 3 * q, a3);
        SELECT_STORE(out, i + h, b0);
        SELECT_STORE(out, i + h + q, b1);
        SELECT_STORE(out, i + h + 2 * q, b2);
        SELECT_STORE(out, i + h + 3 * q, b3);
    }
    FN(select_clean)(out, 2 * h, q);
}

/* Value i of the lower half of what the h lowest leave behind: see select_half. */
#define SELECT_PICK(low, above, i)                                                                 \
    do {                                                                                           \
        const SELECT_V next_ = SELECT_LOAD(list, (i) + h);                                         \
        low = SELECT_MAX(SELECT_LOAD(list, i), SELECT_LOAD(run, h - 1 - (i)));                     \
        if ((i) < e)                                                                               \
            low = SELECT_MIN(low, SELECT_LOAD(list, (i) + 2 * h));                                 \
        if (e)                                                                                     \
            above = SELECT_MIN(above, SELECT_MAX(low, next_));                                     \
        low = SELECT_MIN(low, next_);                                                              \
    } while (0)

/* The e extra values behind the h first ones, from the minima of four residues modulo 4. */
SELECT_INLINE void FN(select_extra)(SELECT_P out, int e, SELECT_V a, SELECT_V b, SELECT_V c,
                                    SELECT_V d)
{
    if (e == 4) {
        SELECT_CLEAN4(a, b, c, d);
        SELECT_STORE(out, 2, c);
        SELECT_STORE(out, 3, d);
    } else {
        a = SELECT_MIN(a, c);
        b = SELECT_MIN(b, d);
        SELECT_SORT2(a, b);
    }
    if (e >= 1)
        SELECT_STORE(out, 0, a);
    if (e >= 2)
        SELECT_STORE(out, 1, b);
}

/* select_half for h = 8: everything in registers. */
SELECT_INLINE void FN(select_half8)(SELECT_P list, SELECT_P run, SELECT_P out, int e)
{
    const int h = 8;
    SELECT_V a, b, c, d, f, g, i, j;
    SELECT_V u0 = SELECT_HIGHEST, u1 = u0, u2 = u0, u3 = u0;
    SELECT_PICK(a, u0, 0);
    SELECT_PICK(b, u1, 1);
    SELECT_PICK(c, u2, 2);
    SELECT_PICK(d, u3, 3);
    SELECT_PICK(f, u0, 4);
    SELECT_PICK(g, u1, 5);
    SELECT_PICK(i, u2, 6);
    SELECT_PICK(j, u3, 7);
    SELECT_CLEAN8(a, b, c, d, f, g, i, j);
    SELECT_STORE(out, 0, a);
    SELECT_STORE(out, 1, b);
    SELECT_STORE(out, 2, c);
    SELECT_STORE(out, 3, d);
    SELECT_STORE(out, 4, f);
    SELECT_STORE(out, 5, g);
    SELECT_STORE(out, 6, i);
    SELECT_STORE(out, 7, j);
    FN(select_extra)(out + 8 * SELECT_STRIDE, e, u0, u1, u2, u3);
}

/* First stages of select_half at i = first, first + 4, ... below h / 4; returns the minimum of the
 * values that the h lowest leave. */
SELECT_INLINE SELECT_V FN(select_half_by4)(SELECT_P list, SELECT_P run, SELECT_P out, int h, int e,
                                           int first)
{
    const int q = h / 4;
    SELECT_V above = SELECT_HIGHEST;
    for (int i = first; i < q; i += 4) {
        SELECT_V a, b, c, d;
        SELECT_PICK(a, above, i);
        SELECT_PICK(b, above, i + q);
        SELECT_PICK(c, above, i + 2 * q);
        SELECT_PICK(d, above, i + 3 * q);
        SELECT_CLEAN4(a, b, c, d);
        SELECT_STORE(out, i, a);
        SELECT_STORE(out, i + q, b);
        SELECT_STORE(out, i + 2 * q, c);
        SELECT_STORE(out, i + 3 * q, d);
    }
    return above;
}

/* The same with three stages, i below h / 8. */
SELECT_INLINE SELECT_V FN(select_half_by8)(SELECT_P list, SELECT_P run, SELECT_P out, int h, int e,
                                           int first)
{
    const int q = h / 8;
    SELECT_V above = SELECT_HIGHEST;
    for (int k = first; k < q; k += 4) {
        SELECT_V a, b, c, d, f, g, i, j;
        SELECT_PICK(a, above, k);
        SELECT_PICK(b, above, k + q);
        SELECT_PICK(c, above, k + 2 * q);
        SELECT_PICK(d, above, k + 3 * q);
        SELECT_PICK(f, above, k + 4 * q);
        SELECT_PICK(g, above, k + 5 * q);
        SELECT_PICK(i, above, k + 6 * q);
        SELECT_PICK(j, above, k + 7 * q);
        SELECT_CLEAN8(a, b, c, d, f, g, i, j);
        SELECT_STORE(out, k, a);
        SELECT_STORE(out, k + q, b);
        SELECT_STORE(out, k + 2 * q, c);
        SELECT_STORE(out, k + 3 * q, d);
        SELECT_STORE(out, k + 4 * q, f);
        SELECT_STORE(out, k + 5 * q, g);
        SELECT_STORE(out, k + 6 * q, i);
        SELECT_STORE(out, k + 7 * q, j);
    }
    return above;
}

/* out = the h + e middle ranks of list (2 h + e sorted values) and run (h sorted values), sorted;
 * h = 2^k >= 8 and e = 0, 1, 2 or 4.
 *
 * s[i] = max(list[i], run[h - 1 - i]) for i < h, and list[i] from there on, is what remains without
 * the h lowest; it falls and then rises, so every half-cleaner below splits a bitonic sequence.
 * Seen as the lower part of 4 h values (+inf behind), the first one moves the e highest out of the
 * first 2 h.  The next one leaves the h lowest, which are sorted, and among the maxima the e lowest
 * are found by cleaning down to e values: one minimum per residue of i modulo e. */
SELECT_INLINE void FN(select_half)(SELECT_P list, SELECT_P run, SELECT_P out, int h, int e)
{
    SELECT_V a, b, c, d;
    if (h == 8) {
        FN(select_half8)(list, run, out, e);
        return;
    }
    if (h == 16 || h == 128 || h == 1024) {
        a = FN(select_half_by4)(list, run, out, h, e, 0);
        b = FN(select_half_by4)(list, run, out, h, e, 1);
        c = FN(select_half_by4)(list, run, out, h, e, 2);
        d = FN(select_half_by4)(list, run, out, h, e, 3);
        FN(select_clean)(out, h, h / 4);
    } else {
        a = FN(select_half_by8)(list, run, out, h, e, 0);
        b = FN(select_half_by8)(list, run, out, h, e, 1);
        c = FN(select_half_by8)(list, run, out, h, e, 2);
        d = FN(select_half_by8)(list, run, out, h, e, 3);
        FN(select_clean)(out, h, h / 8);
    }
    FN(select_extra)(out + h * SELECT_STRIDE, e, a, b, c, d);
}

/* The dyadic tree of kernels/shared/rolling.h over a panel, for sums.
 * Included by cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * A pass climbs four levels.  With unit s = 16^p, row i of the panel holds the aggregate of the s
 * rows that end there; the pass walks the rows i, i + s, i + 2 s, ... of each residue class and
 * keeps the last 1, 2, 4 and 8 aggregates of 1, 2, 4 and 8 units in registers, so that every level
 * costs one merge and the pass one load and one store.  The same registers hold every block that
 * the window's p-th hexadecimal digit asks for: the block of 2^b units is wanted as many units back
 * as the digit's lower bits say.  `acc` collects the blocks per window, newest first; the last pass
 * puts it out.
 *
 * The first pass reads the panel or the array itself; the others work in place: a row is read
 * before it is written.  Rows before the first are the identity. */

#ifndef DC_ROLLING_TREE_H
#define DC_ROLLING_TREE_H

enum { TREE_DIGIT_BITS = 4, TREE_DIGIT = 1 << TREE_DIGIT_BITS };

#endif

typedef struct FN(tree) {
    const FN(loose) * src; /* n registers, src_pitch apart: the panel, or of the arrays */
    dc_i64 src_pitch;
    T *rows;         /* n registers: the panel                                      */
    T *acc;          /* n registers, entry of a window: its newest row              */
    FN(loose) * out; /* results of the windows that end at rows lead, lead + 1, ... */
    dc_i64 out_pitch;
    dc_i64 n, lead, window;
    int lanes;        /* of the first pass's source, and of the results                  */
    T times, over;    /* of the results; over 0: unused         */
    const char *next; /* to be prefetched, with the first pass      */
    dc_i64 next_pitch;
    int eager;    /* a result that is not finite ends the climb                  */
    FN(bits) odd; /* NaN where one was                                           */
    /* of the pass */
    dc_i64 unit, back; /* s; rows that the lower digits of the window cover      */
    const T *from;     /* acc, or the identity                                   */
    dc_i64 from_pitch; /* in values                                              */
} FN(tree);

typedef struct FN(tree_ring) {
    FN(vec) one, two[2], four[4], eight[8];
} FN(tree_ring);

/* The blocks of the digit, onto acc.  u: phase of the ring. */
DC_INLINE FN(vec) FN(tree_blocks)(int digit, int u, const FN(tree_ring) * r, FN(vec) x,
                                  FN(vec) sixteen, FN(vec) acc)
{
    const int t2 = digit & 1, t4 = digit & 3, t8 = digit & 7;
    if (digit & 1)
        acc = x + acc;
    if (digit & 2)
        acc = r->two[(u - t2) & 1] + acc;
    if (digit & 4)
        acc = r->four[(u - t4) & 3] + acc;
    if (digit & 8)
        acc = r->eight[(u - t8) & 7] + acc;
    if (digit & 16)
        acc = sixteen + acc;
    return acc;
}

/* One row of a walk: returns the aggregate of sixteen units. */
DC_INLINE FN(vec) FN(tree_climb)(int u, FN(tree_ring) * r, FN(vec) x)
{
    const FN(vec) two = r->one + x;
    r->one = x;
    const FN(vec) four = r->two[u & 1] + two;
    r->two[u & 1] = two;
    const FN(vec) eight = r->four[u & 3] + four;
    r->four[u & 3] = four;
    const FN(vec) sixteen = r->eight[u] + eight;
    r->eight[u] = eight;
    return sixteen;
}

/* A result.  It is never -0, since the first addend was +0. */
DC_INLINE FN(vec) FN(tree_result)(T times, T over, FN(vec) x)
{
    return over != 0 ? x / FN(vset)(over) : x * FN(vset)(times);
}

#define TREE_ROW(u, checked)                                                                       \
    do {                                                                                           \
        const dc_i64 row = i + (u)*s, e = row + back;                                              \
        if ((checked) && row >= n)                                                                 \
            return odd;                                                                            \
        const FN(vec) x = FN(values_load)(src + src_at, lanes);                                    \
        src_at += src_step;                                                                        \
        if (!(checked))                                                                            \
            __builtin_prefetch(next + next_at, 0, 2);                                              \
        next_at += next_step;                                                                      \
        const FN(vec) sixteen = FN(tree_climb)(u, &r, x);                                          \
        if (!last)                                                                                 \
            FN(vstore)(rows + row * VEC_LANES, sixteen);                                           \
        if (digit != 0 && (!(checked) || (e >= lead && e < n))) {                                  \
            FN(vec) so_far = FN(vload)(from + e * from_pitch);                                     \
            so_far = FN(tree_blocks)(digit, u, &r, x, sixteen, so_far);                            \
            if (last) {                                                                            \
                so_far = FN(tree_result)(times, over, so_far);                                     \
                odd |= (FN(bits))(so_far - so_far);                                                \
                FN(values_store)(out + out_at, so_far, lanes);                                     \
            } else {                                                                               \
                FN(vstore)(acc + e * VEC_LANES, so_far);                                           \
            }                                                                                      \
        }                                                                                          \
        out_at += out_step;                                                                        \
    } while (0)

#define TREE_ROWS(checked)                                                                         \
    do {                                                                                           \
        TREE_ROW(0, checked);                                                                      \
        TREE_ROW(1, checked);                                                                      \
        TREE_ROW(2, checked);                                                                      \
        TREE_ROW(3, checked);                                                                      \
        TREE_ROW(4, checked);                                                                      \
        TREE_ROW(5, checked);                                                                      \
        TREE_ROW(6, checked);                                                                      \
        TREE_ROW(7, checked);                                                                      \
    } while (0)

/* The residue class of row `i`; returns NaN in the lanes where a result is not finite. */
DC_INLINE FN(bits) FN(tree_walk)(const FN(tree) * t, int digit, int last, dc_i64 i)
{
    const dc_i64 n = t->n, s = t->unit, back = t->back;
    const dc_i64 end = last ? n - back : n; /* the last pass needs no row beyond */
    const dc_i64 ahead = digit ? back : 0;  /* of a row, up to the window that it matters to */
    const dc_i64 lead = t->lead, first = digit ? lead - back : 0;
    /* Copies: a result may be stored at any address, also, as far as a compiler sees, in *t. */
    T *const rows = t->rows, *const acc = t->acc;
    const T *const from = t->from;
    const FN(loose) *const src = t->src;
    FN(loose) *const out = t->out;
    const char *const next = t->next;
    const int eager = t->eager, lanes = t->lanes;
    const T times = t->times, over = t->over;
    const dc_i64 from_pitch = t->from_pitch, out_step = s * t->out_pitch;
    const dc_i64 next_step = s * t->next_pitch, src_step = s * t->src_pitch;
    dc_i64 out_at = (i + back - lead) * t->out_pitch, next_at = i * t->next_pitch;
    dc_i64 src_at = i * t->src_pitch;
    FN(bits) odd = {0};
    const FN(vec) none = FN(vzero)();
    FN(tree_ring)
    r = {none,
         {none, none},
         {none, none, none, none},
         {none, none, none, none, none, none, none, none}};
    for (; i < end; i += 8 * s) {
        if (i >= first && i + 7 * s + ahead < n)
            TREE_ROWS(0);
        else
            TREE_ROWS(1);
        if (last && eager && FN(many)(FN(visnan)((FN(vec))odd)))
            break;
    }
    return odd;
}

/* Whether a result that is not finite has ended the climb. */
static int FN(tree_ends)(const FN(tree) * t)
{
    return t->eager && FN(many)(FN(visnan)((FN(vec))t->odd));
}

#ifdef DC_MIRROR_BRIEF
static void FN(tree_pass)(FN(tree) * t, int digit, int last)
{
    const dc_i64 classes = pack_min(t->unit, t->n);
    for (dc_i64 i = 0; i < classes && !FN(tree_ends)(t); i++)
        t->odd |= FN(tree_walk)(t, digit, last, i);
}
#else
#define TREE_PASS(digit, last)                                                                     \
    static void FN(tree_##digit##_##last)(FN(tree) * t)                                            \
    {                                                                                              \
        const dc_i64 classes = pack_min(t->unit, t->n);                                            \
        for (dc_i64 i = 0; i < classes && !FN(tree_ends)(t); i++)                                  \
            t->odd |= FN(tree_walk)(t, digit, last, i);                                            \
    }
#define TREE_BOTH(digit)                                                                           \
    TREE_PASS(digit, 0)                                                                            \
    TREE_PASS(digit, 1)
#define TREE_LIST(last, zero, sixteen)                                                             \
    {                                                                                              \
        zero, FN(tree_1_##last), FN(tree_2_##last), FN(tree_3_##last), FN(tree_4_##last),          \
            FN(tree_5_##last), FN(tree_6_##last), FN(tree_7_##last), FN(tree_8_##last),            \
            FN(tree_9_##last), FN(tree_10_##last), FN(tree_11_##last), FN(tree_12_##last),         \
            FN(tree_13_##last), FN(tree_14_##last), FN(tree_15_##last), sixteen                    \
    }
TREE_PASS(0, 0)
TREE_BOTH(1)
TREE_BOTH(2)
TREE_BOTH(3)
TREE_BOTH(4)
TREE_BOTH(5)
TREE_BOTH(6)
TREE_BOTH(7)
TREE_BOTH(8)
TREE_BOTH(9)
TREE_BOTH(10)
TREE_BOTH(11)
TREE_BOTH(12)
TREE_BOTH(13)
TREE_BOTH(14)
TREE_BOTH(15)
TREE_PASS(16, 1)
static void (*const FN(tree_passes)[2][TREE_DIGIT + 1])(FN(tree) *) = {
    TREE_LIST(0, FN(tree_0_0), NULL), TREE_LIST(1, NULL, FN(tree_16_1))};
#undef TREE_LIST
#undef TREE_BOTH
#undef TREE_PASS
DC_INLINE void FN(tree_pass)(FN(tree) * t, int digit, int last)
{
    FN(tree_passes)[last][digit](t);
}
#endif

#undef TREE_ROWS
#undef TREE_ROW

/* Windows that the last pass does not meet, since its blocks lie before the panel. */
static void FN(tree_rest)(FN(tree) * t)
{
    for (dc_i64 e = t->lead; e < pack_min(t->back, t->n); e++) {
        const FN(vec) x = FN(tree_result)(t->times, t->over, FN(vload)(t->acc + e * VEC_LANES));
        t->odd |= (FN(bits))(x - x);
        FN(values_store)(t->out + (e - t->lead) * t->out_pitch, x, t->lanes);
    }
}

/* All windows that end at rows lead ... n - 1 of the source; the panel is overwritten.  Returns
 * whether all results are finite; NaNs among them are any. */
static int FN(tree_run)(FN(tree) * t)
{
    const FN(vec) none = FN(vzero)();
    dc_i64 digits = t->window;
    t->unit = 1;
    t->back = 0;
    t->odd = (FN(bits)){0};
    for (;;) {
        const int last = digits <= TREE_DIGIT;
        const int digit = last ? (int)digits : (int)(digits % TREE_DIGIT);
        t->from = t->back ? t->acc : (const T *)&none;
        t->from_pitch = t->back ? VEC_LANES : 0;
        FN(tree_pass)(t, digit, last);
        if (last)
            break;
        t->back += digit * t->unit;
        t->unit *= TREE_DIGIT;
        t->src = t->rows;
        t->src_pitch = VEC_LANES;
        t->next_pitch = 0;
        digits /= TREE_DIGIT;
    }
    FN(tree_rest)(t);
    return !FN(many)(FN(visnan)((FN(vec))t->odd));
}

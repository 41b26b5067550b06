/* The dyadic tree of moments over a panel without missing values.  Included by
 * cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * As in rolling_tree.h, three levels per pass (base-8 digits of the window).  Counts are constants,
 * so the weights w, f of a merge are made once per pass.  The anchor of a block is its newest row,
 * so the panel itself stays as it is and only m and s climb.  All windows of the span lie inside
 * the panel: rows before it are only walked over, and what is made of them is never used. */

#ifndef DC_ROLLING_CLIMB_H
#define DC_ROLLING_CLIMB_H

enum { CLIMB_DIGIT = 8 };

/* What a pass adds to the windows: nothing before it, the first pass of all, or onto acc. */
enum { CLIMB_LEAVES, CLIMB_FRESH, CLIMB_MORE };

#endif

/* Of a merge of n1 older with n2 newer values: w = n1 / (n1 + n2), f = n2 w, DC_CARE_*. */
typedef struct FN(climb_weight) {
    T w, f;
    int care;
} FN(climb_weight);

typedef struct FN(climb) {
    const T *rows;    /* n registers: the panel                          */
    T *m, *s;         /* n registers each: aggregates of `unit` rows     */
    T *acc_m, *acc_s; /* windows so far, entry: newest row               */
    FN(loose) * out;  /* of the windows ending at rows lead, lead + 1, ... */
    dc_i64 out_pitch;
    dc_i64 n, lead, window, careful;
    T over;           /* divisor of the results       */
    int root;         /* standard deviations          */
    const char *next; /* to be prefetched, with the first pass */
    dc_i64 next_pitch;
    /* of the pass */
    dc_i64 unit, back;
    T level[3];               /* f of the merges that climb; w is 1/2              */
    int care[3];              /* theirs                                            */
    FN(climb_weight) onto[4]; /* of the digit's blocks of 1, 2, 4, 8 units, onto acc */
} FN(climb);

/* Mean (less the anchor) and squared deviations. */
typedef struct FN(pair) {
    FN(vec) m, s;
} FN(pair);

typedef struct FN(climb_ring) {
    FN(vec) a[4];
    FN(pair) one, two[2], four[4];
} FN(climb_ring);

/* care: DC_CARE_* of the merge. */
DC_INLINE FN(pair) FN(climb_merge)(FN(vec) a1, FN(pair) older, FN(vec) a2, FN(pair) newer,
                                   FN(vec) w, FN(vec) f, int care)
{
    const FN(gap) gap = care & DC_CARE_GAP ? FN(gap_near)(a1, older.m, a2, newer.m)
                                           : FN(gap_plain)(a1, older.m, a2, newer.m);
    return (FN(pair)){newer.m - gap.d * w, FN(merge_sum)(older.s, newer.s, gap.q * f, care)};
}

/* Both sides single values. */
DC_INLINE FN(pair) FN(climb_two)(FN(vec) a1, FN(vec) a2, FN(vec) w, FN(vec) f, int care)
{
    const FN(vec) zero = FN(vzero)();
    const FN(gap) gap = care ? FN(gap_near_rows)(a1, a2) : FN(gap_plain)(a1, zero, a2, zero);
    return (FN(pair)){zero - gap.d * w, gap.q * f};
}

DC_INLINE void FN(climb_put)(const FN(climb) * t, dc_i64 e, FN(vec) s)
{
    FN(vec) x = s / FN(vset)(t->over);
    if (t->root)
        x = FN(vsqrt)(x);
    FN(vstoreu)(t->out + (e - t->lead) * t->out_pitch, FN(values_quiet)(x));
}

/* Care of a merge as climb_weigh found it.  Leaves may take both kinds: their blocks are small. */
#define CLIMB_CARE(found) ((leaves) ? -((found) != 0) & (DC_CARE_SUM | DC_CARE_GAP) : (found))

/* Block of `units` = 2^bit of the digit whose newest row is `delay` rows of the walk back. */
#define CLIMB_BLOCK(bit, units, delay, pair)                                                       \
    if (digit & (units)) {                                                                         \
        const FN(vec) a1 = r.a[(u_ - (delay)) & 3];                                                \
        if (kind == CLIMB_MORE || (digit & ((units)-1)))                                           \
            acc = FN(climb_merge)(a1, pair, newest, acc, FN(vset)(t->onto[bit].w),                 \
                                  FN(vset)(t->onto[bit].f), CLIMB_CARE(onto_care[bit]));           \
        else                                                                                       \
            acc = pair;                                                                            \
    }

#define CLIMB_ROW(u)                                                                               \
    do {                                                                                           \
        enum { u_ = (u) };                                                                         \
        const dc_i64 row = i + u_ * s, e = row + back;                                             \
        if (row >= n)                                                                              \
            return;                                                                                \
        __builtin_prefetch(t->next + row * t->next_pitch, 0, 2);                                   \
        const FN(vec) a = FN(vload)(t->rows + row * VEC_LANES);                                    \
        FN(pair) one = {FN(vzero)(), FN(vzero)()}, two;                                            \
        if (!leaves)                                                                               \
            one =                                                                                  \
                (FN(pair)){FN(vload)(t->m + row * VEC_LANES), FN(vload)(t->s + row * VEC_LANES)};  \
        if (leaves)                                                                                \
            two = FN(climb_two)(r.a[(u_ - 1) & 3], a, half, FN(vset)(t->level[0]),                 \
                                CLIMB_CARE(level_care[0]));                                        \
        else                                                                                       \
            two = FN(climb_merge)(r.a[(u_ - 1) & 3], r.one, a, one, half, FN(vset)(t->level[0]),   \
                                  CLIMB_CARE(level_care[0]));                                      \
        const FN(pair) four = FN(climb_merge)(r.a[(u_ - 2) & 3], r.two[u_ & 1], a, two, half,      \
                                              FN(vset)(t->level[1]), CLIMB_CARE(level_care[1]));   \
        const FN(pair) eight = FN(climb_merge)(r.a[u_ & 3], r.four[u_ & 3], a, four, half,         \
                                               FN(vset)(t->level[2]), CLIMB_CARE(level_care[2]));  \
        r.one = one;                                                                               \
        r.two[u_ & 1] = two;                                                                       \
        r.four[u_ & 3] = four;                                                                     \
        r.a[u_ & 3] = a;                                                                           \
        if (!last) {                                                                               \
            FN(vstore)(t->m + row * VEC_LANES, eight.m);                                           \
            FN(vstore)(t->s + row * VEC_LANES, eight.s);                                           \
        }                                                                                          \
        if (digit != 0 && e >= t->lead && e < n) {                                                 \
            FN(pair) acc = {FN(vzero)(), FN(vzero)()};                                             \
            FN(vec) newest = a;                                                                    \
            if (kind == CLIMB_MORE) {                                                              \
                acc = (FN(pair)){FN(vload)(t->acc_m + e * VEC_LANES),                              \
                                 FN(vload)(t->acc_s + e * VEC_LANES)};                             \
                newest = FN(vload)(t->rows + e * VEC_LANES);                                       \
            }                                                                                      \
            CLIMB_BLOCK(0, 1, 0, one)                                                              \
            CLIMB_BLOCK(1, 2, digit & 1, r.two[(u_ - (digit & 1)) & 1])                            \
            CLIMB_BLOCK(2, 4, digit & 3, r.four[(u_ - (digit & 3)) & 3])                           \
            CLIMB_BLOCK(3, 8, 0, eight)                                                            \
            if (last) {                                                                            \
                FN(climb_put)(t, e, acc.s);                                                        \
            } else {                                                                               \
                FN(vstore)(t->acc_m + e * VEC_LANES, acc.m);                                       \
                FN(vstore)(t->acc_s + e * VEC_LANES, acc.s);                                       \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* The residue class of row `i`. */
DC_INLINE void FN(climb_walk)(const FN(climb) * pass, int digit, int kind, int last, dc_i64 i)
{
    /* A copy: a result may be stored at any address, also, as far as a compiler sees, in *pass. */
    const FN(climb) copy = *pass, *const t = &copy;
    const dc_i64 n = t->n, s = t->unit, back = t->back;
    const dc_i64 end = last ? n - back : n;
    const int leaves = kind == CLIMB_LEAVES;
    const int level_care[3] = {t->care[0], t->care[1], t->care[2]};
    const int onto_care[4] = {t->onto[0].care, t->onto[1].care, t->onto[2].care, t->onto[3].care};
    const FN(vec) zero = FN(vzero)(), half = FN(vset)((T)0.5);
    const FN(pair) none = {zero, zero};
    FN(climb_ring) r = {{zero, zero, zero, zero}, none, {none, none}, {none, none, none, none}};
    for (; i < end; i += 4 * s) {
        CLIMB_ROW(0);
        CLIMB_ROW(1);
        CLIMB_ROW(2);
        CLIMB_ROW(3);
    }
}

#ifdef DC_MIRROR_BRIEF
static void FN(climb_pass)(const FN(climb) * t, int digit, int kind, int last)
{
    const dc_i64 classes = pack_min(t->unit, t->n);
    for (dc_i64 i = 0; i < classes; i++)
        FN(climb_walk)(t, digit, kind, last, i);
}
#else
#define CLIMB_PASS(digit, kind, last)                                                              \
    static void FN(climb_##digit##_##kind##_##last)(const FN(climb) * t)                           \
    {                                                                                              \
        const dc_i64 classes = pack_min(t->unit, t->n);                                            \
        for (dc_i64 i = 0; i < classes; i++)                                                       \
            FN(climb_walk)(t, digit, kind, last, i);                                               \
    }
#define CLIMB_KINDS(digit, last)                                                                   \
    CLIMB_PASS(digit, 0, last)                                                                     \
    CLIMB_PASS(digit, 1, last)                                                                     \
    CLIMB_PASS(digit, 2, last)
#define CLIMB_BOTH(digit)                                                                          \
    CLIMB_KINDS(digit, 0)                                                                          \
    CLIMB_KINDS(digit, 1)
CLIMB_KINDS(0, 0)
CLIMB_BOTH(1)
CLIMB_BOTH(2)
CLIMB_BOTH(3)
CLIMB_BOTH(4)
CLIMB_BOTH(5)
CLIMB_BOTH(6)
CLIMB_BOTH(7)
CLIMB_KINDS(8, 1)

#define CLIMB_LIST(k, last, zero, eight)                                                           \
    {                                                                                              \
        zero, FN(climb_1_##k##_##last), FN(climb_2_##k##_##last), FN(climb_3_##k##_##last),        \
            FN(climb_4_##k##_##last), FN(climb_5_##k##_##last), FN(climb_6_##k##_##last),          \
            FN(climb_7_##k##_##last), eight                                                        \
    }
static void (*const FN(climb_passes)[2][3][CLIMB_DIGIT + 1])(const FN(climb) *) = {
    {CLIMB_LIST(0, 0, FN(climb_0_0_0), NULL), CLIMB_LIST(1, 0, FN(climb_0_1_0), NULL),
     CLIMB_LIST(2, 0, FN(climb_0_2_0), NULL)},
    {CLIMB_LIST(0, 1, NULL, FN(climb_8_0_1)), CLIMB_LIST(1, 1, NULL, FN(climb_8_1_1)),
     CLIMB_LIST(2, 1, NULL, FN(climb_8_2_1))}};
#undef CLIMB_LIST
#undef CLIMB_BOTH
#undef CLIMB_KINDS
#undef CLIMB_PASS
DC_INLINE void FN(climb_pass)(const FN(climb) * t, int digit, int kind, int last)
{
    FN(climb_passes)[last][kind][digit](t);
}
#endif

#undef CLIMB_ROW
#undef CLIMB_BLOCK
#undef CLIMB_CARE

/* Weights of the pass's merges. */
static void FN(climb_weigh)(FN(climb) * t, int digit)
{
    dc_i64 newer = t->back;
    for (int level = 0; level < 3; level++) {
        t->level[level] = (T)(t->unit << level) * (T)0.5;
        t->care[level] = dc_rolling_care(t->careful, t->unit << (level + 1));
    }
    for (int bit = 0; bit < 4; bit++) {
        const dc_i64 older = t->unit << bit, n = older + newer;
        FN(climb_weight) *onto = &t->onto[bit];
        onto->care = dc_rolling_care(t->careful, n);
        onto->w = (T)older / (T)n;
        onto->f = onto->care & DC_CARE_GAP ? (T)older * (T)newer / (T)n : (T)newer * onto->w;
        if (digit >> bit & 1)
            newer = n;
    }
}

/* All windows that end at rows lead ... n - 1, lead >= window - 1. */
static void FN(climb_run)(FN(climb) * t)
{
    dc_i64 digits = t->window;
    t->unit = 1;
    t->back = 0;
    for (;;) {
        const int last = digits <= CLIMB_DIGIT;
        const int digit = last ? (int)digits : (int)(digits % CLIMB_DIGIT);
        const int kind = t->unit == 1 ? CLIMB_LEAVES : t->back ? CLIMB_MORE : CLIMB_FRESH;
        FN(climb_weigh)(t, digit);
        FN(climb_pass)(t, digit, kind, last);
        if (last)
            return;
        t->back += digit * t->unit;
        t->unit *= CLIMB_DIGIT;
        t->next_pitch = 0;
        digits /= CLIMB_DIGIT;
    }
}

/* Minima and maxima of windows by blocks: van Herk, Gil and Werman.  Included by
 * cpu_fallback/rolling.c once per dtype, hence no guard.
 *
 * Windows are taken B at a time, those that end at rows e ... e + B - 1.  With s the first row of
 * the first of them, each window is
 *     the end of the old block, rows s + i ... s + B + spare - 1;  the rows between, which all B
 *     windows share;  the beginning of the new block, rows e ... e + i.
 * A walk back over the old block stores its suffix minima, to which the one of those between is
 * merged; a walk forward over the new block keeps its prefix minimum and puts the results out.  So
 * a row is read twice and costs three merges whatever the window, and nothing of a window's length
 * is written.  W = 1 + (turns + 1) B + spare, spare < B: the minima of the `turns` new blocks that
 * lie between are walked in the same way, suffixes in a ring, the prefix running.
 *
 * Of a short window all rows but the newest are merged one by one instead of suffix and prefix.
 *
 * A missing value is skipped.  Where a register has met none inside its windows, the number of
 * valid values is known; at the first one the block is walked again with a count per lane, and so
 * are the next until the windows are free of it.
 *
 * A minimum is one of its values whatever the order of merges; zeros are put out as +0. */

#ifndef DC_ROLLING_HERK_H
#define DC_ROLLING_HERK_H

/* What a register of a row is: values side by side, less than a register of them, or two halves
 * from places `src_half` apart. */
enum { HERK_FULL, HERK_SOME, HERK_HALVES };

enum {
    HERK_SHORT = 8,   /* rows of a short window, at most                                    */
    HERK_LEAST = 16,  /* rows of a block of longer windows                                 */
    HERK_MOST = 32,   /* and of any                                                        */
    HERK_AHEAD = 8192 /* bytes of a source to prefetch ahead, at least                     */
};

#endif

typedef struct FN(herk) {
    const FN(loose) * src; /* row r of register p: src + r * pitch + its column            */
    dc_i64 pitch, rows;
    dc_i64 src_half, out_half; /* HERK_HALVES: from the first to the second half           */
    dc_i64 window, min_periods;
    int registers, shape, lanes; /* lanes: of HERK_SOME, one register                     */
    int inf_is_value, maxima;
    dc_i64 last_column;         /* of the last register, which may overlap the one before */
    dc_i64 block, spare, turns; /* B, spare, blocks between                              */
    int brief;                  /* a short window: spare and turns are 0                 */
    dc_i64 turn;                /* of the ring                                           */
    dc_i64 ahead;               /* elements to prefetch ahead, 0: none                   */
    int far;                    /* windows outlast the caches: so too in the old block   */
    T *ring, *running;          /* [turns][registers], [registers]                       */
    T *count, *suffix;          /* [registers] of counters, [block]                      */
    T *fresh, *stale;           /* [block], [block + spare + HERK_SHORT]: of the ends     */
    unsigned char counted[PACK_MAX_PLANES];
} FN(herk);

/* Rows of one register; pitch 0: all the same. */
typedef struct FN(herk_rows) {
    const FN(loose) * at;
    dc_i64 pitch;
} FN(herk_rows);

DC_INLINE FN(vec) FN(herk_load)(const FN(loose) * p, int shape, int lanes, dc_i64 half)
{
    if (shape == HERK_SOME)
        return FN(vload_n)(p, lanes);
    return shape == HERK_HALVES ? FN(vload_2)(p, p + half) : FN(vloadu)(p);
}

DC_INLINE void FN(herk_store)(FN(loose) * p, int shape, int lanes, dc_i64 half, FN(vec) x)
{
    if (shape == HERK_SOME)
        FN(vstore_n)(p, x, lanes);
    else if (shape == HERK_HALVES)
        FN(vstore_2)(p, p + half, x);
    else
        FN(vstoreu)(p, x);
}

/* `kept`, unless x is nearer to the end; a NaN never is. */
DC_INLINE FN(vec) FN(herk_merge)(int maxima, FN(vec) x, FN(vec) kept)
{
    return maxima ? FN(vmax)(x, kept) : FN(vmin)(x, kept);
}

DC_INLINE FN(vec) FN(herk_none)(int maxima)
{
    return maxima ? -FN(vinf)() : FN(vinf)();
}

DC_INLINE dc_i64 FN(herk_column)(const FN(herk) * h, int p)
{
    return p == h->registers - 1 ? h->last_column : (dc_i64)p * VEC_LANES;
}

/* Rows of the series inside the window that ends at row e. */
DC_INLINE dc_i64 FN(herk_inside)(const FN(herk) * h, dc_i64 e)
{
    return pack_max(pack_min(e + 1, h->rows) - pack_max(e + 1 - h->window, 0), 0);
}

/* Rows first ... first + count - 1 of register p, some of which lie outside the series, where what
 * they hold is missing.  (Halves never do.) */
static FN(herk_rows)
    FN(herk_patch)(const FN(herk) * h, const FN(loose) * at, dc_i64 first, dc_i64 count, T *patched)
{
    const dc_i64 lo = pack_min(pack_max(-first, 0), count);
    const dc_i64 hi = pack_max(pack_min(h->rows - first, count), lo);
    for (dc_i64 r = 0; r < (lo == hi ? 1 : count); r++)
        FN(vstore)
    (patched + r * VEC_LANES,
     r < lo || r >= hi ? FN(vquiet)()
                       : FN(herk_load)(at + r * h->pitch, h->shape, h->lanes, h->src_half));
    return (FN(herk_rows)){patched, lo == hi ? 0 : VEC_LANES};
}

DC_INLINE FN(herk_rows)
    FN(herk_view)(const FN(herk) * h, int p, dc_i64 first, dc_i64 count, T *patched)
{
    const FN(loose) *at = h->src + first * h->pitch + FN(herk_column)(h, p);
    if (first >= 0 && first + count <= h->rows)
        return (FN(herk_rows)){at, h->pitch};
    return FN(herk_patch)(h, at, first, count, patched);
}

/* The ring is full: minima of blocks become suffix minima. */
static void FN(herk_turn)(FN(herk) * h, int maxima)
{
    const dc_i64 pitch = h->registers * VEC_LANES;
    for (dc_i64 i = (h->turns - 1) * pitch - VEC_LANES; i >= 0; i -= VEC_LANES)
        FN(vstore)
    (h->ring + i, FN(herk_merge)(maxima, FN(vload)(h->ring + i + pitch), FN(vload)(h->ring + i)));
    for (int p = 0; p < h->registers; p++)
        FN(vstore)(h->running + p * VEC_LANES, FN(herk_none)(maxima));
    h->turn = 0;
}

/* A block of `outs` windows of a register: where its values are and its results go. */
typedef struct FN(herk_step) {
    FN(herk_rows) fresh, stale; /* of the new block and the old                              */
    const FN(vec) * between;    /* minimum of the rows between                               */
    FN(loose) * out;
    dc_i64 out_pitch, outs;
    FN(vec) least; /* result: of the new block                                               */
} FN(herk_step);

/* Asks for the rows of a block that lie `ahead` elements further. */
DC_INLINE void FN(herk_fetch)(FN(herk_rows) rows, dc_i64 ahead, dc_i64 half, dc_i64 count,
                              int shape)
{
    uintptr_t at = (uintptr_t)rows.at + (uintptr_t)ahead * sizeof(T);
    for (dc_i64 i = 0; i < count; i++, at += (uintptr_t)rows.pitch * sizeof(T)) {
        __builtin_prefetch((const void *)at, 0, 2);
        if (shape == HERK_HALVES)
            __builtin_prefetch((const void *)(at + (uintptr_t)half * sizeof(T)), 0, 2);
    }
}

/* Minima of all rows but the newest of short windows, where suffix minima of others go. */
DC_INLINE void FN(herk_near)(const FN(herk) * h, const FN(herk_step) * s, int maxima, int shape,
                             int counted, int inf_is_value)
{
    const dc_i64 pitch = s->stale.pitch, half = h->src_half, before = h->window - 1;
    const int lanes = h->lanes;
    const FN(loose) *row = s->stale.at;
    T *to = h->suffix;
    for (dc_i64 i = 0; i < s->outs; i++, row += pitch, to += VEC_LANES) {
        FN(vec) least = FN(herk_none)(maxima);
        for (dc_i64 d = 0; d < before; d++) {
            const FN(vec) x = FN(herk_load)(row + d * pitch, shape, lanes, half);
            const FN(vec) merged = FN(herk_merge)(maxima, x, least);
            least = counted ? FN(vsel)(FN(vismissing)(x, inf_is_value), least, merged) : merged;
        }
        FN(vstore)(to, least);
    }
}

/* Suffix minima of the old block. */
DC_INLINE void FN(herk_back)(const FN(herk) * h, const FN(herk_step) * s, int maxima, int shape,
                             int counted, int inf_is_value)
{
    const dc_i64 pitch = s->stale.pitch, half = h->src_half;
    const int lanes = h->lanes;
    const FN(loose) *row = s->stale.at + (h->block + h->spare) * pitch;
    T *to = h->suffix + h->block * VEC_LANES;
    FN(vec) least = *s->between;
    if (h->brief) {
        FN(herk_near)(h, s, maxima, shape, counted, inf_is_value);
        return;
    }
    for (dc_i64 r = h->block + h->spare; r > 0; r--) {
        row -= pitch;
        const FN(vec) x = FN(herk_load)(row, shape, lanes, half);
        const FN(vec) merged = FN(herk_merge)(maxima, x, least);
        least = counted ? FN(vsel)(FN(vismissing)(x, inf_is_value), least, merged) : merged;
        if (r > h->block)
            continue;
        to -= VEC_LANES;
        FN(vstore)(to, least);
    }
}

/* The new block where no value is missing and each window has enough of them, or (`mute`) none has.
 * Returns the lanes where one is missing after all. */
DC_INLINE FN(mask) FN(herk_clean)(const FN(herk) * h, FN(herk_step) * s, int maxima, int shape,
                                  int mute, int inf_is_value)
{
    const dc_i64 pitch = s->fresh.pitch, out_pitch = s->out_pitch, outs = s->outs;
    const dc_i64 half = h->src_half, out_half = h->out_half;
    const int lanes = h->lanes, brief = h->brief;
    const FN(loose) *row = s->fresh.at;
    const T *suffix = h->suffix;
    FN(loose) *out = s->out;
    FN(vec) least = FN(herk_none)(maxima);
    FN(mask) bad = FN(mnone)();
    FN(bits) odd = {0};
    if (!mute)
        FN(herk_back)(h, s, maxima, shape, 0, inf_is_value);
    for (dc_i64 i = 0; i < outs; i++) {
        const FN(vec) x = FN(herk_load)(row, shape, lanes, half);
        if (inf_is_value)
            bad = FN(mor)(bad, FN(visnan)(x));
        else
            odd |= (FN(bits))(x - x); /* 0, of NaN and infinities NaN */
        least = brief ? FN(herk_none)(maxima) : least;
        least = FN(herk_merge)(maxima, x, least);
        const FN(vec) end = mute ? FN(vquiet)() : FN(vload)(suffix);
        const FN(vec) result = FN(herk_merge)(maxima, end, least) + FN(vzero)();
        FN(herk_store)(out, shape, lanes, out_half, mute ? FN(vquiet)() : result);
        row += pitch;
        out += out_pitch;
        suffix += VEC_LANES;
    }
    s->least = least;
    return FN(mor)(bad, FN(visnan)((FN(vec))odd));
}

/* The same whatever is missing.  The old block of `s` begins a row early, the counts are those of
 * the window that ends before the new block. */
DC_INLINE FN(cvec) FN(herk_counted)(const FN(herk) * h, FN(herk_step) * s, FN(cvec) count,
                                    int maxima, int shape, int inf_is_value)
{
    const dc_i64 pitch = s->fresh.pitch, out_pitch = s->out_pitch, outs = s->outs;
    const dc_i64 stale_pitch = s->stale.pitch, half = h->src_half, out_half = h->out_half;
    const dc_i64 few = h->min_periods;
    const int lanes = h->lanes, brief = h->brief;
    const FN(loose) *row = s->fresh.at, *stale = s->stale.at;
    const T *suffix = h->suffix;
    FN(loose) *out = s->out;
    FN(vec) least = FN(herk_none)(maxima);
    s->stale.at += stale_pitch;
    FN(herk_back)(h, s, maxima, shape, 1, inf_is_value);
    for (dc_i64 i = 0; i < outs; i++) {
        const FN(vec) x = FN(herk_load)(row, shape, lanes, half);
        const FN(vec) y = FN(herk_load)(stale, shape, lanes, half);
        const FN(mask) gone = FN(vismissing)(x, inf_is_value);
        count = FN(cinc)(count, FN(mnot)(gone));
        count -= FN(cinc)(FN(czero)(), FN(mnot)(FN(vismissing)(y, inf_is_value)));
        least = brief ? FN(herk_none)(maxima) : least;
        least = FN(vsel)(gone, least, FN(herk_merge)(maxima, x, least));
        const FN(vec) result = FN(herk_merge)(maxima, FN(vload)(suffix), least) + FN(vzero)();
        FN(herk_store)
        (out, shape, lanes, out_half, FN(vsel)(FN(clt)(count, few), FN(vquiet)(), result));
        row += pitch;
        stale += stale_pitch;
        out += out_pitch;
        suffix += VEC_LANES;
    }
    s->least = least;
    return count;
}

/* Whether the count is `n` in every lane in use. */
static int FN(herk_all)(const FN(herk) * h, FN(cvec) count, dc_i64 n)
{
    const unsigned used = h->shape == HERK_SOME ? (1u << h->lanes) - 1 : ~0u;
    return (FN(mbits)(FN(clt)(count, n)) & used) == 0;
}

/* The windows of register p that end at rows e ... e + outs - 1; returns the new block's minimum.
 */
DC_INLINE FN(vec) FN(herk_register)(FN(herk) * h, int p, dc_i64 e, FN(herk_step) * s, int maxima,
                                    int shape, int inf_is_value)
{
    const dc_i64 start = e + 1 - h->window, last = e + s->outs - 1;
    const dc_i64 behind = h->brief ? h->window + s->outs - 2 : h->block + h->spare;
    const dc_i64 enough = h->min_periods;
    T *count = h->count + p * VEC_LANES;
    s->fresh = FN(herk_view)(h, p, e, s->outs, h->fresh);
    if (h->ahead)
        FN(herk_fetch)(s->fresh, h->ahead, h->src_half, s->outs, shape);
    if (h->ahead && h->far) {
        const dc_i64 back = (h->window - 1) * h->pitch;
        FN(herk_fetch)(s->fresh, h->ahead - back, h->src_half, s->outs, shape);
    }
    if (!h->counted[p]) {
        FN(mask) bad;
        const dc_i64 inside = FN(herk_inside)(h, last);
        const int mute = last < h->rows && inside < enough;
        if (!mute)
            s->stale = FN(herk_view)(h, p, start, behind, h->stale);
        if (mute)
            bad = FN(herk_clean)(h, s, maxima, shape, 1, inf_is_value);
        else if (pack_min(inside, FN(herk_inside)(h, e)) >= enough)
            bad = FN(herk_clean)(h, s, maxima, shape, 0, inf_is_value);
        else
            bad = FN(mfrom)(~0u);
        if (!FN(many)(bad))
            return s->least;
        h->counted[p] = 1;
        *(FN(cvec) *)count = FN(cset)(FN(herk_inside)(h, e - 1));
    }
    s->stale = FN(herk_view)(h, p, start - 1, behind + 1, h->stale);
    const FN(cvec) after = FN(herk_counted)(h, s, *(FN(cvec) *)count, maxima, shape, inf_is_value);
    *(FN(cvec) *)count = after;
    h->counted[p] = !FN(herk_all)(h, after, FN(herk_inside)(h, last));
    return s->least;
}

/* The windows that end at rows e ... e + outs - 1, outs <= B (less only in the last block).  The
 * first call continues at the row that herk_open was told. */
DC_INLINE void FN(herk_block)(FN(herk) * h, dc_i64 e, dc_i64 outs, FN(loose) * out,
                              dc_i64 out_pitch, int maxima, int shape, int inf_is_value)
{
    T *turn = h->ring + h->turn * h->registers * VEC_LANES;
    for (int p = 0; p < h->registers; p++) {
        FN(vec) *running = (FN(vec) *)h->running + p, between = FN(herk_none)(maxima);
        FN(herk_step)
        s = {.between = &between,
             .out = out + FN(herk_column)(h, p),
             .out_pitch = out_pitch,
             .outs = outs};
        if (h->turns)
            between = FN(herk_merge)(maxima, FN(vload)(turn + p * VEC_LANES), *running);
        const FN(vec) least = FN(herk_register)(h, p, e, &s, maxima, shape, inf_is_value);
        *running = FN(herk_merge)(maxima, least, *running);
        if (h->turns)
            FN(vstore)(turn + p * VEC_LANES, least);
    }
    if (h->turns && ++h->turn == h->turns)
        FN(herk_turn)(h, maxima);
}

#define HERK_BLOCK(name, maxima, shape)                                                            \
    static void FN(herk_##name)(FN(herk) * h, dc_i64 e, dc_i64 outs, FN(loose) * out,              \
                                dc_i64 out_pitch)                                                  \
    {                                                                                              \
        if (h->inf_is_value)                                                                       \
            FN(herk_block)(h, e, outs, out, out_pitch, maxima, shape, 1);                          \
        else                                                                                       \
            FN(herk_block)(h, e, outs, out, out_pitch, maxima, shape, 0);                          \
    }
HERK_BLOCK(min_full, 0, HERK_FULL)
HERK_BLOCK(min_some, 0, HERK_SOME)
HERK_BLOCK(min_halves, 0, HERK_HALVES)
HERK_BLOCK(max_full, 1, HERK_FULL)
HERK_BLOCK(max_some, 1, HERK_SOME)
HERK_BLOCK(max_halves, 1, HERK_HALVES)
#undef HERK_BLOCK

typedef void (*FN(herk_walk))(FN(herk) *, dc_i64, dc_i64, FN(loose) *, dc_i64);

static FN(herk_walk) FN(herk_walk_of)(const FN(herk) * h)
{
    static const FN(herk_walk)
        walks[2][3] = {{FN(herk_min_full), FN(herk_min_some), FN(herk_min_halves)},
                       {FN(herk_max_full), FN(herk_max_some), FN(herk_max_halves)}};
    return walks[h->maxima][h->shape];
}

/* B and what follows from it.  Among blocks of a suitable length, the one that leaves the fewest
 * spare rows, which are walked once per block, not once per window. */
static void FN(herk_cut)(FN(herk) * h)
{
    const dc_i64 most = pack_max(h->window - 1, 1);
    h->block = pack_min(most, HERK_MOST);
    h->brief = h->window <= HERK_SHORT;
    if (h->brief) {
        h->block = HERK_LEAST;
        return;
    }
    if (most > HERK_MOST)
        for (dc_i64 b = HERK_LEAST; b < HERK_MOST; b++)
            if (most % b * h->block < most % h->block * b)
                h->block = b;
    h->spare = most % h->block;
    h->turns = most / h->block - 1;
}

/* Scratch in registers. */
static dc_i64 FN(herk_scratch)(const FN(herk) * h)
{
    return (h->turns + 2) * h->registers + 4 * h->block + h->spare + HERK_SHORT;
}

/* Rows before the first window's end, [from, to) of one block: counts, and the block's minimum. */
static void FN(herk_before)(FN(herk) * h, int p, dc_i64 from, dc_i64 to, T *minimum)
{
    const FN(loose) *row = h->src + from * h->pitch + FN(herk_column)(h, p);
    FN(cvec) *kept = (FN(cvec) *)h->count + p, count = *kept;
    FN(vec) least = FN(herk_none)(h->maxima);
    for (dc_i64 r = from; r < to; r++, row += h->pitch) {
        const FN(vec) x = FN(herk_load)(row, h->shape, h->lanes, h->src_half);
        const FN(mask) gone = FN(vismissing)(x, h->inf_is_value);
        count = FN(cinc)(count, FN(mnot)(gone));
        least = FN(vsel)(gone, least, FN(herk_merge)(h->maxima, x, least));
    }
    *kept = count;
    if (minimum)
        FN(vstore)(minimum + p * VEC_LANES, least);
}

/* The next window ends at row `first`. */
static void FN(herk_open)(FN(herk) * h, dc_i64 first, T *scratch)
{
    const dc_i64 width = h->registers * VEC_LANES, block = h->block;
    const dc_i64 low = pack_max(first - h->window, 0), high = pack_min(first, h->rows);
    dc_i64 turn = -pack_div_up(h->window, block);
    h->ring = scratch;
    h->running = h->ring + h->turns * width;
    h->count = h->running + width;
    h->suffix = h->count + width;
    h->fresh = h->suffix + block * VEC_LANES;
    h->stale = h->fresh + block * VEC_LANES;
    for (dc_i64 i = 0; i < h->turns * width; i += VEC_LANES)
        FN(vstore)(h->ring + i, FN(herk_none)(h->maxima));
    for (int p = 0; p < h->registers; p++) {
        FN(vstore)(h->running + p * VEC_LANES, FN(herk_none)(h->maxima));
        *((FN(cvec) *)h->count + p) = FN(czero)();
    }
    for (; turn < 0; turn++) {
        const dc_i64 from = pack_max(first + turn * block, low);
        const dc_i64 to = pack_min(first + (turn + 1) * block, high);
        const dc_i64 slot = h->turns + turn;
        for (int p = 0; from < to && p < h->registers; p++)
            FN(herk_before)(h, p, from, to, slot < 0 ? NULL : h->ring + slot * width);
    }
    for (int p = 0; p < h->registers; p++)
        h->counted[p] =
            !FN(herk_all)(h, *((FN(cvec) *)h->count + p), FN(herk_inside)(h, first - 1));
    if (h->turns)
        FN(herk_turn)(h, h->maxima);
}

static FN(herk) FN(herk_of)(const dc_rolling_args *a, dc_i64 window)
{
    FN(herk)
    h = {.rows = a->rows,
         .pitch = a->src_row_stride,
         .window = window,
         .min_periods = a->min_periods,
         .shape = HERK_FULL,
         .registers = 1,
         .inf_is_value = a->inf_is_value != 0,
         .maxima = a->kind == DC_ROLLING_MAX};
    FN(herk_cut)(&h);
    return h;
}

/* Windows of a panel; with a step, by way of `all`. */
static void FN(herk_panel)(const FN(pack) * v, const T *in, FN(loose) * out, T *all)
{
    FN(herk) h = FN(herk_of)(v->args, v->window);
    const FN(herk_walk) walk = FN(herk_walk_of)(&h);
    const dc_i64 outs = (v->outs - 1) * v->step + 1,
                 pitch = v->step == 1 ? v->out_pitch : VEC_LANES;
    FN(loose) *to = v->step == 1 ? out : (FN(loose) *)all;
    h.src = in;
    h.pitch = VEC_LANES;
    h.rows = v->rows;
    FN(herk_open)(&h, v->lead, all + (v->step == 1 ? 0 : outs * VEC_LANES));
    for (dc_i64 done = 0; done < outs; done += h.block)
        walk(&h, v->lead + done, pack_min(h.block, outs - done), to + done * pitch, pitch);
    for (dc_i64 j = 0; v->step != 1 && j < v->outs; j++)
        FN(vstoreu)(out + j * v->out_pitch, FN(vload)(all + j * v->step * VEC_LANES));
}

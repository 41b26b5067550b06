/* Panels: the values of some columns in a leaf, row by row, `ld` apart.  Part of
 * cpu_fallback/correlation.c. */

enum {
    FN(CORR_MOST) = 1024 / (int)sizeof(T),                  /* columns of a panel */
    FN(CORR_LD) = FN(CORR_MOST) + 64 / (int)sizeof(T),      /* of complete columns */
    FN(CORR_HALF) = 512 / (int)sizeof(T),                   /* of others           */
    FN(CORR_LD_HALF) = FN(CORR_HALF) + 64 / (int)sizeof(T), /* ... their panel     */
    FN(CORR_WORDS) = DC_CORRELATION_LEAF / 64
};

/* What a leaf's panel holds.  Columns behind `width` are zeros up to ld. */
typedef struct FN(corr_panel) {
    T *d, *m, *q;                             /* m, q: NULL for complete columns               */
    T *s, *square;                            /* sums of d and q, of complete columns          */
    dc_u64 *word;                             /* rows with values, CORR_WORDS for each column  */
    T scale[FN(CORR_LD)], shift[FN(CORR_LD)]; /* 0 behind width                                */
    dc_i64 first, width, ld;
} FN(corr_panel);

/* A table as the mirror reads it: bytes. */
typedef struct FN(corr_source) {
    const char *at;
    dc_i64 row, col;
} FN(corr_source);

/* Elements that do not lie side by side: row by row into `to`. */
static void FN(corr_gather)(const FN(corr_source) * src, dc_i64 row, dc_i64 rows, dc_i64 first,
                            dc_i64 width, T *to, dc_i64 ld)
{
    for (dc_i64 j = 0; j < width; j++) {
        const char *from = src->at + row * src->row + (first + j) * src->col;

        for (dc_i64 r = 0; r < rows; r++, from += src->row)
            memcpy(to + r * ld + j, from, sizeof(T));
    }
}

enum { FN(CORR_AHEAD) = 32 }; /* rows */

/* nv registers, and the line that the last may reach into. */
DC_INLINE void FN(corr_fetch)(const char *from, const int nv)
{
#pragma GCC unroll 5
    for (int at = 0; at <= nv * DC_VECTOR_BYTES; at += 64)
        __builtin_prefetch(from + at, 0, 2);
}

/* `nv` registers of columns; the last has `lanes` columns, and memory behind them is not touched.
 */
DC_INLINE void FN(corr_pack_wide)(FN(corr_panel) * p, const char *from, dc_i64 step, dc_i64 rows,
                                  dc_i64 at, const int nv, const int lanes)
{
    T *const pd = p->d + at;
    const dc_i64 ld = p->ld;
    FN(vec) scale[4] = {{0}}, shift[4] = {{0}}, s[4] = {{0}}, square[4] = {{0}};

#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
        scale[v] = FN(vloadu)(p->scale + at + v * VEC_LANES);
        shift[v] = FN(vloadu)(p->shift + at + v * VEC_LANES);
        s[v] = square[v] = FN(vzero)();
    }
    for (dc_i64 r = 0; r < rows; r++) {
        const FN(loose) *const x = (const FN(loose) *)(const void *)(from + r * step);
        T *const to = pd + r * ld;

        FN(corr_fetch)(from + (r + FN(CORR_AHEAD)) * step, nv);

#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            FN(vec) d;

            if (lanes == VEC_LANES)
                d = FN(vloadu)(x + v * VEC_LANES);
            else
                d = FN(vload_n)(x, lanes);
            d = d * scale[v];
            d = d - shift[v];
            s[v] = s[v] + d;
            square[v] = square[v] + d * d;
            FN(vstoreu)(to + v * VEC_LANES, d);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
        FN(vstoreu)(p->s + at + v * VEC_LANES, s[v]);
        FN(vstoreu)(p->square + at + v * VEC_LANES, square[v]);
    }
}

/* nv registers of columns with missing values; the words of `rows with values` in `word`. */
DC_INLINE void FN(corr_pack_holes)(FN(corr_panel) * p, const char *from, dc_i64 step, dc_i64 rows,
                                   dc_i64 at, const int nv, const int lanes)
{
    enum { WORD = 8 * (int)sizeof(T), PIECES = 64 / WORD };
    const FN(vec) one = FN(vset)(1), zero = FN(vzero)();
    T *const pd = p->d + at, *const pm = p->m + at, *const pq = p->q + at;
    const dc_i64 ld = p->ld;
    FN(vec) scale[4], shift[4];

#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
        scale[v] = FN(vloadu)(p->scale + at + v * VEC_LANES);
        shift[v] = FN(vloadu)(p->shift + at + v * VEC_LANES);
    }
    for (dc_i64 w = 0; w < DC_CORRELATION_LEAF / WORD; w++) {
        FN(bits) word[4] = {{0}};
        const dc_i64 end = rows < (w + 1) * WORD ? rows : (w + 1) * WORD;

        for (dc_i64 r = w * WORD; r < end; r++) {
            const FN(loose) *const x = (const FN(loose) *)(const void *)(from + r * step);
            const FN(bits) bit =
                (FN(bits)){0} + (__typeof__(word[0][0]))((dc_u64)1 << (r - w * WORD));

            /* rows lie apart: nobody else guesses where the next are */
            FN(corr_fetch)(from + (r + FN(CORR_AHEAD)) * step, nv);
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++) {
                const dc_i64 to = r * ld + v * VEC_LANES;
                FN(vec)
                d = lanes == VEC_LANES ? FN(vloadu)(x + v * VEC_LANES) : FN(vload_n)(x, lanes);
                const FN(mask) missing = FN(visnonfinite)(d);

                d = d * scale[v];
                d = FN(vsel)(missing, zero, d - shift[v]);
                FN(vstoreu)(pd + to, d);
                FN(vstoreu)(pm + to, FN(vsel)(missing, zero, one));
                FN(vstoreu)(pq + to, d * d);
                word[v] |= (FN(bits))FN(vsel)(missing, zero, (FN(vec))bit);
            }
        }
        for (int v = 0; v < nv; v++)
            for (int lane = 0; lane < lanes; lane++) {
                const dc_i64 column = at + v * VEC_LANES + lane;
                dc_u64 *const to = p->word + column * FN(CORR_WORDS) + w / PIECES;
                const dc_u64 part =
                    sizeof(T) == 4 ? (dc_u64)(dc_u32)word[v][lane] : (dc_u64)word[v][lane];

                *to = (w % PIECES ? *to : 0) | part << (w % PIECES * WORD & 63);
            }
    }
}

static void FN(corr_pack_zeros)(T *to, dc_i64 rows, dc_i64 ld, dc_i64 from)
{
    for (dc_i64 r = 0; r < rows; r++)
        memset(to + r * ld + from, 0, (size_t)(ld - from) * sizeof(T));
}

/* The panel's columns of a leaf. */
static void FN(corr_pack)(FN(corr_panel) * p, const FN(corr_source) * src, dc_i64 row, dc_i64 rows)
{
    const char *from = src->at + row * src->row + p->first * src->col;
    dc_i64 step = src->row, at = 0;
    const dc_i64 size = (dc_i64)sizeof(T);
    int left;

    if (src->col != size) {
        FN(corr_gather)(src, row, rows, p->first, p->width, p->d, p->ld);
        from = (const char *)p->d;
        step = p->ld * size;
    }
    for (; !p->m && p->width - at >= 4 * VEC_LANES; at += 4 * VEC_LANES)
        FN(corr_pack_wide)(p, from + at * size, step, rows, at, 4, VEC_LANES);
    for (; !p->m && p->width - at >= VEC_LANES; at += VEC_LANES)
        FN(corr_pack_wide)(p, from + at * size, step, rows, at, 1, VEC_LANES);
    for (; p->m && p->width - at >= 4 * VEC_LANES; at += 4 * VEC_LANES)
        FN(corr_pack_holes)(p, from + at * size, step, rows, at, 4, VEC_LANES);
    for (; p->m && p->width - at >= VEC_LANES; at += VEC_LANES)
        FN(corr_pack_holes)(p, from + at * size, step, rows, at, 1, VEC_LANES);
    left = (int)(p->width - at);
    if (left > 0 && p->m)
        FN(corr_pack_holes)(p, from + at * size, step, rows, at, 1, left);
    else if (left > 0)
        FN(corr_pack_wide)(p, from + at * size, step, rows, at, 1, left);
    at += left > 0 ? VEC_LANES : 0;
    if (at >= p->ld)
        return;
    FN(corr_pack_zeros)(p->d, rows, p->ld, at);
    if (p->m) {
        FN(corr_pack_zeros)(p->m, rows, p->ld, at);
        FN(corr_pack_zeros)(p->q, rows, p->ld, at);
    }
}

/* Columns first ... of the table.  `complete`: have they all a value in every row? */
static void FN(corr_panel_open)(FN(corr_panel) * p, const FN(correlation_column) * column,
                                dc_i64 first, dc_i64 width, dc_i64 ld)
{
    p->first = first;
    p->width = width;
    p->ld = ld;
    memset(p->scale, 0, sizeof p->scale);
    memset(p->shift, 0, sizeof p->shift);
    for (dc_i64 j = 0; j < width; j++) {
        p->scale[j] = column[first + j].scale;
        p->shift[j] = column[first + j].shift;
    }
}

static int FN(corr_complete)(const dc_correlation_args *a, const FN(correlation_column) * column,
                             dc_i64 first, dc_i64 width)
{
    for (dc_i64 j = first; j < first + width; j++)
        if (column[j].n != a->rows)
            return 0;
    return 1;
}

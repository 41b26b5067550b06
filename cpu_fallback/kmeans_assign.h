/* ASSIGN and PREDICT.  Part of cpu_fallback/kmeans.c. */

/* Scores of KM_ROWS rows with `some` centres from centre j on; `some` is a constant. */
DC_INLINE void FN(km_scores)(const FN(km_in) * x, const FN(km_in) * c, const T *start, dc_i64 d,
                             dc_i64 j, const int some, FN(vec) * best, FN(bits) * label)
{
    FN(vec) s[6][KM_VECTORS];

#pragma GCC unroll 6
    for (int i = 0; i < some; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++)
            s[i][v] = FN(vset)(start[i]);
    }
    for (dc_i64 t = 0; t < d; t++) {
        FN(vec) row[KM_VECTORS];

#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++)
            row[v] = FN(vloadu)(x + t * KM_BLOCK + v * VEC_LANES);
#pragma GCC unroll 6
        for (int i = 0; i < some; i++) {
            const FN(vec) centre = FN(vset)(c[i * d + t]);

#pragma GCC unroll 4
            for (int v = 0; v < KM_VECTORS; v++)
                s[i][v] = FN(vfma)(row[v], centre, s[i][v]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < some; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++) {
            const FN(mask) m = FN(vlt)(best[v], s[i][v]);

            best[v] = FN(vsel)(m, s[i][v], best[v]);
            label[v] = (FN(bits))FN(vsel)(m, (FN(vec))((FN(bits)){0} + (dc_i32)(j + i)),
                                          (FN(vec))label[v]);
        }
    }
}

/* Labels of a block. */
static void FN(km_labels)(const FN(km_in) * x, const FN(km_in) * c, const T *start,
                          const dc_kmeans_args *a, dc_i32 *labels)
{
    for (int r = 0; r < KM_BLOCK; r += KM_ROWS) {
        FN(vec) best[KM_VECTORS];
        FN(bits) label[KM_VECTORS];
        dc_i64 j = 0;

        for (int v = 0; v < KM_VECTORS; v++) {
            best[v] = -FN(vinf)();
            label[v] = (FN(bits)){0};
        }
        for (; j + 6 <= a->k; j += 6)
            FN(km_scores)(x + r, c + j * a->d, start + j, a->d, j, 6, best, label);
        if (j + 4 <= a->k) {
            FN(km_scores)(x + r, c + j * a->d, start + j, a->d, j, 4, best, label);
            j += 4;
        }
        for (; j < a->k; j++)
            FN(km_scores)(x + r, c + j * a->d, start + j, a->d, j, 1, best, label);
        for (int v = 0; v < KM_VECTORS; v++) {
            typedef dc_i32 narrow __attribute__((vector_size(4 * (DC_VECTOR_BYTES / sizeof(T)))));
            const narrow some = __builtin_convertvector(label[v], narrow);

            memcpy(labels + r + v * VEC_LANES, &some, sizeof some);
        }
    }
}

/* -|c|^2 / 2 of every centre. */
static void FN(km_starts)(const FN(km_in) * c, const dc_kmeans_args *a, T *start)
{
    for (dc_i64 j = 0; j < a->k; j++) {
        T h = 0;

        for (dc_i64 t = 0; t < a->d; t++) {
            const T v = c[j * a->d + t];
#if DC_BITS_OF(SFX) == 32
            h = fmaf(v, v, h);
#else
            h = fma(v, v, h);
#endif
        }
        start[j] = h * (T)-0.5;
    }
}

DC_INLINE dc_i64 FN(km_starts_bytes)(const dc_kmeans_args *a)
{
    return (a->k * (dc_i64)sizeof(T) + 63) / 64 * 64;
}

static void FN(kmeans_predict_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, FN(km_block_ns)(a) + 20, 20000);
    tiling->scratch_bytes = FN(km_starts_bytes)(a);
}

/* Operands: packed, centres, labels. */
static void FN(kmeans_predict)(void *const *operand, const void *args, const dc_tiling *tiling,
                               dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;
    dc_i32 labels[KM_BLOCK];

    FN(km_starts)(operand[1], a, scratch);
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        FN(km_labels)
        ((const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK, operand[1], scratch, a, labels);
        memcpy((dc_i32 *)operand[2] + b * KM_BLOCK, labels,
               (size_t)FN(km_rows)(a, b) * sizeof *labels);
    }
}

/* Sums of a tile: per cluster rows, weights, then limbs of `pad` columns from place 8 on. */
typedef struct FN(km_own) {
    T *start; /* -|c|^2 / 2 */
    T *rows;  /* a block, row behind row, or one row */
    dc_i64 *sums;
    dc_i64 pad, stride, changed;
} FN(km_own);

DC_INLINE dc_i64 FN(km_pad)(const dc_kmeans_args *a)
{
    return (a->d + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
}

DC_INLINE dc_i64 FN(km_own_bytes)(const dc_kmeans_args *a)
{
    return a->k * (8 + KMEANS_LIMBS * FN(km_pad)(a)) * 8;
}

static void FN(kmeans_assign_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    /* A tile clears and merges sums of its own. */
    FN(km_cut)
    (a, machine, tiling, FN(km_block_ns)(a) + 100, 20000 + (double)FN(km_own_bytes)(a));
    tiling->scratch_bytes =
        FN(km_starts_bytes)(a) + FN(km_own_bytes)(a) + KM_BLOCK * FN(km_pad)(a) * (dc_i64)sizeof(T);
}

/* A row (its values at x) leaves cluster `from` and enters `to`; NULL: none. */
DC_INLINE void FN(km_move)(const T *x, const T *f, const dc_kmeans_args *a, dc_i64 pad, T w,
                           dc_i64 *from, dc_i64 *to)
{
    const dc_i64 weight = FN(kmeans_count)(w * KMEANS_G(a)[2] * KMEANS_G(a)[3]);

    if (from) {
        from[0]--;
        from[1] = (dc_i64)((dc_u64)from[1] - (dc_u64)weight);
    }
    to[0]++;
    to[1] = kmeans_plus(to[1], weight);
    for (dc_i64 t = 0; t < a->d; t += VEC_LANES) {
        const int some = a->d - t < VEC_LANES ? (int)(a->d - t) : VEC_LANES;
        const FN(vec) f1 = FN(vload_n)((const FN(km_in) *)f + t, some);
        const FN(vec) f2 = FN(vload_n)((const FN(km_in) *)f + a->d + t, some);
        const FN(vec) y = FN(vloadu)((const FN(km_in) *)x + t) * FN(vset)(w) * f1 * f2;
        const FN(vlong) hi = FN(vlong_round)(y);

        FN(vlong_join)(to + 8 + t, hi, 0);
        if (from)
            FN(vlong_join)(from + 8 + t, hi, 1);
        if (KMEANS_LIMBS == 2) {
            const FN(vlong) lo = FN(vlong_rest)(y, hi);

            FN(vlong_join)(to + 8 + pad + t, lo, 0);
            if (from)
                FN(vlong_join)(from + 8 + pad + t, lo, 1);
        }
    }
}

/* The rows of a block whose labels changed. */
static void FN(km_follow)(const FN(km_in) * x, const T *f, const FN(km_in) * weights,
                          const dc_kmeans_args *a, const dc_i32 *old, const dc_i32 *labels,
                          dc_i64 rows, FN(km_own) * own)
{
    dc_i64 changed = 0;
    int turned;

    for (dc_i64 r = 0; r < rows; r++)
        changed += old[r] != labels[r];
    own->changed += changed;
    turned = changed > 8;
    for (dc_i64 r = 0; turned && r < KM_BLOCK; r += VEC_LANES)
        for (dc_i64 t = 0; t < a->d; t += VEC_LANES)
            FN(km_turn_back)(x + r, t, a->d, own->rows + r * own->pad + t, own->pad);
    for (dc_i64 r = 0; changed > 0 && r < rows; r++) {
        const dc_i64 was = old[r], is = labels[r];
        T *const row = turned ? own->rows + r * own->pad : own->rows;

        if (was == is)
            continue;
        for (dc_i64 t = 0; !turned && t < own->pad; t++)
            row[t] = t < a->d ? x[t * KM_BLOCK + r] : (T)0;
        FN(km_move)
        (row, f, a, own->pad, a->weighted ? weights[r] : (T)1,
         was >= 0 && was < a->k ? own->sums + was * own->stride : NULL,
         own->sums + is * own->stride);
    }
}

/* A tile's sums into those of all. */
static void FN(km_merge)(const dc_kmeans_args *a, const FN(km_own) * own, dc_i64 *sums)
{
    const dc_i64 stride = KMEANS_STATE(a, KMEANS_LIMBS);

    for (dc_i64 j = 0; own->changed > 0 && j < a->k; j++) {
        const dc_i64 *const from = own->sums + j * own->stride;
        dc_i64 *const to = sums + j * stride;

        FN(km_join)(to, from[0]);
        FN(km_join)(to + 1, from[1]);
        for (dc_i64 t = 0; t < a->d; t++)
            for (int l = 0; l < KMEANS_LIMBS; l++)
                FN(km_join)(to + 2 + l * a->d + t, from[8 + l * own->pad + t]);
    }
    FN(km_join)(sums + a->k * stride, own->changed);
}

/* Operands: packed, centres, labels so far, weights, state, labels, sums, factors.  `sums` begins
 * as a copy of the state. */
static void FN(kmeans_assign)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;
    FN(km_own) own;

    own.start = scratch;
    own.sums = (dc_i64 *)(void *)((char *)scratch + FN(km_starts_bytes)(a));
    own.rows = (T *)(void *)((char *)own.sums + FN(km_own_bytes)(a));
    own.pad = FN(km_pad)(a);
    own.stride = 8 + KMEANS_LIMBS * own.pad;
    own.changed = 0;
    memset(own.sums, 0, (size_t)FN(km_own_bytes)(a));
    FN(km_starts)(operand[1], a, own.start);
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK;
        const dc_i64 rows = FN(km_rows)(a, b);
        dc_i32 labels[KM_BLOCK], old[KM_BLOCK];

        FN(km_labels)(x, operand[1], own.start, a, labels);
        memcpy(old, (const char *)operand[2] + b * KM_BLOCK * 4, (size_t)rows * 4);
        memcpy((dc_i32 *)operand[5] + b * KM_BLOCK, labels, (size_t)rows * 4);
        if (memcmp(old, labels, (size_t)rows * 4) != 0)
            FN(km_follow)
        (x, operand[7], (const FN(km_in) *)operand[3] + b * KM_BLOCK, a, old, labels, rows, &own);
    }
    FN(km_merge)(a, &own, operand[6]);
}

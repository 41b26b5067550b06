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
        for (int v = 0; v < KM_VECTORS; v++)
            for (int i = 0; i < VEC_LANES; i++)
                labels[r + v * VEC_LANES + i] = (dc_i32)label[v][i];
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

static void FN(kmeans_assign_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;
    const dc_i64 own = (a->k + 1) * KMEANS_STATE(a, KMEANS_LIMBS) * 8;

    memset(tiling, 0, sizeof *tiling);
    /* A tile clears and merges sums of its own. */
    FN(km_cut)(a, machine, tiling, FN(km_block_ns)(a) + 100, 20000 + (double)own);
    tiling->scratch_bytes = FN(km_starts_bytes)(a) + own;
}

/* Row r of a block leaves cluster `from` and enters `to`; -1: none. */
DC_INLINE void FN(km_move)(const FN(km_in) * x, const T *f, const dc_kmeans_args *a, T w,
                           dc_i64 weight, dc_i64 *from, dc_i64 *to)
{
    const dc_i64 d = a->d;

    if (from) {
        from[0]--;
        from[1] -= weight;
    }
    if (to) {
        to[0]++;
        to[1] += weight;
    }
    for (dc_i64 t = 0; t < d; t++) {
        const T v = x[t * KM_BLOCK] * w;
        const T y = v * f[t] * f[d + t];
        const dc_i64 hi = FN(kmeans_count)(y);
        const dc_i64 lo = KMEANS_LIMBS == 2 ? FN(kmeans_rest)(y, hi) : 0;

        if (from) {
            from[2 + t] -= hi;
            if (KMEANS_LIMBS == 2)
                from[2 + d + t] -= lo;
        }
        if (to) {
            to[2 + t] += hi;
            if (KMEANS_LIMBS == 2)
                to[2 + d + t] += lo;
        }
    }
}

/* Operands: packed, centres, labels so far, weights, state, labels, sums, factors.  `sums` begins
 * as a copy of the state. */
static void FN(kmeans_assign)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    typedef dc_i32 loose_label __attribute__((aligned(1), may_alias));
    const dc_kmeans_args *const a = args;
    const FN(km_in) *const weights = operand[3];
    const T *const f = operand[7];
    const dc_i64 stride = KMEANS_STATE(a, KMEANS_LIMBS);
    T *const start = scratch;
    dc_i64 *const own = (dc_i64 *)(void *)((char *)scratch + FN(km_starts_bytes)(a));
    dc_i64 *const sums = operand[6];

    memset(own, 0, (size_t)((a->k + 1) * stride) * sizeof *own);
    FN(km_starts)(operand[1], a, start);
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK;
        const loose_label *const old = (const loose_label *)operand[2] + b * KM_BLOCK;
        dc_i32 *const to = (dc_i32 *)operand[5] + b * KM_BLOCK;
        const dc_i64 rows = FN(km_rows)(a, b);
        dc_i32 labels[KM_BLOCK];

        FN(km_labels)(x, operand[1], start, a, labels);
        for (dc_i64 r = 0; r < rows; r++) {
            const dc_i32 was = old[r], is = labels[r];

            to[r] = is;
            if (was == is)
                continue;
            const T w = a->weighted ? weights[b * KM_BLOCK + r] : (T)1;

            own[a->k * stride]++;
            FN(km_move)
            (x + r, f, a, w, FN(kmeans_count)(w * KMEANS_G(a)[2] * KMEANS_G(a)[3]),
             was >= 0 && was < a->k ? own + was * stride : NULL, own + is * stride);
        }
    }
    for (dc_i64 i = 0; i <= a->k * stride; i++)
        FN(km_join)(sums + i, own[i]);
}

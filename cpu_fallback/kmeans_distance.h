/* NEAR, SPREAD and TRANSFORM.  Part of cpu_fallback/kmeans.c. */

/* Squared distances of KM_ROWS rows to `some` centres; value t of centre i is at c[i][t * step]. */
DC_INLINE void FN(km_squares)(const FN(km_in) * x, const FN(km_in) *const *c, dc_i64 step, dc_i64 d,
                              const int some, FN(vec) s[6][KM_VECTORS])
{
#pragma GCC unroll 6
    for (int i = 0; i < some; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++)
            s[i][v] = FN(vzero)();
    }
    for (dc_i64 t = 0; t < d; t++) {
        FN(vec) row[KM_VECTORS];

#pragma GCC unroll 4
        for (int v = 0; v < KM_VECTORS; v++)
            row[v] = FN(vloadu)(x + t * KM_BLOCK + v * VEC_LANES);
#pragma GCC unroll 6
        for (int i = 0; i < some; i++) {
            const FN(vec) centre = FN(vset)(c[i][t * step]);

#pragma GCC unroll 4
            for (int v = 0; v < KM_VECTORS; v++) {
                const FN(vec) e = row[v] - centre;

                s[i][v] = FN(vfma)(e, e, s[i][v]);
            }
        }
    }
}

typedef dc_i32 FN(km_label) __attribute__((aligned(1), may_alias));

static void FN(kmeans_near_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, 1.5 * FN(km_block_ns)(a) + 10 * (double)a->k, 20000);
}

/* What the distances of `some` candidates make of a block, KM_ROWS rows at a time. */
DC_INLINE void FN(km_near)(void *const *operand, const dc_kmeans_args *a, dc_i64 b, dc_i64 j,
                           const int some)
{
    const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK;
    const FN(km_in) *const weights = (const FN(km_in) *)operand[2] + b * KM_BLOCK;
    const FN(km_in) *const closest = (const FN(km_in) *)operand[3] + b * KM_BLOCK;
    const FN(vec) g1 = FN(vset)(KMEANS_G(a)[0]), g2 = FN(vset)(KMEANS_G(a)[1]);
    const FN(km_in) * c[6];
    FN(vlong) sum[6];
    FN(vec) s[6][KM_VECTORS];
    const dc_i64 rows = FN(km_rows)(a, b);
    /* More than the caches hold goes past them. */
    const int past = a->n * a->k > (dc_i64)1 << 21;

    for (int i = 0; i < some; i++) {
        c[i] = (const FN(km_in) *)operand[1] + (j + i) * a->d;
        sum[i] = FN(vlong_zero)();
    }
    for (dc_i64 r = 0; r < rows; r += KM_ROWS) {
        FN(km_squares)(x + r, c, 1, a->d, some, s);
        for (int v = 0; v < KM_VECTORS; v++) {
            const dc_i64 at = r + v * VEC_LANES, left = rows - at;
            const int lanes = left >= VEC_LANES ? VEC_LANES : left > 0 ? (int)left : 0;

            if (lanes == 0)
                break;
            const FN(vec) far = FN(vload_n)(closest + at, lanes);
            const FN(vec) w = a->weighted ? FN(vload_n)(weights + at, lanes) : FN(vset)(1);

#pragma GCC unroll 6
            for (int i = 0; i < some; i++) {
                const FN(mask) keep = FN(mor)(FN(vlt)(far, s[i][v]), FN(veq)(far, s[i][v]));
                const FN(mask) lost = FN(visnan)(s[i][v]);
                const FN(vec) y = FN(km_quiet)(FN(vsel)(FN(mor)(keep, lost), far, s[i][v]));
                /* Lanes beyond the last row count 0. */
                const FN(vec) counted =
                    lanes == VEC_LANES ? y : FN(vload_n)((const FN(km_in) *)&y, lanes);

                T *const to = (T *)operand[4] + (j + i) * a->n + b * KM_BLOCK + at;

                if (past && lanes == VEC_LANES && ((uintptr_t)to & (DC_VECTOR_BYTES - 1)) == 0)
                    FN(vstream)(to, y);
                else
                    FN(vstore_n)((FN(km_in) *)to, y, lanes);
                sum[i] = FN(vlong_add)(sum[i], FN(vlong_round)(counted * w * g1 * g2));
            }
        }
    }
    for (int i = 0; i < some; i++)
        ((dc_i64 *)operand[5])[(j + i) * a->blocks + b] = FN(vlong_total)(sum[i]);
}

/* Operands: packed, candidates, weights, closest, closest with each, sums. */
static void FN(kmeans_near)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;

    (void)scratch;
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        dc_i64 j = 0;

        for (; j + 6 <= a->k; j += 6)
            FN(km_near)(operand, a, b, j, 6);
        if (j + 4 <= a->k) {
            FN(km_near)(operand, a, b, j, 4);
            j += 4;
        }
        for (; j < a->k; j++)
            FN(km_near)(operand, a, b, j, 1);
    }
    dc_vec_fence();
}

static void FN(kmeans_spread_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, 64.0 * (double)a->d, 20000 + 16 * (double)a->k);
    tiling->scratch_bytes = (a->d * KM_BLOCK * (dc_i64)sizeof(T) + 63) / 64 * 64 + 16 * a->k;
}

/* Squared distances of a block's rows to `panel`, their centres as the rows lie. */
DC_INLINE void FN(km_own_squares)(const FN(km_in) * x, const T *panel, dc_i64 d, T *to)
{
    for (int r = 0; r < KM_BLOCK; r += KM_ROWS) {
        FN(vec) s[KM_VECTORS];

        for (int v = 0; v < KM_VECTORS; v++)
            s[v] = FN(vzero)();
        for (dc_i64 t = 0; t < d; t++) {
#pragma GCC unroll 4
            for (int v = 0; v < KM_VECTORS; v++) {
                const dc_i64 at = t * KM_BLOCK + r + v * VEC_LANES;
                const FN(vec) e = FN(vloadu)(x + at) - FN(vloadu)((const FN(km_in) *)panel + at);

                s[v] = FN(vfma)(e, e, s[v]);
            }
        }
        for (int v = 0; v < KM_VECTORS; v++)
            FN(vstoreu)((FN(km_in) *)to + r + v * VEC_LANES, FN(km_quiet)(s[v]));
    }
}

/* The centres of a block's rows, as the rows lie; 0 without one. */
static void FN(km_panel)(const FN(km_in) * c, const FN(km_label) * labels, dc_i64 rows,
                         const dc_kmeans_args *a, T *panel)
{
    for (int r = 0; r < KM_BLOCK; r += VEC_LANES) {
        for (dc_i64 t = 0; t < a->d; t += VEC_LANES) {
            const int columns = a->d - t < VEC_LANES ? (int)(a->d - t) : VEC_LANES;
            FN(vec) some[VEC_LANES];

            for (int i = 0; i < VEC_LANES; i++) {
                const dc_i64 j = r + i < rows ? labels[r + i] : -1;

                some[i] = j >= 0 && j < a->k ? FN(vload_n)(c + j * a->d + t, columns) : FN(vzero)();
            }
            FN(vtranspose)(some);
            for (int i = 0; i < VEC_LANES; i++)
                if (i < columns)
                    FN(vstoreu)((FN(km_in) *)panel + (t + i) * KM_BLOCK + r, some[i]);
        }
    }
}

/* Operands: packed, centres, labels, weights, distances, sums (zeros at first). */
static void FN(kmeans_spread)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;
    const FN(km_in) *const c = operand[1], *const weights = operand[3];
    T *const panel = scratch;
    dc_i64 *const own =
        (dc_i64 *)(void *)((char *)scratch + (a->d * KM_BLOCK * (dc_i64)sizeof(T) + 63) / 64 * 64);

    memset(own, 0, (size_t)a->k * 16);
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK;
        const FN(km_label) *const labels = (const FN(km_label) *)operand[2] + b * KM_BLOCK;
        const dc_i64 rows = FN(km_rows)(a, b);
        T far[KM_BLOCK];

        FN(km_panel)(c, labels, rows, a, panel);
        FN(km_own_squares)(x, panel, a->d, far);
        for (dc_i64 r = 0; r < rows; r++) {
            const dc_i64 j = labels[r], at = b * KM_BLOCK + r;
            const int has = j >= 0 && j < a->k;
            const T y = !has ? (T)0 : a->root ? FN(kmeans_quiet)(FN(dc_sqrt)(far[r])) : far[r];

            ((T *)operand[4])[at] = y;
            if (!has)
                continue;
            const T q = (a->weighted ? y * weights[at] : y) * KMEANS_G(a)[0] * KMEANS_G(a)[1];
            const dc_i64 hi = FN(kmeans_count)(q);

            own[2 * j] = kmeans_plus(own[2 * j], hi);
            own[2 * j + 1] = kmeans_plus(own[2 * j + 1], FN(kmeans_rest)(q, hi));
        }
    }
    for (dc_i64 i = 0; i < 2 * a->k; i++)
        FN(km_join)((dc_i64 *)operand[5] + i, own[i]);
}

static void FN(kmeans_transform_plan)(const void *args, const dc_machine *machine,
                                      dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, 1.5 * FN(km_block_ns)(a) + 100 * (double)a->k, 20000);
}

DC_INLINE void FN(km_distances)(void *const *operand, const dc_kmeans_args *a, dc_i64 b, dc_i64 j,
                                const int some)
{
    const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * a->d * KM_BLOCK;
    const FN(km_in) * c[6];
    FN(vec) s[6][KM_VECTORS];
    const dc_i64 rows = FN(km_rows)(a, b);

    for (int i = 0; i < some; i++)
        c[i] = (const FN(km_in) *)operand[1] + (j + i) * a->d;
    for (dc_i64 r = 0; r < rows; r += KM_ROWS) {
        T *const to = (T *)operand[2] + (b * KM_BLOCK + r) * a->k + j;

        FN(km_squares)(x + r, c, 1, a->d, some, s);
        for (int i = 0; i < some; i++)
            for (int v = 0; v < KM_VECTORS; v++) {
                const FN(vec) y = FN(km_quiet)(FN(vsqrt)(s[i][v]));

                for (int l = 0; l < VEC_LANES && r + v * VEC_LANES + l < rows; l++)
                    to[(v * VEC_LANES + l) * a->k + i] = y[l];
            }
    }
}

/* Operands: packed, centres, distances. */
static void FN(kmeans_transform)(void *const *operand, const void *args, const dc_tiling *tiling,
                                 dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;

    (void)scratch;
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        dc_i64 j = 0;

        for (; j + 4 <= a->k; j += 4)
            FN(km_distances)(operand, a, b, j, 4);
        for (; j < a->k; j++)
            FN(km_distances)(operand, a, b, j, 1);
    }
}

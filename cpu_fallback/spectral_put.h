/* What a group of windows becomes.  A part of cpu_fallback/spectral.c. */

DC_INLINE FN(vec) FN(spectral_quiet)(FN(vec) x)
{
    return FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);
}

/* Lanes of a and b in turn. */
DC_INLINE void FN(spectral_zip)(FN(vec) * a, FN(vec) * b)
{
#if DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 16
    const FN(vec) low =
        __builtin_shufflevector(*a, *b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    *b = __builtin_shufflevector(*a, *b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
#elif DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 8
    const FN(vec) low = __builtin_shufflevector(*a, *b, 0, 8, 1, 9, 2, 10, 3, 11);
    *b = __builtin_shufflevector(*a, *b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif DC_VECTOR_BYTES * 8 / DC_BITS_OF(SFX) == 4
    const FN(vec) low = __builtin_shufflevector(*a, *b, 0, 4, 1, 5);
    *b = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
#else
    const FN(vec) low = __builtin_shufflevector(*a, *b, 0, 2);
    *b = __builtin_shufflevector(*a, *b, 1, 3);
#endif
    *a = low;
}

/* Results of lanes lie `apart` elements from each other. */
DC_INLINE int FN(spectral_apart)(const FN(spectral_lanes) * g, dc_i64 apart)
{
    for (int l = 1; l < g->count; l++)
        if (g->to[l] != g->to[0] + l * apart)
            return 0;
    return 1;
}

/* PIECE registers of every row, from a square of rows. */
static void FN(spectral_put_piece)(const FN(spectral_lanes) * g, const FN(vec) * v, dc_i64 k,
                                   dc_i64 ahead)
{
    T piece[VEC_LANES * FN(SPECTRAL_PIECE_ROW)] __attribute__((aligned(DC_VECTOR_BYTES)));

    for (int i = 0; i < FN(SPECTRAL_PIECE); i++) {
        FN(vec) r[VEC_LANES];

        for (int l = 0; l < VEC_LANES; l++)
            r[l] = FN(spectral_quiet)(v[k + i * VEC_LANES + l]);
        FN(vtranspose)(r);
        for (int l = 0; l < VEC_LANES; l++)
            FN(vstore)(piece + l * FN(SPECTRAL_PIECE_ROW) + i * VEC_LANES, r[l]);
    }
    for (int l = 0; l < g->count; l++)
        for (int i = 0; i < FN(SPECTRAL_PIECE); i++) {
            FN(loose) *const to = g->to[l] + k + i * VEC_LANES;

            __builtin_prefetch((const char *)to + ahead, 1, 2);
            FN(vstoreu)(to, FN(vload)(piece + l * FN(SPECTRAL_PIECE_ROW) + i * VEC_LANES));
        }
}

/* v[0 ... n - 1] of each lane to its row: element k lies at to[l] + k. */
static void FN(spectral_put_rows)(const FN(spectral_lanes) * g, const FN(vec) * v, dc_i64 n)
{
    const dc_i64 apart = (const char *)g->to[1] - (const char *)g->to[0];
    const dc_i64 ahead = VEC_LANES * apart;
    dc_i64 k = 0;

    if (FN(spectral_collide)(apart))
        for (; k + FN(SPECTRAL_PIECE) * VEC_LANES <= n; k += FN(SPECTRAL_PIECE) * VEC_LANES)
            FN(spectral_put_piece)(g, v, k, ahead);
    for (; k < n; k += VEC_LANES) {
        const int some = n - k < VEC_LANES ? (int)(n - k) : VEC_LANES;
        FN(vec) r[VEC_LANES];

        for (int i = 0; i < VEC_LANES; i++)
            r[i] = FN(spectral_quiet)(v[k + (i < some ? i : 0)]);
        FN(vtranspose)(r);
        for (int l = 0; l < VEC_LANES; l++) {
            if (l >= g->count)
                break;
            __builtin_prefetch((const char *)(g->to[l] + k) + ahead, 1, 2);
            if (some == VEC_LANES)
                FN(vstoreu)(g->to[l] + k, r[l]);
            else
                FN(vstore_n)(g->to[l] + k, r[l], some);
        }
    }
}

/* v[0], v[every], ...: n results of each lane, `step` elements from each other. */
static void FN(spectral_put)(const FN(spectral_lanes) * g, const FN(vec) * v, int every, dc_i64 n,
                             dc_i64 step)
{
    if (g->count > 1 && FN(spectral_apart)(g, 1)) {
        for (dc_i64 k = 0; k < n; k++) {
            const FN(vec) x = FN(spectral_quiet)(v[k * every]);

            if (g->count == VEC_LANES)
                FN(vstoreu)(g->to[0] + k * step, x);
            else
                FN(vstore_n)(g->to[0] + k * step, x, g->count);
        }
    } else if (step == 1 && every == 1 && n >= VEC_LANES) {
        FN(spectral_put_rows)(g, v, n);
    } else if (step == 1 && every == 1) {
        T few[VEC_LANES * VEC_LANES];

        for (dc_i64 k = 0; k < n; k++)
            FN(vstoreu)(few + k * VEC_LANES, FN(spectral_quiet)(v[k]));
        for (int l = 0; l < g->count; l++)
            for (dc_i64 k = 0; k < n; k++)
                g->to[l][k] = few[k * VEC_LANES + l];
    } else {
        for (dc_i64 k = 0; k < n; k++) {
            const FN(vec) x = FN(spectral_quiet)(v[k * every]);

            for (int l = 0; l < g->count; l++)
                g->to[l][k * step] = x[l];
        }
    }
}

/* Pairs: re `part` elements before im. */
static void FN(spectral_put_pairs)(const FN(spectral_lanes) * g, const FN(vec) * v, dc_i64 n,
                                   dc_i64 step, dc_i64 part)
{
    FN(spectral_lanes) im;

    if (part == 1 && step == 2) {
        FN(spectral_put_rows)(g, v, 2 * n);
    } else if (part == 1 && g->count == VEC_LANES && FN(spectral_apart)(g, 2)) {
        for (dc_i64 k = 0; k < n; k++) {
            FN(vec) a = FN(spectral_quiet)(v[2 * k]), b = FN(spectral_quiet)(v[2 * k + 1]);

            FN(spectral_zip)(&a, &b);
            FN(vstoreu)(g->to[0] + k * step, a);
            FN(vstoreu)(g->to[0] + k * step + VEC_LANES, b);
        }
    } else {
        im = *g;
        for (int l = 0; l < VEC_LANES; l++)
            im.to[l] += part;
        FN(spectral_put)(g, v, 2, n, step);
        FN(spectral_put)(&im, v + 1, 2, n, step);
    }
}

/* ---- sums of chunks ------------------------------------------------------------------------ */

/* A lane for each series: one more window. */
static void FN(spectral_add)(const FN(spectral_lanes) * g, FN(vec) * sum, dc_i64 n)
{
    if (g->a->omit)
        for (dc_i64 k = 0; k < n; k++)
            sum[k] = FN(vsel)(g->bad, sum[k], sum[k] + g->q[k]);
    else
        for (dc_i64 k = 0; k < n; k++)
            sum[k] += g->q[k];
}

/* A lane for each window of one series, in order: their sum to `to`. */
static void FN(spectral_add_windows)(const FN(spectral_lanes) * g, T *to, dc_i64 n)
{
    const unsigned bad = g->a->omit ? FN(mbits)(g->bad) : 0;

    for (dc_i64 k = 0; k < n; k += VEC_LANES) {
        const int some = n - k < VEC_LANES ? (int)(n - k) : VEC_LANES;
        FN(vec) r[VEC_LANES], sum = FN(vload_n)(to + k, some);

        for (int i = 0; i < VEC_LANES; i++)
            r[i] = g->q[k + (i < some ? i : 0)];
        FN(vtranspose)(r);
        for (int l = 0; l < VEC_LANES; l++)
            if (l < g->count && !(bad >> l & 1))
                sum += r[l];
        FN(vstore_n)(to + k, sum, some);
    }
}

/* ---- bands and shape ----------------------------------------------------------------------- */

static void FN(spectral_to_bands)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const dc_i32 *const list = g->whole + a->at_list;
    const T *const scale = g->value + a->at_scale;

    FN(spectral_power_of)(g);
    for (dc_i64 k = 0; a->scaled && k < a->bins; k++)
        g->q[k] = g->q[k] * scale[k];
    for (dc_i32 b = 0; b < a->list; b++) {
        const FN(vec) *const q = g->q + list[2 * b];
        const dc_i64 n = list[2 * b + 1] > list[2 * b] ? list[2 * b + 1] - list[2 * b] : 0;

        SPECTRAL_SUM(g->sum[b], n, q[i])
    }
    FN(spectral_put)(g, g->sum, 1, a->list, a->dst_bin);
}

/* The bin up to which the share of the total lies; leaf[i]: sum of leaf i. */
static FN(vec)
    FN(spectral_rolloff)(const FN(spectral_lanes) * g, const FN(vec) * leaf, FN(vec) target)
{
    const dc_i64 n = g->a->bins;
    FN(vec) before = FN(vzero)(), bin = FN(vset)((T)(n - 1));
    FN(mask) open = FN(mnot)(FN(mnone)());

    for (dc_i64 i = 0; i * DC_SPECTRAL_LEAF < n; i++) {
        const FN(vec) after = before + leaf[i];
        /* those that this leaf is for */
        FN(mask) here = FN(mand)(open, FN(mnot)(FN(vlt)(after, target)));

        open = FN(mand)(open, FN(mnot)(here));
        if (FN(many)(here)) {
            const dc_i64 end = (i + 1) * DC_SPECTRAL_LEAF < n ? (i + 1) * DC_SPECTRAL_LEAF : n;
            FN(vec) sum = before;

            bin = FN(vsel)(here, FN(vset)((T)(end - 1)), bin);
            for (dc_i64 k = i * DC_SPECTRAL_LEAF; k < end; k++) {
                FN(mask) found;

                sum += g->q[k];
                found = FN(mand)(here, FN(mnot)(FN(vlt)(sum, target)));
                bin = FN(vsel)(found, FN(vset)((T)k), bin);
                here = FN(mand)(here, FN(mnot)(found));
            }
        }
        before = after;
    }
    return bin;
}

/* Sums of the second pass. */
static void FN(spectral_sum_terms)(const FN(spectral_lanes) * g, const FN(spectral_first) * it,
                                   int logs, FN(vec) * sum)
{
    FN(spectral_tree) tree[DC_SPECTRAL_SUMS];
    const FN(vec) middle = FN(vset)(g->value[g->a->at_number + DC_SPECTRAL_MIDDLE]);
    const dc_i64 n = g->a->bins;

    for (int s = 0; s < DC_SPECTRAL_SUMS; s++)
        tree[s].top = 0, tree[s].leaves = 0;
    for (dc_i64 first = 0; first < n; first += DC_SPECTRAL_LEAF) {
        const dc_i64 end = first + DC_SPECTRAL_LEAF < n ? first + DC_SPECTRAL_LEAF : n;
        FN(vec) column[DC_SPECTRAL_SUMS][DC_SPECTRAL_COLUMNS] = {{{0}}};

        for (dc_i64 k = first; k < end; k++) {
            FN(vec) term[DC_SPECTRAL_SUMS];

            FN(spectral_terms)(it, FN(vset)((T)k), middle, g->q[k], logs, term);
            for (int s = 0; s < DC_SPECTRAL_SUMS; s++)
                if (logs || s < DC_SPECTRAL_SUM_LN || s == DC_SPECTRAL_SUM_K)
                    column[s][(k - first) % DC_SPECTRAL_COLUMNS] += term[s];
        }
        for (int s = 0; s < DC_SPECTRAL_SUMS; s++)
            FN(spectral_leaf)
        (&tree[s], (column[s][0] + column[s][1]) + (column[s][2] + column[s][3]));
    }
    for (int s = 0; s < DC_SPECTRAL_SUMS; s++)
        sum[s] = FN(spectral_close)(&tree[s]);
}

/* G, the sums of its leaves, M, the peak. */
static FN(spectral_first) FN(spectral_first_pass)(const FN(spectral_lanes) * g, FN(vec) * leaf)
{
    FN(spectral_tree) total, moment;
    FN(spectral_first) it;
    const dc_i64 n = g->a->bins;
    FN(vec) sum;

    total.top = moment.top = 0;
    total.leaves = moment.leaves = 0;
    it.peak = g->q[0];
    it.peak_bin = FN(vzero)();
    for (dc_i64 first = 0; first < n; first += DC_SPECTRAL_LEAF) {
        const dc_i64 end = first + DC_SPECTRAL_LEAF < n ? first + DC_SPECTRAL_LEAF : n;
        FN(vec) u[DC_SPECTRAL_COLUMNS] = {{0}}, v[DC_SPECTRAL_COLUMNS] = {{0}};

        for (dc_i64 k = first; k < end; k++) {
            const FN(vec) q = g->q[k], at = FN(vset)((T)k);
            const FN(mask) more = FN(vlt)(it.peak, q);

            u[(k - first) % DC_SPECTRAL_COLUMNS] += q;
            v[(k - first) % DC_SPECTRAL_COLUMNS] += at * q;
            it.peak = FN(vsel)(more, q, it.peak);
            it.peak_bin = FN(vsel)(more, at, it.peak_bin);
        }
        leaf[first / DC_SPECTRAL_LEAF] = (u[0] + u[1]) + (u[2] + u[3]);
        FN(spectral_leaf)(&total, leaf[first / DC_SPECTRAL_LEAF]);
        FN(spectral_leaf)(&moment, (v[0] + v[1]) + (v[2] + v[3]));
    }
    sum = FN(spectral_close)(&total);
    FN(spectral_begin)(&it, sum, FN(spectral_close)(&moment));
    return it;
}

static void FN(spectral_to_features)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const dc_i32 *const list = g->whole + a->at_list;
    const T *const scale = g->value + a->at_scale, *const number = g->value + a->at_number;
    FN(vec) *const leaf = g->sum + DC_SPECTRAL_NUMBERS;
    FN(vec) sum[DC_SPECTRAL_SUMS], bin = FN(vzero)();
    FN(spectral_first) it;
    int logs = 0;

    FN(spectral_power_of)(g);
    for (dc_i64 k = 0; k < a->bins; k++) {
        g->q[k] = g->q[k] * scale[k];
        if (a->weight == DC_WEIGHT_MAGNITUDE)
            g->q[k] = FN(vsqrt)(g->q[k]);
    }
    it = FN(spectral_first_pass)(g, leaf);
    for (dc_i32 i = 0; i < a->list; i++) {
        logs |= list[i] == 6 || list[i] == 7;
        if (list[i] == 5)
            bin = FN(spectral_rolloff)(g, leaf, it.total * number[DC_SPECTRAL_ROLLOFF]);
    }
    FN(spectral_sum_terms)(g, &it, logs, sum);
    for (dc_i32 i = 0; i < a->list; i++)
        g->sum[i] = FN(spectral_shape)(list[i], &it, sum, bin, FN(vset)(number[DC_SPECTRAL_STEP]),
                                       FN(vset)(number[DC_SPECTRAL_COUNT]),
                                       FN(vset)(number[DC_SPECTRAL_LN_COUNT]),
                                       FN(vset)(number[DC_SPECTRAL_SPREAD]));
    FN(spectral_put)(g, g->sum, 1, a->list, a->dst_bin);
}

/* ---- a group ------------------------------------------------------------------------------- */

static void FN(spectral_to_bins)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const T scale = g->value[a->at_scale];

    FN(spectral_bins_of)(g, 0);
    if (scale != 1)
        for (dc_i64 k = 0; k < 2 * a->bins; k++)
            g->x[0][k] = g->x[0][k] * scale;
    FN(spectral_put_pairs)(g, g->x[0], a->bins, a->dst_bin, a->dst_part);
}

/* Scaled power, or cross power, of each window. */
static void FN(spectral_to_powers)(FN(spectral_lanes) * g)
{
    const dc_spectral_args *const a = g->a;
    const T *const scale = g->value + a->at_scale;
    const int planes = a->to == DC_SPECTRAL_TO_CROSS ? 2 : 1;

    FN(spectral_planes)(g, planes);
    for (int p = 0; p < planes; p++)
        for (dc_i64 k = 0; k < a->bins; k++)
            g->q[p * a->bins + k] = g->q[p * a->bins + k] * scale[k];
    FN(spectral_put)(g, g->q, 1, a->bins, a->dst_bin);
    if (planes == 1)
        return;
    for (int l = 0; l < VEC_LANES; l++)
        g->to[l] += a->dst_part;
    FN(spectral_put)(g, g->q + a->bins, 1, a->bins, a->dst_bin);
}

static void FN(spectral_group)(FN(spectral_lanes) * g)
{
    switch (g->a->to) {
    case DC_SPECTRAL_TO_BINS:
        FN(spectral_to_bins)(g);
        break;
    case DC_SPECTRAL_TO_BANDS:
        FN(spectral_to_bands)(g);
        break;
    case DC_SPECTRAL_TO_FEATURES:
        FN(spectral_to_features)(g);
        break;
    default:
        FN(spectral_to_powers)(g);
    }
}

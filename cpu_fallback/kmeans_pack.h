/* PACK and SUMS.  Part of cpu_fallback/kmeans.c. */

static void FN(kmeans_pack_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, 64.0 * (double)a->d * 0.4, 20000);
}

DC_INLINE FN(vec) FN(km_quiet)(FN(vec) x)
{
    return FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);
}

/* VEC_LANES rows and `columns` columns, turned in registers.  `x`, `shift` (of VEC_LANES values, or
 * NULL) and `to` are those of the first. */
DC_INLINE void FN(km_turn)(const FN(km_in) * x, dc_i64 row_stride, int columns, const T *shift,
                           T g1, T g2, T *to)
{
    FN(vec) r[VEC_LANES];

    if (columns == VEC_LANES)
        for (int i = 0; i < VEC_LANES; i++)
            r[i] = FN(vloadu)(x + i * row_stride);
    else
        for (int i = 0; i < VEC_LANES; i++)
            r[i] = FN(vload_n)(x + i * row_stride, columns);
    FN(vtranspose)(r);
    for (int i = 0; i < VEC_LANES; i++) {
        const FN(vec) v = (shift ? r[i] - FN(vset)(shift[i]) : r[i]) * FN(vset)(g1) * FN(vset)(g2);

        if (i < columns)
            FN(vstoreu)((FN(km_in) *)to + (dc_i64)i * KM_BLOCK, FN(km_quiet)(v));
    }
}

/* Columns t ... t + VEC_LANES - 1 of VEC_LANES rows, one row behind the other at `to`. */
DC_INLINE void FN(km_turn_back)(const FN(km_in) * x, dc_i64 t, dc_i64 d, T *to, dc_i64 to_stride)
{
    FN(vec) r[VEC_LANES];

    for (int i = 0; i < VEC_LANES; i++)
        r[i] = t + i < d ? FN(vloadu)(x + (t + i) * KM_BLOCK) : FN(vzero)();
    FN(vtranspose)(r);
    for (int i = 0; i < VEC_LANES; i++)
        FN(vstoreu)((FN(km_in) *)to + i * to_stride, r[i]);
}

/* Rows `from` ... `end` of a block in columns `t` ... d, one value after the other. */
static void FN(km_pack_some)(const FN(km_in) * x, const dc_kmeans_args *a, const FN(km_in) * shift,
                             T *to, dc_i64 from, dc_i64 end, dc_i64 first)
{
    const T g1 = KMEANS_G(a)[0], g2 = KMEANS_G(a)[1];

    for (dc_i64 t = first; t < a->d; t++) {
        const FN(km_in) *const column = x + t * a->column_stride;

        for (dc_i64 r = from; r < end; r++) {
            const T v = column[r * a->row_stride];

            to[t * KM_BLOCK + r] = FN(kmeans_quiet)((a->shifted ? v - shift[t] : v) * g1 * g2);
        }
    }
}

/* Operands: rows, shift, packed. */
static void FN(kmeans_pack)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;
    const FN(km_in) *const shift = operand[1];
    const dc_i64 whole = a->column_stride == 1 ? a->d : 0;
    T some[VEC_LANES] = {0};

    (void)scratch;
    for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
        const FN(km_in) *const x = (const FN(km_in) *)operand[0] + b * KM_BLOCK * a->row_stride;
        T *const to = (T *)operand[2] + b * a->d * KM_BLOCK;
        const dc_i64 rows = FN(km_rows)(a, b), turned = rows / VEC_LANES * VEC_LANES;

        for (dc_i64 r = 0; r < turned && whole > 0; r += VEC_LANES) {
            for (dc_i64 t = 0; t < whole; t += VEC_LANES) {
                const int columns = a->d - t < VEC_LANES ? (int)(a->d - t) : VEC_LANES;

                for (int i = 0; a->shifted && i < columns; i++)
                    some[i] = shift[t + i];
                FN(km_turn)
                (x + r * a->row_stride + t, a->row_stride, columns, a->shifted ? some : NULL,
                 KMEANS_G(a)[0], KMEANS_G(a)[1], to + t * KM_BLOCK + r);
            }
        }
        FN(km_pack_some)(x, a, shift, to, 0, turned, whole);
        FN(km_pack_some)(x, a, shift, to, turned, rows, 0);
        for (dc_i64 t = 0; rows < KM_BLOCK && t < a->d; t++)
            memset(to + t * KM_BLOCK + rows, 0, (size_t)(KM_BLOCK - rows) * sizeof(T));
    }
}

static void FN(kmeans_sums_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_kmeans_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    FN(km_cut)(a, machine, tiling, 64.0 * (double)a->d * 0.3, 20000);
}

DC_INLINE void FN(km_join)(dc_i64 *to, dc_i64 value)
{
    if (value != 0)
        (void)__atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

/* Operands: packed, sums, factors.  Rows beyond the last are zeros. */
static void FN(kmeans_sums)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_kmeans_args *const a = args;
    const FN(km_in) *const x = operand[0];
    const T *const f = operand[2];
    dc_i64 *const sums = operand[1];

    (void)scratch;
    for (dc_i64 t = 0; t < a->d; t++) {
        const FN(vec) f1 = FN(vset)(f[t]), f2 = FN(vset)(f[a->d + t]);
        FN(vlong) hi = FN(vlong_zero)(), lo = hi;

        for (dc_i64 b = tile * tiling->part[0]; b < FN(km_end)(a, tiling, tile); b++) {
            for (int v = 0; v < KM_BLOCK; v += VEC_LANES) {
                const FN(vec) y = FN(vloadu)(x + (b * a->d + t) * KM_BLOCK + v) * f1 * f2;
                const FN(vlong) q = FN(vlong_round)(y);

                hi = FN(vlong_add)(hi, q);
                if (KMEANS_LIMBS == 2)
                    lo = FN(vlong_add)(lo, FN(vlong_rest)(y, q));
            }
        }
        FN(km_join)(sums + t, FN(vlong_total)(hi));
        if (KMEANS_LIMBS == 2)
            FN(km_join)(sums + a->d + t, FN(vlong_total)(lo));
    }
}

/* Panels of the pca mirror: rows turned into lanes, and back.  Included by pca.c alone. */

/* (x - mean) * scale of one register; missing: NaN becomes 0. */
DC_INLINE FN(vec) FN(pca_standard)(FN(vec) x, FN(vec) mean, FN(vec) scale, int missing)
{
    const FN(vec) z = (x - mean) * scale;

    return missing ? FN(vsel)(FN(visnan)(x), FN(vzero)(), z) : z;
}

/* A square of lanes: rows q ..., columns j ... (`wide` of them), standardised, then turned. */
DC_INLINE void FN(pca_square)(const FN(loose) * src, dc_i64 step, dc_i64 rows, const int wide,
                              FN(vec) m, FN(vec) s, int missing, T *panel)
{
    FN(vec) r[VEC_LANES];

    if (rows >= VEC_LANES && wide == VEC_LANES) {
#pragma GCC unroll 16
        for (int i = 0; i < VEC_LANES; i++) {
            /* Rows are read side by side, too many streams for the machine's own fetches. */
            __builtin_prefetch((const char *)(src + (VEC_LANES + i) * step));
            r[i] = FN(pca_standard)(FN(vloadu)(src + i * step), m, s, missing);
        }
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < VEC_LANES; i++)
            r[i] = i < rows ? FN(pca_standard)(FN(vload_n)(src + i * step, wide), m, s, missing)
                            : FN(vzero)();
    }
    FN(vtranspose)(r);
#pragma GCC unroll 16
    for (int i = 0; i < VEC_LANES; i++)
        FN(vstore)(panel + i * PCA_ROWS, r[i]);
}

/* Rows whose values lie side by side. */
DC_INLINE void FN(pca_take_rows)(const FN(loose) * src, dc_i64 step, dc_i64 rows, dc_i64 d,
                                 const T *mean, const T *scale, int missing, T *panel)
{
    for (dc_i64 q = 0; q < PCA_ROWS; q += VEC_LANES)
        for (dc_i64 j = 0; j < d; j += VEC_LANES)
            FN(pca_square)
    (src + q * step + j, step, rows - q, d - j < VEC_LANES ? (int)(d - j) : VEC_LANES,
     FN(vload)(mean + j), FN(vload)(scale + j), missing, panel + j * PCA_ROWS + q);
}

/* Any strides: a column at a time. */
static void FN(pca_take_columns)(const FN(loose) * src, dc_i64 row_step, dc_i64 step, dc_i64 rows,
                                 dc_i64 d, const T *mean, const T *scale, int missing, T *panel)
{
    for (dc_i64 j = 0; j < d; j++) {
        const FN(loose) *const x = src + j * step;
        const FN(vec) m = FN(vset)(mean[j]), s = FN(vset)(scale[j]);
        T *const line = panel + j * PCA_ROWS;

        if (rows == PCA_ROWS)
            for (dc_i64 i = 0; i < PCA_ROWS; i++)
                line[i] = x[i * row_step];
        else
            for (dc_i64 i = 0; i < PCA_ROWS; i++)
                line[i] = i < rows ? x[i * row_step] : 0;
        for (int q = 0; q < PCA_ROWS; q += VEC_LANES)
            FN(vstore)(line + q, FN(pca_standard)(FN(vload)(line + q), m, s, missing));
    }
}

/* d columns of up to PCA_ROWS rows into the panel [column][row]; rows beyond are some number. */
static void FN(pca_take)(const FN(loose) * src, dc_i64 row_step, dc_i64 step, dc_i64 rows, dc_i64 d,
                         const T *mean, const T *scale, int missing, T *panel)
{
    /* Turning a square for a few columns costs more than to gather them. */
    const dc_i64 left = d % VEC_LANES, few = step != 1 ? d : 4 * left <= VEC_LANES ? left : 0;
    const dc_i64 whole = d - few;

    if (whole > 0 && missing)
        FN(pca_take_rows)(src, row_step, rows, whole, mean, scale, 1, panel);
    else if (whole > 0)
        FN(pca_take_rows)(src, row_step, rows, whole, mean, scale, 0, panel);
    if (few > 0)
        FN(pca_take_columns)
    (src + whole * step, row_step, step, rows, few, mean + whole, scale + whole, missing,
     panel + whole * PCA_ROWS);
}

DC_INLINE FN(vec) FN(pca_quiet)(FN(vec) y)
{
    return FN(vsel)(FN(visnan)(y), FN(vquiet)(), y);
}

/* Panel columns multiplied by one factor each. */
static void FN(pca_multiply)(T *panel, const T *factor, dc_i64 d)
{
    for (dc_i64 j = 0; j < d; j++)
        for (int q = 0; q < PCA_ROWS; q += VEC_LANES) {
            T *const at = panel + j * PCA_ROWS + q;

            FN(vstore)(at, FN(vload)(at) * FN(vset)(factor[j]));
        }
}

/* One value of each row. */
static void FN(pca_put_line)(const T *line, dc_i64 rows, FN(loose) * dst, dc_i64 step)
{
    for (dc_i64 q = 0; q < rows; q += VEC_LANES) {
        const FN(vec) y = FN(pca_quiet)(FN(vload)(line + q));
        const int n = rows - q < VEC_LANES ? (int)(rows - q) : VEC_LANES;

        if (step == 1) {
            FN(vstore_n)(dst + q, y, n);
            continue;
        }
        for (int i = 0; i < n; i++)
            dst[(q + i) * step] = y[i];
    }
}

/* The panel's d columns (those that pad it may be anything) as rows of dst. */
static void FN(pca_put)(const T *panel, dc_i64 rows, dc_i64 d, FN(loose) * dst, dc_i64 row_step,
                        dc_i64 step)
{
    if (step != 1) {
        for (dc_i64 j = 0; j < d; j++)
            FN(pca_put_line)(panel + j * PCA_ROWS, rows, dst + j * step, row_step);
        return;
    }
    for (dc_i64 j = 0; j < d; j += VEC_LANES) {
        const int wide = d - j < VEC_LANES ? (int)(d - j) : VEC_LANES;

        for (dc_i64 q = 0; q < rows; q += VEC_LANES) {
            const int n = rows - q < VEC_LANES ? (int)(rows - q) : VEC_LANES;
            FN(vec) r[VEC_LANES];

#pragma GCC unroll 16
            for (int i = 0; i < VEC_LANES; i++)
                r[i] = FN(pca_quiet)(FN(vload)(panel + (j + i) * PCA_ROWS + q));
            FN(vtranspose)(r);
            for (int i = 0; i < n; i++)
                FN(vstore_n)(dst + (q + i) * row_step + j, r[i], wide);
        }
    }
}

/* Sums of a leaf over its rows, in registers.  Part of cpu_fallback/correlation.c. */

/* Rows of the matrix, and registers of its columns, at a time: accumulators that the register file
 * holds. */
#ifdef DC_VECTOR_AVX512
enum { FN(CORR_I) = 6, FN(CORR_V) = 4, FN(CORR_HOLES_V) = 2 };
#else
enum { FN(CORR_I) = 4, FN(CORR_V) = 3, FN(CORR_HOLES_V) = 1 };
#endif
enum { FN(CORR_HOLES_I) = 2 };

/* out[i][j] = sum of x_i y_j, i < CORR_I, j < nv registers. */
DC_INLINE void FN(corr_products)(const T *x, dc_i64 x_ld, const T *y, dc_i64 y_ld, dc_i64 rows,
                                 T *out, dc_i64 out_ld, const int nv)
{
    FN(vec) acc[FN(CORR_I)][FN(CORR_V)];

#pragma GCC unroll 8
    for (int i = 0; i < FN(CORR_I); i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            acc[i][v] = FN(vzero)();
    for (dc_i64 r = 0; r < rows; r++, x += x_ld, y += y_ld) {
        FN(vec) b[FN(CORR_V)];

#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            b[v] = FN(vloadu)(y + v * VEC_LANES);
#pragma GCC unroll 8
        for (int i = 0; i < FN(CORR_I); i++) {
            const FN(vec) a = FN(vset)(x[i]);

#pragma GCC unroll 8
            for (int v = 0; v < nv; v++)
                acc[i][v] = FN(vfma)(a, b[v], acc[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < FN(CORR_I); i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            FN(vstoreu)(out + i * out_ld + v * VEC_LANES, acc[i][v]);
}

static void FN(corr_products_of)(const T *x, dc_i64 x_ld, const T *y, dc_i64 y_ld, dc_i64 rows,
                                 T *out, dc_i64 out_ld, int nv)
{
    switch (nv) {
#ifdef DC_VECTOR_AVX512
    case 4:
        FN(corr_products)(x, x_ld, y, y_ld, rows, out, out_ld, 4);
        break;
#endif
    case 3:
        FN(corr_products)(x, x_ld, y, y_ld, rows, out, out_ld, 3);
        break;
    case 2:
        FN(corr_products)(x, x_ld, y, y_ld, rows, out, out_ld, 2);
        break;
    default:
        FN(corr_products)(x, x_ld, y, y_ld, rows, out, out_ld, 1);
    }
}

/* Complete columns: out[i][j] for j >= i where `same`; rows behind the panel's are zeros. */
static void FN(corr_leaf_complete)(const FN(corr_panel) * x, const FN(corr_panel) * y, int same,
                                   dc_i64 rows, T *out, dc_i64 out_ld)
{
    const dc_i64 end = (y->width + VEC_LANES - 1) / VEC_LANES;

    for (dc_i64 i = 0; i < x->width; i += FN(CORR_I)) {
        dc_i64 v = same ? i / VEC_LANES : 0;

        while (v < end) {
            /* what is left in parts alike */
            const dc_i64 parts = (end - v + FN(CORR_V) - 1) / FN(CORR_V);
            const dc_i64 nv = (end - v + parts - 1) / parts;

            FN(corr_products_of)
            (x->d + i, x->ld, y->d + v * VEC_LANES, y->ld, rows, out + i * out_ld + v * VEC_LANES,
             out_ld, (int)nv);
            v += nv;
        }
    }
}

/* The five sums of pairs with missing values: fields p, s_i, s_j, q_i, q_j lie `field` apart. */
DC_INLINE void FN(corr_holes)(const FN(corr_panel) * x, dc_i64 i, const FN(corr_panel) * y,
                              dc_i64 j, dc_i64 rows, T *out, dc_i64 out_ld, dc_i64 field,
                              const int nv)
{
    enum { NI = FN(CORR_HOLES_I), NV = FN(CORR_HOLES_V) };
    FN(vec) p[NI][NV], si[NI][NV], sj[NI][NV], qi[NI][NV], qj[NI][NV];
    dc_i64 xr = i, yr = j;

#pragma GCC unroll 4
    for (int a = 0; a < NI; a++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++)
            p[a][v] = si[a][v] = sj[a][v] = qi[a][v] = qj[a][v] = FN(vzero)();
    for (dc_i64 r = 0; r < rows; r++, xr += x->ld, yr += y->ld)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            const FN(vec) d = FN(vloadu)(y->d + yr + v * VEC_LANES);
            const FN(vec) m = FN(vloadu)(y->m + yr + v * VEC_LANES);
            const FN(vec) q = FN(vloadu)(y->q + yr + v * VEC_LANES);

#pragma GCC unroll 4
            for (int a = 0; a < NI; a++) {
                const FN(vec) xd = FN(vset)(x->d[xr + a]), xm = FN(vset)(x->m[xr + a]);
                const FN(vec) xq = FN(vset)(x->q[xr + a]);

                /* a factor of 0 or 1: the sum is rounded alone */
                p[a][v] = FN(vfma)(xd, d, p[a][v]);
                si[a][v] = FN(vfma)(xd, m, si[a][v]);
                sj[a][v] = FN(vfma)(xm, d, sj[a][v]);
                qi[a][v] = FN(vfma)(xq, m, qi[a][v]);
                qj[a][v] = FN(vfma)(xm, q, qj[a][v]);
            }
        }
#pragma GCC unroll 4
    for (int a = 0; a < NI; a++)
#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            T *const to = out + (i + a) * out_ld + j + v * VEC_LANES;

            FN(vstoreu)(to, p[a][v]);
            FN(vstoreu)(to + field, si[a][v]);
            FN(vstoreu)(to + 2 * field, sj[a][v]);
            FN(vstoreu)(to + 3 * field, qi[a][v]);
            FN(vstoreu)(to + 4 * field, qj[a][v]);
        }
}

static void FN(corr_leaf_holes)(const FN(corr_panel) * x, const FN(corr_panel) * y, int same,
                                dc_i64 rows, T *out, dc_i64 out_ld, dc_i64 field)
{
    for (dc_i64 i = 0; i < x->width; i += FN(CORR_HOLES_I)) {
        dc_i64 j = same ? i / VEC_LANES * VEC_LANES : 0;

        for (; j + (FN(CORR_HOLES_V) - 1) * VEC_LANES < y->width; j += FN(CORR_HOLES_V) * VEC_LANES)
            FN(corr_holes)(x, i, y, j, rows, out, out_ld, field, FN(CORR_HOLES_V));
        for (; j < y->width; j += VEC_LANES)
            FN(corr_holes)(x, i, y, j, rows, out, out_ld, field, 1);
    }
}

/* Rows that both columns have, added to count[i][j]. */
static void FN(corr_leaf_count)(const FN(corr_panel) * x, const FN(corr_panel) * y, int same,
                                dc_i64 *count, dc_i64 ld)
{
    for (dc_i64 i = 0; i < x->width; i++) {
        const dc_u64 *const a = x->word + i * FN(CORR_WORDS);

        for (dc_i64 j = same ? i : 0; j < y->width; j++) {
            const dc_u64 *const b = y->word + j * FN(CORR_WORDS);
            int n = 0;

            for (int w = 0; w < FN(CORR_WORDS); w++)
                n += __builtin_popcountll(a[w] & b[w]);
            count[i * ld + j] += n;
        }
    }
}

/* Sums of a leaf over its rows, in registers.  Part of cpu_fallback/correlation.c. */

/* Rows of the matrix, and registers of its columns, at a time: accumulators that the register file
 * holds. */
#ifdef DC_VECTOR_AVX512
enum { FN(CORR_I) = 6, FN(CORR_V) = 4, FN(CORR_HOLES_V) = 2 };
#else
enum { FN(CORR_I) = 4, FN(CORR_V) = 3, FN(CORR_HOLES_V) = 1 };
#endif
enum {
    FN(CORR_HOLES_I) = 2,
    FN(CORR_ROWS) = 64 /* of a leaf at a time: what they need stays in the first cache */
};

/* out[i][j] += x_i y_j, row by row, i < CORR_I, j < nv registers; `first`: from 0. */
DC_INLINE void FN(corr_products)(const T *x, const T *y, dc_i64 ld, dc_i64 rows, int first, T *out,
                                 dc_i64 out_ld, const int nv)
{
    FN(vec) acc[FN(CORR_I)][FN(CORR_V)];

#pragma GCC unroll 8
    for (int i = 0; i < FN(CORR_I); i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            acc[i][v] = first ? FN(vzero)() : FN(vloadu)(out + i * out_ld + v * VEC_LANES);
    for (dc_i64 r = 0; r < rows; r++, x += ld, y += ld) {
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

static void FN(corr_products_of)(const T *x, const T *y, dc_i64 ld, dc_i64 rows, int first, T *out,
                                 dc_i64 out_ld, int nv)
{
    switch (nv) {
#ifdef DC_VECTOR_AVX512
    case 4:
        FN(corr_products)(x, y, ld, rows, first, out, out_ld, 4);
        break;
#endif
    case 3:
        FN(corr_products)(x, y, ld, rows, first, out, out_ld, 3);
        break;
    case 2:
        FN(corr_products)(x, y, ld, rows, first, out, out_ld, 2);
        break;
    default:
        FN(corr_products)(x, y, ld, rows, first, out, out_ld, 1);
    }
}

/* Complete columns: out[i][j] for j >= i where `same`; rows behind the panel's are zeros. */
static void FN(corr_leaf_complete)(const FN(corr_panel) * x, const FN(corr_panel) * y, int same,
                                   dc_i64 rows, T *out, dc_i64 out_ld)
{
    const dc_i64 end = (y->width + VEC_LANES - 1) / VEC_LANES;

    for (dc_i64 r = 0; r == 0 || r < rows; r += FN(CORR_ROWS)) {
        const dc_i64 n = rows - r < FN(CORR_ROWS) ? rows - r : FN(CORR_ROWS);

        for (dc_i64 v = 0, nv; v < end; v += nv) {
            /* what is left in parts alike */
            const dc_i64 parts = (end - v + FN(CORR_V) - 1) / FN(CORR_V);

            nv = (end - v + parts - 1) / parts;
            for (dc_i64 i = 0; i < x->width; i += FN(CORR_I)) {
                const dc_i64 from = same && i / VEC_LANES > v ? i / VEC_LANES : v;

                if (from >= v + nv)
                    break;
                FN(corr_products_of)
                (x->d + r * x->ld + i, y->d + r * y->ld + from * VEC_LANES, x->ld, n, r == 0,
                 out + i * out_ld + from * VEC_LANES, out_ld, (int)(v + nv - from));
            }
        }
    }
}

/* The five sums of pairs with missing values: fields p, s_i, s_j, q_i, q_j lie `field` apart.  x
 * and y: elements of both panels. */
DC_INLINE void FN(corr_holes)(const FN(corr_panel) * px, dc_i64 x, const FN(corr_panel) * py,
                              dc_i64 y, dc_i64 rows, int first, T *out, dc_i64 out_ld, dc_i64 field,
                              const int nv)
{
    enum { NI = FN(CORR_HOLES_I), NV = FN(CORR_HOLES_V) };
    const T *const xd = px->d + x, *const xm = px->m + x, *const xq = px->q + x;
    const T *const yd = py->d + y, *const ym = py->m + y, *const yq = py->q + y;
    const dc_i64 ld = px->ld;
    FN(vec) sum[5][NI][NV];

#pragma GCC unroll 8
    for (int f = 0; f < 5; f++)
#pragma GCC unroll 4
        for (int a = 0; a < NI; a++)
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++)
                sum[f][a][v] =
                    first ? FN(vzero)() : FN(vloadu)(out + f * field + a * out_ld + v * VEC_LANES);
    for (dc_i64 r = 0; r < rows * ld; r += ld) {
        FN(vec) d[NV], m[NV], q[NV];

#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            d[v] = FN(vloadu)(yd + r + v * VEC_LANES);
            m[v] = FN(vloadu)(ym + r + v * VEC_LANES);
            q[v] = FN(vloadu)(yq + r + v * VEC_LANES);
        }
#pragma GCC unroll 4
        for (int a = 0; a < NI; a++) {
            const FN(vec) id = FN(vset)(xd[r + a]), im = FN(vset)(xm[r + a]);
            const FN(vec) iq = FN(vset)(xq[r + a]);

#pragma GCC unroll 4
            for (int v = 0; v < nv; v++) {
                /* a factor of 0 or 1: the sum is rounded alone */
                sum[0][a][v] = FN(vfma)(id, d[v], sum[0][a][v]);
                sum[1][a][v] = FN(vfma)(id, m[v], sum[1][a][v]);
                sum[2][a][v] = FN(vfma)(im, d[v], sum[2][a][v]);
                sum[3][a][v] = FN(vfma)(iq, m[v], sum[3][a][v]);
                sum[4][a][v] = FN(vfma)(im, q[v], sum[4][a][v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int f = 0; f < 5; f++)
#pragma GCC unroll 4
        for (int a = 0; a < NI; a++)
#pragma GCC unroll 4
            for (int v = 0; v < nv; v++)
                FN(vstoreu)(out + f * field + a * out_ld + v * VEC_LANES, sum[f][a][v]);
}

static void FN(corr_leaf_holes)(const FN(corr_panel) * x, const FN(corr_panel) * y, int same,
                                dc_i64 rows, T *out, dc_i64 out_ld, dc_i64 field)
{
    const dc_i64 wide = FN(CORR_HOLES_V) * VEC_LANES;

    for (dc_i64 r = 0; r == 0 || r < rows; r += FN(CORR_ROWS)) {
        const dc_i64 n = rows - r < FN(CORR_ROWS) ? rows - r : FN(CORR_ROWS);

        for (dc_i64 j = 0; j < y->width; j += wide) {
            const dc_i64 end = same && j + wide < x->width ? j + wide : x->width;

            for (dc_i64 i = 0; i < end; i += FN(CORR_HOLES_I)) {
                /* the first register of two is behind the diagonal */
                const dc_i64 at =
                    same && wide > VEC_LANES && i >= j + VEC_LANES ? j + VEC_LANES : j;
                const dc_i64 xr = r * x->ld + i, yr = r * y->ld + at;
                T *const to = out + i * out_ld + at;

                if (at == j && wide > VEC_LANES && y->width - j > VEC_LANES)
                    FN(corr_holes)(x, xr, y, yr, n, r == 0, to, out_ld, field, FN(CORR_HOLES_V));
                else
                    FN(corr_holes)(x, xr, y, yr, n, r == 0, to, out_ld, field, 1);
            }
        }
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

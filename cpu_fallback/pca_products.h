/* Products of the pca mirror: panels times the components.  Included by pca.c alone. */

/* sum[c] += panel line i times w[c * far + i * near], i ascending, one fma each. */
DC_INLINE void FN(pca_chain)(const T *panel, const T *w, dc_i64 far, dc_i64 near, dc_i64 count,
                             const int group, FN(vec) sum[PCA_GROUP][PCA_VECS])
{
#pragma GCC unroll 6
    for (int c = 0; c < group; c++)
#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++)
            sum[c][v] = FN(vzero)();
    for (dc_i64 i = 0; i < count; i++) {
        FN(vec) x[PCA_VECS];

#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++)
            x[v] = FN(vload)(panel + i * PCA_ROWS + v * VEC_LANES);
#pragma GCC unroll 6
        for (int c = 0; c < group; c++) {
            const FN(vec) b = FN(vset)(w[c * far + i * near]);

#pragma GCC unroll 4
            for (int v = 0; v < PCA_VECS; v++)
                sum[c][v] = FN(vfma)(x[v], b, sum[c][v]);
        }
    }
}

/* Scores a ... a + group - 1 and their part of T2. */
DC_INLINE void FN(pca_project_group)(FN(pca_work) * w, dc_i64 a, const int group, FN(vec) * t2)
{
    FN(vec) sum[PCA_GROUP][PCA_VECS];

    FN(pca_chain)(w->z, w->components + a * w->width, w->width, 1, w->d, group, sum);
#pragma GCC unroll 6
    for (int c = 0; c < group; c++) {
        const FN(vec) weight = FN(vset)(w->weights[a + c]);

#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++) {
            const FN(vec) u = sum[c][v] * weight;
            const dc_i64 at = (a + c) * PCA_ROWS + v * VEC_LANES;

            FN(vstore)(w->t + at, sum[c][v]);
            FN(vstore)(w->u + at, u);
            t2[v] = FN(vfma)(sum[c][v], u, t2[v]);
        }
    }
}

/* Columns j ... j + group - 1 from the scores: residual, its square, contributions. */
DC_INLINE void FN(pca_back_group)(FN(pca_work) * w, dc_i64 j, const int group, FN(vec) * spe)
{
    FN(vec) sum[PCA_GROUP][PCA_VECS];

    FN(pca_chain)(w->t, w->components + j, 1, w->width, w->k, group, sum);
#pragma GCC unroll 6
    for (int c = 0; c < group; c++)
#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++) {
            const dc_i64 at = (j + c) * PCA_ROWS + v * VEC_LANES;
            const FN(vec) e = FN(vload)(w->z + at) - sum[c][v];

            spe[v] = FN(vfma)(e, e, spe[v]);
            if (w->spe_parts)
                FN(vstore)(w->spe_parts + at, w->args->signed_residuals ? e : e * e);
        }
}

DC_INLINE void FN(pca_parts_group)(FN(pca_work) * w, dc_i64 j, const int group)
{
    FN(vec) sum[PCA_GROUP][PCA_VECS];

    FN(pca_chain)(w->u, w->components + j, 1, w->width, w->k, group, sum);
#pragma GCC unroll 6
    for (int c = 0; c < group; c++)
#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++) {
            const dc_i64 at = (j + c) * PCA_ROWS + v * VEC_LANES;

            FN(vstore)(w->t2_parts + at, FN(vload)(w->z + at) * sum[c][v]);
        }
}

/* h * scale + mean, in z. */
DC_INLINE void FN(pca_rows_group)(FN(pca_work) * w, dc_i64 j, const int group)
{
    FN(vec) sum[PCA_GROUP][PCA_VECS];

    FN(pca_chain)(w->t, w->components + j, 1, w->width, w->k, group, sum);
#pragma GCC unroll 6
    for (int c = 0; c < group; c++)
#pragma GCC unroll 4
        for (int v = 0; v < PCA_VECS; v++) {
            const FN(vec) y = sum[c][v] * FN(vset)(w->scale[j + c]);

            FN(vstore)(w->z + (j + c) * PCA_ROWS + v * VEC_LANES, y + FN(vset)(w->mean[j + c]));
        }
}

/* All of `count` by groups: whole ones, then what is left. */
#if PCA_GROUP == 6
#define PCA_LEFT(call)                                                                             \
    case 2:                                                                                        \
        call(2);                                                                                   \
        break;                                                                                     \
    case 3:                                                                                        \
        call(3);                                                                                   \
        break;                                                                                     \
    case 4:                                                                                        \
        call(4);                                                                                   \
        break;                                                                                     \
    case 5:                                                                                        \
        call(5);                                                                                   \
        break;
#else
#define PCA_LEFT(call)
#endif
#define PCA_GROUPS(count, call)                                                                    \
    dc_i64 at = 0;                                                                                 \
    for (; at + PCA_GROUP <= (count); at += PCA_GROUP)                                             \
        call(PCA_GROUP);                                                                           \
    switch ((count)-at) {                                                                          \
    case 1:                                                                                        \
        call(1);                                                                                   \
        break;                                                                                     \
        PCA_LEFT(call)                                                                             \
    default:                                                                                       \
        break;                                                                                     \
    }

static void FN(pca_keep)(T *line, const FN(vec) * sum)
{
    for (int v = 0; v < PCA_VECS; v++)
        FN(vstore)(line + v * VEC_LANES, sum[v]);
}

static void FN(pca_project)(FN(pca_work) * w)
{
    FN(vec) t2[PCA_VECS] = {{0}};

#define CALL(n) FN(pca_project_group)(w, at, n, t2)
    PCA_GROUPS(w->k, CALL)
#undef CALL
    FN(pca_keep)(w->t2, t2);
}

static void FN(pca_back)(FN(pca_work) * w, int residual)
{
    FN(vec) spe[PCA_VECS] = {{0}};

    if (residual) {
#define CALL(n) FN(pca_back_group)(w, at, n, spe)
        PCA_GROUPS(w->d, CALL)
#undef CALL
        FN(pca_keep)(w->spe, spe);
    }
    if (w->t2_parts) {
#define CALL(n) FN(pca_parts_group)(w, at, n)
        PCA_GROUPS(w->d, CALL)
#undef CALL
    }
}

static void FN(pca_rows_back)(FN(pca_work) * w)
{
#define CALL(n) FN(pca_rows_group)(w, at, n)
    PCA_GROUPS(w->d, CALL)
#undef CALL
}
#undef PCA_GROUPS
#undef PCA_LEFT

/* Pca: the CPU mirror.  Included by runtime/isa.c, once per dtype (T, SFX).
 *
 * A tile is a range of rows.  It goes through panels of PCA_ROWS rows, turned so that lanes are
 * rows: place [column][row].  Products take PCA_GROUP components (or columns) at a time, whose sums
 * stay in registers. */
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/pca.h"
#include "kernels/shared/vec.h"

#ifndef PCA_GROUP
#if defined(DC_VECTOR_AVX512)
#define PCA_GROUP 6
#define PCA_VECS  4 /* 4 x 6 sums, 4 values, 1 coefficient: 29 of 32 registers */
#elif defined(DC_VECTOR_AVX2)
#define PCA_GROUP 6
#define PCA_VECS  2 /* 2 x 6 + 3 of 16 */
#else
#define PCA_GROUP 2 /* a reference: few copies of the loops */
#define PCA_VECS  2
#endif
#endif
#define PCA_ROWS (PCA_VECS * VEC_LANES)

/* A thread's scratch and the call, all dense and aligned; lengths padded to whole registers. */
typedef struct FN(pca_work) {
    const dc_pca_args *args;
    dc_i64 d, k, width, depth; /* columns, components, and both padded           */
    T *mean, *scale, *weights, *factors, *components; /* components [k][width]                */
    T *z, *t, *u;            /* panels: [width][rows], [depth][rows]           */
    T *t2_parts, *spe_parts; /* panels [width][rows], NULL where not wanted    */
    T *t2, *spe;             /* PCA_ROWS each                                  */
} FN(pca_work);

#include "cpu_fallback/pca_panel.h"
#include "cpu_fallback/pca_products.h"

static inline dc_i64 FN(pca_padded)(dc_i64 n)
{
    return (n + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
}

/* Lays the scratch out from `base`; its size in bytes. */
static dc_i64 FN(pca_lay)(const dc_pca_args *args, char *base, FN(pca_work) * w)
{
    const int inverse = args->kind == DC_PCA_INVERSE;
    dc_i64 at = 0;

    memset(w, 0, sizeof *w);
    w->args = args;
    w->d = args->columns;
    w->k = args->components;
    w->width = FN(pca_padded)(w->d);
    w->depth = FN(pca_padded)(w->k);
    const struct {
        T **where;
        dc_i64 count;
    } part[] = {
        {&w->mean, w->width},
        {&w->scale, w->width},
        {&w->weights, w->depth},
        {&w->factors, w->depth},
        {&w->components, w->k * w->width},
        {&w->z, w->width * PCA_ROWS},
        {&w->t, w->depth * PCA_ROWS},
        {&w->u, inverse ? 0 : w->depth * PCA_ROWS},
        {&w->t2_parts, args->absent >> DC_PCA_T2_PARTS & 1 ? 0 : w->width * PCA_ROWS},
        {&w->spe_parts, args->absent >> DC_PCA_SPE_PARTS & 1 ? 0 : w->width * PCA_ROWS},
        {&w->t2, PCA_ROWS},
        {&w->spe, PCA_ROWS},
    };
    for (int i = 0; i < (int)(sizeof part / sizeof *part); i++) {
        if (part[i].count > 0)
            *part[i].where = (T *)(void *)(base + at);
        at += (part[i].count * (dc_i64)sizeof(T) + 63) / 64 * 64;
    }
    return at;
}

static void FN(pca_cut)(const dc_pca_args *a, const dc_machine *machine, dc_tiling *tiling)
{
    char none[1];
    FN(pca_work) w;
    dc_i64 rows = a->rows / (8 * (dc_i64)machine->threads);

    memset(tiling, 0, sizeof *tiling);
    /* The model is copied for every tile: as long as there are tiles for all, it is a few percent.
     */
    rows = rows < 512 ? 512 : rows > 8192 ? 8192 : rows;
    tiling->part[0] = (rows + PCA_ROWS - 1) / PCA_ROWS * PCA_ROWS;
    tiling->tiles = (a->rows + tiling->part[0] - 1) / tiling->part[0];
    tiling->scratch_bytes = FN(pca_lay)(a, none, &w);
    /* Half of two fused products of a register in a cycle of 0.3 ns. */
    tiling->work = (dc_i64)((double)a->rows * (double)a->columns *
                            (2.0 * (double)a->components + 6) * 0.3 / VEC_LANES) +
                   1;
}

static void FN(pca_monitor_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(pca_cut)(args, machine, tiling);
}

static void FN(pca_inverse_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(pca_cut)(args, machine, tiling);
}

/* A vector of the model, `fill` where it is left out; what pads it is 0. */
static void FN(pca_vector)(const dc_pca_args *a, int which, const void *from, T fill, dc_i64 count,
                           dc_i64 padded, T *to)
{
    const FN(loose) *const x = from;
    const int absent = a->absent >> which & 1;

    for (dc_i64 i = 0; i < padded; i++)
        to[i] = i >= count ? 0 : absent ? fill : x[i * a->stride[which]];
}

/* `operand` in the order of DC_PCA_SRC ... */
static void FN(pca_model)(FN(pca_work) * w, void *const *operand)
{
    const dc_pca_args *const a = w->args;
    const FN(loose) *const x = operand[DC_PCA_COMPONENTS];

    FN(pca_vector)(a, DC_PCA_MEAN, operand[DC_PCA_MEAN], 0, w->d, w->width, w->mean);
    FN(pca_vector)(a, DC_PCA_SCALE, operand[DC_PCA_SCALE], 1, w->d, w->width, w->scale);
    FN(pca_vector)(a, DC_PCA_WEIGHTS, operand[DC_PCA_WEIGHTS], 1, w->k, w->depth, w->weights);
    FN(pca_vector)(a, DC_PCA_FACTORS, operand[DC_PCA_FACTORS], 1, w->k, w->depth, w->factors);
    for (dc_i64 i = 0; i < w->k; i++)
        for (dc_i64 j = 0; j < w->d; j++)
            w->components[i * w->width + j] =
                x[i * a->row_stride[DC_PCA_COMPONENTS] + j * a->stride[DC_PCA_COMPONENTS]];
}

/* Element `row` of operand `which`. */
static inline FN(loose) *
    FN(pca_at)(const FN(pca_work) * w, void *const *operand, int which, dc_i64 row)
{
    const dc_pca_args *const a = w->args;
    const dc_i64 step =
        which == DC_PCA_T2 || which == DC_PCA_SPE ? a->stride[which] : a->row_stride[which];

    return (FN(loose) *)operand[which] + row * step;
}

static void FN(pca_monitor_panel)(FN(pca_work) * w, void *const *operand, dc_i64 row, dc_i64 rows)
{
    const dc_pca_args *const a = w->args;
    const int residual = ~a->absent & (1 << DC_PCA_SPE | 1 << DC_PCA_SPE_PARTS);
    const int back = residual || w->t2_parts;

    FN(pca_take)
    (FN(pca_at)(w, operand, DC_PCA_SRC, row), a->row_stride[DC_PCA_SRC], a->stride[DC_PCA_SRC],
     rows, w->d, w->mean, w->scale, a->missing == DC_PCA_MISSING_MEAN, w->z);
    FN(pca_project)(w);
    if (back)
        FN(pca_back)(w, residual != 0);
    for (int i = DC_PCA_T2; i <= DC_PCA_SPE; i++)
        if (!(a->absent >> i & 1))
            FN(pca_put_line)
    (i == DC_PCA_T2 ? w->t2 : w->spe, rows, FN(pca_at)(w, operand, i, row), a->stride[i]);
    if (!(a->absent >> DC_PCA_DST & 1)) {
        if (!(a->absent >> DC_PCA_FACTORS & 1))
            FN(pca_multiply)(w->t, w->factors, w->k);
        FN(pca_put)
        (w->t, rows, w->k, FN(pca_at)(w, operand, DC_PCA_DST, row), a->row_stride[DC_PCA_DST],
         a->stride[DC_PCA_DST]);
    }
    for (int i = DC_PCA_T2_PARTS; i <= DC_PCA_SPE_PARTS; i++)
        if (!(a->absent >> i & 1))
            FN(pca_put)
    (i == DC_PCA_T2_PARTS ? w->t2_parts : w->spe_parts, rows, w->d, FN(pca_at)(w, operand, i, row),
     a->row_stride[i], a->stride[i]);
}

static void FN(pca_monitor)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_pca_args *const a = args;
    dc_i64 row = tile * tiling->part[0], end = row + tiling->part[0];
    FN(pca_work) w;

    FN(pca_lay)(a, scratch, &w);
    FN(pca_model)(&w, operand);
    end = end < a->rows ? end : a->rows;
    for (; row < end; row += PCA_ROWS)
        FN(pca_monitor_panel)(&w, operand, row, end - row < PCA_ROWS ? end - row : PCA_ROWS);
}

static void FN(pca_inverse)(void *const *given, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_pca_args *const a = args;
    dc_i64 row = tile * tiling->part[0], end = row + tiling->part[0];
    void *operand[DC_PCA_OPERANDS] = {NULL};
    FN(pca_work) w;

    /* No weights in this row's list. */
    for (int i = 0; i <= DC_PCA_DST; i++)
        operand[i] = i == DC_PCA_WEIGHTS ? NULL : given[i - (i > DC_PCA_WEIGHTS)];
    FN(pca_lay)(a, scratch, &w);
    FN(pca_model)(&w, operand);
    memset(w.weights, 0, (size_t)w.depth * sizeof(T)); /* stands for a mean of 0 */
    end = end < a->rows ? end : a->rows;
    for (; row < end; row += PCA_ROWS) {
        const dc_i64 rows = end - row < PCA_ROWS ? end - row : PCA_ROWS;

        FN(pca_take)
        (FN(pca_at)(&w, operand, DC_PCA_SRC, row), a->row_stride[DC_PCA_SRC], a->stride[DC_PCA_SRC],
         rows, w.k, w.weights, w.factors, 0, w.t);
        FN(pca_rows_back)(&w);
        FN(pca_put)
        (w.z, rows, w.d, FN(pca_at)(&w, operand, DC_PCA_DST, row), a->row_stride[DC_PCA_DST],
         a->stride[DC_PCA_DST]);
    }
}

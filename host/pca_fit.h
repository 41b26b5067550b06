/* Fitting: rows in, sums about the first row, a model out.  Included by pca.c alone. */
#ifndef DC_HOST_PCA_FIT_H
#define DC_HOST_PCA_FIT_H

#include <stdlib.h>

#include "dualcube/scale.h"
#include "host/core/context.h"
#include "host/core/linear.h"

enum { BLOCK_ROWS = 512 }; /* of one product; chunks do not show in where a block begins */

/* Every row carries a last column of ones, so that the products hold the sums, too. */
struct dc_pca_state {
    dc_pca_fit_params params;
    int32_t dtype;
    int64_t columns, wide, rows, filled; /* wide = columns + 1; rows of the unfinished block */
    void *anchor, *block, *part;         /* (columns), (BLOCK_ROWS, wide), (wide, wide)      */
    double *sums;                        /* (wide, wide), upper triangle                     */
};

static dc_status fit_check(const char *call, const dc_pca_fit_params *p)
{
    const int32_t dtype = p->src.dtype;

    DC_REQUIRE(dtype == DC_F32 || dtype == DC_F64, DC_E_ARGUMENT,
               "%s: src has dtype %d (%s), must be float32 or float64", call, (int)dtype,
               dc_dtype_name(dtype));
    DC_REQUIRE(p->src.ndim == 2, DC_E_ARGUMENT, "%s: src has %d axes, must have 2", call,
               (int)p->src.ndim);
    DC_REQUIRE(p->src.shape[1] >= 1 && p->src.shape[1] <= 30000, DC_E_ARGUMENT,
               "%s: src.shape[1] is %lld, must be 1 ... 30000", call, (long long)p->src.shape[1]);
    DC_REQUIRE(p->components == DC_DEFAULT ||
                   (p->components >= 1 && p->components <= p->src.shape[1]),
               DC_E_ARGUMENT, "%s: components is %lld, must be 1 ... %lld", call,
               (long long)p->components, (long long)p->src.shape[1]);
    DC_REQUIRE(p->fraction >= 0 && p->fraction < 1, DC_E_ARGUMENT,
               "%s: fraction is %g, must be at least 0 and below 1", call, p->fraction);
    DC_REQUIRE(p->confidence > 0 && p->confidence < 1, DC_E_ARGUMENT,
               "%s: confidence is %g, must be above 0 and below 1", call, p->confidence);
    return DC_OK;
}

static dc_status fit_params(const char *call, const dc_pca_fit_params *params,
                            dc_pca_fit_params *whole)
{
    DC_REQUIRE(params, DC_E_ARGUMENT, "%s: params is NULL", call);
    DC_REQUIRE(params->struct_size == sizeof *params, DC_E_ARGUMENT,
               "%s: params.struct_size is %u, must be %zu", call, params->struct_size,
               sizeof *params);
    *whole = *params;
    return fit_check(call, whole);
}

void dc_pca_state_free(dc_pca_state *state)
{
    if (!state)
        return;
    free(state->anchor);
    free(state->block);
    free(state->part);
    free(state->sums);
    free(state);
}

int64_t dc_pca_state_rows(const dc_pca_state *state)
{
    return state ? state->rows : 0;
}

dc_status dc_pca_state_new(const dc_pca_fit_params *params, dc_pca_state **out)
{
    dc_pca_fit_params whole;
    dc_pca_state *state;
    size_t size, wide;

    DC_REQUIRE(out, DC_E_ARGUMENT, "dc_pca_state_new: state is NULL");
    *out = NULL;
    DC_TRY(fit_params("dc_pca_state_new", params, &whole));
    state = calloc(1, sizeof *state);
    DC_REQUIRE(state, DC_E_MEMORY, "dc_pca_state_new: out of memory");
    state->params = whole;
    state->dtype = whole.src.dtype;
    state->columns = whole.src.shape[1];
    state->wide = state->columns + 1;
    size = dc_dtype_bytes(state->dtype);
    wide = (size_t)state->wide;
    state->anchor = calloc(wide, size);
    state->block = malloc(BLOCK_ROWS * wide * size);
    state->part = malloc(wide * wide * size);
    state->sums = calloc(wide * wide, sizeof(double));
    if (!state->anchor || !state->block || !state->part || !state->sums) {
        dc_pca_state_free(state);
        return dc__fail(DC_E_MEMORY, "dc_pca_state_new: out of memory");
    }
    for (size_t i = 0; i < BLOCK_ROWS; ++i) {
        if (state->dtype == DC_F32)
            ((float *)state->block)[i * wide + wide - 1] = 1;
        else
            ((double *)state->block)[i * wide + wide - 1] = 1;
    }
    *out = state;
    return DC_OK;
}

/* Add the block's products to `sums`. */
static dc_status fit_add(const dc_pca_state *s, int32_t threads, double *sums)
{
    const int64_t n = s->wide;

    DC_TRY(dc__syrk(s->dtype, n, s->filled, threads, s->block, s->part));
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = i; j < n; ++j)
            sums[i * n + j] += s->dtype == DC_F32 ? (double)((const float *)s->part)[i * n + j]
                                                  : ((const double *)s->part)[i * n + j];
    return DC_OK;
}

/* Rows of `src` from `first` on, less the anchor, to dense memory of `wide` columns. */
static dc_status fit_take(const dc_pca_state *s, dc_queue *queue, const dc_array *src,
                          int64_t first, int64_t rows, void *to, int64_t wide)
{
    const int64_t shape[] = {rows, s->columns};
    dc_scale_params p = DC_SCALE_PARAMS_INIT;

    p.kind = DC_SCALE_APPLY;
    p.src = *src;
    p.src.offset += first * src->stride[0];
    p.src.shape[0] = rows;
    p.dst = dc_array_host(to, s->dtype, 2, shape);
    p.dst.stride[0] = wide;
    if (to != s->anchor) /* else as they are */
        p.a = dc_array_host(s->anchor, s->dtype, 1, shape + 1);
    return dc_scale(queue, &p, NULL);
}

dc_status dc_pca_state_update(dc_pca_state *s, dc_queue *queue, const dc_array *chunk)
{
    static const char *const call = "dc_pca_state_update";
    size_t row_bytes;

    DC_REQUIRE(s && queue && chunk, DC_E_ARGUMENT, "%s: %s is NULL", call,
               !s       ? "state"
               : !queue ? "queue"
                        : "chunk");
    DC_REQUIRE(chunk->ndim == 2 && chunk->dtype == s->dtype && chunk->shape[1] == s->columns,
               DC_E_ARGUMENT, "%s: chunk must be (rows, %lld) of %s", call, (long long)s->columns,
               dc_dtype_name(s->dtype));
    row_bytes = (size_t)s->wide * dc_dtype_bytes(s->dtype);
    if (s->rows == 0 && chunk->shape[0] > 0)
        DC_TRY(fit_take(s, queue, chunk, 0, 1, s->anchor, s->wide));
    for (int64_t at = 0; at < chunk->shape[0];) {
        const int64_t room = BLOCK_ROWS - s->filled, left = chunk->shape[0] - at;
        const int64_t rows = left < room ? left : room;

        DC_TRY(fit_take(s, queue, chunk, at, rows, (char *)s->block + (size_t)s->filled * row_bytes,
                        s->wide));
        s->filled += rows;
        s->rows += rows;
        at += rows;
        if (s->filled < BLOCK_ROWS)
            continue;
        DC_TRY(fit_add(s, queue->threads, s->sums));
        s->filled = 0;
    }
    return DC_OK;
}

/* What a fit has found, all in float64. */
typedef struct pca_found {
    int64_t n, d, k, rank; /* rank: min(n, d) variances that there are */
    double *matrix;        /* (wide, wide) sums, then (d, d) covariance, then eigenvectors */
    double *mean, *scale, *variance; /* d each; variance ascending */
    double noise, total, theta[3];
} pca_found;

static void found_free(pca_found *f)
{
    free(f->matrix);
    free(f->mean);
}

/* Means, scales and the covariance from the sums. */
static dc_status found_covariance(const dc_pca_state *s, pca_found *f)
{
    const int64_t d = f->d, w = s->wide;
    const double n = (double)f->n, unit = s->dtype == DC_F32 ? 0x1p-24 : 0x1p-53;
    double *const sum = f->variance; /* not yet in use */

    for (int64_t j = 0; j < d; ++j) {
        const double anchor = s->dtype == DC_F32 ? (double)((const float *)s->anchor)[j]
                                                 : ((const double *)s->anchor)[j];

        sum[j] = f->matrix[j * w + d];
        f->mean[j] = anchor + sum[j] / n;
        DC_REQUIRE(isfinite(f->matrix[j * w + j]) && isfinite(f->mean[j]), DC_E_ARGUMENT,
                   "dc_pca_fit: column %lld of src contains NaN, infinity or a value too large for "
                   "its dtype",
                   (long long)j);
    }
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = i; j < d; ++j)
            f->matrix[i * d + j] = (f->matrix[i * w + j] - sum[i] * sum[j] / n) / (n - 1);
    for (int64_t j = 0; j < d; ++j) {
        const double var = f->matrix[j * d + j], about = sum[j] * sum[j] / n / (n - 1);

        /* What rounding alone can make is none. */
        if (!(var > 64 * unit * (var + about)))
            for (int64_t i = 0; i < d; ++i)
                f->matrix[i < j ? i * d + j : j * d + i] = 0;
        f->scale[j] = f->matrix[j * d + j] > 0 ? sqrt(f->matrix[j * d + j] * (n - 1) / n) : 1;
    }
    for (int64_t i = 0; s->params.standardize && i < d; ++i)
        for (int64_t j = i; j < d; ++j)
            f->matrix[i * d + j] = f->matrix[i * d + j] / f->scale[i] / f->scale[j];
    return DC_OK;
}

/* How many components, what is left out.  Variances are ascending; row d - 1 - a is component a. */
static void found_choose(const dc_pca_fit_params *p, pca_found *f)
{
    double sum = 0;

    f->total = f->noise = 0;
    for (int64_t a = 0; a < f->d; ++a) {
        f->variance[a] = f->variance[a] > 0 ? f->variance[a] : 0;
        f->total += f->variance[a];
    }
    f->k = p->components == DC_DEFAULT || p->components > f->rank ? f->rank : p->components;
    for (int64_t a = 0; p->fraction > 0 && a < f->rank; ++a) {
        sum += f->variance[f->d - 1 - a];
        f->k = a + 1;
        if (sum > p->fraction * f->total)
            break;
    }
    for (int64_t a = f->k; a < f->d; ++a) {
        const double left = f->variance[f->d - 1 - a];

        f->noise += a < f->rank ? left : 0;
        f->theta[0] += left;
        f->theta[1] += left * left;
        f->theta[2] += left * left * left;
    }
    f->noise = f->k < f->rank ? f->noise / (double)(f->rank - f->k) : 0;
}

static void found_signs(pca_found *f)
{
    for (int64_t a = 0; a < f->d; ++a) {
        double *const v = f->matrix + a * f->d;
        int64_t best = 0;

        for (int64_t j = 1; j < f->d; ++j)
            best = fabs(v[j]) > fabs(v[best]) ? j : best;
        const double sign = v[best] < 0 ? -1 : 1;

        for (int64_t j = 0; j < f->d; ++j)
            v[j] *= sign;
    }
}

static dc_status found_make(const dc_pca_state *s, const dc_queue *queue, pca_found *f)
{
    const size_t w = (size_t)s->wide, d = (size_t)s->columns;

    memset(f, 0, sizeof *f);
    f->n = s->rows;
    f->d = s->columns;
    f->rank = f->n < f->d ? f->n : f->d;
    DC_REQUIRE(f->n >= 2, DC_E_ARGUMENT,
               "dc_pca_fit: src has %lld rows (1 sample is no spread), must have at least 2",
               (long long)f->n);
    DC_REQUIRE(s->params.components == DC_DEFAULT || s->params.components <= f->rank, DC_E_ARGUMENT,
               "dc_pca_fit: components is %lld, must be 1 ... %lld, the lesser of rows and columns",
               (long long)s->params.components, (long long)f->rank);
    f->matrix = malloc(w * w * sizeof(double));
    f->mean = malloc(3 * d * sizeof(double));
    DC_REQUIRE(f->matrix && f->mean, DC_E_MEMORY, "dc_pca_fit: out of memory");
    f->scale = f->mean + d;
    f->variance = f->scale + d;
    memcpy(f->matrix, s->sums, w * w * sizeof(double));
    if (s->filled > 0)
        DC_TRY(fit_add(s, queue->threads, f->matrix));
    DC_TRY(found_covariance(s, f));
    DC_TRY(dc__eigen_symmetric(f->d, queue->threads, f->matrix, f->variance));
    found_signs(f);
    found_choose(&s->params, f);
    return DC_OK;
}

/* Numbers into the model, in its dtype. */
static dc_status put_array(dc_model *model, const char *name, int32_t dtype, int64_t rows,
                           int64_t columns, const double *from, int64_t row_step, int64_t step)
{
    const int64_t shape[] = {rows, columns}, count = (rows ? rows : 1) * columns;
    void *const memory = malloc((size_t)count * dc_dtype_bytes(dtype));
    dc_array array;
    dc_status status;

    DC_REQUIRE(memory, DC_E_MEMORY, "dc_pca_fit: out of memory");
    for (int64_t i = 0; i < count; ++i) {
        const double x = from[i / columns * row_step + i % columns * step];

        if (dtype == DC_F32)
            ((float *)memory)[i] = (float)x;
        else
            ((double *)memory)[i] = x;
    }
    array =
        rows ? dc_array_host(memory, dtype, 2, shape) : dc_array_host(memory, dtype, 1, shape + 1);
    status = dc_model_set_array(model, name, &array);
    free(memory);
    return status;
}

static dc_status put_variances(dc_model *model, int32_t dtype, const pca_found *f)
{
    double *const v = malloc((size_t)f->k * 3 * sizeof(double));
    dc_status status;

    DC_REQUIRE(v, DC_E_MEMORY, "dc_pca_fit: out of memory");
    for (int64_t a = 0; a < f->k; ++a) {
        v[a] = f->variance[f->d - 1 - a];
        v[f->k + a] = f->total > 0 ? v[a] / f->total : 0;
        v[2 * f->k + a] = sqrt(v[a] * (double)(f->n - 1));
    }
    status = put_array(model, "explained_variance", dtype, 0, f->k, v, 0, 1);
    if (status == DC_OK)
        status = put_array(model, "explained_variance_ratio", dtype, 0, f->k, v + f->k, 0, 1);
    if (status == DC_OK)
        status = put_array(model, "singular_values", dtype, 0, f->k, v + 2 * f->k, 0, 1);
    free(v);
    return status;
}

static dc_status put_limits(dc_model *model, double confidence)
{
    dc_pca_limits limits = DC_PCA_LIMITS_INIT;

    DC_TRY(dc_pca_limits_at(model, confidence, &limits));
    DC_TRY(dc_model_set_number(model, "confidence", confidence));
    DC_TRY(dc_model_set_number(model, "limit_t2_f", limits.t2_f));
    DC_TRY(dc_model_set_number(model, "limit_t2_beta", limits.t2_beta));
    DC_TRY(dc_model_set_number(model, "limit_t2_chi2", limits.t2_chi2));
    DC_TRY(dc_model_set_number(model, "limit_spe_jackson", limits.spe_jackson));
    return dc_model_set_number(model, "limit_spe_box", limits.spe_box);
}

static dc_status put_model(const dc_pca_state *s, const pca_found *f, dc_model *model)
{
    char text[160];

    (void)snprintf(text, sizeof text, "{\"n_components\": %lld, \"standardize\": %s}",
                   (long long)f->k, s->params.standardize ? "true" : "false");
    DC_TRY(dc_model_set_text(model, "parameters", text));
    DC_TRY(put_array(model, "components", s->dtype, f->k, f->d, f->matrix + (f->d - 1) * f->d,
                     -f->d, 1));
    DC_TRY(put_variances(model, s->dtype, f));
    DC_TRY(put_array(model, "mean", s->dtype, 0, f->d, f->mean, 0, 1));
    if (s->params.standardize)
        DC_TRY(put_array(model, "scale", s->dtype, 0, f->d, f->scale, 0, 1));
    DC_TRY(dc_model_set_number(model, "n_components", (double)f->k));
    DC_TRY(dc_model_set_number(model, "n_samples", (double)f->n));
    DC_TRY(dc_model_set_number(model, "n_features_in", (double)f->d));
    DC_TRY(dc_model_set_number(model, "noise_variance", f->noise));
    DC_TRY(dc_model_set_number(model, "total_variance", f->total));
    DC_TRY(dc_model_set_number(model, "theta1", f->theta[0]));
    DC_TRY(dc_model_set_number(model, "theta2", f->theta[1]));
    DC_TRY(dc_model_set_number(model, "theta3", f->theta[2]));
    return put_limits(model, s->params.confidence);
}

dc_status dc_pca_state_result(const dc_pca_state *state, dc_queue *queue, dc_model **out)
{
    dc_model *model = NULL;
    dc_status status;
    pca_found f;

    DC_REQUIRE(out, DC_E_ARGUMENT, "dc_pca_state_result: out is NULL");
    *out = NULL;
    DC_REQUIRE(state && queue, DC_E_ARGUMENT, "dc_pca_state_result: %s is NULL",
               state ? "queue" : "state");
    status = found_make(state, queue, &f);
    if (status == DC_OK)
        status = dc_model_new("pca", &model);
    if (status == DC_OK)
        status = put_model(state, &f, model);
    found_free(&f);
    if (status != DC_OK)
        dc_model_free(model);
    else
        *out = model;
    return status;
}

dc_status dc_pca_fit(dc_queue *queue, const dc_pca_fit_params *params, dc_model **out)
{
    dc_pca_fit_params whole;
    dc_pca_state *state;
    dc_status status;

    DC_REQUIRE(out, DC_E_ARGUMENT, "dc_pca_fit: out is NULL");
    *out = NULL;
    DC_REQUIRE(queue, DC_E_ARGUMENT, "dc_pca_fit: queue is NULL");
    DC_TRY(fit_params("dc_pca_fit", params, &whole));
    DC_TRY(dc_pca_state_new(&whole, &state));
    status = dc_pca_state_update(state, queue, &whole.src);
    if (status == DC_OK)
        status = dc_pca_state_result(state, queue, out);
    dc_pca_state_free(state);
    return status;
}

#endif

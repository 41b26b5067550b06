/* Models of kind "pca": limits, operands, checks.  Included by pca.c alone. */
#ifndef DC_HOST_PCA_MODEL_H
#define DC_HOST_PCA_MODEL_H

#include "host/core/error.h"
#include "host/core/quantile.h"

/* A model's entries, once they agree. */
typedef struct pca_entries {
    dc_array components, variance, mean, scale; /* scale.ndim 0: not standardised */
    int64_t k, d;
} pca_entries;

static dc_status entry_array(const dc_model *model, const char *name, int32_t ndim, int64_t rows,
                             int64_t columns, dc_array *out)
{
    dc_model_entry entry = {.struct_size = sizeof entry};

    DC_TRY(dc_model_find(model, name, DC_MODEL_ARRAY, &entry));
    *out = entry.array;
    DC_REQUIRE(out->dtype == DC_F32 || out->dtype == DC_F64, DC_E_ARGUMENT,
               "model pca: %s has dtype %s, must be float32 or float64", name,
               dc_dtype_name(out->dtype));
    DC_REQUIRE(out->ndim == ndim, DC_E_ARGUMENT, "model pca: %s has %d axes, must have %d", name,
               (int)out->ndim, (int)ndim);
    DC_REQUIRE((ndim == 1 || rows < 0 || out->shape[0] == rows) &&
                   (columns < 0 || out->shape[ndim - 1] == columns),
               DC_E_ARGUMENT, "model pca: %s has %lld elements, which do not agree with components",
               name, (long long)dc_array_elements(out));
    return DC_OK;
}

static dc_status entries_of(const dc_model *model, pca_entries *e)
{
    dc_model_entry scale = {.struct_size = sizeof scale};

    memset(e, 0, sizeof *e);
    DC_REQUIRE(model, DC_E_ARGUMENT, "model pca: model is NULL");
    DC_REQUIRE(strcmp(dc_model_kind(model), "pca") == 0, DC_E_ARGUMENT,
               "model %s: its kind must be pca", dc_model_kind(model));
    DC_TRY(entry_array(model, "components", 2, -1, -1, &e->components));
    e->k = e->components.shape[0];
    e->d = e->components.shape[1];
    DC_REQUIRE(e->k >= 1 && e->d >= e->k, DC_E_ARGUMENT,
               "model pca: components are %lld x %lld, must be 1 ... columns x columns",
               (long long)e->k, (long long)e->d);
    DC_TRY(entry_array(model, "explained_variance", 1, 0, e->k, &e->variance));
    DC_TRY(entry_array(model, "mean", 1, 0, e->d, &e->mean));
    if (dc_model_find(model, "scale", 0, &scale) == DC_OK)
        DC_TRY(entry_array(model, "scale", 1, 0, e->d, &e->scale));
    return DC_OK;
}

static double entry_at(const dc_array *array, int64_t i)
{
    return array->dtype == DC_F32 ? (double)((const float *)array->data)[i]
                                  : ((const double *)array->data)[i];
}

static dc_status entry_number(const dc_model *model, const char *name, double *out)
{
    dc_model_entry entry = {.struct_size = sizeof entry};

    DC_TRY(dc_model_find(model, name, DC_MODEL_NUMBER, &entry));
    *out = entry.number;
    return DC_OK;
}

static double jackson(double z, const double theta[3])
{
    const double h0 = 1 - 2 * theta[0] * theta[2] / (3 * theta[1] * theta[1]);
    const double base = z * sqrt(2 * theta[1] * h0 * h0) / theta[0] + 1 +
                        theta[1] * h0 * (h0 - 1) / (theta[0] * theta[0]);
    double power;

    if (!(h0 > 0) || !(base > 0))
        return (double)NAN;
    power = dc__ln_any(base) / h0;
    return theta[0] * dc__exp_any(power);
}

dc_status dc_pca_limits_at(const dc_model *model, double confidence, dc_pca_limits *limits)
{
    double n, k, theta[3], z;
    pca_entries e;

    DC_REQUIRE(limits && limits->struct_size == sizeof *limits, DC_E_ARGUMENT,
               "dc_pca_limits_at: limits.struct_size must be %zu", sizeof *limits);
    DC_REQUIRE(confidence > 0 && confidence < 1, DC_E_ARGUMENT,
               "dc_pca_limits_at: confidence is %g, must be above 0 and below 1", confidence);
    DC_TRY(entries_of(model, &e));
    k = (double)e.k;
    DC_TRY(entry_number(model, "n_samples", &n));
    DC_TRY(entry_number(model, "theta1", &theta[0]));
    DC_TRY(entry_number(model, "theta2", &theta[1]));
    DC_TRY(entry_number(model, "theta3", &theta[2]));
    DC_REQUIRE(n >= 2 && n < 0x1p53, DC_E_ARGUMENT,
               "model pca: n_samples is %g, must be at least 2", n);
    for (int i = 0; i < 3; ++i)
        DC_REQUIRE(theta[i] >= 0, DC_E_ARGUMENT, "model pca: theta%d is %g, must be at least 0",
                   i + 1, theta[i]);
    limits->t2_f =
        n > k ? k * (n - 1) * (n + 1) / (n * (n - k)) * dc__quantile_f(confidence, k, n - k)
              : (double)NAN;
    limits->t2_beta =
        n > k + 1 ? (n - 1) * (n - 1) / n * dc__quantile_beta(confidence, k / 2, (n - k - 1) / 2)
                  : (double)NAN;
    limits->t2_chi2 = dc__quantile_chi2(confidence, k);
    limits->t2 = limits->t2_f;
    /* Squares of variances beyond 1e154, or below 1e-154, tell nothing. */
    limits->spe_box = limits->spe_jackson = theta[0] > 0 ? (double)NAN : 0;
    if (theta[0] > 0 && theta[1] > 0 && isfinite(theta[1]) && isfinite(theta[2])) {
        z = dc__quantile_normal(confidence);
        limits->spe_box =
            theta[1] / theta[0] * dc__quantile_chi2(confidence, theta[0] / theta[1] * theta[0]);
        limits->spe_jackson = jackson(z, theta);
    }
    limits->jackson = limits->spe_jackson == limits->spe_jackson;
    limits->spe = limits->jackson ? limits->spe_jackson : limits->spe_box;
    return DC_OK;
}

/* One operand in `memory`: its numbers in the dtype, and where the next begins. */
typedef struct operand_room {
    char *at;
    int32_t dtype;
    size_t used;
} operand_room;

static dc_array operand_put(operand_room *room, int32_t ndim, const int64_t *shape,
                            double (*number)(const pca_entries *, int64_t, int32_t),
                            const pca_entries *e, int32_t kind)
{
    const size_t size = dc_dtype_bytes(room->dtype);
    int64_t count = 1;
    dc_array array;
    char *const at = room->at ? room->at + room->used : NULL;

    for (int32_t d = 0; d < ndim; ++d)
        count *= shape[d];
    for (int64_t i = 0; at && i < count; ++i) {
        const double x = number(e, i, kind);
        const float narrow = (float)x;

        memcpy(at + (size_t)i * size, room->dtype == DC_F32 ? (const void *)&narrow : &x, size);
    }
    array = dc_array_host(at, room->dtype, ndim, shape);
    room->used += ((size_t)count * size + 63) / 64 * 64;
    return array;
}

static double number_component(const pca_entries *e, int64_t i, int32_t kind)
{
    (void)kind;
    return entry_at(&e->components, i);
}

static double number_mean(const pca_entries *e, int64_t i, int32_t kind)
{
    (void)kind;
    return entry_at(&e->mean, i);
}

static double number_scale(const pca_entries *e, int64_t i, int32_t kind)
{
    return kind == DC_PCA_MONITOR ? 1 / entry_at(&e->scale, i) : entry_at(&e->scale, i);
}

/* The variance that a score is divided by. */
static double least_variance(const pca_entries *e, int64_t a)
{
    const double unit = e->variance.dtype == DC_F32 ? 0x1p-23 : 0x1p-52;
    const double floor = entry_at(&e->variance, 0) * unit, x = entry_at(&e->variance, a);

    return x > floor ? x : floor;
}

static double number_weight(const pca_entries *e, int64_t a, int32_t kind)
{
    const double variance = least_variance(e, a);

    (void)kind;
    return variance > 0 ? 1 / variance : 0;
}

static double number_whiten(const pca_entries *e, int64_t a, int32_t kind)
{
    const double root = sqrt(least_variance(e, a));

    return kind == DC_PCA_INVERSE ? root : root > 0 ? 1 / root : 0;
}

dc_status dc_pca_from_model(const dc_model *model, int32_t kind, int32_t dtype, int32_t whiten,
                            void *memory, size_t room, size_t *size, dc_pca_params *params)
{
    operand_room r = {memory, dtype, 0};
    dc_pca_params p = DC_PCA_PARAMS_INIT;
    pca_entries e;

    DC_REQUIRE(params && params->struct_size == sizeof *params, DC_E_ARGUMENT,
               "dc_pca_from_model: params.struct_size must be %zu", sizeof *params);
    DC_REQUIRE(kind == DC_PCA_MONITOR || kind == DC_PCA_INVERSE, DC_E_ARGUMENT,
               "dc_pca_from_model: kind is %d, must be %d ... %d (DC_PCA_*)", (int)kind,
               DC_PCA_MONITOR, DC_PCA_INVERSE);
    DC_REQUIRE(dtype == DC_F32 || dtype == DC_F64, DC_E_ARGUMENT,
               "dc_pca_from_model: dtype is %d, must be %d or %d", (int)dtype, DC_F32, DC_F64);
    DC_TRY(entries_of(model, &e));
    for (int write = 0; write < 2; ++write) {
        r.at = write ? memory : NULL;
        r.used = 0;
        p.components = operand_put(&r, 2, e.components.shape, number_component, &e, kind);
        p.mean = operand_put(&r, 1, &e.d, number_mean, &e, kind);
        if (e.scale.ndim)
            p.scale = operand_put(&r, 1, &e.d, number_scale, &e, kind);
        if (kind == DC_PCA_MONITOR)
            p.weights = operand_put(&r, 1, &e.k, number_weight, &e, kind);
        if (whiten)
            p.component_scale = operand_put(&r, 1, &e.k, number_whiten, &e, kind);
        if (size)
            *size = r.used;
        if (!memory)
            return DC_OK;
        DC_REQUIRE(r.used <= room, DC_E_ARGUMENT,
                   "dc_pca_from_model: room is %zu bytes, must be %zu", room, r.used);
    }
    p.kind = kind;
    *params = p;
    return DC_OK;
}

static dc_status check_finite(const dc_array *array, const char *name, double least)
{
    const int64_t n = dc_array_elements(array);

    for (int64_t i = 0; i < n; ++i)
        DC_REQUIRE(isfinite(entry_at(array, i)) && entry_at(array, i) >= least, DC_E_ARGUMENT,
                   "model pca: %s holds %g, must be finite%s", name, entry_at(array, i),
                   isfinite(least) ? " and not below 0" : "");
    return DC_OK;
}

dc_status dc_pca_check_model(const dc_model *model)
{
    dc_pca_limits limits = DC_PCA_LIMITS_INIT;
    double allowed;
    pca_entries e;

    DC_TRY(dc_pca_limits_at(model, 0.95, &limits));
    DC_TRY(entries_of(model, &e));
    DC_TRY(check_finite(&e.components, "components", -INFINITY));
    DC_TRY(check_finite(&e.variance, "explained_variance", 0));
    DC_TRY(check_finite(&e.mean, "mean", -INFINITY));
    for (int64_t j = 0; e.scale.ndim && j < e.d; ++j)
        DC_REQUIRE(entry_at(&e.scale, j) > 0 && isfinite(entry_at(&e.scale, j)), DC_E_ARGUMENT,
                   "model pca: scale holds %g, must be finite and above 0", entry_at(&e.scale, j));
    for (int64_t a = 1; a < e.k; ++a)
        DC_REQUIRE(
            entry_at(&e.variance, a) <= entry_at(&e.variance, a - 1), DC_E_ARGUMENT,
            "model pca: explained_variance must not rise, entry %lld is above the one before",
            (long long)a);
    allowed = e.components.dtype == DC_F32 ? 1e-4 : 1e-6;
    for (int64_t a = 0; a < e.k; ++a)
        for (int64_t b = a; b < e.k; ++b) {
            double dot = a == b ? -1 : 0;

            for (int64_t j = 0; j < e.d; ++j)
                dot += entry_at(&e.components, a * e.d + j) * entry_at(&e.components, b * e.d + j);
            DC_REQUIRE(fabs(dot) <= allowed, DC_E_ARGUMENT,
                       "model pca: components %lld and %lld are %g away from being orthonormal",
                       (long long)a, (long long)b, fabs(dot));
        }
    return DC_OK;
}

#endif

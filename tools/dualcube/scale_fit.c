/* dualcube scale fit: statistics of the columns, and the model made of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/scale.h"

#define EPSILON 0x1p-52

enum { MOST = 3 }; /* statistics of a column */

/* The whole file at once: it is mapped as it is. */
static int reduce_whole(scale_job *job, dc_reduce_params *p)
{
    p->src = scale_rows(job, 0, job->rows, NULL);
    const dc_status status = dc_reduce(job->session.queue, p, NULL);

    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

/* A chunk after the other; the bits are those of the whole. */
static int reduce_chunks(scale_job *job, dc_reduce_params *p)
{
    const int64_t row = job->columns * (int64_t)dc_dtype_bytes(job->dtype);
    const int64_t rows = scale_chunk(job, row);
    dc_reduce_state *state = NULL;
    void *room = NULL;
    dc_status status = dc_host_alloc(job->session.context, (size_t)(rows * row), &room);

    p->src = scale_rows(job, 0, 0, room);
    if (status == DC_OK)
        status = dc_reduce_state_new(p, &state);
    for (int64_t first = 0; status == DC_OK && first < job->rows && !cli_interrupted();
         first += rows) {
        const int64_t last = first + rows < job->rows ? first + rows : job->rows;
        const dc_array chunk = scale_rows(job, first, last, room);

        status = dc_reduce_state_update(state, &chunk, first);
        ui_progress_show(&job->progress, (double)last / (double)job->rows, job->doing);
    }
    if (status == DC_OK && !cli_interrupted())
        status = dc_reduce_state_result(state, &p->dst, NULL);
    dc_reduce_state_free(state);
    dc_host_free(job->session.context, room);
    if (cli_interrupted())
        return CLI_INTERRUPTED;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

/* Quantiles need all values: a copy of them, where the file cannot be used as it is. */
static int reduce_copy(scale_job *job, dc_reduce_params *p)
{
    const int64_t row = job->columns * (int64_t)dc_dtype_bytes(job->dtype);
    void *room = NULL;
    dc_status status;

    if (job->rows * row > job->memory)
        return cli_fail(CLI_USAGE,
                        "%s has to be copied for its quantiles, which takes %lld bytes, and "
                        "--memory is %lld: convert it to float32 or float64 in C order, or give "
                        "it more",
                        job->input, (long long)(job->rows * row), (long long)job->memory);
    status = dc_host_alloc(job->session.context, (size_t)(job->rows * row), &room);
    if (status == DC_OK) {
        p->src = scale_rows(job, 0, job->rows, room);
        status = dc_reduce(job->session.queue, p, NULL);
    }
    dc_host_free(job->session.context, room);
    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

/* `count` statistics of every column, as float64. */
static int statistics(scale_job *job, int32_t kind, int64_t count, double *out)
{
    static const double q[3] = {0.25, 0.5, 0.75};
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    const int64_t n = count * job->columns;
    float *narrow = (float *)(void *)out;
    int code;

    p.kind = kind;
    p.ddof = 0;
    if (kind == DC_REDUCE_QUANTILE)
        p.q = (dc_doubles){q, 3};
    p.dst = dc_array_host(out, job->dtype, 2, (int64_t[]){count, job->columns});
    code = !job->convert                ? reduce_whole(job, &p)
           : kind == DC_REDUCE_QUANTILE ? reduce_copy(job, &p)
                                        : reduce_chunks(job, &p);
    if (job->dtype == DC_F32)
        for (int64_t i = n - 1; !code && i >= 0; --i)
            out[i] = (double)narrow[i];
    return code;
}

/* 1 for what rounding alone may have made of a constant column. */
static double divisor(double range)
{
    return range < 10 * EPSILON ? 1.0 : range;
}

static void standard(const double *s, int64_t c, int64_t columns, double *out)
{
    const double n = s[c], mean = s[columns + c], var = s[2 * columns + c];
    const double lost = n * mean * EPSILON;

    out[c] = mean;
    out[columns + c] = var;
    out[2 * columns + c] = var <= n * EPSILON * var + lost * lost ? 1.0 : sqrt(var);
}

static dc_status put(dc_model *model, const char *name, const double *values, int64_t columns)
{
    const dc_array array = dc_array_host(values, DC_F64, 1, &columns);
    return dc_model_set_array(model, name, &array);
}

static dc_status fill_standard(dc_model *m, const double *s, int64_t columns, double *out)
{
    dc_status status;

    for (int64_t c = 0; c < columns; ++c)
        standard(s, c, columns, out);
    status = put(m, "mean", out, columns);
    if (status == DC_OK)
        status = put(m, "var", out + columns, columns);
    if (status == DC_OK)
        status = put(m, "scale", out + 2 * columns, columns);
    return status == DC_OK ? put(m, "n_samples_seen", s, columns) : status;
}

static dc_status fill_min_max(dc_model *m, const double *s, int64_t columns, double *out)
{
    dc_status status = put(m, "data_min", s, columns);

    for (int64_t c = 0; c < columns; ++c) {
        out[2 * columns + c] = s[columns + c] - s[c];
        out[c] = 1.0 / divisor(out[2 * columns + c]);
        out[columns + c] = 0.0 - s[c] * out[c];
    }
    if (status == DC_OK)
        status = put(m, "data_max", s + columns, columns);
    if (status == DC_OK)
        status = put(m, "data_range", out + 2 * columns, columns);
    if (status == DC_OK)
        status = put(m, "scale", out, columns);
    return status == DC_OK ? put(m, "min", out + columns, columns) : status;
}

static dc_status fill_max_abs(dc_model *m, const double *s, int64_t columns, double *out)
{
    dc_status status;

    for (int64_t c = 0; c < columns; ++c) {
        const double low = fabs(s[c]), high = fabs(s[columns + c]);
        out[c] = low > high ? low : high;
        out[columns + c] = divisor(out[c]);
    }
    status = put(m, "max_abs", out, columns);
    return status == DC_OK ? put(m, "scale", out + columns, columns) : status;
}

static dc_status fill_robust(dc_model *m, const double *s, int64_t columns, double *out)
{
    dc_status status = put(m, "center", s + columns, columns);

    for (int64_t c = 0; c < columns; ++c)
        out[c] = divisor(s[2 * columns + c] - s[c]);
    return status == DC_OK ? put(m, "scale", out, columns) : status;
}

static dc_status fill_mean(dc_model *m, const double *s, int64_t columns, double *out)
{
    (void)out;
    return put(m, "statistics", s + columns, columns);
}

/* Quartiles less and plus one and a half times their distance. */
static dc_status fill_bounds(dc_model *m, const double *s, int64_t columns, double *out)
{
    dc_status status;

    for (int64_t c = 0; c < columns; ++c) {
        const double reach = 1.5 * (s[2 * columns + c] - s[c]);

        out[c] = s[c] - reach;
        out[columns + c] = s[2 * columns + c] + reach;
    }
    status = put(m, "low", out, columns);
    return status == DC_OK ? put(m, "high", out + columns, columns) : status;
}

/* Names and entries are those of the Python classes, which read these files, too. */
static const struct {
    const char *kind, *parameters;
    int32_t statistic;
    int64_t count;
    dc_status (*fill)(dc_model *m, const double *s, int64_t columns, double *out);
} methods[SCALE_METHODS] = {
    [SCALE_STANDARD] = {"standard_scaler", "{\"with_mean\": true, \"with_std\": true}",
                        DC_REDUCE_MOMENTS, 3, fill_standard},
    [SCALE_MIN_MAX] = {"min_max_scaler", "{\"feature_range\": [0, 1], \"clip\": false}",
                       DC_REDUCE_EXTENT, 2, fill_min_max},
    [SCALE_MAX_ABS] = {"max_abs_scaler", "{}", DC_REDUCE_EXTENT, 2, fill_max_abs},
    [SCALE_ROBUST] = {"robust_scaler", "{\"quantile_range\": [25.0, 75.0]}", DC_REDUCE_QUANTILE, 3,
                      fill_robust},
    [SCALE_FILL_MEAN] = {"simple_imputer", "{\"strategy\": \"mean\"}", DC_REDUCE_MOMENTS, 3,
                         fill_mean},
    [SCALE_FILL_MEDIAN] = {"simple_imputer", "{\"strategy\": \"median\"}", DC_REDUCE_QUANTILE, 3,
                           fill_mean}, /* the second of the three, too */
    [SCALE_OUTLIERS] = {"outlier_clipper", "{\"method\": \"iqr\", \"handling\": \"clip\"}",
                        DC_REDUCE_QUANTILE, 3, fill_bounds},
};

static int on_progress(int64_t done, int64_t total, void *user)
{
    scale_job *job = user;

    ui_progress_show(&job->progress, total > 0 ? (double)done / (double)total : 0, job->doing);
    return cli_interrupted();
}

/* An infinity leaves none of these finite; a column without values has NaN. */
static int check_finite(const scale_job *job, const double *s, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (isinf(s[i]))
            return cli_fail(CLI_FAILED, "%s: column %lld has an infinity, or values too large",
                            job->input, (long long)(i % job->columns));
    return 0;
}

int scale_fit(scale_job *job, dc_model **model)
{
    const size_t room = (size_t)(MOST * job->columns) * sizeof(double) + 1;
    double *s = malloc(room), *out = malloc(room);
    dc_status status = DC_OK;
    int code = s && out ? 0 : cli_fail(CLI_FAILED, "out of memory");

    job->doing = "fit";
    ui_progress_begin(&job->progress);
    dc_queue_set_progress(job->session.queue, on_progress, job);
    if (!code)
        code = statistics(job, methods[job->method].statistic, methods[job->method].count, s);
    dc_queue_set_progress(job->session.queue, NULL, NULL);
    ui_progress_end(&job->progress);
    if (!code)
        code = check_finite(job, s, methods[job->method].count * job->columns);
    if (!code) {
        status = dc_model_new(methods[job->method].kind, model);
        if (status == DC_OK)
            status = dc_model_set_text(*model, "parameters", methods[job->method].parameters);
        if (status == DC_OK)
            status = methods[job->method].fill(*model, s, job->columns, out);
        if (status == DC_OK)
            status = dc_model_set_number(*model, "n_features_in", (double)job->columns);
        if (status == DC_OK && (job->method == SCALE_MIN_MAX || job->method == SCALE_MAX_ABS))
            status = dc_model_set_number(*model, "n_samples_seen", (double)job->rows);
        code = status == DC_OK ? 0 : cli_fail_status(status);
    }
    free(s);
    free(out);
    return code;
}

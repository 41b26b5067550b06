/* dualcube scale apply, inverse: the numbers of a model put to a file, a chunk of rows at a time.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "tools/dualcube/scale.h"

enum { STEPS = 2 };

/* What is done to the rows: one call after the other. */
typedef struct work {
    scale_job *job;
    dc_scale_params step[STEPS];
    int steps;
    void *in, *out, *between;
    float *narrow; /* numbers of the steps in float32 */
} work;

static int flag(const cJSON *parameters, const char *name, int otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(parameters, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

/* A number per column from the model; an entry that is missing leaves `to` empty. */
static int number(const scale_job *job, const dc_model *model, const char *name, dc_array *to)
{
    dc_model_entry entry = {.struct_size = sizeof entry};

    if (dc_model_find(model, name, DC_MODEL_ARRAY, &entry) != DC_OK)
        return 0;
    if (entry.array.dtype != DC_F64 || entry.array.ndim != 1 ||
        entry.array.shape[0] != job->columns)
        return cli_fail(CLI_USAGE, "%s: %s is for %lld columns, %s has %lld", job->model, name,
                        (long long)entry.array.shape[0], job->input, (long long)job->columns);
    *to = entry.array;
    return 0;
}

static dc_scale_params *add(work *w, int32_t kind)
{
    dc_scale_params *p = &w->step[w->steps++];

    *p = (dc_scale_params)DC_SCALE_PARAMS_INIT;
    p->kind = kind;
    return p;
}

/* x center and scale: those that the parameters leave out are not there. */
static int add_scaling(work *w, const dc_model *model, const char *center, const char *scale,
                       int inverse)
{
    dc_scale_params *p = add(w, inverse ? DC_SCALE_INVERSE : DC_SCALE_APPLY);
    int code = center ? number(w->job, model, center, &p->a) : 0;

    return code || !scale ? code : number(w->job, model, scale, &p->b);
}

static int add_min_max(work *w, const dc_model *model, const cJSON *parameters)
{
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(parameters, "feature_range");
    int code = add_scaling(w, model, "min", "scale", !w->job->inverse);

    if (!code && !w->job->inverse && flag(parameters, "clip", 0)) {
        const cJSON *low = cJSON_GetArrayItem(range, 0), *high = cJSON_GetArrayItem(range, 1);
        w->step[0].low = cJSON_IsNumber(low) ? low->valuedouble : 0;
        w->step[0].high = cJSON_IsNumber(high) ? high->valuedouble : 1;
    }
    return code;
}

static int add_power(work *w, const dc_model *model, const cJSON *parameters)
{
    const cJSON *method = cJSON_GetObjectItemCaseSensitive(parameters, "method");
    const int box = cJSON_IsString(method) && !strcmp(method->valuestring, "box-cox");
    const int standardize = flag(parameters, "standardize", 1), inverse = w->job->inverse;
    int code = inverse && standardize ? add_scaling(w, model, "mean", "scale", 1) : 0;
    dc_scale_params *p = add(w, DC_SCALE_POWER);

    p->function = box ? DC_SCALE_BOX_COX : DC_SCALE_YEO_JOHNSON;
    p->inverse = inverse;
    if (!code)
        code = number(w->job, model, "lambdas", &p->a);
    if (!code && !inverse && standardize)
        code = add_scaling(w, model, "mean", "scale", 0);
    return code;
}

static int add_bounds(work *w, const dc_model *model, const cJSON *parameters)
{
    const cJSON *handling = cJSON_GetObjectItemCaseSensitive(parameters, "handling");
    dc_scale_params *p = add(w, DC_SCALE_CLIP);
    int code = number(w->job, model, "low", &p->a);

    p->outside = cJSON_IsString(handling) && !strcmp(handling->valuestring, "mask")
                     ? DC_SCALE_OUTSIDE_MASK
                     : DC_SCALE_OUTSIDE_CLIP;
    return code ? code : number(w->job, model, "high", &p->b);
}

static int add_steps(work *w, const dc_model *model, const cJSON *parameters)
{
    const char *kind = dc_model_kind(model);
    const int inverse = w->job->inverse;

    if (!strcmp(kind, "standard_scaler"))
        return add_scaling(w, model, flag(parameters, "with_mean", 1) ? "mean" : NULL,
                           flag(parameters, "with_std", 1) ? "scale" : NULL, inverse);
    if (!strcmp(kind, "min_max_scaler"))
        return add_min_max(w, model, parameters);
    if (!strcmp(kind, "max_abs_scaler"))
        return add_scaling(w, model, NULL, "scale", inverse);
    if (!strcmp(kind, "robust_scaler"))
        return add_scaling(w, model, "center", "scale", inverse);
    if (!strcmp(kind, "power_transformer"))
        return add_power(w, model, parameters);
    if (inverse)
        return cli_fail(CLI_USAGE, "%s: a model of kind %s has no inverse", w->job->model, kind);
    if (!strcmp(kind, "outlier_clipper"))
        return add_bounds(w, model, parameters);
    if (!strcmp(kind, "simple_imputer"))
        return number(w->job, model, "statistics", &add(w, DC_SCALE_FILL)->a);
    return cli_fail(CLI_USAGE, "%s: a model of kind %s is none that scales", w->job->model, kind);
}

/* float32 computes with float32 numbers. */
static void narrow(work *w)
{
    const int64_t columns = w->job->columns;

    for (int k = 0; k < w->steps; ++k) {
        dc_array *const number_of[] = {&w->step[k].a, &w->step[k].b};

        for (int i = 0; i < 2; ++i) {
            float *to = w->narrow + (2 * k + i) * columns;
            const double *from = number_of[i]->data;

            if (number_of[i]->ndim == 0)
                continue;
            for (int64_t c = 0; c < columns; ++c)
                to[c] = (float)from[c];
            *number_of[i] = dc_array_host(to, DC_F32, 1, &columns);
        }
    }
}

static int allocate(work *w, int64_t rows)
{
    const scale_job *job = w->job;
    const size_t bytes = (size_t)(rows * job->columns) * dc_dtype_bytes(job->dtype);
    const size_t numbers = (size_t)job->columns * 2 * STEPS * sizeof(float);
    void *room = NULL;
    dc_status status = dc_host_alloc(job->session.context, bytes, &w->out);

    if (status == DC_OK && job->convert)
        status = dc_host_alloc(job->session.context, bytes, &w->in);
    if (status == DC_OK && w->steps > 1)
        status = dc_host_alloc(job->session.context, bytes, &w->between);
    if (status == DC_OK)
        status = dc_host_alloc(job->session.context, numbers, &room);
    w->narrow = room;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

static int run_rows(work *w, int64_t first, int64_t last, outfile *out)
{
    const scale_job *job = w->job;
    const int64_t shape[2] = {last - first, job->columns};
    dc_array src = scale_rows(job, first, last, w->in);

    for (int k = 0; k < w->steps; ++k) {
        dc_scale_params p = w->step[k];
        dc_status status;

        p.src = src;
        p.dst = dc_array_host(k + 1 < w->steps ? w->between : w->out, job->dtype, 2, shape);
        status = dc_scale(job->session.queue, &p, NULL);
        if (status != DC_OK)
            return status == DC_E_CANCELLED ? CLI_INTERRUPTED : cli_fail_status(status);
        src = p.dst;
    }
    return outfile_write(out, w->out, (size_t)(shape[0] * shape[1]) * dc_dtype_bytes(job->dtype));
}

int scale_apply(scale_job *job, const dc_model *model, outfile *out)
{
    dc_model_entry entry = {.struct_size = sizeof entry};
    work w = {.job = job};
    cJSON *parameters = NULL;
    int64_t rows;
    int code;

    if (dc_model_find(model, "parameters", DC_MODEL_TEXT, &entry) == DC_OK)
        parameters = cJSON_Parse(entry.text);
    code = add_steps(&w, model, parameters);
    cJSON_Delete(parameters);
    rows = scale_chunk(job, job->columns * (int64_t)dc_dtype_bytes(job->dtype) *
                                (1 + job->convert + (w.steps > 1)));
    if (!code)
        code = allocate(&w, rows);
    if (!code && job->dtype == DC_F32)
        narrow(&w);
    job->doing = job->inverse ? "inverse" : "apply";
    ui_progress_begin(&job->progress);
    for (int64_t first = 0; !code && first < job->rows && job->columns > 0; first += rows) {
        const int64_t last = first + rows < job->rows ? first + rows : job->rows;

        code = cli_interrupted() ? CLI_INTERRUPTED : run_rows(&w, first, last, out);
        ui_progress_show(&job->progress, (double)last / (double)job->rows, job->doing);
    }
    ui_progress_end(&job->progress);
    dc_host_free(job->session.context, w.in);
    dc_host_free(job->session.context, w.out);
    dc_host_free(job->session.context, w.between);
    dc_host_free(job->session.context, w.narrow);
    return code;
}

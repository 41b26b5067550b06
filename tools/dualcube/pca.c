/* dualcube pca: principal components of .npy files, and rows watched against them. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/dualcube/scale.h"

enum {
    OUTPUT = CLI_FIRST_ID,
    MODEL,
    COMPONENTS,
    STANDARDIZE,
    CONFIDENCE,
    MISSING,
    SCORES,
    DTYPE,
    MEMORY
};
enum { T2 = 0, SPE, SCORE_ROWS, FILES };

typedef struct pca_job {
    scale_job rows; /* the input, and where it is computed */
    dc_pca_fit_params fit;
    double confidence;
    int32_t missing;
    int scores;
    int64_t above[2]; /* rows above the limits of T2 and SPE */
} pca_job;

static const cli_option options[] = {
    {"output", 'o', "PATH", "fit: the model file; monitor: the folder of the results (required)",
     OUTPUT},
    {"model", 'm', "FILE", "monitor: the model file (required)", MODEL},
    {"components", 'k', "N",
     "fit: how many components, or, below 1, how much of the variance they "
     "explain (default: all)",
     COMPONENTS},
    {"standardize", 0, NULL, "fit: columns are divided by their standard deviations", STANDARDIZE},
    {"confidence", 0, "P", "of the control limits (default: 0.95)", CONFIDENCE},
    {"missing", 0, "WHAT",
     "monitor: a NaN makes its row's results nan (the default), or counts as "
     "the column's mean",
     MISSING},
    {"scores", 0, NULL, "monitor: also write the scores", SCORES},
    {"dtype", 0, "TYPE", "compute with f32 or f64 (default: as in the file; integers f64)", DTYPE},
    {"memory", 0, "SIZE", "size of the chunks of rows, such as 64M (the default)", MEMORY},
    SESSION_OPTIONS,
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "pca fit INPUT.npy -o MODEL | pca monitor INPUT.npy --model MODEL -o FOLDER",
    "fit: principal components of the rows of a .npy file (axis 0; the others are columns).  \n"
    "monitor: Hotelling's T2 and the squared prediction error of every row against a model, as \n"
    "t2.npy and spe.npy, with --scores scores.npy, and limits.json.  Files larger than the memory\n"
    "are worked on in chunks of rows, whose size changes no bit.  Model files are those of the\n"
    "Python class PCA.",
    "  dualcube pca fit train.npy -k 0.9 --standardize -o process.model\n"
    "  dualcube pca monitor today.npy --model process.model -o today/",
    options,
};

/* Rows at a time. */
static int64_t chunk_rows(const scale_job *job, int64_t more)
{
    return scale_chunk(job, (job->columns + more) * (int64_t)dc_dtype_bytes(job->dtype));
}

static int stopped(dc_status status)
{
    if (status == DC_E_CANCELLED || cli_interrupted())
        return CLI_INTERRUPTED;
    return status == DC_OK ? 0 : cli_fail_status(status);
}

static int run_fit(pca_job *job)
{
    scale_job *const r = &job->rows;
    const int64_t rows = chunk_rows(r, 0), row = r->columns * (int64_t)dc_dtype_bytes(r->dtype);
    dc_pca_state *state = NULL;
    dc_model *model = NULL;
    void *room = NULL;
    dc_status status = DC_OK;
    int code;

    if (r->convert)
        status = dc_host_alloc(r->session.context, (size_t)(rows * row), &room);
    job->fit.src = dc_array_host(NULL, r->dtype, 2, (int64_t[]){0, r->columns});
    job->fit.confidence = job->confidence;
    if (status == DC_OK)
        status = dc_pca_state_new(&job->fit, &state);
    for (int64_t first = 0; status == DC_OK && first < r->rows && !cli_interrupted();
         first += rows) {
        const int64_t last = first + rows < r->rows ? first + rows : r->rows;
        const dc_array chunk = scale_rows(r, first, last, room);

        status = dc_pca_state_update(state, r->session.queue, &chunk);
        ui_progress_show(&r->progress, (double)last / (double)r->rows, "fitting");
    }
    if (status == DC_OK && !cli_interrupted())
        status = dc_pca_state_result(state, r->session.queue, &model);
    ui_progress_end(&r->progress);
    code = stopped(status);
    dc_pca_state_free(state);
    dc_host_free(r->session.context, room);
    if (!code)
        code = stopped(dc_model_save(model, r->output));
    if (!code) {
        dc_model_entry k = {.struct_size = sizeof k};

        (void)dc_model_find(model, "n_components", DC_MODEL_NUMBER, &k);
        printf("%s: %g components of %lld rows x %lld columns\n", r->output, k.number,
               (long long)r->rows, (long long)r->columns);
    }
    dc_model_free(model);
    return code;
}

/* ---- monitor ---- */

typedef struct watch {
    pca_job *job;
    dc_pca_params params;
    dc_pca_limits limits;
    int64_t components;
    void *operands, *in, *out[FILES];
    outfile file[FILES];
} watch;

static int64_t width(const watch *w, int which)
{
    return which == SCORE_ROWS ? w->components : 1;
}

static int watch_open(watch *w, const dc_model *model, int64_t rows)
{
    static const char *const names[FILES] = {"t2.npy", "spe.npy", "scores.npy"};
    const scale_job *const r = &w->job->rows;
    const npy_type type = r->dtype == DC_F32 ? NPY_F32 : NPY_F64;
    const size_t size = npy_type_bytes(type);
    char path[4096], header[512];
    size_t bytes = 0;
    dc_status status;
    int code = 0;

    status = dc_pca_from_model(model, DC_PCA_MONITOR, r->dtype, 0, NULL, 0, &bytes, &w->params);
    if (status == DC_OK)
        status = dc_host_alloc(r->session.context, bytes, &w->operands);
    if (status == DC_OK)
        status = dc_pca_from_model(model, DC_PCA_MONITOR, r->dtype, 0, w->operands, bytes, NULL,
                                   &w->params);
    if (status == DC_OK && r->convert)
        status = dc_host_alloc(r->session.context, (size_t)(rows * r->columns) * size, &w->in);
    for (int i = 0; status == DC_OK && i < FILES; ++i)
        status = dc_host_alloc(r->session.context, (size_t)(rows * width(w, i)) * size, &w->out[i]);
    if (status != DC_OK)
        return cli_fail_status(status);
    if (mkdir(r->output, 0777) && errno != EEXIST)
        return cli_fail(CLI_FAILED, "%s: %s", r->output, strerror(errno));
    for (int i = 0; !code && i < FILES - !w->job->scores; ++i) {
        const int64_t shape[] = {r->rows, w->components};
        const size_t head =
            npy_header_write(type, i == SCORE_ROWS ? 2 : 1, shape, header, sizeof header);

        if (cli_format(path, sizeof path, "%s/%s", r->output, names[i]))
            return cli_fail(CLI_USAGE, "%s: the path is too long", r->output);
        code = outfile_open(&w->file[i], path, head + (uint64_t)(r->rows * width(w, i)) * size);
        if (!code)
            code = outfile_write(&w->file[i], header, head);
    }
    return code;
}

static void count_above(watch *w, int64_t rows)
{
    const double limit[] = {w->limits.t2, w->limits.spe};

    for (int i = T2; i <= SPE; ++i)
        for (int64_t k = 0; k < rows; ++k) {
            const double x = w->job->rows.dtype == DC_F32 ? (double)((const float *)w->out[i])[k]
                                                          : ((const double *)w->out[i])[k];
            w->job->above[i] += x > limit[i];
        }
}

static int watch_rows(watch *w, int64_t first, int64_t last)
{
    const scale_job *const r = &w->job->rows;
    const int64_t shape[] = {last - first, w->components};
    dc_pca_params p = w->params;
    int code;

    p.src = scale_rows(r, first, last, w->in);
    p.missing = w->job->missing;
    p.t2 = dc_array_host(w->out[T2], r->dtype, 1, shape);
    p.spe = dc_array_host(w->out[SPE], r->dtype, 1, shape);
    if (w->job->scores)
        p.dst = dc_array_host(w->out[SCORE_ROWS], r->dtype, 2, shape);
    code = stopped(dc_pca(r->session.queue, &p, NULL));
    if (!code)
        count_above(w, shape[0]);
    for (int i = 0; !code && i < FILES - !w->job->scores; ++i)
        code = outfile_write(&w->file[i], w->out[i],
                             (size_t)(shape[0] * width(w, i)) * dc_dtype_bytes(r->dtype));
    return code;
}

static void add_limit(cJSON *all, const char *name, double limit)
{
    if (isfinite(limit))
        cJSON_AddNumberToObject(all, name, limit);
    else
        cJSON_AddNullToObject(all, name);
}

static int write_limits(const watch *w)
{
    const dc_pca_limits *const l = &w->limits;
    outfile out = {.fd = -1, .slot = -1};
    cJSON *const all = cJSON_CreateObject();
    char path[4096], *text;
    int code = 0;

    cJSON_AddNumberToObject(all, "confidence", w->job->confidence);
    add_limit(all, "t2", l->t2);
    add_limit(all, "t2_beta", l->t2_beta);
    add_limit(all, "t2_chi2", l->t2_chi2);
    add_limit(all, "spe", l->spe);
    add_limit(all, "spe_jackson", l->spe_jackson);
    add_limit(all, "spe_box", l->spe_box);
    cJSON_AddNumberToObject(all, "rows", (double)w->job->rows.rows);
    cJSON_AddNumberToObject(all, "rows_above_t2", (double)w->job->above[T2]);
    cJSON_AddNumberToObject(all, "rows_above_spe", (double)w->job->above[SPE]);
    text = cJSON_Print(all);
    cJSON_Delete(all);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory");
    if (cli_format(path, sizeof path, "%s/limits.json", w->job->rows.output))
        code = cli_fail(CLI_USAGE, "%s: the path is too long", w->job->rows.output);
    if (!code)
        code = outfile_open(&out, path, 0);
    if (!code)
        code = outfile_write(&out, text, strlen(text));
    if (!code)
        code = outfile_write(&out, "\n", 1);
    if (!code)
        code = outfile_commit(&out);
    outfile_discard(&out);
    free(text);
    return code;
}

static int watch_file(watch *w, const dc_model *model)
{
    scale_job *const r = &w->job->rows;
    dc_model_entry components = {.struct_size = sizeof components};
    int64_t rows;
    dc_status status = dc_pca_limits_at(model, w->job->confidence, &w->limits);
    int code;

    if (status == DC_OK)
        status = dc_pca_check_model(model);
    if (status == DC_OK)
        status = dc_model_find(model, "components", DC_MODEL_ARRAY, &components);
    if (status != DC_OK)
        return cli_fail(CLI_FAILED, "%s: %s", r->model, dc_last_error());
    if (components.array.shape[1] != r->columns)
        return cli_fail(CLI_USAGE, "%s is for %lld columns, %s has %lld", r->model,
                        (long long)components.array.shape[1], r->input, (long long)r->columns);
    w->components = components.array.shape[0];
    rows = chunk_rows(r, w->components + 2);
    code = watch_open(w, model, rows);
    for (int64_t first = 0; !code && first < r->rows; first += rows) {
        const int64_t last = first + rows < r->rows ? first + rows : r->rows;

        code = watch_rows(w, first, last);
        ui_progress_show(&r->progress, (double)last / (double)r->rows, "scoring");
    }
    ui_progress_end(&r->progress);
    for (int i = 0; !code && i < FILES - !w->job->scores; ++i)
        code = outfile_commit(&w->file[i]);
    return code ? code : write_limits(w);
}

static int run_monitor(pca_job *job)
{
    watch w = {.job = job, .limits = DC_PCA_LIMITS_INIT, .params = DC_PCA_PARAMS_INIT};
    const scale_job *const r = &job->rows;
    dc_model *model = NULL;
    const dc_status status = dc_model_load(r->model, &model);
    int code;

    for (int i = 0; i < FILES; ++i)
        w.file[i] = (outfile){.fd = -1, .slot = -1};
    if (status == DC_E_ARGUMENT)
        return cli_fail(CLI_FAILED, "%s: %s", r->model, dc_last_error());
    code = status == DC_OK ? watch_file(&w, model) : cli_fail_status(status);
    for (int i = 0; i < FILES; ++i) {
        outfile_discard(&w.file[i]);
        dc_host_free(r->session.context, w.out[i]);
    }
    dc_host_free(r->session.context, w.in);
    dc_host_free(r->session.context, w.operands);
    dc_model_free(model);
    if (!code)
        printf("%s: %lld rows, %lld above the limit of T2 (%.6g), %lld above that of SPE (%.6g)\n",
               r->output, (long long)r->rows, (long long)job->above[T2], w.limits.t2,
               (long long)job->above[SPE], w.limits.spe);
    return code;
}

/* ---- what was asked for ---- */

static int take_components(pca_job *job, const cli_parser *p)
{
    double value = 0;
    int code = cli_double(p, 0, 30000, &value);

    if (code)
        return code;
    if (value > 0 && value < 1) {
        job->fit.fraction = value;
        return 0;
    }
    if (value < 1 || value != floor(value))
        return cli_fail(CLI_USAGE, "--components is %s, must be a whole number or between 0 and 1",
                        p->value);
    job->fit.components = (int64_t)value;
    return 0;
}

static int take_option(pca_job *job, int id, const cli_parser *p)
{
    scale_job *const r = &job->rows;

    switch (id) {
    case OUTPUT:
        r->output = p->value;
        return 0;
    case MODEL:
        r->model = p->value;
        return 0;
    case COMPONENTS:
        return take_components(job, p);
    case STANDARDIZE:
        job->fit.standardize = 1;
        return 0;
    case CONFIDENCE:
        return cli_double(p, 1e-6, 1 - 1e-9, &job->confidence);
    case MISSING:
        job->missing = !strcmp(p->value, "mean");
        return job->missing || !strcmp(p->value, "nan")
                   ? 0
                   : cli_fail(CLI_USAGE, "--missing is \"%s\", expected nan or mean", p->value);
    case SCORES:
        job->scores = 1;
        return 0;
    case DTYPE:
        return cli_dtype(p, &r->dtype);
    case MEMORY:
        return cli_bytes(p, 1, &r->memory);
    default:
        return session_take(&r->where, id, p);
    }
}

/* Verb and file; 0, or an exit code + 1000 when the run ends here. */
static int parse(pca_job *job, int argc, char **argv, int *fits)
{
    const char *word[2] = {NULL, NULL};
    int id, code = 0, words = 0;
    cli_parser p;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        if (id != CLI_OPERAND)
            code = take_option(job, id, &p);
        else if (words < 2)
            word[words++] = p.value;
        else
            code = cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
    }
    if (code)
        return 1000 + code;
    *fits = words > 0 && !strcmp(word[0], "fit");
    if (words == 0 || (!*fits && strcmp(word[0], "monitor") != 0))
        return 1000 + cli_fail(CLI_USAGE,
                               "expected fit or monitor%s%s; see \"dualcube pca --help\"",
                               words ? ", not " : "", words ? word[0] : "");
    if (words != 2)
        return 1000 + cli_fail(CLI_USAGE, "pca %s takes one file, INPUT.npy", word[0]);
    if (!job->rows.output)
        return 1000 + cli_fail(CLI_USAGE, "pca %s: -o is missing", word[0]);
    if (!*fits && !job->rows.model)
        return 1000 + cli_fail(CLI_USAGE, "pca monitor: --model is missing");
    job->rows.input = word[1];
    return 0;
}

int cli_pca(int argc, char **argv)
{
    pca_job job = {.rows = {.where = SESSION_OPTIONS_INIT, .memory = 64 << 20},
                   .fit = DC_PCA_FIT_PARAMS_INIT,
                   .confidence = 0.95};
    int fits = 0, code = parse(&job, argc, argv, &fits);

    if (code)
        return code - 1000;
    cli_catch_interrupts();
    code = scale_open(&job.rows);
    if (!code)
        code = session_open(&job.rows.session, &job.rows.where);
    if (!code) {
        ui_progress_begin(&job.rows.progress);
        code = fits ? run_fit(&job) : run_monitor(&job);
    }
    session_close(&job.rows.session);
    npy_close(&job.rows.file);
    return code == CLI_INTERRUPTED ? cli_fail(code, "interrupted; nothing was written") : code;
}

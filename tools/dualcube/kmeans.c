/* dualcube kmeans: clusters of the rows of a .npy file, and the clusters of other rows. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/scale.h"

enum {
    OUTPUT = CLI_FIRST_ID,
    CLUSTERS,
    LABELS,
    INIT,
    RUNS,
    MOST_ROUNDS,
    TOLERANCE,
    SEED,
    DTYPE,
    MEMORY,
    JSON
};

typedef struct kmeans_job {
    scale_job rows; /* the input as rows and columns, the session, the files' names */
    const char *labels;
    int64_t clusters, seed, runs, rounds;
    double tol;
    int32_t init;
    int json;
} kmeans_job;

static const cli_option options[] = {
    {"output", 'o', "FILE", "fit: the model file; predict: labels as .npy, int32 (required)",
     OUTPUT},
    {"clusters", 'k', "K", "fit: how many (required)", CLUSTERS},
    {"labels", 'l', "FILE", "fit: the labels of the rows, as .npy, int32", LABELS},
    {"init", 0, "NAME", "fit: plusplus (greedy k-means++, the default) or random", INIT},
    {"runs", 0, "N", "fit: starts, of which the least inertia is kept (1)", RUNS},
    {"max-iter", 0, "N", "fit: most iterations of a run (300)", MOST_ROUNDS},
    {"tol", 0, "X", "fit: of the mean variance of the columns (0.0001)", TOLERANCE},
    {"seed", 's', "N", "fit: of the random numbers (0)", SEED},
    {"dtype", 0, "TYPE", "compute with f32 or f64 (default: as in the file; integers f64)", DTYPE},
    {"memory", 0, "SIZE", "predict: size of the chunks of rows, such as 64M (the default)", MEMORY},
    {"json", 0, NULL, "fit: print what was found as JSON", JSON},
    SESSION_OPTIONS,
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "kmeans fit INPUT.npy -k K -o MODEL | kmeans predict MODEL INPUT.npy -o LABELS.npy",
    "Find K clusters among the rows (axis 0) of a .npy file; predict: the cluster of every row of\n"
    "another, in chunks of rows, whose size changes no bit.  The same seed finds the same "
    "clusters\n"
    "on every machine.  Values must be finite.  Model files are those of the Python class KMeans.",
    "  dualcube kmeans fit train.npy -k 8 -o clusters.model --labels labels.npy\n"
    "  dualcube kmeans predict clusters.model test.npy -o labels.npy",
    options,
};

static int on_progress(int64_t done, int64_t total, void *user)
{
    kmeans_job *job = user;

    ui_progress_show(&job->rows.progress, total > 0 ? (double)done / (double)total : 0, "fit");
    return cli_interrupted();
}

/* ---- fit ----------------------------------------------------------------------------------- */

/* What a fit leaves; memory of `room`. */
typedef struct found {
    dc_kmeans_fit_params p;
    void *room, *copy;
    double *shift;
} found;

static int make_room(kmeans_job *job, found *f)
{
    const int64_t n = job->rows.rows, d = job->rows.columns, k = job->clusters;
    const int64_t size = (int64_t)dc_dtype_bytes(job->rows.dtype);
    dc_kmeans_fit_params init = DC_KMEANS_FIT_PARAMS_INIT;
    dc_status status = DC_OK;

    f->p = init;
    if (k > n)
        return cli_fail(CLI_USAGE, "--clusters is %lld, %s has %lld rows", (long long)k,
                        job->rows.input, (long long)n);
    f->room = malloc((size_t)(k * d * size + n * 4));
    f->shift = malloc((size_t)d * sizeof *f->shift + 1);
    if (job->rows.convert)
        status = dc_host_alloc(job->rows.session.context, (size_t)(n * d * size), &f->copy);
    if (status != DC_OK)
        return cli_fail_status(status);
    if (!f->room || !f->shift)
        return cli_fail(CLI_FAILED, "out of memory");
    f->p.src = scale_rows(&job->rows, 0, n, f->copy);
    f->p.centers = dc_array_host(f->room, job->rows.dtype, 2, (int64_t[]){k, d});
    f->p.labels = dc_array_host((char *)f->room + k * d * size, DC_I32, 1, &n);
    return 0;
}

static dc_status put_number(dc_model *model, dc_status before, const char *name, double value)
{
    return before == DC_OK ? dc_model_set_number(model, name, value) : before;
}

static int save_model(const kmeans_job *job, const found *f)
{
    char parameters[512];
    dc_model *model = NULL;
    dc_array shift = dc_array_host(f->shift, DC_F64, 1, &job->rows.columns);
    dc_status status = dc_model_new("kmeans", &model);

    if (job->rows.dtype == DC_F32) { /* as the columns are */
        float *const narrow = (float *)(void *)f->shift;

        for (int64_t c = 0; c < job->rows.columns; ++c)
            narrow[c] = (float)f->shift[c];
        shift.dtype = DC_F32;
    }
    (void)cli_format(parameters, sizeof parameters,
                     "{\"n_clusters\": %lld, \"init\": \"%s\", \"n_init\": %lld, \"max_iter\": "
                     "%lld, \"tol\": %.17g, \"random_state\": %lld}",
                     (long long)job->clusters, job->init ? "random" : "k-means++",
                     (long long)job->runs, (long long)job->rounds, job->tol, (long long)job->seed);
    if (status == DC_OK)
        status = dc_model_set_text(model, "parameters", parameters);
    if (status == DC_OK)
        status = dc_model_set_array(model, "cluster_centers", &f->p.centers);
    if (status == DC_OK)
        status = dc_model_set_array(model, "labels", &f->p.labels);
    if (status == DC_OK)
        status = dc_model_set_array(model, "_shift", &shift);
    status = put_number(model, status, "_scale", f->p.scale_exponent);
    status = put_number(model, status, "inertia", f->p.inertia);
    status = put_number(model, status, "n_iter", f->p.iterations);
    status = put_number(model, status, "n_features_in", (double)job->rows.columns);
    if (status == DC_OK)
        status = dc_model_save(model, job->rows.output);
    dc_model_free(model);
    return status == DC_OK ? 0 : cli_fail_status(status);
}

static int open_labels(outfile *out, const char *path, int64_t rows)
{
    char header[512];
    const size_t head = npy_header_write(NPY_I32, 1, &rows, header, sizeof header);
    int code = outfile_open(out, path, head + (uint64_t)rows * 4);

    return code ? code : outfile_write(out, header, head);
}

static void tell(const kmeans_job *job, const dc_kmeans_fit_params *p)
{
    cJSON *all;
    char *text;

    if (!job->json) {
        printf("%s: %d clusters of %lld rows x %lld columns, inertia %.9g, %d iterations\n",
               job->rows.output, (int)p->distinct, (long long)job->rows.rows,
               (long long)job->rows.columns, p->inertia, (int)p->iterations);
        return;
    }
    all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "model", job->rows.output);
    cJSON_AddNumberToObject(all, "rows", (double)job->rows.rows);
    cJSON_AddNumberToObject(all, "columns", (double)job->rows.columns);
    cJSON_AddNumberToObject(all, "clusters", (double)job->clusters);
    cJSON_AddNumberToObject(all, "distinct", p->distinct);
    cJSON_AddNumberToObject(all, "inertia", p->inertia);
    cJSON_AddNumberToObject(all, "iterations", p->iterations);
    text = cJSON_Print(all);
    puts(text ? text : "{}");
    free(text);
    cJSON_Delete(all);
}

static int run_fit(kmeans_job *job)
{
    found f = {.room = NULL};
    outfile out = {.fd = -1, .slot = -1};
    int code = make_room(job, &f);

    if (!code) {
        f.p.clusters = (int32_t)job->clusters;
        f.p.init = job->init;
        f.p.runs = (int32_t)job->runs;
        f.p.max_iter = (int32_t)job->rounds;
        f.p.tol = job->tol;
        f.p.seed = (uint64_t)job->seed;
        f.p.shift = f.shift;
        ui_progress_begin(&job->rows.progress);
        dc_queue_set_progress(job->rows.session.queue, on_progress, job);
        const dc_status status = dc_kmeans_fit(job->rows.session.queue, &f.p);
        dc_queue_set_progress(job->rows.session.queue, NULL, NULL);
        ui_progress_end(&job->rows.progress);
        if (status == DC_E_CANCELLED || cli_interrupted())
            code = CLI_INTERRUPTED;
        else if (status != DC_OK)
            code = cli_fail_status(status);
    }
    if (!code && job->labels)
        code = open_labels(&out, job->labels, job->rows.rows);
    if (!code && job->labels)
        code = outfile_write(&out, f.p.labels.data, (size_t)job->rows.rows * 4);
    if (!code)
        code = save_model(job, &f);
    if (!code && job->labels)
        code = outfile_commit(&out);
    outfile_discard(&out);
    if (!code)
        tell(job, &f.p);
    dc_host_free(job->rows.session.context, f.copy);
    free(f.room);
    free(f.shift);
    return code;
}

/* ---- predict ------------------------------------------------------------------------------- */

typedef struct known {
    dc_model *model;
    dc_array centers, shift;
    int32_t scale;
    void *moved; /* the centres as packed rows are */
    void *copy, *packed;
    int32_t *labels;
} known;

static int all_finite(const dc_array *a)
{
    for (int64_t i = 0; i < dc_array_elements(a); ++i)
        if (!isfinite(a->dtype == DC_F32 ? (double)((const float *)a->data)[i]
                                         : ((const double *)a->data)[i]))
            return 0;
    return 1;
}

static int read_model(kmeans_job *job, known *m)
{
    dc_model_entry e = {.struct_size = sizeof e};
    const char *const path = job->rows.model;
    const dc_status status = dc_model_load(path, &m->model);

    if (status == DC_E_ARGUMENT)
        return cli_fail(CLI_FAILED, "%s: %s", path, dc_last_error());
    if (status != DC_OK)
        return cli_fail_status(status);
    if (strcmp(dc_model_kind(m->model), "kmeans") != 0)
        return cli_fail(CLI_USAGE, "%s: a model of kind %s, must be kmeans", path,
                        dc_model_kind(m->model));
    if (dc_model_find(m->model, "cluster_centers", DC_MODEL_ARRAY, &e) != DC_OK)
        return cli_fail(CLI_FAILED, "%s: %s", path, dc_last_error());
    m->centers = e.array;
    if (m->centers.ndim != 2 || m->centers.shape[0] < 1 ||
        (m->centers.dtype != DC_F32 && m->centers.dtype != DC_F64) || !all_finite(&m->centers))
        return cli_fail(CLI_FAILED, "%s: its cluster_centers are not those of a fit", path);
    if (m->centers.shape[1] != job->rows.columns)
        return cli_fail(CLI_USAGE, "%s has %lld columns, the model %s has %lld", job->rows.input,
                        (long long)job->rows.columns, path, (long long)m->centers.shape[1]);
    if (dc_model_find(m->model, "_shift", DC_MODEL_ARRAY, &e) != DC_OK)
        return cli_fail(CLI_FAILED, "%s: %s", path, dc_last_error());
    m->shift = e.array;
    if (m->shift.ndim != 1 || m->shift.shape[0] != job->rows.columns ||
        m->shift.dtype != m->centers.dtype || !all_finite(&m->shift))
        return cli_fail(CLI_FAILED, "%s: its _shift is not that of a fit", path);
    if (dc_model_find(m->model, "_scale", DC_MODEL_NUMBER, &e) != DC_OK)
        return cli_fail(CLI_FAILED, "%s: %s", path, dc_last_error());
    if (!(fabs(e.number) <= 1100) || e.number != floor(e.number))
        return cli_fail(CLI_FAILED, "%s: its _scale is %g, must be a whole number", path, e.number);
    m->scale = (int32_t)e.number;
    return 0;
}

/* (c - shift) 2^scale, as PACK does it. */
static void move_centers(known *m)
{
    const int64_t d = m->centers.shape[1], n = m->centers.shape[0] * d;

    for (int64_t i = 0; i < n; ++i) {
        if (m->centers.dtype == DC_F32) {
            const float c =
                ((const float *)m->centers.data)[i] - ((const float *)m->shift.data)[i % d];
            ((float *)m->moved)[i] = ldexpf(c, m->scale);
        } else {
            const double c =
                ((const double *)m->centers.data)[i] - ((const double *)m->shift.data)[i % d];
            ((double *)m->moved)[i] = ldexp(c, m->scale);
        }
    }
}

static int predict_rows(kmeans_job *job, const known *m, int64_t first, int64_t last)
{
    const int64_t n = last - first, d = job->rows.columns;
    const int64_t packed[] = {(n + DC_KMEANS_BLOCK - 1) / DC_KMEANS_BLOCK, d, DC_KMEANS_BLOCK};
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT, q = DC_KMEANS_PARAMS_INIT;
    dc_status status;

    p.kind = DC_KMEANS_PACK;
    p.src = scale_rows(&job->rows, first, last, m->copy);
    p.centers = m->shift;
    p.scale_exponent = m->scale;
    p.dst = dc_array_host(m->packed, job->rows.dtype, 3, packed);
    status = dc_kmeans(job->rows.session.queue, &p, NULL);
    q.kind = DC_KMEANS_PREDICT;
    q.src = p.dst;
    q.rows = n;
    q.centers = dc_array_host(m->moved, job->rows.dtype, 2, m->centers.shape);
    q.dst = dc_array_host(m->labels, DC_I32, 1, &n);
    if (status == DC_OK)
        status = dc_kmeans(job->rows.session.queue, &q, NULL);
    return status == DC_OK            ? 0
           : status == DC_E_CANCELLED ? CLI_INTERRUPTED
                                      : cli_fail_status(status);
}

static int run_predict(kmeans_job *job)
{
    outfile out = {.fd = -1, .slot = -1};
    known m = {.model = NULL};
    int code = read_model(job, &m);
    int64_t rows = 0;

    if (!code) {
        job->rows.dtype = m.centers.dtype;
        const int64_t size = (int64_t)dc_dtype_bytes(job->rows.dtype);
        const npy_header *const h = &job->rows.file.header;

        job->rows.convert = h->type != (job->rows.dtype == DC_F32 ? NPY_F32 : NPY_F64) ||
                            (h->fortran_order && h->ndim > 1);
        rows = scale_chunk(&job->rows, job->rows.columns * size * 2 + 4);
        rows = (rows + DC_KMEANS_BLOCK - 1) / DC_KMEANS_BLOCK * DC_KMEANS_BLOCK;
        m.moved = malloc((size_t)(dc_array_elements(&m.centers) * size));
        m.copy = malloc((size_t)(rows * job->rows.columns * size));
        m.packed = malloc((size_t)(rows * job->rows.columns * size));
        m.labels = malloc((size_t)rows * 4);
        if (!m.moved || !m.copy || !m.packed || !m.labels)
            code = cli_fail(CLI_FAILED, "out of memory");
    }
    if (!code)
        code = open_labels(&out, job->rows.output, job->rows.rows);
    if (!code)
        move_centers(&m);
    ui_progress_begin(&job->rows.progress);
    for (int64_t first = 0; !code && first < job->rows.rows; first += rows) {
        const int64_t last = first + rows < job->rows.rows ? first + rows : job->rows.rows;

        code = cli_interrupted() ? CLI_INTERRUPTED : predict_rows(job, &m, first, last);
        if (!code)
            code = outfile_write(&out, m.labels, (size_t)(last - first) * 4);
        ui_progress_show(&job->rows.progress, (double)last / (double)job->rows.rows, "predict");
    }
    ui_progress_end(&job->rows.progress);
    if (!code)
        code = outfile_commit(&out);
    outfile_discard(&out);
    if (!code)
        printf("%s: labels of %lld rows, %lld clusters\n", job->rows.output,
               (long long)job->rows.rows, (long long)m.centers.shape[0]);
    free(m.moved);
    free(m.copy);
    free(m.packed);
    free(m.labels);
    dc_model_free(m.model);
    return code;
}

/* ---- the command --------------------------------------------------------------------------- */

static int take_option(kmeans_job *job, int id, const cli_parser *p)
{
    if (id >= SESSION_DEVICE)
        return session_take(&job->rows.where, id, p);
    switch (id) {
    case OUTPUT:
        job->rows.output = p->value;
        return 0;
    case LABELS:
        job->labels = p->value;
        return 0;
    case CLUSTERS:
        return cli_int(p, 1, INT32_MAX, &job->clusters);
    case RUNS:
        return cli_int(p, 1, INT32_MAX, &job->runs);
    case MOST_ROUNDS:
        return cli_int(p, 1, INT32_MAX, &job->rounds);
    case TOLERANCE:
        return cli_double(p, 0, 1e300, &job->tol);
    case SEED:
        return cli_int(p, 0, INT64_MAX, &job->seed);
    case DTYPE:
        return cli_dtype(p, &job->rows.dtype);
    case MEMORY:
        return cli_bytes(p, 1, &job->rows.memory);
    case JSON:
        job->json = 1;
        return 0;
    default:
        if (!strcmp(p->value, "plusplus") || !strcmp(p->value, "random")) {
            job->init = *p->value == 'p' ? DC_KMEANS_PLUSPLUS : DC_KMEANS_RANDOM;
            return 0;
        }
        return cli_fail(CLI_USAGE, "--init is \"%s\", expected plusplus or random", p->value);
    }
}

/* Verb and files; 0, or an exit code + 1000 when the run ends here. */
static int parse(kmeans_job *job, int argc, char **argv, int *fits)
{
    const char *word[3] = {NULL, NULL, NULL};
    int id, code = 0, words = 0;
    cli_parser p;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        if (id != CLI_OPERAND)
            code = take_option(job, id, &p);
        else if (words < 3)
            word[words++] = p.value;
        else
            code = cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
    }
    if (code)
        return 1000 + code;
    *fits = words > 0 && !strcmp(word[0], "fit");
    if (words == 0 || (!*fits && strcmp(word[0], "predict") != 0))
        return 1000 + cli_fail(CLI_USAGE,
                               "expected fit or predict%s%s; see \"dualcube kmeans --help\"",
                               words ? ", not " : "", words ? word[0] : "");
    if (words != (*fits ? 2 : 3))
        return 1000 + cli_fail(CLI_USAGE, "kmeans %s takes %s", word[0],
                               *fits ? "one file, INPUT.npy" : "two files, MODEL INPUT.npy");
    if (!job->rows.output)
        return 1000 + cli_fail(CLI_USAGE, "kmeans %s: -o is missing", word[0]);
    if (*fits && job->clusters == 0)
        return 1000 + cli_fail(CLI_USAGE, "kmeans fit: --clusters is missing");
    job->rows.input = word[words - 1];
    job->rows.model = *fits ? NULL : word[1];
    return 0;
}

int cli_kmeans(int argc, char **argv)
{
    kmeans_job job = {.rows = {.where = SESSION_OPTIONS_INIT, .memory = 64 << 20},
                      .runs = 1,
                      .rounds = 300,
                      .tol = 1e-4};
    int fits = 0, code = parse(&job, argc, argv, &fits);

    if (code)
        return code - 1000;
    cli_catch_interrupts();
    code = scale_open(&job.rows);
    if (!code)
        code = session_open(&job.rows.session, &job.rows.where);
    if (!code)
        code = fits ? run_fit(&job) : run_predict(&job);
    session_close(&job.rows.session);
    npy_close(&job.rows.file);
    return code == CLI_INTERRUPTED ? cli_fail(code, "interrupted; nothing was written") : code;
}

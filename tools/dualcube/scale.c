/* dualcube scale: scalers fitted to .npy files, and put to them. */
#include "tools/dualcube/scale.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT = CLI_FIRST_ID, METHOD, DTYPE, MEMORY };

static const char *const methods[SCALE_METHODS] = {"standard",  "min-max",     "max-abs", "robust",
                                                   "fill-mean", "fill-median", "outliers"};

static const cli_option options[] = {
    {"output", 'o', "FILE", "fit: the model file; apply, inverse: the .npy file (required)",
     OUTPUT},
    {"method", 'm', "NAME",
     "fit: standard (mean and standard deviation, the default), min-max, max-abs, robust (median "
     "and quartiles); fill-mean, fill-median (of missing values); outliers (clipped to 1.5 times "
     "the quartiles' distance beyond them)",
     METHOD},
    {"dtype", 0, "TYPE", "compute with f32 or f64 (default: as in the file; integers f64)", DTYPE},
    {"memory", 0, "SIZE", "size of the chunks of rows, such as 64M (the default)", MEMORY},
    SESSION_OPTIONS,
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "scale fit INPUT.npy -o MODEL | scale apply|inverse MODEL INPUT.npy -o OUTPUT.npy",
    "Fit a scaler to the columns of a .npy file, apply it to files, take it back.  Axis 0 is the\n"
    "rows, the others are columns; NaN is missing.  Files larger than the memory are worked on in\n"
    "chunks of rows, whose size changes no bit.  Model files are those of the Python classes\n"
    "(StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, PowerTransformer, SimpleImputer,\n"
    "OutlierClipper); \"dualcube model info\" shows what is in one.",
    "  dualcube scale fit train.npy --method robust -o scaler.model\n"
    "  dualcube scale apply scaler.model test.npy -o scaled.npy",
    options,
};

int scale_open(scale_job *job)
{
    const int32_t asked = job->dtype;
    char error[NPY_TEXT];
    struct stat st;

    if (npy_open(job->input, &job->file, error))
        return cli_fail(CLI_FAILED, "%s", error);
    if (job->output && !stat(job->output, &st) && (uint64_t)st.st_dev == job->file.device &&
        (uint64_t)st.st_ino == job->file.inode)
        return cli_fail(CLI_USAGE, "the output %s is the input itself", job->output);
    const npy_header *h = &job->file.header;
    job->dtype = h->type == NPY_F32 ? DC_F32 : DC_F64;
    if (asked)
        job->dtype = asked;
    job->convert =
        h->type != (job->dtype == DC_F32 ? NPY_F32 : NPY_F64) || (h->fortran_order && h->ndim > 1);
    job->rows = h->shape[0];
    job->columns = npy_columns(h, 0);
    return 0;
}

dc_array scale_rows(const scale_job *job, int64_t first, int64_t last, void *room)
{
    const int64_t shape[2] = {last - first, job->columns};
    const int64_t size = (int64_t)dc_dtype_bytes(job->dtype);

    if (!job->convert) {
        const char *data = job->file.map;
        return dc_array_host(data + job->file.header.data_offset + first * job->columns * size,
                             job->dtype, 2, shape);
    }
    if (last > first)
        npy_convert_rows(&job->file, 0, first, last, job->dtype, room);
    return dc_array_host(room, job->dtype, 2, shape);
}

int64_t scale_chunk(const scale_job *job, int64_t row_bytes)
{
    int64_t rows = row_bytes > 0 ? job->memory / row_bytes : job->rows;

    rows = rows < job->rows ? rows : job->rows;
    return rows > 0 ? rows : 1;
}

static int run_fit(scale_job *job)
{
    dc_model *model = NULL;
    int code = scale_fit(job, &model);
    dc_status status = code ? DC_OK : dc_model_save(model, job->output);

    dc_model_free(model);
    if (status != DC_OK)
        code = cli_fail_status(status);
    if (!code)
        printf("%s: %s of %lld rows x %lld columns\n", job->output, methods[job->method],
               (long long)job->rows, (long long)job->columns);
    return code;
}

static int run_apply(scale_job *job)
{
    const npy_header *h = &job->file.header;
    outfile out = {.fd = -1, .slot = -1};
    dc_model *model = NULL;
    char header[512];
    const npy_type type = job->dtype == DC_F32 ? NPY_F32 : NPY_F64;
    const size_t head = npy_header_write(type, h->ndim, h->shape, header, sizeof header);
    const dc_status status = dc_model_load(job->model, &model);
    int code = 0;

    if (status == DC_E_ARGUMENT)
        code = cli_fail(CLI_FAILED, "%s: %s", job->model, dc_last_error());
    else if (status != DC_OK)
        code = cli_fail_status(status);
    if (!code)
        code = outfile_open(&out, job->output, head + (uint64_t)h->elements * npy_type_bytes(type));
    if (!code)
        code = outfile_write(&out, header, head);
    if (!code)
        code = scale_apply(job, model, &out);
    if (!code)
        code = outfile_commit(&out);
    outfile_discard(&out);
    if (!code)
        printf("%s: %s of %s, %lld rows x %lld columns\n", job->output, dc_model_kind(model),
               job->input, (long long)job->rows, (long long)job->columns);
    dc_model_free(model);
    return code;
}

static int take_method(scale_job *job, const char *word)
{
    for (int k = 0; k < SCALE_METHODS; ++k)
        if (!strcmp(word, methods[k])) {
            job->method = k;
            return 0;
        }
    return cli_fail(CLI_USAGE,
                    "--method is \"%s\", expected standard, min-max, max-abs, robust, "
                    "fill-mean, fill-median or outliers",
                    word);
}

static int take_option(scale_job *job, int id, const cli_parser *p)
{
    if (id >= SESSION_DEVICE)
        return session_take(&job->where, id, p);
    if (id == OUTPUT)
        job->output = p->value;
    else if (id == METHOD)
        return take_method(job, p->value);
    else if (id == DTYPE)
        return cli_dtype(p, &job->dtype);
    else
        return cli_bytes(p, 1, &job->memory);
    return 0;
}

/* Verb and files; 0, or an exit code + 1000 when the run ends here. */
static int parse(scale_job *job, int argc, char **argv, int *fits)
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
    job->inverse = words > 0 && !strcmp(word[0], "inverse");
    if (words == 0 || (!*fits && !job->inverse && strcmp(word[0], "apply") != 0))
        return 1000 + cli_fail(CLI_USAGE,
                               "expected fit, apply or inverse%s%s; see \"dualcube "
                               "scale --help\"",
                               words ? ", not " : "", words ? word[0] : "");
    if (words != (*fits ? 2 : 3))
        return 1000 + cli_fail(CLI_USAGE, "scale %s takes %s", word[0],
                               *fits ? "one file, INPUT.npy" : "two files, MODEL INPUT.npy");
    if (!job->output)
        return 1000 + cli_fail(CLI_USAGE, "scale %s: -o is missing", word[0]);
    job->input = word[words - 1];
    job->model = *fits ? NULL : word[1];
    return 0;
}

int cli_scale(int argc, char **argv)
{
    scale_job job = {.where = SESSION_OPTIONS_INIT, .memory = 64 << 20};
    int fits = 0, code = parse(&job, argc, argv, &fits);

    if (code)
        return code - 1000;
    cli_catch_interrupts();
    code = scale_open(&job);
    if (!code)
        code = session_open(&job.session, &job.where);
    if (!code)
        code = fits ? run_fit(&job) : run_apply(&job);
    session_close(&job.session);
    npy_close(&job.file);
    return code == CLI_INTERRUPTED ? cli_fail(code, "interrupted; nothing was written") : code;
}

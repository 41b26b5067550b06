#include "tools/dualcube/features.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/dualcube/params.h"
#include "tools/dualcube/sample.h"

#define FAMILY       "rolling"
#define USUAL_STATS  "mean,std,min,max,median"
#define USUAL_WINDOW 64
#define SAMPLE_NAME  "dualcube-sample.npy"
/* The sample's rows are five minutes: a window is a day, and dropouts leave half of it valid. */
#define SAMPLE_WINDOW      288
#define SAMPLE_MIN_PERIODS 144

enum { OUTPUT = CLI_FIRST_ID, STATS, AXIS, DTYPE, MEMORY, HTML, NO_HTML, JSON };

static const cli_option fixed[] = {
    {"output", 'o', "PATH",
     "the feature cube, or a directory for it (default: INPUT's name with "
     ".features.npy, here)",
     OUTPUT},
    {"stats", 's', "LIST",
     "comma-separated statistics (default " USUAL_STATS "); a quantile is "
     "written quantile=0.9",
     STATS},
    {"axis", 0, "N", "the file's axis that is the time (default 0; -1 is the last)", AXIS},
    {"dtype", 0, "TYPE", "compute with f32 or f64 (default: as in the file; integers f64)", DTYPE},
    SESSION_OPTIONS,
    {"memory", 0, "SIZE",
     "size of a chunk's results, such as 64M (the default): the peak is some "
     "three times as much",
     MEMORY},
    {"html", 0, "FILE", "the page of plots (default: beside the output)", HTML},
    {"no-html", 0, NULL, "write no page", NO_HTML},
    {"json", 0, NULL, "print the facts as JSON instead of text", JSON},
    {NULL, 0, NULL, NULL, 0},
};

/* Set by features itself, or meaningless for (rows, columns). */
static const char *const skipped[] = {"axis", "row_first", "row_last", NULL};

static const char about[] =
    "Compute rolling statistics of every column of a .npy file and write the feature cube (rows,\n"
    "columns, statistics) as .npy, the facts as .json beside it, and a page of plots.  One axis "
    "is\n"
    "the time, the others are columns.  float32 and float64 stay what they are, integers become\n"
    "float64; NaN is missing.  Without INPUT the built-in sample cube is used, with a window of "
    "288\n"
    "rows (a day) and min-periods 144 unless they are given.";

static const char example[] =
    "  dualcube features cube.npy --window 64 --stats mean,std,median,quantile=0.9 -o out.npy\n"
    "  dualcube features cube.npy --window 288 --min-periods 100 --center --device cpu";

typedef struct request {
    features_job *job;
    cli_option options[CLI_OPTION_ROOM + 1];
    params_options described;
    dc_op_info family; /* any row: the family shares its parameters */
    dc_rolling_params params;
    const char *output, *page, *stats;
    int no_page;
} request;

/* A row of the family by its short name: "mean" is rolling_mean. */
static int find_statistic(const char *word, dc_op_info *op)
{
    char name[80], known[512] = "";
    dc_op_info row = {.struct_size = sizeof row};

    op->struct_size = sizeof *op;
    snprintf(name, sizeof name, FAMILY "_%.64s", word);
    if (dc_op_find(name, op) == DC_OK)
        return 0;
    for (int32_t k = 0; k < dc_op_count(); ++k)
        if (dc_op_get(k, &row) == DC_OK && !strcmp(row.family, FAMILY)) {
            size_t n = strlen(known);

            snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "",
                     row.name + strlen(FAMILY "_"));
        }
    return cli_fail(CLI_USAGE, "--stats: there is no statistic \"%s\"; there are: %s", word, known);
}

static int add_statistic(request *r, char *word)
{
    features_job *job = r->job;
    feature *f = &job->feature[job->count];
    char *value = strchr(word, '=');
    cli_parser p = {.value = value ? value + 1 : NULL};

    if (value)
        *value = 0;
    if (find_statistic(word, &f->op))
        return CLI_USAGE;
    f->params = r->params;
    f->params.kind = f->op.kind;
    snprintf(f->name, sizeof f->name, "%s", word);
    if (value && f->op.kind != DC_ROLLING_QUANTILE)
        return cli_fail(CLI_USAGE, "--stats: %s=%s, but only a quantile takes a value", word,
                        p.value);
    if (f->op.kind == DC_ROLLING_QUANTILE) {
        snprintf(p.name, sizeof p.name, "--stats quantile");
        if (value && cli_double(&p, 0, 1, &f->params.q))
            return CLI_USAGE;
        snprintf(f->name, sizeof f->name, "quantile_%g", f->params.q);
    }
    for (int k = 0; k < job->count; ++k)
        if (!strcmp(job->feature[k].name, f->name))
            return cli_fail(CLI_USAGE, "--stats: \"%s\" is there twice", f->name);
    ++job->count;
    return 0;
}

static int add_statistics(request *r)
{
    char *copy, *words[FEATURES_ROOM];
    int n = cli_words(r->stats, &copy, words, FEATURES_ROOM), code = 0;

    if (n <= 0)
        code = cli_fail(CLI_USAGE, "--stats is \"%s\", expected 1 to %d names such as %s", r->stats,
                        FEATURES_ROOM, USUAL_STATS);
    for (int k = 0; k < n && !code; ++k)
        code = add_statistic(r, words[k]);
    free(copy);
    return code;
}

static int take_option(request *r, int id, const cli_parser *p)
{
    features_job *job = r->job;
    int64_t n = 0;
    int code = 0;

    if (id >= PARAMS_FIRST_ID)
        return params_set(&r->family, &r->params, id, p);
    if (id >= SESSION_DEVICE)
        return session_take(&job->where, id, p);
    if (id == OUTPUT)
        r->output = p->value;
    else if (id == STATS)
        r->stats = p->value;
    else if (id == AXIS)
        code = cli_int(p, -DC_MAX_NDIM, DC_MAX_NDIM - 1, &n), job->axis = (int32_t)n;
    else if (id == DTYPE)
        code = cli_dtype(p, &job->dtype);
    else if (id == MEMORY)
        code = cli_bytes(p, 1, &job->memory);
    else if (id == HTML)
        r->page = p->value, job->page_asked = 1;
    else if (id == NO_HTML)
        r->no_page = 1;
    else if (id == JSON)
        job->print_json = 1;
    else if (job->input)
        code = cli_fail(CLI_USAGE, "one input at a time: \"%s\" and \"%s\"", job->input, p->value);
    else
        job->input = p->value;
    return code;
}

/* What was not asked for. */
static void set_usual(request *r)
{
    const int sample = !r->job->input && r->params.window == DC_DEFAULT && !r->params.expanding;

    if (sample && r->params.min_periods == DC_DEFAULT)
        r->params.min_periods = SAMPLE_MIN_PERIODS;
    if (r->params.window == DC_DEFAULT)
        r->params.window = sample ? SAMPLE_WINDOW : USUAL_WINDOW;
}

/* 0, or an exit code + 1000 when the run ends here. */
static int parse(request *r, int argc, char **argv)
{
    const cli_usage usage = {"features [INPUT.npy] [options]", about, example, r->options};
    cli_parser p;
    int id, code = 0;

    r->family.struct_size = sizeof r->family;
    if (dc_op_find(FAMILY "_mean", &r->family) != DC_OK)
        return 1000 + cli_fail_status(DC_E_UNSUPPORTED);
    params_describe(&r->family, skipped, &r->described);
    for (int k = 0; k < r->described.count; ++k)
        if (!strcmp(r->described.name[k], "window")) {
            char *at = strstr(r->described.help[k], "required");

            if (at)
                snprintf(at, 32, "default %d)", USUAL_WINDOW);
            r->described.option[k].letter = 'w';
        }
    params_append(fixed, &r->described, r->options);
    r->params = (dc_rolling_params)DC_ROLLING_PARAMS_INIT;
    r->params.window = DC_DEFAULT;
    r->stats = USUAL_STATS;
    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        code = take_option(r, id, &p);
    }
    if (!code) {
        set_usual(r);
        code = add_statistics(r);
    }
    return code ? 1000 + code : 0;
}

/* `path` without a final .npy, then `suffix`; the directory is dropped with `here`. */
static int derive(char *out, const char *path, int here, const char *suffix)
{
    const char *base = here && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t n = strlen(base);

    if (n > 4 && !strcmp(base + n - 4, ".npy"))
        n -= 4;
    if (cli_format(out, 4096, "%.*s%s", (int)n, base, suffix))
        return cli_fail(CLI_USAGE, "%s: the name is longer than 4095 bytes", path);
    return 0;
}

static int is_directory(const char *path)
{
    struct stat st;
    const size_t n = strlen(path);

    return (n && path[n - 1] == '/') || (!stat(path, &st) && S_ISDIR(st.st_mode));
}

/* -o names the cube or its directory; the other files lie beside the cube. */
static int name_cube(request *r)
{
    features_job *job = r->job;
    const char *usual = job->input ? job->input : SAMPLE_NAME;
    char name[4096];
    size_t n;

    if (r->output && !is_directory(r->output)) {
        n = strlen(r->output);
        if (n < 5 || strcmp(r->output + n - 4, ".npy"))
            return cli_fail(CLI_USAGE,
                            "--output is \"%s\", expected a name that ends in .npy, or "
                            "a directory that exists",
                            r->output);
        return derive(job->output, r->output, 0, ".npy");
    }
    if (derive(name, usual, 1, ".features.npy"))
        return CLI_USAGE;
    n = r->output ? strlen(r->output) : 0;
    if (cli_format(job->output, sizeof job->output, "%s%s%s", n ? r->output : "",
                   n && r->output[n - 1] != '/' ? "/" : "", name))
        return cli_fail(CLI_USAGE, "--output: the name is longer than 4095 bytes");
    return 0;
}

static int name_files(request *r)
{
    features_job *job = r->job;
    int code = name_cube(r);

    if (!code)
        code = derive(job->json, job->output, 0, ".json");
    if (!code && !r->no_page && r->page && strlen(r->page) >= sizeof job->page)
        code = cli_fail(CLI_USAGE, "--html: the name is longer than 4095 bytes");
    if (!code && !r->no_page && r->page)
        snprintf(job->page, sizeof job->page, "%s", r->page);
    else if (!code && !r->no_page)
        code = derive(job->page, job->output, 0, ".html");
    if (!job->input && !code) { /* in the cube's directory */
        const char *slash = strrchr(job->output, '/');

        if (cli_format(job->sample, sizeof job->sample, "%.*s" SAMPLE_NAME,
                       slash ? (int)(slash + 1 - job->output) : 0, job->output))
            code = cli_fail(CLI_USAGE, "--output: the name is longer than 4095 bytes");
        job->input = job->sample;
    }
    return code;
}

/* Axis, element type, rows and columns of the mapped file. */
static int set_layout(features_job *job)
{
    const npy_header *h = &job->file.header;

    if (job->axis < -h->ndim || job->axis >= h->ndim)
        return cli_fail(CLI_USAGE, "--axis is %d, expected %d ... %d: %s has %d ax%s",
                        (int)job->axis, -(int)h->ndim, (int)h->ndim - 1, job->input, (int)h->ndim,
                        h->ndim == 1 ? "is" : "es");
    job->axis += job->axis < 0 ? h->ndim : 0;
    job->type = h->type == NPY_F32 ? NPY_F32 : NPY_F64;
    if (job->dtype)
        job->type = job->dtype == DC_F32 ? NPY_F32 : NPY_F64;
    job->convert = job->type != h->type;
    job->rows = h->shape[job->axis];
    job->columns = npy_columns(h, job->axis);
    return 0;
}

/* Map the input (the sample is written first) and see that the output is another file. */
static int open_input(features_job *job)
{
    const sample_options sample = SAMPLE_OPTIONS_INIT;
    char error[NPY_TEXT];
    struct stat st;
    int code = *job->sample ? sample_write(&sample, job->sample) : 0;

    if (code)
        return code;
    if (npy_open(job->input, &job->file, error))
        return cli_fail(CLI_FAILED, "%s", error);
    if (!stat(job->output, &st) && (uint64_t)st.st_dev == job->file.device &&
        (uint64_t)st.st_ino == job->file.inode)
        return cli_fail(CLI_USAGE, "the output %s is the input itself", job->output);
    code = set_layout(job);
    if (code)
        return code;
    job->out_rows = job->rows > 0 ? (job->rows - 1) / job->feature[0].params.step + 1 : 0;
    return 0;
}

/* Header, elements, facts: the two files appear together or not at all. */
static int write_files(features_job *job, outfile *cube, outfile *facts)
{
    const int64_t shape[3] = {job->out_rows, job->columns, job->count};
    char header[256], *text;
    size_t head = npy_header_write(job->type, 3, shape, header, sizeof header);
    int64_t bytes;
    int code;

    if (__builtin_mul_overflow(job->out_rows * job->columns,
                               job->count * (int64_t)npy_type_bytes(job->type), &bytes))
        return cli_fail(CLI_USAGE, "%d statistics of %s overflow 64 bits", job->count, job->input);
    code = outfile_open(cube, job->output, head + (uint64_t)bytes);
    if (!code)
        code = outfile_open(facts, job->json, 0);
    if (!code)
        code = outfile_write(cube, header, head);
    if (!code)
        code = features_compute(job, cube);
    if (code)
        return code;
    job->seconds = cli_now() - job->seconds;
    text = features_json(job);
    code = text ? outfile_write(facts, text, strlen(text)) : cli_fail(CLI_FAILED, "out of memory");
    if (!code)
        code = outfile_commit(cube);
    if (!code)
        code = outfile_commit(facts);
    if (!code && job->print_json)
        fputs(text, stdout);
    free(text);
    return code;
}

static int run(features_job *job)
{
    outfile cube = {.fd = -1, .slot = -1}, facts = {.fd = -1, .slot = -1};
    int written = 0, code;

    job->seconds = cli_now();
    code = open_input(job);
    if (!code)
        code = session_open(&job->session, &job->where);
    if (!code)
        code = features_check(job);
    if (!code)
        code = write_files(job, &cube, &facts);
    outfile_discard(&cube);
    outfile_discard(&facts);
    if (code == CLI_INTERRUPTED)
        return cli_fail(code, "interrupted; nothing was written");
    if (code)
        return code;
    if (!job->print_json)
        features_print(job);
    code = features_page(job, &written);
    if (written && !job->print_json)
        printf("%-10s %s\n", "page", job->page);
    return code;
}

int cli_features(int argc, char **argv)
{
    static features_job job;
    request r = {.job = &job};
    int code;

    job.where = (session_options)SESSION_OPTIONS_INIT;
    job.memory = 64 << 20;
    code = parse(&r, argc, argv);
    if (code)
        return code - 1000;
    code = name_files(&r);
    if (code)
        return code;
    cli_catch_interrupts();
    code = run(&job);
    session_close(&job.session);
    npy_close(&job.file);
    return code;
}

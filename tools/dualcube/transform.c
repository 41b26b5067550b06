#include "tools/dualcube/transform.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/dualcube/params.h"
#include "tools/dualcube/ui.h"

enum {
    OUTPUT = CLI_FIRST_ID,
    AXES,
    SHIFT,
    PERIODS,
    NUMBER, /* and those of TRANSFORM_FILL ... TRANSFORM_HIGH after it */
    MEMORY = NUMBER + 5,
    JSON
};

static const transform_verb verbs[] = {
    {"transpose", "transform_copy", 1, "axes in the order of --axes (default: reversed)"},
    {"flip", "transform_copy", 1, "the axes of --axes (default: all) backwards"},
    {"roll", "transform_roll", 1, "turned by --shift along --axes (default: axis 0)"},
    {"lag", "transform_lag", 1, "the value --periods before; --fill falls in (default NaN)"},
    {"diff", "transform_diff", 0, "the difference to the value --periods before"},
    {"affine", "transform_affine", 0, "x --scale + --offset, then not below --low, above --high"},
    {"mean", "smooth_mean", 0, "blended with the mean of its line"},
    {"moving", "smooth_moving", 0, "moving average"},
    {"gaussian", "smooth_gaussian", 0, "Gaussian filter"},
    {"standardize", "smooth_standardize", 0, "(x - mean) / std over --axes"},
    {"minmax", "smooth_minmax", 0, "(x - min) / (max - min) over --axes"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static const cli_option fixed[] = {
    {"output", 'o', "PATH", "the .npy file to write (required)", OUTPUT},
    {"axes", 0, "LIST",
     "axes of the file such as 1,0,2; -1 is the last (default: see above, else 0)", AXES},
    {"shift", 0, "LIST", "roll: places for each of --axes, any sign", SHIFT},
    {"periods", 0, "N", "lag, diff: places to look back, any sign (default 1)", PERIODS},
    {"fill", 0, "X", "lag: what falls in (default NaN; integers have no default)",
     NUMBER + TRANSFORM_FILL},
    {"scale", 0, "X", "affine: factor", NUMBER + TRANSFORM_SCALE},
    {"offset", 0, "X", "affine: summand", NUMBER + TRANSFORM_OFFSET},
    {"low", 0, "X", "affine: lower limit", NUMBER + TRANSFORM_LOW},
    {"high", 0, "X", "affine: upper limit", NUMBER + TRANSFORM_HIGH},
    SESSION_OPTIONS,
    {"memory", 0, "SIZE", "bytes of input and output worked on at a time (default 256M)", MEMORY},
    {"json", 0, NULL, "print the facts as JSON instead of text", JSON},
    {NULL, 0, NULL, NULL, 0},
};

/* Set by --axes. */
static const char *const skipped[] = {"axis", "axes", NULL};

static const char about[] =
    "Rearrange, smooth or scale the array of a .npy file into another.  WORD is one of\n\n"
    "  transpose    axes in the order of --axes (default: reversed)\n"
    "  flip         the axes of --axes (default: all) backwards\n"
    "  roll         turned by --shift along --axes\n"
    "  lag          the value --periods before along --axes; --fill falls in\n"
    "  diff         the difference to the value --periods before along --axes\n"
    "  affine       x * --scale + --offset, then not below --low, not above --high\n"
    "  mean         blended with the mean of its line along --axes\n"
    "  moving       moving average along --axes\n"
    "  gaussian     Gaussian filter along --axes\n"
    "  standardize  (x - mean) / std over --axes\n"
    "  minmax       (x - min) / (max - min) over --axes\n\n"
    "The first four move elements of any type; the others compute in float32 and float64,\n"
    "integers become float64.  Files may be larger than memory.";

static const char example[] =
    "  dualcube transform transpose cube.npy --axes 0,2,1 -o turned.npy\n"
    "  dualcube transform moving cube.npy --axes -1 --window 5 -o smooth.npy";

typedef struct request {
    transform_job *job;
    cli_option options[CLI_OPTION_ROOM + 1];
    params_options described;
    dc_op_info smooth;
} request;

static int find_verb(transform_job *job, const char *word)
{
    for (int k = 0; k < VERBS; ++k)
        if (!strcmp(word, verbs[k].name)) {
            job->verb = &verbs[k];
            job->op.struct_size = sizeof job->op;
            return dc_op_find(verbs[k].op, &job->op) == DC_OK ? 0
                                                              : cli_fail_status(DC_E_UNSUPPORTED);
        }
    return cli_fail(CLI_USAGE, "there is no transform \"%s\"; see dualcube transform --help", word);
}

static int take_operand(transform_job *job, const char *value)
{
    if (!job->verb)
        return find_verb(job, value);
    if (job->input)
        return cli_fail(CLI_USAGE, "one input at a time: \"%s\" and \"%s\"", job->input, value);
    job->input = value;
    return 0;
}

/* "1,0,-1" */
static int take_list(const cli_parser *p, int64_t low, int64_t high, int64_t *out, int *count)
{
    char *copy, *words[DC_MAX_NDIM];
    const int n = cli_words(p->value, &copy, words, DC_MAX_NDIM);
    int code = 0;

    if (n <= 0)
        code = cli_fail(CLI_USAGE, "%s is \"%s\", expected 1 to %d whole numbers such as 1,0,2",
                        p->name, p->value, DC_MAX_NDIM);
    for (int k = 0; k < n && !code; ++k) {
        cli_parser one = *p;

        one.value = words[k];
        code = cli_int(&one, low, high, &out[k]);
    }
    *count = n;
    free(copy);
    return code;
}

static int take_option(request *r, int id, const cli_parser *p)
{
    transform_job *job = r->job;

    if (id >= PARAMS_FIRST_ID)
        return params_set(&r->smooth, &job->smooth, id, p);
    if (id >= SESSION_DEVICE)
        return session_take(&job->where, id, p);
    switch (id) {
    case OUTPUT:
        job->output = p->value;
        return 0;
    case AXES:
        return take_list(p, -DC_MAX_NDIM, DC_MAX_NDIM - 1, job->axes, &job->naxes);
    case SHIFT:
        return take_list(p, INT64_MIN + 1, INT64_MAX, job->shift, &job->nshift);
    case PERIODS:
        return cli_int(p, INT64_MIN + 1, INT64_MAX, &job->periods);
    case MEMORY:
        return cli_bytes(p, 1, &job->memory);
    case JSON:
        job->print_json = 1;
        return 0;
    case CLI_OPERAND:
        return take_operand(job, p->value);
    default:
        job->given[id - NUMBER] = 1;
        return cli_double(p, -INFINITY, INFINITY, &job->number[id - NUMBER]);
    }
}

/* 0, or an exit code + 1000 when the run ends here. */
static int parse(request *r, int argc, char **argv)
{
    const cli_usage usage = {"transform WORD INPUT.npy -o OUTPUT.npy [options]", about, example,
                             r->options};
    transform_job *job = r->job;
    cli_parser p;
    int id, code = 0;

    r->smooth.struct_size = sizeof r->smooth;
    if (dc_op_find("smooth_mean", &r->smooth) != DC_OK)
        return 1000 + cli_fail_status(DC_E_UNSUPPORTED);
    params_describe(&r->smooth, skipped, &r->described);
    params_append(fixed, &r->described, r->options);
    job->smooth = (dc_smooth_params)DC_SMOOTH_PARAMS_INIT;
    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        code = take_option(r, id, &p);
    }
    if (!code && (!job->verb || !job->input || !job->output))
        code = cli_fail(CLI_USAGE, "%s is missing; see dualcube transform --help",
                        !job->verb    ? "the transform"
                        : !job->input ? "the input"
                                      : "--output");
    return code ? 1000 + code : 0;
}

static int open_input(transform_job *job)
{
    char error[NPY_TEXT];
    struct stat st;

    if (npy_open(job->input, &job->file, error))
        return cli_fail(CLI_FAILED, "%s", error);
    if (!stat(job->output, &st) && (uint64_t)st.st_dev == job->file.device &&
        (uint64_t)st.st_ino == job->file.inode)
        return cli_fail(CLI_USAGE, "the output %s is the input itself", job->output);
    return transform_arrange(job);
}

/* Reserve the space, write the header, map the whole. */
static int open_output(transform_job *job, outfile *out)
{
    char header[256];
    int code;

    job->head = npy_header_write(job->type, job->src.ndim, job->shape, header, sizeof header);
    if (__builtin_mul_overflow((size_t)job->file.header.elements, npy_type_bytes(job->type),
                               &job->map_bytes) ||
        __builtin_add_overflow(job->map_bytes, job->head, &job->map_bytes))
        return cli_fail(CLI_USAGE, "the output of %s overflows 64 bits", job->input);
    code = outfile_open(out, job->output, job->map_bytes);
    if (!code)
        code = outfile_write(out, header, job->head);
    if (!code && ftruncate(out->fd, (off_t)job->map_bytes))
        code =
            cli_fail(CLI_FAILED, "%s cannot be made %zu bytes long", job->output, job->map_bytes);
    if (code)
        return code;
    job->map = mmap(NULL, job->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
    if (job->map == MAP_FAILED) {
        job->map = NULL;
        return cli_fail(CLI_FAILED, "%s cannot be mapped into memory", job->output);
    }
    return 0;
}

static void shape_text(const transform_job *job, char *text, size_t room)
{
    size_t at = 0;

    for (int32_t d = 0; d < job->src.ndim && at < room; ++d)
        at += (size_t)snprintf(text + at, room - at, "%s%" PRId64, d ? " x " : "", job->shape[d]);
}

static void print_json(const transform_job *job)
{
    cJSON *root = cJSON_CreateObject(), *shape;
    char *text;

    cJSON_AddStringToObject(root, "transform", job->verb->name);
    cJSON_AddStringToObject(root, "operation", job->op.name);
    cJSON_AddStringToObject(root, "input", job->input);
    cJSON_AddStringToObject(root, "output", job->output);
    shape = cJSON_AddArrayToObject(root, "shape");
    for (int32_t d = 0; d < job->src.ndim; ++d)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)job->shape[d]));
    cJSON_AddStringToObject(root, "dtype", npy_type_descr(job->type));
    cJSON_AddNumberToObject(root, "blocks", (double)job->calls);
    cJSON_AddStringToObject(root, "device", job->run.device);
    cJSON_AddStringToObject(root, "reason", job->run.reason);
    cJSON_AddNumberToObject(root, "seconds", job->seconds);
    text = cJSON_Print(root);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(root);
}

static void print_facts(const transform_job *job)
{
    char shape[200] = "", time[UI_TEXT], rate[UI_TEXT];
    const double bytes = (double)job->file.map_bytes + (double)job->map_bytes;

    shape_text(job, shape, sizeof shape);
    printf("%-10s %s, %s %s\n", job->verb->name, job->output, shape, npy_type_descr(job->type));
    if (job->calls > 0)
        printf("%-10s %s%s%s (%s)\n", "on", job->run.device, *isa_name(job->run.isa) ? " " : "",
               job->run.device_kind == DC_DEVICE_CPU ? isa_name(job->run.isa) : "",
               job->run.reason);
    printf("%-10s %s, %s/s read and written, %" PRId64 " block%s\n", "time",
           ui_seconds(time, job->seconds), ui_bytes(rate, bytes / job->seconds), job->calls,
           job->calls == 1 ? "" : "s");
}

static int run(transform_job *job)
{
    outfile out = {.fd = -1, .slot = -1};
    int code;

    job->seconds = cli_now();
    code = open_input(job);
    if (!code)
        code = session_open(&job->session, &job->where);
    if (!code)
        code = open_output(job, &out);
    if (!code)
        code = transform_compute(job);
    if (job->map)
        munmap(job->map, job->map_bytes);
    if (!code)
        code = outfile_commit(&out);
    outfile_discard(&out);
    if (code == CLI_INTERRUPTED)
        return cli_fail(code, "interrupted; nothing was written");
    if (code)
        return code;
    job->seconds = cli_now() - job->seconds;
    if (job->print_json)
        print_json(job);
    else
        print_facts(job);
    return 0;
}

int cli_transform(int argc, char **argv)
{
    static transform_job job;
    request r = {.job = &job};
    int code;

    job.where = (session_options)SESSION_OPTIONS_INIT;
    job.memory = 256 << 20;
    job.periods = 1;
    code = parse(&r, argc, argv);
    if (code)
        return code - 1000;
    cli_catch_interrupts();
    code = run(&job);
    session_close(&job.session);
    npy_close(&job.file);
    return code;
}

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/params.h"
#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

enum { SHAPE = CLI_FIRST_ID, DTYPE, OUT, OUT_DTYPE, JSON, TEXT = 1 << 16 };

static const cli_option fixed[] = {
    {"shape", 0, "AxB", "shape of the input (default 10000x50)", SHAPE},
    {"dtype", 0, "TYPE", "f32 or f64 (default f64)", DTYPE},
    {"out", 0, "AxB", "shape of the output (default: the input's, less the axes reduced)", OUT},
    {"out-dtype", 0, "TYPE", "dtype of the output (default: the input's)", OUT_DTYPE},
    SESSION_OPTIONS,
    {"json", 0, NULL, "print JSON", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const char about[] = "Say what a call would do, without doing it: the plan's steps, the "
                            "bytes and operations, where it\n"
                            "would run and why, and the estimated time.  OPERATION comes first; "
                            "without one the operations\n"
                            "are listed.";

static const char example[] =
    "  dualcube explain\n"
    "  dualcube explain rolling_median --shape 1000000x8 --dtype f32 --window 256\n"
    "  dualcube explain scale_quantize --shape 1000x64 --out-dtype int8";

typedef struct request {
    dc_op_info op;
    void *params;
    int32_t ndim, dtype, json;
    int64_t shape[DC_MAX_NDIM];
    int32_t out_ndim, out_dtype; /* -1: not told */
    int64_t out_shape[DC_MAX_NDIM];
    session_options where;
} request;

static int list_operations(int json)
{
    cJSON *all = json ? cJSON_CreateArray() : NULL;
    char *text;

    for (int32_t k = 0; k < dc_op_count(); ++k) {
        dc_op_info op = {.struct_size = sizeof op};

        if (dc_op_get(k, &op) != DC_OK)
            return cli_fail_status(DC_E_ARGUMENT);
        if (json) {
            cJSON *row = cJSON_CreateObject();

            cJSON_AddStringToObject(row, "operation", op.name);
            cJSON_AddStringToObject(row, "call", op.call);
            cJSON_AddStringToObject(row, "help", op.help);
            cJSON_AddStringToObject(row, "class_f32", class_name(op.class_f32));
            cJSON_AddStringToObject(row, "class_f64", class_name(op.class_f64));
            cJSON_AddItemToArray(all, row);
        } else {
            printf("%-18s %-9s %-9s %s\n", op.name, class_name(op.class_f32),
                   class_name(op.class_f64), op.help);
        }
    }
    if (!json)
        return CLI_FINE;
    text = cJSON_Print(all);
    cJSON_Delete(all);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory");
    puts(text);
    cJSON_free(text);
    return CLI_FINE;
}

static int64_t int64_at(const request *r, const char *name, int64_t absent)
{
    const dc_param_info *p = params_find(&r->op, name);
    int64_t value = absent;
    int32_t narrow;

    if (!p)
        return absent;
    if (p->type == DC_PARAM_INT64) {
        memcpy(&value, (const char *)r->params + p->offset, sizeof value);
        return value == DC_DEFAULT ? absent : value;
    }
    memcpy(&narrow, (const char *)r->params + p->offset, sizeof narrow);
    return narrow;
}

/* The axes that a reduction leaves; of none, one of one element. */
static int32_t reduced_shape(const request *r, int64_t *shape)
{
    const int64_t axes = int64_at(r, "axes", 0);
    int32_t n = 0;

    for (int32_t d = 0; d < r->ndim; ++d)
        if (!(axes >> d & 1))
            shape[n++] = r->shape[d];
    if (n == 0)
        shape[n++] = 1;
    return n;
}

/* Axes of an output: as told, or the input's, with the rows that (row_first, row_last, step) put
 * out. */
static int32_t output_shape(const request *r, int64_t *shape)
{
    int64_t axis = int64_at(r, "axis", 0), step = int64_at(r, "step", 1), first, last;

    memcpy(shape, r->out_ndim < 0 ? r->shape : r->out_shape, sizeof r->shape);
    if (r->out_ndim >= 0)
        return r->out_ndim;
    if (!strncmp(r->op.name, "reduce_", strlen("reduce_")))
        return reduced_shape(r, shape);
    axis += axis < 0 ? r->ndim : 0;
    if (axis < 0 || axis >= r->ndim || step < 1)
        return r->ndim; /* the plan says what is wrong */
    first = int64_at(r, "row_first", 0);
    last = int64_at(r, "row_last", shape[axis]);
    shape[axis] = last > first ? (last - first - 1) / step + 1 : 0;
    return r->ndim;
}

static void place_arrays(request *r)
{
    int64_t out[DC_MAX_NDIM];
    const int32_t out_ndim = output_shape(r, out);
    const int32_t out_dtype = r->out_dtype < 0 ? r->dtype : r->out_dtype;

    for (int32_t k = 0; k < r->op.nparams; ++k) {
        const dc_param_info *p = &r->op.params[k];
        dc_array array;

        if (strcmp(p->name, "src") != 0 && strcmp(p->name, "dst") != 0)
            continue; /* not an array, or one that may be absent */
        array = p->type == DC_PARAM_ARRAY_IN ? dc_array_host(NULL, r->dtype, r->ndim, r->shape)
                                             : dc_array_host(NULL, out_dtype, out_ndim, out);
        memcpy((char *)r->params + p->offset, &array, sizeof array);
    }
}

static int any_dtype(const cli_parser *p, int32_t *out)
{
    for (int32_t dtype = DC_F32; dtype <= DC_F16; ++dtype)
        if (!strcmp(p->value, dc_dtype_name(dtype))) {
            *out = dtype;
            return 0;
        }
    return cli_fail(CLI_USAGE, "%s is \"%s\", expected a dtype such as float32, int64 or uint8",
                    p->name, p->value);
}

static int take_option(request *r, int id, const cli_parser *p)
{
    if (id >= PARAMS_FIRST_ID)
        return params_set(&r->op, r->params, id, p);
    if (id >= SESSION_DEVICE)
        return session_take(&r->where, id, p);
    switch (id) {
    case SHAPE:
        return cli_shape(p, p->value, &r->ndim, r->shape);
    case DTYPE:
        return cli_dtype(p, &r->dtype);
    case OUT:
        return cli_shape(p, p->value, &r->out_ndim, r->out_shape);
    case OUT_DTYPE:
        return any_dtype(p, &r->out_dtype);
    case JSON:
        r->json = 1;
        return 0;
    default:
        return cli_fail(CLI_USAGE, "unexpected \"%s\"; the operation comes first", p->value);
    }
}

static int print_json(const request *r, const dc_run_info *info, const char *text)
{
    cJSON *root = cJSON_CreateObject(), *shape;
    char *line;

    cJSON_AddStringToObject(root, "operation", r->op.name);
    cJSON_AddStringToObject(root, "dtype", dtype_name(r->dtype));
    shape = cJSON_AddArrayToObject(root, "shape");
    for (int32_t k = 0; k < r->ndim; ++k)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)r->shape[k]));
    cJSON_AddStringToObject(root, "device", info->device);
    cJSON_AddStringToObject(root, "reason", info->reason);
    cJSON_AddNumberToObject(root, "steps", info->steps);
    cJSON_AddNumberToObject(root, "bytes", info->bytes);
    cJSON_AddNumberToObject(root, "flops", info->flops);
    if (info->estimated_cpu_ms >= 0)
        cJSON_AddNumberToObject(root, "estimated_cpu_ms", info->estimated_cpu_ms);
    if (info->estimated_device_ms >= 0)
        cJSON_AddNumberToObject(root, "estimated_device_ms", info->estimated_device_ms);
    cJSON_AddStringToObject(root, "plan", text);
    line = cJSON_Print(root);
    cJSON_Delete(root);
    if (!line)
        return cli_fail(CLI_FAILED, "out of memory");
    puts(line);
    cJSON_free(line);
    return CLI_FINE;
}

static void print_text(const dc_run_info *info, const char *text)
{
    char a[UI_TEXT], b[UI_TEXT];

    printf("%s", text);
    printf("\n%s%-10s %s%s: %s\n", ui_on(stdout, UI_BOLD), "would run", info->device,
           ui_off(stdout), info->reason);
    printf("%-10s %s read and written, %s operations\n", "work", ui_bytes(a, info->bytes),
           ui_count(b, info->flops));
    printf("%-10s ", "estimate");
    if (info->estimated_cpu_ms >= 0)
        printf("cpu %s", ui_seconds(a, info->estimated_cpu_ms * 1e-3));
    if (info->estimated_device_ms >= 0)
        printf("%sdevice %s", info->estimated_cpu_ms >= 0 ? ", " : "",
               ui_seconds(a, info->estimated_device_ms * 1e-3));
    putchar('\n');
}

static int explain(request *r)
{
    dc_run_info info = {.struct_size = sizeof info};
    session s;
    char *text = malloc(TEXT);
    dc_status status;
    int code = text ? session_open(&s, &r->where) : cli_fail(CLI_FAILED, "out of memory");

    if (code) {
        free(text);
        return code;
    }
    place_arrays(r);
    status = dc_op_explain(s.queue, r->op.id, r->params, &info, text, TEXT);
    if (status == DC_E_UNSUPPORTED)
        code = cli_fail(CLI_NO_DEVICE, "%s", dc_last_error());
    else if (status != DC_OK)
        code = cli_fail_status(status);
    else if (r->json)
        code = print_json(r, &info, text);
    else
        print_text(&info, text);
    session_close(&s);
    free(text);
    return code;
}

static int parse(request *r, int argc, char **argv)
{
    static params_options described;
    static cli_option all[CLI_OPTION_ROOM + 1];
    const cli_usage usage = {"explain [OPERATION] [options]", about, example, all};
    const int named = argc > 1 && argv[1][0] != '-';
    cli_parser p;
    int id, code = 0;

    r->op.struct_size = sizeof r->op;
    if (named && dc_op_find(argv[1], &r->op) != DC_OK)
        return 1000 + cli_fail(CLI_USAGE,
                               "there is no operation \"%s\"; dualcube explain lists them",
                               argv[1]);
    if (named) {
        params_describe(&r->op, NULL, &described);
        r->params = params_new(&r->op);
        if (!r->params)
            return 1000 + cli_fail(CLI_FAILED, "out of memory");
    }
    params_append(fixed, &described, all);
    cli_begin(&p, &usage, argc - named, argv + named);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return 1000 + (id == CLI_HELP ? CLI_FINE : CLI_USAGE);
        code = take_option(r, id, &p);
    }
    if (code)
        return 1000 + code;
    return named ? 0 : 1000 + list_operations(r->json);
}

int cli_explain(int argc, char **argv)
{
    request r = {.ndim = 2, .dtype = DC_F64, .shape = {10000, 50}, .out_ndim = -1, .out_dtype = -1};
    int code;

    r.where = (session_options)SESSION_OPTIONS_INIT;
    code = parse(&r, argc, argv);
    code = code ? code - 1000 : explain(&r);
    free(r.params);
    return code;
}

/* What features tells: facts as JSON, and for people. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/features.h"
#include "tools/dualcube/params.h"
#include "tools/dualcube/ui.h"

/* "float64" of NPY_F64. */
static const char *type_name(npy_type type)
{
    static const char *const names[NPY_TYPE_COUNT] = {
        [NPY_F32] = "float32", [NPY_F64] = "float64", [NPY_BOOL] = "bool",  [NPY_I8] = "int8",
        [NPY_U8] = "uint8",    [NPY_I16] = "int16",   [NPY_U16] = "uint16", [NPY_I32] = "int32",
        [NPY_U32] = "uint32",  [NPY_I64] = "int64",   [NPY_U64] = "uint64",
    };

    return names[type];
}

static double values(const features_job *job)
{
    return (double)job->out_rows * (double)job->columns * job->count;
}

/* Bytes of input and output. */
static double traffic(const features_job *job)
{
    return (double)job->file.header.data_bytes + values(job) * (double)npy_type_bytes(job->type);
}

/* Time inside the library's calls. */
static double calls_seconds(const features_job *job)
{
    double sum = 0;

    for (int s = 0; s < job->count; ++s)
        sum += job->feature[s].seconds;
    return sum;
}

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static void add_input(cJSON *root, const features_job *job)
{
    const npy_header *h = &job->file.header;
    cJSON *input = cJSON_AddObjectToObject(root, "input"), *shape;

    cJSON_AddStringToObject(input, "path", job->input);
    shape = cJSON_AddArrayToObject(input, "shape");
    for (int32_t k = 0; k < h->ndim; ++k)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)h->shape[k]));
    cJSON_AddStringToObject(input, "dtype", npy_type_descr(h->type));
    cJSON_AddBoolToObject(input, "fortran_order", h->fortran_order);
    cJSON_AddNumberToObject(input, "rows", (double)job->rows);
    cJSON_AddNumberToObject(input, "columns", (double)job->columns);
    cJSON_AddStringToObject(input, "computed_as", job->type == NPY_F32 ? "float32" : "float64");
}

static void add_output(cJSON *root, const features_job *job)
{
    static const char *const axes[] = {"row", "column", "statistic"};
    const double shape[] = {(double)job->out_rows, (double)job->columns, job->count};
    cJSON *output = cJSON_AddObjectToObject(root, "output"), *list;

    cJSON_AddStringToObject(output, "path", job->output);
    cJSON_AddItemToObject(output, "shape", cJSON_CreateDoubleArray(shape, 3));
    cJSON_AddStringToObject(output, "dtype", npy_type_descr(job->type));
    cJSON_AddItemToObject(output, "axes", cJSON_CreateStringArray(axes, 3));
    list = cJSON_AddArrayToObject(root, "statistics");
    for (int s = 0; s < job->count; ++s)
        cJSON_AddItemToArray(list, cJSON_CreateString(job->feature[s].name));
}

static void add_parameters(cJSON *root, const feature *f, int32_t axis)
{
    cJSON *all = cJSON_AddObjectToObject(root, "parameters");

    cJSON_AddNumberToObject(all, "axis", axis);
    for (int32_t k = 0; k < f->op.nparams; ++k) {
        const dc_param_info *p = &f->op.params[k];
        char text[64];

        if (p->type == DC_PARAM_ARRAY_IN || p->type == DC_PARAM_ARRAY_OUT ||
            !strncmp(p->name, "row_", 4) || !strcmp(p->name, "axis") || !strcmp(p->name, "kind"))
            continue;
        params_text(p, &f->params, text, sizeof text);
        if (p->type == DC_PARAM_BOOL)
            cJSON_AddBoolToObject(all, p->name, *text != '0');
        else
            cJSON_AddRawToObject(all, p->name, text);
    }
}

static void add_estimate(cJSON *run, const char *name, double ms)
{
    if (ms < 0)
        cJSON_AddNullToObject(run, name);
    else
        cJSON_AddNumberToObject(run, name, ms);
}

static void add_runs(cJSON *root, const features_job *job)
{
    cJSON *runs = cJSON_AddArrayToObject(root, "runs");

    for (int s = 0; s < job->count; ++s) {
        const feature *f = &job->feature[s];
        cJSON *run = cJSON_CreateObject();

        cJSON_AddStringToObject(run, "statistic", f->name);
        cJSON_AddStringToObject(run, "operation", f->op.name);
        cJSON_AddStringToObject(
            run, "class", class_name(job->type == NPY_F32 ? f->op.class_f32 : f->op.class_f64));
        cJSON_AddStringToObject(run, "device", f->run.device);
        cJSON_AddStringToObject(run, "isa", isa_name(f->run.isa));
        cJSON_AddNumberToObject(run, "threads", f->run.threads);
        cJSON_AddNumberToObject(run, "calls", (double)f->calls);
        cJSON_AddNumberToObject(run, "calls_on_another_device", (double)f->calls_elsewhere);
        cJSON_AddNumberToObject(run, "seconds", f->seconds);
        add_estimate(run, "estimated_cpu_ms", f->run.estimated_cpu_ms);
        add_estimate(run, "estimated_device_ms", f->run.estimated_device_ms);
        cJSON_AddBoolToObject(run, "fell_back", f->fallbacks > 0);
        cJSON_AddStringToObject(run, "reason", f->run.reason);
        cJSON_AddItemToArray(runs, run);
    }
}

static void add_machine(cJSON *root)
{
    dc_topology t = {.struct_size = sizeof t};
    cJSON *machine = cJSON_AddObjectToObject(root, "machine");

    if (dc_topology_get(&t) != DC_OK)
        return;
    cJSON_AddStringToObject(machine, "cpu", t.cpu_name);
    cJSON_AddNumberToObject(machine, "cores", t.cores);
    cJSON_AddNumberToObject(machine, "threads", t.threads);
    cJSON_AddStringToObject(machine, "isas", t.isas);
}

char *features_json(const features_job *job)
{
    cJSON *root = cJSON_CreateObject();
    char *text, *line;

    cJSON_AddStringToObject(root, "format", "dualcube.features");
    cJSON_AddNumberToObject(root, "version", 1);
    cJSON_AddStringToObject(root, "library", dc_version());
    add_input(root, job);
    add_output(root, job);
    add_parameters(root, &job->feature[0], job->axis);
    add_runs(root, job);
    cJSON_AddNumberToObject(root, "seconds", job->seconds);
    cJSON_AddNumberToObject(root, "compute_seconds", calls_seconds(job));
    cJSON_AddNumberToObject(root, "values_per_second", per_second(values(job), calls_seconds(job)));
    cJSON_AddNumberToObject(root, "mb_per_second", per_second(traffic(job), job->seconds) * 1e-6);
    add_machine(root);
    text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return NULL;
    line = malloc(strlen(text) + 2);
    if (line)
        snprintf(line, strlen(text) + 2, "%s\n", text);
    cJSON_free(text);
    return line;
}

/* "cpu avx512, 2 threads" */
static void where(const feature *f, char *text, size_t room)
{
    if (f->run.device_kind == DC_DEVICE_CPU)
        snprintf(text, room, "cpu %s, %d thread%s", isa_name(f->run.isa), (int)f->run.threads,
                 f->run.threads == 1 ? "" : "s");
    else
        snprintf(text, room, "%s", f->run.device);
    if (f->calls_elsewhere) {
        size_t n = strlen(text);

        snprintf(text + n, room - n, " (%" PRId64 " of %" PRId64 " calls elsewhere)",
                 f->calls_elsewhere, f->calls);
    }
}

/* Why there: for each place the reason of the statistic that took longest. */
static void print_reasons(const features_job *job)
{
    for (int s = 0; s < job->count; ++s) {
        const feature *slowest = &job->feature[s];
        int told = 0;

        for (int k = 0; k < job->count; ++k) {
            const feature *f = &job->feature[k];

            if (strcmp(f->run.device, slowest->run.device))
                continue;
            told |= k < s;
            slowest = f->seconds > slowest->seconds ? f : slowest;
        }
        if (!told && slowest->calls)
            printf("%s%-14s %s: %s%s\n", ui_on(stdout, UI_DIM), s ? "" : "why there", slowest->name,
                   slowest->run.reason, ui_off(stdout));
    }
}

static void print_statistics(const features_job *job)
{
    char place[96], time[UI_TEXT], rate[UI_TEXT];
    double n = (double)job->out_rows * (double)job->columns;

    printf("\n%s%-14s %10s %14s   %s%s\n", ui_on(stdout, UI_DIM), "statistic", "time", "values/s",
           "where", ui_off(stdout));
    for (int s = 0; s < job->count; ++s) {
        const feature *f = &job->feature[s];

        where(f, place, sizeof place);
        printf("%-14s %10s %14s   %s\n", f->name, ui_seconds(time, f->seconds),
               f->seconds > 0 ? ui_count(rate, n / f->seconds) : "-", f->calls ? place : "-");
    }
    print_reasons(job);
}

void features_print(const features_job *job)
{
    const npy_header *h = &job->file.header;
    const dc_rolling_params *p = &job->feature[0].params;
    char a[UI_TEXT], b[UI_TEXT], c[UI_TEXT];
    double size = (double)npy_type_bytes(job->type);

    printf("%-10s %s: %s rows x %s columns, %s%s (%s)\n", "input", job->input,
           ui_grouped(a, job->rows), ui_grouped(b, job->columns), type_name(h->type),
           h->fortran_order ? ", Fortran order" : "", ui_bytes(c, (double)h->data_bytes));
    if (p->expanding)
        printf("%-10s all rows so far", "window");
    else
        printf("%-10s %s rows, %s", "window", ui_grouped(a, p->window),
               p->center ? "centred" : "trailing");
    if (p->min_periods != DC_DEFAULT)
        printf(", min_periods %s", ui_grouped(a, p->min_periods));
    if (p->step > 1)
        printf(", every %s rows", ui_grouped(a, p->step));
    printf("\n");
    print_statistics(job);
    printf("\n%s%s values computed in %s: %s values/s%s\n", ui_on(stdout, UI_BOLD),
           ui_count(a, values(job)), ui_seconds(b, calls_seconds(job)),
           ui_count(c, per_second(values(job), calls_seconds(job))), ui_off(stdout));
    printf("%-10s %s with reading and writing %s: %.0f MB/s\n\n", "in all",
           ui_seconds(a, job->seconds), ui_bytes(b, traffic(job)),
           per_second(traffic(job), job->seconds) * 1e-6);
    printf("%-10s %s (rows, columns, statistics; %s, %s)\n", "features", job->output,
           type_name(job->type), ui_bytes(a, values(job) * size));
    printf("%-10s %s\n", "facts", job->json);
}

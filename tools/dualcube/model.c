/* dualcube model: what is in a model file, and whether it is whole. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/cli.h"
#include "tools/dualcube/session.h"

enum { JSON = CLI_FIRST_ID, SHOWN = 4, TEXT = 160 };

static const cli_option options[] = {
    {"json", 0, NULL, "info: print JSON", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "model info|check FILE",
    "info: print the kind and the entries of a model file.  check: read it whole; exit code 1 when "
    "it\nis damaged or no model, or when the numbers of a pca or of clusters do not agree.",
    "  dualcube model info scaler.model",
    options,
};

static void shape_text(const dc_array *array, char *text, size_t room)
{
    size_t at = 0;

    for (int32_t d = 0; d < array->ndim && at < room; ++d)
        at += (size_t)snprintf(text + at, room - at, "%s%lld", d ? " x " : "",
                               (long long)array->shape[d]);
}

/* The first values of a float64 array. */
static void values_text(const dc_array *array, char *text, size_t room)
{
    const int64_t n = dc_array_elements(array);
    const double *values = array->data;
    size_t at = 0;

    *text = 0;
    if (array->dtype != DC_F64)
        return;
    for (int64_t i = 0; i < n && i < SHOWN && at < room; ++i)
        at += (size_t)snprintf(text + at, room - at, "%s%.6g", i ? ", " : "", values[i]);
    if (n > SHOWN && at < room)
        snprintf(text + at, room - at, ", ...");
}

static void print_entry(const dc_model_entry *e)
{
    char shape[TEXT] = "", values[TEXT] = "";

    if (e->type == DC_MODEL_NUMBER) {
        printf("%-18s %.17g\n", e->name, e->number);
    } else if (e->type == DC_MODEL_TEXT) {
        printf("%-18s %s\n", e->name, e->text);
    } else {
        shape_text(&e->array, shape, sizeof shape);
        values_text(&e->array, values, sizeof values);
        printf("%-18s %s (%s)  %s\n", e->name, dc_dtype_name(e->array.dtype), shape, values);
    }
}

static void add_entry(cJSON *all, const dc_model_entry *e)
{
    cJSON *entry, *shape;

    if (e->type == DC_MODEL_NUMBER) {
        cJSON_AddNumberToObject(all, e->name, e->number);
        return;
    }
    if (e->type == DC_MODEL_TEXT) {
        cJSON_AddStringToObject(all, e->name, e->text);
        return;
    }
    entry = cJSON_AddObjectToObject(all, e->name);
    cJSON_AddStringToObject(entry, "dtype", dc_dtype_name(e->array.dtype));
    shape = cJSON_AddArrayToObject(entry, "shape");
    for (int32_t d = 0; d < e->array.ndim; ++d)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)e->array.shape[d]));
}

static int info(const dc_model *model, int json)
{
    cJSON *all = json ? cJSON_CreateObject() : NULL;
    cJSON *entries = json ? cJSON_AddObjectToObject(all, "entries") : NULL;
    char *text;

    if (json)
        cJSON_AddStringToObject(all, "kind", dc_model_kind(model));
    else
        printf("%-18s %s\n", "kind", dc_model_kind(model));
    for (int32_t k = 0; k < dc_model_count(model); ++k) {
        dc_model_entry entry = {.struct_size = sizeof entry};

        if (dc_model_at(model, k, &entry) != DC_OK)
            continue;
        if (json)
            add_entry(entries, &entry);
        else
            print_entry(&entry);
    }
    if (json) {
        text = cJSON_Print(all);
        puts(text ? text : "{}");
        free(text);
        cJSON_Delete(all);
    }
    return 0;
}

static int is_finite(const dc_array *array)
{
    const int64_t n = dc_array_elements(array);

    for (int64_t i = 0; i < n; ++i)
        if (!isfinite(array->dtype == DC_F32 ? ((const float *)array->data)[i]
                                             : ((const double *)array->data)[i]))
            return 0;
    return 1;
}

/* NULL, or what is wrong with a model of clusters. */
static const char *wrong_clusters(const dc_model *model)
{
    dc_model_entry centers = {.struct_size = sizeof centers}, shift = centers, labels = centers;
    int64_t n;

    if (dc_model_find(model, "cluster_centers", DC_MODEL_ARRAY, &centers) != DC_OK ||
        dc_model_find(model, "_shift", DC_MODEL_ARRAY, &shift) != DC_OK ||
        dc_model_find(model, "labels", DC_MODEL_ARRAY, &labels) != DC_OK)
        return dc_last_error();
    if ((centers.array.dtype != DC_F32 && centers.array.dtype != DC_F64) ||
        centers.array.ndim != 2 || centers.array.shape[0] < 1 || !is_finite(&centers.array))
        return "cluster_centers must be a table of finite numbers";
    if (shift.array.dtype != centers.array.dtype || shift.array.ndim != 1 ||
        shift.array.shape[0] != centers.array.shape[1] || !is_finite(&shift.array))
        return "_shift must be a finite number for each column of cluster_centers";
    if (labels.array.dtype != DC_I32 || labels.array.ndim != 1)
        return "labels must be a row of int32";
    n = dc_array_elements(&labels.array);
    for (int64_t i = 0; i < n; ++i)
        if (((const int32_t *)labels.array.data)[i] < 0 ||
            ((const int32_t *)labels.array.data)[i] >= centers.array.shape[0])
            return "labels must be rows of cluster_centers";
    return NULL;
}

/* NULL, or what is wrong with the numbers of a whole file. */
static const char *wrong_numbers(const dc_model *model)
{
    const char *kind = dc_model_kind(model);

    if (!strcmp(kind, "pca"))
        return dc_pca_check_model(model) == DC_OK ? NULL : dc_last_error();
    if (!strcmp(kind, "kmeans") || !strcmp(kind, "mini_batch_kmeans"))
        return wrong_clusters(model);
    return NULL;
}

int cli_model(int argc, char **argv)
{
    const char *word[2] = {NULL, NULL}, *wrong;
    int id, json = 0, words = 0, code;
    dc_model *model = NULL;
    dc_status status;
    cli_parser p;

    cli_begin(&p, &usage, argc, argv);
    while ((id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == JSON)
            json = 1;
        else if (words < 2)
            word[words++] = p.value;
        else
            return cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
    }
    if (words != 2 || (strcmp(word[0], "info") != 0 && strcmp(word[0], "check") != 0))
        return cli_fail(CLI_USAGE, "expected \"info FILE\" or \"check FILE\"");
    status = dc_model_load(word[1], &model);
    if (status == DC_E_ARGUMENT)
        return cli_fail(CLI_FINDING, "%s: %s", word[1], dc_last_error());
    if (status != DC_OK)
        return cli_fail_status(status);
    if (!strcmp(word[0], "info"))
        code = info(model, json);
    else if ((wrong = wrong_numbers(model)))
        code = cli_fail(CLI_FINDING, "%s: %s", word[1], wrong);
    else
        code = printf("%s: whole, %s, %d entries\n", word[1], dc_model_kind(model),
                      (int)dc_model_count(model)) < 0;
    dc_model_free(model);
    return code;
}

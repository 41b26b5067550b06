#include "host/core/model.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/error.h"

int dc__model_name_fits(const char *name, size_t length)
{
    if (length < 1 || length > DC_MODEL_NAME)
        return 0;
    for (size_t i = 0; i < length; ++i) {
        const char c = name[i];
        const int fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (!fits)
            return 0;
    }
    return 1;
}

static dc_status check_name(const char *call, const char *what, const char *name)
{
    DC_REQUIRE(name, DC_E_ARGUMENT, "%s: %s is NULL", call, what);
    DC_REQUIRE(dc__model_name_fits(name, strnlen(name, DC_MODEL_NAME + 1)), DC_E_ARGUMENT,
               "%s: %s is \"%.80s\", must be 1 to %d letters, digits, dots, dashes, underscores",
               call, what, name, DC_MODEL_NAME);
    return DC_OK;
}

dc_status dc_model_new(const char *kind, dc_model **out)
{
    dc_model *model;

    DC_REQUIRE(out, DC_E_ARGUMENT, "dc_model_new: out is NULL");
    *out = NULL;
    DC_TRY(check_name("dc_model_new", "kind", kind));
    model = calloc(1, sizeof *model);
    DC_REQUIRE(model, DC_E_MEMORY, "dc_model_new: out of memory");
    memcpy(model->kind, kind, strlen(kind));
    *out = model;
    return DC_OK;
}

void dc_model_free(dc_model *model)
{
    if (!model)
        return;
    for (int32_t i = 0; i < model->count; ++i)
        free(model->item[i].data);
    free(model->item);
    free(model);
}

const char *dc_model_kind(const dc_model *model)
{
    return model ? model->kind : "";
}

dc_model_item *dc__model_item(const dc_model *model, const char *name)
{
    for (int32_t i = 0; i < model->count; ++i)
        if (strcmp(model->item[i].name, name) == 0)
            return &model->item[i];
    return NULL;
}

dc_status dc__model_put(dc_model *model, const dc_model_item *item)
{
    dc_model_item *old = dc__model_item(model, item->name);

    if (old) {
        free(old->data);
        *old = *item;
        return DC_OK;
    }
    DC_REQUIRE(model->count < DC_MODEL_ENTRIES, DC_E_ARGUMENT,
               "model %s: it has %d entries already, the most there may be", model->kind,
               DC_MODEL_ENTRIES);
    if (model->count == model->room) {
        const int32_t room = model->room ? 2 * model->room : 8;
        dc_model_item *more = realloc(model->item, (size_t)room * sizeof *more);

        DC_REQUIRE(more, DC_E_MEMORY, "model %s: out of memory", model->kind);
        model->item = more;
        model->room = room;
    }
    model->item[model->count++] = *item;
    return DC_OK;
}

static dc_status begin(const char *call, const dc_model *model, const char *name, int32_t type,
                       dc_model_item *item)
{
    DC_REQUIRE(model, DC_E_ARGUMENT, "%s: model is NULL", call);
    DC_TRY(check_name(call, "name", name));
    memset(item, 0, sizeof *item);
    item->type = type;
    memcpy(item->name, name, strlen(name));
    return DC_OK;
}

/* Owns item->data. */
static dc_status put_or_free(dc_model *model, dc_model_item *item)
{
    const dc_status status = dc__model_put(model, item);

    if (status != DC_OK)
        free(item->data);
    return status;
}

/* Elements in row-major order, end to end. */
static void copy_dense(const dc_array *array, size_t size, char *to)
{
    const char *from = (const char *)array->data + array->offset * (int64_t)size;
    int64_t digit[DC_MAX_NDIM] = {0}, at = 0, n = dc_array_elements(array);

    for (int64_t i = 0; i < n; ++i) {
        memcpy(to + (size_t)i * size, from + at * (int64_t)size, size);
        for (int32_t d = array->ndim - 1; d >= 0; --d) {
            at += array->stride[d];
            if (++digit[d] < array->shape[d])
                break;
            at -= digit[d] * array->stride[d];
            digit[d] = 0;
        }
    }
}

dc_status dc_model_set_array(dc_model *model, const char *name, const dc_array *array)
{
    dc_model_item item;
    size_t size;
    int64_t n;

    DC_TRY(begin("dc_model_set_array", model, name, DC_MODEL_ARRAY, &item));
    DC_REQUIRE(array, DC_E_ARGUMENT, "dc_model_set_array: array is NULL");
    size = dc_dtype_bytes(array->dtype);
    DC_REQUIRE(size > 0, DC_E_ARGUMENT, "dc_model_set_array: %s has the unknown dtype %d", name,
               (int)array->dtype);
    DC_REQUIRE(array->ndim >= 1 && array->ndim <= DC_MAX_NDIM, DC_E_ARGUMENT,
               "dc_model_set_array: %s has %d axes, must have 1 to %d", name, (int)array->ndim,
               DC_MAX_NDIM);
    for (int32_t d = 0; d < array->ndim; ++d)
        DC_REQUIRE(array->shape[d] >= 0, DC_E_ARGUMENT,
                   "dc_model_set_array: %s.shape[%d] is %lld, negative", name, (int)d,
                   (long long)array->shape[d]);
    n = dc_array_elements(array);
    DC_REQUIRE(n >= 0 && n <= INT64_MAX / 16, DC_E_ARGUMENT,
               "dc_model_set_array: the elements of %s are too many", name);
    DC_REQUIRE(!array->buffer && (array->data || n == 0), DC_E_ARGUMENT,
               "dc_model_set_array: %s does not lie in host memory", name);
    item.dtype = array->dtype;
    item.ndim = array->ndim;
    memcpy(item.shape, array->shape, (size_t)array->ndim * sizeof *item.shape);
    item.bytes = (size_t)n * size;
    item.data = malloc(item.bytes ? item.bytes : 1);
    DC_REQUIRE(item.data, DC_E_MEMORY, "dc_model_set_array: out of memory");
    if (n > 0)
        copy_dense(array, size, item.data);
    return put_or_free(model, &item);
}

dc_status dc_model_set_number(dc_model *model, const char *name, double number)
{
    dc_model_item item;

    DC_TRY(begin("dc_model_set_number", model, name, DC_MODEL_NUMBER, &item));
    item.number = number;
    return dc__model_put(model, &item);
}

dc_status dc_model_set_text(dc_model *model, const char *name, const char *text)
{
    dc_model_item item;

    DC_TRY(begin("dc_model_set_text", model, name, DC_MODEL_TEXT, &item));
    DC_REQUIRE(text, DC_E_ARGUMENT, "dc_model_set_text: text is NULL");
    item.bytes = strlen(text);
    item.data = malloc(item.bytes + 1);
    DC_REQUIRE(item.data, DC_E_MEMORY, "dc_model_set_text: out of memory");
    memcpy(item.data, text, item.bytes + 1);
    return put_or_free(model, &item);
}

int32_t dc_model_count(const dc_model *model)
{
    return model ? model->count : 0;
}

static dc_status show(const char *call, const dc_model_item *item, dc_model_entry *entry)
{
    DC_REQUIRE(entry, DC_E_ARGUMENT, "%s: entry is NULL", call);
    DC_REQUIRE(entry->struct_size == sizeof *entry, DC_E_ARGUMENT,
               "%s: entry.struct_size is %u, expected %zu", call, entry->struct_size,
               sizeof *entry);
    *entry = (dc_model_entry){.struct_size = sizeof *entry, .type = item->type};
    entry->name = item->name;
    entry->number = item->number;
    if (item->type == DC_MODEL_ARRAY)
        entry->array = dc_array_host(item->data, item->dtype, item->ndim, item->shape);
    if (item->type == DC_MODEL_TEXT)
        entry->text = item->data;
    return DC_OK;
}

dc_status dc_model_at(const dc_model *model, int32_t index, dc_model_entry *entry)
{
    DC_REQUIRE(model, DC_E_ARGUMENT, "dc_model_at: model is NULL");
    DC_REQUIRE(index >= 0 && index < model->count, DC_E_ARGUMENT,
               "dc_model_at: index is %d, there are %d entries", (int)index, (int)model->count);
    return show("dc_model_at", &model->item[index], entry);
}

dc_status dc_model_find(const dc_model *model, const char *name, int32_t type,
                        dc_model_entry *entry)
{
    static const char *const types[] = {"entry", "array", "number", "text"};
    const dc_model_item *item;

    DC_REQUIRE(model && name, DC_E_ARGUMENT, "dc_model_find: %s is NULL", model ? "name" : "model");
    DC_REQUIRE(type >= 0 && type <= DC_MODEL_TEXT, DC_E_ARGUMENT,
               "dc_model_find: type is %d, must be 0 ... %d", (int)type, DC_MODEL_TEXT);
    item = dc__model_item(model, name);
    DC_REQUIRE(item && (type == 0 || item->type == type), DC_E_ARGUMENT,
               "model %s: it has no %s \"%.80s\"", model->kind, types[type], name);
    return show("dc_model_find", item, entry);
}

/* Models: what is set comes back, through bytes and files; what is damaged is refused. */
#include "tests/api/api.h"

#include <dirent.h>
#include <unistd.h>

static dc_model_entry found(const dc_model *model, const char *name, int32_t type)
{
    dc_model_entry entry = {.struct_size = sizeof entry};

    expect_ok(dc_model_find(model, name, type, &entry));
    return entry;
}

/* Something of everything. */
static dc_model *sample(void)
{
    static const double mean[6] = {1, 2, 3, (double)NAN, -0.0, 1e300};
    static const int8_t codes[3] = {-1, 0, 1};
    dc_array matrix = dc_array_host(mean, DC_F64, 2, (int64_t[]){2, 3});
    dc_array column = dc_array_host(mean, DC_F64, 1, (int64_t[]){2});
    dc_array bytes = dc_array_host(codes, DC_I8, 1, (int64_t[]){3});
    dc_array empty = dc_array_host(NULL, DC_F32, 2, (int64_t[]){0, 7});
    dc_model *model = NULL;

    column.stride[0] = 3; /* 1, NaN */
    expect_ok(dc_model_new("standard_scaler", &model));
    expect_ok(dc_model_set_array(model, "mean", &matrix));
    expect_ok(dc_model_set_array(model, "column", &column));
    expect_ok(dc_model_set_array(model, "codes", &bytes));
    expect_ok(dc_model_set_array(model, "empty", &empty));
    expect_ok(dc_model_set_number(model, "ddof", 1));
    expect_ok(dc_model_set_number(model, "ddof", 0)); /* in its place */
    expect_ok(dc_model_set_text(model, "names", "a\nb"));
    return model;
}

static void check_sample(const dc_model *model)
{
    const dc_model_entry mean = found(model, "mean", DC_MODEL_ARRAY);
    const dc_model_entry column = found(model, "column", DC_MODEL_ARRAY);
    const dc_model_entry codes = found(model, "codes", 0);
    const dc_model_entry empty = found(model, "empty", DC_MODEL_ARRAY);
    const double *values = mean.array.data;

    assert_string_equal(dc_model_kind(model), "standard_scaler");
    assert_int_equal(dc_model_count(model), 6);
    assert_true(mean.array.ndim == 2 && mean.array.shape[0] == 2 && mean.array.shape[1] == 3);
    assert_true(values[2] == 3 && isnan(values[3]) && signbit(values[4]) && values[5] == 1e300);
    values = column.array.data;
    assert_true(values[0] == 1 && isnan(values[1]));
    assert_int_equal(codes.array.dtype, DC_I8);
    assert_int_equal(((const int8_t *)codes.array.data)[0], -1);
    assert_true(empty.array.dtype == DC_F32 && empty.array.shape[1] == 7);
    assert_true(found(model, "ddof", DC_MODEL_NUMBER).number == 0);
    assert_string_equal(found(model, "names", DC_MODEL_TEXT).text, "a\nb");
}

static unsigned char *saved(const dc_model *model, size_t *size)
{
    unsigned char *bytes;

    expect_ok(dc_model_save_bytes(model, NULL, 0, size));
    bytes = malloc(*size);
    assert_non_null(bytes);
    expect_ok(dc_model_save_bytes(model, bytes, *size, size));
    return bytes;
}

static void through_bytes(void **state)
{
    dc_model *model = sample(), *again = NULL;
    size_t size, other;
    unsigned char *bytes = saved(model, &size), *second;

    (void)state;
    check_sample(model);
    expect_ok(dc_model_load_bytes(bytes, size, &again));
    check_sample(again);
    second = saved(again, &other);
    assert_int_equal(size, other);
    assert_memory_equal(bytes, second, size);
    expect_error(dc_model_save_bytes(model, bytes, size - 1, &other), DC_E_ARGUMENT, "room", NULL);
    free(bytes);
    free(second);
    dc_model_free(model);
    dc_model_free(again);
}

/* Every byte changed, every length cut: refused with a sentence, and a success says nothing. */
static void damaged(void **state)
{
    dc_model *model = sample(), *again = NULL;
    size_t size;
    unsigned char *bytes = saved(model, &size);

    (void)state;
    for (size_t i = 0; i < size; ++i)
        for (int bit = 0; bit < 8; ++bit) {
            bytes[i] ^= (unsigned char)(1 << bit);
            expect_error(dc_model_load_bytes(bytes, size, &again), DC_E_ARGUMENT, "model", NULL);
            assert_null(again);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    for (size_t n = 0; n < size; ++n) {
        unsigned char *part = malloc(n + 1); /* of its own, so that a sanitizer sees its end */
        memcpy(part, bytes, n);
        expect_error(dc_model_load_bytes(part, n, &again), DC_E_ARGUMENT, "model", NULL);
        free(part);
    }
    bytes[8] = 2;
    expect_error(dc_model_load_bytes(bytes, size, &again), DC_E_ARGUMENT, "version 2", NULL);
    free(bytes);
    dc_model_free(model);
}

static int files_in(const char *directory)
{
    DIR *dir = opendir(directory);
    int n = 0;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void through_files(void **state)
{
    char directory[] = "/tmp/dct-model-XXXXXX", path[64], nowhere[96];
    dc_model *model = sample(), *again = NULL;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.model", directory);
    snprintf(nowhere, sizeof nowhere, "%s/none/a.model", directory);
    expect_ok(dc_model_save(model, path));
    expect_ok(dc_model_save(model, path)); /* over itself */
    assert_int_equal(files_in(directory), 1);
    expect_ok(dc_model_load(path, &again));
    check_sample(again);
    dc_model_free(again);
    expect_error(dc_model_save(model, nowhere), DC_E_IO, nowhere, NULL);
    expect_error(dc_model_load(nowhere, &again), DC_E_IO, nowhere, NULL);
    expect_error(dc_model_load(directory, &again), DC_E_IO, "not a file", NULL);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("not one", file);
    fclose(file);
    expect_error(dc_model_load(path, &again), DC_E_ARGUMENT, "no model", NULL);
    assert_null(again);
    unlink(path);
    rmdir(directory);
    dc_model_free(model);
}

static void bad_input(void **state)
{
    dc_model_entry entry = {.struct_size = sizeof entry};
    double x = 1;
    dc_array array = dc_array_host(&x, DC_F64, 1, (int64_t[]){1});
    char longer[80];
    dc_model *model = NULL;

    (void)state;
    memset(longer, 'a', sizeof longer);
    longer[64] = 0;
    expect_error(dc_model_new("", &model), DC_E_ARGUMENT, "kind", NULL);
    expect_error(dc_model_new("a b", &model), DC_E_ARGUMENT, "\"a b\"", NULL);
    expect_error(dc_model_new(longer, &model), DC_E_ARGUMENT, "63", NULL);
    expect_error(dc_model_new(NULL, &model), DC_E_ARGUMENT, "NULL", NULL);
    assert_null(model);
    expect_ok(dc_model_new("kind", &model));
    expect_error(dc_model_set_number(model, "a/b", 1), DC_E_ARGUMENT, "name", NULL);
    expect_error(dc_model_set_text(model, "a", NULL), DC_E_ARGUMENT, "text", NULL);
    array.dtype = 99;
    expect_error(dc_model_set_array(model, "a", &array), DC_E_ARGUMENT, "dtype 99", NULL);
    array.dtype = DC_F64;
    array.shape[0] = -1;
    expect_error(dc_model_set_array(model, "a", &array), DC_E_ARGUMENT, "-1", NULL);
    array.shape[0] = INT64_MAX;
    expect_error(dc_model_set_array(model, "a", &array), DC_E_ARGUMENT, "too many", NULL);
    array.shape[0] = 1;
    array.ndim = 9;
    expect_error(dc_model_set_array(model, "a", &array), DC_E_ARGUMENT, "9 axes", NULL);
    assert_int_equal(dc_model_count(model), 0);
    expect_error(dc_model_find(model, "a", 0, &entry), DC_E_ARGUMENT, "no entry \"a\"", NULL);
    expect_error(dc_model_at(model, 0, &entry), DC_E_ARGUMENT, "index", NULL);
    expect_ok(dc_model_set_number(model, "a", 1));
    expect_error(dc_model_find(model, "a", DC_MODEL_TEXT, &entry), DC_E_ARGUMENT, "no text", NULL);
    entry.struct_size = 4;
    expect_error(dc_model_at(model, 0, &entry), DC_E_ARGUMENT, "struct_size", NULL);
    dc_model_free(model);
    dc_model_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_bytes),
        cmocka_unit_test(damaged),
        cmocka_unit_test(through_files),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}

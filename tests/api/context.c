/* Contexts, devices, versions, the registry as users see it. */
#include "tests/api/api.h"

#include <pthread.h>

static void versions(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", DC_VERSION_MAJOR, DC_VERSION_MINOR, DC_VERSION_PATCH);
    assert_string_equal(dc_version(), text);
    assert_string_equal(dc_version(), DC_VERSION_STRING);
    assert_true(dc_abi() >= 0);
    assert_string_equal(dc_status_name(DC_OK), "DC_OK");
    for (int status = DC_E_ARGUMENT; status >= DC_E_IO; status--) {
        assert_memory_equal(dc_status_name((dc_status)status), "DC_E_", 5);
        assert_null(strchr(dc_status_name((dc_status)status), '?'));
    }
    assert_string_equal(dc_status_name((dc_status)-99), "DC_E_?");
}

static void *other_thread(void *user)
{
    (void)user;
    return *dc_last_error() ? "not empty" : NULL;
}

static void error_text_belongs_to_its_thread(void **state)
{
    (void)state;
    char before[512];
    pthread_t thread;
    void *said;
    expect_error(dc_device_find(NULL, "cpu", NULL), DC_E_ARGUMENT, "dc_device_find", NULL);
    snprintf(before, sizeof before, "%s", dc_last_error());
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &said), 0);
    assert_null(said);
    dc_context *context = cpu_context(); /* success leaves the text alone */
    assert_string_equal(dc_last_error(), before);
    dc_context_free(context);
}

static void sizes_by_name(void **state)
{
    (void)state;
    assert_int_equal(dc_sizeof("dc_array"), sizeof(dc_array));
    assert_int_equal(dc_sizeof("dc_context_params"), sizeof(dc_context_params));
    assert_int_equal(dc_sizeof("dc_device_info"), sizeof(dc_device_info));
    assert_int_equal(dc_sizeof("dc_topology"), sizeof(dc_topology));
    assert_int_equal(dc_sizeof("dc_queue_params"), sizeof(dc_queue_params));
    assert_int_equal(dc_sizeof("dc_run_info"), sizeof(dc_run_info));
    assert_int_equal(dc_sizeof("dc_pool_stats"), sizeof(dc_pool_stats));
    assert_int_equal(dc_sizeof("dc_counters"), sizeof(dc_counters));
    assert_int_equal(dc_sizeof("dc_param_info"), sizeof(dc_param_info));
    assert_int_equal(dc_sizeof("dc_op_info"), sizeof(dc_op_info));
    assert_int_equal(dc_sizeof("dc_rolling_params"), sizeof(dc_rolling_params));
    assert_int_equal(dc_sizeof("dc_nonsense"), 0);
    assert_int_equal(dc_sizeof(NULL), 0);
}

static void context_params(void **state)
{
    (void)state;
    dc_context *context = (dc_context *)&state;
    dc_context_params p = DC_CONTEXT_PARAMS_INIT;
    expect_error(dc_context_new(NULL, NULL), DC_E_ARGUMENT, "dc_context_new", "out", NULL);
    p.struct_size = 8;
    expect_error(dc_context_new(&p, &context), DC_E_ARGUMENT, "struct_size is 8", NULL);
    assert_null(context);
    p.struct_size = sizeof p;
    p.probe_timeout_ms = 0;
    expect_error(dc_context_new(&p, &context), DC_E_ARGUMENT, "probe_timeout_ms is 0", NULL);
    p.probe_timeout_ms = 1000;
    char *longer = malloc(5000);
    assert_non_null(longer);
    memset(longer, 'x', 4999);
    longer[4999] = 0;
    p.cache_dir = longer;
    expect_error(dc_context_new(&p, &context), DC_E_ARGUMENT, "cache_dir", NULL);
    p.cache_dir = NULL;
    p.opencl_module = longer;
    expect_error(dc_context_new(&p, &context), DC_E_ARGUMENT, "opencl_module", NULL);
    free(longer);
    dc_context_free(NULL);
    dc_queue_free(NULL);
    dc_buffer_free(NULL);
    dc_event_free(NULL);
    dc_host_free(NULL, NULL);
    dc_context_set_log(NULL, NULL, NULL);
}

static void the_cpu_is_device_0(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_device *cpu, *again;
    dc_device_info info = {.struct_size = sizeof info};
    assert_int_equal(dc_device_count(context), 1);
    assert_int_equal(dc_device_count(NULL), 0);
    expect_ok(dc_device_at(context, 0, &cpu));
    expect_ok(dc_device_find(context, "cpu", &again));
    assert_ptr_equal(cpu, again);
    expect_ok(dc_device_get_info(cpu, &info));
    assert_int_equal(info.kind, DC_DEVICE_CPU);
    assert_string_equal(info.id, "cpu");
    assert_true(info.usable && info.fp64 && info.is_cpu && info.compute_units >= 1);
    assert_true(info.isa >= DC_ISA_BASELINE && info.isa < DC_ISA_COUNT);
    assert_true(*info.name && info.global_bytes > 0 && !*info.error);
    assert_int_equal(info.checks & DC_CHECK_RAN, 0);
    expect_ok(dc_device_check(cpu, &info));
    const int32_t all = DC_CHECK_CONTRACT_OFF | DC_CHECK_FMA | DC_CHECK_DIVIDE | DC_CHECK_SQRT |
                        DC_CHECK_DENORM | DC_CHECK_FP64 | DC_CHECK_RAN;
    assert_int_equal(info.checks & all, all);
    assert_int_equal(info.exact, 1);
    dc_context_free(context);
}

static void devices_that_are_not_there(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_device *device = NULL;
    dc_device_info info = {.struct_size = 3};
    expect_error(dc_device_at(context, 1, &device), DC_E_ARGUMENT, "index is 1", "1 devices", NULL);
    expect_error(dc_device_at(context, -1, &device), DC_E_ARGUMENT, "index is -1", NULL);
    expect_error(dc_device_at(context, 0, NULL), DC_E_ARGUMENT, "out is NULL", NULL);
    expect_error(dc_device_find(context, "gpu", &device), DC_E_ARGUMENT, "\"gpu\"", NULL);
    expect_error(dc_device_find(context, "", &device), DC_E_ARGUMENT, "\"\"", NULL);
    expect_error(dc_device_find(context, "opencl:", &device), DC_E_ARGUMENT, "opencl:", NULL);
    expect_error(dc_device_find(context, "opencl:x", &device), DC_E_ARGUMENT, "opencl:x", NULL);
    expect_error(dc_device_find(context, "opencl:99", &device), DC_E_ARGUMENT, "opencl:99", NULL);
    expect_error(dc_device_find(context, "opencl:-1", &device), DC_E_ARGUMENT, "opencl:-1", NULL);
    expect_error(dc_device_find(context, "opencl:3", &device), DC_E_UNSUPPORTED, "opencl:3", NULL);
    expect_error(dc_device_find(context, "opencl", &device), DC_E_UNSUPPORTED, "switched off",
                 NULL);
    expect_ok(dc_device_at(context, 0, &device));
    expect_error(dc_device_get_info(device, &info), DC_E_ARGUMENT, "struct_size is 3", NULL);
    expect_error(dc_device_get_info(device, NULL), DC_E_ARGUMENT, "info is NULL", NULL);
    expect_error(dc_device_get_info(NULL, &info), DC_E_ARGUMENT, "device is NULL", NULL);
    expect_error(dc_device_check(NULL, &info), DC_E_ARGUMENT, "device is NULL", NULL);
    dc_context_free(context);
}

/* A caller built against an older header gets the fields that it knows. */
static void older_structs_are_filled_as_far_as_they_go(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_device *cpu;
    dc_device_info info;
    memset(&info, 0x5A, sizeof info);
    info.struct_size = offsetof(dc_device_info, global_bytes);
    expect_ok(dc_device_at(context, 0, &cpu));
    expect_ok(dc_device_get_info(cpu, &info));
    assert_int_equal(info.struct_size, offsetof(dc_device_info, global_bytes));
    assert_int_equal(info.usable, 1);
    for (size_t i = offsetof(dc_device_info, global_bytes); i < sizeof info; i++)
        assert_int_equal(((unsigned char *)&info)[i], 0x5A);
    dc_context_free(context);
}

static void a_module_that_is_not_there(void **state)
{
    (void)state;
    dc_context_params p = DC_CONTEXT_PARAMS_INIT;
    dc_context *context;
    dc_device *device;
    p.opencl_module = "/nonexistent/libdualcube-opencl.so";
    expect_ok(dc_context_new(&p, &context));
    assert_int_equal(dc_device_count(context), 1);
    const dc_status status = dc_device_find(context, "opencl", &device);
    expect_error(status, DC_E_UNSUPPORTED, "opencl", NULL);
    dc_context_free(context);
}

/* The table that feeds Python, the command and parity describes real fields of real structs. */
static void registry(void **state)
{
    (void)state;
    const int32_t count = dc_op_count();
    assert_true(count >= 9);
    for (int32_t i = 0; i < count; i++) {
        dc_op_info op = {.struct_size = sizeof op}, same = op;
        char name[96];
        int32_t in = 0, out = 0, must = 0, lists = 0;
        expect_ok(dc_op_get(i, &op));
        expect_ok(dc_op_find(op.name, &same));
        assert_int_equal(op.id, same.id);
        snprintf(name, sizeof name, "dc_%s_params", op.family);
        assert_int_equal(dc_sizeof(name), op.params_bytes);
        assert_true(*op.help && *op.call && op.nparams > 0);
        assert_true(op.class_f32 >= DC_CLASS_EXACT && op.class_f32 <= DC_CLASS_NORMWISE);
        for (int32_t k = 0; k < op.nparams; k++) {
            const dc_param_info *p = &op.params[k];
            in += p->type == DC_PARAM_ARRAY_IN;
            out += p->type == DC_PARAM_ARRAY_OUT;
            must += p->type <= DC_PARAM_ARRAY_OUT && p->required;
            lists += p->type == DC_PARAM_ARRAYS_IN;
            assert_true(*p->name && *p->help && p->low <= p->high);
            assert_true(p->offset >= 4 && p->offset < op.params_bytes);
            assert_true(p->type != DC_PARAM_CHOICE || p->choices != NULL);
        }
        /* Rows of a family share its struct: some leave arrays alone, some take lists of them. */
        assert_true(op.inputs <= in || lists);
        assert_true(op.outputs >= 1 && op.outputs <= out);
        assert_true(must <= op.inputs + op.outputs);
    }
}

static void registry_refusals(void **state)
{
    (void)state;
    dc_op_info op = {.struct_size = sizeof op};
    expect_error(dc_op_get(-1, &op), DC_E_ARGUMENT, "index is -1", NULL);
    expect_error(dc_op_get(dc_op_count(), &op), DC_E_ARGUMENT, "rows", NULL);
    expect_error(dc_op_get(0, NULL), DC_E_ARGUMENT, "info is NULL", NULL);
    expect_error(dc_op_find("rolling_mode", &op), DC_E_ARGUMENT, "\"rolling_mode\"", NULL);
    expect_error(dc_op_find(NULL, &op), DC_E_ARGUMENT, "name is NULL", NULL);
    op.struct_size = 0;
    expect_error(dc_op_find("rolling_mean", &op), DC_E_ARGUMENT, "struct_size is 0", NULL);
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    const dc_rolling_params init = DC_ROLLING_PARAMS_INIT;
    dc_op_info op = {.struct_size = sizeof op};
    expect_ok(dc_op_find("rolling_var", &op));
    for (int32_t i = 0; i < op.nparams; i++) {
        const dc_param_info *p = &op.params[i];
        const char *at = (const char *)&init + p->offset;
        int32_t narrow;
        int64_t wide;
        double real;
        memcpy(&narrow, at, sizeof narrow);
        if (p->type >= DC_PARAM_INT32 && p->required)
            continue;
        if (p->type == DC_PARAM_INT32 || p->type == DC_PARAM_CHOICE || p->type == DC_PARAM_BOOL)
            assert_int_equal(narrow, (int32_t)p->default_value);
        if (p->type == DC_PARAM_INT64) {
            memcpy(&wide, at, sizeof wide);
            assert_true(wide == (p->data_default ? DC_DEFAULT : (int64_t)p->default_value));
        }
        if (p->type == DC_PARAM_DOUBLE) {
            memcpy(&real, at, sizeof real);
            assert_true(real == p->default_value);
        }
    }
}

static void array_views(void **state)
{
    (void)state;
    const int64_t shape[] = {2, 3, 4}, huge[] = {INT64_C(1) << 40, INT64_C(1) << 40};
    static double x[24];
    const dc_array a = dc_array_host(x, DC_F64, 3, shape);
    assert_true(a.stride[0] == 12 && a.stride[1] == 4 && a.stride[2] == 1 && a.offset == 0);
    assert_int_equal(dc_array_elements(&a), 24);
    assert_ptr_equal(a.data, x);
    assert_int_equal(dc_dtype_bytes(DC_F32), 4);
    assert_int_equal(dc_dtype_bytes(DC_F64), 8);
    assert_int_equal(dc_dtype_bytes(0), 0);
    assert_int_equal(dc_dtype_bytes(-5), 0);
    const dc_array far = dc_array_host(x, DC_F64, 2, huge);
    assert_true(far.ndim == -1 || dc_array_elements(&far) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(error_text_belongs_to_its_thread),
        cmocka_unit_test(sizes_by_name),
        cmocka_unit_test(context_params),
        cmocka_unit_test(the_cpu_is_device_0),
        cmocka_unit_test(devices_that_are_not_there),
        cmocka_unit_test(older_structs_are_filled_as_far_as_they_go),
        cmocka_unit_test(a_module_that_is_not_there),
        cmocka_unit_test(registry),
        cmocka_unit_test(registry_refusals),
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(array_views),
    };
    return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}

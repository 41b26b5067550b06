/* Every row of the registry on a device whose OpenCL calls are made to fail one by one: a clean
 * error and outputs as they were, or the CPU's bits; the same queue works on the next try. */
#include "tests/api/api.h"

#include <dlfcn.h>

#include "tests/fault/layer.h"
#include "tests/harness/parity_case.h"
#include "tests/harness/parity_memory.h"

enum { OUT_OF_RESOURCES = -5, MOST_CALLS = 5000, REGION_BYTES = 1 << 20, SEED = 77, TRIES = 200 };

static dct_fault_arm_fn arm;
static dct_fault_hit_fn hit;

static struct {
    dct_region in[DCT_MAX_ARRAYS], out[DCT_MAX_ARRAYS];
    unsigned char want[DCT_MAX_ARRAYS][REGION_BYTES], got[REGION_BYTES];
} memory;

static size_t dense_bytes(const dc_array *array)
{
    return (size_t)dc_array_elements(array) * dc_dtype_bytes(array->dtype);
}

/* A tiny case of the row that puts something out everywhere. */
static int draw(dct_case *c, const dc_op_info *op, int32_t dtype)
{
    const dct_family *family;

    for (int64_t number = 0; number < TRIES; number++) {
        int empty = 0;

        dct_case_draw_op(c, &family, op, dtype, SEED, number, 2);
        for (int32_t i = 0; i < c->nout; i++)
            empty |= dc_array_elements(dct_case_out(c, c->params.bytes, i)) == 0;
        if (!empty && c->nout > 0)
            return 0;
    }
    return -1;
}

static void lay_out(dct_case *c)
{
    for (int32_t i = 0; i < c->nin; i++) {
        dc_array *array = dct_case_in(c, c->params.bytes, i);

        if (!memory.in[i].map)
            assert_int_equal(dct_region_new(&memory.in[i], REGION_BYTES), 0);
        assert_int_equal(dct_region_place(&memory.in[i], array, c->at_end, c->misaligned), 0);
        dct_fill(c, array, memory.in[i].element0);
    }
    for (int32_t i = 0; i < c->nout; i++) {
        dc_array *array = dct_case_out(c, c->params.bytes, i);

        if (!memory.out[i].map)
            assert_int_equal(dct_region_new(&memory.out[i], REGION_BYTES), 0);
        assert_int_equal(dct_region_place(&memory.out[i], array, c->at_end, 0), 0);
        assert_int_equal(dct_region_keep(&memory.out[i]), 0);
    }
}

/* Success means the CPU's bits, failure means outputs as they were. */
static dc_status run(dct_case *c, dc_queue *queue)
{
    for (int32_t i = 0; i < c->nout; i++)
        dct_region_restore(&memory.out[i]);
    const dc_status status = dct_case_call(c, queue, c->params.bytes, NULL);
    for (int32_t i = 0; i < c->nout; i++) {
        const dc_array *out = dct_case_out(c, c->params.bytes, i);

        if (status != DC_OK) {
            if (dct_region_changed(&memory.out[i]) >= 0)
                fail_msg("%s: a failed %s left output %d half-written", c->text, hit(), (int)i);
            continue;
        }
        dct_region_gather(&memory.out[i], out, memory.got, 0);
        if (memcmp(memory.got, memory.want[i], dense_bytes(out)) != 0)
            fail_msg("%s: success with other bits in output %d after a failed %s", c->text, (int)i,
                     hit());
    }
    return status;
}

static void says_why(const dct_case *c, dc_status status)
{
    const char *text = dc_last_error();

    if (status != DC_E_DEVICE && status != DC_E_MEMORY && status != DC_E_UNSUPPORTED)
        fail_msg("%s: a failed %s gave %s: %s", c->text, hit(), dc_status_name(status), text);
    if (!*text || strchr(text, '\n'))
        fail_msg("%s: a failed %s is explained by \"%s\"", c->text, hit(), text);
}

static int64_t sweep(dct_case *c, dc_queue *queue, int64_t step, int64_t *failed)
{
    int64_t swept = 0;

    expect_ok(run(c, queue));
    for (int64_t k = 1; k < MOST_CALLS; k += step) {
        arm(k, OUT_OF_RESOURCES, 0);
        const dc_status status = run(c, queue);
        if (status != DC_OK)
            says_why(c, status);
        *failed += status != DC_OK;
        const int over = !*hit();
        arm(0, 0, 0);
        (void)dc_queue_finish(queue);
        expect_ok(run(c, queue));
        if (over)
            return swept;
        swept++;
    }
    fail_msg("%s: the sweep has no end", c->text);
    return 0;
}

static void expect_of_cpu(dct_case *c, dc_queue *queue)
{
    expect_ok(dct_case_call(c, queue, c->params.bytes, NULL));
    for (int32_t i = 0; i < c->nout; i++)
        dct_region_gather(&memory.out[i], dct_case_out(c, c->params.bytes, i), memory.want[i], 1);
}

static void every_row(void **state)
{
    static dct_case c;
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_context *cpu = cpu_context(), *context = NULL;
    dc_queue *const host = open_queue(cpu, "cpu", DC_POLICY_CPU, 1);
    const char *text = getenv("DUALCUBE_TEST_FAULT_STEP");
    const int64_t step = text && atoi(text) > 0 ? atoi(text) : 1;
    int64_t swept = 0, failed = 0, rows = 0;

    (void)state;
    params.cache_dir = "";
    arm(0, 0, 0);
    expect_ok(dc_context_new(&params, &context));
    dc_queue *const queue = open_queue(context, "opencl", DC_POLICY_DEVICE_OR_FAIL, 1);
    for (int32_t i = 0; i < dc_op_count(); i++) {
        dc_op_info op = {.struct_size = sizeof op};
        int32_t dtype[DCT_MAX_DTYPES];

        expect_ok(dc_op_get(i, &op));
        if (strcmp(op.family, "rolling") == 0) /* tests/fault/fault.c */
            continue;
        /* Rows take turns with the dtypes: the host's paths are the same. */
        const int32_t n = dct_dtypes(&op, dtype);
        if (draw(&c, &op, dtype[i % n]) != 0)
            fail_msg("%s: no case with outputs", op.name);
        lay_out(&c);
        expect_of_cpu(&c, host);
        swept += sweep(&c, queue, step, &failed);
        rows++;
    }
    dc_queue_free(queue);
    dc_context_free(context);
    dc_queue_free(host);
    dc_context_free(cpu);
    printf("fault: %lld calls of %lld rows failed one by one, %lld of them made a call fail\n",
           (long long)swept, (long long)rows, (long long)failed);
    assert_true(swept * step >= 4 * rows && failed * step >= rows);
}

static int load(void **state)
{
    void *layer = dlopen(DCT_LAYER, RTLD_NOW | RTLD_LOCAL);

    (void)state;
    if (!layer) {
        print_error("%s\n", dlerror());
        return -1;
    }
    *(void **)&arm = dlsym(layer, "dct_fault_arm");
    *(void **)&hit = dlsym(layer, "dct_fault_hit");
    return arm && hit ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};

    setenv("OPENCL_LAYERS", DCT_LAYER, 1); /* before anything calls OpenCL */
    return cmocka_run_group_tests_name("fault_rows", tests, load, NULL);
}

/* Transforms too long for the kernels of windows, on a device whose OpenCL calls are made to fail
 * one by one while the library's plan is made and run: a clean error and an output as it was; the
 * same queue works on the next try; nothing is left. */
#include "tests/api/api.h"

#include <dlfcn.h>

#include "tests/fault/layer.h"
#include "tests/harness/random.h"

enum { OUT_OF_RESOURCES = -5, MOST_CALLS = 5000, SERIES = 2, LONGEST = 10007 };

static dct_fault_arm_fn arm;
static dct_fault_hit_fn hit;
static dct_fault_live_fn live;
static int64_t fault_step = 1;

/* A prime, whose plan has tables made on the device; an even length forth and an odd one back,
 * every few calls of them. */
static const struct {
    int32_t kind, dtype;
    int64_t n, step;
} calls[] = {
    {DC_SPECTRAL_RFFT, DC_F32, LONGEST, 2},
    {DC_SPECTRAL_RFFT, DC_F64, 4320, 5},
    {DC_SPECTRAL_IRFFT, DC_F32, 9375, 7},
};

enum { BYTES = SERIES * (LONGEST + 3) * sizeof(double) };
static unsigned char in[BYTES], out[BYTES], before[BYTES], want[BYTES];

static dc_spectral_params params_of(int which)
{
    const int64_t n = calls[which].n, bins = n / 2 + 1;
    const int inverse = calls[which].kind == DC_SPECTRAL_IRFFT;
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;
    const dc_array x =
        dc_array_host(inverse ? out : in, calls[which].dtype, 2, (int64_t[]){SERIES, n});
    const dc_array y =
        dc_array_host(inverse ? in : out, calls[which].dtype, 3, (int64_t[]){SERIES, bins, 2});

    p.kind = calls[which].kind;
    p.nfft = n;
    p.axis = 1;
    p.src = inverse ? y : x;
    p.dst = inverse ? x : y;
    return p;
}

static void fill(int32_t dtype)
{
    dct_rng rng = dct_stream(12, 0);

    for (size_t i = 0; i < BYTES / dc_dtype_bytes(dtype); ++i)
        if (dtype == DC_F32)
            ((float *)(void *)in)[i] = (float)dct_bell(&rng);
        else
            ((double *)(void *)in)[i] = dct_bell(&rng);
}

static dc_queue *new_queue(dc_context *context)
{
    return open_queue(context, "opencl", DC_POLICY_DEVICE_OR_FAIL, 1);
}

static double number(int32_t dtype, const unsigned char *from, int64_t i)
{
    return dtype == DC_F32 ? (double)((const float *)(const void *)from)[i]
                           : ((const double *)(const void *)from)[i];
}

/* Success means the CPU's numbers within the bound of long transforms, failure an untouched output.
 */
static dc_status run(int which, dc_queue *queue)
{
    const dc_spectral_params p = params_of(which);
    const int32_t dtype = calls[which].dtype;
    const double u = dtype == DC_F32 ? 0x1p-24 : 0x1p-53, n = (double)calls[which].n;
    const double size = calls[which].kind == DC_SPECTRAL_RFFT ? sqrt(n) : 1 / sqrt(n);
    dc_status status;

    memcpy(out, before, sizeof out);
    status = dc_spectral(queue, &p, NULL);
    if (status != DC_OK && memcmp(out, before, sizeof out) != 0)
        fail_msg("call %d: a failed %s left a half-written output", which, hit());
    for (int64_t i = 0; status == DC_OK && i < dc_array_elements(&p.dst); ++i)
        if (!(fabs(number(dtype, out, i) - number(dtype, want, i)) <=
              48 * u * sqrt(log2(n)) * size))
            fail_msg("call %d: result %lld is %g, must be %g, after a failed %s", which,
                     (long long)i, number(dtype, out, i), number(dtype, want, i), hit());
    return status;
}

static void says_why(dc_status status)
{
    const char *text = dc_last_error();

    if (status != DC_E_DEVICE && status != DC_E_MEMORY && status != DC_E_UNSUPPORTED)
        fail_msg("a failed %s gave %s: %s", hit(), dc_status_name(status), text);
    if (!*text || strchr(text, '\n'))
        fail_msg("a failed %s is explained by \"%s\"", hit(), text);
}

/* `slack`: of a prime's plan the library of transforms leaves things of its own when it fails. */
static void nothing_lives(const int64_t *least, int64_t slack)
{
    static const char *const name[] = {"contexts", "queues",  "buffers",
                                       "programs", "kernels", "events"};

    for (int32_t kind = 0; kind < DCT_LIVE_COUNT; ++kind)
        if (live(kind) < least[kind] || live(kind) > least[kind] + slack)
            fail_msg("%lld %s are alive", (long long)(live(kind) - least[kind]), name[kind]);
}

/* Every queue has plans of its own: the whole making of a plan is gone through. */
static int64_t sweep(int which, dc_context *context, int64_t *failed)
{
    for (int64_t k = 1 + which; k < MOST_CALLS; k += fault_step * calls[which].step) {
        dc_queue *queue = new_queue(context);
        char name[64];

        arm(k, OUT_OF_RESOURCES, 0);
        const dc_status status = run(which, queue);
        if (status != DC_OK)
            says_why(status);
        *failed += status != DC_OK;
        snprintf(name, sizeof name, "%s", hit());
        arm(0, 0, 0);
        (void)dc_queue_finish(queue);
        expect_ok(run(which, queue));
        dc_queue_free(queue);
        if (!*name)
            return k / fault_step / calls[which].step;
    }
    fail_msg("call %d: the sweep has no end", which);
    return 0;
}

static void every_call_of_a_plan(void **state)
{
    dc_context *cpu = cpu_context();
    dc_queue *const host = open_queue(cpu, "cpu", DC_POLICY_CPU, 1);
    int64_t swept = 0, failed = 0, least[DCT_LIVE_COUNT];

    (void)state;
    arm(0, 0, 0);
    for (int which = 0; which < (int)(sizeof calls / sizeof *calls); ++which) {
        const dc_spectral_params p = params_of(which);
        dc_context_params params = DC_CONTEXT_PARAMS_INIT;
        dc_context *context = NULL;

        for (int32_t kind = 0; kind < DCT_LIVE_COUNT; ++kind)
            least[kind] = live(kind);
        params.cache_dir = "";
        expect_ok(dc_context_new(&params, &context));
        dc_queue *queue = new_queue(context);
        fill(calls[which].dtype);
        expect_ok(dc_spectral(host, &p, NULL));
        memcpy(want, out, sizeof want);
        expect_ok(run(which, queue)); /* programs of the family are kept from now on */
        dc_queue_free(queue);
        swept += sweep(which, context, &failed);
        dc_context_free(context);
        nothing_lives(least, calls[which].n == LONGEST ? failed : 0);
    }
    dc_queue_free(host);
    dc_context_free(cpu);
    printf("fault: %lld calls of long transforms failed one by one, %lld of them made a call "
           "fail\n",
           (long long)swept, (long long)failed);
    assert_true(swept * fault_step >= 30 && failed * fault_step >= 20);
}

static int load(void **state)
{
    const char *step = getenv("DUALCUBE_TEST_FAULT_STEP");
    void *layer = dlopen(DCT_LAYER, RTLD_NOW | RTLD_LOCAL);

    (void)state;
    fault_step = step && atoi(step) > 0 ? atoi(step) : 1;
    if (!layer) {
        print_error("%s\n", dlerror());
        return -1;
    }
    *(void **)&arm = dlsym(layer, "dct_fault_arm");
    *(void **)&hit = dlsym(layer, "dct_fault_hit");
    *(void **)&live = dlsym(layer, "dct_fault_live");
    memset(before, 0xC3, sizeof before);
    return arm && hit && live ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_of_a_plan)};

    setenv("OPENCL_LAYERS", DCT_LAYER, 1); /* before anything calls OpenCL */
    return cmocka_run_group_tests_name("fault_long", tests, load, NULL);
}

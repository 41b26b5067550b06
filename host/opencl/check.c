/* The self-check: does this device, through this driver's compiler, compute what the contract
 * needs? Random bit patterns go through every operation there and here; a bit of `checks` is set
 * when all of its results agree (all NaNs are one).  Half of the floating-point inputs lie between
 * 2^-20 and 2^20, so that a device that flushes denormals is not blamed for anything else; the
 * other half is any pattern, rich in denormals. */
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/opencl.h"

enum { ITEMS = 4096, HALF = ITEMS / 2, GROUP = 64, FLOAT_TESTS = 6, INT_TESTS = 6, CELLS = 8 };
enum { T_MULTIPLY_ADD, T_FMA, T_DIVIDE, T_SQRT, T_MULTIPLY, T_SUBTRACT };

typedef struct battery {
    dc_cl_device *device;
    cl_program program;
    uint64_t random;
    size_t group; /* work-items per group of the last run */
    union {
        uint32_t u32[ITEMS];
        uint64_t u64[ITEMS];
    } in[3];
    union {
        uint32_t u32[FLOAT_TESTS * ITEMS];
        uint64_t u64[FLOAT_TESTS * ITEMS];
    } out;
} battery;

static uint64_t next_random(battery *b) /* splitmix64 */
{
    uint64_t z = b->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* One kernel over in[0..2] into out; `bytes` of each input, `out_bytes` of output, zeroed before.
 */
static cl_int execute(battery *b, cl_kernel kernel, cl_mem mem[4], size_t out_bytes, int is_local)
{
    const dc_cl_device *device = b->device;
    const size_t items = ITEMS;
    const cl_uint n = ITEMS;
    size_t most = 1;
    cl_int code = clGetKernelWorkGroupInfo(kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE,
                                           sizeof most, &most, NULL);
    b->group = GROUP;
    while (b->group > most && b->group > 1)
        b->group /= 2;
    for (cl_uint i = 0; i < 4 && code == CL_SUCCESS; ++i)
        code = clSetKernelArg(kernel, i, sizeof mem[i], &mem[i]);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 4, sizeof n, &n);
    if (code == CL_SUCCESS && is_local)
        code = clSetKernelArg(kernel, 5, b->group * sizeof(cl_uint), NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(device->utility, kernel, 1, NULL, &items, &b->group, 0, NULL,
                                      NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(device->utility, mem[3], CL_TRUE, 0, out_bytes, &b->out, 0, NULL,
                                   NULL);
    return code;
}

static dc_status run(battery *b, const char *name, size_t bytes, size_t out_bytes, int is_local)
{
    cl_mem mem[4] = {NULL, NULL, NULL, NULL};
    cl_int code = CL_SUCCESS;
    cl_kernel kernel = clCreateKernel(b->program, name, &code);
    memset(&b->out, 0, sizeof b->out);
    for (int i = 0; i < 4 && code == CL_SUCCESS; ++i)
        mem[i] = clCreateBuffer(
            b->device->cl, (i < 3 ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE) | CL_MEM_COPY_HOST_PTR,
            i < 3 ? bytes : out_bytes, i < 3 ? (void *)&b->in[i] : &b->out, &code);
    if (code == CL_SUCCESS)
        code = execute(b, kernel, mem, out_bytes, is_local);
    if (code != CL_SUCCESS)
        (void)clFinish(b->device->utility);
    for (int i = 0; i < 4; ++i)
        if (mem[i])
            clReleaseMemObject(mem[i]);
    if (kernel)
        clReleaseKernel(kernel);
    return code == CL_SUCCESS
               ? DC_OK
               : dc__fail(dc__cl_failed(name, code), "self-check of %s: %s -> %s (%d)",
                          b->device->info.id, name, dc__cl_name(code), (int)code);
}

static float f32_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double f64_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void fill_f32(battery *b)
{
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < ITEMS; ++i) {
            const uint64_t r = next_random(b);
            uint32_t bits = (uint32_t)r;
            if (i < HALF) /* exponent 107 ... 147: 2^-20 ... 2^20 */
                bits = (bits & 0x807fffffu) | (107u + (uint32_t)(r >> 32) % 41u) << 23;
            else if ((r >> 32) % 4 == 0) /* denormal, or the smallest normals */
                bits &= 0x81ffffffu;
            b->in[k].u32[i] = bits;
        }
}

static void fill_f64(battery *b)
{
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < ITEMS; ++i) {
            const uint64_t r = next_random(b);
            uint64_t bits = next_random(b);
            if (i < HALF)
                bits = (bits & 0x800fffffffffffffu) | (1003u + r % 41u) << 52;
            else if (r % 4 == 0)
                bits &= 0x803fffffffffffffu;
            b->in[k].u64[i] = bits;
        }
}

static float expect_f32(int test, float x, float y, float z)
{
    switch (test) {
    case T_MULTIPLY_ADD:
        return x * y + z;
    case T_FMA:
        return fmaf(x, y, z);
    case T_DIVIDE:
        return x / y;
    case T_SQRT:
        return sqrtf(fabsf(x));
    case T_MULTIPLY:
        return x * y;
    default:
        return x - z;
    }
}

static double expect_f64(int test, double x, double y, double z)
{
    switch (test) {
    case T_MULTIPLY_ADD:
        return x * y + z;
    case T_FMA:
        return fma(x, y, z);
    case T_DIVIDE:
        return x / y;
    case T_SQRT:
        return sqrt(fabs(x));
    case T_MULTIPLY:
        return x * y;
    default:
        return x - z;
    }
}

/* Do items begin ... end of a test agree? */
static int agree_f32(const battery *b, int test, int begin, int end)
{
    for (int i = begin; i < end; ++i) {
        const float want = expect_f32(test, f32_of(b->in[0].u32[i]), f32_of(b->in[1].u32[i]),
                                      f32_of(b->in[2].u32[i]));
        const float got = f32_of(b->out.u32[test * ITEMS + i]);
        if (memcmp(&want, &got, sizeof want) != 0 && !(isnan(want) && isnan(got)))
            return 0;
    }
    return 1;
}

static int agree_f64(const battery *b, int test)
{
    for (int i = 0; i < ITEMS; ++i) {
        const double want = expect_f64(test, f64_of(b->in[0].u64[i]), f64_of(b->in[1].u64[i]),
                                       f64_of(b->in[2].u64[i]));
        const double got = f64_of(b->out.u64[test * ITEMS + i]);
        if (memcmp(&want, &got, sizeof want) != 0 && !(isnan(want) && isnan(got)))
            return 0;
    }
    return 1;
}

static dc_status check_f32(battery *b, int32_t *checks)
{
    static const struct {
        int test;
        int32_t bit;
    } operations[] = {{T_MULTIPLY_ADD, DC_CHECK_CONTRACT_OFF},
                      {T_FMA, DC_CHECK_FMA},
                      {T_DIVIDE, DC_CHECK_DIVIDE},
                      {T_SQRT, DC_CHECK_SQRT}};
    fill_f32(b);
    DC_TRY(run(b, "check_f32", sizeof b->in[0].u32, sizeof b->out.u32, 0));
    const int denormals =
        agree_f32(b, T_MULTIPLY, HALF, ITEMS) && agree_f32(b, T_SUBTRACT, HALF, ITEMS);
    const int basic = agree_f32(b, T_MULTIPLY, 0, HALF) && agree_f32(b, T_SUBTRACT, 0, HALF);
    if (denormals && basic)
        *checks |= DC_CHECK_DENORM;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; ++i)
        if (basic && agree_f32(b, operations[i].test, 0, denormals ? ITEMS : HALF))
            *checks |= operations[i].bit;
    return DC_OK;
}

static dc_status check_f64(battery *b, int32_t *checks)
{
    int good = 1;
    if (!b->device->info.fp64)
        return DC_OK;
    fill_f64(b);
    DC_TRY(run(b, "check_f64", sizeof b->in[0].u64, sizeof b->out.u64, 0));
    for (int test = 0; test < FLOAT_TESTS; ++test)
        good = good && agree_f64(b, test);
    if (good)
        *checks |= DC_CHECK_FP64;
    return DC_OK;
}

static uint64_t multiply_high(uint64_t x, uint64_t y)
{
    const uint64_t x0 = (uint32_t)x, x1 = x >> 32, y0 = (uint32_t)y, y1 = y >> 32;
    const uint64_t low = x0 * y0, a = x1 * y0 + (low >> 32), b = x0 * y1 + (uint32_t)a;
    return x1 * y1 + (a >> 32) + (b >> 32);
}

static uint64_t expect_int64(int test, uint64_t x, uint64_t y, uint64_t z)
{
    switch (test) {
    case 0:
        return x * y + z;
    case 1:
        return multiply_high(x, y);
    case 2:
        return x / (y | 1);
    case 3:
        return (uint64_t)((int64_t)x % (int64_t)(y >> 17 | 1));
    case 4:
        return x >> (z & 63) ^ y << (z >> 8 & 63);
    default: /* an arithmetic shift, written without one */
        return (int64_t)x >= (int64_t)y ? (uint32_t)y : (int64_t)x < 0 ? ~(~x >> 5) : x >> 5;
    }
}

static void fill_u64(battery *b)
{
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < ITEMS; ++i)
            b->in[k].u64[i] = next_random(b) >> (i % 4 == 3 ? next_random(b) % 64 : 0);
}

static dc_status check_int64(battery *b, int32_t *checks)
{
    int good = 1;
    fill_u64(b);
    DC_TRY(run(b, "check_int64", sizeof b->in[0].u64, sizeof b->out.u64, 0));
    for (int test = 0; test < INT_TESTS; ++test)
        for (int i = 0; i < ITEMS; ++i)
            good =
                good && b->out.u64[test * ITEMS + i] ==
                            expect_int64(test, b->in[0].u64[i], b->in[1].u64[i], b->in[2].u64[i]);
    if (good)
        *checks |= DC_CHECK_INT64;
    return DC_OK;
}

static dc_status check_atomic64(battery *b, int32_t *checks)
{
    uint64_t sum[CELLS] = {0};
    int good = 1;
    const int has = dc__cl_has_extension(b->device->id, "cl_khr_int64_base_atomics");
    DC_REQUIRE(has >= 0, DC_E_DEVICE, "self-check of %s: clGetDeviceInfo failed",
               b->device->info.id);
    if (!has)
        return DC_OK;
    fill_u64(b);
    DC_TRY(run(b, "check_atomic64", sizeof b->in[0].u64, sizeof b->out.u64, 0));
    for (int i = 0; i < ITEMS; ++i) {
        sum[i % CELLS] += b->in[0].u64[i];
        good = good && b->out.u64[CELLS + i] == b->in[1].u64[i] + b->in[2].u64[i];
    }
    if (good && memcmp(sum, b->out.u64, sizeof sum) == 0)
        *checks |= DC_CHECK_ATOMIC64;
    return DC_OK;
}

/* What the tree of a group's values at `first` must give. */
static uint32_t expect_tree(const battery *b, size_t first)
{
    uint32_t value[GROUP];
    memcpy(value, &b->in[0].u32[first], b->group * sizeof *value);
    for (size_t half = b->group / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; ++i)
            value[i] = value[i] * 3 + value[i + half];
    return value[0];
}

static dc_status check_barrier(battery *b, int32_t *checks)
{
    int good = 1;
    fill_f32(b);
    DC_TRY(run(b, "check_barrier", sizeof b->in[0].u32, sizeof b->out.u32, 1));
    for (size_t first = 0; first < ITEMS; first += b->group) {
        const uint32_t tree = expect_tree(b, first);
        for (size_t i = 0; i < b->group; ++i) {
            const size_t at = first + i;
            good = good && b->out.u32[at] == b->in[0].u32[first + b->group - 1 - i] &&
                   b->out.u32[ITEMS + at] == tree + b->in[1].u32[at] - b->in[2].u32[at];
        }
    }
    if (good && b->group > 1)
        *checks |= DC_CHECK_BARRIER;
    return DC_OK;
}

static dc_status run_battery(battery *b, int32_t *checks)
{
    char options[DC_CL_OPTIONS_BYTES];
    cl_int code = CL_SUCCESS;
    dc__cl_base_options(b->device, options);
    b->program =
        clCreateProgramWithSource(b->device->cl, dc__cl_check_sources,
                                  (const char **)(uintptr_t)dc__cl_check_source, NULL, &code);
    DC_CL_TRY("clCreateProgramWithSource", code);
    DC_TRY(dc__cl_build(b->device, b->program, options, "self-check"));
    DC_TRY(check_f32(b, checks));
    DC_TRY(check_f64(b, checks));
    DC_TRY(check_int64(b, checks));
    DC_TRY(check_atomic64(b, checks));
    return check_barrier(b, checks);
}

static dc_status check_once(dc_cl_device *device)
{
    int32_t checks = DC_CHECK_RAN;
    fenv_t caller;
    battery *b = calloc(1, sizeof *b);
    DC_REQUIRE(b != NULL, DC_E_MEMORY, "self-check of %s: out of host memory", device->info.id);
    b->device = device;
    b->random = 20250101;
    fegetenv(&caller); /* the host may flush denormals or round elsewhere */
    fesetenv(FE_DFL_ENV);
    const dc_status status = run_battery(b, &checks);
    fesetenv(&caller);
    if (b->program)
        clReleaseProgram(b->program);
    free(b);
    DC_TRY(status);
    const int32_t needed =
        DC_CHECK_CONTRACT_OFF | DC_CHECK_FMA | DC_CHECK_DENORM | DC_CHECK_BARRIER | DC_CHECK_INT64;
    device->info.checks = checks;
    device->info.exact =
        (checks & needed) == needed && (!device->info.fp64 || (checks & DC_CHECK_FP64));
    device->checked = 1;
    return DC_OK;
}

dc_status dc__cl_check(dc_cl_device *device)
{
    dc_status status = DC_OK;
    pthread_mutex_lock(&device->check_mutex);
    if (!device->checked)
        status = check_once(device);
    pthread_mutex_unlock(&device->check_mutex);
    return status;
}

dc_status dc__cl_check_require(const dc_cl_device *device, int32_t dtype)
{
    static const struct {
        int32_t bit;
        const char *text;
    } needs[] = {{DC_CHECK_CONTRACT_OFF, "a*b+c is computed in one rounding, not in two"},
                 {DC_CHECK_INT64, "64-bit integers are wrong"},
                 {DC_CHECK_BARRIER, "barriers or local memory do not work"}};
    const int32_t checks = device->info.checks;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; ++i)
        DC_REQUIRE(checks & needs[i].bit, DC_E_UNSUPPORTED, "%s fails its self-check: %s",
                   device->info.id, needs[i].text);
    DC_REQUIRE(dtype != DC_F64 || (checks & DC_CHECK_FP64), DC_E_UNSUPPORTED,
               "%s fails its self-check: float64 arithmetic is not correctly rounded",
               device->info.id);
    return DC_OK;
}

#include "tests/core/opencl/family.h"

#include <math.h>
#include <string.h>

typedef struct clt_args {
    dc_i64 columns, src_stride[2], dst_stride[2];
    dc_f64 factor64;
    float factor32;
    dc_i32 pad;
} clt_args;

static const unsigned char source[] =
    "#pragma OPENCL FP_CONTRACT OFF\n"
    "#ifdef DC_FP64\n"
    "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"
    "typedef double dc_f64;\n"
    "#else\n"
    "typedef ulong dc_f64;\n"
    "#endif\n"
    "#define CAT_(a, b) a##_##b\n"
    "#define CAT(a, b) CAT_(a, b)\n"
    "typedef struct { long columns, src[2], dst[2]; dc_f64 k_f64; float k_f32; int pad; } args;\n"
    "typedef struct { long p[4]; } launch;\n"
    "__kernel void CAT(clt_axpy, SFX)(__global const T *x, long xat, __global T *y, long yat,\n"
    "                                 __global const T *weight, args a, launch l)\n"
    "{\n"
    "    const long i = get_global_id(0);\n"
    "    if (i >= l.p[0])\n"
    "        return;\n"
    "    const long r = i / a.columns, c = i % a.columns;\n"
    "    y[yat + r * a.dst[0] + c * a.dst[1]] =\n"
    "        x[xat + r * a.src[0] + c * a.src[1]] * a.CAT(k, SFX) + weight[c];\n"
    "}\n";

static double weight_of(int64_t column)
{
    return (double)(column % 17) / 7;
}

double clt_expected(int32_t dtype, double x, double factor, int64_t column)
{
    if (dtype == DC_F64)
        return x * factor + weight_of(column);
    return (float)x * (float)factor + (float)weight_of(column);
}

static dc_status clt_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const clt_params *p = params;
    const int64_t rows = p->src.shape[0], columns = p->src.shape[1];
    clt_args args = {columns,
                     {p->src.stride[0], p->src.stride[1]},
                     {p->dst.stride[0], p->dst.stride[1]},
                     p->factor,
                     (float)p->factor,
                     0};
    int32_t slots[3];
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    DC_REQUIRE(p->src.ndim == 2 && p->dst.ndim == 2 && p->src.dtype == p->dst.dtype &&
                   p->dst.shape[0] == rows && p->dst.shape[1] == columns,
               DC_E_ARGUMENT, "%s: src and dst are two matrices of one shape and dtype", op->name);
    if (rows * columns == 0)
        return DC_OK;
    const size_t size = dc_dtype_bytes(p->src.dtype);
    char *weight = dc__arena_alloc(plan->arena, (size_t)columns * size);
    DC_REQUIRE(weight, DC_E_MEMORY, "%s: no memory", op->name);
    for (int64_t c = 0; c < columns; ++c) {
        const double w = weight_of(c);
        const float narrow = (float)w;
        memcpy(weight + (size_t)c * size, size == 4 ? (const void *)&narrow : &w, size);
    }
    slots[0] = dc__plan_input(plan, &p->src);
    slots[1] = dc__plan_output(plan, &p->dst);
    slots[2] = dc__plan_table(plan, weight, columns * (int64_t)size);
    for (int32_t i = 0; i < p->steps; ++i) {
        dc_step *step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slots, 1, 1, 1, &args,
                                      sizeof args);
        if (!step)
            return DC_E_MEMORY;
        step->space[0] = rows;
        step->space[1] = columns;
    }
    plan->bytes = 2.0 * (double)(rows * columns) * (double)size;
    return DC_OK;
}

static void mirror_plan(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    (void)args;
    (void)machine;
    tiling->tiles = 0; /* computes nothing: a test sees by its output that a call fell back */
}

static void mirror_run(void *const *operand, const void *args, const dc_tiling *tiling, dc_i64 tile,
                       void *scratch)
{
    (void)operand;
    (void)args;
    (void)tiling;
    (void)tile;
    (void)scratch;
}

static const dc_mirror *clt_mirror(const dc_op *op, int32_t dtype, int32_t isa)
{
    static const dc_mirror mirror = {mirror_plan, mirror_run};
    (void)op;
    (void)dtype;
    (void)isa;
    return &mirror;
}

enum { BOTH = 1 << DC_F32 | 1 << DC_F64, OPS = 2 };
static const dc_family family;
static const dc_op ops[OPS] = {
    {CLT_AXPY, 0, "clt_axpy", &family, 1, 1, BOTH, DC_CLASS_EXACT, DC_CLASS_EXACT, "a kernel"},
    {CLT_MISSING, 1, "clt_missing", &family, 1, 1, BOTH, DC_CLASS_EXACT, DC_CLASS_EXACT,
     "its kernel is not in the program"},
};
static const clt_params params_init = CLT_PARAMS_INIT;
static const dc_family family = {
    .name = "clt",
    .call = "clt",
    .source = source,
    .ops = ops,
    .nops = OPS,
    .params_bytes = sizeof(clt_params),
    .params_init = &params_init,
    .plan = clt_plan,
    .mirror = clt_mirror,
};

const dc_family *clt_family(void)
{
    return &family;
}

/* Random numbers: what the caller may ask, and the plan that answers it. */
#include "dualcube/random.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/random.h"

extern const unsigned char dc__cl_random[];

/* As the dtype has it. */
static double rounded(const dc_random_params *p, double x)
{
    return p->dst.dtype == DC_F32 ? (double)(float)x : x;
}

static const char *dtype_name(const dc_random_params *p)
{
    return p->dst.dtype == DC_F32 ? "float32" : "float64";
}

static dc_status check_finite(const dc_op *op, const dc_random_params *p, const char *name,
                              double x)
{
    DC_REQUIRE(isfinite(rounded(p, x)), DC_E_ARGUMENT, "%s: %s is %g, must be finite in %s",
               op->name, name, x, dtype_name(p));
    return DC_OK;
}

static dc_status check_uniform(const dc_op *op, const dc_random_params *p)
{
    DC_TRY(check_finite(op, p, "low", p->low));
    DC_TRY(check_finite(op, p, "high", p->high));
    DC_REQUIRE(p->low <= p->high, DC_E_ARGUMENT, "%s: low is %g, must be at most high, which is %g",
               op->name, p->low, p->high);
    return check_finite(op, p, "high - low", rounded(p, p->high) - rounded(p, p->low));
}

static dc_status check_normal(const dc_op *op, const dc_random_params *p)
{
    DC_TRY(check_finite(op, p, "mean", p->mean));
    DC_TRY(check_finite(op, p, "std", p->std));
    DC_REQUIRE(p->std >= 0, DC_E_ARGUMENT, "%s: std is %g, must be at least 0", op->name, p->std);
    /* No result, and nothing on the way to one, is infinite. */
    return check_finite(op, p, "|mean| + 16 std", fabs(p->mean) + 16 * p->std);
}

static dc_status check(const dc_op *op, const dc_random_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    DC_REQUIRE(p->offset >= 0, DC_E_ARGUMENT, "%s: offset is %lld, must be at least 0", op->name,
               (long long)p->offset);
    DC_REQUIRE(p->offset <= INT64_MAX - dc_array_elements(&p->dst), DC_E_ARGUMENT,
               "%s: offset is %lld, with the elements of dst (%lld) it must be at most 2^63 - 1",
               op->name, (long long)p->offset, (long long)dc_array_elements(&p->dst));
    return op->kind == DC_RANDOM_UNIFORM ? check_uniform(op, p) : check_normal(op, p);
}

/* Leave out axes of one element, merge axes that lie end to end. */
static void merge_axes(const dc_array *dst, dc_random_args *a)
{
    for (int32_t d = 0; d < dst->ndim; ++d) {
        const int64_t n = dst->shape[d];
        const int32_t m = a->ndim - 1;

        if (n == 1)
            continue;
        if (m >= 0 && a->stride[m] == dst->stride[d] * n)
            a->shape[m] *= n;
        else
            a->shape[a->ndim++] = n;
        a->stride[a->ndim - 1] = dst->stride[d];
    }
    if (a->ndim == 0) {
        a->shape[0] = a->stride[0] = 1;
        a->ndim = 1;
    }
}

/* The largest value below a finite x: the next one among the bits. */
static float below_f32(float x)
{
    const uint32_t bits = dc_bits_of_float(x);

    return dc_float_of_bits(x > 0 ? bits - 1 : x < 0 ? bits + 1 : 0x80000001u);
}

static double below_f64(double x)
{
    const uint64_t bits = dc_bits_of_double(x);

    return dc_double_of_bits(x > 0 ? bits - 1 : x < 0 ? bits + 1 : 0x8000000000000001u);
}

static void set_scale(const dc_op *op, const dc_random_params *p, dc_random_args *a)
{
    const int narrow = p->dst.dtype == DC_F32;

    if (op->kind == DC_RANDOM_NORMAL) {
        a->add64 = p->mean;
        a->scale64 = p->std;
    } else {
        const double low = rounded(p, p->low), high = rounded(p, p->high);

        a->add64 = low;
        a->scale64 = rounded(p, high - low);
        a->top64 = low == high ? low : narrow ? (double)below_f32((float)high) : below_f64(high);
    }
    a->add32 = (float)a->add64;
    a->scale32 = (float)a->scale64;
    a->top32 = (float)a->top64;
}

static dc_status random_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_random_params *p = params;
    const int normal = op->kind == DC_RANDOM_NORMAL;
    const int64_t values = p->dst.dtype == DC_F32 ? DC_RANDOM_VALUES_F32 : DC_RANDOM_VALUES_F64;
    dc_random_args a;
    int32_t slot;
    dc_step *step;

    DC_TRY(check(op, p));
    memset(&a, 0, sizeof a);
    a.count = dc_array_elements(&p->dst);
    if (a.count == 0)
        return DC_OK;
    a.offset = p->offset;
    a.seed = p->seed;
    a.kind = op->kind;
    a.dtype = p->dst.dtype;
    merge_axes(&p->dst, &a);
    set_scale(op, p, &a);
    slot = dc__plan_output(plan, &p->dst);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->dst.dtype, &slot, 0, 1, 0, &a, sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = (a.offset + a.count - 1) / values - a.offset / values + 1; /* blocks */
    plan->bytes = (double)a.count * (double)dc_dtype_bytes(p->dst.dtype);
    /* 100 integer operations for a block; polynomials, roots and their like */
    plan->flops = (double)a.count * (100.0 / (double)values + (normal ? 30.0 : 3.0));
    /* As the vector units make them. */
    plan->cpu_ns = (double)a.count * (normal ? 0.65 : 0.4) * (p->dst.dtype == DC_F32 ? 1.0 : 3.0);
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_random_params, field)
static const dc_param_info random_params[] = {
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, 1 to 8 axes, float32 or float64."},
    {"seed", DC_PARAM_INT64, AT(seed), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Names the sequence; its 64 bits are taken without a sign."},
    {"offset", DC_PARAM_INT64, AT(offset), 0, 0, 0, 0, INFINITY, NULL,
     "Place of the first element in the sequence."},
    {"low", DC_PARAM_DOUBLE, AT(low), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Lowest value (uniform), finite."},
    {"high", DC_PARAM_DOUBLE, AT(high), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "Above every value (uniform), finite, at least low."},
    {"mean", DC_PARAM_DOUBLE, AT(mean), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Mean (normal), finite."},
    {"std", DC_PARAM_DOUBLE, AT(std), 1, 0, 0, 0, INFINITY, NULL,
     "Standard deviation (normal), finite."},
};
#undef AT

static const dc_random_params random_init = DC_RANDOM_PARAMS_INIT;

const dc_family dc__random_family = {
    .name = "random",
    .call = "dc_random",
    .source = dc__cl_random,
    .params = random_params,
    .nparams = sizeof random_params / sizeof *random_params,
    .params_bytes = sizeof(dc_random_params),
    .params_init = &random_init,
    .plan = random_plan,
};

dc_status dc_random(dc_queue *queue, const dc_random_params *params, dc_event **done)
{
    dc_random_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__random_family, &whole, params));
    op = dc__op_of_kind(&dc__random_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT,
               "dc_random: kind is %d, must be %d (DC_RANDOM_UNIFORM) or %d (DC_RANDOM_NORMAL)",
               (int)whole.kind, DC_RANDOM_UNIFORM, DC_RANDOM_NORMAL);
    return dc__run(queue, op, &whole, done);
}

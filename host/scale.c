/* Scaling: what the caller may ask, and the plan that answers it. */
#include "dualcube/scale.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/scale.h"

extern const unsigned char dc__cl_scale[];

/* Dtypes of codes. */
enum {
    CODES = (1 << DC_I8) | (1 << DC_U8) | (1 << DC_I16) | (1 << DC_U16) | (1 << DC_F16),
    LEAST_BLOCK = 1024, /* rows that one work-item fills, at least ... */
    MOST_BLOCKS = 64    /* ... and at most so many of a series: each looks around itself */
};

static int fills_along(int32_t kind)
{
    return kind == DC_SCALE_FORWARD || kind == DC_SCALE_BACKWARD || kind == DC_SCALE_LINEAR;
}

/* Numbers that the kind reads, bits 1 << DC_SCALE_A ... */
static int32_t numbers_of(const dc_scale_params *p, int32_t kind)
{
    const int32_t one = 1 << DC_SCALE_A, two = one | 1 << DC_SCALE_B;

    switch (kind) {
    case DC_SCALE_APPLY:
    case DC_SCALE_INVERSE:
    case DC_SCALE_CLIP:
    case DC_SCALE_QUANTIZE:
    case DC_SCALE_DEQUANTIZE:
    case DC_SCALE_COUNT:
        return two;
    case DC_SCALE_FILL:
        return p->inf == DC_SCALE_INF_CLIP ? two | 1 << DC_SCALE_C : one;
    case DC_SCALE_POWER:
        return one;
    default:
        return 0;
    }
}

/* The dtype computed in: that of the real array. */
static int32_t computing(const dc_scale_params *p, int32_t kind)
{
    return kind == DC_SCALE_DEQUANTIZE ? p->dst.dtype : p->src.dtype;
}

static dc_status check_choice(const dc_op *op, const char *name, int32_t value, int32_t last)
{
    DC_REQUIRE(value >= 0 && value <= last, DC_E_ARGUMENT, "%s: %s is %d, must be 0 ... %d",
               op->name, name, (int)value, (int)last);
    return DC_OK;
}

static dc_status check_scalars(const dc_op *op, const dc_scale_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    if (op->kind == DC_SCALE_APPLY || op->kind == DC_SCALE_INVERSE)
        DC_REQUIRE(p->low <= p->high, DC_E_ARGUMENT,
                   "%s: low is %g, must be at most high, which is %g", op->name, p->low, p->high);
    if (op->kind == DC_SCALE_CLIP)
        DC_TRY(check_choice(op, "outside", p->outside, DC_SCALE_OUTSIDE_MASK));
    if (op->kind == DC_SCALE_FILL)
        DC_TRY(check_choice(op, "inf", p->inf, DC_SCALE_INF_CLIP));
    if (op->kind == DC_SCALE_POWER)
        DC_TRY(check_choice(op, "function", p->function, DC_SCALE_YEO_JOHNSON));
    if (op->kind == DC_SCALE_COUNT) {
        DC_TRY(check_choice(op, "count_what", p->count_what, DC_SCALE_COUNT_SATURATED));
        DC_REQUIRE(p->count_what != DC_SCALE_COUNT_SATURATED ||
                       (p->format > 0 && p->format < 31 && (CODES & (1 << p->format))),
                   DC_E_ARGUMENT, "%s: format is %d (%s), must be %d, %d, %d, %d or %d", op->name,
                   (int)p->format, dc_dtype_name(p->format), DC_U8, DC_U16, DC_I8, DC_I16, DC_F16);
    }
    if (!fills_along(op->kind))
        return DC_OK;
    DC_TRY(check_choice(op, "inf", p->inf, DC_SCALE_INF_MISSING));
    DC_REQUIRE(p->limit == DC_DEFAULT || p->limit >= 0, DC_E_ARGUMENT,
               "%s: limit is %lld, must be at least 0", op->name, (long long)p->limit);
    DC_REQUIRE(p->axis >= -p->src.ndim && p->axis < p->src.ndim, DC_E_ARGUMENT,
               "%s: axis is %d, must be %d ... %d", op->name, (int)p->axis, (int)-p->src.ndim,
               (int)(p->src.ndim - 1));
    return DC_OK;
}

/* a, b or c: of the dtype computed in, every axis from the last of src's length or 1. */
static dc_status check_number(const dc_op *op, const dc_scale_params *p, const dc_array *number,
                              const char *name)
{
    const int32_t dtype = computing(p, op->kind), lead = p->src.ndim - number->ndim;

    if (number->ndim == 0)
        return DC_OK;
    DC_TRY(dc__array_check_dtype(op, number, name, 1 << dtype));
    DC_REQUIRE(lead >= 0, DC_E_ARGUMENT, "%s: %s has %d axes, must have at most the %d of src",
               op->name, name, (int)number->ndim, (int)p->src.ndim);
    for (int32_t d = 0; d < number->ndim; ++d)
        DC_REQUIRE(number->shape[d] == 1 || number->shape[d] == p->src.shape[lead + d],
                   DC_E_ARGUMENT, "%s: %s.shape[%d] is %lld, must be 1 or %lld as src.shape[%d]",
                   op->name, name, (int)d, (long long)number->shape[d],
                   (long long)p->src.shape[lead + d], (int)(lead + d));
    return dc__array_no_overlap(op, &p->dst, "dst", number, name);
}

static dc_status check_dst(const dc_op *op, const dc_scale_params *p)
{
    const int counts = op->kind == DC_SCALE_COUNT;
    const int32_t mask = counts                            ? 1 << DC_I64
                         : op->kind == DC_SCALE_QUANTIZE   ? CODES
                         : op->kind == DC_SCALE_DEQUANTIZE ? DC_MASK_REAL
                                                           : 1 << p->src.dtype;

    DC_REQUIRE(p->dst.ndim == p->src.ndim, DC_E_ARGUMENT,
               "%s: dst has %d axes, must have %d as src", op->name, (int)p->dst.ndim,
               (int)p->src.ndim);
    for (int32_t d = 0; d < p->src.ndim; ++d)
        DC_REQUIRE(p->dst.shape[d] == p->src.shape[d] || (counts && p->dst.shape[d] == 1),
                   DC_E_ARGUMENT, "%s: dst.shape[%d] is %lld, must be %lld as src%s", op->name,
                   (int)d, (long long)p->dst.shape[d], (long long)p->src.shape[d],
                   counts ? ", or 1" : "");
    DC_TRY(dc__array_check_output_dtype(op, &p->dst, "dst", mask));
    return dc__array_no_overlap(op, &p->dst, "dst", &p->src, "src");
}

static dc_status check(const dc_op *op, const dc_scale_params *p)
{
    const int32_t numbers = numbers_of(p, op->kind);

    DC_TRY(dc__array_check_dtype(op, &p->src, "src",
                                 op->kind == DC_SCALE_DEQUANTIZE ? CODES : DC_MASK_REAL));
    DC_TRY(check_scalars(op, p));
    DC_TRY(check_dst(op, p));
    if (numbers & 1 << DC_SCALE_A)
        DC_TRY(check_number(op, p, &p->a, "a"));
    if (numbers & 1 << DC_SCALE_B)
        DC_TRY(check_number(op, p, &p->b, "b"));
    if (numbers & 1 << DC_SCALE_C)
        DC_TRY(check_number(op, p, &p->c, "c"));
    return DC_OK;
}

/* One axis of all operands. */
typedef struct scale_axis {
    int64_t shape, stride[DC_SCALE_OPERANDS];
} scale_axis;

static scale_axis axis_of(const dc_scale_params *p, int32_t numbers, int32_t d)
{
    const dc_array *const array[] = {&p->src, &p->a, &p->b, &p->c, &p->dst};
    scale_axis axis = {.shape = p->src.shape[d]};

    for (int32_t k = 0; k < DC_SCALE_OPERANDS; ++k) {
        const int32_t at = d - (p->src.ndim - array[k]->ndim);
        const int number = k >= DC_SCALE_A && k <= DC_SCALE_C;

        if (number && (!(numbers & 1 << k) || at < 0 || array[k]->shape[at] == 1))
            continue;
        axis.stride[k] = p->dst.shape[d] == 1 && k == DC_SCALE_Y ? 0 : array[k]->stride[at];
    }
    return axis;
}

/* The axes of `list`, the largest strides first, those that lie end to end in every operand as one;
 * into the args from place `first` on.  How many there are. */
static int32_t put_axes(scale_axis *list, int32_t n, dc_scale_args *a, int32_t first)
{
    int32_t m = first - 1;

    for (int32_t i = 1; i < n; ++i) {
        const scale_axis axis = list[i];
        const int64_t reach = llabs(axis.stride[DC_SCALE_Y]) + llabs(axis.stride[DC_SCALE_X]);
        int32_t k = i;

        for (;
             k > 0 &&
             llabs(list[k - 1].stride[DC_SCALE_Y]) + llabs(list[k - 1].stride[DC_SCALE_X]) < reach;
             --k)
            list[k] = list[k - 1];
        list[k] = axis;
    }
    for (int32_t i = 0; i < n; ++i) {
        int whole = m >= first;

        for (int32_t k = 0; whole && k < DC_SCALE_OPERANDS; ++k)
            whole = a->stride[k][m] == list[i].stride[k] * list[i].shape;
        m += !whole;
        a->shape[m] = whole ? a->shape[m] * list[i].shape : list[i].shape;
        for (int32_t k = 0; k < DC_SCALE_OPERANDS; ++k)
            a->stride[k][m] = list[i].stride[k];
    }
    return m + 1 - first;
}

/* Views of all operands: see kernels/shared/scale.h. */
static void set_views(const dc_op *op, const dc_scale_params *p, int32_t numbers, dc_scale_args *a)
{
    const int32_t rows =
        fills_along(op->kind) ? (p->axis < 0 ? p->axis + p->src.ndim : p->axis) : -1;
    scale_axis outer[DC_MAX_NDIM], inner[DC_MAX_NDIM];
    int32_t nouter = 0, ninner = 0;

    a->count = 1;
    for (int32_t d = 0; d < p->src.ndim; ++d) {
        if (d == rows || p->src.shape[d] == 1)
            continue;
        if (op->kind == DC_SCALE_COUNT && p->dst.shape[d] == 1) {
            inner[ninner++] = axis_of(p, numbers, d);
            continue;
        }
        outer[nouter++] = axis_of(p, numbers, d);
        a->count *= p->src.shape[d];
    }
    a->ndim = put_axes(outer, nouter, a, 0);
    if (a->ndim == 0) {
        a->shape[0] = 1;
        a->ndim = 1;
    }
    a->values = 1;
    for (int32_t d = 0; d < ninner; ++d)
        a->values *= inner[d].shape;
    a->reduced = put_axes(inner, ninner, a, a->ndim);
    if (rows < 0)
        return;
    a->rows = p->src.shape[rows];
    a->block = (a->rows + MOST_BLOCKS - 1) / MOST_BLOCKS;
    a->block = a->block > LEAST_BLOCK ? a->block : LEAST_BLOCK;
    a->blocks = (a->rows + a->block - 1) / a->block;
    a->row_stride[DC_SCALE_X] = p->src.stride[rows];
    a->row_stride[DC_SCALE_Y] = p->dst.stride[rows];
    if (op->kind != DC_SCALE_BACKWARD)
        return;
    for (int32_t k = DC_SCALE_X; k <= DC_SCALE_Y; k += DC_SCALE_Y - DC_SCALE_X) {
        a->first[k] = (a->rows - 1) * a->row_stride[k];
        a->row_stride[k] = -a->row_stride[k];
    }
}

static void set_range(int32_t format, dc_scale_args *a)
{
    a->format = format;
    a->least = format == DC_I8 ? INT8_MIN : format == DC_I16 ? INT16_MIN : 0;
    a->most = format == DC_I8    ? INT8_MAX
              : format == DC_U8  ? UINT8_MAX
              : format == DC_I16 ? INT16_MAX
                                 : UINT16_MAX;
}

static void set_numbers(const dc_op *op, const dc_scale_params *p, int32_t numbers,
                        dc_scale_args *a)
{
    const dc_array *const array[] = {&p->a, &p->b, &p->c};
    const double value[] = {p->a_value, p->b_value, p->c_value};

    for (int32_t k = 0; k < 3; ++k) {
        if (!(numbers & 1 << (DC_SCALE_A + k)) || array[k]->ndim == 0)
            a->absent |= 1 << (DC_SCALE_A + k);
        a->value64[k] = value[k];
    }
    /* Adding this leaves -0 what it is. */
    if (op->kind == DC_SCALE_INVERSE && p->a_value == 0)
        a->value64[0] = -0.0;
    a->low64 = p->low;
    a->high64 = p->high;
    for (int32_t k = 0; k < 3; ++k)
        a->value32[k] = (float)a->value64[k];
    a->low32 = (float)p->low;
    a->high32 = (float)p->high;
}

/* Arithmetic of a value on one CPU thread besides its memory, nanoseconds. */
static double cpu_ns_each(int32_t kind, int32_t dtype)
{
    switch (kind) {
    case DC_SCALE_POWER:
        return 40.0;
    case DC_SCALE_FORWARD:
    case DC_SCALE_BACKWARD:
    case DC_SCALE_LINEAR:
        return 2.0;
    case DC_SCALE_QUANTIZE:
    case DC_SCALE_DEQUANTIZE:
        return 1.5;
    case DC_SCALE_COUNT:
        return 1.0;
    default:
        return dtype == DC_F32 ? 0.3 : 0.6;
    }
}

static dc_status scale_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_scale_params *p = params;
    const int32_t numbers = numbers_of(p, op->kind);
    const dc_array *const array[] = {&p->a, &p->b, &p->c};
    dc_scale_args a;
    int32_t slot[DC_SCALE_OPERANDS];
    double values;
    dc_step *step;

    DC_TRY(check(op, p));
    if (dc_array_elements(&p->dst) == 0)
        return DC_OK;
    memset(&a, 0, sizeof a);
    a.kind = op->kind;
    a.outside = p->outside;
    a.inf = p->inf;
    a.ends = p->ends != 0;
    a.function = p->function;
    a.inverse = p->inverse != 0;
    a.count_what = p->count_what;
    a.limit = p->limit == DC_DEFAULT ? INT64_MAX : p->limit;
    set_range(op->kind == DC_SCALE_QUANTIZE     ? p->dst.dtype
              : op->kind == DC_SCALE_DEQUANTIZE ? p->src.dtype
                                                : p->format,
              &a);
    set_views(op, p, numbers, &a);
    set_numbers(op, p, numbers, &a);
    slot[DC_SCALE_X] = dc__plan_input(plan, &p->src);
    for (int32_t k = 0; k < 3; ++k)
        slot[DC_SCALE_A + k] =
            a.absent & 1 << (DC_SCALE_A + k) ? slot[DC_SCALE_X] : dc__plan_input(plan, array[k]);
    slot[DC_SCALE_Y] = dc__plan_output(plan, &p->dst);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, computing(p, op->kind), slot, 4, 1, 0, &a,
                         sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.count;
    if (fills_along(op->kind))
        step->space[1] = a.blocks;
    values = (double)dc_array_elements(&p->src);
    plan->bytes = values * (double)dc_dtype_bytes(p->src.dtype) +
                  (double)dc_array_elements(&p->dst) * (double)dc_dtype_bytes(p->dst.dtype);
    plan->flops = values * (op->kind == DC_SCALE_POWER ? 100.0 : 2.0);
    plan->cpu_ns = values * cpu_ns_each(op->kind, step->dtype) + 2000.0;
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_scale_params, field)
#define NUMBER(name, text)                                                                         \
    {                                                                                              \
#name, DC_PARAM_ARRAY_IN, AT(name), 0, 0, 0, -INFINITY, INFINITY, NULL, text               \
    }
static const dc_param_info scale_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, 1 to 8 axes; NaN is missing."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, shape of src (counts: an axis of 1 is summed over)."},
    NUMBER(a, "Centre, low bound, filling value, lambda or zero point, stretched over src."),
    NUMBER(b, "Scale, high bound or low bound, stretched over src."),
    NUMBER(c, "High bound (fill), stretched over src."),
    {"a_value", DC_PARAM_DOUBLE, AT(a_value), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "The number that stands for a where there is no array."},
    {"b_value", DC_PARAM_DOUBLE, AT(b_value), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "The number that stands for b where there is no array."},
    {"c_value", DC_PARAM_DOUBLE, AT(c_value), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "The number that stands for c where there is no array."},
    {"low", DC_PARAM_DOUBLE, AT(low), -INFINITY, 0, 0, -INFINITY, INFINITY, NULL,
     "Results of apply and inverse are held above it."},
    {"high", DC_PARAM_DOUBLE, AT(high), INFINITY, 0, 0, -INFINITY, INFINITY, NULL,
     "Results of apply and inverse are held below it."},
    {"limit", DC_PARAM_INT64, AT(limit), 0, 0, 1, 0, INFINITY, NULL,
     "Rows from a valid value that are filled along the axis; default: all."},
    {"axis", DC_PARAM_INT32, AT(axis), 0, 0, 0, -DC_MAX_NDIM, DC_MAX_NDIM - 1, NULL,
     "Axis along which is filled; negative counts from the last."},
    {"ends", DC_PARAM_BOOL, AT(ends), 1, 0, 0, 0, 1, NULL,
     "Linear filling goes on before the first and after the last valid value."},
    {"outside", DC_PARAM_CHOICE, AT(outside), DC_SCALE_OUTSIDE_CLIP, 0, 0, 0, DC_SCALE_OUTSIDE_MASK,
     "clip mask", "What becomes of values outside the bounds."},
    {"inf", DC_PARAM_CHOICE, AT(inf), DC_SCALE_INF_VALUE, 0, 0, 0, DC_SCALE_INF_CLIP,
     "value missing clip", "What an infinity is to the filling operations."},
    {"function", DC_PARAM_CHOICE, AT(function), DC_SCALE_YEO_JOHNSON, 0, 0, 0, DC_SCALE_YEO_JOHNSON,
     "log1p sqrt box_cox yeo_johnson", "Function of power."},
    {"inverse", DC_PARAM_BOOL, AT(inverse), 0, 0, 0, 0, 1, NULL, "Apply the inverse function."},
    {"count_what", DC_PARAM_CHOICE, AT(count_what), DC_SCALE_COUNT_OUTSIDE, 0, 0, 0,
     DC_SCALE_COUNT_SATURATED, "outside missing saturated", "What is counted."},
    {"format", DC_PARAM_INT32, AT(format), DC_I8, 0, 0, 0, 31, NULL,
     "Dtype of the codes whose range the count of saturated values is about."},
};
#undef NUMBER
#undef AT

static const dc_scale_params scale_init = DC_SCALE_PARAMS_INIT;

const dc_family dc__scale_family = {
    .name = "scale",
    .call = "dc_scale",
    .source = dc__cl_scale,
    .params = scale_params,
    .nparams = sizeof scale_params / sizeof *scale_params,
    .params_bytes = sizeof(dc_scale_params),
    .params_init = &scale_init,
    .plan = scale_plan,
};

dc_status dc_scale(dc_queue *queue, const dc_scale_params *params, dc_event **done)
{
    dc_scale_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__scale_family, &whole, params));
    op = dc__op_of_kind(&dc__scale_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_scale: kind is %d, must be %d ... %d (DC_SCALE_*)",
               (int)whole.kind, DC_SCALE_APPLY, DC_SCALE_COUNT);
    return dc__run(queue, op, &whole, done);
}

/* Cubes rearranged: what the caller may ask, and the plan that answers it. */
#include "dualcube/transform.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "host/transform_samples.h"
#include "host/transform_steps.h"

extern const unsigned char dc__cl_transform[];

static dc_status plan_copy(transform_call *c)
{
    const dc_transform_params *p = c->p;
    int32_t axes[DC_MAX_NDIM];
    dc_axes a = {0};
    dc_array src;

    DC_TRY(check_input(c->op, &p->src, "src"));
    DC_TRY(read_axes(c->op, p, p->src.ndim, axes));
    src = permuted(&p->src, p->src.ndim, axes);
    DC_TRY(check_output(c->op, &p->dst, "dst", src.dtype, src.ndim, src.shape));
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->src, "src"));
    DC_TRY(open_outputs(c));
    if (c->total == 0)
        return DC_OK;
    dc__axes_view(&a, &p->dst);
    dc__axes_view(&a, &src);
    settle(&a);
    return add_move(c, dc__plan_input(c->plan, &p->src), c->dst, &a);
}

static dc_status plan_roll(transform_call *c)
{
    const dc_transform_params *p = c->p;
    dc_axes a = {0};

    DC_TRY(check_input(c->op, &p->src, "src"));
    DC_TRY(check_output(c->op, &p->dst, "dst", p->src.dtype, p->src.ndim, p->src.shape));
    DC_REQUIRE(p->shift.count == 0 || (p->shift.count == p->src.ndim && p->shift.at), DC_E_ARGUMENT,
               "%s: shift has %lld entries, must have %d", c->op->name, (long long)p->shift.count,
               (int)p->src.ndim);
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->src, "src"));
    DC_TRY(open_outputs(c));
    if (c->total == 0)
        return DC_OK;
    dc__axes_view(&a, &p->dst);
    dc__axes_view(&a, &p->src);
    for (int32_t d = 0; d < p->shift.count; ++d) {
        const int64_t turn = p->shift.at[d] % a.shape[d];
        a.turn[d] = turn < 0 ? turn + a.shape[d] : turn;
    }
    settle(&a);
    return add_move(c, dc__plan_input(c->plan, &p->src), c->dst, &a);
}

/* What a lagged or differenced axis has: `count` places of dst from `to` on look at places of src
 * from `from` on; the others from `gap` on look at none. */
typedef struct lag_cut {
    int32_t axis;
    int64_t to, from, count, gap, gap_count;
} lag_cut;

static dc_status begin_lag(transform_call *c, lag_cut *cut)
{
    const dc_transform_params *p = c->p;
    int64_t n, lag;

    DC_TRY(check_input(c->op, &p->src, "src"));
    DC_TRY(check_output(c->op, &p->dst, "dst", p->src.dtype, p->src.ndim, p->src.shape));
    DC_TRY(check_axis(c->op, p->axis, p->src.ndim, &cut->axis));
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->src, "src"));
    DC_TRY(open_outputs(c));
    n = p->src.shape[cut->axis];
    lag = p->periods > n ? n : p->periods < -n ? -n : p->periods;
    cut->to = lag > 0 ? lag : 0;
    cut->from = lag > 0 ? 0 : -lag;
    cut->gap_count = lag > 0 ? lag : -lag;
    cut->count = n - cut->gap_count;
    cut->gap = lag > 0 ? 0 : cut->count;
    return DC_OK;
}

static dc_status read_fill(const dc_op *op, const dc_transform_params *p, uint64_t *bits)
{
    *bits = p->fill;
    if (p->has_fill)
        return DC_OK;
    *bits = p->src.dtype == DC_F32   ? 0x7fc00000u
            : p->src.dtype == DC_F64 ? 0x7ff8000000000000u
                                     : 0x7e00u;
    DC_REQUIRE(p->src.dtype == DC_F32 || p->src.dtype == DC_F64 || p->src.dtype == DC_F16,
               DC_E_ARGUMENT, "%s: fill must be given for dtype %s, which has no NaN", op->name,
               dc_dtype_name(p->src.dtype));
    return DC_OK;
}

static dc_status plan_lag(transform_call *c)
{
    const dc_transform_params *p = c->p;
    uint64_t bits;
    lag_cut cut;
    dc_axes a = {0};
    dc_array view;

    DC_TRY(begin_lag(c, &cut));
    DC_TRY(read_fill(c->op, p, &bits));
    if (c->total && cut.gap_count)
        DC_TRY(add_fill(c, cut.axis, cut.gap, cut.gap_count, bits));
    if (c->total == 0 || cut.count == 0)
        return DC_OK;
    view = p->dst;
    view.shape[cut.axis] = cut.count;
    dc__axes_view(&a, &view);
    dc__axes_view(&a, &p->src);
    a.first[DST] = cut.to * p->dst.stride[cut.axis];
    a.first[SRC] = cut.from * p->src.stride[cut.axis];
    settle(&a);
    return add_move(c, dc__plan_input(c->plan, &p->src), c->dst, &a);
}

static dc_status plan_diff(transform_call *c)
{
    const dc_transform_params *p = c->p;
    dc_transform_diff_args args;
    lag_cut cut;
    dc_axes a = {0};
    dc_array view;
    int32_t slots[2];

    DC_TRY(begin_lag(c, &cut));
    if (c->total && cut.gap_count)
        DC_TRY(add_fill(c, cut.axis, cut.gap, cut.gap_count,
                        p->src.dtype == DC_F32 ? 0x7fc00000u : 0x7ff8000000000000u));
    if (c->total == 0 || cut.count == 0)
        return DC_OK;
    view = p->dst;
    view.shape[cut.axis] = cut.count;
    dc__axes_view(&a, &view);
    dc__axes_view(&a, &p->src);
    dc__axes_view(&a, &p->src);
    a.first[DST] = cut.to * p->dst.stride[cut.axis];
    a.first[SRC] = cut.to * p->src.stride[cut.axis];
    a.first[THIRD] = cut.from * p->src.stride[cut.axis];
    settle(&a);
    memset(&args, 0, sizeof args);
    args.map = map_of(c, &a);
    memcpy(args.older, a.stride[THIRD], sizeof args.older);
    args.older_first = a.first[THIRD];
    slots[0] = dc__plan_input(c->plan, &p->src);
    slots[1] = c->dst;
    return add_step(c, c->op, p->dst.dtype, slots, 1, 1, &args, sizeof args);
}

typedef struct index_args {
    int64_t stride, count, limit; /* limit: places along the axis */
} index_args;

static dc_status check_index(void *const *operand, const void *args)
{
    const index_args *a = args;

    for (int64_t i = 0; i < a->count; ++i) {
        int64_t place;

        memcpy(&place, (const char *)operand[0] + i * a->stride * (int64_t)sizeof place,
               sizeof place);
        DC_REQUIRE(place >= 0 && place < a->limit, DC_E_ARGUMENT,
                   "transform_gather: index[%lld] is %lld, must be 0 ... %lld", (long long)i,
                   (long long)place, (long long)a->limit - 1);
    }
    return DC_OK;
}

static dc_status plan_gather(transform_call *c)
{
    const dc_transform_params *p = c->p;
    index_args check = {p->index.stride[0], p->index.shape[0], 0};
    dc_transform_gather_args args;
    dc_axes a = {0};
    dc_array src = p->src, index = p->index;
    int32_t axis = 0, slots[3];
    dc_step *step;

    DC_TRY(check_input(c->op, &p->src, "src"));
    DC_TRY(dc__array_check_dtype(c->op, &p->index, "index", 1 << DC_I64));
    DC_REQUIRE(p->index.ndim == 1, DC_E_ARGUMENT, "%s: index has %d axes, must have 1", c->op->name,
               (int)p->index.ndim);
    DC_TRY(check_axis(c->op, p->axis, p->src.ndim, &axis));
    src.shape[axis] = p->index.shape[0];
    DC_TRY(check_output(c->op, &p->dst, "dst", src.dtype, src.ndim, src.shape));
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->src, "src"));
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->index, "index"));
    DC_TRY(open_outputs(c));
    if (c->total == 0)
        return DC_OK;
    memset(index.stride, 0, sizeof index.stride);
    index.stride[axis] = p->index.stride[0];
    src.stride[axis] = 0;
    dc__axes_view(&a, &p->dst);
    dc__axes_view(&a, &src);
    dc__axes_view(&a, &index);
    settle(&a);
    memset(&args, 0, sizeof args);
    args.map = map_of(c, &a);
    memcpy(args.index, a.stride[THIRD], sizeof args.index);
    args.index_first = a.first[THIRD];
    args.step = p->src.stride[axis];
    slots[0] = dc__plan_input(c->plan, &p->src);
    slots[1] = dc__plan_input(c->plan, &p->index);
    slots[2] = c->dst;
    check.limit = p->src.shape[axis];
    step = dc__plan_step(c->plan, DC_STEP_HOST, c->op, dc__move_dtype(p->dst.dtype), slots + 1, 1,
                         0, 0, &check, sizeof check);
    if (!step)
        return DC_E_MEMORY;
    step->u.host = check_index;
    return add_step(c, c->op, dc__move_dtype(p->dst.dtype), slots, 2, 1, &args, sizeof args);
}

static dc_status plan_affine(transform_call *c)
{
    static const char *const name[] = {"scale", "offset", "low", "high"};
    const dc_transform_params *p = c->p;
    const dc_array *by[DC_AFFINE_COEFFICIENTS] = {&p->scale, &p->offset, &p->low, &p->high};
    dc_transform_affine_args args;
    dc_axes a = {0};
    int32_t axis = 0, slots[2 + DC_AFFINE_COEFFICIENTS];

    DC_TRY(check_input(c->op, &p->src, "src"));
    DC_TRY(check_output(c->op, &p->dst, "dst", p->src.dtype, p->src.ndim, p->src.shape));
    DC_TRY(check_axis(c->op, p->axis, p->src.ndim, &axis));
    DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->src, "src"));
    DC_TRY(open_outputs(c));
    memset(&args, 0, sizeof args);
    dc__axes_view(&a, &p->dst);
    dc__axes_view(&a, &p->src);
    slots[0] = dc__plan_input(c->plan, &p->src);
    for (int32_t k = 0; k < DC_AFFINE_COEFFICIENTS; ++k) {
        dc_array view = *by[k];

        slots[1 + k] = slots[0];
        args.has[k] = by[k]->ndim != 0;
        memset(view.stride, 0, sizeof view.stride);
        if (args.has[k]) {
            DC_TRY(check_input(c->op, by[k], name[k]));
            DC_TRY(check_same(c->op, by[k], name[k], p->src.dtype, "src"));
            DC_REQUIRE(by[k]->ndim == 1 &&
                           (by[k]->shape[0] == 1 || by[k]->shape[0] == p->src.shape[axis]),
                       DC_E_ARGUMENT,
                       "%s: %s has %d axes and %lld elements, must have 1 axis and 1 or %lld",
                       c->op->name, name[k], (int)by[k]->ndim, (long long)by[k]->shape[0],
                       (long long)p->src.shape[axis]);
            DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", by[k], name[k]));
            view.stride[axis] = by[k]->shape[0] == 1 ? 0 : by[k]->stride[0];
            slots[1 + k] = dc__plan_input(c->plan, by[k]);
        }
        dc__axes_view(&a, &view);
    }
    if (c->total == 0)
        return DC_OK;
    slots[1 + DC_AFFINE_COEFFICIENTS] = c->dst;
    settle(&a);
    args.map = map_of(c, &a);
    memcpy(args.by, a.stride + THIRD, sizeof args.by);
    memcpy(args.by_first, a.first + THIRD, sizeof args.by_first);
    c->plan->flops = 4.0 * (double)c->total;
    return add_step(c, c->op, p->dst.dtype, slots, 1 + DC_AFFINE_COEFFICIENTS, 1, &args,
                    sizeof args);
}

static dc_status transform_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    static dc_status (*const plans[])(transform_call *) = {
        [DC_TRANSFORM_COPY] = plan_copy,
        [DC_TRANSFORM_STACK] = plan_stack,
        [DC_TRANSFORM_CONCATENATE] = plan_concatenate,
        [DC_TRANSFORM_ROLL] = plan_roll,
        [DC_TRANSFORM_LAG] = plan_lag,
        [DC_TRANSFORM_GATHER] = plan_gather,
        [DC_TRANSFORM_DIFF] = plan_diff,
        [DC_TRANSFORM_AFFINE] = plan_affine,
        [DC_TRANSFORM_BATCH] = plan_stack,
    };
    const dc_transform_params *p = params;
    transform_call c = {op, p, plan, -1, -1, 0};
    const double size = (double)dc_dtype_bytes(p->dst.dtype);

    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(plans[op->kind](&c));
    plan->bytes = (c.targets != c.dst ? 3.0 : 2.0) * (double)c.total * size;
    if (c.targets != c.dst && p->noise_std > 0) { /* as random_normal, and the moves */
        plan->flops = (double)c.total * 56.0;
        plan->cpu_ns = (double)c.total * (0.65 + 0.2 * size);
    }
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_transform_params, field)
#define ARRAY(name, type, required, help)                                                          \
    {                                                                                              \
#name, type, AT(name), 0, required, 0, -INFINITY, INFINITY, NULL, help                     \
    }
static const dc_param_info transform_params[] = {
    ARRAY(src, DC_PARAM_ARRAY_IN, 0, "Input of 1 to 8 axes; not of stack, concatenate, batch."),
    ARRAY(dst, DC_PARAM_ARRAY_OUT, 1, "Output."),
    ARRAY(index, DC_PARAM_ARRAY_IN, 0, "Places along the axis, int64 (gather)."),
    ARRAY(scale, DC_PARAM_ARRAY_IN, 0, "Factors, one or one for each place of the axis (affine)."),
    ARRAY(offset, DC_PARAM_ARRAY_IN, 0, "Summands, as scale (affine)."),
    ARRAY(low, DC_PARAM_ARRAY_IN, 0, "Lower limits, as scale (affine)."),
    ARRAY(high, DC_PARAM_ARRAY_IN, 0, "Upper limits, as scale (affine)."),
    ARRAY(samples, DC_PARAM_ARRAYS_IN, 0, "Inputs (stack, concatenate, batch)."),
    ARRAY(targets, DC_PARAM_ARRAY_OUT, 0, "Output with noise (batch)."),
    ARRAY(axes, DC_PARAM_INT64S, 0, "Axis of the input for each axis of dst (copy, stack, batch)."),
    ARRAY(shift, DC_PARAM_INT64S, 0, "Places by which each axis is turned (roll)."),
    {"axis", DC_PARAM_INT32, AT(axis), 0, 0, 0, -DC_MAX_NDIM, DC_MAX_NDIM - 1, NULL,
     "Axis of concatenate, lag, gather, diff, affine; negative counts from the last."},
    {"has_fill", DC_PARAM_BOOL, AT(has_fill), 0, 0, 0, 0, 1, NULL, "Fill is given (lag)."},
    {"fill", DC_PARAM_INT64, AT(fill), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Bits of what falls in (lag)."},
    {"periods", DC_PARAM_INT64, AT(periods), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "Places to look back (lag, diff)."},
    {"noise_std", DC_PARAM_DOUBLE, AT(noise_std), 0.005, 0, 0, 0, INFINITY, NULL,
     "Standard deviation of the noise (batch)."},
    {"seed", DC_PARAM_INT64, AT(seed), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Names the noise; its 64 bits are taken without a sign (batch)."},
    {"place", DC_PARAM_INT64, AT(place), 0, 0, 0, 0, INFINITY, NULL,
     "Place of the first element in the noise (batch)."},
};
#undef AT
#undef ARRAY

static const dc_transform_params transform_init = DC_TRANSFORM_PARAMS_INIT;

const dc_family dc__transform_family = {
    .name = "transform",
    .call = "dc_transform",
    .source = dc__cl_transform,
    .params = transform_params,
    .nparams = sizeof transform_params / sizeof *transform_params,
    .params_bytes = sizeof(dc_transform_params),
    .params_init = &transform_init,
    .plan = transform_plan,
};

dc_status dc_transform(dc_queue *queue, const dc_transform_params *params, dc_event **done)
{
    dc_transform_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__transform_family, &whole, params));
    op = dc__op_of_kind(&dc__transform_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_transform: kind is %d, must be 0 ... %d (DC_TRANSFORM_*)",
               (int)whole.kind, DC_TRANSFORM_BATCH);
    return dc__run(queue, op, &whole, done);
}

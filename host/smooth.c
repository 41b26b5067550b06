/* Smoothing and standardising: what the caller may ask, and the plan that answers it. */
#include "dualcube/smooth.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/elementary.h"
#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/smooth.h"

extern const unsigned char dc__cl_smooth[];

enum { WINDOW_MOST = 1 << DC_SMOOTH_WINDOW_LOG, RADIUS_MOST = WINDOW_MOST / 2 };

/* ---- what may be asked --------------------------------------------------------------------- */

static dc_status check_gaussian(const dc_op *op, const dc_smooth_params *p)
{
    DC_REQUIRE(isfinite(p->sigma) && p->sigma > 0, DC_E_ARGUMENT,
               "%s: sigma is %g, must be finite and above 0", op->name, p->sigma);
    DC_REQUIRE(isfinite(p->truncate) && p->truncate >= 0, DC_E_ARGUMENT,
               "%s: truncate is %g, must be finite and at least 0", op->name, p->truncate);
    DC_REQUIRE(p->truncate * p->sigma + 0.5 < RADIUS_MOST, DC_E_ARGUMENT,
               "%s: truncate * sigma is %g, must be below %d", op->name, p->truncate * p->sigma,
               RADIUS_MOST);
    return DC_OK;
}

static dc_status check_scalars(const dc_op *op, const dc_smooth_params *p)
{
    const int filter = op->kind == DC_SMOOTH_MOVING || op->kind == DC_SMOOTH_GAUSSIAN;

    if (op->kind == DC_SMOOTH_MEAN)
        DC_REQUIRE(p->blend >= 0 && p->blend <= 1, DC_E_ARGUMENT, "%s: blend is %g, must be 0 to 1",
                   op->name, p->blend);
    if (op->kind == DC_SMOOTH_MOVING)
        DC_REQUIRE(p->window >= 1 && p->window <= WINDOW_MOST, DC_E_ARGUMENT,
                   "%s: window is %lld, must be 1 to %d", op->name, (long long)p->window,
                   WINDOW_MOST);
    if (op->kind == DC_SMOOTH_GAUSSIAN)
        DC_TRY(check_gaussian(op, p));
    if (filter)
        DC_REQUIRE(p->edges >= DC_EDGES_REFLECT && p->edges <= DC_EDGES_WRAP, DC_E_ARGUMENT,
                   "%s: edges is %d, must be 0 to %d", op->name, (int)p->edges, DC_EDGES_WRAP);
    else
        DC_REQUIRE(p->omit_nan == 0 || p->omit_nan == 1, DC_E_ARGUMENT,
                   "%s: omit_nan is %d, must be 0 or 1", op->name, (int)p->omit_nan);
    if (op->kind == DC_SMOOTH_STANDARDIZE)
        DC_REQUIRE(p->ddof >= 0, DC_E_ARGUMENT, "%s: ddof is %d, must be at least 0", op->name,
                   (int)p->ddof);
    return DC_OK;
}

static dc_status check_axes(const dc_op *op, const dc_smooth_params *p)
{
    const int32_t ndim = p->src.ndim;

    DC_REQUIRE(p->axis >= -ndim && p->axis < ndim, DC_E_ARGUMENT,
               "%s: axis is %d, must be %d to %d for %d axes", op->name, (int)p->axis, (int)-ndim,
               (int)ndim - 1, (int)ndim);
    if (op->kind == DC_SMOOTH_STANDARDIZE || op->kind == DC_SMOOTH_MINMAX)
        DC_REQUIRE(p->axes >= 0 && p->axes < 1 << ndim, DC_E_ARGUMENT,
                   "%s: axes is %d, must be 0 to %d (a bit for each of %d axes)", op->name,
                   (int)p->axes, (1 << ndim) - 1, (int)ndim);
    return DC_OK;
}

static dc_status check(const dc_op *op, const dc_smooth_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(check_scalars(op, p));
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(check_axes(op, p));
    DC_REQUIRE(p->dst.dtype == p->src.dtype, DC_E_ARGUMENT,
               "%s: dst has dtype %d, must be %d (%s) as src", op->name, (int)p->dst.dtype,
               (int)p->src.dtype, p->src.dtype == DC_F32 ? "float32" : "float64");
    DC_REQUIRE(p->dst.ndim == p->src.ndim, DC_E_ARGUMENT,
               "%s: dst has %d axes, must have %d as src", op->name, (int)p->dst.ndim,
               (int)p->src.ndim);
    for (int32_t d = 0; d < p->src.ndim; ++d)
        DC_REQUIRE(p->dst.shape[d] == p->src.shape[d], DC_E_ARGUMENT,
                   "%s: dst.shape[%d] is %lld, must be %lld as src", op->name, (int)d,
                   (long long)p->dst.shape[d], (long long)p->src.shape[d]);
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    return dc__array_no_overlap(op, &p->dst, "dst", &p->src, "src");
}

/* ---- the axes ------------------------------------------------------------------------------ */

typedef struct axis_of {
    int64_t n, src, dst;
} axis_of;

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Merge neighbours that lie end to end in both arrays; the number of axes that stay. */
static int32_t merge(axis_of *axis, int32_t count)
{
    int32_t kept = 0;

    for (int32_t d = 0; d < count; ++d) {
        axis_of *const last = &axis[kept > 0 ? kept - 1 : 0];

        if (kept > 0 && last->src == axis[d].src * axis[d].n &&
            last->dst == axis[d].dst * axis[d].n) {
            last->n *= axis[d].n;
            last->src = axis[d].src;
            last->dst = axis[d].dst;
        } else {
            axis[kept++] = axis[d];
        }
    }
    if (kept == 0)
        axis[kept++] = (axis_of){1, 1, 1};
    return kept;
}

/* Groups may come in any order: the output's own is the best. */
static void sort(axis_of *axis, int32_t count)
{
    for (int32_t d = 1; d < count; ++d) {
        const axis_of it = axis[d];
        int32_t at = d;

        for (; at > 0 && magnitude(axis[at - 1].dst) < magnitude(it.dst); --at)
            axis[at] = axis[at - 1];
        axis[at] = it;
    }
}

static void set_axes(const dc_smooth_params *p, int32_t mask, dc_smooth_args *a)
{
    axis_of inside[DC_MAX_NDIM], outside[DC_MAX_NDIM];
    int32_t nin = 0, nout = 0;

    for (int32_t d = 0; d < p->src.ndim; ++d) {
        const axis_of it = {p->src.shape[d], p->src.stride[d], p->dst.stride[d]};

        if (it.n == 1)
            continue;
        if (mask >> d & 1)
            inside[nin++] = it;
        else
            outside[nout++] = it;
    }
    sort(outside, nout);
    a->group_axes = merge(inside, nin);
    a->naxes = merge(outside, nout);
    a->n = a->groups = 1;
    for (int32_t d = 0; d < a->group_axes; ++d) {
        a->n *= a->group_shape[d] = inside[d].n;
        a->group_src[d] = inside[d].src;
        a->group_dst[d] = inside[d].dst;
    }
    for (int32_t d = 0; d < a->naxes; ++d) {
        a->groups *= a->shape[d] = outside[d].n;
        a->src_stride[d] = outside[d].src;
        a->dst_stride[d] = outside[d].dst;
    }
}

/* ---- the weights --------------------------------------------------------------------------- */

/* Weight k of k = 0 ... radius; the smallest are added first. */
static int32_t weights(const dc_smooth_params *p, int64_t radius, dc_plan *plan)
{
    const size_t size = dc_dtype_bytes(p->src.dtype);
    double *const w = dc__arena_alloc(plan->arena, (size_t)(radius + 1) * sizeof *w);
    void *const table = dc__arena_alloc(plan->arena, (size_t)(radius + 1) * size);
    double sum = 0;

    if (!w || !table) {
        dc__fail(DC_E_MEMORY, "%s: no memory for the weights", plan->op->name);
        return -1;
    }
    for (int64_t k = radius; k >= 0; --k) {
        const double z = (double)k / p->sigma;

        w[k] = dc__exp(-0.5 * (z * z));
        sum = k > 0 ? sum + w[k] : 2 * sum + w[k];
    }
    for (int64_t k = 0; k <= radius; ++k)
        if (p->src.dtype == DC_F32)
            ((float *)table)[k] = (float)(w[k] / sum);
        else
            ((double *)table)[k] = w[k] / sum;
    return dc__plan_table(plan, table, (radius + 1) * (int64_t)size);
}

/* ---- the plan ------------------------------------------------------------------------------ */

static void set_scalars(const dc_op *op, const dc_smooth_params *p, int64_t radius,
                        dc_smooth_args *a)
{
    a->kind = op->kind;
    a->edges = p->edges;
    a->omit_nan = p->omit_nan;
    a->ddof = p->ddof;
    a->window = op->kind == DC_SMOOTH_GAUSSIAN ? 2 * radius + 1 : p->window;
    a->left = a->window / 2;
    a->blend64 = p->blend;
    a->keep64 = 1 - p->blend;
    a->value64 = p->value;
    a->blend32 = (float)p->blend;
    a->keep32 = 1 - a->blend32;
    a->value32 = (float)p->value;
}

/* Vector operations for a value, and passes over it in a cache. */
static void set_cost(const dc_op *op, const dc_smooth_args *a, int32_t dtype, dc_plan *plan)
{
    static const double flops[] = {3, 4, 0, 7, 4};
    const double values = (double)a->n * (double)a->groups, size = (double)dc_dtype_bytes(dtype);
    double each = flops[op->kind];

    if (op->kind == DC_SMOOTH_GAUSSIAN)
        each = 1.5 * (double)a->window;
    else if (op->kind == DC_SMOOTH_MOVING)
        for (int64_t w = a->window; w > 1; w /= 2)
            each += 1;
    plan->bytes = 2 * values * size;
    plan->flops = each * values;
    plan->cpu_ns = values * size * (0.1 + 0.004 * each);
}

static dc_status smooth_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_smooth_params *p = params;
    const int gaussian = op->kind == DC_SMOOTH_GAUSSIAN;
    int32_t slot[3] = {0}, mask = 0;
    int64_t radius = 0;
    dc_smooth_args a;
    dc_step *step;

    DC_TRY(check(op, p));
    if (dc_array_elements(&p->src) == 0)
        return DC_OK;
    memset(&a, 0, sizeof a);
    if (op->kind == DC_SMOOTH_STANDARDIZE || op->kind == DC_SMOOTH_MINMAX)
        mask = p->axes;
    if (mask == 0)
        mask = 1 << (p->axis < 0 ? p->axis + p->src.ndim : p->axis);
    if (gaussian)
        radius = (int64_t)floor(p->truncate * p->sigma + 0.5);
    set_axes(p, mask, &a);
    set_scalars(op, p, radius, &a);
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    if (gaussian)
        slot[2] = weights(p, radius, plan);
    step =
        dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, gaussian, &a, sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.groups;
    step->space[1] = a.n;
    set_cost(op, &a, p->src.dtype, plan);
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_smooth_params, field)
static const dc_param_info smooth_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, 1 to 8 axes, float32 or float64."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, dtype and shape of src."},
    {"axis", DC_PARAM_INT32, AT(axis), -1, 0, 0, -DC_MAX_NDIM, DC_MAX_NDIM - 1, NULL,
     "Axis to smooth along."},
    {"axes", DC_PARAM_INT32, AT(axes), 0, 0, 0, 0, (1 << DC_MAX_NDIM) - 1, NULL,
     "Axes to standardise over, bit d for axis d; 0: axis."},
    {"blend", DC_PARAM_DOUBLE, AT(blend), 0.1, 0, 0, 0, 1, NULL, "Share of the mean."},
    {"window", DC_PARAM_INT64, AT(window), 5, 0, 0, 1, WINDOW_MOST, NULL,
     "Taps of the moving average."},
    {"sigma", DC_PARAM_DOUBLE, AT(sigma), 1, 0, 0, 0, INFINITY, NULL,
     "Standard deviation of the Gaussian in elements, above 0."},
    {"truncate", DC_PARAM_DOUBLE, AT(truncate), 4, 0, 0, 0, INFINITY, NULL,
     "The Gaussian ends at so many standard deviations."},
    {"edges", DC_PARAM_CHOICE, AT(edges), 0, 0, 0, -INFINITY, INFINITY,
     "reflect nearest constant wrap", "What lies beyond the ends of a line."},
    {"omit_nan", DC_PARAM_BOOL, AT(omit_nan), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "NaN is left out of means and extremes."},
    {"value", DC_PARAM_DOUBLE, AT(value), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "What lies beyond constant edges."},
    {"ddof", DC_PARAM_INT32, AT(ddof), 0, 0, 0, 0, INFINITY, NULL,
     "The divisor of the variance is n - ddof."},
};
#undef AT

static const dc_smooth_params smooth_init = DC_SMOOTH_PARAMS_INIT;

const dc_family dc__smooth_family = {
    .name = "smooth",
    .call = "dc_smooth",
    .source = dc__cl_smooth,
    .params = smooth_params,
    .nparams = sizeof smooth_params / sizeof *smooth_params,
    .params_bytes = sizeof(dc_smooth_params),
    .params_init = &smooth_init,
    .plan = smooth_plan,
};

dc_status dc_smooth(dc_queue *queue, const dc_smooth_params *params, dc_event **done)
{
    dc_smooth_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__smooth_family, &whole, params));
    op = dc__op_of_kind(&dc__smooth_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_smooth: kind is %d, must be %d to %d (DC_SMOOTH_*)",
               (int)whole.kind, DC_SMOOTH_MEAN, DC_SMOOTH_MINMAX);
    return dc__run(queue, op, &whole, done);
}

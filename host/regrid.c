/* Linear interpolation on grids: what the caller may ask, the tables of places and weights, and the
 * plan. */
#include "dualcube/regrid.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/regrid.h"

extern const unsigned char dc__cl_regrid[];

/* ---- coordinates --------------------------------------------------------------------------- */

static dc_status check_finite(const dc_op *op, const char *name, const double *x, int64_t n)
{
    DC_REQUIRE(x || n == 0, DC_E_ARGUMENT, "%s: %s is NULL", op->name, name);
    for (int64_t i = 0; i < n; ++i)
        DC_REQUIRE(isfinite(x[i]), DC_E_ARGUMENT, "%s: %s[%lld] is %g, must be finite", op->name,
                   name, (long long)i, x[i]);
    return DC_OK;
}

/* Strictly rising, or falling where that is allowed. */
static dc_status check_order(const dc_op *op, const char *name, const double *x, int64_t n,
                             int may_fall)
{
    DC_TRY(check_finite(op, name, x, n));
    DC_REQUIRE(n < INT32_MAX, DC_E_ARGUMENT, "%s: %s has %lld values, must have fewer than 2^31",
               op->name, name, (long long)n);
    for (int64_t i = 1; i < n; ++i) {
        const int falls = may_fall && x[1] < x[0];

        DC_REQUIRE(falls ? x[i] < x[i - 1] : x[i] > x[i - 1], DC_E_ARGUMENT,
                   "%s: %s[%lld] is %.17g after %.17g, must be %s", op->name, name, (long long)i,
                   x[i], x[i - 1],
                   !may_fall ? "greater"
                   : falls   ? "less, as before"
                             : "greater, as before");
    }
    return DC_OK;
}

static dc_status check_shapes(const dc_op *op, const dc_regrid_params *p)
{
    const int bilinear = op->kind == DC_REGRID_BILINEAR;
    const int32_t ndim = p->src.ndim;

    DC_REQUIRE(!bilinear || ndim >= 2, DC_E_ARGUMENT,
               "%s: src has %d axis, must have at least latitude and longitude", op->name,
               (int)ndim);
    DC_REQUIRE(p->dst.ndim == ndim, DC_E_ARGUMENT, "%s: dst has %d axes, must have %d as src",
               op->name, (int)p->dst.ndim, (int)ndim);
    DC_REQUIRE(p->dst.dtype == p->src.dtype, DC_E_ARGUMENT,
               "%s: dst has dtype %d, must be %d as src", op->name, (int)p->dst.dtype,
               (int)p->src.dtype);
    for (int32_t d = bilinear ? 0 : 1; d < (bilinear ? ndim - 2 : ndim); ++d)
        DC_REQUIRE(p->dst.shape[d] == p->src.shape[d], DC_E_ARGUMENT,
                   "%s: dst.shape[%d] is %lld, must be %lld as src", op->name, (int)d,
                   (long long)p->dst.shape[d], (long long)p->src.shape[d]);
    return DC_OK;
}

static dc_status check_bilinear(const dc_op *op, const dc_regrid_params *p)
{
    const int64_t *const from = p->src.shape + p->src.ndim - 2;
    const int64_t *const to = p->dst.shape + p->dst.ndim - 2;
    double span = 0;

    DC_TRY(check_order(op, "src_lat", p->src_lat, from[0], 1));
    DC_TRY(check_order(op, "src_lon", p->src_lon, from[1], 1));
    DC_TRY(check_finite(op, "dst_lat", p->dst_lat, to[0]));
    DC_TRY(check_finite(op, "dst_lon", p->dst_lon, to[1]));
    DC_REQUIRE(p->outside == DC_REGRID_OUTSIDE_NAN || p->outside == DC_REGRID_OUTSIDE_NEAREST,
               DC_E_ARGUMENT, "%s: outside is %d, must be 0 or 1", op->name, (int)p->outside);
    DC_REQUIRE(p->omit_nan == 0 || p->omit_nan == 1, DC_E_ARGUMENT,
               "%s: omit_nan is %d, must be 0 or 1", op->name, (int)p->omit_nan);
    if (from[1] > 1)
        span = fabs(p->src_lon[from[1] - 1] - p->src_lon[0]);
    DC_REQUIRE(p->period == 0 || (isfinite(p->period) && p->period > span), DC_E_ARGUMENT,
               "%s: period is %g, must be 0 or finite and above the span of src_lon, which is %g",
               op->name, p->period, span);
    return DC_OK;
}

static dc_status check_resample(const dc_op *op, const dc_regrid_params *p)
{
    DC_TRY(check_order(op, "times", p->times, p->src.shape[0], 0));
    DC_REQUIRE(p->max_gap > 0, DC_E_ARGUMENT, "%s: max_gap is %g, must be above 0", op->name,
               p->max_gap);
    if (p->at)
        return check_finite(op, "at", p->at, p->dst.shape[0]);
    DC_REQUIRE(isfinite(p->start) && isfinite(p->step) &&
                   isfinite(p->start + p->step * (double)p->dst.shape[0]),
               DC_E_ARGUMENT, "%s: start is %g, step %g; they and all times must be finite",
               op->name, p->start, p->step);
    return DC_OK;
}

static dc_status check(const dc_op *op, const dc_regrid_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(check_shapes(op, p));
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    DC_TRY(dc__array_no_overlap(op, &p->dst, "dst", &p->src, "src"));
    return op->kind == DC_REGRID_BILINEAR ? check_bilinear(op, p) : check_resample(op, p);
}

/* ---- tables of places and weights ---------------------------------------------------------- */

/* One axis. */
typedef struct axis {
    const double *from; /* coordinates of the input, n of them */
    int64_t n;
    const double *to; /* of the output; NULL: start + i step */
    int64_t count;
    double start, step, period, max_gap;
    int nearest;
} axis;

/* Between which two places x lies: low, high; *share: of the second.  -1: outside. */
static int64_t between(const axis *a, double x, int64_t *high, double *share)
{
    const int falls = a->n > 1 && a->from[1] < a->from[0];
    const double first = a->from[falls ? a->n - 1 : 0], last = a->from[falls ? 0 : a->n - 1];
    int64_t low = 0, top = a->n; /* from[low] <= x < from[top], counted along rising values */

    *share = 0;
    if (a->period > 0) {
        x -= a->period * floor((x - first) / a->period);
        x = x < first ? first : x; /* by rounding */
    }
    if (x < first || (x > last && a->period == 0)) {
        *high = (x < first) == !falls ? 0 : a->n - 1;
        return a->nearest ? *high : -1;
    }
    while (top - low > 1) {
        const int64_t middle = low + (top - low) / 2;

        if (a->from[falls ? a->n - 1 - middle : middle] <= x)
            low = middle;
        else
            top = middle;
    }
    top = low + 1 < a->n ? low + 1 : 0; /* round the globe */
    low = falls ? a->n - 1 - low : low;
    *high = top = falls ? a->n - 1 - top : top;
    if (x != a->from[low]) {
        const double width = x > last ? first + a->period - last : a->from[top] - a->from[low];

        if (fabs(width) > a->max_gap)
            return -1;
        *share = (x - a->from[low]) / width;
    }
    return low;
}

/* Two table slots: places (low, high) and weights of each coordinate of the output. */
static dc_status add_tables(const axis *a, int32_t dtype, dc_plan *plan, int32_t *slot)
{
    const int64_t bytes = 2 * a->count * (int64_t)dc_dtype_bytes(dtype);
    int32_t *const place = dc__arena_alloc(plan->arena, (size_t)(2 * a->count) * sizeof *place);
    void *const weight = dc__arena_alloc(plan->arena, (size_t)bytes);

    DC_REQUIRE(place && weight, DC_E_MEMORY, "%s: no memory for the weights", plan->op->name);
    for (int64_t i = 0; i < a->count; ++i) {
        const double x = a->to ? a->to[i] : a->start + (double)i * a->step;
        int64_t high = 0;
        double share = 0;

        place[2 * i] = a->n > 0 ? (int32_t)between(a, x, &high, &share) : -1;
        place[2 * i + 1] = (int32_t)high;
        if (dtype == DC_F32) {
            ((float *)weight)[2 * i] = (float)(1 - share);
            ((float *)weight)[2 * i + 1] = (float)share;
        } else {
            ((double *)weight)[2 * i] = 1 - share;
            ((double *)weight)[2 * i + 1] = share;
        }
    }
    slot[0] = dc__plan_table(plan, place, 2 * a->count * (int64_t)sizeof *place);
    slot[1] = dc__plan_table(plan, weight, bytes);
    return DC_OK;
}

static dc_status set_tables(const dc_op *op, const dc_regrid_params *p, dc_plan *plan,
                            int32_t *slot)
{
    const int32_t last = p->src.ndim - 1;
    axis a = {.max_gap = INFINITY};

    if (op->kind == DC_REGRID_RESAMPLE) {
        a = (axis){p->times, p->src.shape[0], p->at, p->dst.shape[0], p->start, p->step,
                   0,        p->max_gap,      0};
        return add_tables(&a, p->src.dtype, plan, slot);
    }
    a.nearest = p->outside == DC_REGRID_OUTSIDE_NEAREST;
    a.from = p->src_lat;
    a.n = p->src.shape[last - 1];
    a.to = p->dst_lat;
    a.count = p->dst.shape[last - 1];
    DC_TRY(add_tables(&a, p->src.dtype, plan, slot));
    a.from = p->src_lon;
    a.n = p->src.shape[last];
    a.to = p->dst_lon;
    a.count = p->dst.shape[last];
    a.period = p->period;
    return add_tables(&a, p->src.dtype, plan, slot + 2);
}

/* ---- the plan ------------------------------------------------------------------------------ */

static dc_status regrid_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_regrid_params *p = params;
    const int bilinear = op->kind == DC_REGRID_BILINEAR;
    dc_regrid_args a;
    int32_t slot[6];
    dc_step *step;

    DC_TRY(check(op, p));
    memset(&a, 0, sizeof a);
    a.count = dc_array_elements(&p->dst);
    if (a.count == 0)
        return DC_OK;
    memcpy(a.shape, p->dst.shape, sizeof a.shape);
    memcpy(a.src_stride, p->src.stride, sizeof a.src_stride);
    memcpy(a.dst_stride, p->dst.stride, sizeof a.dst_stride);
    a.ndim = p->dst.ndim;
    a.kind = op->kind;
    a.omit_nan = p->omit_nan;
    a.empty = dc_array_elements(&p->src) == 0;
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    DC_TRY(set_tables(op, p, plan, slot + 2));
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, bilinear ? 4 : 2, &a,
                         sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.count;
    plan->bytes =
        (double)(a.count + dc_array_elements(&p->src)) * (double)dc_dtype_bytes(p->src.dtype);
    plan->flops = (bilinear ? 9.0 : 3.0) * (double)a.count;
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_regrid_params, field)
static const dc_param_info regrid_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input: the last two axes are latitude and longitude; resample: the first is time."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, shape of src but for these axes."},
    {"start", DC_PARAM_DOUBLE, AT(start), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Resample: time of the first row where none are given."},
    {"step", DC_PARAM_DOUBLE, AT(step), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "Resample: from row to row where no times are given."},
    {"max_gap", DC_PARAM_DOUBLE, AT(max_gap), DC_REGRID_NO_GAP, 0, 0, 0, INFINITY, NULL,
     "Resample: nothing lies between rows further apart."},
    {"period", DC_PARAM_DOUBLE, AT(period), 0, 0, 0, 0, INFINITY, NULL,
     "Bilinear: of the longitude; 0: it does not repeat."},
    {"outside", DC_PARAM_CHOICE, AT(outside), 0, 0, 0, -INFINITY, INFINITY, "nan nearest",
     "Bilinear: places outside."},
    {"omit_nan", DC_PARAM_BOOL, AT(omit_nan), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Bilinear: corners that are NaN are left out."},
};
#undef AT

static const dc_regrid_params regrid_init = DC_REGRID_PARAMS_INIT;

const dc_family dc__regrid_family = {
    .name = "regrid",
    .call = "dc_regrid",
    .source = dc__cl_regrid,
    .params = regrid_params,
    .nparams = sizeof regrid_params / sizeof *regrid_params,
    .params_bytes = sizeof(dc_regrid_params),
    .params_init = &regrid_init,
    .plan = regrid_plan,
};

dc_status dc_regrid(dc_queue *queue, const dc_regrid_params *params, dc_event **done)
{
    dc_regrid_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__regrid_family, &whole, params));
    op = dc__op_of_kind(&dc__regrid_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT,
               "dc_regrid: kind is %d, must be %d (DC_REGRID_BILINEAR) or %d (DC_REGRID_RESAMPLE)",
               (int)whole.kind, DC_REGRID_BILINEAR, DC_REGRID_RESAMPLE);
    return dc__run(queue, op, &whole, done);
}

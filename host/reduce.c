/* Reductions: what the caller may ask, and the plan that answers it. */
#include "dualcube/reduce.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/backend.h"
#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/reduce.h"

extern const unsigned char dc__cl_reduce[];

/* Kinds whose nodes are merged: all but order statistics, histograms and lists of the best. */
static int kind_folds(int32_t kind)
{
    return kind != DC_REDUCE_MEDIAN && kind != DC_REDUCE_QUANTILE && kind != DC_REDUCE_HISTOGRAM &&
           kind != DC_REDUCE_TOP_K;
}

static int kind_counts(int32_t kind)
{
    return kind == DC_REDUCE_COUNT || kind == DC_REDUCE_ARGMIN || kind == DC_REDUCE_ARGMAX ||
           kind == DC_REDUCE_HISTOGRAM;
}

static int32_t dst_dtype(int32_t kind, int32_t dtype)
{
    if (kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE)
        return DC_U8;
    return kind_counts(kind) ? DC_I64 : dtype;
}

/* Results in a list, 0: no list. */
static int64_t list_length(int32_t kind, const dc_reduce_params *p)
{
    switch (kind) {
    case DC_REDUCE_QUANTILE:
        return p->q.count;
    case DC_REDUCE_HISTOGRAM:
        return p->edges.count ? p->edges.count - 1 : p->bins;
    case DC_REDUCE_TOP_K:
        return p->k;
    case DC_REDUCE_MOMENTS:
        return 3;
    case DC_REDUCE_EXTENT:
        return 2;
    default:
        return 0;
    }
}

/* Values that a number needs: sums are numbers without any. */
static int64_t least_count(const dc_reduce_params *p, int32_t kind)
{
    const int64_t least = kind == DC_REDUCE_SUM ? 0 : 1;

    return p->min_count == DC_DEFAULT || p->min_count < least ? least : p->min_count;
}

static dc_status check_choice(const dc_op *op, const char *name, int32_t value, int32_t high)
{
    DC_REQUIRE(value >= 0 && value <= high, DC_E_ARGUMENT, "%s: %s is %d, must be 0 ... %d",
               op->name, name, (int)value, (int)high);
    return DC_OK;
}

static dc_status check_quantiles(const dc_op *op, const dc_reduce_params *p)
{
    DC_REQUIRE(p->q.count >= 1 && p->q.at, DC_E_ARGUMENT,
               "%s: q has %lld values, must have at least 1", op->name, (long long)p->q.count);
    for (int64_t i = 0; i < p->q.count; ++i)
        DC_REQUIRE(p->q.at[i] >= 0.0 && p->q.at[i] <= 1.0, DC_E_ARGUMENT,
                   "%s: q[%lld] is %g, must be 0 ... 1", op->name, (long long)i, p->q.at[i]);
    return DC_OK;
}

static dc_status check_bins(const dc_op *op, const dc_reduce_params *p)
{
    const int narrow = p->src.dtype == DC_F32;

    if (p->edges.count) {
        DC_REQUIRE(p->edges.count >= 2 && p->edges.at, DC_E_ARGUMENT,
                   "%s: edges has %lld values, must have at least 2", op->name,
                   (long long)p->edges.count);
        for (int64_t i = 0; i < p->edges.count; ++i)
            DC_REQUIRE(isfinite(p->edges.at[i]) && (i == 0 || p->edges.at[i - 1] <= p->edges.at[i]),
                       DC_E_ARGUMENT, "%s: edges[%lld] is %g, must be finite and not decrease",
                       op->name, (long long)i, p->edges.at[i]);
        return DC_OK;
    }
    DC_REQUIRE(p->bins >= 1 && p->bins <= INT32_MAX, DC_E_ARGUMENT,
               "%s: bins is %lld, must be 1 ... %d", op->name, (long long)p->bins, INT32_MAX);
    DC_REQUIRE(isfinite(p->low) && isfinite(narrow ? (double)(float)p->low : p->low), DC_E_ARGUMENT,
               "%s: low is %g, must be finite in the dtype", op->name, p->low);
    DC_REQUIRE(isfinite(p->high - p->low) && isfinite(narrow ? (double)(float)p->high : p->high) &&
                   p->low < p->high,
               DC_E_ARGUMENT,
               "%s: high is %g, must be finite in the dtype and above low, which is %g", op->name,
               p->high, p->low);
    return DC_OK;
}

static dc_status check_scalars(const dc_op *op, const dc_reduce_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(check_choice(op, "nan", p->nan, DC_NAN_PROPAGATE));
    DC_TRY(check_choice(op, "interpolation", p->interpolation, DC_QUANTILE_MIDPOINT));
    DC_TRY(check_choice(op, "largest", p->largest, 1));
    DC_REQUIRE(p->ddof >= 0, DC_E_ARGUMENT, "%s: ddof is %lld, must be at least 0", op->name,
               (long long)p->ddof);
    DC_REQUIRE(p->min_count == DC_DEFAULT || p->min_count >= 0, DC_E_ARGUMENT,
               "%s: min_count is %lld, must be at least 0", op->name, (long long)p->min_count);
    DC_REQUIRE(op->kind != DC_REDUCE_TOP_K || p->k >= 1, DC_E_ARGUMENT,
               "%s: k is %lld, must be at least 1", op->name, (long long)p->k);
    if (op->kind == DC_REDUCE_QUANTILE)
        return check_quantiles(op, p);
    return op->kind == DC_REDUCE_HISTOGRAM ? check_bins(op, p) : DC_OK;
}

/* The shape of the result: the list, then the axes that remain. */
static dc_status shape_of(const dc_op *op, const dc_reduce_params *p, int64_t *shape, int32_t *ndim)
{
    const int64_t list = list_length(op->kind, p);

    *ndim = 0;
    if (list)
        shape[(*ndim)++] = list;
    for (int32_t d = 0; d < p->src.ndim; ++d)
        if (!(p->axes >> d & 1)) {
            DC_REQUIRE(*ndim < DC_MAX_NDIM, DC_E_ARGUMENT,
                       "%s: dst would have %d axes, at most %d are possible", op->name,
                       DC_MAX_NDIM + 1, DC_MAX_NDIM);
            shape[(*ndim)++] = p->src.shape[d];
        }
    if (*ndim == 0)
        shape[(*ndim)++] = 1;
    return DC_OK;
}

static dc_status check_dst(const dc_op *op, const dc_reduce_params *p, const dc_array *dst,
                           const char *name, int32_t dtype, const int64_t *shape, int32_t ndim)
{
    DC_TRY(dc__array_check_output_dtype(op, dst, name, 1 << dtype));
    DC_REQUIRE(dst->ndim == ndim, DC_E_ARGUMENT, "%s: %s has %d axes, must have %d", op->name, name,
               (int)dst->ndim, (int)ndim);
    for (int32_t d = 0; d < ndim; ++d)
        DC_REQUIRE(dst->shape[d] == shape[d], DC_E_ARGUMENT,
                   "%s: %s.shape[%d] is %lld, must be %lld", op->name, name, (int)d,
                   (long long)dst->shape[d], (long long)shape[d]);
    return dc__array_no_overlap(op, dst, name, &p->src, "src");
}

static dc_status check(const dc_op *op, const dc_reduce_params *p)
{
    int64_t shape[DC_MAX_NDIM + 1];
    int32_t ndim;

    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(check_scalars(op, p));
    DC_REQUIRE(p->axes >= 0 && p->axes < 1 << p->src.ndim, DC_E_ARGUMENT,
               "%s: axes is %d, must be a set of the %d axes of src, 0 ... %d", op->name,
               (int)p->axes, (int)p->src.ndim, (1 << p->src.ndim) - 1);
    DC_TRY(shape_of(op, p, shape, &ndim));
    DC_TRY(check_dst(op, p, &p->dst, "dst", dst_dtype(op->kind, p->src.dtype), shape, ndim));
    if (op->kind != DC_REDUCE_TOP_K || p->dst2.ndim == 0)
        return DC_OK;
    DC_TRY(check_dst(op, p, &p->dst2, "dst2", DC_I64, shape, ndim));
    return dc__array_no_overlap(op, &p->dst2, "dst2", &p->dst, "dst");
}

/* The axes reduced, in order, those that lie end to end as one. */
static void merge_rows(const dc_reduce_params *p, dc_reduce_args *a)
{
    a->rows = 1;
    for (int32_t d = 0; d < p->src.ndim; ++d) {
        const int64_t n = p->src.shape[d], stride = p->src.stride[d];
        const int32_t m = a->row_ndim - 1;

        if (!(p->axes >> d & 1))
            continue;
        a->rows *= n;
        if (n == 1)
            continue;
        if (m >= 0 && a->row_stride[m] == stride * n)
            a->row_shape[m] *= n;
        else
            a->row_shape[a->row_ndim++] = n;
        a->row_stride[a->row_ndim - 1] = stride;
    }
    if (a->row_ndim == 0 || a->rows == 0) {
        a->row_shape[0] = a->rows;
        a->row_stride[0] = 1;
        a->row_ndim = 1;
    }
}

typedef struct kept_axis {
    int64_t n, src, dst, dst2;
} kept_axis;

/* Axes of stride 0 go first: the last one is what registers run along. */
static int64_t reach(const kept_axis *axis)
{
    return axis->src == 0 ? INT64_MAX : llabs(axis->src);
}

/* The axes that remain, the largest stride first, those that lie end to end everywhere as one. */
static void merge_outs(const dc_reduce_params *p, int list, dc_reduce_args *a)
{
    kept_axis kept[DC_MAX_NDIM];
    int32_t n = 0, at = list;

    for (int32_t d = 0; d < p->src.ndim; ++d) {
        kept_axis axis = {p->src.shape[d], p->src.stride[d], 0, 0};
        int32_t i;

        if (p->axes >> d & 1)
            continue;
        axis.dst = p->dst.stride[at];
        axis.dst2 = a->has_dst2 ? p->dst2.stride[at] : 0;
        at++;
        if (axis.n == 1)
            continue;
        for (i = n++; i > 0 && reach(&kept[i - 1]) < reach(&axis); --i)
            kept[i] = kept[i - 1];
        kept[i] = axis;
    }
    a->outs = a->out_ndim = 1;
    a->out_shape[0] = 1;
    for (int32_t i = 0; i < n; ++i) {
        const int32_t m = a->out_ndim - 1;

        a->outs *= kept[i].n;
        if (i > 0 && a->out_src[m] == kept[i].src * kept[i].n &&
            a->out_dst[m] == kept[i].dst * kept[i].n && a->out_dst2[m] == kept[i].dst2 * kept[i].n)
            a->out_shape[m] *= kept[i].n;
        else
            a->out_shape[i == 0 ? 0 : a->out_ndim++] = kept[i].n;
        a->out_src[a->out_ndim - 1] = kept[i].src;
        a->out_dst[a->out_ndim - 1] = kept[i].dst;
        a->out_dst2[a->out_ndim - 1] = kept[i].dst2;
    }
}

static void fill_args(const dc_op *op, const dc_reduce_params *p, dc_reduce_args *a)
{
    const int64_t list = list_length(op->kind, p);

    memset(a, 0, sizeof *a);
    a->kind = op->kind;
    a->has_dst2 = op->kind == DC_REDUCE_TOP_K && p->dst2.ndim > 0;
    merge_rows(p, a);
    merge_outs(p, list > 0, a);
    a->blocks = a->rows > DC_REDUCE_BLOCK ? (a->rows - 1) / DC_REDUCE_BLOCK + 1 : 1;
    a->k = list ? list : 1;
    a->list_dst = list ? p->dst.stride[0] : 0;
    a->list_dst2 = a->has_dst2 ? p->dst2.stride[0] : 0;
    a->min_count = least_count(p, op->kind);
    a->ddof = p->ddof;
    a->propagate = p->nan == DC_NAN_PROPAGATE;
    a->largest = p->largest;
    a->interpolation = op->kind == DC_REDUCE_MEDIAN ? DC_QUANTILE_MIDPOINT : p->interpolation;
}

/* One thread, nanoseconds: memory's share, and what selecting costs on top. */
static void estimate(const dc_reduce_params *p, const dc_reduce_args *a, dc_plan *plan)
{
    const double values = (double)a->rows * (double)a->outs;
    const double size = (double)dc_dtype_bytes(p->src.dtype);
    double each = 0.06 * size;

    if (a->kind == DC_REDUCE_MEDIAN || a->kind == DC_REDUCE_QUANTILE)
        each = 0.3 * size * (double)a->k;
    else if (a->kind == DC_REDUCE_HISTOGRAM)
        each = 2.0;
    else if (a->kind == DC_REDUCE_TOP_K)
        each = 0.15 * size;
    plan->bytes = (values + (double)a->outs * (double)a->k) * size;
    plan->flops = values * (a->kind == DC_REDUCE_COUNT ? 1.0 : 4.0);
    plan->cpu_ns = values * each + (double)a->outs + 2000.0;
}

/* One step, or the nodes of blocks and then the results. */
static dc_status plan_fold(const dc_op *op, const dc_reduce_params *p, dc_reduce_args *a,
                           dc_plan *plan)
{
    const int32_t src = dc__plan_input(plan, &p->src), dst = dc__plan_output(plan, &p->dst);
    const int64_t node = p->src.dtype == DC_F32 ? DC_REDUCE_NODE_f32 : DC_REDUCE_NODE_f64;
    int64_t bytes, jobs;
    int32_t slot[2] = {src, dst};
    dc_step *step;

    DC_REQUIRE(!__builtin_mul_overflow(a->blocks, a->outs, &jobs) &&
                   !__builtin_mul_overflow(jobs, node, &bytes),
               DC_E_MEMORY, "%s: the nodes of %lld results are more than 2^63 bytes", op->name,
               (long long)a->outs);
    if (a->blocks > 1) {
        a->step = DC_REDUCE_BLOCKS;
        slot[1] = dc__plan_scratch(plan, bytes);
        step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 0, 1, a, sizeof *a);
        if (!step)
            return DC_E_MEMORY;
        step->space[0] = jobs;
        a->step = DC_REDUCE_FINISH;
        slot[0] = dst;
        step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 0, 1, 1, a, sizeof *a);
    } else {
        step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, 0, a, sizeof *a);
    }
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a->outs;
    return DC_OK;
}

/* The bits of the quantiles: devices without float64 read them as whole numbers. */
static dc_status plan_order(const dc_op *op, const dc_reduce_params *p, const dc_reduce_args *a,
                            dc_plan *plan)
{
    const int64_t bytes = a->k * (int64_t)sizeof(double);
    double *q = dc__arena_alloc(plan->arena, (size_t)bytes);
    int32_t slot[3];
    dc_step *step;

    DC_REQUIRE(q, DC_E_MEMORY, "%s: no memory for %lld quantiles", op->name, (long long)a->k);
    q[0] = 0.5;
    for (int64_t i = 0; op->kind == DC_REDUCE_QUANTILE && i < a->k; ++i)
        q[i] = p->q.at[i] + 0.0; /* -0 is +0 */
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    slot[2] = dc__plan_table(plan, q, bytes);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, 1, a, sizeof *a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a->outs;
    step->space[1] = a->k;
    return DC_OK;
}

#include "host/reduce_edges.h"

/* Zeros first, then the counts: each step adds whole numbers, so that their order is nobody's
 * business. */
static dc_status plan_histogram(const dc_op *op, const dc_reduce_params *p, dc_reduce_args *a,
                                dc_plan *plan)
{
    const size_t size = dc_dtype_bytes(p->src.dtype);
    void *table = edge_table(p, a->k, plan->arena, size);
    int32_t slot[3];
    dc_step *step;

    DC_REQUIRE(table, DC_E_MEMORY, "%s: no memory for the edges of %lld bins", op->name,
               (long long)a->k);
    if (p->edges.count == 0) {
        a->low = p->low;
        a->scale = (double)a->k / (p->high - p->low);
        a->scale = isfinite(a->scale) ? a->scale : 0.0;
    }
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    slot[2] = dc__plan_table(plan, table, (a->k + 1) * (int64_t)size);
    for (a->step = DC_REDUCE_ZERO; a->step <= DC_REDUCE_BINS; ++a->step) {
        if (a->step == DC_REDUCE_BINS && a->rows == 0)
            break;
        step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, 1, a, sizeof *a);
        if (!step)
            return DC_E_MEMORY;
        step->space[0] = a->outs;
        step->space[1] = a->step == DC_REDUCE_ZERO ? a->k : a->blocks;
    }
    return DC_OK;
}

static dc_status plan_top(const dc_op *op, const dc_reduce_params *p, const dc_reduce_args *a,
                          dc_plan *plan)
{
    int32_t slot[3];
    dc_step *step;

    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    if (a->has_dst2)
        slot[2] = dc__plan_output(plan, &p->dst2);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1 + a->has_dst2, 0, a,
                         sizeof *a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a->outs;
    return DC_OK;
}

static dc_status reduce_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_reduce_params *p = params;
    dc_reduce_args a;

    DC_TRY(check(op, p));
    if (dc_array_elements(&p->dst) == 0)
        return DC_OK;
    fill_args(op, p, &a);
    estimate(p, &a, plan);
    if (kind_folds(op->kind))
        return plan_fold(op, p, &a, plan);
    if (op->kind == DC_REDUCE_HISTOGRAM)
        return plan_histogram(op, p, &a, plan);
    return op->kind == DC_REDUCE_TOP_K ? plan_top(op, p, &a, plan) : plan_order(op, p, &a, plan);
}

#define AT(field) (int32_t) offsetof(dc_reduce_params, field)
static const dc_param_info reduce_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, 1 to 8 axes, float32 or float64."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output: the axes that remain, before them the list of results where there is one."},
    {"dst2", DC_PARAM_ARRAY_OUT, AT(dst2), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Rows of the best values (top_k), int64; may be left out."},
    {"axes", DC_PARAM_INT32, AT(axes), 1, 0, 0, 0, 255, NULL,
     "Set of axes reduced, bit d for axis d."},
    {"nan", DC_PARAM_CHOICE, AT(nan), DC_NAN_OMIT, 0, 0, 0, DC_NAN_PROPAGATE, "omit propagate",
     "Whether NaN is missing or is the result."},
    {"interpolation", DC_PARAM_CHOICE, AT(interpolation), DC_QUANTILE_LINEAR, 0, 0, 0,
     DC_QUANTILE_MIDPOINT, "linear lower higher nearest midpoint", "Quantile between two values."},
    {"largest", DC_PARAM_BOOL, AT(largest), 1, 0, 0, 0, 1, NULL,
     "The largest values (top_k), else the smallest."},
    {"ddof", DC_PARAM_INT64, AT(ddof), 1, 0, 0, 0, INFINITY, NULL,
     "Divisor of var and std is the number of values less ddof."},
    {"min_count", DC_PARAM_INT64, AT(min_count), 0, 0, 1, 0, INFINITY, NULL,
     "Values that a number needs, else NaN; default: 1, of sum 0."},
    {"k", DC_PARAM_INT64, AT(k), 1, 0, 0, 1, INFINITY, NULL, "How many of the best (top_k)."},
    {"bins", DC_PARAM_INT64, AT(bins), 10, 0, 0, 1, INT32_MAX, NULL,
     "How many equal bins (histogram)."},
    {"low", DC_PARAM_DOUBLE, AT(low), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Where equal bins begin (histogram), finite."},
    {"high", DC_PARAM_DOUBLE, AT(high), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Where equal bins end (histogram), finite, above low."},
    {"edges", DC_PARAM_DOUBLES, AT(edges), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Edges of the bins (histogram), in place of bins, low and high."},
    {"q", DC_PARAM_DOUBLES, AT(q), 0, 0, 0, 0, 1, NULL, "Quantiles to compute."},
};
#undef AT

static const dc_reduce_params reduce_init = DC_REDUCE_PARAMS_INIT;

const dc_family dc__reduce_family = {
    .name = "reduce",
    .call = "dc_reduce",
    .source = dc__cl_reduce,
    .params = reduce_params,
    .nparams = sizeof reduce_params / sizeof *reduce_params,
    .params_bytes = sizeof(dc_reduce_params),
    .params_init = &reduce_init,
    .plan = reduce_plan,
};

dc_status dc_reduce(dc_queue *queue, const dc_reduce_params *params, dc_event **done)
{
    dc_reduce_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__reduce_family, &whole, params));
    op = dc__op_of_kind(&dc__reduce_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_reduce: kind is %d, must be %d ... %d (DC_REDUCE_*)",
               (int)whole.kind, DC_REDUCE_COUNT, DC_REDUCE_EXTENT);
    return dc__run(queue, op, &whole, done);
}

#include "host/reduce_state.h"

/* Rolling statistics: what the caller may ask, and the plan that answers it. */
#include "dualcube/rolling.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/rolling.h"

extern const unsigned char dc__cl_rolling[];

/* Rows that the outputs need, in the terms of kernels/shared/rolling.h. */
typedef struct rolling_rows {
    int64_t rows, first, last, count;
    int64_t window, min_periods;
} rolling_rows;

static int kind_counts(int32_t kind)
{
    return kind == DC_ROLLING_COUNT || kind == DC_ROLLING_SUM;
}

static dc_status check_choice(const dc_op *op, const char *name, int32_t value, int32_t high)
{
    DC_REQUIRE(value >= 0 && value <= high, DC_E_ARGUMENT, "%s: %s is %d, must be 0 ... %d",
               op->name, name, (int)value, (int)high);
    return DC_OK;
}

static dc_status check_scalars(const dc_op *op, const dc_rolling_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_TRY(check_choice(op, "center", p->center, 1));
    DC_TRY(check_choice(op, "expanding", p->expanding, 1));
    DC_TRY(check_choice(op, "inf", p->inf, DC_INF_VALUE));
    DC_TRY(check_choice(op, "interpolation", p->interpolation, DC_QUANTILE_MIDPOINT));
    DC_REQUIRE(p->reserved == 0, DC_E_ARGUMENT, "%s: reserved is %d, must be 0", op->name,
               (int)p->reserved);
    DC_REQUIRE(!(p->center && p->expanding), DC_E_ARGUMENT,
               "%s: center is 1, must be 0 with expanding", op->name);
    DC_REQUIRE(p->expanding || p->window >= 1, DC_E_ARGUMENT,
               "%s: window is %lld, must be at least 1", op->name, (long long)p->window);
    DC_REQUIRE(p->step >= 1, DC_E_ARGUMENT, "%s: step is %lld, must be at least 1", op->name,
               (long long)p->step);
    DC_REQUIRE(p->ddof >= 0, DC_E_ARGUMENT, "%s: ddof is %lld, must be at least 0", op->name,
               (long long)p->ddof);
    DC_REQUIRE(p->q >= 0.0 && p->q <= 1.0, DC_E_ARGUMENT, "%s: q is %g, must be 0 ... 1", op->name,
               p->q);
    if (p->min_periods == DC_DEFAULT)
        return DC_OK;
    DC_REQUIRE(p->min_periods >= 0, DC_E_ARGUMENT, "%s: min_periods is %lld, must be at least 0",
               op->name, (long long)p->min_periods);
    DC_REQUIRE(p->expanding || p->min_periods <= p->window, DC_E_ARGUMENT,
               "%s: min_periods %lld exceeds window %lld", op->name, (long long)p->min_periods,
               (long long)p->window);
    return DC_OK;
}

static dc_status check_arrays(const dc_op *op, const dc_rolling_params *p, int32_t *axis)
{
    const int32_t ndim = p->src.ndim;

    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_REQUIRE(p->dst.dtype == p->src.dtype, DC_E_ARGUMENT,
               "%s: dst has dtype %d, must be %d (%s) as src", op->name, (int)p->dst.dtype,
               (int)p->src.dtype, p->src.dtype == DC_F32 ? "float32" : "float64");
    DC_REQUIRE(p->dst.ndim == ndim, DC_E_ARGUMENT, "%s: dst has %d axes, must have %d as src",
               op->name, (int)p->dst.ndim, (int)ndim);
    DC_REQUIRE(p->axis >= -ndim && p->axis < ndim, DC_E_ARGUMENT,
               "%s: axis is %d, must be %d ... %d", op->name, (int)p->axis, (int)-ndim,
               (int)(ndim - 1));
    *axis = p->axis < 0 ? p->axis + ndim : p->axis;
    return DC_OK;
}

/* The rows put out, with the defaults that depend on the data. */
static dc_status resolve_rows(const dc_op *op, const dc_rolling_params *p, int32_t axis,
                              rolling_rows *out)
{
    const int64_t rows = p->src.shape[axis];

    out->rows = rows;
    out->first = p->row_first;
    out->last = p->row_last == DC_DEFAULT ? rows : p->row_last;
    DC_REQUIRE(out->first >= 0 && out->first <= rows, DC_E_ARGUMENT,
               "%s: row_first is %lld, must be 0 ... %lld (rows of src)", op->name,
               (long long)out->first, (long long)rows);
    DC_REQUIRE(out->last >= 0 && out->last <= rows, DC_E_ARGUMENT,
               "%s: row_last is %lld, must be 0 ... %lld (rows of src)", op->name,
               (long long)out->last, (long long)rows);
    out->count = out->last > out->first ? (out->last - out->first - 1) / p->step + 1 : 0;
    out->window = p->expanding ? rows : p->window;
    out->min_periods = p->min_periods != DC_DEFAULT ? p->min_periods : p->expanding ? 1 : p->window;
    if (out->min_periods == 0 && !kind_counts(op->kind))
        out->min_periods = 1;
    return DC_OK;
}

static dc_status check_dst(const dc_op *op, const dc_rolling_params *p, int32_t axis,
                           const rolling_rows *r)
{
    for (int32_t d = 0; d < p->src.ndim; ++d) {
        const int64_t want = d == axis ? r->count : p->src.shape[d];
        DC_REQUIRE(p->dst.shape[d] == want, DC_E_ARGUMENT,
                   "%s: dst.shape[%d] is %lld, must be %lld%s", op->name, (int)d,
                   (long long)p->dst.shape[d], (long long)want,
                   d == axis ? " (rows put out)" : " as src");
    }
    DC_TRY(dc__array_check_output(op, &p->dst, "dst"));
    return dc__array_no_overlap(op, &p->dst, "dst", &p->src, "src");
}

/* A window beyond the series keeps its bits when blocks that never meet the series are left out.
 * Three rewrites of (window, shift) keep the tree of every part that can meet it; e = t + shift is
 * the newest row, b the smallest and j the largest block:
 *   newest: b, or its newer half, lies at rows >= `rows` for every t: cut it, e moves back;
 *   oldest: j, or its older half, lies below row 0 for every t: cut it (half: only when the bit
 *           j / 2 is free);
 *   middle: the window is one block and the outer halves of both its halves never meet the series:
 *           halve it about its middle.
 * No block of more rows becomes a single row, whose merges round less (kernels/shared/rolling.h).
 * What remains is below 16 * rows. */
static int cut_newest(dc_rolling_args *a, int64_t oldest_out)
{
    const int64_t b = a->window & -a->window, e = oldest_out + a->shift;

    if (e - b >= a->rows - 1 && b != a->window) {
        a->window -= b;
        a->shift -= b;
        return 1;
    }
    if (b > 2 && e - b / 2 >= a->rows - 1) {
        a->window -= b / 2;
        a->shift -= b / 2;
        return 1;
    }
    return 0;
}

static int cut_oldest(dc_rolling_args *a, int64_t newest_out)
{
    int64_t j = (int64_t)1 << (63 - __builtin_clzll((unsigned long long)a->window));
    const int64_t off = a->window - j, e = newest_out + a->shift;

    if (off > 0 && e - off < 0) {
        a->window = off;
        return 1;
    }
    if (j > 1 && !(a->window & (j / 2)) && e - off - j / 2 < 0) {
        a->window -= j / 2;
        return 1;
    }
    return 0;
}

static int cut_middle(dc_rolling_args *a, int64_t oldest_out, int64_t newest_out)
{
    const int64_t w = a->window;

    if ((w & (w - 1)) != 0 || w < 8 || oldest_out + a->shift - w / 4 < a->rows - 1 ||
        newest_out + a->shift - w / 2 - w / 4 >= 0)
        return 0;
    a->window = w / 2;
    a->shift -= w / 4;
    return 1;
}

static void clamp_window(dc_rolling_args *a)
{
    const int64_t oldest = a->out_first, newest = a->out_first + (a->out_rows - 1) * a->step;

    if (a->expanding || a->window <= a->rows)
        return;
    while (cut_newest(a, oldest) || cut_oldest(a, newest) || cut_middle(a, oldest, newest))
        ;
}

/* The axes beside the rolled one, largest stride first, axes that lie end to end in both arrays as
 * one. */
static void merge_axes(const dc_array *src, const dc_array *dst, int32_t axis, dc_rolling_args *a)
{
    int32_t n = 0;

    for (int32_t d = 0; d < src->ndim; ++d) {
        const int64_t reach = llabs(dst->stride[d]) + llabs(src->stride[d]);
        int32_t i;

        if (d == axis || src->shape[d] == 1)
            continue;
        for (i = n++; i > 0 && llabs(a->dst_stride[i - 1]) + llabs(a->src_stride[i - 1]) < reach;
             --i) {
            a->shape[i] = a->shape[i - 1];
            a->src_stride[i] = a->src_stride[i - 1];
            a->dst_stride[i] = a->dst_stride[i - 1];
        }
        a->shape[i] = src->shape[d];
        a->src_stride[i] = src->stride[d];
        a->dst_stride[i] = dst->stride[d];
    }
    if (n == 0) {
        a->shape[0] = a->src_stride[0] = a->dst_stride[0] = 1;
        a->ndim = 1;
        return;
    }
    a->ndim = 1;
    for (int32_t i = 1; i < n; ++i) {
        const int32_t m = a->ndim - 1;
        if (a->src_stride[m] == a->src_stride[i] * a->shape[i] &&
            a->dst_stride[m] == a->dst_stride[i] * a->shape[i]) {
            a->shape[m] *= a->shape[i];
        } else {
            a->shape[a->ndim++] = a->shape[i];
            a->shape[m + 1] = a->shape[i];
        }
        a->src_stride[a->ndim - 1] = a->src_stride[i];
        a->dst_stride[a->ndim - 1] = a->dst_stride[i];
    }
}

/* Ranks for n = 1 ... count valid values, pandas' rules at h = q (n - 1). */
static dc_rolling_rank *rank_table(dc_arena *arena, double q, int32_t interpolation, int64_t count)
{
    dc_rolling_rank *table;

    if (count > (int64_t)(SIZE_MAX / sizeof *table / 2))
        return NULL;
    table = dc__arena_alloc(arena, (size_t)count * sizeof *table);
    for (int64_t n = 1; table && n <= count; ++n) {
        const double h = q * (double)(n - 1), floor_h = floor(h);
        dc_rolling_rank *rank = &table[n - 1];
        double frac = h - floor_h;

        rank->lower = (int64_t)floor_h;
        rank->upper = rank->lower + (frac > 0.0 && rank->lower < n - 1);
        switch (interpolation) {
        case DC_QUANTILE_LOWER:
            rank->upper = rank->lower;
            break;
        case DC_QUANTILE_HIGHER:
            rank->lower = rank->upper;
            break;
        case DC_QUANTILE_NEAREST:
            if (frac > 0.5 || (frac == 0.5 && (rank->lower & 1)))
                rank->lower = rank->upper;
            rank->upper = rank->lower;
            break;
        case DC_QUANTILE_MIDPOINT:
            frac = 0.5;
            break;
        default:
            break;
        }
        rank->frac64 = rank->lower == rank->upper ? 0.0 : frac;
        rank->frac32 = (float)rank->frac64;
    }
    return table;
}

/* One CPU thread, nanoseconds per output: arithmetic on top of the memory's share, by level of the
 * tree; measured on a 4 GHz AVX-512 core, float64, and halved for float32.  Order statistics of
 * expanding and of very long windows go series by series over ranks. */
static double cpu_ns_each(int32_t kind, double levels, int32_t expanding)
{
    switch (kind) {
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        return expanding ? 1.0 + levels : 0.7 + 0.15 * levels;
    case DC_ROLLING_MIN:
    case DC_ROLLING_MAX:
        return 0.35 + 0.05 * levels;
    case DC_ROLLING_MEDIAN:
    case DC_ROLLING_QUANTILE:
        return expanding || levels > 13.5 ? 5.0 * levels : 0.4 + 0.05 * levels * levels;
    default:
        return 0.4 + 0.05 * levels;
    }
}

static double flops_each(int32_t kind, double levels)
{
    switch (kind) {
    case DC_ROLLING_VAR:
    case DC_ROLLING_STD:
        return 12.0 * levels + 4.0;
    case DC_ROLLING_MEDIAN:
    case DC_ROLLING_QUANTILE:
        return 1.5 * levels * levels + 2.0;
    default:
        return levels + 1.0;
    }
}

static void estimate(const dc_op *op, const dc_rolling_params *p, const rolling_rows *r,
                     const dc_rolling_args *a, dc_plan *plan)
{
    const double out = (double)r->count * (double)a->series;
    const double w = (double)(r->window < r->rows ? r->window : r->rows);
    const double levels = w > 1.0 ? 64 - __builtin_clzll((unsigned long long)w - 1) : 0.0;
    const double size = (double)dc_dtype_bytes(p->src.dtype);

    plan->bytes = ((double)r->rows * (double)a->series + out) * size;
    plan->flops = out * flops_each(op->kind, levels);
    plan->cpu_ns = out * cpu_ns_each(op->kind, levels, p->expanding) * (size / 8.0) + 2000.0;
}

/* Values from which merges of moments take care: see kernels/shared/rolling.h. */
static int64_t careful_from(int64_t window)
{
    const int64_t part = window / (window > DC_CARE_LONG ? 2 : 4);
    return part < INT32_MAX - 1 ? part + 1 : INT32_MAX - 1;
}

static void fill_args(const dc_op *op, const dc_rolling_params *p, int32_t axis,
                      const rolling_rows *r, dc_rolling_args *a)
{
    memset(a, 0, sizeof *a);
    a->rows = r->rows;
    a->out_first = r->first;
    a->out_rows = r->count;
    a->step = r->count > 1 ? p->step : 1;
    a->window = r->window;
    a->shift = p->center ? (p->window - 1) / 2 : 0;
    a->min_periods = r->min_periods;
    a->ddof = p->ddof;
    a->careful = p->expanding ? 0 : careful_from(p->window);
    a->src_row_stride = p->src.stride[axis];
    a->dst_row_stride = p->dst.stride[axis];
    a->q = op->kind == DC_ROLLING_QUANTILE ? p->q : 0.5;
    a->interpolation = op->kind == DC_ROLLING_QUANTILE ? p->interpolation : DC_QUANTILE_MIDPOINT;
    a->expanding = p->expanding;
    a->inf_is_value = p->inf == DC_INF_VALUE;
    a->has_table = op->kind == DC_ROLLING_QUANTILE;
    a->kind = op->kind;
    merge_axes(&p->src, &p->dst, axis, a);
    a->series = 1;
    for (int32_t d = 0; d < a->ndim; ++d)
        a->series *= a->shape[d];
    clamp_window(a);
}

static dc_status rolling_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_rolling_params *p = params;
    rolling_rows r = {0};
    dc_rolling_args a;
    int32_t axis = 0, slot[3];
    dc_step *step;

    DC_TRY(check_scalars(op, p));
    DC_TRY(check_arrays(op, p, &axis));
    DC_TRY(resolve_rows(op, p, axis, &r));
    DC_TRY(check_dst(op, p, axis, &r));
    if (dc_array_elements(&p->dst) == 0)
        return DC_OK;
    fill_args(op, p, axis, &r, &a);
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    if (a.has_table) {
        const int64_t n = r.window < r.rows ? r.window : r.rows;
        dc_rolling_rank *table = rank_table(plan->arena, p->q, p->interpolation, n);
        DC_REQUIRE(table, DC_E_MEMORY, "%s: no memory for the ranks of %lld values", op->name,
                   (long long)n);
        slot[2] = dc__plan_table(plan, table, n * (int64_t)sizeof *table);
    }
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, a.has_table, &a,
                         sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.out_rows;
    step->space[1] = a.series;
    estimate(op, p, &r, &a, plan);
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_rolling_params, field)
static const dc_param_info rolling_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, 1 to 8 axes, float32 or float64; NaN is missing."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, dtype of src, shape of src but for the rows put out along the axis."},
    {"window", DC_PARAM_INT64, AT(window), 0, 1, 0, 1, INFINITY, NULL,
     "Rows of a window; may exceed the series; ignored when expanding."},
    {"min_periods", DC_PARAM_INT64, AT(min_periods), 0, 0, 1, 0, INFINITY, NULL,
     "Valid values a window needs, else NaN; default: the window (expanding: 1)."},
    {"center", DC_PARAM_BOOL, AT(center), 0, 0, 0, 0, 1, NULL,
     "Put the row in the middle of its window, not at its end."},
    {"step", DC_PARAM_INT64, AT(step), 1, 0, 0, 1, INFINITY, NULL, "Put out every step-th row."},
    {"ddof", DC_PARAM_INT64, AT(ddof), 1, 0, 0, 0, INFINITY, NULL,
     "Divisor of var and std is the number of valid values less ddof."},
    {"q", DC_PARAM_DOUBLE, AT(q), 0.5, 0, 0, 0, 1, NULL, "Quantile to compute."},
    {"interpolation", DC_PARAM_CHOICE, AT(interpolation), DC_QUANTILE_LINEAR, 0, 0, 0,
     DC_QUANTILE_MIDPOINT, "linear lower higher nearest midpoint", "Quantile between two values."},
    {"axis", DC_PARAM_INT32, AT(axis), 0, 0, 0, -DC_MAX_NDIM, DC_MAX_NDIM - 1, NULL,
     "Axis of time; negative counts from the last."},
    {"expanding", DC_PARAM_BOOL, AT(expanding), 0, 0, 0, 0, 1, NULL,
     "The window of a row is all rows up to it."},
    {"inf", DC_PARAM_CHOICE, AT(inf), DC_INF_MISSING, 0, 0, 0, DC_INF_VALUE, "missing value",
     "Whether an infinity counts as missing or as a value."},
    {"row_first", DC_PARAM_INT64, AT(row_first), 0, 0, 0, 0, INFINITY, NULL,
     "First row put out; the rows before it only fill windows."},
    {"row_last", DC_PARAM_INT64, AT(row_last), 0, 0, 1, 0, INFINITY, NULL,
     "One past the last row put out; default: the rows of src."},
};
#undef AT

static const dc_rolling_params rolling_init = DC_ROLLING_PARAMS_INIT;

const dc_family dc__rolling_family = {
    .name = "rolling",
    .call = "dc_rolling",
    .source = dc__cl_rolling,
    .params = rolling_params,
    .nparams = sizeof rolling_params / sizeof *rolling_params,
    .params_bytes = sizeof(dc_rolling_params),
    .params_init = &rolling_init,
    .plan = rolling_plan,
};

dc_status dc_rolling(dc_queue *queue, const dc_rolling_params *params, dc_event **done)
{
    dc_rolling_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__rolling_family, &whole, params));
    op = dc__op_of_kind(&dc__rolling_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_rolling: kind is %d, must be %d ... %d (DC_ROLLING_*)",
               (int)whole.kind, DC_ROLLING_COUNT, DC_ROLLING_QUANTILE);
    return dc__run(queue, op, &whole, done);
}

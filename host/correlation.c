/* Correlation: what the caller may ask, and the plan that answers it. */
#include "dualcube/correlation.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/backend.h"
#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/correlation.h"

extern const unsigned char dc__cl_correlation[];

enum {
    NODE_BYTES = 4 << 20, /* of all blocks together */
    LEAST_LEAVES = 2      /* of a block, where there are many */
};

static dc_status check_scalars(const dc_op *op, const dc_correlation_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_REQUIRE(p->inf == DC_INF_MISSING || p->inf == DC_INF_VALUE, DC_E_ARGUMENT,
               "%s: inf is %d, must be 0 ... 1", op->name, (int)p->inf);
    DC_REQUIRE(p->reserved == 0, DC_E_ARGUMENT, "%s: reserved is %d, must be 0", op->name,
               (int)p->reserved);
    DC_REQUIRE(p->ddof >= 0, DC_E_ARGUMENT, "%s: ddof is %lld, must be at least 0", op->name,
               (long long)p->ddof);
    DC_REQUIRE(p->min_periods >= 0, DC_E_ARGUMENT, "%s: min_periods is %lld, must be at least 0",
               op->name, (long long)p->min_periods);
    return DC_OK;
}

static dc_status check_anchor(const dc_op *op, const dc_correlation_params *p)
{
    if (p->anchor.count == 0)
        return DC_OK;
    DC_REQUIRE(op->kind != DC_CORRELATION_SPEARMAN, DC_E_ARGUMENT,
               "%s: anchor has %lld numbers, ranks have none", op->name,
               (long long)p->anchor.count);
    DC_REQUIRE(p->anchor.at, DC_E_ARGUMENT, "%s: anchor.at is NULL, must be %lld numbers", op->name,
               (long long)p->anchor.count);
    DC_REQUIRE(p->anchor.count == p->src.shape[1], DC_E_ARGUMENT,
               "%s: anchor has %lld numbers, must have %lld, one for each column of src", op->name,
               (long long)p->anchor.count, (long long)p->src.shape[1]);
    for (int64_t i = 0; i < p->anchor.count; ++i)
        DC_REQUIRE(
            isfinite(p->src.dtype == DC_F32 ? (double)(float)p->anchor.at[i] : p->anchor.at[i]),
            DC_E_ARGUMENT, "%s: anchor[%lld] is %g, must be finite in the dtype", op->name,
            (long long)i, p->anchor.at[i]);
    return DC_OK;
}

/* `axes` axes: of the columns, before them those of `fields`. */
static dc_status check_output(const dc_op *op, const dc_correlation_params *p, const dc_array *dst,
                              const char *name, int32_t dtype, int32_t axes, int64_t fields)
{
    DC_TRY(dc__array_check_output_dtype(op, dst, name, 1 << dtype));
    DC_REQUIRE(dst->ndim == axes, DC_E_ARGUMENT, "%s: %s has %d axes, must have %d", op->name, name,
               (int)dst->ndim, (int)axes);
    for (int32_t d = 0; d < axes; ++d) {
        const int64_t wanted = axes == 3 && d == 0 ? fields : p->src.shape[1];

        DC_REQUIRE(dst->shape[d] == wanted, DC_E_ARGUMENT, "%s: %s.shape[%d] is %lld, must be %lld",
                   op->name, name, (int)d, (long long)dst->shape[d], (long long)wanted);
    }
    return DC_OK;
}

static dc_status check_outputs(const dc_op *op, const dc_correlation_params *p)
{
    const int gram = op->kind == DC_CORRELATION_GRAM;

    DC_TRY(check_output(op, p, &p->dst, "dst", p->src.dtype, gram ? 3 : 2, DC_CORRELATION_FIELDS));
    if (p->dst2.ndim == 0)
        return DC_OK;
    DC_REQUIRE(gram || op->kind == DC_CORRELATION_COVARIANCE, DC_E_ARGUMENT,
               "%s: dst2 is for covariance and gram alone", op->name);
    DC_TRY(check_output(op, p, &p->dst2, "dst2", gram ? DC_I64 : p->src.dtype, gram ? 2 : 1, 0));
    return dc__array_no_overlap(op, &p->dst2, "dst2", &p->dst, "dst");
}

static dc_status check(const dc_op *op, const dc_correlation_params *p)
{
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_REQUIRE(p->src.ndim == 2, DC_E_ARGUMENT, "%s: src has %d axes, must have 2: rows, columns",
               op->name, (int)p->src.ndim);
    DC_TRY(check_scalars(op, p));
    DC_TRY(check_anchor(op, p));
    DC_TRY(check_outputs(op, p));
    DC_TRY(dc__array_no_overlap(op, &p->dst, "dst", &p->src, "src"));
    return p->dst2.ndim ? dc__array_no_overlap(op, &p->dst2, "dst2", &p->src, "src") : DC_OK;
}

/* Blocks that all processors can share, as far as their nodes do not take much memory. */
static void choose_blocks(const dc_correlation_params *p, dc_correlation_args *a)
{
    const double node = DC_CORRELATION_FIELDS * (double)dc_dtype_bytes(p->src.dtype) + 8.0;
    const double bytes = node * (double)a->cols * (double)a->cols;
    int64_t most = (double)NODE_BYTES / bytes < 2.0 ? 1 : (int64_t)((double)NODE_BYTES / bytes);

    most = most < DC_CORRELATION_BLOCKS ? most : DC_CORRELATION_BLOCKS;
    a->block_leaves = a->leaves > 4 * LEAST_LEAVES ? LEAST_LEAVES : 1;
    while ((a->leaves - 1) / a->block_leaves >= most)
        a->block_leaves *= 2;
    a->blocks = (a->leaves - 1) / a->block_leaves + 1;
}

static void fill_args(const dc_op *op, const dc_correlation_params *p, dc_correlation_args *a)
{
    const int gram = op->kind == DC_CORRELATION_GRAM;

    memset(a, 0, sizeof *a);
    a->rows = p->src.shape[0];
    a->cols = p->src.shape[1];
    a->src_row = p->src.stride[0];
    a->src_col = p->src.stride[1];
    a->dst_field = gram ? p->dst.stride[0] : 0;
    a->dst_i = p->dst.stride[gram];
    a->dst_j = p->dst.stride[gram + 1];
    a->has_dst2 = p->dst2.ndim > 0;
    a->dst2_i = a->has_dst2 ? p->dst2.stride[0] : 0;
    a->dst2_j = p->dst2.ndim > 1 ? p->dst2.stride[1] : 0;
    a->leaves = a->rows > 0 ? (a->rows - 1) / DC_CORRELATION_LEAF + 1 : 1;
    a->min_periods = p->min_periods > 1 ? p->min_periods : 1;
    a->ddof = p->ddof;
    a->kind = op->kind;
    a->given = p->anchor.count > 0 || gram || op->kind == DC_CORRELATION_SPEARMAN;
    a->inf_is_value = p->inf == DC_INF_VALUE;
    choose_blocks(p, a);
}

/* Anchors in the dtype; one zero where none are given. */
static int32_t anchor_table(const dc_correlation_params *p, const dc_correlation_args *a,
                            dc_plan *plan)
{
    const int64_t size = (int64_t)dc_dtype_bytes(p->src.dtype);
    const int64_t n = a->given ? a->cols : 1;
    void *table = dc__arena_alloc(plan->arena, (size_t)(n * size));

    if (!table)
        return -1;
    for (int64_t i = 0; i < n; ++i) {
        const double x = p->anchor.count ? p->anchor.at[i] + 0.0 : 0.0;

        if (p->src.dtype == DC_F32)
            ((float *)table)[i] = (float)x;
        else
            ((double *)table)[i] = x;
    }
    return dc__plan_table(plan, table, n * size);
}

typedef struct builder {
    const dc_op *op;
    dc_plan *plan;
    dc_correlation_args *args;
    int32_t dtype;
} builder;

static dc_status add(builder *b, int32_t stage, const int32_t *slots, int32_t nin, int32_t nout,
                     int32_t naux, int64_t items)
{
    dc_step *step;

    b->args->stage = stage;
    step = dc__plan_step(b->plan, DC_STEP_LAUNCH, b->op, b->dtype, slots, nin, nout, naux, b->args,
                         sizeof *b->args);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = items;
    return DC_OK;
}

static dc_status memory_needed(const dc_op *op, const dc_correlation_args *a, int64_t size,
                               int64_t bytes[3])
{
    const int64_t part = size == 4 ? DC_CORRELATION_PART_f32 : DC_CORRELATION_PART_f64;
    int64_t pairs, all;

    DC_REQUIRE(!__builtin_mul_overflow(a->cols, a->cols, &pairs) &&
                   !__builtin_mul_overflow(a->cols, a->blocks * part, &bytes[0]) &&
                   !__builtin_mul_overflow(pairs, 64 * DC_CORRELATION_BLOCKS, &all),
               DC_E_MEMORY, "%s: pairs of %lld columns are more than 2^63 bytes", op->name,
               (long long)a->cols);
    /* One block: its nodes are results at once. */
    bytes[1] = a->blocks == 1 ? 8 : a->blocks * pairs * DC_CORRELATION_FIELDS * size;
    bytes[2] = a->blocks == 1 ? 8 : a->blocks * pairs * 8;
    return DC_OK;
}

static dc_status plan_pairs(builder *b, const dc_correlation_params *p, int32_t src, int32_t dst,
                            int32_t dst2)
{
    dc_correlation_args *const a = b->args;
    dc_plan *const plan = b->plan;
    const int64_t size = (int64_t)dc_dtype_bytes(b->dtype);
    const int64_t column = size == 4 ? DC_CORRELATION_COLUMN_f32 : DC_CORRELATION_COLUMN_f64;
    int64_t bytes[3] = {0};

    DC_TRY(memory_needed(b->op, a, size, bytes));
    const int32_t anchors = anchor_table(p, a, plan);
    const int32_t parts = dc__plan_scratch(plan, bytes[0]);
    const int32_t columns = dc__plan_scratch(plan, a->cols * column);
    const int32_t nodes = dc__plan_scratch(plan, bytes[1]);
    const int32_t counts = dc__plan_scratch(plan, bytes[2]);

    DC_TRY(add(b, DC_CORRELATION_PARTS, (int32_t[]){src, parts}, 1, 0, 1, a->blocks * a->cols));
    DC_TRY(add(b, DC_CORRELATION_COLUMNS, (int32_t[]){anchors, parts, columns}, 0, 0, 3, a->cols));
    DC_TRY(add(b, DC_CORRELATION_PAIRS, (int32_t[]){src, dst, dst2, columns, nodes, counts}, 1, 2,
               3, a->cols));
    if (a->blocks == 1)
        return DC_OK;
    return add(b, DC_CORRELATION_FINISH, (int32_t[]){dst, dst2, columns, nodes, counts}, 0, 2, 3,
               a->cols * a->cols);
}

#include "host/correlation_rank.h"

static dc_status correlation_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_correlation_params *p = params;
    dc_correlation_args a;
    builder b = {op, plan, &a, p->src.dtype};
    double values, pairs;
    int32_t src, dst;

    DC_TRY(check(op, p));
    if (p->src.shape[1] == 0)
        return DC_OK;
    fill_args(op, p, &a);
    values = (double)a.rows * (double)a.cols;
    pairs = (double)a.cols * (double)(a.cols + 1) / 2;
    plan->bytes = (values + (double)a.cols * (double)a.cols) * (double)dc_dtype_bytes(b.dtype);
    plan->flops = 2.0 * (double)a.rows * pairs;
    if (op->kind == DC_CORRELATION_SPEARMAN) {
        plan->cpu_ns = values * 60.0 + (double)a.rows * pairs * 4.0;
        return plan_spearman(&b, p);
    }
    src = dc__plan_input(plan, &p->src);
    dst = dc__plan_output(plan, &p->dst);
    return plan_pairs(&b, p, src, dst, a.has_dst2 ? dc__plan_output(plan, &p->dst2) : dst);
}

#define AT(field) (int32_t) offsetof(dc_correlation_params, field)
static const dc_param_info correlation_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input: rows, columns; float32 or float64."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output: columns, columns; gram: 3, columns, columns."},
    {"dst2", DC_PARAM_ARRAY_OUT, AT(dst2), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Means (covariance), numbers of rows (gram); may be left out."},
    {"inf", DC_PARAM_CHOICE, AT(inf), DC_INF_MISSING, 0, 0, 0, DC_INF_VALUE, "missing value",
     "Whether infinities are missing or make the results of their column NaN."},
    {"ddof", DC_PARAM_INT64, AT(ddof), 1, 0, 0, 0, INFINITY, NULL,
     "Divisor of covariances is the number of rows less ddof."},
    {"min_periods", DC_PARAM_INT64, AT(min_periods), 1, 0, 0, 0, INFINITY, NULL,
     "Rows with both values that a result needs, else NaN."},
    {"anchor", DC_PARAM_DOUBLES, AT(anchor), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Subtracted from each column before products are made; default: means."},
};
#undef AT

static const dc_correlation_params correlation_init = DC_CORRELATION_PARAMS_INIT;

const dc_family dc__correlation_family = {
    .name = "correlation",
    .call = "dc_correlation",
    .source = dc__cl_correlation,
    .params = correlation_params,
    .nparams = sizeof correlation_params / sizeof *correlation_params,
    .params_bytes = sizeof(dc_correlation_params),
    .params_init = &correlation_init,
    .plan = correlation_plan,
};

dc_status dc_correlation(dc_queue *queue, const dc_correlation_params *params, dc_event **done)
{
    dc_correlation_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__correlation_family, &whole, params));
    op = dc__op_of_kind(&dc__correlation_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT,
               "dc_correlation: kind is %d, must be %d ... %d (DC_CORRELATION_*)", (int)whole.kind,
               DC_CORRELATION_COVARIANCE, DC_CORRELATION_GRAM);
    return dc__run(queue, op, &whole, done);
}

#include "host/correlation_state.h"

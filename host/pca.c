/* Pca: what the caller may ask, and the plan that answers it. */
#include "dualcube/pca.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/pca.h"

#include "host/pca_fit.h"
#include "host/pca_model.h"

extern const unsigned char dc__cl_pca[];

enum { ROWS = 1, COLUMNS = 2, COMPONENTS = 4 }; /* lengths that axes have */

/* What each kind makes of an operand: axes as pairs of lengths, 0: not of this kind. */
typedef struct pca_operand {
    const char *name;
    size_t at; /* in dc_pca_params */
    int32_t monitor[2], inverse[2], required;
} pca_operand;

#define AT(field) #field, offsetof(dc_pca_params, field)
static const pca_operand operands[DC_PCA_OPERANDS] = {
    {AT(src), {ROWS, COLUMNS}, {ROWS, COMPONENTS}, 1},
    {AT(mean), {0, COLUMNS}, {0, COLUMNS}, 0},
    {AT(scale), {0, COLUMNS}, {0, COLUMNS}, 0},
    {AT(components), {COMPONENTS, COLUMNS}, {COMPONENTS, COLUMNS}, 1},
    {AT(weights), {0, COMPONENTS}, {0, 0}, 0},
    {AT(component_scale), {0, COMPONENTS}, {0, COMPONENTS}, 0},
    {AT(dst), {ROWS, COMPONENTS}, {ROWS, COLUMNS}, 0},
    {AT(t2), {0, ROWS}, {0, 0}, 0},
    {AT(spe), {0, ROWS}, {0, 0}, 0},
    {AT(t2_contributions), {ROWS, COLUMNS}, {0, 0}, 0},
    {AT(spe_contributions), {ROWS, COLUMNS}, {0, 0}, 0},
};
#undef AT

static const dc_array *array_of(const dc_pca_params *p, int32_t i)
{
    return (const dc_array *)(const void *)((const char *)p + operands[i].at);
}

static const int32_t *axes_of(const dc_op *op, int32_t i)
{
    return op->kind == DC_PCA_MONITOR ? operands[i].monitor : operands[i].inverse;
}

/* Is the operand of this kind, and given? */
static int given(const dc_op *op, const dc_pca_params *p, int32_t i)
{
    return axes_of(op, i)[1] != 0 && array_of(p, i)->ndim != 0;
}

static dc_status check_shape(const dc_op *op, const dc_pca_params *p, int32_t i,
                             const dc_pca_args *a)
{
    const dc_array *const array = array_of(p, i);
    const int32_t *const axes = axes_of(op, i);
    const int32_t ndim = axes[0] ? 2 : 1;

    DC_REQUIRE(array->ndim == ndim, DC_E_ARGUMENT, "%s: %s has %d axes, must have %d", op->name,
               operands[i].name, (int)array->ndim, (int)ndim);
    for (int32_t d = 0; d < ndim; ++d) {
        const int32_t axis = axes[2 - ndim + d];
        const int64_t want = axis == ROWS ? a->rows : axis == COLUMNS ? a->columns : a->components;

        DC_REQUIRE(array->shape[d] == want, DC_E_ARGUMENT,
                   "%s: %s.shape[%d] is %lld, must be %lld, the number of %s", op->name,
                   operands[i].name, (int)d, (long long)array->shape[d], (long long)want,
                   axis == ROWS      ? "rows of src"
                   : axis == COLUMNS ? "columns of components"
                                     : "components");
    }
    return DC_OK;
}

static dc_status check_arrays(const dc_op *op, const dc_pca_params *p, const dc_pca_args *a)
{
    for (int32_t i = 0; i < DC_PCA_OPERANDS; ++i) {
        const char *const name = operands[i].name;

        if (!given(op, p, i) || i == DC_PCA_SRC || i == DC_PCA_COMPONENTS)
            continue;
        if (i < DC_PCA_DST)
            DC_TRY(dc__array_check_dtype(op, array_of(p, i), name, 1 << p->src.dtype));
        else
            DC_TRY(dc__array_check_output_dtype(op, array_of(p, i), name, 1 << p->src.dtype));
    }
    for (int32_t i = 0; i < DC_PCA_OPERANDS; ++i)
        if (given(op, p, i))
            DC_TRY(check_shape(op, p, i, a));
    for (int32_t i = DC_PCA_DST; i < DC_PCA_OPERANDS; ++i)
        for (int32_t k = 0; given(op, p, i) && k < i; ++k)
            if (given(op, p, k))
                DC_TRY(dc__array_no_overlap(op, array_of(p, i), operands[i].name, array_of(p, k),
                                            operands[k].name));
    return DC_OK;
}

static dc_status check(const dc_op *op, const dc_pca_params *p, dc_pca_args *a)
{
    int32_t outputs = 0;

    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_REQUIRE(p->missing == DC_PCA_MISSING_NAN || p->missing == DC_PCA_MISSING_MEAN, DC_E_ARGUMENT,
               "%s: missing is %d, must be 0 ... 1", op->name, (int)p->missing);
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_REQUIRE(p->src.ndim == 2, DC_E_ARGUMENT, "%s: src has %d axes, must have 2", op->name,
               (int)p->src.ndim);
    DC_TRY(dc__array_check_dtype(op, &p->components, "components", 1 << p->src.dtype));
    DC_REQUIRE(p->components.ndim == 2, DC_E_ARGUMENT, "%s: components has %d axes, must have 2",
               op->name, (int)p->components.ndim);
    for (int32_t d = 0; d < 2; ++d)
        DC_REQUIRE(p->components.shape[d] >= 1 && p->components.shape[d] <= INT32_MAX / 64,
                   DC_E_ARGUMENT, "%s: components.shape[%d] is %lld, must be 1 ... %d", op->name,
                   (int)d, (long long)p->components.shape[d], INT32_MAX / 64);
    a->rows = p->src.shape[0];
    a->columns = p->components.shape[1];
    a->components = p->components.shape[0];
    DC_TRY(check_arrays(op, p, a));
    for (int32_t i = DC_PCA_DST; i < DC_PCA_OPERANDS; ++i)
        outputs += given(op, p, i);
    DC_REQUIRE(outputs > 0, DC_E_ARGUMENT, "%s: no output is given: dst%s must be", op->name,
               op->kind == DC_PCA_MONITOR ? ", t2, spe or contributions" : "");
    return DC_OK;
}

/* Slots in operand order; an operand left out has the place of one that is there. */
static int32_t put_slots(const dc_op *op, const dc_pca_params *p, dc_plan *plan, dc_pca_args *a,
                         int32_t slot[DC_PCA_OPERANDS])
{
    int32_t n = 0, input = -1, output = -1, place[DC_PCA_OPERANDS];

    for (int32_t i = 0; i < DC_PCA_OPERANDS; ++i) {
        const dc_array *const array = array_of(p, i);
        int32_t *const any = i < DC_PCA_DST ? &input : &output;

        place[i] = -1;
        if (!given(op, p, i)) {
            a->absent |= 1 << i;
            continue;
        }
        place[i] = i < DC_PCA_DST ? dc__plan_input(plan, array) : dc__plan_output(plan, array);
        a->row_stride[i] = array->ndim > 1 ? array->stride[0] : 0;
        a->stride[i] = array->stride[array->ndim - 1];
        *any = *any < 0 ? place[i] : *any;
    }
    for (int32_t i = 0; i < DC_PCA_OPERANDS; ++i)
        if (axes_of(op, i)[1])
            slot[n++] = place[i] >= 0 ? place[i] : i < DC_PCA_DST ? input : output;
    return n;
}

static dc_status pca_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_pca_params *p = params;
    int32_t slot[DC_PCA_OPERANDS];
    double cells, products, size;
    dc_pca_args a;
    dc_step *step;

    memset(&a, 0, sizeof a);
    DC_TRY(check(op, p, &a));
    if (a.rows == 0)
        return DC_OK;
    a.kind = op->kind;
    a.missing = p->missing;
    a.signed_residuals = p->signed_residuals != 0;
    put_slots(op, p, plan, &a, slot);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, op->inputs, op->outputs, 0,
                         &a, sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.rows;
    size = (double)dc_dtype_bytes(p->src.dtype);
    cells = (double)a.rows * (double)a.columns;
    products = op->kind == DC_PCA_INVERSE                                           ? 1
               : (a.absent >> DC_PCA_SPE & 1) && (a.absent >> DC_PCA_SPE_PARTS & 1) ? 1
                                                                                    : 2;
    products += op->kind == DC_PCA_MONITOR && !(a.absent >> DC_PCA_T2_PARTS & 1);
    for (int32_t i = 0; i < DC_PCA_OPERANDS; ++i)
        if (!(a.absent >> i & 1))
            plan->bytes += (double)dc_array_elements(array_of(p, i)) * size;
    plan->flops = cells * (2.0 * products * (double)a.components + 5.0);
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_pca_params, field)
#define ARRAY(name, type, required, text)                                                          \
    {                                                                                              \
#name, type, AT(name), 0, required, 0, -INFINITY, INFINITY, NULL, text                     \
    }
static const dc_param_info pca_params[] = {
    ARRAY(src, DC_PARAM_ARRAY_IN, 1, "Rows (monitor) or scores (inverse), two axes."),
    ARRAY(mean, DC_PARAM_ARRAY_IN, 0, "Means of the columns."),
    ARRAY(scale, DC_PARAM_ARRAY_IN, 0, "Factors of the columns after centring."),
    ARRAY(components, DC_PARAM_ARRAY_IN, 1, "Components, one a row."),
    ARRAY(weights, DC_PARAM_ARRAY_IN, 0, "One over the variances of the scores."),
    ARRAY(component_scale, DC_PARAM_ARRAY_IN, 0, "Factors of the scores."),
    ARRAY(dst, DC_PARAM_ARRAY_OUT, 0, "Scores (monitor) or rows (inverse)."),
    ARRAY(t2, DC_PARAM_ARRAY_OUT, 0, "Hotelling's T2 of each row."),
    ARRAY(spe, DC_PARAM_ARRAY_OUT, 0, "Squared prediction error of each row."),
    ARRAY(t2_contributions, DC_PARAM_ARRAY_OUT, 0, "Contributions of the columns to T2."),
    ARRAY(spe_contributions, DC_PARAM_ARRAY_OUT, 0, "Contributions of the columns to SPE."),
    {"missing", DC_PARAM_CHOICE, AT(missing), DC_PCA_MISSING_NAN, 0, 0, 0, DC_PCA_MISSING_MEAN,
     "nan mean", "What a NaN is."},
    {"signed_residuals", DC_PARAM_BOOL, AT(signed_residuals), 0, 0, 0, 0, 1, NULL,
     "Contributions to SPE are the residuals, not their squares."},
};
#undef ARRAY
#undef AT

static const dc_pca_params pca_init = DC_PCA_PARAMS_INIT;

const dc_family dc__pca_family = {
    .name = "pca",
    .call = "dc_pca",
    .source = dc__cl_pca,
    .params = pca_params,
    .nparams = sizeof pca_params / sizeof *pca_params,
    .params_bytes = sizeof(dc_pca_params),
    .params_init = &pca_init,
    .plan = pca_plan,
};

dc_status dc_pca(dc_queue *queue, const dc_pca_params *params, dc_event **done)
{
    dc_pca_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__pca_family, &whole, params));
    op = dc__op_of_kind(&dc__pca_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_pca: kind is %d, must be %d ... %d (DC_PCA_*)",
               (int)whole.kind, DC_PCA_MONITOR, DC_PCA_INVERSE);
    return dc__run(queue, op, &whole, done);
}

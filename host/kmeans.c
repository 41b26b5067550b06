/* Kmeans: what the caller may ask, and the plan that answers it. */
#include "dualcube/kmeans.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/kmeans.h"

extern const unsigned char dc__cl_kmeans[];

static dc_status check(const dc_op *op, const dc_kmeans_params *p)
{
    DC_REQUIRE(p->kind == -1 || p->kind == op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", op->name, (int)p->kind,
               (int)op->kind);
    DC_REQUIRE(isfinite(p->a), DC_E_ARGUMENT, "%s: a is %g, must be finite", op->name, p->a);
    DC_REQUIRE(isfinite(p->b), DC_E_ARGUMENT, "%s: b is %g, must be finite", op->name, p->b);
    DC_TRY(dc__array_check(op, &p->src, "src"));
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

/* Leave out axes of one element, merge axes that lie end to end in both arrays. */
static void merge_axes(const dc_array *src, const dc_array *dst, dc_kmeans_args *a)
{
    for (int32_t d = 0; d < src->ndim; ++d) {
        const int64_t n = src->shape[d];
        const int32_t m = a->ndim - 1;

        if (n == 1)
            continue;
        if (m >= 0 && a->src_stride[m] == src->stride[d] * n &&
            a->dst_stride[m] == dst->stride[d] * n) {
            a->shape[m] *= n;
        } else {
            a->shape[a->ndim++] = n;
        }
        a->src_stride[a->ndim - 1] = src->stride[d];
        a->dst_stride[a->ndim - 1] = dst->stride[d];
    }
    if (a->ndim == 0) {
        a->shape[0] = a->src_stride[0] = a->dst_stride[0] = 1;
        a->ndim = 1;
    }
}

static dc_status kmeans_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_kmeans_params *p = params;
    dc_kmeans_args a;
    int32_t slot[2];
    dc_step *step;

    DC_TRY(check(op, p));
    memset(&a, 0, sizeof a);
    a.count = dc_array_elements(&p->src);
    if (a.count == 0)
        return DC_OK;
    a.a64 = p->a;
    a.b64 = p->b;
    a.a32 = (float)p->a;
    a.b32 = (float)p->b;
    a.kind = op->kind;
    merge_axes(&p->src, &p->dst, &a);
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, 0, &a, sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = a.count;
    plan->bytes = 2.0 * (double)a.count * (double)dc_dtype_bytes(p->src.dtype);
    plan->flops = 2.0 * (double)a.count;
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_kmeans_params, field)
static const dc_param_info kmeans_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input, 1 to 8 axes, float32 or float64."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, dtype and shape of src."},
    {"a", DC_PARAM_DOUBLE, AT(a), 1, 0, 0, -INFINITY, INFINITY, NULL, "Factor, finite."},
    {"b", DC_PARAM_DOUBLE, AT(b), 0, 0, 0, -INFINITY, INFINITY, NULL, "Offset, finite."},
};
#undef AT

static const dc_kmeans_params kmeans_init = DC_KMEANS_PARAMS_INIT;

const dc_family dc__kmeans_family = {
    .name = "kmeans",
    .call = "dc_kmeans",
    .source = dc__cl_kmeans,
    .params = kmeans_params,
    .nparams = sizeof kmeans_params / sizeof *kmeans_params,
    .params_bytes = sizeof(dc_kmeans_params),
    .params_init = &kmeans_init,
    .plan = kmeans_plan,
};

dc_status dc_kmeans(dc_queue *queue, const dc_kmeans_params *params, dc_event **done)
{
    dc_kmeans_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__kmeans_family, &whole, params));
    op = dc__op_of_kind(&dc__kmeans_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_kmeans: kind is %d, must be %d (DC_KMEANS_*)",
               (int)whole.kind, DC_KMEANS_SCALE);
    return dc__run(queue, op, &whole, done);
}

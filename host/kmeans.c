/* k-means: what the caller may ask of a pass over the rows, and the plan that answers it. */
#include "dualcube/kmeans.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/reduce.h"
#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/kmeans.h"
#include "kernels/shared/random.h"

extern const unsigned char dc__cl_kmeans[];

/* ---- what may be asked --------------------------------------------------------------------- */

typedef struct wanted {
    const dc_op *op;
    const dc_kmeans_params *p;
    dc_kmeans_args a;
    int32_t dtype;
} wanted;

/* `array` must be dense, of `ndim` axes and of this shape and dtype. */
static dc_status shaped(const wanted *w, const dc_array *array, const char *name, int output,
                        int32_t dtype, int32_t ndim, const int64_t *shape)
{
    DC_TRY(output ? dc__array_check_output_dtype(w->op, array, name, 1 << dtype)
                  : dc__array_check_dtype(w->op, array, name, 1 << dtype));
    DC_REQUIRE(array->ndim == ndim, DC_E_ARGUMENT, "%s: %s has %d axes, must have %d", w->op->name,
               name, (int)array->ndim, (int)ndim);
    for (int32_t i = 0; i < ndim; ++i)
        DC_REQUIRE(array->shape[i] == shape[i], DC_E_ARGUMENT,
                   "%s: %s.shape[%d] is %lld, must be %lld", w->op->name, name, (int)i,
                   (long long)array->shape[i], (long long)shape[i]);
    DC_REQUIRE(dc_array_elements(array) == 0 || dc__array_is_dense(array), DC_E_ARGUMENT,
               "%s: %s has gaps or another order, must be row-major without gaps", w->op->name,
               name);
    return DC_OK;
}

static int64_t blocks_of(int64_t n)
{
    return n / DC_KMEANS_BLOCK + (n % DC_KMEANS_BLOCK != 0);
}

static dc_status check_pack(wanted *w)
{
    const dc_kmeans_params *const p = w->p;

    DC_REQUIRE(p->src.ndim == 2, DC_E_ARGUMENT, "%s: src has %d axes, must have 2", w->op->name,
               (int)p->src.ndim);
    w->a.n = p->src.shape[0];
    w->a.d = p->src.shape[1];
    w->a.k = 1;
    w->a.blocks = blocks_of(w->a.n);
    w->a.row_stride = p->src.stride[0];
    w->a.column_stride = p->src.stride[1];
    w->a.shifted = p->centers.ndim != 0;
    DC_REQUIRE(w->a.d >= 1, DC_E_ARGUMENT, "%s: src.shape[1] is 0, must be at least 1",
               w->op->name);
    if (w->a.shifted)
        DC_TRY(shaped(w, &p->centers, "centers", 0, w->dtype, 1, &w->a.d));
    return shaped(w, &p->dst, "dst", 1, w->dtype, 3,
                  (int64_t[]){w->a.blocks, w->a.d, DC_KMEANS_BLOCK});
}

/* Packed rows, how many, and centres. */
static dc_status check_packed(wanted *w)
{
    const dc_kmeans_params *const p = w->p;
    const int32_t kind = w->op->kind;

    DC_REQUIRE(p->src.ndim == 3 && p->src.shape[2] == DC_KMEANS_BLOCK, DC_E_ARGUMENT,
               "%s: src has %d axes with %lld at last, must have 3 with %d (what pack makes)",
               w->op->name, (int)p->src.ndim,
               (long long)(p->src.ndim > 0 ? p->src.shape[p->src.ndim - 1] : 0), DC_KMEANS_BLOCK);
    DC_TRY(shaped(w, &p->src, "src", 0, w->dtype, 3, p->src.shape));
    w->a.blocks = p->src.shape[0];
    w->a.d = p->src.shape[1];
    w->a.n = p->rows == DC_DEFAULT ? w->a.blocks * DC_KMEANS_BLOCK : p->rows;
    DC_REQUIRE(w->a.d >= 1, DC_E_ARGUMENT, "%s: src.shape[1] is 0, must be at least 1",
               w->op->name);
    DC_REQUIRE(w->a.n >= 0 && blocks_of(w->a.n) == w->a.blocks, DC_E_ARGUMENT,
               "%s: rows is %lld, must fill the %lld blocks of src but the last", w->op->name,
               (long long)w->a.n, (long long)w->a.blocks);
    w->a.k = 1;
    if (kind == DC_KMEANS_SUMS)
        return DC_OK;
    if (kind == DC_KMEANS_SILHOUETTE) {
        DC_REQUIRE(p->state.ndim == 1 && p->state.shape[0] >= 2, DC_E_ARGUMENT,
                   "%s: state has %d axes and %lld first rows, must have 1 and at least 2",
                   w->op->name, (int)p->state.ndim,
                   (long long)(p->state.ndim > 0 ? p->state.shape[0] : 0));
        w->a.k = p->state.shape[0] - 1;
        return shaped(w, &p->state, "state", 0, DC_I64, 1, p->state.shape);
    }
    DC_REQUIRE(p->centers.ndim == 2, DC_E_ARGUMENT, "%s: centers has %d axes, must have 2",
               w->op->name, (int)p->centers.ndim);
    w->a.k = p->centers.shape[0];
    DC_REQUIRE(w->a.k >= 1 && w->a.k <= INT32_MAX, DC_E_ARGUMENT,
               "%s: centers.shape[0] is %lld, must be 1 to 2147483647", w->op->name,
               (long long)w->a.k);
    return shaped(w, &p->centers, "centers", 0, w->dtype, 2, (int64_t[]){w->a.k, w->a.d});
}

static dc_status check_exponents(const wanted *w)
{
    const dc_int64s *const e = &w->p->exponents;

    DC_REQUIRE(e->count == w->a.d && e->at, DC_E_ARGUMENT,
               "%s: exponents has %lld entries, must have %lld, one for each column", w->op->name,
               (long long)e->count, (long long)w->a.d);
    for (int64_t i = 0; i < e->count; ++i)
        DC_REQUIRE(e->at[i] >= -2000 && e->at[i] <= 2000, DC_E_ARGUMENT,
                   "%s: exponents[%lld] is %lld, must be -2000 to 2000", w->op->name, (long long)i,
                   (long long)e->at[i]);
    return DC_OK;
}

static dc_status check_arrays(wanted *w)
{
    const dc_kmeans_params *const p = w->p;
    const int64_t n = w->a.n, d = w->a.d, k = w->a.k, b = w->a.blocks;
    const int64_t limbs = w->dtype == DC_F32 ? 1 : 2, entry = DC_KMEANS_HEAD + limbs * d;
    const int64_t state[] = {k + 1, entry};

    w->a.weighted = p->weights.ndim != 0;
    if (w->a.weighted)
        DC_TRY(shaped(w, &p->weights, "weights", 0, w->dtype, 1, &n));
    switch (w->op->kind) {
    case DC_KMEANS_SUMS:
        DC_TRY(check_exponents(w));
        return shaped(w, &p->dst, "dst", 1, DC_I64, 2, (int64_t[]){limbs, d});
    case DC_KMEANS_ASSIGN:
        DC_TRY(check_exponents(w));
        DC_TRY(shaped(w, &p->labels, "labels", 0, DC_I32, 1, &n));
        DC_TRY(shaped(w, &p->state, "state", 0, DC_I64, 2, state));
        DC_TRY(shaped(w, &p->sums, "sums", 1, DC_I64, 2, state));
        return shaped(w, &p->dst, "dst", 1, DC_I32, 1, &n);
    case DC_KMEANS_PREDICT:
        return shaped(w, &p->dst, "dst", 1, DC_I32, 1, &n);
    case DC_KMEANS_NEAR:
        DC_TRY(shaped(w, &p->closest, "closest", 0, w->dtype, 1, &n));
        DC_TRY(shaped(w, &p->sums, "sums", 1, DC_I64, 2, (int64_t[]){k, b}));
        return shaped(w, &p->dst, "dst", 1, w->dtype, 2, (int64_t[]){k, n});
    case DC_KMEANS_SPREAD:
        DC_TRY(shaped(w, &p->labels, "labels", 0, DC_I32, 1, &n));
        DC_TRY(shaped(w, &p->sums, "sums", 1, DC_I64, 2, (int64_t[]){k, 2}));
        return shaped(w, &p->dst, "dst", 1, w->dtype, 1, &n);
    case DC_KMEANS_TRANSFORM:
        return shaped(w, &p->dst, "dst", 1, w->dtype, 2, (int64_t[]){n, k});
    default: /* SILHOUETTE */
        return shaped(w, &p->dst, "dst", 1, w->dtype, 1, &n);
    }
}

/* No output may share memory with another array of the call. */
static dc_status check_overlap(const wanted *w)
{
    static const char *const name[] = {"src",     "centers", "labels", "weights",
                                       "closest", "state",   "dst",    "sums"};
    const dc_kmeans_params *const p = w->p;
    const dc_array *const at[] = {&p->src,     &p->centers, &p->labels, &p->weights,
                                  &p->closest, &p->state,   &p->dst,    &p->sums};

    for (int32_t i = 0; i < 8; ++i)
        for (int32_t j = 6; j < 8; ++j)
            if (i < j && at[i]->ndim > 0 && at[j]->ndim > 0)
                DC_TRY(dc__array_no_overlap(w->op, at[j], name[j], at[i], name[i]));
    return DC_OK;
}

static dc_status check(wanted *w)
{
    const dc_kmeans_params *const p = w->p;

    DC_REQUIRE(p->kind == -1 || p->kind == w->op->kind, DC_E_ARGUMENT,
               "%s: kind is %d, must be %d for this operation", w->op->name, (int)p->kind,
               (int)w->op->kind);
    DC_REQUIRE(p->exponent >= -2000 && p->exponent <= 2000, DC_E_ARGUMENT,
               "%s: exponent is %d, must be -2000 to 2000", w->op->name, (int)p->exponent);
    DC_REQUIRE(p->weight_exponent >= -2000 && p->weight_exponent <= 2000, DC_E_ARGUMENT,
               "%s: weight_exponent is %d, must be -2000 to 2000", w->op->name,
               (int)p->weight_exponent);
    DC_REQUIRE(p->scale_exponent >= -2000 && p->scale_exponent <= 2000, DC_E_ARGUMENT,
               "%s: scale_exponent is %d, must be -2000 to 2000", w->op->name,
               (int)p->scale_exponent);
    DC_TRY(dc__array_check(w->op, &p->src, "src"));
    w->dtype = p->src.dtype;
    w->a.kind = w->op->kind;
    w->a.root = p->root != 0;
    if (w->op->kind == DC_KMEANS_PACK) {
        DC_TRY(check_pack(w));
    } else {
        DC_TRY(check_packed(w));
        DC_TRY(check_arrays(w));
    }
    return check_overlap(w);
}

/* ---- the plan ------------------------------------------------------------------------------ */

/* f1 f2 = 2^e, f2 is 1 where f1 can hold it all; e is cut to what two factors hold. */
static void factors(int64_t e, int32_t dtype, double *f1, double *f2)
{
    const int64_t most = dtype == DC_F32 ? 126 : 1022;

    e = e > 2 * most ? 2 * most : e < -2 * most ? -2 * most : e;
    const int64_t one = e > most ? most : e < -most ? -most : e;

    *f1 = ldexp(1.0, (int)one);
    *f2 = ldexp(1.0, (int)(e - one));
}

static void set_factors(wanted *w)
{
    const dc_kmeans_params *const p = w->p;
    const int64_t e = w->op->kind == DC_KMEANS_PACK ? p->scale_exponent : p->exponent;

    factors(e, w->dtype, &w->a.g64[0], &w->a.g64[1]);
    factors(p->weight_exponent, w->dtype, &w->a.g64[2], &w->a.g64[3]);
    for (int i = 0; i < 4; ++i)
        w->a.g32[i] = w->dtype == DC_F32 ? (float)w->a.g64[i] : 0.0F;
}

/* Table of the columns' factors. */
static int32_t add_factors(const wanted *w, dc_plan *plan)
{
    const int64_t d = w->a.d, size = (int64_t)dc_dtype_bytes(w->dtype);
    void *const table = dc__arena_alloc(plan->arena, (size_t)(2 * d * size));

    if (!table)
        return -1;
    for (int64_t i = 0; i < d; ++i) {
        double f1, f2;

        factors(w->p->exponents.at[i], w->dtype, &f1, &f2);
        if (w->dtype == DC_F32) {
            ((float *)table)[i] = (float)f1;
            ((float *)table)[d + i] = (float)f2;
        } else {
            ((double *)table)[i] = f1;
            ((double *)table)[d + i] = f2;
        }
    }
    return dc__plan_table(plan, table, 2 * d * size);
}

/* `slot` holds zeros before the pass adds to it. */
static dc_status add_zeros(const wanted *w, dc_plan *plan, int32_t slot, int64_t bytes)
{
    void *const zeros = dc__arena_alloc(plan->arena, (size_t)bytes);
    int32_t both[2];
    dc_step *step;

    DC_REQUIRE(zeros, DC_E_MEMORY, "%s: out of host memory", w->op->name);
    memset(zeros, 0, (size_t)bytes);
    both[0] = dc__plan_table(plan, zeros, bytes);
    both[1] = slot;
    step = dc__plan_step(plan, DC_STEP_COPY, w->op, w->dtype, both, 1, 1, 0, NULL, 0);
    if (!step)
        return DC_E_MEMORY;
    step->u.copy = (dc_copy_step){bytes, 0, 0};
    return DC_OK;
}

/* Operands of the pass in the order of its mirror and kernel. */
static dc_status add_pass(wanted *w, dc_plan *plan)
{
    const dc_kmeans_params *const p = w->p;
    const int32_t kind = w->op->kind, src = dc__plan_input(plan, &p->src);
    const int32_t weights = w->a.weighted ? dc__plan_input(plan, &p->weights) : src;
    int32_t slot[8], n = 0, in, out = 1, aux = 0;
    dc_step *step;

    slot[n++] = src;
    if (kind == DC_KMEANS_PACK)
        slot[n++] = w->a.shifted ? dc__plan_input(plan, &p->centers) : src;
    else if (kind == DC_KMEANS_SILHOUETTE)
        slot[n++] = dc__plan_input(plan, &p->state);
    else if (kind != DC_KMEANS_SUMS)
        slot[n++] = dc__plan_input(plan, &p->centers);
    if (kind == DC_KMEANS_ASSIGN || kind == DC_KMEANS_SPREAD)
        slot[n++] = dc__plan_input(plan, &p->labels);
    if (kind == DC_KMEANS_ASSIGN || kind == DC_KMEANS_SPREAD || kind == DC_KMEANS_NEAR)
        slot[n++] = weights;
    if (kind == DC_KMEANS_NEAR)
        slot[n++] = dc__plan_input(plan, &p->closest);
    if (kind == DC_KMEANS_ASSIGN)
        slot[n++] = dc__plan_input(plan, &p->state);
    in = n;
    slot[n++] = dc__plan_output(plan, &p->dst);
    if (kind == DC_KMEANS_ASSIGN || kind == DC_KMEANS_SPREAD || kind == DC_KMEANS_NEAR) {
        slot[n++] = dc__plan_output(plan, &p->sums);
        out = 2;
    }
    if (kind == DC_KMEANS_SUMS)
        DC_TRY(add_zeros(w, plan, slot[n - 1], dc_array_elements(&p->dst) * 8));
    else if (kind == DC_KMEANS_SPREAD)
        DC_TRY(add_zeros(w, plan, slot[n - 1], w->a.k * 16));
    else if (kind == DC_KMEANS_ASSIGN) {
        const int32_t both[] = {slot[in - 1], slot[n - 1]};

        step = dc__plan_step(plan, DC_STEP_COPY, w->op, w->dtype, both, 1, 1, 0, NULL, 0);
        if (!step)
            return DC_E_MEMORY;
        step->u.copy = (dc_copy_step){dc_array_elements(&p->state) * 8, 0, 0};
    }
    if (w->a.n == 0)
        return DC_OK;
    if (kind == DC_KMEANS_SUMS || kind == DC_KMEANS_ASSIGN) {
        slot[n++] = add_factors(w, plan);
        aux = 1;
    }
    step = dc__plan_step(plan, DC_STEP_LAUNCH, w->op, w->dtype, slot, in, out, aux, &w->a,
                         sizeof w->a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = w->a.n;
    return DC_OK;
}

static void set_cost(const wanted *w, dc_plan *plan)
{
    const double n = (double)w->a.n, d = (double)w->a.d, size = (double)dc_dtype_bytes(w->dtype);
    double pairs = n * (double)w->a.k;

    if (w->op->kind == DC_KMEANS_SILHOUETTE)
        pairs = n * n;
    else if (w->op->kind == DC_KMEANS_SPREAD)
        pairs = n;
    plan->bytes = n * d * size * (w->op->kind == DC_KMEANS_PACK ? 2 : 1) +
                  4 * n * (w->op->kind == DC_KMEANS_TRANSFORM ? (double)w->a.k : 2);
    plan->flops = 2 * pairs * d;
    plan->cpu_ns = plan->flops * size / 4 / 100 + plan->bytes / 10;
}

static dc_status kmeans_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    wanted w;

    memset(&w, 0, sizeof w);
    w.op = op;
    w.p = params;
    DC_TRY(check(&w));
    set_factors(&w);
    DC_TRY(add_pass(&w, plan));
    set_cost(&w, plan);
    return DC_OK;
}

/* ---- parameters ---------------------------------------------------------------------------- */

#define AT(field) (int32_t) offsetof(dc_kmeans_params, field)
#define ARRAY(field, type, required, help)                                                         \
    {                                                                                              \
#field, type, AT(field), 0, required, 0, -INFINITY, INFINITY, NULL, help                   \
    }
#define WHOLE(field, help)                                                                         \
    {                                                                                              \
#field, DC_PARAM_INT32, AT(field), 0, 0, 0, -2000, 2000, NULL, help                        \
    }
static const dc_param_info kmeans_params[] = {
    ARRAY(src, DC_PARAM_ARRAY_IN, 1, "Rows (pack), else packed rows, float32 or float64."),
    ARRAY(centers, DC_PARAM_ARRAY_IN, 0, "Centres or candidates; pack: what is subtracted."),
    ARRAY(labels, DC_PARAM_ARRAY_IN, 0, "Labels so far, int32."),
    ARRAY(weights, DC_PARAM_ARRAY_IN, 0, "Weights of the rows."),
    ARRAY(closest, DC_PARAM_ARRAY_IN, 0, "Closest squared distances so far."),
    ARRAY(state, DC_PARAM_ARRAY_IN, 0, "Sums so far (assign), first rows (silhouette), int64."),
    ARRAY(dst, DC_PARAM_ARRAY_OUT, 1, "Result for each row."),
    ARRAY(sums, DC_PARAM_ARRAY_OUT, 0, "Fixed-point sums, int64."),
    {"exponents", DC_PARAM_INT64S, AT(exponents), 0, 0, 0, -2000, 2000, NULL,
     "Binary places behind the point of each column's sums."},
    {"rows", DC_PARAM_INT64, AT(rows), 0, 0, 1, 0, INFINITY, NULL, "Rows in the blocks."},
    WHOLE(exponent, "Binary places behind the point of sums of distances."),
    WHOLE(weight_exponent, "Binary places behind the point of sums of weights."),
    {"root", DC_PARAM_BOOL, AT(root), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Distances, not their squares (spread)."},
    WHOLE(scale_exponent, "Packed values are multiplied by this power of two."),
};
#undef WHOLE
#undef ARRAY
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
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_kmeans: kind is %d, must be %d to %d (DC_KMEANS_*)",
               (int)whole.kind, DC_KMEANS_PACK, DC_KMEANS_SILHOUETTE);
    return dc__run(queue, op, &whole, done);
}

/* ---- the fit ------------------------------------------------------------------------------- */

#include "host/kmeans_space.h"

#include "host/kmeans_start.h"

#include "host/kmeans_lloyd.h"

#include "host/kmeans_fit.h"

#include "tests/core/probe/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char dc__cl_probe[];

#define T   float
#define SFX f32
#include "tests/core/probe/mirror.inc"
#undef T
#undef SFX
#define T   double
#define SFX f64
#include "tests/core/probe/mirror.inc"
#undef T
#undef SFX

static const dc_mirror *mirror_of(const dc_op *op, int32_t dtype, int32_t isa)
{
    static const dc_mirror mix[] = {{mix_plan, probe_mix_f32}, {mix_plan, probe_mix_f64}};
    static const dc_mirror power[] = {{power_plan_f32, probe_power_f32},
                                      {power_plan_f64, probe_power_f64}};

    (void)isa; /* one build serves all */
    if (op->id != PROBE_MIX && op->id != PROBE_POWER)
        return NULL;
    return (op->id == PROBE_MIX ? mix : power) + (dtype == DC_F64);
}

/* ---- the state ---- */

static void state_put(double *state, int64_t rows, int64_t sum, int64_t largest)
{
    const int64_t low = sum & UINT32_MAX, high = (sum - low) / ((int64_t)UINT32_MAX + 1);

    state[0] = (double)rows;
    state[1] = (double)high;
    state[2] = (double)low;
    state[3] = (double)largest;
}

static int64_t state_sum(const double *state)
{
    return (int64_t)state[1] * ((int64_t)UINT32_MAX + 1) + (int64_t)state[2];
}

void probe_state_merge(double *into, const double *other)
{
    const double largest = into[3] < other[3] ? other[3] : into[3];

    state_put(into, (int64_t)(into[0] + other[0]), state_sum(into) + state_sum(other),
              (int64_t)largest);
}

typedef struct state_args {
    int64_t rows, n;
    int32_t dtype, pad;
} state_args;

/* Operands: mixed (dense), state. */
static dc_status make_state(void *const *operand, const void *args)
{
    const state_args *a = args;
    const float *narrow = operand[0];
    const double *wide = operand[0];
    int64_t sum = 0;
    int64_t largest = 0;

    for (int64_t i = 0; i < a->rows * a->n; ++i) {
        const double x = a->dtype == DC_F64 ? wide[i] : (double)narrow[i];
        int64_t units;
        DC_REQUIRE(fabs(x) < 1e6, DC_E_ARGUMENT, "probe_digest: mixed value %g; the limit is 1e6",
                   x);
        units = llrint(x * 1048576.0);
        sum += units;
        largest = llabs(units) > largest ? llabs(units) : largest;
    }
    state_put(operand[1], a->rows, sum, largest);
    return DC_OK;
}

/* ---- plans ---- */

enum { OPS = PROBE_GEMM - PROBE_MIX + 1 };
static const dc_op ops[OPS];
#define OP(id) (&ops[(id)-PROBE_MIX])

/* Model numbers in the call's dtype, in the plan's arena. */
static int32_t table_of(dc_plan *plan, const double *value, int64_t n, int32_t dtype)
{
    const int64_t bytes = n * (int64_t)dc_dtype_bytes(dtype);
    void *data = dc__arena_alloc(plan->arena, (size_t)bytes);

    if (!data) {
        (void)dc__fail(DC_E_MEMORY, "%s: no memory for a table", plan->op->name);
        return -1;
    }
    for (int64_t i = 0; i < n; ++i)
        if (dtype == DC_F64)
            ((double *)data)[i] = value[i];
        else
            ((float *)data)[i] = (float)value[i];
    return dc__plan_table(plan, data, bytes);
}

static dc_status check_shape(const dc_op *op, const dc_array *array, const char *name, int32_t ndim,
                             int64_t d0, int64_t d1, int32_t dtype)
{
    DC_REQUIRE(array->ndim == ndim && array->shape[0] == d0 &&
                   (ndim == 1 || array->shape[1] == d1) && array->dtype == dtype,
               DC_E_ARGUMENT, "%s: %s has the wrong shape or dtype", op->name, name);
    return DC_OK;
}

static dc_status digest_check(const dc_op *op, const probe_params *p)
{
    const int64_t rows = p->in[0].shape[0], n = p->in[0].shape[1];
    const int32_t dtype = p->in[0].dtype;
    static const char *const out_name[] = {"mixed", "scores", "state"};

    DC_REQUIRE(p->model && p->in[0].ndim == 2 && n >= 1 && p->model->bins == n / 2 + 1,
               DC_E_ARGUMENT, "%s: the model is not one for rows of %lld values", op->name,
               (long long)n);
    for (int i = 0; i < PROBE_INPUTS; ++i) {
        DC_TRY(dc__array_check(op, &p->in[i], "in"));
        DC_TRY(check_shape(op, &p->in[i], "in", 2, rows, n, dtype));
    }
    for (int i = 0; i < PROBE_OUTPUTS; ++i) {
        DC_TRY(dc__array_check_output(op, &p->out[i], out_name[i]));
        for (int k = 0; k < PROBE_INPUTS; ++k)
            DC_TRY(dc__array_no_overlap(op, &p->in[k], "in", &p->out[i], out_name[i]));
    }
    DC_TRY(check_shape(op, &p->out[0], "mixed", 2, rows, n, dtype));
    DC_TRY(check_shape(op, &p->out[1], "scores", 2, rows, p->model->outputs, dtype));
    DC_TRY(check_shape(op, &p->out[2], "state", 1, PROBE_STATE, 1, DC_F64));
    DC_REQUIRE(dc__array_is_dense(&p->out[1]) && dc__array_is_dense(&p->out[2]), DC_E_ARGUMENT,
               "%s: scores and state must be dense", op->name);
    return DC_OK;
}

static int mix_step(dc_plan *plan, const probe_params *p, int32_t mixed)
{
    const int32_t dtype = p->in[0].dtype;
    const probe_mix_args args = {
        p->in[0].shape[0], p->in[0].shape[1], {p->out[0].stride[0], p->out[0].stride[1]}};
    int64_t *stride = dc__arena_alloc(plan->arena, 2 * PROBE_INPUTS * sizeof *stride);
    int32_t slot[PROBE_INPUTS + 4];
    dc_step *step;

    if (!stride)
        return 0;
    for (int i = 0; i < PROBE_INPUTS; ++i) {
        slot[i] = dc__plan_input(plan, &p->in[i]);
        stride[2 * i] = p->in[i].stride[0];
        stride[2 * i + 1] = p->in[i].stride[1];
    }
    slot[PROBE_INPUTS] = mixed;
    slot[PROBE_INPUTS + 1] = dc__plan_output(plan, &p->out[0]);
    slot[PROBE_INPUTS + 2] = table_of(plan, p->model->weight, PROBE_INPUTS, dtype);
    slot[PROBE_INPUTS + 3] = dc__plan_table(plan, stride, 2 * PROBE_INPUTS * sizeof *stride);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, OP(PROBE_MIX), dtype, slot, PROBE_INPUTS, 2, 2,
                         &args, sizeof args);
    if (!step)
        return 0;
    step->space[0] = args.rows;
    step->space[1] = args.n;
    return 1;
}

/* mixed -> spectrum -> power -> product -> scores. */
static int scores_steps(dc_plan *plan, const probe_params *p, int32_t mixed)
{
    const int32_t dtype = p->in[0].dtype;
    const int64_t rows = p->in[0].shape[0], n = p->in[0].shape[1], bins = p->model->bins,
                  k = p->model->outputs, width = (int64_t)dc_dtype_bytes(dtype);
    const probe_power_args args = {rows * bins};
    const int32_t spectrum = dc__plan_scratch(plan, 2 * rows * bins * width);
    const int32_t power = dc__plan_scratch(plan, rows * bins * width);
    const int32_t product = dc__plan_scratch(plan, rows * k * width);
    const int32_t projection = table_of(plan, p->model->projection, bins * k, dtype);
    dc_step *fft = dc__plan_step(plan, DC_STEP_FFT, plan->op, dtype, (int32_t[]){mixed, spectrum},
                                 1, 1, 0, NULL, 0);
    dc_step *step;

    if (!fft)
        return 0;
    fft->u.fft = (dc_fft_step){DC_FFT_R2C, n, rows};
    step = dc__plan_step(plan, DC_STEP_LAUNCH, OP(PROBE_POWER), dtype, (int32_t[]){spectrum, power},
                         1, 1, 0, &args, sizeof args);
    if (!step)
        return 0;
    step->space[0] = rows * bins;
    step = dc__plan_step(plan, DC_STEP_GEMM, plan->op, dtype,
                         (int32_t[]){power, projection, product}, 2, 1, 0, NULL, 0);
    if (!step)
        return 0;
    step->u.gemm = (dc_gemm_step){0, 0, rows, k, bins, bins, k, k, 1.0, 0.0};
    step = dc__plan_step(plan, DC_STEP_COPY, plan->op, dtype,
                         (int32_t[]){product, dc__plan_output(plan, &p->out[1])}, 1, 1, 0, NULL, 0);
    if (!step)
        return 0;
    step->u.copy = (dc_copy_step){rows * k * width, 0, 0};
    return 1;
}

static dc_status digest_plan(const dc_op *op, const probe_params *p, dc_plan *plan)
{
    const state_args args = {p->in[0].shape[0], p->in[0].shape[1], p->in[0].dtype, 0};
    const int64_t width = (int64_t)dc_dtype_bytes(p->in[0].dtype);
    int32_t mixed;
    dc_step *step;

    DC_TRY(digest_check(op, p));
    if (args.rows == 0)
        return DC_OK;
    mixed = dc__plan_scratch(plan, args.rows * args.n * width);
    DC_REQUIRE(mix_step(plan, p, mixed) && scores_steps(plan, p, mixed), DC_E_MEMORY,
               "%s: no memory for the plan", op->name);
    step = dc__plan_step(plan, DC_STEP_HOST, op, args.dtype,
                         (int32_t[]){mixed, dc__plan_output(plan, &p->out[2])}, 1, 1, 0, &args,
                         sizeof args);
    DC_REQUIRE(step, DC_E_MEMORY, "%s: no memory for the plan", op->name);
    step->u.host = make_state;
    return DC_OK;
}

static dc_status fft_plan(const dc_op *op, const probe_params *p, dc_plan *plan)
{
    dc_step *step;

    DC_TRY(dc__array_check(op, &p->in[0], "in"));
    DC_TRY(dc__array_check_output(op, &p->out[0], "out"));
    step = dc__plan_step(
        plan, DC_STEP_FFT, op, p->in[0].dtype,
        (int32_t[]){dc__plan_input(plan, &p->in[0]), dc__plan_output(plan, &p->out[0])}, 1, 1, 0,
        NULL, 0);
    DC_REQUIRE(step, DC_E_MEMORY, "%s: no memory for the plan", op->name);
    step->u.fft = p->fft;
    return DC_OK;
}

static dc_status gemm_plan(const dc_op *op, const probe_params *p, dc_plan *plan)
{
    const int64_t bytes = dc_array_elements(&p->in[2]) * (int64_t)dc_dtype_bytes(p->in[2].dtype);
    const int32_t c = dc__plan_scratch(plan, bytes);
    const int32_t dtype = p->in[0].dtype;
    dc_step *in, *step, *out;

    in = dc__plan_step(plan, DC_STEP_COPY, op, dtype,
                       (int32_t[]){dc__plan_input(plan, &p->in[2]), c}, 1, 1, 0, NULL, 0);
    if (in)
        in->u.copy.bytes = bytes;
    step = dc__plan_step(
        plan, DC_STEP_GEMM, op, dtype,
        (int32_t[]){dc__plan_input(plan, &p->in[0]), dc__plan_input(plan, &p->in[1]), c}, 2, 1, 0,
        NULL, 0);
    if (step)
        step->u.gemm = p->gemm;
    out = dc__plan_step(plan, DC_STEP_COPY, op, dtype,
                        (int32_t[]){c, dc__plan_output(plan, &p->out[0])}, 1, 1, 0, NULL, 0);
    DC_REQUIRE(in && step && out, DC_E_MEMORY, "%s: no memory for the plan", op->name);
    out->u.copy.bytes = bytes;
    return DC_OK;
}

static dc_status probe_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    switch (op->id) {
    case PROBE_DIGEST:
        return digest_plan(op, params, plan);
    case PROBE_FFT:
        return fft_plan(op, params, plan);
    case PROBE_GEMM:
        return gemm_plan(op, params, plan);
    default:
        return dc__fail(DC_E_UNSUPPORTED, "%s is a step, not a call", op->name);
    }
}

/* ---- the registry's rows ---- */

#define BOTH ((1 << DC_F32) | (1 << DC_F64))
#define ROW(id, name, in, out, class)                                                              \
    {                                                                                              \
        id, id, name, &family, in, out, BOTH, class, class, "probe"                                \
    }
static const dc_family family;
static const dc_op ops[OPS] = {
    ROW(PROBE_MIX, "probe_mix", PROBE_INPUTS, 2, DC_CLASS_EXACT),
    ROW(PROBE_POWER, "probe_power", 1, 1, DC_CLASS_EXACT),
    ROW(PROBE_DIGEST, "probe_digest", PROBE_INPUTS, PROBE_OUTPUTS, DC_CLASS_NORMWISE),
    ROW(PROBE_FFT, "probe_fft", 1, 1, DC_CLASS_NORMWISE),
    ROW(PROBE_GEMM, "probe_gemm", 3, 1, DC_CLASS_NORMWISE),
};
static const probe_params defaults = {.struct_size = sizeof(probe_params)};
static const dc_family family = {
    .name = "probe",
    .call = "probe",
    .source = dc__cl_probe,
    .ops = ops,
    .nops = OPS,
    .params_bytes = sizeof(probe_params),
    .params_init = &defaults,
    .plan = probe_plan,
    .mirror = mirror_of,
};

const dc_family *probe_family(void)
{
    return &family;
}

probe_params probe_params_init(void)
{
    return defaults;
}

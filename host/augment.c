/* Physics augmentation: what the caller may ask, what chance decides, and the plan. */
#include "dualcube/augment.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host/core/registry.h"
#include "host/core/run.h"
#include "kernels/shared/augment.h"

extern const unsigned char dc__cl_augment[];

enum { DRAWS = 9, NAMED_MOST = 63 };
enum { TIME = 2, PERIOD = 3, LATITUDE = 5, LONGITUDE = 6 };

/* ---- what may be asked --------------------------------------------------------------------- */

static dc_status check_chance(const dc_op *op, const char *name, double x)
{
    DC_REQUIRE(x >= 0 && x <= 1, DC_E_ARGUMENT, "%s: %s is %g, must be 0 to 1", op->name, name, x);
    return DC_OK;
}

static dc_status check_std(const dc_op *op, const char *name, double x)
{
    DC_REQUIRE(x >= 0 && isfinite((float)x), DC_E_ARGUMENT,
               "%s: %s is %g, must be at least 0 and finite in float32", op->name, name, x);
    return DC_OK;
}

static dc_status check_members(const dc_op *op, const dc_augment_params *p, const char *name,
                               int64_t members)
{
    const int64_t variables = p->src.shape[1];

    DC_REQUIRE(members >= 0 && (variables >= NAMED_MOST || members >> variables == 0),
               DC_E_ARGUMENT, "%s: %s is %lld, must have bits for the %lld variables of src alone",
               op->name, name, (long long)members, (long long)variables);
    return DC_OK;
}

static dc_status check_numbers(const dc_op *op, const dc_augment_params *p)
{
    DC_TRY(check_members(op, p, "temperature", p->temperature));
    DC_TRY(check_members(op, p, "pressure", p->pressure));
    DC_TRY(check_members(op, p, "humidity", p->humidity));
    DC_TRY(check_std(op, "temperature_std", p->temperature_std));
    DC_TRY(check_std(op, "pressure_std", p->pressure_std));
    DC_TRY(check_std(op, "humidity_std", p->humidity_std));
    DC_TRY(check_chance(op, "apply_chance", p->apply_chance));
    DC_TRY(check_chance(op, "spatial_chance", p->spatial_chance));
    DC_TRY(check_chance(op, "temporal_chance", p->temporal_chance));
    DC_TRY(check_chance(op, "smoothing_most", p->smoothing_most));
    DC_REQUIRE(isfinite(p->scale_low) && isfinite(p->scale_high) && p->scale_low <= p->scale_high,
               DC_E_ARGUMENT,
               "%s: scale_low is %g, scale_high %g; they must be finite and in order", op->name,
               p->scale_low, p->scale_high);
    DC_REQUIRE(p->offset >= 0 && p->offset <= INT64_MAX - dc_array_elements(&p->src), DC_E_ARGUMENT,
               "%s: offset is %lld, must be at least 0 and with the elements of src below 2^63",
               op->name, (long long)p->offset);
    return DC_OK;
}

static dc_status check_shift(const dc_op *op, const char *name, int64_t shift, int64_t n)
{
    DC_REQUIRE(shift >= 0 && shift < (n > 0 ? n : 1), DC_E_ARGUMENT,
               "%s: draws.%s is %lld, must be 0 to %lld", op->name, name, (long long)shift,
               (long long)(n > 0 ? n - 1 : 0));
    return DC_OK;
}

static dc_status check_given(const dc_op *op, const dc_augment_params *p)
{
    const dc_augment_draws *const d = &p->draws;

    DC_REQUIRE(d->given == 0 || d->given == 1, DC_E_ARGUMENT,
               "%s: draws.given is %d, must be 0 or 1", op->name, (int)d->given);
    if (!d->given)
        return DC_OK;
    DC_REQUIRE((d->apply == 0 || d->apply == 1) && (d->flip == 0 || d->flip == 1), DC_E_ARGUMENT,
               "%s: draws.apply is %d, draws.flip %d; they must be 0 or 1", op->name, (int)d->apply,
               (int)d->flip);
    DC_TRY(check_shift(op, "lon_shift", d->lon_shift, p->src.shape[LONGITUDE]));
    DC_TRY(check_shift(op, "time_shift", d->time_shift, p->src.shape[TIME]));
    DC_TRY(check_chance(op, "draws.smoothing", d->smoothing));
    DC_REQUIRE(isfinite(d->scale), DC_E_ARGUMENT, "%s: draws.scale is %g, must be finite", op->name,
               d->scale);
    return DC_OK;
}

/* What the draws depend on. */
static dc_status check_src(const dc_op *op, const dc_augment_params *p)
{
    DC_REQUIRE(p->src.ndim == DC_AUGMENT_AXES, DC_E_ARGUMENT,
               "%s: src has %d axes, must have 7: batch, variable, climate time, geological time, "
               "level, latitude, longitude",
               op->name, (int)p->src.ndim);
    for (int32_t d = 0; d < DC_AUGMENT_AXES; ++d)
        DC_REQUIRE(p->src.shape[d] >= 0, DC_E_ARGUMENT, "%s: src.shape[%d] is %lld, negative",
                   op->name, (int)d, (long long)p->src.shape[d]);
    DC_REQUIRE(dc_array_elements(&p->src) >= 0, DC_E_ARGUMENT,
               "%s: the elements of src are more than 2^63 - 1", op->name);
    DC_TRY(check_numbers(op, p));
    return check_given(op, p);
}

static dc_status check(const dc_op *op, const dc_augment_params *p)
{
    DC_REQUIRE(p->kind == op->kind, DC_E_ARGUMENT, "%s: kind is %d, must be %d", op->name,
               (int)p->kind, (int)op->kind);
    DC_TRY(dc__array_check(op, &p->src, "src"));
    DC_TRY(check_src(op, p));
    DC_REQUIRE(p->dst.dtype == p->src.dtype, DC_E_ARGUMENT,
               "%s: dst has dtype %d, must be %d as src", op->name, (int)p->dst.dtype,
               (int)p->src.dtype);
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

/* ---- what chance decides ------------------------------------------------------------------- */

static int64_t place(double u, int64_t n)
{
    const int64_t i = (int64_t)floor(u * (double)n);

    return i < n ? i : n - 1; /* u n may be rounded up */
}

static dc_augment_draws draw(const dc_augment_params *p)
{
    double u[DRAWS + 1];
    dc_augment_draws d = {.given = 1, .scale = 1};
    dc_random_args a = {.seed = p->seed, .kind = DC_RANDOM_UNIFORM, .dtype = DC_F64, .scale64 = 1};

    if (p->draws.given)
        return p->draws;
    a.top64 = 1 - 0x1p-53;
    for (int k = 0; k < DRAWS; k += DC_RANDOM_VALUES_F64)
        random_uniform_block_f64(&a, (dc_u64)(k / DC_RANDOM_VALUES_F64), u + k);
    d.apply = u[0] < p->apply_chance;
    if (!d.apply)
        return d;
    if (u[1] < p->spatial_chance) {
        d.flip = u[2] < 0.5;
        if (u[3] < 0.5 && p->src.shape[LONGITUDE] > 1)
            d.lon_shift = place(u[4], p->src.shape[LONGITUDE]);
    }
    if (u[5] < p->temporal_chance) {
        if (p->src.shape[TIME] > 1)
            d.time_shift = place(u[6], p->src.shape[TIME]);
        if (p->src.shape[PERIOD] > 1)
            d.smoothing = u[7] * p->smoothing_most;
    }
    d.scale = p->scale_low + u[8] * (p->scale_high - p->scale_low);
    return d;
}

/* ---- the plan ------------------------------------------------------------------------------ */

static void set_noise(const dc_augment_params *p, dc_augment_args *a)
{
    const int64_t member[DC_AUGMENT_CLASSES] = {p->temperature, p->pressure, p->humidity};
    const double std[DC_AUGMENT_CLASSES] = {p->temperature_std, p->pressure_std, p->humidity_std};

    for (int c = 0; c < DC_AUGMENT_CLASSES; ++c) {
        a->member[c] = (uint64_t)member[c];
        a->std64[c] = std[c];
        a->std32[c] = (float)std[c];
    }
    a->random.seed = p->seed;
    a->random.offset = p->offset;
    a->random.kind = DC_RANDOM_NORMAL;
    a->random.dtype = p->src.dtype;
}

static dc_status augment_plan(const dc_op *op, const void *params, dc_plan *plan)
{
    const dc_augment_params *p = params;
    dc_augment_draws d;
    dc_augment_args a;
    int32_t slot[2];
    dc_step *step;

    DC_TRY(check(op, p));
    if (dc_array_elements(&p->src) == 0)
        return DC_OK;
    d = draw(p);
    if (!d.apply) /* whatever else was given */
        d = (dc_augment_draws){.scale = 1};
    DC_REQUIRE(d.smoothing == 0 || p->src.shape[PERIOD] <= DC_AUGMENT_PERIODS, DC_E_ARGUMENT,
               "%s: src.shape[3] is %lld, smoothing along geological time takes at most %d",
               op->name, (long long)p->src.shape[PERIOD], DC_AUGMENT_PERIODS);
    memset(&a, 0, sizeof a);
    memcpy(a.shape, p->src.shape, sizeof a.shape);
    memcpy(a.src_stride, p->src.stride, sizeof a.src_stride);
    memcpy(a.dst_stride, p->dst.stride, sizeof a.dst_stride);
    set_noise(p, &a);
    a.apply = d.apply;
    a.flip = d.flip;
    a.lon_shift = d.lon_shift;
    a.time_shift = d.time_shift;
    a.smooth = d.smoothing > 0;
    a.blend64 = d.smoothing;
    a.keep64 = 1 - d.smoothing;
    a.scale64 = d.scale;
    a.blend32 = (float)d.smoothing;
    a.keep32 = 1 - a.blend32;
    a.scale32 = (float)d.scale;
    slot[0] = dc__plan_input(plan, &p->src);
    slot[1] = dc__plan_output(plan, &p->dst);
    step = dc__plan_step(plan, DC_STEP_LAUNCH, op, p->src.dtype, slot, 1, 1, 0, &a, sizeof a);
    if (!step)
        return DC_E_MEMORY;
    step->space[0] = dc_array_elements(&p->src) / a.shape[PERIOD];
    plan->bytes = 2.0 * (double)dc_array_elements(&p->src) * (double)dc_dtype_bytes(p->src.dtype);
    plan->flops = 60.0 * (double)dc_array_elements(&p->src);
    return DC_OK;
}

#define AT(field) (int32_t) offsetof(dc_augment_params, field)
#define CHANCE(field, value, help)                                                                 \
    {                                                                                              \
#field, DC_PARAM_DOUBLE, AT(field), value, 0, 0, 0, 1, NULL, help                          \
    }
#define STD(field, value, help)                                                                    \
    {                                                                                              \
#field, DC_PARAM_DOUBLE, AT(field), value, 0, 0, 0, INFINITY, NULL, help                   \
    }
#define MEMBERS(field, help)                                                                       \
    {                                                                                              \
#field, DC_PARAM_INT64, AT(field), 0, 0, 0, 0, INFINITY, NULL, help                        \
    }
static const dc_param_info augment_params[] = {
    {"src", DC_PARAM_ARRAY_IN, AT(src), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Input: batch, variable, climate time, geological time, level, latitude, longitude."},
    {"dst", DC_PARAM_ARRAY_OUT, AT(dst), 0, 1, 0, -INFINITY, INFINITY, NULL,
     "Output, dtype and shape of src."},
    {"seed", DC_PARAM_INT64, AT(seed), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Of the draws and of the noise; its 64 bits are taken without a sign."},
    {"offset", DC_PARAM_INT64, AT(offset), 0, 0, 0, 0, INFINITY, NULL,
     "Place of the first element in the sequence of the noise."},
    MEMBERS(temperature, "Bit v: variable v is a temperature."),
    MEMBERS(pressure, "Bit v: variable v is a pressure."),
    MEMBERS(humidity, "Bit v: variable v is a humidity, 0 to 1."),
    STD(temperature_std, 0.1, "Noise of temperatures."),
    STD(pressure_std, 0.05, "Noise of pressures."),
    STD(humidity_std, 0.02, "Noise of humidities."),
    CHANCE(apply_chance, 0.5, "Chance that anything happens."),
    CHANCE(spatial_chance, 0.3, "Chance of flip and shift of longitude."),
    CHANCE(temporal_chance, 0.2, "Chance of shift of time and smoothing."),
    CHANCE(smoothing_most, 0.1, "Largest share of the geological mean."),
    {"scale_low", DC_PARAM_DOUBLE, AT(scale_low), 0.95, 0, 0, -INFINITY, INFINITY, NULL,
     "Smallest factor."},
    {"scale_high", DC_PARAM_DOUBLE, AT(scale_high), 1.05, 0, 0, -INFINITY, INFINITY, NULL,
     "Largest factor."},
    {"given", DC_PARAM_BOOL, AT(draws.given), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "The following are used, nothing is drawn."},
    {"apply", DC_PARAM_BOOL, AT(draws.apply), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "0: the cube is copied."},
    {"flip", DC_PARAM_BOOL, AT(draws.flip), 0, 0, 0, -INFINITY, INFINITY, NULL,
     "Latitudes in reverse order."},
    {"lon_shift", DC_PARAM_INT64, AT(draws.lon_shift), 0, 0, 0, 0, INFINITY, NULL,
     "Shift along longitude."},
    {"time_shift", DC_PARAM_INT64, AT(draws.time_shift), 0, 0, 0, 0, INFINITY, NULL,
     "Shift along climate time."},
    {"smoothing", DC_PARAM_DOUBLE, AT(draws.smoothing), 0, 0, 0, 0, 1, NULL,
     "Share of the geological mean."},
    {"scale", DC_PARAM_DOUBLE, AT(draws.scale), 1, 0, 0, -INFINITY, INFINITY, NULL,
     "Factor of every value."},
};
#undef AT

static const dc_augment_params augment_init = DC_AUGMENT_PARAMS_INIT;

const dc_family dc__augment_family = {
    .name = "augment",
    .call = "dc_augment",
    .source = dc__cl_augment,
    .params = augment_params,
    .nparams = sizeof augment_params / sizeof *augment_params,
    .params_bytes = sizeof(dc_augment_params),
    .params_init = &augment_init,
    .plan = augment_plan,
};

dc_status dc_augment(dc_queue *queue, const dc_augment_params *params, dc_event **done)
{
    dc_augment_params whole;
    const dc_op *op;

    DC_TRY(dc__params_read(&dc__augment_family, &whole, params));
    op = dc__op_of_kind(&dc__augment_family, whole.kind);
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_augment: kind is %d, must be %d (DC_AUGMENT_APPLY)",
               (int)whole.kind, DC_AUGMENT_APPLY);
    return dc__run(queue, op, &whole, done);
}

dc_status dc_augment_draw(const dc_augment_params *params, dc_augment_draws *draws)
{
    dc_augment_params whole;

    DC_TRY(dc__params_read(&dc__augment_family, &whole, params));
    DC_REQUIRE(draws, DC_E_ARGUMENT, "dc_augment_draw: draws is NULL");
    DC_TRY(check_src(dc__op_of_kind(&dc__augment_family, DC_AUGMENT_APPLY), &whole));
    *draws = draw(&whole);
    return DC_OK;
}

/* ---- names --------------------------------------------------------------------------------- */

static int letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int holds(const char *name, const char *word)
{
    for (; *name; ++name) {
        size_t k = 0;

        while (word[k] && letter(name[k]) == word[k])
            ++k;
        if (!word[k])
            return 1;
    }
    return 0;
}

dc_status dc_augment_variables(const char *const *names, int32_t count, dc_augment_params *params)
{
    static const char *const word[DC_AUGMENT_CLASSES] = {"temperature", "pressure", "humidity"};
    int64_t member[DC_AUGMENT_CLASSES] = {0};

    DC_REQUIRE(params && (names || count == 0), DC_E_ARGUMENT,
               "dc_augment_variables: names or params is NULL");
    DC_REQUIRE(count >= 0 && count <= NAMED_MOST, DC_E_ARGUMENT,
               "dc_augment_variables: count is %d, must be 0 to %d", (int)count, NAMED_MOST);
    for (int32_t v = 0; v < count; ++v) {
        int c = 0;

        DC_REQUIRE(names[v], DC_E_ARGUMENT, "dc_augment_variables: names[%d] is NULL", (int)v);
        while (c < DC_AUGMENT_CLASSES && !holds(names[v], word[c]))
            ++c;
        if (c < DC_AUGMENT_CLASSES)
            member[c] |= INT64_C(1) << v;
    }
    params->temperature = member[0];
    params->pressure = member[1];
    params->humidity = member[2];
    return DC_OK;
}

/* Augmentation on the baseline CPU against its steps one after the other, in bits; its draws; bad
 * input.  tests/harness compares the devices and the instruction sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { AXES = 7, ROOM = 4000, LEAF_COLUMNS = 16 };

static dc_context *context;
static dc_queue *queue;

static int open_library(void **state)
{
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    (void)state;
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(context, cpu, &params, &queue), DC_OK);
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

/* ---- the steps, one array after the other -----------------------------------------------------
 */

typedef struct cube {
    int64_t shape[AXES], count;
    double x[ROOM]; /* float32 values, too */
} cube;

static int64_t step_of(const cube *c, int d)
{
    int64_t step = 1;

    for (int k = AXES - 1; k > d; --k)
        step *= c->shape[k];
    return step;
}

static double rounded(int32_t dtype, double x)
{
    return dtype == DC_F32 ? (double)(float)x : x;
}

static int class_of(const dc_augment_params *p, int64_t v)
{
    return p->temperature >> v & 1 ? 0 : p->pressure >> v & 1 ? 1 : p->humidity >> v & 1 ? 2 : -1;
}

static void noise(cube *c, const dc_augment_params *p, int class, double std)
{
    static double wide[ROOM];
    static float narrow[ROOM];
    dc_random_params r = DC_RANDOM_PARAMS_INIT;
    const int single = p->src.dtype == DC_F32;

    r.kind = DC_RANDOM_NORMAL;
    r.seed = p->seed;
    r.offset = p->offset;
    r.std = std;
    r.dst = dc_array_host(single ? (void *)narrow : (void *)wide, p->src.dtype, 1, &c->count);
    assert_int_equal(dc_random(queue, &r, NULL), DC_OK);
    for (int64_t i = 0; i < c->count; ++i)
        if (class_of(p, i / step_of(c, 1) % c->shape[1]) == class) {
            if (std != 0)
                c->x[i] = single ? (double)((float)c->x[i] + narrow[i]) : c->x[i] + wide[i];
            if (class == 2 && c->x[i] < 0)
                c->x[i] = 0;
            if (class == 2 && c->x[i] > 1)
                c->x[i] = 1;
        }
}

/* Element i of axis d comes from (i - shift) mod n, or from n - 1 - i. */
static void move(cube *c, int d, int64_t shift, int flip)
{
    static cube old;
    const int64_t n = c->shape[d], step = step_of(c, d);

    old = *c;
    for (int64_t i = 0; i < c->count; ++i) {
        const int64_t at = i / step % n, from = flip ? n - 1 - at : (at - shift + n) % n;

        c->x[i] = old.x[i + (from - at) * step];
    }
}

/* The sum of up to 256 values: 16 columns, folded in halves. */
static double sum_of(const double *v, int64_t n, int32_t dtype)
{
    double column[LEAF_COLUMNS] = {0};

    for (int64_t k = 0; k < n; ++k)
        column[k % LEAF_COLUMNS] = rounded(dtype, column[k % LEAF_COLUMNS] + v[k]);
    for (int half = LEAF_COLUMNS / 2; half > 0; half /= 2)
        for (int k = 0; k < half; ++k)
            column[k] = rounded(dtype, column[k] + column[k + half]);
    return column[0];
}

static void blend(cube *c, double s, int32_t dtype)
{
    const int64_t n = c->shape[3], step = step_of(c, 3);
    const double share = rounded(dtype, s), keep = rounded(dtype, 1 - share);
    double line[256], mean;

    for (int64_t i = 0; i < c->count; ++i) {
        if (i / step % n != 0)
            continue;
        for (int64_t g = 0; g < n; ++g)
            line[g] = c->x[i + g * step];
        mean = rounded(dtype, sum_of(line, n, dtype) / (double)n);
        mean = rounded(dtype, share * mean);
        for (int64_t g = 0; g < n; ++g)
            c->x[i + g * step] = rounded(dtype, rounded(dtype, line[g] * keep) + mean);
    }
}

static void augment(cube *c, const dc_augment_params *p, const dc_augment_draws *d)
{
    const int32_t dtype = p->src.dtype;

    if (!d->apply)
        return;
    noise(c, p, 0, p->temperature_std);
    noise(c, p, 1, p->pressure_std);
    noise(c, p, 2, p->humidity_std);
    if (d->flip)
        move(c, 5, 0, 1);
    move(c, 6, d->lon_shift, 0);
    move(c, 2, d->time_shift, 0);
    if (d->smoothing > 0)
        blend(c, d->smoothing, dtype);
    for (int64_t i = 0; i < c->count; ++i)
        c->x[i] = rounded(dtype, c->x[i] * rounded(dtype, d->scale));
}

/* ---- comparison -------------------------------------------------------------------------------
 */

static dc_augment_params params_of(const cube *c, int32_t dtype, void *src, void *dst)
{
    dc_augment_params p = DC_AUGMENT_PARAMS_INIT;

    p.src = dc_array_host(src, dtype, AXES, c->shape);
    p.dst = dc_array_host(dst, dtype, AXES, c->shape);
    for (int64_t i = 0; i < c->count; ++i)
        if (dtype == DC_F32)
            ((float *)src)[i] = (float)c->x[i];
        else
            ((double *)src)[i] = c->x[i];
    return p;
}

static int equal(const dc_augment_params *p, const cube *want)
{
    for (int64_t i = 0; i < want->count; ++i) {
        const double got = p->dst.dtype == DC_F32 ? (double)((const float *)p->dst.data)[i]
                                                  : ((const double *)p->dst.data)[i];
        if (memcmp(&got, &want->x[i], sizeof got) != 0 && !(isnan(got) && isnan(want->x[i])))
            return 0;
    }
    return 1;
}

static void draw_cube(cube *c, dct_rng *rng)
{
    do {
        c->count = 1;
        for (int d = 0; d < AXES; ++d)
            c->count *= c->shape[d] = dct_range(rng, 1, d == 3 ? 20 : d > 4 ? 5 : 3);
    } while (c->count > ROOM);
    for (int64_t i = 0; i < c->count; ++i)
        c->x[i] = (double)(float)(dct_chance(rng, 2) ? (double)NAN : dct_bell(rng));
}

static void step_by_step(void **state)
{
    static cube c, want;
    static double src[ROOM], dst[ROOM];
    dct_rng rng = dct_stream(51, 0);
    int drawn[4] = {0};

    (void)state;
    for (int n = 0; n < 400; ++n) {
        dc_augment_params p;
        dc_augment_draws d;

        draw_cube(&c, &rng);
        p = params_of(&c, n % 2 ? DC_F64 : DC_F32, src, dst);
        p.seed = dct_next(&rng);
        p.offset = dct_range(&rng, 0, 1000);
        p.temperature = 1;
        p.pressure = c.shape[1] > 1 ? 2 : 0;
        p.humidity = c.shape[1] > 2 ? 4 : 0;
        p.humidity_std = n % 7 ? 0.02 : 0;
        p.apply_chance = 0.9;
        p.spatial_chance = p.temporal_chance = 0.6;
        assert_int_equal(dc_augment_draw(&p, &d), DC_OK);
        drawn[0] += d.apply;
        drawn[1] += d.flip;
        drawn[2] += d.lon_shift > 0;
        drawn[3] += d.smoothing > 0;
        if (dc_augment(queue, &p, NULL) != DC_OK)
            fail_msg("%s", dc_last_error());
        want = c;
        augment(&want, &p, &d);
        assert_true(equal(&p, &want));
        p.draws = d; /* again, as told */
        memset(dst, 0, sizeof dst);
        assert_int_equal(dc_augment(queue, &p, NULL), DC_OK);
        assert_true(equal(&p, &want));
        for (int64_t i = 0; i < want.count; ++i) /* planted */
            want.x[i] = isnan(want.x[i]) ? 0 : want.x[i] + 1;
        assert_false(equal(&p, &want));
    }
    assert_true(drawn[0] > 320 && drawn[0] < 390 && drawn[1] > 60 && drawn[2] > 40 &&
                drawn[3] > 120);
}

static void not_applied(void **state)
{
    static cube c;
    static double src[ROOM], dst[ROOM];
    dct_rng rng = dct_stream(52, 0);
    dc_augment_params p;

    (void)state;
    draw_cube(&c, &rng);
    p = params_of(&c, DC_F64, src, dst);
    p.apply_chance = 0;
    assert_int_equal(dc_augment(queue, &p, NULL), DC_OK);
    assert_memory_equal(src, dst, (size_t)c.count * sizeof *src);
}

static void names(void **state)
{
    static const char *const list[] = {"Surface_Temperature", "wind", "pressure_humidity",
                                       "specific HUMIDITY"};
    dc_augment_params p = DC_AUGMENT_PARAMS_INIT;

    (void)state;
    assert_int_equal(dc_augment_variables(list, 4, &p), DC_OK);
    assert_true(p.temperature == 1 && p.pressure == 4 && p.humidity == 8);
    assert_int_equal(dc_augment_variables(list, 64, &p), DC_E_ARGUMENT);
    assert_int_equal(dc_augment_variables(NULL, 1, &p), DC_E_ARGUMENT);
}

/* ---- bad input --------------------------------------------------------------------------------
 */

static void refused(const dc_augment_params *p, const char *word)
{
    assert_int_equal(dc_augment(queue, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), word))
        fail_msg("\"%s\" does not say %s", dc_last_error(), word);
}

static void bad_input(void **state)
{
    static cube c = {{1, 2, 3, 2, 1, 2, 4}, 96, {0}};
    static double src[ROOM], dst[ROOM];
    static const double untouched[ROOM];
    dc_augment_params good = params_of(&c, DC_F64, src, dst), p;

    (void)state;
    p = good;
    refused((p.src.ndim = 6, &p), "src has 6 axes, must have 7");
    p = good;
    refused((p.pressure = 4, &p), "pressure is 4, must have bits for the 2 variables");
    p = good;
    refused((p.humidity_std = -1, &p), "humidity_std is -1");
    p = good;
    refused((p.spatial_chance = 1.5, &p), "spatial_chance is 1.5, must be 0 to 1");
    p = good;
    refused((p.scale_low = 2, &p), "scale_low is 2, scale_high 1.05");
    p = good;
    refused((p.offset = -1, &p), "offset is -1");
    p = good;
    p.draws.given = 1;
    refused((p.draws.lon_shift = 4, &p), "draws.lon_shift is 4, must be 0 to 3");
    p.draws.lon_shift = 0;
    refused((p.draws.time_shift = -1, &p), "draws.time_shift is -1, must be 0 to 2");
    p.draws.time_shift = 0;
    refused((p.draws.smoothing = 2, &p), "draws.smoothing is 2");
    p = good;
    refused((p.dst.shape[6] = 3, &p), "dst.shape[6] is 3, must be 4");
    p = good;
    refused((p.dst.data = src, &p), "overlaps");
    p = good;
    refused((p.struct_size = 3, &p), "struct_size");
    assert_memory_equal(dst, untouched, sizeof dst);
    p = good;
    p.src.shape[4] = p.dst.shape[4] = 0;
    assert_int_equal(dc_augment(queue, &p, NULL), DC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_by_step),
        cmocka_unit_test(not_applied),
        cmocka_unit_test(names),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests_name("augment", tests, open_library, close_library);
}

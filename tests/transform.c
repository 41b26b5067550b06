/* Rearranged cubes: random calls of every row against the definition, element by element; outputs
 * larger than the caches; the noise of a batch against dc_random(); bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/parity_case.h"
#include "tests/harness/parity_memory.h"
#include "tests/oracle/transform_oracle.h"

enum { CASES = 250, REGION = 16 << 20, SEED = 3 };

static dc_context *context;
static dc_queue *baseline, *best; /* one thread; the machine's */

static int open_library(void **state)
{
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    (void)state;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(context, cpu, &params, &best), DC_OK);
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    assert_int_equal(dc_queue_new(context, cpu, &params, &baseline), DC_OK);
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    dc_queue_free(baseline);
    dc_queue_free(best);
    dc_context_free(context);
    return 0;
}

static void run(dc_queue *queue, const dc_transform_params *p)
{
    if (dc_transform(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

static uint64_t element(const dc_array *a, int64_t at)
{
    const size_t size = dc_dtype_bytes(a->dtype);
    uint64_t bits = 0;

    memcpy(&bits, (const char *)a->data + (a->offset + at) * (int64_t)size, size);
    return bits;
}

/* x + e as targets have it. */
static uint64_t noisy(int32_t dtype, uint64_t x, const void *noise, int64_t at)
{
    const uint32_t low = (uint32_t)x;
    float narrow;
    double wide;
    uint64_t bits = 0;

    if (dtype == DC_F32) {
        memcpy(&narrow, &low, sizeof narrow);
        narrow += ((const float *)noise)[at];
        memcpy(&bits, &narrow, sizeof narrow);
        return isnan(narrow) ? 0x7fc00000u : bits;
    }
    memcpy(&wide, &x, sizeof wide);
    wide += ((const double *)noise)[at];
    memcpy(&bits, &wide, sizeof bits);
    return isnan(wide) ? UINT64_C(0x7ff8000000000000) : bits;
}

/* The noise of a batch by the public function. */
static void *noise_of(const dc_transform_params *p)
{
    const int64_t n = dc_array_elements(&p->dst);
    void *noise = calloc((size_t)n + 1, dc_dtype_bytes(p->dst.dtype));
    dc_random_params r = DC_RANDOM_PARAMS_INIT;

    assert_non_null(noise);
    r.kind = DC_RANDOM_NORMAL;
    r.dst = dc_array_host(noise, p->dst.dtype, 1, &n);
    r.seed = p->seed;
    r.offset = p->place;
    r.std = p->noise_std;
    assert_int_equal(dc_random(baseline, &r, NULL), DC_OK);
    return noise;
}

/* Elements of dst and targets that differ from the definition. */
static int64_t differences(const dc_transform_params *p)
{
    const int paired = p->kind == DC_TRANSFORM_BATCH && p->targets.ndim;
    void *const noise = paired ? noise_of(p) : NULL;
    int64_t count = 0;
    dct_walk walk, other;

    dct_walk_begin(&other, paired ? &p->targets : &p->dst);
    for (dct_walk_begin(&walk, &p->dst); walk.left > 0; dct_walk_step(&walk, &p->dst)) {
        int64_t where;
        uint64_t want = dct_transform_element(p, walk.index, &where);

        count += element(&p->dst, walk.at) != want;
        if (!paired)
            continue;
        if (p->noise_std > 0)
            want = noisy(p->dst.dtype, want, noise, where);
        count += element(&p->targets, other.at) != want;
        dct_walk_step(&other, &p->targets);
    }
    free(noise);
    return count;
}

/* The params of a case on its memory. */
static void place(dct_case *c, dct_region *regions, dc_transform_params *p)
{
    for (int32_t i = 0; i < c->nin + c->nout; ++i) {
        const int input = i < c->nin;
        dc_array *const a = input ? dct_case_in(c, c->params.bytes, i)
                                  : dct_case_out(c, c->params.bytes, i - c->nin);

        if (!regions[i].map)
            assert_int_equal(dct_region_new(&regions[i], REGION), 0);
        assert_int_equal(dct_region_place(&regions[i], a, c->at_end, input ? c->misaligned : 0), 0);
        if (input)
            dct_fill(c, a, regions[i].element0);
    }
    memcpy(p, c->params.bytes, sizeof *p);
    if (c->list_at)
        p->samples.at = dct_case_in(c, c->params.bytes, 0);
}

/* What parity draws: any layout, dtype, number of axes. */
static void against_definition(void **state)
{
    static dct_region regions[2 * DCT_MAX_ARRAYS];
    static dct_case c;

    (void)state;
    for (int32_t id = 20; id <= 28; ++id) {
        dc_op_info op = {.struct_size = sizeof op};
        int32_t row = 0, dtypes[DCT_MAX_DTYPES];

        do
            assert_int_equal(dc_op_get(row++, &op), DC_OK);
        while (op.id != id);
        const int32_t n = dct_dtypes(&op, dtypes);
        for (int64_t number = 0; number < CASES; ++number) {
            const dct_family *family;
            dc_transform_params p;

            dct_case_draw_op(&c, &family, &op, dtypes[number % n], SEED, number, 1);
            place(&c, regions, &p);
            run(number & 1 ? best : baseline, &p);
            if (differences(&p))
                fail_msg("case %lld: %lld elements differ: %s", (long long)number,
                         (long long)differences(&p), c.text);
        }
    }
    for (size_t i = 0; i < sizeof regions / sizeof *regions; ++i)
        dct_region_free(&regions[i]);
}

/* ---- beyond the caches -------------------------------------------------------------------------
 */

static void *filled(size_t bytes)
{
    unsigned char *at = malloc(bytes);
    uint64_t state = 1;

    assert_non_null(at);
    for (size_t i = 0; i < bytes; i += 8) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(at + i, &state, bytes - i < 8 ? bytes - i : 8);
    }
    return at;
}

/* Every n-th element, so that any n that shares no factor with the shape meets all phases. */
static int64_t sampled_differences(const dc_transform_params *p, int64_t stride)
{
    const int64_t n = dc_array_elements(&p->dst);
    int64_t count = 0;

    for (int64_t i = 0; i < n; i += stride) {
        int64_t index[DC_MAX_NDIM], rest = i, at = 0, where;

        for (int32_t d = p->dst.ndim - 1; d >= 0; --d) {
            index[d] = rest % p->dst.shape[d];
            rest /= p->dst.shape[d];
            at += index[d] * p->dst.stride[d];
        }
        count += element(&p->dst, at) != dct_transform_element(p, index, &where);
    }
    return count;
}

static void large_outputs(void **state)
{
    enum { AXES = 5 };
    static const int64_t orders[][AXES] = {{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {0, 2, 1, 3, 4},
                                           {0, 1, 2, 4, 3}, {3, 0, 4, 1, 2}, {1, 4, 0, 2, 3}};
    static const int32_t dtypes[] = {DC_F32, DC_U8, DC_F64, DC_I16};
    static const int64_t shift[AXES] = {1, 0, -2, 0, 5};
    const size_t room = (size_t)70 << 20;
    enum { ORDERS = sizeof orders / sizeof *orders };
    void *const src = filled(room), *const dst = aligned_alloc(64, room);

    (void)state;
    assert_non_null(dst);
    for (size_t k = 0; k < (size_t)8 * ORDERS; ++k) {
        const size_t order = k / 4 % ORDERS;
        const int32_t dtype = dtypes[k % 4];
        const int64_t size = (int64_t)dc_dtype_bytes(dtype);
        /* 25 or 50 MB: odd lengths, then rows of whole lines */
        const int64_t odd[AXES] = {7, 11, size < 4 ? 9 : 3, 37, 803};
        const int64_t even[AXES] = {8 / size - (size == 1), 8, 16, 64, 448};
        const int64_t *const shape = k < (size_t)4 * ORDERS ? odd : even;
        int64_t moved[AXES];
        dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;

        for (int d = 0; d < AXES; ++d)
            moved[d] = shape[orders[order][d]];
        p.kind = DC_TRANSFORM_COPY;
        p.src = dc_array_host(src, dtype, AXES, shape);
        p.dst = dc_array_host(dst, dtype, AXES, moved);
        p.dst.offset = (int64_t)(k % 3); /* lines begin elsewhere */
        p.axes.at = orders[order];
        p.axes.count = AXES;
        if ((k + k / 4) & 1) { /* flipped */
            p.src.offset += (shape[4] - 1) * p.src.stride[4];
            p.src.stride[4] = -p.src.stride[4];
        }
        run(best, &p);
        assert_int_equal(sampled_differences(&p, 53), 0);
        if (order > 0)
            continue;
        p.kind = DC_TRANSFORM_ROLL;
        p.shift.at = shift;
        p.shift.count = AXES;
        run(best, &p);
        assert_int_equal(sampled_differences(&p, 53), 0);
    }
    free(src);
    free(dst);
}

static void large_batch(void **state)
{
    const int64_t shape[2] = {1003, 1201}, out[3] = {3, 1201, 1003}, n = 1003 * 1201;
    float *const x = filled((size_t)n * 3 * sizeof(float));
    float *const y = malloc((size_t)n * 6 * sizeof(float));
    dc_array samples[3];
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;

    (void)state;
    assert_non_null(y);
    for (int k = 0; k < 3; ++k)
        samples[k] = dc_array_host(x + k * n, DC_F32, 2, shape);
    p.kind = DC_TRANSFORM_BATCH;
    p.samples.at = samples;
    p.samples.count = 3;
    p.dst = dc_array_host(y, DC_F32, 3, out);
    p.targets = dc_array_host(y + 3 * n, DC_F32, 3, out);
    p.seed = 5;
    p.place = 3;
    run(best, &p);
    assert_int_equal(differences(&p), 0);
    p.axes.at = (const int64_t[]){0, 1, 2};
    p.axes.count = 3;
    p.dst = dc_array_host(y, DC_F32, 3, (const int64_t[]){3, 1003, 1201});
    p.targets = dc_array_host(y + 3 * n, DC_F32, 3, (const int64_t[]){3, 1003, 1201});
    run(best, &p);
    assert_int_equal(differences(&p), 0);
    free(x);
    free(y);
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    float x[12], y[12];
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;

    (void)state;
    for (int i = 0; i < 12; ++i)
        x[i] = (float)i;
    p.kind = DC_TRANSFORM_COPY;
    p.src = dc_array_host(x, DC_F32, 2, (const int64_t[]){3, 4});
    p.dst = dc_array_host(y, DC_F32, 2, (const int64_t[]){4, 3});
    p.axes.at = (const int64_t[]){1, 0};
    p.axes.count = 2;
    run(best, &p);
    assert_int_equal(differences(&p), 0);
    y[5] = -y[5];
    assert_int_equal(differences(&p), 1);
    p.axes.count = 0;
    p.dst = p.src;
    p.dst.data = y;
    assert_true(differences(&p) > 1);
}

/* ---- bad input ---------------------------------------------------------------------------------
 */

static float in[24], out[48];
static int64_t places[4] = {0, 1, 2, -1}, axes[3] = {0, 2, 1};
static dc_array samples[2];

static dc_transform_params sound(int32_t kind)
{
    static const int64_t shape[3] = {2, 3, 4}, stack[3] = {2, 12, 1}, four[1] = {4};
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;

    p.kind = kind;
    p.src = dc_array_host(in, DC_F32, 3, shape);
    p.dst = dc_array_host(out, DC_F32, 3, shape);
    p.index = dc_array_host(places, DC_I64, 1, four);
    samples[0] = samples[1] = dc_array_host(in, DC_F32, 2, (const int64_t[]){1, 12});
    p.samples.at = samples;
    p.samples.count = 2;
    if (kind == DC_TRANSFORM_BATCH)
        p.dst = p.targets = dc_array_host(out, DC_F32, 3, stack);
    p.targets.offset = 24;
    return p;
}

static void refused(const dc_transform_params *p, const char *part)
{
    float before[48];

    memcpy(before, out, sizeof out);
    assert_int_equal(dc_transform(best, p, NULL), DC_E_ARGUMENT);
    if (!strstr(dc_last_error(), part))
        fail_msg("\"%s\" lacks \"%s\"", dc_last_error(), part);
    assert_memory_equal(before, out, sizeof out);
}

static void bad_maps(void **state)
{
    dc_transform_params p = sound(DC_TRANSFORM_COPY);

    (void)state;
    run(best, &p);
    p.kind = 9;
    refused(&p, "kind is 9, must be 0 ... 8");
    p = sound(DC_TRANSFORM_COPY);
    p.axes.at = axes;
    p.axes.count = 2;
    refused(&p, "axes has 2 entries, must have 3");
    axes[1] = 0;
    p.axes.count = 3;
    refused(&p, "axes[1] is 0; axes must hold each of 0 ... 2 once");
    axes[1] = 3;
    refused(&p, "axes[1] is 3");
    axes[1] = 2;
    refused(&p, "dst.shape[1] is 3, must be 4");
    p = sound(DC_TRANSFORM_COPY);
    p.dst.dtype = DC_I32;
    refused(&p, "dst has dtype int32, must be float32");
    p = sound(DC_TRANSFORM_COPY);
    p.dst.data = in + 1;
    refused(&p, "dst overlaps src");
    p = sound(DC_TRANSFORM_GATHER);
    p.axis = 2;
    refused(&p, "index[3] is -1, must be 0 ... 3");
    places[3] = 4;
    refused(&p, "index[3] is 4, must be 0 ... 3");
    places[3] = 3;
    run(best, &p);
    p.axis = 3;
    refused(&p, "axis is 3, must be -3 ... 2");
    p = sound(DC_TRANSFORM_LAG);
    p.src.dtype = p.dst.dtype = DC_I32;
    refused(&p, "fill must be given for dtype int32");
    p = sound(DC_TRANSFORM_ROLL);
    p.shift.at = places;
    p.shift.count = 4;
    refused(&p, "shift has 4 entries, must have 3");
    p = sound(DC_TRANSFORM_AFFINE);
    p.scale = dc_array_host(in + 12, DC_F32, 1, (const int64_t[]){5});
    refused(&p, "scale has 1 axes and 5 elements, must have 1 axis and 1 or 2");
}

static void bad_batches(void **state)
{
    dc_transform_params p = sound(DC_TRANSFORM_BATCH);

    (void)state;
    run(best, &p);
    p.samples.count = 0;
    refused(&p, "samples is empty, must hold at least one array");
    p = sound(DC_TRANSFORM_BATCH);
    samples[1].shape[1] = 11;
    refused(&p, "samples[1].shape[1] is 11, must be 12");
    p = sound(DC_TRANSFORM_BATCH);
    samples[1].ndim = 1;
    refused(&p, "samples[1] has 1 axes, must have 2");
    p = sound(DC_TRANSFORM_BATCH);
    p.noise_std = -0.5;
    refused(&p, "noise_std is -0.5, must be at least 0");
    p.noise_std = (double)NAN;
    refused(&p, "noise_std");
    p.noise_std = 1e38;
    refused(&p, "must be finite in float32");
    p = sound(DC_TRANSFORM_BATCH);
    p.place = -1;
    refused(&p, "place is -1");
    p.place = INT64_MAX;
    refused(&p, "it must be at most 2^63 - 1");
    p = sound(DC_TRANSFORM_BATCH);
    p.targets.offset = 3;
    refused(&p, "targets overlaps dst");
    p = sound(DC_TRANSFORM_BATCH);
    p.axes.at = axes;
    p.axes.count = 1;
    refused(&p, "axes has 1 entries, must have 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_definition), cmocka_unit_test(large_outputs),
        cmocka_unit_test(large_batch),        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(bad_maps),           cmocka_unit_test(bad_batches),
    };

    return cmocka_run_group_tests_name("transform", tests, open_library, close_library);
}

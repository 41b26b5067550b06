/* Spectra on the CPU against direct sums in long double.
 * tests/harness compares the devices and the instruction sets, tests/api/spectral.c refuses. */
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
#include "tests/oracle/spectral_oracle.h"

enum { SERIES = 5, LONGEST = 1 << 17, KINDS = DC_SPECTRAL_FIND_PERIOD + 1 };

static dc_context *context;
static dc_queue *queue;
static int64_t fewer = 1; /* every n-th length or case: slow builds */

static int open_library(void **state)
{
    const char *cases = getenv("DUALCUBE_TEST_ORACLE_CASES");
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    (void)state;
    fewer = cases ? 7 : 1;
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

static void *room(int64_t bytes)
{
    void *memory = calloc((size_t)bytes + 64, 1);

    assert_non_null(memory);
    return memory;
}

static void call(const dc_spectral_params *p)
{
    if (dc_spectral(queue, p, NULL) != DC_OK)
        fail_msg("%s", dc_last_error());
}

static long double value(int32_t dtype, const void *data, int64_t at)
{
    return dtype == DC_F32 ? (long double)((const float *)data)[at]
                           : (long double)((const double *)data)[at];
}

static void put(int32_t dtype, void *data, int64_t at, double x)
{
    if (dtype == DC_F32)
        ((float *)data)[at] = (float)x;
    else
        ((double *)data)[at] = x;
}

static int agrees(const dct_spectral_want *want, long double got)
{
    if (isinf(want->slack))
        return 1;
    if (isnan(want->value) || isnan(want->slack))
        return !isfinite(got);
    return fabsl(want->value - got) <= want->slack;
}

/* ---- transforms of every length ---------------------------------------------------------------
 */

static dc_spectral_params forward_of(int32_t dtype, const void *x, int64_t rows, int64_t n, void *y)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = DC_SPECTRAL_RFFT;
    p.src = dc_array_host(x, dtype, 2, (int64_t[]){rows, n});
    p.dst = dc_array_host(y, dtype, 3, (int64_t[]){rows, n / 2 + 1, 2});
    return p;
}

static dc_spectral_params backward_of(int32_t dtype, const void *y, int64_t rows, int64_t n,
                                      void *x)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = DC_SPECTRAL_IRFFT;
    p.nfft = n;
    p.src = dc_array_host(y, dtype, 3, (int64_t[]){rows, n / 2 + 1, 2});
    p.dst = dc_array_host(x, dtype, 2, (int64_t[]){rows, n});
    return p;
}

/* Bins of one series against the direct sum, every `step`-th of them. */
static void check_bins(int32_t dtype, const void *x, int64_t n, const void *y, int64_t step,
                       long double factor)
{
    const long double u = dtype == DC_F32 ? 0x1p-24L : 0x1p-53L;
    long double *wide = room(n * (int64_t)sizeof *wide), size = 0;

    for (int64_t i = 0; i < n; ++i) {
        wide[i] = value(dtype, x, i);
        size += wide[i] * wide[i];
    }
    const long double slack = factor * dct_spectral_bound(n, u) * sqrtl(size);
    for (int64_t k = 0; k <= n / 2; k += step) {
        const long double re = value(dtype, y, 2 * k), im = value(dtype, y, 2 * k + 1);
        long double c, s;

        dct_spectral_bin(wide, n, n, k, &c, &s);
        if (!(hypotl(re - c, im - s) <= slack))
            fail_msg("length %lld, dtype %d: bin %lld is %.17Lg %.17Lg, must be %.17Lg %.17Lg "
                     "within %Lg: off by %Lg",
                     (long long)n, (int)dtype, (long long)k, re, im, c, s, slack,
                     hypotl(re - c, im - s));
    }
    free(wide);
}

/* Forth and, from the bins that came out, back. */
static void there_and_back(int32_t dtype, int64_t n, int64_t step, int inverse_too,
                           long double factor)
{
    dct_rng rng = dct_stream(3, (uint64_t)n);
    double *x = room(n * 8), *y = room((n + 2) * 8), *z = room(n * 8);
    dc_spectral_params p = forward_of(dtype, x, 1, n, y);
    long double size = 0;

    for (int64_t i = 0; i < n; ++i) {
        put(dtype, x, i, dct_bell(&rng));
        size += value(dtype, x, i) * value(dtype, x, i);
    }
    call(&p);
    check_bins(dtype, x, n, y, step, factor);
    p = backward_of(dtype, y, 1, n, z);
    call(&p);
    const long double slack =
        3 * factor * dct_spectral_bound(n, dtype == DC_F32 ? 0x1p-24L : 0x1p-53L) * sqrtl(size);
    for (int64_t i = 0; i < n; ++i)
        if (!(fabsl(value(dtype, z, i) - value(dtype, x, i)) <= slack))
            fail_msg("length %lld, dtype %d: back: sample %lld is %.17Lg, must be %.17Lg",
                     (long long)n, (int)dtype, (long long)i, value(dtype, z, i),
                     value(dtype, x, i));
    if (inverse_too) {
        dct_spectral_want *want = room(n * (int64_t)sizeof *want);
        long double *wide = room((n + 2) * (int64_t)sizeof *wide);
        dct_spectral_call c;

        for (int64_t i = 0; i < n / 2 * 2 + 2; ++i)
            wide[i] = value(dtype, y, i);
        dct_spectral_open(&c, &p, n / 2 + 1);
        dct_spectral_series(&c, wide, NULL, want);
        dct_spectral_close(&c);
        for (int64_t i = 0; i < n; ++i)
            if (!agrees(&want[i], value(dtype, z, i)))
                fail_msg("length %lld, dtype %d: inverse: sample %lld", (long long)n, (int)dtype,
                         (long long)i);
        free(want);
        free(wide);
    }
    free(x);
    free(y);
    free(z);
}

static void every_short_length(void **state)
{
    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int64_t n = 1; n <= 512; n += n < 64 ? 1 : fewer)
            there_and_back(dtype, n, 1, n < 130 || n % 5 == 0, 1);
}

static void longer_lengths(void **state)
{
    static const int64_t lengths[] = {521,  600,  729,  768,  997,  1000, 1009, 1021, 1023, 1024,
                                      1025, 1155, 1331, 1536, 1875, 2000, 2003, 2048, 2053, 2310,
                                      2401, 3000, 3125, 3600, 4001, 4093, 4095, 4096, 4099, 4375,
                                      5040, 6561, 7001, 7203, 7919, 8000, 8190, 8191, 8192};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i += (size_t)fewer)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
            if (lengths[i] <= (dtype == DC_F32 ? 8192 : 4096))
                there_and_back(dtype, lengths[i], 1 + lengths[i] / 40, 0, 1);
}

/* Class NORMWISE: 16 u sqrt(log2 n), whatever the factors. */
static void long_lengths(void **state)
{
    static const int64_t lengths[] = {4097,  5000,  8192,  8193,   9001,
                                      10007, 16384, 30030, 100000, LONGEST};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
            const int smooth =
                dct_spectral_bound(lengths[i], 1) < 9 * sqrtl(log2l((long double)lengths[i]));

            there_and_back(dtype, lengths[i], 1 + lengths[i] / 30, 0, smooth ? 2 : 1);
        }
}

/* ---- every kind, any parameters, any layout ---------------------------------------------------
 */

/* Elements of series s along the axis and behind it. */
static int64_t gather(const dc_array *a, int32_t axis, int32_t ndim, int64_t s, const char *data,
                      char *out)
{
    const int64_t bytes = (int64_t)dc_dtype_bytes(a->dtype);
    int64_t at = a->offset, inner = a->shape[axis], n = 0;

    for (int32_t d = ndim - 1; d >= 0; --d)
        if (d != axis) {
            at += s % a->shape[d] * a->stride[d];
            s /= a->shape[d];
        }
    for (int32_t d = ndim; d < a->ndim; ++d)
        inner *= a->shape[d];
    for (int64_t i = 0; i < inner; ++i, ++n) {
        int64_t rest = i, place = at;

        for (int32_t d = a->ndim - 1; d >= ndim; --d) {
            place += rest % a->shape[d] * a->stride[d];
            rest /= a->shape[d];
        }
        memcpy(out + n * bytes, data + (place + rest * a->stride[axis]) * bytes, (size_t)bytes);
    }
    return n;
}

/* The call on series s alone, dense; its results must be those of the whole, to the bit. */
typedef struct alone {
    dc_spectral_params p;
    char *src, *other, *dst, *whole;
    int64_t n, results;
} alone;

static void alone_shape(dc_array *array, const dc_array *of, int32_t axis, int32_t ndim, void *data)
{
    int64_t shape[DC_MAX_NDIM] = {of->shape[axis]};

    for (int32_t d = ndim; d < of->ndim; ++d)
        shape[1 + d - ndim] = of->shape[d];
    *array = dc_array_host(data, of->dtype, 1 + of->ndim - ndim, shape);
}

static void run_alone(const dct_case *c, const dc_spectral_params *p, int32_t axis, int32_t ndim,
                      int64_t s, alone *one)
{
    one->p = *p;
    one->p.axis = 0;
    one->n = gather(&p->src, axis, ndim, s, p->src.data, one->src);
    if (p->other.ndim == p->src.ndim && p->kind != DC_SPECTRAL_LOMBSCARGLE)
        (void)gather(&p->other, axis, ndim, s, p->other.data, one->other);
    one->results = gather(&p->dst, axis, ndim, s, p->dst.data, one->whole);
    alone_shape(&one->p.src, &p->src, axis, ndim, one->src);
    alone_shape(&one->p.dst, &p->dst, axis, ndim, one->dst);
    if (p->kind != DC_SPECTRAL_LOMBSCARGLE && p->other.ndim)
        alone_shape(&one->p.other, &p->other, axis, ndim, one->other);
    if (dc_spectral(queue, &one->p, NULL) != DC_OK)
        fail_msg("%s\nseries %lld alone: %s", c->text, (long long)s, dc_last_error());
    if (memcmp(one->dst, one->whole, (size_t)one->results * dc_dtype_bytes(p->dst.dtype)) != 0)
        fail_msg("%s\nseries %lld has other bits when it is alone", c->text, (long long)s);
}

static void check_alone(const dct_case *c, const alone *one)
{
    const dc_array *const other = &one->p.other;
    long double *x = room(one->n * (int64_t)sizeof *x), *y = NULL;
    dct_spectral_want *want = room(one->results * (int64_t)sizeof *want + 4096);
    dct_spectral_call oracle;

    for (int64_t i = 0; i < one->n; ++i)
        x[i] = value(c->dtype, one->src, i);
    if (other->ndim) {
        y = room(one->n * (int64_t)sizeof *y);
        for (int64_t i = 0; i < one->n; ++i)
            y[i] = value(c->dtype, other->data, other->offset + i * other->stride[0]);
    }
    dct_spectral_open(&oracle, &one->p, one->p.src.shape[0]);
    const int64_t n = dct_spectral_series(&oracle, x, y, want);
    if (n >= 0 && n != one->results)
        fail_msg("%s\n%lld results, expected %lld", c->text, (long long)one->results, (long long)n);
    for (int64_t i = 0; i < n; ++i)
        if (!agrees(&want[i], value(c->dtype, one->dst, i)))
            fail_msg("%s\nresult %lld of a series is %.17Lg, must be %.17Lg within %Lg", c->text,
                     (long long)i, value(c->dtype, one->dst, i), want[i].value, want[i].slack);
    dct_spectral_close(&oracle);
    free(x);
    free(y);
    free(want);
}

/* Memory for an array as it was drawn. */
static void place(dct_case *c, dc_array *array, int fill)
{
    int64_t low, high;

    dct_extent(array, &low, &high);
    array->data = room((high - low) * 8);
    array->offset = -low;
    if (fill)
        dct_fill(c, array,
                 (unsigned char *)array->data - low * (int64_t)dc_dtype_bytes(array->dtype));
}

static void any_case(dct_case *c)
{
    dc_spectral_params p;
    alone one;

    memcpy(&p, c->params.bytes, sizeof p);
    const int32_t more = p.kind == DC_SPECTRAL_ISTFT ? 2 : p.kind == DC_SPECTRAL_IRFFT;
    const int32_t ndim = p.src.ndim - more, axis = p.axis < 0 ? p.axis + ndim : p.axis;
    int64_t series = 1;
    place(c, &p.src, 1);
    if (c->nin > 1)
        place(c, &p.other, 1);
    place(c, &p.dst, 0);
    if (dc_spectral(queue, &p, NULL) != DC_OK)
        fail_msg("%s\n%s", c->text, dc_last_error());
    for (int32_t d = 0; d < ndim; ++d)
        series *= d == axis ? 1 : p.src.shape[d];
    one.src = room(dc_array_elements(&p.src) * 8);
    one.other = room(dc_array_elements(&p.src) * 8);
    one.dst = room(dc_array_elements(&p.dst) * 8);
    one.whole = room(dc_array_elements(&p.dst) * 8);
    for (int64_t s = 0; s < series; s += s < 3 ? 1 : 1 + series / 4) {
        run_alone(c, &p, axis, ndim, s, &one);
        if (s < 2)
            check_alone(c, &one);
    }
    free(one.src);
    free(one.other);
    free(one.dst);
    free(one.whole);
    free(p.src.data);
    free(p.other.data);
    free(p.dst.data);
}

/* Numbers that squares of do not lose. */
static const int32_t fills[] = {DCT_FILL_BELL,   DCT_FILL_BELL,   DCT_FILL_UNIFORM,
                                DCT_FILL_TIES,   DCT_FILL_OFFSET, DCT_FILL_CONSTANT,
                                DCT_FILL_SPIKES, DCT_FILL_ZEROS,  DCT_FILL_NEIGHBOURS};

static void against_long_double(void **state)
{
    static dct_case c;
    const dct_family *family;

    (void)state;
    for (int32_t i = 0; i < dc_op_count(); ++i) {
        dc_op_info op = {.struct_size = sizeof op};

        assert_int_equal(dc_op_get(i, &op), DC_OK);
        if (strcmp(op.family, "spectral") != 0)
            continue;
        for (int64_t n = 0; n < 160; n += fewer)
            for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype) {
                if (!(op.dtypes >> dtype & 1))
                    continue;
                dct_case_draw_op(&c, &family, &op, dtype, 5, n, 1);
                c.fill = fills[n % 9];
                c.nan_percent = n % 4 == 3 ? 2 : 0;
                c.inf_percent = n % 16 == 7 ? 1 : 0;
                any_case(&c);
            }
    }
}

/* More lags than 256 are made of long transforms. */
static void many_lags(void **state)
{
    static const int64_t rows[][2] = {{700, 300}, {600, 599}, {5003, 4000}};

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int i = 0; i < 3; ++i) {
            const int64_t n = rows[i][0], lags = rows[i][1];
            dct_rng rng = dct_stream(8, (uint64_t)n);
            double *x = room(n * 8), *y = room((lags + 1) * 8);
            long double *wide = room(n * (int64_t)sizeof *wide);
            dct_spectral_want *want = room((lags + 1) * (int64_t)sizeof *want);
            dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;
            dct_spectral_call c;

            for (int64_t k = 0; k < n; ++k) {
                put(dtype, x, k, dct_bell(&rng) + (double)(k % 30) / 10 + 100);
                wide[k] = value(dtype, x, k);
            }
            p.kind = DC_SPECTRAL_ACF;
            p.lags = lags;
            p.src = dc_array_host(x, dtype, 1, &n);
            p.dst = dc_array_host(y, dtype, 1, (int64_t[]){lags + 1});
            call(&p);
            dct_spectral_open(&c, &p, n);
            dct_spectral_series(&c, wide, NULL, want);
            for (int64_t k = 0; k <= lags; ++k)
                if (!(fabsl(want[k].value - value(dtype, y, k)) <= 64 * c.u))
                    fail_msg("dtype %d, %lld samples: lag %lld is %.17Lg, must be %.17Lg",
                             (int)dtype, (long long)n, (long long)k, value(dtype, y, k),
                             want[k].value);
            dct_spectral_close(&c);
            free(x);
            free(y);
            free(wide);
            free(want);
        }
}

/* ---- windows ----------------------------------------------------------------------------------
 */

/* Bin 0 of a single 1 in an otherwise empty series is the weight of its place. */
static void windows_are_their_closed_forms(void **state)
{
    static const double params[] = {0, 0, 0, 0, 0, 0, 8.6, 0.3, 5};
    enum { MOST = 64 };
    static double eye[MOST * MOST], bins[MOST * (MOST + 2)];
    long double w[MOST];

    (void)state;
    for (int64_t n = 1; n <= MOST; n += n < 20 ? 1 : 11)
        for (int32_t window = DC_WINDOW_BOXCAR; window <= DC_WINDOW_GAUSSIAN; ++window)
            for (int32_t symmetric = 0; symmetric < 2; ++symmetric) {
                dc_spectral_params p = forward_of(DC_F64, eye, n, n, bins);

                memset(eye, 0, sizeof eye);
                for (int64_t i = 0; i < n; ++i)
                    eye[i * n + i] = 1;
                p.window = window;
                p.window_param = params[window] > 0 ? params[window] : -1;
                p.symmetric = symmetric;
                call(&p);
                dct_spectral_window(window, (long double)params[window], symmetric, n, w);
                for (int64_t i = 0; i < n; ++i) {
                    const long double got = (long double)bins[i * (n / 2 + 1) * 2];

                    if (!(fabsl(got - w[i]) <= (window == DC_WINDOW_KAISER ? 16 : 8) * 0x1p-53L))
                        fail_msg("window %d (symmetric %d) of %lld: weight %lld is %.17Lg, must be "
                                 "%.17Lg",
                                 (int)window, (int)symmetric, (long long)n, (long long)i, got,
                                 w[i]);
                }
            }
}

/* The comparison must be able to fail. */
static void planted_bug_is_found(void **state)
{
    const dct_spectral_want want = {1, 1e-6L}, nothing = {(long double)NAN, 0};

    (void)state;
    assert_true(agrees(&want, 1.0000005L) && !agrees(&want, 1.000002L));
    assert_true(!agrees(&want, (long double)NAN) && !agrees(&want, (long double)INFINITY));
    assert_true(agrees(&nothing, (long double)NAN) && !agrees(&nothing, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_bug_is_found),
        cmocka_unit_test(every_short_length),
        cmocka_unit_test(longer_lengths),
        cmocka_unit_test(long_lengths),
        cmocka_unit_test(windows_are_their_closed_forms),
        cmocka_unit_test(against_long_double),
        cmocka_unit_test(many_lags),
    };

    return cmocka_run_group_tests_name("spectral", tests, open_library, close_library);
}

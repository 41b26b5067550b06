/* What dc_spectral() promises beyond its formulas: series are strangers to each other, windows are
 * functions of their samples alone, an offset takes nothing away, and there is a way back. */
#include "tests/api/api.h"

#include "tests/harness/random.h"

enum { S = 37, T = 48, ROOM = 1 << 17, KINDS = DC_SPECTRAL_FIND_PERIOD + 1 };

static dc_context *context;
static dc_queue *queue;
static const double bands[] = {0.0, 0.1, 0.1, 0.5}, freqs[] = {0.2, 0.7, 1.3};
static double *in, *more, *out, *again;

static int open_all(void **state)
{
    (void)state;
    context = cpu_context();
    queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    in = calloc(ROOM, sizeof *in);
    more = calloc(ROOM, sizeof *more);
    out = calloc(ROOM, sizeof *out);
    again = calloc(ROOM, sizeof *again);
    return in && more && out && again ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    free(in);
    free(more);
    free(out);
    free(again);
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static double get(int32_t dtype, const void *data, int64_t at)
{
    return dtype == DC_F32 ? (double)((const float *)data)[at] : ((const double *)data)[at];
}

static void put(int32_t dtype, void *data, int64_t at, double x)
{
    if (dtype == DC_F32)
        ((float *)data)[at] = (float)x;
    else
        ((double *)data)[at] = x;
}

static void fill(int32_t dtype, void *data, int64_t n, uint64_t seed)
{
    dct_rng rng = dct_stream(seed, 0);

    for (int64_t i = 0; i < n; ++i)
        put(dtype, data, i, dct_bell(&rng));
}

static void call(const dc_spectral_params *p)
{
    expect_ok(dc_spectral(queue, p, NULL));
}

static double unit(int32_t dtype)
{
    return dtype == DC_F32 ? 0x1p-24 : 0x1p-53;
}

/* ---- strangers --------------------------------------------------------------------------------
 */

/* Lengths along the axis and behind it, of src and dst, for T samples and the parameters below. */
static const struct {
    int64_t src, src_tail[2], dst, dst_tail[2];
} forms[KINDS] = {
    [DC_SPECTRAL_RFFT] = {T, {0}, T / 2 + 1, {2}},
    [DC_SPECTRAL_IRFFT] = {T / 2 + 1, {2}, T, {0}},
    [DC_SPECTRAL_STFT] = {T, {0}, 9, {7, 2}},
    [DC_SPECTRAL_ISTFT] = {9, {7, 2}, T, {0}},
    [DC_SPECTRAL_PERIODOGRAM] = {T, {0}, T / 2 + 1, {0}},
    [DC_SPECTRAL_SPECTROGRAM] = {T, {0}, 9, {5}},
    [DC_SPECTRAL_WELCH] = {T, {0}, 9, {0}},
    [DC_SPECTRAL_CSD] = {T, {0}, 9, {2}},
    [DC_SPECTRAL_COHERENCE] = {T, {0}, 9, {0}},
    [DC_SPECTRAL_BANDS] = {T, {0}, 5, {2}},
    [DC_SPECTRAL_ROLLING_BANDS] = {T, {0}, T, {2}},
    [DC_SPECTRAL_FEATURES] = {T, {0}, 5, {12}},
    [DC_SPECTRAL_ACF] = {T, {0}, 13, {0}},
    [DC_SPECTRAL_LOMBSCARGLE] = {T, {0}, 3, {0}},
    [DC_SPECTRAL_FIND_PERIOD] = {T, {0}, 3, {0}},
};

static int64_t inner_of(const int64_t *tail)
{
    return (tail[0] ? tail[0] : 1) * (tail[1] ? tail[1] : 1);
}

static dc_array array_of(int32_t dtype, void *data, int time_first, int64_t length,
                         const int64_t *tail)
{
    const int64_t shape[] = {time_first ? length : S, time_first ? S : length, tail[0], tail[1]};

    return dc_array_host(data, dtype, 2 + (tail[0] > 0) + (tail[1] > 0), shape);
}

static dc_spectral_params params_of(int32_t kind, int32_t dtype, int time_first)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = kind;
    p.axis = !time_first;
    p.nperseg = 16;
    p.noverlap = 8;
    p.nfft = kind == DC_SPECTRAL_ISTFT ? 16 : DC_DEFAULT;
    if (kind == DC_SPECTRAL_RFFT || kind == DC_SPECTRAL_IRFFT || kind == DC_SPECTRAL_PERIODOGRAM ||
        kind == DC_SPECTRAL_FIND_PERIOD)
        p.nperseg = p.noverlap = DC_DEFAULT;
    p.bands = (dc_doubles){bands, 4};
    p.lags = 12;
    p.src = array_of(dtype, in, time_first, forms[kind].src, forms[kind].src_tail);
    p.dst = array_of(dtype, out, time_first, forms[kind].dst, forms[kind].dst_tail);
    if (kind == DC_SPECTRAL_CSD || kind == DC_SPECTRAL_COHERENCE)
        p.other = array_of(dtype, more, time_first, forms[kind].src, forms[kind].src_tail);
    if (kind == DC_SPECTRAL_LOMBSCARGLE) {
        p.other = dc_array_host(more, dtype, 1, (int64_t[]){T});
        p.freqs = (dc_doubles){freqs, 3};
    }
    return p;
}

/* Place of element `i` (of the axis and what is behind it) of series s. */
static int64_t place(int time_first, int64_t length, int64_t inner, int64_t s, int64_t i)
{
    return time_first ? (i / inner * S + s) * inner + i % inner : s * length * inner + i;
}

static int accepts(int32_t kind, int32_t dtype)
{
    dc_op_info op = {.struct_size = sizeof op};

    for (int32_t i = 0; i < dc_op_count(); ++i)
        if (dc_op_get(i, &op) == DC_OK && strcmp(op.family, "spectral") == 0 && op.kind == kind)
            return op.dtypes >> dtype & 1;
    return 0;
}

static void poisoned(int32_t kind, int32_t dtype, int time_first, double poison, int64_t victim)
{
    const dc_spectral_params p = params_of(kind, dtype, time_first);
    const int64_t src = forms[kind].src, dst = forms[kind].dst;
    const int64_t inner = inner_of(forms[kind].src_tail), results = inner_of(forms[kind].dst_tail);
    const size_t size = dc_dtype_bytes(dtype);

    fill(dtype, in, S * src * inner, 1);
    fill(dtype, more, S * T, 2);
    call(&p);
    memcpy(again, out, (size_t)(S * dst * results) * size);
    put(dtype, in, place(time_first, src, inner, victim, 5 * inner), poison);
    call(&p);
    for (int64_t s = 0; s < S; ++s)
        for (int64_t i = 0; i < dst * results; ++i) {
            const size_t at = (size_t)place(time_first, dst, results, s, i) * size;

            if (s != victim && memcmp((char *)out + at, (char *)again + at, size) != 0)
                fail_msg("kind %d, dtype %d, time %s: %g in series %lld shows in series %lld",
                         (int)kind, (int)dtype, time_first ? "first" : "last", poison,
                         (long long)victim, (long long)s);
        }
    if (poison > 1)
        return;
    for (int64_t i = 0, seen = 0; i <= dst * results; ++i) { /* a NaN does show where it is */
        assert_true(i < dst * results || seen);
        seen |=
            i < dst * results && isnan(get(dtype, out, place(time_first, dst, results, victim, i)));
        if (seen || kind == DC_SPECTRAL_LOMBSCARGLE)
            break;
    }
}

static void series_are_strangers(void **state)
{
    static const double poisons[] = {NAN, INFINITY, 1e30};
    static const int64_t victims[] = {0, 17, S - 1};

    (void)state;
    for (int32_t kind = 0; kind < KINDS; ++kind)
        for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
            for (int time_first = 0; time_first < 2 && accepts(kind, dtype); ++time_first)
                for (int i = 0; i < 3; ++i)
                    poisoned(kind, dtype, time_first, poisons[i], victims[i]);
}

/* ---- windows ----------------------------------------------------------------------------------
 */

static dc_spectral_params one_series(int32_t kind, int32_t dtype, void *src, int64_t n, void *dst,
                                     int32_t ndim, const int64_t *shape)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = kind;
    p.axis = 0;
    p.src = dc_array_host(src, dtype, 1, &n);
    p.dst = dc_array_host(dst, dtype, ndim, shape);
    p.bands = (dc_doubles){bands, 4};
    return p;
}

/* Row t of rolling bands is the band energy of the rows that end with it, computed alone. */
static void rolling_is_a_loop(void **state)
{
    static const int64_t lengths[] = {1, 5, 11, 16, 48, 64, 100};
    const int64_t n = 130;

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
            const int64_t w = lengths[i];
            dc_spectral_params all =
                one_series(DC_SPECTRAL_ROLLING_BANDS, dtype, in, n, out, 2, (int64_t[]){n, 2});

            fill(dtype, in, n, (uint64_t)w);
            all.nperseg = w;
            for (all.heads = 0; all.heads < 2; ++all.heads) {
                call(&all);
                for (int64_t t = 0; t < n; ++t) {
                    const int64_t m = t + 1 < w ? t + 1 : w;
                    dc_spectral_params one =
                        one_series(DC_SPECTRAL_BANDS, dtype, in, m, again, 2, (int64_t[]){1, 2});

                    one.src.offset = t + 1 - m;
                    one.nperseg = m;
                    call(&one);
                    for (int64_t b = 0; b < 2; ++b) {
                        const double got = get(dtype, out, 2 * t + b);

                        if (m < w && !all.heads ? !isnan(got)
                            : m < w / 2         ? got != 0
                                                : got != get(dtype, again, b))
                            fail_msg("window %lld, heads %d, dtype %d: row %lld, band %lld is %g, "
                                     "alone %g",
                                     (long long)w, (int)all.heads, (int)dtype, (long long)t,
                                     (long long)b, got, get(dtype, again, b));
                    }
                }
            }
        }
}

/* Windows 3 and on of the whole are the windows of what begins at window 3. */
static void windows_are_cut_anywhere(void **state)
{
    static const int32_t kinds[] = {DC_SPECTRAL_SPECTROGRAM, DC_SPECTRAL_STFT, DC_SPECTRAL_BANDS,
                                    DC_SPECTRAL_FEATURES};
    static const int64_t lengths[] = {16, 30, 37};
    const int64_t hop = 7, frames = 50, cut = 3;

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int k = 0; k < 4; ++k)
            for (int l = 0; l < 3; ++l) {
                const int64_t n = lengths[l], bins = n / 2 + 1,
                              last = kinds[k] == kinds[0]            ? 1
                                     : kinds[k] == DC_SPECTRAL_STFT  ? 2
                                     : kinds[k] == DC_SPECTRAL_BANDS ? 2
                                                                     : 12;
                const int by_bin = k < 2;
                const int64_t all[] = {by_bin ? bins : frames, by_bin ? frames : last, last};
                const int64_t part[] = {by_bin ? bins : frames - cut, by_bin ? frames - cut : last,
                                        last};
                const int32_t ndim = kinds[k] == DC_SPECTRAL_STFT ? 3 : 2;
                const int64_t samples = n + (frames - 1) * hop;
                dc_spectral_params p = one_series(kinds[k], dtype, in, samples, out, ndim, all);

                fill(dtype, in, samples, (uint64_t)n);
                p.nperseg = n;
                p.noverlap = n - hop;
                p.boundary = DC_BOUNDARY_NONE;
                call(&p);
                p.src.offset = cut * hop;
                p.src.shape[0] -= cut * hop;
                p.dst = dc_array_host(again, dtype, ndim, part);
                call(&p);
                const size_t size = (size_t)last * dc_dtype_bytes(dtype);
                for (int64_t b = 0; b < (by_bin ? bins : 1); ++b)
                    assert_memory_equal((char *)again + (size_t)(b * (frames - cut)) * size,
                                        (char *)out + (size_t)(b * frames + cut) * size,
                                        (size_t)(frames - cut) * size);
            }
}

/* Numbers on a coarse grid with an offset that they hold exactly: not a bit of the spectrum moves.
 */
static void an_offset_takes_nothing_away(void **state)
{
    static const double offsets[] = {1e3, 32768, 1e6, -250000};
    const int64_t n = 500, shape[] = {129};

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int32_t detrend = DC_DETREND_CONSTANT; detrend <= DC_DETREND_LINEAR; ++detrend) {
            dc_spectral_params p = one_series(DC_SPECTRAL_WELCH, dtype, in, n, out, 1, shape);
            dct_rng rng = dct_stream(9, 0);

            p.detrend = detrend;
            for (int64_t i = 0; i < n; ++i)
                put(dtype, in, i, rint(8 * dct_bell(&rng)) / 8);
            call(&p);
            memcpy(again, out, sizeof(double) * 129);
            for (int k = 0; k < 4; ++k) {
                for (int64_t i = 0; i < n; ++i)
                    put(dtype, more, i, get(dtype, in, i) + offsets[k]);
                p.src.data = more;
                call(&p);
                p.src.data = in;
                assert_memory_equal(again, out, 129 * dc_dtype_bytes(dtype));
            }
        }
}

/* ---- transforms -------------------------------------------------------------------------------
 */

static void transform(int32_t dtype, void *x, int64_t n, void *y)
{
    const dc_spectral_params p =
        one_series(DC_SPECTRAL_RFFT, dtype, x, n, y, 2, (int64_t[]){n / 2 + 1, 2});

    call(&p);
}

/* Parseval; the spectrum of a sum, of a shifted and of a reversed series. */
static void laws(void **state)
{
    static const int64_t lengths[] = {8, 15, 64, 97, 100, 127, 210, 256, 331, 512, 1000, 2039};
    static const double pi = 3.14159265358979323846;
    double *y = calloc(ROOM, sizeof *y), *z = calloc(ROOM, sizeof *z);

    (void)state;
    assert_true(y && z);
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; ++l) {
            const int64_t n = lengths[l], shift = n / 3;
            const double slack = 64 * unit(dtype) * log2((double)n);
            double squares = 0, power = 0;

            fill(dtype, in, n, (uint64_t)n);
            fill(dtype, more, n, (uint64_t)n + 1);
            transform(dtype, in, n, out);
            transform(dtype, more, n, again);
            for (int64_t i = 0; i < n; ++i)
                squares += get(dtype, in, i) * get(dtype, in, i) * (double)n;
            for (int64_t i = 0; i < n / 2 * 2 + 2; ++i)
                power +=
                    get(dtype, out, i) * get(dtype, out, i) * (i < 2 || i / 2 * 2 == n ? 1 : 2);
            assert_true(fabs(power - squares) <= slack * squares);
            for (int64_t i = 0; i < n; ++i)
                put(dtype, y, i, 2 * get(dtype, in, i) - get(dtype, more, i));
            transform(dtype, y, n, z);
            for (int64_t i = 0; i < n / 2 * 2 + 2; ++i)
                assert_true(fabs(get(dtype, z, i) - 2 * get(dtype, out, i) +
                                 get(dtype, again, i)) <= slack * sqrt(squares));
            for (int64_t i = 0; i < n; ++i) {
                put(dtype, y, (i + shift) % n, get(dtype, in, i));
                put(dtype, more, (n - i) % n, get(dtype, in, i));
            }
            transform(dtype, y, n, z);
            transform(dtype, more, n, again);
            for (int64_t k = 0; k <= n / 2; ++k) {
                const double angle = -2 * pi * (double)(k * shift % n) / (double)n;
                const double re = get(dtype, out, 2 * k), im = get(dtype, out, 2 * k + 1);

                assert_true(fabs(get(dtype, z, 2 * k) - re * cos(angle) + im * sin(angle)) <=
                            slack * sqrt(squares));
                assert_true(fabs(get(dtype, again, 2 * k) - re) <= slack * sqrt(squares));
                assert_true(fabs(get(dtype, again, 2 * k + 1) + im) <= slack * sqrt(squares));
            }
        }
    free(y);
    free(z);
}

/* Windows taken apart and added again are the series. */
static void there_is_a_way_back(void **state)
{
    static const int64_t lengths[] = {16, 25, 64, 37};

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int l = 0; l < 4; ++l)
            for (int32_t boundary = DC_BOUNDARY_ZEROS; boundary <= DC_BOUNDARY_CONSTANT;
                 ++boundary) {
                const int64_t n = lengths[l], hop = n - n / 2, edge = n / 2 * 2;
                const int64_t samples = n + 9 * hop - edge, nfft = l == 1 ? 40 : n;
                const int64_t mid[] = {nfft / 2 + 1, 10, 2};
                dc_spectral_params p =
                    one_series(DC_SPECTRAL_STFT, dtype, in, samples, out, 3, mid);

                fill(dtype, in, samples, (uint64_t)n);
                p.nperseg = n;
                p.nfft = nfft;
                p.boundary = boundary;
                p.scaling = l == 2 ? DC_SCALING_DENSITY : -1;
                p.fs = 10;
                call(&p);
                p.kind = DC_SPECTRAL_ISTFT;
                p.src = p.dst;
                p.dst = dc_array_host(again, dtype, 1, &samples);
                call(&p);
                for (int64_t i = 0; i < samples; ++i)
                    assert_true(fabs(get(dtype, in, i) - get(dtype, again, i)) < 400 * unit(dtype));
            }
}

/* ---- periods ----------------------------------------------------------------------------------
 */

static void periods_are_found(void **state)
{
    static const double periods[] = {7, 12, 23.5, 60};
    const int64_t n = 600, shape = 3;

    (void)state;
    for (int32_t dtype = DC_F32; dtype <= DC_F64; ++dtype)
        for (int k = 0; k < 4; ++k) {
            dc_spectral_params p =
                one_series(DC_SPECTRAL_FIND_PERIOD, dtype, in, n, out, 1, &shape);
            dct_rng rng = dct_stream(4, (uint64_t)k);

            for (int64_t i = 0; i < n; ++i)
                put(dtype, in, i,
                    sin(2 * 3.14159265358979 * (double)i / periods[k]) + 0.3 * dct_bell(&rng) +
                        0.01 * (double)i + 100);
            p.fs = 4;
            call(&p);
            const double period = 4 * get(dtype, out, 0), strength = get(dtype, out, 1);

            if (!(fabs(period - periods[k]) < 1 + 0.02 * periods[k]) || !(strength > 0.6) ||
                !(get(dtype, out, 2) > 0.05) || !(get(dtype, out, 2) <= 1))
                fail_msg("period %g: %g, strength %g, share %g", periods[k], period, strength,
                         get(dtype, out, 2));
        }
}

/* A sine at uneven times, some of its values missing, stands out at its frequency. */
static void uneven_times(void **state)
{
    enum { N = 300, F = 200 };
    double frequency[F];
    const int64_t results = F;
    dct_rng rng = dct_stream(5, 0);
    dc_spectral_params p = one_series(DC_SPECTRAL_LOMBSCARGLE, DC_F64, in, N, out, 1, &results);

    (void)state;
    for (int i = 0; i < F; ++i)
        frequency[i] = 0.01 * (i + 1);
    for (int64_t i = 0; i < N; ++i) {
        more[i] = 400 * dct_unit(&rng);
        in[i] = i % 10 == 3 ? (double)NAN : 2 * sin(0.8 * more[i] + 1) + 0.1 * dct_bell(&rng);
    }
    p.other = dc_array_host(more, DC_F64, 1, (int64_t[]){N});
    p.freqs = (dc_doubles){frequency, F};
    for (p.normalize = 0; p.normalize < 2; ++p.normalize) {
        int64_t at = 0;

        call(&p);
        for (int i = 1; i < F; ++i)
            at = out[i] > out[at] ? i : at;
        assert_int_equal(at, 79);
        /* A^2 N / 4 */
        assert_true(p.normalize ? out[at] > 0.98 && out[at] <= 1 : fabs(out[at] / 270 - 1) < 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_strangers),
        cmocka_unit_test(rolling_is_a_loop),
        cmocka_unit_test(windows_are_cut_anywhere),
        cmocka_unit_test(an_offset_takes_nothing_away),
        cmocka_unit_test(laws),
        cmocka_unit_test(there_is_a_way_back),
        cmocka_unit_test(periods_are_found),
        cmocka_unit_test(uneven_times),
    };

    return cmocka_run_group_tests_name("spectral promises", tests, open_all, close_all);
}

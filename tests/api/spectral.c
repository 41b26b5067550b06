/* Bad input of dc_spectral(): one sentence naming argument, value and limit, outputs untouched;
 * what looks odd and is fine; default lengths; known answers. */
#include "tests/api/api.h"

enum { SERIES = 3, T = 40 };

static dc_context *context;
static dc_queue *queue;
static double in[SERIES * T], more[SERIES * T], out[4096];
static const double two_bands[] = {0.0, 0.1, 0.1, 0.5}, bad_band[] = {0.3, 0.2},
                    low_band[] = {-0.1, 0.2}, nan_band[] = {NAN, 0.2}, taps[8] = {1, 2, 3},
                    nan_taps[8] = {1, NAN}, freqs[] = {0.5, 1.0};

static dc_spectral_params good(int32_t kind)
{
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = kind;
    p.src = dc_array_host(in, DC_F64, 2, (int64_t[]){SERIES, T});
    return p;
}

static dc_spectral_params welch(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_WELCH);

    p.nperseg = 8;
    p.dst = dc_array_host(out, DC_F64, 2, (int64_t[]){SERIES, 5});
    return p;
}

static dc_spectral_params stft(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_STFT);

    p.nperseg = 8;
    p.dst = dc_array_host(out, DC_F64, 4, (int64_t[]){SERIES, 5, 11, 2});
    return p;
}

static dc_spectral_params csd(void)
{
    dc_spectral_params p = welch();

    p.kind = DC_SPECTRAL_CSD;
    p.other = dc_array_host(more, DC_F64, 2, (int64_t[]){SERIES, T});
    p.dst = dc_array_host(out, DC_F64, 3, (int64_t[]){SERIES, 5, 2});
    return p;
}

static dc_spectral_params rolling(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_ROLLING_BANDS);

    p.nperseg = 8;
    p.bands = (dc_doubles){two_bands, 4};
    p.dst = dc_array_host(out, DC_F64, 3, (int64_t[]){SERIES, T, 2});
    return p;
}

static dc_spectral_params features(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_FEATURES);

    p.nperseg = 8;
    p.dst = dc_array_host(out, DC_F64, 3, (int64_t[]){SERIES, 5, 12});
    return p;
}

static dc_spectral_params acf(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_ACF);

    p.lags = 10;
    p.dst = dc_array_host(out, DC_F64, 2, (int64_t[]){SERIES, 11});
    return p;
}

static dc_spectral_params lomb(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_LOMBSCARGLE);

    p.other = dc_array_host(more, DC_F64, 1, (int64_t[]){T});
    p.freqs = (dc_doubles){freqs, 2};
    p.dst = dc_array_host(out, DC_F64, 2, (int64_t[]){SERIES, 2});
    return p;
}

/* in as one series of 59 bins */
static dc_spectral_params irfft(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_IRFFT);

    p.src = dc_array_host(in, DC_F64, 3, (int64_t[]){SERIES, 9, 2});
    p.dst = dc_array_host(out, DC_F64, 2, (int64_t[]){SERIES, 16});
    return p;
}

static dc_spectral_params istft(void)
{
    dc_spectral_params p = good(DC_SPECTRAL_ISTFT);

    p.axis = 0;
    p.src = dc_array_host(in, DC_F64, 3, (int64_t[]){5, 7, 2});
    p.dst = dc_array_host(out, DC_F64, 1, (int64_t[]){24});
    return p;
}

static int open_all(void **state)
{
    (void)state;
    context = cpu_context();
    queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    for (int i = 0; i < SERIES * T; ++i) {
        in[i] = (double)(i * 37 % 101);
        more[i] = (double)(i * 59 % 103);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static void refuse(dc_spectral_params p, const char *one, const char *two)
{
    memset(out, 0x5a, sizeof out);
    const dc_status status = dc_spectral(queue, &p, NULL);
    if (status == DC_OK)
        fail_msg("accepted: %s", one);
    expect_error(status, DC_E_ARGUMENT, one, two, NULL);
    assert_non_null(strstr(dc_last_error(), "spectral"));
    for (size_t i = 0; i < sizeof out; ++i)
        if (((unsigned char *)out)[i] != 0x5a)
            fail_msg("%s: the output was written", one);
}

#define REFUSED(from, change, ...)                                                                 \
    do {                                                                                           \
        dc_spectral_params p = from();                                                             \
        change;                                                                                    \
        refuse(p, __VA_ARGS__);                                                                    \
    } while (0)

static void the_good_ones_are_good(void **state)
{
    dc_spectral_params (*const all[])(void) = {welch, stft, csd,   rolling, features,
                                               acf,   lomb, irfft, istft};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        const dc_spectral_params p = all[i]();

        expect_ok(dc_spectral(queue, &p, NULL));
    }
}

static void choices(void **state)
{
    (void)state;
    REFUSED(welch, p.kind = 15, "kind is 15", "14");
    REFUSED(welch, p.kind = -1, "kind is -1", "14");
    REFUSED(welch, p.window = 9, "window is 9", "8");
    REFUSED(welch, p.window = -2, "window is -2", "-1");
    REFUSED(welch, p.detrend = 3, "detrend is 3", "2");
    REFUSED(welch, p.scaling = 3, "scaling is 3", "2");
    REFUSED(welch, p.average = 2, "average is 2", "1");
    REFUSED(welch, p.nan = 2, "nan is 2", "1");
    REFUSED(welch, p.symmetric = 2, "symmetric is 2", "1");
    REFUSED(stft, p.boundary = 5, "boundary is 5", "4");
    REFUSED(stft, p.padded = -1, "padded is -1", "1");
    REFUSED(welch, (p.average = DC_AVERAGE_MEDIAN, p.nan = DC_NAN_OMIT), "nan is omit", "median");
    REFUSED(rolling, p.closed = 2, "closed is 2", "1");
    REFUSED(rolling, p.heads = 2, "heads is 2", "1");
    REFUSED(features, p.features = 0, "features is 0", "4095");
    REFUSED(features, p.features = 1 << 12, "features is 4096", "4095");
    REFUSED(features, p.weight = 2, "weight is 2", "1");
    REFUSED(acf, p.adjusted = 2, "adjusted is 2", "1");
    REFUSED(lomb, p.normalize = 7, "normalize is 7", "1");
    REFUSED(welch, p.reserved = 1, "reserved is 1", "0");
}

static void numbers(void **state)
{
    (void)state;
    REFUSED(welch, p.fs = 0, "fs is 0", "above 0");
    REFUSED(welch, p.fs = (double)NAN, "fs is", "above 0");
    REFUSED(welch, p.fs = (double)INFINITY, "fs is inf", "finite");
    REFUSED(features, p.rolloff = 1.5, "rolloff is 1.5", "0 to 1");
    REFUSED(features, p.rolloff = (double)NAN, "rolloff is", "0 to 1");
    REFUSED(welch, (p.window = DC_WINDOW_GAUSSIAN, p.window_param = 0), "window_param is 0",
            "above 0");
    REFUSED(welch, (p.window = DC_WINDOW_KAISER, p.window_param = (double)INFINITY),
            "window_param is inf", "finite");
    REFUSED(welch, (p.window = DC_WINDOW_KAISER, p.window_param = (double)NAN), "window_param is",
            "finite");
    REFUSED(welch, p.nperseg = 0, "nperseg is 0", "1 to 40");
    REFUSED(welch, p.nperseg = 41, "nperseg is 41", "1 to 40");
    REFUSED(welch, p.noverlap = 8, "noverlap is 8", "7");
    REFUSED(welch, p.noverlap = -1, "noverlap is -1", "0 to 7");
    REFUSED(welch, p.nfft = 7, "nfft is 7", "8");
    REFUSED(rolling, p.nperseg = DC_DEFAULT, "nperseg is not given", "window");
    REFUSED(rolling, p.nperseg = 0, "nperseg is 0", "1");
    REFUSED(rolling, (p.heads = 1, p.nfft = 16), "heads is 1", "nfft");
    REFUSED(acf, p.lags = T, "lags is 40", "0 to 39");
    REFUSED(acf, p.lags = -3, "lags is -3", "0 to 39");
    REFUSED(welch, p.axis = 2, "axis is 2", "-2 to 1");
    REFUSED(welch, p.axis = -3, "axis is -3", "-2 to 1");
    REFUSED(irfft, p.axis = 2, "axis is 2", "-2 to 1");
    REFUSED(irfft, p.nfft = 0, "nfft is 0", "1");
    REFUSED(istft, p.nperseg = 9, "nperseg is 9", "1 to 8");
    REFUSED(istft, p.noverlap = 8, "noverlap is 8", "7");
    REFUSED(istft, p.nfft = 10, "src.shape[0] is 5", "6");
}

static void lists(void **state)
{
    (void)state;
    REFUSED(welch, (p.taps = (dc_doubles){taps, 7}), "taps has 7", "8");
    REFUSED(welch, (p.taps = (dc_doubles){nan_taps, 8}), "taps[1] is", "finite");
    REFUSED(welch, (p.taps = (dc_doubles){NULL, 8}), "taps has", "8");
    REFUSED(rolling, (p.bands = (dc_doubles){NULL, 0}), "bands has 0", "2");
    REFUSED(rolling, (p.bands = (dc_doubles){two_bands, 3}), "bands has 3", "2");
    REFUSED(rolling, (p.bands = (dc_doubles){bad_band, 2}), "bands[0] is from 0.3 to 0.2", "less");
    REFUSED(rolling, (p.bands = (dc_doubles){low_band, 2}), "bands[0] is from -0.1", "0");
    REFUSED(rolling, (p.bands = (dc_doubles){nan_band, 2}), "bands[0] is", "finite");
    REFUSED(rolling, (p.bands = (dc_doubles){two_bands, 2}), "dst.shape[2] is 2", "1");
    REFUSED(lomb, (p.freqs = (dc_doubles){two_bands, 4}), "dst.shape[1] is 2", "4");
    REFUSED(lomb, (p.freqs = (dc_doubles){NULL, 2}), "freqs", "2");
}

static void arrays(void **state)
{
    (void)state;
    REFUSED(welch, p.dst.shape[1] = 4, "dst.shape[1] is 4", "5");
    REFUSED(welch, p.dst.shape[0] = 2, "dst.shape[0] is 2", "3");
    REFUSED(welch, p.dst.ndim = 1, "dst has 1 axes", "2");
    REFUSED(welch, p.dst.dtype = DC_F32, "dst has dtype", "float64");
    REFUSED(welch, p.src.dtype = DC_I32, "src has dtype", "float");
    REFUSED(welch, p.src.data = NULL, "src.data is NULL", "");
    REFUSED(welch, p.dst.data = NULL, "dst.data is NULL", "");
    REFUSED(welch, p.dst.data = in, "dst overlaps src", "");
    REFUSED(welch, p.dst.data = in + SERIES * T - 1, "dst overlaps src", "");
    REFUSED(welch, p.dst.stride[0] = 0, "dst", "share memory");
    REFUSED(welch, p.src.shape[0] = -1, "src.shape[0] is -1", "");
    REFUSED(welch, p.src.ndim = 9, "src has 9 axes", "8");
    REFUSED(stft, p.dst.shape[2] = 10, "dst.shape[2] is 10", "11");
    REFUSED(stft, p.dst.shape[3] = 1, "dst.shape[3] is 1", "2");
    REFUSED(csd, p.other.shape[1] = T - 1, "other.shape[1] is 39", "40");
    REFUSED(csd, p.other.ndim = 1, "other has 1 axes", "2");
    REFUSED(csd, p.other.dtype = DC_F32, "other has dtype", "float64");
    REFUSED(csd, p.dst.data = more, "dst overlaps other", "");
    REFUSED(lomb, p.other.shape[0] = T + 1, "other.shape[0] is 41", "40");
    REFUSED(features, p.features = 3, "dst.shape[2] is 12", "2");
    REFUSED(irfft, p.src.shape[2] = 3, "src.shape[2] is 3", "2");
    REFUSED(irfft, p.dst.shape[1] = 15, "dst.shape[1] is 15", "16");
    REFUSED(irfft, p.src.ndim = 1, "src has 1 axes", "2");
    REFUSED(istft, p.dst.shape[0] = 25, "dst.shape[0] is 25", "24");
    REFUSED(istft, p.src.ndim = 2, "src has 2 axes", "3");
}

static void structs(void **state)
{
    union {
        dc_spectral_params p;
        unsigned char bytes[sizeof(dc_spectral_params) + 16];
    } newer;
    const dc_spectral_params whole = welch();

    (void)state;
    REFUSED(welch, p.struct_size = 12, "struct_size is 12", "");
    REFUSED(welch, p.struct_size = 0, "struct_size is 0", "");
    expect_error(dc_spectral(queue, NULL, NULL), DC_E_ARGUMENT, "params is NULL", NULL);
    expect_error(dc_spectral(NULL, &whole, NULL), DC_E_ARGUMENT, "queue is NULL", NULL);
    memset(&newer, 0, sizeof newer);
    newer.p = welch();
    newer.p.struct_size = sizeof newer;
    expect_ok(dc_spectral(queue, &newer.p, NULL));
    newer.bytes[sizeof(dc_spectral_params) + 8] = 1;
    expect_error(dc_spectral(queue, &newer.p, NULL), DC_E_ARGUMENT, "does not know", NULL);
}

/* Nothing in, or nothing out: nothing happens, whatever the kind. */
static void nothing(void **state)
{
    dc_spectral_params (*const all[])(void) = {welch, stft, csd,   rolling, features,
                                               acf,   lomb, irfft, istft};

    (void)state;
    memset(out, 0x5a, sizeof out);
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        dc_spectral_params p = all[i]();

        if (p.kind != DC_SPECTRAL_ISTFT) { /* no series */
            p.src.shape[0] = p.dst.shape[0] = 0;
            if (p.kind == DC_SPECTRAL_CSD)
                p.other.shape[0] = 0;
            expect_ok(dc_spectral(queue, &p, NULL));
            p = all[i]();
            p.src.shape[1] = 0; /* no samples */
        } else {
            p.src.shape[0] = 0;
        }
        p.src.data = NULL;
        if (p.other.ndim)
            p.other.shape[p.other.ndim - 1] = 0;
        expect_ok(dc_spectral(queue, &p, NULL));
    }
    for (size_t i = 0; i < sizeof out; ++i)
        assert_int_equal(((unsigned char *)out)[i], 0x5a);
}

/* int(10 log10 T), at most T - 1 */
static void default_lags(void **state)
{
    static const int64_t rows[][2] = {{1, 0},   {2, 1},    {5, 4},    {10, 9},    {40, 16},
                                      {99, 19}, {100, 20}, {999, 29}, {1000, 30}, {10000, 40}};
    double *x = table_of(10000, 1);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        dc_spectral_params p = good(DC_SPECTRAL_ACF);

        p.src = dc_array_host(x, DC_F64, 1, &rows[i][0]);
        p.dst = dc_array_host(out, DC_F64, 1, (int64_t[]){rows[i][1] + 1});
        expect_ok(dc_spectral(queue, &p, NULL));
    }
    free(x);
}

/* scipy.signal.welch of two impulses; a sine of 1 Vrms on a bin has power 1 by any window. */
static void known_answers(void **state)
{
    static const double eight[] = {.08333333, .15277778, .22222222, .22222222, .11111111};
    static const double nine[] = {.12477455, .23430933, .17072113, .17072113, .17072113};
    double x[1024] = {0}, y[520];
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    (void)state;
    x[0] = x[8] = 1;
    p.kind = DC_SPECTRAL_WELCH;
    p.src = dc_array_host(x, DC_F64, 1, (int64_t[]){16});
    p.dst = dc_array_host(y, DC_F64, 1, (int64_t[]){5});
    for (p.nperseg = 8; p.nperseg < 10; ++p.nperseg) {
        expect_ok(dc_spectral(queue, &p, NULL));
        for (int k = 0; k < 5; ++k)
            assert_true(fabs(y[k] - (p.nperseg == 8 ? eight : nine)[k]) < 6e-9);
    }
    for (int i = 0; i < 1024; ++i)
        x[i] = sqrt(2) * sin(2 * 3.14159265358979323846 * i * 100 / 1024);
    p.src = dc_array_host(x, DC_F64, 1, (int64_t[]){1024});
    p.dst = dc_array_host(y, DC_F64, 1, (int64_t[]){513});
    p.nperseg = 1024;
    p.fs = 1024;
    for (p.window = DC_WINDOW_BOXCAR; p.window <= DC_WINDOW_GAUSSIAN; ++p.window) {
        p.scaling = DC_SCALING_SPECTRUM;
        expect_ok(dc_spectral(queue, &p, NULL));
        /* The others reach as far as the sine of the other sign. */
        if (!(fabs(y[100] - 1) < (p.window <= DC_WINDOW_FLATTOP ? 1e-9 : 1e-3)))
            fail_msg("window %d: a sine of 1 is %.17g", (int)p.window, y[100]);
        p.scaling = DC_SCALING_DENSITY;
        expect_ok(dc_spectral(queue, &p, NULL));
        assert_true(p.window != DC_WINDOW_HANN || fabs(y[100] - 2.0 / 3) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_ones_are_good),
        cmocka_unit_test(choices),
        cmocka_unit_test(numbers),
        cmocka_unit_test(lists),
        cmocka_unit_test(arrays),
        cmocka_unit_test(structs),
        cmocka_unit_test(nothing),
        cmocka_unit_test(default_lags),
        cmocka_unit_test(known_answers),
    };

    return cmocka_run_group_tests_name("spectral", tests, open_all, close_all);
}

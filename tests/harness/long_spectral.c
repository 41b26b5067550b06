/* Transforms that are longer than the kernels of windows take, on a device and on the CPU: for the
 * emulator, whose tiny cases have none.
 *
 *   long_spectral float32|float64 [CALL]     exit 0: the same within the bound of long transforms
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { SAMPLES = 72, SEGMENT = 48, LONG_32 = 9000, LONG_64 = 4320, MOST = 3 * LONG_32 };

static const double bands[] = {0.0, 0.1, 0.1, 0.5};

/* Rows, some of them twice: what differs is written beside them. */
static const struct {
    int32_t kind, average;
} calls[] = {
    {DC_SPECTRAL_RFFT, 0},     {DC_SPECTRAL_IRFFT, 0},         {DC_SPECTRAL_STFT, 0},
    {DC_SPECTRAL_ISTFT, 0},    {DC_SPECTRAL_PERIODOGRAM, 0},   {DC_SPECTRAL_SPECTROGRAM, 0},
    {DC_SPECTRAL_WELCH, 0},    {DC_SPECTRAL_WELCH, 1},         {DC_SPECTRAL_CSD, 0},
    {DC_SPECTRAL_CSD, 1},      {DC_SPECTRAL_COHERENCE, 0},     {DC_SPECTRAL_BANDS, 0},
    {DC_SPECTRAL_FEATURES, 0}, {DC_SPECTRAL_ROLLING_BANDS, 0}, {DC_SPECTRAL_FIND_PERIOD, 0},
};

static double x64[MOST], y64[MOST];
static float x32[MOST], y32[MOST];

static dc_array array(int32_t dtype, void *wide, void *narrow, int32_t ndim, int64_t a, int64_t b,
                      int64_t c)
{
    const int64_t shape[] = {a, b, c};

    return dc_array_host(dtype == DC_F64 ? wide : narrow, dtype, ndim, shape);
}

static dc_spectral_params params_of(int which, int32_t dtype, void *out)
{
    const int64_t n = dtype == DC_F64 ? LONG_64 : LONG_32, bins = n / 2 + 1;
    dc_spectral_params p = DC_SPECTRAL_PARAMS_INIT;

    p.kind = calls[which].kind;
    p.average = calls[which].average;
    p.axis = 0;
    p.nfft = n;
    p.boundary = DC_BOUNDARY_NONE;
    p.bands = (dc_doubles){bands, 4};
    p.nperseg = SEGMENT;
    p.noverlap = SEGMENT / 2;
    p.src = array(dtype, x64, x32, 1, SAMPLES, 0, 0);
    p.other = array(dtype, y64, y32, 1, SAMPLES, 0, 0);
    p.dst = array(dtype, out, out, 1, bins, 0, 0);
    switch (p.kind) {
    case DC_SPECTRAL_RFFT:
    case DC_SPECTRAL_CSD:
    case DC_SPECTRAL_SPECTROGRAM:
        p.dst = array(dtype, out, out, 2, bins, 2, 0);
        break;
    case DC_SPECTRAL_STFT:
        p.dst = array(dtype, out, out, 3, bins, 2, 2);
        break;
    case DC_SPECTRAL_IRFFT:
        p.src = array(dtype, x64, x32, 2, SAMPLES / 2, 2, 0);
        p.dst = array(dtype, out, out, 1, n, 0, 0);
        break;
    case DC_SPECTRAL_ISTFT:
        p.src = array(dtype, x64, x32, 3, bins, 2, 2);
        p.dst = array(dtype, out, out, 1, SAMPLES, 0, 0);
        break;
    case DC_SPECTRAL_BANDS:
        p.dst = array(dtype, out, out, 2, 2, 2, 0);
        break;
    case DC_SPECTRAL_FEATURES:
        p.dst = array(dtype, out, out, 2, 2, 12, 0);
        break;
    case DC_SPECTRAL_ROLLING_BANDS:
        p.nperseg = SAMPLES - 1;
        p.dst = array(dtype, out, out, 2, SAMPLES, 2, 0);
        break;
    case DC_SPECTRAL_FIND_PERIOD:
        p.dst = array(dtype, out, out, 1, 3, 0, 0);
        break;
    default:
        break;
    }
    return p;
}

static dc_status run(dc_context *context, const char *device, int which, int32_t dtype, void *out)
{
    const dc_spectral_params p = params_of(which, dtype, out);
    dc_queue_params how = DC_QUEUE_PARAMS_INIT;
    dc_device *found = NULL;
    dc_queue *queue = NULL;
    dc_status status = dc_device_find(context, device, &found);

    how.policy = strcmp(device, "cpu") == 0 ? DC_POLICY_CPU : DC_POLICY_DEVICE_OR_FAIL;
    if (status == DC_OK)
        status = dc_queue_new(context, found, &how, &queue);
    if (status == DC_OK)
        status = dc_spectral(queue, &p, NULL);
    dc_queue_free(queue);
    return status;
}

static double value(int32_t dtype, const void *data, int64_t at)
{
    return dtype == DC_F64 ? ((const double *)data)[at] : (double)((const float *)data)[at];
}

/* Results far from the largest of their kind by more than rounding; features one by one. */
static int differ(int which, int32_t dtype, const void *device, const void *cpu, int64_t n)
{
    /* Coherence is a quotient of what may be next to nothing. */
    const double bound =
        (dtype == DC_F64 ? 1e-12 : 1e-4) * (calls[which].kind == DC_SPECTRAL_COHERENCE ? 100 : 1);
    const int list = calls[which].kind == DC_SPECTRAL_FEATURES;
    double most = 0;

    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(value(dtype, cpu, i)));
    for (int64_t i = 0; i < n; i++) {
        const double got = value(dtype, device, i), want = value(dtype, cpu, i);
        const double slack = list ? 1e-3 * fabs(want) : bound * most;

        if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= slack)) {
            fprintf(stderr, "long_spectral: call %d, result %lld: %.17g, on the CPU %.17g\n", which,
                    (long long)i, got, want);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const int32_t dtype = argc > 1 && strcmp(argv[1], "float64") == 0 ? DC_F64 : DC_F32;
    static double device[2 * MOST], cpu[2 * MOST];
    dc_context *context = NULL;
    dc_status status = dc_context_new(NULL, &context);
    const int first = argc > 2 ? atoi(argv[2]) : 0, all = (int)(sizeof calls / sizeof *calls);
    const int last = argc > 2 ? first : all - 1;
    dct_rng rng = dct_stream(6, 0);
    dc_device *there = NULL;
    int different = 0;

    if (status == DC_OK && dc_device_find(context, "opencl", &there) != DC_OK) {
        printf("skipped: %s\n", dc_last_error());
        dc_context_free(context);
        return 0;
    }
    for (int i = 0; i < MOST; i++) {
        x64[i] = dct_bell(&rng) + (i % 12 < 6);
        y64[i] = dct_bell(&rng) + (i % 12 < 4);
        x32[i] = (float)x64[i];
        y32[i] = (float)y64[i];
    }
    for (int k = first; k >= 0 && k <= last && k < all && status == DC_OK; k++) {
        const dc_spectral_params p = params_of(k, dtype, cpu);

        memset(device, 0, sizeof device);
        memset(cpu, 0, sizeof cpu);
        status = run(context, "opencl", k, dtype, device);
        if (status == DC_OK)
            status = run(context, "cpu", k, dtype, cpu);
        if (status == DC_OK)
            different |= differ(k, dtype, device, cpu, dc_array_elements(&p.dst));
    }
    if (status != DC_OK)
        fprintf(stderr, "long_spectral: %s\n", dc_last_error());
    dc_context_free(context);
    return status != DC_OK || different;
}

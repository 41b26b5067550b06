/* Tables of the spectral family: radices, places, twiddles, windows.  A part of host/spectral.c.
 *
 * Everything is computed in float64 by functions with one result everywhere and rounded once. */
#define T              double
#define SFX            f64
#define SPECTRAL_VALUE double
#define SPECTRAL_SPLAT
#define SPECTRAL_F fma
#include "kernels/shared/spectral_fft.h"
#include "kernels/shared/spectral_passes.h"
#include "kernels/shared/spectral_radices.h"
#undef SPECTRAL_F
#undef SPECTRAL_SPLAT
#undef SPECTRAL_VALUE
#undef SFX
#undef T

/* Two tables being written: values, and whole numbers. */
typedef struct tables {
    double *value;
    int32_t *whole;
    int64_t values, wholes;
} tables;

/* ---- lengths ------------------------------------------------------------------------------- */

/* The cheaper core, the shorter of equals. */
static void take_core(dc_spectral_args *a, int64_t n, double *best)
{
    const double cost = cost_of_passes(n);

    if (cost < *best || (cost == *best && n < a->core)) {
        *best = cost;
        a->core = n;
    }
}

/* nfft to points, core, radices. */
static void set_lengths(dc_spectral_args *a)
{
    a->half = a->nfft % 2 == 0;
    a->points = a->half ? a->nfft / 2 : a->nfft;
    a->bins = a->nfft / 2 + 1;
    a->core = a->points;
    a->bluestein = !is_smooth(a->points);
    if (a->bluestein) {
        double best = INFINITY;
        const int64_t most = 4 * a->points;

        a->core = 0;
        for (int64_t sevens = 1; sevens < most; sevens *= 7)
            for (int64_t fives = sevens; fives < most; fives *= 5)
                for (int64_t threes = fives; threes < most; threes *= 3)
                    for (int64_t n = threes; n < most; n *= 2)
                        if (n >= 2 * a->points - 1)
                            take_core(a, n, &best);
    }
    set_radices(a);
}

/* ---- transforms ---------------------------------------------------------------------------- */

/* exp(-2 pi i k / n) for k < n.  A quarter of a turn is exact, and so are the two halves of one, so
 * that n / 8 angles make all where n is a multiple of 4. */
static double *roots(dc_arena *arena, int64_t n)
{
    double *const root = dc__arena_alloc(arena, (size_t)(2 * n) * sizeof *root);
    const int64_t quarter = n % 4 ? n : n / 4, eighth = n % 4 ? n - 1 : n / 8;

    for (int64_t k = 0; root && k <= eighth; ++k) {
        double c, s;

        dc__turn(k, n, &c, &s);
        root[2 * k] = c;
        root[2 * k + 1] = -s;
    }
    for (int64_t k = eighth + 1; root && k < n; ++k) {
        const double *const from = root + 2 * (k < quarter ? quarter - k : k - quarter);

        root[2 * k] = k < quarter ? -from[1] : from[1];
        root[2 * k + 1] = -from[0];
    }
    return root;
}

/* chirp[k] = exp(-pi i k^2 / points); kernel: the passes of its conjugate, wrapped around, over
 * core. */
static void put_bluestein(const dc_spectral_args *a, const double *twiddle, double *chirp,
                          double *kernel)
{
    const int64_t n = a->points;
    int64_t square = 0; /* k^2 mod 2 n */

    memset(kernel, 0, (size_t)(2 * a->core) * sizeof *kernel);
    for (int64_t k = 0; k < n; ++k) {
        double c, s;

        dc__turn(square, 2 * n, &c, &s);
        chirp[2 * k] = c;
        chirp[2 * k + 1] = -s;
        kernel[2 * k] = c / (double)a->core;
        kernel[2 * k + 1] = s / (double)a->core;
        if (k) {
            kernel[2 * (a->core - k)] = kernel[2 * k];
            kernel[2 * (a->core - k) + 1] = kernel[2 * k + 1];
        }
        square = (square + 2 * k + 1) % (2 * n);
    }
    spectral_forth_f64(a, twiddle, kernel, 0, 0);
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Sum of a[j] (-1)^j cos(2 pi j i / n). */
static double cosines(const double *a, int terms, int64_t i, int64_t n)
{
    double sum = a[0];

    for (int j = 1; j < terms; ++j) {
        double c, s;

        dc__turn(j * i % n, n, &c, &s);
        sum += j % 2 ? -(a[j] * c) : a[j] * c;
    }
    return sum;
}

/* Tap i of `most` + 1 of a symmetric window. */
static double tap(int32_t window, double param, int64_t i, int64_t most)
{
    static const double hann[] = {0.5, 0.5}, hamming[] = {0.54, 0.46},
                        blackman[] = {0.42, 0.5, 0.08},
                        harris[] = {0.35875, 0.48829, 0.14128, 0.01168},
                        flattop[] = {0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368};
    const double x = 2.0 * (double)i / (double)most - 1, z = (double)i - 0.5 * (double)most;
    const double edge = 0.5 * param * (double)most;
    double at = (double)(i <= most - i ? i : most - i);

    switch (window) {
    case DC_WINDOW_HANN:
        return cosines(hann, 2, i, most);
    case DC_WINDOW_HAMMING:
        return cosines(hamming, 2, i, most);
    case DC_WINDOW_BLACKMAN:
        return cosines(blackman, 3, i, most);
    case DC_WINDOW_BLACKMANHARRIS:
        return cosines(harris, 4, i, most);
    case DC_WINDOW_FLATTOP:
        return cosines(flattop, 5, i, most);
    case DC_WINDOW_KAISER:
        return dc__bessel_i0(param * sqrt(x * x < 1 ? 1 - x * x : 0)) / dc__bessel_i0(param);
    case DC_WINDOW_TUKEY:
        if (param <= 0 || at >= edge)
            return 1;
        return 0.5 * (1 - dc__cos_pi(at / edge));
    case DC_WINDOW_GAUSSIAN:
        return dc__exp(-0.5 * ((z / param) * (z / param)));
    default:
        return 1;
    }
}

static void put_window(const dc_spectral_params *p, int32_t window, double param, int64_t length,
                       double *to)
{
    const int64_t most = p->symmetric ? length - 1 : length;
    const int same = p->taps.count == 0 && (window == DC_WINDOW_BOXCAR || length == 1);

    for (int64_t i = 0; same && i < length; ++i)
        to[i] = 1;
    for (int64_t i = 0; !same && i < length; ++i)
        to[i] = p->taps.count ? p->taps.at[i] : tap(window, param, i, most);
}

/* ---- everything ---------------------------------------------------------------------------- */

/* Room for the tables, and where each begins. */
static void lay_out(dc_spectral_args *a, int forth, int64_t lists, tables *t)
{
    const int64_t twiddles = forth ? twiddle_values(a) : 0;

    const int weighs = a->stage != DC_SPECTRAL_LAGS && a->stage != DC_SPECTRAL_PEAKS &&
                       a->stage != DC_SPECTRAL_TIMES;

    a->at_window = 0;
    a->at_scale = weighs ? a->length : 0;
    a->at_number = a->at_scale + a->bins;
    a->at_twiddle = a->at_number + DC_SPECTRAL_TABLE_NUMBERS;
    a->at_post = a->at_twiddle + twiddles;
    a->at_chirp = a->at_post + (forth && a->half ? 2 * (a->points + 1) : 0);
    a->at_kernel = a->at_chirp + (forth && a->bluestein ? 2 * a->points : 0);
    t->values = a->at_kernel + (forth && a->bluestein ? 2 * a->core : 0);
    a->at_place = 0;
    a->at_list = forth ? (a->bluestein ? a->points : a->core) : 0;
    t->wholes = a->at_list + lists;
}

static int put_transform(dc_arena *arena, const dc_spectral_args *a, tables *t)
{
    double *const root = roots(arena, a->core), *post = root;

    if (a->half)
        post = roots(arena, a->nfft);
    if (!root || !post)
        return 0;
    put_twiddles(a, root, t->value + a->at_twiddle);
    if (a->half)
        memcpy(t->value + a->at_post, post, (size_t)(2 * (a->points + 1)) * sizeof *post);
    if (a->bluestein) {
        put_bluestein(a, t->value + a->at_twiddle, t->value + a->at_chirp, t->value + a->at_kernel);
        for (int64_t k = 0; k < a->points; ++k)
            t->whole[k] = (int32_t)k;
    } else {
        put_places(a, t->whole);
    }
    return 1;
}

/* As a table of the plan, rounded to the dtype. */
static int32_t table_of(dc_plan *plan, int32_t dtype, const tables *t)
{
    float *narrow;

    if (dtype == DC_F64)
        return dc__plan_table(plan, t->value, t->values * (int64_t)sizeof *t->value);
    narrow = dc__arena_alloc(plan->arena, (size_t)t->values * sizeof *narrow);
    for (int64_t i = 0; narrow && i < t->values; ++i)
        narrow[i] = (float)t->value[i];
    return narrow ? dc__plan_table(plan, narrow, t->values * (int64_t)sizeof *narrow) : -1;
}

/* Angles reduced in whole numbers, direct sums, windows by their closed forms. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "tests/oracle/spectral_oracle.h"

static const long double pi = 3.14159265358979323846264338327950288L;

/* cos and sin of j turns / n: the angle is reduced to an eighth of a turn in whole numbers. */
static void turn(int64_t j, int64_t n, long double *c, long double *s)
{
    const int64_t octant = 8 * j / n;
    const int64_t rest =
        octant % 2 ? (octant + 1) * n - 8 * j : 8 * j - octant * n; /* / 8n turns */
    const long double angle = 2 * pi * (long double)rest / (8 * (long double)n);
    const long double near = cosl(angle), far = sinl(angle);
    const int swap = octant % 4 == 1 || octant % 4 == 2;

    *c = swap ? far : near;
    *s = swap ? near : far;
    if (octant >= 2 && octant < 6)
        *c = -*c;
    if (octant >= 4)
        *s = -*s;
}

/* The table of one length, kept until another is asked for. */
static const long double *turns(int64_t n)
{
    static long double *table;
    static int64_t length;

    if (length != n) {
        free(table);
        table = calloc((size_t)(2 * n), sizeof *table);
        if (!table)
            abort();
        for (int64_t j = 0; j < n; ++j)
            turn(j, n, &table[2 * j], &table[2 * j + 1]);
        length = n;
    }
    return table;
}

void dct_spectral_bin(const long double *y, int64_t n, int64_t nfft, int64_t k, long double *re,
                      long double *im)
{
    const long double *table = turns(nfft);
    int64_t j = 0;

    *re = *im = 0;
    for (int64_t i = 0; i < n; ++i) {
        *re += y[i] * table[2 * j];
        *im -= y[i] * table[2 * j + 1];
        j += k;
        if (j >= nfft)
            j -= nfft;
    }
}

long double dct_spectral_bound(int64_t nfft, long double u)
{
    static const int64_t prime[] = {2, 3, 5, 7};
    int64_t rest = nfft;

    for (int i = 0; i < 4; ++i)
        while (rest % prime[i] == 0)
            rest /= prime[i];
    return (rest > 1 ? 16 : 8) * u * sqrtl(nfft > 2 ? log2l((long double)nfft) : 1);
}

/* ---- windows ----------------------------------------------------------------------------------
 */

static long double bessel(long double x)
{
    long double sum = 1, term = 1;

    for (int k = 1; k < 500 && term > sum * LDBL_EPSILON; ++k) {
        term *= x * x / 4 / k / k;
        sum += term;
    }
    return sum;
}

static long double cosines(const long double *a, int count, int64_t i, int64_t last)
{
    long double sum = 0;

    for (int k = 0; k < count; ++k)
        sum += a[k] * cosl(k * (2 * pi * (long double)i / (long double)last - pi));
    return sum;
}

static long double tukey(long double alpha, int64_t i, int64_t last)
{
    const long double x = (long double)i, width = floorl(alpha * (long double)last / 2);

    if (alpha <= 0)
        return 1;
    if (alpha >= 1)
        return 0.5L - cosl(2 * pi * x / (long double)last) / 2;
    if (x <= width)
        return (1 + cosl(pi * (-1 + 2 * x / alpha / (long double)last))) / 2;
    if (x < (long double)last - width)
        return 1;
    return (1 + cosl(pi * (-2 / alpha + 1 + 2 * x / alpha / (long double)last))) / 2;
}

void dct_spectral_window(int32_t window, long double param, int32_t symmetric, int64_t n,
                         long double *w)
{
    static const struct {
        long double a[5];
        int count;
    } sums[] = {
        {{1}, 1},
        {{0.5L, 0.5L}, 2},
        {{0.54L, 0.46L}, 2},
        {{0.42L, 0.5L, 0.08L}, 3},
        {{0.35875L, 0.48829L, 0.14128L, 0.01168L}, 4},
        {{0.21557895L, 0.41663158L, 0.277263158L, 0.083578947L, 0.006947368L}, 5},
    };
    const int64_t last = symmetric ? n - 1 : n;

    for (int64_t i = 0; i < n; ++i) {
        const long double middle = (long double)last / 2, x = (long double)i - middle;

        if (n == 1)
            w[i] = 1;
        else if (window == DC_WINDOW_KAISER)
            w[i] = bessel(param * sqrtl(fmaxl(0, 1 - x * x / middle / middle))) / bessel(param);
        else if (window == DC_WINDOW_GAUSSIAN)
            w[i] = expl(-x * x / (2 * param * param));
        else if (window == DC_WINDOW_TUKEY)
            w[i] = tukey(param, i, last);
        else
            w[i] = cosines(sums[window].a, sums[window].count, i, last);
    }
}

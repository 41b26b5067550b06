/* Radices of the passes, their tables and the places where they leave numbers.  CPU only: what
 * plans are made of.  Only `core`, `passes` and `radix` of the arguments are used. */
#ifndef DC_SHARED_SPECTRAL_RADICES_H
#define DC_SHARED_SPECTRAL_RADICES_H

#include <string.h>

#include "kernels/shared/spectral.h"

/* No prime above 7 divides n. */
static inline int is_smooth(int64_t n)
{
    static const int prime[] = {2, 3, 5, 7};

    for (int i = 0; i < 4; ++i)
        while (n % prime[i] == 0)
            n /= prime[i];
    return n == 1;
}

/* Odd radices first, then fours, then eights; two alone where it must be. */
static inline void set_radices(dc_spectral_args *a)
{
    int64_t rest = a->core;
    int twos = 0;

    a->passes = 0;
    for (int r = 7; r >= 3; r -= 2)
        for (; rest % r == 0; rest /= r)
            a->radix[a->passes++] = r;
    for (; rest > 1; rest /= 2)
        ++twos;
    if (twos % 3 == 1 && twos == 1)
        a->radix[a->passes++] = 2;
    else if (twos % 3 == 1)
        a->radix[a->passes++] = 4, a->radix[a->passes++] = 4;
    else if (twos % 3 == 2)
        a->radix[a->passes++] = 4;
    for (twos -= twos % 3 == 1 ? (twos == 1 ? 1 : 4) : twos % 3; twos > 0; twos -= 3)
        a->radix[a->passes++] = 8;
}

/* Work of the passes over n numbers, a pass of radix 8 over one being 1. */
static inline double cost_of_passes(int64_t n)
{
    dc_spectral_args a = {.core = n};
    static const double each[] = {0, 0, 0.6, 0.9, 0.8, 1.3, 0, 1.9, 1.0};
    double sum = 0;

    set_radices(&a);
    for (int i = 0; i < a.passes; ++i)
        sum += each[a.radix[i]];
    return sum * (double)n;
}

/* Tables of the passes, one after another; root[2 k], root[2 k + 1]: exp(-2 pi i k / core). */
static inline void put_twiddles(const dc_spectral_args *a, const double *root, double *to)
{
    int64_t span = a->core;

    for (int i = 0; i < a->passes; ++i) {
        const int64_t r = a->radix[i], q = span / r, stride = a->core / span;

        for (int64_t j = 0; j < q; ++j)
            for (int64_t k = 1; k < r; ++k, to += 2)
                memcpy(to, root + 2 * (j * k * stride), 2 * sizeof *to);
        span = q;
    }
}

/* Numbers that put_twiddles writes. */
static inline int64_t twiddle_values(const dc_spectral_args *a)
{
    int64_t span = a->core, sum = 0;

    for (int i = 0; i < a->passes; ++i) {
        span /= a->radix[i];
        sum += 2 * (a->radix[i] - 1) * span;
    }
    return sum;
}

/* Where the passes leave element k: those of a block's numbers make those of the block before. */
static inline void put_places(const dc_spectral_args *a, int32_t *to)
{
    int64_t span = 1;

    to[0] = 0;
    for (int i = a->passes - 1; i >= 0; span *= a->radix[i--])
        for (int64_t k = span - 1; k >= 0; --k) {
            const int32_t inner = to[k];

            for (int32_t r = 0; r < a->radix[i]; ++r)
                to[a->radix[i] * k + r] = (int32_t)span * r + inner;
        }
}

#endif

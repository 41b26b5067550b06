/* Deterministic random numbers of the tests: SplitMix64, no libm, the same on every machine. */
#ifndef DCT_RANDOM_H
#define DCT_RANDOM_H

#include <stdint.h>

typedef struct dct_rng {
    uint64_t state;
} dct_rng;

static inline uint64_t dct_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t dct_next(dct_rng *rng)
{
    rng->state += UINT64_C(0x9E3779B97F4A7C15);
    return dct_mix(rng->state);
}

/* The generator of stream `number` of `seed`: independent of every other stream. */
static inline dct_rng dct_stream(uint64_t seed, uint64_t number)
{
    dct_rng rng = {dct_mix(seed + UINT64_C(0x9E3779B97F4A7C15)) ^ dct_mix(~number)};
    (void)dct_next(&rng);
    return rng;
}

/* 0 ... n - 1 (n >= 1); the bias of the multiplication is below 2^-32 for the n used here. */
static inline int64_t dct_below(dct_rng *rng, int64_t n)
{
    return (int64_t)(((dct_next(rng) >> 32) * (uint64_t)n) >> 32);
}

/* low ... high, both included. */
static inline int64_t dct_range(dct_rng *rng, int64_t low, int64_t high)
{
    return low + dct_below(rng, high - low + 1);
}

static inline int dct_chance(dct_rng *rng, int percent)
{
    return dct_below(rng, 100) < percent;
}

/* [0, 1) on the grid of 2^-53. */
static inline double dct_unit(dct_rng *rng)
{
    return (double)(dct_next(rng) >> 11) * 0x1p-53;
}

/* Bell-shaped, mean 0, variance 1, |x| <= 6: sum of twelve uniforms, exact up to rounding. */
static inline double dct_bell(dct_rng *rng)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += dct_unit(rng);
    return sum;
}

#endif

/* Input values: patterns that hurt.  Basic arithmetic and ldexp only, so that every machine draws
 * the same bits. */
#include "tests/harness/parity_case.h"

#include <math.h>
#include <string.h>

/* What one array's values have in common. */
typedef struct theme {
    int32_t fill, dtype;
    double constant, offset, spread;
    int64_t ramp; /* exponent lost per element */
} theme;

static double bits_value(dct_rng *rng, int32_t dtype)
{
    const uint64_t raw = dct_next(rng);
    if (dtype == DC_F32) {
        /* Exponents of random bits, then widened; NaNs come from the overlay. */
        const uint32_t bits = (uint32_t)raw;
        float x;
        memcpy(&x, &bits, sizeof x);
        return isnan(x) ? 1.0 : (double)x;
    }
    double x;
    memcpy(&x, &raw, sizeof x);
    return isnan(x) ? 1.0 : x;
}

/* Element `i` of the array in row-major order. */
static double value(const theme *t, dct_rng *rng, int64_t i)
{
    const double tiny = t->dtype == DC_F32 ? 0x1p-149 : 0x1p-1074;
    switch (t->fill) {
    case DCT_FILL_UNIFORM:
        return dct_unit(rng);
    case DCT_FILL_TIES:
        return (double)dct_range(rng, -3, 3);
    case DCT_FILL_CONSTANT:
        return t->constant;
    case DCT_FILL_OFFSET:
        return t->offset + t->spread * dct_bell(rng);
    case DCT_FILL_SPIKES:
        return dct_bell(rng) + (dct_chance(rng, 2) ? t->offset : 0.0);
    case DCT_FILL_DENORMAL:
        return tiny * (double)dct_range(rng, -4000000, 4000000);
    case DCT_FILL_BITS:
        return bits_value(rng, t->dtype);
    case DCT_FILL_ZEROS:
        return dct_chance(rng, 40) ? -0.0 : dct_chance(rng, 60) ? 0.0 : dct_bell(rng);
    case DCT_FILL_RAMP:
        return ldexp(1.0 + dct_unit(rng), (int)(60 - (i * t->ramp) % 120));
    case DCT_FILL_NEIGHBOURS:
        return t->dtype == DC_F32
                   ? (double)(1.0F + (float)dct_range(rng, 0, 3) * 0x1p-23F) * t->constant
                   : (1.0 + (double)dct_range(rng, 0, 3) * 0x1p-52) * t->constant;
    default:
        return dct_bell(rng);
    }
}

/* Missing values: quiet and signalling NaNs of any sign and payload. */
static void store_nan(dct_rng *rng, int32_t dtype, unsigned char *at)
{
    const uint64_t raw = dct_next(rng);
    if (dtype == DC_F32) {
        const uint32_t bits = (uint32_t)raw | UINT32_C(0x7F800001);
        memcpy(at, &bits, sizeof bits);
    } else {
        const uint64_t bits = raw | UINT64_C(0x7FF0000000000001);
        memcpy(at, &bits, sizeof bits);
    }
}

static void store(int32_t dtype, unsigned char *at, double x)
{
    if (dtype == DC_F32) {
        const float narrow = (float)x;
        memcpy(at, &narrow, sizeof narrow);
    } else {
        memcpy(at, &x, sizeof x);
    }
}

void dct_fill(dct_case *c, const dc_array *array, unsigned char *element0)
{
    static const double offset32[] = {1e4, 1e6, 1e8, -1e5}, offset64[] = {1e8, 1e12, 1e15, -1e9};
    dct_rng *rng = &c->rng;
    const int32_t dtype = array->dtype;
    theme t = {c->fill, dtype, 0.0, 0.0, 0.0, 0};
    t.constant = dct_chance(rng, 30) ? 0.1 : dct_bell(rng) * 1000.0;
    t.offset = (dtype == DC_F32 ? offset32 : offset64)[dct_below(rng, 4)];
    t.spread = dct_chance(rng, 50) ? 1.0 : 1e-3;
    t.ramp = dct_range(rng, 1, 3);
    const int64_t size = (int64_t)dc_dtype_bytes(dtype);
    /* Missing values in runs as well as alone. */
    const int runs = dct_chance(rng, 30);
    int missing = 0;
    int64_t i = 0;
    dct_walk walk;
    for (dct_walk_begin(&walk, array); walk.left > 0; dct_walk_step(&walk, array), i++) {
        unsigned char *at = element0 + walk.at * size;
        if (dtype != DC_F32 && dtype != DC_F64) {
            const int index = (dtype == DC_I64 || dtype == DC_I32) && c->places > 0;
            const uint64_t raw = index ? (uint64_t)dct_below(rng, c->places) : dct_next(rng);
            memcpy(at, &raw, (size_t)size); /* little-endian: the lower bytes */
            continue;
        }
        if (!runs || dct_chance(rng, 10))
            missing = dct_chance(rng, c->nan_percent);
        if (missing)
            store_nan(rng, dtype, at);
        else if (dct_chance(rng, c->inf_percent))
            store(dtype, at, dct_chance(rng, 50) ? (double)INFINITY : -(double)INFINITY);
        else
            store(dtype, at, value(&t, rng, i));
    }
}

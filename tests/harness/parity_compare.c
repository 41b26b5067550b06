/* Bits against bits, and how far apart they are where a device promises less. */
#include "tests/harness/parity_compare.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "dualcube/array.h"

/* Order-preserving integers: neighbours in value are neighbours in the key, -0 beside +0. */
static int64_t key32(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? (int64_t)INT32_MIN - bits : bits;
}

static int64_t key64(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

double dct_ulp32(float a, float b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0.0 : (double)INFINITY;
    return fabs((double)(key32(a) - key32(b)));
}

double dct_ulp64(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0.0 : (double)INFINITY;
    const int64_t x = key64(a), y = key64(b);
    /* The distance of two int64 always fits a uint64. */
    return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
}

static int within32(float expected, float got, double bound, double ulp)
{
    return ulp <= bound ||
           (fabsf(expected) <= FLT_MIN * bound && fabsf(got) <= (double)FLT_MIN * bound);
}

dct_difference dct_compare(int32_t dtype, const void *expected, const void *got, int64_t n,
                           int relaxed, double ulp_bound)
{
    dct_difference result = {0, -1, 0.0};
    const size_t size = dc_dtype_bytes(dtype);
    if (n == 0 || memcmp(expected, got, (size_t)n * size) == 0)
        return result;
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *e = (const unsigned char *)expected + (size_t)i * size;
        const unsigned char *g = (const unsigned char *)got + (size_t)i * size;
        if (memcmp(e, g, size) == 0)
            continue;
        double ulp = (double)INFINITY; /* integers are right or wrong */
        int fine = 0;
        if (dtype == DC_F32) {
            float x, y;
            memcpy(&x, e, size);
            memcpy(&y, g, size);
            ulp = dct_ulp32(x, y);
            fine = relaxed && !isnan(y) && within32(x, y, ulp_bound, ulp);
        } else if (dtype == DC_F64) {
            double x, y;
            memcpy(&x, e, size);
            memcpy(&y, g, size);
            ulp = dct_ulp64(x, y);
            fine = relaxed && !isnan(y) && ulp <= ulp_bound;
        }
        if (ulp > result.worst_ulp)
            result.worst_ulp = ulp;
        if (fine)
            continue;
        if (result.first < 0)
            result.first = i;
        result.count++;
    }
    return result;
}

int64_t dct_foreign_nan(int32_t dtype, const void *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == DC_F32) {
            uint32_t bits;
            memcpy(&bits, (const unsigned char *)values + (size_t)i * sizeof bits, sizeof bits);
            if ((bits & UINT32_C(0x7FFFFFFF)) > UINT32_C(0x7F800000) && bits != DCT_NAN32)
                return i;
        } else if (dtype == DC_F64) {
            uint64_t bits;
            memcpy(&bits, (const unsigned char *)values + (size_t)i * sizeof bits, sizeof bits);
            if ((bits & INT64_MAX) > UINT64_C(0x7FF0000000000000) && bits != DCT_NAN64)
                return i;
        }
    }
    return -1;
}

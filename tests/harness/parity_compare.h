/* The comparer. */
#ifndef DCT_PARITY_COMPARE_H
#define DCT_PARITY_COMPARE_H

#include <stddef.h>
#include <stdint.h>

typedef struct dct_difference {
    int64_t count, first; /* elements that break the promise, the first of them (-1: none)     */
    double worst_ulp;     /* over all elements, INFINITY for NaN against a number             */
} dct_difference;

/* The one quiet NaN. */
#define DCT_NAN32 UINT32_C(0x7FC00000)
#define DCT_NAN64 UINT64_C(0x7FF8000000000000)

/* Compare n dense elements bit by bit; with `relaxed` an element may be `ulp_bound` ulp off or,
 * when both are below the smallest normal number times `ulp_bound`, anything that small. */
dct_difference dct_compare(int32_t dtype, const void *expected, const void *got, int64_t n,
                           int relaxed, double ulp_bound);

/* Index of the first NaN that is not the one quiet NaN, -1: none. */
int64_t dct_foreign_nan(int32_t dtype, const void *values, int64_t n);

/* Units in the last place between two values of the dtype. */
double dct_ulp32(float a, float b);
double dct_ulp64(double a, double b);

#endif

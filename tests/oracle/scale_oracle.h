/* Scaling done the plain way, in long double: never includes kernels/shared. */
#ifndef DCT_SCALE_ORACLE_H
#define DCT_SCALE_ORACLE_H

#include <stdint.h>

/* One column of `rows` values, missing where NaN; `limit` < 0: none. */
void dct_scale_forward(const double *x, double *y, int64_t rows, int64_t limit);
void dct_scale_backward(const double *x, double *y, int64_t rows, int64_t limit);
void dct_scale_linear(const double *x, long double *y, int64_t rows, int64_t limit, int ends);

/* function: DC_SCALE_LOG1P ... */
long double dct_scale_power(double x, double lambda, int function, int inverse);

/* Nearest code to x / scale + zero, ties to even, held to least ... most. */
int32_t dct_scale_code(double x, double zero, double scale, int32_t least, int32_t most);

/* Value of the float16 with these bits. */
double dct_scale_half(uint16_t bits);

/* Distance in units in the last place of a number with `bits` of significand near `want`. */
long double dct_scale_ulps(long double got, long double want, int bits);

#endif

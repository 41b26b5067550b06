#include "tests/oracle/scale_oracle.h"

#include <math.h>

#include "dualcube/kinds.h"

static int64_t before(const double *x, int64_t row)
{
    while (row >= 0 && isnan(x[row]))
        row--;
    return row;
}

static int64_t after(const double *x, int64_t row, int64_t rows)
{
    while (row < rows && isnan(x[row]))
        row++;
    return row < rows ? row : -1;
}

void dct_scale_forward(const double *x, double *y, int64_t rows, int64_t limit)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t k = before(x, r);
        y[r] = k < 0 || (limit >= 0 && r - k > limit) ? (double)NAN : x[k];
    }
}

void dct_scale_backward(const double *x, double *y, int64_t rows, int64_t limit)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t k = after(x, r, rows);
        y[r] = k < 0 || (limit >= 0 && k - r > limit) ? (double)NAN : x[k];
    }
}

void dct_scale_linear(const double *x, long double *y, int64_t rows, int64_t limit, int ends)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t i = before(x, r), k = after(x, r, rows);
        const int near =
            (i >= 0 && (limit < 0 || r - i <= limit)) || (k >= 0 && (limit < 0 || k - r <= limit));
        y[r] = (long double)NAN;
        if (i == r)
            y[r] = x[r];
        else if (near && i >= 0 && k >= 0)
            y[r] = x[i] + ((long double)x[k] - x[i]) * (long double)(r - i) / (long double)(k - i);
        else if (near && ends)
            y[r] = i >= 0 ? x[i] : x[k];
    }
}

/* (t^p - 1) / p through its logarithm, so that powers near 1 lose nothing. */
static long double powered(long double log_t, long double p)
{
    return p == 0 ? log_t : expm1l(p * log_t) / p;
}

/* log of the number whose power y is */
static long double unpowered(long double y, long double p)
{
    return p == 0 ? y : log1pl(p * y) / p;
}

long double dct_scale_power(double x, double lambda, int function, int inverse)
{
    const long double other = 2.0L - lambda;
    switch (function) {
    case DC_SCALE_LOG1P:
        return inverse ? expm1l(x) : log1pl(x);
    case DC_SCALE_SQRT:
        return inverse ? (x < 0 ? (long double)NAN : (long double)x * x) : sqrtl(x);
    case DC_SCALE_BOX_COX:
        return inverse ? expl(unpowered(x, lambda)) : powered(logl(x), lambda);
    default:
        break;
    }
    if (inverse)
        return x < 0 ? -expm1l(unpowered(-(long double)x, other)) : expm1l(unpowered(x, lambda));
    return x < 0 ? -powered(log1pl(-(long double)x), other) : powered(log1pl(x), lambda);
}

int32_t dct_scale_code(double x, double zero, double scale, int32_t least, int32_t most)
{
    const double ratio = x / scale; /* rounded, as the codes are defined by it */
    const long double code = isnan(x) ? zero : nearbyintl(ratio) + zero;
    return code < least ? least : code > most ? most : (int32_t)code;
}

double dct_scale_half(uint16_t bits)
{
    const int e = bits >> 10 & 31, m = bits & 1023;
    const double size = e == 31 ? (m ? (double)NAN : (double)INFINITY)
                        : e     ? ldexp(1024 + m, e - 25)
                                : ldexp(m, -24);
    return bits >> 15 ? -size : size;
}

long double dct_scale_ulps(long double got, long double want, int bits)
{
    int e;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : (long double)INFINITY;
    if (isinf(want) || isinf(got))
        return got == want ? 0 : (long double)INFINITY;
    (void)frexpl(want, &e);
    const int least = bits == 24 ? -149 : -1074;
    return fabsl(got - want) / ldexpl(1, e - bits > least ? e - bits : least);
}

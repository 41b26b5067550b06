/* Elementary functions for tables that show in the bits: one result on every machine.
 *
 * Made of +, -, *, /, sqrt, fma and rint alone. */
#ifndef DC_CORE_ELEMENTARY_H
#define DC_CORE_ELEMENTARY_H

#include <stdint.h>

/* exp(x), x <= 0, within 1 unit in the last place; 0 below -708. */
double dc__exp(double x);
/* ln(x), x > 0 and normal, within 2 units in the last place. */
double dc__ln(double x);
/* cos and sin of k / n turns, 0 <= k < n < 2^50, within 0.75 units in the last place. */
void dc__turn(int64_t k, int64_t n, double *c, double *s);
/* cos(pi x), |x| < 2^50, within 1 unit in the last place of its value, near 0 of 2^-53. */
double dc__cos_pi(double x);
/* Modified Bessel function of the first kind and order 0, |x| <= 700. */
double dc__bessel_i0(double x);

#endif

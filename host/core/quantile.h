/* Quantiles of the distributions of control limits, within 1e-9 of their value for up to 1e5
 * degrees of freedom; 0 < p < 1.  Newton's place is taken by bisection: some 100 steps, none of
 * them lost. */
#ifndef DC_CORE_QUANTILE_H
#define DC_CORE_QUANTILE_H

/* Logarithm and exponential of any number: 0, infinities, NaN and denormals too. */
double dc__ln_any(double x);
double dc__exp_any(double x);

double dc__quantile_normal(double p);
/* Chi squared, `freedom` > 0 degrees. */
double dc__quantile_chi2(double p, double freedom);
/* Beta(a, b), a and b > 0. */
double dc__quantile_beta(double p, double a, double b);
/* F with m and n degrees. */
double dc__quantile_f(double p, double m, double n);

#endif

/* Incomplete gamma and beta functions by series and continued fractions (Abramowitz and Stegun 6.5,
 * 26.5; Lentz's method), inverted by bisection. */
#include "host/core/quantile.h"

#include <float.h>
#include <math.h>

#include "host/core/elementary.h"

enum { TERMS = 30000, HALVINGS = 1200 };
static const double tiny = 1e-300, small = 1e-16;
/* Beyond these the limiting distributions are as near as the sums, which take ever longer. */
static const double most_chi2 = 1e6, most_beta = 5e8;

double dc__ln_any(double x)
{
    if (!(x > 0) || x > DBL_MAX)
        return x == 0 ? -(double)INFINITY : x > 0 ? x : (double)NAN;
    return x < DBL_MIN ? dc__ln(x * 0x1p54) - 54 * 0.69314718055994530942 : dc__ln(x);
}

double dc__exp_any(double x)
{
    if (!(x > -708))
        return x == x ? 0 : x;
    return x <= 0 ? dc__exp(x) : x < 708 ? 1.0 / dc__exp(-x) : (double)INFINITY;
}

/* Stirling's series beyond (x - 1/2) ln x - x + ln(2 pi) / 2, x >= 15. */
static double stirling(double x)
{
    const double r = 1.0 / (x * x);

    return (1.0 / 12 + r * (-1.0 / 360 + r * (1.0 / 1260 + r * (-1.0 / 1680 + r / 1188)))) / x;
}

/* x is raised to at least 15; the result is what that divides by. */
static double raise_to(double *x)
{
    double product = 1;

    while (*x < 15) {
        product *= *x;
        *x += 1;
    }
    return product;
}

static double ln_gamma(double x)
{
    const double half_ln_2pi = 0.91893853320467274178, product = raise_to(&x);

    return (x - 0.5) * dc__ln_any(x) - x + half_ln_2pi + stirling(x) - dc__ln_any(product);
}

/* ln(1 + x), x > -1, without loss near 0. */
static double ln_1p(double x)
{
    const double y = 1.0 + x;

    return y == 1.0 ? x : dc__ln_any(y) * (x / (y - 1.0));
}

/* ln Gamma(a + b) - ln Gamma(b) for b >= 15, where the terms of both almost cancel. */
static double ln_rise(double a, double b)
{
    return a * dc__ln_any(a + b) + (b - 0.5) * ln_1p(a / b) - a + stirling(a + b) - stirling(b);
}

/* P(a, x), the lower incomplete gamma function over Gamma(a). */
static double gamma_below(double a, double x)
{
    double scale, term, sum, b, c, d, h;

    if (x <= 0)
        return 0;
    scale = dc__exp_any(a * dc__ln_any(x) - x - ln_gamma(a));
    if (x < a + 1) {
        term = sum = 1.0 / a;
        for (int i = 1; i < TERMS && term > sum * small; ++i) {
            term *= x / (a + i);
            sum += term;
        }
        return sum * scale;
    }
    b = x + 1 - a;
    c = 1 / tiny;
    d = 1 / b;
    h = d;
    for (int i = 1; i < TERMS; ++i) {
        const double an = -(double)i * (i - a);

        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = b + an / c;
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1) < small)
            break;
    }
    return 1 - scale * h;
}

static double step(double *c, double *d, double numerator)
{
    *d = 1 + numerator * *d;
    *d = 1 / (fabs(*d) < tiny ? tiny : *d);
    *c = 1 + numerator / *c;
    *c = fabs(*c) < tiny ? tiny : *c;
    return *c * *d;
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    h = d;
    for (int i = 1; i < TERMS; ++i) {
        const double m = i;
        double both;

        h *= step(&c, &d, m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
        both = step(&c, &d, -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
        h *= both;
        if (fabs(both - 1) < small)
            break;
    }
    return h;
}

/* I(x; a, b) with y = 1 - x. */
static double beta_below(double a, double b, double x, double y)
{
    const double great = a > b ? a : b, less = a > b ? b : a;
    double rise, scale;

    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    rise = great >= 15 ? ln_rise(less, great) : ln_gamma(a + b) - ln_gamma(great);
    scale = dc__exp_any(rise - ln_gamma(less) + a * (x < 0.5 ? dc__ln_any(x) : ln_1p(-y)) +
                        b * (y < 0.5 ? dc__ln_any(y) : ln_1p(-x)));
    return x < (a + 1) / (a + b + 2) ? scale * beta_fraction(a, b, x) / a
                                     : 1 - scale * beta_fraction(b, a, y) / b;
}

/* Wilson and Hilferty's cube. */
static double many_chi2(double p, double freedom)
{
    const double share = 2 / (9 * freedom), root = 1 - share + dc__quantile_normal(p) * sqrt(share);

    return freedom * root * root * root;
}

double dc__quantile_chi2(double p, double freedom)
{
    double low = 0, high = freedom > 1 ? freedom : 1;

    if (freedom > most_chi2)
        return many_chi2(p, freedom);
    while (gamma_below(freedom / 2, high / 2) < p && high < 1e300)
        high *= 2;
    for (int i = 0; i < HALVINGS; ++i) {
        const double x = low + (high - low) / 2;

        if (x <= low || x >= high)
            break;
        if (gamma_below(freedom / 2, x / 2) < p)
            low = x;
        else
            high = x;
    }
    return high;
}

double dc__quantile_normal(double p)
{
    const double upper = p < 0.5 ? 1 - 2 * p : 2 * p - 1;
    const double z = upper > 0 ? sqrt(dc__quantile_chi2(upper, 1)) : 0;

    return p < 0.5 ? -z : z;
}

/* x / (1 - x) of the quantile x: no digits are lost near 1. */
static double beta_odds(double p, double a, double b)
{
    double low = 0, high = 1;

    if (b > most_beta)
        return dc__quantile_chi2(p, 2 * a) / (2 * b);
    while (beta_below(a, b, high / (1 + high), 1 / (1 + high)) < p && high < 1e300)
        high *= 2;
    for (int i = 0; i < HALVINGS; ++i) {
        const double odds = low + (high - low) / 2;

        if (odds <= low || odds >= high)
            break;
        if (beta_below(a, b, odds / (1 + odds), 1 / (1 + odds)) < p)
            low = odds;
        else
            high = odds;
    }
    return high;
}

double dc__quantile_beta(double p, double a, double b)
{
    const double odds = beta_odds(p, a, b);

    return odds / (1 + odds);
}

double dc__quantile_f(double p, double m, double n)
{
    return beta_odds(p, m / 2, n / 2) * n / m;
}

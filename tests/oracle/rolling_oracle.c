#include "tests/oracle/rolling_oracle.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Valid values of one window, in the order of time. */
typedef struct window {
    double *x;
    int64_t n;
    int infinite;
} window;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Neumaier's sum: the error does not grow with n. */
static long double careful_sum(const long double *term, int64_t n)
{
    long double sum = 0.0L, lost = 0.0L;
    for (int64_t i = 0; i < n; i++) {
        const long double next = sum + term[i];
        lost += fabsl(sum) >= fabsl(term[i]) ? (sum - next) + term[i] : (term[i] - next) + sum;
        sum = next;
    }
    return isfinite(lost) ? sum + lost : sum;
}

static long double plain_sum(const window *w, long double *work)
{
    for (int64_t i = 0; i < w->n; i++)
        work[i] = (long double)w->x[i];
    return careful_sum(work, w->n);
}

/* Two passes over the differences from the first value, which are exact or nearly so. */
static long double variance(const window *w, int64_t ddof, long double *work)
{
    if (w->n <= ddof)
        return (long double)NAN;
    for (int64_t i = 0; i < w->n; i++)
        work[i] = (long double)w->x[i] - (long double)w->x[0];
    const long double mean = careful_sum(work, w->n) / (long double)w->n;
    for (int64_t i = 0; i < w->n; i++)
        work[i] -= mean;
    const long double rest = careful_sum(work, w->n);
    for (int64_t i = 0; i < w->n; i++)
        work[i] *= work[i];
    const long double squares = careful_sum(work, w->n) - rest * rest / (long double)w->n;
    return (squares < 0.0L ? 0.0L : squares) / (long double)(w->n - ddof);
}

/* The documented interpolation, in the dtype of the data. */
static double between(double lo, double hi, double frac, int middle, int narrow)
{
    if (narrow) {
        const float a = (float)lo, b = (float)hi, f = (float)frac;
        const float both = a + b, gap = b - a;
        if (middle)
            return isinf(both) && !isinf(a) && !isinf(b) ? (double)(a * 0.5F + b * 0.5F)
                                                         : (double)(both * 0.5F);
        const float part = gap * f;
        return (double)(a + part);
    }
    if (middle)
        return isinf(lo + hi) && !isinf(lo) && !isinf(hi) ? lo * 0.5 + hi * 0.5 : (lo + hi) * 0.5;
    const double part = (hi - lo) * frac;
    return lo + part;
}

/* pandas' rules at h = q (n - 1), computed in double as pandas does. */
static double quantile(window *w, double q, int32_t how, int narrow)
{
    qsort(w->x, (size_t)w->n, sizeof *w->x, ascending);
    const double h = q * (double)(w->n - 1);
    const int64_t low = (int64_t)floor(h);
    const double frac = h - floor(h);
    const int64_t high = low + (frac > 0.0);
    const double lo = w->x[low], hi = w->x[high];
    double value = lo;
    if (frac > 0.0) {
        if (how == DC_QUANTILE_LINEAR)
            value = between(lo, hi, frac, 0, narrow);
        else if (how == DC_QUANTILE_HIGHER)
            value = hi;
        else if (how == DC_QUANTILE_NEAREST)
            value = frac > 0.5 || (frac == 0.5 && low % 2 == 1) ? hi : lo;
        else if (how == DC_QUANTILE_MIDPOINT)
            value = between(lo, hi, 0.5, 1, narrow);
    }
    return value == 0.0 ? 0.0 : value;
}

static long double statistic(const dc_rolling_params *p, window *w, long double *work)
{
    const int narrow = p->src.dtype == DC_F32;
    long double value = (long double)NAN;
    switch (p->kind) {
    case DC_ROLLING_COUNT:
        return (long double)w->n;
    case DC_ROLLING_SUM:
        return plain_sum(w, work);
    case DC_ROLLING_MEAN:
        return plain_sum(w, work) / (long double)w->n;
    case DC_ROLLING_VAR:
        return variance(w, p->ddof, work);
    case DC_ROLLING_STD:
        return sqrtl(variance(w, p->ddof, work));
    case DC_ROLLING_MIN:
        value = (long double)quantile(w, 0.0, DC_QUANTILE_LOWER, narrow);
        break;
    case DC_ROLLING_MAX:
        value = (long double)quantile(w, 1.0, DC_QUANTILE_LOWER, narrow);
        break;
    case DC_ROLLING_MEDIAN:
        value = (long double)quantile(w, 0.5, DC_QUANTILE_MIDPOINT, narrow);
        break;
    case DC_ROLLING_QUANTILE:
        value = (long double)quantile(w, p->q, p->interpolation, narrow);
        break;
    default:
        break;
    }
    return value;
}

/* The valid values of the rows low ... high that exist. */
static void gather(const dc_rolling_params *p, const double *x, int64_t rows, int64_t low,
                   int64_t high, window *w)
{
    w->n = 0;
    w->infinite = 0;
    for (int64_t i = low < 0 ? 0 : low; i <= high && i < rows; i++) {
        if (isnan(x[i]) || (isinf(x[i]) && p->inf == DC_INF_MISSING))
            continue;
        w->infinite += isinf(x[i]) != 0;
        w->x[w->n++] = x[i];
    }
}

static dct_expected one(const dc_rolling_params *p, window *w, long double *work)
{
    dct_expected e = {(long double)NAN, 0.0L, w->n, w->infinite};
    int64_t need = p->min_periods;
    if (need == DC_DEFAULT)
        need = p->expanding ? 1 : p->window;
    if (need == 0 && p->kind != DC_ROLLING_COUNT && p->kind != DC_ROLLING_SUM)
        need = 1;
    for (int64_t i = 0; i < w->n; i++)
        e.scale += fabsl((long double)w->x[i]);
    if (w->n >= need)
        e.value = statistic(p, w, work);
    return e;
}

int64_t dct_oracle_rolling(const dc_rolling_params *p, const double *x, int64_t rows,
                           dct_expected *out)
{
    window w = {malloc(((size_t)rows + 1) * sizeof *w.x), 0, 0};
    long double *work = malloc(((size_t)rows + 1) * sizeof *work);
    const int64_t last = p->row_last == DC_DEFAULT ? rows : p->row_last;
    int64_t count = 0;
    for (int64_t t = p->row_first; t < last && w.x && work; t += p->step) {
        const int64_t after = p->center ? (p->window - 1) / 2 : 0;
        const int64_t low = p->expanding ? 0 : t + after - p->window + 1;
        gather(p, x, rows, low, p->expanding ? t : t + after, &w);
        out[count++] = one(p, &w, work);
    }
    free(w.x);
    free(work);
    return count;
}

/* Units in the last place of a number of the dtype, as a distance. */
static long double ulp_of(long double x, int narrow)
{
    if (narrow) {
        const float f = fabsf((float)x);
        return f >= FLT_MAX ? 0x1p104L : (long double)nextafterf(f, INFINITY) - (long double)f;
    }
    const double d = fabs((double)x);
    return d >= DBL_MAX ? 0x1p971L : (long double)nextafter(d, (double)INFINITY) - (long double)d;
}

/* Limits of a dtype: the largest number, the smallest denormal. */
static long double largest(int narrow)
{
    return narrow ? (long double)FLT_MAX : (long double)DBL_MAX;
}

static long double smallest(int narrow)
{
    return narrow ? 0x1p-149L : 0x1p-1074L;
}

static int is_spread(int32_t kind)
{
    return kind == DC_ROLLING_VAR || kind == DC_ROLLING_STD;
}

/* The sum of squares that a spread comes from. */
static long double squares_of(const dc_rolling_params *p, const dct_expected *e)
{
    const long double variance = p->kind == DC_ROLLING_STD ? e->value * e->value : e->value;
    return variance * (long double)(e->valid - p->ddof);
}

static long double bound(const dc_rolling_params *p, const dct_expected *e, double ulps)
{
    const int narrow = p->src.dtype == DC_F32;
    const long double u = narrow ? 0x1p-24L : 0x1p-53L, tiny = smallest(narrow);
    const long double depth =
        2.0L * ceill(log2l((long double)(e->valid > 1 ? e->valid : 2))) + 2.0L;
    if (p->kind == DC_ROLLING_SUM)
        return depth * u * e->scale;
    if (p->kind == DC_ROLLING_MEAN)
        return depth * u * e->scale / (long double)e->valid + u * fabsl(e->value) + tiny;
    if (!is_spread(p->kind))
        return 0.0L;
    /* Squares below the smallest denormal are lost, each by at most that much. */
    const long double lost = (long double)e->valid * tiny;
    const long double room = (long double)ulps * ulp_of(e->value, narrow);
    if (p->kind == DC_ROLLING_VAR)
        return room + lost;
    return room + (e->value * e->value > lost ? lost / e->value : sqrtl(lost));
}

/* Where the dtype cannot hold the result, or what it is computed from. */
static int overflows(const dc_rolling_params *p, const dct_expected *e)
{
    const int narrow = p->src.dtype == DC_F32;
    if (isnan(e->value))
        return 0;
    if (p->kind == DC_ROLLING_SUM || p->kind == DC_ROLLING_MEAN)
        return e->scale > largest(narrow) * 0.5L;
    return is_spread(p->kind) && !e->infinite && squares_of(p, e) > largest(narrow) * 0.25L;
}

int dct_oracle_agrees(const dc_rolling_params *p, const dct_expected *expected, double got,
                      double ulps, long double *error, long double *allowed)
{
    const int spread = is_spread(p->kind), narrow = p->src.dtype == DC_F32;
    *error = 0.0L;
    *allowed = bound(p, expected, ulps);
    if (overflows(p, expected)) {
        if (fabsl(expected->value) > largest(narrow) * (1.0L + 0x1p-20L))
            return !isfinite(got);
        if (!isfinite(got))
            return 1;
    }
    /* The spread of a window that holds an infinity is no number; one value has no spread. */
    if (spread && expected->infinite && !isnan(expected->value) && expected->valid == 1)
        return got == 0.0 || isnan(got);
    if (spread && expected->infinite)
        return !isfinite(got);
    if (isnan(expected->value) || isnan(got))
        return isnan(expected->value) && isnan(got);
    if (isinf(expected->value) || isinf(got))
        return (long double)got == expected->value;
    /* Selections return +0 for a zero of either sign; a spread is never negative. */
    const int selection = p->kind >= DC_ROLLING_MIN;
    if ((selection || spread || p->kind == DC_ROLLING_COUNT) && got == 0.0 && signbit(got))
        return 0;
    *error = fabsl((long double)got - expected->value);
    return *error <= *allowed;
}

#include "tests/oracle/reduce_oracle.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static long double element(const dc_array *array, int64_t at)
{
    const char *data = array->data;
    float narrow;
    double wide;

    if (array->dtype == DC_F32) {
        memcpy(&narrow, data + (array->offset + at) * 4, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, data + (array->offset + at) * 8, sizeof wide);
    return wide;
}

int64_t dct_reduce_outs(const dc_reduce_params *p)
{
    int64_t n = 1;

    for (int32_t d = 0; d < p->src.ndim; ++d)
        n *= p->axes >> d & 1 ? 1 : p->src.shape[d];
    return n;
}

void dct_reduce_rows(const dc_reduce_params *p, int64_t out, dct_rows *rows)
{
    int64_t index[DC_MAX_NDIM] = {0}, at = 0;

    for (int32_t d = p->src.ndim - 1; d >= 0; --d)
        if (!(p->axes >> d & 1)) {
            index[d] = out % p->src.shape[d];
            out /= p->src.shape[d];
        }
    rows->count = 0;
    for (int32_t d = 0; d < p->src.ndim; ++d)
        if ((p->axes >> d & 1) && p->src.shape[d] == 0)
            return;
    for (;;) {
        int32_t d = p->src.ndim - 1;

        at = 0;
        for (int32_t i = 0; i < p->src.ndim; ++i)
            at += index[i] * p->src.stride[i];
        rows->value[rows->count++] = element(&p->src, at);
        for (; d >= 0; --d) {
            if (!(p->axes >> d & 1))
                continue;
            if (++index[d] < p->src.shape[d])
                break;
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

typedef struct item {
    long double value;
    int64_t row;
} item;

static int by_value(const void *x, const void *y)
{
    const item *a = x, *b = y;

    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Valid values, ascending, the lower row first among equals. */
static item *sorted(const dct_rows *rows, int64_t *n, int descending)
{
    item *list = malloc((size_t)(rows->count + 1) * sizeof *list);

    *n = 0;
    for (int64_t r = 0; list && r < rows->count; ++r)
        if (!isnan(rows->value[r])) {
            list[*n].value = descending ? -rows->value[r] : rows->value[r];
            list[(*n)++].row = r;
        }
    if (!list)
        abort();
    qsort(list, (size_t)*n, sizeof *list, by_value);
    return list;
}

static long double quantile(const dc_reduce_params *p, const dct_rows *rows, double q, int how,
                            long double *slack)
{
    const long double epsilon = p->src.dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON;
    int64_t n;
    item *list = sorted(rows, &n, 0);
    const double h = q * (double)(n - 1);
    const int64_t lower = (int64_t)floor(h), upper = lower + (h > (double)lower && lower < n - 1);
    const double part = h - (double)lower;
    const long double lo = list[lower].value, hi = list[upper].value;

    free(list);
    *slack = 0;
    switch (how) {
    case DC_QUANTILE_LOWER:
        return lo;
    case DC_QUANTILE_HIGHER:
        return hi;
    case DC_QUANTILE_NEAREST:
        return part > 0.5 || (part == 0.5 && (lower & 1)) ? hi : lo;
    case DC_QUANTILE_MIDPOINT:
        *slack = lo == hi ? 0 : (fabsl(lo) + fabsl(hi)) * epsilon;
        return lo == hi ? lo : (lo + hi) / 2;
    default:
        *slack = lo == hi ? 0 : (fabsl(lo) + fabsl(hi)) * 2 * epsilon;
        return lo == hi || part == 0 ? lo : lo + (hi - lo) * (long double)part;
    }
}

static long double bin(const dc_reduce_params *p, const dct_rows *rows, int64_t i)
{
    const int64_t bins = p->edges.count ? p->edges.count - 1 : p->bins;
    int64_t count = 0;

    for (int64_t r = 0; r < rows->count; ++r) {
        long double edge[2];

        for (int k = 0; k < 2; ++k) {
            const int64_t e = i + k;

            if (p->edges.count) {
                edge[k] = p->edges.at[e];
                continue;
            }
            const double wide =
                e == bins ? p->high : (double)e * ((p->high - p->low) / (double)bins) + p->low;
            edge[k] = p->src.dtype == DC_F32 ? (float)wide : wide;
        }
        count += rows->value[r] >= edge[0] &&
                 (i == bins - 1 ? rows->value[r] <= edge[1] : rows->value[r] < edge[1]);
    }
    return (long double)count;
}

static long double moment(const dc_reduce_params *p, const dct_rows *rows, int64_t n, int what,
                          long double *slack)
{
    const long double epsilon = p->src.dtype == DC_F32 ? FLT_EPSILON : DBL_EPSILON;
    long double sum = 0, size = 0, squares = 0, shifted = 0, origin = NAN, mean, var;

    /* differences from the first value are nearly exact, whatever the values' offset */
    for (int64_t r = 0; r < rows->count; ++r)
        if (!isnan(rows->value[r])) {
            origin = isnan(origin) ? rows->value[r] : origin;
            shifted += rows->value[r] - origin;
            sum += rows->value[r];
            size += fabsl(rows->value[r]);
        }
    shifted /= (long double)n;
    mean = origin + shifted;
    for (int64_t r = 0; r < rows->count; ++r)
        if (!isnan(rows->value[r])) {
            const long double d = rows->value[r] - origin - shifted;

            squares += d * d;
        }
    if (what == DC_REDUCE_SUM || what == DC_REDUCE_MEAN) {
        const long double divisor = what == DC_REDUCE_SUM ? 1 : (long double)n;

        *slack = 6 * epsilon * size / divisor;
        return sum / divisor;
    }
    if (what == DC_REDUCE_MOMENTS) { /* its mean */
        *slack = 3 * epsilon * (fabsl(mean) + sqrtl(squares / (long double)n));
        return mean;
    }
    if (n <= p->ddof)
        return NAN;
    var = squares / (long double)(n - p->ddof);
    *slack = 6 * epsilon * var;
    if (what == DC_REDUCE_STD) {
        *slack = 4 * epsilon * sqrtl(var);
        return sqrtl(var);
    }
    return var;
}

static long double extreme(const dct_rows *rows, int most, int64_t *at)
{
    long double best = NAN;

    *at = -1;
    for (int64_t r = 0; r < rows->count; ++r)
        if (!isnan(rows->value[r]) &&
            (*at < 0 || (most ? rows->value[r] > best : rows->value[r] < best))) {
            best = rows->value[r];
            *at = r;
        }
    return best;
}

static long double best(const dc_reduce_params *p, const dct_rows *rows, int64_t i, int64_t *row)
{
    int64_t n;
    item *list = sorted(rows, &n, p->largest);
    long double value = NAN;

    *row = -1;
    if (i < n) {
        value = p->largest ? -list[i].value : list[i].value;
        *row = list[i].row;
    }
    free(list);
    return value;
}

long double dct_reduce_value(const dc_reduce_params *p, const dct_rows *rows, int64_t i,
                             long double *slack, int64_t *index)
{
    const int sums = p->kind == DC_REDUCE_SUM;
    const int64_t least = p->min_count == DC_DEFAULT ? !sums
                          : p->min_count > !sums     ? p->min_count
                                                     : !sums;
    int64_t n = 0, finite = 0, bad = -1, at = -1;

    *slack = 0;
    for (int64_t r = 0; r < rows->count; ++r) {
        n += !isnan(rows->value[r]);
        finite += isfinite(rows->value[r]) != 0;
        bad = bad < 0 && isnan(rows->value[r]) ? r : bad;
    }
    bad = p->nan == DC_NAN_PROPAGATE ? bad : -1;
    switch (p->kind) {
    case DC_REDUCE_COUNT:
        return (long double)n;
    case DC_REDUCE_ANY_FINITE:
        return finite > 0;
    case DC_REDUCE_ALL_FINITE:
        return finite == rows->count;
    case DC_REDUCE_ARGMIN:
    case DC_REDUCE_ARGMAX:
        (void)extreme(rows, p->kind == DC_REDUCE_ARGMAX, &at);
        return (long double)(bad >= 0 ? bad : at);
    case DC_REDUCE_HISTOGRAM:
        return bin(p, rows, i);
    case DC_REDUCE_TOP_K:
        *index = -1;
        return bad >= 0 ? (long double)NAN : best(p, rows, i, index);
    default:
        break;
    }
    if (p->kind == DC_REDUCE_MOMENTS && i == 0)
        return (long double)(p->nan == DC_NAN_PROPAGATE ? rows->count : n);
    if (bad >= 0 || n < least)
        return NAN;
    switch (p->kind) {
    case DC_REDUCE_MIN:
    case DC_REDUCE_MAX:
        return extreme(rows, p->kind == DC_REDUCE_MAX, &at);
    case DC_REDUCE_EXTENT:
        return extreme(rows, i == 1, &at);
    case DC_REDUCE_MEDIAN:
        return quantile(p, rows, 0.5, DC_QUANTILE_MIDPOINT, slack);
    case DC_REDUCE_QUANTILE:
        return quantile(p, rows, p->q.at[i], p->interpolation, slack);
    case DC_REDUCE_MOMENTS:
        return moment(p, rows, n, i == 1 ? DC_REDUCE_MOMENTS : DC_REDUCE_VAR, slack);
    default:
        return moment(p, rows, n, p->kind, slack);
    }
}

/* The CPU's transform for FFT steps: any length, batched, real, one row at a time in float64.
 *
 * Class NORMWISE.  Lengths whose prime factors are at most MAX_RADIX run as a mixed-radix Stockham
 * autosort transform (Stockham 1966, Temperton 1983); all others as a convolution by a power of two
 * (Bluestein 1970).  Every row is computed on its own, so rows never influence each other and a
 * row's bits do not depend on the batch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_fallback/runtime/runtime.h"

enum { MAX_RADIX = 31, MAX_FACTORS = 64 };

typedef struct complex64 {
    double re, im;
} complex64;

typedef struct fft_plan {
    int64_t n;
    int32_t factors, factor[MAX_FACTORS];
    complex64 *root; /* exp(-2 pi i k / n), k < n */
} fft_plan;

static complex64 multiply(complex64 a, complex64 b)
{
    return (complex64){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* exp(-2 pi i k / n) by octants, so that the argument of sin and cos stays below pi / 4. */
static complex64 root_of_unity(int64_t k, int64_t n)
{
    const double two_pi = 6.283185307179586476925286766559;
    const int64_t octant = 8 * k / n; /* n < 2^59 */
    int64_t rest = k;
    double c, s;

    if (octant == 0 || octant == 7)
        rest = octant ? k - n : k;
    else if (octant == 3 || octant == 4)
        rest = 2 * k - n; /* half turns: handled in units of n / 2 below */
    if (octant == 0 || octant == 7) {
        c = cos(two_pi * ((double)rest / (double)n));
        s = sin(two_pi * ((double)rest / (double)n));
    } else if (octant == 3 || octant == 4) {
        c = -cos(two_pi * ((double)rest / (2.0 * (double)n)));
        s = -sin(two_pi * ((double)rest / (2.0 * (double)n)));
    } else { /* around a quarter (1, 2) or three quarters (5, 6) of the turn */
        const int64_t quarter = octant < 4 ? 1 : 3;
        const double away = (double)(4 * k - quarter * n) / (4.0 * (double)n);
        const double sign = quarter == 1 ? 1.0 : -1.0;
        c = -sign * sin(two_pi * away);
        s = sign * cos(two_pi * away);
    }
    return (complex64){c, -s};
}

/* Factors of n up to MAX_RADIX (fours first, they are cheapest); 0 when a larger prime is left. */
static int factorise(fft_plan *plan)
{
    int64_t rest = plan->n;

    for (; rest % 4 == 0; rest /= 4)
        plan->factor[plan->factors++] = 4;
    for (int32_t p = 2; p <= MAX_RADIX && rest > 1; ++p)
        for (; rest % p == 0; rest /= p)
            plan->factor[plan->factors++] = p;
    return rest == 1;
}

static int fft_plan_init(fft_plan *plan, int64_t n)
{
    memset(plan, 0, sizeof *plan);
    plan->n = n;
    if (!factorise(plan))
        return 0;
    plan->root = malloc((size_t)n * sizeof *plan->root);
    for (int64_t k = 0; plan->root && k < n; ++k)
        plan->root[k] = root_of_unity(k, n);
    return plan->root != NULL;
}

/* One Stockham pass.  x[j * (n / span) + i] is bin j of the transform over values i, i + n / span,
 * ...; p of those that interleave become one of length span * p in y. */
static void pass(const fft_plan *plan, int32_t p, int64_t span, const complex64 *x, complex64 *y)
{
    const int64_t n = plan->n, m = n / (span * p); /* butterflies per twiddle */

    for (int64_t j = 0; j < span; ++j)
        for (int64_t i = 0; i < m; ++i) {
            complex64 in[MAX_RADIX];

            for (int32_t r = 0; r < p; ++r)
                in[r] = multiply(x[(j * p + r) * m + i], plan->root[j * r * m % n]);
            for (int32_t q = 0; q < p; ++q) {
                complex64 sum = in[0];
                for (int32_t r = 1; r < p; ++r) {
                    const complex64 term =
                        multiply(in[r], plan->root[(int64_t)(q * r % p) * (n / p)]);
                    sum.re += term.re;
                    sum.im += term.im;
                }
                y[(j + q * span) * m + i] = sum;
            }
        }
}

/* Forward transform of x; the result is in the buffer returned (x or work). */
static complex64 *transform(const fft_plan *plan, complex64 *x, complex64 *work)
{
    int64_t span = 1;

    for (int32_t f = 0; f < plan->factors; ++f) {
        complex64 *swap = x;
        pass(plan, plan->factor[f], span, x, work);
        span *= plan->factor[f];
        x = work;
        work = swap;
    }
    return x;
}

/* A transform of any length: direct, or Bluestein's convolution of length `inner.n`. */
typedef struct any_plan {
    int64_t n;
    int direct;
    fft_plan inner;
    complex64 *chirp, *kernel; /* exp(-i pi k^2 / n); transform of its conjugate */
    complex64 *a, *b;          /* work, inner.n each                             */
} any_plan;

static void any_free(any_plan *plan)
{
    free(plan->inner.root);
    free(plan->chirp);
    free(plan->kernel);
    free(plan->a);
    free(plan->b);
}

static int bluestein_init(any_plan *plan)
{
    const int64_t n = plan->n, m = plan->inner.n;
    complex64 *spectrum;

    plan->chirp = malloc((size_t)n * sizeof *plan->chirp);
    plan->kernel = malloc((size_t)m * sizeof *plan->kernel);
    if (!plan->chirp || !plan->kernel)
        return 0;
    memset(plan->a, 0, (size_t)m * sizeof *plan->a);
    for (int64_t k = 0, square = 0; k < n; ++k) { /* square = k^2 mod 2n */
        plan->chirp[k] = root_of_unity(square, 2 * n);
        plan->a[k] = (complex64){plan->chirp[k].re, -plan->chirp[k].im};
        if (k)
            plan->a[m - k] = plan->a[k];
        square = (square + 2 * k + 1) % (2 * n);
    }
    spectrum = transform(&plan->inner, plan->a, plan->b);
    memcpy(plan->kernel, spectrum, (size_t)m * sizeof *spectrum);
    return 1;
}

static int any_init(any_plan *plan, int64_t n)
{
    int64_t m = n;

    memset(plan, 0, sizeof *plan);
    plan->n = n;
    plan->direct = fft_plan_init(&plan->inner, n);
    if (!plan->direct) {
        for (m = 1; m < 2 * n - 1; m *= 2)
            ;
        free(plan->inner.root);
        if (!fft_plan_init(&plan->inner, m))
            return 0;
    }
    plan->a = malloc((size_t)m * sizeof *plan->a);
    plan->b = malloc((size_t)m * sizeof *plan->b);
    return plan->a && plan->b && (plan->direct || bluestein_init(plan));
}

/* Forward transform of the n values in plan->a; the result's address. */
static const complex64 *any_run(any_plan *plan)
{
    const int64_t n = plan->n, m = plan->inner.n;
    complex64 *x, *other;

    if (plan->direct)
        return transform(&plan->inner, plan->a, plan->b);
    for (int64_t k = 0; k < n; ++k)
        plan->a[k] = multiply(plan->a[k], plan->chirp[k]);
    memset(plan->a + n, 0, (size_t)(m - n) * sizeof *plan->a);
    x = transform(&plan->inner, plan->a, plan->b);
    for (int64_t k = 0; k < m; ++k) { /* inverse by conjugation */
        x[k] = multiply(x[k], plan->kernel[k]);
        x[k].im = -x[k].im;
    }
    other = x == plan->a ? plan->b : plan->a;
    x = transform(&plan->inner, x, other);
    for (int64_t k = 0; k < n; ++k)
        x[k] = multiply((complex64){x[k].re / (double)m, -x[k].im / (double)m}, plan->chirp[k]);
    return x;
}

static double load(const void *data, int32_t dtype, int64_t i)
{
    float narrow;
    double wide;

    if (dtype == DC_F64) {
        memcpy(&wide, (const char *)data + 8 * i, sizeof wide); /* rows may be misaligned */
        return wide;
    }
    memcpy(&narrow, (const char *)data + 4 * i, sizeof narrow);
    return narrow;
}

static void store(void *data, int32_t dtype, int64_t i, double value)
{
    const float narrow = (float)value;

    if (dtype == DC_F64)
        memcpy((char *)data + 8 * i, &value, sizeof value);
    else
        memcpy((char *)data + 4 * i, &narrow, sizeof narrow);
}

/* Real row to n / 2 + 1 complex values. */
static void row_forward(any_plan *plan, int32_t dtype, const void *in, int64_t in_at, void *out,
                        int64_t out_at)
{
    const complex64 *spectrum;

    for (int64_t i = 0; i < plan->n; ++i)
        plan->a[i] = (complex64){load(in, dtype, in_at + i), 0.0};
    spectrum = any_run(plan);
    for (int64_t k = 0; k <= plan->n / 2; ++k) {
        store(out, dtype, 2 * (out_at + k), spectrum[k].re);
        store(out, dtype, 2 * (out_at + k) + 1, spectrum[k].im);
    }
}

/* n / 2 + 1 complex values, extended by symmetry, to a real row: sum of X_k exp(+2 pi i k t / n).
 */
static void row_inverse(any_plan *plan, int32_t dtype, const void *in, int64_t in_at, void *out,
                        int64_t out_at)
{
    const int64_t n = plan->n;
    const complex64 *series;

    for (int64_t k = 0; k <= n / 2; ++k) {
        const complex64 x = {load(in, dtype, 2 * (in_at + k)),
                             load(in, dtype, 2 * (in_at + k) + 1)};
        plan->a[k] = (complex64){x.re, -x.im}; /* inverse by conjugation */
        if (k > 0 && k < (n + 1) / 2)
            plan->a[n - k] = x;
    }
    plan->a[0].im = 0.0; /* as every real inverse does: these imaginary parts carry nothing */
    if (n % 2 == 0)
        plan->a[n / 2].im = 0.0;
    series = any_run(plan);
    for (int64_t i = 0; i < n; ++i)
        store(out, dtype, out_at + i, series[i].re);
}

dc_status dc__cpu_fft(dc_cpu_queue *queue, const dc_step *step, const void *in, void *out)
{
    const int64_t n = step->u.fft.n, half = n / 2 + 1;
    any_plan plan;

    (void)queue;
    DC_REQUIRE(n >= 1 && n <= INT64_C(1) << 40, DC_E_UNSUPPORTED, "%s: an FFT of length %lld",
               step->op->name, (long long)n);
    if (!any_init(&plan, n)) {
        any_free(&plan);
        return dc__fail(DC_E_MEMORY, "%s: no memory for an FFT of length %lld", step->op->name,
                        (long long)n);
    }
    for (int64_t r = 0; r < step->u.fft.batch; ++r)
        if (step->u.fft.direction == DC_FFT_R2C)
            row_forward(&plan, step->dtype, in, r * n, out, r * half);
        else
            row_inverse(&plan, step->dtype, in, r * half, out, r * n);
    any_free(&plan);
    return DC_OK;
}

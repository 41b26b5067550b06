/* Spectra: what the two compilers must agree on.
 *
 * The samples of a window are x[0] ... x[length - 1] (those beyond the ends of the series as `pad`
 * says), weights w.  Every operation below rounds once; F is fma.
 *
 * Sums (contract).  A sum over i = 0 ... n - 1 is made of leaves of 32 terms from i = 0 on; a leaf
 * has 4 columns, column c beginning as 0 and taking its terms i mod 4 = c in order; a leaf is
 * (c0 + c1) + (c2 + c3).  Leaves are added by a binary tree: leaf i to leaf i + 1 for even i, their
 * sums i to i + 2, and so on; what has no partner stays as it is.
 *
 * Trend (contract).  a = x[0], d[i] = x[i] - a.
 *   constant  m = (sum d) / length                       y[i] = (d[i] - m) w[i]
 *   linear    c[i] = i - (length - 1) / 2, exact;  s = (sum d c) / (sum c^2), the divisor a
 *             number of the host rounded once            y[i] = F(-s, c[i], d[i] - m) w[i]
 *   none                                                 y[i] = x[i] w[i]
 * y[i] = 0 behind the window, up to nfft.  Divisions are dc_div.
 *
 * Transform (contract, kernels/shared/spectral_fft.h).  Of nfft samples, `points` complex numbers
 * are made: even nfft, points = nfft / 2, z[i] = y[2i] + i y[2i + 1]; odd nfft, points = nfft,
 * z[i] = y[i].  Lengths with prime factors 2, 3, 5, 7 alone run as passes of `radix` in place,
 * element k being left at place[k].  Others are convolved (Bluestein): z[i] *= chirp[i], zeros up
 * to `core`, passes, times `kernel` in the order of places, the passes backwards with real and
 * imaginary parts exchanged, z[i] *= chirp[i]; place[k] = k.  Tables come from the host, computed
 * in float64 and rounded once.
 *
 * Bins.  Odd nfft: X[k] = z[place[k]].  Even nfft, h = 1/2, A = z[place[k]], B = z[place[points -
 * k]], post[k] = (c, s) = exp(-2 pi i k / nfft), for k = 1 ... points / 2: E = ((A.re + B.re) h,
 * (A.im - B.im) h),  O = ((A.im + B.im) h, (B.re - A.re) h) t = O (c, s) as spectral_twist has it
 *   X[k] = (E.re + t.re, E.im + t.im),  X[points - k] = (E.re - t.re, t.im - E.im)
 * (k = points / 2: X[k] alone, by the first line), X[0] = (A.re + A.im, 0), X[points] = (A.re -
 * A.im, 0) with A = z[place[0]].
 *
 * Power of a bin: F(re, re, im im).  Scaled: power scale[k].  Magnitude: dc_sqrt of the scaled
 * power.
 *
 * Means over windows: chunks of 32 windows by number; a chunk's sum begins as 0 and takes its
 * windows in order (omitted ones take nothing); the chunks' sums are added in order to 0; the sum
 * is divided by the number of windows taken (0: NaN), then multiplied by scale[k].  Cross power of
 * a window: re F(x.re, y.re, x.im y.im), im F(x.re, y.im, -(x.im y.re)).  Coherence: sums of both
 * powers and the cross power, F(re, re, im im) / (P Q) with P, Q, re, im the means, unscaled.
 *
 * Backwards: even nfft, X as given with the imaginary parts of X[0] and X[points] taken for 0,
 *   k = 0 ... points - 1, A = X[k], B = conj X[points - k]:  E = (A + B), O = (A - B) exp(+2 pi i k
 *   / nfft) (spectral_twist with (c, -s)), z[k] = E + i O = (E.re - O.im, E.im + O.re);
 * odd nfft: z[k] = X[k], z[nfft - k] = conj X[k].  Then the transform with real and imaginary
 * parts exchanged, and y[i] = element scale[0] (1 / nfft, times what a row says).
 *
 * Medians: of the scaled powers of all windows (CSD: of re and im apart), even counts half the sum
 * of the two middle ones, divided by the bias of the median (number BIAS).  A NaN among them: NaN;
 * -0 is +0.
 *
 * Windows added (ISTFT, OVERLAP): sample i of the padded series is the sum, beginning as 0, over
 * the windows that hold it, oldest first, of F(y, w, sum), y the window's sample, w its weight, and
 * the norm likewise of F(w, w, norm); the quotient where the norm exceeds number NORM, else the
 * sum.
 *
 * Lags (ACF).  y[i]: the trend's residuals of the whole series, weights 1 (omit: values that are no
 * numbers are no terms of the sums, a is the first that is one, length their number; y is 0 there).
 * r[k] = sum over i of y[i] y[i + k]: runs of 1024 values of i; in a run 16 columns begin as 0 and
 * take F(y[i], y[i + k], column), i mod 16 their number, in order; columns c and c + 8 are added,
 * then c + 4, c + 2, c + 1; runs are added as leaves are.  n[k]: how many of the products have two
 * values (omit), else n - k.  Result: r[k] / r[0], adjusted (r[k] / n[k]) / (r[0] / n[0]).
 * More than 256 lags without omission: r by the library's transforms, padded to n + lags at least,
 * of the residuals and of their powers; then RATIOS, the same quotients.
 *
 * A NaN that is computed is stored as the one quiet NaN.
 */
#ifndef DC_SHARED_SPECTRAL_H
#define DC_SHARED_SPECTRAL_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"

enum {
    DC_SPECTRAL_AXES = 7,
    DC_SPECTRAL_PASSES = 24,    /* 3^20 is the most below 4 * 2^30   */
    DC_SPECTRAL_LEAF = 32,      /* terms of a leaf                    */
    DC_SPECTRAL_COLUMNS = 4,    /* columns of a leaf                  */
    DC_SPECTRAL_CHUNK = 32,     /* windows of a chunk                 */
    DC_SPECTRAL_NUMBERS = 12,   /* features                           */
    DC_SPECTRAL_ACF_RUN = 1024, /* products of a run (ACF)          */
    DC_SPECTRAL_ACF_COLUMNS = 16,
    DC_SPECTRAL_FEW_LAGS = 256 /* more are made of transforms */
};

/* What a step does. */
enum {
    DC_SPECTRAL_WINDOWS = 0, /* windows of a series, transformed, to what the kind makes of them */
    DC_SPECTRAL_SERIES = 1, /* bins to samples (IRFFT, first half of ISTFT)                       */
    DC_SPECTRAL_MEANS = 2,  /* sums of chunks to a mean                                           */
    DC_SPECTRAL_MEDIANS = 3, /* powers of all windows to their median */
    DC_SPECTRAL_OVERLAP = 4, /* windows added (second half of ISTFT) */
    DC_SPECTRAL_LAGS = 5,   /* products at lags (ACF)                                             */
    DC_SPECTRAL_TIMES = 6,  /* Lomb-Scargle                                                       */
    DC_SPECTRAL_PEAKS = 7,  /* powers and autocorrelation to a period                             */
    DC_SPECTRAL_ROWS = 8,   /* windows of a series to dense rows of nfft samples, not transformed */
    DC_SPECTRAL_BINS = 9,   /* dense rows of bins to what the kind makes of them                  */
    DC_SPECTRAL_RATIOS = 10 /* dense rows of nfft sums of products to autocorrelations */
};

/* What a window becomes. */
enum {
    DC_SPECTRAL_TO_BINS = 0,  /* complex, scaled by scale[0]                                    */
    DC_SPECTRAL_TO_POWER = 1, /* scaled                                                         */
    DC_SPECTRAL_TO_SUMS = 2,  /* sums of chunks: [series][chunk][planes][bins], then counts     */
    DC_SPECTRAL_TO_BANDS = 3,
    DC_SPECTRAL_TO_FEATURES = 4,
    DC_SPECTRAL_TO_CROSS = 5 /* cross power of two series, complex, scaled by scale[k]         */
};

/* Tables are one array of T and one of dc_i32; at_* are places in them, in elements. */
typedef struct dc_spectral_args {
    dc_i32 kind, stage, to, detrend;
    dc_i32 pad;    /* DC_BOUNDARY_*: beyond the ends of the series                              */
    dc_i32 omit;   /* windows with a NaN or an infinity are left out of sums                    */
    dc_i32 planes; /* TO_SUMS: 1 power; 2 cross power re, im; 4 powers of x, y, cross re, im    */
    dc_i32 weight; /* features of DC_WEIGHT_*                                                   */
    dc_i32 list;   /* number of bands or features                                               */
    dc_i32 half;   /* nfft is even: points = nfft / 2                                           */
    dc_i32 bluestein;
    dc_i32 passes, radix[DC_SPECTRAL_PASSES];
    dc_i32 naxes;
    dc_i32 weighed;    /* 0: all weights are 1                                                  */
    dc_i32 scaled;     /* 0: all of `scale` is 1                                                */
    dc_i32 inputs;     /* series read: 1, or 2 (CSD, COHERENCE)                                  */
    dc_i32 to_scratch; /* results go to the first scratch slot, densely, not to an output         */
    dc_i32 heads_zero; /* the first `heads` windows are not looked at: 1: they become 0, else NaN */
    dc_i32 adjusted;   /* LAGS: see there; TIMES: power in 0 ... 1                              */
    dc_i64 heads, edge; /* edge: samples of the boundary behind the series (SERIES: bins that the
                           source has, others are 0)                                            */
    dc_i64 series, n;   /* series; samples of each                                   */
    dc_i64 frames, hop, first;   /* windows of each; window f begins at sample first + f hop  */
    dc_i64 length, nfft, bins;   /* samples of a window; of the transform; its bins           */
    dc_i64 points, core;         /* complex numbers in, and passed (core > points: Bluestein) */
    dc_i64 src_step, other_step; /* elements from sample to sample (SERIES: bin to bin)       */
    dc_i64 src_frame, src_part;  /* SERIES: from window to window, from re to im              */
    dc_i64 dst_bin, dst_frame, dst_part; /* elements from bin to bin (sample, band, feature, lag),
                                            window to window, re to im                           */
    dc_i64 chunks; /* TO_SUMS: of windows                                       */
    dc_i64 lags;   /* LAGS                                                      */
    dc_i64 at_window, at_twiddle, at_post, at_chirp, at_kernel, at_scale, at_number; /* of T     */
    dc_i64 at_place, at_list; /* of dc_i32: places; bands (first, end) or feature numbers  */
    /* Series s is the sum over d of (digit d of s) * stride, the last axis running fastest. */
    dc_i64 shape[DC_SPECTRAL_AXES], src_stride[DC_SPECTRAL_AXES], other_stride[DC_SPECTRAL_AXES],
        dst_stride[DC_SPECTRAL_AXES];
} dc_spectral_args;

/* at_number: numbers of T.  1 / (sum c^2) is not among them: divisions are divisions. */
enum {
    DC_SPECTRAL_LENGTH = 0,   /* length                                    */
    DC_SPECTRAL_SQUARES = 1,  /* sum of c^2, c of the linear trend         */
    DC_SPECTRAL_CENTRE = 2,   /* (length - 1) / 2                          */
    DC_SPECTRAL_STEP = 3,     /* frequency of bin 1                        */
    DC_SPECTRAL_COUNT = 4,    /* bins                                      */
    DC_SPECTRAL_LN_COUNT = 5, /* ln(bins), 1 for one bin                   */
    DC_SPECTRAL_MIDDLE = 6,   /* (bins - 1) / 2                            */
    DC_SPECTRAL_SPREAD = 7,   /* sum of (k - (bins - 1) / 2)^2, 1 for one  */
    DC_SPECTRAL_ROLLOFF = 8,
    DC_SPECTRAL_BIAS = 9,  /* of the median                             */
    DC_SPECTRAL_NORM = 10, /* OVERLAP: least norm that divides          */
    DC_SPECTRAL_TABLE_NUMBERS = 16
};

/* Element of series s in the first view; that of others through *other, *dst. */
static inline dc_i64 spectral_series_at(const dc_spectral_args *a, dc_i64 s, dc_i64 *other,
                                        dc_i64 *dst)
{
    dc_i64 src = 0;

    *other = *dst = 0;
    for (int d = a->naxes - 1; d >= 0; d--) {
        const dc_i64 outer = s / a->shape[d], digit = s - outer * a->shape[d];

        src += digit * a->src_stride[d];
        *other += digit * a->other_stride[d];
        *dst += digit * a->dst_stride[d];
        s = outer;
    }
    return src;
}

/* Sample i of a padded series: its place, -1 for zero; *mirror: 0 the value x, 1 or 2: 2 x[0] - x
 * or 2 x[n - 1] - x.  first <= i, at most n - 1 places beyond either end but for zeros. */
static inline dc_i64 spectral_place(const dc_spectral_args *a, dc_i64 i, int *mirror)
{
    *mirror = 0;
    if (i >= 0 && i < a->n)
        return i;
    if (a->pad <= DC_BOUNDARY_ZEROS || i >= a->n + a->edge)
        return -1; /* behind the padding of the boundary lies that of the last window */
    if (a->pad == DC_BOUNDARY_CONSTANT)
        return i < 0 ? 0 : a->n - 1;
    if (a->pad == DC_BOUNDARY_ODD)
        *mirror = i < 0 ? 1 : 2;
    return i < 0 ? -i : 2 * (a->n - 1) - i;
}

#endif

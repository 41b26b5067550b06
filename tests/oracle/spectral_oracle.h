/* Spectra in long double, by their definitions: direct sums of cosines and sines of angles that are
 * reduced exactly, windows by their closed forms, trends by least squares.  Written from the public
 * header and from scipy.signal's formulas; no transform is fast here. */
#ifndef DCT_SPECTRAL_ORACLE_H
#define DCT_SPECTRAL_ORACLE_H

#include "dualcube/spectral.h"

/* One result.  NaN: it must not be finite.  An infinite slack: nothing is said of it (a discrete
 * result between two candidates, a quotient of nothing). */
typedef struct dct_spectral_want {
    long double value, slack;
} dct_spectral_want;

/* The parameters of a call with defaults resolved, for a series of T samples. */
typedef struct dct_spectral_call {
    const dc_spectral_params *p;
    int64_t samples, nperseg, hop, nfft, bins, frames, reach; /* reach: samples before the first */
    int64_t padded; /* samples of the series with its boundary and padding */
    int32_t detrend, scaling;
    long double u;            /* half an ulp of 1 */
    long double *weight;      /* nperseg */
    long double sum, squares; /* of the weights */
    long double scale_error;  /* of the scale, relative */
    long double weight_error; /* of the weights */
    long double bound;        /* of transforms: |error of X_k| <= bound |w x| */
} dct_spectral_call;

/* `samples`: T (IRFFT: B; ISTFT: B). */
void dct_spectral_open(dct_spectral_call *c, const dc_spectral_params *p, int64_t samples);
void dct_spectral_close(dct_spectral_call *c);

/* The window of n samples. */
void dct_spectral_window(int32_t window, long double param, int32_t symmetric, int64_t n,
                         long double *w);
/* X_k of n samples, zeros behind them up to nfft. */
void dct_spectral_bin(const long double *y, int64_t n, int64_t nfft, int64_t k, long double *re,
                      long double *im);
/* y = (x - trend) w; returns what rounding is measured by, |w x| of the residuals' terms. */
long double dct_spectral_weigh(int32_t detrend, const long double *x, const long double *w,
                               int64_t n, long double *y);
/* 8 u sqrt(log2 nfft), 16 for lengths with prime factors above 7. */
long double dct_spectral_bound(int64_t nfft, long double u);

/* One window of samples: bins with their common error; 0 when a sample is not finite. */
typedef struct dct_spectrum {
    long double *re, *im; /* bins */
    long double error;
} dct_spectrum;
int dct_spectral_transform(const dct_spectral_call *c, const long double *x, dct_spectrum *s);
/* Scaled power of bin k (one-sided where it is scaled) and its slack. */
dct_spectral_want dct_spectral_power(const dct_spectral_call *c, const dct_spectrum *s, int64_t k);

/* Results of one series, in the order of dst's axis and tail axes.  x: its samples (complex:
 * pairs); y: those of `other`, or NULL.  How many, -1: the kind is not known here. */
int64_t dct_spectral_series(const dct_spectral_call *c, const long double *x, const long double *y,
                            dct_spectral_want *out);

/* Bands or features of one window; how many. */
int64_t dct_spectral_list(const dct_spectral_call *c, const dct_spectrum *s, int fine,
                          dct_spectral_want *out);
/* Features of bins g with slack, and kinds that are no transforms of windows (spectral_more.c). */
void dct_spectral_features(const dct_spectral_call *c, const dct_spectral_want *g,
                           dct_spectral_want *out);
int64_t dct_spectral_acf(const dct_spectral_call *c, const long double *x, dct_spectral_want *out);
int64_t dct_spectral_lombscargle(const dct_spectral_call *c, const long double *x,
                                 const long double *times, dct_spectral_want *out);
int64_t dct_spectral_backwards(const dct_spectral_call *c, const long double *x,
                               dct_spectral_want *out);
int64_t dct_spectral_rolling(const dct_spectral_call *c, const long double *x,
                             dct_spectral_want *out);

#endif

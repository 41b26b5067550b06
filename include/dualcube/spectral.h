/* Spectra of series along an axis: transforms, periodograms, bands, shape, autocorrelation. */
#ifndef DUALCUBE_SPECTRAL_H
#define DUALCUBE_SPECTRAL_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_spectral().  Begin with DC_SPECTRAL_PARAMS_INIT.
 *
 * What belongs to other kinds is ignored.  Complex arrays are arrays of reals with a last axis of
 * 2: real part, imaginary part.  T is the length of src along `axis`, B = nfft / 2 + 1 the number
 * of bins, bin k being frequency k fs / nfft. */
typedef struct dc_spectral_params {
    uint32_t struct_size;
    int32_t kind;        /* DC_SPECTRAL_*; no default                                            */
    dc_array src;        /* input, float32 or float64                                            */
    dc_array other;      /* CSD, COHERENCE: y, shape of src.  LOMBSCARGLE: times, 1 axis, T      */
    dc_array dst;        /* output, dtype of src; shape below                                    */
    int32_t axis;        /* of the series: axis of src (IRFFT, ISTFT: of dst); default -1        */
    int32_t window;      /* DC_WINDOW_*; default -1: Hann (RFFT, PERIODOGRAM, BANDS,
                            ROLLING_BANDS: boxcar; SPECTROGRAM: Tukey 0.25)                      */
    double window_param; /* of Kaiser, Tukey, Gaussian; default -1: 14, 0.5, nperseg / 6         */
    int32_t symmetric;   /* 0 (default): periodic, for spectra; 1: symmetric, for filters        */
    int32_t detrend;     /* DC_DETREND_*; default -1: constant (RFFT, STFT: none;
                            FIND_PERIOD: linear)                                                 */
    dc_doubles taps;     /* the window itself, nperseg values; default none: `window`            */
    double fs;           /* samples in a unit of time, > 0; default 1                            */
    int64_t nperseg;     /* samples of a window; default DC_DEFAULT: 256, at most T (RFFT,
                            PERIODOGRAM: T; ROLLING_BANDS: none)                                 */
    int64_t noverlap;    /* samples that neighbours share, < nperseg; default DC_DEFAULT:
                            nperseg / 2 (SPECTROGRAM: nperseg / 8; BANDS, FEATURES: 0)           */
    int64_t nfft;        /* length of the transform, >= nperseg: zeros behind the window;
                            default DC_DEFAULT: nperseg (IRFFT, ISTFT: 2 (B - 1)).  RFFT: a
                            smaller one takes the first samples                                  */
    int32_t scaling;     /* DC_SCALING_*; default -1: density (STFT, ISTFT: spectrum;
                            BANDS, ROLLING_BANDS, FEATURES: none)                                */
    int32_t average;     /* WELCH, CSD: DC_AVERAGE_*; default mean                               */
    int32_t boundary;    /* STFT, ISTFT: DC_BOUNDARY_*; default zeros                            */
    int32_t padded;      /* STFT: 1 (default): zeros behind the series fill the last window      */
    int32_t nan;         /* WELCH, CSD, COHERENCE, ACF: DC_NAN_*; default DC_NAN_PROPAGATE: a NaN
                             or an infinity makes all of its series NaN; DC_NAN_OMIT: its window (ACF:
                             it) is left out; not for medians                                     */
    int32_t closed;      /* BANDS, ROLLING_BANDS: 0 (default): low <= f < high; 1: f <= high     */
    dc_doubles bands;    /* BANDS, ROLLING_BANDS: low, high of each band, in units of fs         */
    int32_t heads;       /* ROLLING_BANDS: DC_HEADS_*; default NaN                               */
    int32_t features;    /* FEATURES: bits DC_FEATURE_*; default all                             */
    int32_t weight;      /* FEATURES: DC_WEIGHT_*; default power                                 */
    int32_t adjusted;    /* ACF: 1: divisor T - lag; default 0: T                                */
    double rolloff;      /* FEATURES: share of the total below the rolloff, 0 ... 1; 0.85        */
    int64_t lags;        /* ACF: lags 0 ... lags; default DC_DEFAULT: min(10 log10 T, T - 1)     */
    dc_doubles freqs;    /* LOMBSCARGLE: angular frequencies                                     */
    int32_t normalize;   /* LOMBSCARGLE: 1: power in 0 ... 1; default 0                          */
    int32_t reserved;    /* 0 */
} dc_spectral_params;

#define DC_SPECTRAL_PARAMS_INIT                                                                    \
    {                                                                                              \
        sizeof(dc_spectral_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                           \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, {NULL, NULL, 0, {0}, {0}, 0, 0}, -1, -1, -1.0, 0, -1, \
            {NULL, 0}, 1.0, DC_DEFAULT, DC_DEFAULT, DC_DEFAULT, -1, DC_AVERAGE_MEAN,               \
            DC_BOUNDARY_ZEROS, 1, DC_NAN_PROPAGATE, 0, {NULL, 0}, DC_HEADS_NAN, DC_FEATURE_ALL,    \
            DC_WEIGHT_POWER, 0, 0.85, DC_DEFAULT, {NULL, 0}, 0, 0                                  \
    }

/**
 * Spectra of the series of src along `axis`.  Shapes of dst, `axis` being replaced:
 *
 * - DC_SPECTRAL_RFFT: axis: B bins; a last axis of 2 more. No scaling; the first nfft samples,
 *   zeros behind them where there are fewer.
 * - DC_SPECTRAL_IRFFT: src: B bins on axis, a last axis of 2; axis: nfft samples, scaled by 1 /
 *   nfft. Bins that src has not are 0, what it has more is ignored. Imaginary parts of bin 0 and,
 *   for even nfft, of the last are taken for 0.
 * - DC_SPECTRAL_STFT: axis: B; last axes: windows, 2.
 * - DC_SPECTRAL_ISTFT: src: B on axis, last axes windows, 2; axis: samples. Windows are added and
 *   divided by the sum of their squared weights; where that is not above 1e-10, they are not
 *   divided.
 * - DC_SPECTRAL_PERIODOGRAM: axis: B.
 * - DC_SPECTRAL_SPECTROGRAM: axis: B; last axis: windows.
 * - DC_SPECTRAL_WELCH: axis: B.
 * - DC_SPECTRAL_CSD: axis: B; a last axis of 2. Mean of conj(X) Y.
 * - DC_SPECTRAL_COHERENCE: axis: B.
 * - DC_SPECTRAL_BANDS: axis: windows; last axis: bands. Sums of bins (one-sided where `scaling` is
 *   not none).
 * - DC_SPECTRAL_ROLLING_BANDS: axis: T; last axis: bands. Row t belongs to the nperseg rows that
 *   end with it.
 * - DC_SPECTRAL_FEATURES: axis: windows; last axis: one for each bit of `features`.
 * - DC_SPECTRAL_ACF: axis: lags + 1. Of the series less its mean, divided by lag 0. Up to 256
 *   lags are sums of products; more (without omission) are made of transforms, NORMWISE.
 * - DC_SPECTRAL_LOMBSCARGLE: axis: freqs. A NaN value is left out. Phases are products of the
 *   dtype: float32 is for short times.
 * - DC_SPECTRAL_FIND_PERIOD: axis: 3: period in units of time (0: none found), strength (the
 *   autocorrelation at it), share of the power at its bin.
 *
 * Windows begin every nperseg - noverlap samples; samples behind the last whole window are left
 * out (STFT: `padded`).  Formulas and defaults are those of scipy.signal: density |X|^2 / (fs sum
 * w^2), spectrum |X|^2 / (sum w)^2, twice that but for bin 0 and the bin of half the rate.
 * Trends are fitted from the window's first value on, so that a common offset takes nothing from
 * the spectrum.
 *
 * Features of bins g_k at f_k (never doubled), p = g / sum g: total sum g; centroid c = sum f p;
 * bandwidth b = sqrt(sum (f - c)^2 p); skewness and kurtosis sum (f - c)^3 p / b^3 and sum (f -
 * c)^4 p / b^4 (0 where b is 0); rolloff: lowest f up to which `rolloff` of the total lies;
 * flatness: geometric mean of p over its mean, p at least 2^-46; entropy: -sum p ln p / ln B;
 * crest: largest p over mean p; slope: of the regression of p on f; peak frequency (lowest of
 * equals) and g there.  A window without power gives 0 in all of them (flatness 1).
 *
 * A NaN or an infinity makes NaN of every result of its window (of a complex bin: of a part of it
 * at least; not of a band that has no bins) and of nothing else.  Which NaN it is where a device's
 * library transforms (NORMWISE) is the library's choice.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT for nfft to 8192 (float32), 4096 (float64), any length (float32 on a device that
 * flushes denormals: EXACT_IF); beyond, NORMWISE: |error of X_k| <= 16 u sqrt(log2 nfft) |w x|.
 * Empty src: nothing happens.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_spectral(dc_queue *queue, const dc_spectral_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif

/* The dominant period of a series.  A template that both compilers read once per dtype (T, SFX),
 * with SPECTRAL_GLOBAL: where arrays lie, SPECTRAL_QUOTIENT(a, b): correctly rounded.
 *
 * Order of operations (contract): that of the code below; every operation rounds once.
 *
 * power: periodogram of the series less its line, padded to nfft; lag: its adjusted
 * autocorrelation, lags 0 ... lags.  Candidates are the CANDIDATES largest peaks of the periodogram
 * of at least two samples and at most `lags` of them.  One counts when the autocorrelation has a
 * peak of at least 0.2 within a lag or an eighth of its period; the period is the vertex of the
 * parabola through the peak's bins.  A candidate at 2 or 3 times the frequency of another one that
 * counts, has at least a twentieth of its power and a larger autocorrelation is a harmonic of it.
 * The first that counts, folded, is the answer. */
#ifndef DC_SHARED_SPECTRAL_PERIOD_H
#define DC_SHARED_SPECTRAL_PERIOD_H

#include "kernels/shared/spectral.h"

enum { DC_SPECTRAL_CANDIDATES = 8 };

#endif

/* Bin of the largest peak below `most` (ties: lower bins first); 0: none. */
static inline dc_i64 FN(spectral_next_peak)(SPECTRAL_GLOBAL const T *power, dc_i64 bins, T most,
                                            dc_i64 after)
{
    dc_i64 best = 0;

    for (dc_i64 k = 1; k + 1 < bins; k++) {
        const T p = power[k];

        if (!(p > power[k - 1] && p >= power[k + 1]) || p > most || (p == most && k <= after))
            continue;
        if (best == 0 || p > power[best])
            best = k;
    }
    return best;
}

/* Vertex of the parabola through bins k - 1, k, k + 1, as a period in samples. */
static inline T FN(spectral_vertex)(SPECTRAL_GLOBAL const T *power, dc_i64 k, dc_i64 nfft)
{
    const T a = power[k - 1], b = power[k], c = power[k + 1];
    const T bend = (a - b) - (b - c); /* below 0 at a peak */
    const T shift = SPECTRAL_QUOTIENT((T)0.5 * (a - c), bend);

    return SPECTRAL_QUOTIENT((T)nfft, (T)k + shift);
}

/* Largest peak of the autocorrelation near `period`; 0 when there is none. */
static inline T FN(spectral_confirm)(SPECTRAL_GLOBAL const T *lag, dc_i64 lags, T period)
{
    const T reach = period * (T)0.125 > 1 ? period * (T)0.125 : 1;
    T best = 0;

    for (dc_i64 k = 1; k < lags; k++) {
        const T away = (T)k > period ? (T)k - period : period - (T)k;

        if (away <= reach && lag[k] >= lag[k - 1] && lag[k] >= lag[k + 1] && lag[k] > best)
            best = lag[k];
    }
    return best;
}

/* out: period in samples, autocorrelation, share of the power; zeros where nothing counts. */
static inline void FN(spectral_period)(SPECTRAL_GLOBAL const T *power, SPECTRAL_GLOBAL const T *lag,
                                       dc_i64 bins, dc_i64 lags, dc_i64 nfft, T *out)
{
    T period[DC_SPECTRAL_CANDIDATES], strength[DC_SPECTRAL_CANDIDATES];
    T height[DC_SPECTRAL_CANDIDATES], total = 0, most = INFINITY;
    int count = 0, best = 0;
    dc_i64 k = 0;

    out[0] = out[1] = out[2] = 0;
    for (dc_i64 i = 1; i < bins; i++)
        total += power[i];
    if (!(total - total == 0)) { /* a NaN or an infinity in the series */
        out[0] = out[1] = out[2] = NAN;
        return;
    }
    for (int tried = 0; tried < DC_SPECTRAL_CANDIDATES; tried++) {
        k = FN(spectral_next_peak)(power, bins, most, k);
        if (k == 0)
            break;
        most = power[k];
        period[count] = FN(spectral_vertex)(power, k, nfft);
        if (!(period[count] >= 2) || period[count] > (T)lags)
            continue;
        strength[count] = FN(spectral_confirm)(lag, lags, period[count]);
        height[count] = most;
        if (strength[count] >= (T)0.2)
            count++;
    }
    if (count == 0)
        return;
    for (int i = 1; i < count; i++) {
        const T ratio = SPECTRAL_QUOTIENT(period[i], period[0]);
        const T two = ratio > 2 ? ratio - 2 : 2 - ratio, three = ratio > 3 ? ratio - 3 : 3 - ratio;

        if ((two <= (T)0.1 || three <= (T)0.15) && height[i] >= (T)0.05 * height[0] &&
            strength[i] > strength[best])
            best = i;
    }
    out[0] = period[best];
    out[1] = strength[best];
    out[2] = SPECTRAL_QUOTIENT(height[best], total);
}

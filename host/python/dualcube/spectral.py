"""Spectra along an axis: the names, keywords and numbers of scipy.fft and scipy.signal.

Common to all functions:

x : array-like of 1 to 8 axes (7 where the result has complex numbers or windows more)
    As in dualcube.rolling_mean: ndarray, DataFrame, DLPack, list, dualcube.Array.  float32 and
    float64 are computed as they are, integers and booleans as float64.
window : str, tuple or vector
    boxcar, hann, hamming, blackman, blackmanharris, flattop, kaiser, tukey or gaussian, with
    SciPy's short names and its endings _periodic (the default) and _symmetric; a name and its
    parameter: ("kaiser", beta; 14), ("tukey", tapered share; 0.5), ("gaussian", samples;
    nperseg / 6); or the nperseg weights themselves.
detrend : False, "constant" or "linear"
    What is subtracted from each window.  It is fitted from the window's first value on, so that a
    common offset of the data takes nothing from the spectrum.
device, out, threads, progress
    As in dualcube.rolling_mean.  Complex results are complex64 or complex128; on a device complex
    numbers are an axis of 2 behind the others: real part, imaginary part.

Results are ndarrays of x's precision (float64 for integers).  A NaN or an infinity makes NaN of every
result of its window and of nothing else.  A series without samples gives results without
frequencies and windows.

Features of a window, with g_k the power (or magnitude) of bin k at frequency f_k, p = g / sum g:

================  ===========================================================================
total             sum g
centroid          c = sum f p
bandwidth         b = sqrt(sum (f - c)**2 p)
skewness          sum (f - c)**3 p / b**3, 0 where b is 0
kurtosis          sum (f - c)**4 p / b**4, 0 where b is 0
rolloff           lowest f up to which the share `rolloff` of the total lies
flatness          geometric mean of p over its mean, p at least 2**-46
entropy           -sum p ln p / ln B for B bins
crest             largest p over the mean
slope             of the regression of p on f
peak_frequency    f of the largest g, the lowest of equals
peak_power        g there
================  ===========================================================================

Raises: ValueError (a bad argument; `out` is untouched), TypeError (a dtype, a kind of argument),
MemoryError, dualcube.UnsupportedError, dualcube.DeviceError, KeyboardInterrupt (`out` is then
undefined).

Class: EXACT for transforms of up to 4096 samples in float64, EXACT_IF up to 8192 in float32; NORMWISE
beyond: every bin within 16 u sqrt(log2 nfft) of the norm of the weighted window, u = 2**-53 or
2**-24.
"""

import numpy as np

from ._spectral import BOUNDARIES, NANS, Call, frequencies
from . import _spectral_series
from ._spectral_series import *  # noqa: F401,F403

__all__ = ["rfft", "irfft", "periodogram", "welch", "csd", "coherence", "spectrogram", "stft",
           "istft"] + _spectral_series.__all__

_POWERS = {"density": 0, "spectrum": 1}
_AMPLITUDES = {"spectrum": 1, "psd": 0}
_AVERAGES = {"mean": 0, "median": 1}


def rfft(x, n=None, axis=-1, norm=None, *, device="auto", out=None, threads=None, progress=None):
    """Spectrum of real series, as scipy.fft.rfft.

    Parameters
    ----------
    x : array-like
        See dualcube.spectral.
    n : int or None
        Length of the transform: the first n samples, zeros behind them where there are fewer.
        None: all samples.
    axis : int
    norm : None or "backward"
        Nothing is scaled; irfft() divides by n.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Complex array of x's shape, n // 2 + 1 bins on the axis.  A NaN or an infinity makes its series
    NaN.  Other axes may be empty; a series without samples is an error.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.rfft(np.array([1.0, 2.0, 3.0, 4.0]))
    array([10.+0.j, -2.+2.j, -2.+0.j])
    """
    call = Call("rfft", "rfft", x, device, threads, progress)
    _unscaled(call, norm)
    axis = call.axis(axis)
    samples = call.x.shape[axis]
    n = call.whole("n", samples if n is None else n, 1)
    if not samples:
        raise ValueError("rfft: x has no samples on axis %d, must have at least 1" % axis)
    call.x.shape[axis] = min(samples, n)
    call.set(nperseg=call.x.shape[axis], nfft=n)
    return call.run(axis, call.output(_replaced(call, axis, n // 2 + 1), out, True))


def irfft(x, n=None, axis=-1, norm=None, *, device="auto", out=None, threads=None, progress=None):
    """Real series of a spectrum, as scipy.fft.irfft: irfft(rfft(x), len(x)) is x, up to rounding.

    Parameters
    ----------
    x : array-like of complex64 or complex128, 1 to 7 axes
        Bins 0 ... n // 2 on the axis; others are left out, missing ones are 0.  Real numbers are
        taken for complex ones.
    n : int or None
        Samples of the result; None: twice the number of bins less 1.
    axis : int
        On a device not counting the axis of 2.
    norm : None or "backward"
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Real array of x's shape, n samples on the axis.  The imaginary parts of bin 0 and, for even n, of
    the last are taken for 0.  A NaN or an infinity makes its series NaN.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.irfft(np.array([10, -2 + 2j, -2]))
    array([1., 2., 3., 4.])
    """
    call = Call("irfft", "irfft", x, device, threads, progress, parts=True)
    _unscaled(call, norm)
    axis = call.axis(axis)
    n = call.whole("n", 2 * (call.x.shape[axis] - 1) if n is None else n, 1)
    if not call.x.shape[axis]:
        raise ValueError("irfft: x has no bins on axis %d, must have at least 1" % axis)
    call.set(nfft=n)
    return call.run(axis, call.output(_replaced(call, axis, n), out))


def periodogram(x, fs=1.0, window="boxcar", nfft=None, detrend="constant", return_onesided=True,
                scaling="density", axis=-1, *, device="auto", out=None, threads=None,
                progress=None):
    """Power of the frequencies of whole series, as scipy.signal.periodogram.

    Parameters
    ----------
    x : array-like; fs : float; window; detrend; device, out, threads, progress
        See dualcube.spectral; fs: samples in a unit of time.
    nfft : int or None
        Length of the transform: a larger one puts zeros behind the series, a smaller one takes its
        first samples.
    return_onesided : True
    scaling : "density" (power per unit of frequency) or "spectrum" (power)
    axis : int

    Returns
    -------
    (f, Pxx): frequencies, float64; power, x's shape with len(f) on the axis.  A NaN makes its series
    NaN.  Empty series give empty results.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> f, p = dc.periodogram(np.array([1.0, -1.0, 1.0, -1.0]), scaling="spectrum")
    >>> f, p.round(12) + 0
    (array([0.  , 0.25, 0.5 ]), array([0., 0., 1.]))
    """
    call = Call("periodogram", "periodogram", x, device, threads, progress)
    axis = call.axis(axis)
    if nfft is not None:
        call.x.shape[axis] = min(call.x.shape[axis], call.whole("nfft", nfft, 1))
    frames = _power(call, axis, fs, "boxcar" if window is None else window, None, 0, nfft, detrend,
                    return_onesided, scaling, usual=None)
    return _bins(call, axis, frames, out)


def welch(x, fs=1.0, window="hann_periodic", nperseg=None, noverlap=None, nfft=None,
          detrend="constant", return_onesided=True, scaling="density", axis=-1, average="mean", *,
          nan="propagate", device="auto", out=None, threads=None, progress=None):
    """Power of frequencies by Welch's method, as scipy.signal.welch.

    Parameters
    ----------
    x : array-like; fs : float; window; detrend; device, out, threads, progress
        See dualcube.spectral; fs: samples in a unit of time.
    nperseg : int or None
        Samples of a window; None: 256, or what `window` has.  A longer one than the series is cut
        to it, with a UserWarning.
    noverlap : int or None
        Samples that neighbours share; None: nperseg // 2.
    nfft : int or None
        Length of the transform, at least nperseg: zeros behind the window.
    return_onesided : True
    scaling : "density" (power per unit of frequency) or "spectrum" (power)
    axis : int
    average : "mean" or "median" (divided by its bias)
        Over windows.  What is behind the last whole window is left out.
    nan : "propagate" or "omit"
        A NaN makes its series NaN, or windows with a NaN or an infinity are left out of the mean
        (none left: NaN).

    Returns
    -------
    (f, Pxx): frequencies, float64; power, x's shape with len(f) on the axis.  Empty series give
    empty results.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.zeros(16); x[[0, 8]] = 1
    >>> f, p = dc.welch(x, nperseg=8)
    >>> p.round(8)
    array([0.08333333, 0.15277778, 0.22222222, 0.22222222, 0.11111111])
    """
    call = Call("welch", "welch", x, device, threads, progress)
    call.code("average", _AVERAGES, average)
    call.code("nan", NANS, nan)
    axis = call.axis(axis)
    frames = _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                    scaling)
    return _bins(call, axis, frames, out)


def csd(x, y, fs=1.0, window="hann_periodic", nperseg=None, noverlap=None, nfft=None,
        detrend="constant", return_onesided=True, scaling="density", axis=-1, average="mean", *,
        nan="propagate", device="auto", out=None, threads=None, progress=None):
    """Cross power of frequencies by Welch's method, as scipy.signal.csd.

    Parameters are those of dualcube.welch(), and

    y : array-like
        As many samples as x on the axis; other axes are broadcast (on a device: x's shape).

    Returns
    -------
    (f, Pxy): frequencies, float64; complex mean (or medians of real and imaginary parts) of
    conj(X) Y, the shape with len(f) on the axis.

    Missing values, raises and class: as dualcube.welch().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.random.default_rng(0).normal(size=512)
    >>> f, p = dc.csd(x, 2 * x, nperseg=64)
    >>> np.allclose(p, 2 * dc.welch(x, nperseg=64)[1])
    True
    """
    call = Call("csd", "csd", x, device, threads, progress)
    call.code("average", _AVERAGES, average)
    call.code("nan", NANS, nan)
    other, axis = call.pair(y, axis)
    frames = _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                    scaling)
    return _bins(call, axis, frames, out, other, parts=True)


def coherence(x, y, fs=1.0, window="hann_periodic", nperseg=None, noverlap=None, nfft=None,
              detrend="constant", axis=-1, *, nan="propagate", device="auto", out=None,
              threads=None, progress=None):
    """Coherence of two series by Welch's method, as scipy.signal.coherence: abs(Pxy)**2 / (Pxx Pyy).

    Parameters are those of dualcube.csd().

    Returns
    -------
    (f, Cxy): frequencies, float64; 0 to 1 up to rounding, 1 where there is a single window, NaN
    where a series has no power.

    Missing values, raises and class: as dualcube.welch().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.random.default_rng(0).normal(size=512)
    >>> f, c = dc.coherence(x, -3 * x, nperseg=64)
    >>> np.allclose(c, 1)
    True
    """
    call = Call("coherence", "coherence", x, device, threads, progress)
    call.code("nan", NANS, nan)
    other, axis = call.pair(y, axis)
    frames = _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, True, None)
    return _bins(call, axis, frames, out, other)


def spectrogram(x, fs=1.0, window=("tukey_periodic", 0.25), nperseg=None, noverlap=None, nfft=None,
                detrend="constant", return_onesided=True, scaling="density", axis=-1, mode="psd",
                *, device="auto", out=None, threads=None, progress=None):
    """Power of the frequencies of windows, as scipy.signal.spectrogram.

    Parameters are those of dualcube.welch() (no average, nan), and

    noverlap : int or None
        None: nperseg // 8.
    mode : "psd" or "complex"
        Powers, or spectra (scaled by the root of what powers are scaled by).

    Returns
    -------
    (f, t, Sxx): frequencies; middles of the windows; x's shape with len(f) on the axis and a last
    axis of len(t).  A NaN makes its windows NaN.  Empty series give empty results.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> f, t, s = dc.spectrogram(np.zeros((3, 1000)), nperseg=100)
    >>> f.shape, t.shape, s.shape
    ((51,), (11,), (3, 51, 11))
    """
    if mode not in ("psd", "complex"):
        raise ValueError("spectrogram: mode = %r, must be 'psd' or 'complex'" % (mode,))
    spectra = mode == "complex"
    call = Call("spectrogram", "stft" if spectra else "spectrogram", x, device, threads, progress)
    axis = call.axis(axis)
    frames = _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                    scaling, share=8)
    if spectra:
        call.code("boundary", BOUNDARIES, None)
        call.set(padded=False)
    return _windows(call, axis, frames, call.x.shape[axis], out, spectra)


def stft(x, fs=1.0, window="hann_periodic", nperseg=256, noverlap=None, nfft=None, detrend=False,
         return_onesided=True, boundary="zeros", padded=True, axis=-1, scaling="spectrum", *,
         device="auto", out=None, threads=None, progress=None):
    """Spectra of windows, as scipy.signal.stft.

    Parameters are those of dualcube.welch() (no average, nan), and

    boundary : "zeros", "even", "odd", "constant" or None
        What half a window beyond both ends of a series holds.
    padded : bool
        Zeros behind the series fill the last window; else what is behind the last whole one is left
        out.
    scaling : "spectrum" or "psd"
        Divided by the sum of the window, or by the root of fs times that of its squares.

    Returns
    -------
    (f, t, Zxx): frequencies; middles of the windows; complex array, x's shape with len(f) on the
    axis and a last axis of len(t).  A NaN makes its windows NaN.  Empty series give empty results.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.random.default_rng(0).normal(size=1000)
    >>> f, t, z = dc.stft(x, nperseg=64)
    >>> np.allclose(dc.istft(z, nperseg=64)[1][:1000], x)
    True
    """
    call = Call("stft", "stft", x, device, threads, progress)
    call.code("boundary", BOUNDARIES, boundary)
    call.code("scaling", _AMPLITUDES, scaling)
    call.set(padded=bool(padded))
    axis = call.axis(axis)
    frames = _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                    None)
    code = call.params.boundary
    half = frames.nperseg // 2 if code else 0
    samples = call.x.shape[axis] + 2 * half
    if padded and frames.nperseg:
        samples += -(samples - frames.nperseg) % frames.hop % frames.nperseg
    return _windows(call, axis, frames, samples, out, True,
                    frames.nperseg / 2 / call.params.fs if code else 0)


def istft(Zxx, fs=1.0, window="hann_periodic", nperseg=None, noverlap=None, nfft=None,
          input_onesided=True, boundary=True, time_axis=-1, freq_axis=-2, scaling="spectrum", *,
          device="auto", out=None, threads=None, progress=None):
    """Series of the spectra of their windows, as scipy.signal.istft.

    Parameters
    ----------
    Zxx : array-like of complex64 or complex128, 2 to 7 axes
        What stft() gives (on a device with an axis of 2 behind the others).
    fs, window, nperseg, noverlap, nfft, boundary, scaling
        As they were given to stft(); boundary is true or false.  None: nperseg is twice the number
        of bins less 1, noverlap its half, nfft nperseg.
    input_onesided : True
    time_axis, freq_axis : int
        Of windows, of frequencies.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    (t, x): times; real array, without the axis of frequencies, samples on that of windows: the
    windows' samples, weighted again and added, divided by the sum of the squared weights where that
    is above 1e-10.  A NaN makes its windows NaN.  No windows give no samples.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> t, x = dc.istft(np.ones((3, 2), complex), nperseg=4)
    >>> t
    array([0., 1.])
    """
    call = Call("istft", "istft", Zxx, device, threads, progress, parts=True)
    time, freq = _time_and_frequency(call, time_axis, freq_axis)
    if not input_onesided:
        raise ValueError("istft: input_onesided = %r, must be True" % (input_onesided,))
    even = 2 * (call.x.shape[freq] - 1)
    nperseg = call.whole("nperseg", even if nperseg is None else nperseg, 1)
    if nfft is None:
        nfft = nperseg if nperseg == even + 1 else even
    fs = call.rate(fs)
    call.code("scaling", _AMPLITUDES, scaling)
    call.code("boundary", BOUNDARIES, bool(boundary))
    frames = call.frames(nperseg, window, nperseg, noverlap, nfft)
    call.take_bins(freq, frames.nfft)
    count = call.x.shape[time]
    half = frames.nperseg // 2 if boundary else 0
    samples = max(frames.nperseg + (count - 1) * frames.hop - 2 * half, 0) if count else 0
    return np.arange(samples) / float(fs), _samples(call, time, freq, samples, out)


# ---- what they share ----------------------------------------------------------------------------


def _unscaled(call, norm):
    if norm not in (None, "backward"):
        raise ValueError("%s: norm = %r, must be None or 'backward'" % (call.what, norm))


def _replaced(call, axis, extent, *last):
    shape = list(call.x.shape)
    shape[axis] = extent
    return tuple(shape) + last


def _time_and_frequency(call, time_axis, freq_axis):
    if len(call.x.shape) < 2:
        raise ValueError("istft: Zxx has 1 axis, must have at least 2")
    time, freq = call.axis(time_axis), call.axis(freq_axis)
    if time == freq:
        raise ValueError("istft: time_axis and freq_axis are both %d, must differ" % time)
    return time, freq


def _samples(call, time, freq, samples, out):
    """Samples of windows: on the axis of time, that of frequencies being gone."""
    view, last = call.x, len(call.x.shape) - 1
    view.move(time, last)
    view.move(freq - (freq > time), last - 1)
    end = time - (freq < time)
    shape = view.shape[:-2]
    shape.insert(end, samples)
    dst = call.output(shape, out)
    dst.move(end, last - 1)
    return call.run(last - 1, dst) if samples else call.copied()


def _power(call, axis, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling,
           usual=256, share=2):
    """Write what the estimates share; their frames."""
    call.rate(fs)
    call.onesided(return_onesided)
    call.detrend(detrend)
    if scaling is not None:
        call.code("scaling", _POWERS, scaling)
    return call.frames(call.x.shape[axis], window, nperseg, noverlap, nfft, usual, share)


def _bins(call, axis, frames, out, other=None, parts=False):
    """(frequencies, what is made of all windows of a series)"""
    if not call.x.shape[axis]:
        return np.empty(0), call.nothing(_replaced(call, axis, 0), out, parts)
    f = frequencies(frames.nfft, call.params.fs)
    dst = call.output(_replaced(call, axis, len(f)), out, parts)
    return f, call.run(axis, dst, other=other)


def _windows(call, axis, frames, samples, out, parts, shift=0):
    """(frequencies, times, what is made of each window)"""
    if not call.x.shape[axis]:
        return np.empty(0), np.empty(0), call.nothing(_replaced(call, axis, 0, 0), out, parts)
    f, t = frequencies(frames.nfft, call.params.fs), frames.times(samples, call.params.fs)
    shape = _replaced(call, axis, len(f), frames.count(samples))
    # In memory the bins of a window are neighbours, as SciPy has them.
    last = len(shape) - 1
    order = [one for one in range(last) if one != axis] + [last, axis]
    dst = call.output(shape, out, parts, order)
    return f, t - shift if shift else t, call.run(axis, dst)


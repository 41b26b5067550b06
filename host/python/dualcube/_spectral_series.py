"""What series are told from their spectra: bands, shape, autocorrelation, periods."""

import numpy as np

from . import _device_array, _inputs
from ._spectral import NANS, SCALINGS, Call

__all__ = ["band_energy", "rolling_band_energy", "spectral_features", "acf", "find_period",
           "lombscargle", "SPECTRAL_FEATURES"]

#: Names of spectral_features(), in the order of its results.
SPECTRAL_FEATURES = ("total", "centroid", "bandwidth", "skewness", "kurtosis", "rolloff",
                     "flatness", "entropy", "crest", "slope", "peak_frequency", "peak_power")
_THIRDS = ((0.0, 0.1), (0.1, 0.3), (0.3, 1.0))  # shares of half the rate
_HEADS = {"nan": 0, "short": 1}
_WEIGHTS = {"power": 0, "magnitude": 1}
_NORMALIZE = {False: 0, "power": 0, True: 1, "normalize": 1}


def band_energy(x, bands=None, fs=1.0, nperseg=None, noverlap=0, axis=0, *, window="boxcar",
                detrend="constant", nfft=None, scaling=None, closed=False, device="auto", out=None,
                threads=None, progress=None):
    """Power of bands of frequencies, window for window.

    Parameters
    ----------
    x : array-like; fs : float; window; detrend; device, out, threads, progress
        See dualcube.spectral; fs: samples in a unit of time.
    bands : sequence of (low, high) or None
        In units of fs, low <= f < high; None: [0, 0.1), [0.1, 0.3) and [0.3, 1) of fs / 2, so that
        the bin of fs / 2 is in none.
    nperseg, noverlap : int or None
        Samples of a window (None: 256, at most all), samples that neighbours share.
    axis : int
    nfft : int or None
        Length of the transform, at least nperseg: zeros behind the window.
    scaling : None, "density" or "spectrum"
        Sums of abs(X)**2, or of what welch() gives for the bins.
    closed : bool
        low <= f <= high instead.

    Returns
    -------
    Real array, x's shape with the windows on the axis and a last axis of the bands.  A NaN or an
    infinity makes its windows NaN.  Empty series give no windows.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.cos(2 * np.pi * 2 * np.arange(8) / 8)            # two turns in eight samples
    >>> dc.band_energy(x, [(0, 0.2), (0.2, 0.3)], nperseg=8).round(6) + 0
    array([[ 0., 16.]])
    """
    call = Call("band_energy", "bands", x, device, threads, progress)
    axis = call.axis(axis)
    frames = _frames(call, axis, fs, window, nperseg, noverlap, nfft, detrend)
    call.code("scaling", SCALINGS, scaling)
    call.set(closed=bool(closed))
    count = _bands(call, bands)
    return _result(call, axis, frames.count(call.x.shape[axis]), count, out)


def rolling_band_energy(x, window, *, bands=None, fs=1.0, heads="nan", axis=0, taper="boxcar",
                        detrend="constant", nfft=None, scaling=None, closed=False, device="auto",
                        out=None, threads=None, progress=None):
    """Power of bands of frequencies in the window that ends at each row.

    Parameters
    ----------
    x : array-like; fs : float; detrend; device, out, threads, progress
        See dualcube.spectral; float32 and float64 are computed as they are, integers as float64.
    window : int
        Rows of a window.
    bands, nfft, scaling, closed
        As in dualcube.band_energy().
    heads : "nan" or "short"
        Rows before the first whole window: NaN, or a window of the rows that there are, whose bins
        are those of its own length, and 0 for fewer than half a window.
    axis : int
    taper : as `window` in dualcube.spectral
        Weights of a window's rows.

    Returns
    -------
    Real array of x's shape with a last axis of the bands.  Missing values: a NaN or an infinity makes
    the rows NaN whose windows hold it, and no others: nothing is carried from window to window.
    empty input gives an empty result.

    Raises and class (EXACT for float64): see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.tile([1.0, 0.0, -1.0, 0.0], 3)
    >>> dc.rolling_band_energy(x, 8, bands=[(0, 0.2), (0.2, 0.3)])[6:].round(6) + 0
    array([[nan, nan],
           [ 0., 16.],
           [ 0., 16.],
           [ 0., 16.],
           [ 0., 16.],
           [ 0., 16.]])
    """
    call = Call("rolling_band_energy", "rolling_bands", x, device, threads, progress)
    axis = call.axis(axis)
    window = call.whole("window", window, 1)
    call.rate(fs)
    call.detrend(detrend)
    taps = call.window(taper)
    if taps is not None and taps != window:
        raise ValueError("rolling_band_energy: taper has %d weights, must have %d"
                         % (taps, window))
    call.set(nperseg=window, nfft=window if nfft is None else call.whole("nfft", nfft, window))
    call.code("heads", _HEADS, heads)
    call.code("scaling", SCALINGS, scaling)
    call.set(closed=bool(closed))
    count = _bands(call, bands)
    return _result(call, axis, call.x.shape[axis], count, out)


def spectral_features(x, nperseg=None, noverlap=0, features=None, fs=1.0, axis=0, *,
                      window="hann_periodic", detrend="constant", nfft=None, scaling=None,
                      weight="power", rolloff=0.85, device="auto", out=None, threads=None,
                      progress=None):
    """Shape of the spectrum, window for window.

    Parameters
    ----------
    x : array-like; fs : float; window; detrend; device, out, threads, progress
        See dualcube.spectral; fs: samples in a unit of time.
    nperseg, noverlap, nfft, axis
        As in dualcube.band_energy().
    features : sequence of names or None
        In the order of the results; None: all, as dualcube.spectral defines them
        (dualcube.SPECTRAL_FEATURES).  On a device they must be in that order.
    scaling : None, "density" or "spectrum"
        The power of a bin is abs(X)**2; over fs sum w**2; over (sum w)**2.
    weight : "power" or "magnitude"
        Bins are weighed with their power or its root.
    rolloff : float
        0 to 1.

    Returns
    -------
    Real array, x's shape with the windows on the axis and a last axis of the features.  A window
    without power gives 0 in all of them but flatness, 1.  A NaN or an infinity makes its windows
    NaN.  Empty series give no windows.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.cos(2 * np.pi * 10 * np.arange(1024) / 64)       # ten turns in 64 samples
    >>> dc.spectral_features(x, 64, features=["centroid", "peak_frequency"], fs=64.0)[0].round(6)
    array([10., 10.])
    """
    names = _names(features)
    call = Call("spectral_features", "features", x, device, threads, progress)
    axis = call.axis(axis)
    frames = _frames(call, axis, fs, window, nperseg, noverlap, nfft, detrend)
    places = [SPECTRAL_FEATURES.index(name) for name in names]
    call.params.features = sum(1 << place for place in places)
    call.code("scaling", SCALINGS, scaling)
    call.code("weight", _WEIGHTS, weight)
    call.set(rolloff=rolloff)
    count = frames.count(call.x.shape[axis])
    if places == sorted(places):
        return _result(call, axis, count, len(names), out)
    return _in_order(call, axis, count, names, [sorted(places).index(place) for place in places],
                     out)


def acf(x, nlags=None, adjusted=False, axis=0, missing="propagate", *, device="auto", out=None,
        threads=None, progress=None):
    """Autocorrelation, as statsmodels.tsa.stattools.acf.

    Parameters
    ----------
    x : array-like; device, out, threads, progress
        See dualcube.spectral.
    nlags : int or None
        Lags 0 ... nlags, less than the length of the series; None: min(10 log10 n, n - 1).
    adjusted : bool
        The divisor of lag k is n - k instead of n.
    axis : int
    missing : "propagate" or "omit"
        A NaN makes its series NaN; or values that are NaN or infinite are no terms of the mean and
        of the products, and `adjusted` counts the products that there are (statsmodels:
        "conservative").

    Returns
    -------
    Real array, x's shape with nlags + 1 values on the axis, the first being 1.  NaN for constant
    series.  Empty series give empty results.

    Raises: see dualcube.spectral.  Class: EXACT (float32: EXACT_IF) for up to 256 lags and with
    "omit"; NORMWISE for more, which are made of transforms.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.acf(np.array([1.0, -1.0, 1.0, -1.0]), nlags=2)
    array([ 1.  , -0.75,  0.5 ])
    """
    call = Call("acf", "acf", x, device, threads, progress)
    axis = call.axis(axis)
    samples = call.x.shape[axis]
    if nlags is None:
        nlags = min(int(10 * np.log10(samples)), samples - 1) if samples else 0
    elif samples:
        nlags = call.whole("nlags", nlags, 0, samples - 1)
    call.set(lags=nlags, adjusted=bool(adjusted))
    call.code("nan", NANS, missing, "missing")
    if not samples:
        return call.nothing(_shape(call, axis, 0), out)
    return call.run(axis, call.output(_shape(call, axis, nlags + 1), out))


def find_period(x, fs=1.0, axis=0, *, detrend="linear", device="auto", out=None, threads=None,
                progress=None):
    """Dominant period of series, on which power and autocorrelation agree.

    Parameters
    ----------
    x : array-like; fs : float; detrend; device, out, threads, progress
        See dualcube.spectral; fs: samples in a unit of time.
    axis : int

    Returns
    -------
    Real array of x's shape, the axis having three values: the period in units of time (0: none
    found), the autocorrelation at it, the share of the power at its bin.  A NaN or an infinity makes
    its series NaN, and so does a series without samples.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> t = np.arange(240)
    >>> x = np.column_stack([np.sin(2 * np.pi * t / 12), np.sin(2 * np.pi * t / 30)])
    >>> period, strength, share = dc.find_period(x)
    >>> period.round(1)
    array([12., 30.])
    """
    call = Call("find_period", "find_period", x, device, threads, progress)
    axis = call.axis(axis)
    call.rate(fs)
    call.detrend(detrend)
    dst = call.output(_shape(call, axis, 3), out)
    if call.x.shape[axis]:
        return call.run(axis, dst)
    if call.on_device:
        raise ValueError("find_period: x has no samples on axis %d, must have at least 1" % axis)
    call.result[...] = np.nan
    return call.copied()


def lombscargle(x, y, freqs, normalize=False, axis=-1, *, device="auto", out=None, threads=None,
                progress=None):
    """Power at given frequencies of values at irregular times, as scipy.signal.lombscargle.

    Parameters
    ----------
    x : vector
        Times, in any order.
    y : array-like of 1 to 8 axes
        Values at these times on the axis; computed as float64 (on a device they must be).  The mean
        is not taken off.  A NaN is left out.
    freqs : vector
        Angular frequencies: 2 pi / period.
    normalize : bool, "power" or "normalize"
        True, "normalize": power in 0 ... 1.
    axis : int
        Of y.
    device, out, threads, progress
        As in dualcube.rolling_mean; a device is that of y.

    Returns
    -------
    float64 array of y's shape, the frequencies on the axis.  Series without values give NaN.

    Raises and class: see dualcube.spectral.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> t = np.array([0.0, 1.0, 2.5, 4.0, 5.5, 7.0, 8.0, 9.5])
    >>> print(dc.lombscargle(t, np.cos(2 * t), [1.0, 2.0], normalize=True).round(3)[1])
    1.0
    """
    on_device = isinstance(y, _device_array.Array)
    if not on_device:
        y = _inputs.admit(y, "y")[0].astype(np.float64, copy=False)
    elif y.dtype != np.float64:
        raise TypeError("lombscargle: y is %s, must be float64 on a device" % y.dtype)
    call = Call("lombscargle", "lombscargle", y, device, threads, progress)
    axis = call.axis(axis)
    samples = call.x.shape[axis]
    if isinstance(x, _device_array.Array):
        x = x if on_device else x.numpy()
    if not isinstance(x, _device_array.Array):
        x = _vector("x", x, samples)
        if on_device:
            x = _device_array.to_device(x, y.device, y._queue().threads)
    times = call.admit(x, name="x")
    freqs = _vector("freqs", freqs)
    call.numbers("freqs", freqs)
    call.code("normalize", _NORMALIZE, normalize)
    dst = call.output(_shape(call, axis, len(freqs)), out)
    if samples and len(freqs):
        return call.run(axis, dst, other=times)
    if not on_device:
        call.result[...] = np.nan
    return call.copied()


# ---- what they share ----------------------------------------------------------------------------


def _vector(name, values, count=None):
    array = np.ascontiguousarray(values, np.float64)
    if array.ndim != 1 or (count is not None and len(array) != count):
        raise ValueError("lombscargle: %s has shape %s, must be a vector%s"
                         % (name, array.shape, "" if count is None else " of %d" % count))
    return array


def _frames(call, axis, fs, window, nperseg, noverlap, nfft, detrend):
    call.rate(fs)
    call.detrend(detrend)
    return call.frames(call.x.shape[axis], window, nperseg, noverlap, nfft, share=0,
                       loud=nperseg is not None)


def _bands(call, bands):
    """Write the bands; how many."""
    if bands is None:
        half = call.params.fs / 2
        bands = [(low * half, high * half) for low, high in _THIRDS]
    try:
        table = np.asarray(bands, np.float64)
    except (TypeError, ValueError):
        table = np.zeros(())
    if table.ndim != 2 or table.shape[1] != 2 or not len(table):
        raise ValueError("%s: bands = %r, must be pairs of frequencies, low and high"
                         % (call.what, bands))
    call.numbers("bands", table.ravel())
    return len(table)


def _names(features):
    names = SPECTRAL_FEATURES if features is None else tuple(
        (features,) if isinstance(features, str) else features)
    for name in names:
        if name not in SPECTRAL_FEATURES:
            raise ValueError("spectral_features: features has %r, must be some of %s"
                             % (name, ", ".join(SPECTRAL_FEATURES)))
    if not names or len(set(names)) < len(names):
        raise ValueError("spectral_features: features is %s, must name at least one, each once"
                         % (names,))
    return names


def _in_order(call, axis, count, names, order, out):
    """Features in another order than the library's."""
    if call.on_device:
        raise ValueError("spectral_features: features is %s, must be in the order of "
                         "SPECTRAL_FEATURES on a device" % (names,))
    dense = _result(call, axis, count, len(names), None)[..., order]
    if out is None:
        return dense
    call.output(dense.shape, out)
    out[...] = dense
    return out


def _shape(call, axis, extent, *last):
    shape = list(call.x.shape)
    shape[axis] = extent
    return tuple(shape) + last


def _result(call, axis, extent, last, out):
    """x's shape with `extent` on the axis and one more axis."""
    shape = _shape(call, axis, extent, last)
    if not call.x.shape[axis]:
        return call.nothing(shape, out)
    return call.run(axis, call.output(shape, out))



"""Spectra against scipy.fft, scipy.signal, FFTW, NumPy, pandas, TSFEL and statsmodels.  One thread on
every side, one run, calls in turns, medians."""

import importlib.util

import numpy as np

from bench.peers.contest import Contest, run

SAMPLES = 1 << 22
LENGTHS = (64, 256, 1000, 1024, 4096)
SHORT = (16, 32)
ROWS, COLUMNS = 1000, 16384
SERIES, CHANNELS = 10_000, 50
SINGLE = {"device": "cpu", "threads": 1}


def _noise(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def _text(x):
    return "%s %s" % (" x ".join("{:,}".format(extent) for extent in x.shape), x.dtype)


def _fftw(x):
    """A measured plan of FFTW, or None."""
    if importlib.util.find_spec("pyfftw") is None:
        return None
    import pyfftw

    pair = np.result_type(x.dtype, np.complex64).name
    source = pyfftw.empty_aligned(x.shape, x.dtype.name)
    target = pyfftw.empty_aligned((x.shape[0], x.shape[1] // 2 + 1), pair)
    plan = pyfftw.FFTW(source, target, axes=(1,), flags=("FFTW_MEASURE",), threads=1)
    source[...] = x
    return plan.execute


def _transforms(lengths, bars):
    """bars: dtype: (SciPy's, FFTW's)"""
    import dualcube as dc
    import scipy.fft

    for dtype, (scipys, fftws) in bars.items():
        for n in lengths:
            x = _noise((SAMPLES // n, n), dtype, n)
            others = [("scipy", lambda x=x: scipy.fft.rfft(x), 1, *scipys)]
            plan = _fftw(x)
            if plan is not None:
                others.append(("fftw", plan, 1, *fftws))
            yield Contest("rfft", "n = %d, %s" % (n, dtype), x.size,
                          lambda x=x: dc.rfft(x, **SINGLE), others, 1,
                          lambda x=x: (dc.rfft(x[:9]), scipy.fft.rfft(x[:9])), 1e-3)


def _rfft():
    yield from _transforms(LENGTHS, {"float32": ((1.8, 3), (1.2, 2)),
                                     "float64": ((1.8, 2.5), (None, 1.7))})
    yield from _transforms((997,), {"float32": ((3, 7), (None, 15)), "float64": ((1, 3), (None, 5))})
    yield from _transforms(SHORT, {"float32": ((1, 2), (None, 1)), "float64": ((1, 2), (None, 1))})


def _others():
    """Back again; along the first axis."""
    import dualcube as dc
    import scipy.fft

    for dtype in ("float32", "float64"):
        x = _noise((SAMPLES // 1024, 1024), dtype, 1)
        z = scipy.fft.rfft(x)
        yield Contest("irfft", "n = 1024, %s" % dtype, x.size, lambda z=z: dc.irfft(z, **SINGLE),
                      [("scipy", lambda z=z: scipy.fft.irfft(z), 1, 1, 2)], 1,
                      lambda z=z: (dc.irfft(z), scipy.fft.irfft(z)))
        y = _noise((1024, 4112), dtype, 2)
        yield Contest("rfft", "first axis, %s" % _text(y), y.size,
                      lambda y=y: dc.rfft(y, axis=0, **SINGLE),
                      [("scipy", lambda y=y: scipy.fft.rfft(y, axis=0), 1, 1, 3)], 1,
                      lambda y=y: (dc.rfft(y, axis=0), scipy.fft.rfft(y, axis=0)), 1e-3)


def _against_scipy(row, x, name, must, aim, last=1, near=1e-4, **options):
    """A function of scipy.signal and ours."""
    import dualcube as dc
    import scipy.signal

    ours, theirs = getattr(dc, name), getattr(scipy.signal, name)
    arrays = x if isinstance(x, tuple) else (x,)
    text = ", ".join("%s %s" % (key, value) for key, value in options.items())
    return Contest(row, "%s%s%s" % (_text(arrays[0]), ", " if text else "", text),
                   sum(one.size for one in arrays), lambda: ours(*arrays, **options, **SINGLE),
                   [("scipy", lambda: theirs(*arrays, **options), 1, must, aim)], 1,
                   lambda: (ours(*(one[:5] for one in arrays), **options)[last],
                            theirs(*(one[:5] for one in arrays), **options)[last]), near)


def _welch():
    for dtype, must, aim in (("float32", 15, 23), ("float64", 10, 15)):
        x = _noise((ROWS, COLUMNS), dtype, 3)
        yield _against_scipy("welch", x, "welch", must, aim, nperseg=256)
        yield _against_scipy("welch", x, "welch", 1, 80, nperseg=256, detrend="linear")
        yield _against_scipy("welch", x, "welch", 1, 30, nperseg=256, average="median")
    for dtype, must, aim in (("float32", 1, 13), ("float64", 1, 10)):
        x = _noise((CHANNELS, SERIES), dtype, 4)
        yield _against_scipy("welch", x, "welch", must, aim, nperseg=256)
    x = _noise((ROWS // 2, COLUMNS), "float32", 5)
    y = x + _noise(x.shape, "float32", 6)
    yield _against_scipy("csd", (x, y), "csd", 1, 20, nperseg=256)
    yield _against_scipy("coherence", (x, y), "coherence", 1, 20, near=1e-2, nperseg=256)


def _windows():
    x = _noise((ROWS, COLUMNS), "float32", 7)
    yield _against_scipy("periodogram", x, "periodogram", 1, 10, near=1e-2)
    yield _against_scipy("spectrogram", x, "spectrogram", 6, 10, 2, 1e-2, nperseg=256)
    yield _against_scipy("stft", x, "stft", 30, 60, 2, nperseg=256)
    import scipy.signal

    z = scipy.signal.stft(x[:100], nperseg=256)[2].astype(np.complex64)
    yield _against_scipy("istft", z, "istft", 1, 10, nperseg=256)


BANDS = ((0.0, 0.05), (0.05, 0.15), (0.15, 0.5))


def _edges(n):
    f = np.arange(n // 2 + 1) / n
    return [np.searchsorted(f, band, "left") for band in BANDS]


def _rolling():
    import dualcube as dc
    import scipy.fft

    def vectorised(x, n):
        windows = np.lib.stride_tricks.sliding_window_view(x, n, axis=0)
        z = scipy.fft.rfft(windows - windows.mean(-1, keepdims=True))
        p = z.real ** 2 + z.imag ** 2
        return np.stack([p[..., a:b].sum(-1) for a, b in _edges(n)], -1)

    x = _noise((SERIES, CHANNELS), "float32", 8)
    for n, must, aim in ((64, 9, 14), (256, 12, 20)):
        yield Contest("rolling bands", "%s, %d rows" % (_text(x), n), x.size,
                      lambda n=n: dc.rolling_band_energy(x, n, bands=BANDS, **SINGLE),
                      [("numpy", lambda n=n: vectorised(x, n), 1, must, aim)], 1,
                      lambda n=n: (dc.rolling_band_energy(x[:999], n, bands=BANDS)[n - 1:],
                                   vectorised(x[:999], n)), 1e-3)
    if importlib.util.find_spec("pandas") is None:
        return
    import pandas

    one = _noise(SERIES, "float64", 9)
    series = pandas.Series(one)

    def energy(a, b):
        def of(window):
            z = np.fft.rfft(window - window.mean())
            return np.sum(np.abs(z[a:b]) ** 2)
        return of

    applied = [energy(a, b) for a, b in _edges(64)]
    yield Contest("rolling bands", "%s, 64 rows" % _text(one), one.size,
                  lambda: dc.rolling_band_energy(one, 64, bands=BANDS, **SINGLE),
                  [("pandas", lambda: [series.rolling(64).apply(f, raw=True) for f in applied], 1,
                    1000, 4900),
                   ("numpy", lambda: vectorised(one[:, None], 64), 1, 1, 20)], 1,
                  lambda: (dc.rolling_band_energy(one, 64, bands=BANDS)[63:],
                           vectorised(one[:, None], 64)[:, 0]))


# TSFEL's own: what is nearest to the twelve of ours.
_TSFEL = ("spectral_centroid", "spectral_spread", "spectral_skewness", "spectral_kurtosis",
          "spectral_roll_off", "spectral_roll_on", "spectral_entropy", "spectral_slope",
          "spectral_decrease", "max_power_spectrum", "max_frequency", "median_frequency")


def _features():
    import dualcube as dc

    if importlib.util.find_spec("tsfel") is None:
        return
    from tsfel.feature_extraction import features

    functions = [getattr(features, name) for name in _TSFEL]
    for dtype in ("float32", "float64"):
        x = _noise((4096, 1024), dtype, 10)
        few = x[:128].astype(np.float64)
        yield Contest("features", "12 of %s" % _text(x), x.size,
                      lambda x=x: dc.spectral_features(x, 1024, axis=1, **SINGLE),
                      [("tsfel", lambda few=few: [[f(row, 1.0) for f in functions] for row in few],
                        1, 500 if dtype == "float32" else 1, 1500, len(few) / len(x))], 1,
                      lambda few=few: (dc.spectral_features(few, 1024, axis=1, window="boxcar",
                                                            detrend=False, weight="magnitude",
                                                            features="centroid")[:, 0, 0],
                                       [functions[0](row, 1.0) for row in few]), 1e-2)


def _acf():
    import dualcube as dc
    import scipy.fft
    import scipy.signal

    x = _noise((CHANNELS, SERIES), "float64", 11)
    size = scipy.fft.next_fast_len(2 * SERIES, True)

    def batched():
        z = scipy.fft.rfft(x - x.mean(1, keepdims=True), size)
        r = scipy.fft.irfft(z.real ** 2 + z.imag ** 2, size)[:, :41]
        return r / r[:, :1]

    others = [("numpy, scipy.fft", batched, 1, 1, 20)]
    if importlib.util.find_spec("statsmodels") is not None:
        from statsmodels.tsa.stattools import acf

        others.append(("statsmodels", lambda: [acf(row, nlags=40) for row in x], 1, 40, 80))
    yield Contest("acf", "41 lags of %s" % _text(x), x.size,
                  lambda: dc.acf(x, 40, axis=1, **SINGLE), others, 1,
                  lambda: (dc.acf(x, 40, axis=1), batched()))
    times = np.sort(np.random.default_rng(12).uniform(0, 1000, 2000))
    y, freqs = _noise(2000, "float64", 13), np.linspace(0.01, 3, 2000)
    yield Contest("lombscargle", "2000 frequencies of 2000 values", 2000 * 2000,
                  lambda: dc.lombscargle(times, y, freqs, **SINGLE),
                  [("scipy", lambda: scipy.signal.lombscargle(times, y, freqs), 1, 1, 20)], 1,
                  lambda: (dc.lombscargle(times, y, freqs),
                           scipy.signal.lombscargle(times, y, freqs)))


GROUPS = {"rfft": (_rfft, _others), "welch": (_welch,), "windows": (_windows,),
          "rolling_bands": (_rolling,), "features": (_features,), "acf": (_acf,)}


def measure(groups, isa, judged, progress, add):
    """Measure the named groups of contests (all: None); `add` takes each record."""
    if importlib.util.find_spec("scipy") is None:
        raise RuntimeError("section spectra needs scipy: pip install -r bench/peers/requirements.txt")
    run(GROUPS, groups, lambda maker: maker(), isa, judged, progress, add)

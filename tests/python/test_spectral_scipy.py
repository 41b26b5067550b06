"""Spectra against scipy.fft, scipy.signal and statsmodels: the numbers of their own functions."""

import warnings

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="skipped: scipy is not installed")
import scipy.fft  # noqa: E402
import scipy.signal  # noqa: E402

DTYPES = ("float32", "float64")
WINDOWS = ("boxcar", "hann", "hamming", "blackman", "blackmanharris", "flattop", "tukey",
           ("kaiser", 14), ("kaiser", 2.5), ("tukey", 0.25), ("tukey", 0.0), ("tukey", 1.0),
           ("gaussian", 7), "hann_symmetric", "hamm", ("gauss_symmetric", 3.0))
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


def noise(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def near(got, want, dtype, scale=0.0, tight=1.0):
    """Equal shapes; equal values within a few units of the largest, or of `scale`."""
    assert got.shape == want.shape, (got.shape, want.shape)
    assert got.dtype == np.result_type(dtype, np.complex64) if np.iscomplexobj(want) else dtype
    if want.size == 0:
        return
    largest = max(float(np.max(np.abs(want))), scale)
    error = float(np.max(np.abs(got - want)))
    assert error <= tight * 300 * UNIT[dtype] * largest, (error, largest)


def same_axis(got, want):
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_short_length(dtype):
    """n = 1 ... 300, each a series of its own, within the class's bound; and back."""
    x = noise((2, 300), dtype, 1)
    for n in range(1, 301):
        part = x[:, 300 - n:]
        want = scipy.fft.rfft(part.astype(np.float64))
        got = dc.rfft(part)
        bound = 16 * UNIT[dtype] * max(np.log2(n), 1) ** 0.5
        norm = np.linalg.norm(part.astype(np.float64), axis=-1, keepdims=True)
        assert np.all(np.abs(got - want) <= bound * norm), n
        back = dc.irfft(got, n)
        assert np.all(np.abs(back - part) <= 4 * bound * norm / n ** 0.5), n


@pytest.mark.parametrize("n", (1000, 1024, 997, 2310, 4096, 4099, 8192, 10007, 20000))
def test_long_lengths(n):
    for dtype in DTYPES:
        x = noise((3, n), dtype, n)
        want = scipy.fft.rfft(x.astype(np.float64))
        norm = np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True)
        bound = 16 * UNIT[dtype] * np.log2(n) ** 0.5 * norm
        assert np.all(np.abs(dc.rfft(x) - want) <= bound)
        back = dc.irfft(want.astype(np.result_type(dtype, np.complex64)), n)
        assert np.all(np.abs(back - x) <= 4 * bound / n ** 0.5)


@given(shape=st.lists(st.integers(1, 12), min_size=1, max_size=4), axis=st.data(),
       n=st.none() | st.integers(1, 30), dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32))
def test_rfft_and_irfft(shape, axis, n, dtype, seed):
    axis = axis.draw(st.integers(-len(shape), len(shape) - 1))
    x = noise(shape, dtype, seed)
    spectrum = scipy.fft.rfft(x.astype(np.float64), n, axis)
    near(dc.rfft(x, n, axis), spectrum, dtype, 1.0)
    z = (noise(shape, dtype, seed + 1) + 1j * x).astype(np.result_type(dtype, np.complex64))
    if n is None and shape[axis] == 1:
        with pytest.raises(ValueError, match="n = 0"):
            dc.irfft(z, n, axis)
    else:
        near(dc.irfft(z, n, axis), scipy.fft.irfft(z.astype(np.complex128), n, axis), dtype, 1.0)


@st.composite
def cases(draw, taps=True, least=4):
    """(x, keywords): what welch, csd, spectrogram and stft have in common."""
    samples = draw(st.integers(least, 160))
    shape = draw(st.lists(st.integers(1, 4), max_size=2))
    place = draw(st.integers(0, len(shape)))
    shape.insert(place, samples)
    axis = place - draw(st.sampled_from((0, len(shape))))
    nperseg = draw(st.none() | st.integers(least, samples + 8))
    length = min(nperseg or 256, samples)
    keywords = {"axis": axis, "nperseg": nperseg,
                "noverlap": draw(st.none() | st.integers(0, length - 1)),
                "window": draw(st.sampled_from(WINDOWS)),
                "detrend": draw(st.sampled_from((False, "constant", "linear"))),
                "fs": draw(st.sampled_from((1.0, 12.5, 0.25)))}
    keywords["nfft"] = draw(st.none() | st.integers(nperseg or 256, (nperseg or 256) + 20))
    if taps and draw(st.integers(0, 4)) == 0:
        keywords["window"] = draw(st.integers(0, 99)) / 99 + np.hanning(length + 2)[1:-1]
        keywords["nperseg"] = draw(st.sampled_from((None, length)))
    x = noise(shape, draw(st.sampled_from(DTYPES)), draw(st.integers(0, 2**32)))
    return x, keywords


def both(name, *arrays, **keywords):
    """(ours, SciPy's on float64)"""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        ours = getattr(dc, name)(*arrays, **keywords)
        theirs = getattr(scipy.signal, name)(*(x.astype(np.result_type(x, np.float64))
                                               for x in arrays), **keywords)
    return ours, theirs


@given(case=cases(), scaling=st.sampled_from(("density", "spectrum")),
       average=st.sampled_from(("mean", "median")))
def test_welch(case, scaling, average):
    x, keywords = case
    (f, p), (wf, wp) = both("welch", x, scaling=scaling, average=average, **keywords)
    same_axis(f, wf)
    near(p, wp, x.dtype.name, 1 / keywords["fs"], 3)


@given(case=cases(), scaling=st.sampled_from(("density", "spectrum")),
       average=st.sampled_from(("mean", "median")), seed=st.integers(0, 2**32))
def test_csd(case, scaling, average, seed):
    x, keywords = case
    y = x[..., ::-1] + noise(x.shape, x.dtype, seed)
    (f, p), (wf, wp) = both("csd", x, y, scaling=scaling, average=average, **keywords)
    same_axis(f, wf)
    near(p, wp, x.dtype.name, 1 / keywords["fs"], 3)


def test_csd_broadcasts():
    x, y = noise((3, 1, 400), "float64", 1), noise((5, 400), "float64", 2)
    (_, got), (_, want) = both("csd", x, y, nperseg=64)
    near(got, want, "float64")
    (_, got), (_, want) = both("coherence", x, y, nperseg=64)
    near(got, want, "float64", 0, 10)
    (_, got), (_, want) = both("csd", x.astype("float32"), y, nperseg=64)
    near(got, want, "float64")


@given(case=cases(taps=False), seed=st.integers(0, 2**32))
def test_coherence(case, seed):
    x, keywords = case
    y = x + noise(x.shape, x.dtype, seed)
    if keywords["detrend"]:  # bin 0 of windows without mean is nothing over nothing
        keywords["window"] = "boxcar"
    (f, c), (wf, wc) = both("coherence", x, y, **keywords)
    same_axis(f, wf)
    _, p = scipy.signal.welch(x.astype(np.float64), **_quiet(x, keywords))
    _, q = scipy.signal.welch(y.astype(np.float64), **_quiet(x, keywords))
    axis = keywords["axis"] % x.ndim
    loud = (p > 1e-3 * p.max(axis, keepdims=True)) & (q > 1e-3 * q.max(axis, keepdims=True))
    assert c.dtype == x.dtype and c.shape == wc.shape
    np.testing.assert_allclose(c[loud], wc[loud], rtol=0, atol=3e5 * UNIT[x.dtype.name])


def _quiet(x, keywords):
    """Keywords that make SciPy warn of nothing."""
    length = x.shape[keywords["axis"]]
    return {**keywords, "nperseg": min(keywords["nperseg"] or 256, length)}


@given(case=cases(), scaling=st.sampled_from(("density", "spectrum")),
       mode=st.sampled_from(("psd", "complex")))
def test_spectrogram(case, scaling, mode):
    x, keywords = case
    (f, t, s), (wf, wt, ws) = both("spectrogram", x, scaling=scaling, mode=mode, **keywords)
    same_axis(f, wf)
    same_axis(t, wt)
    near(s, ws, x.dtype.name, 1 / keywords["fs"], 3)


@given(case=cases(), scaling=st.sampled_from(("psd", "spectrum")), padded=st.booleans(),
       boundary=st.sampled_from(("zeros", "even", "odd", "constant", None)))
def test_stft(case, scaling, padded, boundary):
    x, keywords = case
    (f, t, z), (wf, wt, wz) = both("stft", x, scaling=scaling, padded=padded, boundary=boundary,
                                   **keywords)
    same_axis(f, wf)
    same_axis(t, wt)
    near(z, wz, x.dtype.name, 0.1, 3)


@settings(max_examples=40)
@given(dtype=st.sampled_from(DTYPES), nperseg=st.integers(4, 60), share=st.integers(2, 4),
       more=st.sampled_from((0, 1, 6)), frames=st.integers(1, 9), outer=st.integers(0, 2),
       boundary=st.booleans(), scaling=st.sampled_from(("psd", "spectrum")), axes=st.data(),
       seed=st.integers(0, 2**32))
def test_istft(dtype, nperseg, share, more, frames, outer, boundary, scaling, axes, seed):
    """Any spectra, any axes."""
    nfft = nperseg + more
    shape = [2, 3][:outer] + [nfft // 2 + 1, frames]
    z = (noise(shape, dtype, seed) + 1j * noise(shape, dtype, seed + 1))
    order = axes.draw(st.permutations(range(len(shape))))
    z = z.transpose(order)
    keywords = {"window": "hamming", "nperseg": nperseg, "noverlap": nperseg - nperseg // share,
                "nfft": nfft, "boundary": boundary, "scaling": scaling, "fs": 2.0,
                "freq_axis": order.index(len(shape) - 2) - len(shape),
                "time_axis": order.index(len(shape) - 1) - len(shape)}
    (t, x), (_, want) = both("istft", z.astype(np.result_type(dtype, np.complex64)), **keywords)
    near(x, want, dtype, 1.0, 10)
    same_axis(t, np.arange(want.shape[order.index(len(shape) - 1) - (
        order.index(len(shape) - 2) < order.index(len(shape) - 1))]) / 2.0)


@given(samples=st.integers(4, 200), nfft=st.none() | st.integers(4, 260), columns=st.integers(1, 3),
       dtype=st.sampled_from(DTYPES), window=st.sampled_from(WINDOWS),
       detrend=st.sampled_from((False, "constant", "linear")),
       scaling=st.sampled_from(("density", "spectrum")), seed=st.integers(0, 2**32))
def test_periodogram(samples, nfft, columns, dtype, window, detrend, scaling, seed):
    x = noise((samples, columns), dtype, seed)
    (f, p), (wf, wp) = both("periodogram", x, window=window, nfft=nfft, detrend=detrend,
                            scaling=scaling, axis=0, fs=3.0)
    same_axis(f, wf)
    near(p, wp, dtype, 1.0, 3)


@given(samples=st.integers(1, 60), count=st.integers(1, 20), normalize=st.booleans(),
       seed=st.integers(0, 2**32))
def test_lombscargle(samples, count, normalize, seed):
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(0, 100, samples))
    y = random.standard_normal((samples, 2))
    freqs = random.uniform(0.05, 6, count)
    got = dc.lombscargle(times, y, freqs, normalize, axis=0)
    want = np.stack([np.atleast_1d(scipy.signal.lombscargle(times, one, freqs,
                                                            normalize=normalize)) for one in y.T], 1)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9 * max(np.abs(want).max(), 1))


def test_defaults_are_scipys():
    """Calls without a keyword."""
    x, y = noise((2, 1500), "float64", 5), noise((2, 1500), "float64", 6)
    for name, arrays in (("periodogram", (x,)), ("welch", (x,)), ("csd", (x, y)),
                         ("coherence", (x, y)), ("spectrogram", (x,)), ("stft", (x,))):
        ours, theirs = both(name, *arrays)
        assert len(ours) == len(theirs)
        for got, want in zip(ours, theirs):
            assert got.shape == want.shape and got.dtype == want.dtype, name
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12 * np.abs(want).max())
    z = scipy.signal.stft(x)[2]
    np.testing.assert_allclose(dc.istft(z)[1], scipy.signal.istft(z)[1], atol=1e-13)


@pytest.mark.parametrize("window", WINDOWS)
def test_windows(window):
    """A window read off its own transform: a series of ones, nothing subtracted."""
    for n in (4, 5, 16, 63, 64, 255):
        z = dc.stft(np.ones(n), window=window, nperseg=n, noverlap=0, boundary=None,
                    scaling="spectrum")[2][:, 0]
        want = scipy.signal.get_window(window, n)
        np.testing.assert_allclose(dc.irfft(z, n) * want.sum(), want, rtol=0, atol=4e-15)


def plain_acf(x, nlags, adjusted):
    """By definition, NaN left out."""
    there = np.isfinite(x)
    y = np.where(there, x - x[there].mean(), 0)
    products = np.array([np.dot(y[:len(y) - k], y[k:]) for k in range(nlags + 1)])
    counts = np.array([np.dot(there[:len(y) - k] * 1.0, there[k:]) for k in range(nlags + 1)])
    return products / counts / (products[0] / counts[0]) if adjusted else products / products[0]


@given(samples=st.integers(3, 300), missing=st.booleans(), adjusted=st.booleans(),
       dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32))
def test_acf(samples, missing, adjusted, dtype, seed):
    x = noise((samples, 2), dtype, seed) + np.asarray(100, dtype)
    if missing:
        x[1::7, 0] = np.nan
    nlags = min(int(10 * np.log10(samples)), samples - 1)
    got = dc.acf(x, adjusted=adjusted, missing="omit" if missing else "propagate")
    wide = x.astype(np.float64)
    assert got.dtype == dtype and got.shape == (nlags + 1, 2)
    for column in range(2):
        with np.errstate(invalid="ignore"):
            want = plain_acf(wide[:, column], nlags, adjusted)
        finite = np.isfinite(want)
        np.testing.assert_allclose(got[finite, column], want[finite], rtol=0,
                                   atol=2e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("samples, nlags", ((3000, 2999), (5000, 700), (20000, 64), (1025, 1024)))
def test_acf_of_many_lags(samples, nlags):
    x = noise((2, samples), "float64", samples)
    x[1, 7] = np.nan
    for adjusted in (False, True):
        got = dc.acf(x, nlags, adjusted, axis=1, missing="omit")
        for row, values in zip(got, x):
            there = np.isfinite(values)
            y = np.where(there, values - values[there].mean(), 0)
            products, counts = (scipy.signal.correlate(one, one)[samples - 1:][:nlags + 1]
                                for one in (y, there * 1.0))
            want = products / counts.round() if adjusted else products
            np.testing.assert_allclose(row, want / want[0], rtol=0, atol=1e-11)
        clean = dc.acf(x[:1], nlags, adjusted, axis=1)  # many lags by transforms
        np.testing.assert_allclose(clean, got[:1], rtol=0, atol=1e-11)
        np.testing.assert_array_equal(dc.acf(x, nlags, adjusted, axis=1)[:1], clean)
        assert np.isnan(dc.acf(x, nlags, adjusted, axis=1)[1]).all()


def test_acf_of_statsmodels():
    stattools = pytest.importorskip("statsmodels.tsa.stattools",
                                    reason="skipped: statsmodels is not installed")
    x = noise(500, "float64", 3).cumsum()
    for adjusted in (False, True):
        np.testing.assert_allclose(dc.acf(x, adjusted=adjusted),
                                   stattools.acf(x, adjusted=adjusted), atol=1e-12)
        np.testing.assert_allclose(dc.acf(x, 400, adjusted), stattools.acf(x, adjusted, 400),
                                   atol=1e-12)
        x[::9] = np.nan
        np.testing.assert_allclose(
            dc.acf(x, 60, adjusted, missing="omit"),
            stattools.acf(x, adjusted, 60, missing="conservative", fft=False), atol=1e-12)
        assert np.isnan(dc.acf(x, 3)).all()


def test_too_long_windows_warn_as_scipy():
    x = noise(50, "float64", 4)
    for name, bins in (("welch", 26), ("spectrogram", 26), ("stft", 26)):
        with pytest.warns(UserWarning, match="nperseg = 64 is greater than the 50 samples"):
            assert len(getattr(dc, name)(x, nperseg=64)[0]) == bins
    with pytest.warns(UserWarning):
        np.testing.assert_array_equal(dc.welch(x, nperseg=64, noverlap=60)[1],
                                      dc.welch(x, nperseg=50)[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dc.band_energy(x, [(0, 0.1)])

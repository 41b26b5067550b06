"""Spectra: known answers, laws, the same bits however a call is made, what is refused."""

import doctest
import inspect
import os

import dualcube as dc
import numpy as np
import pytest
from dualcube import _spectral_series, spectral
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers

DTYPES = ("float32", "float64")
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
NAMES = [name for name in spectral.__all__ if name != "SPECTRAL_FEATURES"]


def noise(shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# ---- known answers ------------------------------------------------------------------------------


def test_welch_of_two_impulses():
    x = np.zeros(16)
    x[[0, 8]] = 1
    np.testing.assert_allclose(dc.welch(x, nperseg=8)[1],
                               [1 / 12, 11 / 72, 2 / 9, 2 / 9, 1 / 9], rtol=1e-14)
    np.testing.assert_allclose(
        dc.welch(x, nperseg=9)[1],
        [0.12477455, 0.23430933, 0.17072113, 0.17072113, 0.17072113], atol=1e-8)


@pytest.mark.parametrize("window", ("boxcar", "hann", "hamming", "blackman", "flattop",
                                    ("kaiser", 14), ("tukey", 0.25), ("gaussian", 100)))
def test_sine_of_one_volt(window):
    """1 V rms on a bin: its power is 1 for any window; its density is 1 / (fs times the noise
    bandwidth)."""
    n, k = 1024, 100
    x = np.sqrt(2) * np.sin(2 * np.pi * k * np.arange(n) / n)
    f, p = dc.periodogram(x, fs=n, window=window, scaling="spectrum")
    assert f[k] == k and abs(p[k] - 1) < 1e-6
    if window == "hann":
        assert abs(dc.periodogram(x, n, window)[1][k] - 2 / 3) < 1e-12
    z = dc.stft(x, fs=n, window=window, nperseg=n, boundary=None)[2]
    assert abs(abs(z[k, 0]) - np.sqrt(0.5)) < 1e-6


# ---- laws ---------------------------------------------------------------------------------------


@given(n=st.integers(2, 400), dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32))
def test_parseval(n, dtype, seed):
    x = noise((3, n), dtype, seed)
    p = np.abs(dc.rfft(x).astype(np.complex128)) ** 2
    twice = np.full(n // 2 + 1, 2.0)
    twice[0] = 1
    if n % 2 == 0:
        twice[-1] = 1
    energy = np.sum(x.astype(np.float64) ** 2, -1)
    np.testing.assert_allclose((p * twice).sum(-1) / n, energy, rtol=300 * UNIT[dtype])
    density = dc.periodogram(x, detrend=False)[1].astype(np.float64)
    np.testing.assert_allclose(density.sum(-1), energy, rtol=300 * UNIT[dtype])


@given(n=st.integers(2, 300), shift=st.integers(0, 300), seed=st.integers(0, 2**32))
def test_linearity_shift_and_reversal(n, shift, seed):
    x, y = noise((2, n), "float64", seed)
    z = dc.rfft(x)
    k = np.arange(len(z))
    close = {"rtol": 0, "atol": 1e-12 * n}
    np.testing.assert_allclose(dc.rfft(2 * x - 3 * y), 2 * z - 3 * dc.rfft(y), **close)
    turned = z * np.exp(-2j * np.pi * (k * shift % n) / n)
    np.testing.assert_allclose(dc.rfft(np.roll(x, shift)), turned, **close)
    np.testing.assert_allclose(dc.rfft(np.roll(x[::-1], 1)), np.conj(z), **close)


@settings(max_examples=40)
@given(samples=st.integers(1, 300), nperseg=st.integers(2, 64), share=st.integers(2, 4),
       dtype=st.sampled_from(DTYPES), window=st.sampled_from(("hann", "hamming", "blackman")),
       boundary=st.sampled_from(("zeros", "even", "odd", "constant")), seed=st.integers(0, 2**32))
def test_stft_and_back(samples, nperseg, share, dtype, window, boundary, seed):
    x = noise((2, samples), dtype, seed)
    nperseg = max(min(nperseg, samples), 1)
    hop = max(nperseg // share, 1)
    options = {"window": window, "nperseg": nperseg, "noverlap": nperseg - hop}
    z = dc.stft(x, boundary=boundary, **options)[2]
    t, back = dc.istft(z, **options)
    assert back.dtype == dtype and back.shape[-1] == len(t) >= samples
    np.testing.assert_allclose(back[:, :samples], x, rtol=0,
                               atol=np.abs(x).max() * (2e-4 if dtype == "float32" else 1e-12))


def test_offset_takes_nothing():
    """What is subtracted is subtracted exactly enough: an offset of 10^5 deviations."""
    x = noise(4096, "float64", 3)
    for dtype, offset, bound in (("float32", 1e3, 1e-4), ("float64", 1e5, 1e-9)):
        high = (x + offset).astype(dtype)
        f, p = dc.welch(high, nperseg=256)
        want = dc.welch(high.astype(np.float64) - offset, nperseg=256)[1]
        np.testing.assert_allclose(p[2:], want[2:], rtol=0, atol=bound * want.mean())


# ---- one result however it is called ------------------------------------------------------------

BANDS = [(0.0, 0.1), (0.1, 0.25), (0.25, 0.5)]
CALLS = {
    "rfft": lambda x, **k: dc.rfft(x, axis=1, **k),
    "rfft_prime": lambda x, **k: dc.rfft(x, 97, axis=1, **k),
    "irfft": lambda x, **k: dc.irfft(_pairs(x), 126, axis=1, **k),
    "periodogram": lambda x, **k: dc.periodogram(x, detrend="linear", axis=1, **k)[1],
    "welch": lambda x, **k: dc.welch(x, nperseg=48, axis=1, **k)[1],
    "welch_median": lambda x, **k: dc.welch(x, nperseg=30, average="median", axis=1, **k)[1],
    "csd": lambda x, **k: dc.csd(x, _turned(x), nperseg=25, axis=1, **k)[1],
    "coherence": lambda x, **k: dc.coherence(x, _turned(x), nperseg=36, axis=1, **k)[1],
    "spectrogram": lambda x, **k: dc.spectrogram(x, nperseg=22, axis=1, **k)[2],
    "stft": lambda x, **k: dc.stft(x, nperseg=20, boundary="odd", axis=1, **k)[2],
    "band_energy": lambda x, **k: dc.band_energy(x, BANDS, nperseg=40, axis=1, **k),
    "rolling_band_energy": lambda x, **k: dc.rolling_band_energy(x, 24, bands=BANDS, heads="short",
                                                                 axis=1, **k),
    "spectral_features": lambda x, **k: dc.spectral_features(x, 32, 16, axis=1, **k),
    "acf": lambda x, **k: dc.acf(x, 20, axis=1, **k),
    "find_period": lambda x, **k: dc.find_period(x, axis=1, **k),
}


def _turned(x):
    """Another series of the same kind."""
    if isinstance(x, dc.Array):
        return dc.to_device(np.roll(x.numpy(), 5, 1), x.device)
    return np.roll(x, 5, 1)


def _pairs(x):
    """(..., 128) reals as 64 complex bins."""
    if isinstance(x, dc.Array):
        host = x.numpy()
        pairs = np.stack([host[:, :64], host[:, 64:128]], -1)
        return dc.to_device(pairs, x.device)
    pairs = np.empty(x[:, :64].shape, np.result_type(x.dtype, np.complex64))
    pairs.real, pairs.imag = x[:, :64], x[:, 64:128]
    return pairs


def bits(result):
    """As reals."""
    return result.view(result.real.dtype) if np.iscomplexobj(result) else result


def whole(result):
    return np.ascontiguousarray(result)


def same(got, want, what=""):
    helpers.assert_same_bits(bits(whole(got)), bits(whole(want)), what)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("dtype", DTYPES)
def test_isas_threads_and_layouts(name, dtype):
    call, x = CALLS[name], noise((9, 130, 5), dtype, 7)
    x[2, 17, 3] = np.nan
    with dc.options(device="cpu", isa="baseline", threads=1):
        expected = call(x)
    assert expected.dtype in (dtype, np.result_type(dtype, np.complex64))
    for isa in dc.topology()["isas"]:
        for threads in (1, 2):
            with dc.options(device="cpu", isa=isa, threads=threads):
                same(call(x), expected, isa)
    for again in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=1)[:, ::2]):
        out = np.empty(expected.shape[::-1], expected.dtype).T
        assert call(again, out=out) is out
        same(out, expected)
    loop = np.stack([np.stack([call(x[i:i + 1, :, j:j + 1])[0, :, 0] for j in range(5)], 1)
                     for i in range(9)])
    same(loop, expected, "one by one")


def resident(call, x, device, expected):
    """Arrays stay where they are; complex ones have an axis of 2 more."""
    chained = call(dc.to_device(x, device))
    assert isinstance(chained, dc.Array) and chained.device == device
    pairs = bits(whole(expected))
    if np.iscomplexobj(expected):
        assert chained.shape == expected.shape + (2,)
    same(chained.numpy().reshape(pairs.shape), pairs, "resident, " + device)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("dtype", DTYPES)
def test_resident_arrays(name, dtype):
    x = noise((4, 130, 3), dtype, 8)
    resident(CALLS[name], x, "cpu", CALLS[name](x, device="cpu"))


@pytest.mark.parametrize("name", ("rfft", "irfft", "welch", "acf"))
def test_devices(name, opencl):
    """A few: the programs of the others take their time to be compiled, and parity runs them."""
    x = noise((4, 130, 3), "float32", 8)
    expected = CALLS[name](x, device="cpu")
    if name != "irfft":
        same(CALLS[name](x, device=opencl), expected)
        assert dc.last_run()["device"] == opencl
    resident(CALLS[name], x, opencl, expected)


def test_a_chain_on_a_device():
    x = noise((4, 100), "float32", 8)
    z = dc.rfft(dc.to_device(x, "cpu"))
    back = dc.irfft(z, 100)
    assert z.shape == (4, 51, 2) and back.shape == (4, 100)
    same(back.numpy(), dc.irfft(dc.rfft(x, device="cpu"), 100, device="cpu"))
    times = dc.to_device(np.arange(100.0), "cpu")
    wide = x.astype(np.float64)
    power = dc.lombscargle(times, dc.to_device(wide, "cpu"), [0.5, 1.0])
    same(power.numpy(), dc.lombscargle(np.arange(100.0), wide, [0.5, 1.0], device="cpu"))
    with pytest.raises(TypeError, match="y does not; move it"):
        dc.csd(dc.to_device(x, "cpu"), x)
    with pytest.raises(ValueError, match="must end with an axis of 2"):
        dc.irfft(dc.to_device(x, "cpu"))


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", (np.nan, np.inf, 1e30))
def test_a_bad_row_leaves_its_neighbours_alone(name, dtype, bad):
    """Neither NaN, nor infinity, nor a huge row touches the rows beside it: bit by bit."""
    x = noise((6, 130, 4), dtype, 9)
    expected = CALLS[name](x)
    x[2, :, 1] = bad if bad != 1e30 else bad * x[2, :, 1]
    got = CALLS[name](x)
    others = np.ones(got.shape, bool)
    others[2, :, 1] = False
    assert np.array_equal(got[others], expected[others], equal_nan=True)
    same(np.where(others, got, 0), np.where(others, expected, 0))
    if bad != 1e30 and not name.startswith(("rolling", "irfft")):
        assert np.isnan(got[2, :, 1]).any()


@pytest.mark.parametrize("n", (10007, 16384))
def test_long_rows_are_alone_too(n):
    """Lengths beyond those of the same bits: rows still know nothing of each other."""
    for dtype in DTYPES:
        x = noise((3, n), dtype, n)
        spectrum, power = dc.rfft(x), dc.periodogram(x)[1]
        same(dc.rfft(x[1:2]), spectrum[1:2])
        x[1, 5] = np.nan
        for got, want in ((dc.rfft(x), spectrum), (dc.periodogram(x)[1], power)):
            same(got[::2], want[::2])
            assert np.isnan(got[1]).all()


def test_nan_stays_in_its_window():
    x = noise(400, "float64", 10)
    want = {"spectrogram": dc.spectrogram(x, nperseg=50, noverlap=0)[2],
            "stft": dc.stft(x, nperseg=50, noverlap=0, boundary=None)[2],
            "band_energy": dc.band_energy(x, BANDS, nperseg=50).T,
            "features": dc.spectral_features(x, 50).T}
    x[130] = np.nan
    got = {"spectrogram": dc.spectrogram(x, nperseg=50, noverlap=0)[2],
           "stft": dc.stft(x, nperseg=50, noverlap=0, boundary=None)[2],
           "band_energy": dc.band_energy(x, BANDS, nperseg=50).T,
           "features": dc.spectral_features(x, 50).T}
    for name, result in got.items():
        assert np.isnan(result[:, 2]).all(), name
        keep = [k for k in range(8) if k != 2]
        same(result[:, keep], want[name][:, keep], name)
    f, omitted = dc.welch(x, nperseg=50, noverlap=0, nan="omit")
    clean = np.concatenate([x[:100], x[150:]])
    np.testing.assert_allclose(omitted, dc.welch(clean, nperseg=50, noverlap=0)[1], rtol=1e-13)
    assert np.isnan(dc.welch(x, nperseg=50)[1]).all()
    assert np.isnan(dc.welch(np.full(100, np.nan), nperseg=50, nan="omit")[1]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_axes_in_any_order(dtype):
    x = noise((5, 60, 4), dtype, 11)
    for axis in range(3):
        moved = np.moveaxis(x, 1, axis)
        for got, want in (
                (dc.welch(moved, nperseg=24, axis=axis)[1],
                 np.moveaxis(dc.welch(x, nperseg=24, axis=1)[1], 1, axis)),
                (dc.rfft(moved, axis=axis), np.moveaxis(dc.rfft(x, axis=1), 1, axis)),
                (dc.stft(moved, nperseg=24, axis=axis - 3)[2],
                 np.moveaxis(dc.stft(x, nperseg=24, axis=1)[2], 1, axis)),
                (dc.band_energy(moved, BANDS, nperseg=24, axis=axis),
                 np.moveaxis(dc.band_energy(x, BANDS, nperseg=24, axis=1), 1, axis)),
                (dc.acf(moved, 9, axis=axis), np.moveaxis(dc.acf(x, 9, axis=1), 1, axis))):
            same(got, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("window", (1, 7, 24, 50))
def test_rolling_is_a_loop(dtype, window):
    x = noise((90, 3), dtype, window)
    x[60, 1] = np.nan
    options = {"bands": BANDS, "taper": "hann", "detrend": "linear"}
    got = dc.rolling_band_energy(x, window, **options)
    assert np.isnan(got[:window - 1]).all()
    single = {"bands": BANDS, "window": "hann", "detrend": "linear"}
    for row in range(window - 1, 90):
        one = dc.band_energy(x[row + 1 - window:row + 1], nperseg=window, **single)[0]
        same(got[row], one, "row %d" % row)
    same(dc.rolling_band_energy(x[20:], window, **options)[window - 1:], got[20 + window - 1:])


# ---- what comes in, what is refused -------------------------------------------------------------


def test_frames_and_integers():
    pandas = pytest.importorskip("pandas", reason="skipped: pandas is not installed")
    x = np.arange(300).reshape(100, 3) % 17
    frame = pandas.DataFrame(x, columns=list("abc"))
    for name in ("welch", "spectral_features", "acf"):
        options = {"axis": 0, **({"nperseg": 50} if name != "acf" else {})}
        got, want = (getattr(dc, name)(one, **options) for one in (frame, x.astype(float)))
        if isinstance(got, tuple):
            got, want = got[1], want[1]
        assert isinstance(got, np.ndarray) and got.dtype == np.float64
        same(got, want)


def test_empty_series():
    x = np.empty((3, 0))
    assert [len(one) for one in dc.welch(x)[:1]] == [0] and dc.welch(x)[1].shape == (3, 0)
    assert dc.periodogram(x)[1].shape == (3, 0) and dc.csd(x, x)[1].shape == (3, 0)
    assert [one.shape for one in dc.spectrogram(x)] == [(0,), (0,), (3, 0, 0)]
    assert dc.stft(x)[2].dtype == np.complex128 and dc.stft(x)[2].shape == (3, 0, 0)
    assert dc.band_energy(x, BANDS, axis=1).shape == (3, 0, 3)
    assert dc.rolling_band_energy(x, 5, axis=1).shape == (3, 0, 3)
    assert dc.spectral_features(x, axis=1).shape == (3, 0, 12)
    assert dc.acf(x, axis=1).shape == (3, 0)
    assert np.isnan(dc.find_period(x, axis=1)).all()
    none = np.empty((0, 500))
    assert dc.welch(none)[1].shape == (0, 129) and dc.rfft(none).shape == (0, 251)
    assert dc.spectral_features(none, 100, axis=1).shape == (0, 5, 12)
    assert dc.rolling_band_energy(none, 10, axis=1).shape == (0, 500, 3)


def test_long_windows_of_short_series():
    assert np.isnan(dc.rolling_band_energy(np.ones(5), 9)).all()
    short = dc.rolling_band_energy(noise(5), 9, heads="short")
    assert np.isfinite(short).all() and (short[:3] == 0).all() and (short[4] != 0).any()


def test_progress_and_cancelling():
    x = noise((2000, 600), "float32", 15)
    told = []
    dc.welch(x, nperseg=64, axis=0, device="cpu", threads=1,
             progress=lambda done, total: told.append((done, total)))
    assert told and all(done <= total for done, total in told)
    with pytest.raises(KeyboardInterrupt):
        dc.rolling_band_energy(x, 256, device="cpu", threads=1, progress=lambda done, total: True)


REFUSALS = (
    (lambda x: dc.welch(x, window="hat"), ValueError, "window = 'hat', must be one of boxcar, hann"),
    (lambda x: dc.welch(x, window=("hann", 3)), ValueError, "window 'hann' has no parameter"),
    (lambda x: dc.welch(x, window=np.ones((2, 2))), ValueError, "a vector of taps"),
    (lambda x: dc.welch(x, window=np.ones(9), nperseg=8), ValueError, "window has 9 taps"),
    (lambda x: dc.welch(x, window=np.ones(99)), ValueError, "99 taps, the series 40 samples"),
    (lambda x: dc.welch(x, nperseg=0), ValueError, "nperseg = 0, must be at least 1"),
    (lambda x: dc.welch(x, nperseg=2.5), TypeError, "nperseg must be an integer, got float"),
    (lambda x: dc.welch(x, nperseg=8, noverlap=8), ValueError, "noverlap = 8, must be less than"),
    (lambda x: dc.welch(x, nperseg=8, noverlap=-1), ValueError, "noverlap = -1"),
    (lambda x: dc.welch(x, nperseg=8, nfft=7), ValueError, "nfft = 7, must be at least nperseg"),
    (lambda x: dc.welch(x, nperseg=8, detrend=np.mean), TypeError, "detrend is a function"),
    (lambda x: dc.welch(x, nperseg=8, detrend="quadratic"), ValueError, "detrend = 'quadratic'"),
    (lambda x: dc.welch(x, nperseg=8, return_onesided=False), ValueError, "return_onesided"),
    (lambda x: dc.welch(x, nperseg=8, scaling="power"), ValueError, "scaling = 'power'"),
    (lambda x: dc.welch(x, nperseg=8, average="mode"), ValueError, "average = 'mode'"),
    (lambda x: dc.welch(x, nperseg=8, nan="drop"), ValueError, "nan = 'drop'"),
    (lambda x: dc.welch(x, fs=0.0, nperseg=8), ValueError, "fs = 0.0, must be above 0"),
    (lambda x: dc.welch(x, fs=np.inf, nperseg=8), ValueError, "fs"),
    (lambda x: dc.welch(x, nperseg=8, axis=2), ValueError, "axis = 2, must be -2 to 1"),
    (lambda x: dc.welch(x.astype(complex)), TypeError, "complex128"),
    (lambda x: dc.welch(x, nperseg=8, out=np.empty((3, 4))), ValueError, "out has shape"),
    (lambda x: dc.welch(x, nperseg=8, out=np.empty((3, 5), "f4")), ValueError, "dtype float32"),
    (lambda x: dc.welch(x, nperseg=8, out=[1]), TypeError, "out must be a numpy.ndarray"),
    (lambda x: dc.welch(x, nperseg=8, out=x[:, :5]), ValueError, "overlaps"),
    (lambda x: dc.welch(x, nperseg=8, progress=3), TypeError, "progress must be callable"),
    (lambda x: dc.csd(x, x[:, :30], nperseg=8), ValueError, "as many samples"),
    (lambda x: dc.csd(x, x[:2], nperseg=8), ValueError, "broadcast"),
    (lambda x: dc.spectrogram(x, nperseg=8, mode="phase"), ValueError, "mode = 'phase'"),
    (lambda x: dc.stft(x, nperseg=8, boundary="wrap"), ValueError, "boundary = 'wrap'"),
    (lambda x: dc.stft(x, nperseg=8, scaling="density"), ValueError, "scaling = 'density'"),
    (lambda x: dc.istft(x[0]), ValueError, "at least 2"),
    (lambda x: dc.istft(x, freq_axis=-1), ValueError, "must differ"),
    (lambda x: dc.rfft(x, 0), ValueError, "n = 0, must be at least 1"),
    (lambda x: dc.rfft(x[:, :0]), ValueError, "n = 0"),
    (lambda x: dc.rfft(x, norm="ortho"), ValueError, "norm = 'ortho'"),
    (lambda x: dc.irfft(x[:, :1]), ValueError, "n = 0"),
    (lambda x: dc.band_energy(x, [0.1, 0.2]), ValueError, "must be pairs of frequencies"),
    (lambda x: dc.band_energy(x, [(0.2, 0.1)]), ValueError, "0.2 to 0.1"),
    (lambda x: dc.rolling_band_energy(x, 0), ValueError, "window = 0, must be at least 1"),
    (lambda x: dc.rolling_band_energy(x, 4, heads="zero"), ValueError, "heads = 'zero'"),
    (lambda x: dc.rolling_band_energy(x, 4, taper=np.ones(3)), ValueError, "taper has 3 weights"),
    (lambda x: dc.spectral_features(x, 3, features=["odd"]), ValueError, "features has 'odd'"),
    (lambda x: dc.spectral_features(x, 3, features=[]), ValueError, "must name at least one"),
    (lambda x: dc.spectral_features(x, 3, weight="log"), ValueError, "weight = 'log'"),
    (lambda x: dc.spectral_features(x, 3, rolloff=1.5), ValueError, "rolloff is 1.5"),
    (lambda x: dc.acf(x, 3), ValueError, "nlags = 3, must be 0 to 2"),
    (lambda x: dc.acf(x, missing="drop"), ValueError, "missing = 'drop'"),
    (lambda x: dc.find_period(x, fs=-1), ValueError, "fs"),
    (lambda x: dc.lombscargle(np.arange(3), x, [1.0]), ValueError, "must be a vector of 40"),
    (lambda x: dc.lombscargle(np.arange(40), x, [[1.0]]), ValueError, "freqs has shape"),
)


@pytest.mark.parametrize("call, error, words", REFUSALS, ids=range(len(REFUSALS)))
def test_refusals(call, error, words):
    import re

    x = noise((3, 40), "float64", 16)
    before = x.copy()
    with pytest.raises(error, match=re.escape(words)):
        call(x)
    same(x, before)


@pytest.mark.parametrize("module", (spectral, _spectral_series), ids=lambda one: one.__name__)
def test_examples(module):
    result = doctest.testmod(module)
    assert result.failed == 0 and result.attempted > 0


@pytest.mark.parametrize("name", NAMES)
def test_docstrings(name):
    text = inspect.getdoc(getattr(dc, name))
    assert ">>>" in text and "Returns" in text and "lass" in text and "aises" in text
    assert "Parameters" in text and ("NaN" in text or "Missing values" in text)


def test_wind_fields(real_data):
    """Real wind fields: spectra along the longitude, against NumPy."""
    fields = np.load(os.path.join(real_data, "era_interim_uvz.npy"), mmap_mode="r")
    x = np.asarray(fields, np.float64)
    got = dc.periodogram(fields, detrend="constant")[1]
    n = x.shape[-1]
    want = np.abs(np.fft.rfft(x - x.mean(-1, keepdims=True))) ** 2 / n
    want[..., 1:(n + 1) // 2] *= 2
    np.testing.assert_allclose(got, want, rtol=0, atol=3e-6 * want.max())

"""What is told from spectra: rolling bands, shape, periods, against plain NumPy and known series."""

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helpers

DTYPES = ("float32", "float64")


def noise(shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def bins_of(n, fs=1.0):
    return np.arange(n // 2 + 1) * fs / n


# ---- the monitoring system's rolling energy -----------------------------------------------------


def plain_rolling_energy(x, window, fs):
    """One series, plain NumPy: heads of their own length, 0 below half a window."""
    half = fs / 2
    bands = [(0.0, 0.1 * half), (0.1 * half, 0.3 * half), (0.3 * half, half)]
    result = np.zeros((len(x), 3))
    for row in range(len(x)):
        part = x[max(row + 1 - window, 0):row + 1]
        if len(part) < max(window // 2, 1):
            continue
        power = np.abs(np.fft.rfft(part - part.mean())) ** 2
        f = bins_of(len(part), fs)
        result[row] = [power[(f >= low) & (f < high)].sum() for low, high in bands]
    return result


@pytest.mark.parametrize("window", (3, 8, 16, 20, 33, 64))
@pytest.mark.parametrize("fs", (1.0, 10.0))
def test_monitoring_system(window, fs):
    x = noise((100, 2), "float64", window) + np.sin(np.arange(100) / 3)[:, None]
    got = dc.rolling_band_energy(x, window, fs=fs, heads="short")
    want = np.stack([plain_rolling_energy(column, window, fs) for column in x.T], 1)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    near = dc.rolling_band_energy(x.astype(np.float32), window, fs=fs, heads="short")
    assert near.dtype == np.float32
    np.testing.assert_allclose(near, want, rtol=1e-3, atol=1e-3)


def test_bands_have_edges():
    x = noise(64, "float64", 12)
    p = np.abs(np.fft.rfft(x - x.mean())) ** 2
    half_open = dc.band_energy(x, [(0.125, 0.25), (0.25, 0.5), (0.3, 0.3), (0, 9)], nperseg=64)[0]
    np.testing.assert_allclose(half_open, [p[8:16].sum(), p[16:32].sum(), 0, p.sum()], rtol=1e-12)
    closed = dc.band_energy(x, [(0.125, 0.25), (0.25, 0.5), (0.25, 0.25)], nperseg=64,
                            closed=True)[0]
    np.testing.assert_allclose(closed, [p[8:17].sum(), p[16:].sum(), p[16]], rtol=1e-12)
    f, density = dc.periodogram(x, fs=2.0)
    scaled = dc.band_energy(x, [(0.25, 0.5)], 2.0, 64, scaling="density")[0]
    np.testing.assert_allclose(scaled, density[(f >= 0.25) & (f < 0.5)].sum(), rtol=1e-12)


# ---- features -----------------------------------------------------------------------------------


def plain_features(x, fs, window, nfft, weight, rolloff):
    """One window, from the definitions."""
    y = np.zeros(nfft)
    y[:len(x)] = (x - x.mean()) * window
    g = np.abs(np.fft.rfft(y)) ** (2 if weight == "power" else 1)
    f, total = bins_of(nfft, fs), g.sum()
    if total == 0:
        return dict.fromkeys(dc.SPECTRAL_FEATURES, 0.0) | {"flatness": 1.0}
    p = g / total
    q = np.maximum(p, 2.0**-46)
    c = np.sum(f * p)
    b = np.sqrt(np.sum((f - c) ** 2 * p))
    return {"total": total, "centroid": c, "bandwidth": b,
            "skewness": np.sum((f - c) ** 3 * p) / b**3,
            "kurtosis": np.sum((f - c) ** 4 * p) / b**4,
            "rolloff": f[np.argmax(np.cumsum(g) >= rolloff * total)],
            "flatness": np.exp(np.mean(np.log(q))) / np.mean(q),
            "entropy": -np.sum(p * np.log(q)) / np.log(len(p)), "crest": p.max() * len(p),
            "slope": np.sum((f - f.mean()) * p) / np.sum((f - f.mean()) ** 2),
            "peak_frequency": f[np.argmax(g)], "peak_power": g.max()}


@given(nperseg=st.integers(6, 200), more=st.sampled_from((0, 1, 30)), dtype=st.sampled_from(DTYPES),
       weight=st.sampled_from(("power", "magnitude")), rolloff=st.sampled_from((0.5, 0.85, 0.95)),
       fs=st.sampled_from((1.0, 50.0)), wave=st.booleans(), seed=st.integers(0, 2**32))
def test_features(nperseg, more, dtype, weight, rolloff, fs, wave, seed):
    x = noise(2 * nperseg, dtype, seed)
    if wave:
        x += (5 * np.sin(np.arange(len(x)) * 0.7)).astype(dtype)
    got = dc.spectral_features(x, nperseg, fs=fs, nfft=nperseg + more, weight=weight,
                               rolloff=rolloff)
    assert got.dtype == dtype and got.shape == (2, 12)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(nperseg) / nperseg)
    for part, row in zip(x.astype(np.float64).reshape(2, -1), got):
        want = plain_features(part, fs, taper, nperseg + more, weight, rolloff)
        near = 3e-4 if dtype == "float32" else 1e-9
        for name, value in zip(dc.SPECTRAL_FEATURES, row):
            if name == "rolloff":  # a bin aside where the share is met within rounding
                assert abs(value - want[name]) <= 1.001 * fs / (nperseg + more)
                continue
            scale = {"slope": 1 / fs**2 * 10, "skewness": 1.0}.get(name, 0.0)
            assert abs(value - want[name]) <= near * max(abs(want[name]), scale), name


def test_features_of_nothing_and_of_lines():
    flat = dict(zip(dc.SPECTRAL_FEATURES, dc.spectral_features(np.full(64, 3.0), 64)[0]))
    assert flat.pop("flatness") == 1 and set(flat.values()) == {0.0}
    x = np.cos(2 * np.pi * 10 * np.arange(64) / 64)
    line = dict(zip(dc.SPECTRAL_FEATURES,
                    dc.spectral_features(x, 64, fs=64.0, window="boxcar")[0]))
    assert line["peak_frequency"] == line["rolloff"] == 10 and abs(line["centroid"] - 10) < 1e-9
    assert line["bandwidth"] < 1e-6 and abs(line["peak_power"] - 32**2) < 1e-9


def test_features_by_name():
    x = noise((300, 2), "float64", 13)
    every = dc.spectral_features(x, 100)
    some = dc.spectral_features(x, 100, features=["entropy", "total", "slope"])
    helpers.assert_same_bits(some, every[..., [7, 0, 9]])
    out = np.empty((3, 2, 2))
    assert dc.spectral_features(x, 100, features=["slope", "total"], out=out) is out
    helpers.assert_same_bits(out, every[..., [9, 0]])
    helpers.assert_same_bits(dc.spectral_features(x, 100, features="crest"), every[..., [8]])


# ---- periods ------------------------------------------------------------------------------------


def test_find_period():
    t = np.arange(600)
    random = np.random.default_rng(14)
    for period in (7, 12, 24, 30.5, 60):
        x = np.sin(2 * np.pi * t / period) + 0.3 * random.standard_normal(600) + t / 50
        for dtype in DTYPES:
            found, strength, share = dc.find_period(x.astype(dtype))
            assert abs(found - period) < 0.05 * period and strength > 0.5 and share > 0.02
        assert abs(dc.find_period(x, fs=4.0)[0] * 4 - found) < 0.05 * period
    assert dc.find_period(np.full(50, 2.0))[0] == 0


def load(name):
    datasets = pytest.importorskip("statsmodels.datasets",
                                   reason="skipped: statsmodels is not installed")
    return getattr(datasets, name).load_pandas().data


def test_period_of_sunspots():
    x = load("sunspots")["SUNACTIVITY"].to_numpy()
    f, p = dc.periodogram(x)
    assert np.argmax(p) == 28 and abs(1 / f[28] - 11.036) < 1e-3
    assert abs(p[28] / 135012.9 - 1) < 1e-6
    r = dc.acf(x, 40)
    peaks = [k for k in range(1, 40) if r[k - 1] < r[k] > r[k + 1]]
    assert peaks[:3] == [10, 21, 32] and abs(r[10] - 0.6590) < 1e-4 and abs(r[11] - 0.6503) < 1e-4
    period, strength, _ = dc.find_period(x)
    assert 10.9 <= period <= 11.3 and strength > 0.4


def test_period_of_carbon_dioxide():
    data = load("co2")
    weekly = data["co2"].to_numpy()
    assert np.isnan(weekly).sum() == 59
    there = np.isfinite(weekly)
    t = np.arange(len(weekly), dtype=float)
    straight = np.polyfit(t[there], weekly[there], 2)
    rest = weekly - np.polyval(straight, t)
    periods = np.linspace(45, 60, 3001)
    power = dc.lombscargle(t, rest, 2 * np.pi / periods)
    assert abs(periods[np.argmax(power)] - 52.15) < 0.1
    np.testing.assert_allclose(
        power, dc.lombscargle(t[there], rest[there], 2 * np.pi / periods), rtol=1e-9)
    monthly = data["co2"].resample("MS").mean().interpolate().to_numpy()
    f, p = dc.periodogram(monthly, detrend="linear")
    assert abs(1 / f[np.argmax(p * (f > 0.02))] - 12) < 0.1
    assert abs(dc.find_period(np.diff(monthly))[0] - 12) < 0.3


def test_period_of_el_nino():
    x = load("elnino").iloc[:, 1:].to_numpy().ravel()
    f, p = dc.periodogram(x, detrend="linear")
    assert np.argmax(p) == len(x) // 12
    assert abs(dc.find_period(x)[0] - 12) < 0.3

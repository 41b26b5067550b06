"""Interpolation against NumPy."""

import os

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helpers

DTYPES = ("float32", "float64")


def rising(random, n):
    return np.cumsum(0.1 + random.random(n)) - 3


def on_grid(x, lat, lon, to_lat, to_lon):
    """np.interp along the last axis, then along the one before; NaN outside."""
    wide = np.asarray(x, np.float64)
    wide = np.apply_along_axis(lambda row: np.interp(to_lon, lon, row, np.nan, np.nan), -1, wide)
    return np.apply_along_axis(lambda row: np.interp(to_lat, lat, row, np.nan, np.nan), -2, wide)


@given(seed=st.integers(0, 2**32), dtype=st.sampled_from(DTYPES), rows=st.integers(2, 20),
       columns=st.integers(2, 20), fall=st.booleans())
def test_maps(seed, dtype, rows, columns, fall):
    random = np.random.default_rng(seed)
    lat, lon = rising(random, rows), rising(random, columns)
    x = random.standard_normal((2, 3, rows, columns)).astype(dtype)
    to_lat, to_lon = random.uniform(-4, 10, 7), np.r_[random.uniform(-4, 10, 8), lon[0], lon[-1]]
    expected = on_grid(x, lat, lon, to_lat, to_lon)
    if fall:
        lat, x = lat[::-1], x[:, :, ::-1]
    got = dc.regrid(x, lat, lon, to_lat, to_lon)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, atol=1e-5 if dtype == "float32" else 1e-13)


def test_round_the_globe():
    lon = np.arange(0.0, 360.0, 90.0)
    x = np.array([[0.0, 1.0, 2.0, 3.0]] * 2)
    got = dc.regrid(x, [0, 1], lon, [0], [315.0, -45.0, 405.0, 360.0, 720.0 + 90.0], period=360.0)
    np.testing.assert_array_equal(got, [[1.5, 1.5, 0.5, 0.0, 1.0]])
    assert np.isnan(dc.regrid(x, [0, 1], lon, [0], [315.0])).all()
    near = dc.regrid(x, [0, 1], lon, [9], [315.0, -7.0], outside="nearest")
    np.testing.assert_array_equal(near, [[3.0, 0.0]])


def test_missing_corners():
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    assert np.isnan(dc.regrid(x, [0, 1], [0, 1], [0.5], [0.5]))[0, 0]
    omitted = dc.regrid(x, [0, 1], [0, 1], [0.5, 0.0], [0.5, 0.0], omit_nan=True)
    np.testing.assert_array_equal(omitted, [[2.0, 2.0], [1.0, np.nan]])
    assert dc.regrid(x, [0, 1], [0, 1], [1.0], [0.5])[0, 0] == 2.5  # no share, no matter


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 30), gap=st.floats(0.2, 1.2))
def test_rows(seed, rows, gap):
    random = np.random.default_rng(seed)
    times, x = rising(random, rows), random.standard_normal((rows, 4))
    at = np.r_[random.uniform(-4, 15, 40), times]
    expected = np.stack([np.interp(at, times, column, np.nan, np.nan) for column in x.T], -1)
    np.testing.assert_allclose(dc.resample(x, times, at), expected, atol=1e-13)
    behind = np.clip(np.searchsorted(times, at, "right"), 1, max(rows - 1, 1))
    if rows > 1:
        wide = (times[behind] - times[behind - 1] > gap) & ~np.isin(at, times)
        expected[wide] = np.nan
    np.testing.assert_allclose(dc.resample(x, times, at, max_gap=gap), expected, atol=1e-13)
    helpers.assert_same_bits(dc.resample(x, times, times), x)
    regular = dc.resample(x, times, start=times[0], step=0.5)
    helpers.assert_same_bits(regular, dc.resample(x, times, times[0] + 0.5 * np.arange(
        len(regular))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_isas_threads_layouts_and_devices(dtype):
    random = np.random.default_rng(1)
    x = random.standard_normal((4, 40, 50)).astype(dtype)
    x[random.random(x.shape) < 0.05] = np.nan
    lat, lon, times = rising(random, 40), rising(random, 50), rising(random, 4)
    calls = (lambda x, **k: dc.regrid(x, lat, lon, lat[:-1] + 0.1, lon[::-1] - 0.1, period=99.0,
                                      omit_nan=True, **k),
             lambda x, **k: dc.resample(x, times, np.linspace(-4, 2, 23), **k))
    for call in calls:
        with dc.options(device="cpu", isa="baseline", threads=1):
            expected = call(x)
        for isa in dc.topology()["isas"]:
            for threads in (1, 2):
                with dc.options(device="cpu", isa=isa, threads=threads):
                    helpers.assert_same_bits(call(x), expected, isa)
        out = np.empty(expected.shape[::-1], dtype).T
        assert call(np.asfortranarray(x), out=out) is out
        helpers.assert_same_bits(out, expected)
        for device in dc.devices():
            if device["kind"] == "opencl" and device["usable"] and device["exact"]:
                helpers.assert_same_bits(call(x, device=device["id"]), expected, device["id"])
                moved = call(dc.to_device(x, device["id"]))
                helpers.assert_same_bits(moved.numpy(), expected, device["id"])


def test_refusals():
    x = np.zeros((3, 4))
    for call, words in (
            (lambda: dc.regrid(x, [0, 1, 1], range(4), [0], [0]), r"src_lat\[2\] is 1 after 1"),
            (lambda: dc.regrid(x, [0, 1], range(4), [0], [0]), "must be a vector of 3"),
            (lambda: dc.regrid(x, range(3), range(4), [np.nan], [0]), r"dst_lat\[0\] is"),
            (lambda: dc.regrid(x, range(3), range(4), [0], [0], period=2), "period is 2"),
            (lambda: dc.regrid(x[0], range(3), range(4), [0], [0]), "x has 1 axis"),
            (lambda: dc.resample(x, [0, 2, 1], [0]), r"times\[2\] is 1 after 2, must be greater"),
            (lambda: dc.resample(x, [0, 1, 2]), "step = None"),
            (lambda: dc.resample(x, [0, 1, 2], [0], step=1), "at is given"),
            (lambda: dc.resample(x, [0, 1, 2], [0], max_gap=0), "max_gap is 0")):
        with pytest.raises(ValueError, match=words):
            call()


def test_reanalysis_cube(real_data):
    fields = np.load(os.path.join(real_data, "era_interim_uvz.npy"), mmap_mode="r")
    rows, columns = fields.shape[-2:]
    lat, lon = np.linspace(90, -90, rows), np.arange(columns) * (360 / columns)
    to_lat, to_lon = np.linspace(80, -80, 33), np.linspace(1, lon[-1], 64)
    got = dc.regrid(fields, lat, lon, to_lat, to_lon, period=360.0)
    expected = on_grid(fields[..., ::-1, :], lat[::-1], lon, to_lat, to_lon)
    scale = np.abs(expected).max((-2, -1), keepdims=True)
    assert (np.abs(got - expected) <= 1e-5 * scale).all()

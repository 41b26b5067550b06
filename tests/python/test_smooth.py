"""Smoothing and standardising against NumPy."""

import os

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import helpers

PAD = {"reflect": "symmetric", "nearest": "edge", "constant": "constant", "wrap": "wrap"}
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=24)
DTYPES = ("float32", "float64")


def cube(shape, dtype, seed, missing=0.0):
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape).astype(dtype)
    x[random.random(shape) < missing] = np.nan
    return x


def close(got, expected, dtype):
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=3e-5 if dtype == "float32" else 1e-11,
                               atol=3e-6 if dtype == "float32" else 1e-13)


def filtered(x, weights, left, axis, edges, value=0.0):
    """Weighted neighbours, the oldest first."""
    x = np.moveaxis(x.astype(np.float64), axis, -1)
    width = [(0, 0)] * (x.ndim - 1) + [(left, len(weights) - 1 - left)]
    more = {"constant_values": value} if edges == "constant" else {}
    padded = np.pad(x, width, PAD[edges], **more)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=-1)
    return np.moveaxis(windows @ np.asarray(weights), -1, axis)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), window=st.integers(1, 40), axis=st.data(),
       edges=st.sampled_from(sorted(PAD)), seed=st.integers(0, 2**32))
def test_moving(shape, dtype, window, axis, edges, seed):
    axis = axis.draw(st.integers(-len(shape), len(shape) - 1))
    x = cube(shape, dtype, seed)
    got = dc.smooth(x, "moving", axis, window=window, edges=edges, value=1.5)
    close(got, filtered(x, np.full(window, 1 / window), window // 2, axis, edges, 1.5), dtype)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), sigma=st.floats(0.2, 4),
       truncate=st.floats(0, 5), edges=st.sampled_from(sorted(PAD)), seed=st.integers(0, 2**32))
def test_gaussian(shape, dtype, sigma, truncate, edges, seed):
    x = cube(shape, dtype, seed)
    radius = int(truncate * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    got = dc.smooth(x, "gaussian", 0, sigma=sigma, truncate=truncate, edges=edges)
    close(got, filtered(x, weights / weights.sum(), radius, 0, edges), dtype)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), axis=st.data(), blend=st.floats(0, 1),
       omit=st.booleans(), seed=st.integers(0, 2**32))
def test_mean(shape, dtype, axis, blend, omit, seed):
    axis = axis.draw(st.integers(-len(shape), len(shape) - 1))
    x = cube(shape, dtype, seed, 0.1)
    x[..., 0] = 1.0
    mean = (np.nanmean if omit else np.mean)(np.where(np.all(np.isnan(x), axis, keepdims=True),
                                                      0, x).astype(np.float64), axis, keepdims=True)
    got = dc.smooth(x, "mean", axis, blend=blend, omit_nan=omit)
    expected = x * (1 - blend) + blend * mean
    expected[np.broadcast_to(np.all(np.isnan(x), axis, keepdims=True), x.shape)] = np.nan
    close(got, expected, dtype)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), axes=st.data(), ddof=st.integers(0, 1),
       seed=st.integers(0, 2**32))
def test_standardize(shape, dtype, axes, ddof, seed):
    axes = tuple(axes.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1)))
    x = cube(shape, dtype, seed)
    wide, n = x.astype(np.longdouble), np.prod([shape[a] for a in axes])
    distance = wide - wide.mean(axes, keepdims=True)
    std = np.sqrt((distance**2).sum(axes, keepdims=True) / max(n - ddof, 1))
    expected = distance / np.where(std == 0, 1, std) if n > ddof else np.full(shape, np.nan)
    close(dc.standardize(x, axes, ddof=ddof), expected.astype(np.float64), dtype)


@given(shape=SHAPES, dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32))
def test_minmax(shape, dtype, seed):
    x = cube(shape, dtype, seed)
    low, high = x.min(keepdims=True), x.max(keepdims=True)
    got = dc.minmax(x, None)
    helpers.assert_same_bits(got, (x - low) / np.where(high == low, 1, high - low).astype(dtype))


def test_missing_values():
    x = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    assert np.isnan(dc.standardize(x)[0]).all() and np.isfinite(dc.standardize(x)[1]).all()
    np.testing.assert_array_equal(dc.standardize(x, omit_nan=True)[0], [-1.0, np.nan, 1.0])
    np.testing.assert_array_equal(dc.minmax(x, omit_nan=True)[0], [0.0, np.nan, 1.0])
    moved = dc.smooth(np.array([1.0, np.nan, 3.0, 4.0, 5.0]), window=3)
    assert np.isnan(moved).tolist() == [True, True, True, False, False]
    assert dc.smooth(np.zeros((0, 4))).shape == (0, 4)


CALLS = {
    "moving": lambda x, **k: dc.smooth(x, "moving", -1, **k),
    "gaussian": lambda x, **k: dc.smooth(x, "gaussian", 1, sigma=2.0, **k),
    "mean": lambda x, **k: dc.smooth(x, "mean", 0, **k),
    "standardize": lambda x, **k: dc.standardize(x, (-2, -1), **k),
    "minmax": lambda x, **k: dc.minmax(x, (0, 2), **k),
}


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("dtype", DTYPES)
def test_isas_threads_layouts_and_devices(name, dtype):
    call, x = CALLS[name], cube((30, 40, 50), dtype, 7, 0.01)
    with dc.options(device="cpu", isa="baseline", threads=1):
        expected = call(x)
    for isa in dc.topology()["isas"]:
        for threads in (1, 2):
            with dc.options(device="cpu", isa=isa, threads=threads):
                helpers.assert_same_bits(call(x), expected, isa)
    for same in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=1)[:, ::2]):
        out = np.empty(same.shape[::-1], dtype).T
        assert call(same, out=out) is out
        helpers.assert_same_bits(out, expected)
    for device in dc.devices():
        if device["kind"] == "opencl" and device["usable"] and device["exact"]:
            helpers.assert_same_bits(call(x, device=device["id"]), expected, device["id"])
            chained = call(dc.to_device(x, device["id"]))
            helpers.assert_same_bits(chained.numpy(), expected, device["id"])


def test_refusals():
    x = np.zeros((3, 4))
    for call, error, words in (
            (lambda: dc.smooth(x, "median"), ValueError, "method = 'median'"),
            (lambda: dc.smooth(x, sigma=2.0), TypeError, "has no option sigma"),
            (lambda: dc.smooth(x, window=0), ValueError, "window is 0, must be 1 to 1048576"),
            (lambda: dc.smooth(x, edges="mirror"), ValueError, "edges = 'mirror'"),
            (lambda: dc.smooth(x, axis=2), ValueError, "axis = 2, must be -2 to 1"),
            (lambda: dc.standardize(x, (0, -2)), ValueError, "an axis twice"),
            (lambda: dc.standardize(x, ()), ValueError, "at least one axis"),
            (lambda: dc.standardize(x, ddof=-1), ValueError, "ddof is -1"),
            (lambda: dc.minmax(x, out=x), ValueError, "overlaps"),
            (lambda: dc.minmax(x.astype(complex)), TypeError, "complex128")):
        with pytest.raises(error, match=words.replace("(", r"\(")):
            call()


def test_reanalysis_cube(real_data):
    """Wind fields: standardised over latitude and longitude, smoothed along longitude."""
    fields = np.load(os.path.join(real_data, "era_interim_uvz.npy"), mmap_mode="r")
    got = dc.standardize(fields, (-2, -1))
    wide = np.asarray(fields, np.float64)
    expected = (wide - wide.mean((-2, -1), keepdims=True)) / wide.std((-2, -1), keepdims=True)
    np.testing.assert_allclose(got, expected, atol=2e-4)
    smooth = dc.smooth(fields, "moving", -1, window=5, edges="wrap")
    np.testing.assert_allclose(smooth, filtered(wide, [0.2] * 5, 2, -1, "wrap"), rtol=1e-4,
                               atol=1e-3 * np.abs(wide).max())

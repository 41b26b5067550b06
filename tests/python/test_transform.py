"""Rearranged cubes against NumPy."""

import doctest

import dualcube as dc
import numpy as np
import pytest
from dualcube import transform
from hypothesis import given
from hypothesis import strategies as st

import helpers

DEVICES = ["cpu"] + (["opencl"] if any(d["usable"] and d["id"] != "cpu" for d in dc.devices())
                     else [])
DTYPES = ["bool", "int8", "uint16", "float16", "int32", "float32", "float64", "complex64",
          "datetime64[s]"]


def cube(shape, dtype="float32", seed=0):
    raw = np.random.default_rng(seed).integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    if dtype == "bool":
        raw &= 1
    return raw.view(dtype)[..., 0]


def same(result, expected):
    assert result.dtype == expected.dtype and result.shape == expected.shape
    assert result.tobytes() == np.ascontiguousarray(expected).tobytes()


@st.composite
def views(draw):
    """Arrays of any dtype and layout."""
    ndim = draw(st.integers(1, 5))
    shape = draw(st.lists(st.integers(0, 6), min_size=ndim, max_size=ndim))
    x = cube(shape, draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99)))
    x = x.transpose(draw(st.permutations(range(ndim))))
    return x[tuple(slice(None, None, draw(st.sampled_from([1, 2, -1]))) for _ in range(ndim))]


@given(views(), st.data())
def test_views_of_any_dtype(x, data):
    axes = data.draw(st.permutations(range(x.ndim)))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    shifts = data.draw(st.lists(st.integers(-9, 9), min_size=x.ndim, max_size=x.ndim))
    same(dc.transpose(x, axes), x.transpose(axes))
    same(dc.transpose(x), x.T)
    same(dc.flip(x, axis), np.flip(x, axis))
    same(dc.flip(x), np.flip(x))
    same(dc.roll(x, shifts, tuple(range(x.ndim))), np.roll(x, shifts, tuple(range(x.ndim))))
    same(dc.roll(x, shifts[0]), np.roll(x, shifts[0]))
    same(dc.stack([x, x[...], x], axis), np.stack([x, x, x], axis))
    same(dc.concatenate([x, x], axis), np.concatenate([x, x], axis))
    if x.shape[axis]:
        index = data.draw(st.lists(st.integers(0, x.shape[axis] - 1), max_size=8))
        same(dc.take(x, index, axis), np.take(x, np.array(index, int), axis))
        window = data.draw(st.integers(1, x.shape[axis]))
        expected = np.lib.stride_tricks.sliding_window_view(x, window, axis)
        same(dc.sliding_window_view(x, window, axis, copy=True), expected)
        assert np.shares_memory(dc.sliding_window_view(x, window, axis), x) or not x.size


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("periods", [0, 1, -2, 9])
def test_lag(dtype, periods):
    x = cube((5, 7), dtype)
    for axis in (0, 1, -1):
        expected = np.roll(x, periods, axis)
        head = [slice(None)] * 2
        head[axis] = slice(0, periods) if periods >= 0 else slice(periods, None)
        expected[tuple(head)] = 3
        same(dc.lag(x, periods, axis, fill=3), expected)
    if dtype == "int16":
        with pytest.raises(ValueError, match="fill must be given for dtype int16"):
            dc.lag(x)
    else:
        assert np.isnan(dc.lag(x, 2)[:2]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_diff_and_affine(dtype):
    x = helpers.series("spikes", 40, 30, dtype, 0.1, 0.05, 1)
    with np.errstate(invalid="ignore"):
        difference = x[3:] - x[:-3]
        assert np.array_equal(dc.diff(x, 3)[3:], difference, equal_nan=True)
        assert np.isnan(dc.diff(x, 3)[:3]).all()
        assert np.array_equal(dc.diff(x, -3)[:-3], -difference, equal_nan=True)
        rows = np.linspace(-2, 2, 30, dtype=dtype)
        scaled = x * rows + np.asarray(0.25, dtype)
        assert np.array_equal(dc.affine(x, rows, 0.25, axis=1), scaled, equal_nan=True)
        limited = np.minimum(np.maximum(scaled, -1), rows + 1)
        same(np.nan_to_num(dc.affine(x, rows, 0.25, -1, rows + 1, axis=-1)), np.nan_to_num(limited))
    y = dc.expand(x, [0.925, 0.975, 1.025, 1.075], axis=1)
    factors = np.array([0.925, 0.975, 1.025, 1.075], dtype)
    assert np.array_equal(y, x[:, None] * factors[:, None], equal_nan=True)
    assert dc.diff(np.arange(5)).dtype == np.float64


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_process_batch(device, dtype):
    random = np.random.default_rng(2)
    samples = [random.normal(size=(3, 2, 4, 3, 5, 6)).astype(dtype) for _ in range(4)]
    samples[1][0, 0, 0, 0, 0, 0] = np.nan
    for axes in (None, (0, 1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1, 0), (3, 0, 1, 6, 2, 4, 5)):
        inputs, targets = dc.process_batch(samples, axes, 0.25, 7, place=11, device=device)
        expected = np.stack(samples).transpose((0, 2, 1, 3, 4, 5, 6) if axes is None else axes)
        same(inputs, expected)
        noise = dc.random.normal(expected.shape, 7, 11, dtype, std=0.25)
        assert np.array_equal(targets, expected + noise, equal_nan=True)
    plain = dc.process_batch(np.stack(samples), noise_std=0, device=device)
    same(plain[0], np.stack(samples).transpose(0, 2, 1, 3, 4, 5, 6))
    same(plain[1], plain[0])
    out = (np.empty_like(plain[0]), np.empty_like(plain[0])[..., ::1])
    assert dc.process_batch(samples, noise_std=0, out=out, device=device)[1] is out[1]
    same(out[1], plain[0])


@pytest.mark.parametrize("samples, axes, std, says", [
    ([], None, 0, "samples is empty"),
    ([np.zeros((2, 3)), np.zeros((3, 2))], None, 0, r"samples\[1\].shape\[0\] is 3, must be 2"),
    ([np.zeros((2, 3)), np.zeros((2, 3), "f4")], None, 0, "dtype float32, must be float64"),
    ([np.zeros((2, 3))], (0, 1, 1), 0, "axes must hold each of 0 ... 2 once"),
    ([np.zeros((2, 3))], (0, 1), 0, "axes has 2 entries, must have 3"),
    ([np.zeros((2, 3))], None, -1, "noise_std is -1, must be at least 0"),
])
def test_bad_batches(samples, axes, std, says):
    with pytest.raises(ValueError, match=says):
        dc.process_batch(samples, axes, std)


def test_out_and_bad_calls():
    x = cube((4, 6), "int32")
    out = np.zeros((6, 8), "int32")[:, ::2]
    assert dc.transpose(x, out=out) is out
    same(np.ascontiguousarray(out), x.T)
    packed = np.zeros(6, [("a", "i1"), ("b", "i4", 4)])["b"]
    dc.transpose(x, out=packed)
    same(np.ascontiguousarray(packed), x.T)
    for call, says in [
            (lambda: dc.transpose(x, (0, 0)), "axes"),
            (lambda: dc.transpose(x, out=x), "shape"),
            (lambda: dc.roll(x, 1, axis=2), "axis is 2, must be -2 ... 1"),
            (lambda: dc.take(x, [0, -1]), r"index\[1\] is -1, must be 0 ... 3"),
            (lambda: dc.take(x, [0, 1, 4]), r"index\[2\] is 4, must be 0 ... 3"),
            (lambda: dc.concatenate([x, x.T]), "samples"),
            (lambda: dc.stack([x, x[1:]]), "samples"),
            (lambda: dc.sliding_window_view(x, 5, 0), "window_shape holds 5, must be 1 ... 4"),
            (lambda: dc.affine(x, [1.0, 2.0, 3.0]), "scale has 1 axes and 3 elements")]:
        with pytest.raises(ValueError, match=says):
            call()
    for call in (lambda: dc.transpose(np.zeros(3, "c16")), lambda: dc.take(x, [0.5]),
                 lambda: dc.transpose(np.array([object()])), lambda: dc.affine(np.zeros(3, "f2"), 2)):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("device", DEVICES)
def test_chain_on_a_device(device):
    x = cube((6, 5, 40), "float32", 3)
    x = np.where(np.isfinite(x), x, 1).astype("float32")
    a = dc.to_device(x, device)
    before = dc.counters()["bytes_to_host"]
    b = dc.roll(dc.flip(dc.transpose(a, (2, 0, 1)), 1), 3, 0)
    c = dc.take(dc.stack([b, b], axis=1), np.array([3, 0, 3]), axis=0)
    d, e = dc.process_batch([c, c], noise_std=0.5, seed=1, device=device)
    if device != "cpu":
        assert dc.counters()["bytes_to_host"] == before
    expected = np.roll(np.flip(x.transpose(2, 0, 1), 1), 3, 0)
    expected = np.take(np.stack([expected, expected], 1), [3, 0, 3], 0)
    same(c.numpy(), expected)
    same(d.numpy(), np.stack([expected] * 2).swapaxes(1, 2))
    noise = dc.random.normal(e.shape, 1, std=0.5)
    assert np.array_equal(e.numpy(), d.numpy() + noise, equal_nan=True)
    f = dc.affine(dc.lag(a, 1, 0), 2.0, low=0.0)
    assert np.isnan(f.numpy()[0]).all()


def test_examples():
    assert doctest.testmod(transform).failed == 0

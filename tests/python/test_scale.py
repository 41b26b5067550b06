"""Filling, bounding, scaling and quantising against NumPy and pandas."""

import dualcube as dc
import numpy as np
import pandas as pd
import pytest


def table(rng, rows=300, columns=7, missing=0.3, dtype=np.float64):
    x = rng.normal(size=(rows, columns)) * 10
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(dtype)


def same(got, want):
    assert got.dtype == want.dtype and np.array_equal(got, want, equal_nan=True)


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("shape", ((0, 3), (1, 3), (257, 3), (5, 2, 3), (40, 2000), (3, 5000, 3)))
def test_rescale_bits(rng, dtype, shape):
    x = rng.normal(size=shape).astype(dtype)
    columns = shape[-1]
    center, scale = rng.normal(size=columns).astype(dtype), rng.random(columns).astype(dtype) + 1
    same(dc.rescale(x, center, scale), (x - center) / scale)
    same(dc.rescale(x, center, scale, inverse=True), x * scale + center)
    same(dc.rescale(x.T, center.reshape(-1, *[1] * (x.ndim - 1)), dtype(2)),
         (x.T - center.reshape(-1, *[1] * (x.ndim - 1))) / dtype(2))
    same(dc.rescale(x[::-1], low=0.0, high=0.5), np.clip(x[::-1], dtype(0), dtype(0.5)))
    one = rng.normal(size=shape).astype(dtype)
    same(dc.rescale(x, one), x - one)


def test_kinds_of_input(rng):
    x = table(rng)
    frame = pd.DataFrame(x, index=np.arange(300) * 2, columns=list("abcdefg"))
    got = dc.rescale(frame, 1.0, 2.0)
    assert list(got.columns) == list("abcdefg") and got.index.equals(frame.index)
    same(got.to_numpy(), (x - 1) / 2)
    same(dc.rescale(np.arange(5), 1), np.arange(5.0) - 1)
    on_device = dc.to_device(x, device="cpu")
    same(dc.rescale(on_device, np.arange(7.0), 3.0).numpy(), (x - np.arange(7.0)) / 3)
    out = np.empty_like(x)
    assert dc.clip(x, -1, 1, out=out) is out
    same(dc.fill_forward(frame["b"]).to_numpy(), frame["b"].ffill().to_numpy())


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("limit", (None, 1, 3))
@pytest.mark.parametrize("missing", (0.3, 0.9, 1.0))
def test_filling_is_pandas(rng, dtype, limit, missing):
    x = table(rng, missing=missing, dtype=dtype)
    frame = pd.DataFrame(x)
    same(dc.fill_forward(x, limit), frame.ffill(limit=limit).to_numpy())
    same(dc.fill_backward(x, limit), frame.bfill(limit=limit).to_numpy())
    same(dc.fill_forward(x.T, limit, axis=1), frame.ffill(limit=limit).to_numpy().T)
    same(dc.fill(x, np.arange(7)), np.where(np.isnan(x), np.arange(7, dtype=dtype), x))
    for ends in (True, False):
        want = frame.astype(np.float64).interpolate(
            limit=limit, limit_direction="both", limit_area=None if ends else "inside")
        got = dc.interpolate(x, limit, ends=ends)
        assert np.array_equal(np.isnan(got), want.isna().to_numpy())
        tolerance = 1e-12 if dtype == np.float64 else 1e-4
        assert np.nanmax(np.abs(got - want.to_numpy()), initial=0) < tolerance


def test_infinities():
    x = np.array([np.nan, np.inf, -np.inf, 1.0])
    same(dc.fill(x, 0.0), np.array([0.0, np.inf, -np.inf, 1.0]))
    same(dc.fill(x, 0.0, inf="missing"), np.array([0.0, 0.0, 0.0, 1.0]))
    same(dc.fill(x, 0.0, inf="clip", low=-5, high=5), np.array([0.0, 5.0, -5.0, 1.0]))
    same(dc.fill_backward(x, inf="missing"), np.ones(4))


def test_bounds(rng):
    x, low, high = table(rng), -np.arange(7.0), np.arange(7.0)
    same(dc.clip(x, low, high), np.clip(x, low, high))
    beyond = (x < low) | (x > high)
    same(dc.mask_outside(x, low, high), np.where(beyond, np.nan, x))
    same(dc.count_outside(x, low, high), beyond.sum(axis=0))
    same(dc.count_outside(x, low, high, axis=1), beyond.sum(axis=1))
    assert dc.count_missing(x, axis=None) == np.isnan(x).sum()
    same(dc.count_missing(x), np.isnan(x).sum(axis=0))
    same(dc.count_missing(np.empty((0, 2))), np.zeros(2, np.int64))


def test_powers(rng):
    x = np.exp(rng.normal(size=(200, 3)))
    power = np.array([0.5, 0.0, -1.2])
    want = np.where(power == 0, np.log(x), (x**power - 1) / np.where(power == 0, 1, power))
    got = dc.power_transform(x, power, "box_cox")
    assert np.allclose(got, want, rtol=1e-13, atol=1e-14)
    assert np.allclose(dc.power_transform(got, power, "box_cox", inverse=True), x, rtol=1e-13)
    y = rng.normal(size=(200, 3)) * 3
    back = dc.power_transform(dc.power_transform(y, 0.7), 0.7, inverse=True)
    assert np.allclose(back, y, rtol=1e-13)
    assert np.allclose(dc.power_transform(x, function="log1p"), np.log1p(x), rtol=1e-15)
    same(dc.power_transform(x, function="sqrt"), np.sqrt(x))
    with pytest.raises(ValueError, match="needs lmbda"):
        dc.power_transform(x)


@pytest.mark.parametrize("source", (np.float32, np.float64))
def test_float16_is_numpys(rng, source):
    x = np.concatenate([rng.normal(size=3000) * 10.0**rng.integers(-9, 6, 3000),
                        [0.0, -0.0, np.inf, -np.inf, 65504, 65519.99, 65520, 2.0**-25, 1e-30]])
    x = x.astype(source)
    with np.errstate(over="ignore"):
        want = x.astype(np.float16)
    got = dc.quantize(x, dtype="float16")
    assert np.array_equal(got.view(np.uint16), want.view(np.uint16))
    same(dc.dequantize(got), want.astype(np.float64))
    finite = np.isfinite(x) & np.isinf(want)
    assert dc.count_saturated(x, dtype="float16") == finite.sum()
    assert not dc.fits_float16(x) and dc.fits_float16(x[np.abs(x) > 1][:9] % 8 + 1)


@pytest.mark.parametrize("dtype", ("int8", "uint8", "int16", "uint16"))
@pytest.mark.parametrize("symmetric", (True, False))
def test_codes(rng, dtype, symmetric):
    x = rng.normal(size=(500, 4)) * [1, 10, 0.1, 0] + [0, 5, -3, 0]
    zero, scale = dc.quantization(x.min(axis=0), x.max(axis=0), dtype, symmetric)
    q = dc.quantize(x, scale, zero, dtype)
    info = np.iinfo(dtype)
    same(q, np.clip(np.rint(x / scale) + zero, info.min, info.max).astype(dtype))
    assert dc.count_saturated(x, scale, zero, dtype) == 0
    back = dc.dequantize(q, scale, zero)
    assert (np.abs(back - x) <= scale * (0.5 + 1e-9) + scale * (not symmetric)).all()
    assert (dc.dequantize(dc.quantize(np.zeros((1, 4)), scale, zero, dtype), scale, zero) == 0).all()
    assert dc.count_saturated(x * 3, scale, zero, dtype) > 0
    same(dc.dequantize(q, scale, zero, "float32"),
         (q.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32))


def test_calibration(rng):
    x = rng.normal(size=(1000, 3)) * [1, 10, 100]
    zero, scale = dc.calibrate(x, "uint8", axis=1)
    assert zero.shape == scale.shape == (1, 3)
    assert dc.count_saturated(x, scale, zero, "uint8") == 0
    assert np.abs(dc.dequantize(dc.quantize(x, scale, zero, "uint8"), scale, zero) - x).max() < 2
    zero, scale = dc.calibrate(x[:, 0], percentiles=(0.5, 99.5), symmetric=True)
    assert zero == 0 and 0 < dc.count_saturated(x[:, 0], scale, zero) <= 10
    q = dc.quantize(x, 0.5, 0, "int16")
    same(dc.requantize(q, 0.5, 0, 1.0, 1, "int16"),
         np.clip(np.rint(q * 0.5) + 1, -32768, 32767).astype(np.int16))
    with pytest.raises(ValueError, match="empty"):
        dc.calibrate(x[:0])


def test_refusals(rng):
    x = table(rng)
    for call, word in ((lambda: dc.rescale(x, np.arange(6)), "must be 1 or 7"),
                       (lambda: dc.rescale(x, low=2, high=1), "low is 2"),
                       (lambda: dc.fill_forward(x, axis=2), "axis is 2"),
                       (lambda: dc.fill_forward(x, limit=-1), "limit is -1"),
                       (lambda: dc.fill(x, inf="clip"), "needs low and high"),
                       (lambda: dc.fill(x, inf="other"), "must be one of"),
                       (lambda: dc.clip(x, 0, 1, out=np.empty(3)), "out has shape"),
                       (lambda: dc.count_missing(x, axis=5), "axis = 5")):
        with pytest.raises(ValueError, match=word):
            call()
    with pytest.raises(TypeError, match="numbers"):
        dc.clip(x, ["a"], 1)


def test_same_bits_on_a_device(rng, opencl):
    x = table(rng)
    with dc.options(device=opencl):
        there = [dc.rescale(x, np.arange(7), 3.0), dc.interpolate(x), dc.power_transform(x, 0.3),
                 dc.quantize(x, 0.1)]
    with dc.options(device="cpu", isa="baseline"):
        here = [dc.rescale(x, np.arange(7), 3.0), dc.interpolate(x), dc.power_transform(x, 0.3),
                dc.quantize(x, 0.1)]
    for a, b in zip(there, here):
        assert a.tobytes() == b.tobytes()

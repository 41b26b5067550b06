"""Reductions against NumPy; states and pickling."""

import pickle
import warnings

import numpy as np
import pytest

import dualcube as dc

AXES = [0, 1, -1, (0, 2), (1, 2), None, (0, 1, 2)]


def cube(dtype, missing=0.1, shape=(23, 7, 5)):
    rng = np.random.default_rng(3)
    x = (rng.normal(size=shape) * 3 + 10).astype(dtype)
    x[rng.random(shape) < missing] = np.nan
    return x


def close(got, want, dtype):
    tolerance = 3e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "min", "max", "median"])
def test_like_numpys_nan_functions(name, axis, dtype):
    x = cube(dtype)
    extra = {"ddof": 1} if name in ("var", "std") else {}
    want = getattr(np, "nan" + name)(x.astype("float64"), axis=axis, **extra)
    got = getattr(dc, name)(x, axis=axis, keepdims=False)
    assert np.shape(got) == np.shape(want) and got.dtype == dtype
    close(got, want, dtype)
    kept = getattr(dc, name)(x, axis=axis, keepdims=True)
    assert kept.shape == np.nansum(x, axis=axis, keepdims=True).shape
    assert np.array_equal(np.ravel(kept), np.ravel(got), equal_nan=True)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "min", "max", "median"])
def test_skipna_false_is_numpys_own(name):
    x = cube("float64", 0.02)
    extra = {"ddof": 1} if name in ("var", "std") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = getattr(np, name)(x, axis=0, **extra)
    close(getattr(dc, name)(x, skipna=False), want, "float64")


@pytest.mark.parametrize("axis", AXES)
def test_whole_numbers(axis):
    x = cube("float64")
    if axis is None or isinstance(axis, int):
        for name in ("argmin", "argmax"):
            got = getattr(dc, name)(x, axis=axis)
            assert got.dtype == np.int64
            assert np.array_equal(got, getattr(np, "nan" + name)(x, axis=axis))
    assert np.array_equal(dc.count(x, axis=axis), np.sum(~np.isnan(x), axis=axis))
    assert np.array_equal(dc.any_finite(x, axis=axis), np.any(np.isfinite(x), axis=axis))
    assert np.array_equal(dc.all_finite(x, axis=axis), np.all(np.isfinite(x), axis=axis))
    assert np.asarray(dc.all_finite(x, axis=axis)).dtype == np.bool_


@pytest.mark.parametrize("how", ["linear", "lower", "higher", "nearest", "midpoint"])
@pytest.mark.parametrize("rows", [1, 2, 50, 3000])
def test_quantiles(how, rows):
    x = cube("float64", 0.05, (rows, 3))
    q = [0.0, 0.1, 0.5, 0.77, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = np.nanquantile(x, q, axis=0, method=how)
    got = dc.quantile(x, q, interpolation=how)
    assert got.shape == want.shape
    close(got, want, "float64")
    assert np.array_equal(dc.quantile(x, 0.77, interpolation=how), got[3], equal_nan=True)


def test_quantile_of_all():
    x = cube("float32")
    assert np.shape(dc.quantile(x, 0.3, axis=None)) == ()
    assert dc.quantile(x, [0.3, 0.4], axis=None).shape == (2,)
    assert dc.quantile(x, 0.3, axis=1, keepdims=True).shape == (23, 1, 5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_histogram(dtype):
    x = cube(dtype, 0)[:, 0, 0]
    for bins in (1, 10, [5.0, 9.0, 9.5, 12.0]):
        counts, edges = dc.histogram(x, bins)
        want, where = np.histogram(x, bins)
        assert np.array_equal(counts, want)
        close(edges, where, dtype)
    counts, _ = dc.histogram(cube(dtype), 4, (0, 20), axis=(0, 2))
    assert counts.shape == (4, 7)
    for column in range(7):
        assert np.array_equal(counts[:, column],
                              np.histogram(cube(dtype)[:, column], 4, (0, 20))[0])
    assert np.array_equal(dc.histogram(np.full(5, 3.0))[0], np.histogram(np.full(5, 3.0))[0])


def test_top_k():
    x = cube("float64", 0)
    values, places = dc.top_k(x, 4, axis=1)
    order = np.argsort(-x, axis=1, kind="stable")[:, :4]
    assert values.shape == (23, 4, 5) and np.array_equal(places, order)
    assert np.array_equal(values, np.take_along_axis(x, order, 1))
    values, places = dc.top_k(x, 3, axis=None, largest=False)
    assert np.array_equal(values, np.sort(x, axis=None)[:3])
    assert np.array_equal(x.ravel()[places], values)
    values, places = dc.top_k(np.array([1.0, np.nan]), 3)
    assert np.array_equal(values, [1, np.nan, np.nan], equal_nan=True)
    assert places.tolist() == [0, -1, -1]


def test_integers_outputs_and_device_arrays():
    whole = np.arange(12).reshape(3, 4)
    assert np.array_equal(dc.sum(whole), whole.sum(0)) and dc.sum(whole).dtype == np.float64
    out = np.zeros((2, 4))[::2].reshape(4)
    assert dc.max(whole, out=out) is out and out.tolist() == [8, 9, 10, 11]
    x = cube("float64")
    there = dc.to_device(x, device="cpu")
    assert np.array_equal(dc.mean(there, axis=(0, 2)).numpy(), dc.mean(x, axis=(0, 2)))
    assert dc.count(there, axis=None).numpy()[0] == dc.count(x, axis=None)
    assert np.array_equal(dc.top_k(there, 2, axis=1)[0].numpy(), dc.top_k(x, 2, axis=1)[0],
                          equal_nan=True)


def test_names_leave_the_builtins_alone():
    space = {}
    exec("from dualcube import *", space)  # pylint: disable=exec-used
    assert not {"sum", "min", "max"} & set(space)
    assert "median" in space and dc.sum is not sum


@pytest.mark.parametrize("call, error", [
    (lambda: dc.mean(np.zeros(3), axis=1), ValueError),
    (lambda: dc.mean(np.zeros((3, 2)), axis=(0, 0)), ValueError),
    (lambda: dc.mean(np.zeros(3), axis=0.5), TypeError),
    (lambda: dc.var(np.zeros(3), ddof=-1), ValueError),
    (lambda: dc.quantile(np.zeros(3), 1.5), ValueError),
    (lambda: dc.quantile(np.zeros(3), []), ValueError),
    (lambda: dc.top_k(np.zeros(3), 0), ValueError),
    (lambda: dc.histogram(np.zeros(3), 0), ValueError),
    (lambda: dc.histogram(np.zeros(3), [1.0]), ValueError),
    (lambda: dc.histogram(np.array([1.0, np.inf])), ValueError),
    (lambda: dc.sum(np.zeros(3), out=np.zeros(2)), ValueError),
    (lambda: dc.sum(np.zeros(3, complex)), TypeError),
    (lambda: dc.ReduceState("median"), ValueError),
    (lambda: dc.ReduceState.from_bytes(b"nonsense", "sum"), ValueError),
])
def test_bad_input(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize("kind", ["count", "sum", "mean", "var", "std", "min", "max", "argmin",
                                  "argmax", "any_finite", "all_finite", "histogram", "top_k"])
def test_states(kind):
    x = cube("float64", 0.02, (1000, 4))
    options = {"histogram": {"bins": [0.0, 5.0, 20.0]}, "top_k": {"k": 3}}.get(kind, {})
    parts = []
    for first, end in ((700, 1000), (0, 333), (333, 700)):
        state = dc.ReduceState(kind, (4,), **options)
        state.update(x[first:end], first_row=first)
        parts.append(pickle.loads(pickle.dumps(state)))
    parts[0].merge(parts[1])
    parts[0].merge(parts[2])
    assert parts[0].rows == 1000
    with pytest.raises(ValueError, match="overlap"):
        parts[0].merge(parts[1])
    got, want = parts[0].result(), getattr(dc, kind)(x, **options)
    if kind == "histogram":
        want = want[0]
    if kind != "top_k":
        got, want = (got,), (want,)
    for one, other in zip(got, want):
        assert one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaves_without_values_on_a_device(dtype, opencl):
    """A leaf of 256 rows has values, its neighbours none; more leaves than one block has."""
    for leaf in (0, 1, 15, 16, 63, 64):
        x = np.full(256 * 65, np.nan, dtype)
        x[256 * leaf:256 * leaf + 4] = (10, 11, 12, 14)
        for name in ("var", "std"):
            got = getattr(dc, name)(x, device=opencl)
            assert got == getattr(dc, name)(x, device="cpu"), (leaf, name)
            assert abs(got - getattr(np, name)([10, 11, 12, 14], ddof=1)) < 1e-6

"""Correlation against NumPy, bit by bit."""

import doctest

import dualcube as dc
import numpy as np
import pytest
from dualcube import correlation


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("shape", ((0,), (1,), (7,), (1000, 3), (2, 3, 4, 5)))
def test_bits(dtype, shape):
    rng = np.random.default_rng(5)
    x = rng.normal(size=shape).astype(dtype)
    a, b = dtype(1.7), dtype(-0.3)
    want = a * x + b
    assert want.dtype == dtype
    for view, expected in ((x, want), (x[::-1], want[::-1]), (x.T, want.T)):
        got = dc.correlation_scale(view, a, b)
        assert got.dtype == dtype and np.array_equal(got, expected)


def test_missing_and_integers():
    got = dc.correlation_scale([1.0, np.nan, np.inf], 2.0)
    assert np.array_equal(got, [2.0, np.nan, np.inf], equal_nan=True)
    assert dc.correlation_scale(np.arange(3), 2, 1).tolist() == [1.0, 3.0, 5.0]


def test_out_and_errors():
    x, out = np.arange(4.0), np.empty(4)
    assert dc.correlation_scale(x, 3.0, out=out) is out and out.tolist() == [0.0, 3.0, 6.0, 9.0]
    with pytest.raises(ValueError, match="a is nan"):
        dc.correlation_scale(x, float("nan"))
    with pytest.raises(ValueError, match="shape"):
        dc.correlation_scale(x, out=np.empty(3))


def test_examples():
    result = doctest.testmod(correlation)
    assert result.failed == 0 and result.attempted > 0

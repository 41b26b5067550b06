"""Covariances and correlations against NumPy, pandas and SciPy."""

import doctest
import importlib

import dualcube as dc
import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of pandas, of few rows


def table(rows, columns, missing=0.0, seed=3, dtype=np.float64, offset=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) + 0.5 * rng.normal(size=(rows, 1)) + offset
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(dtype)


@pytest.mark.parametrize("dtype, tolerance", ((np.float64, 1e-12), (np.float32, 2e-5)))
@pytest.mark.parametrize("missing", (0.0, 0.05, 0.7))
@pytest.mark.parametrize("shape", ((1, 1), (2, 3), (3, 2), (300, 7), (1000, 70), (5000, 3)))
def test_as_pandas(shape, missing, dtype, tolerance):
    x = table(*shape, missing, dtype=dtype)
    frame = pd.DataFrame(x.astype(np.float64))
    for periods in (1, 5):
        # two values and a correlation of 1, or rounding around them, tell little apart
        got, want = dc.correlation(x, min_periods=periods), frame.corr(min_periods=periods)
        np.testing.assert_allclose(got, want, rtol=0, atol=20 * tolerance)
        got, want = dc.covariance(x, min_periods=periods), frame.cov(min_periods=periods)
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * 4)
        assert got.dtype == dtype and np.array_equal(got, got.T, equal_nan=True)


@pytest.mark.parametrize("dtype, tolerance", ((np.float64, 1e-13), (np.float32, 1e-6)))
@pytest.mark.parametrize("ties", (False, True))
@pytest.mark.parametrize("missing", (0.0, 0.05, 0.7))
@pytest.mark.parametrize("shape", ((1, 1), (2, 3), (300, 7), (2000, 3)))
def test_spearman_as_pandas(shape, missing, ties, dtype, tolerance):
    x = table(*shape, missing, seed=8, dtype=dtype)
    x = np.round(x) if ties else x
    for periods in (1, 5):
        got = dc.correlation(x, "spearman", periods)
        want = pd.DataFrame(x.astype(np.float64)).corr("spearman", min_periods=periods)
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
        assert np.array_equal(got, got.T, equal_nan=True)


def test_spearman_as_scipy():
    stats = pytest.importorskip("scipy.stats")
    x = np.round(table(500, 6), 1)
    np.testing.assert_allclose(dc.correlation(x, "spearman"), stats.spearmanr(x).statistic,
                               atol=1e-13)
    x[3, 2] = np.inf  # missing, or its column has no result
    y = np.where(np.isinf(x), np.nan, x)
    assert np.array_equal(dc.correlation(x, "spearman"), dc.correlation(y, "spearman"))
    assert np.isnan(dc.correlation(x, "spearman", inf="value")[2]).all()


def test_as_numpy():
    x = table(1234, 17)
    got, means = dc.covariance(x, ddof=0, means=True)
    np.testing.assert_allclose(got, np.cov(x.T, ddof=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(means, x.mean(0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dc.correlation(x), np.corrcoef(x.T), rtol=1e-12, atol=1e-14)


def test_offset_and_scale_cost_nothing():
    x = table(2000, 6)
    want = np.corrcoef(x.T)
    np.testing.assert_allclose(dc.correlation(x + 1e8), np.corrcoef((x + 1e8 - 1e8).T), atol=1e-12)
    for factor in (1e300, 1e-300):
        np.testing.assert_allclose(dc.correlation(x * factor), want, atol=1e-12)


def test_bits_do_not_depend_on_layout_threads_or_neighbours():
    x = table(3000, 40, 0.02)
    x[:, :9] = np.nan_to_num(x[:, :9])
    want = dc.correlation(x, device="cpu", threads=1)
    for view in (np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], x[::-1][::-1]):
        assert np.array_equal(dc.correlation(view), want, equal_nan=True)
    assert np.array_equal(dc.correlation(x, threads=2), want, equal_nan=True)
    # complete columns among themselves, and with others beside
    assert np.array_equal(dc.correlation(x[:, :9]), want[:9, :9])


def test_infinities():
    x = table(100, 3)
    x[7, 1] = np.inf
    y = x.copy()
    y[7, 1] = np.nan
    assert np.array_equal(dc.covariance(x), dc.covariance(y))
    got = dc.covariance(x, inf="value")
    assert np.isnan(got[1]).all() and np.isnan(got[:, 1]).all() and got[0, 0] > 0


def test_frames_keep_their_labels():
    frame = pd.DataFrame(table(50, 3, 0.1), columns=["a", "b", "c"])
    got = dc.correlation(frame)
    pd.testing.assert_frame_equal(got, frame.corr(), atol=1e-13, rtol=0)
    got, means = dc.covariance(frame, means=True)
    pd.testing.assert_frame_equal(got, frame.cov(), atol=1e-13, rtol=0)
    pd.testing.assert_series_equal(means, frame.mean(), atol=1e-13, rtol=0)
    assert dc.covariance(frame.astype(int, errors="ignore")).shape == (3, 3)


def test_empty_and_constant():
    assert dc.correlation(np.empty((5, 0))).shape == (0, 0)
    assert np.isnan(dc.covariance(np.empty((0, 2)))).all()
    x = np.full((10, 2), 0.1)
    assert np.isnan(dc.correlation(x)).all() and (dc.covariance(x) == 0).all()


def test_wide_tables_take_little_memory():
    x = table(20, 3000, 0.01, dtype=np.float32)
    got = dc.correlation(x)
    some = [0, 1, 1499, 2999]
    want = pd.DataFrame(x[:, some].astype(np.float64)).corr()
    np.testing.assert_allclose(got[np.ix_(some, some)], want, atol=1e-4)


def test_states():
    x = table(2000, 4, 0.01)
    anchor = np.nan_to_num(x[0])
    workers = [dc.CovarianceState(anchor) for _ in range(3)]
    for number, first in enumerate(range(0, 2000, 300)):
        workers[number % 3].update(x[first:first + 300], first)
    total = workers.pop()
    for worker in workers:
        total.merge(worker)
    got, means = total.result(means=True)
    want, expected = dc.covariance(x, anchor=anchor, means=True)
    assert total.rows == 2000 and np.array_equal(got, want) and np.array_equal(means, expected)
    with pytest.raises(ValueError, match="overlap"):
        total.update(x[:10], 5)
    with pytest.raises(ValueError, match="anchors"):
        total.merge(dc.CovarianceState(anchor + 1))


def test_errors():
    with pytest.raises(ValueError, match="axes"):
        dc.correlation(np.zeros(5))
    with pytest.raises(ValueError, match="min_periods is -1"):
        dc.correlation(np.zeros((3, 2)), min_periods=-1)
    with pytest.raises(ValueError, match="method is 'kendall'"):
        dc.correlation(np.zeros((3, 2)), method="kendall")
    with pytest.raises(ValueError, match="anchor has 1 numbers, must have 2"):
        dc.covariance(np.zeros((3, 2)), anchor=[0.0])
    with pytest.raises(ValueError, match="kind"):
        dc.CovarianceState([0.0], "spearman")


def test_examples():
    result = doctest.testmod(importlib.import_module("dualcube.correlation"))
    assert result.failed == 0 and result.attempted > 0

"""Public cases in which rolling statistics of well-known libraries were or are wrong.

Each is named by the report it comes from.  The reference is the oracle's: long double, two passes,
one window at a time.
"""

import dualcube as dc
import numpy as np
import pytest

import oracle

MOMENT_ULPS = 4


def check_moments(x, window, most=MOMENT_ULPS, **options):
    for name in ("var", "std"):
        result = getattr(dc, "rolling_" + name)(x, window, **options)
        expected = oracle.rolling(name, x, window, **options)
        assert np.array_equal(np.isnan(result), np.isnan(expected))
        valid = ~np.isnan(expected)
        assert (result[valid] >= 0).all()
        worst = oracle.ulps(result[valid], expected[valid]).max()
        assert worst <= most, "%s: %.1f ulp" % (name, worst)


@pytest.mark.parametrize("window", (2, 5, 16, 60, 256))
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_offset_of_many_spreads(window, dtype, rng):
    """pandas-dev/pandas#28244, pydata/bottleneck#164: the spread drowns in the offset."""
    offset = 1e12 if dtype == np.float64 else 1e5
    check_moments((offset + rng.random(600)).astype(dtype), window)


@pytest.mark.parametrize("window", (3, 10, 16, 100))
def test_a_spike_that_has_left(window, rng):
    """pandas-dev/pandas#37051, #42064, #46049: a value of 1e9 spoils all windows after it."""
    x = rng.random(500)
    x[40] = 1e9
    check_moments(x, window)


def test_spikes_of_1e12_in_one_per_cent(rng):
    """The series on which std of pandas 1.5 and of bottleneck is wrong by a factor above 1e4."""
    x = rng.random(2000)
    x[rng.random(2000) < 0.01] = 1e12
    check_moments(x, 16)


def test_exponential_ramp():
    """pandas-dev/pandas#48950, #53289: thirty decades within one series."""
    check_moments(np.exp(np.linspace(30, -30, 800)), 16)


def test_no_negative_variance():
    """pandas-dev/pandas#52407, pola-rs/polars#21677: a variance below zero, a NaN as its root."""
    x = np.array([99999999999999.9, 1e-7, 1e-7, 1e-7, 0.3, 0.3, 0.3, 0.3 + 1e-16, 0.3])
    result = dc.rolling_var(x, 3)
    assert (result[2:] >= 0).all() and result[3] == 0 and result[6] == 0
    assert not np.isnan(dc.rolling_std(x, 3)[2:]).any()


def test_constant_windows_have_no_spread():
    """pandas-dev/pandas#54518: equal values have variance 0, whatever came before them."""
    x = np.concatenate([np.linspace(0, 1e6, 50), np.full(50, 0.1)])
    assert (dc.rolling_var(x, 20)[-31:] == 0).all()
    assert (dc.rolling_std(x.astype(np.float32), 20)[-31:] == 0).all()


def test_result_does_not_depend_on_the_start(rng):
    """pandas-dev/pandas#60053: the same window in a longer series has the same variance."""
    x = np.concatenate([rng.standard_normal(100) * 1e8, rng.standard_normal(300)])
    for name in oracle.STATISTICS:
        function = getattr(dc, "rolling_" + name)
        assert np.array_equal(function(x, 30)[200:], function(x[171:], 30)[29:]), name


@pytest.mark.parametrize("size", (1e9, 1e15, 1e300))
def test_a_sum_forgets(size):
    """pandas-dev/pandas#61071, #13254, #36031: sums of zeros after a pair of large values."""
    x = np.zeros(64)
    x[10], x[11] = size, -size / 3
    x[20:] = 0.1
    assert (dc.rolling_sum(x, 4)[24:] == 0.4).all()
    assert (dc.rolling_mean(x, 4)[24:] == 0.1).all()
    assert (dc.rolling_sum(x, 4)[15:20] == 0).all()


def test_mean_of_zeros_is_zero():
    """pydata/bottleneck#377."""
    x = np.array([0.3, 0.1, 0.2, 0.0, 0.0, 0.0, 0.0])
    assert (dc.rolling_mean(x, 3)[5:] == 0).all()


def test_window_of_one():
    """pydata/bottleneck#437: each value is its own window."""
    x = np.array([1e16, 1.0, -1e16, 3.0])
    for name in ("sum", "mean", "min", "max", "median"):
        assert np.array_equal(getattr(dc, "rolling_" + name)(x, 1), x), name
    assert np.array_equal(dc.rolling_var(x, 1, ddof=0), np.zeros(4))


def test_infinities_leave_without_trace():
    """pydata/bottleneck#111, pola-rs/polars#19001: an infinity that has left the window."""
    x = np.array([1.0, np.inf, -np.inf, 2.0, 3.0, 4.0, 5.0])
    for inf in ("missing", "value"):
        assert dc.rolling_mean(x, 2, inf=inf)[4:].tolist() == [2.5, 3.5, 4.5]
        assert dc.rolling_max(x, 2, inf=inf)[4:].tolist() == [3.0, 4.0, 5.0]
        assert dc.rolling_median(x, 2, inf=inf)[4:].tolist() == [2.5, 3.5, 4.5]


def test_missing_values_in_a_median(rng):
    """pydata/bottleneck#110: NaN anywhere in the window."""
    x = rng.standard_normal(300)
    x[rng.random(300) < 0.4] = np.nan
    result = dc.rolling_median(x, 25, min_periods=1)
    expected = oracle.rolling("median", x, 25, min_periods=1).astype(np.float64)
    assert np.array_equal(result, expected, equal_nan=True)


def test_centred_windows_at_the_edges():
    """pandas-dev/pandas#2953, #37743: clipped windows obey min_periods at both ends."""
    x = np.arange(6.0)
    result = dc.rolling_sum(x, 4, center=True, min_periods=1)
    assert result.tolist() == [1.0, 3.0, 6.0, 10.0, 14.0, 12.0]
    assert np.isnan(dc.rolling_sum(x, 4, center=True)).tolist() == [True, True] + [False] * 3 + [
        True]


def test_float32_sums_are_those_of_a_tree():
    """pydata/bottleneck#462: 2**24 plus ones never gets there by adding one at a time."""
    x = np.ones(1 << 16, dtype=np.float32)
    x[0] = 2.0**24
    assert abs(float(dc.rolling_sum(x, 1 << 16)[-1]) - (2.0**24 + (1 << 16) - 1)) <= 4

"""What a rolling statistic is, window by window, in NumPy's long double: slow and plain.

Shares nothing with the library: windows are cut out, missing values are dropped, and the rest is
summed by math.fsum() or sorted.
"""

import math

import numpy as np

STATISTICS = ("count", "sum", "mean", "var", "std", "min", "max", "median", "quantile")
INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


def window_of(row, rows, window, center, expanding):
    """(first, last) rows of a window, clipped to the series."""
    if expanding:
        return 0, row + 1
    last = row + (window - 1) // 2 if center else row
    return max(0, last - window + 1), min(rows, last + 1)


def _quantile(values, q, interpolation):
    values = np.sort(values) + 0.0  # -0 is +0
    place = q * (len(values) - 1)
    low = int(math.floor(place))
    fraction = place - low
    high = min(low + (fraction > 0), len(values) - 1)
    a, b = values[low], values[high]
    if interpolation == "lower" or low == high:
        return a
    if interpolation == "higher":
        return b
    if interpolation == "nearest":
        if fraction == 0.5:
            return a if low % 2 == 0 else b
        return a if fraction < 0.5 else b
    if interpolation == "midpoint":
        return np.longdouble(a) / 2 + np.longdouble(b) / 2
    return np.longdouble(a) + (np.longdouble(b) - np.longdouble(a)) * np.longdouble(fraction)


def _variance(values, ddof):
    """Two passes in long double over the distances from the first value, and the correction for
    what the mean was rounded by: on data offset by 1e12 times its spread, two plain passes are off
    by a thousand ulp."""
    apart = values.astype(np.longdouble) - np.longdouble(values[0])
    apart = apart - apart.sum() / len(apart)
    return ((apart**2).sum() - apart.sum() ** 2 / len(apart)) / (len(apart) - ddof)


def statistic(name, values, ddof=1, q=0.5, interpolation="linear"):
    """One statistic of the valid values of one window, NaN where it has none."""
    count = len(values)
    if name == "count":
        return float(count)
    if name == "sum":
        return math.fsum(values)
    if count == 0 or (name in ("var", "std") and count <= ddof):
        return math.nan
    if name == "mean":
        return np.longdouble(math.fsum(values)) / count
    if name == "var":
        return _variance(values, ddof)
    if name == "std":
        return np.sqrt(_variance(values, ddof))
    if name == "min":
        return values.min() + 0.0
    if name == "max":
        return values.max() + 0.0
    if name == "median":
        return _quantile(values, 0.5, "midpoint")
    return _quantile(values, q, interpolation)


def rolling(name, series, window=None, *, min_periods=None, center=False, step=1, ddof=1, q=0.5,
            interpolation="linear", expanding=False):
    """The statistic of every step-th row of one series; long double."""
    rows = len(series)
    if min_periods is None:
        min_periods = 1 if expanding else window
    if min_periods == 0 and name not in ("count", "sum"):
        min_periods = 1
    result = np.full(-(-rows // step), np.nan, dtype=np.longdouble)
    for place, row in enumerate(range(0, rows, step)):
        first, last = window_of(row, rows, window, center, expanding)
        values = series[first:last] if last > first else series[:0]
        values = values[np.isfinite(values)].astype(np.float64)
        if len(values) >= min_periods:
            result[place] = statistic(name, values, ddof, q, interpolation)
    return result


def absolute_sums(series, window, *, center=False, step=1, expanding=False):
    """Sum of |value| of every window: what the rounding error of a sum is measured against."""
    return rolling("sum", np.abs(series), window, min_periods=0, center=center, step=step,
                   expanding=expanding)


def ulps(result, expected):
    """|result - expected| in units of the last place of `expected`, in result's dtype."""
    reference = expected.astype(result.dtype)
    unit = np.spacing(np.abs(reference)).astype(np.longdouble)
    with np.errstate(invalid="ignore"):
        error = np.abs(result.astype(np.longdouble) - expected) / unit
    same = np.isnan(result) & np.isnan(expected)
    return np.where(same | (result == reference), np.minimum(np.nan_to_num(error), 0.5), error)

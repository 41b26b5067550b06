"""Estimators in scikit-learn's manner, with its names, defaults and arithmetic; scikit-learn need not
be installed.  NaN is missing; tables may be DataFrames.

>>> import numpy as np, dualcube as dc
>>> scaler = dc.StandardScaler().fit(np.array([[1.0, 10.0], [3.0, np.nan], [5.0, 30.0]]))
>>> scaler.mean_
array([ 3., 20.])
>>> scaler.transform(np.array([[3.0, 30.0]]))
array([[0., 1.]])
"""

import numpy as np

from . import _context, _memory, _scale, _statistics
from ._estimator import Estimator, NotFittedError
from ._likelihood import likelihood_power

__all__ = ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "OutlierClipper",
           "PowerTransformer", "SimpleImputer", "NotFittedError"]

_EPS = np.finfo(np.float64).eps


def _no_infinities(*statistics):
    for values in statistics:
        if np.isinf(values).any():
            raise ValueError("Input X contains infinity or a value too large for its dtype.")


class Scaler(Estimator):
    """What the scalers share: numbers per column, applied and taken back."""

    def fit_transform(self, X, y=None):
        """fit(X), then transform(X)."""
        return self.fit(X, y).transform(X)

    def _run(self, name, array, numbers, **options):
        numbers = [_scale.number_of(type(self).__name__, value, array.dtype) for value in numbers]
        result = _memory.empty(array.shape, array.dtype, array)
        return _scale.run(name, array, result, numbers, _context.queue(self.device, self.threads),
                          **options)

    def _map(self, name, X, numbers, **options):
        self._check_fitted()
        array = self._table(X, reset=False)
        return self._like(self._run(name, array, numbers, **options), X)


class Chunked(Scaler):
    """Scalers whose fit can take rows in chunks; every chunking gives the same bits."""

    _statistic = ""

    def fit(self, X, y=None):
        """Learn from the table X alone."""
        array = self._table(X, reset=True)
        self._state = None
        self._learn(getattr(_statistics, self._statistic)(array, self.device, self.threads),
                    len(array))
        return self

    def partial_fit(self, X, y=None):
        """Learn from more rows.  The first call after fit() begins anew."""
        state = getattr(self, "_state", None)
        array = self._table(X, reset=state is None)
        if state is None:
            state = _statistics.State(self._statistic, array.shape[1], array.dtype)
        state.update(array.astype(state.dtype, copy=False))
        self._state = state
        self._learn(state.result(), state.rows)
        return self

    def _more_state(self):
        return getattr(self, "_state", None)

    def _set_more_state(self, state):
        if state is not None:
            self._state = state


class StandardScaler(Chunked):
    """(x - mean) / standard deviation (divisor n) per column, as sklearn's StandardScaler.

    Attributes after fit: mean_, var_, scale_ (1 for constant columns), n_samples_seen_ (an array
    when columns have different numbers of valid values), n_features_in_, feature_names_in_.
    """

    _kind, _statistic = "standard_scaler", "moments"
    _fitted = ("mean_", "var_", "scale_", "n_samples_seen_")

    def __init__(self, *, with_mean=True, with_std=True, device="auto", threads=None):
        self.with_mean = with_mean
        self.with_std = with_std
        self.device = device
        self.threads = threads

    def _learn(self, found, rows):
        count, mean, var = found
        _no_infinities(mean, var)
        if np.isnan(var[count > 0]).any():
            raise ValueError("Input X contains infinity or a value too large for its dtype.")
        same = bool((count == count[0]).all())
        self.n_samples_seen_ = int(count[0]) if same else count.astype(np.int64)
        self.mean_ = mean
        self.var_ = var if self.with_std else None
        self.scale_ = None
        if self.with_std:
            # A spread that rounding alone can make is none.
            constant = var <= count * _EPS * var + (count * mean * _EPS) ** 2
            self.scale_ = np.where(constant, 1.0, np.sqrt(var))

    def _numbers(self):
        return (self.mean_ if self.with_mean else None), self.scale_

    def transform(self, X):
        """(x - mean_) / scale_"""
        self._check_fitted()
        return self._map("scale_apply", X, self._numbers())

    def inverse_transform(self, X):
        """x * scale_ + mean_"""
        self._check_fitted()
        return self._map("scale_inverse", X, self._numbers())


def _ranges(values):
    """Ranges to divide by: 1 for those of constant columns."""
    return np.where(values < 10 * _EPS, 1.0, values)


class MinMaxScaler(Chunked):
    """x * scale_ + min_, so that columns span feature_range, as sklearn's MinMaxScaler.

    Attributes after fit: data_min_, data_max_, data_range_, scale_, min_, n_samples_seen_,
    n_features_in_, feature_names_in_.
    """

    _kind, _statistic = "min_max_scaler", "extent"
    _fitted = ("data_min_", "data_max_", "data_range_", "scale_", "min_", "n_samples_seen_")

    def __init__(self, feature_range=(0, 1), *, clip=False, device="auto", threads=None):
        self.feature_range = feature_range
        self.clip = clip
        self.device = device
        self.threads = threads

    def _learn(self, found, rows):
        low, high = self.feature_range
        if low >= high:
            raise ValueError("Minimum of desired feature range must be smaller than maximum. Got %s."
                             % (self.feature_range,))
        _no_infinities(found)
        self.data_min_, self.data_max_ = found
        self.data_range_ = self.data_max_ - self.data_min_
        self.scale_ = (high - low) / _ranges(self.data_range_)
        self.min_ = low - self.data_min_ * self.scale_
        self.n_samples_seen_ = rows

    def transform(self, X):
        """x * scale_ + min_, held to feature_range with clip=True"""
        self._check_fitted()
        options = {}
        if self.clip:
            options = {"low": self.feature_range[0], "high": self.feature_range[1]}
        return self._map("scale_inverse", X, (self.min_, self.scale_), **options)

    def inverse_transform(self, X):
        """(x - min_) / scale_"""
        self._check_fitted()
        return self._map("scale_apply", X, (self.min_, self.scale_))


class MaxAbsScaler(Chunked):
    """x / max(|x|) per column, as sklearn's MaxAbsScaler.

    Attributes after fit: max_abs_, scale_, n_samples_seen_, n_features_in_, feature_names_in_.
    """

    _kind, _statistic = "max_abs_scaler", "extent"
    _fitted = ("max_abs_", "scale_", "n_samples_seen_")

    def __init__(self, *, device="auto", threads=None):
        self.device = device
        self.threads = threads

    def _learn(self, found, rows):
        _no_infinities(found)
        self.max_abs_ = np.maximum(np.abs(found[0]), np.abs(found[1]))
        self.scale_ = _ranges(self.max_abs_)
        self.n_samples_seen_ = rows

    def transform(self, X):
        """x / scale_"""
        self._check_fitted()
        return self._map("scale_apply", X, (None, self.scale_))

    def inverse_transform(self, X):
        """x * scale_"""
        self._check_fitted()
        return self._map("scale_inverse", X, (None, self.scale_))


class RobustScaler(Scaler):
    """(x - median) / (quantile range) per column, as sklearn's RobustScaler.

    unit_variance: the range is divided by that of a standard normal variable.
    Attributes after fit: center_, scale_, n_features_in_, feature_names_in_.
    """

    _kind = "robust_scaler"
    _fitted = ("center_", "scale_")

    def __init__(self, *, with_centering=True, with_scaling=True, quantile_range=(25.0, 75.0),
                 unit_variance=False, device="auto", threads=None):
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.unit_variance = unit_variance
        self.device = device
        self.threads = threads

    def fit(self, X, y=None):
        """Learn the medians and quantiles of the table X."""
        low, high = self.quantile_range
        if not 0 <= low <= high <= 100:
            raise ValueError("Invalid quantile range: %s" % (self.quantile_range,))
        array = self._table(X, reset=True)
        found = _statistics.quantiles(array, [low / 100.0, 0.5, high / 100.0], self.device,
                                      self.threads)
        _no_infinities(found)
        self.center_ = found[1] if self.with_centering else None
        self.scale_ = None
        if self.with_scaling:
            self.scale_ = _ranges(found[2] - found[0])
            if self.unit_variance:
                self.scale_ = self.scale_ / (_normal_quantile(high / 100.0)
                                             - _normal_quantile(low / 100.0))
        return self

    def transform(self, X):
        """(x - center_) / scale_"""
        self._check_fitted()
        return self._map("scale_apply", X, (self.center_, self.scale_))

    def inverse_transform(self, X):
        """x * scale_ + center_"""
        self._check_fitted()
        return self._map("scale_inverse", X, (self.center_, self.scale_))


def _normal_quantile(p):
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


class OutlierClipper(Scaler):
    """Values beyond bounds that fit finds per column are clipped or become NaN.

    method : "iqr" (quartiles -+ factor * their distance), "zscore" (mean -+ factor * standard
        deviation), "modified_zscore" (median -+ factor * 1.4826 * median distance from it) or
        "percentile" (percentiles)
    factor : float or None
        None: 1.5 for "iqr", 3 for "zscore", 3.5 for "modified_zscore".
    percentiles : (low, high), for "percentile".
    handling : "clip" (to the bounds: with "percentile" that is winsorizing) or "mask" (NaN)

    Attributes after fit: low_, high_, n_features_in_, feature_names_in_.
    """

    _kind = "outlier_clipper"
    _fitted = ("low_", "high_")
    _factors = {"iqr": 1.5, "zscore": 3.0, "modified_zscore": 3.5, "percentile": 0.0}

    def __init__(self, method="iqr", *, factor=None, percentiles=(1.0, 99.0), handling="clip",
                 device="auto", threads=None):
        self.method = method
        self.factor = factor
        self.percentiles = percentiles
        self.handling = handling
        self.device = device
        self.threads = threads

    def fit(self, X, y=None):
        """Find the bounds of the table X."""
        if self.method not in self._factors:
            raise ValueError("method = %r, must be one of %s"
                             % (self.method, ", ".join(sorted(self._factors))))
        if self.handling not in ("clip", "mask"):
            raise ValueError("handling = %r, must be 'clip' or 'mask'" % (self.handling,))
        array = self._table(X, reset=True)
        factor = self._factors[self.method] if self.factor is None else float(self.factor)
        where = self.device, self.threads
        if self.method == "zscore":
            _, mean, var = _statistics.moments(array, *where)
            middle, reach = mean, factor * np.sqrt(var)
            self.low_, self.high_ = middle - reach, middle + reach
        elif self.method == "modified_zscore":
            middle = _statistics.quantiles(array, [0.5], *where)[0]
            apart = np.abs(array - middle.astype(array.dtype))
            reach = factor * 1.4826 * _statistics.quantiles(apart, [0.5], *where)[0]
            self.low_, self.high_ = middle - reach, middle + reach
        else:
            share = (25.0, 75.0) if self.method == "iqr" else self.percentiles
            low, high = _statistics.quantiles(array, [share[0] / 100.0, share[1] / 100.0], *where)
            self.low_, self.high_ = low - factor * (high - low), high + factor * (high - low)
        return self

    def transform(self, X):
        """Values beyond low_ and high_ become them, or NaN."""
        self._check_fitted()
        return self._map("scale_clip", X, (self.low_, self.high_), outside=self.handling)

    def count_changed(self, X):
        """How many values of each column transform(X) changes."""
        self._check_fitted()
        array = self._table(X, reset=False)
        return _scale.count(array, (self.low_, self.high_), 0, "outside", self.device,
                            self.threads)


class PowerTransformer(Scaler):
    """Yeo-Johnson or Box-Cox with the lambda of the largest likelihood per column, then mean 0 and
    standard deviation 1, as sklearn's PowerTransformer.

    Attributes after fit: lambdas_, mean_, scale_ (of the transformed columns), n_features_in_,
    feature_names_in_.  The search for lambda is NORMWISE; what it finds is kept in the model.
    """

    _kind = "power_transformer"
    _fitted = ("lambdas_", "mean_", "scale_")

    def __init__(self, method="yeo-johnson", *, standardize=True, device="auto", threads=None):
        self.method = method
        self.standardize = standardize
        self.device = device
        self.threads = threads

    def fit(self, X, y=None):
        """Find the lambdas of the table X."""
        array = self._table(X, reset=True)
        function = self._function()
        self._check_domain(array)
        columns = [array[:, c][~np.isnan(array[:, c])] for c in range(array.shape[1])]
        if any(np.isinf(column).any() for column in columns):
            raise ValueError("Input X contains infinity or a value too large for its dtype.")
        self.lambdas_ = np.array([likelihood_power(column, function, self.device, self.threads)
                                  for column in columns])
        self.mean_ = self.scale_ = None
        if self.standardize:
            scaler = StandardScaler(device=self.device, threads=self.threads)
            scaler.fit(self._run("scale_power", array, (self.lambdas_,), function=function))
            self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        return self

    def _function(self):
        if self.method not in ("yeo-johnson", "box-cox"):
            raise ValueError("method = %r, must be 'yeo-johnson' or 'box-cox'" % (self.method,))
        return self.method.replace("-", "_")

    def _check_domain(self, array):
        if self.method == "box-cox" and np.nanmin(array, initial=np.inf) <= 0:
            raise ValueError("The Box-Cox transformation can only be applied to strictly positive "
                             "data")

    def transform(self, X):
        """The power of X, standardised."""
        self._check_fitted()
        array = self._table(X, reset=False)
        self._check_domain(array)
        powered = self._run("scale_power", array, (self.lambdas_,), function=self._function())
        if self.standardize:
            powered = self._run("scale_apply", powered, (self.mean_, self.scale_))
        return self._like(powered, X)

    def inverse_transform(self, X):
        """The X whose power it is."""
        self._check_fitted()
        array = self._table(X, reset=False)
        if self.standardize:
            array = self._run("scale_inverse", array, (self.mean_, self.scale_))
        return self._like(self._run("scale_power", array, (self.lambdas_,), inverse=True,
                                    function=self._function()), X)


class SimpleImputer(Scaler):
    """Missing values (NaN) become their column's mean, median, most frequent value or a constant, as
    with sklearn's SimpleImputer.

    A column without any valid value is left out, unless keep_empty_features: then it becomes 0, or
    the constant.  Attributes after fit: statistics_, n_features_in_, feature_names_in_.
    """

    _kind = "simple_imputer"
    _fitted = ("statistics_",)

    def __init__(self, *, strategy="mean", fill_value=None, keep_empty_features=False,
                 device="auto", threads=None):
        self.strategy = strategy
        self.fill_value = fill_value
        self.keep_empty_features = keep_empty_features
        self.device = device
        self.threads = threads

    def fit(self, X, y=None):
        """Find what the columns of X are filled with."""
        array = self._table(X, reset=True)
        where = self.device, self.threads
        if self.strategy == "mean":
            found = _statistics.moments(array, *where)[1]
        elif self.strategy == "median":
            found = _statistics.quantiles(array, [0.5], *where)[0]
        elif self.strategy == "most_frequent":
            found = np.array([_most_frequent(array[:, c]) for c in range(array.shape[1])])
        elif self.strategy == "constant":
            constant = 0.0 if self.fill_value is None else float(self.fill_value)
            empty = _scale.count(array, (), 0, "missing", *where) == len(array)
            found = np.where(empty & (not self.keep_empty_features), np.nan, constant)
        else:
            raise ValueError("strategy = %r, must be 'mean', 'median', 'most_frequent' or "
                             "'constant'" % (self.strategy,))
        if self.keep_empty_features:
            found = np.where(np.isnan(found), 0.0, found)
        self.statistics_ = found
        return self

    def transform(self, X):
        """X without missing values."""
        self._check_fitted()
        array = self._table(X, reset=False)
        filled = self._run("scale_fill", array, (self.statistics_,))
        kept = ~np.isnan(self.statistics_)
        if kept.all():
            return self._like(filled, X)
        names = None if not hasattr(X, "columns") else X.columns[kept]
        return self._like(np.ascontiguousarray(filled[:, kept]), X, names)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that are kept."""
        self._check_fitted()
        return self._names_in(input_features)[~np.isnan(self.statistics_)]


def _most_frequent(column):
    """The smallest of the most frequent valid values; NaN where there is none."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return float(values[counts.argmax()]) if len(values) else np.nan

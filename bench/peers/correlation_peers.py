"""Covariances and correlations against pandas and NumPy.  One thread on every side, one run, calls in
turns, medians."""

import numpy as np

import dualcube as dc
from bench.peers.contest import Contest

SINGLE = {"device": "cpu", "threads": 1}


def _table(rows, columns, dtype="float64", missing=0.0, seed=5):
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, columns)) + random.standard_normal((rows, 1))
    x[random.random(x.shape) < missing] = np.nan
    return x.astype(dtype)


def _text(x, missing):
    return "%s %s, %g %% NaN" % (" x ".join("{:,}".format(extent) for extent in x.shape), x.dtype,
                                 100 * missing)


def _against_pandas(method, x, missing, must, aim):
    import pandas as pd

    frame = pd.DataFrame(x)
    return Contest(method, _text(x, missing), x.size,
                   lambda: dc.correlation(x, method, **SINGLE),
                   [("pandas", lambda: frame.corr(method), 1, must, aim)], 1,
                   lambda: (dc.correlation(x, method), frame.corr(method).to_numpy()))


def _pearson():
    for missing, must, aim in ((0.0, 1, 25), (0.05, 14, 25)):
        yield _against_pandas("pearson", _table(100_000, 100, missing=missing), missing, must, aim)


def _spearman():
    for missing, must, aim in ((0.0, 6, 15), (0.05, 22, 40)):
        yield _against_pandas("spearman", _table(50_000, 50, missing=missing), missing, must, aim)


def _covariance():
    x = _table(100_000, 200, "float32")
    yield Contest("covariance", _text(x, 0.0), x.size, lambda: dc.covariance(x, **SINGLE),
                  [("numpy", lambda: np.cov(x.T, dtype=x.dtype), 1, 1, 2)], 1,
                  lambda: (dc.covariance(x), np.cov(x.T)))


GROUPS = {"pearson": (_pearson,), "spearman": (_spearman,), "covariance": (_covariance,)}

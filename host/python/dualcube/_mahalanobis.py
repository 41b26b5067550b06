"""Mahalanobis distances by the kernel of T2."""

import math

import numpy as np

from . import _context, _pca
from ._estimator import Estimator
from ._operations import OPERATIONS


def _ledoit_wolf(z, mean_square):
    """Ledoit and Wolf's shrinkage of centred rows (2004); mean_square: sum of squared covariances."""
    n, d = z.shape
    squares = np.einsum("ij,ij->i", z, z)
    mu = squares.sum() / (n * d)
    spread = mean_square - d * mu * mu
    beta = (np.square(squares).sum() / n - mean_square) / n
    return 1.0 if spread <= 0 else float(min(max(beta, 0.0), spread) / spread)


class Mahalanobis(Estimator):
    """Squared Mahalanobis distances to the rows of a fit.

    The covariance is that of the rows (divisor n - 1), shrunk towards its mean variance m,
    (1 - shrinkage) cov + shrinkage m I, plus l2 I; where its condition number exceeds 1e10, l2 is
    multiplied by ten, once.

    Parameters
    ----------
    l2 : float
        What is added to the diagonal, at least 0.
    shrinkage : float in 0 ... 1, "ledoit_wolf" or None (0)
    device, threads
        As in dualcube.rolling_mean.

    Attributes after fit: location_ (d,), components_ and variance_ (the eigenvectors and eigenvalues
    kept, the latter shrunk), rest_ (the variance of directions without an eigenvector), l2_,
    shrinkage_, condition_number_, n_features_in_.

    Class: fits NORMWISE; distances of a fitted model EXACT (float32: EXACT_IF).
    """

    _kind = "mahalanobis"
    _allow_nan = False
    _fitted = ("location_", "components_", "variance_", "rest_", "l2_", "shrinkage_",
               "condition_number_")

    def __init__(self, l2=1e-3, shrinkage=None, *, device="auto", threads=None):
        self.l2 = l2
        self.shrinkage = shrinkage
        self.device = device
        self.threads = threads

    def fit(self, X, y=None):
        """Learn from the table X alone."""
        array = self._table(X, reset=True, least=2)
        if not self.l2 >= 0:
            raise ValueError("Mahalanobis: l2 is %r, must be at least 0" % (self.l2,))
        from .pca import PCA

        fitted = PCA(svd_solver="full", device=self.device, threads=self.threads).fit(array)
        variance = fitted.explained_variance_.astype(np.float64)
        self.shrinkage_ = self._shrink(array, fitted, variance)
        mean = fitted.total_variance_ / array.shape[1]
        variance = (1.0 - self.shrinkage_) * variance + self.shrinkage_ * mean
        self.l2_, rest = float(self.l2), self.shrinkage_ * mean
        whole = len(variance) == array.shape[1]
        for factor in (10.0, None):
            least = (variance[-1] if whole else rest) + self.l2_
            greatest = variance[0] + self.l2_
            self.condition_number_ = float(greatest / least) if least > 0 else math.inf
            if self.condition_number_ <= 1e10 or factor is None:
                break
            self.l2_ *= factor
        if not least > 0:
            raise ValueError("Mahalanobis: the covariance is singular, l2 must be above 0")
        self.location_, self.components_ = fitted.mean_, fitted.components_
        self.variance_, self.rest_ = variance + self.l2_, float(rest + self.l2_)
        return self

    def _shrink(self, array, fitted, variance):
        if self.shrinkage is None:
            return 0.0
        if isinstance(self.shrinkage, str):
            if self.shrinkage != "ledoit_wolf":
                raise ValueError("Mahalanobis: shrinkage is %r, must be a number, None or "
                                 "'ledoit_wolf'" % self.shrinkage)
            n = len(array)
            return _ledoit_wolf(array - fitted.mean_.astype(np.float64),
                                np.square(variance * (n - 1) / n).sum())
        if not 0 <= self.shrinkage <= 1:
            raise ValueError("Mahalanobis: shrinkage is %r, must be 0 ... 1" % (self.shrinkage,))
        return float(self.shrinkage)

    def mahalanobis(self, X):
        """Squared distance of each row, (n,), of X's dtype."""
        self._check_fitted()
        array = self._table(X, reset=False)
        operation, dtype = OPERATIONS["pca_monitor"], array.dtype
        whole = len(self.variance_) == self.n_features_in_
        keep = [np.ascontiguousarray(part, dtype=dtype) for part in (
            self.location_, self.components_, 1.0 / self.variance_)]
        params = operation.new_params()
        for name, part in zip(("mean", "components", "weights"), keep):
            _pca.describe(part, params, operation.parameters[name].offset)
        outputs = {"t2": (len(array),)}
        if not whole:
            outputs["spe"] = (len(array),)
        found = _pca.call(operation, params, array, outputs,
                          _context.queue(self.device, self.threads), keep)
        if whole:
            return found["t2"]
        return found["t2"] + found["spe"] * dtype.type(1.0 / self.rest_)

    def _check_model(self):
        if getattr(self, "components_", None) is None:
            raise KeyError("components")
        k, d = self.components_.shape if self.components_.ndim == 2 else (0, 0)
        if d != self.n_features_in_ or self.location_.shape != (d,) or self.variance_.shape != (k,):
            raise ValueError("model: its arrays do not agree with %d columns" % self.n_features_in_)

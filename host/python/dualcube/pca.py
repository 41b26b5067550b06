"""Principal components: fits, scores, and the monitoring of rows against a fitted model.

>>> import numpy as np, dualcube as dc
>>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]])
>>> pca = dc.PCA(n_components=1).fit(X)
>>> pca.explained_variance_ratio_.round(4)
array([0.9924])
>>> seen = pca.monitor(np.array([[1.0, -1.0]]))
>>> bool(seen.spe[0] > seen.limits["spe"])
True
"""

import collections
import math
import numbers

import numpy as np

from . import _context, _pca
from ._estimator import Estimator
from ._mahalanobis import Mahalanobis
from ._output import Output

__all__ = ["PCA", "IncrementalPCA", "Mahalanobis", "Monitor"]

Monitor = collections.namedtuple(
    "Monitor", ("t2", "spe", "t2_contributions", "spe_contributions", "scores", "limits"))
Monitor.__doc__ = """What PCA.monitor() returns: t2 and spe of each row (n,), their contributions (n, d)
and scores (n, k) or None, and limits, a dict of floats."""

_SOLVERS = ("auto", "full", "covariance_eigh", "arpack", "randomized")
_WIDE = 1000  # columns from which "auto" looks for something cheaper than the covariance


def _seed(random_state):
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, numbers.Integral):
        return int(random_state) & 0xffffffffffffffff
    draw = getattr(random_state, "integers", None) or random_state.randint
    return int(draw(1 << 31))


def _best_dimension(variance, rows):
    """Minka's maximum likelihood number of components (NIPS 2000, equation 77)."""
    d, best = len(variance), (-math.inf, 1)
    for rank in range(1, d):
        if variance[rank - 1] < 1e-15 * max(variance[0], 1e-300):
            break
        left = max(variance[rank:].sum() / (d - rank), 1e-15 * variance[0])
        pu = -rank * math.log(2.0)
        for i in range(1, rank + 1):
            pu += math.lgamma((d - i + 1) / 2.0) - math.log(math.pi) * (d - i + 1) / 2.0
        m = d * rank - rank * (rank + 1.0) / 2.0
        spread = np.concatenate([variance[:rank], np.full(d - rank, left)])
        pa = 0.0
        for i in range(rank):
            difference = (variance[i] - variance[i + 1:]) * (1.0 / spread[i + 1:] - 1.0 / spread[i])
            difference = difference[difference > 0]
            pa += np.log(difference).sum() + math.log(rows) * (d - i - 1)
        found = (pu - np.log(variance[:rank]).sum() * rows / 2.0
                 - math.log(left) * rows * (d - rank) / 2.0
                 + math.log(2.0 * math.pi) * (m + rank) / 2.0 - pa / 2.0
                 - rank * math.log(rows) / 2.0)
        best = max(best, (found, rank))
    return best[1]


class PCA(Output, Estimator):
    """Principal components, as sklearn.decomposition.PCA, with monitoring of new rows.

    Parameters
    ----------
    n_components : int, float, "mle" or None
        How many; a float above 0 and below 1: as many as explain so much of the variance; "mle":
        Minka's choice; None: min(n_samples, n_features).
    whiten : bool
        Scores have variance 1.
    copy : bool
        Taken for scikit-learn's sake: X is never changed.
    svd_solver : "auto", "full", "covariance_eigh", "arpack", "randomized"
        "covariance_eigh" takes the eigenvectors of the covariance, and "arpack" is another name for
        it; so does "full", or those of the products of rows where these are fewer than columns.
        "randomized" finds the first n_components of wide tables.  "auto" is "full" up to 1000
        columns.
    standardize : bool
        Columns are divided by their standard deviations (divisor n) first.
    random_state : int, None or a random generator
        Seed of "randomized".
    iterated_power, n_oversamples, power_iteration_normalizer
        Of "randomized", as in scikit-learn.
    device, threads
        As in dualcube.rolling_mean.

    Attributes after fit: components_ (k, d), explained_variance_, explained_variance_ratio_,
    singular_values_ (k,), mean_ (d,), scale_ (d,) or None, n_components_, n_samples_,
    noise_variance_, n_features_in_, feature_names_in_.  The entry of largest magnitude of a component
    is positive.  float32 tables are fitted and scored in float32.

    Class: fits NORMWISE; scores and statistics of a fitted model EXACT (float32: EXACT_IF), the
    same bits on every device and after save() and load().
    """

    _kind = "pca"
    _allow_nan = False
    _fitted = ("components_", "explained_variance_", "explained_variance_ratio_",
               "singular_values_", "mean_", "scale_", "noise_variance_", "n_components_",
               "n_samples_", "total_variance_", "theta1_", "theta2_", "theta3_")

    def __init__(self, n_components=None, *, copy=True, whiten=False, svd_solver="auto",
                 standardize=False, random_state=None, iterated_power="auto", n_oversamples=10,
                 power_iteration_normalizer="auto", device="auto", threads=None):
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.standardize = standardize
        self.random_state = random_state
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.device = device
        self.threads = threads

    # ---- fit -----------------------------------------------------------------------------------

    def _queue(self):
        return _context.queue(self.device, self.threads)

    def _wanted(self, rows, columns, solver):
        """(components or None, fraction, mle) of what the caller asked for."""
        wanted, most = self.n_components, min(rows, columns)
        if wanted is None:
            return None, 0.0, False
        if isinstance(wanted, str):
            if wanted != "mle":
                raise ValueError("n_components=%r must be a number, None or 'mle'" % wanted)
            if rows < columns:
                raise ValueError("n_components='mle' is only supported if n_samples >= n_features")
            if solver == "randomized":
                raise ValueError("n_components='mle' cannot be a number for svd_solver='randomized'")
            return None, 0.0, True
        whole = isinstance(wanted, numbers.Integral)
        if not whole and 0 < wanted < 1 and solver != "randomized":
            return None, float(wanted), False
        if not 1 <= wanted <= most:
            raise ValueError("n_components=%r must be between 1 and min(n_samples, n_features)=%r "
                             "with svd_solver=%r" % (wanted, most, self.svd_solver))
        if not whole:
            raise ValueError("n_components=%r must be of type int when greater than or equal to 1, "
                             "was of type=%r" % (wanted, type(wanted)))
        return int(wanted), 0.0, False

    def _solver(self, rows, columns):
        if self.svd_solver not in _SOLVERS:
            raise ValueError("svd_solver=%r must be one of %s"
                             % (self.svd_solver, ", ".join(_SOLVERS)))
        if self.svd_solver != "auto":
            return self.svd_solver
        wanted = self.n_components
        few = isinstance(wanted, numbers.Integral) and 1 <= wanted < 0.2 * min(rows, columns)
        return "randomized" if columns > _WIDE and few else "full"

    def fit(self, X, y=None):
        """Learn from the table X alone."""
        array = self._table(X, reset=True, least=2)
        self._state = None
        rows, columns = array.shape
        solver = self._solver(rows, columns)
        components, fraction, mle = self._wanted(rows, columns, solver)
        if solver == "randomized" or (solver == "full" and rows < columns):
            self._fit_here(array, solver, components, fraction)
            return self
        state = _pca.State(columns, array.dtype, self.standardize, components, fraction)
        self._learn_state(state, array)
        if mle:
            self._shorten(_best_dimension(self.explained_variance_.astype(np.float64), rows))
        return self

    def _learn_state(self, state, array):
        queue = self._queue()
        try:
            state.update(array, queue)
            entries = state.result(queue)
        except ValueError as error:
            if "contains NaN" in str(error):
                raise ValueError("Input X contains NaN, infinity or a value too large for %s."
                                 % array.dtype) from None
            raise
        self._learn(entries)

    def _learn(self, entries):
        for name in self._fitted:
            setattr(self, name, entries.get(name.rstrip("_")))
        self.n_components_ = int(self.n_components_)
        self.n_samples_ = int(self.n_samples_)
        self._scorer_of = []

    def _fit_here(self, array, solver, components, fraction):
        if not np.isfinite(array).all():
            raise ValueError("Input X contains NaN, infinity or a value too large for %s."
                             % array.dtype)
        n, most = len(array), min(array.shape)
        components = most if components is None else components
        if solver == "randomized":
            found, variance, mean, scale, total = _pca.randomized_fit(
                array, components, self.standardize, _seed(self.random_state), self.n_oversamples,
                self.iterated_power, self.power_iteration_normalizer)
            # What is left over is taken to be spread evenly.
            count = most - components
            left = np.full(count, max(total - variance.sum(), 0.0) / max(count, 1))
        else:
            found, variance, mean, scale, total = _pca.rows_fit(array, self.standardize)
            if fraction:
                components = 1 + int(np.searchsorted(np.cumsum(variance), fraction * total,
                                                     side="right"))
                components = min(components, most)
            left = variance[components:]
        self._set_fit(array.dtype, found[:components], variance[:components], left, mean, scale,
                      total, n)

    def _set_fit(self, dtype, found, variance, left, mean, scale, total, n):
        self._learn({
            "components": found.astype(dtype), "explained_variance": variance.astype(dtype),
            "explained_variance_ratio": (variance / total if total > 0
                                         else variance * 0.0).astype(dtype),
            "singular_values": np.sqrt(variance * (n - 1)).astype(dtype),
            "mean": mean.astype(dtype), "scale": None if scale is None else scale.astype(dtype),
            "noise_variance": float(left.mean()) if len(left) else 0.0, "n_components": len(found),
            "n_samples": n, "total_variance": float(total), "theta1": float(left.sum()),
            "theta2": float((left ** 2).sum()), "theta3": float((left ** 3).sum())})

    def _shorten(self, k):
        """Keep the first k components of a fit that has them all."""
        variance = self.explained_variance_.astype(np.float64)
        self._set_fit(self.components_.dtype, self.components_[:k], variance[:k], variance[k:],
                      self.mean_, self.scale_, self.total_variance_, self.n_samples_)

    def partial_fit(self, X, y=None):
        """Learn from more rows; every chunking gives the bits of the whole.  The first call after
        fit(), or after the estimator was read from a file or pickle, begins anew."""
        state = getattr(self, "_state", None)
        array = self._table(X, reset=state is None, least=2 if state is None else 1)
        if state is None:
            components, fraction, mle = self._wanted(*array.shape, "covariance_eigh")
            if mle:
                raise ValueError("n_components='mle' needs all rows at once: partial_fit() has not")
            state = _pca.State(array.shape[1], array.dtype, self.standardize, components, fraction)
        self._learn_state(state, array.astype(state.dtype, copy=False))
        self._state = state
        return self

    def fit_transform(self, X, y=None):
        """fit(X), then transform(X)."""
        return self.fit(X, y).transform(X)

    # ---- scores --------------------------------------------------------------------------------

    def _scorer(self):
        """The model as the library's; made anew when an attribute was replaced."""
        values = [getattr(self, name) for name in self._fitted]
        kept = self._scorer_of
        if not kept or any(a is not b for a, b in zip(kept[0], values)):
            entries = {name.rstrip("_"): value for name, value in zip(self._fitted, values)
                       if value is not None}
            kept[:] = values, _pca.Scorer(entries)
        return kept[1]

    def _score(self, X, outputs, least=1, **options):
        self._check_fitted()
        array = self._table(X, reset=False, least=least)
        n, d, k = len(array), self.n_features_in_, self.n_components_
        shapes = {"dst": (n, k), "t2": (n,), "spe": (n,), "t2_contributions": (n, d),
                  "spe_contributions": (n, d)}
        return self._scorer().run("pca_monitor", array, {name: shapes[name] for name in outputs},
                                  self._queue(), **options)

    def transform(self, X):
        """Scores of the rows of X, (n, k)."""
        scores = self._score(X, ("dst",), whiten=bool(self.whiten))["dst"]
        if not np.isfinite(scores).all():
            raise ValueError("Input X contains NaN, infinity or a value too large for %s."
                             % scores.dtype)
        return self._output(scores, X, self.get_feature_names_out)

    def inverse_transform(self, X):
        """Rows of scores (n, k): (n, d)."""
        self._check_fitted()
        array = self._scores_table(X)
        rows = self._scorer().run("pca_inverse", array,
                                  {"dst": (len(array), self.n_features_in_)}, self._queue(),
                                  whiten=bool(self.whiten))["dst"]
        return rows

    def _scores_table(self, X):
        table = Estimator._table(_Columns(self.n_components_), X, reset=False)
        return table

    def monitor(self, X, *, contributions=False, scores=False, signed=False, missing="nan",
                confidence=0.95):
        """Hotelling's T2 and the squared prediction error of each row, with their limits.

        Parameters
        ----------
        X : table of the columns of fit
        contributions : bool
            Also what each column adds to each statistic: the contributions of a row sum to it.
        scores : bool
            Also the scores (not whitened).
        signed : bool
            spe_contributions are residuals, not their squares.
        missing : "nan" or "mean"
            A NaN makes its row's results NaN, or counts as the column's mean.
        confidence : float
            Of the limits, above 0 and below 1.

        Returns
        -------
        Monitor: arrays of X's dtype, and limits, a dict: "t2" (F, for rows that were not in the fit),
        "t2_beta" (rows of the fit), "t2_chi2" (many rows), "spe" (Jackson and Mudholkar, or Box where
        theirs does not exist), "spe_jackson", "spe_box".

        Class: EXACT (float32: EXACT_IF); limits NORMWISE.
        """
        wanted = ["t2", "spe"] + ["t2_contributions", "spe_contributions"] * bool(contributions)
        options = {"signed_residuals": True} if signed else {}
        if missing != "nan":
            options["missing"] = missing
        found = self._score(X, wanted + ["dst"] * bool(scores), 0, **options)
        return Monitor(found["t2"], found["spe"], found.get("t2_contributions"),
                       found.get("spe_contributions"), found.get("dst"), self.limits(confidence))

    def limits(self, confidence=0.95):
        """Control limits of T2 and SPE at a confidence, as monitor() returns them."""
        self._check_fitted()
        found = self._scorer().limits(confidence)
        return {name: getattr(found, name) for name in ("t2", "t2_f", "t2_beta", "t2_chi2", "spe",
                                                        "spe_jackson", "spe_box")}

    # ---- the Gaussian model (Tipping and Bishop 1999) ------------------------------------------

    def score_samples(self, X):
        """Log-likelihood of each row."""
        found = self._score(X, ("t2", "spe"))
        d, k, noise = self.n_features_in_, self.n_components_, self.noise_variance_
        variance = self.explained_variance_.astype(np.float64)
        total = d * math.log(2.0 * math.pi) + np.log(variance).sum()
        log = found["t2"].astype(np.float64)
        if k < d:
            with np.errstate(divide="ignore", invalid="ignore"):
                total = total + (d - k) * np.log(np.float64(noise))
                log = log + found["spe"] / np.float64(noise)
        if self.scale_ is not None:
            total = total + 2.0 * np.log(self.scale_.astype(np.float64)).sum()
        return -0.5 * (log + total)

    def score(self, X, y=None):
        """Mean log-likelihood of the rows."""
        return float(np.mean(self.score_samples(X)))

    def get_covariance(self):
        """Covariance of the model: components, and noise of equal variance."""
        self._check_fitted()
        w, noise = self.components_, self.noise_variance_
        kept = np.maximum(self.explained_variance_ - noise, 0.0)
        covariance = (w.T * kept) @ w
        covariance.flat[::len(covariance) + 1] += noise
        if self.scale_ is not None:
            covariance = covariance * np.outer(self.scale_, self.scale_)
        return covariance

    def get_precision(self):
        """Inverse of get_covariance()."""
        return np.linalg.inv(self.get_covariance())

    @property
    def _n_features_out(self):
        return self.n_components_

    def get_feature_names_out(self, input_features=None):
        """"pca0", "pca1", ..."""
        self._check_fitted()
        prefix = type(self).__name__.lower()
        return np.asarray(["%s%d" % (prefix, i) for i in range(self.n_components_)], dtype=object)

    # ---- the model file ------------------------------------------------------------------------

    def _to_model(self):
        params = dict(self.get_params())
        if not isinstance(params.get("random_state"), (int, type(None))):
            params["random_state"] = None  # a generator's place in its stream is not kept
        entries = super()._to_model()
        entries["parameters"] = _json(params)
        return entries

    def _from_model(self, entries):
        for name in self._fitted:
            setattr(self, name, None)
        self._scorer_of = []
        super()._from_model(entries)

    def _more_state(self):
        return getattr(self, "_sklearn_output_config", None)

    def _set_more_state(self, state):
        if state is not None:
            self._sklearn_output_config = state

    def _check_model(self):
        if self.components_ is None:
            raise KeyError("components")
        self.n_components_ = int(self.n_components_)
        self.n_samples_ = int(self.n_samples_)
        self._scorer().check()
        if self.components_.shape != (self.n_components_, self.n_features_in_):
            raise ValueError("model: components are %s, must be (%d, %d)" % (
                self.components_.shape, self.n_components_, self.n_features_in_))

    def __getstate__(self):
        return super().__getstate__() if hasattr(self, "components_") else self.__dict__.copy()

    def __setstate__(self, state):
        if "model" in state:
            super().__setstate__(state)
        else:
            self.__dict__.update(state)


class _Columns:
    """Stands for an estimator whose tables have so many columns."""

    def __init__(self, columns):
        self.n_features_in_ = columns

    def _check_names(self, names, columns):
        if columns != self.n_features_in_:
            raise ValueError("X has %d features, but PCA is expecting %d features as input."
                             % (columns, self.n_features_in_))


def _json(params):
    import json

    from ._estimator import _plain

    return json.dumps(params, default=_plain)


class IncrementalPCA(PCA):
    """PCA by partial_fit(), as sklearn.decomposition.IncrementalPCA, but with the result of all rows
    at once whatever the batches.  fit() takes batches of batch_size rows (None: five per column)."""

    def __init__(self, n_components=None, *, whiten=False, batch_size=None, standardize=False,
                 device="auto", threads=None):
        super().__init__(n_components, whiten=whiten, svd_solver="covariance_eigh",
                         standardize=standardize, device=device, threads=threads)
        self.batch_size = batch_size

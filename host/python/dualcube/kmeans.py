"""k-means: an estimator in scikit-learn's manner, its start, and what says how good clusters are.

The same seed gives the same labels, centres and inertia, bit by bit, on every device, instruction
set and number of threads.

>>> import numpy as np, dualcube as dc
>>> X = np.array([[0.0, 1.0], [0.0, 2.0], [9.0, 1.0], [9.0, 2.0]])
>>> model = dc.KMeans(2, random_state=0).fit(X)
>>> sorted(model.cluster_centers_.tolist())
[[0.0, 1.5], [9.0, 1.5]]
>>> model.inertia_
1.0
>>> round(dc.silhouette_score(X, model.labels_), 3)
0.889
"""

import numbers
import sys
import warnings

import numpy as np

from . import _kmeans
from ._estimator import Estimator

__all__ = ["KMeans", "kmeans_plusplus", "silhouette_samples", "silhouette_score",
           "calinski_harabasz_score", "davies_bouldin_score", "kmeans_sweep"]


# Rows of this many or fewer are drawn in the order of their values, so that neither the order of the
# rows nor a weight in the place of a repeated row shows in what a seed draws.
_SORTED = 1024


class ConvergenceWarning(UserWarning):
    """Fewer clusters were found than asked for."""


def _warn(text):
    theirs = sys.modules.get("sklearn.exceptions")
    warnings.warn(text, ConvergenceWarning if theirs is None else theirs.ConvergenceWarning,
                  stacklevel=3)


def _seed(random_state):
    """64 bits of what scikit-learn takes as a seed."""
    if random_state is None:
        return int(np.random.randint(0, 1 << 31))
    if isinstance(random_state, numbers.Integral):
        return int(random_state) & ((1 << 64) - 1)
    if hasattr(random_state, "randint"):
        return int(random_state.randint(0, 1 << 31))
    if hasattr(random_state, "integers"):
        return int(random_state.integers(0, 1 << 31))
    raise ValueError("%r cannot be used to seed a numpy.random.RandomState instance"
                     % (random_state,))


def _whole(name, value, low):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError("%s must be an integer, got %r" % (name, value))
    if value < low:
        raise ValueError("%s == %d, must be >= %d" % (name, value, low))
    return int(value)


def _weights(sample_weight, table):
    """Weights as the table's dtype, None where all are 1."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=table.dtype)
    if weights.ndim == 0:
        weights = np.full(len(table), weights)
    if weights.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weights) != len(table):
        raise ValueError("sample_weight.shape == %s, expected %s!" % (weights.shape, (len(table),)))
    return np.ascontiguousarray(weights)


class KMeans(Estimator):
    """k-means with scikit-learn's parameters and attributes.

    n_clusters : clusters, at most the rows of X.
    init : "k-means++" (greedy), "random" (different rows) or an array (n_clusters, columns).
    n_init : starts, of which the least inertia is kept; "auto": 10 for "random", else 1.
    max_iter, tol : ends of a run: no label changes, or the squared shifts of the centres add up
        to at most tol times the mean variance of the columns, or max_iter iterations.
    random_state : int, RandomState, Generator or None (NumPy's global state).
    verbose, copy_x, algorithm : as in scikit-learn; X is never changed, and every algorithm is
        "lloyd".
    device, threads : as in dualcube.rolling_mean.

    Up to 1024 rows, what a random_state draws does not depend on the order of the rows either, and
    weights are as good as repeated rows.  A cluster that loses its rows takes the row farthest from
    its centre.  X must be finite.

    Attributes after fit: cluster_centers_, labels_ (int32), inertia_, n_iter_, n_features_in_,
    feature_names_in_.
    """

    _kind = "kmeans"
    _fitted = ("cluster_centers_", "labels_", "inertia_", "n_iter_", "_shift_", "_scale_")
    _allow_nan = False
    _estimator_type = "clusterer"

    def __init__(self, n_clusters=8, *, init="k-means++", n_init="auto", max_iter=300, tol=1e-4,
                 verbose=0, random_state=None, copy_x=True, algorithm="lloyd", device="auto",
                 threads=None):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.device = device
        self.threads = threads

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "clusterer"
        return tags

    # ---- fit -----------------------------------------------------------------------------------

    def _checked(self, table):
        """(start array or None, kind of start, runs)."""
        k = _whole("n_clusters", self.n_clusters, 1)
        _whole("max_iter", self.max_iter, 1)
        if not isinstance(self.tol, numbers.Real) or not self.tol >= 0:
            raise ValueError("tol == %r, must be a number >= 0" % (self.tol,))
        if self.algorithm not in ("lloyd", "elkan", "auto", "full"):
            raise ValueError("algorithm == %r, must be 'lloyd' or 'elkan'" % (self.algorithm,))
        if len(table) < k:
            raise ValueError("n_samples=%d should be >= n_clusters=%d." % (len(table), k))
        start, kind = None, _kmeans.PLUSPLUS
        if isinstance(self.init, str):
            if self.init not in ("k-means++", "random"):
                raise ValueError("init == %r, must be 'k-means++', 'random', an array or a function"
                                 % self.init)
            kind = _kmeans.PLUSPLUS if self.init == "k-means++" else _kmeans.RANDOM
        else:
            start = self.init
            if callable(start):
                start = start(table, k, random_state=self.random_state)
            start = np.ascontiguousarray(start, dtype=table.dtype)
            kind = _kmeans.GIVEN
            if start.ndim != 2 or start.shape[0] != k:
                raise ValueError("The shape of the initial centers %s does not match the number of "
                                 "clusters %d." % (start.shape, k))
            if start.shape[1] != table.shape[1]:
                raise ValueError("The shape of the initial centers %s does not match the number of "
                                 "features of the data %d." % (start.shape, table.shape[1]))
        runs = 10 if self.init_is("random") else 1
        if self.n_init != "auto":
            runs = _whole("n_init", self.n_init, 1)
        return start, kind, runs

    def init_is(self, name):
        """Whether init is the start of that name."""
        return isinstance(self.init, str) and self.init == name

    def fit(self, X, y=None, sample_weight=None):
        """Find the centres of X's rows (two-dimensional, finite).  Returns the estimator."""
        table = self._table(X, reset=True)
        start, kind, runs = self._checked(table)
        weights, order = _weights(sample_weight, table), None
        # What is not finite is refused, by its place in X.
        if len(table) <= _SORTED and start is None and np.isfinite(table).all():
            order = np.lexsort(table.T[::-1])
            table, weights = table[order], None if weights is None else weights[order]
        result, centers, labels, _, shift = _kmeans.fit(
            table, self.n_clusters, _kmeans.queue_for(self.device, self.threads), init=kind,
            start=start, weights=weights, runs=runs, max_iter=self.max_iter, tol=float(self.tol),
            seed=_seed(self.random_state))
        if order is not None:
            sorted_labels, labels = labels, np.empty_like(labels)
            labels[order] = sorted_labels
        if result.distinct < self.n_clusters:
            _warn("Number of distinct clusters (%d) found smaller than n_clusters (%d). Possibly due "
                  "to duplicate points in X." % (result.distinct, self.n_clusters))
        self.cluster_centers_, self.labels_ = centers, labels
        self.inertia_, self.n_iter_ = result.inertia, result.iterations
        self._shift_, self._scale_ = shift, result.scale_exponent
        return self

    def fit_predict(self, X, y=None, sample_weight=None):
        """fit(X), then labels_."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def fit_transform(self, X, y=None, sample_weight=None):
        """fit(X), then transform(X)."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    # ---- use -----------------------------------------------------------------------------------

    def _packed(self, X):
        self._check_fitted()
        table = self._table(X, reset=False).astype(self.cluster_centers_.dtype, copy=False)
        if not np.isfinite(table).all():
            kind = "NaN" if np.isnan(table).any() else "infinity or a value too large for its dtype"
            raise ValueError("Input X contains %s." % kind)
        return _kmeans.Packed(table, _kmeans.queue_for(self.device, self.threads),
                              getattr(self, "_shift_", None), int(getattr(self, "_scale_", 0)))

    def predict(self, X):
        """Index of the nearest centre for every row, int32; the lowest of equals."""
        return self._packed(X).predict(self.cluster_centers_)

    def transform(self, X):
        """Distance of every row to every centre, (rows, n_clusters)."""
        result = self._packed(X).transform(self.cluster_centers_)
        if getattr(self, "_output", "default") == "pandas":
            import pandas

            return pandas.DataFrame(result, index=getattr(X, "index", None),
                                    columns=self.get_feature_names_out(), copy=False)
        return result

    def score(self, X, y=None, sample_weight=None):
        """Minus the (weighted) sum of the squared distances to the nearest centres."""
        packed = self._packed(X)
        squares = packed.spread(self.cluster_centers_, packed.predict(self.cluster_centers_))
        return -_kmeans.exact_sum(squares, _weights(sample_weight, squares))

    def get_feature_names_out(self, input_features=None):
        """kmeans0, kmeans1, ...: names of the columns of what transform returns."""
        self._check_fitted()
        name = type(self).__name__.lower()
        return np.asarray(["%s%d" % (name, i) for i in range(len(self.cluster_centers_))],
                          dtype=object)

    def set_output(self, *, transform=None):
        """What transform returns: "default" (an ndarray) or "pandas"; None changes nothing."""
        if transform not in (None, "default", "pandas"):
            raise ValueError("output config must be 'default' or 'pandas', got %r" % (transform,))
        if transform is not None:
            self._output = transform
        return self

    # ---- the model file ------------------------------------------------------------------------

    def _to_model(self):
        if not isinstance(self.init, str):
            kept, self.init = self.init, "k-means++"
            try:
                entries = super()._to_model()
            finally:
                self.init = kept
            entries["init"] = np.asarray(kept)
            return entries
        return super()._to_model()

    def _from_model(self, entries):
        super()._from_model(entries)
        if "init" in entries:
            self.init = entries["init"]
        if hasattr(self, "n_iter_"):
            self.n_iter_ = int(self.n_iter_)
        self._scale_ = int(getattr(self, "_scale_", 0))

    def _check_model(self):
        if not hasattr(self, "n_features_in_"):
            return
        centers, labels = self.cluster_centers_, self.labels_
        if centers.ndim != 2 or centers.shape[1] != self.n_features_in_ or len(centers) < 1 \
                or centers.dtype not in (np.float32, np.float64):
            raise ValueError("model: cluster_centers has shape %s, there are %d columns"
                             % (centers.shape, self.n_features_in_))
        if not np.isfinite(centers).all():
            raise ValueError("model: cluster_centers are not finite")
        if labels.ndim != 1 or (labels.size and not 0 <= labels.min() <= labels.max() < len(centers)):
            raise ValueError("model: labels are not those of %d clusters" % len(centers))
        if self._shift_.shape != (self.n_features_in_,) or not np.isfinite(self._shift_).all():
            raise ValueError("model: shift has shape %s, there are %d columns"
                             % (self._shift_.shape, self.n_features_in_))
        if self._shift_.dtype != centers.dtype or not -1100 <= self._scale_ <= 1100:
            raise ValueError("model: shift or scale are not those of a fit")

    def _more_state(self):
        return {"random_state": self.random_state, "output": getattr(self, "_output", "default")}

    def _set_more_state(self, state):
        if state:
            self.random_state = state["random_state"]
            if state["output"] != "default":
                self._output = state["output"]


def kmeans_plusplus(X, n_clusters, *, sample_weight=None, random_state=None, n_local_trials=None,
                    device="auto", threads=None):
    """Greedy k-means++: (centers, rows of X that they are).

    X is a table (rows, columns) of finite numbers.  n_local_trials : candidates of a step, 2 + ln k
    by default.  Arthur and Vassilvitskii (2007).  Class: EXACT.

    >>> import numpy as np, dualcube as dc
    >>> centers, rows = dc.kmeans_plusplus(np.array([[0.0], [0.1], [5.0]]), 2, random_state=1)
    >>> bool((centers == np.array([[0.0], [0.1], [5.0]])[rows]).all())
    True
    """
    table = _kmeans.table_of(X)
    k = _whole("n_clusters", n_clusters, 1)
    if len(table) < k:
        raise ValueError("n_samples=%d should be >= n_clusters=%d." % (len(table), k))
    trials = 0 if n_local_trials is None else _whole("n_local_trials", n_local_trials, 1)
    _, _, _, indices, _ = _kmeans.fit(table, k, _kmeans.queue_for(device, threads),
                                      weights=_weights(sample_weight, table), trials=trials,
                                      seed=_seed(random_state), tol=0.0, start_only=True)
    return table[indices], indices


def silhouette_samples(X, labels, *, device="auto", threads=None):
    """Silhouette of every row of X, Euclidean: (b - a) / max(a, b) of Rousseeuw (1987), 0 for a
    cluster of one row.  O(rows) memory.  `labels` are anything that numpy.unique takes, 2 to
    rows - 1 of them.  Class: EXACT.
    """
    table = _kmeans.table_of(X)
    order, first, _ = _kmeans.groups(labels, len(table))
    packed = _kmeans.Packed(table[order], _kmeans.queue_for(device, threads))
    values = np.empty(len(table), table.dtype)
    values[order] = packed.silhouette(first)
    return values


def silhouette_score(X, labels, *, sample_size=None, random_state=None, device="auto",
                     threads=None):
    """Mean silhouette of the rows of X, or of sample_size of them drawn by random_state."""
    table, labels = _kmeans.table_of(X), np.asarray(labels)
    if sample_size is not None:
        size = _whole("sample_size", sample_size, 1)
        _, indices = _sample(len(table), size, random_state)
        table, labels = table[indices], labels[indices]
    return _kmeans.mean(silhouette_samples(table, labels, device=device, threads=threads))


def _sample(rows, size, random_state):
    generator = np.random.RandomState(_seed(random_state) & 0xffffffff)
    return rows, generator.permutation(rows)[:size]


def _centroids(table, order, first):
    return np.array([_kmeans.column_means(table[order[first[c]:first[c + 1]]])
                     for c in range(len(first) - 1)]).astype(table.dtype)


def calinski_harabasz_score(X, labels, *, device="auto", threads=None):
    """Ratio of the spread between clusters to that within them (Calinski and Harabasz 1974)."""
    table = _kmeans.table_of(X)
    order, first, codes = _kmeans.groups(labels, len(table))
    centers = _centroids(table, order, first)
    packed = _kmeans.Packed(table, _kmeans.queue_for(device, threads))
    within = _kmeans.exact_sum(packed.spread(centers, codes))
    off = centers.astype(np.float64) - _kmeans.column_means(table)
    between = _kmeans.exact_sum((off * off).ravel(), np.repeat(np.diff(first), table.shape[1]))
    k = len(centers)
    return 1.0 if within == 0 else between * (len(table) - k) / (within * (k - 1.0))


def davies_bouldin_score(X, labels, *, device="auto", threads=None):
    """Mean over the clusters of the worst ratio of their spreads to the distance of their centres
    (Davies and Bouldin 1979)."""
    table = _kmeans.table_of(X)
    order, first, codes = _kmeans.groups(labels, len(table))
    centers = _centroids(table, order, first)
    packed = _kmeans.Packed(table, _kmeans.queue_for(device, threads))
    far = packed.spread(centers, codes, root=True)[order]
    spread = np.array([_kmeans.mean(far[first[c]:first[c + 1]]) for c in range(len(centers))])
    apart = _kmeans.Packed(centers.astype(np.float64), packed.queue).transform(centers)
    if np.allclose(spread, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return _kmeans.mean(((spread[:, None] + spread) / apart).max(axis=1))


def kmeans_sweep(X, ks, *, sample_size=None, random_state=None, **options):
    """Silhouettes for each number of clusters in `ks`: (best k, {k: score}, {k: KMeans}).

    `options` go to KMeans; sample_size and random_state as in silhouette_score.  The best is the
    highest score, the lowest k of equals.
    """
    scores, models = {}, {}
    for k in ks:
        models[k] = KMeans(k, random_state=random_state, **options).fit(X)
        where = {name: options[name] for name in ("device", "threads") if name in options}
        found = len(np.unique(models[k].labels_))
        scores[k] = silhouette_score(X, models[k].labels_, sample_size=sample_size,
                                     random_state=random_state, **where) if found > 1 else -1.0
    if not scores:
        raise ValueError("ks is empty, must hold at least one number of clusters")
    return min(scores, key=lambda k: (-scores[k], k)), scores, models

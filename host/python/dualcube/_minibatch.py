"""k-means by batches of rows."""

import numbers

import numpy as np

from . import _kmeans, random
from .kmeans import _SORTED, KMeans, _seed, _weights, _whole

# Rows that sums have room for.
_LOG_ROWS = 34
_REST = 30  # binary places of the second limb


class _Sums:
    """Fixed-point sums of clusters over all batches: exact for a given sequence of them."""

    def __init__(self, table, clusters):
        self.dtype, self.limbs = table.dtype, 1 if table.dtype == np.float32 else 2
        self.shift = _kmeans.column_means(table).astype(table.dtype)
        self.columns = table.shape[1]
        self.exponents = np.full(self.columns, 900 if self.limbs == 2 else 90, np.int64)
        self.state = np.zeros((clusters + 1, 2 + self.limbs * self.columns), np.int64)
        self.weight_exponent = 20
        self.widen(np.abs(table - self.shift).max(axis=0))

    def widen(self, largest):
        """Make room for values up to `largest`; sums lose the places below."""
        needed = 62 - _LOG_ROWS - np.frexp(np.asarray(largest, np.float64))[1]
        for column in np.flatnonzero((needed < self.exponents) & (largest > 0)):
            drop = int(self.exponents[column] - needed[column])
            self.exponents[column] = needed[column]
            high = self.state[:-1, 2 + column]
            low = self.state[:-1, 2 + self.columns + column] if self.limbs == 2 else None
            for row in range(len(high)):
                total = (int(high[row]) << _REST) + (int(low[row]) if low is not None else 0)
                total >>= drop
                high[row] = (total + (1 << (_REST - 1))) >> _REST
                if low is not None:
                    low[row] = total - (int(high[row]) << _REST)

    def add(self, packed, centers, weights):
        """Labels of a batch, whose rows are added to their clusters."""
        none, labels = np.full(packed.rows, -1, np.int32), np.empty(packed.rows, np.int32)
        after = np.empty_like(self.state)
        _kmeans._run("assign", packed.queue,
                     {"src": packed.values, "centers": packed.centers(centers), "labels": none,
                      "weights": weights, "state": self.state, "dst": labels, "sums": after},
                     self.exponents, rows=packed.rows, weight_exponent=self.weight_exponent)
        self.state = after
        return labels

    def weights(self):
        """Weight of every cluster so far."""
        return np.ldexp(self.state[:-1, 1].astype(np.float64), -self.weight_exponent)

    def centers(self, old):
        """Means of the clusters; those without weight stay as they are."""
        columns = slice(2, 2 + self.columns)
        sums = self.state[:-1, columns].astype(np.float64)
        if self.limbs == 2:
            sums = sums + np.ldexp(self.state[:-1, 2 + self.columns:].astype(np.float64), -_REST)
        weight = self.weights()
        found = np.ldexp(sums, -self.exponents.astype(np.int32)) / np.where(weight, weight, 1)[:, None]
        found = (found.astype(self.dtype) + self.shift).astype(self.dtype)
        return np.where((weight > 0)[:, None], found, old)

    def replace(self, cluster, row, share):
        """The cluster begins anew at a row, with `share` times its weight."""
        quanta = np.ldexp((row - self.shift).astype(np.float64), self.exponents.astype(np.int32))
        high = np.rint(quanta)
        self.state[cluster] = 0
        self.state[cluster, 0] = share
        self.state[cluster, 1] = share << self.weight_exponent
        self.state[cluster, 2:2 + self.columns] = high.astype(np.int64) * share
        if self.limbs == 2:
            low = np.rint(np.ldexp(quanta - high, _REST)).astype(np.int64)
            self.state[cluster, 2 + self.columns:] = low * share


class MiniBatchKMeans(KMeans):
    """k-means by batches of rows, with scikit-learn's parameters and attributes.

    Parameters are those of KMeans and batch_size, max_no_improvement (batches without a better
    smoothed inertia), init_size (rows that the start is looked for in), reassignment_ratio
    (clusters with less than this share of the largest's weight begin anew), compute_labels.  Rows
    of the batches follow from random_state alone, and the sums of the clusters are fixed point:
    results have the same bits everywhere, and partial_fit depends on nothing but the batches.

    Attributes after fit: cluster_centers_, labels_, inertia_, n_iter_, n_steps_, n_features_in_.
    """

    _kind = "mini_batch_kmeans"
    _fitted = (*KMeans._fitted, "n_steps_")

    def __init__(self, n_clusters=8, *, init="k-means++", max_iter=100, batch_size=1024, verbose=0,
                 compute_labels=True, random_state=None, tol=0.0, max_no_improvement=10,
                 init_size=None, n_init="auto", reassignment_ratio=0.01, device="auto",
                 threads=None):
        super().__init__(n_clusters, init=init, n_init=n_init, max_iter=max_iter, tol=tol,
                         verbose=verbose, random_state=random_state, device=device,
                         threads=threads)
        del self.copy_x, self.algorithm
        self.batch_size = batch_size
        self.compute_labels = compute_labels
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.reassignment_ratio = reassignment_ratio

    algorithm = "lloyd"

    def _checked(self, table):
        _whole("batch_size", self.batch_size, 1)
        if self.max_no_improvement is not None:
            _whole("max_no_improvement", self.max_no_improvement, 0)
        if self.init_size is not None:
            _whole("init_size", self.init_size, 1)
        if not isinstance(self.reassignment_ratio, numbers.Real) or self.reassignment_ratio < 0:
            raise ValueError("reassignment_ratio == %r, must be >= 0" % (self.reassignment_ratio,))
        start, kind, runs = super()._checked(table)
        return start, kind, 3 if self.n_init == "auto" and kind == _kmeans.RANDOM else runs

    def _start(self, table, weights, seed):
        """Centres that the batches begin with."""
        start, kind, runs = self._checked(table)
        if start is not None:
            return start.copy()
        size = self.init_size or 3 * min(self.batch_size, len(table))
        size = max(size, self.n_clusters if self.init_size else 3 * self.n_clusters)
        rows = np.arange(len(table))
        if size < len(table):
            rows = self._draw(len(table), size, seed, 0)
        if len(np.unique(rows)) < self.n_clusters:
            rows = np.arange(len(table))
        some = None if weights is None else weights[rows]
        if some is not None and not some.any():
            some = None
        return _kmeans.fit(table[rows], self.n_clusters, self._queue(), init=kind, runs=runs,
                           seed=seed, weights=some, start_only=True, tol=0.0)[1]

    def _queue(self):
        return _kmeans.queue_for(self.device, self.threads)

    def _draw(self, rows, count, seed, place, weights=None):
        """`count` rows, drawn by weight with replacement, at this place of the seed's stream."""
        shares = np.asarray(random.uniform(count, seed=seed, offset=place, dtype="float64"))
        if weights is None:
            return np.minimum((shares * rows).astype(np.int64), rows - 1)
        sums = np.cumsum(weights, dtype=np.float64)
        return np.minimum(np.searchsorted(sums, shares * sums[-1], side="right"), rows - 1)

    def _step(self, table, weights, seed, step):
        """One batch; (its inertia, the squared shift of the centres)."""
        largest = np.abs(table - self._sums.shift).max(axis=0)
        if not np.isfinite(largest).all():
            raise ValueError("Input X contains NaN, infinity or a value too large for its dtype.")
        self._sums.widen(largest if weights is None else largest * max(float(weights.max()), 1.0))
        packed = _kmeans.Packed(table, self._queue(), self._sums.shift, 0)
        labels = self._sums.add(packed, self.cluster_centers_, weights)
        inertia = _kmeans.exact_sum(packed.spread(self.cluster_centers_, labels), weights)
        old = self.cluster_centers_
        self.cluster_centers_ = self._sums.centers(old)
        self._since += len(table) if weights is None else float(weights.sum(dtype=np.float64))
        weight = self._sums.weights()
        if self.reassignment_ratio > 0 and ((weight == 0).any()
                                            or self._since >= 10 * self.n_clusters):
            self._since = 0
            self._reassign(table, weights, weight, seed, step)
        moved = (self.cluster_centers_.astype(np.float64) - old) ** 2
        return inertia, _kmeans.exact_sum(moved.ravel())

    def _reassign(self, table, weights, weight, seed, step):
        """Clusters of little weight begin anew at rows of the batch."""
        few = np.flatnonzero(weight < self.reassignment_ratio * weight.max())
        few = few[np.argsort(weight[few], kind="stable")][:len(table) // 2]
        if not len(few):
            return
        rest = np.delete(weight, few)
        share = max(int(rest.min()), 1) if len(rest) else 1
        rows = self._draw(len(table), len(few), seed ^ 0x5bd1e995, step * len(weight), weights)
        for cluster, row in zip(few, rows):
            self._sums.replace(cluster, table[row], share)
            self.cluster_centers_[cluster] = table[row]

    def _finish(self, table, weights):
        self._shift_, self._scale_ = self._sums.shift, 0
        if self.compute_labels:
            packed = _kmeans.Packed(table, self._queue(), self._shift_, 0)
            self.labels_ = packed.predict(self.cluster_centers_)
            self.inertia_ = _kmeans.exact_sum(packed.spread(self.cluster_centers_, self.labels_),
                                              weights)

    def fit(self, X, y=None, sample_weight=None):
        """Find the centres of X's rows by batches.  Returns the estimator."""
        table, order = self._table(X, reset=True), None
        weights, seed = _weights(sample_weight, table), _seed(self.random_state)
        self._usable(table, weights)
        self._checked(table)
        if len(table) <= _SORTED and isinstance(self.init, str):
            order = np.lexsort(table.T[::-1])
            table, weights = table[order], None if weights is None else weights[order]
        self._begin(table, weights, seed)
        self._run_batches(table, weights, seed)
        self._finish(table, weights)
        if order is not None and self.compute_labels:
            labels = np.empty_like(self.labels_)
            labels[order] = self.labels_
            self.labels_ = labels
        return self

    def _run_batches(self, table, weights, seed):
        """Batches until they are enough: all rows where a batch has room for them."""
        size, smooth, best, idle = min(self.batch_size, len(table)), None, None, 0
        tol = self.tol * float(np.var(table.astype(np.float64), axis=0).mean()) if self.tol else 0.0
        steps = self.max_iter * len(table) // size
        step = 0
        for step in range(1, steps + 1):
            if size == len(table):
                inertia, moved = self._step(table, weights, seed, step)
                inertia /= size if weights is None else float(weights.sum(dtype=np.float64))
            else:
                rows = self._draw(len(table), size, seed, step * size, weights)
                inertia, moved = self._step(table[rows], None, seed, step)
                inertia /= size
            if step == 1:
                continue
            alpha = min(2.0 * size / (len(table) + 1), 1.0)
            smooth = inertia if smooth is None else smooth * (1 - alpha) + inertia * alpha
            if tol > 0 and moved <= tol:
                break
            if best is None or smooth < best:
                best, idle = smooth, 0
            else:
                idle += 1
            if self.max_no_improvement is not None and idle >= self.max_no_improvement:
                break
        self.n_steps_ = step
        self.n_iter_ = -(-step * size // len(table))

    def _usable(self, table, weights):
        if weights is not None and not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError("sample_weight must be finite and at least 0")
        if weights is not None and not weights.any():
            raise ValueError("sample_weight: every weight is zero, one must be above 0")
        if not np.isfinite(table).all():
            kind = "NaN" if np.isnan(table).any() else "infinity or a value too large for its dtype"
            raise ValueError("Input X contains %s." % kind)

    def _begin(self, table, weights, seed):
        self._sums = _Sums(table, _whole("n_clusters", self.n_clusters, 1))
        self._since = 0
        self.cluster_centers_ = self._start(table, weights, seed)

    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one batch more.  The first call after fit() goes on from it."""
        first = not hasattr(self, "_sums")
        table = self._table(X, reset=first)
        if not first:
            table = table.astype(self.cluster_centers_.dtype, copy=False)
        weights = _weights(sample_weight, table)
        self._usable(table, weights)
        seed = _seed(self.random_state) if first or not hasattr(self, "_seed_") else self._seed_
        if first:
            self._checked(table)
            self._seed_ = seed
            self._begin(table, weights, seed)
            self.n_steps_ = 0
        self.n_steps_ += 1
        self.n_iter_ = self.n_steps_
        self._step(table, weights, seed, self.n_steps_)
        self._finish(table, weights)
        return self

    def _more_state(self):
        state = super()._more_state()
        return {**state, "sums": getattr(self, "_sums", None),
                "since": getattr(self, "_since", 0)}

    def _set_more_state(self, state):
        super()._set_more_state(state)
        if state.get("sums") is not None:
            self._sums, self._since = state["sums"], state["since"]

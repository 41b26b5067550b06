"""Passes of k-means over packed rows, as the Python functions and estimators use them."""

import ctypes
import math

import numpy as np

from . import _context, _inputs, _library, _memory
from ._operations import OPERATIONS

BLOCK = 64
PLUSPLUS, RANDOM, GIVEN = 0, 1, 2
_CODES = {np.dtype(np.float32): _library.F32, np.dtype(np.float64): _library.F64,
          np.dtype(np.int32): _library.I32, np.dtype(np.int64): _library.I64}


def _view(array):
    """A dc_array of an ndarray of whole strides, which must live as long as it is used."""
    view = _library.Array(data=array.__array_interface__["data"][0], ndim=array.ndim,
                          dtype=_CODES[array.dtype])
    for axis in range(array.ndim):
        view.shape[axis] = array.shape[axis]
        view.stride[axis] = array.strides[axis] // array.itemsize
    return view


def _run(name, queue, arrays, exponents=None, **scalars):
    """One pass; arrays by name, scalars by name."""
    operation = OPERATIONS["kmeans_" + name]
    params = operation.new_params()
    for key, array in arrays.items():
        if array is not None:
            setattr(params, key, _view(array))
    for key, value in scalars.items():
        operation.set(params, key, value)
    if exponents is not None:
        exponents = np.ascontiguousarray(exponents, dtype=np.int64)
        params.exponents.at = exponents.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
        params.exponents.count = len(exponents)
    queue.call(operation, params, arrays["src"].size >= 1 << 16)


class Packed:
    """Rows of a table, packed: (x - shift) 2^scale."""

    def __init__(self, table, queue, shift=None, scale=0):
        self.rows, self.columns = table.shape
        self.dtype, self.queue, self.shift, self.scale = table.dtype, queue, shift, scale
        blocks = -(-self.rows // BLOCK)
        self.values = _memory.empty((blocks, self.columns, BLOCK), table.dtype)
        _run("pack", queue, {"src": table, "centers": shift, "dst": self.values},
             scale_exponent=int(scale))

    def centers(self, centers):
        """Centres as the rows are."""
        centers = np.ascontiguousarray(centers, dtype=self.dtype)
        if self.shift is not None:
            centers = centers - self.shift
        return np.ldexp(centers, self.scale) if self.scale else centers

    def predict(self, centers):
        """Nearest centre of every row."""
        labels = np.empty(self.rows, np.int32)
        _run("predict", self.queue, {"src": self.values, "centers": self.centers(centers),
                                     "dst": labels}, rows=self.rows)
        return labels

    def transform(self, centers):
        """Distance of every row to every centre."""
        distances = _memory.empty((self.rows, len(centers)), self.dtype)
        _run("transform", self.queue, {"src": self.values, "centers": self.centers(centers),
                                       "dst": distances}, rows=self.rows)
        return np.ldexp(distances, -self.scale) if self.scale else distances

    def spread(self, centers, labels, root=False):
        """(squared) distance of every row to the centre of its label."""
        distances = np.empty(self.rows, self.dtype)
        sums = np.empty((len(centers), 2), np.int64)
        _run("spread", self.queue, {"src": self.values, "centers": self.centers(centers),
                                    "labels": labels, "dst": distances, "sums": sums},
             rows=self.rows, root=root, exponent=-2000)
        power = self.scale if root else 2 * self.scale
        return np.ldexp(distances.astype(np.float64), -power) if power else distances

    def silhouette(self, first):
        """Silhouette of every row; cluster c is rows first[c] to first[c + 1]."""
        values = np.empty(self.rows, self.dtype)
        _run("silhouette", self.queue, {"src": self.values, "state": first, "dst": values},
             rows=self.rows)
        return values


def exact_sum(values, weights=None):
    """Sum in any order with one rounding."""
    values = np.asarray(values, dtype=np.float64)
    if weights is not None:
        values = values * np.asarray(weights, dtype=np.float64)
    return math.fsum(values.tolist())


def column_means(table):
    """Means of the columns of a table, every sum rounded once."""
    rows = table.shape[0]
    return np.array([math.fsum(column.tolist()) / rows
                     for column in np.asarray(table, dtype=np.float64).T])


def fit(table, clusters, queue, *, init=PLUSPLUS, start=None, weights=None, runs=1, max_iter=300,
        tol=1e-4, seed=0, trials=0, start_only=False, progress=None):
    """dc_kmeans_fit(): (params with the results, centers, labels, indices, shift)."""
    rows, columns = table.shape
    centers, labels = np.empty((clusters, columns), table.dtype), np.empty(rows, np.int32)
    indices, shift = np.empty(clusters, np.int64), np.empty(columns, np.float64)
    params = _library.filled(_library.KmeansFitParams)
    params.clusters, params.init, params.runs = clusters, init, runs
    params.max_iter, params.tol, params.seed, params.trials = max_iter, tol, seed, trials
    params.start_only = int(start_only)
    params.src, params.centers, params.labels = _view(table), _view(centers), _view(labels)
    if weights is not None:
        params.weights = _view(weights)
    if start is not None:
        params.start = _view(start)
    params.indices, params.shift = indices.ctypes.data, shift.ctypes.data
    queue.run(_library.lib.dc_kmeans_fit, params, progress)
    return params, centers, labels, indices, shift.astype(table.dtype)


def queue_for(device, threads):
    return _context.queue(device, threads)


def table_of(X, what="X"):
    """A table of float32 or float64 of two axes."""
    array, _ = _inputs.admit(X, what)
    if array.ndim != 2:
        raise ValueError("%s has %d axes, must have 2" % (what, array.ndim))
    return array


def groups(labels, rows):
    """(rows in the order of their clusters, first rows, names): ties keep their order."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) != rows:
        raise ValueError("labels has shape %s, must have one label for each of the %d rows of X"
                         % (labels.shape, rows))
    names, codes = np.unique(labels, return_inverse=True)
    if not 1 < len(names) < rows:
        raise ValueError("Number of labels is %d. Valid values are 2 to n_samples - 1 (inclusive)"
                         % len(names))
    order = np.argsort(codes, kind="stable")
    first = np.zeros(len(names) + 1, np.int64)
    np.cumsum(np.bincount(codes, minlength=len(names)), out=first[1:])
    return order, first, codes.astype(np.int32)


def mean(values):
    """Mean: the sum rounded once, then the quotient."""
    return math.fsum(np.asarray(values, np.float64).tolist()) / len(values)

"""Covariance and correlation matrices of the columns of a table.

Tables are anything that NumPy takes with two axes, rows and columns (integers and booleans become
float64), a pandas DataFrame (then the result is one, its labels on both axes), or dualcube.Array
(then the result is one, too).  NaN is missing, infinities too: every pair of columns is computed from
the rows where both have a value, as pandas does.  Keywords that the functions have:

inf : "missing" or "value"
    "value": an infinity is a value, and all results of its column are NaN.
anchor : sequence of numbers, one for each column, or None
    What is subtracted from each column before products are made; None: its mean, which is what
    accuracy wants.  CovarianceState needs it given, and then has the bits of this call.
device : "auto", "cpu", "opencl" or "opencl:<n>";  threads : int or None
    Where it runs, and on how many CPU threads; neither changes a bit.
progress : callable(done, total) or None
    Called during a long call; a true result cancels it.

They raise ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
dualcube.DeviceError and KeyboardInterrupt.  Class: EXACT for float64, EXACT_IF for float32.
"""

import ctypes
from ctypes import byref, c_int64, c_void_p

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory, _reduce
from ._library import lib
from ._operations import OPERATIONS

__all__ = ["CovarianceState", "correlation", "covariance"]

_METHODS = ("pearson", "spearman")
_LONG = 1 << 18


def _anchor(params, anchor):
    """Sets params.anchor; what keeps it alive."""
    if anchor is None:
        return None
    values = np.asarray(anchor, np.float64)
    if values.ndim != 1:
        raise ValueError("anchor has %d axes, must have 1" % values.ndim)
    params.anchor, keep = _reduce.doubles(values.tolist())
    return keep


def _matrix(name, x, anchor, device, threads, progress, means=False, **options):
    operation = OPERATIONS["correlation_" + name]
    params, wrap = operation.new_params(), None
    _reduce.set_options(operation, params, options)
    on_device = isinstance(x, _device_array.Array)
    if on_device:
        queue = _device_array.queue_for(x, device, threads)
    else:
        queue = _context.queue(device, threads)
        x, wrap = _inputs.admit(x)
    if len(x.shape) != 2:
        raise ValueError("%s: x has %d axes, must have 2: rows, columns" % (name, len(x.shape)))
    rows, columns = x.shape
    keep = _anchor(params, anchor)

    def output(shape):
        return (_device_array.empty(queue, shape, x.dtype) if on_device
                else _memory.empty(shape, x.dtype))

    found, mean = output((columns, columns)), output((columns,)) if means else None
    params.src, params.dst = _reduce.struct_of(x), _reduce.struct_of(found)
    if means:
        params.dst2 = _reduce.struct_of(mean)
    queue.call(operation, params, rows * columns * columns >= _LONG, progress)
    del keep
    if wrap is not None:
        found = _labelled(wrap.source, found, mean)
        found, mean = found if means else (found, None)
    return (found, mean) if means else found


def _labelled(frame, found, mean):
    names = frame.columns
    table = frame._constructor(found, index=names, columns=names, copy=False)
    if mean is None:
        return table
    return table, frame._constructor_sliced(mean, index=names, copy=False)


def correlation(x, method="pearson", min_periods=1, *, inf="missing", anchor=None, device="auto",
                threads=None, progress=None):
    """The correlation of every pair of columns of x (rows, columns), as DataFrame.corr().

    method : "pearson" or "spearman"
        Of the values, or of their ranks among the common rows (equal values have their mean rank).
    min_periods : int
        Rows with both values that a result needs; fewer: NaN.

    Returns (columns, columns), exactly symmetric, 1 on the diagonal; NaN where a column is constant.

    >>> import numpy as np, dualcube as dc
    >>> x = np.array([[1.0, 2.0, 9.0], [2.0, 4.0, np.nan], [3.0, 6.0, 7.0]])
    >>> dc.correlation(x)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    if method not in _METHODS or "correlation_" + method not in OPERATIONS:
        raise ValueError("correlation: method is %r, must be one of %s"
                         % (method, ", ".join(m for m in _METHODS
                                              if "correlation_" + m in OPERATIONS)))
    return _matrix(method, x, anchor, device, threads, progress, inf=inf, min_periods=min_periods)


def covariance(x, ddof=1, min_periods=1, *, means=False, inf="missing", anchor=None, device="auto",
               threads=None, progress=None):
    """The covariance of every pair of columns of x (rows, columns), as DataFrame.cov().

    ddof : int
        The divisor is the number of common rows less ddof; NaN where that is not positive.
    min_periods : int
        Rows with both values that a result needs; fewer: NaN.
    means : bool
        True: (covariances, the columns' means).

    Returns (columns, columns), exactly symmetric.

    >>> import numpy as np, dualcube as dc
    >>> dc.covariance(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]))
    array([[1., 2.],
           [2., 4.]])
    """
    return _matrix("covariance", x, anchor, device, threads, progress, means, ddof=ddof, inf=inf,
                   min_periods=min_periods)


# ---- states -------------------------------------------------------------------------------------

_SIGNATURES = {
    "new": (ctypes.c_int, c_void_p, ctypes.POINTER(c_void_p)),
    "free": (None, c_void_p),
    "update": (ctypes.c_int, c_void_p, c_void_p, c_void_p, c_int64),
    "merge": (ctypes.c_int, c_void_p, c_void_p),
    "result": (ctypes.c_int, c_void_p, c_void_p, c_void_p, c_void_p),
    "rows": (c_int64, c_void_p),
}


def _function(name):
    result, *arguments = _SIGNATURES[name]
    return ctypes.CFUNCTYPE(result, *arguments)(("dc_correlation_state_" + name, lib))


_CALLS = {name: _function(name) for name in _SIGNATURES}


class CovarianceState:
    """Covariances (or Pearson correlations) of rows that come in chunks, in any order, on any worker,
    with the bits of one call on all of them with the same anchor.

    anchor : sequence of numbers, one for each column
        Something near the columns' means: those of some first rows will do.
    kind : "covariance" or "pearson"
    dtype : "float64" or "float32"
    ddof, min_periods, inf : as covariance() has them
    device, threads : where the sums are made; neither changes a bit

    >>> import numpy as np, dualcube as dc
    >>> x = np.random.default_rng(0).normal(size=(1000, 3))
    >>> one, other = dc.CovarianceState(x[0]), dc.CovarianceState(x[0])
    >>> other.update(x[300:], first_row=300)
    >>> one.update(x[:300], first_row=0)
    >>> one.merge(other)
    >>> np.array_equal(one.result(), dc.covariance(x, anchor=x[0]))
    True
    """

    def __init__(self, anchor, kind="covariance", dtype="float64", *, ddof=1, min_periods=1,
                 inf="missing", device="auto", threads=None):
        self._handle = c_void_p()
        self.dtype, self._where = np.dtype(dtype), (device, threads)
        if kind not in ("covariance", "pearson"):
            raise ValueError("CovarianceState: kind is %r, must be covariance or pearson" % (kind,))
        if self.dtype not in (np.float32, np.float64):
            raise TypeError("CovarianceState: dtype is %s, must be float32 or float64" % self.dtype)
        operation = OPERATIONS["correlation_" + kind]
        params = operation.new_params()
        _reduce.set_options(operation, params,
                            {"ddof": ddof, "min_periods": min_periods, "inf": inf})
        keep = _anchor(params, anchor)
        self.columns = params.anchor.count
        params.src = _reduce.struct_of(np.empty((0, self.columns), self.dtype))
        params.kind = operation.kind
        _library.check(_CALLS["new"](byref(params), byref(self._handle)))
        del keep

    def __del__(self, free=_CALLS["free"]):
        free(self._handle)

    @property
    def rows(self):
        """Rows taken in."""
        return _CALLS["rows"](self._handle)

    def update(self, x, first_row=None):
        """Take in rows first_row, first_row + 1, ... of the whole; None: after as many as there
        are."""
        array = _inputs.admit(x)[0]
        if array.dtype != self.dtype:
            array = array.astype(self.dtype)
        first = self.rows if first_row is None else first_row
        queue = _context.queue(*self._where)
        with queue.lock:
            _library.check(_CALLS["update"](self._handle, queue.handle,
                                            byref(_reduce.struct_of(array)), first))

    def merge(self, other):
        """Take in the rows of another state, which stays as it is."""
        if not isinstance(other, CovarianceState):
            raise TypeError("CovarianceState.merge: other must be a CovarianceState, got %s"
                            % type(other).__name__)
        _library.check(_CALLS["merge"](self._handle, other._handle))

    def result(self, means=False):
        """The matrix of the rows so far; means=True (covariances): (matrix, the columns' means)."""
        found = np.empty((self.columns, self.columns), self.dtype)
        mean = np.empty(self.columns, self.dtype) if means else None
        queue = _context.queue(*self._where)
        with queue.lock:
            _library.check(_CALLS["result"](
                self._handle, queue.handle, byref(_reduce.struct_of(found)),
                None if mean is None else byref(_reduce.struct_of(mean))))
        return (found, mean) if means else found

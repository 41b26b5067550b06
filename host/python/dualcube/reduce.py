"""Reductions over any set of axes: one number, or a short list of them, of many values.

Arrays are anything that NumPy takes (integers and booleans become float64), or dualcube.Array; then
the result is one, too.  NaN is missing; infinities are values.  Keywords that the functions have:

axis : int, several as a tuple, or None
    The axes reduced, axis 0 by default; None: all.
keepdims : bool
    The axes reduced stay, with one element.
skipna : bool
    True: NaN is missing.  False: a NaN makes the result NaN.
min_count : int or None
    Values that a number needs, else NaN; None: 1, of sum() 0.
out : ndarray or dualcube.Array, or None
    Receives the result: its shape and dtype, any strides, no overlap with x.
device : "auto", "cpu", "opencl" or "opencl:<n>";  threads : int or None
    Where it runs, and on how many CPU threads; neither changes a bit.
progress : callable(done, total) or None
    Called during a long call; a true result cancels it.

They raise ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
dualcube.DeviceError and KeyboardInterrupt.  Class: EXACT for float64, EXACT_IF for float32.

`from dualcube import *` leaves sum, min and max out: they are dualcube.sum and so on.
"""

import ctypes
from ctypes import byref, c_size_t, c_void_p

import numpy as np

from . import _device_array, _inputs, _library, _reduce
from ._library import lib
from ._operations import OPERATIONS

__all__ = ["ReduceState", "all_finite", "any_finite", "argmax", "argmin", "count", "histogram",
           "mean", "median", "quantile", "std", "top_k", "var"]


def _nan(skipna):
    return "omit" if skipna else "propagate"


def _one(name, x, axis, keepdims, out, device, threads, progress, **options):
    call = _reduce.Call(name, x, axis, keepdims, device, threads, progress, options)
    return call.run(call.output("dst", _reduce.result_dtype(name, call.x.dtype), out))


def count(x, axis=0, *, keepdims=False, out=None, device="auto", threads=None, progress=None):
    """The number of values that are not NaN, int64.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.count(np.array([1.0, np.nan, 3.0])))
    2
    """
    return _one("count", x, axis, keepdims, out, device, threads, progress)


def sum(x, axis=0, *, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
        threads=None, progress=None):
    """The sum, by a fixed tree; 0 of no values.

    >>> import numpy as np, dualcube as dc
    >>> dc.sum(np.arange(6.0).reshape(2, 3), axis=1)
    array([ 3., 12.])
    """
    return _one("sum", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count)


def mean(x, axis=0, *, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
         threads=None, progress=None):
    """The mean.

    >>> import numpy as np, dualcube as dc
    >>> dc.mean(np.array([[1.0, np.nan], [3.0, 5.0]]))
    array([2., 5.])
    """
    return _one("mean", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count)


def var(x, axis=0, *, ddof=1, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
        threads=None, progress=None):
    """The variance, divisor n - ddof (pandas' default 1, not NumPy's 0); NaN for n <= ddof.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.var(np.array([1.0, 2.0, 3.0])))
    1.0
    """
    return _one("var", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count, ddof=ddof)


def std(x, axis=0, *, ddof=1, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
        threads=None, progress=None):
    """The standard deviation, divisor n - ddof (pandas' default 1, not NumPy's 0).

    >>> import numpy as np, dualcube as dc
    >>> print(dc.std(np.array([1.0, 3.0, 5.0])))
    2.0
    """
    return _one("std", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count, ddof=ddof)


def min(x, axis=0, *, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
        threads=None, progress=None):
    """The smallest value; NaN of no values.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.min(np.array([2.0, np.nan, 1.0])))
    1.0
    """
    return _one("min", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count)


def max(x, axis=0, *, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
        threads=None, progress=None):
    """The largest value; NaN of no values.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.max(np.array([2.0, np.nan, 1.0]), skipna=False))
    nan
    """
    return _one("max", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count)


def argmin(x, axis=0, *, keepdims=False, skipna=True, out=None, device="auto", threads=None,
           progress=None):
    """The place of the first smallest value, int64: row-major among the axes reduced; -1 of no
    values.  skipna=False: of the first NaN if there is one.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.argmin(np.array([[3.0, 1.0], [np.nan, 1.0]]), axis=None))
    1
    """
    return _one("argmin", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna))


def argmax(x, axis=0, *, keepdims=False, skipna=True, out=None, device="auto", threads=None,
           progress=None):
    """The place of the first largest value; see argmin().

    >>> import numpy as np, dualcube as dc
    >>> print(dc.argmax(np.array([1.0, 7.0, 7.0])))
    1
    """
    return _one("argmax", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna))


def _truth(result):
    if isinstance(result, np.ndarray):
        return result.view(np.bool_)
    return result if isinstance(result, _device_array.Array) else np.bool_(result)


def _finite(name, x, axis, keepdims, out, device, threads, progress):
    if isinstance(out, np.ndarray) and out.dtype == np.bool_:
        _one(name, x, axis, keepdims, out.view(np.uint8), device, threads, progress)
        return out
    result = _one(name, x, axis, keepdims, out, device, threads, progress)
    return result if out is not None else _truth(result)


def any_finite(x, axis=0, *, keepdims=False, out=None, device="auto", threads=None, progress=None):
    """Is any value finite?  bool (of a dualcube.Array: uint8).

    >>> import numpy as np, dualcube as dc
    >>> dc.any_finite(np.array([[np.nan, np.inf], [1.0, np.nan]]))
    array([ True, False])
    """
    return _finite("any_finite", x, axis, keepdims, out, device, threads, progress)


def all_finite(x, axis=0, *, keepdims=False, out=None, device="auto", threads=None, progress=None):
    """Is every value finite?  bool (of a dualcube.Array: uint8).

    >>> import numpy as np, dualcube as dc
    >>> dc.all_finite(np.array([[np.nan, 2.0], [1.0, 3.0]]))
    array([False,  True])
    """
    return _finite("all_finite", x, axis, keepdims, out, device, threads, progress)


def median(x, axis=0, *, keepdims=False, skipna=True, min_count=None, out=None, device="auto",
           threads=None, progress=None):
    """The median, exact; the mean of the two middle values of an even number.

    >>> import numpy as np, dualcube as dc
    >>> print(dc.median(np.array([3.0, 1.0, np.nan, 2.0, 8.0])))
    2.5
    """
    return _one("median", x, axis, keepdims, out, device, threads, progress, nan=_nan(skipna),
                min_count=min_count)


def quantile(x, q, axis=0, *, interpolation="linear", keepdims=False, skipna=True, min_count=None,
             out=None, device="auto", threads=None, progress=None):
    """Quantiles, exact selections.

    q : number or a sequence of them, each 0 to 1
        A sequence makes a first axis of the result.
    interpolation : "linear", "lower", "higher", "nearest" or "midpoint"
        Between the two neighbours of the position q * (n - 1).

    >>> import numpy as np, dualcube as dc
    >>> dc.quantile(np.arange(11.0), [0.1, 0.5])
    array([1., 5.])
    """
    several = np.ndim(q) > 0
    values = [float(one) for one in (q if several else (q,))]
    call = _reduce.Call("quantile", x, axis, keepdims, device, threads, progress,
                        {"nan": _nan(skipna), "min_count": min_count,
                         "interpolation": interpolation})
    call.list_of("q", values)
    if several:
        return call.run(call.output("dst", call.x.dtype, out, len(values)))
    target = call.output("dst", call.x.dtype, out)
    view = call.params.dst  # a list of one before the axes that remain
    if call.kept_shape:
        for one in range(view.ndim, 0, -1):
            view.shape[one], view.stride[one] = view.shape[one - 1], view.stride[one - 1]
        view.shape[0], view.stride[0], view.ndim = 1, 1, view.ndim + 1
        call.params.dst = view
    return call.run(target)


def top_k(x, k, axis=0, *, largest=True, skipna=True, device="auto", threads=None, progress=None):
    """The k largest (or smallest) values in order, and their places as argmin() has them; equal ones
    by place, -0 as +0.  Returns (values, places): their list of k lies where the first of the axes
    reduced was.  Where there are fewer than k: NaN and -1.

    >>> import numpy as np, dualcube as dc
    >>> dc.top_k(np.array([1.0, 5.0, np.nan, 5.0]), 2)
    (array([5., 5.]), array([1, 3]))
    """
    call = _reduce.Call("top_k", x, axis, False, device, threads, progress,
                        {"nan": _nan(skipna), "largest": largest, "k": k})
    place = call.axes[0] if call.axes else 0
    length = int(call.params.k)
    if length < 1:
        raise ValueError("top_k: k = %d, must be at least 1" % length)
    return call.run(call.output("dst", call.x.dtype, None, length, place),
                    call.output("dst2", np.dtype(np.int64), None, length, place))


def _range(x, given, what):
    if given is not None:
        low, high = (float(end) for end in given)
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ValueError("%s: range = (%g, %g), must be finite and ascend" % (what, low, high))
    else:
        low, high = (float(f(x, axis=None)) for f in (min, max))
        if not (np.isfinite(low) and np.isfinite(high)):
            if np.isnan(low):  # no values at all
                low, high = 0.0, 1.0
            else:
                raise ValueError("%s: the values reach from %g to %g; give a finite range"
                                 % (what, low, high))
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def histogram(x, bins=10, range=None, axis=0, *, device="auto", threads=None, progress=None):
    """Values in each bin, as numpy.histogram counts them, along `axis`: the last bin is closed.

    bins : int or a sequence of edges that do not decrease
    range : (low, high), or None: from the smallest to the largest of all values (edges: ignored)

    Returns (counts, edges): counts int64, its first axis the bins, then the axes that remain.  NaN
    and what lies outside is in no bin.  Equal bins have edges of x's dtype; given ones are compared
    exactly.

    >>> import numpy as np, dualcube as dc
    >>> dc.histogram(np.array([0.0, 1.0, 1.0, 2.0]), bins=2)
    (array([1, 3]), array([0., 1., 2.]))
    """
    if np.ndim(bins):
        edges = np.asarray(bins, np.float64)
        options = {}
    else:
        x = x if isinstance(x, _device_array.Array) else _inputs.admit(x)[0]
        low, high = _range(x.numpy() if isinstance(x, _device_array.Array) and range is None else x,
                           range, "histogram")
        options = {"bins": bins, "low": low, "high": high}
    call = _reduce.Call("histogram", x, axis, False, device, threads, progress, options)
    if np.ndim(bins):
        call.list_of("edges", edges.tolist())
        number = len(edges) - 1
        if number < 1:
            raise ValueError("histogram: bins has %d edges, must have at least 2" % len(edges))
    else:
        number = int(call.params.bins)
        if number < 1:
            raise ValueError("histogram: bins = %d, must be at least 1" % number)
        edges = np.linspace(low, high, number + 1).astype(call.x.dtype, copy=False)
    counts = call.run(call.output("dst", np.dtype(np.int64), None, number))
    return counts, edges


# ---- states -------------------------------------------------------------------------------------

_SIGNATURES = {
    "new": (ctypes.c_int, c_void_p, ctypes.POINTER(c_void_p)),
    "free": (None, c_void_p),
    "update": (ctypes.c_int, c_void_p, c_void_p, ctypes.c_int64),
    "merge": (ctypes.c_int, c_void_p, c_void_p),
    "result": (ctypes.c_int, c_void_p, c_void_p, c_void_p),
    "rows": (ctypes.c_int64, c_void_p),
    "save": (ctypes.c_int, c_void_p, c_void_p, c_size_t, ctypes.POINTER(c_size_t)),
    "load": (ctypes.c_int, ctypes.c_char_p, c_size_t, ctypes.POINTER(c_void_p)),
}


def _function(name):
    result, *arguments = _SIGNATURES[name]
    return ctypes.CFUNCTYPE(result, *arguments)(("dc_reduce_state_" + name, lib))


_CALLS = {name: _function(name) for name in _SIGNATURES}
_LISTS = {"moments": 3, "extent": 2}


class ReduceState:
    """A reduction along axis 0 whose rows come in chunks, in any order, on any worker, with the bits
    of one call on all of them.

    kind : "count", "sum", "mean", "var", "std", "min", "max", "argmin", "argmax", "any_finite",
        "all_finite", "histogram", "top_k", "moments" (number, mean, variance) or "extent" (min, max)
    columns : tuple of int
        Shape of a row; () for a series.
    dtype : "float64" or "float32"
    options : skipna, min_count, ddof, k, largest, bins (a number, with low and high, or edges), low,
        high, as the functions have them.

    States pickle; to_bytes() and from_bytes() are the bytes of the C library, equal on every machine.

    >>> import numpy as np, dualcube as dc
    >>> x = np.random.default_rng(0).normal(size=(1000, 3))
    >>> one, other = dc.ReduceState("var", (3,)), dc.ReduceState("var", (3,))
    >>> other.update(x[300:], first_row=300)
    >>> one.update(x[:300], first_row=0)
    >>> one.merge(other)
    >>> np.array_equal(one.result(), dc.var(x))
    True
    """

    def __init__(self, kind, columns=(), dtype="float64", *, skipna=True, **options):
        self._start(kind, columns, dtype)
        operation = OPERATIONS.get("reduce_" + kind)
        if operation is None:
            raise ValueError("ReduceState: kind = %r is no reduction" % (kind,))
        params = operation.new_params()
        bins, keep = options.pop("bins", None), None
        if bins is not None and np.ndim(bins):
            params.edges, keep = _reduce.doubles([float(edge) for edge in bins])
            self._list = len(bins) - 1
        elif kind == "histogram":
            options["bins"] = 10 if bins is None else bins
            self._list = options["bins"]
        elif kind == "top_k":
            self._list = options.get("k", 1)
        _reduce.set_options(operation, params, {"nan": _nan(skipna), **options})
        params.src = _reduce.struct_of(np.empty((0,) + self.columns, self.dtype))
        _library.check(_CALLS["new"](byref(params), byref(self._handle)))
        del keep

    def _start(self, kind, columns, dtype):
        self._handle = c_void_p()
        self.kind, self.dtype = kind, np.dtype(dtype)
        self.columns = tuple(columns) if isinstance(columns, (tuple, list)) else (columns,)
        self._list = _LISTS.get(kind)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError("ReduceState: dtype is %s, must be float32 or float64" % self.dtype)

    def __del__(self, free=_CALLS["free"]):
        free(self._handle)

    @property
    def rows(self):
        """Rows taken in."""
        return _CALLS["rows"](self._handle)

    def update(self, x, first_row=None):
        """Take in rows first_row, first_row + 1, ... of the whole; None: after as many as there
        are."""
        array = np.asarray(x)
        if array.dtype != self.dtype:
            array = array.astype(self.dtype)
        if not _inputs.whole_strides(array):
            array = array.copy()
        first = self.rows if first_row is None else first_row
        _library.check(_CALLS["update"](self._handle, byref(_reduce.struct_of(array)), first))

    def merge(self, other):
        """Take in the rows of another state, which stays as it is."""
        if not isinstance(other, ReduceState):
            raise TypeError("ReduceState.merge: other must be a ReduceState, got %s"
                            % type(other).__name__)
        _library.check(_CALLS["merge"](self._handle, other._handle))

    def result(self):
        """What the function of this name gives for the rows so far; top_k: (values, places)."""
        shape = (() if self._list is None else (self._list,)) + self.columns
        dtype = _reduce.result_dtype(self.kind, self.dtype)
        found = np.empty(shape or (1,), dtype)
        places = np.empty(shape, np.int64) if self.kind == "top_k" else None
        _library.check(_CALLS["result"](
            self._handle, byref(_reduce.struct_of(found)),
            None if places is None else byref(_reduce.struct_of(places))))
        if places is not None:
            return found, places
        found = found if shape else found.reshape(())[()]
        return _truth(found) if dtype == np.uint8 else found

    def to_bytes(self):
        size = c_size_t()
        _library.check(_CALLS["save"](self._handle, None, 0, byref(size)))
        room = ctypes.create_string_buffer(size.value)
        _library.check(_CALLS["save"](self._handle, room, size.value, byref(size)))
        return room.raw

    @classmethod
    def from_bytes(cls, data, kind, columns=(), dtype="float64", length=None):
        """A state from to_bytes(); `length`: bins, or k."""
        state = cls.__new__(cls)
        state._start(kind, columns, dtype)
        if kind in ("histogram", "top_k"):
            state._list = length
        _library.check(_CALLS["load"](bytes(data), len(data), byref(state._handle)))
        return state

    def __reduce__(self):
        return _restored, (self.to_bytes(), self.kind, self.columns, self.dtype.name, self._list)


def _restored(data, kind, columns, dtype, length):
    return ReduceState.from_bytes(data, kind, columns, dtype, length)

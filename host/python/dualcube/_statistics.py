"""Statistics of a table's columns that fits are made of: whole, or from chunks with the same bits."""

import ctypes
from ctypes import byref, c_int64, c_size_t, c_void_p

import numpy as np

from . import _context, _library
from ._library import lib
from ._operations import OPERATIONS
from ._scale import _LONG, describe

_STATE = {
    "dc_reduce_state_new": (ctypes.c_int, c_void_p, ctypes.POINTER(c_void_p)),
    "dc_reduce_state_free": (None, c_void_p),
    "dc_reduce_state_update": (ctypes.c_int, c_void_p, c_void_p, c_int64),
    "dc_reduce_state_result": (ctypes.c_int, c_void_p, c_void_p, c_void_p),
    "dc_reduce_state_save": (ctypes.c_int, c_void_p, c_void_p, c_size_t,
                             ctypes.POINTER(c_size_t)),
    "dc_reduce_state_load": (ctypes.c_int, c_void_p, c_size_t, ctypes.POINTER(c_void_p)),
}


def _function(name):
    """A function of the library with a prototype of our own."""
    result, *arguments = _STATE[name]
    return ctypes.CFUNCTYPE(result, *arguments)((name, lib))


def _params(name, **options):
    operation = OPERATIONS["reduce_" + name]
    params = operation.new_params()
    for option, value in options.items():
        operation.set(params, option, value)
    return operation, params


def _reduce(name, x, lead, device, threads, q=None, **options):
    operation, params = _params(name, **options)
    keep = None
    if q is not None:
        keep = (ctypes.c_double * len(q))(*q)
        params.q.at, params.q.count = keep, len(q)
    result = np.empty(lead + x.shape[1:], x.dtype)
    describe(x, params, operation.src)
    describe(result, params, operation.dst)
    _context.queue(device, threads).call(operation, params, x.size >= _LONG)
    del keep
    return result.astype(np.float64, copy=False)


def moments(x, device="auto", threads=None):
    """(count, mean, variance with divisor n) of every column's valid values."""
    return _reduce("moments", x, (3,), device, threads, ddof=0)


def extent(x, device="auto", threads=None):
    """(min, max) of every column's valid values."""
    return _reduce("extent", x, (2,), device, threads)


def quantiles(x, q, device="auto", threads=None):
    """Quantiles of every column's valid values, one row for each of q."""
    return _reduce("quantile", x, (len(q),), device, threads, q=q)


class State:
    """Statistics of rows that come in chunks: "moments" or "extent"."""

    def __init__(self, kind, columns=None, dtype=np.float64, saved=None):
        self.kind, self.columns, self.dtype, self.rows = kind, columns, np.dtype(dtype), 0
        self.handle = c_void_p()
        if saved is not None:
            _library.check(_function("dc_reduce_state_load")(saved, len(saved), byref(self.handle)))
            return
        operation, params = _params(kind, **({"ddof": 0} if kind == "moments" else {}))
        describe(np.empty((0, columns), self.dtype), params, operation.src)
        _library.check(_function("dc_reduce_state_new")(byref(params), byref(self.handle)))

    def __del__(self):
        _function("dc_reduce_state_free")(self.handle)

    def update(self, x):
        """Take in the next rows."""
        view = _library.Array()
        describe(x, view, 0)
        _library.check(_function("dc_reduce_state_update")(self.handle, byref(view), self.rows))
        self.rows += len(x)

    def result(self):
        """What moments() or extent() say of all rows so far."""
        found = np.empty((3 if self.kind == "moments" else 2, self.columns), self.dtype)
        view = _library.Array()
        describe(found, view, 0)
        _library.check(_function("dc_reduce_state_result")(self.handle, byref(view), None))
        return found.astype(np.float64, copy=False)

    def __reduce__(self):
        size = c_size_t()
        save = _function("dc_reduce_state_save")
        _library.check(save(self.handle, None, 0, byref(size)))
        room = ctypes.create_string_buffer(size.value)
        _library.check(save(self.handle, room, size.value, byref(size)))
        return _restored, (self.kind, self.columns, self.dtype.str, self.rows, room.raw)


def _restored(kind, columns, dtype, rows, saved):
    state = State(kind, columns, dtype, saved)
    state.rows = rows
    return state

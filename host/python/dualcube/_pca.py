"""Fits and calls of the pca family: ctypes around dc_pca_*, and the solvers that NumPy carries."""

import ctypes
from ctypes import byref, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32, c_void_p

import numpy as np

from . import _context, _library, _memory, _model
from . import random as _random
from ._library import lib
from ._operations import OPERATIONS
from ._scale import _LONG, describe

_PROTOTYPES = {
    "dc_pca_state_new": (c_int, c_void_p, ctypes.POINTER(c_void_p)),
    "dc_pca_state_free": (None, c_void_p),
    "dc_pca_state_update": (c_int, c_void_p, c_void_p, c_void_p),
    "dc_pca_state_result": (c_int, c_void_p, c_void_p, ctypes.POINTER(c_void_p)),
    "dc_pca_state_rows": (c_int64, c_void_p),
    "dc_pca_from_model": (c_int, c_void_p, c_int32, c_int32, c_int32, c_void_p, c_size_t,
                          ctypes.POINTER(c_size_t), c_void_p),
    "dc_pca_limits_at": (c_int, c_void_p, c_double, c_void_p),
    "dc_pca_check_model": (c_int, c_void_p),
}
_known = {}


def _function(name):
    """A function of the library with a prototype of our own."""
    if name not in _known:
        result, *arguments = _PROTOTYPES[name]
        _known[name] = ctypes.CFUNCTYPE(result, *arguments)((name, lib))
    return _known[name]


class _FitParams(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("standardize", c_int32), ("src", _library.Array),
                ("components", c_int64), ("fraction", c_double), ("confidence", c_double)]


class _Limits(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("jackson", c_int32)] + [
        (name, c_double) for name in ("t2", "t2_f", "t2_beta", "t2_chi2", "spe", "spe_jackson",
                                      "spe_box")]


class State:
    """Sums of rows that come in chunks; every chunking gives the same bits."""

    def __init__(self, columns, dtype, standardize, components=None, fraction=0.0):
        self.columns, self.dtype, self.handle = columns, np.dtype(dtype), c_void_p()
        params = _FitParams(struct_size=ctypes.sizeof(_FitParams), standardize=bool(standardize),
                            components=_library.DEFAULT if components is None else components,
                            fraction=fraction, confidence=0.95)
        describe(np.empty((0, columns), self.dtype), params, _FitParams.src.offset)
        _library.check(_function("dc_pca_state_new")(byref(params), byref(self.handle)))

    def __del__(self):
        if getattr(self, "handle", None):
            _function("dc_pca_state_free")(self.handle)

    @property
    def rows(self):
        return _function("dc_pca_state_rows")(self.handle)

    def update(self, x, queue):
        """The next rows."""
        holder = _FitParams()
        describe(x, holder, _FitParams.src.offset)
        with queue.lock:
            _library.check(_function("dc_pca_state_update")(self.handle, queue.handle,
                                                            byref(holder.src)))

    def result(self, queue):
        """Entries of the model of the rows so far."""
        handle = c_void_p()
        with queue.lock:
            _library.check(_function("dc_pca_state_result")(self.handle, queue.handle,
                                                            byref(handle)))
        return _model._entries(_model._Handle(handle))[1]


class Scorer:
    """A model as operands of calls, in any dtype."""

    def __init__(self, entries):
        self.model = _model._build("pca", entries)
        self.operands, self.found = {}, {}

    def limits(self, confidence):
        if confidence not in self.found:
            limits = _Limits(struct_size=ctypes.sizeof(_Limits))
            _library.check(_function("dc_pca_limits_at")(self.model.handle, confidence,
                                                         byref(limits)))
            self.found[confidence] = limits
        return self.found[confidence]

    def check(self):
        _library.check(_function("dc_pca_check_model")(self.model.handle))

    def params(self, name, dtype, whiten):
        """Params of a call with the model's operands, and what must live as long."""
        key = (name, dtype, whiten)
        if key not in self.operands:
            operation, size = OPERATIONS[name], c_size_t()
            params = operation.new_params()
            arguments = (self.model.handle, operation.kind, _model.CODES[dtype], whiten)
            ask = _function("dc_pca_from_model")
            _library.check(ask(*arguments, None, 0, byref(size), byref(params)))
            room = np.empty(size.value // 8 + 1)
            _library.check(ask(*arguments, room.ctypes.data, room.nbytes, None, byref(params)))
            self.operands[key] = (bytes(params), room)
        kept, room = self.operands[key]
        return OPERATIONS[name].struct.from_buffer_copy(kept), room

    def run(self, name, x, outputs, queue, whiten=False, **options):
        """{field: array} of the outputs asked for as {field: shape}."""
        operation = OPERATIONS[name]
        params, room = self.params(name, x.dtype, int(whiten))
        for option, value in options.items():
            operation.set(params, option, value)
        return call(operation, params, x, outputs, queue, room)


def call(operation, params, x, outputs, queue, keep):
    """Run with the operands that `params` have already."""
    found = {}
    describe(x, params, operation.src)
    for field, shape in outputs.items():
        found[field] = _memory.empty(shape, x.dtype, x if field == "dst" else None)
        describe(found[field], params, operation.parameters[field].offset)
    queue.call(operation, params, x.size >= _LONG)
    del keep
    return found


def signed(components):
    """The entry of largest magnitude of each component positive, the first of equals."""
    best = np.argmax(np.abs(components), axis=1)
    return components * np.where(components[np.arange(len(components)), best] < 0, -1.0,
                                 1.0)[:, None]


def centred(x, standardize):
    """(rows less means in float64, means, scales or None)"""
    mean = x.mean(axis=0, dtype=np.float64)
    z = x - mean
    if not standardize:
        return z, mean, None
    scale = np.sqrt(np.einsum("ij,ij->j", z, z) / len(z))
    scale[~(scale > 64 * np.finfo(x.dtype).eps * np.abs(mean))] = 1.0
    return z / scale, mean, scale


def rows_fit(x, standardize):
    """Fit of fewer rows than columns: eigenvectors of the products of rows."""
    z, mean, scale = centred(x, standardize)
    values, vectors = np.linalg.eigh(z @ z.T)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    found = vectors.T @ z
    # Rows without variance: anything at right angles to the others.
    lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
    weak = lengths <= np.sqrt(max(values[0], 0.0)) * 1e-7
    found[~weak] /= lengths[~weak, None]
    if weak.any():
        whole = np.linalg.qr(np.vstack([found[~weak], np.eye(*x.shape)]).T)[0].T
        found[weak] = whole[(~weak).sum():len(found)]
    variance = values / (len(x) - 1)
    return signed(found), variance, mean, scale, variance.sum()


def randomized_fit(x, k, standardize, seed, oversamples, power, normalizer):
    """Fit of the first k components by a random range (Halko, Martinsson and Tropp 2011)."""
    z, mean, scale = centred(x, standardize)
    turned = len(z) < z.shape[1]
    a = z.T if turned else z
    if power == "auto":
        power = 7 if k < 0.1 * min(x.shape) else 4
    width = min(k + oversamples, min(x.shape))
    q = np.asarray(_random.normal((a.shape[1], width), seed, dtype="float64", device="cpu"))
    tidy = {"none": lambda y: y}.get(normalizer, lambda y: np.linalg.qr(y)[0])
    for _ in range(power):
        q = tidy(a.T @ tidy(a @ q))
    # The last basis is of the columns' side, so that variances are those of the scores.
    q = np.linalg.qr(a @ q)[0]
    if not turned:
        q = np.linalg.qr(a.T @ q)[0]
    u, s, _ = np.linalg.svd(q.T @ (a if turned else a.T), full_matrices=False)
    found = (q @ u).T
    total = np.einsum("ij,ij->", z, z) / (len(x) - 1)
    return signed(found[:k]), s[:k] ** 2 / (len(x) - 1), mean, scale, total

"""Calls of the reduce family: axes, shapes and lists in, results of the right shape out."""

import ctypes

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory
from ._operations import OPERATIONS

_LONG = 1 << 20  # from so many elements a call may take long enough for Ctrl-C to matter
_CODES = {np.dtype(np.float32): _library.F32, np.dtype(np.float64): _library.F64,
          np.dtype(np.int64): _library.I64, np.dtype(np.uint8): _library.U8}
_WHOLE = ("count", "argmin", "argmax", "histogram")


def struct_of(array, shape=None, strides=None):
    """The dc_array of an ndarray or dualcube.Array; shape and strides (elements) of a view."""
    on_host = isinstance(array, np.ndarray)
    shape = array.shape if shape is None else shape
    if strides is None:
        strides = ([stride // array.itemsize for stride in array.strides] if on_host
                   else _inputs.dense_strides(array.shape))
    out = _library.Array()
    out.dtype, out.ndim = _CODES[array.dtype], len(shape)
    for axis, (extent, stride) in enumerate(zip(shape, strides)):
        out.shape[axis], out.stride[axis] = extent, stride
    if on_host:
        out.data = array.__array_interface__["data"][0]
    else:
        out.buffer = array._buffer.handle.value
    return out


def doubles(values):
    """(the dc_doubles of some numbers, what keeps it alive)"""
    block = (ctypes.c_double * max(len(values), 1))(*values)
    return _library.Doubles(ctypes.cast(block, ctypes.POINTER(ctypes.c_double)), len(values)), block


def result_dtype(name, dtype):
    if name in ("any_finite", "all_finite"):
        return np.dtype(np.uint8)
    return np.dtype(np.int64) if name in _WHOLE else dtype


def axes_of(what, axis, ndim):
    """None, an axis or several, as a sorted list of axes 0 ... ndim - 1."""
    if axis is None:
        return list(range(ndim))
    found = []
    for one in axis if isinstance(axis, (tuple, list)) else (axis,):
        try:
            one = one.__index__()
        except AttributeError:
            raise TypeError("%s: axis must be an integer, got %s"
                            % (what, type(one).__name__)) from None
        if not -ndim <= one < ndim:
            raise ValueError("%s: axis = %d, must be %d to %d" % (what, one, -ndim, ndim - 1))
        if one % ndim in found:
            raise ValueError("%s: axis %d is named twice" % (what, one))
        found.append(one % ndim)
    return sorted(found)


def set_options(operation, params, options):
    for name, value in options.items():
        if value is not None:
            operation.set(params, name, value)


class Call:
    """One reduction being prepared."""

    def __init__(self, name, x, axis, keepdims, device, threads, progress, options):
        self.what, self.operation = name, OPERATIONS["reduce_" + name]
        self.params, self.kept = self.operation.new_params(), []
        set_options(self.operation, self.params, options)
        if progress is not None and not callable(progress):
            raise TypeError("%s: progress must be callable, got %s"
                            % (name, type(progress).__name__))
        self.progress = progress
        self.on_device = isinstance(x, _device_array.Array)
        if self.on_device:
            self.x = x
            self.queue = _device_array.queue_for(x, device, threads)
        else:
            self.x = _inputs.admit(x)[0]
            self.queue = _context.queue(device, threads)
        self.axes = axes_of(name, axis, len(self.x.shape))
        self.params.axes = sum(1 << one for one in self.axes)
        self.params.src = struct_of(self.x)
        self.kept_shape = [extent for one, extent in enumerate(self.x.shape)
                           if one not in self.axes]
        self.shape = [1 if one in self.axes else extent for one, extent in enumerate(self.x.shape)
                      if keepdims or one not in self.axes]

    def list_of(self, name, values):
        value, block = doubles(values)
        self.kept.append(block)
        setattr(self.params, name, value)

    def output(self, field, dtype, out, length=None, place=0):
        """The array of the result, its list of `length` as axis `place`; (array, copy to or None)."""
        shape = list(self.shape)
        if length is not None:
            shape.insert(place, length)
        shape = tuple(shape)
        if out is not None:
            kind = _device_array.Array if self.on_device else np.ndarray
            if not isinstance(out, kind):
                raise TypeError("%s: out must be a %s, got %s"
                                % (self.what, "dualcube.Array when x is one" if self.on_device
                                   else "numpy.ndarray", type(out).__name__))
            if tuple(out.shape) != shape or out.dtype != dtype:
                raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                                 % (self.what, tuple(out.shape), out.dtype, shape, dtype))
            if not self.on_device and not out.flags.writeable:
                raise ValueError("%s: out is read-only" % self.what)
        copy_to = None
        if out is not None and (self.on_device or _inputs.whole_strides(out)):
            result = out
        elif self.on_device:
            result = _device_array.empty(self.queue, shape or (1,), dtype)
        else:
            result, copy_to = _memory.empty(shape, dtype), out
        strides = ([stride // result.itemsize for stride in result.strides]
                   if isinstance(result, np.ndarray) else _inputs.dense_strides(shape or (1,)))
        self._put(field, result, shape, strides, length, place)
        return result, copy_to

    def _put(self, field, result, shape, strides, length, place):
        """The view that the library fills: the list first, then the axes that remain."""
        extents, steps = list(shape), list(strides)[:len(shape)]
        lead, step = ([], []) if length is None else ([extents.pop(place)], [steps.pop(place)])
        if len(extents) == len(self.x.shape):  # keepdims
            rest = [one for one in range(len(extents)) if one not in self.axes]
            extents, steps = [extents[one] for one in rest], [steps[one] for one in rest]
        extents, steps = lead + extents, step + steps
        if not extents:
            extents, steps = [1], [1]
        setattr(self.params, field, struct_of(result, extents, steps))

    def run(self, *results):
        self.queue.call(self.operation, self.params, self.x.size >= _LONG, self.progress)
        done = []
        for result, copy_to in results:
            if copy_to is not None:
                copy_to[...] = result
                result = copy_to
            elif isinstance(result, np.ndarray) and result.ndim == 0:
                result = result[()]
            done.append(result)
        return done[0] if len(done) == 1 else tuple(done)

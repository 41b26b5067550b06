"""Calls of the transform family: views in, params filled, results out."""

import ctypes

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory
from ._operations import OPERATIONS

_LONG = 1 << 20  # from so many elements a call may take long enough for Ctrl-C to matter
_MOVED = {1: _library.U8, 2: _library.U16, 4: _library.U32, 8: _library.U64}
_COMPUTED = {np.dtype(np.float32): _library.F32, np.dtype(np.float64): _library.F64}


def array_of(what, x, computes):
    """x as an ndarray of 1 to 8 axes, or a dualcube.Array."""
    if isinstance(x, _device_array.Array):
        return x
    if computes:
        return _inputs.admit(x)[0]
    array = _inputs._array_of(x, "x")
    if array.dtype.hasobject or array.dtype.itemsize not in _MOVED:
        raise TypeError("%s: x has dtype %s, must have elements of 1, 2, 4 or 8 bytes"
                        % (what, array.dtype))
    if not 1 <= array.ndim <= _library.MAX_NDIM:
        raise ValueError("%s: x has %d axes, must have 1 to %d"
                         % (what, array.ndim, _library.MAX_NDIM))
    return array if _inputs.whole_strides(array) else array.copy()


class View:
    """Shape and strides (elements) over an ndarray or a dualcube.Array; `first` is the place of the
    first element.  What is shown is kept alive."""

    __slots__ = ("base", "shape", "strides", "first")

    def __init__(self, base, shape=None, strides=None, first=0):
        self.base = base
        self.shape = tuple(base.shape) if shape is None else tuple(shape)
        self.first = first
        if strides is not None:
            self.strides = tuple(strides)
        elif isinstance(base, np.ndarray):
            self.strides = tuple(stride // base.itemsize for stride in base.strides)
        else:
            self.strides = tuple(_inputs.dense_strides(base.shape))

    @property
    def size(self):
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def flipped(self, axes):
        strides, first = list(self.strides), self.first
        for axis in axes:
            first += strides[axis] * max(self.shape[axis] - 1, 0)
            strides[axis] = -strides[axis]
        return View(self.base, self.shape, strides, first)

    def struct(self, computes):
        """The dc_array."""
        out = _library.Array()
        dtype = self.base.dtype
        out.dtype = _COMPUTED[dtype] if computes else _MOVED[dtype.itemsize]
        out.ndim = len(self.shape)
        out.offset = self.first
        for axis, (extent, stride) in enumerate(zip(self.shape, self.strides)):
            out.shape[axis] = extent
            out.stride[axis] = stride
        if isinstance(self.base, np.ndarray):
            out.data = self.base.__array_interface__["data"][0]
        else:
            out.buffer = self.base._buffer.handle.value
        return out


def index_of(what, name, value):
    try:
        return value.__index__()
    except AttributeError:
        raise TypeError("%s: %s must be an integer, got %s"
                        % (what, name, type(value).__name__)) from None


def axis_of(what, axis, ndim, name="axis"):
    """An axis counted from the first."""
    axis = index_of(what, name, axis)
    if not -ndim <= axis < ndim:
        raise ValueError("%s: %s is %d, must be %d ... %d" % (what, name, axis, -ndim, ndim - 1))
    return axis % ndim


def axes_of(what, axis, ndim):
    """None, an axis or several as a tuple of different axes."""
    if axis is None:
        return tuple(range(ndim))
    several = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(axis_of(what, one, ndim) for one in several)


def integers(values):
    """The dc_int64s of some integers, and what keeps it alive."""
    block = (ctypes.c_int64 * max(len(values), 1))(*values)
    return _library.Int64s(ctypes.cast(block, ctypes.POINTER(ctypes.c_int64)), len(values)), block


def permutation(what, axes, ndim):
    """Axes as the library takes them; what is wrong with their values the library says."""
    several = [index_of(what, "axes", axis) for axis in axes]
    return [axis + ndim if -ndim <= axis < 0 else axis for axis in several]


class Call:
    """One call being prepared."""

    def __init__(self, row, computes, inputs, device, threads, progress):
        self.operation = OPERATIONS[row]
        self.what, self.computes, self.progress = row, computes, progress
        self.params = self.operation.new_params()
        self.kept = []  # what the params point to
        if progress is not None and not callable(progress):
            raise TypeError("%s: progress must be callable, got %s"
                            % (row, type(progress).__name__))
        self.home = next((x for x in inputs if isinstance(x, _device_array.Array)), None)
        if self.home is None:
            self.queue = _context.queue(device, threads)
        else:
            self.queue = _device_array.queue_for(self.home, device, threads)
        self.mixed = self.home is not None and any(isinstance(x, np.ndarray) for x in inputs)

    def put(self, name, view):
        self.kept.append(view)
        setattr(self.params, name, view.struct(self.computes))

    def put_index(self, view):
        self.kept.append(view)
        struct = view.struct(False)
        struct.dtype = _library.I64
        self.params.index = struct

    def put_samples(self, views):
        block = (_library.Array * max(len(views), 1))(*[v.struct(self.computes) for v in views])
        self.kept += [block, views]
        self.params.samples = _library.Arrays(
            ctypes.cast(block, ctypes.POINTER(_library.Array)), len(views))

    def put_integers(self, name, values):
        struct, block = integers(values)
        self.kept.append(block)
        setattr(self.params, name, struct)

    def output(self, name, out, shape, dtype, given="out"):
        """Where the result goes: (array, array to copy it to afterwards or None)."""
        shape = tuple(shape)
        if out is None:
            if self.home is not None:
                result = _device_array.empty(self.queue, shape, dtype)
            else:
                result = _memory.empty(shape, dtype)
            self.put(name, View(result))
            return result, None
        kind = _device_array.Array if self.home is not None else np.ndarray
        if not isinstance(out, kind):
            raise TypeError("%s: %s must be a %s, got %s"
                            % (self.what, given, "dualcube.Array when x is one"
                               if self.home is not None else "numpy.ndarray", type(out).__name__))
        if tuple(out.shape) != shape or out.dtype != dtype:
            raise ValueError("%s: %s has shape %s and dtype %s, must be %s and %s"
                             % (self.what, given, tuple(out.shape), out.dtype, shape, dtype))
        if self.home is None and not out.flags.writeable:
            raise ValueError("%s: %s is read-only" % (self.what, given))
        if self.home is not None or _inputs.whole_strides(out):
            self.put(name, View(out))
            return out, None
        result = _memory.empty(shape, dtype)
        self.put(name, View(result))
        return result, out

    def run(self, elements, *results):
        """Run; the results as the caller wants them."""
        self.queue.call(self.operation, self.params, elements >= _LONG, self.progress)
        if self.mixed:
            self.queue.finish()  # host inputs must live until the call is complete
        done = []
        for result, copy_to in results:
            if copy_to is not None:
                copy_to[...] = result
            done.append(result if copy_to is None else copy_to)
        return done[0] if len(done) == 1 else tuple(done)


def copy(what, view, axes, out, device, threads, progress):
    """The view's bits in a new dense array, axes permuted."""
    call = Call("transform_copy", False, [view.base], device, threads, progress)
    call.what = what
    call.put("src", view)
    call.put_integers("axes", axes)
    shape = [view.shape[axis] for axis in axes if 0 <= axis < len(view.shape)]
    return call.run(view.size, call.output("dst", out, shape, view.base.dtype))

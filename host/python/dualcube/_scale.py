"""One call of the scale family: arguments in, params struct, result of the caller's kind out."""

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory
from ._model import CODES
from ._operations import OPERATIONS

_LONG = 1 << 20  # from so many elements a call may take long enough for Ctrl-C to matter


def describe(array, params, offset):
    """Write an ndarray of any dtype's view into the params struct."""
    size, ndim = array.itemsize, array.ndim
    view = _library.Array.from_buffer(params, offset)
    view.data = array.__array_interface__["data"][0]
    view.ndim, view.dtype = ndim, CODES[array.dtype]
    for axis in range(ndim):
        view.shape[axis], view.stride[axis] = array.shape[axis], array.strides[axis] // size


def number_of(name, value, dtype):
    """A number for all values or an array of numbers, of the dtype computed in."""
    if np.isscalar(value) or value is None:
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError("%s has dtype %s, must be numbers" % (name, array.dtype))
    array = array.astype(dtype, copy=False)
    return array if _inputs.whole_strides(array) else array.copy()


def _put(operation, params, numbers, keep, place):
    """The numbers a, b, c; `place` brings an array to where the call runs."""
    for field, value in zip("abc", numbers):
        if value is None:
            continue
        if not isinstance(value, np.ndarray):
            operation.set(params, field + "_value", value)
        elif value.ndim == 0:
            operation.set(params, field + "_value", float(value))
        else:
            place(value, params, operation.parameters[field].offset, keep)


def _place_host(value, params, offset, keep):
    keep.append(value)
    describe(value, params, offset)


def run(name, src, dst, numbers, queue, progress=None, **options):
    """Run row `name` on host arrays that are fit for it."""
    operation = OPERATIONS[name]
    params = operation.new_params()
    for option, value in options.items():
        operation.set(params, option, value)
    keep = []
    _put(operation, params, numbers, keep, _place_host)
    describe(src, params, operation.src)
    describe(dst, params, operation.dst)
    queue.call(operation, params, src.size >= _LONG, progress)
    return dst


def _run_device(name, x, numbers, queue, progress, out, **options):
    operation = OPERATIONS[name]
    params = operation.new_params()
    for option, value in options.items():
        operation.set(params, option, value)
    keep = []

    def place(value, params, offset, keep):
        array = _device_array.to_device(value, x.device, queue.threads)
        keep.append(array)  # the call keeps its memory
        array._describe(params, offset)

    _put(operation, params, numbers, keep, place)
    result = _device_array.empty(queue, x.shape, x.dtype) if out is None else out
    x._describe(params, operation.src)
    result._describe(params, operation.dst)
    queue.call(operation, params, x.size >= _LONG, progress)
    return result


def check_out(name, out, shape, dtype):
    if not isinstance(out, np.ndarray):
        raise TypeError("%s: out must be a numpy.ndarray, got %s" % (name, type(out).__name__))
    if out.shape != tuple(shape) or out.dtype != dtype:
        raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                         % (name, out.shape, out.dtype, tuple(shape), np.dtype(dtype)))
    if not out.flags.writeable:
        raise ValueError("%s: out is read-only" % name)


def elementwise(name, x, numbers, device="auto", out=None, threads=None, progress=None, **options):
    """dst of x's kind, shape and dtype; `numbers` are scalars or arrays stretched over x."""
    if isinstance(x, _device_array.Array):
        numbers = [number_of(name, value, x.dtype) for value in numbers]
        queue = _device_array.queue_for(x, device, threads)
        return _run_device(name, x, numbers, queue, progress, out, **options)
    queue = _context.queue(device, threads)
    array, wrap = _inputs.admit(x)
    numbers = [number_of(name, value, array.dtype) for value in numbers]
    result, copy_to = _memory.empty(array.shape, array.dtype, array), None
    if out is not None:
        check_out(name, out, array.shape, array.dtype)
        if _inputs.whole_strides(out) and not np.may_share_memory(array, out):
            result = out
        else:
            copy_to = out
    run(name, array, result, numbers, queue, progress, **options)
    if copy_to is not None:
        copy_to[...] = result
        return copy_to
    return result if wrap is None or out is not None else wrap(result, 0, 1)


def to_dtype(name, x, dtype, numbers, device="auto", out=None, threads=None, progress=None):
    """dst of another dtype than x's."""
    queue = _context.queue(device, threads)
    array = np.asarray(x) if name == "scale_dequantize" else _inputs.admit(x)[0]
    if not _inputs.whole_strides(array):
        array = array.copy()
    computing = np.dtype(dtype) if name == "scale_dequantize" else array.dtype
    numbers = [number_of(name, value, computing) for value in numbers]
    dtype = np.dtype(dtype)
    if out is None:
        result = _memory.empty(array.shape, dtype)
    else:
        check_out(name, out, array.shape, dtype)
        result = out
    return run(name, array, result, numbers, queue, progress)


def count(x, numbers, axis, what, device="auto", threads=None, progress=None, format=None):
    """int64 counts over `axis` (None: all)."""
    queue = _context.queue(device, threads)
    array, _ = _inputs.admit(x)
    axes = range(array.ndim) if axis is None else np.atleast_1d(axis)
    axes = {int(a) % array.ndim for a in axes if -array.ndim <= a < array.ndim}
    if axis is not None and len(axes) != np.atleast_1d(axis).size:
        raise ValueError("count: axis = %r, x has %d axes" % (axis, array.ndim))
    shape = tuple(1 if d in axes else n for d, n in enumerate(array.shape))
    numbers = [number_of("count", value, array.dtype) for value in numbers]
    options = {"count_what": what}
    if format is not None:
        options["format"] = CODES[np.dtype(format)]
    result = run("scale_count", array, np.empty(shape, np.int64), numbers, queue, progress,
                 **options)
    return result.reshape([n for d, n in enumerate(array.shape) if d not in axes])[()]

"""What a call would do: its arrays described, planned and routed, nothing computed."""

import ctypes

import numpy as np

from . import _context, _inputs, _library, _model
from ._operations import OPERATIONS


def _set(operation, params, window, expanding, options):
    if expanding:
        params.expanding = 1
        params.window = 1  # ignored by the library
    elif window is not None or getattr(operation.parameters.get("window"), "required", False):
        operation.set(params, "window", window)
    for name, value in options.items():
        if value is not None:
            operation.set(params, name, value)


def _axes(operation, shape, axis):
    """Axes of a reduction as the library's bits."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    bits = 0
    for one in axes:
        if not -len(shape) <= one < len(shape):
            raise ValueError("%s: axis = %d, the array has %d axes"
                             % (operation.name, one, len(shape)))
        bits |= 1 << one % len(shape)
    return bits


def output_shape(shape, axis, step):
    """Shape of the result; for an axis or step out of range any shape: the library refuses."""
    if not -len(shape) <= axis < len(shape):
        return tuple(shape)
    result = list(shape)
    result[axis] = -(-result[axis] // max(step, 1))
    return tuple(result)


def _result_shape(params, shape, out):
    """Shape of the output: as told, or what the parameters leave of the input's."""
    if out is not None:
        return tuple(out)
    if hasattr(params, "axes"):
        return tuple(n for d, n in enumerate(shape) if not params.axes >> d & 1) or (1,)
    step = getattr(params, "step", 1)
    return output_shape(shape, getattr(params, "axis", 0), step if isinstance(step, int) else 1)


def explain(name, shape, dtype, window, expanding, device, threads, out, out_dtype, options):
    """(run info, text) of a call that is planned and routed but not run."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise ValueError("explain: operation = %r, must be one of %s"
                         % (name, ", ".join(OPERATIONS)))
    shape = tuple(shape)
    params = operation.new_params()
    if "axes" in operation.parameters and "axis" in options:
        options["axes"] = _axes(operation, shape, options.pop("axis"))
    _set(operation, params, window, expanding, options)
    dtype = _inputs.computing_dtype(np.dtype(dtype), "explain: dtype")
    arrays = [(operation.src, shape, dtype)] if operation.src is not None else []
    result = _result_shape(params, shape, out) if arrays else shape
    arrays.append((operation.dst, result, np.dtype(out_dtype or dtype)))
    if arrays[-1][2] not in _model.CODES:
        raise TypeError("explain: out_dtype is %s, which no operation puts out" % out_dtype)
    for offset, extents, kind in arrays:
        if not 1 <= len(extents) <= _library.MAX_NDIM:
            raise ValueError("explain: shape has %d axes, must have 1 to %d"
                             % (len(extents), _library.MAX_NDIM))
        _inputs.view(params, offset, 0, 0, extents, _inputs.dense_strides(extents), kind,
                     _model.CODES[kind])
    queue = _context.queue(device, threads)
    info = _library.filled(_library.RunInfo)
    text = ctypes.create_string_buffer(1 << 14)
    with queue.lock:
        _library.check(_library.lib.dc_op_explain(queue.handle, operation.id, ctypes.byref(params),
                                                  info, text, len(text)))
    return info, text.value.decode("utf-8", "replace")

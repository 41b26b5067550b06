"""Calls with one input and one output whose shape the caller says."""

from . import _context, _device_array, _inputs, _rolling

_LONG = 1 << 18  # from so many elements a call may take long enough for Ctrl-C to matter


def axis_of(what, axis, ndim):
    """An axis as 0 ... ndim - 1."""
    try:
        axis = axis.__index__()
    except AttributeError:
        raise TypeError("%s: axis must be an integer, got %s"
                        % (what, type(axis).__name__)) from None
    if not -ndim <= axis < ndim:
        raise ValueError("%s: axis = %d, must be %d to %d for %d axes"
                         % (what, axis, -ndim, ndim - 1, ndim))
    return axis % ndim


def admit(x, what="x"):
    """(the array of x, how to give a result of its kind); a dualcube.Array stays what it is."""
    if isinstance(x, _device_array.Array):
        return x, None
    return _inputs.admit(x, what)


def call(what, operation, params, x, admitted, device, out, threads, progress, shape=None):
    """Run the operation from src, which is `admitted` (see admit()), to dst of `shape` (None: as
    src)."""
    array, wrap = admitted
    shape = tuple(array.shape) if shape is None else shape
    if progress is not None and not callable(progress):
        raise TypeError("%s: progress must be callable, got %s" % (what, type(progress).__name__))
    if isinstance(array, _device_array.Array):
        queue = _device_array.queue_for(array, device, threads)
        if out is None:
            out = _device_array.empty(queue, shape, array.dtype)
        elif not isinstance(out, _device_array.Array):
            raise TypeError("%s: out must be a dualcube.Array when x is one, got %s"
                            % (what, type(out).__name__))
        elif tuple(out.shape) != shape or out.dtype != array.dtype:
            raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                             % (what, tuple(out.shape), out.dtype, shape, array.dtype))
        array._describe(params, operation.src)
        out._describe(params, operation.dst)
        queue.call(operation, params, array.size >= _LONG, progress)
        return out
    queue = _context.queue(device, threads)
    result, copy_to = _rolling._output(operation, array, shape, out, x)
    _inputs.describe(array, params, operation.src)
    _inputs.describe(result, params, operation.dst)
    queue.call(operation, params, array.size >= _LONG, progress)
    if copy_to is not None:
        copy_to[...] = result
        result = copy_to
    if wrap is None or out is not None or shape != tuple(array.shape):
        return result
    return wrap(result, 0, 1)

"""pyopencl.array.Array in, the same out, on the caller's own context and queue, without a copy."""

import threading
from ctypes import byref, c_void_p

from . import _context, _inputs, _library
from ._library import lib

_lock = threading.Lock()
_queues = {}  # (cl_context, cl_command_queue) -> Queue; both are retained, so that keys stay valid
_KEPT = 8  # queues remembered; the oldest goes first


class _Owner:
    """Frees a context made from a cl_context once its queue is gone."""

    __slots__ = ("handle", "generation")

    def __init__(self, handle):
        self.handle, self.generation = handle, _context.generation()

    def __del__(self, free=lib.dc_context_free, generation=_context.generation):
        if self.generation == generation():
            free(self.handle)


def is_array(x):
    import pyopencl.array

    return isinstance(x, pyopencl.array.Array)


def _queue_of(x):
    if x.queue is None:
        raise ValueError("x is a pyopencl array without a queue: give it one with x.with_queue()")
    key = (x.queue.context.int_ptr, x.queue.int_ptr)
    with _lock:
        queue = _queues.get(key)
        if queue is None or queue.generation != _context.generation():
            context, handle = c_void_p(), c_void_p()
            _library.check(lib.dc_context_from_cl(key[0], key[1], byref(context), byref(handle)))
            queue = _context.Queue(handle, "pyopencl", None, _Owner(context))
            while len(_queues) >= _KEPT:
                del _queues[next(iter(_queues))]
            _queues[key] = queue
    return queue


def _wrap(queue, x, target):
    """Write the view of a pyopencl array; returns the dc_buffer, to be freed by the caller."""
    dtype = _inputs.computing_dtype(x.dtype, "x")
    if dtype != x.dtype:
        raise TypeError("x is a pyopencl array of %s: cast it with x.astype('float64')" % x.dtype)
    size = dtype.itemsize
    if not 1 <= len(x.shape) <= _library.MAX_NDIM:
        raise ValueError("x has %d axes, must have 1 to %d" % (len(x.shape), _library.MAX_NDIM))
    if x.offset % size or any(stride % size for stride in x.strides):
        raise ValueError("x: offset %d and strides %s bytes must be multiples of %d"
                         % (x.offset, x.strides, size))
    buffer = c_void_p()
    _library.check(lib.dc_buffer_from_cl(queue.handle, x.base_data.int_ptr, byref(buffer)))
    target.buffer = buffer.value
    target.offset = x.offset // size
    target.ndim, target.dtype = len(x.shape), _inputs.code_of(dtype)
    for axis, extent in enumerate(x.shape):
        target.shape[axis], target.stride[axis] = extent, x.strides[axis] // size
    return buffer


def run(operation, params, x, device, out):
    """Enqueue on x's own queue; later work on that queue sees the result."""
    import pyopencl.array

    from ._explain import output_shape

    if device != "auto":
        raise ValueError("device = %r, but x is a pyopencl array: it stays on its own queue"
                         % device)
    queue = _queue_of(x)
    shape = output_shape(x.shape, params.axis, params.step)
    if out is None:
        out = pyopencl.array.empty(x.queue, shape, x.dtype)
    elif not isinstance(out, pyopencl.array.Array) or out.shape != shape or out.dtype != x.dtype:
        raise ValueError("%s: out must be a pyopencl array of shape %s and dtype %s"
                         % (operation.name, shape, x.dtype))
    buffers = []
    with queue.lock:
        try:
            buffers.append(_wrap(queue, x, params.src))
            buffers.append(_wrap(queue, out, params.dst))
            queue.call(operation, params)
        finally:
            for buffer in buffers:
                lib.dc_buffer_free(buffer)
    return out


__all__ = ["is_array", "run"]

"""Device-resident arrays: chains of operations that copy nothing between host and device."""

from ctypes import byref, c_void_p

import numpy as np

from . import _context, _inputs, _library, _memory
from ._library import lib


class _Buffer:
    """Owner of one dc_buffer."""

    __slots__ = ("handle", "queue", "generation")

    def __init__(self, queue, handle):
        self.queue, self.handle = queue, handle  # the queue lives as long as its memory
        self.generation = queue.generation

    # The defaults keep what is needed alive while the interpreter shuts down.
    def __del__(self, free=lib.dc_buffer_free, generation=_context.generation):
        if self.generation == generation():
            free(self.handle)


def _new_buffer(queue, bytes_):
    handle = c_void_p()
    with queue.lock:
        _library.check(lib.dc_buffer_new(queue.handle, bytes_, byref(handle)))
    return _Buffer(queue, handle)


class Array:
    """A dense, row-major array in the memory of a device.

    Made by :func:`to_device`; the ``rolling_*`` and ``expanding_*`` functions take it and return
    another one without moving anything to the host.  Calls are enqueued: an error that the device
    reports late is raised by :meth:`numpy` or :meth:`wait`.

    Attributes: ``shape``, ``dtype`` (float32 or float64), ``ndim``, ``size``, ``nbytes``,
    ``device`` (as given to :func:`to_device`).

    Pickling (and copy.deepcopy) copies the values: the array that comes back lies on the device of
    the same name, or UnsupportedError says that this machine has none.
    """

    __slots__ = ("shape", "dtype", "_buffer")

    def __init__(self, shape, dtype, buffer):
        self.shape, self.dtype, self._buffer = tuple(shape), dtype, buffer

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    @property
    def nbytes(self):
        return self.size * self.dtype.itemsize

    @property
    def device(self):
        return self._buffer.queue.device

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return "dualcube.Array(shape=%s, dtype=%s, device=%r)" % (
            self.shape, self.dtype.name, self.device)

    def __reduce__(self):
        queue = self._queue()
        return to_device, (self.numpy(), queue.device, queue.threads)

    def wait(self):
        """Block until the calls that make this array are complete.  Returns the array."""
        self._queue().finish()
        return self

    def numpy(self, out=None):
        """Copy to the host.

        ``out``: a C-contiguous, writeable ndarray of the same shape and dtype, or None.
        """
        queue = self._queue()
        if out is None:
            out = _memory.empty(self.shape, self.dtype)
        elif not (isinstance(out, np.ndarray) and out.shape == self.shape
                  and out.dtype == self.dtype and out.flags.c_contiguous
                  and out.flags.writeable):
            raise ValueError("out must be a C-contiguous writeable ndarray of shape %s and dtype %s"
                             % (self.shape, self.dtype.name))
        address = out.__array_interface__["data"][0]
        with queue.lock:
            _library.check(lib.dc_buffer_read(queue.handle, self._buffer.handle, 0, address,
                                              self.nbytes))
        return out

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("an array on a device cannot be seen by NumPy without a copy")
        host = self.numpy()
        return host if dtype is None else host.astype(dtype, copy=False)

    def _queue(self):
        queue = self._buffer.queue
        if queue.generation != _context.generation():
            raise _library.DeviceError(
                "this array was made before a fork(): its device memory belongs to the parent")
        return queue

    def _describe(self, params, offset):
        _inputs.view(params, offset, self._buffer.handle.value, 0, self.shape,
                     _inputs.dense_strides(self.shape), self.dtype)


def to_device(x, device="auto", threads=None):
    """Copy an array to a device.

    x : array-like of 1 to 8 axes (see :func:`rolling_mean` for what is taken).
    device : "auto" (the device that the policy would choose), "cpu", "opencl", "opencl:1".
    threads : CPU threads of the calls made with it, or None.

    Returns an :class:`Array`.  Raises what the ``rolling_*`` functions raise.

    >>> import numpy as np, dualcube as dc
    >>> a = dc.to_device(np.arange(6.0), device="cpu")
    >>> dc.rolling_max(dc.rolling_mean(a, 2, min_periods=1), 2, min_periods=1).numpy()
    array([0. , 0.5, 1.5, 2.5, 3.5, 4.5])
    """
    if isinstance(x, Array):
        x = x.numpy()
    array, _ = _inputs.admit(x)
    dense = np.ascontiguousarray(array)
    queue = _context.queue(device, threads)
    result = empty(queue, dense.shape, dense.dtype)
    with queue.lock:
        _library.check(lib.dc_buffer_write(queue.handle, result._buffer.handle, 0,
                                           dense.__array_interface__["data"][0], dense.nbytes))
    return result


def empty(queue, shape, dtype):
    """An uninitialised Array on the queue's device."""
    bytes_ = dtype.itemsize
    for extent in shape:
        bytes_ *= extent
    return Array(shape, dtype, _new_buffer(queue, bytes_))


def queue_for(x, device, threads):
    """The calling thread's queue for a call on the Array `x`."""
    home = x._queue()
    if device not in ("auto", home.device):
        raise ValueError("device = %r, but the array lives on %r: copy it with "
                         "to_device(x, device=%r)" % (device, home.device, device))
    queue = _context.queue(home.device, home.threads if threads is None else threads)
    if queue is not home:
        home.finish()  # what makes x was enqueued elsewhere
    return queue

"""Large outputs from the library's host pool: they go back to it when NumPy drops them.

Fresh pages cost more than most of these computations, so that outputs of 1 MiB and more are cut
from dc_host_alloc().  Arrays alive at any time may take at most a quarter of the machine's memory
from it; beyond that (or when the pool's own cap is reached) outputs are plain NumPy memory.
"""

import os
import threading
from ctypes import byref, c_void_p

import numpy as np

from . import _context, _library
from ._library import lib

SMALLEST = 1 << 20  # bytes; below it the C library's allocator reuses warm pages itself


def _quarter_of_memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (ValueError, OSError):
        return 1 << 30


LIMIT = _quarter_of_memory()  # bytes of living outputs


class _Ledger:
    """Bytes of living pool outputs.  Only its lock's holder changes it."""

    def __init__(self):
        self.bytes = 0
        self.lock = threading.RLock()  # a collection inside take() may run give()

    def take(self, bytes_):
        with self.lock:
            if self.bytes + bytes_ > LIMIT:
                return False
            self.bytes += bytes_
            return True

    def give(self, bytes_):
        with self.lock:
            self.bytes -= bytes_


_ledger = _Ledger()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ledger.__init__)


class _Block:
    """Owner of one block of the pool: the base object of the array that is cut from it."""

    __slots__ = ("__array_interface__", "address", "bytes", "context", "generation")

    def __init__(self, address, bytes_):
        self.address, self.bytes = address, bytes_
        self.context = _context.context()
        self.generation = _context.generation()
        self.__array_interface__ = {"version": 3, "shape": (bytes_,), "typestr": "|u1",
                                    "data": (address, False)}

    # The defaults keep what is needed alive while the interpreter shuts down.
    def __del__(self, free=lib.dc_host_free, generation=_context.generation, ledger=_ledger):
        if self.generation == generation():  # a fork()ed child leaves the parent's pool alone
            free(self.context, self.address)
            ledger.give(self.bytes)


def _pooled(bytes_):
    """`bytes_` bytes of the pool as a uint8 array, or None."""
    if not _ledger.take(bytes_):
        return None
    address = c_void_p()
    status = lib.dc_host_alloc(_context.context(), bytes_, byref(address))
    if status != _library.OK:
        _ledger.give(bytes_)
        if status == _library.E_MEMORY:
            return None
        _library.check(status)
    return np.asarray(_Block(address.value, bytes_))


def empty(shape, dtype, like=None):
    """An uninitialised array; `like`, of the same number of axes, gives the order of the axes."""
    count = 1
    for extent in shape:
        count *= extent
    bytes_ = count * dtype.itemsize
    if bytes_ >= SMALLEST:
        memory = _pooled(bytes_)
        if memory is not None:
            return _shaped(memory.view(dtype), shape, like)
    if like is not None and not like.flags.c_contiguous:
        return np.empty_like(like, dtype=dtype, shape=shape, subok=False)
    return np.empty(shape, dtype)


def _shaped(flat, shape, like):
    if like is None or like.flags.c_contiguous or len(shape) < 2:
        return flat.reshape(shape)
    # Largest stride of `like` first, ties in C order: the same memory order as the input's.
    axes = sorted(range(len(shape)), key=lambda axis: -abs(like.strides[axis]))
    return flat.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))

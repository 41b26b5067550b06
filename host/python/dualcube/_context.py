"""One shared context, one queue per thread and setting, cancellation, logging, fork()."""

import atexit
import os
import signal
import threading
from ctypes import byref, c_void_p

from . import _library
from ._library import lib

_lock = threading.Lock()
_local = threading.local()
_context = None
_generation = 0  # forks since import: handles of an older generation belong to the parent
_inherited = False  # the parent had a context: this child computes on one CPU thread

_LEVELS = (40, 30, 20, 10)  # logging.ERROR, WARNING, INFO, DEBUG


def _log(level, text, _user):
    try:
        import logging

        number = _LEVELS[level] if 0 <= level < len(_LEVELS) else 10
        logging.getLogger("dualcube").log(number, "%s", (text or b"").decode("utf-8", "replace"))
    except BaseException:  # a logger must not unwind through C, and at exit modules may be gone
        pass


_log_callback = _library.LOG(_log)


def context():
    """Handle of the process's context, opened on first use."""
    global _context
    if _context is None:
        with _lock:
            if _context is None:
                params = _library.filled(_library.ContextParams)
                params.probe_timeout_ms = 10000
                if _inherited:
                    params.opencl_module = b""  # a driver does not survive fork()
                handle = c_void_p()
                _library.check(lib.dc_context_new(params, byref(handle)))
                lib.dc_context_set_log(handle, _log_callback, None)
                _context = handle
    return _context


def generation():
    """Number of forks since import."""
    return _generation


def _after_fork():
    global _context, _generation, _inherited, _lock, _local
    _inherited = _inherited or _context is not None
    _generation += 1  # before _local goes: its queues must not touch the parent's handles
    _context = None
    _lock = threading.Lock()
    _local = threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _at_exit():
    # Handles stay open (other threads and arrays may still use them); the trace that the
    # environment asked for is written here, because the context is never freed.
    if _context is None:
        return
    lib.dc_context_set_log(_context, None, None)
    path = os.environ.get("DUALCUBE_TRACE", "")
    if path and path != "plan":
        lib.dc_trace_stop(_context, os.fsencode(path))


class Queue:
    """A dc_queue.  The lock serialises the rare use from two threads (arrays that travel)."""

    __slots__ = ("handle", "device", "threads", "lock", "busy", "generation", "owner", "watched",
                 "__weakref__")

    def __init__(self, handle, device, threads, owner=None):
        self.handle, self.device, self.threads = handle, device, threads
        self.lock = threading.RLock()
        self.busy = False
        self.watched = False
        self.owner = owner  # what must outlive the queue: a context of its own
        self.generation = _generation

    # The defaults keep what is needed alive while the interpreter shuts down.
    def __del__(self, free=lib.dc_queue_free, generation=generation):
        if self.generation == generation():
            free(self.handle)

    def finish(self):
        """Wait for every call queued so far."""
        with self.lock:
            _library.check(lib.dc_queue_finish(self.handle))

    def call(self, operation, params, long=False, progress=None):
        """Run one operation; raises the Python error of a failure."""
        with self.lock:
            if self.busy:
                raise RuntimeError("dualcube: a progress callback may not start another call")
            self.busy = True
            try:
                if long or progress is not None:
                    self._watched(lambda: lib.dc_op_call(self.handle, operation.id, byref(params),
                                                         None), progress)
                else:
                    _library.check(lib.dc_op_call(self.handle, operation.id, byref(params), None))
            finally:
                self.busy = False
        _local.last = self

    def run(self, function, params, progress=None):
        """Run a function of the library that makes several calls: function(queue, params)."""
        with self.lock:
            if self.busy:
                raise RuntimeError("dualcube: a progress callback may not start another call")
            self.busy = True
            try:
                self._watched(lambda: function(self.handle, byref(params)), progress)
            finally:
                self.busy = False
        _local.last = self

    def _watched(self, start, progress):
        watch = _Watch(progress)
        if not self.watched:
            _library.check(lib.dc_queue_set_progress(self.handle, _progress_callback, None))
            self.watched = True
        outer = getattr(_local, "watch", None)
        _local.watch = watch
        with watch:
            status = start()
        _local.watch = outer
        if watch.error is not None:
            raise watch.error
        _library.check(status)


class _Watch:
    """Turns a signal handler or a progress function that raises into a cancelled call.

    An exception cannot pass through the C frames.  A handler that runs while the callback is being
    entered would be reported and dropped there, so that for the length of the call SIGINT goes to
    a wrapper that keeps what the real handler raised.
    """

    __slots__ = ("progress", "error", "handler")

    def __init__(self, progress):
        self.progress = progress
        self.error = None
        self.handler = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                try:
                    signal.signal(signal.SIGINT, self._on_signal)
                    self.handler = handler
                except ValueError:  # not the main interpreter
                    pass

    def __exit__(self, *_):
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)

    def _on_signal(self, number, frame):
        try:
            self.handler(number, frame)
        except BaseException as error:
            self.error = error

    def step(self, done, total):
        """1 when the call must stop."""
        try:
            if self.error is None and self.progress is not None and self.progress(done, total):
                self.error = KeyboardInterrupt("dualcube: the progress callback asked to stop")
        except BaseException as error:
            self.error = error
        return 0 if self.error is None else 1


def _progress(done, total, _user):
    watch = getattr(_local, "watch", None)
    return 0 if watch is None else watch.step(done, total)


_progress_callback = _library.PROGRESS(_progress)


class options:
    """Settings of the calling thread's calls, for the length of a ``with`` block.

    device : "auto", "cpu", "opencl", "opencl:<n>" or None
        Stands in for ``device="auto"``; a call that names a device keeps it.
    threads : int or None
        CPU threads of calls that do not say; None: DUALCUBE_THREADS, else what the machine grants.
    isa : "baseline", "avx2", "avx512" or None
        Instruction set of the CPU mirror; None: DUALCUBE_CPU_ISA, else the best.  Never changes
        the bits.
    policy : "auto", "cpu", "device", "device-or-fail" or None
        Where calls without a device may run: the cheaper by the cost model; the CPU; a device where
        it can, else the CPU; a device or an error.  None: DUALCUBE_FALLBACK, else "auto".

    Blocks nest: what an inner one leaves out is taken from the outer one.  Settings belong to the
    thread that entered the block.  Bad names raise ValueError or TypeError at once; an instruction
    set that this machine lacks raises dualcube.UnsupportedError at the first call.

    >>> import numpy as np, dualcube as dc
    >>> with dc.options(device="cpu", threads=1, isa="baseline"):
    ...     y = dc.rolling_mean(np.arange(4.0), 2)
    >>> dc.last_run()["isa"]
    'baseline'
    """

    __slots__ = ("_chosen", "_outer")

    def __init__(self, *, device=None, threads=None, isa=None, policy=None):
        _check_device("auto" if device is None else device)
        self._chosen = {"device": device, "threads": threads if threads is None else
                        _positive(threads), "isa": _place("isa", isa, _library.ISAS),
                        "policy": _place("policy", policy, _library.POLICIES)}
        self._outer = []

    def __enter__(self):
        outer = getattr(_local, "options", None)
        self._outer.append(outer)
        now = dict(outer) if outer else {}
        now.update((name, value) for name, value in self._chosen.items() if value is not None)
        _local.options = now
        return self

    def __exit__(self, *_):
        _local.options = self._outer.pop()


def _place(name, value, known):
    if value is None:
        return None
    if value not in known:
        raise ValueError("%s = %r, must be one of %s" % (name, value, ", ".join(known)))
    return known.index(value)


def _check_device(device):
    if not isinstance(device, str):
        raise TypeError("device must be a string such as 'auto', 'cpu' or 'opencl:1', got %s"
                        % type(device).__name__)


def queue(device="auto", threads=None):
    """The calling thread's queue on `device` ("auto", "cpu", "opencl", "opencl:1")."""
    chosen = getattr(_local, "options", None)
    isa = policy = None
    if chosen:
        if device == "auto":
            device = chosen.get("device", device)
        if threads is None:
            threads = chosen.get("threads")
        isa, policy = chosen.get("isa"), chosen.get("policy")
    key = (device, threads, isa, policy)
    queues = getattr(_local, "queues", None)
    if queues is None:
        queues = _local.queues = {}
    try:
        found = queues.get(key)
    except TypeError:  # not hashable, so neither a name nor a number
        found = None
    if found is None:
        found = queues[key] = _open(device, threads, isa, policy)
    return found


def _open(device, threads, isa, policy):
    _check_device(device)
    params = _library.filled(_library.QueueParams)
    params.policy = -1 if policy is None else policy
    params.isa = -1 if isa is None else isa
    params.threads = _thread_count(threads)
    handle, found = c_void_p(), None
    if device != "auto":
        found = find(device)
    elif _inherited:
        found = find("cpu")
    _library.check(lib.dc_queue_new(context(), found, params, byref(handle)))
    return Queue(handle, device, threads)


def _positive(threads):
    try:
        number = threads.__index__()
    except AttributeError:
        raise TypeError("threads must be an integer or None, got %s"
                        % type(threads).__name__) from None
    if not 1 <= number <= 4096:
        raise ValueError("threads = %d, must be 1 to 4096" % number)
    return number


def _thread_count(threads):
    if threads is None:
        return 1 if _inherited else 0
    number = _positive(threads)
    return 1 if _inherited else number


def find(device):
    """Handle of a device by name."""
    if _inherited and device.startswith("opencl"):
        raise _library.DeviceError(
            "device = %r: this process was made by fork() after its parent used dualcube, and "
            "OpenCL does not survive a fork; use device='cpu' or start workers with 'spawn'"
            % device)
    handle = c_void_p()
    _library.check(lib.dc_device_find(context(), device.encode(), byref(handle)))
    return handle


def last_queue():
    """The queue of the calling thread's last call, or None."""
    return getattr(_local, "last", None)

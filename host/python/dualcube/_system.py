"""What is here, what ran, what it cost: devices, topology, records, pools, counters, traces."""

import contextlib
import os
from ctypes import byref, c_void_p

from . import _context, _library
from ._library import lib

_CHECKS = ("contract_off", "fma", "divide", "sqrt", "denorm", "barrier", "int64", "atomic64",
           "fp64")
_CHECK_RAN = 1 << 30


def version():
    """Version of the shared library that is loaded.

    >>> import dualcube
    >>> dualcube.version().split(".")[:2] == dualcube.__version__.split(".")[:2]
    True
    """
    return lib.dc_version().decode()


def devices(check=False):
    """Every device, the CPU first, broken drivers included: a list of dicts.

    check : bool
        Also run the self-check of every usable device (some seconds on a cold program cache).

    A dict has the fields of dc_device_info: ``id`` (what ``device=`` takes), ``name``, ``usable``
    (else ``error`` says why), ``fp64``, ``numa_node``, sizes in bytes, and ``checks``, a dict of
    what the self-check found, None where it has not run.  The first call probes OpenCL in a helper
    process (at most 10 s).

    >>> import dualcube
    >>> dualcube.devices()[0]["id"]
    'cpu'
    """
    context = _context.context()
    result = []
    for index in range(lib.dc_device_count(context)):
        device = c_void_p()
        _library.check(lib.dc_device_at(context, index, byref(device)))
        info = _library.filled(_library.DeviceInfo)
        _library.check(lib.dc_device_get_info(device, info))
        if check and info.usable:
            _library.check(lib.dc_device_check(device, info))
        result.append(_device(info))
    return result


def _device(info):
    entry = _library.as_dict(info)
    entry["kind"] = "cpu" if info.kind == _library.DEVICE_CPU else "opencl"
    entry["isa"] = _isa(info.isa) if info.kind == _library.DEVICE_CPU else None
    for name in ("usable", "fp64", "unified_memory", "exact", "is_cpu"):
        entry[name] = bool(entry[name])
    ran = bool(info.checks & _CHECK_RAN)
    entry["checks"] = ({name: bool(info.checks >> bit & 1) for bit, name in enumerate(_CHECKS)}
                       if ran else None)
    return entry


def _isa(number):
    return _library.ISAS[number] if 0 <= number < len(_library.ISAS) else None


def topology():
    """Cores, caches, NUMA nodes and memory of this machine: a dict of dc_topology's fields.

    Counts respect the process's affinity and cgroup quota; ``text`` is the whole tree.

    >>> import dualcube
    >>> dualcube.topology()["threads"] >= 1
    True
    """
    info = _library.filled(_library.Topology)
    _library.check(lib.dc_topology_get(info))
    entry = _library.as_dict(info)
    entry["isas"] = entry["isas"].split()
    entry["text"] = lib.dc_topology_text().decode("utf-8", "replace")
    return entry


def _run(info):
    entry = _library.as_dict(info)
    entry["device_kind"] = "cpu" if info.device_kind == _library.DEVICE_CPU else "opencl"
    entry["isa"] = _isa(info.isa)
    entry["fell_back"] = bool(info.fell_back)
    for name in ("estimated_cpu_ms", "estimated_device_ms"):
        if entry[name] < 0:  # not a candidate
            entry[name] = None
    return entry


def last_run():
    """Where the calling thread's last call ran, why, and what it cost; None before the first.

    A dict of dc_run_info's fields: ``operation``, ``device``, ``reason``, ``isa``, ``threads``,
    ``fell_back``, ``estimated_cpu_ms``, ``estimated_device_ms`` (None: not a candidate),
    ``measured_ms``, ``bytes``, ``flops``, ``host_bytes_in``, ``host_bytes_out``.

    >>> import numpy as np, dualcube as dc
    >>> _ = dc.rolling_mean(np.arange(10.0), 3, device="cpu")
    >>> dc.last_run()["device"]
    'cpu'
    """
    queue = _context.last_queue()
    if queue is None:
        return None
    info = _library.filled(_library.RunInfo)
    with queue.lock:
        _library.check(lib.dc_queue_last_run(queue.handle, info))
    return _run(info)


def explain(operation, shape, window=None, *, dtype="float64", device="auto", threads=None,
            expanding=False, out=None, out_dtype=None, **options):
    """Would this call run, where, why, at what cost?  Nothing is computed.

    operation : name of a row, such as "rolling_median".
    shape : shape of the input.
    out, out_dtype : shape and dtype of the output, where they do not follow from the input's.
    options : the operation's other parameters (min_periods, center, step, ddof, q, nperseg, ...);
        `axis` of a reduction is a number, a tuple or None.

    Returns a dict as last_run(), with ``text``: the plan and the reasoning.  Raises what the call
    would raise.

    >>> import dualcube as dc
    >>> dc.explain("rolling_mean", (1000, 10), 16, device="cpu")["device"]
    'cpu'
    >>> dc.explain("spectral_welch", (10, 1000), nperseg=256, out=(10, 129), device="cpu")["steps"]
    2
    """
    from . import _explain

    info, text = _explain.explain(operation, shape, dtype, window, expanding, device, threads, out,
                                  out_dtype, options)
    entry = _run(info)
    entry["text"] = text
    return entry


def counters():
    """Calls, launches, copies, bytes moved and cache hits since the context was opened: a dict."""
    info = _library.filled(_library.Counters)
    _library.check(lib.dc_context_get_counters(_context.context(), info))
    return _library.as_dict(info)


def _pool(name):
    if name not in _library.POOLS:
        raise ValueError("pool = %r, must be one of %s" % (name, ", ".join(_library.POOLS)))
    return _library.POOLS.index(name)


def pool_stats(pool="host"):
    """Statistics of a memory pool ("host", "pinned" or "device"): a dict, sizes in bytes."""
    stats = _library.filled(_library.PoolStats)
    _library.check(lib.dc_pool_get_stats(_context.context(), _pool(pool), stats))
    entry = _library.as_dict(stats)
    entry["pool"] = pool
    return entry


def set_pool_cap(bytes, pool="host"):
    """Hard cap on a pool's memory in use and kept, in bytes; 0: none.

    A result that does not fit under the host pool's cap is plain NumPy memory; scratch memory that
    does not fit makes a call raise MemoryError.
    """
    number = _pool(pool)
    if not 0 <= bytes < 2**63:
        raise ValueError("bytes = %d, must be 0 (no cap) or more" % bytes)
    _library.check(lib.dc_pool_set_cap(_context.context(), number, int(bytes)))


def trim(pool=None):
    """Give the memory that the pools keep for reuse back to the system (None: all pools).

    Living arrays are not touched.  Results of 1 MiB and more are cut from the host pool, at most a
    quarter of the machine's memory at any time.
    """
    for name in _library.POOLS if pool is None else (pool,):
        _library.check(lib.dc_pool_trim(_context.context(), _pool(name)))


@contextlib.contextmanager
def trace(path):
    """Collect calls, steps, copies and builds; written as Chrome trace JSON to `path` at the end.

    >>> import dualcube as dc, numpy as np, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "trace.json")
    >>> with dc.trace(path):
    ...     _ = dc.rolling_mean(np.arange(10.0), 3)
    >>> os.path.getsize(path) > 0
    True
    """
    context = _context.context()
    name = os.fsencode(path)
    _library.check(lib.dc_trace_start(context))
    try:
        yield
    finally:
        _library.check(lib.dc_trace_stop(context, name))

"""The shared library: found, loaded, its structs mirrored and checked against it."""

import ctypes
import os
from ctypes import (
    CFUNCTYPE, POINTER, c_char, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32,
    c_uint64, c_void_p,
)

__version__ = "0.1.0"

DEFAULT = -(2**63)  # DC_DEFAULT: the library derives the value
MAX_NDIM = 8
F32, F64 = 1, 2
U8, U16, U32, U64, I8, I16, I32, I64, F16 = range(3, 12)
DEVICE_CPU, DEVICE_OPENCL = 0, 1
POLICIES = ("auto", "cpu", "device", "device-or-fail")
ISAS = ("baseline", "avx2", "avx512")
CLASSES = ("EXACT", "EXACT_IF", "NORMWISE")
POOLS = ("host", "pinned", "device")
PARAM_ARRAY_IN, PARAM_ARRAY_OUT, PARAM_INT32, PARAM_INT64 = 0, 1, 2, 3
PARAM_DOUBLE, PARAM_CHOICE, PARAM_BOOL = 4, 5, 6
PARAM_ARRAYS_IN, PARAM_DOUBLES, PARAM_INT64S = 7, 8, 9

OK, E_ARGUMENT, E_UNSUPPORTED, E_MEMORY = 0, -1, -2, -3
E_DEVICE, E_CANCELLED, E_FORKED, E_IO = -4, -5, -6, -7


class DeviceError(RuntimeError):
    """A driver or a device library failed, or a device handle outlived a fork()."""


class UnsupportedError(RuntimeError):
    """A valid request that this device or this build cannot run; the text says why."""


class Array(ctypes.Structure):
    _fields_ = [
        ("buffer", c_void_p), ("data", c_void_p), ("offset", c_int64),
        ("shape", c_int64 * MAX_NDIM), ("stride", c_int64 * MAX_NDIM),
        ("ndim", c_int32), ("dtype", c_int32),
    ]


def _list_of(ctype):
    """dc_arrays, dc_doubles, dc_int64s: a pointer and a count."""
    return type("List", (ctypes.Structure,), {"_fields_": [("at", POINTER(ctype)),
                                                           ("count", c_int64)]})


Arrays, Doubles, Int64s = _list_of(Array), _list_of(c_double), _list_of(c_int64)


class ContextParams(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("probe_timeout_ms", c_int32), ("cache_dir", c_char_p),
        ("opencl_module", c_char_p),
    ]


PROGRESS = CFUNCTYPE(c_int, c_int64, c_int64, c_void_p)
LOG = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)


class QueueParams(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("policy", c_int32), ("threads", c_int32), ("isa", c_int32),
        ("progress", c_void_p), ("progress_user", c_void_p),
    ]


class DeviceInfo(ctypes.Structure):
    _fields_ = (
        [("struct_size", c_uint32)]
        + [(name, c_int32) for name in (
            "kind", "index", "usable", "fp64", "unified_memory", "compute_units", "max_group",
            "isa", "checks", "exact", "numa_node", "is_cpu", "reserved")]
        + [(name, c_int64) for name in ("global_bytes", "max_alloc_bytes", "local_bytes")]
        + [("id", c_char * 32), ("name", c_char * 128), ("vendor", c_char * 128),
           ("driver", c_char * 128), ("platform", c_char * 128), ("pci", c_char * 32),
           ("error", c_char * 256)]
    )


class Topology(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("packages", c_int32), ("cores", c_int32),
        ("logical_cpus", c_int32), ("numa_nodes", c_int32), ("affinity_cpus", c_int32),
        ("quota_cpus", c_double), ("threads", c_int32), ("l1d_bytes", c_int64),
        ("l2_bytes", c_int64), ("l3_bytes", c_int64), ("l3_instances", c_int32),
        ("memory_bytes", c_int64), ("cpu_name", c_char * 128), ("isas", c_char * 64),
    ]


class RunInfo(ctypes.Structure):
    _fields_ = (
        [("struct_size", c_uint32)]
        + [(name, c_int32) for name in ("device_kind", "isa", "threads", "fell_back", "steps")]
        + [(name, c_double) for name in (
            "estimated_cpu_ms", "estimated_device_ms", "measured_ms", "bytes", "flops")]
        + [("host_bytes_in", c_int64), ("host_bytes_out", c_int64), ("operation", c_char * 64),
           ("device", c_char * 32), ("reason", c_char * 256)]
    )


class PoolStats(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("pool", c_int32)] + [
        (name, c_int64) for name in (
            "in_use_bytes", "cached_bytes", "peak_bytes", "cap_bytes", "requests", "hits",
            "failures")]


class Counters(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("programs", c_int32)] + [
        (name, c_int64) for name in (
            "calls_cpu", "calls_device", "fallbacks", "launches", "copies", "bytes_to_device",
            "bytes_to_host", "cache_hits", "cache_misses", "cache_rejected")]


class ParamInfo(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p), ("type", c_int32), ("offset", c_int32), ("default_value", c_double),
        ("required", c_int32), ("data_default", c_int32), ("low", c_double), ("high", c_double),
        ("choices", c_char_p), ("help", c_char_p),
    ]


class OpInfo(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32)] + [
        (name, c_int32) for name in (
            "id", "kind", "dtypes", "class_f32", "class_f64", "inputs", "outputs", "nparams",
            "params_bytes")
    ] + [("params", POINTER(ParamInfo))] + [
        (name, c_char_p) for name in ("name", "family", "call", "help")]


class ModelEntry(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("type", c_int32), ("name", c_char_p), ("array", Array),
        ("number", c_double), ("text", c_char_p),
    ]


class KmeansFitParams(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("clusters", c_int32), ("src", Array), ("weights", Array),
        ("start", Array), ("centers", Array), ("labels", Array), ("init", c_int32),
        ("runs", c_int32), ("max_iter", c_int32), ("trials", c_int32), ("tol", c_double),
        ("seed", c_uint64), ("start_only", c_int32), ("iterations", c_int32),
        ("distinct", c_int32), ("inertia", c_double), ("indices", c_void_p), ("shift", c_void_p),
        ("scale_exponent", c_int32),
    ]


# The public name of every struct mirrored above; sizes are compared at import.
MIRRORED = {
    "dc_array": Array, "dc_arrays": Arrays, "dc_doubles": Doubles, "dc_int64s": Int64s,
    "dc_context_params": ContextParams, "dc_queue_params": QueueParams,
    "dc_device_info": DeviceInfo, "dc_topology": Topology, "dc_run_info": RunInfo,
    "dc_pool_stats": PoolStats, "dc_counters": Counters, "dc_param_info": ParamInfo,
    "dc_op_info": OpInfo, "dc_model_entry": ModelEntry,
    "dc_kmeans_fit_params": KmeansFitParams,
}

_HANDLE = c_void_p
_SIGNATURES = {
    "dc_last_error": (c_char_p,),
    "dc_version": (c_char_p,),
    "dc_abi": (c_int32,),
    "dc_sizeof": (c_size_t, c_char_p),
    "dc_op_count": (c_int32,),
    "dc_op_get": (c_int, c_int32, POINTER(OpInfo)),
    "dc_op_call": (c_int, _HANDLE, c_int32, c_void_p, c_void_p),
    "dc_op_explain": (c_int, _HANDLE, c_int32, c_void_p, POINTER(RunInfo), c_char_p, c_size_t),
    "dc_context_new": (c_int, POINTER(ContextParams), POINTER(_HANDLE)),
    "dc_context_free": (None, _HANDLE),
    "dc_context_from_cl": (c_int, c_void_p, c_void_p, POINTER(_HANDLE), POINTER(_HANDLE)),
    "dc_context_set_log": (None, _HANDLE, c_void_p, c_void_p),
    "dc_context_get_counters": (c_int, _HANDLE, POINTER(Counters)),
    "dc_device_count": (c_int32, _HANDLE),
    "dc_device_at": (c_int, _HANDLE, c_int32, POINTER(_HANDLE)),
    "dc_device_find": (c_int, _HANDLE, c_char_p, POINTER(_HANDLE)),
    "dc_device_get_info": (c_int, _HANDLE, POINTER(DeviceInfo)),
    "dc_device_check": (c_int, _HANDLE, POINTER(DeviceInfo)),
    "dc_topology_get": (c_int, POINTER(Topology)),
    "dc_topology_text": (c_char_p,),
    "dc_queue_new": (c_int, _HANDLE, _HANDLE, POINTER(QueueParams), POINTER(_HANDLE)),
    "dc_queue_free": (None, _HANDLE),
    "dc_queue_finish": (c_int, _HANDLE),
    "dc_queue_set_progress": (c_int, _HANDLE, c_void_p, c_void_p),
    "dc_queue_last_run": (c_int, _HANDLE, POINTER(RunInfo)),
    "dc_buffer_new": (c_int, _HANDLE, c_size_t, POINTER(_HANDLE)),
    "dc_buffer_from_cl": (c_int, _HANDLE, c_void_p, POINTER(_HANDLE)),
    "dc_buffer_free": (None, _HANDLE),
    "dc_buffer_write": (c_int, _HANDLE, _HANDLE, c_size_t, c_void_p, c_size_t),
    "dc_buffer_read": (c_int, _HANDLE, _HANDLE, c_size_t, c_void_p, c_size_t),
    "dc_pool_get_stats": (c_int, _HANDLE, c_int32, POINTER(PoolStats)),
    "dc_pool_set_cap": (c_int, _HANDLE, c_int32, c_int64),
    "dc_pool_trim": (c_int, _HANDLE, c_int32),
    "dc_host_alloc": (c_int, _HANDLE, c_size_t, POINTER(c_void_p)),
    "dc_host_free": (None, _HANDLE, c_void_p),
    "dc_trace_start": (c_int, _HANDLE),
    "dc_trace_stop": (c_int, _HANDLE, c_char_p),
    "dc_model_new": (c_int, c_char_p, POINTER(_HANDLE)),
    "dc_model_free": (None, _HANDLE),
    "dc_model_kind": (c_char_p, _HANDLE),
    "dc_model_set_array": (c_int, _HANDLE, c_char_p, POINTER(Array)),
    "dc_model_set_number": (c_int, _HANDLE, c_char_p, c_double),
    "dc_model_set_text": (c_int, _HANDLE, c_char_p, c_char_p),
    "dc_model_count": (c_int32, _HANDLE),
    "dc_model_at": (c_int, _HANDLE, c_int32, POINTER(ModelEntry)),
    "dc_model_save_bytes": (c_int, _HANDLE, c_void_p, c_size_t, POINTER(c_size_t)),
    "dc_model_load_bytes": (c_int, c_char_p, c_size_t, POINTER(_HANDLE)),
    "dc_model_save": (c_int, _HANDLE, c_char_p),
    "dc_model_load": (c_int, c_char_p, POINTER(_HANDLE)),
    "dc_kmeans_fit": (c_int, _HANDLE, POINTER(KmeansFitParams)),
}


def candidates():
    """Places where the library may lie, in the order in which they are tried."""
    explicit = os.environ.get("DUALCUBE_LIBRARY")
    if explicit:
        return [explicit]  # named: that one or none
    here = os.path.dirname(os.path.abspath(__file__))
    name = "libdualcube.so"
    found = [os.path.join(here, "lib", name)]
    # A build tree: beside or above the package, and build*/ of the source tree.
    above = here
    for _ in range(4):
        above = os.path.dirname(above)
        if os.path.exists(os.path.join(above, "include", "dualcube", "base.h")):
            builds = sorted(entry for entry in os.listdir(above) if entry.startswith("build"))
            for build in builds:
                found += [os.path.join(above, build, *sub, name) for sub in ((), ("lib",))]
                found += [os.path.join(above, build, sub, name)
                          for sub in ("release", "default", "dev")]
            break
        found += [os.path.join(above, *sub, name) for sub in ((), ("lib",))]
    found = [path for path in found if os.path.exists(path)]
    return found + ["libdualcube.so.%s" % __version__.split(".")[0], name]


def _load():
    reasons = []
    for path in candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            reasons.append("%s (%s)" % (path, error))
    raise ImportError(
        "dualcube: libdualcube.so was not found; tried " + "; ".join(reasons)
        + ".  Build it, or set DUALCUBE_LIBRARY to its path."
    )


def _bind(library):
    for name, (result, *arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError("dualcube: %s has no %s: it is not this package's library"
                              % (library._name, name)) from None
        function.restype = result
        function.argtypes = arguments
    version = library.dc_version().decode()
    if version.split(".")[:2] != __version__.split(".")[:2]:
        raise ImportError("dualcube: %s is version %s, this package is %s"
                          % (library._name, version, __version__))
    for name, mirror in MIRRORED.items():
        size = library.dc_sizeof(name.encode())
        if size != ctypes.sizeof(mirror):
            raise ImportError("dualcube: %s in %s has %d bytes, this package expects %d"
                              % (name, library._name, size, ctypes.sizeof(mirror)))
    return library


lib = _bind(_load())


def last_error():
    """Text of the calling thread's last failure."""
    return lib.dc_last_error().decode("utf-8", "replace")


_KINDS = {
    E_ARGUMENT: ValueError, E_UNSUPPORTED: UnsupportedError, E_MEMORY: MemoryError,
    E_DEVICE: DeviceError, E_CANCELLED: KeyboardInterrupt, E_FORKED: DeviceError, E_IO: OSError,
}


def check(status):
    """Raise the Python error of a status other than DC_OK, with the library's text."""
    if status != OK:
        raise _KINDS.get(status, RuntimeError)(last_error())


def filled(struct):
    """A new `struct` with its size stamped."""
    value = struct()
    value.struct_size = ctypes.sizeof(struct)
    return value


def as_dict(struct):
    """The public fields of a struct, text decoded."""
    result = {}
    for name, _ in struct._fields_:
        if name not in ("struct_size", "reserved"):
            value = getattr(struct, name)
            result[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return result

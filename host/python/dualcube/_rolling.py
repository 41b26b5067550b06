"""One rolling call: arguments in, params struct, result of the caller's kind out."""

import sys

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory
from ._explain import output_shape
from ._operations import OPERATIONS

# From this many elements a call may take long enough for Ctrl-C to matter.
_LONG = 1 << 16


def _scalars(operation, params, window, expanding, options):
    if expanding:
        params.expanding = 1
        params.window = 1  # ignored by the library
    elif window is not None or "window" in operation.parameters:
        operation.set(params, "window", window)
    written = operation.written  # what new_params() holds already
    for name, value in options.items():
        if value is not None and value is not written.get(name):
            operation.set(params, name, value)


def call(name, x, window, expanding, device, out, threads, progress, **options):
    """Run row `name`; `options` are parameters by their library names."""
    operation = OPERATIONS[name]
    params = operation.new_params()
    _scalars(operation, params, window, expanding, options)
    if progress is not None and not callable(progress):
        raise TypeError("%s: progress must be callable, got %s"
                        % (name, type(progress).__name__))
    if isinstance(x, _device_array.Array):
        return _on_device(operation, params, x, device, out, threads, progress)
    if type(x).__module__.startswith("pyopencl"):
        from . import _pyopencl

        if _pyopencl.is_array(x):
            return _pyopencl.run(operation, params, x, device, out)
    return _on_host(operation, params, x, device, out, threads, progress)


def _on_host(operation, params, x, device, out, threads, progress):
    queue = _context.queue(device, threads)
    array, wrap = _inputs.admit(x)
    shape = output_shape(array.shape, params.axis, params.step)
    result, copy_to = _output(operation, array, shape, out, x)
    _inputs.describe(array, params, operation.src)
    _inputs.describe(result, params, operation.dst)
    queue.call(operation, params, params.expanding or array.size >= _LONG, progress)
    if copy_to is not None:
        copy_to[...] = result
        result = copy_to
    if wrap is None or out is not None:
        return result
    return wrap(result, params.axis, params.step)


def _output(operation, array, shape, out, x):
    """(array to compute into, array to copy it to afterwards or None)."""
    if out is None:
        return _memory.empty(shape, array.dtype, array), None
    if not isinstance(out, np.ndarray):
        raise TypeError("%s: out must be a numpy.ndarray, got %s"
                        % (operation.name, type(out).__name__))
    if out.dtype != array.dtype:
        raise ValueError("%s: out has dtype %s, must be %s"
                         % (operation.name, out.dtype, array.dtype))
    if out.shape != shape:
        raise ValueError("%s: out has shape %s, must be %s" % (operation.name, out.shape, shape))
    if not out.flags.writeable:
        raise ValueError("%s: out is read-only" % operation.name)
    interleaved = _interleaved(operation, x if isinstance(x, np.ndarray) else array, out)
    if _inputs.whole_strides(out) and not interleaved:
        return out, None
    return _memory.empty(shape, array.dtype), out


def _interleaved(operation, x, out):
    """x and out lie in one block without sharing an element, such as two columns of a matrix: the
    library may see no order in how they lie between each other, and refuse them."""
    if not np.may_share_memory(x, out):
        return False
    try:
        shared = np.shares_memory(x, out, max_work=1 << 16)
    except (np.exceptions if hasattr(np, "exceptions") else np).TooHardError:
        shared = True
    if shared:
        raise ValueError("%s: out overlaps x in memory, must lie apart from it" % operation.name)
    return True


def _on_device(operation, params, x, device, out, threads, progress):
    queue = _device_array.queue_for(x, device, threads)
    shape = output_shape(x.shape, params.axis, params.step)
    if out is None:
        out = _device_array.empty(queue, shape, x.dtype)
    elif not isinstance(out, _device_array.Array):
        raise TypeError("%s: out must be a dualcube.Array when x is one, got %s"
                        % (operation.name, type(out).__name__))
    elif out.shape != shape or out.dtype != x.dtype:
        raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                         % (operation.name, out.shape, out.dtype, shape, x.dtype))
    x._describe(params, operation.src)
    out._describe(params, operation.dst)
    queue.call(operation, params, params.expanding or x.size >= _LONG, progress)
    return out


# ---- several statistics at once -----------------------------------------------------------------


def statistic(name):
    """(operation, options) of a name such as "median" or "quantile_0.9"."""
    if not isinstance(name, str):
        raise TypeError("stats must be names, got %s" % type(name).__name__)
    if name.startswith("quantile_"):
        try:
            return "rolling_quantile", {"q": float(name[len("quantile_"):])}
        except ValueError:
            raise ValueError("stats: %r, must be quantile_ and a number such as quantile_0.9"
                             % name) from None
    operation = "rolling_" + name
    if operation not in OPERATIONS:
        known = [row[len("rolling_"):] for row in OPERATIONS if row.startswith("rolling_")]
        raise ValueError("stats: %r, must be one of %s or quantile_<q>" % (name, ", ".join(known)))
    return operation, {}


def features(x, window, stats, device, out, threads, progress, **options):
    """The statistics of `stats` along a new last axis."""
    stats = (stats,) if isinstance(stats, str) else tuple(stats)
    if not stats:
        raise ValueError("rolling_features: stats is empty, must name at least one statistic")
    plans = [statistic(name) for name in stats]
    array, wrap = _inputs.admit(x)
    if array.ndim >= _library.MAX_NDIM:
        raise ValueError("rolling_features: x has %d axes, must have at most %d"
                         % (array.ndim, _library.MAX_NDIM - 1))
    axis, step = options["axis"], options["step"]
    probe = OPERATIONS[plans[0][0]].new_params()
    for name in ("axis", "step"):
        OPERATIONS[plans[0][0]].set(probe, name, options[name])
    shape = output_shape(array.shape, probe.axis, probe.step) + (len(stats),)
    if out is None:
        result = _memory.empty(shape, array.dtype)
    elif not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != array.dtype:
        raise ValueError("rolling_features: out must be an ndarray of shape %s and dtype %s"
                         % (shape, array.dtype))
    else:
        result = out
    for k, (operation, special) in enumerate(plans):
        chosen = _applicable(operation, {**options, **special})
        share = _share(progress, k, len(plans))
        call(operation, array, window, False, device, result[..., k], threads, share, **chosen)
    if wrap is None or out is not None:
        return result, stats
    return _frame(wrap, result, stats, axis, step), stats


def _applicable(operation, options):
    known = OPERATIONS[operation].parameters
    return {name: value for name, value in options.items()
            if name in known and not (name == "q" and operation == "rolling_median")}


def _share(progress, k, count):
    """The progress of statistic k as a part of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(k * total + done, count * total)


def _frame(wrap, result, stats, axis, step):
    """A DataFrame with one column per (column, statistic)."""
    pandas = sys.modules["pandas"]
    parts = [wrap(result[..., k], axis, step) for k in range(len(stats))]
    frame = pandas.concat(parts, axis=1, keys=stats)
    if result.ndim == 2:  # a Series: one column per statistic
        return frame
    frame = frame.swaplevel(axis=1)
    order = [(column, name) for column in parts[0].columns for name in stats]
    return frame[order] if parts[0].columns.is_unique else frame

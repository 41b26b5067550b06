"""Random numbers that are a function of seed and place alone: the same on every platform, device,
instruction set and number of threads, whatever the shape.

Element i (row-major) of a call with `offset` is number offset + i of the endless sequence that seed,
distribution and dtype name, so that parts made apart are the whole.  The generator is
Philox4x32-10; it is not for secrets.
"""

import numpy as np

from . import _context, _device_array, _inputs, _library, _memory
from ._operations import OPERATIONS

__all__ = ["uniform", "normal", "permutation", "choice"]

_LONG = 1 << 20  # from so many elements a call may take long enough for Ctrl-C to matter
_ORDER = 0x7065726D75746174  # sets the sequence of permutation() apart from uniform()'s


def uniform(shape, seed, offset=0, dtype="float32", *, low=0.0, high=1.0, out=None, device="auto",
            threads=None, progress=None):
    """Uniform random numbers, low <= x < high.

    Parameters
    ----------
    shape : int or tuple of 1 to 8 int
        Of the result; empty is fine and gives an empty array.
    seed : int
        Names the sequence, 0 to 2**64 - 1.
    offset : int
        Place of the first element in the sequence, in elements, from 0; the last one's is at most
        2**63 - 2.
    dtype : "float32" or "float64"
        float32 has 24 random bits, float64 has 53; they are different sequences.
    low, high : float
        Rounded to the dtype; finite, low <= high, high - low finite.  x = low where they are equal.
    out : ndarray, dualcube.Array or None
        Receives the result: that shape and dtype, any strides.
    device, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    `out`, or a new ndarray.

    Raises
    ------
    ValueError (a bad argument; `out` is untouched), TypeError (a type or dtype), MemoryError,
    dualcube.UnsupportedError, dualcube.DeviceError, KeyboardInterrupt (`out` is then undefined).

    Class: EXACT for float64, EXACT_IF for float32.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> whole = dc.random.uniform((1000, 3), seed=7)
    >>> rest = dc.random.uniform((400, 3), seed=7, offset=600 * 3)
    >>> np.array_equal(whole[600:], rest)
    True
    """
    return _draw("random_uniform", shape, seed, offset, dtype, out, device, threads, progress,
                 low=low, high=high)


def normal(shape, seed, offset=0, dtype="float32", *, mean=0.0, std=1.0, out=None, device="auto",
           threads=None, progress=None):
    """Normal (Gaussian) random numbers.

    Parameters are those of dualcube.random.uniform(), and

    mean, std : float
        Of the numbers, in their own unit; finite, std >= 0, |mean| + 16 std finite in the dtype.

    float32 reaches 6.7 standard deviations, float64 8.6.  Numbers come in pairs (Box and Muller)
    and are within 3.5 ulp (float64: 1 ulp) of the exact map.

    Returns, raises and class: as dualcube.random.uniform().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = dc.random.normal(100000, seed=1, mean=5.0, std=0.5, dtype="float64")
    >>> print(x.shape, x.dtype, round(x.mean(), 2), round(x.std(), 2))
    (100000,) float64 5.0 0.5
    """
    return _draw("random_normal", shape, seed, offset, dtype, out, device, threads, progress,
                 mean=mean, std=std)


def permutation(n, seed):
    """The numbers 0 to n - 1 in random order.

    Parameters
    ----------
    n : int
        How many, at least 0.
    seed : int
        Names the order, 0 to 2**64 - 1.

    Returns
    -------
    int64 ndarray of shape (n,): the order that sorts n uniform float64 numbers (53 random bits, of
    a sequence of their own), the lower index first among equals.

    Raises ValueError, TypeError and MemoryError.  Class: EXACT.

    Example
    -------
    >>> import dualcube as dc
    >>> sorted(dc.random.permutation(5, seed=3).tolist())
    [0, 1, 2, 3, 4]
    """
    return np.argsort(_keys("permutation", n, seed), kind="stable").astype(np.int64, copy=False)


def choice(n, size, seed):
    """`size` different numbers out of 0 to n - 1, in random order.

    Parameters
    ----------
    n, size : int
        Numbers to choose from, at least 0; how many of them, 0 to n.
    seed : int
        Names the choice, 0 to 2**64 - 1.

    Returns
    -------
    int64 ndarray of shape (size,): the first `size` elements of permutation(n, seed).

    Raises ValueError, TypeError and MemoryError.  Class: EXACT.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> chosen = dc.random.choice(1000, 3, seed=3)
    >>> np.array_equal(chosen, dc.random.permutation(1000, seed=3)[:3])
    True
    """
    keys = _keys("choice", n, seed)
    size = _whole("choice", "size", size, 0, len(keys))
    if size == 0:
        return np.empty(0, np.int64)
    last = np.partition(keys, size - 1)[size - 1]
    near = np.flatnonzero(keys <= last)  # ascending, so that a stable sort keeps the lower index
    return near[np.argsort(keys[near], kind="stable")][:size].astype(np.int64, copy=False)


def _keys(what, n, seed):
    n = _whole(what, "n", n, 0, (1 << 63) - 1)
    seed = _whole(what, "seed", seed, 0, (1 << 64) - 1)
    return uniform(n, seed ^ _ORDER, dtype="float64")


def _whole(what, name, value, low, high):
    try:
        value = value.__index__()
    except AttributeError:
        raise TypeError("%s: %s must be an integer, got %s"
                        % (what, name, type(value).__name__)) from None
    if not low <= value <= high:
        raise ValueError("%s: %s = %d, must be %d to %d" % (what, name, value, low, high))
    return value


def _shape(what, shape):
    extents = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not 1 <= len(extents) <= _library.MAX_NDIM:
        raise ValueError("%s: shape has %d axes, must have 1 to %d"
                         % (what, len(extents), _library.MAX_NDIM))
    return tuple(_whole(what, "shape", extent, 0, (1 << 63) - 1) for extent in extents)


def _dtype(what, dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64) or not dtype.isnative:
        raise TypeError("%s: dtype is %s, must be float32 or float64" % (what, dtype))
    return dtype


def _check_out(what, out, shape, dtype):
    if not isinstance(out, (np.ndarray, _device_array.Array)):
        raise TypeError("%s: out must be a numpy.ndarray or a dualcube.Array, got %s"
                        % (what, type(out).__name__))
    if tuple(out.shape) != shape or out.dtype != dtype:
        raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                         % (what, tuple(out.shape), out.dtype, shape, dtype))
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise ValueError("%s: out is read-only" % what)


def _draw(what, shape, seed, offset, dtype, out, device, threads, progress, **scale):
    operation = OPERATIONS[what]
    params = operation.new_params()
    params.seed = _whole(what, "seed", seed, 0, (1 << 64) - 1)  # the field keeps its 64 bits
    params.offset = _whole(what, "offset", offset, 0, (1 << 63) - 1)
    for name, value in scale.items():
        operation.set(params, name, value)
    shape, dtype = _shape(what, shape), _dtype(what, dtype)
    if progress is not None and not callable(progress):
        raise TypeError("%s: progress must be callable, got %s" % (what, type(progress).__name__))
    if out is not None:
        _check_out(what, out, shape, dtype)
    if isinstance(out, _device_array.Array):
        queue = _device_array.queue_for(out, device, threads)
        out._describe(params, operation.dst)
        queue.call(operation, params, out.size >= _LONG, progress)
        return out
    queue = _context.queue(device, threads)
    direct = out is not None and _inputs.whole_strides(out)
    result = out if direct else _memory.empty(shape, dtype)
    _inputs.describe(result, params, operation.dst)
    queue.call(operation, params, result.size >= _LONG, progress)
    if out is not None and not direct:
        out[...] = result
        return out
    return result

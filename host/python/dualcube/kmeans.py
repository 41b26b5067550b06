"""Kmeans: elementwise arithmetic."""

from . import _context, _device_array, _inputs, _rolling
from ._operations import OPERATIONS

__all__ = ["kmeans_predict"]


def kmeans_predict(x, a=1.0, b=0.0, *, device="auto", out=None, threads=None, progress=None):
    """a * x + b, elementwise.

    Parameters
    ----------
    x : array-like of 1 to 8 axes
        float32 and float64 are computed as they are, integers and booleans as float64; NaN stays
        NaN.  Anything that dualcube.rolling_mean takes, empty arrays too.
    a, b : float
        Factor and offset, finite; rounded to the dtype of the computation.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Array of x's kind, shape and dtype (float64 for integers).

    Raises
    ------
    ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
    dualcube.DeviceError, KeyboardInterrupt.

    Class: EXACT for float64, EXACT_IF for float32.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.kmeans_predict(np.array([1.0, 2.0, np.nan]), 2.0, 0.5)
    array([2.5, 4.5, nan])
    """
    operation = OPERATIONS["kmeans_predict"]
    params = operation.new_params()
    operation.set(params, "a", a)
    operation.set(params, "b", b)
    if isinstance(x, _device_array.Array):
        queue = _device_array.queue_for(x, device, threads)
        result = _device_array.empty(queue, x.shape, x.dtype) if out is None else out
        x._describe(params, operation.src)
        result._describe(params, operation.dst)
        queue.call(operation, params, True, progress)
        return result
    queue = _context.queue(device, threads)
    array, wrap = _inputs.admit(x)
    result, copy_to = _rolling._output(operation, array, array.shape, out, x)
    _inputs.describe(array, params, operation.src)
    _inputs.describe(result, params, operation.dst)
    queue.call(operation, params, array.size >= 1 << 16, progress)
    if copy_to is not None:
        copy_to[...] = result
        result = copy_to
    return result if wrap is None or out is not None else wrap(result, 0, 1)

"""Smoothing along an axis; standardising over axes."""

from . import _cube
from ._operations import OPERATIONS

__all__ = ["smooth", "standardize", "minmax"]

# Options of each method.
_METHODS = {"mean": ("blend", "omit_nan"), "moving": ("window", "edges", "value"),
            "gaussian": ("sigma", "truncate", "edges", "value")}


def smooth(x, method="moving", axis=-1, *, device="auto", out=None, threads=None, progress=None,
           **options):
    """Smooth along an axis.

    Parameters
    ----------
    x : array-like of 1 to 8 axes
        As in dualcube.rolling_mean; integers and booleans are computed as float64.
    method : "mean", "moving" or "gaussian"
    axis : int
    blend : float
        "mean": x (1 - blend) + blend m, where m is the mean along the axis; 0 to 1, default 0.1.
    omit_nan : bool
        "mean": NaN is left out of the mean and stays NaN alone; else (default) it makes its line
        NaN.
    window : int
        "moving": mean of so many neighbours, 1 to 2**20, default 5.  An even window has one more
        before the centre than behind it.
    sigma, truncate : float
        "gaussian": standard deviation in elements, above 0, default 1; the weights end at
        floor(truncate * sigma + 0.5), default 4.
    edges, value : "reflect", "nearest", "constant" or "wrap"; float
        "moving", "gaussian": what lies beyond the ends, as in scipy.ndimage.uniform_filter1d; the
        value is that of constant edges, default 0.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Array of x's kind, shape and dtype (float64 for integers).  A NaN makes every result NaN whose
    window it is in, and no other.

    Raises
    ------
    ValueError (a bad argument), TypeError (a dtype, an option of another method), MemoryError,
    dualcube.UnsupportedError, dualcube.DeviceError, KeyboardInterrupt.

    Class: EXACT for float64, EXACT_IF for float32.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.smooth(np.array([0.0, 0.0, 6.0, 0.0, 0.0]), window=3)
    array([0., 2., 2., 2., 0.])
    >>> dc.smooth(np.array([1.0, 3.0]), "mean", blend=0.5)
    array([1.5, 2.5])
    """
    if method not in _METHODS:
        raise ValueError("smooth: method = %r, must be one of %s" % (method, ", ".join(_METHODS)))
    for name in options:
        if name not in _METHODS[method]:
            raise TypeError("smooth: method %r has no option %s, it has %s"
                            % (method, name, ", ".join(_METHODS[method])))
    operation = OPERATIONS["smooth_" + method]
    admitted = _cube.admit(x)
    params = operation.new_params()
    params.axis = _cube.axis_of("smooth", axis, admitted[0].ndim)
    for name, value in options.items():
        operation.set(params, name, value)
    return _cube.call("smooth", operation, params, x, admitted, device, out, threads, progress)


def standardize(x, axis=-1, *, ddof=0, omit_nan=False, device="auto", out=None, threads=None,
                progress=None):
    """(x - mean) / std over one or several axes.

    Parameters
    ----------
    x : array-like of 1 to 8 axes
        As in dualcube.smooth().
    axis : int, tuple of int or None
        The axes that mean and std are taken over; None: all.
    ddof : int
        The divisor of the variance is n - ddof; at least 0.
    omit_nan : bool
        NaN is left out of mean and std and stays NaN alone; else it makes its whole group NaN.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Array of x's kind, shape and dtype (float64 for integers); 0 where std is 0 (equal values give
    exactly that), NaN where there are no more than ddof values.

    Raises: as dualcube.smooth().  Class: EXACT for float64, EXACT_IF for float32.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.standardize(np.array([[1.0, 3.0], [5.0, 5.0]]))
    array([[-1.,  1.],
           [ 0.,  0.]])
    """
    return _over_axes("standardize", x, axis, device, out, threads, progress, ddof=ddof,
                      omit_nan=omit_nan)


def minmax(x, axis=-1, *, omit_nan=False, device="auto", out=None, threads=None, progress=None):
    """(x - min) / (max - min) over one or several axes; 0 where the two are equal.

    Parameters, returns, raises and class: as dualcube.standardize().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.minmax(np.array([2.0, 4.0, 3.0]))
    array([0. , 1. , 0.5])
    """
    return _over_axes("minmax", x, axis, device, out, threads, progress, omit_nan=omit_nan)


def _over_axes(what, x, axis, device, out, threads, progress, **options):
    operation = OPERATIONS["smooth_" + what]
    admitted = _cube.admit(x)
    ndim = admitted[0].ndim
    params = operation.new_params()
    axes = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    for one in axes:
        bit = 1 << _cube.axis_of(what, one, ndim)
        if params.axes & bit:
            raise ValueError("%s: axis = %r has an axis twice" % (what, axis))
        params.axes |= bit
    if not params.axes:
        raise ValueError("%s: axis is empty, must name at least one axis" % what)
    for name, value in options.items():
        operation.set(params, name, value)
    return _cube.call(what, operation, params, x, admitted, device, out, threads, progress)

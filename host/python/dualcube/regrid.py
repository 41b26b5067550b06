"""Maps onto other grids; irregular rows at other times."""

import ctypes

import numpy as np

from . import _cube, _library
from ._operations import OPERATIONS

__all__ = ["regrid", "resample"]


def regrid(x, lat, lon, to_lat, to_lon, *, period=0.0, outside="nan", omit_nan=False,
           device="auto", out=None, threads=None, progress=None):
    """Bilinear interpolation of maps from one grid of latitudes and longitudes to another.

    Parameters
    ----------
    x : array-like of 2 to 8 axes
        The last two are latitude and longitude.  float32 and float64 are computed as they are,
        integers and booleans as float64.
    lat, lon : array-like
        Of x's axes, strictly rising or falling, in any unit.
    to_lat, to_lon : array-like
        Of the result, in any order.
    period : float
        Of the longitude (360 for degrees): what lies between the last and the first is interpolated,
        too; 0: it does not repeat.
    outside : "nan" or "nearest"
        What places outside the grid become.
    omit_nan : bool
        Corners that are NaN are left out and the others' weights made 1; else the result is NaN.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Array of x's dtype (float64 for integers), shape x.shape[:-2] + (len(to_lat), len(to_lon)).

    Raises
    ------
    ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
    dualcube.DeviceError, KeyboardInterrupt.

    Class: EXACT for float64, EXACT_IF for float32.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> x = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> dc.regrid(x, [0, 10], [0, 10], [5, 10], [0, 2.5, 11])
    array([[1.  , 1.25,  nan],
           [2.  , 2.25,  nan]])
    """
    admitted = _cube.admit(x)
    shape = tuple(admitted[0].shape)
    if len(shape) < 2:
        raise ValueError("regrid: x has %d axis, must have at least latitude and longitude"
                         % len(shape))
    from_lat = _coordinates("regrid", "lat", lat, shape[-2])
    from_lon = _coordinates("regrid", "lon", lon, shape[-1])
    to_lat, to_lon = (_coordinates("regrid", name, value) for name, value in
                      (("to_lat", to_lat), ("to_lon", to_lon)))
    operation = OPERATIONS["regrid_bilinear"]
    params = operation.new_params()
    for name, value in (("period", period), ("outside", outside), ("omit_nan", omit_nan)):
        operation.set(params, name, value)
    _point(operation, params, (from_lat, from_lon, to_lat, to_lon, None, None))
    return _cube.call("regrid", operation, params, x, admitted, device, out, threads, progress,
                      shape[:-2] + (len(to_lat), len(to_lon)))


def resample(x, times, at=None, *, start=None, step=None, count=None, max_gap=None, device="auto",
             out=None, threads=None, progress=None):
    """Linear interpolation of rows at irregular times to other times.

    Parameters
    ----------
    x : array-like of 1 to 8 axes
        The first is time.
    times : array-like
        Of x's rows, strictly rising.
    at : array-like or None
        Times of the result, in any order; None: start + i step, i = 0 ... count - 1.
    start, step, count : float, float, int
        Where `at` is None: default start is the first of `times`, default count all that lie within.
    max_gap : float or None
        Nothing is interpolated between rows further apart: NaN.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    Array of x's dtype (float64 for integers), shape (count,) + x.shape[1:].  A time of x gives its
    row itself; times before the first and behind the last are NaN, and so is what a NaN has a share
    in.

    Raises and class: as dualcube.regrid().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.resample(np.array([0.0, 10.0, 40.0]), [0, 1, 4], step=1.0, max_gap=2)
    array([ 0., 10., nan, nan, 40.])
    """
    admitted = _cube.admit(x)
    shape = tuple(admitted[0].shape)
    times = _coordinates("resample", "times", times, shape[0])
    operation = OPERATIONS["regrid_resample"]
    params = operation.new_params()
    if at is not None and (start, step, count) != (None, None, None):
        raise ValueError("resample: at is given, so that start, step and count must be None")
    if at is None:
        if step is None or not step > 0:
            raise ValueError("resample: step = %r, must be above 0 where at is None" % (step,))
        start = (times[0] if len(times) else 0.0) if start is None else start
        if count is None:
            count = int(np.floor((times[-1] - start) / step)) + 1 if len(times) else 0
        operation.set(params, "start", start)
        operation.set(params, "step", step)
    else:
        at = _coordinates("resample", "at", at)
        count = len(at)
    if max_gap is not None:
        operation.set(params, "max_gap", max_gap)
    _point(operation, params, (None, None, None, None, times, at))
    return _cube.call("resample", operation, params, x, admitted, device, out, threads, progress,
                      (max(count, 0),) + shape[1:])


def _coordinates(what, name, value, count=None):
    """A float64 vector."""
    array = np.ascontiguousarray(value, np.float64)
    if array.ndim != 1 or (count is not None and len(array) != count):
        raise ValueError("%s: %s has shape %s, must be a vector%s"
                         % (what, name, array.shape, "" if count is None else " of %d" % count))
    return array


def _point(operation, params, vectors):
    """The six addresses behind dst; params keeps the vectors alive."""
    first = operation.dst + ctypes.sizeof(_library.Array)
    addresses = (ctypes.c_void_p * len(vectors)).from_buffer(params, first)
    for k, vector in enumerate(vectors):
        addresses[k] = None if vector is None else vector.ctypes.data
    params._vectors = vectors

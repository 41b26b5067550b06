"""Filling, bounding, scaling, power transforms and quantisation, value by value."""

import numpy as np

from . import _inputs, _scale, _statistics

__all__ = ["rescale", "fill", "fill_forward", "fill_backward", "interpolate", "clip", "mask_outside",
           "count_missing", "count_outside", "power_transform", "quantize", "dequantize",
           "requantize", "calibrate", "quantization", "count_saturated", "fits_float16",
           "clip_outliers"]

_CALL = """device : "auto", "cpu", "opencl" or "opencl:<n>"
        "auto" takes the cheaper by the cost model, see dualcube.last_run().
    out : ndarray or None
        Receives the result: that shape and dtype.
    threads : int or None
        CPU threads; never changes the bits.
    progress : callable(done, total) or None
        Called some 20 times a second during a long call; a true result cancels it."""
_ERRORS = """Raises
    ------
    ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
    dualcube.DeviceError, KeyboardInterrupt.

    Class: EXACT for float64, EXACT_IF for float32."""


def _documented(function):
    function.__doc__ = function.__doc__.replace("{call}", _CALL).replace("{errors}", _ERRORS)
    return function


@_documented
def rescale(x, center=0.0, scale=1.0, *, inverse=False, low=-np.inf, high=np.inf, **call):
    """(x - center) / scale, or x * scale + center with inverse=True.

    Parameters
    ----------
    x : array-like of 1 to 8 axes, DataFrame, Series or dualcube.Array
        float32 and float64 are computed as they are, integers and booleans as float64.
    center, scale : float or array-like
        Stretched over x as NumPy does, so that one number per column is an array of that length.
    low, high : float
        The results are held between them.
    {call}

    Returns
    -------
    Array of x's kind, shape and dtype (float64 for integers).  NaN stays NaN.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.rescale(np.array([[1.0, 10.0], [3.0, 30.0]]), [2.0, 20.0], [1.0, 10.0])
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    return _scale.elementwise("scale_inverse" if inverse else "scale_apply", x, (center, scale),
                              low=low, high=high, **call)


@_documented
def fill(x, value=0.0, *, inf="value", low=None, high=None, **call):
    """Missing values (NaN) become `value`.

    Parameters
    ----------
    x : as in dualcube.rescale
    value : float or array-like
        Stretched over x: one number per column is an array of that length.
    inf : "value", "missing" or "clip"
        An infinity is a value; is missing, too; or becomes `high` (+inf) and `low` (-inf).
    low, high : float or array-like
        For inf="clip".
    {call}

    Returns
    -------
    Array of x's kind, shape and dtype.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.fill(np.array([1.0, np.nan, np.inf]), 0.0, inf="clip", low=-9.0, high=9.0)
    array([1., 0., 9.])
    """
    if inf == "clip" and (low is None or high is None):
        raise ValueError("fill: inf = 'clip' needs low and high")
    return _scale.elementwise("scale_fill", x, (value, low, high), inf=inf, **call)


def _along(name, x, limit, axis, inf, call, **options):
    if limit is not None:
        options["limit"] = limit
    return _scale.elementwise(name, x, (), axis=axis, inf=inf, **options, **call)


@_documented
def fill_forward(x, limit=None, *, axis=0, inf="value", **call):
    """Missing values become the last valid one before them along `axis`.

    Parameters
    ----------
    x : as in dualcube.rescale
    limit : int or None
        Rows from a valid value that are filled; None: all.
    axis : int
        The axis of the rows.
    inf : "value" or "missing"
    {call}

    Returns
    -------
    Array of x's kind, shape and dtype; what stays missing is NaN.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.fill_forward(np.array([np.nan, 1.0, np.nan, np.nan, 2.0]), limit=1)
    array([nan,  1.,  1., nan,  2.])
    """
    return _along("scale_forward", x, limit, axis, inf, call)


@_documented
def fill_backward(x, limit=None, *, axis=0, inf="value", **call):
    """Missing values become the next valid one after them along `axis`.

    As dualcube.fill_forward, the other way round.

    >>> import numpy as np, dualcube as dc
    >>> dc.fill_backward(np.array([np.nan, 1.0, np.nan, np.nan, 2.0]), limit=1)
    array([ 1.,  1., nan,  2.,  2.])
    """
    return _along("scale_backward", x, limit, axis, inf, call)


@_documented
def interpolate(x, limit=None, *, axis=0, ends=True, inf="value", **call):
    """Missing values lie on the line between their valid neighbours along `axis`.

    Parameters
    ----------
    x : as in dualcube.rescale
    limit : int or None
        A value is filled when a valid one is at most so many rows away; None: always.
    axis : int
        The axis of the rows.
    ends : bool
        What lies before the first and after the last valid value becomes that value; else it stays
        missing.
    inf : "value" or "missing"
    {call}

    Returns
    -------
    Array of x's kind, shape and dtype; what stays missing is NaN.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.interpolate(np.array([np.nan, 1.0, np.nan, np.nan, 4.0]))
    array([1., 1., 2., 3., 4.])
    """
    return _along("scale_linear", x, limit, axis, inf, call, ends=ends)


@_documented
def clip(x, low, high, **call):
    """Values below `low` become low, above `high` high; NaN stays NaN.

    low and high are numbers or arrays stretched over x; a bound that is NaN is none.
    Other parameters: as in dualcube.rescale.

    >>> import numpy as np, dualcube as dc
    >>> dc.clip(np.array([-2.0, 0.5, np.nan, 7.0]), 0.0, 1.0)
    array([0. , 0.5, nan, 1. ])
    """
    return _scale.elementwise("scale_clip", x, (low, high), **call)


@_documented
def mask_outside(x, low, high, **call):
    """Values below `low` or above `high` become NaN.  Parameters as in dualcube.clip.

    >>> import numpy as np, dualcube as dc
    >>> dc.mask_outside(np.array([-2.0, 0.5, 7.0]), 0.0, 1.0)
    array([nan, 0.5, nan])
    """
    return _scale.elementwise("scale_clip", x, (low, high), outside="mask", **call)


def count_missing(x, axis=0, **call):
    """How many values along `axis` (an int, several, or None for all) are NaN; int64.

    >>> import numpy as np, dualcube as dc
    >>> dc.count_missing(np.array([[1.0, np.nan], [np.nan, np.nan]]))
    array([1, 2])
    """
    return _scale.count(x, (), axis, "missing", **call)


def count_outside(x, low, high, axis=0, **call):
    """How many values along `axis` dualcube.clip would change; int64.

    >>> import numpy as np, dualcube as dc
    >>> dc.count_outside(np.array([[1.0, 5.0], [2.0, 0.0]]), 0.5, 1.5)
    array([1, 2])
    """
    return _scale.count(x, (low, high), axis, "outside", **call)


@_documented
def power_transform(x, lmbda=None, function="yeo_johnson", *, inverse=False, **call):
    """log(1 + x), the square root, Box-Cox or Yeo-Johnson, or the inverse, within 2 ulp.

    Parameters
    ----------
    x : as in dualcube.rescale
    lmbda : float or array-like
        Of Box-Cox and Yeo-Johnson, stretched over x.
    function : "log1p", "sqrt", "box_cox" or "yeo_johnson"
    inverse : bool
    {call}

    Returns
    -------
    Array of x's kind, shape and dtype; NaN outside of the function's domain.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> dc.power_transform(np.array([0.0, 1.5, 7.5]), 0.5, "box_cox")[0]
    np.float64(-2.0)
    """
    if lmbda is None and function in ("box_cox", "yeo_johnson"):
        raise ValueError("power_transform: %s needs lmbda" % function)
    return _scale.elementwise("scale_power", x, (lmbda,), function=function, inverse=inverse, **call)


def quantization(low, high, dtype="int8", symmetric=False):
    """(zero, scale) with which [low, high] just fits the codes of `dtype`, 0 being one of them.

    symmetric: the zero point is the middle of the codes, and the range the larger of |low|, |high|
    on both sides.  low and high may be arrays (one pair per channel).
    """
    info = np.iinfo(np.dtype(dtype))
    low = np.minimum(np.asarray(low, np.float64), 0.0)
    high = np.maximum(np.asarray(high, np.float64), 0.0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("quantization: low and high must be finite")
    if symmetric:
        middle = 0 if info.min < 0 else (info.max + 1) // 2
        scale = np.maximum(-low, high) / (info.max - middle)
        zero = np.full(scale.shape, float(middle))
    else:
        scale = (high - low) / (info.max - info.min)
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = np.where(scale > 0, np.rint(info.min - low / scale), 0.0)
        zero = np.clip(zero, info.min, info.max)
    return zero[()], np.where(scale > 0, scale, 1.0)[()]


def calibrate(x, dtype="int8", *, percentiles=None, symmetric=False, axis=None, device="auto",
              threads=None):
    """(zero, scale) for dualcube.quantize from the values of x.

    percentiles : (low, high) or None
        None: the least and the greatest value; else percentiles, such as (0.1, 99.9): what lies
        beyond is held to the range.
    symmetric : see dualcube.quantization
    axis : None or int
        None: one pair for all of x; else one for each place along that axis (channels).

    >>> import numpy as np, dualcube as dc
    >>> zero, scale = dc.calibrate(np.array([-1.0, 0.0, 3.0]), "uint8")
    >>> dc.quantize([-1.0, 0.0, 3.0], scale, zero, "uint8")
    array([  0,  64, 255], dtype=uint8)
    """
    array, _ = _inputs.admit(x)
    table = array.reshape(-1, 1) if axis is None else \
        np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
    if table.size == 0:
        raise ValueError("calibrate: x is empty")
    if percentiles is None:
        low, high = _statistics.extent(table, device, threads)
    else:
        share = [percentile / 100.0 for percentile in percentiles]
        low, high = _statistics.quantiles(table, share, device, threads)
    if axis is None:
        low, high = low[0], high[0]
    zero, scale = quantization(low, high, dtype, symmetric)
    if axis is None:
        return zero, scale
    shape = [1] * array.ndim
    shape[axis] = -1
    return zero.reshape(shape), scale.reshape(shape)


@_documented
def quantize(x, scale=1.0, zero=0.0, dtype="int8", **call):
    """round(x / scale) + zero, half to even, held to the range of `dtype`.

    Parameters
    ----------
    x : as in dualcube.rescale, but for dualcube.Array
    scale, zero : float or array-like
        Stretched over x: per tensor or per channel.  The zero point is rounded and held, too; NaN
        becomes it.
    dtype : "int8", "uint8", "int16", "uint16" or "float16"
        float16: x / scale rounded to nearest even; subnormal and infinite where it must be.
    {call}

    Returns
    -------
    ndarray of `dtype`.  What was held: dualcube.count_saturated.

    {errors}

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> q = dc.quantize(np.array([-1.0, 0.0, 3.0]), scale=4 / 255, zero=64, dtype="uint8")
    >>> q, dc.dequantize(q, 4 / 255, 64).round(2)
    (array([  0,  64, 255], dtype=uint8), array([-1.,  0.,  3.]))
    """
    return _scale.to_dtype("scale_quantize", x, dtype, (zero, scale), **call)


@_documented
def dequantize(codes, scale=1.0, zero=0.0, dtype="float64", **call):
    """(codes - zero) * scale as float32 or float64.  codes: what dualcube.quantize makes.

    >>> import numpy as np, dualcube as dc
    >>> dc.dequantize(np.array([0, 2], np.int8), 0.5, 1)
    array([-0.5,  0.5])
    """
    return _scale.to_dtype("scale_dequantize", codes, dtype, (zero, scale), **call)


def requantize(codes, scale, zero, new_scale, new_zero, dtype="int8", **call):
    """Codes of one scale and zero point as codes of another, by way of float64.

    >>> import numpy as np, dualcube as dc
    >>> dc.requantize(np.array([10, 20], np.int16), 0.1, 0, 0.2, 3)
    array([ 8, 13], dtype=int8)
    """
    return quantize(dequantize(codes, scale, zero), new_scale, new_zero, dtype, **call)


def count_saturated(x, scale=1.0, zero=0.0, dtype="int8", axis=None, **call):
    """How many values along `axis` (None: all) dualcube.quantize holds to the range of `dtype`.

    >>> import numpy as np, dualcube as dc
    >>> dc.count_saturated(np.array([1.0, 200.0, -300.0]))
    np.int64(2)
    """
    return _scale.count(x, (zero, scale), axis, "saturated", format=dtype, **call)


def fits_float16(x, tolerance=1e-3, **call):
    """Can all of x be kept as float16?  Every finite value stays finite, and the mean relative error
    is below `tolerance`; looked at on all values, zeros and missing ones aside.

    >>> import numpy as np, dualcube as dc
    >>> dc.fits_float16(np.array([1.0, 2.5])), dc.fits_float16(np.array([1.0, 1e6]))
    (True, False)
    """
    array = np.asarray(x)
    if count_saturated(array, dtype="float16", **call):
        return False
    back = dequantize(quantize(array, dtype="float16", **call), dtype=np.result_type(
        array.dtype, np.float32), **call)
    counted = np.isfinite(array) & (array != 0)
    if not counted.any():
        return True
    error = np.abs(back[counted] - array[counted]) / np.abs(array[counted])
    return bool(error.mean() < tolerance)


def clip_outliers(x, method="iqr", *, factor=None, percentiles=(1.0, 99.0), handling="clip",
                  device="auto", threads=None):
    """x with the values beyond bounds of its columns clipped or masked: see dualcube.OutlierClipper.

    >>> import numpy as np, dualcube as dc
    >>> dc.clip_outliers(np.array([[1.0], [2.0], [3.0], [4.0], [100.0]])).ravel()
    array([1., 2., 3., 4., 7.])
    """
    from .estimators import OutlierClipper

    return OutlierClipper(method, factor=factor, percentiles=percentiles, handling=handling,
                          device=device, threads=threads).fit_transform(x)

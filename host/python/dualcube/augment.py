"""Physics augmentation of climate cubes."""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64

from . import _cube, _library, random
from ._library import lib
from ._operations import OPERATIONS

__all__ = ["augment"]


class _Draws(ctypes.Structure):
    _fields_ = [("given", c_int32), ("apply", c_int32), ("flip", c_int32), ("reserved", c_int32),
                ("lon_shift", c_int64), ("time_shift", c_int64), ("smoothing", c_double),
                ("scale", c_double)]


_NAMES = ("apply", "flip", "lon_shift", "time_shift", "smoothing", "scale")


def augment(cube, variables, seed, *, temperature_std=0.1, pressure_std=0.05, humidity_std=0.02,
            apply_chance=0.5, spatial_chance=0.3, temporal_chance=0.2, smoothing_most=0.1,
            scale=(0.95, 1.05), offset=0, draws=None, device="auto", out=None, threads=None,
            progress=None):
    """Noise, flip, shifts, smoothing and scaling of a climate cube, drawn from a seed.

    Parameters
    ----------
    cube : array-like of 7 axes
        Batch, variable, climate time, geological time, level, latitude, longitude; float32 or
        float64, integers are computed as float64.
    variables : sequence of str
        Names along axis 1: "temperature", "pressure" or "humidity" in them get noise.
    seed : int
        Of everything drawn and of the noise, 0 to 2**64 - 1.
    temperature_std, pressure_std, humidity_std : float
        Of the noise; 0: none.
    apply_chance : float
        Of anything at all; else the cube is copied.
    spatial_chance, temporal_chance, smoothing_most : float
        Of latitudes in reverse order and longitudes shifted, by half a chance each; of climate time
        shifted and x (1 - s) + s m along geological time, s uniform from 0 to `smoothing_most`.
    scale : (float, float)
        Every value is multiplied by one number between.
    offset : int
        Number of the first element in the noise's sequence: a part of a batch gets the whole's.
    draws : dict or None
        What an earlier call returned, to be done again.
    device, out, threads, progress
        As in dualcube.rolling_mean.

    Returns
    -------
    (cube, draws): array of the cube's kind and dtype, and the dict of what was drawn: apply, flip,
    lon_shift, time_shift, smoothing, scale.

    Raises and class: as dualcube.smooth().

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> cube = np.zeros((1, 2, 3, 4, 1, 8, 16), np.float32)
    >>> again, draws = dc.augment(cube, ["surface_temperature", "wind"], seed=3, apply_chance=1.0)
    >>> same, _ = dc.augment(cube, ["surface_temperature", "wind"], seed=3, draws=draws)
    >>> np.array_equal(again, same), bool(again[0, 0].any()), bool(again[0, 1].any())
    (True, True, False)
    """
    admitted = _cube.admit(cube, "cube")
    options = dict(temperature_std=temperature_std, pressure_std=pressure_std,
                   humidity_std=humidity_std, apply_chance=apply_chance,
                   spatial_chance=spatial_chance, temporal_chance=temporal_chance,
                   smoothing_most=smoothing_most)
    try:
        options["scale_low"], options["scale_high"] = scale
    except (TypeError, ValueError):
        raise ValueError("augment: scale = %r, must be two numbers" % (scale,)) from None
    operation, params = _params(admitted[0], variables, seed, offset, options)
    told = _told(operation, params, admitted[0].shape, draws)
    result = _cube.call("augment", operation, params, cube, admitted, device, out, threads, progress)
    return result, told


def _params(array, variables, seed, offset, options):
    operation = OPERATIONS["augment_apply"]
    params = operation.new_params()
    names = [variables] if isinstance(variables, str) else list(variables)
    if array.ndim != 7:
        raise ValueError("augment: cube has %d axes, must have 7: batch, variable, climate time, "
                         "geological time, level, latitude, longitude" % array.ndim)
    if len(names) != array.shape[1]:
        raise ValueError("augment: variables has %d names for %d variables"
                         % (len(names), array.shape[1]))
    for name in names:
        if not isinstance(name, str):
            raise TypeError("augment: variables must be strings, got %s" % type(name).__name__)
    text = (c_char_p * len(names))(*(name.encode() for name in names))
    _library.check(lib.dc_augment_variables(text, len(names), byref(params)))
    params.seed = random._whole("augment", "seed", seed, 0, (1 << 64) - 1)
    params.offset = random._whole("augment", "offset", offset, 0, (1 << 63) - 1)
    for name, value in options.items():
        operation.set(params, name, value)
    return operation, params


def _told(operation, params, shape, draws):
    """What is drawn, or what was told; params then has it."""
    if draws is None:
        drawn = _Draws()
        array = _library.Array.from_buffer(params, operation.src)
        array.ndim, array.dtype = len(shape), _library.F32
        array.shape[:len(shape)] = shape
        _library.check(lib.dc_augment_draw(byref(params), byref(drawn)))
        told = {name: getattr(drawn, name) for name in _NAMES}
        told["apply"], told["flip"] = bool(drawn.apply), bool(drawn.flip)
    else:
        told = {name: draws[name] for name in _NAMES}
    params.given = 1
    for name in _NAMES:
        operation.set(params, name, told[name])
    return told


lib.dc_augment_variables.argtypes = [POINTER(c_char_p), c_int32, ctypes.c_void_p]
lib.dc_augment_draw.argtypes = [ctypes.c_void_p, POINTER(_Draws)]

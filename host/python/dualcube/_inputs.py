"""What comes in: NumPy, buffers, DLPack, pandas, lists; and how the result goes out again."""

import ctypes
import struct
import sys

import numpy as np

from . import _library

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_CODES = {_FLOAT32: _library.F32, _FLOAT64: _library.F64}
_DLPACK_CPU = (1, 3)  # kDLCPU, kDLCUDAHost: memory that the host can read


def code_of(dtype):
    """The library's code of a NumPy dtype (float32 or float64, native)."""
    return _CODES[dtype]


def computing_dtype(dtype, what):
    """The dtype in which values of `dtype` are computed; TypeError when there is none."""
    if dtype in _CODES and dtype.isnative:
        return dtype
    kind = dtype.kind
    if kind == "f" and not dtype.isnative:
        raise TypeError("%s has the non-native byte order %s: cast it with .astype(%r)"
                        % (what, dtype.str, dtype.newbyteorder("=").name))
    if kind == "f" and dtype.itemsize == 2:
        raise TypeError("%s is float16: cast it with .astype('float32')" % what)
    if kind == "f":
        raise TypeError("%s is %s: cast it with .astype('float64')" % (what, dtype.name))
    if kind in "iub":
        return _FLOAT64
    if kind == "c":
        raise TypeError("%s is %s: pass its real and imaginary parts" % (what, dtype.name))
    raise TypeError("%s has dtype %s, must be float32, float64, an integer or bool" % (what, dtype))


def _array_of(value, what):
    """Any array-like as an ndarray, without a copy where the memory allows it."""
    if isinstance(value, np.ndarray):
        masked = sys.modules.get("numpy.ma")
        if masked is not None and isinstance(value, masked.MaskedArray):
            return value.astype(computing_dtype(value.dtype, what)).filled(np.nan)
        return value
    if not hasattr(value, "__array_interface__") and hasattr(value, "__dlpack__"):
        try:
            memoryview(value)
        except TypeError:
            return _from_dlpack(value, what)
    return np.asarray(value)


def _from_dlpack(value, what):
    device = value.__dlpack_device__()
    if device[0] not in _DLPACK_CPU:
        raise TypeError("%s lies on DLPack device %s: move it to the CPU first" % (what, device))
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError) as error:
        raise TypeError("%s: %s" % (what, error)) from None


def admit(value, what="x"):
    """(ndarray of float32 or float64 with whole-element strides, wrap or None).

    `wrap(out, axis, step)` gives a result of the caller's kind.
    """
    wrap = None
    pandas = sys.modules.get("pandas")  # a pandas object in hand means that it is loaded
    if pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series)):
        array = _from_pandas(value, what)
        wrap = _pandas_wrapper(value)
    else:
        array = _array_of(value, what)
    dtype = computing_dtype(array.dtype, what)
    if array.dtype != dtype:
        array = array.astype(dtype)
    if array.ndim == 0:
        raise ValueError("%s is a single value (0 axes), must have 1 to %d axes"
                         % (what, _library.MAX_NDIM))
    if array.ndim > _library.MAX_NDIM:
        raise ValueError("%s has %d axes, must have 1 to %d"
                         % (what, array.ndim, _library.MAX_NDIM))
    if not whole_strides(array):
        array = array.copy()
    return array, wrap


def whole_strides(array):
    """Every stride is a multiple of the element size (fields of packed records are not)."""
    size = array.itemsize
    return all(stride % size == 0 for stride in array.strides)


# A dc_array in one go: buffer, data, offset, shape[8], stride[8], ndim, dtype.
_VIEW = struct.Struct("=QQq8q8qii")
assert _VIEW.size == ctypes.sizeof(_library.Array)
_SPARE = tuple((0,) * count for count in range(_library.MAX_NDIM + 1))


def view(params, offset, buffer, data, shape, strides, dtype, code=None):
    """Write a dc_array `offset` bytes into the params struct; strides in elements.  `code`: the
    library's number of a dtype other than float32 and float64."""
    ndim = len(shape)
    spare = _SPARE[_library.MAX_NDIM - ndim]
    _VIEW.pack_into(params, offset, buffer, data, 0, *shape, *spare, *strides, *spare, ndim,
                    _CODES[dtype] if code is None else code)


def describe(array, params, offset):
    """Write an ndarray's view into the params struct."""
    size = array.itemsize
    view(params, offset, 0, array.__array_interface__["data"][0], array.shape,
         [stride // size for stride in array.strides], array.dtype)


def dense_strides(shape):
    """Strides of a row-major array, in elements."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(int(extent), 1)
    return strides[::-1]


# ---- pandas -------------------------------------------------------------------------------------


def _from_pandas(value, what):
    columns = [(None, value.dtype)] if value.ndim == 1 else list(value.dtypes.items())
    target, nullable = _FLOAT32 if columns else _FLOAT64, False
    for name, dtype in columns:
        where = what if name is None else "%s, column %r" % (what, name)
        plain = dtype
        if not isinstance(dtype, np.dtype):
            nullable = True
            plain = getattr(dtype, "numpy_dtype", None)
            if not isinstance(plain, np.dtype):
                raise TypeError("%s has dtype %s, must be float32, float64, an integer or bool"
                                % (where, dtype))
        if computing_dtype(plain, where) != _FLOAT32:
            target = _FLOAT64
    if nullable:
        return value.to_numpy(dtype=target, na_value=np.nan)
    return value.to_numpy(dtype=target)


def _pandas_wrapper(value):
    def every(index, step):
        return index if step == 1 else index[::step]

    if value.ndim == 1:
        def wrap(out, _axis, step):
            return value._constructor(out, index=every(value.index, step), name=value.name,
                                      copy=False)
    else:
        def wrap(out, axis, step):
            index, columns = value.index, value.columns
            if axis in (0, -2):
                index = every(index, step)
            else:
                columns = every(columns, step)
            return value._constructor(out, index=index, columns=columns, copy=False)
    wrap.source = value
    return wrap

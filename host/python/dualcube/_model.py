"""Model files: fitted parameters as (kind, {name: array, number or text})."""

import ctypes
import os
from ctypes import byref, c_size_t, c_void_p

import numpy as np

from . import _library
from ._library import lib

_ARRAY, _NUMBER, _TEXT = 1, 2, 3
CODES = {np.dtype(name): code for name, code in (
    ("float32", _library.F32), ("float64", _library.F64), ("float16", _library.F16),
    ("uint8", _library.U8), ("uint16", _library.U16), ("uint32", _library.U32),
    ("uint64", _library.U64), ("int8", _library.I8), ("int16", _library.I16),
    ("int32", _library.I32), ("int64", _library.I64))}
_DTYPES = {code: dtype for dtype, code in CODES.items()}


def _view(array):
    """A dc_array of a dense ndarray, which must live as long as it is used."""
    view = _library.Array(data=array.__array_interface__["data"][0], ndim=array.ndim,
                          dtype=CODES[array.dtype])
    step = 1
    for axis in range(array.ndim - 1, -1, -1):
        view.shape[axis], view.stride[axis] = array.shape[axis], step
        step *= max(array.shape[axis], 1)
    return view


class _Handle:
    """Owner of one dc_model."""

    def __init__(self, handle):
        self.handle = handle

    def __del__(self, free=lib.dc_model_free):
        free(self.handle)


def _build(kind, entries):
    handle = c_void_p()
    _library.check(lib.dc_model_new(kind.encode(), byref(handle)))
    owner = _Handle(handle)
    for name, value in entries.items():
        if isinstance(value, str):
            status = lib.dc_model_set_text(handle, name.encode(), value.encode())
        elif isinstance(value, np.ndarray):
            dense = np.ascontiguousarray(value)
            status = lib.dc_model_set_array(handle, name.encode(), _view(dense))
        else:
            status = lib.dc_model_set_number(handle, name.encode(), float(value))
        _library.check(status)
    return owner


def _entries(owner):
    found = {}
    for index in range(lib.dc_model_count(owner.handle)):
        entry = _library.filled(_library.ModelEntry)
        _library.check(lib.dc_model_at(owner.handle, index, entry))
        name = entry.name.decode()
        if entry.type == _ARRAY:
            shape = tuple(entry.array.shape[:entry.array.ndim])
            dtype = _DTYPES[entry.array.dtype]
            array = np.empty(shape, dtype)
            if array.nbytes:
                ctypes.memmove(array.__array_interface__["data"][0], entry.array.data, array.nbytes)
            found[name] = array
        else:
            found[name] = entry.number if entry.type == _NUMBER else entry.text.decode()
    return lib.dc_model_kind(owner.handle).decode(), found


def to_bytes(kind, entries):
    """A model as bytes."""
    owner, size = _build(kind, entries), c_size_t()
    _library.check(lib.dc_model_save_bytes(owner.handle, None, 0, byref(size)))
    room = ctypes.create_string_buffer(size.value)
    _library.check(lib.dc_model_save_bytes(owner.handle, room, size.value, byref(size)))
    return room.raw


def from_bytes(data):
    """(kind, entries) of bytes that nobody need trust; ValueError says what is wrong."""
    handle = c_void_p()
    _library.check(lib.dc_model_load_bytes(bytes(data), len(data), byref(handle)))
    owner = _Handle(handle)
    return _entries(owner)


def save(path, kind, entries):
    """Write a model file, which appears whole or not at all."""
    owner = _build(kind, entries)
    _library.check(lib.dc_model_save(owner.handle, os.fsencode(path)))


def load(path):
    """(kind, entries) of a model file."""
    handle = c_void_p()
    _library.check(lib.dc_model_load(os.fsencode(path), byref(handle)))
    owner = _Handle(handle)
    return _entries(owner)

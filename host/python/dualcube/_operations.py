"""The registry as Python sees it: one Operation per row, its params struct built from the table."""

import ctypes
import sys
from ctypes import c_char, c_double, c_int32, c_int64, c_uint32

from . import _library
from ._library import lib

_CTYPES = {
    _library.PARAM_ARRAY_IN: _library.Array, _library.PARAM_ARRAY_OUT: _library.Array,
    _library.PARAM_INT32: c_int32, _library.PARAM_INT64: c_int64,
    _library.PARAM_DOUBLE: c_double, _library.PARAM_CHOICE: c_int32,
    _library.PARAM_BOOL: c_int32, _library.PARAM_ARRAYS_IN: _library.Arrays,
    _library.PARAM_DOUBLES: _library.Doubles, _library.PARAM_INT64S: _library.Int64s,
}


class Parameter:
    """One field of an operation's params struct."""

    __slots__ = ("name", "type", "offset", "default", "required", "low", "high", "choices", "help")

    def __init__(self, info):
        self.name = info.name.decode()
        self.type = info.type
        self.offset = info.offset
        self.default = _library.DEFAULT if info.data_default else info.default_value
        self.required = bool(info.required)
        self.low, self.high = info.low, info.high
        self.choices = tuple(info.choices.decode().split()) if info.choices else ()
        self.help = (info.help or b"").decode()

    @property
    def is_array(self):
        return self.type in (_library.PARAM_ARRAY_IN, _library.PARAM_ARRAY_OUT)

    @property
    def is_scalar(self):
        return not self.is_array and self.type < _library.PARAM_ARRAYS_IN

    def plain(self):
        """The default as a caller would write it."""
        if self.type == _library.PARAM_CHOICE:
            return sys.intern(self.choices[int(self.default)])
        if self.type == _library.PARAM_BOOL:
            return bool(self.default)
        return self.default if self.type == _library.PARAM_DOUBLE else int(self.default)


def _struct(name, parameters, size):
    """A ctypes struct whose fields lie where the library's table says."""
    fields, end = [], 0
    known = [("struct_size", 0, c_uint32)]
    if all(p.name != "kind" for p in parameters):
        known.append(("kind", 4, c_int32))
    known += [(p.name, p.offset, _CTYPES[p.type]) for p in parameters]
    known.sort(key=lambda field: field[1])
    for field, offset, ctype in known:
        if offset > end:
            fields.append(("_gap%d" % end, c_char * (offset - end)))
        fields.append((field, ctype))
        end = offset + ctypes.sizeof(ctype)
    if size > end:
        fields.append(("_tail", c_char * (size - end)))
    struct = type(name, (ctypes.Structure,), {"_fields_": fields})
    for field, offset, _ in known:
        if getattr(struct, field).offset != offset:
            raise ImportError("dualcube: field %s of %s lies at byte %d, the library says %d"
                              % (field, name, getattr(struct, field).offset, offset))
    if ctypes.sizeof(struct) != size:
        raise ImportError("dualcube: %s has %d bytes, the library says %d"
                          % (name, ctypes.sizeof(struct), size))
    return struct


class Operation:
    """A row of the registry with its parameters and a struct of their defaults."""

    def __init__(self, info, structs):
        self.id, self.kind = info.id, info.kind
        self.name, self.family = info.name.decode(), info.family.decode()
        self.help = info.help.decode()
        self.dtypes = info.dtypes
        self.classes = {"float32": _library.CLASSES[info.class_f32],
                        "float64": _library.CLASSES[info.class_f64]}
        self.parameters = {}
        for k in range(info.nparams):
            parameter = Parameter(info.params[k])
            self.parameters[parameter.name] = parameter
        key = (self.family, info.params_bytes)
        if key not in structs:
            structs[key] = _struct("dc_%s_params" % self.family, list(self.parameters.values()),
                                   info.params_bytes)
        self.struct = structs[key]
        self.defaults = self._make_defaults()
        # Python values that the defaults stand for; compared by identity, so that a call that
        # leaves them alone spends no time on them.
        self.written = {name: parameter.plain() for name, parameter in self.parameters.items()
                        if parameter.is_scalar and not parameter.required}
        arrays = [parameter for parameter in self.parameters.values() if parameter.is_array]
        # Where the first input (None: there is none) and the first output lie.
        self.src, self.dst = (next((p.offset for p in arrays if p.type == kind), None) for kind in
                              (_library.PARAM_ARRAY_IN, _library.PARAM_ARRAY_OUT))

    def _make_defaults(self):
        values = _library.filled(self.struct)
        for name, parameter in self.parameters.items():
            if parameter.required or not parameter.is_scalar:
                continue
            default = parameter.default
            setattr(values, name,
                    default if parameter.type == _library.PARAM_DOUBLE else int(default))
        values.kind = self.kind
        return bytes(values)

    def new_params(self):
        """A params struct with the defaults written."""
        return self.struct.from_buffer_copy(self.defaults)

    def set(self, params, name, value):
        """Write one scalar parameter; `value` in Python's terms (name of a choice, bool, int)."""
        parameter = self.parameters.get(name)
        if parameter is None:
            raise TypeError("%s has no parameter %s" % (self.name, name))
        kind = parameter.type
        if kind == _library.PARAM_CHOICE and isinstance(value, str):
            if value not in parameter.choices:
                raise ValueError("%s: %s = %r, must be one of %s"
                                 % (self.name, name, value, ", ".join(parameter.choices)))
            value = parameter.choices.index(value)
        elif kind == _library.PARAM_DOUBLE:
            try:
                value = float(value)
            except (TypeError, ValueError):
                raise TypeError("%s: %s must be a number, got %s"
                                % (self.name, name, type(value).__name__)) from None
        elif kind == _library.PARAM_BOOL:
            value = 1 if value else 0
        else:
            value = self._integer(name, value, 63 if kind == _library.PARAM_INT64 else 31)
        setattr(params, name, value)

    def _integer(self, name, value, bits):
        try:
            value = value.__index__()
        except AttributeError:
            raise TypeError("%s: %s must be an integer, got %s"
                            % (self.name, name, type(value).__name__)) from None
        if not -(1 << bits) <= value < 1 << bits:
            raise ValueError("%s: %s = %d does not fit a %d-bit integer"
                             % (self.name, name, value, bits + 1))
        if value == _library.DEFAULT:
            raise ValueError("%s: %s = %d is out of range" % (self.name, name, value))
        return value


def _read():
    table, structs = {}, {}
    for index in range(lib.dc_op_count()):
        info = _library.filled(_library.OpInfo)
        _library.check(lib.dc_op_get(index, info))
        operation = Operation(info, structs)
        table[operation.name] = operation
    return table


OPERATIONS = _read()

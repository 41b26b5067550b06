"""Calls of the spectral family: arrays as views of reals, windows by name, frames, results."""

import warnings

import numpy as np

from . import _context, _cube, _device_array, _inputs, _library, _memory, _reduce, _rolling
from ._operations import OPERATIONS

_LONG = 1 << 18  # from so many elements a call may take long enough for Ctrl-C to matter
_COMPLEX = {np.dtype(np.float32): np.dtype(np.complex64),
            np.dtype(np.float64): np.dtype(np.complex128)}
_REAL = {pair: real for real, pair in _COMPLEX.items()}

# Names of scipy.signal.get_window() in the order of DC_WINDOW_*.
_WINDOWS = [("boxcar", "box", "ones", "rect", "rectangular"), ("hann", "han"),
            ("hamming", "hamm", "ham"), ("blackman", "black", "blk"),
            ("blackmanharris", "blackharr", "bkh"), ("flattop", "flat", "flt"), ("kaiser", "ksr"),
            ("tukey", "tuk"), ("gaussian", "gauss", "gss")]
_CODES = {name: code for code, names in enumerate(_WINDOWS) for name in names}
_PARAMETRIC = (6, 7, 8)
_DETRENDS = {None: 0, False: 0, "constant": 1, "linear": 2}
SCALINGS = {"density": 0, "spectrum": 1, None: 2}
BOUNDARIES = {None: 0, False: 0, "zeros": 1, True: 1, "even": 2, "odd": 3, "constant": 4}
NANS = {"omit": 0, "conservative": 0, "propagate": 1, "none": 1}


class View:
    """Reals in memory under a shape and strides of their own; `parts`: each element is a complex
    number, two neighbouring reals."""

    __slots__ = ("array", "shape", "strides", "parts", "dtype")

    def __init__(self, array, parts=False):
        self.array = array
        if isinstance(array, np.ndarray):
            self.parts = array.dtype in _REAL
            self.dtype = _REAL.get(array.dtype, array.dtype)
            size = self.dtype.itemsize
            self.shape = list(array.shape)
            self.strides = [stride // size for stride in array.strides]
        else:  # on a device complex numbers are a last axis of 2
            self.parts, self.dtype = parts, array.dtype
            end = array.ndim - (1 if parts else 0)
            self.shape = list(array.shape[:end])
            self.strides = _inputs.dense_strides(array.shape)[:end]

    def move(self, source, target):
        self.shape.insert(target, self.shape.pop(source))
        self.strides.insert(target, self.strides.pop(source))

    def describe(self, params, offset):
        """Write the view into the params struct."""
        shape, strides = self.shape, self.strides
        if self.parts:
            shape, strides = shape + [2], strides + [1]
        if isinstance(self.array, np.ndarray):
            buffer, data = 0, self.array.__array_interface__["data"][0]
        else:
            buffer, data = self.array._buffer.handle.value, 0
        _inputs.view(params, offset, buffer, data, shape, strides, self.dtype)


def _admit_complex(what, x):
    array = np.asarray(x)
    if array.dtype not in _REAL:
        if array.dtype.kind == "c":
            raise TypeError("%s: x is %s, must be complex64 or complex128" % (what, array.dtype))
        real = _inputs.admit(array)[0]
        array = real.astype(_COMPLEX[real.dtype])
    if array.ndim == 0:
        raise ValueError("%s: x is a single value (0 axes), must have at least 1" % what)
    size = _REAL[array.dtype].itemsize
    return array if all(stride % size == 0 for stride in array.strides) else array.copy()


def one_of(what, name, table, value):
    """The code of a named choice."""
    try:
        return table[value]
    except (KeyError, TypeError):
        raise (ValueError if isinstance(value, (str, int, float, type(None))) else TypeError)(
            "%s: %s = %r, must be one of %s"
            % (what, name, value, ", ".join(repr(one) for one in table))) from None


def frequencies(nfft, fs):
    return np.fft.rfftfreq(nfft, 1 / fs)


class Frames:
    """Windows of `nperseg` samples every `hop`, transformed as `nfft`."""

    __slots__ = ("nperseg", "noverlap", "nfft")

    def __init__(self, nperseg, noverlap, nfft):
        self.nperseg, self.noverlap, self.nfft = nperseg, noverlap, nfft

    @property
    def hop(self):
        return self.nperseg - self.noverlap

    @property
    def bins(self):
        return self.nfft // 2 + 1

    def count(self, samples):
        return (samples - self.nperseg) // self.hop + 1 if samples >= self.nperseg > 0 else 0

    def times(self, samples, fs):
        """Middles of the windows, as scipy.signal has them."""
        first = self.nperseg / 2
        return np.arange(first, samples - first + 1, self.hop) / float(fs)


class Call:
    """One call being prepared: inputs, parameters, output, run."""

    def __init__(self, what, row, x, device, threads, progress, parts=False):
        self.what, self.operation = what, OPERATIONS["spectral_" + row]
        self.params, self.kept, self.size = self.operation.new_params(), [], 0
        if progress is not None and not callable(progress):
            raise TypeError("%s: progress must be callable, got %s"
                            % (what, type(progress).__name__))
        self.progress = progress
        self.on_device = isinstance(x, _device_array.Array)
        if self.on_device:
            self.queue = _device_array.queue_for(x, device, threads)
        self.x = self.admit(x, parts)
        if not self.on_device:
            self.queue = _context.queue(device, threads)
        self.original = x

    def admit(self, x, parts=False, name="x"):
        """An input as a View."""
        if self.on_device != isinstance(x, _device_array.Array):
            raise TypeError("%s: x lies %s, %s does not; move it with to_device() or .numpy()"
                            % (self.what, "on a device" if self.on_device else "on the host", name))
        if self.on_device:
            if parts and (x.ndim < 2 or x.shape[-1] != 2):
                raise ValueError("%s: %s has shape %s, must end with an axis of 2, the real and "
                                 "the imaginary part" % (self.what, name, x.shape))
            view = View(x, parts)
        else:
            view = View(_admit_complex(self.what, x) if parts else _inputs.admit(x, name)[0])
        self.size += x.size if self.on_device else view.array.size
        return view

    def axis(self, axis, ndim=None):
        return _cube.axis_of(self.what, axis, len(self.x.shape) if ndim is None else ndim)

    # ---- parameters -----------------------------------------------------------------------------

    def set(self, **values):
        for name, value in values.items():
            self.operation.set(self.params, name, value)

    def code(self, name, table, value, shown=None):
        """Write the code of a choice."""
        if name not in self.operation.parameters:
            raise TypeError("%s has no parameter %s" % (self.operation.name, name))
        setattr(self.params, name, one_of(self.what, shown or name, table, value))

    def detrend(self, detrend):
        if callable(detrend):
            raise TypeError("%s: detrend is a function, must be False, 'constant' or 'linear': "
                            "detrend x before" % self.what)
        self.code("detrend", _DETRENDS, detrend)

    def numbers(self, name, values):
        """Write a list of numbers."""
        value, block = _reduce.doubles(values)
        self.kept.append(block)
        setattr(self.params, name, value)

    def whole(self, name, value, low, high=None):
        try:
            value = value.__index__()
        except AttributeError:
            raise TypeError("%s: %s must be an integer, got %s"
                            % (self.what, name, type(value).__name__)) from None
        if value < low or (high is not None and value > high):
            raise ValueError("%s: %s = %d, must be %s" % (
                self.what, name, value,
                "at least %d" % low if high is None else "%d to %d" % (low, high)))
        return value

    def rate(self, fs):
        self.set(fs=fs)
        if not 0 < self.params.fs < np.inf:
            raise ValueError("%s: fs = %r, must be above 0 and finite" % (self.what, fs))
        return self.params.fs

    def onesided(self, return_onesided):
        if not return_onesided:
            raise ValueError("%s: return_onesided = %r, must be True: spectra of real series have "
                             "one side" % (self.what, return_onesided))

    def window(self, window):
        """Write the window; the number of taps, None where it has a name."""
        words = (window,) if isinstance(window, str) else window
        if not isinstance(words, tuple):
            return self._taps(window)
        if not 1 <= len(words) <= 2 or not isinstance(words[0], str):
            raise ValueError("%s: window = %r, must be a name, a name and its parameter, or taps"
                             % (self.what, window))
        name = words[0]
        for suffix, symmetric in (("_periodic", 0), ("_symmetric", 1)):
            if name.endswith(suffix):
                name = name[:-len(suffix)]
                self.params.symmetric = symmetric
        if name not in _CODES:
            raise ValueError("%s: window = %r, must be one of %s, or an array of taps"
                             % (self.what, name, ", ".join(names[0] for names in _WINDOWS)))
        self.params.window = _CODES[name]
        if len(words) == 2:
            if _CODES[name] not in _PARAMETRIC:
                raise ValueError("%s: window %r has no parameter, got %r"
                                 % (self.what, name, words[1]))
            self.set(window_param=words[1])
        return None

    def _taps(self, window):
        try:
            taps = np.asarray(window, np.float64)
        except (TypeError, ValueError):
            taps = np.zeros(())
        if taps.ndim != 1 or not len(taps):
            raise ValueError("%s: window must be a name such as 'hann', a name and its parameter "
                             "such as ('kaiser', 14), or a vector of taps, got %r"
                             % (self.what, window))
        self.numbers("taps", taps)
        return len(taps)

    def frames(self, samples, window, nperseg, noverlap, nfft, usual=256, share=2, loud=True):
        """Write window, nperseg, noverlap and nfft.  Defaults: `usual` samples (None: all of them),
        a `share`-th of them overlapping (0: none).  Windows longer than the series are cut."""
        taps = self.window(window)
        asked = nperseg is not None
        if taps is not None:
            if asked and nperseg != taps:
                raise ValueError("%s: nperseg = %r, but window has %d taps"
                                 % (self.what, nperseg, taps))
            if 0 < samples < taps:
                raise ValueError("%s: window has %d taps, the series %d samples"
                                 % (self.what, taps, samples))
            nperseg = taps
        elif not asked:
            nperseg = samples if usual is None else usual
        nperseg = self.whole("nperseg", nperseg, 1 if asked else 0)
        if nperseg > samples:
            if loud and samples:
                warnings.warn("%s: nperseg = %d is greater than the %d samples of the series, "
                              "using nperseg = %d" % (self.what, nperseg, samples, samples),
                              UserWarning, stacklevel=4)
            nperseg, cut = samples, True
        else:
            cut = False
        default = nperseg // share if share else 0
        if noverlap is not None:
            noverlap = self.whole("noverlap", noverlap, 0)
            if cut and noverlap >= nperseg:
                noverlap = default
        else:
            noverlap = default
        if nperseg and noverlap >= nperseg:
            raise ValueError("%s: noverlap = %d, must be less than nperseg = %d"
                             % (self.what, noverlap, nperseg))
        nfft = nperseg if nfft is None else self.whole("nfft", nfft, 1)
        if nfft < nperseg:
            raise ValueError("%s: nfft = %d, must be at least nperseg = %d"
                             % (self.what, nfft, nperseg))
        self.set(nperseg=nperseg, noverlap=noverlap, nfft=nfft)
        return Frames(nperseg, noverlap, nfft)

    # ---- inputs of other shapes -----------------------------------------------------------------

    def take_bins(self, axis, nfft):
        """As many bins as the transform has; missing ones become 0."""
        view, bins = self.x, nfft // 2 + 1
        missing = bins - view.shape[axis]
        if missing > 0:
            if self.on_device:
                raise ValueError("%s: x has %d bins on axis %d, must have %d for %d samples"
                                 % (self.what, view.shape[axis], axis, bins, nfft))
            more = [(0, missing if one == axis else 0) for one in range(len(view.shape))]
            self.x = view = View(np.pad(view.array, more))
        view.shape[axis] = bins

    def pair(self, y, axis):
        """(view of y, axis): x and y of one dtype, broadcast to one shape."""
        one, two = self.x, self.admit(y, name="y")
        if two.dtype != one.dtype:
            if self.on_device:
                raise TypeError("%s: x is %s, y %s: must be the same"
                                % (self.what, one.dtype, two.dtype))
            one, two = (View(view.array.astype(np.float64, copy=False)) for view in (one, two))
            self.x = one
        if one.shape == two.shape:
            return two, self.axis(axis)
        places = [self.axis(axis, len(view.shape)) - len(view.shape) for view in (one, two)]
        if places[0] != places[1] or one.shape[places[0]] != two.shape[places[0]]:
            raise ValueError("%s: x has shape %s, y %s: must have as many samples on axis %d"
                             % (self.what, tuple(one.shape), tuple(two.shape), axis))
        if self.on_device:
            raise ValueError("%s: x has shape %s, y %s: must be the same on a device"
                             % (self.what, tuple(one.shape), tuple(two.shape)))
        try:
            first, second = np.broadcast_arrays(one.array, two.array)
        except ValueError:
            raise ValueError("%s: x has shape %s, y %s: they cannot be broadcast together"
                             % (self.what, tuple(one.shape), tuple(two.shape))) from None
        self.x, two = View(first), View(second)
        return two, places[0] + first.ndim

    # ---- run ------------------------------------------------------------------------------------

    def output(self, shape, out, parts=False, order=None):
        """A View of the result; `parts`: complex.  `order`: axes from the slowest in memory to the
        fastest."""
        shape, dtype = tuple(shape), self.x.dtype
        if len(shape) + (1 if parts else 0) > _library.MAX_NDIM:
            raise ValueError("%s: the result has %d axes%s, must have at most %d" % (
                self.what, len(shape) + (1 if parts else 0), " with that of the parts" if parts
                else "", _library.MAX_NDIM))
        if self.on_device:
            return self._device_output(shape + (2,) if parts else shape, dtype, out, parts)
        dtype = _COMPLEX[dtype] if parts else dtype
        self.result, self.copy_to = None, None
        if out is not None:
            self._check(out, np.ndarray, "numpy.ndarray", shape, dtype)
            if not out.flags.writeable:
                raise ValueError("%s: out is read-only" % self.what)
            source = self.original if isinstance(self.original, np.ndarray) else self.x.array
            size = self.x.dtype.itemsize
            whole = all(stride % size == 0 for stride in out.strides)
            apart = not _rolling._interleaved(self.operation, source, out)
            if whole and apart:
                self.result = out
            else:
                self.copy_to = out
        if self.result is None:
            self.result = (_memory.empty(shape, dtype) if order is None else
                           _memory.empty(tuple(shape[one] for one in order),
                                         dtype).transpose(np.argsort(order)))
        return View(self.result)

    def _device_output(self, shape, dtype, out, parts):
        if out is not None:
            self._check(out, _device_array.Array, "dualcube.Array when x is one", shape, dtype)
        self.copy_to = None
        self.result = _device_array.empty(self.queue, shape, dtype) if out is None else out
        return View(self.result, parts)

    def _check(self, out, kind, name, shape, dtype):
        if not isinstance(out, kind):
            raise TypeError("%s: out must be a %s, got %s" % (self.what, name, type(out).__name__))
        if tuple(out.shape) != shape or out.dtype != dtype:
            raise ValueError("%s: out has shape %s and dtype %s, must be %s and %s"
                             % (self.what, tuple(out.shape), out.dtype, shape, dtype))

    def nothing(self, shape, out, parts=False):
        """A result without elements."""
        self.output(shape, out, parts)
        return self.copied()

    def copied(self):
        if self.copy_to is not None:
            self.copy_to[...] = self.result
            return self.copy_to
        return self.result

    def run(self, axis, dst, other=None):
        """Compute dst from x along its `axis`; the result as the caller gets it."""
        self.params.axis = axis
        self.x.describe(self.params, self.operation.src)
        dst.describe(self.params, self.operation.dst)
        if other is not None:
            other.describe(self.params, self.operation.parameters["other"].offset)
        self.queue.call(self.operation, self.params, self.size >= _LONG, self.progress)
        return self.copied()

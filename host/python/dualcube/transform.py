"""Cubes rearranged: transposed, stacked, flipped, rolled, lagged, gathered, cut into windows;
differences, scaling, and batches with noise.

What only moves takes elements of 1, 2, 4 or 8 bytes of any dtype and copies their bits.  Arrays are
anything that NumPy takes, or dualcube.Array; then the result is one, too, and nothing comes to the
host.  Keywords that all functions have:

out : ndarray or dualcube.Array, or None
    Receives the result: its shape and dtype, any strides, no overlap with the inputs.
device : "auto", "cpu", "opencl" or "opencl:<n>";  threads : int or None
    Where it runs, and on how many CPU threads; neither changes a bit.
progress : callable(done, total) or None
    Called during a long call; a true result cancels it.

They raise ValueError (a bad argument), TypeError (a dtype), MemoryError, dualcube.UnsupportedError,
dualcube.DeviceError and KeyboardInterrupt.  Class: EXACT for what moves and for float64, EXACT_IF
for float32 that is computed.
"""

import numpy as np

from . import _device_array, _inputs, _transform
from ._transform import Call, View

__all__ = ["affine", "concatenate", "diff", "expand", "flip", "lag", "process_batch", "roll",
           "sliding_window_view", "stack", "take", "transpose"]


def transpose(x, axes=None, *, out=None, device="auto", threads=None, progress=None):
    """The axes of x in another order, as a dense array.

    axes : permutation of the axes, or None for the reverse order, as in numpy.transpose.

    >>> import numpy as np, dualcube as dc
    >>> dc.transpose(np.arange(6).reshape(2, 3))
    array([[0, 3],
           [1, 4],
           [2, 5]])
    """
    x = _transform.array_of("transpose", x, False)
    ndim = len(x.shape)
    axes = range(ndim)[::-1] if axes is None else _transform.permutation("transpose", axes, ndim)
    return _transform.copy("transpose", View(x), list(axes), out, device, threads, progress)


def flip(x, axis=None, *, out=None, device="auto", threads=None, progress=None):
    """x with the order of its elements along `axis` (an int, several, None: all) reversed.

    >>> import numpy as np, dualcube as dc
    >>> dc.flip(np.array([1, 2, 3], np.int16))
    array([3, 2, 1], dtype=int16)
    """
    x = _transform.array_of("flip", x, False)
    ndim = len(x.shape)
    view = View(x).flipped(set(_transform.axes_of("flip", axis, ndim)))
    return _transform.copy("flip", view, list(range(ndim)), out, device, threads, progress)


def sliding_window_view(x, window_shape, axis=None, *, copy=False, out=None, device="auto",
                        threads=None, progress=None):
    """Windows of x, as numpy.lib.stride_tricks.sliding_window_view: the axes of the window come last.

    copy : False gives NumPy's read-only view of an ndarray; True, an `out` or a dualcube.Array a
        dense array of all windows.

    >>> import numpy as np, dualcube as dc
    >>> dc.sliding_window_view(np.arange(5), 3, copy=True)
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])
    """
    what = "sliding_window_view"
    x = _transform.array_of(what, x, False)
    view, ndim = View(x), len(x.shape)
    extents = tuple(window_shape) if isinstance(window_shape, (tuple, list)) else (window_shape,)
    axes = _transform.axes_of(what, axis, ndim)
    if len(extents) != len(axes):
        raise ValueError("%s: window_shape has %d entries, must have one for each of %d axes"
                         % (what, len(extents), len(axes)))
    shape, strides = list(view.shape), list(view.strides)
    for extent, one in zip(extents, axes):
        extent = _transform.index_of(what, "window_shape", extent)
        if not 1 <= extent <= shape[one]:
            raise ValueError("%s: window_shape holds %d, must be 1 ... %d along axis %d"
                             % (what, extent, shape[one], one))
        shape[one] -= extent - 1
        shape.append(extent)
        strides.append(strides[one])
    if not copy and out is None and isinstance(x, np.ndarray):
        return np.lib.stride_tricks.as_strided(
            x, shape, [stride * x.itemsize for stride in strides], writeable=False)
    view = View(x, shape, strides)
    if len(shape) > 8:
        raise ValueError("%s: the result has %d axes, must have at most 8" % (what, len(shape)))
    return _transform.copy(what, view, list(range(len(shape))), out, device, threads, progress)


def roll(x, shift, axis=None, *, out=None, device="auto", threads=None, progress=None):
    """x with its elements moved by `shift` places along `axis`; what leaves comes in again.

    shift, axis : int, or several of both; axis None takes x as one axis, as in numpy.roll.

    >>> import numpy as np, dualcube as dc
    >>> dc.roll(np.arange(5), 2)
    array([3, 4, 0, 1, 2])
    """
    x = _transform.array_of("roll", x, False)
    shape = tuple(x.shape)
    view = View(x)
    if axis is None:
        if isinstance(x, np.ndarray) and not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        view = View(x, (view.size,), (1,))
    axes = (0,) if axis is None else _transform.axes_of("roll", axis, len(shape))
    shifts = tuple(shift) if isinstance(shift, (tuple, list, np.ndarray)) else (shift,) * len(axes)
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(axes) == 1:
        axes *= len(shifts)
    if len(shifts) != len(axes):
        raise ValueError("roll: shift has %d entries and axis %d" % (len(shifts), len(axes)))
    turns = [0] * len(view.shape)
    for one, places in zip(axes, shifts):
        places = _transform.index_of("roll", "shift", places)
        turns[one] = (turns[one] + places) % max(view.shape[one], 1)
    call = Call("transform_roll", False, [x], device, threads, progress)
    call.put("src", view)
    call.put_integers("shift", turns)
    result = call.output("dst", out, shape, x.dtype)
    if axis is None:
        base = result[0]
        if isinstance(base, np.ndarray) and not base.flags.c_contiguous:
            result = (np.empty(shape, x.dtype), out)
        call.put("dst", View(result[0], (view.size,), (1,)))
    return call.run(view.size, result)


def lag(x, periods=1, axis=0, fill=None, *, out=None, device="auto", threads=None, progress=None):
    """x moved by `periods` places along `axis`: y[t] = x[t - periods].

    fill : value of x's dtype for places that have no such element; None is NaN for floats, the
        other dtypes need one.

    >>> import numpy as np, dualcube as dc
    >>> dc.lag(np.array([1.0, 2.0, 3.0]))
    array([nan,  1.,  2.])
    >>> dc.lag(np.array([1, 2, 3]), -1, fill=0)
    array([2, 3, 0])
    """
    x = _transform.array_of("lag", x, False)
    if fill is None:
        if x.dtype.kind not in "fc":
            raise ValueError("lag: fill must be given for dtype %s, which has no NaN" % x.dtype)
        fill = np.nan
    call = Call("transform_lag", False, [x], device, threads, progress)
    call.put("src", View(x))
    call.operation.set(call.params, "axis", axis)
    call.operation.set(call.params, "periods", periods)
    call.params.has_fill = 1
    value = np.asarray(fill).astype(x.dtype)
    if value.ndim:
        raise ValueError("lag: fill has %d axes, must be one value" % value.ndim)
    call.params.fill = int.from_bytes(value.tobytes().ljust(8, b"\0"), "little", signed=True)
    return call.run(x.size, call.output("dst", out, x.shape, x.dtype))


def take(x, index, axis=0, *, out=None, device="auto", threads=None, progress=None):
    """The places `index` of x along `axis`, as numpy.take.

    index : integers from 0, of any shape, which takes the axis's place in the result.  A negative
        one or one beyond the axis is refused, with its place.

    >>> import numpy as np, dualcube as dc
    >>> dc.take(np.array([10, 20, 30]), [2, 0, 2])
    array([30, 10, 30])
    """
    x = _transform.array_of("take", x, False)
    axis = _transform.axis_of("take", axis, len(x.shape))
    index = np.asarray(index)
    if index.size == 0:
        index = index.astype(np.int64)
    if index.dtype.kind not in "iu":
        raise TypeError("take: index has dtype %s, must be of integers" % index.dtype)
    if index.dtype == np.uint64 and index.size and int(index.max()) >= 1 << 63:
        raise ValueError("take: index holds %d, must be below 2**63" % int(index.max()))
    flat = np.ascontiguousarray(index.ravel(), dtype=np.int64)
    shape = tuple(x.shape[:axis]) + (flat.size,) + tuple(x.shape[axis + 1:])
    whole = tuple(x.shape[:axis]) + index.shape + tuple(x.shape[axis + 1:])
    call = Call("transform_gather", False, [x, flat], device, threads, progress)
    call.put("src", View(x))
    call.put_index(View(flat))
    call.operation.set(call.params, "axis", axis)
    if index.ndim == 1:
        return call.run(_count(shape), call.output("dst", out, shape, x.dtype))
    if not 1 <= len(whole) <= 8:
        raise ValueError("take: the result has %d axes, must have 1 to 8" % len(whole))
    result, copy_to = call.output("dst", out, whole, x.dtype)
    if isinstance(result, np.ndarray) and not result.flags.c_contiguous:
        result, copy_to = np.empty(whole, x.dtype), out
    call.put("dst", View(result, shape, _inputs.dense_strides(shape)))
    return call.run(_count(shape), (result, copy_to))


def _count(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def _samples(what, samples, computes):
    if isinstance(samples, _device_array.Array) or (
            isinstance(samples, np.ndarray) and samples.ndim >= 2):
        base = _transform.array_of(what, samples, computes)
        whole = View(base)
        bases = [base]
        views = [View(base, whole.shape[1:], whole.strides[1:], k * whole.strides[0])
                 for k in range(whole.shape[0])]
    else:
        bases = [_transform.array_of(what, sample, computes) for sample in samples]
        views = [View(base) for base in bases]
    if not views:
        raise ValueError("%s: samples is empty, must hold at least one array" % what)
    for k, view in enumerate(views):
        if view.base.dtype != views[0].base.dtype:
            raise ValueError("%s: samples[%d] has dtype %s, must be %s as that of samples[0]"
                             % (what, k, view.base.dtype, views[0].base.dtype))
    return bases, views


def _stacked(what, views, axes):
    """Shape of the stack with its axes permuted; what is wrong with the axes the library says."""
    stacked = (len(views),) + views[0].shape
    return tuple(stacked[axis] if 0 <= axis < len(stacked) else 0 for axis in axes)


def stack(samples, axis=0, *, axes=None, out=None, device="auto", threads=None, progress=None):
    """Arrays of one shape and dtype along a new axis, as numpy.stack.

    axis : place of the new axis in the result.
    axes : instead, the permutation of the axes of the stack, whose axis 0 counts the samples.

    >>> import numpy as np, dualcube as dc
    >>> dc.stack([np.array([1, 2]), np.array([3, 4])], axis=1)
    array([[1, 3],
           [2, 4]])
    """
    bases, views = _samples("stack", samples, False)
    ndim = len(views[0].shape) + 1
    if axes is None:
        place = _transform.axis_of("stack", axis, ndim)
        axes = [k + 1 for k in range(ndim - 1)]
        axes.insert(place, 0)
    else:
        axes = _transform.permutation("stack", axes, ndim)
    call = Call("transform_stack", False, bases, device, threads, progress)
    call.put_samples(views)
    call.put_integers("axes", axes)
    shape = _stacked("stack", views, axes)
    return call.run(_count(shape), call.output("dst", out, shape, views[0].base.dtype))


def concatenate(samples, axis=0, *, out=None, device="auto", threads=None, progress=None):
    """Arrays of one dtype one after the other along an axis, as numpy.concatenate.

    >>> import numpy as np, dualcube as dc
    >>> dc.concatenate([np.array([1, 2]), np.array([3])])
    array([1, 2, 3])
    """
    bases, views = _samples("concatenate", samples, False)
    shape = list(views[0].shape)
    axis = _transform.axis_of("concatenate", axis, len(shape))
    shape[axis] = sum(view.shape[axis] for view in views if len(view.shape) > axis)
    call = Call("transform_concatenate", False, bases, device, threads, progress)
    call.put_samples(views)
    call.operation.set(call.params, "axis", axis)
    return call.run(_count(shape), call.output("dst", out, shape, views[0].base.dtype))


def process_batch(samples, axes=None, noise_std=0.005, seed=0, *, place=0, out=None, device="auto",
                  threads=None, progress=None):
    """Stacked samples with permuted axes, and the same with Gaussian noise, in one pass.

    Parameters
    ----------
    samples : list of arrays, or an array whose first axis counts them
        Equal shapes of 1 to 7 axes, float32 or float64 (integers become float64).
    axes : permutation of the axes of the stack, whose axis 0 counts the samples
        None exchanges axes 1 and 2: (0, 2, 1, 3, 4, 5, 6) for samples of 6 axes.
    noise_std : float
        Standard deviation of the noise, >= 0.  0 makes both results equal, bit by bit.
    seed, place : int
        The noise is dualcube.random.normal(shape, seed, offset=place, std=noise_std).
    out : (inputs, targets) or None
        Arrays for the results.

    Returns
    -------
    (inputs, targets): targets = inputs + noise.

    >>> import numpy as np, dualcube as dc
    >>> a, b = dc.process_batch([np.zeros((2, 3), np.float32)] * 4, seed=1)
    >>> a.shape, np.array_equal(b, dc.random.normal((4, 3, 2), seed=1, std=0.005))
    ((4, 3, 2), True)
    """
    what = "process_batch"
    bases, views = _samples(what, samples, True)
    ndim = len(views[0].shape) + 1
    if axes is None:
        axes = list(range(ndim))
        if ndim > 2:
            axes[1:3] = 2, 1
    else:
        axes = _transform.permutation(what, axes, ndim)
    shape = _stacked(what, views, axes)
    if out is not None and (not isinstance(out, (tuple, list)) or len(out) != 2):
        raise TypeError("%s: out must be a pair of arrays" % what)
    call = Call("transform_batch", True, bases, device, threads, progress)
    call.put_samples(views)
    call.put_integers("axes", axes)
    call.operation.set(call.params, "noise_std", noise_std)
    call.operation.set(call.params, "place", place)
    seed = _transform.index_of(what, "seed", seed)
    if not 0 <= seed < 1 << 64:
        raise ValueError("%s: seed = %d, must be 0 to %d" % (what, seed, (1 << 64) - 1))
    call.params.seed = seed  # the field keeps its 64 bits
    inputs, targets = (None, None) if out is None else out
    dtype = views[0].base.dtype
    return call.run(_count(shape), call.output("dst", inputs, shape, dtype, "out[0]"),
                    call.output("targets", targets, shape, dtype, "out[1]"))


def diff(x, periods=1, axis=0, *, out=None, device="auto", threads=None, progress=None):
    """Differences x[t] - x[t - periods] along `axis`, as pandas' diff; NaN where there is none.

    float32 and float64 are computed as they are, integers and booleans as float64.

    >>> import numpy as np, dualcube as dc
    >>> dc.diff(np.array([1.0, 4.0, 9.0]))
    array([nan,  3.,  5.])
    """
    x = _transform.array_of("diff", x, True)
    call = Call("transform_diff", True, [x], device, threads, progress)
    call.put("src", View(x))
    call.operation.set(call.params, "axis", axis)
    call.operation.set(call.params, "periods", periods)
    return call.run(x.size, call.output("dst", out, x.shape, x.dtype))


def affine(x, scale=None, offset=None, low=None, high=None, axis=0, *, out=None, device="auto",
           threads=None, progress=None):
    """x * scale + offset, then at least `low` and at most `high`.

    scale, offset, low, high : float, one for each place along `axis`, or None to leave it out
        NaN stays NaN, and is no limit.

    >>> import numpy as np, dualcube as dc
    >>> dc.affine(np.array([[1.0, 2.0], [3.0, 4.0]]), scale=[1.0, 10.0], high=35.0, axis=1)
    array([[ 1., 20.],
           [ 3., 35.]])
    """
    x = _transform.array_of("affine", x, True)
    return _affine("affine", View(x), x, scale, offset, low, high, axis, out, device, threads,
                   progress)


def expand(x, factors, axis=0, *, out=None, device="auto", threads=None, progress=None):
    """x along a new axis, once for each of the factors: y[..., g, ...] = x * factors[g].

    >>> import numpy as np, dualcube as dc
    >>> dc.expand(np.array([1.0, 2.0]), [1.0, 0.5])
    array([[1. , 2. ],
           [0.5, 1. ]])
    """
    x = _transform.array_of("expand", x, True)
    view = View(x)
    axis = _transform.axis_of("expand", axis, len(view.shape) + 1)
    if len(view.shape) == 8:
        raise ValueError("expand: x has 8 axes, must have at most 7")
    if not isinstance(factors, _device_array.Array):
        factors = np.asarray(factors, x.dtype)
    if len(factors.shape) != 1:
        raise ValueError("expand: factors has %d axes, must have 1" % len(factors.shape))
    shape, strides = list(view.shape), list(view.strides)
    shape.insert(axis, factors.shape[0])
    strides.insert(axis, 0)
    return _affine("expand", View(x, shape, strides), x, factors, None, None, None, axis, out,
                   device, threads, progress)


def _affine(what, view, x, scale, offset, low, high, axis, out, device, threads, progress):
    given = {}
    for name, value in (("scale", scale), ("offset", offset), ("low", low), ("high", high)):
        if value is None:
            continue
        if not isinstance(value, _device_array.Array):
            value = np.atleast_1d(np.ascontiguousarray(value, dtype=x.dtype))
        given[name] = value
    call = Call("transform_affine", True, [x] + list(given.values()), device, threads, progress)
    if not isinstance(x, _device_array.Array) and call.home is not None:
        raise TypeError("%s: x must be a dualcube.Array where a coefficient is one" % what)
    call.put("src", view)
    for name, value in given.items():
        call.put(name, View(value))
    call.operation.set(call.params, "axis", axis)
    return call.run(view.size, call.output("dst", out, view.shape, x.dtype))

"""Cubes against NumPy, SciPy, scikit-learn and the machine's own copy: transposes, batches with
noise, axis operations, reductions, scaling.  One run, calls in turns, medians."""

import ctypes
import os
import shutil
import subprocess
import tempfile

import numpy as np

from bench.peers.contest import Contest, run
from bench.peers.machine import ROOT

CUBE = (2, 12, 8, 6, 10, 32, 64)
SAMPLE, SAMPLES = (12, 8, 6, 10, 32, 64), 8
BATCH_AXES = (0, 2, 1, 3, 4, 5, 6)
NOISE = 0.005
TABLE = (1_000_000, 50)
SQUARE = 4096


def _aligned(shape):
    """float32 memory that begins at a cache line, as the package's own results do (NumPy's large
    arrays begin 16 bytes into a page)."""
    count = int(np.prod(shape))
    room = np.empty(count + 16, np.float32)
    first = -(room.ctypes.data // 4) % 16
    return room[first:first + count].reshape(shape)


class Stream:
    """bench/peers/stream.c: reading and non-temporal copying."""

    def __init__(self):
        compiler = os.environ.get("CC") or shutil.which("cc")
        if not compiler:
            raise RuntimeError("bench/peers/stream.c needs a C compiler: none named cc is on PATH; "
                               "set CC")
        self._folder = tempfile.TemporaryDirectory()
        path = os.path.join(self._folder.name, "stream.so")
        subprocess.run([compiler, "-std=gnu11", "-O3", "-march=native", "-shared", "-fPIC",
                        os.path.join(ROOT, "bench", "peers", "stream.c"), "-o", path, "-lpthread"],
                       check=True)
        self._library = ctypes.CDLL(path)
        self._library.stream_copy.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t, ctypes.c_int]
        self._library.stream_copy.restype = None
        self._library.stream_read.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self._library.stream_read.restype = ctypes.c_uint64

    def copy(self, source, target, threads=1):
        return lambda: self._library.stream_copy(target.ctypes.data, source.ctypes.data,
                                                 source.nbytes, threads)

    def read(self, source, threads=1):
        return lambda: self._library.stream_read(source.ctypes.data, source.nbytes, threads)


def _square(stream, threads):
    import dualcube as dc

    x = np.random.default_rng(1).standard_normal((SQUARE, SQUARE), dtype=np.float32)
    ours, theirs = _aligned(x.shape), _aligned(x.shape)
    for n in threads:
        yield Contest("transpose", "%d x %d float32, %d thread%s" % (SQUARE, SQUARE, n, "s" * (n > 1)),
                      x.size, lambda n=n: dc.transpose(x, (1, 0), out=ours, device="cpu", threads=n),
                      [("numpy", lambda: np.copyto(theirs, x.T), 1, {1: 18, 2: 26}[n], None),
                       ("copy", stream.copy(x, theirs, n), n, None, 0.6)], n,
                      lambda: (ours, np.ascontiguousarray(x.T)))


def _moves(stream, threads):
    import dualcube as dc

    x = np.random.default_rng(2).standard_normal(CUBE, dtype=np.float32)
    theirs = _aligned(x.size)
    reversal = tuple(range(x.ndim))[::-1]

    def move(row, title, n, call, other, expected, must, aim=None, copy=(None, None)):
        out = _aligned(expected.shape)
        target = theirs.reshape(expected.shape)
        return Contest(row, "%s, %d thread%s" % (title, n, "s" * (n > 1)), x.size,
                       lambda: call(out, n),
                       [("numpy", lambda: np.copyto(target, other), 1, must, aim),
                        ("copy", stream.copy(x, theirs, n), n, *copy)], n,
                       lambda: (out, np.ascontiguousarray(other)))

    for n in threads:
        yield move("transpose, 7 axes reversed", "94 MB float32", n,
                   lambda out, n: dc.transpose(x, reversal, out=out, device="cpu", threads=n),
                   x.transpose(reversal), x.transpose(reversal), {1: 18, 2: 32}[n],
                   {1: 40, 2: 70}[n])
    for title, call, other in (
            ("axes (0, 2, 1, 3, 4, 5, 6)",
             lambda out, n: dc.transpose(x, BATCH_AXES, out=out, device="cpu", threads=n),
             x.transpose(BATCH_AXES)),
            ("flip of axis 5", lambda out, n: dc.flip(x, 5, out=out, device="cpu", threads=n),
             np.flip(x, 5)),
            ("flip of axis 6", lambda out, n: dc.flip(x, 6, out=out, device="cpu", threads=n),
             np.flip(x, 6)),
            ("roll of axis 2", lambda out, n: dc.roll(x, 3, axis=2, out=out, device="cpu",
                                                      threads=n), np.roll(x, 3, 2)),
            ("roll of axis 6", lambda out, n: dc.roll(x, 5, axis=6, out=out, device="cpu",
                                                      threads=n), np.roll(x, 5, 6))):
        yield move("block moves against copy", title, 1, call, other, other, None, None,
                   (0.8, 0.9))


def _axis_operations(stream, _threads):
    import dualcube as dc
    from scipy import ndimage

    x = np.random.default_rng(3).standard_normal(CUBE, dtype=np.float32)
    ours, target = _aligned(x.shape), _aligned(x.shape)

    def zscore():
        mean = x.mean(axis=(-2, -1), keepdims=True)
        return (x - mean) / x.std(axis=(-2, -1), keepdims=True)

    def contest(title, call, name, other):
        return Contest("axis operations against copy", title, x.size, call,
                       [(name, other, 1, None, None),
                        ("copy", stream.copy(x, target), 1, 0.6, 0.75)], 1,
                       lambda: (ours, other()))

    yield contest("z-score over the last two axes",
                  lambda: dc.standardize(x, axis=(-2, -1), out=ours, device="cpu", threads=1),
                  "numpy", zscore)
    for axis in (6, 2):
        yield contest("5-tap moving average, axis %d" % axis,
                      lambda axis=axis: dc.smooth(x, method="moving", window=5, axis=axis, out=ours,
                                                  device="cpu", threads=1),
                      "scipy", lambda axis=axis: ndimage.uniform_filter1d(x, 5, axis))


def _reductions(stream, _threads):
    import dualcube as dc

    x = np.random.default_rng(4).standard_normal(CUBE, dtype=np.float32)
    for name, options in (("mean", {}), ("std", {"ddof": 0}), ("max", {})):
        for axis in (0, 6, (5, 6), 2, None):
            ours = getattr(dc, name)
            numpys = getattr(np, name)
            text = "all axes" if axis is None else "axis %s" % (axis,)
            yield Contest("reductions against reading", "%s, %s" % (name, text), x.size,
                          lambda ours=ours, axis=axis, options=options:
                          ours(x, axis=axis, device="cpu", threads=1, **options),
                          [("numpy", lambda f=numpys, axis=axis: f(x, axis=axis), 1, None, None),
                           ("read", stream.read(x), 1, 0.65, 0.8)], 1,
                          lambda f=numpys, axis=axis, ours=ours, options=options:
                          (ours(x, axis=axis, device="cpu", **options),
                           f(x.astype(np.float64), axis=axis)))


def _normals(_stream, _threads):
    import dualcube as dc

    n = 1 << 24
    ours, theirs = np.empty(n, np.float32), np.empty(n, np.float32)
    generator = np.random.default_rng(5)
    yield Contest("normal numbers", "2^24 float32", n,
                  lambda: dc.random.normal(n, 5, dtype="float32", out=ours, device="cpu",
                                           threads=1),
                  [("numpy", lambda: generator.standard_normal(out=theirs, dtype=np.float32), 1,
                    10, 13)])


def _columns(_stream, _threads):
    import dualcube as dc

    x = np.random.default_rng(6).standard_normal(TABLE)
    text = "%s x %d float64" % ("{:,}".format(TABLE[0]), TABLE[1])
    yield Contest("quantiles of columns", "median, " + text, x.size,
                  lambda: dc.median(x, axis=0, device="cpu", threads=1),
                  [("numpy", lambda: np.percentile(x, 50, axis=0), 1, 4, 8)], 1,
                  lambda: (dc.median(x, axis=0, device="cpu"), np.percentile(x, 50, axis=0)))
    yield Contest("quantiles of columns", "quantile 0.9, " + text, x.size,
                  lambda: dc.quantile(x, 0.9, axis=0, device="cpu", threads=1),
                  [("numpy", lambda: np.percentile(x, 90, axis=0), 1, 4, 8)], 1,
                  lambda: (dc.quantile(x, 0.9, axis=0, device="cpu"),
                           np.percentile(x, 90, axis=0)))
    try:
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        return
    yield Contest("standard scaler", "fit and transform, " + text, x.size,
                  lambda: dc.StandardScaler(device="cpu", threads=1).fit_transform(x),
                  [("scikit-learn", lambda: StandardScaler().fit_transform(x), 1, 8, 15)], 1,
                  lambda: (dc.StandardScaler(device="cpu").fit_transform(x),
                           StandardScaler().fit_transform(x)))


def _batches(_stream, threads):
    import dualcube as dc

    random = np.random.default_rng(7)
    samples = [random.standard_normal(SAMPLE, dtype=np.float32) for _ in range(SAMPLES)]
    size = SAMPLES * samples[0].size
    shape = tuple(((SAMPLES,) + SAMPLE)[axis] for axis in BATCH_AXES)
    ours = _aligned(shape), _aligned(shape)
    inputs, targets = _aligned(shape), _aligned(shape)

    def plain():
        """As it is usually written."""
        stacked = np.ascontiguousarray(np.stack(samples).transpose(BATCH_AXES))
        return stacked, (stacked + np.random.normal(0, NOISE, stacked.shape)).astype(np.float32)

    def tuned():
        """The best that NumPy offers: float32, in place, no temporaries."""
        np.copyto(inputs, np.stack(samples).transpose(BATCH_AXES))
        random.standard_normal(out=targets, dtype=np.float32)
        np.multiply(targets, np.float32(NOISE), out=targets)
        np.add(targets, inputs, out=targets)

    for n in threads:
        yield Contest("process_batch", "%d samples %s float32, %d thread%s"
                      % (SAMPLES, SAMPLE, n, "s" * (n > 1)), size,
                      lambda n=n: dc.process_batch(samples, axes=BATCH_AXES, noise_std=NOISE,
                                                   seed=7, out=ours, device="cpu", threads=n),
                      [("numpy", plain, 1, {1: 40, 2: 80}[n], {1: 60, 2: 120}[n]),
                       ("numpy, tuned", tuned, 1, {1: 10, 2: 20}[n], {1: 16, 2: 32}[n])], n,
                      lambda: (ours[0], np.stack(samples).transpose(BATCH_AXES)))


GROUPS = {"transpose": (_square, _moves), "axis": (_axis_operations,), "reduce": (_reductions,),
          "random": (_normals,), "columns": (_columns,), "batch": (_batches,)}


def measure(groups, isa, judged, progress, add):
    """Measure the named groups of contests (all: None); `add` takes each record."""
    import dualcube as dc

    stream = Stream()
    threads = [n for n in (1, 2) if n <= dc.topology()["threads"]]
    run(GROUPS, groups, lambda maker: maker(stream, threads), isa, judged, progress, add)

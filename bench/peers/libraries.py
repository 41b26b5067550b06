"""The contestants' own calls, and what they are: versions and threads.

Every library works on one thread: the variables below are set before it is imported.
"""

import os

THREADS = {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "2",
           "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
QUANTILE = 0.9

# Nanoseconds per element that a peer may need (pandas' quantile), to choose the rows of its slice.
SLOWEST = {("pandas", "median"): 350, ("pandas", "quantile"): 350, ("polars", "median"): 90,
           ("polars", "quantile"): 90, ("pandas", None): 25, ("polars", None): 15}
SLICE_SECONDS = 0.15


def one_thread():
    """Before any of the libraries is imported."""
    os.environ.update(THREADS)


def present():
    """Names of the peers that can be imported, in the order of the records."""
    import importlib.util

    return [name for name in ("bottleneck", "pandas", "numbagg", "polars")
            if importlib.util.find_spec(name) is not None]


def versions(names):
    """Version and thread count of every library that takes part."""
    import importlib
    import importlib.metadata
    import importlib.util

    import dualcube
    import numpy

    found = {"dualcube": {"version": dualcube.version(), "threads": 1},
             "numpy": {"version": numpy.__version__, "threads": 1}}
    for name, module in (("scipy", "scipy"), ("scikit-learn", "sklearn"), ("pyfftw", "pyfftw"),
                         ("tsfel", "tsfel"), ("statsmodels", "statsmodels")):  # cubes, spectra
        if importlib.util.find_spec(module) is not None:
            found[name] = {"version": importlib.metadata.version(name), "threads": 1}
    for name in names:
        entry = {"version": importlib.import_module(name).__version__, "threads": 1}
        if name == "numbagg":
            import numba

            entry["threads"] = numba.get_num_threads()
            entry["numba"] = numba.__version__
        if name == "polars":
            import polars

            entry["threads"] = polars.thread_pool_size()
        found[name] = entry
    return found


def rows_of(contestant):
    """Rows of the slice that a contestant gets: all, except for a slow peer's."""
    data = contestant.data
    key = (contestant.library, contestant.operation)
    cost = SLOWEST.get(key, SLOWEST.get((contestant.library, None)))
    if cost is None:
        return data.rows
    rows = int(SLICE_SECONDS / (cost * 1e-9) / data.columns)
    return min(data.rows, max(rows, 4 * contestant.window))


def prepare(contestant, array, isa):
    """A function of no arguments: the contestant's own call on `array`."""
    return globals()["_" + contestant.library](contestant, array, isa)


def _dualcube(contestant, array, isa):
    import dualcube as dc

    function = getattr(dc, "rolling_" + contestant.operation)
    window, threads = contestant.window, contestant.threads
    options = {"q": QUANTILE} if contestant.operation == "quantile" else {}

    def call():
        return function(array, window, device="cpu", threads=threads, **options)

    if isa is None:
        return call

    def call_with_isa():
        with dc.options(isa=isa):
            return call()

    return call_with_isa


def _copy(_contestant, array, _isa):
    import numpy as np

    target = np.empty_like(array)
    return lambda: np.copyto(target, array)


def _bottleneck(contestant, array, _isa):
    import bottleneck

    function = getattr(bottleneck, "move_" + contestant.operation)
    window = contestant.window
    if contestant.operation in ("var", "std"):
        return lambda: function(array, window, axis=0, ddof=1)
    return lambda: function(array, window, axis=0)


def _pandas(contestant, array, _isa):
    import pandas

    frame, window = pandas.DataFrame(array, copy=False), contestant.window
    if contestant.operation == "quantile":
        return lambda: frame.rolling(window).quantile(QUANTILE)
    name = contestant.operation
    return lambda: getattr(frame.rolling(window), name)()


def _numbagg(contestant, array, _isa):
    import numbagg

    function, window = getattr(numbagg, "move_" + contestant.operation), contestant.window
    return lambda: function(array, window=window, axis=0)


def _polars(contestant, array, _isa):
    """Columns are polars' own memory layout; the conversion is not timed."""
    import polars

    frame = polars.from_numpy(array)
    every, window = polars.all(), contestant.window
    if contestant.operation == "quantile":
        expression = every.rolling_quantile(QUANTILE, interpolation="linear", window_size=window)
    else:
        expression = getattr(every, "rolling_" + contestant.operation)(window)
    return lambda: frame.select(expression)


def values(result):
    """The result of a call as an ndarray."""
    import numpy as np

    if isinstance(result, np.ndarray):
        return result
    return result.to_numpy()

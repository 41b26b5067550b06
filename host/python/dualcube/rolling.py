"""The rolling_* and expanding_* functions, one pair per row of the registry.

The functions are made from one template, so that every signature and docstring says the same
things in the same place; help(dualcube.rolling_median) reads like a hand-written one.
"""

from . import _rolling
from ._operations import OPERATIONS

# What the library's one-sentence help cannot say: (formula and corner cases, example).
_TEXT = {
    "count": ("The number of valid values; never NaN unless it is below `min_periods`.  (pandas'\n"
              "    count() compares `min_periods` with rows, valid or not, and counts infinities.)",
              ">>> dc.rolling_count(np.array([1.0, np.nan, 3.0, 4.0]), 2, min_periods=0)",
              "array([1., 1., 1., 2.])"),
    "sum": ("The sum of no values is 0 when `min_periods` is 0.",
            ">>> dc.rolling_sum(np.arange(5.0), 2)", "array([nan,  1.,  3.,  5.,  7.])"),
    "mean": ("Sums follow a fixed tree and nothing is ever subtracted, so that a value that has "
             "left\n    the window leaves no trace.",
             ">>> dc.rolling_mean(np.arange(5.0), 2)", "array([nan, 0.5, 1.5, 2.5, 3.5])"),
    "var": ("sum((v - mean)**2) / (n - ddof) by pairwise merges; NaN for n <= ddof.",
            ">>> dc.rolling_var(np.arange(5.0), 3)", "array([nan, nan,  1.,  1.,  1.])"),
    "std": ("Square root of the variance sum((v - mean)**2) / (n - ddof); NaN for n <= ddof.",
            ">>> dc.rolling_std(np.array([1.0, 3.0, 5.0, 7.0]), 3)",
            "array([nan, nan,  2.,  2.])"),
    "min": ("An exact selection; -0 is returned as +0.",
            ">>> dc.rolling_min(np.array([3.0, 1.0, 2.0, 5.0]), 2)", "array([nan,  1.,  1.,  2.])"),
    "max": ("An exact selection; -0 is returned as +0.",
            ">>> dc.rolling_max(np.array([3.0, 1.0, 2.0, 5.0]), 2)", "array([nan,  3.,  2.,  5.])"),
    "median": ("The mean of the two middle values for an even count.",
               ">>> dc.rolling_median(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 3)",
               "array([nan, nan,  2.,  2.,  4.])"),
    "quantile": ("The value at position q * (n - 1) of the n sorted valid values.",
                 ">>> dc.rolling_quantile(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 3, q=0.25)",
                 "array([nan, nan, 1.5, 1.5, 3. ])"),
}

# Parameters that only some rows have: (keyword, default, documentation).
_OWN = {
    "var": ("ddof",), "std": ("ddof",), "quantile": ("q", "interpolation"),
}
_OPTIONS = {
    "ddof": ("1", "ddof : int\n        The divisor is n - ddof."),
    "q": ("0.5", "q : float\n        The quantile, 0 to 1."),
    "interpolation": ('"linear"', "interpolation : \"linear\", \"lower\", \"higher\", \"nearest\" "
                      "or \"midpoint\"\n        Between the two neighbours of the position, as in "
                      "pandas."),
}

_DOC = '''{title}

    {formula}

    Parameters
    ----------
    x : array-like of 1 to 8 axes
        ndarray, anything with the buffer protocol, __array_interface__ or CPU DLPack, a list, a
        pandas Series or DataFrame, a dualcube.Array or a pyopencl array.  float32 and float64 are
        computed as they are, integers and booleans as float64.  Strided, misaligned, read-only and
        empty arrays are fine.
    {window}
    min_periods : int or None
        Valid values that a result needs, 0 to the window; None means {min_default}.
        0 is taken as 1 except by count and sum.
    {center}step : int
        Every step-th row is put out, beginning with row 0.
    {own}axis : int
        The axis along which the window moves.
    inf : "missing" or "value"
        "missing": +-Inf counts as missing, as in pandas.  "value": it is an ordinary value.
    device : "auto", "cpu", "opencl" or "opencl:<n>"
        "auto" takes the cheaper by the cost model, see dualcube.last_run().
    out : ndarray or None
        Receives the result: same dtype as the computation, shape of the result, no overlap with x.
    threads : int or None
        CPU threads; None: DUALCUBE_THREADS, else what the machine grants.  Never changes the bits.
    progress : callable(done, total) or None
        Called some 20 times a second during a long call; a true result cancels it.

    Returns
    -------
    Array of x's kind and dtype (float64 for integers), shaped as x except for ceil(rows / step)
    rows along `axis`.  Results of 1 MiB and more come from dualcube's memory pool (see
    dualcube.trim) and go back to it when they are dropped.

    Missing values
    --------------
    NaN is missing, so is +-Inf unless inf="value", and so are rows outside the series.  Fewer than
    `min_periods` valid values give NaN.

    Raises
    ------
    ValueError (a bad argument), TypeError (a dtype: float16, complex, object, non-native byte
    order), MemoryError, dualcube.UnsupportedError, dualcube.DeviceError, KeyboardInterrupt (Ctrl-C
    or the progress callback; `out` is then undefined).

    Class: {classes}.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    {example}
    {answer}
    '''

_ROLLING_WINDOW = """window : int
        Rows in the window, at least 1; it may exceed the series."""
_EXPANDING_WINDOW = """(no window)
        The window of row t is rows 0 to t."""
_CENTER = """center : bool
        False: the window ends at its row.  True: the row is in the middle; an even window reaches
        one row further back.
    """


def _classes(operation):
    one, other = operation.classes["float64"], operation.classes["float32"]
    text = "%s for float64" % one
    return text + (" and float32" if one == other else ", %s for float32" % other)


def _doc(stem, expanding):
    operation = OPERATIONS["rolling_" + stem]
    formula, example, answer = _TEXT[stem]
    title = operation.help[0].upper() + operation.help[1:]
    if expanding:
        example, answer = _EXPANDING_EXAMPLES[stem]
    own = "".join(_OPTIONS[name][1] + "\n    " for name in _OWN.get(stem, ()))
    return _DOC.format(
        title="%s: %s." % ("Expanding" if expanding else "Rolling", title[0].lower() + title[1:]),
        formula=formula, window=_EXPANDING_WINDOW if expanding else _ROLLING_WINDOW,
        min_default="1" if expanding else "the window", center="" if expanding else _CENTER,
        own=own, classes=_classes(operation), example=example, answer=answer)


_E = ">>> dc.expanding_%s(np.array([2.0, 4.0, np.nan, 0.0])%s)"
_EXPANDING_EXAMPLES = {
    "count": (_E % ("count", ""), "array([1., 2., 2., 3.])"),
    "sum": (_E % ("sum", ""), "array([2., 6., 6., 6.])"),
    "mean": (_E % ("mean", ""), "array([2., 3., 3., 2.])"),
    "var": (_E % ("var", ""), "array([nan,  2.,  2.,  4.])"),
    "std": (_E % ("std", ", ddof=0"), "array([0.        , 1.        , 1.        , 1.63299316])"),
    "min": (_E % ("min", ""), "array([2., 2., 2., 0.])"),
    "max": (_E % ("max", ""), "array([2., 4., 4., 4.])"),
    "median": (_E % ("median", ""), "array([2., 3., 3., 2.])"),
    "quantile": (_E % ("quantile", ", q=0.25"), "array([2. , 2.5, 2.5, 1. ])"),
}

_SOURCE = """def {name}(x, {window}*, min_periods={min_periods}, {center}step=1, {own}axis=0,
        inf="missing", device="auto", out=None, threads=None, progress=None):
    return _call("rolling_{stem}", x, {given}, {expanding}, device, out, threads, progress,
                 min_periods=min_periods, {pass_center}step=step, {pass_own}axis=axis, inf=inf)
"""


def _make(stem, expanding):
    own = _OWN.get(stem, ())
    name = ("expanding_" if expanding else "rolling_") + stem
    source = _SOURCE.format(
        name=name, stem=stem, window="" if expanding else "window, ",
        given="None" if expanding else "window", expanding=expanding,
        min_periods="1" if expanding else "None", center="" if expanding else "center=False, ",
        pass_center="" if expanding else "center=center, ",
        own="".join("%s=%s, " % (option, _OPTIONS[option][0]) for option in own),
        pass_own="".join("%s=%s, " % (option, option) for option in own))
    exec(compile(source, __file__, "exec"), globals())  # as dataclasses and namedtuple do
    function = globals()[name]
    function.__doc__ = _doc(stem, expanding)
    return name


_call = _rolling.call
__all__ = [_make(_stem, _expanding) for _expanding in (False, True) for _stem in _TEXT]
__all__.append("rolling_features")


def rolling_features(x, window, stats=("mean", "std", "min", "max", "median"), *,
                     min_periods=None, center=False, step=1, ddof=1, q=0.5,
                     interpolation="linear", axis=0, inf="missing", device="auto", out=None,
                     threads=None, progress=None):
    """Several rolling statistics of the same windows.

    Parameters are those of rolling_median() and its siblings, and

    stats : sequence of str
        Names without "rolling_": "count", "sum", "mean", "var", "std", "min", "max", "median",
        "quantile" (at `q`) or "quantile_0.9" (at 0.9).
    out : ndarray or None
        Shape of the result, dtype of the computation.

    Returns
    -------
    (features, names): an array shaped as the result of one statistic with one more axis, the
    statistics, at the end; and the tuple of their names.  For a pandas DataFrame the features are a
    DataFrame whose columns are (column, statistic); for a Series its columns are the statistics.

    Raises, missing values and class: as the functions it runs.

    Example
    -------
    >>> import numpy as np, dualcube as dc
    >>> features, names = dc.rolling_features(np.arange(5.0), 2, stats=("mean", "max"))
    >>> names
    ('mean', 'max')
    >>> features[1:]
    array([[0.5, 1. ],
           [1.5, 2. ],
           [2.5, 3. ],
           [3.5, 4. ]])
    """
    return _rolling.features(x, window, stats, device, out, threads, progress,
                             min_periods=min_periods, center=center, step=step, ddof=ddof, q=q,
                             interpolation=interpolation, axis=axis, inf=inf)

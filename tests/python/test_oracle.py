"""Every statistic and parameter against the plain oracle (oracle.py)."""

import dualcube as dc
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import helpers
import oracle


@st.composite
def calls(draw, rows=70, columns=5):
    """Data and parameters of one call: small, so that every window is checked."""
    count = draw(st.integers(0, rows))
    expanding = draw(st.booleans())
    window = draw(st.one_of(st.integers(1, 12), st.integers(1, rows + 30),
                            st.sampled_from((1, 2, 4, 8, 16, 32, 64, 1000, 1 << 40))))
    most = count if expanding else window
    return {
        "data": (draw(st.sampled_from(helpers.KINDS)), count, draw(st.integers(1, columns)),
                 draw(st.sampled_from((np.float64, np.float32))),
                 draw(st.sampled_from((0.0, 0.0, 0.1, 0.5, 1.0))),
                 draw(st.sampled_from((0.0, 0.0, 0.05))), draw(st.integers(0, 2**20))),
        "window": None if expanding else window,
        "min_periods": draw(st.one_of(st.none(), st.integers(0, min(most, rows)))),
        "center": not expanding and draw(st.booleans()),
        "step": draw(st.sampled_from((1, 1, 1, 2, 3, 7))),
        "ddof": draw(st.sampled_from((1, 1, 0, 2, 5))),
        "q": draw(st.one_of(st.sampled_from((0.0, 0.25, 0.5, 0.9, 1.0)), st.floats(0, 1))),
        "interpolation": draw(st.sampled_from(oracle.INTERPOLATIONS)),
        "expanding": expanding,
    }


def options_of(name, call):
    """The parameters that a statistic takes."""
    known = ["min_periods", "step"] + ([] if call["expanding"] else ["center"])
    known += {"var": ["ddof"], "std": ["ddof"], "quantile": ["q", "interpolation"]}.get(name, [])
    return {key: call[key] for key in known}


def compute(name, values, call, **more):
    options = {**options_of(name, call), **more}
    if call["expanding"]:
        if options["min_periods"] is None:
            del options["min_periods"]
        return getattr(dc, "expanding_" + name)(values, **options)
    return getattr(dc, "rolling_" + name)(values, call["window"], **options)


def tolerance(name, values, call, expected):
    """Absolute error allowed, from the rounding errors of a pairwise tree."""
    eps = np.finfo(values.dtype).eps
    rows = len(values)
    width = rows if call["expanding"] else min(call["window"], rows)
    levels = max(width, 1).bit_length() + 1
    size = np.abs(expected)
    if name in ("count", "min", "max"):
        return 0 * size
    if name in ("sum", "mean"):
        largest = np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
        scale = largest * (max(width, 1) if name == "sum" else 1)
        return 2 * levels * eps * scale + 0 * size
    if name in ("var", "std"):
        return (8 + 4 * levels) * eps * size
    # One interpolation: lo + (hi - lo) * fraction.
    largest = np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
    return 3 * eps * largest + 0 * size


@pytest.mark.parametrize("name", oracle.STATISTICS)
@given(call=calls())
@example(call={"data": ("normal", 0, 3, np.float64, 0.0, 0.0, 0), "window": 3, "min_periods": None,
               "center": False, "step": 1, "ddof": 1, "q": 0.5, "interpolation": "linear",
               "expanding": False})
@example(call={"data": ("signs", 40, 2, np.float32, 0.1, 0.05, 3), "window": 9, "min_periods": 2,
               "center": True, "step": 2, "ddof": 0, "q": 0.5, "interpolation": "nearest",
               "expanding": False})
def test_oracle(name, call):
    values = helpers.series(*call["data"])
    result = compute(name, values, call)
    assert result.dtype == values.dtype
    for column in range(values.shape[1]):
        expected = oracle.rolling(name, values[:, column], call["window"],
                                  min_periods=call["min_periods"], center=call["center"],
                                  step=call["step"], ddof=call["ddof"], q=call["q"],
                                  interpolation=call["interpolation"],
                                  expanding=call["expanding"])
        got = result[:, column].astype(np.longdouble)
        assert np.array_equal(np.isnan(got), np.isnan(expected)), (got, expected)
        valid = ~np.isnan(expected)
        error = np.abs(got - expected)[valid]
        allowed = tolerance(name, values[:, column], call, expected)[valid]
        assert (error <= allowed).all(), (error.max(), allowed[error.argmax()])


@pytest.mark.parametrize("name", oracle.STATISTICS)
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_windows_around_the_length(name, dtype):
    """Windows and min_periods at, below and beyond the rows of the series."""
    for rows in (1, 2, 3, 7, 16, 33):
        values = helpers.series("normal", rows, 2, dtype, 0, 0, rows)
        for window in {1, max(rows - 1, 1), rows, rows + 1, 2 * rows, 100, 1 << 33}:
            for periods in {0, 1, rows, min(rows + 1, window), min(window, 90)}:
                for center in (False, True):
                    periods = min(periods, window)
                    result = getattr(dc, "rolling_" + name)(values, window, min_periods=periods,
                                                            center=center)
                    expected = oracle.rolling(name, values[:, 1], window, min_periods=periods,
                                              center=center)
                    np.testing.assert_allclose(
                        result[:, 1].astype(np.longdouble), expected, atol=0,
                        rtol=2e-5 if dtype == np.float32 else 1e-13,
                        err_msg="%d rows, window %d, min_periods %d" % (rows, window, periods))


@given(call=calls(rows=40, columns=2), axis=st.integers(-3, 2), name=st.sampled_from(
    oracle.STATISTICS))
def test_axis(call, axis, name):
    """Any axis of a cube gives the bits of the same series as columns."""
    kind, rows, columns, dtype, missing, infinite, seed = call["data"]
    flat = helpers.series(kind, rows, 2 * columns, dtype, missing, infinite, seed)
    cube = np.moveaxis(flat.reshape(rows, 2, columns), 0, axis)
    result = compute(name, cube, call, axis=axis)
    expected = compute(name, flat, call)
    helpers.assert_same_bits(np.moveaxis(result, axis, 0).reshape(len(expected), 2 * columns),
                             expected, name)


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_zero_signs(dtype):
    """A selected -0 comes out as +0."""
    x = np.array([-0.0, -0.0, -0.0], dtype=dtype)
    for name in ("min", "max", "median", "quantile"):
        result = getattr(dc, "rolling_" + name)(x, 1)
        assert not np.signbit(result).any(), name


def test_median_does_not_overflow():
    largest = np.finfo(np.float64).max
    assert dc.rolling_median(np.array([largest, largest]), 2)[1] == largest


@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_inf_as_value(name):
    """inf="value": an infinity takes part as a number."""
    x = np.array([1.0, np.inf, 2.0, 3.0, 4.0])
    result = getattr(dc, "rolling_" + name)(x, 2, inf="value")
    last = {"count": 2, "sum": 7, "mean": 3.5, "var": 0.5, "std": np.sqrt(0.5), "min": 3, "max": 4,
            "median": 3.5, "quantile": 3.5}[name]
    assert result[4] == pytest.approx(last, rel=1e-15)
    if name == "count":
        assert result[1] == 2
    elif name == "min":
        assert result[1] == 1 and result[2] == 2
    elif name in ("sum", "mean", "max", "median"):
        assert np.isposinf(result[1:3]).all()
    missing = getattr(dc, "rolling_" + name)(x, 2, min_periods=1)
    assert np.isfinite(missing[2]) or name in ("var", "std")

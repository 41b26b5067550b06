"""The names and parameters that pandas shares, against pandas on longer series."""

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helpers
import oracle

pandas = pytest.importorskip("pandas", reason="skipped: pandas is not installed")

# Kinds on which pandas' running sums are accurate; where they are not: test_known_failures.py.
HARMLESS = ("normal", "ties", "constant", "signs")


@st.composite
def calls(draw):
    window = draw(st.one_of(st.integers(1, 40), st.integers(1, 400)))
    return {
        "data": (draw(st.sampled_from(HARMLESS)), draw(st.integers(1, 300)),
                 draw(st.integers(1, 4)), np.float64, draw(st.sampled_from((0.0, 0.1, 0.6))),
                 draw(st.sampled_from((0.0, 0.02))), draw(st.integers(0, 2**20))),
        "window": window,
        "min_periods": draw(st.one_of(st.none(), st.integers(0, window))),
        "center": draw(st.booleans()),
        "step": draw(st.sampled_from((None, 1, 2, 5))),
    }


def theirs(name, frame, call, *quantile, **own):
    rolling = frame.rolling(call["window"], min_periods=call["min_periods"], center=call["center"],
                            step=call["step"])
    return getattr(rolling, name)(*quantile, **own)


def ours(name, values, call, **own):
    return getattr(dc, "rolling_" + name)(values, call["window"], min_periods=call["min_periods"],
                                          center=call["center"], step=call["step"] or 1, **own)


def check(name, result, expected):
    exact = name in ("count", "min", "max", "median", "quantile")
    assert result.shape == expected.shape
    if exact:
        assert np.array_equal(result, expected, equal_nan=True), name
    else:
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


def test_count_needs_valid_values():
    """min_periods asks for valid values here; pandas' count() alone compares it with rows, and
    alone takes an infinity for a value."""
    x = np.array([1.0, np.nan, 3.0, 4.0])
    assert pandas.Series(x).rolling(2).count().tolist()[1:] == [1.0, 1.0, 2.0]
    result = dc.rolling_count(x, 2)
    assert np.isnan(result[:3]).all() and result[3] == 2
    assert dc.rolling_count(x, 2, min_periods=0).tolist() == [1.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize("name", [name for name in oracle.STATISTICS
                                  if name not in ("count", "quantile")])
@given(call=calls(), ddof=st.sampled_from((0, 1, 2)))
def test_rolling(name, call, ddof):
    values = helpers.series(*call["data"])
    own = {"ddof": ddof} if name in ("var", "std") else {}
    check(name, ours(name, values, call, **own),
          theirs(name, pandas.DataFrame(values), call, **own).to_numpy())


@given(call=calls())
def test_count(call):
    call["min_periods"] = 0
    values = helpers.series(*call["data"])
    values[np.isinf(values)] = np.nan  # which pandas' count() alone takes for values
    check("count", ours("count", values, call),
          theirs("count", pandas.DataFrame(values), call).to_numpy())


@given(call=calls(), q=st.one_of(st.sampled_from((0, 0.1, 0.25, 0.5, 0.9, 1)), st.floats(0, 1)),
       interpolation=st.sampled_from(oracle.INTERPOLATIONS))
def test_quantile(call, q, interpolation):
    values = helpers.series(*call["data"])
    check("quantile", ours("quantile", values, call, q=q, interpolation=interpolation),
          theirs("quantile", pandas.DataFrame(values), call, q,
                 interpolation=interpolation).to_numpy())


@pytest.mark.parametrize("name", oracle.STATISTICS)
@given(call=calls(), periods=st.integers(0, 30))
def test_expanding(name, call, periods):
    values = helpers.series(*call["data"])
    own = {"q": 0.3} if name == "quantile" else {}
    if name == "count":  # see test_count
        periods = 0
        values[np.isinf(values)] = np.nan
    expected = getattr(pandas.DataFrame(values).expanding(periods), name)(*own.values())
    result = getattr(dc, "expanding_" + name)(values, min_periods=periods, **own)
    check(name, result, expected.to_numpy())


@pytest.mark.parametrize("name", [name for name in oracle.STATISTICS if name != "count"])
def test_default_min_periods(name):
    """Left out, it is the window (and 1 for expanding), as in pandas."""
    frame = pandas.DataFrame({"a": [1.0, np.nan, 3.0, 4.0, 5.0, 6.0]})
    own = {"q": 0.5} if name == "quantile" else {}
    x = frame.to_numpy()
    check(name, getattr(dc, "rolling_" + name)(x, 2, **own),
          getattr(frame.rolling(2), name)(*own.values()).to_numpy())
    check(name, getattr(dc, "expanding_" + name)(x, **own),
          getattr(frame.expanding(), name)(*own.values()).to_numpy())


@pytest.mark.parametrize("dtype", ("float32", "float64", "int8", "uint16", "int64", "bool"))
def test_dtypes(dtype):
    """float32 stays float32, integers and booleans become float64 as in pandas."""
    values = (np.arange(60).reshape(20, 3) * 7 % 5).astype(dtype)
    result = dc.rolling_mean(values, 4)
    assert result.dtype == ("float32" if dtype == "float32" else "float64")
    expected = pandas.DataFrame(values).rolling(4).mean().to_numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_frame_in_frame_out():
    index = pandas.date_range("2026-01-01", periods=6, freq="h")
    frame = pandas.DataFrame({"a": np.arange(6.0), "b": np.arange(6.0) ** 2}, index=index)
    for step in (1, 2):
        result = dc.rolling_mean(frame, 3, step=step)
        pandas.testing.assert_frame_equal(result, frame.rolling(3, step=step).mean())
    result = dc.rolling_max(frame["b"], 2, min_periods=1)
    pandas.testing.assert_series_equal(result, frame["b"].rolling(2, min_periods=1).max())


def test_frame_along_columns():
    frame = pandas.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("wxyz"))
    result = dc.rolling_sum(frame, 2, axis=1, step=2)
    assert list(result.columns) == ["w", "y"]
    assert np.array_equal(result.to_numpy(), dc.rolling_sum(frame.to_numpy(), 2, axis=1, step=2),
                          equal_nan=True)


def test_frame_of_mixed_numbers():
    frame = pandas.DataFrame({"i": np.arange(5), "f": np.arange(5, dtype="float32"),
                              "b": [True, False, True, True, False]})
    result = dc.rolling_sum(frame, 2)
    assert (result.dtypes == "float64").all()
    pandas.testing.assert_frame_equal(result, frame.astype("float64").rolling(2).sum())


def test_nullable_integers():
    """pandas.NA is missing."""
    series = pandas.Series([1, None, 3, 4], dtype="Int64", name="n")
    result = dc.rolling_sum(series, 2, min_periods=1)
    assert result.tolist()[0:2] == [1.0, 1.0] and result.tolist()[3] == 7.0


def test_text_column_is_refused_by_name():
    frame = pandas.DataFrame({"good": [1.0, 2.0], "word": ["a", "b"]})
    with pytest.raises(TypeError, match="column 'word'"):
        dc.rolling_mean(frame, 2)


def test_features_of_a_frame():
    frame = pandas.DataFrame({"a": np.arange(5.0), "b": -np.arange(5.0)})
    features, names = dc.rolling_features(frame, 2, stats=("mean", "quantile_0.9"))
    assert names == ("mean", "quantile_0.9")
    assert list(features.columns) == [("a", "mean"), ("a", "quantile_0.9"), ("b", "mean"),
                                      ("b", "quantile_0.9")]
    pandas.testing.assert_series_equal(features[("b", "mean")], frame["b"].rolling(2).mean(),
                                       check_names=False)
    single, _ = dc.rolling_features(frame["a"], 2, stats=("min", "max"))
    assert list(single.columns) == ["min", "max"]

"""Bad input: one sentence that names argument, value and limit; nothing is written."""

import dualcube as dc
import numpy as np
import pytest

X = np.arange(12.0).reshape(4, 3)

ARGUMENTS = [
    (ValueError, r"window is 0, must be at least 1", {"window": 0}),
    (ValueError, r"window is -3, must be at least 1", {"window": -3}),
    (TypeError, r"window must be an integer, got float", {"window": 2.0}),
    (TypeError, r"window must be an integer, got str", {"window": "2"}),
    (TypeError, r"window must be an integer, got NoneType", {"window": None}),
    (ValueError, r"window = \d+ does not fit", {"window": 1 << 70}),
    (ValueError, r"min_periods 5 exceeds window 2", {"min_periods": 5}),
    (ValueError, r"min_periods is -1, must be at least 0", {"min_periods": -1}),
    (TypeError, r"min_periods must be an integer", {"min_periods": 1.5}),
    (ValueError, r"step is 0, must be at least 1", {"step": 0}),
    (ValueError, r"axis is 2, must be -2 \.\.\. 1", {"axis": 2}),
    (ValueError, r"axis is -3, must be -2 \.\.\. 1", {"axis": -3}),
    (ValueError, r"inf = 'skip', must be one of missing, value", {"inf": "skip"}),
    (TypeError, r"device must be a string", {"device": 3}),
    (TypeError, r"device must be a string", {"device": ["cpu"]}),
    (ValueError, r"gpu", {"device": "gpu"}),
    (dc.UnsupportedError, r"opencl:31", {"device": "opencl:31"}),
    (ValueError, r"opencl:77.* 0 \.\.\. 31", {"device": "opencl:77"}),
    (ValueError, r"threads = 0, must be 1 to 4096", {"threads": 0}),
    (TypeError, r"threads must be an integer", {"threads": "two"}),
    (TypeError, r"progress must be callable, got int", {"progress": 1}),
    (TypeError, r"out must be a numpy.ndarray, got list", {"out": []}),
    (ValueError, r"out has shape \(3, 3\), must be \(4, 3\)", {"out": np.zeros((3, 3))}),
    (ValueError, r"out has dtype float32, must be float64", {"out": np.zeros((4, 3), "f4")}),
]


@pytest.mark.parametrize("error, text, change", ARGUMENTS, ids=lambda v: str(v)[:40])
def test_arguments(error, text, change):
    arguments = {"window": 2, **change}
    with pytest.raises(error, match=text) as caught:
        dc.rolling_mean(X, **arguments)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 300


@pytest.mark.parametrize("name, text, change", [
    ("var", r"ddof is -1, must be at least 0", {"ddof": -1}),
    ("std", r"ddof must be an integer", {"ddof": 0.5}),
    ("quantile", r"q is 1.5, must be 0 \.\.\. 1", {"q": 1.5}),
    ("quantile", r"q is nan, must be 0 \.\.\. 1", {"q": float("nan")}),
    ("quantile", r"q must be a number, got str", {"q": "half"}),
    ("quantile", r"interpolation = 'cubic', must be one of linear, lower, higher, nearest, mid",
     {"interpolation": "cubic"}),
])
def test_own_arguments(name, text, change):
    with pytest.raises((ValueError, TypeError), match=text):
        getattr(dc, "rolling_" + name)(X, 2, **change)


@pytest.mark.parametrize("value, text", [
    (np.zeros((3, 2), "float16"), r"x is float16: cast it with .astype\('float32'\)"),
    (np.zeros(3, "complex128"), r"complex128: pass its real and imaginary parts"),
    (np.zeros(3, ">f8"), r"non-native byte order"),
    (np.array(["a"]), r"must be float32, float64, an integer or bool"),
    (np.array([None, 1.0]), r"dtype object"),
    (np.array(["2026-01-01"], "datetime64[D]"), r"datetime64"),
])
def test_dtypes(value, text):
    with pytest.raises(TypeError, match=text):
        dc.rolling_mean(value, 2)


def test_long_double_is_refused():
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("skipped: long double is float64 here")
    with pytest.raises(TypeError, match="astype"):
        dc.rolling_mean(np.zeros(3, np.longdouble), 2)


def test_axes():
    with pytest.raises(ValueError, match=r"single value \(0 axes\), must have 1 to 8"):
        dc.rolling_mean(3.0, 2)
    with pytest.raises(ValueError, match="x has 9 axes, must have 1 to 8"):
        dc.rolling_mean(np.zeros((1,) * 9), 2)


def test_output_is_untouched_by_a_refused_call():
    out = np.full((4, 3), 9.0)
    for change in ({"window": 0}, {"min_periods": 7}, {"axis": 5}, {"step": -1}):
        with pytest.raises(ValueError):
            dc.rolling_mean(X, **{"window": 2, "out": out, **change})
    assert (out == 9).all()


def test_overlap_is_refused():
    x = np.arange(20.0)
    before = x.copy()
    for out in (x, x[::-1]):
        with pytest.raises(ValueError, match="overlap"):
            dc.rolling_mean(x, 2, out=out)
    both = np.zeros(30)
    with pytest.raises(ValueError, match="overlap"):
        dc.rolling_mean(both[:20], 2, out=both[5:25])
    assert np.array_equal(x, before)
    apart = np.zeros((20, 2))
    dc.rolling_mean(apart[:, 0], 2, out=apart[:, 1])  # interleaved, but no element is shared


def test_read_only_and_folded_outputs():
    out = np.zeros(4)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        dc.rolling_mean(np.arange(4.0), 2, out=out)
    folded = np.lib.stride_tricks.as_strided(np.zeros(1), (4,), (0,))
    with pytest.raises(ValueError, match="dst"):
        dc.rolling_mean(np.arange(4.0), 2, out=folded)


def test_features_errors():
    with pytest.raises(ValueError, match="stats is empty"):
        dc.rolling_features(X, 2, stats=())
    with pytest.raises(ValueError, match="stats: 'mode', must be one of count, sum"):
        dc.rolling_features(X, 2, stats=("mode",))
    with pytest.raises(ValueError, match="quantile_ and a number"):
        dc.rolling_features(X, 2, stats=("quantile_high",))
    with pytest.raises(TypeError, match="stats must be names"):
        dc.rolling_features(X, 2, stats=(3,))


def test_unknown_keyword():
    with pytest.raises(TypeError, match="ddof"):
        dc.rolling_mean(X, 2, ddof=0)


def test_memory_error(monkeypatch):
    """A cap on the pool: large results fall back to NumPy's memory, scratch raises MemoryError."""
    stats = dc.pool_stats("host")
    dc.trim()
    x = np.random.default_rng(0).standard_normal((70000, 4))
    expected = dc.rolling_mean(x, 100)
    del stats
    try:
        dc.set_pool_cap(1)
        assert np.array_equal(dc.rolling_mean(x, 100), expected, equal_nan=True)
    except MemoryError as error:
        assert "cap" in str(error)
    finally:
        dc.set_pool_cap(0)
    assert np.array_equal(dc.rolling_mean(x, 100), expected, equal_nan=True)


def test_bad_pool_arguments():
    with pytest.raises(ValueError, match="pool = 'shared', must be one of host, pinned, device"):
        dc.pool_stats("shared")
    with pytest.raises(ValueError, match="bytes = -1"):
        dc.set_pool_cap(-1)


@pytest.mark.parametrize("error, change", [
    (ValueError, {"isa": "sse9"}), (ValueError, {"policy": "maybe"}), (TypeError, {"device": 1}),
    (ValueError, {"threads": 0}),
])
def test_bad_options(error, change):
    with pytest.raises(error, match=next(iter(change))):
        dc.options(**change)


def test_explain_refuses_what_the_call_refuses():
    with pytest.raises(ValueError, match="window is 0"):
        dc.explain("rolling_mean", (10, 3), 0)
    with pytest.raises(ValueError, match="operation = 'rolling_mode'"):
        dc.explain("rolling_mode", (10, 3), 2)
    with pytest.raises(ValueError, match="0 axes"):
        dc.explain("rolling_mean", (), 2)


def test_trace_into_an_unwritable_place(tmp_path):
    with pytest.raises(OSError):
        with dc.trace(tmp_path / "no" / "such" / "folder" / "trace.json"):
            dc.rolling_mean(X, 2)

"""The estimators: scikit-learn's own checks, its results, chunks, model files."""

import doctest
import pickle

import dualcube as dc
import numpy as np
import pandas as pd
import pytest
from dualcube import estimators, scale

CLASSES = (dc.StandardScaler, dc.MinMaxScaler, dc.MaxAbsScaler, dc.RobustScaler, dc.OutlierClipper,
           dc.PowerTransformer, dc.SimpleImputer)
CHUNKED = (dc.StandardScaler, dc.MinMaxScaler, dc.MaxAbsScaler)


@pytest.fixture
def table(rng):
    x = rng.normal(size=(700, 6)) * [1, 10, 1e-3, 5, 1, 1] + [0, 100, 0, 1e8, -3, 7]
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 5] = 7.0
    return x


@pytest.mark.parametrize("module", (scale, estimators), ids=lambda module: module.__name__)
def test_examples(module):
    result = doctest.testmod(module)
    assert result.failed == 0 and result.attempted > 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", CLASSES)
def test_scikit_learns_checks(cls):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    results = checks.check_estimator(cls(), on_fail=None, on_skip=None)
    failed = [(r["check_name"], repr(r["exception"])) for r in results if r["status"] == "failed"]
    assert not failed and sum(r["status"] == "passed" for r in results) > 40


def theirs(name, **params):
    return getattr(pytest.importorskip("sklearn.preprocessing"), name)(**params)


@pytest.mark.parametrize("name, params, fitted", (
    ("StandardScaler", {}, ("mean_", "var_", "scale_")),
    ("StandardScaler", {"with_mean": False}, ("scale_",)),
    ("StandardScaler", {"with_std": False}, ("mean_",)),
    ("MinMaxScaler", {}, ("data_min_", "data_max_", "data_range_", "scale_", "min_")),
    ("MinMaxScaler", {"feature_range": (-2, 3), "clip": True}, ("scale_", "min_")),
    ("MaxAbsScaler", {}, ("max_abs_", "scale_")),
    ("RobustScaler", {}, ("center_", "scale_")),
    ("RobustScaler", {"quantile_range": (10.0, 80.0), "unit_variance": True}, ("scale_",)),
))
def test_results_are_scikit_learns(table, name, params, fitted):
    want, got = theirs(name, **params).fit(table), getattr(dc, name)(**params).fit(table)
    for attribute in fitted:
        assert np.allclose(getattr(got, attribute), getattr(want, attribute), rtol=1e-12, atol=1e-14)
    assert np.allclose(got.transform(table), want.transform(table), rtol=1e-9, atol=1e-6,
                       equal_nan=True)
    back = got.inverse_transform(got.transform(table))
    if not params.get("clip"):
        assert np.allclose(back, table, rtol=1e-12, equal_nan=True)
    # With the same numbers, the same bits.
    for attribute in fitted:
        setattr(want, attribute, getattr(got, attribute))
    if len(fitted) > 1:
        assert np.array_equal(got.transform(table), want.transform(table), equal_nan=True)


@pytest.mark.parametrize("method", ("yeo-johnson", "box-cox"))
def test_powers_are_scikit_learns(rng, method):
    x = np.exp(rng.normal(size=(500, 3)))
    x[::50, 1] = np.nan
    want, got = theirs("PowerTransformer", method=method).fit(x), dc.PowerTransformer(method).fit(x)
    assert np.allclose(got.lambdas_, want.lambdas_, atol=1e-5)
    assert np.allclose(got.transform(x), want.transform(x), atol=1e-4, equal_nan=True)
    assert np.allclose(got.inverse_transform(got.transform(x)), x, rtol=1e-9, equal_nan=True)


@pytest.mark.parametrize("strategy", ("mean", "median", "most_frequent", "constant"))
def test_imputer_is_scikit_learns(table, strategy):
    impute = pytest.importorskip("sklearn.impute")
    x = np.round(table, 1)
    want = impute.SimpleImputer(strategy=strategy).fit_transform(x)
    assert np.allclose(dc.SimpleImputer(strategy=strategy).fit_transform(x), want, rtol=1e-12)
    x[:, 2] = np.nan
    imputer = dc.SimpleImputer(strategy=strategy).fit(x)
    assert imputer.transform(x).shape == (700, 5)
    assert list(imputer.get_feature_names_out()) == ["x0", "x1", "x3", "x4", "x5"]
    kept = dc.SimpleImputer(strategy=strategy, keep_empty_features=True).fit_transform(x)
    assert (kept[:, 2] == 0).all()


@pytest.mark.parametrize("cls", CHUNKED)
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_chunks_have_the_bits_of_the_whole(table, cls, dtype):
    x = table.astype(dtype)
    whole = cls().fit(x)
    for cuts in ([100, 101, 400], [256, 512], list(range(1, 60)), []):
        scaler = cls()
        for number, part in enumerate(np.split(x, cuts)):
            scaler.partial_fit(part)
            if number == 1:  # a state travels
                scaler = pickle.loads(pickle.dumps(scaler))
        for name in cls._fitted:
            assert np.array_equal(getattr(scaler, name), getattr(whole, name), equal_nan=True), name


@pytest.mark.parametrize("method, factor", (("iqr", 1.5), ("zscore", 3.0), ("percentile", 0.0)))
def test_bounds(rng, method, factor):
    x = rng.standard_t(2, size=(2000, 3))
    low, high = {"iqr": (25, 75), "percentile": (1, 99), "zscore": (0, 0)}[method]
    low, high = np.percentile(x, [low, high], axis=0)
    if method == "zscore":
        low, high = x.mean(axis=0), x.mean(axis=0)
        reach = 3 * x.std(axis=0)
    else:
        reach = factor * (high - low)
    clipper = dc.OutlierClipper(method).fit(x)
    assert np.allclose(clipper.low_, low - reach) and np.allclose(clipper.high_, high + reach)
    assert np.array_equal(clipper.transform(x), np.clip(x, clipper.low_, clipper.high_))
    beyond = (x < clipper.low_) | (x > clipper.high_)
    assert np.array_equal(clipper.count_changed(x), beyond.sum(axis=0)) and beyond.any()
    masked = dc.OutlierClipper(method, handling="mask").fit_transform(x)
    assert np.array_equal(np.isnan(masked), beyond)
    modified = dc.OutlierClipper("modified_zscore").fit(x)
    middle = np.median(x, axis=0)
    assert np.allclose(modified.high_, middle + 3.5 * 1.4826 * np.median(abs(x - middle), axis=0))


def test_frames(table):
    frame = pd.DataFrame(table, columns=list("abcdef"), index=np.arange(700) + 5)
    scaler = dc.StandardScaler().fit(frame)
    got = scaler.transform(frame)
    assert list(got.columns) == list("abcdef") and got.index.equals(frame.index)
    assert list(scaler.get_feature_names_out()) == list("abcdef")
    with pytest.raises(ValueError, match="feature names should match"):
        scaler.transform(frame[list("bacdef")])
    with pytest.warns(UserWarning, match="valid feature names"):
        assert np.array_equal(scaler.transform(table), got.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("cls", CLASSES)
def test_models(table, tmp_path, cls):
    x = np.abs(table[:, :5]) + 1
    frame = pd.DataFrame(x, columns=list("abcde"))
    estimator = cls().fit(frame)
    path = tmp_path / "a.model"
    estimator.save(path)
    for again in (cls.load(path), pickle.loads(pickle.dumps(estimator))):
        assert again.get_params() == estimator.get_params()
        assert list(again.feature_names_in_) == list("abcde")
        pd.testing.assert_frame_equal(again.transform(frame), estimator.transform(frame))
    other = next(c for c in CLASSES if c is not cls)
    with pytest.raises(ValueError, match="model of kind"):
        other.load(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        cls.load(path)
    with pytest.raises(OSError):
        cls.load(tmp_path / "none.model")
    with pytest.raises(ValueError):
        cls().save(path)


def test_a_model_of_other_columns_is_refused(tmp_path):
    from dualcube import _model

    path = tmp_path / "a.model"
    _model.save(path, "max_abs_scaler", {"parameters": "{}", "n_features_in": 3,
                                         "scale": np.ones(2)})
    with pytest.raises(ValueError, match="2 elements"):
        dc.MaxAbsScaler.load(path)
    _model.save(path, "max_abs_scaler", {"scale": np.ones(2)})
    with pytest.raises(ValueError, match="entries"):
        dc.MaxAbsScaler.load(path)


def test_refusals(table):
    with pytest.raises(ValueError, match="infinity"):
        dc.StandardScaler().fit(np.array([[1.0], [np.inf]]))
    with pytest.raises(ValueError, match="feature range"):
        dc.MinMaxScaler((1, 1)).fit(table)
    with pytest.raises(ValueError, match="strictly positive"):
        dc.PowerTransformer("box-cox").fit(table)
    with pytest.raises(ValueError, match="method = 'no'"):
        dc.OutlierClipper("no").fit(table)

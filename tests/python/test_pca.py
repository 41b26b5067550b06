"""Principal components: NumPy and scikit-learn as oracles, chunks, monitoring, model files."""

import doctest
import pickle

import dualcube as dc
import numpy as np
import pandas as pd
import pytest
from dualcube import pca as module

DTYPES = (np.float32, np.float64)
SHAPES = ((300, 12, 4), (13, 40, 5), (500, 33, 33), (2, 3, 1), (64, 1, 1))


def near(dtype):
    return 2e-3 if dtype == np.float32 else 1e-9


@pytest.fixture
def table(rng):
    x = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 9)) + 0.2 * rng.normal(size=(400, 9))
    return x * np.linspace(0.5, 3, 9) + np.arange(9)


def truth(x, k, standardize=False):
    """(mean, scale, components, variances) by NumPy's SVD, in float64."""
    x = x.astype(np.float64)
    scale = x.std(axis=0) if standardize else np.ones(x.shape[1])
    z = (x - x.mean(axis=0)) / scale
    _, s, vt = np.linalg.svd(z, full_matrices=False)
    best = np.abs(vt).argmax(axis=1)
    vt = vt * np.sign(vt[np.arange(len(vt)), best])[:, None]
    return x.mean(axis=0), scale, vt[:k], s ** 2 / (len(x) - 1)


def test_examples():
    result = doctest.testmod(module)
    assert result.failed == 0 and result.attempted > 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", (dc.PCA(), dc.PCA(standardize=True), dc.IncrementalPCA(),
                                       dc.Mahalanobis()), ids=repr)
def test_scikit_learns_checks(estimator):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    results = checks.check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], repr(r["exception"])) for r in results if r["status"] == "failed"]
    assert not failed and sum(r["status"] == "passed" for r in results) >= 40


@pytest.mark.parametrize("solver", ("full", "covariance_eigh", "randomized"))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fit_is_numpys(rng, shape, dtype, solver):
    n, d, k = shape
    x = (rng.normal(size=(n, d)) @ np.diag(np.linspace(3, 0.5, d)) + 7).astype(dtype)
    got = dc.PCA(min(k, n - 1), svd_solver=solver, random_state=0).fit(x)
    mean, _, components, variances = truth(x, got.n_components_)
    assert got.components_.dtype == dtype
    assert np.allclose(got.mean_, mean, atol=near(dtype))
    assert np.allclose(got.explained_variance_, variances[:got.n_components_], rtol=near(dtype))
    assert np.allclose(got.explained_variance_ratio_ * variances.sum(),
                       variances[:got.n_components_], rtol=near(dtype))
    assert np.allclose(np.abs((got.components_ * components).sum(axis=1)), 1, atol=near(dtype))
    rest = variances[got.n_components_:]
    assert np.isclose(got.noise_variance_, rest.mean() if len(rest) else 0, rtol=near(dtype),
                      atol=near(dtype) * 1e-3)
    best = np.abs(got.components_).argmax(axis=1)
    assert (got.components_[np.arange(got.n_components_), best] > 0).all()


@pytest.mark.parametrize("standardize", (False, True))
@pytest.mark.parametrize("dtype", DTYPES)
def test_monitor_is_numpys(table, dtype, standardize):
    train, new = table[:300].astype(dtype), table[300:].astype(dtype)
    pca = dc.PCA(3, standardize=standardize).fit(train)
    seen = pca.monitor(new, contributions=True, scores=True)
    mean, scale, w, variances = truth(train, 3, standardize)
    z = (new - mean) / scale
    t = z @ w.T
    e = z - t @ w
    assert np.allclose(np.abs(seen.scores), np.abs(t), atol=near(dtype) * 10)
    assert np.allclose(seen.t2, (t * t / variances[:3]).sum(1), rtol=near(dtype), atol=near(dtype))
    assert np.allclose(seen.spe, (e * e).sum(1), rtol=near(dtype), atol=near(dtype))
    assert np.allclose(seen.t2_contributions, z * ((t / variances[:3]) @ w), atol=near(dtype) * 10)
    assert np.allclose(seen.spe_contributions, e * e, atol=near(dtype) * 10)
    assert np.allclose(seen.t2_contributions.sum(1), seen.t2, rtol=near(dtype), atol=near(dtype))
    assert np.allclose(seen.spe_contributions.sum(1), seen.spe, rtol=near(dtype))
    assert np.allclose(pca.monitor(new, contributions=True, signed=True).spe_contributions, e,
                       atol=near(dtype) * 10)
    back = pca.inverse_transform(pca.transform(new))
    assert np.allclose(back, (t @ w) * scale + mean, atol=near(dtype) * 10)


def test_missing_values(table):
    pca = dc.PCA(3).fit(table)
    holes = table.copy()
    holes[4, 2] = np.nan
    filled = table.copy()
    filled[4, 2] = pca.mean_[2]
    seen, whole = pca.monitor(holes), pca.monitor(table)
    rows = np.arange(len(table)) != 4
    assert np.isnan(seen.t2[4]) and np.isnan(seen.spe[4])
    assert np.array_equal(seen.t2[rows], whole.t2[rows])
    assert np.array_equal(seen.spe[rows], whole.spe[rows])
    assert np.array_equal(pca.monitor(holes, missing="mean").t2, pca.monitor(filled).t2)
    for bad in (np.nan, np.inf):
        holes[4, 2] = bad
        for call in (pca.fit, pca.transform, dc.PCA(svd_solver="randomized", n_components=2).fit):
            with pytest.raises(ValueError, match="NaN"):
                call(holes)


@pytest.mark.parametrize("confidence", (0.9, 0.95, 0.999))
@pytest.mark.parametrize("shape", ((400, 9, 3), (30, 9, 8), (100000, 6, 1)), ids=str)
def test_limits_are_scipys(rng, shape, confidence):
    stats = pytest.importorskip("scipy.stats")
    n, d, k = shape
    pca = dc.PCA(k).fit(rng.normal(size=(n, d)) * np.linspace(1, 2, d))
    limits = pca.limits(confidence)
    f = k * (n - 1) * (n + 1) / (n * (n - k)) * stats.f.ppf(confidence, k, n - k)
    assert np.isclose(limits["t2"], f, rtol=1e-10) and limits["t2"] == limits["t2_f"]
    beta = (n - 1) ** 2 / n * stats.beta.ppf(confidence, k / 2, (n - k - 1) / 2)
    assert np.isclose(limits["t2_beta"], beta, rtol=1e-10)
    assert np.isclose(limits["t2_chi2"], stats.chi2.ppf(confidence, k), rtol=1e-10)
    theta = [pca.theta1_, pca.theta2_, pca.theta3_]
    h0 = 1 - 2 * theta[0] * theta[2] / (3 * theta[1] ** 2)
    z = stats.norm.ppf(confidence)
    jackson = theta[0] * (z * np.sqrt(2 * theta[1] * h0 ** 2) / theta[0] + 1
                          + theta[1] * h0 * (h0 - 1) / theta[0] ** 2) ** (1 / h0)
    assert np.isclose(limits["spe_jackson"], jackson, rtol=1e-9)
    box = theta[1] / theta[0] * stats.chi2.ppf(confidence, theta[0] ** 2 / theta[1])
    assert np.isclose(limits["spe_box"], box, rtol=1e-9)


def test_limits_hold_what_they_say(rng):
    x = rng.normal(size=(6000, 8)) @ rng.normal(size=(8, 8))
    pca = dc.PCA(4).fit(x[:3000])
    seen = pca.monitor(x[3000:])
    assert abs((seen.t2 > seen.limits["t2"]).mean() - 0.05) < 0.02
    assert abs((seen.spe > seen.limits["spe"]).mean() - 0.05) < 0.03


def test_box_where_jackson_fails():
    # One great variance left out beside many small: h0 is below 0.
    pca = dc.PCA(1).fit(np.diag([9.0, 5.0] + [1.0] * 60))
    pca.theta1_, pca.theta2_, pca.theta3_ = 61.0, 26.0 + 60.0, 30000.0
    limits = pca.limits()
    assert np.isnan(limits["spe_jackson"]) and limits["spe"] == limits["spe_box"] > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_chunks_have_the_bits_of_the_whole(rng, dtype):
    x = rng.normal(size=(1700, 6)).astype(dtype) + dtype(100)
    whole = dc.PCA(4, svd_solver="covariance_eigh", threads=1).fit(x)
    for cuts in ([700], [4, 5, 511, 512, 513], list(range(5, 60)), [1024]):
        pca = dc.IncrementalPCA(4, threads=1)
        for part in np.split(x, cuts):
            pca.partial_fit(part)
        assert pca.n_samples_ == 1700
        for name in ("components_", "mean_", "explained_variance_", "singular_values_"):
            assert np.array_equal(getattr(pca, name), getattr(whole, name)), name
        assert pca.noise_variance_ == whole.noise_variance_


@pytest.mark.parametrize("n_components, count", ((0.5, 2), (0.999, 5), (None, 9), (3, 3)))
def test_number_of_components(table, n_components, count):
    pca = dc.PCA(n_components).fit(table)
    ratio = truth(table, 9)[3]
    ratio = np.cumsum(ratio / ratio.sum())
    if isinstance(n_components, float):
        count = int((ratio <= n_components).sum()) + 1
    assert pca.n_components_ == count and pca.transform(table).shape == (400, count)
    sk = pytest.importorskip("sklearn.decomposition")
    assert sk.PCA(n_components).fit(table).n_components_ == count


def test_scikit_learns_numbers(table):
    sk = pytest.importorskip("sklearn.decomposition")
    for params in ({"n_components": 3}, {"n_components": "mle", "svd_solver": "full"}, {}):
        want, got = sk.PCA(**params).fit(table), dc.PCA(**params).fit(table)
        assert got.n_components_ == want.n_components_
        for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_",
                     "noise_variance_"):
            assert np.allclose(getattr(got, name), getattr(want, name), rtol=1e-9, atol=1e-12), name
        assert np.allclose(got.get_covariance(), want.get_covariance(), rtol=1e-9, atol=1e-9)
        assert np.allclose(got.get_precision(), want.get_precision(), rtol=1e-7, atol=1e-7)
        assert np.allclose(got.score_samples(table), want.score_samples(table), rtol=1e-9)
        assert np.isclose(got.score(table), want.score(table))
    white = dc.PCA(3, whiten=True).fit(table)
    assert np.allclose(white.transform(table).std(axis=0, ddof=1), 1)
    assert np.allclose(white.inverse_transform(white.transform(table)),
                       dc.PCA(3).fit(table).inverse_transform(dc.PCA(3).fit_transform(table)))


@pytest.mark.parametrize("x", (
    np.ones((20, 4)), np.repeat(np.arange(12.0).reshape(2, 6), 9, axis=0),
    np.column_stack([np.arange(30.0), np.full(30, 7.0), np.arange(30.0) ** 2]),
    np.random.default_rng(0).normal(size=(40, 5)) * 1e-150,
    np.random.default_rng(0).normal(size=(40, 5)) * 1e150),
    ids=("constant", "duplicates", "a constant column", "1e-150", "1e150"))
@pytest.mark.parametrize("standardize", (False, True))
def test_degenerate_tables(x, standardize):
    pca = dc.PCA(2, standardize=standardize).fit(x)
    w = pca.components_
    assert np.allclose(w @ w.T, np.eye(2), atol=1e-9)
    assert np.isfinite(pca.explained_variance_).all() and (pca.explained_variance_ >= 0).all()
    assert np.isfinite(pca.transform(x)).all()
    seen = pca.monitor(x)
    assert np.isfinite(seen.t2).all() and np.isfinite(seen.spe).all()
    assert len(pca.monitor(x[:0]).t2) == 0


def test_strided_input(table):
    pca = dc.PCA(3).fit(table)
    want = pca.monitor(table)
    wide = np.zeros((800, 18))
    wide[::2, ::2] = table
    packed = np.zeros(table.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(table.shape)
    packed[...] = table
    frozen = table.copy()
    frozen.flags.writeable = False
    for x in (wide[::2, ::2], np.asfortranarray(table), table[::-1][::-1], packed, frozen):
        got = pca.monitor(x)
        assert np.array_equal(got.t2, want.t2) and np.array_equal(got.spe, want.spe)
    for x in (wide[::2, ::2], np.asfortranarray(table), packed):
        assert np.array_equal(dc.PCA(3).fit(x).components_, pca.components_)


def test_device_gives_the_same_bits(table):
    pca = dc.PCA(3, whiten=True).fit(table.astype(np.float32))
    want = pca.monitor(table.astype(np.float32), contributions=True)
    pca.device = "opencl"
    try:
        got = pca.monitor(table.astype(np.float32), contributions=True)
    except dc.DeviceError as error:
        pytest.skip(str(error))
    for a, b in zip(want[:4], got[:4]):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("estimator", (dc.PCA(3, whiten=True, standardize=True), dc.PCA(0.9),
                                       dc.IncrementalPCA(2), dc.Mahalanobis(0.1)), ids=repr)
def test_models_and_pickles_keep_the_bits(table, tmp_path, estimator):
    fitted = estimator.fit(table)
    call = (lambda e: e.mahalanobis(table)) if isinstance(estimator, dc.Mahalanobis) else (
        lambda e: e.transform(table))
    fitted.save(tmp_path / "m.model")
    for other in (type(fitted).load(tmp_path / "m.model"), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(call(fitted), call(other))
        assert other.get_params() == fitted.get_params()
    data = bytearray((tmp_path / "m.model").read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "m.model").write_bytes(data)
    with pytest.raises(ValueError):
        type(fitted).load(tmp_path / "m.model")


def test_a_model_that_lies_is_refused(table, tmp_path):
    from dualcube import _model

    fitted = dc.PCA(3).fit(table)
    good = fitted._to_model()
    for change in ({"components": good["components"] * 2}, {"mean": good["mean"][:3]},
                   {"explained_variance": -good["explained_variance"]},
                   {"theta1": -1.0}, {"n_samples": 0.0}, {"components": None},
                   {"mean": good["mean"] * np.nan}):
        bad = {name: value for name, value in {**good, **change}.items() if value is not None}
        _model.save(tmp_path / "bad.model", "pca", bad)
        with pytest.raises(ValueError):
            dc.PCA.load(tmp_path / "bad.model")


def test_containers(table):
    frame = pd.DataFrame(table, columns=list("abcdefghi"), index=np.arange(400) + 5)
    pca = dc.PCA(2).fit(frame)
    assert list(pca.feature_names_in_) == list("abcdefghi")
    assert list(pca.get_feature_names_out()) == ["pca0", "pca1"]
    scores = pca.transform(frame)
    assert list(scores.columns) == ["pca0", "pca1"] and scores.index[0] == 5
    assert isinstance(dc.PCA(2).set_output(transform="pandas").fit_transform(table), pd.DataFrame)
    with pytest.raises(ValueError, match="must be one of"):
        pca.set_output(transform="list")


def test_randomized_is_repeatable(rng):
    x = rng.normal(size=(60, 1500)).astype(np.float32)
    a, b = (dc.PCA(4, random_state=7).fit(x) for _ in range(2))
    assert np.array_equal(a.components_, b.components_)
    # "auto" took it: few of many columns
    assert np.array_equal(a.components_, dc.PCA(4, svd_solver="randomized",
                                                random_state=7).fit(x).components_)


def test_bad_input(table):
    for estimator, word in (
            (dc.PCA(10), "between 1 and"), (dc.PCA(0), "between 1 and"), (dc.PCA(2.5), "of type int"),
            (dc.PCA("all"), "'mle'"), (dc.PCA(svd_solver="odd"), "must be one of"),
            (dc.PCA("mle", svd_solver="randomized"), "mle"), (dc.Mahalanobis(-1), "at least 0"),
            (dc.Mahalanobis(shrinkage=2), "0 ... 1"), (dc.Mahalanobis(shrinkage="odd"), "ledoit")):
        with pytest.raises(ValueError, match=word.replace(".", r"\.")):
            estimator.fit(table)
    with pytest.raises(ValueError, match="singular"):
        dc.Mahalanobis(0).fit(np.ones((5, 2)))
    fitted = dc.PCA(2).fit(table)
    with pytest.raises(ValueError, match="expecting 2 features"):
        fitted.inverse_transform(table)
    with pytest.raises(ValueError, match="confidence is 1"):
        fitted.limits(1.0)
    with pytest.raises(ValueError, match="missing"):
        fitted.monitor(table, missing="zero")
    with pytest.raises(ValueError, match="not fitted"):
        dc.PCA().monitor(table)


@pytest.mark.parametrize("shrinkage", (None, 0.3, "ledoit_wolf"))
@pytest.mark.parametrize("rows", (400, 6))
def test_mahalanobis_is_numpys(table, rows, shrinkage):
    x = table[:rows]
    m = dc.Mahalanobis(0.01, shrinkage).fit(x)
    s = np.cov(x.T)
    s = (1 - m.shrinkage_) * s + m.shrinkage_ * np.trace(s) / 9 * np.eye(9) + m.l2_ * np.eye(9)
    z = table - x.mean(axis=0)
    want = np.einsum("ij,jk,ik->i", z, np.linalg.inv(s), z)
    assert np.allclose(m.mahalanobis(table), want, rtol=1e-7)
    assert np.isclose(m.condition_number_, np.linalg.cond(s), rtol=1e-6)
    if shrinkage == "ledoit_wolf":
        covariance = pytest.importorskip("sklearn.covariance")
        assert np.isclose(m.shrinkage_, covariance.LedoitWolf().fit(x).shrinkage_)


def test_condition_number_raises_l2():
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1e4, 1, 1e-4]
    assert dc.Mahalanobis(1e-3).fit(x).l2_ == 0.01
    assert dc.Mahalanobis(1.0).fit(x).l2_ == 1.0


def test_cloud_metrics(real_data):
    """Measured series: a month to learn from, the rest to watch; every instruction set's bits."""
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    sk = pytest.importorskip("sklearn.decomposition")
    x = np.asarray(np.load("%s/aws_cloudwatch.npy" % real_data, mmap_mode="r"), dtype=np.float32)
    whole = x[np.isfinite(x).all(axis=1)]
    train, new = whole[:len(whole) // 2], whole[len(whole) // 2:]
    pca = dc.PCA(0.9, standardize=True).fit(train)
    scaler = preprocessing.StandardScaler().fit(train)
    theirs = sk.PCA(pca.n_components_, svd_solver="full").fit(scaler.transform(train))
    assert np.allclose(pca.explained_variance_, theirs.explained_variance_, rtol=1e-3)
    z = scaler.transform(new)
    t = theirs.transform(z)
    e = z - theirs.inverse_transform(t)
    seen = pca.monitor(new)
    assert np.allclose(seen.spe, (e * e).sum(axis=1), rtol=2e-2, atol=1e-3)
    assert np.allclose(seen.t2, (t * t / theirs.explained_variance_).sum(axis=1), rtol=2e-2,
                       atol=1e-3)
    for isa in dc.topology()["isas"]:
        with dc.options(device="cpu", isa=isa, threads=2):
            again = pca.monitor(new)
        assert np.array_equal(again.t2, seen.t2) and np.array_equal(again.spe, seen.spe)

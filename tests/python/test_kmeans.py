"""k-means against scikit-learn, NumPy and itself."""

import doctest
import pickle

import dualcube as dc
import numpy as np
import pytest
from dualcube import kmeans

cluster = pytest.importorskip("sklearn.cluster")
metrics = pytest.importorskip("sklearn.metrics")


def blobs(rows=600, columns=5, clusters=4, dtype=np.float64, seed=0, offset=100.0):
    rng = np.random.default_rng(seed)
    centers = 4 * rng.normal(size=(clusters, columns))
    X = centers[rng.integers(0, clusters, rows)] + rng.normal(size=(rows, columns)) + offset
    return X.astype(dtype)


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("shape", ((50, 1, 3), (600, 5, 4), (2000, 20, 9)))
@pytest.mark.parametrize("weighted", (False, True))
def test_like_sklearn(dtype, shape, weighted):
    rows, columns, k = shape
    X = blobs(rows, columns, k, dtype)
    weight = np.random.default_rng(1).integers(0, 4, rows).astype(dtype) if weighted else None
    start = X[:k].copy()
    ours = dc.KMeans(k, init=start).fit(X, sample_weight=weight)
    theirs = cluster.KMeans(k, init=start, n_init=1).fit(X, sample_weight=weight)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert ours.n_iter_ == theirs.n_iter_
    eps = float(np.finfo(dtype).eps)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=200 * eps)
    assert np.allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=20 * eps)
    new = blobs(100, columns, k, dtype, seed=2)
    assert np.array_equal(ours.predict(new), theirs.predict(new))
    assert np.allclose(ours.transform(new), theirs.transform(new), rtol=2e-3 if eps > 1e-9 else 1e-9)
    assert ours.score(X, sample_weight=weight) == pytest.approx(-ours.inertia_, rel=1e-6)
    assert np.array_equal(ours.predict(X), ours.labels_)


def test_order_of_rows_weights_and_threads():
    X = blobs()
    start = X[:4].copy()
    want = dc.KMeans(4, init=start, threads=1).fit(X)
    turn = np.random.default_rng(3).permutation(len(X))
    again = dc.KMeans(4, init=start, threads=3).fit(X[turn])
    assert np.array_equal(want.cluster_centers_, again.cluster_centers_)
    assert np.array_equal(want.labels_[turn], again.labels_) and want.inertia_ == again.inertia_
    ones = dc.KMeans(4, init=start).fit(X, sample_weight=np.ones(len(X)))
    assert np.array_equal(want.cluster_centers_, ones.cluster_centers_)
    times = np.random.default_rng(4).integers(0, 3, len(X))
    weighted = dc.KMeans(4, init=start, tol=0).fit(X, sample_weight=times)
    repeated = dc.KMeans(4, init=start, tol=0).fit(X.repeat(times, axis=0))
    assert np.allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-13)
    assert np.array_equal(weighted.labels_.repeat(times), repeated.labels_)
    for init in ("k-means++", "random"):
        one = dc.KMeans(4, init=init, random_state=7, threads=1).fit(X)
        two = dc.KMeans(4, init=init, random_state=7, threads=2).fit(X[turn])
        assert np.array_equal(one.cluster_centers_, two.cluster_centers_)
        assert np.array_equal(one.labels_[turn], two.labels_)


def test_views_and_dtypes():
    X = blobs(200)
    want = dc.KMeans(3, random_state=0).fit(X)
    wide = np.repeat(X, 2, axis=1)
    for view in (np.asfortranarray(X), wide[:, ::2], X[::-1][::-1]):
        got = dc.KMeans(3, random_state=0).fit(view)
        assert np.array_equal(got.cluster_centers_, want.cluster_centers_)
    whole = dc.KMeans(3, random_state=0).fit((X * 10).astype(np.int64))
    assert whole.cluster_centers_.dtype == np.float64
    assert dc.KMeans(3, random_state=0).fit(X.astype(np.float32)).cluster_centers_.dtype == "f4"


def test_duplicates_warn_and_scales():
    X = np.array([[1.0, 7.0]] * 5 + [[-1.0, 7.0]] * 4)
    with pytest.warns(UserWarning, match="distinct clusters \\(2\\)"):
        few = dc.KMeans(4, random_state=0).fit(X)
    assert few.inertia_ == 0
    for scale in (1e-300, 1e150, 1e300):
        model = dc.KMeans(2, random_state=0).fit(X * scale)
        assert model.inertia_ == 0 and np.array_equal(model.predict(X * scale), model.labels_)
        assert sorted(model.cluster_centers_[:, 0]) == [-scale, scale]


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_scores(dtype):
    X = blobs(400, 6, 5, dtype)
    labels = dc.KMeans(5, random_state=0).fit(X).labels_.astype(object)
    labels[labels == 3] = 8
    labels = labels.astype(int)
    close = {"rel": 1e-5 if dtype == np.float32 else 1e-11}
    assert np.allclose(dc.silhouette_samples(X, labels), metrics.silhouette_samples(X, labels),
                       atol=1e-4 if dtype == np.float32 else 1e-11)
    for name in ("silhouette_score", "calinski_harabasz_score", "davies_bouldin_score"):
        want = getattr(metrics, name)(X.astype(np.float64), labels)
        assert getattr(dc, name)(X, labels) == pytest.approx(want, **close)
    alone = labels.copy()
    alone[0] = 99
    assert dc.silhouette_samples(X, alone)[0] == 0
    with pytest.raises(ValueError, match="Number of labels is 1"):
        dc.silhouette_score(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="labels"):
        dc.silhouette_score(X, labels[1:])


def test_plusplus():
    X = blobs(500)
    centers, rows = dc.kmeans_plusplus(X, 6, random_state=3)
    assert np.array_equal(centers, X[rows]) and len(set(rows.tolist())) == 6
    again, _ = dc.kmeans_plusplus(X, 6, random_state=3, threads=2)
    assert np.array_equal(centers, again)
    weight = np.zeros(500)
    weight[[3, 77, 210]] = 1
    assert set(dc.kmeans_plusplus(X, 3, sample_weight=weight)[1].tolist()) == {3, 77, 210}
    ours = [dc.KMeans(8, random_state=s, max_iter=1).fit(X).inertia_ for s in range(20)]
    theirs = [cluster.KMeans(8, random_state=s, max_iter=1, n_init=1).fit(X).inertia_
              for s in range(20)]
    assert np.median(ours) < 1.1 * np.median(theirs)


def test_runs_sweep_and_files(tmp_path):
    X = blobs(300, 2, 3, seed=5)
    runs = [dc.KMeans(5, init="random", n_init=n, random_state=2).fit(X).inertia_ for n in (1, 8)]
    assert runs[1] <= runs[0]
    best, scores, models = dc.kmeans_sweep(X, range(2, 6), random_state=0)
    assert best == max(scores, key=scores.get) and models[best].n_clusters == best
    model = models[best]
    model.save(tmp_path / "model.dcm")
    loaded = dc.KMeans.load(tmp_path / "model.dcm")
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.cluster_centers_, model.cluster_centers_)
        assert np.array_equal(other.predict(X), model.labels_)
    assert list(model.get_feature_names_out())[:2] == ["kmeans0", "kmeans1"]
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b"])
    out = dc.KMeans(2, random_state=0).set_output(transform="pandas").fit(frame).transform(frame)
    assert list(out.columns) == ["kmeans0", "kmeans1"] and len(out) == 300


@pytest.mark.parametrize("change, error, words", (
    ({"n_clusters": 0}, ValueError, "n_clusters"), ({"n_clusters": 9}, ValueError, "n_samples=8"),
    ({"init": "best"}, ValueError, "init"), ({"n_init": 0}, ValueError, "n_init"),
    ({"tol": -1}, ValueError, "tol"), ({"max_iter": 0}, ValueError, "max_iter"),
    ({"init": np.zeros((3, 2))}, ValueError, "initial centers"),
    ({"algorithm": "other"}, ValueError, "algorithm"),
))
def test_refusals(change, error, words):
    X = np.arange(16.0).reshape(8, 2)
    with pytest.raises(error, match=words):
        dc.KMeans(**{"n_clusters": 2, **change}).fit(X)


def test_refuses_what_is_not_finite():
    X = np.arange(16.0).reshape(8, 2)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 3, column 1 is nan"):
        dc.KMeans(2).fit(X)
    with pytest.raises(ValueError, match="zero"):
        dc.KMeans(2).fit(X[:3], sample_weight=np.zeros(3))
    with pytest.raises(ValueError, match="NaN"):
        dc.KMeans(2, random_state=0).fit(X[:3]).predict(X)


def test_batches():
    X = blobs(5000, 6, 4, np.float64, seed=7)
    fits = [dc.MiniBatchKMeans(4, random_state=1, batch_size=256, threads=n).fit(X) for n in (1, 2)]
    assert np.array_equal(fits[0].cluster_centers_, fits[1].cluster_centers_)
    assert np.array_equal(fits[0].labels_, fits[1].labels_) and fits[0].inertia_ == fits[1].inertia_
    ours = [dc.MiniBatchKMeans(4, random_state=s).fit(X).inertia_ for s in range(8)]
    theirs = [cluster.MiniBatchKMeans(4, random_state=s, n_init=1).fit(X).inertia_
              for s in range(8)]
    assert np.median(ours) < 1.1 * np.median(theirs)
    again = pickle.loads(pickle.dumps(fits[0]))
    assert np.array_equal(again.predict(X), fits[0].labels_)
    with pytest.raises(ValueError, match="batch_size"):
        dc.MiniBatchKMeans(4, batch_size=0).fit(X)


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_partial_fit_is_exact(dtype):
    X = blobs(900, 3, 3, dtype, seed=8)
    X[600:] *= 64  # wider than the first batch: the sums' scale is widened
    start = X[:3].copy()
    model = dc.MiniBatchKMeans(3, init=start, reassignment_ratio=0)
    seen = np.empty(900, int)
    for first in range(0, 900, 100):
        centers = start if first == 0 else model.cluster_centers_.copy()
        part = X[first:first + 100]
        model.partial_fit(part)
        far = ((part[:, None].astype(float) - centers) ** 2).sum(-1)
        seen[first:first + 100] = far.argmin(1)
        if first == 400:  # a pickle goes on where it was
            model = pickle.loads(pickle.dumps(model))
    want = np.stack([X[seen == j].astype(float).mean(0) for j in range(3)])
    eps = float(np.finfo(dtype).eps)
    assert np.allclose(model.cluster_centers_, want, rtol=50 * eps)
    assert model.n_steps_ == 9


def test_devices():
    X = blobs(700, 4, 3, np.float32)
    if not any(device["kind"] == "opencl" for device in dc.devices()):
        pytest.skip("there is no OpenCL device")
    want = dc.KMeans(3, random_state=0, device="cpu").fit(X)
    got = dc.KMeans(3, random_state=0, device="opencl").fit(X)
    assert np.array_equal(want.cluster_centers_, got.cluster_centers_)
    assert np.array_equal(want.labels_, got.labels_) and want.inertia_ == got.inertia_
    assert np.array_equal(dc.silhouette_samples(X, want.labels_, device="cpu"),
                          dc.silhouette_samples(X, want.labels_, device="opencl"))


@pytest.mark.parametrize("estimator", (dc.KMeans, dc.MiniBatchKMeans))
def test_check_estimator(estimator):
    from sklearn.utils.estimator_checks import check_estimator

    check_estimator(estimator())


def test_examples():
    result = doctest.testmod(kmeans)
    assert result.failed == 0 and result.attempted > 0


def test_what_is_not_finite_is_named_by_its_place():
    x = np.random.default_rng(3).standard_normal((300, 4))
    x[7, 2] = np.nan
    for rows in (x, np.concatenate([x] * 5)):  # drawn along sorted rows, and not
        with pytest.raises(ValueError, match="row 7, column 2 is nan"):
            dc.KMeans(3, random_state=0).fit(rows)

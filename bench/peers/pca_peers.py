"""Principal components against scikit-learn and NumPy: one run, calls in turns, medians.  Ours on
one thread against the peer's default, and the fit on two."""

import numpy as np

from bench.peers.contest import Contest

SHAPES = ((10_000, 50, 5, 12, 25), (100_000, 200, 20, 7, 15), (1_000_000, 50, 8, 8, 20))


def _table(n, d, dtype):
    random = np.random.default_rng(d)
    x = random.standard_normal((n, d)).astype(dtype)
    x[:, :10] += 3 * random.standard_normal((n, 1)).astype(dtype)
    return x * np.linspace(0.5, 2, d).astype(dtype) + np.arange(d, dtype=dtype)


def _pipeline(x, k):
    """Scaler, transform, inverse_transform, T2 and SPE by NumPy."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x[:20_000])
    pca = PCA(k, svd_solver="full").fit(scaler.transform(x[:20_000]))

    def score(rows):
        z = scaler.transform(rows)
        t = pca.transform(z)
        e = z - pca.inverse_transform(t)
        return (t * t / np.maximum(pca.explained_variance_, 1e-12)).sum(1), (e * e).sum(1)
    return score


def _monitor():
    import dualcube as dc

    for n, d, k, must, aim in SHAPES:
        x = _table(n, d, "float32")
        ours = dc.PCA(k, standardize=True, device="cpu", threads=1).fit(x[:20_000])
        theirs = _pipeline(x, k)
        yield Contest("monitor", "{:,} x {}, {} components, float32".format(n, d, k), x.size,
                      lambda x=x, ours=ours: ours.monitor(x)[:2],
                      [("sklearn, numpy", lambda x=x, theirs=theirs: theirs(x), 0, must, aim)], 1,
                      lambda x=x, ours=ours, theirs=theirs: (ours.monitor(x[:999]).spe,
                                                             theirs(x[:999])[1]), 1e-3)


def _fit():
    import dualcube as dc
    from sklearn.decomposition import PCA

    x = _table(100_000, 200, "float32")
    ours = dc.PCA(20, svd_solver="covariance_eigh", device="cpu", threads=2)

    def by_numpy():
        return np.linalg.eigh(np.cov(x, rowvar=False, dtype=np.float32))

    yield Contest("fit", "100,000 x 200, float32", x.size, lambda: ours.fit(x),
                  [("sklearn, full", lambda: PCA(20, svd_solver="full").fit(x), 0, 8, 15),
                   ("numpy, cov and eigh", by_numpy, 0, 1.1, 2)], 2,
                  lambda: (ours.fit(x).explained_variance_,
                           by_numpy()[0][::-1][:20]), 1e-2)


GROUPS = {"monitor": (_monitor,), "fit": (_fit,)}

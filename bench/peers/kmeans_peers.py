"""k-means against scikit-learn: whole fits from given centres, k-means++, silhouettes, a sweep.  One
run, calls in turns, medians."""

import numpy as np

from bench.peers.contest import Contest

SINGLE = {"device": "cpu", "threads": 1}
# rows, columns, clusters, dtype, iterations, must, aim
FITS = ((10_000, 50, 4, "float32", 20, 4, 6), (1_000_000, 16, 64, "float32", 20, 4.5, 7),
        (200_000, 64, 256, "float32", 10, 2.4, 3), (200_000, 64, 256, "float64", 10, 1.9, 2.5))


def _blobs(rows, columns, clusters, dtype):
    random = np.random.default_rng(rows + columns)
    centers = 1.5 * random.standard_normal((clusters, columns))
    x = centers[random.integers(0, clusters, rows)] + random.standard_normal((rows, columns))
    return x.astype(dtype), x[random.permutation(rows)[:clusters]].astype(dtype)


def _single_thread(call):
    """The peer's BLAS and OpenMP with one thread."""
    from threadpoolctl import threadpool_limits

    def limited():
        with threadpool_limits(1):
            return call()

    return limited


def _fits():
    import dualcube as dc
    from sklearn.cluster import KMeans

    for rows, columns, k, dtype, rounds, must, aim in FITS:
        x, start = _blobs(rows, columns, k, dtype)
        same = {"init": start, "n_init": 1, "max_iter": rounds, "tol": 0}

        def ours(x=x, k=k, same=same):
            return dc.KMeans(k, **same, **SINGLE).fit(x)

        theirs = _single_thread(lambda x=x, k=k, same=same: KMeans(k, **same).fit(x))
        yield Contest("fit", "%d iterations, %d x %d, k = %d, %s" % (rounds, rows, columns, k, dtype),
                      rows * columns * rounds, ours, [("scikit-learn", theirs, 1, must, aim)], 1,
                      lambda ours=ours, theirs=theirs: (ours().inertia_, theirs().inertia_), 1e-3)


def _plusplus():
    import dualcube as dc
    from sklearn.cluster import kmeans_plusplus

    x, _ = _blobs(1_000_000, 16, 64, "float32")
    for threads, must, aim in ((1, 7, 10), (2, 12, 15)):
        yield Contest("k-means++", "1M x 16, k = 64, float32", x.size,
                      lambda threads=threads: dc.kmeans_plusplus(x, 64, random_state=0, device="cpu",
                                                                 threads=threads),
                      [("scikit-learn", lambda: kmeans_plusplus(x, 64, random_state=0), 0, must,
                        aim)], threads)


def _silhouette():
    import dualcube as dc
    from sklearn.metrics import silhouette_score

    x, start = _blobs(10_000, 50, 4, "float32")
    labels = dc.KMeans(4, init=start).fit(x).labels_
    for threads, must, aim in ((1, 10, 15), (2, 18, 28)):
        yield Contest("silhouette", "10K x 50, k = 4, float32", len(x) ** 2,
                      lambda threads=threads: dc.silhouette_score(x, labels, device="cpu",
                                                                  threads=threads),
                      [("scikit-learn", lambda: silhouette_score(x, labels), 0, must, aim)], threads,
                      lambda: (dc.silhouette_score(x, labels), silhouette_score(x, labels)))


GROUPS = {"kmeans_fit": (_fits,), "kmeans_plusplus": (_plusplus,), "silhouette": (_silhouette,)}

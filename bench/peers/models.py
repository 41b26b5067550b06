"""k-means, correlation and principal components against scikit-learn, pandas and NumPy: one run,
calls in turns, medians."""

import importlib.util

from bench.peers import correlation_peers, kmeans_peers, pca_peers
from bench.peers.contest import run

GROUPS = {**kmeans_peers.GROUPS, **correlation_peers.GROUPS, **pca_peers.GROUPS}


def measure(groups, isa, judged, progress, add):
    """Measure the named groups of contests (all: None); `add` takes each record."""
    for module in ("sklearn", "pandas"):
        if importlib.util.find_spec(module) is None:
            raise RuntimeError("section models needs scikit-learn and pandas: "
                               "pip install -r bench/peers/requirements.txt")
    run(GROUPS, groups, lambda maker: maker(), isa, judged, progress, add)

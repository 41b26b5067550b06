"""set_output(): which container transform() returns."""

import sys

from ._estimator import Estimator


class Output:
    """scikit-learn's set_output() and its configuration, obeyed without scikit-learn."""

    def set_output(self, *, transform=None):
        """transform: "default" (what came in), "pandas", "polars", or None: leave it.  Returns the
        estimator."""
        if transform not in (None, "default", "pandas", "polars"):
            raise ValueError("set_output: transform is %r, must be one of default, pandas, polars"
                             % (transform,))
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def _container(self):
        chosen = getattr(self, "_sklearn_output_config", {}).get("transform")
        theirs = sys.modules.get("sklearn")
        if chosen is None and theirs is not None:
            chosen = theirs.get_config().get("transform_output")
        return chosen or "default"

    def _output(self, result, X, names):
        """`result` in the container asked for; `names` makes the names of its columns."""
        container = self._container()
        if container == "pandas":
            import pandas

            index = X.index if isinstance(X, pandas.DataFrame) else None
            return pandas.DataFrame(result, index=index, columns=names(), copy=False)
        if container == "polars":
            import polars

            return polars.DataFrame(result, schema=list(names()), orient="row")
        return Estimator._like(self, result, X, names())

"""What scikit-learn asks of an estimator, without scikit-learn: parameters, checked input, names of
columns, DataFrames in and out, and pickles that hold the model file."""

import inspect
import json
import os
import sys
import warnings

import numpy as np

from . import _inputs, _model


class NotFittedError(ValueError, AttributeError):
    """An estimator was used before it was fitted."""


def _not_fitted(name):
    text = ("This %s instance is not fitted yet. Call 'fit' with appropriate arguments before using "
            "this estimator." % name)
    theirs = sys.modules.get("sklearn.exceptions")
    return (NotFittedError if theirs is None else theirs.NotFittedError)(text)


def _column_names(X):
    """Names of a DataFrame's columns when all are strings, else None."""
    columns = getattr(X, "columns", None)
    if columns is None or not hasattr(X, "dtypes"):
        return None
    names = list(columns)
    kinds = {isinstance(name, str) for name in names}
    if kinds == {True, False}:
        raise TypeError("Feature names are only supported if all input features have string names, "
                        "but your input has %s as feature name / column name types."
                        % sorted({type(name).__name__ for name in names}))
    return np.asarray(names, dtype=object) if kinds == {True} else None


def _numbers(X):
    """A table as float32 or float64."""
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        raise TypeError("Sparse data was passed, but dense data is required. Use '.toarray()' to "
                        "convert it to a dense array.")
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        try:
            return _inputs.admit(X, "X")[0]
        except TypeError:
            X = X.to_numpy(dtype=object, na_value=np.nan)
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported\n%r" % (array,))
    if array.dtype.kind in "OUS":
        array = array.astype(np.float64)  # says which value is no number
    if array.dtype.kind == "f" and (array.itemsize not in (4, 8) or not array.dtype.isnative):
        array = array.astype(np.float32 if array.itemsize == 2 else np.float64)
    return array.astype(_inputs.computing_dtype(array.dtype, "X"), copy=False)


class Estimator:
    """Base of dualcube's estimators."""

    _kind = ""  # of the model file
    _fitted = ()  # attributes (with their final _) that the model file keeps
    _allow_nan = True

    # ---- parameters ----------------------------------------------------------------------------

    @classmethod
    def _parameter_names(cls):
        parameters = inspect.signature(cls.__init__).parameters
        return sorted(name for name in parameters if name != "self")

    def get_params(self, deep=True):
        """The parameters of the constructor, by name."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params):
        """Change parameters.  Returns the estimator."""
        known = self._parameter_names()
        for name, value in params.items():
            if name not in known:
                raise ValueError("Invalid parameter %r for estimator %s. Valid parameters are: %s."
                                 % (name, self, known))
            setattr(self, name, value)
        return self

    def __repr__(self):
        defaults = inspect.signature(type(self).__init__).parameters
        shown = ["%s=%r" % (name, value) for name, value in self.get_params().items()
                 if repr(value) != repr(defaults[name].default)]
        return "%s(%s)" % (type(self).__name__, ", ".join(shown))

    def __sklearn_tags__(self):
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False),
                    transformer_tags=TransformerTags(preserves_dtype=["float64", "float32"]),
                    input_tags=InputTags(allow_nan=self._allow_nan))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")

    def _check_fitted(self):
        if not self.__sklearn_is_fitted__():
            raise _not_fitted(type(self).__name__)

    # ---- input ---------------------------------------------------------------------------------

    def _table(self, X, reset, least=1):
        """X as a table of float32 or float64; with `reset` its columns are what fit saw."""
        names = _column_names(X)
        array = _numbers(X)
        if array.ndim != 2:
            raise ValueError("Expected 2D array, got %dD array instead:\narray=%s.\nReshape your "
                             "data either using array.reshape(-1, 1) if your data has a single "
                             "feature or array.reshape(1, -1) if it contains a single sample."
                             % (array.ndim, array))
        rows, columns = array.shape
        if columns < 1:
            raise ValueError("Found array with 0 feature(s) (shape=%s) while a minimum of 1 is "
                             "required by %s." % (array.shape, type(self).__name__))
        if rows < least:
            raise ValueError("Found array with %d sample(s) (shape=%s) while a minimum of %d is "
                             "required by %s." % (rows, array.shape, least, type(self).__name__))
        if reset:
            self._set_names(names, columns)
        else:
            self._check_names(names, columns)
        return array if _inputs.whole_strides(array) else array.copy()

    def _set_names(self, names, columns):
        self.n_features_in_ = columns
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_names(self, names, columns):
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is not None and names is None:
            warnings.warn("X does not have valid feature names, but %s was fitted with feature names"
                          % type(self).__name__, UserWarning, stacklevel=4)
        elif fitted is None and names is not None:
            warnings.warn("X has feature names, but %s was fitted without feature names"
                          % type(self).__name__, UserWarning, stacklevel=4)
        elif fitted is not None and list(names) != list(fitted):
            raise ValueError(_names_differ(list(names), list(fitted)))
        if columns != self.n_features_in_:
            raise ValueError("X has %d features, but %s is expecting %d features as input."
                             % (columns, type(self).__name__, self.n_features_in_))

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of what transform returns."""
        self._check_fitted()
        return self._names_in(input_features)

    def _names_in(self, input_features):
        fitted = getattr(self, "feature_names_in_", None)
        if input_features is None:
            if fitted is not None:
                return fitted
            return np.asarray(["x%d" % i for i in range(self.n_features_in_)], dtype=object)
        names = np.asarray(input_features, dtype=object)
        if fitted is not None and list(names) != list(fitted):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:
            raise ValueError("input_features should have length equal to number of features (%d), "
                             "got %d" % (self.n_features_in_, len(names)))
        return names

    def _like(self, result, X, names=None):
        """The result as a DataFrame when X is one."""
        pandas = sys.modules.get("pandas")
        if pandas is None or not isinstance(X, pandas.DataFrame):
            return result
        return pandas.DataFrame(result, index=X.index, columns=X.columns if names is None else names,
                                copy=False)

    # ---- the model file ------------------------------------------------------------------------

    def _to_model(self):
        entries = {"parameters": json.dumps(self.get_params(), default=_plain)}
        for name in (*self._fitted, "n_features_in_", "feature_names_in_"):
            value = getattr(self, name, None)
            if value is None:
                continue
            if name == "feature_names_in_":
                value = json.dumps(list(value))
            elif not np.isscalar(value):
                value = np.asarray(value)
            entries[name.rstrip("_")] = value
        return entries

    def _from_model(self, entries):
        params = json.loads(entries["parameters"])
        known = self._parameter_names()
        self.set_params(**{name: tuple(value) if isinstance(value, list) else value
                           for name, value in params.items() if name in known})
        for name in self._fitted:
            if name.rstrip("_") in entries:
                setattr(self, name, entries[name.rstrip("_")])
        seen = getattr(self, "n_samples_seen_", None)
        if seen is not None:  # one number where all columns agree
            seen = np.asarray(seen).astype(np.int64)
            same = seen.size > 0 and (seen == seen.flat[0]).all()
            self.n_samples_seen_ = int(seen.flat[0]) if same else seen
        if "n_features_in" in entries:
            self.n_features_in_ = int(entries["n_features_in"])
        if "feature_names_in" in entries:
            self.feature_names_in_ = np.asarray(json.loads(entries["feature_names_in"]),
                                                dtype=object)
        self._check_model()

    def _check_model(self):
        """A file is not to be trusted: arrays of another length than the columns are refused."""
        columns = getattr(self, "n_features_in_", None)
        for name in self._fitted:
            value = getattr(self, name, None)
            if isinstance(value, np.ndarray) and value.ndim and len(value) != columns:
                raise ValueError("model: %s has %d elements, there are %s columns"
                                 % (name, len(value), columns))

    def save(self, path):
        """Write the fitted estimator as a model file, which appears whole or not at all."""
        self._check_fitted()
        _model.save(path, self._kind, self._to_model())

    @classmethod
    def load(cls, path):
        """Read what save() or `dualcube scale fit` wrote; ValueError says what is wrong with it."""
        kind, entries = _model.load(path)
        return cls._loaded(kind, entries, os.fspath(path))

    @classmethod
    def _loaded(cls, kind, entries, where):
        if kind != cls._kind:
            raise ValueError("%s: it is a model of kind %s, must be %s" % (where, kind, cls._kind))
        estimator = cls()
        try:
            estimator._from_model(entries)
        except (KeyError, TypeError) as error:
            raise ValueError("%s: its entries are not those of a %s: %s"
                             % (where, cls.__name__, error)) from None
        return estimator

    def __getstate__(self):
        return {"model": _model.to_bytes(self._kind, self._to_model()), "more": self._more_state()}

    def __setstate__(self, state):
        self._from_model(_model.from_bytes(state["model"])[1])
        self._set_more_state(state["more"])

    def _more_state(self):
        return None

    def _set_more_state(self, state):
        pass


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError("a parameter of type %s cannot be kept in a model file" % type(value).__name__)


def _names_differ(names, fitted):
    text = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))

    def some(listed):
        return "".join("- %s\n" % name for name in listed[:5]) + ("- ...\n" if len(listed) > 5
                                                                  else "")

    if unseen:
        text += "Feature names unseen at fit time:\n" + some(unseen)
    if missing:
        text += "Feature names seen at fit time, yet now missing:\n" + some(missing)
    if not unseen and not missing:
        text += "Feature names must be in the same order as they were in fit.\n"
    return text

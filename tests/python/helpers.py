"""Inputs, comparisons and subprocesses that several test files share."""

import os
import subprocess
import sys

import dualcube as dc
import numpy as np

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(dc.__file__)))
KINDS = ("normal", "ties", "constant", "spikes", "offset", "signs")


def series(kind, rows, columns, dtype, missing, infinite, seed):
    """(rows, columns) of one kind of data with shares of NaN and +-Inf."""
    random = np.random.default_rng(seed)
    shape = (rows, columns)
    if kind == "normal":
        values = random.standard_normal(shape)
    elif kind == "ties":
        values = random.integers(-3, 4, shape).astype(float)
    elif kind == "constant":
        values = np.full(shape, 0.1)
    elif kind == "spikes":
        values = np.where(random.random(shape) < 0.05, 1e6, random.standard_normal(shape))
    elif kind == "offset":
        values = 1e4 + random.standard_normal(shape)
    else:  # zeros of both signs among values of both signs
        values = random.choice([-1.0, -0.0, 0.0, 1.0], shape)
    values = values.astype(dtype)
    values[random.random(shape) < missing] = np.nan
    where = random.random(shape) < infinite
    values[where] = random.choice([np.inf, -np.inf], int(where.sum()))
    return values


def assert_same_bits(result, expected, what=""):
    """Equal dtype, shape and bytes; a difference is told by its place."""
    assert result.dtype == expected.dtype, (result.dtype, expected.dtype, what)
    assert result.shape == expected.shape, (result.shape, expected.shape, what)
    word = np.uint32 if result.dtype.itemsize == 4 else np.uint64
    a = np.ascontiguousarray(result).view(word)
    b = np.ascontiguousarray(expected).view(word)
    differ = np.argwhere(a != b)
    assert len(differ) == 0, "%s: %d of %d differ, first at %s: %r and %r" % (
        what, len(differ), a.size, tuple(differ[0]), result[tuple(differ[0])],
        expected[tuple(differ[0])])


def python(code, *arguments, **environment):
    """Run code in a fresh interpreter that finds the package; its standard output."""
    variables = dict(os.environ)
    variables["PYTHONPATH"] = os.pathsep.join(
        [PACKAGE] + [path for path in (variables.get("PYTHONPATH"),) if path])
    for name, value in environment.items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=variables, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

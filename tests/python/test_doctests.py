"""The examples of every docstring run, and every public name has one that says what it should."""

import doctest
import inspect

import dualcube as dc
import numpy as np
import pytest
from dualcube import _context, _device_array, _system, rolling

FUNCTIONS = [name for name in dc.__all__ if name.startswith(("rolling_", "expanding_"))]


@pytest.mark.parametrize("module", (dc, rolling, _system, _device_array, _context),
                         ids=lambda module: module.__name__)
def test_examples(module):
    with np.printoptions(legacy=False):
        result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings(name):
    text = inspect.getdoc(getattr(dc, name))
    assert ">>>" in text and "float32" in text or "Parameters are those of" in text
    for section in ("Returns", "Raises", "Example"):
        assert section in text
    if "Parameters are those of" not in text:
        assert "empty" in text and "EXACT" in text and "Missing values" in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures(name):
    """Window second, everything else by keyword, defaults that help() shows."""
    parameters = list(inspect.signature(getattr(dc, name)).parameters.values())
    assert parameters[0].name == "x"
    assert (parameters[1].name == "window") == name.startswith("rolling_")
    for parameter in parameters[2:] if name.startswith("rolling_") else parameters[1:]:
        if parameter.name != "stats":
            assert parameter.kind == inspect.Parameter.KEYWORD_ONLY, parameter
        assert parameter.default is not inspect.Parameter.empty


def test_every_public_name_is_documented():
    for name in dc.__all__:
        if not name.startswith("__"):
            assert inspect.getdoc(getattr(dc, name)), name


def test_every_row_of_the_registry_has_its_functions():
    from dualcube._operations import OPERATIONS

    for row in OPERATIONS:
        if row.startswith("rolling_"):
            assert row in dc.__all__ and row.replace("rolling", "expanding") in dc.__all__

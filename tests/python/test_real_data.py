"""Measured series and a reanalysis cube, where they are at hand."""

import json
import os

import dualcube as dc
import numpy as np
import pytest

import helpers
import oracle

ISAS = dc.topology()["isas"]


def load(folder, name):
    """An array as its metadata describes it."""
    with open(os.path.join(folder, "metadata.json"), encoding="utf-8") as stream:
        about = json.load(stream)[name]
    array = np.load(os.path.join(folder, name + ".npy"), mmap_mode="r")
    assert list(array.shape) == about["shape"] and array.dtype == about["dtype"]
    return array


def check(x, window, name, **options):
    """Against pandas for selections, the oracle's moments for the rest, on a few columns."""
    result = getattr(dc, "rolling_" + name)(x, window, **options)
    for isa in ISAS:
        with dc.options(device="cpu", isa=isa, threads=2):
            helpers.assert_same_bits(getattr(dc, "rolling_" + name)(x, window, **options), result)
    flat = np.asarray(x).reshape(len(x), -1)
    answers = result.reshape(len(result), -1)
    for column in range(0, flat.shape[1], max(1, flat.shape[1] // 2)):
        expected = oracle.rolling(name, flat[:1500 + window, column], window, **options)[:1500]
        np.testing.assert_allclose(answers[:1500, column].astype(np.longdouble), expected,
                                   rtol=2e-6 if x.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_cloud_metrics(real_data, name):
    x = load(real_data, "aws_cloudwatch")
    check(x, 12, name)
    check(x, 288, name, min_periods=30)  # a day of five-minute steps


@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_machine_temperature(real_data, name):
    check(load(real_data, "machine_temperature"), 60, name, center=True)


@pytest.mark.parametrize("name", ("mean", "std", "median"))
def test_reanalysis_cube(real_data, name):
    """Zonal windows along the last of five axes, float32."""
    cube = load(real_data, "era_interim_uvz")[:, :, 1, ::20]
    result = getattr(dc, "rolling_" + name)(cube, 9, axis=-1, center=True, min_periods=1)
    assert result.shape == cube.shape and result.dtype == np.float32
    expected = oracle.rolling(name, np.asarray(cube[0, 1, 3]), 9, center=True, min_periods=1)
    np.testing.assert_allclose(result[0, 1, 3], expected.astype(np.float64), rtol=3e-6)
    swapped = getattr(dc, "rolling_" + name)(np.moveaxis(np.asarray(cube), -1, 0), 9, center=True,
                                             min_periods=1)
    helpers.assert_same_bits(np.moveaxis(swapped, 0, -1), result)


def test_faults_show_in_the_features(real_data):
    """The labelled faults of the machine hold the largest rolling spread of the series."""
    with open(os.path.join(real_data, "metadata.json"), encoding="utf-8") as stream:
        windows = json.load(stream)["machine_temperature"]["anomaly_windows_rows"]
    spread = dc.rolling_std(load(real_data, "machine_temperature"), 144)
    top = np.argsort(np.nan_to_num(spread))[-200:]
    inside = [any(first <= row <= last + 144 for first, last in windows) for row in top]
    assert np.mean(inside) > 0.5

"""A chain of every family on measured data: nothing comes to the host between its steps."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import dualcube as dc

VARIABLES = ["zonal_wind", "meridional_wind", "geopotential_temperature"]

# Run in a process of its own: the device is told to take itself for one with memory of its own, so
# that every byte over the link is a copy and shows.
SCRIPT = """
import json, sys
import numpy as np
import dualcube as dc
sys.path.insert(0, sys.argv[1])
from test_chain import chain
cube = np.load(sys.argv[2])
a = dc.to_device(cube, sys.argv[3])
a = dc.transpose(a, (0, 1, 2, 3, 4, 5, 6))
before = dc.counters()
with dc.trace(sys.argv[4]):
    result = chain(a)
    result.finish() if hasattr(result, "finish") else None
after = dc.counters()
np.save(sys.argv[5], result.numpy())
print(json.dumps({name: after[name] - before[name] for name in
                  ("bytes_to_device", "bytes_to_host", "fallbacks", "calls_cpu", "launches")}))
"""


def chain(cube, **options):
    """Axes to their places, augmentation, standardising of every map, a mean along longitudes."""
    ordered = dc.transpose(cube, (2, 0, 1, 3, 4, 5, 6), **options)
    changed, _ = dc.augment(ordered, VARIABLES, seed=11, apply_chance=1.0, spatial_chance=1.0,
                            temporal_chance=1.0, **options)
    standard = dc.standardize(changed, axis=(-2, -1), **options)
    return dc.rolling_mean(standard, 16, axis=-1, min_periods=1, **options)


def measured(folder):
    """(variable, month, 1, 1, level, latitude, longitude)"""
    x = np.load(os.path.join(folder, "era_interim_uvz.npy"))
    return x.reshape(x.shape[:2] + (1, 1) + x.shape[2:])


def run_chain(cube, opencl, tmp_path):
    np.save(tmp_path / "cube.npy", cube)
    here = os.path.dirname(os.path.abspath(__file__))
    package = os.path.dirname(os.path.dirname(os.path.abspath(dc.__file__)))
    environment = dict(os.environ, DUALCUBE_OPENCL_AS="gpu", PYTHONPATH=os.pathsep.join(
        [package, here, os.environ.get("PYTHONPATH", "")]))
    text = subprocess.run(
        [sys.executable, "-c", SCRIPT, here, "cube.npy", opencl, "trace.json", "out.npy"],
        check=True, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True).stdout
    with open(tmp_path / "trace.json", encoding="utf-8") as stream:
        trace = json.load(stream)
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    return np.load(tmp_path / "out.npy"), json.loads(text), [
        event["name"] for event in events if event.get("ph") == "X"]


def hold(cube, opencl, tmp_path):
    result, moved, events = run_chain(cube, opencl, tmp_path)
    assert moved["bytes_to_host"] == 0 and moved["fallbacks"] == 0 and moved["calls_cpu"] == 0
    assert moved["launches"] >= 4
    # Tables of constants go to the device, data do not.
    assert moved["bytes_to_device"] < 4096 < cube.nbytes
    for row in ("transform_copy", "augment_apply", "smooth_standardize", "rolling_mean"):
        assert any(row in name for name in events), (row, events)
    assert not any(name.startswith(("read", "write", "copy")) for name in events), events
    expected = chain(cube, device="cpu")
    assert result.dtype == np.float32 and result.tobytes() == expected.tobytes()
    return result


def test_chain_stays_on_the_device(opencl, tmp_path, rng):
    cube = rng.standard_normal((3, 2, 1, 1, 2, 19, 24)).astype(np.float32)
    hold(cube, opencl, tmp_path)


def test_measured_winds(opencl, real_data, tmp_path):
    """The ERA-Interim cube; the same bits, and the standardising is one."""
    cube = measured(real_data)
    result = hold(cube, opencl, tmp_path)
    assert np.isfinite(result).all() and result.shape == (1, 3, 2, 1, 3, 241, 480)
    standard = dc.standardize(cube, axis=(-2, -1), device="cpu")
    assert np.abs(standard.mean(axis=(-2, -1), dtype=np.float64)).max() < 1e-5
    assert np.abs(standard.std(axis=(-2, -1), dtype=np.float64) - 1).max() < 1e-5


@pytest.mark.parametrize("threads", [1, 2])
def test_measured_winds_against_numpy(real_data, threads):
    """The steps without noise one by one."""
    cube = measured(real_data)
    options = dict(device="cpu", threads=threads)
    ordered = dc.transpose(cube, (2, 0, 1, 3, 4, 5, 6), **options)
    assert ordered.tobytes() == np.ascontiguousarray(cube.transpose(2, 0, 1, 3, 4, 5, 6)).tobytes()
    changed, draws = dc.augment(ordered, ["u", "v", "z"], seed=11, apply_chance=1.0,
                                spatial_chance=1.0, temporal_chance=1.0, smoothing_most=0.0,
                                **options)
    expected = ordered[..., ::-1, :] if draws["flip"] else ordered
    expected = np.roll(np.roll(expected, draws["lon_shift"], -1), draws["time_shift"], 2)
    assert np.array_equal(changed, expected * np.float32(draws["scale"]))

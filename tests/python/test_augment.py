"""Augmentation against NumPy, one step after the other."""

import os

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helpers

NAMES = ["air_temperature", "Surface_Pressure", "specific_humidity", "wind"]
STD = {"temperature": 0.1, "pressure": 0.05, "humidity": 0.02}
DTYPES = ("float32", "float64")


def cube(shape=(2, 4, 5, 3, 2, 6, 10), dtype="float32", seed=0):
    return np.random.default_rng(seed).random(shape).astype(dtype)


def expected(x, seed, draws):
    """The reference's chain."""
    x, dtype = x.copy(), x.dtype
    if not draws["apply"]:
        return x
    for v, name in enumerate(NAMES):
        for word, std in STD.items():
            if word in name.lower():
                noise = dc.random.normal(x.shape, seed, dtype=dtype.name, std=std)
                x[:, v] += noise[:, v]
                if word == "humidity":
                    x[:, v] = np.clip(x[:, v], 0, 1)
    x = x[..., ::-1, :] if draws["flip"] else x
    x = np.roll(np.roll(x, draws["lon_shift"], -1), draws["time_shift"], 2)
    if draws["smoothing"] > 0:
        x = dc.smooth(x, "mean", 3, blend=draws["smoothing"])
    return x * dtype.type(draws["scale"])


@given(seed=st.integers(0, 2**64 - 1), dtype=st.sampled_from(DTYPES))
def test_step_by_step(seed, dtype):
    x = cube(dtype=dtype)
    got, draws = dc.augment(x, NAMES, seed, apply_chance=0.9, spatial_chance=0.7,
                            temporal_chance=0.7)
    helpers.assert_same_bits(got, expected(x, seed, draws))
    again, same = dc.augment(x, NAMES, seed, draws=draws)
    helpers.assert_same_bits(again, got)
    assert same == draws


def test_chances():
    x, n = cube((1, 4, 2, 2, 1, 2, 3)), 3000
    draws = [dc.augment(x, NAMES, seed)[1] for seed in range(n)]
    applied = [d for d in draws if d["apply"]]
    assert abs(len(applied) / n - 0.5) < 0.05
    assert abs(np.mean([d["flip"] for d in applied]) - 0.15) < 0.05
    assert abs(np.mean([d["smoothing"] > 0 for d in applied]) - 0.2) < 0.05
    assert all(0.95 <= d["scale"] < 1.05 and 0 <= d["smoothing"] < 0.1 for d in applied)
    assert {d["lon_shift"] for d in applied} == {0, 1, 2}
    assert all(d["scale"] == 1 and not d["flip"] for d in draws if not d["apply"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_isas_threads_layouts_and_devices(dtype):
    x = cube((3, 4, 4, 4, 2, 20, 33), dtype)
    draws = dict(apply=True, flip=True, lon_shift=7, time_shift=1, smoothing=0.07, scale=1.01)

    def call(x, **more):
        return dc.augment(x, NAMES, 5, draws=draws, **more)[0]

    with dc.options(device="cpu", isa="baseline", threads=1):
        whole = call(x)
    helpers.assert_same_bits(whole, expected(x, 5, draws))
    for isa in dc.topology()["isas"]:
        for threads in (1, 2):
            with dc.options(device="cpu", isa=isa, threads=threads):
                helpers.assert_same_bits(call(x), whole, isa)
                helpers.assert_same_bits(call(np.asfortranarray(x)), whole, isa)
    parts = [call(x[k:k + 1], offset=k * x[0].size) for k in range(len(x))]
    helpers.assert_same_bits(np.concatenate(parts), whole)
    for device in dc.devices():
        if device["kind"] == "opencl" and device["usable"] and device["exact"]:
            helpers.assert_same_bits(call(x, device=device["id"]), whole, device["id"])
            moved = call(dc.to_device(x, device["id"]))
            helpers.assert_same_bits(moved.numpy(), whole, device["id"])


def test_refusals():
    x = cube()
    for call, error, words in (
            (lambda: dc.augment(x[0], NAMES, 1), ValueError, "cube has 6 axes, must have 7"),
            (lambda: dc.augment(x, NAMES[:3], 1), ValueError, "3 names for 4 variables"),
            (lambda: dc.augment(x, [1, 2, 3, 4], 1), TypeError, "must be strings"),
            (lambda: dc.augment(x, NAMES, -1), ValueError, "seed = -1"),
            (lambda: dc.augment(x, NAMES, 1, scale=2), ValueError, "must be two numbers"),
            (lambda: dc.augment(x, NAMES, 1, pressure_std=-1.0), ValueError, "pressure_std is -1"),
            (lambda: dc.augment(x, NAMES, 1, out=x), ValueError, "overlaps")):
        with pytest.raises(error, match=words):
            call()


def test_reanalysis_cube(real_data):
    """Winds and heights as a batch of cubes: every chance taken, steps compared in bits."""
    fields = np.load(os.path.join(real_data, "era_interim_uvz.npy"), mmap_mode="r")
    maps = np.asarray(fields, np.float32).reshape(-1, *fields.shape[-2:])[:8, :40, :64]
    x = np.ascontiguousarray(maps.reshape(1, 4, 2, 1, 1, 40, 64))
    got, draws = dc.augment(x, NAMES, 11, apply_chance=1.0, spatial_chance=1.0, temporal_chance=1.0)
    helpers.assert_same_bits(got, expected(x, 11, draws))

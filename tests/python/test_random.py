"""Random numbers against their definition written down in NumPy, and any cut against the whole."""

import doctest
import math

import dualcube as dc
import numpy as np
import pytest
from dualcube import random
from hypothesis import given
from hypothesis import strategies as st

import helpers

DTYPES = ("float32", "float64")
FUNCTIONS = (dc.random.uniform, dc.random.normal)
SEEDS = st.integers(0, 2**64 - 1)


def philox(block, dtype, kind, seed):
    """Four arrays of 32-bit words (in uint64), one element for each block number."""
    mask = np.uint64(0xFFFFFFFF)
    block = np.asarray(block, np.uint64)
    x = [block & mask, block >> np.uint64(32), np.full_like(block, dtype),
         np.full_like(block, kind)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        left, right = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(right >> np.uint64(32)) ^ x[1] ^ np.uint64(key[0]), right & mask,
             (left >> np.uint64(32)) ^ x[3] ^ np.uint64(key[1]), left & mask]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def expected_uniform(count, seed, offset, dtype):
    """The definition of dc.random.uniform on [0, 1)."""
    values = 4 if dtype == "float32" else 2
    at = [offset + i for i in range(count)]
    words = philox([v // values for v in at], 1 if values == 4 else 2, 0, seed)
    which = np.array([v % values for v in at], dtype=np.intp)
    if values == 4:
        return (np.choose(which, words) >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    draws = [words[0] | words[1] << np.uint64(32), words[2] | words[3] << np.uint64(32)]
    return (np.choose(which, draws) >> np.uint64(11)).astype(np.float64) * 2.0**-53


@given(seed=SEEDS, offset=st.integers(0, 2**62), count=st.integers(0, 90),
       dtype=st.sampled_from(DTYPES))
def test_uniform_by_its_definition(seed, offset, count, dtype):
    got = dc.random.uniform(count, seed, offset, dtype)
    helpers.assert_same_bits(got, expected_uniform(count, seed, offset, dtype))
    if count > 4:  # and the comparison sees another place
        assert not np.array_equal(got, expected_uniform(count, seed, offset + 1, dtype))


def test_scale_of_uniform():
    x = dc.random.uniform(1000, 3, dtype="float64")
    got = dc.random.uniform(1000, 3, dtype="float64", low=-2.0, high=6.0)
    helpers.assert_same_bits(got, x * 8.0 - 2.0)
    assert np.all(dc.random.uniform(9, 3, low=2.5, high=2.5) == 2.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_is_normal(dtype):
    n = 200000
    for seed in (0, 12345, 2**64 - 1):
        x = np.sort(dc.random.normal(n, seed, dtype=dtype).astype(np.float64))
        p = np.array([0.5 * math.erfc(-v * math.sqrt(0.5)) for v in x])
        steps = np.arange(n + 1) / n
        distance = max((p - steps[:-1]).max(), (steps[1:] - p).max())
        assert distance * math.sqrt(n) < 2.2  # some 10^-4 of good sequences exceed it
        assert abs(x.mean()) * math.sqrt(n) < 4.5
        assert abs(x.var() - 1) * math.sqrt(n / 2) < 4.5
    y = dc.random.normal(n, 1, dtype=dtype, mean=3.0, std=0.5)
    assert np.allclose(y, dc.random.normal(n, 1, dtype=dtype) * 0.5 + 3.0, rtol=0, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(dtype=st.sampled_from(DTYPES), seed=SEEDS, offset=st.integers(0, 2**40),
       cuts=st.lists(st.integers(0, 500), max_size=5))
def test_parts_are_the_whole(function, dtype, seed, offset, cuts):
    whole = function(500, seed, offset, dtype)
    places = [0, *sorted(cuts), 500]
    parts = [function(b - a, seed, offset + a, dtype) for a, b in zip(places, places[1:])]
    helpers.assert_same_bits(np.concatenate(parts), whole)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_isas_threads_and_devices(function, dtype):
    shape = (50, 40, 21)
    with dc.options(device="cpu", isa="baseline", threads=1):
        expected = function(shape, 99, 7, dtype)
    for isa in dc.topology()["isas"]:
        for threads in (1, 2, 3):
            with dc.options(device="cpu", isa=isa, threads=threads):
                helpers.assert_same_bits(function(shape, 99, 7, dtype), expected, isa)
    for device in dc.devices():
        if device["kind"] == "opencl" and device["usable"] and device["exact"]:
            got = function(shape, 99, 7, dtype, device=device["id"])
            helpers.assert_same_bits(got, expected, device["id"])
            assert dc.last_run()["device"] == device["id"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_out(function):
    whole = function((6, 5), 4)
    room = np.full((12, 10), 9, np.float32)
    for out in (np.empty((6, 5), np.float32), room[::2, ::-2], np.empty((5, 6), np.float32).T,
                np.zeros(6, [("a", "u1"), ("b", "f4", 5)])["b"]):
        assert function((6, 5), 4, out=out) is out
        assert np.array_equal(out, whole)
    assert np.all(room[1::2] == 9) and np.all(room[:, ::2] == 9)  # the gaps are as they were


def test_device_arrays():
    for device in dc.devices():
        if device["kind"] == "opencl" and device["usable"] and device["exact"]:
            out = dc.to_device(np.zeros((30, 4)), device["id"])
            assert dc.random.normal((30, 4), 8, 5, "float64", out=out) is out
            helpers.assert_same_bits(np.asarray(out), dc.random.normal((30, 4), 8, 5, "float64"))


def test_sequences_differ():
    a = dc.random.uniform(1000, 1)
    for b in (dc.random.uniform(1000, 2), dc.random.uniform(1000, 1 + 2**32),
              dc.random.uniform(1000, 1, 1000), dc.random.normal(1000, 1)):
        assert len(np.intersect1d(a, b)) < 10
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.15


def test_empty():
    for shape in (0, (0,), (3, 0, 2)):
        for function in FUNCTIONS:
            assert function(shape, 1, dtype="float64").shape == np.empty(shape).shape
    assert dc.random.permutation(0, 1).shape == (0,) and dc.random.choice(0, 0, 1).shape == (0,)


@given(n=st.integers(0, 300), seed=SEEDS)
def test_permutation(n, seed):
    got = dc.random.permutation(n, seed)
    assert got.dtype == np.int64 and np.array_equal(np.sort(got), np.arange(n))
    keys = expected_uniform(n, seed ^ 0x7065726D75746174, 0, "float64")
    assert got.tolist() == sorted(range(n), key=lambda i: (keys[i], i))
    for size in {0, n // 3, n}:
        chosen = dc.random.choice(n, size, seed)
        assert chosen.dtype == np.int64 and np.array_equal(chosen, got[:size])


def test_permutations_are_even():
    """Every number is first equally often, and every order of three comes out."""
    n, rounds = 10, 4000
    first = np.bincount([dc.random.permutation(n, seed)[0] for seed in range(rounds)], minlength=n)
    assert np.sum((first - rounds / n) ** 2) / (rounds / n) < 33  # chi squared, 9 degrees: 10^-4
    assert len({tuple(dc.random.permutation(3, seed)) for seed in range(100)}) == 6


BAD = (
    (ValueError, "seed", dict(seed=-1)), (ValueError, "seed", dict(seed=2**64)),
    (TypeError, "seed", dict(seed=1.5)), (TypeError, "seed", dict(seed=None)),
    (ValueError, "offset", dict(offset=-1)), (ValueError, "offset", dict(offset=2**63)),
    (ValueError, "offset", dict(offset=2**63 - 4)), (TypeError, "shape", dict(shape=2.5)),
    (ValueError, "shape", dict(shape=(2, -1))), (ValueError, "shape", dict(shape=())),
    (ValueError, "shape", dict(shape=(1,) * 9)), (TypeError, "dtype", dict(dtype="int32")),
    (TypeError, "dtype", dict(dtype=">f4")), (TypeError, "dtype", dict(dtype="float16")),
    (TypeError, "out", dict(out=[1.0])), (TypeError, "progress", dict(progress=3)),
)
BAD_UNIFORM = ((ValueError, "low", dict(low=2.0)), (ValueError, "low", dict(low=math.nan)),
               (ValueError, "high", dict(high=math.inf)), (TypeError, "high", dict(high="x")),
               (ValueError, "high - low", dict(low=-3e38, high=3e38)))
BAD_NORMAL = ((ValueError, "std", dict(std=-1.0)), (ValueError, "std", dict(std=math.nan)),
              (ValueError, "mean", dict(mean=math.inf)), (ValueError, "std", dict(std=1e300)),
              (ValueError, "std", dict(std=1e38)))


@pytest.mark.parametrize("function, bad", [
    (function, bad) for function, own in zip(FUNCTIONS, (BAD_UNIFORM, BAD_NORMAL))
    for bad in BAD + own])
def test_refusals(function, bad):
    error, word, changed = bad
    out = np.full((2, 3), 9, np.float32)
    given_ = {"shape": (2, 3), "seed": 1, "out": out, **changed}
    with pytest.raises(error, match=word):
        function(**given_)
    assert np.all(out == 9)


def test_refusals_of_out():
    locked = np.zeros(3, np.float32)
    locked.flags.writeable = False
    shared = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (3,), (0,))
    for out in (np.empty(4, np.float32), np.empty(3), locked, shared):
        with pytest.raises(ValueError, match="out|dst"):
            dc.random.uniform(3, 1, out=out)


def test_refusals_of_permutation_and_choice():
    for call in (lambda: dc.random.permutation(-1, 1), lambda: dc.random.permutation(3, -1),
                 lambda: dc.random.choice(3, 4, 1), lambda: dc.random.choice(3, -1, 1)):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(TypeError):
        dc.random.permutation(2.5, 1)


def test_explain():
    told = dc.explain("random_normal", (1000, 10), dtype="float32", device="cpu", std=2.0)
    assert told["device"] == "cpu" and "random_normal" in told["text"]


def test_examples():
    result = doctest.testmod(random)
    assert result.failed == 0 and result.attempted > 0

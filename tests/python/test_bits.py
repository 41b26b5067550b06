"""The promise: the same bits for every instruction set, thread count, chunk, layout and device."""

import dualcube as dc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import helpers
import oracle

DTYPES = (np.float64, np.float32)
WINDOWS = (1, 7, 16, 60, 257)
SETTINGS = [(isa, threads) for isa in dc.topology()["isas"] for threads in (1, 2, 3, 7)]

# bytes of a result that bypasses the caches, on machines where that is within reason
BEYOND = min(dc.topology()["l3_bytes"], 96 << 20) // 2 + (1 << 20)


def call(name, x, window, **options):
    if name == "quantile":
        options.setdefault("q", 0.9)
    return getattr(dc, "rolling_" + name)(x, window, **options)


def cube(dtype, rows=700, columns=13, missing=0.03):
    return helpers.series("normal", rows, columns, dtype, missing, 0.01, 11)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_isas_and_threads(name, dtype):
    x = cube(dtype)
    for window in WINDOWS:
        for options in ({"min_periods": 1}, {"center": True, "step": 3, "min_periods": 1}):
            with dc.options(device="cpu", isa="baseline", threads=1):
                expected = call(name, x, window, **options)
            for isa, threads in SETTINGS:
                with dc.options(device="cpu", isa=isa, threads=threads):
                    result = call(name, x, window, **options)
                helpers.assert_same_bits(result, expected, "%s %d %s" % (isa, threads, options))
                assert dc.last_run()["isa"] == isa


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_expanding_isas_and_threads(name, dtype):
    x = cube(dtype, rows=200)
    function = getattr(dc, "expanding_" + name)
    with dc.options(device="cpu", isa="baseline", threads=1):
        expected = function(x)
    for isa, threads in SETTINGS:
        with dc.options(device="cpu", isa=isa, threads=threads):
            helpers.assert_same_bits(function(x), expected, "%s %d" % (isa, threads))


@given(name=st.sampled_from(oracle.STATISTICS), dtype=st.sampled_from(DTYPES),
       window=st.integers(1, 90), cuts=st.lists(st.integers(0, 300), max_size=4),
       seed=st.integers(0, 999))
def test_chunks_with_a_halo(name, dtype, window, cuts, seed):
    """A chunk preceded by its window - 1 rows gives the rows of the one-shot run."""
    x = helpers.series("spikes", 300, 3, dtype, 0.05, 0, seed)
    whole = call(name, x, window, min_periods=1)
    edges = [0] + sorted(cuts) + [300]
    for first, last in zip(edges, edges[1:]):
        halo = min(first, window - 1)
        part = call(name, x[first - halo:last], window, min_periods=1)[halo:]
        helpers.assert_same_bits(part, whole[first:last], "%d to %d" % (first, last))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", (8, 29))
@pytest.mark.parametrize("name", ("mean", "min", "max"))
def test_beyond_the_caches(name, columns, dtype):
    """Results written past the caches have the bits of parts that stay inside, with and without
    gaps between the rows of the output."""
    rows = BEYOND // (columns * np.dtype(dtype).itemsize)
    x = cube(dtype, rows, columns, missing=1e-4)
    for window, gap, threads in ((16, 0, 1), (300, 0, 2), (300, 3, 1)):
        wide = np.full((rows, columns + gap), 5, dtype=dtype)
        call(name, x, window, device="cpu", threads=threads, out=wide[:, :columns])
        assert (wide[:, columns:] == 5).all()
        for first in range(0, rows, 30_011):
            halo = min(first, window - 1)
            part = call(name, x[first - halo:first + 30_011], window, device="cpu", threads=1)
            helpers.assert_same_bits(wide[first:first + 30_011, :columns], part[halo:],
                                     "window %d, gap %d, from row %d" % (window, gap, first))


def _layouts(x):
    """The same values in other memory."""
    rows, columns = x.shape
    yield "Fortran order", np.asfortranarray(x)
    wide = np.full((rows, 2 * columns + 1), 7, dtype=x.dtype)
    wide[:, 1::2] = x
    yield "every other column", wide[:, 1::2]
    tall = np.full((3 * rows, columns), 7, dtype=x.dtype)
    tall[::3] = x
    yield "every third row", tall[::3]
    yield "negative strides", np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    for shift in (1, 3, 4):
        bytes_ = bytearray(x.nbytes + 64)
        moved = np.frombuffer(bytes_, dtype=np.uint8, count=x.nbytes, offset=shift).view(x.dtype)
        moved = moved.reshape(x.shape)
        moved[...] = x
        yield "%d bytes off" % shift, moved
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    record = np.zeros(x.shape, dtype=[("pad", "u1"), ("value", x.dtype)])
    record["value"] = x
    yield "fields of packed records", record["value"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_layouts(name, dtype):
    x = cube(dtype, rows=300)
    for window in (5, 64):
        expected = call(name, x, window, min_periods=2)
        for what, same in _layouts(x):
            before = np.ascontiguousarray(same).tobytes()
            helpers.assert_same_bits(call(name, same, window, min_periods=2), expected, what)
            assert np.ascontiguousarray(same).tobytes() == before, what


def test_a_broadcast_column(rng):
    """Stride 0: one series seen several times."""
    x = rng.standard_normal(100)
    many = np.broadcast_to(x[:, None], (100, 5))
    result = dc.rolling_std(many, 9)
    for column in range(5):
        helpers.assert_same_bits(result[:, column].copy(), dc.rolling_std(x, 9))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_out_arrays(name, dtype):
    """Into any writeable memory, and the memory between its elements stays as it was."""
    x = cube(dtype, rows=200)
    expected = call(name, x, 6, min_periods=1)
    for make in (np.empty_like, np.asfortranarray):
        out = make(np.zeros_like(x))
        assert call(name, x, 6, min_periods=1, out=out) is out
        helpers.assert_same_bits(out, expected)
    wide = np.full((200, 39), 5, dtype=dtype)
    call(name, x, 6, min_periods=1, out=wide[::-1, 1:27:2])
    helpers.assert_same_bits(wide[::-1, 1:27:2].copy(), expected)
    assert (wide[:, 0:28:2] == 5).all() and (wide[:, 27:] == 5).all()
    odd = np.frombuffer(bytearray(x.nbytes + 1), dtype=np.uint8, offset=1).view(dtype)
    odd = odd.reshape(x.shape)
    call(name, x, 6, min_periods=1, out=odd)
    helpers.assert_same_bits(odd.copy(), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_devices(name, dtype, opencl):
    """By the class of the row: EXACT, and EXACT_IF where the device keeps denormals."""
    info = next(device for device in dc.devices(check=True) if device["id"] == opencl)
    if dtype == np.float64 and not info["fp64"]:
        with pytest.raises(dc.UnsupportedError, match="float64"):
            with dc.options(policy="device-or-fail"):
                call(name, cube(dtype), 7, device=opencl)
        return
    if dtype == np.float32 and not info["checks"]["denorm"]:
        pytest.skip("skipped: %s flushes float32 denormals" % opencl)
    x = cube(dtype, rows=300, columns=5)
    for window in (1, 16, 33):
        for options in ({"min_periods": 1}, {"center": True, "step": 2}):
            expected = call(name, x, window, device="cpu", **options)
            result = call(name, x, window, device=opencl, **options)
            assert dc.last_run()["device"] == opencl
            helpers.assert_same_bits(result, expected, "%s %d %s" % (name, window, options))

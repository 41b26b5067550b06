"""What may come in besides NumPy arrays, and empty input."""

import array

import dualcube as dc
import numpy as np
import pytest

import helpers
import oracle

EXPECTED = [0.5, 1.5, 2.5]


def check(value):
    result = dc.rolling_mean(value, 2)
    assert isinstance(result, np.ndarray) and result[1:].tolist() == EXPECTED


def test_sequences():
    check([0, 1, 2, 3])
    check((0.0, 1.0, 2.0, 3.0))
    check(range(4))


def test_buffers():
    check(array.array("d", range(4)))
    check(memoryview(array.array("i", range(4))))
    assert dc.rolling_sum(bytearray([1, 2, 3]), 2).tolist()[1:] == [3.0, 5.0]


def test_array_interface():
    class Holder:
        def __init__(self, values):
            self.values = values
            self.__array_interface__ = values.__array_interface__

    check(Holder(np.arange(4.0)))


def test_dlpack():
    class Capsule:
        """DLPack and nothing else."""

        def __init__(self, values):
            self.values = values

        def __dlpack__(self, **options):
            return self.values.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.values.__dlpack_device__()

    check(Capsule(np.arange(4.0)))
    frozen = np.arange(4.0)
    frozen.flags.writeable = False
    try:
        np.from_dlpack(Capsule(frozen))
    except (BufferError, RuntimeError):  # NumPy before 2.1 does not export read-only memory
        with pytest.raises(TypeError, match="x: "):
            dc.rolling_mean(Capsule(frozen), 2)
    else:
        check(Capsule(frozen))


def test_dlpack_of_another_device():
    class Elsewhere:
        def __dlpack__(self, **_):
            raise AssertionError("must not be asked")

        def __dlpack_device__(self):
            return (2, 0)  # kDLCUDA

    with pytest.raises(TypeError, match="DLPack device"):
        dc.rolling_mean(Elsewhere(), 2)


def test_masked_arrays():
    """A mask is missing data."""
    x = np.ma.masked_array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])
    assert dc.rolling_sum(x, 2, min_periods=1).tolist() == [1.0, 1.0, 3.0, 7.0]
    whole = np.ma.masked_array([1, 2, 3], mask=[True, False, False])
    assert dc.rolling_count(whole, 2, min_periods=0).tolist() == [0.0, 1.0, 2.0]


def test_memory_mapped_files(tmp_path, rng):
    path = tmp_path / "x.npy"
    np.save(path, rng.standard_normal((500, 3)))
    mapped = np.load(path, mmap_mode="r")
    helpers.assert_same_bits(dc.rolling_median(mapped, 9), dc.rolling_median(np.load(path), 9))


@pytest.mark.parametrize("name", oracle.STATISTICS)
@pytest.mark.parametrize("shape", ((0,), (0, 3), (4, 0), (0, 0, 2)))
def test_empty(name, shape):
    for dtype in (np.float64, np.float32):
        for function in (getattr(dc, "rolling_" + name), getattr(dc, "expanding_" + name)):
            arguments = (3,) if function.__name__.startswith("rolling") else ()
            result = function(np.empty(shape, dtype), *arguments)
            assert result.shape == shape and result.dtype == dtype


@pytest.mark.parametrize("name", oracle.STATISTICS)
def test_window_beyond_the_series(name):
    x = np.array([2.0, 1.0, 4.0])
    for window in (3, 4, 50, 1 << 40):
        result = getattr(dc, "rolling_" + name)(x, window, min_periods=1)
        expected = getattr(dc, "expanding_" + name)(x)
        np.testing.assert_allclose(result, expected, rtol=1e-15)


@pytest.mark.parametrize("axes", range(1, 9))
def test_numbers_of_axes(axes, rng):
    x = rng.standard_normal((2,) * (axes - 1) + (6,))
    result = dc.rolling_max(x, 3, axis=-1)
    expected = dc.rolling_max(np.ascontiguousarray(x.reshape(-1, 6).T), 3).T.reshape(x.shape)
    assert np.array_equal(result, expected, equal_nan=True)


def test_order_of_the_result_follows_the_input(rng):
    """Fortran order in, Fortran order out, small and pooled."""
    for rows in (50, 100_000):
        x = np.asfortranarray(rng.standard_normal((rows, 4)))
        assert dc.rolling_mean(x, 3).flags.f_contiguous
        assert dc.rolling_mean(np.ascontiguousarray(x), 3).flags.c_contiguous


def test_subclasses_and_scalars_in_lists():
    class Mine(np.ndarray):
        pass

    x = np.arange(4.0).view(Mine)
    check(np.asarray(dc.rolling_mean(x, 1)))


def test_features(rng):
    x = rng.standard_normal((40, 3))
    stats = oracle.STATISTICS + ("quantile_0.25",)
    features, names = dc.rolling_features(x, 5, stats=stats, q=0.75, ddof=0, center=True, step=2)
    assert names == stats and features.shape == (20, 3, len(stats))
    common = {"center": True, "step": 2}
    for place, name in enumerate(oracle.STATISTICS):
        own = {"q": 0.75} if name == "quantile" else {"ddof": 0} if name in ("var", "std") else {}
        helpers.assert_same_bits(features[..., place].copy(),
                                 getattr(dc, "rolling_" + name)(x, 5, **common, **own), name)
    helpers.assert_same_bits(features[..., -1].copy(),
                             dc.rolling_quantile(x, 5, q=0.25, **common))
    out = np.zeros((40, 3, 2))
    result, _ = dc.rolling_features(x, 5, stats=("mean", "max"), out=out)
    assert result is out

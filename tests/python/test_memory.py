"""Who keeps memory alive, and where it goes back to."""

import copy
import gc
import pickle
import threading

import dualcube as dc
import numpy as np
import pytest

import helpers

LARGE = (400, 1024)  # 3.1 MiB of float64: beyond the size from which results are pooled


def large(seed=0):
    return np.random.default_rng(seed).standard_normal(LARGE)


def in_use():
    gc.collect()
    return dc.pool_stats("host")["in_use_bytes"]


def test_results_return_to_the_pool():
    dc.rolling_mean(large(), 3, device="cpu")  # the queue keeps its scratch memory
    before = in_use()
    y = dc.rolling_mean(large(), 3, device="cpu")
    assert in_use() >= before + y.nbytes
    part = y[10:20, 3]  # a view keeps the whole block
    kept = part.copy()
    del y
    assert in_use() > before
    for seed in range(3):  # the block must not be handed out again
        dc.rolling_mean(large(seed + 1), 3, device="cpu")
    assert np.array_equal(part, kept)
    del part
    assert in_use() == before


def test_pool_is_reused_and_trimmed():
    dc.rolling_mean(large(), 3, device="cpu")
    gc.collect()
    hits = dc.pool_stats("host")["hits"]
    dc.rolling_mean(large(), 3, device="cpu")
    gc.collect()
    stats = dc.pool_stats("host")
    assert stats["hits"] > hits and stats["cached_bytes"] > 0
    dc.trim("host")
    assert dc.pool_stats("host")["cached_bytes"] == 0


def test_living_outputs_are_bounded(monkeypatch):
    """Beyond the documented share of memory results are plain NumPy arrays."""
    from dualcube import _memory

    monkeypatch.setattr(_memory, "LIMIT", _memory._ledger.bytes + (4 << 20))
    before = in_use()
    first, second = dc.rolling_mean(large(), 3), dc.rolling_mean(large(), 3)
    assert in_use() - before < 2 * first.nbytes
    helpers.assert_same_bits(first, second)


def test_results_are_aligned_and_writeable():
    y = dc.rolling_mean(large(), 3)
    assert y.ctypes.data % 64 == 0 and y.flags.writeable and y.flags.c_contiguous


def test_result_outlives_its_thread():
    kept = []
    worker = threading.Thread(target=lambda: kept.append(dc.rolling_mean(large(), 5)))
    worker.start()
    worker.join()
    expected = dc.rolling_mean(large(), 5)
    helpers.assert_same_bits(kept[0], expected)


def test_input_may_be_dropped_at_once():
    """Temporaries as input: the call holds them as long as it needs them."""
    result = [dc.rolling_sum(np.full(LARGE, float(k)), 2, device="cpu")[5, 5] for k in range(4)]
    assert result == [0.0, 2.0, 4.0, 6.0]


def test_results_pickle():
    y = dc.rolling_mean(large(), 3)
    again = pickle.loads(pickle.dumps(y))
    helpers.assert_same_bits(again, y)
    assert pickle.loads(pickle.dumps(dc.rolling_mean)) is dc.rolling_mean


# ---- device-resident arrays ---------------------------------------------------------------------


@pytest.fixture(params=("cpu", "opencl"))
def device(request):
    if request.param == "opencl":
        return request.getfixturevalue("opencl")
    return "cpu"


def test_to_device_and_back(device, rng):
    for x in (rng.standard_normal((5, 7)), np.arange(6, dtype=np.float32), np.zeros((0, 3)),
              rng.standard_normal((4, 6))[::-1, ::2], np.asfortranarray(rng.random((3, 4)))):
        a = dc.to_device(x, device=device)
        assert (a.shape, a.dtype, a.ndim, a.size, a.nbytes) == (x.shape, x.dtype, x.ndim, x.size,
                                                                x.nbytes)
        assert a.device == device and len(a) == len(x) and device in repr(a)
        helpers.assert_same_bits(a.numpy(), np.ascontiguousarray(x))
        out = np.empty(x.shape, x.dtype)
        assert a.numpy(out=out) is out
        helpers.assert_same_bits(np.asarray(a), out)


def test_chain(device, rng):
    """A chain has the bits of the host calls and moves nothing between its steps."""
    x = rng.standard_normal((500, 6))
    a = dc.to_device(x, device=device)
    before = dc.counters()
    b = dc.rolling_mean(a, 5, min_periods=1)
    c = dc.rolling_median(b, 16, min_periods=1, step=2)
    d = dc.rolling_std(c, 4).wait()
    after = dc.counters()
    assert (before["bytes_to_host"], before["bytes_to_device"]) == (after["bytes_to_host"],
                                                                    after["bytes_to_device"])
    host = dc.rolling_mean(x, 5, min_periods=1, device="cpu")
    host = dc.rolling_median(host, 16, min_periods=1, step=2, device="cpu")
    helpers.assert_same_bits(d.numpy(), dc.rolling_std(host, 4, device="cpu"))


def test_steps_of_a_chain_may_be_dropped(device):
    """Buffers of dropped arrays are not reused before their calls are done."""
    x = np.arange(40000.0).reshape(-1, 4)
    expected = x
    a = dc.to_device(x, device=device)
    for window in (2, 3, 2, 5):
        a = dc.rolling_max(a, window, min_periods=1)
        expected = dc.rolling_max(expected, window, min_periods=1, device="cpu")
    helpers.assert_same_bits(a.numpy(), expected)


def test_out_on_a_device(device, rng):
    x = rng.standard_normal((50, 3))
    a, out = dc.to_device(x, device=device), dc.to_device(np.zeros((50, 3)), device=device)
    assert dc.rolling_min(a, 4, out=out) is out
    helpers.assert_same_bits(out.numpy(), dc.rolling_min(x, 4, device="cpu"))
    with pytest.raises(ValueError, match="overlap"):
        dc.rolling_min(a, 4, out=a)
    with pytest.raises(ValueError, match="out has shape"):
        dc.rolling_min(a, 4, step=2, out=out)
    with pytest.raises(TypeError, match="out must be a dualcube.Array"):
        dc.rolling_min(a, 4, out=np.zeros((50, 3)))


def test_device_arrays_pickle_by_value(device, rng):
    a = dc.to_device(rng.standard_normal((20, 3)), device=device)
    for again in (pickle.loads(pickle.dumps(a)), copy.deepcopy(a)):
        assert again.device == device and again is not a
        helpers.assert_same_bits(again.numpy(), a.numpy())


def test_the_wrong_device(rng):
    a = dc.to_device(rng.standard_normal(10), device="cpu")
    with pytest.raises(ValueError, match="lives on 'cpu'"):
        dc.rolling_mean(a, 2, device="opencl")
    with pytest.raises(ValueError, match="out must be a C-contiguous"):
        a.numpy(out=np.zeros(9))
    with pytest.raises(ValueError, match="without a copy"):
        a.__array__(copy=False)


def test_device_array_in_another_thread(device, rng):
    x = rng.standard_normal((3000, 4))
    a = dc.rolling_mean(dc.to_device(x, device=device), 3, min_periods=1)
    results = [None] * 4

    def work(place):
        results[place] = dc.rolling_max(a, 7, min_periods=1).numpy()

    workers = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    expected = dc.rolling_max(dc.rolling_mean(x, 3, min_periods=1, device="cpu"), 7, min_periods=1,
                              device="cpu")
    for result in results:
        helpers.assert_same_bits(result, expected)


@pytest.fixture
def cl_queue():
    cl = pytest.importorskip("pyopencl", reason="skipped: pyopencl is not installed")
    pytest.importorskip("pyopencl.array")
    try:
        context = cl.create_some_context(interactive=False)
    except cl.Error as error:
        pytest.skip("skipped: pyopencl finds no device (%s)" % error)
    return cl.CommandQueue(context)


def test_pyopencl_arrays(cl_queue, rng):
    """A pyopencl array stays on its own queue, without a copy."""
    import pyopencl.array as cla

    x = rng.standard_normal((200, 3)).astype(np.float32)
    a = cla.to_device(cl_queue, x)
    y = dc.rolling_median(dc.rolling_mean(a, 5), 4, step=3)
    assert isinstance(y, cla.Array) and y.queue is cl_queue
    expected = dc.rolling_median(dc.rolling_mean(x, 5, device="cpu"), 4, step=3, device="cpu")
    helpers.assert_same_bits(y.get(), expected)
    out = cla.zeros(cl_queue, (200, 3), np.float32)
    assert dc.rolling_max(a, 7, out=out) is out
    helpers.assert_same_bits(out.get(), dc.rolling_max(x, 7, device="cpu"))
    part = dc.rolling_sum(a[50:150, ::2], 3)  # an offset and a stride
    helpers.assert_same_bits(part.get(), dc.rolling_sum(x[50:150, ::2], 3, device="cpu"))


def test_pyopencl_refusals(cl_queue):
    import pyopencl.array as cla

    a = cla.to_device(cl_queue, np.arange(6))
    with pytest.raises(TypeError, match="astype"):
        dc.rolling_mean(a, 2)
    a = cla.to_device(cl_queue, np.arange(6, dtype=np.float32))
    with pytest.raises(ValueError, match="own queue"):
        dc.rolling_mean(a, 2, device="cpu")
    with pytest.raises(ValueError, match="out must be a pyopencl array"):
        dc.rolling_mean(a, 2, out=np.zeros(6, np.float32))
    with pytest.raises(ValueError, match="window is 0"):
        dc.rolling_mean(a, 0)
    with pytest.raises(ValueError, match="without a queue"):
        dc.rolling_mean(a.with_queue(None), 2)

"""Devices, records, counters, traces, progress, cancellation, threads, fork, import."""

import json
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dualcube as dc
import numpy as np
import pytest

import helpers
import oracle


def test_devices():
    found = dc.devices()
    assert found[0]["id"] == "cpu" and found[0]["usable"] and found[0]["isa"] in (
        "baseline", "avx2", "avx512")
    assert [device["index"] for device in found] == list(range(len(found)))
    for device in found:
        assert device["usable"] or device["error"]
    json.dumps(found)


def test_topology():
    found = dc.topology()
    assert 1 <= found["threads"] <= found["affinity_cpus"] <= found["logical_cpus"]
    assert found["isas"][0] == "baseline" and found["text"].strip()


def test_explain_and_last_run():
    plan = dc.explain("rolling_median", (1000, 10), 16, dtype="float32", device="cpu", step=3)
    assert plan["operation"] == "rolling_median" and plan["device"] == "cpu"
    assert plan["estimated_cpu_ms"] > 0 and plan["reason"] and "rolling_median" in plan["text"]
    dc.rolling_median(np.zeros((1000, 10), np.float32), 16, device="cpu", threads=1)
    run = dc.last_run()
    assert run["operation"] == "rolling_median" and run["measured_ms"] > 0
    assert run["threads"] == 1 and run["bytes"] > 0 and not run["fell_back"]


@pytest.mark.parametrize("name, shape, options", [
    ("spectral_welch", (10, 1000), {"nperseg": 256, "out": (10, 129)}),
    ("smooth_gaussian", (1000, 50), {"sigma": 2.0}),
    ("smooth_moving", (100, 5), {"window": 5}),
    ("scale_quantize", (100, 5), {"out_dtype": "int8"}),
    ("reduce_mean", (100, 5), {"axis": 0}),
    ("reduce_mean", (100, 5), {"axis": None}),
    ("reduce_max", (4, 100, 5), {"axis": (0, -1)}),
])
def test_explain_of_every_family(name, shape, options):
    told = dc.explain(name, shape, device="cpu", **options)
    assert told["operation"] == name and told["bytes"] > 0 and name in told["text"]


def test_explain_says_what_is_wrong_with_an_output():
    with pytest.raises(TypeError, match="out_dtype is complex128"):
        dc.explain("scale_quantize", (100, 5), out_dtype="complex128")
    with pytest.raises(ValueError, match="axis = 2, the array has 2 axes"):
        dc.explain("reduce_mean", (100, 5), axis=2)


def test_last_run_belongs_to_the_thread():
    dc.rolling_mean(np.arange(4.0), 2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(dc.last_run).result() is None


def test_counters():
    before = dc.counters()
    dc.rolling_mean(np.arange(4.0), 2, device="cpu")
    after = dc.counters()
    assert after["calls_cpu"] == before["calls_cpu"] + 1


def test_options_nest():
    x = np.arange(100.0)
    with dc.options(device="cpu", isa="baseline"):
        with dc.options(threads=2):
            dc.rolling_mean(x, 3)
            assert dc.last_run()["isa"] == "baseline"
        with ThreadPoolExecutor(1) as pool:  # another thread has its own settings
            best = pool.submit(lambda: dc.rolling_mean(x, 3, device="cpu") is not None
                               and dc.last_run()["isa"]).result()
        assert best == dc.topology()["isas"][-1]
    dc.rolling_mean(x, 3, device="cpu")
    assert dc.last_run()["isa"] == best
    block = dc.options(policy="cpu")
    with block, block:
        dc.rolling_mean(x, 3)
        assert dc.last_run()["device"] == "cpu" and "policy" in dc.last_run()["reason"]


def test_device_or_fail(opencl):
    with dc.options(policy="device-or-fail"):
        dc.rolling_mean(np.arange(8, dtype=np.float32), 2)
        assert dc.last_run()["device_kind"] == "opencl"


def test_device_or_fail_without_a_device():
    text = helpers.python("""
import dualcube as dc, numpy as np
with dc.options(policy="device-or-fail"):
    try:
        dc.rolling_mean(np.arange(8.0), 2)
    except dc.UnsupportedError as error:
        print("refused:", error)
with dc.options(policy="device"):
    dc.rolling_mean(np.arange(8.0), 2)
    print(dc.last_run()["fell_back"])
""", OCL_ICD_VENDORS="/nonexistent", OPENCL_VENDOR_PATH="/nonexistent")
    first, second = text.splitlines()
    assert first.startswith("refused:") and second == "True"


def test_trace(tmp_path):
    path = tmp_path / "trace.json"
    with dc.trace(path):
        dc.rolling_mean(np.arange(1000.0), 3, device="cpu")
    events = json.loads(path.read_text())
    events = events["traceEvents"] if isinstance(events, dict) else events
    assert any("rolling_mean" in str(event.get("name")) for event in events)


def test_trace_by_environment(tmp_path):
    path = tmp_path / "trace.json"
    helpers.python("import dualcube as dc; dc.rolling_mean([1.0, 2.0], 2)",
                   DUALCUBE_TRACE=str(path))
    assert json.loads(path.read_text())


def test_plans_reach_the_logger():
    text = helpers.python("""
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
import dualcube as dc
dc.rolling_mean([1.0, 2.0], 2, device="cpu")
""", DUALCUBE_TRACE="plan")
    assert "rolling_mean" in text and "dualcube" in text


def test_silence(capfd):
    """Neither success nor failure prints."""
    dc.rolling_mean(np.arange(4.0), 2)
    with pytest.raises(ValueError):
        dc.rolling_mean(np.arange(4.0), 0)
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("dualcube").handlers


# ---- progress and cancellation ------------------------------------------------------------------

SLOW = {"min_periods": 1, "device": "cpu", "threads": 1}


def slow_input():
    """Some seconds of work: an expanding median looks at all rows before each."""
    return np.random.default_rng(3).standard_normal((30_000, 16))


def test_progress():
    seen = []
    x = np.random.default_rng(0).standard_normal((200_000, 4))
    result = dc.rolling_median(x, 33, device="cpu", progress=lambda done, total: seen.append(
        (done, total)))
    helpers.assert_same_bits(result, dc.rolling_median(x, 33, device="cpu"))
    assert all(0 <= done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("device", ("cpu", "opencl"))
def test_progress_cancels(device, request):
    device = request.getfixturevalue("opencl") if device == "opencl" else device
    options = {**SLOW, "device": device}
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="progress callback"):
        dc.expanding_median(slow_input(), progress=lambda done, total: True, **options)
    assert time.monotonic() - start < 20
    assert dc.rolling_sum(np.arange(3.0), 2, device=device)[2] == 3  # the queue works on


def test_progress_that_raises():
    class Enough(Exception):
        pass

    def progress(_done, _total):
        raise Enough("so far")

    with pytest.raises(Enough, match="so far"):
        dc.expanding_median(slow_input(), progress=progress, **SLOW)


def test_no_call_within_a_callback():
    def progress(_done, _total):
        dc.expanding_median(np.arange(5.0), **SLOW)

    with pytest.raises(RuntimeError, match="may not start another call"):
        dc.expanding_median(slow_input(), progress=progress, **SLOW)


def test_interrupt():
    """Ctrl-C ends a long call soon, as KeyboardInterrupt, and the handler is put back."""
    # A shell starts its background jobs with SIGINT ignored, and so would Python run here.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            while time.monotonic() - start < 30:
                dc.expanding_median(slow_input(), **SLOW)
        assert time.monotonic() - start < 10
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


# ---- threads and processes ----------------------------------------------------------------------


def test_many_threads():
    """Sixteen threads, all rows, one context: the bits of one thread."""
    x = helpers.series("normal", 400, 6, np.float64, 0.05, 0, 5)
    rows = [(name, window) for name in oracle.STATISTICS for window in (3, 20, 64)]
    expected = {row: getattr(dc, "rolling_" + row[0])(x, row[1], min_periods=1) for row in rows}

    def work(seed):
        order = np.random.default_rng(seed).permutation(len(rows))
        for place in order:
            name, window = rows[place]
            result = getattr(dc, "rolling_" + name)(x, window, min_periods=1, device="cpu",
                                                    threads=1 + seed % 2)
            helpers.assert_same_bits(result, expected[rows[place]], name)
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(32)))


def test_fork():
    """A child made by fork() computes; its parent's device handles are refused, not touched."""
    if not hasattr(os, "fork"):
        pytest.skip("skipped: no fork() here")
    text = helpers.python("""
import os, sys, warnings
import dualcube as dc, numpy as np
warnings.simplefilter("ignore")
x = np.random.default_rng(0).standard_normal((20000, 20))
expected = dc.rolling_std(x, 9)
held = dc.to_device(x, device="cpu")
sys.stdout.flush()
child = os.fork()
if child == 0:
    code = 1
    try:
        same = dc.rolling_std(x, 9).tobytes() == expected.tobytes()
        try:
            held.numpy()
        except dc.DeviceError:
            code = 0 if same else 2
        del held, expected
    finally:
        os._exit(code)
print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
print(dc.rolling_std(x, 9).tobytes() == expected.tobytes())
""")
    assert text.split() == ["0", "True"]


def test_workers_by_spawn():
    text = helpers.python("""
import multiprocessing
import dualcube as dc
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.starmap(dc.rolling_sum, [([1.0, 2.0], 2), ([3.0, 4.0], 2)])[1][1])
""")
    assert text == "7.0"


def test_import_starts_no_driver():
    text = helpers.python("""
import dualcube as dc
dc.rolling_mean([1.0, 2.0, 3.0], 2)
print(sum("opencl" in line.lower() for line in open("/proc/self/maps")))
""")
    assert text == "0"


def test_without_opencl():
    """No OpenCL installed: the CPU is listed, and everything computes."""
    text = helpers.python("""
import dualcube as dc, numpy as np
print([device["id"] for device in dc.devices() if device["usable"]])
print(dc.rolling_median(np.arange(200000.0), 64)[-1])
try:
    dc.rolling_mean([1.0], 1, device="opencl")
except dc.UnsupportedError as error:
    print("no device:", error)
""", OCL_ICD_VENDORS="/nonexistent", OPENCL_VENDOR_PATH="/nonexistent")
    lines = text.splitlines()
    assert lines[0] == "['cpu']" and lines[1] == "199967.5" and lines[2].startswith("no device:")


def test_a_missing_library_is_named():
    text = helpers.python("""
try:
    import dualcube
except ImportError as error:
    print(error)
""", DUALCUBE_LIBRARY="/nonexistent/libdualcube.so")
    assert "/nonexistent/libdualcube.so" in text and "DUALCUBE_LIBRARY" in text


@pytest.mark.parametrize("name, value, text", [
    ("DUALCUBE_CPU_ISA", "avx9", "DUALCUBE_CPU_ISA"), ("DUALCUBE_THREADS", "many",
                                                       "DUALCUBE_THREADS"),
    ("DUALCUBE_FALLBACK", "never", "DUALCUBE_FALLBACK"), ("DUALCUBE_DEVICE", "gpu", "gpu"),
])
def test_bad_environment(name, value, text):
    out = helpers.python("""
import dualcube as dc
try:
    dc.rolling_mean([1.0], 1)
except (ValueError, RuntimeError) as error:
    print(error)
""", **{name: value})
    assert text in out and "\n" not in out


def test_the_api_wins_over_the_environment():
    out = helpers.python("""
import dualcube as dc
dc.rolling_mean([1.0], 1, threads=1)
first = dc.last_run()["isa"]
with dc.options(isa="baseline"):
    dc.rolling_mean([1.0], 1)
print(first, dc.last_run()["isa"])
""", DUALCUBE_CPU_ISA=dc.topology()["isas"][-1])
    assert out == "%s baseline" % dc.topology()["isas"][-1]

"""bench/peers runs, compares and records; every one of its checks can fail."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT
from helpers import PACKAGE

sys.path.insert(0, ROOT)
if not os.path.isdir(os.path.join(ROOT, "bench", "peers")):
    pytest.skip("skipped: bench/peers is not beside the tests", allow_module_level=True)

from bench.peers import bars, libraries, measure, record


def peers(*arguments):
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    return subprocess.run([sys.executable, "-m", "bench.peers", *arguments], cwd=ROOT,
                          env=environment, timeout=120, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def test_quick_run(tmp_path):
    installed = libraries.present()
    if "pandas" not in installed:
        pytest.skip("skipped: pandas is not installed")
    path = tmp_path / "records.jsonl"
    done = peers("--quick", "--operation", "mean", "--peer", "pandas", "--only", "peers", "--only",
                 "import", "-o", str(path))
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert records[0]["format"] == "dualcube.peers"
    assert records[0]["libraries"]["pandas"]["threads"] == 1
    assert records[0]["floors"]["copy_bytes_per_second"] > 0
    ratios = [entry for entry in records if entry["record"] == "ratio"]
    assert ratios and all(entry["slow"]["library"] == "pandas" for entry in ratios)
    assert all(entry["ratio"] > 0 and entry["copy_ns_per_element"] > 0 for entry in ratios)
    started = next(entry for entry in records if entry["record"] == "import")
    assert started["opencl"] == [] and 0 < started["total_s"] < 30
    assert records[-1]["record"] == "end"
    assert "mean against pandas" in done.stdout


def test_latency(tmp_path):
    path = tmp_path / "records.jsonl"
    done = peers("--quick", "--only", "latency", "--operation", "median", "-o", str(path))
    if "needs a C compiler" in done.stderr:
        pytest.skip("skipped: " + done.stderr.strip())
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    calls = [entry for entry in entries if entry["record"] == "latency"]
    assert len(calls) == 4 and all(entry["median_us"] > 0 for entry in calls)


def test_contests():
    """Shares of the work count, calls are checked, bars are judged."""
    from bench.peers import contest

    def records(near, got):
        one = contest.Contest("row", "title", 1000, lambda: sum(range(2000)),
                              [("all", lambda: sum(range(20000)), 1, 2, 100),
                               ("a tenth", lambda: sum(range(20000)), 1, 20, 1000, 0.1)], 1,
                              lambda: (got, [1.0]), near)
        return list(contest._records(one, None, True))

    whole, tenth = records(1e-4, [1.0])
    assert whole["verdict"] == "must" and 3 < whole["ratio"] < 40
    assert tenth["ratio"] > 5 * whole["ratio"] and tenth["slow"]["elements"] == 100
    with pytest.raises(measure.Disagreement, match="title"):
        records(1e-4, [1.1])


def test_usage():
    done = peers("--operation", "mode")
    assert done.returncode == 2 and "must be one of" in done.stderr


def test_every_bar_of_the_table_is_measured():
    cases = bars.peer_cases(bars.SIZES, None, list(bars.PEERS))
    found = {(bar.row, bar.fast.window, bar.fast.data): (bar.must, bar.aim)
             for case in cases for bar in case.bars}
    big = bars.Data(1_000_000, 8, "float32")
    small = bars.Data(10_000, 50, "float64")
    assert found["median against bottleneck", 16, big] == (40, 65)
    assert found["median against bottleneck", 4096, small] == (2.5, 4.4)
    assert found["quantile against pandas", 256, small] == (60, 110)
    assert found["min against bottleneck", 4096, big] == (20, 36)
    assert found["sum against bottleneck", 16, small] == (1.4, 2.5)
    assert found["std against bottleneck", 256, big] == (2.2, 3.5)
    assert found["std against bottleneck", 4096, small] == (None, None)
    assert found["mean against bottleneck", 4096, big] == (1, 1.5)
    own = bars.own_cases(False)
    rows = {bar.row for case in own for bar in case.bars}
    assert rows == {"odd windows", "few columns", "missing values", "two threads"}


@pytest.mark.parametrize("value, must, aim, at_least, expected", [
    (5, 4, 6, True, "must"), (6, 4, 6, True, "aim"), (3.9, 4, 6, True, "SHORT"),
    (1.4, 1.5, 1.2, False, "must"), (1.6, 1.5, 1.2, False, "SHORT"), (1, None, None, True, "-"),
])
def test_verdicts(value, must, aim, at_least, expected):
    assert record.verdict(value, must, aim, at_least) == expected


def test_bars_of_other_instruction_sets():
    assert bars.scaled((20, 33), "median", "bottleneck", "avx2") == (10, 16.5)
    assert bars.scaled((2, 4), "mean", "bottleneck", "avx2") == (2, 4)
    assert bars.scaled((10, 20), "mean", "pandas", "baseline") == (1, 1)
    assert bars.scaled((10, 20), "mean", "bottleneck", "baseline") is None


def test_a_wrong_result_is_noticed(monkeypatch):
    """A peer that computes something else ends the run."""
    import numpy as np

    data = bars.Data(300, 3, "float64")
    ours = bars.Contestant("dualcube", "mean", 5, data)
    wrong = bars.Contestant("wrong", "mean", 5, data)
    monkeypatch.setattr(libraries, "_wrong", lambda c, array, isa: lambda: np.zeros_like(array),
                        raising=False)
    with pytest.raises(measure.Disagreement, match="wrong and dualcube differ in mean"):
        measure.run(bars.Case("planted", [ours, wrong]), measure.Arrays(), quick=True)


def test_records_are_whole_or_absent(tmp_path):
    path = tmp_path / "a" / "records.jsonl"
    with pytest.raises(ZeroDivisionError):
        with record.Writer(str(path)) as writer:
            writer.add({"record": "run"})
            raise ZeroDivisionError
    assert list((tmp_path / "a").iterdir()) == []

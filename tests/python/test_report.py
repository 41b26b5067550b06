"""The pages: whole, self-contained, the same for the same files, and clear about bad files."""

import html.parser
import json

import dualcube as dc
import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="skipped: matplotlib is not installed")

from dualcube import _plots, report

STATISTICS = ["mean", "std", "max", "quantile_0.9"]


class Page(html.parser.HTMLParser):
    """Checks that tags are closed and that nothing is loaded from outside."""

    VOID = {"meta", "br", "img", "link", "hr", "path", "use", "rect", "line", "circle"}

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.drawings = [], [], 0
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "img", "object"), tag
        self.drawings += tag == "svg"
        for name, value in attributes:
            if name in ("src", "href", "xlink:href"):
                assert value.startswith("#"), value
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        if tag not in self.VOID:
            self.handle_starttag(tag, attributes)
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def run(tmp_path, rng):
    """A feature run as the command writes it."""
    data = rng.standard_normal((3000, 5)).cumsum(axis=0)
    data[rng.random(data.shape) < 0.05] = np.nan
    data[7, 2] = np.inf
    features, _ = dc.rolling_features(data, 60, stats=STATISTICS, step=2)
    paths = {name: tmp_path / (name + ".npy") for name in ("input", "features")}
    np.save(paths["input"], data)
    np.save(paths["features"], features)
    meta = {
        "format": "dualcube.features", "statistics": STATISTICS, "library": dc.version(),
        "parameters": {"window": 60, "step": 2}, "seconds": 0.25, "values_per_second": 4.8e5,
        "machine": {"cpu": "a <test> & CPU"},
        "runs": [{"statistic": name, "device": "cpu", "isa": "avx2", "threads": 2, "seconds": 0.01,
                  "class": "EXACT", "reason": "CPU: by policy"} for name in STATISTICS],
    }
    (tmp_path / "features.json").write_text(json.dumps(meta))
    return tmp_path


def arguments(folder, *more):
    return ["--features", str(folder / "features.npy"), "--input", str(folder / "input.npy"), "-o",
            str(folder / "page.html"), *more]


def test_page(run):
    assert report.main(arguments(run)) == 0
    text = (run / "page.html").read_text()
    page = Page(text)
    words = " ".join(page.text)
    assert page.drawings == 5  # four columns and the missing values
    for part in ("mean", "quantile_0.9", "a <test> & CPU", "missing", "CPU: by policy"):
        assert part in words
    assert "http" not in text.replace("http://www.w3.org", "")
    assert report.main(arguments(run)) == 0
    assert (run / "page.html").read_text() == text
    assert [path.name for path in run.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize("shape", ((0, 3), (40,), (50, 2, 2), (1, 1)))
def test_shapes(tmp_path, shape):
    data = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    flat = data.reshape(shape[0], -1) if data.size else np.zeros((0, 3), np.float32)
    features, _ = dc.rolling_features(flat, 4, stats=("median", "count"), min_periods=0)
    np.save(tmp_path / "input.npy", data)
    np.save(tmp_path / "features.npy", features)
    (tmp_path / "features.json").write_text(json.dumps(
        {"format": "dualcube.features", "statistics": ["median", "count"]}))
    assert report.main(arguments(tmp_path)) == 0
    Page((tmp_path / "page.html").read_text())


@pytest.mark.parametrize("spoil, text", [
    (lambda folder: (folder / "features.npy").write_bytes(b"\x93NUMPY\x01\x00"), "cannot be read"),
    (lambda folder: (folder / "features.json").write_text("{"), "cannot be read"),
    (lambda folder: (folder / "features.json").write_text('{"format": "other"}'), "format is not"),
    (lambda folder: np.save(folder / "features.npy", np.zeros((3, 3))), "must be (rows, columns"),
    (lambda folder: np.save(folder / "input.npy", np.zeros((3, 5))), "does not fit the input"),
    (lambda folder: np.save(folder / "input.npy", np.array(["a"])), "must be a number"),
    (lambda folder: (folder / "input.npy").unlink(), "cannot be read"),
])
def test_bad_files(run, spoil, text, capsys):
    spoil(run)
    assert report.main(arguments(run)) == 4
    message = capsys.readouterr().err
    assert text in message and message.count("\n") == 1
    assert not (run / "page.html").exists()


def test_unwritable_output(run, capsys):
    assert report.main(arguments(run)[:-1] + [str(run / "no" / "page.html")]) == 4
    assert capsys.readouterr().err.startswith("dualcube.report: ")


@pytest.mark.parametrize("given", (["-o", "x"], ["--features", "f", "-o", "x"],
                                   ["--bench", "b", "--features", "f", "-o", "x"],
                                   ["--features", "f", "--input", "i", "-o", "x", "--columns",
                                    "0"]))
def test_usage(given, capsys):
    with pytest.raises(SystemExit) as caught:
        report.main(given)
    assert caught.value.code == 2


def test_thinning_keeps_extremes(rng):
    values = rng.standard_normal(100_000)
    values[777], values[50_001], values[9] = 50, -60, np.nan
    _, low, high = _plots.envelope(np.arange(len(values)), values)
    assert np.nanmax(high) == 50 and np.nanmin(low) == -60 and len(low) <= 2 * _plots.BINS


# ---- benchmark records --------------------------------------------------------------------------


def side(library, time, window=16, dtype="float64", rows=100):
    return {"library": library, "operation": "mean", "window": window, "rows": rows, "columns": 5,
            "dtype": dtype, "threads": 1, "ns_per_element": time, "median_s": 1e-6}


def ratio(slow, fast, verdict="aim", **more):
    return {"record": "ratio", "row": "mean against %s" % slow["library"], "case": "mean",
            "ratio": slow["ns_per_element"] / fast["ns_per_element"], "at_least": True, "must": 2,
            "aim": 4, "verdict": verdict, "copy_ns_per_element": 0.2, "slow": slow, "fast": fast,
            **more}


def peers_file(path, *records):
    head = {"record": "run", "format": "dualcube.peers", "version": 1, "date": "2026-01-01",
            "machine": {"cpu": "CPU", "cores": 2}, "isa": "avx2",
            "floors": {"threads": 1, "copy_bytes_per_second": 3e10, "read_bytes_per_second": 2e10},
            "libraries": {"bottleneck": {"version": "1.6", "threads": 1}}}
    path.write_text("".join(json.dumps(record) + "\n" for record in (head,) + records))
    return path


def test_bench_page_of_peers(tmp_path):
    path = peers_file(
        tmp_path / "peers.jsonl", ratio(side("bottleneck", 4.0), side("dualcube", 0.5)),
        ratio(side("pandas", 9.0, dtype="float32"), side("dualcube", 9.0, dtype="float32"),
              "SHORT"),
        ratio(side("dualcube", 1.0, 17), side("dualcube", 0.9, 32), "must", at_least=False),
        {"record": "latency", "operation": "mean", "dtype": "float64", "window": 16, "rows": 1000,
         "columns": 10, "median_us": 4.5, "must": 5, "at_least": False, "verdict": "must"},
        {"record": "import", "total_s": 0.15, "must": 0.3, "at_least": False, "verdict": "must"},
        {"record": "end", "seconds": 3})
    assert report.main(["--bench", str(path), "-o", str(tmp_path / "page.html")]) == 0
    page = Page((tmp_path / "page.html").read_text())
    words = " ".join(page.text)
    assert "4 of 5" in words and "Against bottleneck" in words and "Bars missed" in words
    assert page.drawings == 5


def test_bench_page_of_times(tmp_path):
    head = {"record": "machine", "time": "2026-01-01", "library": "0.1.0", "cpu": "CPU", "cores": 2,
            "floors": [{"threads": 1, "copy_bytes_per_second": 3e10,
                        "fma_avx2_f64_per_second": 1e11}]}
    times = [{"record": "bench", "operation": "rolling_" + name, "dtype": "float32", "rows": rows,
              "columns": 8, "window": 16, "device": device, "isa": "avx2", "threads": 1,
              "memory": "host", "seconds": rows * 1e-9, "ns_per_value": 0.125, "floor": "copy",
              "fraction_of_floor": 0.5}
             for name in ("mean", "median") for rows in (100, 10_000) for device in ("cpu",
                                                                                   "opencl:0")]
    path = tmp_path / "bench.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in [head] + times))
    assert report.main(["--bench", str(path), "-o", str(tmp_path / "page.html")]) == 0
    page = Page((tmp_path / "page.html").read_text())
    words = " ".join(page.text)
    assert page.drawings == 2 and "rolling_median" in words and "50 % of copy" in words


@pytest.mark.parametrize("text, complaint", [
    ("", "does not begin with the machine record"), ("{", "cannot be read"),
    ("[1]", "is not a record"),
    ('{"record": "run", "format": "dualcube.peers", "version": 9}', "version 9"),
    ('{"record": "run", "format": "dualcube.peers", "version": 1}\n{"record": "ratio"}',
     "ratio is None"),
    ('{"record": "run", "format": "dualcube.peers", "version": 1}\n{"record": "ratio", "ratio": 2,'
     ' "slow": {}, "fast": {}}', "does not describe a measurement"),
    ('{"record": "machine"}\n{"record": "bench", "rows": "1"}',
     "rows is '1'"),
])
def test_bad_records(tmp_path, text, complaint, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    assert report.main(["--bench", str(path), "-o", str(tmp_path / "page.html")]) == 4
    assert complaint in capsys.readouterr().err

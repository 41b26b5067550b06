"""The machine, its floors, and what the library costs before its first result."""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOOR_BYTES = 128 << 20  # beyond every cache
IMPORT_RUNS = 7

# Times itself from the first statement; the interpreter's own start is not ours.
_IMPORT = """
import time
start = time.perf_counter()
import dualcube
first = time.perf_counter()
result = dualcube.rolling_mean([1.0, 2.0, 4.0, 8.0], 2)
end = time.perf_counter()
assert result[3] == 6.0
with open("/proc/self/maps") as stream:
    opencl = sorted({line.split()[-1] for line in stream if "opencl" in line.lower()})
import json
print(json.dumps({"import_s": first - start, "call_s": end - first, "opencl": opencl}))
"""


def describe():
    """CPU, memory, threads, operating system."""
    import dualcube

    topology = dualcube.topology()
    return {
        "cpu": topology["cpu_name"], "isas": topology["isas"], "cores": topology["cores"],
        "threads": topology["threads"], "memory_bytes": topology["memory_bytes"],
        "l2_bytes": topology["l2_bytes"], "l3_bytes": topology["l3_bytes"],
        "system": platform.platform(), "python": platform.python_version(),
        "load": list(os.getloadavg()),
    }


def _best_median(function, rounds):
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def floors(quick):
    """One thread, bytes per second: reading, and copying (bytes read plus bytes written)."""
    size = FLOOR_BYTES // (16 if quick else 1)
    source, target = np.ones(size // 8), np.empty(size // 8)
    target[:] = 0
    rounds = 3 if quick else 7
    copy = _best_median(lambda: np.copyto(target, source), rounds)
    read = _best_median(lambda: np.max(source), rounds)  # one load and one vector op per element
    return {"threads": 1, "array_bytes": size, "copy_bytes_per_second": 2 * size / copy,
            "read_bytes_per_second": size / read}


def library_path():
    """The shared library that the package has loaded."""
    from dualcube import _library

    return _library.lib._name


def latency(quick, isa):
    """Records of bench/latency.c, compiled against the library that is being measured."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if not compiler:
        raise RuntimeError("bench/latency.c needs a C compiler: none named cc is on PATH; set CC")
    library = os.path.realpath(library_path())
    environment = dict(os.environ)
    if isa:
        environment["DUALCUBE_CPU_ISA"] = isa
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "latency")
        subprocess.run([compiler, "-std=c11", "-O2", "-I" + os.path.join(ROOT, "include"),
                        os.path.join(ROOT, "bench", "latency.c"), library,
                        "-Wl,-rpath," + os.path.dirname(library), "-o", program], check=True)
        text = subprocess.run([program, "200" if quick else "3000"], check=True, env=environment,
                              stdout=subprocess.PIPE, text=True, timeout=120).stdout
    return [json.loads(line) for line in text.splitlines()]


def import_time(quick):
    """A fresh process: import and first CPU call, seconds; the OpenCL libraries it has mapped."""
    import dualcube

    environment = dict(os.environ)
    package = os.path.dirname(os.path.dirname(os.path.abspath(dualcube.__file__)))
    environment["PYTHONPATH"] = os.pathsep.join(
        [package] + [p for p in (environment.get("PYTHONPATH"),) if p])
    runs = []
    for _ in range(3 if quick else IMPORT_RUNS):
        text = subprocess.run([sys.executable, "-c", _IMPORT], check=True, env=environment,
                              stdout=subprocess.PIPE, text=True, timeout=60).stdout
        runs.append(json.loads(text))
    return {
        "record": "import", "runs": len(runs),
        "import_s": statistics.median(run["import_s"] for run in runs),
        "call_s": statistics.median(run["call_s"] for run in runs),
        "total_s": statistics.median(run["import_s"] + run["call_s"] for run in runs),
        "opencl": sorted({path for run in runs for path in run["opencl"]}),
    }

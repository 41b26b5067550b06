"""The stages of the tests: what is run, in which order, how much of the machine it takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    name: str
    about: str
    script: str
    needs: tuple = ("warm",)
    weight: int = 1  # processors it keeps busy
    limit: float = 400.0  # seconds
    xml: str = ""  # "ctest" or "pytest": who writes $XML


def ctest(folder, label, but="none", jobs=1):
    """Tests of a label, but one; several at a time where some of them sleep."""
    return ("ctest -j %d --test-dir \"%s\" -L '^(%s)$' -E '^%s$' --no-tests=error "
            "--output-junit \"$XML\" --test-output-size-passed 200000 "
            "--test-output-size-failed 200000 --output-on-failure\n" % (jobs, folder, label, but))


# One script of another room, or all that match: none is a failure.
EACH = """
found=0 bad=0
for script in {pattern}; do
    [ -e "$script" ] || continue
    found=$((found + 1))
    echo "== $script"
    "$script" || {{ echo "FAILED: $script"; bad=$((bad + 1)); }}
done
if [ $found = 0 ]; then echo "FAILED: there is no {pattern}"; exit 1; fi
[ $bad = 0 ]
"""

STAGES = [
    Stage("build", "the library, its modules, the command and the tests", """
cmake -S "$ROOT" -B "$RELEASE" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDC_WERROR=$WERROR
cmake --build "$RELEASE" -j "$JOBS"
""", needs=(), weight=99, limit=600),
    # Drivers are not at their best when many processes meet on a cold cache.
    Stage("warm", "one driver cache for all stages, filled once", """
"$RELEASE/bin/tests/parity" --cases 400 --small --seconds 60 >"$BUILD/logs/warm-cases.log" || true
""", needs=("build",)),
    Stage("asan-build", "the same with address and undefined-behaviour sanitizers, baseline only", """
cmake -S "$ROOT" -B "$ASAN" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DDC_SANITIZE=address,undefined \
    -DDC_ISAS=baseline -DDC_BUILD_EXAMPLES=OFF -DDC_BUILD_BENCH=OFF \
    -DDC_SANITIZE_EVERY_TYPE=${DUALCUBE_TEST_HEAVY:+ON} -DDC_MIRRORS_FROM="$RELEASE"
cmake --build "$ASAN" -j 1
""", needs=("build",), limit=500),
    Stage("parity", "bits of every row, instruction set, thread count, chunking and device", """
# Transforms of every length from 1 to 512.
"$RELEASE/bin/tests/parity" --op spectral_rfft --seed "$SEED" --cases 92000 --cells \
    --min-comparisons 16000
"$RELEASE/bin/tests/parity" --op spectral_irfft --seed "$SEED" --cases 92000 --cells \
    --min-comparisons 16000
# Tables: shapes around registers, groups and panels.
"$RELEASE/bin/tests/parity" --family pca --seed "$SEED" --cases 110000 --cells --min-comparisons 80000
"$RELEASE/bin/tests/parity" --family kmeans --seed "$SEED" --cases 40000 --cells \
    --min-comparisons 75000
"$RELEASE/bin/tests/parity" --family correlation --seed "$SEED" --cases 30000 --small --cells \
    --min-comparisons 25000
"$RELEASE/bin/tests/parity" --family spectral --seed "$SEED" --cases 12500 --small --cells \
    --min-comparisons 34000
"$RELEASE/bin/tests/parity" --seed "$SEED" --cases 11000 --seconds 250 --cells \
    --min-comparisons 160000 --need-threads --need-opencl \
    --csv "$BUILD/PARITY.csv" --markdown "$BUILD/PARITY.md"
"""),
    Stage("devices", "devices whose memory holds garbage, that copy all data, that are several", """
# Scratch and outputs full of NaN before every call; every byte over the link; two devices.
DUALCUBE_OPENCL_POISON=1 "$RELEASE/bin/tests/parity" --device opencl --seed 11 --cases 1500 --cells
DUALCUBE_OPENCL_AS=gpu "$RELEASE/bin/tests/parity" --device opencl --seed 12 --cases 1500 --cells
POCL_DEVICES="basic pthread" "$RELEASE/bin/tests/parity" --device opencl:1 --seed 13 --cases 500
""" + "echo 3 passed, 0 failed\n"),
    # Long, and on one processor: it begins early.
    Stage("oclgrind", "every kernel: races and uninitialised reads",
          EACH.format(pattern="tests/harness/oclgrind.sh"), needs=("build",)),
    Stage("unit", "units: engine, core, topology, private family", ctest("$RELEASE", "unit", jobs=2),
          xml="ctest"),
    Stage("api", "every public function", ctest("$RELEASE", "api"), xml="ctest"),
    Stage("tsan-build", "the same with the thread sanitizer (clang, no OpenMP)", """
cmake -S "$ROOT" -B "$TSAN" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DDC_SANITIZE=thread \
    -DCMAKE_C_COMPILER=clang-14 -DDC_ENABLE_OPENMP=OFF -DDC_ISAS=baseline \
    -DDC_BUILD_EXAMPLES=OFF -DDC_BUILD_BENCH=OFF -DDC_MIRRORS_FROM="$RELEASE"
cmake --build "$TSAN" -j 1 --target dualcube dualcube-opencl dualcube-probe api_threads \
    api_memory api_queue api_device planted_defect
""", needs=("build",), limit=500),
    Stage("family", "the scaffold of a new family builds and passes",
          EACH.format(pattern="tests/new_family.sh"), needs=("build",)),
    Stage("oracle", "results against long double, public failures of others, measured data",
          ctest("$RELEASE", "oracle"), xml="ctest"),
    Stage("golden", "results against the committed hashes", ctest("$RELEASE", "golden"),
          xml="ctest"),
    Stage("python", "the Python package against NumPy and pandas", """
export DUALCUBE_LIBRARY="$RELEASE/lib/libdualcube.so" PYTHONPATH="$ROOT/host/python"
"$PYTHON" -m pytest -q -p no:cacheprovider --junitxml="$XML" tests/python
""", xml="pytest"),
    Stage("command", "the command: its verbs, and bad input of every kind",
          "export DUALCUBE=\"$RELEASE/bin/dualcube\"" + EACH.format(pattern="tests/command*.sh")),
    Stage("asan", "API, oracle and a share of parity under the sanitizers", """
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:use_sigaltstack=0
# Drivers set signal stacks of their own.
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions="$ROOT/tests/harness/leaks.supp":print_suppressions=0
export DUALCUBE_TEST_ORACLE_CASES=600 DUALCUBE_TEST_FAULT_STEP=9
""" + ctest("$ASAN", "api|oracle|unit|golden|fault|sanitized",
            # a minute of the driver's compiler in many processes
            but="api_cache", jobs=2), needs=("asan-build", "warm"), xml="ctest"),
    Stage("tsan", "16 threads on one context, cold caches, under the thread sanitizer",
          EACH.format(pattern="tests/harness/tsan.sh"), needs=("tsan-build",)),
    Stage("fault", "every OpenCL call failed once; broken drivers",
          ctest("$RELEASE", "fault", jobs=2), xml="ctest"),
    Stage("planted", "every checker finds the defect it is for",
          EACH.format(pattern="tests/harness/planted.sh")),
    Stage("static", "headers, symbols, rooms, layers, format, tidy",
          EACH.format(pattern="tools/check_all"), needs=("build",)),
    Stage("install", "cmake --install, find_package, pkg-config, pip",
          EACH.format(pattern="tests/install.sh"), needs=("build",)),
    Stage("examples", "examples/ run", ctest("$RELEASE", "examples"), xml="ctest"),
    Stage("readme", "the README's own lines of C and Python",
          "\"$PYTHON\" tests/harness/readme.py"),
]

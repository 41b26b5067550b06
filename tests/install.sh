#!/bin/sh
# Installs into a temporary prefix and uses what lies there as a stranger would: find_package,
# pkg-config, the command, a moved prefix, a wheel without OpenCL.
#
#   tests/install.sh            from the build $RELEASE (default: build)
#
# The last line is "N passed, N failed".
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=${RELEASE:-$root/build}
python=${PYTHON:-python3}
jobs=${JOBS:-2}
temp=$(mktemp -d "${TMPDIR:-/tmp}/dualcube-install.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
export OMP_WAIT_POLICY=passive
unset LD_LIBRARY_PATH PYTHONPATH DUALCUBE_LIBRARY 2>/dev/null
passed=0 failed=0 skipped=0

# check <what> <command>...: passes when the command does; 77 is "not here".
check() {
    what=$1
    shift
    "$@" >"$temp/log" 2>&1
    status=$?
    case $status in
    0)
        passed=$((passed + 1))
        echo "ok      $what"
        ;;
    77)
        skipped=$((skipped + 1))
        echo "skipped $what: $(tail -n 1 "$temp/log")"
        ;;
    *)
        failed=$((failed + 1))
        echo "FAILED  $what (status $status)"
        tail -n 25 "$temp/log" | sed 's/^/        /'
        ;;
    esac
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

installs() { cmake --install "$build" --prefix "$temp/first"; }

# Everything that must have come, and nothing that names this machine's folders.
complete() {
    lib=$(dirname "$(find "$1" -name 'libdualcube.so')")
    for file in "$lib/libdualcube.so.0" "$lib/cmake/dualcube/dualcubeConfig.cmake" \
        "$lib/pkgconfig/dualcube.pc" "$1/include/dualcube/rolling.h" "$1/bin/dualcube" \
        "$1/share/doc/dualcube/LICENSE" "$1/libexec/dualcube/dualcube-probe"; do
        [ -e "$file" ] || { echo "$file is missing"; return 1; }
    done
    [ "$(readlink "$lib/libdualcube.so")" = libdualcube.so.0 ] || { echo "links"; return 1; }
    if grep -rIl -e "$build" -e "$root" -e "$temp" "$1"; then
        echo "the files above name a folder of this machine"
        return 1
    fi
    for file in "$lib"/*.so "$1/bin/dualcube" "$1/libexec/dualcube/dualcube-probe"; do
        if readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -v '\[\$ORIGIN[^:]*\]'; then
            echo "$file has a run path that is not its own"
            return 1
        fi
    done
}

by_find_package() {
    cmake -S "$root/examples" -B "$temp/examples" -DCMAKE_PREFIX_PATH="$1" \
        -DCMAKE_C_FLAGS=-Werror && cmake --build "$temp/examples" -j "$jobs" &&
        ctest --test-dir "$temp/examples" --no-tests=error --output-on-failure
}

# A version that is not there must be refused.
refuses_version() {
    mkdir -p "$temp/version"
    cat >"$temp/version/CMakeLists.txt" <<'LISTS'
cmake_minimum_required(VERSION 3.20)
project(wants LANGUAGES C)
find_package(dualcube ${WANTED} REQUIRED)
LISTS
    cmake -S "$temp/version" -B "$temp/version/a" -DCMAKE_PREFIX_PATH="$1" -DWANTED=0.1 || return 1
    ! cmake -S "$temp/version" -B "$temp/version/b" -DCMAKE_PREFIX_PATH="$1" -DWANTED=0.99
}

by_pkg_config() {
    command -v pkg-config >/dev/null || { echo "pkg-config is not installed"; return 77; }
    PKG_CONFIG_PATH=$(dirname "$(find "$1" -name dualcube.pc)")
    export PKG_CONFIG_PATH
    version=$(sed -n 's/^#define DC_VERSION_STRING *"\(.*\)"/\1/p' "$1/include/dualcube/base.h")
    [ "$(pkg-config --modversion dualcube)" = "$version" ] || { echo "version"; return 1; }
    # shellcheck disable=SC2046
    cc -std=c99 -Wall -Werror "$root/examples/host.c" -o "$temp/host" \
        $(pkg-config --cflags --libs dualcube) -lm || return 1
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir dualcube) "$temp/host"
}

# The command alone, with nothing but its own prefix and an empty home.
command_works() {
    mkdir -p "$temp/home" "$temp/out"
    env -i HOME="$temp/home" PATH=/usr/bin:/bin OMP_WAIT_POLICY=passive \
        "$1/bin/dualcube" "$2" ${3:+"$3"} >"$temp/out/text" || { cat "$temp/out/text"; return 1; }
    cat "$temp/out/text"
    [ -s "$temp/out/text" ]
}

moves() { mv "$temp/first" "$temp/second place"; }

# A machine whose OpenCL loader cannot be loaded.
without_opencl() {
    mkdir -p "$temp/broken"
    : >"$temp/broken/libOpenCL.so.1"
    LD_LIBRARY_PATH="$temp/broken" "$1/bin/dualcube" devices >"$temp/devices" || return 1
    cat "$temp/devices"
    grep -qi cpu "$temp/devices"
}

wheel_installs() {
    "$python" -m venv "$temp/venv" || return 1
    # One instruction set is enough here, with the compiler and the options of the build: its objects
    # are in the compiler cache.
    compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
    CC=${compiler:-cc} "$temp/venv/bin/python" -m pip install -q --disable-pip-version-check "$root" \
        --config-settings=cmake.define.DC_ISAS=baseline \
        --config-settings=cmake.define.DC_WERROR="${WERROR:-OFF}"
}

wheel_holds() {
    package=$("$temp/venv/bin/python" -c \
        'import os, dualcube; print(os.path.dirname(dualcube.__file__))') || return 1
    case $package in "$temp"/*) ;; *) echo "$package is not the one installed"; return 1 ;; esac
    for file in lib/libdualcube.so lib/dualcube-probe __init__.py rolling.py; do
        [ -f "$package/$file" ] || { echo "$file is missing"; return 1; }
    done
    ls "$package/lib"
}

# Import and first call: no driver, no OpenCL, no BLAS is loaded, and at most 0.3 s are taken, in
# processor time, since the machine may be busy; the best of five processes.
wheel_is_quick() {
    cat >"$temp/first.py" <<'PYTHON'
import time
begin, wall = time.process_time(), time.perf_counter()
import numpy
loaded = time.process_time()
import dualcube
y = dualcube.rolling_median(numpy.arange(10000.0).reshape(1000, 10), window=16)
end, wall = time.process_time(), time.perf_counter() - wall
assert y[15, 0] == 75.0 and numpy.isnan(y[14]).all(), y[:17]
assert dualcube.last_run()["device"] == "cpu"
with open("/proc/self/maps") as maps:
    text = maps.read()
for name in ("libOpenCL", "libclblast", "libpocl", "libdualcube-opencl", "libdualcube-blas"):
    assert name not in text, name
print("%.4f s, %.4f without NumPy's own import; %.4f by the clock"
      % (end - begin, end - loaded, wall))
PYTHON
    best=
    for _ in 1 2 3 4 5; do
        times=$(LD_LIBRARY_PATH="$temp/broken" "$temp/venv/bin/python" "$temp/first.py") || return 1
        echo "        import and first call: $times"
        best=$(printf '%s\n%s\n' "${times%% *}" "$best" | sort -n | sed '/^$/d' | head -n 1)
    done
    awk -v best="$best" 'BEGIN { exit !(best <= 0.3) }' || { echo "best: $best s"; return 1; }
}

wheel_lists_devices() {
    LD_LIBRARY_PATH="$temp/broken" "$temp/venv/bin/python" -c '
import dualcube
found = dualcube.devices()
print(found)
assert found[0]["id"] == "cpu" and found[0]["usable"]
assert not any(d["usable"] for d in found[1:])'
}

wheel_example() { (cd "$temp" && "$temp/venv/bin/python" "$root/examples/rolling.py"); }
wheel_command() { (cd "$temp" && "$temp/venv/bin/python" -m dualcube version); }

if [ ! -e "$build/CMakeCache.txt" ]; then
    echo "FAILED  $build is not a build: cmake -B build && cmake --build build"
    failed=1
    finish
fi
check "cmake --install" installs
[ $failed = 0 ] || finish
check "the installation is complete and names no folder" complete "$temp/first"
check "find_package: the examples build and run" by_find_package "$temp/first"
check "find_package: a version that is not there is refused" refuses_version "$temp/first"
check "pkg-config: an example builds and runs" by_pkg_config "$temp/first"
check "the prefix is moved" moves
prefix="$temp/second place"
check "moved: find_package, the examples" by_find_package "$prefix"
check "moved: dualcube version" command_works "$prefix" version
check "moved: dualcube devices" command_works "$prefix" devices
check "moved: dualcube devices --json" command_works "$prefix" devices --json
check "moved: dualcube devices without an OpenCL loader" without_opencl "$prefix"
check "pip install into an empty environment" wheel_installs
if [ -x "$temp/venv/bin/python" ] && "$temp/venv/bin/python" -c 'import numpy' 2>/dev/null; then
    check "the wheel holds library, modules, probe" wheel_holds
    check "import and first call in 0.3 s, no OpenCL loaded" wheel_is_quick
    grep 'import and' "$temp/log" | tail -n 1
    check "devices are listed without an OpenCL loader" wheel_lists_devices
    check "examples/rolling.py" wheel_example
    check "python -m dualcube" wheel_command
fi
finish

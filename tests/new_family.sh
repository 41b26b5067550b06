#!/bin/sh
# Scaffolds a family in a copy of the source tree, then builds it and runs what a family must pass:
# the checks of the tree, its oracle test, parity on every device, the golden hashes, the Python
# function.  Baseline only.
#
# The last line is "N passed, N failed".
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
jobs=${JOBS:-2}
stem=newcomer
temp=$(mktemp -d "${TMPDIR:-/tmp}/dualcube-family.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT TERM
tree=$temp/tree
build=$tree/build
export OMP_WAIT_POLICY=passive
passed=0 failed=0 skipped=0

check() {
    what=$1
    shift
    "$@" >"$temp/log" 2>&1
    status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      $what"
    elif [ $status -eq 77 ]; then
        skipped=$((skipped + 1))
        echo "skipped $what: $(tail -n 1 "$temp/log")"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        tail -n 30 "$temp/log" | sed 's/^/        /'
    fi
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

# What a commit would hold, and files not yet added; without git everything but build folders.
copies() {
    mkdir "$tree" || return 1
    (cd "$root" &&
        if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
            git ls-files -co --exclude-standard | while read -r file; do
                [ ! -f "$file" ] || echo "$file"
            done
        else
            find . -path './build*' -prune -o -path './.venv' -prune -o -type f -print
        fi | tar cf - -T -) | tar xf - -C "$tree"
}

unchanged() { (cd "$tree" && find . -path ./build -prune -o -type f -exec cksum {} +) | sort; }

# A refusal names what is wrong and leaves every file as it was.
refuses() {
    unchanged >"$temp/before"
    for word in int Upper 9lives rolling a with-dash ''; do
        if "$tree/tools/new_family" "$word" 2>"$temp/why"; then
            echo "'$word' was taken"
            return 1
        fi
        grep -q '^new_family: ' "$temp/why" || return 1
    done
    unchanged >"$temp/after"
    cmp "$temp/before" "$temp/after"
}

static_checks() {
    for name in rooms layers headers; do
        "$tree/tools/check_$name.py" || return 1
    done
    # Of the form only what is new: the rest of the tree has its own check.
    ! "$tree/tools/check_style.py" | grep "$stem"
}

builds() {
    # The other families' mirrors are those of the tree itself.
    cmake -S "$tree" -B "$build" -G Ninja -DDC_ISAS=baseline -DDC_BUILD_EXAMPLES=OFF \
        -DDC_MIRRORS_FROM="${RELEASE:-}" &&
        cmake --build "$build" -j "$jobs" --target dualcube parity golden "test_$stem" &&
        if grep -q '^DC_OPENCL_FOUND\|dualcube-opencl' "$build/build.ninja"; then
            cmake --build "$build" -j "$jobs" --target dualcube-opencl dualcube-probe
        fi
}

no_warnings() { ! grep -n 'warning:' "$temp/build.log" | grep "$stem"; }
symbols() { "$tree/tools/check_symbols.py" --build "$build"; }
oracle() { ctest --test-dir "$build" -R "^test_$stem\$" --no-tests=error --output-on-failure; }
golden() {
    # A row without a hash is found; with its hash everything passes.
    if "$build/bin/tests/golden" "$tree/tests/golden/hashes.csv"; then
        echo "the new row has no hash, and nobody noticed"
        return 1
    fi
    "$build/bin/tests/golden" --write "$tree/tests/golden/hashes.csv" &&
        grep "^${stem}_scale" "$tree/tests/golden/hashes.csv" &&
        "$build/bin/tests/golden" "$tree/tests/golden/hashes.csv"
}
parity() {
    "$build/bin/tests/parity" --op "${stem}_scale" --cases 6000 --seconds 60 \
        --min-comparisons 400 --csv "$temp/parity.csv" || return 1
    cat "$temp/parity.csv"
    grep -q "${stem}_scale,float32" "$temp/parity.csv" &&
        grep -q "${stem}_scale,float64" "$temp/parity.csv"
}
# A kernel whose order of operations is another must be found.
parity_finds() {
    if ! grep -q opencl "$temp/parity.csv"; then
        echo "there is no OpenCL device here to differ"
        return 77
    fi
    sed -i "s/= FN(${stem}_value)(&args, src\[src_at\]);/= FN(${stem}_value)(\&args, src[src_at]) * (T)1.5;/" \
        "$tree/kernels/$stem.cl" && grep -q '1\.5' "$tree/kernels/$stem.cl" || return 1
    cmake --build "$build" -j "$jobs" --target dualcube || return 1
    ! "$build/bin/tests/parity" --op "${stem}_scale" --cases 1200 --seconds 30
}
package() {
    "$python" -c 'import numpy, pytest' 2>/dev/null ||
        { echo "$python has no NumPy or no pytest"; return 77; }
    DUALCUBE_LIBRARY="$build/lib/libdualcube.so" PYTHONPATH="$tree/host/python" \
        "$python" -m pytest -q -p no:cacheprovider "$tree/tests/python/test_$stem.py"
}

check "the source tree is copied" copies
[ $failed = 0 ] || finish
check "bad names are refused, nothing is written" refuses
check "tools/new_family $stem" "$tree/tools/new_family" "$stem"
check "rooms, layers, form, headers" static_checks
check "the tree builds" builds
cp "$temp/log" "$temp/build.log"
[ $failed = 0 ] || finish
check "without a warning" no_warnings
check "exported symbols" symbols
check "against long double" oracle
check "golden hashes" golden
check "parity" parity
check "parity finds a planted difference" parity_finds
check "the Python function against NumPy" package
finish

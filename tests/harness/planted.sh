#!/usr/bin/env bash
# Checks that cannot fail show nothing: each one meets a defect that it must find.
set -uo pipefail
: "${RELEASE:?build folder}" "${ROOT:?source folder}" "${PYTHON:=python3}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# What, status wanted, text wanted, command: status and text must be so.
check() {
    local what=$1 want=$2 text=$3
    shift 3
    "$@" >"$work/out" 2>&1
    local status=$?
    if [ $status = "$want" ] && grep -q "$text" "$work/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what: status $status instead of $want, or no \"$text\""
        tail -5 "$work/out"
    fi
}

parity="$RELEASE/bin/tests/parity"
for plant in 1 2 3 4 5 6; do
    check "parity with planted defect $plant" 1 "rerun: dualcube parity" \
        "$parity" --device cpu --small --cases 480 --plant $plant
done
check "parity without a defect" 0 " 0 failed" "$parity" --device cpu --small --cases 480
check "parity with too few comparisons" 1 "are required" \
    "$parity" --device cpu --small --cases 480 --min-comparisons 1000000
check "parity without OpenCL where it is demanded" 1 "no call ran on an OpenCL device" \
    "$parity" --device cpu --small --cases 480 --need-opencl
check "parity that misses rows" 1 "was never compared" \
    "$parity" --device cpu --small --cases 3

hashes="$ROOT/tests/golden/hashes.csv"
sed '3s/\(.*,\).*/\1'"$(printf '%064d' 0)"'/' "$hashes" >"$work/changed.csv"
sed '3d' "$hashes" >"$work/missing.csv"
{ cat "$hashes"; echo "rolling_gone,float32,$(printf '%064d' 0)"; } >"$work/gone.csv"
head -c 100 "$hashes" >"$work/short.csv"
check "a changed hash" 1 "results have changed" "$RELEASE/bin/tests/golden" "$work/changed.csv"
check "a missing hash" 1 "has no golden hash" "$RELEASE/bin/tests/golden" "$work/missing.csv"
check "a row that is gone" 1 "is gone" "$RELEASE/bin/tests/golden" "$work/gone.csv"
check "a truncated file" 1 "golden:" "$RELEASE/bin/tests/golden" "$work/short.csv"

check "counting" 0 "^OK" "$PYTHON" "$ROOT/tests/harness/test_counts.py"
echo "$passed passed, $failed failed"
[ $failed = 0 ]

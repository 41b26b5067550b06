#!/usr/bin/env bash
# Every kernel on an emulated device that watches memory: data races, uninitialised reads, reads and
# writes out of bounds.  The emulator's exit status says nothing: its log must be empty, and it must
# have found what is planted.
set -uo pipefail
: "${RELEASE:?build folder}" "${ROOT:?source folder}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# Races and uninitialised reads in one go; optimised code trips the emulator's shadow memory.
watch() {
    timeout 200 oclgrind --data-races --uninitialized --max-errors 20 --log "$work/log" \
        --build-options -cl-opt-disable "$@" >"$work/out" 2>&1
}

result() {
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $2"
        head -c 4000 "$work/log" "$work/out" 2>/dev/null
    fi
}

# Planted kernels: name, what the log must say.
while read -r kernel says; do
    : >"$work/log"
    watch "$RELEASE/bin/tests/planted_kernels" "$kernel"
    status=$?
    if [ -z "$says" ]; then
        [ $status = 0 ] && [ ! -s "$work/log" ]
    else
        grep -qi "$says" "$work/log"
    fi
    result $? "planted kernel $kernel: expected a log with \"$says\""
done <<'KERNELS'
in_order
race data race
local_race data race
uninitialised uninitialized
beyond invalid read
KERNELS

# Every row and dtype on tiny arrays; the trace tells which kernels ran.
: >"$work/ran"
for dtype in float32 float64; do
    : >"$work/log"
    DUALCUBE_TRACE="$work/trace.json" DUALCUBE_CACHE_DIR='' \
        watch "$RELEASE/bin/tests/parity" --device opencl --dtype $dtype --tiny --cases 150 \
        --seconds 60 --seed 5
    status=$?
    grep '^parity: seed' "$work/out"
    [ $status = 0 ] && grep -q '^parity: seed' "$work/out"
    result $? "parity of $dtype on the emulated device"
    [ ! -s "$work/log" ]
    result $? "the emulator reports something in the kernels of $dtype"
    cat "$work/trace.json" >>"$work/ran" 2>/dev/null
done

# No kernel may have been missed.
for source in "$ROOT"/kernels/*.cl; do
    for kernel in $(grep -oE '(__)?kernel void FN\([a-z0-9_]+\)' "$source" |
        sed 's/.*(\(.*\))/\1/' | sort -u); do
        for suffix in f32 f64; do
            grep -q "\"${kernel}_$suffix\"" "$work/ran"
            result $? "kernel ${kernel}_$suffix of $(basename "$source") was never run"
        done
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]

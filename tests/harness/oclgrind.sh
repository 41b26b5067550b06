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
        [ "${3:-}" = quiet ] || head -c 4000 "$work/log" "$work/out" 2>/dev/null
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

# Every row and dtype on tiny arrays, with local memory for all of it and for next to none of it;
# the trace tells which kernels ran.
: >"$work/ran"
for local_bytes in 32768 512; do
    for dtype in float32 float64; do
        : >"$work/log"
        DUALCUBE_TRACE="$work/trace.json" DUALCUBE_CACHE_DIR='' \
            watch --local-mem-size $local_bytes "$RELEASE/bin/tests/parity" --device opencl \
            --dtype $dtype --tiny --cases 180 --seconds 120 --seed 5 --max-failures 3
        status=$?
        grep '^parity: seed' "$work/out"
        [ $status = 0 ]
        result $? "parity of $dtype on the emulated device with $local_bytes bytes of local memory"
        [ ! -s "$work/log" ]
        result $? "the emulator's report on $dtype with $local_bytes bytes of local memory"
        cat "$work/trace.json" >>"$work/ran" 2>/dev/null
    done
done

# No kernel may have been missed.
for source in "$ROOT"/kernels/*.cl; do
    for suffix in f32 f64; do
        for kernel in $(cc -E -P -x c -D__OPENCL_VERSION__=120 -DT=float -DSFX=$suffix -I "$ROOT" \
            -I "$ROOT/include" "$source" | tr '\n' ' ' |
            grep -oE '(__)?kernel +void +[a-z0-9_]+' | sed 's/.* //' | sort -u); do
            grep -q "\"$kernel\"" "$work/ran"
            result $? "kernel $kernel of $(basename "$source") was never run" quiet
        done
    done
done
[ $passed -gt 10 ] || { echo "FAILED: no kernels were found"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed"
[ $failed = 0 ]

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

# The emulator's shadow of private memory goes astray in long sessions, now and then: a report counts
# when a case of that row shows it in a process of its own.
holds_up() {
    local dtype=$1 local_bytes=$2 kernel op number
    cp "$work/log" "$work/first"
    for kernel in $(sed -n 's/.*Kernel: *//p' "$work/first" | sort -u); do
        op=${kernel%_f[0-9]*}
        for number in $("$RELEASE/bin/tests/parity" --device cpu --isa 0 --op "${op%_deep}" \
            --dtype "$dtype" --tiny --seed 5 --cases "$cases" --verbose |
            sed -n 's/^case \([0-9]*\):.*/\1/p'); do
            : >"$work/log"
            watch --local-mem-size "$local_bytes" "$RELEASE/bin/tests/parity" --device opencl \
                --tiny --seed 5 --case "$number"
            [ ! -s "$work/log" ] || return 0
        done
    done
    echo "not confirmed alone: $(grep -c 'Kernel:' "$work/first") reports on $(sed -n \
        's/.*Kernel: *//p' "$work/first" | sort -u | tr '\n' ' ')"
    return 1
}

# Every row and dtype on tiny arrays, with local memory for all of it and for next to none of it;
# the trace tells which kernels ran.
: >"$work/ran"
export DUALCUBE_CACHE_DIR=''
for setting in 32768:90 256:252; do
    local_bytes=${setting%:*} cases=${setting#*:}
    for dtype in float32 float64; do
        : >"$work/log"
        DUALCUBE_TRACE="$work/trace.json" watch --local-mem-size "$local_bytes" \
            "$RELEASE/bin/tests/parity" --device opencl --dtype $dtype --tiny --cases "$cases" \
            --seconds 100 --seed 5 --max-failures 3
        status=$?
        grep '^parity: seed' "$work/out"
        cat "$work/trace.json" >>"$work/ran" 2>/dev/null
        [ $status = 0 ]
        result $? "parity of $dtype on the emulated device with $local_bytes bytes of local memory"
        [ ! -s "$work/log" ] || ! holds_up $dtype "$local_bytes"
        result $? "the emulator's report on $dtype with $local_bytes bytes of local memory"
    done
done

# A kernel that those cases missed by chance gets the cases of its row among more of them.
ran() {
    local kernel=$1 dtype=$2 op=${1%_f[0-9]*} local_bytes=32768
    grep -q "\"$kernel\"" "$work/ran" && return 0
    [ "$op" = "${op%_deep}" ] || local_bytes=256
    : >"$work/log"
    DUALCUBE_TRACE="$work/trace.json" watch --local-mem-size "$local_bytes" \
        "$RELEASE/bin/tests/parity" --device opencl --op "${op%_deep}" --dtype "$dtype" --tiny \
        --cases 600 --seconds 60 --seed 5 --max-failures 3 &&
        [ ! -s "$work/log" ] && grep -q "\"$kernel\"" "$work/trace.json"
}

# No kernel may have been missed.
for source in "$ROOT"/kernels/*.cl; do
    for suffix in f32 f64; do
        for kernel in $(cc -E -P -x c -D__OPENCL_VERSION__=120 -DT=float -DSFX=$suffix -I "$ROOT" \
            -I "$ROOT/include" "$source" | tr '\n' ' ' |
            grep -oE '(__)?kernel +void +[a-z0-9_]+' | sed 's/.* //' | sort -u); do
            ran "$kernel" float${suffix#f}
            result $? "kernel $kernel of $(basename "$source") was never run, or went wrong" quiet
        done
    done
done
[ $passed -gt 10 ] || { echo "FAILED: no kernels were found"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed"
[ $failed = 0 ]

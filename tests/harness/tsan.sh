#!/usr/bin/env bash
# Threads under the thread sanitizer: one context, cold caches, CPU and OpenCL.
set -uo pipefail
: "${TSAN:?build folder of the thread sanitizer}"
caches=$(mktemp -d)
trap 'rm -rf "$caches"' EXIT
# Every test begins with a cold cache: the driver's optimiser would be half of the time.
export POCL_EXTRA_BUILD_FLAGS=-cl-opt-disable
export TSAN_OPTIONS="halt_on_error=1:exitcode=66:second_deadlock_stack=1:allocator_may_return_null=1"
passed=0 failed=0
# Now and then the sanitizer itself finds no room for what it keeps beside a new thread, and stops.
watch() {
    local attempt status
    for attempt in 1 2 3 4 5 6 7 8 9; do
        rm -rf "$caches/$1"
        mkdir "$caches/$1"
        timeout 150 "$TSAN/bin/tests/$1" >"$caches/log" 2>&1
        status=$?
        grep -q 'ThreadSanitizer failed to allocate' "$caches/log" || return $status
        echo "$1: the sanitizer ran out of room, attempt $attempt"
    done
    return 1
}

for test in api_threads api_memory api_queue api_device; do
    export POCL_CACHE_DIR="$caches/$test" DUALCUBE_CACHE_DIR="$caches/$test"
    if watch "$test"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $test"
        tail -60 "$caches/log"
    fi
    grep '^skipped' "$caches/log"
done
# The sanitizer is awake: it must see a race that is there.
"$TSAN/bin/tests/planted_defect" 4 >"$caches/log" 2>&1
if grep -q 'data race' "$caches/log"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "FAILED: the planted race was not reported"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]

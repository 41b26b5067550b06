#!/usr/bin/env bash
# Threads under the thread sanitizer: one context, cold caches, CPU and OpenCL.
set -uo pipefail
: "${TSAN:?build folder of the thread sanitizer}"
caches=$(mktemp -d)
trap 'rm -rf "$caches"' EXIT
export TSAN_OPTIONS="halt_on_error=1:exitcode=66:second_deadlock_stack=1:allocator_may_return_null=1"
passed=0 failed=0
# Where a library lands in memory by chance, the sanitizer now and then finds no room for what it
# keeps beside it.
fixed=
setarch "$(uname -m)" -R true 2>/dev/null && fixed="setarch $(uname -m) -R"
for test in api_threads api_memory api_queue api_device; do
    mkdir "$caches/$test"
    export POCL_CACHE_DIR="$caches/$test" DUALCUBE_CACHE_DIR="$caches/$test"
    if timeout 150 $fixed "$TSAN/bin/tests/$test" >"$caches/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $test"
        tail -60 "$caches/log"
    fi
    grep '^skipped' "$caches/log"
done
# The sanitizer is awake: it must see a race that is there.
$fixed "$TSAN/bin/tests/planted_defect" 4 >"$caches/log" 2>&1
if grep -q 'data race' "$caches/log"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "FAILED: the planted race was not reported"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]

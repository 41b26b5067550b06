#!/usr/bin/env bash
# Every kernel on an emulated device that watches memory: data races, uninitialised reads, reads and
# writes out of bounds.  The emulator's exit status says nothing: its log must be empty, and it must
# have found what is planted.
set -uo pipefail
: "${RELEASE:?build folder}" "${ROOT:?source folder}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
heavy=${DUALCUBE_TEST_HEAVY:+1} # every kernel with both dtypes, whatever the cases chose

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
# when one of the session's cases of that row shows it in a process of its own.
holds_up() {
    local dtype=$1 local_bytes=$2 cases=$3 kernel op number
    cp "$work/log" "$work/first"
    for kernel in $(sed -n 's/.*Kernel: *//p' "$work/first" | sort -u); do
        op=${kernel%_[fu][0-9]*}
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

# Rows of all families, and what the rows of one move: unsigned integers of four widths, tried with
# dtypes of these.
rows=$(grep -cE '^DC_(OP|MOVE)\(' "$ROOT/host/core/ops.def")
types="f32:float:float32 f64:double:float64"
widths="u8:uchar:uint8 u16:ushort:int16 u32:uint:float32 u64:ulong:float64"
moves() { grep -qE "^DC_MOVE\([^,]*,[^,]*, *$1," "$ROOT/host/core/ops.def"; }

# A family's rows on tiny arrays, some `each` cases of every row and dtype; the trace tells which
# kernels ran.
: >"$work/ran"
export DUALCUBE_CACHE_DIR=''
family_runs() {
    local family=$1 dtype=$2 local_bytes=$3 each=$4
    : >"$work/log"
    DUALCUBE_TRACE="$work/trace.json" watch --local-mem-size "$local_bytes" \
        "$RELEASE/bin/tests/parity" --device opencl --family "$family" --dtype "$dtype" --tiny \
        --cases $((2 * rows * each)) --seconds 60 --seed 5 --max-failures 3
    local status=$?
    grep '^parity: seed' "$work/out" | sed "s/^/$family $dtype /"
    cat "$work/trace.json" >>"$work/ran" 2>/dev/null
    [ $status = 0 ]
    result $? "$family of $dtype on the emulated device with $local_bytes bytes of local memory"
    [ ! -s "$work/log" ] || ! holds_up "$dtype" "$local_bytes" $((2 * rows * each))
    result $? "the emulator's report on $family, $dtype, $local_bytes bytes of local memory"
}

for family in $(sed -n 's/^DC_FAMILY(\([a-z0-9]*\)).*/\1/p' "$ROOT/host/core/families.def"); do
    dtypes="float32 float64"
    ! moves "$family" || dtypes="$dtypes uint8 int16"
    for dtype in $dtypes; do
        # The second float's text is the first's: one case of a row.
        each=2
        [ "$dtype" != float64 ] || [ -n "$heavy" ] || each=1
        family_runs "$family" "$dtype" 32768 $each
    done
done
# Windows next to which local memory is short go another way.
family_runs rolling float32 256 3
[ -z "$heavy" ] || family_runs rolling float64 256 6
family_runs spectral float32 256 1

# Results of more rows than tiny cases have: kernels of their own.
for dtype in float32 ${heavy:+float64}; do
    : >"$work/log"
    DUALCUBE_TRACE="$work/trace.json" watch "$RELEASE/bin/tests/long_reduce" $dtype
    status=$?
    cat "$work/trace.json" >>"$work/ran" 2>/dev/null
    [ $status = 0 ] && [ ! -s "$work/log" ]
    result $? "reductions of many rows, $dtype"
done

# The row that runs a kernel of spectra which has not its own name.
spectral_row() {
    local name=${1%_[fu][0-9]*}
    case $name in
    *_far_windows) echo spectral_rfft ;;
    *_power_rows | *_lags_rows) echo spectral_find_period ;;
    *_cross_rows) echo spectral_csd ;;
    *_means | *_medians) echo spectral_welch ;;
    *_overlap) echo spectral_istft ;;
    *) echo "${name/_far_/_}" ;;
    esac
}

# Ever more cases of a row, until one runs the kernel.
tries() {
    local kernel=$1 local_bytes=$2 try
    shift 2
    for try in 6:8 7:12 8:20 9:60; do
        : >"$work/log"
        DUALCUBE_TRACE="$work/trace.json" watch --local-mem-size "$local_bytes" \
            "$RELEASE/bin/tests/parity" --device opencl --tiny --seconds 60 --max-failures 3 \
            --seed "${try%:*}" --cases $((${try#*:} * rows)) "$@"
        local status=$?
        cat "$work/trace.json" >>"$work/ran" 2>/dev/null
        # Reports on other kernels were looked into above.
        [ $status = 0 ] && ! grep -q "Kernel: *$kernel\$" "$work/log" || return 1
        ! grep -q "\"$kernel\"" "$work/trace.json" || return 0
    done
    return 1
}

# A kernel that those cases missed by chance gets cases of its row.
ran() {
    local kernel=$1 dtype=$2 family=$3 op=${1%_[fu][0-9]*} local_bytes=32768
    grep -q "\"$kernel\"" "$work/ran" && return 0
    # T and the names are all that differs between the dtypes' texts.
    [ -n "$heavy" ] || [ "$dtype" != float64 ] || ! grep -q "\"${kernel%64}32\"" "$work/ran" ||
        return 0
    [ "$op" = "${op%_deep}" ] || local_bytes=256
    local row=(--op "${op%_deep}")
    grep -qE "^DC_(OP|MOVE)\([^,]*, *${op%_deep}," "$ROOT/host/core/ops.def" ||
        row=(--family "$family")
    if [ "$family" = spectral ]; then # on CPU devices some share a kernel
        local -x DUALCUBE_OPENCL_AS=gpu
        row=(--op "$(spectral_row "$kernel")")
        [ "$op" = "${op/_far_/_}" ] || local_bytes=256
    fi
    tries "$kernel" "$local_bytes" --dtype "$dtype" "${row[@]}"
}

kernels_of() {
    cc -E -P -x c -D__OPENCL_VERSION__=120 "-DT=$3" "-DSFX=$2" ${4:+"$4"} -I "$ROOT" -I "$ROOT/include" \
        "$1" | tr '\n' ' ' | grep -oE '(__)?kernel +void +[a-z0-9_]+' | sed 's/.* //' | sort -u
}

# No kernel may have been missed.
for source in "$ROOT"/kernels/*.cl; do
    list=$types
    ! moves "$(basename "$source" .cl)" || list="$types $widths"
    for type in $list; do
        IFS=: read -r suffix name dtype <<<"$type"
        [ "${suffix#u}" = "$suffix" ] && option= || option=-DDC_MOVE
        for kernel in $(kernels_of "$source" "$suffix" "$name" $option); do
            # Around the library's transforms, which no tiny case has: long_spectral runs them.
            # Kernels of windows that do not fit: float64 is float32's text.
            case $kernel in
            spectral_bins_* | spectral_rows_* | spectral_ratios_* | spectral_far_*_f64) continue ;;
            esac
            ran "$kernel" "$dtype" "$(basename "$source" .cl)"
            result $? "kernel $kernel of $(basename "$source") was never run, or went wrong" quiet
        done
    done
done
[ $passed -gt 10 ] || { echo "FAILED: no kernels were found"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed"
[ $failed = 0 ]

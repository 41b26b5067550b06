# What the tests of the command share (sourced by tests/command*.sh): a folder to work in, checks,
# their counts.  The last line of a test is "N passed, N failed".
#
#   DUALCUBE=build/bin/dualcube tests/command.sh
#   DUALCUBE_PLANT=1 ...: every expectation is turned round, so that all must fail
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")/.." && pwd)
dualcube=${DUALCUBE:-$here/build/bin/dualcube}
plant=${DUALCUBE_PLANT:-}
if ! [ -x "$dualcube" ]; then
    echo "FAILED: there is no $dualcube; name the command with DUALCUBE="
    echo "0 passed, 1 failed"
    exit 1
fi
dualcube=$(cd "$(dirname "$dualcube")" && pwd)/$(basename "$dualcube")
python=python3
[ ! -x "$here/.venv/bin/python3" ] || python=$here/.venv/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export DUALCUBE_CACHE_DIR=$work/cache OMP_WAIT_POLICY=passive
unset DUALCUBE_DEVICE DUALCUBE_CPU_ISA DUALCUBE_THREADS DUALCUBE_FALLBACK DUALCUBE_TRACE
passed=0
failed=0
skipped=0

# check NAME COMMAND...: the command must succeed.
check() {
    local name=$1 good=1
    shift
    "$@" >check.out 2>&1 || good=0
    [ -z "$plant" ] || good=$((1 - good))
    if [ $good = 1 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        head -5 check.out | sed 's/^/    /'
    fi
    rm -f check.out
}

# listing: the files here but for the harness's own.
listing() {
    find . -type f ! -name check.out ! -name said.\* ! -path './cache/*' | sort |
        xargs -r -d '\n' cksum
}

# exits CODE PATTERN ARGUMENT...: exit code, one sentence on stderr, nothing on stdout, no file.
exits() {
    local code=$1 pattern=$2 got before
    shift 2
    before=$(listing)
    timeout 60 "$dualcube" "$@" >said.out 2>said.err
    got=$?
    [ $got = "$code" ] || { echo "exit code $got, expected $code"; cat said.err; return 1; }
    grep -Eq -- "$pattern" said.err || { echo "no \"$pattern\" in:"; cat said.err; return 1; }
    [ "$(wc -l <said.err)" = 1 ] || { echo "more than a sentence:"; cat said.err; return 1; }
    ! [ -s said.out ] || { echo "output:"; cat said.out; return 1; }
    [ "$before" = "$(listing)" ] || { echo "files were touched"; return 1; }
}
refuse() { # ARGUMENTS in words, PATTERN
    check "refuse: $1" exits 2 "$2" $1
}

# npy FILE DESCR FORTRAN SHAPE STRUCT VALUES: a .npy file, true or not.
npy() {
    "$python" - "$@" <<'PYTHON'
import struct, sys
path, descr, fortran, shape, code, values = sys.argv[1:]
text = "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)
text += " " * (-(10 + len(text) + 1) % 64) + "\n"
data = [float(v) if code[-1] in "fd" else int(v) for v in values.split()]
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1"))
    file.write(b"".join(struct.pack(code, v) for v in data))
PYTHON
}

# data FILE...: the bytes after the header of a version 1 .npy file.
data() {
    local n
    n=$(od -An -tu2 -j8 -N2 "$1")
    tail -c +$((n + 11)) "$1"
}
same() { # two .npy files hold the same bytes after the header
    cmp <(data "$1") <(data "$2")
}
says() { # PATTERN COMMAND...: success with that on stdout
    local pattern=$1
    shift
    timeout 100 "$@" >said.out 2>said.err || { cat said.err; return 1; }
    grep -Eq -- "$pattern" said.out || { echo "no \"$pattern\" in:"; head -20 said.out; return 1; }
}
json() { # EXPRESSION COMMAND...: stdout is JSON, and the Python expression of `x` holds
    local expression=$1
    shift
    timeout 100 "$@" >said.out 2>said.err || { cat said.err; return 1; }
    "$python" -c 'import json, sys
x = json.load(open("said.out"))
assert eval(sys.argv[1]), x' "$expression"
}

finish() {
    [ $skipped = 0 ] || more=", $skipped skipped"
    echo "$passed passed, $failed failed${more:-}"
    [ $failed = 0 ]
}

#!/bin/bash
# `dualcube transform` against NumPy, in one piece and in blocks; bad input; interruption.
. "$(dirname "$0")/harness/command.sh"
T="$dualcube transform"

"$python" - <<'PYTHON'
import numpy as np
random = np.random.default_rng(0)
np.save("cube.npy", random.standard_normal((30, 40, 50), dtype=np.float32))
np.save("whole.npy", np.arange(60000).astype(np.int16).reshape(30, 40, 50))
np.save("fortran.npy", np.asfortranarray(random.standard_normal((100, 130))))
np.save("none.npy", np.empty((0, 4)))
PYTHON

# equals EXPRESSION: out.npy has exactly these bits; `x` is the input.
equals() {
    "$python" -c 'import sys, numpy as np
x, y = np.load(sys.argv[1]), np.load("out.npy")
want = eval(sys.argv[2])
assert y.dtype == want.dtype and y.shape == want.shape, (y.dtype, y.shape)
near = y.dtype.kind == "f" and sys.argv[3:] == ["near"]
assert np.allclose(y, want, 1e-5, 1e-6, equal_nan=True) if near else \
    y.tobytes() == np.ascontiguousarray(want).tobytes()' "$@"
}
# turned WORDS INPUT EXPRESSION [near]: whole and in blocks.
turned() {
    local words=$1 input=$2
    shift 2
    check "$words $input" says "$words" $T $words $input -o out.npy
    check "$words $input: what NumPy says" equals $input "$@"
    mv out.npy one_piece.npy
    check "$words $input, in blocks" says "blocks" $T $words $input -o out.npy --memory 48K
    check "$words $input: blocks change nothing" cmp one_piece.npy out.npy
}
says() { # PATTERN COMMAND...: success; the pattern's first word on stdout
    local pattern=${1%% *}
    shift
    timeout 100 "$@" >said.out 2>said.err || { cat said.err; return 1; }
    grep -Eq -- "$pattern" said.out || { echo "no \"$pattern\" in:"; head -20 said.out; return 1; }
}

turned "transpose" cube.npy "x.T"
turned "transpose --axes 2,0,1" cube.npy "x.transpose(2, 0, 1)"
turned "transpose --axes 0,-1,1" whole.npy "x.transpose(0, 2, 1)"
turned "transpose" fortran.npy "x.T"
turned "flip" cube.npy "np.flip(x)"
turned "flip --axes 1" whole.npy "np.flip(x, 1)"
turned "roll --shift -3" fortran.npy "np.roll(x, -3, 0)"
turned "roll --axes 2,0 --shift 7,100" cube.npy "np.roll(x, (7, 100), (2, 0))"
turned "lag --fill -1" whole.npy "np.concatenate([np.full_like(x[:1], -1), x[:-1]])"
turned "lag --periods -2 --axes 1" fortran.npy \
    "np.concatenate([x[:, 2:], np.full_like(x[:, :2], np.nan)], 1)"
turned "diff --axes 1" fortran.npy \
    "np.concatenate([np.full_like(x[:, :1], np.nan), np.diff(x, axis=1)], 1)"
turned "affine --scale 2 --offset 1 --low 0 --high 2.5" cube.npy \
    "np.clip(x * np.float32(2) + np.float32(1), np.float32(0), np.float32(2.5))"
turned "affine --scale 0.5" whole.npy "x * 0.5"
turned "mean --axes 1 --blend 0.25" cube.npy "x * 0.75 + 0.25 * x.mean(1, keepdims=True)" near
turned "moving --window 3 --edges nearest --axes 1" whole.npy \
    "(lambda p: (p[:, :-2] + p[:, 1:-1] + p[:, 2:]) / 3)(np.pad(x * 1.0, ((0, 0), (1, 1), (0, 0)), 'edge'))" \
    near
turned "gaussian --sigma 1 --edges wrap --axes -1" cube.npy \
    "(lambda k: sum(w * np.roll(x, d, -1) for d, w in zip(range(-4, 5), k / k.sum())).astype('f4'))(np.exp(-np.arange(-4, 5.0) ** 2 / 2))" \
    near
turned "standardize --axes 1,2" cube.npy \
    "(x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)" near
turned "minmax --axes 0" fortran.npy \
    "(x - x.min(0)) / (x.max(0) - x.min(0))" near
check "an empty array" says "transpose" $T transpose none.npy -o out.npy
check "an empty array's shape" equals none.npy "x.T"
check "--json" json "x['shape'] == [50, 40, 30] and x['device'] == 'cpu'" \
    $T transpose cube.npy -o out.npy --json
for isa in $("$dualcube" version --json | "$python" -c 'import json,sys; print(json.load(sys.stdin)["isas"])'); do
    $T standardize --axes 1,2 cube.npy -o want.npy >/dev/null
    check "standardize on $isa" says "standardize" $T standardize --axes 1,2 cube.npy -o out.npy --isa $isa
    check "$isa: the same bits" cmp want.npy out.npy
done

# Peak memory is that of a block or two, not of the file.
"$dualcube" sample -o large.npy --rows 500000 --columns 64 >/dev/null
bounded() {
    "$python" - "$dualcube" <<'PYTHON'
import os, resource, subprocess, sys
subprocess.run([sys.argv[1], "transform", "transpose", "large.npy", "-o", "out.npy", "-d", "cpu",
                "--memory", "32M"], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
size = os.path.getsize("large.npy")
assert peak < size / 2, "%.0f MB at the peak for a file of %.0f MB" % (peak / 1e6, size / 1e6)
PYTHON
}
check "larger than the memory allowed" bounded
check "larger than the memory allowed: the values" equals large.npy "x.T"
rm -f large.npy out.npy

if "$dualcube" explain rolling_mean --window 16 -d opencl >/dev/null 2>said.err; then
    for words in "transpose --axes 2,0,1" "roll --axes 1 --shift 3" "standardize --axes 1,2" "diff"; do
        $T $words cube.npy -o want.npy -d cpu >/dev/null
        check "$words on OpenCL" says "opencl" $T $words cube.npy -o out.npy -d opencl --memory 64K
        check "$words on OpenCL: the same bits" cmp want.npy out.npy
    done
else
    echo "skipped: OpenCL ($(cat said.err))"
    skipped=$((skipped + 1))
fi

check "transform --help" says "example" $T --help
refuse "transform" "the transform is missing"
refuse "transform odd cube.npy -o no.npy" "there is no transform \"odd\""
refuse "transform flip -o no.npy" "the input is missing"
refuse "transform flip cube.npy" "--output is missing"
refuse "transform flip cube.npy whole.npy -o no.npy" "one input at a time"
refuse "transform flip cube.npy -o cube.npy" "the output cube.npy is the input itself"
refuse "transform transpose cube.npy --axes 0,1 -o no.npy" "--axes names 2 axes, cube.npy has 3"
refuse "transform transpose cube.npy --axes 0,1,1 -o no.npy" "--axes has axis 1 twice"
refuse "transform flip cube.npy --axes 3 -o no.npy" "--axes has 3, expected -3 \.\.\. 2"
refuse "transform flip cube.npy --axes x -o no.npy" "--axes is \"x\", expected a whole number"
refuse "transform roll cube.npy -o no.npy" "--shift has 0 numbers, expected one for each of the 1"
refuse "transform roll cube.npy --shift 1,2 -o no.npy" "--shift has 2 numbers"
refuse "transform moving cube.npy --axes 0,1 -o no.npy" "moving works along one"
refuse "transform moving cube.npy --window 0 -o no.npy" "--window is 0"
refuse "transform mean cube.npy --blend 2 -o no.npy" "--blend is 2"
refuse "transform lag whole.npy -o no.npy" "fill must be given for dtype int16"
refuse "transform flip cube.npy --memory 0 -o no.npy" "--memory is"
check "refuse: no file" exits 4 "nothere.npy: No such file" transform flip nothere.npy -o no.npy
check "refuse: a locked place" exits 4 "cannot be written" transform flip cube.npy -o /dev/null/no.npy
finish

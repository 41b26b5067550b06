#!/bin/bash
# `dualcube correlation` against NumPy; bad input.
. "$(dirname "$0")/harness/command.sh"
T="$dualcube correlation"

"$python" - <<'PYTHON'
import numpy as np
random = np.random.default_rng(0)
table = random.standard_normal((400, 6)) + random.standard_normal((400, 1))
np.save("table.npy", table)
np.save("small.npy", table.astype(np.float32))
np.save("whole.npy", (100 * table).astype(np.int16))
np.save("fortran.npy", np.asfortranarray(table))
holes = table.copy()
holes[random.random(holes.shape) < 0.2] = np.nan
holes[:, 4] = np.nan
np.save("holes.npy", holes)
np.save("cube.npy", np.zeros((2, 3, 4)))
np.save("none.npy", np.empty((0, 4)))
PYTHON

# near INPUT EXPRESSION: out.npy is this; `x` is the input as float64.
near() {
    "$python" -c 'import sys, numpy as np
x, y = np.load(sys.argv[1]), np.load("out.npy")
kind = x.dtype if x.dtype.kind == "f" else np.dtype(float)
x = x.astype(np.float64)
def ranks(x): return np.argsort(np.argsort(x, 0), 0)
def pairs(x):
    d = x.shape[1]
    out = np.full((d, d), np.nan)
    for i in range(d):
        for j in range(d):
            both = np.isfinite(x[:, i]) & np.isfinite(x[:, j])
            if both.sum() > 1: out[i, j] = np.corrcoef(x[both, i], x[both, j])[0, 1]
    return out
want = eval(sys.argv[2])
assert y.dtype == kind and y.shape == want.shape, (y.dtype, y.shape)
np.testing.assert_allclose(y, want, rtol=0, atol=(1e-5 if kind == np.float32 else 1e-12) * np.nanmax(np.abs(want)))' "$1" "$2"
}

for file in table small whole fortran; do
    check "$file" $T $file.npy -o out.npy
    check "$file is right" near $file.npy "np.corrcoef(x.T)"
done
check "covariance" $T table.npy -o out.npy --method covariance --ddof 0
check "covariance is right" near table.npy "np.cov(x.T, ddof=0)"
check "spearman" $T table.npy -o out.npy -m spearman --threads 1
check "spearman is right" near table.npy "np.corrcoef(ranks(x).T)"
check "holes" says "6 x 6, 5 pairs without a result" $T holes.npy -o out.npy
check "holes are right" near holes.npy "pairs(x)"
check "min-periods" says "15 pairs without a result" $T holes.npy -o out.npy --min-periods 401
check "correlation --help" says "example" $T --help
refuse "correlation -o no.npy" "the input is missing"
refuse "correlation table.npy" "--output is missing"
refuse "correlation table.npy cube.npy -o no.npy" "one input at a time"
refuse "correlation table.npy -o table.npy" "the output table.npy is the input itself"
refuse "correlation none.npy -o no.npy" "none.npy has no elements"
refuse "correlation cube.npy -o no.npy" "cube.npy has 3 axes, must have 2"
refuse "correlation table.npy --method odd -o no.npy" "is \"odd\", expected one of: covariance"
refuse "correlation table.npy --min-periods -1 -o no.npy" "--min-periods is -1"
check "refuse: no file" exits 4 "nothere.npy: No such file" correlation nothere.npy -o no.npy
check "refuse: a locked place" exits 4 "cannot be written" correlation table.npy -o /dev/null/no.npy
finish

#!/bin/bash
# `dualcube pca` against NumPy, in one piece and in chunks; bad input.
. "$(dirname "$0")/harness/command.sh"
T="$dualcube pca"

"$python" - <<'PYTHON'
import numpy as np
random = np.random.default_rng(0)
x = random.standard_normal((900, 4)) @ random.standard_normal((4, 7)) + 0.1 * random.standard_normal((900, 7))
x += np.arange(7)
np.save("table.npy", x)
np.save("small.npy", x.astype(np.float32))
np.save("fortran.npy", np.asfortranarray(x))
np.save("cube.npy", x.reshape(900, 7, 1))
np.save("whole.npy", np.round(100 * x).astype(np.int16))
np.save("other.npy", x[:, :5])
np.save("one.npy", x[:1])
np.save("none.npy", x[:0])
holes = x.copy()
holes[3, 2] = np.nan
np.save("holes.npy", holes)
PYTHON
cat >truth.py <<'PYTHON'
import json, sys, numpy as np
from numpy import load
def fit(x, k, standardize):
    x = x.reshape(len(x), -1).astype(float)
    mean, unit = x.mean(0), x.std(0) if standardize else np.ones(x.shape[1])
    values, vectors = np.linalg.eigh(np.cov(((x - mean) / unit).T))
    return mean, unit, values[::-1][:k], vectors.T[::-1][:k]
def watch(x, mean, unit, values, w):
    z = (x.reshape(len(x), len(mean)) - mean) / unit
    t = z @ w.T
    return (t * t / values).sum(1), ((z - t @ w) ** 2).sum(1)
PYTHON

# agrees TRAIN NEW K STANDARDIZE TOLERANCE: out/ holds NumPy's statistics.
agrees() {
    "$python" -c 'from truth import *
train, new, k, unit, tolerance = load(sys.argv[1]), load(sys.argv[2]), *map(float, sys.argv[3:])
t2, spe = watch(new, *fit(train, int(k), unit))
got = load("out/t2.npy"), load("out/spe.npy")
assert got[0].dtype == (np.float32 if new.dtype == np.float32 else float), got[0].dtype
for a, b in zip((t2, spe), got):
    np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * max(1, np.nanmax(np.append(a, 0))), equal_nan=True)
limits = json.load(open("out/limits.json"))
assert limits["rows_above_t2"] == int((got[0] > limits["t2"]).sum()), limits
assert limits["rows_above_spe"] == int((got[1] > limits["spe"]).sum()), limits' "$@"
}
round_trip() { # TRAIN NEW K STANDARDIZE TOLERANCE OPTIONS...
    local train=$1 new=$2 k=$3 unit=$4 tolerance=$5
    shift 5
    rm -rf "$work/out" && $T fit "$train" -k "$k" $([ "$unit" = 0 ] || echo --standardize) -o m.model "$@" &&
        $T monitor "$new" -m m.model -o out "$@" && agrees "$train" "$new" "$k" "$unit" "$tolerance"
}
check "as NumPy" round_trip table.npy table.npy 3 0 1e-8
check "standardised" round_trip table.npy table.npy 3 1 1e-8
check "float32" round_trip small.npy small.npy 3 1 1e-3
check "all components" round_trip table.npy table.npy 6 0 1e-7
check "Fortran order" round_trip fortran.npy table.npy 2 0 1e-8
check "integers" round_trip whole.npy whole.npy 2 1 1e-8
check "a cube's columns" round_trip cube.npy cube.npy 2 0 1e-8
check "NaN rows are NaN" round_trip table.npy holes.npy 2 0 1e-8
check "no rows" round_trip table.npy none.npy 2 0 1e-8

# same FILE FILE...: the bits agree.
chunks() {
    $T fit table.npy -k 3 -o whole.model -t 1 && $T monitor table.npy -m whole.model --scores -o whole -t 1 &&
        $T fit table.npy -k 3 -o chunks.model --memory 3000 -t 1 &&
        $T monitor table.npy -m chunks.model --scores -o chunks --memory 3000 -t 2 &&
        cmp whole.model chunks.model && cmp whole/t2.npy chunks/t2.npy && cmp whole/spe.npy chunks/spe.npy &&
        cmp whole/scores.npy chunks/scores.npy && cmp whole/limits.json chunks/limits.json
}
check "chunks have the bits of the whole" chunks
variance() {
    $T fit table.npy -k 0.9 -o f.model && "$dualcube" model info f.model | grep -q "n_components" &&
        "$dualcube" model check f.model && $T monitor table.npy -m f.model -o f --confidence 0.99
}
check "a part of the variance" variance
mean_for_missing() {
    $T monitor holes.npy -m whole.model --missing mean -o filled &&
        "$python" -c 'from truth import *
assert np.isfinite(load("filled/t2.npy")).all() and np.isfinite(load("filled/spe.npy")).all()'
}
check "missing values as means" mean_for_missing
damaged() {
    "$python" -c 'import sys
b = bytearray(open("whole.model", "rb").read())
b[len(b) // 2] ^= 1
open("damaged.model", "wb").write(b)'
    ! "$dualcube" model check damaged.model && ! $T monitor table.npy -m damaged.model -o bad && ! [ -e bad ]
}
check "a damaged model" damaged
check "help" sh -c "$T --help | grep -q 'dualcube pca fit'"

refuse "pca" "expected fit or monitor"
refuse "pca learn table.npy" "not learn"
refuse "pca fit table.npy" "-o is missing"
refuse "pca monitor table.npy -o out2" "--model is missing"
refuse "pca fit table.npy -k 1.5 -o x" "--components is 1.5, must be a whole number"
refuse "pca fit table.npy -k 8 -o x" "components is 8, must be 1 ... 7"
refuse "pca fit one.npy -o x" "must have at least 2"
refuse "pca fit holes.npy -o x" "column 2 of src contains NaN"
refuse "pca monitor other.npy -m whole.model -o out2" "is for 7 columns, other.npy has 5"
refuse "pca monitor table.npy -m whole.model -o out2 --missing zero" "expected nan or mean"
refuse "pca monitor table.npy -m whole.model -o out2 --confidence 1" "--confidence"
check "no file" exits 4 "absent.npy" pca fit absent.npy -o x
check "no model" exits 4 "table.npy" pca monitor table.npy -m table.npy -o out2

finish

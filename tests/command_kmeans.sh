#!/bin/bash
# `dualcube kmeans`: what a fit finds, in Python's hands too; predicting in chunks; bad input.
. "$(dirname "$0")/harness/command.sh"
T="$dualcube kmeans"

"$python" - <<'PYTHON'
import numpy as np
random = np.random.default_rng(0)
x = random.normal(size=(1000, 5)) + 8 * random.integers(0, 3, (1000, 1)) + 50
np.save("table.npy", x)
np.save("small.npy", x.astype(np.float32))
np.save("whole.npy", (10 * x).astype(np.int16))
np.save("fortran.npy", np.asfortranarray(x))
np.save("wide.npy", np.zeros((9, 6)))
x[17, 3] = np.nan
np.save("missing.npy", x)
PYTHON

# found EXPRESSION: of the input `x`, the labels `labels` and `info`, the JSON of the fit.
found() {
    "$python" -c 'import sys, json, numpy as np
x, labels = np.load(sys.argv[1]).astype(float), np.load("labels.npy")
info = json.load(open("info.json"))
assert labels.dtype == np.int32 and labels.shape == (1000,)
centers = np.stack([x[labels == j].mean(0) for j in range(3)])
inertia = ((x - centers[labels]) ** 2).sum()
assert abs(info["inertia"] / inertia - 1) < 1e-5, (info, inertia)
assert (((x[:, None] - centers) ** 2).sum(-1).argmin(1) == labels).all()' "$1"
}
for file in table small whole fortran; do
    check "fit $file" bash -c "$T fit $file.npy -k 3 -o $file.model -l labels.npy --json >info.json"
    check "fit $file: clusters that are some" found $file.npy
    check "predict $file" says "1000 rows, 3 clusters" $T predict $file.model $file.npy -o again.npy
    check "predict $file: the labels of the fit" cmp labels.npy again.npy
    check "predict $file in chunks" $T predict $file.model $file.npy -o again.npy --memory 4K
    check "predict $file in chunks: the same" cmp labels.npy again.npy
done
check "threads do not show" $T fit table.npy -k 3 -o two.model -t 2
check "threads do not show: the same file" cmp table.model two.model
check "random starts" says "3 clusters" $T fit table.npy -k 3 -o random.model --init random --runs 5
# A label of no cluster, under a checksum that agrees.
strange() {
    $T fit table.npy -k 3 -o table.model -l labels.npy && "$dualcube" model check table.model &&
        "$python" -c 'import numpy as np
b = bytearray(open("table.model", "rb").read())
at = b.find(np.load("labels.npy").tobytes())
assert at > 0
b[at:at + 4] = np.int32(3).tobytes()
crc = 0xffffffff
for byte in b[16:]:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
b[12:16] = np.uint32(crc ^ 0xffffffff).tobytes()
open("strange.model", "wb").write(b)'
}
check "model check: a fit" strange
check "model check: a label of no cluster" exits 1 "labels must be rows of cluster_centers" \
    model check strange.model
check "the model's kind" says "kmeans" $dualcube model info table.model

check "kmeans --help" says "example" $T --help
refuse "kmeans" "expected fit or predict"
refuse "kmeans guess table.npy -o x" "expected fit or predict, not guess"
refuse "kmeans fit table.npy -o x" "clusters is missing"
refuse "kmeans fit table.npy -k 3" "o is missing"
refuse "kmeans fit table.npy -k 1001 -o x" "clusters is 1001, table.npy has 1000 rows"
refuse "kmeans fit table.npy -k 3 -o x --init best" "expected plusplus or random"
refuse "kmeans fit table.npy -k 3 -o table.npy" "the output table.npy is the input itself"
refuse "kmeans predict table.model wide.npy -o x" "wide.npy has 6 columns"
check "refuse: NaN" exits 2 "row 17, column 3 is nan" kmeans fit missing.npy -k 3 -o x
check "refuse: no model" exits 4 "table.npy" kmeans predict table.npy table.npy -o x
check "refuse: no file" exits 4 "nothere.npy: No such file" kmeans fit nothere.npy -k 3 -o x
check "nothing is left of what failed" test ! -e x
finish

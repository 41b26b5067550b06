#!/bin/bash
# `dualcube spectral` against NumPy, in one piece and in blocks; bad input.
. "$(dirname "$0")/harness/command.sh"
T="$dualcube spectral"

"$python" - <<'PYTHON'
import numpy as np
random = np.random.default_rng(0)
t = np.arange(600)[:, None]
waves = np.cos(2 * np.pi * t / np.array([12, 20, 30, 50, 60])) + 0.1 * random.standard_normal((600, 5))
np.save("table.npy", waves)
np.save("small.npy", waves.astype(np.float32))
np.save("cube.npy", random.standard_normal((7, 300, 4)))
np.save("whole.npy", (100 * waves).astype(np.int16))
np.save("fortran.npy", np.asfortranarray(waves))
np.save("none.npy", np.empty((0, 4)))
PYTHON
cat >spectra.py <<'PYTHON'
import numpy as np
def windows(x, n, hop):  # (..., windows, n) of the series on the last axis
    return np.lib.stride_tricks.sliding_window_view(x, n, -1)[..., ::hop, :]
def hann(n):
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
def power(x, w, scale, detrend=True):  # of windows, bins on the last axis
    p = np.abs(np.fft.rfft((x - x.mean(-1, keepdims=True) if detrend else x) * w)) ** 2 * scale
    p[..., 1:p.shape[-1] - (len(w) % 2 == 0)] *= 2
    return p
def bands(x, fs, edges):
    f = np.arange(x.shape[-1] // 2 + 1) * fs / x.shape[-1]
    p = np.abs(np.fft.rfft(x - x.mean(-1, keepdims=True))) ** 2
    return np.stack([p[..., (f >= a) & (f < b)].sum(-1) for a, b in edges], -1)
PYTHON

# near INPUT EXPRESSION: out.npy is this; `x` is the input as float64.
near() {
    "$python" -c 'import sys, numpy as np
from spectra import *
x, y = np.load(sys.argv[1]), np.load("out.npy")
kind = x.dtype if x.dtype.kind == "f" else np.dtype(float)
x = x.astype(np.float64)
want = np.asarray(eval(sys.argv[2]))
assert y.dtype == kind and y.shape == want.shape, (y.dtype, y.shape, want.shape)
tight = 1e-4 if kind.itemsize == 4 else 1e-9
assert np.allclose(y, want, tight, tight * np.nanmax(np.abs(want)), equal_nan=True), abs(y - want).max()' "$@"
}
# spectrum WORDS INPUT EXPRESSION: whole and in blocks.
spectrum() {
    check "$1 $2" says "^${1%% *}" $T $1 $2 -o out.npy
    check "$1 $2: what NumPy says" near "$2" "$3"
    mv out.npy one_piece.npy
    check "$1 $2, in blocks" says "blocks" $T $1 $2 -o out.npy --memory 8K
    check "$1 $2: blocks change nothing" cmp one_piece.npy out.npy
}

spectrum "rfft" table.npy "(lambda z: np.stack([z.real, z.imag], -1))(np.fft.rfft(x, axis=0))"
spectrum "rfft --axis 1 --nfft 128" cube.npy \
    "(lambda z: np.stack([z.real, z.imag], -1))(np.fft.rfft(x, 128, axis=1))"
spectrum "periodogram --fs 10" fortran.npy "power(x.T, np.ones(600), 1 / 6000).T"
spectrum "periodogram --scaling spectrum" whole.npy "power(x.T, np.ones(600), 1 / 360000).T"
spectrum "welch --nperseg 100" small.npy \
    "power(windows(x.T, 100, 50), hann(100), 1 / (hann(100) ** 2).sum()).mean(-2).T"
spectrum "welch --axis 1 --nperseg 64 --window boxcar --detrend none --noverlap 0" cube.npy \
    "np.moveaxis(power(windows(np.moveaxis(x, 1, -1), 64, 64), np.ones(64), 1 / 64, False).mean(-2), -1, 1)"
spectrum "spectrogram --nperseg 50 --noverlap 10 --window hann --scaling spectrum" table.npy \
    "power(windows(x.T, 50, 40), hann(50), 1 / 625).transpose(2, 0, 1)"
spectrum "stft --nperseg 50 --noverlap 25 --boundary none --window boxcar" table.npy \
    "(lambda z: np.stack([z.real, z.imag], -1))(np.fft.rfft(windows(x.T, 50, 25)) / 50).transpose(2, 0, 1, 3)"
spectrum "bands --nperseg 100 --bands 0:0.05,0.05:0.2 --fs 2" table.npy \
    "bands(windows(x.T, 100, 100), 2, [(0, 0.05), (0.05, 0.2)]).transpose(1, 0, 2)"
spectrum "rolling-bands --nperseg 32" table.npy \
    "np.concatenate([np.full((31, 5, 3), np.nan), bands(windows(x.T, 32, 1), 1, [(0, 0.05), (0.05, 0.15), (0.15, 0.5)]).transpose(1, 0, 2)])"
spectrum "features --nperseg 120 --features total,centroid --window boxcar" table.npy \
    "(lambda p: np.stack([p.sum(-1), (p * np.arange(61) / 120).sum(-1) / p.sum(-1)], -1))(np.abs(np.fft.rfft(windows(x.T, 120, 120) - windows(x.T, 120, 120).mean(-1, keepdims=True))) ** 2).transpose(1, 0, 2)"
spectrum "acf --lags 10" table.npy \
    "(lambda d: np.stack([(d[:600 - k] * d[k:]).sum(0) for k in range(11)]) / (d * d).sum(0))(x - x.mean(0))"

found() { # periods of the columns
    "$python" -c 'import numpy as np
y = np.load("out.npy")
assert y.shape == (3, 5) and np.allclose(y[0], [12, 20, 30, 50, 60], 0.05), y'
}
check "find-period" says "^find-period" $T find-period table.npy -o out.npy
check "find-period: the periods" found
check "--json" json "x['shape'] == [51, 5] and x['frequency_step'] == 0.1 and x['windows'] == 11" \
    $T welch table.npy --nperseg 100 --fs 10 -o out.npy --json
for isa in $("$dualcube" version --json | "$python" -c 'import json,sys; print(json.load(sys.stdin)["isas"])'); do
    $T welch small.npy --nperseg 60 -o want.npy >/dev/null
    check "welch on $isa" says "welch" $T welch small.npy --nperseg 60 -o out.npy --isa $isa
    check "$isa: the same bits" cmp want.npy out.npy
done
if "$dualcube" explain rolling_mean --window 16 -d opencl >/dev/null 2>said.err; then
    $T acf table.npy -o want.npy -d cpu >/dev/null
    check "acf on OpenCL" says "opencl" $T acf table.npy -o out.npy -d opencl
    check "acf on OpenCL: the same bits" cmp want.npy out.npy
else
    echo "skipped: OpenCL ($(cat said.err))"
    skipped=$((skipped + 1))
fi

check "spectral --help" says "example" $T --help
refuse "spectral" "the word is missing"
refuse "spectral odd table.npy -o no.npy" "there is no spectrum \"odd\""
refuse "spectral welch -o no.npy" "the input is missing"
refuse "spectral welch table.npy" "--output is missing"
refuse "spectral welch table.npy cube.npy -o no.npy" "one input at a time"
refuse "spectral welch table.npy -o table.npy" "the output table.npy is the input itself"
refuse "spectral welch none.npy -o no.npy" "none.npy has no elements"
refuse "spectral welch table.npy --axis 2 -o no.npy" "--axis is 2, expected -2 \.\.\. 1"
refuse "spectral welch table.npy --nperseg 601 -o no.npy" "--nperseg is 601, expected 1 \.\.\. 600"
refuse "spectral welch table.npy --nperseg 8 --noverlap 8 -o no.npy" "--noverlap is 8, expected 0 \.\.\. 7"
refuse "spectral welch table.npy --nfft 100 -o no.npy" "--nfft is 100, expected 256"
refuse "spectral welch table.npy --window hat -o no.npy" "--window is \"hat\", expected one of: boxcar"
refuse "spectral welch table.npy --window hann,2 -o no.npy" "this window has no parameter"
refuse "spectral welch table.npy --detrend quadratic -o no.npy" "expected one of: none constant linear"
refuse "spectral welch table.npy --fs 0 -o no.npy" "fs is 0"
refuse "spectral bands table.npy --bands 0.1 -o no.npy" "--bands has \"0.1\", expected two frequencies"
refuse "spectral bands table.npy --bands 0.2:0.1 -o no.npy" "--bands is 0.1, expected 0.2"
refuse "spectral features table.npy --features odd -o no.npy" "--features has \"odd\", expected some of: total"
refuse "spectral rolling-bands table.npy -o no.npy" "--nperseg is missing"
refuse "spectral acf table.npy --lags 600 -o no.npy" "--lags is 600, expected 0 \.\.\. 599"
check "refuse: no file" exits 4 "nothere.npy: No such file" spectral welch nothere.npy -o no.npy
check "refuse: a locked place" exits 4 "cannot be written" spectral welch table.npy -o /dev/null/no.npy
finish

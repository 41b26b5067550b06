"""Rolling features of a table of sensors in Python.

    pip install dualcube && python rolling.py
"""

import numpy as np

import dualcube as dc

rng = np.random.default_rng(1)
rows = np.arange(20_000)[:, None]
table = 20 + np.arange(4) + 5 * np.sin(rows * 0.00436332) + rng.normal(size=(rows.size, 4))
table[rng.random(table.shape) < 0.005] = np.nan  # now and then a value is missing

median = dc.rolling_median(table, window=64, min_periods=32)
spread = dc.rolling_std(table, window=64, min_periods=32)
high = dc.rolling_quantile(table, window=64, min_periods=32, q=0.9)
print("last row, median:", np.round(median[-1], 4))
print("          std:   ", np.round(spread[-1], 4))
print("          90 %:  ", np.round(high[-1], 4))
print("computed on", dc.last_run()["device"], "-", dc.last_run()["reason"])

# A slice that begins a window earlier has the same bits: nothing depends on where a series begins.
tail = dc.rolling_std(table[10_000 - 63:], window=64, min_periods=32)[63:]
assert np.array_equal(tail, spread[10_000:], equal_nan=True)

# On every device, instruction set and number of threads: the same bits again.
for device in dc.devices():
    if device["usable"]:
        again = dc.rolling_median(table, window=64, min_periods=32, device=device["id"])
        assert np.array_equal(again, median, equal_nan=True), device["id"]
        print("the same bits on", device["id"], "-", device["name"])

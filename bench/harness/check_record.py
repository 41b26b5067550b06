#!/usr/bin/env python3
"""Run a very short `dualcube bench` and check its record: JSON, complete, and believable.

    check_record.py path/to/dualcube
"""

import json
import subprocess
import sys

NUMBERS = ("seconds", "seconds_low", "seconds_high", "bytes", "flops", "ns_per_value",
           "bytes_per_second", "floor_seconds", "fraction_of_floor", "rows", "columns", "window")
WORDS = ("library", "operation", "dtype", "device", "device_name", "isa", "memory", "floor")


def findings(text):
    """Sentences about what is wrong with a record."""
    lines = [json.loads(line) for line in text.splitlines()]
    found = []
    if not lines or lines[0].get("record") != "machine":
        return ["the first line is not the machine's"]
    floors = lines[0].get("floors", [])
    if not floors:
        found.append("the machine has no floors")
    for floor in floors:
        for name, value in floor.items():
            if not value > 0:
                found.append(f"floor {name} is {value}")
    if len(lines) < 2:
        found.append("nothing was measured")
    for line in lines[1:]:
        what = f"{line.get('operation')} {line.get('dtype')} on {line.get('device')}"
        found += [f"{what}: {name} is {line.get(name)}" for name in NUMBERS
                  if not (isinstance(line.get(name), (int, float)) and line[name] >= 0)]
        found += [f"{what}: no {name}" for name in WORDS if not isinstance(line.get(name), str)]
        if not line["seconds_low"] <= line["seconds"] <= line["seconds_high"]:
            found.append(f"{what}: the median is outside its quartiles")
        if line["seconds"] <= 0 or line["fraction_of_floor"] <= 0:
            found.append(f"{what}: no time was measured")
    return found


def self_check(text):
    """The checks can fail."""
    broken = [text.replace('"record": "machine"', '"record": "other"'),
              text.splitlines()[0] + "\n",
              text.replace('"seconds": ', '"seconds": -'),
              text.replace('"floor": ', '"flor": ')]
    return [f"defect {k} is not found" for k, bad in enumerate(broken) if not findings(bad)]


def main():
    command = [sys.argv[1], "bench", "--json", "--quick", "--rounds", "1", "--size", "500x8",
               "--window", "16", "--op", "rolling_mean,rolling_median", "--device", "cpu"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    found = [f"exit code {run.returncode}: {run.stderr.strip()}"] if run.returncode else []
    found += findings(run.stdout) + (self_check(run.stdout) if not run.returncode else [])
    for line in found:
        print(line)
    print(f"bench_record: {len(run.stdout.splitlines())} lines, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

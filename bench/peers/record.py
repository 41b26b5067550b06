"""Records (JSON lines) and the table on the terminal."""

import json
import os

# Must of the 1K x 10 calls through the C API, microseconds.
LATENCY_US = {"mean": 5.0, "sum": 5.0, "min": 5.0, "max": 5.0, "var": 10.0, "std": 10.0,
              "median": 15.0}
IMPORT_SECONDS = 0.3

PASS, AIM, SHORT, INFO = "must", "aim", "SHORT", "-"


def verdict(value, must, aim, at_least):
    """"aim" and "must" name what is reached, "SHORT" misses the must, "-" has no bar."""
    if must is None:
        return INFO
    reached = (lambda limit: value >= limit) if at_least else (lambda limit: value <= limit)
    if not reached(must):
        return SHORT
    return AIM if aim is not None and reached(aim) else PASS


def _side(timed, isa):
    contestant = timed.contestant
    entry = {
        "library": contestant.library, "operation": contestant.operation,
        "window": contestant.window, "threads": contestant.threads,
        "rows": timed.rows, "columns": contestant.data.columns, "dtype": contestant.data.dtype,
        "missing": contestant.data.missing, "median_s": timed.median, "least_s": min(timed.samples),
        "ns_per_element": timed.per_element, "samples": len(timed.samples),
        "calls_per_sample": timed.repeats,
    }
    if timed.rows != contestant.data.rows:
        entry["slice_of_rows"] = contestant.data.rows
    if contestant.library == "dualcube":
        entry["isa"] = isa
    return entry


def case_records(case, timed, isa):
    """One record per bar of a case."""
    copy = next((t for c, t in timed.items() if c.library == "copy"), None)
    records = []
    for bar in case.bars:
        slow, fast = timed[bar.slow], timed[bar.fast]
        ratio = slow.per_element / fast.per_element
        aim, floor = bar.aim, None
        if copy is not None:
            floor = copy.per_element
            if aim is not None:  # no aim lies below the machine's own copy time
                aim = min(aim, slow.per_element / floor)
        records.append({
            "record": "ratio", "row": bar.row, "case": case.title, "ratio": ratio,
            "at_least": bar.at_least, "must": bar.must, "aim": aim, "aim_without_floor": bar.aim,
            "copy_ns_per_element": floor, "verdict": verdict(ratio, bar.must, aim, bar.at_least),
            "slow": _side(slow, isa), "fast": _side(fast, isa),
        })
    return records


def latency_record(entry, isa):
    """A line of bench/latency.c with its bar."""
    must = LATENCY_US.get(entry["operation"]) if isa in (None, "avx512") else None
    entry.update(row="1K x 10 through the C API", must=must, aim=None, at_least=False,
                 verdict=verdict(entry["median_us"], must, None, False))
    return entry


def import_record(entry):
    missed = entry["total_s"] > IMPORT_SECONDS or entry["opencl"]
    entry.update(row="import and first CPU call", must=IMPORT_SECONDS, aim=None, at_least=False,
                 verdict=SHORT if missed else PASS)
    return entry


class Writer:
    """JSON lines under a temporary name, renamed when whole."""

    def __init__(self, path):
        self.path = path
        self.temporary = "%s.%d.part" % (path, os.getpid())
        folder = os.path.dirname(os.path.abspath(path))
        os.makedirs(folder, exist_ok=True)
        self.stream = open(self.temporary, "w", encoding="utf-8")

    def add(self, record):
        self.stream.write(json.dumps(record) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stream.close()
        if kind is None:
            os.replace(self.temporary, self.path)
        else:
            os.unlink(self.temporary)


# ---- the terminal -------------------------------------------------------------------------------

_HEADER = "%-26s %-68s %9s %9s %8s %7s %7s  %s"
_COLUMNS = ("row", "case", "ns/value", "other's", "ratio", "must", "aim", "reached")


def _limit(value, at_least):
    if value is None:
        return ""
    return "%s%.3g" % ("" if at_least else "<=", value)


def line(record):
    """One line of the table."""
    if record["record"] == "ratio":
        ours = record["fast"] if record["at_least"] else record["slow"]
        other = record["slow"] if record["at_least"] else record["fast"]
        case = record["case"]
        return _HEADER % (record["row"], case, "%.3f" % ours["ns_per_element"],
                          "%.3f" % other["ns_per_element"], "%.2f" % record["ratio"],
                          _limit(record["must"], record["at_least"]),
                          _limit(record["aim"], record["at_least"]), record["verdict"])
    if record["record"] == "latency":
        case = "%s %s, %s, us" % (record["operation"], record["dtype"],
                                  "one thread" if record["queue_threads"] == 1
                                  else "default threads")
        return _HEADER % (record["row"], case, "", "", "%.2f" % record["median_us"],
                          _limit(record["must"], False), "", record["verdict"])
    case = "import %.3f s, call %.4f s%s" % (
        record["import_s"], record["call_s"],
        ", OpenCL was loaded" if record["opencl"] else ", no OpenCL loaded")
    return _HEADER % (record["row"], case, "", "", "%.3f" % record["total_s"],
                      _limit(record["must"], False), "", record["verdict"])


def header():
    return _HEADER % _COLUMNS


def summary(records):
    """Per row of the bars: how many lines, the worst ratio, how many fall short."""
    rows = {}
    for record in records:
        if record["verdict"] != INFO:
            rows.setdefault(record["row"], []).append(record)
    lines = ["%-26s %6s %6s %6s %6s   %s" % ("row", "lines", "aim", "must", "SHORT",
                                             "nearest to its bar")]
    for name, members in rows.items():
        count = {mark: sum(r["verdict"] == mark for r in members) for mark in (AIM, PASS, SHORT)}
        worst = min(members, key=_margin)
        lines.append("%-26s %6d %6d %6d %6d   %s (bar %s)" % (
            name, len(members), count[AIM], count[PASS], count[SHORT], _worst(worst),
            _limit(worst["must"], worst["at_least"])))
    return "\n".join(lines)


def value(record):
    """The number that is held against the bar."""
    return record.get("ratio", record.get("median_us", record.get("total_s")))


def _margin(record):
    quotient = value(record) / record["must"]
    return quotient if record["at_least"] else 1 / quotient


def _worst(record):
    if record["record"] == "ratio":
        return "%.2f: %s" % (record["ratio"], record["case"])
    if record["record"] == "latency":
        return "%.2f us: %s %s" % (record["median_us"], record["operation"], record["dtype"])
    return "%.3f s" % record["total_s"]

"""The page about benchmark records: bars reached, times against peers and against the machine."""

import json
import math
import os

from ._page import ReportError, escape, facts, figure, head, number, table

_NUMBERS = {  # fields that the page computes with, by kind of record
    "ratio": ("ratio",), "bench": ("rows", "columns", "window", "seconds", "ns_per_value"),
    "latency": ("median_us",), "import": ("total_s",),
}
_VERDICTS = {"aim": "aim reached", "must": "reached", "SHORT": "short", "-": ""}


# ---- reading ------------------------------------------------------------------------------------


def _finite(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check(record, where):
    """A record whose fields the page may rely on; unknown kinds are passed over."""
    if not isinstance(record, dict) or not isinstance(record.get("record"), str):
        raise ReportError("%s is not a record: an object with a field named record" % where)
    kind = record["record"]
    for name in _NUMBERS.get(kind, ()):
        if not _finite(record.get(name)) or record[name] < 0:
            raise ReportError("%s: %s is %r, must be a number of at least 0"
                              % (where, name, record.get(name)))
    if kind == "ratio":
        for side in ("slow", "fast"):
            part = record.get(side)
            if not isinstance(part, dict) or not _finite(part.get("ns_per_element")) or not all(
                    name in part for name in ("library", "operation", "window", "rows", "columns",
                                              "dtype")):
                raise ReportError("%s: %s does not describe a measurement" % (where, side))
    return record


def read(path):
    """(head, records) of one file of JSON lines."""
    records = []
    try:
        with open(path, encoding="utf-8") as stream:
            for place, line in enumerate(stream, 1):
                if line.strip():
                    records.append(_check(json.loads(line), "%s, line %d" % (path, place)))
    except (OSError, ValueError) as error:
        raise ReportError("%s cannot be read: %s" % (path, error)) from None
    first = records[0] if records else {}
    if first.get("record") == "machine":  # of dualcube bench
        return {**first, "machine": first, "date": first.get("time"), "libraries": {
            "dualcube": {"version": first.get("library", "?")}}}, records[1:]
    if first.get("record") != "run" or first.get("format") != "dualcube.peers":
        raise ReportError("%s does not begin with the machine record of dualcube bench or the run "
                          "record of bench/peers" % path)
    if first.get("version") != 1:
        raise ReportError("%s has version %s, this package reads version 1"
                          % (path, first.get("version")))
    return first, records[1:]


# ---- words --------------------------------------------------------------------------------------


def _size(part):
    return "%s × %s %s" % (number(part["rows"]), part["columns"], part["dtype"])


def _machine(run):
    machine = run.get("machine") or {}
    words = [str(machine.get("cpu") or "this machine")]
    if machine.get("cores"):
        words.append("%s cores" % machine["cores"])
    if run.get("isa"):
        words.append("instruction set %s" % run["isa"])
    return ", ".join(words)


def _libraries(run):
    parts = []
    for name, about in (run.get("libraries") or {}).items():
        threads = about.get("threads")
        parts.append("%s %s%s" % (name, about.get("version", "?"), "" if threads is None else
                                  ", %d thread%s" % (threads, "" if threads == 1 else "s")))
    return "; ".join(parts)


def _floors(run):
    found = run.get("floors") or []
    return [found] if isinstance(found, dict) else found


def _limit(record, name):
    value = record.get(name)
    if not _finite(value):
        return ""
    return ("%s" if record.get("at_least", True) else "≤ %s") % number(value, 3)


def _value(record):
    if record["record"] == "ratio":
        return "%s ×" % number(record["ratio"], 3)
    if record["record"] == "latency":
        return "%s µs" % number(record["median_us"], 3)
    return "%s s" % number(record["total_s"], 3)


def _case(record):
    if record["record"] == "ratio":
        return str(record.get("case", ""))
    if record["record"] == "latency":
        return "%s %s, window %s, %s × %s" % tuple(
            record.get(name, "?") for name in ("operation", "dtype", "window", "rows", "columns"))
    return "import, then one call, in a fresh process"


# ---- parts --------------------------------------------------------------------------------------


def _judged(records):
    return [record for record in records if record.get("verdict") in ("aim", "must", "SHORT")]


def _summary(records):
    """Facts of a peers file: bars reached and the typical distance to each peer."""
    judged = _judged(records)
    short = sum(record["verdict"] == "SHORT" for record in judged)
    pairs = [("%d of %d" % (len(judged) - short, len(judged)), "bars reached")] if judged else []
    for library in ("bottleneck", "pandas", "polars", "numbagg"):
        ratios = [r["ratio"] for r in records if r["record"] == "ratio" and r["ratio"] > 0
                  and r["slow"]["library"] == library]
        if ratios:
            mean = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
            pairs.append(("%s ×" % number(mean, 3), "against %s, geometric mean" % library))
    return facts(pairs[:4]) if pairs else ""


def _bars_table(records):
    rows = []
    for record in records:
        rows.append((record.get("row", ""), _case(record), _value(record), _limit(record, "must"),
                     _limit(record, "aim"), _VERDICTS.get(record.get("verdict"), "")))
    return table(("row", "case", "measured", "must", "aim", ""), rows, (2, 3, 4))


def _short(records):
    missed = [record for record in _judged(records) if record["verdict"] == "SHORT"]
    if not _judged(records):
        return '<p class="note">This run was not held against the bars.</p>\n'
    if not missed:
        return '<p class="note">Every bar is reached.</p>\n'
    return _bars_table(missed)


def _peers(run, records):
    from . import _bench_plots

    ratios = [record for record in records if record["record"] == "ratio"]
    against = [r for r in ratios if r["slow"]["library"] not in ("dualcube", "copy")]
    own = [r for r in ratios if r["slow"]["library"] == "dualcube"]
    parts = [_summary(records)]
    if against:
        parts.append("<h2>How many times faster</h2>\n")
        for library in dict.fromkeys(r["slow"]["library"] for r in against):
            chosen = [r for r in against if r["slow"]["library"] == library]
            parts.append(figure(
                _bench_plots.speedups(chosen),
                "Time of %s over time of dualcube: the same array, one thread each, medians of "
                "calls taken in turns; one dot per size.  Upright strokes: what must be reached."
                % library, "Against %s" % library))
        parts.append("<h2>Time per value</h2>\n")
        for dtype in dict.fromkeys(r["fast"]["dtype"] for r in against):
            chosen = [r for r in against if r["fast"]["dtype"] == dtype]
            parts.append(figure(
                _bench_plots.times(chosen),
                "Nanoseconds per value by window, the largest array of the run.  Dashed: NumPy's "
                "copy of the same array, below which no result can be written.", dtype))
    if own:
        parts.append("<h2>Against itself</h2>\n")
        parts.append(figure(_bench_plots.own(own), "Every dot is one case; the stroke is its "
                            "bar.  Left of it is reached, except for threads: right of it."))
    parts.append("<h2>Bars missed</h2>\n" + _short(records))
    parts.append("<details><summary>All %s measurements</summary>%s</details>\n"
                 % (number(len(records)), _bars_table(
                     [r for r in records if r["record"] in ("ratio", "latency", "import")])))
    return "".join(parts)


def _places(record):
    """Where a call of dualcube bench ran."""
    words = [str(record.get("device", "?"))]
    if record.get("device") == "cpu":
        words.append(str(record.get("isa", "?")))
        words.append("%s thread%s" % (record.get("threads"), "s" * (record.get("threads") != 1)))
    else:
        words.append("%s arrays" % record.get("memory", "?"))
    return ", ".join(words)


def _times(run, records):
    from . import _bench_plots

    timed = [record for record in records if record["record"] == "bench"]
    if not timed:
        return '<p class="note">The file holds no measurements.</p>\n'
    parts = ["<h2>Time per value</h2>\n"]
    copies = {floor.get("threads"): floor.get("copy_bytes_per_second") for floor in _floors(run)}
    for dtype in sorted({str(record.get("dtype")) for record in timed}):
        chosen = [dict(record, place=_places(record)) for record in timed
                  if str(record.get("dtype")) == dtype]
        width = 4 if dtype == "float32" else 8
        floor = 2e9 * width / copies[1] if _finite(copies.get(1)) and copies[1] > 0 else None
        parts.append(figure(
            _bench_plots.by_window(chosen, floor), "Nanoseconds per value by window, the largest "
            "array of the record.  Dashed: one thread copies a value from memory to memory (arrays "
            "that fit a cache may lie below).",
            "%s, by window" % dtype))
        if len({record["rows"] * record["columns"] for record in chosen}) > 1:
            parts.append(figure(
                _bench_plots.by_size(chosen, floor), "Nanoseconds per value by number of values, "
                "the smallest window of the record.", "%s, by size" % dtype))
    parts.append("<details open><summary>All %s measurements</summary>%s</details>\n"
                 % (number(len(timed)), _times_table(timed)))
    return "".join(parts)


def _times_table(timed):
    rows = []
    for record in timed:
        fraction = record.get("fraction_of_floor")
        reached = "%s %% of %s" % (number(100 * fraction, 2), record.get("floor", "?"))
        rows.append((record.get("operation", "?"), _size(record), record["window"],
                     _places(record), "%s ms" % number(1e3 * record["seconds"], 3),
                     number(record["ns_per_value"], 3), reached if _finite(fraction) else "–"))
    return table(("operation", "size", "window", "where", "time", "ns/value", "of the floor"), rows,
                 (2, 4, 5, 6))


def _best_fma(floor):
    values = [value for name, value in floor.items()
              if name.startswith("fma_") and name.endswith("f64_per_second") and _finite(value)]
    return max(values, default=None)


def _floor_table(run):
    rows = []
    for floor in _floors(run):
        speeds = [floor.get("read_bytes_per_second"), floor.get("copy_bytes_per_second"),
                  _best_fma(floor)]
        rows.append([number(floor.get("threads"))] + [
            "%s G" % number(speed / 1e9, 3) if _finite(speed) else "–" for speed in speeds])
    if not rows:
        return ""
    return "<h2>What this machine can do</h2>\n" + table(
        ("threads", "read, bytes/s", "copy, bytes read and written/s",
         "float64 multiply-adds/s"), rows, (0, 1, 2, 3))


def build(paths):
    """The page as text: one section per file."""
    parts = []
    for path in paths:
        run, records = read(path)
        peers = run["record"] == "run"
        title = "Rolling statistics against their peers" if peers else "Rolling statistics: times"
        lead = "%s. %s" % (_machine(run), run.get("date", ""))
        parts.append("<h1>%s</h1>\n<p class=\"lead\">%s</p>\n" % (escape(title), escape(lead)))
        if run.get("quick"):
            parts.append('<p class="note">A quick run: small arrays and few repeats; it shows that '
                         "everything runs, its ratios mean little.</p>\n")
        parts.append(_peers(run, records) if peers else _times(run, records))
        parts.append(_floor_table(run))
        words = _libraries(run)
        parts.append("<p class=\"note\">%sRecords: <code>%s</code>.</p>\n"
                     % (escape(words) + ". " if words else "", escape(os.path.basename(path))))
    return head("dualcube: benchmarks") + "".join(parts) + "</main></body></html>\n"

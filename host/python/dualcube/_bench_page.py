"""The page about benchmark records: bars reached, times against peers and against the machine."""

import json
import math
import os

from ._page import ReportError, escape, facts, figure, head, number, table

_FORMATS = ("dualcube.peers", "dualcube.bench")
_NUMBERS = {  # fields that the page computes with, by kind of record
    "ratio": ("ratio",), "time": ("rows", "columns", "window", "median_s"),
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
    if not records or records[0]["record"] != "run" or records[0].get("format") not in _FORMATS:
        raise ReportError("%s does not begin with a run record of format %s"
                          % (path, " or ".join(_FORMATS)))
    if records[0].get("version") != 1:
        raise ReportError("%s has version %s, this package reads version 1"
                          % (path, records[0].get("version")))
    return records[0], records[1:]


# ---- words --------------------------------------------------------------------------------------


def _size(part):
    return "%s × %s %s" % (number(part["rows"]), part["columns"], part["dtype"])


def _machine(run):
    machine = run.get("machine") or {}
    words = [str(machine.get("cpu") or machine.get("cpu_name") or "this machine")]
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


def _times(run, records):
    from . import _bench_plots

    timed = [record for record in records if record["record"] == "time"]
    if not timed:
        return '<p class="note">The file holds no measurements.</p>\n'
    parts = []
    for dtype in dict.fromkeys(str(r.get("dtype")) for r in timed):
        chosen = [r for r in timed if str(r.get("dtype")) == dtype]
        parts.append(figure(_bench_plots.sweep(chosen), "Nanoseconds per value by number of "
                            "values, one line per device and window.", dtype))
    rows = []
    for record in timed:
        place = [str(record.get("device", "?"))] + [
            str(record[name]) for name in ("isa",) if record.get(name)]
        fraction = record.get("floor_fraction")
        rows.append((record.get("operation", "?"), _size(record), record["window"],
                     ", ".join(place), record.get("threads", ""),
                     "%s ms" % number(1e3 * record["median_s"], 3),
                     number(_per_value(record), 3),
                     "%s %%" % number(100 * fraction, 3) if _finite(fraction) else "–"))
    parts.append("<details open><summary>All %s measurements</summary>%s</details>\n" % (
        number(len(timed)), table(("operation", "size", "window", "where", "threads", "time",
                                   "ns/value", "of the floor"), rows, (2, 4, 5, 6, 7))))
    return "".join(parts)


def _per_value(record):
    """Nanoseconds per value of the input."""
    return 1e9 * record["median_s"] / max(record["rows"] * record["columns"], 1)


def _floor_table(run):
    rows = []
    for floor in _floors(run):
        rows.append([number(floor.get("threads"))] + [
            "%s G" % number(floor[name] / 1e9, 3) if _finite(floor.get(name)) else "–"
            for name in ("read_bytes_per_s", "copy_bytes_per_s", "fma_flops_per_s")])
    if not rows:
        return ""
    return "<h2>What this machine can do</h2>\n" + table(
        ("threads", "read, bytes/s", "copy, bytes read and written/s", "fma, flop/s"), rows,
        (0, 1, 2, 3))


def build(paths):
    """The page as text: one section per file."""
    parts = []
    for path in paths:
        run, records = read(path)
        peers = run["format"] == "dualcube.peers"
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

"""Self-contained HTML pages: about one run of ``dualcube features``, or about benchmarks.

    python3 -m dualcube.report --features out.npy --input in.npy -o out.html
    python3 -m dualcube.report --bench records.jsonl [more.jsonl] -o bench.html

The JSON beside the features says what ran; the page shows a few columns with their features, where
it ran and why, time and throughput, and where values are missing.  The benchmark page draws the
records of ``dualcube bench`` and of ``bench/peers``.  Nothing is loaded from outside and the same
files give the same page.
"""

import argparse
import json
import os
import sys

import numpy as np

from ._page import ReportError, escape, facts, figure, head, number, rate, seconds, table, write

CHUNK = 1 << 22  # values read at a time
SCANNED = 1 << 28  # values looked at for the summary; beyond, evenly spaced blocks


# ---- reading ------------------------------------------------------------------------------------


def _load(path, what):
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ReportError("%s %s cannot be read: %s" % (what, path, error)) from None
    if array.dtype.kind not in "fiub":
        raise ReportError("%s %s has dtype %s, must be a number" % (what, path, array.dtype))
    if array.ndim == 0:
        raise ReportError("%s %s is a single value, must have rows" % (what, path))
    return array


def _read(features_path, input_path):
    features = _load(features_path, "features")
    data = _load(input_path, "input")
    meta_path = os.path.splitext(features_path)[0] + ".json"
    try:
        with open(meta_path, encoding="utf-8") as stream:
            meta = json.load(stream)
    except (OSError, ValueError) as error:
        raise ReportError("%s cannot be read: %s" % (meta_path, error)) from None
    if not isinstance(meta, dict) or meta.get("format") != "dualcube.features":
        raise ReportError("%s: format is not dualcube.features" % meta_path)
    statistics = [str(name) for name in meta.get("statistics", [])]
    axis = int((meta.get("parameters") or {}).get("axis") or 0)
    if -data.ndim <= axis < data.ndim:
        data = np.moveaxis(data, axis, 0)
    if features.ndim != 3 or features.shape[2] != len(statistics):
        raise ReportError("features %s has shape %s, must be (rows, columns, %d statistics)"
                          % (features_path, features.shape, len(statistics)))
    # Columns of an input with several trailing axes: those axes flattened in C order.
    columns = int(np.prod(data.shape[1:], dtype=np.int64))
    step = int((meta.get("parameters") or {}).get("step") or 1)
    if features.shape[1] != columns or step < 1 or features.shape[0] != -(-data.shape[0] // step):
        raise ReportError("features %s has shape %s, which does not fit the input's %s with step %d"
                          % (features_path, features.shape, data.shape, step))
    return data, features, meta, statistics, step


def _column(data, column):
    """One column as float64, without reading the others of a memory-mapped file into memory."""
    index = np.unravel_index(column, data.shape[1:]) if data.ndim > 1 else ()
    return np.asarray(data[(slice(None), *index)], dtype=np.float64)


def _blocks(rows, row_values):
    """(first, last) of the row blocks to look at, and whether that is all of them."""
    per_block = max(1, CHUNK // max(row_values, 1))
    blocks = [(first, min(first + per_block, rows)) for first in range(0, rows, per_block)]
    most = max(1, SCANNED // CHUNK)
    if len(blocks) <= most:
        return blocks, True
    chosen = np.linspace(0, len(blocks) - 1, most).astype(int)
    return [blocks[k] for k in chosen], False


def missing_values(data, bins=120):
    """Where the input's values are missing: NaN, and +-Inf, which rolling statistics skip too."""
    rows, columns = data.shape[0], int(np.prod(data.shape[1:], dtype=np.int64))
    bins = max(1, min(bins, rows))
    edges = np.linspace(0, rows, bins + 1)
    lost, seen = np.zeros(bins), np.zeros(bins)
    column_lost, column_seen, nan, inf = np.zeros(columns), 0, 0, 0
    blocks, whole = _blocks(rows, columns)
    for first, last in blocks:
        if data.dtype.kind == "f":
            block = np.asarray(data[first:last]).reshape(last - first, columns)
            is_nan, is_inf = np.isnan(block), np.isinf(block)
            nan += int(is_nan.sum())
            inf += int(is_inf.sum())
            gone = is_nan | is_inf
            column_lost += gone.sum(axis=0)
            place = np.minimum(np.arange(first, last) * bins // max(rows, 1), bins - 1)
            lost += np.bincount(place, gone.sum(axis=1), bins)
            seen += np.bincount(place, minlength=bins) * columns
        column_seen += last - first
    return {
        "nan": nan, "inf": inf, "values": column_seen * columns, "whole": whole,
        "over_time": 100 * np.divide(lost, seen, out=np.zeros(bins), where=seen > 0),
        "edges": edges, "per_column": 100 * column_lost / max(column_seen, 1),
    }


def summary(features):
    """Per statistic: (share of NaN in per cent, smallest, mean, largest)."""
    count = features.shape[2]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    total, valid, seen = np.zeros(count), np.zeros(count), 0
    blocks, _ = _blocks(features.shape[0], features.shape[1] * count)
    for first, last in blocks:
        block = np.asarray(features[first:last], dtype=np.float64).reshape(-1, count)
        usable = np.isfinite(block)
        low = np.minimum(low, np.where(usable, block, np.inf).min(axis=0, initial=np.inf))
        high = np.maximum(high, np.where(usable, block, -np.inf).max(axis=0, initial=-np.inf))
        total += np.where(usable, block, 0).sum(axis=0)
        valid += usable.sum(axis=0)
        seen += len(block)
    rows = []
    for k in range(count):
        share = 100 * (1 - valid[k] / seen) if seen else 0.0
        rows.append((share, low[k], total[k] / valid[k] if valid[k] else np.nan, high[k]))
    return rows


def choose_columns(data, most):
    """A few columns, evenly spaced; columns without any value are passed over."""
    columns = int(np.prod(data.shape[1:], dtype=np.int64))
    wanted = np.unique(np.linspace(0, columns - 1, min(most, columns)).round().astype(int))
    chosen = []
    for start in wanted:
        for column in range(start, min(start + 8, columns)):
            if column not in chosen and np.isfinite(_column(data, column)).any():
                chosen.append(int(column))
                break
    return chosen or [int(column) for column in wanted]


def _facts(meta, data, features):
    runs = meta.get("runs") or []
    places = []
    for run in runs:
        place = str(run.get("device", "?"))
        if place not in places:
            places.append(place)
    pairs = [
        ("%s × %s" % (number(data.shape[0]), number(features.shape[1])), "rows × columns"),
        (seconds(meta.get("seconds")), "in all, reading and writing included"),
        (rate(meta.get("values_per_second")), "values per second"),
        (", ".join(places) or "–", "ran on"),
    ]
    return facts(pairs)


def _runs(meta):
    rows = []
    for run in meta.get("runs") or []:
        where = [str(run.get("device", "?"))]
        if run.get("isa"):
            where.append(str(run["isa"]))
        threads = run.get("threads")
        if threads:
            where.append("%d thread%s" % (threads, "" if threads == 1 else "s"))
        reason = str(run.get("reason", ""))
        if run.get("fell_back"):
            reason = "fell back: " + reason
        rows.append((run.get("statistic", "?"), ", ".join(where), seconds(run.get("seconds")),
                     run.get("class", ""), reason))
    return table(("statistic", "where", "time", "class", "why there"), rows, (2,))


def _parameters(meta):
    """The parameters in words; what is as usual, or in the statistics' names, is left out."""
    values = meta.get("parameters") or {}
    words = ["all rows so far" if values.get("expanding")
             else "window %s rows, %s" % (number(values.get("window")),
                                          "centred" if values.get("center") else "trailing")]
    usual = {"axis": 0, "step": 1, "ddof": 1, "inf": "missing"}
    words += ["%s %s" % (name, value) for name, value in values.items()
              if value is not None and value != usual.get(name)
              and name not in ("window", "center", "expanding", "q", "interpolation")]
    return ", ".join(words)


def _name_of(column, shape):
    if len(shape) <= 2:
        return "Column %d" % column
    index = ", ".join(str(int(k)) for k in np.unravel_index(column, shape[1:]))
    return "Column %d (%s)" % (column, index)


def _columns(data, features, statistics, step, columns):
    from . import _plots

    parts = []
    for column in columns:
        series = _column(data, column)
        values = np.asarray(features[:, column, :], dtype=np.float64)
        lost = int((~np.isfinite(series)).sum())
        drawing = _plots.column_figure(series, values, statistics, step, True)
        thin = len(series) > 2 * _plots.BINS
        caption = "Values in the unit of the input; %s rows, %s missing.%s" % (
            number(len(series)), number(lost),
            " Lines pass through the smallest and the largest value of every %s rows."
            % number(-(-len(series) // _plots.BINS)) if thin else "")
        parts.append(figure(drawing, caption, _name_of(column, data.shape)))
    return "".join(parts)


def _missing(data):
    from . import _plots

    found = missing_values(data)
    lost = found["nan"] + found["inf"]
    scope = "" if found["whole"] else " (of %s values looked at)" % number(found["values"])
    if not lost:
        return '<p class="note">No value of the input is missing%s.</p>\n' % scope
    share = 100.0 * lost / max(found["values"], 1)
    text = "%s NaN and %s infinite values: %s %% of the input%s." % (
        number(found["nan"]), number(found["inf"]), number(share, 3), scope)
    drawing = _plots.missing_figure(found["over_time"], found["edges"], found["per_column"])
    return figure(drawing, "Share of missing values along the rows (left) and by column (right). "
                  + text)


def build(features_path, input_path, columns=4):
    """The page as text."""
    data, features, meta, statistics, step = _read(features_path, input_path)
    chosen = choose_columns(data, columns) if data.size else []
    about = meta.get("input") or {}
    machine = meta.get("machine") or {}
    title = os.path.basename(str(about.get("path", input_path)))
    lead = "%d rolling statistics of %s (%s), %s" % (
        len(statistics), title, data.dtype.name, _parameters(meta))
    made = "dualcube %s on %s" % (meta.get("library", "?"), machine.get("cpu", "this machine"))
    numbers = [(name, "%s %%" % number(share, 3), number(low), number(mean), number(high))
               for name, (share, low, mean, high) in zip(statistics, summary(features))]
    parts = [
        head("%s: rolling features" % title),
        "<h1>Rolling features of %s</h1>\n<p class=\"lead\">%s</p>\n"
        % (escape(title), escape(lead)),
        _facts(meta, data, features),
        "<h2>Columns and their features</h2>\n",
        _columns(data, features, statistics, step, chosen) if chosen
        else '<p class="note">The input has no values.</p>\n',
        "<h2>Where it ran, and why</h2>\n", _runs(meta),
        "<h2>The features in numbers</h2>\n",
        table(("statistic", "missing", "smallest", "mean", "largest"), numbers, (1, 2, 3, 4)),
        "<h2>Missing values of the input</h2>\n", _missing(data),
        "<p class=\"note\">%s; features in <code>%s</code>, shape %s.</p>\n</main></body></html>\n"
        % (escape(made), escape(os.path.basename(features_path)),
           escape(" × ".join(number(n) for n in features.shape))),
    ]
    return "".join(parts)


def _page_of(options):
    if options.bench:
        from . import _bench_page

        return _bench_page.build(options.bench)
    return build(options.features, options.input, options.columns)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python3 -m dualcube.report",
        description="HTML page about one run of dualcube features, or about benchmark records.")
    parser.add_argument("--features", metavar="NPY", help="the .npy file of features")
    parser.add_argument("--input", metavar="NPY", help="the .npy file they were made from")
    parser.add_argument("--columns", type=int, default=4, help="columns to plot, default 4")
    parser.add_argument("--bench", metavar="JSONL", nargs="+",
                        help="records of dualcube bench or bench/peers")
    parser.add_argument("-o", "--output", required=True, metavar="HTML", help="the page to write")
    options = parser.parse_args(arguments)
    if not 1 <= options.columns <= 32:
        parser.error("--columns is %d, must be 1 to 32" % options.columns)
    if bool(options.bench) == bool(options.features or options.input):
        parser.error("either --features and --input are needed, or --bench")
    if not options.bench and not (options.features and options.input):
        parser.error("--features and --input are needed together")
    try:
        write(_page_of(options), options.output)
    except ImportError as error:
        print("dualcube.report: %s (the page needs matplotlib: pip install matplotlib)" % error,
              file=sys.stderr)
        return 4
    except (ReportError, OSError) as error:
        print("dualcube.report: %s" % error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())

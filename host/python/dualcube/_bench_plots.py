"""Figures of the benchmark page."""

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ._plots import INK, MUTED, STYLE, WIDTH, svg

BY_DTYPE = {"float64": "#1f5fa8", "float32": "#d1570a"}
BY_LIBRARY = {"dualcube": "#1f5fa8", "bottleneck": "#d1570a", "pandas": "#8d4fa8",
              "polars": "#2a9083", "numbagg": "#b03060", "copy": "#5d6b7a"}
SPARE = ("#1f5fa8", "#d1570a", "#2a9083", "#8d4fa8", "#b03060", "#7a7a1f", "#0f8ab0", "#a0522d")
ORDER = ("count", "sum", "mean", "var", "std", "min", "max", "median", "quantile")
PER_LINE = 4  # entries of a legend
ROW = 0.235  # inches per line of a dot plot


def _plain(value, _position=None):
    if value <= 0:
        return ""
    return "%g" % value if value >= 1 else ("%.3f" % value).rstrip("0")


def _log_axis(axis, values):
    """A logarithmic axis with numbers as people write them."""
    low, high = min(values), max(values)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(_plain))
    axis.set_minor_formatter(NullFormatter())


def _limits(values):
    low, high = min(values), max(values)
    room = max((high / low) ** 0.06, 1.08)
    return low / room, high * room


def _rank(operation):
    return ORDER.index(operation) if operation in ORDER else len(ORDER)


def _dots(groups, labels, bars, unit, colours):
    """Lines of dots: groups [{key: [value]}], bars [{key: {value}}] drawn as upright strokes."""
    values = [v for group in groups for part in group.values() for v in part]
    values += [v for bar in bars for part in bar.values() for v in part]
    keys = list(dict.fromkeys(key for group in groups for key in group))
    with matplotlib.rc_context(STYLE):
        height = ROW * len(groups) + 0.9
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes([0.19, 0.52 / height, 0.79, 1 - 0.9 / height])
        for place, (group, bar) in enumerate(zip(groups, bars)):
            for key, part in group.items():
                shift = 0.16 * (keys.index(key) - (len(keys) - 1) / 2)
                axes.plot(part, [place + shift] * len(part), "o", markersize=4.6, alpha=0.85,
                          markeredgewidth=0, color=colours[key], zorder=3)
                for limit in sorted(bar.get(key, ())):
                    axes.plot([limit] * 2, [place + shift - 0.2, place + shift + 0.2],
                              color=colours[key], linewidth=1.6, zorder=2)
        for key in keys:
            axes.plot([], [], "o", markersize=5, color=colours[key], label=key)
        if len(keys) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderpad=0, ncol=len(keys),
                        fontsize=8.5, handletextpad=0.2, columnspacing=1.4, labelcolor=INK)
        axes.set_yticks(range(len(groups)), labels)
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.set_ylim(len(groups) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.set_xlim(*_limits(values))
        _log_axis(axes.xaxis, values)
        if min(values) < 1 < max(values):
            axes.axvline(1, color=MUTED, linewidth=0.9, zorder=1)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(unit)
        return svg(figure)


def speedups(records):
    """Ratios against one peer: a line per operation and window, a dot per size."""
    lines = {}
    for record in records:
        part = record["fast"]
        lines.setdefault((_rank(part["operation"]), part["operation"], part["window"]),
                         []).append(record)
    groups, labels, bars = [], [], []
    for key in sorted(lines):
        group, bar = {}, {}
        for record in lines[key]:
            dtype = record["fast"]["dtype"]
            group.setdefault(dtype, []).append(max(record["ratio"], 1e-6))
            if record.get("must"):
                bar.setdefault(dtype, set()).add(record["must"])
        groups.append(group)
        bars.append(bar)
        labels.append("%s, window %d" % key[1:])
    return _dots(groups, labels, bars, "times faster", BY_DTYPE)


def own(records):
    """The library against itself: a line per row of the bars."""
    lines = {}
    for record in records:
        must = record.get("must")
        operation = record["slow"]["operation"]
        lines.setdefault((str(record.get("row", "")), must), []).append((operation, record))
    groups, labels, bars = [], [], []
    for (row, must), members in lines.items():
        group, bar = {}, {}
        for _, record in members:
            dtype = record["slow"]["dtype"]
            group.setdefault(dtype, []).append(max(record["ratio"], 1e-6))
            if must:
                bar[dtype] = {must}
        groups.append(group)
        bars.append(bar)
        at_least = members[0][1].get("at_least", True)
        labels.append("%s (%s %g)" % (row, "≥" if at_least else "≤", must) if must else row)
    return _dots(groups, labels, bars, "ratio of times per value", BY_DTYPE)


def _panels(count, per_row=4, height=1.95, legend=0.5):
    rows = -(-count // per_row)
    total = height * rows + legend
    figure = Figure(figsize=(WIDTH, total))
    axes = figure.subplots(rows, min(per_row, count), squeeze=False, gridspec_kw={
        "left": 0.06, "right": 0.992, "bottom": 0.42 / total, "top": 1 - (legend + 0.05) / total,
        "hspace": 0.5, "wspace": 0.24})
    flat = list(axes.flat)
    for spare in flat[count:]:
        spare.set_visible(False)
    return figure, flat[:count]


def _legend(figure, handles, width=8):
    figure.legend(handles.values(), handles.keys(), loc="upper left", ncol=min(width, len(handles)),
                  fontsize=8.5, handlelength=1.4, columnspacing=1.4, handletextpad=0.5,
                  borderpad=0.2, labelcolor=INK, bbox_to_anchor=(0.05, 1.0))


def _curves(axes, curves, handles, colours, dashed=()):
    """curves {name: {x: y}} on logarithmic axes."""
    xs = sorted({x for curve in curves.values() for x in curve})
    ys = [y for curve in curves.values() for y in curve.values() if y > 0]
    for name, curve in curves.items():
        x = sorted(curve)
        style = {"linestyle": "--", "linewidth": 1.0} if name in dashed else {
            "marker": "o", "markersize": 3.2, "linewidth": 1.3}
        line, = axes.plot(x, [curve[at] for at in x], color=colours(name), **style)
        handles.setdefault(name, line)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*_limits(xs))
    axes.set_ylim(*_limits(ys))
    _log_axis(axes.yaxis, ys)
    axes.minorticks_off()
    return xs


def times(records):
    """Nanoseconds per value by window: a panel per operation, a line per library."""
    largest = max((r["fast"]["rows"] * r["fast"]["columns"] for r in records))
    records = [r for r in records if r["fast"]["rows"] * r["fast"]["columns"] == largest]
    panels = {}
    for record in records:
        curves = panels.setdefault(record["fast"]["operation"], {})
        for part in (record["fast"], record["slow"]):
            curves.setdefault(part["library"], {})[part["window"]] = part["ns_per_element"]
        if record.get("copy_ns_per_element"):
            curves.setdefault("copy", {})[record["fast"]["window"]] = record["copy_ns_per_element"]
    names = sorted(panels, key=_rank)
    with matplotlib.rc_context(STYLE):
        figure, field = _panels(len(names))
        handles = {}
        for axes, name in zip(field, names):
            xs = _curves(axes, panels[name], handles, BY_LIBRARY.get, ("copy",))
            axes.set_title(name, fontsize=9.5, loc="left", color=INK)
            axes.set_xticks(xs, ["%d" % x for x in xs])
        order = [name for name in BY_LIBRARY if name in handles]
        _legend(figure, {name: handles[name] for name in order})
        return svg(figure)


def _sweep(records, x, floor, ticks):
    """A panel per operation, a line per place; `x` gives a record's abscissa."""
    panels, places = {}, sorted({record["place"] for record in records})
    for record in records:
        curves = panels.setdefault(str(record.get("operation")), {})
        curves.setdefault(record["place"], {})[x(record)] = max(record["ns_per_value"], 1e-6)
    operations = sorted(panels, key=lambda name: (_rank(name.replace("rolling_", "")), name))

    def colour(place):
        return BY_LIBRARY["copy"] if place == "copy" else SPARE[places.index(place) % len(SPARE)]

    with matplotlib.rc_context(STYLE):
        lines = -(-(len(places) + bool(floor)) // PER_LINE)
        figure, field = _panels(len(operations), 3, 2.2, 0.3 + 0.2 * lines)
        handles = {}
        for axes, name in zip(field, operations):
            curves = panels[name]
            if floor:
                curves = {**curves, "copy": {at: floor for curve in curves.values()
                                             for at in curve}}
            xs = _curves(axes, curves, handles, colour, ("copy",))
            axes.set_title(name, fontsize=9.5, loc="left", color=INK)
            axes.set_xticks(xs, [ticks(at) for at in xs])
        _legend(figure, handles, PER_LINE)
        return svg(figure)


def by_window(records, floor):
    """The largest size of the record; `floor`: nanoseconds to copy a value, or None."""
    largest = max(record["rows"] * record["columns"] for record in records)
    return _sweep([r for r in records if r["rows"] * r["columns"] == largest],
                  lambda record: max(record["window"], 1), floor, lambda x: "%d" % x)


def by_size(records, floor):
    """The smallest window of the record."""
    smallest = min(record["window"] for record in records)
    return _sweep([r for r in records if r["window"] == smallest],
                  lambda record: max(record["rows"] * record["columns"], 1), floor, _count)


def _count(value):
    for unit, size in (("G", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return "%.3g%s" % (value / size, unit)
    return "%g" % value

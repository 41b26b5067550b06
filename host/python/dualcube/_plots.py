"""Figures of the report as SVG text: small, deterministic, readable in print and on a screen."""

import io
import re

import matplotlib
import numpy as np

matplotlib.use("svg")
from matplotlib.figure import Figure  # noqa: E402  (after the backend is chosen)
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

WIDTH = 10.2  # inches; the page scales it
BINS = 480  # envelope bins across a figure: about two per printed millimetre

INK, MUTED, GRID, BAND = "#1c2733", "#5d6b7a", "#e6eaee", "#c9d2dc"
COLOURS = {
    "mean": "#1f5fa8", "median": "#d1570a", "min": "#2a9083", "max": "#8d4fa8", "std": "#1f5fa8",
    "var": "#1f5fa8", "sum": "#1f5fa8", "count": "#5d6b7a",
}
SPARE = ("#b03060", "#7a7a1f", "#0f8ab0", "#a0522d", "#4b5fd1")

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "dualcube", "font.size": 9.0,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
    "axes.edgecolor": BAND, "axes.linewidth": 0.8, "axes.labelcolor": MUTED, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.8, "text.color": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.major.size": 3, "ytick.major.size": 0,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "legend.frameon": False, "lines.solid_joinstyle": "round", "path.simplify": False,
}

# Statistics in the unit of the data share a panel with the data; each other kind has its own.
_WITH_DATA = ("mean", "median", "min", "max", "quantile")
_PANELS = (("spread", ("std",)), ("variance", ("var",)), ("sum", ("sum",)),
           ("valid rows", ("count",)))


def kind_of(statistic):
    """The statistic without its parameter: quantile for quantile_0.9."""
    return statistic.split("_", 1)[0]


def panels(statistics):
    """[(title, [statistic index])] with the panel of the data first; empty panels left out."""
    kinds = [kind_of(name) for name in statistics]
    result = [("value", [k for k, kind in enumerate(kinds) if kind in _WITH_DATA])]
    placed = set(result[0][1])
    for title, members in _PANELS:
        chosen = [k for k, kind in enumerate(kinds) if kind in members]
        placed.update(chosen)
        if chosen:
            result.append((title, chosen))
    result += [(statistics[k], [k]) for k in range(len(kinds)) if k not in placed]
    return result


def colour(statistic, position):
    return COLOURS.get(statistic) or SPARE[position % len(SPARE)]


def envelope(rows, values, bins=BINS):
    """(row, low, high) per bin: the extremes of each bin's valid values, NaN where it has none.

    Short series come back as they are.  An extreme is never lost by thinning.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    if len(values) <= 2 * bins:
        return rows, values, values
    edges = np.linspace(0, len(values), bins + 1).astype(np.int64)[:-1]
    missing = np.isnan(values)
    low = np.minimum.reduceat(np.where(missing, np.inf, values), edges)
    high = np.maximum.reduceat(np.where(missing, -np.inf, values), edges)
    empty = low > high
    low[empty] = high[empty] = np.nan
    return rows[edges], low, high


def _zigzag(low, high):
    """Low and high in turn: a line through both extremes of every bin."""
    line = np.empty(2 * len(low))
    line[0::2], line[1::2] = low, high
    return line


def _draw_line(axes, rows, values, **style):
    where, low, high = envelope(rows, values)
    if low is high:
        axes.plot(where, low, **style)
    else:
        axes.plot(np.repeat(where, 2), _zigzag(low, high), **style)


def _quantity(value, _position=None):
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return ("%.2g" % value).replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return ("%.4g" % value) if abs(value) < 1e4 else "{:,.0f}".format(value)


def _finish(axes, label):
    axes.set_ylabel(label, fontsize=8.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_quantity))
    axes.margins(x=0)
    axes.yaxis.set_label_coords(-0.068, 0.5)


def _legend(axes):
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(-0.008, 1.0), borderpad=0,
                    ncol=len(handles), fontsize=8.5, handlelength=1.4, columnspacing=1.4,
                    handletextpad=0.5, labelcolor=INK)


def column_figure(series, features, statistics, step, last):
    """One column: the data with the statistics of its unit, other statistics below, rows aligned.

    series (rows,), features (out_rows, statistics); `last` draws the row axis's name.
    """
    layout = panels(statistics)
    heights = [2.1] + [0.95] * (len(layout) - 1)
    with matplotlib.rc_context(STYLE):
        total = sum(heights) + 0.46 * len(heights) + (0.42 if last else 0.28)
        figure = Figure(figsize=(WIDTH, total))
        grid = figure.add_gridspec(len(layout), 1, height_ratios=heights, left=0.085, right=0.992,
                                   bottom=(0.44 if last else 0.28) / total, top=1 - 0.26 / total,
                                   hspace=0.42)
        rows = np.arange(len(series))
        out_rows = np.arange(len(features)) * step
        first = None
        for place, (title, members) in enumerate(layout):
            axes = figure.add_subplot(grid[place], sharex=first)
            first = first or axes
            if place == 0:
                _draw_data(axes, rows, series)
            for position, k in enumerate(members):
                _draw_line(axes, out_rows, features[:, k], linewidth=1.15,
                           color=colour(statistics[k], position), label=statistics[k], zorder=3)
            _finish(axes, title)
            _legend(axes)
            axes.tick_params(labelbottom=place == len(layout) - 1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: "{:,.0f}".format(v)))
        axes.set_xlim(0, max(len(series) - 1, 1))
        if last:
            axes.set_xlabel("row")
        return svg(figure)


def _draw_data(axes, rows, series):
    where, low, high = envelope(rows, series)
    if low is high:
        axes.plot(where, low, color="#aab6c2", linewidth=0.9, label="data")
    else:
        axes.fill_between(where, low, high, color=BAND, linewidth=0, label="data (min to max)")


def missing_figure(over_time, row_edges, per_column):
    """Share of missing values along the rows and by column, in per cent."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.3))
        left, right = figure.subplots(1, 2, gridspec_kw={
            "left": 0.085, "right": 0.992, "bottom": 0.24, "top": 0.93, "wspace": 0.2})
        left.stairs(over_time, row_edges, color=COLOURS["mean"], linewidth=1.2)
        left.set_xlabel("row")
        left.xaxis.set_major_formatter(FuncFormatter(lambda v, _: "{:,.0f}".format(v)))
        left.set_ylabel("missing, %", fontsize=8.5)
        if len(per_column) <= 60:
            right.bar(np.arange(len(per_column)), per_column, width=0.72, color=COLOURS["mean"])
            right.set_xlabel("column")
            right.xaxis.set_major_locator(MaxNLocator(10, integer=True))
            right.set_ylabel("missing, %", fontsize=8.5)
        else:
            right.hist(per_column, bins=24, color=COLOURS["mean"], rwidth=0.9)
            right.set_xlabel("missing, % of the column")
            right.set_ylabel("columns", fontsize=8.5)
        for axes in (left, right):
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_ylim(bottom=0)
        left.margins(x=0)
        return svg(figure)


_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def svg(figure):
    """The figure as an <svg> element: no prolog, no date, coordinates to 1/100 point."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg"):]
    text = _NUMBER.sub(lambda match: "%.2f" % float(match.group()), text)
    return re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)

"""What the pages share: style, numbers for people, tables, writing a page whole or not at all."""

import html
import os

import numpy as np


class ReportError(Exception):
    """One sentence about what is wrong with the files."""


CSS = """
:root { --ink: #1c2733; --muted: #5d6b7a; --line: #dfe4e9; --accent: #1f5fa8; }
* { box-sizing: border-box; }
body { margin: 0; background: #f6f7f9; color: var(--ink);
       font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 36px 28px 56px; }
h1 { font-size: 26px; line-height: 1.25; font-weight: 650; margin: 0 0 4px;
     overflow-wrap: anywhere; }
h2 { font-size: 18px; font-weight: 650; margin: 40px 0 10px; }
h3 { font-size: 15px; font-weight: 650; margin: 0 0 8px; }
p { margin: 0 0 12px; } .lead, figcaption, .note { color: var(--muted); }
.facts { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 22px 0 0; }
.facts div, .card { background: #fff; border: 1px solid var(--line); border-radius: 8px; }
.facts div { padding: 12px 16px; } .facts b { display: block; font-size: 21px; font-weight: 650; }
.facts span { color: var(--muted); font-size: 13px; }
.card { padding: 18px 20px 14px; margin: 0 0 14px; overflow-x: auto; }
figure { margin: 0; } figcaption { font-size: 13px; margin-top: 4px; }
svg { width: 100%; height: auto; display: block; }
svg text { font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans",
           sans-serif !important; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; color: var(--muted); font-weight: 600; font-size: 13px; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
details { margin: 0 0 14px; } summary { cursor: pointer; color: var(--muted); margin: 0 0 10px; }
td.good { color: #1c7a4a; } td.bad { color: #b3261e; font-weight: 600; }
tr:last-child td { border-bottom: 0; } td.n, th.n { text-align: right; white-space: nowrap;
font-variant-numeric: tabular-nums; } code { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono",
monospace; overflow-wrap: anywhere; }
@media (max-width: 720px) { .facts { grid-template-columns: repeat(2, 1fr); } }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
"""


def escape(value):
    return html.escape(str(value), quote=True)


def number(value, digits=4):
    """A number for people: 12,345 or 0.0123; a dash where there is none."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    if isinstance(value, (int, np.integer)):
        return "{:,}".format(int(value))
    value = float(value)
    if value != 0 and (abs(value) >= 1e7 or abs(value) < 1e-3):
        return "%.3g" % value
    return "{:,.0f}".format(value) if abs(value) >= 1e4 else "%.*g" % (digits, value)


def rate(value):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value and value >= size:
            return "%.3g %s" % (value / size, unit)
    return number(value)


def seconds(value):
    if value is None:
        return "–"
    return "%.3g s" % value if value >= 1 else "%.3g ms" % (1e3 * value)


def table(header, rows, numeric):
    cell = ['<td class="n">%s</td>' if column in numeric else "<td>%s</td>"
            for column in range(len(header))]
    head = "".join('<th%s>%s</th>' % (' class="n"' if k in numeric else "", escape(name))
                   for k, name in enumerate(header))
    body = "".join("<tr>" + "".join(cell[k] % escape(v) for k, v in enumerate(row)) + "</tr>\n"
                   for row in rows)
    return ('<div class="card"><table><thead><tr>%s</tr></thead><tbody>\n%s</tbody></table></div>\n'
            % (head, body))


def head(title):
    """The start of a page up to its body."""
    return ("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
            "<title>%s</title><style>%s</style></head><body><main>\n" % (escape(title), CSS))


def facts(pairs):
    """The row of figures under the title: [(value, what it is)]."""
    return '<div class="facts">%s</div>\n' % "".join(
        "<div><b>%s</b><span>%s</span></div>" % (escape(value), escape(text))
        for value, text in pairs)


def figure(drawing, caption, title=""):
    """A card with a drawing (SVG text) and what it shows."""
    heading = "<h3>%s</h3>" % escape(title) if title else ""
    return ('<div class="card"><figure>%s%s<figcaption>%s</figcaption></figure></div>\n'
            % (heading, drawing, escape(caption)))


def write(page, path):
    """Write the page whole or not at all."""
    temporary = "%s.%d.part" % (path, os.getpid())
    try:
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write(page)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise

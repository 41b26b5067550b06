"""What is measured, and the bars: cases, their contestants and the ratios that are asked for."""

from dataclasses import dataclass, field
from typing import Optional

SIZES = ((10_000, 50), (50_000, 100), (1_000_000, 8))
QUICK_SIZES = ((2_000, 10),)
DTYPES = ("float64", "float32")
SMALL = SIZES[0]

ORDER = ("min", "max", "median", "quantile")  # bound by arithmetic, not by memory
ALL = ("mean", "sum", "var", "std") + ORDER
ODD_WINDOWS = (7, 17, 60, 100, 255, 1000)
FEW_COLUMNS = (1, 3, 10)
MISSING = 0.05
OWN_ELEMENTS = SMALL[0] * SMALL[1]  # arrays of the own comparisons hold as many


@dataclass(frozen=True)
class Data:
    """One input: random normal values, a share of them NaN, from a fixed seed."""

    rows: int
    columns: int
    dtype: str
    missing: float = 0.0

    def text(self):
        return "%s x %d %s%s" % ("{:,}".format(self.rows), self.columns, self.dtype,
                                 ", %g %% missing" % (100 * self.missing) if self.missing else "")


@dataclass(frozen=True)
class Contestant:
    """One call that is timed."""

    library: str  # "dualcube", a peer, or "copy": the array copied by NumPy
    operation: str
    window: int
    data: Data
    threads: int = 1


@dataclass(frozen=True)
class Bar:
    """A ratio of times per element, `slow` over `fast`, and what it must be and should be."""

    row: str  # line of the table of bars
    slow: Contestant
    fast: Contestant
    must: Optional[float]
    aim: Optional[float]
    at_least: bool = True  # else at most


@dataclass
class Case:
    """Contestants that are timed in turns, and the bars read off them."""

    title: str
    contestants: list
    bars: list = field(default_factory=list)


def _by_dtype(dtype, float64, float32):
    return float64 if dtype == "float64" else float32


def _bottleneck_bar(operation, window, size, dtype):
    """(must, aim) against bottleneck, or None."""
    small = size[0] * size[1] <= OWN_ELEMENTS
    if operation == "median":
        return {16: _by_dtype(dtype, (20, 33), (40, 65)), 256: _by_dtype(dtype, (8, 12), (16, 24)),
                4096: _by_dtype(dtype, (2.5, 4.4), (5, 9))}.get(window)
    if operation in ("min", "max"):
        return _by_dtype(dtype, (10, 18), (20, 36))
    if operation in ("mean", "sum") and window <= 256:
        return (1.4, 2.5) if small else (2.2, 4)
    if operation in ("var", "std") and window <= 256:
        return (1.3, 2.2) if small else (2.2, 3.5)
    if operation in ("mean", "std") and window == 4096 and not small:
        return (1, 1.5)
    return None


def _pandas_bar(operation, window):
    if operation == "quantile":
        return {16: (150, 300), 256: (60, 110)}.get(window)
    if operation in ("mean", "sum") and window <= 256:
        return (10, 20)
    if operation in ("var", "std") and window <= 256:
        return (9, 18)
    return None


PEERS = {
    "bottleneck": ("mean", "sum", "var", "std", "min", "max", "median"),
    "pandas": ALL,
    "numbagg": ("mean", "sum", "var", "std"),
    "polars": ALL,
}


def scaled(bar, operation, library, isa):
    """The bar of another instruction set than AVX-512: AVX2 may have half of the ratios that
    arithmetic decides; the baseline has to beat pandas."""
    if bar is None or isa in (None, "avx512"):
        return bar
    if isa == "avx2":
        return tuple(value / 2 for value in bar) if operation in ORDER else bar
    return (1, 1) if library == "pandas" else None


def _windows(operation):
    if operation in ("sum", "var", "quantile"):
        return (16, 256)
    return (16, 256, 4096)


def _peer_case(operation, window, size, dtype, isa, libraries):
    data = Data(*size, dtype)
    ours = Contestant("dualcube", operation, window, data)
    case = Case("%s, window %d, %s" % (operation, window, data.text()),
                [ours, Contestant("copy", "copy", 0, data)])
    for library in libraries:
        if operation not in PEERS[library]:
            continue
        if library == "bottleneck":
            bar = _bottleneck_bar(operation, window, size, dtype)
        else:
            bar = _pandas_bar(operation, window) if library == "pandas" else None
        if isa == "baseline" and library == "pandas" and bar is None:
            bar = (1, 1)
        bar = scaled(bar, operation, library, isa)
        peer = Contestant(library, operation, window, data)
        case.contestants.append(peer)
        must, aim = bar or (None, None)
        case.bars.append(Bar("%s against %s" % (operation, library), peer, ours, must, aim))
    return case


def peer_cases(sizes, isa, libraries):
    return [_peer_case(operation, window, size, dtype, isa, libraries)
            for size in sizes for dtype in DTYPES for operation in ALL
            for window in _windows(operation) if window < size[0]]


def _next_power(window):
    return 1 << (window - 1).bit_length()


def _own_case(row, title, other, base, must, aim):
    """Time of `other` per element over that of `base`: at most `must`."""
    return Case(title, [other, base], [Bar(row, other, base, must, aim, at_least=False)])


def own_cases(quick):
    """The library against itself: odd windows, few columns, missing values, two threads."""
    cases = []
    elements = OWN_ELEMENTS // 10 if quick else OWN_ELEMENTS
    wide = SMALL[1]
    for dtype in DTYPES:
        base = Data(elements // wide, wide, dtype)
        for operation in ALL:
            cases += _odd_cases(operation, base)
            cases += _column_cases(operation, base, elements)
            cases += _missing_cases(operation, dtype, quick)
            if operation in ORDER:
                cases += _thread_cases(operation, dtype, quick)
    return cases


def _odd_cases(operation, data):
    cases = []
    for window in ODD_WINDOWS:
        title = "%s, window %d against %d, %s" % (operation, window, _next_power(window),
                                                  data.text())
        cases.append(_own_case("odd windows", title,
                               Contestant("dualcube", operation, window, data),
                               Contestant("dualcube", operation, _next_power(window), data),
                               1.5, 1.2))
    return cases


def _column_cases(operation, base, elements):
    cases = []
    for columns in FEW_COLUMNS:
        data = Data(elements // columns, columns, base.dtype)
        must = 2.5 if columns < 8 else 1.5
        for window in (16, 256):
            title = "%s, window %d, %s against %d columns" % (operation, window, data.text(),
                                                              base.columns)
            cases.append(_own_case("few columns", title,
                                   Contestant("dualcube", operation, window, data),
                                   Contestant("dualcube", operation, window, base), must, 1.2))
    return cases


def _missing_cases(operation, dtype, quick):
    must, aim = (1.7, 1.3) if operation in ORDER else (2.5, 1.7)
    cases = []
    for size in QUICK_SIZES if quick else SIZES[:2]:
        for window in (16, 256):
            full, holes = Data(*size, dtype), Data(*size, dtype, MISSING)
            title = "%s, window %d, %s against none" % (operation, window, holes.text())
            cases.append(_own_case("missing values", title,
                                   Contestant("dualcube", operation, window, holes),
                                   Contestant("dualcube", operation, window, full), must, aim))
    return cases


def _thread_cases(operation, dtype, quick):
    cases = []
    for size in QUICK_SIZES if quick else SIZES[1:]:
        data = Data(*size, dtype)
        for window in (16, 256):
            one = Contestant("dualcube", operation, window, data, 1)
            two = Contestant("dualcube", operation, window, data, 2)
            cases.append(Case("%s, window %d, %s, 2 threads" % (operation, window, data.text()),
                              [one, two], [Bar("two threads", one, two, 1.8, 1.95)]))
    return cases

"""Measure, compare with the bars, print, record."""

import argparse
import datetime
import os
import re
import subprocess
import sys
import time

from bench.peers import libraries

FORMAT = "dualcube.peers"
SECTIONS = ("peers", "own", "cubes", "spectra", "models", "latency", "import")


def _arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="python3 -m bench.peers", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Rolling statistics against pandas, bottleneck, numbagg and polars, cubes "
        "against NumPy, SciPy,\nscikit-learn and the machine's own copy, spectra against SciPy, "
        "FFTW, pandas, TSFEL and\nstatsmodels, models against scikit-learn and pandas: the same "
        "arrays, the same run, calls\nin turns, medians, one thread on every side where the line "
        "does not say.",
        epilog="example: python3 -m bench.peers --only peers --operation median -o median.jsonl\n"
        "exit codes: 0 every bar reached, 1 a bar missed, 2 usage, 4 failed")
    parser.add_argument("--quick", action="store_true",
                        help="small arrays and few repeats: shows that everything runs, its "
                        "ratios mean little; bars are not judged")
    parser.add_argument("--isa", choices=("baseline", "avx2", "avx512"),
                        help="instruction set, with the bars of that set (default: the best)")
    parser.add_argument("--only", choices=SECTIONS, action="append",
                        help="one section (may be given again); default: all")
    parser.add_argument("--operation", action="append", metavar="NAME",
                        help="only this operation (may be given again)")
    parser.add_argument("--group", action="append", metavar="NAME",
                        help="only this group of the sections cubes, spectra and models (may be "
                        "given again): transpose, axis, reduce, random, columns, batch; rfft, "
                        "welch, windows, rolling_bands, features, acf; kmeans_fit, "
                        "kmeans_plusplus, silhouette, pearson, spearman, covariance, monitor, fit")
    parser.add_argument("--peer", action="append", metavar="NAME",
                        help="only this peer (may be given again)")
    parser.add_argument("-o", "--output", metavar="FILE",
                        help="JSON lines; default bench/results/<cpu>/<date>-peers.jsonl")
    parser.add_argument("--shortfalls", action="store_true",
                        help="print only the lines that miss their bar")
    return parser.parse_args(arguments), parser


def _find_package():
    """dualcube as installed, else from the source tree."""
    try:
        import dualcube  # noqa: F401
    except ImportError:
        from_tree = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "host",
                                 "python")
        sys.path.insert(0, os.path.abspath(from_tree))
        sys.modules.pop("dualcube", None)
        import dualcube  # noqa: F401


def _chosen_peers(options, parser):
    peers = libraries.present()
    for name in options.peer or ():
        if name not in peers:
            parser.error("--peer %s is not installed; installed: %s; "
                         "pip install -r bench/peers/requirements.txt"
                         % (name, ", ".join(peers) or "none"))
    return [name for name in peers if not options.peer or name in options.peer]


def _cases(options, parser, sections, peers):
    from bench.peers import bars

    for name in options.operation or ():
        if name not in bars.ALL:
            parser.error("--operation %s, must be one of %s" % (name, ", ".join(bars.ALL)))
    cases = []
    if "peers" in sections:
        cases += bars.peer_cases(bars.QUICK_SIZES if options.quick else bars.SIZES, options.isa,
                                 peers)
    if "own" in sections:
        cases += bars.own_cases(options.quick)
    return [case for case in cases
            if not options.operation or case.contestants[0].operation in options.operation]


def _default_output(machine):
    slug = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-") or "cpu"
    day = datetime.date.today().isoformat()
    from bench.peers.machine import ROOT

    return os.path.join(ROOT, "bench", "results", slug, "%s-peers.jsonl" % day)


class _Progress:
    """Cases done, on a terminal."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, title):
        self.done += 1
        if self.shown:
            spent = time.monotonic() - self.start
            sys.stderr.write("\r\033[K[%d/%d %.0f s] %s" % (self.done, self.total, spent,
                                                           title[:100]))
            sys.stderr.flush()

    def note(self, title):
        self.total += 1
        self.step(title)

    def clear(self):
        if self.shown:
            sys.stderr.write("\r\033[K")


class _Out:
    """Prints and keeps the records as they come."""

    def __init__(self, writer, only_short, judged):
        self.writer, self.only_short, self.judged = writer, only_short, judged
        self.records = []

    def add(self, record):
        from bench.peers import record as table

        if not self.judged:
            record["verdict"] = table.INFO
        self.records.append(record)
        self.writer.add(record)
        if record["verdict"] == table.SHORT or not self.only_short:
            print(table.line(record), flush=True)


def _measure(options, sections, cases, isa, out):
    from bench.peers import machine, measure
    from bench.peers import record as table

    arrays, progress = measure.Arrays(), _Progress(len(cases))
    for case in cases:
        progress.step(case.title)
        timed = measure.run(case, arrays, options.isa, options.quick)
        progress.clear()
        for record in table.case_records(case, timed, isa):
            out.add(record)
    if not options.quick:
        _contests(options, sections, progress, lambda record: (progress.clear(), out.add(record)))
    if "latency" in sections:
        for entry in machine.latency(options.quick, options.isa):
            if not options.operation or entry["operation"] in options.operation:
                out.add(table.latency_record(entry, options.isa))
    if "import" in sections:
        out.add(table.import_record(machine.import_time(options.quick)))


def _contests(options, sections, progress, add):
    """The sections that are groups of contests."""
    from bench.peers import cubes, models, spectra

    parts = [part for name, part in (("cubes", cubes), ("spectra", spectra), ("models", models))
             if name in sections]
    known = [group for part in parts for group in part.GROUPS]
    for name in options.group or ():
        if parts and name not in known:
            raise RuntimeError("--group %s, must be one of %s" % (name, ", ".join(known)))
    for part in parts:
        if not options.group or set(options.group) & set(part.GROUPS):
            part.measure(options.group, options.isa, True, progress.note, add)


def _head(options, machine, peers, sections):
    from bench.peers import machine as measured

    return {
        "record": "run", "format": FORMAT, "version": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": options.quick, "isa": options.isa or machine["isas"][-1], "sections": sections,
        "machine": machine, "floors": measured.floors(options.quick),
        "libraries": libraries.versions(peers),
    }


def main(arguments=None):
    libraries.one_thread()
    options, parser = _arguments(arguments)
    _find_package()
    from bench.peers import machine as measured
    from bench.peers import measure
    from bench.peers import record as table

    sections = [name for name in SECTIONS if not options.only or name in options.only]
    peers = _chosen_peers(options, parser)
    cases = _cases(options, parser, sections, peers)
    machine = measured.describe()
    if options.isa and options.isa not in machine["isas"]:
        parser.error("--isa %s is not usable here; usable: %s"
                     % (options.isa, ", ".join(machine["isas"])))
    path = options.output or _default_output(machine)
    start = time.monotonic()
    try:
        with table.Writer(path) as writer:
            head = _head(options, machine, peers, sections)
            writer.add(head)
            _print_head(head)
            out = _Out(writer, options.shortfalls, not options.quick)
            _measure(options, sections, cases, head["isa"], out)
            writer.add({"record": "end", "seconds": time.monotonic() - start})
    except (measure.Disagreement, RuntimeError, OSError, subprocess.SubprocessError) as error:
        print("bench.peers: %s" % error, file=sys.stderr)
        return 4
    return _conclude(out.records, path, time.monotonic() - start, options.quick)


def _print_head(head):
    from bench.peers import record as table

    machine, floors = head["machine"], head["floors"]
    print("%s, %d cores, %s; instruction set %s" % (machine["cpu"], machine["cores"],
                                                    machine["system"], head["isa"]))
    print("one thread: copy %.1f GB/s (read + write), read %.1f GB/s"
          % (floors["copy_bytes_per_second"] / 1e9, floors["read_bytes_per_second"] / 1e9))
    print("; ".join("%s %s, %d thread%s" % (name, entry["version"], entry["threads"],
                                            "s" * (entry["threads"] != 1))
                    for name, entry in head["libraries"].items()))
    if machine["load"][0] > 0.5:
        print("the machine is busy (load %.1f): ratios hold better than times"
              % machine["load"][0])
    print(table.header(), flush=True)


def _conclude(records, path, seconds, quick):
    from bench.peers import record as table

    short = [record for record in records if record["verdict"] == table.SHORT]
    judged = [record for record in records if record["verdict"] != table.INFO]
    print("\n%s\n" % table.summary(records) if judged else "")
    for record in short:
        print(table.line(record))
    print("%d of %d bars reached, %d short; %d records in %s; %.0f s"
          % (len(judged) - len(short), len(judged), len(short), len(records), path, seconds))
    if quick:
        print("--quick: the ratios of such small runs are not held against the bars")
    return 1 if short else 0

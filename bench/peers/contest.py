"""One of our calls against others on the same arrays: calls in turns, medians, records."""

import statistics
import time

import numpy as np

from bench.peers import record as table
from bench.peers.measure import Disagreement

ROUNDS, BUDGET = 9, 4.0  # samples of a call, seconds that they may take together
LEAST = 3
SHORTEST = 0.005  # seconds of a sample: shorter calls are repeated


class Contest:
    """One of our calls and those it is held against: [(name, call, threads, must, aim)], and the
    share of our work that the call does where it is not all of it."""

    def __init__(self, row, title, elements, ours, others, threads=1, check=None, near=1e-4):
        self.row, self.title, self.elements = row, title, elements
        self.ours, self.others, self.threads = ours, others, threads
        self.check, self.near = check, near


def _seconds(call, times=1):
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def _sample(calls):
    """Seconds of every call, taken in turns: [[...], ...]."""
    once = [min(_seconds(call), _seconds(call)) if _seconds(call) < 0.5 else _seconds(call)
            for call in calls]
    times = [max(1, int(SHORTEST / max(t, 1e-6))) for t in once]
    rounds = [min(ROUNDS, max(LEAST, int(BUDGET / max(t * k, 1e-6)))) for t, k in zip(once, times)]
    samples = [[] for _ in calls]
    for turn in range(max(rounds)):
        for k, call in enumerate(calls):
            if turn < rounds[k]:
                samples[k].append(_seconds(call, times[k]))
    return samples


def _side(contest, library, threads, samples, share, isa):
    elements = int(contest.elements * share)
    entry = {"library": library, "operation": contest.title, "threads": threads,
             "elements": elements, "median_s": statistics.median(samples),
             "least_s": min(samples), "samples": len(samples),
             "ns_per_element": 1e9 * statistics.median(samples) / elements}
    if library == "dualcube":
        entry["isa"] = isa
    return entry


def _records(contest, isa, judged):
    samples = _sample([contest.ours] + [other[1] for other in contest.others])
    if contest.check is not None:
        got, expected = contest.check()
        if not np.allclose(got, expected, rtol=contest.near, atol=contest.near, equal_nan=True):
            raise Disagreement("dualcube and its rival differ in %s" % contest.title)
    ours = _side(contest, "dualcube", contest.threads, samples[0], 1, isa)
    for (name, _, threads, must, aim, *share), taken in zip(contest.others, samples[1:]):
        other = _side(contest, name, threads, taken, share[0] if share else 1, isa)
        ratio = other["ns_per_element"] / ours["ns_per_element"]
        yield {"record": "ratio", "row": contest.row, "case": "%s: %s" % (name, contest.title),
               "ratio": ratio, "at_least": True, "must": must if judged else None, "aim": aim,
               "verdict": table.verdict(ratio, must if judged else None, aim, True),
               "slow": other, "fast": ours}


def run(groups, wanted, contests, isa, judged, progress, add):
    """Measure the groups named in `wanted` (None: all): `contests` makes them of an entry of a
    group, `add` takes each record."""
    import dualcube as dc

    for name, makers in groups.items():
        if wanted and name not in wanted:
            continue
        for maker in makers:
            for contest in contests(maker):
                progress("%s, %s" % (contest.row, contest.title))
                with dc.options(isa=isa) if isa else _nothing():
                    for record in _records(contest, isa, judged):
                        add(record)


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

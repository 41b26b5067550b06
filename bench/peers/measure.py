"""Times of contestants taken in turns: noise of the machine falls on all of them alike."""

import statistics
import time

import numpy as np

from bench.peers import libraries

SAMPLE = 20e-3  # seconds: a shorter call is repeated within one sample, so that what the other
# libraries left behind in caches and clocks (measured: some 2 ms) does not decide it
BUDGET = 0.5  # seconds that a contestant's samples may take before their number is cut
LONG = 0.2  # seconds: a call this long needs no separate warm-up
ROUNDS, LEAST, QUICK_ROUNDS = 9, 3, 3
TOLERANCE = {"float64": 1e-8, "float32": 2e-3}  # of the data's scale: peers' running sums drift


class Disagreement(Exception):
    """Two contestants do not compute the same thing."""


class Arrays:
    """Inputs by description; the latest few are kept."""

    KEPT = 4

    def __init__(self):
        self._known = {}

    def get(self, data):
        if data not in self._known:
            while len(self._known) >= self.KEPT:
                del self._known[next(iter(self._known))]
            random = np.random.default_rng(20)
            array = random.standard_normal((data.rows, data.columns), dtype=data.dtype)
            if data.missing:
                array[random.random(array.shape) < data.missing] = np.nan
            self._known[data] = array
        return self._known[data]


class Timed:
    """One contestant with its samples, in seconds per call."""

    def __init__(self, contestant, array, isa):
        self.contestant = contestant
        self.rows = libraries.rows_of(contestant)
        self.elements = self.rows * contestant.data.columns
        self.call = libraries.prepare(contestant, array[:self.rows], isa)
        self.samples, self.repeats, self.rounds = [], 1, 0

    def calibrate(self, rounds):
        """The first calls: repeats within a sample and samples within the budget."""
        result = self.call()
        once = self._seconds()
        if once < LONG / 10:  # this call met fresh pages, later ones will not
            once = min(once, self._seconds(), self._seconds())
        self.repeats = max(1, int(SAMPLE / once) if once > 0 else 1)
        self.rounds = min(rounds, max(LEAST, int(BUDGET / max(once, SAMPLE))))
        if once > LONG:
            self.samples.append(once)
        return result

    def _seconds(self):
        start = time.perf_counter()
        self.call()
        return time.perf_counter() - start

    def sample(self):
        call = self.call
        start = time.perf_counter()
        for _ in range(self.repeats):
            call()
        self.samples.append((time.perf_counter() - start) / self.repeats)

    @property
    def median(self):
        return statistics.median(self.samples)

    @property
    def per_element(self):
        """Nanoseconds."""
        return 1e9 * self.median / self.elements


def _compare(timed, result, reference):
    """The first and last rows of a peer's result against ours."""
    if result is None or reference is None:
        return
    dtype = timed.contestant.data.dtype
    theirs = libraries.values(result)
    rows = min(len(theirs), len(reference), 3000)
    window = timed.contestant.window
    limit = TOLERANCE[dtype] * (window if timed.contestant.operation == "sum" else 1)
    for part in (slice(0, rows), slice(len(theirs) - rows, len(theirs))):
        if not np.allclose(theirs[part], reference[part], rtol=limit, atol=limit, equal_nan=True):
            raise Disagreement("%s and dualcube differ in %s, window %d, %s"
                               % (timed.contestant.library, timed.contestant.operation, window,
                                  timed.contestant.data.text()))


def run(case, arrays, isa=None, quick=False):
    """{contestant: Timed} of one case."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    field = [Timed(contestant, arrays.get(contestant.data), isa)
             for contestant in case.contestants]
    reference = None
    for timed in field:
        result = timed.calibrate(rounds)
        if timed.contestant.library == "dualcube" and reference is None:
            reference = result
        elif timed.contestant.library not in ("dualcube", "copy"):
            _compare(timed, result, reference)
        del result
    del reference
    for turn in range(max(timed.rounds for timed in field)):
        for timed in field:
            if len(timed.samples) < timed.rounds and turn < timed.rounds:
                timed.sample()
    return {timed.contestant: timed for timed in field}

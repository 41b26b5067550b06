"""How many tests a stage ran, from what it wrote: ctest's or pytest's XML, or its last summary."""

import re
import xml.etree.ElementTree as tree
from dataclasses import dataclass

SCRIPT = re.compile(r"^== (?:tests|tools)/\S+$", re.MULTILINE)  # a stage of several scripts
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test\(s\)")


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def text(self):
        words = "%d passed, %d failed" % (self.passed, self.failed)
        return words + (", %d skipped" % self.skipped if self.skipped else "")


def of_text(text):
    """The last "N passed, N failed" line of every script in it; None when there is none."""
    total, seen = Counts(), False
    for part in SCRIPT.split(text):
        found = SUMMARY.findall(part)
        if found:
            seen = True
            passed, failed, skipped = found[-1]
            total += Counts(int(passed), int(failed), int(skipped or 0))
    return total if seen else None


def of_cmocka(text):
    """All cmocka groups of a program's output; None when there is none."""
    counts, seen = Counts(), False
    for word, number in CMOCKA.findall(text):
        seen = True
        name = word.lower()
        setattr(counts, name, getattr(counts, name) + int(number))
    return counts if seen else None


def of_ctest(path):
    """ctest --output-junit: every program's own counts; a program that failed counts as one."""
    total = Counts()
    for case in tree.parse(path).getroot().iter("testcase"):
        output = "".join(part.text or "" for part in case.iter("system-out"))
        status = case.get("status")
        counts = of_cmocka(output) or of_text(output)
        if status in ("disabled", "notrun") and case.find("skipped") is not None:
            # ctest also says so of a program that could not be started.
            reason = case.find("skipped").get("message") or ""
            counts = Counts(skipped=1) if reason.startswith("SKIP_") else Counts(failed=1)
        elif counts is None:
            counts = Counts(passed=int(status != "fail"))
        if status == "fail" and counts.failed == 0:
            counts.failed = 1
        total += counts
    return total


def of_pytest(path):
    """pytest --junitxml."""
    total = Counts()
    for suite in tree.parse(path).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total += Counts(int(suite.get("tests", 0)) - bad - skipped, bad, skipped)
    return total


def of_stage(text, status, xml=None, kind=None):
    """Counts of a stage that ended with exit status `status`; a failure is never lost."""
    if xml is not None:
        try:
            counts = of_ctest(xml) if kind == "ctest" else of_pytest(xml)
        except (OSError, tree.ParseError):
            counts = Counts(failed=1)  # it did not get as far as its report
    else:
        counts = of_text(text)
    if counts is None:
        counts = Counts(passed=1 if status == 0 else 0)
    if counts.passed + counts.failed == 0:
        counts.failed = 1  # nothing ran, or all was skipped: nothing was shown
    if status != 0 and counts.failed == 0:
        counts.failed = 1
    return counts

"""The counter itself: no failure may be lost."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from counts import Counts, of_cmocka, of_stage, of_text  # noqa: E402

CTEST = """<testsuite tests="3">
<testcase name="a" status="run"><system-out>[  PASSED  ] 3 test(s).
[  SKIPPED ] 1 test(s), listed below:</system-out></testcase>
<testcase name="b" status="fail"><failure message=""/><system-out>[  PASSED  ] 4 test(s).
[  FAILED  ] 2 test(s), listed below:</system-out></testcase>
%s</testsuite>"""


class Stages(unittest.TestCase):
    def ctest(self, more, status=1):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(CTEST % more)
            file.flush()
            return of_stage("", status, file.name, "ctest")

    def test_summary_line(self):
        self.assertEqual(of_text("3 passed, 1 failed\n5 passed, 0 failed, 2 skipped\n"),
                         Counts(5, 0, 2))
        self.assertIsNone(of_text("it went well"))
        self.assertEqual(of_text("== tests/a.sh\n1 passed, 0 failed\n4 passed, 1 failed\n"
                                 "== tests/b.sh\n2 passed, 0 failed, 1 skipped\n"),
                         Counts(6, 1, 1))
        self.assertEqual(of_stage("5 passed, 0 failed\n", 0), Counts(5, 0))

    def test_status_wins_over_words(self):
        self.assertEqual(of_stage("5 passed, 0 failed\n", 1), Counts(5, 1))
        self.assertEqual(of_stage("no summary", 124), Counts(0, 1))
        self.assertEqual(of_stage("no summary", 0), Counts(1, 0))

    def test_nothing_ran(self):
        self.assertEqual(of_stage("0 passed, 0 failed\n", 0), Counts(0, 1))
        self.assertEqual(of_stage("0 passed, 0 failed, 7 skipped\n", 0), Counts(0, 1, 7))

    def test_cmocka(self):
        self.assertEqual(of_cmocka("[  PASSED  ] 8 test(s).\n[  FAILED  ] 1 test(s)"), Counts(8, 1))
        self.assertIsNone(of_cmocka("[ RUN      ] something"))

    def test_ctest(self):
        self.assertEqual(self.ctest(""), Counts(7, 2, 1))
        crashed = '<testcase name="c" status="fail"><failure message=""/></testcase>'
        self.assertEqual(self.ctest(crashed), Counts(7, 3, 1))
        absent = '<testcase name="d" status="notrun"><skipped message=""/></testcase>'
        self.assertEqual(self.ctest(absent), Counts(7, 3, 1))

    def test_ctest_without_a_report(self):
        self.assertEqual(of_stage("", 0, "/nonexistent.xml", "ctest"), Counts(0, 1))
        self.assertEqual(of_stage("", 8, "/nonexistent.xml", "ctest"), Counts(0, 1))


if __name__ == "__main__":
    unittest.main()

"""How the costs of the stages are read and judged."""

import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

from benchmark import stages  # noqa: E402
from benchmark.stages import Count  # noqa: E402

ACCOUNT = """\
# callgrind format
desc: Trigger: --dump-before=*Benchmarks4mark*
events: Ir
fn=$s10Benchmarks2goyyF
12 4000
cfn=malloc
calls=6 0
12 600
cfn=swift_retain
calls=900 0
12 900
cfn=calloc
calls=2 0
12 100
totals: 8000
"""


class Accounts(unittest.TestCase):
    def test_an_account_of_callgrind_gives_instructions_and_allocations_per_webhook(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(ACCOUNT)
            file.flush()
            self.assertEqual(stages.read_account(Path(file.name), 4), Count(2000, 2))


class Thresholds(unittest.TestCase):
    def test_a_count_at_its_threshold_is_allowed(self):
        limits = {"a": {"instructions": 100, "allocations": 0}}
        self.assertEqual(stages.exceeded({"a": Count(100, 0)}, limits), [])

    def test_a_count_above_its_threshold_is_named_with_how_much_it_is_more(self):
        limits = {"a": {"instructions": 100, "allocations": 2}}
        sentences = stages.exceeded({"a": Count(125, 2), "b": Count(1, 1)}, limits)
        self.assertEqual(sentences, ["a takes 125.0 instructions, 25.0 % more than the 100.0 it may.",
                                     "b has no threshold."])

    def test_new_thresholds_leave_a_tenth_of_room(self):
        self.assertEqual(stages.with_head_room({"a": Count(1000, 5)}),
                         {"a": {"instructions": 1100, "allocations": 5.5}})

    def test_every_case_has_a_threshold(self):
        source = (HERE / "Cases.swift").read_text() + (HERE / "Ends.swift").read_text()
        names = set(re.findall(r'(?:\bname: |hostile\()"([^"]+)"', source))
        self.assertGreater(len(names), 10)
        for processor, limits in json.loads(stages.THRESHOLDS.read_text()).items():
            self.assertEqual(names, set(limits), processor)

    def test_counts_are_held_to_those_of_the_same_class_of_processors(self):
        self.assertEqual(stages.processor_class("x86_64", "model name\t: X\nflags\t\t: fpu avx avx2\n"),
                         "x86_64 with AVX2")
        self.assertEqual(stages.processor_class("x86_64", "flags\t\t: fpu avx\n"), "x86_64")
        self.assertEqual(stages.processor_class("aarch64", "Features\t: fp asimd\n"), "aarch64")

    def test_a_class_that_nobody_has_measured_is_skipped_with_a_line_that_the_summary_counts(self):
        said = io.StringIO()
        with mock.patch("platform.machine", return_value="other"), mock.patch("sys.argv", ["stages", "--counts"]), \
                contextlib.redirect_stdout(said):
            self.assertEqual(stages.main(), 0)
        self.assertRegex(said.getvalue(), r"\Abench: skipped: there are no thresholds for other")
        self.assertIn("'^bench: skipped'", (HERE.parents[1] / "scripts" / "test").read_text())


if __name__ == "__main__":
    unittest.main()

"""What is made of libFuzzer's words and finds."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from fuzzing.campaign import Campaign, repeat_command  # noqa: E402


class ScriptedProgram:
    """Stands for the fuzz program: leaves a find where it is told to."""

    def __init__(self, code: int, words: str, find: str | None = None):
        self._code, self._words, self._find = code, words, find
        self.arguments: list[str] = []

    def write_seeds(self, target: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "seed-0").write_bytes(b"{}")

    def run(self, target: str, arguments: list[str]) -> subprocess.CompletedProcess:
        self.arguments = arguments
        prefix = next(a.removeprefix("-artifact_prefix=") for a in arguments if a.startswith("-artifact_prefix="))
        if self._find:
            Path(prefix + self._find).write_bytes(b"x")
        return subprocess.CompletedProcess([], self._code, stderr=self._words)


class Campaigns(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_quiet_run_tells_how_much_was_tried(self):
        words = "#2 INITED cov: 10 ft: 20\n#4000\tDONE   cov: 929 ft: 2\nDone 4000 runs in 1 second(s)"
        program = ScriptedProgram(0, words)
        outcome = Campaign(program, self.folder).short("json")
        self.assertEqual((outcome.runs, outcome.coverage, outcome.find), (4000, 929, None))

    def test_a_short_run_tries_the_same_inputs_every_time(self):
        program = ScriptedProgram(0, "Done 400 runs in 1 second(s)")
        Campaign(program, self.folder).short("front")
        self.assertIn("-runs=400", program.arguments)
        self.assertTrue(any(argument.startswith("-seed=") for argument in program.arguments))

    def test_a_long_run_goes_on_from_its_corpus(self):
        program = ScriptedProgram(0, "Done 9 runs in 3 second(s)")
        Campaign(program, self.folder).long("json", 3)
        self.assertIn("-max_total_time=3", program.arguments)
        folders = [str(self.folder / "json" / name) for name in ("corpus", "seeds")]
        self.assertEqual(program.arguments[-2:], folders)

    def test_a_find_is_said_with_the_sentence_and_the_command_that_shows_it_again(self):
        words = ("Fuzz/FuzzTarget.swift:39: Fatal error: broken: an attribute stands once\n"
                 "==1== ERROR: libFuzzer: deadly signal")
        outcome = Campaign(ScriptedProgram(77, words, "crash-1"), self.folder).long("wire", 1)
        self.assertEqual(outcome.sentence, "broken: an attribute stands once")
        self.assertTrue(repeat_command(outcome).startswith("scripts/fuzz --target wire --replay "))
        self.assertTrue(str(outcome.find).endswith("wire/finds/crash-1"))

    def test_a_program_that_ends_badly_without_a_find_is_no_success(self):
        outcome = Campaign(ScriptedProgram(1, "no such file"), self.folder).short("wire")
        self.assertIsNotNone(outcome.find)


if __name__ == "__main__":
    unittest.main()

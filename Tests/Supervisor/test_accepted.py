"""What runs is the accepted configuration, whatever happens to its file."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from pipeline import until
from supervision.configuration import accept, copy
from test_supervisor import SupervisorCase


class AcceptedConfiguration(SupervisorCase):
    def setUp(self):
        super().setUp()
        self.pipeline.good("up", "-d")
        self.ran_by = self.pipeline.diary("start")[0]["fingerprint"]

    def edit(self, text: str) -> None:
        self.pipeline.file.write_text(text)

    def starts_after(self, count: int) -> list[dict]:
        return until(lambda: self.pipeline.diary("start")[count:], "a stage starts again")

    def test_a_file_that_was_edited_reaches_neither_a_restarted_nor_a_crashed_nor_a_new_stage(self):
        self.edit(json.dumps(self.pipeline.tree | {"changes": [
            {"text": "x", "stages": [], "effect": "restart", "meaning": "restarts nothing"}]}))
        ended = self.pipeline.command("restart", "verifier")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn(f"warning: {self.pipeline.file} differs from what runs", ended.stderr)
        self.assertEqual(ended.stderr.count("\n"), 1)
        self.pipeline.kill("normaliser-0")
        self.starts_after(6)
        self.pipeline.good("scale", "normaliser", "3")
        self.assertEqual({line["fingerprint"] for line in self.starts_after(5)}, {self.ran_by})
        self.assertEqual(len(self.pipeline.diary("start")), 8)
        self.pipeline.good("reload")
        self.assertEqual(self.pipeline.command("status").stderr, "")
        self.pipeline.good("restart", "verifier")
        self.assertNotEqual(self.pipeline.diary("start")[-1]["fingerprint"], self.ran_by)

    def test_with_a_typo_in_the_file_everything_that_looks_or_stops_works_and_a_crashed_stage_comes_back(self):
        self.edit('{"run_dir": ' + json.dumps(str(self.pipeline.folder / "run")) + ', "sources": [')
        warning = rf"\A(supervisor|tributary): warning: {self.pipeline.file} has errors, .*\n\Z"
        for command in (["status"], ["logs"], ["metrics"], ["top", "--once", "--interval", "0.01"],
                        ["restart", "router"]):
            ended = self.pipeline.command(*command)
            self.assertEqual(ended.returncode, 0, f"{command}: {ended.stderr}")
            self.assertRegex(ended.stderr, warning)
        killed = self.pipeline.kill("verifier-0")
        until(lambda: self.pipeline.rows()["verifier-0"]["pid"] not in (None, killed), "the crashed stage is back")
        self.assertEqual(self.pipeline.command("reload").returncode, 78)
        self.assertEqual(self.pipeline.command("down").returncode, 0)
        self.assertEqual(self.pipeline.living(), [])
        self.assertEqual(list((self.pipeline.folder / "run").glob("accepted*")), [])
        self.assertEqual(self.pipeline.command("up", "-d").returncode, 78, "a new pipeline starts by the file")

    def test_a_supervisor_that_was_killed_comes_back_to_its_stages_although_the_file_has_a_typo(self):
        self.pipeline.kill_supervisor()
        self.pipeline.kill("verifier-0")
        self.edit('{"run_dir": ' + json.dumps(str(self.pipeline.folder / "run")) + ", oops")
        ended = self.pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("has errors", ended.stderr)
        self.assertEqual(len(self.pipeline.living()), 5)
        self.assertEqual({line["fingerprint"] for line in self.pipeline.diary("start")}, {self.ran_by})

    def test_a_reload_that_did_not_reach_every_stage_is_compared_again_with_what_ran_before(self):
        self.pipeline.steer("normaliser-1", "refuses")
        self.edit(json.dumps(self.pipeline.tree | {"changes": []}))
        self.assertEqual(self.pipeline.command("reload").returncode, 1)
        former = self.pipeline.folder / "run" / "accepted.former"
        self.assertEqual(former.stat().st_mode & 0o777, 0o600)
        self.assertEqual(former.read_text(), f"# accepted from {self.pipeline.file}\n{json.dumps(self.pipeline.tree)}")
        self.pipeline.steer("normaliser-1", "refuses", None)
        self.pipeline.good("reload")
        self.assertFalse(former.exists())

    def test_the_environment_names_the_default_file(self):
        self.pipeline.environment["TRIBUTARY_CONFIG"] = str(self.pipeline.file)
        self.assertEqual(self.pipeline.run("status").returncode, 0)


class Copies(unittest.TestCase):
    def test_a_copy_has_a_line_that_says_where_its_relative_paths_start(self):
        with tempfile.TemporaryDirectory() as folder:
            file, accepted = Path(folder, "t.yaml"), Path(folder, "accepted.yaml")
            file.write_bytes(b"run_dir: run\n")
            self.assertFalse(copy(file, Path(folder)) == accepted)
            accept(Path(folder))
            self.assertEqual(accepted.read_bytes(), b"# accepted from %b\nrun_dir: run\n" % os.fsencode(file))
            self.assertEqual(accepted.stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()

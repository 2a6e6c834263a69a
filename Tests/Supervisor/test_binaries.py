"""`scripts/supervisor restart STAGE --binary PATH`: another executable, and the way back."""

import os
import shutil
import unittest

from pipeline import until
from test_supervisor import SupervisorCase


class OtherBinaries(SupervisorCase):
    def setUp(self):
        super().setUp()
        self.pipeline.good("up", "-d")

    def executable(self, name: str, script: str | None = None) -> str:
        """A copy of a stage's executable in a folder of its own, or a script under its name."""
        path = self.pipeline.folder / "next" / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(self.pipeline.binaries / name, path)
        if script:
            path.write_text(script)
        return str(path)

    def programs(self, stage: str) -> dict[str, str]:
        """What the instances of a stage were started by last."""
        return {line["instance"]: line["program"] for line in self.pipeline.diary("start")
                if line["instance"].startswith(stage)}

    def crash(self, instance: str) -> None:
        starts = len(self.pipeline.diary("start"))
        self.pipeline.kill(instance)
        until(lambda: len(self.pipeline.diary("start")) > starts, "it is started again")

    def test_a_stage_runs_by_another_one_after_a_crash_a_takeover_and_scaling_too_until_down(self):
        pipeline, other = self.pipeline, self.executable("verifier")
        said = pipeline.good("restart", "verifier", "--binary", os.path.relpath(other))
        self.assertRegex(said, r"\Averifier-0 is ready \(pid \d+\)\.\n\Z")
        self.assertEqual(self.programs("verifier"), {"verifier-0": other})
        self.assertEqual(pipeline.rows()["verifier-0"]["binary"], other)
        self.assertIsNone(pipeline.rows()["normaliser-0"]["binary"])
        self.assertIn(f"\nverifier-0 runs by {other}\n", pipeline.good("status"))
        self.crash("verifier-0")
        self.assertEqual(self.programs("verifier"), {"verifier-0": other})
        pipeline.kill_supervisor()
        pipeline.good("up", "-d")
        self.crash("verifier-0")
        pipeline.good("scale", "verifier", "2")
        self.assertEqual(self.programs("verifier"), {"verifier-0": other, "verifier-1": other})
        pipeline.good("down")
        pipeline.good("up", "-d")
        self.assertEqual(self.programs("verifier")["verifier-0"], str(pipeline.binaries / "verifier"))

    def test_the_former_one_comes_back_to_all_where_an_instance_is_not_ready_with_the_other(self):
        pipeline, former = self.pipeline, str(self.pipeline.binaries / "normaliser")
        broken = self.executable("normaliser", f"""#!/bin/sh
            case "$*" in *normaliser-1*) echo "no symbol of that name" >&2; exit 1;; esac
            exec {former} "$@"
            """)
        ended = pipeline.command("restart", "normaliser", "--binary", broken)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn(f"normaliser-1 does not become ready with {broken}.\n", ended.stdout)
        self.assertIn("tributary: normaliser-1 does not come up; the end of ", ended.stderr)
        self.assertIn("    no symbol of that name\n", ended.stderr)
        self.assertTrue(ended.stderr.endswith(f"\nnormaliser runs {former} again.\n"), ended.stderr)
        self.assertEqual(self.programs("normaliser"), {"normaliser-0": former, "normaliser-1": former})
        self.assertEqual({row["state"] for row in pipeline.rows().values()}, {"ready"})
        self.crash("normaliser-1")
        self.assertEqual(self.programs("normaliser")["normaliser-1"], former)

    def test_what_cannot_be_executed_and_one_instance_alone_are_refused_before_anything_ends(self):
        before = self.pipeline.living()
        for name, program, words in (("verifier", "/nowhere/verifier", "/nowhere/verifier cannot be executed"),
                                     ("verifier-0", self.executable("verifier"), "--binary is for all of a stage")):
            ended = self.pipeline.command("restart", name, "--binary", program)
            self.assertEqual((ended.returncode, ended.stderr.count("\n")), (64, 1))
            self.assertIn(words, ended.stderr)
        self.assertEqual(self.pipeline.living(), before)


if __name__ == "__main__":
    unittest.main()

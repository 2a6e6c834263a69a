"""scripts/bench flood over real processes, as short as it goes."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("TRIBUTARY_BIN") or ROOT / ".build" / "debug")


@unittest.skipUnless((BINARIES / "fanout-router").exists(), "no executables; build first, or set TRIBUTARY_BIN")
class Flood(unittest.TestCase):
    def test_a_genuine_sender_is_measured_alone_and_beside_forgeries_and_never_refused(self):
        with tempfile.TemporaryDirectory(prefix="tributary-flood-") as folder:
            figures = Path(folder) / "figures.json"
            ended = subprocess.run(
                [sys.executable, "-m", "benchmark.flood", "--seconds", "1", "--connections", "8", "--json", figures],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "TRIBUTARY_BIN": str(BINARIES)},
                capture_output=True, text=True, timeout=600)
            # 1 says that a machine is too slow for the goal, which is not what is tested here.
            self.assertIn(ended.returncode, (0, 1), ended.stderr)
            budgets = json.loads(figures.read_text())
        del budgets["machine"]
        self.assertEqual(len(budgets), 2)
        for phases in budgets.values():
            self.assertEqual([set(phase["statuses"]) for phase in phases.values()], 3 * [{"202"}])
            self.assertEqual([bool(phase["forged"]) for phase in phases.values()], [False, True, True])


if __name__ == "__main__":
    unittest.main()

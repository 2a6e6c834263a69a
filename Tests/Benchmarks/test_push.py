"""scripts/bench push over real processes, as short as it goes."""

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
class Push(unittest.TestCase):
    def test_watchers_lose_nothing_when_they_lose_their_connection_or_stop_reading(self):
        with tempfile.TemporaryDirectory(prefix="tributary-push-") as folder:
            path = Path(folder) / "figures.json"
            ended = subprocess.run(
                [sys.executable, "-m", "benchmark.push", "--seconds", "1", "--watchers", "20", "--rate", "100",
                 "--stopped-rate", "200", "--json", path],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "TRIBUTARY_BIN": str(BINARIES)},
                capture_output=True, text=True, timeout=600)
            # 1 says that a machine is too slow for a goal, which is not what is tested here.
            self.assertIn(ended.returncode, (0, 1), ended.stderr)
            figures = json.loads(path.read_text())
        self.assertGreater(figures["calls"]["frames"], 0)
        self.assertEqual((figures["calls"]["resumed"], figures["calls"]["wrong_after_resuming"]), (2, 0))
        self.assertEqual((figures["stopped"]["close_code"], figures["stopped"]["resumed_whole"]), (1013, True))


if __name__ == "__main__":
    unittest.main()

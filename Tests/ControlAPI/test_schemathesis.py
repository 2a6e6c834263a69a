"""The control API does what its document says, whatever it is asked."""

import importlib.util
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from gateway import Gateway
from launcher import binaries

HERE = Path(__file__).resolve().parent
EXAMPLES = int(os.environ.get("TRIBUTARY_SCHEMATHESIS_EXAMPLES", "20"))
"""Requests that are made up for each operation, and walks from one to the next: the same on every machine."""
HANGS_SECONDS = 3600


@unittest.skipUnless(binaries(), "there is no build; swift build makes one, or TRIBUTARY_BIN names its folder")
@unittest.skipUnless(importlib.util.find_spec("schemathesis"), "schemathesis is not installed")
class Schemathesis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = cls.enterClassContext(Gateway(binaries()))

    def schemathesis(self, examples: int, *arguments: str) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run",
             f"{self.gateway.url}/v1/openapi.json", "--checks", "all", "--max-examples", str(examples),
             "--seed", "1", "--generation-deterministic", "--request-timeout", "300",
             "--suppress-health-check", "all", "--continue-on-failure", "--no-shrink",
             # Streams do not end; Tests/Push watches them.
             "--exclude-path", "/v1/events/stream", "--exclude-path", "/v1/stream",
             "--exclude-path", "/socket/server/websocket", *arguments],
            cwd=self.gateway.folder, env=os.environ | {"PYTHONPATH": str(HERE)}, text=True, capture_output=True,
            timeout=HANGS_SECONDS)
        said = [line[:400] for line in (ended.stdout + ended.stderr).splitlines()]
        self.assertEqual(ended.returncode, 0, "\n".join(said[-400:]))

    def test_every_operation_keeps_to_the_document(self):
        self.schemathesis(EXAMPLES, "--header", f"Authorization: Bearer {self.gateway.token}")
        self.assertNotIn("an operation failed", self.gateway.log())

    def test_without_a_token_nothing_is_said_but_that(self):
        self.schemathesis(max(EXAMPLES // 6, 2), "--exclude-checks", "positive_data_acceptance",
                          "--phases", "coverage,fuzzing")

    @unittest.skipUnless(importlib.util.find_spec("openapi_spec_validator"), "openapi-spec-validator is not installed")
    def test_the_document_is_valid(self):
        from openapi_spec_validator import validate
        document = self.gateway.ask("/v1/openapi.json")
        validate(document)
        committed = HERE.parents[1] / "Services" / "FanoutRouter" / "ControlAPI" / "openapi.json"
        self.assertEqual(document, json.loads(committed.read_text()))


if __name__ == "__main__":
    unittest.main()

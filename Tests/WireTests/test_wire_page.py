"""The page that documents the wire format, read by a reader that knows nothing else."""

import re
import unittest
from pathlib import Path

from read_wire import read_envelope

ROOT = Path(__file__).resolve().parents[2]


class WirePage(unittest.TestCase):
    def golden(self, text: str) -> bytes:
        return bytes.fromhex(re.sub(r"\s", "", text))

    def test_the_golden_bytes_of_the_page_say_what_the_page_says(self):
        page = (ROOT / "Shared/Wire/README.md").read_text()
        record = read_envelope(self.golden(page.split("```")[1]))
        self.assertEqual(record["journal"], "112233445566778899aabbccddeeff00")
        self.assertEqual((record["sequence"], record["received_at_ns"], record["source"]), (42, 123456789, "stream"))
        self.assertEqual((record["flags"], record["resends"]), (["resent", "tombstone"], 2))
        self.assertEqual((record["fields"], record["body_bytes"]), (["host"], 2))
        self.assertTrue(record["intact"])

    def test_the_swift_tests_hold_the_same_golden_bytes(self):
        page = (ROOT / "Shared/Wire/README.md").read_text()
        swift = (ROOT / "Tests/WireTests/GoldenBytesTests.swift").read_text()
        literal = re.search(r'envelope = """\n(.*?)"""', swift, re.S)
        self.assertIsNotNone(literal)
        self.assertEqual(self.golden(literal.group(1)), self.golden(page.split("```")[1]))


if __name__ == "__main__":
    unittest.main()

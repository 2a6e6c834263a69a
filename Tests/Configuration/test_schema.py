"""The JSON Schema of the configuration: what editors say about the shipped files, and about files with mistakes."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "compose" / "tributary.schema.json"
SHIPPED = sorted({*(ROOT / "compose").glob("*.yaml")} - {*(ROOT / "compose").glob("docker-compose*.yaml")})


def check(*files: Path) -> subprocess.CompletedProcess:
    """What `check-jsonschema` says, which is built on the reference validator."""
    tool = Path(sys.executable).parent / "check-jsonschema"
    return subprocess.run([tool, "--schemafile", SCHEMA, *files], capture_output=True, text=True)


class SchemaTests(unittest.TestCase):
    def test_the_schema_is_one(self) -> None:
        tool = Path(sys.executable).parent / "check-jsonschema"
        ended = subprocess.run([tool, "--check-metaschema", SCHEMA], capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    def test_the_shipped_files_are_right(self) -> None:
        ended = check(*SHIPPED)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    def test_the_shipped_files_name_the_schema(self) -> None:
        for file in SHIPPED:
            first = file.read_text().splitlines()[0]
            self.assertEqual(first, f"# yaml-language-server: $schema={SCHEMA.name}", file)

    def test_mistakes_are_found(self) -> None:
        subscription = 'subscriptions: [{ name: a, url: "https://e.com", signing: { scheme: none }, %s }]'
        mistakes = {
            "an unknown key": "run_dri: run",
            "a number that is too large": "verifier: { instances: 65 }",
            "a number in quotes": 'verifier: { instances: "2" }',
            "a duration without a unit": "router: { retention: 3600 }",
            "a bare secret": "router: { api_tokens: [plainly] }",
            "a source without a provider": "sources: [{ name: a }]",
            "a key of another scheme": subscription.replace("scheme: none", "scheme: none, api_key: k") % "timeout: 5s",
            "key_hold without order: key": subscription % "key_hold: 5s",
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, text in mistakes.items():
                Path(folder, f"{name.replace(' ', '-').replace(':', '')}.yaml").write_text(text + "\n")
            right = Path(folder, "right.yml")
            right.write_text((subscription % "order: key, key_hold: 5s") + "\n")
            files = sorted(Path(folder).glob("*.yaml"))
            said = check(*files).stdout
            for file in files:
                self.assertIn(str(file), said)
            self.assertEqual(check(right).returncode, 0, check(right).stdout)


if __name__ == "__main__":
    unittest.main()

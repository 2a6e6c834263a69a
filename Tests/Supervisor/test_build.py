"""How the executables are built, and where they are looked for."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import executables  # noqa: E402
from commandline import UNAVAILABLE, USAGE, Failure  # noqa: E402

FAKE_SWIFT = '#!/bin/sh\necho "swift $*"\n'


class Building(unittest.TestCase):
    def test_a_debug_build_is_a_plain_one_and_a_release_build_what_is_shipped(self):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name).resolve()
            (root / "scripts").mkdir()
            shutil.copy(ROOT / "scripts" / "build", root / "scripts")
            for path, text in ((root / "scripts" / "bootstrap", "#!/bin/sh\n"), (root / "swift", FAKE_SWIFT)):
                path.write_text(text)
                path.chmod(0o755)

            def build(*options: str) -> subprocess.CompletedProcess:
                return subprocess.run([root / "scripts" / "build", *options], text=True, capture_output=True,
                                      env=os.environ | {"PATH": f"{root}:{os.environ['PATH']}"})

            plain = f"swift build --package-path {root}"
            for options, command in (((), plain), (("--tests",), f"{plain} --build-tests"),
                                     (("--release",), f"{plain} --configuration release --static-swift-stdlib")):
                self.assertEqual(build(*options).stdout, f"{command}\n")
            self.assertIn(f"--scratch-path {root}/.build/benchmarks --product Benchmarks", build("--benchmarks").stdout)
            self.assertEqual(build("--help").returncode, 0)
            self.assertEqual(build("--relese").returncode, 64)

    def test_all_that_builds_the_package_does_so_by_scripts_build(self):
        """The others build packages of their own, in folders of their own."""
        found = {str(path.relative_to(ROOT)) for path in [*(ROOT / "scripts").rglob("*"), ROOT / ".ci" / "run"]
                 if path.is_file() and path.suffix != ".pyc"
                 and re.search(r"^[^#]*\(swift build|^ *swift build|\"swift\", \"build\"", path.read_text(), re.M)}
        self.assertEqual(found, {"scripts/build", "scripts/protobuf", "scripts/fuzzing/program.py"})


class Finding(unittest.TestCase):
    def test_ready_executables_are_used_as_they_are_and_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, {"TRIBUTARY_BIN": name}), \
                mock.patch.object(executables, "build") as build:
            for each in executables.EXECUTABLES[1:]:
                shutil.copy("/bin/true", Path(name) / each)
            with self.assertRaises(Failure) as raised:
                executables.provide()
            self.assertIn("has no executable tributary", raised.exception.sentence)
            self.assertEqual(raised.exception.exit_code, UNAVAILABLE)
            self.assertIsNone(executables.binaries())
            shutil.copy("/bin/true", Path(name) / "tributary")
            self.assertEqual((executables.provide(), executables.binaries()), (Path(name), Path(name)))
            build.assert_not_called()

    def test_a_kind_of_build_that_is_none_is_refused(self):
        with mock.patch.dict(os.environ, {"TRIBUTARY_BUILD": "fast"}), self.assertRaises(Failure) as raised:
            executables.folder()
        self.assertEqual(raised.exception.exit_code, USAGE)


if __name__ == "__main__":
    unittest.main()

"""How the executables are built."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from supervision.binaries import build_command


class BuildPaths(unittest.TestCase):
    def test_a_c_file_names_itself_without_the_folder_of_the_machine_that_built_it(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            source = root / "checkouts" / "library.c"
            source.parent.mkdir()
            source.write_text('#include <stdio.h>\nint main(void) { return puts(__FILE__) < 0; }\n')
            command = build_command(root, "release")
            flags = [flag for before, flag in zip(command, command[1:], strict=False) if before == "-Xcc"]
            subprocess.run(["cc", *flags, str(source), "-o", root / "library"], check=True)
            said = subprocess.run([root / "library"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(said, "checkouts/library.c\n")


if __name__ == "__main__":
    unittest.main()

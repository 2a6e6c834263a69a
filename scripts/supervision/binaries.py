"""The executables: where they are, and building what is missing."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .failure import UNAVAILABLE, USAGE, Failure
from .topology import STAGES

KINDS = ("release", "debug")


def build_command(root: Path, kind: str) -> list[str]:
    """What builds the executables. Errors of libraries name their C file: without this machine's folder."""
    return ["swift", "build", "--package-path", str(root), "-c", kind, "-Xcc", f"-ffile-prefix-map={root}/="]


class Binaries:
    """A folder with the executables: given ready by TRIBUTARY_BIN, or built by SwiftPM."""

    def __init__(self, root: Path, environment: Mapping[str, str], kind: str | None):
        ready = environment.get("TRIBUTARY_BIN")
        self._root, self._is_ready_made = root, ready is not None
        self._kind = kind or environment.get("TRIBUTARY_BUILD") or "release"
        if self._kind not in KINDS:
            raise Failure(f'there is no build "{self._kind}"; TRIBUTARY_BUILD and --build take release or debug.',
                          USAGE)
        self.folder = Path(ready).absolute() if ready else root / ".build" / self._kind

    def provide(self, is_up_to_date: bool) -> Path:
        """Builds where something is missing, or what has changed on request, and answers the folder; SwiftPM shows the
        progress."""
        missing = [name for name in ("tributary", *(stage.executable for stage in STAGES))
                   if not os.access(self.folder / name, os.X_OK)]
        if self._is_ready_made:
            if missing:
                raise Failure(f"TRIBUTARY_BIN={self.folder} has no executable {', '.join(missing)}; "
                              "unset it to have everything built.", UNAVAILABLE)
        elif missing or is_up_to_date:
            if missing:
                self._run([str(self._root / "scripts" / "bootstrap")], "it says why above")
                print(f"supervisor: building ({self._kind}), because {', '.join(missing)} missing; a first build takes "
                      "some minutes.", flush=True)
            self._run(build_command(self._root, self._kind), "the compiler's words stand above")
        return self.folder

    def _run(self, command: list[str], hint: str) -> None:
        if subprocess.run(command, cwd=self._root).returncode != 0:
            raise Failure(f"'{' '.join(command)}' failed ({hint}).", UNAVAILABLE)

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
        self._root = root
        self.kind = kind or environment.get("TRIBUTARY_BUILD") or "release"
        if self.kind not in KINDS:
            raise Failure(f'there is no build "{self.kind}"; TRIBUTARY_BUILD and --build take release or debug.', USAGE)
        self.is_ready_made = ready is not None
        self.folder = Path(ready).absolute() if ready else root / ".build" / self.kind

    def missing(self) -> list[str]:
        names = ["tributary", *(stage.executable for stage in STAGES)]
        return [name for name in names if not os.access(self.folder / name, os.X_OK)]

    def provide(self, rebuild_stale: bool) -> None:
        """Builds where something is missing, and on request what is older than its sources, which SwiftPM knows; it
        shows the progress."""
        missing = self.missing()
        if self.is_ready_made:
            if missing:
                raise Failure(f"TRIBUTARY_BIN={self.folder} has no executable {', '.join(missing)}; "
                              "unset it to have everything built.", UNAVAILABLE)
        elif missing or rebuild_stale:
            why = ("nothing is built yet" if len(missing) > len(STAGES) else f"{', '.join(missing)} missing"
                   if missing else "so that everything is as new as its sources")
            self._run([str(self._root / "scripts" / "bootstrap")], "it says why above")
            print(f"supervisor: building ({self.kind}), {why}; a first build takes some minutes.", flush=True)
            self._run(build_command(self._root, self.kind), "the compiler's words stand above")

    def _run(self, command: list[str], hint: str) -> None:
        ended = subprocess.run(command, cwd=self._root)
        if ended.returncode != 0:
            raise Failure(f"'{' '.join(command)}' failed ({hint}).", UNAVAILABLE)

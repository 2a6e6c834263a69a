"""The executables: where they are, and building what is missing."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .failure import UNAVAILABLE, USAGE, Failure
from .topology import STAGES

SOURCES = ("Package.swift", "Services", "Shared")
STAMP_NAME = ".tributary-built"
"""A file in the build's folder whose time is the start of the last build that succeeded."""
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

    def is_stale(self) -> bool:
        """Whether a source is newer than the last build; a build makes no binary anew that would be the same."""
        try:
            built_at = (self.folder / STAMP_NAME).stat().st_mtime_ns
        except FileNotFoundError:
            return True
        return any(changed_at > built_at for changed_at in self._source_times())

    def _source_times(self):
        for name in SOURCES:
            path = self._root / name
            yield path.stat().st_mtime_ns
            for folder, _, files in os.walk(path):
                yield os.stat(folder).st_mtime_ns  # so that a deleted file counts
                for file in files:
                    yield os.stat(os.path.join(folder, file)).st_mtime_ns

    def provide(self, rebuild_stale: bool) -> None:
        """Builds where something is missing (or, on request, older than the sources); SwiftPM shows the progress."""
        missing = self.missing()
        if self.is_ready_made:
            if missing:
                raise Failure(f"TRIBUTARY_BIN={self.folder} has no executable {', '.join(missing)}; "
                              "unset it to have everything built.", UNAVAILABLE)
            return
        if missing or (rebuild_stale and self.is_stale()):
            self._build("nothing is built yet" if len(missing) > len(STAGES) else
                        f"{', '.join(missing)} missing" if missing else "the sources are newer than the binaries")

    def _build(self, why: str) -> None:
        self._run([str(self._root / "scripts" / "bootstrap")], "it says why above")
        print(f"supervisor: building ({self.kind}), because {why}; a first build takes some minutes.", flush=True)
        started = self._root / ".build" / f"{STAMP_NAME}-{self.kind}"
        started.parent.mkdir(exist_ok=True)
        started.touch()
        self._run(build_command(self._root, self.kind), "the compiler's words stand above")
        started.replace(self.folder / STAMP_NAME)

    def _run(self, command: list[str], hint: str) -> None:
        ended = subprocess.run(command, cwd=self._root)
        if ended.returncode != 0:
            raise Failure(f"'{' '.join(command)}' failed ({hint}).", UNAVAILABLE)

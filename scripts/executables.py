"""The executables: where they are, and having them built."""

import os
import subprocess
import sys
from pathlib import Path

from commandline import UNAVAILABLE, USAGE, Failure

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("ingress-gateway", "ingress-connector", "verifier", "normaliser", "fanout-router")
"""From the front door to the subscribers; stopping goes this way, starting the other."""
FRONT = STAGES[0]
"""Whose listening socket the supervisor holds and passes on."""
CONNECTOR = STAGES[1]
"""Whose instances divide what they fetch by their number."""
EXECUTABLES = ("tributary", *STAGES)
KINDS = ("release", "debug")


def missing(folder: Path) -> list[str]:
    return [name for name in EXECUTABLES if not os.access(folder / name, os.X_OK)]


def folder(kind: str | None = None) -> Path:
    """Where they are, or will be built: the folder that TRIBUTARY_BIN names, or the one of that kind of build."""
    kind = kind or os.environ.get("TRIBUTARY_BUILD") or "release"
    if kind not in KINDS:
        raise Failure(f'there is no build "{kind}"; TRIBUTARY_BUILD and --build take release or debug.', USAGE)
    ready = os.environ.get("TRIBUTARY_BIN")
    return Path(ready).absolute() if ready else ROOT / ".build" / kind


def binaries() -> Path | None:
    """A folder with all of them: the one that TRIBUTARY_BIN names, or that of the newest build; nothing without one."""
    folders = {folder(kind) for kind in KINDS}
    return max((each for each in folders if not missing(each)), default=None,
               key=lambda each: (each / "fanout-router").stat().st_mtime)


def provide(kind: str | None = None, is_up_to_date: bool = True) -> Path:
    """The folder with all of them. Builds where one is missing, or what has changed on request; SwiftPM shows
    the progress."""
    place = folder(kind)
    absent = ", ".join(missing(place))
    if os.environ.get("TRIBUTARY_BIN"):
        if absent:
            raise Failure(f"TRIBUTARY_BIN={place} has no executable {absent}; unset it to have everything built.",
                          UNAVAILABLE)
    elif absent or is_up_to_date:
        if absent:
            print(f"building ({place.name}), because {absent} missing; a first build takes some minutes.", flush=True)
        build(*(["--release"] if place.name == "release" else []))
    return place


def build(*options: str) -> None:
    """The one build command of all scripts. What it prints goes to standard error, behind what is for the reader."""
    if subprocess.run([ROOT / "scripts" / "build", *options], stdout=sys.stderr).returncode != 0:
        raise Failure(f"'{' '.join(['scripts/build', *options])}' failed; it says why above.", UNAVAILABLE)

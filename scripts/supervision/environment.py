"""What a stage gets to see of the supervisor's environment: what its part of the configuration names."""

from collections.abc import Iterable, Mapping
from pathlib import Path

ALWAYS = ("PATH", "HOME", "TZ", "LANG")
FAULT_PREFIX = "TRIBUTARY_FAULT_"
"""Fault switches of debug builds, for the tests."""


def stage_environment(named: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """The variables for one stage; one allocation arena per core and more only fragments memory."""
    return {name: value for name, value in ours.items()
            if name in ALWAYS or name in named or name.startswith(FAULT_PREFIX)} | {"MALLOC_ARENA_MAX": "2"}


def differing(named: Iterable[str], pid: int, ours: Mapping[str, str]) -> list[str]:
    """The variables of ours that a process was started without, or with another value; none of one that ends."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return []
    theirs = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return sorted(name for name in {*named} & ours.keys() if theirs.get(name) != ours[name])

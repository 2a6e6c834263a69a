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


def unset(named: Iterable[str], ours: Mapping[str, str]) -> list[str]:
    """The variables that the configuration names and nobody has set."""
    return sorted(set(named) - ours.keys())


def differing(named: Iterable[str], theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """The variables of ours that somebody has not, or with another value."""
    return sorted(name for name in {*named} & ours.keys() if theirs.get(name) != ours[name])


def of_process(pid: int) -> dict[str, str] | None:
    """What a process was started with; nothing of one that is just ending."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return None
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)

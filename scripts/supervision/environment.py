"""What a stage gets to see of the supervisor's environment: what its part of the configuration names."""

from collections.abc import Iterable, Mapping
from pathlib import Path

ALWAYS = ("PATH", "HOME", "TZ", "LANG")
FAULT_PREFIX = "TRIBUTARY_FAULT_"
"""Fault switches of debug builds, for the tests."""


def stage_environment(named: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """The variables for one stage; one allocation arena per core and more only fragments memory."""
    wanted = [name for name in (*ALWAYS, *named) if name in ours]
    wanted += [name for name in ours if name.startswith(FAULT_PREFIX)]
    return {name: ours[name] for name in wanted} | {"MALLOC_ARENA_MAX": "2"}


def unset(named: Iterable[str], ours: Mapping[str, str]) -> list[str]:
    """The variables that the configuration names and nobody has set."""
    return sorted({name for name in named if name not in ours})


def differing(named: Iterable[str], pid: int, ours: Mapping[str, str]) -> list[str]:
    """The variables that a process was started without, or with another value than ours."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return []  # it is just ending; its successor starts with ours
    theirs = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return sorted({name for name in named if name in ours and theirs.get(name) != ours[name]})


def taken(offered: Mapping[str, str], named: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """The variables of a caller that the configuration names and that we have not, or with another value."""
    return {name: offered[name] for name in sorted(set(named)) if name in offered and ours.get(name) != offered[name]}

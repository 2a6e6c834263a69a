"""Facts without which no figure means anything: the machine, the versions, the commit."""

import contextlib
import mmap
import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path

from executables import EXECUTABLES


def busybodies() -> list[str]:
    """Stages of other pipelines: idle ones too wake up and disturb. Each with its pid and configuration."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = each.read_bytes().decode(errors="replace").split("\0")
            if Path(words[0]).name in EXECUTABLES and "--config" in words[:-1]:
                found.append(f"{Path(words[0]).name} (pid {each.parent.name}, {words[words.index('--config') + 1]})")
    return found


def _said_by(*command: str) -> str | None:
    """All that a command prints, on whichever stream; some answer --version with a failure."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (ended.stdout + ended.stderr).strip()


def _version(pattern: str, *command: str) -> str | None:
    match = re.search(pattern, _said_by(*command) or "")
    return match[1] if match else None


def _processor() -> str:
    match = re.search(r"(?m)^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    return match[1].strip() if match else platform.machine()


def _filesystem(folder: Path) -> str | None:
    return _said_by("stat", "--file-system", "--format", "%T", str(folder))


def _commit(root: Path) -> str | None:
    return _version(r"^([0-9a-f]{7,}\S*)$", "git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12",
                    "--exclude=*")


def facts(root: Path, folder: Path) -> dict:
    """`folder` is where the stages keep their files."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "filesystem": _filesystem(folder),
        "swift": _version(r"Swift version (\S+)", "swift", "--version"),
        "wrk": _version(r"wrk (?:debian/)?(\S+)", "wrk", "--version"),
        "nginx": _version(r"nginx/(\S+)", "nginx", "-v"),
        "commit": _commit(root),
    }


def flush_seconds(folder: Path, writes: int = 200) -> float:
    """The median of what a durable write of 4 KiB into space that is there takes; a commit of the journal is one."""
    path, size = folder / "flush", 1 << 20
    path.write_bytes(bytes(size))
    page = mmap.mmap(-1, 4096)  # aligned, as O_DIRECT wants it
    try:
        file = os.open(path, os.O_WRONLY | os.O_DSYNC | os.O_DIRECT)
    except OSError:  # not on tmpfs
        file = os.open(path, os.O_WRONLY | os.O_DSYNC)
    try:
        os.fsync(file)
        taken = []
        for number in range(writes):
            before = time.perf_counter()
            os.pwrite(file, page, number * len(page) % size)
            taken.append(time.perf_counter() - before)
        return statistics.median(taken)
    finally:
        os.close(file)
        path.unlink()

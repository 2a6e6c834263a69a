"""Processes held to a share of a core, by the processor's controller of cgroups in either version."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PERIOD_MICROS = 100_000
_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


class Shares:
    """One group for each name, which a process joins and leaves only by its end."""

    def __init__(self, root: Path):
        self._root, self._folders = root, {}

    def hold(self, name: str, pid: int, share: float | None) -> None:
        """Puts a process into the group of that name, and holds it to so much of a core; None: to nothing."""
        if name not in self._folders:
            self._folders[name] = self._root / f"tributary-bench-{os.getpid()}-{name}"
            self._folders[name].mkdir()
        (self._folders[name] / "cgroup.procs").write_text(str(pid))
        self._limit(self._folders[name], share)

    def release(self) -> None:
        for folder in self._folders.values():
            self._limit(folder, None)

    def _limit(self, folder: Path, share: float | None) -> None:
        quota = None if share is None else round(share * PERIOD_MICROS)
        if (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text(f"{quota or 'max'} {PERIOD_MICROS}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROS))
            (folder / "cpu.cfs_quota_us").write_text(str(quota or -1))

    def remove(self) -> None:
        """When nothing runs in the groups any more."""
        for folder in self._folders.values():
            folder.rmdir()


@contextmanager
def shares() -> Iterator[Shares | None]:
    """Nothing where this process may not limit others. To be left when those that were limited have ended."""
    for root in _ROOTS:
        with suppress(OSError):
            if (root / "cgroup.controllers").exists():
                (root / "cgroup.subtree_control").write_text("+cpu")
            probe = root / f"tributary-bench-{os.getpid()}"
            probe.mkdir()
            is_writable = any((probe / name).exists() for name in ("cpu.max", "cpu.cfs_quota_us"))
            probe.rmdir()
            if is_writable:
                break
    else:
        yield None
        return
    held = Shares(root)
    try:
        yield held
    finally:
        held.remove()

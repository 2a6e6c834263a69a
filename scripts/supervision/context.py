"""What every command starts from: the configuration, the executables, and who runs."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from . import accepted, control, process
from . import configuration as configurations
from .admin import ask, get, why_not_ready
from .binaries import Binaries
from .configuration import Configuration
from .daemon import Supervisor
from .failure import CONFIGURATION, Failure, NotRunning, check_access
from .output import say
from .topology import STAGES, parse_instance

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_FILE = "compose/tributary.yaml"


class Context:
    """What every command starts from."""

    def __init__(self, options: argparse.Namespace):
        self.binaries = Binaries(ROOT, os.environ, options.build)
        named = options.config or os.environ.get("TRIBUTARY_CONFIG")
        self._file = Path(named).absolute() if named else ROOT / DEFAULT_FILE

    def fresh(self) -> Configuration:
        """The file as it is now, to start or reload by."""
        return self._load()

    @cached_property
    def running(self) -> Configuration:
        """What the pipeline runs by, whatever the file says by now; says so on standard error where they differ."""
        wrong = fresh = None
        try:
            fresh = self._load()
        except Failure as failure:
            if failure.exit_code != CONFIGURATION:
                raise
            wrong = failure
        run_dir = fresh.run_dir if fresh else self._named_run_dir()
        if run_dir is not None and (run_dir / accepted.NAME).exists():
            kept = self._load(run_dir / accepted.NAME)
            difference = self._difference(fresh, kept)
            if difference:
                print(f"supervisor: warning: {self._file} {difference}", file=sys.stderr)
            return kept
        if fresh is None:
            raise wrong
        return fresh

    def _difference(self, fresh: Configuration | None, kept: Configuration) -> str | None:
        if fresh is not None and fresh.text == kept.text:
            return None
        try:
            copy = kept.run_dir / accepted.NAME
            count = len(configurations.compare(self._file, copy, self.binaries.folder, ROOT)[1])
        except Failure:
            return "has errors, and what runs is used as it was accepted; 'tributary check' says which."
        if count == 0:
            return None
        return (f"differs from what runs in {count} place{'' if count == 1 else 's'}, and what runs is used; "
                "'tributary check --running' says how, 'scripts/supervisor reload' takes it over.")

    def _named_run_dir(self) -> Path | None:
        run_dir = accepted.run_dir_named_in(self._file)
        if run_dir is not None:
            check_access(run_dir)
        return run_dir

    def _load(self, copy: Path | None = None) -> Configuration:
        loaded = configurations.load(self._file, self.binaries.folder, ROOT, copy)
        check_access(loaded.run_dir)
        return loaded

    def supervisor(self, loaded: Configuration, say: Callable[[str], None]) -> Supervisor:
        return Supervisor(loaded, self.binaries.folder, ROOT, say)

    def has_stages(self) -> bool:
        """Whether stages of this configuration's run directory live."""
        run_dir = self._named_run_dir()
        found = process.find_running(run_dir) if run_dir else {}
        for each in found.values():
            os.close(each.pidfd)
        return bool(found)

    def status(self) -> dict:
        """The running supervisor's word, or what the pid files say where none runs; and the stages beside it."""
        loaded = self.running
        try:
            answer = control.call(loaded.run_dir, {"command": "status"}, say, timeout_seconds=5)
        except NotRunning:
            answer = {"supervisor": None, "configuration": str(loaded.file), "run_dir": str(loaded.run_dir),
                      "listen": {}, "instances": orphans(loaded)}
        known = {row["instance"] for row in answer["instances"]}
        answer["instances"] += started_by_hand(loaded, known)
        return answer


def orphans(loaded: Configuration) -> list[dict]:
    """Stages that run without the supervisor that started them, as rows of `status`."""
    rows = []
    for name, running in process.find_running(loaded.run_dir).items():
        os.close(running.pidfd)
        rows.append(_row(name, running.pid, why_not_ready(*get(loaded.path(name, "admin"), "/readyz", 1.0))))
    return _in_order(rows)


def started_by_hand(loaded: Configuration, known: set[str]) -> list[dict]:
    """Stages that no supervisor has started, found by their admin sockets."""
    rows = []
    for path in loaded.run_dir.glob("*.admin"):
        if parse_instance(path.stem) and path.stem not in known:
            pid, *answer = ask(path, "/readyz", 1.0)
            if pid:
                rows.append(_row(path.stem, pid, why_not_ready(*answer)) | {"by_hand": True})
    return _in_order(rows)


def _row(name: str, pid: int, why: str | None) -> dict:
    ticks = process.start_ticks(pid)
    return {"stage": parse_instance(name)[0].executable, "instance": name, "pid": pid,
            "state": "not-ready" if why else "ready", "uptime_seconds": process.age_seconds(ticks) if ticks else None,
            "restarts": 0, "last_end": None, "why": why}


def _in_order(rows: list[dict]) -> list[dict]:
    order = [stage.executable for stage in STAGES]
    return sorted(rows, key=lambda row: (order.index(row["stage"]), parse_instance(row["instance"])[1]))

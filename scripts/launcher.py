"""The one launcher of whole pipelines, for the demo, the benchmarks and the tests that are written in Python: a folder,
a configuration, `scripts/supervisor up -d`, and the end of it all. The standard library only."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from supervision import process, service
from supervision.admin import ask
from supervision.binaries import KINDS
from supervision.configuration import check_socket_paths
from supervision.failure import Failure
from supervision.topology import STAGES

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
EXECUTABLES = (*(stage.executable for stage in STAGES), "tributary", "bus-tap")
PATIENCE_SECONDS = 300.0
"""How long what must happen may take: it ends only what has failed."""
DOWN_SECONDS = 25.0


def built() -> Path | None:
    """The folder with all executables: the one that TRIBUTARY_BIN names, otherwise the newest build; None where there
    is none."""
    ready = os.environ.get("TRIBUTARY_BIN")
    folders = [Path(ready)] if ready else [ROOT / ".build" / kind for kind in KINDS]
    whole = [each for each in folders if all(os.access(each / name, os.X_OK) for name in EXECUTABLES)]
    return max(whole, key=lambda each: (each / EXECUTABLES[0]).stat().st_mtime, default=None)


def free_port(wanted: int = 0) -> int:
    """The wanted port, or another one where somebody listens on it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise Failure(f"no port is free on {HOST}.")


def new_folder(name: str) -> Path:
    """On the same disk as the repository where socket names fit, since a journal in memory would flatter."""
    beside = ROOT / "run"
    try:
        check_socket_paths(beside / f"{name}-12345678" / "run", beside)
        beside.mkdir(mode=0o700, exist_ok=True)
    except (Failure, OSError):
        beside = Path(tempfile.gettempdir())  # the repository lies too deep for socket names, or is read-only
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=beside))


def until(holds: Callable, what: str, timeout_seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.02):
    """Waits for a truthy answer and returns it."""
    deadline = time.monotonic() + timeout_seconds
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout_seconds:g} s in vain: {what}.")
        time.sleep(pause_seconds)
    return answer


class Pipeline:
    """Every stage as a real process under the real supervisor. As a context it is up inside, and gone afterwards."""

    def __init__(self, binaries: Path, folder: Path, configuration: dict | str,
                 environment: Mapping[str, str] | None = None):
        """`configuration`: all but run_dir and data_dir, as a tree or as YAML."""
        self.binaries, self.folder = binaries, folder
        self.run_dir, self.data_dir, self.file = folder / "run", folder / "data", folder / "tributary.yaml"
        folders = {"run_dir": str(self.run_dir), "data_dir": str(self.data_dir)}
        self.file.write_text(
            json.dumps(folders | configuration, indent=2) if isinstance(configuration, dict) else
            "".join(f"{key}: {path}\n" for key, path in folders.items()) + configuration)
        self.environment = os.environ | (environment or {}) | {"TRIBUTARY_BIN": str(binaries)}

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.end()
        self.remove()

    def up(self) -> None:
        """Returns when every stage is ready."""
        self.supervisor("up", "-d")

    def supervisor(self, *arguments: str, is_shown: bool = False) -> str:
        """What a command of the supervisor prints, or nothing where it is shown to whoever looks on."""
        return self._run(ROOT / "scripts" / "supervisor", arguments, is_shown)

    def tributary(self, *arguments: str) -> str:
        """What the operator's command-line tool prints."""
        return self._run(self.binaries / "tributary", arguments)

    def _run(self, program: Path, arguments: tuple[str, ...], is_shown: bool = False) -> str:
        sys.stdout.flush()
        pipe = None if is_shown else subprocess.PIPE
        # In a process group of its own: a terminal's Ctrl-C is the caller's to judge.
        ended = subprocess.run([program, *arguments, "--config", self.file], env=self.environment, cwd=ROOT, text=True,
                               stdout=pipe, stderr=pipe, timeout=PATIENCE_SECONDS, process_group=0)
        if ended.returncode != 0:
            said = "" if is_shown else f":\n{ended.stdout}{ended.stderr}"
            raise Failure(f"'{program.name} {' '.join(arguments)}' ended with {ended.returncode}; the stages' logs are "
                          f"in {self.run_dir}{said}")
        return ended.stdout or ""

    def ask(self, instance: str, target: str) -> dict:
        """What the admin socket of an instance answers to a GET."""
        tree = asyncio.run(ask(self.run_dir / f"{instance}.admin", target, PATIENCE_SECONDS)).tree
        if not tree:
            raise Failure(f"{instance} gives no good answer to {target}; its log is in {self.run_dir}.")
        return tree

    def log(self, instance: str) -> str:
        return (self.run_dir / f"{instance}.log").read_text()

    def end(self) -> None:
        """Stops every stage: in good order, and by force when that takes too long."""
        try:
            subprocess.run([ROOT / "scripts" / "supervisor", "down", "--config", self.file], env=self.environment,
                           cwd=ROOT, capture_output=True, timeout=DOWN_SECONDS, process_group=0)
        except subprocess.TimeoutExpired:
            pass
        try:
            # First, or it would start anew what is killed below.
            os.kill(int((self.run_dir / service.PID_NAME).read_text()), signal.SIGKILL)
        except (OSError, ValueError):
            pass
        for running in process.find_running(self.run_dir).values():
            running.send(signal.SIGKILL)
            os.close(running.pidfd)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

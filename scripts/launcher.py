"""A whole pipeline in a folder of its own, for tests, benchmarks and the demo; `scripts/supervisor` runs it."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from commandline import Failure
from executables import EXECUTABLES as EXECUTABLES
from executables import ROOT as ROOT
from executables import binaries as binaries
from supervision import process, service

HOST = "127.0.0.1"
LONGEST_RUN_DIR_BYTES = 79
"""What leaves room for the names of Unix sockets; `tributary` refuses longer ones."""
PATIENCE_SECONDS = 300.0
"""How long tests wait for what must come; much longer than it takes on a busy machine."""
DOWN_SECONDS = 60.0
_ports = itertools.count(os.getpid() * 97)
_kept: list[socket.socket] = []


def free_port(wanted: int = 0) -> int:
    """The wanted port, or another one where somebody listens on it: below the range from which Linux takes the ports of
    outgoing connections, because one of these may be taken before it is bound.

    Another one is kept bound, without listening, until the process ends: nobody else who asks for a port gets it, and
    whoever binds it with SO_REUSEADDR, as servers do, may listen."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if wanted:
            probe.bind((HOST, wanted))
            return wanted
    for port in (20_000 + next(_ports) % 12_000 for _ in range(12_000)):
        keeper = socket.socket()
        try:
            keeper.bind((HOST, port))
        except OSError:
            keeper.close()
            continue
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # Only now: two who say so before share a port.
        _kept.append(keeper)
        return port
    raise Failure(f"no port is free on {HOST}.")


def until(holds: Callable, what: str, patience_seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.01):
    """Asks again and again for a truthy answer and returns it."""
    deadline = time.monotonic() + patience_seconds
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience_seconds:g} s in vain for {what}.")
        time.sleep(pause_seconds)
    return answer


def new_folder(prefix: str) -> Path:
    """On the same disk as the repository where socket names fit, since a journal in memory would flatter."""
    beside = ROOT / "run"
    try:
        if len(os.fsencode(beside / f"{prefix}-12345678" / "run")) > LONGEST_RUN_DIR_BYTES:
            raise OSError("too deep for the names of sockets")
        beside.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        beside = Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=beside))


class Pipeline:
    """Every stage as a real process under a real supervisor. Used with `with`, it is up, and removed at the end."""

    def __init__(self, binaries: Path, folder: Path, configuration: dict | str, environment: dict[str, str]):
        """`configuration`: what stands in the file, without `run_dir` and `data_dir` where it is no text."""
        self.binaries, self.folder = binaries, folder
        self.run_dir, self.data_dir, self.file = folder / "run", folder / "data", folder / "tributary.yaml"
        self.environment = os.environ | environment | {"TRIBUTARY_BIN": str(binaries)}
        places = {"run_dir": str(self.run_dir), "data_dir": str(self.data_dir)}
        self.file.write_text(configuration if isinstance(configuration, str) else
                             json.dumps(places | configuration, indent=2))

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            self.end()
        finally:
            self.remove()

    def up(self, shows: bool = False) -> None:
        """Returns when every stage is ready."""
        self.supervisor("up", "-d", shows=shows)

    def end(self) -> None:
        """Stops every stage: in good order, and by force where that fails, which is a failure all the same."""
        try:
            self.supervisor("down", timeout_seconds=DOWN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"'supervisor down' did not end within {DOWN_SECONDS:g} s.") from error
        finally:
            self._kill_what_is_left()

    def _kill_what_is_left(self) -> None:
        with suppress(OSError, ValueError):  # the supervisor first, or it would start anew what is killed below
            os.kill(int((self.run_dir / service.PID_NAME).read_text()), signal.SIGKILL)
        for running in process.find_running(self.run_dir).values():
            running.send(signal.SIGKILL)
            os.close(running.pidfd)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def supervisor(self, *arguments: str, **more) -> str:
        return self._run(ROOT / "scripts" / "supervisor", *arguments, **more)

    def tributary(self, *arguments: str, **more) -> str:
        return self._run(self.binaries / "tributary", *arguments, **more)

    def _run(self, program: Path, *arguments: str, shows: bool = False, codes: tuple[int, ...] = (0,),
             timeout_seconds: float = PATIENCE_SECONDS) -> str:
        """What a command prints that must end with one of `codes`; `shows`: it is for the reader instead."""
        sys.stdout.flush()
        pipe = None if shows else subprocess.PIPE
        ended = subprocess.run([program, *arguments, "--config", self.file], env=self.environment, cwd=ROOT, text=True,
                               stdout=pipe, stderr=pipe, timeout=timeout_seconds, process_group=None if shows else 0)
        if ended.returncode not in codes:
            raise Failure(f"'{program.name} {' '.join(arguments)}' ended with {ended.returncode}; the stages' logs are "
                          f"in {self.run_dir}.\n{ended.stdout or ''}{ended.stderr or ''}".rstrip())
        return ended.stdout or ""

"""The supervisor's own process: its lock, its signals, its place in the foreground or behind."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from . import logfiles
from .configuration import Configuration
from .control import SOCKET_NAME, ControlServer
from .daemon import Supervisor
from .failure import UNAVAILABLE, Failure
from .process import Process

LOCK_NAME = "supervisor.lock"
PID_NAME = "supervisor.pid"
LOG_NAME = "supervisor.log"
LOCK_WAIT_SECONDS = 2.0
"""A supervisor that was just killed or goes down holds its lock for some milliseconds more."""
ROTATE_SECONDS = 10.0


def prepare(folder: Path) -> None:
    """Makes a run directory for its owner alone: whoever can connect to its sockets can read the bus."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Failure(f"{folder} cannot be made a directory of our own ({error.strerror}); change run_dir or its "
                      "owner.", UNAVAILABLE) from error


def lock(run_dir: Path) -> int | None:
    """The lock of the one supervisor of this run directory; nothing while another one holds it."""
    descriptor = os.open(run_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline or _answers(run_dir):
                os.close(descriptor)
                return None
            time.sleep(0.02)


def _answers(run_dir: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        return connection.connect_ex(str(run_dir / SOCKET_NAME)) == 0


def say(line: str) -> None:
    """Prints a line with the time: short for a terminal, otherwise in the form of the stages' logs.

    A terminal that went away, or a full disk, is no reason to stop.
    """
    try:
        if sys.stdout.isatty():
            print(f"{datetime.now():%H:%M:%S.%f}"[:-3], line, flush=True)
        else:
            print(log_line(line, datetime.now(UTC)), flush=True)
    except OSError:
        pass


def log_line(line: str, at: datetime) -> str:
    """logfmt as the stages write it; what begins with a level and a colon has that level."""
    level, colon, rest = line.partition(": ")
    if not colon or level not in ("warning", "error"):
        level, rest = "notice", line
    text = json.dumps(rest, ensure_ascii=False)
    return f"time={at:%Y-%m-%dT%H:%M:%S.%fZ} level={level} stage=supervisor instance=supervisor text={text}"


class Service:
    """Runs a supervisor until it is told to go down."""

    def __init__(self, supervisor: Supervisor, run_dir: Path, survives_hangup: bool):
        self._supervisor, self._run_dir, self._survives_hangup = supervisor, run_dir, survives_hangup
        self._down: asyncio.Task[None] | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def run(self, running: dict[str, Process], report: Callable[[dict], None]) -> None:
        """Brings the stages up, reports whether they are ready, and serves until `down`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up if self._survives_hangup else self._interrupted)
        (self._run_dir / PID_NAME).write_text(f"{os.getpid()}\n")
        server = await ControlServer(self._supervisor, self.go_down).serve(self._run_dir / SOCKET_NAME)
        rotating = loop.create_task(self._rotate())
        coming_up = loop.create_task(self._come_up(running, report))
        await self._over.wait()
        coming_up.cancel()
        rotating.cancel()
        server.close()
        await asyncio.sleep(0.05)  # the answer to `down` is written out by its own task
        for name in (SOCKET_NAME, PID_NAME):
            (self._run_dir / name).unlink(missing_ok=True)

    async def _come_up(self, running: dict[str, Process], report: Callable[[dict], None]) -> None:
        try:
            await self._supervisor.change(lambda: self._supervisor.up(running))
            await self._supervisor.until_ready()
            report({"result": self._supervisor.status()})
        except Failure as failure:
            report({"failure": failure.sentence, "exit_code": failure.exit_code})
        except OSError as error:
            report({"failure": f"the operating system refused: {error}.", "exit_code": UNAVAILABLE})

    def go_down(self, said: Callable[[str], None]) -> "asyncio.Task[None]":
        """Starts going down, once; the task ends when every stage has stopped."""
        if self._down is None:
            def both(line: str) -> None:
                say(line)
                said(line)

            self._down = asyncio.get_running_loop().create_task(self._supervisor.down(both))
            self._down.add_done_callback(lambda _: self._over.set())
        return self._down

    def _hung_up(self) -> None:
        self._reloading = asyncio.get_running_loop().create_task(self._supervisor.reload_on_hangup())

    def _interrupted(self) -> None:
        if self._down is None:
            say("going down, from the ingress to the router; interrupt again to kill.")
            self.go_down(lambda _: None)
        else:
            for each in self._supervisor.instances.values():
                each.kill()

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_SECONDS)
            logfiles.rotate(self._run_dir, say)


def start_behind(body: Callable[[Callable[[dict], None]], None], run_dir: Path) -> dict:
    """Runs `body` in a process of its own and answers what it reports first: a result or a failure."""
    start = logfiles.size(run_dir / LOG_NAME)
    reading, writing = os.pipe()
    if os.fork() == 0:
        code = 1
        try:
            os.close(reading)
            os.setsid()
            log = os.open(run_dir / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for place, descriptor in ((0, nothing), (1, log), (2, log)):
                os.dup2(descriptor, place)
            with os.fdopen(writing, "w") as pipe:
                body(lambda answer: _report(pipe, answer))
            code = 0
        except BaseException as error:
            say(f"error: the supervisor ends: {error!r}")
            raise
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        line = pipe.readline()
    if not line:
        end = "".join(f"\n    {each}" for each in logfiles.tail(run_dir / LOG_NAME, 12, start))
        raise Failure(f"the supervisor ended before the stages were ready; the end of {run_dir / LOG_NAME}:{end}")
    return json.loads(line)


def _report(pipe, answer: dict) -> None:
    try:
        pipe.write(json.dumps(answer) + "\n")
        pipe.close()
    except OSError:
        pass  # whoever typed `up -d` did not wait; the stages come up all the same


def run(supervisor: Supervisor, is_behind: bool, report: Callable[[dict], None]) -> dict | None:
    """Finds what runs already, binds the listening sockets, and runs the service; the caller holds the lock.

    Behind, it answers what the service reports when everything is ready; in the foreground it returns after `down`.
    """
    os.umask(0o077)
    configuration = supervisor.configuration
    prepare_data_dir(configuration)
    running = supervisor.find_running()
    supervisor.open_listeners(running)

    def body(answer: Callable[[dict], None]) -> None:
        async def main() -> None:
            await Service(supervisor, configuration.run_dir, survives_hangup=is_behind).run(running, answer)

        asyncio.run(main())

    if is_behind:
        return start_behind(body, configuration.run_dir)
    body(report)
    return None


def stop_orphans(supervisor: Supervisor) -> int:
    """For `down` where no supervisor runs: takes the stages over only to stop them; answers how many there were."""
    async def main() -> int:
        running = supervisor.find_running()
        supervisor.adopt_all(running)
        await supervisor.down(say)
        return len(running)

    return asyncio.run(main())


def prepare_data_dir(configuration: Configuration) -> None:
    """The journal and the event log lie below data_dir; what is in them is nobody else's to read."""
    try:
        configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{configuration.data_dir} cannot be made ({error.strerror}); change data_dir.",
                      UNAVAILABLE) from error

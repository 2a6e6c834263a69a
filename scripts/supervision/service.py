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
from .control import SOCKET_NAME, ControlServer, call
from .daemon import Say, Supervisor
from .failure import UNAVAILABLE, Failure, NotRunning
from .process import Process, find_running

LOCK_NAME = "supervisor.lock"
PID_NAME = "supervisor.pid"
LOG_NAME = "supervisor.log"
LOCK_WAIT_SECONDS = 2.0
"""A supervisor that was just killed or goes down holds its lock for some milliseconds more."""
ROTATE_SECONDS = 10.0


def prepare(folder: Path) -> None:
    """Makes a directory for its owner alone: whoever can connect to its sockets can read the bus."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Failure(f"{folder} cannot be made a directory of our own ({error.strerror}); change it in the "
                      "configuration, or its owner.", UNAVAILABLE) from error


def lock(run_dir: Path) -> int | None:
    """The lock of the one supervisor of this run directory; nothing while another one holds it."""
    descriptor = os.open(run_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                answers = connection.connect_ex(str(run_dir / SOCKET_NAME)) == 0
            if answers or time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)


def tell(line: str) -> None:
    """Prints a line. A reader who has gone (`| head`) ends the printing and not what is being done."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered fails no more


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

    def __init__(self, supervisor: Supervisor, survives_hangup: bool):
        self._supervisor, self._run_dir = supervisor, supervisor.configuration.run_dir
        self._survives_hangup = survives_hangup
        self._down: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def run(self, running: dict[str, Process], report: Callable[[dict | Failure], None]) -> None:
        """Brings the stages up, reports whether they are ready, and serves until `down`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted)
        self._coming_up = loop.create_task(self._supervisor.change(self._supervisor.up, running))
        tasks = [loop.create_task(self._rotate()), loop.create_task(self._report(report))]
        loop.add_signal_handler(signal.SIGHUP, (lambda: tasks.append(loop.create_task(self._hung_up())))
                                if self._survives_hangup else self._interrupted)
        (self._run_dir / PID_NAME).write_text(f"{os.getpid()}\n")
        server = await ControlServer(self._do).serve(self._run_dir / SOCKET_NAME)
        await self._over.wait()
        for task in tasks:
            task.cancel()
        server.close()
        await asyncio.sleep(0.05)  # the answer to `down` is written out by its own task
        for name in (SOCKET_NAME, PID_NAME):
            (self._run_dir / name).unlink(missing_ok=True)

    async def _do(self, word: str, arguments: list, said: Say) -> dict:
        """What a word of the control socket means."""
        supervisor = self._supervisor
        match word:
            case "down":
                await self.go_down(said)
            case "await-ready":
                await asyncio.shield(self._coming_up)
                await supervisor.change(supervisor.take_environment, *arguments, said)
                await supervisor.until_ready()
            case "scale" | "restart":
                await supervisor.change(getattr(supervisor, word), *arguments, said)
            case "reload":
                return await supervisor.change(supervisor.reload, *arguments, said)
        return supervisor.status()

    async def _report(self, report: Callable[[dict | Failure], None]) -> None:
        try:
            await asyncio.shield(self._coming_up)
            await self._supervisor.until_ready()
            report(self._supervisor.status())
        except Failure as failure:
            report(failure)
        except OSError as error:
            report(Failure(f"the operating system refused: {error}.", UNAVAILABLE))

    def go_down(self, said: Say) -> "asyncio.Task[None]":
        """Starts going down, once; the task ends when every stage has stopped."""
        if self._down is None:
            def both(line: str) -> None:
                say(line)
                said(line)

            self._down = asyncio.get_running_loop().create_task(self._supervisor.down(both))
            self._down.add_done_callback(lambda _: self._over.set())
        return self._down

    async def _hung_up(self) -> None:
        """SIGHUP means the same as `reload`; what goes wrong is said in the log."""
        try:
            await self._supervisor.change(self._supervisor.reload, {}, say)
        except (Failure, OSError) as failure:
            say(f"error: not reloaded: {failure}")

    def _interrupted(self) -> None:
        if self._down is None:
            say("going down, from the ingress to the router; interrupt again to kill.")
            self.go_down(lambda _: None)
        else:
            for each in self._supervisor.instances.values():
                each.send(signal.SIGKILL)

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_SECONDS)
            logfiles.rotate(self._run_dir, say)


def run(supervisor: Supervisor, is_behind: bool, report: Callable[[dict | Failure], None]) -> None:
    """Finds what runs already, binds the listening sockets, and runs the service; the caller holds the lock.

    In the foreground it returns after `down`. Behind it returns at once: the service is a process of its own, which
    shares the lock.
    """
    os.umask(0o077)
    configuration = supervisor.configuration
    configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = find_running(configuration.run_dir)
    supervisor.listen(running)
    if not is_behind:
        asyncio.run(Service(supervisor, survives_hangup=False).run(running, report))
        return
    log_path = configuration.run_dir / LOG_NAME
    start = logfiles.size(log_path)
    pid = os.fork()
    if pid == 0:
        _serve_behind(supervisor, running, log_path)
    while not answers(configuration.run_dir):
        if os.waitpid(pid, os.WNOHANG)[0]:
            end = "".join(f"\n    {each}" for each in logfiles.tail(log_path, 12, start))
            raise Failure(f"the supervisor ended before the stages were ready; the end of {log_path}:{end}")
        time.sleep(0.02)


def _serve_behind(supervisor: Supervisor, running: dict[str, Process], log_path: Path) -> None:
    """In the child; nothing returns from here."""
    code = 1
    try:
        os.setsid()
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for place, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(descriptor, place)
        asyncio.run(Service(supervisor, survives_hangup=True).run(running, lambda _: None))
        code = 0
    except BaseException as error:
        say(f"error: the supervisor ends: {error!r}")
    finally:
        sys.stdout.flush()
        os._exit(code)


def answers(run_dir: Path) -> bool:
    """Whether a supervisor serves this run directory."""
    try:
        return bool(call(run_dir, {"command": "status"}, tell, timeout_seconds=5))
    except NotRunning:
        return False


def stop_orphans(supervisor: Supervisor) -> int:
    """For `down` where no supervisor runs: takes the stages over only to stop them; answers how many there were."""
    async def main() -> int:
        running = find_running(supervisor.configuration.run_dir)
        supervisor.adopt(running)
        await supervisor.down(tell)
        return len(running)

    return asyncio.run(main())

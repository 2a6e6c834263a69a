"""The supervisor's own process: its lock, its signals, its place in the foreground or behind."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from commandline import UNAVAILABLE, USAGE, Failure

from . import control, logfiles
from .daemon import Supervisor
from .instance import Say
from .process import Process, find_running
from .reloading import Reload

LOCK_NAME = "supervisor.lock"
PID_NAME = "supervisor.pid"
LOG_NAME = "supervisor.log"
LOCK_WAIT_SECONDS = 2.0
"""A supervisor that was just killed or goes down holds its lock for some milliseconds more."""
ROTATE_SECONDS = 10.0
LAST_ANSWER_SECONDS = 1.0
"""How long a supervisor that ends waits for those who read its last answers."""


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
                answers = connection.connect_ex(str(run_dir / control.SOCKET_NAME)) == 0
            if answers or time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.02)


def say(line: str) -> None:
    """Prints a line with the time: short for a terminal, otherwise in the form of the stages' logs.

    A terminal that went away, or a full disk, is no reason to stop.
    """
    with suppress(OSError):
        is_shown = sys.stdout.isatty()
        now = datetime.now(None if is_shown else UTC)
        print(f"{now:%H:%M:%S}.{now.microsecond // 1000:03} {line}" if is_shown else log_line(line, now), flush=True)


def log_line(line: str, at: datetime) -> str:
    """logfmt as the stages write it; what begins with a level and a colon has that level."""
    level, colon, rest = line.partition(": ")
    if not colon or level not in ("warning", "error"):
        level, rest = "notice", line
    text = json.dumps(rest, ensure_ascii=False)
    return f"time={at:%Y-%m-%dT%H:%M:%S.%fZ} level={level} stage=supervisor instance=supervisor text={text}"


def readiness(status: dict) -> str:
    """What is said when everything has come up."""
    doors = ", ".join(f"{status['scheme'][name]}://{address}" for name, address in status["listen"].items())
    return f"{len(status['instances'])} instances ready; webhooks go to {doors}/in/SOURCE."


class Service:
    """Runs a supervisor until it is told to go down."""

    def __init__(self, supervisor: Supervisor):
        self._supervisor = supervisor
        self._run_dir = supervisor.configuration.run_dir
        self._tasks: list[asyncio.Task] = []
        self._lock = asyncio.Lock()
        """Whoever changes what runs holds it."""
        self._changing: asyncio.Task | None = None
        self._down: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def run(self, running: dict[str, Process], front: socket.socket, is_behind: bool) -> None:
        """Brings the stages up and serves until `down`. `is_behind`: no terminal is its own, so a hangup asks for a
        reload."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted)
        if is_behind:
            loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(
                self._change(Reload(self._supervisor, {}, say).run), "not reloaded: "))
        (self._run_dir / PID_NAME).write_text(f"{os.getpid()}\n")
        self._begin(self._rotate())
        self._coming_up = asyncio.ensure_future(self._change(self._supervisor.up, running))
        self._begin(self._come_up())
        server = control.ControlServer(self.obey)
        listening = await server.serve(front)
        await self._over.wait()
        listening.close()
        await server.until_answered(LAST_ANSWER_SECONDS)
        for name in (control.SOCKET_NAME, PID_NAME):
            (self._run_dir / name).unlink(missing_ok=True)

    def _begin(self, work: Awaitable, what_fails: str = "") -> None:
        """In a task of its own; what goes wrong there is said in the log."""
        async def outcome() -> None:
            try:
                await work
            except (Failure, OSError) as failure:
                say(f"error: {what_fails}{failure}")

        self._tasks.append(asyncio.ensure_future(outcome()))

    async def _come_up(self) -> None:
        await asyncio.shield(self._coming_up)
        await self._supervisor.until_ready()
        say(readiness(self._supervisor.status()))

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_SECONDS)
            logfiles.rotate(self._run_dir, say)

    async def obey(self, request: dict, said: Say) -> object:
        """What each command of the control socket does, and its result."""
        supervisor, offered = self._supervisor, request["environment"]
        match request:
            case {"command": "status"}:
                pass
            case {"command": "await-ready"}:
                await asyncio.shield(self._coming_up)  # where it failed there may be no instance to wait for
                await self._change(supervisor.take_environment, offered, said)
                await supervisor.until_ready()
            case {"command": "scale", "stage": str(stage), "count": int(count)} if type(count) is int:
                await self._change(supervisor.scale, stage, count, said)
            case {"command": "restart", "name": str(name)}:
                await self._change(supervisor.restart, name, said)
            case {"command": "reload"}:
                return await self._change(Reload(supervisor, offered, said).run)
            case {"command": "down"}:
                await self._go_down(said)
            case _:
                raise Failure("this is no command of this version of the supervisor.", USAGE)
        return supervisor.status()

    async def _change(self, command: Callable[..., Awaitable], *arguments) -> object:
        """Runs one change at a time and answers its result; `down` ends the one under way."""
        async with self._lock:
            if self._down:
                raise Failure("the pipeline is going down.")
            self._changing = asyncio.ensure_future(command(*arguments))
            try:
                return await self._changing
            except asyncio.CancelledError:
                raise Failure("cut short, because the pipeline goes down.") from None
            finally:
                self._changing = None

    def _go_down(self, said: Say) -> "asyncio.Task[None]":
        """Starts going down, once; the task ends when every stage has stopped."""
        async def down() -> None:
            if self._changing:
                self._changing.cancel()
            async with self._lock:
                await self._supervisor.down(lambda line: (say(line), said(line)))

        if self._down is None:
            self._down = asyncio.ensure_future(down())
            self._down.add_done_callback(lambda _: self._over.set())
        return self._down

    def _interrupted(self) -> None:
        if self._down is None:
            say("going down, from the ingress to the router; interrupt again to kill.")
            self._go_down(lambda _: None)
        else:
            for each in self._supervisor.instances.values():
                each.send(signal.SIGKILL)


def run(supervisor: Supervisor, is_behind: bool) -> None:
    """Finds what runs already, binds every listening socket, and serves until `down`; the caller holds the lock.

    `is_behind`: in a process of its own; this one goes on at once, and can ask at the control socket.
    """
    os.umask(0o077)
    configuration = supervisor.configuration
    configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = find_running(configuration.run_dir)
    supervisor.listen(running)
    with control.bind(configuration.run_dir) as front:
        if is_behind and os.fork():
            return
        if is_behind:
            _leave_terminal(configuration.run_dir / LOG_NAME)
        asyncio.run(Service(supervisor).run(running, front, is_behind))
    if is_behind:
        sys.exit()


def _leave_terminal(log_path: Path) -> None:
    os.setsid()
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for place, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(descriptor, place)


def stop_orphans(supervisor: Supervisor, said: Say) -> int:
    """For `down` where no supervisor runs: takes the stages over only to stop them; answers how many there were."""
    async def main() -> int:
        running = find_running(supervisor.configuration.run_dir)
        supervisor.adopt(running)
        await supervisor.down(said)
        return len(running)

    return asyncio.run(main())

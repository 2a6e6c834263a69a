"""The supervisor's own process: its lock, its signals, its control socket, its place in the foreground or behind."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from commandline import NOT_READY, UNAVAILABLE, USAGE, Failure

from . import control, logfiles
from .daemon import Supervisor
from .instance import Say
from .process import Process
from .reloading import Reload

LOCK_NAME, PID_NAME, LOG_NAME = "supervisor.lock", "supervisor.pid", "supervisor.log"
LOCK_WAIT_SECONDS = 2.0  # a supervisor that was just killed or goes down holds its lock for some milliseconds more
LOCK_PAUSE_SECONDS = 0.02
ROTATE_SECONDS = 10.0
LOOK_SECONDS = 1.0  # how often the backlog is looked at that `scale --auto` follows
LONGEST_LINE_BYTES = 4 << 20  # a command with a whole environment
REQUEST_SECONDS = 10.0  # how long a connection may take to say what it wants
ANSWER_SECONDS = 10.0  # how long it may take to read the answer's end
LAST_ANSWER_SECONDS = 1.0  # how long a supervisor that ends waits for those who read its last answers


def lock(run_dir: Path) -> int | None:
    """The lock of the one supervisor of this run directory; nothing while another one holds it."""
    descriptor = os.open(run_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline, is_served = time.monotonic() + LOCK_WAIT_SECONDS, False
    while not is_served and time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        with socket.socket(socket.AF_UNIX) as connection:
            is_served = connection.connect_ex(str(run_dir / control.SOCKET_NAME)) == 0
        time.sleep(LOCK_PAUSE_SECONDS)
    os.close(descriptor)
    return None


def say(line: str) -> None:
    """Prints a line with the time: short for a terminal, otherwise in the form of the stages' logs.

    A terminal that went away, or a full disk, is no reason to stop.
    """
    now = datetime.now(UTC)
    with suppress(OSError):
        print(f"{now.astimezone():%X} {line}" if sys.stdout.isatty() else log_line(line, now), flush=True)


def log_line(line: str, at: datetime) -> str:
    """logfmt as the stages write it; what begins with a level and a colon has that level."""
    level, _, rest = line.partition(": ")
    if level not in ("warning", "error"):
        level, rest = "notice", line
    text = json.dumps(rest, ensure_ascii=False)
    return f"time={at:%Y-%m-%dT%H:%M:%S.%fZ} level={level} stage=supervisor instance=supervisor text={text}"


class Service:
    """Runs a supervisor until it is told to go down, and does what other supervisor processes ask for."""

    def __init__(self, supervisor: Supervisor):
        self._supervisor = supervisor
        self._tasks: list[asyncio.Task] = []
        self._answering: set[asyncio.Task] = set()
        self._lock = asyncio.Lock()  # whoever changes what runs holds it
        self._changing: asyncio.Task | None = None
        self._goes_down = False
        self._over = asyncio.Event()

    async def run(self, running: dict[str, Process], front: socket.socket, is_behind: bool) -> None:
        """Brings the stages up and serves until `down`. `is_behind`: no terminal is its own, so a hangup asks for a
        reload."""
        run_dir, loop = self._supervisor.configuration.run_dir, asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted)
        if is_behind:
            loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(
                self._change(Reload(self._supervisor, {}).run), "not reloaded: "))
        (run_dir / PID_NAME).write_text(f"{os.getpid()}\n")
        self._supervisor.adopt(running)
        for work in (self._come_up({}), self._rotate(), self._follow_backlog()):
            self._begin(work)
        listening = await self.serve(front)
        await self._over.wait()
        listening.close()
        if self._answering:
            await asyncio.wait(self._answering, timeout=LAST_ANSWER_SECONDS)
        for name in (control.SOCKET_NAME, PID_NAME):
            (run_dir / name).unlink(missing_ok=True)

    def _begin(self, work: Awaitable, what_fails: str = "") -> None:
        """In a task of its own; what goes wrong there is said in the log."""
        async def outcome() -> None:
            try:
                await work
            except (Failure, OSError) as failure:
                say(f"error: {what_fails}{failure}")

        self._tasks.append(asyncio.ensure_future(outcome()))

    async def _come_up(self, offered: dict[str, str], said: Say | None = None) -> None:
        await self._change(self._supervisor.up, offered, said=said)
        await self._supervisor.until_ready()
        (said or say)(self._supervisor.readiness)

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_SECONDS)
            logfiles.rotate(self._supervisor.configuration.run_dir, say)

    async def _follow_backlog(self) -> None:
        while not self._goes_down:
            await asyncio.sleep(LOOK_SECONDS)
            if self._supervisor.by_age and not self._lock.locked():
                self._begin(self._change(self._supervisor.follow_backlog), "not scaled by the backlog's age: ")

    # What it is asked for

    async def serve(self, bound: socket.socket) -> asyncio.AbstractServer:
        return await asyncio.start_unix_server(self._connected, sock=bound, limit=LONGEST_LINE_BYTES)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(**answer) -> None:
            if not writer.transport.is_closing():
                writer.write(json.dumps(answer).encode() + b"\n")

        task = asyncio.current_task()
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        write(said="")
        try:
            write(result=await self.obey(await self._read(reader), lambda line: write(said=line)))
        except Failure as failure:
            write(failure=failure.sentence, exit_code=failure.exit_code)
        except OSError as error:
            write(failure=f"the operating system refused: {error}.", exit_code=NOT_READY)
        except Exception:
            traceback.print_exc()
            write(failure="the supervisor has a fault; supervisor.log has its trace.", exit_code=NOT_READY)
        with suppress(OSError, asyncio.CancelledError):  # whoever asked has gone, or we go
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.close()
                await writer.wait_closed()
        writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> dict:
        if len(self._answering) > control.MOST_CONNECTIONS:
            raise Failure(f"{control.MOST_CONNECTIONS} connections wait for an answer already; try again.", UNAVAILABLE)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return control.parse_request(await reader.readline())
        except TimeoutError:
            raise Failure(f"no command came within {REQUEST_SECONDS:g} s.", USAGE) from None
        except ValueError:
            raise Failure(f"a command has {LONGEST_LINE_BYTES} bytes at most.", USAGE) from None

    async def obey(self, request: dict, said: Say) -> object:
        """What each command does, and its result."""
        supervisor, offered = self._supervisor, request["environment"]
        match request:
            case {"command": "status"}:
                pass
            case {"command": "await-ready"}:
                await self._come_up(offered, said)
            case {"command": "scale", "stage": str(stage), "count": int(count)} if type(count) is int:
                await self._change(supervisor.scale, stage, count, said=said)
            case {"command": "scale", "stage": str(stage), "auto": [int(least), int(most)]}:
                await self._change(supervisor.scale, stage, least, most, said=said)
            case {"command": "restart", "name": str(name), "binary": str() | None as program}:
                await self._change(supervisor.restart, name, program, said=said)
            case {"command": "reload"}:
                return await self._change(Reload(supervisor, offered).run, said=said)
            case {"command": "down"}:
                await self._go_down(said)
            case _:
                raise Failure("this is no command of this version of the supervisor.", USAGE)
        return supervisor.status()

    async def _change(self, command: Callable[..., Awaitable], *arguments, said: Say | None = None) -> object:
        """Runs one change at a time and answers its result; `down` ends the one under way."""
        async with self._lock:
            if self._goes_down:
                raise Failure("the pipeline is going down.")
            self._supervisor.audience, self._changing = said, asyncio.ensure_future(command(*arguments))
            try:
                return await self._changing
            except asyncio.CancelledError:
                raise Failure("cut short, because the pipeline goes down.") from None
            finally:
                self._supervisor.audience = None

    async def _go_down(self, said: Say | None) -> None:
        """Returns when every stage has stopped, whoever asked for it first."""
        self._goes_down = True
        if self._changing:
            self._changing.cancel()
        async with self._lock:
            if not self._over.is_set():
                self._supervisor.audience = said
                try:
                    await self._supervisor.down()
                finally:
                    self._over.set()

    def _interrupted(self) -> None:
        if not self._goes_down:
            say("going down, from the ingress to the router; interrupt again to kill.")
            self._begin(self._go_down(None))
        else:
            for each in self._supervisor.instances.values():
                each.send(signal.SIGKILL)


def run(supervisor: Supervisor, running: dict[str, Process], is_behind: bool) -> None:
    """Binds the control socket and serves until `down`; the caller holds the lock.

    `is_behind`: in a process of its own; this one goes on at once, and can ask at the control socket.
    """
    run_dir = supervisor.configuration.run_dir
    with control.bind(run_dir) as front:
        if is_behind and os.fork():
            return
        if is_behind:
            os.setsid()
            log = os.open(run_dir / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for place, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
                os.dup2(descriptor, place)
        asyncio.run(Service(supervisor).run(running, front, is_behind))
    if is_behind:
        sys.exit()

"""The supervisor's own process: its lock, its signals, its control socket, its place in the foreground or behind.

At the socket a command is one line, `{"command": "scale", "stage": "normaliser", "count": 3}`. The answer is
`{"said": ""}` at once, any number of `{"said": "…"}`, and one `{"result": …}` or `{"failure": "…", "exit_code": 1}`.
"""

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

from . import logfiles
from .daemon import Supervisor
from .instance import POLL_SECONDS, Say
from .process import Process
from .reloading import reload

LOCK_NAME, PID_NAME, LOG_NAME = "supervisor.lock", "supervisor.pid", "supervisor.log"
SOCKET_NAME = "supervisor.sock"
LOCK_WAIT_SECONDS = 2.0  # a supervisor that was just killed or goes down holds its lock for some milliseconds more
LOOK_SECONDS = 1.0  # how often logs are looked at, and whether somebody judges by the backlog
MOST_CONNECTIONS = 32
LONGEST_LINE_BYTES = 4 << 20  # a command with a whole environment
REQUEST_SECONDS = 10.0  # how long a connection may take to say what it wants, and then to read the answer's end
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
            is_served = connection.connect_ex(str(run_dir / SOCKET_NAME)) == 0
        time.sleep(POLL_SECONDS)
    os.close(descriptor)
    return None


def bind(run_dir: Path) -> socket.socket:
    """The socket where commands are taken from now on; what comes before somebody serves it waits."""
    path = run_dir / SOCKET_NAME
    path.unlink(missing_ok=True)  # left by a killed supervisor: we hold the lock, so nobody listens on it
    return socket.create_server(str(path), family=socket.AF_UNIX, backlog=MOST_CONNECTIONS)


def parse_request(line: bytes) -> dict:
    """One command, with `environment` (variables by name) whether it has one or not. What a value was is never said: it
    may be a secret."""
    with suppress(ValueError, RecursionError, AttributeError, TypeError):
        request = json.loads(line)
        entries = [(name, os.fsencode(name + value)) for name, value in request.setdefault("environment", {}).items()]
        if all(name and "=" not in name and b"\0" not in whole for name, whole in entries):
            return request
    raise Failure("a command is one line with a JSON object; its environment holds texts by name.", USAGE)


def say(line: str) -> None:
    """Prints a line: with the time for a terminal, otherwise in the form of the stages' logs.

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
    """Runs a supervisor until it is told to go down, and does what it is asked for."""

    def __init__(self, supervisor: Supervisor):
        self._supervisor = supervisor
        self._tasks: set[asyncio.Task] = set()
        self._answering: set[asyncio.Task] = set()
        self._lock = asyncio.Lock()  # whoever changes what runs holds it
        self._changing: asyncio.Task | None = None
        self._goes_down = False
        self._over = asyncio.Event()

    async def run(self, running: dict[str, Process], bound: socket.socket, is_behind: bool) -> None:
        """Brings the stages up and serves until `down`. `is_behind`: no terminal is its own, so a hangup asks for a
        reload."""
        run_dir, loop = self._supervisor.configuration.run_dir, asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted)
        if is_behind:
            loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(
                self._change(reload, self._supervisor, {}), "not reloaded: "))
        (run_dir / PID_NAME).write_text(f"{os.getpid()}\n")
        self._supervisor.adopt(running)
        self._begin(self._come_up({}))
        self._begin(self._look())
        listening = await self.serve(bound)
        await self._over.wait()
        listening.close()
        if self._answering:
            await asyncio.wait(self._answering, timeout=LAST_ANSWER_SECONDS)
        for name in (SOCKET_NAME, PID_NAME):
            (run_dir / name).unlink(missing_ok=True)

    def _begin(self, work: Awaitable, what_fails: str = "") -> None:
        """In a task of its own; what goes wrong there is said in the log."""
        async def outcome() -> None:
            try:
                await work
            except (Failure, OSError) as failure:
                say(f"error: {what_fails}{failure}")

        task = asyncio.ensure_future(outcome())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _come_up(self, offered: dict[str, str], said: Say | None = None) -> None:
        await self._change(self._supervisor.settle, offered, said=said)
        await self._supervisor.until_ready()
        (said or say)(self._supervisor.readiness)

    async def _look(self) -> None:
        while not self._goes_down:
            await asyncio.sleep(LOOK_SECONDS)
            logfiles.rotate(self._supervisor.configuration.run_dir, say)
            self._supervisor.forget_what_left()
            with suppress(OSError):  # no process just now
                self._supervisor.keep_follower()

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
            async with asyncio.timeout(REQUEST_SECONDS):
                writer.close()
                await writer.wait_closed()
        writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> dict:
        if len(self._answering) > MOST_CONNECTIONS:
            raise Failure(f"{MOST_CONNECTIONS} connections wait for an answer already; try again.", UNAVAILABLE)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return parse_request(await reader.readline())
        except (TimeoutError, ValueError):
            raise Failure(f"a command is one line of {LONGEST_LINE_BYTES} bytes at most, within {REQUEST_SECONDS:g} s.",
                          USAGE) from None

    async def obey(self, request: dict, said: Say) -> object:
        """What each command does, and its result."""
        supervisor, offered = self._supervisor, request["environment"]
        match request:
            case {"command": "status"}:
                pass
            case {"command": "await-ready"}:
                await self._come_up(offered, said)
            case {"command": "scale", "stage": str(stage), "count": int(count), "why": str(why)}:
                await self._change(supervisor.follow, stage, count, why)
            case {"command": "scale", "stage": str(stage), "count": int(count)} if type(count) is int:
                await self._change(supervisor.scale, stage, count, said=said)
            case {"command": "scale", "stage": str(stage), "auto": [int(least), int(most)]}:
                await self._change(supervisor.scale, stage, least, most, said=said)
            case {"command": "restart", "name": str(name), "binary": str() | None as program}:
                await self._change(supervisor.restart, name, program, said=said)
            case {"command": "reload"}:
                return await self._change(reload, supervisor, offered, said=said)
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

    async def _go_down(self, said: Say | None = None) -> None:
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
            self._begin(self._go_down())
        else:
            for each in self._supervisor.instances.values():
                each.send(signal.SIGKILL)


def run(supervisor: Supervisor, running: dict[str, Process], is_behind: bool) -> None:
    """Serves until `down`; the caller holds the lock. `is_behind`: in a process of its own; this one goes on at once,
    and can ask at the control socket."""
    run_dir = supervisor.configuration.run_dir
    with bind(run_dir) as bound:
        if is_behind and os.fork():
            return
        if is_behind:
            os.setsid()
            log = os.open(run_dir / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for place, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
                os.dup2(descriptor, place)
        asyncio.run(Service(supervisor).run(running, bound, is_behind))
    if is_behind:
        sys.exit()

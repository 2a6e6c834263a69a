"""The daemon's control socket: one JSON object per line.

A command is `{"command": "scale", "stage": "normaliser", "count": 3}`. The answer is any number of `{"said": "…"}`
and then one `{"result": …}` or `{"failure": "…", "exit_code": N}`. Whatever else comes is answered with a failure.
"""

import asyncio
import json
import os
import socket
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from commandline import NOT_READY, NOT_RUNNING, UNAVAILABLE, USAGE, Failure

from .instance import Say

SOCKET_NAME = "supervisor.sock"
LONGEST_LINE_BYTES = 1 << 20
MOST_CONNECTIONS = 32
REQUEST_SECONDS = 10.0
"""How long a connection may take to say what it wants."""
ANSWER_SECONDS = 10.0
"""How long it may take to read the answer's end."""


class NotRunning(Failure):
    """There is no supervisor to do it."""

    def __init__(self) -> None:
        super().__init__("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                         NOT_RUNNING)


def parse_request(line: bytes) -> dict:
    """One command, with `environment` (variables by name) whether it has one or not. What a value was is never said: it
    may be a secret."""
    with suppress(ValueError, RecursionError, AttributeError, TypeError):
        request = json.loads(line)
        entries = [(name, os.fsencode(name + value))
                   for name, value in request.setdefault("environment", {}).items()]
        if all(name and "=" not in name and b"\0" not in whole for name, whole in entries):
            return request
    raise Failure("a command is one line with a JSON object; its environment holds texts by name, as that of a process "
                  "does.", USAGE)


def bind(run_dir: Path) -> socket.socket:
    """The socket where commands are taken from now on; what comes before somebody serves it waits."""
    path = run_dir / SOCKET_NAME
    path.unlink(missing_ok=True)  # left by a killed supervisor: we hold the lock, so nobody listens on it
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    bound.listen(MOST_CONNECTIONS)
    return bound


class ControlServer:
    """Answers the commands of other supervisor processes with what `run` makes of them."""

    def __init__(self, run: Callable[[dict, Say], Awaitable[object]]):
        self._run = run
        self._answering: set[asyncio.Task] = set()

    async def serve(self, bound: socket.socket) -> asyncio.AbstractServer:
        return await asyncio.start_unix_server(self._connected, sock=bound, limit=LONGEST_LINE_BYTES)

    async def until_answered(self, timeout_seconds: float) -> None:
        """Gives those who wait for an answer the time to get it."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=timeout_seconds)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(answer: dict) -> None:
            if not writer.transport.is_closing():
                writer.write(json.dumps(answer).encode() + b"\n")

        task = asyncio.current_task()
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        try:
            write(await self._answer(reader, lambda line: write({"said": line})))
            async with asyncio.timeout(ANSWER_SECONDS):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # whoever asked has gone, or we go; what was asked for is done all the same

    async def _answer(self, reader: asyncio.StreamReader, say: Say) -> dict:
        try:
            if len(self._answering) > MOST_CONNECTIONS:
                raise Failure(f"{MOST_CONNECTIONS} connections wait for an answer already; try again.", UNAVAILABLE)
            return {"result": await self._run(await self._read(reader), say)}
        except Failure as failure:
            return {"failure": failure.sentence, "exit_code": failure.exit_code}
        except OSError as error:
            return {"failure": f"the operating system refused: {error}.", "exit_code": NOT_READY}
        except Exception:
            traceback.print_exc()
            return {"failure": "the supervisor has a fault; supervisor.log has its trace.", "exit_code": NOT_READY}

    async def _read(self, reader: asyncio.StreamReader) -> dict:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return parse_request(await reader.readline())
        except TimeoutError:
            raise Failure(f"no command came within {REQUEST_SECONDS:g} s.", USAGE) from None
        except ValueError:
            raise Failure(f"a command has {LONGEST_LINE_BYTES} bytes at most.", USAGE) from None


def call(run_dir: Path, request: dict, say: Say, timeout_seconds: float | None = None) -> object:
    """Sends a command to the running supervisor and answers its result; `NotRunning` where none runs.

    What `say` raises is the caller's.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        try:
            connection.connect(str(run_dir / SOCKET_NAME))
        except PermissionError:
            raise
        except OSError as error:
            raise NotRunning from error
        with suppress(ConnectionError):  # it may have said why before it closed
            connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as answers:
            while line := _next_line(answers, timeout_seconds):
                answer = json.loads(line)
                if "said" in answer:
                    say(answer["said"])
                elif "failure" in answer:
                    raise Failure(answer["failure"], answer["exit_code"])
                else:
                    return answer["result"]
    raise Failure("the supervisor ended before it answered; its last words stand in supervisor.log.")


def _next_line(answers, timeout_seconds: float | None) -> bytes:
    try:
        return answers.readline()
    except TimeoutError as error:
        raise Failure(f"the supervisor has not answered for {timeout_seconds:g} s; kill it if it hangs (the stages "
                      "stay) and start it again.", UNAVAILABLE) from error
    except ConnectionError:
        return b""  # it was killed meanwhile

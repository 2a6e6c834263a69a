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
from pathlib import Path

from .failure import NOT_READY, UNAVAILABLE, USAGE, Failure, NotRunning

SOCKET_NAME = "supervisor.sock"
LONGEST_LINE_BYTES = 1 << 20
MOST_CONNECTIONS = 32
REQUEST_SECONDS = 10.0
"""How long a connection may take to say what it wants."""
ANSWER_SECONDS = 10.0
"""How long it may take to read the answer's end."""

WORDS: dict[str, dict[str, type]] = {
    "status": {}, "down": {}, "await-ready": {"environment": dict}, "reload": {"environment": dict},
    "scale": {"stage": str, "count": int}, "restart": {"name": str},
}
"""The commands, and what each takes: `environment` holds variables by name and may be left out."""


def parse_request(line: bytes) -> tuple[str, list]:
    """One command, checked: its word and what it takes, in the table's order. What a value was is never said: it may
    be a secret."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise Failure("a command is one line with a JSON object.", USAGE)
    word = request.get("command")
    if not isinstance(word, str) or word not in WORDS:
        raise Failure(f"this is no command of this version; the commands are {', '.join(WORDS)}.", USAGE)
    request = {"environment": {}} | request
    for key, kind in WORDS[word].items():
        if type(request.get(key)) is not kind:
            raise Failure(f'"{word}" takes "{key}", which is of the kind {kind.__name__}.', USAGE)
        if key == "environment" and not all(_is_variable(*pair) for pair in request[key].items()):
            raise Failure('"environment" holds texts by name, as the environment of a process does.', USAGE)
    return word, [request[key] for key in WORDS[word]]


def _is_variable(name: str, value: object) -> bool:
    try:
        return isinstance(value, str) and bool(name) and "=" not in name and b"\0" not in os.fsencode(name + value)
    except UnicodeEncodeError:
        return False


class ControlServer:
    """Answers the commands of other supervisor processes. `do` takes a word, what it takes, and somebody to say things
    to meanwhile."""

    def __init__(self, do: Callable[[str, list, Callable[[str], None]], Awaitable[object]]):
        self._do, self._connections = do, 0

    async def serve(self, path: Path) -> asyncio.AbstractServer:
        path.unlink(missing_ok=True)  # left by a killed supervisor: we hold the lock, so nobody listens on it
        return await asyncio.start_unix_server(self._connected, str(path), limit=LONGEST_LINE_BYTES)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(answer: dict) -> None:
            if not writer.transport.is_closing():
                writer.write(json.dumps(answer).encode() + b"\n")

        self._connections += 1
        try:
            write(await self._answer(reader, lambda line: write({"said": line})))
            async with asyncio.timeout(ANSWER_SECONDS):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # whoever asked has gone, or we go; what was asked for is done all the same
        finally:
            self._connections -= 1

    async def _answer(self, reader: asyncio.StreamReader, say: Callable[[str], None]) -> dict:
        try:
            return {"result": await self._do(*await self._read(reader), say)}
        except Failure as failure:
            return {"failure": failure.sentence, "exit_code": failure.exit_code}
        except OSError as error:
            return {"failure": f"the operating system refused: {error}.", "exit_code": NOT_READY}
        except Exception:
            traceback.print_exc()
            return {"failure": "the supervisor has a fault; supervisor.log has its trace.", "exit_code": NOT_READY}

    async def _read(self, reader: asyncio.StreamReader) -> tuple[str, list]:
        if self._connections > MOST_CONNECTIONS:
            raise Failure(f"{MOST_CONNECTIONS} connections wait for an answer already; try again.", UNAVAILABLE)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return parse_request(await reader.readline())
        except TimeoutError:
            raise Failure(f"no command came within {REQUEST_SECONDS:g} s.", USAGE) from None
        except ValueError:
            raise Failure(f"a command has {LONGEST_LINE_BYTES} bytes at most.", USAGE) from None


def call(run_dir: Path, request: dict, say: Callable[[str], None], timeout_seconds: float | None = None) -> object:
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
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
        except ConnectionError:
            pass  # it may have said why before it closed
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

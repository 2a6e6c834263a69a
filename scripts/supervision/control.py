"""The daemon's control socket: one JSON object per line.

A command is `{"command": "scale", "stage": "normaliser", "count": 3}`. The answer is `{"said": ""}` at once, then any
number of `{"said": "…"}` and one `{"result": …}` or `{"failure": "…", "exit_code": N}`. Whatever else comes is answered
with a failure.
"""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from commandline import NOT_RUNNING, UNAVAILABLE, USAGE, Failure

SOCKET_NAME = "supervisor.sock"
MOST_CONNECTIONS = 32
HUNG_SECONDS = 10.0  # how long the first line of an answer may take


class NotRunning(Failure):
    """There is no supervisor to do it."""


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
    return socket.create_server(str(path), family=socket.AF_UNIX, backlog=MOST_CONNECTIONS)


def call(run_dir: Path, request: dict, say: Callable[[str], None]) -> object:
    """Sends a command to the running supervisor and answers its result; `NotRunning` where none runs."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(HUNG_SECONDS)
        try:
            connection.connect(str(run_dir / SOCKET_NAME))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                             NOT_RUNNING) from error
        with suppress(BrokenPipeError):  # it may have said why before it closed
            connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            for answer in map(json.loads, connection.makefile("rb")):
                connection.settimeout(None)  # it is there, and takes the time that it needs
                if answer.get("said"):
                    say(answer["said"])
                elif "failure" in answer:
                    raise Failure(answer["failure"], answer["exit_code"])
                elif "result" in answer:
                    return answer["result"]
        except TimeoutError as error:
            raise Failure(f"the supervisor has not answered for {HUNG_SECONDS:g} s; kill it if it hangs (the stages "
                          "stay) and start it again.", UNAVAILABLE) from error
        except ConnectionResetError:
            pass  # it was killed meanwhile
    raise Failure("the supervisor ended before it answered; its last words stand in supervisor.log.")

"""The daemon's control socket: one JSON object per line.

A command is `{"command": "scale", "stage": "normaliser", "count": 3}`. The answer is any number of `{"said": "…"}`
and then one `{"result": …}` or `{"failure": "…", "exit_code": N}`.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path

from .daemon import READY_SECONDS, Supervisor
from .failure import UNAVAILABLE, USAGE, Failure

SOCKET_NAME = "supervisor.sock"
LONGEST_LINE_BYTES = 1 << 20


class ControlServer:
    """Answers the commands of other supervisor processes."""

    def __init__(self, supervisor: Supervisor, go_down: Callable[[Callable[[str], None]], asyncio.Future]):
        self._supervisor, self._go_down = supervisor, go_down

    async def serve(self, path: Path) -> asyncio.AbstractServer:
        path.unlink(missing_ok=True)  # left by a killed supervisor: we hold the lock, so nobody listens on it
        return await asyncio.start_unix_server(self._answer, str(path), limit=LONGEST_LINE_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(answer: dict) -> None:
            if not writer.transport.is_closing():
                writer.write(json.dumps(answer).encode() + b"\n")

        try:
            request = json.loads(await reader.readline())
            write({"result": await self._run(request, lambda line: write({"said": line}))})
        except Failure as failure:
            write({"failure": failure.sentence, "exit_code": failure.exit_code})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            write({"failure": f"this is no command of this version ({error!r}).", "exit_code": USAGE})
        except OSError as error:
            write({"failure": f"the operating system refused: {error}.", "exit_code": 1})
        finally:
            try:
                await writer.drain()
                writer.close()
            except OSError:
                pass  # whoever asked has gone; what was asked for is done all the same

    async def _run(self, request: dict, say: Callable[[str], None]) -> object:
        supervisor = self._supervisor
        match request["command"]:
            case "status":
                return supervisor.status()
            case "await-ready":
                await supervisor.until_ready(float(request.get("timeout_seconds", READY_SECONDS)))
                return supervisor.status()
            case "scale":
                await supervisor.change(lambda: supervisor.scale(request["stage"], int(request["count"]), say))
            case "restart":
                await supervisor.change(lambda: supervisor.restart(request["name"], say))
            case "reload":
                environment = {str(name): str(value) for name, value in request.get("environment", {}).items()}
                return await supervisor.change(lambda: supervisor.reload(environment, say))
            case "down":
                await self._go_down(say)
            case other:
                raise Failure(f'there is no command "{other}".', USAGE)
        return None


def call(run_dir: Path, request: dict, say: Callable[[str], None], timeout_seconds: float | None = None) -> object:
    """Sends a command to the running supervisor and answers its result; `ConnectionError` where none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_seconds)
        try:
            connection.connect(str(run_dir / SOCKET_NAME))
        except OSError as error:
            raise ConnectionError("no supervisor runs") from error
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                for line in answers:
                    answer = json.loads(line)
                    if "said" in answer:
                        say(answer["said"])
                    elif "failure" in answer:
                        raise Failure(answer["failure"], answer["exit_code"])
                    else:
                        return answer["result"]
        except TimeoutError as error:
            raise Failure(f"the supervisor has not answered for {timeout_seconds:g} s; kill it if it hangs (the stages "
                          "stay) and start it again.", UNAVAILABLE) from error
        except ConnectionError:
            pass  # it was killed meanwhile
    raise Failure("the supervisor ended before it answered; its last words stand in supervisor.log.")

"""GET on a stage's admin endpoint: HTTP/1.1 over a Unix socket, one request per connection."""

import asyncio
import http.client
import io
import json
from dataclasses import dataclass
from pathlib import Path

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back; a status of 0 means that nobody answered in time, or not with HTTP."""

    status: int = 0
    body: bytes = b""

    @property
    def tree(self) -> dict:
        """The JSON object of a good answer; empty where there is none."""
        try:
            tree = json.loads(self.body) if self.status == 200 else {}
        except (ValueError, RecursionError):
            tree = {}
        return tree if isinstance(tree, dict) else {}

    @property
    def why_not_ready(self) -> str | None:
        """What /readyz says is missing, in its own words; nothing where it is ready."""
        if self.status == 200:
            return None
        if self.status == 0:
            return "its admin socket does not answer"
        try:
            checks = json.loads(self.body)["checks"].items()
            missing = [check.get("detail") or name for name, check in checks if not check["ok"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            missing = []
        return "; ".join(map(str, missing)) or f"/readyz answers {self.status}"


class _Received:
    """Bytes that have come, as http.client reads them."""

    def __init__(self, received: bytes):
        self._received = received

    def makefile(self, *_) -> io.BytesIO:
        return io.BytesIO(self._received)


def parse(received: bytes) -> Answer:
    """One HTTP answer."""
    answer = http.client.HTTPResponse(_Received(received))
    try:
        answer.begin()
        return Answer(answer.status, answer.read())
    except (http.client.HTTPException, OSError, ValueError):
        return Answer()


async def ask(path: Path, target: str, timeout_seconds: float = 1.0) -> Answer:
    """On the daemon's event loop."""
    writer = None
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(f"GET {target} HTTP/1.1\r\nHost: stage\r\nConnection: close\r\n\r\n".encode())
            received = b""
            while len(received) < LARGEST_ANSWER_BYTES and (part := await reader.read(65536)):
                received += part
            return parse(received)
    except (OSError, ValueError, TimeoutError):
        return Answer()
    finally:
        if writer is not None:
            writer.transport.abort()


def get(path: Path, target: str, timeout_seconds: float = 2.0) -> Answer:
    """The commands' way, blocking: the same."""
    return asyncio.run(ask(path, target, timeout_seconds))

"""GET on a stage's admin endpoint: HTTP/1.1 over a Unix socket, one request per connection."""

import asyncio
import http.client
import io
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back; a status of 0 means that nobody answered in time, or not with HTTP."""

    status: int = 0
    body: bytes = b""

    @property
    def tree(self) -> dict:
        """The JSON object of a good answer; empty where there is none."""
        return self._object() if self.status == 200 else {}

    @property
    def why_not_ready(self) -> str | None:
        """What /readyz says is missing, in its own words; nothing where it is ready."""
        if self.status in (0, 200):
            return None if self.status else "its admin socket does not answer"
        checks = self._object().get("checks")
        missing = [check.get("detail") or name for name, check in checks.items()
                   if not check["ok"]] if isinstance(checks, dict) else []
        return "; ".join(missing) or f"/readyz answers {self.status}"

    def _object(self) -> dict:
        try:
            tree = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return tree if isinstance(tree, dict) else {}


def parse(received: bytes) -> Answer:
    """One HTTP answer, read by the standard library as from a socket."""
    answer = http.client.HTTPResponse(SimpleNamespace(makefile=lambda _: io.BytesIO(received)))
    try:
        answer.begin()
        return Answer(answer.status, answer.read())
    except (http.client.HTTPException, OSError, ValueError):
        return Answer()


async def ask(path: Path, target: str, timeout_seconds: float = 1.0) -> Answer:
    """What a stage answers within the time."""
    writer = None
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(f"GET {target} HTTP/1.1\r\nHost: stage\r\nConnection: close\r\n\r\n".encode())
            await reader.readexactly(LARGEST_ANSWER_BYTES)
    except asyncio.IncompleteReadError as whole:
        return parse(whole.partial)
    except (OSError, ValueError, TimeoutError):
        pass
    finally:
        if writer is not None:
            writer.transport.abort()
    return Answer()

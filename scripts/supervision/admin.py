"""GET on a stage's admin endpoint: HTTP/1.1 over a Unix socket, one request per connection."""

import asyncio
import json
import socket
import struct
from pathlib import Path

LARGEST_ANSWER_BYTES = 16 * 1024 * 1024


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: stage\r\nConnection: close\r\n\r\n".encode()


def parse_answer(answer: bytes) -> tuple[int, bytes]:
    """Status and body; a status of 0 means that this is no HTTP answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        return 0, b""
    fields = {name.strip().lower(): value.strip().lower()
              for name, _, value in (line.partition(b":") for line in lines[1:])}
    if fields.get(b"transfer-encoding") == b"chunked":
        body = _unchunked(body)
    return int(words[1]), body


def is_complete(answer: bytes) -> bool:
    """Whether the announced body has arrived, so that a peer that keeps the connection open costs no time-out."""
    head, end, body = answer.partition(b"\r\n\r\n")
    lowered = head.lower()
    if not end:
        return False
    if b"transfer-encoding: chunked" in lowered:
        return body.endswith(b"0\r\n\r\n")
    _, found, length = lowered.partition(b"\r\ncontent-length:")
    return bool(found) and len(body) >= int(length.split(b"\r\n")[0])


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size_text, _, rest = body.partition(b"\r\n")
        try:
            size = int(size_text.split(b";")[0], 16)
        except ValueError:
            break
        if size == 0:
            break
        parts.append(rest[:size])
        body = rest[size + 2:]
    return b"".join(parts)


def why_not_ready(status: int, body: bytes) -> str | None:
    """What /readyz says is missing, in its own words; nothing where it is ready."""
    if status == 200:
        return None
    if status == 0:
        return "its admin socket does not answer"
    try:
        checks = json.loads(body)["checks"].items()
        missing = [check.get("detail") or name for name, check in checks if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        missing = []
    return "; ".join(map(str, missing)) or f"/readyz answers {status}"


async def probe(path: Path, target: str, timeout_seconds: float) -> tuple[int, bytes]:
    """The daemon's way: status and body, (0, b"") where nobody answers in time."""
    writer = None
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(_request(target))
            answer = b""
            while len(answer) < LARGEST_ANSWER_BYTES and (part := await reader.read(65536)):
                answer += part
                if is_complete(answer):
                    break
            return parse_answer(answer)
    except (OSError, ValueError, TimeoutError):
        return 0, b""
    finally:
        if writer is not None:
            writer.transport.abort()


def get(path: Path, target: str, timeout_seconds: float = 2.0) -> tuple[int, bytes]:
    """The commands' way, blocking: the same."""
    return ask(path, target, timeout_seconds)[1:]


def ask(path: Path, target: str, timeout_seconds: float) -> tuple[int | None, int, bytes]:
    """The process that listens there (SO_PEERCRED, unix(7)), or nothing where nobody does; status and body."""
    pid, answer = None, b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(path))
            pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            connection.sendall(_request(target))
            while len(answer) < LARGEST_ANSWER_BYTES and (part := connection.recv(65536)):
                answer += part
                if is_complete(answer):
                    break
    except (OSError, ValueError):
        return pid, 0, b""
    return pid, *parse_answer(answer)

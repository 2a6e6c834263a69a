"""Numbered webhooks at a steady rate, the subscriber that gets them, and where they came: what is lost, doubled or out
of order is seen so. wrk knows nothing of single webhooks."""

import asyncio
import json
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass

from launcher import HOST, PATIENCE_SECONDS, until
from supervision.health import ask

from . import webhook
from .observer import ROUTER
from .pipeline import Pipeline

_NUMBER = re.compile(rb"0{20}(\d{16})")
"""The webhook's number, where `webhook.body` puts it."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    number: int
    at: float
    seconds: float
    outcome: int | str  # the status, or why there is none
    journal: str = ""
    sequence: int = 0


class Connection:
    """A client that costs a quarter of what http.client does."""

    def __init__(self, port: int):
        self._port, self._socket = port, None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def post(self, request: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), timeout=60)
        self._socket.sendall(request)
        answer = b""
        while (message := take_message(answer)) is None:
            if not (more := self._socket.recv(65536)):
                raise ConnectionError("ended without an answer")
            answer += more
        head, body, _ = message
        if b"\r\nconnection: close" in head.lower():
            self.close()
        return int(head.split(b" ", 2)[1]), body


def take_message(text: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head, body and rest of the first message; nothing while it is not whole."""
    head, end, rest = text.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    size = int(length[1]) if length else 0
    return (head, rest[:size], rest[size:]) if end and len(rest) >= size else None


class Senders:
    """Numbered webhooks over keep-alive connections, each of which sends one at a time, and each webhook once."""

    def __init__(self, pipeline: Pipeline, per_second: float, connections: int = 16, first: int = 0):
        self._pipeline, self._per_second, self._connections = pipeline, per_second, connections
        self.sent, self._over, self._first = [], threading.Event(), first
        self._threads = [threading.Thread(target=self._send, args=(each,)) for each in range(connections)]
        self._start = time.monotonic()
        for each in self._threads:
            each.start()

    def since(self, begin: float) -> list[Sent]:
        """What was answered from then on."""
        return [each for each in self.sent[:] if each.at + each.seconds >= begin]

    def stop(self) -> list[Sent]:
        self._over.set()
        for each in self._threads:
            each.join()
        return self.sent

    def _send(self, turn: int) -> None:
        connection = Connection(self._pipeline.port)
        while not self._over.is_set():
            time.sleep(max(0.0, self._start + turn / self._per_second - time.monotonic()))
            number, place = self._first + turn, ("", 0)
            body = webhook.body(f"{number:036}")
            fields = webhook.fields(self._pipeline.stream_secret, HOST, body) | {"X-WEBHOOK-ID": f"{number:036}"}
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            request = f"POST {webhook.PATH} HTTP/1.1\r\n{head}\r\n".encode() + body
            at = time.monotonic()
            try:
                outcome, text = connection.post(request)
                if outcome == 202:
                    journal, _, sequence = json.loads(text)["id"].rpartition("-")
                    place = (journal, int(sequence))
            except OSError as error:
                outcome = repr(error)
                connection.close()
            self.sent.append(Sent(number, at, time.monotonic() - at, outcome, *place))
            turn += self._connections
        connection.close()


class Subscriber:
    """Notes when which webhook was delivered."""

    def __init__(self):
        self.delivered: list[tuple[float, int]] = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Deliveries(self.delivered), HOST, 0))
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}/"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def since(self, begin: float) -> list[float]:
        """When something was delivered, from then on."""
        return [at for at, _ in self.delivered[:] if at >= begin]

    def wait_for(self, sent: list[Sent]) -> None:
        wanted = {each.number for each in sent if each.outcome == 202}
        until(lambda: wanted <= {number for _, number in self.delivered[:]}, "every delivery", pause_seconds=0.2)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Deliveries(asyncio.Protocol):
    def __init__(self, delivered: list[tuple[float, int]]):
        self._delivered, self._rest = delivered, b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while message := take_message(self._rest):
            _, body, self._rest = message
            self._delivered.append((time.monotonic(), int(_NUMBER.search(body)[1])))
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def logged(pipeline: Pipeline) -> list[int]:
    """The webhooks' numbers in the order of the event log."""
    numbers, cursor = [], ""
    while cursor is not None:
        target = f"/v1/events?order=asc&limit=1000{cursor and '&cursor='}{cursor}"
        page = asyncio.run(ask(pipeline.run_dir / f"{ROUTER}-0.admin", target, PATIENCE_SECONDS)).tree
        numbers += [int(_NUMBER.search(json.dumps(event).encode())[1]) for event in page["events"]]
        cursor = page.get("next_cursor")
    return numbers


def faults(sent: list[Sent], log: list[int]) -> dict[str, int]:
    """How many webhooks were not answered with 202, and how many events are lost, doubled and out of order."""
    accepted = {each.number: each for each in sent if each.outcome == 202}
    last: dict[str, int] = {}
    disordered = 0
    for each in (accepted[number] for number in log if number in accepted):
        disordered += each.sequence < last.get(each.journal, 0)
        last[each.journal] = max(each.sequence, last.get(each.journal, 0))
    return {"refused": len(sent) - len(accepted), "lost": len(accepted.keys() - set(log)),
            "doubled": len(log) - len(set(log)), "out of order": disordered}


def outcomes(sent: list[Sent]) -> dict[str, int]:
    return dict(Counter(str(each.outcome) for each in sent))


def longest_pause(moments: list[float]) -> float:
    return max((after - before for before, after in zip(moments, moments[1:], strict=False)), default=0.0)


def p99(sent: list[Sent]) -> float:
    return sorted(each.seconds for each in sent)[len(sent) * 99 // 100]

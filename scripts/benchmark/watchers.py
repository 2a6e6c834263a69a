"""Clients of /v1/stream that cost little: a thousand of them beside the pipeline on the same cores."""

import calendar
import json
import selectors
import socket
import threading
import time
from contextlib import suppress
from functools import lru_cache

from commandline import Failure
from launcher import HOST, PATIENCE_SECONDS, until

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_EVENT, _CAUGHT_UP, _SUBSCRIBED = b'{"type":"event"', b'{"type":"caught_up"', b'{"type":"subscribed"'
_TOKEN, _RECORDED, _SEQUENCE = b'"token":"', b'"recordedtime":"', b'"sequence":"'
_SEQUENCE_DIGITS = 20


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame; its mask is four zeros, which changes nothing."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


@lru_cache(maxsize=64)
def _second(text: bytes) -> int:
    return calendar.timegm(time.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000


class Watcher:
    """One connection of `tributary.v1`, and what came over it."""

    def __init__(self, port: int, token: str, subject: str | None, start: str, receive_bytes: int = 0):
        """`receive_bytes`: what the kernel buffers for it; 0: as much as it likes."""
        self.positions: list[int] = []
        self.token = start
        self.is_caught_up = False
        self.close_code: int | None = None
        """How it ended; 0 where no frame said so, None while it lasts."""
        self._rest = b""
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect((HOST, port))
        self.socket.sendall((
            f"GET /v1/stream HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Sec-WebSocket-Protocol: tributary.v1\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            if not (more := self.socket.recv(4096)):
                break
            answer += more
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise Failure(f"/v1/stream answered {answer[:500]!r}.")
        asked = {"type": "subscribe", "from": start, "filter": {"subjects": [subject]} if subject else {}}
        self.socket.sendall(frame(TEXT, json.dumps(asked).encode()))
        self.socket.setblocking(False)

    def read(self, latencies: list[float]) -> bool:
        """Takes what has come; adds the seconds since each event was received. False at the end of the connection."""
        try:
            came = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            came = b""
        if not came:
            self.close_code = self.close_code or 0
            return False
        now = time.time_ns()
        buffer, start = self._rest + came if self._rest else came, 0
        while len(buffer) >= start + 2:
            size, body = buffer[start + 1], start + 2
            if size >= 126:
                body += 2 if size == 126 else 8
                size = int.from_bytes(buffer[start + 2:body], "big")
            if len(buffer) < body + size:
                break
            self._take(buffer[start] & 0x0F, buffer, body, body + size, now, latencies)
            start = body + size
        self._rest = buffer[start:]
        return True

    def _take(self, opcode: int, buffer: bytes, start: int, end: int, now: int, latencies: list[float]) -> None:
        if opcode == TEXT and buffer.startswith(_EVENT, start):
            place = buffer.index(_TOKEN, start, end) + len(_TOKEN)
            self.token = buffer[place:buffer.index(b'"', place)].decode()
            place = buffer.index(_SEQUENCE, place, end) + len(_SEQUENCE)
            self.positions.append(int(buffer[place:place + _SEQUENCE_DIGITS]))
            place = buffer.index(_RECORDED, start, end) + len(_RECORDED)
            received = _second(buffer[place:place + 19]) + int(buffer[place + 20:place + 29])
            latencies.append((now - received) / 1e9)
        elif opcode == TEXT and buffer.startswith(_CAUGHT_UP, start):
            self.is_caught_up = True
        elif opcode == PING:
            self.socket.sendall(frame(PONG, buffer[start:end]))
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(buffer[start:start + 2], "big")
            with suppress(OSError):
                self.socket.sendall(frame(CLOSE, buffer[start:start + 2]))
        elif not buffer.startswith(_SUBSCRIBED, start):
            raise Failure(f"a watcher was sent {buffer[start:end][:300]!r}.")


class Watchers:
    """Many connections that one thread reads. Leaving the context ends them."""

    def __init__(self, port: int, token: str):
        self._port, self._token = port, token
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._latencies: list[float] = []
        self._problem: BaseException | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Watchers":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._is_over = True
        self._thread.join(PATIENCE_SECONDS)
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()

    def open(self, subject: str | None, start: str = "latest", receive_bytes: int = 0) -> Watcher:
        watcher = Watcher(self._port, self._token, subject, start, receive_bytes)
        self.resume(watcher)
        return watcher

    def settle(self, watchers: list[Watcher]) -> None:
        """Until each sees events as they come."""
        until(lambda: self.check() and all(each.is_caught_up for each in watchers), "watchers that are caught up")

    def pause(self, watcher: Watcher) -> None:
        """Its client reads nothing more until `resume`."""
        with self._lock:
            self._selector.unregister(watcher.socket)

    def resume(self, watcher: Watcher) -> None:
        with self._lock:
            self._selector.register(watcher.socket, selectors.EVENT_READ, watcher)

    def close(self, watcher: Watcher) -> None:
        """Cuts the connection, without a word."""
        self.pause(watcher)
        watcher.socket.close()

    def take_latencies(self) -> list[float]:
        """Seconds from receipt to frame of all that came since the last call, sorted."""
        with self._lock:
            taken, self._latencies = self._latencies, []
        return sorted(taken)

    def check(self) -> bool:
        """Fails where the reading did; true otherwise."""
        if self._problem:
            raise self._problem
        return True

    def _read(self) -> None:
        try:
            while not self._is_over:
                ready = self._selector.select(0.05)
                with self._lock:
                    for key, _ in ready:
                        if key.fd in self._selector.get_map() and not key.data.read(self._latencies):
                            self._selector.unregister(key.fileobj)
                            key.data.socket.close()
        except BaseException as error:  # told by check()
            self._problem = error

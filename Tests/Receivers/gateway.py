"""A whole Tributary in a temporary folder, and a receiver that records what it gets and answers as it is told."""

import hashlib
import hmac
import http.client
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, Pipeline, free_port, until  # noqa: E402

SAMPLES = ROOT / "Tests" / "WebhookSamples" / "Samples" / "stream"
API_KEY, API_SECRET = "k3ytest123abc", "test_stream_api_secret_not_real"


@dataclass(frozen=True)
class Request:
    """One delivery attempt as it came in."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    at: float
    """On the monotonic clock, in seconds."""


class Receiver:
    """A subscriber on a loopback port. `answers` says by path what the n-th request, from 1, is answered: a status, a
    status with headers, "reset" (the connection is reset) or "silence"; what is not in it gets 204."""

    def __init__(self, answers: dict[str, Callable[[int], object]]):
        self._answers = answers
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def requests(self, path: str) -> list[Request]:
        with self._lock:
            return [each for each in self._requests if each.path == path]

    def wait(self, path: str, count: int) -> list[Request]:
        """The first requests of a path, once there are so many."""
        return until(lambda: len(found := self.requests(path)) >= count and found, f"{count} requests at {path}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: Request) -> object:
        with self._lock:
            self._requests.append(request)
            number = sum(each.path == request.path for each in self._requests)
        return self._answers.get(request.path, lambda _: 204)(number)

    def _handler(receiver):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                at = time.monotonic()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = receiver._take(Request(self.path, headers, body, at))
                if answer == "silence":
                    self.connection.settimeout(30)
                    self.rfile.read(1)  # until the other side has enough
                elif answer == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close()
                else:
                    self._answer(*answer if isinstance(answer, tuple) else (answer, {}))

            def _answer(self, status: int, headers: dict[str, str]):
                body = b"" if status == 204 else f"answered {status}".encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def finish(self):
                try:
                    super().finish()
                except OSError:
                    pass  # the connection was reset on purpose

            def log_message(self, *_):
                pass

        return Handler


class Gateway(Pipeline):
    """A pipeline with one source `stream`."""

    def __init__(self, folder_of_binaries: Path, subscriptions: list[dict]):
        self._port = free_port()
        super().__init__(folder_of_binaries, Path(tempfile.mkdtemp(prefix="rc-", dir="/tmp")), {
            "ingress": {"listen": f"{HOST}:{self._port}"}, "router": {"egress_allow": ["127.0.0.0/8"]},
            "sources": [{"name": "stream", "provider": "stream",
                         "secrets": [{"id": API_KEY, "value": f"literal:{API_SECRET}"}]}],
            "subscriptions": subscriptions,
        })

    def post(self, sample: str) -> bytes:
        """Sends one sample of Stream's webhooks as Stream does; returns its body."""
        body = (SAMPLES / f"{sample}.json").read_bytes()
        signature = hmac.new(API_SECRET.encode(), body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE_SECONDS)
        connection.request("POST", "/in/stream", body, {
            "Content-Type": "application/json", "X-API-KEY": API_KEY, "X-SIGNATURE": signature,
            "X-WEBHOOK-ID": f"id-of-{sample}", "X-WEBHOOK-ATTEMPT": "1"})
        status = connection.getresponse().status
        connection.close()
        assert 200 <= status < 300, f"{sample} was answered {status}"
        return body

    def attempts(self, subscription: str, count: int) -> list[dict]:
        """A subscription's attempts, oldest first, once there are so many."""
        path = f"/v1/attempts?subscription={subscription}"
        found = until(lambda: len(rows := self.ask("fanout-router-0", path)["attempts"]) >= count and rows,
                      f"{count} attempts of {subscription}")
        return found[::-1]

    def wait_until_given_up(self, subscription: str) -> None:
        """Returns when nothing waits for this subscription any more, so that no further attempt can come."""
        def has_nothing() -> bool:
            rows = self.ask("fanout-router-0", "/v1/subscriptions")["subscriptions"]
            return all(row["backlog"] == 0 for row in rows if row["name"] == subscription)

        until(has_nothing, f"the end of all deliveries to {subscription}")

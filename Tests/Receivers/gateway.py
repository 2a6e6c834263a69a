"""A whole Tributary in a temporary folder, and a receiver that records what it gets and answers as it is told."""

import hashlib
import hmac
import http.client
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, ROOT, Pipeline, free_port, new_folder, until  # noqa: E402

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
    """Every stage, with one source `stream`."""

    def __init__(self, binaries: Path, subscriptions: list[dict]):
        self._port = free_port()
        super().__init__(binaries, new_folder("rc"), {
            "ingress": {"listen": f"{HOST}:{self._port}"}, "router": {"egress_allow": ["127.0.0.0/8"]},
            "sources": [{"name": "stream", "provider": "stream",
                         "secrets": [{"id": API_KEY, "value": f"literal:{API_SECRET}"}]}],
            "subscriptions": subscriptions,
        }, {})

    def post(self, sample: str) -> bytes:
        """Sends one sample of Stream's webhooks as Stream does; returns its body."""
        body = (SAMPLES / f"{sample}.json").read_bytes()
        signature = hmac.new(API_SECRET.encode(), body, hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        connection.request("POST", "/in/stream", body, {
            "Content-Type": "application/json", "X-API-KEY": API_KEY, "X-SIGNATURE": signature,
            "X-WEBHOOK-ID": f"id-of-{sample}", "X-WEBHOOK-ATTEMPT": "1"})
        status = connection.getresponse().status
        connection.close()
        assert 200 <= status < 300, f"{sample} was answered {status}"
        return body

    def api(self, path: str) -> dict:
        """What the control API answers on the router's admin socket."""
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.run_dir / "fanout-router-0.admin"))
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status == 200, f"{path} was answered {response.status}: {text}"
        return json.loads(text)

    def is_idle(self, subscription: str) -> bool:
        """Whether it has nothing more to deliver, not now and not later."""
        lane = self.api(f"/v1/subscriptions/{subscription}")
        return lane["backlog"] == lane["retrying"] == 0

    def attempts(self, subscription: str, count: int) -> list[dict]:
        """A subscription's attempts, oldest first, once there are so many."""
        path = f"/v1/attempts?subscription={subscription}"
        found = until(lambda: len(rows := self.api(path)["attempts"]) >= count and rows,
                      f"{count} attempts of {subscription}")
        return found[::-1]

"""A whole Tributary in a temporary folder, and clients that watch its event log as users' libraries do."""

import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import httpx_sse
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, Pipeline, binaries, free_port, new_folder, until  # noqa: E402

API_KEY, API_SECRET, API_TOKEN = "k3ytest123abc", "test_stream_api_secret_not_real", "watching-token"
BEARER = {"Authorization": f"Bearer {API_TOKEN}"}


class Watched(Pipeline):
    """Every stage, with one source `stream`, `sources` besides, and nobody who is delivered to but `subscriptions`."""

    source = {"name": "stream", "provider": "stream", "secrets": [{"id": API_KEY, "value": f"literal:{API_SECRET}"}]}
    router = {"egress_allow": ["127.0.0.0/8"],
              "api_tokens": [{"name": "watch", "value": f"literal:{API_TOKEN}", "scopes": ["read"]}]}

    def __init__(self, binaries: Path, push: dict | None = None, sources: Sequence[dict] = (),
                 subscriptions: Sequence[dict] = (), more: dict | None = None):
        self.port, self.api_port = free_port(), free_port()
        super().__init__(binaries, new_folder("pu"), {
            "ingress": {"listen": f"{HOST}:{self.port}"},
            "router": self.router | {"listen": f"{HOST}:{self.api_port}", "push": push or {}},
            "sources": [self.source, *sources],
            "subscriptions": [*subscriptions],
        } | (more or {}), {})

    def send(self, number: int, call: str = "livestream:one", padding: int = 0, fields: dict | None = None) -> None:
        """One webhook of Stream's, about a call; its number is the id of its event. `padding`: further bytes; `fields`:
        header fields besides."""
        body = json.dumps({"type": "custom.event", "call_cid": call, "created_at": "2026-11-02T12:00:00.000000Z",
                           "user": {"id": "alice"}, "custom": {"number": number, "padding": "x" * padding}}).encode()
        signature = hmac.new(API_SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.post("/in/stream", body, {
            "Content-Type": "application/json", "X-API-KEY": API_KEY, "X-SIGNATURE": signature,
            "X-WEBHOOK-ID": f"n-{number}", "X-WEBHOOK-ATTEMPT": "1"} | (fields or {}))

    def post(self, path: str, body: bytes, fields: dict[str, str]) -> None:
        """One webhook, which is accepted."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_SECONDS)
        connection.request("POST", path, body, fields)
        status = connection.getresponse().status
        connection.close()
        assert status == 202, f"a webhook was answered {status}"

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://{HOST}:{self.api_port}{path}"

    def kill_router(self) -> None:
        """SIGKILL; the supervisor starts it again."""
        pid = int(json.loads(self.supervisor("status", "--json"))["instances"][-1]["pid"])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def socket(self, *subprotocols: str, query: str = "", headers: dict | None = None, **more):
        """A WebSocket connection to /v1/stream."""
        headers = BEARER if headers is None else headers
        return connect(self.url("/v1/stream" + query, "ws"), subprotocols=subprotocols or None,
                       additional_headers=headers, open_timeout=PATIENCE_SECONDS,
                       ping_interval=None, max_size=None, **more)

    def unix_socket(self, *subprotocols: str):
        """The same on the socket that needs no token."""
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(str(self.run_dir / "fanout-router-0.stream"))
        return connect("ws://localhost/v1/stream", sock=channel, subprotocols=subprotocols)

    def pull(self, **query) -> dict:
        """The next events by long poll."""
        answer = httpx.get(self.url("/v1/events"), params=query, headers=BEARER, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()


def number(event: dict) -> int:
    """Which webhook an event came from."""
    return event["data"]["custom"]["number"]


class Consumer(threading.Thread):
    """Follows the log in its own way until the last number is there, over every interruption."""

    def __init__(self, watched: Watched, last: int):
        super().__init__(daemon=True)
        self.watched, self.last = watched, last
        self.numbers: list[int] = []
        self.sessions = 0
        self.start()

    def take(self, event: dict) -> None:
        self.numbers.append(number(event))

    @property
    def is_done(self) -> bool:
        return bool(self.numbers) and self.numbers[-1] == self.last

    def run(self) -> None:
        while not self.is_done:
            self.sessions += 1
            with suppress(OSError, WebSocketException, httpx.HTTPError):
                self.follow()


class SocketConsumer(Consumer):
    """Over WebSocket, `tributary.v1`."""

    token = "earliest"

    def follow(self) -> None:
        with self.watched.socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe", "from": self.token}))
            for text in connection:
                message = json.loads(text)
                assert message["type"] in {"subscribed", "event", "caught_up"}, message
                if message["type"] == "event":
                    self.take(message["event"])
                    self.token = message["token"]
                    if self.is_done:
                        return


class StreamConsumer(Consumer):
    """Over server-sent events."""

    token = ""

    def follow(self) -> None:
        headers = BEARER | ({"Last-Event-ID": self.token} if self.token else {})
        with httpx.Client(timeout=PATIENCE_SECONDS) as client, httpx_sse.connect_sse(
                client, "GET", self.watched.url("/v1/events/stream?from=earliest"), headers=headers) as source:
            for event in source.iter_sse():
                assert event.event != "gap", event
                if event.event != "caught_up":
                    self.take(json.loads(event.data))
                    self.token = event.id
                    if self.is_done:
                        return


class PullConsumer(Consumer):
    """By long polls."""

    place = {"from": "earliest"}

    def follow(self) -> None:
        page = self.watched.pull(wait="5s", **self.place)
        assert not page["gaps"], page
        for event in page["events"]:
            self.take(event)
        self.place = {"after": page["next"]}


__all__ = [
    "API_TOKEN", "BEARER", "HOST", "PATIENCE_SECONDS", "PullConsumer", "SocketConsumer", "StreamConsumer", "Watched",
    "binaries", "number", "until",
]

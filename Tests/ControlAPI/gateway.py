"""A whole gateway in a temporary folder, with events, dead letters and quarantined webhooks, and its control API."""

import json
import secrets
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, Pipeline, free_port, until  # noqa: E402
from supervision.failure import Failure  # noqa: E402


class Fickle(BaseHTTPRequestHandler):
    """A subscriber that takes what goes to /good and refuses everything else."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200 if self.path == "/good" else 422)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Gateway(Pipeline):
    """Everything is stopped and removed at the end."""

    def __init__(self, folder_of_binaries: Path):
        self.subscriber = ThreadingHTTPServer((HOST, 0), Fickle)
        threading.Thread(target=self.subscriber.serve_forever, daemon=True).start()
        port = free_port()
        self.token = secrets.token_urlsafe(32)
        self.url = f"http://{HOST}:{port}"
        subscriber = f"http://{HOST}:{self.subscriber.server_port}"
        signing = {"scheme": "standard-webhooks", "secrets": ["env:SUBSCRIBER_SECRET"]}
        super().__init__(folder_of_binaries, Path(tempfile.mkdtemp(prefix="api-", dir="/tmp")), {
            "ingress": {"listen": f"{HOST}:{free_port()}"},
            "router": {"listen": f"{HOST}:{port}", "api_tokens": ["env:API_TOKEN"], "egress_allow": ["127.0.0.0/8"]},
            "sources": [{"name": "stream", "provider": "stream",
                         "secrets": [{"id": "k3ytest123abc", "value": "env:STREAM_SECRET"}]}],
            "subscriptions": [
                {"name": "good", "url": f"{subscriber}/good", "signing": signing},
                # So few failures that no breaker opens: all of them are over before the first question.
                {"name": "bad", "url": f"{subscriber}/bad", "signing": signing, "retry": {"schedule": ["0s"]},
                 "filter": {"types": ["session.*"]}}],
        }, {"STREAM_SECRET": secrets.token_hex(32), "API_TOKEN": self.token,
            "SUBSCRIBER_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})

    def up(self) -> None:
        super().up()
        self.tributary("send", "--source", "stream", "--all")
        try:
            self.tributary("send", "stream", "call.ended", "--forge")
        except Failure:
            pass  # it says by its exit status that the webhook was refused
        # It came last, so all that came before is in the log then; what each run meets is the same.
        self.await_rows("quarantine", bool, "a quarantined webhook")
        self.await_rows("subscriptions", lambda lanes: all(lane["backlog"] == 0 for lane in lanes),
                        "the end of all deliveries")
        self.await_rows("dead-letters", bool, "a dead letter")
        # What is replayed to it waits, so that there is something to cancel.
        self.tributary("subscriptions", "pause", "bad")

    def end(self) -> None:
        super().end()
        self.subscriber.shutdown()
        self.subscriber.server_close()

    def get(self, path: str):
        """What the control API answers to whoever has the token."""
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def await_rows(self, name: str, holds, what: str) -> None:
        """Waits until a list of the API is as it should be."""
        def rows_hold() -> bool:
            try:
                return holds(self.get(f"/v1/{name}")[name.replace("-", "_")])
            except (urllib.error.URLError, ConnectionError):
                return False

        until(rows_hold, what)

"""A whole gateway in a temporary folder, with events, dead letters and quarantined webhooks, and its control API."""

import json
import secrets
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, Pipeline, free_port, new_folder, until  # noqa: E402


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

    def __init__(self, binaries: Path):
        self.subscriber = ThreadingHTTPServer((HOST, 0), Fickle)
        threading.Thread(target=self.subscriber.serve_forever, daemon=True).start()
        port = free_port()
        self.token, self.url = secrets.token_urlsafe(32), f"http://{HOST}:{port}"
        subscriber = f"http://{HOST}:{self.subscriber.server_port}"
        signing = {"scheme": "standard-webhooks", "secrets": ["env:SUBSCRIBER_SECRET"]}
        super().__init__(binaries, new_folder("api"), {
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

    def up(self, shows: bool = False) -> None:
        super().up(shows)
        self.tributary("send", "--source", "stream", "--all")
        self.tributary("send", "stream", "call.ended", "--forge", codes=(0, 1))
        # It came last, so all that came before is in the log then; what each run meets is the same.
        until(lambda: self.listed("quarantine"), "a quarantined webhook")
        until(lambda: all(lane["backlog"] == 0 for lane in self.listed("subscriptions") or [{"backlog": 1}]),
              "the end of all deliveries")
        until(lambda: self.listed("dead-letters"), "a dead letter")
        # What is replayed to it waits, so that there is something to cancel.
        self.tributary("subscriptions", "pause", "bad")

    def end(self) -> None:
        super().end()
        self.subscriber.shutdown()
        self.subscriber.server_close()

    def listed(self, name: str) -> list | None:
        """What a list of the API has; nothing while nobody answers."""
        try:
            return self.ask(f"/v1/{name}")[name.replace("-", "_")]
        except (urllib.error.URLError, ConnectionError):
            return None

    def ask(self, path: str):
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def log(self) -> str:
        """What the router logged."""
        return "".join(path.read_text() for path in self.run_dir.glob("fanout-router*.log"))

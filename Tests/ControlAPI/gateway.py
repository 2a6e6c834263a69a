"""A whole gateway in a temporary folder, with events, dead letters and quarantined webhooks, and its control API."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = ("ingress-gateway", "verifier", "normaliser", "fanout-router", "tributary")
PATIENCE_SECONDS = 300.0
HOST = "127.0.0.1"


def binaries() -> Path | None:
    """The folder with all executables: TRIBUTARY_BIN, or a debug build; None where there is none."""
    folder = Path(os.environ.get("TRIBUTARY_BIN") or ROOT / ".build" / "debug")
    return folder if all((folder / name).exists() for name in EXECUTABLES) else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


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


class Gateway:
    """Everything is stopped and removed at the end."""

    def __init__(self, folder_of_binaries: Path):
        self.binaries = folder_of_binaries
        self.folder = Path(tempfile.mkdtemp(prefix="api-", dir="/tmp"))
        self.subscriber = ThreadingHTTPServer((HOST, 0), Fickle)
        threading.Thread(target=self.subscriber.serve_forever, daemon=True).start()
        self.port = free_port()
        self.token, self.reader = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.url = f"http://{HOST}:{self.port}"
        self.environment = os.environ | {
            "TRIBUTARY_BIN": str(self.binaries), "STREAM_SECRET": secrets.token_hex(32), "API_TOKEN": self.token,
            "SUBSCRIBER_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        self.file = self.folder / "tributary.yaml"
        subscriber = f"http://{HOST}:{self.subscriber.server_port}"
        signing = '{ scheme: standard-webhooks, secrets: ["env:SUBSCRIBER_SECRET"] }'
        # So few failures that no breaker opens: all of them are over before the first question.
        few = '{ types: ["session.*"] }'
        self.file.write_text(f"""
run_dir: {self.folder}/run
data_dir: {self.folder}/data
ingress: {{ listen: "{HOST}:{free_port()}" }}
router:
  listen: "{HOST}:{self.port}"
  api_tokens: ["env:API_TOKEN"]
  egress_allow: ["127.0.0.0/8"]
sources:
  - {{ name: stream, provider: stream, secrets: [{{ id: k3ytest123abc, value: "env:STREAM_SECRET" }}] }}
subscriptions:
  - {{ name: good, url: "{subscriber}/good", signing: {signing} }}
  - {{ name: bad, url: "{subscriber}/bad", signing: {signing}, retry: {{ schedule: [0s] }}, filter: {few} }}
""")

    def __enter__(self):
        try:
            self._run(ROOT / "scripts" / "supervisor", "up", "-d")
            self._run(self.binaries / "tributary", "send", "--source", "stream", "--all")
            self._run(self.binaries / "tributary", "send", "stream", "call.ended", "--forge", fails=True)
            # It came last, so all that came before is in the log then; what each run meets is the same.
            self._until(lambda: self.ask("/v1/quarantine")["quarantine"], "a quarantined webhook")
            self._until(lambda: all(lane["backlog"] == 0 for lane in self.ask("/v1/subscriptions")["subscriptions"]),
                        "the end of all deliveries")
            self._until(lambda: self.ask("/v1/dead-letters")["dead_letters"], "a dead letter")
            # What is replayed to it waits, so that there is something to cancel.
            self._run(self.binaries / "tributary", "subscriptions", "pause", "bad")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._run(ROOT / "scripts" / "supervisor", "down", fails=True)
        self.subscriber.shutdown()
        self.subscriber.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path: str):
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def log(self) -> str:
        """What the router logged."""
        return "".join(path.read_text() for path in (self.folder / "run").glob("fanout-router*.log"))

    def _run(self, program: Path, *arguments: str, fails: bool = False) -> None:
        ended = subprocess.run([program, *arguments, "--config", self.file], env=self.environment, cwd=ROOT, text=True,
                               capture_output=True, timeout=PATIENCE_SECONDS)
        if ended.returncode != 0 and not fails:
            raise AssertionError(f"{program.name} {arguments} ended with {ended.returncode}:\n"
                                 f"{ended.stdout}{ended.stderr}")

    def _until(self, holds, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if holds():
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE_SECONDS:g} s in vain for {what}")
            time.sleep(0.05)

"""The pipeline under test: a temporary folder, a configuration with one source, the supervisor."""

import base64
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from supervision import control, process, service
from supervision.binaries import Binaries
from supervision.configuration import check_socket_paths
from supervision.failure import Failure

from . import webhook

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
DOWN_SECONDS = 25.0


@dataclass(frozen=True)
class Shape:
    """What can be varied about the pipeline."""

    verifiers: int
    normalisers: int
    concurrency: int
    """Deliveries in flight at once."""


@dataclass(frozen=True)
class Instance:
    """One process of a stage."""

    stage: str
    name: str
    pid: int


def new_folder() -> Path:
    """On the same disk as the repository where socket names fit, since a journal in memory would flatter."""
    beside = ROOT / "run"
    try:
        check_socket_paths(beside / "bench-12345678" / "run", beside)
        beside.mkdir(mode=0o700, exist_ok=True)
    except (Failure, OSError):
        beside = Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix="bench-", dir=beside))


class Pipeline:
    """The stages, from `up` to `end`."""

    def __init__(self, binaries: Binaries, folder: Path, port: int, shape: Shape, subscriptions: list[dict],
                 ingress: dict | None = None):
        """`subscriptions` as the configuration has them; how they are signed is added. `ingress`: more of its part."""
        self.folder, self.port = folder, port
        self.run_dir, self.data_dir = folder / "run", folder / "data"
        self.file = folder / "bench.yaml"
        self.binaries = binaries
        self.stream_secret = secrets.token_hex(32)
        sink_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self.environment = os.environ | {
            "STREAM_SECRET": self.stream_secret, "SINK_SECRET": sink_secret, "TRIBUTARY_BIN": str(binaries.folder)}
        self.file.write_text(json.dumps(self._configuration(shape, subscriptions, ingress or {}), indent=2))

    def _configuration(self, shape: Shape, subscriptions: list[dict], ingress: dict) -> dict:
        signing = {"scheme": "standard-webhooks", "secrets": ["env:SINK_SECRET"]}
        return {
            "run_dir": str(self.run_dir), "data_dir": str(self.data_dir),
            "ingress": {"listen": f"{HOST}:{self.port}"} | ingress,
            "verifier": {"instances": shape.verifiers}, "normaliser": {"instances": shape.normalisers},
            "router": {"egress_allow": ["127.0.0.0/8"]},
            "sources": [{"name": "stream", "provider": "stream",
                         "secrets": [{"id": webhook.API_KEY, "value": "env:STREAM_SECRET"}]}],
            "subscriptions": [{"concurrency": shape.concurrency, "signing": signing} | each for each in subscriptions],
        }

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def up(self) -> None:
        self._supervisor("up", "-d")

    def instances(self) -> list[Instance]:
        """Every process, as the supervisor knows it; a stage that was restarted meanwhile spoils the figures."""
        rows = control.call(self.run_dir, {"command": "status"}, print, timeout_seconds=5)["instances"]
        died = [row["instance"] for row in rows if row["restarts"] or not row["pid"]]
        if died:
            raise Failure(f"{', '.join(died)} died during the benchmark; its log is in {self.run_dir}.")
        return [Instance(row["stage"], row["instance"], row["pid"]) for row in rows]

    def post_one(self) -> int:
        """One webhook, and the status of its answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            number = uuid.uuid4().hex
            body = webhook.body(number)
            connection.request("POST", webhook.PATH, body,
                               webhook.fields(self.stream_secret, HOST, body) | {"X-WEBHOOK-ID": number})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"the ingress on {self.url} does not answer ({error}).") from error
        finally:
            connection.close()

    def _supervisor(self, *arguments: str) -> None:
        sys.stdout.flush()
        ended = subprocess.run(
            [ROOT / "scripts" / "supervisor", *arguments, "--config", self.file], env=self.environment, cwd=ROOT,
            stdout=subprocess.DEVNULL, process_group=0)
        if ended.returncode != 0:
            raise Failure(f"'supervisor {' '.join(arguments)}' ended with {ended.returncode}; the stages' logs are in "
                          f"{self.run_dir}.")

    def end(self) -> None:
        """Stops every stage: in good order, and by force when that takes too long."""
        command = [ROOT / "scripts" / "supervisor", "down", "--config", self.file]
        try:
            subprocess.run(command, env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=DOWN_SECONDS, process_group=0)
        except subprocess.TimeoutExpired:
            pass
        self._kill_what_is_left()

    def _kill_what_is_left(self) -> None:
        try:
            supervisor = int((self.run_dir / service.PID_NAME).read_text())
            os.kill(supervisor, signal.SIGKILL)  # first, or it would start anew what is killed below
        except (OSError, ValueError):
            pass
        for path in self.run_dir.glob("*-*.pid"):
            running = process.adopt(path)
            if running is not None:
                running.send(signal.SIGKILL)
                os.close(running.pidfd)

"""The pipeline under test: one source, and the subscriptions of the benchmark."""

import base64
import http.client
import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

import launcher
from commandline import Failure
from launcher import HOST

from . import webhook


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


class Pipeline(launcher.Pipeline):
    """The stages, from `up` to `end`."""

    def __init__(self, binaries: Path, folder: Path, port: int, shape: Shape, subscriptions: list[dict],
                 ingress: dict | None = None, router: dict | None = None):
        """`subscriptions` as the configuration has them; how they are signed is added. `ingress`, `router`: more of
        their parts."""
        self.port, self.url = port, f"http://{HOST}:{port}"
        self.stream_secret = secrets.token_hex(32)
        sink_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        signing = {"scheme": "standard-webhooks", "secrets": ["env:SINK_SECRET"]}
        super().__init__(binaries, folder, {
            "ingress": {"listen": f"{HOST}:{port}"} | (ingress or {}),
            "verifier": {"instances": shape.verifiers}, "normaliser": {"instances": shape.normalisers},
            "router": {"egress_allow": ["127.0.0.0/8"]} | (router or {}),
            "sources": [{"name": "stream", "provider": "stream",
                         "secrets": [{"id": webhook.API_KEY, "value": "env:STREAM_SECRET"}]}],
            "subscriptions": [{"concurrency": shape.concurrency, "signing": signing} | each for each in subscriptions],
        }, {"STREAM_SECRET": self.stream_secret, "SINK_SECRET": sink_secret})

    def instances(self) -> list[Instance]:
        """Every process, as the supervisor knows it; a stage that was restarted meanwhile spoils the figures."""
        rows = json.loads(self.tributary("status", "--json", codes=(0, 1)))["instances"]
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

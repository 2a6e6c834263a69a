"""A pipeline whose stages have something to show in every metric that alerts and the dashboard name."""

import http.client
import json
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, Pipeline, binaries, free_port, new_folder  # noqa: E402

PATH_TOKEN = "token-of-the-app"
ANY_CERTIFICATE = ssl._create_unverified_context()
STAGES = {"ingress": "ingress-gateway", "connector": "ingress-connector", "verifier": "verifier",
          "normaliser": "normaliser", "router": "fanout-router"}


class Running(Pipeline):
    """One instance of every stage with metrics on a TCP port, a source and a subscriber that refuses connections."""

    def __init__(self):
        folder = new_folder("assets")
        certificate, key = folder / "tls.pem", folder / "tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=me",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.ports = {part: free_port() for part in STAGES}
        parts = {part: {"metrics_listen": f"{HOST}:{port}"} for part, port in self.ports.items()}
        self.port, nobody = free_port(), free_port()
        parts["ingress"] |= {"listen": f"{HOST}:{self.port}",
                             "tls": {"certificate": f"file:{certificate}", "key": f"file:{key}"}}
        parts["router"] |= {"egress_allow": [f"{HOST}/8"]}
        parts["normaliser"] |= {"instances": 1}
        sources = [
            {"name": "app", "provider": "generic", "path_token": f"literal:{PATH_TOKEN}",
             "mapping": {"type": "/type", "id": "/id"}},
            {"name": "rooms", "provider": "fishjam", "path_token": f"literal:{PATH_TOKEN}"},
        ]
        connector = {"name": "rooms", "type": "fishjam", "source": "rooms", "url": f"ws://{HOST}:{nobody}",
                     "token": "literal:nobody"}
        subscription = {"name": "my-app", "url": f"http://{HOST}:{nobody}/events", "signing": {"scheme": "none"}}
        super().__init__(binaries(), folder, parts | {
            "sources": sources, "connectors": [connector], "subscriptions": [subscription]}, {})

        self._number = 0

    def post(self, token: str, more_bytes: int = 0) -> int:
        """The status that one more webhook is answered."""
        self._number += 1
        client = http.client.HTTPSConnection(HOST, self.port, timeout=PATIENCE_SECONDS, context=ANY_CERTIFICATE)
        with closing(client):
            client.putrequest("POST", f"/in/app/{token}")
            body = json.dumps({"type": "made", "id": str(self._number)}).encode()
            client.putheader("Content-Length", str(len(body) + more_bytes))
            client.endheaders(body)
            return client.getresponse().status

    def make_everything_show(self) -> None:
        """A webhook that is accepted, one that is refused before the journal and one behind it."""
        statuses = self.post(PATH_TOKEN), self.post(PATH_TOKEN, more_bytes=1 << 30)
        assert statuses == (202, 413), statuses
        self.post("wrong")  # 401, or 202 where the verdict takes longer than the ingress waits

    def metrics(self) -> str:
        """The text of every stage, one after the other."""
        def of(port: int) -> str:
            client = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_SECONDS)
            with closing(client):
                client.request("GET", "/metrics")
                return client.getresponse().read().decode()
        return "".join(of(port) for port in self.ports.values())

    def names(self) -> set[str]:
        """The names of all samples; those of histograms with _bucket, _sum and _count."""
        return {line.partition("{")[0].partition(" ")[0] for line in self.metrics().splitlines()
                if line and not line.startswith("#")}


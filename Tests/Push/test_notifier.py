"""Fishjam's official SDKs, unmodified, take a running pipeline for a Fishjam server."""

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
import unittest
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import httpx
from watching import API_TOKEN, BEARER, HOST, PATIENCE_SECONDS, Watched, binaries
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "Tests/WebhookSamples/Samples/fishjam"
SDKS = {folder.name.split("==")[1]: folder for folder in (ROOT / ".build/sdks").glob("fishjam-server-sdk==*")
        if (folder / "installed").exists()}
OLDEST = "0.5.0"
"""The SDK of Fishjam 0.6.3, and the only one with metrics."""
PATH_TOKEN = "0123456789abcdef0123456789abcdef"
WEBHOOKS = ["room_created", "peer_added", "peer_connected", "track_added.component", "track_metadata_updated",
            "track_removed", "peer_crashed", "room_deleted"]
PREFIXES = ("", "/gw", "/gw/fj")
HANDSHAKE = ["auth_request", "authenticated", "subscribe_response.metrics"]
"""What a Fishjam server announces to nobody."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.bin").read_bytes()


def sdk(version: str, *arguments: str) -> subprocess.Popen:
    """A program that uses that version; no other package is on its path."""
    return subprocess.Popen([sys.executable, "-S", ROOT / "Tests/Push/fishjam_client.py", *arguments],
                            env=os.environ | {"PYTHONPATH": str(SDKS[version])}, stdout=subprocess.PIPE, text=True)


@functools.cache
def decoded(version: str, *bodies: bytes) -> list[list]:
    """What the webhooks are by the SDK's own reading."""
    said = sdk(version, "decode", *(body.hex() for body in bodies)).communicate(timeout=PATIENCE_SECONDS)[0]
    return [json.loads(line) for line in said.splitlines()]


class Notified:
    """A program that is connected with the SDK of a version."""

    def __init__(self, version: str, url: str, token: str = API_TOKEN):
        self.version, self.program = version, sdk(version, "notify", url, token)
        self.said: Queue[list] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.program.stdout:
            self.said.put(json.loads(line))
        self.said.put(["ended"])

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.program.kill()
        self.reader.join()
        self.program.communicate()

    def next(self, *words: str) -> list:
        """The next line that begins with one of these words."""
        while True:
            line = self.said.get(timeout=PATIENCE_SECONDS)
            if line[0] in words:
                return line
            assert line[0] != "ended", f"the SDK {self.version} ended before {words}"


class Fishjam(Watched):
    """Every stage, with a source of Fishjam's webhooks."""

    source = {"name": "fishjam", "provider": "fishjam", "path_token": f"literal:{PATH_TOKEN}"}
    router = {"egress_allow": ["127.0.0.0/8"],
              "api_tokens": [{"name": "all", "value": f"literal:{API_TOKEN}", "scopes": ["read", "write"]},
                             {"name": "other", "value": "literal:writing-token", "scopes": ["write"]}]}

    def send(self, *names: str) -> None:
        """Webhooks as a Fishjam server sends them."""
        for name in names:
            self.post(f"/in/fishjam/{PATH_TOKEN}", sample(name), {"Content-Type": "application/x-protobuf"})


@contextmanager
def receiver():
    """A server that takes webhooks: its URL, and the bodies as they come."""
    bodies: Queue[bytes] = Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_) -> None:
            pass

    server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}/fishjam", bodies
    server.shutdown()
    server.server_close()


@unittest.skipUnless(binaries(), "the executables are not built")
@unittest.skipUnless(len(SDKS) == len(PREFIXES), "the SDKs are not installed; scripts/bootstrap test does that")
class Notifier(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.fishjam = cls.enterClassContext(Fishjam(binaries()))

    def notified(self, version: str, prefix: str = "") -> Notified:
        found = self.enterContext(Notified(version, self.fishjam.url(prefix)))
        found.next("ready")
        return found

    def test_every_sdk_is_told_of_rooms_peers_and_tracks_in_order_and_the_oldest_of_the_pipelines_metrics(self):
        notified = [self.notified(version, prefix) for version, prefix in zip(SDKS, PREFIXES, strict=True)]
        self.fishjam.send(*HANDSHAKE, *WEBHOOKS)
        for each in notified:
            expected = decoded(each.version, *map(sample, WEBHOOKS))
            self.assertEqual([each.next("notification", "lost") for _ in WEBHOOKS], expected, each.version)
        oldest = next(each for each in notified if each.version == OLDEST)
        report = oldest.next("metrics")[1]
        for instance in ("ingress-gateway-0", "verifier-0", "normaliser-0", "fanout-router-0"):
            self.assertTrue(any(name.startswith("tributary_") for name in report[f"instance={instance}"]), instance)

    def test_a_token_that_is_wrong_or_may_not_read_is_refused_as_the_sdks_expect(self):
        for version in SDKS:
            for token in ("wrong", "writing-token", ""):
                with self.subTest(version=version, token=token), \
                        Notified(version, self.fishjam.url(""), token) as notified:
                    self.assertIn("Invalid", notified.next("refused", "ready", "lost")[1])

    def test_what_is_not_allowed_ends_the_connection_as_on_a_fishjam_server(self):
        token = bytes([0x3A, len(API_TOKEN) + 2, 0x0A, len(API_TOKEN)]) + API_TOKEN.encode()
        for sent, code, reason in (([bytes.fromhex("42020801")], 1000, "invalid auth request"),
                                   (["text"], 1003, "operation not allowed"),
                                   ([token, token], 1003, "operation not allowed"),
                                   ([bytes(4097)], 1009, "a frame holds at most 4096 bytes")):
            with connect(self.fishjam.url("/socket/server/websocket").replace("http", "ws")) as connection:
                for each in sent:
                    connection.send(each)
                with self.assertRaises(ConnectionClosed) as caught:
                    self.assertEqual(connection.recv(timeout=PATIENCE_SECONDS).hex(), "3200")
                    connection.recv(timeout=PATIENCE_SECONDS)
            self.assertEqual((caught.exception.rcvd.code, caught.exception.rcvd.reason), (code, reason))

    def test_a_client_whose_router_was_killed_connects_again_and_is_told_what_happens_then(self):
        notified = [self.notified(version) for version in SDKS]
        self.fishjam.kill_router()
        for each in notified:
            each.next("lost")
            each.next("ready")
        self.fishjam.send("room_created")
        for each in notified:
            expected = decoded(each.version, sample("room_created"))[0]
            self.assertEqual(each.next("notification"), expected, each.version)

    def test_the_webhook_url_of_a_room_is_a_subscription_as_in_the_example_of_the_document(self):
        document = httpx.get(self.fishjam.url("/v1/openapi.json")).json()
        example = document["components"]["schemas"]["NewSubscription"]["examples"][0]
        room = decoded(OLDEST, sample("room_created"))[0][2]["roomId"]
        text = json.dumps(example).replace("rooms/5f2c", f"rooms/{room}")
        self.assertIn(room, text)
        with receiver() as (url, bodies):
            wanted = json.loads(text) | {"url": url, "order": "key"}
            made = httpx.post(self.fishjam.url("/v1/subscriptions"), headers=BEARER, json=wanted)
            self.assertEqual(made.status_code, 201, made.text)
            self.fishjam.send("room_created", "room_deleted")
            received = [bodies.get(timeout=PATIENCE_SECONDS) for _ in range(2)]
        self.assertEqual(received, [sample("room_created"), sample("room_deleted")])
        for version in SDKS:
            names = [each[1] for each in decoded(version, *received)]
            self.assertEqual(names, ["ServerMessageRoomCreated", "ServerMessageRoomDeleted"], version)


if __name__ == "__main__":
    unittest.main()

"""Notifications of a Fishjam server become events, and so do the times in which there was no connection to it."""

import json
import signal
import threading
import time
import unittest

from brokers import RETRY, Gateway
from launcher import HOST, binaries, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

CONNECTOR = "ingress-connector-0"
TOKEN = "development"
AUTHENTICATED, AUTH_REQUEST, SUBSCRIBE_REQUEST, SUBSCRIBE_RESPONSE, ROOM_CREATED, METRICS = 6, 7, 8, 9, 10, 12
"""Members of `ServerMessage`'s oneof (fishjam 0.6.3, `fishjam/server_notifications.proto`)."""
SERVER_CLASS, METRICS_CLASS = b"\x08\x01", b"\x08\x02"

fish: "Fish"
gateway: Gateway


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field; the tests have short ones only."""
    assert number < 16 and len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def room(name: str) -> bytes:
    return field(ROOM_CREATED, field(1, name.encode()))


class Fish:
    """The server's side of `lib/fishjam_web/server_socket.ex`. While `is_up` is false, whoever comes is turned away."""

    def __init__(self):
        self.is_up = True
        self.attempts: list[float] = []
        self._subscribers: set[ServerConnection] = set()
        self._server = serve(self._serve, HOST, 0, process_request=self._check)
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever).start()

    def close(self) -> None:
        self._server.shutdown()

    def _check(self, connection: ServerConnection, request):
        if request.path != "/socket/server/websocket":
            return connection.respond(404, "")
        if request.headers["Host"].startswith(HOST):
            self.attempts.append(time.monotonic())
        return None if self.is_up else connection.respond(503, "")

    def _serve(self, connection: ServerConnection) -> None:
        try:
            first = connection.recv()
            if first != field(AUTH_REQUEST, field(1, TOKEN.encode())):
                return connection.close(1000, "invalid token" if first[0] == AUTH_REQUEST << 3 | 2 else
                                        "invalid auth request")
            connection.send(field(AUTHENTICATED, b""))
            for request in connection:
                if request not in (field(SUBSCRIBE_REQUEST, SERVER_CLASS), field(SUBSCRIBE_REQUEST, METRICS_CLASS)):
                    return connection.close(1003, "operation not allowed")
                connection.send(field(SUBSCRIBE_RESPONSE, request[2:]))
                if request.endswith(METRICS_CLASS):
                    connection.send(field(METRICS, field(1, b"{}")))
                self._subscribers.add(connection)
        except ConnectionClosed:
            pass
        finally:
            self._subscribers.discard(connection)

    def announce(self, *names: str) -> None:
        """What nobody hears is lost."""
        for connection in self._subscribers.copy():
            for name in names:
                connection.send(room(name))

    def drop(self) -> None:
        """Ends every connection, as a restart does."""
        for connection in self._subscribers.copy():
            connection.close(1012, "restarting")


def connector(name: str, **more) -> dict:
    return {"name": name, "type": "fishjam", "source": "rooms", "token": "env:FISH_TOKEN"} | more


def setUpModule():
    global fish, gateway
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    fish = Fish()
    unittest.addModuleCleanup(fish.close)
    gateway = Gateway(
        folder,
        [{"name": "seen", "type": "file", "path": "seen.jsonl", "concurrency": 1, "retry": RETRY}],
        {"FISH_TOKEN": TOKEN},
        router={"file_destinations": "files"},
        sources=[{"name": "rooms", "provider": "fishjam"}],
        connectors=[
            connector("fish", url=f"ws://{HOST}:{fish.port}", metrics=True),
            connector("stranger", url=f"ws://localhost:{fish.port}", token="literal:wrong"),
        ],
    )
    (gateway.folder / "files").mkdir()
    unittest.enterModuleContext(gateway)


def seen() -> list[dict]:
    """The events so far, without those about metrics."""
    file = gateway.folder / "files" / "seen.jsonl"
    events = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [event for event in events if not event["type"].endswith("metrics.report")]


def subjects() -> list[str]:
    return [event["subject"] for event in seen()]


def is_up() -> bool:
    return gateway.metric(CONNECTOR, "tributary_connector_up", connector="fish") == 1


class Connected(unittest.TestCase):
    maxDiff = None

    def announced(self, *names: str) -> None:
        """Returns when all are events, in this order and each once."""
        until(is_up, "the connection")
        fish.announce(*names)
        until(lambda: f"rooms/{names[-1]}" in subjects(), names[-1])
        self.assertEqual([each for each in subjects() if each.removeprefix("rooms/") in names],
                         [f"rooms/{name}" for name in names])

    def gap_before(self, name: str) -> dict:
        """The event that stands before the room's."""
        found = seen()
        return found[[each["subject"] for each in found].index(f"rooms/{name}") - 1]

    def test_notifications_are_events_in_their_order(self):
        self.announced(*(f"order-{n}" for n in range(100)))
        event = next(each for each in seen() if each["subject"] == "rooms/order-0")
        self.assertEqual(event["type"], "dev.tributary.room.created")

    def test_what_was_missed_between_two_connections_is_an_event_before_the_next_notification(self):
        self.announced("before-drop")
        fish.is_up = False
        fish.drop()
        until(lambda: not is_up(), "the end of the connection")
        fish.announce("lost")
        fish.attempts.clear()
        until(lambda: len(fish.attempts) >= 4, "more attempts")
        waits = [later - earlier for earlier, later in zip(fish.attempts, fish.attempts[1:], strict=False)]
        fish.is_up = True
        self.announced("after-drop")
        self.assertNotIn("rooms/lost", subjects())
        gap = self.gap_before("after-drop")
        self.assertEqual(gap["type"], "dev.tributary.connector.gap")
        self.assertEqual(gap["subject"], "connectors/fish")
        self.assertIn("1012: restarting", gap["data"]["reason"])
        self.assertLess(gap["data"]["from"], gap["data"]["to"])
        # A quarter of a second, doubled each time; half of it is chance.
        for number, wait in enumerate(waits):
            self.assertGreaterEqual(wait, 0.125 * 2 ** number)

    def test_a_killed_connector_says_what_it_may_have_missed(self):
        self.announced("before-kill")
        connections = len(fish.attempts)
        gateway.send(signal.SIGKILL, CONNECTOR)
        until(lambda: len(fish.attempts) > connections, "the next connection")
        until(lambda: any(each["data"].get("reason") == "the connector was not running" for each in seen()), "the gap")
        self.announced("after-kill")

    def test_a_wrong_token_is_said_clearly_and_never_written_down(self):
        log = gateway.run_dir / f"{CONNECTOR}.log"
        sentence = "connector stranger: the server does not know the token (invalid token)"
        until(lambda: sentence in log.read_text(), "the sentence")
        self.assertNotIn("literal:", log.read_text())
        self.assertEqual(gateway.metric(CONNECTOR, "tributary_connector_up", connector="stranger"), 0)


if __name__ == "__main__":
    unittest.main()

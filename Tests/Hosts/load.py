"""Webhooks into the front door on one host, one sender per call, and what comes of them to subscribers on others."""

import hashlib
import hmac
import http.client
import http.server
import itertools
import json
import socket
import threading
import unittest
from collections import defaultdict

from hosts import DOOR_PORT, HOST, KEY_ID, SECRET, SINK_PORT, Network
from launcher import PATIENCE_SECONDS, until

CALLS = 8
MARK = "these words must not be on the wire"


class Sink:
    """The subscriber, on a router's host: the numbers that came, for each call in their order."""

    def __init__(self, network: Network, host: str):
        self.numbers: dict[int, list[int]] = defaultdict(list)
        self.count = 0
        sink = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                sink.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = network.call(host, http.server.ThreadingHTTPServer, (HOST, SINK_PORT), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, event: dict) -> None:
        number = event["data"]["number"]
        self.numbers[number % CALLS].append(number)
        self.count += 1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Sender:
    """Posts webhooks one after another, those of one call; each must be taken."""

    def __init__(self, network: Network, source: str, call: int, first_number: int):
        self._network, self._source, self._call, self._first_number = network, source, call, first_number
        self.sent: list[int] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._is_over = True
        self._thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(HOST, DOOR_PORT, timeout=PATIENCE_SECONDS)
        connection.sock = self._network.call("edge", socket.create_connection, (HOST, DOOR_PORT))
        while not self._is_over:
            number = self._first_number + len(self.sent) * CALLS + self._call
            body = json.dumps(
                {
                    "type": "call.session_participant_joined", "call_cid": f"default:{self._call}", "session_id": "s",
                    "created_at": "2026-10-05T14:49:14Z", "number": number, "words": MARK,
                }
            ).encode()  # fmt: skip
            signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            head = {"Content-Type": "application/json", "X-API-KEY": KEY_ID, "X-SIGNATURE": signature,
                    "X-WEBHOOK-ID": f"id-{number}", "X-WEBHOOK-ATTEMPT": "1"}
            connection.request("POST", f"/in/{self._source}", body, head)
            response = connection.getresponse()
            response.read()
            if not 200 <= response.status < 300:
                raise AssertionError(f"{number} was answered {response.status}")
            self.sent.append(number)
        connection.close()


class Load:
    """Senders of all calls, which take turns at the sources; at the end everything that was taken must have come to the
    sink of its source, in order, and nothing else."""

    _first_numbers = itertools.count(10_000_000, 10_000_000)

    def __init__(self, test: unittest.TestCase, network: Network, sinks: dict[str, Sink]):
        first = next(self._first_numbers)
        sources = list(sinks)
        self._test, self._sinks = test, [sinks[sources[call % len(sources)]] for call in range(CALLS)]
        self._senders = [Sender(network, sources[call % len(sources)], call, first) for call in range(CALLS)]
        for sink in sinks.values():
            sink.numbers.clear()

    def __enter__(self):
        for sender in self._senders:
            sender.__enter__()
        return self

    def __exit__(self, kind, *_) -> None:
        for sender in self._senders:
            sender.__exit__()
        if kind:
            return
        for call, (sender, sink) in enumerate(zip(self._senders, self._sinks, strict=True)):
            self._test.assertTrue(sender.sent)
            until(lambda: sink.numbers[call][-1:] == sender.sent[-1:], f"the last webhook of call {call}")  # noqa: B023
            self._test.assertEqual(list(dict.fromkeys(sink.numbers[call])), sender.sent)
            for other in set(self._sinks) - {sink}:
                self._test.assertEqual(other.numbers[call], [])

    @property
    def count(self) -> int:
        return sum(len(sender.sent) for sender in self._senders)

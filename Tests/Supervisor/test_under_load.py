"""Every stage is restarted and scaled while webhooks come steadily: a real pipeline under the real supervisor."""

import asyncio
import http.client
import json
import re
import sys
import threading
import time
import unittest
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import webhook  # noqa: E402
from benchmark.pipeline import Pipeline, Shape  # noqa: E402
from launcher import HOST, binaries, free_port, new_folder, until  # noqa: E402
from supervision.health import ask  # noqa: E402

BINARIES = binaries()
CONNECTIONS, PER_SECOND = 16, 300
STEPS = (("restart", "router"), ("restart", "normaliser"), ("restart", "verifier"), ("restart", "ingress"),
         ("scale", "normaliser", "8"), ("restart", "normaliser"), ("scale", "verifier", "3"), ("scale", "ingress", "2"),
         ("restart", "ingress"), ("scale", "ingress", "1"), ("scale", "verifier", "1"), ("scale", "normaliser", "1"))
NUMBER = re.compile(rb"0{20}(\d{16})")
"""The webhook's number, where `webhook.body` puts it."""


@dataclass(frozen=True)
class Sent:
    number: int
    at: float
    seconds: float
    outcome: int | str  # the status, or why there is none
    journal: str = ""
    sequence: int = 0


class Load:
    """Numbered webhooks over keep-alive connections at a steady rate.

    Where a kept connection ends without an answer, its webhook is sent once more on a new one, as senders of webhooks
    do: a draining ingress closes what has been idle for a moment, maybe just when a request is on its way. `crossings`
    counts these.
    """

    def __init__(self, pipeline: Pipeline):
        self._pipeline, self.sent, self.crossings, self._over = pipeline, [], 0, threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(each,)) for each in range(CONNECTIONS)]
        self._start = time.monotonic()
        for each in self._threads:
            each.start()

    def stop(self) -> list[Sent]:
        self._over.set()
        for each in self._threads:
            each.join()
        return self.sent

    def _send(self, number: int) -> None:
        connection = http.client.HTTPConnection(HOST, self._pipeline.port, timeout=60)
        while not self._over.wait(max(0.0, self._start + number / PER_SECOND - time.monotonic())):
            body = webhook.body(f"{number:036}")
            fields = webhook.fields(self._pipeline.stream_secret, HOST, body) | {"X-WEBHOOK-ID": f"{number:036}"}
            at, place = time.monotonic(), ("", 0)
            try:
                outcome, text = self._post(connection, body, fields)
                if outcome == 202:
                    journal, _, sequence = json.loads(text)["id"].rpartition("-")
                    place = (journal, int(sequence))
            except (OSError, http.client.HTTPException) as error:
                outcome = repr(error)
                connection.close()
            self.sent.append(Sent(number, at, time.monotonic() - at, outcome, *place))
            number += CONNECTIONS
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, body: bytes, fields: dict) -> tuple[int, bytes]:
        is_kept = connection.sock is not None
        try:
            connection.request("POST", webhook.PATH, body, fields)
            answer = connection.getresponse()
        except ConnectionError:  # nothing of an answer has come
            connection.close()
            if not is_kept:
                raise
            self.crossings += 1
            connection.request("POST", webhook.PATH, body, fields)
            answer = connection.getresponse()
        return answer.status, answer.read()


class Subscriber(ThreadingHTTPServer):
    """Notes when which webhook was delivered."""

    daemon_threads = True

    def __init__(self):
        self.delivered: list[tuple[float, int]] = []
        super().__init__((HOST, 0), self._handler())
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def _handler(subscriber):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                subscriber.delivered.append((time.monotonic(), int(NUMBER.search(body)[1])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


@unittest.skipUnless(BINARIES, "nothing is built")
class UnderLoad(unittest.TestCase):
    def setUp(self):
        self.subscriber = Subscriber()
        self.addCleanup(self.subscriber.server_close)
        self.addCleanup(self.subscriber.shutdown)
        subscription = {"name": "subscriber", "url": f"http://{HOST}:{self.subscriber.server_address[1]}/"}
        self.pipeline = Pipeline(BINARIES, new_folder("load"), free_port(), Shape(1, 1, 16), [subscription])
        self.enterContext(self.pipeline)

    def logged(self) -> list[int]:
        """The webhooks' numbers in the order of the event log."""
        numbers, cursor = [], ""
        while cursor is not None:
            target = f"/v1/events?order=asc&limit=1000{cursor and '&cursor='}{cursor}"
            page = asyncio.run(ask(self.pipeline.run_dir / "fanout-router-0.admin", target, 60)).tree
            numbers += [int(NUMBER.search(json.dumps(event).encode())[1]) for event in page["events"]]
            cursor = page.get("next_cursor")
        return numbers

    def test_no_restart_and_no_scaling_refuses_loses_doubles_or_reorders_a_webhook(self):
        load = Load(self.pipeline)
        self.addCleanup(load.stop)
        for step in STEPS:
            begin = time.monotonic()
            self.pipeline.supervisor(*step)
            done = len(self.subscriber.delivered)
            until(lambda: len(self.subscriber.delivered) > done + PER_SECOND, f"deliveries after {step}")  # noqa: B023
            self.tell(step, [each.seconds for each in load.sent if each.at + each.seconds >= begin],
                      [at for at, _ in self.subscriber.delivered if at >= begin])
        sent = load.stop()
        print(f"    {len(sent)} webhooks, {load.crossings} of them met an idle connection being closed")
        self.assertEqual(Counter(each.outcome for each in sent), {202: len(sent)})
        places = {each.number: each for each in sent}
        until(lambda: {number for _, number in self.subscriber.delivered} == places.keys(), "every delivery")
        logged = self.logged()
        self.assertEqual(len(logged), len(sent))
        self.assertEqual(set(logged), places.keys())
        for journal in {each.journal for each in sent}:
            sequences = [places[number].sequence for number in logged if places[number].journal == journal]
            self.assertEqual(sequences, sorted(sequences))

    def tell(self, step: tuple[str, ...], acknowledged: list[float], delivered: list[float]) -> None:
        p99 = sorted(acknowledged)[len(acknowledged) * 99 // 100]
        pause = max(after - before for before, after in zip(delivered, delivered[1:], strict=False))
        print(f"    {' '.join(step):22} acknowledgement p99 {p99 * 1e3:6.1f} ms, no delivery for {pause:.2f} s at most",
              flush=True)


if __name__ == "__main__":
    unittest.main()

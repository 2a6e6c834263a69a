"""Receivers that others wrote accept what the router sends, and refuse what somebody changed; the short retry policies
hold to the letter in real time."""

import base64
import datetime
import json
import re
import subprocess
import tempfile
import time
import unittest
from itertools import pairwise
from pathlib import Path
from unittest import mock

import standardwebhooks
import svix.webhooks
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from gateway import API_KEY, Gateway, Receiver, Request
from getstream.webhook import get_event_type, verify_signature
from launcher import binaries, until

SAMPLES = ("call.session_started", "call.session_participant_joined", "call.session_ended")
ONE = {"types": ["session.started"]}
"""Lets one of the three events through."""
OLD, NEW, THIRD = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2, 3))
SEED = bytes(range(32))
STREAM_SECRET = "secret of the application"
SLACK_SECONDS = 60
"""What a busy machine may add to a wait; nothing may be early."""
CLOCK_SECONDS = 0.002
"""What times that are written in milliseconds may hide."""

receiver: Receiver
gateway: Gateway
posted: dict[str, bytes]


def subscription(name: str, **more) -> dict:
    """One that goes to the receiver's path of the same name."""
    return {"name": name, "url": f"http://127.0.0.1:{receiver.port}/{name}"} | more


def failing(name: str, **more) -> dict:
    """One event alone, sent as Stream does."""
    signing = {"scheme": "stream", "api_key": "key-of-app", "secrets": [f"literal:{STREAM_SECRET}"]}
    return subscription(name, filter=ONE, retry="stream", format="original", signing=signing, **more)


def setUpModule():
    global receiver, gateway, posted
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    receiver = Receiver({
        "/answers-500": lambda _: 500, "/answers-404": lambda _: 404, "/answers-408": lambda _: 408,
        "/asks-to-wait": lambda number: (429, {"Retry-After": "3"}) if number == 1 else 204,
        "/resets": lambda _: "reset", "/is-silent": lambda _: "silence",
        "/recovers": lambda number: 503 if number < 3 else 204, "/is-gone": lambda _: 410,
        "/redirects": lambda _: (307, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}),
    })
    unittest.addModuleCleanup(receiver.close)
    standard = {"scheme": "standard-webhooks", "secrets": [f"literal:{OLD}", f"literal:{NEW}"]}
    key = {"scheme": "standard-webhooks", "secrets": ["literal:whsk_" + base64.b64encode(SEED).decode()]}
    stream = {"scheme": "stream", "api_key": API_KEY, "secrets": [f"literal:{STREAM_SECRET}"]}
    gateway = Gateway(folder, [
        subscription("rotating", signing=standard), subscription("ed25519", signing=key, filter=ONE),
        subscription("as-stream", format="original", signing=stream),
        subscription("binary", format="cloudevents-binary", signing={"scheme": "none"}),
        subscription("batch", mode={"batch": {"every": "1s", "max_events": 10}}, signing=standard),
        subscription("recovers", filter=ONE, signing=standard,
                     retry={"schedule": ["0s", "300ms", "1200ms", "5s"], "jitter": False}),
        *(failing(name) for name in ("answers-500", "answers-404", "answers-408", "asks-to-wait", "resets",
                                     "is-silent", "is-gone", "redirects")),
        failing("closed-port") | {"url": "http://127.0.0.1:1/"}, failing("inward") | {"url": "https://10.1.2.3/"},
        failing("unknown-name") | {"url": "https://receiver.invalid/"},
    ])
    unittest.enterModuleContext(gateway)
    posted = {sample: gateway.post(sample) for sample in SAMPLES}


def started(attempt: dict) -> datetime.datetime:
    return datetime.datetime.fromisoformat(attempt["started"])


class StandardWebhooks(unittest.TestCase):
    """The two libraries of the Standard Webhooks project and of Svix."""

    VERIFIERS = (standardwebhooks.Webhook, svix.webhooks.Webhook)

    def test_a_receiver_with_either_secret_accepts_every_delivery_while_they_are_rotated(self):
        for request in receiver.wait("/rotating", 3):
            for verifier in self.VERIFIERS:
                for secret in (OLD, NEW):
                    verifier(secret).verify(request.body, request.headers)

    def test_a_receiver_with_another_secret_refuses_it(self):
        self.refuses(receiver.wait("/rotating", 1)[0], THIRD)

    def test_what_was_changed_on_the_way_is_refused(self):
        request = receiver.wait("/rotating", 1)[0]
        for name, value in (("webhook-id", "evt_0000000000000000_1"), ("webhook-timestamp", str(int(time.time()) - 1)),
                            ("webhook-signature", "v1," + base64.b64encode(bytes(32)).decode())):
            changed = Request(request.path, request.headers | {name: value}, request.body, request.at)
            self.refuses(changed, NEW)
        self.refuses(Request(request.path, request.headers, request.body + b" ", request.at), NEW)

    def test_what_is_sent_again_after_five_minutes_is_refused(self):
        request = receiver.wait("/rotating", 1)[0]
        sent = datetime.datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), tz=datetime.UTC)
        for shift, is_accepted in ((299, True), (301, False), (-299, True), (-301, False)):
            with mock.patch("standardwebhooks.webhooks.datetime", wraps=datetime.datetime) as clock:
                clock.now.side_effect = lambda tz, shift=shift: sent + datetime.timedelta(seconds=shift)
                if is_accepted:
                    standardwebhooks.Webhook(NEW).verify(request.body, request.headers)
                else:
                    self.refuses(request, NEW)

    def test_a_batch_and_every_further_attempt_verify_too(self):
        for path, count in (("/batch", 1), ("/recovers", 3)):
            for request in receiver.wait(path, count):
                for verifier in self.VERIFIERS:
                    verifier(NEW).verify(request.body, request.headers)

    def test_openssl_accepts_the_asymmetric_signature_by_the_public_key(self):
        request = receiver.wait("/ed25519", 1)[0]
        version, _, signature = request.headers["webhook-signature"].partition(",")
        self.assertEqual(version, "v1a")
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        self.assertTrue(self.openssl_accepts(signed, base64.b64decode(signature)))
        self.assertFalse(self.openssl_accepts(signed + b" ", base64.b64decode(signature)))

    def refuses(self, request: Request, secret: str):
        for verifier in self.VERIFIERS:
            with self.assertRaises(standardwebhooks.WebhookVerificationError):
                verifier(secret).verify(request.body, request.headers)

    def openssl_accepts(self, signed: bytes, signature: bytes) -> bool:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            # A private key of RFC 8410 is these bytes and the seed.
            (folder / "key").write_bytes(bytes.fromhex("302e020100300506032b657004220420") + SEED)
            (folder / "signed").write_bytes(signed)
            (folder / "signature").write_bytes(signature)
            subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", "key", "-pubout", "-out", "public"],
                           cwd=folder, check=True)
            return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public", "-rawin", "-in",
                                   "signed", "-sigfile", "signature"], cwd=folder, capture_output=True).returncode == 0


class Stream(unittest.TestCase):
    """Stream's own Python library, and the headers that Stream documents. (The library's classes of events want times
    as numbers, but Stream's webhooks have texts there; so the bodies are only asked for their types.)"""

    def test_the_library_verifies_every_delivery_and_nothing_that_was_changed(self):
        requests = receiver.wait("/as-stream", 3)
        # What nobody but the provider should see is not kept: the key of a stream at the end of its address.
        sent = {re.sub(rb"rtmps://[^\"]*", b"[redacted]", body) for body in posted.values()}
        self.assertEqual({request.body for request in requests}, sent)
        for request in requests:
            signature = request.headers["x-signature"]
            self.assertTrue(verify_signature(request.body, signature, STREAM_SECRET))
            self.assertEqual(get_event_type(request.body), json.loads(request.body)["type"])
            self.assertFalse(verify_signature(request.body + b" ", signature, STREAM_SECRET))
            self.assertFalse(verify_signature(request.body, signature, "another secret"))

    def test_the_headers_name_the_app_the_webhook_and_the_attempt(self):
        requests = receiver.wait("/as-stream", 3)
        self.assertEqual({request.headers["x-api-key"] for request in requests}, {API_KEY})
        self.assertEqual({request.headers["x-webhook-attempt"] for request in requests}, {"1"})
        self.assertEqual(len({request.headers["x-webhook-id"] for request in requests}), 3)
        attempts = receiver.wait("/answers-500", 3)
        self.assertEqual([request.headers["x-webhook-attempt"] for request in attempts], ["1", "2", "3"])
        self.assertEqual(len({request.headers["x-webhook-id"] for request in attempts}), 1)
        self.assertEqual(len({request.headers["x-signature"] for request in attempts}), 1)


class CloudEvents(unittest.TestCase):
    """The SDK of the CloudEvents project."""

    def test_the_sdk_reads_structured_and_binary_deliveries_as_the_same_events(self):
        structured = [from_http_event(HTTPMessage(each.headers, each.body)) for each in receiver.wait("/rotating", 3)]
        binary = [from_http_event(HTTPMessage(each.headers, each.body)) for each in receiver.wait("/binary", 3)]
        self.assertEqual({request.headers["content-type"] for request in receiver.requests("/rotating")},
                         {"application/cloudevents+json"})
        self.assertEqual(self.contents(structured), self.contents(binary))
        self.assertEqual(len({event.get_id() for event in structured}), 3)

    def test_the_sdk_reads_every_event_of_a_batch(self):
        until(lambda: len(self.batched()) >= 3, "three events in batches")
        structured = [from_http_event(HTTPMessage(each.headers, each.body)) for each in receiver.wait("/rotating", 3)]
        batched = [JSONFormat().read(None, json.dumps(event)) for event in self.batched()]
        self.assertEqual(self.contents(structured), self.contents(batched))
        self.assertEqual({request.headers["content-type"] for request in receiver.requests("/batch")},
                         {"application/cloudevents-batch+json"})

    def batched(self) -> list[dict]:
        return [event for request in receiver.requests("/batch") for event in json.loads(request.body)]

    def contents(self, events) -> dict:
        return {event.get_id(): (event.get_type(), event.get_source(), event.get_subject(), event.get_time(),
                                 event.get_extension("partitionkey"), event.get_data()) for event in events}


class Schedules(unittest.TestCase):
    """Each policy against the real clock: never early, and late only as far as a busy machine is."""

    def holds(self, name: str, pauses: list[tuple[float, float]]) -> list[dict]:
        """The pauses between the attempts lie in these spans, every attempt came in, and there are no more of them."""
        count = len(pauses) + 1
        receiver.wait(f"/{name}", count)
        attempts = gateway.attempts(name, count)
        for (earlier, later), (shortest, longest) in zip(pairwise(attempts), pauses, strict=True):
            pause = (started(later) - started(earlier)).total_seconds() - earlier["duration_seconds"]
            self.assertGreaterEqual(pause, shortest - CLOCK_SECONDS)
            self.assertLessEqual(pause, longest + SLACK_SECONDS)
        until(lambda: gateway.is_idle(name), f"the end of {name}")
        self.assertEqual(len(receiver.requests(f"/{name}")), count)
        return attempts

    def test_server_errors_are_tried_three_times(self):
        for name in ("answers-500", "answers-408"):
            self.holds(name, [(0.5, 0.6), (1, 1.2)])

    def test_a_reset_connection_is_tried_twice(self):
        self.holds("resets", [(0.5, 0.6)])

    def test_other_answers_are_final_and_redirects_are_not_followed(self):
        for name in ("answers-404", "is-gone", "redirects"):
            self.holds(name, [])
        self.assertEqual(receiver.requests("/elsewhere"), [])

    def test_a_wait_that_the_receiver_asks_for_is_kept(self):
        self.holds("asks-to-wait", [(3, 3)])

    def test_a_silent_receiver_gets_six_seconds_thrice_and_fifteen_in_all(self):
        attempts = self.holds("is-silent", [(0.5, 0.6), (1, 1.2)])
        self.assertEqual([attempt["outcome"] for attempt in attempts], ["timeout"] * 3)
        for attempt in attempts[:2]:
            self.lasts(attempt["duration_seconds"], 6)
        total = (started(attempts[2]) - started(attempts[0])).total_seconds() + attempts[2]["duration_seconds"]
        self.lasts(total, 15)

    def lasts(self, found: float, seconds: float):
        self.assertGreaterEqual(found, seconds - CLOCK_SECONDS)
        self.assertLessEqual(found, seconds + SLACK_SECONDS)

    def test_a_custom_schedule_is_kept_with_one_id_and_a_new_timestamp_each(self):
        self.holds("recovers", [(0.3, 0.3), (1.2, 1.2)])
        requests = receiver.requests("/recovers")
        self.assertEqual(len({request.headers["webhook-id"] for request in requests}), 1)
        stamps = [int(request.headers["webhook-timestamp"]) for request in requests]
        self.assertEqual(stamps, sorted(stamps))
        self.assertLess(stamps[0], stamps[-1])


class Attempts(unittest.TestCase):
    """What the control API says of attempts."""

    def test_each_attempt_says_how_far_it_came_and_what_was_answered(self):
        expected = {
            "recovers": ([("answered", "status", 503)] * 2 + [("answered", "delivered", 204)]),
            "answers-404": [("answered", "status", 404)], "redirects": [("answered", "redirect", 307)],
            "resets": [("answer", "connection_closed", None)] * 2, "is-silent": [("answer", "timeout", None)] * 3,
            "closed-port": [("connect", "connect_failed", None)] * 2,
            "inward": [("resolve", "address_refused", None)] * 2,
            "unknown-name": [("resolve", "name_not_resolved", None)] * 2,
        }
        for name, rows in expected.items():
            with self.subTest(subscription=name):
                attempts = gateway.attempts(name, len(rows))
                self.assertEqual([(each["phase"], each["outcome"], each["status"]) for each in attempts], rows)
                self.assertEqual([each["number"] for each in attempts], list(range(1, len(rows) + 1)))
        self.assertEqual(gateway.attempts("answers-404", 1)[0]["answer"], "answered 404")
        self.assertIsNone(gateway.attempts("is-silent", 3)[0]["answer"])


if __name__ == "__main__":
    unittest.main()

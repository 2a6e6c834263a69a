"""What others publish, on its way to watchers and subscribers: custom events sent to calls with Stream's SDK as it
is, and CloudEvents made with PyPI's cloudevents."""

import json
import sys
import unittest
import warnings
from datetime import UTC, datetime
from pathlib import Path

import httpx
import httpx_sse
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import from_json
from getstream import Stream
from getstream.exceptions import StreamApiException
from getstream.webhook import parse_webhook_event, verify_signature
from watching import BEARER, HOST, PATIENCE_SECONDS, Watched, binaries, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Receivers"))

from gateway import Receiver  # noqa: E402

APP, SECRET = "key123", "the secret of the app, 32 bytes or more"
PUBLISHER = {"Authorization": "Bearer the-token-of-a-publisher"}
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"

watched: Watched
receiver: Receiver


def setUpModule():
    global watched, receiver
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("the executables are not built")
    receiver = Receiver({})
    unittest.addModuleCleanup(receiver.close)
    watched = unittest.enterModuleContext(Watched(folder, sources=[
        {"name": "calls", "provider": "stream-calls", "secrets": [{"id": APP, "value": f"literal:{SECRET}"}]},
        {"name": "events", "provider": "cloudevents",
         "verification": {"scheme": "header", "name": "Authorization", "prefix": "Bearer "},
         "secrets": [{"value": "literal:the-token-of-a-publisher"}]},
    ], subscriptions=[
        {"name": "app", "url": f"http://{HOST}:{receiver.port}/app", "filter": {"sources": ["calls"]},
         "format": "original", "signing": {"scheme": "stream", "api_key": APP, "secrets": [f"literal:{SECRET}"]}},
        {"name": "reader", "url": f"http://{HOST}:{receiver.port}/reader", "filter": {"sources": ["events"]},
         "format": "cloudevents-binary", "signing": {"scheme": "none"}},
    ]))


def events(subject: str, count: int) -> list[dict]:
    """The events of a subject, oldest first, once there are so many."""
    def found() -> list[dict]:
        return watched.pull(**{"from": "earliest"}, subject=subject, wait="0s", limit=1000)["events"]
    return until(lambda: len(page := found()) >= count and page, f"{count} events about {subject}")


class CustomEvents(unittest.TestCase):
    """Stream's SDK, sent to a source with `base_url`."""

    def client(self, key: str = APP, path: str = "/in/calls", **proof: str) -> Stream:
        client = Stream(api_key=key, base_url=f"http://{HOST}:{watched.port}{path}", timeout=PATIENCE_SECONDS,
                        **(proof or {"api_secret": SECRET}))
        self.addCleanup(client.close)
        return client

    def refused(self, client: Stream, status: int, code: int, call: str = "one", **more) -> StreamApiException:
        with self.assertRaises(StreamApiException) as caught:
            client.video.call("livestream", call).send_call_event(**more)
        error = caught.exception
        self.assertEqual((error.status_code, error.code), (status, code), error.message)
        return error

    def test_an_event_reaches_every_watcher_and_subscriber_with_its_call_as_the_subject(self):
        with watched.socket("cloudevents.json", query="?subject=calls/livestream:room%2042") as connection:
            answer = self.client().video.call("livestream", "room 42").send_call_event(
                user_id="john", custom={"render-animation": "balloons"})
            self.assertEqual(answer.status_code(), 201)
            self.assertRegex(answer.data.duration, r"^\d+\.\d\dms$")
            seen = from_json(connection.recv(timeout=PATIENCE_SECONDS))
        url = watched.url("/v1/events/stream?from=earliest&subject=calls/livestream:room%2042")
        with httpx.Client(timeout=PATIENCE_SECONDS) as client, \
                httpx_sse.connect_sse(client, "GET", url, headers=BEARER) as source:
            sent = next(source.iter_sse())
        self.assertEqual(sent.event, "dev.tributary.custom.event")
        self.assertEqual(from_json(sent.data), seen)
        self.assertEqual((seen["type"], seen["subject"], seen["source"], seen["partitionkey"]),
                         ("dev.tributary.custom.event", "calls/livestream:room 42", "/sources/calls",
                          "livestream:room 42"))
        request = until(lambda: next((each for each in receiver.requests("/app") if b"room 42" in each.body), None),
                        "the webhook")
        self.assertTrue(verify_signature(request.body, request.headers["x-signature"], SECRET))
        self.assertEqual(json.loads(request.body), seen.data)
        with warnings.catch_warnings(action="ignore"):  # of a user only the id is known
            event = parse_webhook_event(request.body)
        self.assertEqual((event.type, event.call_cid, event.custom, event.user.id),
                         ("custom", "livestream:room 42", {"render-animation": "balloons"}, "john"))

    def test_the_same_event_sent_twice_is_two_events(self):
        for _ in range(2):
            self.client().video.call("default", "twice").send_call_event(user_id="john", custom={"n": 1})
        found = events("calls/default:twice", 2)
        self.assertEqual(len({event["id"] for event in found}), 2)

    def test_tokens_of_users_and_calls_hold_for_what_they_name(self):
        server = self.client()
        john = self.client(token=server.create_token("john", expiration=3600))
        for more in ({"user_id": "john"}, {}):
            john.video.call("default", "mine").send_call_event(custom={"a": 1}, **more)
        self.assertEqual([event["data"]["user"]["id"] for event in events("calls/default:mine", 2)], ["john"] * 2)
        self.refused(john, 403, 17, user_id="jane", custom={})
        calls = self.client(token=server.create_call_token("john", call_cids=["livestream:one"]))
        calls.video.call("livestream", "one").send_call_event(custom={})
        self.refused(calls, 403, 17, call="other", custom={})
        self.refused(self.client(token=server.create_token("john", expiration=-60)), 401, 40, custom={})

    def test_errors_have_the_shape_and_the_codes_of_stream(self):
        mismatch = self.refused(self.client(api_secret="another secret of 32 bytes or more"), 401, 5, custom={})
        self.assertTrue(mismatch.message.startswith("signature_mismatch: "), mismatch.message)
        self.assertRegex(mismatch.api_error.duration, r"^\d+\.\d\dms$")
        self.refused(self.client(token="no.token"), 401, 5, custom={})
        self.refused(self.client(key="key124"), 401, 2, custom={})
        self.refused(self.client(path="/in/calls/v3"), 404, 16, custom={})
        self.refused(self.client(), 404, 16, call="x" * 257, custom={})
        for size in (5120, 2 << 20):
            large = self.refused(self.client(), 400, 4, custom={"a": "x" * size})
            self.assertTrue(large.message.startswith("body_too_large: "), large.message)
        self.client().video.call("livestream", "one").send_call_event(custom={"a": "x" * 5000})

    def test_the_requests_of_older_sdks_are_taken(self):
        """getstream 1.4.1: a token with `iat`, and `user` null."""
        token = self.client()._create_token(iat=int(datetime.now(UTC).timestamp()))
        answer = httpx.post(
            f"http://{HOST}:{watched.port}/in/calls/api/v2/video/call/default/older/event?api_key={APP}",
            headers={"Authorization": token, "stream-auth-type": "jwt"},
            json={"user_id": "john", "user": None, "custom": {"a": 1}}, timeout=PATIENCE_SECONDS)
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(events("calls/default:older", 1)[0]["data"]["user"], {"id": "john"})


class Published(unittest.TestCase):
    """CloudEvents posted to a source."""

    def post(self, message: HTTPMessage, **fields: str) -> httpx.Response:
        return httpx.post(f"http://{HOST}:{watched.port}/in/events", content=message.body,
                          headers=message.headers | PUBLISHER | fields, timeout=PATIENCE_SECONDS)

    def publish(self, message: HTTPMessage) -> None:
        self.assertEqual(self.post(message).status_code, 202)

    def structured(self, *members: dict) -> HTTPMessage:
        """Events in the JSON format, written by hand; several are a batch."""
        whole = [{"specversion": "1.0", "source": "/tests", "type": "com.example.made"} | each for each in members]
        return HTTPMessage({"content-type": STRUCTURED}, json.dumps(whole[0]).encode()) if len(whole) == 1 else \
            HTTPMessage({"content-type": BATCH}, json.dumps(whole).encode())

    @staticmethod
    def event(number: str, data: object, **attributes: object) -> CloudEvent:
        return CloudEvent({
            "id": number, "source": "urn:example:rooms", "type": "com.example.poll.answered",
            "time": datetime(2026, 11, 2, 12, 0, tzinfo=UTC)} | attributes, data)

    def read(self, number: str) -> CloudEvent:
        """An event as the webhook subscriber gets it, in binary mode."""
        request = until(lambda: next((each for each in receiver.requests("/reader")
                                      if each.headers["ce-id"] == number), None), f"the delivery of {number}")
        return from_http_event(HTTPMessage(request.headers, request.body))

    def quarantined(self, code: str, detail: str) -> list[dict]:
        """What was refused for that reason, once there is something."""
        def found() -> list[dict]:
            page = httpx.get(watched.url("/v1/quarantine"), params={"source": "events", "code": code}, headers=BEARER)
            return [each for each in page.json()["quarantine"] if detail in (each["detail"] or "")]
        return until(found, f"{code} with {detail!r}")

    def test_structured_and_binary_events_arrive_as_they_were_published(self):
        for write, mode in ((to_structured_event, "structured"), (to_binary_event, "binary")):
            sent = self.event(
                mode, {"answer": 42, "text": "café"}, subject="polls/é €", datacontenttype="application/json",
                dataschema="https://example.com/poll", tenant='a "b" 50%')
            self.publish(write(sent))
            got = self.read(mode)
            for name, value in sent.get_attributes().items():
                self.assertEqual(got.get_attributes()[name], value, f"{mode} {name}")
            self.assertEqual(got.get_data(), sent.get_data())
            self.assertEqual(got.get_extension("provider"), "cloudevents")
        self.assertEqual(events("polls/é €", 2)[0]["data"], {"answer": 42, "text": "café"})

    def test_data_that_is_not_json_arrives_byte_for_byte(self):
        for write, mode in ((to_structured_event, "bytes-structured"), (to_binary_event, "bytes-binary")):
            self.publish(write(self.event(mode, b"\x00\xff{", datacontenttype="application/x-thing; a=b")))
            got = self.read(mode)
            self.assertEqual((got.get_data(), got.get_datacontenttype()), (b"\x00\xff{", "application/x-thing; a=b"))

    def test_a_batch_is_as_many_events_in_their_order(self):
        batch = b",".join(JSONFormat().write(self.event(f"b-{n}", n, subject="batches/1")) for n in range(1000))
        self.publish(HTTPMessage({"content-type": BATCH}, b"[" + batch + b"]"))
        self.assertEqual([event["data"] for event in events("batches/1", 1000)], list(range(1000)))
        self.publish(HTTPMessage({"content-type": BATCH}, b"[]"))
        self.publish(self.structured(*({"id": f"many-{n}", "subject": "batches/many"} for n in range(1001))))
        self.quarantined("too_many_elements", "")
        self.publish(self.structured({"id": "good", "subject": "batches/2"}, {"id": ""}, {"id": "x", "Big": "y"}))
        self.quarantined("attribute_invalid", "`Big`")
        self.assertEqual([event["id"] for event in events("batches/2", 1)], ["good"])
        self.assertEqual(watched.pull(**{"from": "earliest"}, subject="batches/many", wait="0s")["events"], [])

    def test_an_id_counts_once_within_its_source(self):
        for source in ("/a", "/b", "/a"):
            self.publish(self.structured({"id": "same", "source": source, "subject": "ids/1"}))
        self.publish(self.structured(*({"id": "pair", "subject": "ids/1"} for _ in range(2))))
        self.publish(self.structured({"id": "last", "subject": "ids/1"}))
        until(lambda: any(event["id"] == "last" for event in events("ids/1", 1)), "the last event")
        self.assertEqual([(event["id"], event["source"]) for event in events("ids/1", 4)],
                         [("same", "/a"), ("same", "/b"), ("pair", "/tests"), ("last", "/tests")])

    def test_nobody_publishes_without_the_proof_that_the_source_asks_for(self):
        answer = self.post(self.structured({"id": "a"}), Authorization="Bearer wrong")
        self.assertEqual(answer.status_code, 401)

    def test_what_would_pass_as_something_else_is_refused_by_name(self):
        wrong = {
            "datacontenttype": ["text/plain\r\nX-Forged: 1", "text/plain\nX-Forged: 1", "application/cloudevents+json",
                                "text/plain, application/cloudevents+json", "none"],
            "type": ["dev.tributary.participant.joined"], "source": ["/sources/stream", "a b\r\nc"],
            "sequence": ["1"], "provider": ["stream"], "subject": ["a\r\nX-Forged: 1"], "traceparent": ["x\r\ny: z"],
            "tenant\r\nx": ["a"], "time": ["now"], "id": ["", "x" * 1025],
        }
        for name, values in wrong.items():
            for value in values:
                self.publish(self.structured({"id": "wrong", "data": "x"} | {name: value}))
                self.quarantined("attribute_invalid" if value else "attribute_missing", f"`{name}`")
        self.publish(HTTPMessage({"ce-id": "wrong", "ce-specversion": "1.0", "ce-source": "/tests", "ce-type": "a",
                                  "ce-subject": "a%0d%0aX-Forged: 1", "content-type": "text/plain"}, b"x"))
        self.publish(self.structured({"id": "after", "subject": "after", "datacontenttype": "text/plain", "data": "x"}))
        self.assertEqual(self.read("after").get_data(), "x")
        for request in receiver.requests("/reader"):
            self.assertNotEqual(request.headers["ce-id"], "wrong")
            self.assertNotIn("x-forged", request.headers)


if __name__ == "__main__":
    unittest.main()

"""Events reach streams of NATS JetStream once and in order while broker and router are killed; nats-py reads them."""

import json
import shutil
import time
import unittest

import nkeys
from brokers import RETRY, Gateway, Streams
from launcher import binaries, new_folder, until

EVENTS = 1500
KILLS = (300, 600)
BACK_SECONDS = 60.0
"""What a busy machine may take after a broker's return; the documents promise five seconds."""
PASSWORD, SEED = "pass word", b"SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"
LOGIN = {"user": "router", "password": PASSWORD}

streams: Streams
gateway: Gateway


def subscription(name: str, **more) -> dict:
    login = {"username": "router", "password": "env:NATS_PASSWORD"}
    return {
        "name": name,
        "type": "nats",
        "servers": [streams.url],
        "retry": RETRY,
        "login": login,
        "publish_subject": f"{name}.{{source}}.{{type}}",
    } | more


def setUpModule():
    global streams, gateway
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    key = nkeys.from_seed(SEED).public_key.decode()
    permissions = 'publish: { deny: "forbidden.>" }'
    place = new_folder("nats")
    unittest.addModuleCleanup(shutil.rmtree, place)
    streams = Streams(
        place,
        f"""
        authorization {{ users: [
            {{ user: router, password: {json.dumps(PASSWORD)}, permissions: {{ {permissions} }} }}
            {{ nkey: {key} }} ] }}""",
    )
    unittest.addModuleCleanup(streams.kill)
    for name in ("ordered", "binary", "nkey", "forbidden"):
        streams.stream(name, f"{name}.>", **LOGIN)
    gateway = Gateway(
        folder,
        [
            subscription("ordered", order="key"),
            subscription("binary", format="cloudevents-binary"),
            subscription("nkey", login={"nkey": key, "nkey_seed": "env:NATS_SEED"}),
            subscription("wrong", login={"token": "literal:wrong"}),
            subscription("forbidden", timeout="2s"),
            subscription("nowhere"),
        ],
        {"NATS_PASSWORD": PASSWORD, "NATS_SEED": SEED.decode()},
    )
    unittest.enterModuleContext(gateway)


class Streamed(unittest.TestCase):
    maxDiff = None

    def test_all_events_are_in_the_stream_once_and_in_order_although_broker_and_router_were_killed(self):
        with gateway.posting(range(EVENTS)):
            for kill in KILLS:
                until(lambda kill=kill: streams.count("ordered", **LOGIN) >= kill, f"{kill} events in the stream")
                streams.kill()
                streams.start()
                back = time.monotonic()
                before = streams.count("ordered", **LOGIN)
                until(lambda before=before: streams.count("ordered", **LOGIN) > before, "the next event", BACK_SECONDS)
                print(f"the broker was back, and {time.monotonic() - back:.2f} s later the next event was there")
                gateway.kill_router()
        until(lambda: streams.count("ordered", **LOGIN) >= EVENTS, "all events in the stream")
        found = streams.read("ordered", **LOGIN)
        events = [json.loads(each.data) for each in found]
        self.assertEqual(sorted(event["data"]["number"] for event in events), list(range(EVENTS)))
        calls: dict[str, list[int]] = {}
        for message, event in zip(found, events, strict=True):
            self.assertEqual(message.subject, "ordered.stream.participant.joined")
            self.assertEqual(message.headers["Nats-Msg-Id"], event["id"])
            self.assertEqual(message.headers["content-type"], "application/cloudevents+json")
            calls.setdefault(event["partitionkey"], []).append(event["data"]["number"])
        self.assertEqual([numbers == sorted(numbers) for numbers in calls.values()], [True] * 5)

    def test_binary_events_have_their_attributes_in_header_fields(self):
        until(lambda: streams.count("binary", **LOGIN) >= EVENTS, "all events in the stream")
        for message in streams.read("binary", **LOGIN)[:20]:
            data = json.loads(message.data)
            self.assertEqual(message.headers["ce-id"], f"id-{data['number']}")
            self.assertEqual(message.headers["ce-specversion"], "1.0")
            self.assertEqual(message.headers["ce-type"], "dev.tributary.participant.joined")
            self.assertEqual(message.headers["content-type"], "application/json")

    def test_an_nkey_opens_the_door_too(self):
        until(lambda: streams.count("nkey", **LOGIN) >= EVENTS, "all events in the stream")

    def test_what_a_server_refuses_is_said_in_a_word(self):
        words = {name: gateway.outcome(name)["outcome"] for name in ("wrong", "forbidden", "nowhere")}
        self.assertEqual(words, {"wrong": "access_denied", "forbidden": "access_denied", "nowhere": "no_such_queue"})


if __name__ == "__main__":
    unittest.main()

"""Events reach queues of SQS, signed so that a server which checks believes it; boto3 reads them."""

import json
import unittest
from itertools import pairwise

from brokers import REGION, RETRY, Gateway, Queues
from cloudevents.core.formats.json import JSONFormat
from launcher import binaries

EVENTS = 120
KILLS = (30, 60, 90)
"""How many webhooks are posted when the router is killed; the others follow at once."""

queues: Queues
gateway: Gateway
urls: dict[str, str]


def subscription(name: str, queue_url: str, secret: str = "env:AWS_SECRET", **more) -> dict:
    return {
        "name": name,
        "type": "sqs",
        "queue_url": queue_url,
        "region": REGION,
        "retry": RETRY,
        "credentials": {"access_key_id": "env:AWS_KEY_ID", "secret_access_key": secret},
    } | more


def setUpModule():
    global queues, gateway, urls
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    queues = Queues()
    unittest.addModuleCleanup(queues.kill)
    urls = {name: queues.queue(name) for name in ("events", "events.fifo")}
    # The queue's URL may name a host that is not the one to ask: an emulator's, a VPC endpoint's.
    elsewhere = f"https://sqs.{REGION}.amazonaws.com/123456789012/events"
    gateway = Gateway(
        folder,
        [
            subscription("standard", elsewhere, endpoint=queues.url),
            subscription("fifo", urls["events.fifo"], order="key"),
            subscription("missing", f"{queues.url}/123456789012/missing"),
            subscription("denied", urls["events"], secret="literal:not-the-secret"),
        ],
        {"AWS_KEY_ID": queues.key_id, "AWS_SECRET": queues.secret},
    )
    unittest.enterModuleContext(gateway)
    for start, end in pairwise((0, *KILLS, EVENTS)):
        gateway.post(range(start, end))
        if end < EVENTS:
            gateway.kill_router()


class Queued(unittest.TestCase):
    maxDiff = None

    def test_all_events_arrive_although_the_router_was_killed_and_those_of_a_call_in_order(self):
        found = queues.receive(urls["events.fifo"], lambda found: len({each["Body"] for each in found}) >= EVENTS)
        events = [json.loads(message["Body"]) for message in found]
        self.assertEqual({event["id"] for event in events}, {f"id-{n}" for n in range(EVENTS)})
        calls: dict[str, list[int]] = {}
        for message, event in zip(found, events, strict=True):
            attributes = message["Attributes"]
            self.assertEqual(attributes["MessageGroupId"], event["partitionkey"])
            self.assertEqual(attributes["MessageDeduplicationId"], event["id"])
            calls.setdefault(event["partitionkey"], []).append(event["data"]["number"])
        self.assertEqual(len(calls), 5)
        for numbers in calls.values():
            self.assertEqual(list(dict.fromkeys(numbers)), sorted(set(numbers)))

    def test_a_message_is_a_cloudevent_with_attributes_to_select_by(self):
        found = queues.receive(urls["events"], lambda found: len({each["Body"] for each in found}) >= EVENTS)
        for message in found:
            event = JSONFormat().read(None, message["Body"])
            attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            body = json.loads(message["Body"])
            self.assertEqual(
                attributes, {f"ce-{name}": body[name] for name in ("type", "source", "id", "subject", "time")}
            )
            self.assertEqual(event.get_id(), attributes["ce-id"])
            self.assertNotIn("MessageGroupId", message["Attributes"])

    def test_what_a_queue_refuses_is_said_in_a_word_and_a_sentence(self):
        missing, denied = gateway.outcome("missing"), gateway.outcome("denied")
        self.assertEqual((missing["outcome"], denied["outcome"]), ("no_such_queue", "access_denied"))
        self.assertEqual(missing["phase"], "answered")
        self.assertIn("QueueDoesNotExist", missing["detail"])
        self.assertEqual(denied["detail"], "status 403")  # moto answers in XML; SQS says SignatureDoesNotMatch


if __name__ == "__main__":
    unittest.main()

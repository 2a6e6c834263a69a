"""Webhooks come out of queues of SQS, into which boto3 puts them, as they would come over HTTP: all, once, in order."""

import base64
import gzip
import hashlib
import hmac
import json
import os
import signal
import threading
import unittest
from itertools import pairwise

from brokers import API_KEY, API_SECRET, REGION, RETRY, Gateway, Queues
from launcher import binaries, until
from supervision import service

EVENTS, GROUPS, KILLS = 300, 5, (40, 150)
HELD, HELD_BYTES = 160, 60_000
"""So many messages of that size are more than a journal of 16 MiB takes, which keeps a third of it free."""
VISIBILITY_SECONDS = 2
CONNECTORS = ("ingress-connector-0", "ingress-connector-1")

queues: Queues
gateway: Gateway
urls: dict[str, str]


def setUpModule():
    global queues, gateway, urls
    folder = binaries()
    if folder is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    queues = Queues()
    unittest.addModuleCleanup(queues.kill)
    names = ("forms", "forms.fifo", "killed.fifo", "held.fifo", "kept")
    urls = {name: queues.queue(name, VISIBILITY_SECONDS) for name in names}
    key_id, secret = queues.user("reader", "sqs:ReceiveMessage")
    gateway = Gateway(
        folder,
        [{"name": "seen", "type": "file", "path": "seen.jsonl", "order": "key", "retry": RETRY}],
        {"AWS_KEY_ID": queues.key_id, "AWS_SECRET": queues.secret, "READER_ID": key_id, "READER_SECRET": secret},
        router={"file_destinations": "files"},
        connector={"instances": 1},
        connectors=[
            connector("forms", urls["forms"]),
            connector("fifo", urls["forms.fifo"]),
            connector("killed", urls["killed.fifo"]),
            connector("held", urls["held.fifo"]),
            connector("kept", urls["kept"], "READER_ID", "READER_SECRET"),
            connector("missing", f"{queues.url}/123456789012/missing"),
        ],
        ingress={"disk_budget_bytes": 16 << 20},
    )
    (gateway.folder / "files").mkdir()
    unittest.enterModuleContext(gateway)
    # All that follows runs with connectors that were divided anew.
    tree = json.loads(gateway.file.read_text()) | {"connector": {"instances": len(CONNECTORS)}}
    gateway.file.write_text(json.dumps(tree))
    gateway.supervisor("reload")


def connector(name: str, queue_url: str, key_id: str = "AWS_KEY_ID", secret: str = "AWS_SECRET") -> dict:
    credentials = {"access_key_id": f"env:{key_id}", "secret_access_key": f"env:{secret}"}
    return {
        "name": name,
        "type": "sqs",
        "source": "stream",
        "queue_url": queue_url,
        "region": REGION,
        "credentials": credentials,
    }


def webhook(number: int, padding: int = 0, group: int = 0) -> str:
    return json.dumps(
        {
            "type": "call.session_participant_joined",
            "call_cid": f"default:{group}",
            "session_id": "s",
            "created_at": "2026-10-05T14:49:14Z",
            "number": number,
            "padding": "x" * padding,
        }
    )


def attributes(**values: str) -> dict:
    return {
        name.replace("_", "-"): {"DataType": "String", "StringValue": value} for name, value in values.items()
    }


def signature(body: str, secret: str = API_SECRET) -> str:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def seen() -> list[dict]:
    """The events so far."""
    file = gateway.folder / "files" / "seen.jsonl"
    return [json.loads(line) for line in file.read_text().rpartition("\n")[0].splitlines()] if file.exists() else []


def numbers(first: int, last: int) -> list[int]:
    return [n for event in seen() if first <= (n := event["data"].get("number", -1)) < last]


def left(name: str) -> int:
    """Messages that were not deleted."""
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = queues.sqs.get_queue_attributes(QueueUrl=urls[name], AttributeNames=counts)["Attributes"]
    return sum(int(found[each]) for each in counts)


def holders(connector: str) -> list[str]:
    """The instances that run it."""
    up = [line for line in gateway.tributary("metrics").splitlines()
          if line.startswith("tributary_connector_up{") and f'connector="{connector}"' in line]
    return [each for each in CONNECTORS for line in up if f'"{each}"' in line]


def metric(name: str, connector: str) -> float:
    return sum(gateway.metric(each, f"tributary_connector_{name}", connector=connector) for each in CONNECTORS)


def fill(name: str, first: int, count: int, padding: int = 0) -> None:
    """Sends webhooks one group after the other in turn, ten or a quarter of a MiB in a request."""
    step = 10 if not padding else max(1, min(10, (1 << 18) // padding))
    for start in range(first, first + count, step):
        batch = range(start, min(start + step, first + count))
        answer = queues.sqs.send_message_batch(
            QueueUrl=urls[name],
            Entries=[
                {
                    "Id": str(n),
                    "MessageBody": webhook(n, padding, n % GROUPS),
                    "MessageGroupId": str(n % GROUPS),
                    "MessageDeduplicationId": str(n),
                }
                for n in batch
            ],
        )
        assert len(answer["Successful"]) == len(batch), answer


class Fetched(unittest.TestCase):
    maxDiff = None

    def in_order(self, found: list[int]) -> None:
        for group in range(GROUPS):
            of_group = [n for n in found if n % GROUPS == group]
            swapped = [pair for pair in pairwise(of_group) if pair[0] > pair[1]]
            self.assertEqual(swapped, [], f"of {len(of_group)} webhooks of group {group}")

    def test_every_form_of_a_message_is_the_webhook_in_it(self):
        sns = queues.client("sns")
        topic = sns.create_topic(Name="events")["TopicArn"]
        arn = queues.sqs.get_queue_attributes(QueueUrl=urls["forms"], AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        plain = [webhook(10_000 + n) for n in range(7)]
        coded = base64.b64encode(plain[1].encode()).decode()
        packed = [base64.b64encode(gzip.compress(each.encode())).decode() for each in plain]
        signed = attributes(X_WEBHOOK_ID="signed-5", X_SIGNATURE=signature(plain[5]), X_API_KEY=API_KEY)
        sent = {}
        for body, fields in ((plain[0], {}), (coded, {}), (packed[2], {}), (packed[5], signed)):
            answer = queues.sqs.send_message(QueueUrl=urls["forms"], MessageBody=body, MessageAttributes=fields)
            sent[answer["MessageId"]] = body
        in_envelope = [sns.publish(TopicArn=topic, Message=each)["MessageId"] for each in (plain[3], packed[4])]
        forged = attributes(X_WEBHOOK_ID="forged-6", X_SIGNATURE=signature(plain[6], "not-it"), X_API_KEY=API_KEY)
        queues.sqs.send_message(QueueUrl=urls["forms"], MessageBody=plain[6], MessageAttributes=forged)
        until(lambda: len(set(numbers(10_000, 10_007))) >= 6, "six webhooks")
        until(lambda: left("forms") == 0, "an empty queue")
        found = {event["data"]["number"]: event["id"] for event in seen() if "number" in event["data"]}
        ids = [*list(sent)[:3], *in_envelope, "signed-5"]
        self.assertEqual([found[10_000 + n] for n in range(6)], ids)
        journey = json.loads(gateway.tributary("events", ids[0], "--json"))["journey"]
        self.assertEqual([step["stage"] for step in journey], ["ingress-connector", "verifier", "normaliser",
                                                               "fanout-router"])
        forgeries = ("fanout-router-0", "tributary_rejections_total")
        until(lambda: gateway.metric(*forgeries, code="signature_mismatch") == 1, "the forgery in quarantine")

    def test_each_connector_is_run_by_one_of_the_processes(self):
        found = [holders(each) for each in ("forms", "fifo", "killed", "held", "kept", "missing")]
        self.assertEqual({len(each) for each in found}, {1}, found)
        self.assertEqual({each for of in found for each in of}, set(CONNECTORS))

    def test_a_webhook_that_also_came_over_http_is_there_once(self):
        gateway.post([20_000])
        until(lambda: numbers(20_000, 20_001), "the webhook over HTTP")
        fields = attributes(X_WEBHOOK_ID="id-20000")
        for number, more in ((20_000, fields), (20_001, {})):
            queues.sqs.send_message(QueueUrl=urls["forms.fifo"], MessageBody=webhook(number), MessageAttributes=more,
                                    MessageGroupId="g", MessageDeduplicationId=str(number))
        until(lambda: numbers(20_001, 20_002), "the webhook behind it")
        self.assertEqual(numbers(20_000, 20_002), [20_000, 20_001])
        self.assertGreaterEqual(gateway.metric("fanout-router-0", "tributary_duplicates_total", reason="id"), 1)

    def test_all_arrive_in_the_order_of_their_group_although_the_connector_is_killed(self):
        holder, = holders("killed")
        sender = threading.Thread(target=fill, args=("killed.fifo", 0, EVENTS))
        sender.start()
        for kill in KILLS:
            until(lambda kill=kill: len(numbers(0, EVENTS)) >= kill, f"{kill} events")
            gateway.send(signal.SIGKILL, holder)
        sender.join()
        until(lambda: len(set(numbers(0, EVENTS))) == EVENTS, "all events")
        found = numbers(0, EVENTS)
        self.assertEqual(sorted(found), list(range(EVENTS)))
        self.in_order(found)
        until(lambda: left("killed.fifo") == 0, "an empty queue")

    def test_a_message_is_deleted_only_when_the_journal_has_it(self):
        supervisor = int((gateway.run_dir / service.PID_NAME).read_text())
        before, (holder,) = metric("webhooks_total", "held"), holders("held")
        # The supervisor would replace a router that is stopped for long.
        os.kill(supervisor, signal.SIGSTOP)
        gateway.send(signal.SIGSTOP, "fanout-router-0")
        try:
            fill("held.fifo", 30_000, HELD, HELD_BYTES)

            def is_full() -> bool:
                """And what is journaled is deleted, and nothing else ever."""
                deleted = HELD - left("held.fifo")
                taken = metric("webhooks_total", "held") - before
                self.assertLessEqual(deleted, taken)
                return metric("up", "held") == 0 and 0 < deleted == taken

            until(is_full, "a full journal")
            self.assertGreater(left("held.fifo"), 0)
            gateway.send(signal.SIGKILL, holder)
        finally:
            gateway.send(signal.SIGCONT, "fanout-router-0")
            os.kill(supervisor, signal.SIGCONT)
        until(lambda: len(set(numbers(30_000, 30_000 + HELD))) == HELD, "all events")
        found = numbers(30_000, 30_000 + HELD)
        self.assertEqual(sorted(found), list(range(30_000, 30_000 + HELD)))
        self.in_order(found)

    def test_what_cannot_be_deleted_is_said_and_its_event_is_there_once(self):
        queues.sqs.send_message(QueueUrl=urls["kept"], MessageBody=webhook(40_000))
        until(lambda: metric("webhooks_total", "kept") >= 2, "the message again")
        # Between receiving it and not being able to delete it the queue is well.
        until(lambda: metric("up", "kept") == 0, "the failure in the metrics")
        self.assertGreaterEqual(metric("failures_total", "kept"), 1)
        self.assertEqual(numbers(40_000, 40_001), [40_000])

    def test_a_queue_that_is_not_there_is_named_in_the_log_and_holds_up_nobody(self):
        log = gateway.run_dir / f"{holders('missing')[0]}.log"
        until(lambda: "connector missing: " in log.read_text(), "the sentence")
        line = next(each for each in log.read_text().splitlines() if "connector missing: " in each)
        self.assertRegex(line, "NonExistentQueue|QueueDoesNotExist")
        self.assertEqual(metric("up", "missing"), 0)
        self.assertNotIn(queues.secret, log.read_text())


if __name__ == "__main__":
    unittest.main()

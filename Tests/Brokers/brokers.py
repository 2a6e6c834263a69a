"""A whole Tributary that sends to queues and streams or fetches from them, and the brokers themselves: moto's SQS and a
NATS server."""

import asyncio
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import boto3
import nats

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import metrics  # noqa: E402
from launcher import HOST, PATIENCE_SECONDS, Pipeline, free_port, new_folder, until  # noqa: E402
from supervision import process  # noqa: E402

API_KEY, API_SECRET = "k3ytest123abc", "test_stream_api_secret_not_real"
REGION = "eu-central-1"
TOOLS = Path(sysconfig.get_path("scripts"))
RETRY = {"schedule": ["0s", "200ms"], "repeat_last": True, "deadline": "1h", "jitter": False}
"""Again and again until it succeeds."""


class Gateway(Pipeline):
    """Every stage, with one source `stream`; `environment` holds the brokers' secrets, and `more` is added to the
    configuration."""

    def __init__(self, binaries: Path, subscriptions: list[dict], environment: dict[str, str], **more):
        self._port = free_port()
        tree = {
            "ingress": {"listen": f"{HOST}:{self._port}"},
            "router": {"egress_allow": ["127.0.0.0/8", "::1/128"]},
            "sources": [
                {
                    "name": "stream",
                    "provider": "stream",
                    "secrets": [{"id": API_KEY, "value": f"literal:{API_SECRET}"}],
                }
            ],
            "subscriptions": subscriptions,
        }
        for part, value in more.items():
            tree[part] = tree[part] | value if part in ("ingress", "router") else value
        super().__init__(binaries, new_folder("br"), tree, environment)

    def post(self, numbers: Iterable[int], calls: int = 5) -> None:
        """Sends webhooks of Stream's, one after the other; number n has the id `id-n` and belongs to call n % calls."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE_SECONDS)
        for number in numbers:
            body = json.dumps(
                {
                    "type": "call.session_participant_joined",
                    "call_cid": f"default:{number % calls}",
                    "session_id": "s",
                    "created_at": "2026-10-05T14:49:14Z",
                    "number": number,
                }
            ).encode()
            signature = hmac.new(API_SECRET.encode(), body, hashlib.sha256).hexdigest()
            connection.request(
                "POST",
                "/in/stream",
                body,
                {
                    "Content-Type": "application/json",
                    "X-API-KEY": API_KEY,
                    "X-SIGNATURE": signature,
                    "X-WEBHOOK-ID": f"id-{number}",
                    "X-WEBHOOK-ATTEMPT": "1",
                },
            )
            response = connection.getresponse()
            response.read()
            assert 200 <= response.status < 300, f"{number} was answered {response.status}"
        connection.close()

    @contextlib.contextmanager
    def posting(self, numbers: range):
        """The same beside what the test does meanwhile; at the end all are posted."""
        thread = threading.Thread(target=self.post, args=(numbers,))
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def send(self, number: signal.Signals, instance: str) -> None:
        running = until(lambda: process.find_running(self.run_dir).get(instance), instance)
        running.send(number)
        os.close(running.pidfd)

    def kill_router(self) -> None:
        """The supervisor starts it anew."""
        self.send(signal.SIGKILL, "fanout-router-0")

    def metric(self, instance: str, name: str, **labels: str) -> float:
        return metrics.total(metrics.read(self.run_dir, instance), name, **labels)

    def outcome(self, subscription: str) -> dict:
        """Its first attempt."""
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_SECONDS)

        def rows() -> list[dict]:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.run_dir / "fanout-router-0.admin"))
            connection.request("GET", f"/v1/attempts?subscription={subscription}")
            found = json.loads(connection.getresponse().read())["attempts"]
            connection.close()
            return found

        return until(rows, f"an attempt of {subscription}")[-1]


class Server:
    """A process of a broker on a loopback port, which can be killed and started again there."""

    def __init__(self, arguments: list[str], environment: dict[str, str] | None = None):
        self.port = free_port()
        self._arguments = [each.replace("PORT", str(self.port)) for each in arguments]
        self._environment = os.environ | (environment or {})
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._arguments, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens, f"{self._arguments[0]} to listen")

    def _listens(self) -> bool:
        assert self._process.poll() is None, f"{self._arguments} ended"
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Queues(Server):
    """moto's SQS, which checks credentials and signatures after the three requests that make a user."""

    def __init__(self):
        server = str(Path(__file__).with_name("moto_in_order.py"))
        super().__init__([sys.executable, server, "-H", HOST, "-p", "PORT"], {"INITIAL_NO_AUTH_ACTION_COUNT": "3"})
        self.url = f"http://{HOST}:{self.port}"
        self.key_id, self.secret = "nobody", "nothing"
        self.key_id, self.secret = self.user("router", "sqs:*", "sns:*", "iam:*")
        self.sqs = self.client("sqs")

    def client(self, service: str):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
        )

    def user(self, name: str, *actions: str) -> tuple[str, str]:
        """Makes somebody who may do that alone; returns id and secret of an access key."""
        iam, allowed = self.client("iam"), [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName=name, PolicyName="queues", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def queue(self, name: str, visibility_seconds: int = 600) -> str:
        """Makes a queue; returns its URL."""
        attributes = {"VisibilityTimeout": str(visibility_seconds)}
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        return self.sqs.create_queue(QueueName=name, Attributes=attributes | fifo)["QueueUrl"]

    def receive(self, queue: str, holds: Callable[[list[dict]], bool]) -> list[dict]:
        """Receives and deletes messages until those received so far are as they should be."""
        found: list[dict] = []

        def enough() -> bool:
            answer = self.sqs.receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            got = answer.get("Messages", [])
            found.extend(got)
            if got:
                self.sqs.delete_message_batch(
                    QueueUrl=queue,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(got)
                    ],
                )
            return holds(found)

        until(enough, f"messages of {queue}")
        return found


class Streams(Server):
    """A NATS server with JetStream on disk. `more` is added to its configuration."""

    def __init__(self, folder: Path, more: str = ""):
        file = folder / "nats.conf"
        file.write_text(f"jetstream {{ store_dir: {json.dumps(str(folder / 'store'))} }}\n{more}\n")
        super().__init__([str(TOOLS / "nats-server"), "-c", str(file), "-a", HOST, "-p", "PORT"])
        self.url = f"nats://{HOST}:{self.port}"

    def ask(self, body: Callable, **options):
        """What `body` returns, given JetStream; it is a coroutine."""

        async def run():
            client = await nats.connect(self.url, **options)
            try:
                return await body(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(run())

    def stream(self, name: str, *subjects: str, **options) -> None:
        self.ask(lambda stream: stream.add_stream(name=name, subjects=list(subjects)), **options)

    def count(self, name: str, **options) -> int:
        async def count(stream) -> int:
            return (await stream.stream_info(name)).state.messages

        return self.ask(count, **options)

    def read(self, name: str, **options) -> list:
        """All that a stream holds, in its order."""

        async def read(stream) -> list:
            last = (await stream.stream_info(name)).state.last_seq
            return [await stream.get_msg(name, seq) for seq in range(1, last + 1)]

        return self.ask(read, **options)

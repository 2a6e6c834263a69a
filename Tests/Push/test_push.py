"""Users' libraries watch a running pipeline: PyPI's websockets, httpx-sse and cloudevents."""

import json
import re
import unittest

import httpx
from cloudevents.v1.http import from_json
from watching import (
    API_TOKEN,
    BEARER,
    PullConsumer,
    SocketConsumer,
    StreamConsumer,
    Watched,
    binaries,
    number,
    until,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus


@unittest.skipUnless(binaries(), "the executables are not built")
class Push(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.watched = cls.enterClassContext(Watched(binaries(), {"allowed_origins": ["https://app.example.com"],
                                                                 "slow_consumer": "500ms", "buffer_bytes": 4096}))
        cls.sent = 0

    def send(self, count: int = 1, call: str = "livestream:one", padding: int = 0) -> list[int]:
        numbers = list(range(self.sent, self.sent + count))
        for each in numbers:
            self.watched.send(each, call, padding)
        type(self).sent += count
        return numbers

    def now(self) -> str:
        """A token behind everything that was sent, which an answer of 202 does not wait for."""
        place, last = {"from": "earliest"}, -1
        while True:
            page = self.watched.pull(**place, wait="0s" if last == self.sent - 1 else "5s", limit=1000)
            if not page["events"] and last == self.sent - 1:
                return page["next"]
            place = {"after": page["next"]}
            last = number(page["events"][-1]) if page["events"] else last

    def events(self, connection, count: int) -> list[dict]:
        found = []
        while len(found) < count:
            message = json.loads(connection.recv(timeout=120))
            self.assertNotIn(message["type"], {"error", "gap"}, message)
            if message["type"] == "event":
                found.append(message)
        return found

    def closed(self, connection) -> tuple[int, str]:
        """How the other side closes it; what comes before is read."""
        with self.assertRaises(ConnectionClosed) as caught:
            while True:
                connection.recv(timeout=120)
        return caught.exception.rcvd.code, caught.exception.rcvd.reason

    def test_a_call_can_be_watched_before_anything_happens_in_it(self):
        with self.watched.socket("cloudevents.json", query="?subject=calls/livestream:new") as connection:
            self.assertEqual(connection.subprotocol, "cloudevents.json")
            self.send(2, "livestream:other")
            wanted = self.send(2, "livestream:new")
            found = [from_json(connection.recv(timeout=120)) for _ in wanted]
        self.assertEqual([event.data["custom"]["number"] for event in found], wanted)
        self.assertEqual({event["subject"] for event in found}, {"calls/livestream:new"})

    def test_a_subscription_begins_where_it_is_told_to_and_its_filter_changes_in_place(self):
        begin = self.now()
        first = self.send(3, "livestream:a")
        self.now()
        with self.watched.socket("tributary.v1") as connection:
            only = {"subjects": ["calls/livestream:a"]}
            connection.send(json.dumps({"type": "subscribe", "from": begin, "filter": only}))
            self.assertEqual(json.loads(connection.recv(timeout=120)), {"type": "subscribed", "token": begin})
            found = self.events(connection, 3)
            self.assertEqual([number(each["event"]) for each in found], first)
            self.assertEqual(json.loads(connection.recv(timeout=120)),
                             {"type": "caught_up", "token": found[-1]["token"]})
            connection.send(json.dumps({"type": "filter", "filter": {"subjects": ["calls/livestream:b*"]}}))
            self.assertEqual(json.loads(connection.recv(timeout=120)), {"type": "filtered"})
            self.send(1, "livestream:a")
            other = self.send(1, "livestream:bb")
            self.assertEqual(number(self.events(connection, 1)[0]["event"]), other[0])
            connection.send(json.dumps({"type": "filter", "filter": {"sources": ["nobody"]}}))
            problem = json.loads(connection.recv(timeout=120))
            self.assertEqual((problem["type"], problem["code"]), ("error", "invalid"))
            self.assertIn("no source is named", problem["detail"])

    def test_a_named_cursor_goes_on_behind_what_was_acknowledged(self):
        begin = self.now()
        sent = self.send(4)
        with self.watched.socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe", "from": begin, "cursor": "app"}))
            second = self.events(connection, 2)[1]
            connection.send(json.dumps({"type": "acknowledge", "token": second["token"]}))
            done = {"type": "acknowledged", "token": second["token"]}
            until(lambda: json.loads(connection.recv(timeout=120)) == done, "the acknowledgement")
        self.watched.kill_router()
        until(lambda: self.is_up(), "the router")
        with self.watched.socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe", "cursor": "app"}))
            self.assertEqual([number(each["event"]) for each in self.events(connection, 2)], sent[2:])

    def is_up(self) -> bool:
        try:
            return httpx.get(self.watched.url("/v1/schemas")).status_code == 200
        except httpx.HTTPError:
            return False

    def test_a_format_carries_what_a_delivery_would(self):
        begin = self.now()
        sent = self.send(1)
        with self.watched.socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe", "from": begin, "format": "cloudevents-binary"}))
            message = self.events(connection, 1)[0]
        delivery = message["delivery"]
        self.assertEqual(json.loads(delivery["body"])["custom"]["number"], sent[0])
        self.assertEqual(delivery["fields"]["ce-subject"], message["event"]["subject"])
        self.assertTrue(message["webhook_id"].startswith("evt_"))

    def test_the_token_may_come_in_the_first_message_and_the_socket_needs_none(self):
        with self.watched.socket("tributary.v1", headers={}) as connection:
            connection.send(json.dumps({"type": "authenticate", "token": API_TOKEN}))
            self.assertEqual(json.loads(connection.recv(timeout=120)), {"type": "authenticated"})
        with self.watched.unix_socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe"}))
            self.assertEqual(json.loads(connection.recv(timeout=120))["type"], "subscribed")
        for wrong in ({"type": "authenticate", "token": "wrong"}, {"type": "subscribe"}):
            with self.watched.socket("tributary.v1", headers={}) as connection:
                connection.send(json.dumps(wrong))
                code, reason = self.closed(connection)
            self.assertEqual(code, 1008)
            self.assertTrue(reason.startswith("unauthorized"), reason)
        with self.assertRaises(InvalidStatus) as caught, self.watched.socket(headers={"Authorization": "Bearer wrong"}):
            pass
        self.assertEqual(caught.exception.response.status_code, 401)

    def test_only_pages_that_are_allowed_may_watch(self):
        with self.watched.socket("tributary.v1", origin="https://app.example.com"):
            pass
        with self.assertRaises(InvalidStatus) as caught, self.watched.socket(origin="https://evil.example.com"):
            pass
        self.assertEqual(caught.exception.response.status_code, 403)
        self.assertEqual(json.loads(caught.exception.response.body)["code"], "forbidden")

    def test_sockets_that_watch_nothing_yet_count_too_and_hear_of_the_end(self):
        with Watched(binaries(), {"max_connections": 2}) as watched, \
                watched.socket("tributary.v1") as known, watched.socket("tributary.v1", headers={}) as stranger:
            with self.assertRaises(InvalidStatus) as caught, watched.socket("tributary.v1"):
                pass
            self.assertEqual(caught.exception.response.status_code, 503)
            stranger.close()
            until(lambda: self.can_open(watched), "room for another socket")
            watched.supervisor("down")
            self.assertEqual(self.closed(known)[0], 1001)

    def can_open(self, watched: Watched) -> bool:
        try:
            with watched.socket("tributary.v1"):
                return True
        except InvalidStatus:
            return False

    def test_a_token_of_another_log_is_a_gap_that_is_said(self):
        self.send(1)
        self.now()
        other = "0" * 32 + "-7"
        with self.watched.socket("tributary.v1") as connection:
            connection.send(json.dumps({"type": "subscribe", "from": other}))
            self.assertEqual(json.loads(connection.recv(timeout=120))["type"], "subscribed")
            gap = json.loads(connection.recv(timeout=120))
        self.assertEqual(gap["type"], "gap")
        self.assertIn("another event log", gap["detail"])
        page = self.watched.pull(after=other, wait="0s")
        self.assertEqual(len(page["gaps"]), 1)
        self.assertTrue(page["events"])
        with self.watched.socket("cloudevents.json", query=f"?after={other}") as connection:
            code, reason = self.closed(connection)
        self.assertEqual(code, 1008)
        self.assertTrue(reason.startswith("gap: "), reason)

    def test_a_consumer_that_reads_nothing_is_closed_and_the_others_get_theirs(self):
        begin = self.now()
        with self.watched.socket("tributary.v1") as quick, self.watched.socket("tributary.v1", max_queue=1) as slow:
            for connection in (quick, slow):
                connection.send(json.dumps({"type": "subscribe", "from": begin}))
            sent = 0
            while not re.search(r"^tributary_watchers_closed_slow_total\S* 1$", self.metrics(), re.MULTILINE):
                self.send(5, padding=500_000)
                sent += 5
                self.assertEqual(len(self.events(quick, 5)), 5)
                self.assertLess(sent, 200)
            self.assertEqual(self.closed(slow)[0], 1013)

    def metrics(self) -> str:
        return self.watched.tributary("metrics")

    def test_a_long_poll_waits_for_the_next_event_and_no_longer_than_it_is_told(self):
        page = self.watched.pull(after=self.now(), wait="50ms")
        self.assertEqual(page["events"], [])
        sent = self.send(3)
        found = []
        while len(found) < 3:
            page = self.watched.pull(after=page["next"], wait="30s", limit=2)
            found += map(number, page["events"])
            self.assertLessEqual(len(page["events"]), 2)
        self.assertEqual(found, sent)
        for wrong in ({"wait": "2h"}, {"wait": "1s", "after": "7"}, {"wait": "1s", "nothing": "x"}):
            answer = httpx.get(self.watched.url("/v1/events"), params=wrong, headers=BEARER)
            self.assertEqual((answer.status_code, answer.json()["code"]), (400, "bad_request"), wrong)

    def test_whoever_goes_on_by_position_sees_every_event_in_order_over_kills_of_the_router(self):
        begin, count, kills = self.sent, 400, (90, 170, 310)
        self.send(1)
        consumers = [kind(self.watched, begin + count - 1) for kind in (SocketConsumer, StreamConsumer, PullConsumer)]
        for each in range(1, count):
            self.send(1)
            if each in kills:
                self.watched.kill_router()
        until(lambda: not any(consumer.is_alive() for consumer in consumers), "the last event at every consumer")
        for consumer in consumers:
            numbers = [each for each in consumer.numbers if each >= begin]
            self.assertEqual(numbers, list(range(begin, begin + count)), type(consumer).__name__)


if __name__ == "__main__":
    unittest.main()

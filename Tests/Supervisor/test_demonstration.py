"""The demo's subscriber: what it trusts, and how it tells the way of an event."""

import importlib.util
import json
import sys
import time
import unittest
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from demonstration import journey  # noqa: E402
from demonstration.signature import SignatureWrong, verify  # noqa: E402
from demonstration.subscriber import Subscriber  # noqa: E402

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
BODY = b'{"event_type":"ping","data":{"success":true}}'
HEADERS = {"webhook-id": "msg_loFOjxBNrRLzqYUf", "webhook-timestamp": "1731705121",
           "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="}
"""The example of the Standard Webhooks specification."""


class Signatures(unittest.TestCase):
    def test_the_example_of_the_specification_verifies(self):
        verify(HEADERS, BODY, [SECRET], now=1731705121)
        more = "v1,AAAA v1a,BBBB " + HEADERS["webhook-signature"]
        verify(HEADERS | {"webhook-signature": more}, BODY, ["whsec_AAAA", SECRET], now=1731705421)

    def test_what_was_changed_is_old_or_unsigned_does_not(self):
        cases = [(HEADERS, BODY + b" ", 1731705121), (HEADERS, BODY, 1731705422), (HEADERS, BODY, 1731704820),
                 (HEADERS | {"webhook-id": "other"}, BODY, 1731705121), ({}, BODY, 1731705121),
                 (HEADERS | {"webhook-timestamp": "soon"}, BODY, 1731705121)]
        for headers, body, now in cases:
            with self.assertRaises(SignatureWrong):
                verify(headers, body, [SECRET], now=now)

    @unittest.skipUnless(importlib.util.find_spec("standardwebhooks"), "the standardwebhooks package is not installed")
    def test_what_the_reference_library_signs_verifies(self):
        from standardwebhooks import Webhook
        stamp = datetime.now(UTC)
        signature = Webhook(SECRET).sign("id-1", stamp, BODY.decode())
        verify({"webhook-id": "id-1", "webhook-timestamp": str(int(stamp.timestamp())),
                "webhook-signature": signature}, BODY, [SECRET])

    def test_the_subscriber_answers_by_what_it_can_trust(self):
        received, refused = [], []
        subscriber = Subscriber("127.0.0.1", 0, {"/events": SECRET}, received.append, refused.append)
        self.addCleanup(subscriber._server.server_close)
        self.assertEqual(subscriber.take("/elsewhere", HEADERS, BODY), 404)
        self.assertEqual(subscriber.take("/events", HEADERS | {"webhook-timestamp": str(int(time.time()))}, BODY), 401)
        self.assertEqual((len(received), len(refused)), (0, 2))


class Journeys(unittest.TestCase):
    def test_a_journey_is_told_in_milliseconds_since_receipt(self):
        record = json.loads("""{"journey": [
            {"stage": "ingress-gateway", "instance": "ingress-gateway-0", "started": "2026-10-05T14:49:14.142187951Z",
             "finished": "2026-10-05T14:49:14.143187951Z"},
            {"stage": "verifier", "instance": "verifier-0", "started": 1791211754143300000,
             "finished": 1791211754144687951}],
            "deliveries": [{"subscription": "calls", "state": "delivered", "attempts": []}]}""")
        self.assertEqual(journey.line(record), "ingress-gateway-0 1.0 ms > verifier-0 2.5 ms  =>  calls delivered")
        self.assertEqual(journey.line({}), "no stage left its stamp")
        self.assertEqual(journey.seconds("2026-10-05T14:49:14+02:00"), journey.seconds("2026-10-05T12:49:14Z"))


if __name__ == "__main__":
    unittest.main()

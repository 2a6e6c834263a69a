"""Every sample becomes CloudEvents that others understand: the CloudEvents project's schema, its Python SDK, ours."""

import json
import os
import subprocess
import unittest
from pathlib import Path

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from dateutil.parser import isoparse
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.validators import validator_for

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "Tests/WebhookSamples/Samples"
PREFIX = "dev.tributary."
# Bodies of providers that have no folder of samples, as their documentation shows them.
FURTHER = {
    "livekit": [
        '{"event":"track_published","room":{"sid":"RM_1","name":"hall"},"participant":{"identity":"john"},'
        '"track":{"sid":"TR_1"},"id":"EV_1","createdAt":"1791211754"}',
        '{"event":"something_new"}',
    ],
    "mux": ['{"type":"video.asset.ready","id":"e-1","created_at":"2026-10-05T14:49:14.000000Z","object":{"id":"a"}}'],
    "daily": ['{"type":"meeting.started","id":"m-1","payload":{"room":"hall"},"event_ts":1791211754.2}'],
    "zoom": ['{"event":"meeting.ended","event_ts":1791211754142,"payload":{"object":{"id":"1"}}}'],
    "agora": ['{"noticeId":"n-1","eventType":103,"payload":{"channelName":"hall","ts":1791211754}}'],
    "cloudflare-stream": ['{"uid":"6b9e","status":{"state":"ready"},"modified":"2026-10-05T14:49:14.076571Z"}'],
    "100ms": ['{"id":"6c75","timestamp":"2021-08-08T07:04:15Z","type":"peer.join.success","data":{"room_id":"60b8"}}'],
    "standard-webhooks": ['{"type":"room.created","timestamp":"2026-10-05T14:49:14.142Z","data":{}}'],
    "generic": ["[1,2]", '"text"', "7", '{"a":{"\\u0000":"\\ud83d\\ude00"}}'],
}


def executable() -> Path | None:
    found = [
        path
        for path in (os.environ.get("TRIBUTARY_EXECUTABLE"), ROOT / ".build/debug/tributary")
        if path and Path(path).is_file()
    ]
    return Path(found[0]) if found else None


def samples():
    """Yields provider, file, header fields and body of every webhook in the collection."""
    for folder in sorted(path for path in SAMPLES.iterdir() if path.is_dir()):
        index = folder / "INDEX.json"
        requests = json.loads(index.read_text())["requests"] if index.exists() else None
        for request in requests or [{"file": path.name} for path in sorted(folder.glob("*.json"))]:
            body = folder / request["file"]
            # What answers a probe is no webhook.
            if body.is_file() and not body.name.startswith("_probe"):
                yield folder.name, body.name, request.get("headers", {}), body.read_bytes()
    for provider, bodies in FURTHER.items():
        for number, body in enumerate(bodies):
            yield provider, str(number), {"Content-Type": "application/json"}, body.encode()


@unittest.skipIf(executable() is None, "tributary is not built; swift build builds it")
class CloudEvents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        official = json.loads((Path(__file__).parent / "cloudevents-1.0.2.schema.json").read_text())
        cls.official = Draft7Validator(official, format_checker=Draft7Validator.FORMAT_CHECKER)
        cls.families = {}
        for path in (ROOT / "Shared/Providers/Schemas").glob("*.json"):
            schema = json.loads(path.read_text())
            validator_for(schema).check_schema(schema)
            cls.families[path.stem] = Draft202012Validator(
                schema, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        cls.events = [
            (provider, file, body, event)
            for provider, file, headers, body in samples()
            for event in cls.normalise(provider, headers, body)
        ]

    @staticmethod
    def normalise(provider: str, headers: dict[str, str], body: bytes) -> list[str]:
        fields = [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
        command = [executable(), "normalise", "--source-name", provider, "--provider", provider, *fields]
        result = subprocess.run(command, input=body, capture_output=True, check=False)
        return result.stdout.decode().splitlines()

    def test_every_provider_has_events(self):
        providers = {provider for provider, _, _, _ in self.events}
        five = {"fishjam", "stream", "fastpix", "superviz", "eyeson-streamrec"}
        self.assertLessEqual(five | FURTHER.keys(), providers)

    def test_every_event_is_valid_under_the_schema_of_cloudevents(self):
        for provider, file, _, event in self.events:
            with self.subTest(provider=provider, file=file):
                self.official.validate(json.loads(event))

    def test_every_event_is_valid_under_the_schema_of_its_family(self):
        for provider, file, _, event in self.events:
            with self.subTest(provider=provider, file=file):
                decoded = json.loads(event)
                self.assertTrue(decoded["type"].startswith(PREFIX))
                self.families[decoded["type"][len(PREFIX) :].split(".")[0]].validate(decoded)

    def test_the_sdk_reads_every_event(self):
        for provider, file, _, event in self.events:
            with self.subTest(provider=provider, file=file):
                decoded = json.loads(event)
                understood = JSONFormat().read(CloudEvent, event.encode())
                attributes = understood.get_attributes()
                for name in decoded.keys() - {"data", "time"}:
                    self.assertEqual(attributes[name], decoded[name], name)
                self.assertEqual(attributes["time"], isoparse(decoded["time"]))
                self.assertEqual(understood.get_data(), decoded["data"])

    def test_a_schema_refuses_what_is_not_of_its_family(self):
        for name, family in self.families.items():
            event = {
                "specversion": "1.0", "id": "1", "source": "/sources/s", "type": f"{PREFIX}other.type", "data": {},
                "time": "2026-10-05T14:49:14Z", "recordedtime": "2026-10-05T14:49:14Z", "timesource": "ingest",
                "provider": "p", "providertype": "t", "sequence": "0" * 20, "datacontenttype": "application/json",
            }  # fmt: skip
            if name == "gateway":
                event |= {"source": "/tributary", "data": {"state": "raised", "text": "x", "value": 1}}
            self.assertFalse(family.is_valid(event), name)
            event["type"] = family.schema["properties"]["type"]["enum"][0]
            self.assertTrue(family.is_valid(event), name)
            for wrong in (
                {"sequence": "1"}, {"timesource": "clock"}, {"source": "s"}, {"id": ""}, {"subject": "a\x07"},
                {"no_such_name": "x"}, {"extension": {}},
            ):  # fmt: skip
                self.assertFalse(family.is_valid(event | wrong), f"{name} {wrong}")


if __name__ == "__main__":
    unittest.main()

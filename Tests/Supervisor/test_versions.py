"""Builds of different releases side by side under load: each is the same executable that speaks other wire versions."""

import re
import struct
import sys
import unittest
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import senders  # noqa: E402
from benchmark.pipeline import Pipeline, Shape  # noqa: E402
from executables import folder, missing  # noqa: E402
from launcher import free_port, new_folder, until  # noqa: E402

BINARIES = folder("debug")  # only debug builds pretend to be of another release
PER_SECOND = 100
EXECUTABLES = {"ingress": "ingress-gateway", "verifier": "verifier", "normaliser": "normaliser",
               "router": "fanout-router"}
UPGRADES = (("normaliser", "1-2"), ("router", "1-2"), ("verifier", "1-2"), ("ingress", "1-2"),
            ("ingress", "2-3"), ("normaliser", "2-3"), ("verifier", "2-3"), ("router", "2-3"))
"""Two releases that each bring a version, stage by stage, in no order; links speak 1, then 1 or 2, then 2 and 3."""
BOOT_ID = 4711


class Peer:
    """A verifier by the page of the wire format, up to its first credit."""

    def __init__(self, pipeline: Pipeline, lowest: int, highest: int):
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.set(zmq.IMMEDIATE, 1)
        self._socket.connect(f"ipc://{pipeline.run_dir}/ingress-gateway-0.out")
        name = b"verifier-9"
        self._say(2, 1, bytes([2, lowest, highest, len(name)]) + name)

    def _say(self, kind: int, number: int, body: bytes) -> None:
        header = struct.pack("<4sBBHQQII", b"TRIB", 1, kind, 0, BOOT_ID, number, 0, len(body))
        self._socket.send_multipart([header, body])

    def ask(self) -> None:
        """A credit for one batch of one record."""
        self._say(3, 0, struct.pack("<QQIIH", 1, 0, 1, 1 << 20, 0))

    def hear(self) -> tuple[int, int, bytes]:
        """Version, kind and body of what comes next."""
        header, body = self._socket.recv_multipart()
        magic, version, kind, _, _, _, _, length = struct.unpack("<4sBBHQQII", header)
        assert (magic, length) == (b"TRIB", len(body))
        return version, kind, body

    def close(self) -> None:
        self._socket.close(linger=0)


@unittest.skipIf(missing(BINARIES), "there is no debug build")
class Versions(unittest.TestCase):
    def setUp(self):
        self.subscriber = senders.Subscriber()
        self.addCleanup(self.subscriber.close)
        self.folder = new_folder("versions")
        self.pipeline = Pipeline(BINARIES, self.folder, free_port(), Shape(1, 1, 16),
                                 [{"name": "subscriber", "url": self.subscriber.url}])
        self.enterContext(self.pipeline)
        self.load = senders.Senders(self.pipeline, PER_SECOND)
        self.addCleanup(self.load.stop)

    def build(self, stage: str, versions: str) -> str:
        """The executable of a stage in a release that speaks these versions."""
        name = EXECUTABLES[stage]
        path = self.folder / versions / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nTRIBUTARY_FAULT_WIRE_VERSIONS={versions} exec "{BINARIES}/{name}" "$@"\n')
        path.chmod(0o755)
        return str(path)

    def metric(self, instance: str, name: str) -> float:
        return float(re.search(rf"^{name}\{{.*stage_instance=\"{instance}\".*\}} (\S+)$",
                               self.pipeline.tributary("metrics"), re.M)[1])

    def nothing_is_missing(self) -> None:
        sent = self.load.stop()
        self.subscriber.wait_for(sent)
        self.assertEqual(senders.faults(sent, senders.logged(self.pipeline)),
                         {"refused": 0, "lost": 0, "doubled": 0, "out of order": 0}, senders.outcomes(sent))

    def flows_on(self, after: str) -> None:
        done = len(self.subscriber.delivered)
        until(lambda: len(self.subscriber.delivered) > done + PER_SECOND, f"deliveries after {after}")

    def test_neighbouring_releases_work_together_whatever_stage_is_upgraded_first(self):
        for stage, versions in UPGRADES:
            self.pipeline.supervisor("restart", stage, "--binary", self.build(stage, versions))
            self.flows_on(f"{stage} speaks {versions}")
        self.nothing_is_missing()

    def test_a_release_without_a_common_version_gets_nothing_says_why_and_costs_no_webhook(self):
        for stage, other in (("verifier", "ingress-gateway-0"), ("normaliser", "verifier-0"),
                             ("router", "normaliser-0")):
            name = EXECUTABLES[stage]
            log = self.pipeline.run_dir / f"{name}-0.log"
            self.pipeline.supervisor("restart", stage, "--binary", self.build(stage, "2-3"), codes=(1,))
            said = re.compile(rf"wire_version_unsupported.*{name}-0 speaks wire versions 2 to 3 and \S+ "
                              rf"wire version 1: upgrade (ingress-gateway-0|{other})")
            until(lambda: said.search(log.read_text()), "the reason in its log")  # noqa: B023
            self.flows_on(f"{stage} is the former again")
        self.nothing_is_missing()

    def test_a_peer_written_from_the_page_is_answered_in_the_common_version_or_told_what_to_upgrade(self):
        near = Peer(self.pipeline, 1, 2)
        self.addCleanup(near.close)
        self.assertEqual(near.hear(), (1, 9, b""))
        near.ask()
        version, kind, _ = near.hear()
        while kind == 9:
            version, kind, _ = near.hear()
        self.assertEqual((version, kind), (1, 1), "a batch in the common version")
        far = Peer(self.pipeline, 2, 3)
        self.addCleanup(far.close)
        version, kind, body = far.hear()
        reason = (b"verifier-9 speaks wire versions 2 to 3 and ingress-gateway-0 wire version 1: "
                  b"upgrade ingress-gateway-0")
        self.assertEqual((version, kind, body), (1, 8, struct.pack("<H", len(reason)) + reason))
        until(lambda: self.metric("ingress-gateway-0", "tributary_links_refused") == 1, "the metric")
        log = (self.pipeline.run_dir / "ingress-gateway-0.log").read_text()
        self.assertEqual(log.count("wire_version_unsupported"), 1)
        self.assertIn(reason.decode(), log)
        far.close()
        until(lambda: self.metric("ingress-gateway-0", "tributary_links_refused") == 0, "the end of it")
        near.close()  # the batch that it holds is sent again
        self.nothing_is_missing()


if __name__ == "__main__":
    unittest.main()

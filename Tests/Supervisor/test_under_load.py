"""Every stage is restarted and scaled while webhooks come steadily: a real pipeline under the real supervisor."""

import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import senders  # noqa: E402
from benchmark.pipeline import Pipeline, Shape  # noqa: E402
from launcher import binaries, free_port, new_folder, until  # noqa: E402

BINARIES = binaries()
PER_SECOND = 300
STEPS = (("restart", "router"), ("restart", "normaliser"), ("restart", "verifier"), ("restart", "ingress"),
         ("scale", "normaliser", "8"), ("restart", "normaliser"), ("scale", "verifier", "3"), ("scale", "ingress", "2"),
         ("restart", "ingress"), ("scale", "ingress", "1"), ("scale", "verifier", "1"), ("scale", "normaliser", "1"))


@unittest.skipUnless(BINARIES, "nothing is built")
class UnderLoad(unittest.TestCase):
    def setUp(self):
        self.subscriber = senders.Subscriber()
        self.addCleanup(self.subscriber.close)
        self.pipeline = Pipeline(BINARIES, new_folder("load"), free_port(), Shape(1, 1, 16),
                                 [{"name": "subscriber", "url": self.subscriber.url}])
        self.enterContext(self.pipeline)

    def test_no_restart_and_no_scaling_refuses_loses_doubles_or_reorders_a_webhook(self):
        load = senders.Senders(self.pipeline, PER_SECOND)
        self.addCleanup(load.stop)
        for step in STEPS:
            begin = time.monotonic()
            self.pipeline.supervisor(*step)
            done = len(self.subscriber.delivered)
            until(lambda: len(self.subscriber.delivered) > done + PER_SECOND, f"deliveries after {step}")  # noqa: B023
            acknowledged, delivered = load.since(begin), self.subscriber.since(begin)
            print(f"    {' '.join(step):22} acknowledgement p99 {senders.p99(acknowledged) * 1e3:6.1f} ms, no delivery "
                  f"for {senders.longest_pause(delivered):.2f} s at most", flush=True)
        sent = load.stop()
        print(f"    {len(sent)} webhooks, {load.crossings} of them met an idle connection being closed")
        self.subscriber.wait_for(sent)
        self.assertEqual(set(senders.faults(sent, senders.logged(self.pipeline)).items()),
                         {("refused", 0), ("lost", 0), ("doubled", 0), ("out of order", 0)}, senders.outcomes(sent))


if __name__ == "__main__":
    unittest.main()

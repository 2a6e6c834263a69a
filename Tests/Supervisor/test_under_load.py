"""Every stage is restarted, scaled and starved while webhooks come: a real pipeline under the real supervisor."""

import os
import signal
import socket
import statistics
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import senders  # noqa: E402
from benchmark.pipeline import Pipeline, Shape  # noqa: E402
from launcher import HOST, PATIENCE_SECONDS, binaries, free_port, new_folder, until  # noqa: E402

BINARIES = binaries()
PER_SECOND = 300
UNKNOWN = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
STOPPED_SECONDS, RUNNING_SECONDS = 0.2, 0.01
STEPS = (("restart", "router"), ("restart", "normaliser"), ("restart", "verifier"), ("restart", "ingress"),
         ("scale", "normaliser", "8"), ("restart", "normaliser"), ("scale", "verifier", "3"), ("scale", "ingress", "3"),
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
        print(f"    {len(sent)} webhooks")
        self.subscriber.wait_for(sent)
        self.assertEqual(set(senders.faults(sent, senders.logged(self.pipeline)).items()),
                         {("refused", 0), ("lost", 0), ("doubled", 0), ("out of order", 0)}, senders.outcomes(sent))

    def test_a_stage_that_traps_is_gone_at_once_and_keeps_no_client_waiting(self):
        waiting = socket.create_connection((HOST, self.pipeline.port), timeout=PATIENCE_SECONDS)
        self.addCleanup(waiting.close)
        waiting.sendall(b"POST /in/stream HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
        self.assertEqual(senders.Connection(self.pipeline.port).post(UNKNOWN)[0], 404)
        os.kill(next(each.pid for each in self.pipeline.instances() if each.stage == "ingress-gateway"), signal.SIGILL)
        self.assertEqual(waiting.recv(100), b"")
        self.assertEqual(senders.Connection(self.pipeline.port).post(UNKNOWN)[0], 404)

    def test_only_threads_that_an_acknowledgement_waits_for_interrupt_who_runs(self):
        interrupting = {}
        for each in self.pipeline.instances():
            for thread in Path(f"/proc/{each.pid}/task").iterdir():
                name = (thread / "comm").read_text().strip()
                patient = os.sched_getscheduler(int(thread.name)) == os.SCHED_BATCH
                interrupting.setdefault(each.stage, {}).setdefault(name, set()).add(not patient)
        for name in ("journal", "bus", "ZMQbg/IO/0"):
            self.assertEqual(interrupting["ingress-gateway"][name], {True})
        self.assertIn({False}, [of for name, of in interrupting["ingress-gateway"].items() if name.startswith("NIO")])
        self.assertEqual(set.union(*interrupting["verifier"].values()), {True})
        for stage in ("normaliser", "fanout-router"):
            self.assertEqual(set.union(*interrupting[stage].values()), {False})

    def test_no_acknowledgement_waits_for_normalisers_that_stand_still_most_of_the_time(self):
        pids = [each.pid for each in self.pipeline.instances() if each.stage == "normaliser"]
        load, is_over = senders.Senders(self.pipeline, PER_SECOND), threading.Event()

        def starve() -> None:
            while not is_over.is_set():
                for number, seconds in ((signal.SIGSTOP, STOPPED_SECONDS), (signal.SIGCONT, RUNNING_SECONDS)):
                    for pid in pids:
                        os.kill(pid, number)
                    time.sleep(seconds)

        starver = threading.Thread(target=starve)
        starver.start()
        try:
            until(lambda: len(load.sent) > 10 * PER_SECOND, "acknowledgements")
        finally:
            is_over.set()
            starver.join()
            sent = load.stop()
        p90 = statistics.quantiles([each.seconds for each in sent], n=10)[-1]
        print(f"    starved: acknowledgement p90 {p90 * 1e3:.1f} ms", flush=True)
        self.assertLess(p90, STOPPED_SECONDS / 2)
        self.subscriber.wait_for(sent)
        self.assertEqual(senders.outcomes(sent), {"202": len(sent)})


if __name__ == "__main__":
    unittest.main()

"""What scripts/bench operate makes of what senders, subscribers and the event log say."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from benchmark import operate, senders  # noqa: E402
from benchmark.senders import Sent  # noqa: E402


def sent(number: int, sequence: int = 0, outcome: int = 202) -> Sent:
    return Sent(number, 0.0, 0.001, outcome, "journal", sequence)


class Faults(unittest.TestCase):
    def found(self, log: list[int], *more: Sent) -> dict[str, int]:
        everything = [sent(1, 1), sent(2, 2), sent(3, 3), *more]
        return {name: count for name, count in senders.faults(everything, log).items() if count}

    def test_a_log_that_has_each_webhook_once_and_in_order_is_without_fault(self):
        self.assertEqual(self.found([1, 2, 3]), {})

    def test_what_is_refused_lost_doubled_and_out_of_order_is_counted(self):
        self.assertEqual(self.found([1, 2, 3], sent(4, outcome=503)), {"refused": 1})
        self.assertEqual(self.found([1, 3]), {"lost": 1})
        self.assertEqual(self.found([1, 2, 3, 3]), {"doubled": 1})
        self.assertEqual(self.found([1, 3, 2]), {"out of order": 1})

    def test_one_journal_says_nothing_about_the_order_of_another(self):
        other = Sent(4, 0.0, 0.001, 202, "other", 1)
        self.assertEqual(self.found([1, 2, 4, 3], other), {})


class Messages(unittest.TestCase):
    def test_a_message_is_taken_when_it_is_whole(self):
        text = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabcHTTP"
        self.assertEqual(senders.take_message(text), (b"HTTP/1.1 202 Accepted\r\nContent-Length: 3", b"abc", b"HTTP"))
        for size in range(len(text) - 4):
            self.assertIsNone(senders.take_message(text[:size]), size)


class Ratios(unittest.TestCase):
    def test_throughput_is_linear_as_far_as_the_rest_of_the_pipeline_goes(self):
        def row(count: int, per_second: float) -> dict:
            return {"share": 0.05, "normalisers": count, "per_second": per_second, "p99_seconds": 0.01}

        rows = [row(1, 2000), row(2, 3600), row(8, 9000)]
        free = {"per_second": 10_000, "p99_seconds": 0.005}
        self.assertEqual([operate.ratios(each, rows, free)["linear"] for each in rows], [1, 0.9, 0.9])
        self.assertEqual(operate.ratios(rows[0], rows, free)["p99_ratio"], 2)


if __name__ == "__main__":
    unittest.main()

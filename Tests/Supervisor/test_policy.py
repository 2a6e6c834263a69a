"""The supervisor's decisions and texts, without processes."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from supervision import exposition, listeners, top  # noqa: E402
from supervision.admin import is_complete, parse_answer  # noqa: E402
from supervision.environment import stage_environment, unset  # noqa: E402
from supervision.exposition import Exposition  # noqa: E402
from supervision.failure import Failure  # noqa: E402
from supervision.policy import RestartPolicy  # noqa: E402
from supervision.topology import full_name, parse_instance, stage_named  # noqa: E402

HISTOGRAM = """\
# HELP tributary_delivery_seconds How long a delivery took.
# TYPE tributary_delivery_seconds histogram
tributary_delivery_seconds_bucket{instance="fanout-router-0",stage="fanout-router",le="0.01"} 90
tributary_delivery_seconds_bucket{instance="fanout-router-0",stage="fanout-router",le="0.1"} 100
tributary_delivery_seconds_bucket{instance="fanout-router-0",stage="fanout-router",le="+Inf"} 100
tributary_delivery_seconds_sum{instance="fanout-router-0",stage="fanout-router"} 1.5
tributary_delivery_seconds_count{instance="fanout-router-0",stage="fanout-router"} 100
"""


class Restarts(unittest.TestCase):
    def test_early_deaths_back_off_to_five_seconds(self):
        policy = RestartPolicy()
        delays = [policy.delay_after_death(None) for _ in range(8)]
        self.assertEqual(delays, [0, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])
        self.assertTrue(policy.is_looping)

    def test_a_late_death_is_answered_at_once_and_forgets_the_early_ones(self):
        policy = RestartPolicy()
        for _ in range(5):
            policy.delay_after_death(0.5)
        self.assertEqual(policy.delay_after_death(1.0), 0)
        self.assertFalse(policy.is_looping)
        self.assertEqual([policy.delay_after_death(0.9), policy.delay_after_death(0.9)], [0, 0.2])


class Texts(unittest.TestCase):
    def test_merging_writes_every_family_once_and_adds_missing_labels(self):
        whole = Exposition()
        for instance in ("a-0", "a-1"):
            whole.add(HISTOGRAM.replace("fanout-router-0", instance) + "# TYPE process_open_fds gauge\n"
                      "process_open_fds 7\n", "a", instance)
        lines = whole.text().splitlines()
        self.assertEqual(lines.count("# TYPE tributary_delivery_seconds histogram"), 1)
        self.assertEqual(lines.count("# HELP tributary_delivery_seconds How long a delivery took."), 1)
        self.assertIn('process_open_fds{stage="a",instance="a-1"} 7', lines)
        families = [line.partition("{")[0].removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
                    for line in lines if not line.startswith("#")]
        self.assertEqual(families, sorted(families, key=families.index))
        self.assertEqual(len({line.rpartition(" ")[0] for line in lines if not line.startswith("#")}), 12)
        self.assertEqual(whole.dropped, [])

    def test_what_disagrees_or_is_no_metric_is_left_out_and_said(self):
        whole = Exposition()
        whole.add("# TYPE x gauge\nx 1\n", "a", "a-0")
        whole.add("# TYPE x counter\nx 2\nnot a metric at all\ny 3\n", "a", "a-1")
        self.assertEqual(len(whole.dropped), 2)
        self.assertNotIn('instance="a-1"} 2', whole.text())
        self.assertIn('y{stage="a",instance="a-1"} 3', whole.text())

    def test_quantiles_come_from_the_buckets_of_the_interval(self):
        after = exposition.buckets(HISTOGRAM, "tributary_delivery_seconds")
        self.assertAlmostEqual(exposition.quantile(0.99, {}, after), 0.091)
        self.assertAlmostEqual(exposition.quantile(0.5, {}, after), 0.01 * 50 / 90)
        self.assertIsNone(exposition.quantile(0.99, after, after))
        self.assertEqual(exposition.quantile(0.99, {}, {0.1: 0, float("inf"): 5}), 0.1)

    def test_figures_are_rates_between_two_readings(self):
        row = {"stage": "verifier", "instance": "verifier-0", "pid": 1}
        before = top.Reading(at=10, cpu_seconds=1, taken=100, passed_on=90)
        now = top.Reading(at=12, cpu_seconds=1.5, taken=300, passed_on=80, backlog=3)
        figures = top.figures(row, before, now)
        self.assertEqual((figures["cpu_percent"], figures["in_per_second"]), (25.0, 100))
        self.assertIsNone(figures["out_per_second"], "a counter that fell belongs to a new process")
        self.assertIsNone(top.figures(row, None, now)["in_per_second"])

    def test_durations_fit_into_a_column(self):
        shown = [top.duration(each) for each in (None, 0, 0.00042, 0.0012, 3.4, 64, 720, 18000, 300000)]
        self.assertEqual(shown, ["-", "0µs", "420µs", "1.2ms", "3.4s", "64s", "12m", "5.0h", "3d"])


class Names(unittest.TestCase):
    def test_stages_go_by_executable_or_key(self):
        self.assertEqual(stage_named("router"), stage_named("fanout-router"))
        self.assertEqual(parse_instance("ingress-gateway-12")[1], 12)
        for name in ("supervisor", "verifier", "verifier-01", "verifier-100", "verifier-x"):
            self.assertIsNone(parse_instance(name))

    def test_instances_go_by_the_short_form_of_their_stage_too(self):
        for short, whole in (("router-0", "fanout-router-0"), ("ingress-12", "ingress-gateway-12"),
                             ("verifier-1", "verifier-1"), ("ingress-gateway-0", "ingress-gateway-0"),
                             ("supervisor", "supervisor"), ("router", "router")):
            self.assertEqual(full_name(short), whole)

    def test_addresses(self):
        self.assertEqual(listeners.parse("127.0.0.1:80"), ("127.0.0.1", 80))
        self.assertEqual(listeners.parse("[::1]:0"), ("::1", 0))
        self.assertEqual(listeners.parse(":81"), ("0.0.0.0", 81))
        for wrong in ("80", "::1:80", "host:", "host:70000", "host:x"):
            with self.assertRaises(Failure):
                listeners.parse(wrong)

    def test_a_stage_environment_holds_nothing_unnamed(self):
        ours = {"PATH": "/bin", "SECRET": "1", "OTHER": "2", "TRIBUTARY_FAULT_X": "3", "TRIBUTARY_BIN": "4"}
        self.assertEqual(stage_environment(["SECRET", "ABSENT"], ours),
                         {"PATH": "/bin", "SECRET": "1", "TRIBUTARY_FAULT_X": "3", "MALLOC_ARENA_MAX": "2"})
        self.assertEqual(unset(["SECRET", "ABSENT"], ours), ["ABSENT"])


class Answers(unittest.TestCase):
    def test_http_answers_with_length_chunks_and_neither(self):
        with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
        self.assertEqual(parse_answer(with_length), (200, b"hi"))
        self.assertTrue(is_complete(with_length))
        self.assertFalse(is_complete(with_length[:-1]))
        chunked = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n"
        self.assertEqual(parse_answer(chunked), (503, b"hi yo"))
        self.assertTrue(is_complete(chunked))
        self.assertFalse(is_complete(b"HTTP/1.1 200 OK\r\n\r\nto the end"))
        for rubbish in (b"", b"\x00\xff", b"HTTP/1.1", b"HTTP/1.1 abc", b"SSH-2.0 200"):
            self.assertEqual(parse_answer(rubbish), (0, b""))


if __name__ == "__main__":
    unittest.main()

"""The supervisor's decisions and texts, without processes."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from supervision.health import Answer, RestartPolicy, parse  # noqa: E402
from supervision.process import stage_environment  # noqa: E402
from supervision.scaling import OLD_FOR_SECONDS, OLD_SECONDS, QUIET_FOR_SECONDS, AgeScaling  # noqa: E402
from supervision.topology import parse_instance, stage_named  # noqa: E402


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


class ByAge(unittest.TestCase):
    def setUp(self):
        self.scaling, self.now, self.count = AgeScaling(1, 6), 0.0, 1

    def look(self, age, all_busy=True, seconds=OLD_FOR_SECONDS):
        """The number after so many seconds of one look each; `age`: at each of them, by the seconds since the first."""
        for second in range(int(seconds) + 1):
            self.count = self.scaling.judge(self.now + second, self.count, age(second), all_busy)
        self.now += seconds + 1
        return self.count

    def test_twice_as_many_where_an_old_backlog_does_not_shrink_up_to_the_most(self):
        self.assertEqual(self.look(lambda second: OLD_SECONDS + second), 2)
        self.assertEqual([self.look(lambda second: 90.0) for _ in range(3)], [4, 6, 6])

    def test_what_shrinks_is_young_or_has_an_idle_instance_needs_no_more(self):
        self.assertEqual(self.look(lambda second: 90.0 - second, seconds=60), 1)
        self.assertEqual(self.look(lambda second: OLD_SECONDS - 0.1, seconds=60), 1)
        self.assertEqual(self.look(lambda second: 90.0 + second, all_busy=False, seconds=60), 1)

    def test_a_moment_in_which_it_is_not_known_or_young_begins_the_time_anew(self):
        for gap in (None, 0.0):
            self.assertEqual(self.look(lambda second: 90.0, seconds=OLD_FOR_SECONDS - 1), 1)
            self.assertEqual(self.scaling.judge(self.now, 1, gap, True), 1)
            self.now += 1
        self.assertEqual(self.look(lambda second: None, seconds=60), 1)

    def test_one_less_after_each_quiet_minute_down_to_the_least(self):
        self.count = 3
        self.assertEqual(self.look(lambda second: 0.0, all_busy=False, seconds=QUIET_FOR_SECONDS - 1), 3)
        self.assertEqual(self.scaling.judge(self.now, 3, 0.0, True), 3)
        counts = [self.look(lambda second: 0.0, all_busy=False, seconds=QUIET_FOR_SECONDS) for _ in range(3)]
        self.assertEqual(counts, [2, 1, 1])

    def test_between_old_and_young_nothing_changes(self):
        self.count = 3
        for all_busy in (True, False):
            self.assertEqual(self.look(lambda second: 2.0, all_busy, seconds=600), 3)


class Names(unittest.TestCase):
    def test_stages_go_by_executable_or_key(self):
        self.assertEqual(stage_named("router"), stage_named("fanout-router"))
        self.assertEqual(parse_instance("ingress-gateway-12")[1], 12)
        for name in ("supervisor", "verifier", "verifier-01", "verifier-100", "verifier-x"):
            self.assertIsNone(parse_instance(name))

    def test_instances_go_by_the_short_form_of_their_stage_too(self):
        for short, whole in (("router-0", "fanout-router-0"), ("ingress-12", "ingress-gateway-12"),
                             ("verifier-1", "verifier-1"), ("ingress-gateway-0", "ingress-gateway-0"),
                             ("supervisor", None), ("router", None)):
            found = parse_instance(short)
            self.assertEqual(found and found[0].instance(found[1]), whole)

    def test_a_stage_environment_holds_nothing_unnamed(self):
        ours = {"PATH": "/bin", "SECRET": "1", "OTHER": "2", "TRIBUTARY_FAULT_X": "3", "TRIBUTARY_BIN": "4"}
        self.assertEqual(stage_environment(["SECRET", "ABSENT"], ours),
                         {"PATH": "/bin", "SECRET": "1", "TRIBUTARY_FAULT_X": "3", "MALLOC_ARENA_MAX": "2"})


class Answers(unittest.TestCase):
    def test_http_answers_with_length_chunks_and_neither(self):
        self.assertEqual(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), Answer(200, b"hi"))
        chunked = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n"
        self.assertEqual(parse(chunked), Answer(503, b"hi yo"))
        self.assertEqual(parse(b"HTTP/1.1 200 OK\r\n\r\nto the end"), Answer(200, b"to the end"))
        for rubbish in (b"", b"\x00\xff", b"HTTP/1.1", b"HTTP/1.1 abc", b"SSH-2.0 200", chunked[:-8],
                        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"):
            self.assertEqual(parse(rubbish), Answer())

    def test_only_an_object_is_a_tree(self):
        self.assertEqual(Answer(503, b'{"a": 1}').tree, {"a": 1})
        for answer in (Answer(), Answer(200, b"["), Answer(200, b"[1]"), Answer(200, b"[" * 50_000)):
            self.assertEqual(answer.tree, {})


if __name__ == "__main__":
    unittest.main()

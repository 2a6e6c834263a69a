"""The supervisor's decisions and texts, without processes."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from supervision.health import Answer, RestartPolicy, parse  # noqa: E402
from supervision.process import INSTANCE, stage_environment  # noqa: E402


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


class Names(unittest.TestCase):
    def test_an_instance_is_a_stage_and_a_number(self):
        self.assertEqual(INSTANCE.fullmatch("ingress-gateway-12").groups(), ("ingress-gateway", "12"))
        for name in ("supervisor", "verifier", "verifier-01", "verifier-100", "verifier-x", "router-0"):
            self.assertIsNone(INSTANCE.fullmatch(name))

    def test_a_stage_environment_holds_nothing_unnamed(self):
        ours = {"PATH": "/bin", "SECRET": "1", "OTHER": "2", "TRIBUTARY_FAULT_X": "3", "TRIBUTARY_BIN": "4"}
        self.assertEqual(stage_environment(["SECRET", "ABSENT"], ours),
                         {"PATH": "/bin", "SECRET": "1", "TRIBUTARY_FAULT_X": "3",
                          "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "SWIFT_BACKTRACE": "enable=no"})

    def test_what_the_runtime_goes_by_is_the_operators_to_say(self):
        self.assertEqual(stage_environment([], {"SWIFT_BACKTRACE": "enable=yes"})["SWIFT_BACKTRACE"], "enable=yes")


class Answers(unittest.TestCase):
    def test_an_answer_is_a_status_and_what_comes_behind_the_head(self):
        self.assertEqual(parse(b"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhi yo"), Answer(503, b"hi yo"))
        self.assertEqual(parse(b"HTTP/1.0 200 OK\r\n\r\nto the\r\n\r\nend"), Answer(200, b"to the\r\n\r\nend"))
        for rubbish in (b"", b"\x00\xff", b"HTTP/1.1", b"HTTP/1.1 abc", b"\r\n\r\n200 200"):
            self.assertEqual(parse(rubbish), Answer())

    def test_only_an_object_is_a_tree(self):
        self.assertEqual(Answer(503, b'{"a": 1}').tree, {"a": 1})
        for answer in (Answer(), Answer(200, b"["), Answer(200, b"[1]"), Answer(200, b"[" * 50_000)):
            self.assertEqual(answer.tree, {})


if __name__ == "__main__":
    unittest.main()

"""The supervisor's decisions and texts, without processes."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from supervision.health import Answer, RestartPolicy, parse  # noqa: E402
from supervision.process import stage_environment  # noqa: E402
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

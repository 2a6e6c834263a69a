"""A stage that lives and does not move is replaced."""

import os
import signal
import unittest

from pipeline import until
from supervision.health import Answer, Liveness
from test_supervisor import SupervisorCase

STALLED = Answer(503, b'{"checks": {"threads": {"ok": false, "detail": "the bus thread has not moved for 12 s"}}}')
UNREADY = Answer(503, b'{"checks": {"bus": {"ok": false, "detail": "no router is linked"}}}')
READY = Answer(200, b"{}")
SILENT = Answer()


def judged(liveness: Liveness, *answers: tuple) -> list[str | None]:
    """Takes (moment, answer[, is stopped]) one after the other."""
    return [liveness.judge(answer, at, bool(stopped)) for at, answer, *stopped in answers]


class Judging(unittest.TestCase):
    def test_a_thread_that_stands_still_is_believed_when_it_does_so_for_another_second(self):
        self.assertEqual(judged(Liveness(0), (11, STALLED), (11.5, STALLED), (12, STALLED)),
                         [None, None, "the bus thread has not moved for 12 s"])
        went_on = judged(Liveness(0), (11, STALLED), (12, READY), (13, STALLED), (13.5, STALLED))
        self.assertEqual(went_on, [None] * 4, "a process that was stopped for a while and goes on")

    def test_silence_of_ten_seconds_is_the_end_and_any_answer_begins_anew(self):
        silent = Liveness(0)
        judged(silent, (100, READY))
        self.assertEqual(judged(silent, (103, SILENT), (106, SILENT), (109.9, SILENT), (110, SILENT)),
                         [None, None, None, "it has not answered for 10 s"])
        busy = Liveness(0)
        judged(busy, (100, READY))
        self.assertEqual(judged(busy, (103, SILENT), (109, UNREADY), (112, SILENT), (118, SILENT),
                                (118.5, SILENT)), [None] * 5)

    def test_a_supervisor_that_was_itself_stopped_asks_again_before_it_judges(self):
        paused = Liveness(0)
        judged(paused, (100, READY))
        self.assertEqual(judged(paused, (500, SILENT), (501, READY)), [None, None])

    def test_a_stage_may_read_its_logs_as_long_as_it_takes_unless_it_is_stopped(self):
        self.assertEqual(judged(Liveness(0), *[(at, SILENT) for at in range(0, 600, 3)]), [None] * 200)
        stopped = judged(Liveness(0), *[(at, SILENT, True) for at in (3, 6, 9, 12)])
        self.assertEqual(stopped, [None, None, None, "it has not answered for 12 s"])

    def test_the_reason_is_the_sentence_of_readyz(self):
        body = b'{"checks": {"a": {"ok": true, "detail": "x"}, "b": {"ok": false, "detail": "no router is linked"}, ' \
               b'"c": {"ok": false}}}'
        self.assertEqual(Answer(503, body).why_not_ready, "no router is linked; c")
        self.assertIsNone(Answer(200, b"").why_not_ready)
        self.assertEqual(Answer(0, b"").why_not_ready, "its admin socket does not answer")
        for rubbish in (b"", b"[", b"[]", b'{"checks": 5}', b"[" * 50000):
            self.assertEqual(Answer(503, rubbish).why_not_ready, "/readyz answers 503")


class Replacing(SupervisorCase):
    def test_a_stopped_stage_and_one_whose_bus_thread_loops_are_killed_counted_and_started_again(self):
        pipeline = self.pipeline
        pipeline.good("up", "-d")
        before = dict(pipeline.living())
        os.kill(before["verifier-0"], signal.SIGSTOP)
        pipeline.steer("normaliser-0", "stalled", str(before["normaliser-0"]))

        def rows_when(instance: str):
            row = pipeline.rows()[instance]
            return row if row["state"] == "ready" and row["pid"] != before[instance] else None

        looping = until(lambda: rows_when("normaliser-0"), "the looping one is replaced")
        self.assertEqual((looping["restarts"], looping["last_end"]),
                         (1, "was stalled and killed: the bus thread has not moved for 12 s"))
        stopped = until(lambda: rows_when("verifier-0"), "the stopped one is replaced")
        self.assertEqual(stopped["restarts"], 1)
        self.assertRegex(stopped["last_end"], "was stalled and killed: it has not answered for [0-9]+ s")
        self.assertNotIn(before["verifier-0"], dict(pipeline.living()).values())
        for name in ("normaliser-1", "fanout-router-0", "ingress-gateway-0"):
            self.assertEqual(dict(pipeline.living())[name], before[name])


if __name__ == "__main__":
    unittest.main()

"""Whether a stage still moves, judged by what its admin endpoint answers to /healthz.

The endpoint has a thread of its own: it answers 503 and `stalled: …` where another thread of the stage has not moved
for ten seconds, and nothing at all where the whole process is stopped.
"""

from dataclasses import dataclass

STALLED_SECONDS = 10.0
"""What has not answered for this long is replaced; stages call a thread stalled after the same time."""
ASK_SECONDS = 2.0
"""How long one question waits for its answer."""
UNANSWERED = 3
"""So many questions in a row must stay without an answer, too: a supervisor that was itself stopped for a while finds
one of them so when it goes on."""
STALLED = 2
"""So many answers in a row must say that a thread is stalled: the first may come just after the process was stopped and
went on."""


@dataclass
class Liveness:
    """One process; all times are of the monotonic clock."""

    answered_at: float
    """When it last answered, at first when it was started."""
    is_starting: bool = True
    """It has answered nobody yet, as long as it may be reading its logs."""
    unanswered: int = 0
    stalled: int = 0

    def has_answered(self, now: float) -> None:
        self.answered_at, self.is_starting, self.unanswered, self.stalled = now, False, 0, 0

    def judge(self, status: int, body: bytes, now: float, is_stopped: bool) -> str | None:
        """Takes one answer (status 0: none) and says why the process must be replaced, or nothing.

        `is_stopped`: by a signal; before its first answer a process may only be called hung when it is.
        """
        if status == 503 and body.startswith(b"stalled"):
            self.stalled += 1
            if self.stalled >= STALLED:
                return body.decode(errors="replace").strip().removeprefix("stalled: ")
        elif status:
            self.has_answered(now)
        elif is_stopped or not self.is_starting:
            self.unanswered += 1
            if self.unanswered >= UNANSWERED and now - self.answered_at >= STALLED_SECONDS:
                return f"it has not answered for {now - self.answered_at:.0f} s"
        return None

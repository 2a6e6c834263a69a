"""How a stage is: what it answers on its admin endpoint, when it is given up on, and when it is started again.

The endpoint has a thread of its own: /readyz has a check `threads` where another one has not moved for ten seconds, and
nobody answers where the whole process is stopped. The decisions here know no processes and clocks.
"""

import asyncio
import json
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

STALLED_SECONDS = 10.0
"""What has not answered for this long is replaced; stages call a thread stalled after the same time."""
UNANSWERED = 3
"""So many questions in a row must stay without an answer, too: a supervisor that was itself stopped for a while finds
one of them so when it goes on."""
CONFIRMED_SECONDS = 1.0
"""What says that a thread is stalled must say so for this long: the first answers may come just after the process was
stopped and went on, before its threads have shown that they move."""
EARLY_SECONDS = 1.0  # A death within this time of being ready (or before it) is early; only early ones back off
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
LOOP_DEATHS = 3  # so many early deaths in a row are called a crash loop


@dataclass(frozen=True)
class Answer:
    """What came back; a status of 0 means that nobody answered in time, or not with HTTP."""

    status: int = 0
    body: bytes = b""

    @property
    def tree(self) -> dict:
        """The JSON object in it; empty where there is none."""
        with suppress(ValueError, RecursionError):
            if isinstance(tree := json.loads(self.body), dict):
                return tree
        return {}

    @property
    def missing(self) -> dict[str, str]:
        """What /readyz says is missing, in its own words."""
        checks = self.tree.get("checks")
        return {name: check.get("detail") or name for name, check in checks.items()
                if not check["ok"]} if isinstance(checks, dict) else {}

    @property
    def why_not_ready(self) -> str | None:
        """Nothing where it is ready."""
        if self.status in (0, 200):
            return None if self.status else "its admin socket does not answer"
        return "; ".join(self.missing.values()) or f"/readyz answers {self.status}"


def parse(received: bytes) -> Answer:
    """One answer to a request of HTTP/1.0, which ends with the connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    with suppress(ValueError, IndexError):
        return Answer(int(head.split()[1]), body)
    return Answer()


async def ask(path: Path, target: str, timeout_seconds: float = 1.0) -> Answer:
    """What a stage answers to a GET at its Unix socket within the time."""
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_unix_connection(str(path))
            with closing(writer):
                writer.write(f"GET {target} HTTP/1.0\r\n\r\n".encode())
                return parse(await reader.read())
    except (OSError, ValueError):  # nobody is there, nothing came in time, the path is too long
        return Answer()


@dataclass
class Liveness:
    """One process; all times are of the monotonic clock."""

    answered_at: float  # when it last answered, at first when it was started
    is_starting: bool = True  # it has answered nobody yet, as long as it may be reading its logs
    unanswered: int = 0
    stalled_since: float | None = None

    def judge(self, answer: Answer, now: float, is_stopped: bool) -> str | None:
        """Takes one answer to /readyz and says why the process must be replaced, or nothing.

        `is_stopped`: by a signal; before its first answer a process may only be called hung when it is.
        """
        if stalled := answer.missing.get("threads"):
            self.stalled_since = now if self.stalled_since is None else self.stalled_since
            if now - self.stalled_since >= CONFIRMED_SECONDS:
                return stalled
        elif answer.status:
            self.answered_at, self.is_starting, self.unanswered, self.stalled_since = now, False, 0, None
        elif is_stopped or not self.is_starting:
            self.unanswered += 1
            if self.unanswered >= UNANSWERED and now - self.answered_at >= STALLED_SECONDS:
                return f"it has not answered for {now - self.answered_at:.0f} s"
        return None


@dataclass
class RestartPolicy:
    """Counts early deaths in a row: 0, 0.2, 0.4, 0.8 … 5 seconds."""

    early_deaths: int = 0

    def delay_after_death(self, ready_for_seconds: float | None) -> float:
        """Seconds to wait before the next start; `None` means that it never became ready."""
        if ready_for_seconds is not None and ready_for_seconds >= EARLY_SECONDS:
            self.early_deaths = 0
            return 0.0
        self.early_deaths += 1
        backed_off = FIRST_DELAY_SECONDS * 2 ** min(self.early_deaths - 2, 16)
        return 0.0 if self.early_deaths == 1 else min(LONGEST_DELAY_SECONDS, backed_off)

    @property
    def is_looping(self) -> bool:
        return self.early_deaths >= LOOP_DEATHS

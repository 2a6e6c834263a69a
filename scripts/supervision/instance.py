"""One instance of a stage: its process, whether it is ready, and its restarts."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import SubprocessError

from commandline import Failure

from . import logfiles
from .health import Answer, Liveness, RestartPolicy, ask
from .process import INSTANCE, Process

STOP_SECONDS = 10.0  # how long a stage may take to finish what it holds after SIGTERM; then it is killed, and said
READY_SECONDS = 15.0  # how long it may take to be ready, or to read another configuration
READINESS_SECONDS = 2.0  # how long /readyz may take to answer
PROBE_READY_SECONDS, PROBE_STARTING_SECONDS, PROBE_SLOW_START_SECONDS = 2.0, 0.03, 0.2  # between two questions
POLL_SECONDS = 0.02

Say = Callable[[str], None]


class Instance:
    """Keeps one process running while it is wanted, in one task of the daemon's event loop."""

    def __init__(self, path: Path, launch: Callable[["Instance"], Process], say: Say):
        """`path`: of its files in the run directory, without their endings."""
        self.name = path.name
        self.stage, index = INSTANCE.fullmatch(path.name).groups()
        self.index = int(index)
        self.process: Process | None = None
        self.last_end: str | None = None
        self.started_with: Mapping[str, str] | None = None
        """The environment of its present or last process, as far as that is known."""
        self.leaving = False  # an ingress that empties its journal, behind a listening socket that nobody knows
        self.has_left = False  # it has done so
        self._admin_path, self._log_path = path.with_suffix(".admin"), path.with_suffix(".log")
        self._launch, self._say, self._policy = launch, say, RestartPolicy()
        self._is_wanted = False
        self._restarts = 0  # starts after a death that nobody asked for
        self._answer = Answer()  # the last one of its present process to /readyz
        self._ready_at: float | None = None  # when its present or last process was ready first
        self._log_start = 0  # where the lines of its present or last process begin in the log
        self._keeping: asyncio.Task[None] | None = None

    # What is asked of it

    def start(self, running: Process | None = None) -> None:
        """Keeps a process running from now on: one that an earlier supervisor started, or a new one."""
        self._is_wanted, self.has_left = True, False
        if self._keeping is None or self._keeping.done():
            self.process, self._policy = running, RestartPolicy()
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Asks the process to finish, waits, and kills it when it does not."""
        self._is_wanted = False
        if self._keeping is None:
            return
        if self.process is None:  # it waits for its next start
            self._keeping.cancel()
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)  # a stopped process would otherwise never see the first signal
        _, still_running = await asyncio.wait({self._keeping}, timeout=STOP_SECONDS)
        if still_running:
            self._say(f"{self.name} did not finish within {STOP_SECONDS:g} s and is killed (SIGKILL); "
                      "what it held is sent again from the journal.")
            self.send(signal.SIGKILL)
            await asyncio.wait(still_running, timeout=STOP_SECONDS)

    def send(self, number: signal.Signals) -> None:
        if self.process:
            self.process.send(number)

    async def ask(self, target: str) -> dict:
        """What its admin endpoint answers; empty where that is no JSON object."""
        return (await ask(self._admin_path, target)).tree if self.process else {}

    # What is known of it

    @property
    def is_ready(self) -> bool:
        return self._answer.status == 200

    @property
    def is_looping(self) -> bool:
        return not self.is_ready and self._policy.is_looping

    @property
    def state(self) -> str:
        if not self._is_wanted:
            return "stopping" if self.process else "stopped"
        if self.is_ready or self.has_left:
            return "draining" if self.leaving else "ready"
        if self.process and self._ready_at:
            return "not-ready"
        return "crash-loop" if self.is_looping else "starting" if self.process else "backing-off"

    def row(self) -> dict:
        """This instance in the answer to `status`."""
        why, is_expected = None, self._is_wanted and not self.has_left
        if is_expected and not self.process:
            why = ": ".join([self.last_end or "it has not been started",
                             *map(logfiles.sentence, logfiles.tail(self._log_path, 1, self._log_start))])
        elif is_expected:
            why = self._answer.why_not_ready if self._answer.status or self._ready_at else "it starts"
        return {"stage": self.stage, "instance": self.name, "state": self.state,
                "pid": self.process and self.process.pid,
                "uptime_seconds": self.process and round(self.process.age_seconds, 3),
                "restarts": self._restarts, "last_end": self.last_end, "why": why}

    # Its process

    async def _keep(self) -> None:
        """A process, and after its end the next one, until it is told to stop."""
        while True:
            self._ready_at = None
            try:
                if self.process is None:
                    self._log_start = logfiles.size(self._log_path)
                    self.process = self._launch(self)
            except (OSError, SubprocessError, Failure) as error:  # no process, descriptor or disk space just now
                self.last_end = f"could not be started ({getattr(error, 'strerror', error)})"
            else:
                await self._watch(self.process)
            self.has_left = self._is_wanted and self.leaving and self.last_end == "exited with 0"
            if self.has_left or not self._is_wanted:
                return
            ready_seconds = time.monotonic() - self._ready_at if self._ready_at else None
            delay_seconds = self._policy.delay_after_death(ready_seconds)
            self._restarts += 1
            lived = "before it was" if ready_seconds is None else f"{ready_seconds:.1f} s after being"
            when = f"in {delay_seconds:g} s" if delay_seconds else "at once"
            loop = " (crash loop)" if self.is_looping else ""
            self._say(f"error: {self.name} {self.last_end}, {lived} ready; started again {when}{loop}.")
            await asyncio.sleep(delay_seconds)

    async def _watch(self, running: Process) -> None:
        """Asks the process as long as it lives whether it is ready (often while it starts, seldom later), and kills one
        that is stalled, which is a death like any other."""
        self.started_with = running.environment
        liveness, stalled = Liveness(answered_at=time.monotonic()), None
        ended = asyncio.ensure_future(running.ended())
        while not ended.done():
            answer = await ask(self._admin_path, "/readyz", READINESS_SECONDS)
            if ended.done():
                break
            self._note(running, answer)
            stalled = liveness.judge(answer, time.monotonic(), running.is_stopped) if self._is_wanted else None
            if stalled:
                self._say(f"error: {self.name} is stalled and is killed (SIGKILL): {stalled}.")
                running.send(signal.SIGKILL)
                await ended
            pause = PROBE_READY_SECONDS if self.is_ready else \
                PROBE_STARTING_SECONDS if running.age_seconds < 3 else PROBE_SLOW_START_SECONDS
            await asyncio.wait({ended}, timeout=pause)
        end = running.reap()
        self.last_end = f"was stalled and killed: {stalled}" if stalled else end
        self.process, self._answer = None, Answer()

    def _note(self, running: Process, answer: Answer) -> None:
        """Takes an answer to /readyz."""
        was_ready, self._answer = self.is_ready, answer
        if was_ready and not self.is_ready:
            self._say(f"warning: {self.name} is not ready any more: {answer.why_not_ready}.")
        elif self.is_ready and not was_ready:
            self._say(f"{self.name} is ready {'again' if self._ready_at else f'(pid {running.pid})'}.")
            self._ready_at = self._ready_at or time.monotonic()

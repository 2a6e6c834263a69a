"""One instance of a stage: its process, whether it is ready, and its restarts."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

from . import logfiles, process
from .admin import Answer, ask
from .changes import Changes
from .liveness import ASK_SECONDS, Liveness
from .policy import RestartPolicy
from .process import Launch, Process
from .topology import Stage

STOP_SECONDS = 10.0
"""How long a stage may take to finish what it holds after SIGTERM; then it is killed, and said."""
PROBE_READY_SECONDS = 1.0
PROBE_STARTING_SECONDS = 0.03
PROBE_SLOW_START_SECONDS = 0.2


class Instance:
    """Keeps one process running while it is wanted. Everything happens on the daemon's event loop."""

    def __init__(self, stage: Stage, index: int, admin_path: Path, launch: Callable[["Instance"], Launch],
                 say: Callable[[str], None], changes: Changes):
        self.stage, self.index, self.name = stage, index, stage.instance(index)
        self.process: Process | None = None
        self.last_end: str | None = None
        self.is_ready = False
        self.has_refused = False
        """Its last start ended with an exit code that does not get better with time."""
        self.is_leaving = False
        """An ingress that empties its journal before it goes: it gets a listening socket that nobody knows."""
        self._admin_path, self._launch, self._say, self._changes = admin_path, launch, say, changes
        self._policy = RestartPolicy()
        self._restarts = 0
        """Starts after a death that nobody asked for."""
        self._is_wanted = False
        self._started_at = self._ready_at = 0.0
        self._why_not_ready: str | None = None
        self._stalled_because: str | None = None
        self._log_path = admin_path.with_suffix(".log")
        self._log_starts = (0, 0)
        """Where the lines of the process before the present or last one begin in the log, and where its own do."""
        self._next_start: asyncio.TimerHandle | None = None
        self._probing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the process unless there is one."""
        self._want(True)
        if self.process is not None:
            return
        try:
            self._log_starts = (self._log_starts[1], logfiles.size(self._log_path))
            started = process.start(self._launch(self))
        except OSError as error:  # no process, descriptor or disk space to be had just now
            self.last_end = f"could not be started ({error.strerror})"
            self._start_again(None)
        else:
            self._watch(started, started_at=time.monotonic())

    def adopt(self, running: Process) -> None:
        """Takes over a process that an earlier supervisor started."""
        self._want(True)
        self._watch(running, started_at=time.monotonic() - running.age_seconds)

    async def stop(self, say: Callable[[str], None]) -> None:
        """Asks the process to finish, waits, and kills it when it does not."""
        self._want(False)
        running = self.process
        self._changes.fire()
        if running is None:
            return
        running.send(signal.SIGTERM)
        running.send(signal.SIGCONT)  # a stopped process would otherwise never see the first signal
        if not await self._changes.until(lambda: self.process is not running, STOP_SECONDS):
            say(f"{self.name} did not finish within {STOP_SECONDS:g} s and is killed (SIGKILL); "
                "what it held is sent again from the journal.")
            running.send(signal.SIGKILL)
            await self._changes.until(lambda: self.process is not running, STOP_SECONDS)

    async def restart(self, say: Callable[[str], None]) -> None:
        """Replaces the process because somebody asks for it: earlier deaths count no more."""
        await self.stop(say)
        self._policy, self.has_refused = RestartPolicy(), False
        self.start()

    def kill(self) -> None:
        """For a supervisor that is told twice to stop."""
        if self.process is not None:
            self.process.send(signal.SIGKILL)

    def log_end(self, lines: int) -> list[str]:
        """The last lines that its process has logged, or the one before while that has logged nothing yet."""
        before, start = self._log_starts
        return logfiles.tail(self._log_path, lines, start) or logfiles.tail(self._log_path, lines, before)

    @property
    def state(self) -> str:
        looping = "crash-loop" if self._policy.is_looping else None
        if not self._is_wanted:
            return "stopped" if self.process is None else "stopping"
        if self.process is None:
            return looping or "backing-off"
        if self.is_ready:
            return "draining" if self.is_leaving else "ready"
        return "not-ready" if self._ready_at else looping or "starting"

    @property
    def _why(self) -> str | None:
        """Why it is not ready, in one sentence; nothing where it is, or is not to be."""
        if self.is_ready or not self._is_wanted:
            return None
        if self.process is not None:
            return self._why_not_ready or "it starts"
        return ": ".join([self.last_end or "it has not been started", *map(logfiles.sentence, self.log_end(1))])

    def row(self) -> dict:
        """This instance in the answer to `status`."""
        alive = self.process is not None
        return {
            "stage": self.stage.executable, "instance": self.name, "pid": self.process.pid if self.process else None,
            "state": self.state, "uptime_seconds": round(time.monotonic() - self._started_at, 3) if alive else None,
            "restarts": self._restarts, "last_end": self.last_end, "why": self._why,
        }

    def _want(self, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        if self._next_start is not None:
            self._next_start.cancel()
            self._next_start = None

    def _watch(self, running: Process, started_at: float) -> None:
        self.process, self._started_at = running, started_at
        self.is_ready, self._ready_at, self._why_not_ready = False, 0.0, None
        loop = asyncio.get_running_loop()
        loop.add_reader(running.pidfd, self._ended, running)  # a pidfd becomes readable when its process ends
        self._probing = loop.create_task(self._probe(running))
        self._changes.fire()

    def _ended(self, ended: Process) -> None:
        asyncio.get_running_loop().remove_reader(ended.pidfd)
        self.last_end, self.has_refused = ended.reap()
        if self._stalled_because:
            self.last_end = f"was stalled and killed: {self._stalled_because}"
        self._stalled_because = None
        ready_for = time.monotonic() - self._ready_at if self._ready_at else None
        self.process, self.is_ready = None, False
        if self._probing is not None:
            self._probing.cancel()
        if self._is_wanted:
            self._start_again(ready_for)
        self._changes.fire()

    def _start_again(self, ready_for_seconds: float | None) -> None:
        delay_seconds = self._policy.delay_after_death(ready_for_seconds)
        self._restarts += 1
        lived = "before it was ready" if ready_for_seconds is None else f"{ready_for_seconds:.1f} s after being ready"
        loop = " (crash loop)" if self._policy.is_looping else ""
        when = f"in {delay_seconds:g} s" if delay_seconds else "at once"
        self._say(f"error: {self.name} {self.last_end}, {lived}; started again {when}{loop}.")
        if delay_seconds:
            self._next_start = asyncio.get_running_loop().call_later(delay_seconds, self.start)
        else:
            self.start()

    async def _probe(self, running: Process) -> None:
        """Asks the process as long as it lives whether it is ready: often while it starts, seldom later."""
        liveness = Liveness(answered_at=time.monotonic())
        while self.process is running:
            self._note(running, await ask(self._admin_path, "/readyz"))
            if self.is_ready:
                liveness.has_answered(time.monotonic())
                await asyncio.sleep(PROBE_READY_SECONDS)
                continue
            answer = await ask(self._admin_path, "/healthz", ASK_SECONDS)
            why = liveness.judge(answer.status, answer.body, time.monotonic(), running.is_stopped)
            if why is not None and self._is_wanted:
                # That is a death like any other.
                self._say(f"error: {self.name} is stalled and is killed (SIGKILL): {why}.")
                self._stalled_because = why
                running.send(signal.SIGKILL)
                return
            is_young = time.monotonic() - self._started_at < 3
            await asyncio.sleep(PROBE_STARTING_SECONDS if is_young else PROBE_SLOW_START_SECONDS)

    def _note(self, running: Process, answer: Answer) -> None:
        """Takes an answer to /readyz."""
        is_ready = answer.status == 200
        self._why_not_ready = answer.why_not_ready if answer.status or self._ready_at else None
        if is_ready == self.is_ready:
            return
        self.is_ready = is_ready
        if is_ready and not self._ready_at:
            self._ready_at, self.has_refused = time.monotonic(), False
            self._say(f"{self.name} is ready (pid {running.pid}).")
        else:
            self._say(f"{self.name} is ready again." if is_ready else
                      f"warning: {self.name} is not ready any more: {self._why_not_ready}.")
        self._changes.fire()

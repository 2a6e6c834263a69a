"""One instance of a stage: its process, whether it is ready, and its restarts."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

from . import logfiles
from . import process as processes
from .admin import probe, why_not_ready
from .changes import Changes
from .liveness import ASK_SECONDS, Liveness
from .policy import RestartPolicy
from .process import Launch, Process
from .topology import Stage

STOP_SECONDS = 10.0
"""How long a stage may take to finish what it holds after SIGTERM; then it is killed, and said."""
PROBE_TIMEOUT_SECONDS = 1.0
PROBE_READY_SECONDS = 1.0
PROBE_STARTING_SECONDS = 0.03
PROBE_SLOW_START_SECONDS = 0.2


class Instance:
    """Keeps one process running while it is wanted. Everything happens on the daemon's event loop."""

    def __init__(self, stage: Stage, index: int, admin_path: Path, launch: Callable[["Instance"], Launch],
                 say: Callable[[str], None], changes: Changes):
        self.stage, self.index, self.name = stage, index, stage.instance(index)
        self.restarts = 0
        """Starts after a death that nobody asked for."""
        self.last_end: str | None = None
        self.is_ready = False
        self.has_refused = False
        """Its last start ended with an exit code that does not get better with time."""
        self.is_leaving = False
        """An ingress that empties its journal before it goes: it gets a listening socket that nobody knows."""
        self.process: Process | None = None
        self._admin_path, self._launch, self._say, self._changes = admin_path, launch, say, changes
        self._policy = RestartPolicy()
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
        self._is_wanted = True
        self._cancel_next_start()
        if self.process is not None:
            return
        try:
            self._log_starts = (self._log_starts[1], logfiles.size(self._log_path))
            started = processes.start(self._launch(self))
        except OSError as error:  # no process, descriptor or disk space to be had just now
            self.last_end = f"could not be started ({error.strerror})"
            self._start_again(None)
            return
        self._watch(started, started_at=time.monotonic())

    def adopt(self, process: Process) -> None:
        """Takes over a process that an earlier supervisor started."""
        self._is_wanted = True
        self._watch(process, started_at=time.monotonic() - processes.age_seconds(process.ticks))

    async def stop(self, say: Callable[[str], None], stop_seconds: float = STOP_SECONDS) -> None:
        """Asks the process to finish, waits, and kills it when it does not."""
        self._is_wanted = False
        self._cancel_next_start()
        process = self.process
        self._changes.fire()
        if process is None:
            return
        process.send(signal.SIGTERM)
        process.send(signal.SIGCONT)  # a stopped process would otherwise never see the first signal
        if not await self._changes.until(lambda: self.process is not process, stop_seconds):
            say(f"{self.name} did not finish within {stop_seconds:g} s and is killed (SIGKILL); "
                "what it held is sent again from the journal.")
            process.send(signal.SIGKILL)
            await self._changes.until(lambda: self.process is not process, stop_seconds)

    async def restart(self, say: Callable[[str], None]) -> None:
        """Replaces the process because somebody asks for it: earlier deaths count no more."""
        await self.stop(say)
        self._policy, self.has_refused = RestartPolicy(), False
        self.start()

    def log_end(self, lines: int) -> list[str]:
        """The last lines that its process has logged, or the one before while that has logged nothing yet."""
        before, start = self._log_starts
        return logfiles.tail(self._log_path, lines, start) or logfiles.tail(self._log_path, lines, before)

    def kill(self) -> None:
        """For a supervisor that is told twice to stop."""
        if self.process is not None:
            self.process.send(signal.SIGKILL)

    @property
    def state(self) -> str:
        if self.process is None:
            if not self._is_wanted:
                return "stopped"
            return "crash-loop" if self._policy.is_looping else "backing-off"
        if not self._is_wanted:
            return "stopping"
        if not self.is_ready:
            if self._ready_at:
                return "not-ready"
            return "crash-loop" if self._policy.is_looping else "starting"
        return "draining" if self.is_leaving else "ready"

    @property
    def why(self) -> str | None:
        """Why it is not ready, in one sentence; nothing where it is, or is not to be."""
        if self.is_ready or not self._is_wanted:
            return None
        if self.process is not None:
            return self._why_not_ready or "it starts"
        return ": ".join([self.last_end or "it has not been started", *self.log_end(1)])

    def row(self) -> dict:
        """This instance in the answer to `status`."""
        alive = self.process is not None
        return {
            "stage": self.stage.executable, "instance": self.name, "pid": self.process.pid if self.process else None,
            "state": self.state, "uptime_seconds": round(time.monotonic() - self._started_at, 3) if alive else None,
            "restarts": self.restarts, "last_end": self.last_end, "why": self.why,
        }

    def _watch(self, process: Process, started_at: float) -> None:
        self.process, self._started_at = process, started_at
        self.is_ready, self._ready_at, self._why_not_ready = False, 0.0, None
        loop = asyncio.get_running_loop()
        loop.add_reader(process.pidfd, self._ended, process)  # a pidfd becomes readable when its process ends
        self._probing = loop.create_task(self._probe(process))
        self._changes.fire()

    def _ended(self, process: Process) -> None:
        asyncio.get_running_loop().remove_reader(process.pidfd)
        status = process.reap()
        self.last_end = processes.describe_end(status)
        if self._stalled_because:
            self.last_end = f"was stalled and killed: {self._stalled_because}"
        self._stalled_because = None
        self.has_refused = processes.is_refusal(status)
        ready_for = time.monotonic() - self._ready_at if self._ready_at else None
        self.process, self.is_ready = None, False
        if self._probing is not None:
            self._probing.cancel()
        if self._is_wanted:
            self._start_again(ready_for)
        self._changes.fire()

    def _start_again(self, ready_for_seconds: float | None) -> None:
        delay_seconds = self._policy.delay_after_death(ready_for_seconds)
        self.restarts += 1
        lived = "before it was ready" if ready_for_seconds is None else f"{ready_for_seconds:.1f} s after being ready"
        loop = " (crash loop)" if self._policy.is_looping else ""
        when = f"in {delay_seconds:g} s" if delay_seconds else "at once"
        self._say(f"error: {self.name} {self.last_end}, {lived}; started again {when}{loop}.")
        if delay_seconds:
            self._next_start = asyncio.get_running_loop().call_later(delay_seconds, self.start)
        else:
            self.start()

    def _cancel_next_start(self) -> None:
        if self._next_start is not None:
            self._next_start.cancel()
            self._next_start = None

    async def _probe(self, process: Process) -> None:
        """Asks the process as long as it lives whether it is ready: often while it starts, seldom later."""
        liveness = Liveness(answered_at=time.monotonic())
        while self.process is process:
            status, body = await probe(self._admin_path, "/readyz", PROBE_TIMEOUT_SECONDS)
            self._note(process, status, body)
            if self.is_ready:
                liveness.has_answered(time.monotonic())
            elif await self._is_stalled(process, liveness):
                return
            if self.is_ready:
                await asyncio.sleep(PROBE_READY_SECONDS)
            else:
                is_young = time.monotonic() - self._started_at < 3
                await asyncio.sleep(PROBE_STARTING_SECONDS if is_young else PROBE_SLOW_START_SECONDS)

    def _note(self, process: Process, status: int, body: bytes) -> None:
        """Takes an answer to /readyz."""
        self._why_not_ready = why_not_ready(status, body)
        is_ready = self._why_not_ready is None
        if is_ready == self.is_ready:
            return
        self.is_ready = is_ready
        if is_ready and not self._ready_at:
            self._ready_at, self.has_refused = time.monotonic(), False
            self._say(f"{self.name} is ready (pid {process.pid}).")
        else:
            self._say(f"{self.name} is ready again." if is_ready else
                      f"warning: {self.name} is not ready any more: {self._why_not_ready}.")
        self._changes.fire()

    async def _is_stalled(self, process: Process, liveness: Liveness) -> bool:
        """Kills the process where it does not move any more; that is a death like any other."""
        status, body = await probe(self._admin_path, "/healthz", ASK_SECONDS)
        why = liveness.judge(status, body, time.monotonic(), processes.is_stopped(process.pid))
        if why is None or not self._is_wanted:
            return False
        self._say(f"error: {self.name} is stalled and is killed (SIGKILL): {why}.")
        self._stalled_because = why
        process.send(signal.SIGKILL)
        return True

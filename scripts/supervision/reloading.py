"""Another configuration for a pipeline that runs: validated whole, then taken over stage by stage, downstream first.

A webhook of a new source is so never met by a stage that does not know it yet. What a stage can take over in place it
takes on SIGHUP; `GET /configuration` on its admin socket says which version it runs. Everything else takes a restart,
one instance after the other.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from . import accepted
from . import configuration as configurations
from .admin import probe
from .configuration import Change, Configuration
from .environment import differing, taken, unset
from .failure import CONFIGURATION, Failure
from .instance import Instance
from .topology import STAGES, Stage

if TYPE_CHECKING:
    from .daemon import Supervisor

TAKE_SECONDS = 15.0
"""How long a stage may take to read the configuration after SIGHUP."""
POLL_SECONDS = 0.03
Say = Callable[[str], None]


@dataclass
class Report:
    """What became of a reload."""

    file: Path
    fingerprint: str
    changes: list[Change]
    instances: dict[str, dict] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not any(row["outcome"] in ("failed", "not reached") for row in self.instances.values())

    def note(self, name: str, outcome: str, detail: str, say: Say) -> None:
        self.instances[name] = {"instance": name, "outcome": outcome, "detail": detail}
        say(f"{name}: {outcome}" + (f" ({detail})" if detail else ""))

    def answer(self) -> dict:
        return {"ok": self.is_complete, "file": str(self.file), "fingerprint": self.fingerprint,
                "changes": [change.row() for change in self.changes], "instances": list(self.instances.values())}

    def summary(self) -> str:
        counts: dict[str, int] = {}
        for row in self.instances.values():
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
        words = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        return f"{len(self.changes)} {'change' if len(self.changes) == 1 else 'changes'}; instances: {words}."


class Reload:
    """One reload of a supervisor's pipeline."""

    def __init__(self, supervisor: "Supervisor", environment: dict[str, str], say: Say):
        self._supervisor, self._environment, self._say = supervisor, environment, say

    async def run(self) -> dict:
        """Fails before anything is touched where the new configuration cannot run; otherwise says what became of it."""
        supervisor = self._supervisor
        fresh, report = await asyncio.to_thread(self._validate)
        for change in report.changes:
            self._say(f"changed: {change.text} ({change.meaning})")
        if not report.changes:
            self._say("nothing changed in the file; secrets in files are read again.")
        supervisor.take_configuration(fresh)
        os.environ.update(taken(self._environment, fresh.variables, os.environ))
        for stage in reversed(STAGES):
            await self._reload_stage(stage, report)
            if not report.is_complete:
                break
        for name, each in supervisor.instances.items():
            if name not in report.instances and not each.is_leaving:
                report.note(name, "not reached", "an earlier stage failed, so this one was left alone", self._say)
        if report.is_complete:
            (fresh.run_dir / accepted.FORMER_NAME).unlink(missing_ok=True)
        self._say(report.summary())
        return report.answer()

    def _validate(self) -> tuple[Configuration, Report]:
        supervisor, ours = self._supervisor, self._supervisor.configuration
        fresh = configurations.load(ours.file, supervisor.binaries, supervisor.root)
        if (fresh.run_dir, fresh.data_dir) != (ours.run_dir, ours.data_dir):
            raise Failure(f"{ours.file} has another run_dir or data_dir than when the pipeline came up; "
                          "that takes 'scripts/supervisor down' and 'up'.", CONFIGURATION)
        candidate = ours.run_dir / accepted.CANDIDATE_NAME
        accepted.write(candidate, fresh.file, fresh.text)
        former = ours.run_dir / accepted.FORMER_NAME
        if not former.exists():
            accepted.write(former, ours.file, ours.text)
        fingerprint, changes = configurations.compare(candidate, former, supervisor.binaries, supervisor.root)
        for change in changes:
            if change.effect == "pipeline":
                raise Failure(f"{change.text}: that takes 'scripts/supervisor down' and 'up'.", CONFIGURATION)
        known = os.environ | self._environment
        for stage in STAGES:
            missing = unset(fresh.environment.get(stage.executable, ()), known)
            if missing:
                raise Failure(
                    f"{', '.join(missing)} not set; {ours.file} names {'it' if len(missing) == 1 else 'them'} for "
                    f"{stage.executable}. Nothing was reloaded: set it where you call 'scripts/supervisor reload'.",
                    CONFIGURATION)
        return fresh, Report(ours.file, fingerprint, changes)

    async def _reload_stage(self, stage: Stage, report: Report) -> None:
        supervisor = self._supervisor
        concerning = [change for change in report.changes if stage.executable in change.stages]
        restarts = [change.text for change in concerning if change.effect == "restart"]
        ours = sorted((each for each in supervisor.instances.values() if each.stage is stage and not each.is_leaving),
                      key=lambda each: each.index)
        for each in ours:
            why = restarts + self._new_variables(each)
            if each.process is None or why:
                await self._restart(each, "; ".join(why), report)
            else:
                await self._take_in_place(each, report)
        if report.is_complete and any(change.effect == "instances" for change in concerning):
            before = set(supervisor.instances)
            count = supervisor.configuration.instances[stage.executable]
            try:
                await supervisor.scale(stage.executable, count, self._say)
            except Failure as failure:
                report.note(stage.executable, "failed", failure.sentence, self._say)
            for name in sorted(set(supervisor.instances) - before):
                report.note(name, "started", "", self._say)
            for name in sorted(before - set(supervisor.instances)):
                report.note(name, "stopped", "", self._say)

    def _new_variables(self, instance: Instance) -> list[str]:
        """Environment variables that the process was started without, or with another value."""
        names = self._supervisor.configuration.environment.get(instance.stage.executable, ())
        if instance.process is None:
            return []
        return [f"{name} is new to it" for name in differing(names, instance.process.pid, os.environ)]

    async def _restart(self, instance: Instance, why: str, report: Report) -> None:
        await instance.restart(self._say)
        if not await self._supervisor.changes.until(lambda: instance.is_ready, TAKE_SECONDS):
            report.note(instance.name, "failed", f"not ready {TAKE_SECONDS:g} s after its restart"
                        + (f", it last {instance.last_end}" if instance.last_end else ""), self._say)
            return
        report.note(instance.name, "restarted", why, self._say)

    async def _take_in_place(self, instance: Instance, report: Report) -> None:
        process = instance.process
        before = await self._running(instance)
        if before is None or process is None:
            await self._restart(instance, "it did not say what it ran by", report)
            return
        process.send(signal.SIGHUP)
        deadline = asyncio.get_running_loop().time() + TAKE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            now = await self._running(instance)
            # One that died meanwhile starts by the new file.
            if now is not None and (now["reloads"] > before["reloads"] or instance.process is not process):
                if now["fingerprint"] == report.fingerprint and not now["error"]:
                    report.note(instance.name, "in place", "", self._say)
                else:
                    detail = now["error"] or "the file has changed again; reload again"
                    report.note(instance.name, "failed", detail, self._say)
                return
            await asyncio.sleep(POLL_SECONDS)
        report.note(instance.name, "failed", f"it has not read the configuration within {TAKE_SECONDS:g} s", self._say)

    async def _running(self, instance: Instance) -> dict | None:
        """What the instance says that it runs by; nothing where it does not answer."""
        path = self._supervisor.configuration.path(instance.name, "admin")
        status, body = await probe(path, "/configuration", 1.0)
        try:
            answer = json.loads(body) if status == 200 else None
        except ValueError:
            return None
        return answer if isinstance(answer, dict) and "reloads" in answer else None

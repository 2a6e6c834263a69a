"""Another configuration for a pipeline that runs: validated whole, then taken over stage by stage, downstream first.

A webhook of a new source is so never met by a stage that does not know it yet. What a stage can take over in place it
takes on SIGHUP; `GET /configuration` on its admin socket says which version it runs. Everything else takes a restart,
one instance after the other.
"""

import asyncio
import os
import signal
from collections import Counter

from commandline import CONFIGURATION, Failure

from . import configuration
from .configuration import CANDIDATE_NAME, FORMER_NAME, Configuration
from .daemon import Supervisor
from .instance import POLL_SECONDS, READY_SECONDS, Instance, Say
from .topology import STAGES, Stage

MEANING = {"in_place": "in place: {}", "restart": "restarts {}", "instances": "another number of {}"}
"""What a change's effect is called, with the stages that it concerns."""


class Reload:
    """One reload of a supervisor's pipeline."""

    def __init__(self, supervisor: Supervisor, offered: dict[str, str], say: Say):
        self._supervisor, self._offered, self._say = supervisor, offered, say
        self._fingerprint, self._changes = "", []
        self._outcomes: dict[str, dict] = {}
        """What became of every instance."""

    async def run(self) -> dict:
        """Fails before anything is touched where the new configuration cannot run; otherwise says what became of it."""
        supervisor = self._supervisor
        fresh = await asyncio.to_thread(self._validated)
        for change in self._changes:
            meaning = MEANING.get(change["effect"], change["effect"]).format(", ".join(change["stages"]))
            self._say(f"changed: {change['text']} ({meaning})")
        if not self._changes:
            self._say("nothing changed in the file; secrets in files are read again.")
        supervisor.take_configuration(fresh)
        os.environ.update({name: self._offered[name] for name in fresh.variables & self._offered.keys()})
        for stage in reversed(STAGES):
            if self._is_complete:
                await self._reload_stage(stage)
        for each in supervisor.of(*STAGES):
            if each.name not in self._outcomes:
                self._note(each.name, "not reached", "an earlier stage failed, so this one was left alone")
        if self._is_complete:
            (fresh.run_dir / FORMER_NAME).unlink(missing_ok=True)
        counts = Counter(row["outcome"] for row in self._outcomes.values())
        self._say(f"{len(self._changes)} {'change' if len(self._changes) == 1 else 'changes'}; instances: "
                  f"{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}.")
        return {"ok": self._is_complete, "file": str(fresh.file), "fingerprint": self._fingerprint,
                "changes": self._changes, "instances": list(self._outcomes.values())}

    @property
    def _is_complete(self) -> bool:
        return not any(row["outcome"] in ("failed", "not reached") for row in self._outcomes.values())

    def _note(self, name: str, outcome: str, detail: str = "") -> None:
        self._outcomes[name] = {"instance": name, "outcome": outcome, "detail": detail}
        self._say(f"{name}: {outcome}" + (f" ({detail})" if detail else ""))

    def _validated(self) -> Configuration:
        ours, tool = self._supervisor.configuration, self._supervisor.binaries / "tributary"
        fresh = configuration.load(ours.file, tool)
        if (fresh.run_dir, fresh.data_dir) != (ours.run_dir, ours.data_dir):
            raise Failure(f"{ours.file} has another run_dir or data_dir than when the pipeline came up; "
                          "that takes 'scripts/supervisor down' and 'up'.", CONFIGURATION)
        candidate, former = fresh.keep(CANDIDATE_NAME), ours.run_dir / FORMER_NAME
        if not former.exists():
            ours.keep(FORMER_NAME)
        found = configuration.ask(tool, "check", "--config", str(candidate), "--since", str(former), "--json")
        self._fingerprint, self._changes = found["fingerprint"], found["changes"]
        wrong = [f"{change['text']}: that takes 'scripts/supervisor down' and 'up'."
                 for change in self._changes if change["effect"] == "pipeline"]
        wrong += fresh.missing(os.environ | self._offered, "Nothing was reloaded: set {} where you call "
                               "'scripts/supervisor reload'.")
        if wrong:
            raise Failure(wrong[0], CONFIGURATION)
        return fresh

    async def _reload_stage(self, stage: Stage) -> None:
        supervisor = self._supervisor
        concerning = [change for change in self._changes if stage.executable in change["stages"]]
        restarts = [change["text"] for change in concerning if change["effect"] == "restart"]
        for each in supervisor.of(stage):
            why = restarts + [f"{name} is new to it" for name in supervisor.new_variables(each)]
            before = None if why else await each.ask("/configuration")
            if before and "reloads" in before:
                await self._take_in_place(each, before["reloads"])
            else:
                await self._restart(each, "; ".join(why) or "it did not say what it ran by")
        count = supervisor.configuration.instances[stage.executable]
        is_first = stage.only_with and count and not supervisor.of(stage)
        if self._is_complete and (is_first or any(change["effect"] == "instances" for change in concerning)):
            before = set(supervisor.instances)
            try:
                await supervisor.scale(stage.executable, count, self._say)
            except Failure as failure:
                self._note(stage.executable, "failed", failure.sentence)
            for name in sorted(before ^ set(supervisor.instances)):
                self._note(name, "stopped" if name in before else "started")

    async def _restart(self, instance: Instance, why: str) -> None:
        if await instance.restart(self._say):
            self._note(instance.name, "restarted", why)
        else:
            self._note(instance.name, "failed", "not ready after its restart"
                       + (f", it last {instance.last_end}" if instance.last_end else ""))

    async def _take_in_place(self, instance: Instance, reloads_before: int) -> None:
        process, now = instance.process, {}
        instance.send(signal.SIGHUP)
        try:
            async with asyncio.timeout(READY_SECONDS):
                # One that died meanwhile starts by the new file.
                while "reloads" not in now or now["reloads"] <= reloads_before and instance.process is process:
                    await asyncio.sleep(POLL_SECONDS)
                    now = await instance.ask("/configuration")
        except TimeoutError:
            self._note(instance.name, "failed", f"it has not read the configuration within {READY_SECONDS:g} s")
            return
        if now["fingerprint"] == self._fingerprint and not now["error"]:
            self._note(instance.name, "in place")
        else:
            self._note(instance.name, "failed", now["error"] or "the file has changed again; reload again")

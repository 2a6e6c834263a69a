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
from .configuration import ACCEPTED_NAME, FORMER_NAME, Configuration
from .daemon import Supervisor
from .instance import POLL_SECONDS, READY_SECONDS, Instance
from .topology import STAGES

MEANING = {"in_place": "in place: {}", "restart": "restarts {}", "instances": "another number of {}"}
"""What a change's effect is called, with the stages that it concerns."""


class Reload:
    """One reload of a supervisor's pipeline."""

    def __init__(self, supervisor: Supervisor, offered: dict[str, str]):
        self._supervisor, self._offered, self._say = supervisor, offered, supervisor.say
        self._before = set(supervisor.instances)
        self._outcomes: dict[str, dict] = {}  # what became of every instance

    async def run(self) -> dict:
        """Fails before anything is touched where the new configuration cannot run; otherwise says what became of it."""
        supervisor = self._supervisor
        fresh, found = await asyncio.to_thread(self._check)
        changes = found["changes"]
        for change in changes:
            self._say(f"changed: {change['text']} ({MEANING[change['effect']].format(', '.join(change['stages']))})")
        if not changes:
            self._say("nothing changed in the file; secrets in files are read again.")
        supervisor.take_configuration(
            fresh, {name for change in changes if change["effect"] == "instances" for name in change["stages"]})
        supervisor.take_variables(self._offered)
        try:
            await supervisor.settle(lambda instance: self._take(instance, found))
            (fresh.run_dir / FORMER_NAME).unlink(missing_ok=True)
            is_complete = True
        except Failure:
            is_complete = False
            for each in supervisor.of(*STAGES):
                if each.name not in self._outcomes:
                    self._note(each.name, "not reached", "an earlier one failed, so this one was left alone")
        for name in self._before - supervisor.instances.keys():
            self._note(name, "stopped")
        counts = Counter(row["outcome"] for row in self._outcomes.values())
        self._say(f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}; instances: "
                  f"{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}.")
        return {"ok": is_complete, "file": str(fresh.file), "fingerprint": found["fingerprint"],
                "changes": changes, "instances": list(self._outcomes.values())}

    def _check(self) -> tuple[Configuration, dict]:
        """The new configuration, and what `tributary` says of it."""
        ours, tool = self._supervisor.configuration, self._supervisor.binaries / "tributary"
        candidate, former = configuration.copy(ours.file, ours.run_dir), ours.run_dir / FORMER_NAME
        found = configuration.ask(tool, "check", "--config", candidate, "--json", "--since",
                                  former if former.exists() else ours.run_dir / ACCEPTED_NAME)
        fresh = configuration.load(tool, ours.file, candidate)
        wrong = [f"{change['text']}: that takes 'scripts/supervisor down' and 'up'."
                 for change in found["changes"] if change["effect"] == "pipeline"]
        wrong += fresh.missing(os.environ | self._offered, "Nothing was reloaded: set {} where you call "
                               "'scripts/supervisor reload'.")
        if wrong:
            raise Failure(wrong[0], CONFIGURATION)
        return fresh, found

    async def _take(self, instance: Instance, found: dict) -> None:
        """Lets one instance run by the new configuration."""
        try:
            self._note(instance.name, *await self._outcome(instance, found))
        except Failure as failure:
            self._note(instance.name, "failed", failure.sentence)
            raise

    async def _outcome(self, instance: Instance, found: dict) -> tuple[str, str]:
        """What became of it and why; a restart where there is a reason for one."""
        if instance.name not in self._before:
            await self._supervisor.until_ready(instance)
            return "started", ""
        why = [change["text"] for change in found["changes"]
               if change["effect"] == "restart" and instance.stage.executable in change["stages"]]
        why += [f"{name} is new to it" for name in self._supervisor.new_variables(instance)]
        before = {} if why else await instance.ask("/configuration")
        if "reloads" not in before:
            await self._supervisor.replace(instance)
            return "restarted", "; ".join(why) or "it did not say what it ran by"
        process, now = instance.process, before
        instance.send(signal.SIGHUP)
        try:
            async with asyncio.timeout(READY_SECONDS):
                # One that died meanwhile starts by the new file.
                while "reloads" not in now or now["reloads"] <= before["reloads"] and instance.process is process:
                    await asyncio.sleep(POLL_SECONDS)
                    now = await instance.ask("/configuration")
        except TimeoutError:
            raise Failure(f"it has not read the configuration within {READY_SECONDS:g} s") from None
        if now["error"] or now["fingerprint"] != found["fingerprint"]:
            raise Failure(now["error"] or "the file has changed again; reload again")
        return "in place", ""

    def _note(self, name: str, outcome: str, detail: str = "") -> None:
        self._outcomes[name] = {"instance": name, "outcome": outcome, "detail": detail}
        self._say(f"{name}: {outcome}" + (f" ({detail})" if detail else ""))

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
from executables import CONNECTOR, STAGES

from . import configuration
from .configuration import ACCEPTED_NAME, FORMER_NAME, Configuration
from .daemon import Supervisor
from .instance import POLL_SECONDS, READY_SECONDS, Instance


async def reload(supervisor: Supervisor, offered: dict[str, str]) -> dict:
    """Fails before anything is touched where the new configuration cannot run; otherwise says what became of it."""
    fresh = await asyncio.to_thread(_check, supervisor, offered)
    outcomes = {}  # what became of every instance

    def note(name: str, outcome: str, detail: str = "") -> None:
        outcomes[name] = {"instance": name, "outcome": outcome, "detail": detail}
        supervisor.say(f"{name}: {outcome}" + (f" ({detail})" if detail else ""))

    async def take(instance: Instance) -> None:
        try:
            is_new = before.get(instance.name, ...) is not instance.process
            note(instance.name, *await _take(supervisor, instance, fresh, is_new))
        except Failure as failure:
            note(instance.name, "failed", failure.sentence)
            raise

    for change in fresh.changes:
        supervisor.say(f"changed: {change['text']} ({change['meaning']})")
    if not fresh.changes:
        supervisor.say("nothing changed in the file; secrets in files are read again.")
    supervisor.take_configuration(fresh)
    before = {name: each.process for name, each in supervisor.instances.items()}
    if any(change["effect"] == "instances" and CONNECTOR in change["stages"] for change in fresh.changes):
        await asyncio.gather(*(each.stop() for each in supervisor.of(CONNECTOR)))  # nothing is fetched by two
    try:
        await supervisor.settle(offered, take)
        (fresh.run_dir / FORMER_NAME).unlink(missing_ok=True)
    except Failure:
        for each in supervisor.of(*STAGES):
            if each.name not in outcomes:
                note(each.name, "not reached", "an earlier one failed, so this one was left alone")
    for name in before.keys() - supervisor.instances.keys():
        note(name, "stopped")
    counts = Counter(row["outcome"] for row in outcomes.values())
    supervisor.say(f"{len(fresh.changes)} {'change' if len(fresh.changes) == 1 else 'changes'}; instances: "
                   f"{', '.join(f'{count} {outcome}' for outcome, count in counts.items())}.")
    return {"ok": not (fresh.run_dir / FORMER_NAME).exists(), "file": str(fresh.file),
            "fingerprint": fresh.fingerprint, "changes": fresh.changes, "instances": list(outcomes.values())}


def _check(supervisor: Supervisor, offered: dict[str, str]) -> Configuration:
    ours = supervisor.configuration
    candidate, former = configuration.copy(ours.file, ours.run_dir), ours.run_dir / FORMER_NAME
    since = former if former.exists() else ours.run_dir / ACCEPTED_NAME
    fresh = configuration.load(supervisor.tool, ours.file, "--since", since, text=candidate)
    if missing := fresh.missing(os.environ | offered, "Nothing was reloaded: set {} where you call "
                                "'scripts/supervisor reload'."):
        raise Failure(missing[0], CONFIGURATION)
    return fresh


async def _take(supervisor: Supervisor, instance: Instance, fresh: Configuration, is_new: bool) -> tuple[str, str]:
    """Lets one instance run by the new configuration, by a restart where there is a reason; what became of it, why."""
    if is_new:
        await supervisor.until_ready(instance)
        return "started", ""
    why = [change["text"] for change in fresh.changes
           if change["effect"] == "restart" and instance.stage in change["stages"]]
    why += [f"{name} is new to it" for name in supervisor.new_variables(instance)]
    before = {} if why else await instance.ask("/configuration")
    if "reloads" not in before:
        await supervisor.replace(instance)
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
    if now["error"] or now["fingerprint"] != fresh.fingerprint:
        raise Failure(now["error"] or "the file has changed again; reload again")
    return "in place", ""

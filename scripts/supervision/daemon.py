"""The stages of one run directory, kept running: starting, taking over, scaling, restarting, draining."""

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from commandline import CONFIGURATION, NOT_READY, USAGE, Failure

from . import process
from .configuration import ACCEPTED_NAME, CANDIDATE_NAME, SCALE_NAME, Configuration, text_of
from .instance import READY_SECONDS, Instance, Say, until
from .listeners import name_of, open_listener
from .process import Process
from .topology import STAGES, Stage, full_name, parse_instance, stage_named

DRAIN_REPORT_SECONDS = 30.0
"""How long a command waits for a leaving ingress; the draining itself goes on."""
DRAIN_POLL_SECONDS = 0.1
BACKLOG_METRIC = "tributary_backlog_records"
RETIRED_MARK = "retired"
"""An empty file in the folder of an ingress whose journal was empty when it left."""


class Supervisor:
    """Owns every instance. Used on one event loop, for one change at a time, by the process that holds the lock."""

    def __init__(self, configuration: Configuration, binaries: Path, root: Path, say: Say):
        self.configuration, self.binaries, self.say = configuration, binaries, say
        self.instances: dict[str, Instance] = {}
        self._root = root
        self._counts = dict(configuration.instances)
        self._listeners: dict[str, socket.socket] = {}
        self._drains: dict[str, asyncio.Task[None]] = {}

    def of(self, *stages: Stage) -> list[Instance]:
        """The instances that stay: by stage in this order, by their number."""
        staying = [each for each in self.instances.values() if each.stage in stages and not each.is_leaving]
        return sorted(staying, key=lambda each: (stages.index(each.stage), each.index))

    # Coming up and going down

    def listen(self, running: dict[str, Process]) -> None:
        """Binds what the supervisor holds, beside the sockets of the stages that are taken over."""
        for executable, address in self.configuration.listen.items():
            beside = any(parse_instance(name)[0].executable == executable for name in running)
            self._listeners[executable] = open_listener(address, beside)

    async def up(self, running: dict[str, Process]) -> None:
        """Takes over what runs, starts what does not (downstream first), and lets go what is too many."""
        self._accept(is_takeover=bool(running))
        for sentence in self._missing_variables():
            self.say(f"warning: {sentence}")
        for name, each in running.items():
            self.say(f"{name} is running already (pid {each.pid}) and is taken over.")
        self.adopt(running)
        for folder in sorted(self.configuration.data_dir.glob("*")):
            found = parse_instance(folder.name)
            if found and found[0].listens and not (folder / RETIRED_MARK).exists() and any(folder.iterdir()):
                self._instance(folder.name)  # it left records in its journal
        for stage in reversed(STAGES):
            await self._settle(stage, self.say)
        for instance in [each for each in self.of(*STAGES) if each.name in running and each.stage.listens]:
            self.say(f"{instance.name} is replaced: connections wait in the new listening socket meanwhile.")
            await instance.stop(self.say)
            instance.start()

    def adopt(self, running: dict[str, Process]) -> None:
        """Takes over what runs and starts nothing."""
        for name, each in running.items():
            self._instance(name).start(each)

    def _accept(self, is_takeover: bool) -> None:
        """Keeps what runs from now on; beside stages that are taken over, what they run by goes on, in its numbers."""
        ours = self.configuration
        scale = ours.run_dir / SCALE_NAME
        try:
            saved = json.loads(scale.read_text()) if is_takeover else {}
            self._counts |= {stage.executable: max(1, min(int(count), stage.most))
                             for name, count in saved.items() for stage in [stage_named(name)] if stage.most > 1}
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, Failure):
            self.say(f"warning: {scale} cannot be read and is ignored; the configured numbers hold.")
        if not (is_takeover and (ours.run_dir / ACCEPTED_NAME).exists()):
            ours.forget()
            ours.keep()
        elif text_of(ours.file) != ours.text:
            self.say(f"{ours.file} has changed since the running stages read it; 'scripts/supervisor reload' applies "
                     "that.")

    async def down(self, say: Say) -> None:
        """Stops the stages from the front door to the subscribers, so that each can hand on what it holds."""
        for drain in self._drains.values():
            drain.cancel()
        for stage in STAGES:
            ours = [each for each in self.instances.values() if each.stage is stage]
            await asyncio.gather(*(each.stop(say) for each in ours))
            if ours:
                say(f"{stage.executable}: {len(ours)} stopped.")
        self.configuration.forget()

    def _instance(self, name: str) -> Instance:
        if name not in self.instances:
            admin = self.configuration.path(name, "admin")
            self.instances[name] = Instance(*parse_instance(name), admin, self._launch, self.say)
        return self.instances[name]

    def _launch(self, instance: Instance) -> Process:
        configuration, executable = self.configuration, instance.stage.executable
        sockets: tuple[socket.socket, ...] = ()
        if instance.stage.listens:
            (configuration.data_dir / instance.name / RETIRED_MARK).unlink(missing_ok=True)
            # The private socket needs no owner here: the child keeps its own copy.
            sockets = (open_listener() if instance.is_leaving else self._listeners[executable],)
        return process.start(
            [str(self.binaries / executable), "--config", str(configuration.run_dir / ACCEPTED_NAME),
             "--instance", instance.name],
            process.stage_environment(configuration.environment.get(executable, ()), os.environ), self._root,
            configuration.path(instance.name, "log"), configuration.path(instance.name, "pid"), sockets)

    # Waiting for it

    async def until_ready(self) -> None:
        """Returns when every instance is ready, fails with the end of a log when one is not in time.

        A wrong configuration does not get better with time, so its exit code ends the wait at once.
        """
        def unready() -> list[Instance]:
            """The hopeless ones first."""
            found = [each for each in self.instances.values() if not each.is_ready and not each.is_leaving]
            return sorted(found, key=lambda each: not each.has_refused)

        await until(lambda: not (found := unready()) or found[0].has_refused, READY_SECONDS)
        if found := unready():
            first = found[0]
            raise self._not_ready(
                first, f"{first.name} does not come up" if first.has_refused else
                f"{len(found)} of {len(self.instances)} instances are not ready after {READY_SECONDS:g} s")

    def _missing_variables(self) -> list[str]:
        return self.configuration.missing(os.environ, "Export {} and run 'scripts/supervisor up -d' again.")

    def _not_ready(self, instance: Instance, what: str) -> Failure:
        path = self.configuration.path(instance.name, "log")
        end = "".join(f"\n    {line}" for line in instance.log_end(12)) or "\n    (nothing)"
        last = f", which last {instance.last_end}" if instance.last_end else ""
        is_wrong = (instance.last_end or "").startswith(f"exited with {CONFIGURATION}")
        missing = "".join(f"\n{sentence}" for sentence in self._missing_variables())
        return Failure(f"{what}; the end of {path}, the log of {instance.name} ({instance.state}{last}):{end}{missing}",
                       CONFIGURATION if is_wrong else NOT_READY)

    # Other numbers of instances

    async def scale(self, stage_name: str, count: int, say: Say) -> None:
        """Runs so many instances of a stage; the highest numbered leave first."""
        stage = stage_named(stage_name)
        if stage.most == 1 and not (stage.only_with and not self.of(stage)):
            raise Failure(f"{stage.executable} cannot be scaled: " + (
                "one connector owns the journal." if stage.only_with else "one router owns the event log."), USAGE)
        if not 1 <= count <= stage.most:
            raise Failure(f"{stage.executable} runs 1 to {stage.most} instances, not {count}" + (
                ": without one, every webhook would be held back." if count < 1 else "."), USAGE)
        self._counts[stage.executable] = count
        path = self.configuration.run_dir / SCALE_NAME
        path.with_suffix(".new").write_text(json.dumps(self._counts))
        path.with_suffix(".new").rename(path)
        await self._settle(stage, say)
        await self.until_ready()
        if not await until(lambda: not self._drains, DRAIN_REPORT_SECONDS):
            for instance in [self.instances[name] for name in self._drains]:
                left = await self._backlog(instance)
                say(f"{instance.name} still holds {'an unknown number of' if left is None else int(left)} records; "
                    "it leaves when the router has settled them.")
        say(f"{stage.executable}: {count} {'instance' if count == 1 else 'instances'}, ready.")

    async def _settle(self, stage: Stage, say: Say) -> None:
        """Starts what there is too few of a stage, and lets go what there is too many of."""
        count = self._counts[stage.executable]
        for instance in map(self._instance, map(stage.instance, range(count))):
            if instance.is_leaving:  # it comes back to the front door
                self._drains.pop(instance.name).cancel()
                await instance.stop(self.say)
                instance.is_leaving = False
            instance.start()
        for instance in reversed(self.of(stage)[count:]):
            if stage.listens:
                instance.is_leaving = True
                self._drains[instance.name] = asyncio.ensure_future(self._drain(instance))
            else:
                say(f"{instance.name} is one too many: it finishes and leaves.")
                await instance.stop(say)
                del self.instances[instance.name]

    async def _drain(self, instance: Instance) -> None:
        """Starts an ingress anew behind a door that nobody knows, until everything in its journal is settled."""
        self.say(f"{instance.name} leaves: it takes nothing more and empties its journal first.")
        await instance.stop(self.say)
        instance.start()
        looks_empty = 0
        while looks_empty < 2:
            await asyncio.sleep(DRAIN_POLL_SECONDS)
            looks_empty = looks_empty + 1 if instance.is_ready and await self._backlog(instance) == 0 else 0
        await instance.stop(self.say)
        folder = self.configuration.data_dir / instance.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / RETIRED_MARK).touch()
        except OSError as error:
            self.say(f"warning: that {instance.name} has left could not be noted ({error.strerror}); the next 'up' "
                     "looks into its journal again.")
        del self.instances[instance.name], self._drains[instance.name]
        self.say(f"{instance.name} has left; its journal is empty.")

    async def _backlog(self, instance: Instance) -> float | None:
        answer = await instance.ask(f"/metrics.json?names={BACKLOG_METRIC}")
        counts = [float(each["value"]) for metric in answer.get("metrics", ()) if metric["name"] == BACKLOG_METRIC
                  for each in metric["samples"]]
        return sum(counts) if counts else None

    # Other processes

    async def restart(self, name: str, say: Say) -> None:
        """Replaces the processes of a stage, or one instance, one after the other."""
        name = full_name(name)
        stages = STAGES if parse_instance(name) else (stage_named(name),)
        wanted = [each for each in self.of(*stages) if name == each.name or not parse_instance(name)]
        if not wanted:
            raise Failure(f'there is no instance "{name}"; there are {", ".join(self.instances)}.', USAGE)
        for instance in wanted:
            if not await instance.restart(say):
                raise self._not_ready(instance, f"{instance.name} did not become ready after its restart")
            say(f"{instance.name} is ready (pid {instance.process.pid if instance.process else None}).")

    async def take_environment(self, offered: dict[str, str], say: Say) -> None:
        """Goes on with a caller's values of the variables that the configuration names: stages that were started
        with others, or could not be, start again with these."""
        offered = {name: offered[name] for name in self.configuration.variables & offered.keys()}
        os.environ.update(offered)
        for each in self.of(*reversed(STAGES)):
            if new := self.new_variables(each, offered):
                say(f"{each.name} starts again with the {', '.join(new)} of this environment.")
                await each.restart(say)

    def new_variables(self, instance: Instance, ours: Mapping[str, str] = os.environ) -> list[str]:
        """Those of its variables that its process was started without, or with another value than ours."""
        names = ours.keys() & self.configuration.environment.get(instance.stage.executable, ())
        theirs = ours if instance.started_with is None else instance.started_with
        return sorted(name for name in names if theirs.get(name) != ours[name])

    def take_configuration(self, fresh: Configuration) -> None:
        """Starts stages by another configuration from now on, behind other listening sockets where it says so."""
        for executable, address in fresh.listen.items():
            if address != self.configuration.listen[executable]:
                former = self._listeners[executable]
                self._listeners[executable] = open_listener(address)
                former.close()
        (fresh.run_dir / CANDIDATE_NAME).rename(fresh.run_dir / ACCEPTED_NAME)
        self.configuration = fresh

    # What is known

    def status(self) -> dict:
        rows = sorted(self.instances.values(), key=lambda each: (STAGES.index(each.stage), each.index))
        return {
            "supervisor": {"pid": os.getpid()}, "configuration": str(self.configuration.file),
            "run_dir": str(self.configuration.run_dir),
            "listen": {name: name_of(listener) for name, listener in self._listeners.items()},
            "scheme": self.configuration.scheme, "instances": [each.row() for each in rows],
        }

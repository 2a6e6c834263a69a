"""The stages of one run directory, kept running: starting, taking over, scaling, restarting, draining."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from . import accepted, environment, process
from .admin import ask
from .configuration import Configuration
from .failure import CONFIGURATION, NOT_READY, USAGE, Failure
from .instance import Instance, until
from .listeners import name_of, open_listener, open_private_listener
from .process import Process
from .topology import STAGES, Stage, full_name, parse_instance, stage_named

READY_SECONDS = 15.0
DRAIN_REPORT_SECONDS = 30.0
"""How long a command waits for a leaving ingress; the draining itself goes on."""
DRAIN_POLL_SECONDS = 0.1
BACKLOG_METRIC = "tributary_backlog_records"
SCALE_FILE = "scale.json"
"""What `scale` set: it lasts as long as the pipeline runs, also when the supervisor itself is killed."""
RETIRED_MARK = "retired"
"""An empty file in the folder of an ingress whose journal was empty when it left."""

Say = Callable[[str], None]


class Supervisor:
    """Owns every instance. Constructed and used on one event loop, by the one process that holds the lock."""

    def __init__(self, configuration: Configuration, binaries: Path, root: Path, say: Say):
        self.configuration, self.binaries, self.say = configuration, binaries, say
        self.instances: dict[str, Instance] = {}
        self._root = root
        self._counts = dict(configuration.instances)
        self._listeners: dict[str, socket.socket] = {}
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._change = asyncio.Lock()
        self._running_change: asyncio.Task | None = None
        self._is_going_down = False

    def of(self, stage: Stage) -> list[Instance]:
        """The instances of a stage that stay, by their number."""
        return sorted((each for each in self.instances.values() if each.stage is stage and not each.is_leaving),
                      key=lambda each: each.index)

    # Coming up

    def listen(self, running: dict[str, Process]) -> None:
        """Binds what the supervisor holds, beside the sockets of the stages that are taken over."""
        for executable, address in self.configuration.listen.items():
            beside = any(parse_instance(name)[0].executable == executable for name in running)
            self._listeners[executable] = open_listener(address, beside)

    async def up(self, running: dict[str, Process]) -> None:
        """Takes over what runs, starts what does not (downstream first), and lets go what is too many."""
        self._read_scale(is_takeover=bool(running))
        self._accept(is_takeover=bool(running))
        for sentence in self._missing_variables():
            self.say(f"warning: {sentence}")
        surplus = self._surplus(running)
        for name, each in running.items():
            self.say(f"{name} is running already (pid {each.pid}) and is taken over.")
        self.adopt(running)
        for stage in reversed(STAGES):
            for index in range(self._counts[stage.executable]):
                self._instance(stage.instance(index)).start()
        for name in surplus:
            if parse_instance(name)[0].listens:
                self._start_draining(name)
            else:
                await self._let_go(name, f"{name} is one more than configured", self.say)
        for instance in [self.instances[name] for name in running if name in self.instances and name not in surplus]:
            if instance.stage.listens:
                self.say(f"{instance.name} is replaced: connections wait in the new listening socket meanwhile.")
                await instance.stop(self.say)
                instance.start()

    def adopt(self, running: dict[str, Process]) -> None:
        """Takes over what runs and starts nothing."""
        for name, each in running.items():
            self._instance(name).start(each)

    def _accept(self, is_takeover: bool) -> None:
        """Keeps what runs from now on; beside stages that are taken over, what they run by goes on."""
        ours = self.configuration
        copy = ours.run_dir / accepted.NAME
        if not (is_takeover and copy.exists()):
            accepted.forget(ours.run_dir)
            accepted.write(copy, ours.file, ours.text)
        elif accepted.text_of(ours.file) != ours.text:
            self.say(f"{ours.file} has changed since the running stages read it; 'scripts/supervisor reload' applies "
                     "that.")

    def _surplus(self, running: dict[str, Process]) -> list[str]:
        """Running instances over the wanted number, and ingresses that left records in their journals."""
        left = [folder.name for folder in sorted(self.configuration.data_dir.glob("*"))
                if (found := parse_instance(folder.name)) and found[0].listens
                and not (folder / RETIRED_MARK).exists() and any(folder.iterdir())]
        places = {name: parse_instance(name) for name in (*running, *left)}
        return [name for name, (stage, index) in places.items() if index >= self._counts[stage.executable]]

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
            sockets = (open_private_listener() if instance.is_leaving else self._listeners[executable],)
        return process.start(
            [str(self.binaries / executable), "--config", str(configuration.run_dir / accepted.NAME),
             "--instance", instance.name],
            environment.stage_environment(configuration.environment.get(executable, ()), os.environ), self._root,
            configuration.path(instance.name, "log"), configuration.path(instance.name, "pid"), sockets)

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

    # Changing what runs

    async def change(self, command: Callable[[], Awaitable]) -> object:
        """Runs one change at a time and answers its result; `down` ends the one under way."""
        async with self._change:
            if self._is_going_down:
                raise Failure("the pipeline is going down.")
            self._running_change = asyncio.ensure_future(command())
            try:
                return await self._running_change
            except asyncio.CancelledError:
                raise Failure("cut short, because the pipeline goes down.") from None
            finally:
                self._running_change = None

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
        path = self.configuration.run_dir / SCALE_FILE
        path.with_suffix(".new").write_text(json.dumps(self._counts))
        path.with_suffix(".new").rename(path)
        for name in map(stage.instance, range(count)):
            instance = self._instance(name)
            if instance.is_leaving:  # it comes back to the front door
                self._drains.pop(name).cancel()
                await instance.stop(self.say)
                instance.is_leaving = False
            instance.start()
        for instance in reversed(self.of(stage)[count:]):
            if stage.listens:
                self._start_draining(instance.name)
            else:
                await self._let_go(instance.name, f"{instance.name} finishes and leaves", say)
        await self.until_ready()
        if not await until(lambda: not self._drains, DRAIN_REPORT_SECONDS):
            for name in self._drains:
                left = await self._backlog(self.instances[name])
                say(f"{name} still holds {'an unknown number of' if left is None else int(left)} records; "
                    "it leaves when the router has settled them.")
        say(f"{stage.executable}: {count} {'instance' if count == 1 else 'instances'}, ready.")

    async def _let_go(self, name: str, why: str, say: Say) -> None:
        say(f"{why}.")
        await self.instances[name].stop(say)
        del self.instances[name]

    def _start_draining(self, name: str) -> None:
        if name not in self._drains:
            self._drains[name] = asyncio.ensure_future(self._drain(self._instance(name)))

    async def _drain(self, instance: Instance) -> None:
        """Starts an ingress anew behind a door that nobody knows, until everything in its journal is settled."""
        self.say(f"{instance.name} leaves: it takes nothing more and empties its journal first.")
        await instance.stop(self.say)
        instance.is_leaving = True
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
        answer = await ask(self.configuration.path(instance.name, "admin"), f"/metrics.json?names={BACKLOG_METRIC}")
        counts = [float(each["value"]) for metric in answer.tree.get("metrics", ()) if metric["name"] == BACKLOG_METRIC
                  for each in metric["samples"]]
        return sum(counts) if counts else None

    async def restart(self, name: str, say: Say) -> None:
        """Replaces the processes of a stage, or one instance, one after the other."""
        name = full_name(name)
        if parse_instance(name):
            wanted = [each for each in self.instances.values() if name == each.name and not each.is_leaving]
            if not wanted:
                raise Failure(f'there is no instance "{name}"; there are {", ".join(self.instances)}.', USAGE)
        else:
            wanted = self.of(stage_named(name))
        for instance in wanted:
            if not await instance.restart(say, READY_SECONDS):
                raise self._not_ready(instance, f"{instance.name} did not become ready after its restart")
            say(f"{instance.name} is ready (pid {instance.process.pid if instance.process else None}).")

    async def take_environment(self, offered: dict[str, str], say: Say) -> None:
        """Goes on with a caller's values of the variables that the configuration names: stages that were started
        with others, or could not be, start again with these."""
        fresh = {name for name in self.configuration.variables & offered.keys()
                 if os.environ.get(name) != offered[name]}
        offered = {name: offered[name] for name in self.configuration.variables & offered.keys()}
        os.environ.update(offered)
        for each in [each for stage in reversed(STAGES) for each in self.of(stage)]:
            names = self.configuration.environment.get(each.stage.executable, ())
            if new := ({*self.new_variables(each)} & offered.keys() if each.process else {*names} & fresh):
                say(f"{each.name} starts again with the {', '.join(sorted(new))} of this environment.")
                await each.restart(say, READY_SECONDS)

    def new_variables(self, instance: Instance) -> list[str]:
        """Those of its variables that its process was started without, or with another value."""
        names = self.configuration.environment.get(instance.stage.executable, ())
        return environment.differing(names, instance.process.pid, os.environ) if instance.process else []

    async def down(self, say: Say) -> None:
        """Stops the stages from the front door to the subscribers, so that each can hand on what it holds."""
        self._is_going_down = True
        if self._running_change is not None:
            self._running_change.cancel()
        async with self._change:
            for drain in self._drains.values():
                drain.cancel()
            for stage in STAGES:
                ours = [each for each in self.instances.values() if each.stage is stage]
                await asyncio.gather(*(each.stop(say) for each in ours))
                if ours:
                    say(f"{stage.executable}: {len(ours)} stopped.")
            (self.configuration.run_dir / SCALE_FILE).unlink(missing_ok=True)
            accepted.forget(self.configuration.run_dir)

    def take_configuration(self, fresh: Configuration) -> None:
        """Starts stages by another configuration from now on, behind other listening sockets where it says so."""
        for executable, address in fresh.listen.items():
            if address != self.configuration.listen[executable]:
                former = self._listeners[executable]
                self._listeners[executable] = open_listener(address, beside_ours=False)
                former.close()
        (fresh.run_dir / accepted.CANDIDATE_NAME).rename(fresh.run_dir / accepted.NAME)
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

    def _read_scale(self, is_takeover: bool) -> None:
        path = self.configuration.run_dir / SCALE_FILE
        if not is_takeover:
            path.unlink(missing_ok=True)
        try:
            saved = {stage_named(name): int(count) for name, count in json.loads(path.read_text()).items()}
            self._counts |= {stage.executable: max(1, min(count, stage.most))
                             for stage, count in saved.items() if stage.most > 1}
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, Failure):
            self.say(f"warning: {path} cannot be read and is ignored; the configured numbers hold.")

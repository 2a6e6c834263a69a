"""The stages of one run directory, kept running: starting, taking over, scaling, restarting, draining."""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from . import accepted, process, reloading
from .admin import probe
from .changes import Changes
from .configuration import Configuration, bytes_of
from .environment import differing, stage_environment, taken, unset
from .exposition import total
from .failure import CONFIGURATION, NOT_READY, USAGE, Failure
from .instance import Instance
from .listeners import name_of, open_listener, open_private_listener
from .process import Launch, Process
from .topology import STAGES, full_name, parse_instance, stage_named

READY_SECONDS = 15.0
DRAIN_REPORT_SECONDS = 30.0
"""How long a command waits for a leaving ingress; the draining itself goes on."""
BACKLOG_METRIC = "tributary_backlog_records"
SCALE_FILE = "scale.json"
RETIRED_MARK = "retired"
"""An empty file in the folder of an ingress whose journal was empty when it left."""

Say = Callable[[str], None]


class Supervisor:
    """Owns every instance. Constructed and used on one event loop, by the one process that holds the lock."""

    def __init__(self, configuration: Configuration, binaries: Path, root: Path, say: Say):
        self.configuration, self.binaries, self.root, self._say = configuration, binaries, root, say
        self.changes = Changes()
        self.instances: dict[str, Instance] = {}
        self._counts = dict(configuration.instances)
        self._listeners: dict[str, socket.socket] = {}
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._change = asyncio.Lock()
        self._running_change: asyncio.Task | None = None
        self.is_going_down = False

    # Coming up

    def find_running(self) -> dict[str, Process]:
        """The stages that an earlier supervisor left running, by instance."""
        return process.find_running(self.configuration.run_dir)

    def open_listeners(self, running: Iterable[str]) -> None:
        """Binds what the supervisor holds, beside the sockets of the stages that are taken over."""
        for stage in STAGES:
            if stage.listens:
                beside = any(parse_instance(name)[0] is stage for name in running)
                self._listeners[stage.executable] = open_listener(
                    self.configuration.listen[stage.executable], beside_ours=beside)

    async def up(self, running: dict[str, Process]) -> None:
        """Takes over what runs, starts what does not (downstream first), and lets go what is too many."""
        self._read_scale(is_takeover=bool(running))
        self._accept(is_takeover=bool(running))
        for sentence in self._missing_variables():
            self._say(f"warning: {sentence}")
        surplus = self._surplus(running)
        for stage in reversed(STAGES):
            for name in [stage.instance(index) for index in range(self._counts[stage.executable])]:
                self._bring_up(name, running.get(name))
        for name in surplus:
            if parse_instance(name)[0].listens:
                self._start_draining(name, running.get(name))
            else:
                self._bring_up(name, running.get(name))
                await self._let_go(name, f"{name} is one more than configured")
        for name in running:
            if name in self.instances and self.instances[name].stage.listens and name not in surplus:
                self._say(f"{name} is replaced: connections wait in the new listening socket meanwhile.")
                await self.instances[name].stop(self._say)
                self.instances[name].start()

    def _accept(self, is_takeover: bool) -> None:
        """Keeps what runs from now on; beside stages that are taken over, what they run by goes on."""
        ours = self.configuration
        copy = ours.run_dir / accepted.NAME
        if not (is_takeover and copy.exists()):
            accepted.forget(ours.run_dir)
            accepted.write(copy, ours.file, ours.text)
        elif bytes_of(ours.file) != ours.text:
            self._say(f"{ours.file} has changed since the running stages read it; 'scripts/supervisor reload' applies "
                      "that.")

    def adopt_all(self, running: dict[str, Process]) -> None:
        """Takes over what runs and starts nothing."""
        for name, each in running.items():
            self._instance(name).adopt(each)

    def _bring_up(self, name: str, running: Process | None) -> Instance:
        instance = self._instance(name)
        if running is not None:
            self._say(f"{name} is running already (pid {running.pid}) and is taken over.")
            instance.adopt(running)
        else:
            instance.start()
        return instance

    def _surplus(self, running: Iterable[str]) -> list[str]:
        """Running instances over the wanted number, and ingresses that left records in their journals."""
        names = dict.fromkeys(running)
        for folder in sorted(self.configuration.data_dir.glob("*")):
            parsed = parse_instance(folder.name)
            if parsed and parsed[0].listens and not (folder / RETIRED_MARK).exists() and any(folder.iterdir()):
                names[folder.name] = None
        return [name for name in names if parse_instance(name)[1] >= self._counts[parse_instance(name)[0].executable]]

    def _instance(self, name: str) -> Instance:
        if name not in self.instances:
            stage, index = parse_instance(name)
            self.instances[name] = Instance(
                stage, index, self.configuration.path(name, "admin"), self._launch, self._say, self.changes)
        return self.instances[name]

    def _launch(self, instance: Instance) -> Launch:
        configuration, executable = self.configuration, instance.stage.executable
        sockets: tuple[socket.socket, ...] = ()
        if instance.stage.listens:
            (configuration.data_dir / instance.name / RETIRED_MARK).unlink(missing_ok=True)
            # The private socket needs no owner here: the child keeps its own copy.
            sockets = (open_private_listener() if instance.is_leaving else self._listeners[executable],)
        return Launch(
            [str(self.binaries / executable), "--config", str(configuration.run_dir / accepted.NAME),
             "--instance", instance.name],
            stage_environment(configuration.environment.get(executable, ()), os.environ), self.root,
            configuration.path(instance.name, "log"), configuration.path(instance.name, "pid"), sockets)

    async def until_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Returns when every instance is ready, fails with the end of a log when one is not in time.

        A wrong configuration does not get better with time, so its exit code ends the wait at once.
        """
        def settled() -> bool:
            return self._refused() is not None or not self._unready()

        await self.changes.until(settled, timeout_seconds)
        unready = self._unready()
        if unready:
            refused = self._refused()
            what = (f"{refused.name} does not come up" if refused else
                    f"{len(unready)} of {len(self.instances)} instances are not ready after {timeout_seconds:g} s")
            raise self._not_ready(refused or unready[0], what)

    def _missing_variables(self) -> list[str]:
        """Per stage, the variables that the configuration names and nobody has set."""
        sentences = []
        for stage in STAGES:
            missing = unset(self.configuration.environment.get(stage.executable, ()), os.environ)
            if missing:
                sentences.append(f"{', '.join(missing)} not set; {self.configuration.file} names "
                                 f"{'it' if len(missing) == 1 else 'them'} for {stage.executable}. Export "
                                 f"{'it' if len(missing) == 1 else 'them'} and run 'scripts/supervisor up -d' again.")
        return sentences

    def _unready(self) -> list[Instance]:
        return [each for each in self.instances.values() if not each.is_ready and not each.is_leaving]

    def _refused(self) -> Instance | None:
        return next((each for each in self._unready() if each.has_refused), None)

    def _not_ready(self, instance: Instance, what: str) -> Failure:
        path = self.configuration.path(instance.name, "log")
        end = "".join(f"\n    {line}" for line in instance.log_end(12)) or "\n    (nothing)"
        last = f", which last {instance.last_end}" if instance.last_end else ""
        is_wrong = (instance.last_end or "").startswith(f"exited with {CONFIGURATION}")
        missing = "".join(f"\n{sentence}" for sentence in self._missing_variables())
        return Failure(f"{what}; the end of {path}, the log of {instance.name} ({instance.state}{last}):{end}{missing}",
                       CONFIGURATION if is_wrong else NOT_READY)

    # Changing what runs

    async def change(self, command: Callable[[], object]) -> object:
        """Runs one change at a time and answers its result; `down` ends the one under way."""
        async with self._change:
            if self.is_going_down:
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
        if not stage.is_scalable:
            raise Failure(f"{stage.executable} cannot be scaled: one router owns the event log.", USAGE)
        if not 1 <= count <= stage.most:
            raise Failure(f"{stage.executable} runs 1 to {stage.most} instances, not {count}" + (
                ": without one, every webhook would be held back." if count < 1 else "."), USAGE)
        self._counts[stage.executable] = count
        self._write_scale()
        for index in range(count):
            await self._restore(stage.instance(index))
        leaving = [name for name, each in self.instances.items() if each.stage is stage and each.index >= count]
        for name in sorted(leaving, key=lambda name: -self.instances[name].index):
            if stage.listens:
                self._start_draining(name, None)
            else:
                await self._let_go(name, f"{name} finishes and leaves", say)
        await self.until_ready()
        await self._await_drains(say)
        say(f"{stage.executable}: {count} {'instance' if count == 1 else 'instances'}, ready.")

    async def _restore(self, name: str) -> None:
        """Starts a wanted instance; one that was leaving comes back to the front door."""
        instance = self._instance(name)
        if instance.is_leaving:
            self._drains.pop(name).cancel()
            await instance.stop(self._say)
            instance.is_leaving = False
        instance.start()

    async def _let_go(self, name: str, why: str, say: Say | None = None) -> None:
        (say or self._say)(f"{why}.")
        await self.instances[name].stop(say or self._say)
        del self.instances[name]

    def _start_draining(self, name: str, running: Process | None) -> None:
        if name in self._drains:
            return
        instance = self._instance(name)
        if running is not None:
            instance.adopt(running)
        self._drains[name] = asyncio.ensure_future(self._drain(instance))

    async def _drain(self, instance: Instance) -> None:
        """Starts an ingress anew behind a door that nobody knows, until everything in its journal is settled."""
        self._say(f"{instance.name} leaves: it takes nothing more and empties its journal first.")
        await instance.stop(self._say)
        instance.is_leaving = True
        instance.start()
        looks_empty = 0
        while looks_empty < 2:
            await asyncio.sleep(0.1)
            looks_empty = looks_empty + 1 if instance.is_ready and await self._backlog(instance) == 0 else 0
        await instance.stop(self._say)
        try:
            (self.configuration.data_dir / instance.name).mkdir(parents=True, exist_ok=True)
            (self.configuration.data_dir / instance.name / RETIRED_MARK).touch()
        except OSError as error:
            self._say(f"warning: that {instance.name} has left could not be noted ({error.strerror}); the next 'up' "
                      "looks into its journal again.")
        del self.instances[instance.name], self._drains[instance.name]
        self._say(f"{instance.name} has left; its journal is empty.")
        self.changes.fire()

    async def _backlog(self, instance: Instance) -> float | None:
        status, body = await probe(self.configuration.path(instance.name, "admin"), "/metrics", 1.0)
        return total(body.decode(errors="replace"), BACKLOG_METRIC) if status == 200 else None

    async def _await_drains(self, say: Say) -> None:
        if self._drains and not await self.changes.until(lambda: not self._drains, DRAIN_REPORT_SECONDS):
            for name in self._drains:
                left = await self._backlog(self.instances[name])
                say(f"{name} still holds {'an unknown number of' if left is None else int(left)} records; "
                    "it leaves when the router has settled them.")

    async def restart(self, name: str, say: Say) -> None:
        """Replaces the processes of a stage, or one instance, one after the other."""
        name = full_name(name)
        wanted = [each for each in self.instances.values() if name == each.name and not each.is_leaving]
        if not wanted:
            if parse_instance(name):
                raise Failure(f'there is no instance "{name}"; there are {", ".join(self.instances)}.', USAGE)
            stage = stage_named(name)
            wanted = [each for each in self.instances.values() if each.stage is stage and not each.is_leaving]
        for instance in wanted:
            await instance.restart(say)
            if not await self._settled(instance):
                raise self._not_ready(instance, f"{instance.name} did not become ready after its restart")
            say(f"{instance.name} is ready (pid {instance.process.pid if instance.process else None}).")

    async def take_environment(self, offered: dict[str, str], say: Say) -> None:
        """Goes on with a caller's values of the variables that the configuration names: stages that were started with
        others, or could not be, start again with these."""
        fresh = taken(offered, self.configuration.variables, os.environ)
        os.environ.update(fresh)
        for each in [each for stage in reversed(STAGES) for each in self.instances.values() if each.stage is stage]:
            names = {*self.configuration.environment.get(each.stage.executable, ())} & offered.keys()
            new = sorted(names & fresh.keys())
            if each.process is not None:
                new = differing(names, each.process.pid, os.environ)
            if new and not each.is_leaving:
                say(f"{each.name} starts again with the {', '.join(new)} of this environment.")
                await each.restart(say)
                await self._settled(each)

    async def _settled(self, instance: Instance) -> bool:
        """Waits until an instance is ready, or says that it cannot be; whether it is ready."""
        await self.changes.until(lambda: instance.is_ready or instance.has_refused, READY_SECONDS)
        return instance.is_ready

    async def down(self, say: Say) -> None:
        """Stops the stages from the front door to the subscribers, so that each can hand on what it holds."""
        self.is_going_down = True
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

    async def reload(self, environment: dict[str, str], say: Say) -> dict:
        """Lets the stages run by the file as it is now. `environment`: variables that count from now on, by name."""
        return await reloading.Reload(self, environment, say).run()

    async def reload_on_hangup(self) -> None:
        """SIGHUP means the same as the command; what goes wrong is said in the log."""
        try:
            await self.change(lambda: self.reload({}, self._say))
        except (Failure, OSError) as failure:
            self._say(f"error: not reloaded: {failure}")

    def take_configuration(self, fresh: Configuration) -> None:
        """Starts stages by another configuration from now on, behind other listening sockets where it says so."""
        for executable, address in fresh.listen.items():
            if address != self.configuration.listen[executable]:
                former, self._listeners[executable] = (
                    self._listeners[executable], open_listener(address, beside_ours=False))
                former.close()
        (fresh.run_dir / accepted.CANDIDATE_NAME).rename(fresh.run_dir / accepted.NAME)
        self.configuration = fresh

    # What is known

    def status(self) -> dict:
        order = {stage: place for place, stage in enumerate(STAGES)}
        rows = sorted(self.instances.values(), key=lambda each: (order[each.stage], each.index))
        return {
            "supervisor": {"pid": os.getpid()}, "configuration": str(self.configuration.file),
            "run_dir": str(self.configuration.run_dir),
            "listen": {name: name_of(listener) for name, listener in self._listeners.items()},
            "scheme": self.configuration.scheme,
            "instances": [each.row() for each in rows],
        }

    def _read_scale(self, is_takeover: bool) -> None:
        """What `scale` set lasts as long as the pipeline runs, also when the supervisor itself was killed."""
        path = self.configuration.run_dir / SCALE_FILE
        try:
            if is_takeover:
                saved = json.loads(path.read_text())
                self._counts |= {stage_named(name).executable: int(count) for name, count in saved.items()}
            else:
                path.unlink()
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, AttributeError, Failure):
            self._say(f"{path} cannot be read and is ignored; the configured numbers hold.")

    def _write_scale(self) -> None:
        path = self.configuration.run_dir / SCALE_FILE
        path.with_suffix(".new").write_text(json.dumps(self._counts))
        path.with_suffix(".new").rename(path)

"""The stages of one run directory, kept as they are wanted: every command changes what is wanted and settles it."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from commandline import CONFIGURATION, NOT_READY, USAGE, Failure

from . import logfiles, process
from .configuration import ACCEPTED_NAME, CANDIDATE_NAME, FORMER_NAME, Configuration, accept
from .instance import PROBE_READY_SECONDS, READY_SECONDS, Instance, Say, until
from .process import Process, open_listener
from .scaling import AgeScaling
from .topology import FRONT, NAMED, ROUTER, STAGES, Stage, parse_instance, stage_named

STEADY_SECONDS = PROBE_READY_SECONDS + 0.5  # how long an instance by another executable must stay ready
DRAIN_REPORT_SECONDS = 30.0  # how long a command waits for a leaving ingress; the draining itself goes on
BACKLOG_METRIC = "tributary_backlog_records"
AGE_METRIC = "tributary_oldest_unsettled_seconds"
RETIRED_MARK = "retired"  # an empty file in the folder of an ingress whose journal was empty when it left
OVERRIDES_NAME = "overrides.json"
"""What `scale` and `restart --binary` set: it lasts as long as the pipeline runs, also when the supervisor itself is
killed."""


class Supervisor:
    """Owns every instance. Used on one event loop, for one change at a time, by the process that holds the lock."""

    def __init__(self, configuration: Configuration, binaries: Path, log: Say):
        self.configuration, self.binaries, self._log = configuration, binaries, log
        self.instances: dict[str, Instance] = {}
        self.by_age: dict[str, AgeScaling] = {}  # the stages whose number follows the backlog
        self.audience: Say | None = None  # whoever has asked for the change under way
        self._counts = dict(configuration.instances)
        self._programs: dict[str, str] = {}  # what stages run by instead of the executable in `binaries`
        self._front: socket.socket | None = None  # where providers connect

    def say(self, line: str) -> None:
        """Into the log, and to whoever waits for what is done."""
        self._log(line)
        if self.audience:
            self.audience(line)

    def of(self, *stages: Stage) -> list[Instance]:
        """The instances that stay: by stage in this order, by their number."""
        staying = [each for each in self.instances.values() if each.stage in stages and not each.leaving]
        return sorted(staying, key=lambda each: (stages.index(each.stage), each.index))

    # Coming up and going down

    def prepare(self, running: Mapping[str, Process], is_takeover: bool) -> None:
        """What may fail, before anything starts. Binds the listening socket, beside those of the stages that are taken
        over; accepts the candidate, unless what those stages run by goes on."""
        self.configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_beside = any(parse_instance(name)[0] is FRONT for name in running)
        self._front = open_listener(self.configuration.listen, is_beside)
        if is_takeover:
            self._recall_overrides()
        else:
            self._forget(FORMER_NAME, OVERRIDES_NAME)
            accept(self.configuration.run_dir)
        for folder in sorted(self.configuration.data_dir.glob(f"{FRONT.executable}-*")):
            if parse_instance(folder.name) and not (folder / RETIRED_MARK).exists() and any(folder.iterdir()):
                self._instance(folder.name)  # it left records in its journal

    def adopt(self, running: Mapping[str, Process]) -> None:
        """Takes over what an earlier supervisor has started."""
        for name, each in running.items():
            self.say(f"{name} is running already (pid {each.pid}) and is taken over.")
            self._instance(name).start(each)

    async def up(self, offered: Mapping[str, str]) -> None:
        """Brings everything up, with a caller's values of the variables that the configuration names."""
        self.take_variables(offered)
        await self.settle()

    async def down(self, running: Mapping[str, Process] | None = None) -> None:
        """Stops the stages from the front door to the subscribers, so that each can hand on what it holds. `running`:
        what has no supervisor and is taken over only to be stopped."""
        self.adopt(running or {})
        for stage in STAGES:
            ours = [each for each in self.instances.values() if each.stage is stage]
            await asyncio.gather(*(each.stop() for each in ours))
            if ours:
                self.say(f"{stage.executable}: {len(ours)} stopped.")
        self._forget(ACCEPTED_NAME, CANDIDATE_NAME, FORMER_NAME, OVERRIDES_NAME)

    def _forget(self, *names: str) -> None:
        for name in names:
            (self.configuration.run_dir / name).unlink(missing_ok=True)

    def _instance(self, name: str) -> Instance:
        if name not in self.instances:
            self.instances[name] = Instance(self.configuration.run_dir / name, self._launch, self.say)
        return self.instances[name]

    def _launch(self, instance: Instance) -> Process:
        ours, executable, listener = self.configuration, instance.stage.executable, None
        if instance.stage is FRONT:
            (ours.data_dir / instance.name / RETIRED_MARK).unlink(missing_ok=True)
            # The private socket needs no owner here: the child keeps its own copy.
            listener = open_listener() if instance.leaving else self._front
        return process.start(
            [self._program(executable), "--config", str(ours.run_dir / ACCEPTED_NAME), "--instance", instance.name],
            process.stage_environment(ours.environment.get(executable, ()), os.environ),
            ours.run_dir / instance.name, listener)

    def _program(self, executable: str) -> str:
        return self._programs.get(executable, str(self.binaries / executable))

    # Settling what is wanted

    async def settle(self, visit: Callable[[Instance], Awaitable[None]] | None = None) -> None:
        """Starts what there is too few of and lets go what there is too many of, downstream first; then has each
        instance of the stage in turn `visit`ed, or replaced where its process does not have what ours would get."""
        for stage in reversed(STAGES):
            count = self._counts.get(stage.executable, 0)
            for instance in map(self._instance, map(stage.instance, range(count))):
                if instance.leaving:  # it comes back to the front door
                    instance.leaving = False
                    await instance.stop()
                instance.start()
            for instance in reversed(self.of(stage)[count:]):
                await self._let_go(instance)
            for instance in self.of(stage):
                await (visit or self._refresh)(instance)

    async def _let_go(self, instance: Instance) -> None:
        """An ingress starts anew behind a door that nobody knows, until everything in its journal is settled."""
        if instance.stage is not FRONT:
            self.say(f"{instance.name} is one too many: it finishes and leaves.")
            await instance.stop()
            del self.instances[instance.name]
        else:
            self.say(f"{instance.name} leaves: it takes nothing more and empties its journal first.")
            instance.leaving, instance.looks_empty = True, 0
            await instance.stop()
            instance.start()

    async def retire(self) -> None:
        """Ends the leaving instances whose journals are empty."""
        for instance in [each for each in self.instances.values() if each.leaving]:
            is_empty = instance.is_ready and await self._gauge(instance, BACKLOG_METRIC) == 0 and instance.leaving
            instance.looks_empty = instance.looks_empty + 1 if is_empty else 0
            if instance.looks_empty < 2:
                continue
            await instance.stop()
            if instance.leaving:  # nobody has called it back meanwhile
                folder = self.configuration.data_dir / instance.name
                with suppress(OSError):  # without the mark the next `up` looks into its journal again
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / RETIRED_MARK).touch()
                del self.instances[instance.name]
                self.say(f"{instance.name} has left; its journal is empty.")

    async def _refresh(self, instance: Instance) -> None:
        if instance.stage is FRONT and instance.process and instance.process.child is None:
            what = "behind the new listening socket, where connections wait meanwhile"
        elif new := self.new_variables(instance):
            what = f"with the {', '.join(new)} of this environment"
        else:
            return
        self.say(f"{instance.name} starts again {what}.")
        await self.replace(instance)

    async def _gauge(self, instance: Instance, name: str) -> float | None:
        """The present value of one of its metrics; nothing where it does not say."""
        answer = await instance.ask(f"/metrics.json?names={name}")
        values = [float(each["value"]) for metric in answer.get("metrics", ()) if metric["name"] == name
                  for each in metric["samples"]]
        return (max if name == AGE_METRIC else sum)(values) if values else None

    async def replace(self, instance: Instance) -> None:
        """Another process in place of an instance's; fails where that does not become ready."""
        await instance.stop()
        instance.start()
        await self.until_ready(instance)

    async def until_ready(self, *wanted: Instance) -> None:
        """Returns when these (or all) instances are ready; fails with the end of a log when one is not in time, or dies
        again and again."""
        def unready() -> list[Instance]:
            """The hopeless ones first."""
            found = [each for each in wanted or self.instances.values() if not each.is_ready and not each.leaving]
            return sorted(found, key=lambda each: not each.is_looping)

        await until(lambda: not (found := unready()) or found[0].is_looping, READY_SECONDS)
        if not (found := unready()):
            return
        first, log = found[0], self.configuration.run_dir / f"{found[0].name}.log"
        what = f"{first.name} does not come up" if first.is_looping else \
            f"{len(found)} of {len(self.instances)} instances are not ready after {READY_SECONDS:g} s"
        last = f", which last {first.last_end}" if first.last_end else ""
        is_wrong = (first.last_end or "").startswith(f"exited with {CONFIGURATION}")
        raise Failure("\n".join([
            f"{what}; the end of {log}, the log of {first.name} ({first.state}{last}):",
            *[f"    {line}" for line in logfiles.tail(log, 12) or ["(nothing)"]],
            *self.configuration.missing(os.environ, "Export {} and run 'scripts/supervisor up -d' again."),
            *["It goes on trying; 'scripts/supervisor status' shows how it is, 'down' stops it."] * (not wanted),
        ]), CONFIGURATION if is_wrong else NOT_READY)

    # What commands want

    async def scale(self, name: str, least: int, most: int | None = None) -> None:
        """Runs so many instances of a stage, or lets the number of a worker's follow the backlog's age; the highest
        numbered leave first."""
        stage, scaling = self._scalable(name, least, most or least), AgeScaling(least, most or least)
        if most and (stage is FRONT or least > most):
            raise Failure(f"{least}..{most} has more before the dots than behind." if least > most else
                          f"{stage.executable} does not follow the backlog; a verifier or normaliser does.", USAGE)
        self.by_age.pop(stage.executable, None)
        if most:
            self.by_age[stage.executable] = scaling
        await self.resize(stage, scaling.bounded(self._counts[stage.executable]))

    async def follow_backlog(self) -> None:
        """Looks once, and scales where that is due."""
        for name, scaling in list(self.by_age.items()):
            stage, count = NAMED[name], self._counts[name]
            others = [each for each in self.instances.values() if each.stage is not stage]
            journals = [each for each in others if each.stage is FRONT or each.stage.only_with]
            held = await asyncio.gather(*(self._gauge(each, BACKLOG_METRIC) for each in self.of(stage)))
            ages = await asyncio.gather(*(self._gauge(each, AGE_METRIC) for each in journals))
            age = max(ages) if ages and None not in ages and all(each.is_ready for each in others) else None
            # One that is too slow to answer is busy.
            wanted = scaling.judge(time.monotonic(), count, age, all_busy=0 not in held)
            if wanted != count:
                self.say(f"{name}: {count} become {wanted}; the oldest unsettled webhook is {age or 0:.1f} s old.")
                await self.resize(stage, wanted)

    def _scalable(self, name: str, *counts: int) -> Stage:
        """The stage, if it may have so many instances."""
        stage = stage_named(name)
        if stage.most == 1:
            raise Failure(f"{stage.executable} cannot be scaled: " + (
                "one connector owns the journal." if stage.only_with else
                "router.instances says how many there are, each with its own sources."), USAGE)
        # Each router has workers of its own.
        least = 1 if stage is FRONT else self.configuration.instances[ROUTER.executable]
        for count in counts:
            if not least <= count <= stage.most:
                raise Failure(f"{stage.executable} runs {least} to {stage.most} instances, not {count}" + (
                    ": with fewer, webhooks would be held back." if count < least else "."), USAGE)
        return stage

    async def resize(self, stage: Stage, count: int) -> None:
        self._counts[stage.executable] = count
        self._keep_overrides()
        await self.settle()
        await self.until_ready()

        def leaving() -> list[Instance]:
            return [each for each in self.instances.values() if each.leaving]

        await until(lambda: not leaving(), DRAIN_REPORT_SECONDS)
        for instance in leaving():
            left = await self._gauge(instance, BACKLOG_METRIC)
            self.say(f"{instance.name} still holds {'an unknown number of' if left is None else int(left)} records; "
                     "it leaves when the router has settled them.")
        self.say(f"{stage.executable}: {count} {'instance' if count == 1 else 'instances'}, ready.")

    async def restart(self, name: str, program: str | None) -> None:
        """Replaces the processes of a stage, or one instance, one after the other.

        `program`: the executable that the stage runs by from now on. Where an instance does not become ready with it,
        that one and those before it go back to the former.
        """
        found = parse_instance(name)
        stage = found[0] if found else stage_named(name)
        wanted = [each for each in self.of(stage) if not found or each.index == found[1]]
        if not wanted:
            raise Failure(f'there is no instance "{name}"; there are {", ".join(self.instances)}.', USAGE)
        if program and (found or not os.access(program, os.X_OK)):
            raise Failure(f"{name} is one instance, and --binary is for all of a stage: name {stage.key}." if found else
                          f"{program} cannot be executed; name the file that is to run as {stage.executable}.", USAGE)
        program, former = program and os.path.normpath(program), dict(self._programs)
        self._programs |= {stage.executable: program} if program else {}
        try:
            for instance in wanted:
                await self.replace(instance)
                if program:
                    await asyncio.sleep(STEADY_SECONDS)  # its links may be refused a moment after it is ready
                    await self.until_ready(instance)
        except Failure as failure:
            if not program:
                raise
            self.say(f"{instance.name} does not become ready with {program}.")
            self._programs = former
            for each in wanted[:wanted.index(instance) + 1]:
                await self.replace(each)
            raise Failure(f"{failure.sentence}\n{stage.executable} runs {self._program(stage.executable)} again.",
                          failure.exit_code) from None
        self._keep_overrides()

    def _ranges(self) -> dict[str, list[int]]:
        return {name: [each.least, each.most] for name, each in self.by_age.items()}

    def _keep_overrides(self) -> None:
        path = self.configuration.run_dir / OVERRIDES_NAME
        path.with_suffix(".new").write_text(json.dumps(
            {"instances": self._counts, "programs": self._programs, "auto": self._ranges()}))
        path.with_suffix(".new").rename(path)

    def _recall_overrides(self) -> None:
        path = self.configuration.run_dir / OVERRIDES_NAME
        try:
            saved = json.loads(path.read_text())
            self._counts |= {self._scalable(name, count).executable: count
                             for name, count in saved["instances"].items() if NAMED[name].most > 1}
            self._programs |= {name: str(program) for name, program in saved["programs"].items()}
            self.by_age = {self._scalable(name, least, most).executable: AgeScaling(least, most)
                           for name, (least, most) in saved.get("auto", {}).items()}
        except FileNotFoundError:
            pass
        except (Failure, LookupError, ValueError, TypeError, AttributeError, RecursionError):
            self.say(f"warning: {path} cannot be read and is ignored; the configured numbers hold.")

    # Another environment, another configuration

    def take_variables(self, offered: Mapping[str, str]) -> None:
        """Goes on with a caller's values of the variables that the configuration names."""
        os.environ.update({name: offered[name] for names in self.configuration.environment.values()
                           for name in names if name in offered})

    def new_variables(self, instance: Instance) -> list[str]:
        """Those of its variables that its process was started without, or with another value than ours."""
        names = os.environ.keys() & self.configuration.environment.get(instance.stage.executable, ())
        theirs = os.environ if instance.started_with is None else instance.started_with
        return sorted(name for name in names if theirs.get(name) != os.environ[name])

    def take_configuration(self, fresh: Configuration, resized: set[str]) -> None:
        """Starts stages by the candidate from now on, behind another listening socket where it says so, and so many of
        those that are `resized`. Keeps what ran until now, or before a reload that was not completed."""
        if fresh.listen != self.configuration.listen:
            former, self._front = self._front, open_listener(fresh.listen)
            former.close()
        with suppress(FileExistsError):
            (fresh.run_dir / FORMER_NAME).hardlink_to(fresh.run_dir / ACCEPTED_NAME)
        accept(fresh.run_dir)
        self.configuration = fresh
        self._counts |= {name: count for name, count in fresh.instances.items()
                         if name in resized or name not in self._counts}
        self.by_age = {name: scaling for name, scaling in self.by_age.items() if name not in resized}
        self._keep_overrides()

    # What is known

    @property
    def readiness(self) -> str:
        """What is said when everything has come up."""
        return (f"{len(self.instances)} instances ready; webhooks go to "
                f"{self.configuration.scheme}://{self._address}/in/SOURCE.")

    @property
    def _address(self) -> str:
        """Where webhooks come in, as bound: the kernel's choice where the configuration says port 0."""
        host, port = self._front.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def status(self) -> dict:
        rows = sorted(self.instances.values(), key=lambda each: (STAGES.index(each.stage), each.index))
        return {
            "supervisor": {"pid": os.getpid()}, "configuration": str(self.configuration.file),
            "run_dir": str(self.configuration.run_dir), "listen": {FRONT.executable: self._address},
            "scheme": {FRONT.executable: self.configuration.scheme}, "auto": self._ranges(),
            "instances": [each.row() | {"binary": self._programs.get(each.stage.executable)} for each in rows],
        }

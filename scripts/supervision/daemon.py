"""The stages of one run directory, kept as they are wanted: every command changes what is wanted and settles it."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from commandline import CONFIGURATION, NOT_READY, USAGE, Failure
from executables import FRONT, STAGES

from . import logfiles, process
from .configuration import ACCEPTED_NAME, CANDIDATE_NAME, FORMER_NAME, Configuration, accept
from .instance import POLL_SECONDS, PROBE_READY_SECONDS, READY_SECONDS, Instance, Say
from .process import INSTANCE, Process, open_listener

STEADY_SECONDS = PROBE_READY_SECONDS + 0.5  # how long an instance by another executable must stay ready
RETIRED_MARK = "retired"  # what an ingress leaves in its folder whose journal was empty when it left
OVERRIDES_NAME = "overrides.json"

Visit = Callable[[Instance], Awaitable[None]]


class Supervisor:
    """Owns every instance. Used on one event loop, for one change at a time, by the process that holds the lock."""

    def __init__(self, configuration: Configuration, binaries: Path, log: Say):
        self.configuration, self.binaries, self._log = configuration, binaries, log
        self.instances: dict[str, Instance] = {}
        self.tool = binaries / "tributary"
        self.audience: Say | None = None  # whoever has asked for the change under way
        self._overrides: dict[str, dict] = {"instances": {}, "programs": {}, "auto": {}}
        """By stage what `scale`, `restart --binary` and `scale --auto` have set (numbers, executables, the least and
        the most): it lasts as long as the pipeline runs, also when the supervisor itself is killed."""
        self._follower: subprocess.Popen | None = None
        self._front: socket.socket | None = None  # where providers connect

    def say(self, line: str) -> None:
        """Into the log, and to whoever waits for what is done."""
        self._log(line)
        if self.audience:
            self.audience(line)

    def of(self, *stages: str) -> list[Instance]:
        """The instances that stay: by stage in this order, by their number."""
        staying = [each for each in self.instances.values() if each.stage in stages and not each.leaving]
        return sorted(staying, key=lambda each: (stages.index(each.stage), each.index))

    def _count(self, stage: str) -> int:
        return self._overrides["instances"].get(stage, self.configuration.instances.get(stage, 0))

    # Coming up and going down

    def prepare(self, running: Mapping[str, Process], is_takeover: bool) -> None:
        """What may fail, before anything starts. Binds the listening socket, beside those of the stages that are taken
        over; accepts the candidate, unless what those stages run by goes on."""
        self.configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_beside = any(name.startswith(FRONT) for name in running)
        self._front = open_listener(self.configuration.listen, is_beside)
        if is_takeover:
            self._recall_overrides()
        else:
            self._forget(FORMER_NAME, OVERRIDES_NAME)
            accept(self.configuration.run_dir)
        for folder in sorted(self.configuration.data_dir.glob(f"{FRONT}-*")):
            if INSTANCE.fullmatch(folder.name) and not (folder / RETIRED_MARK).exists() and any(folder.iterdir()):
                self._instance(folder.name)  # it left records in its journal

    def adopt(self, running: Mapping[str, Process]) -> None:
        """Takes over what an earlier supervisor has started."""
        for name, each in running.items():
            self.say(f"{name} is running already (pid {each.pid}) and is taken over.")
            self._instance(name).start(each)

    async def down(self, running: Mapping[str, Process] | None = None) -> None:
        """Stops the stages from the front door to the subscribers, so that each can hand on what it holds. `running`:
        what has no supervisor and is taken over only to be stopped."""
        self.adopt(running or {})
        for stage in STAGES:
            ours = [each for each in self.instances.values() if each.stage == stage]
            await asyncio.gather(*(each.stop() for each in ours))
            if ours:
                self.say(f"{stage}: {len(ours)} stopped.")
        self._forget(ACCEPTED_NAME, CANDIDATE_NAME, FORMER_NAME, OVERRIDES_NAME)

    def _forget(self, *names: str) -> None:
        for name in names:
            (self.configuration.run_dir / name).unlink(missing_ok=True)

    def _instance(self, name: str) -> Instance:
        return self.instances.setdefault(name, Instance(self.configuration.run_dir / name, self._launch, self.say))

    def _launch(self, instance: Instance) -> Process:
        ours, stage, listener = self.configuration, instance.stage, None
        if stage == FRONT:  # a private socket needs no owner here: the child keeps its own copy
            listener = open_listener() if instance.leaving else self._front
        return process.start(
            [self._program(stage), "--config", str(ours.run_dir / ACCEPTED_NAME), "--instance", instance.name,
             *["--retire"] * instance.leaving],
            process.stage_environment(ours.environment.get(stage, ()), os.environ),
            ours.run_dir / instance.name, listener)

    def _program(self, stage: str) -> str:
        return self._overrides["programs"].get(stage, str(self.binaries / stage))

    # Settling what is wanted

    async def settle(self, offered: Mapping[str, str], visit: Visit | None = None) -> None:
        """Starts what there is too few of and lets go what there is too many of, downstream first; then has each
        instance of the stage in turn `visit`ed, or replaced where its process does not have what ours would get. Goes
        on with the `offered` values of the variables that the configuration names."""
        os.environ.update({name: offered[name] for names in self.configuration.environment.values()
                           for name in names if name in offered})
        for stage in reversed(STAGES):
            count = self._count(stage)
            for instance in [self._instance(f"{stage}-{index}") for index in range(count)]:
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
        if instance.stage != FRONT:
            self.say(f"{instance.name} is one too many: it finishes and leaves.")
            await instance.stop()
            del self.instances[instance.name]
        else:
            self.say(f"{instance.name} leaves: it takes nothing more and empties its journal first.")
            instance.leaving = True
            await instance.stop()
            instance.start()

    def forget_what_left(self) -> None:
        """The leaving instances whose journals are empty."""
        for instance in [each for each in self.instances.values() if each.leaving and each.has_left]:
            del self.instances[instance.name]
            self.say(f"{instance.name} has left; its journal is empty.")

    async def _refresh(self, instance: Instance) -> None:
        if instance.stage == FRONT and instance.process and instance.process.child is None:
            what = "behind the new listening socket, where connections wait meanwhile"
        elif new := self.new_variables(instance):
            what = f"with the {', '.join(new)} of this environment"
        else:
            return
        self.say(f"{instance.name} starts again {what}.")
        await self.replace(instance)

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

        deadline = time.monotonic() + READY_SECONDS
        while (found := unready()) and not found[0].is_looping and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        if not found:
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

    async def scale(self, stage: str, least: int, most: int | None = None) -> None:
        """Runs so many instances of a stage, or between so many, as `tributary follow-backlog` judges from now on; the
        highest numbered leave first. `tributary` has checked more of it."""
        if stage not in STAGES or {type(least), type(most or least)} != {int} or not 0 < least <= (most or least):
            raise Failure(f"{stage} cannot have {least} to {most or least} instances.", USAGE)
        self._overrides["auto"].pop(stage, None)
        if most:
            self._overrides["auto"][stage] = [least, most]
        await self._resize(stage, max(least, min(self._count(stage), most or least)))

    async def follow(self, stage: str, count: int, why: str) -> None:
        """What the judgement asks for; whoever has scaled the stage meanwhile is right."""
        least, most = self._overrides["auto"].get(stage, (0, 0))
        if least <= count <= most and count != self._count(stage):
            self.say(f"{stage}: {self._count(stage)} become {count}; {why}.")
            try:
                await self._resize(stage, count)
            except Failure as failure:
                self.say(f"error: not all are ready: {failure.sentence.splitlines()[0]}")
                raise

    def keep_follower(self) -> None:
        """Starts the judgement where a stage follows the backlog; it ends where none does, and where we have ended."""
        if self._overrides["auto"] and (self._follower is None or self._follower.poll() is not None):
            self._follower = subprocess.Popen(
                [self.tool, "follow-backlog", self.configuration.run_dir, str(os.getpid())], stdin=subprocess.DEVNULL,
                env=process.stage_environment((), os.environ))

    async def _resize(self, stage: str, count: int) -> None:
        self._overrides["instances"][stage] = count
        self._keep_overrides()
        await self.settle({})
        await self.until_ready()
        self.say(f"{stage}: {count} {'instance' if count == 1 else 'instances'}, ready.")

    async def restart(self, name: str, program: str | None) -> None:
        """Replaces the processes of a stage, or one instance, one after the other.

        `program`: the executable that the stage runs by from now on. Where an instance does not become ready with it,
        that one and those before it go back to the former.
        """
        wanted = [each for each in self.of(*STAGES) if name in (each.stage, each.name)]
        if not wanted:
            raise Failure(f'there is no instance "{name}"; there are {", ".join(self.instances)}.', USAGE)
        former = dict(self._overrides["programs"])
        if program:
            self._overrides["programs"][name] = program
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
            self._overrides["programs"] = former
            for each in wanted[:wanted.index(instance) + 1]:
                await self.replace(each)
            raise Failure(f"{failure.sentence}\n{name} runs {self._program(name)} again.",
                          failure.exit_code) from None
        self._keep_overrides()

    def _keep_overrides(self) -> None:
        path = self.configuration.run_dir / OVERRIDES_NAME
        path.with_suffix(".new").write_text(json.dumps(self._overrides))
        path.with_suffix(".new").rename(path)

    def _recall_overrides(self) -> None:
        path = self.configuration.run_dir / OVERRIDES_NAME
        if not path.exists():
            return
        try:
            saved = json.loads(path.read_text())
            saved["instances"] = {stage: int(count) for stage, count in saved["instances"].items()}
            self._overrides = {part: dict(saved[part]) for part in self._overrides}
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
            self.say(f"warning: {path} cannot be read and is ignored; the configured numbers hold.")

    # Another environment, another configuration

    def new_variables(self, instance: Instance) -> list[str]:
        """Those of its variables that its process was started without, or with another value than ours."""
        names = os.environ.keys() & self.configuration.environment.get(instance.stage, ())
        theirs = os.environ if instance.started_with is None else instance.started_with
        return sorted(name for name in names if theirs.get(name) != os.environ[name])

    def take_configuration(self, fresh: Configuration) -> None:
        """Starts stages by the candidate from now on, behind another listening socket and in other numbers where it
        says so. Keeps what ran until now, or before a reload that was not completed."""
        if fresh.listen != self.configuration.listen:
            former, self._front = self._front, open_listener(fresh.listen)
            former.close()
        with suppress(FileExistsError):
            (fresh.run_dir / FORMER_NAME).hardlink_to(fresh.run_dir / ACCEPTED_NAME)
        accept(fresh.run_dir)
        self.configuration = fresh
        for stage in [stage for change in fresh.changes if change["effect"] == "instances"
                      for stage in change["stages"]]:
            for part in ("instances", "auto"):
                self._overrides[part].pop(stage, None)
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
        programs = self._overrides["programs"]
        return {
            "supervisor": {"pid": os.getpid()}, "configuration": str(self.configuration.file),
            "run_dir": str(self.configuration.run_dir), "listen": {FRONT: self._address},
            "scheme": {FRONT: self.configuration.scheme}, "auto": self._overrides["auto"],
            "instances": [each.row() | {"binary": programs.get(each.stage)} for each in self.instances.values()],
        }

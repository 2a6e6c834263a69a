"""The command line of scripts/supervisor."""

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import executables
from commandline import NOT_READY, NOT_RUNNING, UNAVAILABLE, USAGE, Failure, Formatter, run
from executables import ROOT

from . import control, service
from .configuration import ACCEPTED_NAME, Configuration, ask, copy, load
from .control import NotRunning
from .daemon import Supervisor
from .instance import READY_SECONDS
from .process import find_running
from .scaling import OLD_SECONDS, QUIET_FOR_SECONDS
from .topology import STAGES

DEFAULT_FILE = "compose/tributary.yaml"
EXAMPLES = """\
  scripts/supervisor up                           run in front; Ctrl-C drains and ends
  scripts/supervisor up -d                        run behind; returns when it is ready
  scripts/supervisor scale normaliser 4           run four normalisers
  scripts/supervisor scale normaliser --auto 1..8  as many as the backlog needs; 'scale normaliser 4' ends that
  scripts/supervisor reload                       run by the file as it is now
  scripts/supervisor reload --json                and say as JSON what became of every instance
  scripts/supervisor restart router               replace a stage's processes in turn
  scripts/supervisor restart normaliser-1         or one instance
  scripts/supervisor restart verifier --binary ./verifier  by another executable; the former comes back if not ready
  scripts/supervisor down                         drain and stop, ingress to router
"""
MORE = """
environment:
  TRIBUTARY_BIN=DIR       use the executables in DIR, and build nothing
  TRIBUTARY_BUILD=debug   the same as --build debug
  TRIBUTARY_CONFIG=FILE   the same as --config FILE

An edited file counts from 'reload' on. 'up -d' and 'reload' take the values
of the variables that it names from the environment that they are called in.

exit codes: 0 done, 1 something is not ready, 3 nothing runs, 64 wrong usage,
69 not to be had (a port, an executable), 77 no permission, 78 configuration"""


class Command:
    """One call: its options, and what they mean."""

    def __init__(self, options: argparse.Namespace, rest: list[str]):
        self._options, self._rest = options, rest
        self._binaries = executables.folder(options.build)
        self._tool = self._binaries / "tributary"
        self._file = Path(options.config or os.environ.get("TRIBUTARY_CONFIG") or ROOT / DEFAULT_FILE).absolute()

    def _running(self, tells: bool = True) -> Configuration:
        return load(self._tool, self._file, running=True, tells=tells)

    def _call(self, run_dir: Path, command: str, **more) -> dict:
        """Lets the running supervisor do it, and prints what it says meanwhile."""
        is_silent = getattr(self._options, "json", False)
        return control.call(run_dir, {"command": command} | more, (lambda line: None) if is_silent else tell)

    def up(self) -> int:
        executables.provide(self._options.build, is_up_to_date=False)
        run_dir = self._running(tells=False).run_dir
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_dir.chmod(0o700)  # whoever can connect to its sockets can read the bus
        if service.lock(run_dir) is not None:
            self._start(run_dir)
        elif self._options.detach:
            tell("supervisor: a supervisor runs already.")
        else:
            raise Failure("a supervisor runs already; 'scripts/supervisor logs' shows what it does, 'down' stops it.")
        try:
            if self._options.detach:
                self._call(run_dir, "await-ready", environment=dict(os.environ))
        except Failure as failure:
            if failure.exit_code not in (NOT_RUNNING, UNAVAILABLE):
                failure.sentence += "\nIt goes on trying; 'scripts/supervisor status' shows how it is, 'down' stops it."
            raise
        return 0

    def _start(self, run_dir: Path) -> None:
        """A supervisor that was killed comes back to its stages whatever has become of the file meanwhile."""
        os.umask(0o077)
        running = find_running(run_dir)
        is_takeover = bool(running) and (run_dir / ACCEPTED_NAME).exists()
        loaded = self._running() if is_takeover else load(self._tool, self._file, copy(self._file, run_dir))
        supervisor = Supervisor(loaded, self._binaries, service.say)
        supervisor.prepare(running, is_takeover)
        service.run(supervisor, running, self._options.detach)

    def down(self) -> int:
        loaded = self._running()
        if not loaded.run_dir.is_dir():
            print("supervisor: nothing runs.")
            return 0
        rows = ask(self._tool, "status", "--json", "--config", self._file, codes=(0, 1, 3))["instances"]
        by_hand = [row for row in rows if row.get("by_hand")]
        try:
            self._call(loaded.run_dir, "down")
        except NotRunning:
            if service.lock(loaded.run_dir) is None:
                raise Failure("a supervisor is just starting or ending; try again in a second.", UNAVAILABLE) from None
            running = find_running(loaded.run_dir)
            asyncio.run(Supervisor(loaded, self._binaries, tell).down(running))
            tell(f"supervisor: {len(running)} stages stopped that had no supervisor." if running else
                 "supervisor: nothing runs.")
        for row in by_hand:
            print(f"supervisor: {row['instance']} was started by hand and goes on; 'kill {row['pid']}' ends it.",
                  file=sys.stderr)
        return NOT_READY if by_hand else 0

    def change(self) -> int:
        """The running supervisor does it; its arguments are named as in the request."""
        request = {name: value for name, value in vars(self._options).items() if name not in ("run", "config", "build")}
        self._call(self._running().run_dir, **request)
        return 0

    def scale(self) -> int:
        if (self._options.count is None) == (self._options.auto is None):
            raise Failure("scale takes a number or --auto MIN..MAX: 'scale normaliser 4', "
                          "'scale normaliser --auto 1..8'.", USAGE)
        return self.change()

    def reload(self) -> int:
        answer = self._call(self._running(tells=False).run_dir, "reload", environment=dict(os.environ))
        if self._options.json:
            tell(json.dumps(answer, indent=2))
        return 0 if answer["ok"] else NOT_READY

    def look(self) -> int:
        """`tributary` does it, with the same arguments; what they are is in its `--help`."""
        if os.access(self._tool, os.X_OK):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execv(self._tool, [self._tool, self._options.command, *self._rest, "--config", self._file])
        if {"-h", "--help"}.isdisjoint(self._rest):
            raise Failure(f"{self._tool} is not there; 'scripts/supervisor up' builds it.", UNAVAILABLE)
        print(f"The same as 'tributary {self._options.command}', which 'scripts/supervisor up' builds.")
        return 0


def tell(line: str) -> None:
    """Prints a line. A reader who has gone (`| head`) ends the printing and not what is being done."""
    with suppress(BrokenPipeError):
        os.write(1, f"{line}\n".encode())


def bounds(text: str) -> list[int]:
    """1..8"""
    least, most = text.split("..")
    return [int(least), int(most)]


def parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--config", metavar="FILE",
                        help=f"the configuration (default: TRIBUTARY_CONFIG, or {DEFAULT_FILE})")
    shared.add_argument("--build", choices=executables.KINDS,
                        help="which build of the executables to use (default: release)")
    whole = argparse.ArgumentParser(
        prog="scripts/supervisor", parents=[shared], formatter_class=Formatter, epilog=f"examples:\n{EXAMPLES}{MORE}",
        description="Runs the stages of Tributary on this host: starts them in order, restarts what\ndies or hangs, "
                    "drains on the way down.")
    added = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, does, words: str, **settings) -> argparse.ArgumentParser:
        examples = "\n".join(line for line in EXAMPLES.splitlines() if f"supervisor {name} " in line)
        each = added.add_parser(name, parents=[shared], help=words, description=words, formatter_class=Formatter,
                                epilog=f"examples:\n{examples}", **settings)
        each.set_defaults(run=does, command=name)
        return each

    command("up", Command.up, "Build what is missing, start every stage, keep them running.").add_argument(
        "-d", "--detach", action="store_true", help=f"run behind and return when all stages are ready, at most "
        f"{READY_SECONDS:g} s; where a supervisor runs, let it go on with the variables of this environment")
    scale = command(
        "scale", Command.scale, "Run so many instances of a stage, until 'down' or a reload that changes the number. "
        "With --auto the number follows the age of the oldest webhook that is not settled: twice as many where it "
        f"stays above {OLD_SECONDS:g} s and none of them is idle, one less after {QUIET_FOR_SECONDS:g} quiet seconds.")
    several = [stage for stage in STAGES if stage.most > 1]
    scale.add_argument("stage", metavar="STAGE", help=", ".join(stage.key for stage in several))
    scale.add_argument("count", metavar="N", type=int, nargs="?", help="how many: " + ", ".join(
        f"{stage.key} 1 to {stage.most}" for stage in several))
    scale.add_argument("--auto", metavar="MIN..MAX", type=bounds, help="verifier or normaliser: between these")
    command("reload", Command.reload, "Check the configuration, say what changes, and let every stage run by it: in "
            "place where it can be, otherwise by a restart, one instance after the other.").add_argument(
        "--json", action="store_true", help="print one JSON object: changes, and what became of every instance")
    restart = command("restart", Command.change, "Replace the processes of a stage one after the other, or one "
                      "instance. They run by the accepted configuration.")
    restart.add_argument("name", metavar="STAGE|INSTANCE", help="like router or normaliser-1")
    restart.add_argument("--binary", metavar="PATH", type=os.path.abspath, help="what the stage runs by from now on, "
                         "until 'down'; where an instance does not become ready with it, all go back to the former")
    command("down", Command.down, "Drain and stop every stage, from the ingress to the router.")
    for name, words in (("status", "Show every instance, and why one is not ready."),
                        ("top", "Show a live table of all instances."),
                        ("logs", "Print the ends of the stages' logs, or follow them with -f."),
                        ("metrics", "Print every stage's metrics and the supervisor's as one Prometheus text.")):
        command(name, Command.look, words, add_help=False)
    return whole


def main() -> int:
    whole = parser()
    options, rest = whole.parse_known_args(namespace=argparse.Namespace(config=None, build=None))
    if rest and options.run != Command.look:
        whole.error(f"unrecognized arguments: {' '.join(rest)}")
    return run("supervisor", lambda: options.run(Command(options, rest)))

"""The command line of scripts/supervisor."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from . import control, service
from .binaries import KINDS, Binaries
from .configuration import Configuration, ask, load
from .daemon import READY_SECONDS, Supervisor
from .failure import NO_PERMISSION, NOT_READY, UNAVAILABLE, Failure, NotRunning
from .helptext import Formatter
from .process import find_running
from .service import say
from .topology import STAGES

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_FILE = "compose/tributary.yaml"

EXAMPLES = """\
examples:
  scripts/supervisor up                     run in front; Ctrl-C drains and ends
  scripts/supervisor up -d                  run behind; returns when it is ready
  scripts/supervisor status --json          what runs, and why what does not
  scripts/supervisor scale normaliser 4     run four normalisers
  scripts/supervisor reload                 run by the file as it is now
  scripts/supervisor restart router         replace a stage's processes in turn
  scripts/supervisor logs normaliser-1 -f   follow one instance's log
  scripts/supervisor metrics                every stage's metrics as one text
  scripts/supervisor top                    a live table; q ends it
  scripts/supervisor down                   drain and stop, ingress to router

environment:
  TRIBUTARY_BIN=DIR       use the executables in DIR, and build nothing
  TRIBUTARY_BUILD=debug   the same as --build debug
  TRIBUTARY_CONFIG=FILE   the same as --config FILE

What runs is the configuration as it was accepted: an edited file counts from
'reload' on. A stage sees only PATH, HOME, TZ, LANG and the variables that its
part of the configuration names. 'up -d' and 'reload' take their values from
the environment in which they are called.

exit codes: 0 done, 1 something is not ready, 3 nothing runs, 64 wrong usage,
69 not to be had (a port, an executable), 77 no permission, 78 configuration"""

LOOKING = {"status": "Show every instance, and why one is not ready.", "logs": "Print the ends of the stages' logs.",
           "metrics": "Print every stage's metrics and the supervisor's as one Prometheus text.",
           "top": "Show a live table of all instances."}
"""The commands that `tributary` has under the same name."""


class Command:
    """One call: its options, and what they mean."""

    def __init__(self, options: argparse.Namespace, rest: list[str]):
        self._options, self._rest = options, rest
        self._binaries = Binaries(ROOT, os.environ, getattr(options, "build", None))
        self._tool = self._binaries.folder / "tributary"
        named = getattr(options, "config", None) or os.environ.get("TRIBUTARY_CONFIG")
        self._file = Path(named).absolute() if named else ROOT / DEFAULT_FILE

    def _running(self) -> Configuration:
        return load(self._file, self._tool, running=True)

    def _supervisor(self, loaded: Configuration) -> Supervisor:
        return Supervisor(loaded, self._binaries.folder, ROOT, say)

    def _call(self, run_dir: Path, command: str, **more) -> dict:
        """Lets the running supervisor do it, and prints what it says meanwhile."""
        is_silent = getattr(self._options, "json", False)
        return control.call(run_dir, {"command": command} | more, (lambda line: None) if is_silent else service.tell)

    def _variables(self, loaded: Configuration) -> dict[str, str]:
        """This environment's values of the variables that a configuration names."""
        return {name: os.environ[name] for name in loaded.variables if name in os.environ}

    def up(self) -> int:
        self._binaries.provide(rebuild_stale=False)
        # A supervisor that was killed comes back to its stages whatever has become of the file meanwhile.
        run_dir = load(self._file, self._tool, running=True, tells=False).run_dir
        loaded = self._running() if find_running(run_dir) else load(self._file, self._tool)
        is_behind = self._options.detach
        service.prepare(run_dir := loaded.run_dir)
        if is_ours := service.lock(run_dir) is not None:
            service.run(self._supervisor(loaded), is_behind, self._tell_outcome)
            if not is_behind:
                return 0
        elif not service.answers(run_dir):
            raise Failure(f"another supervisor holds {run_dir / service.LOCK_NAME} and does not answer; wait for it "
                          "to finish, or kill it (the stages stay) and try again.", UNAVAILABLE)
        # One that runs already goes on with this environment's values of what is configured.
        try:
            status = self._call(run_dir, "await-ready",
                                environment=self._variables(loaded) if is_behind and not is_ours else {})
        except Failure as failure:
            hint = "\nsupervisor: it goes on trying; 'scripts/supervisor status' shows how it is, 'down' stops it."
            raise Failure(failure.sentence + (hint if is_ours else ""), failure.exit_code) from failure
        if is_ours:
            self._tell_outcome(status)
            return 0
        words = f"a supervisor runs already (pid {status['supervisor']['pid']}) and every stage is ready"
        if not is_behind:
            raise Failure(f"{words}; 'scripts/supervisor logs -f' shows what it does, 'down' stops it.")
        service.tell(f"supervisor: {words}.")
        return 0

    def _tell_outcome(self, outcome: dict | Failure) -> None:
        if isinstance(outcome, Failure):
            return complain(outcome.sentence)
        doors = ", ".join(f"{outcome['scheme'][name]}://{address}" for name, address in outcome["listen"].items())
        return service.tell(
            f"supervisor: {len(outcome['instances'])} instances ready; webhooks go to {doors}/in/SOURCE.")

    def down(self) -> int:
        loaded = self._running()
        if not loaded.run_dir.is_dir():
            print("supervisor: nothing runs.")
            return 0
        by_hand = [row for row in self._rows() if row.get("by_hand")]
        try:
            self._call(loaded.run_dir, "down")
        except NotRunning:
            if service.lock(loaded.run_dir) is None:
                raise Failure("a supervisor is just starting or ending; try again in a second.", UNAVAILABLE) from None
            count = service.stop_orphans(self._supervisor(loaded))
            print("supervisor: nothing runs." if count == 0 else
                  f"supervisor: {count} stages stopped that had no supervisor.")
        for row in by_hand:
            complain(f"{row['instance']} was started by hand and goes on; 'kill {row['pid']}' ends it.")
        return NOT_READY if by_hand else 0

    def _rows(self) -> list[dict]:
        """Every instance that runs, whoever started it."""
        return ask(self._tool, "status", "--json", "--config", str(self._file), codes=(0, 1, 3))["instances"]

    def scale(self) -> int:
        self._call(self._running().run_dir, "scale", stage=self._options.stage, count=self._options.count)
        return 0

    def restart(self) -> int:
        self._call(self._running().run_dir, "restart", name=self._options.name)
        return 0

    def reload(self) -> int:
        loaded = load(self._file, self._tool)
        answer = self._call(loaded.run_dir, "reload", environment=self._variables(loaded))
        if self._options.json:
            service.tell(json.dumps(answer, indent=2))
        return 0 if answer["ok"] else NOT_READY

    def look(self) -> int:
        """`tributary` does it, with the same arguments."""
        wants_help = not {"-h", "--help"}.isdisjoint(self._rest)
        if not os.access(self._tool, os.X_OK):
            if wants_help:
                print(f"usage: scripts/supervisor {self._options.command} [--config FILE] [--build KIND] …\n\n"
                      f"{LOOKING[self._options.command]}\n\nThe other options are those of 'tributary "
                      f"{self._options.command}', which\n'scripts/supervisor up' builds.")
                return 0
            raise Failure(f"{self._tool} is not there; 'scripts/supervisor up' builds it.", UNAVAILABLE)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        return os.execv(self._tool, [self._tool, self._options.command, *self._rest, "--config", self._file])


def complain(line: str) -> None:
    print(f"supervisor: {line}", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                        help=f"the configuration (default: TRIBUTARY_CONFIG, or {DEFAULT_FILE})")
    shared.add_argument("--build", choices=KINDS, default=argparse.SUPPRESS,
                        help="which build of the executables to use (default: release)")
    whole = argparse.ArgumentParser(
        prog="scripts/supervisor", parents=[shared], epilog=EXAMPLES, formatter_class=Formatter,
        description="Runs the stages of Tributary on this host: starts them in order, restarts what\ndies or hangs, "
                    "drains on the way down.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, parents=[shared], help=words, description=words, add_help=run != Command.look)
        added.set_defaults(run=run, command=name)
        return added

    limits = ", ".join(f"{stage.key} 1 to {stage.most}" for stage in STAGES if stage.most > 1)
    add("up", Command.up, "Build what is missing, start every stage, keep them running.").add_argument(
        "-d", "--detach", action="store_true", help="run behind and return when all stages are ready, at most "
        f"{READY_SECONDS:g} s; where a supervisor runs, let it go on with the variables of this environment")
    add("down", Command.down, "Drain and stop every stage, from the ingress to the router.")
    added = add("scale", Command.scale,
                "Run so many instances of a stage, until 'down' or a reload that changes the number.")
    added.add_argument("stage", metavar="STAGE", help="ingress, verifier or normaliser")
    added.add_argument("count", metavar="N", type=int, help=f"how many: {limits}")
    add("reload", Command.reload, "Check the configuration, say what changes, and let every stage run by it: in place "
        "where it can be, otherwise by a restart, one instance after the other.").add_argument(
        "--json", action="store_true", help="print one JSON object: changes, and what became of every instance")
    add("restart", Command.restart, "Replace the processes of a stage one after the other, or one instance. They run "
        "by the accepted configuration.").add_argument(
        "name", metavar="STAGE|INSTANCE", help="like router, verifier or normaliser-1")
    for name, words in LOOKING.items():
        add(name, Command.look, words)
    return whole


def main() -> int:
    whole = parser()
    options, rest = whole.parse_known_args()
    if rest and options.run != Command.look:
        whole.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return options.run(Command(options, rest))
    except Failure as failure:
        complain(failure.sentence)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        complain(f"the operating system refused: {error}.")
        return NO_PERMISSION if isinstance(error, PermissionError) else UNAVAILABLE

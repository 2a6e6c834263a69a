"""The command line of scripts/supervisor: what starts a supervisor is here, the rest `tributary` does."""

import argparse
import asyncio
import os
import signal
from pathlib import Path

import executables
from commandline import UNAVAILABLE, USAGE, Failure, run
from executables import ROOT

from . import service
from .configuration import ACCEPTED_NAME, copy, load
from .daemon import Supervisor
from .instance import READY_SECONDS
from .process import find_running

DEFAULT_FILE = "compose/tributary.yaml"
ASKED = ("scale", "reload", "restart", "status", "top", "logs", "metrics")
"""What `tributary` does, with the same arguments; `--help` behind one of these is its own."""
DESCRIPTION = """\
Runs the stages of Tributary on this host: builds what is missing, starts them
in order, restarts what dies or hangs, drains on the way down."""
MORE = """
examples:
  scripts/supervisor up                    run in front; Ctrl-C drains and ends
  scripts/supervisor up -d                 run behind; returns when it is ready
  scripts/supervisor scale normaliser 4    run four normalisers
  scripts/supervisor reload                run by the file as it is now
  scripts/supervisor restart router        replace a stage's processes in turn
  scripts/supervisor restart normaliser-1  or one instance
  scripts/supervisor down                  drain and stop, ingress to router
  scripts/supervisor status                what runs, and why what does not
  scripts/supervisor logs -f               what the stages log
  scripts/supervisor scale --help          all about one of these

With TRIBUTARY_BIN=DIR the executables in DIR are used, and nothing is built.

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

    def up(self) -> None:
        executables.provide(self._options.build, is_up_to_date=False)
        run_dir = load(self._tool, self._file, "--running").run_dir
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_dir.chmod(0o700)  # whoever can connect to its sockets can read the bus
        if service.lock(run_dir) is not None:
            self._start(run_dir)
        elif self._options.detach:
            print("supervisor: a supervisor runs already.", flush=True)
        else:
            raise Failure("a supervisor runs already; 'scripts/supervisor logs' shows what it does, 'down' stops it.")
        if self._options.detach:
            self.ask("await-ready")

    def _start(self, run_dir: Path) -> None:
        """A supervisor that was killed comes back to its stages whatever has become of the file meanwhile."""
        os.umask(0o077)
        running = find_running(run_dir)
        is_takeover = bool(running) and (run_dir / ACCEPTED_NAME).exists()
        loaded = load(self._tool, self._file, "--running", tells=True) if is_takeover else \
            load(self._tool, self._file, text=copy(self._file, run_dir))
        supervisor = Supervisor(loaded, self._binaries, service.say)
        supervisor.prepare(running, is_takeover)
        service.run(supervisor, running, self._options.detach)

    def down(self) -> None:
        """Stops what runs without a supervisor here."""
        loaded = load(self._tool, self._file, "--running")
        running = find_running(loaded.run_dir)
        if running and service.lock(loaded.run_dir) is not None:
            asyncio.run(Supervisor(loaded, self._binaries, lambda line: None).down(running))
            print(f"supervisor: {len(running)} stages stopped that had no supervisor.", flush=True)
        self.ask()

    def ask(self, command: str | None = None) -> None:
        command = command or self._options.command
        if os.access(self._tool, os.X_OK):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execv(self._tool, [self._tool, command, *self._rest, "--config", self._file])
        if {"-h", "--help"}.isdisjoint(self._rest):
            raise Failure(f"{self._tool} is not there; 'scripts/supervisor up' builds it.", UNAVAILABLE)
        print(f"The same as 'tributary {command}', which 'scripts/supervisor up' builds.")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/supervisor", formatter_class=argparse.RawDescriptionHelpFormatter, description=DESCRIPTION,
        epilog=MORE, add_help=False, allow_abbrev=False)
    made.error = lambda words: made.exit(USAGE, f"supervisor: {words}; see 'scripts/supervisor --help'.\n")
    made.add_argument("command", choices=("up", "down", *ASKED), metavar="COMMAND", nargs="?",
                      help=f"up, down, {', '.join(ASKED[:-1])} or {ASKED[-1]}")
    made.add_argument("-d", "--detach", action="store_true",
                      help=f"of up: run behind and return when all stages are ready, at most {READY_SECONDS:g} s; "
                      "where a supervisor runs, let it go on with the variables of this environment")
    made.add_argument("--config", metavar="FILE",
                      help=f"the configuration (default: TRIBUTARY_CONFIG, or {DEFAULT_FILE})")
    made.add_argument("--build", choices=executables.KINDS,
                      help="which build of the executables to use (default: TRIBUTARY_BUILD, or release)")
    return made


def main() -> int:
    made = parser()
    options, rest = made.parse_known_args()
    if options.detach and options.command != "up":
        made.error("-d is an option of up")
    if options.command not in ASKED:
        if not {"-h", "--help"}.isdisjoint(rest):
            made.print_help()
            return 0
        if rest or not options.command:
            made.error(f"unrecognized arguments: {' '.join(rest)}" if rest else "a COMMAND is missing")
    does = Command.up if options.command == "up" else Command.down if options.command == "down" else Command.ask
    return run("supervisor", lambda: does(Command(options, rest)) or 0)

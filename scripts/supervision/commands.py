"""The command line of scripts/supervisor."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import configuration as configurations
from . import control, logfiles, process, service, top
from .admin import get
from .binaries import KINDS, Binaries
from .configuration import Configuration
from .daemon import READY_SECONDS, Supervisor
from .exposition import Exposition, escaped, samples
from .failure import NOT_READY, NOT_RUNNING, UNAVAILABLE, USAGE, Failure
from .topology import STAGES, parse_instance

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_FILE = "compose/tributary.yaml"

EXAMPLES = """\
examples:
  scripts/supervisor up                      run the pipeline in the foreground; Ctrl-C drains and stops it
  scripts/supervisor up -d                   run it behind; returns when every stage is ready
  scripts/supervisor status --json           what runs; exits 1 when something is not ready, 3 when nothing runs
  scripts/supervisor scale normaliser 4      run four normalisers
  scripts/supervisor reload                  run by the configuration file as it is now, without losing a webhook
  scripts/supervisor restart router          replace the processes of a stage, one after the other
  scripts/supervisor logs normaliser-1 -f    follow one instance's log
  scripts/supervisor metrics | grep backlog  every stage's Prometheus text in one
  scripts/supervisor top                     a live table of all instances
  scripts/supervisor down                    drain and stop, from the ingress to the router

environment:
  TRIBUTARY_BIN=DIR          use the executables in DIR, and build nothing
  TRIBUTARY_BUILD=debug      the same as --build debug
A stage sees only PATH, HOME, TZ, LANG and the variables that its part of the configuration names."""


class Context:
    """What every command starts from."""

    def __init__(self, options: argparse.Namespace):
        self.binaries = Binaries(ROOT, os.environ, options.build)
        self._file = Path(options.config).absolute() if options.config else ROOT / DEFAULT_FILE

    def configuration(self) -> Configuration:
        return configurations.load(self._file, self.binaries.folder, ROOT)

    def supervisor(self, loaded: Configuration, say: Callable[[str], None]) -> Supervisor:
        return Supervisor(loaded, self.configuration, self.binaries.folder, ROOT, say)

    def status(self) -> dict:
        """The running supervisor's word, or what the pid files say where none runs."""
        loaded = self.configuration()
        try:
            return control.call(loaded.run_dir, {"command": "status"}, print, timeout_seconds=5)
        except ConnectionError:
            return {"supervisor": None, "configuration": str(loaded.file), "run_dir": str(loaded.run_dir),
                    "listen": {}, "instances": orphans(loaded)}


def orphans(loaded: Configuration) -> list[dict]:
    """Stages that run without a supervisor, as rows of `status`."""
    rows = []
    for path in sorted(loaded.run_dir.glob("*.pid")):
        parsed = parse_instance(path.stem)
        running = process.adopt(path) if parsed else None
        if running:
            os.close(running.pidfd)
            is_ready = get(path.with_suffix(".admin"), "/readyz", 1.0)[0] == 200
            rows.append({"stage": parsed[0].executable, "instance": path.stem, "pid": running.pid,
                         "state": "ready" if is_ready else "not-ready",
                         "uptime_seconds": process.age_seconds(running.ticks), "restarts": 0, "last_end": None})
    order = [stage.executable for stage in STAGES]
    return sorted(rows, key=lambda row: order.index(row["stage"]))


def up(context: Context, options: argparse.Namespace) -> int:
    context.binaries.provide(rebuild_stale=False)
    loaded = context.configuration()
    service.prepare(loaded.run_dir)
    held = service.lock(loaded.run_dir)
    if held is None:
        return already_up(loaded, options)
    answers: list[dict] = []

    def report(answer: dict) -> None:
        answers.append(answer)
        print_outcome(answer, options.detach)

    answer = service.run(context.supervisor(loaded, service.say), options.detach, report)
    if answer is not None:
        report(answer)
    return answers[0].get("exit_code", 0) if answers and options.detach else 0


def already_up(loaded: Configuration, options: argparse.Namespace) -> int:
    try:
        status = control.call(loaded.run_dir, {"command": "await-ready"}, print, timeout_seconds=READY_SECONDS + 5)
    except ConnectionError as error:
        raise Failure(f"another supervisor holds {loaded.run_dir / service.LOCK_NAME} and does not answer; "
                      "wait for it to finish, or kill it (the stages stay) and try again.", UNAVAILABLE) from error
    words = f"a supervisor runs already (pid {status['supervisor']['pid']}) and every stage is ready"
    if not options.detach:
        raise Failure(f"{words}; 'scripts/supervisor logs -f' shows what it does, 'down' stops it.")
    print(f"supervisor: {words}.")
    return 0


def print_outcome(answer: dict, is_behind: bool) -> None:
    if "failure" in answer:
        print(f"supervisor: {answer['failure']}", file=sys.stderr)
        if is_behind:
            print("supervisor: it goes on trying; 'scripts/supervisor status' shows how it is, 'down' stops it.",
                  file=sys.stderr)
        return
    result = answer["result"]
    doors = ", ".join(f"{result['scheme'][name]}://{address}" for name, address in result["listen"].items())
    print(f"supervisor: {len(result['instances'])} instances ready; webhooks go to {doors}/in/SOURCE.", flush=True)


def down(context: Context, options: argparse.Namespace) -> int:
    loaded = context.configuration()
    if not loaded.run_dir.is_dir():
        print("supervisor: nothing runs.")
        return 0
    try:
        control.call(loaded.run_dir, {"command": "down"}, print)
        return 0
    except ConnectionError:
        pass
    held = service.lock(loaded.run_dir)
    if held is None:
        raise Failure("a supervisor is just starting or ending; try again in a second.", UNAVAILABLE)
    count = service.stop_orphans(context.supervisor(loaded, print))
    print("supervisor: nothing runs." if count == 0 else f"supervisor: {count} stages stopped that had no supervisor.")
    return 0


def status(context: Context, options: argparse.Namespace) -> int:
    answer = context.status()
    rows = answer["instances"]
    open_sources = answer["unverified_sources"] = unverified_sources(answer)
    if options.json:
        print(json.dumps(answer, indent=2))
    elif rows:
        columns = [column for column in top.COLUMNS if column[0] in ("INSTANCE", "PID", "STATE", "UPTIME", "RESTARTS")]
        columns.append(("LAST END", "<", lambda row: row["last_end"] or ""))
        print(top.table(rows, columns))
        if open_sources:
            print(f"not verified, so anyone who knows their URL can send events: {', '.join(open_sources)}")
    if answer["supervisor"] is None:
        print("supervisor: no supervisor runs" + (
            "; the stages above do, and 'scripts/supervisor up' takes them over." if rows else " and no stage either."),
            file=sys.stderr)
        return NOT_RUNNING
    return 0 if all(row["state"] in ("ready", "draining") for row in rows) else NOT_READY


def unverified_sources(answer: dict) -> list[str]:
    """The sources that let everybody in, as a running verifier says."""
    for row in answer["instances"]:
        if row["stage"] != "verifier" or not row["pid"]:
            continue
        code, body = get(Path(answer["run_dir"]) / f"{row['instance']}.admin", "/metrics")
        if code == 200:
            found = samples(body.decode(errors="replace"), "tributary_source_verification")
            return sorted(labels.get("source", "") for labels, _ in found if labels.get("scheme") == "none")
    return []


def command(context: Context, request: dict) -> int:
    """Lets the running supervisor do it, and prints what it says meanwhile."""
    try:
        control.call(context.configuration().run_dir, request, partial(print, flush=True))
    except ConnectionError as error:
        raise Failure("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                      NOT_RUNNING) from error
    return 0


def scale(context: Context, options: argparse.Namespace) -> int:
    return command(context, {"command": "scale", "stage": options.stage, "count": options.count})


def reload(context: Context, options: argparse.Namespace) -> int:
    loaded = context.configuration()
    named = {name for names in loaded.environment.values() for name in names}
    request = {"command": "reload", "environment": {name: os.environ[name] for name in named if name in os.environ}}
    say = (lambda line: None) if options.json else partial(print, flush=True)
    try:
        answer = control.call(loaded.run_dir, request, say)
    except ConnectionError as error:
        raise Failure("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                      NOT_RUNNING) from error
    if options.json:
        print(json.dumps(answer, indent=2))
    return 0 if answer["ok"] else NOT_READY


def restart(context: Context, options: argparse.Namespace) -> int:
    return command(context, {"command": "restart", "name": options.name})


def logs(context: Context, options: argparse.Namespace) -> int:
    logfiles.show(context.configuration().run_dir, options.instance, options.lines, options.follow)
    return 0


def metrics(context: Context, options: argparse.Namespace) -> int:
    answer = context.status()
    run_dir, whole = Path(answer["run_dir"]), Exposition()
    for row in answer["instances"]:
        if row["pid"]:
            code, body = get(run_dir / f"{row['instance']}.admin", "/metrics")
            if code == 200:
                whole.add(body.decode(errors="replace"), row["stage"], row["instance"])
            else:
                whole.dropped.append(f"{row['instance']}: its admin endpoint does not answer")
    print(whole.text() + own_metrics(answer["instances"]), end="")
    for line in whole.dropped:
        print(f"supervisor: left out: {line}", file=sys.stderr)
    return 0


def own_metrics(rows: list[dict]) -> str:
    """What only the supervisor knows of the instances."""
    lines = []
    for name, kind, words, value in (
        ("up", "gauge", "Whether the instance is ready.", lambda row: int(row["state"] in ("ready", "draining"))),
        ("restarts_total", "counter", "Starts after a death that nobody asked for.", lambda row: row["restarts"]),
    ):
        metric = f"tributary_supervisor_{name}"
        lines += [f"# HELP {metric} {words}", f"# TYPE {metric} {kind}"]
        lines += [f'{metric}{{stage="{escaped(row["stage"])}",stage_instance="{escaped(row["instance"])}"}} '
                  f"{value(row)}" for row in rows]
    return "\n".join(lines) + "\n" if rows else ""


def show_top(context: Context, options: argparse.Namespace) -> int:
    if options.interval <= 0:
        raise Failure("--interval takes a number of seconds over 0.", USAGE)
    top.run(context.status, options.interval, options.once, options.json)
    return 0


def parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                        help=f"the configuration (default: {DEFAULT_FILE})")
    shared.add_argument("--build", choices=KINDS, default=argparse.SUPPRESS,
                        help="which build of the executables to use (default: release)")
    whole = argparse.ArgumentParser(
        prog="scripts/supervisor", parents=[shared], epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the stages of Tributary on this host: starts them in order, restarts what dies, drains on "
                    "the way down.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=words, description=words)
        added.set_defaults(run=run)
        return added

    add("up", up, "Build what is missing, start every stage, keep them running.").add_argument(
        "-d", "--detach", action="store_true", help="run behind and return when all stages are ready")
    add("down", down, "Drain and stop every stage, from the ingress to the router.")
    add("status", status, "Show every instance; exit 1 when one is not ready, 3 when no supervisor runs.").add_argument(
        "--json", action="store_true", help="print one JSON object")
    added = add("scale", scale, "Run so many instances of a stage.")
    added.add_argument("stage", metavar="STAGE", help="ingress, verifier or normaliser")
    added.add_argument("count", metavar="N", type=int)
    add("reload", reload, "Check the configuration, say what changes, and let every stage run by it: in place where it "
        "can be, otherwise by a restart, one instance after the other.").add_argument(
        "--json", action="store_true", help="print one JSON object: changes, and what became of every instance")
    add("restart", restart, "Replace the processes of a stage one after the other, or one instance.").add_argument(
        "name", metavar="STAGE|INSTANCE")
    added = add("logs", logs, "Print the ends of the stages' logs.")
    added.add_argument("instance", metavar="INSTANCE", nargs="?", help="one instance, or supervisor (default: all)")
    added.add_argument("-f", "--follow", action="store_true", help="go on with what is logged from now on")
    added.add_argument("-n", "--lines", type=int, default=20, help="how many lines of each (default: 20)")
    add("metrics", metrics, "Print every stage's metrics and the supervisor's as one Prometheus text.")
    added = add("top", show_top, "Show a live table of all instances.")
    added.add_argument("--once", action="store_true", help="print one table and end")
    added.add_argument("--json", action="store_true", help="one JSON object per interval")
    added.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="between readings (default: 1)")
    return whole


def main() -> int:
    options = parser().parse_args()
    options.config, options.build = getattr(options, "config", None), getattr(options, "build", None)
    try:
        return options.run(Context(options), options)
    except Failure as failure:
        print(f"supervisor: {failure.sentence}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # head or grep -q has seen enough
        return 0

"""The command line of scripts/supervisor."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import control, logfiles, service, top
from .admin import get
from .binaries import KINDS
from .configuration import Configuration
from .context import DEFAULT_FILE, Context, started_by_hand
from .daemon import READY_SECONDS
from .exposition import Exposition, escaped, samples
from .failure import NO_PERMISSION, NOT_READY, NOT_RUNNING, UNAVAILABLE, USAGE, Failure, NothingRuns, NotRunning
from .helptext import Formatter
from .output import say, silence
from .topology import STAGES, full_name

LONGEST_INTERVAL_SECONDS = 3600

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


def up(context: Context, options: argparse.Namespace) -> int:
    context.binaries.provide(rebuild_stale=False)
    # A supervisor that was killed comes back to its stages whatever has become of the file meanwhile.
    loaded = context.running if context.has_stages() else context.fresh()
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
    """`up -d` beside a supervisor that runs: it goes on with this environment's values of what is configured."""
    request = {"command": "await-ready", "environment": environment_for(loaded) if options.detach else {}}
    try:
        control.call(loaded.run_dir, {"command": "status"}, say, timeout_seconds=5)  # it answers at all
        status = control.call(loaded.run_dir, request, say)
    except NotRunning:
        raise Failure(f"another supervisor holds {loaded.run_dir / service.LOCK_NAME} and does not answer; "
                      "wait for it to finish, or kill it (the stages stay) and try again.", UNAVAILABLE) from None
    words = f"a supervisor runs already (pid {status['supervisor']['pid']}) and every stage is ready"
    if not options.detach:
        raise Failure(f"{words}; 'scripts/supervisor logs -f' shows what it does, 'down' stops it.")
    say(f"supervisor: {words}.")
    return 0


def environment_for(loaded: Configuration) -> dict[str, str]:
    """Our values of the variables that a configuration names."""
    return {name: os.environ[name] for name in loaded.variables if name in os.environ}


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
    loaded = context.running
    if not loaded.run_dir.is_dir():
        print("supervisor: nothing runs.")
        return 0
    try:
        control.call(loaded.run_dir, {"command": "down"}, say)
        return stopped_but(loaded)
    except NotRunning:
        pass
    held = service.lock(loaded.run_dir)
    if held is None:
        raise Failure("a supervisor is just starting or ending; try again in a second.", UNAVAILABLE)
    count = service.stop_orphans(context.supervisor(loaded, say))
    say("supervisor: nothing runs." if count == 0 else f"supervisor: {count} stages stopped that had no supervisor.")
    return stopped_but(loaded)


def stopped_but(loaded: Configuration) -> int:
    """What `down` leaves alone: it ends only what a supervisor started."""
    left = started_by_hand(loaded, set())
    for row in left:
        print(f"supervisor: {row['instance']} was started by hand and goes on; 'kill {row['pid']}' ends it.",
              file=sys.stderr)
    return NOT_READY if left else 0


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
        for row in rows:
            if row["why"]:
                print(f"{row['instance']} is {row['state']}: {row['why']}")
        if open_sources:
            print(f"not verified, so anyone who knows their URL can send events: {', '.join(open_sources)}")
    by_hand = [row["instance"] for row in rows if row.get("by_hand")]
    if by_hand:
        print(f"supervisor: started by hand, so no supervisor restarts or stops it: {', '.join(by_hand)}",
              file=sys.stderr)
    if answer["supervisor"] is None:
        print("supervisor: no supervisor runs" + (
            " and no stage either." if not rows else "." if len(by_hand) == len(rows) else
            "; stages do that one had started, and 'scripts/supervisor up' takes them over."), file=sys.stderr)
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
    control.call(context.running.run_dir, request, say)
    return 0


def scale(context: Context, options: argparse.Namespace) -> int:
    return command(context, {"command": "scale", "stage": options.stage, "count": options.count})


def reload(context: Context, options: argparse.Namespace) -> int:
    loaded = context.fresh()
    request = {"command": "reload", "environment": environment_for(loaded)}
    answer = control.call(loaded.run_dir, request, (lambda line: None) if options.json else say)
    if options.json:
        say(json.dumps(answer, indent=2))
    return 0 if answer["ok"] else NOT_READY


def restart(context: Context, options: argparse.Namespace) -> int:
    return command(context, {"command": "restart", "name": options.name})


def logs(context: Context, options: argparse.Namespace) -> int:
    if options.lines < 0:
        raise Failure("--lines takes a number of lines, 0 or more.", USAGE)
    is_running = bool(context.status()["instances"])
    instance = options.instance and full_name(options.instance)
    logfiles.show(context.running.run_dir, instance, options.lines, options.follow and is_running)
    if not is_running:
        raise NothingRuns
    return 0


def metrics(context: Context, options: argparse.Namespace) -> int:
    answer = context.status()
    if not answer["instances"]:
        raise NothingRuns
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
        lines += [f'{metric}{{stage="{escaped(row["stage"])}",instance="{escaped(row["instance"])}"}} {value(row)}'
                  for row in rows]
    return "\n".join(lines) + "\n" if rows else ""


def show_top(context: Context, options: argparse.Namespace) -> int:
    if not 0 < options.interval <= LONGEST_INTERVAL_SECONDS:
        raise Failure(f"--interval takes a number of seconds over 0, {LONGEST_INTERVAL_SECONDS} at most.", USAGE)
    top.run(context.status, options.interval, options.once, options.json)
    return 0


def parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                        help=f"the configuration (default: TRIBUTARY_CONFIG, or {DEFAULT_FILE})")
    shared.add_argument("--build", choices=KINDS, default=argparse.SUPPRESS,
                        help="which build of the executables to use (default: release)")
    whole = argparse.ArgumentParser(
        prog="scripts/supervisor", parents=[shared], epilog=EXAMPLES,
        formatter_class=Formatter,
        description="Runs the stages of Tributary on this host: starts them in order, restarts what\ndies or hangs, "
                    "drains on the way down.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=words, description=words)
        added.set_defaults(run=run)
        return added

    limits = ", ".join(f"{stage.key} 1 to {stage.most}" for stage in STAGES if stage.is_scalable)
    add("up", up, "Build what is missing, start every stage, keep them running.").add_argument(
        "-d", "--detach", action="store_true", help="run behind and return when all stages are ready, at most "
        f"{READY_SECONDS:g} s; where a supervisor runs, let it go on with the variables of this environment")
    add("down", down, "Drain and stop every stage, from the ingress to the router.")
    add("status", status, "Show every instance, and why one is not ready; exit 1 when one is not, 3 when no supervisor "
        "runs.").add_argument("--json", action="store_true", help="print one JSON object")
    added = add("scale", scale, "Run so many instances of a stage, until 'down' or a reload that changes the number.")
    added.add_argument("stage", metavar="STAGE", help="ingress, verifier or normaliser")
    added.add_argument("count", metavar="N", type=int, help=f"how many: {limits}")
    add("reload", reload, "Check the configuration, say what changes, and let every stage run by it: in place where it "
        "can be, otherwise by a restart, one instance after the other.").add_argument(
        "--json", action="store_true", help="print one JSON object: changes, and what became of every instance")
    add("restart", restart, "Replace the processes of a stage one after the other, or one instance. They run by the "
        "accepted configuration.").add_argument(
        "name", metavar="STAGE|INSTANCE", help="like router, verifier or normaliser-1")
    added = add("logs", logs, "Print the ends of the stages' logs; exit 3 when nothing runs.")
    added.add_argument("instance", metavar="INSTANCE", nargs="?", help="one instance, or supervisor (default: all)")
    added.add_argument("-f", "--follow", action="store_true", help="go on with what is logged from now on")
    added.add_argument("-n", "--lines", type=int, default=20, metavar="N",
                       help=f"how many lines of each, within its last {logfiles.TAIL_BYTES // 1024} KiB (default: 20)")
    add("metrics", metrics, "Print every stage's metrics and the supervisor's as one Prometheus text.")
    added = add("top", show_top, "Show a live table of all instances: q ends it, j and k (or the arrows) scroll. Plain "
                "tables where the output is no terminal.")
    added.add_argument("--once", action="store_true", help="print one table and end")
    added.add_argument("--json", action="store_true", help="one JSON object per interval")
    added.add_argument("--interval", type=float, default=1.0, metavar="SECONDS",
                       help=f"between readings, {LONGEST_INTERVAL_SECONDS} at most (default: 1)")
    return whole


def main() -> int:
    options = parser().parse_args()
    options.config, options.build = getattr(options, "config", None), getattr(options, "build", None)
    try:
        code = options.run(Context(options), options)
        sys.stdout.flush()
        return code
    except Failure as failure:
        print(f"supervisor: {failure.sentence}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        silence()  # head or grep -q has seen enough of what was only looked at
        return 0
    except OSError as error:
        print(f"supervisor: the operating system refused: {error}.", file=sys.stderr)
        return NO_PERMISSION if isinstance(error, PermissionError) else UNAVAILABLE

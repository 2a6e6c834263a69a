"""scripts/fuzz: options and what is said of the outcome."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commandline import USAGE, Failure, run
from helptext import Formatter

from .campaign import Campaign, Outcome, repeat_command
from .program import Program

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = """\
examples:
  scripts/fuzz                                 every target for a minute each
  scripts/fuzz --target json --seconds 3600    one target for an hour
  scripts/fuzz --short                         what scripts/test runs: a few seconds, the same inputs every time
  scripts/fuzz --target front --replay FILE    one input again, such as a find
  scripts/fuzz --list                          the names of the targets

Corpora and finds stay in .build/fuzz-corpus. The exit code is 1 when there was a find."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/fuzz", epilog=EXAMPLES, formatter_class=Formatter,
        description="Feeds the parts that read bytes from outside with inputs that libFuzzer makes up, under the "
                    "address sanitizer, and checks what must hold for every input.")
    made.add_argument("--target", default="all", metavar="NAME", help="one of --list, or all (default: all)")
    made.add_argument("--seconds", type=int, default=60, metavar="N", help="how long for each target (default: 60)")
    made.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                      help="targets at once (default: one per core)")
    made.add_argument("--short", action="store_true", help="a fixed number of inputs instead, from a fixed seed")
    made.add_argument("--replay", type=Path, metavar="FILE", help="try this input alone")
    made.add_argument("--list", action="store_true", help="print the names of the targets")
    return made


def say(outcome: Outcome) -> None:
    if outcome.find:
        print(f"{outcome.target}: FOUND {outcome.sentence}\n  again: {repeat_command(outcome)}", flush=True)
    else:
        print(f"{outcome.target}: {outcome.runs} inputs, {outcome.coverage} edges, nothing found", flush=True)


def main() -> int:
    options = parser().parse_args()
    if options.seconds < 1 or options.jobs < 1:
        raise Failure("--seconds and --jobs take a number of at least 1.", USAGE)
    program = Program(ROOT)
    program.build()
    targets = program.targets()
    if options.list:
        print("\n".join(targets))
        return 0
    if options.target != "all":
        if options.target not in targets:
            raise Failure(f'there is no fuzz target "{options.target}"; scripts/fuzz --list names them.', USAGE)
        targets = [options.target]
    campaign = Campaign(program, ROOT / ".build" / "fuzz-corpus")
    if options.replay:
        if len(targets) > 1:
            raise Failure("--replay needs the --target that the input is for.", USAGE)
        outcome = campaign.replay(targets[0], options.replay)
        say(outcome)
        return 1 if outcome.find else 0

    def fuzz(target: str) -> Outcome:
        outcome = campaign.short(target) if options.short else campaign.long(target, options.seconds)
        say(outcome)
        return outcome

    started = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(fuzz, targets))
    finds = [outcome for outcome in outcomes if outcome.find]
    print(f"{len(outcomes)} targets, {len(finds)} finds, {time.monotonic() - started:.0f} s")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(run("fuzz", main))

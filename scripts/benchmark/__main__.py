"""scripts/bench: options, the order of starting and stopping, the outcome."""

import argparse
import sys
import time
from pathlib import Path

from commandline import USAGE, Failure
from executables import provide

from . import report, webhook, workplace
from .bench import QUICK, Timing, standing
from .pipeline import Shape
from .workplace import run, say

EXAMPLES = """\
examples:
  scripts/bench                                 everything, in four minutes or less
  scripts/bench --quick                         the same with short runs, in 90 s or less
  scripts/bench --normalisers 2 --json two.json another shape, its figures elsewhere
  scripts/bench compare --bin OLD               two sets of executables in turn, with ratios
  scripts/bench stages                          what one webhook costs verifier and normaliser, by counts
  scripts/bench fanout                          many subscriptions: a failing one, a dead one, a hundred
  scripts/bench operate                         what restarts, scaling and starved normalisers cost
  scripts/bench --keep --quick                  keep the temporary folder with the logs and the databases

environment:
  TRIBUTARY_BIN=DIR    measure the executables in DIR, and build nothing

The exit code is 1 when the pipeline delivers less than a quarter of what nginx as a bare proxy passes on."""


def parser() -> argparse.ArgumentParser:
    def positive(text: str) -> int:
        if (number := int(text)) < 1:
            raise argparse.ArgumentTypeError("takes a number of at least 1")
        return number

    made = workplace.parser(
        "", "Measures the whole pipeline, release build: rate, latencies, CPU, memory, bytes written, and the cost of "
        "a tap, beside nginx as a bare reverse proxy to the same sink in the same run.", EXAMPLES)
    made.add_argument("--quick", action="store_true", help="short runs: less exact")
    made.add_argument("--verifiers", type=positive, default=1, metavar="N", help="instances (default: 1)")
    made.add_argument("--normalisers", type=positive, default=1, metavar="N", help="instances (default: 1)")
    made.add_argument("--concurrency", type=positive, default=64, metavar="N",
                      help="deliveries in flight at once (default: 64)")
    made.add_argument("--connections", type=positive, default=128, metavar="N",
                      help="wrk's connections to the ingress and to the proxy (default: 128)")
    made.add_argument("--threads", type=positive, default=1, metavar="N", help="wrk's threads (default: 1)")
    return made


def measure(options: argparse.Namespace, binaries: Path, folder: Path) -> dict:
    """Starts everything, measures, stops everything; answers the outcome."""
    shape = Shape(options.verifiers, options.normalisers, options.concurrency)
    with standing(options, shape, binaries, folder, QUICK if options.quick else Timing()) as bench:
        bench.run()
    settings = vars(shape) | {
        "connections": options.connections, "threads": options.threads, "quick": options.quick,
        "body_bytes": len(webhook.BODY)}
    return {"settings": settings, "ratio": None} | bench.outcome


def main() -> int:
    options = parser().parse_args()
    if options.concurrency > 1000:
        raise Failure("--concurrency takes 1000 at most, as the configuration does.", USAGE)
    started = time.monotonic()
    binaries = provide("release")
    built = time.monotonic()
    outcome: dict = {}
    with workplace.measuring(options, outcome) as folder:
        outcome |= measure(options, binaries, folder)
    outcome["took_seconds"] = {"build": round(built - started, 1), "measurements": round(time.monotonic() - built, 1)}
    workplace.publish(options, outcome, report.table(outcome))
    for remark in report.remarks(outcome):
        say(remark)
    return 0 if outcome["ratio"] >= report.LEAST else 1


sys.exit(run(main))

"""scripts/bench operate: what restarts, scaling and starved normalisers cost while webhooks come."""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from executables import provide
from launcher import free_port, until

from . import metrics, senders, workplace
from .load import Load
from .observer import Observer, Reading
from .pipeline import Pipeline, Shape
from .shares import Shares, shares
from .workplace import run, say

EXAMPLES = """\
examples:
  scripts/bench operate                   both, in about five minutes
  scripts/bench operate --quick           short phases, one share, and one and four normalisers
  scripts/bench operate steps --rate 500  one of: steps, shares

steps    numbered webhooks at a steady rate while every stage is restarted, and normalisers, verifiers and ingress
         gateways are scaled up and down; sender and subscriber run on the same cores
shares   wrk with 32 connections at full speed while each normaliser is held to a share of a core; then one of four is
         held to a fiftieth of a core. Needs a cgroup of the processor that this user may write to

The exit code is 1 when a webhook is refused, lost, doubled or out of order, or another goal is missed."""

DOOR_PORT, CONNECTIONS = 18080, 32
STEPS = (("restart", "router"), ("restart", "normaliser"), ("restart", "verifier"), ("restart", "ingress"),
         ("scale", "normaliser", "8"), ("scale", "normaliser", "1"), ("scale", "verifier", "3"),
         ("scale", "verifier", "1"), ("scale", "ingress", "2"), ("scale", "ingress", "1"))
PAUSE_GOAL_SECONDS, LINEAR_GOAL, P99_GOAL, SLOW_SHARE = 0.5, 0.85, 2.0, 0.02
KEPT_GOAL = 0.75
"""Of the throughput of four normalisers, where one of them is slow."""
LOWEST_RATE, REACHED_SHARE, AFTER_SECONDS, RAMP_SECONDS, DRAIN_SECONDS = 50.0, 0.97, 1.0, 2.0, 300.0


@dataclass(frozen=True)
class Size:
    calm_seconds: float = 4.0
    phase_seconds: float = 5.0
    shares: tuple[float, ...] = (0.015, 0.05, 0.1)
    counts: tuple[int, ...] = (1, 2, 4, 8)


QUICK = Size(2, 2, (0.05,), (1, 4))


# MARK: Steps

def steps(pipeline: Pipeline, subscriber: senders.Subscriber, rate: float, size: Size) -> dict:
    sent: list[senders.Sent] = []
    while True:
        load = senders.Senders(pipeline, rate, first=1 + max((each.number for each in sent), default=0))
        try:
            begin = time.monotonic()
            time.sleep(size.calm_seconds)
            rows = [row("nothing", begin, load, subscriber)]
            if rows[0]["acknowledged"] >= REACHED_SHARE * rate * size.calm_seconds or rate <= LOWEST_RATE:
                rows += [taken(step, pipeline, load, subscriber) for step in STEPS]
        finally:
            sent += load.stop()
        subscriber.wait_for(sent)
        if len(rows) > 1:
            break
        rate /= 2
        say(f"this machine, with sender and subscriber on it, cannot do {2 * rate:,.0f} webhooks/s; so {rate:,.0f}.")
    return {"per_second": rate, "webhooks": len(sent), "steps": rows,
            "outcomes": senders.outcomes(sent), "faults": senders.faults(sent, senders.logged(pipeline))}


def taken(step: tuple[str, ...], pipeline: Pipeline, load: senders.Senders, subscriber: senders.Subscriber) -> dict:
    begin = time.monotonic()
    pipeline.supervisor(*step)
    time.sleep(AFTER_SECONDS)
    return row(" ".join(step), begin, load, subscriber)


def row(name: str, begin: float, load: senders.Senders, subscriber: senders.Subscriber) -> dict:
    """What has happened since `begin`."""
    acknowledged = load.since(begin)
    return {"step": name, "seconds": round(time.monotonic() - begin, 2), "acknowledged": len(acknowledged),
            "p99_seconds": round(senders.p99(acknowledged), 4),
            "longest_pause_seconds": round(senders.longest_pause(subscriber.since(begin)), 3)}


# MARK: Shares

class Throughput:
    """Of a pipeline whose normalisers are held to a share of a core each."""

    def __init__(self, pipeline: Pipeline, load: Load, held: Shares, seconds: float):
        self._pipeline, self._load, self._held, self._seconds = pipeline, load, held, seconds

    def measure(self, count: int, share: float | None, slow: float | None = None) -> dict:
        """`slow`: the share of the last normaliser instead."""
        self._pipeline.supervisor("scale", "normaliser", str(count))
        for each in self._pipeline.instances():
            if each.stage == "normaliser":
                is_last = each.name == f"normaliser-{count - 1}"
                self._held.hold(each.name, each.pid, slow if slow and is_last else share)
        observer = Observer(self._pipeline)
        with self._load.start(self._pipeline.url + "/in/stream") as load:
            load.go_on(RAMP_SECONDS)
            before = observer.read({})
            load.go_on(self._seconds)
            after = observer.read({})
            result = load.stop()
        result.check("the ingress")
        self._held.release()
        until(lambda: observer.read({}).unsettled == 0, "the end of the backlog", DRAIN_SECONDS, 0.2)
        # As the ingress sees it: wrk waits for a processor itself, and counts such a wait several times.
        p99 = metrics.quantile(0.99, before.acknowledgement or {}, after.acknowledgement or {}) or 0.0
        return {"normalisers": count, "p99_seconds": round(p99, 4), "p99_seconds_by_wrk": round(result.p99, 4),
                "per_second": round(settled_per_second(before, after), 1)}


def settled_per_second(before: Reading, after: Reading) -> float:
    """What reached the event log: what was accepted, less what the journals hold more of."""
    return (after.accepted - before.accepted - (after.unsettled - before.unsettled)) / (after.at - before.at)


def starved(throughput: Throughput, size: Size) -> dict:
    before = [throughput.measure(count, None) for count in size.counts]
    slow = throughput.measure(4, None, slow=SLOW_SHARE)
    held = [{"share": share} | throughput.measure(count, share) for share in size.shares for count in size.counts]
    after = [throughput.measure(count, None) for count in size.counts]
    free = {first["normalisers"]: both(first, last) for first, last in zip(before, after, strict=True)}
    return {"free": list(free.values()),
            "one_slow": slow | {"kept": round(slow["per_second"] / free[4]["per_second"], 3)},
            "held": [each | ratios(each, held, free[each["normalisers"]]) for each in held]}


def both(first: dict, last: dict) -> dict:
    """The same before and after everything else, because the machine changes meanwhile."""
    return first | {"per_second": (first["per_second"] + last["per_second"]) / 2,
                    "p99_seconds": min(first["p99_seconds"], last["p99_seconds"])}


def ratios(row: dict, rows: list[dict], free: dict) -> dict:
    """Against one normaliser of the same share, as far as the rest of the pipeline goes; and against no limits."""
    one = next(each for each in rows if each["share"] == row["share"])
    due = min(one["per_second"] * row["normalisers"], free["per_second"])
    return {"linear": round(row["per_second"] / due, 3),
            "p99_ratio": round(row["p99_seconds"] / free["p99_seconds"], 2)}


# MARK: The outcome

def judged(outcome: dict) -> list[tuple[str, bool]]:
    """Each figure in words, and whether it meets its goal."""
    lines = []
    if found := outcome.get("steps"):
        lines += [(f"{found['per_second']:,.0f} webhooks/s, {found['webhooks']:,} in all: " +
                   ", ".join(f"{count} {name}" for name, count in found["faults"].items()) +
                   " (goal 0)", not any(found["faults"].values()))]
        lines += [(f"  {each['step']:20} {each['seconds']:5.1f} s  acknowledgement p99 "
                   f"{1000 * each['p99_seconds']:6.1f} ms  longest pause of deliveries "
                   f"{each['longest_pause_seconds']:.2f} s (goal {PAUSE_GOAL_SECONDS:g})",
                   each["longest_pause_seconds"] < PAUSE_GOAL_SECONDS) for each in found["steps"]]
    if found := outcome.get("shares"):
        slow = found["one_slow"]
        lines += [(f"no limits, {each['normalisers']} normalisers: {each['per_second']:6,.0f} events/s, "
                   f"acknowledgement p99 {1000 * each['p99_seconds']:6.1f} ms", True) for each in found["free"]]
        lines += [(f"one of 4 held to {100 * SLOW_SHARE:g} % of a core: {slow['per_second']:,.0f} events/s, x "
                   f"{slow['kept']:.2f} (goal {KEPT_GOAL:g}), p99 {1000 * slow['p99_seconds']:.1f} ms",
                   slow["kept"] >= KEPT_GOAL)]
        lines += [(f"{100 * each['share']:4g} % of a core each, {each['normalisers']} normalisers: "
                   f"{each['per_second']:6,.0f} events/s, x {each['linear']:.2f} of linear (goal {LINEAR_GOAL:g}), p99 "
                   f"{1000 * each['p99_seconds']:6.1f} ms, x {each['p99_ratio']:.2f} (goal {P99_GOAL:g})",
                   each["linear"] >= LINEAR_GOAL and each["p99_ratio"] <= P99_GOAL) for each in found["held"]]
    elif "shares" in outcome:
        lines += [("shares: skipped, for no cgroup of the processor may be written to", True)]
    return lines


def measure_steps(binaries: Path, folder: Path, options: argparse.Namespace, size: Size) -> dict:
    subscriber = senders.Subscriber()
    try:
        with Pipeline(binaries, folder, free_port(DOOR_PORT), Shape(1, 1, 16),
                      [{"name": "subscriber", "url": subscriber.url}]) as pipeline:
            return steps(pipeline, subscriber, options.rate, size)
    finally:
        subscriber.close()


def measure_shares(binaries: Path, folder: Path, _: argparse.Namespace, size: Size) -> dict | None:
    with shares() as held:
        if held is None:
            return None
        with Pipeline(binaries, folder, free_port(DOOR_PORT), Shape(1, 1, 16), []) as pipeline:
            load = Load(folder, pipeline.stream_secret, CONNECTIONS, 1)
            return starved(Throughput(pipeline, load, held, size.phase_seconds), size)


PARTS = {"steps": measure_steps, "shares": measure_shares}


def main() -> int:
    parser = workplace.parser("operate", "Measures what operating the pipeline costs while webhooks come.", EXAMPLES)
    parser.add_argument("which", nargs="*", metavar="WHICH", help=f"{', '.join(PARTS)} (default: both)")
    parser.add_argument("--quick", action="store_true", help="short phases, fewer shares and counts")
    parser.add_argument("--rate", type=float, default=2000, metavar="N",
                        help="webhooks per second during the steps (default: 2000)")
    options = parser.parse_args()
    if unknown := set(options.which) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    if options.rate < 1:
        parser.error("--rate takes a number of at least 1")
    binaries = provide("release")
    outcome: dict = {}
    with workplace.measuring(options, outcome) as folder:
        for name in options.which or PARTS:
            say(f"{name} …")
            (folder / name).mkdir()
            outcome[name] = PARTS[name](binaries, folder / name, options, QUICK if options.quick else Size())
    lines = judged(outcome)
    workplace.publish(options, outcome, "\n".join(f"{words}{'' if is_met else '   MISSED'}" for words, is_met in lines))
    return 0 if all(is_met for _, is_met in lines) else 1


if __name__ == "__main__":
    sys.exit(run(main))

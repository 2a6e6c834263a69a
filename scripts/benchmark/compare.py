"""scripts/bench compare: two sets of executables in turn in one run, since machines and hours differ."""

import argparse
import statistics
import sys
from pathlib import Path

from commandline import UNAVAILABLE, Failure
from executables import EXECUTABLES, provide

from . import workplace
from .bench import standing
from .pipeline import Shape
from .workplace import run, say

EXAMPLES = """\
examples:
  scripts/bench compare --bin ../old/.build/release   the build of this tree against that one
  scripts/bench compare --bin OLD --rate 5000         latencies at that many webhooks per second

environment:
  TRIBUTARY_BIN=DIR    the new executables; nothing is built"""

LOAD_SHARE = 0.5
"""Of what the old executables take unthrottled: where latencies are compared."""
NEIGHBOURS = ("wrk", "sink")


def parser() -> argparse.ArgumentParser:
    made = workplace.parser(
        "compare", "Runs two sets of executables in turn, each with nginx as a bare proxy beside it, and shows the CPU "
        "per event and stage of both at full speed, and their latencies at half of it.", EXAMPLES)
    made.add_argument("--bin", type=Path, required=True, metavar="OLD", help="the folder of the old executables")
    made.add_argument("--rounds", type=int, default=3, metavar="N", help="of each (default: 3)")
    made.add_argument("--seconds", type=float, default=6.0, metavar="N", help="of each measurement (default: 6)")
    made.add_argument("--rate", type=float, metavar="N",
                      help=f"webhooks per second for the latencies (default: {LOAD_SHARE} of what the old take)")
    made.set_defaults(connections=128, threads=1)
    return made


def once(options: argparse.Namespace, binaries: Path, rate: float | None) -> dict:
    """One pipeline of these executables: its costs at full speed, its latencies at a rate."""
    with workplace.temporary_folder(options.keep) as folder, \
            standing(options, Shape(1, 1, 64), binaries, folder) as bench:
        proxy, full = bench.proxy(options.seconds / 2), bench.span(0, options.seconds)
        rate = rate or LOAD_SHARE * min(full.accepted_per_second, full.delivered_per_second)
        paced = bench.span(rate, options.seconds)
    return {
        "rate": rate, "proxy": proxy.cpu_micros_per_request, "micros": full.cpu_micros_per_event(),
        "paced micros": paced.cpu_micros_per_event(),
        "accepted": full.accepted_per_second, "delivered": full.delivered_per_second,
        "p50": paced.load.p50, "p99": paced.load.p99, "delivery p50": paced.quantile(0.5, "receipt_to_delivery"),
        "delivery p99": paced.quantile(0.99, "receipt_to_delivery")}


def rows(old: list[dict], new: list[dict]) -> list[tuple[str, float, float]]:
    """Name and median of both, in the order of the table."""
    def median(rounds: list[dict], take) -> float:
        return statistics.median(take(each) for each in rounds)

    def both(name: str, take) -> tuple[str, float, float]:
        return name, median(old, take), median(new, take)

    stages = [name for name in new[0]["micros"] if name not in NEIGHBOURS]

    def micros(each: dict, *names: str) -> float:
        return sum(each["micros"].get(name, 0.0) for name in names)

    return [
        both("bare proxy, µs per request", lambda each: each["proxy"]),
        *(both(f"{name}, µs per event", lambda each, name=name: micros(each, name))
          for name in (*stages, *NEIGHBOURS)),
        both("all stages, µs per event", lambda each: micros(each, *stages)),
        both("the same at the rate", lambda each: sum(each["paced micros"].get(name, 0.0) for name in stages)),
        *(both(f"{name}, in the proxy's requests", lambda each, name=name: micros(each, name) / each["proxy"])
          for name in stages),
        both("proxy ÷ pipeline by CPU", lambda each: each["proxy"] / sum(each["micros"].values())),
        both("accepted/s unthrottled", lambda each: each["accepted"]),
        both("delivered/s meanwhile", lambda each: each["delivered"]),
        *(both(f"{what}, ms", lambda each, key=key: 1000 * (each[key] or 0.0)) for what, key in (
            ("acknowledged p50", "p50"), ("acknowledged p99", "p99"),
            ("receipt to delivery p50", "delivery p50"), ("receipt to delivery p99", "delivery p99"))),
    ]


def table(shown: list[tuple[str, float, float]]) -> str:
    width = max(len(name) for name, _, _ in shown)
    lines = [f"{'median of the rounds':<{width}}  {'old':>10}  {'new':>10}  {'new ÷ old':>9}"]
    lines += [f"{name:<{width}}  {old:>10,.2f}  {new:>10,.2f}  {new / old if old else 0:>9.2f}"
              for name, old, new in shown]
    return "\n".join(lines)


def main() -> int:
    options = parser().parse_args()
    old = options.bin.absolute()
    if absent := [name for name in EXECUTABLES if not (old / name).exists()]:
        raise Failure(f"{old} has no {', '.join(absent)}; --bin takes the folder of a whole release build.",
                      UNAVAILABLE)
    new = provide("release")
    rounds: dict[Path, list[dict]] = {old: [], new: []}
    rate = options.rate
    outcome: dict = {}
    with workplace.measuring(options, outcome):
        for number in range(options.rounds):
            # Whoever comes first does so in turn.
            for binaries in (old, new) if number % 2 == 0 else (new, old):
                rounds[binaries].append(once(options, binaries, rate))
                rate = rate or rounds[old][0]["rate"]
                last, which = rounds[binaries][-1], "old" if binaries == old else "new"
                say(f"round {number + 1}, {which}: {sum(last['micros'].values()):.1f} µs per event with wrk and sink, "
                    f"{last['proxy']:.1f} of the bare proxy per request")
    shown = rows(rounds[old], rounds[new])
    outcome |= {"rate": rate, "old": rounds[old], "new": rounds[new]}
    workplace.publish(options, outcome, table(shown))
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

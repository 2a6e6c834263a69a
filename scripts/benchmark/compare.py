"""scripts/bench compare: two sets of executables take turns in one run: machines differ, and change by the minute."""

import argparse
import contextlib
import statistics
import sys
from pathlib import Path

from commandline import UNAVAILABLE, Failure
from executables import EXECUTABLES, provide

from . import workplace
from .bench import Bench, standing
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
WARM_UP_SECONDS = 2.0
NEIGHBOURS = ("wrk", "sink")


def parser() -> argparse.ArgumentParser:
    made = workplace.parser(
        "compare", "Lets two sets of executables and nginx as a bare proxy take turns of a second or two, and shows "
        "the CPU per event and stage of both at full speed, and their latencies at half of it.", EXAMPLES)
    made.add_argument("--bin", type=Path, required=True, metavar="OLD", help="the folder of the old executables")
    made.add_argument("--rounds", type=int, default=8, metavar="N", help="of each (default: 8)")
    made.add_argument("--seconds", type=float, default=1.5, metavar="N", help="of each turn (default: 1.5)")
    made.add_argument("--rate", type=float, metavar="N",
                      help=f"webhooks per second for the latencies (default: {LOAD_SHARE} of what the old take)")
    made.set_defaults(connections=128, threads=1)
    return made


def once(bench: Bench, seconds: float, rate: float | None) -> dict:
    """A turn of one pipeline: its costs at full speed, its latencies at a rate, and the proxy beside them."""
    proxy, full = bench.proxy(seconds / 2), bench.slice(0, seconds)
    rate = rate or LOAD_SHARE * full.delivered_per_second
    paced = bench.slice(rate, seconds)
    return {
        "rate": rate, "proxy": proxy.cpu_micros_per_request, "micros": full.cpu_micros_per_event(),
        "paced micros": paced.cpu_micros_per_event(),
        "accepted": full.load.per_second, "delivered": full.delivered_per_second,
        "p50": paced.load.p50, "p99": paced.load.p99, "delivery p50": paced.quantile(0.5, "receipt_to_delivery"),
        "delivery p99": paced.quantile(0.99, "receipt_to_delivery")}


def rows(old: list[dict], new: list[dict]) -> list[tuple[str, float, float, float]]:
    """Name, median of both, and median of the rounds' ratios, which a slower minute leaves alone."""
    def both(name: str, take) -> tuple[str, float, float, float]:
        pairs = [(take(one), take(other)) for one, other in zip(old, new, strict=True)]
        ratios = [now / before if before else 0.0 for before, now in pairs]
        return name, *(statistics.median(each) for each in (*zip(*pairs, strict=True), ratios))

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
        both("delivered/s until all are", lambda each: each["delivered"]),
        *(both(f"{what}, ms", lambda each, key=key: 1000 * (each[key] or 0.0)) for what, key in (
            ("acknowledged p50", "p50"), ("acknowledged p99", "p99"),
            ("receipt to delivery p50", "delivery p50"), ("receipt to delivery p99", "delivery p99"))),
    ]


def table(shown: list[tuple[str, float, float, float]]) -> str:
    width = max(len(name) for name, *_ in shown)
    lines = [f"{'median of the rounds':<{width}}  {'old':>10}  {'new':>10}  {'new ÷ old':>9}"]
    lines += [f"{name:<{width}}  {old:>10,.2f}  {new:>10,.2f}  {ratio:>9.2f}" for name, old, new, ratio in shown]
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
    with workplace.measuring(options, outcome) as folder, contextlib.ExitStack() as pipelines:
        benches = {}
        for name, binaries in (("old", old), ("new", new)):
            (folder / name).mkdir()
            benches[binaries] = pipelines.enter_context(
                standing(options, Shape(1, 1, 64), binaries, folder / name))
            benches[binaries].slice(0, WARM_UP_SECONDS)
        for number in range(options.rounds):
            # Whoever comes first does so in turn.
            for binaries in (old, new) if number % 2 == 0 else (new, old):
                rounds[binaries].append(once(benches[binaries], options.seconds, rate))
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

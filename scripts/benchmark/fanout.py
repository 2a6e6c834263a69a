"""scripts/bench fanout: what one subscriber's trouble costs the others, and what many subscriptions cost."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commandline import Failure
from executables import provide
from launcher import free_port, until
from supervision.health import ask

from . import metrics, workplace
from .faults import Patient
from .load import Load, Run
from .observer import RECEIPT_TO_DELIVERY, ROUTER, process_figures, resident_share
from .pipeline import Pipeline, Shape
from .proxies import Nginx
from .workplace import run, say, uninterrupted

EXAMPLES = """\
examples:
  scripts/bench fanout                    all three, in about ten minutes
  scripts/bench fanout --quick            the same with a tenth of the events and short phases
  scripts/bench fanout isolation          one of: isolation, subscriptions, backlog

isolation       four subscriptions under load; one hangs, answers 500, refuses and resets; then it recovers
subscriptions   the same load with one subscription and with a hundred more whose filters do not match
backlog         events that wait for a dead subscriber: memory, the other subscription's rate, start-up of the router"""

DOOR_PORT, SINK_PORT, PATIENT_PORT = 18080, 18081, 18083
THROUGHPUT_GOAL, P99_GOAL, RESIDENT_GOAL_BYTES, RESTART_GOAL_SECONDS, MATCH_GOAL_MICROS = 0.95, 1.5, 90e6, 1.0, 0.5
DRAIN_SECONDS = 600.0


@dataclass(frozen=True)
class Size:
    """How long and how much."""

    calibration_seconds: float = 8.0
    phase_seconds: float = 10.0
    hang_seconds: float = 35.0
    events: int = 50_000
    waiting: int = 1_000_000


QUICK = Size(calibration_seconds=4, phase_seconds=5, hang_seconds=12, events=20_000, waiting=100_000)


@dataclass(frozen=True)
class Moment:
    """The router at one moment."""

    at: float
    delivered: dict[str, float]
    latency: dict[str, dict[float, float]]
    backlog: dict[str, float]
    events: float
    resident_bytes: int
    cpu_seconds: float


class Watch:
    """Reads the router's metrics and what the kernel says of it."""

    def __init__(self, pipeline: Pipeline, names: list[str]):
        self._pipeline, self._names = pipeline, names

    @property
    def pid(self) -> int:
        """Also of a router that was started anew."""
        return int((self._pipeline.run_dir / f"{ROUTER}-0.pid").read_text().split()[0])

    def read(self) -> Moment:
        samples, pid = metrics.read(self._pipeline.run_dir, f"{ROUTER}-0"), self.pid

        def total(name: str, **labels: str) -> float:
            return metrics.total(samples, name, **labels)

        return Moment(
            time.monotonic(),
            {name: total("tributary_deliveries_total", subscription=name, outcome="delivered") for name in self._names},
            {name: metrics.buckets(samples, RECEIPT_TO_DELIVERY, subscription=name) for name in self._names},
            {name: total("tributary_lane_backlog_events", subscription=name) for name in self._names},
            total("tributary_events_total"), resident_share(pid), process_figures(pid).cpu_seconds)

    def until(self, condition: Callable[[Moment], bool], what: str, seconds: float = DRAIN_SECONDS) -> Moment:
        return until(lambda: condition(moment := self.read()) and moment,
                     f"{what}; the logs are in {self._pipeline.run_dir}", seconds, 0.2)


@dataclass(frozen=True)
class Phase:
    """What lies between two moments."""

    before: Moment
    after: Moment

    def per_second(self, name: str) -> float:
        return (self.after.delivered[name] - self.before.delivered[name]) / (self.after.at - self.before.at)

    def p99(self, name: str) -> float:
        return metrics.quantile(0.99, self.before.latency[name], self.after.latency[name]) or 0.0


class Bench:
    def __init__(self, binaries: Path, folder: Path, size: Size):
        self._binaries, self._folder, self._size = binaries, folder, size

    def _in_pipeline(self, name: str, subscriptions: list[dict], body: Callable[[Pipeline, Load, Watch], dict]) -> dict:
        folder = self._folder / name
        folder.mkdir()
        pipeline = Pipeline(self._binaries, folder, free_port(DOOR_PORT), Shape(1, 1, 30), subscriptions)
        try:
            pipeline.up()
            watch = Watch(pipeline, [each["name"] for each in subscriptions])
            return body(pipeline, Load(folder, pipeline.stream_secret, 64, 1), watch)
        finally:
            with uninterrupted():
                pipeline.end()

    def _sink(self, folder: Path) -> Nginx:
        port = free_port(SINK_PORT)
        sink = Nginx("sink", port, folder, {"SINK_PORT": port})
        sink.start()
        return sink

    # MARK: One in trouble

    def isolation(self) -> dict:
        sink, patient = self._sink(self._folder), Patient("patient", free_port(PATIENT_PORT), self._folder)
        patient.heal()
        others = ["a", "b", "c"]
        subscriptions = [{"name": "patient", "url": f"{patient.url}/events", "filter": {}, "timeout": "10s"}]
        subscriptions += [{"name": name, "url": f"{sink.url}/{name}", "filter": {}} for name in others]
        try:
            return self._in_pipeline("i", subscriptions, lambda *parts: self._phases(*parts, patient, others))
        finally:
            patient.stop()
            sink.stop()

    def _phases(self, pipeline: Pipeline, load: Load, watch: Watch, patient: Patient, others: list[str]) -> dict:
        url = pipeline.url + "/in/stream"
        rate = 0.6 * self._calibrate(load, url, watch)
        say(f"isolation: {rate:,.0f} webhooks/s, each to four subscriptions")
        phases: dict[str, Phase] = {}
        with load.start(url, rate) as running:
            running.go_on(2)
            phases["healthy"] = self._phase(running, watch, self._size.hang_seconds)
            for fault in ("hang", "error", "refuse", "reset"):
                with patient.failing(fault):
                    seconds = self._size.hang_seconds if fault == "hang" else self._size.phase_seconds
                    phases[fault] = self._phase(running, watch, seconds)
            waiting = watch.read().backlog["patient"]
            patient.heal()
            recovery = self._recovery(running, watch)
            phases["healthy again"] = self._phase(running, watch, self._size.hang_seconds)
            running.stop().check("the ingress")
        rows = {name: self._against(phases, name, others) for name in phases if not name.startswith("healthy")}
        return {"webhooks_per_second": round(rate, 1), "phases": rows, "waiting_at_recovery": waiting,
                "caught_up_seconds": recovery, "healthy_per_second": self._rate(phases["healthy"], others)}

    def _calibrate(self, load: Load, url: str, watch: Watch) -> float:
        """What the four subscriptions can take, in events per second."""
        with load.start(url) as running:
            running.go_on(2)
            phase = self._phase(running, watch, self._size.calibration_seconds)
            running.stop().check("the ingress")
        watch.until(lambda moment: max(moment.backlog.values()) == 0, "catching up")
        return min(phase.per_second(name) for name in phase.after.delivered)

    @staticmethod
    def _phase(running: Run, watch: Watch, seconds: float) -> Phase:
        before = watch.read()
        running.go_on(seconds)
        return Phase(before, watch.read())

    @staticmethod
    def _recovery(running: Run, watch: Watch) -> float:
        started = time.monotonic()
        while watch.read().backlog["patient"] > 100:
            running.go_on(0.5)
            if time.monotonic() - started > DRAIN_SECONDS:
                raise Failure("the subscription that failed does not catch up.")
        return round(time.monotonic() - started, 1)

    @staticmethod
    def _rate(phase: Phase, names: list[str]) -> float:
        return round(min(phase.per_second(name) for name in names), 1)

    def _against(self, phases: dict[str, Phase], name: str, others: list[str]) -> dict:
        """The worst of the others, beside the same while all were well: the mean of before and after."""
        phase, calm = phases[name], (phases["healthy"], phases["healthy again"])
        throughput = min(
            phase.per_second(each) / (sum(before.per_second(each) for before in calm) / 2) for each in others)
        p99 = max(phase.p99(each) / max(1e-9, sum(before.p99(each) for before in calm) / 2) for each in others)
        return {"throughput_ratio": round(throughput, 3), "p99_ratio": round(p99, 2),
                "p99_seconds": max(round(phase.p99(each), 4) for each in others),
                "resident_bytes": phase.after.resident_bytes}

    # MARK: Many

    def subscriptions(self) -> dict:
        few = self._many("s1", 0)
        many = self._many("s100", 100)
        micros = 1e6 * (many["cpu_seconds"] - few["cpu_seconds"]) / (self._size.events * 100)
        return {"one": few, "hundred_more": many, "match_micros": round(micros, 3)}

    def _many(self, name: str, more: int) -> dict:
        sink = self._sink(self._folder)
        subscriptions = [{"name": "all", "url": f"{sink.url}/events", "filter": {}}] + [
            {"name": f"other-{number}", "url": f"{sink.url}/other",
             "filter": {"types": [f"recording.{number}.*", "call.ended"], "subjects": [f"calls/livestream:{number}"]}}
            for number in range(more)]
        try:
            return self._in_pipeline(name, subscriptions, self._feed_all)
        finally:
            sink.stop()

    def _feed_all(self, pipeline: Pipeline, load: Load, watch: Watch) -> dict:
        before = watch.read()
        after = self._feed(pipeline, load, watch, self._size.events)
        after = watch.until(lambda moment: max(moment.backlog.values()) == 0, "delivering everything")
        events = after.events - before.events
        return {"events": events, "cpu_seconds": round((after.cpu_seconds - before.cpu_seconds)
                                                       * self._size.events / max(1, events), 3),
                "resident_bytes": after.resident_bytes, "log_bytes_per_event": round(self._log(pipeline) / events, 1)}

    @staticmethod
    def _feed(pipeline: Pipeline, load: Load, watch: Watch, events: int) -> Moment:
        """At full speed until so many are in the log."""
        with load.start(pipeline.url + "/in/stream") as running:
            while (moment := watch.read()).events < events:
                running.go_on(0.25)
            running.stop().check("the ingress")
        return moment

    def _log(self, pipeline: Pipeline) -> int:
        """What the blocks of the log take in its segments, whose space was taken before, and the files of the state."""
        folder = pipeline.data_dir / f"{ROUTER}-0"
        command = [self._binaries / "tributary", "log", "check", folder / "log", "--json"]
        found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return (sum(segment["blockBytes"] for segment in found["segments"])
                + sum(path.stat().st_size for path in folder.glob("events.sqlite*")))

    # MARK: A dead one

    def backlog(self) -> dict:
        sink = self._sink(self._folder)
        subscriptions = [{"name": "alive", "url": f"{sink.url}/events", "filter": {}},
                         {"name": "dead", "url": f"http://127.0.0.1:{free_port(PATIENT_PORT)}/", "filter": {}}]
        try:
            return self._in_pipeline("b", subscriptions, self._wait_for_dead)
        finally:
            sink.stop()

    def _wait_for_dead(self, pipeline: Pipeline, load: Load, watch: Watch) -> dict:
        tenth = self._size.waiting // 10
        first = Phase(watch.read(), self._feed(pipeline, load, watch, tenth))
        middle = self._feed(pipeline, load, watch, self._size.waiting - tenth)
        last = Phase(middle, self._feed(pipeline, load, watch, self._size.waiting))
        after = watch.until(lambda moment: moment.backlog["alive"] == 0, "delivering to the living")
        say(f"backlog: {after.backlog['dead']:,.0f} events wait, router resident {after.resident_bytes / 1e6:.0f} MB")
        seconds = self._restart(pipeline, watch)
        again = watch.until(lambda moment: moment.backlog["dead"] > 0, "counting what waits", seconds=10)
        return {"waiting": again.backlog["dead"], "resident_bytes": after.resident_bytes,
                "resident_bytes_after_restart": again.resident_bytes, "restart_seconds": seconds,
                "first_tenth_per_second": round(first.per_second("alive"), 1),
                "last_tenth_per_second": round(last.per_second("alive"), 1)}

    @staticmethod
    def _restart(pipeline: Pipeline, watch: Watch) -> float:
        """Kills the router; the supervisor starts it anew at once. From the kill to the first 200 of /readyz."""
        old = watch.pid
        os.kill(old, 9)
        started = time.monotonic()
        admin = pipeline.run_dir / f"{ROUTER}-0.admin"
        until(lambda: asyncio.run(ask(admin, "/readyz")).status == 200 and watch.pid != old, "the router to come back")
        return round(time.monotonic() - started, 3)


def verdict(is_met: bool) -> str:
    return "" if is_met else "   MISSED"


def table(outcome: dict) -> str:
    rows: list[str] = []
    if isolation := outcome.get("isolation"):
        rows.append(f"isolation: {isolation['webhooks_per_second']:,.0f} webhooks/s to four subscriptions; the worst "
                    "of the three healthy ones")
        for name, row in isolation["phases"].items():
            met = row["throughput_ratio"] >= THROUGHPUT_GOAL and row["p99_ratio"] <= P99_GOAL
            rows.append(f"  the fourth: {name:8} throughput x {row['throughput_ratio']:.3f} (goal {THROUGHPUT_GOAL}), "
                        f"p99 x {row['p99_ratio']:.2f} (goal {P99_GOAL}), {1000 * row['p99_seconds']:.1f} ms, router "
                        f"{row['resident_bytes'] / 1e6:.0f} MB{verdict(met)}")
        rows.append(f"  recovery: {isolation['waiting_at_recovery']:,.0f} events caught up in "
                    f"{isolation['caught_up_seconds']} s beside the load")
    if many := outcome.get("subscriptions"):
        one, more = many["one"], many["hundred_more"]
        rows.append(f"a hundred subscriptions that do not match: {many['match_micros']:.3f} µs per event and "
                    f"subscription (goal {MATCH_GOAL_MICROS}){verdict(many['match_micros'] < MATCH_GOAL_MICROS)}")
        rows.append(f"  log {one['log_bytes_per_event']:,.0f} and {more['log_bytes_per_event']:,.0f} bytes per event, "
                    f"router {one['resident_bytes'] / 1e6:.0f} and {more['resident_bytes'] / 1e6:.0f} MB")
    if waiting := outcome.get("backlog"):
        met = waiting["resident_bytes"] < RESIDENT_GOAL_BYTES and waiting["restart_seconds"] < RESTART_GOAL_SECONDS
        rows.append(f"{waiting['waiting']:,.0f} events wait for a dead subscriber: router "
                    f"{waiting['resident_bytes'] / 1e6:.0f} MB, after a restart "
                    f"{waiting['resident_bytes_after_restart'] / 1e6:.0f} MB (goal {RESIDENT_GOAL_BYTES / 1e6:.0f}); "
                    f"ready {waiting['restart_seconds']} s after a kill (goal {RESTART_GOAL_SECONDS:g}){verdict(met)}")
        rows.append(f"  the other subscription: {waiting['first_tenth_per_second']:,.0f} events/s in the first tenth, "
                    f"{waiting['last_tenth_per_second']:,.0f} in the last")
    return "\n".join(rows)


def main() -> int:
    names = ["isolation", "subscriptions", "backlog"]
    parser = workplace.parser(
        "fanout", "Measures what one subscriber's trouble costs the others, and what many subscriptions cost.",
        EXAMPLES)
    parser.add_argument("which", nargs="*", metavar="WHICH", help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events and short phases")
    options = parser.parse_args()
    if unknown := set(options.which) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    binaries = provide("release")
    outcome: dict = {}
    with workplace.measuring(options, outcome) as folder:
        bench = Bench(binaries, folder, QUICK if options.quick else Size())
        for name in options.which or names:
            say(f"{name} …")
            outcome[name] = getattr(bench, name)()
    workplace.publish(options, outcome, table(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(run(main))

"""The measurements, in their order; every one leaves its figures in `outcome`."""

import argparse
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from commandline import Failure
from launcher import free_port, until

from . import machine, search, yardstick
from .children import end, start
from .load import Load
from .observer import INGRESS, ROUTER, Observer, ProcessFigures
from .pipeline import Pipeline, Shape
from .proxies import Nginx
from .span import Span
from .workplace import say, uninterrupted
from .yardstick import Forwarding, Turn, Yardstick

DOOR_PORT, SINK_PORT, PROXY_PORT = 18080, 18081, 18082
RAMP_SECONDS = 1.0
"""Of each run, before its figures are taken."""
FIRST_EVENT_SECONDS = 10.0
DRAIN_SECONDS = 45.0
CONNECTING_SECONDS = 1.0
"""What a tap takes at most to be listening."""


@dataclass(frozen=True)
class Timing:
    """How long each part takes, in seconds."""

    idle: float = 2.0
    warm_up: float = 3.0
    turns: int = 6
    turn: float = 2.5
    unthrottled: float = 5.0
    probes: int = 5
    probe: float = 4.0
    whole: float = 15.0
    half: float = 15.0
    one_client: float = 3.0
    tap: float = 6.0
    tap_rounds: int = 2


QUICK = Timing(idle=1, warm_up=2, turns=3, turn=1.5, unthrottled=2.5, probes=4, probe=2, whole=6, half=6, one_client=2,
               tap=3, tap_rounds=1)


class Bench:
    """Runs everything against a pipeline, a sink and a proxy that are up."""

    def __init__(self, pipeline: Pipeline, sink: Nginx, proxy: Nginx, load: Load, timing: Timing,
                 say: Callable[[str], None]):
        self._pipeline, self._load = pipeline, load
        self._timing, self._say = timing, say
        self._observer = Observer(pipeline)
        self._yardstick = Yardstick(self._observer, load, proxy, sink)
        self._others = {"sink": sink.pid}
        self.outcome: dict = {}

    def run(self) -> None:
        timing = self._timing
        self._try_one()
        time.sleep(timing.idle)
        idle = self._observer.read(self._others)
        self.span(0, timing.warm_up)
        unthrottled = self._unthrottled()
        steady = search.highest_steady(unthrottled, timing.probes, self._probe, self._confirm)
        self._keep_steady(steady, idle)
        half = self._half_load(steady)
        self._one_client()
        self._tap(steady, half)
        self._compare(steady)
        self._check_end()

    def _try_one(self) -> None:
        """One webhook goes all the way: otherwise there is nothing to measure."""
        status = self._pipeline.post_one()
        if status != 202:
            raise Failure(f"the ingress answered {status} to a well signed webhook, not 202; its log is in "
                          f"{self._pipeline.run_dir}.")
        until(lambda: self._observer.read({}).delivered >= 1,
              f"the delivery of an accepted webhook; the stages' logs are in {self._pipeline.run_dir}",
              FIRST_EVENT_SECONDS)

    def proxy(self, seconds: float) -> Forwarding:
        """The bare proxy, after one webhook went all the way."""
        self._try_one()
        return self._yardstick.measure(seconds)

    def span(self, rate: float, seconds: float, load: Load | None = None, **more: int) -> Span:
        """One run against the ingress, observed after its ramp; then waits until the backlog is gone."""
        with (load or self._load).start(self._pipeline.url + "/in/stream", rate) as run:
            others = self._others | {"wrk": run.pid} | more
            run.go_on(RAMP_SECONDS)
            before = self._observer.read(others)
            run.go_on(seconds)
            after = self._observer.read(others)
            result = run.stop()
        self._observer.check_lives()
        result.check("the ingress")
        self._drain()
        return Span(before, after, result, rate)

    def slice(self, rate: float, seconds: float) -> Span:
        """A short run from idle to idle: all that it costs is in it, whatever its queues held meanwhile."""
        before = self._observer.read(self._others)
        with self._load.start(self._pipeline.url + "/in/stream", rate) as run:
            run.go_on(seconds)
            wrk = self._observer.read_processes({"wrk": run.pid}).processes["wrk"]
            result = run.stop()
        self._observer.check_lives()
        result.check("the ingress")
        self._drain()
        after = self._observer.read(self._others)
        return Span(before.adding("wrk", ProcessFigures()), after.adding("wrk", wrk), result, rate)

    def _drain(self) -> None:
        until(lambda: self._observer.read({}).backlog == 0,
              f"the delivery of all events; the stages' logs are in {self._pipeline.run_dir}", DRAIN_SECONDS, 0.1)

    def _unthrottled(self) -> Span:
        span = self.span(0, self._timing.unthrottled)
        self._say(f"unthrottled: {span.accepted_per_second:,.0f} accepted/s, "
                  f"{span.delivered_per_second:,.0f} delivered/s meanwhile")
        self.outcome["unthrottled"] = span.figures()
        return span

    def _probe(self, rate: float) -> Span:
        return self._said(self.span(rate, self._timing.probe), "probe")

    def _confirm(self, rate: float) -> Span:
        return self._said(self.span(rate, self._timing.whole), "long run")

    def _said(self, span: Span, what: str) -> Span:
        offered = f"{span.target:,.0f}/s offered" if span.target else "unthrottled"
        self._say(f"{what}, {offered}: {span.accepted_per_second:,.0f} accepted/s, "
                  f"{span.delivered_per_second:,.0f} delivered/s, backlog "
                  f"{'steady' if span.is_steady else f'grows by {span.backlog_growth:,.0f}/s'}")
        return span

    def _keep_steady(self, steady: Span, idle) -> None:
        stages = [name for name in steady.after.processes if name not in ("sink", "wrk")]
        self.outcome["steady"] = steady.figures() | {
            "written_bytes_per_event": {name: steady.written_bytes_per_event(name) for name in (INGRESS, ROUTER)}}
        self.outcome["resident_bytes"] = {
            name: {"idle": idle.processes[name].resident_bytes,
                   "under_load": steady.after.processes[name].resident_bytes} for name in stages}

    def _half_load(self, steady: Span) -> Span:
        half = self.span(steady.accepted_per_second / 2, self._timing.half)
        self.outcome["half_load"] = half.figures()
        self._say(f"half load, {half.accepted_per_second:,.0f} accepted/s: acknowledged in "
                  f"{1000 * half.load.p50:.2f} ms (p50), {1000 * half.load.p99:.2f} ms (p99)")
        return half

    def _one_client(self) -> None:
        """What an acknowledgement takes where nothing shares its flush, beside the flush alone."""
        flush = machine.flush_seconds(self._pipeline.folder)
        span = self.span(0, self._timing.one_client, self._load.of_one_client())
        self.outcome["one_client"] = {
            "acknowledgement_seconds": {"p50": span.load.p50, "p99": span.load.p99}, "flush_seconds": flush,
            "flushes": round(span.load.p50 / flush, 2)}

    def _tap(self, steady: Span, half: Span) -> None:
        """What one listener costs: of the CPU at half load and of the rate at the steady one, in turns with none."""
        without, with_tap, with_stopped, full, full_with_tap = [], [], [], [], []
        for _ in range(self._timing.tap_rounds):
            without.append(self.span(half.target, self._timing.tap))
            with_tap.append(self._tapped(half.target))
            with_stopped.append(self._tapped(half.target, is_stopped=True))
            full.append(self.span(steady.target, self._timing.tap))
            full_with_tap.append(self._tapped(steady.target))
        names = [name for name in steady.after.processes if name not in ("sink", "wrk")]

        def cpu(spans: list[Span]) -> float:
            return sum(span.cpu_seconds(name) for span in spans for name in names) / sum(s.delivered for s in spans)

        self.outcome["tap"] = {
            "stages_cpu_percent_more": round(100 * (cpu(with_tap) / cpu(without) - 1), 1),
            "stopped_cpu_percent_more": round(100 * (cpu(with_stopped) / cpu(without) - 1), 1),
            "tap_cpu_micros_per_event": with_tap[-1].cpu_micros_per_event()["bus-tap"],
            "delivered_percent_less": round(
                100 * (1 - sum(span.delivered_per_second for span in full_with_tap)
                       / sum(span.delivered_per_second for span in full)), 1),
            "at_steady_load": full_with_tap[-1].figures(),
        }
        figures = self.outcome["tap"]
        self._say(f"one tap attached to every hop: {figures['stages_cpu_percent_more']:+.1f} % CPU of the stages "
                  f"({figures['stopped_cpu_percent_more']:+.1f} % when it is stopped), "
                  f"{-figures['delivered_percent_less']:+.1f} % delivered/s at the steady load")

    def _tapped(self, rate: float, is_stopped: bool = False) -> Span:
        """`is_stopped`: by a signal, before the load begins; by the time of the first reading its queues are full."""
        tap = start([self._pipeline.binaries / "bus-tap", "--json", "--config", self._pipeline.file],
                    env=self._pipeline.environment, stdout=subprocess.DEVNULL)
        try:
            if is_stopped:
                time.sleep(CONNECTING_SECONDS)
                tap.send_signal(signal.SIGSTOP)
            span = self.span(rate, self._timing.tap, **{"bus-tap": tap.pid})
            if tap.poll() is not None:
                raise Failure(f"bus-tap ended with {tap.returncode} while it was measured.")
            return span
        finally:
            tap.send_signal(signal.SIGCONT)
            end(tap)

    def _check_end(self) -> None:
        """Nothing was refused or lost."""
        last = self._observer.read(self._others)
        if last.rejections or last.accepted > last.delivered:
            raise Failure(f"{last.accepted:.0f} webhooks were accepted, {last.delivered:.0f} delivered, "
                          f"{last.rejections:.0f} rejected; the stages' logs are in {self._pipeline.run_dir}.")
        self.outcome["totals"] = {
            "accepted": last.accepted, "delivered": last.delivered, "failed_attempts": last.failed_attempts,
            "resends": last.resends, "duplicates": last.duplicates}

    def _compare(self, steady: Span) -> None:
        """The bare proxy and the pipeline at its steady load take turns, because the machine changes by the minute."""
        rounds = []
        for _ in range(self._timing.turns):
            rounds.append(Turn(self._yardstick.measure(self._timing.turn), self.span(steady.target, self._timing.turn)))
            self._say(f"in turns: nginx as a bare proxy {rounds[-1].proxy.load.per_second:,.0f} requests/s, then "
                      f"{rounds[-1].pipeline.delivered_per_second:,.0f} delivered/s")
        self.outcome |= yardstick.figures(rounds)


@contextlib.contextmanager
def standing(options: argparse.Namespace, shape: Shape, binaries: Path, folder: Path,
             timing: Timing = QUICK) -> Iterator[Bench]:
    """Starts pipeline, sink and proxy, and stops them all."""
    ports = {"SINK_PORT": free_port(SINK_PORT), "PROXY_PORT": free_port(PROXY_PORT)}
    sink = Nginx("sink", ports["SINK_PORT"], folder, ports)
    proxy = Nginx("proxy", ports["PROXY_PORT"], folder, ports)
    subscriptions = [{"name": "sink", "url": f"{sink.url}/events", "filter": {}}]
    pipeline = Pipeline(binaries, folder, free_port(DOOR_PORT), shape, subscriptions)
    load = Load(folder, pipeline.stream_secret, options.connections, options.threads)
    try:
        sink.start()
        proxy.start()
        say("starting the stages")
        pipeline.up()
        yield Bench(pipeline, sink, proxy, load, timing, say)
    finally:
        with uninterrupted():
            pipeline.end()
            proxy.stop()
            sink.stop()

"""scripts/bench push: what watchers of the event log get and cost."""

import argparse
import json
import secrets
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from commandline import Failure
from executables import provide
from launcher import HOST, PATIENCE_SECONDS, free_port, until

from . import metrics, webhook, workplace
from .load import Load, Run
from .observer import ROUTER, process_figures
from .pipeline import Pipeline, Shape
from .watchers import Watcher, Watchers
from .workplace import run, say, uninterrupted

EXAMPLES = """\
examples:
  scripts/bench push                      in about two minutes
  scripts/bench push --seconds 3 --watchers 100 --rate 100

idle      what a thousand WebSocket connections that wait cost the router in memory
calls     500 webhooks/s about 100 calls, each watched by ten of them: from receipt to frame; a tenth of them lose their
          connection and go on by position
stopped   a hundred watch everything; one of them stops reading: what that costs the others, and how it ends

The watchers run on the same cores. The exit code is 1 when a goal is missed."""

DOOR_PORT, CALLS = 18080, 100
P99_GOAL_SECONDS, IDLE_GOAL_BYTES, KEPT_GOAL, CLOSED_SLOW = 0.050, 20_000, 0.90, 1013
SMALL_BUFFER_BYTES = 4096
WARM_UP_SECONDS, LAST_FRAME_SECONDS = 2.0, 10.0


def subject(call: int) -> str:
    return f"calls/livestream:town-hall-{call % CALLS:02d}"


def figures(latencies: list[float], seconds: float) -> dict:
    def at(share: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))], 6)

    return {"frames": len(latencies), "frames_per_second": round(len(latencies) / seconds, 1),
            "p50_seconds": at(0.5), "p99_seconds": at(0.99), "max_seconds": at(1)}


class Bench:
    def __init__(self, pipeline: Pipeline, load: Load, port: int, token: str, options: argparse.Namespace):
        self._pipeline, self._load, self._port, self._token = pipeline, load, port, token
        self._options = options

    @property
    def _pid(self) -> int:
        return int((self._pipeline.run_dir / f"{ROUTER}-0.pid").read_text().split()[0])

    def _watchers(self) -> Watchers:
        return Watchers(self._port, self._token)

    def _total(self, name: str) -> float:
        return metrics.total(metrics.read(self._pipeline.run_dir, f"{ROUTER}-0"), name)

    def _start(self, rate: float) -> Run:
        return self._load.start(self._pipeline.url + webhook.PATH, rate)

    def _log(self) -> dict[str, list[int]]:
        """The positions of all events by subject, once everything that was accepted is an event."""
        until(lambda: self._total("tributary_events_total") >= self._accepted(), "the last events")
        log: dict[str, list[int]] = {}
        page = self._pull("from=earliest")
        while page["events"]:
            for event in page["events"]:
                log.setdefault(event["subject"], []).append(int(event["sequence"]))
            page = self._pull(f"after={page['next']}")
        return log

    def _accepted(self) -> float:
        return metrics.total(metrics.read(self._pipeline.run_dir, "ingress-gateway-0"),
                             "tributary_http_requests_total", status="202")

    def _pull(self, query: str) -> dict:
        asked = urllib.request.Request(f"http://{HOST}:{self._port}/v1/events?{query}&wait=0s&limit=1000",
                                       headers={"authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    # MARK: Watchers of calls

    def calls(self) -> dict:
        count, seconds, rate = self._options.watchers, self._options.seconds, self._options.rate
        with self._watchers() as watchers:
            warm = [watchers.open(subject(call)) for call in range(CALLS)]
            watchers.settle(warm)
            before = process_figures(self._pid).resident_bytes
            readers = [watchers.open(subject(call)) for call in range(count)]
            watchers.settle(readers)
            idle = (process_figures(self._pid).resident_bytes - before) / count
            for each in warm:
                watchers.close(each)
            say(f"{rate:,} webhooks/s about {CALLS} calls, {count:,} watchers …")
            with self._start(rate) as load:
                load.go_on(WARM_UP_SECONDS)
                found = self._through(watchers, load, seconds)
                cut = self._reconnect(watchers, readers[::10], load)
                load.stop().check("the ingress")
            wrong = self._count_wrong(watchers, readers, cut, self._log())
        return {"idle": {"watchers": count, "bytes_each": round(idle)},
                "calls": found | {"webhooks_per_second": rate, "resumed": len(cut), "wrong_after_resuming": wrong}}

    def _through(self, watchers: Watchers, load: Run, seconds: float) -> dict:
        """What came meanwhile, and the share of a core that the router took."""
        cpu, at = process_figures(self._pid).cpu_seconds, time.monotonic()
        watchers.take_latencies()
        load.go_on(seconds)
        watchers.check()
        elapsed = time.monotonic() - at
        busy = (process_figures(self._pid).cpu_seconds - cpu) / elapsed
        return figures(watchers.take_latencies(), elapsed) | {"router_cpu": round(busy, 3)}

    @staticmethod
    def _reconnect(watchers: Watchers, readers: list[Watcher], load: Run) -> list[Watcher]:
        """Cuts connections, and after a second makes new ones that go on behind the last event."""
        for each in readers:
            watchers.close(each)
        load.go_on(1)
        return [watchers.open(subject(10 * place), each.token) for place, each in enumerate(readers)]

    @staticmethod
    def _count_wrong(watchers: Watchers, readers: list[Watcher], cut: list[Watcher], log: dict[str, list[int]]) -> int:
        """How many watchers did not get each event of their call, once and in order; waits for the last."""
        def is_right(place: int) -> bool:
            more = cut[place // 10].positions if place % 10 == 0 else []
            return readers[place].positions + more == log.get(subject(place), [])

        def wrong() -> int:
            return sum(not is_right(place) for place in range(len(readers)))

        with suppress(Failure):
            until(lambda: watchers.check() and not wrong(), "the last frames", LAST_FRAME_SECONDS, 0.2)
        watchers.check()
        return wrong()

    # MARK: One that stops

    def stopped(self) -> dict:
        rate, seconds = self._options.stopped_rate, self._options.seconds
        say(f"{rate:,} webhooks/s, all of them to a hundred watchers, one of which stops …")
        with self._watchers() as watchers:
            readers = [watchers.open(None) for _ in range(99)]
            slow = watchers.open(None, receive_bytes=SMALL_BUFFER_BYTES)
            watchers.settle([*readers, slow])
            with self._start(rate) as load:
                load.go_on(WARM_UP_SECONDS)
                calm = self._through(watchers, load, seconds)
                # Sorting what came took the reader's time.
                load.go_on(WARM_UP_SECONDS)
                watchers.pause(slow)
                begun = time.monotonic()
                watchers.take_latencies()
                while not self._total("tributary_watchers_closed_slow_total"):
                    load.go_on(0.1)
                closed = time.monotonic() - begun
                beside = figures(watchers.take_latencies(), closed)
                # At once: how long a close frame waits for a client is bounded.
                watchers.resume(slow)
                until(lambda: watchers.check() and slow.close_code is not None, "the end of the stopped watcher")
                again = watchers.open(None, slow.token)
                load.stop().check("the ingress")
            whole = sorted(position for positions in self._log().values() for position in positions)
            until(lambda: watchers.check() and again.positions[-1:] == whole[-1:], "the one that resumes")
        return {"stopped": {
            "webhooks_per_second": rate, "calm": calm, "beside": beside,
            "frames_ratio": round(beside["frames_per_second"] / (0.99 * calm["frames_per_second"]), 3),
            "p99_ratio": round(beside["p99_seconds"] / calm["p99_seconds"], 2), "close_code": slow.close_code,
            "closed_seconds": round(closed, 1), "resumed_whole": slow.positions + again.positions == whole}}


def measure(binaries: Path, folder: Path, options: argparse.Namespace) -> dict:
    outcome: dict = {}
    for name in ("calls", "stopped"):
        place = folder / name
        place.mkdir()
        port, token = free_port(), secrets.token_urlsafe(32)
        pipeline = Pipeline(binaries, place, free_port(DOOR_PORT), Shape(1, 1, 30), [], router={
            "listen": f"{HOST}:{port}", "push": {"slow_consumer": "2s"},
            "api_tokens": [{"name": "bench", "value": f"literal:{token}", "scopes": ["read"]}]})
        try:
            pipeline.up()
            load = Load(place, pipeline.stream_secret, 16, 1, webhook.CALL_PARTS, CALLS)
            outcome |= getattr(Bench(pipeline, load, port, token, options), name)()
        finally:
            with uninterrupted():
                pipeline.end()
    return outcome


def judged(outcome: dict) -> list[tuple[str, bool]]:
    """Each figure in words, and whether it meets its goal."""
    idle, calls, stopped = outcome["idle"], outcome["calls"], outcome["stopped"]
    calm, beside = stopped["calm"], stopped["beside"]
    return [
        (f"idle: {idle['bytes_each']:,} bytes of the router for each of {idle['watchers']:,} connections (goal "
         f"{IDLE_GOAL_BYTES:,})", idle["bytes_each"] < IDLE_GOAL_BYTES),
        (f"calls: {calls['webhooks_per_second']:,} webhooks/s, {calls['frames']:,} frames; receipt to frame p50 "
         f"{1000 * calls['p50_seconds']:.1f} ms, p99 {1000 * calls['p99_seconds']:.1f} ms (goal "
         f"{1000 * P99_GOAL_SECONDS:g}), longest {1000 * calls['max_seconds']:.1f} ms; router "
         f"{100 * calls['router_cpu']:.0f} % of a core", calls["p99_seconds"] < P99_GOAL_SECONDS),
        (f"  {calls['resumed']} lost their connection and went on: {calls['wrong_after_resuming']} watchers miss or "
         "repeat something (goal 0)", calls["wrong_after_resuming"] == 0),
        (f"stopped: the other 99 at {stopped['webhooks_per_second']:,} webhooks/s keep x {stopped['frames_ratio']:.3f} "
         f"of their frames (goal {KEPT_GOAL:g}), p99 {1000 * calm['p99_seconds']:.1f} ms, then "
         f"{1000 * beside['p99_seconds']:.1f} ms", stopped["frames_ratio"] >= KEPT_GOAL),
        (f"  the one is closed with {stopped['close_code']} (goal {CLOSED_SLOW}) and "
         f"{'misses and repeats nothing' if stopped['resumed_whole'] else 'MISSES OR REPEATS something'} when it "
         "resumes", stopped["close_code"] == CLOSED_SLOW and stopped["resumed_whole"]),
    ]


def main() -> int:
    parser = workplace.parser("push", "Measures what watchers of the event log get and cost.", EXAMPLES)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase (default: 20)")
    parser.add_argument("--watchers", type=int, default=1000, help="of calls (default: 1000)")
    parser.add_argument("--rate", type=int, default=500, help="webhooks per second about calls (default: 500)")
    parser.add_argument("--stopped-rate", type=int, default=200, help="the same while one stops (default: 200)")
    options = parser.parse_args()
    if min(options.seconds, options.watchers, options.rate, options.stopped_rate) < 1:
        raise Failure("--seconds, --watchers, --rate and --stopped-rate take numbers of at least 1.")
    binaries = provide("release")
    outcome: dict = {}
    with workplace.measuring(options, outcome) as folder:
        outcome |= measure(binaries, folder, options)
    lines = judged(outcome)
    workplace.publish(options, outcome, "\n".join(f"{words}{'' if is_met else '   MISSED'}" for words, is_met in lines))
    return 0 if all(is_met for _, is_met in lines) else 1


if __name__ == "__main__":
    sys.exit(run(main))

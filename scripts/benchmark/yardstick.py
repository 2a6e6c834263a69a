"""nginx as a bare reverse proxy to the same sink: what these cores can do at best when webhooks are only forwarded."""

import statistics
from dataclasses import dataclass

from .load import Load, LoadResult
from .observer import Observer, Reading
from .proxies import Nginx
from .span import Span

RAMP_SECONDS = 0.5


@dataclass(frozen=True)
class Forwarding:
    """One run against the proxy."""

    load: LoadResult
    cpu_micros_per_request: float
    """Of proxy, sink and wrk together."""


class Yardstick:
    """Measures the proxy while the pipeline stands by."""

    def __init__(self, observer: Observer, load: Load, proxy: Nginx, sink: Nginx):
        self._observer, self._load, self._proxy, self._sink = observer, load, proxy, sink

    def measure(self, seconds: float) -> Forwarding:
        with self._load.start(self._proxy.url + "/in/stream") as run:
            pids = {"proxy": self._proxy.pid, "sink": self._sink.pid, "wrk": run.pid}
            run.go_on(RAMP_SECONDS)
            before = self._observer.read_processes(pids)
            run.go_on(seconds)
            after = self._observer.read_processes(pids)
            result = run.stop()
        result.check("nginx")

        def cpu(reading: Reading) -> float:
            return sum(reading.processes[name].cpu_seconds for name in pids)

        requests = result.per_second * (after.at - before.at)
        return Forwarding(result, 1e6 * (cpu(after) - cpu(before)) / requests)


@dataclass(frozen=True)
class Turn:
    """The proxy, and right after it the pipeline."""

    proxy: Forwarding
    pipeline: Span

    @property
    def micros(self) -> dict[str, float]:
        return self.pipeline.cpu_micros_per_event()


def figures(turns: list[Turn]) -> dict:
    """For the JSON file: medians of the turns, and of their ratios. That of the CPU times is disturbed less by others
    on the machine than that of the rates."""

    def median(of, places: int = 4) -> float:
        return round(statistics.median(map(of, turns)), places)

    rates = [each.proxy.load.per_second for each in turns]
    return {
        "proxy": {
            "requests_per_second": median(lambda each: each.proxy.load.per_second, 1),
            "least_per_second": round(min(rates), 1), "most_per_second": round(max(rates), 1),
            "cpu_micros_per_request": median(lambda each: each.proxy.cpu_micros_per_request, 2)},
        "ratio": median(lambda each: each.pipeline.delivered_per_second / each.proxy.load.per_second),
        "ratio_by_cpu": median(lambda each: each.proxy.cpu_micros_per_request / sum(each.micros.values())),
        "proxy_requests_per_event": {
            name: median(lambda each, name=name: each.micros[name] / each.proxy.cpu_micros_per_request)
            for name in turns[0].micros},
    }

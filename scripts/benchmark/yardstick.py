"""nginx as a bare reverse proxy to the same sink: what these cores can do at best when webhooks are only forwarded."""

from dataclasses import dataclass

from .load import Load, LoadResult
from .observer import Observer, Reading
from .proxies import Nginx

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


def figures(before: Forwarding, after: Forwarding) -> dict:
    """For the JSON file; the mean stands for both."""
    return {
        "before_per_second": round(before.load.per_second, 1),
        "after_per_second": round(after.load.per_second, 1),
        "requests_per_second": round((before.load.per_second + after.load.per_second) / 2, 1),
        "cpu_micros_per_request": round((before.cpu_micros_per_request + after.cpu_micros_per_request) / 2, 2),
        "answer_seconds": {"p50": before.load.p50, "p99": before.load.p99, "p999": before.load.p999},
    }

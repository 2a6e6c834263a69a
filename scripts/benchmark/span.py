"""The figures of the time between two readings."""

import os
from dataclasses import dataclass

from . import metrics
from .load import LoadResult
from .observer import Reading

STEADY_SHARE = 0.02
"""A backlog that grows by no more than this share of what was accepted does not grow: it also comes and goes with the
batches."""


@dataclass(frozen=True)
class Span:
    """One run, observed between its start-up and its end."""

    before: Reading
    after: Reading
    load: LoadResult
    target: float
    """The requests per second that wrk was told to make, 0 for as many as are answered."""

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at

    @property
    def accepted(self) -> float:
        return self.after.accepted - self.before.accepted

    @property
    def delivered(self) -> float:
        return self.after.delivered - self.before.delivered

    @property
    def accepted_per_second(self) -> float:
        return self.accepted / self.seconds

    @property
    def delivered_per_second(self) -> float:
        return self.delivered / self.seconds

    @property
    def backlog_growth(self) -> float:
        """In events per second."""
        return (self.after.backlog - self.before.backlog) / self.seconds

    @property
    def is_steady(self) -> bool:
        """Whether what came in went out."""
        allowed = STEADY_SHARE * self.accepted_per_second
        return self.backlog_growth <= allowed and self.accepted_per_second - self.delivered_per_second <= allowed

    def cpu_seconds(self, name: str) -> float:
        return self.after.processes[name].cpu_seconds - self.before.processes[name].cpu_seconds

    def cpu_micros_per_event(self) -> dict[str, float]:
        """By stage and neighbour, over the events that were delivered."""
        return {name: round(1e6 * self.cpu_seconds(name) / max(1.0, self.delivered), 2)
                for name in self.after.processes if name in self.before.processes}

    def written_bytes_per_event(self, name: str) -> float:
        written = self.after.processes[name].written_bytes - self.before.processes[name].written_bytes
        return round(written / max(1.0, self.delivered), 1)

    @property
    def foreign_cpu_share(self) -> float:
        """The share of the machine that somebody else used, the kernel's own threads included."""
        busy = self.after.machine_busy_seconds - self.before.machine_busy_seconds
        ours = sum(self.cpu_seconds(name) for name in self.after.processes if name in self.before.processes)
        return max(0.0, (busy - ours) / (self.seconds * (os.cpu_count() or 1)))

    def quantile(self, share: float, name: str) -> float | None:
        """Of the histogram `acknowledgement` or `receipt_to_delivery`, in seconds."""
        return metrics.quantile(share, getattr(self.before, name) or {}, getattr(self.after, name) or {})

    def figures(self) -> dict:
        """For the JSON file; durations in seconds."""
        return {
            "seconds": round(self.seconds, 3),
            "target_per_second": round(self.target, 1) or None,
            "accepted_per_second": round(self.accepted_per_second, 1),
            "delivered_per_second": round(self.delivered_per_second, 1),
            "backlog_before": self.before.backlog,
            "backlog_after": self.after.backlog,
            "backlog_growth_per_second": round(self.backlog_growth, 1),
            "is_steady": self.is_steady,
            "resends": self.after.resends - self.before.resends,
            "failed_attempts": self.after.failed_attempts - self.before.failed_attempts,
            "cpu_micros_per_event": self.cpu_micros_per_event(),
            "foreign_cpu_share": round(self.foreign_cpu_share, 4),
            "acknowledgement_seconds": {
                "p50": self.load.p50, "p90": self.load.p90, "p99": self.load.p99, "p999": self.load.p999,
                "max": self.load.max},
            "acknowledgement_seconds_by_ingress": {
                "p50": self.quantile(0.5, "acknowledgement"), "p99": self.quantile(0.99, "acknowledgement"),
                "p999": self.quantile(0.999, "acknowledgement")},
            "receipt_to_delivery_seconds": {
                "p50": self.quantile(0.5, "receipt_to_delivery"), "p99": self.quantile(0.99, "receipt_to_delivery"),
                "p999": self.quantile(0.999, "receipt_to_delivery")},
        }

"""What the stages and the kernel say at one moment."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from commandline import Failure
from supervision.process import stat_fields

from . import metrics
from .metrics import Samples, buckets, total
from .pipeline import Instance, Pipeline

INGRESS, ROUTER = "ingress-gateway", "fanout-router"
ACKNOWLEDGEMENT = "tributary_acknowledgement_seconds"
RECEIPT_TO_DELIVERY = "tributary_receipt_to_delivery_seconds"


@dataclass(frozen=True)
class ProcessFigures:
    """One process, or the sum over the processes of a stage."""

    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    written_bytes: int = 0
    """Handed to the disk by the process."""

    def plus(self, other: "ProcessFigures") -> "ProcessFigures":
        return ProcessFigures(self.cpu_seconds + other.cpu_seconds, self.resident_bytes + other.resident_bytes,
                              self.written_bytes + other.written_bytes)


@dataclass(frozen=True)
class Reading:
    """The pipeline and its neighbours at one moment."""

    at: float
    processes: dict[str, ProcessFigures]
    """By stage; by name for what is none: wrk, sink, proxy, bus-tap."""
    machine_busy_seconds: float
    accepted: float = 0.0
    """Webhooks answered 202."""
    delivered: float = 0.0
    failed_attempts: float = 0.0
    resends: float = 0.0
    duplicates: float = 0.0
    rejections: float = 0.0
    unsettled: float = 0.0
    """Webhooks that are in a journal and not yet in the event log."""
    undelivered: float = 0.0
    """Events that are in the event log and not yet delivered."""
    acknowledgement: dict[float, float] | None = None
    receipt_to_delivery: dict[float, float] | None = None

    @property
    def backlog(self) -> float:
        return self.unsettled + self.undelivered

    def adding(self, name: str, figures: ProcessFigures) -> "Reading":
        return replace(self, processes=self.processes | {name: figures})


def process_figures(pid: int) -> ProcessFigures:
    """What the kernel counts of one process; nothing of a process that is gone."""
    fields = stat_fields(pid)
    if fields is None:
        return ProcessFigures()
    try:
        written = Path(f"/proc/{pid}/io").read_text().partition("\nwrite_bytes: ")[2].split()
    except OSError:
        written = []
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return ProcessFigures(cpu, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), int(written[0]) if written else 0)


def resident_share(pid: int) -> int:
    """The bytes in memory that are a process' own, and its part of those that others have too (PSS). Where the kernel
    says that to its owner alone, all that is resident."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return process_figures(pid).resident_bytes
    return 1024 * int(rollup.partition("\nPss:")[2].split()[0])


def machine_busy_seconds() -> float:
    """What all processors together have been busy for, the kernel's and the hypervisor's part included."""
    user, nice, system, _idle, _waiting, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


class Observer:
    """Reads the stages of one pipeline and, by name, the pids that the caller adds."""

    def __init__(self, pipeline: Pipeline):
        self._pipeline = pipeline
        self._instances: list[Instance] = pipeline.instances()

    def _metrics(self, stage: str) -> Samples:
        return [sample for each in self._instances if each.stage == stage
                for sample in metrics.read(self._pipeline.run_dir, each.name)]

    def read(self, others: Mapping[str, int]) -> Reading:
        ingress, router = self._metrics(INGRESS), self._metrics(ROUTER)
        attempts = total(router, "tributary_attempts_total")
        return Reading(
            at=time.monotonic(),
            processes=self._processes(others),
            machine_busy_seconds=machine_busy_seconds(),
            accepted=total(ingress, "tributary_http_requests_total", status="202"),
            delivered=total(router, "tributary_deliveries_total", outcome="delivered"),
            failed_attempts=attempts - total(router, "tributary_attempts_total", outcome="delivered"),
            resends=total(ingress, "tributary_resends_total"),
            duplicates=total(router, "tributary_duplicates_total"),
            rejections=total(router, "tributary_rejections_total"),
            unsettled=total(ingress, "tributary_backlog_records"),
            undelivered=total(router, "tributary_lane_backlog_events"),
            acknowledgement=buckets(ingress, ACKNOWLEDGEMENT),
            receipt_to_delivery=buckets(router, RECEIPT_TO_DELIVERY),
        )

    def read_processes(self, others: Mapping[str, int]) -> Reading:
        """The kernel's side alone."""
        return Reading(time.monotonic(), self._processes(others), machine_busy_seconds())

    def _processes(self, others: Mapping[str, int]) -> dict[str, ProcessFigures]:
        sums: dict[str, ProcessFigures] = {}
        for each in self._instances:
            sums[each.stage] = sums.get(each.stage, ProcessFigures()).plus(process_figures(each.pid))
        return sums | {name: process_figures(pid) for name, pid in others.items()}

    def check_lives(self) -> None:
        """Fails where a stage is not the process any more that it was at the start."""
        if self._pipeline.instances() != self._instances:
            raise Failure("a stage was replaced during the benchmark, so its figures are worth nothing.")

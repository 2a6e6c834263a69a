"""A stage's metrics: what /metrics.json answers on its admin socket."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from commandline import Failure
from supervision.health import ask

Samples = list[tuple[str, dict[str, str], float]]
"""Name, labels and value."""


def read(run_dir: Path, instance: str, timeout_seconds: float = 10.0) -> Samples:
    tree = asyncio.run(ask(run_dir / f"{instance}.admin", "/metrics.json", timeout_seconds)).tree
    if not tree:
        raise Failure(f"{instance} does not answer on its admin socket; its log is in {run_dir}.")
    return [(each["name"], each["labels"], float(each["value"]))
            for metric in tree["metrics"] for each in metric["samples"]]


def _values(samples: Samples, name: str, wanted: dict[str, str]) -> Iterator[tuple[dict[str, str], float]]:
    return ((labels, value) for found, labels, value in samples if found == name and wanted.items() <= labels.items())


def total(samples: Samples, name: str, **wanted: str) -> float:
    """The sum over the samples that have these labels."""
    return sum(value for _, value in _values(samples, name, wanted))


def buckets(samples: Samples, name: str, **wanted: str) -> dict[float, float]:
    """A histogram's cumulative counts by upper bound, summed over its label sets that have these labels."""
    counts: dict[float, float] = {}
    for labels, value in _values(samples, f"{name}_bucket", wanted):
        bound = float(labels["le"])
        counts[bound] = counts.get(bound, 0) + value
    return dict(sorted(counts.items()))


def quantile(share: float, before: dict[float, float], after: dict[float, float]) -> float | None:
    """The value under which this share of what came between two readings lies, interpolated within its bucket."""
    gained = [(bound, count - before.get(bound, 0)) for bound, count in sorted(after.items())]
    if not gained or gained[-1][1] <= 0:
        return None
    rank, lower, below = share * gained[-1][1], 0.0, 0.0
    for bound, count in gained:
        if count >= rank:
            if bound == float("inf") or count == below:
                return lower
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return lower

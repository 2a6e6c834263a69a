"""Prometheus text (format 0.0.4): read, merged into one valid exposition, and asked for figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_sample = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_label = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_escape = re.compile(r"\\(.)")
_parts_of = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@dataclass
class Family:
    """One metric: its description and its samples, as they were written."""

    help: str | None = None
    kind: str | None = None
    samples: list[str] = field(default_factory=list)


def escaped(value: str) -> str:
    """A label value as it stands in the text."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def samples(text: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of every sample of this very name."""
    for line in text.splitlines():
        if line.startswith(name) and (match := _sample.fullmatch(line)) and match[1] == name:
            labels = {key: _escape.sub(lambda m: "\n" if m[1] == "n" else m[1], value)
                      for key, value in _label.findall(match[2] or "")}
            yield labels, float(match[3])


def total(text: str, name: str, **wanted: str) -> float | None:
    """The sum over the samples that have these labels; nothing where there is no such sample."""
    values = [value for labels, value in samples(text, name) if wanted.items() <= labels.items()]
    return sum(values) if values else None


def buckets(text: str, name: str, **wanted: str) -> dict[float, float]:
    """A histogram's cumulative counts by upper bound, summed over its label sets that have these labels."""
    counts: dict[float, float] = {}
    for labels, value in samples(text, f"{name}_bucket"):
        if not wanted.items() <= labels.items():
            continue
        bound = float(labels.get("le", "nan"))
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


class Exposition:
    """Gathers texts of several instances into one, every family once."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self.dropped: list[str] = []
        """Why lines were left out: what is not a metric, or disagrees with another instance's type."""

    def add(self, text: str, stage: str, instance: str) -> None:
        """Adds one instance's text; samples that do not say where they come from are given its labels."""
        clashing: set[str] = set()
        for line in text.splitlines():
            words = line.split(None, 3)
            if line.startswith("#"):
                if len(words) >= 3 and words[1] in ("HELP", "TYPE"):
                    self._describe(words[1], words[2], words[3] if len(words) > 3 else "", instance, clashing)
            elif line.strip():
                self._add_sample(line, stage, instance, clashing)

    def _describe(self, what: str, name: str, rest: str, instance: str, clashing: set[str]) -> None:
        family = self._families.setdefault(name, Family())
        if what == "HELP":
            family.help = family.help or rest
        elif family.kind in (None, rest) and (family.kind or not family.samples):
            family.kind = rest
        else:
            clashing.add(name)
            self.dropped.append(f"{instance}: {name} is a {rest}, elsewhere a {family.kind or 'metric without type'}")

    def _add_sample(self, line: str, stage: str, instance: str, clashing: set[str]) -> None:
        match = _sample.fullmatch(line)
        if match is None:
            self.dropped.append(f"{instance}: no metric: {line[:80]}")
            return
        name, labels, value = match[1], match[2] or "", match[3]
        family = self._family_of(name)
        if family in clashing:
            return
        known = {key for key, _ in _label.findall(labels)}
        added = [f'{key}="{escaped(own)}"' for key, own in (("stage", stage), ("stage_instance", instance))
                 if key not in known]
        labels = ",".join(filter(None, [labels.strip().rstrip(","), *added]))
        self._families.setdefault(family, Family()).samples.append(f"{name}{{{labels}}} {value}")

    def _family_of(self, name: str) -> str:
        for kind, endings in _parts_of.items():
            for ending in endings:
                base = name.removesuffix(ending)
                if base != name and base in self._families and self._families[base].kind == kind:
                    return base
        return name

    def text(self) -> str:
        """The whole, in the order in which families first came."""
        lines = []
        for name, family in self._families.items():
            if family.samples:
                lines += [f"# HELP {name} {family.help}"] if family.help else []
                lines += [f"# TYPE {name} {family.kind}"] if family.kind else []
                lines += family.samples
        return "\n".join(lines) + "\n" if lines else ""

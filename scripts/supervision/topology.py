"""The stages, in the order in which webhooks pass them, and the names of their instances."""

import re
from dataclasses import dataclass

from commandline import USAGE, Failure


@dataclass(frozen=True)
class Stage:
    """One executable of the pipeline."""

    executable: str
    key: str  # the stage's part of the configuration, and its short name
    most: int = 64  # how many instances there may be
    only_with: str = ""
    """The list of the configuration without which it is not started, unless an earlier one left it a journal."""

    def instance(self, index: int) -> str:
        return f"{self.executable}-{index}"


FRONT = Stage("ingress-gateway", "ingress", most=16)
"""Whose listening socket (`listen` in its part) the supervisor holds and passes on."""
STAGES = (
    FRONT,
    Stage("ingress-connector", "connector", most=1, only_with="connectors"),
    Stage("verifier", "verifier"),
    Stage("normaliser", "normaliser"),
    Stage("fanout-router", "router", most=1),
)
"""From the front door to the subscribers; stopping goes this way, starting the other."""
ROUTER = STAGES[-1]
NAMED = {name: stage for stage in STAGES for name in (stage.executable, stage.key)}


def stage_named(name: str) -> Stage:
    """The stage of this executable's name or of this key of the configuration."""
    if name in NAMED:
        return NAMED[name]
    raise Failure(f'there is no stage "{name}"; a stage is one of {", ".join(NAMED)}.', USAGE)


def parse_instance(name: str) -> tuple[Stage, int] | None:
    """Stage and index of an instance by its name, also in short (router-0 for fanout-router-0); nothing where it is
    none."""
    begin, _, index = name.rpartition("-")
    return (NAMED[begin], int(index)) if begin in NAMED and re.fullmatch("0|[1-9][0-9]?", index) else None

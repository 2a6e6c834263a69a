"""The stages, in the order in which webhooks pass them, and the names of their instances."""

import re
from dataclasses import dataclass

from .failure import USAGE, Failure

MOST_INSTANCES = 64


@dataclass(frozen=True)
class Stage:
    """One executable of the pipeline."""

    executable: str
    key: str
    """The stage's part of the configuration."""
    listens: bool = False
    """Whether the supervisor holds its listening socket (`listen` in its part) and passes it on."""
    is_scalable: bool = True
    most: int = MOST_INSTANCES
    latency: str = "tributary_since_receipt_seconds"
    """The histogram whose p99 says how this stage is doing."""

    def instance(self, index: int) -> str:
        return f"{self.executable}-{index}"


STAGES = (
    Stage("ingress-gateway", "ingress", listens=True, most=16, latency="tributary_acknowledgement_seconds"),
    Stage("verifier", "verifier"),
    Stage("normaliser", "normaliser"),
    Stage("fanout-router", "router", is_scalable=False, latency="tributary_receipt_to_delivery_seconds"),
)
"""From the front door to the subscribers; stopping goes this way, starting the other."""

_instance_name = re.compile(r"([a-z-]+)-(0|[1-9][0-9]?)")


def stage_named(name: str) -> Stage:
    """The stage of this executable's name or of this key of the configuration."""
    for stage in STAGES:
        if name in (stage.executable, stage.key):
            return stage
    names = ", ".join(dict.fromkeys(name for stage in STAGES for name in (stage.executable, stage.key)))
    raise Failure(f'there is no stage "{name}"; a stage is one of {names}.', USAGE)


def full_name(name: str) -> str:
    """The instance's name for one that begins with the stage's short form: router-0 is fanout-router-0."""
    for stage in STAGES:
        if name.startswith(f"{stage.key}-"):
            return stage.executable + name.removeprefix(stage.key) if parse_instance(name) is None else name
    return name


def parse_instance(name: str) -> tuple[Stage, int] | None:
    """Stage and index of an instance's name, or nothing where it is none."""
    match = _instance_name.fullmatch(name)
    if match is None:
        return None
    for stage in STAGES:
        if stage.executable == match[1]:
            return stage, int(match[2])
    return None

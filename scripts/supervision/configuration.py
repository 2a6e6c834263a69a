"""The configuration as the stages read it: `tributary config --json` decodes it, so there is one decoder only."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from . import accepted
from .failure import CONFIGURATION, UNAVAILABLE, Failure
from .topology import MOST_INSTANCES, STAGES, Stage

Answer = TypeVar("Answer")

LONGEST_SOCKET_PATH_BYTES = 100
"""A Unix socket's path may have 107 bytes; the rest is left for temporary names."""


@dataclass(frozen=True)
class Change:
    """One difference between the configuration that runs and the file."""

    text: str
    stages: tuple[str, ...]
    """Executables that it concerns."""
    effect: str
    """in_place, restart, instances or pipeline."""

    @property
    def meaning(self) -> str:
        stages = ", ".join(self.stages)
        return {"in_place": f"in place: {stages}", "restart": f"restarts {stages}",
                "instances": f"another number of {stages}"}.get(self.effect, self.effect)

    def row(self) -> dict:
        return {"text": self.text, "stages": list(self.stages), "effect": self.effect}


@dataclass(frozen=True)
class Configuration:
    """What the supervisor needs to know of the configuration file."""

    file: Path
    run_dir: Path
    data_dir: Path
    instances: dict[str, int]
    """By executable: how many to run."""
    listen: dict[str, str]
    """By executable: the address whose socket the supervisor holds."""
    scheme: dict[str, str]
    """By executable: what is spoken there, http or https."""
    environment: dict[str, tuple[str, ...]]
    """By executable: the environment variables that its part of the configuration names."""
    text: bytes = field(default=b"", repr=False)
    """What the file said when it was read."""

    def count(self, stage: Stage) -> int:
        return self.instances[stage.executable]

    @property
    def variables(self) -> set[str]:
        """All that it names, for whichever stage."""
        return {name for names in self.environment.values() for name in names}

    def path(self, instance: str, ending: str) -> Path:
        return self.run_dir / f"{instance}.{ending}"


def load(file: Path, binaries: Path, root: Path, copy: Path | None = None) -> Configuration:
    """Asks the command-line tool in `binaries`; its own words are the failure's when the file is wrong.

    `copy`: an accepted version of the file, which is read in its place.
    """
    source = copy or file
    data = bytes_of(source)
    loaded = _ask(["config", "--config", str(source), "--json"], binaries, root, lambda tree: decode(tree, file, root))
    if bytes_of(source) != data:
        raise Failure(f"{source} was written while it was read; try again.", CONFIGURATION)
    return replace(loaded, text=accepted.text_of(data))


def bytes_of(file: Path) -> bytes:
    """The bytes of a file; none where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def compare(file: Path, earlier: Path, binaries: Path, root: Path) -> tuple[str, list[Change]]:
    """The file's fingerprint, and what differs from an earlier version of it."""
    def read(tree: dict) -> tuple[str, list[Change]]:
        changes = [Change(each["text"], tuple(each["stages"]), each["effect"]) for each in tree["changes"]]
        return tree["fingerprint"], changes

    return _ask(["check", "--config", str(file), "--since", str(earlier), "--json"], binaries, root, read)


def _ask(arguments: list[str], binaries: Path, root: Path, read: Callable[[dict], Answer]) -> Answer:
    tool, file = binaries / "tributary", arguments[2]
    if not os.access(tool, os.X_OK):
        raise Failure(f"{tool} is not there, so {file} cannot be read; 'scripts/supervisor up' builds it.", UNAVAILABLE)
    try:
        answer = subprocess.run([tool, *arguments], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{tool} does not answer ({error}); build it again.", UNAVAILABLE) from error
    if answer.returncode != 0:
        raise Failure(_errors_of(answer), answer.returncode if answer.returncode > 0 else UNAVAILABLE)
    try:
        return read(json.loads(answer.stdout))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(
            f"{tool} printed a configuration that this supervisor does not understand ({error!r}); "
            "build both from the same sources.", CONFIGURATION) from error


def _errors_of(answer: subprocess.CompletedProcess) -> str:
    """What the tool found wrong, one error a line; `check --json` says it as JSON."""
    words = (answer.stderr or answer.stdout).strip()
    try:
        errors = json.loads(answer.stdout)["errors"]
        words = "\n".join(f"{each['file']}:{each['line']}: {each['text']}" for each in errors) or words
    except (ValueError, KeyError, TypeError):
        pass
    return words or f"'tributary {answer.args[1]}' ended with {answer.returncode}"


def decode(tree: dict, file: Path, root: Path) -> Configuration:
    """Builds the value from the decoded tree; relative folders start at `root`, as they do for the stages."""
    run_dir, data_dir = root / tree["run_dir"], root / tree["data_dir"]
    instances, listen, scheme = {}, {}, {}
    for stage in STAGES:
        part = tree.get(stage.key) or {}
        instances[stage.executable] = int(part.get("instances", 1))
        if instances[stage.executable] > MOST_INSTANCES:
            raise Failure(
                f"{file}: {stage.key}.instances is over {MOST_INSTANCES}, the most that one host runs.", CONFIGURATION)
        if stage.listens:
            listen[stage.executable] = part["listen"]
            scheme[stage.executable] = "https" if part.get("tls") else "http"
    environment = {name: tuple(names) for name, names in tree["environment"].items()}
    check_socket_paths(run_dir, file)
    return Configuration(file, run_dir, data_dir, instances, listen, scheme, environment)


def check_socket_paths(run_dir: Path, file: Path) -> None:
    """Fails where the longest socket name of the run directory would not fit into an address."""
    longest = f"{run_dir}/{max((s.instance(MOST_INSTANCES - 1) for s in STAGES), key=len)}.control"
    size = len(os.fsencode(longest))
    if size > LONGEST_SOCKET_PATH_BYTES:
        raise Failure(
            f"{file}: run_dir is too long: {longest} has {size} bytes and a Unix socket's path may have "
            f"{LONGEST_SOCKET_PATH_BYTES}; choose a shorter run_dir.", CONFIGURATION)

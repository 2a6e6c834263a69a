"""The configuration as the stages read it: `tributary config --json` decodes it, so there is one decoder only."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .failure import CONFIGURATION, UNAVAILABLE, Failure
from .topology import MOST_INSTANCES, STAGES, Stage

LONGEST_SOCKET_PATH_BYTES = 100
"""A Unix socket's path may have 107 bytes; the rest is left for temporary names."""


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
    environment: dict[str, tuple[str, ...]]
    """By executable: the environment variables that its part of the configuration names."""

    def count(self, stage: Stage) -> int:
        return self.instances[stage.executable]

    def path(self, instance: str, ending: str) -> Path:
        return self.run_dir / f"{instance}.{ending}"


def load(file: Path, binaries: Path, root: Path) -> Configuration:
    """Asks the command-line tool in `binaries`; its own words are the failure's when the file is wrong."""
    tool = binaries / "tributary"
    if not os.access(tool, os.X_OK):
        raise Failure(f"{tool} is not there, so {file} cannot be read; 'scripts/supervisor up' builds it.", UNAVAILABLE)
    try:
        answer = subprocess.run(
            [tool, "config", "--config", file, "--json"], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{tool} does not answer ({error}); build it again.", UNAVAILABLE) from error
    if answer.returncode != 0:
        words = (answer.stderr or answer.stdout).strip() or f"tributary config ended with {answer.returncode}"
        raise Failure(words, answer.returncode if answer.returncode > 0 else UNAVAILABLE)
    try:
        return decode(json.loads(answer.stdout), file, root)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(
            f"{tool} printed a configuration that this supervisor does not understand ({error!r}); "
            "build both from the same sources.", CONFIGURATION) from error


def decode(tree: dict, file: Path, root: Path) -> Configuration:
    """Builds the value from the decoded tree; relative folders start at `root`, as they do for the stages."""
    run_dir, data_dir = root / tree["run_dir"], root / tree["data_dir"]
    instances, listen = {}, {}
    for stage in STAGES:
        part = tree.get(stage.key) or {}
        instances[stage.executable] = int(part.get("instances", 1))
        if instances[stage.executable] > MOST_INSTANCES:
            raise Failure(
                f"{file}: {stage.key}.instances is over {MOST_INSTANCES}, the most that one host runs.", CONFIGURATION)
        if stage.listens:
            listen[stage.executable] = part["listen"]
    environment = {name: tuple(names) for name, names in tree["environment"].items()}
    check_socket_paths(run_dir, file)
    return Configuration(file, run_dir, data_dir, instances, listen, environment)


def check_socket_paths(run_dir: Path, file: Path) -> None:
    """Fails where the longest socket name of the run directory would not fit into an address."""
    longest = f"{run_dir}/{max((s.instance(MOST_INSTANCES - 1) for s in STAGES), key=len)}.control"
    size = len(os.fsencode(longest))
    if size > LONGEST_SOCKET_PATH_BYTES:
        raise Failure(
            f"{file}: run_dir is too long: {longest} has {size} bytes and a Unix socket's path may have "
            f"{LONGEST_SOCKET_PATH_BYTES}; choose a shorter run_dir.", CONFIGURATION)

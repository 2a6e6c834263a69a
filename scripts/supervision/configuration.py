"""The configuration as the stages read it: `tributary` decodes it, so there is one decoder only."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import accepted
from .failure import CONFIGURATION, UNAVAILABLE, Failure
from .topology import MOST_INSTANCES, STAGES

LONGEST_SOCKET_PATH_BYTES = 100
"""A Unix socket's path may have 107 bytes; the rest is left for temporary names."""
TOOL_SECONDS = 10.0


@dataclass(frozen=True)
class Configuration:
    """What the supervisor needs to know of the configuration file. The dictionaries go by executable."""

    file: Path
    run_dir: Path
    data_dir: Path
    instances: dict[str, int]
    listen: dict[str, str]
    """The address whose socket the supervisor holds."""
    scheme: dict[str, str]
    """What is spoken there, http or https."""
    environment: dict[str, tuple[str, ...]]
    """The environment variables that its part of the configuration names."""
    text: bytes = field(repr=False)

    @property
    def variables(self) -> set[str]:
        """All that it names, for whichever stage."""
        return {name for names in self.environment.values() for name in names}

    def path(self, instance: str, ending: str) -> Path:
        return self.run_dir / f"{instance}.{ending}"


def load(file: Path, tool: Path, running: bool = False, tells: bool = True) -> Configuration:
    """The file as it is now; its errors are the failure's sentence where it is wrong.

    `running`: what the pipeline of this file runs by instead, whatever the file says by now. `tributary` says on
    standard error how they differ (with `tells`), and fails where this user may not use the run directory.
    """
    text = accepted.text_of(file)
    tree = ask(tool, "config", "--config", str(file), "--json", *(["--running"] if running else []),
               tells=tells and running)
    try:
        loaded = decode(tree, file, text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{tool} printed a configuration that this supervisor does not understand ({error!r}); build "
                      "both from the same sources.", CONFIGURATION) from error
    if running:
        copy = loaded.run_dir / accepted.NAME
        return replace(loaded, text=accepted.text_of(copy)) if copy.exists() else loaded
    if accepted.text_of(file) != text:
        raise Failure(f"{file} was written while it was read; try again.", CONFIGURATION)
    return loaded


def ask(tool: Path, *arguments: str, codes: tuple[int, ...] = (0,), tells: bool = False) -> dict:
    """What the command-line tool answers as JSON, ending with one of `codes`; else its own words are the failure's.
    `tells`: what it says on standard error beside is said here, too."""
    if not os.access(tool, os.X_OK):
        raise Failure(f"{tool} is not there; 'scripts/supervisor up' builds it.", UNAVAILABLE)
    try:
        ended = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=TOOL_SECONDS)
        answer = json.loads(ended.stdout) if ended.returncode in codes or ended.stdout.startswith("{") else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{tool} does not answer as expected ({error}); build it again.", UNAVAILABLE) from error
    if ended.returncode not in codes:
        words = "\n".join(map(_error_line, answer.get("errors", ()))) or (ended.stderr or ended.stdout).strip()
        raise Failure(words or f"'tributary {arguments[0]}' ended with {ended.returncode}",
                      ended.returncode if ended.returncode > 0 else UNAVAILABLE)
    if tells:
        sys.stderr.write(ended.stderr)
    return answer


def _error_line(error: dict) -> str:
    """One that `check --json` found; without a line of the file where it is not about the text."""
    return (f"{error['file']}:{error['line']}: " if error["line"] else "") + f"{error['key']}: {error['text']}"


def decode(tree: dict, file: Path, text: bytes) -> Configuration:
    """Builds the value from the decoded tree."""
    parts = {stage.executable: tree.get(stage.key) or {} for stage in STAGES}
    instances = {name: part.get("instances", 1) for name, part in parts.items()}
    for name, count in instances.items():
        if count > MOST_INSTANCES:
            raise Failure(f"{file}: {name}: instances is over {MOST_INSTANCES}, the most that one host runs.",
                          CONFIGURATION)
    check_socket_paths(Path(tree["run_dir"]), file)
    listening = {stage.executable: parts[stage.executable] for stage in STAGES if stage.listens}
    return Configuration(
        file, Path(tree["run_dir"]), Path(tree["data_dir"]), instances,
        {name: part["listen"] for name, part in listening.items()},
        {name: "https" if part.get("tls") else "http" for name, part in listening.items()},
        {name: tuple(names) for name, names in tree["environment"].items()}, text)


def check_socket_paths(run_dir: Path, file: Path) -> None:
    """Fails where the longest socket name of the run directory would not fit into an address."""
    longest = f"{run_dir}/{max((s.instance(MOST_INSTANCES - 1) for s in STAGES), key=len)}.control"
    size = len(os.fsencode(longest))
    if size > LONGEST_SOCKET_PATH_BYTES:
        raise Failure(
            f"{file}: run_dir is too long: {longest} has {size} bytes and a Unix socket's path may have "
            f"{LONGEST_SOCKET_PATH_BYTES}; choose a shorter run_dir.", CONFIGURATION)

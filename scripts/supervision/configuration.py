"""The configuration as the stages read it, and the copy of it that a pipeline runs by.

`tributary` decodes and checks it, so there is one decoder only. The file may be edited at any time. Whatever starts
again meanwhile, and every command that only looks or stops, goes by the copy in the run directory until a reload
accepts another. Its first line names the file, so that relative paths in the copy start where they do in the file.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from commandline import CONFIGURATION, UNAVAILABLE, Failure

from .topology import FRONT, STAGES

TOOL_SECONDS = 10.0
ACCEPTED_NAME = "accepted.yaml"
CANDIDATE_NAME = "accepted.candidate"  # what `up` or a reload is about to accept
FORMER_NAME = "accepted.former"
"""What ran before a reload that did not reach every stage: the next reload compares with it."""


@dataclass(frozen=True)
class Configuration:
    """What the supervisor needs to know of the configuration file. The dictionaries go by executable."""

    file: Path
    run_dir: Path
    data_dir: Path
    listen: str  # the address whose socket the supervisor holds
    scheme: str  # what is spoken there, http or https
    instances: dict[str, int]
    environment: dict[str, list[str]]  # the environment variables that its part of the configuration names

    def missing(self, variables: Collection[str], remedy: str) -> list[str]:
        """One sentence per stage of whose variables some are not set. `remedy`: with {} for `it` or `them`."""
        unset = {executable: sorted({*names} - {*variables}) for executable, names in self.environment.items()}
        return [f"{', '.join(names)} not set; {self.file} names {them} for {executable}. {remedy.format(them)}"
                for executable, names in unset.items() if names for them in ["it" if len(names) == 1 else "them"]]


def copy(file: Path, run_dir: Path) -> Path:
    """Copies what is to be checked and accepted; for its owner alone, because literal secrets may stand in it."""
    candidate = run_dir / CANDIDATE_NAME
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as written:
        written.write(b"# accepted from %b\n" % os.fsencode(file) + file.read_bytes())
    return candidate


def accept(run_dir: Path) -> None:
    """Lets the candidate be what stages start by and read again."""
    (run_dir / CANDIDATE_NAME).rename(run_dir / ACCEPTED_NAME)


def load(tool: Path, file: Path, text: Path | None = None, running: bool = False, tells: bool = False) -> Configuration:
    """The file as it is now, or a copy of its text; its errors are the failure's sentence where it is wrong.

    `running`: what the pipeline of this file runs by instead, whatever the file says by now. `tributary` says on
    standard error how they differ (with `tells`), and fails where this user may not use the run directory.
    """
    tree = ask(tool, "config", "--config", text or file, "--environment", "--json", *["--running"] * running,
               tells=tells)
    if tree.get("topology"):
        raise Failure(f"{file} places instances on several hosts (topology); start each where it belongs, by its unit "
                      "or by hand: this supervisor runs pipelines of one host.", CONFIGURATION)
    try:
        front, data_dir = tree[FRONT.key], Path(tree["data_dir"])
        instances = {stage.executable: (tree.get(stage.key) or {}).get("instances", 1) for stage in STAGES
                     if not stage.only_with or tree.get(stage.only_with) or (data_dir / stage.instance(0)).exists()}
        return Configuration(file, Path(tree["run_dir"]), data_dir, front["listen"],
                             "https" if front.get("tls") else "http", instances, tree["environment"])
    except (KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{tool} printed a configuration that this supervisor does not understand ({error!r}); build "
                      "both from the same sources.", CONFIGURATION) from error


def ask(tool: Path, *arguments: str | Path, tells: bool = False) -> dict:
    """What the command-line tool answers as JSON; where it fails its own words are the failure's. `tells`: what it says
    on standard error beside is said here, too."""
    try:
        ended = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=TOOL_SECONDS)
        answer = json.loads(ended.stdout or "null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise Failure(f"{tool} does not answer as it should ({error}); 'scripts/supervisor up' builds it where it is "
                      "missing.", UNAVAILABLE) from error
    if ended.returncode != 0:
        # What `check --json` found wrong, with a line of the file where it is about the text.
        errors = [(f"{each['file']}:{each['line']}: " if each["line"] else "") + f"{each['key']}: {each['text']}"
                  for each in (answer or {}).get("errors", ())]
        raise Failure("\n".join(errors) or ended.stderr.strip() or
                      f"'tributary {arguments[0]}' ended with {ended.returncode}",
                      ended.returncode if ended.returncode > 0 else UNAVAILABLE)
    if tells:
        sys.stderr.write(ended.stderr)
    return answer

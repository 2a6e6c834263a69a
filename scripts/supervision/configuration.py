"""The configuration as the stages read it, and the copy of it that a pipeline runs by.

`tributary plan` decodes and checks it, so there is one decoder only. The file may be edited at any time. Whatever
starts again meanwhile, and every command that only looks or stops, goes by the copy in the run directory until a reload
accepts another. Its first line names the file, so that relative paths in the copy start where they do in the file.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from commandline import UNAVAILABLE, Failure

TOOL_SECONDS = 10.0
ACCEPTED_NAME = "accepted.yaml"
CANDIDATE_NAME = "accepted.candidate"  # what `up` or a reload is about to accept
FORMER_NAME = "accepted.former"
"""What ran before a reload that did not reach every stage: the next reload compares with it."""


@dataclass(frozen=True)
class Configuration:
    """What is to run by the configuration file, as `tributary plan` says. The dictionaries go by stage."""

    file: Path
    run_dir: Path
    data_dir: Path
    listen: str  # the address whose socket the supervisor holds
    scheme: str  # what is spoken there, http or https
    instances: dict[str, int]
    environment: dict[str, list[str]]  # the environment variables that its part of the configuration names
    fingerprint: str
    changes: list[dict] | None  # how it differs from another version: `text`, `stages`, `effect`, `meaning`

    def missing(self, variables: Collection[str], remedy: str) -> list[str]:
        """One sentence per stage of whose variables some are not set. `remedy`: with {} for `it` or `them`."""
        unset = {stage: sorted({*names} - {*variables}) for stage, names in self.environment.items()}
        return [f"{', '.join(names)} not set; {self.file} names {them} for {stage}. {remedy.format(them)}"
                for stage, names in unset.items() if names for them in ["it" if len(names) == 1 else "them"]]


def copy(file: Path, run_dir: Path) -> Path:
    """Copies what is to be checked and accepted; for its owner alone, because literal secrets may stand in it."""
    candidate = run_dir / CANDIDATE_NAME
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as written:
        written.write(b"# accepted from %b\n" % os.fsencode(file) + file.read_bytes())
    return candidate


def accept(run_dir: Path) -> None:
    """Lets the candidate be what stages start by and read again."""
    (run_dir / CANDIDATE_NAME).rename(run_dir / ACCEPTED_NAME)


def load(tool: Path, file: Path, *options: str | Path, text: Path | None = None, tells: bool = False) -> Configuration:
    """What is to run by the file as it is now, or by a copy of its `text`; what `tributary` finds wrong is the
    failure's sentence. `tells`: what it says on standard error beside is said here, too.

    Options are `--running` (by what the pipeline has accepted, whatever the file says by now) and `--since COPY`.
    """
    try:
        ended = subprocess.run([tool, "plan", "--config", text or file, *options], capture_output=True, text=True,
                               timeout=TOOL_SECONDS)
        if ended.returncode != 0:
            raise Failure(ended.stderr.strip() or f"'tributary plan' ended with {ended.returncode}",
                          ended.returncode if ended.returncode > 0 else UNAVAILABLE)
        plan = json.loads(ended.stdout)
        found = Configuration(file, Path(plan.pop("run_dir")), Path(plan.pop("data_dir")), **plan)
    except (OSError, subprocess.TimeoutExpired, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Failure(f"{tool} does not answer as it should ({error}); 'scripts/supervisor up' builds it where it is "
                      "missing, and both must be of the same sources.", UNAVAILABLE) from error
    if tells:
        sys.stderr.write(ended.stderr)
    return found

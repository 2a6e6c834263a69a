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
from dataclasses import dataclass, field, replace
from pathlib import Path

from commandline import CONFIGURATION, UNAVAILABLE, Failure

from .topology import STAGES

TOOL_SECONDS = 10.0
ACCEPTED_NAME = "accepted.yaml"
CANDIDATE_NAME = "accepted.candidate"
"""What a reload is about to accept."""
FORMER_NAME = "accepted.former"
"""What ran before a reload that did not reach every stage: the next reload compares with it."""
SCALE_NAME = "scale.json"
"""What `scale` set: it lasts as long as the pipeline runs, also when the supervisor itself is killed."""
_MARK = b"# accepted from "


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
    environment: dict[str, list[str]]
    """The environment variables that its part of the configuration names."""
    text: bytes = field(repr=False)

    @property
    def variables(self) -> set[str]:
        """All that it names, for whichever stage."""
        return {name for names in self.environment.values() for name in names}

    def missing(self, variables: Collection[str], remedy: str) -> list[str]:
        """One sentence per stage of whose variables some are not set. `remedy`: with {} for `it` or `them`."""
        unset = {executable: sorted({*names} - {*variables}) for executable, names in self.environment.items()}
        return [f"{', '.join(names)} not set; {self.file} names {them} for {executable}. {remedy.format(them)}"
                for executable, names in unset.items() if names for them in ["it" if len(names) == 1 else "them"]]

    def path(self, instance: str, ending: str) -> Path:
        return self.run_dir / f"{instance}.{ending}"

    def keep(self, name: str = ACCEPTED_NAME) -> Path:
        """Writes a copy; for its owner alone, because literal secrets may stand in it."""
        fresh = self.run_dir / f".{name}.new"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as written:
            written.write(_MARK + os.fsencode(self.file) + b"\n" + self.text)
        return fresh.rename(self.run_dir / name)

    def forget(self) -> None:
        """Nothing runs any more."""
        for name in (ACCEPTED_NAME, CANDIDATE_NAME, FORMER_NAME, SCALE_NAME):
            (self.run_dir / name).unlink(missing_ok=True)


def text_of(file: Path) -> bytes:
    """The text of a configuration, whether this is the file or a copy of it; none where it cannot be read."""
    try:
        whole = file.read_bytes()
    except OSError:
        return b""
    return whole.partition(b"\n")[2] if whole.startswith(_MARK) else whole


def load(file: Path, tool: Path, running: bool = False, tells: bool = True) -> Configuration:
    """The file as it is now; its errors are the failure's sentence where it is wrong.

    `running`: what the pipeline of this file runs by instead, whatever the file says by now. `tributary` says on
    standard error how they differ (with `tells`), and fails where this user may not use the run directory.
    """
    text = text_of(file)
    tree = ask(tool, "config", "--config", str(file), "--environment", "--json", *(["--running"] if running else []),
               tells=tells and running)
    try:
        parts = {stage: tree.get(stage.key) or {} for stage in STAGES}
        fronts = {stage.executable: part for stage, part in parts.items() if stage.listens}
        loaded = Configuration(
            file, Path(tree["run_dir"]), Path(tree["data_dir"]),
            {stage.executable: part.get("instances", 1) if not stage.only_with or tree.get(stage.only_with)
             or Path(tree["data_dir"], stage.instance(0)).exists() else 0 for stage, part in parts.items()},
            {name: part["listen"] for name, part in fronts.items()},
            {name: "https" if part.get("tls") else "http" for name, part in fronts.items()}, tree["environment"], text)
    except (KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{tool} printed a configuration that this supervisor does not understand ({error!r}); build "
                      "both from the same sources.", CONFIGURATION) from error
    if running:
        return replace(loaded, text=text_of(loaded.run_dir / ACCEPTED_NAME) or text)
    if text_of(file) != text:
        raise Failure(f"{file} was written while it was read; try again.", CONFIGURATION)
    return loaded


def ask(tool: Path, *arguments: str, codes: tuple[int, ...] = (0,), tells: bool = False) -> dict:
    """What the command-line tool answers as JSON, ending with one of `codes`; else its own words are the failure's.
    `tells`: what it says on standard error beside is said here, too."""
    if not os.access(tool, os.X_OK):
        raise Failure(f"{tool} is not there; 'scripts/supervisor up' builds it.", UNAVAILABLE)
    try:
        ended = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=TOOL_SECONDS)
        answer = json.loads(ended.stdout or "null")
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise Failure(f"{tool} does not answer as it should ({error}); build it again.", UNAVAILABLE) from error
    if ended.returncode not in codes:
        # What `check --json` found wrong, with a line of the file where it is about the text.
        errors = [(f"{each['file']}:{each['line']}: " if each["line"] else "") + f"{each['key']}: {each['text']}"
                  for each in (answer or {}).get("errors", ())]
        raise Failure("\n".join(errors) or ended.stderr.strip() or
                      f"'tributary {arguments[0]}' ended with {ended.returncode}",
                      ended.returncode if ended.returncode > 0 else UNAVAILABLE)
    if tells:
        sys.stderr.write(ended.stderr)
    return answer

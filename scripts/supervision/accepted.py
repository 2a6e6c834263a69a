"""The configuration that a pipeline runs by, kept in its run directory.

The file may be edited at any time. Whatever starts again meanwhile, and every command that only looks or stops, goes by
this copy until a reload accepts another. Its first line names the file, so that relative paths in the copy start where
they do in the file.
"""

import json
import os
import re
from pathlib import Path

NAME = "accepted.yaml"
CANDIDATE_NAME = "accepted.candidate"
"""What a reload is about to accept."""
FORMER_NAME = "accepted.former"
"""What ran before a reload that did not reach every stage: the next reload compares with it."""

_MARK = b"# accepted from "
_RUN_DIR = re.compile(
    r"""^run_dir:[ \t]*("(?:[^"\\]|\\.)*"|'[^'\n]*'|[^\s#"'][^#\n]*)"""  # YAML, at the margin
    r"""|"run_dir"\s*:\s*("(?:[^"\\]|\\.)*")""", re.MULTILINE)  # JSON


def write(copy: Path, file: Path, text: bytes) -> None:
    """Keeps `text`, that of `file`, as `copy`; for its owner alone, because literal secrets may stand in it."""
    fresh = copy.with_name(f".{copy.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as written:
        written.write(_MARK + os.fsencode(file) + b"\n" + text)
    fresh.rename(copy)


def text_of(data: bytes) -> bytes:
    """The text of the file itself, whether these are the bytes of a copy or of the file."""
    return data.partition(b"\n")[2] if data.startswith(_MARK) else data


def run_dir_named_in(file: Path) -> Path | None:
    """The run directory that a file names although it may be wrong in other places; nothing where it cannot be read."""
    try:
        found = _RUN_DIR.search(file.read_text(errors="replace"))
    except OSError:
        return None
    value = (found[1] or found[2]).strip() if found else "run"
    if value.startswith('"'):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return Path(os.path.normpath(file.parent / value.strip("'")))


def forget(run_dir: Path) -> None:
    """Nothing runs any more."""
    for name in (NAME, CANDIDATE_NAME, FORMER_NAME):
        (run_dir / name).unlink(missing_ok=True)

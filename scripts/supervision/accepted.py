"""The configuration that a pipeline runs by, kept in its run directory.

The file may be edited at any time. Whatever starts again meanwhile, and every command that only looks or stops, goes by
this copy until a reload accepts another. Its first line names the file, so that relative paths in the copy start where
they do in the file.
"""

import os
from pathlib import Path

NAME = "accepted.yaml"
CANDIDATE_NAME = "accepted.candidate"
"""What a reload is about to accept."""
FORMER_NAME = "accepted.former"
"""What ran before a reload that did not reach every stage: the next reload compares with it."""

_MARK = b"# accepted from "


def write(copy: Path, file: Path, text: bytes) -> None:
    """Keeps `text`, that of `file`, as `copy`; for its owner alone, because literal secrets may stand in it."""
    fresh = copy.with_name(f".{copy.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as written:
        written.write(_MARK + os.fsencode(file) + b"\n" + text)
    fresh.rename(copy)


def text_of(file: Path) -> bytes:
    """The text of a configuration, whether this is the file or a copy of it; none where it cannot be read."""
    try:
        whole = file.read_bytes()
    except OSError:
        return b""
    return whole.partition(b"\n")[2] if whole.startswith(_MARK) else whole


def forget(run_dir: Path) -> None:
    """Nothing runs any more."""
    for name in (NAME, CANDIDATE_NAME, FORMER_NAME):
        (run_dir / name).unlink(missing_ok=True)

"""The stages' log files: they append to them directly, so that a killed supervisor takes no line with it."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LARGEST_LOG_BYTES = 32 * 1024 * 1024
TAIL_BYTES = 64 * 1024


def size(path: Path) -> int:
    """The bytes of a log, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def tail(path: Path, lines: int, since: int = 0) -> list[str]:
    """The last lines of a log, of those behind `since` bytes; none where there is no log."""
    with suppress(FileNotFoundError), path.open("rb") as log:
        end = os.fstat(log.fileno()).st_size
        log.seek(max(since if since <= end else 0, end - TAIL_BYTES))  # a rotated log has begun anew
        return log.read().decode(errors="replace").splitlines()[-lines:]
    return []


def sentence(line: str) -> str:
    """What a line of a log says, without its time, level and origin."""
    text = line.partition(" text=")[2] if line.startswith("time=") else line
    try:
        return json.JSONDecoder().raw_decode(text)[0] if text.startswith('"') else text
    except ValueError:
        return line


def rotate(folder: Path, say: Callable[[str], None]) -> None:
    """Copies every log over the limit to NAME.log.1 and empties it: its writers append, so they go on at its start.

    What cannot be rotated now (a full disk) is tried again the next time; the others are not held up by it.
    """
    for path in folder.glob("*.log"):
        former = path.with_suffix(".log.1")
        try:
            if size(path) > LARGEST_LOG_BYTES:
                shutil.copyfile(path, former)
                os.truncate(path, 0)
        except OSError as error:
            with suppress(OSError):
                former.unlink(missing_ok=True)  # half a copy helps nobody and fills the disk
            say(f"warning: {path.name} is over {LARGEST_LOG_BYTES >> 20} MiB and could not be rotated "
                f"({error.strerror}); that is tried again.")

"""The stages' log files: they append to them directly, so that a killed supervisor takes no line with it."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .failure import USAGE, Failure

LARGEST_LOG_BYTES = 32 * 1024 * 1024
TAIL_BYTES = 64 * 1024
FOLLOW_SECONDS = 0.2


def size(path: Path) -> int:
    """The bytes of a log, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def tail(path: Path, lines: int, since: int = 0) -> list[str]:
    """The last lines of a log, of those behind `since` bytes; none where there is no log."""
    try:
        with path.open("rb") as log:
            end = os.fstat(log.fileno()).st_size
            log.seek(max(since if since <= end else 0, end - TAIL_BYTES))  # a rotated log has begun anew
            return log.read().decode(errors="replace").splitlines()[-lines:] if lines else []
    except FileNotFoundError:
        return []


def rotate(folder: Path, say: Callable[[str], None]) -> None:
    """Copies every log over the limit to NAME.log.1 and empties it: its writers append, so they go on at its start.

    What cannot be rotated now (a full disk) is tried again the next time; the others are not held up by it.
    """
    for path in folder.glob("*.log"):
        former = path.with_suffix(".log.1")
        try:
            if path.stat().st_size <= LARGEST_LOG_BYTES:
                continue
            shutil.copyfile(path, former)
            os.truncate(path, 0)
        except FileNotFoundError:
            pass  # somebody has just removed it
        except OSError as error:
            with suppress(OSError):
                former.unlink(missing_ok=True)  # half a copy helps nobody and fills the disk
            say(f"warning: {path.name} is over {LARGEST_LOG_BYTES >> 20} MiB and could not be rotated "
                f"({error.strerror}); that is tried again.")


def show(folder: Path, instance: str | None, lines: int, follow: bool) -> None:
    """Prints the last lines of one log or of all, each line with its instance's name; goes on until interrupted."""
    paths = sorted(folder.glob("*.log"))
    if instance is not None:
        names = [path.stem for path in paths]
        paths = [path for path in paths if path.stem == instance]
        if not paths:
            raise Failure(f'there is no log of "{instance}" in {folder}; there are logs of '
                          f"{', '.join(names) or 'nothing yet'}.", USAGE)
    width = max((len(path.stem) for path in paths), default=0)

    def prefix(path: Path) -> str:
        return "" if instance is not None else f"{path.stem:<{width}} | "

    ends = {}
    for path in paths:
        ends[path] = path.stat().st_size
        for line in tail(path, lines):
            print(prefix(path) + line)
    sys.stdout.flush()
    while follow:
        time.sleep(FOLLOW_SECONDS)
        for path in sorted(folder.glob("*.log")) if instance is None else paths:
            ends[path] = _print_new_lines(path, ends.get(path, 0), prefix(path))
        sys.stdout.flush()


def _print_new_lines(path: Path, start: int, prefix: str) -> int:
    """Prints the whole lines after `start`; answers where the next ones begin."""
    size = path.stat().st_size
    start = 0 if size < start else start
    if size == start:
        return start
    with path.open("rb") as log:
        log.seek(start)
        whole, end, _ = log.read(size - start).rpartition(b"\n")
    for line in whole.decode(errors="replace").splitlines():
        print(prefix + line)
    return start + len(whole) + len(end)

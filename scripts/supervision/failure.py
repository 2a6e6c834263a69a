"""What ends a command with a sentence."""

import os
import pwd
from pathlib import Path

USAGE = 64
UNAVAILABLE = 69
NO_PERMISSION = 77
CONFIGURATION = 78
NOT_READY = 1
NOT_RUNNING = 3


class Failure(Exception):
    """A command cannot go on: the sentence says what, why and how to fix it; the code follows sysexits."""

    def __init__(self, sentence: str, exit_code: int = NOT_READY):
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code


class NotRunning(Failure):
    """There is no supervisor to do it."""

    def __init__(self) -> None:
        super().__init__("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                         NOT_RUNNING)


class NothingRuns(Failure):
    """There is nothing to look at."""

    def __init__(self) -> None:
        super().__init__("nothing runs; 'scripts/supervisor up -d' starts the pipeline.", NOT_RUNNING)


def denied(path: Path) -> Failure:
    """This user may not use a file or folder of the pipeline: which is not the same as that it is not there."""
    nearest = path
    while True:
        try:
            owner = nearest.stat().st_uid
            break
        except OSError:
            nearest = nearest.parent
    return Failure(f"permission denied: {_user(os.geteuid())} may not use {path}; run this as {_user(owner)}, to whom "
                   f"{nearest} belongs.", NO_PERMISSION)


def check_access(folder: Path) -> None:
    """Fails where `folder` is there for others only; where it is not there at all, that is no matter of permission."""
    try:
        folder.stat()
    except PermissionError:
        raise denied(folder) from None
    except OSError:
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise denied(folder)


def _user(number: int) -> str:
    try:
        return f"user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"

"""What the command lines of all scripts share: how they fail."""

import signal
import sys
from collections.abc import Callable

NOT_READY = 1
USAGE, UNAVAILABLE, NO_PERMISSION, CONFIGURATION = 64, 69, 77, 78
"""After sysexits.h."""


class Failure(Exception):
    """A command cannot go on: the sentence says what, why and how to fix it."""

    def __init__(self, sentence: str, exit_code: int = NOT_READY):
        super().__init__(sentence)
        self.sentence, self.exit_code = sentence, exit_code


def run(name: str, main: Callable[[], int], cleans_up: bool = False) -> int:
    """The exit code of a script; what ended it is said on standard error, behind the script's name.

    `cleans_up`: a SIGTERM or SIGHUP ends it as Ctrl-C does, so that what it has started goes down with it.
    """
    for number in (signal.SIGTERM, signal.SIGHUP) if cleans_up else ():
        signal.signal(number, signal.default_int_handler)
    try:
        return main()
    except Failure as failure:
        print(f"{name}: {failure.sentence}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"{name}: the operating system refused: {error}.", file=sys.stderr)
        return NO_PERMISSION if isinstance(error, PermissionError) else UNAVAILABLE

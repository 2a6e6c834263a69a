"""What ends a command with a sentence."""

import sys
from collections.abc import Callable

NOT_READY, NOT_RUNNING = 1, 3
USAGE, UNAVAILABLE, NO_PERMISSION, CONFIGURATION = 64, 69, 77, 78
"""After sysexits.h."""


class Failure(Exception):
    """A command cannot go on: the sentence says what, why and how to fix it."""

    def __init__(self, sentence: str, exit_code: int = NOT_READY):
        super().__init__(sentence)
        self.sentence, self.exit_code = sentence, exit_code


class NotRunning(Failure):
    """There is no supervisor to do it."""

    def __init__(self) -> None:
        super().__init__("no supervisor runs; 'scripts/supervisor up -d' starts one (and takes over what runs).",
                         NOT_RUNNING)


def run(name: str, main: Callable[[], int]) -> int:
    """The exit code of a script; what ended it is said on standard error, behind the script's name."""
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

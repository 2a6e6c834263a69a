"""What the command lines of all scripts share: how they fail, and how their `--help` looks."""

import argparse
import re
import signal
import sys
import textwrap
from collections.abc import Callable

NOT_READY, NOT_RUNNING = 1, 3
USAGE, UNAVAILABLE, NO_PERMISSION, CONFIGURATION = 64, 69, 77, 78
"""After sysexits.h."""
_COLUMN = re.compile(r"\s*\S.*?\s{2,}(?=\S)")


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


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Wraps a line that is wider than the terminal under its second column, so that examples stay readable."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(wrapped(indent + line, width) for line in text.splitlines())


def wrapped(line: str, width: int) -> str:
    """The line in as many as it takes, those after the first indented like what is explained."""
    column = _COLUMN.match(line)
    left = len(line) - len(line.lstrip())
    hanging = column.end() if column and column.end() <= width * 2 // 3 else left + 4 if left else 0
    return textwrap.fill(line, width, subsequent_indent=" " * hanging, break_long_words=False,
                         break_on_hyphens=False) or line

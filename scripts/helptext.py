"""How the `--help` of scripts looks whose lines are wider than a terminal."""

import argparse
import re
import textwrap

_COLUMN = re.compile(r"\s*\S.*?\s{2,}(?=\S)")


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

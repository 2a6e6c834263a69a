"""Lines for whoever reads along."""

import os


def say(line: str) -> None:
    """Prints a line. A reader who has gone (`| head`) ends the printing and not what is being done."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """From now on standard output goes nowhere, so that what is still buffered fails no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

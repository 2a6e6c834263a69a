"""What every benchmark of whole pipelines does around its measurements."""

import contextlib
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import commandline
from commandline import Failure
from launcher import new_folder


def say(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def temporary_folder(keeps: bool) -> Iterator[Path]:
    """Stays behind on request, and after a failure whose explanation stands in the logs."""
    folder = new_folder("bench")
    try:
        yield folder
    except Failure:
        shutil.rmtree(folder / "data", ignore_errors=True)
        say(f"the logs stay in {folder}.")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if keeps:
        say(f"the logs and the databases stay in {folder}.")
    else:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """While cleaning up, an impatient second Ctrl-C would leave processes behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    earlier = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, action in zip(numbers, earlier, strict=True):
            signal.signal(number, action)


def run(main: Callable[[], int]) -> int:
    return commandline.run("bench", main, cleans_up=True)

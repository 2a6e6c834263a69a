"""What every benchmark of whole pipelines does around its measurements."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import commandline
from commandline import Failure
from helptext import Formatter
from launcher import ROOT, new_folder

from . import machine


def say(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


def parser(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """`name`: the word behind scripts/bench, or none."""
    made = argparse.ArgumentParser(prog=f"scripts/bench {name}".rstrip(), epilog=examples, formatter_class=Formatter,
                                   description=description)
    file = f"{'-'.join(['bench', *filter(None, [name])])}.json"
    made.add_argument("--keep", action="store_true", help="leave the temporary folder where it is")
    made.add_argument("--json", type=Path, metavar="FILE", default=ROOT / ".build" / file,
                      help=f"where the figures go (default: .build/{file})")
    return made


def publish(options: argparse.Namespace, outcome: dict, table: str) -> None:
    """Writes the figures down, and shows them."""
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(outcome, indent=2) + "\n")
    print(f"\n{table}\n", flush=True)
    say(f"the figures are in {os.path.relpath(options.json)}.")


@contextlib.contextmanager
def measuring(options: argparse.Namespace, outcome: dict) -> Iterator[Path]:
    """The folder of the measurements, and the facts of the machine beside their figures."""
    if others := machine.busybodies():
        say(f"not alone: the figures also show {', '.join(others)}.")
    with temporary_folder(options.keep) as folder:
        yield folder
        outcome["machine"] = machine.facts(ROOT, folder)


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

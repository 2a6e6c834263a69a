"""scripts/bench stages: what one webhook costs verifier and normaliser, held to thresholds."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from commandline import Failure
from executables import build
from helptext import Formatter
from launcher import ROOT

from .workplace import run

THRESHOLDS = ROOT / "Tests" / "Benchmarks" / "thresholds.json"
EXECUTABLE = ROOT / ".build" / "benchmarks" / "release" / "Benchmarks"
HEAD_ROOM = 1.10
"""What --update leaves between a figure and its threshold, so that another libc does not break the build."""
ALLOCATIONS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
GOALS = {"stream": 10.0, "fishjam": 10.0, "superviz, element of 1000": 4.0, "bomb": 50_000.0}
"""Microseconds of CPU on the machine that the README names; shown, not enforced: clocks differ, counts do not."""
EXAMPLES = """\
examples:
  scripts/bench stages             times and counts; fails where a count is above its threshold
  scripts/bench stages --counts    counts alone, held to their thresholds (part of scripts/test)
  scripts/bench stages --update    and writes the counts, plus a tenth, into Tests/Benchmarks/thresholds.json

Instructions and allocations are counted by valgrind, which offers the code an older CPU than this one (no SHA
extensions, no AVX-512): the counts are nearly the same on every machine of one class, such as x86_64 with AVX2.
Where nobody has taken the counts of a class yet, nothing is measured and that is said."""


@dataclass(frozen=True)
class Count:
    """Per webhook, or element of a batch."""

    instructions: float
    allocations: float


def processor_class(machine: str, facts: str) -> str:
    """What counts depend on. `machine` as uname says it, `facts`: /proc/cpuinfo."""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", facts, re.M)
    return machine + (" with AVX2" if flags and "avx2" in flags[1].split() else "")


def lines(command: list[str], **environment: str) -> list[list[str]]:
    """What a program prints, cut at tabs."""
    finished = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if finished.returncode != 0:
        raise Failure(f"{Path(command[0]).name} ended with {finished.returncode}: {finished.stderr.strip()[-500:]}")
    return [line.split("\t") for line in finished.stdout.splitlines()]


def times(executable: Path) -> dict[str, tuple[float, int]]:
    """Microseconds and KiB of memory by case."""
    return {name: (float(micros), int(grown)) for name, micros, grown in lines([str(executable), "time"])}


def counts(executable: Path) -> dict[str, Count]:
    """Callgrind writes an account at each mark: one of what lies before a case, one of the case."""
    # Valgrind trips over the debug information of newer compilers. The copy stays where its resources are.
    stripped = executable.with_name(f"{executable.name}-stripped")
    subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(executable)], check=True)
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--compress-strings=no",
                   "--compress-pos=no", "--dump-before=*Benchmarks4mark*", str(stripped), "count"]
        cases = lines(command, SWIFT_DETERMINISTIC_HASHING="1")
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        if len(dumps) != 2 * len(cases):
            raise Failure(f"callgrind wrote {len(dumps)} accounts of {len(cases)} cases.")
        measured = zip(cases, dumps[1::2], strict=True)
        return {name: read_account(dump, int(times)) for (name, times), dump in measured}


def read_account(dump: Path, times: int) -> Count:
    """Callgrind's format: `cfn=` names who is called, `calls=` how often; `totals:` has all instructions."""
    instructions, allocations, called = 0, 0, ""
    with dump.open(errors="replace") as account:
        for line in account:
            if line.startswith("cfn="):
                called = line[4:].strip()
            elif line.startswith("calls=") and called in ALLOCATIONS:
                allocations += int(line[6:].split()[0])
            elif found := re.match(r"totals: (\d+)", line):
                instructions = int(found[1])
    return Count(instructions / times, allocations / times)


def exceeded(found: dict[str, Count], thresholds: dict) -> list[str]:
    """A sentence per figure that is above its threshold, or has none."""
    sentences = []
    for name, count in found.items():
        limit = thresholds.get(name)
        if limit is None:
            sentences.append(f"{name} has no threshold.")
            continue
        for unit in ("instructions", "allocations"):
            figure, most = getattr(count, unit), limit[unit]
            if figure > most:
                percent = 100 * (figure / most - 1) if most else 100
                sentences.append(
                    f"{name} takes {figure:,.1f} {unit}, {percent:.1f} % more than the {most:,.1f} it may.")
    return sentences


def with_head_room(found: dict[str, Count]) -> dict:
    return {
        name: {
            "instructions": round(count.instructions * HEAD_ROOM),
            "allocations": round(count.allocations * HEAD_ROOM, 2),
        }
        for name, count in found.items()
    }


def table(found: dict[str, Count], timed: dict[str, tuple[float, int]]) -> str:
    rows = [f"{'per webhook, or element of a batch':36}{'µs CPU':>10}{'goal':>9}{'KiB':>8}"
            f"{'instructions':>14}{'allocations':>13}"]
    for name, count in found.items():
        micros, grown = timed.get(name, (None, None))
        goal = GOALS.get(name)
        rows.append(
            f"{name:36}{'' if micros is None else f'{micros:,.2f}':>10}{'' if goal is None else f'{goal:,.0f}':>9}"
            f"{'' if grown is None else f'{grown:,}':>8}{count.instructions:>14,.0f}{count.allocations:>13,.1f}")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench stages", epilog=EXAMPLES, formatter_class=Formatter,
        description="What verification and normalisation of one webhook cost: microseconds of CPU, memory, "
                    "instructions and allocations.")
    parser.add_argument("--counts", action="store_true", help="no times")
    parser.add_argument("--update", action="store_true", help="write the thresholds anew")
    options = parser.parse_args()
    by_class = json.loads(THRESHOLDS.read_text())
    ours = processor_class(platform.machine(), Path("/proc/cpuinfo").read_text())
    if ours not in by_class and not options.update:
        print(f"bench: skipped: there are no thresholds for {ours}; scripts/bench stages --update takes them.")
        return 0
    build("--benchmarks")
    found = counts(EXECUTABLE)
    print(table(found, {} if options.counts else times(EXECUTABLE)), flush=True)
    if options.update:
        THRESHOLDS.write_text(json.dumps(by_class | {ours: with_head_room(found)}, indent=2) + "\n")
        print(f"the thresholds are in {os.path.relpath(THRESHOLDS)}.")
        return 0
    sentences = exceeded(found, by_class[ours])
    for sentence in sentences:
        print(f"bench: {sentence}", file=sys.stderr)
    if sentences:
        print("bench: where the work is worth its cost, scripts/bench stages --update moves the thresholds; commit "
              "them with the change that needs them.", file=sys.stderr)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(run(main))

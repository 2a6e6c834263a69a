"""The table of `top`: per instance what the operating system and its own metrics say, between two readings."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from . import exposition
from .admin import get
from .failure import NothingRuns
from .process import stat_fields
from .terminal import Terminal
from .topology import Stage, stage_named

RECORDS = "tributary_records_total"
CPU_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Reading:
    """One instance at one moment."""

    at: float
    cpu_seconds: float | None = None
    resident_bytes: int | None = None
    taken: float | None = None
    passed_on: float | None = None
    backlog: float | None = None
    oldest_seconds: float | None = None
    latency: dict[float, float] = field(default_factory=dict)


def read(run_dir: Path, row: dict) -> Reading:
    """Asks the kernel and the stage's admin endpoint; what does not answer stays unknown."""
    reading = Reading(time.monotonic())
    pid = row["pid"]
    fields = stat_fields(pid) if pid else None
    if fields is None:
        return reading
    reading.cpu_seconds = (int(fields[11]) + int(fields[12])) / CPU_TICKS
    reading.resident_bytes = int(fields[21]) * PAGE_BYTES
    status, body = get(run_dir / f"{row['instance']}.admin", "/metrics", timeout_seconds=1.0)
    if status == 200:
        text = body.decode(errors="replace")
        reading.taken = exposition.total(text, RECORDS, direction="in")
        reading.passed_on = exposition.total(text, RECORDS, direction="out")
        reading.backlog = exposition.total(text, "tributary_backlog_records")
        reading.oldest_seconds = exposition.total(text, "tributary_oldest_unsettled_seconds")
        reading.latency = exposition.buckets(text, stage_named(row["stage"]).latency)
    return reading


def figures(row: dict, before: Reading | None, now: Reading) -> dict:
    """The row of `status` with the figures of the interval; the p99 of the whole life where nothing came lately."""
    stage: Stage = stage_named(row["stage"])
    seconds = now.at - before.at if before else 0.0

    def per_second(earlier: float | None, later: float | None) -> float | None:
        if earlier is None or later is None or seconds <= 0 or later < earlier:
            return None
        return round((later - earlier) / seconds, 3)

    cpu = per_second(before.cpu_seconds, now.cpu_seconds) if before else None
    p99 = exposition.quantile(0.99, before.latency if before else {}, now.latency)
    if p99 is None:
        p99 = exposition.quantile(0.99, {}, now.latency)
    return row | {
        "cpu_percent": None if cpu is None else round(100 * cpu, 1),
        "resident_bytes": now.resident_bytes,
        "in_per_second": per_second(before.taken, now.taken) if before else None,
        "out_per_second": per_second(before.passed_on, now.passed_on) if before else None,
        "records_in": now.taken, "records_out": now.passed_on,
        "backlog_records": now.backlog, "oldest_unsettled_seconds": now.oldest_seconds,
        "p99_seconds": p99, "p99_of": stage.latency,
    }


def duration(seconds: float | None) -> str:
    """Short enough for a column: 420µs, 1.2ms, 3.4s, 12m, 5h, 3d."""
    if seconds is None:
        return "-"
    for limit, size, unit in ((0.001, 1e-6, "µs"), (1, 0.001, "ms"), (100, 1, "s"), (6000, 60, "m"),
                              (172800, 3600, "h")):
        if seconds < limit:
            value = seconds / size
            return f"{value:.1f}{unit}" if value < 10 and unit != "µs" else f"{value:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"


def number(value: float | None) -> str:
    """With thousands apart, and nothing behind the point."""
    return "-" if value is None else f"{value:,.0f}".replace(",", " ")


COLUMNS = (
    ("INSTANCE", "<", lambda r: r["instance"]),
    ("PID", ">", lambda r: str(r["pid"] or "-")),
    ("STATE", "<", lambda r: r["state"]),
    ("UPTIME", ">", lambda r: duration(r["uptime_seconds"])),
    ("RESTARTS", ">", lambda r: str(r["restarts"])),
    ("CPU%", ">", lambda r: "-" if r["cpu_percent"] is None else f"{r['cpu_percent']:.0f}"),
    ("RSS MB", ">", lambda r: "-" if r["resident_bytes"] is None else f"{r['resident_bytes'] / 1e6:.0f}"),
    ("IN/S", ">", lambda r: number(r["in_per_second"])),
    ("OUT/S", ">", lambda r: number(r["out_per_second"])),
    ("IN", ">", lambda r: number(r["records_in"])),
    ("OUT", ">", lambda r: number(r["records_out"])),
    ("BACKLOG", ">", lambda r: number(r["backlog_records"])),
    ("OLDEST", ">", lambda r: duration(r["oldest_unsettled_seconds"])),
    ("P99", ">", lambda r: duration(r["p99_seconds"])),
)
LEFT_OUT_FIRST = ("PID", "OUT", "IN", "UPTIME", "RESTARTS", "OLDEST", "RSS MB", "OUT/S", "P99", "CPU%", "IN/S",
                  "BACKLOG")
"""What a narrow terminal does without, one after the other until the rest fits."""
MOST_COLUMNS = 1000


def table(rows: list[dict], columns=COLUMNS) -> str:
    """Rows as aligned text."""
    cells = [[title for title, _, _ in columns]] + [[show(row) for _, _, show in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    return "\n".join(
        "  ".join(f"{cell:{columns[place][1]}{widths[place]}}" for place, cell in enumerate(line)).rstrip()
        for line in cells)


def sum_line(rows: list[dict]) -> str:
    cpu = sum(row["cpu_percent"] or 0 for row in rows)
    resident = sum(row["resident_bytes"] or 0 for row in rows)
    ready = sum(row["state"] == "ready" for row in rows)
    return f"{ready} of {len(rows)} ready, CPU {cpu:.0f} %, resident {resident / 1e6:.0f} MB"


def fitted(rows: list[dict], width: int) -> list[str]:
    """The header and one line a row, none wider than `width`."""
    columns = list(COLUMNS)
    lines = table(rows, columns).splitlines()
    for title in LEFT_OUT_FIRST:
        if max(map(len, lines)) <= width:
            break
        columns = [column for column in columns if column[0] != title]
        lines = table(rows, columns).splitlines()
    return [line[:width] for line in lines]


def screen(rows: list[dict], width: int, height: int, first: int) -> list[str]:
    """One screen: the sum, the header, and the rows from `first` on for which there is room; the header in any case."""
    header, *lines = fitted(rows, width)
    above = [f"{time.strftime('%H:%M:%S')}  {sum_line(rows)}"] if height >= 3 else []
    room, below = max(0, height - len(above) - 1), []
    if len(lines) > room >= 2:
        room -= 1
        below = [f"rows {first + 1} to {min(first + room, len(lines))} of {len(lines)}; j and k scroll, q ends"]
    return [line[:width] for line in (*above, header, *lines[first:first + room], *below)]


def rows_of(answer: dict, earlier: dict[tuple, Reading]) -> tuple[list[dict], dict[tuple, Reading]]:
    """The figures of every instance since the earlier readings, and the readings of now."""
    run_dir = Path(answer["run_dir"])
    now = {(row["instance"], row["pid"]): read(run_dir, row) for row in answer["instances"]}
    return [figures(row, earlier.get((row["instance"], row["pid"])), now[row["instance"], row["pid"]])
            for row in answer["instances"]], now


def run(status: Callable[[], dict], interval_seconds: float, once: bool, as_json: bool) -> None:
    """`status` answers the present rows; goes on until interrupted unless `once`, or until nothing runs."""
    is_live = not (once or as_json) and is_terminal()
    earlier: dict[tuple, Reading] = {}
    if is_live:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)  # however it ends, the terminal is as before
    with Terminal(sys.stdin.fileno() if sys.stdin.isatty() else None) if is_live else nullcontext() as terminal:
        first = 0
        while True:
            answer = status()
            if not answer["instances"]:
                raise NothingRuns
            rows, now = rows_of(answer, earlier)
            if is_live:
                first = show(terminal, rows, interval_seconds, first)
                if first is None:
                    return
            else:
                if earlier or not once:
                    print(json.dumps({"instances": rows}) if as_json else plain(rows, once), flush=True)
                    if once:
                        return
                time.sleep(interval_seconds)
            earlier = now


def is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def plain(rows: list[dict], once: bool) -> str:
    """A table without a code for terminals; for a file or a pipe as wide as it is."""
    lines = fitted(rows, shutil.get_terminal_size().columns if sys.stdout.isatty() else MOST_COLUMNS)
    return "\n".join(lines if once else [f"{time.strftime('%H:%M:%S')}  {sum_line(rows)}", *lines, ""])


def show(terminal: Terminal, rows: list[dict], interval_seconds: float, first: int) -> int | None:
    """Draws until the interval is over or a key asks for more; the first row of the next screen, None for the end."""
    deadline = time.monotonic() + interval_seconds
    while True:
        width, height = terminal.size()
        first = max(0, min(first, len(rows) - max(1, height - 3)))
        terminal.draw(screen(rows, width, height, first))
        key = terminal.key(deadline - time.monotonic())
        if key in ("q", "Q", "\x1b", "\x03", "\x04"):
            return None
        steps = {"j": 1, "\x1b[B": 1, "k": -1, "\x1b[A": -1, "g": -len(rows), "G": len(rows)}
        if key not in steps:
            if key in (None, " "):
                return first
            continue
        first += steps[key]

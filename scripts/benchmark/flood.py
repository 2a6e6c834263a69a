"""scripts/bench flood: what forged webhooks cost a genuine sender."""

import argparse
import collections
import contextlib
import http.client
import multiprocessing
import os
import socket
import sys
import threading
import time
import uuid
from pathlib import Path

from commandline import Failure
from executables import provide
from launcher import HOST, PATIENCE_SECONDS, free_port

from . import webhook, workplace
from .pipeline import Pipeline, Shape
from .workplace import run, say, uninterrupted

EXAMPLES = """\
examples:
  scripts/bench flood                     64 connections of forgeries of 1 MB, in about two minutes
  scripts/bench flood --seconds 5 --connections 16

A genuine sender sends at a steady rate over one connection: alone, then beside forgeries from another address, then
beside forgeries from its own. All of that with the usual journal and with one of 64 MiB. The forger runs at the lowest
priority, as if it were another machine. The exit code is 1 when a genuine webhook is refused or the 99th percentile of
the acknowledgements is three times that of the sender alone, or more."""

DOOR_PORT = 18080
GOAL_RATIO = 3.0
PER_SECOND = 100.0
FORGED_BODY = b'{"type":"call.created","custom":"' + b"x" * ((1 << 20) - 35) + b'"}'
BUDGETS = {"1 GiB": 1 << 30, "64 MiB": 64 << 20}
OTHER_ADDRESS = "127.0.0.2"


def forged_request() -> bytes:
    head = {"Host": HOST, "Content-Type": "application/json", "Content-Length": str(len(FORGED_BODY)),
            "X-API-KEY": webhook.API_KEY, "X-WEBHOOK-ID": "forged", "X-WEBHOOK-ATTEMPT": "1", "X-SIGNATURE": "0" * 64}
    lines = [f"POST {webhook.PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + FORGED_BODY


def forge(port: int, address: str, connections: int, made: multiprocessing.Semaphore, is_over: multiprocessing.Event,
          outcome: multiprocessing.Queue) -> None:
    """Sends forgeries over many connections, each as fast as it gets answers. `made`: released for each connection."""
    os.nice(19)
    statuses: collections.Counter[str] = collections.Counter()
    request = forged_request()

    def connection() -> None:
        while not is_over.is_set():
            with (contextlib.suppress(OSError, ValueError, IndexError),
                  socket.create_connection((HOST, port), timeout=5, source_address=(address, 0)) as client):
                made.release()
                while not is_over.is_set():
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        client.sendall(request)
                    answer = client.recv(4096)
                    if not answer:
                        break
                    statuses[answer.split(b" ", 2)[1].decode()] += 1

    threads = [threading.Thread(target=connection, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    outcome.put(dict(statuses))


def send_genuine(pipeline: Pipeline, seconds: float) -> tuple[list[float], collections.Counter]:
    """The acknowledgements' times, sorted, and the statuses."""
    client = http.client.HTTPConnection(HOST, pipeline.port, timeout=30)
    times: list[float] = []
    statuses: collections.Counter = collections.Counter()
    begun = time.monotonic()
    due = begun
    while due < begun + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / PER_SECOND
        number = str(uuid.uuid4())
        content = webhook.body(number)
        fields = webhook.fields(pipeline.stream_secret, HOST, content) | {"X-WEBHOOK-ID": number}
        started = time.monotonic()
        client.request("POST", webhook.PATH, content, fields)
        answer = client.getresponse()
        answer.read()
        times.append(time.monotonic() - started)
        statuses[answer.status] += 1
    client.close()
    return sorted(times), statuses


def row(times: list[float], statuses: collections.Counter, forged: dict[str, int]) -> dict:
    return {"p50_seconds": times[len(times) // 2], "p99_seconds": times[len(times) * 99 // 100],
            "longest_seconds": times[-1], "statuses": {str(key): count for key, count in statuses.items()},
            "forged": forged}


def beside(pipeline: Pipeline, address: str, options: argparse.Namespace) -> dict:
    """One phase with forgeries from that address."""
    context = multiprocessing.get_context("fork")
    made, is_over, outcome = context.Semaphore(0), context.Event(), context.Queue()
    forger = context.Process(
        target=forge, args=(pipeline.port, address, options.connections, made, is_over, outcome), daemon=True)
    forger.start()
    try:
        if not all(made.acquire(timeout=PATIENCE_SECONDS) for _ in range(options.connections)):
            raise Failure(f"the forger could not make {options.connections} connections.")
        times, statuses = send_genuine(pipeline, options.seconds)
    finally:
        is_over.set()
    forged = outcome.get(timeout=60)
    forger.join(timeout=10)
    return row(times, statuses, forged)


def measure(binaries: Path, folder: Path, budget_bytes: int, options: argparse.Namespace) -> dict[str, dict]:
    pipeline = Pipeline(binaries, folder, free_port(DOOR_PORT), Shape(1, 1, 30), [],
                        {"disk_budget_bytes": budget_bytes})
    try:
        pipeline.up()
        send_genuine(pipeline, 2)
        return {
            "alone": row(*send_genuine(pipeline, options.seconds), {}),
            "forgeries from another address": beside(pipeline, OTHER_ADDRESS, options),
            "forgeries from its own address": beside(pipeline, HOST, options),
        }
    finally:
        with uninterrupted():
            pipeline.end()


def is_met(phase: dict, alone: dict) -> bool:
    return set(phase["statuses"]) <= {"202"} and phase["p99_seconds"] < GOAL_RATIO * alone["p99_seconds"]


def table(outcome: dict) -> str:
    rows: list[str] = []
    for budget, phases in outcome.items():
        rows.append(f"journal of {budget}")
        for name, phase in phases.items():
            ratio = phase["p99_seconds"] / phases["alone"]["p99_seconds"]
            rows.append(
                f"  {name:31} p50 {1000 * phase['p50_seconds']:7.2f} ms  p99 {1000 * phase['p99_seconds']:7.2f} ms "
                f"(x {ratio:.2f}, goal {GOAL_RATIO:g})  longest {1000 * phase['longest_seconds']:7.1f} ms  "
                f"{phase['statuses']}  forged {phase['forged']}{'' if is_met(phase, phases['alone']) else '   MISSED'}")
    return "\n".join(rows)


def main() -> int:
    parser = workplace.parser("flood", "Measures what forged webhooks cost a genuine sender.", EXAMPLES)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase (default: 15)")
    parser.add_argument("--connections", type=int, default=64, help="of the forger (default: 64)")
    options = parser.parse_args()
    if options.seconds < 1 or options.connections < 1:
        raise Failure("--seconds and --connections take numbers of at least 1.")
    binaries = provide("release")
    figures: dict = {}
    outcome: dict[str, dict] = {}
    with workplace.measuring(options, figures) as folder:
        for number, (budget, budget_bytes) in enumerate(BUDGETS.items()):
            say(f"a journal of {budget} …")
            place = folder / str(number)
            place.mkdir()
            outcome[budget] = measure(binaries, place, budget_bytes, options)
    workplace.publish(options, figures | outcome, table(outcome))
    return 0 if all(is_met(phase, phases["alone"]) for phases in outcome.values() for phase in phases.values()) else 1


if __name__ == "__main__":
    sys.exit(run(main))

"""wrk: the load, at full speed or at a given rate, until it is stopped."""

import copy
import json
import math
import shutil
import signal
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from commandline import UNAVAILABLE, Failure

from . import webhook
from .children import start

LONGEST_SECONDS = 600
"""wrk ends by itself then, should the benchmark be killed."""
SCRIPT = Path(__file__).parent / "load.lua"
MARK = "BENCH "


@dataclass(frozen=True)
class LoadResult:
    """What wrk saw, from the start of a run to its end; durations in seconds."""

    requests: int
    seconds: float
    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    refused: int
    """Answers of 400 and more."""
    broken: int
    """Connections that could not be made, read from or written to."""
    timed_out: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def check(self, whose: str) -> None:
        """Fails where not every request was answered well: such a run measures something else."""
        if self.refused or self.broken or self.timed_out:
            raise Failure(f"{whose} answered {self.refused} requests with an error, {self.broken} connections broke "
                          f"and {self.timed_out} requests timed out; figures of such a run are worth nothing.")


class Load:
    """Makes runs; every one sends webhook ids that were never sent before."""

    def __init__(self, folder: Path, secret: str, connections: int, threads: int,
                 parts: tuple[bytes, bytes] = webhook.BODY_PARTS, calls: int = 1):
        """`parts`: the body around what differs. `calls`: how many the webhooks are about in turn, 100 at most."""
        self._folder, self._connections, self._threads, self._calls = folder, connections, threads, calls
        if shutil.which("wrk") is None:
            raise Failure("wrk is not installed; run 'scripts/bootstrap bench'.", UNAVAILABLE)
        (folder / "head").write_bytes(webhook.head("127.0.0.1", sum(map(len, parts)) + webhook.DIFFERENT_BYTES))
        for name, part in zip(("before", "after"), parts, strict=True):
            (folder / name).write_bytes(part)
        (folder / "secret").write_text(secret)
        (folder / "secret").chmod(0o600)

    def of_one_client(self) -> "Load":
        """The same, one request at a time."""
        single = copy.copy(self)
        single._connections = single._threads = 1
        return single

    def start(self, url: str, rate: float = 0.0) -> "Run":
        """`rate` is in requests per second, 0 for as many as are answered."""
        return Run(start(
            ["wrk", "--threads", str(self._threads), "--connections", str(self._connections), "--timeout", "10s",
             "--duration", f"{LONGEST_SECONDS}s", "--script", str(SCRIPT), url, "--",
             str(self._folder), uuid.uuid4().hex, f"{rate / self._threads:.3f}", str(self._calls)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))


class Run:
    """wrk at work. Leaving the context ends it in any case."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def go_on(self, seconds: float) -> None:
        """Lets it run for so long; fails when it ends meanwhile."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise Failure(f"wrk ended early: {self._process.stdout.read().strip()}.", UNAVAILABLE)

    def stop(self) -> LoadResult:
        """Interrupts wrk, which then says what it has seen."""
        self._process.send_signal(signal.SIGINT)
        try:
            words, _ = self._process.communicate(timeout=15)
        except subprocess.TimeoutExpired as error:
            raise Failure("wrk does not stop when it is interrupted.", UNAVAILABLE) from error
        for line in words.splitlines():
            if line.startswith(MARK):
                result = LoadResult(**json.loads(line.removeprefix(MARK)))
                if result.requests and math.isfinite(result.seconds):
                    return result
        raise Failure(f"wrk got no answer: {words.strip()}.", UNAVAILABLE)

"""Processes of stages: started so that they outlive the supervisor, found again by their pid files."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commandline import UNAVAILABLE, Failure
from executables import ROOT, STAGES

INSTANCE = re.compile(rf"({'|'.join(STAGES)})-(0|[1-9][0-9]?)")
REASONS = {64: ", wrong usage", 69: ", unavailable", 74: ", I/O", 75: ", it runs already", 78: ", configuration"}
FIRST_PASSED = 3  # where passed sockets begin, as the LISTEN_FDS protocol wants it (sd_listen_fds(3))
LISTEN_BACKLOG = 4096
ALWAYS = ("PATH", "HOME", "TZ", "LANG")
RUNTIME = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "SWIFT_BACKTRACE": "enable=no"}
FAULT_PREFIX = "TRIBUTARY_FAULT_"  # fault switches of debug builds, for the tests
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stage_environment(named: Iterable[str], ours: Mapping[str, str]) -> dict[str, str]:
    """The variables for one stage, those that its part of the configuration names, and what its runtime goes by unless
    ours say otherwise: the heap in huge pages, because misses of the TLB are expensive in a virtual machine; no
    backtrace of a trap, because its helper inherits the connections and keeps them open for ever, clients waiting."""
    return RUNTIME | {name: value for name, value in ours.items()
                      if name in ALWAYS or name in named or name in RUNTIME or name.startswith(FAULT_PREFIX)}


def open_listener(address: str = "127.0.0.1:0", beside_ours: bool = False) -> socket.socket:
    """A listening socket with SO_REUSEPORT, so that a later supervisor can bind beside it; where no address is given,
    one that nobody knows.

    `address`: 127.0.0.1:8080 or [::1]:8080, as `tributary` has checked it. `beside_ours`: a stage taken over still
    listens on it. Otherwise the port must be free: the kernel would let two pipelines share it and give each half of
    the webhooks.
    """
    host, _, port = address.rpartition(":")
    try:
        family, *_, target = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        kind = {"family": family, "dualstack_ipv6": family == socket.AF_INET6}
        if not beside_ours:
            socket.create_server(target, **kind).close()
        listener = socket.create_server(target, **kind, backlog=LISTEN_BACKLOG, reuse_port=True)
    except (OSError, ValueError) as error:
        raise Failure(
            f"cannot listen on {address} ({getattr(error, 'strerror', None) or error}); stop whoever uses it "
            f"(ss -ltnp shows who) or change 'listen' in the configuration.", UNAVAILABLE) from error
    listener.setblocking(False)
    return listener


def stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state (the third) on; nothing when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; nothing for the dead, unreaped ones included."""
    fields = stat_fields(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


@dataclass
class Process:
    """One running stage. Signals go through the pidfd, which can never mean another process."""

    pid: int
    ticks: int
    pidfd: int
    pid_path: Path
    environment: Mapping[str, str] | None  # what it was started with; nothing where that is not ours to see
    child: subprocess.Popen | None = None  # nothing where an earlier supervisor has started it

    @property
    def age_seconds(self) -> float:
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - self.ticks / os.sysconf("SC_CLK_TCK"))

    @property
    def is_stopped(self) -> bool:
        """Whether a signal (or a debugger) holds it."""
        return (stat_fields(self.pid) or "-")[0] in "Tt"

    async def ended(self) -> None:
        """Returns when it has ended: its pidfd is readable from then on."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.pidfd, over.set)
        await over.wait()
        loop.remove_reader(self.pidfd)

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def reap(self) -> str:
        """After the pidfd became readable: removes the pid file; how it ended, in words."""
        self.pid_path.unlink(missing_ok=True)
        os.close(self.pidfd)
        if self.child is None:
            return "ended (taken over, so its exit status is not ours to see)"
        code = self.child.wait()
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}{REASONS.get(code, '')}"


def adopt(pid_path: Path) -> Process | None:
    """The process that the pid file names, if it is alive and the very one: pids are reused, start times are not."""
    try:
        pid_text, ticks_text, boot = pid_path.read_text().split()
        pid, ticks = int(pid_text), int(ticks_text)
        pidfd = os.pidfd_open(pid)
    except (OSError, ValueError, OverflowError):  # it has ended, or the file names no process at all
        return None
    if boot != BOOT_ID or start_ticks(pid) != ticks:  # asked while the pidfd is open: from here on it stays true
        os.close(pidfd)
        return None
    environment = None
    with suppress(OSError):  # not to be seen of a stage with file capabilities
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape").split("\0")
        environment = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return Process(pid, ticks, pidfd, pid_path, environment)


def find_running(run_dir: Path) -> dict[str, Process]:
    """The stages that a supervisor has started in a run directory and that live, by instance."""
    found = {path.stem: adopt(path) for path in sorted(run_dir.glob("*.pid")) if INSTANCE.fullmatch(path.stem)}
    return {name: running for name, running in found.items() if running}


def start(arguments: list[str], environment: dict[str, str], path: Path, listener: socket.socket | None) -> Process:
    """Forks and executes, in a session of its own: a terminal's Ctrl-C is the supervisor's to judge. `path`: of the pid
    file and the log, without their endings.

    The child writes its own pid file before it executes, and until then it holds the supervisor's lock (an inherited
    descriptor that closes on exec). So wherever the supervisor is killed, the next one gets the lock only after
    every started stage can be found.
    """
    pid_path = path.with_suffix(".pid")

    def become_findable() -> None:
        pid = os.getpid()
        written = pid_path.with_name(f".{pid_path.name}.new")
        written.write_text(f"{pid} {start_ticks(pid)} {BOOT_ID}\n")
        written.rename(pid_path)
        os.environ.clear()
        os.environ.update(environment)
        if listener:  # the lock has that place until now, so no descriptor is there that this child still needs
            os.environ.update({"LISTEN_PID": str(pid), "LISTEN_FDS": "1"})
            os.dup2(listener.fileno(), FIRST_PASSED)

    try:
        with open(path.with_suffix(".log"), "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as log:
            child = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     umask=0o077, start_new_session=True, preexec_fn=become_findable,
                                     pass_fds=[FIRST_PASSED] if listener else [])
    except BaseException:
        pid_path.unlink(missing_ok=True)  # it names the child that could not be executed
        raise
    pidfd = os.pidfd_open(child.pid)  # a child that is not reaped keeps its pid, so this cannot be another process
    return Process(child.pid, start_ticks(child.pid) or 0, pidfd, pid_path, environment, child)

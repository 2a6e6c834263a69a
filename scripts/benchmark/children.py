"""The processes that the benchmark starts itself."""

import signal
import subprocess

PATIENCE_SECONDS = 5.0


def start(command: list, **more) -> subprocess.Popen:
    """In a process group of its own: a terminal's Ctrl-C is the benchmark's to judge."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **more)


def end(process: subprocess.Popen, number: signal.Signals = signal.SIGTERM) -> None:
    """Asks a process to end, waits, and kills it if it does not."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""A pipeline of fake stages in a temporary folder, and the supervisor's commands on it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUPERVISOR = HERE.parent.parent / "scripts" / "supervisor"

sys.path.insert(0, str(SUPERVISOR.parent))

from executables import STAGES as STAGES  # noqa: E402
from launcher import EXECUTABLES, PATIENCE_SECONDS, until  # noqa: E402
from launcher import free_port as free_port  # noqa: E402
from supervision.process import start_ticks  # noqa: E402


def is_alive(pid: int) -> bool:
    return start_ticks(pid) is not None


class Pipeline:
    """Executables, configuration, run and data directories below one folder; everything is killed at the end."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sv-", dir="/tmp"))
        self.binaries = self.folder / "bin"
        self.binaries.mkdir()
        for name in EXECUTABLES:
            shutil.copy(HERE / "fake_stage.py", self.binaries / name)
            (self.binaries / name).chmod(0o755)
        (self.binaries / "built").symlink_to(SUPERVISOR.parent.parent / ".build" / "debug" / "tributary")
        self.file = self.folder / "pipeline.json"
        self.tree = {
            "run_dir": str(self.folder / "run"), "data_dir": str(self.folder / "data"),
            "ingress": {"listen": "127.0.0.1:0", "instances": 1}, "verifier": {"instances": 1},
            "normaliser": {"instances": 2}, "router": {"listen": "127.0.0.1:0"},
            "environment": {"verifier": ["STREAM_SECRET"], "fanout-router": ["MY_APP_SECRET"]},
        }
        self.write()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": "/nowhere", "TRIBUTARY_BIN": str(self.binaries),
            "STREAM_SECRET": "s1", "MY_APP_SECRET": "s2", "UNRELATED": "x", "TRIBUTARY_FAULT_SLOW": "1",
        }

    def write(self) -> None:
        self.file.write_text(json.dumps(self.tree))

    def path(self, name: str, ending: str) -> Path:
        return self.folder / "run" / f"{name}.{ending}"

    def steer(self, instance: str, ending: str, text: str | None = "") -> None:
        path = self.folder / f"{instance}.{ending}"
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """The supervisor with these very arguments."""
        return subprocess.run([SUPERVISOR, *arguments], env=self.environment, text=True,
                              capture_output=True, timeout=PATIENCE_SECONDS)

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.run(*arguments, "--config", self.file)

    def good(self, *arguments: str) -> str:
        """The output of a command that must succeed."""
        ended = self.command(*arguments)
        assert ended.returncode == 0, f"{arguments} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def status(self) -> dict:
        return json.loads(self.command("status", "--json").stdout)

    def rows(self) -> dict[str, dict]:
        return {row["instance"]: row for row in self.status()["instances"]}

    def pid(self, instance: str) -> int:
        return int(self.path(instance, "pid").read_text().split()[0])

    def diary(self, what: str) -> list[dict]:
        path = self.folder / "diary"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if line["what"] == what]

    def kill(self, instance: str) -> int:
        """SIGKILL for an instance's present process; returns its pid."""
        pid = self.pid(instance)
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_supervisor(self) -> None:
        pid = int((self.folder / "run" / "supervisor.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid), "the supervisor dies")

    def post(self) -> bytes:
        """One request through the front door; waits like a provider does."""
        host, port = self.status()["listen"]["ingress-gateway"].split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(b"POST /in/stream HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            return connection.recv(1000)

    def living(self) -> list[tuple[str, int]]:
        """Instance and pid of every stage that was ever started here and lives."""
        return sorted((line["instance"], line["pid"]) for line in self.diary("start") if is_alive(line["pid"]))

    def close(self) -> None:
        supervisor = []
        with suppress(FileNotFoundError):  # one that ends takes its file along
            supervisor.append(int((self.folder / "run" / "supervisor.pid").read_text()))
        for pid in supervisor + [pid for _, pid in self.living()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until(lambda: not self.living(), "the fake stages die")
        shutil.rmtree(self.folder)

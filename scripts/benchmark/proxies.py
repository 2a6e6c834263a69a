"""nginx twice: the sink that plays the subscriber, and the bare reverse proxy in front of it."""

import shutil
import socket
import subprocess
from pathlib import Path

from commandline import UNAVAILABLE, Failure
from launcher import HOST, until

from .children import end, start

START_SECONDS = 5.0


def program() -> str:
    """Debian keeps it where only root's PATH leads."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Failure("nginx is not installed; run 'scripts/bootstrap bench'.", UNAVAILABLE)
    return found


class Nginx:
    """One nginx of one process, configured from the template of its name, all its files in `folder`."""

    def __init__(self, name: str, port: int, folder: Path, ports: dict[str, int]):
        self.name, self.port, self._folder = name, port, folder
        text = (Path(__file__).parent / f"{name}.conf").read_text().replace("@FOLDER@", str(folder))
        for place, number in ports.items():
            text = text.replace(f"@{place}@", str(number))
        self._file = folder / f"{name}.conf"
        self._file.write_text(text)
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        with (self._folder / f"{self.name}.out").open("wb") as out:
            self._process = start(
                [program(), "-p", str(self._folder), "-c", str(self._file)], stdout=out, stderr=out)
        until(lambda: self._process.poll() is not None or self._listens(), f"nginx as {self.name}", START_SECONDS)
        if self._process.poll() is not None:
            words = (self._folder / f"{self.name}.out").read_text(errors="replace").strip()
            raise Failure(f"nginx as {self.name} does not listen on {HOST}:{self.port}: {words or 'it says nothing'}.",
                          UNAVAILABLE)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)

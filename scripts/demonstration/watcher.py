"""A watcher of the demo: `tributary listen`, which reads the router's stream over WebSocket."""

import subprocess
import threading

from launcher import Pipeline


class Watcher:
    """Runs as long as its `with`; `lines` is what it printed so far, an event each."""

    def __init__(self, pipeline: Pipeline, *arguments: str):
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [pipeline.binaries / "tributary", "listen", *arguments, "--since", "earliest", "--output", "compact",
             "--config", pipeline.file],
            env=pipeline.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, process_group=0)
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self._reader.start()
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

"""The demo's own pipeline: a temporary copy of compose/demo.yaml, secrets made up for this run, and free ports."""

import base64
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from supervision.binaries import Binaries
from supervision.configuration import check_socket_paths
from supervision.failure import Failure

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "compose" / "demo.yaml"
HOST = "127.0.0.1"
DOOR_PORT, SUBSCRIBER_PORT = 8080, 9000


def free_port(wanted: int) -> int:
    """The wanted port, or another one where somebody listens on it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise Failure(f"no port is free on {HOST}.")


def made_up_secrets() -> dict[str, str]:
    """Secrets in the form in which each provider hands them out (Stream: text, FastPix: base64), tokens for those that
    sign nothing, and the signers'."""
    def random_base64() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {"STREAM_SECRET": secrets.token_hex(32), "FASTPIX_SECRET": random_base64(),
            "FISHJAM_PATH_TOKEN": secrets.token_hex(24), "SUPERVIZ_PATH_TOKEN": secrets.token_hex(24),
            "EYESON_PATH_TOKEN": secrets.token_hex(24),
            "EVERYTHING_SECRET": f"whsec_{random_base64()}", "CALLS_SECRET": f"whsec_{random_base64()}"}


class StageFolder:
    """Where the demo's stages run, and how its commands reach them."""

    def __init__(self, binaries: Binaries, subscriber_port: int):
        self.secrets = made_up_secrets()
        self.folder = self._new_folder()
        self.file = self.folder / "demo.yaml"
        text = CONFIGURATION.read_text()
        text = re.sub(r"(?m)^run_dir: .*", f"run_dir: {self.folder}/run", text)
        text = re.sub(r"(?m)^data_dir: .*", f"data_dir: {self.folder}/data", text)
        self.door_port = free_port(DOOR_PORT)
        text = text.replace(f"{HOST}:{DOOR_PORT}", f"{HOST}:{self.door_port}")
        self.file.write_text(text.replace(f"{HOST}:{SUBSCRIBER_PORT}", f"{HOST}:{subscriber_port}"))
        self._binaries = binaries
        self.environment = os.environ | self.secrets | {"TRIBUTARY_BIN": str(binaries.folder)}

    def _new_folder(self) -> Path:
        beside = ROOT / "run"
        try:
            check_socket_paths(beside / "demo-12345678" / "run", CONFIGURATION)
            beside.mkdir(mode=0o700, exist_ok=True)
        except (Failure, OSError):
            beside = Path(tempfile.gettempdir())  # the repository lies too deep for socket names, or is read-only
        return Path(tempfile.mkdtemp(prefix="demo-", dir=beside))

    def supervisor(self, *arguments: str) -> None:
        """Runs a supervisor command whose output is for the reader."""
        self._run([ROOT / "scripts" / "supervisor", *arguments, "--config", self.file])

    def tributary(self, *arguments: str) -> str:
        """Runs the operator's command-line tool and answers its output."""
        return self._run([self._binaries.folder / "tributary", *arguments, "--config", self.file], captures=True)

    def _run(self, command: list, captures: bool = False) -> str:
        sys.stdout.flush()
        ended = subprocess.run(command, env=self.environment, cwd=ROOT, text=True,
                               stdout=subprocess.PIPE if captures else None)
        if ended.returncode != 0:
            raise Failure(f"'{' '.join(map(str, command))}' ended with {ended.returncode}; "
                          f"the stages' logs are in {self.folder}/run.")
        return ended.stdout or ""

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
